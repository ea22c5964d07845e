"""What ballots does for other plugins: put a matter to the vote, and tell who was elected.

BALLOTS: Port[Ballots] = Port("ballots")
ballot_id = await work.port(BALLOTS, at=body).put(work, subject=resolution, area_id=body.area_id, …)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict
from uuid import UUID

from core.errors import Refusal
from core.ports import Port

if TYPE_CHECKING:
    from core.events import EventRecord
    from core.models import Entity
    from core.work import Work

ANSWERS = ("赞成", "反对", "弃权")  # to a yes or no, as people read them; the last may be missing
FOR, AGAINST, ABSTAIN = range(3)  # their positions
Part = tuple[int, int, bool]  # `(1, 2, True)` is more than a half, `(2, 3, False)` at least two thirds


class Rule(TypedDict, total=False):
    """How a ballot is decided. What is left out: `quorum` and `threshold` as the area's settings say, the others as here."""

    kind: Literal["YES_NO", "SINGLE", "MULTIPLE", "RANKED", "SCORE"]  # YES_NO without choices of one's own, else SINGLE
    quorum: Part | None  # of the roll has to vote; None: nobody has to
    threshold: Part | None  # of the base is needed; None: more votes than any other
    base: Literal["ROLL", "BALLOTS", "VALID"]  # of what the threshold is a share: BALLOTS, the votes cast
    seats: int | None  # None: a matter is decided and nobody elected
    ties: Literal["TIED", "LOT", "REJECT"]  # TIED: the outcome says so, and nothing is decided
    most: int  # so many may be chosen of MULTIPLE: as many as there are seats, or all
    points: int  # the most for an option of SCORE: 10
    proxies: int  # one person may hold: 0


@dataclass(frozen=True)
class Closed:
    """What `ballots.ballot.closed` says: votes by position, the positions that won, how many voted, and of how many."""

    outcome: Literal["ADOPTED", "REJECTED", "NO_QUORUM", "TIED", "ELECTED"]
    votes: tuple[int, ...]
    winners: tuple[int, ...]
    cast: int
    voters: int

    @property
    def is_adopted(self) -> bool:
        return self.outcome == "ADOPTED"

    @property
    def votes_for(self) -> int:
        return self.votes[FOR]

    @property
    def votes_against(self) -> int:
        return self.votes[AGAINST]

    @property
    def abstained(self) -> int:
        return self.votes[ABSTAIN]

    def labelled(self, choices: Sequence[str]) -> dict[str, int]:
        """Votes by what people read: the choices it was put with, or where there were none the answers."""
        return dict(zip(choices or ANSWERS, self.votes, strict=True))


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
        choices: Sequence[str] = (), may_abstain: bool = True, rule: Rule | None = None,
    ) -> UUID:  # fmt: skip
        """Open a ballot about a subject, for these voters or everybody the area's default rule finds; its id. Without
        `choices` it asks for a yes or no. What came of it is told by the event `ballots.ballot.closed`, or
        `ballots.ballot.cancelled`.

        Refuses VOTERS (nobody, or somebody twice), NOT_FOUND (one of them), OPTIONS, BAD_RULE (no such number of seats, choices,
        points or proxies), BAD_SHARE, RULE_TOO_LOOSE (a question that fewer than half of the votes would carry), ENDS_BEFORE_START."""

    def closed(self, event: EventRecord) -> Closed:
        """What an event `ballots.ballot.closed` says."""

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        """Who was elected there; None until they have taken their seats by `ballotsSeat`, or where there is no such election.
        Held until the end of the transaction."""


class NoBallots:
    async def put(
        self, work: Work, *, subject: Entity, area_id: UUID, title: str,
        voters: Sequence[UUID] | None, is_secret: bool, opens_at: datetime, closes_at: datetime,
        choices: Sequence[str] = (), may_abstain: bool = True, rule: Rule | None = None,
    ) -> UUID:  # fmt: skip
        raise Refusal("PLUGIN_DISABLED", plugin="ballots")

    def closed(self, event: EventRecord) -> Closed:
        raise Refusal("PLUGIN_DISABLED", plugin="ballots")

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        return None


BALLOTS: Port[Ballots] = Port("ballots", Ballots, NoBallots())
