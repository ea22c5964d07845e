"""A client that keeps sixteen connections busy, and what the asked ones spend meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

CONNECTIONS = 16


@dataclass
class Round:
    """Milliseconds of processor per request, and requests per second."""

    server: float
    database: float
    rate: float

    @property
    def cpu(self) -> float:
        return self.server + self.database


def spent(pid: int | None) -> float:
    """Processor seconds of a process and its children, of all their threads, as the scheduler counts them."""
    total = 0
    for entry in Path("/proc").iterdir() if pid is not None else ():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                if str(pid) in (entry.name, parent):
                    total += sum(int((t / "schedstat").read_text().split()[0]) for t in (entry / "task").iterdir())
            except OSError:
                continue
    return total / 1e9


class Client:
    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.head = (
            f"POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\naccept: application/json\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> bytes:
        writer.write(self.head + str(len(body)).encode() + b"\r\n\r\n" + body)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        answer = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            raise AssertionError(f"{head.decode()}{answer[:500].decode()}")
        return answer

    async def ask(self, text: str, variables: dict[str, Any]) -> Any:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = await self.one(reader, writer, orjson.dumps({"query": text, "variables": variables}))
        writer.close()
        return orjson.loads(answer)

    async def load(
        self, text: str, variables: Iterator[dict[str, Any]], requests: int, server: int, database: int | None
    ) -> Round:
        bodies = [orjson.dumps({"query": text, "variables": next(variables)}) for _ in range(requests)]
        waiting = iter(bodies)

        async def worker() -> None:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            for body in waiting:
                answer = await self.one(reader, writer, body)
                if b'"errors":[{' in answer:
                    raise AssertionError(answer[:500])
            writer.close()

        before, began = (spent(server), spent(database)), monotonic()
        await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
        took = monotonic() - began
        after = (spent(server), spent(database))
        each = [1000 * (a - b) / requests for a, b in zip(after, before, strict=True)]
        return Round(each[0], each[1], requests / took)
