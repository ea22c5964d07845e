"""What holds in an area: toggles and settings folded down the tree, from the root to the area itself.

Pure: rows in, answers out. An area's own value counts only within the bounds of the areas above it, and a plugin is
on only where everything it needs is on. A bound set later, a pilot that ends, or an area moved under another holds at
once, because the fold holds it. So no area can ever have an effective value outside its ancestors' bounds (INV17), and
no plugin works without its needs (INV18), whatever is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from core.enums import Move, Origin, PluginState
from core.settings.declare import Declared, Key


@dataclass(frozen=True)
class Switch:
    """What an area itself says about a plugin."""

    area_id: UUID
    plugin: str
    state: PluginState
    until: datetime | None = None
    origin: Origin = Origin.MUTATION
    line: int | None = None

    def speaks(self, now: datetime) -> bool:
        """A pilot that is over says nothing any more: the area is as its parent is."""
        return self.until is None or self.until > now


@dataclass(frozen=True)
class Standing:
    """How a plugin stands in an area: the word that counts there, and what of its needs is missing."""

    said: Switch | None
    until: datetime | None = None  # the earliest end: of its own pilot, or of a pilot of something it needs
    missing: str | None = None  # said to be on, but this plugin, which it needs, is off here

    @property
    def is_wanted(self) -> bool:
        return self.said is not None and self.said.state is not PluginState.OFF

    @property
    def is_on(self) -> bool:
        return self.is_wanted and self.missing is None

    @property
    def state(self) -> PluginState:
        return self.said.state if self.said is not None and self.is_on else PluginState.OFF


@dataclass(frozen=True)
class Own:
    """What an area itself says about a key: a value, a lock for the areas below, or both."""

    area_id: UUID
    plugin: str
    key: str
    value: Any = None  # None: no value of its own, only a lock
    lock: Move | None = None
    origin: Origin = Origin.MUTATION
    document_id: UUID | None = None
    article: str | None = None
    line: int | None = None


@dataclass(frozen=True)
class Bound:
    """What an area lets the areas below it do with a key."""

    move: Move
    limit: Any
    area_id: UUID
    document_id: UUID | None = None
    article: str | None = None

    def refuses(self, value: Any) -> bool:
        """Is this value looser than the bound?"""
        if self.move is Move.MIN:
            return bool(value < self.limit)
        if self.move is Move.MAX:
            return bool(value > self.limit)
        if self.move is Move.SUBSET:
            return any(v not in self.limit for v in value)
        return self.move is Move.LOCKED and bool(value != self.limit)

    def hold(self, value: Any) -> Any:
        """The nearest value inside the bound."""
        if not self.refuses(value):
            return value
        if self.move is Move.SUBSET:
            return [v for v in value if v in self.limit] or self.limit
        return self.limit


@dataclass(frozen=True)
class Effective:
    """A key's value in an area, where it comes from, and what bounds it there."""

    key: Key
    value: Any
    origin: Origin
    area_id: UUID | None
    bounds: tuple[Bound, ...] = ()
    asked: Any = None  # the area's own value, where a bound holds it

    def refused_by(self, value: Any) -> Bound | None:
        """The bound that a new value for this area would break."""
        return next((b for b in self.bounds if b.refuses(value)), None)


