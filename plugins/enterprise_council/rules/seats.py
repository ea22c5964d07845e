"""Seats of enterprises: a fixed number of a body's seats, each held by an enterprise through whom it sends (M11, INV5)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name, optional_text
from core.settings.store import as_uuid
from core.work import Work
from plugins.councils.ports import COUNCILS
from plugins.enterprise_council.models import EnterpriseSeat, EnterpriseShare
from plugins.enterprise_council.rules.common import enterprise_here, here_sql, mandated, sent_sql
from plugins.enterprise_council.terms import ENTERPRISE, KEY, EnterpriseSeatState, SeatEnd

MANAGE, REPLACE = "enterprise_council.seat.manage", "enterprise_council.seat.replace"
STANDING = [EnterpriseSeatState.HELD, EnterpriseSeatState.VACANT]
VACATED_AS = {SeatEnd.WITHDRAWN: "RESIGNED", SeatEnd.LEFT_AREA: "LEFT_AREA", SeatEnd.REMOVED: "REMOVED"}
ENDS = {
    "TERM_OVER": SeatEnd.TERM_OVER,
    "LEFT_AREA": SeatEnd.LEFT_AREA,
    "REMOVED": SeatEnd.REMOVED,
    "BY_CHARTER": SeatEnd.BY_CHARTER,
    "DISSOLVED": SeatEnd.DISSOLVED,
}  # of a representative's seat; for any other reason the enterprise may send somebody else
GONE = "代表授权已到期"


async def seat_enterprise(
    work: Work, *, body_id: UUID, enterprise_id: UUID, representative_id: UUID, letter: str
) -> EnterpriseSeat:
    """An enterprise takes one of the body's enterprise seats, through a person who has its mandate there. Of two clerks who
    seat somebody on the last one, one is refused.

    Refuses NOT_AN_ENTERPRISE, ENTERPRISE_NOT_HERE, REPRESENTATIVE_MANDATE, OWN_MATTER (INV10), ENTERPRISE_SEATED,
    ENTERPRISE_SEATS_FULL, and what `councils` refuses: NO_SUCH_SEATS, CATEGORY_FULL, BODY_FULL, ALREADY_SEATED.
    """
    councils = work.port(COUNCILS)
    body = await councils.body(work, body_id)
    area = await work.get(Area, body.area_id)
    work.require(MANAGE, area)
    enterprise = await enterprise_here(work, enterprise_id, area.id, "enterpriseId")
    person = await mandated(work, representative_id, enterprise, area.id)
    await work.not_own(enterprise.id)
    if await work.find(EnterpriseSeat, body_id=body_id, enterprise_id=enterprise.id, state=STANDING):
        raise Refusal("ENTERPRISE_SEATED", path=("enterpriseId",))
    council_seat = await councils.fill(
        work, body_id=body_id, holder_id=person.id, category=ENTERPRISE, mandate_of_id=enterprise.id, kept_by=KEY
    )
    await work.flush_now()
    bounds = await councils.bounds(work, body_id, ENTERPRISE)
    assert bounds is not None  # else nobody was seated
    taken = {s.number for s in await work.select(EnterpriseSeat, body_id=body_id, state=STANDING)}
    free = [n for n in range(1, bounds.upper + 1) if n not in taken]
    if not free:
        raise Refusal("ENTERPRISE_SEATS_FULL", seats=bounds.upper)
    seat = EnterpriseSeat(
        id=new_id(), area_id=area.id, body_id=body_id, number=free[0], seats=bounds.upper, enterprise_id=enterprise.id,
        representative_id=person.id, council_seat_id=council_seat, letter=clean_name(letter, "letter"),
        state=EnterpriseSeatState.HELD, since=work.happened_on, term_end=await _term_end(work, body_id, council_seat),
    )  # fmt: skip
    work.require(MANAGE, area)
    work.add(seat)
    work.record("enterprise_council.seat.filled", seat, area_id=area.id, data=_about(seat))
    return seat


async def _term_end(work: Work, body_id: UUID, council_seat: UUID) -> date:
    return next(s.term_end for s in await work.port(COUNCILS).seats(work, body_id) if s.id == council_seat)


def _about(seat: EnterpriseSeat, **more: str) -> dict[str, str]:
    return {"body": str(seat.body_id), "enterprise": str(seat.enterprise_id), "actor": str(seat.enterprise_id), **more}


def _require_standing(work: Work, seat: EnterpriseSeat) -> None:
    """Refuses VERSION_CONFLICT, ENTERPRISE_SEAT_ENDED."""
    work.expect_version(seat)
    if seat.state is EnterpriseSeatState.ENDED:
        raise Refusal("ENTERPRISE_SEAT_ENDED")


async def replace_representative(work: Work, *, seat_id: UUID, representative_id: UUID, letter: str) -> EnterpriseSeat:
    """The enterprise sends somebody else, for what is left of its term; by itself, or at the desk.

    Refuses ENTERPRISE_SEAT_ENDED, ENTERPRISE_NOT_HERE, REPRESENTATIVE_MANDATE, ALREADY_SEATED, and what `councils` does.
    """
    area, seat = await work.lock_with(EnterpriseSeat, seat_id, Area)
    work.require(REPLACE, seat, owner=seat.enterprise_id)
    _require_standing(work, seat)
    enterprise = await enterprise_here(work, seat.enterprise_id, area.id, "seatId")
    person = await mandated(work, representative_id, enterprise, area.id)
    before = seat.representative_id
    councils = work.port(COUNCILS)
    if seat.council_seat_id is not None:
        made = await councils.replace(work, seat_id=seat.council_seat_id, holder_id=person.id, kept_by=KEY)
    else:
        made = await councils.fill(
            work, body_id=seat.body_id, holder_id=person.id, category=ENTERPRISE, mandate_of_id=enterprise.id,
            term_end=seat.term_end, kept_by=KEY,
        )  # fmt: skip
    work.require(REPLACE, seat, owner=seat.enterprise_id)
    work.change(
        seat, state=EnterpriseSeatState.HELD, representative_id=person.id, council_seat_id=made,
        letter=clean_name(letter, "letter"),
    )  # fmt: skip
    work.record(
        "enterprise_council.seat.replaced", seat, area_id=area.id,
        data=_about(seat, before=str(before), after=str(person.id)),
    )  # fmt: skip
    return seat


async def end_seat(work: Work, *, seat_id: UUID, because: SeatEnd, reason: str | None) -> EnterpriseSeat:
    """The enterprise gives its seat back, or the administration enters that it has left, or why it loses it.

    Refuses ENTERPRISE_SEAT_ENDED, WRONG_SEAT_END, EMPTY_TEXT (a removal needs its reason), OWN_MATTER.
    """
    area, seat = await work.lock_with(EnterpriseSeat, seat_id, Area)
    own = because is SeatEnd.WITHDRAWN
    work.require(MANAGE, seat, owner=seat.enterprise_id if own else None)
    _require_standing(work, seat)
    if because not in VACATED_AS:
        raise Refusal("WRONG_SEAT_END", path=("because",))
    if not own:
        await work.not_own(seat.enterprise_id)
    text = optional_text(reason, "reason", limit=2000)
    if because is SeatEnd.REMOVED and text is None:
        raise Refusal("EMPTY_TEXT", path=("reason",))
    await _end(work, area, seat, because, text, owner=seat.enterprise_id if own else None)
    return seat


async def _end(
    work: Work, area: Area, seat: EnterpriseSeat, because: SeatEnd, reason: str | None, *, owner: UUID | None = None
) -> None:
    if seat.council_seat_id is not None:
        await work.port(COUNCILS).vacate(work, seat_id=seat.council_seat_id, because=VACATED_AS[because], reason=reason)
    work.require(MANAGE, area, owner=owner)
    _ended(work, seat, because, reason)


def _ended(work: Work, seat: EnterpriseSeat, because: SeatEnd, reason: str | None = None) -> None:
    work.change(
        seat, state=EnterpriseSeatState.ENDED, council_seat_id=None, ended_on=work.happened_on, ended_because=because
    )
    work.record(
        "enterprise_council.seat.ended", seat, area_id=seat.area_id, data=_about(seat, because=str(because)),
        text={"reason": reason},
    )  # fmt: skip


def _vacant(work: Work, seat: EnterpriseSeat) -> None:
    work.change(seat, state=EnterpriseSeatState.VACANT, council_seat_id=None)
    work.record("enterprise_council.seat.vacant", seat, area_id=seat.area_id, data=_about(seat))


# --- what happens elsewhere, and by the clock ------------------------------------------------------------


async def _agree(work: Work, seat: EnterpriseSeat) -> bool:
    """What became of the representative's seat in the body: the enterprise may send somebody else, unless its own seat
    ended with that; then False."""
    if seat.state is not EnterpriseSeatState.HELD or seat.council_seat_id is None:
        return True
    because = (await work.port(COUNCILS).seat(work, seat.council_seat_id)).vacated_because
    if because in ENDS:
        _ended(work, seat, ENDS[because])
        return False
    if because is not None:
        _vacant(work, seat)
    return True


_STANDS = (
    f"({here_sql('t.enterprise_id', 't.area_id', ':today:')} AND (t.state = 'VACANT'"
    f" OR {sent_sql('t.representative_id', 't.enterprise_id', 't.area_id', ':now:')}) AND t.term_end > :today:)"
)
STANDING_SQL = f"SELECT t.id, t.area_id FROM enterprise_council_seat t WHERE t.state <> 'ENDED' AND NOT {_STANDS}"


async def settle_seat(work: Work, seat_id: UUID) -> None:
    """An enterprise has left the area, its term is over, or its representative has its mandate no longer."""
    area, seat = await work.lock_with(EnterpriseSeat, seat_id, Area)
    if seat.state is EnterpriseSeatState.ENDED:
        return
    work.require(MANAGE, area)
    if not await _agree(work, seat):
        return
    day = work.clock.civil_date(work.now)
    here, sent = here_sql("{0}", "{1}", "{2}"), sent_sql("{3}", "{0}", "{1}", "{4}")
    rows = await work.rows(
        f"SELECT {here} AS here, {sent} AS sent",
        seat.enterprise_id, seat.area_id, day, seat.representative_id, work.now,
    )  # fmt: skip
    if not rows[0]["here"]:
        await _end(work, area, seat, SeatEnd.LEFT_AREA, None)
    elif seat.state is EnterpriseSeatState.VACANT and seat.term_end <= day:
        _ended(work, seat, SeatEnd.TERM_OVER)
    elif seat.council_seat_id is not None and not rows[0]["sent"]:
        await work.port(COUNCILS).vacate(work, seat_id=seat.council_seat_id, because="OTHER", reason=GONE)
        work.require(MANAGE, area)
        _vacant(work, seat)


async def hear_left(work: Work, event: EventRecord) -> None:
    """Somebody belongs to an area no longer: an enterprise's seats there end with that."""
    rows = await work.rows("SELECT actor_id AS id FROM core_membership WHERE id = {}", event.subject_id)
    for row in rows:
        for seat in await work.select(EnterpriseSeat, enterprise_id=as_uuid(row["id"]), state=STANDING):
            area = await work.get(Area, seat.area_id)
            if KEY in work.place(area).plugins:
                await settle_seat(work, seat.id)
                await work.flush_now()


