"""The file, and what it makes of an area: check, apply, config show, plugin list."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import typer
from rich.table import Table
from tortoise.exceptions import DBConnectionError

import server
from core.cli import err, language, out
from core.clock import Clock
from core.config import ENVIRONMENT, FILE, Config, look_over
from core.database import Database
from core.enums import Origin
from core.errors import ConfigurationError
from core.models import Area
from core.plugins.host import Host
from core.plugins.manifest import available, read_manifest
from core.problems import Problem, near
from core.runtime import Runtime
from core.settings import Effective, SettingsBook
from core.settings.cuts import SECTION
from core.settings.store import as_uuid
from core.settings.take_up import TakeUp, look_over_areas
from core.sign_in.providers import providers_of, without_secret
from core.synchronize import existing_tables, orphaned_tables, zone_fits
from core.trusted import TrustedDocuments
from core.work import Work


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


@contextlib.asynccontextmanager
async def reading(config: Config, host: Host) -> AsyncIterator[Runtime | None]:
    """The database as it is; None where there is none yet. Nothing is made, migrated or applied."""
    path = Path(config.database.removeprefix("sqlite:"))
    if config.database.startswith("sqlite:") and (not path.exists() or (path.is_file() and not path.stat().st_size)):
        yield None
        return
    database = await Database.connect(config.database, host.apps())
    try:
        has_table = "core_governance" in await existing_tables(database)
        is_migrated = has_table and await database.read("SELECT 1 FROM core_governance")
        yield server.runtime_of(host, database, Clock(config.time_zone)) if is_migrated else None
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def opened(config: Config, host: Host) -> AsyncIterator[Runtime]:
    """The same; raises ConfigurationError, which names it, where there is none yet."""
    async with reading(config, host) as runtime:
        if runtime is None:
            raise ConfigurationError(empty(config))
        yield runtime


async def check(path: Path | None, as_json: bool) -> None:
    """Everything that is wrong, at once: the file, the plugins, and the areas if the database can be asked."""
    try:
        config, problems = look_over(path)
    except ConfigurationError as error:
        tell(_as_problems(error), [], as_json)
        return
    tell(*await find_problems(config, problems), as_json)


async def find_problems(config: Config, known: Sequence[Problem] = ()) -> tuple[list[Problem], list[Problem]]:
    """Problems and notices of a configuration; nothing is changed anywhere, not even a database made. `known` is what
    is wrong with the deployment's keys: what follows only from that is not told beside it."""
    problems, notices = await _find_problems(config, about={str(w) for p in known for w in _names(p)})
    if any(p.values.get("key") == "area" for p in known):
        problems = [p for p in problems if p.values.get("key") != "area"]
    if any(p.values.get("key") == "plugins" or "plugin_key" in p.values for p in known):
        problems = [p for p in problems if p.code not in ("PLUGIN_NOT_LISTED", "PLUGIN_NOT_LOADED")]
    problems = [*known, *problems]
    if config.file is not None:
        ours = str(config.file.path)
        problems.sort(key=lambda p: (p.file != ours, p.line or 0))
    return problems, notices


def _names(problem: Problem) -> tuple[Any, Any]:
    """The key that a problem is about, and the one that was probably meant."""
    return problem.values.get("key"), problem.values.get("near")


async def _find_problems(config: Config, about: set[str]) -> tuple[list[Problem], list[Problem]]:
    host = server.load_host(degraded(config))
    problems = [*host.problems, *host.without_message()]
    notices = without_secret(config, os.environ)
    wrong: list[Problem] = []
    looks: tuple[Callable[[], Any], ...] = (
        lambda: TrustedDocuments.of(config),
        lambda: providers_of(config, host.ports, Clock(config.time_zone), os.environ),
    )
    for look in looks:
        try:
            look()
        except ConfigurationError as error:
            problems += _as_problems(error)
    try:
        rows, wrong = look_over_areas(config, host.keys, host.settings, Clock(config.time_zone))
        if about & {"database", ENVIRONMENT["database"]}:
            return [*problems, *wrong], [*notices, *(Problem("AREAS_NOT_CHECKED", {"area": c}) for c in rows.sections)]
        async with reading(config, host) as runtime:
            if runtime is None:
                waiting = config.file.problem("AREAS_NOT_YET", "area") if rows and config.file else None
                return [*problems, *wrong], [*notices, waiting or empty(config)]
            try:
                await zone_fits(runtime.database, config)
            except ConfigurationError as error:
                problems += _as_problems(error)
            take_up = TakeUp(config, runtime, os.environ)
            await take_up.check(config)
            notices += [*take_up.notices, *await orphaned_tables(runtime.database, host)]
    except ConfigurationError as error:
        problems += _as_problems(error)
    except (OSError, DBConnectionError, asyncpg.PostgresError) as error:
        problems += [*wrong, Problem("DATABASE_UNREACHABLE", {"error": str(error)})]
    return problems, notices


def empty(config: Config) -> Problem:
    return Problem("DATABASE_EMPTY", {"database": config.database_shown})


def degraded(config: Config) -> Config:
    return replace(config, plugin_errors="degrade")


def _as_problems(error: ConfigurationError) -> list[Problem]:
    return [p if isinstance(p, Problem) else Problem("BAD_DECLARATION", {"what": p}) for p in error.problems]


