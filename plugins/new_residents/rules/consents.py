"""The villagers' consent: who lives in a village takes part in it once the representatives have agreed (village law,
article 13). A ballot says so, or a clerk enters what the minutes say.

The facts are verified before; while it is open, or refused, they count for the areas above the village alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.models import Actor
from core.ports import ELIGIBILITY, Port
from core.rules.inputs import clean_text
from core.work import Work
from plugins.new_residents.models import Registration
from plugins.new_residents.rules.common import about
from plugins.new_residents.rules.registrations import still
from plugins.new_residents.rules.residence import consent_area, take_effect
from plugins.new_residents.settings import NewResidentsSettings
from plugins.new_residents.terms import ASKED, ResidenceState

if TYPE_CHECKING:
    from plugins.ballots.ports import Ballots
    from plugins.councils.ports import Councils

BALLOTS: Port[Ballots] = Port("ballots")
COUNCILS: Port[Councils] = Port("councils")
RECORD = "new_residents.consent.record"
REPRESENTATIVES = 200


async def ask_consent(
    work: Work, *, registration_id: UUID, representatives: Sequence[UUID], body_id: UUID | None, opens_at: datetime,
    closes_at: datetime,
) -> Registration:  # fmt: skip
    """Put it to the representatives in a secret ballot: to who sits in the village's representatives' meeting (`body_id`), or
    to those who are named where no such body is kept here.

    Refuses PLUGIN_DISABLED where no mechanism holds ballots or keeps bodies, OWN_MATTER (INV10; a newcomer is no representative in
    their own matter), ONE_OF_NEEDED, NOT_THE_REPRESENTATIVES, REPRESENTATIVES_SIT, NOT_A_VILLAGER (who does not live there decides nothing
    there), TOO_MANY_VOTERS, REGISTRATION_STATE, CONSENT_ASKED.
    """
    registration = await work.lock(Registration, registration_id)
    work.require(RECORD, registration)
    work.expect_version(registration)
    await work.not_own(registration.person_id)
    still(registration, *ASKED)
    ballots = work.port(BALLOTS, at=registration)
    settings = await work.settings(NewResidentsSettings, registration)
    village = await consent_area(work, registration, settings)
    village_id = registration.area_id if village is None else village.id
    voters = representatives if body_id is None else await _seated(work, registration, body_id, village_id)
    if bool(representatives) == (body_id is not None):
        raise Refusal("ONE_OF_NEEDED", path=("representativeIds",), fields="representativeIds, bodyId")
    if not voters:
        raise Refusal("EMPTY_LIST", path=("bodyId",))
    if body_id is None:
        await _no_meeting(work, registration, village_id)
    if registration.person_id in voters:
        raise Refusal("OWN_MATTER", path=("representativeIds",))
    await _villagers(work, village_id, voters)
    _not_in_a_ballot(registration)
    person = await work.get(Actor, registration.person_id)
    ballot_id = await ballots.put(
        work, subject=registration, area_id=registration.area_id, title=f"同意{person.masked_name}参加本村选举与决策",
        may_abstain=False, voters=list(voters), is_secret=True, opens_at=opens_at, closes_at=closes_at,
    )  # fmt: skip
    work.require(RECORD, registration)
    work.change(
        registration, state=ResidenceState.PENDING_CONSENT, consent_ballot_id=ballot_id, consent_evidence=None,
        consented_on=work.happened_on,
    )  # fmt: skip
    work.record(
        "new_residents.residence.pending", registration, area_id=registration.area_id,
        data={**about(registration), "ballot": str(ballot_id)},
    )  # fmt: skip
    return registration


async def _seated(work: Work, registration: Registration, body_id: UUID, village_id: UUID) -> list[UUID]:
    """Who sits with a vote in the representatives' meeting of the village. Refuses PLUGIN_DISABLED, NOT_THE_REPRESENTATIVES."""
    councils = work.port(COUNCILS, at=registration)
    body = await councils.body(work, body_id)
    if body.kind != "REPRESENTATIVES" or body.area_id != village_id or not body.is_active:
        raise Refusal("NOT_THE_REPRESENTATIVES", path=("bodyId",))
    return await councils.seated(work, body_id)


