"""Files the tests make: CSV and XLSX, clean and dirty, and id numbers that nobody has."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from core.data.bring import Import
from core.data.findings import Finding
from core.data.stage import Counts, Stage
from core.testing.kit import Neighbourhood

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def id_number(order: int, born: str = "19850412") -> str:
    """A well-formed id number of an invented person, in a district that does not exist (359999)."""
    body = f"359999{born}{order:03d}"
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


def credit_code(order: int) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = f"91359999MA2{order:06d}"
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(alphabet.index(c) * w for c, w in zip(body, weights, strict=True))
    return body + alphabet[(31 - total % 31) % 31]


def csv_file(path: Path, rows: Iterable[Sequence[Any]], encoding: str = "utf-8-sig", delimiter: str = ",") -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def workbook(
    path: Path,
    sheets: dict[str, Sequence[Sequence[Any]]],
    merged: dict[str, Sequence[str]] | None = None,
    hidden: Sequence[str] = (),
) -> Path:
    """What begins with = is written as text, as in a cell of that format."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        made = book.create_sheet(title)
        for row in rows:
            made.append(list(row))
            for cell in made[made.max_row]:
                if cell.data_type == "f":
                    cell.data_type = "s"
        made.sheet_state = "hidden" if title in hidden else "visible"
        for area in (merged or {}).get(title, ()):
            made.merge_cells(area)
    book.save(path)
    return path


def importing(n: Neighbourhood, path: Path, **more: Any) -> Import:
    given: dict[str, Any] = {"area": "haicang", "system": True, **more}
    return Import(n.server.runtime, n.server.host.sheets, path.parent / "spool", path, **given)


async def checked(n: Neighbourhood, path: Path, **more: Any) -> tuple[Counts, list[Finding]]:
    async with importing(n, path, **more).checked() as (stage, counts, _):
        return counts, list(stage.findings())


async def brought(n: Neighbourhood, path: Path, **more: Any) -> tuple[Counts, list[Finding], bool]:
    """Check and take in; what was counted and found, and whether it was taken in."""
    found: list[Finding] = []

    def told(stage: Stage, counts: Counts) -> None:
        found[:] = stage.findings()

    counts, done = await importing(n, path, **more).bring(told, file_name=path.name)
    return counts, found, done is not None


async def count(n: Neighbourhood, table: str, where: str = "1 = 1") -> int:
    return int((await n.server.runtime.database.read(f"SELECT count(*) FROM {table} WHERE {where}"))[0][0])
