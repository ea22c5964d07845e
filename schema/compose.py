"""One GraphQL schema from the declarations of core and the installed plugins.

Strawberry builds the types, so that a plugin's plain Strawberry fields work from its first day; node types get their
fields here (`get_fields`), and their resolvers are set on the built schema.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Set
from datetime import date, datetime
from typing import Any, Optional

import strawberry
from graphql import GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.info import Info

from core.access import PermissionBook
from core.errors import ConfigurationError
from core.problems import Problem
from schema.inputs import InputFactory, expose_enums
from schema.mutations import (
    MUTATIONS,
    Batch,
    ConflictError,
    MutationDeclaration,
    Needs,
    PermissionError,
    RuleError,
    UserError,
    camel_type,
    payload_name,
)
from schema.nodes.composed import ComposedSchema, Root
from schema.nodes.declare import CATALOGUE, ConnectionField, Field, Node, NodeType, PythonField, ScalarField, ToOneField
from schema.plain import PlainExecutor
from schema.scalars import JSON, SCALARS, Long
from schema.sign_in import SIGN_IN_FIELDS


@strawberry.type(description="Where a page lies in its list (分页信息).")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(name="Query", description="Reads (查询).")
class QueryType:
    pass


class CommunitySchema(strawberry.Schema):
    """The composed schema: `get_fields` answers for node types and roots."""

    def __init__(self, composed: ComposedSchema, mutation: type) -> None:
        self.composed = composed
        self.has_resolvers = False
        self.mutations: dict[str, MutationDeclaration] = {}  # by their names in the contract
        self.inputs = InputFactory(composed)
        self._made: dict[type, list[StrawberryField]] = {}
        self._connections: dict[str, type] = {}
        by_origin = composed.types
        self._by_origin = by_origin
        concrete = [n.origin for n in by_origin.values() if not n.is_interface]
        super().__init__(
            query=QueryType,
            mutation=mutation,
            types=[*concrete, RuleError, PermissionError, ConflictError],
            config=StrawberryConfig(scalar_map=SCALARS),
        )

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        base = super().get_fields(type_definition)
        origin = type_definition.origin
        if origin is QueryType:
            plain = [root.field for root in self.composed.plain_roots.values()]
            return [*base, *plain, *(self._root(root) for root in self.composed.roots.values())]
        node = self._by_origin.get(origin)
        if node is None:
            return base
        if origin not in self._made:
            self._made[origin] = [self._field(f) for f in node.fields.values()]
        return self._made[origin]

    def _field(self, declared: Field) -> StrawberryField:
        if isinstance(declared, ScalarField):
            annotation: Any = declared.enum or _PYTHON[declared.kind]
            return _strawberry_field(declared, Optional[annotation] if declared.nullable else annotation)
        if isinstance(declared, ToOneField):
            target: Any = declared.target
            return _strawberry_field(declared, Optional[target] if declared.nullable else target)
        if isinstance(declared, PythonField):
            shown = declared.annotation
            return _strawberry_field(declared, Optional[shown] if declared.nullable else shown)
        assert isinstance(declared, ConnectionField)
        node = self.composed.type_of(declared.target)
        return _strawberry_field(declared, self.connection_type(node), self._list_arguments(node))

    def _root(self, root: Root) -> StrawberryField:
        if root.form == "every":
            arguments = self._list_arguments(root.node)
            if root.node.source is not None:
                for spec in {s.of: s for s in root.node.source.arguments.values()}.values():
                    arguments.append(_argument(spec.of, spec.annotation, spec.description))
            return _strawberry_field(root, self.connection_type(root.node), arguments)
        if root.form == "node":
            return _strawberry_field(root, Optional[Node], [_argument("id", strawberry.ID, None)])
        if root.form == "nodes":
            return _strawberry_field(root, list[Optional[Node]], [_argument("ids", list[strawberry.ID], None)])
        target: Any = root.node.origin
        arguments = []
        if root.by is not None:
            field = self.composed.field(root.node, root.by)
            assert isinstance(field, ScalarField)
            arguments = [_argument(root.by, _PYTHON[field.kind], None)]
        return _strawberry_field(root, Optional[target], arguments)

    def _list_arguments(self, node: NodeType) -> list[StrawberryArgument]:
        return [
            _argument("where", Optional[self.inputs.where(node)], "Conditions (筛选)."),
            _argument("orderBy", Optional[self.inputs.order(node)], "Order; ties by id, nulls last (排序)."),
            _argument("first", Optional[int], "Page size, 0 to 100; 20 unless told (每页条数)."),
            _argument("after", Optional[str], "A cursor of the same order; the page starts behind it (游标)."),
        ]

    def connection_type(self, node: NodeType) -> type:
        if node.name not in self._connections:
            edge = type(f"{node.name}Edge", (), {"__annotations__": {"cursor": str, "node": node.origin}})
            made_edge = strawberry.type(edge, description=f"A {node.name} and its place in the list (列表项).")
            annotations = {
                "nodes": list[node.origin],  # type: ignore[name-defined]
                "edges": list[made_edge],  # type: ignore[valid-type]
                "page_info": PageInfo,
                "total_count": int,
                "total_count_capped": bool,
            }
            cls = type(f"{node.name}Connection", (), {"__annotations__": annotations})
            cls.total_count = strawberry.field(  # type: ignore[attr-defined]
                description="Rows in all, exact to 10,000; counted only when asked for (总数)."
            )
            cls.total_count_capped = strawberry.field(  # type: ignore[attr-defined]
                description="There are more than 10,000 (总数超限)."
            )
            self._connections[node.name] = strawberry.type(cls, description=f"A page of {node.name} (列表).")
        return self._connections[node.name]


_PYTHON: dict[str, Any] = {
    "text": str,
    "int": int,
    "long": Long,
    "bool": bool,
    "id": strawberry.ID,
    "reference": strawberry.ID,
    "json": JSON,
    "instant": datetime,
    "date": date,
}


def _argument(name: str, annotation: Any, description: str | None) -> StrawberryArgument:
    default: Any = None if _is_optional(annotation) else strawberry.UNSET
    return StrawberryArgument(
        python_name=name,
        graphql_name=name,
        type_annotation=StrawberryAnnotation(annotation),
        description=description,
        default=strawberry.UNSET if default is None else default,
    )


def _is_optional(annotation: Any) -> bool:
    return type(None) in getattr(annotation, "__args__", ())


def _strawberry_field(
    declared: Field, annotation: Any, arguments: list[StrawberryArgument] | None = None
) -> StrawberryField:
    description = declared.description
    if declared.plugin != "core":
        description = f"{description} [{declared.plugin}]" if description else f"[{declared.plugin}]"
    made = StrawberryField(
        python_name=declared.name, type_annotation=StrawberryAnnotation(annotation), description=description
    )
    made.arguments = arguments or []
    return made


def _mutation_type(declarations: list[MutationDeclaration]) -> type:
    """The Mutation root: each declaration with its payload type."""
    namespace: dict[str, Any] = {"__annotations__": {}, **SIGN_IN_FIELDS}
    for declared in declarations:
        namespace[declared.name] = _mutation_field(declared)
        if declared.batch is not None:
            namespace[declared.batch.name] = _batch_field(declared, declared.batch)
    return strawberry.type(type("Mutation", (), namespace), description="Changes (变更).")


def _mutation_field(declared: MutationDeclaration) -> Any:
    annotations: dict[str, Any] = {name: Optional[origin] for name, origin in declared.returns.items()}
    annotations |= {name: Optional[shown] for name, shown in declared.secrets.items()}
    annotations["errors"] = list[UserError]
    payload = strawberry.type(
        type(payload_name(declared), (), {"__annotations__": annotations}),
        description="What changed, or why nothing did (结果).",
    )

    async def resolve(info, input):  # type: ignore[no-untyped-def]
        return await info.context.graphql.changes.resolve(declared, input, info._raw_info)

    resolve.__annotations__ = {"info": Info, "input": declared.input_type, "return": payload}
    resolve.__name__ = declared.name
    return strawberry.field(resolver=resolve, description=declared.description)


def _batch_field(declared: MutationDeclaration, batch: Batch) -> Any:
    annotations: dict[str, Any] = {"row": int}
    annotations |= {name: Optional[origin] for name, origin in declared.returns.items()}
    annotations["errors"] = list[UserError]
    stem = camel_type(batch.name)
    row = type(f"{stem}Row", (), {"__annotations__": annotations})
    row.row = strawberry.field(description="Its place among the rows that were sent, from 0 (行号).")  # type: ignore[attr-defined]
    row = strawberry.type(row, description="What came of one row (单行结果).")
    payload = strawberry.type(
        type(f"{stem}Payload", (), {"__annotations__": {"results": list[row], "errors": list[UserError]}}),  # type: ignore[valid-type]
        description="A result for each row, in order; `errors` when the batch as a whole was refused (批量结果).",
    )

    async def resolve(info, input):  # type: ignore[no-untyped-def]
        return await info.context.graphql.changes.run_batch(declared, input, info._raw_info)

    resolve.__annotations__ = {"info": Info, "input": batch.input_type, "return": payload}
    resolve.__name__ = batch.name
    return strawberry.field(resolver=resolve, description=f"Many at once: {declared.description}")


KEPT_SETS = 16  # contracts of areas, one for each set of plugins that is on somewhere
_made: OrderedDict[tuple[frozenset[str], bool, int], CommunitySchema] = OrderedDict()


def compose(plugins: Iterable[str], book: PermissionBook, *, rooted: bool = False) -> CommunitySchema:
    """Compose core and `plugins`; raises ConfigurationError naming every clash and every undeclared permission.

    `rooted` makes the contract of one area's endpoint: lists show rows of its subtree. A set is composed once in a
    process (about 0.3 s), as long as it is among those used last.
    """
    key = (frozenset(plugins), rooted, len(CATALOGUE.types) + len(CATALOGUE.extensions) + len(MUTATIONS))
    if key not in _made:
        _made[key] = _compose(key[0], book, rooted)
    _made.move_to_end(key)
    while len(_made) > KEPT_SETS + 1:
        _made.popitem(last=False)
    return _made[key]


def _compose(plugins: Set[str], book: PermissionBook, rooted: bool) -> CommunitySchema:
    expose_enums()
    owners = {"core", *plugins}
    declarations = [m for m in MUTATIONS if m.plugin in owners]
    composed = ComposedSchema(CATALOGUE, owners, rooted=rooted, mutations=declarations)
    problems: list[Problem] = []
    seen: dict[str, MutationDeclaration] = {}

    def wrong(declared: MutationDeclaration, what: str) -> None:
        problems.append(Problem("BAD_DECLARATION", {"what": f"mutation {declared.name} {what}"}, declared.file, None,
                                declared.plugin))  # fmt: skip

    for declared in declarations:
        if not isinstance(declared.permission, (str, Needs)):
            wrong(declared, f"declares no permission; name one, or one of {', '.join(map(str, Needs))}")
        for permission in filter(None, declared.asks or ()):
            if permission not in book:
                wrong(declared, f"needs {permission}, never declared")
        for subject in declared.on:
            if subject.argument not in {f.name for f in dataclasses.fields(declared.input_type)}:
                wrong(declared, f"is about {subject.argument}, which its input has not")
            elif subject.node not in composed.types:
                wrong(declared, f"is about {subject.node.__name__}, which no loaded plugin declares")
        if declared.name in seen:
            wrong(declared, f"is also in {seen[declared.name].file}")
        seen[declared.name] = declared
        if declared.plugin != "core" and not declared.name.startswith(declared.plugin + "_"):
            wrong(declared, f"must begin with {declared.plugin}_")
        unknown = [n for n, origin in declared.returns.items() if origin not in composed.types]
        if unknown:
            wrong(declared, f"returns {', '.join(unknown)}, which no loaded plugin declares")
    if problems:
        raise ConfigurationError(*problems)
    built = CommunitySchema(composed, _mutation_type(declarations))
    PlainExecutor(composed).attach(built._schema)
    for declared in declarations:
        built.mutations[composed.camel(declared.name)] = declared
        payload: Any = built._schema.type_map[payload_name(declared)]
        for name in declared.returns:
            payload.fields[composed.camel(name)].resolve = _planned_part
        for name in declared.secrets:
            payload.fields[composed.camel(name)].resolve = _secret
        if declared.batch is not None:
            row: Any = built._schema.type_map[f"{camel_type(declared.batch.name)}Row"]
            for name in declared.returns:
                row.fields[composed.camel(name)].resolve = _planned_part_of_row
    return built


def _secret(payload: Any, info: Any) -> Any:
    """What the rule told this once."""
    return payload.secrets.get(info.field_name)


def _planned_part(payload: Any, info: Any) -> Any:
    """A node of a payload, already read by the planner under its response key; null when refused."""
    found = payload.planned.get(info.path.key)
    if isinstance(found, Exception):
        raise found
    return found


def _planned_part_of_row(row: Any, info: Any) -> Any:
    """The same of a batch's row: under the key of its list, and its own."""
    found = row.planned.get(f"{info.path.prev.prev.key} {info.path.key}")
    if isinstance(found, Exception):
        raise found
    return found


def core_schema(schema: CommunitySchema) -> GraphQLSchema:
    """The graphql-core schema behind Strawberry's; a private seam (tests/seams)."""
    return schema._schema


__all__ = ["CommunitySchema", "Node", "compose", "core_schema"]
