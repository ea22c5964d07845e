"""Days on which nobody could object, because disclosure was off where a notice stands: made good, day for day (INV9). Nor
could anybody answer then: who answers an objection has as many days more.

When it was off is read from the event log (`core.pauses`). A day counts as off if a part of it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from core.events import EventRecord
from core.pauses import pauses
from core.settings.store import as_uuid
from core.work import Work
from plugins.disclosure.days import End
from plugins.disclosure.models import Notice, Objection, Record
from plugins.disclosure.rules.common import about, sealed
from plugins.disclosure.rules.windows import answer_by, calendar
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import RUNNING, DayKind, ObjectionState, RecordKind

PLUGIN = "disclosure"
_RUNNING = """SELECT n.id AS id, n.area_id AS area_id FROM disclosure_notice n
    JOIN core_plugin_area p ON p.plugin = 'disclosure' AND p.area_id = n.area_id AND (p.until IS NULL OR p.until > {})
    WHERE n.state IN ('PUBLISHED', 'OBJECTED', 'RESOLVED')"""
_BELOW = """ AND n.area_id IN (SELECT c.descendant_id FROM core_area_closure c WHERE c.until IS NULL
    AND c.ancestor_id = {})"""
AT_ONCE = 300  # the others are seen to when somebody objects, or when they would be closed


@dataclass(frozen=True)
class Owed:
    """Where a window ends once the days off are made good, and those days."""

    end: End
    days: tuple[date, ...]


async def off_days(work: Work, area_id: UUID, since: datetime) -> frozenset[date]:
    """The civil days, from an instant to now, of which disclosure was off in an area for a part or the whole."""
    found: set[date] = set()
    for begin, end in await pauses(work, PLUGIN, area_id, since):
        found |= _days(work.clock.civil_date(begin), work.clock.civil_date(end - timedelta(milliseconds=1)))
    return frozenset(found)


def _days(first: date, last: date) -> set[date]:
    return {first + timedelta(days=n) for n in range((last - first).days + 1)}


async def made_good(work: Work, notice: Notice) -> frozenset[date]:
    """The days off that its window was prolonged for, as its records say."""
    records = await work.select(Record, notice_id=notice.id, kind=RecordKind.PROLONGED)
    return frozenset(date.fromisoformat(day) for r in records for day in json.loads(r.body).get("off", ()))


async def owed(work: Work, notice: Notice, off: frozenset[date] | None = None) -> Owed | None:
    """What a running notice is owed by now; None where no day of its window was off, or all are made good.

    For each day off within the window there is one more of the notice's kind after it, on which it was not off either."""
    assert notice.from_day is not None and notice.last_day is not None and notice.published_at is not None
    off = await off_days(work, notice.area_id, notice.published_at) if off is None else off
    if not off:
        return None
    year, settings = await calendar(work, notice.area_id), await work.settings(DisclosureSettings, notice)
    counted = [
        day
        for day in sorted(off - await made_good(work, notice))
        if day > notice.from_day and (notice.day_kind is DayKind.CALENDAR or year.is_working(day))
    ]
    lost = [day for day in counted if day <= notice.last_day]
    if not lost:
        return None
    on_working_day = settings.ends_on_working_day
    end = year.end(notice.last_day, len(lost), notice.day_kind, on_working_day=on_working_day, off=off)
    return Owed(end, tuple(day for day in counted if day <= end.day))


async def counted(work: Work, notice: Notice) -> End:
    """Its end by the rest days that are known now and the days off that were made good; never before what was told."""
    assert notice.from_day is not None and notice.last_day is not None
    settings = await work.settings(DisclosureSettings, notice)
    year, off = await calendar(work, notice.area_id), await made_good(work, notice)
    end = year.end(notice.from_day, notice.days, notice.day_kind, on_working_day=settings.ends_on_working_day, off=off)
    return End(max(end.day, notice.last_day), end.is_known)


