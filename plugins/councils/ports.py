"""What councils do for other mechanisms: seat, count, and tell who sits there, without anybody knowing the tables.

councils: Councils = work.port("councils")
voters = await councils.seated(work, body_id)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.errors import Refusal

if TYPE_CHECKING:
    from core.work import Work


class Councils(Protocol):
    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        """The actors who sit in the body with a vote today."""

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        """Is the composition within its bounds now?"""

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        """May the body decide about this kind of matter as it is composed now?"""

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None
    ) -> UUID:
        """Seat somebody; the id of the seat. The mutation that asks declares `councils.seat.fill` too."""

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        """Vacate a seat. The mutation that asks declares `councils.seat.fill` too."""


class NoCouncils:
    """Where there are no councils nobody sits anywhere."""

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        return []

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        return False

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        return False

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None
    ) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")


class Provider:
    """As the plugin's own rules do it."""

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        from plugins.councils.models import Body
        from plugins.councils.rules import composition

        body, today = await work.lock(Body, body_id), work.clock.civil_date(work.now)
        return [s.holder_id for s in await composition.filled(work, body) if s.is_voting and s.term_end > today]

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        from plugins.councils.models import Body
        from plugins.councils.rules import composition

        body, today = await work.lock(Body, body_id), work.clock.civil_date(work.now)
        seats = [s for s in await composition.filled(work, body) if s.term_end > today]
        return not composition.violations(seats, await composition.in_force(work, body))

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
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None
    ) -> UUID:
        from plugins.councils import rules
        from plugins.councils.terms import SeatCategory, SeatedBy

        via = SeatedBy.MANDATED if mandate_of_id else SeatedBy.APPOINTED
        seat = await rules.fill_seat(
            work, body_id=body_id, holder_id=holder_id, category=SeatCategory(category), mandate_of_id=mandate_of_id,
            via=via,
        )  # fmt: skip
        return seat.id

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        from plugins.councils import rules
        from plugins.councils.terms import VacatedBecause

        await rules.vacate_seat(work, seat_id=seat_id, because=VacatedBecause(because), reason=reason)
