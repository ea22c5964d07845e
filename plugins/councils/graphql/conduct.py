"""Order at meetings: what the API shows of calls to order and exclusions, and what can be done about them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import models, rules
from plugins.councils.graphql import owners
from plugins.councils.graphql.mutations import OF_MEETING, CouncilsMeetingInput, meeting_of
from plugins.councils.graphql.nodes import (
    CouncilsAttendance,
    CouncilsBody,
    CouncilsMeeting,
    CouncilsResolution,
    sits,
)
from plugins.councils.terms import CallToOrderKind, ExclusionState
from schema.mutations import ChangeInput, Result, Subject, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, select
from schema.nodes.viewing import ViewerFacts


def _scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For whom it concerns, the members of the body, and who keeps order or decides on appeals."""
    keeps = v.may("councils.order.keep", t.area_id) | v.may("councils.exclusion.decide", t.area_id)
    return v.acts_as(t.concerns_id) | keeps | sits(t, v)


def _appeal(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.concerns_id) | v.may("councils.exclusion.decide", t.area_id)


@node(models.CallToOrder, scope=_scope, order="made_at")
class CouncilsCallToOrder:
    """Somebody at a meeting was told to keep to its order (警告)."""

    kind: CallToOrderKind = column(description="For what (事由).")
    reason: str = column(filter=False, description="Why (理由).")
    made_at: datetime = column(order=True, description="When (时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    meeting: CouncilsMeeting | None = to_one()
    concerns: Actor = to_one(description="Whom it concerns (涉及主体).")
    made_by: Actor | None = to_one(description="Who did it (执行人).")


@node(models.Exclusion, scope=_scope, order="-made_at")
class CouncilsExclusion:
    """Somebody had to leave a meeting (责令退场)."""

    reason: str = column(filter=False, description="Why (理由).")
    made_at: datetime = column(order=True, description="When (时间).")
    until: datetime | None = column(description="Until when they come to no other meeting either (禁止到会截止时间).")
    ended_at: datetime | None = column(description="Since when they may come again (解除时间).")
    appeal_until: datetime = column(filter=False, description="Until when one may appeal (申诉截止时间).")
    state: ExclusionState = column(description="Whether it was appealed against, and what came of that (状态).")
    appeal: str | None = column(filter=False, visible=_appeal, description="What whom it concerns says (申诉理由).")
    decision: str | None = column(filter=False, visible=_appeal, description="What was decided, and why (处理意见).")
    decided_at: datetime | None = column(description="When (处理时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    meeting: CouncilsMeeting | None = to_one()
    concerns: Actor = to_one(description="Whom it concerns (涉及主体).")
    made_by: Actor | None = to_one(description="Who did it (执行人).")
    decided_by: Actor | None = to_one(description="Who decided on the appeal (处理人).")


_NUMBER = "How many is public; who is not."


@extend(CouncilsMeeting)
class MeetingConduct:
    calls_to_order_before_exclusion: int | None = column(
        "calls_to_order",
        filter=False,
        description="So often somebody is called to order before they may be excluded (责令退场前须警告的次数).",
    )
    exclusion_days: int | None = column(
        filter=False, description="Longest exclusion, in days; 0: the rest of the meeting (禁止到会最长天数)."
    )
    appeal_days: int | None = column(filter=False, description="Days to appeal against one (申诉期).")
    called_to_order: int | None = computed(
        lambda t: select(models.CallToOrder).where(lambda c: c.meeting_id == t.id).count(),
        discloses=_NUMBER,
        description="How often somebody was called to order (警告次数).",
    )
    excluded: int | None = computed(
        lambda t: select(models.Exclusion).where(lambda x: x.meeting_id == t.id).count(),
        discloses=_NUMBER,
        description="How often somebody had to leave (责令退场次数).",
    )
    calls_to_order: Connection[CouncilsCallToOrder] = connection(
        "meeting_id", description="Who was called to order, as far as the viewer may see (警告记录)."
    )
    exclusions: Connection[CouncilsExclusion] = connection(
        "meeting_id", description="Who had to leave, as far as the viewer may see (责令退场记录)."
    )


@extend(CouncilsAttendance)
class AttendanceConduct:
    exclusion: CouncilsExclusion | None = to_one(
        description="By which they were kept out, for whom that may see (责令退场)."
    )


_COUNTED = ("votes_for", "majority_percent", "eligible", "kept_out")


def _rests(values: dict[str, Any], facts: Any) -> bool:
    votes, percent, eligible, kept_out = (int(values[name] or 0) for name in _COUNTED)
    return percent * eligible < votes * 100 <= percent * (eligible + kept_out)


@extend(CouncilsResolution)
class ResolutionConduct:
    put_out: int | None = column(
        filter=False, description="Of those who might vote had to leave before, and raised no hand (被责令退场人数)."
    )
    kept_out: int | None = column(
        filter=False, description="Further members excluded since an earlier meeting (被禁止到会人数)."
    )
    rests_on_exclusions: bool | None = python(
        _rests,
        columns=lambda t: {name: getattr(t, name) for name in _COUNTED},
        settings=False,
        description="Passed, but those kept out might have turned it: it waits until their exclusions stand (是否取决于责令退场).",
    )


@extend(Query)
class CouncilsConductQuery:
    councils_calls_to_order: Connection[CouncilsCallToOrder] = every(
        description="Calls to order the viewer may see (警告列表)."
    )
    councils_exclusions: Connection[CouncilsExclusion] = every(
        description="Exclusions the viewer may see (责令退场列表)."
    )


# --- what can be done ------------------------------------------------------------------------------------


@strawberry.input
class CouncilsCallToOrderInput(CouncilsMeetingInput):
    actor_id: strawberry.ID
    kind: CallToOrderKind
    reason: str


@mutation("councils.order.keep", on=OF_MEETING, call_to_order=CouncilsCallToOrder)
async def councils_call_to_order(work: Work, input: CouncilsCallToOrderInput) -> Result:
    """Tell somebody at an open meeting to keep to its order (警告)."""
    made = await rules.call_to_order(
        work,
        meeting_id=meeting_of(input),
        actor_id=from_global(input.actor_id, "actor", "actorId"),
        kind=input.kind,
        reason=input.reason,
    )
    return {"call_to_order": made}


@strawberry.input
class CouncilsExcludeInput(CouncilsMeetingInput):
    actor_id: strawberry.ID
    reason: str
    until: date | None = strawberry.field(
        default=None, description="The last day; for the rest of the meeting unless told (截止日)."
    )


@mutation("councils.order.keep", on=OF_MEETING, exclusion=CouncilsExclusion)
async def councils_exclude(work: Work, input: CouncilsExcludeInput) -> Result:
    """Let somebody leave who was called to order in vain (责令退场)."""
    made = await rules.exclude(
        work,
        meeting_id=meeting_of(input),
        actor_id=from_global(input.actor_id, "actor", "actorId"),
        reason=input.reason,
        until=input.until,
    )
    return {"exclusion": made}


@strawberry.input
class CouncilsExclusionInput(ChangeInput):
    exclusion_id: strawberry.ID


def _exclusion(input: CouncilsExclusionInput) -> UUID:
    return from_global(input.exclusion_id, "councils_exclusion", "exclusionId")


OF_EXCLUSION = Subject(CouncilsExclusion, "exclusion_id")


@strawberry.input
class CouncilsLiftExclusionInput(CouncilsExclusionInput):
    pass


@mutation(
    "councils.order.keep",
    on=Subject(CouncilsExclusion, "exclusion_id", owners.of_its_body),
    exclusion=CouncilsExclusion,
)
async def councils_lift_exclusion(work: Work, input: CouncilsLiftExclusionInput) -> Result:
    """Let somebody come again before their time is over (解除责令退场)."""
    return {"exclusion": await rules.lift(work, exclusion_id=_exclusion(input))}


@strawberry.input
class CouncilsAppealExclusionInput(CouncilsExclusionInput):
    text: str


@mutation(
    "councils.exclusion.appeal",
    on=Subject(CouncilsExclusion, "exclusion_id", lambda t: [t.concerns_id]),
    exclusion=CouncilsExclusion,
)
async def councils_appeal_exclusion(work: Work, input: CouncilsAppealExclusionInput) -> Result:
    """Say why one's exclusion is wrong; somebody else decides (申诉)."""
    return {"exclusion": await rules.appeal(work, exclusion_id=_exclusion(input), text=input.text)}


@strawberry.input
class CouncilsDecideExclusionAppealInput(CouncilsExclusionInput):
    overturn: bool
    decision: str


@mutation("councils.exclusion.decide", on=OF_EXCLUSION, exclusion=CouncilsExclusion)
async def councils_decide_exclusion_appeal(work: Work, input: CouncilsDecideExclusionAppealInput) -> Result:
    """Uphold or overturn an exclusion, as somebody who had no part in it (处理申诉)."""
    made = await rules.decide_appeal(
        work, exclusion_id=_exclusion(input), overturn=input.overturn, decision=input.decision
    )
    return {"exclusion": made}
