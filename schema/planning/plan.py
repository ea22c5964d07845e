"""A compiled operation: its SQL, how to bind it, what it took for granted, and how many rows it is taken to look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode

from core.errors import Refusal
from schema.nodes.declare import PythonField
from schema.nodes.expressions import Slot
from schema.planning.arguments import Variables

MAX_ROWS = 100_000


class Rows:
    """How many rows a list is taken to look at: its `size`, each with those inside it, and what it costs `besides`."""

    def __init__(self, size: Callable[[Variables], int], *, paged: bool = False) -> None:
        self.size = size
        self.inside: list[Rows] = []
        self.besides = 0
        self.paged = paged

    def estimate(self, variables: Variables) -> int:
        size = self.size(variables)
        if not self.paged:
            return self.besides
        return self.besides + size * (1 + sum(inner.estimate(variables) for inner in self.inside))


@dataclass(frozen=True)
class Raw:
    """JSON text that is already the completed value of its field."""

    json: str


@dataclass
class Plan:
    """SQL with one JSON column per planned root, and how to bind it."""

    sql: str
    slots: list[tuple[Slot, str]]
    keys: list[str]
    conditions: list[tuple[Callable[[Variables], Any], Any]] = field(default_factory=list)
    checks: list[Callable[[Any], Any]] = field(default_factory=list)
    plugins: frozenset[str] = frozenset()
    python: list[tuple[PythonField, list[FieldNode]]] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # keys that belong to a plugin it was compiled without
    rows: Callable[[Variables], int] = lambda variables: 0  # how many it is taken to look at

    def fits(self, variables: Variables) -> bool:
        """Does what this plan took for granted about the variables still hold?"""
        return all(read(variables) == expected for read, expected in self.conditions)

    def check(self, ctx: Any) -> int:
        """How many rows it is taken to look at; refuses QUERY_TOO_LARGE, and arguments that no statement is needed to
        refuse."""
        for check in self.checks:
            check(ctx)
        rows = self.rows(ctx.variables)
        if rows > MAX_ROWS:
            raise Refusal("QUERY_TOO_LARGE", rows=rows, limit=MAX_ROWS)
        return rows
