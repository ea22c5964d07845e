"""A town many times over: every actor, activity and participation again under other ids, behind the guards' backs.

The copies have an entry each by which the server sees that their names are known, and no terms to find them by.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from typing import Any
from uuid import UUID

import asyncpg
from rich.progress import track
from town import Town

from core.database import connection_config

# What a copy has of its own; the rest is as it was.
COPIES: dict[str, dict[str, str]] = {
    "core_actor": {"id": "other(id)"},
    "core_activity": {"id": "other(id)", "organizer_id": "other(organizer_id)", "starts_at": "later(starts_at)", "ends_at": "later(ends_at)"},
    "core_search_entry": {"id": "other(id)"},
    "core_participation": {"id": "other(id)", "activity_id": "other(activity_id)", "actor_id": "other(actor_id)"},
}  # fmt: skip
MINUTES = 7  # later than the copy before


def derived(id: str, copy: int) -> str:
    """The id of a copy; `md5(…)::uuid` of PostgreSQL."""
    return str(UUID(hashlib.md5(f"{id}{copy}".encode()).hexdigest()))


async def grow(url: str, town: Town, scale: int) -> None:
    """Make the town `scale` times as large; PostgreSQL is left vacuumed and analysed."""
    if not url.startswith("sqlite:"):
        await _grow_postgres(url, scale)
    elif scale > 1:
        _grow_sqlite(url.removeprefix("sqlite:"), scale)
    first = list(town.activities)
    for copy in range(1, scale):
        town.activities += [derived(id, copy) for id in first]


def _insert(table: str, columns: list[str], other: str, later: str) -> str:
    own = COPIES[table]

    def made(column: str) -> str:
        function, _, inner = own.get(column, column).partition("(")
        of = inner.rstrip(")")
        return {"other": other, "later": later}.get(function, function).replace("COLUMN", of)

    names = ", ".join(columns)
    return f"INSERT INTO {table} ({names}) SELECT {', '.join(map(made, columns))} FROM first_{table}"


async def _grow_postgres(url: str, scale: int) -> None:
    known = connection_config(url)["credentials"]
    connection = await asyncpg.connect(**{k: known[k] for k in ("host", "port", "user", "database")})
    await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
    statements = []
    for table in COPIES:
        rows = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_name = $1 ORDER BY ordinal_position", table
        )
        await connection.execute(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
        later = f"COLUMN + COPY * interval '{MINUTES} minutes'"
        statements.append(_insert(table, [r[0] for r in rows], "md5(COLUMN::text || 'COPY')::uuid", later))
    for copy in track(range(1, scale), f"{scale} times the rows"):
        for sql in statements:
            await connection.execute(sql.replace("COPY", str(copy)), timeout=600)
    await connection.close()
    fresh = await asyncpg.connect(**{k: known[k] for k in ("host", "port", "user", "database")})
    await fresh.execute("VACUUM ANALYZE", timeout=1200)
    await fresh.close()


def _grow_sqlite(path: str, scale: int) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        run: Any = connection.execute
        connection.create_function("derived", 2, derived, deterministic=True)
        tables = ", ".join(f"'{table}'" for table in COPIES)
        triggers = run(
            f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({tables})"
        ).fetchall()
        run("PRAGMA foreign_keys = OFF")
        run("PRAGMA cache_size = -500000")
        run("BEGIN IMMEDIATE")
        statements = []
        for table in COPIES:
            columns = [r[1] for r in run(f"PRAGMA table_info({table})")]
            run(f"CREATE TEMP TABLE first_{table} AS SELECT * FROM {table}")
            later = f"strftime('%Y-%m-%d %H:%M:%f000+00:00', COLUMN, '+' || COPY * {MINUTES} || ' minutes')"
            statements.append(_insert(table, columns, "derived(COLUMN, COPY)", later))
        for name, _ in triggers:
            run(f'DROP TRIGGER "{name}"')
        for copy in track(range(1, scale), f"{scale} times the rows"):
            for sql in statements:
                run(sql.replace("COPY", str(copy)))
        for _, sql in triggers:
            run(sql)
        run("COMMIT")
