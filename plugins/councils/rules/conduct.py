"""Keeping order at a meeting, with a reason and a trace: calls to order, exclusions, appeals that go to somebody else (M01)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from core.enums import ParticipationState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Participation
from core.rules.inputs import needed
from core.work import Work
from plugins.councils.models import AgendaItem, Body, CallToOrder, Exclusion, KeptOut, Meeting, Resolution, Seat
from plugins.councils.rules import meetings, resolutions
from plugins.councils.rules.common import require_active
from plugins.councils.rules.exclusions import about, end, excluded, make_up, require_in_the_room, rests_on_exclusions
from plugins.councils.rules.standing import officer
from plugins.councils.terms import SITTING, CallToOrderKind, ExclusionState, MeetingState, ResolutionState

KEEP, APPEAL, DECIDE = "councils.order.keep", "councils.exclusion.appeal", "councils.exclusion.decide"
EXCLUSIONS_SQL = "SELECT t.id, t.area_id FROM councils_exclusion t WHERE t.ended_at IS NULL AND t.until <= :now:"


async def call_to_order(
    work: Work, *, meeting_id: UUID, actor_id: UUID, kind: CallToOrderKind, reason: str
) -> CallToOrder:
    """Tell somebody at an open meeting to keep to its order, member or guest.

    Refuses MEETING_STATE, BODY_DISSOLVED, OWN_MATTER (themselves), NOT_THERE, ALREADY_EXCLUDED, KEPT_OUT, EMPTY_TEXT.
    """
    body, meeting, concerns = await _there(work, meeting_id, actor_id)
    made = CallToOrder(
        id=new_id(), area_id=body.area_id, body_id=body.id, meeting_id=meeting.id, concerns_id=concerns.id, kind=kind,
        reason=needed(reason, "reason"), made_by_id=work.person_id, made_at=work.now,
    )  # fmt: skip
    work.add(made)
    data = {"body": str(body.id), "meeting": str(meeting.id), "kind": str(kind)}
    work.record("councils.meeting.called_to_order", made, area_id=body.area_id, data=data)
    return made


async def _there(work: Work, meeting_id: UUID, actor_id: UUID) -> tuple[Body, Meeting, Actor]:
    """An open meeting, held with its body, for who keeps its order; and somebody on record as being there."""
    body, meeting = await meetings.locked(work, meeting_id, KEEP)
    require_active(body)
    meetings.require_state(meeting, MeetingState.OPEN)
    concerns = await work.get(Actor, actor_id)
    await work.not_own(concerns.id)
    out = await excluded(work, meeting)
    require_in_the_room(work, out)
    if concerns.id in out:
        raise Refusal("ALREADY_EXCLUDED", path=("actorId",))
    came = await work.find(Participation, activity_id=meeting.activity_id, actor_id=concerns.id)
    if came is None or came.state is not ParticipationState.ATTENDED:
        raise Refusal("NOT_THERE", path=("actorId",))
    return body, meeting, concerns


async def exclude(work: Work, *, meeting_id: UUID, actor_id: UUID, reason: str, until: date | None = None) -> Exclusion:
    """Let somebody leave the meeting, and come to no other of the body through the day `until`. Each exclusion takes as many
    calls to order as held when the meeting was called.

    Refuses TOO_FEW_CALLS, EXCLUSION_TOO_LONG, IN_THE_PAST (before tomorrow), and what `call_to_order` refuses.
    """
    body, meeting, concerns = await _there(work, meeting_id, actor_id)
    calls = await work.select(CallToOrder, meeting_id=meeting.id, concerns_id=concerns.id)
    before = await work.select(Exclusion, meeting_id=meeting.id, concerns_id=concerns.id)
    wanted = meeting.calls_to_order * (1 + len(before))
    if len(calls) < wanted:
        raise Refusal("TOO_FEW_CALLS", path=("actorId",), count=len(calls), needed=wanted)
    today = work.clock.civil_date(work.now)
    if until is not None and until > today + timedelta(days=meeting.exclusion_days):
        raise Refusal("EXCLUSION_TOO_LONG", path=("until",), days=meeting.exclusion_days)
    if until is not None and until <= today:
        raise Refusal("IN_THE_PAST", path=("until",))
    for running in await work.select(Exclusion, lock=True, body_id=body.id, concerns_id=concerns.id, ended_at=None):
        if running.until is not None:  # and it is over; one from another meeting that goes on stays
            _over(work, running)
    made = Exclusion(
        id=new_id(), area_id=body.area_id, body_id=body.id, meeting_id=meeting.id, concerns_id=concerns.id,
        reason=needed(reason, "reason"), made_by_id=work.person_id, made_at=work.now,
        until=None if until is None else work.clock.end_of(until),
        appeal_until=work.clock.end_of(today + timedelta(days=meeting.appeal_days)), state=ExclusionState.DECLARED,
    )  # fmt: skip
    work.add(made)
    work.record("councils.meeting.excluded", made, area_id=body.area_id, data=about(made))
    return made


async def _held(work: Work, exclusion_id: UUID) -> tuple[Body, Exclusion]:
    return await work.lock_with(Exclusion, exclusion_id, Body)


async def lift(work: Work, *, exclusion_id: UUID) -> Exclusion:
    """Whoever keeps order lets them come again; that they were excluded stays on record, and may be appealed against.
    Refuses EXCLUSION_STATE when it is over, OWN_MATTER, KEPT_OUT (who lifts it is excluded themselves)."""
    body, exclusion = await _held(work, exclusion_id)
    work.require(KEEP, body, owner=await officer(work, body.id))
    work.expect_version(exclusion)
    await work.not_own(exclusion.concerns_id)
    require_in_the_room(work, await excluded(work, await work.get(Meeting, exclusion.meeting_id)))
    if exclusion.ended_at is not None or work.is_over(exclusion.until):
        raise Refusal("EXCLUSION_STATE")
    end(work, exclusion, "lifted", ended_at=work.now)
    return exclusion


async def appeal(work: Work, *, exclusion_id: UUID, text: str) -> Exclusion:
    """Whom it concerns says why it is wrong, also when it is over; at the desk nobody enters it who made it or called
    them to order. Refuses EXCLUSION_STATE, EXCLUSION_APPEAL_OVER, OWN_MATTER, EMPTY_TEXT."""
    body, exclusion = await _held(work, exclusion_id)
    work.require(APPEAL, exclusion, owner=exclusion.concerns_id)
    work.expect_version(exclusion)
    await work.not_at_the_desk_of(*await _made_by(work, exclusion))
    if exclusion.state is not ExclusionState.DECLARED:
        raise Refusal("EXCLUSION_STATE")
    await make_up(work, exclusion)
    if work.is_over(exclusion.appeal_until):
        raise Refusal("EXCLUSION_APPEAL_OVER")
    work.change(exclusion, state=ExclusionState.APPEALED, appeal=needed(text, "text"))
    work.record("councils.meeting.exclusion_appealed", exclusion, area_id=body.area_id, data=about(exclusion))
    return exclusion


async def decide_appeal(work: Work, *, exclusion_id: UUID, overturn: bool, decision: str) -> Exclusion:
    """Somebody who had no part in it upholds or overturns it (INV10): not who excluded them or called them to order, who
    sits in the body, or whose own matter hangs on it. Overturned, it is over, and what rested on it is void. Refuses
    OWN_MATTER, ENTERED_BY_YOU (the appeal), EXCLUSION_STATE, EMPTY_TEXT."""
    body, exclusion = await _held(work, exclusion_id)
    work.require(DECIDE, body)
    work.expect_version(exclusion)
    if exclusion.state is not ExclusionState.APPEALED:
        raise Refusal("EXCLUSION_STATE")
    await _no_part(work, exclusion)
    await work.not_entered(exclusion, "councils.meeting.exclusion_appealed")
    said = {"decision": needed(decision, "decision"), "decided_by_id": work.person_id, "decided_at": work.now}
    if not overturn:
        work.change(exclusion, state=ExclusionState.UPHELD, **said)
        work.record("councils.meeting.exclusion_upheld", exclusion, area_id=body.area_id, data=about(exclusion))
        return exclusion
    ended = exclusion.ended_at or work.now
    end(work, exclusion, "overturned", state=ExclusionState.OVERTURNED, ended_at=ended, **said)
    named = [k.resolution_id for k in await work.select(KeptOut, exclusion_id=exclusion.id)]
    for resolution in await work.select(Resolution, lock=True, id=named, state=ResolutionState.ADOPTED):
        if rests_on_exclusions(resolution):
            await resolutions.void(work, resolution)
    return exclusion


async def _made_by(work: Work, exclusion: Exclusion) -> list[UUID]:
    """Who excluded them, and who called them to order before."""
    calls = await work.select(CallToOrder, meeting_id=exclusion.meeting_id, concerns_id=exclusion.concerns_id)
    return [exclusion.made_by_id, *(c.made_by_id for c in calls)]


async def _no_part(work: Work, exclusion: Exclusion) -> None:
    if await work.find(Seat, body_id=exclusion.body_id, holder_id=work.person_id, state=list(SITTING)):
        raise Refusal("OWN_MATTER")
    resting = [k.resolution_id for k in await work.select(KeptOut, exclusion_id=exclusion.id)]
    items = [r.item_id for r in await work.select(Resolution, id=resting)] if resting else []
    hanging = [i.concerns_id for i in await work.select(AgendaItem, id=items)] if items else []
    await work.not_own(exclusion.concerns_id, *await _made_by(work, exclusion), *hanging)


async def settle_exclusion(work: Work, exclusion_id: UUID) -> None:
    """The clock: its time is over, and they may come again."""
    body, exclusion = await _held(work, exclusion_id)
    if exclusion.ended_at is None and exclusion.until is not None and exclusion.until <= work.now:
        work.require(KEEP, body)
        _over(work, exclusion)


def _over(work: Work, exclusion: Exclusion) -> None:
    end(work, exclusion, "over", ended_at=exclusion.until)
