"""The plain executor: the same declarations, executed field by field over whole tables held as Python rows.

It is slow and obviously right, and exists to contradict the planner: the differential test runs every documented and
generated operation through both. No request is ever served by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from operator import eq, ge, gt, le, lt, ne
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import GraphQLSchema
from tortoise import fields
from tortoise.models import Model

from core.access import Viewer
from core.database import Database
from core.errors import Refusal
from core.ids import split_global
from core.kernel import Kernel
from schema.nodes.composed import ComposedSchema, Root
from schema.nodes.declare import ConnectionField, Field, NodeType, PythonField, ScalarField, ToOneField
from schema.nodes.expressions import Argument, Expr, GlobalId, Kept, Literal, RowOf
from schema.nodes.viewing import AreaExists, area_in_endpoint, viewer
from schema.planning import cursors
from schema.planning.arguments import check_list
from schema.planning.compile import COUNT_LIMIT, DEFAULT_PAGE, MAX_PAGE
from schema.scalars import show_instant


class Snapshot:
    """Whole tables as plain rows, with who asks and when: what expressions are evaluated against."""

    def __init__(
        self,
        tables: dict[str, list[dict[str, Any]]],
        viewer: Viewer,
        kernel: Kernel,
        root_area: UUID | None,
        facts: Any,
    ) -> None:
        self._tables = tables
        self.viewer = viewer
        self.clock = kernel.clock
        self.now = kernel.clock.now()
        self.book = kernel.permissions
        self.root_area = root_area
        self.facts = facts

    def rows(self, table: str) -> list[Any]:
        return self._tables[table]

    @classmethod
    async def take(
        cls, database: Database, viewer: Viewer, kernel: Kernel, root_area: UUID | None, facts: Any
    ) -> Snapshot:
        tables = {m._meta.db_table: await table_rows(database, m) for m in database.models}
        return cls(tables, viewer, kernel, root_area, facts)


async def table_rows(database: Database, model: type[Model]) -> list[dict[str, Any]]:
    """Every row of a table, its values as Python has them."""
    columns = list(model._meta.fields_db_projection.values())
    by_column = {model._meta.fields_db_projection[n]: f for n, f in model._meta.fields_map.items()
                 if n in model._meta.fields_db_projection}  # fmt: skip
    rows = await database.read(f"SELECT {', '.join(columns)} FROM {model._meta.db_table}")
    return [{c: _value(by_column[c], v) for c, v in zip(columns, row, strict=True)} for row in rows]


def _text(value: Any) -> str | None:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return None if value is None else str(value)


def _value(field: Any, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(field, fields.UUIDField):
        return value if isinstance(value, UUID) else UUID(str(value))
    if isinstance(field, fields.DatetimeField):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC)
    if isinstance(field, fields.DateField):
        return value if isinstance(value, date) else date.fromisoformat(value)
    if isinstance(field, fields.BooleanField):
        return bool(value)
    if isinstance(field, fields.JSONField):
        return json.loads(value) if isinstance(value, str) else value
    return value


class Row:
    """One row of one type, as graphql-core passes it from field to field."""

    def __init__(self, node: NodeType, values: dict[str, Any]) -> None:
        self.node = node
        self.values = values


class PlainExecutor:
    """Sets the resolvers of a composed GraphQL schema; they serve an execution whose context holds a Snapshot."""

    def __init__(self, composed: ComposedSchema) -> None:
        self.composed = composed

    def attach(self, schema: GraphQLSchema) -> None:
        for node in self.composed.types.values():
            graphql_type: Any = schema.type_map[node.name]
            for public, declared in self.composed.public_fields(node).items():
                graphql_type.fields[public].resolve = self._resolver(declared)
            if node.is_interface:
                graphql_type.resolve_type = lambda row, info, abstract: row.node.name
            else:
                graphql_type.is_type_of = lambda row, info: True
        schema.type_map["Node"].resolve_type = lambda row, info, abstract: row.node.name  # type: ignore[attr-defined]

    def _resolver(self, declared: Field) -> Any:
        if isinstance(declared, ScalarField):
            return lambda row, info: self._scalar(declared, row, _snapshot(info))
        if isinstance(declared, PythonField):
            return lambda row, info: self._python(declared, row, _snapshot(info))
        if isinstance(declared, ToOneField):
            return lambda row, info: self._to_one(declared, row, _snapshot(info))
        assert isinstance(declared, ConnectionField)
        target = declared.target
        condition = declared.condition

        def connection(row: Row, info: Any, **arguments: Any) -> Any:
            node = self.composed.type_of(target)
            test = condition(RowOf("c"), RowOf("t"))
            snapshot = _snapshot(info)
            rows = [r for r in snapshot.rows(node.table) if test.evaluate({"c": r, "t": row.values}, snapshot) is True]
            return self.page(node, rows, arguments, snapshot)

        return connection

    def root(self, root: Root, snapshot: Snapshot, arguments: dict[str, Any], source: Any = None) -> Any:
        """What a planned root stands for, worked out the plain way."""
        if root.form == "node":
            return self._by_id(arguments["id"], snapshot)
        if root.form == "nodes":
            return [self._by_id(id, snapshot) for id in check_list(arguments["ids"])]
        if root.form == "every":
            rows = source if source is not None else snapshot.rows(root.node.table)
            return self.page(root.node, rows, arguments, snapshot)
        if root.where is not None:
            test = root.where(RowOf("t"), viewer)
            found = [r for r in snapshot.rows(root.node.table) if test.evaluate({"t": r}, snapshot) is True]
        else:
            assert root.by is not None
            field = self.composed.field(root.node, root.by)
            assert isinstance(field, ScalarField)
            wanted = arguments[root.by]
            if field.kind == "id":
                tag, wanted = split_global(wanted)
                wanted = wanted if tag == field.tag else None
            expression = field.expression(RowOf("t"))
            found = [r for r in snapshot.rows(root.node.table) if expression.evaluate({"t": r}, snapshot) == wanted]
        return self._visible(root.node, found, snapshot)

    def _by_id(self, global_id: str, snapshot: Snapshot) -> Row | None:
        tag, id = split_global(global_id)
        node = self.composed.by_tag.get(tag)
        if node is None:
            return None
        if node.merges:
            id = Kept(node.table, Literal(id)).evaluate({}, snapshot)
        return self._visible(node, [r for r in snapshot.rows(node.table) if r["id"] == id], snapshot)

    def _visible(self, node: NodeType, rows: list[Any], snapshot: Snapshot) -> Row | None:
        seen = [r for r in rows if self._in_scope(node, r, snapshot)]
        return self._row(node, seen[0]) if seen else None

    def _row(self, node: NodeType, values: dict[str, Any]) -> Row:
        if node.is_interface:
            assert node.discriminator is not None
            node = next(v for v in node.concrete if v.kind is not None and v.kind.value == values[node.discriminator])
        return Row(node, values)

    def _in_scope(self, node: NodeType, values: dict[str, Any], snapshot: Snapshot) -> bool:
        above, kind = node.interface, node.kind
        if above is not None and kind is not None and values[str(above.discriminator)] != kind.value:
            return False
        return all(c.evaluate({"t": values}, snapshot) is True for c in self.composed.conditions(node, RowOf("t")))

    def _scalar(self, declared: ScalarField, row: Row, snapshot: Snapshot) -> Any:
        value = declared.visible_expression(RowOf("t")).evaluate({"t": row.values}, snapshot)
        if value is None:
            return None
        if declared.kind == "id":
            return f"{declared.tag}_{value}"
        return declared.enum(value) if declared.enum else value

    def _python(self, declared: PythonField, row: Row, snapshot: Snapshot) -> Any:
        values = {k: e.evaluate({"t": row.values}, snapshot) for k, e in declared.columns(RowOf("t")).items()}
        return declared.compute({k: _text(v) for k, v in values.items()}, snapshot.facts)

    def _to_one(self, declared: ToOneField, row: Row, snapshot: Snapshot) -> Row | None:
        target = self.composed.type_of(declared.target)
        key = row.values[declared.column]
        found = [r for r in snapshot.rows(target.table) if key is not None and r["id"] == key]
        if declared.gate is not None and declared.gate(RowOf("t")).evaluate({"t": row.values}, snapshot) is not True:
            return None
        if found and not target.public_face and not self._in_scope(target, found[0], snapshot):
            return None
        return self._row(target, found[0]) if found else None

    # --- lists -------------------------------------------------------------------------------------------

    def page(self, node: NodeType, rows: Any, arguments: dict[str, Any], snapshot: Snapshot) -> Any:
        first = arguments.get("first")
        first = DEFAULT_PAGE if first is None else first
        if not 0 <= first <= MAX_PAGE:
            raise Refusal("BAD_PAGE_SIZE", given=first, limit=MAX_PAGE)
        rows = [r for r in rows if self._in_scope(node, r, snapshot)]
        if arguments.get("where") is not None:
            rows = [r for r in rows if self.matches(node, r, arguments["where"], snapshot) is True]
        order = arguments.get("orderBy")
        name = self.composed.default_order(node) if order is None else str(getattr(order, "value", order))
        field, descending = self.composed.order(node, name)
        key = field.expression(RowOf("t"))

        def key_of(row: dict[str, Any]) -> Any:
            return key.evaluate({"t": row}, snapshot)

        present = sorted(
            (r for r in rows if key_of(r) is not None), key=lambda r: (key_of(r), str(r["id"])), reverse=descending
        )
        absent = sorted((r for r in rows if key_of(r) is None), key=lambda r: str(r["id"]), reverse=descending)
        ordered = [*present, *absent]
        after = arguments.get("after")
        total = len(ordered)
        if after is not None:
            at, id = cursors.parse(after, name, field.kind)
            at = id if field.kind == "id" else at
            ordered = [r for r in ordered if _behind(key_of(r), r["id"], at, id, descending)]
        kept = ordered[:first]

        def cursor(row: dict[str, Any]) -> str:
            value = None if field.kind == "id" else key_of(row)
            return cursors.make(name, value, row["id"], show_instant)

        nodes = [self._row(node, r) for r in kept]
        return SimpleNamespace(
            nodes=nodes,
            edges=[SimpleNamespace(cursor=cursor(r), node=n) for r, n in zip(kept, nodes, strict=True)],
            page_info=SimpleNamespace(
                has_next_page=len(ordered) > first,
                has_previous_page=after is not None,
                start_cursor=cursor(kept[0]) if kept else None,
                end_cursor=cursor(kept[-1]) if kept else None,
            ),
            total_count=min(total, COUNT_LIMIT),
            total_count_capped=total > COUNT_LIMIT,
        )

    def matches(self, node: NodeType, row: dict[str, Any], where: dict[str, Any], snapshot: Snapshot) -> bool | None:
        """Three-valued, as SQL is: None where a null decides nothing."""
        results: list[bool | None] = []
        for name, operand in where.items():
            if operand is None:
                raise Refusal("BAD_FILTER", field=name)
            if name in ("and", "or"):
                inner = [self.matches(node, row, w, snapshot) for w in operand]
                results.append(_all(inner) if name == "and" else _not(_all([_not(v) for v in inner])))
            elif name == "not":
                results.append(_not(self.matches(node, row, operand, snapshot)))
            elif (extra := next((f for f in node.filters if self.composed.camel(f.name) == name), None)) is not None:
                given = Argument(None, extra.kind, operand)
                if extra.names_area and not AreaExists(given).evaluate({}, snapshot):
                    raise Refusal("UNKNOWN_AREA", area=operand[:80])
                if extra.names_area and self.composed.rooted and not area_in_endpoint(given).evaluate({}, snapshot):
                    raise Refusal("OUTSIDE_ENDPOINT")
                test: Expr = extra.test(RowOf("t"), given)
                results.append(test.evaluate({"t": row}, snapshot))
            else:
                results.append(self._matches_field(node, row, name, operand, snapshot))
        return _all(results)

    def _matches_field(
        self, node: NodeType, row: dict[str, Any], name: str, operand: Any, snapshot: Snapshot
    ) -> bool | None:
        field = self.composed.field(node, name)
        if isinstance(field, ToOneField):
            target = self.composed.type_of(field.target)
            key = row[field.column]
            if field.gate is not None and field.gate(RowOf("t")).evaluate({"t": row}, snapshot) is not True:
                return False
            found = [r for r in snapshot.rows(target.table) if key is not None and r["id"] == key]
            return any(
                (target.public_face or self._in_scope(target, r, snapshot))
                and self.matches(target, r, operand, snapshot) is True
                for r in found
            )
        assert isinstance(field, ScalarField)
        value = field.visible_expression(RowOf("t")).evaluate({"t": row}, snapshot)
        if field.kind == "id":
            value = f"{field.tag}_{value}"
        reference = isinstance(field.expression(RowOf("t")), GlobalId) or field.kind == "id"
        results = []
        for operator, wanted in operand.items():
            if wanted is None:
                raise Refusal("BAD_FILTER", field=f"{name}.{operator}")
            if reference:
                for one in wanted if isinstance(wanted, list) else [wanted]:
                    split_global(one)
            if field.kind == "id" and node.merges:
                wanted = self._kept(node, wanted, snapshot)
            results.append(_compare(operator, value, wanted))
        return _all(results)

    def _kept(self, node: NodeType, wanted: Any, snapshot: Snapshot) -> Any:
        if isinstance(wanted, list):
            return [self._kept(node, one, snapshot) for one in wanted]
        tag, id = split_global(wanted)
        return wanted if tag != node.tag else f"{tag}_{Kept(node.table, Literal(id)).evaluate({}, snapshot)}"


def _snapshot(info: Any) -> Snapshot:
    snapshot: Snapshot = info.context.snapshot
    return snapshot


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": eq, "ne": ne, "gt": gt, "gte": ge, "lt": lt, "lte": le,
}  # fmt: skip


def _compare(operator: str, value: Any, wanted: Any) -> bool | None:
    if operator == "isNull":
        return bool((value is None) == wanted)
    if value is None:
        return False if operator == "in" and not wanted else None
    if isinstance(wanted, Enum):
        wanted = wanted.value
    if operator == "in":
        return value in [w.value if isinstance(w, Enum) else w for w in wanted]
    if operator == "contains":
        return bool(wanted in value)
    if operator == "startsWith":
        return bool(value.startswith(wanted))
    return bool(_COMPARISONS[operator](value, wanted))


def _all(values: list[bool | None]) -> bool | None:
    if any(v is False for v in values):
        return False
    return None if any(v is None for v in values) else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _behind(key: Any, id: UUID, at: Any, at_id: UUID, descending: bool) -> bool:
    if key is None or at is None:
        if (key is None) != (at is None):
            return key is None
        return id < at_id if descending else id > at_id
    if key == at:
        return id < at_id if descending else id > at_id
    return bool(key < at if descending else key > at)
