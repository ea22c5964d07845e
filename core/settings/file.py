"""The area sections of `gongzhi.toml`: what the file pins, checked before any of it takes effect.

[area.haicang]
enable = ["adoption", "points"]
pilot.disclosure = 2027-03-31
adoption.notice_days = { value = 7, lock = "min", document = "认领管理办法", article = "第三条" }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.clock import Clock
from core.enums import Move, Origin, PluginState, Toggle
from core.problems import Problem, near
from core.settings.declare import Declared
from core.settings.tree import Own, SettingsBook, Switch
from core.toml import TomlFile

TOGGLES = {"enable": Toggle.ON, "disable": Toggle.OFF}
_PARTS = ("value", "lock", "document", "article")


@dataclass(frozen=True)
class FileToggle:
    area: str
    plugin: str
    state: Toggle
    until: datetime | None
    line: int | None


@dataclass(frozen=True)
class FileSetting:
    area: str
    plugin: str
    key: str
    value: Any
    lock: Move | None
    document: str | None
    article: str | None
    line: int | None


@dataclass
class FileRows:
    """Everything the file pins."""

    file: str = ""
    toggles: list[FileToggle] = field(default_factory=list)
    settings: list[FileSetting] = field(default_factory=list)
    sections: dict[str, int | None] = field(default_factory=dict)  # area code → line of its section

    def __bool__(self) -> bool:
        return bool(self.sections)


class AreaReader:
    """Reads the `[area.*]` sections against the plugins that are loaded."""

    def __init__(self, file: TomlFile, declared: Mapping[str, Declared], plugins: Sequence[str], clock: Clock) -> None:
        self.file = file
        self.declared = declared
        self.plugins = list(plugins)
        self.clock = clock
        self.problems: list[Problem] = []
        self.rows = FileRows(str(file.path))

    def read(self) -> FileRows:
        sections = self.file.data.get("area", {})
        if not isinstance(sections, dict):
            self._problem("WRONG_TYPE", "area", key="area", expected="[area.CODE]", found=_shown(sections))
            return self.rows
        for code, section in sections.items():
            at = ("area", code)
            self.rows.sections[code] = self.file.line(*at)
            if not isinstance(section, dict):
                self._problem("WRONG_TYPE", *at, key=f"area.{code}", expected=f"[area.{code}]", found=_shown(section))
                continue
            self._toggles(code, section)
            for key, value in section.items():
                if key in TOGGLES or key == "pilot":
                    continue
                if not isinstance(value, dict):
                    known = [*TOGGLES, "pilot", *self.plugins]
                    self._unknown((*at, key), f"area.{code}.{key}", key, known)
                elif self._is_loaded(key, (*at, key)):
                    for name, given in value.items():
                        self._setting(code, key, name, given)
        return self.rows

    def _problem(self, code: str, *at: str, **values: Any) -> None:
        self.problems.append(self.file.problem(code, *at, **values))

    def _unknown(self, at: tuple[str, ...], shown: str, given: str, known: Sequence[str]) -> None:
        self._problem("UNKNOWN_KEY", *at, key=shown, known=", ".join(known), near=near(given, known))

    def _is_loaded(self, plugin: str, at: tuple[str, ...]) -> bool:
        if plugin in self.plugins:
            return True
        listed = ", ".join(self.plugins) or "[]"
        self._problem("PLUGIN_NOT_LISTED", *at, plugin_key=plugin, listed=listed, near=near(plugin, self.plugins))
        return False

    def _toggles(self, code: str, section: dict[str, Any]) -> None:
        said: dict[str, str] = {}
        wishes: list[tuple[str, str, Toggle, datetime | None]] = []
        for word, state in TOGGLES.items():
            names = section.get(word, [])
            if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
                expected = f'{word} = ["adoption"]'
                self._problem("WRONG_TYPE", "area", code, word, key=word, expected=expected, found=_shown(names))
                continue
            wishes += [(word, name, state, None) for name in names]
        pilots = section.get("pilot", {})
        if not isinstance(pilots, dict):
            expected = "pilot.adoption = 2027-03-31"
            self._problem("WRONG_TYPE", "area", code, "pilot", key="pilot", expected=expected, found=_shown(pilots))
            pilots = {}
        for name, day in pilots.items():
            if isinstance(day, datetime) or not isinstance(day, date):
                self._problem("PILOT_DATE", "area", code, "pilot", name, plugin_key=name, found=_shown(day))
                continue
            wishes.append(("pilot", name, Toggle.PILOT, self.clock.end_of(day)))
        for word, name, state, until in wishes:
            at = ("area", code, word, name)
            if not self._is_loaded(name, at):
                continue
            if name in said:
                self._problem("TOGGLED_TWICE", *at, plugin_key=name, area=code, first=said[name], second=word)
                continue
            said[name] = word
            self.rows.toggles.append(FileToggle(code, name, state, until, self.file.line(*at)))

    def _setting(self, code: str, plugin: str, name: str, given: Any) -> None:
        at = ("area", code, plugin, name)
        keys = self.declared[plugin].keys if plugin in self.declared else {}
        if name not in keys:
            known = list(keys)
            values = {"key": f"{plugin}.{name}", "known": ", ".join(known) or "-", "near": near(name, known)}
            self._problem("UNKNOWN_SETTING", *at, **values)
            return
        key, shown = keys[name], f"{plugin}.{name}"
        parts = given if isinstance(given, dict) else {"value": given}
        for part in parts:
            if part not in _PARTS:
                self._unknown(at, f"{shown}.{part}", part, _PARTS)
        value = lock = None
        if "value" in parts:
            try:
                value = key.parse(parts["value"])
            except (ValueError, TypeError):
                self._problem("BAD_SETTING", *at, key=shown, allowed=key.allowed, found=_shown(parts["value"]))
        if "lock" in parts:
            fitting = {str(m).lower(): m for m in key.moves}
            lock = fitting.get(parts["lock"]) if isinstance(parts["lock"], str) else None
            if lock is None:
                names, found = ", ".join(fitting), _shown(parts["lock"])
                self._problem("BAD_LOCK", *at, key=shown, allowed=names, found=found, near=near(parts["lock"], fitting))
        if "value" not in parts and "lock" not in parts:
            self._problem("SETTING_SAYS_NOTHING", *at, key=shown)
        for part in ("document", "article"):
            if not isinstance(parts.get(part, ""), str):
                found = _shown(parts[part])
                self._problem("WRONG_TYPE", *at, key=f"{shown}.{part}", expected=f'{part} = "…"', found=found)
                return
        self.rows.settings.append(
            FileSetting(
                code, plugin, name, value, lock, parts.get("document"), parts.get("article"), self.file.line(*at)
            )
        )


def _shown(value: Any) -> str:
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


@dataclass(frozen=True)
class TreeFacts:
    """What the database knows that the file speaks of."""

    areas: Mapping[str, UUID]  # every code
    chains: Mapping[UUID, tuple[UUID, ...]]  # of every area that says something: from the root down to itself
    documents: Mapping[tuple[UUID, str], UUID]  # (area, title) in force
    by_mutation: SettingsBook  # what mutations have set
    needs: Mapping[str, tuple[str, ...]]
    now: datetime


def switches_and_own(rows: FileRows, facts: TreeFacts) -> tuple[list[Switch], list[Own]]:
    """The file's rows with areas and documents by id."""
    switches = [
        Switch(facts.areas[t.area], t.plugin, PluginState(str(t.state)), t.until, Origin.FILE, t.line)
        for t in rows.toggles
    ]
    own = [
        Own(
            facts.areas[s.area], s.plugin, s.key, s.value, s.lock, Origin.FILE,
            document_of(facts, facts.areas[s.area], s.document), s.article, s.line,
        )
        for s in rows.settings
    ]  # fmt: skip
    return switches, own


