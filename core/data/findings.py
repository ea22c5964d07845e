"""What is wrong with a spreadsheet, row by row, in English and Chinese, and the report as a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.enums import Severity
from core.errors import GongzhiError
from core.messages import Messages

# Told and taken in; everything else stops the import.
WARNINGS = frozenset(
    (
        "UNKNOWN_SHEET",
        "UNKNOWN_COLUMN",
        "COLUMN_NOT_KEPT",
        "COLUMN_UNNAMED",
        "HIDDEN_SHEET",
        "TOTAL_LINE",
        "TIME_IN_DATE",
        "AREA_LEVEL",
        "MEMBER_TWICE",
        "MEMBER_ELSEWHERE",
        "IN_TWO_HOUSEHOLDS",
        "ROLE_OF_AREAS",
        "REGISTRATION_EXPIRED",
        "REGISTRATION_UNCLEAR",
        "REPEATED_ROW",
        "LIKELY_DUPLICATE",
        "LIKELY_KNOWN",
        "DIFFERS_FROM_KNOWN",
        "PEOPLE_ASKED",
    )
)


@dataclass(frozen=True)
class Finding:
    """`line` is that of the file, `column` the header as it stands there. `values` never hold anything personal."""

    code: str
    sheet: str = ""
    line: int | None = None
    column: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.code in WARNINGS else Severity.ERROR

    def message(self, messages: Messages, language: str) -> str:
        values = dict(self.values)
        near = values.get("near")
        shown = f"(是否想写“{near}”?)" if language == "zh-CN" else f" (did you mean {near}?)"
        values["hint"] = shown if near else ""
        return messages.render(self.code, language, values)


class UnreadableFile(GongzhiError):
    """The file as a whole cannot be read; `finding` says why."""

    def __init__(self, code: str, *, sheet: str = "", line: int | None = None, **values: Any) -> None:
        super().__init__(code)
        self.finding = Finding(code, sheet, line, None, values)


HEADERS = ("工作表 sheet", "行 line", "列 column", "级别 severity", "代码 code", "说明", "message")


def write_report(path: Path, findings: Iterable[Finding], messages: Messages) -> int:
    """Every finding as a line of a CSV that spreadsheets open (UTF-8 with BOM); how many."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for f in findings:
            writer.writerow(
                [
                    f.sheet,
                    f.line or "",
                    f.column or "",
                    f.severity.zh,
                    f.code,
                    f.message(messages, "zh-CN"),
                    f.message(messages, "en"),
                ]
            )
            count += 1
    return count
