"""Verified residence: a clerk who has no part in it says since when; in villages the villagers agree; it ends by moving.

`verified` in an event is what others may build on: the person lives there since that day.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from core.enums import ConsentState, MembershipRole, MembershipState
from core.errors import Refusal
from core.models import Actor, Area, Consent, Membership, PersonDetail
from core.rules import actors
from core.rules.inputs import needed
from core.work import Work
from plugins.new_residents.models import ENTERED, Evidence, Grant, Registration
from plugins.new_residents.rules.automatic import automatic_grants
from plugins.new_residents.rules.common import about, lives_at, recorded_elsewhere, resident_memberships
from plugins.new_residents.rules.entitlements import RUNNING
from plugins.new_residents.rules.registrations import still
from plugins.new_residents.settings import NewResidentsSettings
from plugins.new_residents.terms import LIVES_HERE, EntitlementStanding, IdentityCheck, ResidenceState

VERIFY, MEMBERSHIPS = "new_residents.residence.verify", "core.membership.manage"


async def verify_residence(
    work: Work, *, registration_id: UUID, since: date, identity: IdentityCheck | None
) -> Registration:
    """A clerk finds that the person lives there since a day, and is who they say.

    Refuses OWN_MATTER and ENTERED_BY_YOU (INV10), REGISTRATION_STATE, RESIDENCE_EVIDENCE, IDENTITY_NEEDED, IN_THE_FUTURE,
    SINCE_BEFORE_CLAIMED, LIVES_ELSEWHERE, WORKER_CONSENT (taken back meanwhile).
    """
    registration = await work.lock(Registration, registration_id)
    work.require(VERIFY, registration)
    work.expect_version(registration)
    await work.not_own(registration.person_id, registration.employer_id)
    still(registration, ResidenceState.SUBMITTED)
    settings = await work.settings(NewResidentsSettings, registration)
    await settle_verified(work, registration, since, identity or await on_file(work, registration.person_id), settings)
    return registration


async def on_file(work: Work, person_id: UUID) -> IdentityCheck:
    """The desk has seen the person's id document before; refuses IDENTITY_NEEDED."""
    detail = await work.find(PersonDetail, person_id=person_id)
    if detail is None or detail.id_checked_at is None:
        raise Refusal("IDENTITY_NEEDED", path=("identity",))
    return IdentityCheck.ON_FILE


async def found_since(work: Work, registration: Registration, since: date) -> None:
    """Somebody else than who entered the registration at the desk finds the day: the claimed one or a later.

    Refuses IN_THE_FUTURE, SINCE_BEFORE_CLAIMED, ENTERED_BY_YOU.
    """
    if since > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("since",))
    if since < registration.claimed_since:
        raise Refusal("SINCE_BEFORE_CLAIMED", path=("since",), since=str(registration.claimed_since))
    await work.not_entered(registration, *ENTERED)


async def settle_verified(
    work: Work, registration: Registration, since: date, identity: IdentityCheck, settings: NewResidentsSettings
) -> None:
    """Queue and record that the facts are verified: by whoever acts, in force at once or once the villagers agree."""
    await found_since(work, registration, since)
    await work.lock(Actor, registration.person_id)  # the desk may be recording at this moment that they live elsewhere
    shown = {e.kind for e in await work.select(Evidence, registration_id=registration.id)}
    if len(shown) < settings.evidence_needed:
        raise Refusal("RESIDENCE_EVIDENCE", needed=settings.evidence_needed)
    elsewhere = await lives_at(work, registration.person_id)
    if elsewhere is not None and elsewhere.id != registration.id:
        raise Refusal("LIVES_ELSEWHERE")
    if registration.dormitory_id is not None:
        given = await work.find(Consent, id=registration.consent_id, state=ConsentState.GIVEN)
        if given is None:
            raise Refusal("WORKER_CONSENT")
    if await recorded_elsewhere(work, registration):
        raise Refusal("LIVES_ELSEWHERE")
    facts = {
        "since": since, "identity": identity, "decided_by_id": work.person_id, "decided_on": work.happened_on,
        "reason": None, "until": None, "closed_at": None, "membership_id": None,
    }  # fmt: skip
    if await consent_area(work, registration, settings) is not None:
        work.change(registration, state=ResidenceState.PENDING_CONSENT, consent_ballot_id=None, **facts)
        work.record(
            "new_residents.residence.pending", registration, area_id=registration.area_id, data=about(registration)
        )
        await automatic_grants(work, registration)
        return
    await take_effect(work, registration, **facts)


async def consent_area(work: Work, registration: Registration, settings: NewResidentsSettings) -> Area | None:
    """The village whose villagers have to agree, if any: the uppermost area around it of a kind that asks for it."""
    chain = work.place(registration).chain
    kinds = {a.id: a for a in await work.select(Area, id=list(chain)) if a.kind in settings.consent_kinds}
    return next((kinds[id] for id in chain if id in kinds), None)


