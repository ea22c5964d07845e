"""What ballots does for other plugins: put a matter to the vote. They ask `work.port("ballots")`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from core.errors import Refusal

if TYPE_CHECKING:
    from core.models import Entity
    from core.work import Work


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
