"""What a community tunes takes effect; what began under other settings goes on under them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood

pytestmark = pytest.mark.anyio


async def tune(n: Neighbourhood, code: str, **values: Any) -> None:
    settings = [{"key": key, "value": value} for key, value in values.items()]
    await n.do(
        "admin",
        "coreSetPluginSettings",
        "area { id }",
        areaId=await n.area_id(code),
        plugin="adoption",
        settings=settings,
    )


async def test_a_claim_on_notice_waits(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    await tune(n, "xishan", notice_days=3)
    committee = await n.actor_id("西山社村民委员会")
    spot = await n.do(
        "clerk", "adoptionListAsset", "asset { id }",
        areaId=await n.area_id("xishan"), custodianId=committee, name="绿地-09", kind="GREEN_SPACE", duties="浇水",
    )  # fmt: skip
    claim = await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=spot["asset"]["id"], mode="CARE")
    decide = ("custodian", "adoptionDecideClaim", "claim { state }")
    accept = {"claimId": claim["claim"]["id"], "accept": True, "actingFor": committee}
    assert await n.refused(*decide, **accept) == "ON_NOTICE"
    n.clock.advance(timedelta(days=3))
    assert (await n.do(*decide, **accept))["claim"]["state"] == "ACCEPTED"


async def test_an_agreement_goes_on_under_the_settings_it_began_with(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    agreement = (await n.ask(None, "{ adoptionAgreements(where: {state: {eq: ACTIVE}}) { nodes { id } } }"))[
        "adoptionAgreements"
    ]["nodes"][0]["id"]
    await tune(n, "haicang", pass_score=90)
    inspect = ("inspector", "adoptionInspect", "inspection { result }")
    made = await n.do(*inspect, agreementId=agreement, score=70)
    assert made["inspection"]["result"] == "PASSED"
