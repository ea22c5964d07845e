"""PostgreSQL connections from hand to hand: whoever has used one well leaves it for the next, without asking the pool."""

from __future__ import annotations

from time import monotonic
from typing import Any

import asyncpg

IDLE_SECONDS = 60.0


class Lender:
    """Connections taken from a pool; the one used last is lent first.

    The pool's own way costs a task for each return. What was used in vain, or has not been asked for in a minute, goes
    back to the pool, which looks after it.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self._idle: list[tuple[Any, float]] = []  # since when
        self._waiting = 0

    def at_hand(self) -> Any | None:
        """A connection that nobody uses, if there is one."""
        while self._idle:
            connection, _ = self._idle.pop()
            if _is_open(connection):
                return connection
        return None

    async def take(self) -> Any:
        """A connection, after waiting for one if need be."""
        connection = self.at_hand()
        if connection is not None:
            return connection
        self._waiting += 1
        try:
            return await self.pool.acquire()
        finally:
            self._waiting -= 1

    async def give(self, connection: Any, *, is_well: bool) -> None:
        """`is_well`: nothing went wrong while it was lent."""
        if self._waiting or not is_well or not _is_open(connection) or connection.is_in_transaction():
            await self.pool.release(connection)
            return
        now = monotonic()
        self._idle.append((connection, now))
        if now - self._idle[0][1] > IDLE_SECONDS:
            await self.pool.release(self._idle.pop(0)[0])

    async def give_up(self) -> None:
        """Return what nobody uses: before the pool is closed, which waits for all of it, or renewed."""
        while self._idle:
            await self.pool.release(self._idle.pop()[0])


def _is_open(connection: Any) -> bool:
    """One that broke while it lay idle has gone back to the pool by itself."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False
