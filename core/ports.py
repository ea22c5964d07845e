"""Ports: what mechanisms ask of each other without knowing each other. And the kernel's own: who lives where, and whether a
decision may take effect.

A plugin provides a port, or its null provider answers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID

from core.settings.store import as_day

if TYPE_CHECKING:
    from core.models import Entity
    from core.work import Work


P = TypeVar("P")


@dataclass(frozen=True)
class Port(Generic[P]):
    """`protocol` names the methods a provider must have; `null` is used when no plugin provides the port. Who asks a plugin that
    may be missing names it only, and takes the type for mypy: `BALLOTS: Port[Ballots] = Port("ballots")`."""

    name: str
    protocol: type = object
    null: P | None = None

    def missing(self, provider: Any) -> list[str]:
        """The protocol's methods that `provider` lacks."""
        wanted = [n for n in vars(self.protocol) if not n.startswith("_")]
        return [n for n in wanted if not callable(getattr(provider, n, None))]


class Eligibility(Protocol):
    async def resident_since(
        self, work: Work, person_id: UUID, area_id: UUID, *, on: date | None = None
    ) -> date | None:
        """Since which day the person has lived in this area or below without a break, as far as is known today; None where
        they do not live there on that day, today unless told. The last day of a residence is one."""


class Memberships:
    """As the memberships say that the desk has recorded."""

    async def resident_since(
        self, work: Work, person_id: UUID, area_id: UUID, *, on: date | None = None
    ) -> date | None:
        day = on or work.recorded_on
        rows = await work.rows(
            "SELECT min(m.since) AS since FROM core_membership m JOIN core_area_closure c"
            " ON c.descendant_id = m.area_id AND c.ancestor_id = {} AND c.until IS NULL"
            " WHERE m.actor_id = {} AND m.role = 'RESIDENT' AND m.state = 'ACTIVE' AND m.since <= {}"
            " AND (m.until IS NULL OR m.until >= {})",
            area_id, person_id, day, day,
        )  # fmt: skip
        return as_day(rows[0]["since"])


class DecisionGate(Protocol):
    """Decisions that have to be made public first, for as long as objections may come."""

    async def announce(
        self, work: Work, *, subject: Entity, area_id: UUID, kind: str, title: str, body: str, days: int | None = None,
        names: Sequence[tuple[str, UUID]] = (), concerns: Collection[UUID] = (),
    ) -> UUID | None:  # fmt: skip
        """Make it public, for so many days or the usual time; the id of the notice, None where nobody publishes. `kind`
        stands under its title, in words for whoever reads it on a wall. Its list says in full who is meant, each after what
        stands before the name (`names`: `("1 号", actor)`); no name belongs into `title` or `body`, which nobody erases. Whose
        own matter it is besides (`concerns`, actors) is kept and shown to nobody: none of theirs answers an objection (INV10)."""

    async def concern(self, work: Work, subject: Entity, actor_id: UUID) -> None:
        """What was announced about it and is not over is this actor's own matter too, from now on; queued for the caller's
        next event."""

    async def may_take_effect(self, work: Work, subject: Entity) -> bool:
        """Has its time passed without an objection that is still open? True where nothing had to be made public."""


class NoGate:
    async def announce(
        self, work: Work, *, subject: Entity, area_id: UUID, kind: str, title: str, body: str, days: int | None = None,
        names: Sequence[tuple[str, UUID]] = (), concerns: Collection[UUID] = (),
    ) -> UUID | None:  # fmt: skip
        return None

    async def concern(self, work: Work, subject: Entity, actor_id: UUID) -> None:
        return None

    async def may_take_effect(self, work: Work, subject: Entity) -> bool:
        return True


ELIGIBILITY: Port[Eligibility] = Port("eligibility", Eligibility, Memberships())
DECISION_GATE: Port[DecisionGate] = Port("decision_gate", DecisionGate, NoGate())
