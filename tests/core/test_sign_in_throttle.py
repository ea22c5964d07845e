"""Failures to sign in are counted in the database: one count for all workers, per login and address and per login."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import accounts
from core.accounts import SignIn
from core.demo import PASSWORD
from core.errors import Refusal
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
async def two_workers(neighbourhood: Neighbourhood) -> tuple[SignIn, SignIn]:
    """Two of them share nothing but the database."""
    return SignIn(neighbourhood.server.runtime), SignIn(neighbourhood.server.runtime)


async def code(worker: SignIn, login: str, password: str, address: str) -> str:
    try:
        await worker(login, password, address)
    except Refusal as refusal:
        return refusal.code
    return "OK"


async def test_two_workers_count_together(neighbourhood: Neighbourhood, two_workers: tuple[SignIn, SignIn]) -> None:
    one, other = two_workers
    for worker in (one, other) * 5:
        assert await code(worker, "clerk", "wrong", HERE) == "SIGN_IN_FAILED"
    for worker in two_workers:
        assert await code(worker, " Clerk ", PASSWORD, HERE) == "SIGN_IN_THROTTLED"
        assert await code(worker, "clerk", PASSWORD, THERE) == "OK"
    assert await code(other, "clerk", PASSWORD, HERE) == "SIGN_IN_THROTTLED"
    neighbourhood.clock.advance(timedelta(minutes=15))
    assert await code(other, "clerk", PASSWORD, HERE) == "OK"


async def test_a_login_waits_everywhere_after_too_many_failures_from_anywhere(
    two_workers: tuple[SignIn, SignIn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "FAILURES_ANYWHERE", 3)
    for number, worker in zip(range(3), two_workers * 2, strict=False):
        assert await code(worker, "clerk", "wrong", f"192.0.2.{number}") == "SIGN_IN_FAILED"
    assert await code(two_workers[0], "clerk", PASSWORD, "192.0.2.9") == "SIGN_IN_THROTTLED"
    assert await code(two_workers[0], "resident", PASSWORD, "192.0.2.9") == "OK"


async def test_failures_are_forgotten_when_somebody_signs_in_and_when_they_are_old(
    neighbourhood: Neighbourhood, two_workers: tuple[SignIn, SignIn]
) -> None:
    runtime = neighbourhood.server.runtime

    async def kept() -> int:
        return int((await runtime.database.read("SELECT count(*) FROM core_sign_in_failures"))[0][0])

    await code(two_workers[0], "clerk", "wrong", HERE)
    assert await kept() == 2
    await code(two_workers[1], "clerk", PASSWORD, HERE)
    assert await kept() == 0
    await code(two_workers[0], "nobody", "wrong", HERE)
    neighbourhood.clock.advance(timedelta(hours=1, seconds=1))
    await runtime.forget_old_keys()
    assert await kept() == 0
