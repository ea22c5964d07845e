"""What the HTTP routes share: JSON answers with the headers every answer has, refusals with a status, bodies in bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from core.errors import Refusal
from core.messages import Messages
from schema.media import JSON, is_json, is_utf8

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


def answer(body: Any, status: int, headers: Mapping[str, str] | None = None, *, media: str = JSON) -> Response:
    """A JSON response with the headers every answer has."""
    return Response(orjson.dumps(body), status, SAFE | dict(headers or {}), f"{media}; charset=utf-8")


def refuse(refused: Refused, messages: Messages, language: str, *, media: str = JSON) -> Response:
    """The answer to a request that is refused as a whole."""
    message = messages.render(refused.code, language, refused.values)
    body = {"errors": [{"message": message, "extensions": {"code": refused.code}}]}
    return answer(body, refused.status, refused.headers, media=media)


async def read_json(request: Request) -> Any:
    """The JSON value of a body. Refuses what is no JSON in UTF-8, too large, or too slow in coming."""
    kind = ",".join(request.headers.getlist("content-type"))
    if not is_json(kind):
        raise Refused(415, "UNSUPPORTED_MEDIA_TYPE")
    if not is_utf8(kind):
        raise Refused(415, "UNSUPPORTED_CHARSET")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Refused(415, "UNSUPPORTED_ENCODING")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            text = await _read(request)
    except TimeoutError:
        raise Refused(408, "BODY_TOO_SLOW", CLOSE) from None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(400, "BAD_JSON", what=f"{error}"[:100]) from None


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    too_large = Refused(413, "BODY_TOO_LARGE", CLOSE, limit=MAX_BODY)
    if length.isdecimal() and int(length[:20]) > MAX_BODY + DISCARDED:
        raise too_large
    size, parts = 0, []
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MAX_BODY:
                parts.append(chunk)
            elif size > MAX_BODY + DISCARDED:
                break
    except ClientDisconnect:
        raise Refused(400, "BODY_BROKEN_OFF") from None
    if size > MAX_BODY:
        raise too_large
    return b"".join(parts)
