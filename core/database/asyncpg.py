"""The PostgreSQL engine: UTC, no JIT, and a pool that does not spend a round trip on reset after every statement."""

from __future__ import annotations

from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient

SERVER_SETTINGS = {"jit": "off", "TimeZone": "UTC", "application_name": "gongzhi"}


async def _reset(connection: Any) -> None:
    """We set nothing on a session, so there is nothing to reset; a connection left inside a transaction is dropped."""
    if connection.is_in_transaction():
        await connection.reset()


class PostgresClient(AsyncpgDBClient):
    async def create_pool(self, **kwargs: Any) -> asyncpg.Pool:
        settings = {**SERVER_SETTINGS, **(kwargs.pop("server_settings", None) or {})}
        return await asyncpg.create_pool(None, server_settings=settings, reset=_reset, **kwargs)


client_class = PostgresClient
