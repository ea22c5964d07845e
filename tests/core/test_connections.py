"""Clients that are slow, silent or too talkative, against the HTTP server itself: answered or dropped, and nobody waits."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import urlopen

import orjson
import pytest
from graphql import get_introspection_query

from core.cli import connections
from core.cli.serving import http_server
from core.testing.kit import Databases, served
from core.testing.process import start

pytestmark = pytest.mark.anyio
SOON = 20.0  # generous: the machine may be busy


@dataclass
class Listening:
    """The server under test: its port, and the connections it holds."""

    port: int
    connections: set[Any]

    @asynccontextmanager
    async def open(self, buffer: int = 0) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, cut when done with."""
        sock = socket.socket()
        if buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=buffer or 2**16)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def until(self, so: Callable[[set[Any]], bool]) -> None:
        async with asyncio.timeout(SOON):
            while not so(self.connections):  # noqa: ASYNC110  (uvicorn tells nobody)
                await asyncio.sleep(0.02)

    async def dropped(self) -> None:
        await self.until(lambda connections: not connections)


@pytest.fixture(scope="module")
def dialect() -> str:
    """Connections are the same on both databases."""
    return "sqlite"


@pytest.fixture(scope="module")
async def listening(databases: Databases, shared_url: str, anyio_backend: str) -> AsyncIterator[Listening]:
    async with served(databases.config(shared_url)) as n:
        uvicorn = http_server(n.server)
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(uvicorn.serve(sockets=[listener]))
        yield Listening(listener.getsockname()[1], uvicorn.server_state.connections)
        uvicorn.should_exit = True
        await serving


async def said(listening: Listening, *parts: bytes) -> tuple[int, dict[str, str], Any]:
    """What one connection is answered, until it is closed: status, headers, body."""
    async with listening.open() as (reader, writer), asyncio.timeout(SOON):
        with suppress(ConnectionError):  # answered before all was sent
            for part in parts:
                writer.write(part)
                await writer.drain()
        whole = await reader.read(1_000_000)
        while more := await reader.read(1_000_000):
            whole += more
    head, _, body = whole.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, orjson.loads(body)


def post(body: bytes, *headers: str) -> bytes:
    lines = [
        "POST /graphql HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


CHUNKED = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
GET = b"GET /graphql?query=%7Bversion%7D HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ([b"nonsense\r\n\r\n"], 400, "BAD_HTTP"),
        ([GET + b"x: " + b"a" * 300_000 + b"\r\n\r\n"], 431, "HEADERS_TOO_LARGE"),
        ([GET + b"x: ", *[b"a" * 10_000] * 30], 431, "HEADERS_TOO_LARGE"),
        ([GET + b"".join(b"x%d: a\r\n" % n for n in range(5_000)) + b"\r\n"], 431, "HEADERS_TOO_LARGE"),
        ([GET.replace(b"version", b"a" * 17_000) + b"\r\n"], 414, "ADDRESS_TOO_LONG"),
        ([b"GET /" + b"a" * 20_000, *[b"a" * 20_000] * 3], 414, "ADDRESS_TOO_LONG"),
        ([CHUNKED, *[b"%x\r\n" % 1_000_000 + b"x" * 1_000_000 + b"\r\n"] * 4, b"0\r\n\r\n"], 413, "BODY_TOO_LARGE"),
    ],
)  # fmt: skip
async def test_what_is_too_large_is_answered_and_closed(
    listening: Listening, parts: list[bytes], status: int, code: str
) -> None:
    answered, headers, body = await said(listening, *parts)
    assert (answered, body["errors"][0]["extensions"]["code"]) == (status, code)
    assert body["errors"][0]["message"] != code
    assert (headers["connection"], headers["x-content-type-options"]) == ("close", "nosniff")
    await listening.dropped()


async def test_forty_megabytes_are_not_read(listening: Listening) -> None:
    sent = 0
    async with listening.open() as (_, writer):
        with suppress(ConnectionError):
            writer.write(CHUNKED)
            while sent < 40_000_000:
                writer.write(b"%x\r\n" % 100_000 + b"x" * 100_000 + b"\r\n")
                await writer.drain()
                sent += 100_000
        await listening.dropped()
    assert sent < 40_000_000


