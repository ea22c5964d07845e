"""INV10 at the desk: who enters something for somebody else takes no vote, and no advantage over a rival, by it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from core.enums import BehalfBasis
from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting

pytestmark = pytest.mark.anyio
NOMINATE = ("ballotsNominate", "candidate { id state }")
ANSWER = ("ballotsAnswerNomination", "candidate { state }")
GIVE = ("ballotsGiveProxy", "proxy { id }")
WITHDRAW = ("ballotsWithdrawProxy", "proxy { state }")


def desk(actor: str, basis: str = "WRITTEN") -> dict[str, Any]:
    return {"onBehalfOf": {"actorId": actor, "basis": basis, "evidence": "书面申请"}}


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules forget to ask; the database still does."""

    async def forgetful(*_: Any, **__: Any) -> None:
        return None

    for rules in ("elections", "casting"):
        monkeypatch.setattr(f"plugins.ballots.rules.{rules}.keeps_the_desk", forgetful)


async def test_a_candidate_at_the_desk_decides_nothing_for_a_rival_and_takes_no_proxy(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    b = await Balloting.begin(n, 4)
    rival, old, named = await n.registered("对手", "老人一", "老人二")
    for actor in (rival, old, named):
        since = {"role": "RESIDENT", "since": "2020-05-01"}
        await n.do("admin", "coreAddMembership", "membership { id }", actorId=actor, areaId=b.area, **since)
    first, second, helper, voter = b.voters
    for who in (first, helper):
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=b.area, actorId=b.voters[who])
    await b.rule()
    roll = await b.final_roll()
    made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="换届", seats=1)
    election = made["election"]["id"]

    async def nominate(who: str, actor: str, **more: Any) -> str:
        return str((await n.do(who, *NOMINATE, electionId=election, actorId=actor, **more))["candidate"]["id"])

    # A helper who does not stand may do it all, in whoever's name.
    asked = await nominate(first, rival)
    await nominate(second, b.voters[second])
    of_old = await nominate(helper, named, **desk(old))
    assert (
        await n.refused(helper, *NOMINATE, electionId=election, actorId=b.voters[helper], **desk(old)) == "OWN_MATTER"
    )
    with monkeypatch.context() as forgot:
        forget(forgot)
        given = {"electionId": election, "actorId": b.voters[helper]}
        assert await n.refused(helper, *NOMINATE, **given, **desk(old)) == "OWN_MATTER"
    await n.do(helper, *ANSWER, candidateId=asked, accept=True, **desk(rival))
    await nominate(first, b.voters[first])
    declines = {"candidateId": asked, "accept": False, **desk(rival, "PHONE")}
    nominates = {"electionId": election, "actorId": b.voters[voter], **desk(old)}

    async def refused() -> None:
        assert await n.refused(first, *ANSWER, **declines) == "OWN_MATTER"
        assert await n.refused(first, *NOMINATE, **nominates) == "OWN_MATTER"

    await refused()
    with monkeypatch.context() as forgot:
        forget(forgot)
        await refused()

    # Who declined for somebody at the desk does not stand in their place.
    await n.do(helper, *ANSWER, candidateId=of_old, accept=False, **desk(named, "PHONE"))
    stand = {"electionId": election, "actorId": b.voters[helper]}
    assert await n.refused(helper, *NOMINATE, **stand) == "RAN_THIS_ELECTION"
    with monkeypatch.context() as forgot:
        forgot.setattr("plugins.ballots.rules.elections.has_decided_nothing", _nothing)
        assert await n.refused(helper, *NOMINATE, **stand) == "RAN_THIS_ELECTION"

    n.clock.advance(timedelta(days=15))
    await n.do("admin", "ballotsPostCandidates", "election { id }", electionId=election)
    n.clock.advance(timedelta(days=9))
    await n.due()
    made = await n.do(
        "admin", "ballotsOpen", "ballot { id }", electionId=election, opensAt=b.at(days=4), closesAt=b.at(days=5),
        rule={"quorum": {"numerator": 1, "denominator": 2}, "threshold": None, "proxies": 3},
    )  # fmt: skip
    ballot = made["ballot"]["id"]
    proxy = (await n.do(helper, *GIVE, ballotId=ballot, holderId=b.voters[voter], **desk(old)))["proxy"]["id"]
    takes = {"ballotId": ballot, "holderId": b.voters[second], **desk(named)}

    async def takes_none() -> None:
        assert await n.refused(first, *GIVE, **takes) == "OWN_MATTER"
        assert await n.refused(first, *WITHDRAW, proxyId=proxy, **desk(old)) == "OWN_MATTER"

    await takes_none()
    with monkeypatch.context() as forgot:
        forget(forgot)
        await takes_none()
    await n.do(helper, *GIVE, **takes)


