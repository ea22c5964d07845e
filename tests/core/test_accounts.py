"""Signing in and out, and what a token is worth afterwards."""

from __future__ import annotations

import asyncio

import pytest

from core.demo import PASSWORD
from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio


async def test_a_login_and_password_give_a_token_that_works_until_sign_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.sign_in("resident")
    assert (await n.ask("resident", "{ viewer { name } }"))["viewer"]["name"] == "郑雅婷"
    await n.do("resident", "coreSignOut", "")
    await asyncio.sleep(1.05)
    response = await n.post("resident", "{ viewer { name } }")
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (401, "BAD_TOKEN")


async def test_a_signed_out_token_changes_nothing_even_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = (await n.ask("resident", "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]
    await n.do("resident", "coreSignOut", "")
    join = {"activityId": activity["nodes"][0]["id"]}
    try:
        code = await n.refused("resident", "coreLeaveActivity", "participation { id }", **join)
    except (Refused, KeyError) as refused:
        code = refused.codes[0] if isinstance(refused, Refused) else "BAD_TOKEN"
    assert code in ("NOT_SIGNED_IN", "BAD_TOKEN")


async def test_unknown_login_and_wrong_password_look_the_same(neighbourhood: Neighbourhood) -> None:
    query = "mutation($i: CoreSignInInput!) { coreSignIn(input: $i) { token errors { code message } } }"
    answers = [
        (await neighbourhood.ask(None, query, i={"login": login, "password": "wrong-password"}))["coreSignIn"]
        for login in ("resident", "nobody", "x" * 300)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["errors"][0]["code"] == "SIGN_IN_FAILED"


async def test_guessing_is_throttled_in_parallel_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    results = await asyncio.gather(*(n.sign_in("clerk", "wrong-password") for _ in range(16)), return_exceptions=True)
    codes = [r.codes[0] for r in results if isinstance(r, Refused)]
    assert codes.count("SIGN_IN_FAILED") == 10
    assert codes.count("SIGN_IN_THROTTLED") == 6
    with pytest.raises(Refused) as caught:
        await n.sign_in("clerk", PASSWORD)
    assert caught.value.codes == ["SIGN_IN_THROTTLED"]


async def test_a_revoked_role_is_gone_in_the_next_mutation(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    clerk = (await n.ask("clerk", "{ viewer { id } roleGrants { nodes { id role } } }"))["roleGrants"]["nodes"][0]
    new = {"kind": "PERSON", "name": "新居民", "areaId": await n.area_id("xishan")}
    await n.do("clerk", "coreRegisterActor", "actor { id }", **new)
    await n.do("admin", "coreRevokeRole", "roleGrant { revokedAt }", roleGrantId=clerk["id"], reason="调离")
    assert await n.refused("clerk", "coreRegisterActor", "actor { id }", **new) == "NOT_PERMITTED"


async def test_a_role_given_to_a_post_is_held_by_who_holds_the_post(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haihong = await n.area_id("haihong")
    new = {"kind": "PERSON", "name": "新居民", "areaId": haihong}
    assert await n.refused("resident", "coreRegisterActor", "actor { id }", **new) == "NOT_PERMITTED"
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=haihong, title="窗口"))["post"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=haihong, postId=post)
    person = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    holding = (await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=person))["postHolding"]
    await n.do("resident", "coreRegisterActor", "actor { id }", **new)
    elsewhere = new | {"areaId": await n.area_id("xishan")}
    assert await n.refused("resident", "coreRegisterActor", "actor { id }", **elsewhere) == "NOT_PERMITTED"
    await n.do("admin", "coreLeavePost", "postHolding { until }", postHoldingId=holding["id"])
    assert await n.refused("resident", "coreRegisterActor", "actor { id }", **new) == "NOT_PERMITTED"


async def test_a_clerk_acts_on_behalf_and_the_event_keeps_both(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = await n.actor_id("谢永强")
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    behalf = {
        "onBehalfOf": {"actorId": person, "basis": "PHONE", "evidence": "电话 7 月 3 日,本人"},
        "activityId": activity[0]["id"],
    }
    made = await n.do("clerk", "coreJoinActivity", "participation { id actor { id } }", **behalf)
    assert made["participation"]["actor"]["id"] == person
    log = await n.ask(
        "clerk",
        "query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { authority behalfBasis behalfEvidence behalfOf { id } } } }",
        s=made["participation"]["id"],
    )
    assert log["events"]["nodes"] == [
        {
            "authority": "ROLE",
            "behalfBasis": "PHONE",
            "behalfEvidence": "电话 7 月 3 日,本人",
            "behalfOf": {"id": person},
        }
    ]
    behalf["onBehalfOf"]["evidence"] = " "
    assert await n.refused("clerk", "coreJoinActivity", "participation { id }", **behalf) == "EMPTY_TEXT"
    behalf["onBehalfOf"]["evidence"] = "x"
    assert await n.refused("resident", "coreJoinActivity", "participation { id }", **behalf) == "NOT_PERMITTED"
