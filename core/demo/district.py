"""The district under construction: what core and the plugins find in it, and how they make things happen in it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from tortoise.models import Model

from core.access import ANONYMOUS, Acting, Viewer
from core.accounts import hash_token
from core.database import Transaction
from core.demo.plan import DistrictPlan
from core.enums import ActorKind, AreaKind
from core.kernel import Kernel
from core.models import Logged
from core.runtime import Command, Runtime
from core.work import Work

T = TypeVar("T")
M = TypeVar("M", bound=Model)
L = TypeVar("L", bound=Logged)
Step = Callable[[], Awaitable[None]]
Progress = Callable[[int, int], None]  # so many steps done, of so many

STORY_DAYS = 190
YEAR_DAYS = 365
_WEEK = 7
NOT_YET = UUID(int=0)


@dataclass(frozen=True)
class Body:
    """An organization or enterprise, and the person who may act for it."""

    id: UUID
    kind: ActorKind
    name: str
    agent: Viewer


@dataclass
class Community:
    """A community or village of the large district; `random` is its own, so that none depends on another.

    Clerk and chair hold no other office, belong to nothing and claim nothing; `people` are the others.
    """

    number: int
    code: str
    name: str
    kind: AreaKind
    random: Random
    id: UUID = NOT_YET
    homes: list[tuple[UUID, str, AreaKind]] = field(default_factory=list)
    people: list[UUID] = field(default_factory=list)
    bodies: list[Body] = field(default_factory=list)
    committee_id: UUID = NOT_YET
    clerk: Viewer = ANONYMOUS
    chair: Viewer = ANONYMOUS


@dataclass
class Town:
    """A street or town with its communities; its inspector belongs to nothing in it."""

    code: str
    name: str
    kind: AreaKind
    communities: list[Community]
    id: UUID = NOT_YET
    inspector: Viewer = ANONYMOUS


class Bulk(Work):
    """A unit of work in which many rules run one after another: a row it has read or queued is not asked for again.

    Right only where nobody else writes, as while a demo is made.
    """

    def __init__(self, transaction: Transaction, kernel: Kernel, viewer: Viewer, acting: Acting) -> None:
        super().__init__(transaction, kernel, viewer, acting, system=not viewer.signed_in)
        self._known: dict[UUID, Any] = {}

    async def _one(self, model: type[M], id: UUID, *, lock: bool) -> M:
        if id not in self._known:
            self._known[id] = await super()._one(model, id, lock=lock)
        row: M = self._known[id]
        return row

    def add(self, row: L) -> L:
        self._known[row.id] = row
        return super().add(row)


@dataclass
class DemoDistrict:
    """Areas and actors of the small story by name, tokens by login; the towns of the large district, if there is one.

    Days count from `start`, half a year ago; a large district begins earlier, on `first_day`.
    """

    runtime: Runtime
    start: datetime
    plan: DistrictPlan | None = None
    areas: dict[str, UUID] = field(default_factory=dict)
    actors: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    towns: list[Town] = field(default_factory=list)
    _steps: list[tuple[int, int, Step]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._latest = self.start

    @property
    def first_day(self) -> int:
        return 0 if self.plan is None else STORY_DAYS - YEAR_DAYS

    @property
    def last_day(self) -> int:
        """The last day that is wholly over."""
        return STORY_DAYS - 1

    def later(self, day: int, step: Step) -> None:
        """Have a step happen on a day, in order with everyone else's; a step may name further ones."""
        heapq.heappush(self._steps, (day, next(self._order), step))

    async def play(self, progress: Progress) -> None:
        """Go through the steps day by day; what happened on a day is delivered before the next, and in the weeks of the
        small story the clock settles what is due."""
        done, today = 0, self.first_day
        while self._steps:
            day, _, step = heapq.heappop(self._steps)
            if day != today:
                await self._settle()
                if day > 0 and day // _WEEK != today // _WEEK:
                    await self.runtime.jobs.run_due(self.runtime)
                today = day
            self.at(day)
            await step()
            done += 1
            progress(done, done + len(self._steps))
        await self._settle()

    async def _settle(self) -> None:
        self.runtime.clock.set(self._latest)
        await self.runtime.dispatcher.settle()

    async def act(self, login: str, rule: Callable[[Work], Awaitable[T]], *, acting_for: UUID | None = None) -> T:
        """Run a rule as the person with this login."""
        viewer = await self.runtime.viewer(hash_token(self.tokens[login]))
        result: list[T] = []

        async def run(work: Work) -> dict[str, Any]:
            result.append(await rule(work))
            return {}

        await self.runtime.perform(Command("demo", viewer, Acting(for_id=acting_for)), run)
        return result[0]

    async def system(self, rule: Callable[[Work], Awaitable[T]]) -> T:
        result: list[T] = []

        async def run(work: Work) -> dict[str, Any]:
            result.append(await rule(work))
            return {}

        await self.runtime.as_system(run)
        return result[0]

    async def together(
        self, rules: Callable[[Work], Awaitable[T]], viewer: Viewer = ANONYMOUS, acting_for: UUID | None = None
    ) -> T:
        """Run many rules in one transaction, as the server itself or as a person of the large district.

        What queries should find of them needs a `flush_now` between.
        """
        async with self.runtime.database.transaction() as transaction:
            work = Bulk(transaction, self.runtime.kernel, viewer, Acting(for_id=acting_for))
            result = await rules(work)
            await work.flush()
        await asyncio.sleep(0)  # statements may be run without ever waiting; this is where Ctrl+C gets in
        return result

    def at(self, days: int, hours: float = 10) -> None:
        """Move the clock to so many days after the start, at a civil hour."""
        moment = self.moment(days, hours)
        self._latest = max(self._latest, moment)
        self.runtime.clock.set(moment)

    def moment(self, days: int, hours: float = 10) -> datetime:
        return self.start + timedelta(days=days, hours=hours)
