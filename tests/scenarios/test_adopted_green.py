"""A1: a company adopts a green space. Claims, notice, signatures, upkeep, inspections, points, and the log of it all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption")]


async def test_a_company_adopts_a_green_space_and_its_points_grow(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    await a.tune(notice_days=7)
    asset = await a.spot(
        "绿地-07", position={"latitudeE6": 24501234, "longitudeE6": 118031234, "coordinateSystem": "GCJ02"}
    )
    first = await a.claim(asset, statement="员工每周来两次")
    second = (await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="CARE"))["claim"]["id"]
    reviewed = await n.do(
        "clerk", "adoptionReviewClaim", "claim { state feasibility }", claimId=first, feasibility="离公司近,可行"
    )
    assert reviewed["claim"] == {"state": "REVIEWED", "feasibility": "离公司近,可行"}
    decide = ("custodian", "adoptionDecideClaim", "claim { state }")
    assert await n.refused(*decide, claimId=first, accept=True, actingFor=a.committee) == "ON_NOTICE"
    await a.days(7)
    agreement = await a.accept(first)
    taken = await n.refused(*decide, claimId=second, accept=True, actingFor=a.committee)
    assert taken == "ASSET_TAKEN"
    assert await a.sign(agreement) == "ACTIVE"
    began = n.clock.today()
    seen = await a.see(
        agreement,
        "certificateNumber nextInspectionOn adopter { name } asset { name state latitudeE6 coordinateSystem }"
        " startsOn endsOn settingsVersion",
    )
    prefix, _, number = seen["certificateNumber"].rpartition("-")
    given = "query($p: String!) { adoptionAgreements(where: {certificateNumber: {startsWith: $p}}) { totalCount } }"
    assert prefix == f"xishan-{began.year}"
    assert (await n.ask(None, given, p=prefix))["adoptionAgreements"]["totalCount"] == int(number)
    assert seen["asset"] == {
        "name": "绿地-07", "state": "ADOPTED", "latitudeE6": 24501234, "coordinateSystem": "GCJ02",
    }  # fmt: skip
    assert seen["startsOn"] == began.isoformat()
    assert seen["adopter"] == {"name": "企业乙"}

    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }",
        role="INSPECTOR", areaId=a.xishan, actorId=await a.person("company"),
    )  # fmt: skip
    own = await n.refused("company", "adoptionInspect", "inspection { id }", agreementId=agreement, score=100)
    assert own == "OWN_MATTER"
    due = "query($d: Date!) { adoptionAgreements(where: {inspectionDueBy: $d}) { nodes { id } } }"
    for month, score in enumerate((90, 85, 50, 80, 88, 92), 1):
        await a.days(30)
        await n.do(
            "company", "adoptionLogUpkeep", "upkeep { minutes }", agreementId=agreement, actingFor=a.company,
            doneOn=n.clock.today().isoformat(), what="浇水、修剪", minutes=60 * month,
        )  # fmt: skip
        await a.days(1)
        waiting = (await n.ask(None, due, d=n.clock.today().isoformat()))["adoptionAgreements"]["nodes"]
        assert {"id": agreement} in waiting
        made = await a.inspect(agreement, score, evidence=["https://photos.example/1.jpg"])
        assert (made["result"], made["evidence"]) == (
            "FAILED" if score < 60 else "PASSED", ["https://photos.example/1.jpg"],
        )  # fmt: skip
        waiting = (await n.ask(None, due, d=n.clock.today().isoformat()))["adoptionAgreements"]["nodes"]
        assert {"id": agreement} not in waiting
        if score == 50:
            assert made["rectifyBy"] == (n.clock.today() + timedelta(days=15)).isoformat()
            await a.days(7)
            again = await a.inspect(agreement, 75, recheckOfId=made["id"])
            assert again["result"] == "PASSED"
            late = await n.refused(
                "inspector", "adoptionInspect", "inspection { id }",
                agreementId=agreement, score=99, recheckOfId=made["id"],
            )  # fmt: skip
            assert late == "ALREADY_RECTIFIED"
    await n.delivered()
    facts = await a.see(
        agreement,
        "upkeep { totalCount } inspections(first: 20) { totalCount nodes { inspector { id } recheckOf { id } } }"
        " asset { agreements(where: {state: {eq: ACTIVE}}) { totalCount } } revocations { totalCount }",
        "admin",
    )
    assert facts["upkeep"]["totalCount"] == 6
    assert facts["asset"]["agreements"]["totalCount"] == 1
    assert facts["inspections"]["totalCount"] == 7
    assert sum(i["recheckOf"] is not None for i in facts["inspections"]["nodes"]) == 1
    assert {i["inspector"]["id"] for i in facts["inspections"]["nodes"]} == {await a.person("inspector")}
    assert facts["revocations"]["totalCount"] == 0
    if "points" in n.server.host.keys:
        await points_grew(n, a.company)

    ended = await n.do(
        "company", "adoptionEndAgreement", "agreement { state noticeEndsOn }",
        agreementId=agreement, actingFor=a.company, reason="搬迁",
    )  # fmt: skip
    over = n.clock.today() + timedelta(days=30)
    assert ended["agreement"] == {"state": "ACTIVE", "noticeEndsOn": over.isoformat()}
    await a.days(29)
    assert (await a.see(agreement, "state"))["state"] == "ACTIVE"
    await a.days(1)
    assert await a.see(agreement, "state endReason endedOn asset { state }") == {
        "state": "ENDED", "endReason": "TERMINATED", "endedOn": over.isoformat(), "asset": {"state": "AVAILABLE"},
    }  # fmt: skip
    late = await n.refused("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=90)
    assert late == "AGREEMENT_STATE"
    # The claim that waited is accepted now.
    assert (await a.see(second, "state", "resident"))["state"] == "SUBMITTED"
    await a.accept(second)
    assert await a.events(agreement) == [
        "adoption.agreement.signed", "adoption.agreement.active", "adoption.agreement.notice_given",
        "adoption.agreement.ended",
    ]  # fmt: skip


async def points_grew(n: Neighbourhood, company: str) -> None:
    """Five passes and one put right are six entries, 55 points; the same events again change nothing."""
    facts = """query($c: ID!) { pointsAccounts(where: {actor: {id: {eq: $c}}}) { nodes {
        balance entries { totalCount nodes { id amount } } } } }"""
    account = (await n.ask("admin", facts, c=company))["pointsAccounts"]["nodes"][0]
    assert (account["balance"], account["entries"]["totalCount"]) == (55, 6)
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch("UPDATE core_delivery SET transaction_id = 0, seq = 0")
    await n.delivered()
    assert not await n.server.runtime.database.read("SELECT 1 FROM core_delivery_failure")
    assert (await n.ask("admin", facts, c=company))["pointsAccounts"]["nodes"] == [account]
    small = next(e["id"] for e in account["entries"]["nodes"] if e["amount"] == 5)
    await n.do("admin", "pointsReverse", "entry { amount }", entryId=small, reason="记错了")
    after = (await n.ask("admin", facts, c=company))["pointsAccounts"]["nodes"][0]
    assert (after["balance"], after["entries"]["totalCount"]) == (50, 7)
