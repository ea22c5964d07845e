"""What is kept on people, who looked at it, consent, guardianship and erasure, as the API shows them."""

from __future__ import annotations

import strawberry

from core.ids import from_global
from core.rules import erasure
from core.work import Work
from schema.mutations import MutationInput, Result, mutation


@strawberry.input
class CoreErasePersonInput(MutationInput):
    person_id: strawberry.ID = strawberry.field(description="Whom; oneself, or who asked at the desk (个人).")
    reason: str = strawberry.field(description="Why, without personal data: it stays (理由).")


@mutation(erasure.ERASE)
async def core_erase_person(work: Work, input: CoreErasePersonInput) -> Result:
    """Erase a person for good: a pseudonym stays, so that ledgers and counts stay true (注销个人信息)."""
    id = from_global(input.person_id, "actor", "personId")
    await erasure.erase_person(work, person_id=id, reason=input.reason)
    return {}
