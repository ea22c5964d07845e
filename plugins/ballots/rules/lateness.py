"""Time in which nobody could vote is made up: while ballots were off in the area, or the roll was not ready.

What was on where is read from the log (`core.pauses`), so that it is made up once, however often it is looked at.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from core.pauses import pauses
from core.work import Work
from plugins.ballots.models import Ballot, Election, Roll
from plugins.ballots.terms import BallotState

# Ballots that run, are over by the clock, or have not been looked at since somebody turned ballots on or off above them.
LATE = """
b.closes_at <= :now: OR EXISTS (SELECT 1 FROM core_area_plugin p
  JOIN core_area_closure c ON c.ancestor_id = p.area_id AND c.descendant_id = b.area_id AND c.until IS NULL
  JOIN core_event e ON e.id = p.event_id JOIN core_event l ON l.id = b.event_id
  WHERE p.plugin = 'ballots' AND e.type IN ('core.plugin.toggled', 'core.plugin.pilot_ended')
    AND e.recorded_at > l.recorded_at)"""


async def make_up(work: Work, ballot: Ballot) -> None:
    """Let a ballot run longer by the time in which ballots were off while it ran; one that never opened runs now. It is
    written at once, because more may happen to the ballot."""
    if ballot.state is BallotState.ANNOUNCED and ballot.closes_at <= work.now:
        _postpone(work, ballot)
        await work.flush_now()
        return
    first = ballot.planned_closes_at or ballot.closes_at
    ends = await _later(work, ballot.area_id, ballot.opens_at, first)
    if ends > ballot.closes_at:
        work.change(ballot, closes_at=ends, planned_closes_at=first)
        _tell(work, ballot, "OFF")
        await work.flush_now()


async def last_day(work: Work, row: Roll | Election, since: date, last: date) -> date:
    """The last day to object or to nominate, later by what ballots were off meanwhile; a day that is begun counts."""
    ends = await _later(work, row.area_id, work.clock.start_of(since), work.clock.end_of(last))
    return work.clock.civil_date(ends - timedelta(milliseconds=1))


async def _later(work: Work, area_id: UUID, begins: datetime, ends: datetime) -> datetime:
    """An end, later by the time in which ballots were off in the area before it."""
    for since, until in await pauses(work, "ballots", area_id, begins):
        if since < ends:
            ends += until - since
    return ends


async def postpone_waiting(work: Work, roll: Roll) -> None:
    """The roll is ready: ballots that should have opened meanwhile get the whole of their time."""
    for ballot in await work.select(Ballot, lock=True, roll_id=roll.id, state=BallotState.ANNOUNCED):
        if ballot.opens_at < work.now:
            _postpone(work, ballot)


def _postpone(work: Work, ballot: Ballot) -> None:
    """Open it now, for as long as was announced: opening and end move together."""
    work.change(ballot, opens_at=work.now, closes_at=ballot.closes_at + (work.now - ballot.opens_at))
    _tell(work, ballot, "OPENS_LATE")


def _tell(work: Work, ballot: Ballot, why: str) -> None:
    data = {"ballot": str(ballot.id), "closesAt": ballot.closes_at.isoformat(), "why": why}
    work.record("ballots.ballot.prolonged", ballot, area_id=ballot.area_id, data=data)
