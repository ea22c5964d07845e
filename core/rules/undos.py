"""How core's own events are undone: a row goes back to what it was, unless something has come to rest on it since."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from tortoise import fields

from core.corrections import Undo
from core.enums import ActivityState, MandateState, MembershipState, ParticipationState
from core.errors import Refusal
from core.events import EventRecord
from core.models import (
    Activity,
    Actor,
    Area,
    Deputy,
    EventText,
    Link,
    Logged,
    Mandate,
    Membership,
    Participation,
    Post,
    PostHolding,
    RoleGrant,
    Transition,
)
from core.rules.activities import MANAGE
from core.rules.actors import may_give_what_the_post_has, not_above_own, whole_of
from core.rules.areas import hold_settings, move_area
from core.settings.store import as_instant
from core.work import Work

L = TypeVar("L", bound=Logged)
CORE_UNDOS: dict[str, Undo] = {}


def _undoes(*event_types: str) -> Callable[[Callable[[Work, EventRecord], Awaitable[None]]], None]:
    def declare(act: Callable[[Work, EventRecord], Awaitable[None]]) -> None:
        CORE_UNDOS.update({t: Undo("core", t, act) for t in event_types})

    return declare


async def _row(work: Work, model: type[L], event: EventRecord) -> L:
    """The row the event was about, if it is still as the event left it."""
    row = await work.lock(model, event.subject_id)
    if row.event_id != event.id:
        raise Refusal("CANNOT_UNDO")
    return row


async def _before(work: Work, event: EventRecord) -> str | None:
    """The state the event took its row from; None for a row it made."""
    found = await work.find(Transition, event_id=event.id, subject_id=event.subject_id)
    return None if found is None else found.from_state


def _undone(work: Work, event: EventRecord, row: Logged, area_id: UUID | None) -> None:
    work.record(f"{event.type}.undone", row, area_id=area_id)


# --- activities ------------------------------------------------------------------------------------------


@_undoes("core.activity.joined", "core.activity.left", "core.activity.attended")
async def _participation(work: Work, event: EventRecord) -> None:
    activity = await work.lock(Activity, (await work.get(Participation, event.subject_id)).activity_id)
    if event.type == "core.activity.attended":
        work.require(MANAGE, activity, owner=activity.organizer_id)
        allowed = {ActivityState.OPEN, ActivityState.FINISHED}
    else:
        work.require("core.activity.join", activity)
        allowed = {ActivityState.OPEN}
    if activity.state not in allowed:
        raise Refusal("ACTIVITY_STATE", state=activity.state)
    row = await _row(work, Participation, event)
    before = ParticipationState(await _before(work, event) or ParticipationState.LEFT)
    held, holds = (state is not ParticipationState.LEFT for state in (row.state, before))
    if held != holds:
        work.change(activity, places_taken=activity.places_taken + (1 if holds else -1))
    work.change(row, state=before)
    _undone(work, event, row, activity.area_id)


@_undoes("core.activity.opened", "core.activity.finished", "core.activity.cancelled")
async def _activity(work: Work, event: EventRecord) -> None:
    activity = await _row(work, Activity, event)
    work.require(MANAGE, activity, owner=activity.organizer_id)
    work.change(activity, state=ActivityState(str(await _before(work, event))))
    _undone(work, event, activity, activity.area_id)


# --- who belongs where, who acts for whom ----------------------------------------------------------------


@_undoes("core.membership.added", "core.membership.ended")
async def _membership(work: Work, event: EventRecord) -> None:
    row = await _row(work, Membership, event)
    whole = await whole_of(work, row)
    work.require("core.membership.manage", whole)
    if event.type == "core.membership.added":
        work.change(row, state=MembershipState.ENDED, until=row.since)
    else:
        work.change(row, state=MembershipState.ACTIVE, until=None)
    _undone(work, event, row, event.area_id)


@_undoes("core.mandate.given", "core.mandate.revoked")
async def _mandate(work: Work, event: EventRecord) -> None:
    row = await _row(work, Mandate, event)
    if event.type == "core.mandate.given":
        work.require("core.mandate.manage", row, owner=row.organization_id)
        work.change(row, state=MandateState.REVOKED)
    else:
        work.require("core.mandate.manage", await work.get(Actor, row.organization_id))
        work.require("core.mandate.manage", row)
        if row.person_id == work.viewer.person_id:
            raise Refusal("OWN_MATTER")
        work.change(row, state=MandateState.ACTIVE)
    _undone(work, event, row, row.area_id)


@_undoes("core.role.granted", "core.role.revoked")
async def _role(work: Work, event: EventRecord) -> None:
    row = await _row(work, RoleGrant, event)
    not_above_own(work, row.role, work.require("core.role.grant", row))
    work.change(row, revoked_at=work.now if event.type == "core.role.granted" else None)
    _undone(work, event, row, row.area_id)


@_undoes("core.post.assigned", "core.post.left")
async def _post(work: Work, event: EventRecord) -> None:
    row = await _row(work, PostHolding, event)
    post = await work.get(Post, row.post_id)
    await may_give_what_the_post_has(work, post)
    if row.person_id == work.viewer.person_id and event.type == "core.post.left":
        raise Refusal("OWN_MATTER")
    term = as_instant(event.data.get("until"))
    if term is not None and term <= work.now:
        raise Refusal("CANNOT_UNDO")
    work.change(row, until=work.now if event.type == "core.post.assigned" else term)
    _undone(work, event, row, post.area_id)


@_undoes("core.deputy.appointed", "core.deputy.ended")
async def _deputy(work: Work, event: EventRecord) -> None:
    row = await _row(work, Deputy, event)
    holding = await work.get(PostHolding, row.holding_id)
    post = await work.get(Post, holding.post_id)
    await may_give_what_the_post_has(work, post)
    if event.type == "core.deputy.ended" and row.person_id == work.viewer.person_id:
        raise Refusal("OWN_MATTER")
    work.change(row, ended_at=work.now if event.type == "core.deputy.appointed" else None)
    _undone(work, event, row, post.area_id)


# --- areas and actors ------------------------------------------------------------------------------------


@_undoes("core.area.renamed")
async def _renamed(work: Work, event: EventRecord) -> None:
    area = await _row(work, Area, event)
    work.require("core.area.manage", area)
    former = await work.find(EventText, event_id=event.id, key="former")
    if former is None:
        raise Refusal("CANNOT_UNDO")
    work.change(area, name=former.text)
    _undone(work, event, area, area.id)


@_undoes("core.area.moved")
async def _moved(work: Work, event: EventRecord) -> None:
    await hold_settings(work, alone=True)
    area = await work.get(Area, event.subject_id)
    former = event.data.get("from")
    if area.event_id != event.id or former is None:
        raise Refusal("CANNOT_UNDO")
    await move_area(work, area_id=area.id, parent_id=UUID(str(former)), event_type=f"{event.type}.undone")


@_undoes("core.actor.registered")
async def _registered(work: Work, event: EventRecord) -> None:
    """Whoever was registered by mistake goes, if nothing anywhere names them."""
    actor = await _row(work, Actor, event)
    work.require("core.actor.register", actor)
    if await _is_named(work, actor.id):
        raise Refusal("CANNOT_UNDO")
    work.change(actor, gone_at=work.now)
    _undone(work, event, actor, actor.area_id)


async def _is_named(work: Work, actor_id: UUID) -> bool:
    """Does any row of core or of a plugin refer to this actor?"""
    places = [(Link._meta.db_table, "from_id"), (Link._meta.db_table, "to_id")]
    for model in work.transaction.database.models:
        for field in model._meta.fields_map.values():
            if isinstance(field, fields.relational.ForeignKeyFieldInstance) and field.related_model is Actor:
                places.append((model._meta.db_table, str(field.source_field)))
    sql = " UNION ALL ".join(f"SELECT 1 AS yes FROM {table} WHERE {column} = {{}}" for table, column in places)
    return bool(await work.rows(f"SELECT yes FROM ({sql}) x LIMIT 1", *[actor_id] * len(places)))
