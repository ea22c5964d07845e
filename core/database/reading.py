"""Reading an SQLite file: a few connections, each in a thread of its own, that take what is asked as it comes; and one at
hand for what is done sooner than a thread can be woken (docs/decisions/0013)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from core.errors import Refusal

T = TypeVar("T")
_LATER = (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_Job = tuple["asyncio.Future[Any]", Callable[[sqlite3.Connection], Any]]


STEPS = 5_000  # of SQLite's machine, about half a millisecond
LENGTH = 4_000  # characters of a statement
KEPT = 1_000  # statements that are known to take longer


class Readers:
    """Connections that read an SQLite file."""

    def __init__(self, path: Path, many: int, busy_ms: int) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [
            Thread(target=self._serve, args=(self._connect(path, busy_ms),), name=f"sqlite-read-{n}", daemon=True)
            for n in range(many)
        ]
        for thread in self._threads:
            thread.start()
        self._here = self._connect(path, 0)
        self._here.set_progress_handler(self._is_enough, STEPS)
        self._asked = 0
        self._long: set[str] = set()  # statements that were given up
        self._is_closed = False

    def at_hand(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """The rows, read in this thread; None where that takes longer than STEPS, up to twice as many, took so before, or
        has to wait; and for a long text, which takes as long to prepare. Refuses BUSY when all is closed."""
        if self._is_closed:
            raise Refusal("BUSY")
        if len(sql) > LENGTH or sql in self._long:
            return None
        self._asked = 0
        try:
            return self._here.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _LATER:
                raise
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT:
                if len(self._long) >= KEPT:
                    self._long.clear()
                self._long.add(sql)
            return None

    def _is_enough(self) -> bool:
        """SQLite counts on from one run of a statement to the next, so the first time says nothing."""
        self._asked += 1
        return self._asked > 1

    @staticmethod
    def _connect(path: Path, busy_ms: int) -> sqlite3.Connection:
        uri = f"{path.as_uri()}?mode=ro"
        reader = sqlite3.connect(uri, uri=True, check_same_thread=False, isolation_level=None)
        reader.execute(f"PRAGMA busy_timeout={busy_ms}")
        return reader

    async def run(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """What `do` makes of a connection, in its thread. Refuses BUSY when all is closed."""
        if self._is_closed:
            raise Refusal("BUSY")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, do))
        return await future

    def _serve(self, reader: sqlite3.Connection) -> None:
        while (job := self._jobs.get()) is not None:
            future, do = job
            try:
                found, error = do(reader), None
            except BaseException as raised:
                found, error = None, raised
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits
                future.get_loop().call_soon_threadsafe(_settle, future, found, error)
            del job, future, do, found, error  # and what they hold, until the next job comes
        reader.close()

    async def close(self) -> None:
        """What waits is done first."""
        self._is_closed = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._here.close()


def _settle(future: asyncio.Future[Any], found: Any, error: BaseException | None) -> None:
    if future.done():  # cancelled
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(found)
