"""How a demo's database is known: its log begins with `core.demo.begun` and, once it is whole, has `core.demo.made`.

So what was interrupted is recognised and made anew, and nobody else's data is ever touched. This looks at the database
before the server does, as it is: other software's tables, none at all, or those of an older version.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import asyncpg

from core.database import connection_config
from core.errors import ConfigurationError

BEGUN = "core.demo.begun"
MADE = "core.demo.made"
_ADVISORY = 0x67_7A_64_65_6D_6F  # "gzdemo"
_OURS = ("core_", "tortoise_migrations")


class Found(Enum):
    """What there is at a database's address."""

    NOTHING = "nothing"
    HALF = "a demo that was interrupted"
    DEMO = "a demo"
    OTHER = "other data"


@dataclass
class Place:
    """A database's address, held so that no two processes make a demo there."""

    url: str
    _held: Any

    async def found(self) -> Found:
        tables = await self._tables()
        if not tables:
            return Found.NOTHING
        if "core_event" not in tables:
            # Interrupted while the very first tables were made, or somebody else's.
            return Found.NOTHING if all(t.startswith(_OURS) for t in tables) else Found.OTHER
        marks = {row[0] for row in await self._read(f"SELECT type FROM core_event WHERE type IN ('{BEGUN}', '{MADE}')")}
        if BEGUN in marks:
            return Found.DEMO if MADE in marks else Found.HALF
        used = await self._read("SELECT 1 FROM core_event LIMIT 1") or await self._read(
            "SELECT 1 FROM core_area LIMIT 1"
        )
        return Found.OTHER if used else Found.NOTHING

    async def scale(self) -> float:
        """At what scale the demo was begun; 0 is the small story alone."""
        rows = await self._read(f"SELECT data FROM core_event WHERE type = '{BEGUN}'")
        return float(json.loads(rows[0][0])["scale"])

    async def clear(self) -> None:
        """Remove a demo, whole or half."""
        if await self.found() not in (Found.DEMO, Found.HALF):
            raise ConfigurationError(f"{self.url} holds no demo")
        if isinstance(self._held, sqlite3.Connection):
            path = _path(self.url)
            for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                file.unlink(missing_ok=True)
            return
        async with self._held.transaction():
            listed = (
                await self._read("SELECT tables FROM core_installed")
                if "core_installed" in await self._tables()
                else []
            )
            ours = {table for row in listed for table in json.loads(row[0])}
            for table in await self._tables():
                if table in ours or table.startswith(_OURS):
                    await self._held.execute(f'DROP TABLE "{table}" CASCADE')
            for row in await self._read(
                "SELECT p.oid::regprocedure::text FROM pg_proc p"
                " WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'gz\\_%'"
            ):
                await self._held.execute(f"DROP FUNCTION {row[0]}")

    async def _tables(self) -> list[str]:
        if not isinstance(self._held, sqlite3.Connection):
            sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
            return [row[0] for row in await self._read(sql)]
        if not _path(self.url).exists():
            return []
        names = await self._read("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [row[0] for row in names if not row[0].startswith("sqlite_")]

    async def _read(self, sql: str) -> list[Any]:
        if not isinstance(self._held, sqlite3.Connection):
            return list(await self._held.fetch(sql))
        path = _path(self.url).absolute()
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
                return connection.execute(sql).fetchall()
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"{path} cannot be read: {error}; name another database") from error


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:"))


@contextlib.asynccontextmanager
async def hold(url: str) -> AsyncIterator[Place]:
    """Look at a database and hold it against other makers of demos; whoever dies lets go."""
    busy = f"another process is making a demo in {url}; wait for it to end"
    credentials = connection_config(url)["credentials"]
    if url.startswith("sqlite:"):
        path = _path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.demo-lock")
        held = sqlite3.connect(lock, isolation_level=None, timeout=0.5)
        try:
            held.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            held.close()
            raise ConfigurationError(busy) from error
        try:
            yield Place(url, held)
        finally:
            held.close()
            lock.unlink(missing_ok=True)
        return
    connection = await asyncpg.connect(**{k: credentials[k] for k in ("host", "port", "user", "password", "database")})
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _ADVISORY):
            raise ConfigurationError(busy)
        yield Place(url, connection)
    finally:
        await connection.close()