@dataclass(frozen=True)
class SettingsBook:
    """All explicit rows as of one version. `chain` is always an area's ancestors from the root down to itself."""

    version: int = 0
    switches: Mapping[tuple[UUID, str], tuple[Switch, ...]] = field(default_factory=dict)
    own: Mapping[tuple[UUID, str], Mapping[str, Own]] = field(default_factory=dict)
    rows: tuple[Own, ...] = ()
    codes: Mapping[UUID, str] = field(default_factory=dict)  # of roots and of every area that says something
    roots: tuple[UUID, ...] = ()
    documents: Mapping[UUID, tuple[str, str]] = field(default_factory=dict)  # title and edition
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of the loaded plugins; never a circle

    @classmethod
    def of(cls, version: int, switches: Iterable[Switch], own: Iterable[Own]) -> SettingsBook:
        """The file goes before what was set by mutation, for the same area and key."""
        kept: dict[tuple[UUID, str], tuple[Switch, ...]] = {}
        for switch in sorted(switches, key=lambda s: s.origin is not Origin.FILE):
            at = (switch.area_id, switch.plugin)
            kept[at] = (*kept.get(at, ()), switch)
        rows = tuple(own)
        chosen: dict[tuple[UUID, str], dict[str, Own]] = {}
        for row in rows:
            keys = chosen.setdefault((row.area_id, row.plugin), {})
            if row.key not in keys or row.origin is Origin.FILE:
                keys[row.key] = row
        return cls(version, kept, chosen, rows)

    def _saying(self, switches: Iterable[Switch], own: Iterable[Own]) -> SettingsBook:
        """The same areas, documents and needs; other words."""
        said = SettingsBook.of(self.version, switches, own)
        return replace(self, switches=said.switches, own=said.own, rows=said.rows)

    @property
    def words(self) -> list[Switch]:
        """Every area's word about every plugin."""
        return [s for group in self.switches.values() for s in group]

    def pins(self) -> list[str]:
        """What the file says, however it is laid out: equal for files that say the same."""
        switches = [repr(replace(s, line=None)) for s in self.words if s.origin is Origin.FILE]
        return sorted([*switches, *(repr(replace(o, line=None)) for o in self.rows if o.origin is Origin.FILE)])

    def with_file(self, switches: Iterable[Switch], own: Iterable[Own]) -> SettingsBook:
        """The book with another file: what mutations said stays."""
        return self._saying(
            [*(s for s in self.words if s.origin is not Origin.FILE), *switches],
            [*(o for o in self.rows if o.origin is not Origin.FILE), *own],
        )

    def with_switch(self, area_id: UUID, plugin: str, switch: Switch | None) -> SettingsBook:
        """The book after an area has said something else by mutation."""
        at = (area_id, plugin)
        kept = [s for s in self.words if (s.area_id, s.plugin) != at or s.origin is Origin.FILE]
        return self._saying([*kept, switch] if switch else kept, self.rows)

    def with_own(self, area_id: UUID, plugin: str, keys: set[str], own: Iterable[Own]) -> SettingsBook:
        """The book after an area has said something else about these keys by mutation."""
        kept = [
            o
            for o in self.rows
            if (o.area_id, o.plugin) != (area_id, plugin) or o.key not in keys or o.origin is Origin.FILE
        ]
        return self._saying(self.words, [*kept, *own])

    def switch(self, plugin: str, chain: Sequence[UUID], now: datetime) -> Switch | None:
        """The word that counts: of the nearest area upwards that says anything."""
        for area_id in reversed(chain):
            for found in self.switches.get((area_id, plugin), ()):
                if found.speaks(now):
                    return found
        return None

    def standing(self, plugin: str, chain: Sequence[UUID], now: datetime) -> Standing:
        """Whether a plugin is on in the last area of the chain, and all it needs with it."""
        said = self.switch(plugin, chain, now)
        if said is None or said.state is PluginState.OFF:
            return Standing(said)
        ends = [said.until]
        for need in self.needs.get(plugin, ()):
            needed = self.standing(need, chain, now)
            if not needed.is_on:
                return Standing(said, missing=need)
            ends.append(needed.until)
        return Standing(said, min((end for end in ends if end is not None), default=None))

    def is_on(self, plugin: str, chain: Sequence[UUID], now: datetime) -> bool:
        return self.standing(plugin, chain, now).is_on

    def off(self, plugin: str, now: datetime) -> list[str]:
        """Codes of the areas from which downwards a plugin is off, unless an area below turns it on."""
        found = {root for root in self.roots if not self.is_on(plugin, (root,), now)}
        together = self._with_needs(plugin)
        for (area_id, key), group in self.switches.items():
            said = next((s for s in group if s.speaks(now)), None)
            if key in together and said is not None and said.state is PluginState.OFF:
                found.add(area_id)
        return sorted(self.codes.get(id, "") for id in found)

    def _with_needs(self, plugin: str) -> set[str]:
        return {plugin}.union(*(self._with_needs(need) for need in self.needs.get(plugin, ())))

    def effective(self, plugin: Declared, chain: Sequence[UUID]) -> dict[str, Effective]:
        """Every key's value in the last area of the chain."""
        state = {name: Effective(key, key.default, Origin.DEFAULT, None) for name, key in plugin.keys.items()}
        for area_id in chain:
            rows = self.own.get((area_id, plugin.plugin))
            if rows:
                state = _step(plugin, state, area_id, rows)
        return state

    def values(self, plugin: Declared, chain: Sequence[UUID]) -> Any:
        """The plugin's settings model, filled for this area."""
        return plugin.model.model_validate_json(
            _dumps({k: e.value for k, e in self.effective(plugin, chain).items()}), strict=True
        )


def _dumps(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value)


def _step(
    plugin: Declared, above: dict[str, Effective], area_id: UUID, rows: Mapping[str, Own]
) -> dict[str, Effective]:
    """From what holds above an area to what holds in it."""
    here = dict(above)
    for name, row in rows.items():
        inherited = above.get(name)
        if inherited is None:
            continue  # a key of another version of the plugin
        here[name] = _own(inherited, area_id, row)
    try:
        plugin.model.model_validate_json(_dumps({k: e.value for k, e in here.items()}), strict=True)
    except ValidationError:
        # Held values may no longer go together: the area then keeps what holds above it.
        for name in rows.keys() & above.keys():
            e = above[name]
            here[name] = Effective(e.key, e.value, Origin.BOUND, e.area_id, e.bounds, rows[name].value)
    return here


def _own(inherited: Effective, area_id: UUID, row: Own) -> Effective:
    key, value, origin, at, asked = inherited.key, inherited.value, inherited.origin, inherited.area_id, None
    if row.value is not None:
        value, origin, at = row.value, row.origin, area_id
        if key.is_list and any(b.move is Move.EXTEND for b in inherited.bounds):
            value = [*inherited.value, *(v for v in value if v not in inherited.value)]
        held = value
        for bound in inherited.bounds:
            held = bound.hold(held)
        if held != value:
            value, origin, asked = held, Origin.BOUND, row.value
    bounds = inherited.bounds
    move = row.lock or (key.move if row.value is not None else Move.OPEN)
    if move is not Move.OPEN and move in key.moves:
        bounds = (*bounds, Bound(move, value, area_id, row.document_id, row.article))
    return Effective(key, value, origin, at, bounds, asked)
