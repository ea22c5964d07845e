"""Objections against a posted roll: anybody's word that somebody should stand on it, or should not; answered by another."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.rules.inputs import needed
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.models import Objection, Roll, RollEntry, keepers_of, standing_over
from plugins.ballots.rules.common import impartial_over
from plugins.ballots.rules.rolls import enter, objections_end, strike
from plugins.ballots.terms import RollEntryState, RollObjectionState, RollObjectionWish, RollState


async def submit_objection(
    work: Work, *, roll_id: UUID, person_id: UUID, wish: RollObjectionWish, statement: str
) -> Objection:
    """Refuses ROLL_STATE, OBJECTIONS_OVER, ALREADY_OBJECTED_TO_ROLL, NOT_ON_ROLL, ALREADY_ON_ROLL."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.roll.object", roll)
    if roll.state is not RollState.POSTED:
        raise Refusal("ROLL_STATE", state=roll.state)
    last = await objections_end(work, roll)
    if work.recorded_on > last:
        raise Refusal("OBJECTIONS_OVER", until=last.isoformat())
    person = await work.get(Actor, person_id)
    entry = await work.find(RollEntry, roll_id=roll_id, actor_id=person.id)
    stands = entry is not None and entry.state is not RollEntryState.REMOVED
    if wish is RollObjectionWish.REMOVE and not stands:
        raise Refusal("NOT_ON_ROLL")
    if wish is RollObjectionWish.ADD and stands:
        raise Refusal("ALREADY_ON_ROLL")
    objector = work.principal_id
    if await work.select(
        Objection, roll_id=roll_id, objector_id=objector, person_id=person.id, state=RollObjectionState.OPEN
    ):
        raise Refusal("ALREADY_OBJECTED_TO_ROLL")
    made = Objection(
        id=new_id(), area_id=roll.area_id, roll_id=roll_id, objector_id=objector, person_id=person.id, wish=wish,
        statement=needed(statement, "statement"), state=RollObjectionState.OPEN, submitted_at=work.occurred_at,
    )  # fmt: skip
    work.add(made)
    work.record("ballots.objection.submitted", made, area_id=roll.area_id, data={"roll": str(roll_id)})
    return made


async def withdraw_objection(work: Work, *, objection_id: UUID) -> Objection:
    """The objector thinks better of it. Refuses OWN_MATTER (INV10: at the desk who keeps the roll, who stands in an election
    over it, and whom the objection is about), ROLL_OBJECTION_STATE."""
    _, objection = await work.lock_with(Objection, objection_id, Roll)
    work.require("ballots.roll.object", objection, owner=objection.objector_id)
    work.expect_version(objection)
    if work.acting.behalf_of_id is not None:
        whose = f"{keepers_of('{0}')} UNION {standing_over('{0}')}"
        concerned = [as_uuid(row["id"]) for row in await work.rows(whose, objection.roll_id)]
        await work.not_at_the_desk_of(objection.person_id, *concerned)
    _open(objection)
    work.change(objection, state=RollObjectionState.WITHDRAWN)
    work.record("ballots.objection.withdrawn", objection, area_id=objection.area_id)
    return objection


async def answer_objection(work: Work, *, objection_id: UUID, uphold: bool, answer: str) -> Objection:
    """Who upholds it changes the roll with it: the person is entered by the rule, or struck off.

    Refuses OWN_MATTER (INV10; also who stands in an election over the roll), ENTERED_BY_YOU, ROLL_OBJECTION_STATE, and with
    the reason why somebody cannot be entered.
    """
    roll, objection = await work.lock_with(Objection, objection_id, Roll)
    work.require("ballots.roll.decide", roll)
    work.expect_version(objection)
    await impartial_over(work, roll.id, objection.objector_id, objection.person_id)
    await work.not_entered(objection)
    _open(objection)
    text = needed(answer, "answer")
    data = {"roll": str(roll.id), "actor": str(objection.person_id), "wish": str(objection.wish)}
    if uphold and objection.wish is RollObjectionWish.ADD:
        entry = await enter(work, roll, objection.person_id)
        work.record("ballots.entry.added", entry, area_id=roll.area_id, data={**data, "basis": entry.basis})
    elif uphold:
        found = await work.find(RollEntry, roll_id=roll.id, actor_id=objection.person_id)
        if found is None or found.state is RollEntryState.REMOVED:
            raise Refusal("NOT_ON_ROLL")
        strike(work, found)
        work.record("ballots.entry.removed", found, area_id=roll.area_id, data=data)
    state = RollObjectionState.UPHELD if uphold else RollObjectionState.DISMISSED
    work.change(objection, state=state, answer=text, answered_by_id=work.viewer.person_id, answered_at=work.occurred_at)
    how = "upheld" if uphold else "dismissed"
    work.record(f"ballots.objection.{how}", objection, area_id=roll.area_id, data=data)
    return objection


def _open(objection: Objection) -> None:
    if objection.state is not RollObjectionState.OPEN:
        raise Refusal("ROLL_OBJECTION_STATE", state=objection.state)
