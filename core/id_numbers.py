"""Citizens' numbers (公民身份号码, GB 11643-1999): checked where they may stand, refused where they would be kept."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

FIRST, LAST = date(1850, 1, 1), date(2200, 1, 1)
DIGITS = re.compile(r"\d{17}[\dXx]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_id_number(number: str) -> bool:
    """A citizen's number with its birthday and check character (GB 11643-1999)."""
    if not DIGITS.fullmatch(number) or not number.isascii() or not has_birthday(number):
        return False
    total = sum(int(d) * w for d, w in zip(number, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == number[17].upper()


def born(number: str) -> date:
    """The birthday in a citizen's number; raises ValueError for a day that does not exist."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def has_birthday(number: str) -> bool:
    try:
        return FIRST <= born(number) <= LAST
    except ValueError:
        return False


def has_id_number(text: str, *, strict: bool = True) -> bool:
    """Does a citizen's number stand somewhere in this text? Unless `strict`, also one whose check character is wrong."""
    if sum(c.isdigit() for c in text) < 17:
        return False
    flat = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not strict and any(has_birthday(m[0]) for m in re.finditer(r"(?<!\d)[1-8]\d{16}[\dXx](?!\d)", flat)):
        return True
    return any(is_id_number(flat[m.start() : m.start() + 18]) for m in re.finditer(r"(?=\d{17}[\dXx])", flat))
