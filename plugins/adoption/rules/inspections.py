"""Inspections by somebody else: scores, deadlines to put things right, rechecks, and what failing in a row leads to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState
from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import evidence_text, optional_text
from core.work import Work
from plugins.adoption.models import Agreement, Asset, Inspection, Revocation
from plugins.adoption.rules.common import about, locked, not_an_adopter, terms
from plugins.adoption.terms import InspectionResult, RevocationState

OVERDUE_SQL = """SELECT i.id AS id, i.area_id AS area_id FROM adoption_inspection i
    JOIN adoption_agreement a ON a.id = i.agreement_id
    WHERE i.result = 'FAILED' AND i.overdue_at IS NULL AND i.rectify_by < :today: AND a.state = 'ACTIVE'
      AND NOT EXISTS (SELECT 1 FROM adoption_inspection l WHERE l.agreement_id = i.agreement_id
                      AND l.result <> 'VOIDED' AND l.inspected_at > i.inspected_at)"""


async def inspect(
    work: Work,
    *,
    agreement_id: UUID,
    score: int,
    note: str | None,
    recheck_of_id: UUID | None,
    evidence: Sequence[str] = (),
) -> Inspection:
    """Score an adopted spot, 0 to 100. A failed inspection sets a date to put it right; a recheck looks at that one.

    So many failures in a row, and a revocation is proposed. Refuses OWN_MATTER (INV10), AGREEMENT_STATE,
    AGREEMENT_OVER, BAD_SCORE, NOT_A_FAILED_INSPECTION, ALREADY_RECTIFIED, BEFORE_WHAT_IT_CHECKS, TOO_MUCH_EVIDENCE.
    """
    if not 0 <= score <= 100:
        raise Refusal("BAD_SCORE", path=("score",))
    asset, agreement = await locked(work, agreement_id)
    work.require("adoption.inspect", asset)
    await not_an_adopter(work, agreement)
    day = work.happened_on
    agreements.require_running(agreement, day)
    if recheck_of_id is not None:
        failed = await work.lock(Inspection, recheck_of_id)
        if failed.agreement_id != agreement_id or failed.result is not InspectionResult.FAILED:
            raise Refusal("NOT_A_FAILED_INSPECTION", path=("recheckOfId",))
        if failed.inspected_at > work.occurred_at:
            raise Refusal("BEFORE_WHAT_IT_CHECKS", path=("occurredAt",))
        if await work.find(Inspection, recheck_of_id=recheck_of_id, result=InspectionResult.PASSED):
            raise Refusal("ALREADY_RECTIFIED", path=("recheckOfId",))
    settings = await terms(work, asset, agreement)
    passed = score >= settings.pass_score
    inspection = Inspection(
        id=new_id(),
        area_id=agreement.area_id,
        agreement_id=agreement_id,
        inspector_id=work.person_id,
        recheck_of_id=recheck_of_id,
        score=score,
        result=InspectionResult.PASSED if passed else InspectionResult.FAILED,
        note=optional_text(note, "note", limit=2000),
        evidence=evidence_text(evidence),
        inspected_at=work.occurred_at,
        rectify_by=None if passed else day + timedelta(days=settings.rectify_days),
    )
    work.add(inspection)
    if recheck_of_id is None:
        due = months_later(day, settings.inspect_months)
        work.change(agreement, next_inspection_on=max(due, agreement.next_inspection_on or due))
    outcome = "failed" if not passed else "passed" if recheck_of_id is None else "rectified"
    work.record(
        f"adoption.inspection.{outcome}",
        inspection,
        area_id=agreement.area_id,
        data={**about(agreement), "score": score},
    )
    if not passed:
        await _propose_revocation(work, asset, agreement, [*await counted(work, agreement), inspection])
    return inspection


async def counted(work: Work, agreement: Agreement) -> list[Inspection]:
    """The inspections that count today: none that was voided, and none from before a revocation came to nothing."""
    past = await work.select(
        Revocation, agreement_id=agreement.id, state=[RevocationState.DISMISSED, RevocationState.OVERTURNED]
    )
    since = max((r.resolved_at for r in past if r.resolved_at is not None), default=None)
    results = [InspectionResult.PASSED, InspectionResult.FAILED]
    found = await work.select(Inspection, lock=True, agreement_id=agreement.id, result=results)
    return [i for i in found if since is None or i.inspected_at > since]


def fails_in_a_row(inspections: Sequence[Inspection]) -> int:
    """Failures since the last pass; a deadline missed counts as one more."""
    fails = 0
    for inspection in sorted(inspections, key=lambda i: (i.inspected_at, i.id)):
        if inspection.result is InspectionResult.PASSED:
            fails = 0
        elif inspection.result is InspectionResult.FAILED:
            fails += 1 + (inspection.overdue_at is not None)
    return fails


async def open_revocation(work: Work, agreement: Agreement, *states: RevocationState) -> Revocation | None:
    found = await work.select(Revocation, lock=True, agreement_id=agreement.id, state=list(states))
    return found[0] if found else None


async def _propose_revocation(
    work: Work, asset: Asset, agreement: Agreement, inspections: Sequence[Inspection]
) -> None:
    """The calendar and the scores propose; a person decides (`revocations.revoke`)."""
    fails = fails_in_a_row(inspections)
    if fails < (await terms(work, asset, agreement)).fails_to_revoke:
        return
    proposed = await open_revocation(work, agreement, RevocationState.PROPOSED)
    if proposed is not None:
        work.change(proposed, fails=fails)
        work.record("adoption.revocation.proposed", proposed, area_id=asset.area_id, data=_fails(agreement, fails))
        return
    revocation = Revocation(
        id=new_id(),
        area_id=asset.area_id,
        agreement_id=agreement.id,
        state=RevocationState.PROPOSED,
        fails=fails,
        opened_at=work.occurred_at,
    )
    work.add(revocation)
    work.record("adoption.revocation.proposed", revocation, area_id=asset.area_id, data=_fails(agreement, fails))


def _fails(agreement: Agreement, fails: int) -> dict[str, object]:
    return {**about(agreement), "fails": fails}


async def mark_overdue(work: Work, inspection_id: UUID) -> None:
    """For the job: what was not put right in time counts as one more failure."""
    asset, agreement = await locked(work, (await work.get(Inspection, inspection_id)).agreement_id)
    work.require("adoption.inspect", asset)
    inspections = await counted(work, agreement)
    inspection = await work.lock(Inspection, inspection_id)
    latest = max(await _not_voided(work, agreement), key=lambda i: (i.inspected_at, i.id), default=None)
    if (
        agreement.state is not AgreementState.ACTIVE
        or latest is None
        or latest.id != inspection_id
        or inspection.result is not InspectionResult.FAILED
        or inspection.overdue_at is not None
        or inspection.rectify_by is None
        or inspection.rectify_by >= work.happened_on
    ):
        return
    work.change(inspection, overdue_at=work.occurred_at)
    work.record("adoption.inspection.overdue", inspection, area_id=asset.area_id, data=about(agreement))
    await _propose_revocation(work, asset, agreement, [inspection if i.id == inspection_id else i for i in inspections])


async def _not_voided(work: Work, agreement: Agreement) -> list[Inspection]:
    results = [InspectionResult.PASSED, InspectionResult.FAILED]
    return await work.select(Inspection, agreement_id=agreement.id, result=results)


async def shift_deadline(work: Work, agreement: Agreement, days: int) -> None:
    """Queue so many days more for what is still to be put right (a pause does not run against the adopter)."""
    latest = max(await _not_voided(work, agreement), key=lambda i: (i.inspected_at, i.id), default=None)
    if latest is None or latest.result is not InspectionResult.FAILED or latest.overdue_at is not None:
        return
    if latest.rectify_by is not None and days > 0:
        work.change(latest, rectify_by=latest.rectify_by + timedelta(days=days))
