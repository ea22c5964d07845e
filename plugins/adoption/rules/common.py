"""What the rules of adopt-a-spot share: who adopts, what is locked, what an event says, which document is cited."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from tortoise.models import Model

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.errors import Refusal
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Claim, CoAdopter
from plugins.adoption.settings import AdoptionSettings
from plugins.adoption.terms import OPEN_CLAIM, AssetState, ClaimState


async def locked(work: Work, agreement_id: UUID) -> tuple[Asset, Agreement]:
    """An agreement with its spot; refuses NOT_FOUND."""
    return await work.lock_with(Agreement, agreement_id, Asset)


async def terms(work: Work, asset: Asset, agreement: Agreement) -> AdoptionSettings:
    """The settings an agreement runs under."""
    return await work.settings(AdoptionSettings, asset, version=agreement.settings_version)


async def adopters(work: Work, lead_id: UUID, claim_id: UUID, *, on: date | None = None) -> list[UUID]:
    """The lead adopter, then those who adopt with them on a day (the day it happens unless told).

    Whoever left is none from the day they left.
    """
    day, shares = on or work.happened_on, await work.select(CoAdopter, claim_id=claim_id)
    return [lead_id, *(c.actor_id for c in shares if c.left_on is None or c.left_on > day)]


async def once_adopters(work: Work, agreement: Agreement) -> list[UUID]:
    """The adopters, and those who have left: what they built or said while they were adopters stays their own."""
    shares = await work.select(CoAdopter, claim_id=agreement.claim_id)
    return [agreement.adopter_id, *(c.actor_id for c in shares)]


async def share_to_leave(work: Work, lead_id: UUID, claim_id: UUID) -> CoAdopter:
    """The principal's own part in it; refuses LEAD_STAYS, NOT_A_PARTY."""
    if work.principal_id == lead_id:
        raise Refusal("LEAD_STAYS")
    share = await work.find(CoAdopter, claim_id=claim_id, actor_id=work.principal_id, left_on=None)
    if share is None:
        raise Refusal("NOT_A_PARTY")
    return share


async def not_an_adopter(work: Work, agreement: Agreement, *, on: date | None = None) -> None:
    """Refuses OWN_MATTER when it is a matter of one who adopts on a day, today unless told (INV10)."""
    if await work.concerned_in(
        agreement.adopter_id,
        or_among="SELECT x.actor_id FROM adoption_co_adopter x WHERE x.claim_id = {} AND (x.left_on IS NULL OR x.left_on > {})",
        values=[agreement.claim_id, on or work.happened_on],
    ):
        raise Refusal("OWN_MATTER")


def about(agreement: Agreement) -> dict[str, str]:
    """What events say: `actor` is the lead adopter, whom others may thank."""
    return {"asset": str(agreement.asset_id), "agreement": str(agreement.id), "actor": str(agreement.adopter_id)}


def end_for_good(work: Work, asset: Asset, agreement: Agreement, reason: EndReason) -> None:
    """Queue the end of an agreement; its spot is free again, unless a project stands there to be handed over."""
    agreements.end(work, agreement, reason, work.happened_on)
    if asset.state is not AssetState.BUILT:
        work.change(asset, state=AssetState.AVAILABLE)


async def close_claims(work: Work, asset: Asset, reason: str) -> None:
    """The spot is no longer what was asked for: claims that still wait are rejected, by nobody in particular."""
    for claim in await work.select(Claim, lock=True, asset_id=asset.id, state=list(OPEN_CLAIM)):
        work.change(claim, state=ClaimState.REJECTED)
        work.record(
            "adoption.claim.rejected", claim, area_id=claim.area_id, data={"asset": str(asset.id)},
            text={"reason": reason},
        )  # fmt: skip


async def open_agreement(work: Work, asset: Asset) -> Agreement | None:
    """The one agreement of a spot that has not ended."""
    running = [s for s in AgreementState if s is not AgreementState.ENDED]
    found = await work.select(Agreement, lock=True, asset_id=asset.id, state=running)
    return found[0] if found else None


async def cited(work: Work, at: Model, key: str | None = None) -> tuple[UUID | None, str]:
    """The rule document that the nearest area upwards rests a setting on (any of ours unless told), and how to cite it."""
    book = await work.settings_book()
    for area_id in reversed(work.place(at).chain):
        said = book.own.get((area_id, "adoption"), {})
        for own in said.values():
            if own.document_id is not None and key in (None, own.key):
                title, edition = book.documents[own.document_id]
                return own.document_id, f"《{title}》({edition}){own.article or ''}"
    return None, ""
