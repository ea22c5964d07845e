"""Spots, claims with co-adopters, agreements with their signatures, upkeep, inspections, revocations and acceptances."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.agreement import Agreement as AgreementBase
from core.agreement import Signature as SignatureBase
from core.database.guards import Guard, append_only, by_event, by_others, check, index, refuse, same, unique
from core.ledger import LARGEST
from core.models import Actor, Area, Logged, RuleDocument, references
from core.personal import Keep, Text, impersonal, personal
from plugins.adoption.terms import (
    AdoptionMode,
    AssetKind,
    AssetState,
    ClaimState,
    CoordinateSystem,
    InspectionResult,
    RevocationState,
)


def _adopters_own(person: str, claimant: str, claim: str, *, left: bool = False) -> str:
    """SQL: it is the matter of the lead adopter or of a co-adopter of this claim (or, if asked, of one who left)."""
    still = "" if left else " AND x.left_on IS NULL"
    return (
        f"({own_matter(person, claimant)} OR EXISTS (SELECT 1 FROM adoption_co_adopter x WHERE x.claim_id = {claim}"
        f"{still} AND {own_matter(person, 'x.actor_id')}))"
    )


def _agreed_own(person: str, *, left: bool = False, custodian: bool = False) -> str:
    """SQL: it is the matter of those who adopt under NEW.agreement_id (or, if asked, of who left, of the custodian)."""
    whose = _adopters_own(person, "a.adopter_id", "a.claim_id", left=left)
    if custodian:
        whose = f"({whose} OR {own_matter(person, 'a.custodian_id')})"
    return f"EXISTS (SELECT 1 FROM adoption_agreement a WHERE a.id = NEW.agreement_id AND {whose})"


def _not_an_adopter(actor: str, still: str, *parties: str) -> str:
    """SQL: nobody by this id adopts under NEW.agreement_id, or is one of the other parties named."""
    named = ", ".join(f"a.{p}" for p in ("adopter_id", *parties))
    return (
        f"NOT EXISTS (SELECT 1 FROM adoption_agreement a WHERE a.id = NEW.agreement_id AND ({actor} IN ({named})"
        " OR EXISTS (SELECT 1 FROM adoption_co_adopter x WHERE x.claim_id = a.claim_id"
        f" AND x.actor_id = {actor} AND ({still}))))"
    )


_HANDED_OVER = "(OLD.kind = 'PROJECT' AND OLD.state = 'BUILT' AND NEW.kind <> 'PROJECT' AND NEW.state = 'AVAILABLE')"
_TO_AN_ADOPTER = (
    "EXISTS (SELECT 1 FROM adoption_agreement g WHERE g.asset_id = NEW.id AND (g.adopter_id = NEW.custodian_id OR EXISTS"
    " (SELECT 1 FROM adoption_co_adopter x WHERE x.claim_id = g.claim_id AND x.actor_id = NEW.custodian_id)))"
)


_OF_THE_ADOPTER = "t.agreement_id IN (SELECT g.id FROM adoption_agreement g WHERE g.adopter_id IN ({ids}))"


class Asset(Logged):
    """A spot open to adoption; its custodian stays its owner (INV11)."""

    tag: ClassVar[str] = "adoption_asset"
    called: ClassVar[tuple[str, str]] = ("Spots in custody", "管理的认领对象")
    searchable: ClassVar[str | None] = "name"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    custodian: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    custodian_id: UUID
    name = fields.CharField(max_length=200)
    kind = fields.CharEnumField(AssetKind, description="AssetKind", max_length=40)
    duties = fields.TextField()
    state = fields.CharEnumField(AssetState, description="AssetState", max_length=40)
    latitude_e6 = fields.IntField(null=True)
    longitude_e6 = fields.IntField(null=True)
    coordinate_system = fields.CharEnumField(CoordinateSystem, description="CoordinateSystem", max_length=40, null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("name", "duties")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("name_not_empty", "length(NEW.name) > 0"),
        check(
            "position",
            "(NEW.latitude_e6 IS NULL) = (NEW.longitude_e6 IS NULL)"
            " AND (NEW.latitude_e6 IS NULL) = (NEW.coordinate_system IS NULL) AND (NEW.latitude_e6 IS NULL"
            " OR (NEW.latitude_e6 BETWEEN -90000000 AND 90000000 AND NEW.longitude_e6 BETWEEN -180000000 AND 180000000))",
            "BAD_POSITION",
        ),
        unique("area_id", "name", where="state <> 'RETIRED'", code="ASSET_EXISTS"),
        refuse(
            "custodian_stays",
            "UPDATE",
            f"NEW.custodian_id <> OLD.custodian_id AND NOT {by_event('adoption.asset.merged')}"
            f" AND (NOT {_HANDED_OVER} OR {_TO_AN_ADOPTER})",
            "OWNERSHIP_STAYS",
        ),
        refuse(
            "project_stays",
            "UPDATE",
            f"(NEW.kind = 'PROJECT') <> (OLD.kind = 'PROJECT') AND NOT {_HANDED_OVER}",
            "PROJECT_STAYS",
        ),
        check("only_projects_are_built", "NEW.state <> 'BUILT' OR NEW.kind = 'PROJECT'"),
        index("area_id", "state"),
        index("name"),
    )

    class Meta:
        table = "adoption_asset"


class Claim(Logged):
    """An actor asks to adopt a spot, perhaps together with others."""

    tag: ClassVar[str] = "adoption_claim"
    called: ClassVar[tuple[str, str]] = ("Claims", "认领申请")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    asset: fields.ForeignKeyRelation[Asset] = references("adoption.Asset")
    asset_id: UUID
    claimant: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    claimant_id: UUID
    mode = fields.CharEnumField(AdoptionMode, description="AdoptionMode", max_length=40)
    statement = fields.TextField(null=True)
    state = fields.CharEnumField(ClaimState, description="ClaimState", max_length=40)
    submitted_at = fields.DatetimeField()
    feasibility = fields.TextField(null=True)
    reviewed_by_id = fields.UUIDField(null=True)
    decided_by_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("statement", of="claimant_id", keep=Keep("submitted_at", "case_text_days")),
        personal("feasibility", of="claimant_id", keep=Keep("submitted_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("asset_id", "claimant_id", where="state IN ('SUBMITTED', 'REVIEWED')", code="ALREADY_CLAIMED"),
        index("asset_id", "submitted_at"),
        index("claimant_id", "submitted_at"),
        index("submitted_at"),
        *by_others("inv10_decision", "decided_by_id", _adopters_own("NEW.decided_by_id", "NEW.claimant_id", "NEW.id")),
        *by_others("inv10_review", "reviewed_by_id", _adopters_own("NEW.reviewed_by_id", "NEW.claimant_id", "NEW.id")),
    )

    class Meta:
        table = "adoption_claim"


_LEAVES = f"(OLD.left_on IS NULL AND NEW.left_on IS NOT NULL AND NEW.actor_id = OLD.actor_id AND {by_event('adoption.co_adopter.left')})"


class CoAdopter(Logged):
    """Who adopts together with the claimant; they sign too, and INV10 holds for each of them until they leave.

    From `left_on` they are no adopter; the row stays, so that who adopted when can be seen.
    """

    tag: ClassVar[str] = "adoption_co_adopter"
    called: ClassVar[tuple[str, str]] = ("Co-adoptions", "共同认领")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    claim: fields.ForeignKeyRelation[Claim] = references("adoption.Claim")
    claim_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    left_on = fields.DateField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"NEW.claim_id <> OLD.claim_id OR NOT ({_LEAVES}"
            f" OR ({same('NEW.left_on', 'OLD.left_on')} AND {by_event('adoption.claim.merged')}))",
            "APPEND_ONLY",
        ),
        refuse(
            "before_the_decision",
            "INSERT",
            "NEW.left_on IS NOT NULL OR EXISTS (SELECT 1 FROM adoption_claim c WHERE c.id = NEW.claim_id"
            " AND (c.state <> 'SUBMITTED' OR c.claimant_id = NEW.actor_id))",
            "CO_ADOPTERS",
        ),
        refuse(
            "leaves_what_goes_on",
            "UPDATE",
            "OLD.left_on IS NULL AND NEW.left_on IS NOT NULL AND NOT EXISTS (SELECT 1 FROM adoption_claim c"
            " WHERE c.id = NEW.claim_id AND c.state IN ('SUBMITTED', 'REVIEWED')) AND NOT EXISTS"
            " (SELECT 1 FROM adoption_agreement a WHERE a.claim_id = NEW.claim_id"
            " AND a.state IN ('DRAFT', 'ACTIVE', 'SUSPENDED'))",
            "AGREEMENT_OVER",
        ),
        unique("claim_id", "actor_id", where="left_on IS NULL", code="CO_ADOPTERS"),
        index("claim_id"),
        index("actor_id"),
    )

    class Meta:
        table = "adoption_co_adopter"


class Agreement(AgreementBase):
    """Custodian and adopters agree on duties for a term; at most one is open per spot (INV11)."""

    tag: ClassVar[str] = "adoption_agreement"
    called: ClassVar[tuple[str, str]] = ("Adoption agreements", "认领协议")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    asset: fields.ForeignKeyRelation[Asset] = references("adoption.Asset")
    asset_id: UUID
    claim: fields.ForeignKeyRelation[Claim] = references("adoption.Claim")
    claim_id: UUID
    adopter: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    adopter_id: UUID
    custodian: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    custodian_id: UUID
    rule_document: fields.ForeignKeyNullableRelation[RuleDocument] = references("core.RuleDocument", null=True)
    rule_document_id: UUID | None
    mode = fields.CharEnumField(AdoptionMode, description="AdoptionMode", max_length=40)
    duties = fields.TextField()
    next_inspection_on = fields.DateField(null=True)
    certificate_number = fields.CharField(max_length=80, null=True)
    certificate_year = fields.IntField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("duties", "certificate_number")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("asset_id", where="state <> 'ENDED'", code="ASSET_TAKEN"),
        unique("claim_id", where="state <> 'ENDED'", code="INTERNAL"),
        unique("certificate_number", where="certificate_number IS NOT NULL", code="INTERNAL"),
        check("two_sides", "NEW.adopter_id <> NEW.custodian_id", "OWN_ASSET"),
        check(
            "numbered_when_it_runs", "NEW.state = 'DRAFT' OR NEW.state = 'ENDED' OR NEW.certificate_number IS NOT NULL"
        ),
        refuse(
            "certificate_stays",
            "UPDATE",
            "OLD.certificate_number IS NOT NULL AND (NEW.certificate_number IS NULL"
            " OR NEW.certificate_number <> OLD.certificate_number)",
            "APPEND_ONLY",
        ),
        index("asset_id"),
        index("claim_id"),
        index("adopter_id", "starts_on"),
        index("area_id", "certificate_year"),
        index("starts_on"),
        index("ends_on"),
        index("next_inspection_on"),
    )

    class Meta:
        table = "adoption_agreement"


class Signature(SignatureBase):
    """A party's signature under an agreement."""

    tag: ClassVar[str] = "adoption_signature"

    agreement: fields.ForeignKeyRelation[Agreement] = references("adoption.Agreement")
    agreement_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (
        refuse(
            "by_a_party", "INSERT", _not_an_adopter("NEW.party_id", "x.left_on IS NULL", "custodian_id"), "NOT_A_PARTY"
        ),
    )

    class Meta:
        table = "adoption_signature"


