"""What can be done: every change of a spot, a claim, an agreement, an inspection, a revocation or a project."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.adoption import rules
from plugins.adoption.graphql import owners
from plugins.adoption.graphql.nodes import (
    AdoptionAcceptance,
    AdoptionAgreement,
    AdoptionAsset,
    AdoptionClaim,
    AdoptionInspection,
    AdoptionRevocation,
    AdoptionUpkeep,
)
from plugins.adoption.terms import AdoptionMode, AssetKind, CoordinateSystem
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area
from schema.scalars import Long

KEPT = Subject(AdoptionAgreement, "agreement_id", lambda t: [t.custodian_id])
OF_ADOPTERS = Subject(AdoptionAgreement, "agreement_id", owners.adopters)
OF_PARTIES = Subject(AdoptionAgreement, "agreement_id", owners.parties)

# --- spots -----------------------------------------------------------------------------------------------


@strawberry.input(description="A point in whole micro-degrees (位置).")
class AdoptionPosition:
    latitude_e6: int
    longitude_e6: int
    coordinate_system: CoordinateSystem


def _position(given: AdoptionPosition | None) -> rules.Position | None:
    if given is None:
        return None
    return rules.Position(given.latitude_e6, given.longitude_e6, given.coordinate_system)


@strawberry.input
class AdoptionListAssetInput(MutationInput):
    area_id: strawberry.ID
    custodian_id: strawberry.ID
    name: str
    kind: AssetKind
    duties: str
    position: AdoptionPosition | None = None


@mutation("adoption.asset.list", on=Subject(Area, "area_id"), asset=AdoptionAsset)
async def adoption_list_asset(work: Work, input: AdoptionListAssetInput) -> Result:
    """Open a spot to adoption (发布认领对象)."""
    asset = await rules.list_asset(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        custodian_id=from_global(input.custodian_id, "actor", "custodianId"),
        name=input.name,
        kind=input.kind,
        duties=input.duties,
        position=_position(input.position),
    )
    return {"asset": asset}


@strawberry.input
class AdoptionAssetInput(ChangeInput):
    asset_id: strawberry.ID


def _asset(input: AdoptionAssetInput) -> UUID:
    return from_global(input.asset_id, "adoption_asset", "assetId")


@strawberry.input
class AdoptionUpdateAssetInput(AdoptionAssetInput):
    """What is left out stays as it is."""

    name: str | None = None
    kind: AssetKind | None = None
    duties: str | None = None
    position: AdoptionPosition | None = None


@mutation("adoption.asset.list", on=Subject(AdoptionAsset, "asset_id"), asset=AdoptionAsset)
async def adoption_update_asset(work: Work, input: AdoptionUpdateAssetInput) -> Result:
    """Correct a spot; a running agreement keeps the duties that were signed (更正认领对象)."""
    asset = await rules.update_asset(
        work,
        asset_id=_asset(input),
        name=input.name,
        kind=input.kind,
        duties=input.duties,
        position=_position(input.position),
    )
    return {"asset": asset}


@strawberry.input
class AdoptionRetireAssetInput(AdoptionAssetInput):
    reason: str


@mutation("adoption.asset.list", on=Subject(AdoptionAsset, "asset_id"), asset=AdoptionAsset)
async def adoption_retire_asset(work: Work, input: AdoptionRetireAssetInput) -> Result:
    """Withdraw a spot from adoption; waiting claims are rejected (撤下认领对象)."""
    return {"asset": await rules.retire_asset(work, asset_id=_asset(input), reason=input.reason)}


# --- claims ----------------------------------------------------------------------------------------------


@strawberry.input
class AdoptionSubmitClaimInput(MutationInput):
    asset_id: strawberry.ID
    mode: AdoptionMode
    statement: str | None = None
    co_adopter_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Who adopts as well, and will sign too; at most ten (共同认领人)."
    )


@mutation("adoption.claim.submit", on=Subject(AdoptionAsset, "asset_id"), claim=AdoptionClaim)
async def adoption_submit_claim(work: Work, input: AdoptionSubmitClaimInput) -> Result:
    """Ask to adopt a spot, for oneself or for an organization by mandate (提交认领申请)."""
    claim = await rules.submit_claim(
        work,
        asset_id=from_global(input.asset_id, "adoption_asset", "assetId"),
        mode=input.mode,
        statement=input.statement,
        co_adopter_ids=[from_global(id, "actor", "coAdopterIds", str(n)) for n, id in enumerate(input.co_adopter_ids)],
    )
    return {"claim": claim}


@strawberry.input
class AdoptionClaimInput(ChangeInput):
    claim_id: strawberry.ID


def _claim(input: AdoptionClaimInput) -> UUID:
    return from_global(input.claim_id, "adoption_claim", "claimId")


@mutation(
    "adoption.claim.decide", on=Subject(AdoptionClaim, "claim_id", lambda t: [t.claimant_id]), claim=AdoptionClaim
)
async def adoption_withdraw_claim(work: Work, input: AdoptionClaimInput) -> Result:
    """Withdraw one's claim before it is decided (撤回申请)."""
    return {"claim": await rules.withdraw_claim(work, claim_id=_claim(input))}


