"""Compacts (镇村企"命运共同体"): proposed with commitments both ways, signed by all, kept, reviewed every year, ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from core import agreement as agreements
from core.agreement import AgreementState, EndReason
from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, evidence_text, needed, optional_text
from core.work import Work
from plugins.enterprise_council.models import (
    DELIVERED,
    Commitment,
    Compact,
    CompactParty,
    CompactReview,
    CompactSignature,
)
from plugins.enterprise_council.settings import EnterpriseCouncilSettings
from plugins.enterprise_council.terms import COMMITTEES, KINDS, CommitmentState, PartyRole

JOIN, REVIEW = "enterprise_council.compact.join", "enterprise_council.compact.review"
MOST = 50


@dataclass(frozen=True)
class NewParty:
    actor_id: UUID
    role: PartyRole


@dataclass(frozen=True)
class NewCommitment:
    party_id: UUID
    text: str
    due_on: date


async def propose_compact(
    work: Work, *, area_id: UUID, title: str, purpose: str | None, starts_on: date, months: int | None,
    parties: Sequence[NewParty], commitments: Sequence[NewCommitment],
) -> Compact:  # fmt: skip
    """One of the parties writes down what all of them promise. Refuses ONE_SIDED when only one side promises anything,
    COMPACT_PARTIES without a village and an enterprise, WRONG_PARTY, NOT_A_PARTY, TERM_TOO_LONG_HERE, DUE_OUTSIDE."""
    area = await work.get(Area, area_id)
    work.require(JOIN, area)
    settings = await work.settings(EnterpriseCouncilSettings, area)
    months = settings.compact_months if months is None else months
    if not 1 <= months <= settings.compact_months:
        raise Refusal("TERM_TOO_LONG_HERE", path=("months",), limit=settings.compact_months)
    if starts_on < work.happened_on:
        raise Refusal("IN_THE_PAST", path=("startsOn",))
    if len(parties) > MOST or len(commitments) > MOST:
        raise Refusal("COMPACT_TOO_LARGE", path=("commitments",), limit=MOST)
    compact = Compact(
        id=new_id(), area_id=area.id, title=clean_name(title, "title"),
        purpose=optional_text(purpose, "purpose", limit=4000), proposed_by_id=work.principal_id,
        state=AgreementState.DRAFT, starts_on=starts_on, ends_on=months_later(starts_on, months),
        sign_by=work.happened_on + timedelta(days=settings.sign_days), settings_version=await work.settings_version(),
    )  # fmt: skip
    work.add(compact)
    roles = await _parties(work, area, compact, parties)
    if work.principal_id not in roles:
        raise Refusal("NOT_A_PARTY", path=("parties",))
    for position, given in enumerate(commitments):
        path = ("commitments", str(position))
        party_id = (await work.get(Actor, given.party_id)).id
        if party_id not in roles:
            raise Refusal("NOT_A_PARTY", path=(*path, "partyId"))
        if not compact.starts_on <= given.due_on < compact.ends_on:
            raise Refusal("DUE_OUTSIDE", path=(*path, "dueOn"))
        work.add(
            Commitment(
                id=new_id(), area_id=area.id, compact_id=compact.id, party_id=party_id, role=roles[party_id],
                position=position + 1, text=clean_text(given.text, *path, "text", limit=2000), due_on=given.due_on,
                state=CommitmentState.OPEN,
            )
        )  # fmt: skip
    if {c.role is PartyRole.ENTERPRISE for c in work.queued(Commitment)} != {True, False}:
        raise Refusal("ONE_SIDED", path=("commitments",))
    work.record("enterprise_council.compact.proposed", compact, area_id=area.id)
    return compact


async def _parties(work: Work, area: Area, compact: Compact, parties: Sequence[NewParty]) -> dict[UUID, PartyRole]:
    """Queue who is in it; refuses ALREADY_A_PARTY, WRONG_PARTY, COMPACT_PARTIES."""
    roles: dict[UUID, PartyRole] = {}
    for number, given in enumerate(parties):
        path = ("parties", str(number), "actorId")
        actor = await work.get(Actor, given.actor_id)
        fits = actor.kind is KINDS[given.role]
        if not fits or (given.role is PartyRole.VILLAGE and actor.organization_kind not in COMMITTEES):
            raise Refusal("WRONG_PARTY", path=path)
        if actor.id in roles:
            raise Refusal("ALREADY_A_PARTY", path=path)
        roles[actor.id] = given.role
        work.add(CompactParty(id=new_id(), area_id=area.id, compact_id=compact.id, actor_id=actor.id, role=given.role))
    if not {PartyRole.VILLAGE, PartyRole.ENTERPRISE} <= set(roles.values()):
        raise Refusal("COMPACT_PARTIES", path=("parties",))
    return roles


async def _locked(work: Work, compact_id: UUID) -> tuple[Area, Compact, list[CompactParty]]:
    area, compact = await work.lock_with(Compact, compact_id, Area)
    return area, compact, await work.select(CompactParty, compact_id=compact.id)


def _party(work: Work, parties: Sequence[CompactParty]) -> CompactParty:
    """The principal's own, who has to be among the owners of what is done."""
    return next(p for p in parties if p.actor_id == work.principal_id)


