"""Residents or members of a body ask for a meeting; when they are enough it has to be held (M02)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, optional_text
from core.work import Work
from plugins.councils.models import AgendaItem, Body, Meeting, MeetingRequest, RequestSupport, Seat
from plugins.councils.models.requests import a_child, living_in
from plugins.councils.rules.common import require_active, terms
from plugins.councils.rules.standing import standing
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import AgendaState, Matter, MeetingState, RequestState, SupportState

REQUEST = "councils.meeting.request"
NOT_OVER = (MeetingState.CALLED, MeetingState.OPEN)


def _require_open(work: Work, request: MeetingRequest) -> None:
    """Refuses VERSION_CONFLICT, REQUEST_STATE."""
    work.expect_version(request)
    if request.state is not RequestState.OPEN or request.open_until < work.clock.civil_date(work.now):
        raise Refusal("REQUEST_STATE", state=request.state)


async def request_meeting(
    work: Work, *, body_id: UUID, title: str, matter: Matter, details: str | None = None
) -> MeetingRequest:
    """A resident or a voting member asks that the body meets about something, and is the first who supports it.

    Refuses NOT_FROM_HERE, NOT_OF_AGE, REQUEST_OPEN (one at a time of one person and body).
    """
    body = await work.lock(Body, body_id)
    work.require(REQUEST, body)
    require_active(body)
    settings, hold = await work.settings(CouncilsSettings, body), await terms(work, body)
    request = MeetingRequest(
        id=new_id(), area_id=body.area_id, body_id=body.id, title=clean_name(title, "title"), matter=matter,
        details=optional_text(details, "details", limit=4000), requested_by_id=work.principal_id, requested_at=work.now,
        open_until=work.clock.civil_date(work.now) + timedelta(days=settings.request_days), state=RequestState.OPEN,
        residents_one_in=hold.residents_one_in, members_one_in=hold.members_one_in, meeting_id=None, item_id=None,
    )  # fmt: skip
    if await work.find(MeetingRequest, body_id=body.id, requested_by_id=work.principal_id, state=RequestState.OPEN):
        raise Refusal("REQUEST_OPEN")
    seats = (await standing(work, body)).seats
    support = await _support(work, body, request, seats)
    work.add(request)
    work.add(support)
    work.record("councils.meeting.requested", request, area_id=body.area_id, data={"body": str(body.id)})
    await _judge(work, body, request, [support], seats)
    return request


async def support_request(work: Work, *, request_id: UUID) -> MeetingRequest:
    """One more asks for it too. Refuses NOT_FROM_HERE, NOT_OF_AGE, ALREADY_SUPPORTED, REQUEST_STATE."""
    body, request = await work.lock_with(MeetingRequest, request_id, Body)
    work.require(REQUEST, body)
    _require_open(work, request)
    given = await work.select(RequestSupport, request_id=request.id, state=SupportState.GIVEN)
    if any(s.supporter_id == work.principal_id for s in given):
        raise Refusal("ALREADY_SUPPORTED")
    seats = (await standing(work, body)).seats
    support = work.add(await _support(work, body, request, seats))
    work.record("councils.meeting.request_supported", support, area_id=body.area_id, data={"request": str(request.id)})
    await _judge(work, body, request, [*given, support], seats)
    return request


async def withdraw_support(work: Work, *, request_id: UUID) -> MeetingRequest:
    """Whoever supports it, or has asked, does so no longer; where nobody is left it is withdrawn. Refuses NOT_SUPPORTED,
    REQUEST_STATE (once it is due it is everybody's)."""
    body, request = await work.lock_with(MeetingRequest, request_id, Body)
    work.require(REQUEST, body)
    _require_open(work, request)
    given = await work.select(RequestSupport, request_id=request.id, state=SupportState.GIVEN)
    mine = next((s for s in given if s.supporter_id == work.principal_id), None)
    if mine is None:
        raise Refusal("NOT_SUPPORTED")
    work.change(mine, state=SupportState.WITHDRAWN)
    work.record("councils.meeting.support_withdrawn", mine, area_id=body.area_id, data={"request": str(request.id)})
    if len(given) == 1:
        work.change(request, state=RequestState.WITHDRAWN)
        work.record("councils.meeting.request_withdrawn", request, area_id=body.area_id, data={"body": str(body.id)})
    return request


async def _support(work: Work, body: Body, request: MeetingRequest, seats: Sequence[Seat]) -> RequestSupport:
    person = await work.get(Actor, work.principal_id)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON")
    if await work.rows(a_child("{0}", "{1}"), person.id, work.now):
        raise Refusal("NOT_OF_AGE")
    lives_here, sits_here = await _as_what(work, body, person.id, seats)
    if not lives_here and not sits_here:
        raise Refusal("NOT_FROM_HERE")
    return RequestSupport(
        id=new_id(), area_id=body.area_id, body_id=body.id, request_id=request.id, supporter_id=person.id,
        is_resident=lives_here, is_member=sits_here, state=SupportState.GIVEN, supported_at=work.now,
    )  # fmt: skip


async def _as_what(work: Work, body: Body, person_id: UUID, seats: Sequence[Seat]) -> tuple[bool, bool]:
    """Does the person live in the body's area, and has a vote in the body?"""
    lives_here = await work.port(ELIGIBILITY).resident_since(work, person_id, body.area_id) is not None
    return lives_here, any(s.is_voting and s.holder_id == person_id for s in seats)


async def _judge(
    work: Work, body: Body, request: MeetingRequest, given: Sequence[RequestSupport], seats: Sequence[Seat]
) -> None:
    """Are they enough? Then whoever has moved away or lost the seat since is left out; if they are enough still, a meeting is
    due."""
    members = sum(s.is_voting for s in seats)
    day = work.clock.civil_date(work.now)
    living = (await work.rows(living_in("{0}", "{1}", "{2}"), body.area_id, day, work.now))[0]["n"]

    def enough(supports: Sequence[RequestSupport]) -> bool:
        lived, sat = sum(s.is_resident for s in supports), sum(s.is_member for s in supports)
        return (
            (lived > 0 and lived * request.residents_one_in >= living)
            or (sat > 0 and sat * request.members_one_in >= members)
        )  # fmt: skip

    if not enough(given):
        return
    await work.flush_now()  # what is new is changed below
    is_changed = False
    for support in given:
        lives, sits = await _as_what(work, body, support.supporter_id, seats)
        if (lives, sits) != (support.is_resident, support.is_member):
            state = SupportState.GIVEN if lives or sits else SupportState.VOID
            work.change(support, is_resident=lives, is_member=sits, state=state)
            is_changed = True
    left = [s for s in given if s.state is SupportState.GIVEN]
    if is_changed:
        work.record("councils.meeting.supports_counted", request, area_id=body.area_id, data={"given": len(left)})
    if not enough(left):
        return
    within = (await work.settings(CouncilsSettings, body)).requested_within_days
    work.change(
        request, state=RequestState.DUE, residents=living, residents_for=sum(s.is_resident for s in left), members=members,
        members_for=sum(s.is_member for s in left), due_on=day, hold_by=day + timedelta(days=within),
    )  # fmt: skip
    _due(work, request)


def _due(work: Work, request: MeetingRequest) -> None:
    hold_by = None if request.hold_by is None else request.hold_by.isoformat()
    data = {"body": str(request.body_id), "holdBy": hold_by}
    work.record("councils.meeting.request_due", request, area_id=request.area_id, data=data)


# --- the meeting that was asked for ----------------------------------------------------------------------


async def due_request(
    work: Work, body: Body, request_id: UUID, *, day: date, notice_days: int, is_urgent: bool
) -> tuple[MeetingRequest, AgendaItem]:
    """The request that a meeting on this day would meet, and the item for its agenda, which may be new.

    The meeting is held by `hold_by`; where no day with its notice is left until then, within as many days from now as it
    had. Refuses NOT_ITS_MEETING, REQUEST_STATE, CALLED_ALREADY (and not held: it is called off first), NOTICE_TOO_SHORT (an
    urgent meeting does not do), REQUEST_DAY.
    """
    request = await work.lock(MeetingRequest, request_id)
    if request.body_id != body.id:
        raise Refusal("NOT_ITS_MEETING", path=("requestId",))
    if request.meeting_id is not None and (await work.get(Meeting, request.meeting_id)).state is MeetingState.CALLED:
        raise Refusal("CALLED_ALREADY", path=("requestId",))
    if request.state is not RequestState.DUE or request.hold_by is None or request.due_on is None:
        raise Refusal("REQUEST_STATE", path=("requestId",), state=request.state)
    if is_urgent:
        raise Refusal("NOTICE_TOO_SHORT", path=("isUrgent",), days=notice_days)
    now = work.clock.civil_date(work.now)
    within = max((request.hold_by - request.due_on).days, notice_days)
    latest = request.hold_by if now + timedelta(days=notice_days) <= request.hold_by else now + timedelta(days=within)
    if day > latest:
        raise Refusal("REQUEST_DAY", path=("startsAt",), day=latest.isoformat())
    before = None if request.item_id is None else await work.lock(AgendaItem, request.item_id)
    if before is not None and before.state is AgendaState.PROPOSED:
        return request, before
    item = AgendaItem(
        id=new_id(), area_id=body.area_id, body_id=body.id, meeting_id=None, title=request.title, details=request.details,
        matter=request.matter, proposed_by_id=request.requested_by_id, proposed_at=work.now, referred_from_id=None,
        state=AgendaState.PROPOSED, concerns_id=None,
    )  # fmt: skip
    work.add(item)
    work.record("councils.agenda.proposed", item, area_id=body.area_id, data={"body": str(body.id)})
    await work.flush_now()  # it is placed in a moment
    return request, item


def meet_request(work: Work, request: MeetingRequest, meeting: Meeting, item: AgendaItem) -> None:
    """The meeting that was asked for is called, and the matter is on its agenda."""
    work.change(request, state=RequestState.MET, meeting_id=meeting.id, item_id=item.id)
    data = {"body": str(request.body_id), "meeting": str(meeting.id)}
    work.record("councils.meeting.request_met", request, area_id=request.area_id, data=data)


async def due_again(work: Work, meeting: Meeting) -> None:
    """It is not held: what was asked for is due again, by the same day as before."""
    for request in await work.select(MeetingRequest, lock=True, meeting_id=meeting.id, state=RequestState.MET):
        work.change(request, state=RequestState.DUE, meeting_id=None)
        _due(work, request)


async def require_heard(work: Work, item: AgendaItem) -> None:
    """What was asked for is neither put aside nor talked about elsewhere before the meeting called for it is over. Refuses
    ASKED_FOR."""
    for request in await work.select(MeetingRequest, item_id=item.id, state=[RequestState.DUE, RequestState.MET]):
        if request.meeting_id is None or (await work.get(Meeting, request.meeting_id)).state in NOT_OVER:
            raise Refusal("ASKED_FOR")


async def end_with_body(work: Work, body: Body) -> None:
    """The body is dissolved: nobody is left who could meet, also where a meeting was called. The event that says so speaks
    for it."""
    open_states = [RequestState.OPEN, RequestState.DUE, RequestState.MET]
    for request in await work.select(MeetingRequest, lock=True, body_id=body.id, state=open_states):
        meeting = None if request.meeting_id is None else await work.get(Meeting, request.meeting_id)
        if meeting is None or meeting.state is MeetingState.CALLED:
            work.change(request, state=RequestState.LAPSED, meeting_id=None)


LAPSING_SQL = "SELECT t.id, t.area_id FROM councils_meeting_request t WHERE t.state = 'OPEN' AND t.open_until < :today:"


async def settle_request(work: Work, request_id: UUID) -> None:
    """The clock: its last day is over, and they were too few."""
    body, request = await work.lock_with(MeetingRequest, request_id, Body)
    if request.state is not RequestState.OPEN or request.open_until >= work.clock.civil_date(work.now):
        return
    work.require(REQUEST, body)
    work.change(request, state=RequestState.LAPSED)
    work.record("councils.meeting.request_lapsed", request, area_id=body.area_id, data={"body": str(body.id)})
