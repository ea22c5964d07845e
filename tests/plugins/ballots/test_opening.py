"""Who votes is who may when voting begins (INV7): not who lived there when the ballot was announced."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.ids import to_global
from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio


async def announced(b: Balloting, days: int = 60) -> str:
    return await b.ballot(opened=False, voterIds=None, opensAt=b.at(days=days), closesAt=b.at(days=days + 3))


async def moves_out(b: Balloting, who: str) -> None:
    ((member,),) = await b.rows("SELECT id FROM core_membership WHERE actor_id = {}", uuid(b.voters[who]))
    given: dict[str, Any] = {"membershipId": to_global("membership", uuid(f"membership_{member}"))}
    await b.n.do("clerk", "coreEndMembership", "membership { id }", **given, until=b.n.clock.today().isoformat())


async def test_the_roll_of_all_residents_is_drawn_again_when_it_opens(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n = b.n
    ballot = await announced(b)
    leaves, leaves_too, stays = b.voters
    n.clock.advance(timedelta(days=10))
    await moves_out(b, leaves)
    await n.do(leaves_too, "coreErasePerson", "", personId=b.voters[leaves_too], reason="本人申请")
    (comes,) = await b.settle(1, since=n.clock.today() - timedelta(days=400))
    n.clock.advance(timedelta(days=50, minutes=1))
    # The first vote opens it, where no job was quicker.
    assert await b.vote(comes, ballot, 0) == "done"
    assert await b.vote(leaves, ballot, 0) == "NOT_ON_ROLL"
    assert await b.vote(stays, ballot, 0) == "done"
    seen = await b.see(ballot, "state roll { state asOf listed }", "clerk")
    assert (seen["state"], seen["roll"]["state"]) == ("OPEN", "FROZEN")
    assert seen["roll"]["asOf"] == n.clock.today().isoformat()
    listed = await b.rows(
        "SELECT e.actor_id, e.state FROM ballots_entry e JOIN ballots_ballot x ON x.roll_id = e.roll_id WHERE x.id = {}",
        uuid(ballot),
    )
    states = {str(actor): state for actor, state in listed}
    found = [states[str(uuid(b.voters[who]))] for who in (leaves, leaves_too, stays, comes)]
    assert found == ["REMOVED", "REMOVED", "LISTED", "LISTED"]
    assert (await b.over(ballot))["voters"] == seen["roll"]["listed"]


async def test_a_large_roll_is_drawn_again_bit_by_bit_and_its_ballot_gets_its_whole_time(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = await Balloting.begin(neighbourhood, 4)
    n = b.n
    monkeypatch.setattr("plugins.ballots.rules.rolls.AT_ONCE", 3)
    ballot = await announced(b, 2)
    for _ in range(20):
        await n.due()
    leaves, stays, *_ = b.voters
    await moves_out(b, leaves)
    n.clock.advance(timedelta(days=2, minutes=1))
    assert await b.vote(stays, ballot, 0) == "ROLL_FILLING"
    await n.due()
    assert await b.vote(stays, ballot, 0) == "ROLL_FILLING"
    n.clock.advance(timedelta(hours=1))
    for _ in range(20):
        await n.due()
    assert await b.vote(leaves, ballot, 0) == "NOT_ON_ROLL"
    assert await b.vote(stays, ballot, 0) == "done"
    seen = await b.see(ballot, "state closesAt")
    assert seen == {"state": "OPEN", "closesAt": seen["closesAt"]} and seen["closesAt"] > b.at(days=2, hours=23)


async def test_who_is_erased_before_it_opens_is_no_voter(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    n = b.n
    ballot = await b.ballot(opened=False)
    gone, stays = b.voters
    erase = ("coreErasePerson", "")
    await n.do(gone, *erase, personId=b.voters[gone], reason="本人申请")
    n.clock.advance(timedelta(seconds=5))
    await n.due()
    assert await b.vote(stays, ballot, 0) == "done"
    seen = await b.over(ballot)
    assert (seen["outcome"], seen["voters"], seen["cast"]) == ("ADOPTED", 1, 1)


async def test_who_is_on_a_final_roll_is_erased_after_the_vote(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n = b.n
    await b.rule()
    roll = await b.roll()
    early, late, _ = b.voters
    erase = ("coreErasePerson", "")
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    await n.do(early, *erase, personId=b.voters[early], reason="本人申请")
    n.clock.advance(timedelta(days=9))
    await n.due()
    before = await n.ask("clerk", "query($i: ID!) { ballotsRoll(id: $i) { listed } }", i=roll)
    made = await n.do("clerk", "ballotsFinaliseRoll", "roll { listed }", rollId=roll)
    assert made["roll"]["listed"] == before["ballotsRoll"]["listed"] - 1
    assert await n.refused(late, *erase, personId=b.voters[late], reason="本人申请") == "OPEN_MATTERS"
