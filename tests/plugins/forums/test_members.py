"""Who belongs to a forum: residents, old and new alike; units that are admitted; bodies that send a delegate; who sits there."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum

pytestmark = pytest.mark.anyio
JOIN = ("forumsJoin", "member { id state basis }")


async def test_who_lives_there_joins_an_open_forum_and_nobody_else(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n)
    (stranger,) = await n.newcomers(1, "haihong")
    assert await n.refused(stranger, *JOIN, forumId=f.forum) == "NOT_FROM_HERE"
    assert await n.refused("company", *JOIN, forumId=f.forum, actingFor=await n.actor_id("企业甲")) == "UNITS_NOT_HERE"
    (one,) = await f.residents(1)
    made = (await n.do(one, *JOIN, forumId=f.forum))["member"]
    assert (made["state"], made["basis"]) == ("ACTIVE", "JOINED")
    assert await n.refused(one, *JOIN, forumId=f.forum) == "ALREADY_IN_FORUM"
    assert (await n.do(one, "forumsLeave", "member { state }", memberId=made["id"]))["member"] == {"state": "LEFT"}
    assert (
        await n.refused(one, "forumsOpenTopic", "topic { id }", forumId=f.forum, title="x", matter="ORDER")
        == "NOT_IN_FORUM"
    )
    again = await f.join(one)
    assert again != made["id"]
    mine = "{ forumsForums(where: {viewerIsMember: {eq: true}}) { nodes { name memberCount viewerIsConvenor } } }"
    assert (await n.ask(one, mine))["forumsForums"]["nodes"] == [
        {"name": "同心合议厅", "memberCount": 1, "viewerIsConvenor": False}
    ]
    assert (await n.ask(stranger, mine))["forumsForums"]["nodes"] == []


async def test_months_of_residence_are_asked_of_everybody_alike(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n)
    await f.tune(residence_months=6)
    today = n.clock.today()
    early, late = today.replace(year=today.year - 1).isoformat(), today.isoformat()
    (old,), (new,) = await f.residents(1, since=early), await f.residents(1, since=late)
    assert await n.refused(new, *JOIN, forumId=f.forum) == "LIVES_HERE_TOO_SHORT"
    await f.join(old)


async def test_a_mixed_forum_admits_residents_and_units(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, name="西山小区自治促进会", kind="SELF_GOVERNANCE_ASSOCIATION")
    assert (await f.see(f.forum, "membership"))["membership"] == "MIXED"
    a, b = await f.residents(2)
    first = await f.join(a, application="愿意参加楼道治理")
    decide = ("forumsDecideApplication", "member { state since }")
    assert (await f.see(first, "state application", a)) == {"state": "APPLIED", "application": "愿意参加楼道治理"}
    assert await f.see(first, "state", b) is None
    assert await n.refused(b, *decide, memberId=first, admit=True) == "NOT_FOUND"
    await n.do("clerk", *decide, memberId=first, admit=True)
    await f.convenor(a)
    # Now the convenor admits: a unit by its mandated person, not themselves again.
    unit = await n.actor_id("西山社村民委员会")
    asked = (await n.do("custodian", *JOIN, forumId=f.forum, actingFor=unit))["member"]
    assert asked["state"] == "APPLIED"
    assert await n.refused(a, *decide, memberId=asked["id"], admit=False) == "EMPTY_TEXT"
    assert (await n.do(a, *decide, memberId=asked["id"], admit=True))["member"]["state"] == "ACTIVE"
    second = await f.join(b)
    assert (await n.do(a, *decide, memberId=second, admit=False, reason="材料不全"))["member"]["state"] == "DECLINED"
    await f.join(b)  # they may ask again
    topic = await f.topic(a, "楼道堆物")
    said = await n.do(
        "custodian", "forumsSpeak", "statement { author { id } }", topicId=topic, text="村委会支持", actingFor=unit
    )
    assert said["statement"]["author"] == {"id": unit}


async def test_who_sits_in_the_body_belongs_to_the_forum_until_the_seat_is_vacated(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    f = await Forum.begin(n)
    body = (await f.see(f.forum, "bodyId"))["bodyId"]
    (one,) = await f.residents(1)
    seat = await n.do(
        "admin", "councilsFillSeat", "seat { id }", bodyId=body, holderId=await f.person(one), category="RESIDENT"
    )
    await n.delivered()
    members = "members { nodes { id basis state } }"
    (there,) = (await f.see(f.forum, members))["members"]["nodes"]
    assert (there["basis"], there["state"]) == ("SEATED", "ACTIVE")
    assert await n.refused(one, "forumsLeave", "member { id }", memberId=there["id"]) == "SEATED_MEMBER"
    await f.topic(one)
    await n.do(one, "councilsVacateSeat", "seat { id }", seatId=seat["seat"]["id"], because="RESIGNED")
    await n.delivered()
    assert (await f.see(there["id"], "state"))["state"] == "ENDED"
    await n.do("admin", "councilsUpdateBody", "body { id }", bodyId=body, name="同心议事厅")
    await n.delivered()
    assert (await f.see(f.forum, "name"))["name"] == "同心议事厅"
    await n.do("admin", "councilsDissolveBody", "body { id }", bodyId=body, reason="合并")
    await n.delivered()
    assert (await f.see(f.forum, "state"))["state"] == "CLOSED"
    assert await n.refused(one, *JOIN, forumId=f.forum) == "FORUM_CLOSED"


async def test_bodies_meet_through_delegates_one_voice_each(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, name="自治联席会", kind="JOINT")
    chairs = await f.residents(3)
    bodies = []
    for number, chair in enumerate(chairs):
        made = await n.do(
            "admin",
            "councilsCreateBody",
            "body { id }",
            areaId=f.area,
            kind="RESIDENTS_COUNCIL",
            name=f"理事会{number}",
            size=3,
        )
        bodies.append(made["body"]["id"])
        await n.do(
            "admin", "councilsFillSeat", "seat { id }", bodyId=bodies[-1], holderId=await f.person(chair),
            category="RESIDENT", office="CHAIR",
        )  # fmt: skip
    people = [await f.person(chair) for chair in chairs]
    send = ("forumsSendDelegate", "member { id basis bodyId actor { id } }")
    assert await n.refused(chairs[0], *JOIN, forumId=f.forum) == "BODIES_ONLY"
    assert (
        await n.refused(chairs[1], *send, forumId=f.forum, bodyId=bodies[0], delegateId=people[1]) == "NOT_AN_OFFICER"
    )
    assert (
        await n.refused(chairs[0], *send, forumId=f.forum, bodyId=bodies[0], delegateId=people[1]) == "NO_SEAT_IN_BODY"
    )
    for chair, body, person in zip(chairs, bodies, people, strict=True):
        made = await n.do(chair, *send, forumId=f.forum, bodyId=body, delegateId=person)
        assert made["member"]["bodyId"] == body
        f.members[chair] = made["member"]["id"]
    # One person speaks for one body only, in whichever bodies they sit (INV6).
    await n.do("admin", "councilsFillSeat", "seat { id }", bodyId=bodies[1], holderId=people[0], category="RESIDENT")
    await n.delivered()
    assert (
        await n.refused(chairs[1], *send, forumId=f.forum, bodyId=bodies[1], delegateId=people[0]) == "ALREADY_IN_FORUM"
    )
    topic = await f.deliberated(chairs[0], "跨小区电动车充电")
    resolution = await f.consensus(topic)
    assert (await f.see(resolution, "members"))["members"] == 3
    for chair in chairs:
        assert await f.position(chair, resolution, "AGREE") == "done"
    # A delegate who leaves the body is no delegate; what was said for the body stays.
    seats = "seats(where: {state: {eq: FILLED}}) { nodes { id holder { id } } }"
    seat = next(s["id"] for s in (await f.see(bodies[2], seats))["seats"]["nodes"] if s["holder"]["id"] == people[2])
    await n.do(chairs[2], "councilsVacateSeat", "seat { id }", seatId=seat, because="RESIGNED")
    await n.delivered()
    assert (await f.see(f.members[chairs[2]], "state actor { id }")) == {"state": "ACTIVE", "actor": None}
    assert await f.position(chairs[2], resolution, "OBJECT", "改主意了") == "NOT_IN_FORUM"
    await f.days(6)
    assert (await f.see(resolution, "state"))["state"] in {"ADOPTED", "EFFECTIVE"}


async def test_who_moves_away_no_longer_belongs(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    own = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}, role: {eq: RESIDENT}, state: {eq: ACTIVE}}) { nodes { id } } }"
    (home,) = (await n.ask("admin", own, p=await f.person(a)))["memberships"]["nodes"]
    await n.do(
        "admin", "coreEndMembership", "membership { id }", membershipId=home["id"], until=n.clock.today().isoformat()
    )
    await n.delivered()
    assert (await f.see(f.members[a], "state"))["state"] == "ENDED"
    assert (await f.see(f.members[b], "state"))["state"] == "ACTIVE"


async def test_a_joint_meeting_is_of_bodies_and_nothing_else(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n)
    found = ("admin", "forumsFoundForum", "forum { id }")
    wrong = {"areaId": f.area, "name": "某会"}
    assert await n.refused(*found, **wrong, kind="JOINT", membership="OPEN") == "FORUM_MEMBERSHIP"
    assert await n.refused(*found, **wrong, kind="FORUM", membership="BODIES") == "FORUM_MEMBERSHIP"
    assert await n.refused("clerk", "forumsFoundForum", "forum { id }", **wrong, kind="FORUM") == "NOT_PERMITTED"


async def test_nobody_else_leaves_for_a_member_and_can_says_so(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    can = 'query($i: ID!) { can(action: "forumsLeave", on: $i) { allowed reason } }'
    assert (await n.ask(a, can, i=f.members[b]))["can"] == {"allowed": False, "reason": "NOT_YOURS"}
    assert await n.refused(a, "forumsLeave", "member { id }", memberId=f.members[b]) == "NOT_PERMITTED"
    assert (await n.ask(b, can, i=f.members[b]))["can"] == {"allowed": True, "reason": "OWN"}
