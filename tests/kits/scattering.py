"""More rows for every node's table than the demo has, made up of what is there: for lists that would be empty, for ties
and nulls. No rule makes them, but whatever the tables themselves hold (checks, unique columns) holds for them.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from tortoise import fields

from core.database import Database
from core.database.dialect import SQLITE
from core.models import Area, Event, Transition
from schema.nodes.composed import ComposedSchema
from schema.nodes.declare import ToOneField
from schema.plain import table_rows
from tests.kits.saying import SAID

TRIES = 40  # in each table; how many rows come of them depends on its checks
LEFT_ALONE = (Area, Event, Transition)  # the tree has a closure beside it, and the log a chain in it
TOGETHER = {"kind", "organization_kind", "registration"}  # of actors: which of them are null hangs together
WORDS = ("西山", "海沧", "绿地", "陈明远", "a", "A", "é", "10", "9", "甲 乙", "甲'乙", '甲"乙', "甲\\乙", "甲\n乙")


async def scatter(database: Database, composed: ComposedSchema, random: Random) -> int:
    """Add the rows to the SQLite database; how many there are."""
    models = {node.model for node in composed.by_tag.values()} - set(LEFT_ALONE)
    models_in_order = [m for m in database.models if m in models]
    ids = {
        m: [row["id"] for row in await table_rows(database, m)]
        for m in database.models
        if m._meta.pk_attr == "id" and isinstance(m._meta.pk, fields.UUIDField)
    }
    known = {m: await table_rows(database, m) for m in models_in_order}
    targets = {
        (node.model, declared.column): composed.type_of(declared.target).model
        for node in composed.types.values()
        for declared in node.fields.values()
        if isinstance(declared, ToOneField)
    }
    added = 0
    connection = sqlite3.connect(Path(database.url.removeprefix("sqlite:")), isolation_level=None)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f'DROP TRIGGER "{trigger}"')
        for _ in range(2):  # once more, when there are rows to point at
            for model in models_in_order:
                for _ in range(TRIES // 2):
                    made = _row(model, known[model], ids, targets, random)
                    sql = (
                        f"INSERT INTO {model._meta.db_table} ({', '.join(made)}) VALUES ({', '.join('?' * len(made))})"
                    )
                    with contextlib.suppress(sqlite3.IntegrityError):
                        connection.execute(sql, [SQLITE.encode(v) for v in made.values()])
                        added += 1
                        ids[model].append(made["id"])
    finally:
        connection.close()
    return added


def _row(
    model: Any,
    known: list[dict[str, Any]],
    ids: dict[Any, list[UUID]],
    targets: dict[tuple[Any, str], Any],
    random: Random,
) -> dict[str, Any]:
    """A row of which some columns are those of another one, if there is any, and the others are made up."""
    like = random.choice(known) if known and (random.random() < 0.7 or TOGETHER & known[0].keys()) else {}
    change = random.choice((0.1, 0.3, 0.6))
    made: dict[str, Any] = {}
    for name, column in model._meta.fields_db_projection.items():
        declared = model._meta.fields_map[name]
        if name == "id":
            made[column] = UUID(int=random.getrandbits(128))
        elif column in like and (column in TOGETHER or random.random() > change):
            made[column] = like[column]
        elif declared.null and random.random() < 0.4:
            made[column] = None
        elif (model, column) in targets:
            made[column] = random.choice(ids.get(targets[model, column]) or [None])
        elif (model._meta.db_table, column) in SAID:
            made[column] = SAID[model._meta.db_table, column]
        elif said := [row[column] for row in known if str(row[column])[:1] in ("[", "{", "|")]:
            made[column] = random.choice(said)  # JSON, or a list, that says something
        else:
            made[column] = _value(declared, random, ids)
    return {c: json.dumps(v, ensure_ascii=False) if isinstance(v, (dict, list)) else v for c, v in made.items()}


def _value(declared: Any, random: Random, ids: dict[Any, list[UUID]]) -> Any:
    if (enum := getattr(declared, "enum_type", None)) is not None:
        return random.choice(list(enum)).value
    if isinstance(declared, fields.UUIDField):
        return random.choice(random.choice([some for some in ids.values() if some]))
    if isinstance(declared, fields.DatetimeField):
        return datetime.fromisoformat("2026-07-01T00:00:00+00:00") + timedelta(hours=random.randint(-50, 50) * 24)
    if isinstance(declared, fields.DateField):
        return date(2026, 7, 1) + timedelta(days=random.randint(-100, 100))
    if isinstance(declared, fields.BooleanField):
        return random.random() < 0.5
    if isinstance(declared, fields.JSONField):
        return random.choice(({}, [], {"b": 1, "a": [True, None, "x"]}))
    if isinstance(declared, (fields.IntField, fields.BigIntField, fields.SmallIntField)):
        return random.choice((0, 1, 1, 2, 3, 5, 10, 100, -1))
    if declared.model_field_name == "evidence":
        return random.choice(("[]", '["a", "b"]'))
    return random.choice(WORDS)
