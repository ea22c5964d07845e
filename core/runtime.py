"""What a running server shares: database, clock, permissions, messages, events; and the one way to change anything."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import throttle
from core.access import ANONYMOUS, VIEWER, Acting, Viewer, viewer_from, viewer_of, viewer_sql
from core.database import Database, Transaction
from core.database.dialect import POSTGRES, Dialect
from core.enums import BehalfBasis
from core.errors import Refusal
from core.events import Dispatcher
from core.ids import new_id
from core.jobs import Jobs
from core.kernel import Kernel
from core.messages import Messages
from core.models import Actor
from core.rules.areas import is_area_code
from core.settings.store import VERSION, as_instant, as_uuid
from core.sign_in import Provider
from core.viewers import Viewers
from core.work import Work

KEEP_KEYS = timedelta(days=7)
KEEP_TICKETS = timedelta(days=30)  # and tokens, after their time
RULE_SECONDS = 5.0
RETRIES = 3
Outcome = dict[str, Any]  # what a payload shows: name → global id, or a plain value
Rule = Callable[[Work], Awaitable[Outcome]]


@dataclass(frozen=True)
class Command:
    """A mutation as asked for: by whom, in whose name, under which key."""

    mutation: str
    viewer: Viewer = ANONYMOUS
    acting: Acting = field(default_factory=Acting)
    key: str | None = None
    input_hash: str = ""
    expected_version: int | None = None
    occurred_at: datetime | None = None
    within: UUID | None = None  # asked for at the endpoint of this area
    paths: Callable[[], Mapping[str, tuple[str, ...]]] = dict  # global id → the input field it stands in
    actors: frozenset[UUID] = frozenset()  # named anywhere in the input
    asks: frozenset[str | None] | None = None  # what its rule may ask for; anything unless told


@dataclass(frozen=True)
class Performed:
    """What came of a command, and who gave it, as seen in its transaction; `replayed` when it had been done before."""

    outcome: Outcome
    viewer: Viewer
    replayed: bool = False


@dataclass(frozen=True)
class _Opening:
    """What is known when a transaction begins. `claimed` is the record of the idempotency key, None when the key had
    been claimed before; `merged` says for whom a merged actor's id stands."""

    viewer: Viewer
    settings: int | None = None
    merged: Mapping[UUID, UUID] = field(default_factory=dict)
    claimed: UUID | None = None


def _as_they_are_now(acting: Acting, merged: Mapping[UUID, UUID]) -> Acting:
    """In whose name it is sent, where a merged actor's id stands for the one kept."""
    for_id, behalf_of_id = (merged.get(id, id) if id else None for id in (acting.for_id, acting.behalf_of_id))
    return replace(acting, for_id=for_id, behalf_of_id=behalf_of_id)


def _merged_sql(dialect: Dialect, marks: list[str]) -> str:
    """Of these actors, each with whom it was merged into, as JSON; they are held until the end of the transaction."""
    if not marks:
        return "NULL"
    hold = " FOR KEY SHARE" if dialect.lock else ""
    actors = f"SELECT id, merged_into_id FROM core_actor WHERE id IN ({', '.join(marks)}) ORDER BY id{hold}"
    pairs = (
        "json_agg(json_build_array(m.id, m.merged_into_id))"
        if dialect is POSTGRES
        else "json_group_array(json_array(m.id, m.merged_into_id))"
    )
    return f"SELECT {pairs} FROM ({actors}) m"


def _gave_us_up(error: Exception) -> bool:
    """Deadlock, failed serialization, or somebody was first with a row that the rule would have found (a unique index that
    has no code for who asks): nothing was done, and doing it again is safe."""
    causes: list[Any] = [error, *error.args[:1]]
    return any(getattr(cause, "sqlstate", None) in ("40P01", "40001", "23505") for cause in causes)


