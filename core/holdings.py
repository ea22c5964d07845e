"""All that is held on a person: every row of every table that is about them, of core and of plugins unasked.

A table says whose its rows and texts are (`core.personal`); what is somebody else's in such a row, and what is nobody's to
see, such as a password's hash, stays out. Other people are named as everybody sees them.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from tortoise.models import Model

from core.database import Database
from core.errors import Refusal
from core.ids import to_global
from core.models import Actor, Event, EventText, SearchEntry, SearchTerm, Transition
from core.models.event import ONES_WORDS
from core.personal import about, texts_of
from core.settings.store import as_uuid

HOLDINGS = "holdings"  # the name its exports go by
_BOOKKEEPING = {"event_id", "version"}
_TOLD_OTHERWISE = (Event, EventText, Transition, SearchEntry, SearchTerm)


async def holdings(database: Database, person_id: UUID, now: datetime) -> dict[str, Any]:
    """As plain data; refuses NOT_FOUND."""
    mark = database.dialect.mark
    rows = await database.fetch(
        f"SELECT id FROM core_actor WHERE id = {mark(1)} OR merged_into_id = {mark(1)}", person_id
    )
    ids = [as_uuid(row["id"]) for row in rows]
    if person_id not in ids:
        raise Refusal("NOT_FOUND", kind=Actor.tag)
    found = {}
    for model in database.models:
        if model not in _TOLD_OTHERWISE and about(model):
            held = await _rows(database, model, ids)
            if held:
                found[model._meta.db_table] = held
    found["events"] = await _events(database, ids)
    names = await _names(database, found, ids)
    return {"person": to_global(Actor.tag, person_id), "made_at": now, "held": _named(found, names)}


async def write_holdings(database: Database, person_id: UUID, now: datetime, path: Path) -> int:
    """The same as a JSON file; how many rows."""
    found = await holdings(database, person_id, now)
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2, default=str))
    return sum(map(len, found["held"].values()))


async def _rows(database: Database, model: type[Model], ids: list[UUID]) -> list[dict[str, Any]]:
    values: list[Any] = []

    def among(condition: str) -> str:
        parts = condition.split("{ids}")
        sql = parts[0]
        for part in parts[1:]:
            values.extend(ids)
            marks = ", ".join(database.dialect.mark(len(values) - len(ids) + n + 1) for n in range(len(ids)))
            sql += marks + part
        return sql

    texts = texts_of(model)
    shut = {text.column for text in texts if text.secret}
    asked = [text for text in texts if text.whose is not None and not text.secret]
    columns = [f"t.{column} AS {column}" for column in model._meta.fields_db_projection.values()]
    columns += [f"CASE WHEN {among(str(text.whose))} THEN 1 ELSE 0 END AS gz_{n}" for n, text in enumerate(asked)]
    where = " OR ".join(f"({among(condition)})" for condition in about(model))
    sql = (
        f"SELECT {', '.join(columns)} FROM {model._meta.db_table} t WHERE {where} ORDER BY t.{model._meta.db_pk_column}"
    )
    found = []
    for record in await database.fetch(sql, *values):
        names = list(model._meta.fields_db_projection.values())
        row: Any = model._init_from_db(**{name: record[name] for name in names})
        others = {text.column for n, text in enumerate(asked) if not record[f"gz_{n}"]}
        shown = {name: getattr(row, name) for name in model._meta.fields_db_projection}
        left_out = _BOOKKEEPING | shut | others
        found.append({name: value for name, value in shown.items() if name not in left_out and value is not None})
    return found


async def _events(database: Database, ids: list[UUID]) -> list[dict[str, Any]]:
    """What happened to them and what they did, oldest first; words only of what is theirs (`core_event_text`)."""
    marks = ", ".join(database.dialect.mark(n + 1) for n in range(len(ids)))
    theirs = f"e.subject_id IN ({marks}) OR e.behalf_of_id IN ({marks}) OR e.actor_id IN ({marks})"
    rows = await database.fetch(
        "SELECT e.id AS id, e.type AS type, e.occurred_at AS occurred_at, e.area_id AS area_id, e.actor_id AS actor_id,"
        " x.key AS key, x.text AS text FROM core_event e LEFT JOIN core_event_text x ON x.event_id = e.id"
        f" AND {ONES_WORDS.replace('{ids}', marks)} WHERE {theirs} ORDER BY e.seq",
        *ids,
    )
    found: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        event = found.setdefault(
            as_uuid(row["id"]),
            {
                "type": row["type"],
                "occurred_at": row["occurred_at"],
                "area_id": row["area_id"] and as_uuid(row["area_id"]),
                "actor_id": row["actor_id"] and as_uuid(row["actor_id"]),
            },
        )
        if row["key"] is not None:
            event[str(row["key"])] = row["text"]
    return list(found.values())


async def _names(database: Database, found: dict[str, Any], ids: list[UUID]) -> dict[UUID, str]:
    """What other actors are called to everybody, by the ids that stand in the rows."""
    named = {v for rows in found.values() for row in rows for v in row.values() if isinstance(v, UUID)} - set(ids)
    wanted, names = sorted(named), {}
    for start in range(0, len(wanted), 500):
        some = wanted[start : start + 500]
        marks = ", ".join(database.dialect.mark(n + 1) for n in range(len(some)))
        for row in await database.fetch(f"SELECT id, masked_name FROM core_actor WHERE id IN ({marks})", *some):
            names[as_uuid(row["id"])] = str(row["masked_name"])
    return names


def _named(found: dict[str, Any], names: dict[UUID, str]) -> dict[str, Any]:
    def shown(value: Any) -> Any:
        return names.get(value, str(value)) if isinstance(value, UUID) else value

    return {
        table: [{name: shown(value) for name, value in row.items()} for row in rows] for table, rows in found.items()
    }
