"""The area sections of `gongzhi.toml`: what the file pins, checked before any of it takes effect.

[area.haicang]
enable = ["adoption", "points"]
pilot.disclosure = 2027-03-31
adoption.notice_days = { value = 7, lock = "min", document = "认领管理办法", article = "第三条" }
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.clock import Clock
from core.enums import DocumentState, Move, Origin, PluginState, Toggle
from core.errors import Refusal
from core.problems import Problem, near
from core.rules.inputs import optional_text
from core.settings.cuts import SECTION
from core.settings.declare import Declared
from core.settings.tree import Own, SettingsBook, Switch
from core.toml import TomlFile, shown

TOGGLES = {"enable": Toggle.ON, "disable": Toggle.OFF}
_PARTS = ("value", "lock", "document", "article")
ARTICLE_LENGTH = 100


def pilot_end(clock: Clock, last_day: date) -> datetime | None:
    """The instant at which a pilot is over; None for a day that is beyond the calendar."""
    try:
        return clock.end_of(last_day)
    except OverflowError:
        return None


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
    unread: bool = False  # some word about what is on where could not be read: the needs are not known

    def __bool__(self) -> bool:
        return bool(self.sections)

    def within(self, areas: Collection[str]) -> FileRows:
        """What is said of these areas alone."""
        return FileRows(
            self.file,
            [t for t in self.toggles if t.area in areas],
            [s for s in self.settings if s.area in areas],
            {code: line for code, line in self.sections.items() if code in areas},
            self.unread or any(code not in areas for code in self.sections),
        )


class AreaReader:
    """Reads the `[area.*]` sections against the plugins that are loaded."""

    def __init__(
        self,
        file: TomlFile,
        declared: Mapping[str, Declared],
        plugins: Sequence[str],
        listed: Sequence[str],
        clock: Clock,
    ) -> None:
        """`listed`: what the file has in `plugins = […]`, of which some may not be loaded."""
        self.file = file
        self.declared = declared
        self.plugins = list(plugins)
        self.listed = list(listed)
        self.clock = clock
        self.problems: list[Problem] = []
        self.rows = FileRows(str(file.path))

    def read(self) -> FileRows:
        sections = self.file.data.get("area", {})
        if not isinstance(sections, dict):
            self._problem("WRONG_TYPE", "area", key="area", expected="[area.CODE]", found=shown(sections))
            return self.rows
        for code, section in sections.items():
            at = ("area", code)
            self.rows.sections[code] = self.file.line(*at)
            if not isinstance(section, dict):
                self._problem("WRONG_TYPE", *at, key=f"area.{code}", expected=f"[area.{code}]", found=shown(section))
                self.rows.unread = True
                continue
            before = len(self.problems)
            self._toggles(code, section)
            self.rows.unread |= len(self.problems) > before
            for key, value in section.items():
                if key in TOGGLES or key == "pilot":
                    continue
                if not isinstance(value, dict):
                    known = [*TOGGLES, "pilot", SECTION, *self.plugins]
                    self.rows.unread = True
                    self._unknown((*at, key), f"area.{code}.{key}", key, known)
                elif key in ("core", SECTION) or self._is_loaded(key, (*at, key)):
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
        if plugin in self.listed:
            self._problem("PLUGIN_NOT_LOADED", *at, plugin_key=plugin)
            return False
        listed = ", ".join(self.listed) or "[]"
        self._problem("PLUGIN_NOT_LISTED", *at, plugin_key=plugin, listed=listed, near=near(plugin, self.listed))
        return False

    def _toggles(self, code: str, section: dict[str, Any]) -> None:
        said: dict[str, str] = {}
        wishes: list[tuple[str, str, Toggle, datetime | None]] = []
        for word, state in TOGGLES.items():
            names = section.get(word, [])
            if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
                expected = f'{word} = ["adoption"]'
                self._problem("WRONG_TYPE", "area", code, word, key=word, expected=expected, found=shown(names))
                continue
            wishes += [(word, name, state, None) for name in names]
        pilots = section.get("pilot", {})
        if not isinstance(pilots, dict):
            expected = "pilot.adoption = 2027-03-31"
            self._problem("WRONG_TYPE", "area", code, "pilot", key="pilot", expected=expected, found=shown(pilots))
            pilots = {}
        for name, day in pilots.items():
            end = pilot_end(self.clock, day) if isinstance(day, date) and not isinstance(day, datetime) else None
            if end is None:
                self._problem("PILOT_DATE", "area", code, "pilot", name, plugin_key=name, found=shown(day))
                continue
            wishes.append(("pilot", name, Toggle.PILOT, end))
        for word, name, state, until in wishes:
            at = ("area", code, word, name)
            if not self._is_loaded(name, at):
                continue
            if said.get(name) == word:
                self._problem("PLUGIN_TWICE", *at, plugin_key=name)
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
        key, shown_key = keys[name], f"{plugin}.{name}"
        parts = given if isinstance(given, dict) else {"value": given}
        for part in parts:
            if part not in _PARTS:
                self._unknown(at, f"{shown_key}.{part}", part, _PARTS)
        value = lock = None
        if "value" in parts:
            try:
                value = key.parse(parts["value"])
            except (ValueError, TypeError):
                self._problem("BAD_SETTING", *at, key=shown_key, allowed=key.allowed, found=shown(parts["value"]))
        if "lock" in parts:
            fitting = {str(m).lower(): m for m in key.moves}
            lock = fitting.get(parts["lock"]) if isinstance(parts["lock"], str) else None
            if lock is None:
                names, found = ", ".join(fitting), shown(parts["lock"])
                self._problem(
                    "BAD_LOCK", *at, key=shown_key, allowed=names, found=found, near=near(parts["lock"], fitting)
                )
        if "value" not in parts and "lock" not in parts:
            self._problem("SETTING_SAYS_NOTHING", *at, key=shown_key)
        for part in ("document", "article"):
            if not isinstance(parts.get(part, ""), str):
                found = shown(parts[part])
                self._problem("WRONG_TYPE", *at, key=f"{shown_key}.{part}", expected=f'{part} = "…"', found=found)
                return
        try:
            article = optional_text(parts.get("article"), limit=ARTICLE_LENGTH)
        except Refusal:
            found = shown(parts["article"])
            self._problem("BAD_ARTICLE", *at, key=f"{shown_key}.article", limit=ARTICLE_LENGTH, found=found)
            return
        self.rows.settings.append(
            FileSetting(code, plugin, name, value, lock, parts.get("document"), article, self.file.line(*at))
        )


@dataclass(frozen=True)
class Cited:
    """A rule document as a setting cites it today."""

    id: UUID
    state: DocumentState
    since: date
    until: date | None
    is_in_force: bool

    @classmethod
    def of(cls, id: UUID, state: DocumentState, since: date, until: date | None, today: date) -> Cited:
        in_time = since <= today and (until is None or today <= until)
        return cls(id, state, since, until, state is DocumentState.IN_FORCE and in_time)

    def why(self, language: str) -> str:
        """Why it is not in force."""
        if self.state is not DocumentState.IN_FORCE:
            return self.state.zh if language == "zh-CN" else str(self.state).lower()
        period = f"{self.since} – {self.until or '…'}"
        return f"有效期 {period}" if language == "zh-CN" else f"it is in force {period}"


@dataclass(frozen=True)
class TreeFacts:
    """What the database knows that the file speaks of."""

    areas: Mapping[str, UUID]  # every code
    chains: Mapping[UUID, tuple[UUID, ...]]  # of every area that says something: from the root down to itself
    documents: Mapping[tuple[UUID, str], Cited]  # (area, title): the edition in force, or else the newest
    stored: SettingsBook  # what mutations say, and what the file said when it was applied last
    now: datetime

    def before(self, word: FileToggle | FileSetting) -> Switch | Own | None:
        """What was applied from the file for the same area, plugin and key."""
        at = (self.areas[word.area], word.plugin)
        if isinstance(word, FileToggle):
            return next((s for s in self.stored.switches.get(at, ()) if s.origin is Origin.FILE), None)
        own = self.stored.own.get(at, {}).get(word.key)
        return own if own is not None and own.origin is Origin.FILE else None

    def holds(self, word: Switch | Own) -> bool:
        """Was this word applied from the file before? Then it was good, and what has changed since is the rest."""
        if isinstance(word, Switch):
            said = self.stored.switches.get((word.area_id, word.plugin), ())
            return any(replace(s, line=word.line) == word for s in said)
        own = self.stored.own.get((word.area_id, word.plugin), {}).get(word.key)
        return own is not None and (own.origin, own.value, own.lock) == (Origin.FILE, word.value, word.lock)


def switches_and_own(rows: FileRows, facts: TreeFacts) -> tuple[list[Switch], list[Own]]:
    """The file's rows with areas and documents by id."""
    switches = [
        Switch(facts.areas[t.area], t.plugin, PluginState(str(t.state)), t.until, Origin.FILE, t.line)
        for t in rows.toggles
    ]
    own = []
    for s in rows.settings:
        document_id, _ = cited(facts, s)
        own.append(
            Own(facts.areas[s.area], s.plugin, s.key, s.value, s.lock, Origin.FILE, document_id, s.article, s.line)
        )
    return switches, own


