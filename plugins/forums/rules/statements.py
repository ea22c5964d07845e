"""Speaking in a round, and taking back what one said."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import clean_text
from core.work import Work
from plugins.forums.models import Forum, Round, Statement, Topic
from plugins.forums.rules.common import taking_part
from plugins.forums.rules.topics import about
from plugins.forums.settings import ForumsSettings
from plugins.forums.terms import ForumRoundState, ForumStatementState, ForumTopicState

SPEAK = "forums.speak"


async def speak(work: Work, *, topic_id: UUID, text: str, reply_to_id: UUID | None = None) -> Statement:
    """Say something in the round that is open. The topic is held, so that its round ends before or after, never meanwhile.

    Refuses FORUM_CLOSED, NOT_IN_FORUM, EXCLUDED, ROUND_CLOSED, TOO_MANY_STATEMENTS, TEXT_TOO_LONG, OTHER_TOPIC.
    """
    topic = await work.lock(Topic, topic_id)
    work.require(SPEAK, topic)
    forum = await work.get(Forum, topic.forum_id)
    member = await taking_part(work, forum)
    open_rounds = await work.select(Round, topic_id=topic.id, state=ForumRoundState.OPEN)
    round = open_rounds[0] if open_rounds else None
    if round is None or topic.state is not ForumTopicState.OPEN or round.closes_at <= work.now:
        raise Refusal("ROUND_CLOSED")
    settings = await work.settings(ForumsSettings, forum, version=topic.settings_version)
    said = await work.rows(
        "SELECT count(*) AS n FROM forums_statement s WHERE s.round_id = {} AND s.member_id = {}"
        " AND s.state <> 'WITHDRAWN'",
        round.id, member.id,
    )  # fmt: skip
    if int(said[0]["n"]) >= settings.statements_per_round:
        raise Refusal("TOO_MANY_STATEMENTS", limit=settings.statements_per_round)
    if reply_to_id is not None and (await work.get(Statement, reply_to_id)).topic_id != topic.id:
        raise Refusal("OTHER_TOPIC", path=("replyToId",))
    statement = Statement(
        id=new_id(), area_id=topic.area_id, forum_id=forum.id, topic_id=topic.id, round_id=round.id,
        member_id=member.id, author_id=work.principal_id, reply_to_id=reply_to_id,
        text=clean_text(text, "text", limit=settings.statement_length), spoken_at=work.occurred_at,
        state=ForumStatementState.SPOKEN,
    )  # fmt: skip
    work.add(statement)
    data = {**about(topic), "round": str(round.id)}
    work.record("forums.statement.spoken", statement, area_id=topic.area_id, data=data)
    return statement


async def withdraw_statement(work: Work, *, statement_id: UUID) -> Statement:
    """Take back what one said, whenever; that something was said stays. Refuses STATEMENT_STATE."""
    statement = await work.lock(Statement, statement_id)
    work.require(SPEAK, statement, owner=statement.author_id)
    work.expect_version(statement)
    if statement.state is not ForumStatementState.SPOKEN:
        raise Refusal("STATEMENT_STATE", state=statement.state)
    work.change(statement, state=ForumStatementState.WITHDRAWN)
    data = {"forum": str(statement.forum_id), "topic": str(statement.topic_id)}
    work.record("forums.statement.withdrawn", statement, area_id=statement.area_id, data=data)
    return statement