async def sign_compact(work: Work, *, compact_id: UUID) -> Compact:
    """The principal signs as a party; with the last signature the compact runs. Nobody signs for two sides.

    Refuses OWN_MATTER, AGREEMENT_STATE, ALREADY_SIGNED, AGREEMENT_OVER.
    """
    area, compact, parties = await _locked(work, compact_id)
    work.require(JOIN, area, owners=[p.actor_id for p in parties])
    work.expect_version(compact)
    sides = (
        {p.actor_id for p in parties if p.role is PartyRole.ENTERPRISE},
        {p.actor_id for p in parties if p.role is not PartyRole.ENTERPRISE},
    )
    runs = await agreements.sign(work, compact, CompactSignature, work.principal_id, sides)
    if runs:
        settings = await work.settings(EnterpriseCouncilSettings, area, version=compact.settings_version)
        work.change(compact, next_review_on=_next_review(compact.starts_on, settings))
    work.record(
        f"enterprise_council.compact.{'active' if runs else 'signed'}", compact, area_id=area.id,
        data={"party": str(work.principal_id)},
    )  # fmt: skip
    return compact


def _next_year(year: int) -> date:
    """Its first day."""
    return date(year + 1, 1, 1)


def _next_review(day: date, settings: EnterpriseCouncilSettings) -> date:
    """When a compact is to be reviewed after this day: so many months later, and not before this year is over."""
    return max(months_later(day, settings.review_months), _next_year(day.year))


async def end_compact(work: Work, *, compact_id: UUID, reason: str) -> Compact:
    """A party gives notice that the compact ends; one that is not signed by all is given up at once.

    Refuses NOTICE_GIVEN, AGREEMENT_STATE, EMPTY_TEXT.
    """
    area, compact, parties = await _locked(work, compact_id)
    work.require(JOIN, area, owners=[p.actor_id for p in parties])
    work.expect_version(compact)
    party, text = _party(work, parties), needed(reason, "reason", limit=4000)
    if compact.state is AgreementState.DRAFT:
        agreements.end(work, compact, EndReason.CANCELLED, work.happened_on)
        work.record("enterprise_council.compact.ended", compact, area_id=area.id, text={"reason": text})
        return compact
    settings = await work.settings(EnterpriseCouncilSettings, area, version=compact.settings_version)
    agreements.give_notice(work, compact, party.actor_id, work.happened_on + timedelta(days=settings.end_notice_days))
    data = {"party": str(party.actor_id), "endsOn": str(compact.notice_ends_on)}
    work.record("enterprise_council.compact.notice_given", compact, area_id=area.id, data=data, text={"reason": text})
    return compact


OVER_SQL = agreements.over_sql("enterprise_council_compact")


async def settle_over(work: Work, compact_id: UUID) -> None:
    """The clock: not signed in time, its term or its notice is over."""
    area, compact, _ = await _locked(work, compact_id)
    reason = agreements.over(compact, work.clock.civil_date(work.now))
    if reason is not None:
        work.require(JOIN, area)
        agreements.end(work, compact, reason, work.clock.civil_date(work.now))
        work.record("enterprise_council.compact.ended", compact, area_id=area.id, data={"because": str(reason)})


# --- commitments -----------------------------------------------------------------------------------------


def _require_state(work: Work, compact: Compact, commitment: Commitment, *allowed: CommitmentState) -> None:
    """Refuses VERSION_CONFLICT, AGREEMENT_STATE, COMMITMENT_STATE."""
    work.expect_version(commitment)
    if compact.state is not AgreementState.ACTIVE:
        raise Refusal("AGREEMENT_STATE", state=compact.state)
    if commitment.state not in allowed:
        raise Refusal("COMMITMENT_STATE", state=commitment.state)


def _about(commitment: Commitment) -> dict[str, str]:
    return {"compact": str(commitment.compact_id), "party": str(commitment.party_id), "actor": str(commitment.party_id)}


