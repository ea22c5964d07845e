"""Forums: founded beside a body of councils, changed with it, and closed."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Area
from core.rules.inputs import needed, optional_text
from core.work import Work
from plugins.forums.models import Forum, Member, Topic
from plugins.forums.rules.common import councils, require_active
from plugins.forums.terms import (
    ForumKind,
    ForumMemberBasis,
    ForumMembership,
    ForumMemberState,
    ForumState,
    ForumTopicState,
)

MANAGE = "forums.forum.manage"


async def found_forum(
    work: Work, *, area_id: UUID, kind: ForumKind, name: str, membership: ForumMembership | None = None,
    purpose: str | None = None, seats: int = 15, is_advisory: bool = False,
) -> Forum:  # fmt: skip
    """Found a forum and its body, which has so many seats for those who are elected or appointed to it.

    Refuses FORUM_MEMBERSHIP (a joint meeting is of bodies, and nothing else is), BODY_EXISTS, BODY_SIZE.
    """
    area = await work.get(Area, area_id)
    work.require(MANAGE, area)
    usual = {
        ForumKind.FORUM: ForumMembership.OPEN,
        ForumKind.JOINT: ForumMembership.BODIES,
        ForumKind.SELF_GOVERNANCE_ASSOCIATION: ForumMembership.MIXED,
    }
    chosen = membership or usual[kind]
    if (kind is ForumKind.JOINT) != (chosen is ForumMembership.BODIES):
        raise Refusal("FORUM_MEMBERSHIP", path=("membership",))
    port, text = councils(work), optional_text(purpose, "purpose", limit=2000)
    body_id = await port.found(
        work, area_id=area.id, kind=str(kind), name=name, size=seats, purpose=text, is_advisory=is_advisory
    )
    work.require(MANAGE, area)
    forum = Forum(
        id=new_id(), area_id=area.id, body_id=body_id, kind=kind, membership=chosen, name=name.strip(), purpose=text,
        state=ForumState.ACTIVE, founded_at=work.occurred_at,
    )  # fmt: skip
    work.add(forum)
    work.record(
        "forums.forum.founded", forum, area_id=area.id, data={"body": str(body_id), "kind": str(kind)}
    )  # fmt: skip
    return forum


async def update_forum(work: Work, *, forum_id: UUID, purpose: str | None) -> Forum:
    """Say anew what it is for; its name is changed with its body's."""
    forum = await work.lock(Forum, forum_id)
    work.require(MANAGE, forum)
    work.expect_version(forum)
    require_active(forum)
    work.change(forum, purpose=optional_text(purpose, "purpose", limit=2000))
    work.record("forums.forum.changed", forum, area_id=forum.area_id)
    return forum


async def close_forum(work: Work, *, forum_id: UUID, reason: str) -> Forum:
    """It no longer meets; what came of it stays. Refuses TOPICS_OPEN while something is being decided."""
    forum = await work.lock(Forum, forum_id)
    work.require(MANAGE, forum)
    work.expect_version(forum)
    require_active(forum)
    if await work.select(Topic, forum_id=forum.id, state=ForumTopicState.DECIDING):
        raise Refusal("TOPICS_OPEN")
    work.change(forum, state=ForumState.CLOSED)
    work.record("forums.forum.closed", forum, area_id=forum.area_id, text={"reason": needed(reason, "reason")})
    return forum


# --- what becomes of its body ----------------------------------------------------------------------------


async def hear_body(work: Work, event: EventRecord) -> None:
    """The body has another name, or is dissolved: so has its forum, and so is it; and it belongs to no joint meeting."""
    body = await councils(work).body(work, event.subject_id)
    for forum in await work.select(Forum, lock=True, body_id=body.id, state=ForumState.ACTIVE):
        if "forums" not in work.place(forum).plugins:
            continue
        work.require(MANAGE, forum)
        if not body.is_active:
            work.change(forum, state=ForumState.CLOSED)
            work.record("forums.forum.closed", forum, area_id=forum.area_id, data={"body": str(body.id)})
        elif body.name != forum.name:
            work.change(forum, name=body.name)
            work.record("forums.forum.changed", forum, area_id=forum.area_id, data={"body": str(body.id)})
    if not body.is_active:
        for member in await work.select(Member, lock=True, body_id=body.id, until=None):
            _end(work, member)


async def hear_seat(work: Work, event: EventRecord) -> None:
    """Who sits in a forum's body belongs to the forum; who sent a delegate and lost them is silent until it names another."""
    body_id = UUID(event.data["body"]) if "body" in event.data else None
    if body_id is None:
        return
    seated = set(await councils(work).seated(work, body_id))
    for forum in await work.select(Forum, body_id=body_id, state=ForumState.ACTIVE):
        if "forums" in work.place(forum).plugins and forum.membership is not ForumMembership.BODIES:
            await _follow_seats(work, forum, seated)
    for member in await work.select(Member, lock=True, body_id=body_id, until=None):
        if member.actor_id is not None and member.actor_id not in seated and "forums" in work.place(member).plugins:
            work.require(MANAGE, member)
            work.change(member, actor_id=None, is_convenor=False)
            work.record("forums.member.delegated", member, area_id=member.area_id, data=about(member))


async def _follow_seats(work: Work, forum: Forum, seated: set[UUID]) -> None:
    work.require(MANAGE, forum)
    there = {m.actor_id: m for m in await work.select(Member, lock=True, forum_id=forum.id, until=None)}
    for actor_id in sorted(seated - there.keys()):
        member = Member(
            id=new_id(), area_id=forum.area_id, forum_id=forum.id, actor_id=actor_id, basis=ForumMemberBasis.SEATED,
            state=ForumMemberState.ACTIVE, asked_at=work.now, since=work.now,
        )  # fmt: skip
        work.add(member)
        work.record("forums.member.joined", member, area_id=forum.area_id, data=about(member))
    for member in there.values():
        if member.actor_id in seated and member.state is ForumMemberState.APPLIED:
            work.change(member, state=ForumMemberState.ACTIVE, basis=ForumMemberBasis.SEATED, since=work.now)
            work.record("forums.member.joined", member, area_id=forum.area_id, data=about(member))
        if member.basis is ForumMemberBasis.SEATED and member.actor_id not in seated:
            _end(work, member)


def _end(work: Work, member: Member) -> None:
    if "forums" in work.place(member).plugins:
        work.require(MANAGE, member)
        end(work, member)


def end(work: Work, member: Member, state: ForumMemberState = ForumMemberState.ENDED) -> None:
    """Queue and record that somebody no longer belongs to the forum."""
    work.change(member, state=state, until=work.now, is_convenor=False)
    type = "forums.member.left" if state is ForumMemberState.LEFT else "forums.member.ended"
    work.record(type, member, area_id=member.area_id, data=about(member))


def about(member: Member) -> dict[str, str]:
    """What events say of a membership."""
    found = {"forum": str(member.forum_id)}
    if member.actor_id is not None:
        found["actor"] = str(member.actor_id)
    if member.body_id is not None:
        found["body"] = str(member.body_id)
    return found
