"""What a declaration may compute: a small language that becomes SQL on both databases, or is evaluated in Python.

`t.capacity - t.places_taken`, `viewer.may("core.event.read", t.area_id)`, `select(Entry).where(…).sum(…)`.
An expression cannot fail at run time: no division, no casts, null in, null out. The SQL form serves requests; the
Python form serves the plain executor, the oracle of the differential test.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from tortoise.models import Model

from core.access import PermissionBook, Viewer
from core.decisions import carries
from core.enums import Role
from core.models import Area

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
    return (
        f"({sql})" if isinstance(part, (Binary, Logical, Not, IsNull, ActsAs, May, Within, IsSelf, IsAccount)) else sql
    )


@dataclass(frozen=True, eq=False)
class Literal(Expr):
    value: Any

    def sql(self, scope: SqlScope) -> str:
        return scope.literal(self.value)

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return self.value


@dataclass(frozen=True, eq=False)
class Binary(Expr):
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
    part: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"NOT ({self.part.sql(scope)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        value = self.part.evaluate(env, tables)
        return None if value is None else not value


@dataclass(frozen=True, eq=False)
class IsNull(Expr):
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


@dataclass(frozen=True, eq=False)
class SignedIn(Expr):
    def sql(self, scope: SqlScope) -> str:
        return scope.parameter(Slot(lambda ctx: ctx.viewer.person_id, "viewer"), "uuid") + " IS NOT NULL"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return tables.viewer.signed_in


@dataclass(frozen=True, eq=False)
class ActsAs(Expr):
    """The actor is the viewer, or somebody they hold a mandate for."""

    actor: Expr

    def sql(self, scope: SqlScope) -> str:
        slot = Slot(lambda ctx: ctx.viewer.seen_as, "viewer's actors")
        return scope.among(self.actor.sql(scope), slot, "uuid")

    def evaluate(self, env: Env, tables: Tables) -> Any:
        value = self.actor.evaluate(env, tables)
        return None if value is None else value in tables.viewer.seen_as


@dataclass(frozen=True, eq=False)
class IsSelf(Expr):
    """The actor is the viewer in person."""

    actor: Expr

    def sql(self, scope: SqlScope) -> str:
        mark = scope.parameter(Slot(lambda ctx: ctx.viewer.self_id, "viewer"), "uuid")
        return f"{self.actor.sql(scope)} = {mark}"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return self.actor.evaluate(env, tables) == tables.viewer.self_id if tables.viewer.self_id else None


@dataclass(frozen=True, eq=False)
class IsAccount(Expr):
    """The account is the viewer's own, and they are there in person."""

    account: Expr

    def sql(self, scope: SqlScope) -> str:
        mark = scope.parameter(Slot(lambda ctx: ctx.viewer.self_account_id, "viewer's account"), "uuid")
        return f"{self.account.sql(scope)} = {mark}"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        own = tables.viewer.self_account_id
        return self.account.evaluate(env, tables) == own if own else None


@dataclass(frozen=True, eq=False)
class May(Expr):
    """A role of the viewer carries the permission in the area or above it (closure table, never a path prefix).

    For a value of each row it is told first whether the viewer has it everywhere; as a condition on rows that would keep
    an index on the area from serving it. Only where areas have cut permissions at all does each role stand by itself,
    with the areas where it is cut taken out.
    """

    permission: str
    area: Expr

    def sql(self, scope: SqlScope) -> str:
        permission = self.permission
        if scope.cuts:
            return f"({' OR '.join(self._of_role(role, scope) for role in Role)})"
        tops = Slot(lambda ctx: ctx.viewer.areas(ctx.book[permission]), f"areas of {permission}")
        if not scope.by_row:
            return f"{self.area.sql(scope)} IN ({scope.below(tops)})"
        everywhere = Slot(lambda ctx: ctx.viewer.is_everywhere(ctx.book[permission]), f"{permission} everywhere")
        area = self.area.sql(scope)
        return f"({scope.parameter(everywhere, 'bool')} AND {area} IS NOT NULL OR {area} IN ({scope.below(tops)}))"

    def _of_role(self, role: Role, scope: SqlScope) -> str:
        permission, area = self.permission, self.area.sql(scope)
        tops = Slot(lambda ctx: ctx.viewer.areas_of(ctx.book[permission], role), f"areas of {permission} by {role}")
        cut = Slot(lambda ctx: ctx.viewer.cut_in(ctx.book[permission], role), f"areas that cut {permission} for {role}")
        return f"{area} IN ({scope.below(tops)}) AND {area} NOT IN ({scope.below(cut)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        if area is None:
            return None
        rows = tables.rows("core_area_closure")
        chain = {c["ancestor_id"] for c in rows if c["descendant_id"] == area and c["until"] is None}
        viewer, rule = tables.viewer, tables.book[self.permission]
        return any(g.area_id in chain and carries(rule, g.role, viewer, chain) for g in viewer.grants)


