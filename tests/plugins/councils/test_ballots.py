"""Decided by ballot, and made public: what councils do with the plugins `ballots` and `disclosure`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from councilling import Council

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


async def council_of(n: Neighbourhood, count: int) -> tuple[Council, list[str]]:
    """A council whose members have accounts."""
    c = await Council.begin(n, size=7, members=0)
    logins = await n.newcomers(count, "xishan")
    for login in logins:
        me = await c.person(login)
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=me, areaId=c.area, role="RESIDENT",
            since="2024-05-01",
        )  # fmt: skip
        await c.seat(me, name=login)
    return c, logins


async def ballot_on(n: Neighbourhood, title: str) -> str:
    found = await n.ask("admin", f'{{ ballotsBallots(where: {{title: {{eq: "{title}"}}}}) {{ nodes {{ id }} }} }}')
    return str(found["ballotsBallots"]["nodes"][0]["id"])


@pytest.mark.needs("ballots")
async def test_a_ballot_of_the_members_present_decides_when_it_closes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, logins = await council_of(n, 5)
    item = await c.propose("选定晚会日期", "ACTIVITIES")
    there = logins[:4]
    await c.open(await c.call(item), [c.seats[login] for login in there])
    put = await n.do(
        "clerk", "councilsPutToBallot", "resolution { id state eligible }", itemId=item, text="中秋当晚", isSecret=True
    )
    assert (put["resolution"]["state"], put["resolution"]["eligible"]) == ("VOTING", 4)
    n.clock.advance(timedelta(minutes=1))
    await n.due()
    ballot = await ballot_on(n, "选定晚会日期")
    assert await c.outcome(logins[4], "ballotsCast", "vote { id }", ballotId=ballot, choices=[0]) != "done"
    for login, choice in zip(there, (0, 0, 0, 1), strict=True):
        assert await c.outcome(login, "ballotsCast", "vote { id }", ballotId=ballot, choices=[choice]) == "done"
    await c.days(4)
    done = await c.see(put["resolution"]["id"], "state votesFor votesAgainst votesAbstained")
    assert done == {"state": "EFFECTIVE", "votesFor": 3, "votesAgainst": 1, "votesAbstained": 0}


@pytest.mark.needs("disclosure")
async def test_a_listed_resolution_holds_only_after_its_notice_ended_clean(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    (item,) = await c.session("动用集体资金修桥", matter="FUNDS")
    decided = await c.decide(item, 5)
    assert decided["state"] == "ADOPTED"
    take = ("clerk", "councilsTakeEffect", "resolution { state }")
    assert await n.refused(*take, resolutionId=decided["id"]) == "UNDER_NOTICE"
    await c.days(30)
    assert (await c.see(decided["id"], "state"))["state"] == "EFFECTIVE"


@pytest.mark.needs("disclosure")
async def test_a_charter_is_not_enacted_before_its_notice_is_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    charter = await c.draft("公示后施行的章程")
    assert await c.adopt(charter) == "ADOPTED"
    assert await n.refused("clerk", "councilsEnactCharter", "charter { id }", charterId=charter) == "UNDER_NOTICE"
    await c.days(30)
    await c.enact(charter)
