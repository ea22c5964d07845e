"""Elections to seats: what equal votes for the last seat come to, by the rule that was announced."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.ids import to_global
from core.testing.kit import Neighbourhood
from tests.kits.ballots import LEVEL, QUORUM, Balloting, Election

pytestmark = pytest.mark.anyio


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


async def test_nobody_is_seated_while_the_first_votes_result_is_objected_to(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    await e.vote(LEVEL)
    ((notice,),) = await e.b.rows(
        "SELECT id FROM disclosure_notice WHERE kind = '选举结果' ORDER BY published_at DESC LIMIT 1"
    )
    about = to_global("disclosure_notice", UUID(str(notice)))
    await e.b.n.do("resident", "disclosureObject", "objection { id }", noticeId=about, text="有人送米")
    await e.vote(["1", "2", "2", "2", "", "1", "2"])
    e.b.n.clock.advance(timedelta(days=20))
    await e.b.n.due()
    assert await e.b.n.refused("admin", "ballotsSeat", "election { id }", electionId=e.id) == "NOT_YET_CLEAN"


async def test_a_run_off_called_off_gives_no_more_seats_than_are_vacant(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    b, n = e.b, e.b.n
    await e.vote(LEVEL)
    given = {"electionId": e.id, "opensAt": b.at(days=4), "closesAt": b.at(days=5), "rule": QUORUM}
    run_off = (await n.do("admin", "ballotsOpen", "ballot { id }", **given))["ballot"]["id"]
    await n.do("clerk", "ballotsCancel", "ballot { state }", ballotId=run_off, reason="停电")
    see = "query($i: ID!) { ballotsElection(id: $i) { state } }"
    assert (await n.ask(None, see, i=e.id))["ballotsElection"] == {"state": "DECIDED"}
    assert await n.refused("admin", "ballotsCancelElection", "election { id }", electionId=e.id, reason="不") == (
        "ELECTION_STATE"
    )
    await e.vote(["1"] * 6 + ["2"])
    assert await e.states() == {"0": "ELECTED", "1": "ELECTED", "2": "NOT_ELECTED"}


async def test_no_ballot_of_another_lies_on_a_roll_that_an_election_holds(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    b = e.b
    given = {"areaId": b.area, "title": "顺便", "rollId": e.roll, "opensAt": b.at(hours=1), "closesAt": b.at(hours=4)}
    assert await b.n.refused("clerk", "ballotsAnnounce", "ballot { id }", **given) == "ROLL_HELD"


async def test_a_roll_stays_frozen_while_another_election_rests_on_it(neighbourhood: Neighbourhood) -> None:
    e = await Election.begin(neighbourhood)
    n, see = e.b.n, "query($i: ID!) { ballotsRoll(id: $i) { state } }"
    other = await n.do("admin", "ballotsCallElection", "election { id }", rollId=e.roll, title="监委会换届", seats=1)
    await e.vote(["01"] * 7)
    assert await e.seat() == "SEATED"
    assert (await n.ask("clerk", see, i=e.roll))["ballotsRoll"] == {"state": "FROZEN"}
    gone = {"electionId": other["election"]["id"], "reason": "并入下届"}
    await n.do("admin", "ballotsCancelElection", "election { state }", **gone)
    assert (await n.ask("clerk", see, i=e.roll))["ballotsRoll"] == {"state": "RELEASED"}


async def test_a_roll_above_ones_mandate_carries_no_ballot_of_ones_own(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    b = await Balloting.begin(n, 3)
    town = await n.area_id("dongfu")
    clauses = [{"basis": "RESIDENT", "all": [{"predicate": "RESIDENCE", "number": 1}]}]
    await n.do("admin", "ballotsMakeRule", "rule { id }", areaId=town, kind="TOWN", title="镇", clauses=clauses)
    made = await n.do("admin", "ballotsDraftRoll", "roll { id }", areaId=town, kind="TOWN", title="全镇名册")
    roll = made["roll"]["id"]
    await n.due()
    await n.do("admin", "ballotsPostRoll", "roll { id }", rollId=roll)
    n.clock.advance(timedelta(days=22))
    await n.due()
    await n.do("admin", "ballotsFinaliseRoll", "roll { id }", rollId=roll)
    given = {"areaId": b.area, "title": "凉亭", "rollId": roll, "opensAt": b.at(hours=1), "closesAt": b.at(hours=4)}
    assert await n.refused("clerk", "ballotsAnnounce", "ballot { id }", **given) == "NOT_PERMITTED"
    where = await n.do("admin", "ballotsAnnounce", "ballot { area { code } }", **given)
    assert where["ballot"]["area"] == {"code": "dongfu"}
