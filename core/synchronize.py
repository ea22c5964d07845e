"""Make the database say what core and the plugins declare: permissions (the event log's triggers read them, INV13),
what is installed, and which tables nobody claims any more. And the one thing the database says to the file: its time zone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from core.access import ANONYMOUS, Acting, PermissionBook
from core.config import Config
from core.database import Database, Transaction
from core.errors import ConfigurationError
from core.ids import new_id
from core.kernel import Kernel
from core.models import Area
from core.plugins.host import Host
from core.problems import Problem
from core.settings.store import VERSION, as_uuid, reach
from core.work import Work

NAMES = 500  # indexed in one transaction


async def zone_fits(database: Database, config: Config) -> None:
    """Raises ConfigurationError (TIME_ZONE_CHANGED) where the file says another zone than the database was begun with:
    every window, term and period in it would move. `gongzhi config time-zone` is how that is meant."""
    rows = await database.read("SELECT time_zone FROM core_governance")
    if not rows or rows[0][0] in (None, config.time_zone):
        return
    values = {"kept": rows[0][0], "zone": config.time_zone}
    file = config.file
    raise ConfigurationError(
        file.problem("TIME_ZONE_CHANGED", "time_zone", **values) if file else Problem("TIME_ZONE_CHANGED", values)
    )


async def keep_zone(database: Database, config: Config) -> None:
    """The same, and the zone is kept if there is none yet."""
    await zone_fits(database, config)
    if await database.read("SELECT 1 FROM core_governance WHERE time_zone IS NOT NULL"):
        return
    async with database.transaction() as transaction:
        await transaction.fetch(
            f"INSERT INTO core_governance (id, version, time_zone) VALUES (1, 0, {database.dialect.mark(1)}) ON CONFLICT"
            " (id) DO UPDATE SET time_zone = excluded.time_zone WHERE core_governance.time_zone IS NULL",
            config.time_zone,
        )
    await zone_fits(database, config)  # another process may have been first


async def synchronize(database: Database, kernel: Kernel, tables: Mapping[str, Sequence[str]]) -> None:
    """Permissions, the row that versions settings, the list of installed plugins with their tables, and where they
    are on, if what they need has changed."""
    await synchronize_permissions(database, kernel.permissions)
    stored = {r[0]: (r[1], r[2]) for r in await database.read("SELECT key, version, tables FROM core_installed")}
    wanted = {k: (m.version, json.dumps(list(tables.get(k, ())))) for k, m in kernel.manifests.items()}
    has_row = await database.read("SELECT needs FROM core_governance")
    # Where plugins are on was worked out with these needs; other plugins or versions may have others.
    needs = json.dumps(kernel.needs)
    if has_row and has_row[0][0] == needs and all(stored.get(key) == value for key, value in wanted.items()):
        return
    mark = database.dialect.mark
    async with database.transaction() as transaction:
        await transaction.fetch("INSERT INTO core_governance (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING")
        for key, (version, names) in wanted.items():
            await transaction.fetch(
                f"INSERT INTO core_installed (key, version, tables, seen_at) VALUES ({mark(1)}, {mark(2)}, {mark(3)},"
                f" {mark(4)}) ON CONFLICT (key) DO UPDATE SET version = excluded.version, tables = excluded.tables,"
                " seen_at = excluded.seen_at",
                key, version, names, kernel.clock.now(),
            )  # fmt: skip
        held = await transaction.fetch(
            f"UPDATE core_governance SET needs = {mark(1)}, version = version + 1"
            f" WHERE id = 1 AND (needs IS NULL OR needs <> {mark(1)}) RETURNING version",
            needs,
        )
        for sql, values in reach(kernel.needs, kernel.clock.now()) if held else ():
            await transaction.fetch(sql.format(*(mark(i + 1) for i in range(len(values)))), *values)
        if held and has_row and has_row[0][0]:
            await _tell_loaded(transaction, kernel, set(json.loads(has_row[0][0])))


async def _tell_loaded(transaction: Transaction, kernel: Kernel, before: set[str]) -> None:
    """Say in the log which plugins the server runs with from now on, and without which: what stood still meanwhile is
    for them to know. `core.plugin.loaded` and `core.plugin.unloaded` are of no area, because they are of all."""
    work = Work(transaction, kernel, ANONYMOUS, Acting(), system=True)
    for root in (await work.select(Area, parent_id=None))[:1]:
        for type, keys in (("loaded", kernel.needs.keys() - before), ("unloaded", before - kernel.needs.keys())):
            for key in sorted(keys):
                work.record(f"core.plugin.{type}", root, area_id=None, data={"plugin": key})
    await work.flush()


async def index_names(database: Database, kernel: Kernel) -> int:
    """Write what things are found by where it is missing: rows that were there before their type became searchable, or
    that came in around the rules. How many there were."""
    count = 0
    alone = " FOR UPDATE" if database.dialect.lock else ""
    for model in database.models:
        if getattr(model, "searchable", None) is None:
            continue
        present = " AND t.gone_at IS NULL" if "gone_at" in model._meta.fields_map else ""
        missing = (
            f"SELECT t.id FROM {model._meta.db_table} t WHERE t.id > {database.dialect.mark(1)} AND NOT EXISTS"
            f" (SELECT 1 FROM core_search_entry e WHERE e.id = t.id){present} ORDER BY t.id LIMIT {NAMES}"
        )
        last = UUID(int=0)
        while await database.read(missing, [last]):
            async with database.transaction() as transaction:
                work = Work(transaction, kernel, ANONYMOUS, Acting(), system=True)
                await work.rows(VERSION + alone)  # one worker at a time
                found = [as_uuid(row["id"]) for row in await transaction.fetch(missing, last)]
                await work.index(await work.select(model, id=found))  # type: ignore[arg-type]
            count += len(found)
            last = max([last, *found])
    return count


async def orphaned_tables(database: Database, host: Host) -> list[Problem]:
    """Tables of plugins that were installed once and are not loaded now, a notice for each plugin."""
    rows = await database.read("SELECT key, tables FROM core_installed")
    present = await existing_tables(database)
    found = []
    for key, names in rows:
        tables = [t for t in json.loads(names) if t in present]
        if key not in host.keys and tables:
            values = {"plugin_key": key, "tables": ", ".join(tables)}
            found.append(Problem("ORPHANED_TABLES", values, plugin=key))
    return found


async def existing_tables(database: Database) -> set[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if database.dialect.name == "postgres":
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    return {row[0] for row in await database.read(sql)}


async def synchronize_permissions(database: Database, book: PermissionBook) -> None:
    """Insert, change and remove rows in one transaction; nothing happens when nothing differs."""
    wanted = {rule.key: (rule.owner, rule.is_open) for rule in book.rules.values()}
    carried = {(str(role), rule.key) for rule in book.rules.values() for role in rule.roles}
    stored = {r[0]: (r[1], bool(r[2])) for r in await database.read("SELECT key, owner, is_open FROM core_permission")}
    held = {(r[0], r[1]) for r in await database.read("SELECT role, permission_id FROM core_role_permission")}
    if wanted == stored and carried == held:
        return
    mark = database.dialect.mark
    async with database.transaction() as transaction:
        for role, key in held - carried:
            await transaction.fetch(
                f"DELETE FROM core_role_permission WHERE role = {mark(1)} AND permission_id = {mark(2)}", role, key
            )
        for key in stored.keys() - wanted.keys():
            await transaction.fetch(f"DELETE FROM core_permission WHERE key = {mark(1)}", key)
        for key, (owner, is_open) in wanted.items():
            await transaction.fetch(
                f"INSERT INTO core_permission (key, owner, is_open) VALUES ({mark(1)}, {mark(2)}, {mark(3)})"
                " ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, is_open = excluded.is_open",
                key,
                owner,
                is_open,
            )
        for role, key in carried - held:
            await transaction.fetch(
                f"INSERT INTO core_role_permission (id, role, permission_id) VALUES ({mark(1)}, {mark(2)}, {mark(3)})"
                " ON CONFLICT DO NOTHING",
                new_id(),
                role,
                key,
            )
