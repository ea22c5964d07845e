"""What a topic comes to: by a consensus that nobody objects to, or by ballot."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import at_the_desk_of
from core.database.guards import Guard, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.forums.models.common import is_member
from plugins.forums.models.forums import Forum, Member
from plugins.forums.models.topics import Topic
from plugins.forums.terms import ForumElectorate, ForumMethod, ForumResolutionState, ForumStance


def _said(stance: ForumStance) -> str:
    return f"(SELECT count(*) FROM forums_position p WHERE p.resolution_id = NEW.id AND p.stance = '{stance.value}')"


_PASSED = "NEW.state IN ('ADOPTED', 'EFFECTIVE', 'OVERTURNED')"
_AGREED = (
    "(NEW.objected = 0 AND NEW.agreed > 0"
    " AND (NEW.agreed + NEW.aside) * 100 >= NEW.quorum_percent * NEW.members)"
)  # fmt: skip


_OVER = (
    "NOT EXISTS (SELECT 1 FROM forums_resolution r JOIN forums_member m ON m.id = NEW.member_id"
    " WHERE r.id = NEW.resolution_id AND r.forum_id = NEW.forum_id AND r.method = 'CONSENSUS'"
    " AND r.state = 'PENDING' AND r.closes_at > NEW.stated_at AND m.since <= r.put_at)"
)

# In a forum of people each says one thing, also who was merged into another (INV6); in one of bodies, each body does.
_STATED = (
    "EXISTS (SELECT 1 FROM forums_position p JOIN forums_member m ON m.id = p.member_id WHERE m.body_id IS NULL"
    " AND p.resolution_id = NEW.resolution_id AND p.actor_id = NEW.actor_id AND p.id <> NEW.id) AND EXISTS (SELECT 1"
    " FROM forums_resolution r WHERE r.id = NEW.resolution_id AND r.state = 'PENDING')"
)
_PUT_BY = "(SELECT r.put_by_id FROM forums_resolution r WHERE r.id = NEW.resolution_id)"


class Resolution(Logged):
    """What was put to the members about a topic, and what came of it, as the server counted (INV8).

    `members` is how many might say something, frozen when it was put (INV7); of a ballot, the roll. What the forum's body
    may not decide is advice (`is_binding` false): it is taken to a body that may.
    """

    tag: ClassVar[str] = "forums_resolution"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    topic: fields.ForeignKeyRelation[Topic] = references("forums.Topic")
    topic_id: UUID
    method = fields.CharEnumField(ForumMethod, description="ForumMethod", max_length=40)
    electorate = fields.CharEnumField(ForumElectorate, description="ForumElectorate", max_length=40)
    text = fields.TextField()
    options = fields.TextField()  # JSON: [label]; empty for a yes or no
    is_binding = fields.BooleanField()
    put_by_id = fields.UUIDField()
    put_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    quorum_percent = fields.IntField()
    members = fields.IntField(null=True)
    agreed = fields.IntField(null=True)
    aside = fields.IntField(null=True)
    objected = fields.IntField(null=True)
    ballot_id = fields.UUIDField(null=True)
    tally = fields.TextField(null=True)  # JSON: label → votes
    turnout = fields.IntField(null=True)
    chosen = fields.CharField(max_length=200, null=True)
    notice_id = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    effective_at = fields.DatetimeField(null=True)
    state = fields.CharEnumField(ForumResolutionState, description="ForumResolutionState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = impersonal("text", "options", "tally", "chosen")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("topic_id", where="state IN ('PENDING', 'ADOPTED', 'EFFECTIVE')", code="TOPIC_STATE"),
        check("by_ballot", "(NEW.method = 'BALLOT') = (NEW.ballot_id IS NOT NULL)"),
        check("lasts", "NEW.closes_at > NEW.put_at", "ENDS_BEFORE_START"),
        check("decided", "(NEW.state = 'PENDING') = (NEW.decided_at IS NULL)"),
        check("effective", "(NEW.state = 'EFFECTIVE') = (NEW.effective_at IS NOT NULL)"),
        check(
            "outcome_is_counted",
            "NEW.state IN ('PENDING', 'WITHDRAWN')"
            " OR (NEW.method = 'BALLOT' AND NEW.tally IS NOT NULL AND NEW.turnout IS NOT NULL AND NEW.members IS NOT NULL)"
            f" OR (NEW.method = 'CONSENSUS' AND NEW.agreed IS NOT NULL AND ({_PASSED}) = {_AGREED}"
            " AND (NEW.state = 'OBJECTED') = (NEW.objected > 0))",
            "OUTCOME_IS_COUNTED",
        ),
        refuse(
            "counted_from_positions",
            "UPDATE",
            "OLD.agreed IS NULL AND NEW.agreed IS NOT NULL"
            f" AND (NEW.agreed <> {_said(ForumStance.AGREE)} OR NEW.aside <> {_said(ForumStance.STAND_ASIDE)}"
            f" OR NEW.objected <> {_said(ForumStance.OBJECT)})",
            "OUTCOME_IS_COUNTED",
        ),
        refuse(
            "put_once_heard",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM forums_topic t WHERE t.id = NEW.topic_id AND t.forum_id = NEW.forum_id)"
            " OR EXISTS (SELECT 1 FROM forums_round r WHERE r.topic_id = NEW.topic_id AND r.state = 'OPEN')",
            "ROUND_RUNS",
        ),
        refuse(
            "decided_once",
            "UPDATE",
            "OLD.state NOT IN ('PENDING', 'ADOPTED')"
            " OR (OLD.state = 'ADOPTED' AND NEW.state NOT IN ('ADOPTED', 'EFFECTIVE', 'OVERTURNED'))"
            " OR (OLD.decided_at IS NOT NULL AND "
            + changed("agreed", "aside", "objected", "tally", "turnout", "chosen", "decided_at", "is_binding")
            + ")",
            "RESOLUTION_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            changed("topic_id", "method", "electorate", "text", "options", "put_at", "put_by_id", "closes_at")
            + " OR NEW.quorum_percent <> OLD.quorum_percent OR NEW.members <> OLD.members"
            + f" OR (OLD.ballot_id IS NOT NULL AND {changed('ballot_id')})",
            "APPEND_ONLY",
        ),
        index("topic_id", "put_at"),
        index("forum_id", "put_at"),
        index("area_id", "put_at"),
        index("put_at"),
        index("ballot_id", where="ballot_id IS NOT NULL"),
        index("closes_at", where="state = 'PENDING' AND method = 'CONSENSUS'"),
    )

    class Meta:
        table = "forums_resolution"


class Position(Logged):
    """What a member says to a proposed consensus; it may change until the objections period ends. One that objects says
    why."""

    tag: ClassVar[str] = "forums_position"
    called: ClassVar[tuple[str, str]] = ("Positions on proposed consensus", "对共识的表态")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    forum: fields.ForeignKeyRelation[Forum] = references("forums.Forum")
    forum_id: UUID
    resolution: fields.ForeignKeyRelation[Resolution] = references("forums.Resolution")
    resolution_id: UUID
    member: fields.ForeignKeyRelation[Member] = references("forums.Member")
    member_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    stance = fields.CharEnumField(ForumStance, description="ForumStance", max_length=40)
    reason = fields.TextField(null=True)
    stated_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of="actor_id", keep=Keep("stated_at", "case_text_days")),
    )  # fmt: skip

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("resolution_id", "member_id", code="ALREADY_STATED"),
        refuse("objecting_says_why", "INSERT", "NEW.stance = 'OBJECT' AND NEW.reason IS NULL", "EMPTY_TEXT"),
        refuse(
            "objecting_says_why_now",
            "UPDATE",
            "NEW.stance = 'OBJECT' AND OLD.stance <> 'OBJECT' AND NEW.reason IS NULL",
            "EMPTY_TEXT",
        ),
        refuse("while_it_is_pending", "INSERT", _OVER, "POSITIONS_OVER"),
        refuse("still_pending", "UPDATE", f"{_OVER} AND NOT {by_event('forums.position.merged')}", "POSITIONS_OVER"),
        refuse("one_person_once", "INSERT OR UPDATE", _STATED, "ALREADY_STATED"),
        refuse("by_a_member", "INSERT", f"NOT {is_member('NEW.actor_id')}", "NOT_IN_FORUM"),
        refuse("inv10_proposer", "INSERT OR UPDATE", at_the_desk_of(_PUT_BY), "OWN_MATTER"),
        refuse("stays", "UPDATE", changed("resolution_id", "member_id"), "APPEND_ONLY"),
        index("resolution_id", "stated_at"),
        index("member_id"),
        index("actor_id"),
    )

    class Meta:
        table = "forums_position"
