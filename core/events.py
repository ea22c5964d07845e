"""From a committed event to the handlers of plugins: at least once, in order, a batch in one transaction.

A handler's position is `(transaction_id, seq)`. On PostgreSQL a reader stays below the oldest open transaction,
because sequence numbers commit out of order (`id > last` alone would lose events). Position and effect commit
together, so a crash in the middle repeats nothing.

What a handler raises undoes its batch: the events before are delivered again without it, and the event it failed at
rests, first in line, for a while that grows (`core.containment.PAUSES`). When it has failed too often it is set aside,
and told; `plugin replay` tries again. Every plugin has its own delivery, so that none waits for another's rests; they
take turns at the database. The account of failures is kept by each process for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from core.access import ANONYMOUS, Acting
from core.containment import LIMIT_SECONDS, PAUSES, Failure, Overran, contained
from core.database import Database, Transaction
from core.database.dialect import SQLITE
from core.health import Health
from core.ids import new_id
from core.kernel import Kernel
from core.models.event import EPOCH_BASE
from core.settings.store import as_uuid
from core.work import Work

log = structlog.get_logger("gongzhi.events")

BATCH = 50
BATCH_SECONDS = 0.5  # then a batch ends early: others may be waiting for its rows, or for SQLite's one writer
IDLE_SECONDS = 1.0
TOLD_SECONDS = 5.0  # who rests as long as this is failing; a shorter rest is nobody's business
WAITED_SECONDS = 2.0  # `settle` waits for rests as short as this
TURNS = 4  # deliveries at once on PostgreSQL, of its 20 connections; on SQLite one, because there is one writer
HORIZON = f"pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {EPOCH_BASE}"
NEWEST = f"pg_snapshot_xmax(pg_current_snapshot())::text::bigint + {EPOCH_BASE}"
EVENT = (
    "e.id, e.type, e.area_id, e.subject_tag, e.subject_id, e.actor_id, e.data, e.occurred_at, e.transaction_id, e.seq"
)
MISSED = ("core_delivery_skipped", "core_delivery_failure")


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
    """`handle(work, event)` for every event of `event_type`; must be idempotent by event id.

    `*` is every type of `Kernel.events_out`, in the order of the log: what undoes an event comes after it.
    """

    plugin: str
    event_type: str
    handle: Callable[[Work, EventRecord], Awaitable[None]]

    @property
    def name(self) -> str:
        return f"{self.plugin}:{self.event_type}:{self.handle.__name__}"


class Replayed(NamedTuple):
    """What came of a replay: delivered, raised again and left, left because the plugin is still off there (or no longer
    listens)."""

    delivered: int
    failed: int
    off: int


@dataclass
class _Line:
    """A handler's line: the event at its head that failed, how often in which way, and until when it rests."""

    handler: Handler
    one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed: UUID | None = None
    failures: Counter[Failure] = field(default_factory=Counter)
    until: float = 0.0

    @property
    def where(self) -> str:
        return f"handler {self.handler.name}"

    @property
    def rests(self) -> bool:
        return self.until > monotonic()

    def forget(self) -> None:
        self.failed, self.until = None, 0.0
        self.failures.clear()