@strawberry.input
class AdoptionLeaveClaimInput(AdoptionClaimInput):
    pass


@mutation("adoption.claim.submit", on=Subject(AdoptionClaim, "claim_id", owners.claimants), claim=AdoptionClaim)
async def adoption_leave_claim(work: Work, input: AdoptionLeaveClaimInput) -> Result:
    """Leave a claim as a co-adopter, before it is decided; it goes on with the others (退出共同申请)."""
    return {"claim": await rules.leave_claim(work, claim_id=_claim(input))}


@strawberry.input
class AdoptionReviewClaimInput(AdoptionClaimInput):
    feasibility: str


@mutation("adoption.claim.review", on=Subject(AdoptionClaim, "claim_id", owners.of_claim), claim=AdoptionClaim)
async def adoption_review_claim(work: Work, input: AdoptionReviewClaimInput) -> Result:
    """Note whether a claim can be done, for whoever decides (初审认领申请)."""
    return {"claim": await rules.review_claim(work, claim_id=_claim(input), feasibility=input.feasibility)}


@strawberry.input
class AdoptionDecideClaimInput(AdoptionClaimInput):
    accept: bool
    reason: str | None = strawberry.field(default=None, description="Needed when rejecting (理由).")
    starts_on: date | None = strawberry.field(default=None, description="First day of the term; today unless told.")


@mutation(
    "adoption.claim.decide",
    on=Subject(AdoptionClaim, "claim_id", owners.of_claim),
    claim=AdoptionClaim,
    agreement=AdoptionAgreement,
)
async def adoption_decide_claim(work: Work, input: AdoptionDecideClaimInput) -> Result:
    """Accept or reject a claim; accepting drafts the agreement (审核认领申请)."""
    claim, agreement = await rules.decide_claim(
        work, claim_id=_claim(input), accept=input.accept, reason=input.reason, starts_on=input.starts_on
    )
    return {"claim": claim} if agreement is None else {"claim": claim, "agreement": agreement}


# --- agreements ------------------------------------------------------------------------------------------


@strawberry.input
class AdoptionAgreementInput(ChangeInput):
    agreement_id: strawberry.ID


@strawberry.input
class AdoptionLeaveAgreementInput(AdoptionAgreementInput):
    pass


@strawberry.input
class AdoptionEndAgreementInput(AdoptionAgreementInput):
    reason: str


@strawberry.input
class AdoptionSuspendInput(AdoptionAgreementInput):
    reason: str


@strawberry.input
class AdoptionResumeInput(AdoptionAgreementInput):
    pass


@strawberry.input
class AdoptionRenewInput(AdoptionAgreementInput):
    pass


@strawberry.input
class AdoptionWaiveNoticeInput(AdoptionAgreementInput):
    pass


def _agreement(input: AdoptionAgreementInput) -> UUID:
    return from_global(input.agreement_id, "adoption_agreement", "agreementId")


@mutation("adoption.agreement.sign", on=OF_PARTIES, agreement=AdoptionAgreement)
async def adoption_sign_agreement(work: Work, input: AdoptionAgreementInput) -> Result:
    """Sign as a party; the last signature makes it run (签署协议)."""
    return {"agreement": await rules.sign_agreement(work, agreement_id=_agreement(input))}


