"""A year's days off and an organization's file."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Text, impersonal
from plugins.disclosure.terms import Heading


class RestDays(Logged):
    """The arrangement of rest days of a year (节假日安排) that did not come with the server, for an area and below."""

    tag: ClassVar[str] = "disclosure_rest_days"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    year = fields.IntField()
    rest = fields.TextField()  # JSON lists of days, or spans of days
    work = fields.TextField()
    source = fields.CharField(max_length=200)

    texts: ClassVar[tuple[Text, ...]] = impersonal("rest", "work", "source")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("year", "NEW.year BETWEEN 2000 AND 2200"),
        unique("area_id", "year", code="YEAR_SET"),
        refuse("stays", "UPDATE", changed("area_id", "year"), "APPEND_ONLY"),
        index("year"),
    )

    class Meta:
        table = "disclosure_rest_days"


class FileEntry(Logged):
    """Something that belongs into the yearly file of an organization (年度档案): an event about it, by its type and day."""

    tag: ClassVar[str] = "disclosure_file_entry"
    called: ClassVar[tuple[str, str]] = ("Lines of yearly files", "年度档案条目")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    organization: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    organization_id: UUID
    year = fields.IntField()
    heading = fields.CharEnumField(Heading, description="Heading", max_length=40)
    type = fields.CharField(max_length=120)
    source_id = fields.UUIDField()  # the event
    subject_tag = fields.CharField(max_length=60)
    subject_id = fields.UUIDField()
    amount = fields.BigIntField(null=True)
    occurred_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("type", "subject_tag")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"{changed('year', 'heading', 'type', 'source_id', 'subject_id', 'amount', 'occurred_at')}"
            f" OR ({changed('organization_id')} AND NOT {by_event('disclosure.notice.merged')})",
            "APPEND_ONLY",
        ),
        unique("source_id", "organization_id", code="FILED_ALREADY"),
        index("organization_id", "occurred_at"),
        index("occurred_at"),
    )

    class Meta:
        table = "disclosure_file_entry"
