"""INV10 and INV11 in the database itself."""

from __future__ import annotations

import pytest

from core.errors import Refusal
from core.ids import new_id
from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


async def refused(n: Neighbourhood, sql: str) -> str:
    with pytest.raises(Refusal) as caught:
        async with n.server.runtime.database.transaction() as transaction:
            await transaction.fetch(sql)
    return caught.value.code


async def log(n: Neighbourhood, subject: str, state: str) -> str:
    """An event with a transition for this row, so that only the guard in question can refuse it."""
    database = n.server.runtime.database
    event, mark, now = new_id(), database.dialect.mark, n.clock.now()
    async with database.transaction() as transaction:
        await transaction.fetch(
            "INSERT INTO core_event (id, transaction_id, type, plugin, subject_tag, subject_id, authority, data,"
            f" occurred_at, recorded_at) VALUES ({mark(1)}, 0, 'x', 'core', 'x', {mark(1)}, 'SYSTEM', {mark(2)}, {mark(3)},"
            f" {mark(3)})",
            event, {}, now,
        )  # fmt: skip
        await transaction.fetch(
            "INSERT INTO core_transition (id, event_id, subject_tag, subject_id, to_state)"
            f" VALUES ({mark(1)}, {mark(2)}, 'x', {mark(3)}, {mark(4)})",
            new_id(), event, subject, state,
        )  # fmt: skip
    return str(event)


async def test_a_spot_has_one_running_agreement_inv11(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    id, claim = str(new_id()), (await n.server.runtime.database.read(
        "SELECT id FROM adoption_claim WHERE state = 'SUBMITTED'"))[0][0]  # fmt: skip
    event = await log(n, id, "ACTIVE")
    sql = f"""INSERT INTO adoption_agreement (id, version, event_id, area_id, asset_id, claim_id, adopter_id,
        custodian_id, mode, duties, state, starts_on, ends_on, settings_version)
        SELECT '{id}', 1, '{event}', area_id, asset_id, '{claim}', adopter_id, custodian_id, mode, duties, 'ACTIVE',
        starts_on, ends_on, settings_version FROM adoption_agreement WHERE state = 'ACTIVE'"""
    assert await refused(n, sql) == "ASSET_TAKEN"


async def test_nobody_inspects_what_their_company_adopted_inv10(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    company = await n.viewer("company")
    id = str(new_id())
    event = await log(n, id, "x")
    sql = f"""INSERT INTO adoption_inspection (id, version, event_id, area_id, agreement_id, inspector_id, score, result,
        inspected_at) SELECT '{id}', 1, '{event}', area_id, agreement_id, '{company.person_id}', 100, 'PASSED',
        inspected_at FROM adoption_inspection LIMIT 1"""
    assert await refused(n, sql) == "OWN_MATTER"


async def test_nobody_decides_the_claim_of_their_own_company_inv10(neighbourhood: Neighbourhood) -> None:
    """The company's claim, decided by whom the company sends; a stranger's name passes the same statement."""
    n = neighbourhood
    company, clerk = await n.viewer("company"), await n.viewer("clerk")
    spots = await n.ask(None, "{ adoptionAssets(where: {state: {eq: AVAILABLE}}) { nodes { id } } }")
    submitted = await n.do(
        "company", "adoptionSubmitClaim", "claim { id }",
        assetId=spots["adoptionAssets"]["nodes"][0]["id"], mode="CARE", actingFor=await n.actor_id("企业甲"),
    )  # fmt: skip
    claim = submitted["claim"]["id"].removeprefix("adoption_claim_")
    event = await log(n, claim, "ACCEPTED")
    sql = (
        f"UPDATE adoption_claim SET state = 'ACCEPTED', decided_by_id = '%s', event_id = '{event}',"
        f" version = version + 1 WHERE id = '{claim}'"
    )
    assert await refused(n, sql % company.person_id) == "OWN_MATTER"
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch(sql % clerk.person_id)


async def test_adoption_never_transfers_ownership(neighbourhood: Neighbourhood) -> None:
    sql = "UPDATE adoption_asset SET custodian_id = (SELECT id FROM core_actor WHERE name = '企业甲')"
    assert await refused(neighbourhood, sql) == "OWNERSHIP_STAYS"
