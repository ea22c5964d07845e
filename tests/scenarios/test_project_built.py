"""A pavilion nobody has built yet: an enterprise adopts the project, builds it, and hands it over; it comes to own nothing."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption")]


async def test_an_enterprise_builds_a_project_and_hands_it_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset = await a.spot("健身步道", "PROJECT")
    claim = await a.claim(asset, "FUND", statement="出资 20 万元建设")
    later = (await n.do("resident", "adoptionSubmitClaim", "claim { id }", assetId=asset, mode="FUND"))["claim"]["id"]
    agreement = await a.accept(claim)
    accept = ("adoptionAcceptProject", "acceptance { note evidence agreement { asset { state } } }")
    assert await n.refused("admin", *accept, agreementId=agreement) == "AGREEMENT_STATE"
    assert await a.sign(agreement) == "ACTIVE"
    hand_over = ("adoptionHandOver", "asset { kind state duties custodian { name } }")
    over = {"assetId": asset, "kind": "PUBLIC_FACILITY", "duties": "每周巡查路面"}
    assert await n.refused("admin", *hand_over, **over) == "PROJECT_STATE"
    await a.days(60)
    assert (await a.inspect(agreement, 70, note="基础已完成"))["result"] == "PASSED"

    # The builder does not accept its own work, whatever roles its people have.
    builder = await a.person("company")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=a.xishan, actorId=builder)
    assert await n.refused("company", *accept, agreementId=agreement) == "OWN_MATTER"
    done = await n.do(
        "admin", *accept, agreementId=agreement, note="符合图纸", evidence=["验收单 2026-17", "照片 3 张"]
    )
    assert done["acceptance"] == {
        "note": "符合图纸", "evidence": ["验收单 2026-17", "照片 3 张"], "agreement": {"asset": {"state": "BUILT"}},
    }  # fmt: skip
    assert await n.refused("admin", *accept, agreementId=agreement) == "PROJECT_STATE"

    # Handed over to the committee; not to the builder, and not as another project.
    assert await n.refused("admin", *hand_over, **{**over, "custodianId": a.company}) == "OWNERSHIP_STAYS"
    assert await n.refused("admin", *hand_over, **{**over, "kind": "PROJECT"}) == "NOT_AN_ORDINARY_KIND"
    assert await n.refused("company", *hand_over, **over) == "OWN_MATTER"
    team = await n.actor_id("海虹志愿服务队")
    got = await n.do("custodian", *hand_over, **over, custodianId=team, actingFor=a.committee)
    assert got["asset"] == {
        "kind": "PUBLIC_FACILITY", "state": "AVAILABLE", "duties": "每周巡查路面", "custodian": {"name": "海虹志愿服务队"},
    }  # fmt: skip
    assert await a.see(agreement, "state endReason") == {"state": "ENDED", "endReason": "COMPLETED"}
    assert (await a.see(later, "state", "resident"))["state"] == "REJECTED"  # there is nothing left to build

    # From now on it is a spot like any other, which the builder may take care of; it never becomes a project again.
    change = ("clerk", "adoptionUpdateAsset", "asset { kind }")
    assert await n.refused(*change, assetId=asset, kind="PROJECT") == "PROJECT_STAYS"
    care = await a.claim(asset)
    assert (
        await n.refused(
            "custodian", "adoptionDecideClaim", "claim { id }", claimId=care, accept=True, actingFor=a.committee
        )
        == "NOT_FOUND"
    )  # it is the new custodian's matter, and for nobody else to see
    await n.do("admin", "adoptionReviewClaim", "claim { id }", claimId=care, feasibility="可行")
    assert await a.events(asset) == ["adoption.asset.listed", "adoption.project.handed_over"]
