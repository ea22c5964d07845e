"""Spots, claims, agreements and what happens under them, as the API shows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from core.agreement import AgreementState, EndReason
from plugins.adoption import models
from plugins.adoption.terms import (
    OPEN_CLAIM,
    AdoptionMode,
    AssetKind,
    AssetState,
    ClaimState,
    CoordinateSystem,
    InspectionResult,
    RevocationState,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, area_of, select
from schema.nodes.search import SearchHit
from schema.nodes.settings import RuleDocument
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts
from schema.scalars import Long


@node(models.Asset, scope=public("Spots are open to everybody to adopt."), order="name")
class AdoptionAsset:
    """A green, space, facility, tree or project that can be adopted (认领对象)."""

    name: str = column(order=True)
    kind: AssetKind = column()
    duties: str = column(filter=False, description="What an adopter takes on (认领职责).")
    state: AssetState = column()
    latitude_e6: int | None = column(description="In micro-degrees, north positive (纬度,微度).")
    longitude_e6: int | None = column(description="In micro-degrees, east positive (经度,微度).")
    coordinate_system: CoordinateSystem | None = column(description="The system of the position (坐标系).")
    version: int = column(filter=False)
    area: Area = to_one()
    custodian: Actor = to_one(description="Who answers for it, and stays its owner (管理单位).")
    waiting_claims: int = computed(
        lambda t: select(models.Claim).where(lambda c: (c.asset_id == t.id) & c.state.is_in(list(OPEN_CLAIM))).count(),
        discloses="How many ask for a spot is public; who asks is not.",
        description="Claims without a decision (待审核申请数).",
    )
    claims: Connection[AdoptionClaim] = connection("asset_id")
    agreements: Connection[AdoptionAgreement] = connection("asset_id")


def _asks_too(claim_id: Expr, v: ViewerFacts) -> Expr:
    return select(models.CoAdopter).where(lambda x: (x.claim_id == claim_id) & v.acts_as(x.actor_id)).exists()


def _adopts_too(claim_id: Expr, v: ViewerFacts) -> Expr:
    shares = select(models.CoAdopter).where(
        lambda x: (x.claim_id == claim_id) & x.left_on.is_null() & v.acts_as(x.actor_id)
    )
    return shares.exists()


def _claim_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Claims are for the claimants, the custodian and whoever reviews or decides there."""
    custodian = select(models.Asset).where(lambda a: (a.id == t.asset_id) & v.acts_as(a.custodian_id))
    clerks = v.may("adoption.claim.decide", t.area_id) | v.may("adoption.claim.review", t.area_id)
    return v.acts_as(t.claimant_id) | clerks | custodian.exists() | _asks_too(t.id, v)


@node(models.Claim, scope=_claim_scope, order="-submitted_at")
class AdoptionClaim:
    """A request to adopt a spot (认领申请)."""

    mode: AdoptionMode = column()
    statement: str | None = column(filter=False)
    state: ClaimState = column()
    submitted_at: datetime = column(order=True)
    feasibility: str | None = column(filter=False, description="What the review found (可行性意见).")
    version: int = column(filter=False)
    area: Area = to_one()
    asset: AdoptionAsset | None = to_one()
    claimant: Actor = to_one()
    reviewed_by: Actor | None = to_one(description="Who reviewed it (初审人).")
    decided_by: Actor | None = to_one()
    co_adopters: Connection[AdoptionCoAdopter] = connection("claim_id", description="Who asks as well (共同认领人).")
    agreements: Connection[AdoptionAgreement] = connection("claim_id")


