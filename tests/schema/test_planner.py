"""Every documented query is one statement, and answers what plain execution answers, for everybody, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.access import ANONYMOUS
from core.testing.kit import Databases, Neighbourhood, served

pytestmark = pytest.mark.anyio
OPERATIONS = Path(__file__).parent / "operations"
CORE = sorted((OPERATIONS / "core").glob("*.graphql"))
PLUGINS = sorted(p for p in OPERATIONS.glob("*/*.graphql") if p.parent.name != "core")
ALL = [
    *(pytest.param(p, id=p.stem) for p in CORE),
    *(pytest.param(p, id=p.stem, marks=pytest.mark.needs(*p.parent.name.split("+"))) for p in PLUGINS),
]
WHO = (None, "resident", "clerk", "company", "admin")


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def demo_url(databases: Databases, dialect: str) -> Iterator[str]:
    url = databases.fresh(dialect, "demo")
    yield url
    databases.drop(url)


@pytest.fixture(scope="module")
async def neighbourhood(databases: Databases, demo_url: str, anyio_backend: str) -> AsyncIterator[Neighbourhood]:
    """These tests only read: one neighbourhood, in which nothing happens any more, serves them all."""
    async with served(databases.config(demo_url)) as made:
        await made.trust("admin", "clerk", "company", "resident")
        made.clock.set(made.clock.now())
        await made.delivered()
        await made.quiet()
        yield made


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


async def test_names_of_people_are_masked_and_masked_names_cannot_be_probed(neighbourhood: Neighbourhood) -> None:
    query = '{ actors(where: {name: {eq: "郑雅婷"}}) { totalCount nodes { name } } }'
    assert (await neighbourhood.ask(None, query))["actors"]["totalCount"] == 0
    assert (await neighbourhood.ask("resident", query))["actors"]["nodes"] == [{"name": "郑雅婷"}]
