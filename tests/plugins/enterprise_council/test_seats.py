"""Enterprise seats: a fixed share, held through a mandate, replaced, left, vacant (M11, INV5)."""

from __future__ import annotations

import asyncio

import pytest
from building import CoBuilding

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
SEAT = ("clerk", "enterpriseCouncilSeatEnterprise", "seat { id }")


async def test_a_co_building_council_begins_with_the_share_that_is_set_there(neighbourhood: Neighbourhood) -> None:
    c = await CoBuilding.begin(neighbourhood, members=0)
    seen = await c.see(
        c.body, "isValid seatRules(where: {state: {eq: IN_FORCE}}) { nodes { category lower upper keptBy } }"
    )
    assert seen == {
        "isValid": False,
        "seatRules": {"nodes": [{"category": "ENTERPRISE", "lower": 3, "upper": 3, "keptBy": "enterprise_council"}]},
    }
    assert await c.share() == {"size": 10, "seats": 3, "taken": 0, "isWhole": False, "isValid": False}
    other = await c.found(name="普通理事会", kind="RESIDENTS_COUNCIL")
    assert (await c.see(other, "seatRules { totalCount }"))["seatRules"]["totalCount"] == 0


async def test_an_enterprise_sits_through_whom_it_sends(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    away = await c.enterprise("企业丑", is_here=False)
    assert await n.refused(*SEAT, **c.seating(away)) == "ENTERPRISE_NOT_HERE"
    committee = await n.actor_id("西山社村民委员会")
    assert await n.refused(*SEAT, **c.seating(e, enterpriseId=committee)) == "NOT_AN_ENTERPRISE"
    _, stranger = await c.newcomer()
    assert await n.refused(*SEAT, **c.seating(e, representativeId=stranger)) == "REPRESENTATIVE_MANDATE"
    assert await c.outcome("resident", SEAT[1], SEAT[2], **c.seating(e)) == "NOT_PERMITTED"
    seat = await c.seat(e)
    assert await n.refused(*SEAT, **c.seating(e)) == "ENTERPRISE_SEATED"
    seen = await c.see(
        seat,
        "number state letter bodyId councilSeatId enterprise { name } representative { id }",
        None,
    )
    assert seen["representative"]["id"] == e.person
    assert (seen["number"], seen["state"], seen["bodyId"]) == (1, "HELD", c.body)
    council = await c.see(seen["councilSeatId"], "category keptBy holder { id } mandateOf { name } state")
    assert council == {
        "category": "ENTERPRISE", "keptBy": "enterprise_council", "holder": {"id": e.person},
        "mandateOf": {"name": "企业子"}, "state": "FILLED",
    }  # fmt: skip
    by_hand = {"bodyId": c.body, "holderId": e.person, "category": "ENTERPRISE", "mandateOfId": e.id}
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **by_hand) == "KEPT_SEAT"


async def test_only_an_amendment_moves_the_share(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    rule = (await c.see(c.body, "seatRules { nodes { id } }"))["seatRules"]["nodes"][0]["id"]
    change = {"bodyId": c.body, "category": "ENTERPRISE", "minimum": 1, "maximum": 5}
    assert await n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **change) == "BY_THE_CHARTER"
    assert await n.refused("admin", "councilsLiftSeatRule", "seatRule { id }", seatRuleId=rule) == "BY_THE_CHARTER"
    assert await n.refused("admin", "councilsUpdateBody", "body { id }", bodyId=c.body, size=20) == "BY_THE_CHARTER"


async def test_two_clerks_seating_the_last_enterprise_seat_seat_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    for round in range(3):
        c = await CoBuilding.begin(n, size=4, members=2, name=f"共建理事会{round}")  # 30 % of 4: one seat
        two = [await c.enterprise(f"企业{round}{name}") for name in "子丑"]
        results = await asyncio.gather(
            *(c.outcome(who, *SEAT[1:], **c.seating(e)) for who, e in zip(("admin", "clerk"), two, strict=True))
        )
        assert sorted(results) == ["CATEGORY_FULL", "done"]
        assert await c.share() == {"size": 4, "seats": 1, "taken": 1, "isWhole": True, "isValid": True}