@mutation("adoption.agreement.sign", on=OF_ADOPTERS, agreement=AdoptionAgreement)
async def adoption_leave_agreement(work: Work, input: AdoptionLeaveAgreementInput) -> Result:
    """Leave as a co-adopter; it goes on with the others, a draft with their signatures alone (退出共同认领)."""
    return {"agreement": await rules.leave_agreement(work, agreement_id=_agreement(input))}


@mutation("adoption.agreement.suspend", on=KEPT, agreement=AdoptionAgreement)
async def adoption_suspend(work: Work, input: AdoptionSuspendInput) -> Result:
    """Pause an agreement: no inspections, and no deadline passes meanwhile (中止协议)."""
    return {"agreement": await rules.suspend_agreement(work, agreement_id=_agreement(input), reason=input.reason)}


@mutation("adoption.agreement.suspend", on=KEPT, agreement=AdoptionAgreement)
async def adoption_resume(work: Work, input: AdoptionResumeInput) -> Result:
    """Let a suspended agreement run again (恢复协议)."""
    return {"agreement": await rules.resume_agreement(work, agreement_id=_agreement(input))}


@mutation(
    "adoption.agreement.renew",
    on=Subject(AdoptionAgreement, "agreement_id", lambda t: [t.adopter_id, t.custodian_id]),
    agreement=AdoptionAgreement,
)
async def adoption_renew(work: Work, input: AdoptionRenewInput) -> Result:
    """Ask for another term, or agree when the other side has asked (续签协议)."""
    return {"agreement": await rules.renew_agreement(work, agreement_id=_agreement(input))}


@mutation("adoption.agreement.end", on=OF_PARTIES, agreement=AdoptionAgreement)
async def adoption_end_agreement(work: Work, input: AdoptionEndAgreementInput) -> Result:
    """Give notice; it ends when the days of notice are over, a draft at once (提出终止协议)."""
    return {"agreement": await rules.end_agreement(work, agreement_id=_agreement(input), reason=input.reason)}


@mutation(
    "adoption.agreement.end",
    on=Subject(AdoptionAgreement, "agreement_id", owners.other_side),
    agreement=AdoptionAgreement,
)
async def adoption_waive_notice(work: Work, input: AdoptionWaiveNoticeInput) -> Result:
    """Agree that it ends now, after the other side's notice (同意即时终止)."""
    return {"agreement": await rules.waive_notice(work, agreement_id=_agreement(input))}


@strawberry.input
class AdoptionLogUpkeepInput(MutationInput):
    agreement_id: strawberry.ID
    done_on: date
    what: str
    minutes: int | None = strawberry.field(default=None, description="Minutes of work; this or the amount (分钟).")
    amount: Long | None = strawberry.field(default=None, description="Money or material, in fen (出资,分).")


@mutation("adoption.upkeep.log", on=OF_ADOPTERS, upkeep=AdoptionUpkeep)
async def adoption_log_upkeep(work: Work, input: AdoptionLogUpkeepInput) -> Result:
    """Note what was done for an adopted spot (登记养护)."""
    upkeep = await rules.log_upkeep(
        work,
        agreement_id=from_global(input.agreement_id, "adoption_agreement", "agreementId"),
        done_on=input.done_on,
        what=input.what,
        minutes=input.minutes,
        amount=input.amount,
    )
    return {"upkeep": upkeep}


# --- inspections and what failing leads to ---------------------------------------------------------------


@strawberry.input
class AdoptionInspectInput(MutationInput):
    agreement_id: strawberry.ID
    score: int
    note: str | None = None
    evidence: list[str] = strawberry.field(
        default_factory=list, description="Photos and papers, by reference; at most ten (依据材料)."
    )
    recheck_of_id: strawberry.ID | None = None


@mutation("adoption.inspect", on=Subject(AdoptionAgreement, "agreement_id"), batch=True, inspection=AdoptionInspection)
async def adoption_inspect(work: Work, input: AdoptionInspectInput) -> Result:
    """Score an adopted spot, or recheck a failed inspection (巡查评分)."""
    recheck = input.recheck_of_id
    inspection = await rules.inspect(
        work,
        agreement_id=from_global(input.agreement_id, "adoption_agreement", "agreementId"),
        score=input.score,
        note=input.note,
        evidence=input.evidence,
        recheck_of_id=None if recheck is None else from_global(recheck, "adoption_inspection", "recheckOfId"),
    )
    return {"inspection": inspection}


