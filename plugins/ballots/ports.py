"""What ballots does for other plugins: put a matter to the vote, and tell who was elected.

ballot_id = await work.port(BALLOTS, at=body).put(work, subject=resolution, area_id=body.area_id, ...)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypedDict
from uuid import UUID

from core.errors import Refusal
from core.ports import Port
from plugins.ballots.terms import BallotKind, BallotOutcome, ShareBase, TieRule

if TYPE_CHECKING:
    from core.events import EventRecord
    from core.models import Entity
    from core.work import Work

ANSWERS = ("赞成", "反对", "弃权")  # to a yes or no, as people read them; the last may be missing
FOR, AGAINST, ABSTAIN = range(3)  # their positions


@dataclass(frozen=True)
class Share:
    """A part of a whole, exactly: more than it (`is_more`), or at least it. More than all is all."""

    numerator: int
    denominator: int
    is_more: bool

    def reached(self, part: int, whole: int) -> bool:
        left, right = part * self.denominator, self.numerator * whole
        return left > right if self.is_more and self.numerator < self.denominator else left >= right

    def plain(self) -> list[Any]:
        return [self.numerator, self.denominator, self.is_more]

    def at_least(self, percent: int) -> bool:
        """Does it ask for as much as more than so many per cent, or for all at 100?"""
        left, right = self.numerator * 100, percent * self.denominator
        return left > right or (left == right and (self.is_more or percent in (0, 100)))


class Rule(TypedDict, total=False):
    """How a ballot is decided. What is left out: `quorum` and `threshold` as the area's settings say, the others as here."""

    kind: BallotKind  # YES_NO where the choices are the `ANSWERS`, else SINGLE
    quorum: Share | None  # of the roll has to vote; None: nobody has to
    threshold: Share | None  # of the base is needed; None: more votes than any other
    base: ShareBase  # of what the threshold is a share: BALLOTS, the votes cast
    seats: int | None  # None: a matter is decided and nobody elected
    ties: TieRule  # TIED: the outcome says so, and nothing is decided
    most: int  # so many may be chosen of MULTIPLE: as many as there are seats, or all
    points: int  # the most for an option of SCORE: 10
    proxies: int  # one person may hold: 0


@dataclass(frozen=True)
class Closed:
    """What `ballots.ballot.closed` says: votes by position, the positions that won, how many voted, and of how many."""

    outcome: BallotOutcome
    votes: tuple[int, ...]
    winners: tuple[int, ...]
    cast: int
    voters: int

    @classmethod
    def read(cls, event: EventRecord) -> Closed:
        data = event.data
        votes = tuple(data["tally"][str(n)] for n in range(len(data["tally"])))
        return cls(BallotOutcome(data["outcome"]), votes, tuple(data["winners"]), data["ballots"], data["roll"])


@dataclass(frozen=True)
class Elected:
    """An election that is over: where it lies, that area and those above it, and who was elected."""

    area_id: UUID
    above: Sequence[UUID]
    actor_ids: frozenset[UUID]


class Ballots(Protocol):
    async def put(
        self, work: Work, *, subject: Entity, area_id: UUID, title: str,
        voters: Sequence[UUID] | None, is_secret: bool, opens_at: datetime, closes_at: datetime,
        choices: Sequence[str] = ANSWERS, rule: Rule | None = None,
    ) -> UUID:  # fmt: skip
        """Open a ballot about a subject, for these voters or everybody the area's default rule finds; its id. What came
        of it is told by the event `ballots.ballot.closed` (`Closed`), or `ballots.ballot.cancelled`.

        Refuses VOTERS (nobody, or somebody twice), NOT_FOUND (one of them), OPTIONS, BAD_RULE (no such number of seats, choices,
        points or proxies), RULE_TOO_LOOSE (a question that fewer than half of the votes would carry), ENDS_BEFORE_START."""

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        """Who was elected there; None until they have taken their seats by `ballotsSeat`, or where there is no such election.
        Held until the end of the transaction."""


class NoBallots:
    async def put(
        self, work: Work, *, subject: Entity, area_id: UUID, title: str,
        voters: Sequence[UUID] | None, is_secret: bool, opens_at: datetime, closes_at: datetime,
        choices: Sequence[str] = ANSWERS, rule: Rule | None = None,
    ) -> UUID:  # fmt: skip
        raise Refusal("PLUGIN_DISABLED", plugin="ballots")

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        return None


BALLOTS: Port[Ballots] = Port("ballots", Ballots, NoBallots())

__all__ = [
    "ABSTAIN",
    "AGAINST",
    "ANSWERS",
    "BALLOTS",
    "FOR",
    "BallotKind",
    "BallotOutcome",
    "Ballots",
    "Closed",
    "Elected",
    "NoBallots",
    "Rule",
    "Share",
    "ShareBase",
    "TieRule",
]
