"""Two actors who are one, what must be settled before somebody is erased, and whose matter things are (INV10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.corrections import Finding, Merging
from core.duties import Duties, Duty, Held, Matter, Taking
from core.models import Logged
from core.work import PendingEvent, Work
from plugins.councils.models import (
    AgendaItem,
    Body,
    CallToOrder,
    Charter,
    Delegation,
    Exclusion,
    MeetingRequest,
    Nomination,
    RequestSupport,
    Resolution,
    Seat,
    Task,
)
from plugins.councils.terms import (
    SITTING,
    BodyState,
    DelegationState,
    ExclusionState,
    NominationState,
    SupportState,
    TaskState,
)

OPEN_TASK = [TaskState.OPEN, TaskState.REPORTED]


async def _seats(work: Work, actor_id: UUID) -> list[Seat]:
    held = await work.select(Seat, holder_id=actor_id, state=list(SITTING))
    return [*held, *await work.select(Seat, mandate_of_id=actor_id, state=list(SITTING))]


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move; seats of both in one body must be settled first."""
    ours, theirs = await _seats(work, kept), await _seats(work, gone)
    twice = len({s.body_id for s in ours} & {s.body_id for s in theirs})
    found = [
        Finding("councils_seat", len(theirs)),
        Finding("councils_agenda_item", len(await work.select(AgendaItem, proposed_by_id=gone))),
        Finding("councils_task", len(await work.select(Task, assignee_id=gone))),
        Finding("councils_charter", len(await work.select(Charter, drafted_by_id=gone))),
        Finding("councils_delegation", len(await work.select(Delegation, government_id=gone))),
        Finding("councils_meeting_request", len(await work.select(MeetingRequest, requested_by_id=gone))),
        Finding("councils_request_support", len(await work.select(RequestSupport, supporter_id=gone))),
        Finding("councils_nomination", len(await work.select(Nomination, nominee_id=gone))),
        Finding("councils_call_to_order", len(await work.select(CallToOrder, concerns_id=gone))),
        Finding("councils_exclusion", len(await work.select(Exclusion, concerns_id=gone))),
        Finding("councils_seat", twice, "BOTH_SEATED"),
        Finding("councils_nomination", await _both_nominated(work, kept, gone), "BOTH_NOMINATED"),
        Finding("councils_exclusion", await _both_excluded(work, kept, gone), "BOTH_EXCLUDED"),
    ]
    return [f for f in found if f.count]


async def _both_nominated(work: Work, kept: UUID, gone: UUID) -> int:
    """Bodies for which both are put forward, or one by the other."""
    states = [NominationState.PROPOSED, NominationState.CONFIRMED]
    ours, theirs = [await work.select(Nomination, nominee_id=id, state=states) for id in (kept, gone)]
    by_the_other = await work.select(Nomination, nominee_id=[kept, gone], nominated_by_id=[kept, gone])
    return len({n.body_id for n in ours} & {n.body_id for n in theirs}) + len(by_the_other)


async def _both_excluded(work: Work, kept: UUID, gone: UUID) -> int:
    """Bodies, or open meetings, from which both are excluded."""

    async def places(actor_id: UUID) -> set[UUID]:
        running = await work.select(Exclusion, concerns_id=actor_id, ended_at=None)
        return {x.meeting_id if x.until is None else x.body_id for x in running}

    return len(await places(kept) & await places(gone))


