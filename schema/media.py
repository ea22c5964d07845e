"""Media types: what a request says it sends, and which of ours it accepts (GraphQL over HTTP; RFC 9110 §12.5.1)."""

from __future__ import annotations

from core.messages import remembered, weighted

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
UTF8 = {"utf-8", "utf8"}


@remembered
def is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == JSON


@remembered
def is_utf8(content_type: str) -> bool:
    """Whether the charset named, if one is, is UTF-8; one that is not named is."""
    return all(charset in UTF8 for charset in _charsets(content_type.lower()))


@remembered
def choose_media(accept: str) -> str | None:
    """The media type of the answer, None when neither is acceptable.

    The greatest weight wins, then what is named rather than covered by a wildcard. Of two named alike it is the draft's
    type; a client that names neither (`*/*`, no header) gets plain JSON, which every client reads.
    """
    if not accept.strip():
        return JSON
    ranges = weighted(accept)
    told = {
        kind: max(((_exactness(r, kind), weight) for weight, r in ranges), default=(0, 0.0)) for kind in (GRAPHQL, JSON)
    }
    found = [
        (weight, exactness, kind == (GRAPHQL if exactness == EXACT else JSON), kind)
        for kind, (exactness, weight) in told.items()
        if exactness and weight
    ]
    return max(found)[-1] if found else None


@remembered
def wants_page(accept: str) -> bool:
    """Whether a browser asks: HTML is named."""
    return any(weight and r.partition(";")[0] == "text/html" for weight, r in weighted(accept))


EXACT = 3


def _exactness(media_range: str, kind: str) -> int:
    """3 for the type itself, 2 for `application/*`, 1 for `*/*`, 0 if the range does not cover it."""
    if not is_utf8(media_range):
        return 0
    return {kind: EXACT, "application/*": 2, "*/*": 1}.get(media_range.partition(";")[0].strip(), 0)


def _charsets(value: str) -> list[str]:
    parameters = (p.partition("=") for p in value.split(";")[1:])
    return [text.strip().strip('"') for name, _, text in parameters if name.strip() == "charset"]
