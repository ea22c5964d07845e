"""Signing in by telephone: a code, a challenge that only whoever began has, and the desk that says who it is."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest

from core.errors import Refusal
from core.sign_in.phone import clean_phone
from core.testing.kit import Neighbourhood
from tests.core.accounts.conftest import begin, code_of, finish

pytestmark = pytest.mark.anyio
PHONE = "138 0013 8000"


async def sent(n: Neighbourhood, capsys: pytest.CaptureFixture[str], phone: str = PHONE) -> tuple[str, str]:
    """A challenge, and the code that came to the telephone."""
    capsys.readouterr()
    begun = await begin(n, "phone", phone=phone)
    assert code_of(begun) == "OK" and begun["url"] is None
    found = re.search(r"code=(\d{6})\b", capsys.readouterr().out)
    assert found is not None
    return begun["challenge"], found[1]


async def verified(n: Neighbourhood, capsys: pytest.CaptureFixture[str], person: str) -> None:
    answer = await finish(n, *await sent(n, capsys))
    assert answer["token"] is None
    done = await n.do("admin", "coreVerifyIdentity", "account { state }", ticket=answer["ticket"], personId=person)
    assert done["account"]["state"] == "ACTIVE"


async def test_a_number_nobody_knows_gets_a_ticket_and_lets_in_once_the_desk_has_said_who_it_is(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    person = (await n.registered("王小明"))[0]
    await verified(n, capsys, person)
    answer = await finish(n, *await sent(n, capsys, "+86 138-0013-8000"))
    assert answer["ticket"] is None
    n.tokens["wang"] = answer["token"]
    shown = await n.ask("wang", "{ viewer { name } myAccount { login identities { nodes { provider } } } }")
    assert shown["viewer"]["name"] == "王小明"
    assert shown["myAccount"] == {"login": None, "identities": {"nodes": [{"provider": "phone"}]}}
    assert {p["key"] for p in (await n.ask(None, "{ signInProviders { key kind title } }"))["signInProviders"]} == {
        "phone", "city",
    }  # fmt: skip


async def test_a_challenge_is_good_once_for_who_began_it_and_for_ten_minutes(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    await verified(n, capsys, (await n.registered("王小明"))[0])
    challenge, code = await sent(n, capsys)
    other, _ = await sent(n, capsys, "13900139000")
    assert code_of(await finish(n, other, code)) == "SIGN_IN_FAILED"
    assert code_of(await finish(n, "made-up", code)) == "SIGN_IN_FAILED"
    answers = await asyncio.gather(*(finish(n, challenge, code) for _ in range(4)))
    assert sorted(map(code_of, answers)) == ["OK", *["SIGN_IN_FAILED"] * 3]
    challenge, code = await sent(n, capsys)
    n.clock.advance(timedelta(minutes=10))
    assert code_of(await finish(n, challenge, code)) == "SIGN_IN_FAILED"


async def test_no_digest_of_a_number_stays_once_it_is_used_or_too_late(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    await n.quiet()
    runtime = n.server.runtime

    async def kept() -> list[str]:
        return sorted(str(row[0]) for row in await runtime.database.read("SELECT kind FROM core_ticket"))

    ticket = (await finish(n, *await sent(n, capsys)))["ticket"]
    assert await kept() == ["IDENTITY"]
    person = (await n.registered("王小明"))[0]
    await n.do("admin", "coreVerifyIdentity", "account { id }", ticket=ticket, personId=person)
    assert (await finish(n, *await sent(n, capsys)))["token"]
    assert await kept() == []
    await finish(n, *await sent(n, capsys, "13900139000"))
    await sent(n, capsys)
    invited = (await n.registered("李小红"))[0]
    await n.do("clerk", "coreInvite", "ticket", personId=invited)
    await runtime.forget_old_keys()
    assert await kept() == ["CHALLENGE", "IDENTITY", "INVITATION"]
    n.clock.advance(timedelta(minutes=10))
    await runtime.forget_old_keys()
    assert await kept() == ["IDENTITY", "INVITATION"]
    n.clock.advance(timedelta(days=7))
    await runtime.forget_old_keys()
    assert await kept() == ["INVITATION"]  # of an account, and with nothing about anybody


async def test_five_guesses_and_the_right_code_is_no_good_any_more_in_parallel_and_by_aliases_too(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    await verified(n, capsys, (await n.registered("王小明"))[0])
    challenge, code = await sent(n, capsys)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    await asyncio.gather(*(finish(n, challenge, wrong) for _ in range(5)))
    assert code_of(await finish(n, challenge, code)) == "SIGN_IN_FAILED"
    challenge, code = await sent(n, capsys)
    asked = f'coreFinishSignIn(input: {{challenge: "{challenge}", code: "{wrong}"}}) {{ token }}'
    await n.ask(None, f"mutation {{ {' '.join(f'a{k}: {asked}' for k in range(5))} }}")
    assert code_of(await finish(n, challenge, code)) == "SIGN_IN_FAILED"


async def test_a_number_gets_five_codes_an_hour_known_or_not(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    await verified(n, capsys, (await n.registered("王小明"))[0])
    known = [code_of(await begin(n, "phone", phone=PHONE)) for _ in range(6)]
    unknown = [code_of(await begin(n, "phone", phone="13900139000")) for _ in range(7)]
    assert known == unknown[1:] == ["OK"] * 4 + ["SIGN_IN_THROTTLED"] * 2
    n.clock.advance(timedelta(hours=1))
    assert code_of(await begin(n, "phone", phone=PHONE)) == "OK"
    begun = await begin(n, "phone", phone="12345")
    assert (code_of(begun), begun["errors"][0]["path"]) == ("BAD_MOBILE", ["phone"])
    assert code_of(await begin(n, "nobody")) == "NO_SUCH_PROVIDER"


async def test_the_desk_verifies_whom_it_may_and_a_ticket_is_one_persons(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    admin = (await n.ask("admin", "{ viewer { id } }"))["viewer"]["id"]
    ticket = (await finish(n, *await sent(n, capsys)))["ticket"]
    assert await n.refused("clerk", "coreVerifyIdentity", "", ticket=ticket, personId=admin) == "RIGHTS_ABOVE_OWN"
    clerk = (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]
    assert await n.refused("clerk", "coreVerifyIdentity", "", ticket=ticket, personId=clerk) == "OWN_MATTER"
    one, other = await n.registered("王小明", "李小红")
    assert await n.refused("resident", "coreVerifyIdentity", "", ticket=ticket, personId=one) == "NOT_PERMITTED"
    later = (await finish(n, *await sent(n, capsys)))["ticket"]
    await n.do("clerk", "coreVerifyIdentity", "account { id }", ticket=ticket, personId=one)
    assert await n.refused("clerk", "coreVerifyIdentity", "", ticket=ticket, personId=other) == "TICKET_INVALID"
    assert await n.refused("clerk", "coreVerifyIdentity", "", ticket=later, personId=other) == "IDENTITY_TAKEN"


async def test_a_number_kept_on_a_person_lets_nobody_in(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a clerk notes is for calling: in gets whom the desk has verified, by the rule of every account."""
    n = city
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=await n.area_id("haicang"),
               actorId=await n.actor_id("陈志伟"))  # fmt: skip
    for who in ("resident", "admin"):
        person = (await n.ask(who, "{ viewer { id } }"))["viewer"]["id"]
        await n.do("clerk", "coreSetPhone", "person { id }", personId=person, phone=PHONE)
        answer = await finish(n, *await sent(n, capsys))
        assert answer["token"] is None and answer["ticket"]


