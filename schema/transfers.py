"""Files coming in and going out: the two routes, and the worker that checks, takes in and makes them.

Nothing long happens inside a request or a transaction of a rule: a mutation says what is wanted, the worker does it
as whoever asked, and the row tells how far it is. Files lie in a private folder for a day at most.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from core.access import Viewer
from core.data import rules
from core.data.apply import may
from core.data.bring import Import
from core.data.findings import Finding, UnreadableFile, write_report
from core.data.read import MAX_FILE, check
from core.data.sheets import Sheet
from core.data.stage import Counts, Stage
from core.data.write import writing
from core.enums import ExportFormat, ExportState, ImportState
from core.errors import Refusal
from core.holdings import HOLDINGS, write_holdings
from core.ids import from_global, new_id, to_global
from core.messages import choose_language
from core.models import DataExport, DataImport
from core.runtime import Command, Runtime
from core.settings.store import as_uuid
from core.work import Work
from schema.answers import BODY_SECONDS, CLOSE, SAFE, Refused, answer, refuse
from schema.execution import GraphQL
from schema.export import Export
from schema.rates import OverLimit

log = structlog.get_logger("gongzhi.transfers")

LOOK_SECONDS = 1.0
AGAIN = "2"  # seconds after which to ask for a file that is not ready
TAKEN = timedelta(minutes=1)  # renewed while it is worked on; after a crash somebody takes it up then
MEDIA = {
    "XLSX": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "CSV": "text/csv; charset=utf-8",
    "JSON": "application/json",
}
Act = Callable[[Request], Awaitable[Response]]


class Transfers:
    """The worker of one process. `run_due` does what waits; `start` does so until `stop`."""

    def __init__(self, runtime: Runtime, graphql: GraphQL, sheets: Sequence[Sheet], folder: Path) -> None:
        self.runtime, self.graphql, self.sheets, self.folder = runtime, graphql, sheets, folder
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    def file(self, kind: str, id: UUID) -> Path:
        return self.folder / f"{id}.{kind}"

    def open_folder(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def start(self) -> None:
        self._stopping.clear()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Finish what is under way and end."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None
        self._stopping.clear()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.run_due()
            except Exception:
                log.exception("could not look for files to work on; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def run_due(self) -> int:
        """Work on everything that waits, and clear away what is over; how many files."""
        done = 0
        for table, states, act in (
            ("core_data_import", "'CHECKING', 'APPLYING'", self._import),
            ("core_data_export", "'QUEUED'", self._export),
        ):
            while not self._stopping.is_set() and (id := await self._take(table, states)) is not None:
                holding = asyncio.create_task(self._hold(table, id))
                try:
                    await act(id)
                finally:
                    holding.cancel()
                done += 1
        await self._expire()
        return done

    async def _take(self, table: str, states: str) -> UUID | None:
        """One that waits, held for a while so that no other worker takes it too."""
        database, now = self.runtime.database, self.runtime.clock.now()
        free = f"state IN ({states}) AND (taken_until IS NULL OR taken_until < {{now}})"
        waiting = free.format(now=database.dialect.mark(1))
        if not await database.read(f"SELECT 1 FROM {table} WHERE {waiting} LIMIT 1", [now]):
            return None
        async with database.transaction() as transaction:
            mark = database.dialect.mark
            skip = f"{database.dialect.lock} SKIP LOCKED" if database.dialect.lock else ""
            rows = await transaction.fetch(
                f"UPDATE {table} SET taken_until = {mark(1)} WHERE {free.format(now=mark(2))}"
                f" AND id = (SELECT id FROM {table} WHERE {free.format(now=mark(2))} ORDER BY id LIMIT 1{skip}) RETURNING id",
                now + TAKEN,
                now,
            )
        return as_uuid(rows[0]["id"]) if rows else None

    async def _hold(self, table: str, id: UUID) -> None:
        """Go on holding what is worked on."""
        mark = self.runtime.database.dialect.mark
        while True:
            await asyncio.sleep(TAKEN.total_seconds() / 3)
            with contextlib.suppress(Refusal):  # the import's own transaction holds the row, which is as good
                async with self.runtime.database.transaction() as transaction:
                    await transaction.fetch(
                        f"UPDATE {table} SET taken_until = {mark(1)} WHERE id = {mark(2)}",
                        self.runtime.clock.now() + TAKEN,
                        id,
                    )

    # --- in ------------------------------------------------------------------------------------------------

    async def _import(self, id: UUID) -> None:
        row = await DataImport.get(id=id).prefetch_related("area")
        path, runtime = self.file("import", id), self.runtime
        if not path.exists():
            await self._tell(id, Counts(), [Finding("FILE_MISSING")], True)
            return
        job = Import(
            runtime, self.sheets, self.folder, path, area=row.area.code, only=row.sheet, strict=row.strict,
        )  # fmt: skip
        told: list[Finding] = []

        def keep(stage: Stage, counts: Counts) -> None:
            write_report(self.file("csv", id), stage.findings(), runtime.messages)
            told[:] = [f for f, _ in zip(stage.findings(), range(rules.TOLD), strict=False)]

        counts = Counts()
        try:
            if row.state is ImportState.APPLYING:
                counts, done = await job.bring(keep, row_id=id, account_id=row.account_id)
                await self._tell(id, counts, told, done is None)
            else:
                async with job.checked() as (stage, counts, _):
                    keep(stage, counts)
                    assert row.account_id is not None
                    await may(runtime, stage, row.account_id)
                await self._tell(id, counts, told, job.stops(counts))
        except Refusal as refusal:
            values = {k: str(v) for k, v in refusal.values.items() if k in ("permission", "reason", "area", "state")}
            await self._tell(id, counts, [Finding(refusal.code, values=values), *told], True)
        except Exception:
            log.exception("an import failed", id=str(id))
            await self._tell(id, counts, [Finding("INTERNAL_ERROR", values={"id": str(id)[-12:]})], True)
        if (await DataImport.get(id=id)).state is ImportState.APPLIED:
            path.unlink(missing_ok=True)

    async def _tell(self, id: UUID, counts: Counts, findings: list[Finding], refused: bool) -> None:
        async def rule(work: Work) -> dict[str, Any]:
            row = await rules.tell_import(
                work, import_id=id, counts=counts, findings=findings, messages=self.runtime.messages, refused=refused
            )
            return {"state": row.state}

        if (await self.runtime.as_system(rule))["state"] is ImportState.EXPIRED:
            self._clear(id)

    # --- out -----------------------------------------------------------------------------------------------

    async def _export(self, id: UUID) -> None:
        row = await DataExport.get(id=id)
        self.open_folder()
        path, rows, failure = self.file("export", id), 0, None
        try:
            viewer = await self.runtime.viewer_of(row.account_id)
            if not viewer.signed_in:
                raise Refusal("NOT_SIGNED_IN")
            path.touch(0o600)
            if row.list_name == HOLDINGS:
                assert viewer.person_id is not None
                rows = await write_holdings(self.runtime.database, viewer.person_id, self.runtime.clock.now(), path)
            else:
                export = Export(self.graphql, row.list_name, language=row.language, **row.request)
                with writing(path, ExportFormat(row.format), export.title or row.list_name) as writer:
                    rows = await export.write(writer, viewer)
        except Refusal as refusal:
            failure = refusal.code
        except Exception:
            log.exception("an export failed", id=str(id))
            failure = "INTERNAL_ERROR"

        async def rule(work: Work) -> dict[str, Any]:
            row = await rules.end_export(work, export_id=id, rows=rows, failure=failure)
            return {"state": row.state}

        if (await self.runtime.as_system(rule))["state"] is not ExportState.READY:
            self._clear(id)

    def _clear(self, id: UUID) -> None:
        for kind in ("import", "csv", "export"):
            self.file(kind, id).unlink(missing_ok=True)

    async def _expire(self) -> None:
        mark, now = self.runtime.database.dialect.mark, self.runtime.clock.now()
        cases: tuple[tuple[str, str, Callable[[Work, UUID], Awaitable[None]]], ...] = (
            ("core_data_import", "'RECEIVED', 'CHECKED', 'REFUSED'", rules.expire_import),
            ("core_data_export", "'READY'", rules.expire_export),
        )
        for table, states, act in cases:
            over = f"SELECT id FROM {table} WHERE state IN ({states}) AND expires_at <= {mark(1)} LIMIT 100"
            for (found,) in await self.runtime.database.read(over, [now]):
                id = as_uuid(found)

                async def rule(
                    work: Work, id: UUID = id, act: Callable[[Work, UUID], Awaitable[None]] = act
                ) -> dict[str, Any]:
                    await act(work, id)
                    return {}

                await self.runtime.as_system(rule)
                self._clear(id)

    # --- routes --------------------------------------------------------------------------------------------

    def routes(self, viewer: Callable[[Request], Awaitable[Viewer]], limited: Callable[[Act], Act]) -> list[Route]:
        """`viewer` knows the bearer token, `limited` keeps a route within the quotas."""

        def contained(
            act: Callable[[Request, Viewer, str], Awaitable[Response]],
        ) -> Callable[[Request], Awaitable[Response]]:
            async def respond(request: Request) -> Response:
                spoken = choose_language(request.headers.get("accept-language", ""))
                try:
                    who = await viewer(request)
                    if not who.signed_in:
                        raise Refusal("NOT_SIGNED_IN")
                    return await act(request, who, spoken)
                except OverLimit:
                    raise
                except Refusal as refusal:
                    if not isinstance(refusal, Refused):
                        status = _STATUS.get(refusal.code, 422)
                        refusal = Refused(status, refusal.code, CLOSE if status == 413 else {}, **refusal.values)
                    return refuse(refusal, self.runtime.messages, spoken)
                except Exception as error:
                    return answer({"errors": [self.graphql.errors.internal(error, spoken)]}, 500)

            return limited(respond)

        return [
            Route("/imports", contained(self.receive), methods=["POST"]),
            Route("/imports/{id}", contained(self.report), methods=["GET"]),
            Route("/exports/{id}", contained(self.fetch), methods=["GET"]),
        ]

    async def receive(self, request: Request, viewer: Viewer, language: str) -> Response:
        """`POST /imports?area=CODE&name=FILE` with the file as the body; answers `{"id": "dataimport_…"}`."""
        area, name = request.query_params.get("area", ""), request.query_params.get("name", "")
        command = Command("imports", viewer)

        async def allowed(work: Work) -> dict[str, Any]:
            await rules.may_receive(work, area)
            return {}

        await self.runtime.perform(command, allowed)
        id = new_id()
        path = self.file("import", id)
        self.open_folder()
        path.touch(0o600)
        try:
            await _keep_body(request, path)
            await asyncio.to_thread(check, path)

            async def rule(work: Work) -> dict[str, Any]:
                row = await rules.receive_import(work, id=id, area=area, file_name=name)
                return {"id": to_global(row.tag, row.id)}

            made = await self.runtime.perform(command, rule)
        except UnreadableFile as error:
            path.unlink(missing_ok=True)
            raise Refusal(error.finding.code, **error.finding.values) from None
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return answer(made.outcome, 201)

    async def report(self, request: Request, viewer: Viewer, language: str) -> Response:
        """`GET /imports/<id>`: every finding, as CSV; refuses FILE_NOT_READY (409) and FILE_GONE (410)."""
        id = from_global(request.path_params["id"], "dataimport", "id")
        found = await self._sees("dataImport", request.path_params["id"], viewer, "state")
        path = self.file("csv", id)
        if not path.exists():
            raise _no_file(is_coming=found["state"] in ("RECEIVED", "CHECKING", "APPLYING"))
        return _file(path, "CSV", "report.csv")

    async def fetch(self, request: Request, viewer: Viewer, language: str) -> Response:
        """`GET /exports/<id>`: the file, for whoever asked for it; refuses FILE_NOT_READY (409) and FILE_GONE (410)."""
        id = from_global(request.path_params["id"], "dataexport", "id")
        found = await self._sees("dataExport", request.path_params["id"], viewer, "list format state")
        path = self.file("export", id)
        if found["state"] != "READY" or not path.exists():
            raise _no_file(is_coming=found["state"] == "QUEUED")
        return _file(path, found["format"], f"{found['list']}.{found['format'].lower()}")

    async def _sees(self, root: str, id: str, viewer: Viewer, fields: str) -> dict[str, Any]:
        """The row as the viewer sees it; refuses NOT_FOUND."""
        answer = await self.graphql.execute(
            f"query($id: ID!) {{ {root}(id: $id) {{ {fields} }} }}", {"id": id}, viewer=viewer
        )
        found = orjson.loads(orjson.dumps(answer))
        if not found.get("data") or found["data"][root] is None:
            raise Refusal("NOT_FOUND", kind="file")
        row: dict[str, Any] = found["data"][root]
        return row


_STATUS = {
    "NOT_SIGNED_IN": 401, "NOT_PERMITTED": 403, "NOT_FOUND": 404, "UNKNOWN_AREA": 404, "BAD_ID": 404,
    "FILE_TOO_LARGE": 413, "TOO_MANY_FILES": 429,
}  # fmt: skip


def _no_file(*, is_coming: bool) -> Refused:
    return Refused(409, "FILE_NOT_READY", {"retry-after": AGAIN}) if is_coming else Refused(410, "FILE_GONE")


def _file(path: Path, format: str, name: str) -> Response:
    return FileResponse(path, media_type=MEDIA[format], filename=name, headers=SAFE)


async def _keep_body(request: Request, path: Path) -> None:
    """The body onto the disk, no further than a file may be large."""
    if int(request.headers.get("content-length", "0") or 0) > MAX_FILE:
        raise UnreadableFile("FILE_TOO_LARGE", limit=MAX_FILE // 1_000_000)
    size, loop = 0, asyncio.get_running_loop()
    with path.open("wb") as file:
        try:
            async with asyncio.timeout(BODY_SECONDS) as patience:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > MAX_FILE:
                        raise UnreadableFile("FILE_TOO_LARGE", limit=MAX_FILE // 1_000_000)
                    await asyncio.to_thread(file.write, chunk)
                    patience.reschedule(loop.time() + BODY_SECONDS)
        except ClientDisconnect:
            raise Refusal("FILE_BROKEN") from None
        except TimeoutError:
            raise Refused(408, "BODY_TOO_SLOW", CLOSE) from None
