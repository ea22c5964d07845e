"""Spots: a community opens what it chooses to, corrects what is wrong, and withdraws what is no longer there."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood, Refused
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio


async def test_a_community_opens_the_kinds_it_chooses_and_a_refusal_cites_its_rule(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    document = await n.do(
        "admin", "coreIssueRuleDocument", "ruleDocument { id }",
        areaId=await n.area_id("haicang"), issuerId=a.committee, title="认领管理办法", edition="2026", effectiveFrom="2026-01-01",
    )  # fmt: skip
    id = document["ruleDocument"]["id"]
    kinds = {"key": "asset_kinds", "value": ["GREEN_SPACE", "TREE"], "ruleDocumentId": id, "article": "第四条"}
    tune = ("admin", "coreSetPluginSettings", "area { id }")
    await n.do(*tune, areaId=await n.area_id("haicang"), plugin="adoption", settings=[kinds])
    with pytest.raises(Refused) as caught:
        await a.spot("健身角", "SPACE")
    assert caught.value.codes == ["KIND_OUT_OF_SCOPE"]
    assert "《认领管理办法》(2026)第四条" in caught.value.errors[0]["message"]
    # A village may choose fewer of them, and never more.
    wider = [{"key": "asset_kinds", "value": ["TREE", "SPACE"]}]
    assert await n.refused(*tune, areaId=a.xishan, plugin="adoption", settings=wider) == "SETTING_TOO_LOOSE"
    await a.tune(asset_kinds=["GREEN_SPACE"])
    with pytest.raises(Refused):
        await a.spot("老樟树", "TREE")
    agreement = await a.adopt(await a.spot("绿地-12"))
    seen = await a.see(agreement, "settingsVersion ruleDocument { title edition }")
    assert seen["ruleDocument"] == {"title": "认领管理办法", "edition": "2026"}
    assert seen["settingsVersion"] > 0


async def test_a_spot_is_corrected_and_withdrawn(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset = await a.spot("绿地-13")
    update = ("clerk", "adoptionUpdateAsset", "asset { name kind duties latitudeE6 longitudeE6 coordinateSystem }")
    where = {"latitudeE6": -24_500_000, "longitudeE6": 118_000_001, "coordinateSystem": "CGCS2000"}
    assert await n.refused(*update, assetId=asset) == "NOTHING_TO_CHANGE"
    assert await n.refused(*update, assetId=asset, position={**where, "latitudeE6": 90_000_001}) == "BAD_POSITION"
    assert await n.refused(*update, assetId=asset, name="村口凉亭") == "ASSET_EXISTS"
    done = await n.do(*update, assetId=asset, kind="SPACE", position=where, expectedVersion=1)
    assert done["asset"] == {"name": "绿地-13", "kind": "SPACE", "duties": "浇水、修剪", **where}
    assert await n.refused(*update, assetId=asset, name="x", expectedVersion=1) == "VERSION_CONFLICT"
    assert await n.refused("resident", *update[1:], assetId=asset, name="x") == "NOT_PERMITTED"
    near = "{ adoptionAssets(where: {latitudeE6: {lt: -24000000}, coordinateSystem: {eq: CGCS2000}}) { totalCount } }"
    assert (await n.ask(None, near))["adoptionAssets"]["totalCount"] == 1

    retire = ("clerk", "adoptionRetireAsset", "asset { state waitingClaims }")
    agreement = await a.accept(await a.claim(asset))
    waiting = (await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="FUND"))["claim"]["id"]
    assert await n.refused(*retire, assetId=asset, reason="改建") == "ASSET_IN_USE"
    await n.do("company", "adoptionEndAgreement", "agreement { state }", agreementId=agreement,
               actingFor=a.company, reason="条件变化")  # fmt: skip
    assert await a.see(agreement, "state endReason") == {"state": "ENDED", "endReason": "CANCELLED"}
    done = await n.do(*retire, assetId=asset, reason="改建停车场")
    assert done["asset"] == {"state": "RETIRED", "waitingClaims": 0}
    assert (await a.see(waiting, "state", "resident"))["state"] == "REJECTED"
    claim = await n.refused("resident", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="FUND")
    assert claim == "ASSET_RETIRED"
    await a.spot("绿地-13")  # the name is free again


async def test_who_adopts_together_is_named_once_and_never_the_custodian(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset, resident = await a.spot("绿地-14"), await a.person("resident")
    submit = {"assetId": asset, "mode": "CARE"}
    for wrong, code in (
        ([resident, resident], "CO_ADOPTERS"),
        ([a.company], "CO_ADOPTERS"),
        ([a.committee], "OWN_ASSET"),
        (["actor_01a210ba-bd0c-75ea-b962-5af7725152e0"], "NOT_FOUND"),
        (["x"], "BAD_ID"),
    ):
        refused = await n.refused("company", "adoptionSubmitClaim", "claim { id }", **submit, actingFor=a.company, coAdopterIds=wrong)  # fmt: skip
        assert refused == code, wrong
    claim = await a.claim(asset, coAdopterIds=[resident])
    # Seen by who asks as well; neither of them reviews or decides it, whatever their roles.
    assert (await a.see(claim, "coAdopters { totalCount }", "resident"))["coAdopters"]["totalCount"] == 1
    assert await a.see(claim, "state") is None
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=a.xishan, actorId=resident)
    review = await n.refused("resident", "adoptionReviewClaim", "claim { id }", claimId=claim, feasibility="好")
    decide = await n.refused("resident", "adoptionDecideClaim", "claim { id }", claimId=claim, accept=True)
    assert (review, decide) == ("OWN_MATTER", "OWN_MATTER")
    agreement = await a.accept(claim)
    assert await a.sign(agreement) == "DRAFT"  # one has not signed yet
    log = ("adoptionLogUpkeep", "upkeep { adopter { id } }")
    what = {"agreementId": agreement, "what": "除草", "doneOn": n.clock.today().isoformat()}
    assert await n.refused("resident", *log, **what, minutes=5) == "AGREEMENT_STATE"
    await n.do("resident", "adoptionSignAgreement", "agreement { state }", agreementId=agreement)
    for wrong, code in (({}, "ONE_OF_NEEDED"), ({"minutes": 5, "amount": 5}, "ONE_OF_NEEDED"), ({"minutes": 0}, "BAD_AMOUNT"),
                        ({"amount": 2**53}, "BAD_AMOUNT"), ({"minutes": 5, "doneOn": "2999-01-01"}, "IN_THE_FUTURE")):  # fmt: skip
        if wrong.get("amount") == 2**53:
            wrong = {"amount": 10**12 + 1}
        assert await n.refused("resident", *log, **{**what, **wrong}) == code
    assert await n.refused("inspector", *log, **what, minutes=5) == "NOT_PERMITTED"
    done = await n.do("resident", *log, **what, minutes=5)
    assert done["upkeep"]["adopter"]["id"] == resident
    many = await n.refused("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=9, evidence=["x"] * 11)  # fmt: skip
    assert many == "TOO_MUCH_EVIDENCE"