def _co_adopter_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Who adopts is public; who merely asked is for those who see the claim."""
    agreed = select(models.Agreement).where(lambda a: a.claim_id == t.claim_id).exists()
    claim = select(models.Claim).where(lambda c: (c.id == t.claim_id) & _claim_scope(c, v)).exists()
    return agreed | claim


@node(models.CoAdopter, scope=_co_adopter_scope)
class AdoptionCoAdopter:
    """Adopts together with the lead adopter, and signs too (共同认领人)."""

    left_on: date | None = column(description="From this day they are no adopter; null while they are (退出日).")
    version: int = column(filter=False)
    area: Area = to_one()
    actor: Actor = to_one()
    claim: AdoptionClaim | None = to_one()
    agreements: Connection[AdoptionAgreement] = connection(lambda c, t: c.claim_id == t.claim_id)


def _due(t: RowOf, day: Expr) -> Expr:
    return (t.state == AgreementState.ACTIVE) & (t.next_inspection_on <= day)


@node(
    models.Agreement,
    scope=public("Who looks after what is public, so that they can be thanked and held to it."),
    order="-starts_on",
    filters=[
        FilterField(
            name="inspection_due_by",
            kind="date",
            test=_due,
            description="Running agreements whose next inspection is due by this day (到该日应巡查).",
        )
    ],
)
class AdoptionAgreement:
    """What custodian and adopters agreed, for how long (认领协议)."""

    state: AgreementState = column()
    mode: AdoptionMode = column()
    duties: str = column(filter=False)
    starts_on: date = column(order=True)
    ends_on: date = column(order=True, description="The first day it no longer runs (到期日).")
    sign_by: date = column(description="The last day to sign; a draft lapses after it (签署截止日).")
    suspended_on: date | None = column(description="Since when it is suspended (中止日).")
    notice_ends_on: date | None = column(description="The day on which notice given ends it (通知期满日).")
    end_reason: EndReason | None = column()
    ended_on: date | None = column(description="When it ended (终止日).")
    next_inspection_on: date | None = column(order=True, description="When it is to be inspected next (下次巡查日).")
    certificate_number: str | None = column(
        description="For certificate and plaque; unique, by area and year (认领证书编号)."
    )
    settings_version: Long = column(filter=False, description="Version of the settings it runs under (规则版本).")
    version: int = column(filter=False)
    area: Area = to_one()
    asset: AdoptionAsset | None = to_one()
    claim: AdoptionClaim | None = to_one()
    adopter: Actor = to_one(description="The lead adopter, who is thanked (认领人).")
    custodian: Actor = to_one()
    notice_by: Actor | None = to_one(description="Who gave notice (提出终止方).")
    renewal_asked_by: Actor | None = to_one(description="Which side has asked to renew (提出续签方).")
    rule_document: RuleDocument | None = to_one(description="The rule document it rests on (制度依据).")
    co_adopters: Connection[AdoptionCoAdopter] = connection(
        lambda c, t: c.claim_id == t.claim_id, description="Who adopts as well (共同认领人)."
    )
    signatures: Connection[AdoptionSignature] = connection("agreement_id")
    upkeep: Connection[AdoptionUpkeep] = connection("agreement_id", description="What was done (养护记录).")
    inspections: Connection[AdoptionInspection] = connection("agreement_id")
    revocations: Connection[AdoptionRevocation] = connection("agreement_id")
    acceptances: Connection[AdoptionAcceptance] = connection("agreement_id", description="Of a project (项目验收).")


@node(
    models.Signature, scope=public("Of a public agreement."), place=lambda t: area_of(models.Agreement, t.agreement_id)
)
class AdoptionSignature:
    """A party's signature (签署)."""

    signed_at: datetime = column()
    party: Actor = to_one()
    signed_by: Actor | None = to_one()
    agreement: AdoptionAgreement | None = to_one()


@node(models.Upkeep, scope=public("What was done for a public spot is public."), order="-done_on")
class AdoptionUpkeep:
    """What an adopter did for the spot on a day (养护记录)."""

    done_on: date = column(order=True)
    what: str = column(filter=False)
    minutes: int | None = column(description="Minutes of work (劳动时长,分钟).")
    amount: Long | None = column(description="Money or material, in fen (出资,分).")
    version: int = column(filter=False)
    area: Area = to_one()
    agreement: AdoptionAgreement | None = to_one()
    adopter: Actor = to_one(description="Which adopter did it (养护人).")


