"""The isolation matrix: every type of a served schema, by every path to it, in every role, against what each may see.

    world = await World.made(neighbourhood)
    await world.check("clerk here", TRUTH)

The roles are `core.testing.people`; the questions come from the introspection of the live schema
(`core.testing.questions`), so a type that somebody adds is asked for unasked; the rows come from `core.testing.forge`.
The truth does not come from the schema: it says for every type in plain Python, over plain rows, who sees one. A type
without a truth fails, and so does one without rows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from graphql import build_client_schema, get_introspection_query, get_named_type, is_required_argument
from tortoise.models import Model

from core.enums import ActorKind, Role
from core.ids import to_global
from core.models import Account, Activity, Actor, Area
from core.settings.cuts import SECTION
from core.synchronize import index_names
from core.testing.forge import TOKEN, Forge, Forged, Owner, forgeable
from core.testing.kit import Neighbourhood
from core.testing.people import AREAS, Who, people, unknown
from core.testing.questions import SIZE, WITHIN, All, Nodes, Question, Questions, Row, snake, tag_of
from core.testing.refusals import Refusals
from schema.nodes.composed import ByRule, PlainRoot
from schema.nodes.declare import ToOneField
from schema.plain import table_rows

PACKED = re.compile(r"[A-Za-z0-9+/]{500,}")  # a printed sheet, in which a short token stands by chance
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
Cuts = Mapping[
    tuple[str, str], frozenset[Role]
]  # the roles that keep a permission, by the area's code and the permission


@dataclass
class Facts:
    """What a truth may look at: who asks, and every table as plain rows by id."""

    who: Who
    tables: Mapping[str, Mapping[UUID, Row]]
    carried_by: Mapping[str, frozenset[Role]]  # roles by permission, as declared
    cuts: Cuts

    def acts_as(self, actor: UUID | None) -> bool:
        return self.who.acts_as(actor)

    def may(self, permission: str, area: UUID | None) -> bool:
        """Has one of their roles this permission in the area or in one above, and has none of these cut it?"""
        if self.who.only is not None and permission not in self.who.only:
            return False
        codes, kept = set(), self.carried_by[permission]
        while area is not None:
            row = self.tables["core_area"][area]
            codes.add(str(row["code"]))
            kept &= self.cuts.get((str(row["code"]), permission), kept)
            area = row["parent_id"]
        return any(role in kept and top in codes for role, top in self.who.roles)

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
    whos: dict[str, Who]
    questions: Questions
    extra: list[Forged]  # rows that no type shows
    cuts: Cuts = field(default_factory=dict)

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
        n.server.graphql.documents.limit *= 20  # every role asks the same
        types = [t for t in composed.types.values() if t.source is None]
        references = {
            (t.table, f.column): composed.type_of(f.target).model
            for t in types for f in t.fields.values() if isinstance(f, ToOneField)
        }  # fmt: skip
        whos, owners = await people(n)
        await n.delivered()
        await n.quiet()
        models = forgeable(database.models, {t.model for t in types})
        forge = Forge(database, models, references, values)
        codes = {code: UUID((await n.area_id(code)).removeprefix("area_")) for code in AREAS}
        for known in await table_rows(database, Account):
            forge.there_is(Account, known["id"], person_id=known["person_id"])
        for area in codes.values():
            stranger, other = (unknown(forge, ActorKind.PERSON, area) for _ in range(2))
            home = unknown(forge, ActorKind.HOUSEHOLD, area)
            club = unknown(forge, ActorKind.ORGANIZATION, area)
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
        extra = [r for r in forge.rows if r.model not in named.values()]
        actors = [to_global("actor", r.id) for r in by_model[Actor]]
        given = {
            "code": AREAS,
            "keptId": actors[:1],
            "goneId": actors[1:2],
            "personId": actors[:1],
            "on": [to_global(tag_of(model), rows[name][k].id) for name, model in named.items() for k in (0, -1)],
            "areaId": [to_global("area", a) for a in codes.values()],
            **arguments,
        }
        taken = {k: list(v) for k, v in given.items()}
        costly = [(t.name, composed.camel(f.name)) for t in types for f in t.fields.values() if getattr(f, "cost", 0)]
        return cls(n, whos, Questions(schema, named, rows, await _tables(n), taken, costly), extra)

    @asynccontextmanager
    async def cut(self, area: str, role: Role, permissions: Sequence[str]) -> AsyncIterator[None]:
        """Meanwhile the area with this code takes these permissions from a role."""
        book = self.n.server.runtime.book
        kept = {p: [r for r in book[p].roles if r is not role] for p in permissions}
        await self._set(area, {p: [r.name for r in roles] for p, roles in kept.items()})
        self.cuts = {(area, p): frozenset(roles) for p, roles in kept.items()}
        try:
            yield
        finally:
            await self._set(area, dict.fromkeys(permissions))
            self.cuts = {}

    async def _set(self, area: str, kept: Mapping[str, list[str] | None]) -> None:
        said = [{"key": key, "value": value} for key, value in kept.items()]
        input = {"areaId": await self.n.area_id(area), "plugin": SECTION, "settings": said}
        await self.n.do("admin", "coreSetPluginSettings", "area { id }", **input)
        await self.n.server.take_up.follow_version()

    # --- what may be seen --------------------------------------------------------------------------------

    async def check(
        self, role: str, truth: Mapping[str, Truth], *, endpoint: str = "/graphql", probing: bool = True
    ) -> int:
        """Ask everything in this role; AssertionError with every question that was answered with too much, or with too
        little. How many questions there were. `truth` by type, `Type.column` where not all who see the row see what it
        holds, `Type.column elsewhere` for who is told it by another row, and by table, or by its column, for rows that no
        type shows but through others. At an area's `endpoint` too much only. Not
        `probing`: what is shown, and not what filters would find out."""
        missing = [name for name in self.questions.models if name not in truth]
        assert not missing, f"nobody has said in plain Python who sees {', '.join(missing)}"
        bare = [name for name, rows in self.questions.rows.items() if not rows]
        assert not bare, f"there are no rows of {', '.join(bare)}"
        asked = await self._asked(role, truth, endpoint)
        for question in self.questions:
            if probing or not question.is_probe:
                await asked.ask(question)
        asked.found_right()
        return asked.count

    async def check_payload(self, role: str, truth: Mapping[str, Truth]) -> int:
        """What a mutation answers with leads as far as anything else: this role joins every activity in which they have
        no part, and leaves it. How many these were; the rows of activities have to be such that one can."""
        asked, there = await self._asked(role, truth), self.questions
        of_activity, of_actor = there.all_of("Activity"), there.all_of("Actor")
        shown = f"participation {{ activity {{ {of_activity} }} actor {{ {of_actor} }} }} errors {{ code message }}"
        taken = {p["activity_id"] for p in asked.facts.rows("core_participation") if asked.who.acts_as(p["actor_id"])}
        free = [row.id for row in there.rows["Activity"] if row.id not in taken]
        for id in free:
            for mutation in ("coreJoinActivity", "coreLeaveActivity"):
                text = f"mutation($i: CoreActivityInput!) {{ {mutation}(input: $i) {{ {shown} }} }}"
                answer = await asked.ask(Question(mutation, text, {"i": {"activityId": to_global(Activity.tag, id)}}))
                assert answer[mutation]["errors"] == [] and answer[mutation]["participation"], (role, mutation, answer)
        asked.found_right()
        return len(free)

    async def check_exports(self, role: str, truth: Mapping[str, Truth], half: int) -> int:
        """The files of every other list (of every so many, where there are many), from the one at `half` on, as one may
        ask for 20 a day; how many."""
        asked, count = await self._asked(role, truth), 0
        login = self.whos[role].login
        assert login is not None
        headers = {"authorization": f"Bearer {self.n.tokens[login]}"}
        lists = [
            root for root, definition in self.questions.roots()
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
        asked.found_right()
        return count

    async def check_refusals(self, role: str, truth: Mapping[str, Truth]) -> int:
        """Every mutation that takes the id of what not everybody sees, with one that is hidden and with one that is
        nobody's: refused in the same words, which name the field. How many pairs there were."""
        there, seen, login = self.questions, (await self._asked(role, truth)).seen, self.whos[role].login
        assert login is not None
        ids = {
            is_seen: {
                name: next(to_global(tag_of(there.models[name]), r.id) for r in rows if (r.id in seen[name]) is is_seen)
                for name, rows in there.rows.items() if any((r.id in seen[name]) is is_seen for r in rows)
            }
            for is_seen in (True, False)
        }  # fmt: skip
        refusals = Refusals(self.n, there.schema, login, seen=ids[True], hidden=ids[False])
        await refusals.check()
        assert not refusals.wrong, f"{role}: " + "\n".join(refusals.wrong[:20])
        return refusals.count

    async def _asked(self, role: str, truth: Mapping[str, Truth], endpoint: str = "/graphql") -> _Asked:
        """Nothing asked yet, of what is stored now."""
        self.questions.tables = await _tables(self.n)
        return _Asked(self, self.whos[role], role, truth, endpoint)


