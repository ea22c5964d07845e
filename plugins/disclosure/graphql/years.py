"""The year of an organization in three links, as the API shows it: a computed list of three rows, in one statement."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid5

import strawberry

from core.ids import from_global
from core.settings.store import as_instant
from plugins.disclosure import models
from plugins.disclosure.terms import Heading
from plugins.disclosure.year import YEAR_CHAIN
from schema.nodes.composed import Query, every
from schema.nodes.declare import Connection, Source, SourceArgument, column, computed, extend, node, python
from schema.nodes.expressions import Expr, RowOf
from schema.nodes.telling import public
from schema.scalars import Long


def _organization(value: str, context: Any) -> UUID:
    return from_global(value, "actor", "organizationId")


def _of_organization(bind: Callable[[Any, Any], Any]) -> SourceArgument:
    about = "Whose year: any actor that is not a person or household; of those there is none (主体)."
    return SourceArgument(strawberry.ID, bind, "uuid", "organizationId", about)


def _id_of(link: Heading) -> SourceArgument:
    """A row is known by its link and its organization."""
    return _of_organization(lambda value, context: uuid5(_organization(value, context), link.value))


def _of_year(bind: Callable[[int, Any], Any], sql_type: str) -> SourceArgument:
    return SourceArgument(int, bind, sql_type, "year", "The civil year (年度).")


def _on(month: int, day: int) -> SourceArgument:
    """A day of the year; of one that no calendar has, the nearest, in which nothing happened either."""
    return _of_year(lambda value, context: date(min(max(value, date.min.year), date.max.year), month, day), "date")


CHAIN = Source(
    YEAR_CHAIN,
    {
        "id": "uuid", "link": "text", "place": "int", "entries": "int", "first_at": "instant", "last_at": "instant",
        "amount": "long", "notices": "int", "clean": "int", "upheld": "int", "objections": "int",
    },
    {
        "organization": _of_organization(_organization),
        "rating": _id_of(Heading.RATING),
        "grant": _id_of(Heading.GRANT),
        "disclosure": _id_of(Heading.DISCLOSURE),
        "year": _of_year(lambda value, context: value, "int"),
        "first": _on(1, 1),
        "last": _on(12, 31),
        "now": _of_year(lambda value, context: context.now, "instant"),
        "root": _of_year(lambda value, context: context.root_area, "uuid"),
    },
)  # fmt: skip


def _day(values: dict[str, Any], facts: Any) -> date | None:
    at: datetime | None = as_instant(values["at"])
    return None if at is None else facts.kernel.clock.civil_date(at)


def _at(name: str) -> Callable[[RowOf], dict[str, Expr]]:
    return lambda t: {"at": getattr(t, name)}


@node(
    models.FileEntry,
    source=CHAIN,
    order="place",
    scope=public("What it sums up is public: yearly files, notices, and how many object to them."),
)
class DisclosureYearLink:
    """A link of the chain that an organization's year makes: 分类评定 (RATING), 以奖代补 with the money (GRANT), 宣传公示 with
    the stories (DISCLOSURE) (年度链条环节)."""

    link: Heading = column(filter=False)
    place: int = column(filter=False, order=True, description="Its place in the chain, from 1 (序号).")
    is_there: bool = computed(lambda t: t.entries > 0, description="Is there anything (是否有记录)?")
    entries: int = column(filter=False, description="Entries in the yearly file (档案条数).")
    first_day: date | None = python(
        _day, columns=_at("first_at"), settings=False, description="The civil day of the first of them (首日)."
    )
    last_day: date | None = python(
        _day, columns=_at("last_at"), settings=False, description="The civil day of the last of them (末日)."
    )
    amount: Long | None = column(
        filter=False, description="Sum of the amounts they name, in fen; null where none does (金额合计,分)."
    )
    notices: int | None = column(
        filter=False, description="Notices published in the year; null but in DISCLOSURE (公示份数)."
    )
    clean: int | None = column(filter=False, description="Of them, those that ended clean (期满无异议份数).")
    upheld: int | None = column(filter=False, description="Those that ended with an objection upheld (异议成立份数).")
    objections: int | None = column(filter=False, description="Objections to them, confidential ones too (异议数).")


@extend(Query)
class YearQuery:
    disclosure_year_chain: Connection[DisclosureYearLink] = every(
        description="An organization's year as the chain 分类评定 + 以奖代补 + 宣传公示, in this order (年度链条)."
    )
