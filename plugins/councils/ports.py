"""What councils do for other mechanisms, without anybody knowing the tables: seat, count, and tell who sits where. And what
they ask of a mechanism that keeps the seats of a category.

councils: Councils = work.port("councils")
voters = await councils.seated(work, body_id)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from core.errors import Refusal

if TYPE_CHECKING:
    from core.models import Area
    from core.work import Work
    from plugins.councils.models import Seat


@dataclass(frozen=True)
class BodyFacts:
    """A body as others see it; `kind` is a `BodyKind`."""

    id: UUID
    area_id: UUID
    kind: str
    name: str
    size: int
    is_active: bool
    is_valid: bool
    is_advisory: bool


@dataclass(frozen=True)
class SeatFacts:
    """Somebody's seat; `category` is a `SeatCategory`, `vacated_because` a `VacatedBecause`. A suspended one counts
    nowhere, and its term goes on."""

    id: UUID
    holder_id: UUID
    mandate_of_id: UUID | None
    category: str
    is_voting: bool
    is_suspended: bool
    term_end: date
    vacated_because: str | None


@dataclass(frozen=True)
class Bounds:
    """How many seats of a body a category has."""

    lower: int
    upper: int
    is_suspended: bool


@dataclass(frozen=True)
class KeptShare:
    """A fixed part of a body's seats: `parts` of `out_of`, rounded UP, DOWN or NEAREST."""

    kept_by: str
    category: str
    parts: int
    out_of: int
    rounding: str


class Councils(Protocol):
    async def body(self, work: Work, body_id: UUID) -> BodyFacts:
        """A body; refuses NOT_FOUND."""

    async def seats(self, work: Work, body_id: UUID) -> list[SeatFacts]:
        """Who sits there today, the suspended seats too, oldest first."""

    async def seat(self, work: Work, seat_id: UUID) -> SeatFacts:
        """A seat, whether somebody sits there still or not; refuses NOT_FOUND."""

    async def bounds(self, work: Work, body_id: UUID, category: str) -> Bounds | None:
        """What holds for a category there; None where nothing does."""

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        """The actors who sit in the body with a vote today."""

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        """Is the composition within its bounds now?"""

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        """May the body decide about this kind of matter as it is composed now?"""

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None,
        term_end: date | None = None, kept_by: str | None = None,
    ) -> UUID:  # fmt: skip
        """Seat somebody; the id of the seat. The mutation that asks declares `councils.seat.fill` too. Who keeps the
        category's seats says so in `kept_by`."""

    async def replace(self, work: Work, *, seat_id: UUID, holder_id: UUID, kept_by: str | None = None) -> UUID:
        """Let an organization send somebody else for the rest of its term; the id of their seat. As `fill`."""

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        """Vacate a seat. The mutation that asks declares `councils.seat.fill` too."""


class NoCouncils:
    """Where there are no councils nobody sits anywhere."""

    async def body(self, work: Work, body_id: UUID) -> BodyFacts:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def seats(self, work: Work, body_id: UUID) -> list[SeatFacts]:
        return []

    async def seat(self, work: Work, seat_id: UUID) -> SeatFacts:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def bounds(self, work: Work, body_id: UUID, category: str) -> Bounds | None:
        return None

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        return []

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        return False

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        return False

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None,
        term_end: date | None = None, kept_by: str | None = None,
    ) -> UUID:  # fmt: skip
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def replace(self, work: Work, *, seat_id: UUID, holder_id: UUID, kept_by: str | None = None) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")


