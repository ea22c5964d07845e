"""Which errors of a database, or of a network, are likely to pass by themselves."""

from __future__ import annotations

import sqlite3

import asyncpg

_SQLITE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
# Connection, transaction given up (deadlock, serialization), resources, lock not available, operator and timeout.
_POSTGRES = ("08", "40", "53", "55", "57")


def can_pass(error: BaseException) -> bool:
    """A lost connection, a lock, a deadlock, a timeout, a full disk: the same again may well succeed."""
    for cause in (error, error.__cause__, *error.args[:1]):
        if isinstance(cause, OSError):  # ConnectionError and TimeoutError are such
            return True
        if isinstance(cause, sqlite3.Error) and getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE:
            return True
        if str(getattr(cause, "sqlstate", "") or "")[:2] in _POSTGRES:
            return True
        if isinstance(cause, asyncpg.InterfaceError) and not isinstance(cause, ValueError):
            return True
    return False
