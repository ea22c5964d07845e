"""Whose own matter a claim, an agreement or a revocation is, as the rules have it (`can` and `allowedActions`)."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.adoption import models
from schema.nodes.expressions import Expr, ListOf, RowOf, case, select


def of_claim(t: RowOf) -> Sequence[Expr]:
    """The custodian of the spot, who decides."""
    return [select(models.Asset).where(lambda a: a.id == t.asset_id).first("custodian_id", order_by="id")]


def of_revocation(t: RowOf) -> Sequence[Expr]:
    """The custodian."""
    return [select(models.Agreement).where(lambda a: a.id == t.agreement_id).first("custodian_id", order_by="id")]


def parties(t: RowOf) -> Sequence[Expr]:
    """The lead adopter, the custodian, and who adopts with them and has not left."""
    return [t.custodian_id, *adopters(t)]


def adopters(t: RowOf) -> Sequence[Expr]:
    """The lead adopter of an agreement, and who adopts with them and has not left."""
    return [t.adopter_id, _with_them(t.claim_id)]


def claimants(t: RowOf) -> Sequence[Expr]:
    """Who claims a spot, and who claims it with them and has not left."""
    return [t.claimant_id, _with_them(t.id)]


def revoked(t: RowOf) -> Sequence[Expr]:
    """Whose adoption is revoked."""
    of = select(models.Agreement).where(lambda a: a.id == t.agreement_id)
    lead, claim = (of.first(column, order_by="id") for column in ("adopter_id", "claim_id"))
    return [lead, _with_them(claim)]


def _with_them(claim_id: Expr) -> Expr:
    return ListOf(models.CoAdopter, lambda c: (c.claim_id == claim_id) & c.left_on.is_null(), "actor_id", "left_on")


def other_side(t: RowOf) -> Sequence[Expr]:
    """Who may do without the notice: the custodian after an adopter's, the lead adopter after any other."""
    with_them = select(models.CoAdopter).where(lambda c: (c.claim_id == t.claim_id) & (c.actor_id == t.notice_by_id))
    by_adopter = (t.adopter_id == t.notice_by_id) | with_them.exists()
    return [case(by_adopter, t.custodian_id, t.adopter_id)]
