"""Opening a spreadsheet: what it really is, whether it is safe to unfold, and its rows, one at a time."""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from core.data.findings import UnreadableFile
from core.data.sheets import Sheet, plain

MAX_FILE = 50_000_000
MAX_UNFOLDED = 600_000_000
MAX_HELD = 60_000_000  # what is not read row by row: texts, styles
MAX_RATIO = 200  # of a part above SMALL; a real sheet packs 5 to 30 times
SMALL = 5_000_000
MAX_PARTS = 2_000
MAX_ROWS = 200_000
MAX_COLUMNS = 100
MAX_SHEETS = 30
HEADER_WITHIN = 15  # lines, below titles and remarks
EXCEL_ROWS = 1_048_576
EPOCH = date(1899, 12, 30)
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')

Cells = Sequence[Any]


@dataclass(frozen=True)
class Merged:
    """Cells merged into one: first and last column (from 0) and line."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass
class Table:
    """One sheet of the file: its title, its lines as (number, cells), and what is merged in it. A hidden one is not read."""

    title: str
    lines: Iterator[tuple[int, Cells]]
    merged: list[Merged]
    epoch: date = EPOCH
    hidden: bool = False


@contextmanager
def tables(path: Path, sheets: Sequence[Sheet]) -> Iterator[Iterator[Table]]:
    """The tables of a CSV or XLSX file, to be read one after the other. Raises UnreadableFile."""
    size = path.stat().st_size
    if size == 0:
        raise UnreadableFile("FILE_EMPTY")
    if size > MAX_FILE:
        raise UnreadableFile("FILE_TOO_LARGE", limit=MAX_FILE // 1_000_000)
    with path.open("rb") as file:
        magic = file.read(8)
        if magic.startswith(b"PK\x03\x04"):
            yield _workbook(file)
        elif magic.startswith(b"\xd0\xcf\x11\xe0"):
            raise UnreadableFile("OLD_WORKBOOK")  # .xls, or an XLSX with a password
        elif magic.startswith(
            (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK", b"\x1f\x8b", b"Rar!", b"7z\xbc", b"MZ", b"\x7fELF")
        ):
            raise UnreadableFile("NOT_A_SPREADSHEET")
        else:
            yield iter([_csv(path, sheets)])


def check(path: Path) -> None:
    """Raises UnreadableFile for what is no spreadsheet, or is not safe to unfold; reads no row."""
    with tables(path, ()), path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            check_archive(file)
        else:
            _encoding(path)


# --- CSV --------------------------------------------------------------------------------------------------


def _csv(path: Path, sheets: Sequence[Sheet]) -> Table:
    encoding = _encoding(path)
    known = {h for sheet in sheets for h in sheet.by_header}
    best, delimiter = -1, ","
    for candidate in (",", ";", "\t"):
        with path.open(encoding=encoding, newline="") as file:
            try:
                rows = [
                    row for row, _ in zip(csv.reader(file, delimiter=candidate), range(HEADER_WITHIN), strict=False)
                ]
            except csv.Error:
                continue
        found = max((sum(plain(c) in known for c in row) for row in rows), default=0)
        if found > best:
            best, delimiter = found, candidate
    return Table("", _csv_lines(path, encoding, delimiter), [])


def _csv_lines(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, Cells]]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                large = "field limit" in str(error) or "field larger" in str(error)
                raise UnreadableFile(
                    "CELL_TOO_LARGE" if large else "BAD_CSV", line=line, limit=csv.field_size_limit()
                ) from None
            yield line, row


def _encoding(path: Path) -> str:
    """UTF-8 if all of it is, else GB18030; refuses BAD_ENCODING for what is neither, or is no text."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 20):
                    if "\x00" in decoder.decode(chunk):
                        raise UnreadableFile("NOT_A_SPREADSHEET")
                decoder.decode(b"", True)
            return encoding
        except UnicodeDecodeError:
            continue
    raise UnreadableFile("BAD_ENCODING")


