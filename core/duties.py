"""What people are responsible for: duties that can be handed over, and whose matter a row is.

Core and plugins declare their own; `core.rules.handovers` and `core.rules.duty_holders` ask them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tortoise.models import Model

from core.models import Logged
from core.work import PendingEvent, Work


@dataclass(frozen=True)
class Held:
    """A duty somebody has: its row, a row that says where it lies (read through the work), and what people call it.

    `stays` is the code that says why nobody else can take it over, if so.
    """

    row: Logged
    at: Model
    title: str
    stays: str | None = None


@dataclass(frozen=True)
class Taking:
    """Who takes a duty over, and what the event says of the hand-over."""

    taker_id: UUID
    data: dict[str, Any]


@dataclass(frozen=True)
class Duty:
    """A kind of duty. `find(work, person_id)` holds and lists what is open; `move(work, held, taking)` queues the change
    and returns the event it records, or refuses before it has queued anything: the receipt then says why it stays. What the
    database refuses, refuses the whole hand-over.

    That duties there may be handed over has been asked before; `move` asks for no permission.
    """

    find: Callable[[Work, UUID], Awaitable[list[Held]]]
    move: Callable[[Work, Held, Taking], Awaitable[PendingEvent]] | None = None


@dataclass(frozen=True)
class Matter:
    """Whose matter a row is (INV10): `of` these actors, so that none of their people decides on it; nor do the persons
    `not_by`, who had a hand in it."""

    of: set[UUID]
    not_by: set[UUID] = field(default_factory=set)


@dataclass(frozen=True)
class Duties:
    """What a plugin knows of duties; `matters` tells by model whose matter a row is."""

    plugin: str
    kinds: Sequence[Duty] = ()
    matters: Mapping[type[Model], Callable[[Work, Any], Awaitable[Matter]]] = field(default_factory=dict)
