"""Counting attempts in the database, so that all workers count together and parallel requests do not slip through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from core.errors import Refusal

if TYPE_CHECKING:
    from core.runtime import Runtime

WINDOW = timedelta(minutes=15)
LONGEST = timedelta(hours=1)  # the rows are forgotten then


def key_of(purpose: str, *parts: str) -> str:
    """Whom or what is counted, for a purpose that no user names; kept as a hash, another for every list of parts."""
    return hashlib.sha256(json.dumps([purpose, *parts]).encode()).hexdigest()


async def count(runtime: Runtime, limits: Mapping[str, int], window: timedelta = WINDOW) -> None:
    """One more attempt under each key; refuses SIGN_IN_THROTTLED beyond its limit, until `window` has passed since the
    first of them. What is refused is not counted."""
    assert window <= LONGEST
    database, now = runtime.database, runtime.clock.now()
    mark, keys = database.dialect.mark, sorted(limits)  # in one order, so that no two wait for each other
    throttled = Refusal("SIGN_IN_THROTTLED", minutes=int(window.total_seconds() // 60))
    over = now - window
    among = ", ".join(mark(n + 1) for n in range(len(keys)))
    since = mark(len(keys) + 1)
    known = await database.read(
        f"SELECT key, failures FROM core_sign_in_failures WHERE key IN ({among}) AND since > {since}", [*keys, over]
    )
    if any(failures >= limits[key] for key, failures in known):
        raise throttled
    last = mark(len(keys) + 2)
    rows = ", ".join(f"({mark(n + 1)}, 1, {since})" for n in range(len(keys)))
    async with database.transaction() as transaction:
        counted = await transaction.fetch(
            f"INSERT INTO core_sign_in_failures AS f (key, failures, since) VALUES {rows} ON CONFLICT (key) DO UPDATE SET"
            f" failures = CASE WHEN f.since > {last} THEN f.failures + 1 ELSE 1 END,"
            f" since = CASE WHEN f.since > {last} THEN f.since ELSE excluded.since END"
            " RETURNING key, failures",
            *keys, now, over,
        )  # fmt: skip
    if any(row["failures"] > limits[row["key"]] for row in counted):
        raise throttled
