"""Appeals: a person doubts what a clerk decided about their residence or an entitlement; another clerk decides again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import needed
from core.work import Work
from plugins.new_residents.models import Appeal, Grant, Registration
from plugins.new_residents.rules.common import about
from plugins.new_residents.rules.entitlements import reinstate
from plugins.new_residents.rules.residence import found_since, on_file, settle_verified
from plugins.new_residents.settings import NewResidentsSettings
from plugins.new_residents.terms import (
    LIVES_HERE,
    EntitlementStanding,
    IdentityCheck,
    ResidenceState,
    ResidentAppealState,
)

SUBMIT, DECIDE = "new_residents.appeal.submit", "new_residents.appeal.decide"
# A residence may be doubted because it was refused or revoked, and also because its first day is too late.
DOUBTED = (ResidenceState.REJECTED, ResidenceState.REVOKED, *LIVES_HERE)


async def appeal_residence(work: Work, *, registration_id: UUID, statement: str) -> Appeal:
    """Refuses REGISTRATION_STATE, TOO_LATE_TO_APPEAL, RESIDENT_APPEAL_OPEN, and OWN_MATTER (INV10) where who
    decided enters it at the desk."""
    registration = await work.lock(Registration, registration_id)
    work.require(SUBMIT, registration, owner=registration.person_id)
    if registration.state not in DOUBTED or registration.decided_by_id is None:
        raise Refusal("REGISTRATION_STATE", state=registration.state)
    return await _open(
        work, registration, registration.decided_by_id, registration.decided_on, statement,
        registration_id=registration.id,
    )  # fmt: skip


async def appeal_entitlement(work: Work, *, grant_id: UUID, statement: str) -> Appeal:
    """Refuses ENTITLEMENT_STATE (nobody refused or ended it), and what `appeal_residence` refuses."""
    grant = await work.lock(Grant, grant_id)
    work.require(SUBMIT, grant, owner=grant.person_id)
    if grant.state not in (EntitlementStanding.REFUSED, EntitlementStanding.ENDED) or grant.decided_by_id is None:
        raise Refusal("ENTITLEMENT_STATE", state=grant.state)
    decided_on = grant.ended_on or grant.decided_on
    return await _open(work, grant, grant.decided_by_id, decided_on, statement, grant_id=grant.id)


async def _open(
    work: Work, at: Registration | Grant, against_id: UUID, decided_on: date | None, statement: str, **what: Any
) -> Appeal:
    await work.not_at_the_desk_of(against_id)
    settings = await work.settings(NewResidentsSettings, at)
    last = None if decided_on is None else decided_on + timedelta(days=settings.appeal_days)
    if last is not None and work.happened_on > last:
        raise Refusal("TOO_LATE_TO_APPEAL", until=str(last))
    if await work.select(Appeal, **what, state=ResidentAppealState.OPEN):
        raise Refusal("RESIDENT_APPEAL_OPEN")
    appeal = Appeal(
        id=new_id(), area_id=at.area_id, person_id=at.person_id, against_id=against_id, state=ResidentAppealState.OPEN,
        statement=needed(statement, "statement"), opened_at=work.occurred_at, **what,
    )  # fmt: skip
    work.add(appeal)
    data = {name.removesuffix("_id"): str(id) for name, id in what.items()}
    work.record("new_residents.appeal.opened", appeal, area_id=at.area_id, data=data)
    return appeal


async def withdraw_appeal(work: Work, *, appeal_id: UUID) -> Appeal:
    """Refuses RESIDENT_APPEAL_STATE, and OWN_MATTER (INV10) where who decided takes it back at the desk."""
    appeal = await work.lock(Appeal, appeal_id)
    work.require(SUBMIT, appeal, owner=appeal.person_id)
    work.expect_version(appeal)
    await work.not_at_the_desk_of(appeal.against_id)
    _open_still(appeal)
    work.change(appeal, state=ResidentAppealState.WITHDRAWN)
    work.record("new_residents.appeal.withdrawn", appeal, area_id=appeal.area_id)
    return appeal


def _open_still(appeal: Appeal) -> None:
    if appeal.state is not ResidentAppealState.OPEN:
        raise Refusal("RESIDENT_APPEAL_STATE", state=appeal.state)


async def decide_appeal(
    work: Work, *, appeal_id: UUID, grant: bool, answer: str, since: date | None, identity: IdentityCheck | None
) -> Appeal:
    """Another than who decided first, with no part in it, decides again. Right about a residence, it is verified since the
    day that is told; right about an entitlement, they have it.

    Refuses OWN_MATTER and ENTERED_BY_YOU (INV10), RESIDENT_APPEAL_STATE, RESIDENCE_SINCE, and what verifying and granting
    refuse.
    """
    appeal = await work.lock(Appeal, appeal_id)
    work.require(DECIDE, appeal)
    work.expect_version(appeal)
    await work.not_own(appeal.person_id, appeal.against_id)
    await work.not_entered(appeal)
    _open_still(appeal)
    text = needed(answer, "answer")
    decided = {"answer": text, "decided_by_id": work.person_id, "decided_at": work.occurred_at}
    registration = None if appeal.registration_id is None else await work.lock(Registration, appeal.registration_id)
    doubted = None if appeal.grant_id is None else await work.lock(Grant, appeal.grant_id)
    if registration is not None:
        await work.not_own(registration.employer_id)
    work.change(appeal, state=ResidentAppealState.GRANTED if grant else ResidentAppealState.DISMISSED, **decided)
    if grant and registration is not None and registration.state in LIVES_HERE:
        await _other_day(work, registration, since)
    if grant and doubted is not None:
        await reinstate(work, doubted)
    event = f"new_residents.appeal.{'granted' if grant else 'dismissed'}"
    work.record(event, appeal, area_id=appeal.area_id, text={"reason": text})
    if not grant or registration is None:
        return appeal
    if registration.state in LIVES_HERE:
        if registration.state is ResidenceState.VERIFIED:
            work.record(
                "new_residents.residence.verified", registration, area_id=registration.area_id,
                data=about(registration),
            )  # fmt: skip
        return appeal
    await _verify(work, registration, since, identity)
    return appeal


def _needed(since: date | None) -> date:
    if since is None:
        raise Refusal("RESIDENCE_SINCE", path=("since",))
    return since


async def _other_day(work: Work, registration: Registration, since: date | None) -> None:
    """Queue another first day of a residence that is verified already."""
    day = _needed(since)
    await found_since(work, registration, day)
    if day == registration.since:
        raise Refusal("RESIDENCE_SINCE", path=("since",))
    work.change(registration, since=day, decided_by_id=work.person_id, decided_on=work.happened_on)


async def _verify(work: Work, registration: Registration, since: date | None, identity: IdentityCheck | None) -> None:
    """A refused or revoked residence is found to be there after all."""
    day = _needed(since)
    seen = identity or registration.identity or await on_file(work, registration.person_id)
    await settle_verified(work, registration, day, seen, await work.settings(NewResidentsSettings, registration))
