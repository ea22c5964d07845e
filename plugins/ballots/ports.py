"""What ballots does for other plugins: put a matter to the vote, and tell who was elected. They ask `work.port("ballots")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from core.errors import Refusal

if TYPE_CHECKING:
    from core.models import Entity
    from core.work import Work

FOR, AGAINST, ABSTAIN = 0, 1, 2  # the options of a yes or no, by position; the last may be missing


@dataclass(frozen=True)
class Elected:
    """An election that is over: where it lies, that area and those above it, and who was elected."""

    area_id: UUID
    above: Sequence[UUID]
    actor_ids: frozenset[UUID]


class Ballots(Protocol):
    async def put(
        self,
        work: Work,
        *,
        subject: Entity,
        area_id: UUID,
        title: str,
        choices: Sequence[str],
        voters: Sequence[UUID] | None,
        is_secret: bool,
        opens_at: datetime,
        closes_at: datetime,
        rule: Mapping[str, Any] | None = None,
    ) -> UUID:
        """Open a ballot about a subject, for these voters or everybody the area's default rule finds; its id. What came
        of it is told by the event `ballots.ballot.closed`."""

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        """Who was elected there; None until they have taken their seats by `ballotsSeat`, or where there is no such election.
        Held until the end of the transaction."""


class NoBallots:
    async def put(
        self,
        work: Work,
        *,
        subject: Entity,
        area_id: UUID,
        title: str,
        choices: Sequence[str],
        voters: Sequence[UUID] | None,
        is_secret: bool,
        opens_at: datetime,
        closes_at: datetime,
        rule: Mapping[str, Any] | None = None,
    ) -> UUID:
        raise Refusal("PLUGIN_DISABLED", plugin="ballots")

    async def elected(self, work: Work, election_id: UUID) -> Elected | None:
        return None
