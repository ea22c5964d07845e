"""INV10 and INV11 in the database itself, for every adopter."""

from __future__ import annotations

from typing import Any

import pytest

from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio


async def copied(n: Neighbourhood, table: str, where: str, to_state: str | None = None, /, **changed: str) -> str:
    """An INSERT of a row like an existing one, under a new id, with an event of its own and some columns changed."""
    model: Any = next(m for m in n.server.runtime.database.models if m._meta.db_table == table)
    id = str(new_id())
    values = {"id": f"'{id}'", "event_id": f"'{await log(n, id, to_state)}'", "version": "1", **changed}
    columns = list(model._meta.fields_db_projection.values())
    chosen = ", ".join(values.get(c, c) for c in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} WHERE {where} LIMIT 1"


async def test_a_spot_has_one_open_agreement_inv11(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    claim = (await n.server.runtime.database.read("SELECT id FROM adoption_claim WHERE state = 'SUBMITTED'"))[0][0]
    for state in ("ACTIVE", "DRAFT"):
        sql = await copied(
            n, "adoption_agreement", "state = 'ACTIVE'", state,
            state=f"'{state}'", claim_id=f"'{claim}'", certificate_number="'x-1'",
        )  # fmt: skip
        assert await refused(n, sql) == "ASSET_TAKEN"
    assert await refused(n, "UPDATE adoption_agreement SET certificate_number = 'x-2'") == "APPEND_ONLY"
    ended = "UPDATE adoption_agreement SET adopter_id = custodian_id"
    assert await refused(n, ended) == "OWN_ASSET"


async def test_nobody_of_any_adopter_inspects_decides_or_accepts_inv10(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    partner = await a.enterprise("企业丙", "resident")  # the resident acts for the co-adopter
    asset = await a.spot("跑道", "PROJECT")
    claim = await a.claim(asset, coAdopterIds=[partner])
    resident, admin = await n.viewer("resident"), await n.viewer("admin")
    id = split_global(claim)[1]
    for column in ("decided_by_id", "reviewed_by_id"):
        set_it = f"UPDATE adoption_claim SET {column} = '{{}}' WHERE id = '{id}'"
        assert await refused(n, set_it.format(resident.person_id)) == "OWN_MATTER"
    # Co-adopters are fixed with the claim: none is added after a decision, none removed or exchanged.
    agreement = await a.accept(claim)
    late = await copied(n, "adoption_co_adopter", f"claim_id = '{id}'", actor_id=f"'{admin.person_id}'")
    assert await refused(n, late) == "CO_ADOPTERS"
    assert await refused(n, f"DELETE FROM adoption_co_adopter WHERE claim_id = '{id}'") == "APPEND_ONLY"
    assert await refused(n, f"UPDATE adoption_co_adopter SET actor_id = '{admin.person_id}'") == "APPEND_ONLY"
    assert await a.sign(agreement, ("resident", partner)) == "ACTIVE"
    assert (await a.see(agreement, "signatures { totalCount }"))["signatures"]["totalCount"] == 3

    await a.inspect(agreement, 50)
    await n.do("admin", "adoptionAcceptProject", "acceptance { id }", agreementId=agreement)
    of = f"agreement_id = '{split_global(agreement)[1]}'"
    company = await n.viewer("company")
    for own in (company.person_id, resident.person_id):
        sql = await copied(n, "adoption_inspection", of, inspector_id=f"'{own}'")
        assert await refused(n, sql) == "OWN_MATTER"
        sql = await copied(n, "adoption_acceptance", of, accepted_by_id=f"'{own}'")
        assert await refused(n, sql) == "OWN_MATTER"
    revoked = await n.do("admin", "adoptionRevoke", "revocation { id }", agreementId=agreement, reason="烂尾")
    revocation = split_global(revoked["revocation"]["id"])[1]
    custodian = await n.viewer("custodian")
    for own in (company, resident, custodian, admin):  # two adopters, the custodian, and whoever revoked
        sql = f"UPDATE adoption_revocation SET resolved_by_id = '{own.person_id}' WHERE id = '{revocation}'"
        assert await refused(n, sql) == "OWN_MATTER"


async def test_what_was_seen_and_done_is_not_rewritten(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-11"))
    day = n.clock.today().isoformat()
    await n.do("company", "adoptionLogUpkeep", "upkeep { id }", agreementId=agreement, actingFor=a.company,
               doneOn=day, what="浇水", minutes=30)  # fmt: skip
    for sql in (
        "UPDATE adoption_inspection SET score = 100",
        "UPDATE adoption_inspection SET result = 'PASSED' WHERE result = 'FAILED'",
        "DELETE FROM adoption_inspection",
        "UPDATE adoption_upkeep SET minutes = 3000",
        "DELETE FROM adoption_upkeep",
    ):
        assert await refused(n, sql) == "APPEND_ONLY", sql
    assert await refused(n, "UPDATE adoption_asset SET latitude_e6 = 1 WHERE latitude_e6 IS NULL") == "BAD_POSITION"


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
    n = neighbourhood
    company = "(SELECT id FROM core_actor WHERE name = '企业甲')"
    assert await refused(n, f"UPDATE adoption_asset SET custodian_id = {company}") == "OWNERSHIP_STAYS"
    a = await Adopting.begin(n)
    asset = await a.spot("小亭", "PROJECT")
    agreement = await a.adopt(asset)
    await n.do("admin", "adoptionAcceptProject", "acceptance { id }", agreementId=agreement)
    id = split_global(asset)[1]
    change = f"UPDATE adoption_asset SET kind = 'SPACE', state = '{{}}', event_id = '{{}}'{{}} WHERE id = '{id}'"
    to_builder = f", custodian_id = '{split_global(a.company)[1]}'"
    event = await log(n, str(id), "AVAILABLE")
    assert await refused(n, change.format("AVAILABLE", event, to_builder)) == "OWNERSHIP_STAYS"
    assert await refused(n, change.format("ADOPTED", await log(n, str(id), "ADOPTED"), "")) == "PROJECT_STAYS"


async def test_the_database_keeps_who_left_and_when(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    one, two = await n.newcomers(2, "xishan")
    people = [await a.person(one), await a.person(two)]
    agreement = await a.accept(await a.claim(await a.spot("凉亭-58", "PROJECT"), coAdopterIds=people))
    id, first = split_global(agreement)[1], split_global(people[0])[1]
    rows = await n.server.runtime.database.read(
        "SELECT x.id, x.claim_id FROM adoption_co_adopter x JOIN adoption_agreement g ON g.claim_id = x.claim_id"
        f" WHERE g.id = '{id}' AND x.actor_id = '{first}'"
    )
    share, claim = rows[0]
    where = f" WHERE id = '{share}'"
    gone = "UPDATE adoption_co_adopter SET left_on = '2030-01-01'"
    assert await refused(n, gone + where) == "APPEND_ONLY"  # by no event that says so
    await a.sign(agreement)
    await n.do(one, "adoptionLeaveAgreement", "agreement { id }", agreementId=agreement)
    assert await refused(n, f"UPDATE adoption_co_adopter SET left_on = NULL{where}") == "APPEND_ONLY"
    assert await refused(n, gone + where) == "APPEND_ONLY"
    assert await refused(n, f"DELETE FROM adoption_co_adopter{where}") == "APPEND_ONLY"
    # Who left neither signs nor works for the spot, whatever wrote the row.
    sql = await copied(n, "adoption_signature", f"agreement_id = '{id}'", party_id=f"'{first}'")
    assert await refused(n, sql) == "NOT_A_PARTY"
    await n.do(two, "adoptionSignAgreement", "agreement { id }", agreementId=agreement)
    day = n.clock.today().isoformat()
    await n.do(two, "adoptionLogUpkeep", "upkeep { id }", agreementId=agreement, what="除草", minutes=5, doneOn=day)
    sql = await copied(n, "adoption_upkeep", f"agreement_id = '{id}'", adopter_id=f"'{first}'")
    assert await refused(n, sql) == "NOT_A_PARTY"
    # What they helped to build they do not accept.
    await n.do("admin", "adoptionAcceptProject", "acceptance { id }", agreementId=agreement)
    sql = await copied(n, "adoption_acceptance", f"agreement_id = '{id}'", accepted_by_id=f"'{first}'")
    assert await refused(n, sql) == "OWN_MATTER"
    # Nobody leaves what is over.
    await n.do(two, "adoptionEndAgreement", "agreement { id }", agreementId=agreement, reason="搬家")
    await n.do("custodian", "adoptionWaiveNotice", "agreement { id }", agreementId=agreement, actingFor=a.committee)
    mark = n.server.runtime.database.dialect.mark
    other = (await n.server.runtime.database.read(
        f"SELECT id FROM adoption_co_adopter WHERE claim_id = {mark(1)} AND left_on IS NULL", [claim]
    ))[0][0]  # fmt: skip
    event = await log(n, str(other), None, "adoption.co_adopter.left")
    late = (
        f"UPDATE adoption_co_adopter SET left_on = '2030-01-01', event_id = '{event}', version = version + 1"
        f" WHERE id = '{other}'"
    )
    assert await refused(n, late) == "AGREEMENT_OVER"
    assert (
        await n.refused(two, "adoptionLeaveAgreement", "agreement { id }", agreementId=agreement) == "AGREEMENT_STATE"
    )
