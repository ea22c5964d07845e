"""Requests that name a trusted document, and a server that answers no other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import Config
from core.testing.kit import Databases, Neighbourhood, served
from core.trusted import hash_document

pytestmark = pytest.mark.anyio
AREA = "query Area($code: String!) { area(code: $code) { name } }"
LEAVE = "mutation Leave { coreSignOut(input: {}) { errors { code } } }"
OTHER = "{ areas { totalCount } }"
ID = f"sha256:{hash_document(AREA)}"
XISHAN = {"code": "xishan"}


def write(folder: Path, *texts: str) -> None:
    (folder / "documents.json").write_text(json.dumps({hash_document(text): text for text in texts}), "utf-8")


@pytest.fixture
def config(databases: Databases, tmp_path: Path) -> Config:
    plain = databases.config(databases.fresh("sqlite", "demo"))
    return replace(plain, documents=str(tmp_path / "documents.json"), accept_documents="trusted")


@pytest.fixture
async def guarded(config: Config, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Neighbourhood]:
    write(tmp_path, AREA, LEAVE)
    async with served(config) as made:
        yield made


async def send(n: Neighbourhood, path: str = "/graphql", **body: Any) -> tuple[int, Any]:
    answer = await n.http.post(path, json=body, headers={"accept-language": "en"})
    found = answer.json()
    return answer.status_code, found["errors"][0]["extensions"]["code"] if "errors" in found else found["data"]


async def test_a_document_is_named_by_its_id(guarded: Neighbourhood) -> None:
    named = await send(guarded, documentId=ID, variables=XISHAN, operationName="Area")
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": ID.removeprefix("sha256:")}}
    assert named == await send(guarded, extensions=persisted, variables=XISHAN)
    assert named == await send(guarded, query=AREA, variables=XISHAN)
    assert named == await send(guarded, "/areas/xishan/graphql", documentId=ID, variables=XISHAN)
    assert (named[0], list(named[1])) == (200, ["area"])


async def test_queries_are_named_over_get_and_mutations_are_not(guarded: Neighbourhood) -> None:
    parameters = {"documentId": ID, "variables": json.dumps(XISHAN)}
    for accept in ("application/json", "text/html,*/*;q=0.8"):  # a browser's
        answer = await guarded.http.get("/graphql", params=parameters, headers={"accept": accept})
        assert (answer.status_code, "area" in answer.json()["data"]) == (200, True)
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": ID.removeprefix("sha256:")}}
    parameters = {"extensions": json.dumps(persisted), "variables": json.dumps(XISHAN)}
    assert "area" in (await guarded.http.get("/graphql", params=parameters)).json()["data"]
    answer = await guarded.http.get("/graphql", params={"documentId": f"sha256:{hash_document(LEAVE)}"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "MUTATION_OVER_GET"


async def test_no_other_document_is_answered(guarded: Neighbourhood) -> None:
    assert await send(guarded, query=OTHER) == (403, "UNTRUSTED_DOCUMENT")
    assert await send(guarded, "/areas/xishan/graphql", query=OTHER) == (403, "UNTRUSTED_DOCUMENT")
    assert await send(guarded, query=AREA + "\n", variables=XISHAN) == (403, "UNTRUSTED_DOCUMENT")
    assert await send(guarded, query="{ __schema { types { name } } }") == (403, "UNTRUSTED_DOCUMENT")
    unknown = hash_document(OTHER)
    assert await send(guarded, documentId=f"sha256:{unknown}") == (404, "DOCUMENT_NOT_FOUND")
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": unknown}}
    assert await send(guarded, extensions=persisted) == (200, "PERSISTED_QUERY_NOT_FOUND")
    for _ in range(2):  # nor is one ever added by sending it
        assert await send(guarded, extensions=persisted, query=OTHER) == (403, "UNTRUSTED_DOCUMENT")
    assert await send(guarded, documentId=ID, query=OTHER) == (400, "DOCUMENT_MISMATCH")
    assert await send(guarded, documentId="area") == (400, "BAD_DOCUMENT_ID")
    answer = await guarded.http.get("/graphql", params={"query": OTHER}, headers={"accept-language": "zh-CN"})
    assert answer.json()["errors"][0]["message"] == "本服务器只受理可信文档,此查询不在其中。"


async def test_a_changed_manifest_is_taken_up_while_serving(guarded: Neighbourhood, tmp_path: Path) -> None:
    async def settled(what: Callable[[], Awaitable[Any]], expected: Any) -> None:
        async with asyncio.timeout(10):
            while await what() != expected:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def status() -> int:
        return (await send(guarded, query=OTHER))[0]

    async def wrong() -> list[str]:
        return [p["code"] for p in (await guarded.http.get("/readyz")).json().get("configuration", [])]

    write(tmp_path, AREA, OTHER)
    await settled(status, 200)
    (tmp_path / "documents.json").write_text(json.dumps({"0" * 64: OTHER}), "utf-8")
    await settled(wrong, ["DOCUMENTS_HASH"])
    assert await status() == 200
    write(tmp_path, AREA)
    await settled(status, 403)
    assert await wrong() == []