class Runtime:
    def __init__(
        self, database: Database, kernel: Kernel, messages: Messages, dispatcher: Dispatcher, jobs: Jobs
    ) -> None:
        self.database = database
        self.kernel = kernel
        self.clock = kernel.clock
        self.book = kernel.permissions
        self.messages = messages
        messages.zone = kernel.clock.zone
        self.dispatcher = dispatcher
        self.jobs = jobs
        self.viewers = Viewers(self.viewer)
        self.providers: Mapping[str, Provider] = {}  # to sign in by, beside the password

    async def viewer(self, token_hash: str) -> Viewer:
        """Who a token stands for now; ANONYMOUS when it is unknown, expired, revoked or its account disabled."""
        dialect = self.database.dialect
        sql = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        rows = await self.database.read(sql, [token_hash, self.clock.now()], is_small=True)
        row = dict(zip(VIEWER, rows[0], strict=True)) if rows else None
        return viewer_from(row, token_hash, self.kernel.cuts())

    async def viewer_of(self, account_id: UUID, fetch: Any = None) -> Viewer:
        """Who holds an account, as of now (`fetch` of a transaction: as of that); ANONYMOUS when it is disabled."""
        now = self.clock.now()
        return await viewer_of(fetch or self.database.fetch, self.database.dialect, account_id, now, self.kernel.cuts())

    async def on_in(self, code: str) -> tuple[UUID, frozenset[str]] | None:
        """The area of this code and the plugins that are on there now; None where no area has it."""
        if not is_area_code(code):
            return None
        rows = await self.database.read(
            "SELECT a.id, p.plugin, p.until FROM core_area a LEFT JOIN core_plugin_area p ON p.area_id = a.id"
            f" WHERE a.code = {self.database.dialect.mark(1)}",
            [code],
        )
        now = self.clock.now()
        on = {plugin for _, plugin, until in rows if (end := as_instant(until)) is None or end > now}
        return (as_uuid(rows[0][0]), frozenset(on & self.kernel.plugins)) if rows else None

    async def perform(self, command: Command, rule: Rule) -> Performed:
        """`attempt`, again where the database gave us up for somebody who came first."""
        for _ in range(RETRIES):
            try:
                return await self._attempt(command, rule)
            except Exception as error:
                if not _gave_us_up(error):
                    raise
        return await self._attempt(command, rule)

    async def _attempt(self, command: Command, rule: Rule) -> Performed:
        """Run one rule in one transaction and return its outcome; the same key again returns the same outcome.

        Refuses NOT_SIGNED_IN when the token died since the request began, IDEMPOTENCY_CONFLICT when the key was
        used with other input, BUSY when time runs out while waiting for the database; whatever the rule refuses leaves
        no trace.
        """
        async with self.database.transaction() as transaction:
            opening = await self._open(transaction, command)
            viewer, claimed = await self._cut(transaction, opening), opening.claimed
            if command.key is not None and claimed is None:
                return Performed(await self._replay(transaction, command, viewer), viewer, replayed=True)
            work = Work(
                transaction, self.kernel, viewer, _as_they_are_now(command.acting, opening.merged),
                within=command.within, occurred_at=command.occurred_at, settings=opening.settings, paths=command.paths,
                asks=command.asks,
            )  # fmt: skip
            work.expected_version = command.expected_version
            work.instead = opening.merged
            if work.acting.behalf_of_id is not None:
                await self._needs_the_desk(work, work.acting.behalf_of_id)
            try:
                async with asyncio.timeout(RULE_SECONDS):
                    outcome = await rule(work)
                    await work.flush((claimed, json.dumps(outcome, sort_keys=True)) if claimed else None)
            except TimeoutError as error:
                if transaction.cut_short:
                    raise Refusal("BUSY") from error
                raise
        self._tell(work)
        if work.changes_settings:
            with contextlib.suppress(Exception):  # the change is made, whatever comes of looking at it
                await self.follow_settings()
        return Performed(outcome, viewer)

    @staticmethod
    async def _needs_the_desk(work: Work, actor_id: UUID) -> None:
        """A clerk acts for those who cannot act themselves: nobody with an account, and nobody whom one acts for; a guardian
        for their ward, on the basis GUARDIAN and in person (no machine is a guardian).

        Refuses NOT_FOUND, NO_GUARDIANSHIP, HAS_ACCOUNT.
        """
        if await work.find(Actor, id=actor_id, gone_at=None) is None:
            raise Refusal("NOT_FOUND", path=("onBehalfOf", "actorId"), kind="actor")
        if work.acting.basis is BehalfBasis.GUARDIAN:
            guards = await work.rows(
                "SELECT until FROM core_guardianship WHERE guardian_id = {} AND ward_id = {} AND state = 'ACTIVE'"
                " AND since <= {} AND (until IS NULL OR until > {})",
                work.viewer.self_id, actor_id, work.now, work.now,
            )  # fmt: skip
            if not guards:
                raise Refusal("NO_GUARDIANSHIP", path=("onBehalfOf", "basis"))
            ends = as_instant(guards[0]["until"])
            work.acting = replace(work.acting, is_guardian=True, guardian_until=ends)
            return
        able = await work.rows(
            "SELECT 1 AS yes FROM core_account a WHERE a.state = 'ACTIVE' AND (a.person_id = {} OR a.person_id IN"
            " (SELECT m.person_id FROM core_mandate m WHERE m.organization_id = {} AND m.state = 'ACTIVE'"
            " AND m.since <= {} AND (m.until IS NULL OR m.until > {}))) LIMIT 1",
            actor_id, actor_id, work.now, work.now,
        )  # fmt: skip
        if able:
            raise Refusal("HAS_ACCOUNT", path=("onBehalfOf", "actorId"))

    async def _open(self, transaction: Transaction, command: Command) -> _Opening:
        """Read the viewer afresh, claim the idempotency key, see which settings are in force and which of the actors
        named were merged into others (until the end nobody merges more of them): one round trip on PostgreSQL."""
        if command.viewer.token_hash is None:
            return _Opening(ANONYMOUS)
        dialect = self.database.dialect
        values: list[Any] = [command.viewer.token_hash, self.clock.now()]
        facts = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        if dialect.lock:
            facts += " FOR KEY SHARE OF a"  # whoever acts is not merged into somebody else meanwhile
        acting = command.acting
        named = sorted({id for id in (acting.for_id, acting.behalf_of_id, *command.actors) if id is not None})
        merged = _merged_sql(dialect, [dialect.mark(3 + n) for n in range(len(named))])
        values += named
        facts = f"SELECT v.*, ({VERSION}) AS settings, ({merged}) AS merged FROM ({facts}) v"
        if command.key is None:
            rows = await transaction.fetch(facts, *values)
            return self._opening(rows, command)
        key_id = new_id()
        record = [
            key_id, command.viewer.account_id, command.mutation, command.key, command.input_hash, self.clock.now(),
        ]  # fmt: skip
        first = 1 + (len(values) if dialect is POSTGRES else 0)
        insert = (
            "INSERT INTO core_idempotency (id, account_id, mutation, key, input_hash, created_at)"
            f" VALUES ({', '.join(dialect.mark(first + n) for n in range(len(record)))})"
            " ON CONFLICT (account_id, mutation, key) DO NOTHING RETURNING id"
        )
        if dialect is POSTGRES:
            sql = f"WITH k AS ({insert}) SELECT f.*, (SELECT count(*) FROM k) AS claimed FROM ({facts}) f"
            rows = await transaction.fetch(sql, *values, *record)
            opening, claimed = self._opening(rows, command), bool(rows[0]["claimed"])
        else:
            rows = await transaction.fetch(facts, *values)
            opening, claimed = self._opening(rows, command), bool(await transaction.fetch(insert, *record))
        return replace(opening, claimed=key_id if claimed else None)

    @staticmethod
    def _opening(rows: list[Any], command: Command) -> _Opening:
        if not rows:
            raise Refusal("NOT_SIGNED_IN")
        assert command.viewer.token_hash is not None
        pairs = json.loads(rows[0]["merged"] or "[]")
        merged = {as_uuid(gone): as_uuid(kept) for gone, kept in pairs if kept is not None}
        return _Opening(viewer_from(rows[0], command.viewer.token_hash, {}), rows[0]["settings"], merged)

    async def _cut(self, transaction: Transaction, opening: _Opening) -> Viewer:
        """The viewer with what areas have cut by now; read again when the settings have changed."""
        store = self.kernel.settings
        if opening.settings is None:
            return opening.viewer
        book = store.current
        if opening.settings != book.version:
            book = await store.book(transaction.fetch, self.database.dialect.mark, opening.settings)
        return replace(opening.viewer, cuts=self.kernel.cuts(book))

    async def _replay(self, transaction: Transaction, command: Command, viewer: Viewer) -> Outcome:
        mark = self.database.dialect.mark
        rows = await transaction.fetch(
            "SELECT input_hash, outcome FROM core_idempotency"
            f" WHERE account_id = {mark(1)} AND mutation = {mark(2)} AND key = {mark(3)}",
            viewer.account_id,
            command.mutation,
            command.key,
        )
        if rows[0]["input_hash"] != command.input_hash:
            raise Refusal("IDEMPOTENCY_CONFLICT", key=command.key)
        outcome: Outcome = json.loads(rows[0]["outcome"] or "{}")
        return outcome

    async def as_system(self, rule: Rule, *, occurred_at: datetime | None = None) -> Outcome:
        """Run a rule as the server itself: command line, demo data, jobs. Its events say so."""
        for _ in range(RETRIES):
            try:
                return await self._attempt_as_system(rule, occurred_at)
            except Exception as error:
                if not _gave_us_up(error):
                    raise
        return await self._attempt_as_system(rule, occurred_at)

    async def _attempt_as_system(self, rule: Rule, occurred_at: datetime | None) -> Outcome:
        async with self.database.transaction() as transaction:
            work = Work(transaction, self.kernel, ANONYMOUS, Acting(), system=True, occurred_at=occurred_at)
            outcome = await rule(work)
            await work.flush()
        self._tell(work)
        return outcome

    async def follow_settings(self) -> None:
        """Take the settings in force in hand; other workers look for themselves (`TakeUp`)."""
        store, database = self.kernel.settings, self.database
        version = await store.version(database.fetch)
        if version != store.current.version:
            store.keep(await store.read(database.fetch, database.dialect.mark, version))

    def _tell(self, work: Work) -> None:
        """Have what has happened delivered, and forget whom tokens stand for where it may matter."""
        self.viewers.changed(work.touched)
        self.dispatcher.wake(None if work.flushed else [event.type for event in work.events])

    async def forget_old_keys(self) -> None:
        """Drop idempotency records older than seven days, failures to sign in that count no longer, tickets of no account
        whose time is over, and tickets and tokens that have been no good for a month."""
        mark, now = self.database.dialect.mark, self.clock.now()
        async with self.database.transaction() as transaction:
            await transaction.fetch(f"DELETE FROM core_idempotency WHERE created_at < {mark(1)}", now - KEEP_KEYS)
            await transaction.fetch(
                f"DELETE FROM core_sign_in_failures WHERE since < {mark(1)}", now - throttle.LONGEST
            )
            await transaction.fetch(
                f"DELETE FROM core_ticket WHERE account_id IS NULL AND expires_at <= {mark(1)}", now
            )
            for table in ("core_ticket", "core_token"):
                await transaction.fetch(f"DELETE FROM {table} WHERE expires_at < {mark(1)}", now - KEEP_TICKETS)
