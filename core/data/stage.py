"""A spreadsheet on its way in: its rows go to a file of their own, are checked there as sets, and become what is written.

The spool is a private SQLite file that is deleted at the end, so memory does not grow with rows. Id and telephone
numbers come into it only as digests under a key that dies with the import. What will be written lies in tables named
and encoded as SQLite's own; `made` numbers the sheets' new rows, in the order they are written in.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from core.data.findings import Finding, UnreadableFile
from core.data.read import HEADER_WITHIN, MAX_COLUMNS, MAX_ROWS, Cells, Merged, Table, tables
from core.data.sheets import NOT_KEPT, Column, Kind, Sheet, likely, plain
from core.data.values import has_time, quotable, read_cell, tidy
from core.enums import Severity
from core.errors import Refusal
from core.id_numbers import born
from core.ids import new_id
from core.models import Entity

SPOOL = """
CREATE TABLE row (id INTEGER PRIMARY KEY, t INT, sheet TEXT, line INT, bad INT DEFAULT 0, number TEXT, name TEXT,
  area TEXT, area_id TEXT, credit TEXT, since TEXT, cells TEXT, target TEXT, known INT DEFAULT 0, by_name INT DEFAULT 0,
  rank INT DEFAULT 0);
CREATE TABLE ref (row INT, head TEXT, name TEXT, text TEXT, at TEXT, sheets TEXT, target TEXT, n INT DEFAULT 0);
CREATE TABLE secret (row INT, head TEXT, what TEXT, digest BLOB);
CREATE TABLE thing (id TEXT PRIMARY KEY, sheet TEXT, name TEXT, area_id TEXT, credit TEXT, since TEXT, row INT);
CREATE TABLE number (sheet TEXT, number TEXT, id TEXT);
CREATE TABLE link (actor TEXT, whole TEXT, role TEXT, row INT, PRIMARY KEY (actor, whole, role));
CREATE TABLE home (actor TEXT, area TEXT, PRIMARY KEY (actor, area));
CREATE TABLE already (sheet TEXT, what TEXT, PRIMARY KEY (sheet, what));
CREATE TABLE finding (id INTEGER PRIMARY KEY, t INT, line INT, head TEXT, code TEXT, given TEXT);
CREATE TABLE core_event (made INTEGER PRIMARY KEY, id, type, plugin, area_id, subject_tag, subject_id, data);
CREATE TABLE core_transition (made INT, id, event_id, subject_tag, subject_id, to_state);
"""
INDEXES = """
CREATE INDEX row_sheet ON row (sheet, number); CREATE INDEX row_name ON row (name, area_id);
CREATE INDEX row_target ON row (target); CREATE INDEX row_credit ON row (credit);
CREATE INDEX ref_row ON ref (row); CREATE INDEX secret_digest ON secret (what, digest);
"""
KNOWN_INDEXES = """
CREATE INDEX thing_name ON thing (name, area_id); CREATE INDEX thing_credit ON thing (credit);
CREATE INDEX number_number ON number (number);
"""
BATCH = 2_000
LINE_NUMBERS = ("序号", "行号")  # of a printed list; nobody's own number


@dataclass(frozen=True)
class AreaFact:
    """An area as the import sees it: `chain` from the root down, itself included; `kind` its level; `new` when the file
    makes it."""

    id: UUID
    code: str
    name: str
    chain: tuple[UUID, ...]
    kind: str
    new: bool = False


@dataclass(frozen=True)
class Seen:
    """A table of the file whose rows are understood: its title and the headers as they stand there."""

    title: str
    sheet: Sheet
    heads: dict[str, str]


@dataclass
class Counts:
    rows: int = 0
    new: int = 0
    known: int = 0
    bad: int = 0
    errors: int = 0
    warnings: int = 0


class Stage:
    """One import under way. `read`, then `core.data.facts.gather`, then `settle`; `close` deletes the spool."""

    def __init__(self, folder: Path, sheets: Sequence[Sheet], *, today: date, now: datetime) -> None:
        self.sheets = list(sheets)
        self.today, self.now = today, now
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{new_id()}.spool"
        self.path.touch(0o600)
        self.db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self.db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-24000; PRAGMA temp_store=FILE;" + SPOOL
        )
        self.seen: list[Seen] = [Seen("", Sheet("", "", "", "", (), _nothing), {})]
        self.areas: dict[UUID, AreaFact] = {}
        self.top: AreaFact | None = None
        self.codes: dict[str, UUID] = {}
        self.on: dict[str, set[UUID]] = {}
        self.made: set[type[Entity]] = set()  # what there are rows of to be written
        self._key = secrets.token_bytes(32)
        self._rows: list[tuple[Any, ...]] = []
        self._refs: list[tuple[Any, ...]] = []
        self._secrets: list[tuple[Any, ...]] = []
        self._findings: list[tuple[Any, ...]] = []
        self._count = 0

    def close(self) -> None:
        self.db.close()
        self.path.unlink(missing_ok=True)

    # --- findings ----------------------------------------------------------------------------------------

    def find(self, code: str, t: int = 0, at: int | None = None, head: str | None = None, **values: Any) -> None:
        self._findings.append((t, at, head, code, json.dumps(values, ensure_ascii=False)))
        if len(self._findings) >= BATCH:
            self._flush()

    def findings(self) -> Iterator[Finding]:
        """In the order of the file."""
        self._flush()
        for t, line, head, code, given in self.db.execute(
            "SELECT t, line, head, code, given FROM finding ORDER BY t, line IS NULL DESC, line, id"
        ):
            yield Finding(code, self.seen[t].title, line, head, json.loads(given))

    def counts(self) -> Counts:
        self._flush()
        one = self.db.execute("SELECT count(*), sum(known AND NOT bad), sum(bad) FROM row").fetchone()
        found = Counts(one[0], 0, one[1] or 0, one[2] or 0)
        found.new = self.db.execute("SELECT count(*) FROM core_event").fetchone()[0]
        for finding, count in self.db.execute("SELECT code, count(*) FROM finding GROUP BY code"):
            if Finding(finding).severity.value == "ERROR":
                found.errors += count
            else:
                found.warnings += count
        return found

    def _flush(self) -> None:
        put = self.db.executemany
        alone = not self.db.in_transaction
        if alone:
            self.db.execute("BEGIN")
        put(
            "INSERT INTO row (id, t, sheet, line, bad, number, name, area, credit, since, cells) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
            self._rows,
        )
        put("INSERT INTO ref (row, head, name, text, at, sheets) VALUES (?,?,?,?,?,?)", self._refs)
        put("INSERT INTO secret VALUES (?,?,?,?)", self._secrets)
        put("INSERT INTO finding (t, line, head, code, given) VALUES (?,?,?,?,?)", self._findings)
        if alone:
            self.db.execute("COMMIT")
        self._rows, self._refs, self._secrets, self._findings = [], [], [], []

    # --- reading the file --------------------------------------------------------------------------------

    def read(self, path: Path, only: str | None = None, progress: Callable[[int], None] = lambda rows: None) -> None:
        """Every row into the spool. What is wrong with the file as a whole is a finding like any other."""
        try:
            with tables(path, self.sheets) as found:
                some = False
                for table in found:
                    some = self._table(table, only, progress) or some
                if not some and not self._any_error():
                    self.find("NO_SHEET", known="、".join(s.zh for s in self.sheets))
        except UnreadableFile as error:
            f = error.finding
            t = next((i for i, s in enumerate(self.seen) if i and s.title == f.sheet), 0)
            self.find(f.code, t, f.line, None, **f.values)
        self._flush()
        self.db.executescript(INDEXES)

    def _any_error(self) -> bool:
        return any(f.severity.value == "ERROR" for f in self.findings())

    def _table(self, table: Table, only: str | None, progress: Callable[[int], None]) -> bool:
        if table.hidden:
            if any(plain(table.title) in s.titles for s in self.sheets):
                self.seen.append(Seen(quotable(table.title), self.seen[0].sheet, {}))
                self.find("HIDDEN_SHEET", len(self.seen) - 1)
            return False
        lines = iter(table.lines)
        first = list(islice(lines, HEADER_WITHIN))
        if not any(_filled(cells) for _, cells in first):
            return False
        title = quotable(table.title)
        named = [s for s in self.sheets if plain(table.title) in s.titles] if table.title else []
        wanted = [s for s in self.sheets if s.name == only] if only else named
        heads = _unmerged(first, table.merged)
        where, sheet, unclear = _header(heads, wanted, self.sheets)
        t = len(self.seen)
        if sheet is None:
            self.seen.append(Seen(title, self.seen[0].sheet, {}))
            if unclear:
                self.find("SHEET_UNCLEAR", t, sheets="、".join(s.zh for s in unclear))
            elif wanted or not table.title:
                self.find(
                    "NO_HEADER", t, columns="、".join(c.zh for s in wanted[:1] for c in s.columns if c.required) or "…"
                )
            else:
                near = likely(plain(table.title), {x for s in self.sheets for x in s.titles})
                meant = next((s.zh for s in self.sheets if near in s.titles), None)
                self.find("UNKNOWN_SHEET", t, title=title, near=meant)
            return False
        line, header = heads[where]
        columns = self._columns(t, title, sheet, line, header)
        for merged in table.merged:
            if merged.bottom > line:
                self.find(
                    "MERGED_CELLS", t, merged.top, _text(header, merged.left), rows=merged.bottom - merged.top + 1
                )
        if any(c.required and c.name not in self.seen[t].heads for c in sheet.columns):
            return True  # that is told once; its rows would only say it again
        shown = [plain(_text(header, i)) for i in range(len(header))]
        unnamed = [i for i, head in enumerate(shown[:MAX_COLUMNS]) if not head]
        told: set[int] = set()
        for number, cells in chain(first[where + 1 :], lines):
            if len(cells) > MAX_COLUMNS and _filled(cells[MAX_COLUMNS:]):
                self.find("TOO_MANY_COLUMNS", t, number, None, limit=MAX_COLUMNS)
                break
            if not _filled(cells):
                continue
            flat = [plain(_text(cells, i)) for i in range(len(cells))]
            if flat == shown:
                continue  # the header again on a new printed page
            if _TOTAL.fullmatch(next((f for f in flat if f), "")):
                self.find("TOTAL_LINE", t, number)
                continue
            for i in (*unnamed, *range(len(header), min(len(cells), MAX_COLUMNS))):
                if i not in told and _filled(cells[i : i + 1]):
                    told.add(i)
                    self.find("COLUMN_UNNAMED", t, number, _letter(i))
            if self._count >= MAX_ROWS:
                self.find("TOO_MANY_ROWS", t, number, None, limit=MAX_ROWS)
                break
            self._row(t, sheet, columns, number, cells, table.epoch)
            if self._count % BATCH == 0:
                self._flush()
                progress(self._count)
        return True

    def _columns(self, t: int, title: str, sheet: Sheet, line: int, header: Cells) -> dict[int, Column]:
        found: dict[int, Column] = {}
        heads: dict[str, str] = {}
        self.seen.append(Seen(title, sheet, heads))
        if len(header) > MAX_COLUMNS and _filled(header[MAX_COLUMNS:]):
            self.find("TOO_MANY_COLUMNS", t, line, None, limit=MAX_COLUMNS)
        for position in range(min(len(header), MAX_COLUMNS)):
            text = _text(header, position)
            column = sheet.by_header.get(plain(text))
            head = quotable(text)
            if not text or plain(text) in LINE_NUMBERS:
                continue
            if column is None:
                near = likely(plain(text), sheet.by_header)
                missing = near and sheet.by_header[near].name not in heads
                self.find("UNKNOWN_COLUMN", t, line, head, near=sheet.by_header[near].zh if near and missing else None)
            elif column.name in heads:
                self.find("COLUMN_TWICE", t, line, head, other=heads[column.name])
            else:
                heads[column.name], found[position] = head, column
                if not column.kept:
                    self.find("COLUMN_NOT_KEPT", t, line, head)
        for column in sheet.columns:
            if column.required and column.name not in heads:
                self.find("COLUMN_MISSING", t, line, column.zh, near=None)
        return found

    def _row(self, t: int, sheet: Sheet, columns: dict[int, Column], line: int, cells: Cells, epoch: date) -> None:
        self._count += 1
        id, bad = self._count, 0
        values: dict[str, Any] = {}
        told: dict[str, Any] = {}
        for position, column in columns.items():
            raw = cells[position] if position < len(cells) else None
            try:
                value = read_cell(column, raw, today=self.today, epoch=epoch)
            except Refusal as refusal:
                bad = 1
                self.find(refusal.code, t, line, self.seen[t].heads[column.name], **refusal.values)
                continue
            if value is None:
                continue
            head = self.seen[t].heads[column.name]
            if column.kind is Kind.DATE and has_time(raw):
                self.find("TIME_IN_DATE", t, line, head)
            if column.kind is not Kind.PHONE:
                told[column.name] = born(value) if column.kind is Kind.ID_NUMBER else value
            if column.kind in NOT_KEPT:
                self._secret(id, head, column.kind, value, values.get("name"))
            elif column.kept:
                values[column.name] = value
                if column.kind in (Kind.REFERENCE, Kind.REFERENCES):
                    for text in [value] if isinstance(value, str) else value:
                        name, _, at = text.partition("@")
                        self._refs.append((id, head, column.name, name, at or None, f",{','.join(column.to)},"))
        for name, code in sheet.doubts(told, self.today):
            bad = 1 if Finding(code).severity is Severity.ERROR else bad
            self.find(code, t, line, self.seen[t].heads.get(name))
        since = values.get("since")
        kept = {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}
        self._rows.append(
            (id, t, sheet.name, line, bad, values.get("number"), values.get("name"), values.get("area") or values.get("parent"),
             values.get("credit_code"), since.isoformat() if since else None, json.dumps(kept, ensure_ascii=False))
        )  # fmt: skip

    def _secret(self, row: int, head: str, kind: Kind, value: str, name: str | None) -> None:
        text = value if kind is Kind.ID_NUMBER else f"{name} {value[-4:]}"
        digest = hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest()
        self._secrets.append((row, head, kind.name, digest))


def _nothing(row: Any) -> Any:
    raise AssertionError("a table that was not understood has no rows")


def _filled(cells: Iterable[Any]) -> bool:
    return any(c is not None and (not isinstance(c, str) or c.strip()) for c in cells)


def _text(cells: Cells, position: int) -> str:
    try:
        return tidy(cells[position]) if position < len(cells) else ""
    except Refusal:
        return ""


_TOTAL = re.compile(r"(?:合计|总计|小计|共计|总数|subtotal|total)[\d共人户个家条]*")


def _letter(position: int) -> str:
    """The name of a column as spreadsheets show it."""
    letters, rest = "", position + 1
    while rest:
        rest, place = divmod(rest - 1, 26)
        letters = chr(65 + place) + letters
    return letters


def _unmerged(first: list[tuple[int, Cells]], merged: Sequence[Merged]) -> list[tuple[int, Cells]]:
    """The first lines with what is merged downwards in each of its lines, as in a header of two lines."""
    lines = {number: list(cells) for number, cells in first}
    for m in merged:
        if m.top in lines and m.bottom in lines and m.left < len(lines[m.top]):
            for number in range(m.top + 1, m.bottom + 1):
                cells = lines[number]
                cells.extend([None] * (m.left + 1 - len(cells)))
                cells[m.left] = lines[m.top][m.left]
    return list(lines.items())


def _header(
    first: list[tuple[int, Cells]], wanted: list[Sheet], sheets: list[Sheet]
) -> tuple[int, Sheet | None, list[Sheet]]:
    """Which of the first lines names the columns, and of which sheet: the one wanted, or the only one that fits."""
    lines = [[plain(_text(cells, i)) for i in range(min(len(cells), MAX_COLUMNS))] for _, cells in first]
    if wanted:
        scores = [(sum(h in wanted[0].by_header for h in line), -n) for n, line in enumerate(lines)]
        best, where = max(scores)
        return (-where, wanted[0], []) if best >= min(2, len(wanted[0].columns)) else (0, None, [])
    fits = [(sheet.match(line), -n, sheet) for n, line in enumerate(lines) for sheet in sheets]
    best = max((score for score, _, _ in fits), default=0)
    if best == 0:
        return 0, None, []
    found = {s.name: (n, s) for score, n, s in fits if score == best}
    if len(found) > 1:
        return 0, None, [s for _, s in found.values()]
    where, sheet = next(iter(found.values()))
    return -where, sheet, []
