"""Keyset cursors: `STARTS_AT_DESC.<uuid>:<value>` names its order, its row and the row's key (nothing after the uuid
means null). Plain text, so that a stray cursor can be read; opaque to clients, and checked whole when it comes back.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from core.errors import Refusal
from schema.scalars import parse_date, parse_instant

_UUID = 36


def parse(cursor: Any, order: str, kind: str) -> tuple[Any, UUID]:
    """The key and row id in a cursor of this order; refuses BAD_CURSOR."""
    if not isinstance(cursor, str) or len(cursor) > 2000:
        raise Refusal("BAD_CURSOR", order=order)
    name, _, rest = cursor.partition(".")
    text = rest[_UUID:]
    try:
        if name != order or (text and text[0] != ":"):
            raise ValueError
        id = UUID(rest[:_UUID])
        if str(id) != rest[:_UUID]:
            raise ValueError
        return (None if not text else _key(text[1:], kind)), id
    except ValueError:
        raise Refusal("BAD_CURSOR", order=order) from None


def _key(text: str, kind: str) -> Any:
    if kind == "instant":
        return parse_instant(text)
    if kind == "date":
        return parse_date(text)
    if kind in ("int", "long"):
        number = int(text)
        if abs(number) > (2**31 if kind == "int" else 2**63) - 1:
            raise ValueError
        return number
    return text


def make(order: str, key: Any, id: UUID, show_instant: Any) -> str:
    """The cursor of a row, as the plain executor writes it."""
    if key is None:
        return f"{order}.{id}"
    if isinstance(key, datetime):
        key = show_instant(key)
    elif isinstance(key, date):
        key = key.isoformat()
    elif isinstance(key, Enum):
        key = key.value
    return f"{order}.{id}:{key}"