def overlay(rows: FileRows, facts: TreeFacts) -> SettingsBook:
    """What would be said if the file were applied."""
    return facts.stored.with_file(*switches_and_own(rows, facts))


def cited(facts: TreeFacts, said: FileSetting) -> tuple[UUID | None, Cited | None]:
    """The document of this title in the area or the nearest one above it, one in force if there is any.

    One that lies elsewhere by now (the area was moved) stays cited where it was cited before.
    """
    if said.document is None:
        return None, None
    chain = facts.chains[facts.areas[said.area]]
    found = [
        facts.documents[above, said.document] for above in reversed(chain) if (above, said.document) in facts.documents
    ]
    if found:
        best = next((c for c in found if c.is_in_force), found[0])
        return best.id, best
    before = facts.before(said)
    if isinstance(before, Own) and before.document_id is not None:
        title, _ = facts.stored.documents.get(before.document_id, ("", ""))
        if title == said.document:
            return before.document_id, None
    return None, None


class TreeCheck:
    """The file against the areas there are. What contradicts itself within the file is a problem. What disagrees with
    mutations, documents or the tree as they are now is a notice: the fold holds it, and a server must start whatever
    was done online (decision 5)."""

    def __init__(self, rows: FileRows, file: TomlFile, declared: Mapping[str, Declared], facts: TreeFacts) -> None:
        self.rows = rows
        self.file = file
        self.declared = declared
        self.facts = facts
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []

    def run(self) -> None:
        facts = self.facts
        self.problems = [
            self.file.problem("UNKNOWN_AREA", "area", code, area=code, near=near(code, facts.areas))
            for code in self.rows.sections
            if code not in facts.areas
        ]
        self.rows = self.rows.within(facts.areas)
        self.codes = {id: code for code, id in facts.areas.items()}
        self.alone = SettingsBook.of(0, *switches_and_own(self.rows, facts))
        self.together = overlay(self.rows, facts)
        for toggle in self.rows.toggles:
            if toggle.until is not None and toggle.until <= facts.now:
                at = ("area", toggle.area, "pilot", toggle.plugin)
                self.notices.append(self.file.problem("PILOT_IS_OVER", *at, plugin_key=toggle.plugin, area=toggle.area))
        for said in self.rows.settings:
            self._document(said)
            self._bounds(said)
        if not self.rows.unread:
            for area_id in facts.chains:
                for plugin in facts.stored.needs:
                    self._needs(area_id, plugin)
        self.problems.sort(key=lambda p: p.line or 0)
        self.notices.sort(key=lambda p: p.line or 0)

    def _document(self, said: FileSetting) -> None:
        at = ("area", said.area, said.plugin, said.key)
        id, document = cited(self.facts, said)
        if said.document is None or (document is not None and document.is_in_force):
            return
        values = {"document": said.document, "area": said.area}
        if id is None:
            self.problems.append(self.file.problem("UNKNOWN_DOCUMENT", *at, **values))
            return
        elsewhere = lambda language: "在其他区域" if language == "zh-CN" else "it lies in another area"  # noqa: E731
        why = document.why if document is not None else elsewhere
        self.notices.append(self.file.problem("DOCUMENT_NOT_IN_FORCE", *at, **values, why=why))

    def _bounds(self, said: FileSetting) -> None:
        if said.value is None:
            return
        plugin, chain = self.declared[said.plugin], self.facts.chains[self.facts.areas[said.area]]
        at = ("area", said.area, said.plugin, said.key)
        for book in (self.alone, self.together):
            own = book.own[chain[-1], said.plugin][said.key]
            bound = book.effective(plugin, chain[:-1])[said.key].refused_by(said.value)
            if bound is None and book.effective(plugin, chain)[said.key].asked is None:
                continue
            if bound is None:
                problem = self.file.problem("SETTINGS_CONTRADICT", *at, key=f"{said.plugin}.{said.key}", area=said.area)
                is_new = book is self.alone and not self.facts.holds(own)
                (self.problems if is_new else self.notices).append(problem)
                return
            values: dict[str, Any] = {
                "key": f"{said.plugin}.{said.key}", "value": shown(said.value), "limit": shown(bound.limit),
                "how": lambda language, m=bound.move: m.zh if language == "zh-CN" else str(m).lower(),
                "area": self.codes[bound.area_id],
            }  # fmt: skip
            setter = book.own[bound.area_id, said.plugin][said.key]
            if book is self.alone and not (self.facts.holds(setter) and self.facts.holds(own)):
                self.problems.append(self.file.problem("SETTING_TOO_LOOSE", *at, **values))
            else:
                held = shown(self.together.effective(plugin, chain)[said.key].value)
                self.notices.append(self.file.problem("SETTING_IS_HELD", *at, **values, held=held))
            return

    def _needs(self, area_id: UUID, plugin: str) -> None:
        chain, now = self.facts.chains[area_id], self.facts.now
        standing = self.together.standing(plugin, chain, now)
        missing = standing.missing
        if standing.said is None or missing is None:
            return
        other = self.together.standing(missing, chain, now)
        while other.missing is not None:
            missing, other = other.missing, self.together.standing(other.missing, chain, now)
        words = [w for w in (other.said, standing.said) if w is not None]
        here = next((w for w in words if w.area_id == area_id and w.origin is Origin.FILE), None)
        if here is None:
            return  # told at the area whose word it is
        within = all(w.origin is Origin.FILE for w in words) and not all(self.facts.holds(w) for w in words)
        code = self.codes[area_id]
        word = next(k for k, state in {**TOGGLES, "pilot": Toggle.PILOT}.items() if str(state) == str(here.state))
        values = {"plugin_key": plugin, "need": missing, "area": code}
        problem = self.file.problem("NEED_IS_OFF", "area", code, word, here.plugin, plugin=plugin, **values)
        (self.problems if within else self.notices).append(problem)