@dataclass(frozen=True, eq=False)
class Enabled(Expr):
    """The plugin is on in this area now (or the row lies in no area)."""

    plugin: str
    area: Expr
    nullable: bool = False

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        found = (
            f"EXISTS (SELECT 1 FROM core_plugin_area {alias} WHERE {alias}.area_id = {self.area.sql(scope)}"
            f" AND {alias}.plugin = {scope.literal(self.plugin)}"
            f" AND ({alias}.until IS NULL OR {alias}.until > {now.sql(scope)}))"
        )
        return f"({self.area.sql(scope)} IS NULL OR {found})" if self.nullable else found

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        if area is None:
            return self.nullable
        return any(
            r["area_id"] == area and r["plugin"] == self.plugin and (r["until"] is None or r["until"] > tables.now)
            for r in tables.rows("core_plugin_area")
        )


@dataclass(frozen=True, eq=False)
class InEndpoint(Expr):
    """The area lies in the subtree of the endpoint that was asked (`/areas/<code>/graphql`)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        slot = Slot(lambda ctx: [ctx.root_area], "endpoint's area")
        return f"{self.area.sql(scope)} IN ({scope.below(slot)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        return area is not None and any(
            c["descendant_id"] == area and c["until"] is None and c["ancestor_id"] == tables.root_area
            for c in tables.rows("core_area_closure")
        )


@dataclass(frozen=True, eq=False)
class AreaChain(Expr):
    """The areas at and above an area with their distance, as JSON pairs (for Python-computed fields)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        pair = f"'[\"' || {scope.text(f'{alias}.ancestor_id')} || '\",' || {alias}.depth || ']'"
        joined = scope.join(pair)
        return (
            f"(SELECT '[' || coalesce({joined}, '') || ']' FROM core_area_closure {alias}"
            f" WHERE {alias}.until IS NULL AND {alias}.descendant_id = {self.area.sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        pairs = [
            [str(c["ancestor_id"]), c["depth"]]
            for c in tables.rows("core_area_closure")
            if c["descendant_id"] == area and c["until"] is None
        ]
        return json.dumps(pairs)


