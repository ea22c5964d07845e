"""Finding things by name: how a name is folded, which rows a name is found by, and what a query looks for in them.

陈明远 is found by 陈明, 明远, 陳明遠, `chenming`, `cmy`, `chenmy`, 陈my and `c明远`. Folding looks at one character at a time,
so that a part of a name folds to a part of the folded name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from opencc import OpenCC
from pypinyin import lazy_pinyin
from pypinyin.constants import PHRASES_DICT

from core.errors import Refusal
from core.models import Entity
from core.models.search import LONGEST

SHORTEST = 2  # one character finds half a town
RAW_LONGEST = 200  # of what is typed, before it is folded
END = "\U0010ffff"  # sorts behind every character, by code point and by byte

_simplify = OpenCC("t2s")
_PHRASE = max(map(len, PHRASES_DICT))

# Surnames that are read otherwise than the character mostly is.
SURNAMES = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "区": "ou", "查": "zha", "任": "ren", "朴": "piao", "翟": "zhai",
    "盖": "ge", "员": "yun", "缪": "miao", "召": "shao", "乐": "yue", "繁": "po", "秘": "bi", "折": "she", "黑": "he",
    "洗": "xian", "隗": "wei", "种": "chong", "祭": "zhai", "覃": "qin", "宿": "su", "句": "gou", "应": "ying", "燕": "yan",
    "万俟": "mo qi", "尉迟": "yu chi", "单于": "chan yu", "长孙": "zhang sun", "澹台": "tan tai",
}  # fmt: skip


@lru_cache(20_000)
def _fold_character(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character.replace("ü", "v").replace("Ü", "v")).casefold()
    return "".join(_simplify.convert(c) for c in plain if unicodedata.category(c)[0] in "LN")


def fold(text: str) -> str:
    """A name as it is compared: simplified, half-width, lower case, without spaces, signs and accents (绿地-03 → 绿地03)."""
    return "".join(_fold_character(c) for c in text)


def syllables(folded: str) -> list[str]:
    """The reading of each character; what has none stands for itself."""
    ends = range(2, min(len(folded), _PHRASE) + 1)
    if any(folded[i : i + n] in PHRASES_DICT for n in ends for i in range(len(folded) - n + 1)):
        return list(lazy_pinyin(folded, errors=list))  # type: ignore[arg-type]
    return [_syllable(c) for c in folded]  # no phrase says otherwise: twenty times faster


@lru_cache(20_000)
def _syllable(character: str) -> str:
    return str(lazy_pinyin(character)[0])


def _readings(folded: str) -> list[list[str]]:
    """The usual reading of a name, and that of its surname if it is another."""
    usual = syllables(folded)
    surname = SURNAMES.get(folded[:2], SURNAMES.get(folded[:1], "")).split()
    other = [*surname, *usual[len(surname) :]]
    return [usual] if other == usual else [usual, other]


class Term(NamedTuple):
    """A row of `core_search_term` without its entry."""

    position: int
    text: str
    pinyin: str | None
    initials: str | None
    mixed: str | None


def terms(name: str) -> list[Term]:
    """The rows a name is found by; none for a name without a letter or figure."""
    folded = fold(name)
    usual, *others = _readings(folded)
    found = [_term(folded, usual, position) for position in range(len(folded))]
    return found + [_term(folded, other, 0) for other in others]


def _term(folded: str, reading: Sequence[str], position: int) -> Term:
    text, spoken = folded[position : position + LONGEST], reading[position : position + LONGEST]
    if text == "".join(spoken):
        return Term(position, text, None, None, None)
    initials = "".join(_initials(text, spoken))
    mixed = spoken[0] + initials[1:] if position == 0 and len(initials) > 1 else None
    return Term(position, text, "".join(spoken)[:LONGEST], initials, mixed and mixed[:LONGEST])


def _initials(text: str, spoken: Iterable[str]) -> Iterator[str]:
    return (s if c.isascii() else s[:1] for c, s in zip(text, spoken, strict=True))


@dataclass(frozen=True)
class Query:
    """What a search looks for: beginnings of each column, None where the column cannot match; `written` must be in it."""

    text: str
    pinyin: str | None = None
    initials: str | None = None
    written: str = ""

    @classmethod
    def of(cls, typed: str) -> Query:
        """Refuses SEARCH_TOO_SHORT and SEARCH_TOO_LONG, by the characters that count."""
        if len(typed) > RAW_LONGEST:
            raise Refusal("SEARCH_TOO_LONG", path=("query",), limit=LONGEST, length=len(typed))
        text = fold(typed)
        if len(text) < SHORTEST:
            raise Refusal("SEARCH_TOO_SHORT", path=("query",), minimum=SHORTEST)
        if len(text) > LONGEST:
            raise Refusal("SEARCH_TOO_LONG", path=("query",), limit=LONGEST, length=len(text))
        if not any(c.isascii() and c.isalpha() for c in text):
            return cls(text)
        spoken = syllables(text)
        runs = ["".join(run) for latin, run in groupby(text, str.isascii) if not latin]
        return cls(
            text, "".join(spoken)[:LONGEST], "".join(_initials(text, spoken))[:LONGEST], max(runs, key=len, default="")
        )


def kind_of(row: Entity) -> str:
    """An actor's kind, or what else it is: PERSON, ENTERPRISE, AREA, ADOPTION_ASSET."""
    return str(getattr(row, "kind", row.tag)) if row.tag == "actor" else row.tag.upper()


def searchable_name(row: Entity) -> str | None:
    """The name a row is found by; None for one that is not to be found (any more)."""
    column = type(row).searchable
    return None if column is None or getattr(row, "gone_at", None) is not None else getattr(row, column)


def is_renamed(row: Entity, changed: Iterable[str]) -> bool:
    """Does a change of these columns move what the row is found by?"""
    column = type(row).searchable
    return column is not None and bool({column, "area_id", "gone_at"} & set(changed))


ENTRY = ("id", "subject_tag", "kind", "plugin", "title", "area_id")
TERM = ("entry_id", *Term._fields)


def entry_of(row: Entity, plugin: str) -> tuple[tuple[Any, ...], list[tuple[Any, ...]]] | None:
    """What is written for a row: of `core_search_entry` and, for each term, of `core_search_term`; None for one that is
    not to be found. Plain values, because an import writes them by the hundred thousand."""
    name = searchable_name(row)
    if name is None:
        return None
    area_id = row.id if row.tag == "area" else getattr(row, "area_id", None)
    return (row.id, row.tag, kind_of(row), plugin, name, area_id), [(row.id, *term) for term in terms(name)]
