"""Who may vote: a rule in words the server reads, and the reasons it gives for each person.

A rule has clauses; a person is eligible by the first clause all of whose predicates hold. Where only the villagers'
consent is missing, the person waits for it. Residence is asked of the port `eligibility`; what core does not know, a
clerk attests. Household registration counts only in a rule that cites a statute (INV15).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from core.clock import months_later
from core.enums import ActorKind, MembershipRole, MembershipState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, Membership
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, clean_text, optional_text
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.models import Attestation, EligibilityRule
from plugins.ballots.rules.common import DEFAULT, clean_kind, dumped
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import EligibilityPredicate, EligibilityState, RollEntryState, VoterFact, VoterFactState

CLAUSES, PREDICATES = 10, 10
BELOW = "SELECT c.descendant_id AS id FROM core_area_closure c WHERE c.ancestor_id = {} AND c.until IS NULL"
ORGANIZED = (ActorKind.ORGANIZATION, ActorKind.ENTERPRISE, ActorKind.GOVERNMENT_BODY)


@dataclass(frozen=True)
class Asked:
    """One predicate with its number: years of age, or months."""

    predicate: EligibilityPredicate
    number: int = 0

    def plain(self) -> dict[str, Any]:
        return {"predicate": self.predicate.value, "number": self.number}


@dataclass(frozen=True)
class Clause:
    """A way to be eligible, under a name that the roll shows as the basis."""

    basis: str
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Finding:
    """What one predicate came to, and on what it rests; `code` says why it does not hold."""

    basis: str
    predicate: EligibilityPredicate
    number: int
    holds: bool
    since: date | None = None
    code: str | None = None

    def plain(self) -> dict[str, Any]:
        return {
            "basis": self.basis, "predicate": self.predicate.value, "number": self.number, "holds": self.holds,
            "since": self.since.isoformat() if self.since else None, "code": self.code,
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Whether somebody may vote, by which clause, and what each predicate came to."""

    basis: str | None
    state: RollEntryState | None
    findings: tuple[Finding, ...]
    code: str | None = None  # why not

    def found(self) -> str:
        return dumped([f.plain() for f in self.findings if f.basis == self.basis])


@dataclass
class _Known:
    """What is known of some people, read at once."""

    actors: dict[UUID, Actor] = field(default_factory=dict)
    facts: dict[UUID, dict[VoterFact, date]] = field(default_factory=lambda: defaultdict(dict))
    noted: dict[UUID, set[VoterFact]] = field(default_factory=lambda: defaultdict(set))  # which of them by clerks here
    members: dict[UUID, list[Membership]] = field(default_factory=lambda: defaultdict(list))


# --- rules -----------------------------------------------------------------------------------------------


async def make_rule(
    work: Work, *, area_id: UUID, kind: str, title: str, clauses: Sequence[Clause], statute: str | None
) -> EligibilityRule:
    """Who may vote in elections of this kind from now on; the edition before stays for the rolls that rest on it.

    Refuses STATUTE_NEEDED (INV15), BAD_KIND, EMPTY_LIST.
    """
    area = await work.lock(Area, area_id)
    work.require("ballots.rule.manage", area)
    code = clean_kind(kind, "kind")
    cited = optional_text(statute, "statute", limit=200)
    if not clauses or len(clauses) > CLAUSES or any(not c.asked or len(c.asked) > PREDICATES for c in clauses):
        raise Refusal("CLAUSES", path=("clauses",), limit=CLAUSES)
    if len({c.basis for c in clauses}) != len(clauses):
        raise Refusal("CLAUSES", path=("clauses",), limit=CLAUSES)
    if any(not 0 <= a.number <= 1200 for c in clauses for a in c.asked):
        raise Refusal("BAD_NUMBER_OF_MONTHS", path=("clauses",))
    if cited is None and any(
        a.predicate is EligibilityPredicate.HOUSEHOLD_REGISTRATION for c in clauses for a in c.asked
    ):
        raise Refusal("STATUTE_NEEDED", path=("statute",))
    former = await work.select(EligibilityRule, lock=True, area_id=area_id, kind=code)
    for rule in former:
        if rule.state is EligibilityState.IN_FORCE:
            work.change(rule, state=EligibilityState.REPLACED)
            work.record("ballots.rule.replaced", rule, area_id=area_id, data={"kind": code})
    plain = [{"basis": clean_kind(c.basis, "clauses"), "all": [a.plain() for a in c.asked]} for c in clauses]
    made = EligibilityRule(
        id=new_id(), area_id=area_id, kind=code, edition=max((r.edition for r in former), default=0) + 1,
        title=clean_name(title, "title"), clauses=dumped(plain), statute=cited, state=EligibilityState.IN_FORCE,
    )  # fmt: skip
    work.add(made)
    work.record("ballots.rule.made", made, area_id=area_id, data={"kind": code, "edition": made.edition})
    return made


