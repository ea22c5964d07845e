"""Time in which nobody could vote is made up: while ballots were off in the area, or the roll was not ready.

What is on where is read from the log, so that it is made up once, however often it is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from core.models import Area
from core.settings.store import as_instant, as_uuid
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
_SAID = """
SELECT e.area_id, e.data, e.recorded_at FROM core_event e
WHERE e.type IN ('core.plugin.toggled', 'core.plugin.pilot_ended') AND e.area_id IN ({areas})
ORDER BY e.transaction_id, e.seq"""

# area, whether by the file or by hand → what it says about ballots, and until when
Said = dict[tuple[UUID, str], tuple[str, datetime | None]]
Word = tuple[datetime, tuple[UUID, str], tuple[str, datetime | None]]


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
    for since, until in await _pauses(work, area_id, begins, work.now):
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


async def _pauses(work: Work, area_id: UUID, since: datetime, until: datetime) -> list[tuple[datetime, datetime]]:
    """When ballots were off in an area, piece by piece."""
    chain = work.place(await work.get(Area, area_id)).chain
    words = await _words(work, chain)
    ends = [end for _, _, (_, end) in words if end is not None]
    until = max(since, until)
    moments = sorted({since, until, *(m for m in [*(at for at, _, _ in words), *ends] if since < m < until)})
    return [
        (start, end)
        for start, end in pairwise(moments)
        if not _is_on({where: said for at, where, said in words if at <= start}, chain, start)
    ]


async def _words(work: Work, chain: Sequence[UUID]) -> list[Word]:
    """All that was ever said about ballots in these areas, oldest first."""
    found: list[Word] = []
    for row in await work.rows(_SAID.format(areas=", ".join(["{}"] * len(chain))), *chain):
        data: dict[str, Any] = row["data"] if isinstance(row["data"], dict) else json.loads(row["data"])
        at = as_instant(row["recorded_at"])
        if data["plugin"] == "ballots" and at is not None:
            said = (data.get("to", "INHERIT"), as_instant(data.get("until")))  # a pilot that has ended says nothing
            found.append((at, (as_uuid(row["area_id"]), data.get("origin", "MUTATION")), said))
    return found


def _is_on(said: Said, chain: Sequence[UUID], at: datetime) -> bool:
    """As `SettingsBook.switch` has it: the nearest area upwards that says anything, the file before a mutation."""
    for area_id in reversed(chain):
        for origin in ("FILE", "MUTATION"):
            state, until = said.get((area_id, origin), ("INHERIT", None))
            if state != "INHERIT" and (until is None or until > at):
                return state != "OFF"
    return False
