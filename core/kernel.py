"""What every unit of work needs to know: who may do what, what time it is, and what areas have set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from core.access import PermissionBook
from core.clock import Clock
from core.health import Health
from core.keys import KeyRing
from core.plugins.manifest import Manifest
from core.settings.store import SettingsStore

if TYPE_CHECKING:
    from core.corrections import Merging, Undo
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
    erasings: Sequence[Erasing] = ()
    keys: KeyRing = field(default_factory=KeyRing)

    @property
    def plugins(self) -> frozenset[str]:
        return frozenset(self.manifests)

    @cached_property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Every loaded plugin and what it needs."""
        return {key: manifest.needs for key, manifest in self.manifests.items()}

    def events_out(self, *, to: str) -> tuple[str, ...]:
        """The event types a plugin may listen to: the kernel's own, and those the other loaded plugins declare."""
        others = (m for key, m in sorted(self.manifests.items()) if key != to)
        return tuple(dict.fromkeys((*EVENTS_OUT, *(t for m in others for t in m.events_out))))

    def owner(self, name: str) -> str:
        """The plugin a permission or event type belongs to by its first word; `core` when it is nobody's."""
        first = name.partition(".")[0]
        return first if first in self.manifests else "core"
