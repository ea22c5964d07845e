"""Scalars of the API: Long (whole numbers to 2⁵³−1), Instant, and JSON for event data."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from core.clock import to_millisecond

LARGEST = 2**53 - 1
FIRST_YEAR, LAST_YEAR = 1850, 3000  # both databases order and show these alike
Long = NewType("Long", int)
JSON = NewType("JSON", object)


def parse_long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise ValueError("a whole number of at most 2^53 - 1 is expected")
    return value


def parse_instant(value: Any) -> datetime:
    """ISO 8601 with an offset; kept to the millisecond, in UTC."""
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("an instant such as 2026-07-01T08:00:00+08:00 is expected")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("an instant such as 2026-07-01T08:00:00+08:00 is expected") from None
    if moment.tzinfo is None:
        raise ValueError("the instant needs an offset, such as +08:00 or Z")
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ValueError(f"an instant between {FIRST_YEAR} and {LAST_YEAR} is expected")
    try:
        return to_millisecond(moment)
    except OverflowError:
        raise ValueError("the instant is out of range") from None


def show_instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"


def parse_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date such as 2026-07-01 is expected") from None
    if not FIRST_YEAR < day.year < LAST_YEAR:
        raise ValueError(f"a date between {FIRST_YEAR} and {LAST_YEAR} is expected")
    return day


SCALARS: dict[object, ScalarDefinition] = {
    Long: strawberry.scalar(
        name="Long",
        description="A whole number, |n| ≤ 2⁵³−1 (整数).",
        serialize=int,
        parse_value=parse_long,
    ),
    datetime: strawberry.scalar(
        name="Instant",
        description="A moment in UTC, ISO 8601 to the millisecond, `2026-07-01T00:00:00.000Z` (时刻).",
        serialize=show_instant,
        parse_value=parse_instant,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A civil date, `2026-07-01` (日期).",
        serialize=lambda value: value.isoformat(),
        parse_value=parse_date,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Ids and codes that came with an event (事件数据).",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}
