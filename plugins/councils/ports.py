"""What councils do for other mechanisms, without anybody knowing the tables: seat, count, and tell who sits where. And what
they ask of a mechanism that keeps the seats of a category. Their terms are told as text: `kind` is a `BodyKind`, `category` a
`SeatCategory`, `matter` a `Matter`, `because` a `VacatedBecause`, `rounding` a `Rounding` of `plugins.councils.terms`.

voters = await work.port(COUNCILS).seated(work, body_id)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from core.errors import Refusal
from core.ports import Port

if TYPE_CHECKING:
    from core.models import Area, Entity
    from core.work import Work
    from plugins.councils.models import Body, Seat


@dataclass(frozen=True)
class KnownBody:
    """What others may know of a body."""

    id: UUID
    area_id: UUID
    kind: str
    name: str
    size: int
    is_active: bool


@dataclass(frozen=True)
class KnownSeat:
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
    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        """What there is to know of a body; refuses NOT_FOUND."""

    async def bodies(self, work: Work, area_id: UUID, kind: str) -> list[KnownBody]:
        """The bodies of a kind that an area has itself, without the dissolved ones; oldest first."""

    async def found(
        self, work: Work, *, area_id: UUID, kind: str, name: str, size: int, purpose: str | None, is_advisory: bool
    ) -> UUID:
        """Found a body; its id. The mutation that asks declares `councils.body.manage` too."""

    async def is_officer(self, work: Work, body_id: UUID) -> bool:
        """Does whoever acts hold an office (chair, vice chair, secretary) in the body?"""

    async def seats(self, work: Work, body_id: UUID) -> list[KnownSeat]:
        """Who sits there today, the suspended seats too, oldest first."""

    async def seat(self, work: Work, seat_id: UUID) -> KnownSeat:
        """A seat, whether somebody sits there still or not; refuses NOT_FOUND."""

    async def bounds(self, work: Work, body_id: UUID, category: str) -> Bounds | None:
        """What holds for a category there; None where nothing does."""

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

    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        raise Refusal("PLUGIN_DISABLED", plugin="councils")

    async def bodies(self, work: Work, area_id: UUID, kind: str) -> list[KnownBody]:
        return []

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

    async def seats(self, work: Work, body_id: UUID) -> list[KnownSeat]:
        return []

    async def seat(self, work: Work, seat_id: UUID) -> KnownSeat:
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


def _known(body: Body) -> KnownBody:
    from plugins.councils.terms import BodyState

    return KnownBody(body.id, body.area_id, str(body.kind), body.name, body.size, body.state is BodyState.ACTIVE)


class Provider:
    """As the plugin's own rules do it."""

    async def body(self, work: Work, body_id: UUID) -> KnownBody:
        from plugins.councils.models import Body

        return _known(await work.get(Body, body_id))

    async def bodies(self, work: Work, area_id: UUID, kind: str) -> list[KnownBody]:
        from plugins.councils.models import Body

        known = [_known(body) for body in await work.select(Body, area_id=area_id, kind=kind)]
        return [body for body in known if body.is_active]

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
        from plugins.councils.rules.standing import officer

        return await officer(work, body_id) is not None

    async def seats(self, work: Work, body_id: UUID) -> list[KnownSeat]:
        now = await self._now(work, body_id)
        rested = {s.id for s in now.suspended}
        return [_facts(s, s.id in rested) for s in sorted(now.taken, key=lambda s: (s.term_start, s.id))]

    async def seat(self, work: Work, seat_id: UUID) -> KnownSeat:
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
        from plugins.councils import rules
        from plugins.councils.models import Body
        from plugins.councils.terms import Matter

        if matter not in Matter.__members__:
            raise Refusal("UNKNOWN_MATTER", path=("matter",), known=", ".join(Matter.__members__))
        return await rules.may_decide(work, await work.lock(Body, body_id), Matter(matter))

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


def _facts(seat: Seat, is_suspended: bool) -> KnownSeat:
    because = None if seat.vacated_because is None else str(seat.vacated_because)
    return KnownSeat(
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


COUNCILS: Port[Councils] = Port("councils", Councils, NoCouncils())
SEAT_KEEPER: Port[SeatKeeper] = Port("seat_keeper", SeatKeeper, NoKeeper())
