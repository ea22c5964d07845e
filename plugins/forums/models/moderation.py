"""What was done to keep order, why, and what came of an appeal."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import at_the_desk_of, entered_by, own_matter
from core.database.guards import Guard, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, personal
from plugins.forums.models.forums import Forum, Member
from plugins.forums.models.topics import Statement
from plugins.forums.terms import ForumModerationKind, ForumModerationState

_DECIDES = "NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL"


class Moderation(Logged):
    """A statement is hidden, or a member excluded for a time. Whom it concerns may appeal, and somebody else than who did
    it decides (INV10)."""

    tag: ClassVar[str] = "forums_moderation"
    called: ClassVar[tuple[str, str]] = ("Moderation", "管理措施")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    kind = fields.CharEnumField(ForumModerationKind, description="ForumModerationKind", max_length=40)
    member: fields.ForeignKeyRelation[Member] = references("forums.Member")
    member_id: UUID
    statement: fields.ForeignKeyNullableRelation[Statement] = references("forums.Statement", null=True)
    statement_id: UUID | None
    concerns: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    concerns_id: UUID
    reason = fields.TextField()
    made_by_id = fields.UUIDField()
    made_at = fields.DatetimeField()
    appeal_until = fields.DatetimeField()
    until = fields.DatetimeField(null=True)
    appeal = fields.TextField(null=True)
    decision = fields.TextField(null=True)
    decided_by_id = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    state = fields.CharEnumField(ForumModerationState, description="ForumModerationState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of="concerns_id", keep=Keep("made_at", "case_text_days")),
        personal("appeal", of="concerns_id", keep=Keep("made_at", "case_text_days")),
        personal("decision", of="concerns_id", keep=Keep("made_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("kind", "(NEW.kind = 'HIDE') = (NEW.statement_id IS NOT NULL) AND (NEW.kind = 'EXCLUDE') = (NEW.until IS NOT NULL)"),
        refuse("inv10_made", "INSERT", own_matter("NEW.made_by_id", "NEW.concerns_id"), "OWN_MATTER"),
        refuse(
            "inv10_decided",
            "UPDATE",
            f"{_DECIDES} AND ({own_matter('NEW.decided_by_id', 'NEW.made_by_id')}"
            f" OR {own_matter('NEW.decided_by_id', 'NEW.concerns_id')})",
            "OWN_MATTER",
        ),
        refuse("inv10_entered", "UPDATE", f"{_DECIDES} AND {entered_by('NEW.decided_by_id', 'NEW.id')}", "ENTERED_BY_YOU"),
        refuse(
            "inv10_desk",
            "UPDATE",
            f"NEW.appeal IS NOT NULL AND OLD.appeal IS NULL AND {at_the_desk_of('NEW.made_by_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "in_order",
            "UPDATE",
            "NOT (NEW.state = OLD.state OR (OLD.state = 'IN_FORCE' AND NEW.state IN ('APPEALED', 'LIFTED', 'OVER'))"
            " OR (OLD.state = 'APPEALED' AND NEW.state IN ('UPHELD', 'LIFTED'))"
            " OR (OLD.state = 'OVER' AND OLD.appeal IS NULL AND NEW.state = 'APPEALED')"
            " OR (OLD.state = 'UPHELD' AND NEW.state = 'OVER'))",
            "MODERATION_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed("kind", "member_id", "statement_id", "reason", "made_by_id", "made_at", "until", "appeal_until")
            + f" OR ({changed('concerns_id')} AND NOT {by_event('forums.moderation.merged')})"
            f" OR (OLD.appeal IS NOT NULL AND {changed('appeal')}) OR (OLD.decision IS NOT NULL AND {changed('decision')})",
            "APPEND_ONLY",
        ),
        unique("statement_id", where="state IN ('IN_FORCE', 'APPEALED', 'UPHELD')", code="STATEMENT_STATE"),
        index("forum_id", "made_at"),
        index("concerns_id", "made_at"),
        index("member_id"),
        index("statement_id"),
        index("made_at"),
        index("until", where="kind = 'EXCLUDE' AND state IN ('IN_FORCE', 'APPEALED', 'UPHELD')"),
    )  # fmt: skip

    class Meta:
        table = "forums_moderation"
