"""What can be done with topics, their rounds, and what is said in them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.forums import rules
from plugins.forums.graphql.nodes import (
    ForumsRound,
    ForumsStatement,
    ForumsTopic,
)
from plugins.forums.graphql.subjects import LED_ROUND, LED_TOPIC, OF_FORUM, OF_TOPIC, OWN_STATEMENT, OWN_TOPIC
from schema.mutations import ChangeInput, MutationInput, Result, mutation


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


def topic_of(input: ForumsTopicInput) -> UUID:
    return from_global(input.topic_id, "forums_topic", "topicId")


@strawberry.input
class ForumsWithdrawTopicInput(ForumsTopicInput):
    pass


@mutation("forums.topic.open", on=OWN_TOPIC, topic=ForumsTopic)
async def forums_withdraw_topic(work: Work, input: ForumsWithdrawTopicInput) -> Result:
    """Take back a topic nobody else has spoken about (撤回议题)."""
    return {"topic": await rules.withdraw_topic(work, topic_id=topic_of(input))}


@strawberry.input
class ForumsCloseTopicInput(ForumsTopicInput):
    reason: str


@mutation("forums.topic.lead", on=LED_TOPIC, topic=ForumsTopic)
async def forums_close_topic(work: Work, input: ForumsCloseTopicInput) -> Result:
    """End a topic without a result (结束议题)."""
    return {"topic": await rules.close_topic(work, topic_id=topic_of(input), reason=input.reason)}


@strawberry.input
class ForumsOpenRoundInput(ForumsTopicInput):
    question: str | None = strawberry.field(default=None, description="What it is about (本轮问题).")
    closes_at: datetime | None = None


@mutation("forums.topic.lead", on=LED_TOPIC, round=ForumsRound)
async def forums_open_round(work: Work, input: ForumsOpenRoundInput) -> Result:
    """Begin another round (开启新一轮讨论)."""
    made = await rules.open_round(work, topic_id=topic_of(input), question=input.question, closes_at=input.closes_at)
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


def statement_of(input: ForumsStatementInput) -> UUID:
    return from_global(input.statement_id, "forums_statement", "statementId")


@strawberry.input
class ForumsWithdrawStatementInput(ForumsStatementInput):
    pass


@mutation("forums.speak", on=OWN_STATEMENT, statement=ForumsStatement)
async def forums_withdraw_statement(work: Work, input: ForumsWithdrawStatementInput) -> Result:
    """Take back what one said (撤回发言)."""
    return {"statement": await rules.withdraw_statement(work, statement_id=statement_of(input))}
