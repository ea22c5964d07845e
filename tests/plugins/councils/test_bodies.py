"""Seats and their bounds: who may sit where, how long, for whom, and what that makes of the composition."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def company_of(c: Council, login: str = "company") -> tuple[str, str]:
    """A company of one's own, and the person with its mandate."""
    made = await c.n.do("admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name="企业丙", areaId=c.area)
    id, person = made["actor"]["id"], await c.person(login)
    given = await c.n.do(
        "admin",
        "coreGiveMandate",
        "mandate { id }",
        personId=person,
        organizationId=id,
        areaId=await c.n.area_id("haicang"),
    )
    c.mandate = given["mandate"]["id"]  # type: ignore[attr-defined]
    return id, person


async def test_shares_become_numbers_of_seats_and_what_is_out_of_them_is_seen(neighbourhood: Neighbourhood) -> None:
    c = await Council.begin(neighbourhood, size=10, members=5)
    await c.rule("WOMEN", 1, 3, 3)  # a third at least
    await c.rule("REPRESENTATIVE", 4, 5, 5)
    seen = await c.see(c.body, "isValid seatRules(where: {state: {eq: IN_FORCE}}) { nodes { category lower upper } }")
    assert seen["isValid"] is False
    assert {(r["category"], r["lower"], r["upper"]) for r in seen["seatRules"]["nodes"]} == {
        ("WOMEN", 4, 10), ("REPRESENTATIVE", 8, 10),
    }  # fmt: skip
    rule = {"bodyId": c.body, "category": "RESIDENT_UNIT", "minimum": 3, "maximum": 3}
    assert await c.n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **rule) == "SEAT_RULES_IMPOSSIBLE"
    assert (
        await c.n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **{**rule, "minimum": 4})
        == "BAD_SEAT_RULE"
    )
    for number in range(4):
        await c.seat(await c.resident(f"代表{number}"), category="REPRESENTATIVE", also=["WOMEN"])
    latest = await c.see(c.body, "compositions(first: 1) { nodes { isValid filled violations { category count } } }")
    assert latest["compositions"]["nodes"] == [
        {"isValid": False, "filled": 9, "violations": [{"category": "REPRESENTATIVE", "count": 4}]}
    ]
    await c.rule("REPRESENTATIVE", 2, 5, 5)
    assert (await c.see(c.body, "isValid"))["isValid"] is True


async def test_out_of_composition_a_body_meets_but_decides_nothing_that_is_listed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=6)
    company, agent = await company_of(c)
    await c.rule("RESIDENT_UNIT", 1, 1)
    listed, other = await c.propose("投资", "FUNDS"), await c.propose("植树", "FACILITIES")
    await c.open(await c.call(listed, other))
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=listed, text="同意", votesFor=5, votesAgainst=0) == "COMPOSITION_DEFECT"
    assert (await c.decide(other, 5))["state"] == "EFFECTIVE"
    await c.seat(agent, category="RESIDENT_UNIT", mandateOfId=company, via="MANDATED")
    assert (await c.decide(listed, 5))["state"] in ("EFFECTIVE", "ADOPTED")


async def test_an_organization_sits_through_one_mandate_and_loses_the_seat_with_it(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=3, members=1)
    company, agent = await company_of(c)
    fill = {"bodyId": c.body, "holderId": agent}
    seat = ("admin", "councilsFillSeat", "seat { id }")
    assert await n.refused(*seat, **fill, category="RESIDENT_UNIT") == "MANDATE_NEEDED"
    assert await n.refused(*seat, **fill, category="ORGANIZATION", mandateOfId=company) == "WRONG_CATEGORY"
    somebody = await c.person("inspector")
    assert (
        await n.refused(*seat, bodyId=c.body, holderId=somebody, category="RESIDENT_UNIT", mandateOfId=company)
        == "SEAT_MANDATE"
    )
    await c.rule("RESIDENT_UNIT", 1, 1)
    id = await c.seat(agent, category="RESIDENT_UNIT", mandateOfId=company)
    assert await n.refused(*seat, **fill, category="RESIDENT_UNIT", mandateOfId=company) == "ALREADY_SEATED"
    assert (await c.see(c.body, "isValid"))["isValid"] is True
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=c.mandate, reason="调离")  # type: ignore[attr-defined]
    await n.delivered()
    assert await c.see(id, "state vacatedBecause") == {"state": "VACATED", "vacatedBecause": "MANDATE_ENDED"}
    assert (await c.see(c.body, "isValid"))["isValid"] is False


