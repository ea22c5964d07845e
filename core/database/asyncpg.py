"""The PostgreSQL engine: UTC, no JIT, one plan for a statement whoever asks (docs/decisions/0012), and connections that
are lent without a round trip to reset them after every statement."""

from __future__ import annotations

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    PoolConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import get_connections

from core.database.lending import Lender

SERVER_SETTINGS = {
    "jit": "off",
    "TimeZone": "UTC",
    "application_name": "gongzhi",
    "plan_cache_mode": "force_generic_plan",
}


async def _reset(connection: Any) -> None:
    """We set nothing on a session, so there is nothing to reset; a connection left inside a transaction is dropped."""
    if connection.is_in_transaction():
        await connection.reset()


def _lender(client: Any) -> Lender:
    lent: Lender = client.lender
    return lent


class _Context(TransactionContextPooled):
    """The ORM's context loses its connection when BEGIN fails; this one gives it back."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        lender = _lender(self.client._parent)
        connection = await lender.take()
        connections = get_connections()
        self.client._connection = connection
        token = connections.set(self.connection_name, self.client)
        try:
            await self.client.begin()
        except BaseException:
            connections.reset(token)
            await lender.give(connection, is_well=False)
            raise
        self.token = token
        return self.client

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        is_well = False
        try:
            if not self.client._finalized:
                await (self.client.commit() if exc_type is None else self.client.rollback())
            is_well = True
        finally:
            await _lender(self.client._parent).give(self.client._connection, is_well=is_well)
            get_connections().reset(self.token)


class _Lent(PoolConnectionWrapper[Any]):
    """For one statement of the ORM."""

    async def __aenter__(self) -> Any:
        await self.ensure_connection()
        self.connection = await _lender(self.client).take()
        return self.connection

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        await _lender(self.client).give(self.connection, is_well=exc_type is None)


class PostgresClient(AsyncpgDBClient):
    lock_ms = 0  # how long a statement waits for somebody else's lock; 0: without end
    lender: Lender

    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        given = kwargs.pop("server_settings", None) or {}
        settings = {**SERVER_SETTINGS, "lock_timeout": str(self.lock_ms), **given}
        pool = await asyncpg.create_pool(None, server_settings=settings, reset=_reset, **kwargs)
        self.lender = Lender(pool)
        return pool

    async def _close(self) -> None:
        if self._pool:
            await self.lender.give_up()
        await super()._close()

    async def _expire_connections(self) -> None:
        if self._pool:
            await self.lender.give_up()
        await super()._expire_connections()

    def acquire_connection(self) -> PoolConnectionWrapper[Any]:
        return _Lent(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return _Context(TransactionWrapper(self), self._pool_init_lock)


client_class = PostgresClient
