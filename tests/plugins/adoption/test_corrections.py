"""Mistakes are mended by events of their own, while nothing rests on them; two actors who are one keep one set of rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.access import Acting
from core.corrections import Finding
from core.errors import Refusal
from core.ids import split_global
from core.models import Actor
from core.runtime import Command
from core.testing.kit import Neighbourhood
from core.work import Work
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio


async def test_a_wrong_inspection_is_voided_and_no_longer_counts(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-21"))
    first_due = (await a.see(agreement, "nextInspectionOn"))["nextInspectionOn"]
    await a.days(3)
    first = await a.inspect(agreement, 40)
    second = await a.inspect(agreement, 30, recheckOfId=first["id"])
    proposals = "revocations(where: {state: {eq: PROPOSED}}) { totalCount }"
    assert (await a.see(agreement, proposals, "admin"))["revocations"]["totalCount"] == 1
    with pytest.raises(Refusal, match="CANNOT_UNDO"):  # it was rechecked
        await a.undo("inspector", "adoption.inspection.failed", first["id"])
    with pytest.raises(Refusal, match="NOT_PERMITTED"):
        await a.undo("company", "adoption.inspection.failed", second["id"])
    await a.undo("inspector", "adoption.inspection.failed", second["id"])
    # The proposal falls with it, but the first failure still counts.
    assert (await a.see(agreement, proposals, "admin"))["revocations"]["totalCount"] == 0
    assert (await a.see(second["id"], "result score"))["result"] == "VOIDED"
    await a.inspect(agreement, 20, recheckOfId=first["id"])
    assert (await a.see(agreement, proposals, "admin"))["revocations"]["totalCount"] == 1
    with pytest.raises(Refusal, match="CANNOT_UNDO"):
        await a.undo("inspector", "adoption.inspection.failed", second["id"])
    passed = await a.inspect(agreement, 99)
    assert (await a.see(agreement, "nextInspectionOn"))["nextInspectionOn"] > first_due
    await a.undo("inspector", "adoption.inspection.passed", passed["id"])
    log = await n.ask(
        "admin",
        'query($s: ID!) { events(where: {subject: {eq: $s}, type: {eq: "adoption.inspection.voided"}}) { nodes { data } } }',
        s=passed["id"],
    )
    data = log["events"]["nodes"][0]["data"]
    assert data["inspection"] == str(split_global(passed["id"])[1])
    assert data["actor"] == str(split_global(a.company)[1])
    assert UUID(data["event"])


async def test_a_wrong_decision_is_undone_before_anybody_has_signed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset = await a.spot("绿地-22")
    claim = await a.claim(asset)
    draft = await a.accept(claim)
    await a.undo("custodian", "adoption.claim.accepted", claim, acting_for=a.committee)
    assert await a.see(draft, "state endReason asset { state }") == {
        "state": "ENDED", "endReason": "CANCELLED", "asset": {"state": "AVAILABLE"},
    }  # fmt: skip
    reject = {"claimId": claim, "accept": False, "reason": "材料不全", "actingFor": a.committee}
    await n.do("custodian", "adoptionDecideClaim", "claim { state }", **reject)
    await a.undo("custodian", "adoption.claim.rejected", claim, acting_for=a.committee)
    assert (await a.see(claim, "state decidedBy { id }", "clerk")) == {"state": "SUBMITTED", "decidedBy": None}
    agreement = await a.accept(claim)
    await n.do("company", "adoptionSignAgreement", "agreement { id }", agreementId=agreement, actingFor=a.company)
    with pytest.raises(Refusal, match="CANNOT_UNDO"):
        await a.undo("custodian", "adoption.claim.accepted", claim, acting_for=a.committee)
    await n.do("custodian", "adoptionSignAgreement", "agreement { id }", agreementId=agreement, actingFor=a.committee)
    await n.do(
        "company",
        "adoptionEndAgreement",
        "agreement { id }",
        agreementId=agreement,
        actingFor=a.company,
        reason="误操作",
    )
    await a.undo("company", "adoption.agreement.notice_given", agreement, acting_for=a.company)
    assert (await a.see(agreement, "state noticeEndsOn")) == {"state": "ACTIVE", "noticeEndsOn": None}


async def merge(n: Neighbourhood, kept: UUID, gone: UUID, *, move: bool) -> list[Finding]:
    """What adoption finds about a merge, and its part of it."""
    merging = next(m for m in n.server.host.mergings if m.plugin == "adoption")
    found: list[Finding] = []

    async def rule(work: Work) -> dict[str, Any]:
        work.require("core.actor.register", await work.get(Actor, kept))
        found.extend(await merging.preview(work, kept, gone))
        if move:
            await merging.move(work, kept, gone)
        return {}

    await n.server.runtime.perform(Command("merge", await n.viewer("admin"), Acting()), rule)
    return found


async def test_two_actors_who_are_one_keep_one_set_of_claims_and_agreements(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    double = await a.enterprise("企业乙(重复登记)", "company")
    kept, gone = split_global(a.company)[1], split_global(double)[1]
    agreement = await a.adopt(await a.spot("绿地-23"))
    asset = await a.spot("绿地-24")
    waiting = await a.claim(asset)
    again = (await n.do("company", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="CARE", actingFor=double))["claim"]["id"]  # fmt: skip
    shared = await a.spot("绿地-25")
    share = (await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=shared, mode="FUND", coAdopterIds=[double]))["claim"]["id"]  # fmt: skip
    assert await merge(n, kept, gone, move=False) == [
        Finding("adoption_claim", 2), Finding("adoption_claim", 1, "BOTH_CLAIMED"),
    ]  # fmt: skip
    committee = split_global(a.committee)[1]
    blocked = await merge(n, committee, kept, move=False)
    assert [f for f in blocked if f.code] == [Finding("adoption_agreement", 2, "CUSTODIAN_AND_ADOPTER")]
    await n.do("company", "adoptionWithdrawClaim", "claim { id }", claimId=again, actingFor=double)
    assert [f for f in await merge(n, kept, gone, move=True) if f.code] == []
    assert (await a.see(again, "claimant { id }", "admin"))["claimant"] == {"id": a.company}
    assert (await a.see(share, "coAdopters { nodes { actor { id } } }", "admin"))["coAdopters"]["nodes"] == [
        {"actor": {"id": a.company}}
    ]
    # The custodian's spots and agreements follow as well, by an event that says so; ownership moves in no other way.
    office = await a.enterprise("西山社村委会(重复登记)", "custodian")
    await merge(n, split_global(office)[1], committee, move=True)
    seen = await a.see(agreement, "custodian { id } adopter { id } asset { custodian { id } }")
    assert seen == {"custodian": {"id": office}, "adopter": {"id": a.company}, "asset": {"custodian": {"id": office}}}
    assert (await a.see(waiting, "state", "admin"))["state"] == "SUBMITTED"


async def test_whoever_left_a_joint_adoption_may_prove_to_be_one_who_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    doubles = [await a.enterprise(f"企业丁({number})", "resident") for number in range(3)]
    twin = await a.enterprise("企业乙(重复登记)", "resident")
    agreement = await a.accept(await a.claim(await a.spot("绿地-26"), coAdopterIds=[*doubles, twin]))
    leave = ("resident", "adoptionLeaveAgreement", "agreement { state }")
    first, second, third, double = [split_global(id)[1] for id in (*doubles, twin)]
    company = split_global(a.company)[1]
    blocking = Finding("adoption_claim", 1, "BOTH_CLAIMED")
    # Both adopt the same spot: one of them leaves first, then they are one, and the history says when.
    assert blocking in await merge(n, first, second, move=False)
    assert blocking in await merge(n, company, double, move=False)
    await n.do(*leave, agreementId=agreement, actingFor=doubles[1])
    await n.do(*leave, agreementId=agreement, actingFor=twin)
    assert await merge(n, first, second, move=True) == [Finding("adoption_claim", 1)]
    assert await merge(n, company, double, move=True) == [Finding("adoption_claim", 1)]
    today = n.clock.today().isoformat()
    shares = (await a.see(agreement, "coAdopters { nodes { leftOn actor { id } } }"))["coAdopters"]["nodes"]
    assert [(s["actor"]["id"], s["leftOn"]) for s in shares] == [
        (doubles[0], None), (doubles[0], today), (doubles[2], None), (a.company, today),
    ]  # fmt: skip
    # Those who stay are parties all the same: they sign, and leave, as before.
    assert await a.sign(agreement, ("resident", doubles[0]), ("resident", doubles[2])) == "ACTIVE"
    end = {"agreementId": agreement, "reason": "搬迁", "actingFor": doubles[0]}
    await n.do("resident", "adoptionEndAgreement", "agreement { id }", **end)
    await n.do(*leave, agreementId=agreement, actingFor=doubles[0])
    company_leaves = await n.refused(
        "company", "adoptionLeaveAgreement", "agreement { id }", agreementId=agreement, actingFor=a.company
    )
    assert company_leaves == "LEAD_STAYS"
    # Who left keeps the notice they gave, whoever they prove to be.
    assert await merge(n, third, first, move=True) == [Finding("adoption_claim", 1), Finding("adoption_agreement", 1)]
    assert (await a.see(agreement, "noticeBy { id }"))["noticeBy"] == {"id": doubles[2]}
