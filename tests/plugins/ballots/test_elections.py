"""Elections to seats: what equal votes for the last seat come to, by the rule that was announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from balloting import Balloting

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
QUORUM = {"quorum": {"numerator": 1, "denominator": 2}, "threshold": None}


@dataclass
class Election:
    """Seven voters, three of whom stand for two seats."""

    b: Balloting
    id: str

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Election:
        b = await Balloting.begin(n, 7)
        await b.rule()
        roll = await b.final_roll()
        made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="村委会换届", seats=2)
        election = cls(b, made["election"]["id"])
        for who in list(b.voters)[:3]:
            await n.do(who, "ballotsNominate", "candidate { id }", electionId=election.id, actorId=b.voters[who])
        n.clock.advance(timedelta(days=15))
        await n.do("admin", "ballotsPostCandidates", "election { id }", electionId=election.id)
        return election

    async def vote(self, papers: list[str], **rule: Any) -> dict[str, Any]:
        """Each of the voters fills in a paper, `02` for the first and the third; what came of it."""
        b, n, people = self.b, self.b.n, list(self.b.voters)
        made = await n.do(
            "admin", "ballotsOpen", "ballot { id options(first: 9) { nodes { position label } } }", electionId=self.id,
            opensAt=b.at(days=4), closesAt=b.at(days=5), rule={**QUORUM, **rule},
        )  # fmt: skip
        ballot = made["ballot"]["id"]
        places = {o["label"]: o["position"] for o in made["ballot"]["options"]["nodes"]}
        n.clock.advance(timedelta(days=4, minutes=1))
        for who, paper in zip(people, papers, strict=True):
            assert await b.vote(who, ballot, *(places[people[int(c)]] for c in paper)) == "done"
        seen = await b.over(ballot)
        again = await n.ask("resident", "query($i: ID!) { ballotsRecount(ballotId: $i) { agrees outcome } }", i=ballot)
        assert again["ballotsRecount"] == {"agrees": True, "outcome": seen["outcome"]}
        return seen

    async def states(self) -> dict[str, str]:
        query = "query($i: ID!) { ballotsElection(id: $i) { candidates(first: 9) { nodes { state actor { id } } } } }"
        nodes = (await self.b.n.ask(None, query, i=self.id))["ballotsElection"]["candidates"]["nodes"]
        found = {c["actor"]["id"]: c["state"] for c in nodes}
        return {str(k): found[self.b.voters[who]] for k, who in enumerate(list(self.b.voters)[:3])}

    async def seat(self) -> str:
        b = self.b
        b.n.clock.advance(timedelta(days=20))  # the result has been public long enough, where it is made public
        await b.n.due()
        return str(
            (await b.n.do("admin", "ballotsSeat", "election { state }", electionId=self.id))["election"]["state"]
        )


LEVEL = ["0", "0", "01", "02", "12", "0", "0"]  # six for the first, two each for the others: one seat is open


async def test_a_tie_for_the_last_seat_is_voted_on_again_by_those_who_are_level(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    first = await e.vote(LEVEL)
    assert first["outcome"] == "TIED" and sum(t["tied"] for t in first["tally"]) == 2
    assert await e.states() == {"0": "ELECTED", "1": "ACCEPTED", "2": "ACCEPTED"}
    assert await e.b.n.refused("admin", "ballotsSeat", "election { id }", electionId=e.id) == "ELECTION_STATE"
    second = await e.vote(["1", "2", "2", "2", "", "1", "2"])
    assert (second["outcome"], len(second["tally"])) == ("ELECTED", 2)
    assert await e.states() == {"0": "ELECTED", "1": "NOT_ELECTED", "2": "ELECTED"}
    assert await e.seat() == "SEATED"


async def test_a_tie_is_drawn_by_lot_where_the_rule_says_so_and_the_lot_is_kept(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    seen = await e.vote(LEVEL, ties="LOT")
    assert seen["outcome"] == "ELECTED" and not any(t["tied"] for t in seen["tally"])
    states = await e.states()
    assert states["0"] == "ELECTED" and sorted((states["1"], states["2"])) == ["ELECTED", "NOT_ELECTED"]
    assert await e.seat() == "SEATED"


async def test_a_tie_leaves_the_seat_empty_where_the_rule_says_so(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    seen = await e.vote(LEVEL, ties="REJECT")
    assert seen["outcome"] == "ELECTED" and [t["won"] for t in seen["tally"]].count(True) == 1
    assert await e.states() == {"0": "ELECTED", "1": "NOT_ELECTED", "2": "NOT_ELECTED"}
    assert await e.seat() == "SEATED"
