"""Since when somebody lives somewhere without a break, against a day-by-day walk, for random stays."""

from __future__ import annotations

import random
from datetime import date, timedelta

from plugins.new_residents.eligibility import Stay, unbroken_since

TODAY = date(2026, 6, 1)


def walked(stays: list[Stay], gap: int) -> date | None:
    """Day by day backwards from today; more than `gap` days elsewhere end it. A stay's last day counts."""
    here = any(s.since <= TODAY and (s.until is None or s.until >= TODAY) for s in stays)
    if not here:
        return None
    day, first, away = TODAY, TODAY, 0
    while away <= gap and day > TODAY - timedelta(days=400):
        lived = any(s.since <= day and (s.until is None or s.until >= day) for s in stays)
        first, away = (day, 0) if lived else (first, away + 1)
        day -= timedelta(days=1)
    return first


def test_it_is_the_first_day_of_the_stays_that_join() -> None:
    chance, seen = random.Random(31), set()
    for _ in range(3000):
        stays = []
        for _ in range(chance.randrange(5)):
            since = TODAY - timedelta(days=chance.randrange(-5, 120))
            until = None if chance.random() < 0.3 else since + timedelta(days=chance.randrange(60))
            stays.append(Stay(since, until))
        gap = chance.randrange(8)
        found = unbroken_since(stays, TODAY, gap)
        assert found == walked(stays, gap), (stays, gap)
        seen.add(found)
    assert len(seen) > 100
