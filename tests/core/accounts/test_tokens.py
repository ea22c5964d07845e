"""One's own sessions: listed, ended one by one or all at once; dead here at once and on another worker within a second."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic, sleep

import httpx2
import pytest

from core.access import viewer_sql
from core.accounts import TOKEN_LIFE
from core.database.dialect import SQLITE
from core.demo import PASSWORD
from core.models import Account, Deputy, Mandate, PostHolding, RoleGrant, Token
from core.testing.kit import Neighbourhood, Refused
from core.testing.process import start
from core.viewers import DECISIVE

pytestmark = pytest.mark.anyio
NEW = "a new password 1"
CHANGE = "mutation($i: CoreChangePasswordInput!) { coreChangePassword(input: $i) { errors { code path } } }"
TOKENS = "{ myTokens(where: {revokedAt: {isNull: true}}) { nodes { id label current permissions expiresAt } } }"


async def change(n: Neighbourhood, who: str | None, current: str, new: str = NEW) -> str:
    errors = (await n.ask(who, CHANGE, i={"currentPassword": current, "newPassword": new}))["coreChangePassword"][
        "errors"
    ]
    return errors[0]["code"] if errors else "OK"


async def is_in(n: Neighbourhood, who: str) -> bool:
    return (await n.post(who, "{ viewer { name } }")).status_code == 200


def serving(log: Path) -> str:
    """The address that a process says it serves, once it does."""
    end = monotonic() + 60
    while "gongzhi serves " not in log.read_text():
        assert monotonic() < end, log.read_text()
        sleep(0.05)
    return log.read_text().split("gongzhi serves ")[1].split(" ")[0]


async def two_sessions(n: Neighbourhood) -> None:
    """`phone` and `tablet`, both the resident's; the session of the fixture is signed out."""
    await n.do("resident", "coreSignOut", "", everywhere=True)
    for name in ("phone", "tablet"):
        n.http.headers["user-agent"] = f" a {name} "
        n.tokens[name] = await n.sign_in("resident")


async def test_tokens_are_listed_for_their_owner_and_ended_by_them_alone(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await two_sessions(n)
    listed = (await n.ask("phone", TOKENS))["myTokens"]["nodes"]
    assert [t["permissions"] for t in listed] == [None, None]
    assert [(t["label"], t["current"]) for t in listed] == [("a tablet", False), ("a phone", True)]
    assert (await n.ask(None, TOKENS))["myTokens"]["nodes"] == []
    others = (await n.ask("admin", TOKENS))["myTokens"]["nodes"]
    assert others and all(token not in others for token in listed)
    newest = (await n.ask("phone", "{ myTokens(first: 1) { nodes { id } } }"))["myTokens"]["nodes"][0]["id"]
    assert await n.refused("admin", "coreRevokeToken", "token { id }", tokenId=newest) == "NOT_FOUND"
    assert await is_in(n, "tablet")
    done = await n.do("phone", "coreRevokeToken", "token { revokedAt }", tokenId=newest)
    assert done["token"]["revokedAt"] is not None
    assert not await is_in(n, "tablet")
    assert await is_in(n, "phone")
    assert await n.refused("phone", "coreRevokeToken", "token { id }", tokenId=newest) == "ALREADY_ENDED"


async def test_signing_out_everywhere_ends_every_session_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await two_sessions(n)
    assert await is_in(n, "phone") and await is_in(n, "tablet")
    await n.do("phone", "coreSignOut", "", everywhere=True)
    assert not await is_in(n, "phone") and not await is_in(n, "tablet")


async def test_a_changed_password_ends_the_other_sessions_and_needs_the_old_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await two_sessions(n)
    assert await is_in(n, "tablet")
    assert await change(n, None, PASSWORD) == "NOT_SIGNED_IN"
    assert await change(n, "phone", "wrong") == "WRONG_PASSWORD"
    assert await change(n, "phone", PASSWORD, "short") == "PASSWORD_TOO_SHORT"
    assert await change(n, "phone", PASSWORD) == "OK"
    assert await is_in(n, "phone") and not await is_in(n, "tablet")
    with pytest.raises(Refused, match="SIGN_IN_FAILED"):
        await n.sign_in("resident", PASSWORD)
    await n.sign_in("resident", NEW)


async def test_the_old_password_is_not_guessed_with_a_stolen_token(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    query = " ".join(f"a{k}: coreChangePassword(input: $i) {{ errors {{ code }} }}" for k in range(10))
    given = {"currentPassword": "wrong", "newPassword": NEW}
    await n.ask("resident", f"mutation($i: CoreChangePasswordInput!) {{ {query} }}", i=given)
    assert await change(n, "resident", PASSWORD) == "SIGN_IN_THROTTLED"


async def test_a_token_ends_by_itself(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await two_sessions(n)
    n.clock.advance(TOKEN_LIFE)
    await asyncio.sleep(1.0)
    assert not await is_in(n, "phone")


async def test_another_worker_sees_within_a_second_who_is_out(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    """A process of its own on the same database."""
    n = neighbourhood
    config = n.server.config
    names = ", ".join(f'"{p}"' for p in config.plugins)
    (tmp_path / "gongzhi.toml").write_text(f'database = "{config.database}"\nplugins = [{names}]\nport = 0\n', "utf-8")
    log = tmp_path / "log"
    log.write_text("")
    process = start(tmp_path, "serve", out=log)
    http = httpx2.AsyncClient()
    try:
        address = await asyncio.to_thread(serving, log)

        async def status(who: str) -> int:
            headers = {"authorization": f"Bearer {n.tokens[who]}"}
            response = await http.post(address, json={"query": "{ viewer { name } }"}, headers=headers)
            return response.status_code

        async def seen_within_a_second(who: str) -> bool:
            began = monotonic()
            for _ in range(100):
                if await status(who) == 401:
                    return monotonic() - began <= 1.2  # a request takes a moment too
                await asyncio.sleep(0.02)
            return False

        people = {who: (await n.ask(who, "{ viewer { id } }"))["viewer"]["id"] for who in ("resident", "inspector")}
        for who in ("resident", "inspector", "company"):
            assert await status(who) == 200
        await n.do("resident", "coreSignOut", "")
        assert await seen_within_a_second("resident")
        assert await status("inspector") == 200
        await n.do("admin", "coreDisableAccount", "account { id }", personId=people["inspector"], reason="离职")
        assert await seen_within_a_second("inspector")
        n.tokens["tablet"] = await n.sign_in("company")
        assert await status("tablet") == 200
        await n.trust("company")
        assert await change(n, "company", PASSWORD) == "OK"
        assert await seen_within_a_second("tablet")
        assert await status("company") == 200
    finally:
        await http.aclose()
        process.terminate()
        process.join()


def test_a_viewer_is_looked_at_again_only_for_what_they_are_read_from() -> None:
    read = viewer_sql(SQLITE, "?1", "?2")
    models = (Account, Token, RoleGrant, PostHolding, Mandate, Deputy)
    assert [model for model in models if f" {model._meta.db_table} " not in read] == []
    assert {tag.removeprefix("new ") for tag in DECISIVE} == {model.tag for model in models}
