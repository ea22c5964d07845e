"""SQLite without a thread of its own, for a process that does one thing: make a demo.

The server's connection lives in a thread, so that a statement blocks nobody; a demo runs a hundred thousand statements
in a row with nobody waiting, and would spend most of its time changing threads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

from tortoise.backends.base.client import TransactionalDBClient

from core.database import BUSY_MS, Database, Transaction
from core.database.dialect import SQLITE
from core.database.sqlite import execute_all, translated
from core.runtime import Runtime


@contextmanager
def inline(runtime: Runtime) -> Iterator[None]:
    """Have a runtime on SQLite use a connection in this thread meanwhile; on PostgreSQL nothing changes."""
    usual = runtime.database
    if usual.dialect is not SQLITE:
        yield
        return
    database = _Inline(usual)
    runtime.database = runtime.dispatcher.database = database
    try:
        yield
    finally:
        runtime.database = runtime.dispatcher.database = usual
        database.connection.close()


class _Inline(Database):
    def __init__(self, usual: Database) -> None:
        super().__init__(usual.url, usual.models)
        self.observers = usual.observers
        self.connection = sqlite3.connect(Path(usual.url.removeprefix("sqlite:")), isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        for pragma in (f"busy_timeout={BUSY_MS}", "foreign_keys=ON", "synchronous=NORMAL", "cache_size=-65536"):
            self.connection.execute(f"PRAGMA {pragma}")

    async def read(self, sql: str, values: Sequence[Any] = (), *, is_small: bool = False) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self._run(sql, values)]

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        return list(map(dict, self._run(sql, values)))

    def _run(self, sql: str, values: Sequence[Any]) -> list[Any]:
        self.observe(sql)
        return self.connection.execute(sql, [self.dialect.encode(v) for v in values]).fetchall()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        self.observe("BEGIN")
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield Transaction(self, cast(TransactionalDBClient, _Client(self.connection)))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.observe("COMMIT")
        self.connection.execute("COMMIT")


class _Client:
    """As much of the ORM's client as a `Transaction` asks for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute_query_dict(self, sql: str, values: Sequence[Any]) -> list[dict[str, Any]]:
        with translated():
            return list(map(dict, self._connection.execute(sql, values)))

    async def execute_all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
        with translated():
            return execute_all(self._connection, statements)
