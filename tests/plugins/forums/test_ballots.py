"""Topics that are put to the vote: of the members, of everybody who lives there, of bodies; and what becomes of results."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum

pytestmark = [pytest.mark.anyio, pytest.mark.needs("ballots")]
EFFECTIVE = {"ADOPTED", "EFFECTIVE"}


async def test_members_vote_and_the_count_is_taken_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=4)
    a, b, c, d = f.members
    topic = await f.deliberated(a)
    assert (
        await n.refused("clerk", "forumsMoveToBallot", "resolution { id }", topicId=topic, text="x", options=["一"])
        == "FORUM_OPTIONS"
    )
    resolution, ballot = await f.ballot(topic)
    (late,) = await f.residents(1)
    await f.join(late)
    assert await f.vote(late, ballot, 0) == "NOT_ON_ROLL"
    for login, choice in ((a, 0), (b, 0), (c, 1)):
        assert await f.vote(login, ballot, choice) == "done"
    assert await f.vote(a, ballot, 0) == "ALREADY_VOTED"
    await n.do(d, "forumsLeave", "member { state }", memberId=f.members[d])
    assert await f.vote(d, ballot, 1) == "done"  # the roll was frozen when it was put (INV7)
    await f.days(6)
    assert await f.see(resolution, "state members turnout tally { label votes } chosen topic { state }") == {
        "state": "TIED", "members": 4, "turnout": 4, "chosen": None, "topic": {"state": "OPEN"},
        "tally": [{"label": "赞成", "votes": 2}, {"label": "反对", "votes": 2}, {"label": "弃权", "votes": 0}],
    }  # fmt: skip


async def test_options_are_chosen_from_and_everybody_who_lives_there_may_be_asked(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    (outside,) = await f.residents(1)
    topic = await f.deliberated(a)
    closes = (n.clock.now() + timedelta(days=7)).isoformat()
    resolution, ballot = await f.ballot(
        topic, options=["方案甲", "方案乙", "方案丙"], electorate="RESIDENTS", closesAt=closes
    )
    for login in (a, b, outside):
        assert await f.vote(login, ballot, 1) == "done"
    await f.days(8)
    seen = await f.see(resolution, "state chosen turnout members")
    assert seen["members"] > 6  # all who live in 西山社, so that three are too few
    assert seen == {"state": "NO_QUORUM", "chosen": None, "turnout": 3, "members": seen["members"]}
    await f.tune(ballot_quorum_percent=0)
    again = await f.deliberated(b, "停车方案再议")
    resolution, ballot = await f.ballot(again, options=["方案甲", "方案乙", "方案丙"], electorate="RESIDENTS")
    for login in (a, b, outside):
        assert await f.vote(login, ballot, 1) == "done"
    await f.days(6)
    seen = await f.see(resolution, "state chosen tally { label votes }")
    assert seen["state"] in EFFECTIVE and seen["chosen"] == "方案乙"
    assert seen["tally"] == [{"label": f"方案{x}", "votes": 3 * (x == "乙")} for x in "甲乙丙"]


async def test_a_ballot_that_is_called_off_gives_the_topic_back(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, _ = f.members
    topic = await f.deliberated(a)
    resolution, ballot = await f.ballot(topic)
    assert await n.refused(
        "clerk", "forumsWithdrawConsensus", "resolution { id }", resolutionId=resolution, reason="x"
    ) == "IS_A_BALLOT"  # fmt: skip
    await n.do("clerk", "ballotsCancel", "ballot { state }", ballotId=ballot, reason="题目有误")
    await n.delivered()
    assert await f.see(resolution, "state topic { state }") == {"state": "WITHDRAWN", "topic": {"state": "OPEN"}}
