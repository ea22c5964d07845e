"""With the mechanism off its seats are suspended, and the composition is counted without them; on again nothing is lost."""

from __future__ import annotations

import json

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding, enterprises

pytestmark = pytest.mark.anyio
BODY = (
    "isValid filledSeats suspendedSeats vacancies seatRules(where: {category: {eq: ENTERPRISE}}) { nodes { state } }"
    " compositions(first: 1) { nodes { isValid filled counts { category count } } }"
)


async def test_off_the_seats_are_suspended_and_on_again_restored(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=5)
    made = [await c.enterprise(f"企业{name}") for name in "子丑寅"]
    seats = [await c.seat(e) for e in made]
    before = [await c.see(s, "state number termEnd councilSeatId representative { id }") for s in seats]
    await c.toggle("OFF")
    assert await c.see(c.body, BODY) == {
        "isValid": True, "filledSeats": 5, "suspendedSeats": 3, "vacancies": 2,
        "seatRules": {"nodes": [{"state": "SUSPENDED"}]},
        "compositions": {"nodes": [{"isValid": True, "filled": 5, "counts": [{"category": "RESIDENT", "count": 5}]}]},
    }  # fmt: skip
    assert await c.share() is None  # what a mechanism that is off keeps is not seen
    assert await n.refused("clerk", "enterpriseCouncilSeatEnterprise", "seat { id }", **c.seating(made[0])) == (
        "PLUGIN_DISABLED"
    )
    by_hand = {"bodyId": c.body, "holderId": made[0].person, "category": "ENTERPRISE", "mandateOfId": made[0].id}
    assert await n.refused("admin", "councilsFillSeat", "seat { id }", **by_hand) == "PLUGIN_DISABLED"
    listed, _ = await c.meet("FUNDS", "ACTIVITIES")
    assert await c.decide(listed, 5) in ("EFFECTIVE", "ADOPTED")  # whole as it is, of five members

    for name in ("外甲", "外乙"):  # the places of those who are suspended are nobody else's
        await c.sit(name)
    assert await c.n.outcome(
        "admin", "councilsFillSeat", "seat { id }", bodyId=c.body, holderId=await c.resident("外丙"), category="RESIDENT"
    ) == ("BODY_FULL")  # fmt: skip

    await c.toggle("ON")
    seen = await c.see(c.body, "isValid filledSeats suspendedSeats")
    assert seen == {"isValid": True, "filledSeats": 10, "suspendedSeats": 0}
    assert [await c.see(s, "state number termEnd councilSeatId representative { id }") for s in seats] == before
    assert await c.share() == {"size": 10, "seats": 3, "taken": 3, "isWhole": True, "isValid": True}


async def test_it_is_made_public_and_told(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=5)
    await c.seat(await c.enterprise("企业子"))
    await c.toggle("OFF")
    rows = await n.server.runtime.database.read("SELECT type, data FROM core_event ORDER BY seq")
    told = {}
    for type, data in rows:
        said = json.loads(data) if isinstance(data, str) else data
        if said.get("body") == str(split_global(c.body)[1]):
            told[type] = said
    assert told["councils.seats.suspended"]["keepers"] == ["enterprise_council"]
    assert len(told["councils.seats.suspended"]["seats"]) == 1
    assert told["councils.composition.changed"]["valid"] is True
    assert told["enterprise_council.composition.changed"]["taken"] == 1  # it tells nothing while it is off
    if "disclosure" in n.server.host.keys:
        found = await n.ask(None, '{ disclosureNotices(where: {kind: {eq: "组成变动"}}) { nodes { title body } } }')
        (notice,) = [d for d in found["disclosureNotices"]["nodes"] if "理事会甲" in d["title"]]
        assert "暂停 1 席" in notice["body"]


async def test_what_happens_meanwhile_is_found_when_it_is_on_again(neighbourhood: Neighbourhood) -> None:
    """A mandate is revoked, an enterprise leaves, a term runs out, the charter is amended: all while it is off."""
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=5)
    made = [await c.enterprise(f"企业{name}") for name in "子丑寅"]
    seats = [await c.seat(e) for e in made]
    await c.toggle("OFF")
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=made[0].mandate, reason="离职")
    await n.do(
        "admin", "coreEndMembership", "membership { id }", membershipId=made[1].membership,
        until=n.clock.today().isoformat(),
    )  # fmt: skip
    await c.days(1)
    await c.toggle("ON")
    await n.due()
    assert [(await c.see(s, "state"))["state"] for s in seats] == ["VACANT", "ENDED", "HELD"]
    assert await c.share() == {"size": 10, "seats": 3, "taken": 1, "isWhole": False, "isValid": False}


async def test_a_charter_enacted_while_it_is_off_waits_for_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=2)
    seat = await c.seat(await c.enterprise("企业子"))
    made = await n.do(
        "clerk", "councilsDraftCharter", "charter { id }", areaId=c.area, title="章程",
        clauses=[{"key": "1", "heading": "总则", "text": "自治。"}],
        constitutes=[{"bodyId": c.body, "size": 8, "seatRules": [enterprises(2, 8)]}],
    )  # fmt: skip
    await c.toggle("OFF")
    charter = made["charter"]["id"]
    draft = {"charterId": charter, "clauses": [{"key": "1", "heading": "总则", "text": "自治。"}]}
    again = [{"bodyId": c.body, "size": 8, "seatRules": [enterprises(2, 8)]}]
    assert await n.refused("clerk", "councilsReviseCharter", "charter { id }", **draft, constitutes=again) == (
        "PLUGIN_DISABLED"
    )
    await n.do("clerk", "councilsConsult", "charter { state }", charterId=charter)
    await c.days(16)
    await n.do("clerk", "councilsSubmitCharter", "charter { state }", charterId=charter, byBallot=False, electorate=120)
    for teller in ("clerk", "admin"):
        await n.do(
            teller, "councilsEnterCharterVote", "charter { id }", charterId=charter, tookPart=100, votesFor=80,
            votesAgainst=20, evidence="签到册",
        )  # fmt: skip
    await c.days(30)
    await n.do("clerk", "councilsEnactCharter", "charter { state }", charterId=charter)
    assert await c.see(c.body, "size isValid filledSeats suspendedSeats") == {
        "size": 8, "isValid": True, "filledSeats": 2, "suspendedSeats": 1,
    }  # fmt: skip
    await c.toggle("ON")
    assert await c.share() == {"size": 8, "seats": 2, "taken": 1, "isWhole": False, "isValid": False}
    assert (await c.see(seat, "state"))["state"] == "HELD"


async def test_off_in_the_middle_of_a_meeting_those_who_are_suspended_do_not_vote(neighbourhood: Neighbourhood) -> None:
    """Before any job has come to it."""
    n = neighbourhood
    c = await CoBuilding.begin(n, size=4, members=3)
    await c.seat(await c.enterprise("企业子"))
    (item,) = await c.meet("FUNDS")
    await n.quiet()
    await n.do("admin", "coreTogglePlugin", "area { id }", areaId=c.area, plugin="enterprise_council", state="OFF")
    made = await n.do(
        "clerk", "councilsPassResolution", "resolution { eligible state }", itemId=item, text="同意", votesFor=2,
        votesAgainst=1,
    )  # fmt: skip
    assert made["resolution"]["eligible"] == 3
    assert (await c.see(c.body, "suspendedSeats"))["suspendedSeats"] == 1
