"""What a database carries beside tables and columns, made to be exactly what the models declare; and the proof.

Guards (CHECKs, unique and plain indexes, triggers) are desired state: created where missing or different, dropped where
nobody declares them any more (docs/decisions/0001). `compare` reads the real catalogue and says what differs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tortoise import fields
from tortoise.connection import get_connection
from tortoise.models import Model

from core.database.guards import PREFIX, DatabaseObject, guards_of, render
from core.errors import MigrationError
from core.problems import Problem

AT_ONCE = 100  # guards in one statement


async def _rows(sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await get_connection("default").execute_query_dict(sql)]


def _dialect() -> str:
    return str(get_connection("default").capabilities.dialect)


async def differs(models: list[type[Model]]) -> bool:
    """Would `apply_guards` change anything?"""
    drops, wanting = await _changes(models)
    return bool(drops or wanting or (_dialect() == "postgres" and await _other_collations(models)))


async def apply_guards(models: list[type[Model]], *, anew: bool = False) -> None:
    """Create what is declared and missing or different; drop ours that nobody declares any more. In a transaction, which
    the caller begins.

    Rows that are there already are asked before a new or changed `check` or `unique` is made, and with `anew`, when rows
    may have moved, before all of them: raises MigrationError (ROWS_VIOLATE_GUARD, for each that some rows do not keep).
    """
    dialect = _dialect()
    script = await _other_collations(models) if dialect == "postgres" else []
    drops, wanting = await _changes(models)
    script += drops
    if dialect == "postgres":
        # From here on nobody else writes there, as on SQLite.
        script += [f'LOCK TABLE "{t}" IN SHARE ROW EXCLUSIVE MODE' for t in sorted({w.table for w in wanting})]
    await _run(script)
    await _ask(_declared(models) if anew else wanting)
    made: list[str] = []
    for wish in wanting:
        made += wish.create
        if dialect == "postgres":
            target = f'INDEX "{wish.name}"' if wish.kind == "index" else f'TRIGGER "{wish.name}" ON "{wish.table}"'
            made.append(f"COMMENT ON {target} IS '{wish.digest}'")
    await _run(made)


Taken = list[dict[str, Any]]  # triggers and views: type, name, tbl_name, sql


async def take_down(models: list[type[Model]]) -> Taken:
    """Out of the way with what stands in the way of changing these models' tables, until `put_back`: a migration is no
    change with an event of its own, so no trigger of ours is asked meanwhile; and SQLite rebuilds no table that somebody
    else's trigger or view only names."""
    dialect = _dialect()
    tables = {model._meta.db_table for model in models}
    if dialect == "postgres":
        found = await _rows(
            """SELECT t.relname AS tbl_name, g.tgname AS name FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid
            WHERE NOT g.tgisinternal AND t.relnamespace = current_schema()::regnamespace"""
        )
        ours = [r for r in found if r["name"].startswith(PREFIX) and r["tbl_name"] in tables]
        await _run(f'ALTER TABLE "{r["tbl_name"]}" DISABLE TRIGGER "{r["name"]}"' for r in ours)
        return ours
    found = await _rows(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY type DESC, rowid"
    )
    await _run(f'DROP {r["type"]} IF EXISTS "{r["name"]}"' for r in found)
    return [r for r in found if not (r["name"].startswith(PREFIX) and r["tbl_name"] in tables)]


async def put_back(taken: Taken) -> None:
    """As it was, but for what went with its table. On SQLite our own triggers are left to `apply_guards`."""
    dialect = _dialect()
    if dialect == "postgres":
        names = {r["name"] for r in taken}
        rows = await _rows(
            "SELECT tgrelid::regclass::text AS tab, tgname AS name FROM pg_trigger WHERE tgenabled = 'D'"
        )
        await _run(f'ALTER TABLE {r["tab"]} ENABLE TRIGGER "{r["name"]}"' for r in rows if r["name"] in names)
        return
    there = (await _columns(dialect)).keys() | {r["name"] for r in taken if r["type"] == "view"}
    await _run(r["sql"] for r in taken if r["type"] == "view" or r["tbl_name"] in there)


