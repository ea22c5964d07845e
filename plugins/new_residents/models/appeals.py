"""Appeals to another clerk."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import at_the_desk_of, entered_by, own_matter
from core.database.guards import Guard, append_only, by_event, by_others, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, personal
from plugins.new_residents.models.entitlements import Grant
from plugins.new_residents.models.residence import Registration
from plugins.new_residents.terms import ResidentAppealState


class Appeal(Logged):
    """A person doubts a decision about their residence or an entitlement; somebody else decides again."""

    tag: ClassVar[str] = "new_residents_appeal"
    called: ClassVar[tuple[str, str]] = ("Appeals about residence and entitlements", "居住与待遇申诉")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    registration: fields.ForeignKeyNullableRelation[Registration] = references("new_residents.Registration", null=True)
    registration_id: UUID | None
    grant: fields.ForeignKeyNullableRelation[Grant] = references("new_residents.Grant", null=True)
    grant_id: UUID | None
    against_id = fields.UUIDField()
    state = fields.CharEnumField(ResidentAppealState, description="ResidentAppealState", max_length=40)
    statement = fields.TextField()
    opened_at = fields.DatetimeField()
    answer = fields.TextField(null=True)
    decided_by_id = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("statement", of="person_id", keep=Keep("opened_at", "case_text_days")),
        personal("answer", of="person_id", keep=Keep("opened_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        check("about_one", "(NEW.registration_id IS NULL) <> (NEW.grant_id IS NULL)"),
        check(
            "decided",
            "(NEW.state IN ('GRANTED', 'DISMISSED')) = (NEW.decided_by_id IS NOT NULL AND NEW.decided_at IS NOT NULL)",
        ),
        refuse(
            "stays",
            "UPDATE",
            "OLD.state <> 'OPEN' AND NEW.state <> OLD.state OR NEW.against_id <> OLD.against_id"
            f" OR (NEW.person_id <> OLD.person_id AND NOT {by_event('new_residents.registration.merged')})",
            "RESIDENT_APPEAL_STATE",
        ),
        unique("registration_id", where="state = 'OPEN'", code="RESIDENT_APPEAL_OPEN"),
        unique("grant_id", where="state = 'OPEN'", code="RESIDENT_APPEAL_OPEN"),
        *by_others(
            "inv10_appeal",
            "decided_by_id",
            own_matter("NEW.decided_by_id", "NEW.person_id"),
            own_matter("NEW.decided_by_id", "NEW.against_id"),
        ),
        refuse(
            "inv10_entered",
            "UPDATE",
            f"NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL AND {entered_by('NEW.decided_by_id', 'NEW.id')}",
            "ENTERED_BY_YOU",
        ),
        refuse("inv10_desk_new", "INSERT", at_the_desk_of("NEW.against_id"), "OWN_MATTER"),
        refuse(
            "inv10_desk",
            "UPDATE",
            f"NEW.state = 'WITHDRAWN' AND OLD.state = 'OPEN' AND {at_the_desk_of('NEW.against_id')}",
            "OWN_MATTER",
        ),
        index("registration_id"),
        index("grant_id"),
        index("person_id", "opened_at"),
        index("area_id", "opened_at"),
        index("opened_at"),
    )

    class Meta:
        table = "new_residents_appeal"
