"""Failures to sign in are counted in the database: one count for all workers, per login and address and per login."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core import accounts
from core.accounts import SignIn
from core.demo import PASSWORD
from core.errors import Refusal
from core.ids import from_global
from core.models import Actor
from core.testing.kit import Neighbourhood
from core.throttle import key_of
from core.work import Work

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


async def refused(n: Neighbourhood, who: str | None, mutation: str, **input: Any) -> str:
    """The one code that a mutation of an account's answers with."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    answer = await n.ask(who, f"mutation($i: {kind}!) {{ {mutation}(input: $i) {{ errors {{ code }} }} }}", i=input)
    return str(answer[mutation]["errors"][0]["code"])


async def test_a_login_that_reads_like_what_else_is_counted_counts_for_itself(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    account = (await n.ask("resident", "{ myAccount { id } }"))["myAccount"]["id"]
    for _ in range(accounts.FAILURES):
        login = f"change {from_global(account, 'account')}"
        assert await refused(n, None, "coreSignIn", login=login, password="wrong") == "SIGN_IN_FAILED"
    asked = {"currentPassword": "not it", "newPassword": "a new password 1"}
    assert await refused(n, "resident", "coreChangePassword", **asked) == "WRONG_PASSWORD"


async def test_who_is_called_ticket_forgets_no_tickets_that_were_tried(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    monkeypatch.setattr(accounts, "TICKETS_TRIED", 3)
    (person,) = await n.registered("田小禾")
    hashed = await accounts.hash_password(PASSWORD)

    async def rule(work: Work) -> dict[str, Any]:
        actor = await work.get(Actor, from_global(person, "actor"))
        await accounts.create_account(work, person=actor, login="ticket", password_hash=hashed)
        return {}

    await n.server.runtime.as_system(rule)
    guess = {"ticket": "AAAA-AAAA-AAAA-AAAA", "login": "me", "password": "a new password 1"}
    tried = [await refused(n, None, "coreRedeemTicket", **guess) for _ in range(4)]
    assert tried == ["TICKET_INVALID"] * 3 + ["SIGN_IN_THROTTLED"]
    await n.sign_in("ticket")
    assert await refused(n, None, "coreRedeemTicket", **guess) == "SIGN_IN_THROTTLED"


@pytest.mark.parametrize(
    "other", [("login", "a\0b"), ("login", "a b"), ("login a", "b"), ("login", "b", "a"), ("login",)]
)
def test_what_is_counted_for_one_list_of_parts_is_counted_for_no_other(other: tuple[str, ...]) -> None:
    assert key_of(*other) != key_of("login", "a", "b")