def clauses_of(rule: EligibilityRule) -> list[Clause]:
    return [
        Clause(c["basis"], tuple(Asked(EligibilityPredicate(a["predicate"]), a["number"]) for a in c["all"]))
        for c in json.loads(rule.clauses)
    ]


async def rule_for(work: Work, area: Area, kind: str) -> EligibilityRule | None:
    """The rule in force in the nearest area upwards."""
    chain = work.place(area).chain
    found = await work.select(EligibilityRule, area_id=list(chain), kind=kind, state=EligibilityState.IN_FORCE)
    return max(found, key=lambda r: chain.index(r.area_id), default=None)


async def in_force(work: Work, area: Area, kind: str) -> tuple[EligibilityRule | None, list[Clause]]:
    """The rule for a kind and its clauses; residence alone where nobody made a default one. Refuses NO_RULE."""
    rule = await rule_for(work, area, kind)
    if rule is not None:
        return rule, clauses_of(rule)
    if kind != DEFAULT:
        raise Refusal("NO_RULE", path=("kind",), kind=kind)
    months = (await work.settings(BallotsSettings, area)).residence_months
    return None, [Clause("RESIDENT", (Asked(EligibilityPredicate.RESIDENCE, months),))]


# --- what clerks attest ----------------------------------------------------------------------------------


async def attest(
    work: Work, *, area_id: UUID, person_id: UUID, fact: VoterFact, day: date, evidence: str
) -> Attestation:
    """A clerk saw a paper that shows it. Refuses OWN_MATTER (INV10), ALREADY_ATTESTED, IN_THE_FUTURE."""
    area = await work.lock(Area, area_id)
    work.require("ballots.roll.manage", area)
    person = await work.get(Actor, person_id)
    await work.not_own(person.id)
    if day > work.recorded_on:
        raise Refusal("IN_THE_FUTURE", path=("day",))
    if await work.select(Attestation, person_id=person.id, area_id=area_id, fact=fact, state=VoterFactState.VALID):
        raise Refusal("ALREADY_ATTESTED")
    made = Attestation(
        id=new_id(), area_id=area_id, person_id=person.id, fact=fact, day=day, state=VoterFactState.VALID,
        evidence=clean_text(evidence, "evidence", limit=500), attested_by_id=work.viewer.person_id,
        attested_at=work.occurred_at,
    )  # fmt: skip
    work.add(made)
    work.record("ballots.fact.attested", made, area_id=area_id, data={"fact": str(fact), "actor": str(person.id)})
    return made


async def withdraw_attestation(work: Work, *, attestation_id: UUID, reason: str) -> Attestation:
    """It was not so, or is so no longer; rolls that rest on it and are final stay."""
    made = await work.lock(Attestation, attestation_id)
    work.require("ballots.roll.manage", made)
    work.expect_version(made)
    await work.not_own(made.person_id)
    if made.state is not VoterFactState.VALID:
        raise Refusal("ALREADY_ENDED")
    work.change(made, state=VoterFactState.WITHDRAWN)
    text = clean_text(reason, "reason", limit=500)
    work.record("ballots.fact.withdrawn", made, area_id=made.area_id, text={"reason": text})
    return made


# --- judging ---------------------------------------------------------------------------------------------


async def judge(
    work: Work, area: Area, clauses: Sequence[Clause], actor_ids: Sequence[UUID], as_of: date
) -> Mapping[UUID, Verdict]:
    """Of each of these actors, whether they may vote here on a day, and why. Of who is not of here nothing is said: what
    is known of them elsewhere is not for the clerks here."""
    known = await _read(work, area, actor_ids)
    age = (await work.settings(BallotsSettings, area)).voting_age
    found = {}
    for id in actor_ids:
        actor = known.actors.get(id)
        if actor is None or actor.kind is ActorKind.HOUSEHOLD:  # its members vote
            found[id] = Verdict(None, None, (), "NOT_FOUND")
        elif not await _is_of_here(work, area, actor, known):
            found[id] = Verdict(None, None, (), "NOT_A_MEMBER")
        else:
            found[id] = await _judge(work, area, clauses, actor, known, as_of, age)
    return found


async def _is_of_here(work: Work, area: Area, actor: Actor, known: _Known) -> bool:
    if known.members[actor.id] or known.noted[actor.id]:
        return True
    port = work.port(ELIGIBILITY)
    return actor.kind is ActorKind.PERSON and await port.resident_since(work, actor.id, area.id) is not None


