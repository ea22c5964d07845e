"""How a database would go about a statement: through which index it comes to each table's rows, and where it reads all."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.database import Database


class Way(StrEnum):
    SEARCH = "SEARCH"  # by the columns of an index
    WALK = "WALK"  # in the order of an index, as far as is needed
    SCAN = "SCAN"  # every row


@dataclass(frozen=True)
class Path:
    """How the rows of `table` are found. `by` is what of the index is compared, as the database writes it; `again`:
    anew for each row of another table."""

    table: str
    alias: str
    way: Way
    index: str | None = None
    by: str = ""
    again: bool = False


async def paths(database: Database, sql: str, values: Sequence[Any] = ()) -> list[Path]:
    """The ways to every table of ours in a statement, in the database's order; it is planned, not run.

    An index that is read to its end and then sorted, that is walked anew for each row of another table, or that is made
    for this statement alone, counts as a scan. What a database chooses depends on what it holds: PostgreSQL reads small
    tables whole.
    """
    if database.dialect.name == "sqlite":
        rows = await database.read(f"EXPLAIN QUERY PLAN {sql}", values)
        tables = {model._meta.db_table for model in database.models}
        return list(_sqlite([(row[0], row[1], row[3]) for row in rows], sql, tables))
    plan = (await database.read(f"EXPLAIN (COSTS OFF, FORMAT JSON) {sql}", values))[0][0]
    partial = dict(await database.read(_PARTIAL))
    hashed = set(_HASHED.findall(plan))
    return list(_postgres(json.loads(plan)[0]["Plan"], hashed, partial))


# --- SQLite --------------------------------------------------------------------------------------------------

_STEP = re.compile(r"(SCAN|SEARCH) (?:TABLE )?(\w+)(?: AS (\w+))?(?: USING (?P<using>.*))?")
_INDEX = re.compile(r"(?:COVERING )?INDEX (?P<name>\w+)(?: \((?P<by>.*)\))?")
_FROM = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?", re.I)


def _sqlite(steps: list[tuple[int, int, str]], sql: str, tables: set[str]) -> Iterator[Path]:
    """`steps`: a number, that of the step it is part of, and what it does. SQLite tells a table by the name its rows go
    by in `sql`."""
    named: dict[str, set[str]] = defaultdict(set)
    for table, alias in _FROM.findall(sql):
        if table in tables:
            named[alias or table].add(table)
    sorts = {above for _, above, what in steps if what == "USE TEMP B-TREE FOR ORDER BY"}
    repeated: set[int] = set()
    for number, above, what in steps:
        if above in repeated or what.startswith("CORRELATED"):
            repeated.add(number)
        step = _STEP.match(what)
        if step is None or (step[3] or step[2]) not in named:
            continue
        alias, using, again = step[3] or step[2], step["using"] or "", above in repeated
        table, index = "/".join(sorted(named[alias])), _INDEX.match(using)
        if step[1] == "SEARCH" and "PRIMARY KEY" in using:
            yield Path(table, alias, Way.SEARCH, "PRIMARY KEY", using.partition("(")[2].rstrip(")"), again)
        elif step[1] == "SEARCH" and index is not None:
            yield Path(table, alias, Way.SEARCH, index["name"], index["by"] or "", again)
        elif above in sorts or again or "AUTOMATIC" in using:
            yield Path(table, alias, Way.SCAN, again=again)
        elif index is not None:
            yield Path(table, alias, Way.WALK, index["name"])
        elif re.search(rf"ORDER BY {alias}\.", sql):
            yield Path(table, alias, Way.WALK, "PRIMARY KEY")
        else:
            yield Path(table, alias, Way.SCAN)


# --- PostgreSQL ----------------------------------------------------------------------------------------------


_PARTIAL = """SELECT c.relname, 'WHERE ' || pg_get_expr(i.indpred, i.indrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indpred IS NOT NULL"""
_HASHED = re.compile(r"hashed (SubPlan \d+)")


def _postgres(
    step: dict[str, Any],
    hashed: set[str],
    partial: dict[str, str],
    *,
    ordered: bool = False,
    repeated: bool = False,
) -> Iterator[Path]:
    """`hashed`: subselects that are read once and kept; `partial`: which rows the indexes of some hold; `ordered`: what is above takes the rows as they come, and stops
    when it has enough; `repeated`: it asks again for each row of another table."""
    kind = step["Node Type"]
    table, alias, index = step.get("Relation Name"), step.get("Alias", ""), step.get("Index Name")
    by = step.get("Index Cond", "").strip("()") or partial.get(index or "", "")
    if table is not None and kind != "Bitmap Heap Scan":
        if index is not None and by:
            yield Path(table, alias, Way.SEARCH, index, by, repeated)
        elif index is not None and ordered:
            yield Path(table, alias, Way.WALK, index)
        else:
            yield Path(table, alias, Way.SCAN, again=repeated)
    for inner in step.get("Plans", ()):
        if table is not None and inner["Node Type"].startswith("Bitmap"):
            yield from _bitmap(inner, table, alias, repeated)
        else:
            under = inner.get("Parent Relationship")
            once = under in ("Outer", "Subquery", "InitPlan") and not repeated
            stops = once and (kind == "Limit" or (ordered and kind in _AS_THEY_COME))
            again = under == "SubPlan" or (kind == "Nested Loop" and under == "Inner")
            if inner.get("Subplan Name") in hashed:
                yield from _postgres(inner, hashed, partial)
            else:
                yield from _postgres(inner, hashed, partial, ordered=stops, repeated=repeated or again)


_AS_THEY_COME = {"Subquery Scan", "Nested Loop", "Result", "Incremental Sort", "LockRows"}


def _bitmap(step: dict[str, Any], table: str, alias: str, again: bool) -> Iterator[Path]:
    if "Index Name" in step:
        by = step.get("Index Cond", "").strip("()")
        yield Path(table, alias, Way.SEARCH, step["Index Name"], by, again)
    for inner in step.get("Plans", ()):
        yield from _bitmap(inner, table, alias, again)
