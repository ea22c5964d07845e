"""Enterprise seats: a fixed share, held through a mandate, replaced, left, vacant (M11, INV5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding

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
    assert await c.n.outcome("resident", SEAT[1], SEAT[2], **c.seating(e)) == "NOT_PERMITTED"
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
    by_hand["category"] = "RESIDENT_UNIT"  # whoever an enterprise sends counts as one
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **by_hand) == "KEPT_SEAT"


async def test_only_an_amendment_moves_the_share(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    rule = (await c.see(c.body, "seatRules { nodes { id } }"))["seatRules"]["nodes"][0]["id"]
    change = {"bodyId": c.body, "category": "ENTERPRISE", "minimum": 1, "maximum": 5}
    assert await n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **change) == "KEPT_BY_MECHANISM"
    assert await n.refused("admin", "councilsLiftSeatRule", "seatRule { id }", seatRuleId=rule) == "KEPT_BY_MECHANISM"
    assert await n.refused("admin", "councilsUpdateBody", "body { id }", bodyId=c.body, size=20) == "BY_THE_CHARTER"


async def test_two_clerks_seating_the_last_enterprise_seat_seat_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    for round in range(3):
        c = await CoBuilding.begin(n, size=4, members=2, name=f"共建理事会{round}")  # 30 % of 4: one seat
        two = [await c.enterprise(f"企业{round}{name}") for name in "子丑"]
        results = await asyncio.gather(
            *(c.n.outcome(who, *SEAT[1:], **c.seating(e)) for who, e in zip(("admin", "clerk"), two, strict=True))
        )
        assert sorted(results) == ["CATEGORY_FULL", "done"]
        assert await c.share() == {"size": 4, "seats": 1, "taken": 1, "isWhole": True, "isValid": True}


async def test_a_representative_is_replaced_for_the_rest_of_the_term(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    seat = await c.seat(e)
    before = await c.see(seat, "version termEnd councilSeatId")
    await c.days(100)
    _, second = await c.newcomer()
    replace = {"seatId": seat, "representativeId": second, "letter": "委派函 2 号"}
    change = ("enterpriseCouncilReplaceRepresentative", "seat { id }")
    assert await c.n.outcome(e.login, *change, **replace, actingFor=e.id) == "REPRESENTATIVE_MANDATE"
    await c.mandate(second, e.id)
    assert await c.n.outcome("resident", *change, **replace) == "NOT_PERMITTED"
    assert await c.n.outcome(e.login, *change, **replace, actingFor=e.id, expectedVersion=before["version"]) == "done"
    after = await c.see(seat, "state termEnd letter representative { id } councilSeatId")
    assert after["representative"]["id"] == second
    assert (after["state"], after["termEnd"], after["letter"]) == ("HELD", before["termEnd"], "委派函 2 号")
    old = await c.see(before["councilSeatId"], "state vacatedBecause")
    assert old == {"state": "VACATED", "vacatedBecause": "REPLACED"}
    new = await c.see(after["councilSeatId"], "state termEnd holder { id }")
    assert new == {"state": "FILLED", "termEnd": before["termEnd"], "holder": {"id": second}}
    assert (await c.share() or {})["taken"] == 1


async def test_with_its_mandate_the_representative_goes_and_the_enterprise_sends_another(
    neighbourhood: Neighbourhood,
) -> None:
    """Until it does the composition is defective: the body meets, and decides nothing that is listed."""
    n = neighbourhood
    c = await CoBuilding.begin(n, size=4, members=3)
    e = await c.enterprise("企业子")
    seat = await c.seat(e)
    assert await c.share() == {"size": 4, "seats": 1, "taken": 1, "isWhole": True, "isValid": True}
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=e.mandate, reason="离职")
    assert await c.share() == {"size": 4, "seats": 1, "taken": 0, "isWhole": False, "isValid": False}
    vacant = await c.see(seat, "state councilSeatId endedOn representative { id }")
    assert vacant == {"state": "VACANT", "councilSeatId": None, "endedOn": None, "representative": {"id": e.person}}
    rival = await c.enterprise("企业丑")
    assert await n.refused(*SEAT, **c.seating(rival)) == "ENTERPRISE_SEATS_FULL"
    listed, other = await c.meet("FUNDS", "ACTIVITIES")
    assert await c.decide(listed, 3) == "COMPOSITION_DEFECT"
    assert await c.decide(other, 3) == "EFFECTIVE"
    _, second = await c.newcomer()
    await c.mandate(second, e.id)
    made = await n.do(
        "clerk", "enterpriseCouncilReplaceRepresentative", "seat { state }", seatId=seat, representativeId=second,
        letter="委派函 3 号",
    )  # fmt: skip
    assert made["seat"]["state"] == "HELD"
    assert await c.share() == {"size": 4, "seats": 1, "taken": 1, "isWhole": True, "isValid": True}
    assert await c.decide(listed, 3) in ("EFFECTIVE", "ADOPTED")


async def test_a_mandate_that_runs_out_leaves_the_seat_vacant(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    _, person = await c.newcomer()
    until = n.clock.now() + timedelta(days=40)
    await c.mandate(person, e.id, until=until.isoformat())
    seat = await c.seat(e, representativeId=person)
    await c.days(39)
    assert (await c.see(seat, "state"))["state"] == "HELD"
    await c.days(2)
    assert (await c.see(seat, "state"))["state"] == "VACANT"
    assert (await c.share() or {})["taken"] == 0


async def test_an_enterprise_that_leaves_the_area_vacates_its_seat(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, stays = await c.enterprise("企业子"), await c.enterprise("企业丑")
    seat, other = await c.seat(e), await c.seat(stays)
    today = n.clock.today().isoformat()
    await n.do("admin", "coreEndMembership", "membership { id }", membershipId=e.membership, until=today)
    await n.delivered()
    await c.days(1)
    assert await c.see(seat, "state endedBecause") == {"state": "ENDED", "endedBecause": "LEFT_AREA"}
    assert (await c.see(other, "state"))["state"] == "HELD"
    assert (await c.share() or {})["taken"] == 1
    next_one = await c.seat(await c.enterprise("企业寅"))
    assert (await c.see(next_one, "number"))["number"] == 1  # the seat is somebody else's now


async def test_an_enterprise_gives_its_seat_back_and_is_removed_with_a_reason_only(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, f = await c.enterprise("企业子"), await c.enterprise("企业丑")
    seat, other = await c.seat(e), await c.seat(f)
    end = ("enterpriseCouncilEndSeat", "seat { state endedBecause }")
    assert await c.n.outcome(f.login, *end, seatId=seat, because="WITHDRAWN", actingFor=f.id) == "NOT_PERMITTED"
    assert await c.n.outcome(e.login, *end, seatId=seat, because="REMOVED", actingFor=e.id) == "NOT_PERMITTED"
    assert await c.n.outcome(e.login, *end, seatId=seat, because="WITHDRAWN", actingFor=e.id) == "done"
    assert await c.n.outcome("clerk", *end, seatId=seat, because="WITHDRAWN") == "ENTERPRISE_SEAT_ENDED"
    assert await c.n.outcome("clerk", *end, seatId=other, because="BY_CHARTER") == "WRONG_SEAT_END"
    assert await c.n.outcome("clerk", *end, seatId=other, because="REMOVED") == "EMPTY_TEXT"
    assert await c.n.outcome("clerk", *end, seatId=other, because="REMOVED", reason="三次无故缺席") == "done"
    assert (await c.share() or {})["taken"] == 0
    assert (await c.see(other, "endedBecause"))["endedBecause"] == "REMOVED"


async def test_with_the_term_the_enterprises_seat_is_over(neighbourhood: Neighbourhood) -> None:
    c = await CoBuilding.begin(neighbourhood, members=0)
    seat = await c.seat(await c.enterprise("企业子"))
    await c.days(1200)
    await c.n.due()
    assert await c.see(seat, "state endedBecause") == {"state": "ENDED", "endedBecause": "TERM_OVER"}


async def test_a_clerk_who_belongs_to_the_enterprise_does_not_seat_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=await c.person("clerk"), organizationId=e.id,
        role="STAFF", since="2024-01-01",
    )  # fmt: skip
    assert await n.refused(*SEAT, **c.seating(e)) == "OWN_MATTER"


async def test_the_seats_of_a_body_that_is_dissolved_end(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    seat = await c.seat(await c.enterprise("企业子"))
    await n.do("admin", "councilsDissolveBody", "body { id }", bodyId=c.body, reason="合并")
    assert await c.share() == {"size": 10, "seats": 0, "taken": 0, "isWhole": True, "isValid": False}
    assert await c.see(seat, "state endedBecause") == {"state": "ENDED", "endedBecause": "DISSOLVED"}
