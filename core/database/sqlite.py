"""The SQLite engine: writers take the lock when they begin, so none is thrown out half-way."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from tortoise.backends.base.client import TransactionContext
from tortoise.backends.sqlite.client import SqliteClient, SqliteTransactionContext, SqliteTransactionWrapper
from tortoise.exceptions import TransactionManagementError

from core.database.dialect import sqlite_instant

# The ORM registers an adapter whose width depends on the microseconds; ours keeps text order = time order.
sqlite3.register_adapter(datetime, sqlite_instant)


class ImmediateTransaction(SqliteTransactionWrapper):
    async def begin(self) -> None:
        try:
            await self._connection.commit()
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error


class ImmediateClient(SqliteClient):
    def _in_transaction(self) -> TransactionContext:
        return SqliteTransactionContext(ImmediateTransaction(self), self._lock)


client_class = ImmediateClient
