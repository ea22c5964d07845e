"""The life of an import and of an export: asked for, worked on outside any transaction, and told how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from core.data.findings import Finding
from core.data.stage import Counts
from core.data.values import quotable
from core.enums import ExportFormat, ExportState, ImportState
from core.errors import Refusal
from core.ids import new_id
from core.messages import Messages
from core.models import Area, DataExport, DataImport, ImportFinding
from core.rules.inputs import clean_name
from core.work import Work

KEEP = timedelta(days=1)
MOST = 20  # unfinished ones of a person
TOLD = 1_000
OPEN = (ImportState.RECEIVED, ImportState.CHECKED, ImportState.REFUSED)


async def may_receive(work: Work, area: str) -> Area:
    """The area with this code, if the viewer may import there; refuses TOO_MANY_FILES, TOKEN_SCOPE."""
    work.in_person()  # what is taken in later is taken in with all that the account may do
    found = await work.find(Area, code=area)
    if found is None:
        raise Refusal("UNKNOWN_AREA", area=quotable(area))
    work.require("core.import", found)
    waiting = await work.select(DataImport, by_id=work.person_id, state=[s.value for s in OPEN])
    if len(waiting) >= MOST:
        raise Refusal("TOO_MANY_FILES", limit=MOST)
    return found


async def receive_import(work: Work, *, id: UUID, area: str, file_name: str) -> DataImport:
    """A file has come; nothing is known of it yet."""
    where = await may_receive(work, area)
    row = DataImport(
        id=id, area_id=where.id, by_id=work.person_id, account_id=work.viewer.account_id, state=ImportState.RECEIVED,
        file_name=clean_name(quotable(file_name) or "-", "name", limit=200), received_at=work.now,
        expires_at=work.now + KEEP,
    )  # fmt: skip
    work.add(row)
    work.record("core.import.received", row, area_id=where.id)
    return row


async def ask_import(work: Work, *, import_id: UUID, sheet: str | None, strict: bool, apply: bool) -> DataImport:
    """Have a file that has come checked, or checked and taken in, by and for whoever asks. Refuses IMPORT_STATE, TOKEN_SCOPE."""
    work.in_person()
    row = await work.lock(DataImport, import_id)
    work.require("core.import", row)
    if row.state not in OPEN or row.expires_at <= work.now:
        raise Refusal("IMPORT_STATE", state=row.state)
    work.change(
        row, state=ImportState.APPLYING if apply else ImportState.CHECKING, sheet=sheet, strict=strict,
        by_id=work.person_id, account_id=work.viewer.account_id, taken_until=None,
    )  # fmt: skip
    work.record("core.import.asked", row, area_id=row.area_id, data={"apply": apply})
    return row


async def tell_import(
    work: Work, *, import_id: UUID, counts: Counts, findings: Iterable[Finding], messages: Messages, refused: bool
) -> DataImport:
    """What a check found; the first thousand findings are kept. Nothing of a file whose time is over meanwhile."""
    row = await work.lock(DataImport, import_id)
    work.require("core.import", row)
    if row.state is not ImportState.APPLIED and row.expires_at <= work.now:
        return _import_expired(work, row)
    await work.rows("DELETE FROM core_import_finding WHERE data_import_id = {}", row.id)
    if row.state is not ImportState.APPLIED:
        work.change(
            row, state=ImportState.REFUSED if refused else ImportState.CHECKED, rows=counts.rows, rows_new=counts.new,
            rows_known=counts.known, rows_bad=counts.bad,
        )  # fmt: skip
    for place, finding in enumerate(islice(findings, TOLD)):
        work.append(
            ImportFinding(
                id=new_id(), data_import_id=row.id, place=place, severity=finding.severity, code=finding.code,
                sheet=finding.sheet, line=finding.line, column_name=finding.column,
                message_en=finding.message(messages, "en"), message_zh=finding.message(messages, "zh-CN"),
            )
        )  # fmt: skip
    name = "core.import.refused" if refused else "core.import.checked"
    work.record(name, row, area_id=row.area_id, data={"rows": counts.rows, "bad": counts.bad})
    return row


async def expire_import(work: Work, import_id: UUID) -> None:
    row = await work.lock(DataImport, import_id)
    if row.state in OPEN and row.expires_at <= work.now:
        work.require("core.import", row)
        _import_expired(work, row)


def _import_expired(work: Work, row: DataImport) -> DataImport:
    work.change(row, state=ImportState.EXPIRED)
    work.record("core.import.expired", row, area_id=row.area_id)
    return row


async def ask_export(
    work: Work, *, list_name: str, request: Mapping[str, Any], format: ExportFormat, language: str
) -> DataExport:
    """A list as a file, with what the person may see of it when it is made; or all that is held on them (`HOLDINGS`).
    Refuses TOO_MANY_FILES."""
    work.own_matter()
    waiting = await work.select(
        DataExport, by_id=work.person_id, state=[ExportState.QUEUED.value, ExportState.READY.value]
    )
    if len(waiting) >= MOST:
        raise Refusal("TOO_MANY_FILES", limit=MOST)
    row = DataExport(
        id=new_id(), by_id=work.person_id, account_id=work.viewer.account_id,
        list_name=clean_name(list_name, "list", limit=100), request=dict(request), format=format, language=language,
        state=ExportState.QUEUED, asked_at=work.now, expires_at=work.now + KEEP,
    )  # fmt: skip
    work.add(row)
    work.record("core.export.asked", row, area_id=None, data={"list": row.list_name, "format": str(format)})
    return row


async def end_export(work: Work, *, export_id: UUID, rows: int = 0, failure: str | None = None) -> DataExport:
    """The file is made, or could not be; or its time is over meanwhile."""
    row = await work.lock(DataExport, export_id)
    work.own_matter()
    if row.expires_at <= work.now:
        return _export_expired(work, row)
    state = ExportState.FAILED if failure else ExportState.READY
    work.change(row, state=state, rows=rows, failure=failure)
    work.record("core.export.failed" if failure else "core.export.ready", row, area_id=None, data={"rows": rows})
    return row


async def expire_export(work: Work, export_id: UUID) -> None:
    row = await work.lock(DataExport, export_id)
    if row.state is ExportState.READY and row.expires_at <= work.now:
        work.own_matter()
        _export_expired(work, row)


def _export_expired(work: Work, row: DataExport) -> DataExport:
    work.change(row, state=ExportState.EXPIRED)
    work.record("core.export.expired", row, area_id=None)
    return row
