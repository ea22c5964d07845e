"""What a declaration may compute: a small language that becomes SQL on both databases, or is evaluated in Python.

`t.capacity - t.places_taken`, `case(t.is_open, 1, 0)`, `select(Entry).where(…).sum(…)`; what may be asked of the viewer
and of areas is in `schema.nodes.viewing`, what an expression gives away in `schema.nodes.telling`. An expression cannot
fail at run time: no division, no casts, null in, null out. The SQL form serves requests; the Python form serves the plain
executor, the oracle of the differential test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol
from uuid import UUID

from tortoise.models import Model

from core.access import PermissionBook, Viewer

Record = Mapping[str, Any]
Env = Mapping[str, Record]  # the rows in sight, by the name their columns carry


class SqlScope(Protocol):
    """What an expression needs to write itself as SQL; `by_row`: as a value of each row, not as a condition on rows;
    `cuts`: some area has cut permissions, so that a role may not reach all below its area."""

    by_row: bool
    cuts: bool

    def parameter(self, slot: Slot, sql_type: str) -> str: ...
    def among(self, column: str, slot: Slot, sql_type: str) -> str: ...
    def below(self, slot: Slot) -> str: ...
    def alias(self) -> str: ...
    def literal(self, value: Any) -> str: ...
    def text(self, sql: str) -> str: ...
    def join(self, sql: str) -> str: ...
    def quoted(self, sql: str) -> str: ...


class Tables(Protocol):
    """What an expression needs to evaluate itself in Python: whole tables of plain rows."""

    viewer: Viewer
    now: datetime
    book: PermissionBook
    root_area: UUID | None

    def rows(self, table: str) -> list[Record]: ...


@dataclass(frozen=True)
class Slot:
    """A parameter whose value is known per request: from the viewer, the clock or the arguments."""

    value: Callable[[Any], Any]
    name: str = "argument"


class Expr:
    """Base of expressions; operators build bigger ones."""

    is_compound: ClassVar[bool] = False  # its SQL stands in parentheses where it is a part

    def sql(self, scope: SqlScope) -> str:
        raise NotImplementedError

    def evaluate(self, env: Env, tables: Tables) -> Any:
        raise NotImplementedError

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return Binary("=", self, _expr(other))

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return Binary("<>", self, _expr(other))

    def __lt__(self, other: object) -> Expr:
        return Binary("<", self, _expr(other))

    def __le__(self, other: object) -> Expr:
        return Binary("<=", self, _expr(other))

    def __gt__(self, other: object) -> Expr:
        return Binary(">", self, _expr(other))

    def __ge__(self, other: object) -> Expr:
        return Binary(">=", self, _expr(other))

    def __add__(self, other: object) -> Expr:
        return Binary("+", self, _expr(other))

    def __sub__(self, other: object) -> Expr:
        return Binary("-", self, _expr(other))

    def __and__(self, other: Expr) -> Expr:
        return Logical("AND", (self, other))

    def __or__(self, other: Expr) -> Expr:
        return Logical("OR", (self, other))

    def __invert__(self) -> Expr:
        return Not(self)

    def is_null(self) -> Expr:
        return IsNull(self)

    def is_in(self, values: list[Any]) -> Expr:
        return Logical("OR", tuple(self == v for v in values))

    __hash__ = None  # type: ignore[assignment]


def _expr(value: object) -> Expr:
    return value if isinstance(value, Expr) else Literal(value)


@dataclass(frozen=True, eq=False)
class Column(Expr):
    """A column of the row known as `owner` (in SQL, its alias)."""

    name: str
    owner: str

    def sql(self, scope: SqlScope) -> str:
        return f"{self.owner}.{self.name}"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return env[self.owner][self.name]


def _operand(part: Expr, scope: SqlScope) -> str:
    """Parentheses only where they are needed: SQLite's parser has a stack of 100, and nesting eats it."""
    sql = part.sql(scope)
    return f"({sql})" if part.is_compound else sql


@dataclass(frozen=True, eq=False)
class Literal(Expr):
    value: Any

    def sql(self, scope: SqlScope) -> str:
        return scope.literal(self.value)

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return self.value


