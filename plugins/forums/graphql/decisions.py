"""What can be done to come to a result, and with it."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.forums import rules
from plugins.forums.graphql.nodes import (
    ForumsPosition,
    ForumsResolution,
)
from plugins.forums.graphql.subjects import LED_RESOLUTION, LED_TOPIC, OF_RESOLUTION
from plugins.forums.graphql.topics import ForumsTopicInput, topic_of
from plugins.forums.terms import ForumElectorate, ForumStance
from schema.mutations import ChangeInput, MutationInput, Result, mutation


@strawberry.input
class ForumsProposeConsensusInput(ForumsTopicInput):
    text: str = strawberry.field(description="What all seem to agree on (共识内容).")
    closes_at: datetime | None = strawberry.field(
        default=None, description="End of the objections period (异议截止时间)."
    )


@mutation("forums.topic.lead", on=LED_TOPIC, resolution=ForumsResolution)
async def forums_propose_consensus(work: Work, input: ForumsProposeConsensusInput) -> Result:
    """State a consensus; members may object until the period ends (提出共识)."""
    made = await rules.propose_consensus(work, topic_id=topic_of(input), text=input.text, closes_at=input.closes_at)
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
        topic_id=topic_of(input),
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