class Provider:
    """As the plugin's own rules do it."""

    async def body(self, work: Work, body_id: UUID) -> BodyFacts:
        from plugins.councils.models import Body
        from plugins.councils.terms import BodyState

        body = await work.get(Body, body_id)
        return BodyFacts(
            body.id, body.area_id, str(body.kind), body.name, body.size, body.state is BodyState.ACTIVE,
            await self.is_valid(work, body_id), body.is_advisory,
        )  # fmt: skip

    async def seats(self, work: Work, body_id: UUID) -> list[SeatFacts]:
        now = await self._now(work, body_id)
        rested = {s.id for s in now.suspended}
        return [_facts(s, s.id in rested) for s in sorted(now.taken, key=lambda s: (s.term_start, s.id))]

    async def seat(self, work: Work, seat_id: UUID) -> SeatFacts:
        from plugins.councils.models import Seat
        from plugins.councils.terms import SeatState

        seat = await work.get(Seat, seat_id)
        return _facts(seat, seat.state is SeatState.SUSPENDED)

    async def bounds(self, work: Work, body_id: UUID, category: str) -> Bounds | None:
        from plugins.councils.models import Body, SeatRule
        from plugins.councils.rules.standing import rests
        from plugins.councils.terms import HOLDING

        rule = await work.find(SeatRule, body_id=body_id, category=category, state=list(HOLDING))
        if rule is None:
            return None
        return Bounds(rule.lower, rule.upper, rests(work, await work.get(Body, body_id), rule))

    async def _now(self, work: Work, body_id: UUID) -> Any:
        from plugins.councils import rules
        from plugins.councils.models import Body

        return await rules.read(work, await work.lock(Body, body_id))

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        return [s.holder_id for s in (await self._now(work, body_id)).seats if s.is_voting]

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        from plugins.councils.rules import composition

        now = await self._now(work, body_id)
        return not composition.violations(now.seats, now.rules)

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        from plugins.councils.models import Body
        from plugins.councils.rules.common import terms
        from plugins.councils.rules.resolutions import has_been_given
        from plugins.councils.terms import GIVEN_POWERS_KINDS, Matter

        body = await work.get(Body, body_id)
        about = Matter(matter)
        bound = body.is_advisory or body.kind in GIVEN_POWERS_KINDS
        if bound and not await has_been_given(work, body, about):
            return False
        return about not in (await terms(work, body)).listed or await self.is_valid(work, body_id)

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None,
        term_end: date | None = None, kept_by: str | None = None,
    ) -> UUID:  # fmt: skip
        from plugins.councils import rules
        from plugins.councils.terms import SeatCategory, SeatedBy

        via = SeatedBy.MANDATED if mandate_of_id else SeatedBy.APPOINTED
        seat = await rules.fill_seat(
            work, body_id=body_id, holder_id=holder_id, category=SeatCategory(category), mandate_of_id=mandate_of_id,
            via=via, term_end=term_end, kept_by=kept_by,
        )  # fmt: skip
        return seat.id

    async def replace(self, work: Work, *, seat_id: UUID, holder_id: UUID, kept_by: str | None = None) -> UUID:
        from plugins.councils import rules

        return (await rules.replace_holder(work, seat_id=seat_id, holder_id=holder_id, kept_by=kept_by)).id

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        from plugins.councils import rules
        from plugins.councils.terms import VacatedBecause

        asked, work.expected_version = work.expected_version, None  # of the asking mechanism's row
        await rules.vacate_seat(work, seat_id=seat_id, because=VacatedBecause(because), reason=reason)
        work.expected_version = asked


def _facts(seat: Seat, is_suspended: bool) -> SeatFacts:
    because = None if seat.vacated_because is None else str(seat.vacated_because)
    return SeatFacts(
        seat.id, seat.holder_id, seat.mandate_of_id, str(seat.category), seat.is_voting, is_suspended, seat.term_end,
        because,
    )  # fmt: skip


class SeatKeeper(Protocol):
    """Who keeps the seats of a category: a fixed number of them in a body, filled through the keeper, moved by a charter
    alone, and suspended where the keeper is off."""

    def keeps(self, category: str) -> str | None:
        """The plugin that keeps this category's seats; None where councils do."""

    async def accept(self, work: Work, body: Any, category: str, *, seats: int, size: int) -> None:
        """Refuse what a charter may not say: so many seats of so many."""

    async def of_a_new_body(self, work: Work, area: Area, kind: str) -> Sequence[KeptShare]:
        """The seats that are kept in a body of this kind from its beginning."""


class NoKeeper:
    def keeps(self, category: str) -> str | None:
        return None

    async def accept(self, work: Work, body: Any, category: str, *, seats: int, size: int) -> None:
        return None

    async def of_a_new_body(self, work: Work, area: Area, kind: str) -> Sequence[KeptShare]:
        return ()
