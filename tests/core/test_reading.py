"""Reading SQLite: small statements in the thread that asks, the others in threads of their own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.database.reading import LENGTH, STEPS, Readers
from core.errors import Refusal

pytestmark = pytest.mark.anyio
LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) FROM n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS n")
    connection.close()
    return path


@pytest.fixture
async def readers(file: Path, anyio_backend: str) -> AsyncIterator[Readers]:
    made = Readers(file, 2, 1_000)
    yield made
    await made.close()


async def test_what_takes_long_is_given_up_and_what_is_small_never(readers: Readers) -> None:
    assert readers.at_hand(LONG, [10]) == [(10,)]
    assert readers.at_hand(LONG, [STEPS]) is None
    assert readers.at_hand(LONG, [10]) is None  # it is not tried again
    assert readers.at_hand(f"SELECT '{'x' * LENGTH}'", []) is None  # preparing it takes as long
    assert [readers.at_hand("SELECT n FROM t", []) for _ in range(STEPS)] == [[(1,)]] * STEPS


async def test_nobody_is_waited_for(readers: Readers, file: Path) -> None:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    assert readers.at_hand("SELECT n FROM t", []) is None
    other.execute("ROLLBACK")
    other.close()
    assert readers.at_hand("SELECT n FROM t", []) == [(1,)]


async def test_what_is_wrong_is_told(readers: Readers) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        readers.at_hand("SELECT 1 FROM nowhere", [])


async def test_threads_read_beside_each_other_and_outlive_errors_and_who_gave_up(readers: Readers) -> None:
    both = threading.Barrier(2)

    def meet(connection: sqlite3.Connection) -> int:
        both.wait(5)
        return threading.get_ident()

    first, second = await asyncio.gather(readers.run(meet), readers.run(meet))
    assert len({first, second, threading.get_ident()}) == 3
    with pytest.raises(sqlite3.OperationalError):
        await readers.run(lambda connection: connection.execute("nonsense"))
    goes_on = threading.Event()
    given_up = asyncio.create_task(readers.run(lambda connection: goes_on.wait(5)))
    await asyncio.sleep(0)
    given_up.cancel()
    goes_on.set()
    for _ in range(4):
        assert await readers.run(lambda connection: connection.execute("SELECT n FROM t").fetchall()) == [(1,)]


async def test_who_comes_when_all_is_closed_is_told(file: Path) -> None:
    readers = Readers(file, 1, 1_000)
    await readers.close()
    with pytest.raises(Refusal, match="BUSY"):
        readers.at_hand("SELECT n FROM t", [])
    with pytest.raises(Refusal, match="BUSY"):
        await readers.run(lambda connection: None)
