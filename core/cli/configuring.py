"""The file, and what it makes of an area: check, apply, config show, plugin list, enable, disable."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
import typer
from rich.table import Table
from tomlkit.items import Item
from tomlkit.items import Table as TomlTable

import server
from core.cli import err, language, out
from core.clock import Clock
from core.config import FILE, Config, config_from, read_config
from core.database import Database
from core.enums import Origin, PluginState
from core.errors import ConfigurationError
from core.plugins.host import Host
from core.plugins.manifest import available, read_manifest
from core.problems import Problem, near
from core.settings import Effective, SettingsBook
from core.settings.store import SettingsStore, as_uuid
from core.settings.take_up import TakeUp, read_areas
from core.synchronize import existing_tables, orphaned_tables
from core.toml import TomlFile


def tell(problems: list[Problem], notices: list[Problem], as_json: bool) -> None:
    """Print what was found; exits 2 when there is a problem."""
    speech = language()
    if as_json:
        found = {
            "ok": not problems,
            "problems": [p.as_json(speech) for p in problems],
            "notices": [n.as_json(speech) for n in notices],
        }
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for problem in problems:
            err.print(f"[red]✗[/red] {escape(problem.text(speech))}")
        for notice in notices:
            err.print(f"[yellow]![/yellow] {escape(notice.text(speech))}")
        if not problems:
            out.print("[green]✓[/green] " + ("配置正确" if speech == "zh-CN" else "the configuration is good"))
    if problems:
        raise typer.Exit(2)


def escape(text: str) -> str:
    from rich.markup import escape as escape_markup

    return escape_markup(text)


async def check(path: Path | None, as_json: bool) -> None:
    """Everything that is wrong, at once: the file, the plugins, and the areas if the database can be asked."""
    problems, notices = await find_problems(path)
    tell(problems, notices, as_json)


async def find_problems(path: Path | None) -> tuple[list[Problem], list[Problem]]:
    """Problems and notices of a configuration; nothing is changed anywhere, not even a database made."""
    try:
        config = read_config(path)
    except ConfigurationError as error:
        return _as_problems(error), []
    host = server.load_host(_degraded(config))
    problems = list(host.problems)
    clock = Clock(config.time_zone)
    try:
        rows = read_areas(config, host.keys, host.settings, clock)
    except ConfigurationError as error:
        return [*problems, *_as_problems(error)], []
    notices: list[Problem] = []
    path_of = Path(config.database.removeprefix("sqlite:"))
    if config.database.startswith("sqlite:") and not path_of.exists():
        if rows and config.file is not None:
            notices.append(config.file.problem("AREAS_NOT_YET", "area"))
        return problems, notices
    database = await Database.connect(config.database, host.apps())
    try:
        if "core_governance" not in await existing_tables(database):
            return problems, [*notices, Problem("DATABASE_EMPTY")]
        take_up = TakeUp(config, server.runtime_of(host, database, clock), os.environ)
        await take_up.check(config)
        notices += [*take_up.notices, *await orphaned_tables(database, host)]
    except ConfigurationError as error:
        problems += _as_problems(error)
    finally:
        await database.close()
    return problems, notices


def _degraded(config: Config) -> Config:
    from dataclasses import replace

    return replace(config, plugin_errors="degrade")


def _as_problems(error: ConfigurationError) -> list[Problem]:
    return [p if isinstance(p, Problem) else Problem("BAD_DECLARATION", {"what": p}) for p in error.problems]


async def apply(config: Config) -> None:
    """Make the database say what the file says, whole or not at all."""
    running = await server.Server.open(config, apply=False)
    try:
        changed = await running.take_up.apply(config)
        for notice in [*running.take_up.notices, *running.notices]:
            err.print(f"[yellow]![/yellow] {escape(notice.text(language()))}")
        out.print(f"applied {config.file.path if config.file else '(no file)'}: {changed} changed")
    finally:
        await running.close()


# --- what holds ------------------------------------------------------------------------------------------


async def show(config: Config, area: str, as_json: bool) -> None:
    """Every plugin and setting as it holds in an area, and where each value comes from."""
    running = await server.Server.open(config)
    try:
        kernel, database = running.runtime.kernel, running.runtime.database
        codes = {r[1]: as_uuid(r[0]) for r in await database.read("SELECT id, code FROM core_area")}
        if area not in codes:
            raise ConfigurationError(Problem("UNKNOWN_AREA", {"area": area, "near": near(area, codes)}))
        rows = await database.read(
            "SELECT ancestor_id FROM core_area_closure WHERE until IS NULL AND descendant_id ="
            f" {database.dialect.mark(1)} ORDER BY depth DESC",
            [codes[area]],
        )
        chain = [as_uuid(r[0]) for r in rows]
        book, now = kernel.settings.current, kernel.clock.now()
        name = config.file.path.name if config.file else FILE
        names = {id: code for code, id in codes.items()}
        shown: list[dict[str, Any]] = []
        for key in kernel.manifests:
            said = book.switch(key, chain, now)
            declared = kernel.settings.declared.get(key)
            settings = book.effective(declared, chain) if declared else {}
            where = {}
            if said is not None:
                pin = f"{name}:{said.line}" if said.origin is Origin.FILE else "mutation"
                where = {"said_by": names[said.area_id], "from": pin}
            shown.append(
                {
                    "plugin": key,
                    "state": str(said.state if said else PluginState.OFF),
                    **where,
                    **({"until": said.until.isoformat()} if said and said.until else {}),
                    "settings": {k: _origin(e, book, names, name) for k, e in settings.items()},
                }
            )
        if as_json:
            print(json.dumps({"area": area, "plugins": shown}, ensure_ascii=False, indent=2))
            return
        for plugin in shown:
            by = f" ({plugin['said_by']}, {plugin['from']})" if "said_by" in plugin else ""
            until = f" until {plugin['until']}" if "until" in plugin else ""
            out.print(f"[bold]{plugin['plugin']}[/bold] {plugin['state']}{until}{by}", markup=True)
            for key, value in plugin["settings"].items():
                out.print(f"  {key} = {json.dumps(value['value'], ensure_ascii=False)}  # {value['why']}", markup=False)
    finally:
        await running.close()


def _origin(e: Effective, book: SettingsBook, names: dict[Any, str], file: str) -> dict[str, Any]:
    why = "default"
    if e.area_id is not None:
        own = book.own[(e.area_id, e.key.plugin)][e.key.name]
        pin = f"{file}:{own.line}" if own.origin is Origin.FILE else "mutation"
        why = f"{names[e.area_id]}, {pin}"
    if e.asked is not None:
        why += f"; asked for {json.dumps(e.asked, ensure_ascii=False)}, held by a bound"
    for bound in e.bounds:
        document = book.documents.get(bound.document_id) if bound.document_id else None
        cited = f", 《{document[0]}》{bound.article or ''}" if document else ""
        why += (
            f"; {str(bound.move).lower()} {json.dumps(bound.limit, ensure_ascii=False)} ({names[bound.area_id]}{cited})"
        )
    return {"value": e.value, "origin": str(e.origin), "why": why}


async def plugin_list(config: Config, as_json: bool) -> None:
    """Every plugin on this machine, whether the file installs it, how it loads, and where it is on."""
    host = server.load_host(_degraded(config))
    where: dict[str, list[str]] = {}
    path = Path(config.database.removeprefix("sqlite:"))
    if not config.database.startswith("sqlite:") or path.exists():
        database = await Database.connect(config.database, host.apps())
        try:
            store = SettingsStore(host.settings.values())
            book = await store.read(database.fetch, database.dialect.mark, await store.version(database.fetch))
            for (area_id, key), group in book.switches.items():
                where.setdefault(key, []).extend(
                    f"{book.codes.get(area_id)} {s.state}" + (" (file)" if s.origin is Origin.FILE else "")
                    for s in group
                )
        finally:
            await database.close()
    rows: list[dict[str, Any]] = []
    for key, (folder, package) in available().items():
        manifest, _ = read_manifest(folder, package, key)
        status = str(host.health.status(key)) if key in config.plugins else "not installed"
        rows.append(
            {
                "key": key, "version": manifest.version if manifest else "?",
                "title": (manifest.title.get(language(), key) if manifest else key),
                "status": status, "problem": host.health.problem(key), "areas": sorted(where.get(key, [])),
            }
        )  # fmt: skip
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("plugin", "", "version", "status", "areas"):
        table.add_column(heading)
    for row in rows:
        said = ", ".join(row["areas"]) or "-"
        status = str(row["status"]) + (f": {row['problem']}" if row["problem"] else "")
        table.add_row(str(row["key"]), str(row["title"]), str(row["version"]), status, said)
    out.print(table)


# --- editing the file ------------------------------------------------------------------------------------


def edit(path: Path | None, change: Callable[[tomlkit.TOMLDocument, Config], str]) -> str:
    """Change the file, keeping its comments and order. The result is checked before anything is written, and written
    whole: another process never sees half of it."""
    target = path or Path(os.environ.get("GONGZHI_CONFIG", FILE))
    text = target.read_bytes().decode("utf-8-sig") if target.exists() else ""
    config = read_config(target) if target.exists() else read_config()
    document = tomlkit.parse(text)
    done = change(document, config)
    new = tomlkit.dumps(document)
    after = config_from(TomlFile(target, new), os.environ)
    host = Host.load(after.plugins, "strict")
    read_areas(after, host.keys, host.settings, Clock(after.time_zone))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(new)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(name, target.stat().st_mode & 0o777)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return done


def enable(plugin: str, area: str, pilot_until: date | None) -> Callable[[tomlkit.TOMLDocument, Config], str]:
    """An edit that turns a plugin on in an area, and installs it if the file lists its plugins without it."""

    def change(document: tomlkit.TOMLDocument, config: Config) -> str:
        _known(plugin)
        listed: Any = document.get("plugins")
        said = ""
        if listed is not None and plugin not in listed:
            listed.append(plugin)
            said = "; it was added to plugins, which takes effect at the next start"
        section = _section(document, area)
        _unsay(section, plugin)
        if pilot_until is None:
            _append(section, "enable", plugin)
            return f"{plugin} is enabled in {area}{said}"
        pilots = section.get("pilot")
        if pilots is None:
            pilots = tomlkit.inline_table()
            section["pilot"] = pilots
        pilots[plugin] = pilot_until
        return f"{plugin} is a pilot in {area} until {pilot_until}{said}"

    return change


def disable(plugin: str, area: str) -> Callable[[tomlkit.TOMLDocument, Config], str]:
    """An edit that turns a plugin off in an area; its settings stay in the file."""

    def change(document: tomlkit.TOMLDocument, config: Config) -> str:
        _known(plugin)
        section = _section(document, area)
        _unsay(section, plugin)
        _append(section, "disable", plugin)
        return f"{plugin} is disabled in {area}; its data stay"

    return change


def _known(plugin: str) -> None:
    here = available()
    if plugin not in here:
        values = {"plugin_key": plugin, "available": ", ".join(here) or "-", "near": near(plugin, here)}
        raise ConfigurationError(Problem("PLUGIN_NOT_INSTALLED", values))


def _section(document: tomlkit.TOMLDocument, area: str) -> Any:
    areas: Any = document.get("area")
    if areas is None:
        areas = tomlkit.table(is_super_table=True)
        document["area"] = areas
    if area not in areas:
        section: TomlTable = tomlkit.table()
        areas[area] = section
    return areas[area]


def _unsay(section: Any, plugin: str) -> None:
    """Forget what the area says about a plugin, so that it says one thing."""
    for word in ("enable", "disable"):
        names: Any = section.get(word)
        if names is not None and plugin in names:
            names.remove(plugin)
            if not names:
                del section[word]
    pilots = section.get("pilot")
    if pilots is not None and plugin in pilots:
        del pilots[plugin]
        if not pilots:
            del section["pilot"]


def _append(section: Any, word: str, plugin: str) -> None:
    names: Any = section.get(word)
    if names is not None:
        names.append(plugin)
        return
    made: Item = tomlkit.array()
    made.append(plugin)  # type: ignore[attr-defined]
    section[word] = made
