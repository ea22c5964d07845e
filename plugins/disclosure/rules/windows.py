"""How long a notice stands: what the community asks at least, what a notice asks for, and the last day as a date."""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.errors import Refusal
from core.work import Work
from plugins.disclosure.days import Calendar, End, Year, days_of
from plugins.disclosure.models import Notice
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import DayKind

LONGEST = 366


@dataclass(frozen=True)
class Window:
    """So many days of a kind, counted from the day after `first`."""

    first: date
    days: int
    kind: DayKind
    end: End


async def calendar(work: Work, area_id: UUID) -> Calendar:
    """The rest days that hold in an area: what came with the server, and what it or an area above has entered since."""
    rows = await work.rows(
        "SELECT y.year AS year, y.rest AS rest, y.work AS work, y.source AS source FROM disclosure_rest_days y"
        " JOIN core_area_closure c ON c.ancestor_id = y.area_id AND c.until IS NULL"
        " WHERE c.descendant_id = {} ORDER BY c.depth DESC",
        area_id,
    )
    own = {r["year"]: Year(days_of(json.loads(r["rest"])), days_of(json.loads(r["work"])), r["source"]) for r in rows}
    return Calendar.with_years(own)


def least(settings: DisclosureSettings, year: Calendar, first: date) -> Window:
    """The shortest window a community allows from a day on: the later of its two rules."""
    both = [(settings.notice_days, DayKind.CALENDAR)]
    if settings.notice_working_days:
        both.append((settings.notice_working_days, DayKind.WORKING))
    ends = [
        Window(first, days, kind, year.end(first, days, kind, on_working_day=settings.ends_on_working_day))
        for days, kind in both
    ]
    return max(ends, key=lambda w: (w.end.day, w.kind is DayKind.WORKING))


async def window(
    work: Work,
    settings: DisclosureSettings,
    area_id: UUID,
    days: int | None,
    kind: DayKind | None,
    *,
    refuses: bool = True,
) -> Window:
    """The window of a notice that is published today; the shortest one allowed, if it does not refuse a shorter one.

    Refuses BAD_WINDOW, WINDOW_TOO_SHORT.
    """
    year, first = await calendar(work, area_id), work.recorded_on
    shortest = least(settings, year, first)
    if days is None:
        return shortest
    kind = kind or DayKind.CALENDAR
    if not 1 <= days <= LONGEST:
        raise Refusal("BAD_WINDOW", path=("days",), limit=LONGEST)
    asked = Window(first, days, kind, year.end(first, days, kind, on_working_day=settings.ends_on_working_day))
    if asked.end.day < shortest.end.day:
        if not refuses:
            return shortest
        raise Refusal("WINDOW_TOO_SHORT", path=("days",), until=shortest.end.day.isoformat())
    return asked


async def not_shorter(
    work: Work, settings: DisclosureSettings, asked: Window, before: Notice, *, is_explicit: bool
) -> Window:
    """INV9: who takes the place of a notice stands as long as that was to stand, counted anew. Refuses WINDOW_SHORTENED."""
    assert before.last_day is not None
    year = await calendar(work, before.area_id)
    again = Window(
        asked.first,
        before.days,
        before.day_kind,
        year.end(asked.first, before.days, before.day_kind, on_working_day=settings.ends_on_working_day),
    )
    until = max(before.last_day, again.end.day)
    if asked.end.day >= until:
        return asked
    if is_explicit:
        raise Refusal("WINDOW_SHORTENED", path=("days",), until=until.isoformat())
    if again.end.day >= until:
        return again
    return Window(asked.first, (until - asked.first).days, DayKind.CALENDAR, End(until, before.last_day_is_known))


def answer_by(filed: date, days: int, until: date, off: Set[date]) -> date:
    """The last day to answer an objection: so many days after it was filed, not counting those off, and never beyond the
    window's end."""
    return min(until, Calendar({}).end(filed, days, DayKind.CALENDAR, off=off).day)


__all__ = ["LONGEST", "Window", "answer_by", "calendar", "least", "not_shorter", "window"]
