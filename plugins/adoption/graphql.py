"""Adopt-a-spot as the API shows it."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from core.agreement import AgreementState
from core.ids import from_global
from core.work import Work
from plugins.adoption import models, rules
from plugins.adoption.models import AdoptionMode, AssetKind, AssetState, ClaimState, InspectionResult
from schema.mutations import ChangeInput, MutationInput, Result, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, to_one
from schema.nodes.expressions import Expr, RowOf, ViewerFacts, area_of, select
from schema.nodes.search import SearchHit


@node(models.Asset, order="name")
class AdoptionAsset:
    """A green, space, facility or tree that can be adopted (认领对象)."""

    name: str = column(order=True)
    kind: AssetKind = column()
    duties: str = column(filter=False, description="What an adopter takes on (认领职责).")
    state: AssetState = column()
    version: int = column(filter=False)
    area: Area = to_one()
    custodian: Actor = to_one(description="Who answers for it, and stays its owner (管理单位).")
    waiting_claims: int = computed(
        lambda t: (
            select(models.Claim).where(lambda c: (c.asset_id == t.id) & (c.state == ClaimState.SUBMITTED)).count()
        ),
        description="Claims without a decision (待审核申请数).",
    )
    claims: Connection[AdoptionClaim] = connection("asset_id")
    agreements: Connection[AdoptionAgreement] = connection("asset_id")


def _claim_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Claims are for the claimant, the custodian and whoever decides there."""
    custodian = select(models.Asset).where(lambda a: (a.id == t.asset_id) & v.acts_as(a.custodian_id))
    return v.acts_as(t.claimant_id) | v.may("adoption.claim.decide", t.area_id) | custodian.exists()


@node(models.Claim, scope=_claim_scope, order="-submitted_at")
class AdoptionClaim:
    """A request to adopt a spot (认领申请)."""

    mode: AdoptionMode = column()
    statement: str | None = column(filter=False)
    state: ClaimState = column()
    submitted_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    asset: AdoptionAsset | None = to_one()
    claimant: Actor = to_one()
    decided_by: Actor | None = to_one()


@node(models.Agreement, order="-starts_on")
class AdoptionAgreement:
    """What custodian and adopter agreed, for how long (认领协议)."""

    state: AgreementState = column()
    mode: AdoptionMode = column()
    duties: str = column(filter=False)
    starts_on: date = column(order=True)
    ends_on: date = column(description="The first day it no longer runs (到期日).")
    end_reason: str | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    asset: AdoptionAsset | None = to_one()
    claim: AdoptionClaim | None = to_one()
    adopter: Actor = to_one()
    custodian: Actor = to_one()
    signatures: Connection[AdoptionSignature] = connection("agreement_id")
    inspections: Connection[AdoptionInspection] = connection("agreement_id")


@node(models.Signature, place=lambda t: area_of(models.Agreement, t.agreement_id))
class AdoptionSignature:
    """A party's signature (签署)."""

    signed_at: datetime = column()
    party: Actor = to_one()
    signed_by: Actor | None = to_one()
    agreement: AdoptionAgreement | None = to_one()


@node(models.Inspection, order="-inspected_at")
class AdoptionInspection:
    """Somebody else looked and scored (巡查)."""

    score: int = column(description="0 to 100 (得分).")
    result: InspectionResult = column()
    note: str | None = column(filter=False)
    inspected_at: datetime = column(order=True)
    rectify_by: date | None = column(description="To be put right by this day (整改期限).")
    version: int = column(filter=False)
    area: Area = to_one()
    agreement: AdoptionAgreement | None = to_one()
    inspector: Actor = to_one()
    recheck_of: AdoptionInspection | None = to_one(description="The failed inspection this looks at again (复查对象).")
    rechecks: Connection[AdoptionInspection] = connection("recheck_of_id")


@extend(Query)
class AdoptionQuery:
    adoption_asset: AdoptionAsset | None = one("id", description="A spot (认领对象).")
    adoption_assets: Connection[AdoptionAsset] = every(description="Spots open to adoption or adopted (认领对象列表).")
    adoption_claims: Connection[AdoptionClaim] = every(description="Claims the viewer may see (认领申请列表).")
    adoption_agreements: Connection[AdoptionAgreement] = every(description="Agreements (认领协议列表).")
    adoption_inspections: Connection[AdoptionInspection] = every(description="Inspections (巡查列表).")


@extend(Area)
class AreaAdoption:
    adoption_assets: Connection[AdoptionAsset] = connection("area_id", description="Spots here (本区域认领对象).")


@extend(SearchHit)
class SearchHitAdoption:
    asset: AdoptionAsset | None = to_one("id", description="The spot, if it is one (认领对象).")


