"""`nodes(ids:)`: many nodes at once, in the order of their ids, in one statement."""

from __future__ import annotations

from time import monotonic
from typing import Any

import pytest

from core.access import ANONYMOUS
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio
QUERY = "query($i: [ID!]!) { nodes(ids: $i) { __typename id ... on Area { code } ... on Actor { name } } }"
NOBODY = "actor_00000000-0000-7000-8000-000000000000"


def codes(body: dict[str, Any]) -> list[str]:
    return [e["extensions"]["code"] for e in body.get("errors", ())]


async def test_ids_are_answered_in_their_order_as_often_as_they_are_asked(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    area, company = await n.area_id("xishan"), await n.actor_id("企业甲")
    await n.quiet()
    asked = [company, area, NOBODY, "unheardof" + NOBODY[5:], area, company]
    with n.statements() as statements:
        found = (await n.ask(None, QUERY, i=asked))["nodes"]
        assert len(statements) == 1
    assert [node and node["id"] for node in found] == [company, area, None, None, area, company]
    assert found[1] == {"__typename": "Area", "id": area, "code": "xishan"}
    assert (await n.ask(None, QUERY, i=[]))["nodes"] == []
    # The same document with ids of other types: the plan that is kept for it does not fit.
    only_areas = [{"__typename": "Area", "id": area, "code": "xishan"}]
    assert (await n.ask(None, QUERY, i=[area]))["nodes"] == only_areas
    assert (await n.ask(None, QUERY, i=[area, area]))["nodes"] == only_areas * 2
    assert (await n.ask(None, "query($a: ID!) { nodes(ids: [$a]) { __typename } }", a=company))["nodes"] == [
        {"__typename": "Enterprise"}
    ]


async def test_what_the_viewer_may_not_see_looks_like_what_is_missing(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    rows = await n.server.runtime.database.read("SELECT id FROM core_membership")
    asked = [f"membership_{row[0]}" for row in rows[:40]]
    query = "query($i: [ID!]!) { nodes(ids: $i) { id } }"
    found = [(await n.ask(who, query, i=asked))["nodes"] for who in ("admin", "resident", None)]
    assert found[0] == [{"id": id} for id in asked]
    assert None in found[1]
    assert found[2] == [None] * len(asked)
    for who, nodes in zip(("admin", "resident", None), found, strict=True):
        viewer = await n.viewer(who) if who else ANONYMOUS
        plain = await n.server.graphql.execute(query, {"i": asked}, viewer=viewer, plain=True)
        assert plain["data"]["nodes"] == nodes


async def test_the_endpoint_of_an_area_shows_its_own_subtree(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    inside, above = await n.area_id("xishan"), await n.area_id("haicang")
    body = {"query": QUERY, "variables": {"i": [above, inside, inside]}}
    answer = (await n.http.post("/areas/xishan/graphql", json=body)).json()
    assert [node and node["code"] for node in answer["data"]["nodes"]] == [None, "xishan", "xishan"]


async def test_the_id_of_an_actor_who_was_merged_leads_to_the_one_kept(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    kept, gone = await n.registered("王小明", "王晓明")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=gone, reason="同一人")
    assert [node["id"] for node in (await n.ask("admin", QUERY, i=[gone, kept]))["nodes"]] == [kept, kept]
    plain = await n.server.graphql.execute(QUERY, {"i": [gone, kept]}, viewer=await n.viewer("admin"), plain=True)
    assert [node["id"] for node in plain["data"]["nodes"]] == [kept, kept]


@pytest.mark.parametrize(
    ("ids", "code"),
    [([NOBODY] * 101, "TOO_MANY_VALUES"), (["nonsense"] * 9_990, "TOO_MANY_VALUES"), ([NOBODY, "nonsense"], "BAD_ID"),
     ([NOBODY] * 10_001, "VARIABLES_TOO_LARGE")],
    ids=["101", "9990", "no id", "10001"],
)  # fmt: skip
async def test_too_many_ids_and_what_is_none_are_refused_before_the_database_is_asked(
    neighbourhood: Neighbourhood, ids: list[str], code: str
) -> None:
    n = neighbourhood
    await n.quiet()
    await n.ask(None, QUERY, i=[NOBODY] * 100)
    with n.statements() as statements:
        began = monotonic()
        body = (await n.post(None, QUERY, i=ids)).json()
        assert monotonic() - began < 0.5
    assert codes(body) == [code]
    assert statements == []
    if code != "VARIABLES_TOO_LARGE":
        plain = await n.server.graphql.execute(QUERY, {"i": ids}, plain=True)
        assert codes(plain) == [code]


async def test_each_id_costs_a_row_and_what_lies_inside_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    area, company = await n.area_id("xishan"), await n.actor_id("企业甲")
    query = """query($i: [ID!]!) { nodes(ids: $i) {
        ... on Area { children(first: 5) { nodes { id } } } ... on Actor { participations(first: 9) { nodes { id } } }
    } }"""
    for ids, rows in (([area] * 3, 3 * 6), ([area, company, company], 6 + 2 * 10), ([], 0)):
        body = {"query": query, "variables": {"i": ids}}
        answer = (await n.http.post("/graphql", json=body, headers={"gongzhi-cost": "1"})).json()
        assert answer["extensions"]["cost"]["rows"] == rows, answer
    large = query.replace("first: 5", "first: 100").replace(
        "nodes { id }", "nodes { children(first: 100) { nodes { id } } }", 1
    )
    assert codes((await n.post(None, large, i=[area] * 100)).json()) == ["QUERY_TOO_LARGE"]
