"""Cells as clerks type them, made into values. A refusal here never repeats what stood in the cell."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from typing import Any

from core.data.sheets import Column, Kind, likely, plain
from core.errors import Refusal
from core.id_numbers import DIGITS, FIRST, LAST, born, has_birthday, has_id_number, is_id_number
from core.rules.areas import clean_code
from core.rules.inputs import clean_credit_code, clean_name, has_mobile

LONGEST = 4_000
EXACT = 10**15  # a spreadsheet keeps 15 digits of a number

_WIDE: dict[int, int | None] = {
    code: code - 0xFEE0
    for r in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
    for code in range(r[0], r[1] + 1)
}
_WIDE |= {0x3000: 0x20, 0xA0: 0x20} | dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD))
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_NUMBER = re.compile(r"[A-Za-z0-9\u3400-\u9fff][A-Za-z0-9\u3400-\u9fff/#.-]{0,63}")
_SHORT = re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}|\d{2}年.*|\d{6}")
_PART = re.compile(r"\d{4}(?:[-/.]\d{1,2}|年(?:\d{1,2}月)?)?|\d{1,2}月\d{1,2}[日号]?")
_TIME = r"\s*(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)"
_LONG = (
    re.compile(rf"(\d{{4}})[-/.](\d{{1,2}})[-/.](\d{{1,2}})(?:(?=[ T])T?{_TIME})?"),
    re.compile(rf"(\d{{4}})年(\d{{1,2}})月(\d{{1,2}})(?:[日号](?:{_TIME})?)?"),
    re.compile(r"(\d{4})(\d{2})(\d{2})"),
)
_POWER = re.compile(r"-?\d(?:\.\d+)?[Ee]\+\d{1,3}")
_ODD = re.compile(r"[=+*＊\ufffd锟]")
_SEVERAL = re.compile(r"[、，；;]|(?<=[\u3400-\u9fff]),")
_NOTHING = {
    "无", "/", "//", "\\", "-", "--", "—", "——", "－", "?", "？", "暂无", "没有", "不详", "未知", "不清楚", "待定", "待补", "待填",
    "空", "N/A", "n/a", "NA", "NULL", "null", "None", "none",
}  # fmt: skip
_DITTO = {"同上", "同前", "如上", "同左", "〃", "″", '"', "”", "＂", "''", "ditto"}


def tidy(value: Any) -> str:
    """The text of a cell: full-width letters, digits and spaces made narrow, invisible marks gone. Other full-width
    signs stay, because the name of a company has them. Refuses DATE_IN_TEXT, DIGITS_LOST, CELL_BOOLEAN,
    CELL_TOO_LARGE."""
    if value is None:
        return ""
    if isinstance(value, bool):
        raise Refusal("CELL_BOOLEAN")
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
    if column.kind is Kind.DATE and not isinstance(raw, (str, bool)) and raw is not None:
        found: Any = _date(raw, epoch)
    else:
        text = tidy(raw)
        if text.startswith("#") and text in _ERRORS:
            raise Refusal("CELL_ERROR")
        if not text:
            if column.required:
                raise Refusal("VALUE_MISSING")
            return None
        _refuse_no_value(column, raw, text)
        _refuse_personal(column, text)
        found = _READ[column.kind](column, text) if column.kind is not Kind.DATE else _date(text, epoch)
    if isinstance(found, date):
        if not FIRST <= found <= LAST:
            raise Refusal("DATE_OUT_OF_RANGE", first=FIRST.year, last=LAST.year)
        if not column.future and found > today:
            raise Refusal("IN_THE_FUTURE")
    if column.kind is Kind.ID_NUMBER and born(found) > today:
        raise Refusal("ID_NUMBER_BIRTHDAY")
    return found


_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}


def _refuse_no_value(column: Column, raw: Any, text: str) -> None:
    """Refuses what stands in place of a value: FORMULA_TEXT, TEXT_GARBLED, NUMBER_SHORTENED, PLACEHOLDER, DITTO,
    VALUE_MASKED."""
    if len(text) <= 5 and text in _NOTHING and plain(text) not in column.vocabulary:
        raise Refusal("PLACEHOLDER")
    if len(text) <= 5 and text in _DITTO:
        raise Refusal("DITTO")
    if not _ODD.search(text):
        return
    if text.startswith("=") and str(raw).lstrip().startswith("="):
        raise Refusal("FORMULA_TEXT")
    if "\ufffd" in text or "锟斤拷" in text:
        raise Refusal("TEXT_GARBLED")
    if _POWER.fullmatch(text):
        raise Refusal("NUMBER_SHORTENED")
    if column.kind in (Kind.PERSON_NAME, Kind.ID_NUMBER, Kind.PHONE) and ("*" in text or "＊" in text):
        raise Refusal("VALUE_MASKED")


def _refuse_personal(column: Column, text: str) -> None:
    """Refuses ID_NUMBER_MISPLACED, also for one with a slip in it, and PHONE_MISPLACED for a mobile number."""
    if len(text) < 11 or column.kind is Kind.ID_NUMBER or sum(c.isdigit() for c in text) < 11:
        return
    if has_id_number(text, strict=column.kind is Kind.CREDIT_CODE):
        raise Refusal("ID_NUMBER_MISPLACED")
    if column.kind not in (Kind.PHONE, Kind.DATE, Kind.CREDIT_CODE) and has_mobile(text):
        raise Refusal("PHONE_MISPLACED")


def _text(column: Column, text: str) -> str:
    return (
        clean_name(text, limit=column.limit)
        if column.limit <= 200
        else clean_name(text.replace("\n", " "), limit=column.limit)
    )


def _person(column: Column, text: str) -> str:
    name = clean_name(_HAN_GAP.sub("", text), limit=column.limit)
    if _SEVERAL.search(name):
        raise Refusal("SEVERAL_IN_ONE")
    if not any(c.isalpha() for c in name):
        raise Refusal("BAD_NAME")
    return name


def _reference(column: Column, text: str) -> str:
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
    code = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(code) != 18:
        raise Refusal("CREDIT_CODE_LENGTH", length=len(code))
    if not set(code).isdisjoint("IOSVZ"):
        raise Refusal("CREDIT_CODE_LETTER")
    found = clean_credit_code(code)
    assert found is not None
    return found


def _id_number(column: Column, text: str) -> str:
    number = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if len(number) != 18:
        raise Refusal("ID_NUMBER_LENGTH", length=len(number))
    if not number.isascii() or not DIGITS.fullmatch(number):
        raise Refusal("BAD_ID_NUMBER")
    if not has_birthday(number):
        raise Refusal("ID_NUMBER_BIRTHDAY")
    if not is_id_number(number):
        raise Refusal("ID_NUMBER_CHECK")
    return number


def _phone(column: Column, text: str) -> str:
    number = re.sub(r"[\s()-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"\+?\d+", number):
        raise Refusal("SEVERAL_IN_ONE" if re.fullmatch(r"\d{7,}(?:[/、,;]\d{7,})+", number) else "BAD_PHONE")
    length = len(number.lstrip("+"))
    if not 7 <= length <= 15 or (re.match(r"1[3-9]\d{7}", number) and length != 11):
        raise Refusal("PHONE_LENGTH", length=length)
    return number


def _references(column: Column, text: str) -> list[str]:
    parts = [p.strip() for p in re.split("[、,;\uff0c\uff1b\n]", text)]
    return [_HAN_GAP.sub("", clean_name(p)) for p in parts if p]


_READ = {
    Kind.TEXT: _text, Kind.PERSON_NAME: _person, Kind.CODE: _code, Kind.AREA: _text, Kind.NUMBER: _number,
    Kind.CHOICE: _choice, Kind.CREDIT_CODE: _credit, Kind.ID_NUMBER: _id_number, Kind.PHONE: _phone,
    Kind.REFERENCE: _reference, Kind.REFERENCES: _references,
}  # fmt: skip


def _date(value: Any, epoch: date) -> date:
    """A day: a date cell, 2024-3-5, 2024/03/05, 2024年3月5日, 20240305, or a spreadsheet's day number of five digits.
    A time of day behind it is left out.

    Refuses AMBIGUOUS_DATE for what may be read in two ways (03/05/2024, 24-3-5), DATE_INCOMPLETE for a day without year
    or a month without day, NO_SUCH_DATE for 2023-02-30, BAD_DATE for everything else.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refusal("BAD_DATE")
    text = _date_text(value)
    if re.fullmatch(r"\d{5}", text):
        return epoch + timedelta(days=int(text))
    for form in _LONG:
        match = form.fullmatch(text)
        if match:
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                raise Refusal("NO_SUCH_DATE") from None
    if _PART.fullmatch(text):
        raise Refusal("DATE_INCOMPLETE")
    raise Refusal("AMBIGUOUS_DATE" if _SHORT.fullmatch(text) else "BAD_DATE")


def _date_text(value: Any) -> str:
    return re.sub(r"\s*([-/.年月日])\s*", r"\1", unicodedata.normalize("NFKC", str(value)).strip())


def has_time(raw: Any) -> bool:
    """Does a cell that is read as a day tell more than the day?"""
    if isinstance(raw, datetime):
        return raw.time() != time()
    if not isinstance(raw, str) or (":" not in raw and "：" not in raw):
        return False
    text = _date_text(tidy(raw))
    match = next((m for form in _LONG[:2] if (m := form.fullmatch(text))), None)
    return match is not None and bool(match["time"].strip("0:."))


def quotable(text: str) -> str:
    """What a report may repeat of a code, header or title: short, and without telephone or id numbers."""
    flat = unicodedata.normalize("NFKC", text)
    return re.sub(r"(?:\d[\s-]?){10,}[\dXx]", "…", flat)[:40]


def code_like(text: str) -> str:
    """The text if it may be a code; a name that slipped into the column is not repeated."""
    return quotable(text) if text.isascii() else "…"
