"""Tables as files, row by row: XLSX, CSV or JSON; in the first two nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from core.data.values import GUARDED
from core.enums import ExportFormat

LONGEST = 32_767


class Writer(Protocol):
    def row(self, cells: Sequence[Any]) -> None: ...


def guarded(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, made plain by an apostrophe in front."""
    return "'" + value if isinstance(value, str) and value[:1] in GUARDED and value else value


class _Csv:
    def __init__(self, path: Path) -> None:
        self.file = path.open("w", encoding="utf-8-sig", newline="")
        self.writer = csv.writer(self.file)

    def row(self, cells: Sequence[Any]) -> None:
        self.writer.writerow(["" if c is None else guarded(c) for c in cells])

    def close(self) -> None:
        self.file.close()


class _Json:
    """A list of objects, whose keys are the first row."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.keys: list[str] | None = None
        self.count = 0

    def row(self, cells: Sequence[Any]) -> None:
        if self.keys is None:
            self.keys = [str(cell) for cell in cells]
            return
        self.file.write(b",\n" if self.count else b"[\n")
        self.file.write(orjson.dumps(dict(zip(self.keys, cells, strict=True)), default=str))
        self.count += 1

    def close(self) -> None:
        self.file.write(b"\n]\n" if self.count else b"[]\n")
        self.file.close()


class _Xlsx:
    """Texts are written as texts, whatever they begin with; rows go to a temporary file as they come."""

    def __init__(self, path: Path, title: str) -> None:
        from openpyxl import Workbook

        self.path = path
        self.book = Workbook(write_only=True)
        self.sheet = self.book.create_sheet(title[:31] or "Sheet")

    def row(self, cells: Sequence[Any]) -> None:
        from openpyxl.cell import WriteOnlyCell
        from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

        made = []
        for value in cells:
            if isinstance(value, str):
                text = ILLEGAL_CHARACTERS_RE.sub("", value)[:LONGEST]
                cell = WriteOnlyCell(self.sheet, guarded(text))
                cell.data_type = "s"
                made.append(cell)
            else:
                made.append(value)
        self.sheet.append(made)

    def close(self) -> None:
        self.book.save(self.path)


@contextmanager
def writing(path: Path, format: ExportFormat, title: str) -> Iterator[Writer]:
    made: _Csv | _Json | _Xlsx
    if format is ExportFormat.XLSX:
        made = _Xlsx(path, title)
    else:
        made = _Csv(path) if format is ExportFormat.CSV else _Json(path)
    try:
        yield made
    finally:
        made.close()
