"""Mistakes: an inspection entered wrongly, a claim decided wrongly, a notice given wrongly; and two actors who are one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.clock import months_later
from core.corrections import Finding, Merging, Undo
from core.errors import Refusal
from core.events import EventRecord
from core.models import Logged
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Claim, CoAdopter, Inspection, Signature
from plugins.adoption.rules.claims import locked_claim
from plugins.adoption.rules.common import about, adopters, end_for_good, locked, not_an_adopter, terms
from plugins.adoption.rules.inspections import counted, fails_in_a_row, open_revocation
from plugins.adoption.rules.revocations import dismiss
from plugins.adoption.terms import OPEN_CLAIM, AssetState, ClaimState, InspectionResult, RevocationState


async def void_inspection(work: Work, event: EventRecord) -> None:
    """The inspection no longer counts; what it was worth may be taken back by whoever hears `voided`.

    Refuses CANNOT_UNDO once it was rechecked, or something was decided about the agreement.
    """
    asset, agreement = await locked(work, (await work.get(Inspection, event.subject_id)).agreement_id)
    inspection = await work.lock(Inspection, event.subject_id)
    work.require("adoption.inspect", asset)
    await not_an_adopter(work, agreement, on=work.clock.civil_date(inspection.inspected_at))
    others = [i for i in await counted(work, agreement) if i.id != inspection.id]
    if (
        inspection.result is InspectionResult.VOIDED
        or agreement.state not in (AgreementState.ACTIVE, AgreementState.SUSPENDED)
        or any(i.recheck_of_id == inspection.id for i in others)
    ):
        raise Refusal("CANNOT_UNDO")
    settings = await terms(work, asset, agreement)
    work.change(inspection, result=InspectionResult.VOIDED)
    if inspection.recheck_of_id is None:
        plain = [i for i in await _standing(work, agreement) if i.id != inspection.id and i.recheck_of_id is None]
        last = max((work.clock.civil_date(i.inspected_at) for i in plain), default=agreement.starts_on)
        work.change(agreement, next_inspection_on=months_later(last, settings.inspect_months))
    data = {**about(agreement), "inspection": str(inspection.id), "event": str(event.id)}
    work.record("adoption.inspection.voided", inspection, area_id=asset.area_id, data=data)
    proposed = await open_revocation(work, agreement, RevocationState.PROPOSED)
    if proposed is not None and fails_in_a_row(others) < settings.fails_to_revoke:
        dismiss(work, agreement, proposed, None)


async def _standing(work: Work, agreement: Agreement) -> list[Inspection]:
    results = [InspectionResult.PASSED, InspectionResult.FAILED]
    return await work.select(Inspection, agreement_id=agreement.id, result=results)


async def reopen_claim(work: Work, event: EventRecord) -> None:
    """The claim waits for a decision again. Refuses CANNOT_UNDO once somebody has signed, or it could not wait."""
    asset, claim = await locked_claim(work, event.subject_id)
    work.require("adoption.claim.decide", asset, owner=asset.custodian_id)
    await work.not_own(*await adopters(work, claim.claimant_id, claim.id))
    if claim.state is ClaimState.ACCEPTED:
        drafts = await work.select(Agreement, lock=True, claim_id=claim.id, state=AgreementState.DRAFT)
        if not drafts or await work.select(Signature, agreement_id=drafts[0].id):
            raise Refusal("CANNOT_UNDO")
        end_for_good(work, asset, drafts[0], EndReason.CANCELLED)
    elif claim.state is not ClaimState.REJECTED or asset.state is AssetState.RETIRED:
        raise Refusal("CANNOT_UNDO")
    if await work.select(Claim, asset_id=asset.id, claimant_id=claim.claimant_id, state=list(OPEN_CLAIM)):
        raise Refusal("CANNOT_UNDO")
    state = ClaimState.REVIEWED if claim.reviewed_by_id else ClaimState.SUBMITTED
    work.change(claim, state=state, decided_by_id=None)
    data = {"asset": str(asset.id), "event": str(event.id)}
    work.record("adoption.claim.reopened", claim, area_id=asset.area_id, data=data)


async def take_back_notice(work: Work, event: EventRecord) -> None:
    """The agreement goes on to the end of its term. Refuses CANNOT_UNDO once the notice is over."""
    asset, agreement = await locked(work, event.subject_id)
    giver = agreement.notice_by_id
    parties = [*await adopters(work, agreement.adopter_id, agreement.claim_id), agreement.custodian_id]
    work.require("adoption.agreement.end", asset, owner=giver if giver in parties else None)
    if giver is None or agreement.state not in (AgreementState.ACTIVE, AgreementState.SUSPENDED):
        raise Refusal("CANNOT_UNDO")
    if agreements.over(agreement, work.clock.civil_date(work.now)):
        raise Refusal("CANNOT_UNDO")
    work.change(agreement, notice_by_id=None, notice_ends_on=None)
    data = {**about(agreement), "event": str(event.id)}
    work.record("adoption.agreement.notice_withdrawn", agreement, area_id=asset.area_id, data=data)


UNDOS = [
    *(Undo("adoption", f"adoption.inspection.{how}", void_inspection) for how in ("passed", "failed", "rectified")),
    *(Undo("adoption", f"adoption.claim.{how}", reopen_claim) for how in ("accepted", "rejected")),
    Undo("adoption", "adoption.agreement.notice_given", take_back_notice),
]


# --- two actors who are one ------------------------------------------------------------------------------


async def _claims_of(work: Work, actor_id: UUID, *, left: bool = True) -> dict[UUID, Claim]:
    """Every claim the actor is part of, or has left."""
    shares = await work.select(CoAdopter, actor_id=actor_id)
    shared = [c.claim_id for c in shares if left or c.left_on is None]
    claims = [*await work.select(Claim, claimant_id=actor_id), *await work.select(Claim, id=shared)]
    return {c.id: c for c in claims}


async def _both_sides(work: Work, claims: dict[UUID, Claim], other_id: UUID) -> int:
    """On how many of these claims would the adopter be the custodian as well?"""
    owned = {a.id for a in await work.select(Asset, custodian_id=other_id)}
    agreed = {a.claim_id for a in await work.select(Agreement, custodian_id=other_id)}
    return sum(id in agreed or (c.asset_id in owned and c.state in OPEN_CLAIM) for id, c in claims.items())


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move; a claim of both, open claims of both for one spot, or both sides of one agreement, must be settled first."""
    ours, theirs = await _claims_of(work, kept), await _claims_of(work, gone)
    found = [
        Finding("adoption_claim", len(theirs)),
        Finding("adoption_agreement", len(await _agreements_of(work, gone))),
        Finding("adoption_asset", len(await work.select(Asset, custodian_id=gone))),
    ]
    both = [await _claims_of(work, actor_id, left=False) for actor_id in (kept, gone)]
    waiting = [{c.asset_id for c in side.values() if c.state in OPEN_CLAIM} for side in both]
    twice = len(both[0].keys() & both[1].keys()) + len(waiting[0] & waiting[1])
    sides = await _both_sides(work, ours, gone) + await _both_sides(work, theirs, kept)
    blocking = [
        Finding("adoption_claim", twice, "BOTH_CLAIMED"),
        Finding("adoption_agreement", sides, "CUSTODIAN_AND_ADOPTER"),
    ]
    return [f for f in (*found, *blocking) if f.count]


