"""The agreement (契约): parties, a term, draft → signed by all → active → ended. Each mechanism keeps its own tables."""

from __future__ import annotations

from datetime import date
from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, unique
from core.enums import Term
from core.errors import Refusal
from core.ids import new_id
from core.models.base import Entity, Logged
from core.work import Work


class AgreementState(Term):
    """Life of an agreement (协议状态)."""

    DRAFT = "DRAFT", "待签署"
    ACTIVE = "ACTIVE", "履行中"
    ENDED = "ENDED", "已终止"


class Agreement(Logged):
    """Base of a mechanism's agreements; `ends_on` is the first day it no longer runs."""

    state = fields.CharEnumField(AgreementState, description="AgreementState", max_length=40)
    starts_on = fields.DateField()
    ends_on = fields.DateField()
    settings_version = fields.BigIntField(default=0)  # it goes on under the settings it began with
    end_reason = fields.CharField(max_length=40, null=True)

    class Meta:
        abstract = True

    guards: ClassVar[tuple[Guard, ...]] = (check("term", "NEW.ends_on > NEW.starts_on"),)

    def parties(self) -> list[UUID]:
        """The actors who must sign."""
        raise AttributeError("parties")


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


async def sign(work: Work, agreement: Agreement, signatures: type[Signature], party_id: UUID) -> bool:
    """Queue the signature of `party_id`; True when it was the last one and the agreement is now active.

    Refuses AGREEMENT_STATE, NOT_A_PARTY, ALREADY_SIGNED, AGREEMENT_OVER (its term has passed).
    """
    if agreement.state is not AgreementState.DRAFT:
        raise Refusal("AGREEMENT_STATE", state=str(agreement.state))
    if party_id not in agreement.parties():
        raise Refusal("NOT_A_PARTY")
    if agreement.ends_on <= work.clock.civil_date(work.occurred_at):
        raise Refusal("AGREEMENT_OVER")
    signed = {s.party_id for s in await work.select(signatures, agreement_id=agreement.id)}
    if party_id in signed:
        raise Refusal("ALREADY_SIGNED")
    complete = {*signed, party_id} >= set(agreement.parties())
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


def end(work: Work, agreement: Agreement, reason: str) -> None:
    """Queue its end; refuses AGREEMENT_STATE when it has ended already."""
    if agreement.state is AgreementState.ENDED:
        raise Refusal("AGREEMENT_STATE", state=str(agreement.state))
    work.change(agreement, state=AgreementState.ENDED, end_reason=reason)


def require_running(agreement: Agreement, on: date) -> None:
    """Refuses AGREEMENT_STATE unless active, AGREEMENT_OVER outside its term."""
    if agreement.state is not AgreementState.ACTIVE:
        raise Refusal("AGREEMENT_STATE", state=str(agreement.state))
    if not agreement.starts_on <= on < agreement.ends_on:
        raise Refusal("AGREEMENT_OVER")
