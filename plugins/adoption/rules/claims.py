"""Claims: submitted, reviewed, accepted or rejected by somebody else; while another has the spot, they wait."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from core.agreement import AgreementState
from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.rules.inputs import needed, optional_text
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Claim, CoAdopter
from plugins.adoption.rules.common import adopters, cited, share_to_leave
from plugins.adoption.settings import AdoptionSettings
from plugins.adoption.terms import OPEN_CLAIM, AdoptionMode, AssetState, ClaimState

CO_ADOPTERS = 10


async def submit_claim(
    work: Work, *, asset_id: UUID, mode: AdoptionMode, statement: str | None, co_adopter_ids: Sequence[UUID] = ()
) -> Claim:
    """The principal asks to adopt, perhaps with others who will sign too. While another holds the spot, it waits.

    Refuses ALREADY_CLAIMED, OWN_ASSET (the custodian has it already), CO_ADOPTERS, ASSET_RETIRED.
    """
    asset = await work.lock(Asset, asset_id)
    work.require("adoption.claim.submit", asset)
    claimant_id = work.principal_id
    everyone = {claimant_id, *co_adopter_ids}
    if asset.state is AssetState.RETIRED:
        raise Refusal("ASSET_RETIRED")
    if asset.custodian_id in everyone:
        raise Refusal("OWN_ASSET")
    if len(everyone) != 1 + len(co_adopter_ids) or len(co_adopter_ids) > CO_ADOPTERS:
        raise Refusal("CO_ADOPTERS", path=("coAdopterIds",), limit=CO_ADOPTERS)
    if len(await work.select(Actor, id=list(co_adopter_ids))) != len(co_adopter_ids):
        raise Refusal("NOT_FOUND", path=("coAdopterIds",), kind="actor")
    if await work.select(Claim, asset_id=asset_id, claimant_id=claimant_id, state=list(OPEN_CLAIM)):
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
    for actor_id in co_adopter_ids:
        work.add(CoAdopter(id=new_id(), area_id=asset.area_id, claim_id=claim.id, actor_id=actor_id))
    work.record("adoption.claim.submitted", claim, area_id=asset.area_id, data={"asset": str(asset_id)})
    return claim


async def locked_claim(work: Work, claim_id: UUID) -> tuple[Asset, Claim]:
    return await work.lock_with(Claim, claim_id, Asset)


def _still_open(claim: Claim) -> None:
    if claim.state not in OPEN_CLAIM:
        raise Refusal("CLAIM_DECIDED", state=claim.state)


async def withdraw_claim(work: Work, *, claim_id: UUID) -> Claim:
    """The claimant thinks better of it, before a decision."""
    asset, claim = await locked_claim(work, claim_id)
    work.require("adoption.claim.decide", asset, owner=claim.claimant_id)
    work.expect_version(claim)
    if claim.claimant_id != work.principal_id:
        raise Refusal("NOT_A_PARTY")
    _still_open(claim)
    work.change(claim, state=ClaimState.WITHDRAWN)
    work.record("adoption.claim.withdrawn", claim, area_id=claim.area_id, data={"asset": str(asset.id)})
    return claim


async def leave_claim(work: Work, *, claim_id: UUID) -> Claim:
    """A co-adopter thinks better of it, before a decision; the claim goes on with the others.

    Refuses LEAD_STAYS (the claimant withdraws it), CLAIM_DECIDED.
    """
    asset, claim = await locked_claim(work, claim_id)
    work.require("adoption.claim.submit", asset, owners=await adopters(work, claim.claimant_id, claim_id))
    work.expect_version(claim)
    share = await share_to_leave(work, claim.claimant_id, claim_id)
    _still_open(claim)
    work.change(share, left_on=work.happened_on)
    work.change(claim, state=claim.state)
    data = {"asset": str(asset.id), "claim": str(claim_id), "actor": str(share.actor_id)}
    work.record("adoption.co_adopter.left", share, area_id=claim.area_id, data=data)
    return claim


async def review_claim(work: Work, *, claim_id: UUID, feasibility: str) -> Claim:
    """Note whether it can be done, for whoever decides. Refuses OWN_MATTER (INV10), CLAIM_DECIDED."""
    asset, claim = await locked_claim(work, claim_id)
    work.require("adoption.claim.review", asset, owner=asset.custodian_id)
    work.expect_version(claim)
    await work.not_own(*await adopters(work, claim.claimant_id, claim_id))
    _still_open(claim)
    text = needed(feasibility, "feasibility")
    work.change(claim, state=ClaimState.REVIEWED, feasibility=text, reviewed_by_id=work.person_id)
    work.record("adoption.claim.reviewed", claim, area_id=claim.area_id, data={"asset": str(asset.id)})
    return claim


async def decide_claim(
    work: Work, *, claim_id: UUID, accept: bool, reason: str | None, starts_on: date | None
) -> tuple[Claim, Agreement | None]:
    """The custodian, or the area's administration, decides; accepting reserves the spot and drafts the agreement.

    Refuses OWN_MATTER (INV10), CLAIM_DECIDED, ASSET_TAKEN (INV11; the claim goes on waiting), IN_THE_PAST,
    ON_NOTICE (the claim's days of public notice are not over).
    """
    asset, claim = await locked_claim(work, claim_id)
    work.require("adoption.claim.decide", asset, owner=asset.custodian_id)
    work.expect_version(claim)
    await work.not_own(*await adopters(work, claim.claimant_id, claim_id))
    _still_open(claim)
    if not accept:
        text = needed(reason, "reason")
        work.change(claim, state=ClaimState.REJECTED, decided_by_id=work.viewer.person_id)
        work.record(
            "adoption.claim.rejected", claim, area_id=claim.area_id, data={"asset": str(asset.id)},
            text={"reason": text},
        )  # fmt: skip
        return claim, None
    if asset.state is not AssetState.AVAILABLE:
        raise Refusal("ASSET_TAKEN")
    day = work.happened_on
    start = starts_on or day
    if start < day:
        raise Refusal("IN_THE_PAST", path=("startsOn",))
    settings = await work.settings(AdoptionSettings, asset)
    open_from = work.clock.civil_date(claim.submitted_at) + timedelta(days=settings.notice_days)
    if day < open_from:
        raise Refusal("ON_NOTICE", until=open_from.isoformat())
    document_id, _ = await cited(work, asset)
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
        ends_on=months_later(start, settings.term_months),
        sign_by=day + timedelta(days=settings.sign_days),
        settings_version=await work.settings_version(),
        rule_document_id=document_id,
    )
    work.change(claim, state=ClaimState.ACCEPTED, decided_by_id=work.viewer.person_id)
    work.change(asset, state=AssetState.RESERVED)
    work.add(agreement)
    data = {"asset": str(asset.id), "agreement": str(agreement.id)}
    work.record("adoption.claim.accepted", claim, area_id=claim.area_id, data=data)
    return claim, agreement
