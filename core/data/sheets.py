"""What a spreadsheet may hold, declared once: from it come the parser, the report, the template and the docs."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

from core.enums import Term
from core.models import Entity
from core.settings import Settings


class Kind(Enum):
    """How a cell is read; `en` and `zh` tell a clerk what to write."""

    TEXT = ("text", "文本")
    PERSON_NAME = ("a name", "姓名")
    CODE = ("an area code", "区域代码")
    AREA = ("code or name of an area", "区域代码或名称")
    NUMBER = ("your own number: letters, digits, - and /", "自编号:字母、数字、- 和 /")
    DATE = ("a date, such as 2024-03-05", "日期,如 2024-03-05")
    CHOICE = ("one of the terms", "从所列词语中选填")
    CREDIT_CODE = ("18 characters with a check character", "18 位,含校验码")
    ID_NUMBER = ("18 characters; checked, never kept", "18 位;仅校验,不保存")
    PHONE = ("a telephone number; compared, never kept", "电话号码;仅用于查重,不保存")
    REFERENCE = (
        "number, credit code or name; 陈伟@xishan names one in an area",
        "编号、信用代码或名称;同名时写作 陈伟@区域代码",
    )
    REFERENCES = ("several of them, with 、 between", "可填多个,以顿号分隔")

    def __init__(self, en: str, zh: str) -> None:
        self.en, self.zh = en, zh


NOT_KEPT = (Kind.ID_NUMBER, Kind.PHONE)


@dataclass(frozen=True)
class Column:
    """A column by its English name and Chinese header. `terms` are the words of a CHOICE; `to` the sheets a reference
    may lead to; a column with `kept=False` is read, reported once, and goes nowhere."""

    name: str
    en: str
    zh: str
    kind: Kind = Kind.TEXT
    aliases: tuple[str, ...] = ()
    required: bool = False
    example: str = ""
    terms: tuple[Term, ...] = ()
    synonyms: Mapping[str, Term] = field(default_factory=dict)
    to: tuple[str, ...] = ()
    limit: int = 200
    future: bool = False
    kept: bool = True

    @cached_property
    def vocabulary(self) -> dict[str, Term]:
        """Every accepted spelling of a CHOICE."""
        found = {plain(word): term for term in self.terms for word in (term.value, term.zh)}
        return found | {plain(word): term for word, term in self.synonyms.items()}

    def headers(self) -> Iterable[str]:
        return (self.name, self.en, self.zh, *self.aliases)


@dataclass
class Row:
    """A row whose cells are well: values by column, the ids of what it names (`targets`, by column) and the areas those
    are at home in. `register_id` is the area whose own numbers it counts by; `settings(model)` is what holds where it lies;
    `is_new(*values)` tells whether this is neither among what the sheet says there is `already` nor asked for before."""

    values: Mapping[str, Any]
    area_id: UUID
    id: UUID
    register_id: UUID | None
    targets: Mapping[str, tuple[UUID, ...]]
    homes: Mapping[UUID, UUID]
    today: date
    now: datetime
    settings: Callable[[type[Settings]], Any]
    is_new: Callable[..., bool]


@dataclass(frozen=True)
class Made:
    """What a row becomes: one event about its first row, and every row it speaks for; nothing where all of it is known.
    `notes` are findings about it, a column with a code and its values."""

    event: str
    area_id: UUID | None
    rows: Sequence[Entity]
    data: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[tuple[str, str, Mapping[str, Any]]] = ()


@dataclass(frozen=True)
class Sheet:
    """A kind of sheet. `make(row)` builds what a new row becomes, or refuses with a path that names the column.

    `known` selects what is there already, as `id, area_id, name, credit_code, since`; in it `t.:inside:` keeps the rows
    of table `t` to the areas of the import. Rows are the same when they have the same own
    number, or else the same credit code, or else the same name, area and day. `already` selects `id` and further columns
    likewise: what each `is_new` of a row is asked about.

    `homes` selects `actor_id, area_id` with `:now:`: who may become a resident of no other part of the tree, as the
    mechanism's guards have it.

    `doubts(values, today)` tells what contradicts itself in a row, as (column, code). `values` hold the columns that are
    not kept too, but of an id number only the birthday, and of a telephone number nothing.
    """

    name: str
    en: str
    zh: str
    permission: str
    columns: tuple[Column, ...]
    make: Callable[[Row], Made]
    known: str = ""
    aliases: tuple[str, ...] = ()
    plugin: str = "core"
    about: tuple[str, str] = ("", "")
    already: str = ""
    homes: str = ""
    doubts: Callable[[Mapping[str, Any], date], Iterable[tuple[str, str]]] = lambda values, today: ()

    @cached_property
    def by_header(self) -> dict[str, Column]:
        return {plain(h): c for c in self.columns for h in c.headers()}

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {c.name: c for c in self.columns}

    @cached_property
    def titles(self) -> frozenset[str]:
        return frozenset(plain(t) for t in (self.name, self.en, self.zh, *self.aliases))

    @property
    def has_area(self) -> bool:
        return "area" in self.by_name

    def match(self, headers: Sequence[str]) -> int:
        """How many columns these headers name; 0 when one that is required is not among them."""
        found = {self.by_header[h].name for h in headers if h in self.by_header}
        needed = {c.name for c in self.columns if c.required}
        return len(found) if needed <= found else 0


_ASIDE = re.compile(r"[(\[【<].*?[)\]】>]")


def plain(text: str) -> str:
    """A header, title or term without width, case, spaces, stars and remarks in brackets: ＊姓 名（必填） → 姓名."""
    flat = unicodedata.normalize("NFKC", text).casefold()
    flat = _ASIDE.sub("", flat) or flat
    return re.sub(r"[\s*_:\-/、.]+", "", flat)


def likely(word: str, known: Iterable[str]) -> str | None:
    """The word that was probably meant."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6 if len(word) > 3 else 0.5)
    return found[0] if found else None
