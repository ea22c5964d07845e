"""Meetings: an agenda from the residents, notice, who came, whether they are enough, and the minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core.clock import to_millisecond
from core.enums import ActivityState, ActorKind, ParticipationState
from core.errors import Refusal
from core.ids import new_id
from core.models import Activity, Actor, Participation
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.councils.models import AgendaItem, Attendance, Body, Exclusion, Meeting, Recusal, Seat
from plugins.councils.rules import requests
from plugins.councils.rules.common import more_than, require_active, terms
from plugins.councils.rules.exclusions import end_with, excluded, require_in_the_room
from plugins.councils.rules.standing import officer, read, standing
from plugins.councils.terms import (
    AgendaState,
    AttendanceState,
    Matter,
    MeetingState,
    SeatState,
)

CALL, RECORD, PROPOSE = "councils.meeting.call", "councils.meeting.record", "councils.agenda.propose"
MOST_ITEMS = 50


def require_state(meeting: Meeting, *allowed: MeetingState) -> None:
    """Refuses MEETING_STATE in any other state."""
    if meeting.state not in allowed:
        raise Refusal("MEETING_STATE", state=meeting.state)


# --- the agenda ------------------------------------------------------------------------------------------


async def propose_item(
    work: Work,
    *,
    body_id: UUID,
    title: str,
    matter: Matter,
    details: str | None = None,
    concerns_id: UUID | None = None,
) -> AgendaItem:
    """A resident, a member or an organization asks the body to talk about something; its officers place it, or say why not.

    `concerns_id` is the actor whose own matter it is. Refuses NOT_FROM_HERE, BODY_DISSOLVED.
    """
    body = await work.lock(Body, body_id)
    work.require(PROPOSE, body)
    require_active(body)
    proposer = await work.get(Actor, work.principal_id)
    seated = await work.select(Seat, body_id=body.id, holder_id=proposer.id, state=SeatState.FILLED)
    asked = proposer.kind is ActorKind.PERSON and not seated
    if asked and await work.port(ELIGIBILITY).resident_since(work, proposer.id, body.area_id) is None:
        raise Refusal("NOT_FROM_HERE")
    concerns = None if concerns_id is None else (await work.get(Actor, concerns_id)).id
    return _propose(work, body, proposer.id, title, matter, details, concerns)


async def propose_decided(work: Work, *, body_id: UUID, title: str, matter: Matter, details: str | None) -> AgendaItem:
    """Another mechanism brings what it came to before the body; it has asked whether they may. Refuses BODY_DISSOLVED."""
    body = await work.lock(Body, body_id)
    require_active(body)
    return _propose(work, body, work.principal_id, title, matter, details, None)


def _propose(
    work: Work, body: Body, proposer_id: UUID, title: str, matter: Matter, details: str | None, concerns_id: UUID | None
) -> AgendaItem:
    item = AgendaItem(
        id=new_id(), area_id=body.area_id, body_id=body.id, meeting_id=None, title=clean_name(title, "title"),
        details=optional_text(details, "details", limit=4000), matter=matter, proposed_by_id=proposer_id,
        proposed_at=work.occurred_at, referred_from_id=None, state=AgendaState.PROPOSED, concerns_id=concerns_id,
    )  # fmt: skip
    work.add(item)
    work.record("councils.agenda.proposed", item, area_id=body.area_id, data={"body": str(body.id)})
    return item


async def place_item(work: Work, *, item_id: UUID, meeting_id: UUID) -> AgendaItem:
    """Put it on a meeting's agenda, while those who were called can still prepare.

    Refuses AGENDA_CLOSED once fewer days are left than the notice takes, MEETING_STATE, NOT_ITS_MEETING, AGENDA_STATE,
    OWN_MATTER, ASKED_FOR (it comes to the meeting that is called for its request).
    """
    body, meeting = await work.lock_with(Meeting, meeting_id, Body)
    work.require(CALL, body, owner=await officer(work, body.id))
    item = await work.lock(AgendaItem, item_id)
    work.expect_version(item)
    await work.not_own(item.concerns_id)
    if item.body_id != body.id:
        raise Refusal("NOT_ITS_MEETING", path=("meetingId",))
    if item.state is not AgendaState.PROPOSED:
        raise Refusal("AGENDA_STATE", state=item.state)
    await requests.require_heard(work, item)
    require_state(meeting, MeetingState.CALLED)
    if not meeting.is_urgent and _days_left(work, meeting.starts_at) < meeting.notice_days:
        raise Refusal("AGENDA_CLOSED", days=meeting.notice_days)
    placed = await work.select(AgendaItem, meeting_id=meeting.id)
    work.change(item, state=AgendaState.PLACED, meeting_id=meeting.id, position=_next(placed))
    work.record("councils.agenda.placed", item, area_id=body.area_id, data={"meeting": str(meeting.id)})
    return item


def _next(placed: Sequence[AgendaItem]) -> int:
    return max((i.position or 0 for i in placed), default=0) + 1


def _days_left(work: Work, starts_at: datetime) -> int:
    return (work.clock.civil_date(starts_at) - work.clock.civil_date(work.now)).days


async def decline_item(work: Work, *, item_id: UUID, answer: str) -> AgendaItem:
    """It is not talked about; whoever proposed it is told why. Refuses AGENDA_STATE, OWN_MATTER, ASKED_FOR."""
    body, item = await _item(work, item_id, AgendaState.PROPOSED)
    await requests.require_heard(work, item)
    work.change(item, state=AgendaState.DECLINED, answer=needed(answer, "answer"))
    work.record("councils.agenda.declined", item, area_id=body.area_id, data={"body": str(body.id)})
    return item


async def refer_item(work: Work, *, item_id: UUID, to_body_id: UUID, answer: str | None = None) -> AgendaItem:
    """What the body may not decide goes to one of the same area or above, where it is proposed anew (提交上级).

    Refuses AGENDA_STATE, BODY_NOT_ABOVE, OWN_MATTER, ASKED_FOR.
    """
    body, item = await _item(work, item_id, AgendaState.PROPOSED, AgendaState.PLACED)
    await requests.require_heard(work, item)
    to = await work.get(Body, to_body_id)
    require_active(to)
    if to.id == body.id or to.area_id not in work.place(body).chain:
        raise Refusal("BODY_NOT_ABOVE", path=("toBodyId",))
    work.change(item, state=AgendaState.REFERRED, answer=optional_text(answer, "answer", limit=2000))
    made = AgendaItem(
        id=new_id(), area_id=to.area_id, body_id=to.id, meeting_id=None, title=item.title, details=item.details,
        matter=item.matter, proposed_by_id=item.proposed_by_id, proposed_at=work.now, concerns_id=item.concerns_id,
        referred_from_id=item.id, state=AgendaState.PROPOSED,
    )  # fmt: skip
    work.add(made)
    work.record("councils.agenda.referred", item, area_id=body.area_id, data={"to": str(to.id), "item": str(made.id)})
    return made


async def correct_item(
    work: Work, *, item_id: UUID, matter: Matter | None, concerns_id: UUID | None, concerns_nobody: bool
) -> AgendaItem:
    """A clerk sets right what kind of matter it is, or whose, before it is decided. Refuses AGENDA_STATE, OWN_MATTER (theirs,
    before or after)."""
    body, item = await work.lock_with(AgendaItem, item_id, Body)
    work.require(CALL, body)
    work.expect_version(item)
    concerns = item.concerns_id if concerns_id is None else (await work.get(Actor, concerns_id)).id
    await work.not_own(item.concerns_id, concerns)
    if item.state not in (AgendaState.PROPOSED, AgendaState.PLACED):
        raise Refusal("AGENDA_STATE", state=item.state)
    work.change(item, matter=matter or item.matter, concerns_id=None if concerns_nobody else concerns)
    work.record("councils.agenda.corrected", item, area_id=body.area_id, data={"body": str(body.id)})
    return item


async def _item(work: Work, item_id: UUID, *allowed: AgendaState) -> tuple[Body, AgendaItem]:
    body, item = await work.lock_with(AgendaItem, item_id, Body)
    work.require(CALL, body, owner=await officer(work, body.id))
    work.expect_version(item)
    await work.not_own(item.concerns_id)
    if item.state not in allowed:
        raise Refusal("AGENDA_STATE", state=item.state)
    return body, item


# --- the meeting -----------------------------------------------------------------------------------------


async def call_meeting(
    work: Work,
    *,
    body_id: UUID,
    starts_at: datetime,
    ends_at: datetime,
    title: str | None = None,
    place: str | None = None,
    item_ids: Sequence[UUID] = (),
    is_urgent: bool = False,
    request_id: UUID | None = None,
) -> Meeting:
    """Call the members, with the days of notice that hold here, and an agenda. The meeting is a core activity as well.

    An urgent one needs no notice, and decides nothing that is listed. `request_id` is the request that is due and met by it:
    its matter comes first. Refuses NOTICE_TOO_SHORT, BODY_EMPTY, ENDS_BEFORE_START, IN_THE_PAST, AGENDA_STATE,
    NOT_ITS_MEETING, AGENDA_TOO_LONG, OWN_MATTER, ASKED_FOR, and what `requests.due_request` refuses.
    """
    body = await work.lock(Body, body_id)
    work.require(CALL, body, owner=await officer(work, body.id))
    require_active(body)
    starts_at, ends_at = to_millisecond(starts_at), to_millisecond(ends_at)
    if starts_at < work.now:
        raise Refusal("IN_THE_PAST", path=("startsAt",))
    if ends_at <= starts_at:
        raise Refusal("ENDS_BEFORE_START", path=("endsAt",))
    if len(item_ids) > MOST_ITEMS:
        raise Refusal("AGENDA_TOO_LONG", path=("itemIds",), limit=MOST_ITEMS)
    hold = await terms(work, body)
    if not is_urgent and _days_left(work, starts_at) < hold.notice_days:
        raise Refusal("NOTICE_TOO_SHORT", path=("startsAt",), days=hold.notice_days)
    seats = (await read(work, body)).seats
    if not any(s.is_voting for s in seats):
        raise Refusal("BODY_EMPTY")
    items = {i.id: i for i in await work.select(AgendaItem, lock=True, id=list(item_ids))} if item_ids else {}
    asked = None
    if request_id is not None:
        asked = await requests.due_request(
            work, body, request_id, day=work.clock.civil_date(starts_at), notice_days=hold.notice_days,
            is_urgent=is_urgent,
        )  # fmt: skip
        items[asked[1].id] = asked[1]
        item_ids = [asked[1].id, *item_ids]
    number = (await work.rows("SELECT count(*) AS n FROM councils_meeting WHERE body_id = {}", body.id))[0]["n"] + 1
    activity = Activity(
        id=new_id(), area_id=body.area_id, organizer_id=body.organization_id or work.principal_id,
        title=clean_name(title or f"{body.name}第 {number} 次会议", "title"), place=optional_text(place, "place", limit=200),
        state=ActivityState.OPEN, starts_at=starts_at, ends_at=ends_at, capacity=None, places_taken=0,
    )  # fmt: skip
    work.add(activity)
    work.record("core.activity.organised", activity, area_id=body.area_id)
    meeting = Meeting(
        id=new_id(), area_id=body.area_id, body_id=body.id, activity_id=activity.id, number=number,
        state=MeetingState.CALLED, is_urgent=is_urgent, called_by_id=work.principal_id, called_at=work.now,
        starts_at=starts_at, notice_days=hold.notice_days, quorum_percent=hold.quorum_percent,
        majority_percent=hold.majority_percent, speaking_minutes=hold.speaking_minutes,
        calls_to_order=hold.calls_to_order, exclusion_days=hold.exclusion_days, appeal_days=hold.appeal_days,
    )  # fmt: skip
    work.add(meeting)
    for position, id in enumerate(dict.fromkeys(item_ids), 1):
        item = items.get(id)
        if item is None or item.body_id != body.id:
            raise Refusal("NOT_ITS_MEETING", path=("itemIds", str(position - 1)))
        if item.state is not AgendaState.PROPOSED:
            raise Refusal("AGENDA_STATE", path=("itemIds", str(position - 1)), state=item.state)
        await work.not_own(item.concerns_id)
        if asked is None or item.id != asked[1].id:
            await requests.require_heard(work, item)
        work.change(item, state=AgendaState.PLACED, meeting_id=meeting.id, position=position)
    work.record(
        "councils.meeting.called", meeting, area_id=body.area_id,
        data={"body": str(body.id), "activity": str(activity.id), "startsAt": starts_at.isoformat()},
    )  # fmt: skip
    if asked is not None:
        requests.meet_request(work, asked[0], meeting, asked[1])
    return meeting


async def locked(work: Work, meeting_id: UUID, permission: str) -> tuple[Body, Meeting]:
    """A meeting with its body, both held, for who may; refuses NOT_FOUND."""
    body, meeting = await work.lock_with(Meeting, meeting_id, Body)
    work.require(permission, body, owner=await officer(work, body.id))
    work.expect_version(meeting)
    return body, meeting


async def record_attendance(work: Work, *, meeting_id: UUID, came: Mapping[UUID, AttendanceState]) -> Meeting:
    """Note who came, by seat. With more than the quorum the meeting is open, and whoever is not named is absent; else it is
    adjourned, if everybody is named. While it is open, latecomers are noted in the same way. Who is excluded is a member,
    and is not there.

    Refuses TOO_EARLY, MEETING_STATE, NO_SEAT_HERE, ATTENDANCE_NOT_WHOLE, ATTENDANCE_RECORDED, KEPT_OUT (excluded, yet said
    to be there, or noting it).
    """
    body, meeting = await locked(work, meeting_id, RECORD)
    require_state(meeting, MeetingState.CALLED, MeetingState.OPEN)
    if work.now < meeting.starts_at:
        raise Refusal("TOO_EARLY", startsAt=meeting.starts_at.isoformat())
    activity = await work.lock(Activity, meeting.activity_id)
    out = await excluded(work, meeting)
    require_in_the_room(work, out)
    seats = {s.id: s for s in (await standing(work, body)).seats}
    for id in came:
        if id not in seats:
            raise Refusal("NO_SEAT_HERE", path=("came",))
    if meeting.state is MeetingState.OPEN:
        return await _latecomers(work, body, meeting, activity, came, seats, out)
    _require_not_kept_out(seats, came, out)
    made = [
        Attendance(
            id=new_id(), area_id=body.area_id, meeting_id=meeting.id, seat_id=s.id, holder_id=s.holder_id,
            state=came.get(s.id, AttendanceState.ABSENT), is_voting=s.is_voting,
            exclusion_id=out[s.holder_id].id if s.holder_id in out else None,
        )
        for s in seats.values()
    ]  # fmt: skip
    members = sum(a.is_voting for a in made)
    there = [a for a in made if a.state is AttendanceState.PRESENT]
    present = sum(a.is_voting for a in there)
    enough = more_than(meeting.quorum_percent, present, members)
    if not enough and any(s.id not in came and s.holder_id not in out for s in seats.values()):
        raise Refusal("ATTENDANCE_NOT_WHOLE", path=("came",), present=present, members=members)
    state = MeetingState.OPEN if enough else MeetingState.ADJOURNED
    if not enough:
        await requests.due_again(work, meeting)
    for attendance in made:
        work.add(attendance)
    work.change(meeting, state=state, members=members, present=present, quorum_met=enough)
    if not enough:
        await _back_to_the_list(work, meeting)
    data = {"body": str(body.id), "members": members, "present": present, "quorum": enough}
    work.record("councils.meeting.opened", meeting, area_id=body.area_id, data=data)
    await _took_part(
        work, activity, [a.holder_id for a in there], ActivityState.OPEN if enough else ActivityState.CANCELLED
    )
    return meeting


def _require_not_kept_out(
    seats: Mapping[UUID, Seat], came: Mapping[UUID, AttendanceState], out: Mapping[UUID, Exclusion]
) -> None:
    for id, state in came.items():
        if state is AttendanceState.PRESENT and seats[id].holder_id in out:
            raise Refusal("KEPT_OUT", path=("came",))


async def _latecomers(
    work: Work, body: Body, meeting: Meeting, activity: Activity, came: Mapping[UUID, AttendanceState],
    seats: Mapping[UUID, Seat], out: Mapping[UUID, Exclusion],
) -> Meeting:  # fmt: skip
    known = {a.seat_id: a for a in await work.select(Attendance, meeting_id=meeting.id)}
    late = []
    for id, state in came.items():
        if id not in known:
            raise Refusal("NO_SEAT_HERE", path=("came",))
        if known[id].state is AttendanceState.PRESENT or state is not AttendanceState.PRESENT:
            raise Refusal("ATTENDANCE_RECORDED", path=("came",))
        _require_not_kept_out(seats, {id: state}, out)
        late.append(work.change(known[id], state=AttendanceState.PRESENT))
    work.change(meeting, present=(meeting.present or 0) + sum(a.is_voting for a in late))
    data = {"body": str(body.id), "present": meeting.present}
    work.record("councils.attendance.recorded", meeting, area_id=body.area_id, data=data)
    await _took_part(work, activity, [seats[a.seat_id].holder_id for a in late], activity.state)
    return meeting


async def _took_part(work: Work, activity: Activity, named: Sequence[UUID], state: ActivityState) -> None:
    """In core's words: who came has taken part in the activity."""
    known = {p.actor_id: p for p in await work.select(Participation, activity_id=activity.id)} if named else {}
    held = (ParticipationState.JOINED, ParticipationState.ATTENDED)
    taken = sum(1 for id in named if id not in known or known[id].state not in held)
    for id in named:
        if id in known:
            if known[id].state is not ParticipationState.ATTENDED:
                work.change(known[id], state=ParticipationState.ATTENDED)
        else:
            work.add(
                Participation(
                    id=new_id(),
                    activity_id=activity.id,
                    actor_id=id,
                    state=ParticipationState.ATTENDED,
                    joined_at=work.now,
                )
            )
    if named or state is not activity.state:
        work.change(activity, state=state, places_taken=activity.places_taken + taken)
        kind = "councils.attendance.recorded"
        work.record(kind, activity, area_id=activity.area_id, data={"present": [str(id) for id in named]})


