"""Connections that ask too much of uvicorn: heads too long or too slow, clients that never read. They are answered, and
closed.

What a request says is bounded in `schema/endpoint.py`; this is what happens before there is a request, and after.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_ADDRESS = 16_000
MAX_HEAD = 32_000  # bytes of address and headers
DISCARDED = 4_000_000
HEAD_SECONDS = 10.0  # from the connection, or the answer before, to the end of the headers
WRITE_SECONDS = 20.0  # without the client's taking a byte

Render = Callable[[str, dict[str, object]], str]


class Connection(HttpToolsProtocol):
    """uvicorn's connection with bounds; `look` is called once a second."""

    render: Render = staticmethod(lambda code, values: code)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._refused = False
        self._await_head()
        self._unsent, self._unsent_since = 0, self.loop.time()

    def _await_head(self) -> None:
        self._waiting_since: float | None = self.loop.time()
        self._received = 0
        self._refusal: tuple[int, str, int] = 400, "BAD_HTTP", 0

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._received += len(data)
            if self._received > DISCARDED:
                self.transport.abort()
            return
        super().data_received(data)
        if self._waiting_since is not None and not (self._refused or self.transport.is_closing()):
            self._received += len(data)
            if self._received > MAX_HEAD:
                self._too_large()
                self.send_400_response("")

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD or len(self.url) > MAX_ADDRESS:
            self._too_large()
            raise ValueError("too large")  # the parser's error, answered by send_400_response
        self._waiting_since = None
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._await_head()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent_since = self.loop.time()

    def look(self, now: float) -> None:
        """Drop a client that sends no request, or does not read the answer."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        if unsent and now - self._unsent_since > WRITE_SECONDS:
            self.transport.abort()
        elif self._refused:
            self.transport.close()
        elif self._waiting_since is not None and now - self._waiting_since > HEAD_SECONDS:
            if self._received and not self.transport.is_closing():
                self._refusal = 408, "HEADERS_TOO_SLOW", 0
                self.send_400_response("")
            else:
                self.transport.close()

    def _too_large(self) -> None:
        if len(self.url) > MAX_ADDRESS:
            self._refusal = 414, "ADDRESS_TOO_LONG", MAX_ADDRESS
        else:
            self._refusal = 431, "HEADERS_TOO_LARGE", MAX_HEAD

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or none that is served, and close at the next look: what still comes until then is
        thrown away, because closing at once would reset the connection before the client has read why."""
        status, code, limit = self._refusal
        errors = [{"message": self.render(code, {"limit": limit}), "extensions": {"code": code}}]
        body = json.dumps({"errors": errors}, ensure_ascii=False).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        head = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        self._refused = True
        self.transport.write(STATUS_LINE[status] + head + b"\r\n" + body)
        self.transport.write_eof()


def look_at(connections: set[Any], now: float) -> None:
    for connection in list(connections):
        if isinstance(connection, Connection):
            connection.look(now)