async def _read(work: Work, area: Area, ids: Sequence[UUID]) -> _Known:
    known = _Known()
    known.actors = {a.id: a for a in await work.select(Actor, id=list(ids)) if a.gone_at is None}
    chain = work.place(area).chain
    below = {as_uuid(row["id"]) for row in await work.rows(BELOW, area.id)}
    attested = await work.select(Attestation, person_id=list(ids), state=VoterFactState.VALID)
    for fact in sorted(attested, key=lambda f: f.area_id in below):  # what clerks here saw comes last, and holds
        if fact.area_id in below:
            known.noted[fact.person_id].add(fact.fact)
        if fact.fact is VoterFact.BORN or fact.area_id in chain:  # a birthday is the same everywhere
            known.facts[fact.person_id][fact.fact] = fact.day
    for member in await work.select(Membership, actor_id=list(ids), state=MembershipState.ACTIVE):
        if member.area_id in below:
            known.members[member.actor_id].append(member)
    return known


async def _judge(
    work: Work, area: Area, clauses: Sequence[Clause], actor: Actor, known: _Known, as_of: date, age: int
) -> Verdict:
    facts = known.facts[actor.id]
    if VoterFact.RIGHTS_SUSPENDED in facts:
        return Verdict(None, None, (), "RIGHTS_SUSPENDED")
    if VoterFact.BORN in facts and months_later(facts[VoterFact.BORN], 12 * age) > as_of:
        return Verdict(None, None, (), "TOO_YOUNG")
    findings: list[Finding] = []
    waiting: str | None = None
    for clause in clauses:
        own = [await _find(work, area, clause.basis, asked, actor, known, as_of) for asked in clause.asked]
        findings += own
        missing = [f for f in own if not f.holds]
        if not missing:
            return Verdict(clause.basis, RollEntryState.LISTED, tuple(findings))
        if waiting is None and all(f.predicate is EligibilityPredicate.CONSENT for f in missing):
            waiting = clause.basis
    if waiting is not None:
        return Verdict(waiting, RollEntryState.PENDING_CONSENT, tuple(findings))
    code = next((f.code for f in findings if not f.holds), "NOT_ELIGIBLE")
    return Verdict(None, None, tuple(findings), code)


async def _find(work: Work, area: Area, basis: str, asked: Asked, actor: Actor, known: _Known, as_of: date) -> Finding:
    since, code = await _since(work, area, asked, actor, known)
    if since is None:
        return Finding(basis, asked.predicate, asked.number, False, None, code)
    months = asked.number * (12 if asked.predicate is EligibilityPredicate.AGE else 1)
    holds = months_later(since, months) <= as_of
    short = {EligibilityPredicate.AGE: "TOO_YOUNG", EligibilityPredicate.RESIDENCE: "RESIDENCE_TOO_SHORT"}
    # A birthday that clerks elsewhere attested counts here, and is not told.
    is_told = asked.predicate is not EligibilityPredicate.AGE or VoterFact.BORN in known.noted[actor.id]
    return Finding(
        basis, asked.predicate, asked.number, holds, since if is_told else None,
        None if holds else short.get(asked.predicate, "MEMBERSHIP_TOO_SHORT"),
    )  # fmt: skip


async def _since(work: Work, area: Area, asked: Asked, actor: Actor, known: _Known) -> tuple[date | None, str]:
    """Since when a predicate holds for an actor, or why it does not."""
    facts, is_person = known.facts[actor.id], actor.kind is ActorKind.PERSON
    match asked.predicate:
        case EligibilityPredicate.RESIDENCE:
            port = work.port(ELIGIBILITY)
            return (await port.resident_since(work, actor.id, area.id) if is_person else None), "NOT_A_RESIDENT"
        case EligibilityPredicate.AGE:
            return (facts.get(VoterFact.BORN) if is_person else None), "AGE_UNKNOWN"
        case EligibilityPredicate.MEMBERSHIP:
            days = [m.since for m in known.members[actor.id]]
            return min(days, default=None), "NOT_A_MEMBER"
        case EligibilityPredicate.ORGANIZATION:
            days = [m.since for m in known.members[actor.id] if m.role is MembershipRole.RESIDENT_UNIT]
            return (min(days, default=None) if actor.kind in ORGANIZED else None), "NOT_A_RESIDENT_UNIT"
        case EligibilityPredicate.APPLICATION:
            return facts.get(VoterFact.APPLICATION), "NO_APPLICATION"
        case EligibilityPredicate.HOUSEHOLD_REGISTRATION:
            return facts.get(VoterFact.HOUSEHOLD_REGISTRATION), "NOT_REGISTERED_HERE"
    return None, "CONSENT_NEEDED"


async def look_up(work: Work, *, area_id: UUID, kind: str, actor_id: UUID | None) -> Verdict:
    """Whether oneself, or somebody a clerk looks up, would be on a roll of this kind today, and why. Changes nothing."""
    area = await work.get(Area, area_id)
    own = actor_id is None or actor_id == work.principal_id
    work.require("ballots.vote.cast" if own else "ballots.roll.manage", area)
    _, clauses = await in_force(work, area, clean_kind(kind, "kind"))
    id = (await work.get(Actor, actor_id or work.principal_id)).id
    return (await judge(work, area, clauses, [id], work.recorded_on))[id]
