"""Whose own matter a body, a meeting, a seat or a task is, as the rules have it (`can` and `allowedActions`)."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.councils import models
from plugins.councils.terms import SeatOffice, SeatState
from schema.nodes.expressions import Expr, ListOf, RowOf


def _officers(body_id: Expr) -> Expr:
    return ListOf(
        models.Seat,
        lambda s: (s.body_id == body_id) & (s.state == SeatState.FILLED) & (s.office != SeatOffice.MEMBER),
        "holder_id",
        "mandate_of_id",
    )


def of_body(t: RowOf) -> Sequence[Expr]:
    """Its officers."""
    return [_officers(t.id)]


def of_its_body(t: RowOf) -> Sequence[Expr]:
    """The officers of the body it belongs to."""
    return [_officers(t.body_id)]


def of_addressee(t: RowOf) -> Sequence[Expr]:
    """The officers of the body it is addressed to."""
    return [_officers(t.addressed_to_id)]


def of_drafting_body(t: RowOf) -> Sequence[Expr]:
    """The officers of the body that drafts it."""
    return [_officers(t.drafting_body_id)]


def of_seat(t: RowOf) -> Sequence[Expr]:
    """Who sits there, and who sent them."""
    return [t.holder_id, t.mandate_of_id]


def of_delegation(t: RowOf) -> Sequence[Expr]:
    """The government that delegates."""
    return [t.government_id]
