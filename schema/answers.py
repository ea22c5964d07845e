"""What the HTTP routes share: JSON answers with the headers every answer has, refusals with a status, bodies in bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from core.messages import Messages
from schema.heads import headers_of
from schema.media import GRAPHQL, JSON, is_json, is_utf8

MAX_BODY = 1_000_000
DISCARDED = 4_000_000  # read beyond that and thrown away, so that the client hears the answer instead of a reset
BODY_SECONDS = 30.0
SAFE = {"x-content-type-options": "nosniff", "cache-control": "no-store", "referrer-policy": "no-referrer"}
CLOSE = {"connection": "close"}


class Refused(Refusal):
    """The request itself is wrong: the HTTP status and headers that go with the code."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None, /, **values: Any) -> None:
        super().__init__(code, **values)
        self.status = status
        self.headers = headers or {}


class _Answer(Response):
    """Like Starlette's, with most of its headers written beforehand."""

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str], media: str) -> None:
        self.status_code, self.body, self.background = status, body, None
        own = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers = [*_WRITTEN[media], (b"content-length", b"%d" % len(body)), *own]


_WRITTEN = {
    media: [(k.encode(), v.encode()) for k, v in (SAFE | {"content-type": f"{media}; charset=utf-8"}).items()]
    for media in (JSON, GRAPHQL)
}


def answer(body: Any, status: int, headers: Mapping[str, str] | None = None, *, media: str = JSON) -> Response:
    """A JSON response with the headers every answer has."""
    return _Answer(orjson.dumps(body), status, headers or {}, media)


def refuse(refused: Refused, messages: Messages, language: str, *, media: str = JSON) -> Response:
    """The answer to a request that is refused as a whole."""
    message = messages.render(refused.code, language, refused.values)
    body = {"errors": [{"message": message, "extensions": {"code": refused.code}}]}
    return answer(body, refused.status, refused.headers, media=media)


async def read_json(request: Request) -> Any:
    """The JSON value of a body. Refuses what is no JSON in UTF-8, too large, or too slow in coming."""
    headers = headers_of(request)
    kind = headers.get("content-type", "")
    if not is_json(kind):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE")
    if not is_utf8(kind):
        raise Refused(415, "UNSUPPORTED_CHARSET")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refused(415, "UNSUPPORTED_ENCODING")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            text = await _read(request, headers.get("content-length", ""))
    except TimeoutError:
        raise Refused(408, "BODY_TOO_SLOW", CLOSE) from None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "BAD_JSON", what=f"{error}"[:100]) from None


async def _read(request: Request, length: str) -> bytes:
    if length.isdecimal() and int(length[:20]) > MAX_BODY + DISCARDED:
        raise _too_large()
    size, more = 0, True
    parts: list[bytes] = []
    while more and size <= MAX_BODY + DISCARDED:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Refused(400, "BODY_BROKEN_OFF")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size <= MAX_BODY:
            parts.append(chunk)
    if size > MAX_BODY:
        raise _too_large()
    return b"".join(parts)


def _too_large() -> Refused:
    return Refused(413, "BODY_TOO_LARGE", CLOSE, limit=MAX_BODY)