def _evidence(values: dict[str, Any], facts: Any) -> list[str]:
    found: list[str] = json.loads(values["evidence"])
    return found


@node(models.Inspection, scope=public("How a public spot was found is public."), order="-inspected_at")
class AdoptionInspection:
    """Somebody else looked and scored (巡查)."""

    score: int = column(description="0 to 100 (得分).")
    result: InspectionResult = column()
    note: str | None = column(filter=False)
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": t.evidence}, description="Photos and papers, by reference (依据材料)."
    )
    inspected_at: datetime = column(order=True)
    rectify_by: date | None = column(order=True, description="To be put right by this day (整改期限).")
    overdue_at: datetime | None = column(description="When it was found not put right in time (逾期认定时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    agreement: AdoptionAgreement | None = to_one()
    inspector: Actor = to_one()
    recheck_of: AdoptionInspection | None = to_one(description="The failed inspection this looks at again (复查对象).")
    rechecks: Connection[AdoptionInspection] = connection("recheck_of_id")


def _revocation_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For the parties, and for whoever decides about revocations and appeals there."""
    party = select(models.Agreement).where(
        lambda a: (
            (a.id == t.agreement_id)
            & (v.acts_as(a.adopter_id) | v.acts_as(a.custodian_id) | _adopts_too(a.claim_id, v))
        )
    )
    return party.exists() | v.may("adoption.agreement.revoke", t.area_id) | v.may("adoption.appeal.decide", t.area_id)


@node(models.Revocation, scope=_revocation_scope, order="-opened_at")
class AdoptionRevocation:
    """An adopter who fails loses the spot, and may appeal (取消认领)."""

    state: RevocationState = column()
    fails: int = column(description="Failures in a row, a deadline missed among them (连续不合格次数).")
    opened_at: datetime = column(order=True)
    reason: str | None = column(filter=False)
    revoked_on: date | None = column()
    appeal_by: date | None = column(order=True, description="The last day to appeal (申诉截止日).")
    appeal: str | None = column(filter=False, description="What the adopters object (申诉理由).")
    answer: str | None = column(filter=False, description="Why it was upheld, overturned or dismissed (裁定理由).")
    resolved_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    agreement: AdoptionAgreement | None = to_one()
    revoked_by: Actor | None = to_one()
    appealed_by: Actor | None = to_one()
    resolved_by: Actor | None = to_one(description="Who decided the appeal, or dismissed the proposal (裁定人).")


@node(models.Acceptance, scope=public("How a public project was found is public."), order="-accepted_at")
class AdoptionAcceptance:
    """Somebody else found the project built as agreed (项目验收)."""

    accepted_at: datetime = column(order=True)
    note: str | None = column(filter=False)
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": t.evidence}, description="Photos and papers, by reference (依据材料)."
    )
    version: int = column(filter=False)
    area: Area = to_one()
    agreement: AdoptionAgreement | None = to_one()
    accepted_by: Actor = to_one(description="Who accepted it (验收人).")


@extend(Query)
class AdoptionQuery:
    adoption_asset: AdoptionAsset | None = one("id", description="A spot (认领对象).")
    adoption_assets: Connection[AdoptionAsset] = every(description="Spots open to adoption or adopted (认领对象列表).")
    adoption_claims: Connection[AdoptionClaim] = every(description="Claims the viewer may see (认领申请列表).")
    adoption_agreements: Connection[AdoptionAgreement] = every(description="Agreements (认领协议列表).")
    adoption_inspections: Connection[AdoptionInspection] = every(description="Inspections (巡查列表).")
    adoption_upkeep: Connection[AdoptionUpkeep] = every(description="What adopters did (养护记录列表).")
    adoption_revocations: Connection[AdoptionRevocation] = every(
        description="Revocations the viewer may see (取消认领列表)."
    )


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
    adoption_shares: Connection[AdoptionCoAdopter] = connection(
        "actor_id", description="What this actor looks after together with others (共同认领)."
    )
