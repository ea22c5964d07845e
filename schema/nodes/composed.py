"""What the declarations of core and the installed plugins add up to: types, fields with their owners, roots, orders.

Additive only, the owner wins: two fields of one name on one type, or two types of one name, are a boot error that
names both plugins, the field and the files. Every problem is collected before anything is raised.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from core.database.guards import Index, guards_of
from core.errors import ConfigurationError
from core.models import AreaClosure, PluginArea
from core.problems import Problem
from schema.decisions import Decision, actions_on, allowed_actions, columns_of
from schema.mutations import MutationDeclaration
from schema.nodes.declare import (
    ACTIONS,
    Catalogue,
    Connection,
    ConnectionField,
    Field,
    FilterField,
    NodeType,
    PythonField,
    ScalarField,
    ToOneField,
    _Pending,
    owner_of,
    read_fields,
)
from schema.nodes.expressions import Column, Expr, Literal, RowOf
from schema.nodes.telling import Public, unasked, walk
from schema.nodes.viewing import Enabled, InEndpoint, viewer

OF_AREAS = {AreaClosure, PluginArea}  # have no type of their own, and tell of areas only: those are public


class Query:
    """Root of reads. Core and plugins add fields with `@extend(Query)`."""


@dataclass
class Root(Field):
    """A planned root field: a list (`every`), the row a condition or a unique field names (`one`), `node`, or `nodes`."""

    form: str = "every"
    node: NodeType = field(default=None)  # type: ignore[assignment]
    by: str | None = None
    where: Callable[[RowOf, Any], Expr] | None = None


@dataclass
class PlainRoot:
    """A root field that a plain Strawberry resolver answers; it is not planned. `why` is empty where nobody said so."""

    name: str
    field: StrawberryField
    plugin: str

    @property
    def why(self) -> str:
        return str(self.field.metadata.get(WHY, ""))

    @property
    def scope(self) -> Public | ByRule | None:
        """Who may see what it answers; None where nobody said so."""
        found = self.field.metadata.get(SCOPE)
        return found if isinstance(found, (Public, ByRule)) else None


@dataclass(frozen=True)
class ByRule:
    """A resolver that asks a rule, which requires `permission`."""

    permission: str


WHY, SCOPE = "gongzhi.why", "gongzhi.scope"  # in a Strawberry field's metadata


def plain(*, why: str, scope: Public | ByRule, description: str) -> Any:
    """A root field that its resolver answers, for what no statement can: `@plain(why=…, scope=…)` above the method.

    `gongzhi schema fallbacks` tells the `why`. `scope` is `public("why everybody may see it")`, or `ByRule(permission)`
    where the resolver asks a rule.
    """
    return strawberry.field(description=description, metadata={WHY: why, SCOPE: scope})


def every(*, description: str | None = None) -> Any:
    """A root list: `activities: Connection[Activity] = every()`."""
    return _Pending("every", {}, description)


def one(
    by: str | None = None, *, where: Callable[[RowOf, Any], Expr] | None = None, description: str | None = None
) -> Any:
    """A root row: by a unique field (`one("code")`), or by a condition on the viewer."""
    return _Pending("one", dict(by=by, where=where), description)


def conditions(node: NodeType, t: RowOf, rooted: bool) -> list[Expr]:
    """A row is in scope, where its plugin is on, and for the endpoint of one area (`rooted`) in its subtree."""
    found = [] if node.is_public else [node.scope(t, viewer)]
    if node.place is None:
        return found
    if node.plugin != "core":
        found.append(Enabled(node.plugin, node.place(t), node.place_may_be_null))
    if rooted:
        found.append(InEndpoint(node.place(t)))
    return found


class ComposedSchema:
    """The declared API, resolved. Raises ConfigurationError with every problem."""

    def __init__(
        self,
        catalogue: Catalogue,
        plugins: Set[str],
        *,
        rooted: bool = False,
        mutations: Sequence[MutationDeclaration] = (),
    ) -> None:
        """`rooted`: for the endpoint of one area; every list shows rows of its subtree only. `mutations`: what every
        node's `allowedActions` speaks of."""
        self.camel = to_camel_case
        self.mutations = mutations
        self.rooted = rooted
        self.plugins = frozenset(plugins) - {"core"}
        self.types: dict[type, NodeType] = {}
        self.by_tag: dict[str, NodeType] = {}
        self.roots: dict[str, Root] = {
            "node": Root(
                name="node", description="Any node by its id; hidden and missing look the same (节点).", nullable=True,
                form="node", file=__file__,
            ),
            "nodes": Root(
                name="nodes", form="nodes", file=__file__,
                description="Nodes by their ids, at most 100, in the same order; null for what is hidden or missing (按编号取多个节点).",
            ),
        }  # fmt: skip
        self._fields: dict[tuple[str, str], Field] = {}
        self.plain_roots: dict[str, PlainRoot] = {}
        self.problems: list[Problem] = []
        names: dict[str, NodeType] = {}
        for origin, node in catalogue.types.items():
            if node.plugin not in plugins:
                continue
            if node.name in names:
                self._wrong(
                    node.plugin, f"type {node.name}: declared by {names[node.name].plugin} and by {node.plugin}"
                )
                continue
            # The catalogue is shared by every schema of the process; what is resolved here belongs to this one.
            node = replace(node, fields={}, concrete=[])
            names[node.name] = node
            self.types[origin] = node
            node.fields["id"] = ScalarField(
                name="id", expression=lambda t: t.id, kind="id", tag=node.tag, plugin=node.plugin
            )
            if node.interface is None and node.source is None:
                self.by_tag[node.tag] = node
        for node in self.types.values():
            if node.interface is not None:
                node.interface = self.types[node.interface.origin]
                node.interface.concrete.append(node)
        for node in self.types.values():
            self._add(node, node.origin.__gz_declaration__)  # type: ignore[attr-defined]
        for target, cls in catalogue.extensions:
            if owner_of(cls) not in plugins:
                continue
            if target is Query:
                self._add_roots(cls)
            elif target in self.types:
                self._add(self.types[target], cls)
        for node in self.types.values():
            if node.interface is None:
                node.fields["allowed_actions"] = self._allowed_actions(node)
        for node in self.types.values():
            if node.interface is not None:
                node.fields = {**node.interface.fields, **node.fields}
            for declared in node.fields.values():
                self._fields[(node.name, self.camel(declared.name))] = declared
        self._check()
        if self.problems:
            raise ConfigurationError(*self.problems)

    def _allowed_actions(self, node: NodeType) -> PythonField:
        actions = actions_on(node, self.mutations, self.camel)
        return PythonField(
            name="allowed_actions", description=ACTIONS, plugin=node.plugin, file=__file__, settings=False,
            discloses="Whether the viewer may do something is the viewer's; of what it rests on nothing else is told.",
            compute=lambda values, facts: allowed_actions(actions, values, facts),
            columns=lambda t: columns_of(node, t, actions), annotation=list[Decision],
        )  # fmt: skip

    def _add(self, node: NodeType, cls: type) -> None:
        try:
            fields = read_fields(cls, node)
        except ConfigurationError as error:
            for line in error.lines():
                self._wrong(owner_of(cls), line)
            return
        for name, made in fields.items():
            taken = node.fields.get(name)
            if taken is None and node.interface is not None:
                taken = node.interface.fields.get(name)
            if taken is not None:
                self._wrong(
                    made.plugin,
                    f"{node.name}.{self.camel(name)}: declared by {taken.plugin} ({taken.file})"
                    f" and by {made.plugin} ({made.file})",
                )
                continue
            if made.plugin != node.plugin:
                made = self._across(node, made)
            node.fields[name] = made

    def _wrong(self, plugin: str, what: str) -> None:
        self.problems.append(Problem("BAD_DECLARATION", {"what": what}, plugin=plugin))

    def _across(self, node: NodeType, made: Field) -> Field:
        """A field on somebody else's type is seen only where its plugin is on, so it may always be null."""
        where = f"{node.name}.{self.camel(made.name)} ({made.file})"
        place, plugin = node.place, made.plugin
        if not isinstance(made, ConnectionField) and not made.nullable:
            self._wrong(plugin, f"{where}: a field on another's type must be nullable, for where {plugin} is off")
        if place is None:
            return made

        def on(t: RowOf) -> Expr:
            return Enabled(plugin, place(t), node.place_may_be_null)

        if isinstance(made, ScalarField):
            seen = made.visible
            return replace(made, visible=lambda t, v: on(t) if seen is None else on(t) & seen(t, v))
        if isinstance(made, ToOneField):
            gate = made.gate
            return replace(made, gate=on if gate is None else lambda t: on(t) & gate(t))
        if isinstance(made, ConnectionField):
            belongs = made.condition
            return replace(made, condition=lambda c, t: belongs(c, t) & on(t))
        return made

    def conditions(self, node: NodeType, t: RowOf) -> list[Expr]:
        """Which rows may be met through a list, a filter or an id."""
        return conditions(node, t, self.rooted)

    def allowed(self, plugin: str, area: Expr) -> list[tuple[str, Expr]]:
        """What must hold of an area that a root of `plugin` names, each with the code of its refusal; the last counts
        first."""
        found: list[tuple[str, Expr]] = [] if plugin == "core" else [("PLUGIN_DISABLED", Enabled(plugin, area))]
        return [*found, ("OUTSIDE_ENDPOINT", InEndpoint(area))] if self.rooted else found

    def _add_roots(self, cls: type) -> None:
        module = sys.modules[cls.__module__]
        for name, pending in vars(cls).items():
            if isinstance(pending, StrawberryField):
                self._add_plain(name, pending, cls)
                continue
            if not isinstance(pending, _Pending):
                continue
            hint = cls.__annotations__[name]
            if isinstance(hint, str):
                hint = eval(hint, {**vars(module), "Connection": Connection})
            candidates = [a for a in typing.get_args(hint) if a is not type(None)]
            target = candidates[0] if candidates else hint
            public = self.camel(name)
            if self._taken(public, cls):
                continue
            if target not in self.types:
                self._wrong(owner_of(cls), f"Query.{public} ({module.__file__}): {target!r} is no declared node")
                continue
            self.roots[public] = Root(
                name=name,
                description=pending.description,
                plugin=owner_of(cls),
                nullable=pending.form == "one",
                file=module.__file__ or "",
                form=pending.form,
                node=self.types[target],
                by=pending.options.get("by"),
                where=pending.options.get("where"),
            )

    def _add_plain(self, name: str, made: StrawberryField, cls: type) -> None:
        public, owner = self.camel(name), owner_of(cls)
        if self._taken(public, cls):
            return
        made.python_name = name
        root = self.plain_roots[public] = PlainRoot(name, made, owner)
        if root.scope is None or not (root.scope.why if isinstance(root.scope, Public) else root.scope.permission):
            self._wrong(
                owner,
                f'Query.{public}: who sees what it answers? Declare it with @plain(why=…, scope=public("why everybody'
                ' may")), or scope=ByRule(permission)',
            )

    def _taken(self, public: str, cls: type) -> bool:
        taken = self.roots.get(public) or self.plain_roots.get(public)
        if taken is not None:
            file = getattr(sys.modules[cls.__module__], "__file__", cls.__module__)
            self._wrong(owner_of(cls), f"Query.{public}: declared by {taken.plugin} and by {owner_of(cls)} ({file})")
        return taken is not None

    def _check(self) -> None:
        for node in self.types.values():
            if self.default_order(node) not in self.orders(node):
                self._wrong(node.plugin, f"{node.name}: order={node.order!r} is no field declared with order=True")
            if node.plugin != "core" and node.place is None and node.source is None:
                self._wrong(
                    node.plugin, f"{node.name}: say where a row lies with place=…, because it has no column area_id"
                )
            indexed = {c for g in guards_of(node.model) if isinstance(g, Index) for c in g.columns}
            indexed.add(node.model._meta.db_pk_column)
            for declared in node.fields.values():
                self._check_field(node, declared, indexed)
            for test in node.filters:
                self._check_filter(node, test)
        self._check_searchable()

    def _check_field(self, node: NodeType, declared: Field, indexed: Set[str]) -> None:
        where = f"{node.name}.{self.camel(declared.name)} ({declared.file})"
        if isinstance(declared, (ToOneField, ConnectionField)) and declared.target not in self.types:
            self._wrong(declared.plugin, f"{where}: {declared.target!r} is no declared node")
        try:
            if isinstance(declared, ScalarField):
                self._check_scalar(node, declared, where, indexed)
                self._check_told(declared, declared.plugin, where, [declared.visible_expression(RowOf("t"))])
            elif isinstance(declared, PythonField):
                self._check_told(declared, declared.plugin, where, declared.columns(RowOf("t")).values())
            elif isinstance(declared, ConnectionField):
                self._check_told(declared, declared.plugin, where, [declared.condition(RowOf("c"), RowOf("t"))])
        except Exception as error:
            self._wrong(declared.plugin, f"{where}: its expression raises {type(error).__name__}: {error}")
        if isinstance(declared, ToOneField) and not declared.nullable:
            target = self.types.get(declared.target)
            if target is not None and not target.public_face:
                self._wrong(
                    declared.plugin,
                    f"{where}: a to-one to {target.name} must be nullable, because a scope may hide the row",
                )

    def _check_scalar(self, node: NodeType, declared: ScalarField, where: str, indexed: Set[str]) -> None:
        expression = declared.expression(RowOf("t"))
        if isinstance(expression, Column) and node.source is None:
            columns = set(node.model._meta.fields_db_projection.values())
            if expression.name not in columns:
                self._wrong(declared.plugin, f"{where}: {node.table} has no column {expression.name}")
        if not declared.sortable:
            return
        if not isinstance(expression, Column) or declared.visible is not None:
            self._wrong(declared.plugin, f"{where}: only a plain, visible column can be an order")
        elif node.source is None and expression.name not in indexed:
            self._wrong(declared.plugin, f"{where}: order=True needs an index on {expression.name}")

    def _check_told(self, declared: Field | FilterField, plugin: str, where: str, expressions: Iterable[Expr]) -> None:
        """What is worked out from rows of another table tells of them: not everybody may know."""
        if declared.discloses:
            return
        everybodys = {n.model for n in self.types.values() if n.is_public and n.source is None} | OF_AREAS
        for model in {m for e in expressions for m in unasked(e)} - everybodys:
            self._wrong(
                plugin,
                f"{where}: it tells of {model._meta.db_table}, of which not everybody sees every row; ask the viewer"
                " there, make it visible=…, or say in discloses=… why it may",
            )

    def _check_filter(self, node: NodeType, test: FilterField) -> None:
        """A filter of its own may ask only for what everybody sees who sees the row."""
        expression = test.test(RowOf("t"), Literal(None))
        where = f"{node.name}: filter {self.camel(test.name)}"
        shown = {"id"}
        for declared in node.fields.values():
            if isinstance(declared, ToOneField):
                shown.add(declared.column)
            elif isinstance(declared, ScalarField) and declared.visible is None:
                column = declared.expression(RowOf("t"))
                shown |= {column.name} if isinstance(column, Column) else set()
        for part in walk(expression):
            if isinstance(part, Column) and part.owner == "t" and part.name not in shown:
                self._wrong(
                    node.plugin, f"{where}: it asks for {part.name}, which no field shows to all who see the row"
                )
        self._check_told(test, node.plugin, where, [expression])

    def _check_searchable(self) -> None:
        """Names that everybody finds belong to rows that everybody sees; personal ones have a scope of their own."""
        for node in self.types.values():
            found = getattr(node.model, "searchable", None) is not None and node.source is None and not node.public_face
            if found and not node.is_public:
                self._wrong(
                    node.plugin, f"{node.name}: searchable, so everybody finds it by name, but not everybody sees it"
                )

    def type_of(self, target: type) -> NodeType:
        return self.types[target]

    def field(self, node: NodeType, public: str) -> Field:
        """The field with this GraphQL name; raises KeyError for one nobody declared."""
        return self._fields[(node.name, public)]

    def public_fields(self, node: NodeType) -> dict[str, Field]:
        return {self.camel(f.name): f for f in node.fields.values()}

    # --- orders ------------------------------------------------------------------------------------------

    def orders(self, node: NodeType) -> dict[str, tuple[ScalarField, bool]]:
        """Order names: `STARTS_AT_ASC` → (field, descending). ID_ASC and ID_DESC are always there."""
        found: dict[str, tuple[ScalarField, bool]] = {}
        for declared in node.fields.values():
            if isinstance(declared, ScalarField) and (declared.sortable or declared.kind == "id"):
                found[declared.name.upper() + "_ASC"] = (declared, False)
                found[declared.name.upper() + "_DESC"] = (declared, True)
        return found

    def order(self, node: NodeType, name: str) -> tuple[ScalarField, bool]:
        return self.orders(node)[name]

    def default_order(self, node: NodeType) -> str:
        return node.order.lstrip("-").upper() + ("_DESC" if node.order.startswith("-") else "_ASC")
