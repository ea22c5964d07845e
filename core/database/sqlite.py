"""The SQLite engine: writers take the lock before their first statement, so none is thrown out half-way."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar, cast

from tortoise.backends.base.client import (
    ConnectionWrapper,
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.connection import get_connections
from tortoise.exceptions import IntegrityError, OperationalError, TransactionManagementError

from core.database import deadline
from core.database.dialect import sqlite_instant

# The ORM registers an adapter whose width depends on the microseconds; ours keeps text order = time order.
sqlite3.register_adapter(datetime, sqlite_instant)

T = TypeVar("T")


class ImmediateTransaction(SqliteTransactionWrapper):
    """Takes the lock with its first statement: a visit to the thread that has the connection costs as much as many a
    statement."""

    _begun = False

    async def begin(self) -> None:
        pass

    async def _visit(self, do: Callable[[sqlite3.Connection], T]) -> T:
        with translated():
            given = (do,) if self._begun else (self._begin_and, do)
            return cast(T, await self._connection._execute(*given, self._connection._conn))  # type: ignore[no-untyped-call]

    def _begin_and(self, do: Callable[[sqlite3.Connection], T], connection: sqlite3.Connection) -> T:
        if connection.in_transaction:
            connection.commit()
        connection.execute("BEGIN IMMEDIATE")
        self._begun = True
        return do(connection)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        return await self._visit(lambda connection: list(map(dict, connection.execute(query, values or ()))))

    async def execute_all(self, statements: Sequence[tuple[str, list[Any]]]) -> list[int]:
        """Statements one after the other in one visit; how many rows each of them returned."""
        return await self._visit(lambda connection: execute_all(connection, statements))

    async def execute_script(self, query: str) -> None:
        """Statement by statement: Python's own would commit first."""
        await self._visit(lambda connection: [connection.execute(statement) for statement in _statements(query)])

    def _in_transaction(self) -> TransactionContext:
        within = ImmediateTransaction(self)
        within._begun = True
        return NestedTransactionContext(within)

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        return _Begun(self._lock, self)


def _statements(script: str) -> Iterator[str]:
    """A script's statements, each whole: a trigger has semicolons within."""
    statement = ""
    for piece in script.split(";"):
        statement += piece + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class _Begun(ConnectionWrapper[Any]):
    """What the ORM runs its statements on, in a transaction that has begun."""

    client: ImmediateTransaction

    async def __aenter__(self) -> Any:
        connection = await super().__aenter__()
        try:
            if not self.client._begun:
                await self.client._visit(lambda connection: None)
        except BaseException:
            self._lock.release()
            raise
        return connection


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
    """The ORM's context, which keeps its lock for ever when it cannot connect: this one lets go. It also waits for others
    of this process no longer than the request may take."""

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
        except BaseException:
            if token is not None:
                connections.reset(token)
            self._trxlock.release()
            raise
        self.token = token
        return self.connection  # type: ignore[no-any-return]


class ImmediateClient(SqliteClient):
    async def create_connection(self, with_db: bool) -> None:
        """A file that is not there yet is made for this account's eyes only; so are those that SQLite puts beside it."""
        with contextlib.suppress(OSError):  # whatever else is wrong with it, SQLite will say
            os.close(os.open(self.filename, os.O_CREAT | os.O_EXCL, 0o600))
        await super().create_connection(with_db)

    def _in_transaction(self) -> TransactionContext:
        return _Context(ImmediateTransaction(self), self._lock)


client_class = ImmediateClient
