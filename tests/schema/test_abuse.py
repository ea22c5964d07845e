"""What a hostile client sends: refused with a code, at once, and nobody else waits."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


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
    lock_ms: int, neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the lock's time runs out or the rule's: BUSY, and the plugin is well."""
    n = neighbourhood
    database = n.server.runtime.database
    spots = await n.ask(None, "{ adoptionAssets(where: {state: {eq: AVAILABLE}}) { nodes { id } } }")
    claim = {"assetId": spots["adoptionAssets"]["nodes"][0]["id"], "mode": "CARE"}
    assert (await database.read("SHOW lock_timeout"))[0][0] == f"{lock_ms // 1000}s"
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
