"""What can be done about forums."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.forums import models, rules
from plugins.forums.graphql.nodes import (
    ForumsForum,
    ForumsMember,
    ForumsModeration,
    ForumsPosition,
    ForumsResolution,
    ForumsRound,
    ForumsStatement,
    ForumsTopic,
)
from plugins.forums.terms import ForumElectorate, ForumKind, ForumMembership, ForumStance
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area
from schema.nodes.expressions import Expr, ListOf, RowOf, case


def _convenors(t: RowOf) -> Sequence[Expr]:
    """What the convenors of a forum do is their own matter there."""
    return [
        ListOf(
            models.Member,
            lambda m: (m.forum_id == t.forum_id) & (m.is_convenor == True),  # noqa: E712
            "actor_id",
            "actor_id",
        )
    ]


OF_FORUM = Subject(ForumsForum, "forum_id")
OF_MEMBER, LED_MEMBER = Subject(ForumsMember, "member_id"), Subject(ForumsMember, "member_id", _convenors)
OWN_MEMBER = Subject(ForumsMember, "member_id", lambda t: [case(t.body_id.is_null(), t.actor_id)])
OF_TOPIC, LED_TOPIC = Subject(ForumsTopic, "topic_id"), Subject(ForumsTopic, "topic_id", _convenors)
OWN_TOPIC = Subject(ForumsTopic, "topic_id", lambda t: [t.opened_by_id])
LED_ROUND = Subject(ForumsRound, "round_id", _convenors)
OWN_STATEMENT = Subject(ForumsStatement, "statement_id", lambda t: [t.author_id])
LED_STATEMENT = Subject(ForumsStatement, "statement_id", _convenors)
OF_RESOLUTION = Subject(ForumsResolution, "resolution_id")
LED_RESOLUTION = Subject(ForumsResolution, "resolution_id", _convenors)
OF_MODERATION = Subject(ForumsModeration, "moderation_id")
OWN_MODERATION = Subject(ForumsModeration, "moderation_id", lambda t: [t.concerns_id])
LED_MODERATION = Subject(ForumsModeration, "moderation_id", _convenors)


# --- forums ----------------------------------------------------------------------------------------------


@strawberry.input
class ForumsFoundForumInput(MutationInput):
    area_id: strawberry.ID
    kind: ForumKind
    name: str
    membership: ForumMembership | None = strawberry.field(
        default=None, description="As usual for its kind unless told (成员构成)."
    )
    purpose: str | None = None
    seats: int = strawberry.field(
        default=15, description="Seats in its body, for who is elected or appointed (席位数)."
    )
    is_advisory: bool = strawberry.field(default=False, description="It advises, and decides nothing (仅提意见).")


@mutation("forums.forum.manage", "councils.body.manage", on=Subject(Area, "area_id"), forum=ForumsForum)
async def forums_found_forum(work: Work, input: ForumsFoundForumInput) -> Result:
    """Found a forum, with its body (设立议事厅)."""
    forum = await rules.found_forum(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        kind=input.kind,
        name=input.name,
        membership=input.membership,
        purpose=input.purpose,
        seats=input.seats,
        is_advisory=input.is_advisory,
    )
    return {"forum": forum}


@strawberry.input
class ForumsForumInput(ChangeInput):
    forum_id: strawberry.ID


def _forum(input: ForumsForumInput) -> UUID:
    return from_global(input.forum_id, "forums_forum", "forumId")


@strawberry.input
class ForumsUpdateForumInput(ForumsForumInput):
    purpose: str | None = None


@mutation("forums.forum.manage", on=OF_FORUM, forum=ForumsForum)
async def forums_update_forum(work: Work, input: ForumsUpdateForumInput) -> Result:
    """Say anew what a forum is for (变更宗旨)."""
    return {"forum": await rules.update_forum(work, forum_id=_forum(input), purpose=input.purpose)}


@strawberry.input
class ForumsCloseForumInput(ForumsForumInput):
    reason: str


@mutation("forums.forum.manage", on=OF_FORUM, forum=ForumsForum)
async def forums_close_forum(work: Work, input: ForumsCloseForumInput) -> Result:
    """Close a forum; what came of it stays (关闭议事厅)."""
    return {"forum": await rules.close_forum(work, forum_id=_forum(input), reason=input.reason)}


# --- members ---------------------------------------------------------------------------------------------


@strawberry.input
class ForumsJoinInput(MutationInput):
    forum_id: strawberry.ID
    application: str | None = strawberry.field(default=None, description="What one says about it (申请说明).")


@mutation("forums.member.join", on=OF_FORUM, member=ForumsMember)
async def forums_join(work: Work, input: ForumsJoinInput) -> Result:
    """Join an open forum, or ask a mixed one to be admitted (加入议事厅)."""
    id = from_global(input.forum_id, "forums_forum", "forumId")
    return {"member": await rules.join_forum(work, forum_id=id, application=input.application)}


@strawberry.input
class ForumsSendDelegateInput(MutationInput):
    forum_id: strawberry.ID
    body_id: strawberry.ID
    delegate_id: strawberry.ID = strawberry.field(description="Somebody who sits in the body (代表).")


@mutation("forums.member.join", on=OF_FORUM, member=ForumsMember)
async def forums_send_delegate(work: Work, input: ForumsSendDelegateInput) -> Result:
    """Let a body take part in a joint meeting, by a delegate; or name another one (组织入会、委派代表)."""
    member = await rules.send_delegate(
        work,
        forum_id=from_global(input.forum_id, "forums_forum", "forumId"),
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        delegate_id=from_global(input.delegate_id, "actor", "delegateId"),
    )
    return {"member": member}


@strawberry.input
class ForumsMemberInput(ChangeInput):
    member_id: strawberry.ID


def _member(input: ForumsMemberInput) -> UUID:
    return from_global(input.member_id, "forums_member", "memberId")


@strawberry.input
class ForumsLeaveInput(ForumsMemberInput):
    successor_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which member convenes the forum after them, if they do (接任召集人)."
    )


@mutation("forums.member.join", on=OWN_MEMBER, member=ForumsMember)
async def forums_leave(work: Work, input: ForumsLeaveInput) -> Result:
    """Leave a forum, or take an application back (退出议事厅)."""
    successor = None if input.successor_id is None else from_global(input.successor_id, "forums_member", "successorId")
    return {"member": await rules.leave_forum(work, member_id=_member(input), successor_id=successor)}


@strawberry.input
class ForumsDecideApplicationInput(ForumsMemberInput):
    admit: bool
    reason: str | None = strawberry.field(default=None, description="Needed to decline (理由,不接纳时必填).")


@mutation("forums.member.admit", on=LED_MEMBER, member=ForumsMember)
async def forums_decide_application(work: Work, input: ForumsDecideApplicationInput) -> Result:
    """Admit who asked, or decline with a reason (审核入会申请)."""
    member = await rules.decide_application(work, member_id=_member(input), admit=input.admit, reason=input.reason)
    return {"member": member}


@strawberry.input
class ForumsSetConvenorInput(ForumsMemberInput):
    is_convenor: bool = True


@mutation("forums.forum.manage", on=OF_MEMBER, member=ForumsMember)
async def forums_set_convenor(work: Work, input: ForumsSetConvenorInput) -> Result:
    """Let a member convene the forum, or no longer (指定召集人)."""
    member = await rules.set_convenor(work, member_id=_member(input), is_convenor=input.is_convenor)
    return {"member": member}


# --- topics and rounds -----------------------------------------------------------------------------------


@strawberry.input
class ForumsOpenTopicInput(MutationInput):
    forum_id: strawberry.ID
    title: str
    matter: str = strawberry.field(
        description="A kind of matter, as councils have them: FACILITIES, ORDER … (事项类别)."
    )
    details: str | None = None
    closes_at: datetime | None = strawberry.field(default=None, description="End of the first round (首轮截止时间).")


@mutation("forums.topic.open", on=OF_FORUM, topic=ForumsTopic)
async def forums_open_topic(work: Work, input: ForumsOpenTopicInput) -> Result:
    """Bring something before a forum one belongs to; its first round begins (发起议题)."""
    topic = await rules.open_topic(
        work,
        forum_id=from_global(input.forum_id, "forums_forum", "forumId"),
        title=input.title,
        matter=input.matter,
        details=input.details,
        closes_at=input.closes_at,
    )
    return {"topic": topic}


@strawberry.input
class ForumsTopicInput(ChangeInput):
    topic_id: strawberry.ID


def _topic(input: ForumsTopicInput) -> UUID:
    return from_global(input.topic_id, "forums_topic", "topicId")


@strawberry.input
class ForumsWithdrawTopicInput(ForumsTopicInput):
    pass


@mutation("forums.topic.open", on=OWN_TOPIC, topic=ForumsTopic)
async def forums_withdraw_topic(work: Work, input: ForumsWithdrawTopicInput) -> Result:
    """Take back a topic nobody else has spoken about (撤回议题)."""
    return {"topic": await rules.withdraw_topic(work, topic_id=_topic(input))}


@strawberry.input
class ForumsCloseTopicInput(ForumsTopicInput):
    reason: str


@mutation("forums.topic.lead", on=LED_TOPIC, topic=ForumsTopic)
async def forums_close_topic(work: Work, input: ForumsCloseTopicInput) -> Result:
    """End a topic without a result (结束议题)."""
    return {"topic": await rules.close_topic(work, topic_id=_topic(input), reason=input.reason)}


@strawberry.input
class ForumsOpenRoundInput(ForumsTopicInput):
    question: str | None = strawberry.field(default=None, description="What it is about (本轮问题).")
    closes_at: datetime | None = None


@mutation("forums.topic.lead", on=LED_TOPIC, round=ForumsRound)
async def forums_open_round(work: Work, input: ForumsOpenRoundInput) -> Result:
    """Begin another round (开启新一轮讨论)."""
    made = await rules.open_round(work, topic_id=_topic(input), question=input.question, closes_at=input.closes_at)
    return {"round": made}


@strawberry.input
class ForumsRoundInput(ChangeInput):
    round_id: strawberry.ID


def _round(input: ForumsRoundInput) -> UUID:
    return from_global(input.round_id, "forums_round", "roundId")


@strawberry.input
class ForumsCloseRoundInput(ForumsRoundInput):
    summary: str | None = strawberry.field(default=None, description="What it came to (小结).")


@mutation("forums.topic.lead", on=LED_ROUND, round=ForumsRound)
async def forums_close_round(work: Work, input: ForumsCloseRoundInput) -> Result:
    """End a round that has lasted long enough (结束本轮讨论)."""
    return {"round": await rules.close_round(work, round_id=_round(input), summary=input.summary)}


@strawberry.input
class ForumsSummariseRoundInput(ForumsRoundInput):
    summary: str


@mutation("forums.topic.lead", on=LED_ROUND, round=ForumsRound)
async def forums_summarise_round(work: Work, input: ForumsSummariseRoundInput) -> Result:
    """Say what a round came to (填写小结)."""
    return {"round": await rules.summarise_round(work, round_id=_round(input), summary=input.summary)}


# --- speaking --------------------------------------------------------------------------------------------


@strawberry.input
class ForumsSpeakInput(MutationInput):
    topic_id: strawberry.ID
    text: str
    reply_to_id: strawberry.ID | None = strawberry.field(default=None, description="What it answers (回复的发言).")


@mutation("forums.speak", on=OF_TOPIC, statement=ForumsStatement)
async def forums_speak(work: Work, input: ForumsSpeakInput) -> Result:
    """Say something about a topic, in its round (发言)."""
    statement = await rules.speak(
        work,
        topic_id=from_global(input.topic_id, "forums_topic", "topicId"),
        text=input.text,
        reply_to_id=None
        if input.reply_to_id is None
        else from_global(input.reply_to_id, "forums_statement", "replyToId"),
    )
    return {"statement": statement}


@strawberry.input
class ForumsStatementInput(ChangeInput):
    statement_id: strawberry.ID


def _statement(input: ForumsStatementInput) -> UUID:
    return from_global(input.statement_id, "forums_statement", "statementId")


@strawberry.input
class ForumsWithdrawStatementInput(ForumsStatementInput):
    pass


@mutation("forums.speak", on=OWN_STATEMENT, statement=ForumsStatement)
async def forums_withdraw_statement(work: Work, input: ForumsWithdrawStatementInput) -> Result:
    """Take back what one said (撤回发言)."""
    return {"statement": await rules.withdraw_statement(work, statement_id=_statement(input))}


# --- keeping order ---------------------------------------------------------------------------------------


@strawberry.input
class ForumsHideStatementInput(ForumsStatementInput):
    reason: str


@mutation("forums.moderate", on=LED_STATEMENT, moderation=ForumsModeration)
async def forums_hide_statement(work: Work, input: ForumsHideStatementInput) -> Result:
    """Hide a statement, with a reason that everybody reads (屏蔽发言)."""
    made = await rules.hide_statement(work, statement_id=_statement(input), reason=input.reason)
    return {"moderation": made}


@strawberry.input
class ForumsExcludeMemberInput(ForumsMemberInput):
    until: date = strawberry.field(description="The last day (截止日).")
    reason: str


@mutation("forums.moderate", on=LED_MEMBER, moderation=ForumsModeration)
async def forums_exclude_member(work: Work, input: ForumsExcludeMemberInput) -> Result:
    """Let a member take no part for some days (暂停成员参与)."""
    made = await rules.exclude_member(work, member_id=_member(input), until=input.until, reason=input.reason)
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


# --- results ---------------------------------------------------------------------------------------------


@strawberry.input
class ForumsProposeConsensusInput(ForumsTopicInput):
    text: str = strawberry.field(description="What all seem to agree on (共识内容).")
    closes_at: datetime | None = strawberry.field(
        default=None, description="End of the objections period (异议截止时间)."
    )


@mutation("forums.topic.lead", on=LED_TOPIC, resolution=ForumsResolution)
async def forums_propose_consensus(work: Work, input: ForumsProposeConsensusInput) -> Result:
    """State a consensus; members may object until the period ends (提出共识)."""
    made = await rules.propose_consensus(work, topic_id=_topic(input), text=input.text, closes_at=input.closes_at)
    return {"resolution": made}


@strawberry.input
class ForumsMoveToBallotInput(ForumsTopicInput):
    text: str = strawberry.field(description="What is voted on (表决内容).")
    options: list[str] = strawberry.field(
        default_factory=list, description="What can be chosen, if it is no yes or no (选项)."
    )
    is_secret: bool = False
    electorate: ForumElectorate = ForumElectorate.MEMBERS
    closes_at: datetime | None = None


@mutation("forums.topic.lead", on=LED_TOPIC, resolution=ForumsResolution)
async def forums_move_to_ballot(work: Work, input: ForumsMoveToBallotInput) -> Result:
    """Put a topic to the vote (提付表决)."""
    made = await rules.move_to_ballot(
        work,
        topic_id=_topic(input),
        text=input.text,
        options=input.options,
        is_secret=input.is_secret,
        electorate=input.electorate,
        closes_at=input.closes_at,
    )
    return {"resolution": made}


@strawberry.input
class ForumsResolutionInput(ChangeInput):
    resolution_id: strawberry.ID


def _resolution(input: ForumsResolutionInput) -> UUID:
    return from_global(input.resolution_id, "forums_resolution", "resolutionId")


@strawberry.input
class ForumsTakePositionInput(ForumsResolutionInput):
    stance: ForumStance
    reason: str | None = strawberry.field(default=None, description="Needed to object (理由,反对时必填).")


@mutation("forums.speak", on=OF_RESOLUTION, position=ForumsPosition)
async def forums_take_position(work: Work, input: ForumsTakePositionInput) -> Result:
    """Agree with a proposed consensus, stand aside or object (表态)."""
    made = await rules.take_position(work, resolution_id=_resolution(input), stance=input.stance, reason=input.reason)
    return {"position": made}


@strawberry.input
class ForumsWithdrawConsensusInput(ForumsResolutionInput):
    reason: str


@mutation("forums.topic.lead", on=LED_RESOLUTION, resolution=ForumsResolution)
async def forums_withdraw_consensus(work: Work, input: ForumsWithdrawConsensusInput) -> Result:
    """Take a proposed consensus back, and go on deliberating (撤回共识提案)."""
    made = await rules.withdraw_resolution(work, resolution_id=_resolution(input), reason=input.reason)
    return {"resolution": made}


@strawberry.input
class ForumsTakeEffectInput(ForumsResolutionInput):
    pass


@mutation("forums.resolution.follow", on=LED_RESOLUTION, resolution=ForumsResolution)
async def forums_take_effect(work: Work, input: ForumsTakeEffectInput) -> Result:
    """Let a result hold that was public long enough (宣布结果生效)."""
    return {"resolution": await rules.take_effect(work, resolution_id=_resolution(input))}


@strawberry.input
class ForumsAssignTaskInput(MutationInput):
    resolution_id: strawberry.ID
    assignee_id: strawberry.ID
    title: str
    due_on: date


@mutation("forums.resolution.follow", on=LED_RESOLUTION, resolution=ForumsResolution)
async def forums_assign_task(work: Work, input: ForumsAssignTaskInput) -> Result:
    """Give somebody what has to be done, as a follow-up task of the forum's body (交办落实事项)."""
    resolution, _ = await rules.assign_task(
        work,
        resolution_id=from_global(input.resolution_id, "forums_resolution", "resolutionId"),
        assignee_id=from_global(input.assignee_id, "actor", "assigneeId"),
        title=input.title,
        due_on=input.due_on,
    )
    return {"resolution": resolution}


@strawberry.input
class ForumsReferInput(MutationInput):
    resolution_id: strawberry.ID
    body_id: strawberry.ID = strawberry.field(description="The body that should decide (提交组织).")


@mutation("forums.resolution.follow", on=LED_RESOLUTION, resolution=ForumsResolution)
async def forums_refer(work: Work, input: ForumsReferInput) -> Result:
    """Take a result before another body, as an item for its agenda (提交议事组织)."""
    resolution, _ = await rules.refer(
        work,
        resolution_id=from_global(input.resolution_id, "forums_resolution", "resolutionId"),
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
    )
    return {"resolution": resolution}