async def take_effect(work: Work, registration: Registration, **facts: object) -> None:
    """Queue and record that the person lives here in every respect: a membership of the area, what comes of itself."""
    membership_id = await _membership(work, registration, facts.get("since") or registration.since)
    work.change(registration, **{**facts, "state": ResidenceState.VERIFIED, "membership_id": membership_id})
    work.record(
        "new_residents.residence.verified", registration, area_id=registration.area_id, data=about(registration)
    )
    await automatic_grants(work, registration)


async def _membership(work: Work, registration: Registration, since: object) -> UUID | None:
    """Core's own note that they live here, which others read too; the one there is, if the desk has made one. It ends with
    the residence."""
    known = [m for m in await resident_memberships(work, registration.person_id) if m.area_id == registration.area_id]
    if known:
        return known[0].id
    assert isinstance(since, date)
    ground = work.ground
    made = await actors.add_membership(
        work, actor_id=registration.person_id, area_id=registration.area_id, role=MembershipRole.RESIDENT, since=since
    )
    work.ground = ground  # what follows rests on what the mechanism allows, not on who keeps memberships
    return made.id


async def reject_registration(work: Work, *, registration_id: UUID, reason: str) -> Registration:
    """A clerk does not find it shown; the person may appeal. Refuses OWN_MATTER (INV10), REGISTRATION_STATE."""
    registration = await work.lock(Registration, registration_id)
    work.require(VERIFY, registration)
    work.expect_version(registration)
    await work.not_own(registration.person_id, registration.employer_id)
    still(registration, ResidenceState.SUBMITTED)
    text = needed(reason, "reason")
    work.change(
        registration, state=ResidenceState.REJECTED, reason=text, decided_by_id=work.person_id,
        decided_on=work.happened_on, closed_at=work.now,
    )  # fmt: skip
    work.record(
        "new_residents.registration.rejected", registration, area_id=registration.area_id, text={"reason": text}
    )
    return registration


async def revoke_residence(work: Work, *, registration_id: UUID, reason: str) -> Registration:
    """What was verified proves wrong; the person may appeal. Refuses OWN_MATTER (INV10), REGISTRATION_STATE."""
    registration = await work.lock(Registration, registration_id)
    work.require(VERIFY, registration)
    work.expect_version(registration)
    await work.not_own(registration.person_id, registration.employer_id)
    still(registration, *LIVES_HERE)
    text = needed(reason, "reason")
    await end_residence(
        work, registration, work.happened_on, text, state=ResidenceState.REVOKED, reason=text,
        decided_by_id=work.person_id, decided_on=work.happened_on,
    )  # fmt: skip
    return registration


async def move_away(work: Work, *, registration_id: UUID, until: date | None = None) -> Registration:
    """The person, or the desk, says that they no longer live here from a day; what they have here ends with it.

    Refuses REGISTRATION_STATE, IN_THE_FUTURE, ENDS_BEFORE_START.
    """
    registration = await work.lock(Registration, registration_id)
    work.require("new_residents.residence.end", registration, owner=registration.person_id)
    work.expect_version(registration)
    still(registration, *LIVES_HERE)
    day = until or work.happened_on
    if day > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("until",))
    if registration.since is not None and day < registration.since:
        raise Refusal("ENDS_BEFORE_START", path=("until",))
    await end_residence(work, registration, day, None, state=ResidenceState.MOVED_AWAY)
    return registration


async def end_residence(work: Work, registration: Registration, day: date, said: str | None, **values: object) -> None:
    """Queue and record that somebody no longer lives here; what the desk has recorded of it and their entitlements end too."""
    if registration.since is not None and day < registration.since:
        day = registration.since
    recorded = await resident_memberships(work, registration.person_id)
    ending = {m.id for m in recorded if registration.area_id in work.place(m).chain}
    if registration.membership_id is not None:
        ending.add(registration.membership_id)
    for grant in await work.select(Grant, lock=True, registration_id=registration.id, state=list(RUNNING)):
        if grant.state is EntitlementStanding.GRANTED:
            work.change(grant, state=EntitlementStanding.ENDED, ended_on=day)
        else:
            work.change(grant, state=EntitlementStanding.WITHDRAWN)
    work.change(registration, until=day, closed_at=work.now, **values)
    work.record(
        "new_residents.residence.withdrawn", registration, area_id=registration.area_id,
        data={**about(registration), "until": day.isoformat()}, text={"reason": said},
    )  # fmt: skip
    # Once the residence is over its membership may end.
    for membership_id in sorted(ending):
        membership = await work.lock(Membership, membership_id)
        if membership.state is MembershipState.ACTIVE:
            work.change(membership, state=MembershipState.ENDED, until=max(day, membership.since))
            work.record("core.membership.ended", membership, area_id=registration.area_id)
