"""Bring a database to what the models declare, under a lock, and prove it afterwards.

Structure (tables, columns, foreign keys) comes from the ORM's migrations, in dependency order. Guards (CHECKs, unique
and plain indexes, triggers) are then made exactly as declared, because the ORM loses them silently (findings: Tortoise
1, 2, 6, 8). Last, the real catalogue is compared with the models; any difference is a MigrationError.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from tortoise import Tortoise, fields
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.operations import CreateModel
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.models import Model

from core.database import App, look_at, tortoise_config
from core.database.guards import PREFIX, DatabaseObject, guards_of, render
from core.errors import MigrationError

LOCK_SECONDS = 120
_ADVISORY = 0x676F6E677A6869  # "gongzhi"
Progress = Callable[[str], None]


async def migrate(url: str, apps: Sequence[App], progress: Progress = lambda line: None) -> None:
    """Apply migrations and guards of `apps` to `url`; safe to run from several processes at once."""
    look_at(url)
    config = tortoise_config(url, apps)
    async with _lock(url):
        try:
            await Tortoise.init(config=config, init_connections=False)
            await _Executor(get_connection("default"), config["apps"]).migrate(
                [MigrationTarget(app_label=label, name="__latest__") for label, _, _ in apps],
                direction="forward",
                progress=lambda event, app, name: progress(f"{app}.{name}") if event == "apply_done" else None,
            )
            models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
            await apply_guards(models)
            problems = await compare(models)
        finally:
            await Tortoise.close_connections()
    if problems:
        raise MigrationError("the database differs from the declared models:\n" + "\n".join(problems))


class _Noted:
    """A migration that is noted as applied in the transaction that applies it: a crash leaves both or neither."""

    def __init__(self, migration: Any) -> None:
        self._migration = migration

    def __getattr__(self, name: str) -> Any:
        return getattr(self._migration, name)

    async def apply(self, state: Any, *, dry_run: bool, schema_editor: Any) -> Any:
        if schema_editor.atomic_migration and all(type(o) is CreateModel for o in self.operations):
            after = await self._create(state, schema_editor)
        else:
            after = await self._migration.apply(state, dry_run=dry_run, schema_editor=schema_editor)
        await MigrationRecorder(schema_editor.client).record_applied(self.app_label, self.name)
        return after

    async def _create(self, state: Any, schema_editor: Any) -> Any:
        """Tables and nothing else: the ORM would copy and prepare every model it knows anew before each of them, which
        takes most of the time in which a database is made."""
        state.apps._build_initial_querysets = lambda: None
        for operation in self.operations:
            operation.state_forward(self.app_label, state)
            await operation.database_forward(self.app_label, state, state, schema_editor)
        del state.apps._build_initial_querysets
        state.apps._build_initial_querysets()
        state.validate_relations_initialized()
        return state


class _Executor(MigrationExecutor):
    """The ORM's executor, which notes a migration only after its transaction has ended."""

    def __init__(self, connection: Any, apps: dict[str, Any]) -> None:
        super().__init__(connection, apps)
        self.recorder.record_applied = _nothing  # type: ignore[method-assign]

    def _migration_plan(self, *arguments: Any) -> list[PlanStep]:
        return [PlanStep(_Noted(s.migration), s.backward) for s in super()._migration_plan(*arguments)]  # type: ignore[arg-type]


async def _nothing(app: str, name: str) -> None:
    """Noted already."""


@contextlib.asynccontextmanager
async def _lock(url: str) -> AsyncIterator[None]:
    """One migration at a time: an advisory lock, or for SQLite an exclusively held file beside the database."""
    if url.startswith("sqlite:"):
        path = Path(url.removeprefix("sqlite:"))
        path.parent.mkdir(parents=True, exist_ok=True)
        held = sqlite3.connect(f"{path}.lock-db", isolation_level=None, timeout=LOCK_SECONDS, check_same_thread=False)
        try:
            await asyncio.to_thread(held.execute, "BEGIN EXCLUSIVE")
            yield
        finally:
            held.close()
        return
    import asyncpg

    from core.database import connection_config

    credentials = connection_config(url)["credentials"]
    connection = await asyncpg.connect(**{k: credentials[k] for k in ("host", "port", "user", "password", "database")})
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY, timeout=LOCK_SECONDS)
        yield
    finally:
        await connection.close()


