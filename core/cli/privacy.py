"""Commands about personal data: what is held on a person, and what has been kept long enough."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import server
from core.accounts import compared_login
from core.cli import language, out
from core.cli.configuring import opened
from core.config import Config
from core.database import Database
from core.errors import ConfigurationError
from core.holdings import write_holdings
from core.ids import from_global, is_global
from core.problems import Problem
from core.retention import settle
from core.settings.store import as_uuid


async def retention(config: Config, *, apply: bool) -> None:
    """What has been kept long enough, by table and column; with `apply` it goes."""
    running = await server.Server.open(config)
    try:
        found = await settle(running.runtime, apply=apply)
    finally:
        await running.close()
    for name, count in sorted(found.items()):
        out.print(f"{name}: {count}", markup=False)
    if not found:
        out.print("nothing is due" if language() == "en" else "没有到期的内容")
    elif not apply:
        out.print("--apply erases it" if language() == "en" else "加 --apply 执行清除")


async def take_out_holdings(config: Config, who: str, path: Path, *, force: bool) -> None:
    """All that is held on the person with this login or id, as JSON, for this account's eyes only. A file that is there
    already stays unless told; no database is made or changed."""
    if path.exists() and not force:
        raise ConfigurationError(Problem("FILE_EXISTS", {"path": path}))
    unfinished = path.with_name(f".{path.name}.part")
    async with opened(config, server.load_host(config)) as runtime:
        id = await _person(runtime.database, who)
        if id is None:
            raise ConfigurationError(Problem("NOBODY", {"who": who, "database": config.database_shown}))
        try:
            unfinished.touch(0o600)
            rows_written = await write_holdings(runtime.database, id, runtime.clock.now(), unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    out.print(f"{path}: {rows_written}", markup=False)


async def _person(database: Database, who: str) -> UUID | None:
    mark = database.dialect.mark(1)
    if is_global(who, "actor"):
        rows = await database.read(f"SELECT id FROM core_actor WHERE id = {mark}", [from_global(who, "actor")])
    else:
        rows = await database.read(f"SELECT person_id FROM core_account WHERE login = {mark}", [compared_login(who)])
    return as_uuid(rows[0][0]) if rows else None
