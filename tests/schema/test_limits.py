"""What one request may cost: refused before it runs where that can be known, and ended in time where it cannot."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

import core.database
import schema.execution
from core.testing.kit import Neighbourhood
from schema.documents import KEPT_BYTES, MAX_BYTES, Documents

pytestmark = pytest.mark.anyio
COUNTS = " ".join(f"c{i}: actors(where: $w) {{ totalCount }}" for i in range(60))
ROOTS = " ".join(f"r{i}: areas {{ nodes {{ ...F }} }}" for i in range(12))
MANY_COUNTS = f"query($w: ActorWhere) {{ {ROOTS} }} fragment F on Area {{ {COUNTS} }}"


def codes(body: dict[str, Any]) -> list[str]:
    return [e["extensions"]["code"] for e in body.get("errors", ())]


def watched(n: Neighbourhood) -> list[str]:
    statements: list[str] = []
    n.server.runtime.database.observers.append(statements.append)
    return statements


async def test_counting_and_filtering_within_lists_is_charged_for(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.quiet()
    statements = watched(n)
    wanted = {"or": [{"name": {"contains": f"x{i}"}} for i in range(100)]}
    assert codes((await n.post(None, MANY_COUNTS, w=wanted)).json()) == ["TOO_MANY_CONDITIONS"]
    plain = MANY_COUNTS.replace("(where: $w)", "").replace("($w: ActorWhere)", "")
    assert codes((await n.post(None, plain)).json()) == ["QUERY_TOO_LARGE"]
    one = '{ areas(first: 100) { nodes { children(first: 100, where: {code: {ne: "x"}}) { nodes { actors { totalCount } } } } } }'
    assert codes((await n.post(None, one)).json()) == ["QUERY_TOO_LARGE"]
    assert statements == []


async def test_a_slow_request_is_not_run_again_root_by_root(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    await n.quiet()
    statements = watched(n)
    monkeypatch.setattr(core.database, "READ_SECONDS", -1.0)
    body = (await n.post(None, "{ " + " ".join(f"r{i}: areas {{ totalCount }}" for i in range(12)) + " }")).json()
    assert codes(body) == ["TOO_SLOW"]
    assert len(statements) == 1


async def test_a_request_has_one_deadline(neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many statements and mutations it asks for."""
    n = neighbourhood
    await n.quiet()
    query = (
        "query($bad: ID!) { bad: node(id: $bad) { id } "
        + " ".join(f"r{i}: areas {{ totalCount }}" for i in range(9))
        + " }"
    )
    statements = watched(n)
    body = (await n.post(None, query, bad="nonsense")).json()
    assert codes(body) == ["BAD_ID"]
    assert len(statements) == 9  # the one that is refused never reaches the database
    monkeypatch.setattr(schema.execution, "REQUEST_SECONDS", -1.0)
    statements.clear()
    body = (await n.post(None, query, bad="nonsense")).json()
    assert set(codes(body)) == {"TOO_SLOW"}
    assert len(statements) == 1
    area = await n.server.runtime.database.read("SELECT id FROM core_area WHERE code = 'xishan'")
    rename = "mutation($i: CoreRenameAreaInput!) { coreRenameArea(input: $i) { errors { code } } }"
    body = (await n.post("admin", rename, i={"areaId": f"area_{area[0][0]}", "name": "西山"})).json()
    assert body["data"]["coreRenameArea"]["errors"] == [{"code": "TOO_SLOW"}]


@pytest.mark.parametrize(
    ("ors", "each", "allowed"),
    [(2, 49, True), (10, 10, True), (1, 100, True), (10, 100, False), (3, 40, False)],
)
async def test_conditions_are_bounded_because_planning_them_cannot_be_stopped(
    neighbourhood: Neighbourhood, ors: int, each: int, allowed: bool
) -> None:
    """SQLite planned 10 × 100 for minutes; the largest that is allowed takes far less than a second."""
    wanted = {"and": [{"or": [{"code": {"eq": "a"}, "parent": {"name": {"startsWith": "d"}}}] * (each // 3)}] * ors}
    if not allowed:
        wanted = {"and": [{"or": [{"code": {"eq": "a", "startsWith": "d"}}] * each}] * ors}
    began = monotonic()
    query = "query($w: AreaWhere) { areas(where: $w) { totalCount } }"
    bodies = [r.json() for r in await asyncio.gather(*(neighbourhood.post(None, query, w=wanted) for _ in range(3)))]
    assert monotonic() - began < 3
    for body in bodies:
        assert codes(body) == ([] if allowed else ["TOO_MANY_CONDITIONS"])


async def test_documents_are_kept_by_what_they_hold(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    documents: Documents = n.server.graphql.documents
    body = (await n.post(None, "{ version } #" + "长" * (MAX_BYTES // 3))).json()
    assert codes(body) == ["DOCUMENT_TOO_LARGE"]
    before = len(documents)
    for bad in ("{ nothing }", "{ areas {", "{ nothing } #" + "x" * 90_000):
        assert (await n.post(None, bad)).json()["errors"]
    assert len(documents) == before
    await n.ask(None, "query($c: String!) { area(code: $c) { id } }", c="xishan")
    await n.ask(None, "query($c: String!) { area(code: $c) { id } }", c="haicang")
    assert len(documents) == before + 1
    error = (await n.post(None, '{\n  node(id: "x") { id }\n}')).json()["errors"][0]
    assert error["locations"] == [{"line": 2, "column": 3}]


def test_hundreds_of_large_documents_leave_memory_flat() -> None:
    """What the cache believes it holds is bounded, and is what it holds."""
    import gc
    import tracemalloc

    def fill(documents: Documents, count: int, fields: int, size: int) -> None:
        for number in range(count):
            text = "{" + " a" * fields + f" n{number} }} #" + "x" * size
            assert not documents.prepare(documents, text, lambda document: []).errors

    large = Documents(500_000)
    fill(large, 300, 20, 10_000)
    assert 300_000 < large.bytes <= 500_000
    measured = Documents(1_000_000)
    gc.collect()
    tracemalloc.start()
    fill(measured, 30, 150, 100)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1.3 * measured.bytes
    assert KEPT_BYTES <= 64_000_000


async def test_plans_go_with_their_document(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    documents: Documents = n.server.graphql.documents
    query = "query($w: AreaWhere) { areas(where: $w) { totalCount } }"
    for count in range(60):
        await n.ask(None, query, w={"or": [{"code": {"eq": "x"}}] * count})
    prepared = n.server.graphql.prepare(query)
    assert len(prepared.shapes) == 20
    held = prepared.bytes
    assert held < 1_000_000
    assert documents.bytes == sum(kept.bytes for kept in documents._kept.values())
    documents.limit, limit = 0, documents.limit
    documents.keep_within()
    assert (len(documents), documents.bytes) == (0, 0)
    await n.ask(None, query, w={"code": {"eq": "y"}})  # what is kept no longer is planned, and counts for nothing
    documents.limit = limit
    shape = next(iter(prepared.shapes.values()))
    prepared.plan(shape, {}, lambda: shape.plans[-1])
    assert documents.bytes == sum(kept.bytes for kept in documents._kept.values())
