"""The services of a body: what there is to read, and what can be done."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import models, rules
from plugins.councils.graphql import owners
from plugins.councils.graphql.nodes import CouncilsBody
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, to_one
from schema.nodes.expressions import Expr, GlobalId, RowOf
from schema.nodes.telling import public
from schema.visible import visible_row


def _offered_on(t: RowOf, day: Expr) -> Expr:
    return (t.since <= day) & (t.until.is_null() | (t.until >= day))


@node(
    models.ServiceOffer,
    scope=public("What a body does for people is for everybody to find."),
    order="-since",
    filters=[
        FilterField(name="offered_on", kind="date", test=_offered_on, description="To be had on this day (当日提供).")
    ],
)
class CouncilsService:
    """What a body offers to people (服务项目)."""

    title: str = column()
    description: str | None = column(filter=False, description="What it is (说明).")
    place: str | None = column(filter=False, description="Where it is (地点).")
    times: str | None = column(filter=False, description="When it is to be had, in words (时间).")
    contact: str | None = column(filter=False, description="How to reach the body about it (联系方式).")
    since: date = column(order=True)
    until: date | None = column(description="Its last day (最后一日).")
    offer_id: strawberry.ID | None = computed(
        lambda t: GlobalId(t.offer_tag, t.offer_id),
        description="Where another mechanism keeps it, as a service point (对应的服务).",
    )
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()


@extend(CouncilsBody)
class CouncilsBodyServices:
    services: Connection[CouncilsService] = connection("body_id", description="What it offers (服务项目).")


@extend(Query)
class CouncilsServicesQuery:
    councils_services: Connection[CouncilsService] = every(description="Services of bodies (服务项目列表).")


async def _offer(work: Work, id: strawberry.ID | None) -> tuple[str, UUID] | None:
    """The row of another mechanism, if everybody may see it; refuses NOT_FOUND, NOT_LINKABLE, BAD_ID."""
    if id is None:
        return None
    model, row_id = await visible_row(work, id, "offerId")
    return str(getattr(model, "tag", "")), row_id


@strawberry.input
class CouncilsOfferServiceInput(MutationInput):
    body_id: strawberry.ID
    title: str
    description: str | None = None
    place: str | None = strawberry.field(default=None, description="Where (地点).")
    times: str | None = strawberry.field(default=None, description="When, in words (时间).")
    contact: str | None = strawberry.field(
        default=None, description="How to reach the body; everybody reads it, so no private person's (联系方式)."
    )
    since: date | None = strawberry.field(default=None, description="Today unless told (起始日).")
    until: date | None = strawberry.field(default=None, description="Its last day (最后一日).")
    offer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where another mechanism keeps it, as a service point (对应的服务)."
    )


@mutation(
    "councils.service.offer", on=Subject(CouncilsBody, "body_id", owners.of_body), service=CouncilsService
)  # fmt: skip
async def councils_offer_service(work: Work, input: CouncilsOfferServiceInput) -> Result:
    """Say what a body offers to people (发布服务项目)."""
    service = await rules.offer_service(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        description=input.description,
        place=input.place,
        times=input.times,
        contact=input.contact,
        since=input.since,
        until=input.until,
        offer=await _offer(work, input.offer_id),
    )
    return {"service": service}


@strawberry.input
class CouncilsServiceInput(ChangeInput):
    service_id: strawberry.ID


def _service(input: CouncilsServiceInput) -> UUID:
    return from_global(input.service_id, "councils_service", "serviceId")


OF_SERVICE = Subject(CouncilsService, "service_id", owners.of_its_body)


@strawberry.input
class CouncilsChangeServiceInput(CouncilsServiceInput):
    """What is left out stays as it is; an empty text takes it away."""

    title: str | None = None
    description: str | None = None
    place: str | None = None
    times: str | None = None
    contact: str | None = None
    offer_id: strawberry.ID | None = None


@mutation("councils.service.offer", on=OF_SERVICE, service=CouncilsService)
async def councils_change_service(work: Work, input: CouncilsChangeServiceInput) -> Result:
    """Correct what is said of a service (变更服务项目)."""
    service = await rules.change_service(
        work,
        service_id=_service(input),
        title=input.title,
        description=input.description,
        place=input.place,
        times=input.times,
        contact=input.contact,
        offer=await _offer(work, input.offer_id),
    )
    return {"service": service}


@strawberry.input
class CouncilsEndServiceInput(CouncilsServiceInput):
    on: date | None = strawberry.field(default=None, description="Its last day; today unless told (最后一日).")


@mutation("councils.service.offer", on=OF_SERVICE, service=CouncilsService)
async def councils_end_service(work: Work, input: CouncilsEndServiceInput) -> Result:
    """Say on which day a service ends (终止服务项目)."""
    return {"service": await rules.end_service(work, service_id=_service(input), on=input.on)}