class Upkeep(Logged):
    """What an adopter did for the spot on a day: minutes of work, or an amount in fen; never edited."""

    tag: ClassVar[str] = "adoption_upkeep"
    called: ClassVar[tuple[str, str]] = ("Upkeep", "养护记录")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    agreement: fields.ForeignKeyRelation[Agreement] = references("adoption.Agreement")
    agreement_id: UUID
    adopter: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    adopter_id: UUID
    done_on = fields.DateField()
    what = fields.TextField()
    minutes = fields.IntField(null=True)
    amount = fields.BigIntField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (personal("what", of="adopter_id"),)

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        refuse(
            "by_an_adopter",
            "INSERT",
            _not_an_adopter("NEW.adopter_id", "x.left_on IS NULL OR x.left_on > NEW.done_on"),
            "NOT_A_PARTY",
        ),
        check("one_of_them", "(NEW.minutes IS NOT NULL) <> (NEW.amount IS NOT NULL)"),
        check("minutes", "NEW.minutes IS NULL OR NEW.minutes BETWEEN 1 AND 100000"),
        check("amount", f"NEW.amount IS NULL OR NEW.amount BETWEEN 1 AND {LARGEST}"),
        index("agreement_id", "done_on"),
        index("done_on"),
    )

    class Meta:
        table = "adoption_upkeep"


