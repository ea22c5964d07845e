"""Two actors who are one, somebody who is erased, and the plugin switched off and on: nothing is lost, nothing breaks."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def test_a_merged_actor_s_seat_goes_to_the_one_that_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=3, members=0)
    kept, gone = await c.resident("甲某"), await c.resident("甲某某")
    seat = await c.seat(gone)
    merge = {"keptId": kept, "goneId": gone, "reason": "重复登记"}
    await n.do("admin", "coreMergeActors", "actor { id }", **merge)
    assert (await c.see(seat, "holder { id }"))["holder"]["id"] == kept
    assert await n.refused(
        "admin", "councilsFillSeat", "seat { id }", bodyId=c.body, holderId=gone, category="RESIDENT"
    ) == ("ALREADY_SEATED")


async def test_two_who_sit_in_one_body_are_not_merged_before_one_seat_is_vacant(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=3, members=0)
    kept, gone = await c.resident("乙某"), await c.resident("乙某某")
    await c.seat(kept)
    seat = await c.seat(gone)
    merge = {"keptId": kept, "goneId": gone, "reason": "重复登记"}
    assert await n.refused("admin", "coreMergeActors", "actor { id }", **merge) == "BOTH_SEATED"
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=seat, because="OTHER")
    await n.do("admin", "coreMergeActors", "actor { id }", **merge)


async def test_whoever_holds_a_seat_is_erased_only_after_it_is_vacant(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=3, members=0)
    person = await c.resident("丙某")
    seat = await c.seat(person)
    erase = {"personId": person, "reason": "本人申请"}
    assert await n.refused("admin", "coreErasePerson", "", **erase) == "OPEN_MATTERS"
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=seat, because="RESIGNED")
    await n.do("admin", "coreErasePerson", "", **erase)
    assert (await c.see(seat, "state term: termStart"))["state"] == "VACATED"  # that somebody sat there stays


async def test_switched_off_it_is_closed_and_switched_on_again_nothing_is_lost(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    (item,) = await c.session("修路")
    before = await c.see(c.body, "name filledSeats isValid compositions { totalCount }")
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    resting = [plugin for plugin, needs in n.server.runtime.kernel.needs.items() if "councils" in needs]
    for plugin in [*resting, "councils"]:
        await n.do(*toggle, areaId=c.area, plugin=plugin, state="OFF")
    assert await c.n.outcome(
        "clerk", "councilsPassResolution", "resolution { id }", itemId=item, text="x", votesFor=1, votesAgainst=0
    ) == ("PLUGIN_DISABLED")
    assert (await n.ask("admin", "query($i: ID!) { councilsBody(id: $i) { name } }", i=c.body))["councilsBody"] is None
    for plugin in ["councils", *resting]:
        await n.do(*toggle, areaId=c.area, plugin=plugin, state="ON")
    assert await c.see(c.body, "name filledSeats isValid compositions { totalCount }") == before
    assert (await c.decide(item, 5))["state"] == "EFFECTIVE"
