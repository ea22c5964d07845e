"""Who may vote: eligibility rules, attested facts, rolls, and objections to them; what there is to read, and what can be done."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.ballots import models, rules
from plugins.ballots.terms import (
    EligibilityPredicate,
    EligibilityState,
    RollEntryState,
    RollObjectionState,
    RollObjectionWish,
    RollState,
    VoterFact,
    VoterFactState,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, case, select
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts, viewer

PUBLIC_ROLL = [RollState.POSTED, RollState.FINAL, RollState.FROZEN, RollState.RELEASED]


def rows(text: Any) -> list[dict[str, Any]]:
    """A JSON list of objects as it is stored; nothing where it is something else."""
    found = json.loads(text) if isinstance(text, str) else []
    return [row for row in found if isinstance(row, dict)]


@strawberry.type(description="What a clause asks for (资格条件).")
class BallotsPredicate:
    predicate: str = strawberry.field(description="AGE, RESIDENCE, APPLICATION … (条件).")
    number: int = strawberry.field(description="Years of age, else months; 0 where it does not matter (数值).")


@strawberry.type(description="One way to be eligible: all of it has to hold (资格条款).")
class BallotsClause:
    basis: str = strawberry.field(description="What the roll shows as the basis (登记依据).")
    all: list[BallotsPredicate] = strawberry.field(description="All of these (全部条件).")


def _clauses(values: dict[str, Any], facts: Any) -> list[BallotsClause]:
    return [
        BallotsClause(
            basis=c["basis"], all=[BallotsPredicate(predicate=a["predicate"], number=a["number"]) for a in c["all"]]
        )
        for c in rows(values["clauses"])
    ]


@node(models.EligibilityRule, scope=public("Who may vote by which rule is for everybody."), order="title")
class BallotsRule:
    """Who may vote in elections of a kind, as an edition that can be explained (选民资格规则)."""

    kind: str = column(description="The kind of election, a code (选举类别).")
    edition: int = column(description="1 is the first (版次).")
    title: str = column(order=True)
    clauses: list[BallotsClause] = python(
        _clauses, columns=lambda t: {"clauses": t.clauses}, settings=False, description="Any one is enough (资格条款)."
    )
    statute: str | None = column(filter=False, description="The law that lets household registration count (法律依据).")
    state: EligibilityState = column()
    version: int = column(filter=False)
    area: Area = to_one()


def _manages(t: RowOf, v: ViewerFacts) -> Expr:
    return v.may("ballots.roll.manage", t.area_id)


@node(models.Attestation, scope=lambda t, v: v.acts_as(t.person_id) | _manages(t, v), order="-attested_at")
class BallotsAttestation:
    """What a clerk saw about a person, for rolls (选民事项核实)."""

    fact: VoterFact = column()
    day: date = column(filter=False, description="The birthday, or since when it holds (日期).")
    evidence: str = column(filter=False, description="Which paper showed it (凭据).")
    state: VoterFactState = column()
    attested_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    person: Actor = to_one()
    attested_by: Actor | None = to_one(description="The clerk (核实人).")


def _roll_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return t.state.is_in(PUBLIC_ROLL) | _manages(t, v)


@strawberry.type(description="Why some are not on a roll (未列入原因).")
class BallotsLeftOut:
    code: str = strawberry.field(description="AGE_UNKNOWN, RESIDENCE_TOO_SHORT …, as a stable code (原因代码).")
    count: int = strawberry.field(description="How many (人数).")


def _left_out(values: dict[str, Any], facts: Any) -> list[BallotsLeftOut]:
    found = json.loads(values["left_out"]) if str(values["left_out"])[:1] == "{" else {}
    return [BallotsLeftOut(code=code, count=int(count)) for code, count in found.items()]


@node(models.Roll, scope=_roll_scope, order="-drafted_at")
class BallotsRoll:
    """Who votes: drafted, posted, objected to, final, and frozen when voting begins (选民名册)."""

    kind: str = column(description="The kind of election, a code (选举类别).")
    title: str = column()
    as_of: date = column(description="Eligible on this day (资格截止日).")
    state: RollState = column()
    is_fixed: bool = column(description="Named voters, a body's members for instance (是否固定名单).")
    is_filling: bool = column(description="Still being drafted by the server (是否编制中).")
    drafted_at: datetime = column(order=True)
    posted_on: date | None = column(description="Hangs out since (公布日).")
    objections_by: date | None = column(description="The last day to object (异议截止日).")
    frozen_at: datetime | None = column(description="Nothing changes it from then on (冻结时间).")
    listed: int = computed(
        lambda t: (
            select(models.RollEntry).where(lambda e: (e.roll_id == t.id) & (e.state == RollEntryState.LISTED)).count()
        ),
        discloses="How many are on a roll is for whoever sees the roll.",
        description="So many carry a vote (有效选民数).",
    )
    left_out: list[BallotsLeftOut] = python(
        _left_out, columns=lambda t: {"left_out": case(_manages(t, viewer), t.left_out)}, settings=False,
        description="Whom the draft has not entered, by the first thing that was missing, for who keeps the roll (未列入人数).",
    )  # fmt: skip
    version: int = column(filter=False)
    area: Area = to_one()
    rule: BallotsRule | None = to_one(description="The rule it rests on (资格规则).")
    entries: Connection[BallotsEntry] = connection("roll_id", description="Who is on it (名册条目).")
    objections: Connection[BallotsObjection] = connection("roll_id", description="Those the viewer may see (异议).")


@strawberry.type(description="What a predicate came to for somebody (资格认定明细).")
class BallotsFinding:
    predicate: str = strawberry.field(description="Which (条件).")
    number: int = strawberry.field(description="How much it asks for (要求).")
    holds: bool = strawberry.field(description="Whether it holds (是否符合).")
    since: date | None = strawberry.field(description="Since when (起始日).")
    code: str | None = strawberry.field(description="Why it does not hold, as a stable code (原因代码).")


def finding(row: dict[str, Any]) -> BallotsFinding:
    since = row.get("since")
    return BallotsFinding(
        predicate=row["predicate"], number=row["number"], holds=row["holds"], code=row["code"],
        since=date.fromisoformat(since) if since else None,
    )  # fmt: skip


def _found(values: dict[str, Any], facts: Any) -> list[BallotsFinding] | None:
    return None if values["found"] is None else [finding(row) for row in rows(values["found"])]


def _entry_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """A posted roll hangs out for everybody; voters who were named were not posted."""
    posted = select(models.Roll).where(
        lambda r: (r.id == t.roll_id) & r.state.is_in(PUBLIC_ROLL) & ~(r.is_fixed == True)  # noqa: E712
    )
    return v.acts_as(t.actor_id) | _manages(t, v) | posted.exists()


def _own_entry(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.actor_id) | _manages(t, v)


@node(models.RollEntry, scope=_entry_scope)
class BallotsEntry:
    """Somebody on a roll, by masked name (名册条目)."""

    basis: str = column(description="The clause by which they vote (登记依据).")
    found: list[BallotsFinding] | None = python(
        _found, columns=lambda t: {"found": case(_own_entry(t, viewer), t.found)}, settings=False,
        description="What that rests on, for themselves and who keeps the roll (认定明细).",
    )  # fmt: skip
    state: RollEntryState = column()
    version: int = column(filter=False)
    area: Area = to_one()
    actor: Actor = to_one()
    roll: BallotsRoll | None = to_one()


def _objection_scope(t: RowOf, v: ViewerFacts) -> Expr:
    own = v.acts_as(t.objector_id) | v.acts_as(t.person_id)
    return own | v.may("ballots.roll.decide", t.area_id)


@node(models.Objection, scope=_objection_scope, order="-submitted_at")
class BallotsObjection:
    """Somebody says the roll is wrong about somebody (名册异议)."""

    wish: RollObjectionWish = column()
    statement: str = column(filter=False)
    state: RollObjectionState = column()
    submitted_at: datetime = column(order=True)
    answer: str | None = column(filter=False, description="What was found, and why (处理意见).")
    answered_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    roll: BallotsRoll | None = to_one()
    objector: Actor = to_one()
    person: Actor = to_one(description="Whom it is about (涉及人).")
    answered_by: Actor | None = to_one(description="Who decided (处理人).")


@extend(Query)
class BallotsRollsQuery:
    ballots_rules: Connection[BallotsRule] = every(description="Who may vote, by kind of election (选民资格规则列表).")
    ballots_roll: BallotsRoll | None = one("id", description="A roll the viewer may see (选民名册).")
    ballots_rolls: Connection[BallotsRoll] = every(description="Rolls the viewer may see (选民名册列表).")
    ballots_objections: Connection[BallotsObjection] = every(
        description="Objections the viewer may see (名册异议列表)."
    )


@extend(Actor)
class ActorRolls:
    ballots_entries: Connection[BallotsEntry] = connection("actor_id", description="Rolls they are on (所在名册).")


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
