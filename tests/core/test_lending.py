"""PostgreSQL connections that go from hand to hand: none is lost, none is lent in a bad state, nobody waits in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest

from core.database import connection_config, lending
from core.database.lending import Lender
from core.testing.kit import Databases

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    made = databases.fresh("postgres", "empty")
    yield made
    databases.drop(made)


@pytest.fixture
async def lender(url: str, anyio_backend: str) -> AsyncIterator[Lender]:
    known = connection_config(url)["credentials"]
    where = {key: known[key] for key in ("host", "port", "user", "database")}
    pool = await asyncpg.create_pool(**where, min_size=1, max_size=2)
    made = Lender(pool)
    yield made
    await made.give_up()
    await asyncio.wait_for(pool.close(), 5)


async def pid(connection: Any) -> int:
    found: int = await connection.fetchval("SELECT pg_backend_pid()")
    return found


async def test_the_one_used_last_is_at_hand(lender: Lender) -> None:
    assert lender.at_hand() is None
    first, second = await lender.take(), await lender.take()
    wanted = await pid(second)
    await lender.give(first, is_well=True)
    await lender.give(second, is_well=True)
    again = lender.at_hand()
    assert await pid(again) == wanted
    await lender.give(again, is_well=True)


async def test_whoever_waits_gets_the_next_that_is_given_back(lender: Lender) -> None:
    held = [await lender.take(), await lender.take()]
    waiting = [asyncio.create_task(lender.take()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting:
        await lender.give(held.pop(0), is_well=True)
        held.append(await asyncio.wait_for(task, 5))
    for connection in held:
        await lender.give(connection, is_well=True)


async def test_one_who_stops_waiting_takes_nothing_along(lender: Lender) -> None:
    held = [await lender.take(), await lender.take()]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(lender.take(), 0.05)
    for connection in held:
        await lender.give(connection, is_well=True)
    again = [await asyncio.wait_for(lender.take(), 5) for _ in range(2)]
    assert {await pid(c) for c in again} == {await pid(c) for c in held}
    for connection in again:
        await lender.give(connection, is_well=True)


async def test_one_left_inside_a_transaction_is_lent_outside_of_it(lender: Lender) -> None:
    connection = await lender.take()
    await connection.execute("BEGIN")
    await lender.give(connection, is_well=True)
    again = await lender.take()
    assert not again.is_in_transaction()
    await lender.give(again, is_well=True)


async def test_one_that_broke_while_nobody_used_it_is_not_lent(lender: Lender) -> None:
    first, second = await lender.take(), await lender.take()
    broken = await pid(first)
    await lender.give(first, is_well=True)
    await second.execute(f"SELECT pg_terminate_backend({broken})")
    await asyncio.sleep(0.2)
    again = await asyncio.wait_for(lender.take(), 5)
    assert await pid(again) != broken
    for connection in (again, second):
        await lender.give(connection, is_well=True)


async def test_one_whose_statement_was_cancelled_is_lent_when_it_is_done(lender: Lender) -> None:
    connection = await lender.take()
    with pytest.raises(TimeoutError):
        await connection.execute("SELECT pg_sleep(5)", timeout=0.05)
    await lender.give(connection, is_well=False)
    again = await asyncio.wait_for(lender.take(), 5)
    assert await again.fetchval("SELECT 7") == 7
    await lender.give(again, is_well=True)


async def test_one_not_asked_for_in_a_minute_goes_back(lender: Lender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "IDLE_SECONDS", 0.0)
    first, second = await lender.take(), await lender.take()
    await lender.give(first, is_well=True)
    await asyncio.sleep(0.01)
    await lender.give(second, is_well=True)
    assert lender.pool.get_idle_size() == 1
