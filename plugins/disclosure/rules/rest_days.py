"""The rest days of a year that did not come with the server, entered when the State Council has published them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name
from core.settings.store import as_uuid
from core.work import Work
from plugins.disclosure.days import days_of
from plugins.disclosure.models import Notice, RestDays
from plugins.disclosure.rules.common import about, sealed
from plugins.disclosure.rules.days_off import made_good
from plugins.disclosure.rules.windows import calendar
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import RUNNING, RecordKind

AT_ONCE = 500  # running notices looked at again


async def set_rest_days(
    work: Work, *, area_id: UUID, year: int, rest: Sequence[str], working: Sequence[str], source: str
) -> RestDays:
    """Enter, or correct, the arrangement of a year for an area and below. Notices that run on a last day which was not
    certain end later if that makes it later, never earlier (INV9). Refuses BAD_REST_DAYS."""
    area = await work.get(Area, area_id)
    work.require("disclosure.rest_days.set", area)
    values = {
        "rest": _days(year, rest, "rest"),
        "work": _days(year, working, "work"),
        "source": clean_name(source, "source"),
    }
    if days_of(json.loads(values["rest"])) & days_of(json.loads(values["work"])):
        raise Refusal("BAD_REST_DAYS", path=("work",), year=year)
    made = await work.find(RestDays, area_id=area_id, year=year)
    if made is None:
        made = work.add(RestDays(id=new_id(), area_id=area_id, year=year, **values))
    else:
        work.change(made, **values)
    work.record("disclosure.rest_days.set", made, area_id=area_id, data={"year": year})
    await work.flush_now()
    await _look_again(work, area_id)
    return made


def _days(year: int, spans: Sequence[str], path: str) -> str:
    try:
        found = days_of([s.strip() for s in spans])
    except ValueError:
        raise Refusal("BAD_REST_DAYS", path=(path,), year=year) from None
    if not 2000 <= year <= 2200 or any(day.year != year for day in found) or len(spans) > 100:
        raise Refusal("BAD_REST_DAYS", path=(path,), year=year)
    return json.dumps([s.strip() for s in spans])


async def _look_again(work: Work, area_id: UUID) -> None:
    rows = await work.rows(
        "SELECT n.id AS id FROM disclosure_notice n JOIN core_area_closure c ON c.descendant_id = n.area_id"
        " AND c.until IS NULL WHERE c.ancestor_id = {} AND n.last_day_is_known = {}"
        f" AND n.state IN ('PUBLISHED', 'OBJECTED', 'RESOLVED') ORDER BY n.id LIMIT {AT_ONCE}",
        area_id, False,
    )  # fmt: skip
    for row in rows:
        notice = await work.lock(Notice, as_uuid(row["id"]))
        if notice.state in RUNNING and not notice.last_day_is_known and "disclosure" in work.place(notice).plugins:
            await _settle(work, notice)


async def _settle(work: Work, notice: Notice) -> None:
    assert notice.from_day is not None and notice.last_day is not None
    settings = await work.settings(DisclosureSettings, notice)
    year, off = await calendar(work, notice.area_id), await made_good(work, notice)
    end = year.end(notice.from_day, notice.days, notice.day_kind, on_working_day=settings.ends_on_working_day, off=off)
    last: date = max(end.day, notice.last_day)
    if last > notice.last_day:
        work.change(notice, last_day=last, last_day_is_known=end.is_known)
        await sealed(work, RecordKind.PROLONGED, notice, last=last.isoformat(), days=notice.days)
        data = {**about(notice), "lastDay": last.isoformat()}
        work.record("disclosure.notice.prolonged", notice, area_id=notice.area_id, data=data)
    elif end.is_known:
        work.change(notice, last_day_is_known=True)
        work.record("disclosure.notice.prolonged", notice, area_id=notice.area_id, data=about(notice))
