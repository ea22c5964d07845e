"""One database: its dialect, its reads (one statement, no object per row) and its transactions."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tortoise import Tortoise
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.exceptions import IntegrityError, OperationalError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from core.database.dialect import POSTGRES, SQLITE, Dialect
from core.database.guards import code_of, unique_codes
from core.errors import ConfigurationError, Refusal
from core.problems import Problem

__all__ = ["Database", "Transaction", "connection_config", "tortoise_config"]

READERS = 3
BUSY_MS = 15_000
STATEMENT_SECONDS = 10.0
READ_SECONDS = 3.0
Row = Mapping[str, Any]
App = tuple[str, list[str | ModuleType], str]  # label, model modules, migrations package


def connection_config(url: str) -> dict[str, Any]:
    """Tortoise's connection settings for `sqlite:PATH` or `postgres://…` (a `host=` query names a socket folder)."""
    if url.startswith("sqlite:"):
        path = url.removeprefix("sqlite:")
        if not path or path == ":memory:":
            raise ConfigurationError(f"database = {url!r}: name a file, for example sqlite:gongzhi.db")
        return {
            "engine": "core.database.sqlite",
            "credentials": {"file_path": path, "busy_timeout": BUSY_MS, "synchronous": "FULL"},
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ConfigurationError(f"database = {url!r}: expected sqlite:PATH or postgres://USER@HOST/NAME")
    host = parse_qs(parts.query).get("host", [parts.hostname or "localhost"])[0]
    return {
        "engine": "core.database.asyncpg",
        "credentials": {
            "host": host,
            "port": parts.port or 5432,
            "user": unquote(parts.username or "") or None,
            "password": unquote(parts.password) if parts.password else None,
            "database": parts.path.lstrip("/"),
            "minsize": 1,
            "maxsize": 20,
            "command_timeout": STATEMENT_SECONDS,
        },
    }


def look_at(url: str) -> None:
    """Raise ConfigurationError when an SQLite path leads to something else: a folder, or a file of another kind.
    The ORM would wait for it for ever. A file that is not there yet is fine, and so is one that somebody holds."""
    path = Path(url.removeprefix("sqlite:")).absolute()
    if not url.startswith("sqlite:") or not path.exists():
        return
    error: Exception | str = "a folder"
    if path.is_file():
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.2)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return
        except sqlite3.OperationalError as busy:
            if busy.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return
            error = busy
        except sqlite3.DatabaseError as wrong:
            error = wrong
    raise ConfigurationError(Problem("NOT_A_DATABASE", {"path": str(path), "error": error}))


def tortoise_config(url: str, apps: Sequence[App]) -> dict[str, Any]:
    return {
        "connections": {"default": connection_config(url)},
        "apps": {
            label: {"models": models, "default_connection": "default", "migrations": migrations}
            for label, models, migrations in apps
        },
        "use_tz": True,
        "timezone": "UTC",
    }


class Transaction:
    """A running transaction. `connection` may be handed to the ORM (`.using_db(...)`)."""

    def __init__(self, database: Database, connection: TransactionalDBClient) -> None:
        self.database = database
        self.connection = connection

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement; its rows. A guard that fires becomes the Refusal it names."""
        self.database.observe(sql)
        encode = self.database.dialect.encode
        try:
            rows: Sequence[Row] = await self.connection.execute_query_dict(sql, [encode(v) for v in values])
        except (IntegrityError, OperationalError) as error:
            raise self.database.explain(error) from error
        return list(rows)


class Database:
    """Opened by `connect`, closed by `close`; process-wide, because the ORM's model state is."""

    def __init__(self, url: str, models: list[type[Model]]) -> None:
        self.url = url
        self.models = models
        self.dialect: Dialect = SQLITE if url.startswith("sqlite:") else POSTGRES
        self.observers: list[Callable[[str], None]] = []
        self._codes = unique_codes(models)
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None

    @classmethod
    async def connect(cls, url: str, apps: Sequence[App]) -> Database:
        """Raises ConfigurationError for a file that is no database; whatever it raises, nothing stays open."""
        look_at(url)
        await Tortoise.init(config=tortoise_config(url, apps), _enable_global_fallback=True)
        registry = Tortoise.apps or {}
        self = cls(url, [model for app in registry.values() for model in app.values()])
        try:
            await self._open_readers()
        except BaseException:
            await self.close()
            raise
        return self

    async def _open_readers(self) -> None:
        if self.dialect is not SQLITE:
            return
        path = Path(self.url.removeprefix("sqlite:")).absolute()
        await get_connection("default").execute_query("SELECT 1")
        for _ in range(READERS):
            reader = sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, isolation_level=None
            )
            reader.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            self._readers.put(reader)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-read")

    def observe(self, sql: str) -> None:
        for observer in self.observers:
            observer(sql)

    def explain(self, error: Exception) -> Exception:
        """The refusal a database error stands for, or the error itself."""
        code = code_of(error, self._codes)
        return Refusal(code) if code and code != "INTERNAL" else error

    async def read(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one reading statement outside any transaction; refuses TOO_SLOW after READ_SECONDS."""
        self.observe(sql)
        bound = [self.dialect.encode(v) for v in values]
        if self._threads is not None:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read_sqlite, sql, bound)
        return [tuple(row) for row in await self._read_postgres(sql, bound)]

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """One reading statement outside any transaction, its rows by column name."""
        self.observe(sql)
        bound = [self.dialect.encode(v) for v in values]
        if self._threads is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._read_sqlite, sql, bound, True)
        return [dict(row) for row in await self._read_postgres(sql, bound)]

    async def _read_postgres(self, sql: str, bound: list[Any]) -> list[Any]:
        async with get_connection("default").acquire_connection() as connection:
            try:
                found: list[Any] = await connection.fetch(sql, *bound, timeout=READ_SECONDS)
            except TimeoutError:
                raise Refusal("TOO_SLOW") from None
            return found

    def _read_sqlite(self, sql: str, values: list[Any], named: bool = False) -> list[Any]:
        reader = self._readers.get()
        deadline = _Deadline(READ_SECONDS)
        reader.set_progress_handler(deadline.passed, 20_000)
        try:
            cursor = reader.execute(sql, values)
            if not named:
                return cursor.fetchall()
            names = [c[0] for c in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.OperationalError as error:
            if str(error) == "interrupted":
                raise Refusal("TOO_SLOW") from None
            raise
        finally:
            reader.set_progress_handler(None, 0)
            self._readers.put(reader)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on leaving, roll back on any exception. SQLite takes its write lock at the start."""
        self.observe("BEGIN")
        try:
            async with in_transaction("default") as connection:
                yield Transaction(self, connection)
                self.observe("COMMIT")
        except (IntegrityError, OperationalError) as error:
            raise self.explain(error) from error

    async def close(self) -> None:
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        while not self._readers.empty():
            self._readers.get().close()
        await Tortoise.close_connections()


class _Deadline:
    def __init__(self, seconds: float) -> None:
        from time import monotonic

        self._now = monotonic
        self._end = monotonic() + seconds

    def passed(self) -> bool:
        return self._now() > self._end