@dataclass(frozen=True, eq=False)
class Binary(Expr):
    is_compound = True
    operator: str
    left: Expr
    right: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"{_operand(self.left, scope)} {self.operator} {_operand(self.right, scope)}"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        left, right = self.left.evaluate(env, tables), self.right.evaluate(env, tables)
        if left is None or right is None:
            return None
        return _OPERATORS[self.operator](left, right)


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
}


@dataclass(frozen=True, eq=False)
class Logical(Expr):
    is_compound = True
    operator: str
    parts: tuple[Expr, ...]

    def sql(self, scope: SqlScope) -> str:
        parts = []
        for part in self.parts:
            sql = part.sql(scope)
            nested = isinstance(part, Logical) and part.operator != self.operator
            parts.append(f"({sql})" if nested else sql)
        return f" {self.operator} ".join(parts)

    def evaluate(self, env: Env, tables: Tables) -> Any:
        values = [p.evaluate(env, tables) for p in self.parts]
        decided = self.operator == "OR"
        if any(v is decided for v in values):
            return decided
        return None if any(v is None for v in values) else not decided


@dataclass(frozen=True, eq=False)
class Not(Expr):
    is_compound = True
    part: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"NOT ({self.part.sql(scope)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        value = self.part.evaluate(env, tables)
        return None if value is None else not value


@dataclass(frozen=True, eq=False)
class IsNull(Expr):
    is_compound = True
    part: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"{_operand(self.part, scope)} IS NULL"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return self.part.evaluate(env, tables) is None


@dataclass(frozen=True, eq=False)
class Case(Expr):
    """`when` holds → `then`, else `otherwise` (null counts as not holding)."""

    when: Expr
    then: Expr
    otherwise: Expr

    def sql(self, scope: SqlScope) -> str:
        when, then, otherwise = (e.sql(scope) for e in (self.when, self.then, self.otherwise))
        return f"CASE WHEN {when} THEN {then} ELSE {otherwise} END"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        chosen = self.then if self.when.evaluate(env, tables) is True else self.otherwise
        return chosen.evaluate(env, tables)


def case(when: Expr, then: object, otherwise: object = None) -> Expr:
    return Case(when, _expr(then), _expr(otherwise))


@dataclass(frozen=True, eq=False)
class Coalesce(Expr):
    part: Expr
    fallback: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"coalesce({self.part.sql(scope)}, {self.fallback.sql(scope)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        value = self.part.evaluate(env, tables)
        return self.fallback.evaluate(env, tables) if value is None else value


@dataclass(frozen=True, eq=False)
class Now(Expr):
    def sql(self, scope: SqlScope) -> str:
        return scope.parameter(Slot(lambda ctx: ctx.now, "now"), "instant")

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return tables.now


now = Now()


@dataclass(frozen=True, eq=False)
class Always(Expr):
    """True for everyone."""

    def sql(self, scope: SqlScope) -> str:
        return "(1 = 1)"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return True


class RowOf:
    """`t` in a declaration: `t.capacity` is a column."""

    def __init__(self, owner: str) -> None:
        self._owner = owner

    def __getattr__(self, name: str) -> Column:
        if name.startswith("__"):
            raise AttributeError(name)
        return Column(name, self._owner)


@dataclass(frozen=True)
class Select:
    """Rows of another table, narrowed by `where(lambda x: …)`; ends in count, sum, exists or first."""

    model: type[Model]
    condition: Callable[[RowOf], Expr] | None = None

    def where(self, condition: Callable[[RowOf], Expr]) -> Select:
        return Select(self.model, condition)

    def count(self) -> Expr:
        return Aggregate(self, "count", None)

    def sum(self, column: str) -> Expr:
        return Aggregate(self, "sum", column)

    def exists(self) -> Expr:
        return Aggregate(self, "exists", None)

    def first(self, column: str, order_by: str) -> Expr:
        """The value of `column` in the first row by `order_by` (`-seq` for descending); null without rows."""
        return Aggregate(self, "first", column, order_by)


def select(model: type[Model]) -> Select:
    return Select(model)


def area_of(model: type[Model], id: Expr) -> Expr:
    """Where the row of `model` with this id lies."""
    return select(model).where(lambda x: x.id == id).first("area_id", order_by="id")


