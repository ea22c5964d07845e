"""Mutations are run without graphql-core where nothing is left for it to do; the answer is what it would have been."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any, cast

import orjson
import pytest
from graphql import GraphQLInputObjectType, GraphQLInputType, GraphQLList, GraphQLNonNull
from strawberry.types.arguments import convert_argument

from core.config import Config
from core.ids import new_id, to_global
from core.testing.kit import INSTALLED, Neighbourhood
from schema import execution
from schema.conversion import reader_of
from schema.mutations import MUTATIONS, MutationDeclaration
from server import compose_schema, load_host

pytestmark = pytest.mark.anyio

JOIN = "participation { id state again: activity { id } }"
ASKED = {
    "one": (True, "mutation($i: CoreActivityInput!) { coreJoinActivity(input: $i) { " + JOIN + " errors { code } } }"),
    "names and fragments": (True, "mutation($i: CoreActivityInput!) { a: coreJoinActivity(input: $i) { ...P t: __typename } }"
                                  " fragment P on CoreJoinActivityPayload { p: participation { id } p: participation { state } }"),
    "one after the other": (True, "mutation($i: CoreActivityInput!, $o: CoreActivityInput!) {"
                                  " b: coreJoinActivity(input: $i) { " + JOIN + " } a: coreJoinActivity(input: $o) { " + JOIN + " } }"),
    "skipped": (True, "mutation($i: CoreActivityInput!, $n: Boolean = true) { b: coreJoinActivity(input: $i) { " + JOIN + " }"
                      " a: coreJoinActivity(input: $i) @skip(if: $n) { errors { code } } }"),
    "one refused": (False, "mutation($i: CoreActivityInput!, $bad: CoreActivityInput!) {"
                           " a: coreJoinActivity(input: $bad) { " + JOIN + " errors { __typename code path } }"
                           " b: coreJoinActivity(input: $i) { " + JOIN + " errors { code } } }"),
    "the type beside": (False, "mutation($i: CoreActivityInput!) { __typename coreJoinActivity(input: $i) { " + JOIN + " } }"),
    "a default": (False, "mutation($i: CoreActivityInput! = {activityId: \"activity_1\"}) {"
                         " coreJoinActivity(input: $i) { errors { code path } } }"),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
async def test_what_runs_directly_answers_as_the_executor_does(
    neighbourhood: Neighbourhood, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    n, (is_direct, text) = neighbourhood, ASKED[name]
    given = {
        "i": await joining(n, "一"),
        "o": await joining(n, "二"),
        "bad": {"activityId": to_global("activity", new_id())},
    }
    asked = {key: given[key] for key in given if f"${key}:" in text}
    if name == "a default":
        del asked["i"]
    first = (await n.post("resident", text, **asked)).text  # what is asked for again has been done, and is told
    executed: list[str] = []
    execute = execution.execute  # type: ignore[attr-defined]

    def counting(*args: Any, **kwargs: Any) -> Any:
        executed.append(name)
        return execute(*args, **kwargs)

    monkeypatch.setattr(execution, "execute", counting)
    directly = (await n.post("resident", text, **asked)).text
    assert bool(executed) is not is_direct
    assert directly == first

    async def leave(context: Any) -> None:
        pass

    monkeypatch.setattr(n.server.graphql.changes, "run_all", leave)
    assert (await n.post("resident", text, **asked)).text == directly
    assert executed


async def joining(n: Neighbourhood, title: str) -> dict[str, Any]:
    """The input to join a new activity, under a key."""
    start = n.clock.now() + timedelta(hours=1)
    made = await n.do(
        "clerk", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title=title,
        startsAt=start.isoformat(), endsAt=(start + timedelta(hours=3)).isoformat(),
    )  # fmt: skip
    await n.do("clerk", "coreOpenActivity", "activity { id }", activityId=made["activity"]["id"])
    return {"activityId": made["activity"]["id"], "idempotencyKey": f"join {title}"}


async def test_a_refused_mutation_that_ran_is_not_run_again(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    first = await joining(n, "三")
    del first["idempotencyKey"]
    text = (
        "mutation($i: CoreActivityInput!) { a: coreJoinActivity(input: $i) { participation { id } errors { code } }"
        " b: coreJoinActivity(input: $i) { participation { id } errors { code } } }"
    )
    answer = await n.ask("resident", text, i=first)
    assert answer["a"]["participation"] and answer["a"]["errors"] == []
    assert answer["b"] == {"participation": None, "errors": [{"code": "ALREADY_JOINED"}]}


@pytest.mark.parametrize("declared", MUTATIONS, ids=lambda declared: declared.name)
def test_inputs_are_read_as_strawberry_reads_them(declared: MutationDeclaration) -> None:
    random, schema = (
        Random(declared.name),
        compose_schema(load_host(Config(plugins=INSTALLED))),
    )
    name = schema.config.name_converter.from_object(declared.input_type.__strawberry_definition__)  # type: ignore[attr-defined]
    for _ in range(10):
        value = some(cast(GraphQLInputType, schema._schema.type_map[name]), random)
        theirs = convert_argument(value, declared.input_type, schema.schema_converter.scalar_registry, schema.config)
        assert reader_of(declared.input_type, schema.config)(value) == theirs


def some(type_: GraphQLInputType, random: Random) -> Any:
    """A value as coercion leaves it: keys that are not required may be absent or null."""
    if isinstance(type_, GraphQLNonNull):
        return some(type_.of_type, random)
    if isinstance(type_, GraphQLList):
        return [some(type_.of_type, random) for _ in range(random.randrange(3))]
    if isinstance(type_, GraphQLInputObjectType):
        made = {}
        for name, field in type_.fields.items():
            if isinstance(field.type, GraphQLNonNull) or random.random() < 0.5:
                optional = not isinstance(field.type, GraphQLNonNull) and random.random() < 0.3
                made[name] = None if optional else some(field.type, random)
        return made
    return orjson.dumps(str(type_)).decode()
