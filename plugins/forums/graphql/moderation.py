"""What can be done to keep order, and against that."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.forums import rules
from plugins.forums.graphql.forums import ForumsMemberInput, member_of
from plugins.forums.graphql.nodes import (
    ForumsModeration,
)
from plugins.forums.graphql.subjects import LED_MEMBER, LED_MODERATION, LED_STATEMENT, OF_MODERATION, OWN_MODERATION
from plugins.forums.graphql.topics import ForumsStatementInput, statement_of
from schema.mutations import ChangeInput, Result, mutation


@strawberry.input
class ForumsHideStatementInput(ForumsStatementInput):
    reason: str


@mutation("forums.moderate", on=LED_STATEMENT, moderation=ForumsModeration)
async def forums_hide_statement(work: Work, input: ForumsHideStatementInput) -> Result:
    """Hide a statement, with a reason that everybody reads (屏蔽发言)."""
    made = await rules.hide_statement(work, statement_id=statement_of(input), reason=input.reason)
    return {"moderation": made}


@strawberry.input
class ForumsExcludeMemberInput(ForumsMemberInput):
    until: date = strawberry.field(description="The last day (截止日).")
    reason: str


@mutation("forums.moderate", on=LED_MEMBER, moderation=ForumsModeration)
async def forums_exclude_member(work: Work, input: ForumsExcludeMemberInput) -> Result:
    """Let a member take no part for some days (暂停成员参与)."""
    made = await rules.exclude_member(work, member_id=member_of(input), until=input.until, reason=input.reason)
    return {"moderation": made}


@strawberry.input
class ForumsModerationInput(ChangeInput):
    moderation_id: strawberry.ID


def _moderation(input: ForumsModerationInput) -> UUID:
    return from_global(input.moderation_id, "forums_moderation", "moderationId")


@strawberry.input
class ForumsLiftModerationInput(ForumsModerationInput):
    pass


@mutation("forums.moderate", on=LED_MODERATION, moderation=ForumsModeration)
async def forums_lift_moderation(work: Work, input: ForumsLiftModerationInput) -> Result:
    """Take back what was done to keep order (撤销管理措施)."""
    return {"moderation": await rules.lift(work, moderation_id=_moderation(input))}


@strawberry.input
class ForumsAppealInput(ForumsModerationInput):
    text: str


@mutation("forums.moderation.appeal", on=OWN_MODERATION, moderation=ForumsModeration)
async def forums_appeal(work: Work, input: ForumsAppealInput) -> Result:
    """Say why it is wrong; somebody else decides (申诉)."""
    return {"moderation": await rules.appeal(work, moderation_id=_moderation(input), text=input.text)}


@strawberry.input
class ForumsDecideAppealInput(ForumsModerationInput):
    lift: bool
    decision: str


@mutation("forums.moderation.decide", on=OF_MODERATION, moderation=ForumsModeration)
async def forums_decide_appeal(work: Work, input: ForumsDecideAppealInput) -> Result:
    """Uphold or lift it, as somebody who had no part in it (处理申诉)."""
    made = await rules.decide_appeal(work, moderation_id=_moderation(input), lift=input.lift, decision=input.decision)
    return {"moderation": made}