@strawberry.input
class AdoptionRevokeInput(AdoptionAgreementInput):
    reason: str


@mutation("adoption.agreement.revoke", on=KEPT, revocation=AdoptionRevocation)
async def adoption_revoke(work: Work, input: AdoptionRevokeInput) -> Result:
    """Take a spot away from its adopters, who may appeal (取消认领)."""
    return {"revocation": await rules.revoke(work, agreement_id=_agreement(input), reason=input.reason)}


@strawberry.input
class AdoptionRevocationInput(ChangeInput):
    revocation_id: strawberry.ID


def _revocation(input: AdoptionRevocationInput) -> UUID:
    return from_global(input.revocation_id, "adoption_revocation", "revocationId")


@strawberry.input
class AdoptionDismissRevocationInput(AdoptionRevocationInput):
    reason: str


@mutation(
    "adoption.agreement.revoke",
    on=Subject(AdoptionRevocation, "revocation_id", owners.of_revocation),
    revocation=AdoptionRevocation,
)
async def adoption_dismiss_revocation(work: Work, input: AdoptionDismissRevocationInput) -> Result:
    """Leave a proposed revocation at a warning; failures count anew (不予取消)."""
    found = await rules.dismiss_revocation(work, revocation_id=_revocation(input), reason=input.reason)
    return {"revocation": found}


@strawberry.input
class AdoptionAppealInput(AdoptionRevocationInput):
    statement: str


@mutation(
    "adoption.appeal.submit",
    on=Subject(AdoptionRevocation, "revocation_id", owners.revoked),
    revocation=AdoptionRevocation,
)
async def adoption_appeal(work: Work, input: AdoptionAppealInput) -> Result:
    """Appeal against a revocation, as an adopter (申诉)."""
    return {"revocation": await rules.appeal(work, revocation_id=_revocation(input), statement=input.statement)}


@strawberry.input
class AdoptionDecideAppealInput(AdoptionRevocationInput):
    uphold: bool = strawberry.field(description="True: the revocation stands; false: the agreement runs again.")
    reason: str


@mutation("adoption.appeal.decide", on=Subject(AdoptionRevocation, "revocation_id"), revocation=AdoptionRevocation)
async def adoption_decide_appeal(work: Work, input: AdoptionDecideAppealInput) -> Result:
    """Decide an appeal, as somebody who had no part in it (裁定申诉)."""
    found = await rules.decide_appeal(work, revocation_id=_revocation(input), uphold=input.uphold, reason=input.reason)
    return {"revocation": found}


# --- projects --------------------------------------------------------------------------------------------


@strawberry.input
class AdoptionAcceptProjectInput(MutationInput):
    agreement_id: strawberry.ID
    note: str | None = None
    evidence: list[str] = strawberry.field(
        default_factory=list, description="Photos and papers, by reference; at most ten (依据材料)."
    )


@mutation("adoption.project.accept", on=KEPT, acceptance=AdoptionAcceptance)
async def adoption_accept_project(work: Work, input: AdoptionAcceptProjectInput) -> Result:
    """Find a project built as agreed (项目验收)."""
    acceptance = await rules.accept_project(
        work,
        agreement_id=from_global(input.agreement_id, "adoption_agreement", "agreementId"),
        note=input.note,
        evidence=input.evidence,
    )
    return {"acceptance": acceptance}


@strawberry.input
class AdoptionHandOverInput(AdoptionAssetInput):
    kind: AssetKind = strawberry.field(description="What the project has become (建成后类型).")
    custodian_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who answers for it from now on, if not the custodian so far (接管单位)."
    )
    duties: str | None = None


@mutation(
    "adoption.project.hand_over", on=Subject(AdoptionAsset, "asset_id", lambda t: [t.custodian_id]), asset=AdoptionAsset
)
async def adoption_hand_over(work: Work, input: AdoptionHandOverInput) -> Result:
    """Hand an accepted project over to its custodian; it can be adopted like any spot (项目移交)."""
    custodian = input.custodian_id
    asset = await rules.hand_over(
        work,
        asset_id=_asset(input),
        kind=input.kind,
        custodian_id=None if custodian is None else from_global(custodian, "actor", "custodianId"),
        duties=input.duties,
    )
    return {"asset": asset}
