"""Toggles and settings as stored: loading a version, following the newest, and keeping where a plugin reaches."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from core.enums import Move, Origin, PluginState, Toggle
from core.settings.declare import Declared, Settings
from core.settings.tree import Own, SettingsBook, Switch

log = structlog.get_logger("gongzhi.settings")

VERSION = "SELECT version FROM core_governance WHERE id = 1"
KEPT = 16
Fetch = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]


class SettingsStore:
    """The settings of this process's plugins. Books are immutable, so a version is read once and shared."""

    def __init__(self, declared: Iterable[Declared] = (), needs: Mapping[str, Sequence[str]] | None = None) -> None:
        self.declared = {d.plugin: d for d in declared}
        self.by_model: dict[type[Settings], Declared] = {d.model: d for d in self.declared.values()}
        self.needs = needs or {}
        self._books: OrderedDict[int, SettingsBook] = OrderedDict()
        self.current = SettingsBook()

    async def version(self, fetch: Fetch) -> int:
        return int((await fetch(VERSION))[0]["version"])

    async def book(
        self, fetch: Fetch, mark: Callable[[int], str], version: int, *, remember: bool = True
    ) -> SettingsBook:
        """What was set as of `version`, read once. Not remembered while it is being changed: that may come to nothing."""
        book = self._books.get(version)
        if book is None:
            book = await self.read(fetch, mark, version)
            if remember:
                self._remember(book)
        return book

    async def read(self, fetch: Fetch, mark: Callable[[int], str], version: int) -> SettingsBook:
        """Read a version from the tables, past any cache (a rule in the middle of a change does)."""
        toggles = await fetch(
            f"SELECT area_id, plugin, state, until, origin, line, version FROM core_area_plugin"
            f" WHERE state <> '{Toggle.INHERIT}'"
        )
        rows = await fetch(
            "SELECT area_id, plugin, key, value, lock, origin, document_id, article, line FROM core_setting"
            f" WHERE since_version <= {mark(1)} AND (until_version IS NULL OR until_version > {mark(1)})",
            version,
        )
        own = [o for o in (self._own(r) for r in rows) if o is not None]
        areas = await fetch(
            "SELECT id, code, parent_id FROM core_area WHERE parent_id IS NULL"
            " OR id IN (SELECT area_id FROM core_area_plugin)"
        )
        documents = await fetch(
            "SELECT id, title, edition FROM core_rule_document WHERE id IN (SELECT document_id FROM core_setting)"
        )
        return replace(
            SettingsBook.of(version, [_switch(r) for r in toggles], own),
            codes={as_uuid(a["id"]): a["code"] for a in areas},
            roots=tuple(as_uuid(a["id"]) for a in areas if a["parent_id"] is None),
            documents={as_uuid(d["id"]): (d["title"], d["edition"]) for d in documents},
            needs=self.needs,
        )

    def keep(self, book: SettingsBook) -> None:
        """Remember a committed version."""
        self._remember(book)
        if book.version >= self.current.version:
            self.current = book

    def _remember(self, book: SettingsBook) -> None:
        self._books[book.version] = book
        self._books.move_to_end(book.version)
        while len(self._books) > KEPT:
            self._books.popitem(last=False)

    def _own(self, row: Mapping[str, Any]) -> Own | None:
        declared = self.declared.get(row["plugin"])
        key = declared.keys.get(row["key"]) if declared else None
        if key is None:
            return None
        value = None
        if row["value"] is not None:
            try:
                value = key.parse(json.loads(row["value"]))
            except ValueError:
                log.warning("stored setting is not allowed any more", plugin=row["plugin"], key=row["key"])
                return None
        return Own(
            as_uuid(row["area_id"]), row["plugin"], row["key"], value,
            Move(row["lock"]) if row["lock"] else None, Origin(row["origin"]),
            as_uuid(row["document_id"]) if row["document_id"] else None, row["article"], row["line"],
        )  # fmt: skip


def _switch(row: Mapping[str, Any]) -> Switch:
    return Switch(
        as_uuid(row["area_id"]), row["plugin"], PluginState(row["state"]), as_instant(row["until"]),
        Origin(row["origin"]), row["line"],
    )  # fmt: skip


def as_uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def as_instant(value: Any) -> datetime | None:
    return value if value is None or isinstance(value, datetime) else datetime.fromisoformat(value)


def as_day(value: Any) -> date | None:
    return value if value is None or isinstance(value, date) else date.fromisoformat(value)


Statement = tuple[str, tuple[Any, ...]]


def reach(needs: Mapping[str, Sequence[str]], now: datetime, area_id: UUID | None = None) -> list[Statement]:
    """Statements (`{}` for each parameter) that make `core_plugin_area` say again where the loaded plugins are on, at
    and below an area, or everywhere: `SettingsBook.standing` in SQL.

    The nearest area upwards that says anything decides; at one area the file goes before a mutation. An expired pilot
    says nothing. Then whoever lacks a need goes, and nobody outlasts what they need; `needs` lists needs first.
    """
    below, at = "SELECT id FROM core_area", tuple[Any, ...]()
    if area_id is not None:
        below = "SELECT d.descendant_id FROM core_area_closure d WHERE d.until IS NULL AND d.ancestor_id = {}"
        at = (area_id,)
    loaded = ", ".join(f"'{plugin}'" for plugin in needs) or "NULL"
    nearest = f"""SELECT c.descendant_id, s.plugin, s.state, s.until, row_number() OVER (
            PARTITION BY c.descendant_id, s.plugin ORDER BY c.depth, CASE s.origin WHEN 'FILE' THEN 0 ELSE 1 END) AS n
        FROM core_area_closure c JOIN core_area_plugin s ON s.area_id = c.ancestor_id
        WHERE c.until IS NULL AND s.plugin IN ({loaded}) AND s.state <> 'INHERIT'
          AND (s.until IS NULL OR s.until > {{}}) AND c.descendant_id IN ({below})"""
    found: list[Statement] = [
        (f"DELETE FROM core_plugin_area WHERE area_id IN ({below})", at),
        (
            "INSERT INTO core_plugin_area (id, plugin, area_id, until)"
            " SELECT x.plugin || ':' || CAST(x.descendant_id AS text), x.plugin, x.descendant_id, x.until"
            f" FROM ({nearest}) x WHERE x.n = 1 AND x.state <> 'OFF'",
            (now, *at),
        ),
    ]
    for plugin, needed in needs.items():
        for need in needed:
            where = f"WHERE plugin = '{plugin}' AND area_id IN ({below})"
            there = f"FROM core_plugin_area n WHERE n.plugin = '{need}' AND n.area_id = core_plugin_area.area_id"
            sooner = "n.until IS NOT NULL AND (core_plugin_area.until IS NULL OR n.until < core_plugin_area.until)"
            found += [
                (f"DELETE FROM core_plugin_area {where} AND NOT EXISTS (SELECT 1 {there})", at),
                (
                    f"UPDATE core_plugin_area SET until = (SELECT n.until {there}) {where}"
                    f" AND EXISTS (SELECT 1 {there} AND {sooner})",
                    at,
                ),
            ]
    return found
