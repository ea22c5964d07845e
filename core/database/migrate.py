"""Bring a database to what the models declare, under a lock, and prove it afterwards.

Structure (tables, columns, foreign keys) comes from the ORM's migrations, in dependency order. Guards (CHECKs, unique
and plain indexes, triggers) are then made exactly as declared, because the ORM loses them silently (findings: Tortoise
1, 2, 6, 8). Last, the real catalogue is compared with the models; any difference is a MigrationError.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from tortoise import Tortoise
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.operations import CreateModel
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.models import Model
from tortoise.transactions import in_transaction

from core.database import App, look_at, tortoise_config
from core.database.catalogue import apply_guards, compare, differs, put_back, take_down
from core.errors import MigrationError
from core.problems import Problem

LOCK_SECONDS = 120
FOREIGN_KEYS = "PRAGMA foreign_key_check"
_ADVISORY = 0x676F6E677A6869  # "gongzhi"
Progress = Callable[[str], None]


async def migrate(url: str, apps: Sequence[App], progress: Progress = lambda line: None) -> None:
    """Bring `url` to what `apps` declare; safe to run from several processes at once. Raises MigrationError.

    Migrations that only make tables go one after the other (all eight plugins' in one transaction would be six thousand
    locks on PostgreSQL), and a crash leaves those that are done. As soon as one touches a table that is there, everything
    is one transaction: whatever goes wrong or breaks off, the database is as it was.
    """
    look_at(url)
    config = tortoise_config(url, apps)
    config["connections"]["default"]["credentials"].pop("command_timeout", None)  # a table may be large
    targets = [MigrationTarget(app_label=label, name="__latest__") for label, _, _ in apps]
    applied: list[str] = []

    async def carry_out(executor: _Executor) -> None:
        def note(event: str, app: str, name: str) -> None:
            if event == "apply_done":
                applied.append(f"{app}.{name}")

        await executor.migrate(targets, direction="forward", progress=note)

    async with _lock(url):
        try:
            await Tortoise.init(config=config, init_connections=False)
            models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
            executor = _Executor(get_connection("default"), config["apps"])
            await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
            plan = await executor.plan(targets)
            touches = any(type(o) is not CreateModel for step in plan for o in step.migration.operations)
            if plan and not touches:
                await carry_out(executor)
            if touches or await differs(models):
                async with _whole() as connection:
                    if touches:
                        taken = await take_down(models)
                        await carry_out(_Executor(connection, config["apps"]))
                        await put_back(taken)
                    await apply_guards(models, anew=touches)
                    await _prove(models)
            else:
                await _prove(models)
        finally:
            await Tortoise.close_connections()
    for name in applied:
        progress(name)


@contextlib.asynccontextmanager
async def _whole() -> AsyncIterator[Any]:
    """One transaction. SQLite rebuilds a table by dropping it, which rows that refer to it would not let happen: foreign
    keys are off meanwhile (within a transaction nothing turns them off) and are asked at its end."""
    connection = get_connection("default")
    if connection.capabilities.dialect == "postgres":
        async with in_transaction("default") as transaction:
            yield transaction
        return
    await connection.execute_query("PRAGMA foreign_keys = OFF")  # of this connection, which ends with the migration
    async with in_transaction("default") as transaction:
        yield transaction
        broken = Counter((r["table"], r["parent"]) for r in await transaction.execute_query_dict(FOREIGN_KEYS))
        if broken:
            values = [{"table": table, "parent": parent, "count": n} for (table, parent), n in broken.items()]
            raise MigrationError(*(Problem("ROWS_WITHOUT_PARENT", v) for v in values))


async def _prove(models: list[type[Model]]) -> None:
    problems = await compare(models)
    if problems:
        raise MigrationError("the database differs from the declared models:", *problems)


class _Noted:
    """A migration that is noted as applied in the transaction that applies it: a crash leaves both or neither."""

    def __init__(self, migration: Any) -> None:
        self._migration = migration

    def __getattr__(self, name: str) -> Any:
        return getattr(self._migration, name)

    async def apply(self, state: Any, *, dry_run: bool, schema_editor: Any) -> Any:
        try:
            if schema_editor.atomic_migration and all(type(o) is CreateModel for o in self.operations):
                after = await self._create(state, schema_editor)
            else:
                after = await self._migration.apply(state, dry_run=dry_run, schema_editor=schema_editor)
        except Exception as error:
            what = {"migration": f"{self.app_label}.{self.name}", "error": f"{type(error).__name__}: {error}"}
            raise MigrationError(Problem("MIGRATION_FAILED", what)) from error
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
