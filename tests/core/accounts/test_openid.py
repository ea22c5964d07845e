"""OpenID Connect against a provider's process on this machine: honest, with new keys, wrong clocks and bad tokens."""

from __future__ import annotations

from typing import Any

import pytest

from core.sign_in import oidc
from core.testing.kit import Neighbourhood
from tests.core.accounts.conftest import BACK, OpenIdProcess, begin, code_of, finish

pytestmark = pytest.mark.anyio


async def come_back(n: Neighbourhood, openid: OpenIdProcess) -> dict[str, Any]:
    """To the provider, through the person's browser, and back."""
    begun = await begin(n, "city", redirectUri=BACK)
    assert code_of(begun) == "OK", begun
    code, state = openid.visit(begun["url"])
    assert state == begun["state"]
    return await finish(n, begun["challenge"], code)


async def known(n: Neighbourhood, openid: OpenIdProcess) -> None:
    """The provider's subject is the resident."""
    ticket = (await come_back(n, openid))["ticket"]
    await n.do("resident", "coreLinkIdentity", "identity { provider }", ticket=ticket)


async def test_whom_the_provider_knows_gets_in_and_another_gets_a_ticket(
    city: Neighbourhood, openid: OpenIdProcess
) -> None:
    n = city
    await known(n, openid)
    n.tokens["back"] = (await come_back(n, openid))["token"]
    assert (await n.ask("back", "{ viewer { name } }"))["viewer"]["name"] == "郑雅婷"
    openid.told(subject="subject-2")
    answer = await come_back(n, openid)
    assert answer["token"] is None and answer["ticket"]


async def test_a_code_is_good_for_the_challenge_it_was_asked_with_alone(
    city: Neighbourhood, openid: OpenIdProcess
) -> None:
    """Neither a code put upon somebody else nor a stolen one is of use (state, PKCE)."""
    n = city
    await known(n, openid)
    mine, theirs = await begin(n, "city"), await begin(n, "city")
    code, _ = openid.visit(mine["url"])
    assert code_of(await finish(n, theirs["challenge"], code)) == "SIGN_IN_FAILED"
    code, _ = openid.visit(mine["url"])
    assert (await finish(n, mine["challenge"], code))["token"]
    assert code_of(await finish(n, mine["challenge"], code)) == "SIGN_IN_FAILED"
    assert mine["challenge"] not in mine["url"] and mine["state"] != mine["challenge"]


@pytest.mark.parametrize("wrong", ["iss", "aud", "azp", "nonce", "exp", "sub", "key", "hmac", "none"])
async def test_a_bad_token_lets_nobody_in(city: Neighbourhood, openid: OpenIdProcess, wrong: str) -> None:
    n = city
    await known(n, openid)
    openid.told(wrong=wrong)
    assert code_of(await come_back(n, openid)) == "SIGN_IN_FAILED"
    openid.told(wrong="")
    assert (await come_back(n, openid))["token"]


@pytest.mark.parametrize(
    ("skew", "answer"), [(50, "OK"), (90, "SIGN_IN_FAILED"), (-350, "OK"), (-400, "SIGN_IN_FAILED")]
)
async def test_clocks_may_differ_by_a_minute(
    city: Neighbourhood, openid: OpenIdProcess, skew: int, answer: str
) -> None:
    """Tokens live five minutes."""
    openid.told(skew=skew)
    assert code_of(await come_back(city, openid)) == answer


async def test_a_new_key_is_looked_for_and_the_old_one_is_no_good(
    city: Neighbourhood, openid: OpenIdProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = city
    await known(n, openid)
    before = openid.told(rotate=True)["asked_for_keys"]
    monkeypatch.setattr(oidc, "AGAIN", 0.0)
    assert (await come_back(n, openid))["token"]
    assert openid.told()["asked_for_keys"] == before + 1
    assert (await come_back(n, openid))["token"]
    assert openid.told()["asked_for_keys"] == before + 1  # it is known now


async def test_tokens_with_made_up_keys_do_not_make_the_provider_be_asked_all_the_time(
    city: Neighbourhood, openid: OpenIdProcess
) -> None:
    await known(city, openid)
    before = openid.told(rotate=True)["asked_for_keys"]
    for _ in range(3):
        assert code_of(await come_back(city, openid)) == "SIGN_IN_FAILED"  # seen again only after AGAIN
    assert openid.told()["asked_for_keys"] <= before + 1


async def test_a_provider_that_fails_or_says_it_is_another_is_told_so(
    city: Neighbourhood, openid: OpenIdProcess
) -> None:
    n = city
    openid.told(down=True)
    assert code_of(await begin(n, "city")) == "PROVIDER_FAILED"
    openid.told(down=False, wrong="issuer")
    assert code_of(await begin(n, "city")) == "SIGN_IN_FAILED"
    openid.told(wrong="")
    begun = await begin(n, "city")
    code, _ = openid.visit(begun["url"])
    openid.told(down=True)
    assert code_of(await finish(n, begun["challenge"], code)) == "PROVIDER_FAILED"


async def test_only_pages_the_operator_allows_are_come_back_to(city: Neighbourhood) -> None:
    for uri in ("https://evil.example/signed-in", BACK + "/", BACK + "?x=1"):
        begun = await begin(city, "city", redirectUri=uri)
        assert (code_of(begun), begun["errors"][0]["path"]) == ("BAD_REDIRECT_URI", ["redirectUri"])
