"""Who belongs to a forum: residents who join, units and residents who are admitted, bodies that send a delegate.

Locals and newcomers are asked the same, of the port `eligibility` (INV15): since when they verifiably live here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from core.clock import months_later
from core.enums import ActorKind
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Membership
from core.ports import ELIGIBILITY
from core.rules.inputs import needed, optional_text
from core.settings.store import as_uuid
from core.work import PendingEvent, Work
from plugins.forums.models import Forum, Member
from plugins.forums.rules.common import convenor, councils, require_active
from plugins.forums.rules.forums import MANAGE, about, end
from plugins.forums.rules.moderation import excluded
from plugins.forums.settings import ForumsSettings
from plugins.forums.terms import (
    BELONGS,
    ForumMemberBasis,
    ForumMembership,
    ForumMemberState,
)

JOIN, ADMIT = "forums.member.join", "forums.member.admit"
UNITS = (ActorKind.ORGANIZATION, ActorKind.ENTERPRISE)
_BELONGS_HERE = (
    "SELECT 1 AS yes FROM core_membership m JOIN core_area_closure c ON c.descendant_id = m.area_id AND c.ancestor_id = {}"
    " AND c.until IS NULL WHERE m.actor_id = {} AND m.state = 'ACTIVE' LIMIT 1"
)


async def join_forum(work: Work, *, forum_id: UUID, application: str | None = None) -> Member:
    """Who lives here joins an open forum, at once; a mixed one, units too, once somebody who convenes it has admitted them.

    Refuses FORUM_CLOSED, BODIES_ONLY, ALREADY_IN_FORUM, EXCLUDED, UNITS_NOT_HERE, NOT_FROM_HERE, LIVES_HERE_TOO_SHORT.
    """
    forum = await work.get(Forum, forum_id)
    work.require(JOIN, forum)
    require_active(forum)
    if forum.membership is ForumMembership.BODIES:
        raise Refusal("BODIES_ONLY")
    actor = await work.get(Actor, work.principal_id)
    if await work.find(Member, forum_id=forum.id, actor_id=actor.id, until=None):
        raise Refusal("ALREADY_IN_FORUM")
    if await excluded(work, forum_id=forum.id, concerns_id=actor.id):
        raise Refusal("EXCLUDED")
    await _belongs_here(work, forum, actor)
    at_once = forum.membership is ForumMembership.OPEN
    member = Member(
        id=new_id(), area_id=forum.area_id, forum_id=forum.id, actor_id=actor.id,
        basis=ForumMemberBasis.JOINED if at_once else ForumMemberBasis.ADMITTED,
        state=ForumMemberState.ACTIVE if at_once else ForumMemberState.APPLIED, asked_at=work.now,
        since=work.now if at_once else None, application=optional_text(application, "application", limit=2000),
    )  # fmt: skip
    work.add(member)
    type = "forums.member.joined" if at_once else "forums.member.applied"
    work.record(type, member, area_id=forum.area_id, data=about(member))
    return member


async def _belongs_here(work: Work, forum: Forum, actor: Actor) -> None:
    if actor.kind in UNITS:
        if forum.membership is not ForumMembership.MIXED:
            raise Refusal("UNITS_NOT_HERE")
        if actor.area_id != forum.area_id and not await work.rows(_BELONGS_HERE, forum.area_id, actor.id):
            raise Refusal("NOT_FROM_HERE")
        return
    if actor.kind is not ActorKind.PERSON:
        raise Refusal("UNITS_NOT_HERE")
    since = await work.port(ELIGIBILITY).resident_since(work, actor.id, forum.area_id)
    if since is None:
        raise Refusal("NOT_FROM_HERE")
    months = (await work.settings(ForumsSettings, forum)).residence_months
    if months_later(since, months) > work.clock.today():
        raise Refusal("LIVES_HERE_TOO_SHORT", months=months, since=since.isoformat())


async def decide_application(work: Work, *, member_id: UUID, admit: bool, reason: str | None = None) -> Member:
    """Admit who applied, or say why not; they may apply again. Refuses OWN_MATTER, FORUM_MEMBER_STATE, EMPTY_TEXT."""
    member = await work.lock(Member, member_id)
    forum = await work.get(Forum, member.forum_id)
    work.require(ADMIT, member, owner=await convenor(work, forum.id))
    work.expect_version(member)
    require_active(forum)
    if member.state is not ForumMemberState.APPLIED:
        raise Refusal("FORUM_MEMBER_STATE", state=member.state)
    await work.not_own(member.actor_id)
    text = optional_text(reason, "reason", limit=2000) if admit else needed(reason, "reason")
    if admit:
        work.change(member, state=ForumMemberState.ACTIVE, since=work.now)
        work.record("forums.member.joined", member, area_id=member.area_id, data=about(member), text={"reason": text})
    else:
        work.change(member, state=ForumMemberState.DECLINED, until=work.now)
        work.record("forums.member.declined", member, area_id=member.area_id, data=about(member), text={"reason": text})
    return member


async def leave_forum(work: Work, *, member_id: UUID, successor_id: UUID | None = None) -> Member:
    """Go, or take an application back; what one said stays. Who sits in the body vacates the seat instead. Who convenes the
    forum may say which member convenes it after them, and has to, where nobody else does and others are there.

    Refuses NOT_AN_OFFICER (of the body that is the member), FORUM_MEMBER_STATE, SEATED_MEMBER, LAST_CONVENOR,
    CONVENOR_STAYS (the other takes no part).
    """
    member = await work.lock(Member, member_id)
    work.require(JOIN, member, owner=member.actor_id if member.body_id is None else None)
    work.expect_version(member)
    if member.body_id is not None and not await councils(work).is_officer(work, member.body_id):
        raise Refusal("NOT_AN_OFFICER")
    if member.state not in BELONGS:
        raise Refusal("FORUM_MEMBER_STATE", state=member.state)
    if member.basis is ForumMemberBasis.SEATED:
        raise Refusal("SEATED_MEMBER")
    if member.is_convenor:
        others = await work.select(Member, lock=True, forum_id=member.forum_id, state=ForumMemberState.ACTIVE)
        others = [m for m in others if m.id != member.id and m.actor_id is not None]
        if successor_id is not None:
            convene_next(work, next((m for m in others if m.id == successor_id), None))
        elif others and not any(m.is_convenor for m in others):
            raise Refusal("LAST_CONVENOR", path=("successorId",))
    end(work, member, ForumMemberState.LEFT)
    return member


# --- bodies in a joint meeting ---------------------------------------------------------------------------


async def send_delegate(work: Work, *, forum_id: UUID, body_id: UUID, delegate_id: UUID) -> Member:
    """A body takes part in a joint meeting through one of those who sit in it; its officers say who. Again: another one.

    Refuses NOT_A_JOINT_MEETING, BODY_DISSOLVED, NOT_AN_OFFICER, NO_SEAT_IN_BODY, ALREADY_IN_FORUM (who speaks for one body
    speaks for no other, INV6), EXCLUDED.
    """
    forum = await work.lock(Forum, forum_id)
    work.require(JOIN, forum)
    require_active(forum)
    if forum.membership is not ForumMembership.BODIES:
        raise Refusal("NOT_A_JOINT_MEETING")
    port = councils(work)
    body = await port.body(work, body_id)
    if not body.is_active:
        raise Refusal("BODY_DISSOLVED", path=("bodyId",))
    if not await port.is_officer(work, body.id):
        raise Refusal("NOT_AN_OFFICER", path=("bodyId",))
    delegate = await work.get(Actor, delegate_id)
    if delegate.id not in await port.seated(work, body.id):
        raise Refusal("NO_SEAT_IN_BODY", path=("delegateId",))
    there = await work.find(Member, forum_id=forum.id, actor_id=delegate.id, until=None)
    if there is not None and there.body_id != body.id:
        raise Refusal("ALREADY_IN_FORUM", path=("delegateId",))
    member = await work.find(Member, forum_id=forum.id, body_id=body.id, until=None)
    if member is None:
        member = Member(
            id=new_id(), area_id=forum.area_id, forum_id=forum.id, actor_id=delegate.id, body_id=body.id,
            basis=ForumMemberBasis.DELEGATED, state=ForumMemberState.ACTIVE, asked_at=work.now, since=work.now,
        )  # fmt: skip
        work.add(member)
        work.record("forums.member.joined", member, area_id=forum.area_id, data=about(member))
        return member
    if member.state is ForumMemberState.EXCLUDED:
        raise Refusal("EXCLUDED")
    keeps = member.is_convenor and member.actor_id == delegate.id
    work.change(member, actor_id=delegate.id, is_convenor=keeps)
    work.record("forums.member.delegated", member, area_id=forum.area_id, data=about(member))
    return member


async def set_convenor(work: Work, *, member_id: UUID, is_convenor: bool) -> Member:
    """Let a member convene the forum: lead its topics, admit and moderate; or no longer. Refuses FORUM_MEMBER_STATE."""
    member = await work.lock(Member, member_id)
    forum = await work.get(Forum, member.forum_id)
    work.require(MANAGE, member)
    work.expect_version(member)
    require_active(forum)
    if member.state is not ForumMemberState.ACTIVE or member.actor_id is None:
        raise Refusal("FORUM_MEMBER_STATE", state=member.state)
    convene(work, member, is_convenor)
    return member


def convene(work: Work, member: Member, is_convenor: bool, more: Mapping[str, Any] = {}) -> PendingEvent:
    """Queue and record that a member convenes the forum, or no longer."""
    work.change(member, is_convenor=is_convenor)
    data = {**about(member), "convenor": is_convenor, **more}
    return work.record("forums.member.convenor_changed", member, area_id=member.area_id, data=data)


def convene_next(work: Work, taker: Member | None, more: Mapping[str, Any] = {}) -> None:
    """Another member convenes the forum. Refuses CONVENOR_STAYS where they take no part in it."""
    if taker is None or taker.state is not ForumMemberState.ACTIVE:
        raise Refusal("CONVENOR_STAYS", path=("successorId",))
    if not taker.is_convenor:
        convene(work, taker, True, more)


# --- who moves away --------------------------------------------------------------------------------------


async def hear_residence(work: Work, event: EventRecord) -> None:
    """A residence is over: who joined as a resident and lives here no longer does not belong any more. Ballots that were
    opened before go on with them (INV7)."""
    await _ask_again(work, UUID(event.data["person"]))


async def hear_membership(work: Work, event: EventRecord) -> None:
    membership = await work.find(Membership, id=event.subject_id)
    if membership is not None:
        await _ask_again(work, membership.actor_id)


async def _ask_again(work: Work, actor_id: UUID) -> None:
    tomorrow = work.recorded_on + timedelta(days=1)
    for member in await work.select(Member, lock=True, actor_id=actor_id, until=None):
        if member.basis not in (ForumMemberBasis.JOINED, ForumMemberBasis.ADMITTED):
            continue
        if "forums" not in work.place(member).plugins:
            continue
        actor = await work.get(Actor, as_uuid(actor_id))
        if actor.kind is not ActorKind.PERSON:
            continue
        if await work.port(ELIGIBILITY).resident_since(work, actor.id, member.area_id, on=tomorrow) is None:
            work.require(MANAGE, member)
            end(work, member)
