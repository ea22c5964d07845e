"""The rows that mutations of forums are about, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.forums import models
from plugins.forums.graphql.nodes import (
    ForumsForum,
    ForumsMember,
    ForumsModeration,
    ForumsResolution,
    ForumsRound,
    ForumsStatement,
    ForumsTopic,
)
from schema.mutations import Subject
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
