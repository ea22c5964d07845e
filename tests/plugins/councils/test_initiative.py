"""Who starts activities: an indicator of what the government leaves to others (M46)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.enums import ActivityState, ActorKind, OrganizationKind
from core.ids import new_id, split_global
from core.models import Activity, Area
from core.rules.actors import register_actor
from core.testing.kit import Neighbourhood
from core.work import Work
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
QUERY = """query($a: ID!, $p: String!) { councilsInitiative(areaId: $a, period: $p) { totalCount
    nodes { id activities area { id } shares { starter activities percent } } } }"""


async def told(n: Neighbourhood, area: str, period: str, who: str | None = None) -> dict[str, Any]:
    (row,) = (await n.ask(who, QUERY, a=area, p=period))["councilsInitiative"]["nodes"]
    assert row["area"]["id"] == area
    shares = {s["starter"]: (s["activities"], s["percent"]) for s in row["shares"]}
    return {"all": row["activities"], **shares}


async def test_a_meeting_that_a_clerk_calls_is_none_of_the_residents(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=2)
    (chair,) = await n.newcomers(1, "xishan")
    await c.seat(await c.person(chair), name="chair", category="EXPERT", office="CHAIR")
    year = str((n.clock.now() + timedelta(days=6)).year)
    was = await told(n, c.area, year)
    await c.call(who="clerk")
    await c.call(who=chair)
    now = await told(n, c.area, year)
    counted = {name: now[name][0] - was[name][0] for name in ("RESIDENTS", "GOVERNMENT", "ORGANIZATIONS")}
    assert counted == {"RESIDENTS": 1, "GOVERNMENT": 1, "ORGANIZATIONS": 0}


async def test_activities_are_counted_by_who_organises_them(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    made = await n.do(
        "admin", "coreCreateArea", "area { id }", parentId=await n.area_id("xishan"), kind="COMPOUND", name="西山花园",
        code="xishan-garden",
    )  # fmt: skip
    area, above = made["area"]["id"], await n.area_id("xishan")
    assert await told(n, area, "2025") == {
        "all": 0, "RESIDENTS": (0, None), "ORGANIZATIONS": (0, None), "ENTERPRISES": (0, None), "GOVERNMENT": (0, None),
    }  # fmt: skip
    was = await told(n, above, "2025")
    when = datetime(2025, 6, 1, 4, tzinfo=UTC)
    last = datetime(2025, 12, 31, 15, 59, tzinfo=UTC)  # a minute before the year ends in Shanghai

    async def organise(work: Work) -> dict[str, Any]:
        work.require("core.activity.organise", await work.get(Area, split_global(area)[1]))
        place = split_global(area)[1]

        async def actor(kind: ActorKind, organization: OrganizationKind | None = None) -> UUID:
            row = await register_actor(
                work, kind=kind, name=f"{kind} {organization}", area_id=place, organization_kind=organization
            )
            return row.id

        def activity(organizer: UUID, at: datetime = when, state: ActivityState = ActivityState.OPEN) -> None:
            row = Activity(
                id=new_id(), area_id=place, organizer_id=organizer, title="活动", summary=None, place=None, state=state,
                starts_at=at, ends_at=at + timedelta(hours=1), capacity=None, places_taken=0,
            )  # fmt: skip
            work.add(row)
            work.record("core.activity.organised", row, area_id=place)

        person, household = await actor(ActorKind.PERSON), await actor(ActorKind.HOUSEHOLD)
        committee = await actor(ActorKind.ORGANIZATION, OrganizationKind.RESIDENTS_COMMITTEE)
        company, office = await actor(ActorKind.ENTERPRISE), await actor(ActorKind.GOVERNMENT_BODY)
        for organizer in (person, household, committee, company):
            activity(organizer)
        activity(committee, last)
        activity(office)
        activity(office, state=ActivityState.CANCELLED)
        activity(office, state=ActivityState.PLANNED)
        activity(office, last + timedelta(minutes=1))
        return {}

    await n.server.runtime.as_system(organise)
    assert await told(n, area, "2025") == {
        "all": 6, "RESIDENTS": (2, 33.3), "ORGANIZATIONS": (2, 33.3), "ENTERPRISES": (1, 16.7), "GOVERNMENT": (1, 16.7),
    }  # fmt: skip
    assert (await told(n, area, "2026-01"))["GOVERNMENT"] == (1, 100.0)
    now = await told(n, above, "2025")
    assert now["all"] == was["all"] + 6 and now["GOVERNMENT"][0] == was["GOVERNMENT"][0] + 1
    (beside,) = (await n.ask(None, QUERY, a=await n.area_id("hongtang"), p="2026-01"))["councilsInitiative"]["nodes"]
    assert sum(s["activities"] for s in beside["shares"]) == beside["activities"]
    with pytest.raises(AssertionError, match="BAD_PERIOD"):
        await n.ask(None, QUERY, a=area, p="this year")
