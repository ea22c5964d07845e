"""How often the everyday mutations go to the database: what `Work` costs, and no more reads than the rule needs."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from core.testing.kit import Neighbourhood

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("dialect", ["postgres"], indirect=True)]


async def test_everyday_mutations_take_few_round_trips(neighbourhood: Neighbourhood) -> None:
    """BEGIN, the viewer with key and settings, events with rows, COMMIT and the payload are five; the rest the rule
    reads: eight in the transaction at most."""
    n = neighbourhood
    server = n.server
    await n.quiet()
    statements: list[str] = []
    server.runtime.database.observers.append(statements.append)
    counted: list[tuple[str, int]] = []

    async def do(who: str, mutation: str, selection: str, **input: Any) -> Any:
        await n.ask(who, "{ viewer { id } }")  # the token is known
        statements.clear()
        answer = await n.do(who, mutation, selection, idempotencyKey=uuid4().hex, **input)
        counted.append((mutation, len(statements) - statements.index("BEGIN")))  # the token may be looked up before
        return answer

    xishan, committee = await n.area_id("xishan"), await n.actor_id("西山社村民委员会")
    company = await n.actor_id("企业甲")
    listed = await do(
        "clerk", "adoptionListAsset", "asset { id }",
        areaId=xishan, custodianId=committee, name="绿地-09", kind="GREEN_SPACE", duties="浇水",
    )  # fmt: skip
    claimed = await do(
        "company", "adoptionSubmitClaim", "claim { id }", assetId=listed["asset"]["id"], mode="CARE", actingFor=company
    )
    decided = await do(
        "custodian", "adoptionDecideClaim", "agreement { id }",
        claimId=claimed["claim"]["id"], accept=True, actingFor=committee,
    )  # fmt: skip
    agreement = decided["agreement"]["id"]
    await do("company", "adoptionSignAgreement", "agreement { state }", agreementId=agreement, actingFor=company)
    await do("custodian", "adoptionSignAgreement", "agreement { state }", agreementId=agreement, actingFor=committee)
    failed = await do("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=30)
    await do(
        "inspector", "adoptionInspect", "inspection { id }",
        agreementId=agreement, score=80, recheckOfId=failed["inspection"]["id"],
    )  # fmt: skip
    made = await do("clerk", "coreRegisterActor", "actor { id }", kind="PERSON", name="张三", areaId=xishan)
    await do(
        "clerk", "coreAddMembership", "membership { id }",
        actorId=made["actor"]["id"], areaId=xishan, role="RESIDENT", since="2025-01-01",
    )  # fmt: skip
    most = {
        "adoptionListAsset": 8,
        "adoptionSubmitClaim": 9,
        "adoptionDecideClaim": 9,
        "adoptionSignAgreement": 9,
        "adoptionInspect": 9,
        "coreRegisterActor": 6,
        "coreAddMembership": 8,
    }
    assert [(name, count) for name, count in counted if count > most[name]] == [], counted
