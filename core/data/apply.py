"""Writing a staged import: one transaction that moves whole tables, and does nothing for a single row.

Everything was worked out beforehand, so the transaction only looks whether the check still holds, and inserts: SQLite
from the spool itself, PostgreSQL by COPY. Whoever else writes waits for it on SQLite; on PostgreSQL only another import
does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.access import ANONYMOUS, Acting, Ground
from core.data.facts import news
from core.data.stage import Counts, Stage
from core.data.values import quotable
from core.database import Transaction
from core.database.dialect import SQLITE
from core.enums import ImportState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, AreaClosure, DataImport, Membership, RegisterNumber, SearchEntry, SearchTerm
from core.models.event import EPOCH_BASE, Event, Transition
from core.rules.areas import hold_settings, refresh_reach
from core.runtime import Runtime
from core.synchronize import index_names
from core.work import Work

CHUNK = 10_000
MANY = 1_000  # new rows: what the database knew of its tables is out of date
CACHE_KB = 64_000  # SQLite keeps the pages it changes in memory this far, and no further
ONE_IMPORT = 0x67_7A_69_6D
KEEP = timedelta(days=1)
# A row comes after those it refers to.
ORDER = (Area, AreaClosure, Actor, Membership, RegisterNumber)


class CheckedTooEarly(Exception):
    """Something happened since the check; check again."""


@dataclass(frozen=True)
class Applied:
    """The import's row, and how long others had to wait."""

    id: UUID
    seconds: float


