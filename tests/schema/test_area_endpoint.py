"""An area's own endpoint is a contract: for each set of plugins exactly the committed SDL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, lexicographic_sort_schema, print_schema

import server
from core.access import PermissionBook
from core.testing.kit import Neighbourhood

SNAPSHOTS = Path(server.__file__).parent / "docs" / "reference" / "areas"
pytestmark = pytest.mark.anyio


@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("on", ["core", "adoption", "points", "adoption,points"])
async def test_the_contract_is_the_committed_one(neighbourhood: Neighbourhood, on: str) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    needs = n.server.runtime.kernel.needs
    for key in sorted(needs, key=lambda key: -len(needs[key])):  # what needs another goes off before it
        state = "ON" if key in on.split(",") else "OFF"
        await n.do("admin", "coreTogglePlugin", "area { id }", areaId=xishan, plugin=key, state=state)
    answer = await n.http.post("/areas/xishan/graphql", json={"query": get_introspection_query()})
    served = print_schema(lexicographic_sort_schema(build_client_schema(answer.json()["data"])))
    committed = (SNAPSHOTS / f"{on.replace(',', '+')}.graphql").read_text("utf-8")
    assert served == print_schema(lexicographic_sort_schema(build_schema(committed))), (
        f"gongzhi schema print --only {on} > docs/reference/areas/{on.replace(',', '+')}.graphql"
    )


async def at(n: Neighbourhood, code: str, query: str, who: str | None = None, **variables: Any) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {n.tokens[who]}"} if who else {}
    body = {"query": query, "variables": variables}
    found: dict[str, Any] = (await n.http.post(f"/areas/{code}/graphql", json=body, headers=headers)).json()
    return found


@pytest.mark.needs("adoption", "points")
async def test_a_computed_list_names_no_area_outside_the_endpoint(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    query = """query($a: ID!) { pointsRanking(areaId: $a, kind: ENTERPRISE, period: "%d") { totalCount nodes { points } } }"""
    query %= n.clock.today().year
    inside, above = await n.area_id("xishan"), await n.area_id("haicang")
    assert (await at(n, "xishan", query, a=inside))["data"]["pointsRanking"]["totalCount"] > 0
    assert (await at(n, "haicang", query, a=inside))["data"]["pointsRanking"]["totalCount"] > 0
    missing = "area_00000000-0000-7000-8000-000000000000"
    for code, area in (("xishan", above), ("haihong", inside), ("haihong", missing)):
        body = await at(n, code, query, a=area)
        assert [e["extensions"]["code"] for e in body["errors"]] == ["OUTSIDE_ENDPOINT"], code
    from core.ids import split_global

    endpoint = next(e for r in n.server.app.routes if (e := getattr(r.endpoint, "__self__", None)) is not None)
    graphql, root = await endpoint._contract("haihong")
    plain = await graphql.execute(query, {"a": inside}, plain=True, root_area=root)
    assert plain["errors"][0]["extensions"]["code"] == "OUTSIDE_ENDPOINT"
    assert root != split_global(inside)[1]


async def test_a_filter_names_no_area_outside_the_endpoint(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    activities = "query($c: String!) { activities(where: {area: {within: $c}}) { totalCount } }"
    areas = "query($c: String!) { areas(where: {not: {within: $c}}) { totalCount } }"
    endpoint = next(e for r in n.server.app.routes if (e := getattr(r.endpoint, "__self__", None)) is not None)
    graphql, root = await endpoint._contract("dongfu")
    for query in (activities, areas):
        for inside in ("dongfu", "xishan", "xishan-1"):
            assert "errors" not in await at(n, "dongfu", query, c=inside)
        for area, code in (("haihong", "OUTSIDE_ENDPOINT"), ("haicang", "OUTSIDE_ENDPOINT"), ("nope", "UNKNOWN_AREA")):
            plain = await graphql.execute(query, {"c": area}, plain=True, root_area=root)
            for body in (await at(n, "dongfu", query, c=area), plain):
                assert [e["extensions"]["code"] for e in body["errors"]] == [code], area
        assert (
            "errors" not in (await n.http.post("/graphql", json={"query": query, "variables": {"c": "haihong"}})).json()
        )
    by_code = '{ activities(where: {area: {code: {eq: "haihong"}}}) { totalCount } }'
    assert (await at(n, "dongfu", by_code))["data"]["activities"]["totalCount"] == 0


async def test_an_organization_shows_its_members_where_it_is_at_home(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    team, person = await n.actor_id("海虹志愿服务队"), await n.actor_id("林晓敏")
    add = {"actorId": person, "organizationId": team, "role": "MEMBER", "since": "2020-01-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", **add)
    query = "query($i: ID!) { node(id: $i) { ... on Organization { members { totalCount nodes { role } } } } }"
    everywhere = await n.ask("admin", query, i=team)
    assert everywhere["node"]["members"]["totalCount"] > 0
    for code in ("haihong", "haicang"):
        assert (await at(n, code, query, "admin", i=team))["data"] == everywhere
    memberships = "{ memberships { nodes { organization { id } } } }"
    assert {"organization": {"id": team}} not in (await at(n, "xishan", memberships, "admin"))["data"]["memberships"][
        "nodes"
    ]


@pytest.mark.parametrize("code", ["%00", "nowhere", "%E8%A5%BF", "x" * 200])
async def test_an_area_that_is_none_has_no_endpoint(neighbourhood: Neighbourhood, code: str) -> None:
    response = await neighbourhood.http.post(f"/areas/{code}/graphql", json={"query": "{ version }"})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (404, "UNKNOWN_AREA")


def test_contracts_nobody_uses_any_more_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import weakref

    from schema import compose as composing

    monkeypatch.setattr(composing, "_made", type(composing._made)())
    monkeypatch.setattr(composing, "KEPT_SETS", 0)
    book = _Every()
    first = weakref.ref(composing.compose((), book, rooted=True))
    composing.compose((), book)
    gc.collect()
    assert len(composing._made) == 1
    assert first() is None


class _Every(PermissionBook):
    """Every permission there is (which are declared is not the matter here)."""

    def __init__(self) -> None:
        super().__init__(())

    def __contains__(self, key: str) -> bool:
        return True
