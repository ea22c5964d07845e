"""From a committed event to the handlers of plugins: at least once, in order, each in a transaction of its own.

A handler's position is `(transaction_id, seq)`. On PostgreSQL a reader stays below the oldest open transaction,
because sequence numbers commit out of order (`id > last` alone would lose events). Position and effect commit
together, so a crash in the middle repeats nothing; an event that a handler cannot digest is set aside and told.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core.access import ANONYMOUS, Acting
from core.database import Database, Transaction
from core.database.dialect import SQLITE
from core.errors import Refusal
from core.health import Health
from core.ids import new_id
from core.kernel import Kernel
from core.work import Work

log = structlog.get_logger("gongzhi.events")

BATCH = 100
IDLE_SECONDS = 1.0
ATTEMPTS = 3
HANDLER_SECONDS = 10.0


@dataclass(frozen=True)
class EventRecord:
    """An event as handlers see it."""

    id: UUID
    type: str
    area_id: UUID | None
    subject_tag: str
    subject_id: UUID
    actor_id: UUID | None
    data: dict[str, Any]
    occurred_at: datetime
    transaction_id: int
    seq: int


@dataclass(frozen=True)
class Handler:
    """`handle(work, event)` for every event of `event_type`; must be idempotent by event id."""

    plugin: str
    event_type: str
    handle: Callable[[Work, EventRecord], Awaitable[None]]

    @property
    def name(self) -> str:
        return f"{self.plugin}:{self.event_type}:{self.handle.__name__}"


class Dispatcher:
    """Delivers events; `wake` after a commit, `drain` to wait until everything is delivered."""

    def __init__(self, database: Database, kernel: Kernel, handlers: Sequence[Handler]) -> None:
        self.database = database
        self.kernel = kernel
        self.handlers = handlers
        self.health: Health = kernel.health
        self._wakeup = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        self._stopping = False
        self._task = asyncio.create_task(self._run())

    async def register(self) -> None:
        """Give every handler its position. A new one begins here and now: what was before is history, not news."""
        mark = self.database.dialect.mark
        here = "SELECT coalesce(max(transaction_id), 0) AS t, coalesce(max(seq), 0) AS s FROM core_event"
        if self.database.dialect is not SQLITE:
            # Whatever is not finished yet counts as news.
            here = f"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS t, {2**62}::bigint AS s"
        known = {r[0] for r in await self.database.read("SELECT handler FROM core_delivery")}
        for name in [h.name for h in self.handlers if h.name not in known]:
            async with self.database.transaction() as transaction:
                await transaction.fetch(
                    "INSERT INTO core_delivery (handler, transaction_id, seq)"
                    f" SELECT {mark(1)}, h.t, h.s FROM ({here}) h WHERE 1 = 1 ON CONFLICT DO NOTHING",
                    name,
                )

    async def stop(self) -> None:
        """Finish the delivery under way and end; nothing is cancelled in the middle of a statement."""
        if self._task is not None:
            self._stopping = True
            self._wakeup.set()
            await self._task
            self._task = None

    def wake(self) -> None:
        self._wakeup.set()

    async def _run(self) -> None:
        while not self._stopping:
            self._wakeup.clear()
            try:
                await self.drain()
            except Exception:
                log.exception("event delivery failed; trying again")
            with contextlib.suppress(TimeoutError):
                if not self._stopping:
                    await asyncio.wait_for(self._wakeup.wait(), IDLE_SECONDS)

    async def drain(self) -> None:
        """Deliver what is committed and not yet delivered, for every handler."""
        for handler in self.handlers:
            while not self._stopping and await self._step(handler):
                pass

    async def settle(self) -> None:
        """Drain, and wait for committed events that an older open transaction (of anybody) still holds back."""
        await self.drain()
        while any([await self._pending(handler, whatever_is_open=True) for handler in self.handlers]):
            await asyncio.sleep(0.01)
            await self.drain()

    async def _pending(self, handler: Handler, *, whatever_is_open: bool = False) -> list[EventRecord]:
        dialect = self.database.dialect
        mark = dialect.mark
        horizon = " AND e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        if dialect is SQLITE or whatever_is_open:
            horizon = ""
        sql = (
            "SELECT e.id, e.type, e.area_id, e.subject_tag, e.subject_id, e.actor_id, e.data, e.occurred_at,"
            " e.transaction_id, e.seq FROM core_event e JOIN core_delivery d"
            " ON (e.transaction_id, e.seq) > (d.transaction_id, d.seq)"
            f" WHERE d.handler = {mark(1)} AND e.type = {mark(2)}{horizon}"
            f" ORDER BY e.transaction_id, e.seq LIMIT {BATCH}"
        )
        rows = await self.database.read(sql, [handler.name, handler.event_type])
        return [_record(row) for row in rows]

    async def _step(self, handler: Handler) -> bool:
        """Deliver one batch, one transaction per event; False when nothing was waiting."""
        waiting = await self._pending(handler)
        for event in waiting:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    await self._deliver(handler, event)
                    break
                except Exception as error:
                    if isinstance(error, Refusal) and error.code == "BUSY":
                        return False  # nobody's fault; the event waits for the next look
                    if attempt < ATTEMPTS:
                        continue  # two workers may have met on a unique index; the second look finds the row
                    self.health.failed(handler.plugin, f"handler {handler.name}")
                    log.error("handler failed", handler=handler.name, event_id=str(event.id), exc_info=True)
                    await self._set_aside(handler, event, error)
        return bool(waiting)

    async def _deliver(self, handler: Handler, event: EventRecord) -> None:
        async with self.database.transaction() as transaction:
            if not await self._advance(transaction, handler, event):
                return
            if not await self._is_on(transaction, handler.plugin, event.area_id):
                await self._skip(transaction, handler, event)
                return
            await self._handle(transaction, handler, event)

    async def _handle(self, transaction: Transaction, handler: Handler, event: EventRecord) -> None:
        """Run a handler for an event; one that takes longer than HANDLER_SECONDS is cancelled."""
        async with asyncio.timeout(HANDLER_SECONDS):
            work = Work(
                transaction, self.kernel, ANONYMOUS, Acting(),
                system=True, cause_id=event.id, occurred_at=event.occurred_at,
            )  # fmt: skip
            await handler.handle(work, event)
            await work.flush()

    async def _is_on(self, transaction: Transaction, plugin: str, area_id: UUID | None) -> bool:
        if plugin not in self.kernel.plugins or area_id is None:
            return True
        mark = self.database.dialect.mark
        found = await transaction.fetch(
            f"SELECT 1 AS yes FROM core_plugin_area WHERE plugin = {mark(1)} AND area_id = {mark(2)}"
            f" AND (until IS NULL OR until > {mark(3)})",
            plugin,
            area_id,
            self.kernel.clock.now(),
        )
        return bool(found)

    async def _skip(self, transaction: Transaction, handler: Handler, event: EventRecord) -> None:
        """Note an event that came while the plugin was off there; `replay` may deliver it one day."""
        mark = self.database.dialect.mark
        await transaction.fetch(
            "INSERT INTO core_delivery_skipped (id, handler, plugin, event_id, area_id, skipped_at)"
            f" VALUES ({', '.join(mark(n) for n in range(1, 7))}) ON CONFLICT DO NOTHING",
            new_id(), handler.name, handler.plugin, event.id, event.area_id, self.kernel.clock.now(),
        )  # fmt: skip

    async def replay(self, plugin: str, area_code: str | None = None) -> tuple[int, int]:
        """Deliver what a plugin missed while it was off, where it is on now; (delivered, left where it is still off).

        Each event is delivered once: its note is removed in the same transaction.
        """
        mark = self.database.dialect.mark
        below = (
            " AND s.area_id IN (SELECT c.descendant_id FROM core_area_closure c JOIN core_area a"
            f" ON a.id = c.ancestor_id WHERE c.until IS NULL AND a.code = {mark(2)})"
        )
        rows = await self.database.read(
            "SELECT s.handler, e.id, e.type, e.area_id, e.subject_tag, e.subject_id, e.actor_id, e.data, e.occurred_at,"
            " e.transaction_id, e.seq FROM core_delivery_skipped s JOIN core_event e ON e.id = s.event_id"
            f" WHERE s.plugin = {mark(1)}{below if area_code else ''} ORDER BY e.transaction_id, e.seq",
            [plugin, area_code] if area_code else [plugin],
        )
        by_name = {h.name: h for h in self.handlers}
        delivered = left = 0
        for name, *columns in rows:
            event, handler = _record(columns), by_name.get(name)
            async with self.database.transaction() as transaction:
                if handler is None or not await self._is_on(transaction, plugin, event.area_id):
                    left += 1
                    continue
                gone = await transaction.fetch(
                    f"DELETE FROM core_delivery_skipped WHERE handler = {mark(1)} AND event_id = {mark(2)} RETURNING id",
                    name,
                    event.id,
                )
                if gone:
                    await self._handle(transaction, handler, event)
                    delivered += 1
        self.wake()
        return delivered, left

    async def _advance(self, transaction: Transaction, handler: Handler, event: EventRecord) -> bool:
        """Move the handler's position to this event; False if another worker has been here."""
        mark = self.database.dialect.mark
        moved = await transaction.fetch(
            f"UPDATE core_delivery SET transaction_id = {mark(1)}, seq = {mark(2)} WHERE handler = {mark(3)}"
            f" AND (transaction_id, seq) < ({mark(1)}, {mark(2)}) RETURNING seq",
            event.transaction_id,
            event.seq,
            handler.name,
        )
        return bool(moved)

    async def _set_aside(self, handler: Handler, event: EventRecord, error: Exception) -> None:
        mark = self.database.dialect.mark
        async with self.database.transaction() as transaction:
            if not await self._advance(transaction, handler, event):
                return
            await transaction.fetch(
                "INSERT INTO core_delivery_failure (id, handler, event_id, error, failed_at)"
                f" VALUES ({mark(1)}, {mark(2)}, {mark(3)}, {mark(4)}, {mark(5)}) ON CONFLICT DO NOTHING",
                new_id(),
                handler.name,
                event.id,
                f"{type(error).__name__}: {error}"[:2000],
                self.kernel.clock.now(),
            )


def _record(row: Sequence[Any]) -> EventRecord:
    def uuid(value: Any) -> UUID | None:
        return value if value is None or isinstance(value, UUID) else UUID(value)

    moment = row[7] if isinstance(row[7], datetime) else datetime.fromisoformat(row[7])
    id, subject_id = uuid(row[0]), uuid(row[4])
    assert id is not None and subject_id is not None
    data = json.loads(row[6]) if isinstance(row[6], str) else row[6]
    return EventRecord(id, row[1], uuid(row[2]), row[3], subject_id, uuid(row[5]), data, moment, row[8], row[9])
