"""Spots, claims, agreements, signatures and inspections."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.agreement import Agreement as AgreementBase
from core.agreement import Signature as SignatureBase
from core.database.guards import Guard, append_only, check, index, refuse, unique
from core.enums import Term
from core.models import Actor, Area, Logged


class AssetKind(Term):
    """What can be adopted (认领对象类型)."""

    GREEN_SPACE = "GREEN_SPACE", "绿地"
    SPACE = "SPACE", "空间"
    PUBLIC_FACILITY = "PUBLIC_FACILITY", "公共设施"
    TREE = "TREE", "树木"


class AssetState(Term):
    """Whether a spot can be claimed (认领对象状态)."""

    AVAILABLE = "AVAILABLE", "可认领"
    RESERVED = "RESERVED", "已预定"
    ADOPTED = "ADOPTED", "已认领"


class AdoptionMode(Term):
    """Give money or material (认领), or give labour (认管)."""

    FUND = "FUND", "认领"
    CARE = "CARE", "认管"


class ClaimState(Term):
    """Life of a claim (申请状态)."""

    SUBMITTED = "SUBMITTED", "待审核"
    ACCEPTED = "ACCEPTED", "已通过"
    REJECTED = "REJECTED", "未通过"
    WITHDRAWN = "WITHDRAWN", "已撤回"


class InspectionResult(Term):
    """Outcome of an inspection (巡查结果)."""

    PASSED = "PASSED", "合格"
    FAILED = "FAILED", "不合格"


def own_matter(person: str, actor: str) -> str:
    """SQL: `person` is `actor`, acts for it or belongs to it (INV10)."""
    return (
        f"({person} = {actor}"
        f" OR EXISTS (SELECT 1 FROM core_mandate m WHERE m.person_id = {person} AND m.organization_id = {actor}"
        " AND m.state = 'ACTIVE')"
        f" OR EXISTS (SELECT 1 FROM core_membership b WHERE b.actor_id = {person} AND b.organization_id = {actor}"
        " AND b.state = 'ACTIVE'))"
    )


class Asset(Logged):
    """A spot open to adoption; its custodian stays its owner (INV11)."""

    tag: ClassVar[str] = "adoption_asset"
    searchable: ClassVar[str | None] = "name"

    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    custodian: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    custodian_id: UUID
    name = fields.CharField(max_length=200)
    kind = fields.CharEnumField(AssetKind, description="AssetKind", max_length=40)
    duties = fields.TextField()
    state = fields.CharEnumField(AssetState, description="AssetState", max_length=40)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("name_not_empty", "length(NEW.name) > 0"),
        unique("area_id", "name", code="ASSET_EXISTS"),
        refuse("custodian_stays", "UPDATE", "NEW.custodian_id <> OLD.custodian_id", "OWNERSHIP_STAYS"),
        index("area_id", "state"),
        index("name"),
    )

    class Meta:
        table = "adoption_asset"


class Claim(Logged):
    """An actor asks to adopt a spot."""

    tag: ClassVar[str] = "adoption_claim"

    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    asset: fields.ForeignKeyRelation[Asset] = fields.ForeignKeyField(
        "adoption.Asset", on_delete=fields.RESTRICT, related_name=False
    )
    asset_id: UUID
    claimant: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    claimant_id: UUID
    mode = fields.CharEnumField(AdoptionMode, description="AdoptionMode", max_length=40)
    statement = fields.TextField(null=True)
    state = fields.CharEnumField(ClaimState, description="ClaimState", max_length=40)
    submitted_at = fields.DatetimeField()
    decided_by_id = fields.UUIDField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("asset_id", "claimant_id", where="state = 'SUBMITTED'", code="ALREADY_CLAIMED"),
        index("asset_id", "submitted_at"),
        index("claimant_id", "submitted_at"),
        index("submitted_at"),
        refuse(
            "inv10_decision",
            "UPDATE",
            f"NEW.decided_by_id IS NOT NULL AND {own_matter('NEW.decided_by_id', 'NEW.claimant_id')}",
            "OWN_MATTER",
        ),
    )

    class Meta:
        table = "adoption_claim"


class Agreement(AgreementBase):
    """Custodian and adopter agree on duties for a term; at most one runs per spot (INV11)."""

    tag: ClassVar[str] = "adoption_agreement"

    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    asset: fields.ForeignKeyRelation[Asset] = fields.ForeignKeyField(
        "adoption.Asset", on_delete=fields.RESTRICT, related_name=False
    )
    asset_id: UUID
    claim: fields.ForeignKeyRelation[Claim] = fields.ForeignKeyField(
        "adoption.Claim", on_delete=fields.RESTRICT, related_name=False
    )
    claim_id: UUID
    adopter: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    adopter_id: UUID
    custodian: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    custodian_id: UUID
    mode = fields.CharEnumField(AdoptionMode, description="AdoptionMode", max_length=40)
    duties = fields.TextField()

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("asset_id", where="state IN ('DRAFT', 'ACTIVE')", code="ASSET_TAKEN"),
        unique("claim_id", code="INTERNAL"),
        index("asset_id"),
        index("adopter_id", "starts_on"),
        index("starts_on"),
    )

    class Meta:
        table = "adoption_agreement"

    def parties(self) -> list[UUID]:
        return [self.adopter_id, self.custodian_id]


class Signature(SignatureBase):
    """A party's signature under an agreement."""

    tag: ClassVar[str] = "adoption_signature"

    agreement: fields.ForeignKeyRelation[Agreement] = fields.ForeignKeyField(
        "adoption.Agreement", on_delete=fields.RESTRICT, related_name=False
    )
    agreement_id: UUID

    class Meta:
        table = "adoption_signature"


class Inspection(Logged):
    """Somebody else looks and scores (INV10); a recheck points at the inspection that failed."""

    tag: ClassVar[str] = "adoption_inspection"

    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    agreement: fields.ForeignKeyRelation[Agreement] = fields.ForeignKeyField(
        "adoption.Agreement", on_delete=fields.RESTRICT, related_name=False
    )
    agreement_id: UUID
    inspector: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    inspector_id: UUID
    recheck_of: fields.ForeignKeyNullableRelation[Inspection] = fields.ForeignKeyField(
        "adoption.Inspection", null=True, on_delete=fields.RESTRICT, related_name=False
    )
    recheck_of_id: UUID | None
    score = fields.IntField()
    result = fields.CharEnumField(InspectionResult, description="InspectionResult", max_length=40)
    note = fields.TextField(null=True)
    inspected_at = fields.DatetimeField()
    rectify_by = fields.DateField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        check("score", "NEW.score BETWEEN 0 AND 100"),
        unique("recheck_of_id", where="recheck_of_id IS NOT NULL AND result = 'PASSED'", code="ALREADY_RECTIFIED"),
        refuse(
            "inv10_inspection",
            "INSERT OR UPDATE",
            "EXISTS (SELECT 1 FROM adoption_agreement a WHERE a.id = NEW.agreement_id"
            f" AND {own_matter('NEW.inspector_id', 'a.adopter_id')})",
            "OWN_MATTER",
        ),
        index("agreement_id", "inspected_at"),
        index("inspected_at"),
        index("recheck_of_id"),
    )

    class Meta:
        table = "adoption_inspection"