class Dispatcher:
    """Delivers events; `wake` after a commit, `drain` to wait until everything is delivered."""

    def __init__(self, database: Database, kernel: Kernel, handlers: Sequence[Handler]) -> None:
        self.database = database
        self.kernel = kernel
        self.handlers = handlers
        self.health: Health = kernel.health
        self._lines: dict[str, _Line] = {}
        self._turns = asyncio.Semaphore(1 if database.dialect is SQLITE else TURNS)
        self._wakeup = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    async def start(self) -> None:
        self._stopping = False
        self._watch = asyncio.create_task(self._run())

    async def register(self) -> None:
        """Give every handler its position. A new one begins here and now: what was before is history, not news."""
        mark = self.database.dialect.mark
        here = "SELECT coalesce(max(transaction_id), 0) AS t, coalesce(max(seq), 0) AS s FROM core_event"
        if self.database.dialect is not SQLITE:
            await self._begin_epoch()
            # Whatever is not finished yet counts as news.
            here = f"SELECT {HORIZON} - 1 AS t, {2**62}::bigint AS s"
        known = {r[0] for r in await self.database.read("SELECT handler FROM core_delivery")}
        for name in [h.name for h in self.handlers if h.name not in known]:
            async with self.database.transaction() as transaction:
                await transaction.fetch(
                    "INSERT INTO core_delivery (handler, transaction_id, seq)"
                    f" SELECT {mark(1)}, h.t, h.s FROM ({here}) h WHERE 1 = 1 ON CONFLICT DO NOTHING",
                    name,
                )

    async def _begin_epoch(self) -> None:
        """Have new transaction ids come after every stored one, when they would not.

        Within a cluster they always do. A copy restored into another cluster meets a counter that lies behind: what is
        new would come before what has been delivered, and never arrive. Done before this process writes any event.
        """
        async with self.database.transaction() as transaction:
            await transaction.fetch("LOCK TABLE core_epoch IN EXCLUSIVE MODE")
            begun = await transaction.fetch(
                "INSERT INTO core_epoch (id, base, began_at) SELECT $1, stored.newest, $2 FROM (SELECT greatest("
                "(SELECT max(transaction_id) FROM core_event), (SELECT max(transaction_id) FROM core_delivery)) AS newest)"
                f" stored WHERE stored.newest >= {NEWEST} RETURNING base",
                new_id(),
                self.kernel.clock.now(),
            )
        if begun:
            log.warning("the database has come to another cluster; a new epoch of events", base=begun[0]["base"])

    async def stop(self) -> None:
        """Finish the deliveries under way and end; nothing is cancelled in the middle of a statement."""
        self._stopping = True
        self._wakeup.set()
        if self._watch is not None:
            await self._watch
            self._watch = None
        await asyncio.gather(*self._deliveries.values())

    def wake(self, news: Iterable[str] | None = None) -> None:
        """Look for events at once, where anybody listens to one of these types (None: whatever happened)."""
        if news is None or not {t for h in self.handlers for t in self._types(h)}.isdisjoint(news):
            self._wakeup.set()

    def _line(self, handler: Handler) -> _Line:
        line = self._lines.setdefault(handler.name, _Line(handler))
        line.handler = handler
        return line

    # --- in the background -------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Look for what is waiting, with one statement for all, and begin a delivery for each plugin that has none.

        No code of a plugin runs here, and a delivery that ends in whatever way is begun again: nothing a handler does
        stops this.
        """
        while not self._stopping:
            self._wakeup.clear()
            try:
                for plugin in await self._plugins_waiting():
                    if plugin not in self._deliveries:
                        self._deliveries[plugin] = asyncio.create_task(self._deliver_to(plugin))
            except Exception:
                log.exception("could not look for events; trying again")
            rests = [line.until - monotonic() for line in self._lines.values() if line.rests]
            with contextlib.suppress(TimeoutError):
                if not self._stopping:
                    await asyncio.wait_for(self._wakeup.wait(), max(0.0, min([IDLE_SECONDS, *rests])))

    async def _plugins_waiting(self) -> set[str]:
        awake = [h for h in self.handlers if not self._line(h).rests]
        values: list[Any] = []
        selects = []
        for number, handler in enumerate(awake):
            first = f"{self._waiting_sql('e.seq', handler, values)} 1"
            selects.append(f"SELECT {number} WHERE ({first}) IS NOT NULL")
        rows = await self.database.read(" UNION ALL ".join(selects), values) if selects else []
        return {awake[row[0]].plugin for row in rows}

    async def _deliver_to(self, plugin: str) -> None:
        try:
            for handler in [h for h in self.handlers if h.plugin == plugin]:
                while not self._stopping and await self._step(self._line(handler)):
                    pass
        except Exception:
            log.exception("event delivery failed; trying again", plugin=plugin)
            await asyncio.sleep(0 if self._stopping else IDLE_SECONDS)
        finally:
            del self._deliveries[plugin]
            self._wakeup.set()  # something may have come while it looked for the last time

    # --- on demand ---------------------------------------------------------------------------------------

    async def drain(self) -> None:
        """Deliver what is committed and not yet delivered, for every handler that does not rest."""
        for handler in self.handlers:
            while await self._step(self._line(handler)):
                pass

    async def settle(self) -> None:
        """Drain, and wait for committed events that an older open transaction (of anybody) still holds back.

        Whoever rests is asked once more at once; then long rests are not waited for.
        """
        for line in self._lines.values():
            line.until = 0.0
        while True:
            await self.drain()
            lines = [self._line(h) for h in self.handlers]
            soon = [line.handler for line in lines if line.until - monotonic() < WAITED_SECONDS]
            if not any([await self._pending(handler, whatever_is_open=True) for handler in soon]):
                return
            await asyncio.sleep(0.01)

    def _types(self, handler: Handler) -> tuple[str, ...]:
        return self.kernel.events_out(to=handler.plugin) if handler.event_type == "*" else (handler.event_type,)

    def _waiting_sql(self, columns: str, handler: Handler, values: list[Any], *, whatever_is_open: bool = False) -> str:
        """The first of the events (e) beyond a handler's position; what it binds is added to `values`.

        The position is asked for in scalar subselects, so that it bounds the index; a join may read the log from its
        beginning. On SQLite, where there is one writer, every transaction_id is 0, and seq is the order.
        """
        mark = self.database.dialect.mark
        types = self._types(handler)
        values += [handler.name, *types]
        name = mark(len(values) - len(types))
        among = ", ".join(mark(len(values) - n) for n in range(len(types))) or "NULL"

        def mine(column: str) -> str:
            return f"(SELECT d.{column} FROM core_delivery d WHERE d.handler = {name})"

        if self.database.dialect is SQLITE:
            beyond, order = f"e.seq > {mine('seq')}", "e.seq"
        else:
            beyond = f"(e.transaction_id, e.seq) > ({mine('transaction_id')}, {mine('seq')})"
            beyond += "" if whatever_is_open else f" AND e.transaction_id < {HORIZON}"
            order = "e.transaction_id, e.seq"
        return f"SELECT {columns} FROM core_event e WHERE e.type IN ({among}) AND {beyond} ORDER BY {order} LIMIT"

    async def _pending(self, handler: Handler, *, whatever_is_open: bool = False) -> list[EventRecord]:
        values: list[Any] = []
        sql = self._waiting_sql(EVENT, handler, values, whatever_is_open=whatever_is_open)
        return [_record(row) for row in await self.database.read(f"{sql} {BATCH}", values)]

    # --- one line ----------------------------------------------------------------------------------------

    async def _step(self, line: _Line) -> bool:
        """Deliver one batch; False when nothing is waiting, or the first event rests."""
        async with line.one_at_a_time:
            if line.rests:
                return False
            waiting = await self._pending(line.handler)
            if line.failed is not None:
                if waiting and waiting[0].id == line.failed:
                    waiting = waiting[:1]
                else:
                    self._goes_on(line)
            if not waiting:
                return False
            while waiting:
                failed = await self._deliver(line.handler, waiting)
                if failed is None:
                    if line.failed in {e.id for e in waiting}:
                        self._goes_on(line)
                    return True
                position, error = failed
                await self._failed(line, waiting[position], error)
                waiting = waiting[:position]
            return not line.rests

    async def _deliver(self, handler: Handler, events: Sequence[EventRecord]) -> tuple[int, Exception] | None:
        """Deliver the events in one transaction, each in a unit of work of its own, until BATCH_SECONDS have passed.

        When anything raised nothing of it has happened: the position of the event it was at, and the error.
        """
        at = -1
        try:
            async with self._turns, self.database.transaction() as transaction:
                # Taking the first holds the position to the end; where another worker has been, look again.
                if not await self._advance(transaction, handler, events[0]):
                    return None
                end = monotonic() + BATCH_SECONDS
                on = await self._where_on(transaction, handler.plugin, {e.area_id for e in events if e.area_id})
                for event in events:
                    at += 1
                    if event.area_id is None or event.area_id in on:
                        await self._handle(transaction, handler, event)
                    else:
                        await self._skip(transaction, handler, event)
                    if monotonic() > end:
                        break
                await self._advance(transaction, handler, events[at])
        except Exception as error:
            if at < 0:
                raise  # the database's trouble, not the handler's
            return at, error
        return None

    async def _failed(self, line: _Line, event: EventRecord, error: Exception) -> None:
        """Let the event rest before it is tried again, or set it aside when it has failed too often."""
        if line.failed != event.id:
            line.forget()
            line.failed = event.id
        kind = Failure.of(error)
        line.failures[kind] += 1
        times, pauses = line.failures[kind], PAUSES[kind]
        rest = pauses[times - 1] if times <= len(pauses) else None
        if rest is None or rest >= TOLD_SECONDS:
            self.health.failed(line.handler.plugin, line.where)
        told = {"handler": line.handler.name, "event_id": str(event.id), "times": times}
        if rest is None:
            log.error("an event is set aside", **told, exc_info=error)
            await self._set_aside(line.handler, event, error)
            self._goes_on(line)
            return
        if rest >= TOLD_SECONDS:
            self.health.wait(line.handler.plugin, line.where)
        log.warning("handler failed", **told, error=f"{type(error).__name__}: {error}", again_in=rest)
        line.until = monotonic() + rest

    def _goes_on(self, line: _Line) -> None:
        line.forget()
        self.health.go_on(line.handler.plugin, line.where)

    async def _handle(self, transaction: Transaction, handler: Handler, event: EventRecord) -> None:
        """Run a handler for an event; one that takes longer than LIMIT_SECONDS is cancelled."""
        work = Work(
            transaction, self.kernel, ANONYMOUS, Acting(),
            system=True, cause_id=event.id, occurred_at=event.occurred_at,
        )  # fmt: skip

        async def act() -> None:
            await handler.handle(work, event)
            await work.flush()

        await contained(act, LIMIT_SECONDS)

    async def _is_on(self, transaction: Transaction, plugin: str, area_id: UUID | None) -> bool:
        return area_id is None or area_id in await self._where_on(transaction, plugin, {area_id})

    async def _where_on(self, transaction: Transaction, plugin: str, areas: set[UUID]) -> set[UUID]:
        """Those of the areas where the plugin is on; core is on everywhere.

        A toggle may come between this and the effect; then the event's own guard (INV13) refuses, as it always did.
        """
        if plugin not in self.kernel.plugins or not areas:
            return areas
        dialect = self.database.dialect
        found = await transaction.fetch(
            f"SELECT area_id FROM core_plugin_area WHERE plugin = {dialect.mark(1)}"
            f" AND {dialect.among('area_id', dialect.mark(2))} AND (until IS NULL OR until > {dialect.mark(3)})",
            plugin,
            areas,
            self.kernel.clock.now(),
        )
        return {as_uuid(row["area_id"]) for row in found}

    async def _skip(self, transaction: Transaction, handler: Handler, event: EventRecord) -> None:
        """Note an event that came while the plugin was off there; `replay` may deliver it one day."""
        mark = self.database.dialect.mark
        await transaction.fetch(
            "INSERT INTO core_delivery_skipped (id, handler, plugin, event_id, area_id, skipped_at)"
            f" VALUES ({', '.join(mark(n) for n in range(1, 7))}) ON CONFLICT DO NOTHING",
            new_id(), handler.name, handler.plugin, event.id, event.area_id, self.kernel.clock.now(),
        )  # fmt: skip

    async def replay(self, plugin: str, area_code: str | None = None) -> Replayed:
        """Deliver what a plugin missed, because it was off or because it failed, where it is on now.

        Each event is tried by itself, and delivered once: its note is removed in the same transaction.
        """
        mark = self.database.dialect.mark
        missed = " UNION ".join(f"SELECT handler, event_id FROM {t} WHERE plugin = {mark(1)}" for t in MISSED)
        below = (
            " WHERE e.area_id IN (SELECT c.descendant_id FROM core_area_closure c JOIN core_area a"
            f" ON a.id = c.ancestor_id WHERE c.until IS NULL AND a.code = {mark(2)})"
        )
        rows = await self.database.read(
            f"SELECT m.handler, {EVENT} FROM ({missed}) m JOIN core_event e ON e.id = m.event_id"
            f"{below if area_code else ''} ORDER BY e.transaction_id, e.seq",
            [plugin, area_code] if area_code else [plugin],
        )
        by_name = {h.name: h for h in self.handlers}
        delivered = failed = off = 0
        too_slow: set[str] = set()
        for name, *columns in rows:
            event, handler = _record(columns), by_name.get(name)
            if handler is None:
                off += 1
            elif name in too_slow:
                failed += 1
            else:
                try:
                    done = await self._redeliver(handler, event)
                    delivered, off = delivered + (done is True), off + (done is None)
                except Exception as error:
                    failed += 1
                    if isinstance(error, Overran):
                        too_slow.add(name)  # others wait for what it holds: not asked again this time
                    self.health.failed(plugin, f"handler {name}")
                    log.exception("a missed event could not be delivered", handler=name, event_id=str(event.id))
        self.wake()
        return Replayed(delivered, failed, off)

    async def _redeliver(self, handler: Handler, event: EventRecord) -> bool | None:
        """True when it is delivered, False when somebody else has done it meanwhile, None where the plugin is off."""
        mark = self.database.dialect.mark
        async with self._turns, self.database.transaction() as transaction:
            if not await self._is_on(transaction, handler.plugin, event.area_id):
                return None
            noted = False
            for table in MISSED:
                sql = f"DELETE FROM {table} WHERE handler = {mark(1)} AND event_id = {mark(2)} RETURNING id"
                noted = bool(await transaction.fetch(sql, handler.name, event.id)) or noted
            if noted:
                await self._handle(transaction, handler, event)
            return noted

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
                "INSERT INTO core_delivery_failure (id, handler, plugin, event_id, error, failed_at)"
                f" VALUES ({', '.join(mark(n) for n in range(1, 7))}) ON CONFLICT DO NOTHING",
                new_id(), handler.name, handler.plugin, event.id, f"{type(error).__name__}: {error}"[:2000],
                self.kernel.clock.now(),
            )  # fmt: skip


def _record(row: Sequence[Any]) -> EventRecord:
    def uuid(value: Any) -> UUID | None:
        return value if value is None or isinstance(value, UUID) else UUID(value)

    moment = row[7] if isinstance(row[7], datetime) else datetime.fromisoformat(row[7])
    id, subject_id = uuid(row[0]), uuid(row[4])
    assert id is not None and subject_id is not None
    data = json.loads(row[6]) if isinstance(row[6], str) else row[6]
    return EventRecord(id, row[1], uuid(row[2]), row[3], subject_id, uuid(row[5]), data, moment, row[8], row[9])
