"""A company adopts a green space: claims, signatures, inspections, points, ranking, and the log of it all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]


async def test_a_company_adopts_a_green_space_and_its_points_grow(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    company, committee = await n.actor_id("企业甲"), await n.actor_id("西山社村民委员会")
    xishan = await n.area_id("xishan")
    # A company of its own, so that the demo's story stays out of the sums.
    made = await n.do(
        "admin", "coreRegisterActor", "actor { id name }", kind="ENTERPRISE", name="企业乙", areaId=xishan
    )
    company = made["actor"]["id"]
    viewer = (await n.ask("company", "{ viewer { id } }"))["viewer"]["id"]
    await n.do(
        "admin", "coreGiveMandate", "mandate { id }",
        personId=viewer, organizationId=company, areaId=await n.area_id("haicang"),
    )  # fmt: skip
    n.clock.set(n.clock.now().replace(month=1, day=10) + timedelta(days=366))  # all of it within one civil year

    asset = await n.do(
        "clerk", "adoptionListAsset", "asset { id state custodian { name } }",
        areaId=xishan, custodianId=committee, name="绿地-07", kind="GREEN_SPACE", duties="浇水、修剪",
    )  # fmt: skip
    assert asset["asset"]["state"] == "AVAILABLE"
    asset_id = asset["asset"]["id"]

    first = await n.do(
        "company", "adoptionSubmitClaim", "claim { id state claimant { name } }",
        assetId=asset_id, mode="CARE", actingFor=company,
    )  # fmt: skip
    second = await n.do("resident", "adoptionSubmitClaim", "claim { id state }", assetId=asset_id, mode="CARE")
    assert first["claim"]["claimant"]["name"] == "企业乙"

    decided = await n.do(
        "custodian", "adoptionDecideClaim", "claim { state } agreement { id state startsOn endsOn }",
        claimId=first["claim"]["id"], accept=True, actingFor=committee,
    )  # fmt: skip
    agreement = decided["agreement"]["id"]
    assert decided["agreement"]["state"] == "DRAFT"
    taken = await n.refused(
        "custodian", "adoptionDecideClaim", "claim { state }",
        claimId=second["claim"]["id"], accept=True, actingFor=committee,
    )  # fmt: skip
    assert taken == "ASSET_TAKEN"

    one = await n.do(
        "company", "adoptionSignAgreement", "agreement { state }", agreementId=agreement, actingFor=company
    )
    assert one["agreement"]["state"] == "DRAFT"
    both = await n.do(
        "custodian", "adoptionSignAgreement", "agreement { state asset { state } }",
        agreementId=agreement, actingFor=committee,
    )  # fmt: skip
    assert both["agreement"] == {"state": "ACTIVE", "asset": {"state": "ADOPTED"}}

    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=xishan, actorId=viewer)
    own = await n.refused("company", "adoptionInspect", "inspection { id }", agreementId=agreement, score=100)
    assert own == "OWN_MATTER"
    results = []
    for score in (90, 50, 80):
        n.clock.advance(timedelta(days=30))
        made = await n.do(
            "inspector", "adoptionInspect", "inspection { id result rectifyBy }", agreementId=agreement, score=score
        )
        results.append(made["inspection"]["result"])
        if score == 50:
            failed = made["inspection"]["id"]
            n.clock.advance(timedelta(days=7))
            await n.do(
                "inspector", "adoptionInspect", "inspection { result }",
                agreementId=agreement, score=75, recheckOfId=failed,
            )  # fmt: skip
            again = await n.refused(
                "inspector", "adoptionInspect", "inspection { result }",
                agreementId=agreement, score=99, recheckOfId=failed,
            )  # fmt: skip
            assert again == "ALREADY_RECTIFIED"
    assert results == ["PASSED", "FAILED", "PASSED"]
    await n.delivered()

    facts = f"""query($c: ID!, $a: ID!) {{
      pointsAccounts(where: {{actor: {{id: {{eq: $c}}}}}}) {{ nodes {{ id balance entries {{ totalCount nodes {{ id amount }} }} }} }}
      pointsRanking(areaId: $a, kind: ENTERPRISE, period: "{n.clock.today().year}") {{ nodes {{ place points actor {{ name }} }} }}
    }}"""
    seen = await n.ask(None, facts, c=company, a=await n.area_id("haicang"))
    account = seen["pointsAccounts"]["nodes"][0]
    assert account["balance"] == 25
    assert sorted(e["amount"] for e in account["entries"]["nodes"]) == [5, 10, 10]

    await deliver_everything_again(n)
    seen = await n.ask(None, facts, c=company, a=await n.area_id("haicang"))
    assert seen["pointsAccounts"]["nodes"][0]["entries"]["totalCount"] == 3
    ranking = [(r["place"], r["points"], r["actor"]["name"]) for r in seen["pointsRanking"]["nodes"]]
    assert (1 + sum(points > 25 for _, points, _ in ranking), 25, "企业乙") in ranking
    assert [place for place, _, _ in ranking] == sorted(place for place, _, _ in ranking)

    small = next(e["id"] for e in account["entries"]["nodes"] if e["amount"] == 5)
    await n.do("admin", "pointsReverse", "entry { amount }", entryId=small, reason="记错了")
    assert await n.refused("admin", "pointsReverse", "entry { id }", entryId=small, reason="再来") == "ALREADY_REVERSED"
    seen = await n.ask(None, facts, c=company, a=await n.area_id("haicang"))
    after = seen["pointsAccounts"]["nodes"][0]
    assert (after["balance"], after["entries"]["totalCount"]) == (20, 4)

    ended = await n.do(
        "company", "adoptionEndAgreement", "agreement { state endReason asset { state } }",
        agreementId=agreement, actingFor=company, reason="搬迁",
    )  # fmt: skip
    assert ended["agreement"] == {"state": "ENDED", "endReason": "BY_ADOPTER", "asset": {"state": "AVAILABLE"}}
    late = await n.refused("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=90)
    assert late == "AGREEMENT_STATE"

    told = await history(n)
    assert told[asset_id] == [
        (None, "AVAILABLE"),
        ("AVAILABLE", "RESERVED"),
        ("RESERVED", "ADOPTED"),
        ("ADOPTED", "AVAILABLE"),
    ]
    assert told[first["claim"]["id"]] == [(None, "SUBMITTED"), ("SUBMITTED", "ACCEPTED")]
    assert told[second["claim"]["id"]] == [(None, "SUBMITTED")]
    assert told[agreement] == [(None, "DRAFT"), ("DRAFT", "DRAFT"), ("DRAFT", "ACTIVE"), ("ACTIVE", "ENDED")]
    inspected = await n.ask(
        None,
        "query($a: ID!) { adoptionInspections(where: {agreement: {id: {eq: $a}}}) { nodes { id } } }",
        a=agreement,
    )
    inspections = [i["id"] for i in inspected["adoptionInspections"]["nodes"]]
    assert len(inspections) == 4
    assert all(told[id] == [(None, None)] for id in inspections)

    log = await n.ask(
        "admin",
        """query($s: ID!) { events(first: 100, where: {subject: {eq: $s}}, orderBy: SEQ_ASC) {
             nodes { type authority mandate { id } actor { id } } } }""",
        s=agreement,
    )
    types = [e["type"] for e in log["events"]["nodes"]]
    assert types == ["adoption.agreement.signed", "adoption.agreement.active", "adoption.agreement.ended"]
    assert all(e["mandate"] and e["actor"] for e in log["events"]["nodes"])


async def history(n: Neighbourhood) -> dict[str, list[tuple[str | None, str | None]]]:
    """What every row went through, as the log tells it from the beginning."""
    found: dict[str, list[tuple[str | None, str | None]]] = {}
    query = """query($a: String) { events(first: 100, after: $a, orderBy: SEQ_ASC) {
        nodes { transitions(first: 100) { nodes { subject fromState toState } } } pageInfo { endCursor hasNextPage } } }"""
    after, more = None, True
    while more:
        page = (await n.ask("admin", query, a=after))["events"]
        for event in page["nodes"]:
            for t in event["transitions"]["nodes"]:
                found.setdefault(t["subject"], []).append((t["fromState"], t["toState"]))
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return found


async def deliver_everything_again(n: Neighbourhood) -> None:
    """Set every handler back to the beginning: each event arrives a second time."""
    async with n.server.runtime.database.transaction() as transaction:
        await transaction.fetch("UPDATE core_delivery SET transaction_id = 0, seq = 0")
    await n.delivered()
    assert not await n.server.runtime.database.read("SELECT 1 FROM core_delivery_failure")
