"""All that is held on a person: every row of every table that is about them, of core and of plugins unasked.

A table says whose its rows and texts are (`core.personal`); what is somebody else's in such a row, and what is nobody's to
see, such as a password's hash, stays out. Other people are named as everybody sees them, but for whoever looked at the
person. Ids and times are written as the API writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from tortoise.models import Model

from core.database import Database
from core.errors import Refusal
from core.ids import to_global
from core.models import Actor, Event, EventText, SearchEntry, SearchTerm, Token, Transition
from core.models.event import OF_ONES_EVENTS
from core.personal import about, heading, texts_of
from core.settings.store import as_instant, as_uuid

HOLDINGS = "holdings"  # the name its exports go by
AT_ONCE = 500  # ids in one statement
_BOOKKEEPING = {"event_id", "version"}
_TOLD_OTHERWISE = (Event, EventText, Transition, SearchEntry, SearchTerm)


@dataclass(frozen=True)
class _Ref:
    """An id in a row; `tag` says of which table where the column tells. `in_full`: the person is told the full name."""

    id: UUID
    tag: str | None = None
    in_full: bool = False


async def holdings(database: Database, person_id: UUID, now: datetime) -> dict[str, Any]:
    """As plain data: `{person, made_at, held: {table: {title: {en, zh-CN}, rows: […]}}}`, what happened under `events`.
    Whoever is named in a row is `{id, name}`. Refuses NOT_FOUND."""
    mark = database.dialect.mark
    rows = await database.fetch(
        f"SELECT id FROM core_actor WHERE id = {mark(1)} OR merged_into_id = {mark(1)}", person_id
    )
    ids = [as_uuid(row["id"]) for row in rows]
    if person_id not in ids:
        raise Refusal("NOT_FOUND", kind=Actor.tag)
    titles, found = {"events": heading(Event)}, dict[str, list[dict[str, Any]]]()
    tags: dict[UUID, str] = {}
    for model in database.models:
        if model not in _TOLD_OTHERWISE and about(model):
            held = await _rows(database, model, ids)
            if held:
                table = model._meta.db_table
                found[table], titles[table] = held, heading(model)
                tags |= {row["id"].id: row["id"].tag for row in held if "id" in row}
    found["events"] = await _events(database, ids, tags)
    tags |= {row["id"].id: row["id"].tag for row in found["events"]}
    names = await _names(database, _refs(found.values()), ids)
    held_on = {
        table: {"title": titles[table], "rows": [_shown(row, tags, names) for row in rows]}
        for table, rows in found.items()
    }
    return {"person": to_global(Actor.tag, person_id), "made_at": _plain(now), "held": held_on}


async def write_holdings(database: Database, person_id: UUID, now: datetime, path: Path) -> int:
    """The same as a JSON file; how many rows."""
    found = await holdings(database, person_id, now)
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2, default=str))
    return sum(len(section["rows"]) for section in found["held"].values())


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
    names = model._meta.fields_db_projection
    columns = [f"t.{column} AS {column}" for column in names.values()]
    columns += [f"CASE WHEN {among(str(text.whose))} THEN 1 ELSE 0 END AS gz_{n}" for n, text in enumerate(asked)]
    where = " OR ".join(f"({among(condition)})" for condition in about(model))
    sql = (
        f"SELECT {', '.join(columns)} FROM {model._meta.db_table} t WHERE {where} ORDER BY t.{model._meta.db_pk_column}"
    )
    refer, in_full = _tags(model) | getattr(model, "refers", {}), getattr(model, "in_full", ())
    found = []
    for record in await database.fetch(sql, *values):
        row: Any = model._init_from_db(**{column: record[column] for column in names.values()})
        others = {text.column for n, text in enumerate(asked) if not record[f"gz_{n}"]}
        shown = {name: getattr(row, name) for name in names if name not in _BOOKKEEPING | shut | others}
        found.append(
            {
                name: _Ref(value, _tag_beside(row, name) or refer.get(name), name in in_full)
                if isinstance(value, UUID)
                else value
                for name, value in shown.items()
                if value is not None
            }
        )
    return found


def _tag_beside(row: Any, column: str) -> str | None:
    """`subject_tag` says whose id stands in `subject_id`."""
    tag: str | None = getattr(row, f"{column.removesuffix('_id')}_tag", None)
    return tag


def _tags(model: type[Model]) -> dict[str, str]:
    """Whose ids stand in which column, as far as the model itself tells."""
    found = {str(model._meta.pk_attr): str(getattr(model, "tag", ""))}
    for field in model._meta.fields_map.values():
        related = getattr(field, "related_model", None)
        if related is not None and field.source_field is not None:
            found[field.source_field] = related.tag
    return found


async def _events(database: Database, ids: list[UUID], rows: Iterable[UUID]) -> list[dict[str, Any]]:
    """What happened to them and to these rows of theirs, and what they did, oldest first; words only where they are
    theirs (`core_event_text`)."""
    columns = (
        "seq", "id", "type", "area_id", "subject_tag", "subject_id", "actor_id", "token_id", "authority", "permission",
        "behalf_of_id", "behalf_basis", "occurred_at", "recorded_at",
    )  # fmt: skip
    found: dict[int, dict[str, Any]] = {}
    for some, marks in _portions(database, list(dict.fromkeys((*ids, *rows)))):
        which = [
            f"SELECT x.id FROM core_event x WHERE x.{c} IN ({marks})"
            for c in ("subject_id", "actor_id", "behalf_of_id")
        ]
        which.append(f"SELECT t.event_id FROM core_transition t WHERE t.subject_id IN ({marks})")
        sql = f"SELECT {', '.join(f'e.{c} AS {c}' for c in columns)} FROM core_event e WHERE e.id IN ({' UNION '.join(which)})"
        found |= {int(row["seq"]): dict(row) for row in await database.fetch(sql, *some)}
    marks = ", ".join(database.dialect.mark(n + 1) for n in range(len(ids)))
    sql = f"SELECT t.event_id AS event_id, t.key AS key, t.text AS text FROM core_event_text t WHERE {OF_ONES_EVENTS}"
    texts: dict[UUID, dict[str, str]] = {}
    for row in await database.fetch(sql.replace("{ids}", marks), *ids):
        texts.setdefault(as_uuid(row["event_id"]), {})[row["key"]] = row["text"]
    told = []
    for _, event in sorted(found.items()):
        id = as_uuid(event["id"])

        def ref(column: str, tag: str, event: dict[str, Any] = event) -> _Ref | None:
            return event[column] and _Ref(as_uuid(event[column]), tag)

        shown = {
            "id": _Ref(id, Event.tag), "type": event["type"], "occurred_at": as_instant(event["occurred_at"]),
            "recorded_at": as_instant(event["recorded_at"]), "area_id": ref("area_id", "area"),
            "subject_id": ref("subject_id", event["subject_tag"]), "actor_id": ref("actor_id", Actor.tag),
            "token_id": ref("token_id", Token.tag), "authority": event["authority"], "permission": event["permission"],
            "behalf_of_id": ref("behalf_of_id", Actor.tag), "behalf_basis": event["behalf_basis"], **texts.get(id, {}),
        }  # fmt: skip
        told.append({name: value for name, value in shown.items() if value is not None})
    return told


def _portions(database: Database, ids: Sequence[UUID]) -> Iterator[tuple[Sequence[UUID], str]]:
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        yield some, ", ".join(database.dialect.mark(n + 1) for n in range(len(some)))


def _refs(tables: Iterable[list[dict[str, Any]]]) -> set[_Ref]:
    return {value for rows in tables for row in rows for value in row.values() if isinstance(value, _Ref)}


async def _names(database: Database, refs: set[_Ref], ids: list[UUID]) -> dict[_Ref, str]:
    """What the actors among these are called: to everybody, or in full to the person."""
    wanted = sorted({ref.id for ref in refs if ref.tag in (None, Actor.tag)})
    known: dict[UUID, Any] = {}
    for some, marks in _portions(database, wanted):
        sql = f"SELECT id, name, masked_name FROM core_actor WHERE id IN ({marks})"
        known |= {as_uuid(row["id"]): row for row in await database.fetch(sql, *some)}
    return {
        ref: known[ref.id]["name" if ref.in_full or ref.id in ids else "masked_name"] for ref in refs if ref.id in known
    }


def _shown(row: dict[str, Any], tags: dict[UUID, str], names: dict[_Ref, str]) -> dict[str, Any]:
    def shown(name: str, value: Any) -> Any:
        if not isinstance(value, _Ref):
            return _plain(value)
        if value in names:
            id = to_global(Actor.tag, value.id)
            return id if name == "id" else {"id": id, "name": names[value]}
        tag = value.tag or tags.get(value.id)
        return to_global(tag, value.id) if tag else str(value.id)

    return {name: shown(name, value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """An instant as the API writes it; anything else is as it is."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