class Inspection(Logged):
    """Somebody else looks and scores (INV10); a recheck points at the inspection that failed."""

    tag: ClassVar[str] = "adoption_inspection"
    called: ClassVar[tuple[str, str]] = ("Inspections", "巡查")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    agreement: fields.ForeignKeyRelation[Agreement] = references("adoption.Agreement")
    agreement_id: UUID
    inspector: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    inspector_id: UUID
    recheck_of: fields.ForeignKeyNullableRelation[Inspection] = references("adoption.Inspection", null=True)
    recheck_of_id: UUID | None
    score = fields.IntField()
    result = fields.CharEnumField(InspectionResult, description="InspectionResult", max_length=40)
    note = fields.TextField(null=True)
    evidence = fields.TextField(default="[]")  # a JSON list of texts
    inspected_at = fields.DatetimeField()
    rectify_by = fields.DateField(null=True)
    overdue_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("note", of=_OF_THE_ADOPTER),
        personal("evidence", of=_OF_THE_ADOPTER, erased="[]"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        check("score", "NEW.score BETWEEN 0 AND 100"),
        unique("recheck_of_id", where="recheck_of_id IS NOT NULL AND result = 'PASSED'", code="ALREADY_RECTIFIED"),
        refuse("inv10_inspection", "INSERT", _agreed_own("NEW.inspector_id"), "OWN_MATTER"),
        refuse(
            "stays",
            "UPDATE",
            "NEW.score <> OLD.score OR NEW.agreement_id <> OLD.agreement_id OR NEW.inspector_id <> OLD.inspector_id"
            f" OR NEW.inspected_at <> OLD.inspected_at OR NOT {same('NEW.recheck_of_id', 'OLD.recheck_of_id')}"
            " OR NEW.evidence <> OLD.evidence OR (NEW.result <> OLD.result AND NEW.result <> 'VOIDED')",
            "APPEND_ONLY",
        ),
        index("agreement_id", "inspected_at"),
        index("inspected_at"),
        index("recheck_of_id"),
        index("rectify_by"),
    )

    class Meta:
        table = "adoption_inspection"


