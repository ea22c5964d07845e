"""Whatever is secret is told to whom it is for, once, and stands nowhere afterwards; and nobody learns who has an account."""

from __future__ import annotations

import logging
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import Any

import pytest
from argon2 import PasswordHasher

from core import accounts
from core.sign_in.config import SignInConfig
from core.testing.kit import Databases, Neighbourhood, Refused, served
from tests.core.accounts.conftest import KEY, SECRET, OpenIdProcess, begin, code_of, finish

pytestmark = pytest.mark.anyio
PHONE, OTHER = "13800138111", "13800138222"
FIRST, SECOND, GUESS = "canary-first-password", "canary-second-password", "canary-wrong-password"


class Carrier:
    """A plugin's channel, which fails for one number with an error that says too much."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    async def send(self, phone: str, code: str, language: str) -> None:
        self.codes.append(code)
        if phone.endswith(OTHER):
            raise RuntimeError(f"no credit to send {code} to {phone}")


class Spoken:
    """What the API answered to somebody it was not for."""

    def __init__(self, n: Neighbourhood) -> None:
        self.n = n
        self.texts: list[str] = []

    async def ask(self, who: str | None, name: str, selection: str, **input: Any) -> dict[str, Any]:
        type_name = f"{name[0].upper()}{name[1:]}Input"
        query = f"mutation($i: {type_name}!) {{ {name}(input: $i) {{ {selection} errors {{ code message path }} }} }}"
        response = await self.n.post(who, query, i=input)
        body = response.json()
        found: dict[str, Any] = (body.get("data") or {}).get(name) or {}
        self.texts.append(str(found.get("errors")) + str(body.get("errors")))
        return found


@pytest.fixture
async def carried(city: Neighbourhood) -> tuple[Neighbourhood, Carrier]:
    carrier = Carrier()
    city.server.runtime.providers["phone"].channel = carrier
    return city, carrier


async def test_no_secret_stands_in_the_database_a_log_or_an_error(
    carried: tuple[Neighbourhood, Carrier],
    openid: OpenIdProcess,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    n, carrier = carried
    spoken, secrets = Spoken(n), {FIRST, SECOND, GUESS, KEY, SECRET, PHONE, OTHER, "subject-1"}
    secrets.add(b64encode(f"gongzhi:{SECRET}".encode()).decode())
    person = (await n.registered("王小明"))[0]

    async def redeem(ticket: str, login: str | None, password: str) -> dict[str, Any]:
        return await spoken.ask(None, "coreRedeemTicket", "token", ticket=ticket, login=login, password=password)

    async def by_telephone() -> dict[str, Any]:
        begun = await begin(n, "phone", phone=PHONE)
        secrets.update((begun["challenge"], carrier.codes[-1]))
        assert (
            code_of(await finish(n, begun["challenge"], f"{(int(carrier.codes[-1]) + 7) % 10**6:06}"))
            == "SIGN_IN_FAILED"
        )
        return await finish(n, begun["challenge"], carrier.codes[-1])

    invited = (await n.do("clerk", "coreInvite", "ticket", personId=person))["ticket"]
    opened = await redeem(invited, "wang", FIRST)
    again = await redeem(invited, "wang", FIRST)
    assert opened["token"] and again["errors"][0]["code"] == "TICKET_INVALID"
    n.tokens["wang"] = opened["token"]
    await spoken.ask("wang", "coreChangePassword", "__typename", currentPassword=GUESS, newPassword=SECOND)
    await spoken.ask("wang", "coreChangePassword", "__typename", currentPassword=FIRST, newPassword=SECOND)
    await spoken.ask(None, "coreSignIn", "token", login="wang", password=GUESS)
    await spoken.ask(None, "coreSignIn", "token", login=GUESS, password=FIRST)
    signed_in = await spoken.ask(None, "coreSignIn", "token", login="wang", password=SECOND)
    reset = (await n.do("admin", "coreResetPassword", "ticket", personId=person))["ticket"]
    secrets |= {invited, invited.replace("-", ""), reset, reset.replace("-", ""), opened["token"], signed_in["token"]}
    ends = (n.clock.now().replace(microsecond=0)).replace(year=n.clock.now().year + 1).isoformat()
    machine = await n.do("admin", "coreCreateMachineToken", "secret", label="x", permissions=["core.actor.read"],
                         areaId=await n.area_id("xishan"), expiresAt=ends)  # fmt: skip
    secrets.add(machine["secret"])
    proven = await by_telephone()
    await n.do("clerk", "coreVerifyIdentity", "account { id }", ticket=proven["ticket"], personId=person)
    secrets |= {proven["ticket"], (await by_telephone())["token"]}
    assert code_of(await begin(n, "phone", phone=OTHER)) == "PROVIDER_FAILED"
    secrets.add(carrier.codes[-1])
    begun = await begin(n, "city")
    back, _ = openid.visit(begun["url"])
    secrets |= {begun["challenge"], back, (await finish(n, begun["challenge"], back))["ticket"]}
    openid.told(wrong="aud")
    begun = await begin(n, "city")
    back, _ = openid.visit(begun["url"])
    secrets |= {begun["challenge"], back}
    assert code_of(await finish(n, begun["challenge"], back)) == "SIGN_IN_FAILED"

    stored = await n.dump()
    assert "core.account.opened" in stored and "core.account.verified" in stored
    # When the database fails us in the middle the log has a traceback.
    live = await begin(n, "phone", phone=PHONE)
    secrets |= {live["challenge"], carrier.codes[-1]}
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch("ALTER TABLE core_ticket RENAME TO core_ticket_gone")
    await redeem(reset, None, FIRST)
    spoken.texts.append(str((await n.post(None, "mutation($i: CoreFinishSignInInput!) { coreFinishSignIn(input: $i)"
        " { token } }", i={"challenge": live["challenge"], "code": carrier.codes[-1]})).json()))  # fmt: skip
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch("ALTER TABLE core_ticket_gone RENAME TO core_ticket")
    captured = capfd.readouterr()
    logged = captured.out + captured.err + caplog.text
    assert "request failed" in logged and "a code could not be sent" in logged and "is not believed" in logged
    said = "\n".join(spoken.texts)
    for secret in secrets:
        # Six digits may also be part of some number or time.
        pattern = rf"(?<![\w.]){secret}(?!\w)" if len(secret) == 6 else re.escape(secret)
        for where, text in (("database", stored), ("log", logged), ("errors", said)):
            assert re.search(pattern, text) is None, (where, secret)


async def test_passwords_are_kept_by_argon2(neighbourhood: Neighbourhood) -> None:
    rows = await neighbourhood.server.runtime.database.read("SELECT password_hash FROM core_account")
    assert rows and all(row[0].startswith("$argon2id$") for row in rows)


SIGN_IN = "mutation($i: CoreSignInInput!) { coreSignIn(input: $i) { token errors { code message path } } }"


async def test_unknown_wrong_invited_and_disabled_get_the_same_answer(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = await n.actor_id("郑雅婷")
    await n.do("admin", "coreDisableAccount", "account { id }", personId=person, reason="x")
    await n.do("clerk", "coreInvite", "ticket", personId=(await n.registered("invited"))[0])
    answers = [
        (await n.ask(None, SIGN_IN, i={"login": login, "password": password}))["coreSignIn"]
        for login, password in (("resident", "gongzhi-demo"), ("clerk", GUESS), ("nobody", GUESS), ("invited", GUESS))
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["errors"][0]["code"] == "SIGN_IN_FAILED"


async def test_an_unknown_login_costs_what_a_known_one_does(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a hash as slow as it is in earnest. The fastest of some: what else runs here only makes them slower."""
    n = neighbourhood
    hasher = PasswordHasher()
    monkeypatch.setattr(accounts, "_hasher", hasher)
    accounts._decoy.cache_clear()
    await n.ask("clerk", "mutation($i: CoreChangePasswordInput!) { coreChangePassword(input: $i) { errors { code } } }",
                i={"currentPassword": "gongzhi-demo", "newPassword": FIRST})  # fmt: skip
    took: dict[str, list[float]] = {"clerk": [], "nobody": []}
    for _ in range(6):
        for login, times in took.items():
            began = perf_counter()
            await n.ask(None, SIGN_IN, i={"login": login, "password": GUESS})
            times.append(perf_counter() - began)
    accounts._decoy.cache_clear()
    assert min(took["nobody"]) > 0.6 * min(took["clerk"])
    assert min(took["clerk"]) > 0.6 * min(took["nobody"]), (median(took["clerk"]), median(took["nobody"]))


