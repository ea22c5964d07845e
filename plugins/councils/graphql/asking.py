"""Asking a body for a meeting: what there is to read, and what can be done."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global
from core.settings.store import as_day
from core.work import Work
from plugins.councils import models, rules
from plugins.councils.graphql.nodes import CouncilsAgendaItem, CouncilsBody, CouncilsMeeting
from plugins.councils.terms import Matter, MeetingState, RequestState, SeatOffice, SeatState, SupportState
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, Select, select
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts


def _called(t: RowOf) -> Select:
    """The meeting called for it, while it is not on record as held."""
    return select(models.Meeting).where(lambda m: (m.id == t.meeting_id) & (m.state == MeetingState.CALLED))


def _overdue(t: RowOf, day: Expr) -> Expr:
    return ((t.state == RequestState.DUE) | _called(t).exists()) & (t.hold_by < day)


def _is_overdue(values: dict[str, Any], facts: Any) -> bool:
    is_not_held = values["state"] == RequestState.DUE or int(values["called"]) > 0
    last = as_day(values["hold_by"])
    return is_not_held and last is not None and last < facts.kernel.clock.civil_date(facts.now)


def _supporters(t: RowOf) -> Expr:
    given = select(models.RequestSupport).where(lambda s: (s.request_id == t.id) & (s.state == SupportState.GIVEN))
    return given.count()


@node(
    models.MeetingRequest,
    scope=public("What a body is asked to meet about is public; who supports it is not."),
    order="-requested_at",
    filters=[
        FilterField(
            name="overdue_on", kind="date", test=_overdue,
            description="Due, not held, and to be held before this day (逾期未召开).",
        )
    ],
)  # fmt: skip
class CouncilsMeetingRequest:
    """Residents or members ask that a body meets about something (会议请求)."""

    title: str = column()
    details: str | None = column(filter=False, description="What it is about (说明).")
    matter: Matter = column()
    state: RequestState = column()
    requested_at: datetime = column(order=True)
    open_until: date = column(description="The last day for supporters (联名截止日).")
    supporters: int = computed(
        _supporters, discloses="How many support it is for everybody; who they are is not told.",
        description="How many support it (联名人数).",
    )  # fmt: skip
    residents_one_in: int = column(filter=False, description="One in so many residents are enough (居民几分之一).")
    members_one_in: int = column(filter=False, description="One in so many voting members are enough (成员几分之一).")
    residents: int | None = column(filter=False, description="Residents on record when it fell due (在册居民).")
    residents_for: int | None = column(filter=False, description="Of them for it (联名居民).")
    members: int | None = column(filter=False, description="Voting members when it fell due (有表决权成员).")
    members_for: int | None = column(filter=False, description="Of them for it (联名成员).")
    due_on: date | None = column(description="Since when enough people ask for it (达到人数日).")
    hold_by: date | None = column(order=True, description="The last day for the meeting (最迟召开日).")
    is_overdue: bool = python(
        _is_overdue, columns=lambda t: {"state": t.state, "called": _called(t).count(), "hold_by": t.hold_by}, settings=False,
        description="Is that day over, and no meeting held? Any clerk may call it (是否逾期).",
    )  # fmt: skip
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    requested_by: Actor = to_one()
    meeting: CouncilsMeeting | None = to_one(description="The meeting called for it (所召会议).")
    item: CouncilsAgendaItem | None = to_one(description="Its matter on the agenda (对应议题).")
    supports: Connection[CouncilsRequestSupport] = connection(
        "request_id", discloses="Who supports it is seen there by whom it is for."
    )


def _support_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Who supports a request see themselves; officers and clerks see those who count."""
    officer = select(models.Seat).where(
        lambda s: (s.body_id == t.body_id) & (s.state == SeatState.FILLED) & (s.office != SeatOffice.MEMBER)
        & v.acts_as(s.holder_id)
    )  # fmt: skip
    counts = (t.state == SupportState.GIVEN) & (v.may("councils.meeting.call", t.area_id) | officer.exists())
    return v.acts_as(t.supporter_id) | counts


@node(models.RequestSupport, scope=_support_scope, order="-supported_at")
class CouncilsRequestSupport:
    """Somebody supports a request for a meeting (联名)."""

    is_resident: bool = column(description="As a resident (以居民身份).")
    is_member: bool = column(description="As a voting member (以成员身份).")
    state: SupportState = column()
    supported_at: datetime = column(order=True)
    area: Area = to_one()
    request: CouncilsMeetingRequest | None = to_one()
    supporter: Actor = to_one()


@extend(CouncilsBody)
class CouncilsBodyRequests:
    meeting_requests: Connection[CouncilsMeetingRequest] = connection(
        "body_id", description="What it was asked to meet about (会议请求)."
    )


@extend(Query)
class CouncilsRequestsQuery:
    councils_meeting_requests: Connection[CouncilsMeetingRequest] = every(description="Requests (会议请求列表).")


@strawberry.input
class CouncilsRequestMeetingInput(MutationInput):
    body_id: strawberry.ID
    title: str = strawberry.field(description="What the meeting should be about (要求讨论的事项).")
    matter: Matter
    details: str | None = None


@mutation("councils.meeting.request", on=Subject(CouncilsBody, "body_id"), request=CouncilsMeetingRequest)
async def councils_request_meeting(work: Work, input: CouncilsRequestMeetingInput) -> Result:
    """Ask that a body meets about something, as a resident or a voting member (要求召开会议)."""
    request = await rules.request_meeting(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        matter=input.matter,
        details=input.details,
    )
    return {"request": request}


@strawberry.input
class CouncilsRequestInput(ChangeInput):
    request_id: strawberry.ID


def _request(input: CouncilsRequestInput) -> UUID:
    return from_global(input.request_id, "councils_meeting_request", "requestId")


OF_REQUEST = Subject(CouncilsMeetingRequest, "request_id")


@strawberry.input
class CouncilsSupportRequestInput(CouncilsRequestInput):
    pass


@mutation("councils.meeting.request", on=OF_REQUEST, request=CouncilsMeetingRequest)
async def councils_support_request(work: Work, input: CouncilsSupportRequestInput) -> Result:
    """Ask for the meeting too; when enough people do, it is due (联名要求开会)."""
    return {"request": await rules.support_request(work, request_id=_request(input))}


@strawberry.input
class CouncilsWithdrawSupportInput(CouncilsRequestInput):
    pass


@mutation("councils.meeting.request", on=OF_REQUEST, request=CouncilsMeetingRequest)
async def councils_withdraw_support(work: Work, input: CouncilsWithdrawSupportInput) -> Result:
    """Ask for the meeting no longer; whoever is the last withdraws the request (撤回联名)."""
    return {"request": await rules.withdraw_support(work, request_id=_request(input))}
