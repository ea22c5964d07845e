"""Many at once: everybody votes once, and what counts was cast in time."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest

from core.ids import to_global
from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio


async def test_two_hundred_vote_in_the_last_second(neighbourhood: Neighbourhood) -> None:
    """Each twice, while the clerk closes: whoever was told "done" is counted, once, and nobody else."""
    b = await Balloting.begin(neighbourhood, 200)
    await b.n.quiet()
    ballot = await b.ballot()
    b.n.clock.advance(timedelta(days=3, seconds=-5))
    b.n.clock.set(b.n.clock.now())  # it stands, however long this machine takes
    begun = asyncio.Event()

    async def vote(who: str, choice: int) -> str:
        answer = await b.vote(who, ballot, choice)
        if answer == "done":
            begun.set()
        return answer

    async def end() -> str:
        await begun.wait()
        await asyncio.sleep(0.1)
        b.n.clock.advance(timedelta(seconds=5))
        return await b.n.outcome("clerk", "ballotsClose", "ballot { id }", ballotId=ballot)

    asked = [vote(who, number % 2) for number, who in enumerate(b.voters)] + [
        vote(who, 1 - number % 2) for number, who in enumerate(b.voters)
    ]
    closed, *answers = await asyncio.gather(end(), *asked)
    assert closed in ("done", "BALLOT_STATE", "BUSY")
    first, second = answers[:200], answers[200:]
    codes = Counter(answers)
    assert {"done", "BALLOT_STATE"} <= codes.keys() <= {"done", "ALREADY_VOTED", "BALLOT_STATE", "BUSY"}, codes
    assert all((a, c) != ("done", "done") for a, c in zip(first, second, strict=True))
    seen = await b.over(ballot)
    assert seen["cast"] == codes["done"] == sum(t["votes"] for t in seen["tally"])


async def test_one_person_at_the_desk_and_online_at_once_votes_once(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 8)
    ballot = await b.ballot(hasPapers=True)
    for who, actor in b.voters.items():
        results = await asyncio.gather(
            b.vote(who, ballot, 0),
            b.n.outcome("clerk", "ballotsHandOut", "vote { id }", ballotId=ballot, voterId=actor),
        )
        assert sorted(results) == ["ALREADY_VOTED", "done"]
    assert (await b.see(ballot, "turnout"))["turnout"] == 8


async def test_a_roll_is_frozen_while_somebody_moves_out(neighbourhood: Neighbourhood) -> None:
    """Who was on it when voting began votes, wherever they live by then (INV7)."""
    b = await Balloting.begin(neighbourhood, 4)
    ballot = await b.ballot(opened=False, voterIds=None, title="全体表决")
    who, actor = next(iter(b.voters.items()))
    ((member,),) = await b.rows("SELECT id FROM core_membership WHERE actor_id = {}", uuid(actor))
    b.n.clock.advance(timedelta(seconds=2))
    await b.n.due()
    move = b.n.outcome(
        "clerk", "coreEndMembership", "membership { id }",
        membershipId=to_global("membership", UUID(str(member))), until=b.n.clock.today().isoformat(),
    )  # fmt: skip
    voted, _ = await asyncio.gather(b.vote(who, ballot, 0), move)
    assert voted == "done"
    assert await b.vote(who, ballot, 1) == "ALREADY_VOTED"
    assert (await b.over(ballot))["cast"] == 1
