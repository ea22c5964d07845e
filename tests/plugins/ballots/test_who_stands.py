"""INV10 over an election: who stands in it, in any hat, runs nothing of it, decides nobody's place on its roll, and answers no
objection to what is made public of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting

pytestmark = pytest.mark.anyio
ANSWER = ("disclosureAnswerObjection", "objection { state }")
NO = {"uphold": False, "answer": "没有的事"}


@dataclass
class Contest:
    """An election over a posted roll: the first three stand, the last lives with the first and runs the area."""

    b: Balloting
    roll: str
    id: str

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Contest:
        b = await Balloting.begin(n, 9)
        await b.rule()
        roll = await b.roll()
        await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
        made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="换届", seats=1)
        contest = cls(b, roll, made["election"]["id"])
        for who in list(b.voters)[:3]:
            await contest.nominate(who)
        return contest

    async def nominate(self, who: str) -> str:
        made = await self.b.n.do(
            who, "ballotsNominate", "candidate { id }", electionId=self.id, actorId=self.b.voters[who]
        )
        return str(made["candidate"]["id"])

    async def grant(self, who: str, role: str = "AREA_ADMIN") -> str:
        await self.b.n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role=role, areaId=self.b.area, actorId=self.b.voters[who]
        )
        return who

    async def candidates(self) -> dict[str, str]:
        query = "query($i: ID!) { ballotsElection(id: $i) { candidates(first: 9) { nodes { id actor { id } } } } }"
        nodes = (await self.b.n.ask("admin", query, i=self.id))["ballotsElection"]["candidates"]["nodes"]
        return {c["actor"]["id"]: c["id"] for c in nodes}

    async def days(self, count: int) -> None:
        self.b.n.clock.advance(timedelta(days=count))
        await self.b.n.due()

    def opening(self, **more: Any) -> dict[str, Any]:
        rule = {"quorum": {"numerator": 1, "denominator": 2}, "threshold": None}
        return {
            "electionId": self.id,
            "opensAt": self.b.at(hours=1),
            "closesAt": self.b.at(days=1),
            "rule": rule,
            **more,
        }


async def test_who_stands_runs_nothing_of_it_in_any_hat(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    c = await Contest.begin(n)
    b, people = c.b, list(c.b.voters)
    first, rival, wife = people[0], people[1], people[8]
    for who in (first, wife):
        await c.grant(who)
    home = await n.do("admin", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name="一组 9 号", areaId=b.area)
    for who in (first, wife):
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=b.voters[who], organizationId=home["actor"]["id"],
            role="MEMBER", since="2024-01-01",
        )  # fmt: skip
    stands = await c.candidates()
    acts: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("ballotsRejectCandidate", "candidate { state }", {"candidateId": stands[b.voters[rival]], "reason": "不合适"}),
        ("ballotsProlongNominations", "election { state }",
         {"electionId": c.id, "nominationsBy": (n.clock.today() + timedelta(days=40)).isoformat()}),
        ("ballotsCancelElection", "election { state }", {"electionId": c.id, "reason": "改期"}),
        ("ballotsPostCandidates", "election { state }", {"electionId": c.id}),
        ("ballotsOpen", "ballot { id }", c.opening()),
        ("ballotsSeat", "election { state }", {"electionId": c.id}),
        ("ballotsFinaliseRoll", "roll { state }", {"rollId": c.roll}),
    )  # fmt: skip
    for who in (first, wife):
        for mutation, selection, given in acts:
            assert await n.refused(who, mutation, selection, **given) == "OWN_MATTER", (who, mutation)

    # Nor does the database let them, whatever rule forgets to ask.
    async def forgetful(*_: Any) -> None:
        return None

    with monkeypatch.context() as forgot:
        forgot.setattr("plugins.ballots.rules.elections.impartial", forgetful)
        for mutation, selection, given in (acts[0], acts[2]):
            assert await n.refused(first, mutation, selection, **given) == "OWN_MATTER", mutation

    # Who was only asked declines, and runs it again; who is responsible is told so.
    asked = await c.grant(people[7])
    made = await n.do(people[4], "ballotsNominate", "candidate { id }", electionId=c.id, actorId=b.voters[asked])
    reject = ("ballotsRejectCandidate", "candidate { state }")
    wrong = {"candidateId": stands[b.voters[people[2]]], "reason": "户籍不符"}
    assert await n.refused(asked, *reject, **wrong) == "OWN_MATTER"
    holders = "query($p: String!, $i: ID!) { dutyHolders(permission: $p, on: $i) { holders { actorId } } }"
    found = (await n.ask("admin", holders, p="ballots.election.manage", i=c.id))["dutyHolders"]["holders"]
    assert found and not {h["actorId"] for h in found} & {b.voters[w] for w in (first, wife, asked)}
    await n.do(
        asked, "ballotsAnswerNomination", "candidate { state }", candidateId=made["candidate"]["id"], accept=False
    )
    await n.do(asked, *reject, **wrong)


async def test_who_stands_strikes_no_rival_off_the_roll(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    c = await Contest.begin(n)
    people = list(c.b.voters)
    await c.grant(people[0], "CLERK")
    objection = await n.do(
        people[5], "ballotsObjectToRoll", "objection { id }", rollId=c.roll, personId=c.b.voters[people[1]], wish="REMOVE",
        statement="搬走了",
    )  # fmt: skip
    answer = ("ballotsAnswerObjection", "objection { state }")
    given = {"objectionId": objection["objection"]["id"], "uphold": True, "answer": "已核实"}
    assert await n.refused(people[0], *answer, **given) == "OWN_MATTER"

    async def forgetful(*_: Any) -> None:
        return None

    with monkeypatch.context() as forgot:
        forgot.setattr("plugins.ballots.rules.objections.impartial_over", forgetful)
        assert await n.refused(people[0], *answer, **given) == "OWN_MATTER"
    await n.do("clerk", *answer, **given)


async def test_who_decided_about_others_does_not_stand_in_any_hat(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    c = await Contest.begin(n)
    b, people = c.b, list(c.b.voters)
    rejects, prolongs, answers, husband, calls = [await c.grant(people[number]) for number in (3, 4, 5, 6, 7)]
    stands = await c.candidates()
    by = (n.clock.today() + timedelta(days=40)).isoformat()
    objection = await n.do(people[8], "ballotsObjectToRoll", "objection { id }", rollId=c.roll, statement="户籍不符",
                           personId=b.voters[people[1]], wish="REMOVE")  # fmt: skip
    await n.do(
        rejects, "ballotsRejectCandidate", "candidate { id }", candidateId=stands[b.voters[people[2]]], reason="不符"
    )
    await n.do(prolongs, "ballotsProlongNominations", "election { id }", electionId=c.id, nominationsBy=by)
    await n.do(answers, "ballotsAnswerObjection", "objection { id }", objectionId=objection["objection"]["id"], **NO)
    home = await n.do("admin", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name="一组 9 号", areaId=b.area)
    for who in (rejects, husband):
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=b.voters[who], organizationId=home["actor"]["id"],
            role="MEMBER", since="2024-01-01",
        )  # fmt: skip

    async def stand(who: str, by: str | None = None) -> str:
        given = {"electionId": c.id, "actorId": b.voters[who]}
        return await n.refused(by or who, "ballotsNominate", "candidate { id }", **given)

    async def forgetful(*_: Any) -> None:
        return None

    for who in (rejects, prolongs, answers, husband):
        assert await stand(who) == await stand(who, by=people[8]) == "RAN_THIS_ELECTION", who
        with monkeypatch.context() as forgot:
            forgot.setattr("plugins.ballots.rules.elections.has_decided_nothing", forgetful)
            assert await stand(who) == "RAN_THIS_ELECTION", who

    # Nor who was asked before somebody they have moved in with decided.
    made = await n.do(people[8], "ballotsNominate", "candidate { id }", electionId=c.id, actorId=b.voters[calls])
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=b.voters[calls], organizationId=home["actor"]["id"],
        role="MEMBER", since="2024-01-01",
    )  # fmt: skip
    agree = {"candidateId": made["candidate"]["id"], "accept": True}
    assert await n.refused(calls, "ballotsAnswerNomination", "candidate { id }", **agree) == "RAN_THIS_ELECTION"
    with monkeypatch.context() as forgot:
        forgot.setattr("plugins.ballots.rules.elections.has_decided_nothing", forgetful)
        assert await n.refused(calls, "ballotsAnswerNomination", "candidate { id }", **agree) == "RAN_THIS_ELECTION"
    await n.do(calls, "ballotsAnswerNomination", "candidate { id }", candidateId=made["candidate"]["id"], accept=False)


async def test_who_entered_or_struck_off_somebody_does_not_stand_and_who_called_it_may(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    b = await Balloting.begin(n, 6)
    await b.rule()
    late, caller, enters, strikes = list(b.voters)[:4]
    c = Contest(b, await b.roll(), "")
    for who, role in ((caller, "AREA_ADMIN"), (enters, "CLERK"), (strikes, "CLERK")):
        await c.grant(who, role)
    query = "query($i: ID!) { ballotsRoll(id: $i) { entries(first: 9) { nodes { id actor { id } } } } }"
    nodes = (await n.ask("clerk", query, i=c.roll))["ballotsRoll"]["entries"]["nodes"]
    entries = {e["actor"]["id"]: e["id"] for e in nodes}
    await n.do(strikes, "ballotsRemoveFromRoll", "entry { id }", entryId=entries[b.voters[late]], reason="搬走")
    await n.do(enters, "ballotsAddToRoll", "entry { id }", rollId=c.roll, actorId=b.voters[late])
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=c.roll)
    made = await n.do(caller, "ballotsCallElection", "election { id }", rollId=c.roll, title="换届", seats=1)
    c.id = made["election"]["id"]
    for who in (enters, strikes):
        given = {"electionId": c.id, "actorId": b.voters[who]}
        assert await n.refused(who, "ballotsNominate", "candidate { id }", **given) == "RAN_THIS_ELECTION"
    await c.nominate(late)
    await c.nominate(caller)


@pytest.mark.needs("disclosure")
async def test_who_stands_answers_no_objection_to_what_is_made_public_of_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Contest.begin(n)
    b, people = c.b, list(c.b.voters)
    winner, loser, judge = [await c.grant(people[number]) for number in (0, 2, 8)]

    async def objected(kind: str, subject: str) -> None:
        """An objection by name and one in confidence: who stands answers neither, nor reads the other; somebody else does."""
        query = """query($k: String!, $s: ID!) { disclosureNotices(where: {kind: {eq: $k}, subject: {eq: $s}}) {
            nodes { id } } }"""
        (notice,) = (await n.ask(None, query, k=kind, s=subject))["disclosureNotices"]["nodes"]
        given: dict[str, Any] = {"noticeId": notice["id"], "text": "送米"}
        one, secret = [
            (await n.do(who, "disclosureObject", "objection { id }", **given, isConfidential=hidden))["objection"]["id"]
            for who, hidden in ((people[5], False), (people[6], True))
        ]
        text = "query($i: ID!) { node(id: $i) { ... on DisclosureObjection { text } } }"
        for who in (winner, loser):
            assert (await n.ask(who, text, i=secret))["node"] is None
            assert await n.refused(who, *ANSWER, objectionId=one, **NO) == "OWN_MATTER"
        assert (await n.ask(judge, text, i=secret))["node"] == {"text": "送米"}
        for each in (one, secret):
            await n.do(judge, *ANSWER, objectionId=each, **NO)

    await objected("选民名册", c.roll)  # posted before they stood
    await c.days(25)
    await n.do("clerk", "ballotsFinaliseRoll", "roll { id }", rollId=c.roll)
    await n.do("admin", "ballotsPostCandidates", "election { id }", electionId=c.id)
    await n.do("admin", "ballotsRejectCandidate", "candidate { id }", reason="不符",
               candidateId=(await c.candidates())[b.voters[people[1]]])  # fmt: skip
    await objected("候选人名单", c.id)
    await c.days(9)
    await n.do("admin", "ballotsPostCandidates", "election { id }", electionId=c.id)
    await c.days(9)
    options = "ballot { id options(first: 9) { nodes { position candidate { actor { id } } } } }"
    made = await n.do("admin", "ballotsOpen", options, **c.opening())
    place = {o["candidate"]["actor"]["id"]: o["position"] for o in made["ballot"]["options"]["nodes"]}
    n.clock.advance(timedelta(hours=2))
    for who in people:
        assert await b.vote(who, made["ballot"]["id"], place[b.voters[winner]]) == "done"
    await b.over(made["ballot"]["id"], days=2)
    await objected("选举结果", made["ballot"]["id"])
    stored = await n.stored()
    named = [row for row in stored["disclosure_record"] if b.voters[winner].removeprefix("actor_") in row]
    assert named == []  # whom it concerns is in no record of the chain
