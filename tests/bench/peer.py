"""The usual way: Strawberry resolvers and DataLoaders over Tortoise models, as its documentation shows. DATABASE and
PERSON as for the floor. Without permissions and limits; joining keeps the event that the database's guards ask for."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from tortoise import Tortoise
from tortoise.expressions import F
from tortoise.functions import Count
from tortoise.transactions import in_transaction

from core.clock import to_millisecond
from core.database import tortoise_config
from core.ids import new_id
from core.models import Activity as ActivityRow
from core.models import Actor as ActorRow
from core.models import Area as AreaRow
from core.models import Event as EventRow
from core.models import Participation as ParticipationRow
from core.models import Transition as TransitionRow
from core.models.event import EPOCH_BASE

URL, PERSON = os.environ["DATABASE"], UUID(os.environ["PERSON"])


def instant(value: datetime) -> str:
    return to_millisecond(value).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@strawberry.type
class Area:
    id: strawberry.ID
    name: str


@strawberry.type
class Actor:
    id: strawberry.ID
    name: str

    @staticmethod
    def of(row: ActorRow) -> Actor:
        return Actor(id=strawberry.ID(f"actor_{row.id}"), name=row.name)


@strawberry.type
class Participation:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(f"participation_{self.row.id}")

    @strawberry.field
    async def actor(self, info: strawberry.Info) -> Actor:
        return Actor.of(await info.context["actors"].load(self.row.actor_id))

    @strawberry.field
    async def activity(self, info: strawberry.Info) -> Annotated[Activity, strawberry.lazy("peer")]:
        return Activity(row=await ActivityRow.get(id=self.row.activity_id))


@strawberry.type
class Participations:
    total_count: int
    nodes: list[Participation]


@strawberry.type
class Activity:
    row: strawberry.Private[Any]

    @strawberry.field
    def id(self) -> strawberry.ID:
        return strawberry.ID(f"activity_{self.row.id}")

    @strawberry.field
    def title(self) -> str:
        return str(self.row.title)

    @strawberry.field
    def starts_at(self) -> str:
        return instant(self.row.starts_at)

    @strawberry.field
    def places_taken(self) -> int:
        return int(self.row.places_taken)

    @strawberry.field
    async def area(self, info: strawberry.Info) -> Area:
        row = await info.context["areas"].load(self.row.area_id)
        return Area(id=strawberry.ID(f"area_{row.id}"), name=row.name)

    @strawberry.field
    async def organizer(self, info: strawberry.Info) -> Actor:
        return Actor.of(await info.context["actors"].load(self.row.organizer_id))

    @strawberry.field
    async def participations(self, info: strawberry.Info, first: int = 20) -> Participations:
        rows = await info.context["participations"].load(self.row.id)
        total = await info.context["counts"].load(self.row.id)
        return Participations(total_count=total, nodes=[Participation(row=r) for r in rows[:first]])


@strawberry.type
class Activities:
    nodes: list[Activity]


@strawberry.input
class CodeFilter:
    eq: str


@strawberry.input
class AreaWhere:
    code: CodeFilter


@strawberry.input
class ActivityWhere:
    area: AreaWhere


@strawberry.enum
class ActivityOrder(__import__("enum").Enum):  # type: ignore[misc]
    STARTS_AT_DESC = "STARTS_AT_DESC"


@strawberry.type
class Query:
    @strawberry.field
    async def node(self, id: strawberry.ID) -> Activity:
        return Activity(row=await ActivityRow.get(id=UUID(id.partition("_")[2])))

    @strawberry.field
    async def activities(
        self, where: ActivityWhere, order_by: ActivityOrder, first: int = 20, after: str | None = None
    ) -> Activities:
        area = await AreaRow.get(code=where.area.code.eq)
        rows = await ActivityRow.filter(area_id=area.id).order_by("-starts_at", "-id").limit(first)
        return Activities(nodes=[Activity(row=r) for r in rows])


@strawberry.type
class Problem:
    code: str


@strawberry.type
class Joined:
    participation: Participation
    errors: list[Problem]


@strawberry.input
class CoreActivityInput:
    activity_id: strawberry.ID


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def core_join_activity(self, input: CoreActivityInput) -> Joined:
        async with in_transaction() as connection:
            id = UUID(input.activity_id.partition("_")[2])
            activity = await ActivityRow.select_for_update().using_db(connection).get(id=id)
            assert not await ParticipationRow.filter(activity_id=id, actor_id=PERSON).using_db(connection).exists()
            now = to_millisecond(datetime.now(UTC))
            xact = 0
            if not URL.startswith("sqlite:"):
                rows = await connection.execute_query_dict(
                    f"SELECT pg_current_xact_id()::text::bigint + {EPOCH_BASE} AS x"
                )
                xact = rows[0]["x"]
            place = ParticipationRow(id=new_id(), activity_id=id, actor_id=PERSON, state="JOINED", joined_at=now)
            event = await EventRow.create(
                id=new_id(), transaction_id=xact, type="core.activity.joined", plugin="core", area_id=activity.area_id,
                subject_tag="participation", subject_id=place.id, authority="SYSTEM", data={}, occurred_at=now,
                recorded_at=now, using_db=connection,
            )  # fmt: skip
            for tag, subject, state in (("participation", place.id, "JOINED"), ("activity", id, "OPEN")):
                await TransitionRow.create(
                    id=new_id(), event_id=event.id, subject_tag=tag, subject_id=subject, to_state=state,
                    using_db=connection,
                )  # fmt: skip
            place.event_id = event.id
            await place.save(using_db=connection, force_create=True)
            await (
                ActivityRow.filter(id=id)
                .using_db(connection)
                .update(places_taken=F("places_taken") + 1, version=F("version") + 1, event_id=event.id)
            )
        return Joined(participation=Participation(row=place), errors=[])


async def _participations(ids: list[UUID]) -> list[list[ParticipationRow]]:
    found = defaultdict(list)
    for row in await ParticipationRow.filter(activity_id__in=ids).order_by("joined_at", "id"):
        found[row.activity_id].append(row)
    return [found[i] for i in ids]


async def _counts(ids: list[UUID]) -> list[int]:
    rows = (
        await ParticipationRow.filter(activity_id__in=ids)
        .annotate(n=Count("id"))
        .group_by("activity_id")
        .values("activity_id", "n")
    )
    found = {r["activity_id"]: r["n"] for r in rows}
    return [found.get(i, 0) for i in ids]


def _by_id(model: Any) -> Any:
    async def load(ids: list[UUID]) -> list[Any]:
        rows = await model.in_bulk(ids, "id")
        return [rows[i] for i in ids]

    return load


class Served(GraphQL[Any, Any]):
    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:
        return {
            "actors": DataLoader(_by_id(ActorRow)), "areas": DataLoader(_by_id(AreaRow)),
            "participations": DataLoader(_participations), "counts": DataLoader(_counts),
        }  # fmt: skip


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    await Tortoise.init(
        config=tortoise_config(URL, [("core", ["core.models"], "core.migrations")]), _enable_global_fallback=True
    )
    yield
    await Tortoise.close_connections()


app = Starlette(routes=[Route("/graphql", Served(strawberry.Schema(Query, Mutation)))], lifespan=lifespan)
