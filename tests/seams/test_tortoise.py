"""What `core/database` relies on in Tortoise and aiosqlite that they do not promise; a name that fails is what moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.backends.base.client import TransactionalDBClient
from tortoise.connection import get_connection
from tortoise.migrations.executor import MigrationExecutor, MigrationTarget, PlanStep
from tortoise.migrations.operations import CreateModel
from tortoise.migrations.recorder import MigrationRecorder
from tortoise.migrations.schema_editor import SqliteSchemaEditor
from tortoise.migrations.schema_generator.state import State
from tortoise.migrations.schema_generator.state_apps import StateApps
from tortoise.transactions import in_transaction

from core.database import App, tortoise_config

pytestmark = pytest.mark.anyio

CORE: App = ("core", ["core.models"], "core.migrations")
TARGETS = [MigrationTarget(app_label="core", name="__latest__")]


class Applied:
    """A migration that only notes how it is applied."""

    app_label, name, atomic = "core", "0001_initial", True
    calls: list[dict[str, Any]]

    def __init__(self) -> None:
        self.calls = []

    async def apply(self, *given: Any, **named: Any) -> Any:
        client = named["schema_editor"].client if named["schema_editor"] else None
        self.calls.append({"given": len(given), **named, "client": client, "current": get_connection("default")})
        return given[0]


@pytest.fixture
async def apps(tmp_path: Path, anyio_backend: str) -> AsyncIterator[dict[str, Any]]:
    """An empty SQLite database of core's models, open."""
    config = tortoise_config(f"sqlite:{tmp_path}/seams.db", [CORE])
    await Tortoise.init(config=config, init_connections=False)
    yield config["apps"]
    await Tortoise.close_connections()


def executor_of(step: Any, apps: dict[str, Any]) -> MigrationExecutor:
    class Planned(MigrationExecutor):
        def _migration_plan(self, *arguments: Any) -> list[PlanStep]:
            assert len(arguments) == 3
            assert all(
                isinstance(found, PlanStep) and not found.backward for found in super()._migration_plan(*arguments)
            )
            return [PlanStep(step, False)]

    return Planned(get_connection("default"), apps)


async def tables() -> set[str]:
    rows = await get_connection("default").execute_query_dict("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row["name"] for row in rows}


async def test_plan_tells_without_a_table_of_its_own_what_is_to_be_applied(apps: dict[str, Any]) -> None:
    steps = await MigrationExecutor(get_connection("default"), apps).plan(TARGETS)
    assert [(s.migration.app_label, s.migration.name) for s in steps] == [("core", "0001_initial")]
    assert all(type(o) is CreateModel for o in steps[0].migration.operations)
    assert await tables() == set()


async def test_migrate_applies_the_steps_that_migration_plan_returns_and_no_others(apps: dict[str, Any]) -> None:
    step = Applied()
    await executor_of(step, apps).migrate(TARGETS, direction="forward")
    assert len(step.calls) == 1
    assert await tables() == {"tortoise_migrations", "sqlite_sequence"}


async def test_a_step_is_applied_with_dry_run_and_an_editor_whose_client_is_its_transaction(
    apps: dict[str, Any],
) -> None:
    step = Applied()
    await executor_of(step, apps).migrate(TARGETS, direction="forward")
    (call,) = step.calls
    assert (call["given"], call["dry_run"]) == (1, False)
    assert isinstance(call["schema_editor"], SqliteSchemaEditor)
    assert call["schema_editor"].atomic_migration
    assert isinstance(call["client"], TransactionalDBClient)
    assert call["client"] is call["current"]


async def test_an_applied_step_is_noted_by_record_applied_of_the_executors_recorder(apps: dict[str, Any]) -> None:
    noted = []

    async def record_applied(app: str, name: str) -> None:
        noted.append((app, name))

    executor = executor_of(Applied(), apps)
    executor.recorder.record_applied = record_applied  # type: ignore[method-assign]
    await executor.migrate(TARGETS, direction="forward")
    assert noted == [("core", "0001_initial")]
    assert await executor.recorder.applied_migrations() == []


async def test_ensure_schema_and_record_applied_write_through_the_client_they_are_given(apps: dict[str, Any]) -> None:
    executor = MigrationExecutor(get_connection("default"), apps)
    await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
    await executor.recorder.ensure_schema(executor._schema_editor(atomic=False))
    with suppress(ZeroDivisionError):
        async with in_transaction("default") as transaction:
            await MigrationRecorder(transaction).record_applied("core", "0001_initial")
            raise ZeroDivisionError
    assert await executor.recorder.applied_migrations() == []
    async with in_transaction("default") as transaction:
        await MigrationRecorder(transaction).record_applied("core", "0001_initial")
    assert [(m.app_label, m.name) for m in await executor.recorder.applied_migrations()] == [("core", "0001_initial")]


async def test_a_state_prepares_its_models_by_build_initial_querysets_which_an_instance_may_replace(
    apps: dict[str, Any],
) -> None:
    (step,) = await MigrationExecutor(get_connection("default"), apps).plan(TARGETS)
    state = State(models={}, apps=StateApps(default_connections={"core": "default"}))
    prepared = []
    state.apps._build_initial_querysets = lambda: prepared.append(1)  # type: ignore[method-assign]
    step.migration.operations[0].state_forward("core", state)
    assert prepared
    del state.apps._build_initial_querysets
    state.apps._build_initial_querysets()
    state.validate_relations_initialized()


async def test_an_atomic_editor_of_sqlite_runs_no_script_which_would_commit(
    apps: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with in_transaction("default") as transaction:
        monkeypatch.setattr(type(transaction), "execute_script", None)
        editor = SqliteSchemaEditor(get_connection("default"), atomic=True)
        editor.client = transaction
        await editor._run_sql("CREATE TABLE one (a); CREATE TABLE two (a)")
    assert {"one", "two"} <= await tables()


async def test_a_transaction_within_one_is_a_savepoint_and_so_is_a_script_part_of_it(apps: dict[str, Any]) -> None:
    with suppress(ZeroDivisionError):
        async with in_transaction("default") as whole:
            await whole.execute_script("CREATE TABLE kept (a); CREATE TABLE also (a)")
            with suppress(KeyError):
                async with in_transaction("default") as part:
                    await part.execute_script("CREATE TABLE gone (a)")
                    raise KeyError
            assert await tables() == {"kept", "also"}
            raise ZeroDivisionError
    assert await tables() == set()


async def test_aiosqlite_runs_a_function_on_the_thread_that_has_its_connection(apps: dict[str, Any]) -> None:
    client: Any = get_connection("default")
    await client.execute_query("SELECT 1")
    ours = client._connection
    found = await ours._execute(lambda connection: connection.execute("SELECT 7").fetchone()[0], ours._conn)
    assert found == 7
