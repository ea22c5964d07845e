"""Who sits as a resident sits no longer than they live there; moving within the area is none away from it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def moves_out(c: Council, actor: str, *, in_days: int = 0) -> None:
    """The desk records the last day on which they live where they live."""
    query = "query($i: ID!) { node(id: $i) { ... on Actor { memberships(first: 9) { nodes { id state } } } } }"
    nodes = (await c.n.ask("admin", query, i=actor))["node"]["memberships"]["nodes"]
    (membership,) = [m["id"] for m in nodes if m["state"] == "ACTIVE"]
    until = (c.n.clock.today() + timedelta(days=in_days)).isoformat()
    await c.n.do("admin", "coreEndMembership", "membership { id }", membershipId=membership, until=until)


async def moves_in(c: Council, actor: str, area: str) -> None:
    await c.n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=actor, areaId=await c.n.area_id(area), role="RESIDENT",
        since=c.n.clock.today().isoformat(),
    )  # fmt: skip


STATE = "state vacatedBecause"
LEFT = {"state": "VACATED", "vacatedBecause": "LEFT_AREA"}
SITS = {"state": "FILLED", "vacatedBecause": None}


async def test_who_moves_away_leaves_their_seat_and_the_composition_is_counted_anew(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    holders = {}
    for name, category in (("近日", "RESIDENT"), ("日后", "NEW_RESIDENT"), ("专家", "EXPERT")):
        holders[name] = await c.resident(name)
        await c.seat(holders[name], name=name, category=category, also=["WOMEN"])
    await c.rule("RESIDENT", 1, 2)
    before = (await c.see(c.body, "isValid compositions(first: 9) { totalCount }"))["compositions"]["totalCount"]
    await moves_out(c, holders["近日"], in_days=-1)
    await moves_out(c, holders["专家"], in_days=-1)
    await moves_out(c, holders["日后"], in_days=20)
    await n.delivered()
    assert await c.see(c.seats["近日"], STATE) == LEFT
    assert await c.see(c.seats["专家"], STATE) == await c.see(c.seats["日后"], STATE) == SITS
    body = await c.see(c.body, "isValid compositions(first: 9) { totalCount }")
    assert body == {"isValid": False, "compositions": {"totalCount": before + 1}}
    await c.days(20)
    assert await c.see(c.seats["日后"], STATE) == SITS  # their last day
    await c.days(1)
    assert await c.see(c.seats["日后"], STATE) == LEFT
    assert await c.see(c.seats["专家"], STATE) == SITS


async def test_who_moves_within_the_area_keeps_their_seat_and_who_was_elected_loses_it_like_others(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    area = await n.area_id("haicang")
    c = await Council.begin(n, members=0, area=area)
    mover, elected = await c.resident("搬家"), await c.resident("当选")
    await c.seat(mover, name="搬家")
    await c.seat(elected, name="当选", category="REPRESENTATIVE")
    await moves_out(c, mover)
    await n.delivered()
    await n.due()
    await moves_in(c, mover, "haihong")
    await moves_out(c, elected)
    await c.days(1)
    await n.delivered()
    assert await c.see(c.seats["搬家"], STATE) == SITS
    assert await c.see(c.seats["当选"], STATE) == LEFT
    await moves_in(c, elected, "haihong")
    assert await c.n.outcome(
        "admin", "councilsFillSeat", "seat { id }", bodyId=c.body, holderId=elected, category="REPRESENTATIVE"
    ) == "done"  # fmt: skip


@pytest.mark.needs("new_residents")
async def test_a_residence_that_waits_for_the_villagers_ends_with_its_seat_above_the_village(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0, area=await n.area_id("haicang"))
    (login,) = await n.newcomers(1, "haihong")
    holder, since = await c.person(login), (n.clock.today() - timedelta(days=400)).isoformat()
    registered = await n.do(
        login, "newResidentsRegister", "registration { id }", areaId=c.area, address="西山社 5 号", since=since,
        evidence=[{"kind": "LEASE", "reference": "租赁合同 2026-118 号"}],
    )  # fmt: skip
    registration = registered["registration"]["id"]
    verified = await n.do(
        "clerk", "newResidentsVerifyResidence", "registration { state }", registrationId=registration, since=since,
        identity="IN_PERSON",
    )  # fmt: skip
    assert verified["registration"]["state"] == "PENDING_CONSENT"
    await c.seat(holder, name="待同意", category="NEW_RESIDENT")
    await n.due()
    assert await c.see(c.seats["待同意"], STATE) == SITS
    await n.do(login, "newResidentsMoveAway", "registration { state }", registrationId=registration)
    await n.delivered()
    assert await c.see(c.seats["待同意"], STATE) == SITS  # the last day of a residence is one
    await c.days(1)
    assert await c.see(c.seats["待同意"], STATE) == LEFT
