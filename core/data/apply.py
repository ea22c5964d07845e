"""Writing a staged import: one transaction, events and rows in bulk, nothing read per row.

Everything was worked out beforehand, so the transaction only looks whether the check still holds, and inserts. Whoever
else writes waits for it on SQLite; on PostgreSQL only another import does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from time import monotonic
from typing import Any
from uuid import UUID

import orjson
from tortoise import fields

from core.access import ANONYMOUS, Acting, Ground
from core.data.facts import news
from core.data.stage import Counts, Stage
from core.data.values import quotable
from core.database import Transaction
from core.enums import ImportState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, AreaClosure, DataImport, Membership, RegisterNumber
from core.models.event import EPOCH_BASE
from core.rules.areas import hold_settings, refresh_reach
from core.runtime import Runtime
from core.synchronize import index_names
from core.work import Work

CHUNK = 2_000
CACHE_KB = 64_000  # SQLite keeps the pages it changes in memory this far, and no further
ONE_IMPORT = 0x67_7A_69_6D
KEEP = timedelta(days=1)
# A row comes after those it refers to.
ORDER = [m._meta.db_table for m in (Area, AreaClosure, Actor, Membership, RegisterNumber)]


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
    sqlite = database.dialect.name == "sqlite"
    assert stage.top is not None
    async with database.transaction() as transaction:
        began = monotonic()
        if sqlite:
            await transaction.fetch(f"PRAGMA cache_size = -{CACHE_KB}")
        else:
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
        writer = _Writer(work, event.id, ground)
        done = 0
        for areas in (True, False):
            made = stage.db.execute(
                f"SELECT m.* FROM made m WHERE (m.type = 'core.area.created') = {areas} ORDER BY m.id"
            )
            while some := made.fetchmany(CHUNK):
                await writer.chunk(stage, some)
                done += len(some)
                progress(done)
            if areas:  # what is on in the new areas must be known before a plugin's rows come
                for area in stage.areas.values():
                    if area.new and (len(area.chain) == 1 or not stage.areas[area.chain[-2]].new):
                        refresh_reach(work, area.id)
                await work.flush_now()
        await work.flush()
    seconds = monotonic() - began
    if sqlite:
        await _restore_cache(runtime)
    runtime.dispatcher.wake()
    await index_names(database, runtime.kernel)  # not in the transaction that others wait for; a start catches up too
    return Applied(summary.id, seconds)


async def _restore_cache(runtime: Runtime) -> None:
    async with runtime.database.transaction() as transaction:
        await transaction.fetch("PRAGMA cache_size = -2000")


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
        if row.state is not ImportState.APPLYING:
            raise Refusal("IMPORT_STATE", state=str(row.state))
        return work.change(row, state=ImportState.APPLIED, **numbers)
    row = DataImport(
        id=new_id(), area_id=stage.top.id, file_name=quotable(file_name), state=ImportState.APPLIED, received_at=work.now,
        expires_at=work.now + KEEP, **numbers,
    )  # fmt: skip
    return work.add(row)


class _Writer:
    """Inserts events, their transitions and their rows, a chunk at a time."""

    def __init__(self, work: Work, cause_id: UUID, ground: Ground) -> None:
        self.work = work
        self.sqlite = work.transaction.database.dialect.name == "sqlite"
        self.ground = ground
        self.cause_id = cause_id
        self._tables: dict[str, tuple[str, list[Callable[[Any], Any] | None]]] = {}

    def _insert(self, table: str, columns: list[str], fixed: dict[str, str] | None = None) -> str:
        mark = self.work.transaction.database.dialect.mark
        marks = [mark(i + 1) for i in range(len(columns))]
        names = [*columns, *(fixed or {})]
        return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join([*marks, *(fixed or {}).values()])})"

    def _table(self, name: str) -> tuple[str, list[Callable[[Any], Any] | None]]:
        """The statement of a table, and how its staged values become bound ones."""
        if name not in self._tables:
            model = next(m for m in self.work.transaction.database.models if m._meta.db_table == name)
            meta = model._meta
            decode: list[Callable[[Any], Any] | None] = []
            for field_name in meta.fields_db_projection:
                field = meta.fields_map[field_name]
                if self.sqlite:
                    decode.append(None)
                elif isinstance(field, fields.DatetimeField):
                    decode.append(datetime.fromisoformat)
                elif isinstance(field, fields.DateField):
                    decode.append(date.fromisoformat)
                else:
                    decode.append(None)
            self._tables[name] = (self._insert(name, list(meta.fields_db_projection.values())), decode)
        return self._tables[name]

    async def chunk(self, stage: Stage, made: list[tuple[Any, ...]]) -> None:
        """`made` are (id, event, type, area, tag, subject, data), one after the other."""
        if not made:
            return
        work, encode = self.work, self.work.transaction.database.dialect.encode
        owner = work.kernel.owner
        ground, now = self.ground, encode(work.now)
        person = None if work.system else encode(work.viewer.person_id)
        put = work.transaction.execute_many
        rest = (
            person, encode(ground.authority), ground.permission, encode(ground.grant_id), encode(ground.mandate_id),
            encode(self.cause_id),
        )  # fmt: skip
        events = [
            (event, kind, owner(kind), area, tag, subject, *rest, data, now, now)
            for _, event, kind, area, tag, subject, data in made
        ]
        columns = [
            "id", "type", "plugin", "area_id", "subject_tag", "subject_id", "actor_id", "authority", "permission",
            "grant_id", "mandate_id", "cause_id", "data", "occurred_at", "recorded_at",
        ]  # fmt: skip
        xact = "0" if self.sqlite else f"pg_current_xact_id()::text::bigint + {EPOCH_BASE}"
        await put(self._insert("core_event", columns, {"transaction_id": xact}), events)
        rows = stage.db.execute(
            "SELECT m.event, r.model, r.tag, r.id, r.state, r.cells FROM made_row r JOIN made m ON m.id = r.made"
            " WHERE r.made BETWEEN ? AND ? ORDER BY r.rowid",
            (made[0][0], made[-1][0]),
        ).fetchall()
        transitions = [
            (str(new_id()), event, tag, id, state) for event, _, tag, id, state, _ in rows if tag is not None
        ]
        await put(
            self._insert("core_transition", ["id", "event_id", "subject_tag", "subject_id", "to_state"]), transitions
        )
        place = {name: i for i, name in enumerate(ORDER)}
        rows.sort(key=lambda r: (place.get(r[1], len(place)), r[1]))
        for table, group in groupby(rows, itemgetter(1)):
            sql, decode = self._table(table)
            values = [orjson.loads(r[5]) for r in group]
            for position, convert in enumerate(decode):
                if convert is not None:
                    for row in values:
                        if row[position] is not None:
                            row[position] = convert(row[position])
            await put(sql, values)


__all__ = ["Applied", "CheckedTooEarly", "apply", "may"]
