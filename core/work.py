"""The unit of work: permission, rule, rows, event, idempotency and version in one transaction, few round trips.

A rule reads and locks rows, asks `require`, queues `add` and `change`, and names what happened with `record`.
Nothing is written before the rule has ended; then events go first and rows after them, so that the database can
check that every row it takes has an event behind it (INV22) and every event an authority (INV13).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model

from core.access import Acting, Ground, Viewer
from core.clock import to_millisecond
from core.database import Transaction
from core.enums import Authority
from core.errors import Conflict, GongzhiError, NotPermitted, Refusal
from core.ids import new_id
from core.kernel import Kernel
from core.models import Area, Entity, Logged
from core.settings import Settings
from core.settings.store import as_instant, as_uuid

M = TypeVar("M", bound=Model)
L = TypeVar("L", bound=Logged)

ON_BEHALF = "core.act_on_behalf"
EVENTS = 400  # written in one statement
PARAMETERS = 30_000  # of one statement; both databases take a few more
LATEST_ENTRY = timedelta(days=92)  # how long after the fact something may be entered at the desk
S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Place:
    """Where a row lies: its area and those above, from the root down, and the plugins that are on there."""

    chain: tuple[UUID, ...]
    plugins: frozenset[str]


@dataclass
class PendingEvent:
    id: UUID
    type: str
    plugin: str
    area_id: UUID | None
    subject: Entity
    ground: Ground
    data: dict[str, Any]
    occurred_at: datetime
    text: dict[str, str]
    transitions: list[tuple[str, UUID, str | None, str | None]] = field(default_factory=list)


@dataclass
class _Write:
    row: Entity
    changed: dict[str, Any] | None  # None: a new row
    expected: int = 0
    from_state: Any = None
    event: PendingEvent | None = None


class Work:
    """Given to every rule. Made by `Desk.perform` for requests and by the event dispatcher for handlers."""

    def __init__(
        self,
        transaction: Transaction,
        kernel: Kernel,
        viewer: Viewer,
        acting: Acting,
        *,
        within: UUID | None = None,
        system: bool = False,
        cause_id: UUID | None = None,
        occurred_at: datetime | None = None,
        paths: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """`paths`: the input field each global id stands in, so that NOT_FOUND can say which."""
        self.transaction = transaction
        self.kernel = kernel
        self.book = kernel.permissions
        self.clock = kernel.clock
        self.within = within
        self.viewer = viewer
        self.acting = acting
        self.now = kernel.clock.now()
        self.system = system
        self.cause_id = cause_id
        self.occurred_at = to_millisecond(occurred_at) if occurred_at else self.now
        self.ground: Ground | None = Ground(Authority.SYSTEM) if system else None
        self.events: list[PendingEvent] = []
        self._writes: list[_Write] = []
        self._places: dict[UUID, Place] = {}
        self._afterwards: list[tuple[str, tuple[Any, ...]]] = []
        self.expected_version: int | None = None
        self.paths = paths or {}
        self.flushed = False

    # --- who ---------------------------------------------------------------------------------------------

    @property
    def person_id(self) -> UUID:
        """The person acting; refuses NOT_SIGNED_IN."""
        if self.viewer.person_id is None:
            raise Refusal("NOT_SIGNED_IN")
        return self.viewer.person_id

    @property
    def principal_id(self) -> UUID:
        """The actor in whose name this is done: someone at the desk, an organization, or oneself."""
        return self.acting.behalf_of_id or self.acting.for_id or self.person_id

    def is_own(self, actor_id: UUID) -> bool:
        """Is this the person's own matter, or that of an organization they belong to or act for (INV10)?"""
        own = {*self.viewer.actor_ids, *self.viewer.organizations, self.acting.behalf_of_id}
        return actor_id in own

    # --- reading -----------------------------------------------------------------------------------------

    async def lock(self, model: type[M], id: UUID) -> M:
        """The row, held until the end of the transaction; refuses NOT_FOUND."""
        return await self._one(model, id, lock=True)

    async def get(self, model: type[M], id: UUID) -> M:
        """The row without holding it; refuses NOT_FOUND."""
        return await self._one(model, id, lock=False)

    async def _one(self, model: type[M], id: UUID, *, lock: bool) -> M:
        rows = await self._select(model, "t.id = {}", [id], lock=lock)
        if not rows:
            tag = getattr(model, "tag", model.__name__)
            raise Refusal("NOT_FOUND", path=self.paths.get(f"{tag}_{id}", ()), kind=tag)
        return rows[0]

    async def find(self, model: type[M], **equals: Any) -> M | None:
        """The only row with these column values, or None."""
        rows = await self.select(model, **equals)
        return rows[0] if rows else None

    async def select(self, model: type[M], *, lock: bool = False, **equals: Any) -> list[M]:
        """Rows with these column values (a list means "one of"), oldest first."""
        conditions, values = [], []
        for column, value in equals.items():
            if isinstance(value, (list, tuple, set, frozenset)):
                conditions.append(f"t.{column} IN ({', '.join(['{}'] * len(value)) or 'NULL'})")
                values += list(value)
            elif value is None:
                conditions.append(f"t.{column} IS NULL")
            else:
                conditions.append(f"t.{column} = {{}}")
                values.append(value)
        return await self._select(model, " AND ".join(conditions) or "1 = 1", values, lock=lock)

    async def _select(self, model: type[M], condition: str, values: list[Any], *, lock: bool) -> list[M]:
        dialect = self.transaction.database.dialect
        columns = list(model._meta.fields_db_projection.values())
        place = "t.id" if model is Area else "t.area_id" if "area_id" in columns else None
        extra = ""
        if place:
            extra = _place_columns(dialect.name == "sqlite", place)
        key = "seq" if "seq" in columns else model._meta.db_pk_column
        marks = [dialect.mark(i + 1) for i in range(len(values))]
        sql = (
            f"SELECT {', '.join(f't.{c}' for c in columns)}{extra} FROM {model._meta.db_table} t"
            f" WHERE {condition.format(*marks)} ORDER BY t.{key}{dialect.lock + ' OF t' if lock and dialect.lock else ''}"
        )
        found = []
        for record in await self.transaction.fetch(sql, *values):
            row = model._init_from_db(**{c: record[c] for c in columns})
            if place:
                self._places[row.pk] = self._place(record)
            found.append(row)
        return found

    def _place(self, record: Any) -> Place:
        above = json.loads(record["gz_above"] or "[]")
        chain = tuple(as_uuid(id) for id, _ in sorted(above, key=lambda pair: -pair[1]))
        on = set()
        for plugin, until in json.loads(record["gz_plugins"] or "[]"):
            end = as_instant(until)
            if end is None or end > self.now:
                on.add(plugin)
        return Place(chain, frozenset(on))

    def place(self, row: Model) -> Place:
        """Where a row lies that was read through this work."""
        return self._places[row.pk]

    async def settings(self, model: type[S], at: Model, *, version: int | None = None) -> S:
        """What holds where `at` lies: the newest settings, or those of the version a process began with."""
        database = self.transaction.database
        book = await self.kernel.settings.book(self.transaction.fetch, database.dialect.mark, version)
        found: S = book.values(self.kernel.settings.by_model[model], self.place(at).chain)
        return found

    async def settings_version(self) -> int:
        """The version in force, for a process to keep that should go on under the rules it began with."""
        return await self.kernel.settings.version(self.transaction.fetch)

    def port(self, name: str) -> Any:
        """Whoever provides this port, or its null provider (`core.plugins.ports`)."""
        return self.kernel.ports[name]

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """A statement of the rule's own; `{}` stands for each parameter."""
        mark = self.transaction.database.dialect.mark
        return await self.transaction.fetch(sql.format(*(mark(i + 1) for i in range(len(values)))), *values)

    # --- permission --------------------------------------------------------------------------------------

    def require(self, permission: str, at: Area | Model, *, owner: UUID | None = None) -> Ground:
        """Allow only who may do this where `at` (a row read through this work) lies; refuses NOT_PERMITTED.

        `owner` names the actor whose own matter it is: they, and who holds a mandate for them there, may do it too.
        Refuses PLUGIN_DISABLED where the permission's plugin is off, for the server itself as well.
        """
        rule = self.book[permission]
        where = self._places[at.pk] if at.pk in self._places else Place((), self.kernel.plugins)
        if rule.owner != "core" and where.chain and rule.owner not in where.plugins:
            raise Refusal("PLUGIN_DISABLED", plugin=rule.owner)
        if self.within is not None and self.within not in where.chain:
            raise Refusal("OUTSIDE_ENDPOINT")
        if self.system:
            return self._rest_on(Ground(Authority.SYSTEM))
        if not self.viewer.signed_in:
            raise NotPermitted(permission, "NOT_SIGNED_IN")
        within = frozenset(where.chain)
        mandate_id = None
        if self.acting.for_id is not None and self.acting.for_id != self.viewer.person_id:
            held = [m for m in self.viewer.mandates if m.organization_id == self.acting.for_id]
            covering = [m for m in held if m.area_id in within]
            if not covering:
                raise NotPermitted(permission, "MANDATE_ELSEWHERE" if held else "NO_MANDATE")
            mandate_id = covering[0].id
        if self.acting.behalf_of_id is not None:
            if not (rule.is_open or owner == self.acting.behalf_of_id):
                raise NotPermitted(permission, "NOT_THEIRS_TO_DO")
            rule = self.book[ON_BEHALF]
        grant = next((g for g in self.viewer.grants if g.role in rule.roles and g.area_id in within), None)
        if grant is not None:
            return self._rest_on(Ground(Authority.ROLE, rule.key, grant.id, mandate_id, within))
        if self.acting.behalf_of_id is not None:
            raise NotPermitted(ON_BEHALF, _no_role(rule.roles))
        if owner is not None and owner == self.principal_id:
            authority = Authority.MANDATE if mandate_id else Authority.SELF
            return self._rest_on(Ground(authority, rule.key, None, mandate_id, within))
        if rule.is_open:
            return self._rest_on(Ground(Authority.OPEN, rule.key, None, mandate_id, within))
        raise NotPermitted(permission, _no_role(rule.roles))

    def own_matter(self) -> Ground:
        """What a person may always do with what is theirs alone (their token, their password); no area involved."""
        if self.acting.for_id is not None or self.acting.behalf_of_id is not None:
            raise Refusal("ONLY_ONESELF")
        return self._rest_on(Ground(Authority.SYSTEM if self.system else Authority.SELF))

    def _rest_on(self, ground: Ground) -> Ground:
        late = self.now - self.occurred_at
        if late and not self.system:
            if late > LATEST_ENTRY:
                raise Refusal("TOO_LONG_AGO", path=("occurredAt",), days=LATEST_ENTRY.days)
            if ground.authority is not Authority.ROLE:
                raise Refusal("ONLY_NOW", path=("occurredAt",))
        self.ground = ground
        return ground

    def expect_version(self, row: Logged) -> None:
        """Refuse VERSION_CONFLICT when the client's `expectedVersion` is not the row's."""
        if self.expected_version is not None and self.expected_version != row.version:
            raise Conflict(expected=self.expected_version, actual=row.version, current=row)

    # --- writing -----------------------------------------------------------------------------------------

    def add(self, row: L) -> L:
        """Queue a new row; the next `record` speaks for it."""
        self._writes.append(_Write(row, None))
        return row

    def append(self, row: Entity) -> None:
        """Queue a bookkeeping row that has no life of its own (closure rows, ledger entries): no transition."""
        self._writes.append(_Write(row, None))

    def change(self, row: L, **values: Any) -> L:
        """Queue new column values; the row's version goes up by one and must not have moved meanwhile."""
        pending = next((w for w in self._writes if w.row is row and w.event is None), None)
        before = getattr(row, "state", None)
        for name, value in values.items():
            setattr(row, name, value)
        if pending is None:
            row.version += 1
            changed = {**values, "version": row.version}
            self._writes.append(_Write(row, changed, expected=row.version - 1, from_state=before))
        elif pending.changed is not None:
            pending.changed.update(values)
        return row

    def patch(self, row: Entity, **values: Any) -> None:
        """Queue new values of a bookkeeping row (no version, no transition)."""
        self._writes.append(_Write(row, values, -1))

    def record(
        self,
        type: str,
        subject: Entity,
        *,
        area_id: UUID | None,
        data: dict[str, Any] | None = None,
        text: dict[str, str | None] | None = None,
        occurred_at: datetime | None = None,
    ) -> PendingEvent:
        """Name what happened; every row queued since the last `record` belongs to it."""
        if self.ground is None:
            raise GongzhiError(f"{type}: a rule recorded an event without asking `require` first")
        event = PendingEvent(
            id=new_id(),
            type=type,
            plugin=self.kernel.owner(type),
            area_id=area_id,
            subject=subject,
            ground=self.ground,
            data=data or {},
            occurred_at=to_millisecond(occurred_at) if occurred_at else self.occurred_at,
            text={k: v for k, v in (text or {}).items() if v},
        )
        for write in self._writes:
            if write.event is not None:
                continue
            write.event = event
            if isinstance(write.row, Logged):
                state = getattr(write.row, "state", None)
                event.transitions.append((write.row.tag, write.row.id, _text(write.from_state), _text(state)))
                write.row.event_id = event.id
        self.events.append(event)
        return event

    def then(self, sql: str, *values: Any) -> None:
        """Queue a statement that runs after the rows are written (derived tables); `{}` stands for each parameter."""
        self._afterwards.append((sql, values))

    async def flush_now(self) -> None:
        """Write what is queued so far, within the same transaction, so that later steps can read it."""
        await self.flush()
        self.events, self._writes = [], []
        self.flushed = True

    async def flush(self, outcome: tuple[UUID, str] | None = None) -> None:
        """Write everything queued. `outcome` is the idempotency record to complete: (id, JSON)."""
        if any(w.event is None for w in self._writes):
            raise GongzhiError("a rule queued rows and recorded no event for them")
        for start in range(0, len(self.events), EVENTS):
            last = start + EVENTS >= len(self.events)
            await self._insert_events(self.events[start : start + EVENTS], outcome if last else None)
        index = 0
        while index < len(self._writes):
            write = self._writes[index]
            if write.changed is not None:
                await self._update(write)
                index += 1
                continue
            batch = [write.row]
            while index + len(batch) < len(self._writes):
                other = self._writes[index + len(batch)]
                if other.changed is not None or type(other.row) is not type(write.row):
                    break
                batch.append(other.row)
            await self._insert(batch)
            index += len(batch)
        for sql, values in self._afterwards:
            await self.rows(sql, *values)
        self._afterwards = []

    async def _insert(self, rows: list[Entity]) -> None:
        meta = type(rows[0])._meta
        names = list(meta.fields_db_projection)
        most = PARAMETERS // len(names)
        if len(rows) > most:
            await self._insert(rows[:most])
            await self._insert(rows[most:])
            return
        values: list[Any] = []
        tuples = []
        mark = self.transaction.database.dialect.mark
        for row in rows:
            tuples.append("(" + ", ".join(mark(len(values) + i + 1) for i in range(len(names))) + ")")
            values += [getattr(row, name) for name in names]
        columns = ", ".join(meta.fields_db_projection[name] for name in names)
        await self.transaction.fetch(f"INSERT INTO {meta.db_table} ({columns}) VALUES {', '.join(tuples)}", *values)

    async def _update(self, write: _Write) -> None:
        assert write.changed is not None
        meta = type(write.row)._meta
        changed = dict(write.changed)
        if isinstance(write.row, Logged):
            changed["event_id"] = write.row.event_id
        mark = self.transaction.database.dialect.mark
        sets = [f"{meta.fields_db_projection[name]} = {mark(i + 1)}" for i, name in enumerate(changed)]
        values = [*changed.values(), write.row.id]
        condition = f"id = {mark(len(values))}"
        if isinstance(write.row, Logged):
            values.append(write.expected)
            condition += f" AND version = {mark(len(values))}"
        sql = f"UPDATE {meta.db_table} SET {', '.join(sets)} WHERE {condition} RETURNING id"
        if not await self.transaction.fetch(sql, *values):
            raise Conflict(expected=write.expected, actual=write.expected + 1, current=write.row)

    async def _insert_events(self, events: list[PendingEvent], outcome: tuple[UUID, str] | None) -> None:
        dialect = self.transaction.database.dialect
        statements: list[tuple[str, list[Any]]] = []
        xact = "pg_current_xact_id()::text::bigint" if dialect.name == "postgres" else "0"
        columns = (
            "id, transaction_id, type, plugin, area_id, subject_tag, subject_id, actor_id, authority, permission,"
            " grant_id, mandate_id, behalf_of_id, behalf_basis, cause_id, data, occurred_at, recorded_at"
        )
        rows = [
            [
                event.id,
                event.type,
                event.plugin,
                event.area_id,
                event.subject.tag,
                event.subject.id,
                None if self.system else self.viewer.person_id,
                event.ground.authority,
                event.ground.permission,
                event.ground.grant_id,
                event.ground.mandate_id,
                None if self.system else self.acting.behalf_of_id,
                None if self.system else self.acting.basis,
                self.cause_id,
                event.data,
                event.occurred_at,
                self.now,
            ]
            for event in events
        ]
        statements.append((f"INSERT INTO core_event ({columns}) VALUES", _spread(rows, {1: xact})))
        transitions = [[new_id(), e.id, *t] for e in events for t in e.transitions]
        if transitions:
            head = "INSERT INTO core_transition (id, event_id, subject_tag, subject_id, from_state, to_state) VALUES"
            statements.append((head, _spread(transitions)))
        texts = [[new_id(), e.id, key, value] for e in events for key, value in e.text.items()]
        if texts:
            statements.append(("INSERT INTO core_event_text (id, event_id, key, text) VALUES", _spread(texts)))
        if outcome is not None:
            statements.append(("UPDATE core_idempotency SET outcome =", [outcome[1], _Raw(" WHERE id = "), outcome[0]]))
        if dialect.name == "sqlite":
            for head, parts in statements:
                sql, values = _number(head, parts, dialect.mark, 0)
                await self.transaction.fetch(sql, *values)
            return
        ctes: list[str] = []
        all_values: list[Any] = []
        for position, (head, parts) in enumerate(statements):
            sql, values = _number(head, parts, dialect.mark, len(all_values))
            ctes.append(f"s{position} AS ({sql})")
            all_values += values
        await self.transaction.fetch(f"WITH {', '.join(ctes)} SELECT 1", *all_values)


