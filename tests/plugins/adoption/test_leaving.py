"""A co-adopter leaves a joint adoption alone: a claim, a draft or a running agreement goes on with the others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio

LEAVE = ("adoptionLeaveAgreement", "agreement { state certificateNumber }")
LEAVE_CLAIM = ("adoptionLeaveClaim", "claim { state }")
SIGN = ("adoptionSignAgreement", "agreement { state }")
SHARES = "coAdopters { nodes { leftOn actor { id } } }"


async def shares(a: Adopting, id: str, who: str | None = None) -> dict[str, str | None]:
    """Who adopts with the company, and since when no longer."""
    return {s["actor"]["id"]: s["leftOn"] for s in (await a.see(id, SHARES, who))["coAdopters"]["nodes"]}


async def joint(a: Adopting, name: str, *people: str, kind: str = "GREEN_SPACE") -> str:
    """A draft of the company and these people."""
    return await a.accept(await a.claim(await a.spot(name, kind), coAdopterIds=[await a.person(p) for p in people]))


async def test_a_draft_needs_the_signatures_of_those_who_stay(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    one, two = await n.newcomers(2, "xishan")
    agreement = await joint(a, "绿地-51", one, two)
    assert await a.sign(agreement, (one, None)) == "DRAFT"
    for who, acting, code in (
        ("company", {"actingFor": a.company}, "LEAD_STAYS"),
        ("custodian", {"actingFor": a.committee}, "NOT_PERMITTED"),
        ("admin", {}, "NOT_PERMITTED"),
    ):
        assert await n.refused(who, *LEAVE, agreementId=agreement, **acting) == code
    assert await n.refused(two, *LEAVE, agreementId="x") == "BAD_ID"
    assert await n.refused(two, *LEAVE, agreementId=agreement, expectedVersion=1) == "VERSION_CONFLICT"
    # All the others have signed, so it runs from today, with the next number of the area.
    done = (await n.do(two, *LEAVE, agreementId=agreement))["agreement"]
    assert done["state"] == "ACTIVE" and done["certificateNumber"].startswith("xishan-")
    seen = await a.see(agreement, "nextInspectionOn signatures { totalCount } asset { state }")
    assert seen["nextInspectionOn"] and seen["signatures"]["totalCount"] == 3
    assert seen["asset"] == {"state": "ADOPTED"}
    assert (await a.events(agreement))[-1] == "adoption.agreement.active"
    assert await n.refused(two, *LEAVE, agreementId=agreement) == "NOT_PERMITTED"

    # Whoever has signed may still leave, and a draft waits on for the others.
    draft = await joint(a, "绿地-52", one, two)
    await n.do(one, *SIGN, agreementId=draft)
    assert (await n.do(one, *LEAVE, agreementId=draft))["agreement"] == {"state": "DRAFT", "certificateNumber": None}
    assert await n.refused(one, *SIGN, agreementId=draft) == "NOT_PERMITTED"
    assert await a.sign(draft, (two, None)) == "ACTIVE"
    # A draft whose days to sign have passed does not run by somebody leaving it.
    await a.tune(sign_days=3)
    late = await joint(a, "绿地-53", one)
    assert await a.sign(late) == "DRAFT"
    n.clock.advance(timedelta(days=4))
    await n.trust(one)
    assert await n.refused(one, *LEAVE, agreementId=late) == "AGREEMENT_OVER"
    await n.due()
    assert await n.refused(one, *LEAVE, agreementId=late) == "AGREEMENT_STATE"


async def test_a_running_agreement_goes_on_with_the_others(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    one, two = await n.newcomers(2, "xishan")
    first, second = await a.person(one), await a.person(two)
    agreement = await joint(a, "绿地-54", one, two)
    assert await a.sign(agreement, (one, None), (two, None)) == "ACTIVE"
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=a.xishan, actorId=first)
    begun = n.clock.today().isoformat()
    work = ("adoptionLogUpkeep", "upkeep { id }")
    what: dict[str, Any] = {"agreementId": agreement, "what": "浇水", "minutes": 30}
    await n.do(one, *work, **what, doneOn=begun)
    look = ("adoptionInspect", "inspection { id }")
    assert await n.refused(one, *look, agreementId=agreement, score=90) == "OWN_MATTER"

    n.clock.advance(timedelta(days=2))
    left = n.clock.today().isoformat()
    number = (await a.see(agreement, "certificateNumber"))["certificateNumber"]
    assert (await n.do(one, *LEAVE, agreementId=agreement))["agreement"] == {
        "state": "ACTIVE", "certificateNumber": number,
    }  # fmt: skip
    assert await shares(a, agreement) == {first: left, second: None}
    still = "coAdopters(where: {leftOn: {isNull: true}}) { nodes { actor { id } } }"
    assert (await a.see(agreement, still))["coAdopters"]["nodes"] == [{"actor": {"id": second}}]
    of = "query($i: ID!) { node(id: $i) { ... on Person { adoptionShares { nodes { leftOn } } } } }"
    assert (await n.ask("admin", of, i=first))["node"]["adoptionShares"]["nodes"] == [{"leftOn": left}]
    event = '{ events(where: {type: {eq: "adoption.co_adopter.left"}}) { nodes { data } } }'
    data = (await n.ask("admin", event))["events"]["nodes"][0]["data"]
    assert (data["agreement"], data["actor"]) == (str(split_global(agreement)[1]), str(split_global(first)[1]))

    # No party any more, from that day; what they did stays, and what lies before is still their own matter.
    assert await n.refused(one, *LEAVE, agreementId=agreement) == "NOT_PERMITTED"
    assert await n.refused(one, *work, **what, doneOn=begun) == "NOT_PERMITTED"
    end = {"agreementId": agreement, "reason": "x"}
    assert await n.refused(one, "adoptionEndAgreement", "agreement { id }", **end) == "NOT_PERMITTED"
    before = (n.clock.now() - timedelta(days=1)).isoformat()
    assert await n.refused(one, *look, agreementId=agreement, score=90, occurredAt=before) == "OWN_MATTER"
    assert (await a.see(agreement, "upkeep { totalCount }"))["upkeep"]["totalCount"] == 1
    earlier = await a.inspect(agreement, 40, occurredAt=before)
    with pytest.raises(Refusal, match="OWN_MATTER"):
        await a.undo(one, "adoption.inspection.failed", earlier["id"])
    await n.do(one, *look, agreementId=agreement, score=90)

    # One leaves a suspended agreement too; the lead adopter goes on alone.
    await n.do("admin", "adoptionSuspend", "agreement { id }", agreementId=agreement, reason="施工")
    assert (await n.do(two, *LEAVE, agreementId=agreement))["agreement"]["state"] == "SUSPENDED"
    await n.do("admin", "adoptionResume", "agreement { id }", agreementId=agreement)
    await a.inspect(agreement, 95)
    assert await shares(a, agreement) == {first: left, second: left}
    # A revocation after that is none of theirs, and nobody leaves an agreement that was revoked.
    await n.do("admin", "adoptionRevoke", "revocation { id }", agreementId=agreement, reason="弃管")
    assert (await n.ask(two, "{ adoptionRevocations { totalCount } }"))["adoptionRevocations"]["totalCount"] == 0
    assert await n.refused("company", *LEAVE, agreementId=agreement, actingFor=a.company) == "AGREEMENT_STATE"
    # What adopters do is theirs alone, and `can` says so.
    can = "query($a: String!, $i: ID!, $f: ID) { can(action: $a, on: $i, actingFor: $f) { allowed reason } }"
    for name in ("adoptionSignAgreement", "adoptionLeaveAgreement", "adoptionLogUpkeep"):
        lead = (await n.ask("company", can, a=name, i=agreement, f=a.company))["can"]
        assert lead == {"allowed": True, "reason": "BY_MANDATE"}
        assert (await n.ask(two, can, a=name, i=agreement))["can"] == {"allowed": False, "reason": "NOT_YOURS"}


async def test_a_notice_somebody_gave_before_leaving_stays_an_adopters(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    (one,) = await n.newcomers(1, "xishan")
    agreement = await joint(a, "绿地-55", one)
    await a.sign(agreement, (one, None))
    await n.do(one, "adoptionEndAgreement", "agreement { id }", agreementId=agreement, reason="搬家")
    await n.do(one, *LEAVE, agreementId=agreement)
    waive = ("adoptionWaiveNotice", "agreement { state }")
    assert await n.refused("company", *waive, agreementId=agreement, actingFor=a.company) == "NOT_PERMITTED"
    done = await n.do("custodian", *waive, agreementId=agreement, actingFor=a.committee)
    assert done["agreement"] == {"state": "ENDED"}


async def test_whoever_built_a_project_does_not_accept_it_after_leaving(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    (one,) = await n.newcomers(1, "xishan")
    agreement = await joint(a, "凉亭-51", one, kind="PROJECT")
    await a.sign(agreement, (one, None))
    person = await a.person(one)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=a.xishan, actorId=person)
    await n.do(one, *LEAVE, agreementId=agreement)
    accept = ("adoptionAcceptProject", "acceptance { id }")
    assert await n.refused(one, *accept, agreementId=agreement) == "OWN_MATTER"
    await n.do("admin", *accept, agreementId=agreement)
    asset = (await a.see(agreement, "asset { id }"))["asset"]["id"]
    over = ("adoptionHandOver", "asset { kind }")
    assert await n.refused("admin", *over, assetId=asset, kind="SPACE", custodianId=person) == "OWNERSHIP_STAYS"
    assert await n.refused(one, *over, assetId=asset, kind="SPACE") == "OWN_MATTER"


async def test_a_claim_goes_on_without_who_leaves_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    one, two = await n.newcomers(2, "xishan")
    first, second = await a.person(one), await a.person(two)
    claim = await a.claim(await a.spot("绿地-56"), coAdopterIds=[first, second])
    assert await n.refused("company", *LEAVE_CLAIM, claimId=claim, actingFor=a.company) == "LEAD_STAYS"
    assert (
        await n.refused("resident", *LEAVE_CLAIM, claimId=claim) == "NOT_FOUND"
    )  # who has no part in it does not see it
    assert await n.refused(one, *LEAVE_CLAIM, claimId=claim, expectedVersion=7) == "VERSION_CONFLICT"
    assert (await n.do(one, *LEAVE_CLAIM, claimId=claim))["claim"] == {"state": "SUBMITTED"}
    assert await n.refused(one, *LEAVE_CLAIM, claimId=claim) == "NOT_PERMITTED"
    await n.do("clerk", "adoptionReviewClaim", "claim { id }", claimId=claim, feasibility="可行")
    assert (await n.do(two, *LEAVE_CLAIM, claimId=claim))["claim"] == {"state": "REVIEWED"}
    today = n.clock.today().isoformat()
    assert await shares(a, claim, "clerk") == {first: today, second: today}
    assert await shares(a, claim, one) == {first: today, second: today}  # they still see what they asked for
    agreement = await a.accept(claim)
    assert await a.sign(agreement) == "ACTIVE"
    assert await n.refused(two, *LEAVE_CLAIM, claimId=claim) == "NOT_PERMITTED"
    other = await a.claim(await a.spot("绿地-57"), coAdopterIds=[first])
    await a.accept(other)
    assert await n.refused(one, *LEAVE_CLAIM, claimId=other) == "CLAIM_DECIDED"


async def test_leaving_while_the_last_other_signs_makes_it_run_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    one, two = await n.newcomers(2, "xishan")
    numbers = set()
    for number in range(4):
        agreement = await joint(a, f"绿地-6{number}", one, two)
        assert await a.sign(agreement) == "DRAFT"
        results = await asyncio.gather(
            n.outcome(one, *LEAVE, agreementId=agreement),
            n.outcome(two, *SIGN, agreementId=agreement),
            n.outcome(one, *LEAVE, agreementId=agreement),
        )
        assert (sorted(results[::2]), results[1]) == (["NOT_PERMITTED", "done"], "done")
        seen = await a.see(agreement, "state certificateNumber signatures { totalCount }")
        assert (seen["state"], seen["signatures"]["totalCount"]) == ("ACTIVE", 3)
        numbers.add(seen["certificateNumber"])
        assert (await a.events(agreement)).count("adoption.agreement.active") == 1

        # The last two who have not signed: one signs and leaves, one leaves.
        agreement = await joint(a, f"绿地-7{number}", one, two)
        assert await a.sign(agreement) == "DRAFT"
        results = await asyncio.gather(
            n.outcome(one, *LEAVE, agreementId=agreement),
            n.outcome(one, *SIGN, agreementId=agreement),
            n.outcome(two, *LEAVE, agreementId=agreement),
        )
        assert (results[0], results[2]) == ("done", "done")
        assert results[1] in ("done", "NOT_PERMITTED", "AGREEMENT_STATE")
        seen = await a.see(agreement, "state certificateNumber")
        assert seen["state"] == "ACTIVE"
        numbers.add(seen["certificateNumber"])
        assert (await a.events(agreement)).count("adoption.agreement.active") == 1
    assert len(numbers) == 8
