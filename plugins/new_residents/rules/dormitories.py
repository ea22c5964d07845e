"""An employer's dormitory list: who lives there, by the employer's word; each worker answers, and is verified singly.

Nobody is registered without their own consent, which core keeps as such (`core.models.Consent`) and the registration rests
on. A list tells the clerks nothing of a worker before that, and what is not answered in time is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.enums import ActorKind, BehalfBasis, ConsentBasis
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Area, Consent
from core.rules import people
from core.rules.inputs import clean_name
from core.settings.store import as_uuid
from core.work import Work
from plugins.new_residents.models import ASKED, DormitoryList, Registration
from plugins.new_residents.rules.common import in_days
from plugins.new_residents.rules.registrations import Proof, add_proofs, still
from plugins.new_residents.settings import NewResidentsSettings
from plugins.new_residents.terms import DormitoryListState, ResidenceProofKind, ResidenceState

WORKERS = 200
EMPLOYERS = (ActorKind.ENTERPRISE, ActorKind.ORGANIZATION, ActorKind.GOVERNMENT_BODY)
REGISTER = "new_residents.register"
_BASES = {
    BehalfBasis.IN_PERSON: ConsentBasis.IN_PERSON,
    BehalfBasis.WRITTEN: ConsentBasis.WRITTEN,
    BehalfBasis.GUARDIAN: ConsentBasis.GUARDIAN,
}


@dataclass(frozen=True)
class Worker:
    """Who lives in the dormitory, since when."""

    person_id: UUID
    since: date


async def submit_list(work: Work, *, area_id: UUID, address: str, workers: Sequence[Worker]) -> DormitoryList:
    """The principal, an employer, lists who lives in its dormitory; each of them is asked, but whom it has had asked about
    this dormitory before and who has not answered yet, or is registered.

    Refuses NOT_AN_EMPLOYER, TOO_MANY_WORKERS, TWICE_ON_LIST, NOT_A_PERSON, IN_THE_FUTURE, ALREADY_ASKED (all of them).
    """
    area = await work.get(Area, area_id)
    work.require("new_residents.dormitory.submit", area)
    employer = await work.lock(Actor, work.principal_id)  # of two lists at once each sees the other's
    if employer.kind not in EMPLOYERS:
        raise Refusal("NOT_AN_EMPLOYER")
    if not 1 <= len(workers) <= WORKERS:
        raise Refusal("TOO_MANY_WORKERS", path=("workers",), limit=WORKERS)
    ids = [w.person_id for w in workers]
    if len(set(ids)) != len(ids):
        raise Refusal("TWICE_ON_LIST", path=("workers",))
    known = {a.id: a for a in await work.select(Actor, id=ids)}
    for number, worker in enumerate(workers):
        found, path = known.get(worker.person_id), ("workers", str(number))
        if found is None or found.gone_at is not None:
            raise Refusal("NOT_FOUND", path=(*path, "personId"), kind="actor")
        if found.kind is not ActorKind.PERSON:
            raise Refusal("NOT_A_PERSON", path=(*path, "personId"))
        if worker.since > work.happened_on:
            raise Refusal("IN_THE_FUTURE", path=(*path, "since"))
    settings = await work.settings(NewResidentsSettings, area)
    where = clean_name(address, "address")
    asked = await work.rows(
        f"{ASKED} WHERE t.employer_id = {{}} AND t.area_id = {{}} AND t.address = {{}}", employer.id, area.id, where
    )
    before = {as_uuid(row["person_id"]) for row in asked}
    new = [w for w in workers if w.person_id not in before]
    if not new:
        raise Refusal("ALREADY_ASKED", path=("workers",))
    made = DormitoryList(
        id=new_id(), area_id=area_id, employer_id=employer.id, address=where,
        state=DormitoryListState.OPEN, submitted_at=work.occurred_at, confirm_by=in_days(work, settings.confirm_days),
    )  # fmt: skip
    work.add(made)
    work.record(
        "new_residents.dormitory.submitted_in_confidence", made, area_id=area_id,
        data={"employer": str(employer.id), "workers": len(new)},
    )  # fmt: skip
    for worker in new:
        invited = invitation(made.id, area_id, worker.person_id, made.address, worker.since, work, made.confirm_by)
        work.add(invited)
        work.record(
            "new_residents.registration.invited_in_confidence", invited, area_id=area_id, data={"list": str(made.id)}
        )
    return made


def invitation(
    list_id: UUID, area_id: UUID, person_id: UUID, address: str, since: date, work: Work, by: date
) -> Registration:
    """What a worker is asked to confirm; not queued yet. Whom they work for is theirs to confirm too: until then the list
    alone names the employer."""
    return Registration(
        id=new_id(), area_id=area_id, person_id=person_id, dormitory_id=list_id,
        state=ResidenceState.INVITED, address=address, claimed_since=since, submitted_at=work.occurred_at,
        confirm_by=by,
    )  # fmt: skip


async def close_list(work: Work, *, list_id: UUID) -> DormitoryList:
    """The employer takes it back: who has not answered is asked no longer. Refuses DORMITORY_LIST_CLOSED."""
    made = await work.lock(DormitoryList, list_id)
    work.require("new_residents.dormitory.submit", made, owner=made.employer_id)
    work.expect_version(made)
    if made.state is not DormitoryListState.OPEN:
        raise Refusal("DORMITORY_LIST_CLOSED")
    for waiting in await work.select(Registration, lock=True, dormitory_id=made.id, state=ResidenceState.INVITED):
        _forget(work, waiting, ResidenceState.LAPSED, "new_residents.registration.lapsed_in_confidence")
    work.change(made, state=DormitoryListState.CLOSED)
    work.record("new_residents.dormitory.closed_in_confidence", made, area_id=made.area_id)
    return made


async def confirm_registration(work: Work, *, registration_id: UUID, address: str | None = None) -> Registration:
    """The worker says that it is so, and agrees that it is registered: online, or at the desk with what shows it.

    Refuses REGISTRATION_STATE, ALREADY_REGISTERED, CONSENT_BASIS (a telephone call is not enough).
    """
    registration = await work.lock(Registration, registration_id)
    work.require(REGISTER, registration, owner=registration.person_id)
    work.expect_version(registration)
    still(registration, ResidenceState.INVITED)
    if registration.confirm_by is not None and work.happened_on > registration.confirm_by:
        raise Refusal("REGISTRATION_STATE", state=ResidenceState.LAPSED)
    others = await work.select(
        Registration, person_id=registration.person_id, area_id=registration.area_id, state=ResidenceState.SUBMITTED
    )
    if others:
        raise Refusal("ALREADY_REGISTERED")
    assert registration.dormitory_id is not None
    made = await work.get(DormitoryList, registration.dormitory_id)
    consent = await _consent(work, registration, made)
    values = {"address": clean_name(address, "address")} if address is not None else {}
    work.require(REGISTER, registration, owner=registration.person_id)  # the consent rested on another permission
    work.change(
        registration, state=ResidenceState.SUBMITTED, consent_id=consent.id, employer_id=made.employer_id,
        submitted_at=work.occurred_at, **values,
    )  # fmt: skip
    add_proofs(work, registration, [Proof(ResidenceProofKind.DORMITORY, f"list {registration.dormitory_id}")], 0)
    work.record(
        "new_residents.registration.confirmed", registration, area_id=registration.area_id,
        data={"person": str(registration.person_id), "consent": str(consent.id)},
    )  # fmt: skip
    return registration


async def _consent(work: Work, registration: Registration, made: DormitoryList) -> Consent:
    """The worker's consent to this list as core keeps it; what they agreed to before says nothing of it."""
    employer = await work.get(Actor, made.employer_id)
    purpose = f"按{employer.name[:100]}宿舍名单登记居住({made.id})"
    basis = ConsentBasis.ONLINE
    if work.acting.behalf_of_id is not None:
        found = _BASES.get(work.acting.basis) if work.acting.basis is not None else None
        if found is None:
            raise Refusal("CONSENT_BASIS", path=("onBehalfOf", "basis"))
        basis = found
    return await people.give_consent(
        work, person_id=registration.person_id, purpose=purpose, basis=basis, evidence=work.acting.evidence or None
    )


