"""What every unit of work needs to know: who may do what, what time it is, and what areas have set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.access import Cuts, PermissionBook
from core.clock import Clock
from core.health import Health
from core.keys import KeyRing
from core.plugins.manifest import Manifest
from core.settings.cuts import cuts_of
from core.settings.store import SettingsStore
from core.settings.tree import SettingsBook

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
    from core.duties import Duties
    from core.ports import Port
    from core.rules.erasure import Erasing

EVENTS_OUT = ("core.activity.attended",)  # what the kernel itself offers to mechanisms


@dataclass
class Kernel:
    """Shared by rules, handlers and reads of one process. `manifests` are those of the loaded plugins."""

    permissions: PermissionBook
    clock: Clock
    settings: SettingsStore = field(default_factory=SettingsStore)
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    ports: Mapping[str, Any] = field(default_factory=dict)
    health: Health = field(default_factory=Health)
    undos: Mapping[str, Undo] = field(default_factory=dict)  # by event type
    mergings: Sequence[Merging] = ()
    duties: Sequence[Duties] = ()  # core's first
    erasings: Sequence[Erasing] = ()
    keys: KeyRing = field(default_factory=KeyRing)
    _cuts: tuple[SettingsBook | None, Cuts] = (None, {})

    @property
    def plugins(self) -> frozenset[str]:
        return frozenset(self.manifests)

    @cached_property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Every loaded plugin and what it needs."""
        return {key: manifest.needs for key, manifest in self.manifests.items()}

    def cuts(self, book: SettingsBook | None = None) -> Cuts:
        """What areas have cut, as of the settings in hand unless told."""
        book = book or self.settings.current
        if self._cuts[0] is not book:
            self._cuts = (book, cuts_of(book, self.permissions))
        return self._cuts[1]

    def events_out(self, *, to: str) -> tuple[str, ...]:
        """The event types a plugin may listen to: the kernel's own, and those the other loaded plugins declare."""
        others = (m for key, m in sorted(self.manifests.items()) if key != to)
        return tuple(dict.fromkeys((*EVENTS_OUT, *(t for m in others for t in m.events_out))))

    def provider(self, port: Port[Any]) -> str | None:
        """The loaded plugin that provides a port."""
        return next((key for key, m in self.manifests.items() if port.name in m.provides), None)

    def owner(self, name: str) -> str:
        """The plugin a permission or event type belongs to by its first word; `core` when it is nobody's."""
        first = name.partition(".")[0]
        return first if first in self.manifests else "core"