async def _back_to_the_list(work: Work, meeting: Meeting) -> None:
    """What was not voted on waits for another meeting."""
    for item in await work.select(AgendaItem, lock=True, meeting_id=meeting.id, state=AgendaState.PLACED):
        work.change(item, state=AgendaState.PROPOSED, meeting_id=None, position=None)


async def close_meeting(work: Work, *, meeting_id: UUID, minutes: str) -> Meeting:
    """The meeting is over, and these are its minutes; somebody else confirms them. Refuses MEETING_STATE, KEPT_OUT (who
    closes it is excluded)."""
    body, meeting = await locked(work, meeting_id, RECORD)
    require_state(meeting, MeetingState.OPEN)
    require_in_the_room(work, await excluded(work, meeting))
    activity = await work.lock(Activity, meeting.activity_id)
    text = clean_text(minutes, "minutes", limit=10_000)
    await _back_to_the_list(work, meeting)
    work.change(meeting, state=MeetingState.CLOSED, minutes=text, minutes_by_id=work.person_id)
    work.record("councils.meeting.closed", meeting, area_id=body.area_id, data={"body": str(body.id)})
    await end_with(work, meeting)
    work.change(activity, state=ActivityState.FINISHED)
    work.record("core.activity.finished", activity, area_id=body.area_id)
    return meeting