async def _villagers(work: Work, village_id: UUID, voters: Sequence[UUID]) -> None:
    """Who is asked lives in the village that has to agree. Refuses TOO_MANY_VOTERS, NOT_A_VILLAGER."""
    if len(voters) > REPRESENTATIVES:
        raise Refusal("TOO_MANY_VOTERS", path=("representativeIds",), limit=REPRESENTATIVES)
    lives = work.port(ELIGIBILITY).resident_since
    for number, voter in enumerate(voters):
        if await lives(work, voter, village_id) is None:
            raise Refusal("NOT_A_VILLAGER", path=("representativeIds", str(number)))


async def _no_meeting(work: Work, registration: Registration, village_id: UUID) -> None:
    """Refuses REPRESENTATIVES_SIT where the village has a representatives' meeting: nobody is named in its stead."""
    if "councils" in work.place(registration).plugins:
        meeting = next(iter(await work.port(COUNCILS).bodies(work, village_id, "REPRESENTATIVES")), None)
        if meeting is not None:
            raise Refusal("REPRESENTATIVES_SIT", path=("representativeIds",), body=meeting.name)


async def record_consent(
    work: Work, *, registration_id: UUID, consented: bool, evidence: str, decided_on: date | None
) -> Registration:
    """A clerk enters what the minutes of the villagers or their representatives say.

    Refuses OWN_MATTER (INV10), REGISTRATION_STATE, CONSENT_ASKED (a ballot decides it), EMPTY_TEXT, IN_THE_FUTURE,
    CONSENT_TOO_EARLY.
    """
    registration = await work.lock(Registration, registration_id)
    work.require(RECORD, registration)
    work.expect_version(registration)
    await work.not_own(registration.person_id)
    still(registration, *ASKED)
    _not_in_a_ballot(registration)
    day = decided_on or work.happened_on
    if day > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("decidedOn",))
    earliest = _earliest(work, registration)
    if day < earliest:
        raise Refusal("CONSENT_TOO_EARLY", path=("decidedOn",), since=str(earliest))
    text = clean_text(evidence, "evidence", limit=500)
    await _decided(work, registration, consented, consent_ballot_id=None, consent_evidence=text, consented_on=day)
    return registration


def _not_in_a_ballot(registration: Registration) -> None:
    """Refuses CONSENT_ASKED while a ballot about it is open."""
    if registration.consent_ballot_id is not None and registration.state is ResidenceState.PENDING_CONSENT:
        raise Refusal("CONSENT_ASKED")


def _earliest(work: Work, registration: Registration) -> date:
    """The first day whose minutes count: that of the registration or of the last minutes, or the day after a ballot was asked
    for or decided against."""
    day, last = work.clock.civil_date(registration.submitted_at), registration.consented_on
    if last is None:
        return day
    return max(day, last if registration.consent_evidence is not None else last + timedelta(days=1))


async def ballot_closed(work: Work, event: EventRecord) -> None:
    """The ballot in which the villagers were asked has closed: they agreed, or did not. One that decided nothing (no quorum,
    a tie, called off) leaves the registration waiting, to be asked about again, and minutes of before it still say nothing.
    Any other ballot about it, whoever announced it and wherever, says nothing (INV10, INV13)."""
    data = event.data
    registration = await work.heard(
        event, Registration, state=ResidenceState.PENDING_CONSENT, consent_ballot_id=data["ballot"]
    )
    if registration is None:
        return
    work.require(RECORD, registration)
    if data.get("outcome") not in ("ADOPTED", "REJECTED"):
        work.change(registration, consent_ballot_id=None)
        work.record(
            "new_residents.residence.pending", registration, area_id=registration.area_id, data=about(registration)
        )
        return
    day = work.clock.civil_date(event.occurred_at)
    await _decided(
        work, registration, data["outcome"] == "ADOPTED", consent_ballot_id=registration.consent_ballot_id,
        consent_evidence=None, consented_on=day,
    )  # fmt: skip


async def _decided(work: Work, registration: Registration, consented: bool, **facts: object) -> None:
    if consented:
        await take_effect(work, registration, **facts)
        return
    work.change(registration, state=ResidenceState.CONSENT_REFUSED, **facts)
    work.record(
        "new_residents.residence.consent_refused", registration, area_id=registration.area_id, data=about(registration)
    )