async def _nothing(*_: Any) -> None:
    return None


async def test_a_proxy_entered_at_the_desk_is_in_writing_and_not_to_who_enters_it(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    b = await Balloting.begin(n, 2)
    old, ward = await n.registered("老人一", "被监护人")
    clerk = (await n.ask("clerk", "{ viewer { id } }"))["viewer"]["id"]
    one, guardian = next(iter(b.voters.items()))
    await n.do(
        "clerk", "coreRecordGuardianship", "guardianship { id }", wardId=ward, guardianId=guardian, basis="PARENT",
        evidence="监护证明",
    )  # fmt: skip
    ballot = await b.ballot(voterIds=[*b.voters.values(), old, ward, clerk], rule={"proxies": 3})

    async def refused() -> None:
        to_clerk = {"ballotId": ballot, "holderId": clerk}
        assert await n.refused("clerk", *GIVE, **to_clerk, **desk(old)) == "OWN_MATTER"

    async def refused_by_word() -> None:
        for basis in ("PHONE", "IN_PERSON"):
            spoken = {"ballotId": ballot, "holderId": guardian, **desk(old, basis)}
            assert await n.refused("clerk", *GIVE, **spoken) == "PROXY_IN_WRITING"
        of_the_ward = {"ballotId": ballot, "holderId": clerk, **desk(ward, "GUARDIAN")}
        assert await n.refused(one, *GIVE, **of_the_ward) == "PROXY_IN_WRITING"

    await refused()
    await refused_by_word()
    with monkeypatch.context() as forgot:
        forget(forgot)
        await refused()
        forgot.setattr("plugins.ballots.rules.casting.BehalfBasis", SimpleNamespace(WRITTEN=BehalfBasis.PHONE))
        by_word = {"ballotId": ballot, "holderId": guardian, **desk(old, "PHONE")}
        assert await n.refused("clerk", *GIVE, **by_word) == "PROXY_IN_WRITING"
    await n.do("clerk", *GIVE, ballotId=ballot, holderId=guardian, **desk(old))
    assert await b.vote(one, ballot, 0, forVoterId=old) == "done"


async def test_an_objection_is_answered_by_who_did_not_enter_it_and_the_rolls_keeper_takes_none_back(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    b = await Balloting.begin(n, 3)
    (old,) = await n.registered("老人一")
    await b.rule()
    roll = await b.roll()
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    other, about, third = b.voters
    for who in (other, about):
        await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=b.area, actorId=b.voters[who])

    async def enters(who: str, person: str) -> str:
        given = {"rollId": roll, "personId": b.voters[person], "wish": "REMOVE", "statement": "不住本村"}
        return str(
            (await n.do(who, "ballotsObjectToRoll", "objection { id }", **given, **desk(old)))["objection"]["id"]
        )

    answer = ("ballotsAnswerObjection", "objection { state }")
    withdraw = ("ballotsWithdrawObjection", "objection { state }")
    first, second = await enters("clerk", third), await enters(other, about)
    said = {"uphold": True, "answer": "属实"}

    async def refused() -> None:
        assert await n.refused("clerk", *answer, objectionId=first, **said) == "ENTERED_BY_YOU"
        for who in ("clerk", about):  # who keeps the roll, and whom it is about
            assert await n.refused(who, *withdraw, objectionId=second, **desk(old, "PHONE")) == "OWN_MATTER"

    await refused()
    with monkeypatch.context() as forgot:
        forgot.setattr("core.work.Work.not_entered", _nothing)
        forgot.setattr("core.work.Work.not_at_the_desk_of", _nothing)
        await refused()
    await n.do(other, *answer, objectionId=first, **said)
    await n.do(other, *withdraw, objectionId=second, **desk(old))
