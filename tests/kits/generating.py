"""Operations over a composed schema: hypothesis-graphql draws what is selected; arguments, mostly real values of the
neighbourhood, and everything else a document may hold (variables, aliases, fragments, directives) are written here.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from hypothesis import strategies as st
from hypothesis_graphql import queries

from core.testing.kit import Neighbourhood
from schema.execution import GraphQL
from schema.nodes.composed import ComposedSchema
from schema.plain import table_rows
from schema.scalars import show_instant

# Their resolvers ask the one database that is served; no statement is compiled for them.
LEFT_OUT = frozenset({
    "coreMergePreview", "can", "canMany", "dutyHolders", "coreErasurePreview", "signInProviders", "ballotsEligibility",
    "ballotsRecount",
})  # fmt: skip
COPY = "__"  # between a type's name and the number of its copy in a cut
TYPES, DEPTH, LEAVES, KINDS = 10, 6, 4, 2  # of a cut
CUTS, NODE_CUTS = 2, 8  # of each root field, and of `node` and `nodes`, which can be anything
PERIODS = ("2026", "2025", "2026-H1", "2026-H2", "2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2026-07", "2026-11", "x")
TEXTS = ("", " ", "西", "陈*", "%", "_", "'", '"', "\\", "𠮷", "é", "e\u0301", "ＡＢ", "ǅ", "0", "x" * 40)
SIZES = (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 7, 10, 20)


@dataclass(frozen=True)
class Operation:
    """A document and its variables; `number` is anything, to take turns by."""

    text: str
    variables: dict[str, Any]
    number: int = 0

    def __repr__(self) -> str:
        return f"\n{self.text}\nvariables: {json.dumps(self.variables, ensure_ascii=False)}"


# --- what is selected ------------------------------------------------------------------------------------


class Cut:
    """A small schema of one root field, cut out of the whole at random: a tree of some fields of some types, each type
    as often as it is come to, so that hypothesis-graphql takes from it at once, and no more than fits the limits."""

    def __init__(self, schema: GraphQLSchema, root: str, random: Random) -> None:
        assert schema.query_type is not None
        self.whole, self.random = schema, random
        self.made: list[Any] = []
        definition = schema.query_type.fields[root]
        kept = {root: GraphQLField(self._of(definition.type, get_named_type(definition.type), 0))}
        self.schema = GraphQLSchema(GraphQLObjectType("Query", kept), types=self.made)

    def _of(self, type_: Any, named: GraphQLNamedType, depth: int) -> Any:
        if isinstance(type_, (GraphQLNonNull, GraphQLList)):
            return type(type_)(self._of(type_.of_type, named, depth))
        return named if is_leaf_type(named) else self._type(named, depth)

    def _type(self, whole: Any, depth: int, above: Any = None, inherited: dict[str, GraphQLField] | None = None) -> Any:
        fields = dict(inherited or {})
        name = f"{whole.name}{COPY}{len(self.made)}"
        if isinstance(whole, GraphQLInterfaceType):
            made: Any = GraphQLInterfaceType(name, fields)
        else:
            made = GraphQLObjectType(name, fields, interfaces=[above] if above else [])
        self.made.append(made)
        for public in self._some(whole, depth, without=fields):
            type_ = whole.fields[public].type
            fields[public] = GraphQLField(self._of(type_, get_named_type(type_), depth + 1))
        if isinstance(whole, GraphQLInterfaceType):
            kinds = list(self.whole.get_possible_types(whole))
            for kind in self.random.sample(kinds, min(KINDS, len(kinds))):
                self._type(kind, depth, made, fields)
        return made

    def _some(self, whole: Any, depth: int, without: dict[str, GraphQLField]) -> list[str]:
        leaves, deeper = [], []
        for public, definition in whole.fields.items():
            if public not in without:
                (leaves if is_leaf_type(get_named_type(definition.type)) else deeper).append(public)
        is_list = whole.name.endswith(("Connection", "Edge"))
        room = 0 if len(self.made) > TYPES or depth >= DEPTH else 3 if is_list or depth < 3 else 2
        return [
            *self.random.sample(leaves, min(len(leaves), LEAVES)),
            *self.random.sample(deeper, min(len(deeper), max(room, 0 if leaves or without else 1))),
        ]


# --- real values -----------------------------------------------------------------------------------------


class Values:
    """What arguments are taken from: ids, texts, numbers and moments that are in the tables, cursors from answers."""

    def __init__(
        self, schema: GraphQLSchema, composed: ComposedSchema, tables: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.schema = schema
        self.tables = tables
        self.tags = {node.name: node.tag for node in composed.types.values()}
        self.roots = {name: root.node.name for name, root in composed.roots.items() if root.node is not None}
        self.ids: dict[str, list[str]] = {}
        self.cursors: dict[tuple[str, str], list[str]] = {}
        self.texts: dict[str, list[str]] = defaultdict(list)
        self.numbers: dict[str, list[int]] = defaultdict(list)
        self.moments: list[datetime] = []
        self.days: list[date] = []
        for node in composed.by_tag.values():
            self.ids[node.tag] = [f"{node.tag}_{row['id']}" for row in tables[node.table]] or [_unknown(node.tag)]
        for rows in tables.values():
            for column in rows[0] if rows else ():
                self._take(composed.camel(column), dict.fromkeys(r[column] for r in rows if _is_value(r[column])))
        self.all_texts = [t for name in sorted(self.texts) for t in self.texts[name][:20]]

    def _take(self, name: str, values: Any) -> None:
        for value in values:
            if isinstance(value, str):
                self.texts[name].append(value)
            elif isinstance(value, int) and not isinstance(value, bool):
                self.numbers[name].append(value)
            elif isinstance(value, datetime):
                self.moments.append(value)
            elif isinstance(value, date):
                self.days.append(value)

    def learn(self, type_name: str, order: str, answer: Any) -> None:
        """Keep the cursors that are in an answer."""
        if isinstance(answer, dict):
            if isinstance(cursor := answer.get("cursor"), str):
                self.cursors.setdefault((type_name, order), []).append(cursor)
            answer = [*answer.values()]
        if isinstance(answer, list):
            for inner in answer:
                self.learn(type_name, order, inner)

    def id(self, random: Random, type_name: str | None = None, *, surely: bool = False) -> str:
        """Mostly of this type, or `surely`; now and then another's, nobody's, or none at all."""
        tag = self.tags.get(type_name or "")
        if tag not in self.ids or (random.random() < 0.1 and not surely):
            tag = random.choice(sorted(self.ids))
        return random.choice(self.ids[tag]) if surely or random.random() < 0.97 else _unknown(tag)

    def text(self, random: Random, name: str, *, surely: bool = False) -> str:
        """A text that stands in a column of this name, or a part of one; `surely` one that can be searched for."""
        if surely:
            return random.choice([t for t in self.texts[name] if len(t) > 1])
        if random.random() < 0.1:
            return random.choice(TEXTS)
        text = random.choice(self.texts.get(name) or self.all_texts)
        if random.random() < 0.3 and len(text) > 1:
            begin = random.randrange(len(text) - 1)
            text = text[begin : begin + random.randint(1, 3)]
        return text

    def number(self, random: Random, name: str) -> int:
        near = random.choice(self.numbers.get(name) or range(6))
        return max(-(2**31) + 1, min(2**31 - 1, near + random.choice((0, 0, 0, 1, -1))))

    def moment(self, random: Random) -> str:
        moment = random.choice(self.moments) + timedelta(milliseconds=random.choice((0, 0, 0, 1, -1, 3_600_000)))
        text = show_instant(moment)
        return text if random.random() < 0.8 else text.replace("Z", "+08:00")

    def day(self, random: Random) -> str:
        days = self.days or [m.date() for m in self.moments]
        return (random.choice(days) + timedelta(days=random.choice((0, 0, 0, 1, -1)))).isoformat()


def _is_value(value: Any) -> bool:
    return isinstance(value, (str, int, datetime, date)) and not (isinstance(value, str) and not 0 < len(value) <= 60)


def _unknown(tag: str) -> str:
    return f"{tag}_0190a000-0000-7000-8000-000000000000"


# --- how it is written -----------------------------------------------------------------------------------


class Writer:
    """Writes one operation around selections, deciding everything by `random`."""

    def __init__(self, values: Values, random: Random, oddness: float) -> None:
        """`oddness`: how many of the fields and values are written in an unusual way."""
        self.values, self.random, self.oddness = values, random, oddness
        self.schema = values.schema
        self.declared: list[str] = []
        self.given: dict[str, Any] = {}
        self.fragments: list[str] = []
        self._names = 0

    def operation(self, selections: Sequence[SelectionNode], number: int) -> Operation:
        body = self._body(selections, self.schema.query_type)
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        head = f"query Generated{declared} " if declared or self._oddly() else ""
        return Operation("\n".join([f"{head}{body}", *self.fragments]), self.given, number)

    def _oddly(self, share: float = 1) -> bool:
        return self.random.random() < self.oddness * share

    def _name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    # --- selections

    def _body(self, selections: Sequence[SelectionNode], parent: Any) -> str:
        parts: list[str] = []
        for one in selections:
            if isinstance(one, FieldNode):
                parts += self._field(one, parent)
            elif isinstance(one, InlineFragmentNode):
                assert one.type_condition is not None
                on = self.schema.type_map[one.type_condition.name.value.partition(COPY)[0]]
                parts.append(f"... on {on.name}{self._directive()} {self._body(one.selection_set.selections, on)}")
        if self._oddly(0.3):
            parts.insert(self.random.randint(0, len(parts)), "__typename")
        if self._oddly(0.5):
            cut = self.random.randint(0, len(parts) - 1)
            parts = [*parts[:cut], self._fragment(parts[cut:], parent)]
        return "{ " + " ".join(parts) + " }"

    def _fragment(self, parts: list[str], parent: Any) -> str:
        """The same selections in a fragment, on a type that the parent is anyhow."""
        body = "{ " + " ".join(parts) + " }"
        above = [i.name for i in getattr(parent, "interfaces", ())]
        if above and self.random.random() < 0.3:
            return f"... on {self.random.choice(above)}{self._directive()} {{ ... on {parent.name} {body} }}"
        if self.random.random() < 0.4:
            name = self._name("F")
            self.fragments.append(f"fragment {name} on {parent.name} {body}")
            again = f" ...{name}" if self.random.random() < 0.2 else ""
            return f"...{name}{self._directive()}{again}"
        on = f" on {parent.name}" if self.random.random() < 0.6 else ""
        return f"...{on}{self._directive()} {body}"

    def _directive(self) -> str:
        if not self._oddly(0.4):
            return ""
        name = self.random.choice(("include", "skip"))
        value = (name == "include") is (self.random.random() < 0.7)
        written = self._variable(GraphQLNonNull(self.schema.type_map["Boolean"]), value) if self._oddly(2) else ""  # type: ignore[type-var]
        return f" @{name}(if: {written or json.dumps(value)})"

    def _field(self, node: FieldNode, parent: Any) -> list[str]:
        name = node.name.value
        definition: GraphQLField = parent.fields[name]
        alias = node.alias.value.replace(COPY, "_") if node.alias else ""  # where another type's field is in its way
        alias = self._name("a") if self._oddly(0.5) else alias
        written = f"{alias}: {name}" if alias else name
        written += self._arguments(parent, name, definition)
        target = get_named_type(definition.type)
        if node.selection_set is None:
            return [written + self._directive()]
        inner = node.selection_set.selections
        if len(inner) > 1 and self._oddly(0.4):  # the same field twice, each time with some of what is asked of it
            cut = self.random.randint(1, len(inner) - 1)
            return [f"{written}{self._directive()} {self._body(part, target)}" for part in (inner[:cut], inner[cut:])]
        return [f"{written}{self._directive()} {self._body(inner, target)}"]

    # --- arguments

    def _arguments(self, parent: Any, name: str, definition: GraphQLField) -> str:
        if not definition.args:
            return ""
        target = get_named_type(definition.type).name
        order: str | None = None
        parts = []
        for argument, declared in definition.args.items():
            if argument in ("where", "orderBy", "first", "after") and self.random.random() < 0.5:
                continue
            if argument == "after" and self.random.random() < 0.5:
                continue
            nullable = not isinstance(declared.type, GraphQLNonNull)
            if nullable and self._oddly(0.1):
                value = None
            elif argument == "orderBy":
                value = order = self.random.choice(list(get_named_type(declared.type).values))  # type: ignore[attr-defined]
            elif argument == "after":
                value = self._cursor(target.removesuffix("Connection"), order)
                if value is None:
                    continue
            else:
                value = self.value(declared.type, argument, self.values.roots.get(name))
            parts.append(f"{argument}: {self.literal(declared.type, value)}")
        self.random.shuffle(parts)
        return f"({', '.join(parts)})" if parts else ""

    def _cursor(self, type_name: str, order: str | None) -> str | None:
        """One of this order, now and then of another; None where no answer had any."""
        known = self.values.cursors.get((type_name, order or ""))
        if self._oddly(0.05):
            known = [c for (name, _), some in self.values.cursors.items() if name == type_name for c in some]
        return self.random.choice(known) if known else None

    def value(self, type_: Any, name: str, owner: str | None, depth: int = 0) -> Any:
        """A value for an argument or an input field of this name; `owner` is the node type that it is asked of."""
        random, values = self.random, self.values
        bare = get_nullable_type(type_)
        if isinstance(bare, GraphQLList):
            length = random.choice((0, 1, 1, 1, 2, 2, 3))
            return [self.value(bare.of_type, name, owner, depth) for _ in range(length)]
        if isinstance(bare, GraphQLInputObjectType):
            return self._object(bare, name, owner, depth)
        if isinstance(bare, GraphQLEnumType):
            return random.choice(list(bare.values))
        if name in ("areaId", "keptId", "goneId", "organizationId"):
            owner = "Area" if name == "areaId" else "Actor"
        if bare.name == "ID":
            of_type = owner if name in ("id", "ids", "areaId", "keptId", "goneId", "organizationId") else None
            return values.id(random, of_type, surely=self.oddness == 0)
        if bare.name == "String":
            if name == "period":
                return random.choice(PERIODS if self.oddness else PERIODS[:-1])
            of = {"query": "name", "within": "code"}.get(name, name)
            return values.text(random, of, surely=self.oddness == 0 and name == "query")
        if bare.name == "Int" and name == "first":
            return random.choice((100, 101, -1)) if self._oddly(0.03) else random.choice(SIZES)
        if bare.name in ("Int", "Long"):
            return values.number(random, name)
        if bare.name == "Boolean":
            return random.random() < 0.5
        if bare.name == "Instant":
            return values.moment(random)
        if bare.name == "Date":
            return values.day(random)
        raise AssertionError(f"say what values {bare.name} takes")

    def _object(self, type_: GraphQLInputObjectType, name: str, owner: str | None, depth: int) -> dict[str, Any]:
        random = self.random
        if type_.name.endswith("Filter"):
            operators = list(type_.fields)
            chosen = random.sample(operators, min(len(operators), random.choice((1, 1, 1, 1, 2))))
            return {o: self.value(type_.fields[o].type, "isNull" if o == "isNull" else name, owner) for o in chosen}
        node = type_.name.removesuffix("Where")
        simple = [f for f, d in type_.fields.items() if not get_named_type(d.type).name.endswith("Where")]
        names = list(type_.fields) if depth < 2 else simple or list(type_.fields)[3:4]
        chosen = random.sample(names, min(len(names), random.choice((1, 1, 1, 2, 2, 3))))
        if self._oddly(0.05):
            chosen = []
        return {f: self.value(type_.fields[f].type, f, node, depth + 1) for f in chosen}

    def literal(self, type_: Any, value: Any) -> str:
        """How a value is written in the document."""
        return self._variable(type_, value) if self._oddly(0.4) else self._written(type_, value)

    def _written(self, type_: Any, value: Any) -> str:
        bare = get_nullable_type(type_)
        if value is None:
            return "null"
        if isinstance(bare, GraphQLList):
            if len(value) == 1 and self._oddly(0.3):  # one value stands for a list of it, where it is no variable
                return self._written(bare.of_type, value[0])
            return f"[{', '.join(self.literal(bare.of_type, v) for v in value)}]"
        if isinstance(bare, GraphQLInputObjectType):
            parts = [f"{k}: {self.literal(bare.fields[k].type, v)}" for k, v in value.items()]
            return "{" + ", ".join(parts) + "}"
        if isinstance(bare, GraphQLEnumType):
            return str(value)
        return json.dumps(value, ensure_ascii=False)

    def _variable(self, type_: Any, value: Any) -> str:
        name = self._name("v")
        bare = get_nullable_type(type_)
        how = self.random.random()
        default = ""
        if how < 0.15 and not isinstance(bare, (GraphQLInputObjectType, GraphQLList)) and value is not None:
            default = f" = {value if isinstance(bare, GraphQLEnumType) else json.dumps(value, ensure_ascii=False)}"
        elif how < 0.2 and bare is type_ and not isinstance(bare, GraphQLEnumType):
            pass  # not given: as if the argument, or the field of an input, were not there
        else:
            self.given[name] = value
        self.declared.append(f"${name}: {type_}{default}")
        return f"${name}"


# --- all together ----------------------------------------------------------------------------------------


def _as_drawn(document: DocumentNode) -> DocumentNode:
    return document


class Generator:
    """Operations that begin with one of these root fields: hypothesis draws what is selected, a seeded Random the rest."""

    def __init__(self, values: Values, roots: Sequence[str], seed: int) -> None:
        self.values = values
        random = Random(seed)
        self._selections = {
            root: st.one_of(
                queries(Cut(values.schema, root, random).schema, print_ast=_as_drawn)
                for _ in range(NODE_CUTS if root in ("node", "nodes") else CUTS)
            )
            for root in roots
        }

    def operations(self, root: str) -> st.SearchStrategy[list[Operation]]:
        """What is drawn for this root field, now and then with another beside it, written in several ways."""
        roots = [*self._selections]
        other = self._selections[roots[roots.index(root) - 1]]
        nothing = st.none()
        drawn = st.tuples(self._selections[root], nothing | nothing | nothing | other, st.integers(0, 2**32))
        return drawn.map(self._written)

    def _written(self, drawn: tuple[DocumentNode, DocumentNode | None, int]) -> list[Operation]:
        document, other, seed = drawn
        selections: list[SelectionNode] = []
        for one in (document, other) if document != other else (document,):
            for definition in one.definitions if one else ():
                assert isinstance(definition, OperationDefinitionNode)
                selections += definition.selection_set.selections
        found = []
        for number, oddness in enumerate((seed % 2 * 0.1, 0.2, 0.4)):
            writer = Writer(self.values, Random(f"{seed} {number}"), oddness)
            found.append(writer.operation(selections, seed + number))
        return found


async def learned(n: Neighbourhood) -> Values:
    """Values of this neighbourhood, and cursors from its answers: for each type and order, those of a list that the
    administrator sees."""
    graphql: GraphQL = n.server.graphql
    tables = {m._meta.db_table: await table_rows(graphql.runtime.database, m) for m in graphql.runtime.database.models}
    values = Values(graphql.graphql, graphql.composed, tables)
    viewer = await n.viewer("admin")
    for name, document in _ways_to_lists(values).items():
        orders: Any = values.schema.type_map[f"{name}Order"]
        for order in ("", *orders.values):
            text = document.replace("ORDER", order or "null")
            answer = orjson.loads(orjson.dumps(await graphql.execute(text, viewer=viewer)))
            assert "errors" not in answer, answer["errors"]
            values.learn(name, order, answer["data"])
    return values


def _ways_to_lists(values: Values) -> dict[str, str]:
    """For each type that is listed anywhere: a document that comes to such a list by the shortest way."""
    writer = Writer(values, Random(0), 0)
    found: dict[str, str] = {}
    waiting: list[tuple[Any, list[str]]] = [(values.schema.query_type, [])]
    seen = set()
    while waiting:
        owner, path = waiting.pop(0)
        seen.add(owner.name)
        for name, definition in owner.fields.items():
            target: Any = get_named_type(definition.type)
            if not target.name.endswith("Connection"):
                continue
            node = get_named_type(target.fields["nodes"].type)
            needed = "".join(
                f", {a}: {writer.literal(d.type, writer.value(d.type, a, None))}"
                for a, d in definition.args.items()
                if isinstance(d.type, GraphQLNonNull)
            )
            if node.name not in found:
                text = f"{name}(orderBy: ORDER, first: 4{needed}) {{ edges {{ cursor }} }}"
                for outer in reversed(path):
                    text = f"{outer} {{ nodes {{ {text} }} }}"
                found[node.name] = f"{{ {text} }}"
            if not needed and node.name not in seen:
                waiting.append((node, [*path, name]))
    return found
