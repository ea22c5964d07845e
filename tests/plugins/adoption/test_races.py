"""INV11 under fire: twenty decisions, one adopter."""

from __future__ import annotations

import asyncio

import pytest

from core.testing.kit import Neighbourhood, Refused

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
