"""What people are responsible for here, and whose matter a claim, an agreement and what follows from it are (INV10)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.duties import Duties, Duty, Held, Matter
from core.work import Work
from plugins.adoption.models import Acceptance, Agreement, Asset, Claim, Inspection, Revocation
from plugins.adoption.rules.common import adopters, once_adopters
from plugins.adoption.terms import AssetState


async def _kept_by(work: Work, person_id: UUID) -> list[Held]:
    """A custodian owns the spot (INV11), so nobody else takes it over."""
    found = await work.select(Asset, custodian_id=person_id)
    return [Held(a, a, a.name, "OWNERSHIP_STAYS") for a in found if a.state is not AssetState.RETIRED]


async def _claim(work: Work, claim: Any) -> Matter:
    return Matter(set(await adopters(work, claim.claimant_id, claim.id)))


async def _agreement(work: Work, agreement: Any) -> Matter:
    return Matter(set(await adopters(work, agreement.adopter_id, agreement.claim_id)))


async def _under(work: Work, row: Any) -> Matter:
    return await _agreement(work, await work.get(Agreement, row.agreement_id))


async def _revocation(work: Work, revocation: Any) -> Matter:
    """An appeal is decided by nobody who revoked, and none of the custodian's people."""
    agreement = await work.get(Agreement, revocation.agreement_id)
    matter = await _agreement(work, agreement)
    if revocation.revoked_by_id is None:
        return matter
    return Matter(matter.of | {agreement.custodian_id}, {revocation.revoked_by_id})


async def _acceptance(work: Work, acceptance: Any) -> Matter:
    return Matter(set(await once_adopters(work, await work.get(Agreement, acceptance.agreement_id))))


DUTIES = Duties(
    "adoption",
    (Duty(_kept_by),),
    {
        Claim: _claim,
        Agreement: _agreement,
        Inspection: _under,
        Revocation: _revocation,
        Acceptance: _acceptance,
    },
)
