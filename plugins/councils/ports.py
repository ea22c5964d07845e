"""What councils do for other mechanisms: seat, count, and tell who sits there, without anybody knowing the tables.

councils: Councils = work.port("councils")
voters = await councils.seated(work, body_id)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from core.errors import Refusal

if TYPE_CHECKING:
    from core.models import Entity
    from core.work import Work


@dataclass(frozen=True)
class KnownBody:
    """What others may know of a body."""

    id: UUID
    area_id: UUID
    kind: str
    name: str
    is_active: bool


class Councils(Protocol):
    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        """What there is to know of a body; refuses NOT_FOUND."""

    async def found(
        self, work: Work, *, area_id: UUID, kind: str, name: str, size: int, purpose: str | None, is_advisory: bool
    ) -> UUID:
        """Found a body; its id. The mutation that asks declares `councils.body.manage` too."""

    async def is_officer(self, work: Work, body_id: UUID) -> bool:
        """Does whoever acts hold an office (chair, vice chair, secretary) in the body?"""

    async def seated(self, work: Work, body_id: UUID) -> list[UUID]:
        """The actors who sit in the body with a vote today."""

    async def is_valid(self, work: Work, body_id: UUID) -> bool:
        """Is the composition within its bounds now?"""

    async def may_decide(self, work: Work, body_id: UUID, matter: str) -> bool:
        """May the body decide about this kind of matter as it is composed now? Refuses UNKNOWN_MATTER."""

    async def propose(self, work: Work, *, body_id: UUID, title: str, matter: str, details: str | None) -> UUID:
        """Bring a matter before the body, in the name of whoever acts; the id of the agenda item. Whether they may, the
        rule that asks has asked."""

    async def assign(
        self, work: Work, *, body_id: UUID, decision: Entity, assignee_id: UUID, title: str, due_on: date
    ) -> UUID:
        """A follow-up task of the body after a decision that another mechanism keeps; the task's id. Whether it holds, and
        whether they may, the rule that asks has asked."""

    async def fill(
        self, work: Work, *, body_id: UUID, holder_id: UUID, category: str, mandate_of_id: UUID | None = None
    ) -> UUID:
        """Seat somebody; the id of the seat. The mutation that asks declares `councils.seat.fill` too."""

    async def vacate(self, work: Work, *, seat_id: UUID, because: str, reason: str | None = None) -> None:
        """Vacate a seat. The mutation that asks declares `councils.seat.fill` too."""


class NoCouncils:
    """Where there are no councils nobody sits anywhere."""

    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def found(
        self, work: Work, *, area_id: UUID, kind: str, name: str, size: int, purpose: str | None, is_advisory: bool
    ) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def is_officer(self, work: Work, body_id: UUID) -> bool:
        return False

    async def propose(self, work: Work, *, body_id: UUID, title: str, matter: str, details: str | None) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def assign(
        self, work: Work, *, body_id: UUID, decision: Entity, assignee_id: UUID, title: str, due_on: date
    ) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

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

    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        from plugins.councils.models import Body
        from plugins.councils.terms import BodyState

        body = await work.get(Body, body_id)
        return KnownBody(body.id, body.area_id, str(body.kind), body.name, body.state is BodyState.ACTIVE)

    async def found(
        self, work: Work, *, area_id: UUID, kind: str, name: str, size: int, purpose: str | None, is_advisory: bool
    ) -> UUID:
        from plugins.councils import rules
        from plugins.councils.terms import BodyKind

        body = await rules.create_body(
            work, area_id=area_id, kind=BodyKind(kind), name=name, size=size, purpose=purpose, is_advisory=is_advisory
        )
        return body.id

    async def is_officer(self, work: Work, body_id: UUID) -> bool:
        from plugins.councils.rules.common import officer

        return await officer(work, body_id) is not None

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
        if matter not in Matter.__members__:
            raise Refusal("UNKNOWN_MATTER", path=("matter",), known=", ".join(Matter.__members__))
        about = Matter(matter)
        bound = body.is_advisory or body.kind in GIVEN_POWERS_KINDS
        if bound and not await has_been_given(work, body, about):
            return False
        return about not in (await terms(work, body)).listed or await self.is_valid(work, body_id)

    async def propose(self, work: Work, *, body_id: UUID, title: str, matter: str, details: str | None) -> UUID:
        from plugins.councils import rules
        from plugins.councils.terms import Matter

        item = await rules.propose_decided(work, body_id=body_id, title=title, matter=Matter(matter), details=details)
        return item.id

    async def assign(
        self, work: Work, *, body_id: UUID, decision: Entity, assignee_id: UUID, title: str, due_on: date
    ) -> UUID:
        from plugins.councils import rules

        task = await rules.assign_decided(
            work, body_id=body_id, decision=decision, assignee_id=assignee_id, title=title, due_on=due_on
        )
        return task.id

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
