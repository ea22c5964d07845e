"""A neighbour who adopted a spot is erased once the agreement is over: what they and others wrote of them is gone, and
what was adopted, done and scored is the same."""

from __future__ import annotations

from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio
ERASE = ("coreErasePerson", "")
CANARY = "田小禾的"


async def rows(n: Neighbourhood, sql: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in await n.server.runtime.database.read(sql)]


async def traces(n: Neighbourhood) -> set[str]:
    return {table for table, rows in (await n.stored()).items() if any(CANARY in row for row in rows)}


async def test_what_an_adopter_wrote_is_gone_and_what_they_did_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    (login,) = await n.newcomers(1, "xishan")
    me = await a.person(login)
    spot = await a.spot("绿地-09")
    made = await n.do(
        login, "adoptionSubmitClaim", "claim { id }", assetId=spot, mode="CARE", statement=f"{CANARY}申请"
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    agreement = await a.accept(made["claim"]["id"])
    await n.do(login, "adoptionSignAgreement", "agreement { state }", agreementId=agreement)
    await n.do(
        "custodian", "adoptionSignAgreement", "agreement { state }", agreementId=agreement, actingFor=a.committee
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    today: dict[str, Any] = {"agreementId": agreement, "doneOn": n.clock.today().isoformat()}
    await n.do(login, "adoptionLogUpkeep", "upkeep { id }", **today, what=f"{CANARY}浇水", minutes=30)
    await a.inspect(agreement, 88, note=f"{CANARY}地方很好", evidence=[f"{CANARY}照片"])
    await n.do(login, "adoptionEndAgreement", "agreement { state }", agreementId=agreement, reason=f"{CANARY}腰不好")
    await a.days(60)
    assert await traces(n) >= {"adoption_claim", "adoption_upkeep", "adoption_inspection", "core_event_text"}
    counted = {
        "agreements": "SELECT id, state, end_reason FROM adoption_agreement ORDER BY id",
        "upkeep": "SELECT id, minutes, done_on FROM adoption_upkeep ORDER BY id",
        "inspections": "SELECT id, score, result, inspected_at FROM adoption_inspection ORDER BY id",
        "claims": "SELECT id, state FROM adoption_claim ORDER BY id",
    }
    before = {name: await rows(n, sql) for name, sql in counted.items()}
    others = await rows(
        n, f"SELECT id, note, evidence FROM adoption_inspection WHERE agreement_id <> '{agreement[-36:]}' ORDER BY id"
    )
    await n.do("admin", *ERASE, personId=me, reason="本人书面申请")
    assert await traces(n) == set()
    assert {name: await rows(n, sql) for name, sql in counted.items()} == before
    assert others == await rows(
        n, f"SELECT id, note, evidence FROM adoption_inspection WHERE agreement_id <> '{agreement[-36:]}' ORDER BY id"
    )
    shown = await a.see(agreement, "adopter { name } inspections { nodes { score note evidence } }")
    assert shown == {
        "adopter": {"name": "已注销"}, "inspections": {"nodes": [{"score": 88, "note": None, "evidence": []}]}
    }  # fmt: skip


async def test_nothing_but_erasure_gets_past_the_guards_of_what_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-10"))
    await n.do(
        "company", "adoptionLogUpkeep", "upkeep { id }", agreementId=agreement, actingFor=a.company, what="浇水",
        minutes=30, doneOn=n.clock.today().isoformat(),
    )  # fmt: skip
    for change, code in (
        ("what = '别的'", "APPEND_ONLY"),
        ("what = '[已清除]', minutes = 60", "APPEND_ONLY"),
        ("what = '[已清除]'", "UNLOGGED_CHANGE"),  # not without an event
    ):
        with pytest.raises(Exception, match=code):
            async with n.server.runtime.database.transaction() as transaction:
                await transaction.fetch(f"UPDATE adoption_upkeep SET {change}")