@extend(Actor)
class ActorAdoption:
    adoption_agreements: Connection[AdoptionAgreement] = connection(
        "adopter_id", description="What this actor looks after (认领协议)."
    )


@strawberry.input
class AdoptionListAssetInput(MutationInput):
    area_id: strawberry.ID
    custodian_id: strawberry.ID
    name: str
    kind: AssetKind
    duties: str


@mutation("adoption.asset.list", asset=AdoptionAsset)
async def adoption_list_asset(work: Work, input: AdoptionListAssetInput) -> Result:
    """Open a spot to adoption (发布认领对象)."""
    asset = await rules.list_asset(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        custodian_id=from_global(input.custodian_id, "actor", "custodianId"),
        name=input.name,
        kind=input.kind,
        duties=input.duties,
    )
    return {"asset": asset}


@strawberry.input
class AdoptionSubmitClaimInput(MutationInput):
    asset_id: strawberry.ID
    mode: AdoptionMode
    statement: str | None = None


@mutation("adoption.claim.submit", claim=AdoptionClaim)
async def adoption_submit_claim(work: Work, input: AdoptionSubmitClaimInput) -> Result:
    """Ask to adopt a spot, for oneself or for an organization by mandate (提交认领申请)."""
    asset_id = from_global(input.asset_id, "adoption_asset", "assetId")
    return {"claim": await rules.submit_claim(work, asset_id=asset_id, mode=input.mode, statement=input.statement)}


@strawberry.input
class AdoptionClaimInput(ChangeInput):
    claim_id: strawberry.ID


@mutation("adoption.claim.submit", claim=AdoptionClaim)
async def adoption_withdraw_claim(work: Work, input: AdoptionClaimInput) -> Result:
    """Withdraw one's claim before it is decided (撤回申请)."""
    return {
        "claim": await rules.withdraw_claim(work, claim_id=from_global(input.claim_id, "adoption_claim", "claimId"))
    }


@strawberry.input
class AdoptionDecideClaimInput(AdoptionClaimInput):
    accept: bool
    reason: str | None = strawberry.field(default=None, description="Needed when rejecting (理由).")
    starts_on: date | None = strawberry.field(default=None, description="First day of the term; today unless told.")


@mutation("adoption.claim.decide", claim=AdoptionClaim, agreement=AdoptionAgreement)
async def adoption_decide_claim(work: Work, input: AdoptionDecideClaimInput) -> Result:
    """Accept or reject a claim; accepting drafts the agreement (审核认领申请)."""
    claim, agreement = await rules.decide_claim(
        work,
        claim_id=from_global(input.claim_id, "adoption_claim", "claimId"),
        accept=input.accept,
        reason=input.reason,
        starts_on=input.starts_on,
    )
    return {"claim": claim} if agreement is None else {"claim": claim, "agreement": agreement}


@strawberry.input
class AdoptionAgreementInput(ChangeInput):
    agreement_id: strawberry.ID


@mutation("adoption.agreement.sign", agreement=AdoptionAgreement)
async def adoption_sign_agreement(work: Work, input: AdoptionAgreementInput) -> Result:
    """Sign as a party; the last signature makes it run (签署协议)."""
    id = from_global(input.agreement_id, "adoption_agreement", "agreementId")
    return {"agreement": await rules.sign_agreement(work, agreement_id=id)}


@strawberry.input
class AdoptionInspectInput(MutationInput):
    agreement_id: strawberry.ID
    score: int
    note: str | None = None
    recheck_of_id: strawberry.ID | None = None


@mutation("adoption.inspect", batch=True, inspection=AdoptionInspection)
async def adoption_inspect(work: Work, input: AdoptionInspectInput) -> Result:
    """Score an adopted spot, or recheck a failed inspection (巡查评分)."""
    recheck = input.recheck_of_id
    inspection = await rules.inspect(
        work,
        agreement_id=from_global(input.agreement_id, "adoption_agreement", "agreementId"),
        score=input.score,
        note=input.note,
        recheck_of_id=None if recheck is None else from_global(recheck, "adoption_inspection", "recheckOfId"),
    )
    return {"inspection": inspection}


@strawberry.input
class AdoptionEndAgreementInput(AdoptionAgreementInput):
    reason: str


@mutation("adoption.agreement.end", agreement=AdoptionAgreement)
async def adoption_end_agreement(work: Work, input: AdoptionEndAgreementInput) -> Result:
    """End an agreement; the spot is free again (终止协议)."""
    id = from_global(input.agreement_id, "adoption_agreement", "agreementId")
    return {"agreement": await rules.end_agreement(work, agreement_id=id, reason=input.reason)}
