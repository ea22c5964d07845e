"""What a hostile client sends: refused with a code, at once, and nobody else waits."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio

DOUBLING = "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }} " for i in range(30))
PARENTS = "".join(
    f"fragment P{i} on Area {{ " + " ".join(f"a{k}: parent {{ ...P{i + 1} }}" for k in range(9)) + " } "
    for i in range(6)
)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ ...F0 } " + DOUBLING + "fragment F30 on Query { version }", "SELECTION_TOO_LARGE"),
        ("{ areas { nodes { ...P0 } } } " + PARENTS + "fragment P6 on Area { id }", "SELECTION_TOO_LARGE"),
        ("{ " + " ".join(f"a{n}: areas {{ totalCount }}" for n in range(31)) + " }", "TOO_MANY_ROOTS"),
        ("{ a: __schema { types { name } } b: __schema { types { name } } }", "TOO_MANY_ROOTS"),
        ("{ " + "areas(first: 1) { totalCount } " * 450 + "}", "TOO_MANY_REPEATS"),
        (
            "{ areas(first: 100) { nodes { children(first: 100) { nodes { children(first: 100) { nodes { id } } } } } } }",
            "QUERY_TOO_LARGE",
        ),
        (
            "mutation { ...M } fragment M on Mutation { "
            + " ".join(f'm{n}: coreSignIn(input: {{login: "x", password: "y"}}) {{ token }}' for n in range(11))
            + " }",
            "TOO_MANY_ROOTS",
        ),
        ('{ area(code: "a\\u0000b") { id } }', "BAD_TEXT"),
        ('{ areas(where: {name: {contains: "\\u0000"}}) { nodes { id } } }', "BAD_TEXT"),
        ("{ areas(where: {or: [" + "{code: {eq: \"x\"}}" * 101 + "]}) { nodes { id } } }", "TOO_MANY_VALUES"),
        ('{ activities(where: {startsAt: {lt: "0999-12-31T00:00:00Z"}}) { totalCount } }', "VALIDATION_FAILED"),
        ('{ activities(where: {startsAt: {lt: "9999-12-31T00:00:00Z"}}) { totalCount } }', "VALIDATION_FAILED"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isupper() else "query",
)  # fmt: skip
async def test_too_much_is_refused(neighbourhood: Neighbourhood, query: str, code: str) -> None:
    response = await neighbourhood.post(None, query)
    assert response.status_code == 200
    assert response.json()["errors"][0]["extensions"]["code"] == code


async def test_introspection_as_tools_send_it_works(neighbourhood: Neighbourhood) -> None:
    from graphql import build_client_schema, get_introspection_query

    answer = await neighbourhood.ask(None, get_introspection_query(input_value_deprecation=True))
    assert "Area" in build_client_schema(answer).type_map  # type: ignore[arg-type]


async def test_variables_are_bounded_and_whole(neighbourhood: Neighbourhood) -> None:
    query = "query($w: AreaWhere) { areas(where: $w) { totalCount } }"
    body = (await neighbourhood.post(None, query, w={"or": [{}] * 10_001})).json()
    assert body["errors"][0]["extensions"]["code"] == "VARIABLES_TOO_LARGE"
    http = neighbourhood.http
    half = await http.get(
        "/graphql", params={"query": "query($c: String!) { area(code: $c) { id } }", "variables": '{"c": "\\ud800"}'}
    )
    assert (half.status_code, half.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_JSON")


@pytest.mark.needs("points")
@pytest.mark.parametrize("cursor", ["PLACE_ASC.00000000-0000-7000-8000-000000000000:99999999999", "x", ""])
async def test_a_cursor_made_by_hand(neighbourhood: Neighbourhood, cursor: str) -> None:
    query = """query($a: ID!, $c: String) { pointsRanking(areaId: $a, kind: ENTERPRISE, period: "2026", after: $c) { nodes { place } } }"""
    body = (await neighbourhood.post(None, query, a=await neighbourhood.area_id("haicang"), c=cursor)).json()
    assert body["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    query = query.replace("2026", "0001").replace(", after: $c", "").replace(", $c: String", "")
    body = (await neighbourhood.post(None, query, a=await neighbourhood.area_id("haicang"))).json()
    assert body["errors"][0]["extensions"]["code"] == "BAD_PERIOD"


async def test_errors_mean_that_nothing_changed(neighbourhood: Neighbourhood) -> None:
    """A payload that cannot be read is refused before the rule runs."""
    n = neighbourhood
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    join = {"activityId": activity[0]["id"]}
    for selection, code in (
        ("participation { activity { participations(first: 101) { totalCount } } }", "BAD_PAGE_SIZE"),
        ('participation { activity { participations(after: "x") { totalCount } } }', "BAD_CURSOR"),
    ):
        assert await n.refused("clerk", "coreJoinActivity", selection, **join) == code
    await n.do("clerk", "coreJoinActivity", "participation { id }", **join)


async def test_a_repeated_request_shows_only_what_may_be_seen_now(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    person = await n.actor_id("谢永强")
    clerk = (await n.ask("clerk", "{ roleGrants { nodes { id } } }"))["roleGrants"]["nodes"][0]["id"]
    add = {"actorId": person, "areaId": await n.area_id("xishan"), "role": "MEMBER", "since": "2026-01-01"}
    query = "membership { id role }"
    first = await n.do("clerk", "coreAddMembership", query, idempotencyKey="k", **add)
    assert first["membership"]["role"] == "MEMBER"
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=clerk, reason="调离")
    again = await n.do("clerk", "coreAddMembership", query, idempotencyKey="k", **add)
    assert again["membership"] is None


async def test_a_database_held_by_somebody_else_comes_back(neighbourhood: Neighbourhood, dialect: str) -> None:
    """SQLite: another process holds the file; PostgreSQL: the connections are cut."""
    n = neighbourhood
    database = n.server.runtime.database
    new: dict[str, Any] = {"kind": "PERSON", "name": "新居民", "areaId": await n.area_id("xishan")}
    if dialect == "sqlite":
        from tortoise.connection import get_connection

        client: Any = get_connection("default")
        await client.execute_script("PRAGMA busy_timeout = 200")
        holder = sqlite3.connect(database.url.removeprefix("sqlite:"), isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        response = (
            await n.post(
                "clerk",
                "mutation($i: CoreRegisterActorInput!) { coreRegisterActor(input: $i) { actor { id } errors { code } } }",
                i=new,
            )
        ).json()
        assert response["data"]["coreRegisterActor"] == {"actor": None, "errors": [{"code": "BUSY"}]}
        assert (await n.http.get("/readyz")).status_code == 503
        holder.execute("ROLLBACK")
        holder.close()
    else:
        await database.read(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        await asyncio.sleep(0.1)
    for _ in range(20):
        try:
            await n.do("clerk", "coreRegisterActor", "actor { id }", **new)
            break
        except AssertionError:
            continue
    assert (await n.http.get("/readyz")).status_code == 200


@pytest.mark.needs("adoption")
@pytest.mark.parametrize("dialect", ["postgres"])  # SQLite has one lock, taken before a rule begins: see above
async def test_waiting_for_a_row_is_nobodys_fault(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the lock's time runs out or the rule's: BUSY, and the plugin is well."""
    n = neighbourhood
    database = n.server.runtime.database
    spots = await n.ask(None, "{ adoptionAssets(where: {state: {eq: AVAILABLE}}) { nodes { id } } }")
    claim = {"assetId": spots["adoptionAssets"]["nodes"][0]["id"], "mode": "CARE"}
    assert (await database.read("SHOW lock_timeout"))[0][0] == "3s"
    held, done = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with database.transaction() as transaction:
            await transaction.fetch("SELECT 1 FROM adoption_asset FOR UPDATE")
            held.set()
            await done.wait()

    holder = asyncio.create_task(hold())
    await held.wait()
    for seconds in (1.0, 20.0):
        monkeypatch.setattr("core.runtime.RULE_SECONDS", seconds)
        assert await n.refused("resident", "adoptionSubmitClaim", "claim { id }", **claim) == "BUSY"
    assert {p["status"] for p in (await n.ask(None, "{ plugins { status } }"))["plugins"]} == {"OK"}
    done.set()
    await holder
    await n.do("resident", "adoptionSubmitClaim", "claim { id }", **claim)


async def test_a_password_never_reaches_the_log(
    neighbourhood: Neighbourhood, capsys: pytest.CaptureFixture[str]
) -> None:
    n = neighbourhood
    sign_in = n.server.graphql.sign_in
    original, sign_in.runtime = sign_in.runtime, None
    try:
        query = "mutation($i: CoreSignInInput!) { coreSignIn(input: $i) { token } }"
        body = (await n.post(None, query, i={"login": "clerk", "password": "a-secret-password"})).json()
    finally:
        sign_in.runtime = original
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    said = capsys.readouterr()
    assert "request failed" in said.out + said.err
    assert "a-secret-password" not in said.out + said.err
