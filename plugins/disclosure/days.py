"""Working days as the State Council says them, year by year (`calendar/<year>.toml`): 法定节假日与调休.

A year whose arrangement is not there yet is counted by weekdays, and whoever asks is told so.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from plugins.disclosure.terms import DayKind

FOLDER = Path(__file__).parent / "calendar"
SATURDAY = 5


@dataclass(frozen=True)
class Year:
    """Days off that would be working days, or fall on a weekend; and weekends that are worked (调休)."""

    rest: frozenset[date]
    work: frozenset[date]
    source: str


@dataclass(frozen=True)
class End:
    """The last day of a window; `is_known` unless it rests on a year whose arrangement is not published."""

    day: date
    is_known: bool


def days_of(spans: list[str]) -> frozenset[date]:
    """`2026-05-01` and `2026-05-01..2026-05-05`; ValueError for anything else."""
    found: set[date] = set()
    for span in spans:
        first, _, last = span.partition("..")
        day, end = date.fromisoformat(first), date.fromisoformat(last or first)
        if not 0 <= (end - day).days <= 31:
            raise ValueError(span)
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return frozenset(found)


@cache
def published() -> Mapping[int, Year]:
    """The years that come with the plugin."""
    found = {}
    for path in sorted(FOLDER.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        found[int(path.stem)] = Year(days_of(data["rest"]), days_of(data["work"]), data["source"])
    return found


@dataclass(frozen=True)
class Calendar:
    """What is known of rest days, the years of an area put before those that come with the plugin."""

    years: Mapping[int, Year]

    @classmethod
    def with_years(cls, own: Mapping[int, Year]) -> Calendar:
        return cls({**published(), **own})

    def is_working(self, day: date) -> bool:
        year = self.years.get(day.year)
        if year is not None and (day in year.rest or day in year.work):
            return day in year.work
        return day.weekday() < SATURDAY

    def end(
        self, first: date, days: int, kind: DayKind, *, on_working_day: bool = False, off: Set[date] = frozenset()
    ) -> End:
        """The last of so many days after `first`, which itself does not count (《民法典》第二百零一条), nor do those `off`."""
        day, left = first, days
        while left > 0:
            day += timedelta(days=1)
            left -= day not in off and (kind is DayKind.CALENDAR or self.is_working(day))
        while on_working_day and not self.is_working(day):
            day += timedelta(days=1)
        known = all(year in self.years for year in range(first.year, day.year + 1))
        return End(day, known or not (kind is DayKind.WORKING or on_working_day))