async def test_a_full_head_and_body_in_one_piece_are_served(listening: Listening) -> None:
    head = f"x: {'a' * 30_000}"
    query = orjson.dumps({"query": "{ version }", "extensions": {"x": "b" * 200_000}})
    status, headers, body = await said(listening, post(query, head, "Connection: close"))
    assert (status, list(body["data"])) == (200, ["version"])
    assert "server" not in headers


@pytest.mark.parametrize(
    ("sent", "more", "status"),
    [(b"", b"", None), (b"\r\n", b"\r\n", 408), (GET, b"a", 408)],
    ids=["nothing", "lines", "head"],
)
async def test_a_head_that_does_not_come_is_not_awaited(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, sent: bytes, more: bytes, status: int | None
) -> None:
    """Nothing, or a byte now and then."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    async with listening.open() as (reader, writer), asyncio.timeout(SOON):
        writer.write(sent)
        while not (got := await _within(reader, 0.1)) and not reader.at_eof():
            writer.write(more)
        assert got.startswith(f"HTTP/1.1 {status} ".encode()) if status else not got
        assert (b"HEADERS_TOO_SLOW" in got) == bool(status)
        await listening.dropped()


async def _within(reader: asyncio.StreamReader, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            return await reader.read(100_000)
    except (TimeoutError, ConnectionError):
        return b""


async def test_after_an_answer_the_next_head_is_awaited_as_long(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening.open() as (reader, writer), asyncio.timeout(SOON):
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"}}")).startswith(b"HTTP/1.1 200 ")
        monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
        writer.write(GET)
        assert b"HEADERS_TOO_SLOW" in await reader.read()
        await listening.dropped()


async def test_a_body_that_does_not_come_is_not_awaited(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schema.answers.BODY_SECONDS", 0.2)
    status, _, body = await said(listening, post(b" " * 1_000)[:-500])
    assert (status, body["errors"][0]["extensions"]["code"]) == (408, "BODY_TOO_SLOW")
    await listening.dropped()


INTROSPECTION = post(orjson.dumps({"query": get_introspection_query()}))


async def test_a_client_that_never_reads_is_dropped(listening: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WRITE_SECONDS", 0.5)
    async with listening.open(buffer=4_096) as (_, writer):
        writer.write(INTROSPECTION * 10)
        await listening.until(lambda held: any(c.transport.get_write_buffer_size() for c in held))
        await listening.dropped()


async def test_a_client_that_reads_slowly_gets_everything(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "WRITE_SECONDS", 1.0)
    last = post(orjson.dumps({"query": get_introspection_query()}), "Connection: close")
    answers, began = bytearray(), monotonic()
    async with listening.open(buffer=4_096) as (reader, writer), asyncio.timeout(3 * SOON):
        writer.write(INTROSPECTION * 3 + last)
        while got := await reader.read(100_000):
            answers += got
            if monotonic() - began < 2:
                await asyncio.sleep(0.01)
    assert answers.count(b"HTTP/1.1 200") == 4  # of all together: a chunk may end within one


async def test_others_are_served_meanwhile(listening: Listening) -> None:
    async with AsyncExitStack() as held:
        for _ in range(200):
            _, writer = await held.enter_async_context(listening.open())
            writer.write(GET)
        status, _, body = await said(listening, GET + b"Connection: close\r\n\r\n")
    assert (status, list(body["data"])) == (200, ["version"])
    await listening.dropped()


def test_the_command_serves_with_these_bounds(databases: Databases, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start(
        tmp_path,
        "serve",
        out=out,
        environment={"GONGZHI_DATABASE": databases.fresh("sqlite", "empty"), "GONGZHI_PORT": "0"},
    )
    try:
        until = monotonic() + 3 * SOON
        while "serves http" not in (text := out.read_text("utf-8") if out.exists() else ""):
            assert monotonic() < until and process.is_alive(), text
            sleep(0.05)
        address = text.split("serves ")[1].split()[0]
        port = int(address.split(":")[2].split("/")[0])
        with urlopen(f"{address}?query=%7Bversion%7D", timeout=SOON) as answer:
            assert (answer.status, answer.headers["server"]) == (200, None)
        with socket.create_connection(("127.0.0.1", port), timeout=SOON) as client:
            client.sendall(GET + b"x: " + b"a" * 300_000)
            assert b" 431 " in client.recv(1_000)
    finally:
        process.terminate()
        process.join()
    assert process.exitcode == 0
