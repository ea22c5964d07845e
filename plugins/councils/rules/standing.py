"""Who sits in a body now. What the clock has made due, and what turning a mechanism off or on means for the seats it
keeps, is settled first, should the jobs not have come to it.

Kept seats, as enterprises' are (M11), are a fixed number, filled through their keeper and moved by a charter alone. Where
the keeper is off they are suspended: they count nowhere, nobody else sits down there, and their terms go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.enums import MandateState
from core.errors import Refusal
from core.models import Mandate
from core.ports import DECISION_GATE, ELIGIBILITY
from core.settings.store import as_uuid
from core.work import Work
from plugins.councils.models import Body, CompositionCheck, Seat, SeatRule
from plugins.councils.ports import SEAT_KEEPER
from plugins.councils.rules import composition
from plugins.councils.terms import (
    HOLDING,
    OFFICERS,
    RESIDENTS,
    SITTING,
    BodyState,
    SeatCategory,
    SeatRuleState,
    SeatState,
    VacatedBecause,
)

FILL = "councils.seat.fill"


@dataclass(frozen=True)
class Standing:
    """The seats and the rules that count, and the seats that are suspended."""

    seats: list[Seat]
    rules: list[SeatRule]
    suspended: list[Seat]

    @property
    def taken(self) -> list[Seat]:
        return [*self.seats, *self.suspended]

    def of(self, seat_id: UUID) -> Seat:
        """Refuses SEAT_VACATED."""
        found = next((s for s in self.taken if s.id == seat_id), None)
        if found is None:
            raise Refusal("SEAT_VACATED")
        return found


def keeper(work: Work, at: Body, category: SeatCategory, *, is_needed: bool = True) -> str | None:
    """The mechanism that keeps a category's seats, if one does; refuses PLUGIN_DISABLED where it is off."""
    found = work.port(SEAT_KEEPER).keeps(str(category))
    if found is not None and is_needed and found not in work.place(at).plugins:
        raise Refusal("PLUGIN_DISABLED", plugin=found)
    return found


def rests(work: Work, body: Body, row: Seat | SeatRule) -> bool:
    """Is the mechanism off that keeps it?"""
    return row.kept_by is not None and row.kept_by not in work.place(body).plugins


async def _stored(work: Work, body: Body) -> tuple[list[Seat], list[SeatRule]]:
    seats = await work.select(Seat, body_id=body.id, state=list(SITTING))
    return seats, await work.select(SeatRule, body_id=body.id, state=list(HOLDING))


async def _unsent(work: Work, body: Body, seats: Sequence[Seat]) -> set[UUID]:
    """The seats whose holder has no mandate any more, where the body lies now, of whoever sent them."""
    sent = [s for s in seats if s.mandate_of_id is not None]
    if not sent:
        return set()
    held = await work.select(Mandate, person_id=[s.holder_id for s in sent], state=MandateState.ACTIVE)
    chain = work.place(body).chain
    there = [m for m in held if m.area_id in chain and (m.until is None or m.until > work.now)]
    live = {(m.person_id, m.organization_id) for m in there}
    return {s.id for s in sent if (s.holder_id, s.mandate_of_id) not in live}


def _no_home(today: str) -> str:
    """SQL: the seat `t` asks that its holder lives where the body lies, and no residence recorded there holds that day; its
    last day counts, so that a move within the area is none away from it."""
    asked = " OR ".join(f"t.categories LIKE '%|{category.value}|%'" for category in RESIDENTS)
    return (
        f"({asked}) AND NOT EXISTS (SELECT 1 FROM core_membership m JOIN core_area_closure x ON x.ancestor_id = t.area_id"
        " AND x.descendant_id = m.area_id AND x.until IS NULL WHERE m.actor_id = t.holder_id AND m.role = 'RESIDENT'"
        f" AND m.since <= {today} AND (m.until IS NULL OR m.until >= {today}))"
    )


