"""Nominations for an honorary villagers' council: what there is to read, and what can be done."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import models, rules
from plugins.councils.graphql.mutations import optional
from plugins.councils.graphql.nodes import CouncilsBody, CouncilsResolution, sits
from plugins.councils.terms import NominationState
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, connection, extend, node, to_one
from schema.nodes.expressions import Expr, RowOf
from schema.nodes.viewing import ViewerFacts


def _takes_part(t: RowOf, v: ViewerFacts) -> Expr:
    """Who was put forward, who did it, the members and the clerks."""
    own = v.acts_as(t.nominee_id) | v.acts_as(t.nominated_by_id) | v.may("councils.seat.fill", t.area_id)
    return own | sits(t, v)


def _nomination_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Once the village has confirmed it, it is for everybody."""
    return t.state.is_in([NominationState.CONFIRMED, NominationState.SEATED]) | _takes_part(t, v)


@node(models.Nomination, scope=_nomination_scope, order="-nominated_at")
class CouncilsNomination:
    """Somebody is put forward for an honorary villagers' council (乡贤提名)."""

    state: NominationState = column()
    nominated_at: datetime = column(order=True)
    origin: str | None = column(
        filter=False, visible=_takes_part, description="Where they come from, and what ties them to the village (渊源)."
    )
    contribution: str | None = column(
        filter=False, visible=_takes_part, description="What they have done for the village (贡献)."
    )
    reference: str | None = column(filter=False, description="The villagers' meeting that confirmed it (确认依据).")
    decided_at: datetime | None = column()
    answer: str | None = column(filter=False, visible=_takes_part, description="Why it was not confirmed (答复).")
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    nominee: Actor = to_one()
    nominated_by: Actor | None = to_one(visible=_takes_part)
    resolution: CouncilsResolution | None = to_one(description="The resolution that confirmed it (确认决议).")


@extend(CouncilsBody)
class CouncilsBodyNominations:
    nominations: Connection[CouncilsNomination] = connection(
        "body_id", discloses="Nominations that are not for everybody are not shown there either.",
        description="Who was put forward for an honorary villagers' council (乡贤提名).",
    )  # fmt: skip


@extend(Query)
class CouncilsNominationsQuery:
    councils_nominations: Connection[CouncilsNomination] = every(
        description="Nominations the viewer may see (乡贤提名列表)."
    )


@strawberry.input
class CouncilsNominateInput(MutationInput):
    body_id: strawberry.ID
    nominee_id: strawberry.ID
    origin: str = strawberry.field(description="Where they come from, and what ties them to the village (渊源).")
    contribution: str = strawberry.field(description="What they have done for the village (贡献).")


@mutation("councils.nominate", on=Subject(CouncilsBody, "body_id"), nomination=CouncilsNomination)
async def councils_nominate(work: Work, input: CouncilsNominateInput) -> Result:
    """Put somebody forward for an honorary villagers' council, as a resident or a member (提名乡贤)."""
    nomination = await rules.nominate(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        nominee_id=from_global(input.nominee_id, "actor", "nomineeId"),
        origin=input.origin,
        contribution=input.contribution,
    )
    return {"nomination": nomination}


@strawberry.input
class CouncilsNominationInput(ChangeInput):
    nomination_id: strawberry.ID


def _nomination(input: CouncilsNominationInput) -> UUID:
    return from_global(input.nomination_id, "councils_nomination", "nominationId")


OF_NOMINATION = Subject(CouncilsNomination, "nomination_id")


@strawberry.input
class CouncilsConfirmNominationInput(CouncilsNominationInput):
    reference: str | None = strawberry.field(
        default=None, description="The villagers' meeting that confirmed it: its day and minutes (确认依据)."
    )
    resolution_id: strawberry.ID | None = strawberry.field(
        default=None, description="Or the resolution of a body that represents the villagers (确认决议)."
    )


@mutation("councils.seat.fill", on=OF_NOMINATION, nomination=CouncilsNomination)
async def councils_confirm_nomination(work: Work, input: CouncilsConfirmNominationInput) -> Result:
    """Enter that the village has confirmed a nomination, as somebody whose matter it is not (登记村民确认)."""
    nomination = await rules.confirm_nomination(
        work,
        nomination_id=_nomination(input),
        reference=input.reference,
        resolution_id=optional(input.resolution_id, "councils_resolution", "resolutionId"),
    )
    return {"nomination": nomination}


@strawberry.input
class CouncilsDeclineNominationInput(CouncilsNominationInput):
    answer: str


@mutation("councils.seat.fill", on=OF_NOMINATION, nomination=CouncilsNomination)
async def councils_decline_nomination(work: Work, input: CouncilsDeclineNominationInput) -> Result:
    """Enter that the village has not confirmed a nomination, and why (登记未获确认)."""
    return {"nomination": await rules.decline_nomination(work, nomination_id=_nomination(input), answer=input.answer)}