async def _agreements_of(work: Work, actor_id: UUID, *, lock: bool = False) -> list[Agreement]:
    adopted = await work.select(Agreement, lock=lock, adopter_id=actor_id)
    kept_by = await work.select(Agreement, lock=lock, custodian_id=actor_id)
    ending = await work.select(Agreement, lock=lock, notice_by_id=actor_id)  # of one they adopt with others, perhaps
    return list({a.id: a for a in (*adopted, *kept_by, *ending)}.values())


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: claims are decided or withdrawn, and agreements ended."""
    part = await _claims_of(work, actor_id, left=False)
    claims = [c for c in part.values() if c.state in OPEN_CLAIM]
    agreed = {a.id: a for a in await _agreements_of(work, actor_id)}
    agreed |= {a.id: a for a in await work.select(Agreement, claim_id=list(part))}
    running = [a for a in agreed.values() if a.state is not AgreementState.ENDED]
    spots = [a for a in await work.select(Asset, custodian_id=actor_id) if a.state is not AssetState.RETIRED]
    kinds: dict[str, Sequence[Logged]] = {
        "adoption_claim": claims,
        "adoption_agreement": running,
        "adoption_asset": spots,
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Spots, claims and agreements go to the actor that stays. What was signed, logged or inspected stays as it was."""
    data = {"kept": str(kept), "gone": str(gone)}
    claimed = [c.asset_id for c in (await _claims_of(work, gone)).values()]
    await work.select(Asset, lock=True, id=claimed)
    for asset in await work.select(Asset, lock=True, custodian_id=gone):
        work.change(asset, custodian_id=kept)
        work.record("adoption.asset.merged", asset, area_id=asset.area_id, data=data)
    for agreement in await _agreements_of(work, gone, lock=True):
        columns = ("adopter_id", "custodian_id", "notice_by_id", "renewal_asked_by_id")
        work.change(agreement, **{c: kept for c in columns if getattr(agreement, c) == gone})
        work.record("adoption.agreement.merged", agreement, area_id=agreement.area_id, data=data)
    for claim in await work.select(Claim, lock=True, claimant_id=gone):
        work.change(claim, claimant_id=kept)
        work.record("adoption.claim.merged", claim, area_id=claim.area_id, data=data)
    for share in await work.select(CoAdopter, lock=True, actor_id=gone):
        work.change(share, actor_id=kept)
        work.record("adoption.claim.merged", share, area_id=share.area_id, data=data)


MERGING = Merging("adoption", preview_merge, move_merged)
