"""The isolation matrix: every type of a served schema, by every path to it, in every role, against what each may see.

    world = await World.made(neighbourhood)
    await world.check("clerk", TRUTH)

The questions come from the introspection of the live schema, so a type that somebody adds is asked for unasked; the
rows come from `core.testing.forge`. The truth does not come from the schema: it says for every type in plain Python,
over plain rows, who sees one. A type without a truth fails, and so does one without rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)
from tortoise.models import Model

from core.enums import ActorKind, GuardianBasis, Role
from core.ids import new_id, to_global
from core.models import Account, Actor, Area, RoleGrant
from core.synchronize import index_names
from core.testing.forge import TOKEN, Forge, Forged, Owner, forgeable
from core.testing.kit import Neighbourhood
from core.work import Work
from schema.nodes.composed import ByRule, PlainRoot
from schema.nodes.declare import ToOneField
from schema.plain import table_rows

HERE, BESIDE, ABOVE = "xishan", "haihong", "haicang"
AREAS = (HERE, BESIDE, ABOVE)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
OF_MACHINE = frozenset({"core.actor.read", "core.event.read"})  # of all that who made it may do
SIZE = 100  # of a page, and of `in`
WITHIN = 40  # of a page within a row: with all that an actor leads to, more would be too large a question
Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Who:
    """Somebody who asks, as the test made them: no word of this comes from the server."""

    login: str | None  # under which the test keeps the token
    person: UUID | None = None
    organizations: frozenset[UUID] = frozenset()
    roles: tuple[tuple[Role, str], ...] = ()
    only: frozenset[str] | None = None  # the permissions of a machine's token; nothing is its own

    def acts_as(self, actor: UUID | None) -> bool:
        return actor is not None and (actor == self.person or actor in self.organizations)


@dataclass
class Facts:
    """What a truth may look at: who asks, and every table as plain rows by id."""

    who: Who
    tables: Mapping[str, Mapping[UUID, Row]]
    carried_by: Mapping[str, frozenset[Role]]  # roles by permission, as declared
    codes: Mapping[UUID, str]

    def acts_as(self, actor: UUID | None) -> bool:
        return self.who.acts_as(actor)

    def may(self, permission: str, area: UUID | None) -> bool:
        """Has one of their roles this permission in the area, or in one that it lies in?"""
        if self.who.only is not None and permission not in self.who.only:
            return False
        while area is not None:
            if any(r in self.carried_by[permission] and self.codes[area] == top for r, top in self.who.roles):
                return True
            area = self.tables["core_area"][area]["parent_id"]
        return False

    def row(self, table: str, id: UUID | None) -> Row:
        return self.tables[table][id] if id is not None else {}

    def rows(self, table: str) -> Iterable[Row]:
        return self.tables[table].values()


Truth = Callable[[Row, Facts], bool]


def everybody(row: Row, facts: Facts) -> bool:
    return True


@dataclass
class World:
    """A neighbourhood with people in every role, and rows of every type in three areas, of and for everybody."""

    n: Neighbourhood
    schema: GraphQLSchema
    whos: dict[str, Who]
    models: dict[str, type[Model]]  # by the name of the type
    rows: dict[str, list[Forged]]  # by the name of the type
    tables: Mapping[str, Mapping[UUID, Row]]
    arguments: dict[str, list[Any]]  # for roots that take some
    extra: list[Forged] = field(default_factory=list)  # rows that no type shows
    takes: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # types by mutation and field, as found out

    @classmethod
    async def made(
        cls,
        n: Neighbourhood,
        values: Mapping[tuple[str, str], Any],
        arguments: Mapping[str, Sequence[Any]] = {},
    ) -> World:
        """`values`: what a column (table, column) holds instead of something made up. `arguments` by name, for root
        fields that need others than an area's or an actor's id."""
        composed, database = n.server.graphql.composed, n.server.runtime.database
        types = [t for t in composed.types.values() if t.source is None]
        references = {
            (t.table, f.column): composed.type_of(f.target).model
            for t in types for f in t.fields.values() if isinstance(f, ToOneField)
        }  # fmt: skip
        whos, owners = await _people(n)
        await n.delivered()
        await n.quiet()
        models = forgeable(database.models, {t.model for t in types})
        forge = Forge(database, models, references, values)
        codes = {code: UUID((await n.area_id(code)).removeprefix("area_")) for code in AREAS}
        for known in await table_rows(database, Account):
            forge.there_is(Account, known["id"], person_id=known["person_id"])
        for area in codes.values():
            stranger, other = (_person(forge, ActorKind.PERSON, area) for _ in range(2))
            home = _person(forge, ActorKind.HOUSEHOLD, area)
            club = _person(forge, ActorKind.ORGANIZATION, area)
            for actor in (stranger, home, club, *owners):
                forge.universe(area, Owner(actor, other))
            for only in range(3):
                forge.universe(area, Owner(owners[0], other, only))
        await forge.write()
        await index_names(database, n.server.runtime.kernel)
        told: Any = await n.ask(None, get_introspection_query())
        schema = build_client_schema(told)
        by_model: dict[type[Model], list[Forged]] = {}
        for forged in forge.rows:
            by_model.setdefault(forged.model, []).append(forged)
        named = {t.name: t.model for t in types if t.interface is None}
        rows = {name: by_model.get(model, []) for name, model in named.items()}
        rows["Area"] = [Forged(Area, area, {}) for area in codes.values()]
        tables = {
            m._meta.db_table: {r["id"]: r for r in await table_rows(database, m) if "id" in r} for m in database.models
        }
        extra = [r for r in forge.rows if r.model not in named.values()]
        actors = [to_global("actor", r.id) for r in by_model[Actor]]
        given = {
            "code": AREAS,
            "keptId": actors[:1],
            "goneId": actors[1:2],
            "personId": actors[:1],
            "on": [to_global(_tag(model), rows[name][k].id) for name, model in named.items() for k in (0, -1)],
            "areaId": [to_global("area", a) for a in codes.values()],
            **arguments,
        }
        return cls(n, schema, whos, named, rows, tables, {k: list(v) for k, v in given.items()}, extra)

    @property
    def plain_roots(self) -> Mapping[str, PlainRoot]:
        found: Mapping[str, PlainRoot] = self.n.server.graphql.composed.plain_roots
        return found

    # --- what may be seen --------------------------------------------------------------------------------

    def facts(self, who: Who) -> Facts:
        book = self.n.server.runtime.book
        carried = {rule.key: frozenset(rule.roles) for rule in book.rules.values()}
        codes = {id: str(row["code"]) for id, row in self.tables["core_area"].items()}
        return Facts(who, self.tables, carried, codes)

    async def check(self, role: str, truth: Mapping[str, Truth], *, endpoint: str = "/graphql") -> int:
        """Ask everything in this role; AssertionError with every question that was answered with too much, or with too
        little. How many questions there were. `truth` by type, `Type.column` where not all who see the row see what it
        holds, `Type.column elsewhere` for who is told it by another row, and by table, or by its column, for rows that no
        type shows but through others. At an area's `endpoint` too much only."""
        missing = [name for name in self.models if name not in truth]
        assert not missing, f"nobody has said in plain Python who sees {', '.join(missing)}"
        bare = [name for name, rows in self.rows.items() if not rows]
        assert not bare, f"there are no rows of {', '.join(bare)}"
        asked = _Asked(self, self.whos[role], truth, endpoint)
        for question in self.questions():
            await asked.ask(question)
        assert not asked.wrong, f"{role}: " + "\n".join(asked.wrong[:20])
        return asked.count

    async def check_payload(self, role: str, truth: Mapping[str, Truth]) -> None:
        """What a mutation answers with leads as far as anything else: this role joins an activity, and leaves it."""
        asked = _Asked(self, self.whos[role], truth)
        open_ones = "{ activities(where: {state: {eq: OPEN}}, first: 1) { nodes { id } } }"
        activity = (await self.n.ask(None, open_ones))["activities"]["nodes"][0]["id"]
        shown = f"participation {{ activity {{ {self.all_of('Activity')} }} actor {{ {self.all_of('Actor')} }} }}"
        for mutation in ("coreJoinActivity", "coreLeaveActivity"):
            text = f"mutation($i: CoreActivityInput!) {{ {mutation}(input: $i) {{ {shown} errors {{ code }} }} }}"
            await asked.ask(Question(mutation, text, {"i": {"activityId": activity}}))
        assert not asked.wrong, f"{role}: " + "\n".join(asked.wrong)

    async def check_exports(self, role: str, truth: Mapping[str, Truth], half: int) -> int:
        """The files of every other list (of every so many, where there are many), from the one at `half` on, as one may
        ask for 20 a day; how many."""
        asked, count = _Asked(self, self.whos[role], truth), 0
        login = self.whos[role].login
        assert login is not None
        headers = {"authorization": f"Bearer {self.n.tokens[login]}"}
        lists = [
            root for root, definition in self._roots()
            if "where" in definition.args and not any(is_required_argument(a) for a in definition.args.values())
        ]  # fmt: skip
        step = max(2, -(-len(lists) // 18))
        for root in lists[half % step :: step]:
            made = await self.n.do(login, "coreExport", "dataExport { id }", list=root, format="CSV", language="en")
            await self.n.server.transfers.run_due()
            file = await self.n.http.get(f"/exports/{made['dataExport']['id']}", headers=headers)
            assert file.status_code == 200, (root, file.text)
            asked.look_for_hidden(f"export of {root}", file.text)
            count += 1
        assert not asked.wrong, f"{role}: " + "\n".join(asked.wrong)
        return count

    async def check_refusals(self, role: str, truth: Mapping[str, Truth]) -> int:
        """Every mutation that takes the id of what not everybody sees, with one that is hidden and with one that is
        nobody's: refused in the same words. How many pairs there were."""
        asked, count, wrong = _Asked(self, self.whos[role], truth), 0, []
        login = self.whos[role].login
        assert login is not None and self.schema.mutation_type is not None
        hidden = {
            name: next(to_global(_tag(self.models[name]), r.id) for r in rows if r.id not in asked.seen[name])
            for name, rows in self.rows.items() if any(r.id not in asked.seen[name] for r in rows)
        }  # fmt: skip
        for mutation, definition in self.schema.mutation_type.fields.items():
            type_: Any = get_named_type(definition.args["input"].type)
            if "rows" in type_.fields or "password" in type_.fields:
                continue  # the same rule for many; nothing with an id
            plain = {n: self._something(f.type) for n, f in type_.fields.items() if is_required_input_field(f)}
            for field_name, field_ in type_.fields.items():
                if get_named_type(field_.type).name != "ID" or field_name == "actingFor":
                    continue

                async def answers(ids: Sequence[str], mutation: str = mutation, type_: Any = type_, plain: Any = plain,
                                  name: str = field_name, many: bool = _is_list(field_.type)) -> list[Any]:  # fmt: skip
                    """What is answered to the mutation with each of these ids, without the id."""
                    inputs = {f"i{k}": plain | {name: [id] if many else id} for k, id in enumerate(ids)}
                    parts = (
                        f"{i}: {mutation}(input: ${i}) {{ errors {{ __typename code message path }} }}" for i in inputs
                    )
                    declared = ", ".join(f"${i}: {type_.name}!" for i in inputs)
                    body = await self.n.ask(login, f"mutation({declared}) {{ {' '.join(parts)} }}", **inputs)
                    return [json.loads(json.dumps(body[f"i{k}"]).replace(id, "")) for k, id in enumerate(ids)]

                if (mutation, field_name) not in self.takes:
                    self.takes[mutation, field_name] = []
                    for some in batched(list(hidden.items()), 10):
                        for (name, _), answer in zip(some, await answers([id for _, id in some]), strict=True):
                            if not any(e["code"] == "BAD_ID" and field_name in e["path"] for e in answer["errors"]):
                                self.takes[mutation, field_name].append(name)
                for name in self.takes[mutation, field_name]:
                    if name not in hidden:
                        continue
                    missing = to_global(_tag(self.models[name]), new_id())
                    one, other = await answers([hidden[name], missing])
                    count += 1
                    if one != other or not one["errors"]:
                        wrong.append(f"{mutation}({field_name}: {name}): hidden {one}, missing {other}")
        assert not wrong, f"{role}: " + "\n".join(wrong[:20])
        return count

    def _something(self, type_: Any) -> Any:
        """A value of this type; an id is an area's or an actor's, whichever is right somewhere."""
        named: Any = get_named_type(type_)
        if isinstance(named, GraphQLEnumType):
            value: Any = next(iter(named.values))
        elif isinstance(named, GraphQLInputObjectType):
            value = {n: self._something(f.type) for n, f in named.fields.items() if is_required_input_field(f)}
        else:
            value = _SOMETHING[named.name]
        return [value] if _is_list(type_) else value

    # --- what to ask -------------------------------------------------------------------------------------

    def questions(self) -> Iterator[Question]:
        """The same for every role."""
        for name, rows in self.rows.items():
            ids = self.ids(name)
            text = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on {name} {{ {self.all_of(name)} }} }} }}"
            yield Question(f"nodes {name}", text, {"ids": ids}, Nodes(name))
            questions = [{"action": "core.actor.read", "on": id} for id in ids]
            text = "query($q: [CanInput!]!) { nodes: canMany(questions: $q) { allowed } }"
            yield Question(f"canMany {name}", text, {"q": questions}, Nodes(name))
            lone = " ".join(f"n{k}: node(id: {json.dumps(id)}) {{ __typename id }}" for k, id in enumerate(ids))
            yield Question(f"node {name}", f"{{ {lone} }}", {}, Nodes(name))
            assert len(rows) <= SIZE
        for root, definition in self._roots():
            yield from self._root(root, definition)

    def _roots(self) -> Iterator[tuple[str, GraphQLField]]:
        assert self.schema.query_type is not None
        for root, definition in self.schema.query_type.fields.items():
            if root not in ("node", "nodes"):
                yield root, definition

    def ids(self, name: str) -> list[str]:
        """The global ids of the rows that were made of a type."""
        return [to_global(_tag(self.models[name]), r.id) for r in self.rows[name]]

    def all_of(self, name: str) -> str:
        """Everything a row shows, and everything it leads to, one step away."""
        parts = []
        for concrete in self._concrete(name):
            inner = [self.values_of(concrete, deep=True)]
            for field_name, definition in concrete.fields.items():
                target = get_named_type(definition.type)
                if self._is_node(target):
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
            if any(is_required_argument(a) for a in definition.args.values()):
                continue
            key = f"{type_.name}_{name}: {name}" if node and name != "id" else name
            if is_leaf_type(target):
                found.append(key)
            elif deep and not self._is_node(target) and not target.name.endswith("Connection"):
                found.append(f"{key} {{ {self.values_of(target, deep=True, node=False)} }}")
        return " ".join(found)

    def _shown(self, type_: Any) -> str:
        """`id`, and the values of whatever it is."""
        if isinstance(type_, GraphQLInterfaceType):
            kinds = (f"... on {c.name} {{ {self.values_of(c)} }}" for c in self._concrete(type_.name))
            return f"__typename id {' '.join(kinds)}"
        return f"__typename {self.values_of(type_)}"

    def _is_node(self, type_: GraphQLNamedType) -> bool:
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
        )
        for what, condition in self._conditions(where, one.name):
            text = (
                f"query($w: {where.name}) {{ list: {root}(where: $w, first: {SIZE}) {{ totalCount nodes {{ id }} }} }}"
            )
            both = {"w": {"and": [{"id": {"in": ids}}, condition]}}
            yield Question(f"{root} where {what}", text, both, Matching(one.name, condition))

    def _conditions(self, where: GraphQLInputObjectType, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Conditions on every field, that would tell what it holds or leads to if they looked at what is hidden."""
        for field_name, definition in where.fields.items():
            inner: Any = get_named_type(definition.type)
            if field_name in ("and", "or", "not", "id"):
                continue
            if isinstance(inner, GraphQLInputObjectType) and "id" in inner.fields:
                some = {field_name: {"id": {"in": self.ids(self._named(inner.name.removesuffix("Where")))}}}
                yield f"{field_name}.id", some
                yield f"not {field_name}.id", {"not": some}
            elif inner.name == "TextFilter" and (texts := self._texts(name, field_name)):
                yield f"{field_name}.in", {field_name: {"in": texts}}
                yield f"{field_name}.startsWith", {field_name: {"startsWith": texts[0][:3]}}
                yield f"not {field_name}.contains", {"not": {field_name: {"contains": texts[0][1:5]}}}
                yield f"{field_name}.isNull", {field_name: {"isNull": True}}

    def _named(self, name: str) -> str:
        type_ = self.schema.type_map[name]
        if isinstance(type_, GraphQLObjectType) and name not in self.models:
            return str(next(i.name for i in type_.interfaces if i.name in self.models))
        return name

    def _texts(self, name: str, field_name: str) -> list[str]:
        column = _snake(field_name)
        table = self.models[name]._meta.db_table
        found = [self.tables[table][r.id].get(column) for r in self.rows[name]]
        return [f for f in found if isinstance(f, str)][:SIZE]

    def _single(self, root: str, target: Any, needed: list[str]) -> Iterator[Question]:
        if is_leaf_type(target):
            selection = ""
        elif self._is_node(target):
            selection = f"{{ {self._shown(target)} }}"
        else:
            selection = f"{{ {self.values_of(target, deep=True, node=False)} }}"
        if needed == ["id"]:
            name = self._named(target.name)
            lone = " ".join(f"n{k}: {root}(id: {json.dumps(id)}) {selection}" for k, id in enumerate(self.ids(name)))
            yield Question(root, f"{{ {lone} }}", {}, Nodes(name))
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


@dataclass(frozen=True)
class Nodes:
    """The answer is one node for each row that was made of a type, null for what is hidden."""

    name: str


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


class Bare(str):
    """An argument that is written without quotes: a value of an enum."""


@dataclass
class _Asked:
    """The answers to one who asks, compared with what they may see."""

    world: World
    who: Who
    truth: Mapping[str, Truth]
    endpoint: str = "/graphql"
    wrong: list[str] = field(default_factory=list)
    count: int = 0

    @cached_property
    def facts(self) -> Facts:
        return self.world.facts(self.who)

    @cached_property
    def seen(self) -> dict[str, set[UUID]]:
        """By type, which of all rows they may see."""
        found = {}
        for name, model in self.world.models.items():
            rows = self.world.tables[model._meta.db_table]
            found[name] = {id for id, row in rows.items() if self.truth[name](row, self.facts)}
        return found

    @cached_property
    def hidden(self) -> dict[str, str]:
        """Tokens and ids that may be in no answer, with what they are of."""
        found: dict[str, str] = {}
        names = {model: name for name, model in self.world.models.items()}
        for row in (r for rows in self.world.rows.values() for r in rows):
            name = names[row.model]
            if row.id not in self.seen[name] and name != "Actor":
                found[str(row.id)] = name
            for column, token in row.tokens.items():
                elsewhere = self.truth.get(f"{name}.{column} elsewhere", _nobody)
                values = self.world.tables[row.model._meta.db_table][row.id]
                if not self._shows(name, row, column) and not elsewhere(values, self.facts):
                    found[token] = f"{name}.{column}"
        for row in self.world.extra:
            table = row.model._meta.db_table
            for column, token in row.tokens.items():
                test = self.truth.get(f"{table}.{column}", self.truth.get(table))
                if test is None or not test(self.world.tables[table][row.id], self.facts):
                    found[token] = f"{table}.{column}"
        return found

    def _shows(self, name: str, row: Forged, column: str) -> bool:
        values = self.world.tables[row.model._meta.db_table][row.id]
        test = self.truth.get(f"{name}.{column}")
        return (row.id in self.seen[name] or name == "Actor") and (test is None or test(values, self.facts))

    async def ask(self, question: Question) -> None:
        """One question; what is wrong with its answer is kept in `wrong`."""
        self.count += 1
        headers = {"authorization": f"Bearer {self.world.n.tokens[self.who.login]}"} if self.who.login else {}
        asked = {"query": question.document, "variables": question.variables}
        response = await self.world.n.http.post(self.endpoint, json=asked, headers=headers)
        body = response.json()
        self.look_for_hidden(question.what, response.text)
        codes = {e["extensions"]["code"] for e in body.get("errors", ())}
        root = self.world.plain_roots.get(question.what.partition("(")[0])
        by_rule = root is not None and isinstance(root.scope, ByRule)
        if root is not None and codes <= (_REFUSED if by_rule else _HIDDEN):
            return
        if codes and not (self.endpoint != "/graphql" and codes == {"OUTSIDE_ENDPOINT"}):
            self.wrong.append(f"{question.what}: {codes} {body['errors'][0]['message']} {question.document[:300]}")
        elif not codes:
            self._compare(question, body["data"])

    def look_for_hidden(self, what: str, text: str) -> None:
        told = {self.hidden[t] for t in {*TOKEN.findall(text), *UUIDS.findall(text)} if t in self.hidden}
        if told:
            self.wrong.append(f"{what}: tells {sorted(told)}")

    def _compare(self, question: Question, data: dict[str, Any]) -> None:
        """Not only nothing too much: everything that may be seen, and counts to match."""
        what, expected = question.what, question.expected
        for path, one in _connections(data):
            if len(one["nodes"]) != min(one["totalCount"], SIZE):
                self.wrong.append(f"{what}: {path} counts {one['totalCount']}, and shows {len(one['nodes'])}")
        if expected is None or self.endpoint != "/graphql":
            return
        rows, seen = self.world.rows[expected.name], self.seen[expected.name]
        if isinstance(expected, Nodes):
            found = data["nodes"] if "nodes" in data else list(data.values())
            if [node is not None for node in found] != [r.id in seen for r in rows]:
                self.wrong.append(f"{what}: shows {sum(n is not None for n in found)} of {len(rows)}")
        elif isinstance(expected, All):
            if data["list"]["totalCount"] != len(seen):
                self.wrong.append(f"{what}: counts {data['list']['totalCount']} where {len(seen)} are to be seen")
        else:
            matching = [r for r in rows if r.id in seen and self._matches(expected.name, r, expected.condition)]
            ids = {to_global(_tag(self.world.models[expected.name]), r.id) for r in matching}
            for key, one in data.items():
                if {node["id"] for node in one["nodes"]} != ids:
                    self.wrong.append(f"{what}: {key} finds {len(one['nodes'])} instead of {len(ids)}")

    def _matches(self, name: str, row: Forged, asked: Mapping[str, Any]) -> bool | None:
        """Would the row be found if the filter looked at what this viewer is shown, and at nothing else? None where a
        value is not there: then neither the filter finds it nor its opposite. What is led to is there or not."""
        if not asked:
            return True
        ((key, inner),) = asked.items()
        if key == "not":
            found = self._matches(name, row, inner)
            return None if found is None else not found
        definition: Any = self.world.schema.type_map[name]
        target = get_named_type(definition.fields[key].type)
        values = self.world.tables[row.model._meta.db_table][row.id]
        if self.world._is_node(target):
            other = self.world._named(target.name)
            id: UUID | None = values[self._column(name, key)]
            visible = other in ("Actor", "Area") or id in self.seen[other]
            return id is not None and visible and to_global(_tag(self.world.models[other]), id) in inner["id"]["in"]
        value = values.get(_snake(key)) if self._shows(name, row, _snake(key)) else None
        if name == "Actor" and key == "name" and value is None:
            value = values["masked_name"]
        ((operator, operand),) = inner.items()
        if operator == "isNull":
            return value is None
        if value is None:
            return None
        if operator == "startsWith":
            return str(value).startswith(operand)
        return bool(value in operand if operator == "in" else operand in value)

    def _column(self, name: str, key: str) -> str:
        """The column by which a field leads on."""
        composed = self.world.n.server.graphql.composed
        node = next(t for t in composed.types.values() if t.name == name)
        return str(composed.field(node, key).column)


_HIDDEN = {"NOT_FOUND", "NOT_LINKABLE", "LIES_NOWHERE", "NOT_SIGNED_IN"}  # of an id that is asked about
_REFUSED = {*_HIDDEN, "NOT_PERMITTED"}


def _nobody(row: Row, facts: Facts) -> bool:
    return False


_SOMETHING: dict[str, Any] = {
    "String": "某", "Int": 1, "Long": 1, "Boolean": True, "JSON": {}, "Date": "2025-03-01",
    "Instant": "2025-03-01T08:00:00+00:00", "ID": "area_00000000-0000-7000-8000-000000000000",
}  # fmt: skip


def batched(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _is_list(type_: Any) -> bool:
    return is_list_type(get_nullable_type(type_))


def _connections(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for one in value:
            yield from _connections(one, path)
    elif isinstance(value, dict):
        if "totalCount" in value and "nodes" in value:
            yield path, value
        for key, inner in value.items():
            yield from _connections(inner, f"{path}.{key}")


def _tag(model: type[Model]) -> str:
    return str(model.tag)  # type: ignore[attr-defined]


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)


def _person(forge: Forge, kind: ActorKind, area: UUID) -> UUID:
    token = forge.token()
    masked = kind in (ActorKind.PERSON, ActorKind.HOUSEHOLD)
    name = f"赵{token}云"
    return forge.actor(kind, area, name=name, masked_name="赵*云" if masked else name, sort_name=f"zhao {token} yun")


async def _for_a_time(n: Neighbourhood, ids: Mapping[str, str], areas: Mapping[str, str], club: str) -> None:
    """The deputy stands in for the holder of a post with a role. The lapsed clerk had all there is to have: a role by
    name, the post, a deputyship, a mandate, a ward; each until now, exactly."""
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=areas[HERE], title="社区专干"))["post"]["id"]
    role = {"role": Role.CLERK.name, "areaId": areas[HERE]}
    await n.do("admin", "coreGrantRole", "roleGrant { id }", postId=post, **role)
    made = await n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=ids["lapsed clerk"], **role)
    end = n.clock.now() + timedelta(hours=1)

    async def hold(name: str, **term: str) -> str:
        held = await n.do("admin", "coreAssignPost", "postHolding { id }", postId=post, personId=ids[name], **term)
        return str(held["postHolding"]["id"])

    holder, term = await hold("holder"), {"until": end.isoformat()}
    await hold("lapsed clerk", **term)
    other = {"until": (end + timedelta(days=300)).isoformat()}
    for name, till in (("deputy", other), ("lapsed clerk", term)):
        deputy = {"postHoldingId": holder, "personId": ids[name]}
        await n.do("admin", "coreAppointDeputy", "deputy { id }", **deputy, **till)
    given = {"personId": ids["lapsed clerk"], "organizationId": club, "areaId": areas[HERE]}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **given, **term)
    ward = {"wardId": ids["resident"], "basis": GuardianBasis.APPOINTED.name, "evidence": "指定书"}
    await n.do("admin", "coreRecordGuardianship", "guardianship { id }", guardianId=ids["lapsed clerk"], **ward, **term)

    async def ends(work: Work) -> dict[str, Any]:  # no mutation gives a role until a day
        granted = await work.lock(RoleGrant, UUID(made["roleGrant"]["id"].removeprefix("rolegrant_")))
        work.change(granted, until=end)
        work.record("core.role.granted", granted, area_id=granted.area_id)
        return {}

    await n.server.runtime.as_system(ends)
    n.clock.set(end)


async def _people(n: Neighbourhood) -> tuple[dict[str, Who], list[UUID]]:
    """Everybody who asks: a role each, by the rules; and those of whom there are to be rows."""
    names = (
        "resident",
        "neighbour",
        "clerk here",
        "clerk beside",
        "area admin",
        "mandated",
        "former clerk",
        "deprived clerk",
        "lapsed clerk",
        "deputy",
        "guardian",
        "machine",
        "holder",
    )
    logins = dict(zip(names, await n.newcomers(len(names), HERE), strict=True))
    areas = {code: await n.area_id(code) for code in AREAS}
    persons = {name: (await n.viewer(login)).person_id for name, login in logins.items()}
    ids = {name: to_global("actor", person) for name, person in persons.items() if person}
    club = (await n.registered("海沧志愿队", kind=ActorKind.ORGANIZATION, area=HERE))[0]
    whos = {"anonymous": Who(None), "resident": Who(logins["resident"], persons["resident"])}
    whos["neighbour"] = Who(logins["neighbour"], persons["neighbour"])

    async def grant(name: str, role: Role, code: str) -> str:
        made = await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role=role.name, areaId=areas[code], actorId=ids[name]
        )
        return str(made["roleGrant"]["id"])

    for name, role, code in (
        ("clerk here", Role.CLERK, HERE), ("clerk beside", Role.CLERK, BESIDE), ("area admin", Role.AREA_ADMIN, HERE),
    ):  # fmt: skip
        await grant(name, role, code)
        whos[name] = Who(logins[name], persons[name], roles=((role, code),))
    taken = await grant("deprived clerk", Role.CLERK, HERE)
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=taken, reason="离任")
    whos["deprived clerk"] = Who(logins["deprived clerk"], persons["deprived clerk"])
    mandate = {"organizationId": club, "areaId": areas[HERE]}
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["mandated"], **mandate)
    organization = UUID(club.removeprefix("actor_"))
    whos["mandated"] = Who(logins["mandated"], persons["mandated"], frozenset({organization}))
    given = await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["former clerk"], **mandate)
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=given["mandate"]["id"], reason="离任")
    whos["former delegate"] = Who(logins["former clerk"], persons["former clerk"])
    await _for_a_time(n, ids, areas, club)
    whos["lapsed clerk"] = Who(logins["lapsed clerk"], persons["lapsed clerk"])
    whos["deputy"] = Who(logins["deputy"], persons["deputy"], roles=((Role.CLERK, HERE),))
    await n.do(
        "admin", "coreRecordGuardianship", "guardianship { id }", wardId=ids["resident"], guardianId=ids["guardian"],
        basis=GuardianBasis.RELATIVE.name, evidence="户口簿",
    )  # fmt: skip
    whos["guardian"] = Who(logins["guardian"], persons["guardian"])
    await grant("machine", Role.AREA_ADMIN, ABOVE)
    await n.do("admin", "coreGiveMandate", "mandate { id }", personId=ids["machine"], **mandate)
    made = await n.do(
        logins["machine"], "coreCreateMachineToken", "secret", label="同步", permissions=sorted(OF_MACHINE),
        areaId=areas[HERE], expiresAt=(n.clock.now() + timedelta(days=300)).isoformat(),
    )  # fmt: skip
    n.tokens["machine"] = made["secret"]
    whos["machine"] = Who("machine", roles=((Role.AREA_ADMIN, HERE),), only=OF_MACHINE)
    admin = await n.viewer("admin")
    whos["admin"] = Who("admin", admin.person_id, roles=((Role.ADMIN, ABOVE),))
    owner = persons["resident"]
    assert owner is not None
    return whos, [owner, organization]
