"""Topics, the rounds in which they are deliberated, and what was said."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.forums.models.common import is_member
from plugins.forums.models.forums import Forum, Member
from plugins.forums.terms import ForumRoundState, ForumStatementState, ForumTopicState


class Topic(Logged):
    """What a forum deliberates. `matter` is a kind of matter as councils have them."""

    tag: ClassVar[str] = "forums_topic"
    called: ClassVar[tuple[str, str]] = ("Topics opened", "提出的议题")
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    title = fields.CharField(max_length=200)
    details = fields.TextField(null=True)
    matter = fields.CharField(max_length=40)
    opened_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    opened_by_id: UUID
    opened_at = fields.DatetimeField()
    state = fields.CharEnumField(ForumTopicState, description="ForumTopicState", max_length=40)
    settings_version = fields.BigIntField()

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("title", "matter"),
        personal("details", of="opened_by_id", keep=Keep("opened_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        refuse(
            "in_order",
            "UPDATE",
            "NOT (NEW.state = OLD.state OR (OLD.state = 'OPEN' AND NEW.state <> 'RESOLVED')"
            " OR (OLD.state = 'DECIDING' AND NEW.state IN ('OPEN', 'RESOLVED'))"
            " OR (OLD.state = 'RESOLVED' AND NEW.state = 'OPEN'))",
            "TOPIC_STATE",
        ),
        refuse(
            "heard_out",
            "UPDATE",
            "NEW.state NOT IN ('OPEN', 'WITHDRAWN') AND OLD.state = 'OPEN' AND EXISTS (SELECT 1 FROM forums_round r"
            " WHERE r.topic_id = NEW.id AND r.state = 'OPEN')",
            "ROUND_RUNS",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed("forum_id", "title", "details", "matter", "opened_at", "area_id")
            + f" OR ({changed('opened_by_id')} AND NOT {by_event('forums.topic.merged')})",
            "APPEND_ONLY",
        ),
        index("area_id", "opened_at"),
        index("forum_id", "opened_at"),
        index("opened_by_id", "opened_at"),
        index("opened_at"),
        index("title"),
    )

    class Meta:
        table = "forums_topic"


class Round(Logged):
    """A time in which the members speak about a topic; one at a time."""

    tag: ClassVar[str] = "forums_round"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    topic: fields.ForeignKeyRelation[Topic] = references("forums.Topic")
    topic_id: UUID
    number = fields.IntField()
    question = fields.TextField(null=True)
    opens_at = fields.DatetimeField()
    least_until = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    state = fields.CharEnumField(ForumRoundState, description="ForumRoundState", max_length=40)
    closed_at = fields.DatetimeField(null=True)
    summary = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("question", "summary")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("topic_id", "number", code="INTERNAL_ERROR"),
        unique("topic_id", where="state = 'OPEN'", code="ROUND_RUNS"),
        check("lasts", "NEW.closes_at > NEW.opens_at AND NEW.closes_at >= NEW.least_until", "ENDS_BEFORE_START"),
        check("closed", "(NEW.state = 'CLOSED') = (NEW.closed_at IS NOT NULL)"),
        check("heard_long_enough", "NEW.closed_at IS NULL OR NEW.closed_at >= NEW.least_until", "ROUND_TOO_SHORT"),
        refuse(
            "of_an_open_topic",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM forums_topic t WHERE t.id = NEW.topic_id AND t.forum_id = NEW.forum_id"
            " AND t.state = 'OPEN')",
            "TOPIC_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed("topic_id", "number", "question", "opens_at", "closes_at", "least_until")
            + " OR (OLD.state = 'CLOSED' AND (NEW.state <> 'CLOSED' OR OLD.summary IS NOT NULL))",
            "ROUND_CLOSED",
        ),
        index("topic_id", "opens_at"),
        index("closes_at", where="state = 'OPEN'"),
    )

    class Meta:
        table = "forums_round"


class Statement(Logged):
    """What a member said in a round, perhaps in reply. Nobody else's words: only the author withdraws it; who keeps order
    hides it, with a trace."""

    tag: ClassVar[str] = "forums_statement"
    called: ClassVar[tuple[str, str]] = ("Statements", "发言")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    topic: fields.ForeignKeyRelation[Topic] = references("forums.Topic")
    topic_id: UUID
    round: fields.ForeignKeyRelation[Round] = references("forums.Round")
    round_id: UUID
    member: fields.ForeignKeyRelation[Member] = references("forums.Member")
    member_id: UUID
    author: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    author_id: UUID
    reply_to: fields.ForeignKeyNullableRelation[Statement] = references("forums.Statement", null=True)
    reply_to_id: UUID | None
    text = fields.TextField()
    spoken_at = fields.DatetimeField()
    state = fields.CharEnumField(ForumStatementState, description="ForumStatementState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("text", of="author_id", keep=Keep("spoken_at", "case_text_days")),
    )  # fmt: skip

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse(
            "while_its_round_is_open",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM forums_round r JOIN forums_topic t ON t.id = r.topic_id WHERE r.id = NEW.round_id"
            " AND r.topic_id = NEW.topic_id AND r.forum_id = NEW.forum_id AND r.state = 'OPEN' AND t.state = 'OPEN'"
            " AND r.closes_at > NEW.spoken_at)",
            "ROUND_CLOSED",
        ),
        refuse("by_a_member", "INSERT", f"NOT {is_member('NEW.author_id')}", "NOT_IN_FORUM"),
        refuse(
            "replies_within_the_topic",
            "INSERT",
            "NEW.reply_to_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM forums_statement s WHERE s.id = NEW.reply_to_id"
            " AND s.topic_id = NEW.topic_id)",
            "OTHER_TOPIC",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed("text", "round_id", "topic_id", "member_id", "reply_to_id", "spoken_at")
            + f" OR ({changed('author_id')} AND NOT {by_event('forums.statement.merged')})",
            "APPEND_ONLY",
        ),
        refuse(
            "withdrawn_for_good", "UPDATE", "OLD.state = 'WITHDRAWN' AND NEW.state <> 'WITHDRAWN'", "STATEMENT_STATE"
        ),
        index("round_id", "spoken_at"),
        index("topic_id", "spoken_at"),
        index("author_id", "spoken_at"),
        index("member_id"),
        index("reply_to_id", where="reply_to_id IS NOT NULL"),
        index("spoken_at"),
    )

    class Meta:
        table = "forums_statement"
