"""The life of an agreement: signed by all, kept up, suspended and resumed, renewed by both sides, ended with notice."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import clean_text, needed
from core.settings.store import as_uuid
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Signature, Upkeep
from plugins.adoption.rules.common import (
    about,
    adopters,
    end_for_good,
    locked,
    not_an_adopter,
    once_adopters,
    share_to_leave,
    terms,
)
from plugins.adoption.rules.inspections import shift_deadline
from plugins.adoption.settings import AdoptionSettings
from plugins.adoption.terms import AssetState

MINUTES, AMOUNT = 100_000, 10**12


async def sign_agreement(work: Work, *, agreement_id: UUID) -> Agreement:
    """The principal signs as a party; with the last signature it runs, has its number, and the spot is adopted.

    Nobody signs for both sides: refuses OWN_MATTER. Also AGREEMENT_STATE, ALREADY_SIGNED, AGREEMENT_OVER.
    """
    asset, agreement = await locked(work, agreement_id)
    others, area_code = await _co_adopters_and_area(work, agreement)
    work.require("adoption.agreement.sign", asset, owners=[agreement.adopter_id, *others, agreement.custodian_id])
    work.expect_version(agreement)
    sides = ({agreement.adopter_id, *others}, {agreement.custodian_id})
    if await agreements.sign(work, agreement, Signature, work.principal_id, sides):
        await _begin(work, asset, agreement, area_code)
    else:
        work.record("adoption.agreement.signed", agreement, area_id=agreement.area_id, data=about(agreement))
    return agreement


async def _begin(work: Work, asset: Asset, agreement: Agreement, area_code: str) -> None:
    """All have signed: it has its number and first inspection, and the spot is adopted."""
    settings = await terms(work, asset, agreement)
    first = max(agreement.starts_on, work.happened_on)
    work.change(
        agreement,
        state=AgreementState.ACTIVE,
        next_inspection_on=months_later(first, settings.inspect_months),
        **await _certificate(work, agreement, area_code),
    )
    work.change(asset, state=AssetState.ADOPTED)
    work.record("adoption.agreement.active", agreement, area_id=agreement.area_id, data=about(agreement))


async def leave_agreement(work: Work, *, agreement_id: UUID) -> Agreement:
    """A co-adopter goes; it goes on with the others. A draft then needs only their signatures, and runs if they are there.

    Refuses AGREEMENT_STATE, LEAD_STAYS (the lead adopter gives notice), AGREEMENT_OVER.
    """
    asset, agreement = await locked(work, agreement_id)
    owners = await adopters(work, agreement.adopter_id, agreement.claim_id)
    work.require("adoption.agreement.sign", asset, owners=owners)
    work.expect_version(agreement)
    agreements.require_state(agreement, AgreementState.DRAFT, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    share = await share_to_leave(work, agreement.adopter_id, agreement.claim_id)
    if agreements.over(agreement, work.happened_on):
        raise Refusal("AGREEMENT_OVER")
    others, area_code = await _co_adopters_and_area(work, agreement)
    parties = {agreement.adopter_id, *others, agreement.custodian_id} - {share.actor_id}
    signed = {s.party_id for s in await work.select(Signature, agreement_id=agreement_id)}
    begins = agreement.state is AgreementState.DRAFT and signed >= parties
    work.change(share, left_on=work.happened_on)
    if not begins:
        work.change(agreement, state=agreement.state)
    data = {**about(agreement), "actor": str(share.actor_id)}
    work.record("adoption.co_adopter.left", share, area_id=agreement.area_id, data=data)
    if begins:
        await _begin(work, asset, agreement, area_code)
    return agreement


async def _co_adopters_and_area(work: Work, agreement: Agreement) -> tuple[list[UUID], str]:
    """Who adopts with the lead adopter, and the code of the area, whose row is held for `_certificate`."""
    rows = await work.rows(
        "SELECT a.code AS code, c.actor_id AS actor_id FROM core_area a LEFT JOIN adoption_co_adopter c"
        f" ON c.claim_id = {{}} AND c.left_on IS NULL WHERE a.id = {{}}{work.hold('a')}",
        agreement.claim_id, agreement.area_id,
    )  # fmt: skip
    return [as_uuid(r["actor_id"]) for r in rows if r["actor_id"] is not None], rows[0]["code"]


async def _certificate(work: Work, agreement: Agreement, area_code: str) -> dict[str, str | int]:
    """The next number of the area and year; two agreements never get the same, for the area's row is held, and those
    of this very transaction are counted too."""
    year = work.happened_on.year
    waiting = {a.id for a in work.changed(Agreement) if (a.area_id, a.certificate_year) == (agreement.area_id, year)}
    given = await work.rows(
        "SELECT count(*) AS n FROM adoption_agreement WHERE area_id = {} AND certificate_year = {}",
        agreement.area_id, year,
    )  # fmt: skip
    number = given[0]["n"] + len(waiting) + 1
    return {"certificate_number": f"{area_code}-{year}-{number:04}", "certificate_year": year}


async def log_upkeep(
    work: Work, *, agreement_id: UUID, done_on: date, what: str, minutes: int | None, amount: int | None
) -> Upkeep:
    """An adopter notes what was done for the spot: minutes of work, or an amount in fen.

    Refuses AGREEMENT_STATE, AGREEMENT_OVER, IN_THE_FUTURE, ONE_OF_NEEDED, BAD_AMOUNT.
    """
    asset, agreement = await locked(work, agreement_id)
    owners = await adopters(work, agreement.adopter_id, agreement.claim_id)
    work.require("adoption.upkeep.log", asset, owners=owners)
    if done_on > work.happened_on:
        raise Refusal("IN_THE_FUTURE", path=("doneOn",))
    agreements.require_running(agreement, done_on)
    if (minutes is None) == (amount is None):
        raise Refusal("ONE_OF_NEEDED", path=("minutes",), fields="minutes, amount")
    if minutes is not None and not 1 <= minutes <= MINUTES:
        raise Refusal("BAD_AMOUNT", path=("minutes",), limit=MINUTES)
    if amount is not None and not 1 <= amount <= AMOUNT:
        raise Refusal("BAD_AMOUNT", path=("amount",), limit=AMOUNT)
    upkeep = Upkeep(
        id=new_id(),
        area_id=agreement.area_id,
        agreement_id=agreement_id,
        adopter_id=work.principal_id,
        done_on=done_on,
        what=clean_text(what, "what", limit=2000),
        minutes=minutes,
        amount=amount,
    )
    work.add(upkeep)
    data = {**about(agreement), "actor": str(upkeep.adopter_id)}
    work.record("adoption.upkeep.logged", upkeep, area_id=agreement.area_id, data=data)
    return upkeep


async def suspend_agreement(work: Work, *, agreement_id: UUID, reason: str) -> Agreement:
    """The custodian, or the administration, pauses it: no inspections, and no deadline passes meanwhile.

    Refuses OWN_MATTER (INV10), AGREEMENT_STATE.
    """
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.agreement.suspend", asset, owner=agreement.custodian_id)
    await not_an_adopter(work, agreement)
    work.expect_version(agreement)
    agreements.suspend(work, agreement, work.happened_on)
    text = needed(reason, "reason")
    work.record(
        "adoption.agreement.suspended", agreement, area_id=asset.area_id, data=about(agreement), text={"reason": text}
    )
    return agreement


async def resume_agreement(work: Work, *, agreement_id: UUID) -> Agreement:
    """It runs again; what was to be put right is due so many days later."""
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.agreement.suspend", asset, owner=agreement.custodian_id)
    work.expect_version(agreement)
    days = agreements.resume(work, agreement, work.happened_on)
    await shift_deadline(work, agreement, days)
    work.record("adoption.agreement.resumed", agreement, area_id=asset.area_id, data={**about(agreement), "days": days})
    return agreement


async def renew_agreement(work: Work, *, agreement_id: UUID) -> Agreement:
    """The lead adopter or the custodian's side asks, the other side agrees, and the term is longer by another.

    The new term runs under the settings of that day. Refuses what `core.agreement.renew` does, and OWN_MATTER.
    """
    asset, agreement = await locked(work, agreement_id)
    side = agreement.adopter_id if work.principal_id == agreement.adopter_id else agreement.custodian_id
    work.require("adoption.agreement.renew", asset, owner=side)
    work.expect_version(agreement)
    if side != agreement.adopter_id:
        await not_an_adopter(work, agreement)
    settings = await work.settings(AdoptionSettings, asset)
    longer = months_later(agreement.ends_on, settings.term_months)
    renewed = agreements.renew(work, agreement, side, work.happened_on, window_days=settings.renew_days, ends_on=longer)
    if renewed:
        work.change(agreement, settings_version=await work.settings_version())
    work.record(
        f"adoption.agreement.{'renewed' if renewed else 'renewal_asked'}", agreement, area_id=asset.area_id,
        data={**about(agreement), "side": str(side), "endsOn": agreement.ends_on.isoformat()},
    )  # fmt: skip
    return agreement


async def end_agreement(work: Work, *, agreement_id: UUID, reason: str) -> Agreement:
    """A party, or the administration, gives notice; it ends when the notice is over. A draft ends at once.

    Refuses AGREEMENT_STATE, NOTICE_GIVEN.
    """
    asset, agreement = await locked(work, agreement_id)
    lead_and_others = await adopters(work, agreement.adopter_id, agreement.claim_id)
    party = work.principal_id if work.principal_id in (*lead_and_others, agreement.custodian_id) else None
    work.require("adoption.agreement.end", asset, owner=party)
    work.expect_version(agreement)
    text = needed(reason, "reason")
    by = "BY_ADOPTER" if party in lead_and_others else "BY_CUSTODIAN" if party else "BY_ADMINISTRATION"
    data = {**about(agreement), "by": by}
    if agreement.state is AgreementState.DRAFT:
        _record_end(work, asset, agreement, EndReason.CANCELLED, data, text)
        return agreement
    days = (await terms(work, asset, agreement)).end_notice_days
    agreements.give_notice(work, agreement, work.principal_id, work.happened_on + timedelta(days=days))
    if days == 0:
        _record_end(work, asset, agreement, EndReason.TERMINATED, data, text)
        return agreement
    data["until"] = str(agreement.notice_ends_on)
    work.record("adoption.agreement.notice_given", agreement, area_id=asset.area_id, data=data, text={"reason": text})
    return agreement


def _record_end(
    work: Work, asset: Asset, agreement: Agreement, reason: EndReason, data: dict[str, str], text: str | None = None
) -> None:
    end_for_good(work, asset, agreement, reason)
    work.record(
        "adoption.agreement.ended", agreement, area_id=asset.area_id, data={**data, "reason": str(reason)},
        text={"reason": text},
    )  # fmt: skip


async def waive_notice(work: Work, *, agreement_id: UUID) -> Agreement:
    """The other side does without the days of notice, and it ends now: the custodian after an adopter's notice, the
    lead adopter after any other. Refuses NO_NOTICE, NOT_A_PARTY, OWN_MATTER (nobody on both sides), AGREEMENT_STATE.
    """
    asset, agreement = await locked(work, agreement_id)
    giver = agreement.notice_by_id
    by_adopter = giver in await once_adopters(work, agreement)
    other = agreement.custodian_id if by_adopter else agreement.adopter_id
    work.require("adoption.agreement.end", asset, owner=other)
    work.expect_version(agreement)
    agreements.require_state(agreement, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    if giver is None:
        raise Refusal("NO_NOTICE")
    if work.principal_id != other:
        raise Refusal("NOT_A_PARTY")
    if by_adopter:
        await not_an_adopter(work, agreement)
    _record_end(work, asset, agreement, EndReason.TERMINATED, {**about(agreement), "by": "BY_CONSENT"})
    return agreement


async def settle_term(work: Work, agreement_id: UUID) -> None:
    """For the job: end what is over by the calendar, a draft nobody signed in time, a term, a notice."""
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.agreement.end", asset)
    reason = agreements.over(agreement, work.happened_on)
    if reason is not None:
        _record_end(work, asset, agreement, reason, {**about(agreement), "by": "BY_CALENDAR"})
