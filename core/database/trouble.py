"""Which errors of a database, or of a network, are likely to pass by themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import asyncpg

_SQLITE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
# Connection, transaction given up (deadlock, serialization), resources, lock not available, operator and timeout.
_POSTGRES = ("08", "40", "53", "55", "57")


def can_pass(error: BaseException) -> bool:
    """A lost connection, a lock, a deadlock, a timeout, a full disk: the same again may well succeed."""
    for cause in _causes(error):
        if isinstance(cause, OSError):  # ConnectionError and TimeoutError are such
            return True
        if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE:
            return True
        if str(getattr(cause, "sqlstate", "") or "")[:2] in _POSTGRES:
            return True
        if isinstance(cause, asyncpg.InterfaceError) and not isinstance(cause, ValueError):
            return True
    return False


def _causes(error: BaseException) -> Iterator[Any]:
    """The error, what it came of, and the first argument of each, where the ORM keeps what the driver said. An error may
    have come of itself by way of another."""
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        yield from found.args[:1]
        found = found.__cause__
