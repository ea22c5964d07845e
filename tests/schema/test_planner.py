"""Every documented query is one statement, and answers what plain execution answers, for everybody, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from core.access import ANONYMOUS
from core.testing.kit import Neighbourhood
from schema import execution

pytestmark = pytest.mark.anyio
OPERATIONS = Path(__file__).parent / "operations"
CORE = sorted((OPERATIONS / "core").glob("*.graphql"))
PLUGINS = sorted(p for p in OPERATIONS.glob("*/*.graphql") if p.parent.name != "core")
ALL = [
    *(pytest.param(p, id=p.stem) for p in CORE),
    *(pytest.param(p, id=p.stem, marks=pytest.mark.needs(*p.parent.name.split("+"))) for p in PLUGINS),
]
WHO = (None, "resident", "clerk", "company", "admin")


@pytest.fixture(scope="module")
def neighbourhood(shared_neighbourhood: Neighbourhood) -> Neighbourhood:
    return shared_neighbourhood


async def variables(n: Neighbourhood, path: Path) -> dict[str, Any]:
    """Values for the variables a document declares, from the demo neighbourhood."""
    text = path.read_text("utf-8")
    known = {
        "$area:": lambda: n.area_id("haicang"),
        "$actor:": lambda: n.actor_id("企业甲"),
        "$person:": lambda: n.actor_id("郑雅婷"),
    }
    return {name.strip("$:"): await make() for name, make in known.items() if name in text}


@pytest.mark.parametrize("path", ALL)
async def test_planned_and_plain_execution_agree(neighbourhood: Neighbourhood, path: Path) -> None:
    n, text = neighbourhood, path.read_text("utf-8")
    given = await variables(n, path)
    for who in WHO:
        viewer = await n.viewer(who) if who else ANONYMOUS
        planned = orjson.loads(orjson.dumps(await n.server.graphql.execute(text, given, viewer=viewer)))
        plain = orjson.loads(orjson.dumps(await n.server.graphql.execute(text, given, viewer=viewer, plain=True)))
        assert "errors" not in planned, planned["errors"]
        assert planned == plain, who


@pytest.mark.parametrize("path", ALL)
async def test_a_query_is_one_statement(neighbourhood: Neighbourhood, path: Path) -> None:
    n = neighbourhood
    given = await variables(n, path)
    with n.statements() as statements:
        body = (await n.http.post("/graphql", json={"query": path.read_text("utf-8"), "variables": given})).json()
    assert "errors" not in body
    assert len(statements) == 1, statements


async def test_pages_follow_each_other_without_gap_or_repeat(neighbourhood: Neighbourhood) -> None:
    query = "query($a: String) { areas(first: 2, after: $a, orderBy: CODE_DESC) {" \
            " nodes { code } pageInfo { endCursor hasNextPage } } }"  # fmt: skip
    seen: list[str] = []
    after = None
    while True:
        page = (await neighbourhood.ask(None, query, a=after))["areas"]
        seen += [a["code"] for a in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    everything = (await neighbourhood.ask(None, "{ areas(first: 100) { nodes { code } } }"))["areas"]["nodes"]
    assert seen == sorted((a["code"] for a in everything), reverse=True)


async def test_one_bad_root_leaves_the_others_their_answers(neighbourhood: Neighbourhood) -> None:
    response = await neighbourhood.post(None, '{ good: areas { totalCount } bad: node(id: "nonsense") { id } }')
    body = response.json()
    assert body["data"]["good"]["totalCount"] > 0
    assert body["data"]["bad"] is None
    assert [e["extensions"]["code"] for e in body["errors"]] == ["BAD_ID"]
    assert body["errors"][0]["path"] == ["bad"]


@pytest.mark.parametrize("selection", ["__typename", "totalCount @skip(if: true)", "totalCount", "nodes { id }"])
@pytest.mark.parametrize("plain", [False, True])
async def test_a_wrong_condition_is_told_whatever_is_asked_for(
    neighbourhood: Neighbourhood, selection: str, plain: bool
) -> None:
    n, graphql = neighbourhood, neighbourhood.server.graphql
    asked = "{ areas(where: %s) { " + selection + " } }"
    viewer = await n.viewer("admin")
    wrong = await graphql.execute(asked % '{within: "nowhere"}', viewer=viewer, plain=plain)
    assert [e["extensions"]["code"] for e in wrong["errors"]] == ["UNKNOWN_AREA"]
    assert "errors" not in await graphql.execute(asked % '{within: "xishan"}', viewer=viewer, plain=plain)


async def test_names_of_people_are_masked_and_masked_names_cannot_be_probed(neighbourhood: Neighbourhood) -> None:
    query = '{ actors(where: {name: {eq: "郑雅婷"}}) { totalCount nodes { name } } }'
    assert (await neighbourhood.ask(None, query))["actors"]["totalCount"] == 0
    assert (await neighbourhood.ask("resident", query))["actors"]["nodes"] == [{"name": "郑雅婷"}]


DIRECT = {
    "one": "{ areas(first: 2) { nodes { code } } }",
    "aliases and typename": "{ b: area(code: \"xishan\") { name } t: __typename a: area(code: \"nope\") { name } }",
    "fragments": "{ ...F ... on Query { area(code: \"xishan\") { code } } } fragment F on Query { area(code: \"xishan\") { name } }",
    "skipped": "query($no: Boolean! = true) { area(code: \"xishan\") @skip(if: $no) { name } areas(first: 1) { totalCount } }",
    "nothing left": "query($no: Boolean! = true) { area(code: \"xishan\") @skip(if: $no) { name } }",
    "a plain root beside": "{ plugins { key } area(code: \"xishan\") { name } }",
    "a refused argument": "{ node(id: \"nope\") { id } area(code: \"xishan\") { name } }",
    "the schema beside": "{ __schema { queryType { name } } area(code: \"xishan\") { name } }",
}  # fmt: skip


@pytest.mark.parametrize("name", DIRECT)
async def test_what_is_answered_directly_is_what_the_executor_answers(
    neighbourhood: Neighbourhood, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphql, text = neighbourhood.server.graphql, DIRECT[name]
    executed: list[str] = []
    execute = execution.execute

    def counting(*args: Any, **kwargs: Any) -> Any:
        executed.append(name)
        return execute(*args, **kwargs)

    monkeypatch.setattr(execution, "execute", counting)
    direct = orjson.dumps(await graphql.execute(text))
    is_direct = name in ("one", "aliases and typename", "fragments", "skipped")
    assert bool(executed) is not is_direct
    monkeypatch.setattr(graphql, "_direct", lambda context: None)
    assert orjson.dumps(await graphql.execute(text)) == direct


ODD = {
    "of a page only what needs no row": "{ areas(first: 3) { pageInfo { hasPreviousPage __typename } } }",
    "the same, of no rows": "{ areas(where: {code: {eq: \"nowhere\"}}) { pageInfo { hasPreviousPage } } }",
    "the same, inside": "{ areas { nodes { children { pageInfo { hasPreviousPage } } } } }",
    "among long numbers": "{ events(where: {seq: {in: [1, 2, 3]}}) { totalCount } }",
    "of a computed list nothing": "{ search(query: \"西山\") { __typename } }",
    "a field and no operator": "{ actors(where: {name: {}}) { totalCount } }",
    "unlike another's id": "{ areas(where: {not: {id: {eq: \"actor_0190a000-0000-7000-8000-000000000000\"}}}) { totalCount } }",
    "unlike any, one of them another's":
        "{ areas(where: {not: {id: {in: [\"actor_0190a000-0000-7000-8000-000000000000\"]}}}) { totalCount } }",
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
async def test_odd_questions_get_the_plain_answer(neighbourhood: Neighbourhood, name: str) -> None:
    graphql = neighbourhood.server.graphql
    planned = orjson.loads(orjson.dumps(await graphql.execute(ODD[name])))
    assert "errors" not in planned
    assert planned == orjson.loads(orjson.dumps(await graphql.execute(ODD[name], plain=True)))


async def test_not_of_a_row_that_is_not_there_is_true_of_all(neighbourhood: Neighbourhood) -> None:
    query = "query($w: ActivityWhere) { activities(where: $w) { totalCount } }"
    every = (await neighbourhood.ask(None, query))["activities"]["totalCount"]
    nowhere = {"area": {"code": {"eq": "nowhere"}}}
    assert (await neighbourhood.ask(None, query, w=nowhere))["activities"]["totalCount"] == 0
    assert (await neighbourhood.ask(None, query, w={"not": nowhere}))["activities"]["totalCount"] == every > 0
    both = {"not": {"or": [nowhere, {"not": {"not": nowhere}}]}}
    assert (await neighbourhood.ask(None, query, w=both))["activities"]["totalCount"] == every