async def decline_registration(work: Work, *, registration_id: UUID) -> Registration:
    """The worker does not agree, or does not live there: nothing is registered, and what was said is forgotten."""
    registration = await work.lock(Registration, registration_id)
    work.require(REGISTER, registration, owner=registration.person_id)
    work.expect_version(registration)
    still(registration, ResidenceState.INVITED)
    _forget(work, registration, ResidenceState.DECLINED, "new_residents.registration.declined")
    return registration


def _forget(work: Work, registration: Registration, state: ResidenceState, event: str) -> None:
    work.change(registration, state=state, address=None, closed_at=work.now)
    work.record(event, registration, area_id=registration.area_id)


LAPSING_SQL = """SELECT r.id AS id, r.area_id AS area_id FROM new_residents_registration r
    WHERE r.state = 'INVITED' AND r.confirm_by < :today:"""


async def lapse_invitation(work: Work, registration_id: UUID) -> None:
    """For the job: not answered in time."""
    registration = await work.lock(Registration, registration_id)
    work.require(REGISTER, registration)
    if registration.state is not ResidenceState.INVITED or registration.confirm_by is None:
        return
    if work.happened_on > registration.confirm_by:
        _forget(work, registration, ResidenceState.LAPSED, "new_residents.registration.lapsed_in_confidence")


async def consent_withdrawn(work: Work, event: EventRecord) -> None:
    """A worker takes their consent back: a registration that rests on it and is not verified yet is withdrawn. What was
    verified stays until they move away or say so themselves."""
    for registration in await work.select(Registration, lock=True, consent_id=event.subject_id):
        if registration.state is ResidenceState.SUBMITTED:
            work.require(REGISTER, registration)
            work.change(registration, state=ResidenceState.WITHDRAWN, closed_at=work.now)
            work.record("new_residents.registration.withdrawn", registration, area_id=registration.area_id)
