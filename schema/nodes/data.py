"""Spreadsheets in, lists out, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from core import models
from core.data import rules
from core.enums import ExportFormat, ExportState, ImportState, Severity
from core.errors import Refusal
from core.ids import from_global
from core.messages import LANGUAGES
from core.work import Work
from schema.mutations import MutationInput, Needs, Result, Subject, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, select
from schema.nodes.viewing import ViewerFacts
from schema.planning.python_fields import Facts
from schema.scalars import JSON


def _import_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.is_self(t.by_id) | v.may("core.import", t.area_id)


@node(models.DataImport, scope=_import_scope, order="-received_at")
class DataImport:
    """A spreadsheet on its way in (导入任务)."""

    file_name: str = column(filter=False, description="As it was sent (文件名).")
    sheet: str | None = column(filter=False, description="What kind of sheet, where it was said (表类型).")
    strict: bool = column(filter=False, description="Warnings stop it too (从严).")
    state: ImportState = column()
    rows: int = column(filter=False, description="Rows that were read (行数).")
    rows_new: int = column(filter=False, description="Rows that are new (新增行数).")
    rows_known: int = column(filter=False, description="Rows that were there already (已有行数).")
    rows_bad: int = column(filter=False, description="Rows with errors (有误行数).")
    received_at: datetime = column(order=True, description="When it came (接收时间).")
    expires_at: datetime = column(filter=False, description="When it is cleared away, unless taken in (过期时间).")
    version: int = column(filter=False)
    area: Area = to_one(description="The area it is for (导入区域).")
    by: Actor | None = to_one(description="Who imports; null for the server itself (导入人).")
    findings: Connection[ImportFinding] = connection(
        "data_import_id", description="The first thousand; GET /imports/<id> has all (检查结果)."
    )
    bad: Connection[ImportFinding] = connection(
        lambda c, t: (c.data_import_id == t.id) & (c.severity == Severity.ERROR),
        description="Those that stop it (错误).",
    )


def _message(values: dict[str, Any], facts: Facts) -> str:
    return str(values["zh"] if facts.language == "zh-CN" else values["en"])


def _finding_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.DataImport).where(lambda i: (i.id == t.data_import_id) & _import_scope(i, v)).exists()


@node(models.ImportFinding, scope=_finding_scope, order="place")
class ImportFinding:
    """What is wrong with a cell, row or sheet (检查结果)."""

    place: int = column(order=True, filter=False, description="Position in the report (序号).")
    severity: Severity = column()
    code: str = column(description="Stable code, see the catalogue (代码).")
    sheet: str = column(description="Title of the sheet (工作表).")
    line: int | None = column(description="Line of the file (行).")
    column: str | None = column("column_name", description="Header of the column (列).")
    message: str = python(
        _message, columns=lambda t: {"en": t.message_en, "zh": t.message_zh}, description="For people (说明)."
    )


def _export_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.is_self(t.by_id)


@node(models.DataExport, scope=_export_scope, order="-asked_at")
class DataExport:
    """A list on its way out as a file; only who asked for it sees it (导出任务)."""

    list: str = column("list_name", description="Which root list (列表).")
    format: ExportFormat = column()
    state: ExportState = column()
    rows: int = column(filter=False, description="Rows in the file (行数).")
    failure: str | None = column(filter=False, description="Code of what went wrong (失败代码).")
    asked_at: datetime = column(order=True, description="When it was asked for (申请时间).")
    expires_at: datetime = column(filter=False, description="When the file is cleared away (过期时间).")
    version: int = column(filter=False)


@extend(Query)
class DataQuery:
    data_import: DataImport | None = one("id", description="An import (导入任务).")
    data_imports: Connection[DataImport] = every(
        description="Imports the viewer may see, the latest first (导入任务列表)."
    )
    data_export: DataExport | None = one("id", description="An export of one's own (导出任务).")
    data_exports: Connection[DataExport] = every(description="One's own exports, the latest first (导出任务列表).")


@strawberry.input
class CoreImportInput(MutationInput):
    import_id: strawberry.ID = strawberry.field(description="As POST /imports answered (导入任务).")
    apply: bool = strawberry.field(
        default=False, description="Take it in if nothing is wrong; else only check (执行导入)."
    )
    sheet: str | None = strawberry.field(
        default=None, description="What kind of sheet, where titles do not say (表类型)."
    )
    strict: bool = strawberry.field(default=False, description="Warnings stop it too (从严).")


@mutation("core.import", on=Subject(DataImport, "import_id"), data_import=DataImport)
async def core_import(work: Work, input: CoreImportInput) -> Result:
    """Have a file checked, or checked and taken in; `dataImport` tells how far it is (检查或执行导入)."""
    row = await rules.ask_import(
        work,
        import_id=from_global(input.import_id, "dataimport", "importId"),
        sheet=input.sheet,
        strict=input.strict,
        apply=input.apply,
    )
    return {"data_import": row}


@strawberry.input
class CoreExportInput(MutationInput):
    list_name: str = strawberry.field(name="list", description="A root list, such as `actors` (列表).")
    where: JSON | None = strawberry.field(default=None, description="Its conditions (筛选).")
    arguments: JSON | None = strawberry.field(default=None, description="Its other arguments (其他参数).")
    columns: list[str] | None = strawberry.field(default=None, description="Only these fields, in this order (列).")
    format: ExportFormat = ExportFormat.XLSX
    language: str = strawberry.field(default="zh-CN", description="Of headers and terms: zh-CN or en (语言).")


@mutation(Needs.OWN_MATTER, data_export=DataExport)
async def core_export(work: Work, input: CoreExportInput) -> Result:
    """Have a list made into a file, with what one may see of it; GET /exports/<id> fetches it (导出列表)."""
    if input.language not in LANGUAGES:
        raise Refusal("BAD_ARGUMENT", path=("language",), what=", ".join(LANGUAGES))
    for name in ("where", "arguments"):
        if not isinstance(getattr(input, name), (dict, type(None))):
            raise Refusal("BAD_ARGUMENT", path=(name,), what="{}")
    request = {"where": input.where, "arguments": input.arguments, "columns": input.columns}
    row = await rules.ask_export(
        work, list_name=input.list_name, request=request, format=input.format, language=input.language
    )
    return {"data_export": row}
