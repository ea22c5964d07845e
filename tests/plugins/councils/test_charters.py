"""Charters: through consultation and the members' vote into force, one at a time, with numbers the server goes by."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.models import Charter, Count
from plugins.councils.terms import CharterState
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


def clause(key: str, parameter: str, value: int | None = None, matter: str | None = None) -> dict[str, Any]:
    return {
        "key": key,
        "heading": f"第{key}条",
        "text": "按此执行。",
        "parameter": parameter,
        "value": value,
        "matter": matter,
    }


async def test_a_charter_is_consulted_on_voted_counted_by_two_and_enacted(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=2)
    charter = await c.draft(clauses=[clause("1", "QUORUM_PERCENT", 60), clause("2", "NOTICE_DAYS", 7)])
    hidden = await n.ask("resident", "query($i: ID!) { councilsCharter(id: $i) { title } }", i=charter)
    assert hidden["councilsCharter"] is None  # a draft is not for everybody yet
    assert await n.refused("clerk", "councilsSubmitCharter", "charter { id }", charterId=charter) == "CHARTER_STATE"
    early = (n.clock.today() + timedelta(days=3)).isoformat()
    assert (
        await n.refused("clerk", "councilsConsult", "charter { id }", charterId=charter, until=early)
        == "CONSULTATION_TOO_SHORT"
    )
    await n.do("clerk", "councilsConsult", "charter { state }", charterId=charter)
    assert (await c.see(charter, "title clauses { totalCount }", "resident"))["clauses"]["totalCount"] == 2
    assert (
        await n.refused("clerk", "councilsSubmitCharter", "charter { id }", charterId=charter)
        == "STILL_IN_CONSULTATION"
    )
    n.clock.advance(timedelta(days=16))
    submit = ("clerk", "councilsSubmitCharter", "charter { id electorate }")
    await n.do(*submit, charterId=charter, byBallot=False, electorate=1000)
    anew = await n.do(*submit, charterId=charter, byBallot=False, electorate=100)  # a slip, before anybody has counted
    assert anew["charter"] == {"id": charter, "electorate": 100}
    vote = {"charterId": charter, "tookPart": 60, "votesFor": 31, "votesAgainst": 20, "evidence": "签到册"}
    enter = ("councilsEnterCharterVote", "charter { state electorate tookPart votesFor }")
    for wrong in ({"votesFor": 50}, {"tookPart": 101}):
        assert await n.refused("clerk", *enter, **{**vote, **wrong}) == "HANDS_DO_NOT_ADD_UP"
    one = await n.do("clerk", *enter, **vote)
    nothing = {"state": "VOTING", "electorate": 100, "tookPart": None, "votesFor": None}
    assert one["charter"] == nothing
    assert await n.refused("clerk", *enter, **vote) == "OWN_MATTER"
    assert await n.refused(*submit, charterId=charter, byBallot=False, electorate=90) == "CHARTER_STATE"
    counts = "counts { nodes { pair votesFor enteredBy { id } } }"
    assert (await c.see(charter, counts, "admin"))["counts"]["nodes"] == []  # the second counts by themselves
    assert len((await c.see(charter, counts, "clerk"))["counts"]["nodes"]) == 1

    # They differ: both are seen, neither counts, and who hears of the other's cannot just say the same.
    other = await n.do("admin", *enter, **{**vote, "votesFor": 32})
    assert other["charter"] == nothing
    seen = (await c.see(charter, counts, None))["counts"]["nodes"]
    assert [(k["pair"], k["votesFor"]) for k in seen] == [(1, 31), (1, 32)]
    assert (await n.do("admin", *enter, **vote))["charter"] == nothing
    done = await n.do("clerk", *enter, **vote)
    assert done["charter"] == {"state": "ADOPTED", "electorate": 100, "tookPart": 60, "votesFor": 31}
    await c.enact(charter)
    soon = n.clock.now() + timedelta(days=6)
    assert (
        await n.refused(
            "clerk", "councilsCallMeeting", "meeting { id }", bodyId=c.body, startsAt=soon.isoformat(),
            endsAt=(soon + timedelta(hours=1)).isoformat(),
        )
        == "NOTICE_TOO_SHORT"
    )  # fmt: skip
    meeting = await c.call(days=8)
    assert (await c.see(meeting, "quorumPercent noticeDays")) == {"quorumPercent": 60, "noticeDays": 7}


async def test_a_consultation_entered_in_arrears_still_takes_its_days(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    charter = await c.draft()
    long_ago = (n.clock.now() - timedelta(days=16)).isoformat()
    consult = ("clerk", "councilsConsult", "charter { consultationUntil }")
    soon = (n.clock.today() + timedelta(days=14)).isoformat()
    assert await n.refused(*consult, charterId=charter, until=soon, occurredAt=long_ago) == "CONSULTATION_TOO_SHORT"
    told = await n.do(*consult, charterId=charter, occurredAt=long_ago)
    assert told["charter"]["consultationUntil"] == (n.clock.today() + timedelta(days=15)).isoformat()
    submit = ("clerk", "councilsSubmitCharter", "charter { state }")
    assert await n.refused(*submit, charterId=charter, byBallot=False, electorate=120) == "STILL_IN_CONSULTATION"
    raw = {"state": CharterState.VOTING, "electorate": 120, "quorum_percent": 50, "majority_percent": 50}
    assert await written(n, charter, **raw) == "CONSULTATION_BEGINS_NOW"
    other = await c.draft("另一稿")
    yesterday = n.clock.today() - timedelta(days=1)
    raw = {"state": CharterState.CONSULTATION, "consultation_until": yesterday}
    assert await written(n, other, **raw) == "CONSULTATION_BEGINS_NOW"


async def written(n: Neighbourhood, charter: str, **values: Any) -> str:
    """What the database says to these values, past the rules."""

    async def run(work: Work) -> dict[str, Any]:
        row = await work.get(Charter, split_global(charter)[1])
        work.require("councils.charter.draft", row)
        work.change(row, **values)
        work.record("councils.charter.revised", row, area_id=row.area_id)
        return {}

    try:
        await n.server.runtime.as_system(run)
    except Refusal as refused:
        return refused.code
    return "stored"


async def test_one_person_in_two_records_is_one_teller(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    (teller,) = await n.newcomers(1, "xishan")
    person = await c.person(teller)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=person, areaId=c.area, role="CLERK")
    charter = await c.draft()
    await n.do("clerk", "councilsConsult", "charter { state }", charterId=charter)
    n.clock.advance(timedelta(days=16))
    assembly = {"byBallot": False, "electorate": 120}
    await n.do("clerk", "councilsSubmitCharter", "charter { state }", charterId=charter, **assembly)
    vote = {"charterId": charter, "tookPart": 100, "votesFor": 70, "votesAgainst": 30, "evidence": "签到册"}
    enter = (teller, "councilsEnterCharterVote", "charter { state }")
    await n.do(*enter, **vote)
    (paper,) = await n.registered("纸质档案")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=paper, goneId=person, reason="重复登记")
    assert await n.refused(*enter, **vote) == "OWN_MATTER"

    async def past_the_rule(work: Work) -> dict[str, Any]:
        (first,) = await work.select(Count, charter_id=split_global(charter)[1])
        work.require("councils.charter.count", first)
        same = ("area_id", "charter_id", "pair", "took_part", "votes_for", "votes_against", "evidence")
        again = {name: getattr(first, name) for name in same}
        work.add(Count(id=new_id(), **again, entered_by_id=split_global(paper)[1], entered_at=work.now))
        work.record("councils.charter.counted", work.queued(Count)[-1], area_id=first.area_id)
        return {}

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.as_system(past_the_rule)
    assert refused.value.code == "OWN_MATTER"
    assert (await n.do("admin", *enter[1:], **vote))["charter"]["state"] == "ADOPTED"


async def test_too_few_or_too_many_against_reject_it(neighbourhood: Neighbourhood) -> None:
    c = await Council.begin(neighbourhood, members=0)
    assert await c.adopt(await c.draft("甲"), votes_for=50) == "REJECTED"
    again = await c.draft("乙")
    assert await c.adopt(again, votes_for=51) == "ADOPTED"


async def test_amending_leaves_no_instant_without_a_charter_and_none_with_two(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    first, second = await c.draft("第一版"), await c.draft("第二版")
    for charter in (first, second):
        assert await c.adopt(charter) == "ADOPTED"
        await c.enact(charter)
        n.clock.advance(timedelta(days=1))
    one, two = [await c.see(id, "state effectiveFrom supersededAt") for id in (first, second)]
    assert (one["state"], two["state"]) == ("SUPERSEDED", "IN_FORCE")
    assert one["supersededAt"] == two["effectiveFrom"] and two["supersededAt"] is None
    at = "query($t: Instant!, $a: ID!) { councilsCharters(where: {inForceAt: $t, area: {id: {eq: $a}}}) { nodes { id } } }"
    for moment, charter in (
        (one["effectiveFrom"], first),
        (one["supersededAt"], second),
        (n.clock.now().isoformat(), second),
    ):
        found = await n.ask(None, at, t=moment, a=c.area)
        assert [x["id"] for x in found["councilsCharters"]["nodes"]] == [charter]


async def test_two_clerks_enacting_two_charters_at_once_leave_one_in_force(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    drafts = [await c.draft(f"第 {number} 稿") for number in range(4)]
    for draft in drafts:
        assert await c.adopt(draft) == "ADOPTED"
    await c.noticed()
    results = await asyncio.gather(
        *(
            c.n.outcome(w, "councilsEnactCharter", "charter { id }", charterId=d)
            for d in drafts
            for w in ("clerk", "admin")
        )
    )
    assert set(results) <= {
        "done",
        "CHARTER_STATE",
        "CHARTER_IN_FORCE",
        "BUSY",
        "VERSION_CONFLICT",
        "CHARTER_GAP",
        "INVALID_VALUE",
    }
    seen = [await c.see(d, "state effectiveFrom supersededAt") for d in drafts]
    assert [s["state"] for s in seen].count("IN_FORCE") == 1
    done = sorted((s for s in seen if s["effectiveFrom"]), key=lambda s: (s["effectiveFrom"], s["supersededAt"] or "9"))
    assert all(a["supersededAt"] == b["effectiveFrom"] for a, b in itertools.pairwise(done))


async def test_a_charter_may_be_stricter_than_the_settings_and_the_charter_above_but_not_laxer(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    draft = {"areaId": c.area, "title": "章程"}
    for laxer in (clause("1", "QUORUM_PERCENT", 40), clause("1", "NOTICE_DAYS", 2), clause("1", "TERM_MONTHS", 60)):
        assert (
            await n.refused("clerk", "councilsDraftCharter", "charter { id }", **draft, clauses=[laxer])
            == "PARAMETER_TOO_LAX"
        )
    assert await n.refused(
        "clerk", "councilsDraftCharter", "charter { id }", **draft, clauses=[clause("1", "QUORUM_PERCENT")]
    ) == ("CLAUSE_PARAMETER")
    town = await n.do(
        "admin", "councilsDraftCharter", "charter { id }", areaId=await n.area_id("dongfu"), title="东孚镇章程",
        clauses=[clause("1", "MAJORITY_PERCENT", 66)],
    )  # fmt: skip
    for who, mutation, more in (
        ("admin", "councilsConsult", {}), ("admin", "councilsSubmitCharter", {"byBallot": False, "electorate": 10}),
    ):  # fmt: skip
        await n.do(who, mutation, "charter { id }", charterId=town["charter"]["id"], **more)
        n.clock.advance(timedelta(days=16))
    (other,) = await n.newcomers(1, "haihong")
    me = await c.person(other)
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=await n.area_id("dongfu"), actorId=me
    )
    for teller in ("admin", other):
        await n.do(
            teller, "councilsEnterCharterVote", "charter { id }", charterId=town["charter"]["id"], tookPart=9,
            votesFor=9, votesAgainst=0, evidence="签到册",
        )  # fmt: skip
    await c.noticed()
    await n.do("admin", "councilsEnactCharter", "charter { id }", charterId=town["charter"]["id"])
    assert await n.refused(
        "clerk", "councilsDraftCharter", "charter { id }", **draft, clauses=[clause("1", "MAJORITY_PERCENT", 60)]
    ) == ("PARAMETER_TOO_LAX")
    await c.draft(clauses=[clause("1", "MAJORITY_PERCENT", 70)])


async def test_what_a_charter_constitutes_only_an_amendment_moves(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=5)
    third = {"category": "RESIDENT_UNIT", "minimum": 1, "maximum": 1, "outOf": 5}
    charter = await c.draft(constitutes=[{"bodyId": c.body, "size": 6, "seatRules": [third]}])
    assert (await c.see(c.body, "isValid size"))["size"] == 5  # a plan moves nothing
    assert await c.adopt(charter) == "ADOPTED"
    await c.enact(charter)
    seen = await c.see(
        c.body,
        "isValid size vacancies charter { id } seatRules(where: {state: {eq: IN_FORCE}}) { nodes { category lower upper } }"
        " compositions(first: 1) { nodes { isValid violations { category count lower upper } } }",
    )
    assert seen == {
        "isValid": False, "size": 6, "vacancies": 1, "charter": {"id": charter},
        "seatRules": {"nodes": [{"category": "RESIDENT_UNIT", "lower": 2, "upper": 2}]},
        "compositions": {"nodes": [
            {"isValid": False, "violations": [{"category": "RESIDENT_UNIT", "count": 0, "lower": 2, "upper": 2}]},
        ]},
    }  # fmt: skip
    rule = {"bodyId": c.body, "category": "RESIDENT_UNIT", "minimum": 0, "maximum": 6}
    assert await n.refused("admin", "councilsSetSeatRule", "seatRule { id }", **rule) == "BY_THE_CHARTER"
    assert await n.refused("admin", "councilsUpdateBody", "body { id }", bodyId=c.body, size=9) == "BY_THE_CHARTER"
    assert (
        await n.refused("admin", "councilsDissolveBody", "body { id }", bodyId=c.body, reason="x") == "BY_THE_CHARTER"
    )
    amended = await c.draft("修订", constitutes=[{"bodyId": c.body, "size": 6, "seatRules": [{**third, "outOf": 6}]}])
    assert await c.adopt(amended) == "ADOPTED"
    await c.enact(amended)
    rules = await c.see(c.body, "seatRules(where: {state: {eq: IN_FORCE}}) { nodes { lower charter { id } } }")
    assert rules["seatRules"]["nodes"] == [{"lower": 1, "charter": {"id": amended}}]


async def test_the_database_lets_nobody_write_the_outcome(neighbourhood: Neighbourhood) -> None:
    """Past the rules: a charter is not in force without the members' vote, whoever writes it."""
    n = neighbourhood
    c = await Council.begin(n, members=0)
    drafted = await c.draft()
    charter = split_global(drafted)[1]
    from core.access import Acting
    from core.runtime import Command
    from plugins.councils.models import Charter

    async def cheat(work: Work) -> dict[str, Any]:
        row = await work.lock(Charter, charter)
        work.require("councils.charter.enact", row)
        work.change(row, state=CharterState.IN_FORCE, effective_from=work.now)
        work.record("councils.charter.enacted", row, area_id=row.area_id)
        return {}

    from core.errors import Refusal

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.perform(Command("cheat", await n.viewer("admin"), Acting()), cheat)
    assert refused.value.code in ("CHARTER_STATE", "NOT_ADOPTED")  # whichever guard is asked first

    await n.do("clerk", "councilsConsult", "charter { id }", charterId=drafted)
    n.clock.advance(timedelta(days=16))
    await n.do("clerk", "councilsSubmitCharter", "charter { id }", charterId=drafted, byBallot=False, electorate=120)

    def counting(figures: dict[str, int]) -> Callable[[Work], Awaitable[dict[str, Any]]]:
        async def cheat(work: Work) -> dict[str, Any]:
            row = await work.lock(Charter, charter)
            work.require("councils.charter.count", row)
            work.change(row, state=CharterState.ADOPTED, adopted_at=work.now, **figures)
            work.record("councils.charter.adopted", row, area_id=row.area_id)
            return {}

        return cheat

    enter = {"charterId": drafted, "tookPart": 10, "votesFor": 10, "votesAgainst": 0, "evidence": "签到册"}
    await n.do("clerk", "councilsEnterCharterVote", "charter { id }", **enter)
    for figures, codes in (
        ({"took_part": 10, "votes_for": 10, "votes_against": 0}, {"NOT_ADOPTED", "CHARTER_NOT_COUNTED"}),
        ({"took_part": 100, "votes_for": 90, "votes_against": 0}, {"CHARTER_NOT_COUNTED"}),
        (
            {"electorate": 12, "took_part": 10, "votes_for": 10, "votes_against": 0},
            {"APPEND_ONLY", "CHARTER_NOT_COUNTED"},
        ),
    ):
        with pytest.raises(Refusal) as refused:
            await n.server.runtime.perform(Command("cheat", await n.viewer("admin"), Acting()), counting(figures))
        assert refused.value.code in codes
