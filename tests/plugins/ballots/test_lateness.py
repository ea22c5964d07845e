"""Nobody loses a vote because ballots were off for a while, or because the roll was not ready when it should have been."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.synchronize import synchronize
from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting, uuid

pytestmark = pytest.mark.anyio
TIMES = "state outcome cast opensAt closesAt plannedClosesAt"


async def switch(b: Balloting, state: str, code: str = "xishan") -> None:
    area = await b.n.area_id(code)
    await b.n.do("admin", "coreTogglePlugin", "area { id }", areaId=area, plugin="ballots", state=state, reason="停")


def later(text: str, **step: float) -> datetime:
    return datetime.fromisoformat(text) + timedelta(**step)


async def test_a_ballot_stays_open_for_the_time_that_ballots_were_off(neighbourhood: Neighbourhood) -> None:
    """Off before its end and on again after it; twice; and a switch that changes nothing prolongs nothing."""
    b = await Balloting.begin(neighbourhood, 2)
    n, (first, second) = b.n, list(b.voters)
    ballot = await b.ballot()
    planned = (await b.see(ballot, "closesAt"))["closesAt"]
    await b.vote(first, ballot, 0)
    n.clock.advance(timedelta(days=2))
    await switch(b, "OFF")
    n.clock.advance(timedelta(days=5))
    await n.due()
    await switch(b, "ON")
    assert await n.refused("clerk", "ballotsClose", "ballot { id }", ballotId=ballot) == "BALLOT_RUNS"
    await n.due()
    await n.due()
    seen = await b.see(ballot, TIMES)
    assert (seen["state"], seen["plannedClosesAt"]) == ("OPEN", planned)
    assert later(seen["closesAt"]) == later(planned, days=5)
    await switch(b, "OFF")
    n.clock.advance(timedelta(hours=3))
    await switch(b, "ON")
    await switch(b, "INHERIT")
    await switch(b, "ON")
    await n.due()
    await n.due()
    seen = await b.see(ballot, TIMES)
    assert later(seen["closesAt"]) == later(planned, days=5, hours=3) and seen["plannedClosesAt"] == planned
    told = await b.rows(
        "SELECT count(*) FROM core_event WHERE type = 'ballots.ballot.prolonged' AND subject_id = {}", uuid(ballot)
    )
    assert told == [(2,)]
    n.clock.advance(timedelta(hours=20))
    assert await b.vote(second, ballot, 0) == "done"
    await n.due()
    n.clock.advance(timedelta(hours=5))
    await n.due()
    seen = await b.see(ballot, TIMES)
    assert (seen["state"], seen["outcome"], seen["cast"]) == ("CLOSED", "ADOPTED", 2)


async def test_it_is_open_at_once_when_ballots_are_on_again_above(neighbourhood: Neighbourhood) -> None:
    """Off in the area above while it should have opened; the first vote comes before the server has looked."""
    b = await Balloting.begin(neighbourhood, 1)
    ballot = await b.ballot(opened=False, opensAt=b.at(hours=1), closesAt=b.at(hours=3))
    planned = (await b.see(ballot, "closesAt"))["closesAt"]
    await switch(b, "OFF", "dongfu")
    b.n.clock.advance(timedelta(hours=6))
    await b.n.due()
    await switch(b, "ON", "dongfu")
    assert await b.vote(next(iter(b.voters)), ballot, 0) == "done"
    seen = await b.see(ballot, TIMES)
    assert later(seen["closesAt"]) == later(planned, hours=5) == b.n.clock.now() + timedelta(hours=2)
    b.n.clock.advance(timedelta(hours=1))
    await switch(b, "OFF")
    b.n.clock.advance(timedelta(hours=1))
    await switch(b, "ON")
    b.n.clock.advance(timedelta(minutes=30))
    await b.n.due()
    assert (await b.see(ballot, TIMES))["state"] == "OPEN"
    b.n.clock.advance(timedelta(minutes=31))
    await b.n.due()
    assert (await b.see(ballot, TIMES))["outcome"] == "ADOPTED"


async def test_time_in_which_the_server_ran_without_ballots_is_made_up_before_they_are_closed(
    neighbourhood: Neighbourhood,
) -> None:
    """What a server does when it starts with other plugins than the last one (`core.synchronize`), before any job runs."""
    b = await Balloting.begin(neighbourhood, 1)
    n, (voter,) = b.n, b.voters
    runs = await b.ballot()
    waits = await b.ballot(opened=False, opensAt=b.at(days=2), closesAt=b.at(days=3))
    planned = {each: (await b.see(each, "closesAt"))["closesAt"] for each in (runs, waits)}
    database, kernel = n.server.runtime.database, n.server.runtime.kernel
    tables = {r[0]: json.loads(r[1]) for r in await database.read("SELECT key, tables FROM core_installed")}
    rest = {key: manifest for key, manifest in kernel.manifests.items() if "ballots" not in (key, *manifest.needs)}
    n.clock.advance(timedelta(days=1))
    await synchronize(database, replace(kernel, manifests=rest), tables)
    n.clock.advance(timedelta(days=5))
    await synchronize(database, kernel, tables)
    await n.due()
    seen = await b.see(runs, TIMES)
    assert (seen["state"], seen["plannedClosesAt"]) == ("OPEN", planned[runs])
    assert later(seen["closesAt"]) == later(planned[runs], days=5)
    seen = await b.see(waits, TIMES)
    assert (seen["state"], later(seen["closesAt"])) == ("OPEN", n.clock.now() + timedelta(days=1))
    for each in (runs, waits):
        assert await b.vote(voter, each, 0) == "done"
    for each in (runs, waits):
        assert (await b.over(each))["outcome"] == "ADOPTED"


async def test_what_is_off_after_the_end_prolongs_nothing(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    ballot = await b.ballot()
    b.n.clock.advance(timedelta(days=3, hours=1))
    await switch(b, "OFF")
    b.n.clock.advance(timedelta(days=1))
    await switch(b, "ON")
    await b.n.due()
    seen = await b.see(ballot, TIMES)
    assert (seen["state"], seen["outcome"], seen["plannedClosesAt"]) == ("CLOSED", "NO_QUORUM", None)


async def test_a_ballot_whose_roll_is_late_has_the_whole_of_its_time(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 2)
    n = b.n
    await b.rule()
    roll = await b.roll()
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    given: dict[str, Any] = {"opensAt": b.at(days=20, hours=1), "closesAt": b.at(days=20, hours=3)}
    ballot = await b.ballot(opened=False, rollId=roll, **given)
    n.clock.advance(timedelta(days=20, hours=2, minutes=55))
    await n.due()
    assert (await b.see(ballot, "state"))["state"] == "ANNOUNCED"
    await n.do("clerk", "ballotsFinaliseRoll", "roll { id }", rollId=roll)
    final = n.clock.now()
    n.clock.advance(timedelta(minutes=10))
    await n.due()
    seen = await b.see(ballot, TIMES)
    assert seen["state"] == "OPEN"
    assert abs(later(seen["closesAt"]) - final - timedelta(hours=2)) < timedelta(seconds=2)
    assert later(seen["closesAt"]) - later(seen["opensAt"]) == timedelta(hours=2)


async def test_times_never_move_to_an_earlier_end(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 1)
    ballot = await b.ballot()
    database = b.n.server.runtime.database
    for column in ("opens_at", "closes_at"):
        one, two = database.dialect.mark(1), database.dialect.mark(2)
        with pytest.raises(Exception, match="APPEND_ONLY"):  # noqa: PT012
            async with database.transaction() as t:
                early = b.n.clock.now() - timedelta(days=1)
                await t.fetch(f"UPDATE ballots_ballot SET {column} = {one} WHERE id = {two}", early, uuid(ballot))


async def test_days_to_object_and_to_nominate_are_made_up(neighbourhood: Neighbourhood) -> None:
    b = await Balloting.begin(neighbourhood, 3)
    n, (first, second, _) = b.n, list(b.voters)
    await b.rule()
    roll = await b.roll()
    await n.do("clerk", "ballotsPostRoll", "roll { id }", rollId=roll)
    made = await n.do("admin", "ballotsCallElection", "election { id }", rollId=roll, title="换届", seats=1)
    election = made["election"]["id"]
    n.clock.advance(timedelta(days=4))
    await switch(b, "OFF")
    n.clock.advance(timedelta(days=8))
    await switch(b, "ON")
    assert await n.refused("clerk", "ballotsFinaliseRoll", "roll { id }", rollId=roll) == "OBJECTIONS_STILL_COME"
    about = {"rollId": roll, "personId": b.voters[second], "wish": "REMOVE", "statement": "已迁出"}
    objection = (await n.do(first, "ballotsObjectToRoll", "objection { id }", **about))["objection"]["id"]
    await n.do(first, "ballotsWithdrawObjection", "objection { state }", objectionId=objection)
    nominate = ("ballotsNominate", "candidate { id }")
    await n.do(first, *nominate, electionId=election, actorId=b.voters[first])
    post = ("admin", "ballotsPostCandidates", "election { id }")
    assert await n.refused(*post, electionId=election) == "NOMINATIONS_STILL_COME"
    n.clock.advance(timedelta(days=5))
    assert await n.refused(second, *nominate, electionId=election, actorId=b.voters[second]) == "NOMINATIONS_OVER"
    assert await n.refused(*post, electionId=election) == "TOO_FEW_CANDIDATES"
    prolong = ("admin", "ballotsProlongNominations", "election { state nominationsBy }")
    today = n.clock.today()
    assert await n.refused(*prolong, electionId=election, nominationsBy=today.isoformat()) == "NOMINATIONS_TOO_SHORT"
    until = (today + timedelta(days=3)).isoformat()
    seen = (await n.do(*prolong, electionId=election, nominationsBy=until))["election"]
    assert seen == {"state": "NOMINATING", "nominationsBy": until}
    await n.do(second, *nominate, electionId=election, actorId=b.voters[second])
