"""Many at once: exactly one effect."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from time import monotonic

import pytest

from core.database import deadline
from core.errors import Refusal
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


async def open_activity(n: Neighbourhood, capacity: int) -> str:
    start = n.clock.now() + timedelta(days=3)
    made = await n.do(
        "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title="一个名额",
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=2)).isoformat(), capacity=capacity,
    )  # fmt: skip
    id = made["activity"]["id"]
    await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=id)
    return str(id)


async def test_fifty_people_join_for_one_place(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = await open_activity(n, 1)
    people = await n.newcomers(50, "xishan")
    results = await asyncio.gather(
        *(n.outcome(p, "coreJoinActivity", "participation { id }", activityId=activity) for p in people)
    )
    assert sorted(results) == ["ACTIVITY_FULL"] * 49 + ["done"]
    seen = await n.ask(
        None, "query($i: ID!) { node(id: $i) { ... on Activity { placesTaken participations { totalCount } } } }",
        i=activity,
    )  # fmt: skip
    assert seen["node"] == {"placesTaken": 1, "participations": {"totalCount": 1}}


async def test_one_person_joins_twenty_times_and_holds_one_place(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = await open_activity(n, 30)
    results = await asyncio.gather(
        *(n.outcome("resident", "coreJoinActivity", "participation { id }", activityId=activity) for _ in range(20))
    )
    assert sorted(results) == ["ALREADY_JOINED"] * 19 + ["done"]


async def test_one_idempotency_key_sent_twenty_times_has_one_effect_and_one_answer(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    start = n.clock.now() + timedelta(days=3)
    arguments = {
        "areaId": await n.area_id("xishan"),
        "title": "只办一次",
        "startsAt": start.isoformat(),
        "endsAt": (start + timedelta(hours=2)).isoformat(),
        "idempotencyKey": "same",
    }
    answers = await asyncio.gather(
        *(n.do("clerk", "coreOrganiseActivity", "activity { id title }", **arguments) for _ in range(20))
    )
    assert len({a["activity"]["id"] for a in answers}) == 1
    found = await n.ask(None, '{ activities(where: {title: {eq: "只办一次"}}) { totalCount } }')
    assert found["activities"]["totalCount"] == 1
    other = arguments | {"title": "另一件事"}
    assert await n.refused("clerk", "coreOrganiseActivity", "activity { id }", **other) == "IDEMPOTENCY_CONFLICT"


async def test_a_refusal_is_not_remembered_under_its_key(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activity = await open_activity(n, 1)
    await n.do("company", "coreJoinActivity", "participation { id }", activityId=activity)
    join = {"activityId": activity, "idempotencyKey": "again"}
    assert await n.refused("resident", "coreJoinActivity", "participation { id }", **join) == "ACTIVITY_FULL"
    await n.do("company", "coreLeaveActivity", "participation { id }", activityId=activity)
    await n.do("resident", "coreJoinActivity", "participation { id }", **join)


async def test_two_moves_at_once_never_close_a_cycle(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    one, two = await n.area_id("xinyang"), await n.area_id("dongfu")
    results = await asyncio.gather(
        n.outcome("admin", "coreMoveArea", "area { id }", areaId=one, parentId=two),
        n.outcome("admin", "coreMoveArea", "area { id }", areaId=two, parentId=one),
    )
    assert sorted(results) == ["AREA_CYCLE", "done"]


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # nobody waits to begin on PostgreSQL
async def test_a_writer_waits_for_another_no_longer_than_its_request_may_take(neighbourhood: Neighbourhood) -> None:
    database = neighbourhood.server.runtime.database
    await neighbourhood.quiet()

    held, over = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.transaction():
            held.set()
            await over.wait()

    async def write(until: float) -> None:
        deadline.set(until)
        async with database.transaction() as transaction:
            await transaction.fetch("UPDATE core_governance SET version = version")

    holding = asyncio.create_task(hold())
    await held.wait()
    patient = asyncio.create_task(write(monotonic() + 600))
    with pytest.raises(Refusal, match="BUSY"):
        await asyncio.create_task(write(monotonic() + 0.05))
    over.set()
    await asyncio.gather(holding, patient)