_MOVES: tuple[tuple[type[Logged], tuple[str, ...], str], ...] = (
    (Seat, ("holder_id", "mandate_of_id"), "councils.seat.merged"),
    (AgendaItem, ("proposed_by_id", "concerns_id"), "councils.agenda.merged"),
    (Task, ("assignee_id",), "councils.task.merged"),
    (Charter, ("drafted_by_id",), "councils.charter.merged"),
    (Delegation, ("government_id",), "councils.delegation.merged"),
    (Nomination, ("nominee_id", "nominated_by_id"), "councils.nomination.merged"),
    (MeetingRequest, ("requested_by_id",), "councils.meeting.request_merged"),
    (CallToOrder, ("concerns_id",), "councils.call_to_order.merged"),
    (Exclusion, ("concerns_id",), "councils.exclusion.merged"),
)


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Seats, items, tasks, drafts, delegations and exclusions go to the actor that stays, and the bodies that stand; who came
    and who kept out stays as it was."""
    data = {"kept": str(kept), "gone": str(gone)}
    for model, columns, event in _MOVES:
        rows: dict[UUID, Any] = {}
        for column in columns:
            rows |= {row.id: row for row in await work.select(model, lock=True, **{column: gone})}
        for row in rows.values():
            work.change(row, **{c: kept for c in columns if getattr(row, c) == gone})
            work.record(event, row, area_id=row.area_id, data=data)
    await _supports(work, kept, gone, data)
    for body in await work.select(Body, lock=True, organization_id=gone, state=BodyState.ACTIVE):
        work.change(body, organization_id=kept)
        work.record("councils.body.changed", body, area_id=body.area_id, data=data)


async def _supports(work: Work, kept: UUID, gone: UUID, data: dict[str, str]) -> None:
    """Who supported a request as two people supports it once."""
    ours = {s.request_id for s in await work.select(RequestSupport, supporter_id=kept, state=SupportState.GIVEN)}
    for support in await work.select(RequestSupport, lock=True, supporter_id=gone):
        is_twice = support.state is SupportState.GIVEN and support.request_id in ours
        work.change(support, supporter_id=kept, state=SupportState.VOID if is_twice else support.state)
        work.record("councils.meeting.request_merged", support, area_id=support.area_id, data=data)


MERGING = Merging("councils", preview_merge, move_merged)


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: seats are vacated, tasks done or cancelled, delegations ended, appeals decided, and
    nominations declined."""
    put_forward = [NominationState.PROPOSED, NominationState.CONFIRMED]
    kinds: dict[str, Sequence[Logged]] = {
        "councils_seat": await _seats(work, actor_id),
        "councils_task": await work.select(Task, assignee_id=actor_id, state=OPEN_TASK),
        "councils_delegation": await work.select(Delegation, government_id=actor_id, state=DelegationState.ACTIVE),
        "councils_nomination": await work.select(Nomination, nominee_id=actor_id, state=put_forward),
        "councils_exclusion": await work.select(Exclusion, concerns_id=actor_id, state=ExclusionState.APPEALED),
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]


async def _seat_duties(work: Work, person_id: UUID) -> list[Held]:
    """A seat is filled by election or appointment, so nobody takes it over."""
    found = await work.select(Seat, holder_id=person_id, state=list(SITTING))
    names = {b.id: b.name for b in await work.select(Body, id=[s.body_id for s in found])} if found else {}
    return [Held(s, s, f"{names[s.body_id]} {s.office.zh}", "SEAT_STAYS") for s in found]


async def _task_duties(work: Work, person_id: UUID) -> list[Held]:
    found = await work.select(Task, lock=True, assignee_id=person_id, state=OPEN_TASK)
    return [Held(t, t, t.title) for t in found]


async def _move_task(work: Work, held: Held, taking: Taking) -> PendingEvent:
    task: Any = held.row
    work.change(task, assignee_id=taking.taker_id)
    return work.record("councils.task.assigned", task, area_id=task.area_id, data=taking.data)


async def _item(work: Work, item: Any) -> Matter:
    return Matter({item.concerns_id} if item.concerns_id else set())


async def _resolution(work: Work, resolution: Any) -> Matter:
    return await _item(work, await work.get(AgendaItem, resolution.item_id))


async def _task(work: Work, task: Any) -> Matter:
    return Matter({task.assignee_id})


async def _seat(work: Work, seat: Any) -> Matter:
    return Matter({seat.holder_id})


async def _nomination(work: Work, nomination: Any) -> Matter:
    return Matter({nomination.nominee_id, nomination.nominated_by_id})


async def _exclusion(work: Work, exclusion: Any) -> Matter:
    """Nor is its appeal for who made it, or called them to order before."""
    if exclusion.state is not ExclusionState.APPEALED:
        return Matter({exclusion.concerns_id})
    calls = await work.select(CallToOrder, meeting_id=exclusion.meeting_id, concerns_id=exclusion.concerns_id)
    return Matter({exclusion.concerns_id}, {exclusion.made_by_id, *(c.made_by_id for c in calls)})


DUTIES = Duties(
    "councils",
    (Duty(_seat_duties), Duty(_task_duties, _move_task)),
    {
        AgendaItem: _item,
        Resolution: _resolution,
        Task: _task,
        Seat: _seat,
        Exclusion: _exclusion,
        Nomination: _nomination,
    },
)
