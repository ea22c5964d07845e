"""A charter comes into force (M01, INV17), in place of the one before, and constitutes bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.errors import Refusal
from core.models import Area
from core.ports import DECISION_GATE
from core.work import Work
from plugins.councils.models import Body, Charter, Constituted, Seat, SeatRule
from plugins.councils.rules import composition
from plugins.councils.rules.charters import ENACT, clauses_of, require_conforming, require_state
from plugins.councils.rules.standing import read, rests, standing, vacate
from plugins.councils.terms import (
    HOLDING,
    CharterState,
    SeatRuleState,
    VacatedBecause,
)


async def enact_charter(work: Work, *, charter_id: UUID) -> Charter:
    """The clerk puts an adopted charter in force: at this instant the one before ends, and its bodies are as it says.

    Versions adopted before it that were never enacted are left behind: rejected. Refuses UNDER_NOTICE (INV9), CHARTER_STATE,
    CHARTER_LEFT_BEHIND where one adopted later is or was in force, PARAMETER_TOO_LAX, CHARTER_CONFLICT where a body it names
    is gone or is constituted by another area's charter.
    """
    area, charter = await work.lock_with(Charter, charter_id, Area)
    work.require(ENACT, area)
    work.expect_version(charter)
    require_state(charter, CharterState.ADOPTED)
    held = await work.select(Charter, area_id=area.id, state=[CharterState.IN_FORCE, CharterState.SUPERSEDED])
    if any(
        c.adopted_at is not None and charter.adopted_at is not None and c.adopted_at > charter.adopted_at for c in held
    ):
        raise Refusal("CHARTER_LEFT_BEHIND")
    if not await work.port(DECISION_GATE).may_take_effect(work, charter):
        raise Refusal("UNDER_NOTICE")
    await require_conforming(work, area, await clauses_of(work, charter))
    named = {c.body_id: c for c in await work.select(Constituted, charter_id=charter.id, is_dropped=False)}
    before = await work.find(Charter, area_id=area.id, state=CharterState.IN_FORCE)
    bodies = await work.select(Body, lock=True, id=list(named)) if named else []
    for body in bodies:
        await standing(work, body)
    dropped = []
    if before is not None:
        before = await work.lock(Charter, before.id)
        dropped = [b for b in await work.select(Body, lock=True, charter_id=before.id) if b.id not in named]
        work.change(before, state=CharterState.SUPERSEDED, superseded_at=work.now)
    work.change(charter, state=CharterState.IN_FORCE, effective_from=work.now)
    for body in bodies:
        elsewhere = None if body.charter_id is None else await work.get(Charter, body.charter_id)
        if body.state != "ACTIVE" or (elsewhere is not None and elsewhere.area_id != area.id):
            raise Refusal("CHARTER_CONFLICT", body=body.name)
    changed = await _constitute(work, charter, bodies, dropped, named)
    work.record(
        "councils.charter.enacted", charter, area_id=area.id,
        data={"charter": str(charter.id), "area": str(area.id), "before": None if before is None else str(before.id)},
    )  # fmt: skip
    for body, now in changed:
        for seat in now.leaving:
            vacate(work, body, seat, VacatedBecause.BY_CHARTER, work.happened_on)
        composition.recheck(work, body, now.seats, now.rules, is_noted=True)
    for old in await work.select(Charter, lock=True, area_id=area.id, state=CharterState.ADOPTED):
        if old.adopted_at is not None and charter.adopted_at is not None and old.adopted_at < charter.adopted_at:
            work.change(old, state=CharterState.REJECTED)
            work.record("councils.charter.rejected", old, area_id=area.id)
    return charter


@dataclass(frozen=True)
class _Anew:
    """What counts in a body from now on, and who has no seat there any more."""

    seats: list[Seat]
    rules: list[SeatRule]
    leaving: list[Seat]


async def _constitute(
    work: Work, charter: Charter, bodies: Sequence[Body], dropped: Sequence[Body], named: dict[UUID, Constituted]
) -> list[tuple[Body, _Anew]]:
    """Queue what the charter makes of its bodies: size, powers, seat rules. Bodies the one before named, and this one does
    not, go on without what it gave them to decide, and may be changed without a charter. Seats that a mechanism keeps end where the charter has
    none of their category."""
    planned = await work.select(SeatRule, charter_id=charter.id, state=SeatRuleState.PLANNED)
    changed: list[tuple[Body, _Anew]] = []
    for body in bodies:
        now = await read(work, body)
        coming = [r for r in planned if r.body_id == body.id]
        categories = {r.category for r in coming}
        leaving = [s for s in now.taken if s.kept_by is not None and s.category not in categories]
        if len(now.taken) - len(leaving) > named[body.id].size:
            raise Refusal("CHARTER_CONFLICT", body=body.name)
        for old in await work.select(SeatRule, body_id=body.id, state=list(HOLDING)):
            work.change(old, state=SeatRuleState.ENDED, until=work.now)
        for rule in coming:
            state = SeatRuleState.SUSPENDED if rests(work, body, rule) else SeatRuleState.IN_FORCE
            work.change(rule, state=state, since=work.now)
        seats = [s for s in now.seats if s not in leaving]
        rules = [r for r in coming if r.state is SeatRuleState.IN_FORCE]
        said = named[body.id]
        work.change(
            body, charter_id=charter.id, size=said.size, is_advisory=said.is_advisory, matters=said.matters,
            is_valid=not composition.violations(seats, rules),
        )  # fmt: skip
        changed.append((body, _Anew(seats, rules, leaving)))
    for body in dropped:
        work.change(body, charter_id=None, matters="|")
    return changed