async def hear_body(work: Work, event: EventRecord) -> None:
    """A body's composition changed, or it was dissolved: its enterprises' seats follow, and what is told of their share."""
    body_id = event.subject_id
    councils = work.port(COUNCILS)
    standing = await work.select(EnterpriseSeat, lock=True, body_id=body_id, state=STANDING)
    body, bounds = await councils.body(work, body_id), await councils.bounds(work, body_id, ENTERPRISE)
    for seat in standing:
        work.require(MANAGE, seat)
        if not await _agree(work, seat) or seat.state is EnterpriseSeatState.HELD:
            continue
        if not body.is_active:
            _ended(work, seat, SeatEnd.DISSOLVED)
        elif bounds is None:
            _ended(work, seat, SeatEnd.BY_CHARTER)
    share = await work.find(EnterpriseShare, body_id=body_id)
    if share is None and bounds is None:
        return
    sitting = [s for s in await councils.seats(work, body_id) if s.category == ENTERPRISE and not s.is_suspended]
    is_valid = await councils.is_valid(work, body_id)
    seats = 0 if bounds is None or not body.is_active else bounds.upper
    now = {
        "body_name": body.name, "size": body.size, "seats": seats, "taken": len(sitting),
        "is_whole": len(sitting) == seats, "is_valid": is_valid,
    }  # fmt: skip
    area = await work.get(Area, body.area_id)
    work.require(MANAGE, area)
    if share is None:
        share = work.add(EnterpriseShare(id=new_id(), area_id=area.id, body_id=body_id, changed_at=work.now, **now))
    elif all(getattr(share, name) == value for name, value in now.items()):
        return
    else:
        work.change(share, changed_at=work.now, **now)
    work.record(
        "enterprise_council.composition.changed", share, area_id=area.id,
        data={
            "body": str(body_id), "size": body.size, "seats": seats, "taken": len(sitting),
            "whole": len(sitting) == seats, "valid": is_valid,
        },
    )  # fmt: skip
