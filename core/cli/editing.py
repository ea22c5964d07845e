"""Editing the file by command: plugin enable, plugin disable. Comments and order stay."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import Item
from tomlkit.items import Table as TomlTable

from core.cli import err, language
from core.cli.configuring import escape, find_problems
from core.clock import Clock
from core.config import FILE, Config, config_from, read_config
from core.errors import ConfigurationError
from core.plugins.manifest import available
from core.problems import Problem, near
from core.settings.file import pilot_end
from core.toml import TomlFile

Edit = Callable[[tomlkit.TOMLDocument, Config], str]


async def edit(path: Path | None, area: str, change: Edit) -> str:
    """Change what the file says of an area, keeping its comments and order. The result is checked as `gongzhi check`
    does before anything is written, and written whole: another process never sees half of it."""
    target = path or Path(os.environ.get("GONGZHI_CONFIG", FILE))
    text = target.read_bytes().decode("utf-8-sig") if target.exists() else ""
    config = read_config(target) if target.exists() else read_config()
    document = tomlkit.parse(text)
    done = change(document, config)
    new = keep_comments(text, tomlkit.dumps(document))
    problems, notices = await find_problems(replace(config_from(TomlFile(target, new), os.environ), path=target))
    unread = [p for p in problems if p.code in ("DATABASE_UNREACHABLE", "NOT_A_DATABASE")]
    if len(problems) > len(unread):
        raise ConfigurationError(*(p for p in problems if p not in unread))
    if unread or any(n.code in ("AREAS_NOT_YET", "DATABASE_EMPTY") for n in notices):
        unread.append(Problem("AREAS_NOT_CHECKED", {"area": area}))
    for notice in [*unread, *(n for n in notices if n.code not in ("AREAS_NOT_YET", "DATABASE_EMPTY"))]:
        err.print(f"[yellow]![/yellow] {escape(notice.text(language()))}")
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


def enable(plugin: str, area: str, pilot_until: date | None) -> Edit:
    """An edit that turns a plugin on in an area, and installs it if the file lists its plugins without it."""

    def change(document: tomlkit.TOMLDocument, config: Config) -> str:
        _known(plugin)
        if pilot_until is not None:
            _is_to_come(pilot_until, Clock(config.time_zone))
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


def disable(plugin: str, area: str) -> Edit:
    """An edit that turns a plugin off in an area; its settings stay in the file."""

    def change(document: tomlkit.TOMLDocument, config: Config) -> str:
        _known(plugin)
        section = _section(document, area)
        _unsay(section, plugin)
        _append(section, "disable", plugin)
        return f"{plugin} is disabled in {area}; its data stay"

    return change


_STRING_OR_COMMENT = re.compile(r'''"""(?:\\.|.)*?"""|\'{3}.*?\'{3}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|(#[^\r\n]*)''', re.S)


def comments(text: str) -> list[tuple[int, str]]:
    """Every comment of a TOML text with its line, counted from 0."""
    found = ((text.count("\n", 0, m.start()), m[1]) for m in _STRING_OR_COMMENT.finditer(text))
    return [(line, comment) for line, comment in found if comment]


def keep_comments(old: str, new: str) -> str:
    """`new`, with the comments of `old` that went with their lines on lines of their own, where they stood."""
    lost = Counter(c for _, c in comments(old)) - Counter(c for _, c in comments(new))
    before, after = (re.split(r"(?<=\n)", text) for text in (old, new))
    made: list[str] = []
    for tag, start, end, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        for number, comment in comments(old) if tag != "equal" else ():
            if start <= number < end and lost[comment]:
                lost[comment] -= 1
                line = before[number]
                made.append(line[: len(line) - len(line.lstrip())] + comment + line[len(line.rstrip("\r\n")) :])
        made += after[first:last]
    return "".join(made)


def _known(plugin: str) -> None:
    here = available()
    if plugin not in here:
        values = {"plugin_key": plugin, "available": ", ".join(here) or "-", "near": near(plugin, here)}
        raise ConfigurationError(Problem("PLUGIN_NOT_INSTALLED", values))


def _is_to_come(last_day: date, clock: Clock) -> None:
    end = pilot_end(clock, last_day)
    if end is None or end <= clock.now():
        raise ConfigurationError(Problem("PILOT_OVER", {"day": last_day, "today": clock.today()}))


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
