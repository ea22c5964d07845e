"""Service points (新厦门人服务综合体): where they are, what they do, and when they are open, in civil time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name, needed, optional_text
from core.work import Work
from plugins.new_residents.models import ServicePoint
from plugins.new_residents.terms import ServicePointState

MANAGE = "new_residents.point.manage"
SERVICES, PERIODS, CLOSURES = 40, 28, 60


@dataclass(frozen=True)
class Opening:
    """Open on a day of the week (1 is Monday) from one minute of the day to another."""

    weekday: int
    opens: str
    closes: str


@dataclass(frozen=True)
class Details:
    """What is told of a point; None leaves it as it is."""

    name: str | None = None
    address: str | None = None
    phone: str | None = None
    services: Sequence[str] | None = None
    hours: Sequence[Opening] | None = None
    closures: Sequence[date] | None = None


def _minute(text: str, *path: str) -> str:
    try:
        return time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        raise Refusal("BAD_OPENING_HOURS", path=path) from None


def _hours(hours: Sequence[Opening]) -> str:
    """Periods in order, of one day without overlap; refuses BAD_OPENING_HOURS."""
    if len(hours) > PERIODS:
        raise Refusal("BAD_OPENING_HOURS", path=("hours",))
    found = []
    for number, period in enumerate(hours):
        path = ("hours", str(number))
        opens, closes = _minute(period.opens, *path), _minute(period.closes, *path)
        if not 1 <= period.weekday <= 7 or opens >= closes:
            raise Refusal("BAD_OPENING_HOURS", path=path)
        found.append((period.weekday, opens, closes))
    found.sort()
    for before, after in pairwise(found):
        if before[0] == after[0] and before[2] > after[1]:
            raise Refusal("BAD_OPENING_HOURS", path=("hours",))
    return json.dumps(found)


def _columns(details: Details) -> dict[str, object]:
    values: dict[str, object] = {}
    if details.name is not None:
        values["name"] = clean_name(details.name, "name")
    if details.address is not None:
        values["address"] = clean_name(details.address, "address")
    if details.phone is not None:
        values["phone"] = optional_text(details.phone, "phone", limit=20)
    if details.services is not None:
        if len(details.services) > SERVICES:
            raise Refusal("TOO_MANY_SERVICES", path=("services",), limit=SERVICES)
        cleaned = [clean_name(s, "services", str(n)) for n, s in enumerate(details.services)]
        values["services"] = json.dumps(cleaned, ensure_ascii=False)
    if details.hours is not None:
        values["hours"] = _hours(details.hours)
    if details.closures is not None:
        if len(details.closures) > CLOSURES:
            raise Refusal("BAD_OPENING_HOURS", path=("closures",))
        values["closures"] = json.dumps(sorted({day.isoformat() for day in details.closures}))
    return values


def is_open(hours: str, closures: str, at: datetime) -> bool:
    """At this civil moment, by what is stored."""
    if at.date().isoformat() in json.loads(closures):
        return False
    minute = at.strftime("%H:%M")
    return any(day == at.isoweekday() and opens <= minute < closes for day, opens, closes in json.loads(hours))


async def open_point(work: Work, *, area_id: UUID, details: Details) -> ServicePoint:
    """Refuses POINT_EXISTS, BAD_OPENING_HOURS, TOO_MANY_SERVICES, EMPTY_TEXT."""
    area = await work.get(Area, area_id)
    work.require(MANAGE, area)
    point = ServicePoint(
        id=new_id(), area_id=area_id, state=ServicePointState.OPEN,
        **{"services": "[]", "hours": "[]", "closures": "[]", **_columns(details)},
    )  # fmt: skip
    work.add(point)
    work.record("new_residents.point.opened", point, area_id=area_id)
    return point


async def update_point(work: Work, *, point_id: UUID, details: Details) -> ServicePoint:
    """Refuses POINT_CLOSED, and what opening one refuses."""
    point = await _there(work, point_id)
    values = _columns(details)
    work.change(point, **values)
    work.record("new_residents.point.updated", point, area_id=point.area_id, data={"columns": [*values]})
    return point


async def close_point(work: Work, *, point_id: UUID, reason: str) -> ServicePoint:
    """For good. Refuses POINT_CLOSED."""
    point = await _there(work, point_id)
    work.change(point, state=ServicePointState.CLOSED)
    work.record("new_residents.point.closed", point, area_id=point.area_id, text={"reason": needed(reason, "reason")})
    return point


async def _there(work: Work, point_id: UUID) -> ServicePoint:
    point = await work.lock(ServicePoint, point_id)
    work.require(MANAGE, point)
    work.expect_version(point)
    if point.state is not ServicePointState.OPEN:
        raise Refusal("POINT_CLOSED")
    return point
