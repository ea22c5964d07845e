"""What a plugin missed, and what it leaves: plugin replay, export, purge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import server
from core.cli import out
from core.cli.configuring import opened
from core.config import Config
from core.database import Database
from core.errors import ConfigurationError
from core.models import Area
from core.problems import Problem, near
from core.synchronize import existing_tables
from core.work import Work

_TRACES = (
    ("core_installed", "key"),
    ("core_plugin_area", "plugin"),
    ("core_delivery_skipped", "plugin"),
    ("core_search_entry", "plugin"),
    ("core_delivery_failure", "plugin"),
)


async def replay(config: Config, plugin: str, area: str | None) -> None:
    """Deliver the events a plugin missed while it was off, or failed at, where it is on now."""
    running = await server.Server.open(config, apply=False)
    try:
        if plugin not in running.host.keys:
            raise ConfigurationError(f"{plugin} is not loaded; see `gongzhi plugin list`")
        if area is not None:
            known = [r[0] for r in await running.runtime.database.read("SELECT code FROM core_area")]
            if area not in known:
                raise ConfigurationError(Problem("UNKNOWN_AREA", {"area": area, "near": near(area, known)}))
        done = await running.runtime.dispatcher.replay(plugin, area)
        out.print(
            f"{done.delivered} missed events delivered; {done.failed} failed again and left;"
            f" {done.off} left where {plugin} is still off"
        )
    finally:
        await running.close()


async def export(config: Config, plugin: str, to: Path) -> None:
    """Write every row of a plugin's tables as JSON lines, one file a table, with a list of what there is."""
    host = server.load_host(replace(config, plugin_errors="degrade"))
    async with opened(config, host) as runtime:
        tables = await _tables(runtime.database, plugin)
        to.mkdir(parents=True, exist_ok=True)
        if any(to.iterdir()):
            raise ConfigurationError(f"{to} is not empty; name a new folder")
        counts = {}
        for table in tables:
            counts[table] = await _export_table(runtime.database, table, to / f"{table}.jsonl")
            out.print(f"  {table}: {counts[table]} rows")
        about = {"plugin": plugin, "exported_at": runtime.clock.now().isoformat(), "rows": counts}
        (to / "export.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        out.print(f"exported {plugin} to {to}")


async def _export_table(database: Database, table: str, path: Path) -> int:
    count, after = 0, ""
    with path.open("w", encoding="utf-8") as file:
        while True:
            id_text = "id" if database.dialect.name == "sqlite" else "id::text"
            rows = await database.fetch(
                f"SELECT * FROM {table} WHERE {id_text} > {database.dialect.mark(1)} ORDER BY {id_text} LIMIT 1000",
                after,
            )
            for row in rows:
                file.write(json.dumps({k: _plain(v) for k, v in dict(row).items()}, ensure_ascii=False) + "\n")
            count += len(rows)
            if len(rows) < 1000:
                return count
            after = str(rows[-1]["id"])


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


async def purge(config: Config, plugin: str) -> None:
    """Drop a plugin's tables for good. The event log keeps that they were, and everything that happened."""
    if plugin in config.plugins:
        raise ConfigurationError(f"{plugin} is installed: take it out of plugins = [...] first, and restart the server")
    running = await server.Server.open(replace(config, plugin_errors="degrade"), apply=False)
    try:
        tables = await _tables(running.runtime.database, plugin)
        ordered = await _dependents_first(running, tables)

        async def rule(work: Work) -> dict[str, Any]:
            root = (await work.select(Area, parent_id=None))[0]
            work.require("core.plugin.toggle", root)
            work.record("core.plugin.purged", root, area_id=root.id, data={"plugin": plugin, "tables": list(tables)})
            if work.transaction.database.dialect.name == "postgres":
                functions = await work.rows(
                    "SELECT DISTINCT p.proname AS name FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid"
                    " JOIN pg_class t ON t.oid = g.tgrelid"
                    f" WHERE NOT g.tgisinternal AND t.relname IN ({', '.join(['{}'] * len(tables))})",
                    *tables,
                )
                await work.rows(f"DROP TABLE {', '.join(tables)}")
                for function in functions:
                    await work.rows(f'DROP FUNCTION IF EXISTS "{function["name"]}"()')
            else:
                for table in ordered:
                    await work.rows(f"DROP TABLE {table}")
            await work.rows("DELETE FROM tortoise_migrations WHERE app = {}", plugin)
            for table, column in _TRACES:
                await work.rows(f"DELETE FROM {table} WHERE {column} = {{}}", plugin)
            await work.rows("DELETE FROM core_delivery WHERE handler LIKE {}", f"{plugin}:%")
            return {}

        await running.runtime.as_system(rule)
        out.print(f"purged {plugin}: dropped {', '.join(tables)}; the event log is as it was")
    finally:
        await running.close()


async def _dependents_first(running: server.Server, tables: Sequence[str]) -> list[str]:
    """SQLite checks references at each drop: who refers goes before who is referred to."""
    refers = {}
    if running.runtime.database.dialect.name == "postgres":
        return list(tables)
    for table in tables:
        rows = await running.runtime.database.read(f"SELECT \"table\" FROM pragma_foreign_key_list('{table}')")
        refers[table] = {r[0] for r in rows if r[0] != table}
    ordered: list[str] = []
    while refers:
        free = next((t for t in refers if not any(t in others for o, others in refers.items() if o != t)), None)
        if free is None:
            raise ConfigurationError(f"the tables refer to each other: {', '.join(refers)}")
        ordered.append(free)
        del refers[free]
    return ordered


async def _tables(database: Database, plugin: str) -> list[str]:
    rows = await database.read(f"SELECT tables FROM core_installed WHERE key = {database.dialect.mark(1)}", [plugin])
    if not rows:
        known = [r[0] for r in await database.read("SELECT key FROM core_installed ORDER BY key")]
        raise ConfigurationError(f"this database has no tables of {plugin} (it has: {', '.join(known) or 'none'})")
    present = await existing_tables(database)
    return [t for t in json.loads(rows[0][0]) if t in present]
