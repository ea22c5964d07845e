"""Migrations lose nothing silently: what is missing comes back or is told, and many at once are one after another."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import server
from core.database.migrate import migrate
from core.errors import MigrationError
from core.testing.kit import Databases
from core.testing.process import gongzhi, start

ROOT = Path(server.__file__).parent


def break_it(databases: Databases, url: str, *statements: str) -> None:
    """Change the database behind the server's back."""
    if url.startswith("sqlite:"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:"), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)
    else:
        name = urlsplit(url).path.lstrip("/")
        for statement in statements:
            databases.cluster.run_sql(statement, name)


def migrate_it(databases: Databases, url: str) -> None:
    asyncio.run(migrate(url, server.load_host(databases.config(url)).apps()))


def test_a_lost_index_and_trigger_come_back(databases: Databases, empty_url: str, dialect: str) -> None:
    trigger = "gz_core_event_append_only_delete"
    lost = f"DROP TRIGGER {trigger} ON core_event" if dialect == "postgres" else f"DROP TRIGGER {trigger}_delete"
    break_it(databases, empty_url, "DROP INDEX gz_core_area_unique_code", lost)
    migrate_it(databases, empty_url)
    break_it(databases, empty_url, lost)
    with pytest.raises(Exception, match="already exists"):
        break_it(databases, empty_url, "CREATE UNIQUE INDEX gz_core_area_unique_code ON core_area (code)")


def test_a_column_nobody_declares_is_told(databases: Databases, empty_url: str) -> None:
    break_it(databases, empty_url, "ALTER TABLE core_area ADD COLUMN stray INT")
    with pytest.raises(MigrationError, match=r"core_area\.stray: nobody declares this column"):
        migrate_it(databases, empty_url)


def test_a_missing_column_is_told(databases: Databases, empty_url: str) -> None:
    break_it(databases, empty_url, "ALTER TABLE core_activity RENAME COLUMN place TO elsewhere")
    with pytest.raises(Exception, match=r"place"):
        migrate_it(databases, empty_url)


def test_four_processes_migrate_one_empty_database(databases: Databases, dialect: str, tmp_path: Path) -> None:
    url = databases.cluster.create_database("four") if dialect == "postgres" else f"sqlite:{tmp_path}/four.db"
    config = tmp_path / "gongzhi.toml"
    plugins = ", ".join(f'"{key}"' for key in databases.plugins)
    config.write_text(f'database = "{url}"\nplugins = [{plugins}]\n', "utf-8")
    logs = [tmp_path / f"{number}.log" for number in range(4)]
    started = [start(tmp_path, "migrate", out=log) for log in logs]
    for process in started:
        process.join(120)
    results = [(log.read_text("utf-8"), process.exitcode) for log, process in zip(logs, started, strict=True)]
    assert [code for _, code in results] == [0, 0, 0, 0], results
    assert sum("applied core.0001_initial" in text for text, _ in results) == 1


DIE_BEFORE_NOTING = """
import os
from tortoise.migrations.recorder import MigrationRecorder
async def die(self, app, name):
    os._exit(9)
MigrationRecorder.record_applied = die
from core.cli import main
main()
"""


def test_a_crash_between_a_migration_and_its_note_leaves_neither(
    databases: Databases, dialect: str, tmp_path: Path
) -> None:
    url = databases.cluster.create_database("crashed") if dialect == "postgres" else f"sqlite:{tmp_path}/crashed.db"
    config = tmp_path / "gongzhi.toml"
    config.write_text(f'database = "{url}"\nplugins = []\n', "utf-8")

    command = [sys.executable, "-c", DIE_BEFORE_NOTING, "migrate", "--config", str(config)]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120).returncode == 9
    assert gongzhi(tmp_path, "migrate").returncode == 0
