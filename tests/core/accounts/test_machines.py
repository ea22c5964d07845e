"""A machine's token is a cut: some of what its maker may do, in some area, for some time, and nothing personal."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.accounts import hash_token
from core.errors import Refusal
from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio
NEW = {"kind": "PERSON", "name": "新居民"}


async def machine(n: Neighbourhood, *permissions: str, area: str = "xishan", who: str = "admin", **more: Any) -> str:
    """A token under the name `machine`; its id."""
    ends = (n.clock.now() + timedelta(days=30)).isoformat()
    given = {"label": "签到机", "permissions": list(permissions), "areaId": await n.area_id(area), "expiresAt": ends}
    made = await n.do(
        who, "coreCreateMachineToken", "secret token { id label permissions area { code } }", **given | more
    )
    n.tokens["machine"] = made["secret"]
    assert made["token"]["permissions"] == sorted(permissions)
    assert made["token"]["area"] == {"code": area}
    return str(made["token"]["id"])


async def may_register(n: Neighbourhood, area: str) -> str:
    try:
        await n.do("machine", "coreRegisterActor", "actor { id }", **NEW, areaId=await n.area_id(area))
    except Refused as refused:
        return str(refused.codes[0])
    return "OK"


async def test_it_does_what_it_was_made_for_below_its_area_and_nothing_else(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await machine(n, "core.actor.register")
    for area, answer in (
        ("xishan", "OK"),
        ("xishan-1", "OK"),
        ("haihong", "NOT_PERMITTED"),
        ("haicang", "NOT_PERMITTED"),
    ):
        assert await may_register(n, area) == answer, area
    give = {"role": "CLERK", "areaId": await n.area_id("xishan"), "actorId": await n.actor_id("郑雅婷")}
    why = "errors { ... on PermissionError { permission reason remedies { kind } } }"
    query = f"mutation($i: CoreGrantRoleInput!) {{ coreGrantRole(input: $i) {{ {why} }} }}"
    refused = {"permission": "core.role.grant", "reason": "TOKEN_SCOPE", "remedies": [{"kind": "SIGN_IN"}]}
    assert (await n.ask("machine", query, i=give))["coreGrantRole"]["errors"] == [refused]
    batch = (
        f"mutation($i: CoreRegisterActorBatchInput!) {{ coreRegisterActorBatch(input: $i) {{ results {{ {why} }} }} }}"
    )
    await machine(n, "core.actor.read")
    refused |= {"permission": "core.actor.register"}
    row = {**NEW, "areaId": await n.area_id("xishan")}
    answer = await n.ask("machine", batch, i={"rows": [row]})
    assert answer["coreRegisterActorBatch"]["results"] == [{"errors": [refused]}]


async def test_events_tell_that_a_program_did_it_and_which(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    token = await machine(n, "core.actor.register")
    assert await may_register(n, "xishan") == "OK"
    query = '{ events(first: %d, where: {type: {eq: "core.actor.registered"}}) { nodes { authority machine actor { id } } } }'
    admin = (await n.ask("admin", "{ viewer { id } }"))["viewer"]["id"]
    by_machine = {"authority": "ROLE", "machine": "签到机", "actor": {"id": admin}}
    for who in ("admin", "clerk"):
        assert (await n.ask(who, query % 1))["events"]["nodes"] == [by_machine]
    await n.do("admin", "coreRegisterActor", "actor { id }", **NEW, areaId=await n.area_id("xishan"))
    in_person = {"authority": "ROLE", "machine": None, "actor": {"id": admin}}
    assert (await n.ask("admin", query % 2))["events"]["nodes"] == [in_person, by_machine]
    n.clock.set(n.clock.now() + timedelta(days=61))
    await n.server.runtime.forget_old_keys()
    await n.sign_in("admin")
    assert (await n.ask("admin", query % 2))["events"]["nodes"] == [in_person, by_machine | {"machine": token}]


async def test_it_is_told_what_it_was_made_for(neighbourhood: Neighbourhood) -> None:
    """Wherever it is refused, and never with a permission that is none."""
    n = neighbourhood
    await machine(n, "core.actor.register", "core.actor.read")
    area = await n.area_id("haihong")
    errors = "errors { code message ... on PermissionError { permission reason } }"
    query = """mutation($a: ID!) {
      coreRegisterActor(input: {kind: PERSON, name: "甲", areaId: $a}) { ERRORS }
      coreSignOut(input: {everywhere: true}) { ERRORS }
      coreCreatePost(input: {areaId: $a, title: "岗"}) { ERRORS } }""".replace("ERRORS", errors)
    outside, own, other = (await n.ask("machine", query, a=area)).values()
    for (refused,) in (outside["errors"], own["errors"], other["errors"]):
        assert "core.actor.read, core.actor.register" in refused["message"]
    assert outside["errors"][0]["permission"] == "core.actor.register"
    assert outside["errors"][0]["message"].startswith("您在此处没有权限“登记主体”(core.actor.register)。")
    assert (own["errors"][0]["code"], "permission" in own["errors"][0]) == ("TOKEN_SCOPE", False)
    assert other["errors"][0]["reason"] == "TOKEN_SCOPE" and other["errors"][0]["permission"] == "core.role.grant"


async def test_it_sees_what_its_permissions_show_there_and_nothing_personal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await machine(n, "core.actor.read")
    query = "{ actors(where: {kind: {eq: PERSON}}, first: 50) { nodes { name area { code } } } }"
    for actor in (await n.ask("machine", query))["actors"]["nodes"]:
        assert ("*" in actor["name"]) is not actor["area"]["code"].startswith("xishan"), actor
    assert (await n.ask("machine", "{ viewer { id } myAccount { id } myTokens { nodes { id } } }")) == {
        "viewer": None, "myAccount": None, "myTokens": {"nodes": []},
    }  # fmt: skip
    assert (await n.ask("machine", "{ events { nodes { id } } roleGrants { nodes { id } } }")) == {
        "events": {"nodes": []}, "roleGrants": {"nodes": []},
    }  # fmt: skip


async def test_it_is_wide_where_its_maker_is_narrow_and_gains_nothing(neighbourhood: Neighbourhood) -> None:
    """Made for the district by who is an administrator there, and later a clerk of one village."""
    n = neighbourhood
    resident = await n.actor_id("郑雅婷")
    wide = await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=await n.area_id("haicang"),
                      actorId=resident)  # fmt: skip
    await machine(n, "core.actor.register", area="haicang", who="resident")
    assert await may_register(n, "haihong") == "OK"
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=await n.area_id("hongtang"),
               actorId=resident)  # fmt: skip
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=wide["roleGrant"]["id"], reason="调离")
    assert await may_register(n, "haihong") == "NOT_PERMITTED"
    assert await may_register(n, "hongtang") == "OK"


@pytest.mark.needs("points")
async def test_nobody_makes_one_for_more_than_they_hold_or_for_what_no_machine_does(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=await n.area_id("xishan"),
               actorId=await n.actor_id("郑雅婷"))  # fmt: skip

    async def code(*permissions: str, **more: Any) -> str:
        with pytest.raises(Refused) as caught:
            await machine(n, *permissions, **{"who": "resident"} | more)
        return str(caught.value.codes[0])

    assert await machine(n, "core.actor.register", "core.activity.join", who="resident")
    assert await code("core.actor.register", area="haihong") == "NOT_PERMITTED"
    assert await code("core.actor.register", who="clerk") == "NOT_PERMITTED"
    assert await code("points.award") == "NOT_PERMITTED"
    assert await code("core.role.grant") == "NOT_FOR_MACHINES"
    assert await code("core.account.reset") == "NOT_FOR_MACHINES"
    assert await code("core.token.create") == "NOT_FOR_MACHINES"
    assert await code("core.all") == "UNKNOWN_PERMISSION"
    assert await code() == "EMPTY_LIST"
    assert await code("core.actor.register", expiresAt="2020-01-01T00:00:00Z") == "IN_THE_PAST"
    assert await code("core.actor.register", expiresAt="2999-01-01T00:00:00Z") == "TOKEN_TOO_LONG"
    assert await code("core.actor.register", idempotencyKey="k") == "NO_IDEMPOTENCY_KEY"


async def test_it_has_no_matters_of_its_own(neighbourhood: Neighbourhood) -> None:
    """Sessions, passwords, exports, undoing, imports: for people."""
    n = neighbourhood
    id = await machine(n, "core.actor.register", "core.import", "core.actor.read")
    assert await may_register(n, "xishan") == "OK"
    event = (await n.ask("admin", "{ events(first: 1) { nodes { id } } }"))["events"]["nodes"][0]["id"]
    for mutation, input in {
        "coreSignOut": {},
        "coreRevokeToken": {"tokenId": id},
        "coreUndo": {"eventId": event, "reason": "x"},
        "coreExport": {"list": "actors"},
    }.items():
        assert await n.refused("machine", mutation, "", **input) == "TOKEN_SCOPE", mutation
    change = "mutation($i: CoreChangePasswordInput!) { coreChangePassword(input: $i) { errors { code } } }"
    asked = {"currentPassword": "gongzhi-demo", "newPassword": "a new password 1"}
    assert (await n.ask("machine", change, i=asked))["coreChangePassword"]["errors"] == [{"code": "TOKEN_SCOPE"}]
    headers = {"authorization": f"Bearer {n.tokens['machine']}", "content-type": "text/csv"}
    response = await n.http.post("/imports?area=xishan&name=x.csv", content=b"a,b", headers=headers)
    assert response.json()["errors"][0]["extensions"]["code"] == "TOKEN_SCOPE"


async def test_it_acts_at_the_desk_and_for_an_organization_only_if_that_is_in_it_too(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    activity = await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id area { code } } } }")
    open_one = activity["activities"]["nodes"][0]
    behalf = {"actorId": await n.actor_id("谢永强"), "basis": "PHONE", "evidence": "电话"}
    join = {"activityId": open_one["id"], "onBehalfOf": behalf}
    await machine(n, "core.activity.join", area=open_one["area"]["code"])
    assert await n.refused("machine", "coreJoinActivity", "participation { id }", **join) == "NOT_PERMITTED"
    await machine(n, "core.activity.join", "core.act_on_behalf", area=open_one["area"]["code"])
    await n.do("machine", "coreJoinActivity", "participation { id }", **join)
    await machine(n, "core.activity.join", area="haihong")
    assert await n.refused("machine", "coreJoinActivity", "participation { id }", activityId=open_one["id"]) == (
        "NOT_PERMITTED"
    )


async def test_it_is_nobody_s_guardian(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    found = await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id area { code } } } }")
    activity, ward = found["activities"]["nodes"][0], (await n.registered("郑小禾"))[0]
    facts = {"wardId": ward, "guardianId": await n.actor_id("郑雅婷"), "basis": "PARENT", "evidence": "户口簿"}
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", **facts)
    at = await n.area_id(activity["area"]["code"])
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=at, actorId=facts["guardianId"])
    await machine(n, "core.activity.join", area=activity["area"]["code"], who="resident")
    behalf = {"actorId": ward, "basis": "GUARDIAN", "evidence": "母亲"}
    join = ("coreJoinActivity", "participation { id }")
    assert await n.refused("machine", *join, activityId=activity["id"], onBehalfOf=behalf) == "NO_GUARDIANSHIP"
    await n.do("resident", *join, activityId=activity["id"], onBehalfOf=behalf)


async def test_it_ends_with_its_time_by_its_maker_and_with_the_account(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    id = await machine(n, "core.actor.register")
    assert (await n.viewer("machine")).scope is not None
    await n.do("admin", "coreRevokeToken", "token { revokedAt }", tokenId=id)
    assert (await n.post("machine", "{ version }")).status_code == 401
    await machine(n, "core.actor.register")
    n.clock.advance(timedelta(days=30))
    assert not (await n.server.runtime.viewer(hash_token(n.tokens["machine"]))).signed_in


@pytest.mark.parametrize(
    "widening",
    [
        "scope = NULL, scope_area_id = NULL",
        'scope = \'{"permissions": ["core.actor.register", "core.role.grant"]}\'',
        "scope_area_id = (SELECT id FROM core_area WHERE code = 'haicang')",
    ],
)
async def test_the_database_lets_nobody_widen_one(neighbourhood: Neighbourhood, widening: str) -> None:
    n = neighbourhood
    await machine(n, "core.actor.register")
    with pytest.raises(Refusal, match="INVALID_VALUE"):
        async with n.server.runtime.database.transaction() as transaction:
            await transaction.fetch(f"UPDATE core_token SET {widening} WHERE scope IS NOT NULL")
    assert await may_register(n, "xishan") == "OK"
