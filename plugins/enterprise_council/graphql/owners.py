"""Whose own matter a seat, a compact, a concern or a case is, as the rules have it (`can` and `allowedActions`)."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.enterprise_council.models import CompactParty
from schema.nodes.expressions import Expr, ListOf, RowOf


def of_seat(t: RowOf) -> Sequence[Expr]:
    """The enterprise that has it."""
    return [t.enterprise_id]


def of_concern(t: RowOf) -> Sequence[Expr]:
    """Who has to answer it."""
    return [t.owner_id]


def of_the_enterprise(t: RowOf) -> Sequence[Expr]:
    """Whose concern it is."""
    return [t.enterprise_id]


def of_case(t: RowOf) -> Sequence[Expr]:
    """Who solves it."""
    return [t.owner_id]


def of_promise(t: RowOf) -> Sequence[Expr]:
    """Who has promised it."""
    return [t.party_id]


def of_compact(t: RowOf) -> Sequence[Expr]:
    """Who is in it."""
    return _parties(t.id)


def of_delivery(t: RowOf) -> Sequence[Expr]:
    """Who is in the compact of what was promised."""
    return _parties(t.compact_id)


def _parties(compact_id: Expr) -> Sequence[Expr]:
    return [ListOf(CompactParty, lambda p: p.compact_id == compact_id, "actor_id", "actor_id")]
