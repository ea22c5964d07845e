"""What is objected to does not stand: rolls, candidates, results; and nobody is stuck with one that was upheld (INV8, INV9)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.ids import to_global
from core.testing.kit import Neighbourhood
from plugins.disclosure.seal import verify
from tests.kits.ballots import HALF, LEVEL, QUORUM, Balloting, Election, uuid

pytestmark = [pytest.mark.anyio, pytest.mark.needs("disclosure")]


async def notice_of(b: Balloting, kind: str) -> str:
    ((id,),) = await b.rows(
        "SELECT id FROM disclosure_notice WHERE kind = {} ORDER BY published_at DESC LIMIT 1", kind
    )  # fmt: skip
    return to_global("disclosure_notice", UUID(str(id)))


async def contest(b: Balloting, kind: str, by: str = "resident", uphold: bool = True) -> str:
    """Somebody objects to the newest notice of this kind, another finds that they are right, and the notice ends."""
    notice = await notice_of(b, kind)
    objection = await b.n.do(by, "disclosureObject", "objection { id }", noticeId=notice, text="有误")
    said = {"objectionId": objection["objection"]["id"], "uphold": uphold, "answer": "经核实"}
    await b.n.do("admin", "disclosureAnswerObjection", "objection { id }", **said)
    await passing(b)
    return notice


async def passing(b: Balloting, days: int = 12) -> None:
    b.n.clock.advance(timedelta(days=days))
    await b.n.due()
    await b.n.delivered()


async def last_ballot(e: Election) -> str:
    query = "query($i: ID!) { ballotsElection(id: $i) { ballots(first: 9) { nodes { id closedAt } } } }"
    nodes = (await e.b.n.ask(None, query, i=e.id))["ballotsElection"]["ballots"]["nodes"]
    return str(max(nodes, key=lambda b: b["closedAt"] or "")["id"])


async def election_state(e: Election) -> str:
    seen = await e.b.n.ask(None, "query($i: ID!) { ballotsElection(id: $i) { state } }", i=e.id)
    return str(seen["ballotsElection"]["state"])


async def test_an_upheld_objection_to_a_result_annuls_it_and_the_vote_is_repeated(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    b, n = e.b, e.b.n
    await e.vote(["01"] * 7)
    ballot = await last_ballot(e)
    annul = ("ballotsAnnul", "ballot { state outcome contestedAt election { state } }")
    said = {"ballotId": ballot, "reason": "唱票有误"}
    assert await n.refused("admin", *annul, **said) == "RESULT_STANDS"
    await contest(b, "选举结果")
    assert (await b.see(ballot, "contestedAt"))["contestedAt"] is not None
    assert await n.refused("admin", "ballotsSeat", "election { state }", electionId=e.id) == "RESULT_CONTESTED"
    assert await n.refused("clerk", *annul, **said) == "NOT_PERMITTED"
    assert await n.refused("admin", *annul, ballotId=ballot, reason=" ") == "EMPTY_TEXT"
    made = (await n.do("admin", *annul, **said))["ballot"]
    assert (made["state"], made["outcome"], made["election"]) == ("ANNULLED", "ELECTED", {"state": "CANDIDATES"})
    assert await e.states() == {"0": "ACCEPTED", "1": "ACCEPTED", "2": "ACCEPTED"}
    await e.vote(["12"] * 7)
    assert await e.states() == {"0": "NOT_ELECTED", "1": "ELECTED", "2": "ELECTED"}
    assert await e.seat() == "SEATED"


async def test_after_an_annulled_result_the_election_may_be_cancelled_too(neighbourhood: Neighbourhood) -> None:
    """A result that a run-off rested on takes the run-off with it."""
    e = await Election.begin(neighbourhood)
    n = e.b.n
    await e.vote(LEVEL)
    first = await last_ballot(e)
    notice = await notice_of(e.b, "选举结果")
    objection = await n.do("resident", "disclosureObject", "objection { id }", noticeId=notice, text="送米")
    await e.vote(["1", "2", "2", "2", "", "1", "2"])
    said = {"objectionId": objection["objection"]["id"], "uphold": True, "answer": "属实"}
    await n.do("admin", "disclosureAnswerObjection", "objection { id }", **said)
    await passing(e.b)
    assert (await e.b.see(first, "contestedAt"))["contestedAt"] is not None
    assert await n.refused("admin", "ballotsSeat", "election { state }", electionId=e.id) == "RESULT_CONTESTED"
    await n.do("admin", "ballotsAnnul", "ballot { state }", ballotId=first, reason="送米属实")
    query = "query($i: ID!) { ballotsElection(id: $i) { ballots(first: 9) { nodes { state } } } }"
    votes = (await n.ask(None, query, i=e.id))["ballotsElection"]["ballots"]["nodes"]
    assert [v["state"] for v in votes] == ["ANNULLED", "ANNULLED"]
    assert await e.states() == {"0": "ACCEPTED", "1": "ACCEPTED", "2": "ACCEPTED"}
    await n.do("admin", "ballotsCancelElection", "election { state }", electionId=e.id, reason="另行组织")
    seen = await n.ask("clerk", "query($i: ID!) { ballotsRoll(id: $i) { state } }", i=e.roll)
    assert seen["ballotsRoll"] == {"state": "RELEASED"}


async def test_a_corrected_notice_that_ends_clean_lets_the_result_stand(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    n = e.b.n
    await e.vote(["01"] * 7)
    wrong = await contest(e.b, "选举结果")
    draft = await n.do(
        "admin", "disclosureDraft", "notice { id }", areaId=e.b.area, kind="选举结果", title="选举结果(更正)",
        body="更正后的结果", supersedesId=wrong,
    )  # fmt: skip
    await n.do("admin", "disclosurePublish", "notice { id }", noticeId=draft["notice"]["id"])
    await passing(e.b)
    assert (await e.b.see(await last_ballot(e), "contestedAt"))["contestedAt"] is None
    assert await e.seat() == "SEATED"


async def test_a_roll_is_final_when_its_notice_has_ended_clean(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    await b.rule()
    final = ("clerk", "ballotsFinaliseRoll", "roll { state }")
    roll = await b.roll()
    await b.n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    b.n.clock.advance(timedelta(days=6))
    await b.n.due()
    assert await b.n.refused(*final, rollId=roll) == "NOT_YET_CLEAN"
    ((body,),) = await b.rows(
        "SELECT body FROM disclosure_notice WHERE kind = '选民名册' ORDER BY published_at DESC LIMIT 1"
    )
    assert "选民名册”中查阅" in str(body) and "截止" not in str(body)  # one deadline on a poster: that of the notice
    await contest(b, "选民名册")
    assert await b.n.refused(*final, rollId=roll) == "NOT_YET_CLEAN"
    await b.n.do("clerk", "ballotsDiscardRoll", "roll { state }", rollId=roll, reason="名册有误,重新编制")
    again = await b.roll()
    await b.n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=again)
    await passing(b)
    assert (await b.n.do(*final, rollId=again))["roll"]["state"] == "FINAL"


async def test_candidates_are_voted_on_when_their_notice_has_ended_clean(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood, clean=False)
    b, n = e.b, e.b.n
    times = {"opensAt": b.at(days=20), "closesAt": b.at(days=21)}
    put = ("admin", "ballotsOpen", "ballot { id }")
    assert await n.refused(*put, electionId=e.id, rule=QUORUM, **times) == "NOT_YET_CLEAN"
    notice = await notice_of(b, "候选人名单")
    await n.do("resident", "disclosureObject", "objection { id }", noticeId=notice, text="有人不符")
    query = "query($i: ID!) { ballotsElection(id: $i) { candidatesOn candidates(first: 9) { nodes { id state } } } }"
    nodes = (await n.ask("admin", query, i=e.id))["ballotsElection"]["candidates"]["nodes"]
    await passing(b)
    assert await n.refused(*put, electionId=e.id, rule=QUORUM, opensAt=b.at(days=1), closesAt=b.at(days=2)) == (
        "NOT_YET_CLEAN"
    )
    out = await n.do(
        "admin", "ballotsRejectCandidate", "candidate { state election { candidatesOn } }", candidateId=nodes[0]["id"],
        reason="不符合资格",
    )  # fmt: skip
    assert out["candidate"] == {"state": "REJECTED", "election": {"candidatesOn": None}}
    assert await n.refused(*put, electionId=e.id, rule=QUORUM, opensAt=b.at(days=1), closesAt=b.at(days=2)) == (
        "ELECTION_STATE"
    )


async def test_a_notice_lists_who_stands_and_who_is_elected_and_its_text_names_nobody(
    neighbourhood: Neighbourhood,
) -> None:
    """Title and body stay as they are, whoever asks to be erased; a line of the list goes, and the chain is whole."""
    e = await Election.begin(neighbourhood)
    n, people = e.b.n, list(e.b.voters)
    await e.vote(["01"] * 7)

    async def listed(kind: str) -> list[str]:
        notice = await notice_of(e.b, kind)
        query = """query($i: ID!) { disclosureNotice(id: $i) { masking title body pdfA4 printA4
            items { nodes { text actor { id } } } } }"""
        seen = (await n.ask(None, query, i=notice))["disclosureNotice"]
        assert seen["masking"] == "FULL"
        assert not any(login in seen["title"] + seen["body"] for login in people)
        lines = [i["text"] for i in seen["items"]["nodes"]]
        assert all(line in seen["printA4"] for line in lines)
        return lines

    assert await listed("候选人名单") == [f"{n} 号 {who}" for n, who in enumerate(people[:3], 1)]
    assert await listed("选举结果") == [f"{n} 号 {who}" for n, who in enumerate(people[:2], 1)]
    ((body,),) = await e.b.rows("SELECT body FROM disclosure_notice WHERE kind = '选举结果'")
    assert "第 1、2 号候选人当选(共 2 人)" in str(body)
    await passing(e.b)
    assert await e.seat() == "SEATED"
    await n.do("admin", "coreErasePerson", "", personId=e.b.voters[people[2]], reason="本人申请")
    assert (await listed("候选人名单"))[1:] == [f"2 号 {people[1]}", "[已清除]"]
    query = """{ disclosureRecords(first: 100, orderBy: SEQ_ASC, where: {area: {code: {eq: "xishan"}}}) {
        nodes { line } } }"""
    records = (await n.ask(None, query))["disclosureRecords"]["nodes"]
    verdict = verify([r["line"] for r in records])
    assert verdict.wrong == [] and verdict.removed > 0


async def test_a_count_is_called_off_only_by_who_may_annul_it(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n = b.n
    ballot = await b.ballot(hasPapers=True, rule={"quorum": HALF, "threshold": HALF})
    for actor in b.voters.values():
        await n.do("clerk", "ballotsHandOut", "vote { id }", ballotId=ballot, voterId=actor)
    n.clock.advance(timedelta(days=4))
    cancel = ("clerk", "ballotsCancel", "ballot { state }")
    assert await n.refused(*cancel, ballotId=ballot, reason="不想要") == "COUNTING_BEGUN"
    await n.due()
    assert (await b.see(ballot, "state"))["state"] == "COUNTING"
    assert await n.refused(*cancel, ballotId=ballot, reason="不想要") == "COUNTING_BEGUN"
    assert await n.refused("admin", *cancel[1:], ballotId=ballot, reason="不想要") == "COUNTING_BEGUN"
    said = {"ballotId": ballot, "reason": "票箱损毁"}
    assert await n.refused("clerk", "ballotsAnnul", "ballot { state }", **said) == "NOT_PERMITTED"
    assert (await n.do("admin", "ballotsAnnul", "ballot { state }", **said))["ballot"]["state"] == "CANCELLED"
    assert await b.rows("SELECT count(*) FROM ballots_paper WHERE ballot_id = {}", uuid(ballot)) == [(0,)]
