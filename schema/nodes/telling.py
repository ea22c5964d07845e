"""What an expression gives away: whom it asks, which other tables it looks into, and what everybody may see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tortoise.models import Model

from schema.nodes.expressions import Aggregate, Always, Case, Expr, ListOf, RowOf
from schema.nodes.viewing import ActsAs, Is, May, SignedIn, ViewerFacts


@dataclass(frozen=True)
class Public:
    """The scope of what anybody may see, signed in or not, and `why` that is right."""

    why: str

    def __call__(self, t: RowOf, v: ViewerFacts) -> Expr:
        return Always()


def public(why: str) -> Public:
    """`scope=public("…")`: everybody sees every row, because of what `why` says."""
    return Public(why)


def walk(part: object) -> Iterator[Expr]:
    """The expression and every one inside it, those in the conditions of other tables' rows too."""
    if isinstance(part, tuple):
        for one in part:
            yield from walk(one)
    if not isinstance(part, Expr):
        return
    yield part
    if isinstance(part, Aggregate):
        if part.source.condition is not None:
            yield from walk(part.source.condition(RowOf("x")))
    elif isinstance(part, ListOf):
        yield from walk(part.condition(RowOf("x")))
    else:
        for name in part.__dataclass_fields__:  # type: ignore[attr-defined]
            yield from walk(getattr(part, name))


def asks_viewer(expression: Expr) -> bool:
    """Does what it says depend on who asks?"""
    return any(isinstance(part, (SignedIn, ActsAs, Is, May)) for part in walk(expression))


def unasked(part: object) -> Iterator[type[Model]]:
    """The other tables it looks into without asking who looks, neither there nor in a CASE around it."""
    if isinstance(part, tuple):
        for one in part:
            yield from unasked(one)
    elif isinstance(part, Case) and asks_viewer(part.when):
        yield from unasked(part.otherwise)
    elif isinstance(part, (Aggregate, ListOf)):
        if not asks_viewer(part):
            rows = part.source if isinstance(part, Aggregate) else part
            yield rows.model
            if rows.condition is not None:
                yield from unasked(rows.condition(RowOf("x")))
    elif isinstance(part, Expr):
        for name in part.__dataclass_fields__:  # type: ignore[attr-defined]
            yield from unasked(getattr(part, name))
