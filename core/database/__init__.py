"""One database: its dialect, its reads (one statement, no object per row) and its transactions."""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from time import monotonic
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from asyncpg import InterfaceError
from tortoise import Tortoise
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.exceptions import DBConnectionError, IntegrityError, OperationalError
from tortoise.models import Model
from tortoise.transactions import in_transaction

from core.database.dialect import POSTGRES, SQLITE, Dialect
from core.database.guards import code_of, unique_codes
from core.database.reading import Readers
from core.database.trouble import can_pass
from core.errors import ConfigurationError, Refusal
from core.problems import Problem

if TYPE_CHECKING:
    from core.database.asyncpg import PostgresClient
    from core.database.sqlite import ImmediateTransaction

__all__ = ["Database", "Transaction", "connection_config", "deadline", "tortoise_config"]

READERS = 3
BUSY_MS = 15_000
STATEMENT_SECONDS = 10.0
READ_SECONDS = 3.0
LOCK_MS = 3_000  # less than a rule has, so that waiting for a row is told from a rule that never ends
deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)  # of the request, on the monotonic clock
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
                connection.execute("PRAGMA schema_version").fetchone()
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
        self.cut_short = False  # time ran out while the database was at work, not in the rule's own code

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement; its rows. A guard that fires becomes the Refusal it names; refuses BUSY after LOCK_MS of
        waiting for somebody else's row."""
        self.database.observe(sql)
        encode = self.database.dialect.encode
        with self._explaining():
            rows: Sequence[Row] = await self.connection.execute_query_dict(sql, [encode(v) for v in values])
        return list(rows)

    async def counts(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> list[int]:
        """Run statements one after the other, at one go on SQLite; how many rows each of them returned. Refuses like
        `fetch`."""
        if self.database.dialect is POSTGRES:
            return [len(await self.fetch(sql, *values)) for sql, values in statements]
        for sql, _ in statements:
            self.database.observe(sql)
        encode = self.database.dialect.encode
        bound = [(sql, [encode(v) for v in values]) for sql, values in statements]
        with self._explaining():
            return await cast("ImmediateTransaction", self.connection).execute_all(bound)

    @contextlib.contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except asyncio.CancelledError:
            self.cut_short = True
            raise
        except Exception as error:
            if _is_busy(error):
                raise Refusal("BUSY") from error
            if isinstance(error, (IntegrityError, OperationalError)):
                raise self.database.explain(error) from error
            raise

    async def copy(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Take in many rows at once, on PostgreSQL. A guard that fires becomes its Refusal; refuses BUSY like `fetch`."""
        self.database.observe(f"COPY {table}")
        try:
            async with self.connection.acquire_connection() as connection:
                await connection.copy_records_to_table(table, records=rows, columns=columns)
        except Exception as error:
            if _is_busy(error):
                raise Refusal("BUSY") from error
            raise self.database.explain(error) from error


class Database:
    """Opened by `connect`, closed by `close`; process-wide, because the ORM's model state is."""

    def __init__(self, url: str, models: list[type[Model]]) -> None:
        self.url = url
        self.models = models
        self.dialect: Dialect = SQLITE if url.startswith("sqlite:") else POSTGRES
        self.observers: list[Callable[[str], None]] = []
        self._codes = unique_codes(models)
        self._in_doubt = False  # the last transaction that ended badly did so for the database's own reasons
        self._readers: Readers | None = None

    @classmethod
    async def connect(cls, url: str, apps: Sequence[App]) -> Database:
        """Raises ConfigurationError for a file that is no database; whatever it raises, nothing stays open."""
        look_at(url)
        await Tortoise.init(config=tortoise_config(url, apps), _enable_global_fallback=True)
        registry = Tortoise.apps or {}
        self = cls(url, [model for app in registry.values() for model in app.values()])
        try:
            await self._open_connections()
        except BaseException:
            await self.close()
            raise
        return self

    async def _open_connections(self) -> None:
        if self.dialect is POSTGRES:
            client = cast("PostgresClient", get_connection("default"))
            client.lock_ms = LOCK_MS  # migrations wait longer
            await client.create_connection(with_db=True)
            self._lender = client.lender
            return
        path = Path(self.url.removeprefix("sqlite:")).absolute()
        await get_connection("default").execute_query("SELECT 1")
        self._readers = Readers(path, READERS, BUSY_MS)

    def observe(self, sql: str) -> None:
        for observer in self.observers:
            observer(sql)

    def explain(self, error: Exception) -> Exception:
        """The refusal a database error stands for, or the error itself."""
        code = code_of(error, self._codes)
        return Refusal(code) if code and code != "INTERNAL" else error

    async def read(self, sql: str, values: Sequence[Any] = (), *, is_small: bool = False) -> list[tuple[Any, ...]]:
        """Run one reading statement outside any transaction; refuses TOO_SLOW after READ_SECONDS, or when the request
        has no time left (`deadline`), and BUSY when the database cannot be reached. One that is thought to be small is
        tried on SQLite without waking a thread."""
        rows = await self._read(sql, values, named=False, is_small=is_small)
        return [tuple(row) for row in rows]

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        """The same, its rows by column name."""
        rows = await self._read(sql, values, named=True)
        return [dict(row) for row in rows]

    async def _read(self, sql: str, values: Sequence[Any], *, named: bool, is_small: bool = False) -> list[Any]:
        self.observe(sql)
        bound = [self.dialect.encode(v) for v in values]
        if self._readers is None:
            return await self._read_postgres(sql, bound)
        until = deadline.get()
        if is_small and monotonic() < until and (found := self._readers.at_hand(sql, bound)) is not None:
            return found
        return await self._readers.run(lambda reader: _read_sqlite(reader, sql, bound, until, named=named))

    async def _read_postgres(self, sql: str, bound: list[Any]) -> list[Any]:
        until = deadline.get()
        try:
            connection = self._lender.at_hand()
            if connection is None:
                async with asyncio.timeout(None if until == math.inf else until - monotonic()):
                    connection = await self._lender.take()
            is_well = False
            try:
                left = min(READ_SECONDS, until - monotonic())
                if left <= 0:
                    raise TimeoutError
                found: list[Any] = await connection.fetch(sql, *bound, timeout=left)
                is_well = True
                return found
            finally:
                await self._lender.give(connection, is_well=is_well)
        except TimeoutError:
            raise Refusal("TOO_SLOW") from None
        except Exception as error:
            if _is_busy(error):
                raise Refusal("BUSY") from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commit on leaving, roll back on any exception. SQLite takes its write lock with the first statement.

        Refuses BUSY when it cannot begin. When the connection breaks while committing nobody knows what came of it:
        that stays an error of ours.
        """
        self.observe("BEGIN")
        begun = False
        try:
            async with in_transaction("default") as connection:
                begun = True
                yield Transaction(self, connection)
                self.observe("COMMIT")
            self._in_doubt = False
        except Exception as error:
            self._in_doubt = self._in_doubt or can_pass(error)
            if not begun and _is_busy(error):
                raise Refusal("BUSY") from error
            if isinstance(error, (IntegrityError, OperationalError)):
                raise self.explain(error) from error
            raise

    @asynccontextmanager
    async def attached(self, path: Path, cache_kb: int) -> AsyncIterator[str]:
        """SQLite: the schema that the tables of another file are seen in by transactions that begin within; they may
        change so much in memory before it goes to disk."""
        schema = f"gz_{path.stem.replace('-', '')}"
        connection = get_connection("default")
        before = (await connection.execute_query("PRAGMA main.cache_size"))[1][0][0]
        await connection.execute_query(f"ATTACH ? AS {schema}", [str(path)])
        try:
            await connection.execute_query(f"PRAGMA main.cache_size = -{cache_kb}")
            yield schema
        finally:
            await connection.execute_query(f"PRAGMA main.cache_size = {before}")
            await connection.execute_query(f"DETACH {schema}")

    async def analyze(self, models: Sequence[type[Model]]) -> None:
        """PostgreSQL: look at what is in their tables now. Until it does so by itself, in a minute or so, it plans for
        many rows that came at once as if they were not there."""
        for model in models if self.dialect is POSTGRES else ():
            async with self.transaction() as transaction:
                await transaction.fetch(f"ANALYZE {model._meta.db_table}")

    async def check(self) -> None:
        """Raise when it does not answer, or takes no writes.

        It reads. Whether it can be written to is known from the transactions there are; only when one of them has
        failed for the database's own reasons is one tried here.
        """
        if self.dialect is SQLITE:
            await self.read("SELECT 1")
        elif (await self.read("SELECT current_setting('transaction_read_only')"))[0][0] == "on":
            raise OperationalError("the database is read-only")
        if self._in_doubt:
            async with self.transaction() as transaction:
                await transaction.fetch("SELECT 1 AS yes")

    async def close(self) -> None:
        if self._readers is not None:
            await self._readers.close()
        await Tortoise.close_connections()


def _read_sqlite(reader: sqlite3.Connection, sql: str, values: list[Any], until: float, *, named: bool) -> list[Any]:
    end = min(until, monotonic() + READ_SECONDS)
    # While a statement is being prepared nobody asks this (SQLite before 3.41), so filters are bounded by number.
    reader.set_progress_handler(lambda: monotonic() > end, 20_000)
    try:
        if monotonic() > end:
            raise Refusal("TOO_SLOW")
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


def _is_busy(error: Exception) -> bool:
    """Somebody else holds what is needed, or the database cannot be reached now: nothing was done, try again."""
    for cause in (error, *error.args[:1]):
        state = str(getattr(cause, "sqlstate", None) or "")
        if state[:2] == "08" or state in ("55P03", "53300", "57P01", "57P02", "57P03"):
            return True
        if isinstance(cause, (OSError, DBConnectionError)) and not isinstance(cause, TimeoutError):
            return True
        if isinstance(cause, InterfaceError) and "closed" in str(cause):
            return True
        if isinstance(cause, sqlite3.OperationalError) and "locked" in str(cause):
            return True
    return False
