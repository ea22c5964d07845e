"""The time as the server sees it: settable in tests, instants in whole milliseconds, one civil zone."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.errors import Refusal

DEFAULT_ZONE = "Asia/Shanghai"
_PERIOD = re.compile(r"(\d{4})(?:-(?:(H[12])|(Q[1-4])|(\d{2})))?")


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last one there is."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def to_millisecond(moment: datetime) -> datetime:
    """Instants are stored to the millisecond: what the API shows is what a cursor compares."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


class Clock:
    """`now()` is an aware UTC instant; `today()` is the civil date in the deployment's zone."""

    def __init__(self, zone: str = DEFAULT_ZONE) -> None:
        self.zone = ZoneInfo(zone)
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        now = self._fixed or datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def today(self) -> date:
        return self.civil_date(self.now())

    def civil_date(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        """The instant at which a civil day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def end_of(self, day: date) -> datetime:
        """The instant at which a civil day is over."""
        return self.start_of(day + timedelta(days=1))

    def set(self, moment: datetime) -> None:
        """Stand still at `moment` (tests and rehearsals)."""
        self._fixed = to_millisecond(moment)

    def run(self) -> None:
        """Follow the machine's time again."""
        self._fixed = None

    def advance(self, step: timedelta) -> None:
        """Move a standing clock; a running one starts standing from now."""
        self.set(self.now() + step)

    def period(self, text: str) -> tuple[datetime, datetime]:
        """Start and end instants of `2026`, `2026-H1`, `2026-Q3` or `2026-07`, in civil time.

        Refuses `BAD_PERIOD` for anything else.
        """
        match = _PERIOD.fullmatch(text)
        if match is None:
            raise Refusal("BAD_PERIOD", value=text[:20])
        year = int(match[1])
        if match[2]:
            first, months = (int(match[2][1]) - 1) * 6 + 1, 6
        elif match[3]:
            first, months = (int(match[3][1]) - 1) * 3 + 1, 3
        elif match[4]:
            first, months = int(match[4]), 1
        else:
            first, months = 1, 12
        if not 1 <= first <= 12 or not 1850 < year < 3000:
            raise Refusal("BAD_PERIOD", value=text[:20])
        end = first + months
        start_day = date(year, first, 1)
        end_day = date(year + 1, 1, 1) if end > 12 else date(year, end, 1)
        return self.start_of(start_day), self.start_of(end_day)
