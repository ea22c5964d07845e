"""The PostgreSQL engine: UTC, no JIT, and a pool that does not spend a round trip on reset after every statement."""

from __future__ import annotations

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

SERVER_SETTINGS = {"jit": "off", "TimeZone": "UTC", "application_name": "gongzhi"}


async def _reset(connection: Any) -> None:
    """We set nothing on a session, so there is nothing to reset; a connection left inside a transaction is dropped."""
    if connection.is_in_transaction():
        await connection.reset()


class _Context(TransactionContextPooled):
    """The ORM's context loses its connection when BEGIN fails; this one gives it back to the pool."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        connection = await pool.acquire()
        connections = get_connections()
        self.client._connection = connection
        token = connections.set(self.connection_name, self.client)
        try:
            await self.client.begin()
        except BaseException:
            connections.reset(token)
            await pool.release(connection)
            raise
        self.token = token
        return self.client


class PostgresClient(AsyncpgDBClient):
    lock_ms = 0  # how long a statement waits for somebody else's lock; 0: without end

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        given = kwargs.pop("server_settings", None) or {}
        settings = {**SERVER_SETTINGS, "lock_timeout": str(self.lock_ms), **given}
        return await asyncpg.create_pool(None, server_settings=settings, reset=_reset, **kwargs)

    def _in_transaction(self) -> TransactionContext:
        return _Context(TransactionWrapper(self), self._pool_init_lock)


client_class = PostgresClient
