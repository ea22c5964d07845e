"""Make the permission tables say what core and the plugins declare; the event log's triggers read them (INV13)."""

from __future__ import annotations

from core.access import PermissionBook
from core.database import Database
from core.ids import new_id


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