async def count_again(work: Work, notice: Notice) -> bool:
    """Let a locked notice that runs on a last day which was not certain end later, if what is known of rest days now makes
    it later; seal and say so. False where it does not."""
    end = await counted(work, notice)
    is_later = end.day != notice.last_day
    if is_later:
        work.change(notice, last_day=end.day, last_day_is_known=end.is_known)
        await sealed(work, RecordKind.PROLONGED, notice, last=end.day.isoformat(), days=notice.days)
        data = {**about(notice), "lastDay": end.day.isoformat()}
        work.record("disclosure.notice.prolonged", notice, area_id=notice.area_id, data=data)
    elif end.is_known:
        work.change(notice, last_day_is_known=True)
        work.record("disclosure.notice.prolonged", notice, area_id=notice.area_id, data=about(notice))
    return is_later


async def last_day(work: Work, notice: Notice, off: frozenset[date] | None = None) -> date:
    """The last day to object by now, rest days as they are known and days off made good, whether or not that has been told
    yet."""
    assert notice.last_day is not None
    found = await owed(work, notice, off)
    until = notice.last_day if found is None else found.end.day
    return until if notice.last_day_is_known else max(until, (await counted(work, notice)).day)


async def make_good(work: Work, notice: Notice, off: frozenset[date] | None = None) -> bool:
    """Let a locked notice that runs end later by what it is owed, and its objections wait longer for their answers; seal
    and say so. False where nothing is owed."""
    assert notice.published_at is not None
    off = await off_days(work, notice.area_id, notice.published_at) if off is None else off
    is_later = await _prolong(work, notice, off)
    objections = await work.select(Objection, lock=True, notice_id=notice.id, state=ObjectionState.OPEN) if off else []
    deferred = [_defer(work, notice, objection, off) for objection in objections]
    return is_later or any(deferred)


async def _prolong(work: Work, notice: Notice, off: frozenset[date]) -> bool:
    found = await owed(work, notice, off)
    if found is None:
        return False
    last = found.end.day.isoformat()
    work.change(notice, last_day=found.end.day, last_day_is_known=notice.last_day_is_known and found.end.is_known)
    days = [day.isoformat() for day in found.days]
    await sealed(work, RecordKind.PROLONGED, notice, last=last, days=notice.days, off=days)
    data = {**about(notice), "lastDay": last, "off": days}
    work.record("disclosure.notice.prolonged", notice, area_id=notice.area_id, data=data)
    return True


def _defer(work: Work, notice: Notice, objection: Objection, off: frozenset[date]) -> bool:
    assert notice.last_day is not None
    filed = work.clock.civil_date(objection.filed_at)
    until = answer_by(filed, objection.answer_days, notice.last_day, off)
    if until <= objection.answer_by:
        return False
    work.change(objection, answer_by=until)
    data = {**about(notice), "answerBy": until.isoformat()}
    work.record("disclosure.objection.deferred", objection, area_id=notice.area_id, data=data)
    return True


async def hear_on_again(work: Work, event: EventRecord) -> None:
    """Disclosure may be on again, in an area and below, or everywhere: notices that run there end later, and say so."""
    if event.data.get("plugin") != PLUGIN:
        return
    where, values = (_BELOW, [work.now, event.area_id]) if event.area_id else ("", [work.now])
    rows = await work.rows(f"{_RUNNING}{where} ORDER BY n.last_day, n.id LIMIT {AT_ONCE}", *values)
    notices = await work.select(Notice, lock=True, id=[as_uuid(r["id"]) for r in rows], state=list(RUNNING))
    off: dict[UUID, frozenset[date]] = {}
    for notice in notices:
        if notice.area_id not in off:
            since = min(n.published_at for n in notices if n.area_id == notice.area_id and n.published_at is not None)
            off[notice.area_id] = await off_days(work, notice.area_id, since)
        if off[notice.area_id]:
            work.require("disclosure.publish", notice)
            await make_good(work, notice, off[notice.area_id])
