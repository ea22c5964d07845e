"""One selection, one SQL expression. Each planned root becomes a scalar subselect whose value is the root's JSON.

A to-one is a correlated scalar subselect (joins inside a nested LIMIT measured three times slower on PostgreSQL); a
connection is an aggregate over its limited page. Values never reach the text: they are slots, bound per request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
)

from core.errors import GongzhiError, Refusal
from core.ids import split_global
from schema.nodes.composed import ComposedSchema, Root
from schema.nodes.declare import ConnectionField, Field, NodeType, PythonField, ScalarField, ToOneField
from schema.nodes.expressions import Column, Expr, Kept, RowOf, Slot
from schema.nodes.viewing import AreaExists, area_in_endpoint, viewer
from schema.planning import cursors
from schema.planning.arguments import Argument, Variables, check_list, read_arguments
from schema.planning.emit import Emitter, literal
from schema.planning.filters import compile_filter
from schema.planning.plan import Plan, Rows
from schema.planning.python_fields import HIDDEN

DEFAULT_PAGE = 20
MAX_PAGE = 100
COUNT_LIMIT = 10_000
MAX_CONDITIONS = 200
COUNT_ROWS = 10  # what counting, a condition, and a list that is computed are taken to cost
CONDITION_ROWS = 10
COUNTS = ("totalCount", "totalCountCapped")
SOURCE_ROWS = 100


FORMS = frozenset({"every", "one", "node", "nodes"})  # of root fields that are compiled
REFUSED = "!"  # what a root's column begins with instead of JSON: `!CODE:plugin`, `!UNKNOWN_AREA:core:nope`


class NotPlannable(GongzhiError):
    """The selection holds a field that no declaration covers."""


class Compiler:
    """Compiles the roots of one operation; also the SqlScope its expressions write themselves into."""

    def __init__(
        self,
        composed: ComposedSchema,
        graphql: GraphQLSchema,
        emitter: Emitter,
        fragments: dict[str, FragmentDefinitionNode],
        variables: Variables,
        without: frozenset[str] = frozenset(),
        cuts: bool = False,
    ) -> None:
        """`without`: plugins whose fields are left null, because a statement with them failed. `cuts`: areas have cut
        permissions, which this plan has to look at."""
        self.composed = composed
        self.graphql = graphql
        self.emit = emitter
        self.fragments = fragments
        self.variables = variables
        self.slots: list[tuple[Slot, str]] = []
        self.conditions: list[tuple[Callable[[Variables], Any], Any]] = []
        self.checks: list[Callable[[Any], Any]] = []
        self.plugins: set[str] = set()
        self._rows = [Rows(lambda v: 1)]
        self.python: list[tuple[PythonField, list[FieldNode]]] = []
        self.without = without
        self.by_row = False
        self.cuts = cuts
        self._known: dict[tuple[str, str], int] = {}
        self._aliases = 0
        self._conditions = 0
        self.areas: list[Expr] = []  # codes by which the root that is being compiled goes

    # --- SqlScope ----------------------------------------------------------------------------------------

    def _mark(self, slot: Slot, sql_type: str) -> str:
        key = (slot.name, sql_type)
        if slot.name != "argument" and key in self._known:
            return self.emit.dialect.mark(self._known[key])
        self.slots.append((slot, sql_type))
        self._known[key] = len(self.slots)
        return self.emit.dialect.mark(len(self.slots))

    def parameter(self, slot: Slot, sql_type: str) -> str:
        return self.emit.parameter(self._mark(slot, sql_type), sql_type)

    def among(self, column: str, slot: Slot, sql_type: str) -> str:
        return self.emit.among(column, self._mark(slot, f"{sql_type}[]"), sql_type)

    def below(self, slot: Slot) -> str:
        return self.emit.below(self._mark(slot, "uuid[]"))

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def literal(self, value: Any) -> str:
        return literal(value)

    def text(self, sql: str) -> str:
        return self.emit.text(sql)

    def join(self, sql: str) -> str:
        return self.emit.join(sql)

    def quoted(self, sql: str) -> str:
        return self.emit.quoted(sql)

    def kept(self, node: NodeType, id: str) -> str:
        """The SQL of an id a client gave, or of the id its row goes by since it was merged."""
        return Kept(node.table, Written(id)).sql(self) if node.merges else id

    def condition(self) -> None:
        """One more condition of a `where`; refuses TOO_MANY_CONDITIONS, because SQLite's planning cannot be stopped."""
        self._conditions += 1
        self._rows[-1].besides += CONDITION_ROWS
        if self._conditions > MAX_CONDITIONS:
            raise Refusal("TOO_MANY_CONDITIONS", limit=MAX_CONDITIONS)

    def in_known_areas(self, compile: Callable[[], str]) -> str:
        """What `compile` writes for a root, refused UNKNOWN_AREA where it goes by the code of none, and OUTSIDE_ENDPOINT
        by the code of one outside the endpoint's subtree."""
        self.areas = []
        sql = compile()
        cases = []
        for code in self.areas:
            refused = f"{literal(f'{REFUSED}UNKNOWN_AREA:core:')} || {code.sql(self)}"
            cases.append(f"WHEN NOT {AreaExists(code).sql(self)} THEN {refused}")
            if self.composed.rooted:
                refused = literal(f"{REFUSED}OUTSIDE_ENDPOINT:core")
                cases.append(f"WHEN NOT {area_in_endpoint(code).sql(self)} THEN {refused}")
        return f"(CASE {' '.join(cases)} ELSE {sql} END)" if cases else sql

    def plan(self, columns: list[str], keys: list[str], left_out: dict[str, str] | None = None) -> Plan:
        """What has been compiled, as a plan."""
        asked = self._rows[0].inside

        def estimate(variables: Variables) -> int:
            return sum(r.estimate(variables) for r in asked)

        sql = f"SELECT {', '.join(f'{c} AS r{n}' for n, c in enumerate(columns))}"
        return Plan(
            sql, self.slots, keys, self.conditions, self.checks, frozenset(self.plugins - {"core"}), self.python,
            left_out or {}, estimate,
        )  # fmt: skip

    # --- roots -------------------------------------------------------------------------------------------

    def root(self, root: Root, nodes: list[FieldNode]) -> str:
        """The JSON of one planned root as a scalar SQL expression. Raises NotPlannable for a form not in FORMS."""
        return self.in_known_areas(lambda: self._root(root, nodes))

    def _root(self, root: Root, nodes: list[FieldNode]) -> str:
        if root.form not in FORMS:
            raise NotPlannable(f"Query.{root.name}: roots of the form {root.form!r} are not compiled")
        self.plugins.add(root.plugin)
        definition = self.graphql.query_type.fields[nodes[0].name.value]  # type: ignore[union-attr]
        arguments = read_arguments(definition, nodes[0], self.variables)
        sets = [n.selection_set for n in nodes if n.selection_set]
        if root.form == "every" and root.plugin in self.without:
            return self._empty(f"{root.node.name}Connection", sets)
        if root.form == "every":
            bound = {
                name: self._source_slot(spec, arguments)
                for name, spec in (root.node.source.arguments.items() if root.node.source else ())
            }
            return self._where_on(root, bound, f"({self.connection(root.node, arguments, sets, None, bound)})")
        if root.form == "node":
            return self._node(arguments["id"], sets)
        if root.form == "nodes":
            return self._nodes(arguments["ids"], sets)
        alias = self.alias()
        t = RowOf(alias)
        if root.where is not None:
            condition = f"({root.where(t, viewer).sql(self)})"
        else:
            assert root.by is not None
            argument = arguments[root.by]
            field_ = self.composed.field(root.node, root.by)
            assert isinstance(field_, ScalarField)
            tag = field_.tag
            if field_.kind == "id":
                condition = f"{alias}.id = " + self.parameter(
                    Slot(lambda ctx: _own_id(argument.read(ctx.variables), tag)), "uuid"
                )
            else:
                slot = Slot(lambda ctx: argument.read(ctx.variables))
                condition = f"{field_.expression(t).sql(self)} = {self.parameter(slot, field_.kind)}"
        return self._one(root.node, alias, [condition, *self._scope(root.node, t)], sets)

    def _where_on(self, root: Root, bound: dict[str, str], sql: str) -> str:
        """A list that names an area is refused where its plugin is off, and outside the endpoint's subtree."""
        if root.node.source is None:
            return sql
        for name, spec in root.node.source.arguments.items():
            if not spec.names_area:
                continue
            for code, allowed in self.composed.allowed(root.plugin, Written(bound[name])):
                refused = literal(f"{REFUSED}{code}:{root.plugin}")
                sql = f"(CASE WHEN {allowed.sql(self)} THEN {sql} ELSE {refused} END)"
        return sql

    def changed(self, node: NodeType, name: str, sets: list[SelectionSetNode]) -> str:
        """A row of a payload, by what the rule calls it, read afresh: whoever has just changed it sees it; who only
        repeats a request sees what their scope shows now."""
        return self.in_known_areas(lambda: self._changed(node, name, sets))

    def _changed(self, node: NodeType, name: str, sets: list[SelectionSetNode]) -> str:
        alias = self.alias()
        changed = f"{alias}.id = {self.parameter(Slot(lambda ctx: ctx.changed.get(name)), 'uuid')}"
        scope = self._scope(node, RowOf(alias))
        if scope:
            fresh = self.parameter(Slot(lambda ctx: ctx.fresh), "bool")
            scope = [f"({fresh} OR ({' AND '.join(scope)}))"]
        return self._one(node, alias, [changed, *scope], sets)

    def _node(self, argument: Argument, sets: list[SelectionSetNode]) -> str:
        tag = _tag_of(argument.current)
        self.conditions.append((lambda v: _tag_of(argument.read(v)), tag))
        target = self.composed.by_tag.get(tag) if tag else None
        if target is None or target.source is not None or target.plugin in self.without:
            return "NULL"
        slot = Slot(lambda ctx: split_global(argument.read(ctx.variables))[1])
        return self._found(target, self.parameter(slot, "uuid"), sets)

    def _nodes(self, ids: Argument, sets: list[SelectionSetNode]) -> str:
        """An array with a row or null for each id, in their order; one branch for each type among them. The rows of a
        plugin that failed are null."""
        counts = _count_tags(ids.current)
        self.conditions.append((lambda v: _count_tags(ids.read(v)).keys(), counts.keys()))
        item = self.alias()
        cases = []
        for tag in sorted(counts):
            target = self.composed.by_tag.get(tag)
            if target is None or target.plugin in self.without:
                continue
            self._rows.append(Rows(lambda v, tag=tag: _count_tags(ids.read(v))[tag], paged=True))  # type: ignore[misc]
            self._rows[-2].inside.append(self._rows[-1])
            cases.append(f"WHEN {literal(tag)} THEN {self._found(target, f'{item}.id', sets)}")
            self._rows.pop()
        one = self._nullable(f"CASE {item}.tag {' '.join(cases)} END" if cases else "NULL")
        mark = self._mark(Slot(lambda ctx: ids.read(ctx.variables)), "text[]")
        return f"(SELECT {self.emit.array(one, None)} FROM ({self.emit.ids(mark)}) {item})"

    def _found(self, node: NodeType, id: str, sets: list[SelectionSetNode]) -> str:
        """The row with this id, or the one it was merged into, if the viewer may see it; else NULL."""
        alias = self.alias()
        condition = f"{alias}.id = {self.kept(node, id)}"
        return self._one(node, alias, [condition, *self._scope(node, RowOf(alias))], sets)

    def _source_slot(self, spec: Any, arguments: dict[str, Argument]) -> str:
        argument = arguments.get(spec.of)
        if argument is None:
            slot = Slot(lambda ctx: spec.bind(None, ctx))
        else:
            slot = Slot(lambda ctx, a=argument: spec.bind(a.read(ctx.variables), ctx))  # type: ignore[misc]
        return self.parameter(slot, spec.sql_type)

    # --- objects -----------------------------------------------------------------------------------------

    def _one(self, node: NodeType, alias: str, conditions: list[str], sets: list[SelectionSetNode]) -> str:
        body = self.object(node, alias, sets)
        where = " AND ".join(c for c in [*conditions, *self._kind(node, alias)] if c)
        return f"(SELECT {body} FROM {node.table} {alias} WHERE {where})"

    def _kind(self, node: NodeType, alias: str) -> list[str]:
        if node.interface is None or node.kind is None:
            return []
        return [f"{alias}.{node.interface.discriminator} = {literal(node.kind.value)}"]

    def _scope(self, node: NodeType, t: RowOf) -> list[str]:
        self.plugins.add(node.plugin)
        return [f"({condition.sql(self)})" for condition in self.composed.conditions(node, t)]

    def object(self, node: NodeType, alias: str, sets: list[SelectionSetNode]) -> str:
        """The JSON object of the row known as `alias`; for an interface, one shape per concrete type in it."""
        variants = node.variants()
        shapes = [(v, self._collect(sets, v)) for v in variants]
        if len(shapes) == 1:
            return self._object(shapes[0][0], alias, shapes[0][1])
        first_nodes = _identity(shapes[0][1])
        same_fields = all(_identity(g) == first_nodes for _, g in shapes)
        if same_fields:
            return self._object(node, alias, shapes[0][1])
        cases = []
        for variant, groups in shapes:
            assert variant.kind is not None
            cases.append(f"WHEN {literal(variant.kind.value)} THEN {self._object(variant, alias, groups)}")
        return f"CASE {alias}.{node.discriminator} {' '.join(cases)} END"

    def _object(self, node: NodeType, alias: str, groups: dict[str, list[FieldNode]]) -> str:
        return self.emit.object([(key, self._field(node, alias, nodes)) for key, nodes in groups.items()])

    def _field(self, node: NodeType, alias: str, nodes: list[FieldNode]) -> str:
        name = nodes[0].name.value
        if name == "__typename":
            if not node.is_interface:
                return self.emit.string(node.name)
            names = " ".join(
                f"WHEN {literal(v.kind.value)} THEN {self.emit.string(v.name)}" for v in node.concrete if v.kind
            )
            return f"CASE {alias}.{node.discriminator} {names} END"
        declared = self.composed.field(node, name)
        self.plugins.add(declared.plugin)
        if declared.plugin in self.without and declared.plugin != node.plugin:
            return self._nothing(declared, nodes)
        t = RowOf(alias)
        if isinstance(declared, PythonField):
            self.python.append((declared, nodes))
            if declared.cost:
                worked_out = Rows(lambda v: 0)
                worked_out.besides = declared.cost
                self._rows[-1].inside.append(worked_out)
            columns = [(k, self.emit.value(e.sql(self), "text")) for k, e in declared.columns(t).items()]
            return self.emit.object([(f"{HIDDEN}{len(self.python) - 1}", self.emit.object(columns))])
        if isinstance(declared, ScalarField):
            value = declared.visible_expression(t)
            nullable = not (isinstance(value, Column) and node.is_required(value.name))
            self.by_row = True
            sql, self.by_row = value.sql(self), False
            return self.emit.value(sql, declared.kind, declared.tag, nullable=nullable)
        sets = [n.selection_set for n in nodes if n.selection_set]
        if isinstance(declared, (ToOneField, ConnectionField)):
            target = self.composed.type_of(declared.target)
            if target.plugin in self.without and target.plugin != node.plugin:
                return self._nothing(declared, nodes)
        if isinstance(declared, ToOneField):
            inner = self.alias()
            conditions = [f"{inner}.id = {alias}.{declared.column}"]
            if declared.gate is not None:
                conditions.append(f"({declared.gate(t).sql(self)})")
            if not target.public_face:
                conditions += self._scope(target, RowOf(inner))
            one = self._one(target, inner, conditions, sets)
            is_there = len(conditions) == 1 and target.kind is None and node.is_required(declared.column)
            return one if is_there else self._nullable(one)
        if isinstance(declared, ConnectionField):
            definition = self._definition(node, name)
            arguments = read_arguments(definition, nodes[0], self.variables)
            condition = declared.condition
            return f"({self.connection(target, arguments, sets, lambda c: condition(c, t))})"
        raise NotPlannable(f"{node.name}.{name} is not declared, so it cannot be planned")

    def _nothing(self, declared: Field, nodes: list[FieldNode]) -> str:
        """What a field shows whose plugin failed: null, or an empty page."""
        if not isinstance(declared, ConnectionField):
            return "NULL" if self.emit.dialect.name == "sqlite" else "'null'"
        name = f"{self.composed.type_of(declared.target).name}Connection"
        return self._empty(name, [n.selection_set for n in nodes if n.selection_set])

    def _empty(self, type_name: str, sets: list[SelectionSetNode]) -> str:
        constants = {
            "nodes": "[]", "edges": "[]", "totalCount": "0", "totalCountCapped": "false",
            "hasNextPage": "false", "hasPreviousPage": "false", "startCursor": "null", "endCursor": "null",
        }  # fmt: skip
        pairs = []
        for key, nodes in self._collect(sets, None).items():
            name = nodes[0].name.value
            if name == "__typename":
                pairs.append((key, self.emit.string(type_name)))
            elif name == "pageInfo":
                pairs.append((key, self._empty("PageInfo", [n.selection_set for n in nodes if n.selection_set])))
            else:
                pairs.append((key, self.emit.value(literal(constants[name]), "json")))
        return self.emit.object(pairs)

    def _definition(self, node: NodeType, name: str) -> Any:
        graphql_type = self.graphql.type_map[node.name]
        return graphql_type.fields[name]  # type: ignore[attr-defined]

    def _nullable(self, sql: str) -> str:
        return sql if self.emit.dialect.name == "sqlite" else f"coalesce({sql}, 'null')"

    # --- connections -------------------------------------------------------------------------------------

    def connection(
        self,
        node: NodeType,
        arguments: dict[str, Argument],
        sets: list[SelectionSetNode],
        belongs: Callable[[RowOf], Expr] | None,
        source: dict[str, str] | None = None,
    ) -> str:
        """`SELECT <json of the connection>`: a page of rows that belong, are in scope and match `where`."""
        first = arguments.get("first")
        self._rows.append(Rows(lambda v: DEFAULT_PAGE if first is None else _page_size(first.read(v))))
        self._rows[-2].inside.append(self._rows[-1])
        try:
            return self._connection(node, arguments, sets, belongs, source)
        finally:
            self._rows.pop()

    def _connection(
        self,
        node: NodeType,
        arguments: dict[str, Argument],
        sets: list[SelectionSetNode],
        belongs: Callable[[RowOf], Expr] | None,
        source: dict[str, str] | None,
    ) -> str:
        groups = self._collect(sets, None)
        order, column, kind, nullable, descending = self._order(node, arguments.get("orderBy"))
        asked: dict[str, dict[str, list[FieldNode]]] = {
            name: self._collect([n.selection_set for n in nodes if n.selection_set], None)
            for key, nodes in groups.items()
            if (name := nodes[0].name.value) in ("pageInfo",)
        }
        info = {nodes[0].name.value for g in asked.values() for nodes in g.values()}
        numbered = bool(info & {"hasNextPage", "startCursor", "endCursor"})
        # Without an aggregate over them, rows may not be read: the connection is one object, however many there are.
        paged = numbered or any(n[0].name.value in ("nodes", "edges") for n in groups.values())
        self._rows[-1].paged = paged
        outer = self.alias()
        first, after = arguments.get("first"), arguments.get("after")
        limit = self._limit(first) if paged else ""
        page = f"{outer}.gz_n <= {limit}" if numbered else None

        def cursor(alias: str) -> str:
            key = "" if column == "id" else f"coalesce(':' || {self.emit.plain(f'{alias}.{column}', kind)}, '')"
            parts = [literal(order + "."), self.emit.text(f"{alias}.id"), *([key] if key else [])]
            return "(" + " || ".join(parts) + ")"

        pairs = []
        for key, nodes in groups.items():
            name = nodes[0].name.value
            inner = [n.selection_set for n in nodes if n.selection_set]
            if name == "nodes":
                pairs.append((key, self.emit.array(self.object(node, outer, inner), page)))
            elif name == "edges":
                pairs.append((key, self.emit.array(self._edge(node, outer, inner, cursor), page)))
            elif name == "pageInfo":
                pairs.append((key, self._page_info(node, asked_by(inner, self), outer, limit, page, cursor, arguments)))
            elif name in COUNTS:
                pairs.append((key, self._count(node, arguments, belongs, source, name)))
            elif name == "__typename":
                pairs.append((key, self.emit.string(f"{node.name}Connection")))
            else:
                raise NotPlannable(f"{node.name}Connection.{name}")
        if not paged:
            if first is not None:
                self.checks.append(lambda ctx: _page_size(first.read(ctx.variables)))
            if after is not None and not after.is_null:
                self.checks.append(lambda ctx: cursors.parse(after.read(ctx.variables), order, kind))
            # What a computed list is given must be mentioned: PostgreSQL takes no parameter of which it knows no type.
            given = f" FROM (SELECT {', '.join(source.values())}) {self.alias()}" if source else ""
            where = arguments.get("where")
            if where is not None and not where.is_null and not any(n[0].name.value in COUNTS for n in groups.values()):
                # Nothing is looked for, but what is wrong with the condition is told.
                _, body = self._body(node, arguments, belongs, source)
                given = f" FROM (SELECT 1 AS one WHERE NOT EXISTS (SELECT 1 {body} LIMIT 0)) {self.alias()}"
            return f"SELECT {self.emit.object(pairs)}{given}"
        alias, body = self._body(node, arguments, belongs, source)
        if after is not None and not after.is_null:
            body += " AND " + self._after(after, alias, order, column, kind, nullable, descending)
        direction = " DESC" if descending else ""
        keys = [f"{alias}.{column}{direction}{' NULLS LAST' if nullable else ''}"] if column != "id" else []
        keys.append(f"{alias}.id{direction}")
        rows = f"SELECT {alias}.* {body} ORDER BY {', '.join(keys)} LIMIT {limit}{' + 1' if numbered else ''}"
        if numbered:
            rows = f"SELECT q.*, row_number() OVER () AS gz_n FROM ({rows}) q"
        return f"SELECT {self.emit.object(pairs)} FROM ({rows}) {outer}"

    def _body(
        self,
        node: NodeType,
        arguments: dict[str, Argument],
        belongs: Callable[[RowOf], Expr] | None,
        source: dict[str, str] | None,
    ) -> tuple[str, str]:
        alias = self.alias()
        t = RowOf(alias)
        conditions = [f"({belongs(t).sql(self)})"] if belongs else []
        conditions += self._kind(node, alias) + self._scope(node, t)
        where = arguments.get("where")
        if where is not None and not where.is_null:
            conditions.append(compile_filter(self, self.composed, node, alias, where))
        table = node.table
        if node.source is not None:
            self._rows[-1].besides += SOURCE_ROWS
            table = "(" + node.source.sql
            for name, mark in (source or {}).items():
                table = table.replace(f":{name}:", mark)
            table += ")"
        return alias, f"FROM {table} {alias} WHERE {' AND '.join(conditions) or '1 = 1'}"

    def _order(self, node: NodeType, argument: Argument | None) -> tuple[str, str, str, bool, bool]:
        """Name, column, kind, may be null, descending."""
        if argument is not None and not argument.is_null:
            name = str(getattr(argument.current, "value", argument.current))
        else:
            name = self.composed.default_order(node)
        if name in ("ID_ASC", "ID_DESC"):
            return name, "id", "id", False, name == "ID_DESC"
        field_, descending = self.composed.order(node, name)
        expression = field_.expression(RowOf("o"))
        assert isinstance(expression, Column)
        return name, expression.name, field_.kind, field_.nullable, descending

    def _limit(self, first: Argument | None) -> str:
        if first is None or first.is_null:
            return self.parameter(Slot(lambda ctx: DEFAULT_PAGE, "default page"), "int")
        return self.parameter(Slot(lambda ctx: _page_size(first.read(ctx.variables))), "int")

    def _after(
        self, after: Argument, alias: str, order: str, column: str, kind: str, nullable: bool, descending: bool
    ) -> str:
        sign = "<" if descending else ">"
        sql_type = {"enum": "text", "reference": "text", "id": "uuid"}.get(kind, kind)

        def part(index: int) -> Slot:
            return Slot(lambda ctx: cursors.parse(after.read(ctx.variables), order, kind)[index])

        id = self.parameter(part(1), "uuid")
        if column == "id":
            return f"{alias}.id {sign} {id}"
        key = self.parameter(part(0), sql_type)
        if not nullable:
            return f"({alias}.{column}, {alias}.id) {sign} ({key}, {id})"
        k = f"{alias}.{column}"
        return (
            f"(({key} IS NOT NULL AND ({k} IS NULL OR {k} {sign} {key} OR ({k} = {key} AND {alias}.id {sign} {id})))"
            f" OR ({key} IS NULL AND {k} IS NULL AND {alias}.id {sign} {id}))"
        )

    def _edge(self, node: NodeType, alias: str, sets: list[SelectionSetNode], cursor: Callable[[str], str]) -> str:
        pairs = []
        for key, nodes in self._collect(sets, None).items():
            name = nodes[0].name.value
            if name == "cursor":
                pairs.append((key, self.emit.value(cursor(alias), "text")))
            elif name == "node":
                inner = [n.selection_set for n in nodes if n.selection_set]
                pairs.append((key, self.object(node, alias, inner)))
            else:
                pairs.append((key, self.emit.string(f"{node.name}Edge")))
        return self.emit.object(pairs)

    def _page_info(
        self,
        node: NodeType,
        groups: dict[str, list[FieldNode]],
        outer: str,
        limit: str,
        page: str | None,
        cursor: Callable[[str], str],
        arguments: dict[str, Argument],
    ) -> str:
        after = arguments.get("after")
        pairs = []
        for key, nodes in groups.items():
            name = nodes[0].name.value
            if name == "hasNextPage":
                value = self.emit.value(f"(count(*) > {limit})", "bool")
            elif name == "hasPreviousPage":
                value = self.emit.value(literal(after is not None and not after.is_null), "bool")
            elif name in ("startCursor", "endCursor"):
                pad = "printf('%04d', {n})" if self.emit.dialect.name == "sqlite" else "lpad({n}::text, 4, '0')"
                keyed = pad.replace("{n}", f"{outer}.gz_n") + f" || {cursor(outer)}"
                function = "min" if name == "startCursor" else "max"
                value = self.emit.value(f"substr({function}({keyed}) FILTER (WHERE {page}), 5)", "text")
            else:
                value = self.emit.string("PageInfo")
            pairs.append((key, value))
        return self.emit.object(pairs)

    def _count(
        self,
        node: NodeType,
        arguments: dict[str, Argument],
        belongs: Callable[[RowOf], Expr] | None,
        source: dict[str, str] | None,
        name: str,
    ) -> str:
        self._rows[-1].besides += COUNT_ROWS
        _, body = self._body(node, arguments, belongs, source)
        if self.emit.dialect.name == "sqlite":
            value = f"min(count(*), {COUNT_LIMIT})"
            if name == "totalCountCapped":
                value = self.emit.value(f"count(*) > {COUNT_LIMIT}", "bool")
            return f"(SELECT {value} {body})"
        value = self.emit.value(f"least(count(*), {COUNT_LIMIT})", "int", nullable=False)
        if name == "totalCountCapped":
            value = self.emit.value(f"(count(*) > {COUNT_LIMIT})", "bool", nullable=False)
        return f"(SELECT {value} FROM (SELECT 1 {body} LIMIT {COUNT_LIMIT + 1}) q)"

    # --- selections --------------------------------------------------------------------------------------

    def _collect(self, sets: Iterable[SelectionSetNode], variant: NodeType | None) -> dict[str, list[FieldNode]]:
        """GraphQL's CollectFields for a known concrete type; `None` where no fragment condition can differ."""
        groups: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selections in sets:
            self._collect_into(selections, variant, groups, seen)
        return groups

    def _collect_into(
        self, selections: SelectionSetNode, variant: NodeType | None, groups: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for selection in selections.selections:
            if not self.included(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                groups.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self._applies(condition.name.value, variant):
                    self._collect_into(selection.selection_set, variant, groups, seen)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self.fragments[name]
                if name not in seen and self._applies(fragment.type_condition.name.value, variant):
                    seen.add(name)
                    self._collect_into(fragment.selection_set, variant, groups, seen)

    def included(self, selection: Any) -> bool:
        """@skip and @include; the directive's variable is part of the plan's key."""
        for directive in selection.directives or ():
            if directive.name.value in ("skip", "include"):
                given = directive.arguments[0].value
                value = self.variables[given.name.value] if isinstance(given, VariableNode) else given.value
                if value is (directive.name.value == "skip"):
                    return False
        return True

    def _applies(self, condition: str, variant: NodeType | None) -> bool:
        if variant is None:
            return True
        above = variant.interface.name if variant.interface else None
        return condition in (variant.name, above, "Node")


@dataclass(frozen=True, eq=False)
class Written(Expr):
    """SQL that is already written (a bound parameter)."""

    text: str

    def sql(self, scope: Any) -> str:
        return self.text


def asked_by(sets: list[SelectionSetNode], compiler: Compiler) -> dict[str, list[FieldNode]]:
    return compiler._collect(sets, None)


def _identity(groups: dict[str, list[FieldNode]]) -> list[tuple[str, list[int]]]:
    return [(key, [id(n) for n in nodes]) for key, nodes in groups.items()]


def _page_size(value: Any) -> int:
    if value is None:
        return DEFAULT_PAGE
    if not 0 <= value <= MAX_PAGE:
        raise Refusal("BAD_PAGE_SIZE", given=value, limit=MAX_PAGE)
    return int(value)


def _own_id(value: Any, tag: str | None) -> Any:
    found, id = split_global(value)
    return id if found == tag else None


def _tag_of(value: Any) -> str | None:
    return split_global(value)[0] if isinstance(value, str) else None


def _count_tags(ids: list[str]) -> Counter[str]:
    """How many ids of each type; refuses TOO_MANY_VALUES before it looks at them, and BAD_ID."""
    return Counter(split_global(id)[0] for id in check_list(ids))
