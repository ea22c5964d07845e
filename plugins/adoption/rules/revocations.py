"""Revocation: proposed by failures in a row, decided by a person, open to appeal, decided then by somebody else.

Until the days to appeal are over, or the appeal is decided, the spot is not free. Points once earned stay earned.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import needed
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Revocation
from plugins.adoption.rules.common import about, adopters, end_for_good, locked, not_an_adopter, terms
from plugins.adoption.rules.inspections import counted, fails_in_a_row, open_revocation, shift_deadline
from plugins.adoption.terms import AssetState, RevocationState

APPEAL_SQL = """SELECT r.id AS id, r.area_id AS area_id FROM adoption_revocation r
    WHERE r.state = 'REVOKED' AND r.appeal_by < :today:"""


async def revoke(work: Work, *, agreement_id: UUID, reason: str) -> Revocation:
    """Take the spot away, with a reason, whether or not failures have proposed it; the adopters may appeal.

    Refuses OWN_MATTER (INV10), AGREEMENT_STATE.
    """
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.agreement.revoke", asset, owner=agreement.custodian_id)
    work.expect_version(agreement)
    await not_an_adopter(work, agreement)
    agreements.require_state(agreement, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    text, day = needed(reason, "reason"), work.happened_on
    decided = {
        "state": RevocationState.REVOKED,
        "fails": fails_in_a_row(await counted(work, agreement)),
        "reason": text,
        "revoked_by_id": work.person_id,
        "revoked_on": day,
        "appeal_by": day + timedelta(days=(await terms(work, asset, agreement)).appeal_days),
    }
    revocation = await open_revocation(work, agreement, RevocationState.PROPOSED)
    if revocation is None:
        revocation = work.add(
            Revocation(
                id=new_id(), area_id=asset.area_id, agreement_id=agreement_id, opened_at=work.occurred_at, **decided
            )
        )
    else:
        work.change(revocation, **decided)
    work.change(agreement, state=AgreementState.REVOKED, suspended_on=None)
    if asset.state is not AssetState.BUILT:
        work.change(asset, state=AssetState.RESERVED)
    work.record(
        "adoption.agreement.revoked", revocation, area_id=asset.area_id,
        data={**about(agreement), "appealBy": str(revocation.appeal_by)}, text={"reason": text},
    )  # fmt: skip
    return revocation


async def _locked(work: Work, revocation_id: UUID) -> tuple[Asset, Agreement, Revocation]:
    asset, agreement = await locked(work, (await work.get(Revocation, revocation_id)).agreement_id)
    return asset, agreement, await work.lock(Revocation, revocation_id)


def _require(revocation: Revocation, state: RevocationState) -> None:
    if revocation.state is not state:
        raise Refusal("REVOCATION_STATE", state=revocation.state)


async def dismiss_revocation(work: Work, *, revocation_id: UUID, reason: str) -> Revocation:
    """Leave it at a warning; failures are counted anew. Refuses OWN_MATTER (INV10), REVOCATION_STATE."""
    asset, agreement, revocation = await _locked(work, revocation_id)
    work.require("adoption.agreement.revoke", asset, owner=agreement.custodian_id)
    work.expect_version(revocation)
    await not_an_adopter(work, agreement)
    _require(revocation, RevocationState.PROPOSED)
    dismiss(work, agreement, revocation, needed(reason, "reason"))
    return revocation


def dismiss(work: Work, agreement: Agreement, revocation: Revocation, answer: str | None) -> None:
    """Queue and record that a proposal came to nothing; without an answer it fell with the inspection it rested on."""
    answered = {"resolved_by_id": work.viewer.person_id, "resolved_at": work.occurred_at} if answer else {}
    work.change(revocation, state=RevocationState.DISMISSED, answer=answer, **answered)
    work.record(
        "adoption.revocation.dismissed", revocation, area_id=agreement.area_id, data=about(agreement),
        text={"reason": answer},
    )  # fmt: skip


async def appeal(work: Work, *, revocation_id: UUID, statement: str) -> Revocation:
    """An adopter objects, within the days to appeal. Refuses REVOCATION_STATE, APPEAL_OVER."""
    asset, agreement, revocation = await _locked(work, revocation_id)
    owners = await adopters(work, agreement.adopter_id, agreement.claim_id)
    work.require("adoption.appeal.submit", asset, owners=owners)
    work.expect_version(revocation)
    _require(revocation, RevocationState.REVOKED)
    if revocation.appeal_by is None or work.happened_on > revocation.appeal_by:
        raise Refusal("APPEAL_OVER", until=str(revocation.appeal_by))
    text = needed(statement, "statement")
    work.change(revocation, state=RevocationState.APPEALED, appeal=text, appealed_by_id=work.principal_id)
    work.record("adoption.revocation.appealed", revocation, area_id=asset.area_id, data=about(agreement))
    return revocation


async def decide_appeal(work: Work, *, revocation_id: UUID, uphold: bool, reason: str) -> Revocation:
    """Somebody else decides: upheld, the spot is free; overturned, the agreement runs again.

    Refuses OWN_MATTER (INV10: not whoever revoked, not the custodian's people, not an adopter), REVOCATION_STATE.
    """
    asset, agreement, revocation = await _locked(work, revocation_id)
    work.require("adoption.appeal.decide", asset)
    work.expect_version(revocation)
    await not_an_adopter(work, agreement)
    await work.not_own(agreement.custodian_id)
    if work.person_id == revocation.revoked_by_id:
        raise Refusal("OWN_MATTER")
    _require(revocation, RevocationState.APPEALED)
    text = needed(reason, "reason")
    state = RevocationState.UPHELD if uphold else RevocationState.OVERTURNED
    work.change(revocation, state=state, answer=text, resolved_by_id=work.person_id, resolved_at=work.occurred_at)
    if uphold:
        end_for_good(work, asset, agreement, EndReason.REVOKED)
    else:
        work.change(agreement, state=AgreementState.ACTIVE)
        if asset.state is not AssetState.BUILT:
            work.change(asset, state=AssetState.ADOPTED)
        assert revocation.revoked_on is not None
        await shift_deadline(work, agreement, (work.happened_on - revocation.revoked_on).days)
    work.record(
        f"adoption.revocation.{'upheld' if uphold else 'overturned'}", revocation, area_id=asset.area_id,
        data=about(agreement), text={"reason": text},
    )  # fmt: skip
    return revocation


async def close_appeal_period(work: Work, revocation_id: UUID) -> None:
    """For the job: nobody appealed in time, so the revocation is final and the spot free."""
    asset, agreement, revocation = await _locked(work, revocation_id)
    work.require("adoption.agreement.revoke", asset)
    if revocation.state is not RevocationState.REVOKED or revocation.appeal_by is None:
        return
    if work.happened_on <= revocation.appeal_by:
        return
    work.change(revocation, state=RevocationState.FINAL)
    end_for_good(work, asset, agreement, EndReason.REVOKED)
    work.record("adoption.revocation.final", revocation, area_id=asset.area_id, data=about(agreement))
