"""The rest days of a year that did not come with the server, entered when the State Council has published them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name
from core.settings.store import as_uuid
from core.work import Work
from plugins.disclosure.days import days_of
from plugins.disclosure.models import Notice, RestDays
from plugins.disclosure.rules.days_off import count_again
from plugins.disclosure.terms import RUNNING

AT_ONCE = 500  # the others are counted again when somebody objects, or when they would be closed


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
            await count_again(work, notice)
