"""What is kept on people beyond their names: contact and identity, who read it, consent, guardianship."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, check, index, refuse, same, unique
from core.enums import ConsentBasis, ConsentState, GuardianBasis, GuardianshipState, SensitiveField
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Logged, references
from core.personal import Keep, Text, home_of, impersonal, personal


class PersonDetail(Logged):
    """A person's telephone number, and that somebody saw their id document: of its number a keyed digest and the last
    four characters, never the number. `id_key` names the key (`core.keys`)."""

    tag: ClassVar[str] = "persondetail"
    called: ClassVar[tuple[str, str]] = ("Telephone number and id document", "电话与证件")

    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    phone = fields.CharField(max_length=20, null=True)
    id_digest = fields.CharField(max_length=64, null=True)
    id_key = fields.CharField(max_length=16, null=True)
    id_last_four = fields.CharField(max_length=4, null=True)
    id_checked_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("phone", of="person_id"),
        personal("id_digest", of="person_id", secret=True),
        personal("id_key", of="person_id", secret=True),
        personal("id_last_four", of="person_id"),
    )
    guards: ClassVar[tuple[Guard, ...]] = (
        unique("person_id", code="INTERNAL"),
        unique("id_digest", where="id_digest IS NOT NULL", code="ID_NUMBER_KNOWN"),
        check(
            "id_whole",
            "(NEW.id_digest IS NULL) = (NEW.id_key IS NULL) AND (NEW.id_digest IS NULL) = (NEW.id_last_four IS NULL)",
        ),
    )

    class Meta:
        table = "core_person_detail"


class AccessRecord(Logged):
    """Somebody looked at one sensitive fact about somebody, for a purpose; they see it until `until`."""

    tag: ClassVar[str] = "accessrecord"
    called: ClassVar[tuple[str, str]] = ("Who looked at sensitive facts", "敏感信息查阅记录")

    subject: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    subject_id: UUID
    reader: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    reader_id: UUID
    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    field = fields.CharEnumField(SensitiveField, description=SensitiveField.__name__, max_length=40)
    purpose = fields.CharField(max_length=200)
    read_at = fields.DatetimeField()
    until = fields.DatetimeField()

    about: ClassVar[tuple[str, ...]] = ("t.subject_id IN ({ids})",)
    in_full: ClassVar[tuple[str, ...]] = ("reader_id",)  # whom the person is told by full name
    texts: ClassVar[tuple[Text, ...]] = (personal("purpose", of="subject_id", keep=Keep("read_at", "access_days")),)
    guards: ClassVar[tuple[Guard, ...]] = (
        check("a_purpose", "length(NEW.purpose) > 0", "EMPTY_TEXT"),
        check("for_a_while", "NEW.until > NEW.read_at"),
        refuse(
            "stays",
            "UPDATE",
            "NEW.field <> OLD.field OR NEW.read_at <> OLD.read_at OR NEW.until <> OLD.until"
            " OR NEW.area_id <> OLD.area_id OR NEW.purpose <> OLD.purpose",
            "APPEND_ONLY",
        ),
        index("subject_id", "read_at"),
        index("reader_id", "read_at"),
        index("area_id", "read_at"),
        index("read_at"),
    )

    class Meta:
        table = "core_access_record"


class Consent(Logged):
    """A person agrees to a use of their data, until they withdraw it; giving it again is another row."""

    tag: ClassVar[str] = "consent"
    called: ClassVar[tuple[str, str]] = ("Consents", "同意记录")

    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    purpose = fields.CharField(max_length=200)
    basis = fields.CharEnumField(ConsentBasis, description=ConsentBasis.__name__, max_length=40)
    evidence = fields.CharField(max_length=500, null=True)
    state = fields.CharEnumField(ConsentState, description=ConsentState.__name__, max_length=40)
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("purpose"),
        personal("evidence", of="person_id", keep=Keep("until", "evidence_days", home_of("person_id"))),
    )
    guards: ClassVar[tuple[Guard, ...]] = (
        unique("person_id", "purpose", where="state = 'GIVEN'", code="CONSENT_GIVEN"),
        check("purpose_not_empty", "length(NEW.purpose) > 0", "EMPTY_TEXT"),
        check("withdrawn", "(NEW.state = 'WITHDRAWN') = (NEW.until IS NOT NULL)"),
        refuse(
            "stays",
            "UPDATE",
            "(OLD.state = 'WITHDRAWN' AND (NEW.state <> OLD.state OR NEW.until <> OLD.until))"
            " OR NEW.purpose <> OLD.purpose OR NEW.basis <> OLD.basis OR NEW.since <> OLD.since"
            f" OR NOT {same('NEW.evidence', 'OLD.evidence')}",
            "CONSENT_WITHDRAWN",
        ),
        index("person_id", "since"),
        index("since"),
    )

    class Meta:
        table = "core_consent"


class Guardianship(Logged):
    """A guardian acts for a ward who cannot act alone (监护), on a basis, until it ends."""

    tag: ClassVar[str] = "guardianship"
    called: ClassVar[tuple[str, str]] = ("Guardianships", "监护关系")

    ward: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    ward_id: UUID
    guardian: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    guardian_id: UUID
    basis = fields.CharEnumField(GuardianBasis, description=GuardianBasis.__name__, max_length=40)
    evidence = fields.CharField(max_length=500)
    state = fields.CharEnumField(GuardianshipState, description=GuardianshipState.__name__, max_length=40)
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("evidence", of="ward_id", keep=Keep("until", "evidence_days", home_of("ward_id"))),
    )
    guards: ClassVar[tuple[Guard, ...]] = (
        unique("ward_id", "guardian_id", where="state = 'ACTIVE'", code="ALREADY_GUARDIAN"),
        check("not_oneself", "NEW.ward_id <> NEW.guardian_id", "NOT_TO_ITSELF"),
        check("ends_after_start", "NEW.until IS NULL OR NEW.until >= NEW.since"),
        refuse(
            "stays",
            "UPDATE",
            f"(OLD.state = 'ENDED' AND (NEW.state <> OLD.state OR NOT {same('NEW.until', 'OLD.until')}))"
            " OR NEW.basis <> OLD.basis OR NEW.since <> OLD.since OR NEW.evidence <> OLD.evidence",
            "ALREADY_ENDED",
        ),
        index("guardian_id"),
        index("ward_id"),
        index("since"),
    )

    class Meta:
        table = "core_guardianship"
