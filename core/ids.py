"""Global ids: `<table tag>_<uuid>`, the same in the API, in events and in exports."""

from __future__ import annotations

import re
from functools import lru_cache
from uuid import UUID

import uuid_utils.compat

from core.errors import Refusal

_GLOBAL = re.compile(r"([a-z][a-z_]{0,40})_([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


def new_id() -> UUID:
    """A fresh UUIDv7: time-ordered, so that "by id" is "by age"."""
    return uuid_utils.compat.uuid7()


def to_global(tag: str, id: UUID) -> str:
    """`to_global("actor", …)` is `actor_0190…`."""
    return f"{tag}_{id}"


@lru_cache(4096)
def split_global(value: str) -> tuple[str, UUID]:
    """The tag and the UUID of a global id; refuses `BAD_ID` for anything else."""
    match = _GLOBAL.fullmatch(value)
    if match is None:
        raise Refusal("BAD_ID", value=value[:80])
    return match[1], UUID(match[2])


def is_global(value: str, tag: str | None = None) -> bool:
    """Has it the form of a global id, with this tag if one is named?"""
    match = _GLOBAL.fullmatch(value)
    return match is not None and tag in (None, match[1])


def from_global(value: str, tag: str, *path: str) -> UUID:
    """The UUID of an id that must carry `tag`; refuses `BAD_ID` at the input field `path` otherwise."""
    match = _GLOBAL.fullmatch(value)
    if match is None or match[1] != tag:
        raise Refusal("BAD_ID", path=path, value=value[:80])
    return UUID(match[2])