async def _rows(sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await get_connection("default").execute_query_dict(sql)]


def _dialect() -> str:
    return str(get_connection("default").capabilities.dialect)


async def apply_guards(models: list[type[Model]]) -> None:
    """Create what is declared and missing or different; drop ours that nobody declares any more."""
    dialect = _dialect()
    connection = get_connection("default")
    if dialect == "postgres":
        await _compare_text_by_code_point(models)
    wanted = {o.name: o for model in models for guard in guards_of(model) for o in render(model, guard, dialect)}
    present = await _present(dialect)
    tables = {model._meta.db_table for model in models}
    script: list[str] = []
    for name, (table, kind, digest) in present.items():
        stale = name not in wanted and table in tables
        changed = name in wanted and not _matches(wanted[name], digest, dialect)
        if stale or changed:
            script += wanted[name].drop if changed else _drop(name, table, kind, dialect)
    for name, wish in wanted.items():
        if name not in present or not _matches(wish, present[name][2], dialect):
            script += wish.create
            if dialect == "postgres":
                target = f'INDEX "{name}"' if wish.kind == "index" else f'TRIGGER "{name}" ON "{wish.table}"'
                script.append(f"COMMENT ON {target} IS '{wish.digest}'")
    if script:
        begin = "BEGIN;" if dialect == "postgres" else "BEGIN IMMEDIATE;"
        await connection.execute_script(begin + "\n" + ";\n".join(script) + ";\nCOMMIT;")


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


async def _compare_text_by_code_point(models: list[type[Model]]) -> None:
    """Give every text column the C collation, so that both databases order and index text alike."""
    rows = await _rows(
        """SELECT t.relname AS tab, a.attname AS col, format_type(a.atttypid, a.atttypmod) AS type
        FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid JOIN pg_collation c ON c.oid = a.attcollation
        WHERE t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.collname <> 'C'
          AND t.relnamespace = current_schema()::regnamespace"""
    )
    tables = {model._meta.db_table for model in models}
    connection = get_connection("default")
    for r in rows:
        if r["tab"] in tables:
            await connection.execute_script(
                f'ALTER TABLE "{r["tab"]}" ALTER COLUMN "{r["col"]}" TYPE {r["type"]} COLLATE "C"'
            )


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


async def make_migrations(url: str, apps: Sequence[App], only: Sequence[str] = ()) -> list[str]:
    """Write migration files for model changes; the paths written. Dependencies between apps are always added.

    The autodetector is run over all apps at once (a single label fails), and an initial migration that refers to
    another app depends on that app's newest migration (findings: Tortoise 3, 4).
    """
    from tortoise.migrations.autodetector import MigrationAutodetector
    from tortoise.migrations.writer import migrations_module_path

    config = tortoise_config(url, apps)
    await Tortoise.init(config=config, init_connections=False)
    if Tortoise.apps is None:
        raise MigrationError("no models are registered")
    for app in Tortoise.apps.values():
        for model in app.values():
            # The ORM makes docstrings into table comments and then splits the DDL at any semicolon in them.
            model._meta.table_description = ""
    written = []
    for writer in await MigrationAutodetector(Tortoise.apps, config["apps"]).changes():
        if only and writer.app_label not in only:
            continue
        dependencies = set(writer.dependencies or [])
        for label, _, module in apps:
            if label == "core" and writer.app_label != "core":
                names = sorted(p.stem for p in migrations_module_path(module).glob("[0-9]*.py"))
                if names:
                    dependencies.add((label, names[-1]))
        writer.dependencies = sorted(dependencies)
        written.append(str(writer.write()))
    return written
