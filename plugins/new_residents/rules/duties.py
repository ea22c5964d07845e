"""Whose matter a registration, an entitlement or an appeal is (INV10), so that `dutyHolders` names nobody in vain."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.duties import Duties, Duty, Held, Matter
from core.work import Work
from plugins.new_residents.models import Appeal, DormitoryList, Grant, Registration
from plugins.new_residents.terms import DormitoryListState


async def _lists(work: Work, employer_id: UUID) -> list[Held]:
    """An employer answers for its own list."""
    found = await work.select(DormitoryList, employer_id=employer_id, state=DormitoryListState.OPEN)
    return [Held(made, made, made.address, "OWNERSHIP_STAYS") for made in found]


async def _registration(work: Work, registration: Any) -> Matter:
    return Matter({id for id in (registration.person_id, registration.employer_id) if id is not None})


async def _grant(work: Work, grant: Any) -> Matter:
    return Matter({grant.person_id})


async def _appeal(work: Work, appeal: Any) -> Matter:
    """Nor is it for who decided first."""
    return Matter({appeal.person_id}, {appeal.against_id})


DUTIES = Duties(
    "new_residents",
    (Duty(_lists),),
    {Registration: _registration, Grant: _grant, Appeal: _appeal},
)
