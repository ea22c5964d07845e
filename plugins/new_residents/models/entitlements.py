"""What newcomers have like everybody else: entitlements, exceptions by statute, grants and their use."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, append_only, by_event, by_others, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, RuleDocument, references
from core.personal import Keep, Text, impersonal, personal
from plugins.new_residents.models.residence import Registration
from plugins.new_residents.terms import EntitlementRefusal, EntitlementStanding, EntitlementState, EqualGroup


class Entitlement(Logged):
    """What newcomers have like everybody else, in an area and below: one of the five ways of equal footing."""

    tag: ClassVar[str] = "new_residents_entitlement"
    searchable: ClassVar[str | None] = "title"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    equal_group = fields.CharEnumField(EqualGroup, description="EqualGroup", max_length=40)
    key = fields.CharField(max_length=40)
    title = fields.CharField(max_length=200)
    explanation = fields.TextField(null=True)
    min_months = fields.IntField(default=0)
    automatic = fields.BooleanField(default=False)
    state = fields.CharEnumField(EntitlementState, description="EntitlementState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = impersonal("key", "title", "explanation")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0 AND length(NEW.key) > 0", "EMPTY_TEXT"),
        check("months", "NEW.min_months BETWEEN 0 AND 120"),
        refuse("key_in_capitals", "INSERT", 'NEW."key" <> upper(NEW."key")', "INVALID_VALUE"),
        unique("area_id", "key", where="state = 'OFFERED'", code="ENTITLEMENT_EXISTS"),
        refuse(
            "stays",
            "UPDATE",
            'NEW.area_id <> OLD.area_id OR NEW."key" <> OLD."key" OR NEW.equal_group <> OLD.equal_group'
            " OR NEW.min_months > OLD.min_months OR (OLD.state = 'RETIRED' AND NEW.state <> OLD.state)",
            "APPEND_ONLY",
        ),
        index("area_id", "equal_group"),
        index("equal_group"),
        index("title"),
    )

    class Meta:
        table = "new_residents_entitlement"


class ParityException(Logged):
    """The statutory rule by which newcomers do not have an entitlement; the only thing that may keep it from them (INV15)."""

    tag: ClassVar[str] = "new_residents_exception"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    entitlement: fields.ForeignKeyRelation[Entitlement] = references("new_residents.Entitlement")
    entitlement_id: UUID
    statute = fields.CharField(max_length=200)
    reason = fields.TextField()
    rule_document: fields.ForeignKeyNullableRelation[RuleDocument] = references("core.RuleDocument", null=True)
    rule_document_id: UUID | None
    since = fields.DateField()
    until = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("statute", "reason")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("cites", "length(NEW.statute) > 0 AND length(NEW.reason) > 0", "EMPTY_TEXT"),
        unique("entitlement_id", where="until IS NULL", code="STATUTE_EXISTS"),
        refuse(
            "only_ends",
            "UPDATE",
            "OLD.until IS NOT NULL OR NEW.until IS NULL OR NEW.statute <> OLD.statute OR NEW.reason <> OLD.reason"
            " OR NEW.entitlement_id <> OLD.entitlement_id OR NEW.since <> OLD.since",
            "APPEND_ONLY",
        ),
        *append_only()[1:],
        index("entitlement_id"),
        index("since"),
    )

    class Meta:
        table = "new_residents_exception"


_STATUTE_IN_FORCE = (
    "EXISTS (SELECT 1 FROM new_residents_exception x WHERE x.entitlement_id = NEW.entitlement_id AND x.until IS NULL)"
)
# Nobody decides about it: it comes of itself.
_BY_ITSELF = (
    "EXISTS (SELECT 1 FROM new_residents_entitlement a WHERE a.id = NEW.entitlement_id AND a.automatic"
    " AND a.state = 'OFFERED')"
)


class Grant(Logged):
    """An entitlement and a person who lives here: asked for, had, refused or ended. Newcomers have a registration, locals
    none; nothing else tells them apart, and nothing at all does when it is decided."""

    tag: ClassVar[str] = "new_residents_grant"
    called: ClassVar[tuple[str, str]] = ("Entitlements", "享有的待遇")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    entitlement: fields.ForeignKeyRelation[Entitlement] = references("new_residents.Entitlement")
    entitlement_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    registration: fields.ForeignKeyNullableRelation[Registration] = references("new_residents.Registration", null=True)
    registration_id: UUID | None
    state = fields.CharEnumField(EntitlementStanding, description="EntitlementStanding", max_length=40)
    asked_at = fields.DatetimeField()
    decided_by_id = fields.UUIDField(null=True)
    decided_on = fields.DateField(null=True)
    ground = fields.CharEnumField(EntitlementRefusal, description="EntitlementRefusal", max_length=40, null=True)
    reason = fields.TextField(null=True)
    ended_on = fields.DateField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (personal("reason", of="person_id", keep=Keep("asked_at", "case_text_days")),)

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        unique("entitlement_id", "person_id", where="state IN ('REQUESTED', 'GRANTED')", code="ENTITLED_ALREADY"),
        check("refused_for_a_reason", "NEW.state <> 'REFUSED' OR NEW.ground IS NOT NULL"),
        check("ended", "(NEW.state = 'ENDED') = (NEW.ended_on IS NOT NULL)"),
        refuse(
            "statute",
            "UPDATE",
            f"NEW.ground = 'STATUTE' AND (OLD.ground IS NULL OR OLD.ground <> 'STATUTE') AND NOT {_STATUTE_IN_FORCE}",
            "NO_STATUTE",
        ),
        refuse("statute_new", "INSERT", f"NEW.ground = 'STATUTE' AND NOT {_STATUTE_IN_FORCE}", "NO_STATUTE"),
        refuse(
            "stays",
            "UPDATE",
            "NEW.entitlement_id <> OLD.entitlement_id OR NEW.area_id <> OLD.area_id"
            f" OR (NEW.person_id <> OLD.person_id AND NOT {by_event('new_residents.registration.merged')})"
            " OR (OLD.state IN ('ENDED', 'WITHDRAWN') AND NEW.state <> OLD.state"
            f" AND NOT {by_event('new_residents.appeal.granted')})",
            "APPEND_ONLY",
        ),
        refuse(
            "by_itself_new", "INSERT", f"NEW.ground IN ('CAPACITY', 'OTHER') AND {_BY_ITSELF}", "ENTITLEMENT_AUTOMATIC"
        ),
        refuse(
            "by_itself",
            "UPDATE",
            f"(NEW.ground IN ('CAPACITY', 'OTHER') AND NOT {same('NEW.ground', 'OLD.ground')} OR OLD.state = 'GRANTED'"
            " AND NEW.state = 'ENDED' AND EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id"
            f" AND e.type = 'new_residents.entitlement.ended' AND e.authority <> 'SYSTEM')) AND {_BY_ITSELF}",
            "ENTITLEMENT_AUTOMATIC",
        ),
        *by_others("inv10_grant", "decided_by_id", own_matter("NEW.decided_by_id", "NEW.person_id")),
        index("entitlement_id", "asked_at"),
        index("person_id", "asked_at"),
        index("registration_id"),
        index("area_id", "asked_at"),
        index("asked_at"),
    )

    class Meta:
        table = "new_residents_grant"


class Use(Logged):
    """An entitlement was used on a day."""

    tag: ClassVar[str] = "new_residents_use"
    called: ClassVar[tuple[str, str]] = ("Use of entitlements", "待遇使用记录")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    grant: fields.ForeignKeyRelation[Grant] = references("new_residents.Grant")
    grant_id: UUID
    used_on = fields.DateField()
    note = fields.TextField(null=True)
    recorded_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        personal(
            "note",
            of="t.grant_id IN (SELECT g.id FROM new_residents_grant g WHERE g.person_id IN ({ids}))",
            keep=Keep("recorded_at", "case_text_days"),
        ),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        refuse(
            "of_what_one_has",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM new_residents_grant g WHERE g.id = NEW.grant_id AND g.state = 'GRANTED')",
            "ENTITLEMENT_STATE",
        ),
        index("grant_id", "used_on"),
        index("recorded_at"),
    )

    class Meta:
        table = "new_residents_use"
