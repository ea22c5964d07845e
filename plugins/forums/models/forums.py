"""A forum beside its body of councils, and who belongs to it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.forums.terms import ForumKind, ForumMemberBasis, ForumMembership, ForumMemberState, ForumState


class Forum(Logged):
    """A body of councils that deliberates in the open. `name` follows the body's."""

    tag: ClassVar[str] = "forums_forum"
    searchable: ClassVar[str | None] = "name"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body_id = fields.UUIDField()
    kind = fields.CharEnumField(ForumKind, description="ForumKind", max_length=40)
    membership = fields.CharEnumField(ForumMembership, description="ForumMembership", max_length=40)
    name = fields.CharField(max_length=200)
    purpose = fields.TextField(null=True)
    state = fields.CharEnumField(ForumState, description="ForumState", max_length=40)
    founded_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("name", "purpose")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("joint_of_bodies", "(NEW.kind = 'JOINT') = (NEW.membership = 'BODIES')", "FORUM_MEMBERSHIP"),
        refuse("closed_for_good", "UPDATE", "OLD.state = 'CLOSED'", "FORUM_CLOSED"),
        refuse("stays", "UPDATE", changed("area_id", "body_id", "kind", "membership"), "INVALID_VALUE"),
        unique("body_id", code="FORUM_EXISTS"),
        index("area_id", "name"),
        index("name"),
    )

    class Meta:
        table = "forums_forum"


class Member(Logged):
    """Somebody, an organization or a body that belongs to a forum. A body (`body_id`) takes part through the delegate it
    names (`actor`), and is silent while it has none."""

    tag: ClassVar[str] = "forums_member"
    called: ClassVar[tuple[str, str]] = ("Forum memberships", "议事厅成员")
    refers: ClassVar[dict[str, str]] = {"body_id": "councils_body"}

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    actor: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    actor_id: UUID | None
    body_id = fields.UUIDField(null=True)
    basis = fields.CharEnumField(ForumMemberBasis, description="ForumMemberBasis", max_length=40)
    state = fields.CharEnumField(ForumMemberState, description="ForumMemberState", max_length=40)
    is_convenor = fields.BooleanField(default=False)
    asked_at = fields.DatetimeField()
    since = fields.DatetimeField(null=True)
    until = fields.DatetimeField(null=True)
    application = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("application", of="actor_id", keep=Keep("asked_at", "case_text_days")),
    )  # fmt: skip

    guards: ClassVar[tuple[Guard, ...]] = (
        check("of_a_body", "(NEW.basis = 'DELEGATED') = (NEW.body_id IS NOT NULL)"),
        check("somebody", "NEW.actor_id IS NOT NULL OR NEW.body_id IS NOT NULL"),
        check("since", "NEW.state NOT IN ('ACTIVE', 'EXCLUDED') OR NEW.since IS NOT NULL"),
        check("until", "(NEW.state IN ('DECLINED', 'LEFT', 'ENDED')) = (NEW.until IS NOT NULL)"),
        check("convenor", "NOT NEW.is_convenor OR (NEW.state = 'ACTIVE' AND NEW.actor_id IS NOT NULL)"),
        refuse(
            "of_a_forum_that_is",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM forums_forum f WHERE f.id = NEW.forum_id AND f.area_id = NEW.area_id"
            " AND f.state = 'ACTIVE' AND (f.membership = 'BODIES') = (NEW.basis = 'DELEGATED'))",
            "FORUM_CLOSED",
        ),
        refuse("over_for_good", "UPDATE", "OLD.until IS NOT NULL AND NEW.until IS NULL", "FORUM_MEMBER_STATE"),
        refuse(
            "stays",
            "UPDATE",
            changed("forum_id", "body_id", "asked_at")
            + f" OR ({changed('actor_id')} AND NEW.body_id IS NULL AND NOT {by_event('forums.member.merged')})"
            f" OR (OLD.since IS NOT NULL AND {changed('since')})",
            "APPEND_ONLY",
        ),
        unique("forum_id", "actor_id", where="until IS NULL", code="ALREADY_IN_FORUM"),
        unique("forum_id", "body_id", where="until IS NULL", code="ALREADY_IN_FORUM"),
        index("forum_id", "asked_at"),
        index("actor_id", "asked_at"),
        index("asked_at"),
        index("body_id", where="body_id IS NOT NULL"),
    )

    class Meta:
        table = "forums_member"
