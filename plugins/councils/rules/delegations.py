"""Delegated powers (行政放权): a matter of the government that a residents' body decides, listed for everybody (M46)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, RuleDocument
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.councils.models import Body, Delegation, TakenBack
from plugins.councils.rules.common import require_active
from plugins.councils.terms import DelegationState, Matter

DELEGATE = "councils.delegate"
MOST_BUDGET = 10**12


async def delegate_matter(
    work: Work, *, government_id: UUID, body_id: UUID, title: str, matter: Matter, instrument: str,
    rule_document_id: UUID | None = None, bounds: str | None = None, budget: int | None = None,
    since: date | None = None, ends_on: date | None = None,
) -> Delegation:  # fmt: skip
    """A government body of the body's area or one above, or the administration for it, leaves a matter to a body, by an
    instrument one can look up.

    Refuses NOT_GOVERNMENT, GOVERNMENT_ELSEWHERE, TERM_BACKWARDS, BUDGET_AMOUNT, DELEGATION_EXISTS.
    """
    body = await work.lock(Body, body_id)
    government = await work.get(Actor, government_id)
    work.require(DELEGATE, body, owner=government.id)
    require_active(body)
    if government.kind is not ActorKind.GOVERNMENT_BODY:
        raise Refusal("NOT_GOVERNMENT", path=("governmentId",))
    if government.area_id not in work.place(body).chain:
        raise Refusal("GOVERNMENT_ELSEWHERE", path=("governmentId",))
    begins = since or work.happened_on
    if ends_on is not None and ends_on <= begins:
        raise Refusal("TERM_BACKWARDS", path=("endsOn",))
    if budget is not None and not 1 <= budget <= MOST_BUDGET:
        raise Refusal("BUDGET_AMOUNT", path=("budget",), limit=MOST_BUDGET)
    delegation = Delegation(
        id=new_id(), area_id=body.area_id, title=clean_name(title, "title"), matter=matter, government_id=government.id,
        body_id=body.id, instrument=clean_name(instrument, "instrument"),
        rule_document_id=None if rule_document_id is None else (await work.get(RuleDocument, rule_document_id)).id,
        bounds=optional_text(bounds, "bounds", limit=4000), budget=budget, since=begins, ends_on=ends_on,
        state=DelegationState.ACTIVE,
    )  # fmt: skip
    if await work.find(
        Delegation, body_id=body.id, matter=matter, title=delegation.title, state=DelegationState.ACTIVE
    ):
        raise Refusal("DELEGATION_EXISTS", path=("title",))
    work.add(delegation)
    data = {"government": str(government.id), "body": str(body.id), "matter": str(matter)}
    work.record("councils.delegation.made", delegation, area_id=body.area_id, data=data)
    return delegation


async def _active(work: Work, delegation_id: UUID) -> tuple[Body, Delegation]:
    body, delegation = await work.lock_with(Delegation, delegation_id, Body)
    work.require(DELEGATE, body, owner=delegation.government_id)
    work.expect_version(delegation)
    if delegation.state is not DelegationState.ACTIVE:
        raise Refusal("DELEGATION_STATE", state=delegation.state)
    return body, delegation


async def revoke_delegation(work: Work, *, delegation_id: UUID, reason: str) -> Delegation:
    """The government takes the matter back for good, with a reason people can read."""
    body, delegation = await _active(work, delegation_id)
    work.change(delegation, state=DelegationState.REVOKED, ended_on=work.happened_on, reason=needed(reason, "reason"))
    work.record("councils.delegation.revoked", delegation, area_id=body.area_id, data={"body": str(body.id)})
    return delegation


async def take_back(work: Work, *, delegation_id: UUID, what: str, reason: str) -> TakenBack:
    """The government decided a delegated matter itself: that stands on record, and the delegation goes on."""
    body, delegation = await _active(work, delegation_id)
    noted = TakenBack(
        id=new_id(), area_id=body.area_id, delegation_id=delegation.id, what=clean_text(what, "what", limit=2000),
        reason=needed(reason, "reason"), noted_by_id=work.person_id, noted_at=work.now,
    )  # fmt: skip
    work.add(noted)
    work.record("councils.delegation.taken_back", noted, area_id=body.area_id, data={"delegation": str(delegation.id)})
    return noted


ENDING_SQL = "SELECT t.id, t.area_id FROM councils_delegation t WHERE t.state = 'ACTIVE' AND t.ends_on <= :today:"


async def settle_end(work: Work, delegation_id: UUID) -> None:
    """The clock: its last day is over."""
    body, delegation = await work.lock_with(Delegation, delegation_id, Body)
    day = work.clock.civil_date(work.now)
    if delegation.state is not DelegationState.ACTIVE or delegation.ends_on is None or delegation.ends_on > day:
        return
    work.require(DELEGATE, body)
    work.change(delegation, state=DelegationState.ENDED, ended_on=delegation.ends_on)
    work.record("councils.delegation.ended", delegation, area_id=body.area_id, data={"body": str(body.id)})
