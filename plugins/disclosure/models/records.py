"""The chain of an area: a record of everything that was made public."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, index, refuse, unique
from core.models import Area, Logged, references
from core.personal import Text, impersonal
from plugins.disclosure.models.notices import Notice, Posting
from plugins.disclosure.models.objections import Objection
from plugins.disclosure.terms import RecordKind


class Record(Logged):
    """A link of an area's chain: what happened to a notice, in canonical JSON, under its SHA-256 (`seal.py`)."""

    tag: ClassVar[str] = "disclosure_record"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    objection: fields.ForeignKeyNullableRelation[Objection] = references("disclosure.Objection", null=True)
    objection_id: UUID | None
    posting: fields.ForeignKeyNullableRelation[Posting] = references("disclosure.Posting", null=True)
    posting_id: UUID | None
    seq = fields.IntField()
    kind = fields.CharEnumField(RecordKind, description="RecordKind", max_length=40)
    prev_hash = fields.CharField(max_length=64)
    hash = fields.CharField(max_length=64)
    body = fields.TextField()
    sealed_at = fields.DatetimeField()

    about: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[Text, ...]] = impersonal("prev_hash", "hash", "body")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("area_id", "seq", code="CHAIN_BROKEN"),
        unique("hash", code="CHAIN_BROKEN"),
        check("shape_of_hash", "length(NEW.hash) = 64 AND length(NEW.prev_hash) = 64 AND NEW.seq >= 1"),
        refuse(
            "follows",
            "INSERT",
            "NOT (NEW.seq = 1 AND NEW.prev_hash = '" + "0" * 64 + "') AND NOT EXISTS (SELECT 1 FROM disclosure_record b"
            " WHERE b.area_id = NEW.area_id AND b.seq = NEW.seq - 1 AND b.hash = NEW.prev_hash"
            " AND b.sealed_at <= NEW.sealed_at)",
            "CHAIN_BROKEN",
        ),
        index("notice_id", "seq"),
    )

    class Meta:
        table = "disclosure_record"