async def _gone(work: Work, body: Body) -> set[UUID]:
    """The seats whose holder lives there no longer, where filling them asked that they do."""
    sql = f"SELECT t.id, t.holder_id FROM councils_seat t WHERE t.body_id = {{0}} AND t.state <> 'VACATED' AND {_no_home('{1}')}"
    lives = work.port(ELIGIBILITY).resident_since
    rows = await work.rows(sql, body.id, work.clock.civil_date(work.now))
    return {as_uuid(r["id"]) for r in rows if await lives(work, as_uuid(r["holder_id"]), body.area_id) is None}


def _now(
    work: Work, body: Body, seats: Sequence[Seat], rules: Sequence[SeatRule], lost: Mapping[UUID, VacatedBecause]
) -> Standing:
    today = work.clock.civil_date(work.now)
    sitting = [s for s in seats if s.term_end > today and s.id not in lost]
    return Standing(
        [s for s in sitting if not rests(work, body, s)],
        [r for r in rules if not rests(work, body, r)],
        [s for s in sitting if rests(work, body, s)],
    )


async def _lost(work: Work, body: Body, seats: Sequence[Seat]) -> dict[UUID, VacatedBecause]:
    """The seats whose holder may not sit there any more, though their term runs."""
    gone = dict.fromkeys(await _gone(work, body), VacatedBecause.LEFT_AREA)
    return gone | dict.fromkeys(await _unsent(work, body, seats), VacatedBecause.MANDATE_ENDED)


async def officer(work: Work, body_id: UUID) -> UUID | None:
    """The principal, if they are the body's chair, vice chair or secretary now, whether or not the clock has come to it:
    what officers do is their own matter."""
    if work.system:
        return None
    held = await work.select(
        Seat, body_id=body_id, holder_id=work.principal_id, state=SeatState.FILLED, office=list(OFFICERS)
    )
    found = [s for s in held if s.term_end > work.clock.civil_date(work.now)]
    if not found:
        return None
    lost = await _lost(work, await work.get(Body, body_id), found)
    return work.principal_id if any(s.id not in lost for s in found) else None


async def read(work: Work, body: Body) -> Standing:
    """As it is now, whatever is stored still; nothing is written."""
    seats, rules = await _stored(work, body)
    return _now(work, body, seats, rules, await _lost(work, body, seats))


async def standing(work: Work, body: Body) -> Standing:
    """As it is now, and so it is stored; hold the body, and ask `require`, first."""
    seats, rules = await _stored(work, body)
    lost = await _lost(work, body, seats)
    now = _now(work, body, seats, rules, lost)
    kept = {s.id for s in now.taken}
    over = [s for s in seats if s.id not in kept]
    for seat in over:
        if seat.id in lost and seat.term_end > work.clock.civil_date(work.now):
            vacate(work, body, seat, lost[seat.id], work.clock.civil_date(work.now))
        else:
            vacate(work, body, seat, VacatedBecause.TERM_OVER, seat.term_end)
    turned = _turn(work, body, [*rules, *now.taken])
    if over or turned:
        check = composition.recheck(work, body, now.seats, now.rules)
        if turned:
            await _tell(work, body, check, now)
        await work.flush_now()
    return now


def _turn(work: Work, body: Body, rows: Sequence[Seat | SeatRule]) -> bool:
    """Suspend what rests and restore what rests no longer; was there anything?"""
    suspended = (SeatState.SUSPENDED, SeatRuleState.SUSPENDED)
    to_rest = [r for r in rows if rests(work, body, r) and r.state not in suspended]
    to_go_on = [r for r in rows if not rests(work, body, r) and r.state in suspended]
    for row in to_rest:
        work.change(row, state=_state(row, SeatState.SUSPENDED, SeatRuleState.SUSPENDED))
    for row in to_go_on:
        work.change(row, state=_state(row, SeatState.FILLED, SeatRuleState.IN_FORCE))
    for turned, event in ((to_rest, "councils.seats.suspended"), (to_go_on, "councils.seats.restored")):
        if turned:
            keepers = sorted({str(r.kept_by) for r in turned})
            seats = [str(r.id) for r in turned if isinstance(r, Seat)]
            data = {"body": str(body.id), "keepers": keepers, "seats": seats}
            work.record(event, body, area_id=body.area_id, data=data)
    return bool(to_rest or to_go_on)


