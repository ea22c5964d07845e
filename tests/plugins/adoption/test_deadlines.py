"""What the clock makes due: drafts lapse, terms end, pauses stop deadlines, both sides renew."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.clock import months_later
from core.testing.kit import Neighbourhood
from tests.kits.adoption import Adopting

pytestmark = pytest.mark.anyio


async def test_a_draft_that_is_not_signed_in_time_lapses(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    asset = await a.spot("绿地-15")
    agreement = await a.accept(await a.claim(asset))
    assert (await a.days(30))["adoption.terms"] == 0
    assert (await a.days(1))["adoption.terms"] == 1
    assert await a.see(agreement, "state endReason certificateNumber asset { state }") == {
        "state": "ENDED", "endReason": "LAPSED", "certificateNumber": None, "asset": {"state": "AVAILABLE"},
    }  # fmt: skip
    signed = await n.refused(
        "company", "adoptionSignAgreement", "agreement { id }", agreementId=agreement, actingFor=a.company
    )
    assert signed == "AGREEMENT_STATE"
    await a.accept(await a.claim(asset))  # they may ask again


async def test_a_term_is_renewed_by_both_sides_near_its_end_and_then_runs_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-16"))
    ends = date.fromisoformat((await a.see(agreement, "endsOn"))["endsOn"])
    renew = ("adoptionRenew", "agreement { endsOn renewalAskedBy { id } settingsVersion }")
    ours = {"agreementId": agreement, "actingFor": a.company}
    assert await n.refused("company", *renew, **ours) == "RENEWAL_TOO_EARLY"
    await a.days((ends - n.clock.today()).days - 60)
    asked = await n.do("company", *renew, **ours)
    assert asked["agreement"]["renewalAskedBy"] == {"id": a.company}
    assert asked["agreement"]["endsOn"] == ends.isoformat()
    assert await n.refused("company", *renew, **ours) == "RENEWAL_ASKED"
    await a.tune(term_months=6)
    agreed = await n.do("custodian", *renew, agreementId=agreement, actingFor=a.committee)
    longer = months_later(ends, 6)
    assert (agreed["agreement"]["endsOn"], agreed["agreement"]["renewalAskedBy"]) == (longer.isoformat(), None)
    assert agreed["agreement"]["settingsVersion"] > asked["agreement"]["settingsVersion"]
    await a.days((longer - n.clock.today()).days - 1)
    assert (await a.see(agreement, "state"))["state"] == "ACTIVE"
    assert (await a.days(1))["adoption.terms"] >= 1  # the demo's own term ends as well
    assert await a.see(agreement, "state endReason") == {"state": "ENDED", "endReason": "EXPIRED"}


async def test_no_deadline_passes_while_an_agreement_is_suspended(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-17"))
    failed = await a.inspect(agreement, 10)
    due = date.fromisoformat(failed["rectifyBy"])
    await a.days(10)
    suspend = ("custodian", "adoptionSuspend", "agreement { state suspendedOn }")
    paused = {"agreementId": agreement, "actingFor": a.committee}
    await n.do(*suspend, **paused, reason="道路施工")
    assert await n.refused("inspector", "adoptionInspect", "inspection { id }", agreementId=agreement, score=9) == (
        "AGREEMENT_STATE"
    )
    assert (await a.days(20))["adoption.rectifications"] == 0
    await n.do("custodian", "adoptionResume", "agreement { state }", **paused)
    seen = await a.see(failed["id"], "rectifyBy overdueAt")
    assert seen == {"rectifyBy": (due + timedelta(days=20)).isoformat(), "overdueAt": None}
    assert (await a.days(5))["adoption.rectifications"] == 0
    assert (await a.days(1))["adoption.rectifications"] == 1


async def test_notice_is_waived_by_the_other_side_only(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    agreement = await a.adopt(await a.spot("绿地-18"))
    waive = ("adoptionWaiveNotice", "agreement { state endReason }")
    ours, theirs = (
        {"agreementId": agreement, "actingFor": a.company},
        {"agreementId": agreement, "actingFor": a.committee},
    )
    assert await n.refused("company", *waive, **ours) == "NO_NOTICE"
    await n.do("company", "adoptionEndAgreement", "agreement { id }", **ours, reason="搬迁")
    again = await n.refused("custodian", "adoptionEndAgreement", "agreement { id }", **theirs, reason="x")
    assert again == "NOTICE_GIVEN"
    assert await n.refused("company", *waive, **ours) == "NOT_PERMITTED"
    assert await n.refused("admin", *waive, agreementId=agreement) == "NOT_A_PARTY"
    done = await n.do("custodian", *waive, **theirs)
    assert done["agreement"] == {"state": "ENDED", "endReason": "TERMINATED"}


async def test_where_adoption_is_off_its_deadlines_rest(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Adopting.begin(n)
    await a.accept(await a.claim(await a.spot("绿地-19")))
    toggle = ("admin", "coreTogglePlugin", "area { code }")
    await n.do(*toggle, areaId=a.xishan, plugin="adoption", state="OFF", reason="休整")
    assert (await a.days(40))["adoption.terms"] == 0
    await n.do(*toggle, areaId=a.xishan, plugin="adoption", state="INHERIT")
    assert (await n.due())["adoption.terms"] == 1
