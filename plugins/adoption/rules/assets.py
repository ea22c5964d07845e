"""Spots: list, correct, withdraw; and projects: accepted by somebody else, then handed over to a custodian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, evidence_text, needed, optional_text
from core.work import Work
from plugins.adoption.models import Acceptance, Agreement, Asset
from plugins.adoption.rules.common import (
    about,
    cited,
    close_claims,
    end_for_good,
    locked,
    once_adopters,
    open_agreement,
)
from plugins.adoption.settings import AdoptionSettings
from plugins.adoption.terms import AssetKind, AssetState, CoordinateSystem

LATITUDE, LONGITUDE = 90_000_000, 180_000_000


@dataclass(frozen=True)
class Position:
    """A point in micro-degrees, in a named coordinate system."""

    latitude_e6: int
    longitude_e6: int
    system: CoordinateSystem

    def columns(self) -> dict[str, Any]:
        """Refuses BAD_POSITION outside the globe."""
        if abs(self.latitude_e6) > LATITUDE or abs(self.longitude_e6) > LONGITUDE:
            raise Refusal("BAD_POSITION", path=("position",))
        return {
            "latitude_e6": self.latitude_e6,
            "longitude_e6": self.longitude_e6,
            "coordinate_system": self.system,
        }


async def _within_scope(work: Work, at: Area | Asset, kind: AssetKind) -> None:
    """What a community opens to adoption is its own choice; refuses KIND_OUT_OF_SCOPE, citing the rule."""
    settings = await work.settings(AdoptionSettings, at)
    if kind not in settings.asset_kinds:
        _, document = await cited(work, at, "asset_kinds")
        raise Refusal("KIND_OUT_OF_SCOPE", path=("kind",), document=document, kind=kind)


async def list_asset(
    work: Work,
    *,
    area_id: UUID,
    custodian_id: UUID,
    name: str,
    kind: AssetKind,
    duties: str,
    position: Position | None = None,
) -> Asset:
    """Open a spot to adoption; its custodian answers for it and signs.

    Refuses ASSET_EXISTS, KIND_OUT_OF_SCOPE, BAD_POSITION.
    """
    area = await work.get(Area, area_id)
    await work.get(Actor, custodian_id)
    work.require("adoption.asset.list", area)
    await _within_scope(work, area, kind)
    asset = Asset(
        id=new_id(),
        area_id=area_id,
        custodian_id=custodian_id,
        name=clean_name(name, "name"),
        kind=kind,
        duties=clean_text(duties, "duties"),
        state=AssetState.AVAILABLE,
        **(position.columns() if position else {}),
    )
    work.add(asset)
    work.record("adoption.asset.listed", asset, area_id=area_id, data={"kind": str(kind)})
    return asset


async def update_asset(
    work: Work,
    *,
    asset_id: UUID,
    name: str | None,
    kind: AssetKind | None,
    duties: str | None,
    position: Position | None,
) -> Asset:
    """Correct what is given; a running agreement keeps the duties that were signed.

    Refuses ASSET_RETIRED, ASSET_EXISTS, KIND_OUT_OF_SCOPE, PROJECT_STAYS (only a hand-over makes it another kind).
    """
    asset = await work.lock(Asset, asset_id)
    work.require("adoption.asset.list", asset)
    work.expect_version(asset)
    if asset.state is AssetState.RETIRED:
        raise Refusal("ASSET_RETIRED")
    values: dict[str, Any] = position.columns() if position else {}
    if name is not None:
        values["name"] = clean_name(name, "name")
    if duties is not None:
        values["duties"] = clean_text(duties, "duties")
    if kind is not None and kind is not asset.kind:
        if AssetKind.PROJECT in (kind, asset.kind):
            raise Refusal("PROJECT_STAYS", path=("kind",))
        await _within_scope(work, asset, kind)
        values["kind"] = kind
    if not values:
        raise Refusal("NOTHING_TO_CHANGE")
    work.change(asset, **values)
    work.record("adoption.asset.updated", asset, area_id=asset.area_id, data={"fields": sorted(values)})
    return asset


async def retire_asset(work: Work, *, asset_id: UUID, reason: str) -> Asset:
    """Withdraw a spot from adoption; claims that wait are rejected. Refuses ASSET_RETIRED, ASSET_IN_USE."""
    asset = await work.lock(Asset, asset_id)
    work.require("adoption.asset.list", asset)
    work.expect_version(asset)
    if asset.state is AssetState.RETIRED:
        raise Refusal("ASSET_RETIRED")
    if asset.state is not AssetState.AVAILABLE:
        raise Refusal("ASSET_IN_USE")
    text = needed(reason, "reason")
    work.change(asset, state=AssetState.RETIRED)
    work.record("adoption.asset.retired", asset, area_id=asset.area_id, text={"reason": text})
    await close_claims(work, asset, text)
    return asset


async def accept_project(work: Work, *, agreement_id: UUID, note: str | None, evidence: Sequence[str]) -> Acceptance:
    """Find a project built as agreed. Refuses OWN_MATTER (INV10), NOT_A_PROJECT, PROJECT_STATE, AGREEMENT_STATE."""
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.project.accept", asset, owner=agreement.custodian_id)
    await work.not_own(*await once_adopters(work, agreement))
    if asset.kind is not AssetKind.PROJECT:
        raise Refusal("NOT_A_PROJECT")
    if asset.state is AssetState.BUILT:
        raise Refusal("PROJECT_STATE")
    agreements.require_running(agreement, work.happened_on)
    acceptance = Acceptance(
        id=new_id(),
        area_id=asset.area_id,
        agreement_id=agreement_id,
        accepted_by_id=work.person_id,
        accepted_at=work.occurred_at,
        note=optional_text(note, "note", limit=2000),
        evidence=evidence_text(evidence),
    )
    work.add(acceptance)
    work.change(asset, state=AssetState.BUILT)
    work.record("adoption.project.accepted", acceptance, area_id=asset.area_id, data=about(agreement))
    return acceptance


async def hand_over(
    work: Work, *, asset_id: UUID, kind: AssetKind, custodian_id: UUID | None, duties: str | None
) -> Asset:
    """A project that was accepted becomes an ordinary spot of its custodian, or of the one it is handed to.

    Who built it, or left while it was built, does not come to own it, nor hands it over: refuses OWNERSHIP_STAYS, OWN_MATTER. Also PROJECT_STATE,
    NOT_AN_ORDINARY_KIND, KIND_OUT_OF_SCOPE, AGREEMENT_STATE (a revocation is not final yet).
    """
    asset = await work.lock(Asset, asset_id)
    work.require("adoption.project.hand_over", asset, owner=asset.custodian_id)
    work.expect_version(asset)
    if asset.state is not AssetState.BUILT:
        raise Refusal("PROJECT_STATE")
    if kind is AssetKind.PROJECT:
        raise Refusal("NOT_AN_ORDINARY_KIND", path=("kind",))
    await _within_scope(work, asset, kind)
    new_custodian = custodian_id or asset.custodian_id
    await work.get(Actor, new_custodian)
    agreed = await work.select(Agreement, asset_id=asset_id)
    builders = [b for a in agreed for b in await once_adopters(work, a)]
    await work.not_own(*builders)
    if new_custodian in builders:
        raise Refusal("OWNERSHIP_STAYS", path=("custodianId",))
    agreement = await open_agreement(work, asset)
    data = {"kind": str(kind), "custodian": str(new_custodian)}
    if agreement is not None:
        agreements.require_state(agreement, AgreementState.ACTIVE, AgreementState.SUSPENDED)
        end_for_good(work, asset, agreement, EndReason.COMPLETED)
        work.record(
            "adoption.agreement.ended", agreement, area_id=asset.area_id,
            data={**about(agreement), "reason": str(EndReason.COMPLETED)},
        )  # fmt: skip
        data["actor"] = str(agreement.adopter_id)
    changed: dict[str, Any] = {"duties": clean_text(duties, "duties")} if duties else {}
    work.change(asset, kind=kind, custodian_id=new_custodian, state=AssetState.AVAILABLE, **changed)
    work.record("adoption.project.handed_over", asset, area_id=asset.area_id, data=data)
    await close_claims(work, asset, "项目已移交")
    return asset
