"""Cells as clerks type them, made into values. A refusal here never repeats what stood in the cell."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

from core.data.sheets import Column, Kind, likely, plain
from core.errors import Refusal
from core.rules.areas import clean_code
from core.rules.inputs import clean_credit_code, clean_name

LONGEST = 4_000
EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
FIRST, LAST = date(1850, 1, 1), date(2200, 1, 1)

_WIDE: dict[int, int | None] = {
    code: code - 0xFEE0
    for r in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
    for code in range(r[0], r[1] + 1)
}
_WIDE |= {0x3000: 0x20, 0xA0: 0x20} | dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD))
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_NUMBER = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff/#.-]{0,63}")
_DIGITS = re.compile(r"\d{17}[\dXx]")
_SHORT = re.compile(
    r"\d{1,2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{1,2}月\d{1,2}日?|\d{2}年.*|\d{6}"
)
_LONG = (
    re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?"),
    re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})[日号]?"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)


def tidy(value: Any) -> str:
    """The text of a cell: full-width letters, digits and spaces made narrow, invisible marks gone. Other full-width
    signs stay, because the name of a company has them. Refuses DATE_IN_TEXT, DIGITS_LOST, CELL_ERROR, CELL_TOO_LARGE."""
    if value is None:
        return ""
    if isinstance(value, bool):
        raise Refusal("CELL_ERROR")
    if isinstance(value, (datetime, date, time, timedelta)):
        raise Refusal("DATE_IN_TEXT")
    if isinstance(value, (int, float)):
        if abs(value) >= EXACT:
            raise Refusal("DIGITS_LOST")
        return str(int(value)) if float(value).is_integer() else repr(value)
    text = str(value)
    if len(text) > LONGEST:
        raise Refusal("CELL_TOO_LARGE", limit=LONGEST)
    if text[:1] == "'" and text[1:2] in GUARDED:
        text = text[1:]
    if not text.isascii():
        text = text.translate(_WIDE)
    return text.strip()


# What a spreadsheet would take for a formula; our own exports put an apostrophe before it.
GUARDED = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


def read_cell(column: Column, raw: Any, *, today: date, epoch: date) -> Any:
    """The value of a cell, or None for an empty one; refuses with a code and values that are safe to show."""
    if column.kind is Kind.DATE and not isinstance(raw, str) and raw is not None:
        found: Any = _date(raw, epoch)
    else:
        text = tidy(raw)
        if text.startswith("#") and text in _ERRORS:
            raise Refusal("CELL_ERROR")
        if not text:
            if column.required:
                raise Refusal("VALUE_MISSING")
            return None
        if column.kind is not Kind.ID_NUMBER and has_id_number(text):
            raise Refusal("ID_NUMBER_MISPLACED")
        found = _READ[column.kind](column, text) if column.kind is not Kind.DATE else _date(text, epoch)
    if isinstance(found, date):
        if not FIRST <= found <= LAST:
            raise Refusal("BAD_DATE")
        if not column.future and found > today:
            raise Refusal("IN_THE_FUTURE")
    return found


_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"}


def _text(column: Column, text: str) -> str:
    return (
        clean_name(text, limit=column.limit)
        if column.limit <= 200
        else clean_name(text.replace("\n", " "), limit=column.limit)
    )


def _person(column: Column, text: str) -> str:
    return clean_name(_HAN_GAP.sub("", text), limit=column.limit)


def _code(column: Column, text: str) -> str:
    code = unicodedata.normalize("NFKC", text).strip().lower()
    try:
        return clean_code(code)
    except Refusal:
        raise Refusal("BAD_AREA_CODE", value=code_like(code)) from None


def _number(column: Column, text: str) -> str:
    number = unicodedata.normalize("NFKC", text).strip()
    if not _NUMBER.fullmatch(number):
        raise Refusal("BAD_NUMBER")
    return number


def _choice(column: Column, text: str) -> str:
    found = column.vocabulary.get(plain(text))
    if found is None:
        near = likely(plain(text), column.vocabulary)
        term = column.vocabulary[near].zh if near else None
        raise Refusal("BAD_CHOICE", allowed="、".join(t.zh for t in column.terms), near=term)
    return str(found)


def _credit(column: Column, text: str) -> str:
    found = clean_credit_code(re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)))
    assert found is not None
    return found


def _id_number(column: Column, text: str) -> str:
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not is_id_number(number):
        raise Refusal("BAD_ID_NUMBER")
    return number


def _phone(column: Column, text: str) -> str:
    number = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"\+?\d{7,15}", number):
        raise Refusal("BAD_PHONE")
    return number


def _references(column: Column, text: str) -> list[str]:
    parts = [p.strip() for p in re.split("[、,;\uff0c\uff1b\n]", text)]
    return [_HAN_GAP.sub("", clean_name(p)) for p in dict.fromkeys(parts) if p]


_READ = {
    Kind.TEXT: _text, Kind.PERSON_NAME: _person, Kind.CODE: _code, Kind.AREA: _text, Kind.NUMBER: _number,
    Kind.CHOICE: _choice, Kind.CREDIT_CODE: _credit, Kind.ID_NUMBER: _id_number, Kind.PHONE: _phone,
    Kind.REFERENCE: _person, Kind.REFERENCES: _references,
}  # fmt: skip


def _date(value: Any, epoch: date) -> date:
    """A day: a date cell, 2024-3-5, 2024/03/05, 2024年3月5日, 20240305, or a spreadsheet's day number of five digits.

    Refuses AMBIGUOUS_DATE for what may be read in two ways (03/05/2024, 24-3-5), BAD_DATE for everything else.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refusal("BAD_DATE")
    text = re.sub(r"\s*([-/.年月日])\s*", r"\1", unicodedata.normalize("NFKC", str(value)).strip())
    if re.fullmatch(r"\d{5}", text):
        return epoch + timedelta(days=int(text))
    for form in _LONG:
        match = form.fullmatch(text)
        if match:
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                raise Refusal("BAD_DATE") from None
    raise Refusal("AMBIGUOUS_DATE" if _SHORT.fullmatch(text) else "BAD_DATE")


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_id_number(number: str) -> bool:
    """A citizen's number with its birthday and check character (GB 11643-1999)."""
    if not _DIGITS.fullmatch(number) or not number.isascii():
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return FIRST <= born <= LAST and "10X98765432"[total % 11] == number[17].upper()


def has_id_number(text: str) -> bool:
    """Does a citizen's number stand somewhere in this text?"""
    if sum(c.isdigit() for c in text) < 17:
        return False
    flat = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    return any(is_id_number(flat[m.start() : m.start() + 18]) for m in re.finditer(r"(?=\d{17}[\dXx])", flat))


def quotable(text: str) -> str:
    """What a report may repeat of a code, header or title: short, and without telephone or id numbers."""
    flat = unicodedata.normalize("NFKC", text)
    return re.sub(r"(?:\d[\s-]?){10,}[\dXx]", "…", flat)[:40]


def code_like(text: str) -> str:
    """The text if it may be a code; a name that slipped into the column is not repeated."""
    return quotable(text) if text.isascii() else "…"