async def confirm_minutes(work: Work, *, meeting_id: UUID) -> Meeting:
    """Somebody who has not written them finds the minutes right; from then on they stay. Refuses MEETING_STATE, OWN_MATTER."""
    body, meeting = await locked(work, meeting_id, RECORD)
    require_state(meeting, MeetingState.CLOSED)
    await work.not_own(meeting.minutes_by_id)
    work.change(meeting, state=MeetingState.CONFIRMED, confirmed_by_id=work.person_id)
    work.record("councils.minutes.confirmed", meeting, area_id=body.area_id, data={"body": str(body.id)})
    return meeting


async def cancel_meeting(work: Work, *, meeting_id: UUID, reason: str) -> Meeting:
    """Call it off, with a reason; its items wait for another meeting. Refuses MEETING_STATE."""
    body, meeting = await locked(work, meeting_id, CALL)
    require_state(meeting, MeetingState.CALLED)
    activity = await work.lock(Activity, meeting.activity_id)
    text = needed(reason, "reason")
    await requests.due_again(work, meeting)
    await _back_to_the_list(work, meeting)
    work.change(meeting, state=MeetingState.CANCELLED)
    work.record("councils.meeting.cancelled", meeting, area_id=body.area_id, text={"reason": text})
    work.change(activity, state=ActivityState.CANCELLED)
    work.record("core.activity.cancelled", activity, area_id=body.area_id, text={"reason": text})
    return meeting


