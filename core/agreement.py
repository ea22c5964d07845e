"""The agreement (契约): parties, a term, and a life. Each mechanism keeps its own tables.

draft → signed by all → active ⇄ suspended → renewed, or ended: run out, ended by notice, revoked. A revocation that may
still be appealed against is a state of its own. Nothing is ended by a timer alone: a job asks `over` under the lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, refuse, unique
from core.enums import Term
from core.errors import Refusal
from core.ids import new_id
from core.models.base import Entity, Logged
from core.work import Work


class AgreementState(Term):
    """Life of an agreement (协议状态)."""

    DRAFT = "DRAFT", "待签署"
    ACTIVE = "ACTIVE", "履行中"
    SUSPENDED = "SUSPENDED", "中止"
    REVOKED = "REVOKED", "已取消,可申诉"
    ENDED = "ENDED", "已终止"


class EndReason(Term):
    """Why an agreement ended (终止原因)."""

    LAPSED = "LAPSED", "逾期未签"
    CANCELLED = "CANCELLED", "签署前作罢"
    EXPIRED = "EXPIRED", "期满"
    TERMINATED = "TERMINATED", "提前终止"
    REVOKED = "REVOKED", "取消资格"
    COMPLETED = "COMPLETED", "完成移交"


class Agreement(Logged):
    """Base of a mechanism's agreements; `ends_on` is the first day it no longer runs, `sign_by` the last to sign."""

    state = fields.CharEnumField(AgreementState, description="AgreementState", max_length=40)
    starts_on = fields.DateField()
    ends_on = fields.DateField()
    sign_by = fields.DateField()
    settings_version = fields.BigIntField(default=0)  # it goes on under the settings it began with
    suspended_on = fields.DateField(null=True)
    renewal_asked_by_id = fields.UUIDField(null=True)
    notice_by_id = fields.UUIDField(null=True)
    notice_ends_on = fields.DateField(null=True)
    end_reason = fields.CharEnumField(EndReason, description="EndReason", max_length=40, null=True)
    ended_on = fields.DateField(null=True)

    class Meta:
        abstract = True

    guards: ClassVar[tuple[Guard, ...]] = (
        check("term", "NEW.ends_on > NEW.starts_on"),
        check("notice", "(NEW.notice_by_id IS NULL) = (NEW.notice_ends_on IS NULL)"),
        check("suspended", "(NEW.state = 'SUSPENDED') = (NEW.suspended_on IS NOT NULL)"),
        check(
            "ended",
            "(NEW.state = 'ENDED') = (NEW.end_reason IS NOT NULL)"
            " AND (NEW.end_reason IS NULL) = (NEW.ended_on IS NULL)",
        ),
        refuse("ended_for_good", "UPDATE", "OLD.state = 'ENDED' AND NEW.state <> 'ENDED'", "AGREEMENT_OVER"),
    )


class Signature(Entity):
    """Base of signatures: who signed for which party. The plugin adds a foreign key `agreement`."""

    party_id = fields.UUIDField()
    signed_by_id = fields.UUIDField(null=True)
    signed_at = fields.DatetimeField()

    agreement_id: UUID

    class Meta:
        abstract = True

    @classmethod
    def implied_guards(cls) -> tuple[Guard, ...]:
        return (*append_only(), unique("agreement_id", "party_id", code="ALREADY_SIGNED"))


def require_state(agreement: Agreement, *allowed: AgreementState) -> None:
    """Refuses AGREEMENT_STATE in any other state."""
    if agreement.state not in allowed:
        raise Refusal("AGREEMENT_STATE", state=agreement.state)


def require_running(agreement: Agreement, on: date) -> None:
    """Refuses AGREEMENT_STATE unless active, AGREEMENT_OVER outside its term."""
    require_state(agreement, AgreementState.ACTIVE)
    if not agreement.starts_on <= on < agreement.ends_on:
        raise Refusal("AGREEMENT_OVER")


async def sign(
    work: Work, agreement: Agreement, signatures: type[Signature], party_id: UUID, sides: Sequence[set[UUID]]
) -> bool:
    """Queue the signature of `party_id`; True when all parties on all sides have signed and the agreement is now active.

    Nobody signs for two sides, in whatever hat, but for who only writes down at the desk what others have signed: refuses
    OWN_MATTER. Also AGREEMENT_STATE, NOT_A_PARTY, ALREADY_SIGNED, AGREEMENT_OVER (the days to sign, or its term, have passed).
    """
    require_state(agreement, AgreementState.DRAFT)
    everyone = set().union(*sides)
    if party_id not in everyone:
        raise Refusal("NOT_A_PARTY")
    if over(agreement, work.clock.civil_date(work.occurred_at)):
        raise Refusal("AGREEMENT_OVER")
    before = await work.select(signatures, agreement_id=agreement.id)
    signed = {s.party_id for s in before}
    if party_id in signed:
        raise Refusal("ALREADY_SIGNED")
    own_side = next(side for side in sides if party_id in side)
    mine = {s.party_id for s in before if s.signed_by_id == work.viewer.person_id}
    if work.acting.behalf_of_id is None and mine - own_side:
        raise Refusal("OWN_MATTER")
    complete = {*signed, party_id} >= everyone
    work.change(agreement, state=AgreementState.ACTIVE if complete else AgreementState.DRAFT)
    work.append(
        signatures(
            id=new_id(),
            agreement_id=agreement.id,
            party_id=party_id,
            signed_by_id=work.viewer.person_id,
            signed_at=work.occurred_at,
        )
    )
    return complete


