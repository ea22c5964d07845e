"""Who may not come to a meeting, and what rests on their not being there.

Whom a meeting puts out counts on among those who may vote there, and raises no hand: putting people out makes no majority
easier. Who was excluded before cannot come, and counts like others who are not there; where their hands might have turned a
resolution it waits until nobody can appeal any more, or the appeal is decided. Both stay members, and make no quorum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from core.errors import Refusal
from core.pauses import pauses
from core.work import Work
from plugins.councils.models import Attendance, Exclusion, KeptOut, Meeting, Resolution
from plugins.councils.rules.common import more_than
from plugins.councils.terms import ExclusionState, VoteMethod


async def excluded(work: Work, meeting: Meeting) -> dict[UUID, Exclusion]:
    """Who is excluded from this meeting now, by actor; hold the body first."""
    running = await work.select(Exclusion, body_id=meeting.body_id, ended_at=None)
    return {
        x.concerns_id: x
        for x in running
        if (x.meeting_id == meeting.id if x.until is None else x.until > work.now)
    }  # fmt: skip


def require_in_the_room(work: Work, out: dict[UUID, Exclusion]) -> None:
    """Refuses KEPT_OUT when whoever acts is excluded themselves."""
    if not work.system and not out.keys().isdisjoint({work.person_id, work.principal_id}):
        raise Refusal("KEPT_OUT")


async def kept_out(
    work: Work, away: Sequence[Attendance], holders: Mapping[UUID, UUID], out: Mapping[UUID, Exclusion]
) -> list[tuple[Attendance, Exclusion]]:
    """Of the members who are away, those whom an exclusion kept from coming: one that runs, or that ran when the meeting was
    opened and was not overturned. That it was lifted since makes nobody come who was sent away."""
    named = [a.exclusion_id for a in away if a.exclusion_id is not None]
    found = {x.id: x for x in await work.select(Exclusion, id=named)} if named else {}
    kept: list[tuple[Attendance, Exclusion]] = []
    for a in away:
        exclusion = out.get(holders[a.seat_id]) or (None if a.exclusion_id is None else found[a.exclusion_id])
        if exclusion is not None and exclusion.state is not ExclusionState.OVERTURNED:
            kept.append((a, exclusion))
    return kept


def end(work: Work, exclusion: Exclusion, how: str, **ending: object) -> None:
    """Queue and record that they may come again."""
    work.change(exclusion, **ending)
    work.record(f"councils.meeting.exclusion_{how}", exclusion, area_id=exclusion.area_id, data=about(exclusion))


async def make_up(work: Work, exclusion: Exclusion) -> None:
    """While councils were off there nobody could appeal: let the time to appeal run longer by that (INV18). Ask `require`
    first; written at once, because more may happen to it."""
    if exclusion.state is not ExclusionState.DECLARED:
        return
    days = (await work.get(Meeting, exclusion.meeting_id)).appeal_days
    ends = work.clock.end_of(work.clock.civil_date(exclusion.made_at) + timedelta(days=days))
    for since, until in await pauses(work, "councils", exclusion.area_id, exclusion.made_at):
        if since < ends:
            ends += until - since
    if ends > exclusion.appeal_until:
        work.change(exclusion, appeal_until=ends)
        data = {**about(exclusion), "appealUntil": ends.isoformat()}
        work.record("councils.meeting.appeal_prolonged", exclusion, area_id=exclusion.area_id, data=data)
        await work.flush_now()


def about(row: Exclusion) -> dict[str, str]:
    """What events say of it: ids only, and nobody's (INV14)."""
    return {"body": str(row.body_id), "meeting": str(row.meeting_id)}


async def end_with(work: Work, meeting: Meeting) -> None:
    """The meeting is closed, and who was excluded from it alone may come to the next."""
    for exclusion in await work.select(Exclusion, lock=True, meeting_id=meeting.id, until=None, ended_at=None):
        end(work, exclusion, "over", ended_at=work.now)


def rests_on_exclusions(resolution: Resolution) -> bool:
    """Might it not have passed, had everybody who was kept out been there and against it?"""
    everybody = resolution.eligible + resolution.kept_out
    return resolution.method is VoteMethod.HAND_COUNT and not more_than(
        resolution.majority_percent, resolution.votes_for or 0, everybody
    )


async def require_final(work: Work, resolution: Resolution) -> None:
    """Refuses EXCLUSION_NOT_FINAL while it rests on an exclusion that may still be overturned; hold the body first."""
    if not await is_final(work, resolution):
        raise Refusal("EXCLUSION_NOT_FINAL")


async def is_final(work: Work, resolution: Resolution) -> bool:
    if not rests_on_exclusions(resolution):
        return True
    named = [k.exclusion_id for k in await work.select(KeptOut, resolution_id=resolution.id)]
    found = await work.select(Exclusion, lock=True, id=named) if named else []
    for exclusion in found:
        await make_up(work, exclusion)
    return all(
        x.state is ExclusionState.UPHELD or (x.state is ExclusionState.DECLARED and x.appeal_until <= work.now)
        for x in found
    )
