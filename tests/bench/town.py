"""What is asked about: 446 areas, 10,000 actors, 5,000 activities and 60,000 participations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from core.accounts import issue_token
from core.cli.tasks import first_admin
from core.enums import ActivityState, ActorKind, AreaKind, ParticipationState
from core.ids import new_id
from core.models import Activity, Participation
from core.rules.actors import new_actor
from core.rules.areas import create_area
from core.work import Work
from server import Server

TOWNS, COMMUNITIES, GRIDS = 5, 8, 10  # of the district, of each town, of each community
ACTORS, ACTIVITIES, EACH = 10_000, 5_000, 12
TOGETHER = 400  # rows to a transaction


@dataclass
class Town:
    """What the load needs to know of the rows."""

    token: str
    person: str
    communities: list[str]  # codes
    activities: list[str]
    after: str = ""


async def build(server: Server) -> Town:
    """Fill an empty database; the one account's token is good for a year."""
    runtime, random = server.runtime, Random(2026)
    await first_admin(runtime, "bench", "林晓敏", "measured by the hour", "d", "区")
    communities: list[UUID] = []

    async def areas(work: Work) -> dict[str, Any]:
        (district,) = await work.rows("SELECT id FROM core_area WHERE code = 'd'")
        top = UUID(str(district["id"]))
        for t in range(TOWNS):
            town = await create_area(work, code=f"d-{t}", name=f"街道{t}", kind=AreaKind.SUBDISTRICT, parent_id=top)
            await work.flush_now()
            for c in range(COMMUNITIES):
                code = f"d-{t}-{c}"
                made = await create_area(
                    work, code=code, name=f"社区{t}{c}", kind=AreaKind.COMMUNITY, parent_id=town.id
                )
                communities.append(made.id)
                await work.flush_now()
                for g in range(GRIDS):
                    await create_area(work, code=f"{code}-{g}", name=f"网格{g}", kind=AreaKind.GRID, parent_id=made.id)
                await work.flush_now()
        return {}

    await runtime.as_system(areas)
    start = runtime.clock.now().replace(microsecond=0)
    people: list[UUID] = []
    activities: list[str] = []

    async def register(work: Work, number: int) -> None:
        area = communities[number % len(communities)]
        actor = new_actor(kind=ActorKind.PERSON, name=f"居民{number:05}", area_id=area)
        work.own_matter()
        work.add(actor)
        work.record("core.actor.registered", actor, area_id=area, data={"kind": "PERSON"})
        people.append(actor.id)

    async def happen(work: Work, number: int) -> None:
        area = communities[number % len(communities)]
        begins = start + timedelta(days=1, minutes=number)
        activity = Activity(
            id=new_id(), area_id=area, organizer_id=random.choice(people), title=f"活动{number:05}", place="小公园",
            state=ActivityState.OPEN, starts_at=begins, ends_at=begins + timedelta(hours=2), places_taken=EACH,
        )  # fmt: skip
        work.own_matter()
        work.add(activity)
        work.record("core.activity.opened", activity, area_id=area)
        for place, person in enumerate(random.sample(people, EACH)):
            joined = Participation(
                id=new_id(), activity_id=activity.id, actor_id=person, state=ParticipationState.JOINED,
                joined_at=start + timedelta(seconds=place),
            )  # fmt: skip
            work.add(joined)
            work.record("core.activity.joined", joined, area_id=area, data={"activity": str(activity.id)})
        activities.append(str(activity.id))

    for rule, many, rows in ((register, ACTORS, 1), (happen, ACTIVITIES, EACH + 1)):
        numbers = iter(range(many))
        while some := list(islice(numbers, TOGETHER // rows)):

            async def together(work: Work, rule: Any = rule, some: list[int] = some) -> dict[str, Any]:
                for number in some:
                    await rule(work, number)
                return {}

            await runtime.as_system(together)
    mark = runtime.database.dialect.mark(1)
    account = await runtime.database.read(f"SELECT id, person_id FROM core_account WHERE login = {mark}", ["bench"])
    token, _ = await issue_token(runtime, account[0][0], timedelta(days=365))
    codes = [f"d-{t}-{c}" for t in range(TOWNS) for c in range(COMMUNITIES)]
    return Town(token, str(account[0][1]), codes, activities)
