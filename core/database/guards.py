"""Rules that live in the database, declared beside the models and rendered for both dialects.

Tortoise's migrations silently leave out CHECKs and partial UNIQUEs and lose indexes when SQLite rebuilds a table,
so these are not migration steps: `apply` makes the database carry exactly the declared guards after every migrate.
A guard that fires raises an error carrying a refusal code, so the API can tell the user what the database refused.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Any

from tortoise import fields
from tortoise.models import Model

from core.personal import is_erasure

PREFIX = "gz_"
MARK = "gongzhi refuses: "


@dataclass(frozen=True)
class Index:
    """An index; on PostgreSQL text compares by code point (see `migrate`)."""

    columns: tuple[str, ...]
    where: str | None = None
    unique: bool = False
    code: str = "ALREADY_EXISTS"

    @property
    def name(self) -> str:
        tail = "_partial" + hashlib.md5(self.where.encode()).hexdigest()[:4] if self.where else ""
        return ("unique_" if self.unique else "index_") + "_".join(self.columns) + tail

    @property
    def is_key(self) -> bool:
        """Is there at most one row of any value of its one column?"""
        return self.unique and self.where is None and len(self.columns) == 1


@dataclass(frozen=True)
class Refuse:
    """Refuse a row change when an SQL condition over NEW and OLD holds, with a refusal code.

    The condition must mean the same in both dialects; use `IS DISTINCT FROM` through `differs`.
    """

    name: str
    on: str
    when: str
    code: str

    @property
    def speaks_of_rows(self) -> bool:
        """Does it hold of a row whenever one looks, so that rows already there can be asked? One with OLD speaks of a
        change, one on INSERT or on UPDATE alone of a moment, and what it looks up elsewhere (an event, a ballot's state)
        may rightly have moved on since the row was written: of those, rows that are there say nothing."""
        return self.on == "INSERT OR UPDATE" and not re.search(r"\bOLD\.|\bSELECT\b", self.when)


def index(*columns: str, where: str | None = None) -> Index:
    return Index(columns, where)


def unique(*columns: str, where: str | None = None, code: str) -> Index:
    return Index(columns, where, True, code)


def refuse(name: str, on: str, when: str, code: str) -> Refuse:
    return Refuse(name, on, when, code)


def check(name: str, condition: str, code: str = "INVALID_VALUE") -> Refuse:
    """Every stored row satisfies `condition` (columns written as NEW.column)."""
    return Refuse(name, "INSERT OR UPDATE", f"NOT ({condition})", code)


def append_only() -> tuple[Refuse, ...]:
    """Rows are only ever added: no UPDATE, DELETE or TRUNCATE."""
    return (
        Refuse("append_only_update", "UPDATE", "1 = 1", "APPEND_ONLY"),
        Refuse("append_only_delete", "DELETE", "1 = 1", "APPEND_ONLY"),
        Refuse("append_only_truncate", "TRUNCATE", "1 = 1", "APPEND_ONLY"),
    )


def by_others(name: str, column: str, *own: str, code: str = "OWN_MATTER") -> tuple[Refuse, Refuse]:
    """INV10 for a column that names who decided: one of these (SQL, say `own_matter(f"NEW.{column}", "NEW.person_id")`) makes
    it their own matter. Asked when the column is written, not again when the row changes later."""
    new, old, theirs = f"NEW.{column}", f"OLD.{column}", " OR ".join(own)
    return (
        refuse(f"{name}_new", "INSERT", f"{new} IS NOT NULL AND ({theirs})", code),
        refuse(name, "UPDATE", f"{new} IS NOT NULL AND ({old} IS NULL OR {new} <> {old}) AND ({theirs})", code),
    )


@dataclass(frozen=True)
class Replaced:
    """SQLite's `INSERT OR REPLACE` and `UPDATE OR REPLACE` delete the row in the way without asking any trigger: where
    rows may not be deleted, a row in the way is refused before that, by its key or by a unique index."""

    by: Index | None = None

    def as_refusal(self, model: type[Model]) -> Refuse:
        table, key = model._meta.db_table, model._meta.db_pk_column
        if self.by is None:
            when = f"EXISTS (SELECT 1 FROM {table} o WHERE o.{key} = NEW.{key})"
            return Refuse("replaced", "INSERT", when, "APPEND_ONLY")
        equal = " AND ".join(f"o.{c} = NEW.{c}" for c in self.by.columns)
        if self.by.where:
            equal += f" AND ({_of('NEW', self.by.where, model)}) AND ({_of('o', self.by.where, model)})"
        when = f"EXISTS (SELECT 1 FROM {table} o WHERE {equal} AND o.{key} <> NEW.{key})"
        return Refuse(f"replaced_{self.by.name}", "INSERT OR UPDATE", when, self.by.code)


def _of(row: str, condition: str, model: type[Model]) -> str:
    """A condition over bare columns, said of a named row."""
    columns = "|".join(sorted(model._meta.fields_db_projection.values(), key=len, reverse=True))
    return re.sub(rf"(?<![\w.'])({columns})(?![\w'])", rf"{row}.\1", condition)


def same(left: str, right: str) -> str:
    """Null-safe equality, as both dialects understand it: true or false, so that its NOT says the opposite."""
    return f"COALESCE({left} = {right}, {left} IS NULL AND {right} IS NULL)"


def changed(*columns: str) -> str:
    """SQL, of an UPDATE: one of these columns is another than before."""
    return "(" + " OR ".join(f"NOT {same(f'NEW.{c}', f'OLD.{c}')}" for c in columns) + ")"


def by_event(*types: str) -> str:
    """SQL: the change is that of an event of one of these types (`"points.rule.made"`)."""
    named = ", ".join(f"'{type}'" for type in types)
    return f"EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id AND e.type IN ({named}))"


# SQL, of a row with an event: it is not over when the event is recorded.
NOT_OVER = "(NEW.until IS NULL OR NEW.until > (SELECT n.recorded_at FROM core_event n WHERE n.id = NEW.event_id))"


def names_nobody_gone(*columns: str, running: str) -> Refuse:
    """While `running` (SQL over NEW) holds, nobody named in these columns is gone; code ACTOR_GONE."""
    named = ", ".join(f"NEW.{column}" for column in columns)
    gone = f"EXISTS (SELECT 1 FROM core_actor k WHERE k.id IN ({named}) AND k.gone_at IS NOT NULL)"
    return refuse("names_nobody_gone", "INSERT OR UPDATE", f"{running} AND {gone}", "ACTOR_GONE")


@dataclass(frozen=True)
class Upon:
    """A guard upon rows of somebody else's model, declared by a model whose own rows would not hold without it; it is there
    while the plugin is loaded."""

    model: type[Model]
    guard: Refuse


Guard = Index | Refuse | Replaced | Upon


@dataclass(frozen=True)
class DatabaseObject:
    """One named thing in the catalogue: how to make it, how to drop it, and on which table it sits. `violating` counts
    the rows already there that it would refuse with `code`; empty where they cannot be asked (`Refuse.speaks_of_rows`)."""

    name: str
    table: str
    kind: str
    create: tuple[str, ...]
    drop: tuple[str, ...]
    guard: str
    code: str = ""
    violating: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.create).encode()).hexdigest()[:16]


def guards_of(model: type[Model]) -> list[Guard]:
    """Declared guards, plus one for the shape (enum values, text lengths) and an index per foreign key without one."""
    implied = getattr(model, "implied_guards", None)
    declared: list[Guard] = [*implied()] if implied is not None else []
    for cls in reversed(model.__mro__):
        declared += cls.__dict__.get("guards", ())
    leading = {g.columns[0] for g in declared if isinstance(g, Index)}
    shape = []
    for name, field in model._meta.fields_map.items():
        column = model._meta.fields_db_projection.get(name, name)
        if isinstance(field, fields.relational.ForeignKeyFieldInstance):
            column = str(field.source_field)
            if column not in leading:
                declared.append(index(column))
        enum = getattr(field, "enum_type", None)
        if enum is not None:
            values = ", ".join(f"'{member.value}'" for member in enum)
            shape.append(f"(NEW.{column} IS NULL OR NEW.{column} IN ({values}))")
        elif isinstance(field, fields.CharField):
            shape.append(f"(NEW.{column} IS NULL OR length(NEW.{column}) <= {field.max_length})")
    if shape:
        declared.append(check("shape", " AND ".join(shape)))
    erasing = is_erasure(model)
    if erasing is not None:
        declared = [_but_erasure(g, erasing) for g in declared]
    if any(isinstance(g, Refuse) and g.on == "DELETE" for g in declared):
        keys = [g for g in declared if isinstance(g, Index) and g.unique]
        declared = [Replaced(), *map(Replaced, keys), *declared]
    return list(dict.fromkeys(declared))


def _but_erasure(guard: Guard, erasing: str) -> Guard:
    """What may never change is still erased when a person asks for it; the event behind every change stays needed."""
    if not isinstance(guard, Refuse) or guard.on != "UPDATE" or guard.name.startswith("z_inv22"):
        return guard
    return Refuse(guard.name, guard.on, f"({guard.when}) AND NOT ({erasing})", guard.code)


def _short(name: str) -> str:
    """PostgreSQL cuts names at 63 bytes; cut ours ourselves, and keep them apart."""
    return name if len(name) <= 60 else name[:51] + "_" + hashlib.md5(name.encode()).hexdigest()[:8]


def render(model: type[Model], guard: Guard, dialect: str) -> list[DatabaseObject]:
    """The catalogue objects that carry `guard` in `dialect`; empty where it cannot arise (SQLite has no TRUNCATE)."""
    if isinstance(guard, Upon):
        named = replace(guard.guard, name=f"{model._meta.db_table}_{guard.guard.name}")
        return render(guard.model, named, dialect)
    table = model._meta.db_table
    if isinstance(guard, Replaced):
        return _render_trigger(table, guard.as_refusal(model), dialect) if dialect == "sqlite" else []
    if isinstance(guard, Index):
        name = _short(f"{PREFIX}{table}_{guard.name}")
        kind = "UNIQUE INDEX" if guard.unique else "INDEX"
        where = f" WHERE {guard.where}" if guard.where else ""
        columns = ", ".join(f'"{c}"' for c in guard.columns)
        return [
            DatabaseObject(
                name,
                table,
                "index",
                (f'CREATE {kind} "{name}" ON "{table}" ({columns}){where}',),
                (f'DROP INDEX IF EXISTS "{name}"',),
                guard.name,
                guard.code,
                _doubles(table, guard) if guard.unique else "",
            )
        ]
    return _render_trigger(table, guard, dialect)


def _doubles(table: str, guard: Index) -> str:
    """SQL: how many rows there are of values that there are more than one of."""
    among = [f'"{c}" IS NOT NULL' for c in guard.columns] + ([f"({guard.where})"] if guard.where else [])
    columns = ", ".join(f'"{c}"' for c in guard.columns)
    groups = f'SELECT count(*) AS n FROM "{table}" WHERE {" AND ".join(among)} GROUP BY {columns} HAVING count(*) > 1'
    return f"SELECT coalesce(sum(n), 0) AS n FROM ({groups}) d"


def _render_trigger(table: str, guard: Refuse, dialect: str) -> list[DatabaseObject]:
    violating = f'SELECT count(*) AS n FROM "{table}" AS new WHERE {guard.when}' if guard.speaks_of_rows else ""
    asked = (guard.name, guard.code, violating)
    base = f"{PREFIX}{table}_{guard.name}"
    message = MARK + guard.code
    if dialect == "sqlite":
        if guard.on == "TRUNCATE":
            return []
        return [
            DatabaseObject(
                name := _short(f"{base}_{event.lower()}"),
                table,
                "trigger",
                (
                    f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" WHEN {guard.when}'
                    f" BEGIN SELECT RAISE(ABORT, '{message}'); END",
                ),
                (f'DROP TRIGGER IF EXISTS "{name}"',),
                *asked,
            )
            for event in guard.on.split(" OR ")
        ]
    name = _short(base)
    level = "STATEMENT" if guard.on == "TRUNCATE" else "ROW"
    result = {"DELETE": "OLD", "TRUNCATE": "NULL"}.get(guard.on, "NEW")
    return [
        DatabaseObject(
            name,
            table,
            "trigger",
            (
                f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $gz$ BEGIN'
                f" IF {guard.when} THEN RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation'; END IF;"
                f" RETURN {result}; END $gz$",
                f'CREATE TRIGGER "{name}" BEFORE {guard.on} ON "{table}" FOR EACH {level} EXECUTE FUNCTION "{name}"()',
            ),
            (f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"', f'DROP FUNCTION IF EXISTS "{name}"()'),
            *asked,
        )
    ]


def unique_codes(models: list[type[Model]]) -> dict[str, str]:
    """What a violated unique index means: by index name, and by `table.column, …` as SQLite words it."""
    codes = {}
    for model in models:
        table = model._meta.db_table
        for guard in guards_of(model):
            if isinstance(guard, Index) and guard.unique:
                codes[_short(f"{PREFIX}{table}_{guard.name}")] = guard.code
                codes[", ".join(f"{table}.{c}" for c in guard.columns)] = guard.code
    return codes


def code_of(error: Exception, codes: dict[str, str]) -> str | None:
    """The refusal code carried by a database error, if a guard raised it."""
    cause: Any = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    text = str(cause)
    if MARK in text:
        return text.split(MARK, 1)[1].split()[0].strip("\"'")
    name = getattr(cause, "constraint_name", None)
    if name in codes:
        return codes[name]
    marker = "UNIQUE constraint failed: "
    if marker in text:
        return codes.get(text.split(marker, 1)[1].strip())
    return None