async def test_aliases_in_one_request_are_as_many_attempts(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one = f'coreSignIn(input: {{login: "resident", password: "{GUESS}"}}) {{ errors {{ code }} }}'
    many = f"mutation {{ {' '.join(f'a{k}: {one}' for k in range(10))} }}"
    codes = [a["errors"][0]["code"] for a in (await n.ask(None, many)).values()]
    assert codes == ["SIGN_IN_FAILED"] * 10
    with pytest.raises(Refused, match="SIGN_IN_THROTTLED"):
        await n.sign_in("resident")


async def test_tickets_are_tried_thirty_times_from_an_address(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one = f'coreRedeemTicket(input: {{ticket: "K7QM-3XWP-9TDA-HHYN", login: "x", password: "{GUESS}"}}) {{ errors {{ code }} }}'
    many = f"mutation {{ {' '.join(f'a{k}: {one}' for k in range(10))} }}"
    for _ in range(3):
        assert {a["errors"][0]["code"] for a in (await n.ask(None, many)).values()} == {"TICKET_INVALID"}
    assert {a["errors"][0]["code"] for a in (await n.ask(None, many)).values()} == {"SIGN_IN_THROTTLED"}


@pytest.fixture
async def without(databases: Databases, demo_url: str) -> AsyncIterator[Neighbourhood]:
    async with served(replace(databases.config(demo_url), sign_in=SignInConfig()), is_fresh=True) as n:
        yield n


async def test_without_providers_there_are_none(without: Neighbourhood) -> None:
    assert (await without.ask(None, "{ signInProviders { key } }"))["signInProviders"] == []
    assert code_of(await begin(without, "phone", phone=PHONE)) == "NO_SUCH_PROVIDER"
    assert code_of(await finish(without, "x", "1")) == "SIGN_IN_FAILED"
