"""The rules of adopt-a-spot (M12): list, claim, decide, sign, inspect, end. The spot's row is locked first, always."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, optional_text
from core.work import Work
from plugins.adoption.models import (
    AdoptionMode,
    Agreement,
    Asset,
    AssetKind,
    AssetState,
    Claim,
    ClaimState,
    Inspection,
    InspectionResult,
    Signature,
)
from plugins.adoption.settings import AdoptionSettings


async def list_asset(
    work: Work, *, area_id: UUID, custodian_id: UUID, name: str, kind: AssetKind, duties: str
) -> Asset:
    """Open a spot to adoption; its custodian answers for it and signs. Refuses ASSET_EXISTS."""
    area = await work.get(Area, area_id)
    await work.get(Actor, custodian_id)
    work.require("adoption.asset.list", area)
    asset = Asset(
        id=new_id(),
        area_id=area_id,
        custodian_id=custodian_id,
        name=clean_name(name, "name"),
        kind=kind,
        duties=clean_text(duties, "duties"),
        state=AssetState.AVAILABLE,
    )
    work.add(asset)
    work.record("adoption.asset.listed", asset, area_id=area_id, data={"kind": str(kind)})
    return asset


async def submit_claim(work: Work, *, asset_id: UUID, mode: AdoptionMode, statement: str | None) -> Claim:
    """The principal asks to adopt. While another holds the spot, the claim waits.

    Refuses ALREADY_CLAIMED, OWN_ASSET (the custodian has it already).
    """
    asset = await work.lock(Asset, asset_id)
    work.require("adoption.claim.submit", asset)
    claimant_id = work.principal_id
    if claimant_id == asset.custodian_id:
        raise Refusal("OWN_ASSET")
    if await work.find(Claim, asset_id=asset_id, claimant_id=claimant_id, state=ClaimState.SUBMITTED):
        raise Refusal("ALREADY_CLAIMED")
    claim = Claim(
        id=new_id(),
        area_id=asset.area_id,
        asset_id=asset_id,
        claimant_id=claimant_id,
        mode=mode,
        statement=optional_text(statement, "statement", limit=2000),
        state=ClaimState.SUBMITTED,
        submitted_at=work.occurred_at,
    )
    work.add(claim)
    work.record("adoption.claim.submitted", claim, area_id=asset.area_id, data={"asset": str(asset_id)})
    return claim


async def _claim(work: Work, claim_id: UUID) -> tuple[Asset, Claim]:
    asset = await work.lock(Asset, (await work.get(Claim, claim_id)).asset_id)
    return asset, await work.lock(Claim, claim_id)


async def withdraw_claim(work: Work, *, claim_id: UUID) -> Claim:
    """The claimant thinks better of it, before a decision."""
    asset, claim = await _claim(work, claim_id)
    work.require("adoption.claim.decide", asset, owner=claim.claimant_id)
    work.expect_version(claim)
    if claim.claimant_id != work.principal_id:
        raise Refusal("NOT_A_PARTY")
    if claim.state is not ClaimState.SUBMITTED:
        raise Refusal("CLAIM_DECIDED", state=str(claim.state))
    work.change(claim, state=ClaimState.WITHDRAWN)
    work.record("adoption.claim.withdrawn", claim, area_id=claim.area_id)
    return claim


async def decide_claim(
    work: Work, *, claim_id: UUID, accept: bool, reason: str | None, starts_on: date | None
) -> tuple[Claim, Agreement | None]:
    """The custodian, or the area's administration, decides; accepting reserves the spot and drafts the agreement.

    Refuses OWN_MATTER (INV10), CLAIM_DECIDED, ASSET_TAKEN (INV11; the claim goes on waiting), IN_THE_PAST,
    ON_NOTICE (the claim's days of public notice are not over).
    """
    asset, claim = await _claim(work, claim_id)
    work.require("adoption.claim.decide", asset, owner=asset.custodian_id)
    work.expect_version(claim)
    if work.is_own(claim.claimant_id):
        raise Refusal("OWN_MATTER")
    if claim.state is not ClaimState.SUBMITTED:
        raise Refusal("CLAIM_DECIDED", state=str(claim.state))
    if not accept:
        text = optional_text(reason, "reason", limit=2000)
        if text is None:
            raise Refusal("EMPTY_TEXT", path=("reason",))
        work.change(claim, state=ClaimState.REJECTED, decided_by_id=work.viewer.person_id)
        work.record("adoption.claim.rejected", claim, area_id=claim.area_id, text={"reason": text})
        return claim, None
    if asset.state is not AssetState.AVAILABLE:
        raise Refusal("ASSET_TAKEN")
    today = work.clock.civil_date(work.occurred_at)
    start = starts_on or today
    if start < today:
        raise Refusal("IN_THE_PAST", path=("startsOn",))
    settings = await work.settings(AdoptionSettings, asset)
    open_from = work.clock.civil_date(claim.submitted_at) + timedelta(days=settings.notice_days)
    if today < open_from:
        raise Refusal("ON_NOTICE", until=open_from.isoformat())
    agreement = Agreement(
        id=new_id(),
        area_id=claim.area_id,
        asset_id=asset.id,
        claim_id=claim.id,
        adopter_id=claim.claimant_id,
        custodian_id=asset.custodian_id,
        mode=claim.mode,
        duties=asset.duties,
        state=AgreementState.DRAFT,
        starts_on=start,
        settings_version=await work.settings_version(),
        ends_on=_months_later(start, settings.term_months),
    )
    work.change(claim, state=ClaimState.ACCEPTED, decided_by_id=work.viewer.person_id)
    work.change(asset, state=AssetState.RESERVED)
    work.add(agreement)
    work.record("adoption.claim.accepted", claim, area_id=claim.area_id, data={"agreement": str(agreement.id)})
    return claim, agreement


def _months_later(day: date, months: int) -> date:
    """The same day of the month, or the last one there is."""
    index = day.month - 1 + months
    year, month = day.year + index // 12, index % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise AssertionError


async def _agreement(work: Work, agreement_id: UUID) -> tuple[Asset, Agreement]:
    asset = await work.lock(Asset, (await work.get(Agreement, agreement_id)).asset_id)
    return asset, await work.lock(Agreement, agreement_id)


async def sign_agreement(work: Work, *, agreement_id: UUID) -> Agreement:
    """The principal signs as a party; with the last signature the agreement runs and the spot is adopted."""
    asset, agreement = await _agreement(work, agreement_id)
    work.require("adoption.agreement.sign", asset)
    work.expect_version(agreement)
    if await agreements.sign(work, agreement, Signature, work.principal_id):
        work.change(asset, state=AssetState.ADOPTED)
        work.record("adoption.agreement.active", agreement, area_id=agreement.area_id, data=_about(agreement))
    else:
        work.record("adoption.agreement.signed", agreement, area_id=agreement.area_id, data=_about(agreement))
    return agreement


def _about(agreement: Agreement) -> dict[str, str]:
    return {"asset": str(agreement.asset_id), "agreement": str(agreement.id), "actor": str(agreement.adopter_id)}


async def inspect(
    work: Work, *, agreement_id: UUID, score: int, note: str | None, recheck_of_id: UUID | None
) -> Inspection:
    """Score an adopted spot, 0 to 100. A failed inspection sets a date to put it right; a recheck looks at that one.

    Refuses OWN_MATTER (INV10), AGREEMENT_STATE, AGREEMENT_OVER, BAD_SCORE, NOT_A_FAILED_INSPECTION, ALREADY_RECTIFIED.
    """
    if not 0 <= score <= 100:
        raise Refusal("BAD_SCORE", path=("score",))
    asset, agreement = await _agreement(work, agreement_id)
    work.require("adoption.inspect", asset)
    if work.is_own(agreement.adopter_id):
        raise Refusal("OWN_MATTER")
    today = work.clock.civil_date(work.occurred_at)
    agreements.require_running(agreement, today)
    if recheck_of_id is not None:
        failed = await work.lock(Inspection, recheck_of_id)
        if failed.agreement_id != agreement_id or failed.result is not InspectionResult.FAILED:
            raise Refusal("NOT_A_FAILED_INSPECTION", path=("recheckOfId",))
        if failed.inspected_at > work.occurred_at:
            raise Refusal("BEFORE_WHAT_IT_CHECKS", path=("occurredAt",))
        if await work.find(Inspection, recheck_of_id=recheck_of_id, result=InspectionResult.PASSED):
            raise Refusal("ALREADY_RECTIFIED", path=("recheckOfId",))
    settings = await work.settings(AdoptionSettings, asset, version=agreement.settings_version)
    passed = score >= settings.pass_score
    inspection = Inspection(
        id=new_id(),
        area_id=agreement.area_id,
        agreement_id=agreement_id,
        inspector_id=work.person_id,
        recheck_of_id=recheck_of_id,
        score=score,
        result=InspectionResult.PASSED if passed else InspectionResult.FAILED,
        note=optional_text(note, "note", limit=2000),
        inspected_at=work.occurred_at,
        rectify_by=None if passed else today + timedelta(days=settings.rectify_days),
    )
    work.add(inspection)
    outcome = "failed" if not passed else "passed" if recheck_of_id is None else "rectified"
    work.record(
        f"adoption.inspection.{outcome}",
        inspection,
        area_id=agreement.area_id,
        data={**_about(agreement), "score": score},
    )
    return inspection


async def end_agreement(work: Work, *, agreement_id: UUID, reason: str) -> Agreement:
    """A party, or the area's administration, ends it; the spot is free again and earned points stay."""
    asset, agreement = await _agreement(work, agreement_id)
    party = work.principal_id if work.principal_id in agreement.parties() else None
    work.require("adoption.agreement.end", asset, owner=party)
    work.expect_version(agreement)
    text = optional_text(reason, "reason", limit=2000)
    if text is None:
        raise Refusal("EMPTY_TEXT", path=("reason",))
    by = "BY_ADOPTER" if party == agreement.adopter_id else "BY_CUSTODIAN" if party else "BY_ADMINISTRATION"
    agreements.end(work, agreement, by)
    work.change(asset, state=AssetState.AVAILABLE)
    work.record(
        "adoption.agreement.ended",
        agreement,
        area_id=agreement.area_id,
        data={**_about(agreement), "by": by},
        text={"reason": text},
    )
    return agreement
