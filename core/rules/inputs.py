"""Checks on what people type, before a rule looks at it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

from pypinyin import lazy_pinyin

from core.errors import Refusal
from core.id_numbers import has_id_number

NAME_LENGTH = 200
TEXT_LENGTH = 10_000
EVIDENCE = 10
_MOBILE = re.compile(r"(?<![\dA-Za-z])(?:\+?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}(?![\dA-Za-z])")


def clean_name(value: str, *path: str, limit: int = NAME_LENGTH) -> str:
    """A one-line text, trimmed and in normal form; refuses EMPTY_TEXT, TEXT_TOO_LONG or BAD_TEXT."""
    text = clean_text(value, *path, limit=limit)
    if "\n" in text or "\r" in text:
        raise Refusal("BAD_TEXT", path=path)
    return text


def clean_text(value: str, *path: str, limit: int = TEXT_LENGTH) -> str:
    """A text without control characters, trimmed and in normal form; refuses ID_NUMBER_MISPLACED too, because id numbers
    are never kept."""
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        raise Refusal("EMPTY_TEXT", path=path)
    if len(text) > limit:
        raise Refusal("TEXT_TOO_LONG", path=path, limit=limit, length=len(text))
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in text):
        raise Refusal("BAD_TEXT", path=path)
    if has_id_number(text):
        raise Refusal("ID_NUMBER_MISPLACED", path=path)
    return text


def has_mobile(text: str) -> bool:
    """Does a mobile number stand somewhere in this text?"""
    return _MOBILE.search(unicodedata.normalize("NFKC", text)) is not None


def optional_text(value: str | None, *path: str, limit: int = TEXT_LENGTH) -> str | None:
    return None if value is None or not value.strip() else clean_text(value, *path, limit=limit)


def needed(value: str | None, *path: str, limit: int = 2000) -> str:
    """A text people can read, say a reason; refuses what `clean_text` does."""
    return clean_text(value or "", *path, limit=limit)


def evidence_text(evidence: Sequence[str], path: str = "evidence", *, is_needed: bool = False) -> str:
    """At most ten references (texts or addresses) as they are stored, in JSON; refuses TOO_MUCH_EVIDENCE, EVIDENCE_NEEDED
    and what `clean_text` does."""
    if is_needed and not evidence:
        raise Refusal("EVIDENCE_NEEDED", path=(path,))
    if len(evidence) > EVIDENCE:
        raise Refusal("TOO_MUCH_EVIDENCE", path=(path,), limit=EVIDENCE)
    return json.dumps([clean_text(e, path, str(n), limit=500) for n, e in enumerate(evidence)], ensure_ascii=False)


def mask_name(name: str) -> str:
    """陈伟明 → 陈*明, 陈伟 → 陈*, Wang Fang → W*******g: enough to recognise oneself, not to look anyone up."""
    if len(name) <= 2:
        return name[:1] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def sort_name(name: str) -> str:
    """Pinyin in lower case, so that both databases sort names alike."""
    return " ".join(lazy_pinyin(name)).lower()[:400]


_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


def clean_credit_code(value: str | None, *path: str) -> str | None:
    """A unified social credit code with its check character (GB 32100-2015); refuses BAD_CREDIT_CODE."""
    if value is None or not value.strip():
        return None
    code = value.strip().upper()
    if len(code) != 18 or any(c not in _CREDIT_ALPHABET for c in code):
        raise Refusal("BAD_CREDIT_CODE", path=path)
    total = sum(_CREDIT_ALPHABET.index(c) * w for c, w in zip(code, _CREDIT_WEIGHTS, strict=False))
    if _CREDIT_ALPHABET[(31 - total % 31) % 31] != code[17]:
        raise Refusal("BAD_CREDIT_CODE", path=path)
    return code
