"""INV10 and INV13 where councils meet other mechanisms: who answers objections to a resolution, which government leaves what to
whom, and that whoever sits as elected was elected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
ANSWER = ("disclosureAnswerObjection", "objection { state }")
FILL = ("admin", "councilsFillSeat", "seat { electionId via }")


@pytest.mark.needs("disclosure")
async def test_nobody_answers_the_objection_to_money_for_themselves(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    mine, mover, other = await n.newcomers(3, "xishan")
    for who in (mine, mover, other):
        actor = await c.person(who)
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=c.area, actorId=actor)
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=actor, areaId=c.area, role="RESIDENT",
            since="2024-05-01",
        )  # fmt: skip
    given = {"matter": "FUNDS", "concernsId": await c.person(mine)}
    (item,) = await c.session("补助三万元", who=mover, **given)
    resolution = (await c.decide(item, 5))["id"]
    notice = (await c.see(resolution, "noticeId", None))["noticeId"]
    objection, secret = [
        (await n.do(who, "disclosureObject", "objection { id }", noticeId=notice, text="不符合条件", isConfidential=hidden))
        ["objection"]["id"]
        for who, hidden in (("resident", False), ("company", True))
    ]  # fmt: skip
    text = "query($i: ID!) { node(id: $i) { ... on DisclosureObjection { text } } }"
    answer: dict[str, Any] = {"uphold": False, "answer": "符合"}
    for who in (mine, mover):
        assert (await n.ask(who, text, i=secret))["node"] is None
        assert await n.refused(who, *ANSWER, objectionId=objection, **answer) == "OWN_MATTER"
    shown = "query($i: ID!) { disclosureNotice(id: $i) { items { totalCount } organization { id } body } }"
    seen = (await n.ask(None, shown, i=notice))["disclosureNotice"]
    assert seen["items"]["totalCount"] == 0 and seen["organization"] is None  # it names nobody
    assert (await n.ask(other, text, i=secret))["node"] == {"text": "不符合条件"}
    for each in (objection, secret):
        await n.do(other, *ANSWER, objectionId=each, **answer)


async def test_a_government_leaves_matters_only_to_bodies_of_its_area(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="VILLAGERS_COUNCIL", name="村民议事会")
    give = ("admin", "councilsDelegateMatter", "delegation { id }")
    given = {"bodyId": c.body, "title": "集体土地", "matter": "LAND", "instrument": "街道办便函"}

    async def office(name: str, code: str) -> str:
        made = await n.do(
            "admin",
            "coreRegisterActor",
            "actor { id }",
            kind="GOVERNMENT_BODY",
            name=name,
            areaId=await n.area_id(code),
        )
        return str(made["actor"]["id"])

    elsewhere = await office("新阳街道办", "xinyang")
    assert await n.refused(*give, **given, governmentId=elsewhere) == "GOVERNMENT_ELSEWHERE"
    (agent,) = await n.newcomers(1, "haihong")
    await n.do(
        "admin", "coreGiveMandate", "mandate { id }", personId=await c.person(agent), organizationId=elsewhere,
        areaId=await n.area_id("xinyang"),
    )  # fmt: skip
    assert await c.n.outcome(agent, *give[1:], **given, governmentId=elsewhere, actingFor=elsewhere) != "done"
    await n.do(*give, **given, governmentId=await office("东孚镇绿化办", "dongfu"))


@pytest.mark.needs("ballots")
async def test_who_sits_as_elected_was_elected(neighbourhood: Neighbourhood) -> None:
    from tests.kits.ballots import Balloting

    n = neighbourhood
    b = await Balloting.begin(n, 7)
    await b.rule()
    roll, people = await b.final_roll(), list(b.voters)
    n.clock.advance(timedelta(days=15))
    made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="换届", seats=1)
    election = made["election"]["id"]
    for who in people[:2]:
        await n.do(who, "ballotsNominate", "candidate { id }", electionId=election, actorId=b.voters[who])
    for step in ("ballotsPostCandidates", None):
        n.clock.advance(timedelta(days=9))
        await n.due()
        if step:
            await n.do("admin", step, "election { id }", electionId=election)
    made = await n.do(
        "admin", "ballotsOpen", "ballot { id options(first: 9) { nodes { position candidate { actor { id } } } } }",
        electionId=election, opensAt=b.at(hours=1), closesAt=b.at(days=1),
        rule={"quorum": {"numerator": 1, "denominator": 2}, "threshold": None},
    )  # fmt: skip
    place = {o["candidate"]["actor"]["id"]: o["position"] for o in made["ballot"]["options"]["nodes"]}
    n.clock.advance(timedelta(hours=2))
    for who in people:
        assert await b.vote(who, made["ballot"]["id"], place[b.voters[people[0]]]) == "done"
    await b.over(made["ballot"]["id"], days=2)
    n.clock.advance(timedelta(days=20))
    await n.due()

    c = Council(n, b.area)
    bodies = [await c.found(name=name, size=3) for name in ("村委会", "监委会")]
    won, lost = (b.voters[who] for who in people[:2])
    seat: dict[str, Any] = {"bodyId": bodies[0], "holderId": won, "category": "RESIDENT", "via": "ELECTED"}
    assert await n.refused(*FILL, **seat) == "ELECTION_NEEDED"  # elected is more than a word
    await n.turn_off("ballots")
    assert await n.refused(*FILL, **seat) == "ELECTION_NEEDED"  # also where ballots were turned off for a minute
    assert await n.refused(*FILL, **seat, electionId=election) == "PLUGIN_DISABLED"
    await n.do("admin", "coreTogglePlugin", "area { id }", areaId=await n.area_id("haicang"), plugin="ballots",
               state="ON", reason="恢复")  # fmt: skip
    seat["electionId"] = election
    assert await n.refused(*FILL, **seat) == "NOT_THE_ELECTED"  # not before the result stands
    await n.do("admin", "ballotsSeat", "election { state }", electionId=election)
    assert await n.refused(*FILL, **{**seat, "holderId": lost}) == "NOT_THE_ELECTED"
    assert await n.refused(*FILL, **{**seat, "via": "APPOINTED"}) == "ELECTION_NEEDED"
    elsewhere = await c.found(name="海虹居委会", area=await n.area_id("haihong"))
    assert await n.refused(*FILL, **{**seat, "bodyId": elsewhere, "category": "EXPERT"}) == "NOT_THE_ELECTED"
    done = (await n.do("admin", "councilsFillSeat", "seat { id electionId via }", **seat))["seat"]
    assert (done["electionId"], done["via"]) == (election, "ELECTED")
    assert await n.refused(*FILL, **{**seat, "bodyId": bodies[1]}) == "ELECTION_OF_ANOTHER_BODY"
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=done["id"], because="RESIGNED")
    assert await n.refused(*FILL, **seat) == "SAT_BY_THIS_ELECTION"
