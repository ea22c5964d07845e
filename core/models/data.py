"""Spreadsheets taken in and lists given out: what came of each, and the numbers a community keeps its register by."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, index, unique
from core.enums import ExportFormat, ExportState, ImportState, Severity
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Entity, Logged, references
from core.personal import Keep, Text, home_of, impersonal, personal


class RegisterNumber(Entity):
    """The number (编号) that the register (台账) of an area knows something by, as it stood in an imported sheet."""

    tag: ClassVar[str] = "registernumber"
    called: ClassVar[tuple[str, str]] = ("Numbers in registers", "台账编号")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    sheet = fields.CharField(max_length=40)
    number = fields.CharField(max_length=64)
    subject_id = fields.UUIDField()

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("sheet"),
        personal("number", of="subject_id", goes=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", "sheet", "number", code="NUMBER_TAKEN"),
        index("subject_id"),
    )

    class Meta:
        table = "core_register_number"


class DataImport(Logged):
    """A spreadsheet on its way in. The file itself never comes into the database."""

    tag: ClassVar[str] = "dataimport"
    called: ClassVar[tuple[str, str]] = ("Imports sent in", "导入任务")
    unlogged: ClassVar[tuple[str, ...]] = ("taken_until",)

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    by: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    by_id: UUID | None
    account_id = fields.UUIDField(null=True)
    file_name = fields.CharField(max_length=200)
    sheet = fields.CharField(max_length=40, null=True)
    strict = fields.BooleanField(default=False)
    state = fields.CharEnumField(ImportState, description=ImportState.__name__, max_length=40)
    rows = fields.IntField(default=0)
    rows_new = fields.IntField(default=0)
    rows_known = fields.IntField(default=0)
    rows_bad = fields.IntField(default=0)
    received_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    taken_until = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("sheet"),
        personal("file_name", of="by_id", keep=Keep("received_at", "import_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("counts", "NEW.rows >= 0 AND NEW.rows_new >= 0 AND NEW.rows_known >= 0 AND NEW.rows_bad >= 0"),
        index("area_id", "received_at"),
        index("received_at"),
        index("state"),
    )

    class Meta:
        table = "core_data_import"


class ImportFinding(Entity):
    """What is wrong with one cell, row or sheet; nothing personal is repeated. The first thousand; the file has all."""

    tag: ClassVar[str] = "importfinding"

    data_import: fields.ForeignKeyRelation[DataImport] = references("core.DataImport")
    data_import_id: UUID
    place = fields.IntField()
    severity = fields.CharEnumField(Severity, description=Severity.__name__, max_length=40)
    code = fields.CharField(max_length=60)
    sheet = fields.CharField(max_length=100)
    line = fields.IntField(null=True)
    column_name = fields.CharField(max_length=100, null=True)
    message_en = fields.TextField()
    message_zh = fields.TextField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("code", "sheet", "column_name", "message_en", "message_zh")

    guards: ClassVar[tuple[Guard, ...]] = (*append_only()[:1], index("data_import_id", "place"), index("place"))

    class Meta:
        table = "core_import_finding"


class DataExport(Logged):
    """A list on its way out as a file, for one person, for a day."""

    tag: ClassVar[str] = "dataexport"
    called: ClassVar[tuple[str, str]] = ("Exports asked for", "导出任务")
    unlogged: ClassVar[tuple[str, ...]] = ("taken_until",)

    by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    by_id: UUID
    account_id = fields.UUIDField()
    list_name = fields.CharField(max_length=100)
    request: fields.Field[dict[str, Any]] = fields.JSONField(default=dict)
    format = fields.CharEnumField(ExportFormat, description=ExportFormat.__name__, max_length=40)
    language = fields.CharField(max_length=10)
    state = fields.CharEnumField(ExportState, description=ExportState.__name__, max_length=40)
    rows = fields.IntField(default=0)
    failure = fields.CharField(max_length=60, null=True)
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    taken_until = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("list_name", "language", "failure"),
        personal("request", of="by_id", keep=Keep("asked_at", "import_days", home_of("by_id"))),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("ready_or_why", "(NEW.state = 'FAILED') = (NEW.failure IS NOT NULL)"),
        index("by_id", "asked_at"),
        index("asked_at"),
        index("state"),
    )

    class Meta:
        table = "core_data_export"
