"""M31 beside M02: a newcomer sits in the residents' council of a community once verified, in that of a village once the
villagers' representatives have agreed, who are those that sit in their meeting."""

from __future__ import annotations

from datetime import timedelta

import pytest

pytest.importorskip("plugins.ballots")
pytest.importorskip("plugins.councils")
pytest.importorskip("plugins.new_residents")

from core.testing.kit import Neighbourhood
from tests.kits.ballots import Balloting
from tests.kits.councils import Council
from tests.kits.new_residents import Arriving

pytestmark = [pytest.mark.anyio, pytest.mark.needs("ballots", "councils", "new_residents")]
SEAT = ("admin", "councilsFillSeat", "seat { id }")


async def test_newcomers_are_seated_as_locals_are(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    b, c = Balloting(n, a.xishan), Council(n, a.xishan)
    town = await c.found(area=a.haihong, name="海虹居民理事会")
    (login,) = await n.newcomers(1, "xinyang")
    registration = await a.register(login)
    seat = {"holderId": await a.person(login), "category": "RESIDENT"}
    assert await n.refused(*SEAT, bodyId=town, **seat) == "NOT_FROM_HERE"
    await a.verify(registration)
    await n.do(*SEAT, bodyId=town, **seat)

    # In the village the representatives are asked, who are those that sit in their meeting.
    village = await c.found(name="西山社新老居民理事会")
    meeting = await c.found(kind="REPRESENTATIVES", name="西山社各组代表会议", size=7)
    locals_ = await b.settle(3)
    for who in b.voters.values():
        await n.do(*SEAT, bodyId=meeting, holderId=who, category="RESIDENT")
    (geng,) = await n.newcomers(1, "haihong")
    waiting = await a.register(geng, a.xishan)
    assert (await a.verify(waiting, by="clerk"))["state"] == "PENDING_CONSENT"
    seat = {"holderId": await a.person(geng), "category": "RESIDENT"}
    assert await n.refused(*SEAT, bodyId=village, **seat) == "NOT_FROM_HERE"
    ask = ("clerk", "newResidentsAskConsent", "registration { consentBallotId }")
    times = {"registrationId": waiting, "opensAt": b.at(seconds=1), "closesAt": b.at(days=2)}
    assert await n.refused(*ask, **times) == "ONE_OF_NEEDED"
    both = {"bodyId": meeting, "representativeIds": list(b.voters.values())[:1]}
    assert await n.refused(*ask, **times, **both) == "ONE_OF_NEEDED"
    for other in (village, town):
        assert await n.refused(*ask, **times, bodyId=other) == "NOT_THE_REPRESENTATIVES"
    ballot = (await n.do(*ask, **times, bodyId=meeting))["registration"]["consentBallotId"]
    n.clock.advance(timedelta(seconds=2))
    await n.due()
    for who in locals_:
        assert await b.vote(who, ballot, 0) == "done"
    assert (await b.over(ballot))["outcome"] == "ADOPTED"
    assert await a.see(waiting, "state") == {"state": "VERIFIED"}
    await n.do(*SEAT, bodyId=village, **seat)
