"""A town votes: ten thousand on one roll, counted in one closing, within the time that a job has."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.ids import new_id, to_global
from core.models import Area
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.ballots.models import Ballot, Vote
from plugins.ballots.rules.papers import write
from plugins.ballots.rules.port import PutToTheVote
from plugins.ballots.terms import VotingChannel
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio
VOTERS, AT_ONCE = 10_000, 500


async def test_ten_thousand_papers_are_counted_in_one_closing(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood)
    n, made = b.n, list[UUID]()
    await n.quiet()
    voters: list[UUID] = []
    for start in range(0, VOTERS, AT_ONCE):
        voters += map(uuid, await n.registered(*(f"选民{k}" for k in range(start, start + AT_ONCE))))
    now = n.clock.now()

    async def put(work: Work) -> dict[str, Any]:
        area = await work.get(Area, uuid(b.area))
        id = await PutToTheVote().put(
            work, subject=area, area_id=area.id, title="旧村改造方案", voters=voters,
            is_secret=True, opens_at=now, closes_at=now + timedelta(days=1),
        )  # fmt: skip
        made.append(id)
        return {}

    await n.server.runtime.as_system(put)
    assert (await n.due())["ballots.openings"] == 1
    chosen = [0 if k % 5 else 1 if k % 2 else 2 for k in range(VOTERS)]

    async def vote(work: Work, some: range) -> dict[str, Any]:
        ballot = await work.lock(Ballot, made[0])
        work.require("ballots.vote.cast", ballot)
        for k in some:
            mark = Vote(
                id=new_id(), area_id=ballot.area_id, ballot_id=ballot.id, voter_id=voters[k], cast_by_id=voters[k],
                is_proxy=False, channel=VotingChannel.ONLINE,
            )  # fmt: skip
            work.add(mark)
            work.record("ballots.vote.cast", mark, area_id=ballot.area_id, data={"ballot": str(ballot.id)})
        write(work, ballot.id, [json.dumps([chosen[k]]) for k in some])
        return {}

    for start in range(0, VOTERS, AT_ONCE):
        await n.server.runtime.as_system(lambda work, s=start: vote(work, range(s, s + AT_ONCE)))  # type: ignore[misc]
    n.clock.advance(timedelta(days=1, seconds=1))
    assert (await n.due())["ballots.closings"] == 1
    ballot = to_global("ballots_ballot", made[0])
    seen = await b.see(ballot)
    counted = Counter(chosen)
    assert (seen["outcome"], seen["voters"], seen["cast"], seen["valid"]) == ("ADOPTED", VOTERS, VOTERS, VOTERS)
    assert [t["votes"] for t in seen["tally"]] == [counted[0], counted[1], counted[2]]
    again = "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees cast } }"
    assert (await n.ask("resident", again, i=ballot))["ballotsRecount"] == {"agrees": True, "cast": VOTERS}