async def _run(statements: Iterable[str]) -> None:
    if script := ";\n".join(statements):
        await get_connection("default").execute_script(script + ";")


def _declared(models: list[type[Model]]) -> list[DatabaseObject]:
    dialect = _dialect()
    return [o for model in models for guard in guards_of(model) for o in render(model, guard, dialect)]


async def _changes(models: list[type[Model]]) -> tuple[list[str], list[DatabaseObject]]:
    """Statements that drop what is stale or another than declared, and what is to be made."""
    dialect = _dialect()
    wanted = {o.name: o for o in _declared(models)}
    present = await _present(dialect)
    tables = {model._meta.db_table for model in models}
    drops: list[str] = []
    for name, (table, kind, digest) in present.items():
        stale = name not in wanted and table in tables
        changed = name in wanted and not _matches(wanted[name], digest, dialect)
        if stale or changed:
            drops += wanted[name].drop if changed else _drop(name, table, kind, dialect)
    return drops, [w for n, w in wanted.items() if n not in present or not _matches(w, present[n][2], dialect)]


async def _ask(wanting: list[DatabaseObject]) -> None:
    """Raise MigrationError for guards that rows already there do not keep."""
    asked = list({wish.violating: wish for wish in wanting if wish.violating}.values())
    problems = []
    for batch in (asked[i : i + AT_ONCE] for i in range(0, len(asked), AT_ONCE)):
        counts = " UNION ALL ".join(f"SELECT {i} AS i, ({wish.violating}) AS n" for i, wish in enumerate(batch))
        for row in await _rows(f"SELECT i, n FROM ({counts}) c WHERE n > 0 ORDER BY i"):
            wish = batch[row["i"]]
            values = {"table": wish.table, "guard": wish.guard, "count": int(row["n"]), "refusal": wish.code}
            problems.append(Problem("ROWS_VIOLATE_GUARD", values))
    if problems:
        raise MigrationError(*problems)


