"""Paper and mobile boxes, proxies, organizations: whoever votes, and however, votes once (INV6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.enums import ActorKind
from core.testing.kit import Neighbourhood, Refused
from tests.kits.ballots import HALF, Balloting, uuid

pytestmark = pytest.mark.anyio
PHOTO = ["计票表照片 1"]


async def test_papers_are_counted_by_two_tellers_beside_what_was_cast_online(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 12)
    n, people = b.n, list(b.voters)
    ballot = await b.ballot(hasPapers=True)
    assert await b.vote(people[0], ballot, 0) == "done"
    hand_out = ("clerk", "ballotsHandOut", "vote { channel }")
    other = {"voterId": b.voters[people[1]], "presentedById": b.voters[people[2]]}
    assert await n.refused(*hand_out, ballotId=ballot, **other) == "COMES_THEMSELVES"
    for who in people[1:11]:
        await n.do(*hand_out, ballotId=ballot, voterId=b.voters[who])
        assert await b.vote(who, ballot, 1) == "ALREADY_VOTED"
    assert await n.refused(*hand_out, ballotId=ballot, voterId=b.voters[people[0]]) == "ALREADY_VOTED"
    resident = await n.actor_id("郑雅婷")
    assert await n.refused(*hand_out, ballotId=ballot, voterId=resident) == "NOT_ON_ROLL"
    enter = ("clerk", "ballotsEnterPapers", "papers { id state }")
    given: dict[str, Any] = {"ballotId": ballot, "box": "STATION", "place": "西山社村部", "evidence": PHOTO}
    counts = [{"choices": [0], "papers": 3}, {"choices": [1], "papers": 2}]
    assert await n.refused(*enter, **given, counts=counts) == "BALLOT_RUNS"
    n.clock.advance(timedelta(days=4))
    await n.due()
    assert (await b.see(ballot, "state"))["state"] == "COUNTING"
    assert await b.vote(people[11], ballot, 1) == "BALLOT_STATE"
    assert await n.refused(*enter, **{**given, "evidence": []}, counts=counts) == "EVIDENCE_NEEDED"
    assert await n.refused(*enter, **given, counts=counts, spoiled=6) == "MORE_PAPERS_THAN_VOTERS"
    assert await n.refused(*enter, **given, counts=[{"choices": [0, 1], "papers": 1}]) == "BAD_PAPER"
    wrong = await n.do(*enter, **given, counts=[{"choices": [1], "papers": 5}])
    confirm = ("ballotsConfirmPapers", "papers { state }")
    assert await n.refused("clerk", *confirm, papersId=wrong["papers"]["id"]) == "SAME_TELLER"
    close = ("clerk", "ballotsClose", "ballot { outcome cast valid spoiled tally { votes } }")
    assert await n.refused(*close, ballotId=ballot) == "PAPERS_UNCONFIRMED"
    rejected = await n.do("admin", *confirm, papersId=wrong["papers"]["id"], agrees=False, note="数错一张")
    assert rejected["papers"]["state"] == "REJECTED"
    station = await n.do(*enter, **given, counts=counts)
    mobile = await n.do(
        *enter, **{**given, "box": "MOBILE", "place": "老人家中"}, counts=[{"choices": [0], "papers": 4}], spoiled=1
    )
    for batch in (station, mobile):
        await n.do("admin", *confirm, papersId=batch["papers"]["id"])
    seen = (await n.do(*close, ballotId=ballot))["ballot"]
    assert seen == {
        "outcome": "ADOPTED", "cast": 11, "valid": 10, "spoiled": 1,
        "tally": [{"votes": 8}, {"votes": 2}, {"votes": 0}],
    }  # fmt: skip
    again = await n.ask("resident", "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees spoiled } }", i=ballot)
    assert again["ballotsRecount"] == {"agrees": True, "spoiled": 1}
    batches = "papers(first: 9) { nodes { state counts { papers } spoiled } }"
    for who, shown in (
        ("clerk", {("CONFIRMED", 2, 0), ("CONFIRMED", 1, 1), ("REJECTED", 1, 0)}),
        (None, {("CONFIRMED", 0, None), ("REJECTED", 0, None)}),  # one voted online: the batches would tell what
    ):
        seen = (await b.see(ballot, batches, who))["papers"]["nodes"]
        assert {(p["state"], len(p["counts"]), p["spoiled"]) for p in seen} == shown


async def test_no_batch_of_secret_papers_is_so_small_that_it_tells_who_chose_what(neighbourhood: Neighbourhood) -> None:
    """The mobile box of one old man is mixed with the others; where all papers are a few, others see no count of them."""
    b = await Balloting.begin(neighbourhood, 8)
    n, people = b.n, list(b.voters)
    few, more = await b.ballot(hasPapers=True), await b.ballot(hasPapers=True, title="第二项")
    for ballot, voters in ((few, people[:2]), (more, people)):
        for who in voters:
            await n.do("clerk", "ballotsHandOut", "vote { id }", ballotId=ballot, voterId=b.voters[who])
    for who in people[2:]:
        assert await b.vote(who, few, 0) == "done"

    async def enter(ballot: str, papers: int) -> str:
        made = await n.do(
            "clerk", "ballotsEnterPapers", "papers { id }", ballotId=ballot, box="MOBILE", place="老人家中",
            counts=[{"choices": [1], "papers": papers}], evidence=PHOTO,
        )  # fmt: skip
        return str(made["papers"]["id"])

    for size in (1, 7):  # one by itself, and so that one is left
        with pytest.raises(Refused, match="PAPERS_TOGETHER"):
            await enter(more, size)
    for ballot, size in ((more, 8), (few, 2)):  # everybody has voted: no need to wait
        await n.do("admin", "ballotsConfirmPapers", "papers { id }", papersId=await enter(ballot, size))
        await n.do("clerk", "ballotsClose", "ballot { id }", ballotId=ballot)
    counts = "papers(first: 9) { nodes { counts { choices papers } valid evidence } }"
    assert (await b.see(few, counts))["papers"]["nodes"] == [{"counts": [], "valid": None, "evidence": []}]
    assert (await b.see(few, counts, "clerk"))["papers"]["nodes"][0]["valid"] == 2
    assert (await b.see(more, counts))["papers"]["nodes"][0]["valid"] == 8


async def test_a_proxy_casts_where_the_rule_allows_it_and_no_more_than_it_allows(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 5)
    n, people = b.n, list(b.voters)
    give = ("ballotsGiveProxy", "proxy { id }")
    holder = b.voters[people[0]]
    plain = await b.ballot()
    assert await n.refused(people[1], *give, ballotId=plain, holderId=holder) == "NO_PROXIES"
    terms = {"quorum": HALF, "threshold": HALF, "proxies": 2}
    ballot = await b.ballot(title="委托表决", rule=terms)
    for who in people[1:3]:
        await n.do(who, *give, ballotId=ballot, holderId=holder)
    assert await n.refused(people[1], *give, ballotId=ballot, holderId=holder) == "PROXY_GIVEN"
    assert await n.refused(people[3], *give, ballotId=ballot, holderId=holder) == "TOO_MANY_PROXIES"
    assert await n.refused(people[0], *give, ballotId=ballot, holderId=holder) == "NOT_TO_ITSELF"
    assert await b.vote(people[0], ballot, 0) == "done"
    assert await b.vote(people[0], ballot, 0, forVoterId=b.voters[people[1]]) == "done"
    assert await b.vote(people[0], ballot, 0, forVoterId=b.voters[people[1]]) == "ALREADY_VOTED"
    assert await b.vote(people[0], ballot, 0, forVoterId=b.voters[people[3]]) == "NO_PROXY"
    assert await b.vote(people[2], ballot, 1) == "done"  # oneself after all
    assert await b.vote(people[0], ballot, 0, forVoterId=b.voters[people[2]]) == "ALREADY_VOTED"
    seen = await b.over(ballot)
    assert (seen["cast"], [t["votes"] for t in seen["tally"]]) == (3, [2, 1, 0])


async def test_an_organization_votes_once_through_one_mandate_and_nobody_in_two_hats(
    neighbourhood: Neighbourhood,
) -> None:
    b = await Balloting.begin(neighbourhood, 1, "xingwang")
    n = b.n
    n.clock.set(n.clock.now())
    company, agent = await n.actor_id("企业甲"), await n.actor_id("吴思远")
    area = await n.area_id("xinyang")
    made = await n.do(
        "admin", "ballotsAnnounce", "ballot { id }", areaId=area, title="驻区单位表决", opensAt=b.at(seconds=1),
        closesAt=b.at(days=3), voterIds=[company, agent, *b.voters.values()],
    )  # fmt: skip
    ballot = made["ballot"]["id"]
    n.clock.advance(timedelta(seconds=2))
    assert await b.vote("company", ballot, 0, actingFor=company) == "done"
    assert await b.vote("company", ballot, 0, actingFor=company) == "ALREADY_VOTED"
    assert await b.vote("company", ballot, 0) == "ALREADY_VOTED"
    assert await b.vote("resident", ballot, 0, actingFor=company) == "NOT_PERMITTED"
    assert await b.vote(next(iter(b.voters)), ballot, 0) == "done"
    assert (await b.over(ballot))["cast"] == 2


async def test_a_paper_of_an_organization_is_for_a_mandate_of_where_the_ballot_lies(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    n = b.n
    (organization,) = await n.registered("驻区企业", kind=ActorKind.ENTERPRISE)
    elsewhere, here = await n.newcomers(2, "haihong")
    person = {who: await n.actor_id(who) for who in (elsewhere, here)}
    for who, code in ((elsewhere, "haihong"), (here, "haicang")):  # a district's mandate holds in all of it
        mandate = {"personId": person[who], "organizationId": organization, "areaId": await n.area_id(code)}
        await n.do("admin", "coreGiveMandate", "mandate { id }", **mandate)
    ballot = await b.ballot(voterIds=[*b.voters.values(), organization], hasPapers=True)
    hand = ("clerk", "ballotsHandOut", "vote { id }")
    paper = {"ballotId": ballot, "voterId": organization}
    assert await b.vote(elsewhere, ballot, 0, actingFor=organization) == "NOT_PERMITTED"
    assert await n.refused(*hand, **paper, presentedById=person[elsewhere]) == "NO_MANDATE"
    with monkeypatch.context() as forgot:

        async def forgetful(*_: Any) -> UUID:
            return uuid(person[elsewhere])

        forgot.setattr("plugins.ballots.rules.boxes._who_came", forgetful)
        assert await n.refused(*hand, **paper) == "NO_MANDATE"
    await n.do(*hand, **paper, presentedById=person[here])


async def test_nobody_votes_at_the_desk_for_somebody_else(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood)
    (old,) = await b.n.registered("王奶奶")
    ballot = await b.ballot(voterIds=[old, await b.n.actor_id("林晓敏")])
    behalf = {"actorId": old, "basis": "PHONE", "evidence": "电话"}
    assert await b.vote("clerk", ballot, 0, onBehalfOf=behalf) == "ONLY_ONESELF"


async def test_a_ballot_closes_when_every_paper_handed_out_is_accounted_for(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    n, people = b.n, list(b.voters)
    ballot = await b.ballot(hasPapers=True)
    assert await b.vote(people[0], ballot, 0) == "done"
    await n.do("clerk", "ballotsHandOut", "vote { id }", ballotId=ballot, voterId=b.voters[people[1]])
    n.clock.advance(timedelta(days=4))
    await n.due()
    close = ("clerk", "ballotsClose", "ballot { cast spoiled }")
    assert await n.refused(*close, ballotId=ballot) == "PAPERS_MISSING"
    made = await n.do(
        "clerk", "ballotsEnterPapers", "papers { id }", ballotId=ballot, box="STATION", place="村部", counts=[],
        spoiled=1, evidence=["未交回,说明附后"],
    )  # fmt: skip
    await n.do("admin", "ballotsConfirmPapers", "papers { id }", papersId=made["papers"]["id"])
    assert (await n.do(*close, ballotId=ballot))["ballot"] == {"cast": 2, "spoiled": 1}


async def test_a_secret_ballot_called_off_keeps_no_papers(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    ballot = await b.ballot()
    assert await b.vote(next(iter(b.voters)), ballot, 1) == "done"
    await b.n.do("clerk", "ballotsCancel", "ballot { state }", ballotId=ballot, reason="停电")
    assert await b.rows("SELECT count(*) FROM ballots_paper WHERE ballot_id = {}", uuid(ballot)) == [(0,)]
