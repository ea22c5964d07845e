"""Equal footing (五同): what is offered, who asks for it, has it, is refused it or no longer has it.

The same conditions hold for everybody who lives there: how long they have. What may keep a newcomer from it besides is a
statutory exception, declared with the statute it rests on (INV15).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.models import Area, Membership, RuleDocument
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.new_residents.models import Entitlement, Grant, ParityException, Registration, Use
from plugins.new_residents.rules.common import lives_at, person, resident_memberships
from plugins.new_residents.terms import (
    EntitlementRefusal,
    EntitlementStanding,
    EntitlementState,
    EqualGroup,
)

OFFER, GRANT = "new_residents.entitlement.offer", "new_residents.entitlement.grant"
RUNNING = (EntitlementStanding.REQUESTED, EntitlementStanding.GRANTED)


@dataclass(frozen=True)
class Offer:
    """An entitlement of the catalogue."""

    group: EqualGroup
    key: str
    title: str
    min_months: int = 0
    automatic: bool = False
    explanation: str | None = None


# What the source names: one city, one management, taking part in committees and forums, public services, the dividends.
CATALOGUE = (
    Offer(EqualGroup.CITY, "NEW_CITIZEN", "新厦门人身份", automatic=True, explanation="以“新厦门人”相称,同城共居"),
    Offer(EqualGroup.MANAGEMENT, "GRID", "纳入网格化服务管理", automatic=True),
    Offer(
        EqualGroup.PARTICIPATION, "ELECTIONS", "选举与决策", min_months=12, explanation="参加社区选举、村庄选举与决策"
    ),
    Offer(EqualGroup.PARTICIPATION, "FORUMS", "参加四民家园、同心合议厅、自治联席会", automatic=True),
    Offer(EqualGroup.PARTICIPATION, "SUPERVISION", "参与治理与监督", automatic=True),
    Offer(EqualGroup.SERVICE, "PUBLIC_SERVICE", "社区公共服务", automatic=True),
    Offer(EqualGroup.SERVICE, "VOLUNTEERING", "志愿服务与互助", automatic=True),
    Offer(EqualGroup.TREATMENT, "DIVIDEND", "共享社区发展红利", min_months=12),
)


async def offer(work: Work, *, area_id: UUID, offers: Sequence[Offer]) -> list[Entitlement]:
    """Offer entitlements in an area and below; keys are kept in capitals. Refuses ENTITLEMENT_EXISTS; BAD_MONTHS."""
    area = await work.lock(Area, area_id)
    work.require(OFFER, area)
    made = []
    for each in offers:
        if not 0 <= each.min_months <= 120:
            raise Refusal("BAD_MONTHS", path=("minMonths",))
        entitlement = Entitlement(
            id=new_id(), area_id=area_id, equal_group=each.group, key=clean_name(each.key, "key", limit=40).upper(),
            title=clean_name(each.title, "title"), explanation=optional_text(each.explanation, "explanation", limit=2000),
            min_months=each.min_months, automatic=each.automatic, state=EntitlementState.OFFERED,
        )  # fmt: skip
        work.add(entitlement)
        work.record(
            "new_residents.entitlement.offered", entitlement, area_id=area_id,
            data={"group": str(each.group), "key": entitlement.key},
        )  # fmt: skip
        made.append(entitlement)
    return made


async def offer_catalogue(work: Work, *, area_id: UUID) -> Area:
    """Offer what the catalogue has and the area does not offer yet. Refuses ENTITLEMENT_EXISTS when that is nothing."""
    area = await work.get(Area, area_id)
    there = {e.key for e in await work.select(Entitlement, area_id=area_id, state=EntitlementState.OFFERED)}
    wanted = [each for each in CATALOGUE if each.key not in there]
    if not wanted:
        raise Refusal("ENTITLEMENT_EXISTS")
    await offer(work, area_id=area_id, offers=wanted)
    return area


async def change_entitlement(
    work: Work, *, entitlement_id: UUID, title: str | None, explanation: str | None, min_months: int | None,
    automatic: bool | None,
) -> Entitlement:  # fmt: skip
    """Mend the words, or ask for fewer months; more would take from who has it. Refuses MONTHS_ONLY_FEWER."""
    entitlement = await work.lock(Entitlement, entitlement_id)
    work.require(OFFER, entitlement)
    work.expect_version(entitlement)
    _offered(entitlement)
    values: dict[str, object] = {}
    if title is not None:
        values["title"] = clean_name(title, "title")
    if explanation is not None:
        values["explanation"] = optional_text(explanation, "explanation", limit=2000)
    if min_months is not None:
        if not 0 <= min_months <= entitlement.min_months:
            raise Refusal("MONTHS_ONLY_FEWER", path=("minMonths",), months=entitlement.min_months)
        values["min_months"] = min_months
    if automatic is not None:
        values["automatic"] = automatic
    work.change(entitlement, **values)
    work.record(
        "new_residents.entitlement.changed", entitlement, area_id=entitlement.area_id, data={"columns": [*values]}
    )
    return entitlement


async def retire_entitlement(work: Work, *, entitlement_id: UUID, reason: str) -> Entitlement:
    """Offer it no longer; who has it keeps it until it ends. Refuses ENTITLEMENT_RETIRED."""
    entitlement = await work.lock(Entitlement, entitlement_id)
    work.require(OFFER, entitlement)
    work.expect_version(entitlement)
    _offered(entitlement)
    work.change(entitlement, state=EntitlementState.RETIRED)
    work.record(
        "new_residents.entitlement.retired", entitlement, area_id=entitlement.area_id,
        text={"reason": needed(reason, "reason")},
    )  # fmt: skip
    return entitlement


def _offered(entitlement: Entitlement) -> None:
    if entitlement.state is not EntitlementState.OFFERED:
        raise Refusal("ENTITLEMENT_RETIRED")


# --- statutory exceptions --------------------------------------------------------------------------------


async def declare_exception(
    work: Work, *, entitlement_id: UUID, statute: str, reason: str, rule_document_id: UUID | None
) -> ParityException:
    """Say by which statute newcomers do not have it, in public. Refuses STATUTE_EXISTS, ENTITLEMENT_RETIRED."""
    entitlement = await work.lock(Entitlement, entitlement_id)
    work.require("new_residents.exception.declare", entitlement)
    _offered(entitlement)
    if rule_document_id is not None:
        await work.get(RuleDocument, rule_document_id)
    if await exception_of(work, entitlement.id) is not None:
        raise Refusal("STATUTE_EXISTS")
    exception = ParityException(
        id=new_id(), area_id=entitlement.area_id, entitlement_id=entitlement.id,
        statute=clean_name(statute, "statute"), reason=clean_text(reason, "reason", limit=2000),
        rule_document_id=rule_document_id, since=work.happened_on,
    )  # fmt: skip
    work.add(exception)
    work.record(
        "new_residents.exception.declared", exception, area_id=entitlement.area_id,
        data={"entitlement": str(entitlement.id)},
    )  # fmt: skip
    return exception


async def end_exception(work: Work, *, exception_id: UUID) -> ParityException:
    """It no longer holds. Refuses ALREADY_ENDED."""
    exception = await work.lock(ParityException, exception_id)
    work.require("new_residents.exception.declare", exception)
    work.expect_version(exception)
    if exception.until is not None:
        raise Refusal("ALREADY_ENDED")
    work.change(exception, until=work.happened_on)
    work.record(
        "new_residents.exception.ended", exception, area_id=exception.area_id,
        data={"entitlement": str(exception.entitlement_id)},
    )  # fmt: skip
    return exception


async def exception_of(work: Work, entitlement_id: UUID) -> ParityException | None:
    return await work.find(ParityException, entitlement_id=entitlement_id, until=None)


# --- who has it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """Where somebody lives within the area of an entitlement, and since when."""

    at: Registration | Membership
    area_id: UUID
    since: date | None

    @property
    def registration_id(self) -> UUID | None:
        return self.at.id if isinstance(self.at, Registration) else None


async def home_within(work: Work, entitlement: Entitlement, person_id: UUID) -> Registration | Membership | None:
    """Where somebody lives in the area of an entitlement or below; None if they do not."""
    home = await lives_at(work, person_id)
    homes = [home] if home is not None else await resident_memberships(work, person_id)
    return next((at for at in homes if entitlement.area_id in work.place(at).chain), None)


async def standing_of(work: Work, entitlement: Entitlement, person_id: UUID) -> Standing:
    """Refuses NOT_RESIDENT_HERE for who does not live in the area of the entitlement or below."""
    at = await home_within(work, entitlement, person_id)
    if at is None or at.area_id is None:
        raise Refusal("NOT_RESIDENT_HERE")
    since = await work.port(ELIGIBILITY).resident_since(work, person_id, entitlement.area_id)
    return Standing(at, at.area_id, since)


def long_enough(entitlement: Entitlement, standing: Standing, day: date) -> bool:
    if entitlement.min_months == 0:
        return True  # who lives here, even where the villagers have yet to agree
    return standing.since is not None and months_later(standing.since, entitlement.min_months) <= day


async def request_entitlement(work: Work, *, entitlement_id: UUID) -> Grant:
    """The principal, who lives here, asks for it. Refuses NOT_RESIDENT_HERE, ENTITLED_ALREADY, ENTITLEMENT_RETIRED."""
    entitlement = await work.get(Entitlement, entitlement_id)
    who = await person(work, work.principal_id)
    standing = await standing_of(work, entitlement, who.id)
    work.require("new_residents.entitlement.request", standing.at)
    _offered(entitlement)
    await _none_yet(work, entitlement.id, who.id)
    grant = new_grant(work, entitlement, who.id, standing, EntitlementStanding.REQUESTED)
    work.record(
        "new_residents.entitlement.requested", grant, area_id=grant.area_id, data={"entitlement": str(entitlement.id)}
    )
    return grant


async def withdraw_request(work: Work, *, grant_id: UUID) -> Grant:
    """The person no longer asks for it. Refuses ENTITLEMENT_STATE."""
    grant = await work.lock(Grant, grant_id)
    work.require("new_residents.entitlement.request", grant, owner=grant.person_id)
    work.expect_version(grant)
    _is(grant, EntitlementStanding.REQUESTED)
    work.change(grant, state=EntitlementStanding.WITHDRAWN)
    work.record("new_residents.entitlement.request_withdrawn", grant, area_id=grant.area_id)
    return grant


async def _none_yet(work: Work, entitlement_id: UUID, person_id: UUID) -> None:
    if await work.select(Grant, entitlement_id=entitlement_id, person_id=person_id, state=list(RUNNING)):
        raise Refusal("ENTITLED_ALREADY")


def new_grant(work: Work, entitlement: Entitlement, person_id: UUID, at: Standing, state: EntitlementStanding) -> Grant:
    grant = Grant(
        id=new_id(), area_id=at.area_id, entitlement_id=entitlement.id, person_id=person_id,
        registration_id=at.registration_id, state=state, asked_at=work.occurred_at,
    )  # fmt: skip
    return work.add(grant)


def _is(grant: Grant, *states: EntitlementStanding) -> None:
    if grant.state not in states:
        raise Refusal("ENTITLEMENT_STATE", state=grant.state)


async def grant_entitlement(work: Work, *, entitlement_id: UUID, person_id: UUID) -> Grant:
    """A clerk gives it to somebody who lives here and fulfils what it asks for, whether or not they have asked.

    Refuses OWN_MATTER (INV10), NOT_RESIDENT_HERE, RESIDENCE_MONTHS, STATUTORY_EXCEPTION, ENTITLED_ALREADY.
    """
    entitlement = await work.get(Entitlement, entitlement_id)
    who = await person(work, person_id, "personId")
    standing = await standing_of(work, entitlement, who.id)
    work.require(GRANT, standing.at)
    _offered(entitlement)
    await work.not_own(who.id)
    await _fulfils(work, entitlement, standing)
    known = await work.select(Grant, lock=True, entitlement_id=entitlement.id, person_id=who.id, state=list(RUNNING))
    if known:
        grant = known[0]
        if grant.state is EntitlementStanding.GRANTED:
            raise Refusal("ENTITLED_ALREADY")
        work.change(grant, state=EntitlementStanding.GRANTED, decided_by_id=work.person_id, decided_on=work.happened_on)
    else:
        grant = new_grant(work, entitlement, who.id, standing, EntitlementStanding.GRANTED)
        grant.decided_by_id, grant.decided_on = work.person_id, work.happened_on
    granted(work, grant)
    return grant


def granted(work: Work, grant: Grant) -> None:
    work.record(
        "new_residents.entitlement.granted", grant, area_id=grant.area_id,
        data={"entitlement": str(grant.entitlement_id), "person": str(grant.person_id)},
    )  # fmt: skip


async def refuse_entitlement(
    work: Work, *, entitlement_id: UUID, person_id: UUID, ground: EntitlementRefusal, reason: str
) -> Grant:
    """A clerk refuses it, on a ground that holds: too short a residence is worked out, a statute has to be declared.

    Refuses OWN_MATTER (INV10), NOT_RESIDENT_HERE, GROUND_DOES_NOT_HOLD, NO_STATUTE, ENTITLED_ALREADY,
    ENTITLEMENT_AUTOMATIC (what comes of itself is refused on no other ground than these two).
    """
    entitlement = await work.get(Entitlement, entitlement_id)
    who = await person(work, person_id, "personId")
    standing = await standing_of(work, entitlement, who.id)
    work.require(GRANT, standing.at)
    await work.not_own(who.id)
    text = needed(reason, "reason")
    if ground not in (EntitlementRefusal.RESIDENCE, EntitlementRefusal.STATUTE):
        _decided(entitlement)
    if ground is EntitlementRefusal.RESIDENCE and long_enough(entitlement, standing, work.happened_on):
        raise Refusal("GROUND_DOES_NOT_HOLD", path=("ground",))
    if ground is EntitlementRefusal.STATUTE:
        if await exception_of(work, entitlement.id) is None:
            raise Refusal("NO_STATUTE", path=("ground",))
        if standing.registration_id is None:
            raise Refusal("GROUND_DOES_NOT_HOLD", path=("ground",))
    known = await work.select(Grant, lock=True, entitlement_id=entitlement.id, person_id=who.id, state=list(RUNNING))
    decided = {
        "state": EntitlementStanding.REFUSED, "ground": ground, "reason": text, "decided_by_id": work.person_id,
        "decided_on": work.happened_on,
    }  # fmt: skip
    if known:
        grant = known[0]
        if grant.state is EntitlementStanding.GRANTED:
            raise Refusal("ENTITLED_ALREADY")
        work.change(grant, **decided)
    else:
        grant = new_grant(work, entitlement, who.id, standing, EntitlementStanding.REFUSED)
        for name, value in decided.items():
            setattr(grant, name, value)
    work.record(
        "new_residents.entitlement.refused", grant, area_id=grant.area_id,
        data={"entitlement": str(entitlement.id), "ground": str(ground)}, text={"reason": text},
    )  # fmt: skip
    return grant


async def use_entitlement(work: Work, *, grant_id: UUID, used_on: date | None, note: str | None) -> Use:
    """Note that it was used on a day. Refuses ENTITLEMENT_STATE, IN_THE_FUTURE, OWN_MATTER (INV10)."""
    grant = await work.lock(Grant, grant_id)
    work.require(GRANT, grant)
    await work.not_own(grant.person_id)
    _is(grant, EntitlementStanding.GRANTED)
    day = used_on or work.happened_on
    if day > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("usedOn",))
    if grant.decided_on is not None and day < grant.decided_on:
        raise Refusal("BEFORE_GRANTED", path=("usedOn",), since=str(grant.decided_on))
    use = Use(
        id=new_id(), area_id=grant.area_id, grant_id=grant.id, used_on=day, note=optional_text(note, "note", limit=500),
        recorded_at=work.now,
    )  # fmt: skip
    work.add(use)
    work.record(
        "new_residents.entitlement.used", use, area_id=grant.area_id, data={"entitlement": str(grant.entitlement_id)}
    )
    return use


async def end_entitlement(work: Work, *, grant_id: UUID, reason: str) -> Grant:
    """A clerk, or the person, ends it; the person may appeal, also against what the desk entered for them.

    Refuses ENTITLEMENT_STATE, ENTITLEMENT_AUTOMATIC, and OWN_MATTER (INV10) for a clerk's own.
    """
    grant = await work.lock(Grant, grant_id)
    work.require(GRANT, grant, owner=grant.person_id)
    work.expect_version(grant)
    is_theirs = work.principal_id == grant.person_id
    is_at_the_desk = work.acting.behalf_of_id is not None and not work.acting.is_guardian
    if not is_theirs:
        await work.not_own(grant.person_id)
    elif is_at_the_desk:
        await work.not_at_the_desk_of(grant.person_id)
    _is(grant, EntitlementStanding.GRANTED)
    _decided(await work.get(Entitlement, grant.entitlement_id))
    text = needed(reason, "reason")
    by = {} if is_theirs and not is_at_the_desk else {"decided_by_id": work.person_id}
    work.change(grant, state=EntitlementStanding.ENDED, ended_on=work.happened_on, reason=text, **by)
    work.record(
        "new_residents.entitlement.ended", grant, area_id=grant.area_id,
        data={"entitlement": str(grant.entitlement_id)}, text={"reason": text},
    )  # fmt: skip
    return grant


def _decided(entitlement: Entitlement) -> None:
    """Refuses ENTITLEMENT_AUTOMATIC for what nobody decides about."""
    if entitlement.automatic and entitlement.state is EntitlementState.OFFERED:
        raise Refusal("ENTITLEMENT_AUTOMATIC")


def end_with_residence(work: Work, grant: Grant, day: date) -> None:
    """Queue and record that somebody no longer has, or asks for, what is for those who live there."""
    work.require("new_residents.residence.end", grant)
    if grant.state is EntitlementStanding.REQUESTED:
        work.change(grant, state=EntitlementStanding.WITHDRAWN)
        work.record("new_residents.entitlement.request_withdrawn", grant, area_id=grant.area_id)
        return
    work.change(grant, state=EntitlementStanding.ENDED, ended_on=day)
    work.record(
        "new_residents.entitlement.ended", grant, area_id=grant.area_id,
        data={"entitlement": str(grant.entitlement_id)},
    )  # fmt: skip


async def reinstate(work: Work, grant: Grant) -> None:
    """An appeal was right: they have it, if they still fulfil what granting asks for. What they asked for again meanwhile is
    settled with it; whoever has been granted it meanwhile has it. Refuses what granting refuses."""
    _is(grant, EntitlementStanding.REFUSED, EntitlementStanding.ENDED)
    again = await work.select(
        Grant, lock=True, entitlement_id=grant.entitlement_id, person_id=grant.person_id, state=list(RUNNING)
    )
    if any(g.state is EntitlementStanding.GRANTED for g in again):
        return
    for request in again:
        work.change(request, state=EntitlementStanding.WITHDRAWN)
    entitlement = await work.get(Entitlement, grant.entitlement_id)
    standing = await standing_of(work, entitlement, grant.person_id)
    if standing.area_id != grant.area_id:  # what they ask for where they live now is another matter
        raise Refusal("NOT_RESIDENT_HERE")
    await _fulfils(work, entitlement, standing)
    work.change(
        grant,
        state=EntitlementStanding.GRANTED,
        registration_id=standing.registration_id,
        ended_on=None,
        ground=None,
        decided_by_id=work.person_id,
        decided_on=work.happened_on,
    )


async def _fulfils(work: Work, entitlement: Entitlement, standing: Standing) -> None:
    """Refuses ENTITLEMENT_RETIRED, RESIDENCE_MONTHS, STATUTORY_EXCEPTION."""
    _offered(entitlement)
    if not long_enough(entitlement, standing, work.happened_on):
        raise Refusal("RESIDENCE_MONTHS", months=entitlement.min_months, since=str(standing.since))
    exception = await exception_of(work, entitlement.id)
    if exception is not None and standing.registration_id is not None:
        raise Refusal("STATUTORY_EXCEPTION", statute=exception.statute)