def _drop(name: str, table: str, kind: str, dialect: str) -> list[str]:
    if kind == "index":
        return [f'DROP INDEX IF EXISTS "{name}"']
    if dialect == "sqlite":
        return [f'DROP TRIGGER IF EXISTS "{name}"']
    return [f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"', f'DROP FUNCTION IF EXISTS "{name}"()']


def _matches(wish: DatabaseObject, found: str, dialect: str) -> bool:
    """SQLite keeps the text it was given; PostgreSQL keeps our digest as a comment."""
    return found == (wish.create[0] if dialect == "sqlite" else wish.digest)


async def _present(dialect: str) -> dict[str, tuple[str, str, str]]:
    """Our objects in the catalogue: name → (table, kind, text or digest)."""
    if dialect == "sqlite":
        rows = await _rows(
            f"SELECT name, tbl_name AS tab, type AS kind, sql AS digest FROM sqlite_master WHERE name GLOB '{PREFIX}*'"
        )
    else:
        rows = await _rows(
            f"""SELECT c.relname AS name, t.relname AS tab, 'index' AS kind, obj_description(c.oid, 'pg_class') AS digest
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
            WHERE c.relname LIKE '{PREFIX.replace("_", chr(92) + "_")}%'
            UNION ALL SELECT g.tgname, t.relname, 'trigger', obj_description(g.oid, 'pg_trigger')
            FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal"""
        )
    return {r["name"]: (r["tab"], r["kind"], r["digest"] or "") for r in rows}


async def _other_collations(models: list[type[Model]]) -> list[str]:
    """Statements that give every text column the C collation, so that both databases order and index text alike."""
    rows = await _rows(
        """SELECT t.relname AS tab, a.attname AS col, format_type(a.atttypid, a.atttypmod) AS type
        FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_collation c ON c.oid = a.attcollation
        WHERE t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.collname <> 'C'
          AND t.relnamespace = current_schema()::regnamespace"""
    )
    tables = {model._meta.db_table for model in models}
    return [
        f'ALTER TABLE "{r["tab"]}" ALTER COLUMN "{r["col"]}" TYPE {r["type"]} COLLATE "C"'
        for r in rows
        if r["tab"] in tables
    ]


async def compare(models: list[type[Model]]) -> list[str]:
    """What differs between the models and the database, a line each; empty when they agree."""
    dialect = _dialect()
    problems = []
    present = await _present(dialect)
    tables, foreign = await _columns(dialect), await _foreign_keys(dialect)
    for model in models:
        table = model._meta.db_table
        columns = tables.get(table)
        if columns is None:
            problems.append(f"{table}: the table is missing")
            continue
        expected: dict[str, tuple[bool, tuple[str, str] | None]] = {}
        for name, field in model._meta.fields_map.items():
            if isinstance(field, fields.relational.ForeignKeyFieldInstance):
                target = field.related_model._meta.db_table
                rule = str(field.on_delete.value if hasattr(field.on_delete, "value") else field.on_delete)
                expected[str(field.source_field)] = (field.null, (target, rule))
            elif name in model._meta.fields_db_projection:
                expected.setdefault(model._meta.fields_db_projection[name], (field.null, None))
        for column, (null, reference) in expected.items():
            if column not in columns:
                problems.append(f"{table}.{column}: the column is missing")
                continue
            if columns[column] != null and column != model._meta.db_pk_column:
                problems.append(f"{table}.{column}: declared {'NULL' if null else 'NOT NULL'}, found the opposite")
            if reference is not None and foreign.get((table, column)) != reference:
                problems.append(
                    f"{table}.{column}: declared foreign key {reference}, found {foreign.get((table, column))}"
                )
        problems += [f"{table}.{c}: nobody declares this column" for c in columns if c not in expected]
        for guard in guards_of(model):
            for wish in render(model, guard, dialect):
                if wish.name not in present:
                    problems.append(f"{table}: {wish.kind} {wish.name} is missing")
                elif not _matches(wish, present[wish.name][2], dialect):
                    problems.append(f"{table}: {wish.kind} {wish.name} differs from its declaration")
    return problems


async def _columns(dialect: str) -> dict[str, dict[str, bool]]:
    """Of each table: column → may be null."""
    if dialect == "sqlite":
        sql = """SELECT t.name AS tab, c.name AS name, NOT c."notnull" AS nullable
        FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY c.cid"""
    else:
        sql = """SELECT t.relname AS tab, a.attname AS name, NOT a.attnotnull AS nullable
        FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
        WHERE t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND t.relnamespace = current_schema()::regnamespace
        ORDER BY a.attnum"""
    found: dict[str, dict[str, bool]] = {}
    for r in await _rows(sql):
        found.setdefault(r["tab"], {})[r["name"]] = bool(r["nullable"])
    return found


async def _foreign_keys(dialect: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Table and column → table referred to, and what happens on delete."""
    if dialect == "sqlite":
        sql = """SELECT t.name AS tab, f."from" AS col, f."table" AS target, f.on_delete AS rule
        FROM sqlite_master t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'"""
    else:
        rules = "WHEN 'r' THEN 'RESTRICT' WHEN 'n' THEN 'SET NULL' WHEN 'c' THEN 'CASCADE'"
        sql = f"""SELECT t.relname AS tab, a.attname AS col, r.relname AS target, CASE c.confdeltype {rules} ELSE '?' END AS rule
        FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND t.relnamespace = current_schema()::regnamespace"""
    return {(r["tab"], r["col"]): (r["target"], r["rule"]) for r in await _rows(sql)}