# --- XLSX -------------------------------------------------------------------------------------------------


def check_archive(file: BinaryIO) -> None:
    """Refuse what is no workbook (NOT_A_SPREADSHEET, FILE_BROKEN) and what would unfold too far (FILE_UNFOLDS)."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            names = {p.filename for p in parts}
            if "[Content_Types].xml" not in names or not any(n.startswith("xl/") for n in names):
                raise UnreadableFile("NOT_A_SPREADSHEET")
            if len(parts) > MAX_PARTS or any(p.flag_bits & 1 for p in parts):
                raise UnreadableFile("FILE_BROKEN")
            unfolded = sum(p.file_size for p in parts)
            bombs = [p for p in parts if p.file_size > SMALL and p.file_size > MAX_RATIO * max(p.compress_size, 1)]
            held = sum(p.file_size for p in parts if not p.filename.startswith("xl/worksheets/"))
            if unfolded > MAX_UNFOLDED or held > MAX_HELD or bombs:
                raise UnreadableFile("FILE_UNFOLDS", limit=MAX_UNFOLDED // 1_000_000)
            for part in parts:
                # What the directory says of sizes may be a lie; zipfile never unfolds more than it says.
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as inside:
                        if b"<!DOCTYPE" in inside.read(2_000).replace(b"\x00", b""):
                            raise UnreadableFile("FILE_BROKEN")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError):
        raise UnreadableFile("FILE_BROKEN") from None
    finally:
        file.seek(0)


def _openpyxl() -> Any:
    """The library, loaded when a workbook comes, and kept from warning: its warnings repeat what stands in cells."""
    import openpyxl
    from openpyxl.reader import excel, workbook
    from openpyxl.styles import stylesheet
    from openpyxl.worksheet import _reader

    for module in (_reader, stylesheet, excel, workbook):
        if hasattr(module, "warn"):
            setattr(module, "warn", lambda *args, **kwargs: None)  # noqa: B010 (the stubs do not know it)
    return openpyxl


def _workbook(file: BinaryIO) -> Iterator[Table]:
    check_archive(file)
    try:
        book = _openpyxl().load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception:  # a damaged workbook fails in a hundred ways
        raise UnreadableFile("FILE_BROKEN") from None
    try:
        if len(book.worksheets) > MAX_SHEETS:
            raise UnreadableFile("TOO_MANY_SHEETS", limit=MAX_SHEETS)
        epoch = book.epoch.date() if hasattr(book.epoch, "date") else EPOCH
        for sheet in book.worksheets:
            if sheet.sheet_state != "visible":
                yield Table(sheet.title, iter(()), [], hidden=True)
                continue
            sheet.reset_dimensions()
            yield Table(sheet.title, _sheet_lines(sheet), list(_merged(file, sheet._worksheet_path)), epoch)
    finally:
        book.close()


def _sheet_lines(sheet: Any) -> Iterator[tuple[int, Cells]]:
    rows = iter(sheet.iter_rows(max_row=EXCEL_ROWS, max_col=MAX_COLUMNS + 1, values_only=True))
    line = 0
    while True:
        line += 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except Exception:
            raise UnreadableFile("FILE_BROKEN", sheet=sheet.title, line=line) from None
        yield line, row


def _merged(file: BinaryIO, part: str) -> Iterator[Merged]:
    """What a sheet merges stands behind its rows, where the streaming reader does not look."""
    with zipfile.ZipFile(file) as archive, archive.open(part.lstrip("/")) as inside:
        kept = b""
        while chunk := inside.read(1 << 20):
            text = kept + chunk
            if b"mergeCell" in text:
                for match in _MERGED.finditer(text):
                    yield Merged(_column(match[1]), int(match[2]), _column(match[3]), int(match[4]))
            kept = text[-200:].rpartition(b">")[2]


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