async def recuse(work: Work, *, item_id: UUID, seat_id: UUID, reason: str | None) -> Recusal:
    """A member keeps out of an item by their own word; of somebody else a clerk notes it who has no part in the matter and no
    seat in the body, with the reason. Refuses OWN_MATTER, EMPTY_TEXT, ALREADY_VOTED_ON, NO_SEAT_HERE,
    ALREADY_RECUSED."""
    body, item = await work.lock_with(AgendaItem, item_id, Body)
    seat = await work.get(Seat, seat_id)
    own = None if work.system or work.principal_id != seat.holder_id else seat.holder_id
    work.require(RECORD, body, owner=own)
    if own is None and not work.system:
        needed(reason, "reason")
        await work.not_own(item.concerns_id, seat.holder_id)
        if await work.find(Seat, body_id=body.id, holder_id=work.person_id, state=SeatState.FILLED):
            raise Refusal("OWN_MATTER")
    if seat.body_id != body.id or seat.state is not SeatState.FILLED:
        raise Refusal("NO_SEAT_HERE", path=("seatId",))
    if item.state is AgendaState.VOTED:
        raise Refusal("ALREADY_VOTED_ON")
    if await work.find(Recusal, item_id=item.id, seat_id=seat.id):
        raise Refusal("ALREADY_RECUSED")
    recusal = Recusal(
        id=new_id(), area_id=body.area_id, item_id=item.id, seat_id=seat.id, holder_id=seat.holder_id,
        is_automatic=False, declared_at=work.now, reason=optional_text(reason, "reason", limit=1000),
    )  # fmt: skip
    work.add(recusal)
    work.record("councils.recusal.declared", recusal, area_id=body.area_id, data={"item": str(item.id)})
    return recusal
