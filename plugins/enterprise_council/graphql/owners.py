"""Whose own matter a seat, a compact, a concern or a case is, as the rules have it (`can` and `allowedActions`)."""

from __future__ import annotations

from collections.abc import Sequence

from schema.nodes.expressions import Expr, RowOf


def of_seat(t: RowOf) -> Sequence[Expr]:
    """The enterprise that has it."""
    return [t.enterprise_id]


def of_concern(t: RowOf) -> Sequence[Expr]:
    """Who has to answer it."""
    return [t.owner_id]
