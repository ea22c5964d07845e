"""A neglected green: two fails propose a revocation, a person revokes, the adopters appeal, and somebody else decides."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption")]

OPEN = """query($a: ID!) { adoptionRevocations(where: {agreement: {id: {eq: $a}}, state: {eq: PROPOSED}}) {
    nodes { id fails } } }"""


async def test_two_fails_a_revocation_an_appeal_and_another_try(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    partner = await a.person("resident")
    asset = await a.spot("绿地-08")
    agreement = await a.accept(await a.claim(asset, coAdopterIds=[partner]))
    assert await a.sign(agreement, ("resident", None)) == "ACTIVE"
    await n.do("company", "adoptionLogUpkeep", "upkeep { id }", agreementId=agreement, actingFor=a.company,
               doneOn=n.clock.today().isoformat(), what="购花苗", amount=250_000)  # fmt: skip
    await a.days(20)
    assert (await a.inspect(agreement, 90))["result"] == "PASSED"

    # A fail that is not put right in time counts as the second one: the calendar proposes, a person decides.
    await a.days(30)
    failed = await a.inspect(agreement, 40)
    await a.days(15)
    assert (await n.ask("admin", OPEN, a=agreement))["adoptionRevocations"]["nodes"] == []
    assert (await a.days(1))["adoption.rectifications"] == 1
    assert (await a.see(failed["id"], "overdueAt result"))["overdueAt"] is not None
    proposed = (await n.ask("admin", OPEN, a=agreement))["adoptionRevocations"]["nodes"]
    assert [p["fails"] for p in proposed] == [2]
    assert (await a.days(1))["adoption.rectifications"] == 0  # once is enough
    revocation = proposed[0]["id"]
    assert (await n.ask(None, OPEN, a=agreement))["adoptionRevocations"]["nodes"] == []  # not everybody's business

    revoke = ("adoptionRevoke", "revocation { id state fails appealBy agreement { state asset { state } } }")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=a.xishan, actorId=partner)
    assert await n.refused("resident", *revoke, agreementId=agreement, reason="x") == "OWN_MATTER"
    made = await n.do("custodian", *revoke, agreementId=agreement, actingFor=a.committee, reason="只认不养")
    assert made["revocation"] == {
        "id": revocation, "state": "REVOKED", "fails": 2,
        "appealBy": made["revocation"]["appealBy"], "agreement": {"state": "REVOKED", "asset": {"state": "RESERVED"}},
    }  # fmt: skip
    # Not free before the days to appeal are over; nobody works under it meanwhile.
    other = (await n.do("inspector", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="CARE"))["claim"]["id"]
    decide = ("custodian", "adoptionDecideClaim", "claim { state }")
    assert await n.refused(*decide, claimId=other, accept=True, actingFor=a.committee) == "ASSET_TAKEN"
    assert await n.refused("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=99) == (
        "AGREEMENT_STATE"
    )

    # Any of the adopters may appeal, nobody else; and those who took part in it do not decide.
    appeal = ("adoptionAppeal", "revocation { state }")
    objection = {"revocationId": revocation, "statement": "施工占地,无法养护"}
    assert await n.refused("inspector", *appeal, **objection) == "NOT_FOUND"
    await n.do("resident", *appeal, **objection)
    uphold = ("adoptionDecideAppeal", "revocation { state answer agreement { state asset { state } } }")
    answer = {"revocationId": revocation, "uphold": False, "reason": "属实,撤销原决定"}
    custodian = await a.person("custodian")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=a.xishan, actorId=custodian)
    assert await n.refused("custodian", *uphold, **answer) == "OWN_MATTER"
    assert await n.refused("resident", *uphold, **answer) == "OWN_MATTER"
    decided = await n.do("admin", *uphold, **answer)
    assert decided["revocation"] == {
        "state": "OVERTURNED", "answer": "属实,撤销原决定", "agreement": {"state": "ACTIVE", "asset": {"state": "ADOPTED"}},
    }  # fmt: skip
    # Failures count anew: one more proposes nothing, the second in a row does.
    await a.days(10)
    again = await a.inspect(agreement, 30)
    assert (await n.ask("admin", OPEN, a=agreement))["adoptionRevocations"]["nodes"] == []
    await a.days(5)
    await a.inspect(agreement, 20, recheckOfId=again["id"])
    second = (await n.ask("admin", OPEN, a=agreement))["adoptionRevocations"]["nodes"][0]
    assert second["fails"] == 2
    made = await n.do("custodian", *revoke, agreementId=agreement, actingFor=a.committee, reason="仍未整改")
    assert made["revocation"]["id"] == second["id"]

    # This time nobody appeals; when the days are over it is final, and the one who waited may have it.
    await a.days(15)
    assert (await a.see(agreement, "state"))["state"] == "REVOKED"
    assert (await a.days(1))["adoption.appeal_periods"] == 1
    assert await a.see(agreement, "state endReason asset { state }") == {
        "state": "ENDED", "endReason": "REVOKED", "asset": {"state": "AVAILABLE"},
    }  # fmt: skip
    assert await n.refused("resident", *appeal, revocationId=second["id"], statement="x") == "REVOCATION_STATE"
    await n.do(*decide, claimId=other, accept=True, actingFor=a.committee)
    assert (await a.events(revocation)) == [
        "adoption.revocation.proposed", "adoption.agreement.revoked", "adoption.revocation.appealed",
        "adoption.revocation.overturned",
    ]  # fmt: skip
    if "points" in n.server.host.keys:  # what was earned stays
        earned = "query($c: ID!) { pointsAccounts(where: {actor: {id: {eq: $c}}}) { nodes { balance } } }"
        assert (await n.ask("admin", earned, c=a.company))["pointsAccounts"]["nodes"] == [{"balance": 10}]
