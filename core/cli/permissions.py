"""`gongzhi permissions`: which role may do what, in an area, and whether a person may, and why."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table

import server
from core.access import Acting, PermissionRule, Viewer
from core.accounts import compared_login
from core.cli import language, out
from core.cli.configuring import chain_of, degraded, empty, reading
from core.config import Config
from core.decisions import NOWHERE, Decision, Place, carries, decide
from core.enums import Role
from core.errors import ConfigurationError
from core.problems import Problem
from core.runtime import Runtime
from core.settings.store import as_uuid
from core.settings.tree import SettingsBook

WIDTH = 240  # at least, of the output: no name is cut off


async def show(config: Config, area: str | None, person: str | None, as_json: bool) -> None:
    """The matrix as declared; with an area, as it stands there; with a person's login too, what they may do there."""
    host = server.load_host(degraded(config))
    async with reading(config, host) as runtime:
        if runtime is None and area is not None:
            raise ConfigurationError(empty(config))
        book = host.permissions()
        place, viewer, settings = NOWHERE, Viewer(), SettingsBook()
        if runtime is not None and area is not None:
            settings, place = await _place(runtime, area)
            viewer = await _viewer(runtime, person, config) if person else Viewer(cuts=runtime.kernel.cuts())
        texts = host.messages()
        shown = []
        for rule in book.rules.values():
            row = _row(rule, place, viewer, settings)
            if person is not None:
                decision = decide(book, viewer, Acting(), rule.key, place)
                row[person] = _decision(decision, texts.render(decision.reason, language(), decision.values))
            shown.append(row)
    if as_json:
        print(json.dumps({"area": area, "permissions": shown}, ensure_ascii=False, indent=2))
        return
    _print(shown, area, person)


async def _place(runtime: Runtime, area: str) -> tuple[SettingsBook, Place]:
    kernel, database = runtime.kernel, runtime.database
    store, now = kernel.settings, kernel.clock.now()
    book = await store.read(database.fetch, database.dialect.mark, await store.version(database.fetch))
    store.keep(book)
    chain = await chain_of(runtime, area)
    standing = {key: book.standing(key, chain, now) for key in kernel.manifests}
    return book, Place(tuple(chain), {key: s.until for key, s in standing.items() if s.is_on})


async def _viewer(runtime: Runtime, login: str, config: Config) -> Viewer:
    mark = runtime.database.dialect.mark(1)
    rows = await runtime.database.read(
        f"SELECT id FROM core_account WHERE login = {mark} AND state = 'ACTIVE'", [compared_login(login)]
    )
    if not rows:
        raise ConfigurationError(Problem("UNKNOWN_LOGIN", {"login": login, "database": config.database_shown}))
    return await runtime.viewer_of(as_uuid(rows[0][0]))


def _row(rule: PermissionRule, place: Place, viewer: Viewer, book: SettingsBook) -> dict[str, Any]:
    def cut_by(role: Role) -> list[str]:
        return [book.codes[a] for a in place.chain if a in viewer.cut_in(rule, role)]

    roles = {
        str(role): {"carries": carries(rule, role, viewer, place.chain), "cut_by": cut_by(role)}
        for role in Role
        if role in rule.roles
    }
    title = rule.title[language()]
    off = bool(place.chain) and rule.owner != "core" and rule.owner not in place.plugins
    return {
        "permission": rule.key, "title": title, "plugin": rule.owner, "off": off, "open": rule.is_open, "roles": roles,
    }  # fmt: skip


def _decision(decision: Decision, message: str) -> dict[str, Any]:
    until = decision.until.isoformat() if decision.until else None
    return {"allowed": decision.allowed, "reason": decision.reason, "message": message, "until": until}


def _print(shown: list[dict[str, Any]], area: str | None, person: str | None) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("permission", *map(str, Role), *([person] if person else ())):
        table.add_column(heading)
    for row in shown:
        cells = [_cell(row, str(role)) for role in Role]
        if person:
            found = row[person]
            end = f" until {found['until']}" if found["until"] else ""
            cells.append(f"{'✓' if found['allowed'] else '✗'} {found['reason']}{end}")
        off = f" ({row['plugin']} is off in {area})" if row["off"] else ""
        table.add_row(row["permission"] + off, *cells)
    out.width = max(out.width, WIDTH)
    out.print(table)


def _cell(row: dict[str, Any], role: str) -> str:
    if row["open"]:
        return "everyone"
    found = row["roles"].get(role)
    if found is None:
        return "-"
    return "✓" if found["carries"] else f"cut by {', '.join(found['cut_by'])}"
