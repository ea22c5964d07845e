"""Texts of other rows, with a salt, as JSON pairs: what a record sealed, and what a printed notice lists."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tortoise.models import Model

from schema.nodes.expressions import Env, Expr, RowOf, SqlScope, Tables


@dataclass(frozen=True, eq=False)
class Texts(Expr):
    """`[[position, first, second], …]` of the rows for which `condition` holds; neither text is ever null where it counts,
    so what was erased comes as an empty text."""

    model: type[Model]
    condition: Callable[[RowOf], Expr]
    position: str
    first: str
    second: str

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        one, two = (scope.quoted(f"coalesce({alias}.{name}, '')") for name in (self.first, self.second))
        row = f"'[' || {alias}.{self.position} || ',' || {one} || ',' || {two} || ']'"
        return (
            f"(SELECT '[' || coalesce({scope.join(row)}, '') || ']' FROM {self.model._meta.db_table} {alias}"
            f" WHERE {self.condition(RowOf(alias)).sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        inner = f"x{len(env)}"
        test = self.condition(RowOf(inner))
        rows = [r for r in tables.rows(self.model._meta.db_table) if test.evaluate({**env, inner: r}, tables) is True]
        names = (self.position, self.first, self.second)
        return json.dumps([[r[n] if r[n] is not None else "" for n in names] for r in rows])


def pairs(text: str) -> list[tuple[str, str]]:
    """First and second, by position."""
    return [(str(first), str(second)) for _, first, second in sorted(json.loads(text))]
