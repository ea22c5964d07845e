"""The SQLite engine: writers take the lock when they begin, so none is thrown out half-way."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from tortoise.backends.base.client import TransactionalDBClient, TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError, TransactionManagementError

from core.database import deadline
from core.database.dialect import sqlite_instant

# The ORM registers an adapter whose width depends on the microseconds; ours keeps text order = time order.
sqlite3.register_adapter(datetime, sqlite_instant)


class ImmediateTransaction(SqliteTransactionWrapper):
    async def begin(self) -> None:
        try:
            if self._connection.in_transaction:
                await self._connection.commit()
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error

    async def execute_all(self, statements: Sequence[tuple[str, list[Any]]]) -> list[int]:
        """Statements one after the other in one visit to the thread that has the connection; how many rows each of them
        returned."""
        with translated():
            async with self.acquire_connection() as connection:
                counts: list[int] = await connection._execute(execute_all, connection._conn, statements)
                return counts


def execute_all(connection: sqlite3.Connection, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
    """How many rows each of the statements returned."""
    return [len(connection.execute(sql, values).fetchall()) for sql, values in statements]


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """SQLite's errors as the ORM raises them."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise IntegrityError(error) from error
    except sqlite3.OperationalError as error:
        raise OperationalError(error) from error


class _Context(SqliteTransactionContext):
    """The ORM's context keeps its lock for ever when BEGIN fails (another process holds the file); this one lets go.
    It also waits for others of this process no longer than the request may take."""

    async def __aenter__(self) -> TransactionalDBClient:
        left = deadline.get() - monotonic()
        try:
            async with asyncio.timeout(None if left == math.inf else left):
                await self._trxlock.acquire()
        except TimeoutError:
            raise TransactionManagementError(sqlite3.OperationalError("database is locked")) from None
        connections = get_connections()
        token = None
        try:
            await self.ensure_connection()
            token = connections.set(self.connection_name, self.connection)
            await self.connection.begin()
        except BaseException:
            if token is not None:
                connections.reset(token)
            self._trxlock.release()
            raise
        self.token = token
        return self.connection  # type: ignore[no-any-return]


class ImmediateClient(SqliteClient):
    def _in_transaction(self) -> TransactionContext:
        return _Context(ImmediateTransaction(self), self._lock)


client_class = ImmediateClient