async def apply(
    runtime: Runtime,
    stage: Stage,
    counts: Counts,
    since: int,
    *,
    file_name: str = "",
    row_id: UUID | None = None,
    account_id: UUID | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> Applied:
    """Write what `stage` made. `row_id` is the DataImport that waits for it, `account_id` that of whoever asked;
    without them the server itself imports. Raises CheckedTooEarly, or the Refusal of a guard or permission."""
    database = runtime.database
    sqlite = database.dialect is SQLITE
    assert stage.top is not None
    reach = database.attached(stage.path, CACHE_KB) if sqlite else nullcontext("main")
    async with reach as spool, database.transaction() as transaction:
        began = monotonic()
        if not sqlite:
            await transaction.fetch(f"SELECT pg_advisory_xact_lock({ONE_IMPORT})")
        work = await _work(runtime, transaction, account_id)
        if any(a.new for a in stage.areas.values()):
            await hold_settings(work)
        if await work.rows(news(database, {s.plugin for s in stage.sheets} - {"core"}), since):
            raise CheckedTooEarly
        ground = await _ground(work, stage)
        summary = await _summary(work, stage, counts, file_name, row_id)
        event = work.record(
            "core.import.applied", summary, area_id=stage.top.id, data={"rows": counts.rows, "new": counts.new}
        )
        writer = await _Writer.of(work, stage, spool, event.id, ground)
        areas, made = stage.db.execute(
            "SELECT coalesce(max(made) FILTER (WHERE type = 'core.area.created'), 0), count(*) FROM core_event"
        ).fetchone()
        await writer.write(1, areas, progress)
        # What is on in the new areas must be known before a plugin's rows come.
        for area in stage.areas.values():
            if area.new and (len(area.chain) == 1 or not stage.areas[area.chain[-2]].new):
                refresh_reach(work, area.id)
        await work.flush_now()
        await writer.write(areas + 1, made, progress)
        await work.flush()
    seconds = monotonic() - began
    runtime.dispatcher.wake()
    many = counts.new >= MANY
    if many:
        await database.analyze(writer.models)
    await index_names(database, runtime.kernel)  # not in the transaction that others wait for; a start catches up too
    if many:
        await database.analyze([SearchEntry, SearchTerm])
    return Applied(summary.id, seconds)


async def _work(runtime: Runtime, transaction: Transaction, account_id: UUID | None) -> Work:
    who = ANONYMOUS if account_id is None else await runtime.viewer_of(account_id, transaction.fetch)
    return Work(transaction, runtime.kernel, who, Acting(), system=account_id is None)


async def may(runtime: Runtime, stage: Stage, account_id: UUID) -> None:
    """Refuses what `apply` would refuse for want of a permission."""
    async with runtime.database.transaction() as transaction:
        await _ground(await _work(runtime, transaction, account_id), stage)


async def _ground(work: Work, stage: Stage) -> Ground:
    """On what the events rest. The importer needs `core.import`, and what each sheet would need by hand."""
    assert stage.top is not None
    used = {r[0] for r in stage.db.execute("SELECT DISTINCT sheet FROM row")}
    if stage.top.new:
        where: Any = Area(id=stage.top.id)
        if not work.system:
            raise Refusal("UNKNOWN_AREA", area=stage.top.code)
    else:
        where = await work.get(Area, stage.top.id)
    for sheet in stage.sheets:
        if sheet.name in used and sheet.plugin == "core":
            work.require(sheet.permission, where)
        elif sheet.name in used:
            # Where the plugin is off was found row by row; here it is about the role alone.
            _require_role(work, sheet.permission, where)
    return work.require("core.import", where)


def _require_role(work: Work, permission: str, where: Area) -> None:
    try:
        work.require(permission, where)
    except Refusal as refusal:
        if refusal.code != "PLUGIN_DISABLED":
            raise


async def _summary(work: Work, stage: Stage, counts: Counts, file_name: str, row_id: UUID | None) -> DataImport:
    assert stage.top is not None
    numbers = {"rows": counts.rows, "rows_new": counts.new, "rows_known": counts.known, "rows_bad": 0}
    if row_id is not None:
        row = await work.lock(DataImport, row_id)
        if row.state is not ImportState.APPLYING or row.expires_at <= work.now:
            raise Refusal("IMPORT_STATE", state=row.state)
        return work.change(row, state=ImportState.APPLIED, **numbers)
    row = DataImport(
        id=new_id(), area_id=stage.top.id, file_name=quotable(file_name), state=ImportState.APPLIED, received_at=work.now,
        expires_at=work.now + KEEP, **numbers,
    )  # fmt: skip
    return work.add(row)


class _Writer:
    """Moves what was made from the spool into the database."""

    def __init__(self, work: Work, stage: Stage, spool: str, fixed: dict[str, Any]) -> None:
        """`fixed` are the columns of the events that were not known before."""
        self.work, self.stage, self.spool, self.fixed = work, stage, spool, fixed
        place: dict[type[Model], int] = {model: i for i, model in enumerate(ORDER)}
        rest = sorted(stage.made, key=lambda m: (place.get(m, len(ORDER)), m._meta.db_table))
        self.models: list[type[Model]] = [Event, Transition, *rest]

    @classmethod
    async def of(cls, work: Work, stage: Stage, spool: str, cause_id: UUID, ground: Ground) -> _Writer:
        sqlite = work.transaction.database.dialect is SQLITE
        xact = "0" if sqlite else f"pg_current_xact_id()::text::bigint + {EPOCH_BASE}"
        fixed = {
            "transaction_id": (await work.rows(f"SELECT {xact} AS id"))[0]["id"],
            "actor_id": None if work.system else work.viewer.person_id,
            "authority": ground.authority,
            "permission": ground.permission,
            "grant_id": ground.grant_id,
            "mandate_id": ground.mandate_id,
            "cause_id": cause_id,
            "occurred_at": work.now,
            "recorded_at": work.now,
        }
        return cls(work, stage, spool, {name: SQLITE.encode(value) for name, value in fixed.items()})

    async def write(self, first: int, last: int, progress: Callable[[int], None]) -> None:
        """Whatever `first` to `last` became, one table after the other."""
        done = 0
        for model in self.models:
            for start in range(first, last + 1, CHUNK):
                end = min(start + CHUNK - 1, last)
                await self._move(model, start, end)
                done += end - start + 1
                progress(first - 1 + done // len(self.models))

    async def _move(self, model: type[Model], first: int, last: int) -> None:
        transaction, table = self.work.transaction, model._meta.db_table
        staged = [r[1] for r in self.stage.db.execute(f"PRAGMA table_info({table})")][1:]
        fixed = self.fixed if model is Event else {}
        columns = [*staged, *fixed]
        shown = ", ".join([*staged, *"?" * len(fixed)])
        select = f"SELECT {shown} FROM {self.spool}.{table} WHERE made BETWEEN ? AND ? ORDER BY made, rowid"
        values = [*fixed.values(), first, last]
        if transaction.database.dialect is SQLITE:
            await transaction.fetch(f"INSERT INTO {table} ({', '.join(columns)}) {select}", *values)
        else:
            rows = await asyncio.to_thread(self._decoded, model, columns, select, values)
            await transaction.copy(table, columns, rows)

    def _decoded(self, model: type[Model], columns: list[str], select: str, values: list[Any]) -> list[tuple[Any, ...]]:
        """Staged rows as PostgreSQL takes them."""
        of = {f.source_field or f.model_field_name: _DECODE.get(type(f)) for f in model._meta.fields_map.values()}
        change = [of.get(c) for c in columns]
        return [
            tuple(v if f is None or v is None else f(v) for f, v in zip(change, row, strict=True))
            for row in self.stage.db.execute(select, values)
        ]


_DECODE: dict[type, Callable[[Any], Any]] = {
    fields.DatetimeField: datetime.fromisoformat,
    fields.DateField: date.fromisoformat,
    fields.BooleanField: bool,
}


__all__ = ["Applied", "CheckedTooEarly", "apply", "may"]
