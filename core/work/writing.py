"""What a rule queues: new rows and changes, and the events that speak for them; written once it has ended, events first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model

from core.access import Acting, Ground, Viewer
from core.clock import to_millisecond
from core.database.batch import Batch, Raw, among, spread
from core.database.dialect import POSTGRES
from core.errors import GongzhiError
from core.ids import new_id
from core.models import Entity, Logged
from core.models.event import EPOCH_BASE
from core.search import ENTRY, TERM, entry_of, is_renamed
from core.work.reading import Reading

M = TypeVar("M", bound=Model)
L = TypeVar("L", bound=Logged)

EVENTS = 400  # to a statement


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


class Writing(Reading):
    """The part of `Work` that writes."""

    viewer: Viewer
    acting: Acting
    ground: Ground | None
    by_server: bool
    cause_id: UUID | None
    occurred_at: datetime
    events: list[PendingEvent]
    flushed: bool
    touched: set[str]
    _writes: list[_Write]
    _afterwards: list[tuple[str, tuple[Any, ...]]]

    def queued(self, model: type[M]) -> list[M]:
        """New rows of this model that wait to be written, in order."""
        return [w.row for w in self._writes if w.changed is None and isinstance(w.row, model)]

    def changed(self, model: type[M]) -> list[M]:
        """Rows of this model with new values that wait to be written, in order."""
        return [w.row for w in self._writes if w.changed is not None and isinstance(w.row, model)]

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
        owner = self.kernel.owner(type)
        if owner != "core" and type not in self.kernel.manifests[owner].events_out:
            raise GongzhiError(f"{type}: not listed under events_out in the plugin.toml of {owner}")
        event = PendingEvent(
            id=new_id(),
            type=type,
            plugin=owner,
            area_id=area_id,
            subject=subject,
            ground=self.ground,
            data=data or {},
            occurred_at=to_millisecond(occurred_at) if occurred_at else self.occurred_at,
            text={k: v for k, v in {"behalfEvidence": self.acting.evidence, **(text or {})}.items() if v},
        )
        for write in self._writes:
            if write.event is not None:
                continue
            write.event = event
            self.touched.add(write.row.tag if write.changed is not None else f"new {write.row.tag}")
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
        batch = Batch(self.transaction)
        for start in range(0, len(self.events), EVENTS):
            self._add_events(batch, self.events[start : start + EVENTS])
        for write in self._writes:
            if write.changed is None:
                batch.insert(write.row)
            else:
                batch.update(write.row, self._changed(write), write.expected)
        new = [w.row for w in self._writes if w.changed is None]
        renamed = [w.row for w in self._writes if w.changed is not None and is_renamed(w.row, w.changed)]
        _add_names(batch, new, renamed)
        if outcome is not None:
            batch.add("UPDATE core_idempotency SET outcome =", [outcome[1], Raw(" WHERE id = "), outcome[0]])
        await batch.run()
        for sql, values in self._afterwards:
            await self.rows(sql, *values)
        self._afterwards = []

    async def index(self, new: Sequence[Entity], renamed: Sequence[Entity] = ()) -> None:
        """Write what these rows are found by (`core.search`), in place of what the renamed ones were found by."""
        batch = Batch(self.transaction)
        _add_names(batch, new, renamed)
        await batch.run()

    @staticmethod
    def _changed(write: _Write) -> dict[str, Any]:
        assert write.changed is not None
        return {**write.changed, "event_id": write.row.event_id} if isinstance(write.row, Logged) else write.changed

    def _add_events(self, batch: Batch, events: list[PendingEvent]) -> None:
        is_postgres = self.transaction.database.dialect is POSTGRES
        xact = f"pg_current_xact_id()::text::bigint + {EPOCH_BASE}" if is_postgres else "0"
        names = (
            "id, transaction_id, type, plugin, area_id, subject_tag, subject_id, actor_id, token_id, authority, permission,"
            " grant_id, mandate_id, deputy_id, behalf_of_id, behalf_basis, cause_id, data, occurred_at, recorded_at"
        )
        rows = [
            [
                event.id,
                Raw(xact),
                event.type,
                event.plugin,
                event.area_id,
                event.subject.tag,
                event.subject.id,
                None if self.by_server else self.viewer.person_id,
                None if self.by_server or self.viewer.scope is None else self.viewer.scope.token_id,
                event.ground.authority,
                event.ground.permission,
                event.ground.grant_id,
                event.ground.mandate_id,
                self.viewer.deputy_for(event.ground.grant_id),
                None if self.by_server else self.acting.behalf_of_id,
                None if self.by_server else self.acting.basis,
                self.cause_id,
                event.data,
                event.occurred_at,
                self.now,
            ]
            for event in events
        ]
        batch.add(f"INSERT INTO core_event ({names}) VALUES", spread(rows))
        transitions = [[new_id(), e.id, *t] for e in events for t in e.transitions]
        columns = ("id", "event_id", "subject_tag", "subject_id", "from_state", "to_state")
        batch.insert_values("core_transition", columns, transitions)
        texts = [[new_id(), e.id, key, value, self.now] for e in events for key, value in e.text.items()]
        if texts:
            batch.add("INSERT INTO core_event_text (id, event_id, key, text, recorded_at) VALUES", spread(texts))


def _add_names(batch: Batch, new: Sequence[Entity], renamed: Sequence[Entity]) -> None:
    again = tuple(row.id for row in renamed)
    if again:
        batch.add("DELETE FROM core_search_entry WHERE", [*among("id", again)], ids=again)
    for rows, ids in (([r for r in new if r.id not in again], ()), (renamed, again)):
        latest = {row.id: row for row in rows}.values()
        found = [made for row in latest if (made := entry_of(row, str(type(row)._meta.app))) is not None]
        batch.insert_values("core_search_entry", ENTRY, [entry for entry, _ in found], ids)
        batch.insert_values("core_search_term", TERM, [term for _, terms in found for term in terms], ids)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
