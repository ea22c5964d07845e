"""The headers of a request, read once."""

from __future__ import annotations

from starlette.requests import Request

_KEPT = "gongzhi.headers"


def headers_of(request: Request) -> dict[str, str]:
    """By name in lower case; the lines of one name are joined by commas (RFC 9110 §5.3)."""
    found: dict[str, str] | None = request.scope.get(_KEPT)
    if found is None:
        found = request.scope[_KEPT] = {}
        for raw, value in request.scope["headers"]:
            name, text = raw.decode("latin-1"), value.decode("latin-1")
            found[name] = f"{found[name]},{text}" if name in found else text
    return found
