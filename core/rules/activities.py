"""Activities: organise, open, join, leave, attend, finish, cancel. Places never run over, nobody joins twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.clock import to_millisecond
from core.enums import ActivityState, ParticipationState
from core.errors import Refusal
from core.ids import new_id
from core.models import Activity, Actor, Area, Participation
from core.rules.inputs import clean_name, optional_text
from core.work import Work

MANAGE = "core.activity.manage"


async def organise(
    work: Work,
    *,
    area_id: UUID,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    capacity: int | None = None,
    summary: str | None = None,
    place: str | None = None,
) -> Activity:
    """A planned activity of the principal; refuses IN_THE_PAST, ENDS_BEFORE_START, BAD_CAPACITY."""
    area = await work.get(Area, area_id)
    work.require("core.activity.organise", area)
    starts_at, ends_at = to_millisecond(starts_at), to_millisecond(ends_at)
    if starts_at < work.occurred_at and not work.system:
        raise Refusal("IN_THE_PAST", path=("startsAt",))
    if ends_at <= starts_at:
        raise Refusal("ENDS_BEFORE_START", path=("endsAt",))
    if capacity is not None and not 1 <= capacity <= 1_000_000:
        raise Refusal("BAD_CAPACITY", path=("capacity",))
    activity = Activity(
        id=new_id(),
        area_id=area_id,
        organizer_id=work.principal_id,
        title=clean_name(title, "title"),
        summary=optional_text(summary, "summary"),
        place=optional_text(place, "place", limit=200),
        state=ActivityState.PLANNED,
        starts_at=starts_at,
        ends_at=ends_at,
        capacity=capacity,
        places_taken=0,
    )
    work.add(activity)
    work.record("core.activity.organised", activity, area_id=area_id)
    return activity


async def _managed(work: Work, activity_id: UUID, *allowed: ActivityState) -> Activity:
    activity = await work.lock(Activity, activity_id)
    work.require(MANAGE, activity, owner=activity.organizer_id)
    work.expect_version(activity)
    if activity.state not in allowed:
        raise Refusal("ACTIVITY_STATE", state=activity.state)
    return activity


async def open_activity(work: Work, *, activity_id: UUID) -> Activity:
    """Let people join."""
    activity = await _managed(work, activity_id, ActivityState.PLANNED)
    work.change(activity, state=ActivityState.OPEN)
    work.record("core.activity.opened", activity, area_id=activity.area_id)
    return activity


async def join(work: Work, *, activity_id: UUID) -> Participation:
    """The principal takes a place; refuses ACTIVITY_STATE, ACTIVITY_FULL, ALREADY_JOINED, ACTIVITY_OVER."""
    activity = await work.lock(Activity, activity_id)
    work.require("core.activity.join", activity)
    work.expect_version(activity)
    if activity.state is not ActivityState.OPEN:
        raise Refusal("ACTIVITY_STATE", state=activity.state)
    if activity.ends_at <= work.occurred_at:
        raise Refusal("ACTIVITY_OVER")
    participation = await work.find(Participation, activity_id=activity_id, actor_id=work.principal_id)
    if participation is not None and participation.state is not ParticipationState.LEFT:
        raise Refusal("ALREADY_JOINED")
    if activity.capacity is not None and activity.places_taken >= activity.capacity:
        raise Refusal("ACTIVITY_FULL", capacity=activity.capacity)
    if participation is None:
        participation = Participation(
            id=new_id(),
            activity_id=activity_id,
            actor_id=work.principal_id,
            state=ParticipationState.JOINED,
            joined_at=work.occurred_at,
        )
        work.add(participation)
    else:
        work.change(participation, state=ParticipationState.JOINED, joined_at=work.occurred_at)
    work.change(activity, places_taken=activity.places_taken + 1)
    work.record("core.activity.joined", participation, area_id=activity.area_id, data={"activity": str(activity_id)})
    return participation


async def leave(work: Work, *, activity_id: UUID) -> Participation:
    """The principal gives the place back; refuses NOT_JOINED, ACTIVITY_STATE."""
    activity = await work.lock(Activity, activity_id)
    work.require("core.activity.join", activity)
    work.expect_version(activity)
    participation = await work.find(Participation, activity_id=activity_id, actor_id=work.principal_id)
    if participation is None or participation.state is not ParticipationState.JOINED:
        raise Refusal("NOT_JOINED")
    if activity.state is not ActivityState.OPEN:
        raise Refusal("ACTIVITY_STATE", state=activity.state)
    work.change(participation, state=ParticipationState.LEFT)
    work.change(activity, places_taken=activity.places_taken - 1)
    work.record("core.activity.left", participation, area_id=activity.area_id, data={"activity": str(activity_id)})
    return participation


async def attend(work: Work, *, activity_id: UUID, actor_id: UUID) -> Participation:
    """Whoever runs the activity notes that an actor came; a walk-in takes a place too.

    That they came themselves somebody else notes, as it may be worth something (INV10). Refuses OWN_MATTER, TOO_EARLY
    before the start, ACTIVITY_FULL, ALREADY_ATTENDED.
    """
    activity = await _managed(work, activity_id, ActivityState.OPEN)
    if work.occurred_at < activity.starts_at:
        raise Refusal("TOO_EARLY", startsAt=activity.starts_at.isoformat())
    actor_id = (await work.get(Actor, actor_id)).id
    if await work.concerned_in(actor_id):
        raise Refusal("OWN_MATTER", path=("actorId",))
    participation = await work.find(Participation, activity_id=activity_id, actor_id=actor_id)
    if participation is not None and participation.state is ParticipationState.ATTENDED:
        raise Refusal("ALREADY_ATTENDED")
    if participation is None or participation.state is ParticipationState.LEFT:
        if activity.capacity is not None and activity.places_taken >= activity.capacity:
            raise Refusal("ACTIVITY_FULL", capacity=activity.capacity)
        work.change(activity, places_taken=activity.places_taken + 1)
    if participation is None:
        participation = Participation(
            id=new_id(),
            activity_id=activity_id,
            actor_id=actor_id,
            state=ParticipationState.ATTENDED,
            joined_at=work.occurred_at,
        )
        work.add(participation)
    else:
        work.change(participation, state=ParticipationState.ATTENDED)
    work.record(
        "core.activity.attended",
        participation,
        area_id=activity.area_id,
        data={"activity": str(activity_id), "actor": str(actor_id)},
    )
    return participation


async def finish(work: Work, *, activity_id: UUID) -> Activity:
    """The activity took place; refuses TOO_EARLY before its start."""
    activity = await _managed(work, activity_id, ActivityState.OPEN)
    if work.occurred_at < activity.starts_at:
        raise Refusal("TOO_EARLY", startsAt=activity.starts_at.isoformat())
    work.change(activity, state=ActivityState.FINISHED)
    work.record("core.activity.finished", activity, area_id=activity.area_id)
    return activity


async def cancel(work: Work, *, activity_id: UUID, reason: str) -> Activity:
    """Call it off, with a reason people can read."""
    activity = await _managed(work, activity_id, ActivityState.PLANNED, ActivityState.OPEN)
    text = optional_text(reason, "reason", limit=2000)
    if text is None:
        raise Refusal("EMPTY_TEXT", path=("reason",))
    work.change(activity, state=ActivityState.CANCELLED)
    work.record("core.activity.cancelled", activity, area_id=activity.area_id, text={"reason": text})
    return activity
