"""What differs between SQLite and PostgreSQL when we write SQL by hand; nothing else may ask which one it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from core.errors import Refusal


def sqlite_instant(value: datetime) -> str:
    """Fixed-width UTC text, so that comparing text is comparing time."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")


def _storable(text: str) -> str:
    """A text both databases can hold; refuses BAD_TEXT (a NUL or half a character)."""
    if "\x00" in text:
        raise Refusal("BAD_TEXT")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Refusal("BAD_TEXT") from None
    return text


def _encode_sqlite(value: Any) -> Any:
    if value is None or type(value) is int:
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, datetime):
        return sqlite_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        if all(type(v) is UUID for v in value):
            return orjson.dumps(list(value)).decode()
        return json.dumps([_encode_sqlite(v) for v in value], ensure_ascii=False)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value


_AS_THEY_ARE = frozenset({UUID, int, bool, datetime, date, type(None)})


def _encode_postgres(value: Any) -> Any:
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, (set, frozenset, tuple)):
        return [_encode_postgres(v) for v in value]
    if isinstance(value, list):
        return [_encode_postgres(v) for v in value]
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value


@dataclass(frozen=True)
class Dialect:
    """`mark(n)` is the n-th parameter (1-based); `encode` makes a Python value bindable."""

    name: str
    mark: Callable[[int], str]
    encode: Callable[[Any], Any]
    lock: str

    def among(self, column: str, mark: str, sql_type: str = "uuid") -> str:
        """`column` is one of the values of a list parameter."""
        if self.name == "sqlite":
            return f"{column} IN (SELECT value FROM json_each({mark}))"
        return f"{column} = ANY({mark}::{sql_type}[])"


SQLITE = Dialect("sqlite", lambda n: f"?{n}", _encode_sqlite, "")
POSTGRES = Dialect("postgres", lambda n: f"${n}", _encode_postgres, " FOR UPDATE")
