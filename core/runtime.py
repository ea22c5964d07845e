"""What a running server shares: database, clock, permissions, messages, events; and the one way to change anything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.access import ANONYMOUS, Acting, Viewer, viewer_from, viewer_sql
from core.database import Database, Transaction
from core.database.dialect import POSTGRES
from core.errors import Refusal
from core.events import Dispatcher
from core.ids import new_id
from core.jobs import Jobs
from core.kernel import Kernel
from core.messages import Messages
from core.models import Actor
from core.settings.store import VERSION
from core.work import Work

KEEP_KEYS = timedelta(days=7)
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
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # global id → the input field it stands in
    actors: frozenset[UUID] = frozenset()  # named anywhere in the input


@dataclass(frozen=True)
class Performed:
    """What came of a command, and who gave it, as seen in its transaction; `replayed` when it had been done before."""

    outcome: Outcome
    viewer: Viewer
    replayed: bool = False


def _gave_us_up(error: Exception) -> bool:
    """Deadlock or failed serialization: nothing was done, and doing it again is safe."""
    causes: list[Any] = [error, *error.args[:1]]
    return any(getattr(cause, "sqlstate", None) in ("40P01", "40001") for cause in causes)


class Runtime:
    def __init__(
        self, database: Database, kernel: Kernel, messages: Messages, dispatcher: Dispatcher, jobs: Jobs
    ) -> None:
        self.database = database
        self.kernel = kernel
        self.clock = kernel.clock
        self.book = kernel.permissions
        self.messages = messages
        self.dispatcher = dispatcher
        self.jobs = jobs

    async def viewer(self, token_hash: str) -> Viewer:
        """Who a token stands for now; ANONYMOUS when it is unknown, expired, revoked or its account disabled."""
        dialect = self.database.dialect
        sql = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        rows = await self.database.read(sql, [token_hash, self.clock.now()])
        names = ("account_id", "person_id", "grants", "mandates", "organizations")
        return viewer_from(dict(zip(names, rows[0], strict=True)) if rows else None, token_hash)

    async def viewer_of(self, account_id: UUID, fetch: Any = None) -> Viewer:
        """Who holds an account, as of now (`fetch` of a transaction: as of that); ANONYMOUS when it is disabled."""
        dialect = self.database.dialect
        sql = viewer_sql(dialect, dialect.mark(1), dialect.mark(2), by_account=True)
        rows = await (fetch or self.database.fetch)(sql, account_id, self.clock.now())
        return viewer_from(rows[0] if rows else None, None)

    async def perform(self, command: Command, rule: Rule) -> Performed:
        """`attempt`, again where the database broke a circle of waiting by giving one of us up."""
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
            viewer, claimed, settings = await self._open(transaction, command)
            if command.key is not None and claimed is None:
                return Performed(await self._replay(transaction, command, viewer), viewer, replayed=True)
            work = Work(
                transaction, self.kernel, viewer, command.acting,
                within=command.within, occurred_at=command.occurred_at, settings=settings, paths=command.paths,
            )  # fmt: skip
            work.expected_version = command.expected_version
            await self._as_they_are_now(work, command.actors)
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
        if work.events:
            self.dispatcher.wake()
        return Performed(outcome, viewer)

    @staticmethod
    async def _as_they_are_now(work: Work, actors: Iterable[UUID]) -> None:
        """A merged actor's id stands for the one kept, in the input and in whose name it is sent."""
        acting = work.acting
        named = (id for id in (acting.for_id, acting.behalf_of_id) if id is not None)
        merged = work.instead = await work.merged([*named, *actors])
        if merged:
            for_id, behalf_of_id = (merged.get(id, id) if id else None for id in (acting.for_id, acting.behalf_of_id))
            work.acting = replace(acting, for_id=for_id, behalf_of_id=behalf_of_id)

    @staticmethod
    async def _needs_the_desk(work: Work, actor_id: UUID) -> None:
        """A clerk acts for those who cannot act themselves: nobody with an account, and nobody whom one acts for.

        Refuses NOT_FOUND, HAS_ACCOUNT.
        """
        if await work.find(Actor, id=actor_id, gone_at=None) is None:
            raise Refusal("NOT_FOUND", path=("onBehalfOf", "actorId"), kind="actor")
        able = await work.rows(
            "SELECT 1 AS yes FROM core_account a WHERE a.state = 'ACTIVE' AND (a.person_id = {} OR a.person_id IN"
            " (SELECT m.person_id FROM core_mandate m WHERE m.organization_id = {} AND m.state = 'ACTIVE'"
            " AND m.since <= {} AND (m.until IS NULL OR m.until > {}))) LIMIT 1",
            actor_id, actor_id, work.now, work.now,
        )  # fmt: skip
        if able:
            raise Refusal("HAS_ACCOUNT", path=("onBehalfOf", "actorId"))

    async def _open(self, transaction: Transaction, command: Command) -> tuple[Viewer, UUID | None, int | None]:
        """Read the viewer afresh, claim the idempotency key and see which settings are in force: one round trip on
        PostgreSQL. The key's record is None when it had been claimed before."""
        if command.viewer.token_hash is None:
            return ANONYMOUS, None, None
        dialect = self.database.dialect
        values: list[Any] = [command.viewer.token_hash, self.clock.now()]
        facts = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        if dialect.lock:
            facts += " FOR KEY SHARE OF a"  # whoever acts is not merged into somebody else meanwhile
        facts = f"SELECT v.*, ({VERSION}) AS settings FROM ({facts}) v"
        if command.key is None:
            rows = await transaction.fetch(facts, *values)
            return self._signed_in(rows, command), None, rows[0]["settings"]
        key_id = new_id()
        record = [
            key_id, command.viewer.account_id, command.mutation, command.key, command.input_hash, self.clock.now(),
        ]  # fmt: skip
        first = 3 if dialect is POSTGRES else 1
        insert = (
            "INSERT INTO core_idempotency (id, account_id, mutation, key, input_hash, created_at)"
            f" VALUES ({', '.join(dialect.mark(first + n) for n in range(len(record)))})"
            " ON CONFLICT (account_id, mutation, key) DO NOTHING RETURNING id"
        )
        if dialect is POSTGRES:
            sql = f"WITH k AS ({insert}) SELECT f.*, (SELECT count(*) FROM k) AS claimed FROM ({facts}) f"
            rows = await transaction.fetch(sql, *values, *record)
            viewer, claimed = self._signed_in(rows, command), bool(rows[0]["claimed"])
        else:
            rows = await transaction.fetch(facts, *values)
            viewer, claimed = self._signed_in(rows, command), bool(await transaction.fetch(insert, *record))
        return viewer, key_id if claimed else None, rows[0]["settings"]

    @staticmethod
    def _signed_in(rows: list[Any], command: Command) -> Viewer:
        if not rows:
            raise Refusal("NOT_SIGNED_IN")
        assert command.viewer.token_hash is not None
        return viewer_from(rows[0], command.viewer.token_hash)

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
        if work.events or work.flushed:
            self.dispatcher.wake()
        return outcome

    async def forget_old_keys(self) -> None:
        """Drop idempotency records older than seven days."""
        mark = self.database.dialect.mark
        async with self.database.transaction() as transaction:
            await transaction.fetch(
                f"DELETE FROM core_idempotency WHERE created_at < {mark(1)}", self.clock.now() - KEEP_KEYS
            )
