"""One-stop registration: said by the person, with evidence; withdrawn by the person while nobody has verified it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, optional_text
from core.work import Work
from plugins.new_residents.models import Evidence, Registration
from plugins.new_residents.rules.common import person
from plugins.new_residents.terms import ResidenceProofKind, ResidenceState

PROOFS = 10


@dataclass(frozen=True)
class Proof:
    """A paper that shows it: its kind, and its number, address or photo by reference."""

    kind: ResidenceProofKind
    reference: str


async def register(
    work: Work,
    *,
    area_id: UUID,
    address: str,
    workplace: str | None = None,
    employer_id: UUID | None = None,
    since: date,
    evidence: Sequence[Proof] = (),
) -> Registration:
    """The principal, a person, says that they live here since a day, and what shows it.

    Refuses NOT_A_PERSON, IN_THE_FUTURE, ALREADY_REGISTERED, TOO_MANY_PROOFS.
    """
    area = await work.get(Area, area_id)
    work.require("new_residents.register", area)
    who = await person(work, work.principal_id)
    if since > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("since",))
    if employer_id is not None:
        employer_id = (await work.get(Actor, employer_id)).id
    if await work.select(Registration, person_id=who.id, area_id=area_id, state=ResidenceState.SUBMITTED):
        raise Refusal("ALREADY_REGISTERED")
    registration = Registration(
        id=new_id(),
        area_id=area_id,
        person_id=who.id,
        employer_id=employer_id,
        state=ResidenceState.SUBMITTED,
        address=clean_name(address, "address"),
        workplace=optional_text(workplace, "workplace", limit=200),
        claimed_since=since,
        submitted_at=work.occurred_at,
    )
    work.add(registration)
    add_proofs(work, registration, evidence, 0)
    work.record(
        "new_residents.registration.submitted", registration, area_id=area_id,
        data={"person": str(who.id), "evidence": [str(p.kind) for p in evidence]},
    )  # fmt: skip
    return registration


def add_proofs(work: Work, registration: Registration, evidence: Sequence[Proof], known: int) -> None:
    """Queue what shows it; refuses TOO_MANY_PROOFS."""
    if known + len(evidence) > PROOFS:
        raise Refusal("TOO_MANY_PROOFS", path=("evidence",), limit=PROOFS)
    for number, proof in enumerate(evidence):
        reference = clean_text(proof.reference, "evidence", str(number), "reference", limit=500)
        work.add(
            Evidence(
                id=new_id(), area_id=registration.area_id, registration_id=registration.id,
                person_id=registration.person_id, kind=proof.kind, reference=reference, added_at=work.occurred_at,
            )
        )  # fmt: skip


async def add_evidence(work: Work, *, registration_id: UUID, evidence: Sequence[Proof]) -> Registration:
    """The person brings more of what shows it, while it waits. Refuses REGISTRATION_STATE."""
    registration = await work.lock(Registration, registration_id)
    work.require("new_residents.register", registration, owner=registration.person_id)
    work.expect_version(registration)
    still(registration, ResidenceState.SUBMITTED, ResidenceState.REJECTED, ResidenceState.REVOKED)
    if not evidence:
        raise Refusal("RESIDENCE_EVIDENCE", path=("evidence",), needed=1)
    known = await work.select(Evidence, registration_id=registration.id)
    work.change(registration, state=registration.state)
    add_proofs(work, registration, evidence, len(known))
    work.record(
        "new_residents.registration.amended", registration, area_id=registration.area_id,
        data={"evidence": [str(p.kind) for p in evidence]},
    )  # fmt: skip
    return registration


async def withdraw_registration(work: Work, *, registration_id: UUID) -> Registration:
    """The person thinks better of it before anybody has verified it. Refuses REGISTRATION_STATE."""
    registration = await work.lock(Registration, registration_id)
    work.require("new_residents.register", registration, owner=registration.person_id)
    work.expect_version(registration)
    still(registration, ResidenceState.SUBMITTED)
    work.change(registration, state=ResidenceState.WITHDRAWN, closed_at=work.now)
    work.record("new_residents.registration.withdrawn", registration, area_id=registration.area_id)
    return registration


def still(registration: Registration, *states: ResidenceState) -> None:
    """Refuses REGISTRATION_STATE."""
    if registration.state not in states:
        raise Refusal("REGISTRATION_STATE", state=registration.state)