@dataclass(frozen=True, eq=False)
class Aggregate(Expr):
    source: Select
    function: str
    of: str | None
    order_by: str | None = None

    def sql(self, scope: SqlScope) -> str:
        inner = scope.alias()
        condition = "1 = 1" if self.source.condition is None else self.source.condition(RowOf(inner)).sql(scope)
        body = f"FROM {self.source.model._meta.db_table} {inner} WHERE {condition}"
        if self.function == "count":
            return f"(SELECT count(*) {body})"
        if self.function == "sum":
            return f"(SELECT coalesce(sum({inner}.{self.of}), 0) {body})"
        if self.function == "exists":
            return f"EXISTS (SELECT 1 {body})"
        assert self.order_by is not None
        column, direction = self.order_by.lstrip("-"), "DESC" if self.order_by.startswith("-") else "ASC"
        return f"(SELECT {inner}.{self.of} {body} ORDER BY {inner}.{column} {direction} LIMIT 1)"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        rows = list(tables.rows(self.source.model._meta.db_table))
        if self.source.condition is not None:
            inner = f"x{len(env)}"
            test = self.source.condition(RowOf(inner))
            rows = [r for r in rows if test.evaluate({**env, inner: r}, tables) is True]
        if self.function == "count":
            return len(rows)
        if self.function == "sum":
            return sum(r[str(self.of)] for r in rows)
        if self.function == "exists":
            return bool(rows)
        assert self.order_by is not None
        key = self.order_by.lstrip("-")
        ordered = sorted(rows, key=lambda r: r[key], reverse=self.order_by.startswith("-"))
        return ordered[0][str(self.of)] if ordered else None


@dataclass(frozen=True, eq=False)
class ListOf(Expr):
    """Two columns of other rows as JSON pairs, each a text or null (for Python-computed fields)."""

    model: type[Model]
    condition: Callable[[RowOf], Expr]
    first: str
    second: str

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        one, two = (scope.text(f"{alias}.{name}") for name in (self.first, self.second))
        pair = f"'[' || {_quoted(one)} || ',' || {_quoted(two)} || ']'"
        return (
            f"(SELECT '[' || coalesce({scope.join(pair)}, '') || ']' FROM {self.model._meta.db_table} {alias}"
            f" WHERE {self.condition(RowOf(alias)).sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        inner = f"x{len(env)}"
        test = self.condition(RowOf(inner))
        rows = [r for r in tables.rows(self.model._meta.db_table) if test.evaluate({**env, inner: r}, tables) is True]
        return json.dumps([[_plain(r[name]) for name in (self.first, self.second)] for r in rows])


def _quoted(text: str) -> str:
    return f"coalesce('\"' || {text} || '\"', 'null')"


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, eq=False)
class GlobalId(Expr):
    """`tag_uuid` of a row whose tag is itself a column (a reference to any node)."""

    tag: Expr
    id: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"({self.tag.sql(scope)} || '_' || {scope.text(self.id.sql(scope))})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        tag, id = self.tag.evaluate(env, tables), self.id.evaluate(env, tables)
        return None if tag is None or id is None else f"{tag}_{id}"


@dataclass(frozen=True, eq=False)
class Kept(Expr):
    """The id a row of `table` goes by now: its own, or that of the row it was merged into."""

    table: str
    id: Expr

    def sql(self, scope: SqlScope) -> str:
        alias, id = scope.alias(), self.id.sql(scope)
        return f"coalesce((SELECT {alias}.merged_into_id FROM {self.table} {alias} WHERE {alias}.id = {id}), {id})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        id = self.id.evaluate(env, tables)
        return next((r["merged_into_id"] for r in tables.rows(self.table) if r["id"] == id and r["merged_into_id"]), id)


@dataclass(frozen=True, eq=False)
class Argument(Expr):
    """A value that comes with the request: in SQL a parameter, in Python the value itself."""

    slot: Slot | None
    sql_type: str
    value: Any = None

    def sql(self, scope: SqlScope) -> str:
        assert self.slot is not None
        return scope.parameter(self.slot, self.sql_type)

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return self.value
