"""Many at once: one adopter, one decision, one number each, and nothing inspected that has ended."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.access import Acting
from core.ids import split_global
from core.runtime import Command
from core.testing.kit import Neighbourhood, Refused
from core.work import Work
from plugins.adoption.rules import sign_agreement
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio


async def test_twenty_claims_accepted_at_once_leave_one_agreement(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    asset = (await n.ask(None, '{ adoptionAssets(where: {name: {eq: "老榕树"}}) { nodes { id } } }'))["adoptionAssets"]
    asset_id = asset["nodes"][0]["id"]
    people = await n.newcomers(20, "xishan")
    claims = await asyncio.gather(
        *(n.do(p, "adoptionSubmitClaim", "claim { id }", assetId=asset_id, mode="CARE") for p in people)
    )

    async def accept(claim: str) -> str:
        try:
            await n.do("admin", "adoptionDecideClaim", "claim { id }", claimId=claim, accept=True)
        except Refused as refused:
            return str(refused.codes[0])
        return "done"

    results = await asyncio.gather(*(accept(c["claim"]["id"]) for c in claims))
    assert sorted(results) == ["ASSET_TAKEN"] * 19 + ["done"]
    seen = await n.ask(
        "admin",
        "query($i: ID!) { adoptionAsset(id: $i) { state agreements { totalCount }"
        " waiting: claims(where: {state: {eq: SUBMITTED}}) { totalCount } } }",
        i=asset_id,
    )
    assert seen["adoptionAsset"] == {
        "state": "RESERVED", "agreements": {"totalCount": 1}, "waiting": {"totalCount": 19},
    }  # fmt: skip


async def test_one_claimant_claiming_twenty_times_has_one_claim(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    asset = (await n.ask(None, '{ adoptionAssets(where: {name: {eq: "老榕树"}}) { nodes { id } } }'))["adoptionAssets"]

    async def claim() -> str:
        try:
            await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=asset["nodes"][0]["id"], mode="FUND")
        except Refused as refused:
            return str(refused.codes[0])
        return "done"

    assert sorted(await asyncio.gather(*(claim() for _ in range(20)))) == ["ALREADY_CLAIMED"] * 19 + ["done"]


async def test_two_clerks_deciding_one_claim_decide_it_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    for number in range(4):
        claim = await a.claim(await a.spot(f"绿地-3{number}"))
        decide = ("adoptionDecideClaim", "claim { id }")
        results = await asyncio.gather(
            n.outcome("admin", *decide, claimId=claim, accept=True),
            n.outcome("custodian", *decide, claimId=claim, accept=False, reason="材料不全", actingFor=a.committee),
        )
        assert sorted(results) == ["CLAIM_DECIDED", "done"]
        drafts = await a.see(claim, "state agreements { totalCount }", "admin")
        assert drafts["agreements"]["totalCount"] == (drafts["state"] == "ACCEPTED")


async def test_an_inspection_during_termination_is_before_it_or_refused(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    drafts = [await a.accept(await a.claim(await a.spot(f"绿地-4{number}"))) for number in range(4)]
    for draft in drafts:
        await n.do("company", "adoptionSignAgreement", "agreement { id }", agreementId=draft, actingFor=a.company)
    sign = ("custodian", "adoptionSignAgreement", "agreement { id }")
    assert await asyncio.gather(*(n.outcome(*sign, agreementId=d, actingFor=a.committee) for d in drafts)) == (
        ["done"] * 4
    )
    numbers = {(await a.see(d, "certificateNumber"))["certificateNumber"] for d in drafts}
    assert len(numbers) == 4 and None not in numbers
    for agreement in drafts:
        await n.do(
            "company",
            "adoptionEndAgreement",
            "agreement { id }",
            agreementId=agreement,
            actingFor=a.company,
            reason="搬迁",
        )
        seen, ended = await asyncio.gather(
            n.outcome("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=90),
            n.outcome(
                "custodian", "adoptionWaiveNotice", "agreement { id }", agreementId=agreement, actingFor=a.committee
            ),
        )
        assert ended == "done"
        facts = await a.see(agreement, "state inspections { totalCount }")
        assert facts == {"state": "ENDED", "inspections": {"totalCount": int(seen == "done")}}
        assert seen in ("done", "AGREEMENT_STATE")


async def test_two_signed_in_one_transaction_have_two_numbers(neighbourhood: Neighbourhood) -> None:
    """As the demo does, and as a batch may."""
    a = await Adopting.begin(neighbourhood)
    n = a.n
    drafts = []
    for name in ("绿地-21", "绿地-22"):
        draft = await a.accept(await a.claim(await a.spot(name)))
        await n.do("company", "adoptionSignAgreement", "agreement { id }", agreementId=draft, actingFor=a.company)
        drafts.append(draft)

    async def both(work: Work) -> dict[str, Any]:
        for draft in drafts:
            await sign_agreement(work, agreement_id=split_global(draft)[1])
        return {}

    committee = Acting(for_id=split_global(a.committee)[1])
    await n.server.runtime.perform(Command("both", await n.viewer("custodian"), committee), both)
    numbers = [(await a.see(draft, "certificateNumber"))["certificateNumber"] for draft in drafts]
    assert int(numbers[1][-4:]) == int(numbers[0][-4:]) + 1
