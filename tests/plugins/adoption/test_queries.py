"""A full agreement, read by everybody through the plan and plainly: the same answers."""

from __future__ import annotations

import orjson
import pytest

from core.access import ANONYMOUS
from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio

EVERYTHING = """query($d: Date!) {
  adoptionAgreements(where: {inspectionDueBy: $d}) { totalCount }
  adoptionClaims(first: 50) { nodes { state feasibility coAdopters { nodes { actor { name } } } } }
  adoptionRevocations { totalCount nodes { state fails reason answer revokedBy { name } } }
  adoptionInspections(first: 50) { nodes { result evidence overdueAt } }
  all: adoptionAgreements { nodes { state certificateNumber coAdopters { nodes { actor { name } } }
    acceptances { nodes { evidence } } upkeep { nodes { minutes what } } revocations { nodes { appeal } } } }
}"""


async def test_planned_and_plain_execution_agree_on_a_full_agreement(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset = await a.spot("步道", "PROJECT")
    claim = await a.claim(asset, coAdopterIds=[await a.person("resident")])
    await n.do("clerk", "adoptionReviewClaim", "claim { id }", claimId=claim, feasibility="可行")
    agreement = await a.accept(claim)
    await a.sign(agreement, ("resident", None))
    await n.do("resident", "adoptionLogUpkeep", "upkeep { id }", agreementId=agreement, what="铺砖", minutes=90,
               doneOn=n.clock.today().isoformat())  # fmt: skip
    failed = await a.inspect(agreement, 10, evidence=["照片 1", 'https://photos.example/"2".jpg'])
    await a.inspect(agreement, 20, recheckOfId=failed["id"])
    await n.do("admin", "adoptionAcceptProject", "acceptance { id }", agreementId=agreement, evidence=["验收单"])
    await n.do(
        "custodian", "adoptionRevoke", "revocation { id }", agreementId=agreement, reason="弃管", actingFor=a.committee
    )
    await n.delivered()
    await n.quiet()
    answers = {}
    for who in (None, "resident", "clerk", "custodian", "inspector", "admin"):
        viewer = await n.viewer(who) if who else ANONYMOUS
        given = {"d": n.clock.today().isoformat()}
        planned = orjson.loads(orjson.dumps(await n.server.graphql.execute(EVERYTHING, given, viewer=viewer)))
        plain = orjson.loads(orjson.dumps(await n.server.graphql.execute(EVERYTHING, given, viewer=viewer, plain=True)))
        assert "errors" not in planned, planned["errors"]
        assert planned == plain, who
        answers[who] = planned["data"]
    seen = {who: data["adoptionRevocations"]["totalCount"] for who, data in answers.items()}
    assert seen == {None: 0, "resident": 1, "clerk": 0, "custodian": 1, "inspector": 0, "admin": 1}
    evidence = [i["evidence"] for i in answers[None]["adoptionInspections"]["nodes"] if i["evidence"]]
    assert evidence == [["照片 1", 'https://photos.example/"2".jpg']]
