"""Ways around a permission that do not work: through posts, mandates, memberships, the desk, the clock (INV10, INV13)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio


async def viewer_id(n: Neighbourhood, who: str) -> str:
    return str((await n.ask(who, "{ viewer { id } }"))["viewer"]["id"])


async def area_admin(n: Neighbourhood, code: str) -> str:
    login = (await n.newcomers(1, code))[0]
    person = await viewer_id(n, login)
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=await n.area_id(code), actorId=person
    )
    return login


async def test_nobody_makes_an_inspector_their_member(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    inspector, me = await viewer_id(n, "inspector"), await viewer_id(n, "resident")
    add = {"actorId": inspector, "role": "MEMBER", "since": "2026-01-01"}
    code = await n.refused("resident", "coreAddMembership", "membership { id }", organizationId=me, **add)
    assert code == "NOT_AN_ORGANIZATION"
    company = await n.actor_id("企业甲")
    code = await n.refused(
        "company", "coreAddMembership", "membership { id }", organizationId=company, actingFor=company, **add
    )
    assert code == "NOT_PERMITTED"


async def test_a_clerk_gives_no_mandate_for_what_lies_elsewhere_or_to_themselves(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    elsewhere = await n.do(
        "admin",
        "coreRegisterActor",
        "actor { id }",
        kind="ENTERPRISE",
        name="企业丙",
        areaId=await n.area_id("haihong"),
    )
    give = ("coreGiveMandate", "mandate { id }")
    person = await n.actor_id("谢永强")
    assert await n.refused("clerk", *give, personId=person, organizationId=elsewhere["actor"]["id"], areaId=xishan) == (
        "NOT_PERMITTED"
    )
    here = await n.actor_id("西山社村民委员会")
    me = await viewer_id(n, "clerk")
    assert await n.refused("clerk", *give, personId=me, organizationId=here, areaId=xishan) == "OWN_MATTER"
    await n.do("clerk", *give, personId=person, organizationId=here, areaId=xishan)


async def test_a_post_lends_nobody_more_than_they_may_give(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan, haicang = await n.area_id("xishan"), await n.area_id("haicang")
    low = await area_admin(n, "xishan")
    me = await viewer_id(n, low)
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=xishan, title="书记"))["post"]["id"]
    grant = ("coreGrantRole", "roleGrant { id }")
    assert await n.refused("admin", *grant, role="ADMIN", areaId=haicang, postId=post) == "OUTSIDE_POST"
    made = await n.do("admin", *grant, role="ADMIN", areaId=xishan, postId=post)
    assert await n.refused(low, "coreAssignPost", "postHolding { id }", postId=post, personId=me) == "ROLE_ABOVE_OWN"
    revoke = {"roleGrantId": made["roleGrant"]["id"], "reason": "x"}
    assert await n.refused(low, "coreRevokeRole", "roleGrant { id }", **revoke) == "ROLE_ABOVE_OWN"
    assert await n.refused("admin", "coreRevokeRole", "roleGrant { id }", **(revoke | {"reason": " "})) == "EMPTY_TEXT"


@pytest.mark.needs("adoption")
async def test_whoever_lists_a_spot_has_the_role(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    spot = {"kind": "TREE", "name": "榕树", "duties": "浇水", "custodianId": await viewer_id(n, "resident")}
    code = await n.refused("resident", "adoptionListAsset", "asset { id }", areaId=await n.area_id("haihong"), **spot)
    assert code == "NOT_PERMITTED"


async def test_the_desk_acts_for_those_who_cannot(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    join = ("coreJoinActivity", "participation { id }")
    for actor, code in (
        (await viewer_id(n, "inspector"), "HAS_ACCOUNT"),
        (await n.actor_id("企业甲"), "HAS_ACCOUNT"),
        ("actor_00000000-0000-7000-8000-000000000000", "NOT_FOUND"),
    ):
        behalf = {"actorId": actor, "basis": "PHONE", "evidence": "来电"}
        assert await n.refused("clerk", *join, activityId=activity[0]["id"], onBehalfOf=behalf) == code
    behalf = {"actorId": await n.actor_id("谢永强"), "basis": "PHONE", "evidence": "来电"}
    assert await n.refused("resident", "coreSignOut", "", onBehalfOf=behalf) == "ONLY_ONESELF"


async def test_only_the_desk_enters_what_happened_before(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    join = ("coreJoinActivity", "participation { id }")
    yesterday = (n.clock.now() - timedelta(days=1)).isoformat()
    assert await n.refused("company", *join, activityId=activity[0]["id"], occurredAt=yesterday) == "ONLY_NOW"
    behalf = {"actorId": await n.actor_id("谢永强"), "basis": "WRITTEN", "evidence": "委托书 12 号"}
    long_ago = (n.clock.now() - timedelta(days=100)).isoformat()
    late = {"activityId": activity[0]["id"], "onBehalfOf": behalf}
    assert await n.refused("clerk", *join, occurredAt=long_ago, **late) == "TOO_LONG_AGO"
    await n.do("clerk", *join, occurredAt=yesterday, **late)
    stale = {"activityId": activity[0]["id"], "expectedVersion": 999}
    assert await n.refused("company", *join, **stale) == "VERSION_CONFLICT"


async def test_moving_and_creating_areas_at_once_never_fails(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan, parents = await n.area_id("xishan"), [await n.area_id("haihong"), await n.area_id("dongfu")]

    async def create(number: int) -> None:
        await n.do(
            "admin", "coreCreateArea", "area { id }", code=f"x{number}", name="新网格", kind="GRID", parentId=xishan
        )

    async def move(number: int) -> None:
        await n.do("admin", "coreMoveArea", "area { id }", areaId=xishan, parentId=parents[number % 2])

    results = await asyncio.gather(
        *(create(k) for k in range(40)), *(move(k) for k in range(12)), return_exceptions=True
    )
    failed = [r for r in results if isinstance(r, BaseException)]
    assert [r for r in failed if not isinstance(r, Refused) or r.codes != ["VERSION_CONFLICT"]] == []
    read = n.server.runtime.database.read
    parents_of = {str(r[0]): r[1] and str(r[1]) for r in await read("SELECT id, parent_id FROM core_area")}
    assert len(parents_of) == 9 + 40
    closure = {(str(r[0]), str(r[1]), r[2]) for r in await read(
        "SELECT descendant_id, ancestor_id, depth FROM core_area_closure WHERE until IS NULL")}  # fmt: skip
    walked = set()
    for id in parents_of:
        above, depth = id, 0
        while above is not None:
            walked.add((id, above, depth))
            above, depth = parents_of[above], depth + 1
    assert closure == walked


async def test_nobody_gives_themselves_a_role(neighbourhood: Neighbourhood) -> None:
    """Not by name, not by a post they hold, not by taking a post; others give it."""
    n = neighbourhood
    xishan = await n.area_id("xishan")
    low, other = await area_admin(n, "xishan"), await area_admin(n, "xishan")
    me, them = await viewer_id(n, low), await viewer_id(n, other)
    grant, assign = ("coreGrantRole", "roleGrant { id }"), ("coreAssignPost", "postHolding { id }")
    inspector = {"role": "INSPECTOR", "areaId": xishan}
    assert await n.refused(low, *grant, **inspector, actorId=me) == "OWN_MATTER"
    post = (await n.do(low, "coreCreatePost", "post { id }", areaId=xishan, title="巡查员"))["post"]["id"]
    assert await n.refused(low, *assign, postId=post, personId=me) == "OWN_MATTER"
    await n.do(other, *assign, postId=post, personId=me)
    assert await n.refused(low, *grant, **inspector, postId=post) == "OWN_MATTER"
    await n.do(low, *grant, **inspector, actorId=them)
    await n.do(other, *grant, **inspector, postId=post)


async def test_a_link_needs_both_its_ends_in_sight(neighbourhood: Neighbourhood) -> None:
    """What is hidden and what is missing are refused alike, with the field that names them."""
    n = neighbourhood
    area = await n.area_id("haihong")
    (mandate,) = (await n.server.runtime.database.read("SELECT id FROM core_mandate LIMIT 1"))[0]
    activity = (await n.ask(None, "{ activities { nodes { id } } }"))["activities"]["nodes"][0]["id"]
    link = ("coreLink", "link { id }")
    for id in (f"mandate_{mandate}", "mandate_00000000-0000-7000-8000-000000000000", "nothing_" + str(mandate)):
        with pytest.raises(Refused) as caught:
            await n.do("resident", *link, fromId=id, toId=area)
        assert [(e["code"], e["path"]) for e in caught.value.errors] == [("NOT_FOUND", ["fromId"])]
        with pytest.raises(Refused) as caught:
            await n.do("resident", *link, fromId=activity, toId=id)
        assert [(e["code"], e["path"]) for e in caught.value.errors] == [("NOT_FOUND", ["toId"])]
    await n.do("resident", *link, fromId=activity, toId=area)
    # A link is for everybody to see, and so must be what it joins.
    assert await n.refused("admin", *link, fromId=f"mandate_{mandate}", toId=area) == "NOT_LINKABLE"