async def _tables(n: Neighbourhood) -> dict[str, dict[UUID, Row]]:
    database = n.server.runtime.database
    return {m._meta.db_table: {r["id"]: r for r in await table_rows(database, m) if "id" in r} for m in database.models}


@dataclass
class _Asked:
    """The answers to one who asks, compared with what they may see."""

    world: World
    who: Who
    role: str
    truth: Mapping[str, Truth]
    endpoint: str
    wrong: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def there(self) -> Questions:
        return self.world.questions

    def found_right(self) -> None:
        assert not self.wrong, f"{self.role}: " + "\n".join(self.wrong[:20])

    @cached_property
    def facts(self) -> Facts:
        rules = self.world.n.server.runtime.book.rules.values()
        carried = {rule.key: frozenset(rule.roles) for rule in rules}
        return Facts(self.who, self.there.tables, carried, self.world.cuts)

    @cached_property
    def seen(self) -> dict[str, set[UUID]]:
        """By type, which of all rows they may see."""
        found = {}
        for name, model in self.there.models.items():
            rows = self.there.tables[model._meta.db_table]
            found[name] = {id for id, row in rows.items() if self.truth[name](row, self.facts)}
        return found

    @cached_property
    def hidden(self) -> dict[str, str]:
        """Tokens and ids that may be in no answer, with what they are of."""
        found: dict[str, str] = {}
        names = {model: name for name, model in self.there.models.items()}
        for row in (r for rows in self.there.rows.values() for r in rows):
            name = names[row.model]
            if row.id not in self.seen[name] and name != "Actor":
                found[str(row.id)] = name
            for column, token in row.tokens.items():
                elsewhere = self.truth.get(f"{name}.{column} elsewhere", _nobody)
                values = self.there.tables[row.model._meta.db_table][row.id]
                if not self._shows(name, row, column) and not elsewhere(values, self.facts):
                    found[token] = f"{name}.{column}"
        for row in self.world.extra:
            table = row.model._meta.db_table
            for column, token in row.tokens.items():
                test = self.truth.get(f"{table}.{column}", self.truth.get(table))
                if test is None or not test(self.there.tables[table][row.id], self.facts):
                    found[token] = f"{table}.{column}"
        return found

    def _shows(self, name: str, row: Forged, column: str) -> bool:
        values = self.there.tables[row.model._meta.db_table][row.id]
        test = self.truth.get(f"{name}.{column}")
        return (row.id in self.seen[name] or name == "Actor") and (test is None or test(values, self.facts))

    async def ask(self, question: Question) -> Any:
        """The data that one question is answered with; what is wrong with it is kept in `wrong`."""
        self.count += 1
        headers = {"authorization": f"Bearer {self.world.n.tokens[self.who.login]}"} if self.who.login else {}
        asked = {"query": question.document, "variables": question.variables}
        response = await self.world.n.http.post(self.endpoint, json=asked, headers=headers)
        body = response.json()
        self.look_for_hidden(question.what, response.text)
        codes = {e["extensions"]["code"] for e in body.get("errors", ())}
        roots: Mapping[str, PlainRoot] = self.world.n.server.graphql.composed.plain_roots
        root = roots.get(question.what.partition("(")[0])
        by_rule = root is not None and isinstance(root.scope, ByRule)
        if root is not None and codes <= (_REFUSED if by_rule else _HIDDEN):
            return None
        if codes and not (self.endpoint != "/graphql" and codes == {"OUTSIDE_ENDPOINT"}):
            self.wrong.append(f"{question.what}: {codes} {body['errors'][0]['message']} {question.document[:300]}")
        elif not codes:
            self._compare(question, body["data"])
        return body.get("data")

    def look_for_hidden(self, what: str, text: str) -> None:
        text = PACKED.sub("", text)
        told = {self.hidden[t] for t in {*TOKEN.findall(text), *UUIDS.findall(text)} if t in self.hidden}
        if told:
            self.wrong.append(f"{what}: tells {sorted(told)}")

    def _compare(self, question: Question, data: dict[str, Any]) -> None:
        """Not only nothing too much: everything that may be seen, and counts to match."""
        what, expected = question.what, question.expected
        for path, one in _connections(data):
            size = SIZE if path.count(".") == 1 else WITHIN  # a root's, or a row's
            if len(one["nodes"]) != min(one["totalCount"], size):
                self.wrong.append(f"{what}: {path} counts {one['totalCount']}, and shows {len(one['nodes'])}")
        if expected is None or self.endpoint != "/graphql":
            return
        rows, seen = self.there.rows[expected.name], self.seen[expected.name]
        if isinstance(expected, Nodes):
            found, asked = data["nodes"] if "nodes" in data else list(data.values()), rows[expected.which]
            if [node is not None for node in found] != [r.id in seen for r in asked]:
                self.wrong.append(f"{what}: shows {sum(n is not None for n in found)} of {len(asked)}")
        elif isinstance(expected, All):
            if data["list"]["totalCount"] != len(seen):
                self.wrong.append(f"{what}: counts {data['list']['totalCount']} where {len(seen)} are to be seen")
        else:
            matching = [r for r in rows if r.id in seen and self._matches(expected.name, r, expected.condition)]
            ids = {to_global(tag_of(self.there.models[expected.name]), r.id) for r in matching}
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
        definition: Any = self.there.schema.type_map[name]
        target = get_named_type(definition.fields[key].type)
        values = self.there.tables[row.model._meta.db_table][row.id]
        if self.there.is_node(target):
            other = self.there.named(target.name)
            id: UUID | None = values[self._column(name, key)]
            visible = self._shows(name, row, snake(key)) and (other in ("Actor", "Area") or id in self.seen[other])
            return id is not None and visible and to_global(tag_of(self.there.models[other]), id) in inner["id"]["in"]
        value = values.get(snake(key)) if self._shows(name, row, snake(key)) else None
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


def _connections(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(value, list):
        for one in value:
            yield from _connections(one, path)
    elif isinstance(value, dict):
        if "totalCount" in value and "nodes" in value:
            yield path, value
        for key, inner in value.items():
            yield from _connections(inner, f"{path}.{key}")