class _Raw(str):
    """SQL text among values."""


def _spread(rows: list[list[Any]], fixed: dict[int, str] | None = None) -> list[Any]:
    """Rows as `(v, v, …), (…)`: values with the SQL between them; `fixed` puts SQL at a position."""
    parts: list[Any] = []
    for number, row in enumerate(rows):
        parts.append(_Raw(" (" if number == 0 else ", ("))
        cells = list(row)
        for position, sql in (fixed or {}).items():
            cells.insert(position, _Raw(sql))
        for i, cell in enumerate(cells):
            if i:
                parts.append(_Raw(", "))
            parts.append(cell)
        parts.append(_Raw(")"))
    return parts


def _number(head: str, parts: Iterable[Any], mark: Any, start: int) -> tuple[str, list[Any]]:
    sql, values = [head + " "], []
    for part in parts:
        if isinstance(part, _Raw):
            sql.append(part)
        else:
            values.append(part)
            sql.append(mark(start + len(values)))
    return "".join(sql), values


def _place_columns(sqlite: bool, area: str) -> str:
    """The areas above (with their distance) and the plugins that are on there, as JSON beside the row's columns."""
    rows, pair = ("json_group_array", "json_array") if sqlite else ("json_agg", "json_build_array")
    return (
        f", (SELECT {rows}({pair}(c.ancestor_id, c.depth)) FROM core_area_closure c"
        f" WHERE c.descendant_id = {area} AND c.until IS NULL) AS gz_above"
        f", (SELECT {rows}({pair}(p.plugin, p.until)) FROM core_plugin_area p WHERE p.area_id = {area}) AS gz_plugins"
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _no_role(roles: Iterable[Any]) -> str:
    return "NEEDS_ROLE:" + ",".join(sorted(str(r) for r in roles))