async def test_nobody_seats_themselves_or_a_stranger_and_terms_have_a_limit(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=4, members=1)
    seat = ("clerk", "councilsFillSeat", "seat { id }")
    assert await n.refused(*seat, bodyId=c.body, holderId=await c.person("clerk"), category="RESIDENT") == "OWN_MATTER"
    stranger = await c.resident("外村人", "hongtang")
    assert await n.refused(*seat, bodyId=c.body, holderId=stranger, category="RESIDENT") == "NOT_FROM_HERE"
    home = await c.resident("本村人")
    assert await n.refused(*seat, bodyId=c.body, holderId=home, category="RESIDENT", termMonths=60) == "TERM_TOO_LONG"
    chair = await c.seat(home, office="CHAIR")
    other = await c.resident("另一人")
    assert await n.refused(*seat, bodyId=c.body, holderId=other, category="RESIDENT", office="CHAIR") == "OFFICE_TAKEN"
    remove = ("clerk", "councilsVacateSeat", "seat { state }")
    assert await n.refused(*remove, seatId=chair, because="REMOVED") == "EMPTY_TEXT"
    await n.do(*remove, seatId=chair, because="REMOVED", reason="连续缺席")
    assert await n.refused(*remove, seatId=chair, because="RESIGNED") == "SEAT_VACATED"


async def test_a_chair_runs_the_body_by_office_and_resigns_without_a_role(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=4)
    (login,) = await n.newcomers(1, "xishan")
    me = await c.person(login)
    await n.do(
        "admin",
        "coreAddMembership",
        "membership { id }",
        actorId=me,
        areaId=c.area,
        role="RESIDENT",
        since="2024-05-01",
    )
    starts = (n.clock.now() + timedelta(days=6)).isoformat()
    call = {"bodyId": c.body, "startsAt": starts, "endsAt": (n.clock.now() + timedelta(days=6, hours=1)).isoformat()}
    assert await c.n.outcome(login, "councilsCallMeeting", "meeting { id }", **call) == "NOT_PERMITTED"
    seat = await c.seat(me, office="CHAIR")
    can = await n.ask(
        login,
        "query($i: ID!) { node(id: $i) { ... on CouncilsBody { allowedActions { permission allowed } } } }",
        i=c.body,
    )
    allowed = {a["permission"] for a in can["node"]["allowedActions"] if a["allowed"]}
    assert "councils.meeting.call" in allowed and "councils.body.manage" not in allowed
    assert await c.n.outcome(login, "councilsCallMeeting", "meeting { id }", **call) == "done"
    assert await c.n.outcome(login, "councilsVacateSeat", "seat { id }", seatId=seat, because="RESIGNED") == "done"
    assert await c.n.outcome(login, "councilsCallMeeting", "meeting { id }", **call) == "NOT_PERMITTED"


async def test_terms_end_by_the_clock_and_the_composition_says_so(neighbourhood: Neighbourhood) -> None:
    c = await Council.begin(neighbourhood, size=3, members=2)
    await c.rule("RESIDENT", 3, 3)
    short = await c.seat(await c.resident("短任期"), termMonths=1)
    assert (await c.see(c.body, "isValid"))["isValid"] is True
    assert (await c.days(32))["councils.terms"] == 1
    assert await c.see(short, "state vacatedBecause") == {"state": "VACATED", "vacatedBecause": "TERM_OVER"}
    assert await c.see(c.body, "isValid vacancies") == {"isValid": False, "vacancies": 1}


async def test_two_clerks_seating_the_last_seat_of_a_category_seat_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    for round in range(3):
        c = await Council.begin(n, size=4, members=2, name=f"理事会 {round}")
        await c.rule("RESIDENT_UNIT", 1, 1)
        fills = []
        for login, name in (("company", "企业子"), ("resident", "企业丑")):
            made = await n.do(
                "admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name=f"{name}{round}", areaId=c.area
            )
            person = await c.person(login)
            await n.do(
                "admin", "coreGiveMandate", "mandate { id }", personId=person, organizationId=made["actor"]["id"],
                areaId=await n.area_id("haicang"),
            )  # fmt: skip
            fills.append(
                {"bodyId": c.body, "holderId": person, "category": "RESIDENT_UNIT", "mandateOfId": made["actor"]["id"]}
            )
        results = await asyncio.gather(
            *(
                c.n.outcome(who, "councilsFillSeat", "seat { id }", **f)
                for who, f in zip(("admin", "clerk"), fills, strict=True)
            )
        )
        assert sorted(results) == ["CATEGORY_FULL", "done"]
        assert await c.see(c.body, "isValid filledSeats") == {"isValid": True, "filledSeats": 3}