def _state(row: Seat | SeatRule, of_seat: SeatState, of_rule: SeatRuleState) -> SeatState | SeatRuleState:
    return of_seat if isinstance(row, Seat) else of_rule


async def _tell(work: Work, body: Body, check: CompositionCheck, now: Standing) -> None:
    """Make it public, where notices are published."""
    kept = [s for s in now.taken if s.kept_by is not None]
    names, count = "、".join(sorted({s.category.zh for s in kept})) or "其他机制", len(now.suspended)
    done = f"暂停 {count} 席,不计入组成、到会与表决,任期照算" if count else "恢复"
    await work.port(DECISION_GATE).announce(
        work, subject=check, area_id=body.area_id, kind="组成变动", title=f"{body.name}组成变动公告",
        body=f"因相关机制启停,{body.name}的{names}席位{done}。现计 {len(now.seats)} 人,"
        f"组成{'合规' if check.is_valid else '不合规'}。",
        concerns=[id for s in kept for id in (s.holder_id, s.mandate_of_id) if id is not None],
    )  # fmt: skip


def vacate(work: Work, body: Body, seat: Seat, because: VacatedBecause, on: date, reason: str | None = None) -> None:
    """Queue and record that a seat is vacant; the check of the composition follows."""
    work.change(seat, state=SeatState.VACATED, vacated_on=on, vacated_because=because)
    work.record(
        "councils.seat.vacated", seat, area_id=body.area_id,
        data={"body": str(body.id), "holder": str(seat.holder_id), "because": str(because)}, text={"reason": reason},
    )  # fmt: skip


# --- by the clock ----------------------------------------------------------------------------------------

TERMS_SQL = (
    "SELECT t.id, t.area_id FROM councils_seat t WHERE t.state <> 'VACATED' AND (t.term_end <= :today:"
    " OR t.mandate_of_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM core_mandate m WHERE m.person_id = t.holder_id"
    " AND m.organization_id = t.mandate_of_id AND m.state = 'ACTIVE' AND (m.until IS NULL OR m.until > :now:)"
    " AND EXISTS (SELECT 1 FROM core_area_closure x WHERE x.ancestor_id = m.area_id AND x.descendant_id = t.area_id"
    f" AND x.until IS NULL)) OR {_no_home(':today:')})"
)


async def settle_term(work: Work, seat_id: UUID) -> None:
    """The clock: a term, a mandate or a residence is over, its seat is vacant, and the composition is counted anew."""
    body, _ = await work.lock_with(Seat, seat_id, Body)
    await _settle(work, body)


def _turned_sql(table: str) -> str:
    is_on = (
        "EXISTS (SELECT 1 FROM core_plugin_area p WHERE p.plugin = k.kept_by AND p.area_id = k.area_id"
        " AND (p.until IS NULL OR p.until > :now:))"
    )
    live = f"k.kept_by IS NOT NULL AND k.state <> '{'VACATED' if table == 'councils_seat' else 'ENDED'}'"
    return (
        f"SELECT k.body_id AS id, k.area_id AS area_id FROM {table} k WHERE {live} AND k.state <> 'PLANNED'"
        f" AND (k.state = 'SUSPENDED') = {is_on}"
    )


TURNED_SQL = f"{_turned_sql('councils_seat_rule')} UNION {_turned_sql('councils_seat')}"


async def settle_turned(work: Work, body_id: UUID) -> None:
    """A mechanism that keeps seats of the body was turned off or on."""
    await _settle(work, await work.lock(Body, body_id))


async def _settle(work: Work, body: Body) -> None:
    if body.state is BodyState.ACTIVE:
        work.require(FILL, body)
        await standing(work, body)
