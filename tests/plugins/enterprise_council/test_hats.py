"""Enterprises that prove to be one, people who leave or are erased, and what goes to whoever takes their place."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding

pytestmark = pytest.mark.anyio


async def test_two_enterprises_that_are_one_have_one_seat(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    kept, gone = await c.enterprise("企业子"), await c.enterprise("企业子重复")
    seat, twice = await c.seat(kept), await c.seat(gone)
    merge = {"keptId": kept.id, "goneId": gone.id, "reason": "重复登记"}
    assert await n.refused("admin", "coreMergeActors", "actor { id }", **merge) in ("BOTH_SEATED", "BOTH_IN_IT")
    await n.do("clerk", "enterpriseCouncilEndSeat", "seat { id }", seatId=seat, because="REMOVED", reason="重复")
    raised = await n.do(
        gone.login, "enterpriseCouncilRaiseConcern", "concern { id }", areaId=c.area, title="t", details="d",
        actingFor=gone.id,
    )  # fmt: skip
    case = await n.do(
        gone.login, "enterpriseCouncilDeclareSelfHelp", "selfHelp { id }", areaId=c.area, title="t", problem="p",
        actingFor=gone.id,
    )  # fmt: skip
    await n.do("admin", "coreMergeActors", "actor { id }", **merge)
    await n.due()
    moved = await c.see(twice, "state enterprise { id } councilSeatId")
    assert (moved["state"], moved["enterprise"]["id"]) == ("HELD", kept.id)
    council = await c.see(moved["councilSeatId"], "state mandateOf { id }")
    assert council == {"state": "FILLED", "mandateOf": {"id": kept.id}}
    assert (await c.share() or {})["taken"] == 1
    assert (await c.see(raised["concern"]["id"], "enterprise { id }"))["enterprise"]["id"] == kept.id
    assert (await c.see(case["selfHelp"]["id"], "owner { id }"))["owner"]["id"] == kept.id


async def test_whoever_has_something_open_is_erased_after_that(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    seat = await c.seat(e)
    erase = ("admin", "coreErasePerson", "")
    assert await n.refused(*erase, personId=e.person, reason="本人申请") == "HOLDS_OFFICE"
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=e.mandate, reason="离职")
    await n.delivered()
    await n.do(*erase, personId=e.person, reason="本人申请")  # the enterprise sends somebody else when it likes
    assert (await c.see(seat, "state"))["state"] == "VACANT"

    login, person = await c.newcomer()
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=person, areaId=c.area, role="RESIDENT",
        since="2024-05-01",
    )  # fmt: skip
    made = await n.do(
        login,
        "enterpriseCouncilDeclareSelfHelp",
        "selfHelp { id }",
        areaId=c.area,
        title="路灯",
        problem="我家门口三盏不亮",
    )
    case = made["selfHelp"]["id"]
    assert await n.refused(*erase, personId=person, reason="本人申请") == "OPEN_MATTERS"
    await n.do(login, "enterpriseCouncilAbandonSelfHelp", "selfHelp { id }", selfHelpId=case, reason="镇里已修")
    await n.do(*erase, personId=person, reason="本人申请")
    assert (await c.see(case, "title problem state")) == {"title": "路灯", "problem": "[已清除]", "state": "ABANDONED"}
    assert "我家门口" not in await n.dump()


async def test_with_a_hand_over_concerns_go_and_representation_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, asks = await c.enterprise("企业子"), await c.enterprise("企业丑")
    await c.seat(e)
    raised = await n.do(
        asks.login, "enterpriseCouncilRaiseConcern", "concern { id }", areaId=c.area, title="停车难", details="d",
        actingFor=asks.id,
    )  # fmt: skip
    concern = raised["concern"]["id"]
    await n.do("clerk", "enterpriseCouncilAssignConcern", "concern { id }", concernId=concern, ownerId=e.person)
    login, taker = await c.newcomer()
    receipt = await n.do(
        "admin", "coreHandOver", "handover { lines { nodes { subject title stays } } }", areaId=c.area, fromId=e.person,
        toId=taker,
    )  # fmt: skip
    stays = {line["title"]: line["stays"] for line in receipt["handover"]["lines"]["nodes"]}
    assert stays["停车难"] is None and stays["委派函 1 号"] == "REPRESENTATION_STAYS"
    to_itself = await n.do(
        "admin", "coreHandOver", "handover { lines { nodes { title stays } } }", areaId=c.area, fromId=taker,
        toId=asks.person,
    )  # fmt: skip
    assert to_itself["handover"]["lines"]["nodes"] == [{"title": "停车难", "stays": "OWN_MATTER"}]
    answer = ("enterpriseCouncilAnswerConcern", "concern { state }")
    assert await c.n.outcome(e.login, *answer, concernId=concern, reply="x") in ("NOT_FOUND", "NOT_PERMITTED")
    assert (await n.do(login, *answer, concernId=concern, reply="已办"))["concern"]["state"] == "ANSWERED"