@dataclass(frozen=True, eq=False)
class AreaPath(Expr):
    """The names of the areas at and above an area with their distance, as JSON pairs (for Python-computed fields)."""

    area: Expr

    def sql(self, scope: SqlScope) -> str:
        above, named = scope.alias(), scope.alias()
        pair = f"'[' || {scope.quoted(f'{named}.name')} || ',' || {above}.depth || ']'"
        return (
            f"(SELECT '[' || coalesce({scope.join(pair)}, '') || ']' FROM core_area_closure {above}"
            f" JOIN core_area {named} ON {named}.id = {above}.ancestor_id"
            f" WHERE {above}.until IS NULL AND {above}.descendant_id = {self.area.sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area = self.area.evaluate(env, tables)
        names = {a["id"]: a["name"] for a in tables.rows("core_area")}
        pairs = [
            [names[c["ancestor_id"]], c["depth"]]
            for c in tables.rows("core_area_closure")
            if c["descendant_id"] == area and c["until"] is None
        ]
        return json.dumps(pairs)


@dataclass(frozen=True, eq=False)
class PairsOf(Expr):
    """Two columns of other rows, a text and a whole number, as JSON pairs (for Python-computed fields)."""

    model: type[Model]
    condition: Callable[[RowOf], Expr]
    key: str
    number: str

    def sql(self, scope: SqlScope) -> str:
        alias = scope.alias()
        pair = f"'[\"' || {alias}.{self.key} || '\",' || {alias}.{self.number} || ']'"
        return (
            f"(SELECT '[' || coalesce({scope.join(pair)}, '') || ']' FROM {self.model._meta.db_table} {alias}"
            f" WHERE {self.condition(RowOf(alias)).sql(scope)})"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        inner = f"x{len(env)}"
        test = self.condition(RowOf(inner))
        rows = [r for r in tables.rows(self.model._meta.db_table) if test.evaluate({**env, inner: r}, tables) is True]
        return json.dumps([[r[self.key], r[self.number]] for r in rows])


@dataclass(frozen=True, eq=False)
class ListOf(Expr):
    """Two columns of other rows, each a text or null, as JSON pairs (for Python-computed fields)."""

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


class ViewerFacts:
    """`viewer` as declarations see it."""

    signed_in = SignedIn()

    @staticmethod
    def acts_as(actor: Expr) -> Expr:
        return ActsAs(actor)

    @staticmethod
    def is_self(actor: Expr) -> Expr:
        return IsSelf(actor)

    @staticmethod
    def is_account(account: Expr) -> Expr:
        return IsAccount(account)

    @staticmethod
    def may(permission: str, area: Expr) -> Expr:
        return May(permission, area)


viewer = ViewerFacts()


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


@dataclass(frozen=True, eq=False)
class Within(Expr):
    """`area` is the area with this code or lies below it today (closure table)."""

    area: Expr
    code: Expr

    def sql(self, scope: SqlScope) -> str:
        return (
            f"{self.area.sql(scope)} IN (SELECT c.descendant_id FROM core_area_closure c"
            f" WHERE c.until IS NULL AND c.ancestor_id ="
            f" (SELECT a.id FROM core_area a WHERE a.code = {self.code.sql(scope)}))"
        )

    def evaluate(self, env: Env, tables: Tables) -> Any:
        area, code = self.area.evaluate(env, tables), self.code.evaluate(env, tables)
        tops = [a["id"] for a in tables.rows("core_area") if a["code"] == code]
        return any(
            c["descendant_id"] == area and c["until"] is None and c["ancestor_id"] in tops
            for c in tables.rows("core_area_closure")
        )


@dataclass(frozen=True, eq=False)
class AreaExists(Expr):
    """There is an area with this code."""

    code: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"EXISTS (SELECT 1 FROM core_area a WHERE a.code = {self.code.sql(scope)})"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        code = self.code.evaluate(env, tables)
        return any(a["code"] == code for a in tables.rows("core_area"))


def area_in_endpoint(code: Expr) -> Expr:
    """The area with this code lies in the subtree of the endpoint that was asked."""
    return select(Area).where(lambda a: (a.code == code) & InEndpoint(a.id)).exists()


Scope = Callable[[RowOf, ViewerFacts], Expr]


@dataclass(frozen=True)
class Public:
    """The scope of what anybody may see, signed in or not, and `why` that is right."""

    why: str

    def __call__(self, t: RowOf, v: ViewerFacts) -> Expr:
        return Always()


def public(why: str) -> Public:
    """`scope=public("…")`: everybody sees every row, because of what `why` says."""
    return Public(why)


# --- what an expression rests on ---------------------------------------------------------------------------


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
    elif isinstance(part, PairsOf):
        yield from walk(part.condition(RowOf("x")))
    else:
        for name in part.__dataclass_fields__:  # type: ignore[attr-defined]
            yield from walk(getattr(part, name))


def asks_viewer(expression: Expr) -> bool:
    """Does what it says depend on who asks?"""
    return any(isinstance(part, (SignedIn, ActsAs, IsSelf, May)) for part in walk(expression))


def unasked(part: object) -> Iterator[type[Model]]:
    """The other tables it looks into without asking who looks, neither there nor in a CASE around it."""
    if isinstance(part, tuple):
        for one in part:
            yield from unasked(one)
    elif isinstance(part, Case) and asks_viewer(part.when):
        yield from unasked(part.otherwise)
    elif isinstance(part, (Aggregate, PairsOf)):
        if not asks_viewer(part):
            rows = part.source if isinstance(part, Aggregate) else part
            yield rows.model
            if rows.condition is not None:
                yield from unasked(rows.condition(RowOf("x")))
    elif isinstance(part, Expr):
        for name in part.__dataclass_fields__:  # type: ignore[attr-defined]
            yield from unasked(getattr(part, name))