def suspend(work: Work, agreement: Agreement, on: date) -> None:
    """Queue a pause; refuses AGREEMENT_STATE."""
    require_state(agreement, AgreementState.ACTIVE)
    work.change(agreement, state=AgreementState.SUSPENDED, suspended_on=on)


def resume(work: Work, agreement: Agreement, on: date) -> int:
    """Queue the end of a pause; the days it lasted. Refuses AGREEMENT_STATE."""
    require_state(agreement, AgreementState.SUSPENDED)
    assert agreement.suspended_on is not None
    days = (on - agreement.suspended_on).days
    work.change(agreement, state=AgreementState.ACTIVE, suspended_on=None)
    return days


def renew(work: Work, agreement: Agreement, side_id: UUID, on: date, *, window_days: int, ends_on: date) -> bool:
    """One side asks, the other agrees: only then is the term extended, and True returned.

    Refuses AGREEMENT_STATE, AGREEMENT_OVER, NOTICE_GIVEN, RENEWAL_TOO_EARLY, RENEWAL_ASKED (by this very side).
    """
    require_state(agreement, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    if agreement.notice_by_id is not None:
        raise Refusal("NOTICE_GIVEN", until=str(agreement.notice_ends_on))
    if on >= agreement.ends_on:
        raise Refusal("AGREEMENT_OVER")
    opens = agreement.ends_on - timedelta(days=window_days)
    if on < opens:
        raise Refusal("RENEWAL_TOO_EARLY", since=opens.isoformat())
    if agreement.renewal_asked_by_id == side_id:
        raise Refusal("RENEWAL_ASKED")
    if agreement.renewal_asked_by_id is None:
        work.change(agreement, renewal_asked_by_id=side_id)
        return False
    work.change(agreement, renewal_asked_by_id=None, ends_on=ends_on)
    return True


def give_notice(work: Work, agreement: Agreement, by_id: UUID, until: date) -> None:
    """Queue the announcement that it ends on `until`, or with its term if that is sooner.

    Refuses AGREEMENT_STATE, NOTICE_GIVEN.
    """
    require_state(agreement, AgreementState.ACTIVE, AgreementState.SUSPENDED)
    if agreement.notice_by_id is not None:
        raise Refusal("NOTICE_GIVEN", until=str(agreement.notice_ends_on))
    work.change(agreement, notice_by_id=by_id, notice_ends_on=min(until, agreement.ends_on), renewal_asked_by_id=None)


def over(agreement: Agreement, today: date) -> EndReason | None:
    """Why it is over by the calendar, or None while it is not."""
    if agreement.state is AgreementState.DRAFT:
        return EndReason.LAPSED if agreement.sign_by < today or agreement.ends_on <= today else None
    if agreement.state not in (AgreementState.ACTIVE, AgreementState.SUSPENDED):
        return None
    if agreement.ends_on <= today:
        return EndReason.EXPIRED
    if agreement.notice_ends_on is not None and agreement.notice_ends_on <= today:
        return EndReason.TERMINATED
    return None


def over_sql(table: str) -> str:
    """Which rows `over` would name today, for a job."""
    return (
        f"SELECT a.id AS id, a.area_id AS area_id FROM {table} a"
        " WHERE (a.state = 'DRAFT' AND a.sign_by < :today:) OR (a.state IN ('DRAFT', 'ACTIVE', 'SUSPENDED')"
        " AND (a.ends_on <= :today: OR a.notice_ends_on <= :today:))"
    )


def end(work: Work, agreement: Agreement, reason: EndReason, on: date) -> None:
    """Queue its end; refuses AGREEMENT_STATE when it has ended already."""
    if agreement.state is AgreementState.ENDED:
        raise Refusal("AGREEMENT_STATE", state=agreement.state)
    work.change(agreement, state=AgreementState.ENDED, end_reason=reason, ended_on=on, suspended_on=None)


__all__: Sequence[str] = [
    "Agreement", "AgreementState", "EndReason", "Signature", "end", "give_notice", "over", "over_sql",
    "renew", "require_running", "require_state", "resume", "sign", "suspend",
]  # fmt: skip