class Revocation(Logged):
    """An adopter who fails loses the spot: proposed, decided, perhaps appealed against, decided by somebody else."""

    tag: ClassVar[str] = "adoption_revocation"
    called: ClassVar[tuple[str, str]] = ("Revocations and appeals", "取消认领与申诉")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    agreement: fields.ForeignKeyRelation[Agreement] = references("adoption.Agreement")
    agreement_id: UUID
    state = fields.CharEnumField(RevocationState, description="RevocationState", max_length=40)
    fails = fields.IntField()
    opened_at = fields.DatetimeField()
    reason = fields.TextField(null=True)
    revoked_by_id = fields.UUIDField(null=True)
    revoked_on = fields.DateField(null=True)
    appeal_by = fields.DateField(null=True)
    appeal = fields.TextField(null=True)
    appealed_by_id = fields.UUIDField(null=True)
    answer = fields.TextField(null=True)
    resolved_by_id = fields.UUIDField(null=True)
    resolved_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of=_OF_THE_ADOPTER),
        personal("appeal", of=_OF_THE_ADOPTER),
        personal("answer", of=_OF_THE_ADOPTER),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        unique("agreement_id", where="state IN ('PROPOSED', 'REVOKED', 'APPEALED')", code="REVOCATION_STATE"),
        check("fails", "NEW.fails >= 0"),
        check("revoked", "(NEW.revoked_by_id IS NULL) = (NEW.state IN ('PROPOSED', 'DISMISSED'))"),
        check("appealed", "NEW.state NOT IN ('APPEALED', 'UPHELD', 'OVERTURNED') OR NEW.appealed_by_id IS NOT NULL"),
        check(
            "resolved_by_somebody_else",
            "NEW.revoked_by_id IS NULL OR NEW.resolved_by_id IS NULL OR NEW.resolved_by_id <> NEW.revoked_by_id",
            "OWN_MATTER",
        ),
        *by_others("inv10_revocation", "revoked_by_id", _agreed_own("NEW.revoked_by_id")),
        *by_others(
            "inv10_appeal",
            "resolved_by_id",
            f"NEW.revoked_by_id IS NOT NULL AND {_agreed_own('NEW.resolved_by_id', custodian=True)}",
        ),
        *by_others("inv10_dismissal", "resolved_by_id", _agreed_own("NEW.resolved_by_id")),
        index("agreement_id"),
        index("opened_at"),
        index("appeal_by"),
    )

    class Meta:
        table = "adoption_revocation"


class Acceptance(Logged):
    """Somebody else finds the project built as agreed (INV10)."""

    tag: ClassVar[str] = "adoption_acceptance"
    called: ClassVar[tuple[str, str]] = ("Projects accepted", "项目验收")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    agreement: fields.ForeignKeyRelation[Agreement] = references("adoption.Agreement")
    agreement_id: UUID
    accepted_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    accepted_by_id: UUID
    accepted_at = fields.DatetimeField()
    note = fields.TextField(null=True)
    evidence = fields.TextField(default="[]")  # a JSON list of texts

    texts: ClassVar[tuple[Text, ...]] = (
        personal("note", of=_OF_THE_ADOPTER),
        personal("evidence", of=_OF_THE_ADOPTER, erased="[]"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("agreement_id", code="PROJECT_STATE"),
        refuse("inv10_acceptance", "INSERT", _agreed_own("NEW.accepted_by_id", left=True), "OWN_MATTER"),
        index("accepted_at"),
    )

    class Meta:
        table = "adoption_acceptance"
