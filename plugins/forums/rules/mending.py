"""Two actors who are one, what must be settled before somebody is erased, and whose matter things are (INV10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.corrections import Finding, Merging
from core.duties import Duties, Duty, Held, Matter, Taking
from core.models import Logged
from core.work import PendingEvent, Work
from plugins.forums.models import Forum, Member, Moderation, Position, Statement, Topic
from plugins.forums.rules.members import convene, convene_next
from plugins.forums.terms import ForumModerationState

_MOVES: tuple[tuple[type[Logged], str, str], ...] = (
    (Member, "actor_id", "forums.member.merged"),
    (Topic, "opened_by_id", "forums.topic.merged"),
    (Statement, "author_id", "forums.statement.merged"),
    (Position, "actor_id", "forums.position.merged"),
    (Moderation, "concerns_id", "forums.moderation.merged"),
)


async def _there(work: Work, actor_id: UUID) -> list[Member]:
    return await work.select(Member, actor_id=actor_id, until=None)


# Proposed consensus on which each of the two has said something (INV6).
_BOTH_STATED = """SELECT count(*) AS n FROM forums_resolution r WHERE r.state = 'PENDING'
    AND EXISTS (SELECT 1 FROM forums_position p WHERE p.resolution_id = r.id AND p.actor_id = {})
    AND EXISTS (SELECT 1 FROM forums_position p WHERE p.resolution_id = r.id AND p.actor_id = {})"""


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move, but for positions, which are between a member and the forum; one of two memberships in a forum is
    ended first, a consensus to which both said something decided."""
    both = {m.forum_id for m in await _there(work, kept)} & {m.forum_id for m in await _there(work, gone)}
    found = [
        Finding(model.tag, len(await work.select(model, lock=False, **{column: gone})))
        for model, column, _ in _MOVES
        if model is not Position
    ]
    stated = int((await work.rows(_BOTH_STATED, kept, gone))[0]["n"])
    found += [Finding("forums_member", len(both), "BOTH_IN_FORUM"), Finding("forums_position", stated, "BOTH_STATED")]
    return [f for f in found if f.count]


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Memberships, topics and what was said go to the actor that stays."""
    data = {"kept": str(kept), "gone": str(gone)}
    for model, column, event in _MOVES:
        for row in await work.select(model, lock=True, **{column: gone}):
            work.change(row, **{column: kept})
            work.record(event, row, area_id=row.area_id, data=data)  # type: ignore[attr-defined]


MERGING = Merging("forums", preview_merge, move_merged)


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: memberships are ended, appeals answered."""
    kinds: dict[str, Sequence[Logged]] = {
        "forums_member": await _there(work, actor_id),
        "forums_moderation": await work.select(Moderation, concerns_id=actor_id, state=ForumModerationState.APPEALED),
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]


async def _convening(work: Work, person_id: UUID) -> list[Held]:
    found = await work.select(Member, lock=True, actor_id=person_id, is_convenor=True)
    names = {f.id: f.name for f in await work.select(Forum, id=[m.forum_id for m in found])} if found else {}
    return [Held(m, m, names[m.forum_id]) for m in found]


async def _move_convening(work: Work, held: Held, taking: Taking) -> PendingEvent:
    """To who takes part in the forum too; else it stays, and the receipt says so."""
    giver: Any = held.row
    there = await work.select(Member, lock=True, forum_id=giver.forum_id, actor_id=taking.taker_id, until=None)
    convene_next(work, there[0] if there else None, taking.data)
    return convene(work, giver, False, taking.data)


async def _member(work: Work, member: Any) -> Matter:
    return Matter({member.actor_id} if member.actor_id else set())


async def _statement(work: Work, statement: Any) -> Matter:
    return Matter({statement.author_id})


async def _moderation(work: Work, made: Any) -> Matter:
    """Nor is its appeal for who made it."""
    return Matter({made.concerns_id}, {made.made_by_id} if made.state is ForumModerationState.APPEALED else set())


DUTIES = Duties(
    "forums", (Duty(_convening, _move_convening),), {Member: _member, Statement: _statement, Moderation: _moderation}
)  # fmt: skip
