"""A plugin's field that fails is null and named; everything beside it is served, in payloads as in queries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from core.testing.kit import INSTALLED, Neighbourhood
from schema.errors import PluginFailed
from schema.execution import _contained
from schema.nodes.declare import ConnectionField, ScalarField
from schema.nodes.expressions import Expr

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]


@dataclass(frozen=True, eq=False)
class Wrong(Expr):
    """SQL that no database takes."""

    def sql(self, scope: Any) -> str:
        return "no_such_function(1)"


@dataclass(frozen=True, eq=False)
class Raising(Expr):
    def sql(self, scope: Any) -> str:
        raise asyncio.CancelledError


def break_field(n: Neighbourhood, monkeypatch: pytest.MonkeyPatch, owner: str, name: str, how: Expr) -> None:
    composed = n.server.graphql.composed
    declared = composed.field(next(t for t in composed.types.values() if t.name == owner), name)
    if isinstance(declared, ConnectionField):
        monkeypatch.setattr(declared, "condition", lambda c, t: how)
    else:
        assert isinstance(declared, ScalarField)
        monkeypatch.setattr(declared, "expression", lambda t: how)


def failed(body: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((e["extensions"]["code"], e["extensions"]["plugin"]) for e in body["errors"])


@pytest.mark.parametrize("how", [Wrong(), Raising()], ids=["sql", "raises"])
async def test_a_payload_is_served_without_what_fails(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch, how: Expr
) -> None:
    n = neighbourhood
    break_field(n, monkeypatch, "Person", "pointsBalance", how)
    register = """mutation($i: CoreRegisterActorInput!) { coreRegisterActor(input: $i) {
        actor { name pointsBalance area { code adoptionAssets { totalCount } } } errors { code } } }"""
    new = {"kind": "PERSON", "name": "新居民", "areaId": await n.area_id("xishan"), "idempotencyKey": "once"}
    for _ in range(2):
        body = (await n.post("clerk", register, i=new)).json()
        payload = body["data"]["coreRegisterActor"]
        assert payload["errors"] == []
        assert payload["actor"]["name"] == "新居民"
        assert payload["actor"]["pointsBalance"] is None
        assert payload["actor"]["area"]["adoptionAssets"]["totalCount"] > 0
        assert failed(body) == [("PLUGIN_FAILED", "points")]
    plugins = (await n.ask(None, "{ plugins { key status } }"))["plugins"]
    assert {p["key"]: p["status"] for p in plugins} == dict.fromkeys(INSTALLED, "OK") | {"points": "FAILING"}


async def test_two_plugins_that_fail_at_once_are_both_named(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    break_field(n, monkeypatch, "Person", "pointsBalance", Wrong())
    break_field(n, monkeypatch, "Area", "adoptionAssets", Wrong())
    query = "{ viewer { kind pointsBalance area { code adoptionAssets { totalCount nodes { id } } } } areas { totalCount } }"
    body = (await n.post("resident", query)).json()
    assert body["data"]["viewer"] == {
        "kind": "PERSON", "pointsBalance": None,
        "area": {"code": body["data"]["viewer"]["area"]["code"], "adoptionAssets": {"totalCount": 0, "nodes": []}},
    }  # fmt: skip
    assert body["data"]["areas"]["totalCount"] > 0
    assert failed(body) == [("PLUGIN_FAILED", "adoption"), ("PLUGIN_FAILED", "points")]


async def test_a_list_of_the_plugin_itself_is_empty(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    break_field(n, monkeypatch, "PointsAccount", "balance", Wrong())
    body = (
        await n.post(
            None, "{ areas { totalCount } pointsAccounts { nodes { balance } } adoptionAssets { totalCount } }"
        )
    ).json()
    assert body["data"]["pointsAccounts"] == {"nodes": []}
    assert body["data"]["areas"]["totalCount"] > 0
    assert body["data"]["adoptionAssets"]["totalCount"] > 0
    assert failed(body) == [("PLUGIN_FAILED", "points")]


@pytest.mark.parametrize("how", [Wrong(), Raising()], ids=["sql", "raises"])
async def test_a_node_of_the_plugin_itself_is_null(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch, how: Expr
) -> None:
    """By its id, and led to from another plugin's type or a core one."""
    n = neighbourhood
    hit = '{ search(query: "绿地") { nodes { title asset { id } } } }'
    asset = (await n.ask(None, hit))["search"]["nodes"][0]["asset"]["id"]
    break_field(n, monkeypatch, "AdoptionAsset", "waitingClaims", how)
    query = """query($i: ID!) { node(id: $i) { id ... on AdoptionAsset { waitingClaims } }
        nodes(ids: [$i]) { ... on AdoptionAsset { waitingClaims } } areas { totalCount } }"""
    body = (await n.post(None, query, i=asset)).json()
    assert (body["data"]["node"], body["data"]["nodes"]) == (None, [None])
    assert body["data"]["areas"]["totalCount"] > 0
    assert failed(body) == [("PLUGIN_FAILED", "adoption")]
    body = (await n.post(None, hit.replace("asset { id }", "asset { id waitingClaims }"))).json()
    assert body["data"]["search"]["nodes"][0] == {"title": "绿地-03", "asset": None}
    assert failed(body) == [("PLUGIN_FAILED", "adoption")]


async def test_a_database_that_fails_for_a_moment_is_not_a_plugins_fault(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    await n.quiet()
    database, once = n.server.runtime.database, []
    read = database.read

    async def flaky(sql: str, values: Any = (), **how: Any) -> Any:
        if not once:
            once.append(sql)
            raise RuntimeError("for a moment")
        return await read(sql, values, **how)

    monkeypatch.setattr(database, "read", flaky)
    body = (await n.post(None, "{ pointsAccounts { nodes { balance } } }")).json()
    assert "errors" not in body
    assert body["data"]["pointsAccounts"]["nodes"]
    plugins = (await n.ask(None, "{ plugins { status } }"))["plugins"]
    assert {p["status"] for p in plugins} == {"OK"}


async def test_a_client_that_leaves_is_not_the_plugins_fault(neighbourhood: Neighbourhood) -> None:
    """A cancellation from outside goes through; one the plugin raises is its failure."""
    n = neighbourhood
    begun = asyncio.Event()

    async def waits(source: Any, info: Any) -> None:
        begun.set()
        await asyncio.sleep(3600)

    async def cancels(source: Any, info: Any) -> None:
        raise asyncio.CancelledError

    info = SimpleNamespace(context=SimpleNamespace(graphql=n.server.graphql))
    health = n.server.runtime.kernel.health
    request = asyncio.create_task(_contained(waits, "points", "x")(None, info))
    await begun.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert health.failures("points") == 0
    with pytest.raises(PluginFailed):
        await _contained(cancels, "points", "x")(None, info)
    assert health.failures("points") == 1
