"""What is asked: every type of a served schema by every path to it, by its introspection and by the rows there are."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from tortoise.models import Model

from core.ids import to_global
from core.testing.forge import Forged

SIZE = 100  # of a page, and of `in`
WITHIN = 40  # of a page within a row
FEW = 6  # rows of which everything is asked at once
ALL = slice(None)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Nodes:
    """The answer is one node for each of these rows that were made of a type, null for what is hidden."""

    name: str
    which: slice


@dataclass(frozen=True)
class All:
    """The answer is a list of all rows of a type."""

    name: str


@dataclass(frozen=True)
class Matching:
    """The answer is lists of those rows of a type for which the condition holds."""

    name: str
    condition: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    what: str
    document: str
    variables: Mapping[str, Any]
    expected: Nodes | All | Matching | None = None
    is_probe: bool = False  # whether filters, orders and the like find out more than what is shown


class Bare(str):
    """An argument that is written without quotes: a value of an enum."""


@dataclass
class Questions:
    """What there is, and all that can be asked of it; the same for every role."""

    schema: GraphQLSchema
    models: Mapping[str, type[Model]]  # by the name of the type
    rows: Mapping[str, list[Forged]]  # by the name of the type
    tables: Mapping[str, Mapping[UUID, Row]]
    arguments: Mapping[str, list[Any]]  # for roots that take some
    costly: Collection[tuple[str, str]] = ()  # type and field; asked for a few rows, and nowhere else

    def __iter__(self) -> Iterator[Question]:
        for name, rows in self.rows.items():
            ids = self.ids(name)
            text = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {name} {{ {self.all_of(name)} }} }} }}"
            for start in range(0, len(ids), FEW):
                few = slice(start, start + FEW)
                yield Question(f"nodes {name}", text, {"ids": ids[few]}, Nodes(name, few))
            for field in (field for type_, field in self.costly if type_ == name):
                for k, id in [*enumerate(ids)][:: max(1, len(ids) // 3)]:
                    lone = f"{{ n: node(id: {json.dumps(id)}) {{ ... on {name} {{ {field} }} }} }}"
                    yield Question(f"{field} of {name}", lone, {}, Nodes(name, slice(k, k + 1)), is_probe=True)
            questions = [{"action": "core.actor.read", "on": id} for id in ids]
            text = "query($q: [CanInput!]!) { nodes: canMany(questions: $q) { allowed } }"
            yield Question(f"canMany {name}", text, {"q": questions}, Nodes(name, ALL), is_probe=True)
            lone = " ".join(f"n{k}: node(id: {json.dumps(id)}) {{ __typename id }}" for k, id in enumerate(ids))
            yield Question(f"node {name}", f"{{ {lone} }}", {}, Nodes(name, ALL))
            assert len(rows) <= SIZE
        for root, definition in self.roots():
            yield from self._root(root, definition)

    def roots(self) -> Iterator[tuple[str, GraphQLField]]:
        assert self.schema.query_type is not None
        for root, definition in self.schema.query_type.fields.items():
            if root not in ("node", "nodes"):
                yield root, definition

    def ids(self, name: str) -> list[str]:
        """The global ids of the rows that were made of a type."""
        return [to_global(tag_of(self.models[name]), r.id) for r in self.rows[name]]

    def all_of(self, name: str) -> str:
        """Everything a row shows, and everything it leads to, one step away."""
        parts = []
        for concrete in self._concrete(name):
            inner = [self.values_of(concrete, deep=True)]
            for field_name, definition in concrete.fields.items():
                target = get_named_type(definition.type)
                if self.is_node(target):
                    inner.append(f"{concrete.name}_{field_name}: {field_name} {{ {self._shown(target)} }}")
                elif target.name.endswith("Connection"):
                    one = get_named_type(target.fields["nodes"].type)
                    page = f"(first: {WITHIN}) {{ totalCount nodes {{ {self._shown(one)} }} }}"
                    inner.append(f"{concrete.name}_{field_name}: {field_name}{page}")
            parts.append(f"... on {concrete.name} {{ {' '.join(inner)} }}")
        return " ".join(parts)

    def values_of(self, type_: Any, *, deep: bool = False, node: bool = True) -> str:
        """Its fields that are values, where `deep` those of plain objects with what is inside them; a node's under names
        that no other type's have."""
        found = []
        for name, definition in type_.fields.items():
            target = get_named_type(definition.type)
            if any(is_required_argument(a) for a in definition.args.values()) or (type_.name, name) in self.costly:
                continue
            key = f"{type_.name}_{name}: {name}" if node and name != "id" else name
            if is_leaf_type(target):
                found.append(key)
            elif deep and not self.is_node(target) and not target.name.endswith("Connection"):
                found.append(f"{key} {{ {self.values_of(target, deep=True, node=False)} }}")
        return " ".join(found)

    def _shown(self, type_: Any) -> str:
        """`id`, and the values of whatever it is."""
        if isinstance(type_, GraphQLInterfaceType):
            kinds = (f"... on {c.name} {{ {self.values_of(c)} }}" for c in self._concrete(type_.name))
            return f"__typename id {' '.join(kinds)}"
        return f"__typename {self.values_of(type_)}"

    def is_node(self, type_: GraphQLNamedType) -> bool:
        if isinstance(type_, GraphQLInterfaceType):
            return True
        return isinstance(type_, GraphQLObjectType) and any(i.name == "Node" for i in type_.interfaces)

    def _concrete(self, name: str) -> list[GraphQLObjectType]:
        type_ = self.schema.type_map[name]
        return list(self.schema.get_possible_types(type_)) if isinstance(type_, GraphQLInterfaceType) else [type_]  # type: ignore[list-item]

    def _root(self, root: str, definition: GraphQLField) -> Iterator[Question]:
        target: Any = get_named_type(definition.type)
        needed = [n for n, a in definition.args.items() if is_required_argument(a)]
        if not target.name.endswith("Connection"):
            yield from self._single(root, target, needed)
            return
        one = get_named_type(target.fields["nodes"].type)
        selection = f"totalCount nodes {{ {self._shown(one)} }}"
        for passed in self._given(root, needed):
            text = f"{{ list: {root}(first: {SIZE}{passed and ', ' + passed}) {{ {selection} }} }}"
            yield Question(f"{root}({passed})", text, {}, All(one.name) if one.name in self.rows else None)
        if needed or one.name not in self.rows:
            return
        ids = self.ids(one.name)
        where: Any = get_named_type(definition.args["where"].type)
        orders: Any = get_named_type(definition.args["orderBy"].type)
        page = "totalCount nodes { id } edges { cursor } pageInfo { startCursor endCursor }"
        by = " ".join(
            f"o{k}: {root}(first: {SIZE}, where: $w, orderBy: {order}) {{ {page} }}"
            for k, order in enumerate(orders.values)
        )
        yield Question(
            f"{root} by order",
            f"query($w: {where.name}) {{ {by} }}",
            {"w": {"id": {"in": ids}}},
            Matching(one.name, {}),
            is_probe=True,
        )
        for what, condition in self._conditions(where, one.name):
            text = (
                f"query($w: {where.name}) {{ list: {root}(where: $w, first: {SIZE}) {{ totalCount nodes {{ id }} }} }}"
            )
            both = {"w": {"and": [{"id": {"in": ids}}, condition]}}
            yield Question(f"{root} where {what}", text, both, Matching(one.name, condition), is_probe=True)

    def _conditions(self, where: GraphQLInputObjectType, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Conditions on every field, that would tell what it holds or leads to if they looked at what is hidden."""
        for field_name, definition in where.fields.items():
            inner: Any = get_named_type(definition.type)
            if field_name in ("and", "or", "not", "id"):
                continue
            if isinstance(inner, GraphQLInputObjectType) and "id" in inner.fields:
                some = {field_name: {"id": {"in": self.ids(self.named(inner.name.removesuffix("Where")))}}}
                yield f"{field_name}.id", some
                yield f"not {field_name}.id", {"not": some}
            elif inner.name == "TextFilter" and (texts := self._texts(name, field_name)):
                yield f"{field_name}.in", {field_name: {"in": texts}}
                yield f"{field_name}.startsWith", {field_name: {"startsWith": texts[0][:3]}}
                yield f"not {field_name}.contains", {"not": {field_name: {"contains": texts[0][1:5]}}}
                yield f"{field_name}.isNull", {field_name: {"isNull": True}}

    def named(self, name: str) -> str:
        type_ = self.schema.type_map[name]
        if isinstance(type_, GraphQLObjectType) and name not in self.models:
            return str(next(i.name for i in type_.interfaces if i.name in self.models))
        return name

    def _texts(self, name: str, field_name: str) -> list[str]:
        column = snake(field_name)
        table = self.models[name]._meta.db_table
        found = [self.tables[table][r.id].get(column) for r in self.rows[name]]
        return [f for f in found if isinstance(f, str)][:SIZE]

    def _single(self, root: str, target: Any, needed: list[str]) -> Iterator[Question]:
        if is_leaf_type(target):
            selection = ""
        elif self.is_node(target):
            selection = f"{{ {self._shown(target)} }}"
        else:
            selection = f"{{ {self.values_of(target, deep=True, node=False)} }}"
        if needed == ["id"]:
            name = self.named(target.name)
            lone = " ".join(f"n{k}: {root}(id: {json.dumps(id)}) {selection}" for k, id in enumerate(self.ids(name)))
            yield Question(root, f"{{ {lone} }}", {}, Nodes(name, ALL))
            return
        for passed in self._given(root, needed):
            yield Question(f"{root}({passed})", f"{{ one: {root}{passed and f'({passed})'} {selection} }}", {})

    def _given(self, root: str, needed: list[str]) -> Iterator[str]:
        """Arguments as they are written: of the one that has most values each, with the first of the others."""
        lacking = [n for n in needed if n not in self.arguments]
        assert not lacking, f"{root} needs {', '.join(lacking)}: say what to ask it with arguments="
        several = max(needed, key=lambda n: len(self.arguments[n]), default="")
        for value in self.arguments.get(several, [None]):
            given = {n: self.arguments[n][0] for n in needed} | ({several: value} if several else {})
            written = ((n, v if isinstance(v, Bare) else json.dumps(v, ensure_ascii=False)) for n, v in given.items())
            yield ", ".join(f"{n}: {v}" for n, v in written)


def tag_of(model: type[Model]) -> str:
    return str(model.tag)  # type: ignore[attr-defined]


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)