async def test_government_attends_without_a_vote_or_weight_in_the_quorum(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=6, members=2)
    made = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="GOVERNMENT_BODY", name="东孚镇政府", areaId=c.area
    )
    (login,) = await n.newcomers(1, "xishan")
    official = await c.person(login)
    await n.do(
        "admin",
        "coreGiveMandate",
        "mandate { id }",
        personId=official,
        organizationId=made["actor"]["id"],
        areaId=c.area,
    )
    fill = {"category": "GOVERNMENT", "mandateOfId": made["actor"]["id"]}
    assert await n.refused(
        "admin", "councilsFillSeat", "seat { id }", bodyId=c.body, holderId=official, office="CHAIR", **fill
    ) == "GOVERNMENT_HAS_NO_VOTE"  # fmt: skip
    seat = await c.seat(official, **fill)
    item = await c.propose("小事", "OTHER")
    one = next(iter(c.seats.values()))
    opened = await c.open(await c.call(item), [one, seat])
    assert opened == {"state": "ADJOURNED", "members": 2, "present": 1, "quorumMet": False}


async def test_organs_belong_to_their_committee_and_co_residents_meet_below_a_community(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    committee = await n.actor_id("西山社村民委员会")
    create: dict[str, Any] = {"areaId": c.area, "name": "村民委员会", "kind": "COMMITTEE", "size": 5}
    body = ("admin", "councilsCreateBody", "body { organization { name } }")
    assert await n.refused(*body, **create) == "NOT_ITS_ORGAN"
    made = await n.do(*body, **create, organizationId=committee)
    assert made["body"]["organization"]["name"] == "西山社村民委员会"
    co: dict[str, Any] = {"name": "同驻共建理事会", "kind": "CO_RESIDENT", "size": 5}
    assert await n.refused(*body, areaId=c.area, **co) == "BELOW_A_COMMUNITY"
    await n.do(*body, areaId=await n.area_id("xishan-1"), **co)
    assert await n.refused(*body, areaId=c.area, name="一组居民理事会", kind="OTHER", size=3) == "BODY_EXISTS"


@pytest.mark.parametrize("rounding", ["UP", "DOWN", "NEAREST"])
async def test_no_category_outweighs_its_share_by_the_others_being_away(
    neighbourhood: Neighbourhood, rounding: str
) -> None:
    """INV5, at all times: three experts of nine seats are a third; three of three are everybody."""
    n = neighbourhood
    c = await Council.begin(n, size=9, members=0)
    await c.rule("EXPERT", 1, 1, 3, rounding=rounding)
    seen = "isValid compositions(first: 1) { nodes { filled violations { count lower upper } } }"
    for number in range(3):
        await c.seat(await c.resident(f"专家{number}"), category="EXPERT", name=f"专家{number}")
    alone = await c.see(c.body, seen)
    assert alone["isValid"] is False
    assert alone["compositions"]["nodes"][0] == {"filled": 3, "violations": [{"count": 3, "lower": 1, "upper": 1}]}
    (item,) = await c.session("动用公积金", matter="FUNDS")
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=item, text="同意", votesFor=3, votesAgainst=0) == "COMPOSITION_DEFECT"
    whole_at = {"UP": 7, "DOWN": 9, "NEAREST": 8}[rounding]
    for sitting in range(4, 10):
        await c.seat(await c.resident(f"居民{sitting}"), name=f"居民{sitting}")
        assert (await c.see(c.body, "isValid"))["isValid"] is (sitting >= whole_at), sitting
    leaving = {"seatId": c.seats["专家0"], "because": "RESIGNED"}
    await n.do("admin", "councilsVacateSeat", "seat { state }", **leaving)  # a vacancy is seen until it is filled (M11)
    short = (await c.see(c.body, seen))["compositions"]["nodes"][0]["violations"]
    assert short == [{"count": 2, "lower": 3, "upper": 3}]


async def test_a_seat_by_mandate_ends_where_the_mandate_is_no_longer_for_the_body_s_place(
    neighbourhood: Neighbourhood,
) -> None:
    """The compound in which the body meets goes to another community; the mandate was for the one it was in."""
    n = neighbourhood
    c = await Council.begin(n, members=2)
    club = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="ORGANIZATION", organizationKind="CLUB", name="楼道合唱队",
        areaId=c.area,
    )  # fmt: skip
    sender, person = club["actor"]["id"], await c.resident("队长")
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=person, organizationId=sender, areaId=c.area)
    compound = await n.do(
        "admin", "coreCreateArea", "area { id }", parentId=c.area, kind="COMPOUND", name="西山小区", code="xishan-compound"
    )  # fmt: skip
    there = compound["area"]["id"]
    body = await c.found(name="小区同驻共建理事会", kind="CO_RESIDENT", area=there)
    seat = await c.seat(person, body=body, category="ORGANIZATION", mandateOfId=sender)
    await n.do("admin", "coreMoveArea", "area { id }", areaId=there, parentId=await n.area_id("hongtang"))
    await n.due()
    assert await c.see(seat, "state vacatedBecause") == {"state": "VACATED", "vacatedBecause": "MANDATE_ENDED"}
    again = {"bodyId": body, "holderId": person, "category": "ORGANIZATION", "mandateOfId": sender}
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **again) == "SEAT_MANDATE"
