"""The end of a window: clean, or with objections upheld. An objection that waits for its answer keeps it open."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.work import Work
from plugins.disclosure.models import Notice, Objection
from plugins.disclosure.rules.common import about, about_decided, require_running, sealed
from plugins.disclosure.rules.days_off import count_again, last_day, make_good
from plugins.disclosure.rules.objections import locked
from plugins.disclosure.terms import NoticeState, ObjectionState, RecordKind

OVER_SQL = """SELECT n.id AS id, n.area_id AS area_id FROM disclosure_notice n
    WHERE n.state IN ('PUBLISHED', 'RESOLVED') AND n.last_day < :today:"""
LATE_SQL = """SELECT o.id AS id, o.area_id AS area_id FROM disclosure_objection o
    WHERE o.state = 'OPEN' AND o.overdue_at IS NULL AND o.answer_by < :today:"""


async def close(work: Work, *, notice_id: UUID) -> Notice:
    """By hand, what the clock does by itself. Refuses NOTICE_STATE, WINDOW_RUNS, OPEN_OBJECTIONS."""
    notice = await work.lock(Notice, notice_id)
    work.require("disclosure.publish", notice)
    work.expect_version(notice)
    require_running(notice)
    until = await last_day(work, notice)
    if work.recorded_on <= until:
        raise Refusal("WINDOW_RUNS", until=until.isoformat())
    if notice.state is NoticeState.OBJECTED:
        raise Refusal("OPEN_OBJECTIONS")
    await _close(work, notice)
    return notice


async def close_when_over(work: Work, notice_id: UUID) -> None:
    """For the job."""
    notice = await work.lock(Notice, notice_id)
    work.require("disclosure.publish", notice)
    if notice.state not in (NoticeState.PUBLISHED, NoticeState.RESOLVED):
        return
    if notice.last_day is None or work.recorded_on <= notice.last_day:
        return
    if not notice.last_day_is_known and await count_again(work, notice):
        return
    if not await make_good(work, notice):
        await _close(work, notice)


async def _close(work: Work, notice: Notice) -> None:
    day = work.recorded_on
    upheld = await work.select(Objection, notice_id=notice.id, state=ObjectionState.UPHELD)
    state = NoticeState.CLOSED_UPHELD if upheld else NoticeState.CLOSED_CLEAN
    work.change(notice, state=state, closed_on=day)
    await sealed(work, RecordKind.CLOSED, notice, on=day.isoformat(), clean=not upheld)
    work.record(
        "disclosure.notice.closed", notice, area_id=notice.area_id, data={**about_decided(notice), "clean": not upheld}
    )


async def mark_late(work: Work, objection_id: UUID) -> None:
    """For the job: an objection was not answered in time. The notice stays open until it is."""
    notice, objection = await locked(work, objection_id)
    work.require("disclosure.answer", notice)
    if objection.state is not ObjectionState.OPEN or objection.overdue_at is not None:
        return
    if objection.answer_by >= work.recorded_on or await make_good(work, notice):
        return
    work.change(objection, overdue_at=work.now)
    work.record("disclosure.objection.overdue", objection, area_id=notice.area_id, data=about(notice))
