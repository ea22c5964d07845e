"""Rows of every type, for tests of who sees what: made from the models alone, past every rule, so that a type nobody
has thought of yet has some too.

A *universe* is one row of each model that belong together: they lie in one area, and whoever they are of, for or by is
one actor. Every text of every row is a token of its own, so that whatever shows up in an answer tells where it is from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database import Database
from core.database.guards import Index, guards_of
from core.ids import new_id
from core.models import Actor, Area, Event
from core.models.search import SearchEntry, SearchTerm

TOKEN = re.compile(r"zq[0-9a-f]{6}|qz[0-9a-f]{2}")  # the short ones where no more fits
BEGAN = datetime(2025, 3, 1, 8, tzinfo=UTC)
# Stay null where they may.
OPEN_ENDED = frozenset(
    {"until", "revoked_at", "left_on", "gone_at", "erased_at", "merged_into_id", "cause_id", "ended_on"}
)


@dataclass(frozen=True)
class Owner:
    """Whose a universe is. `only` of its columns that name an actor name them, every third from there on; the others
    name `stranger`."""

    actor: UUID
    stranger: UUID
    only: int | None = None


@dataclass(frozen=True)
class Forged:
    """One row; `tokens` by column."""

    model: type[Model]
    id: UUID
    tokens: Mapping[str, str]


@dataclass
class Forge:
    """Collects rows and writes them past every guard. `references` says to which model a column without a foreign key
    leads, by table and column; `values` what a column holds instead of something made up."""

    database: Database
    models: Sequence[type[Model]]
    references: Mapping[tuple[str, str], type[Model]]
    values: Mapping[tuple[str, str], Any]
    rows: list[Forged] = field(default_factory=list)
    _inserts: list[tuple[str, list[Any]]] = field(default_factory=list)
    _number: int = 0
    _short: int = 0
    _taken: dict[tuple[Any, ...], UUID] = field(default_factory=dict)
    _before: dict[type[Model], UUID] = field(default_factory=dict)

    def universe(self, area: UUID, owner: Owner) -> None:
        """One row of each model; where a unique index allows no second one, the row that is there."""
        ids = {model: new_id() for model in self.models}
        there: set[type[Model]] = set()
        for _ in range(2):  # one that is there may make another be there
            for model in self.models:
                for key in self._keys(model, self._leads_to(model, ids, area, owner)):
                    if key in self._taken:
                        ids[model] = self._taken[key]
                        there.add(model)
        for model in self.models:
            if model not in there:
                found = self._leads_to(model, ids, area, owner)
                self._taken |= dict.fromkeys(self._keys(model, found), ids[model])
                self._insert(model, ids[model], found)
        self._before = ids

    def there_is(self, model: type[Model], id: UUID, **found: Any) -> None:
        """A row that somebody else made, and of which there cannot be another."""
        self._taken |= dict.fromkeys(self._keys(model, found), id)

    def _keys(self, model: type[Model], found: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """What unique indexes say may be there once, as far as it leads somewhere; what is made up differs, but enums."""
        made_up = {
            c for n, c in _columns(model) if c not in found and not hasattr(model._meta.fields_map[n], "enum_type")
        }
        unique = [
            g.columns for g in guards_of(model) if isinstance(g, Index) and g.unique and not made_up & {*g.columns}
        ]
        known = [(c, tuple(found.get(x) for x in c)) for c in unique]
        return [(model, *key) for key in known if any(value is not None for value in key[1])]

    def actor(self, kind: Any, area: UUID, **values: Any) -> UUID:
        """A row of an actor."""
        forged = self._insert(Actor, new_id(), {"kind": kind, "area_id": area, "event_id": new_id(), **values})
        return forged.id

    async def write(self) -> None:
        """All of it, in one transaction in which no guard is asked."""
        triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        async with self.database.transaction() as transaction:
            dropped = []
            if self.database.dialect.name == "sqlite":
                await transaction.fetch("PRAGMA defer_foreign_keys = ON")
                dropped = [(row["name"], row["sql"]) for row in await transaction.fetch(triggers)]
                for name, _ in dropped:
                    await transaction.fetch(f'DROP TRIGGER "{name}"')
            else:
                await transaction.fetch("SET LOCAL session_replication_role = replica")
            await transaction.counts(self._inserts)
            for _, sql in dropped:
                await transaction.fetch(sql)
        self._inserts.clear()

    def _leads_to(
        self, model: type[Model], ids: Mapping[type[Model], UUID], area: UUID, owner: Owner
    ) -> dict[str, Any]:
        """The columns of a row that name another one, or were told."""
        table, actors = model._meta.db_table, 0
        found: dict[str, Any] = {}
        for name, column in _columns(model):
            declared = model._meta.fields_map[name]
            target = self._target(model, column)
            if (table, column) in self.values:
                found[column] = self.values[table, column]
            elif column == model._meta.db_pk_column or (column in OPEN_ENDED and declared.null):
                continue
            elif column.endswith("_tag"):
                found[column] = "area"
                found[column.replace("_tag", "_id")] = area
            elif column in found:
                continue
            elif target is Actor:
                mine = owner.only is None or actors % 3 == owner.only
                found[column] = owner.actor if mine else owner.stranger
                actors += 1
            elif target is Area:
                found[column] = area
            elif target is model:  # of another universe, perhaps one that is not for the same eyes
                found[column] = self._before.get(model)
            elif target is not None and target in ids:
                found[column] = ids[target]
            elif column == "event_id":
                found[column] = ids.get(Event, new_id())
            elif isinstance(declared, fields.UUIDField):
                found[column] = None if declared.null else new_id()
        return found

    def _target(self, model: type[Model], column: str) -> type[Model] | None:
        for declared in model._meta.fields_map.values():
            if isinstance(declared, fields.relational.ForeignKeyFieldInstance) and declared.source_field == column:
                return declared.related_model
        return self.references.get((model._meta.db_table, column)) or (Area if column == "area_id" else None)

    def _insert(self, model: type[Model], id: UUID, values: dict[str, Any]) -> Forged:
        self._number += 1
        tokens: dict[str, str] = {}
        row: dict[str, Any] = {"id": id}
        for name, column in _columns(model):
            if column in row:
                continue
            if column in values:
                row[column] = values[column]
                if isinstance(row[column], str) and (found := TOKEN.search(row[column])):
                    tokens[column] = found[0]
            elif column == model._meta.db_pk_column or (column in OPEN_ENDED and model._meta.fields_map[name].null):
                continue
            else:
                row[column] = self._made_up(model._meta.fields_map[name], model, column, tokens)
        mark = self.database.dialect.mark
        marks = ", ".join(mark(n + 1) for n in range(len(row)))
        names = ", ".join(f'"{c}"' for c in row)
        self._inserts.append((f"INSERT INTO {model._meta.db_table} ({names}) VALUES ({marks})", list(row.values())))
        self.rows.append(Forged(model, id, tokens))
        return self.rows[-1]

    def token(self, length: int = 8) -> str:
        if length < 8:
            self._short += 1
            assert self._short < 256, "too many texts of less than eight characters"
            return f"qz{self._short:02x}"
        self._number += 1
        return f"zq{self._number:06x}"

    def _made_up(self, declared: Any, model: type[Model], column: str, tokens: dict[str, str]) -> Any:
        enum = getattr(declared, "enum_type", None)
        number = self._number
        if enum is not None:
            return list(enum)[number % len(enum)]
        if isinstance(declared, fields.DatetimeField):
            return BEGAN + timedelta(seconds=number)
        if isinstance(declared, fields.DateField):
            return date(2025, 3, 1) + timedelta(days=number % 300)
        if isinstance(declared, fields.BooleanField):
            return bool(number % 2)
        if isinstance(declared, (fields.IntField, fields.BigIntField, fields.SmallIntField)):
            return number
        if isinstance(declared, fields.JSONField):
            tokens[column] = self.token()
            return {"made": tokens[column]}
        if isinstance(declared, (fields.CharField, fields.TextField)):
            tokens[column] = token = self.token(getattr(declared, "max_length", 8))
            return f'["{token}"]' if isinstance(declared, fields.TextField) else token
        if isinstance(declared, fields.UUIDField):
            return None if declared.null else new_id()
        raise AssertionError(
            f"{model._meta.db_table}.{column}: say what a {type(declared).__name__} holds with values="
        )


def _columns(model: type[Model]) -> Iterable[tuple[str, str]]:
    """Names and columns of what is stored; a foreign key is its column."""
    keys = {
        f.source_field for f in model._meta.fields_map.values()
        if isinstance(f, fields.relational.ForeignKeyFieldInstance)
    }  # fmt: skip
    stored = list(model._meta.fields_db_projection.items())
    return stored + [(str(k), str(k)) for k in keys if k not in {c for _, c in stored}]


def forgeable(models: Iterable[type[Model]], shown: set[type[Model]]) -> list[type[Model]]:
    """The models of the types that are shown, and those whose rows belong to one of them or to an actor; not who is there
    and where."""
    given = {Actor, Area, SearchEntry, SearchTerm}
    found = [m for m in models if m in shown and m not in given]
    return found + [
        m for m in models
        if m not in given and m not in shown and "id" in m._meta.fields_db_projection
        and any(getattr(f, "related_model", None) in {*found, Actor} for f in m._meta.fields_map.values())
    ]  # fmt: skip