async def move_zone(config: Config, agreed: Callable[[str, str], Any]) -> None:
    """Have the database count its days in the file's time zone from now on, once `agreed` lets it (from, to); the log says
    so. What was fixed as an instant stays; what is counted from days is counted anew."""
    async with opened(config, server.load_host(config)) as runtime:
        kept = (await runtime.database.read("SELECT time_zone FROM core_governance"))[0][0]
        if kept in (None, config.time_zone):
            out.print(f"this database counts its days in {config.time_zone}; nothing to change")
            return
        agreed(kept, config.time_zone)

        async def rule(work: Work) -> dict[str, Any]:
            await work.rows("UPDATE core_governance SET time_zone = {}, version = version + 1", config.time_zone)
            for root in (await work.select(Area, parent_id=None))[:1]:
                moved = {"from": kept, "to": config.time_zone}
                work.record("core.time_zone.moved", root, area_id=root.id, data=moved)
            return {}

        await runtime.as_system(rule)
        out.print(f"this database counts its days in {config.time_zone} from now on, and no longer in {kept}")


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


async def chain_of(runtime: Runtime, area: str) -> list[UUID]:
    """An area and those above it, from the root down; raises ConfigurationError for a code that no area has."""
    database = runtime.database
    codes = {r[1]: as_uuid(r[0]) for r in await database.read("SELECT id, code FROM core_area")}
    if area not in codes:
        raise ConfigurationError(Problem("UNKNOWN_AREA", {"area": area, "near": near(area, codes)}))
    rows = await database.read(
        "SELECT ancestor_id FROM core_area_closure WHERE until IS NULL AND descendant_id ="
        f" {database.dialect.mark(1)} ORDER BY depth DESC",
        [codes[area]],
    )
    return [as_uuid(r[0]) for r in rows]


async def show(config: Config, area: str, as_json: bool) -> None:
    """Every plugin and setting as it holds in an area once the file is applied, and where each value comes from; what
    holds now, if the file is wrong. Nothing is changed. Exits 2 if the file is wrong."""
    host = server.load_host(degraded(config))
    async with opened(config, host) as runtime:
        kernel, database = runtime.kernel, runtime.database
        problems = list(host.problems)
        try:
            book, is_applied = await TakeUp(config, runtime, os.environ).preview(config)
        except ConfigurationError as error:
            problems += _as_problems(error)
            version = await kernel.settings.version(database.fetch)
            book, is_applied = await kernel.settings.read(database.fetch, database.dialect.mark, version), True
        chain, now = await chain_of(runtime, area), kernel.clock.now()
        speech = language()
        for problem in problems:
            err.print(f"[red]✗[/red] {escape(problem.text(speech))}")
        if not is_applied:
            notice = Problem("FILE_NOT_APPLIED", {}, str(config.file.path) if config.file else FILE)
            err.print(f"[yellow]![/yellow] {escape(notice.text(speech))}")
        name = config.file.path.name if config.file else FILE
        names = {as_uuid(r[0]): r[1] for r in await database.read("SELECT id, code FROM core_area")}
        cuts = book.effective(kernel.settings.declared[SECTION], chain)
        cut = {k: _origin(e, book, names, name) for k, e in cuts.items() if e.area_id is not None}
        shown: list[dict[str, Any]] = []
        for key in kernel.manifests:
            standing = book.standing(key, chain, now)
            said = standing.said
            declared = kernel.settings.declared.get(key)
            settings = book.effective(declared, chain) if declared else {}
            where = {}
            if said is not None:
                pin = f"{name}:{said.line}" if said.origin is Origin.FILE else "mutation"
                where = {"said_by": names[said.area_id], "from": pin}
            shown.append(
                {
                    "plugin": key,
                    "state": str(standing.state),
                    **where,
                    **({"until": standing.until.isoformat()} if standing.until else {}),
                    **({"missing_need": standing.missing} if standing.missing else {}),
                    "settings": {k: _origin(e, book, names, name) for k, e in settings.items()},
                }
            )
        if as_json:
            found = {"area": area, "applied": is_applied, "problems": [p.as_json(speech) for p in problems]}
            print(json.dumps({**found, "plugins": shown, SECTION: cut}, ensure_ascii=False, indent=2))
        else:
            for plugin in shown:
                _show(plugin)
            if cut:
                out.print(f"[bold]{SECTION}[/bold]")
            _show_values(cut)
        if problems:
            raise typer.Exit(2)


def _show(plugin: dict[str, Any]) -> None:
    by = f" ({plugin['said_by']}, {plugin['from']})" if "said_by" in plugin else ""
    until = f" until {plugin['until']}" if "until" in plugin else ""
    lacks = f", because {plugin['missing_need']} is off here" if "missing_need" in plugin else ""
    out.print(f"[bold]{plugin['plugin']}[/bold] {plugin['state']}{until}{by}{lacks}", markup=True)
    _show_values(plugin["settings"])


def _show_values(values: dict[str, Any]) -> None:
    for key, value in values.items():
        out.print(f"  {key} = {json.dumps(value['value'], ensure_ascii=False)}  # {value['why']}", markup=False)


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
    host = server.load_host(degraded(config))
    where: dict[str, list[str]] = {}
    async with reading(config, host) as runtime:
        if runtime is None:
            err.print(f"[yellow]![/yellow] {escape(empty(config).text(language()))}")
        else:
            store, database = runtime.kernel.settings, runtime.database
            book = await store.read(database.fetch, database.dialect.mark, await store.version(database.fetch))
            for word in book.words:
                by = " (file)" if word.origin is Origin.FILE else ""
                where.setdefault(word.plugin, []).append(f"{book.codes.get(word.area_id)} {word.state}{by}")
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
