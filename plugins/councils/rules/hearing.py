"""What councils hear: closed and cancelled ballots, closed notices, mandates taken back and residences that ended."""

from __future__ import annotations

from core.events import EventRecord
from core.work import Work
from plugins.councils.rules import bodies, charter_votes, resolutions


async def hear_ballot(work: Work, event: EventRecord) -> None:
    """A ballot about a resolution or a charter is closed; told again, nothing happens."""
    await resolutions.settle_ballot(work, event)
    await charter_votes.settle_ballot(work, event)


async def hear_cancelled(work: Work, event: EventRecord) -> None:
    """A ballot about a resolution or a charter was called off: it decides nothing, and the matter may be put again."""
    await resolutions.cancelled_ballot(work, event)
    await charter_votes.cancelled_ballot(work, event)


async def hear_notice(work: Work, event: EventRecord) -> None:
    """The notice of a resolution or of a charter is closed; what others publish about it decides nothing."""
    await resolutions.settle_notice(work, event)
    await charter_votes.settle_notice(work, event)


hear_mandate, hear_membership, hear_residence = bodies.hear_mandate, bodies.hear_membership, bodies.hear_residence