def document_of(facts: TreeFacts, area_id: UUID, title: str | None) -> UUID | None:
    """The document of this title in force in the area or the nearest one above it."""
    if title is None:
        return None
    for above in reversed(facts.chains[area_id]):
        if (above, title) in facts.documents:
            return facts.documents[(above, title)]
    return None


def check_against_tree(
    rows: FileRows, file: TomlFile, declared: Mapping[str, Declared], facts: TreeFacts
) -> list[Problem]:
    """What is wrong with the file given the areas there are: unknown areas, loosened bounds, needs that are off."""
    problems = [
        file.problem("UNKNOWN_AREA", "area", code, area=code, near=near(code, facts.areas))
        for code in rows.sections
        if code not in facts.areas
    ]
    if problems:
        return problems
    for s in rows.settings:
        if s.document is not None and document_of(facts, facts.areas[s.area], s.document) is None:
            at = ("area", s.area, s.plugin, s.key)
            problems.append(file.problem("UNKNOWN_DOCUMENT", *at, document=s.document, area=s.area))
    switches, own = switches_and_own(rows, facts)
    mutated = facts.by_mutation
    book = SettingsBook.of(
        0,
        [*(s for group in mutated.switches.values() for s in group), *switches],
        [*mutated.rows, *own],
    )
    codes = {id: code for code, id in facts.areas.items()}
    for s in rows.settings:
        if s.value is None:
            continue
        chain = facts.chains[facts.areas[s.area]]
        above = book.effective(declared[s.plugin], chain[:-1])[s.key]
        bound = above.refused_by(s.value)
        if bound is not None:
            at = ("area", s.area, s.plugin, s.key)
            problems.append(
                file.problem(
                    "SETTING_TOO_LOOSE", *at, key=f"{s.plugin}.{s.key}", value=_shown(s.value),
                    how=lambda language, m=bound.move: m.zh if language == "zh-CN" else str(m).lower(),
                    limit=_shown(bound.limit), area=codes[bound.area_id],
                )
            )  # fmt: skip
    for t in rows.toggles:
        chain = facts.chains[facts.areas[t.area]]
        for need in facts.needs.get(t.plugin, ()):
            if book.is_on(t.plugin, chain, facts.now) and not book.is_on(need, chain, facts.now):
                problems.append(
                    file.problem(
                        "NEED_IS_OFF", "area", t.area, plugin=t.plugin, plugin_key=t.plugin, need=need, area=t.area
                    )
                )
    return problems
