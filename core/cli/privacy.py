"""Commands about personal data: what is held on a person, and what has been kept long enough."""

from __future__ import annotations

from pathlib import Path

import typer

import server
from core.cli import err, language, out
from core.config import Config
from core.errors import Refusal
from core.holdings import write_holdings
from core.ids import from_global, is_global
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


async def take_out_holdings(config: Config, who: str, path: Path) -> None:
    """All that is held on the person with this login or id, as JSON, for this account's eyes only."""
    running = await server.Server.open(config)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        runtime = running.runtime
        if is_global(who, "actor"):
            id = from_global(who, "actor")
        else:
            mark = runtime.database.dialect.mark(1)
            sql = f"SELECT person_id FROM core_account WHERE login = {mark}"
            rows = await runtime.database.read(sql, [who.strip().lower()])
            if not rows:
                raise Refusal("NOT_FOUND", kind="account")
            id = as_uuid(rows[0][0])
        unfinished.touch(0o600)
        rows_written = await write_holdings(runtime.database, id, runtime.clock.now(), unfinished)
        unfinished.replace(path)
        out.print(f"{path}: {rows_written}", markup=False)
    except Refusal as refusal:
        err.print(f"gongzhi: {running.runtime.messages.render(refusal.code, language(), refusal.values)}", markup=False)
        raise typer.Exit(1) from None
    finally:
        unfinished.unlink(missing_ok=True)
        await running.close()
