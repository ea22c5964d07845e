"""Two actors who are one, what must be settled before somebody is erased, what people are responsible for, and whose
matter things are (INV10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.corrections import Finding, Merging
from core.duties import Duties, Duty, Held, Matter, Taking
from core.errors import Refusal
from core.models import Logged
from core.rules.erasure import Erasing
from core.work import PendingEvent, Work
from plugins.enterprise_council.models import (
    Commitment,
    Compact,
    CompactParty,
    Concern,
    EnterpriseSeat,
    SelfHelp,
)
from plugins.enterprise_council.rules.concerns import is_its_own
from plugins.enterprise_council.rules.seats import STANDING
from plugins.enterprise_council.terms import KEY, OPEN_CONCERN, OPEN_SELF_HELP, EnterpriseSeatState

HELD = EnterpriseSeatState.HELD

_MOVES: tuple[tuple[type[Logged], tuple[str, ...], str], ...] = (
    (EnterpriseSeat, ("enterprise_id", "representative_id"), "seat.merged"),
    (Compact, ("proposed_by_id", "notice_by_id"), "compact.merged"),
    (CompactParty, ("actor_id",), "compact.merged"),
    (Commitment, ("party_id",), "commitment.merged"),
    (Concern, ("enterprise_id", "owner_id"), "concern.merged"),
    (SelfHelp, ("owner_id",), "self_help.merged"),
)


async def _rows(work: Work, model: type[Logged], columns: Sequence[str], actor_id: UUID, *, lock: bool) -> list[Any]:
    found: dict[UUID, Any] = {}
    for column in columns:
        found |= {row.id: row for row in await work.select(model, lock=lock, **{column: actor_id})}
    return list(found.values())


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move; seats of both in one body, and compacts of both, must be settled first."""
    found = [
        Finding(model.tag, len(await _rows(work, model, columns, gone, lock=False))) for model, columns, _ in _MOVES
    ]
    both = {
        EnterpriseSeat.tag: await _both(work, EnterpriseSeat, "enterprise_id", "body_id", kept, gone, state=STANDING),
        CompactParty.tag: await _both(work, CompactParty, "actor_id", "compact_id", kept, gone),
    }
    found += [Finding(tag, count, "BOTH_IN_IT") for tag, count in both.items()]
    return [f for f in found if f.count]


async def _both(work: Work, model: type[Logged], column: str, whole: str, kept: UUID, gone: UUID, **more: Any) -> int:
    ours = {getattr(r, whole) for r in await work.select(model, lock=False, **{column: kept}, **more)}
    return len(ours & {getattr(r, whole) for r in await work.select(model, lock=False, **{column: gone}, **more)})


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Seats, compacts, concerns and cases go to the actor that stays; signatures stay as they were given."""
    data = {"kept": str(kept), "gone": str(gone)}
    for model, columns, event in _MOVES:
        for row in await _rows(work, model, columns, gone, lock=True):
            work.change(row, **{c: kept for c in columns if getattr(row, c) == gone})
            work.record(f"enterprise_council.{event}", row, area_id=row.area_id, data=data)


MERGING = Merging(KEY, preview_merge, move_merged)


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before a person is erased: somebody else represents the enterprise, concerns are answered, cases confirmed or given
    up."""
    kinds: dict[str, Sequence[Logged]] = {
        EnterpriseSeat.tag: await work.select(EnterpriseSeat, representative_id=actor_id, state=HELD),
        Concern.tag: await work.select(Concern, owner_id=actor_id, state=list(OPEN_CONCERN)),
        SelfHelp.tag: await work.select(SelfHelp, owner_id=actor_id, state=list(OPEN_SELF_HELP)),
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]


ERASING = Erasing(KEY, open_matters)


# --- duties ----------------------------------------------------------------------------------------------


async def _represents(work: Work, person_id: UUID) -> list[Held]:
    """The enterprise says who represents it, so nobody takes that over."""
    found = await work.select(EnterpriseSeat, representative_id=person_id, state=HELD)
    return [Held(s, s, s.letter, "REPRESENTATION_STAYS") for s in found]


async def _concerns(work: Work, person_id: UUID) -> list[Held]:
    found = await work.select(Concern, lock=True, owner_id=person_id, state=list(OPEN_CONCERN))
    return [Held(c, c, c.title) for c in found]


async def _move_concern(work: Work, held: Held, taking: Taking) -> PendingEvent:
    concern: Any = held.row
    if await is_its_own(work, concern, taking.taker_id):
        raise Refusal("OWN_MATTER")
    work.change(concern, owner_id=taking.taker_id)
    return work.record("enterprise_council.concern.assigned", concern, area_id=concern.area_id, data=taking.data)


async def _seat(work: Work, seat: Any) -> Matter:
    return Matter({seat.enterprise_id})


async def _compact(work: Work, compact: Any) -> Matter:
    return Matter({p.actor_id for p in await work.select(CompactParty, compact_id=compact.id)})


async def _commitment(work: Work, commitment: Any) -> Matter:
    return Matter({commitment.party_id})


async def _concern(work: Work, concern: Any) -> Matter:
    return Matter({concern.enterprise_id})


async def _case(work: Work, case: Any) -> Matter:
    return Matter({case.owner_id})


DUTIES = Duties(
    KEY,
    (Duty(_represents), Duty(_concerns, _move_concern)),
    {EnterpriseSeat: _seat, Compact: _compact, Commitment: _commitment, Concern: _concern, SelfHelp: _case},
)
