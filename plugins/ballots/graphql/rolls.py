"""What can be done with eligibility rules, attested facts, rolls, and objections to them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.ballots import rules
from plugins.ballots.graphql.nodes import (
    BallotsAttestation,
    BallotsEntry,
    BallotsObjection,
    BallotsRoll,
    BallotsRule,
)
from plugins.ballots.terms import (
    EligibilityPredicate,
    RollObjectionWish,
    VoterFact,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area


@strawberry.input(description="What a clause asks for (资格条件).")
class BallotsPredicateInput:
    predicate: EligibilityPredicate
    number: int = strawberry.field(default=0, description="Years of age, else months (数值).")


@strawberry.input(description="One way to be eligible (资格条款).")
class BallotsClauseInput:
    basis: str = strawberry.field(description="A code the roll shows, NON_LOCAL_1Y for instance (登记依据).")
    all: list[BallotsPredicateInput] = strawberry.field(description="All of these have to hold (全部条件).")


@strawberry.input
class BallotsMakeRuleInput(MutationInput):
    area_id: strawberry.ID
    kind: str = strawberry.field(description="The kind of election, a code; DEFAULT for any ballot (选举类别).")
    title: str
    clauses: list[BallotsClauseInput]
    statute: str | None = strawberry.field(
        default=None, description="Needed where household registration counts (法律依据)."
    )


@mutation("ballots.rule.manage", on=Subject(Area, "area_id"), rule=BallotsRule)
async def ballots_make_rule(work: Work, input: BallotsMakeRuleInput) -> Result:
    """Say who may vote in elections of a kind, from now on (制定选民资格规则)."""
    clauses = [rules.Clause(c.basis, tuple(rules.Asked(a.predicate, a.number) for a in c.all)) for c in input.clauses]
    made = await rules.make_rule(
        work, area_id=from_global(input.area_id, "area", "areaId"), kind=input.kind, title=input.title,
        clauses=clauses, statute=input.statute,
    )  # fmt: skip
    return {"rule": made}


@strawberry.input
class BallotsAttestInput(MutationInput):
    area_id: strawberry.ID
    person_id: strawberry.ID
    fact: VoterFact
    day: date = strawberry.field(description="The birthday, or since when it holds (日期).")
    evidence: str = strawberry.field(description="Which paper showed it; no id number (凭据).")


@mutation("ballots.roll.manage", on=Subject(Area, "area_id"), batch=True, attestation=BallotsAttestation)
async def ballots_attest(work: Work, input: BallotsAttestInput) -> Result:
    """Note what a paper showed about a person, for rolls (核实选民事项)."""
    made = await rules.attest(
        work, area_id=from_global(input.area_id, "area", "areaId"),
        person_id=from_global(input.person_id, "actor", "personId"), fact=input.fact, day=input.day,
        evidence=input.evidence,
    )  # fmt: skip
    return {"attestation": made}


@strawberry.input
class BallotsWithdrawAttestationInput(ChangeInput):
    attestation_id: strawberry.ID
    reason: str


@mutation("ballots.roll.manage", on=Subject(BallotsAttestation, "attestation_id"), attestation=BallotsAttestation)
async def ballots_withdraw_attestation(work: Work, input: BallotsWithdrawAttestationInput) -> Result:
    """Take back what was noted wrongly, or holds no longer (撤回核实)."""
    id = from_global(input.attestation_id, "ballots_attestation", "attestationId")
    return {"attestation": await rules.withdraw_attestation(work, attestation_id=id, reason=input.reason)}


@strawberry.input
class BallotsDraftRollInput(MutationInput):
    area_id: strawberry.ID
    kind: str = strawberry.field(description="The kind of election its rule is for (选举类别).")
    title: str
    as_of: date | None = strawberry.field(
        default=None, description="Eligible on this day; today unless told (资格截止日)."
    )


@mutation("ballots.roll.manage", on=Subject(Area, "area_id"), roll=BallotsRoll)
async def ballots_draft_roll(work: Work, input: BallotsDraftRollInput) -> Result:
    """Draft a roll: everybody here whom the rule finds eligible (编制选民名册)."""
    roll = await rules.draft_roll(
        work, area_id=from_global(input.area_id, "area", "areaId"), kind=input.kind, title=input.title,
        as_of=input.as_of,
    )  # fmt: skip
    return {"roll": roll}


@strawberry.input
class BallotsRollInput(ChangeInput):
    roll_id: strawberry.ID


@strawberry.input
class BallotsDiscardRollInput(BallotsRollInput):
    reason: str


def _roll(input: BallotsRollInput) -> UUID:
    return from_global(input.roll_id, "ballots_roll", "rollId")


ROLL = Subject(BallotsRoll, "roll_id")


@strawberry.input
class BallotsPostRollInput(BallotsRollInput):
    pass


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_post_roll(work: Work, input: BallotsPostRollInput) -> Result:
    """Post a roll, for everybody to see and to object to (公布名册)."""
    return {"roll": await rules.post_roll(work, roll_id=_roll(input))}


@strawberry.input
class BallotsFinaliseRollInput(BallotsRollInput):
    pass


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_finalise_roll(work: Work, input: BallotsFinaliseRollInput) -> Result:
    """Objections are over and answered: the roll is final (确认名册)."""
    return {"roll": await rules.finalise_roll(work, roll_id=_roll(input))}


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_discard_roll(work: Work, input: BallotsDiscardRollInput) -> Result:
    """Give a roll up that nothing rests on yet (作废名册)."""
    return {"roll": await rules.discard_roll(work, roll_id=_roll(input), reason=input.reason)}


@strawberry.input
class BallotsAddToRollInput(MutationInput):
    roll_id: strawberry.ID
    actor_id: strawberry.ID


@mutation("ballots.roll.manage", on=ROLL, entry=BallotsEntry)
async def ballots_add_to_roll(work: Work, input: BallotsAddToRollInput) -> Result:
    """Enter somebody whom the draft has missed; refused with the reason why they are not eligible (补登选民)."""
    entry = await rules.add_entry(
        work, roll_id=from_global(input.roll_id, "ballots_roll", "rollId"),
        actor_id=from_global(input.actor_id, "actor", "actorId"),
    )  # fmt: skip
    return {"entry": entry}


@strawberry.input
class BallotsRemoveFromRollInput(ChangeInput):
    entry_id: strawberry.ID
    reason: str


@mutation("ballots.roll.manage", on=Subject(BallotsEntry, "entry_id"), entry=BallotsEntry)
async def ballots_remove_from_roll(work: Work, input: BallotsRemoveFromRollInput) -> Result:
    """Strike somebody off a draft (从名册草稿除名)."""
    id = from_global(input.entry_id, "ballots_entry", "entryId")
    return {"entry": await rules.remove_entry(work, entry_id=id, reason=input.reason)}


@strawberry.input
class BallotsObjectToRollInput(MutationInput):
    roll_id: strawberry.ID
    person_id: strawberry.ID = strawberry.field(description="Whom it is about; oneself, perhaps (涉及人).")
    wish: RollObjectionWish
    statement: str


@mutation("ballots.roll.object", on=ROLL, objection=BallotsObjection)
async def ballots_object_to_roll(work: Work, input: BallotsObjectToRollInput) -> Result:
    """Say that a posted roll is wrong about somebody (提出名册异议)."""
    made = await rules.submit_objection(
        work, roll_id=from_global(input.roll_id, "ballots_roll", "rollId"),
        person_id=from_global(input.person_id, "actor", "personId"), wish=input.wish, statement=input.statement,
    )  # fmt: skip
    return {"objection": made}


@strawberry.input
class BallotsObjectionInput(ChangeInput):
    objection_id: strawberry.ID


@strawberry.input
class BallotsAnswerObjectionInput(BallotsObjectionInput):
    uphold: bool
    answer: str


def _objection(input: BallotsObjectionInput) -> UUID:
    return from_global(input.objection_id, "ballots_objection", "objectionId")


@strawberry.input
class BallotsWithdrawObjectionInput(BallotsObjectionInput):
    pass


@mutation(
    "ballots.roll.object",
    on=Subject(BallotsObjection, "objection_id", lambda t: [t.objector_id]),
    objection=BallotsObjection,
)
async def ballots_withdraw_objection(work: Work, input: BallotsWithdrawObjectionInput) -> Result:
    """Withdraw one's own objection (撤回异议)."""
    return {"objection": await rules.withdraw_objection(work, objection_id=_objection(input))}


@mutation("ballots.roll.decide", on=Subject(BallotsObjection, "objection_id"), objection=BallotsObjection)
async def ballots_answer_objection(work: Work, input: BallotsAnswerObjectionInput) -> Result:
    """Answer an objection; upholding it changes the roll (处理异议)."""
    made = await rules.answer_objection(work, objection_id=_objection(input), uphold=input.uphold, answer=input.answer)
    return {"objection": made}
