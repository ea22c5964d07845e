"""What a running server shares: database, clock, permissions, messages, events; and the one way to change anything."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.access import ANONYMOUS, Acting, PermissionBook, Viewer, viewer_from, viewer_sql
from core.clock import Clock
from core.database import Database, Transaction
from core.errors import Refusal
from core.events import Dispatcher
from core.ids import new_id
from core.messages import Messages
from core.work import Work

KEEP_KEYS = timedelta(days=7)
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


class Runtime:
    def __init__(
        self, database: Database, clock: Clock, book: PermissionBook, messages: Messages, dispatcher: Dispatcher
    ) -> None:
        self.database = database
        self.clock = clock
        self.book = book
        self.messages = messages
        self.dispatcher = dispatcher

    async def viewer(self, token_hash: str) -> Viewer:
        """Who a token stands for now; ANONYMOUS when it is unknown, expired, revoked or its account disabled."""
        dialect = self.database.dialect
        sql = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        rows = await self.database.read(sql, [token_hash, self.clock.now()])
        names = ("account_id", "person_id", "grants", "mandates", "organizations")
        return viewer_from(dict(zip(names, rows[0], strict=True)) if rows else None, token_hash)

    async def perform(self, command: Command, rule: Rule) -> Outcome:
        """Run one rule in one transaction and return its outcome; the same key again returns the same outcome.

        Refuses NOT_SIGNED_IN when the token died since the request began, IDEMPOTENCY_CONFLICT when the key was
        used with other input; whatever the rule refuses leaves no trace.
        """
        async with self.database.transaction() as transaction:
            viewer, claimed = await self._open(transaction, command)
            if command.key is not None and claimed is None:
                return await self._replay(transaction, command, viewer)
            work = Work(transaction, self.book, self.clock, viewer, command.acting, occurred_at=command.occurred_at)
            work.expected_version = command.expected_version
            outcome = await rule(work)
            await work.flush((claimed, json.dumps(outcome, sort_keys=True)) if claimed else None)
        if work.events:
            self.dispatcher.wake()
        return outcome

    async def _open(self, transaction: Transaction, command: Command) -> tuple[Viewer, UUID | None]:
        """Read the viewer afresh and claim the idempotency key, in one round trip on PostgreSQL."""
        if command.viewer.token_hash is None:
            return ANONYMOUS, None
        dialect = self.database.dialect
        now = self.clock.now()
        values: list[Any] = [command.viewer.token_hash, now]
        facts = viewer_sql(dialect, dialect.mark(1), dialect.mark(2))
        if command.key is None:
            rows = await transaction.fetch(facts, *values)
            return self._signed_in(rows, command), None
        key_id = new_id()
        marks = ", ".join(dialect.mark(n) for n in range(3, 9)) if dialect.name == "postgres" else "?1,?2,?3,?4,?5,?6"
        insert = (
            "INSERT INTO core_idempotency (id, account_id, mutation, key, input_hash, created_at)"
            f" VALUES ({marks}) ON CONFLICT (account_id, mutation, key) DO NOTHING RETURNING id"
        )
        record = [key_id, command.viewer.account_id, command.mutation, command.key, command.input_hash, now]
        if dialect.name == "postgres":
            sql = f"WITH k AS ({insert}) SELECT v.*, (SELECT count(*) FROM k) AS claimed FROM ({facts}) v"
            rows = await transaction.fetch(sql, *values, *record)
            viewer = self._signed_in(rows, command)
            return viewer, key_id if rows[0]["claimed"] else None
        viewer = self._signed_in(await transaction.fetch(facts, *values), command)
        return viewer, key_id if await transaction.fetch(insert, *record) else None

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
        async with self.database.transaction() as transaction:
            work = Work(transaction, self.book, self.clock, ANONYMOUS, Acting(), system=True, occurred_at=occurred_at)
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
