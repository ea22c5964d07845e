"""What the rules of new residents share: texts, days, whose matter it is, and where somebody lives."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from core.enums import ActorKind, MembershipRole, MembershipState
from core.errors import Refusal
from core.models import Actor, Membership
from core.work import Work
from plugins.new_residents.models import Registration
from plugins.new_residents.terms import LIVES_HERE


def in_days(work: Work, days: int) -> date:
    return work.happened_on + timedelta(days=days)


async def person(work: Work, actor_id: UUID, *path: str) -> Actor:
    found = await work.get(Actor, actor_id)
    if found.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=path)
    return found


async def lives_at(work: Work, person_id: UUID) -> Registration | None:
    """The one registration whose facts are verified and not over."""
    return await work.find(Registration, person_id=person_id, state=list(LIVES_HERE))


async def resident_memberships(work: Work, person_id: UUID) -> list[Membership]:
    """Where the desk has recorded that somebody lives."""
    return await work.select(
        Membership, actor_id=person_id, role=MembershipRole.RESIDENT, state=MembershipState.ACTIVE, organization_id=None
    )


async def recorded_elsewhere(work: Work, registration: Registration, person_id: UUID | None = None) -> bool:
    """Does the desk's record say that they (or `person_id`) live in an area that is neither above nor below this one?"""
    here = work.place(registration).chain
    return any(
        m.area_id not in here and registration.area_id not in work.place(m).chain
        for m in await resident_memberships(work, person_id or registration.person_id)
    )


def about(registration: Registration) -> dict[str, Any]:
    """What events say of a residence: ids and days, never an address."""
    return {
        "person": str(registration.person_id),
        "area": str(registration.area_id),
        "since": registration.since and registration.since.isoformat(),
    }


def first(texts: Iterable[str | None]) -> str | None:
    return next((t for t in texts if t), None)