async def deliver_commitment(work: Work, *, commitment_id: UUID, report: str, evidence: Sequence[str]) -> Commitment:
    """The party that promised says what it has done, and shows it. Refuses COMMITMENT_STATE, AGREEMENT_STATE, EVIDENCE_NEEDED,
    TOO_MUCH_EVIDENCE."""
    compact, commitment = await work.lock_with(Commitment, commitment_id, Compact)
    work.require(JOIN, compact, owner=commitment.party_id)
    _require_state(work, compact, commitment, CommitmentState.OPEN)
    work.change(
        commitment, state=CommitmentState.DELIVERED, report=clean_text(report, "report", limit=4000),
        evidence=evidence_text(evidence, is_needed=True), delivered_on=work.happened_on, remark=None,
    )  # fmt: skip
    work.record(DELIVERED, commitment, area_id=compact.area_id, data=_about(commitment))
    return commitment


async def confirm_delivery(work: Work, *, commitment_id: UUID, is_delivered: bool, remark: str | None) -> Commitment:
    """A party of the other side finds it done, or says what is missing (INV10), and not by who entered at the desk that it
    is done.

    Refuses OWN_MATTER (its own side), ENTERED_BY_YOU, COMMITMENT_STATE, EMPTY_TEXT.
    """
    compact, commitment = await work.lock_with(Commitment, commitment_id, Compact)
    parties = await work.select(CompactParty, compact_id=compact.id)
    work.require(JOIN, compact, owners=[p.actor_id for p in parties])
    _require_state(work, compact, commitment, CommitmentState.DELIVERED)
    mine = _party(work, parties)
    if (mine.role is PartyRole.ENTERPRISE) == (commitment.role is PartyRole.ENTERPRISE):
        raise Refusal("OWN_MATTER")
    await work.not_own(commitment.party_id)
    await work.not_entered(commitment, DELIVERED)
    if is_delivered:
        work.change(
            commitment, state=CommitmentState.CONFIRMED, confirmed_by_id=work.person_id, confirmed_on=work.happened_on,
            remark=optional_text(remark, "remark", limit=2000),
        )  # fmt: skip
        event = "confirmed"
    else:
        work.change(
            commitment, state=CommitmentState.OPEN, delivered_on=None, remark=needed(remark, "remark", limit=2000)
        )
        event = "returned"
    work.record(f"enterprise_council.commitment.{event}", commitment, area_id=compact.area_id, data=_about(commitment))
    return commitment


async def review_compact(
    work: Work, *, compact_id: UUID, year: int, findings: str, next_steps: str | None
) -> CompactReview:
    """How a year went, once it is over, or the compact is: the server counts what was due, delivered, confirmed and late;
    somebody who is no party says what to make of it.

    Refuses OWN_MATTER (INV10), COMPACT_REVIEWED, AGREEMENT_STATE, COMPACT_YEAR, COMPACT_YEAR_NOT_OVER.
    """
    area, compact, parties = await _locked(work, compact_id)
    work.require(REVIEW, area)
    await work.not_own(*(p.actor_id for p in parties))
    if compact.state is AgreementState.DRAFT:
        raise Refusal("AGREEMENT_STATE", state=compact.state)
    end = compact.ended_on or compact.ends_on
    if not compact.starts_on.year <= year <= (end - timedelta(days=1)).year:
        raise Refusal("COMPACT_YEAR", path=("year",))
    over = min(_next_year(year), end)
    if work.happened_on < over:
        raise Refusal("COMPACT_YEAR_NOT_OVER", path=("year",), year=year, since=str(over))
    if await work.find(CompactReview, compact_id=compact.id, year=year):
        raise Refusal("COMPACT_REVIEWED")
    due = [c for c in await work.select(Commitment, compact_id=compact.id) if c.due_on.year == year and c.due_on < over]
    done = [c for c in due if c.delivered_on is not None]
    late = [c for c in due if (c.delivered_on or work.happened_on) > c.due_on]
    review = CompactReview(
        id=new_id(), area_id=area.id, compact_id=compact.id, year=year, due=len(due), delivered=len(done),
        confirmed=sum(c.state is CommitmentState.CONFIRMED for c in done), late=len(late),
        findings=clean_text(findings, "findings", limit=5000),
        next_steps=optional_text(next_steps, "nextSteps", limit=5000), reviewed_by_id=work.person_id,
        reviewed_at=work.now,
    )  # fmt: skip
    settings = await work.settings(EnterpriseCouncilSettings, area, version=compact.settings_version)
    work.add(review)
    if compact.state is AgreementState.ACTIVE:
        work.change(compact, next_review_on=_next_review(work.happened_on, settings))
    work.record("enterprise_council.compact.reviewed", review, area_id=area.id, data={"compact": str(compact.id)})
    return review