async def test_a_telephone_is_linked_and_unlinked_by_its_owner_and_let_in_no_more_when_disabled(
    city: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = city
    ticket = (await finish(n, *await sent(n, capsys)))["ticket"]
    linked = await n.do("resident", "coreLinkIdentity", "identity { id provider }", ticket=ticket)
    assert (await finish(n, *await sent(n, capsys)))["token"]
    resident = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    await n.do("admin", "coreDisableAccount", "account { id }", personId=resident, reason="x")
    assert code_of(await finish(n, *await sent(n, capsys))) == "SIGN_IN_FAILED"
    await n.do("admin", "coreEnableAccount", "account { state }", personId=resident, reason="x")
    await n.trust("resident")
    id = linked["identity"]["id"]
    assert await n.refused("clerk", "coreUnlinkIdentity", "", identityId=id) == "NOT_FOUND"
    await n.do("resident", "coreUnlinkIdentity", "identity { removedAt }", identityId=id)
    assert (await finish(n, *await sent(n, capsys)))["ticket"]


async def test_the_only_way_in_stays(city: Neighbourhood, capsys: pytest.CaptureFixture[str]) -> None:
    n = city
    await verified(n, capsys, (await n.registered("王小明"))[0])
    n.tokens["wang"] = (await finish(n, *await sent(n, capsys)))["token"]
    mine = (await n.ask("wang", "{ myAccount { identities { nodes { id } } } }"))["myAccount"]["identities"]["nodes"]
    assert await n.refused("wang", "coreUnlinkIdentity", "", identityId=mine[0]["id"]) == "LAST_WAY_IN"


@pytest.mark.parametrize("text", ["13800138000", "+86 138 0013 8000", "86-138-0013-8000"])
def test_a_number_is_the_same_however_it_is_written(text: str) -> None:
    assert clean_phone(text) == "+8613800138000"


@pytest.mark.parametrize("text", ["", None, "12800138000", "+86 128 0013 8000", "138001380001", "0013800138000", "+1"])
def test_what_is_no_mobile_number_is_refused(text: str | None) -> None:
    with pytest.raises(Refusal, match="BAD_MOBILE"):
        clean_phone(text)
