"""Keeping order, with a reason and a trace: statements are hidden, members excluded for a time; appeals go to somebody else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import needed
from core.work import Work
from plugins.forums.models import Forum, Member, Moderation, Statement
from plugins.forums.rules.common import convenor, require_active
from plugins.forums.settings import ForumsSettings
from plugins.forums.terms import (
    HOLDS,
    ForumMemberState,
    ForumModerationKind,
    ForumModerationState,
    ForumStatementState,
)

MODERATE, APPEAL, DECIDE = "forums.moderate", "forums.moderation.appeal", "forums.moderation.decide"
EXCLUSIONS_SQL = (
    "SELECT d.id, d.area_id FROM forums_moderation d JOIN forums_member m ON m.id = d.member_id WHERE d.kind = 'EXCLUDE'"
    " AND d.state IN ('IN_FORCE', 'APPEALED', 'UPHELD') AND d.until <= :now: AND (d.state <> 'APPEALED'"
    " OR (m.state = 'EXCLUDED' AND NOT EXISTS (SELECT 1 FROM forums_moderation n WHERE n.member_id = d.member_id"
    " AND n.kind = 'EXCLUDE' AND n.state IN ('IN_FORCE', 'APPEALED', 'UPHELD') AND n.until > :now:)))"
)


async def hide_statement(work: Work, *, statement_id: UUID, reason: str) -> Moderation:
    """Hide what breaks the rules of the house; the author still sees it, and may appeal. Refuses OWN_MATTER,
    STATEMENT_STATE, EMPTY_TEXT."""
    statement = await work.lock(Statement, statement_id)
    work.require(MODERATE, statement, owner=await convenor(work, statement.forum_id))
    if statement.state is not ForumStatementState.SPOKEN:
        raise Refusal("STATEMENT_STATE", state=statement.state)
    await work.not_own(statement.author_id)
    member = await work.get(Member, statement.member_id)
    made = await _made(work, ForumModerationKind.HIDE, member, statement.author_id, reason, statement=statement)
    work.change(statement, state=ForumStatementState.HIDDEN)
    work.record("forums.statement.hidden", made, area_id=made.area_id, data=about(made))
    return made


async def exclude_member(work: Work, *, member_id: UUID, until: date, reason: str) -> Moderation:
    """A member takes no part through this day. Refuses OWN_MATTER, FORUM_MEMBER_STATE, EXCLUDED_TOO_LONG, IN_THE_PAST."""
    member = await work.lock(Member, member_id)
    forum = await work.get(Forum, member.forum_id)
    work.require(MODERATE, member, owner=await convenor(work, forum.id))
    require_active(forum)
    if member.state is not ForumMemberState.ACTIVE or member.actor_id is None:
        raise Refusal("FORUM_MEMBER_STATE", state=member.state)
    await work.not_own(member.actor_id)
    days = (await work.settings(ForumsSettings, forum)).exclusion_days
    if until < work.clock.today():
        raise Refusal("IN_THE_PAST", path=("until",))
    if until > work.clock.today() + timedelta(days=days):
        raise Refusal("EXCLUDED_TOO_LONG", path=("until",), days=days)
    made = await _made(work, ForumModerationKind.EXCLUDE, member, member.actor_id, reason, until=until)
    work.change(member, state=ForumMemberState.EXCLUDED, is_convenor=False)
    work.record("forums.member.excluded", made, area_id=made.area_id, data=about(made))
    return made


async def _made(
    work: Work, kind: ForumModerationKind, member: Member, concerns_id: UUID, reason: str, *,
    statement: Statement | None = None, until: date | None = None,
) -> Moderation:  # fmt: skip
    days = (await work.settings(ForumsSettings, member)).appeal_days
    made = Moderation(
        id=new_id(), area_id=member.area_id, forum_id=member.forum_id, kind=kind, member_id=member.id,
        statement_id=statement and statement.id, concerns_id=concerns_id, reason=needed(reason, "reason"),
        made_by_id=work.person_id, made_at=work.now,
        appeal_until=work.clock.end_of(work.clock.today() + timedelta(days=days)),
        until=None if until is None else work.clock.end_of(until), state=ForumModerationState.IN_FORCE,
    )  # fmt: skip
    return work.add(made)


async def appeal(work: Work, *, moderation_id: UUID, text: str) -> Moderation:
    """Whom it concerns says why it is wrong, once, also when it is over. Refuses MODERATION_STATE, APPEAL_TOO_LATE, and
    OWN_MATTER (INV10) where who did it enters it at the desk."""
    made = await work.lock(Moderation, moderation_id)
    work.require(APPEAL, made, owner=made.concerns_id)
    work.expect_version(made)
    await work.not_at_the_desk_of(made.made_by_id)
    if made.state not in (ForumModerationState.IN_FORCE, ForumModerationState.OVER) or made.appeal is not None:
        raise Refusal("MODERATION_STATE", state=made.state)
    if work.now > made.appeal_until:
        raise Refusal("APPEAL_TOO_LATE")
    work.change(made, state=ForumModerationState.APPEALED, appeal=needed(text, "text"))
    work.record("forums.moderation.appealed", made, area_id=made.area_id, data=about(made))
    return made


async def decide_appeal(work: Work, *, moderation_id: UUID, lift: bool, decision: str) -> Moderation:
    """Somebody who had no part in it, nor entered the appeal at the desk, upholds or lifts it (INV10), also when it is over.
    Refuses OWN_MATTER, ENTERED_BY_YOU, MODERATION_STATE, EMPTY_TEXT."""
    made = await work.lock(Moderation, moderation_id)
    work.require(DECIDE, made)
    work.expect_version(made)
    if made.state is not ForumModerationState.APPEALED:
        raise Refusal("MODERATION_STATE", state=made.state)
    await work.not_own(made.concerns_id, made.made_by_id)
    await work.not_entered(made)
    said = {"decision": needed(decision, "decision"), "decided_by_id": work.person_id, "decided_at": work.now}
    if lift:
        await _lift(work, made, ForumModerationState.LIFTED, **said)
    else:
        work.change(made, state=ForumModerationState.UPHELD, **said)
        work.record("forums.moderation.upheld", made, area_id=made.area_id, data=about(made))
    return made


async def lift(work: Work, *, moderation_id: UUID) -> Moderation:
    """Whoever keeps order thinks better of it. Refuses MODERATION_STATE."""
    made = await work.lock(Moderation, moderation_id)
    work.require(MODERATE, made, owner=await convenor(work, made.forum_id))
    work.expect_version(made)
    await work.not_own(made.concerns_id)
    if made.state is not ForumModerationState.IN_FORCE:
        raise Refusal("MODERATION_STATE", state=made.state)
    await _lift(work, made, ForumModerationState.LIFTED)
    return made


async def end_due(work: Work, moderation_id: UUID) -> None:
    """A job: an exclusion is over; an appeal against it is still decided."""
    made = await work.lock(Moderation, moderation_id)
    if made.state in HOLDS and made.until is not None and made.until <= work.now:
        work.require(MODERATE, made)
        if made.state is ForumModerationState.APPEALED:
            await _readmit(work, made)
        else:
            await _lift(work, made, ForumModerationState.OVER)


async def _lift(work: Work, made: Moderation, state: ForumModerationState, **said: object) -> None:
    work.change(made, state=state, **said)
    type = "forums.moderation.lifted" if state is ForumModerationState.LIFTED else "forums.moderation.over"
    work.record(type, made, area_id=made.area_id, data=about(made))
    if made.statement_id is not None:
        statement = await work.lock(Statement, made.statement_id)
        if statement.state is ForumStatementState.HIDDEN:
            work.change(statement, state=ForumStatementState.SPOKEN)
            work.record("forums.statement.restored", statement, area_id=made.area_id, data=about(made))
        return
    await _readmit(work, made)


async def _readmit(work: Work, made: Moderation) -> None:
    """Queue and record that a member takes part again, unless another exclusion of theirs runs."""
    member = await work.lock(Member, made.member_id)
    if member.state is ForumMemberState.EXCLUDED and not await excluded(work, made, member_id=member.id):
        work.change(member, state=ForumMemberState.ACTIVE)
        work.record("forums.member.readmitted", member, area_id=made.area_id, data=about(made))


async def excluded(work: Work, but: Moderation | None = None, **equals: Any) -> bool:
    """Does an exclusion run, of the member or the forum and actor named?"""
    held = await work.select(Moderation, kind=ForumModerationKind.EXCLUDE, state=list(HOLDS), **equals)
    return any(m.until is not None and m.until > work.now for m in held if but is None or m.id != but.id)


def about(made: Moderation) -> dict[str, str]:
    """What events say of a measure: ids only (INV14)."""
    found = {"forum": str(made.forum_id), "moderation": str(made.id)}
    if made.statement_id is not None:
        found["statement"] = str(made.statement_id)
    return found
