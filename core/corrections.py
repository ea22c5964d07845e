"""Mistakes and how they are mended: undoing an event soon after, and two actors who prove to be one.

Core and plugins say how their own part is mended; `core.rules.corrections` asks them. Nothing is edited away: an undo
is an event of its own that names the one it undoes, and a merged actor's id goes on leading to the one that stays.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from core.events import EventRecord
from core.work import Work


@dataclass(frozen=True)
class Undo:
    """How one type of event is undone. `act(work, event)` asks `work.require` for the permission the event needed,
    queues the opposite and records it; it refuses CANNOT_UNDO when something has come to rest on it meanwhile."""

    plugin: str
    event_type: str
    act: Callable[[Work, EventRecord], Awaitable[None]]


@dataclass(frozen=True)
class Finding:
    """What a merge would do to one kind of row. `code` names what must be settled first; such a finding blocks."""

    kind: str
    count: int
    code: str | None = None


@dataclass(frozen=True)
class Merging:
    """What becomes of a plugin's rows when the actor `gone` proves to be the actor `kept` (their ids).

    `preview(work, kept, gone)` lists what would move and which doubles block; `move` does it, in the same transaction
    as core's part, and records its events.
    """

    plugin: str
    preview: Callable[[Work, UUID, UUID], Awaitable[list[Finding]]]
    move: Callable[[Work, UUID, UUID], Awaitable[None]]
