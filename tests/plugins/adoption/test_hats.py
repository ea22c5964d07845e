"""Nobody gains by two hats (INV10): one official tries every deed on somebody's matter, in every relation to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood, Refused
from tests.kits.adoption import Adopting

pytestmark = [pytest.mark.anyio, pytest.mark.needs("points")]

FUTURE = timedelta(days=20)


class Official:
    """Has every role of the village, and a matter of `whose` for each deed that needs somebody else."""

    def __init__(self, a: Adopting, login: str, id: str, whose: str) -> None:
        self.a, self.n, self.login, self.id, self.whose = a, a.n, login, id, whose
        self.acting: dict[str, Any] = {}

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Official:
        a = await Adopting.begin(n)
        (login,) = await n.newcomers(1, "xishan")
        id = await a.person(login)
        for role in ("INSPECTOR", "CLERK", "AREA_ADMIN"):
            await n.do("admin", "coreGrantRole", "roleGrant { id }", role=role, areaId=a.xishan, actorId=id)
        return cls(a, login, id, a.company)

    async def matters(self) -> None:
        """An agreement that runs, a claim that waits, and a manual entry that waits, all of `whose`."""
        a, n = self.a, self.n
        self.agreement = await a.adopt(await a.spot("村口绿地"))
        self.claim = await a.claim(await a.spot("榕树", "TREE"))
        grant = {"areaId": a.xishan, "actorId": self.whose, "amount": 5, "reason": "好事", "evidence": "照片"}
        self.grant = (await n.do("clerk", "pointsGrantManual", "grant { id }", **grant))["grant"]["id"]
        start = n.clock.now() + timedelta(hours=1)
        made = await n.do(
            self.login, "coreOrganiseActivity", "activity { id }", areaId=a.xishan, title="清洁日",
            startsAt=start.isoformat(), endsAt=(start + FUTURE).isoformat(),
        )  # fmt: skip
        self.activity = made["activity"]["id"]
        await n.do(self.login, "coreOpenActivity", "activity { id }", activityId=self.activity)
        n.clock.advance(timedelta(hours=2))

    def deeds(self) -> list[tuple[str, str, dict[str, Any]]]:
        grant = {"areaId": self.a.xishan, "actorId": self.whose, "amount": 1, "reason": "好事", "evidence": "照片"}
        return [
            ("adoptionInspect", "inspection { id }", {"agreementId": self.agreement, "score": 90}),
            ("adoptionSuspend", "agreement { id }", {"agreementId": self.agreement, "reason": "天旱"}),
            ("adoptionReviewClaim", "claim { id }", {"claimId": self.claim, "feasibility": "可行"}),
            ("adoptionDecideClaim", "claim { id }", {"claimId": self.claim, "accept": True}),
            ("pointsGrantManual", "grant { id }", grant),
            ("pointsDecideGrant", "grant { id }", {"grantId": self.grant, "confirm": True}),
            ("coreAttendActivity", "participation { id }", {"activityId": self.activity, "actorId": self.whose}),
        ]

    async def all_refused(self, **more: Any) -> None:
        for mutation, selection, input in self.deeds():
            code = await self.n.refused(self.login, mutation, selection, **input, **more)
            assert code == "OWN_MATTER", mutation

    async def all_done(self) -> None:
        """Somebody else has nothing against it: the refusals above were for the hat alone."""
        for mutation, selection, input in self.deeds():
            if mutation != "adoptionSuspend":
                await self.n.do(self.login, mutation, selection, **input)

    async def add_mandate(self) -> str:
        give = {"personId": self.id, "organizationId": self.whose, "areaId": self.a.xishan}
        return str((await self.n.do("admin", "coreGiveMandate", "mandate { id }", **give))["mandate"]["id"])

    async def join(self, actor: str, organization: str) -> str:
        add = {"actorId": actor, "organizationId": organization, "role": "MEMBER", "since": "2024-01-01"}
        return str((await self.n.do("admin", "coreAddMembership", "membership { id }", **add))["membership"]["id"])


async def test_in_no_hat_of_theirs_everything_is_done(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    await o.matters()
    await o.all_done()


async def test_acting_for_the_organization_and_no_longer_acting_for_it(neighbourhood: Neighbourhood) -> None:
    """In its name, in their own, after the mandate was laid down a moment ago by themselves, and after a month."""
    o = await Official.begin(neighbourhood)
    n = o.n
    mandate = await o.add_mandate()
    await o.matters()
    await o.all_refused()
    await o.all_refused(actingFor=o.whose)
    await n.do(
        o.login, "coreRevokeMandate", "mandate { id }", mandateId=mandate, reason="今天不代表", actingFor=o.whose
    )
    await o.all_refused()
    n.clock.advance(timedelta(days=29))
    await o.all_refused()
    n.clock.advance(timedelta(days=2))
    deed = o.deeds()[0]
    await n.do(o.login, deed[0], deed[1], **deed[2])


async def test_a_mandate_that_ran_out_a_second_ago(neighbourhood: Neighbourhood) -> None:
    """It no longer lets act, and still counts against acting on their matter."""
    o = await Official.begin(neighbourhood)
    n = o.n
    await o.matters()
    until = n.clock.now() + timedelta(minutes=5)
    give = {"personId": o.id, "organizationId": o.whose, "areaId": o.a.xishan, "until": until.isoformat()}
    await n.do("admin", "coreGiveMandate", "mandate { id }", **give)
    join = {"activityId": o.activity, "actingFor": o.whose}
    n.clock.set(until - timedelta(seconds=1))
    await n.do(o.login, "coreJoinActivity", "participation { id }", **join)
    n.clock.set(until + timedelta(seconds=1))
    assert await n.refused(o.login, "coreLeaveActivity", "participation { id }", **join) == "NOT_PERMITTED"
    await o.all_refused()


async def test_a_member_and_one_who_has_just_left(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    await o.matters()
    membership = await o.join(o.id, o.whose)
    await o.all_refused()
    # A clerk ends their own membership and says that it was over long ago: it counts from when it was entered.
    until = "2024-06-01"
    await o.n.do(o.login, "coreEndMembership", "membership { id }", membershipId=membership, until=until)
    await o.all_refused()


async def test_standing_in_for_somebody_of_theirs(neighbourhood: Neighbourhood) -> None:
    """A deputy may no more than the one they stand in for, and no more than themselves."""
    o = await Official.begin(neighbourhood)
    n = o.n
    (holder,) = await n.newcomers(1, "xishan")
    one = await o.a.person(holder)
    await o.join(one, o.whose)
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=o.a.xishan, title="巡查岗"))["post"]["id"]
    put = {"postId": post, "personId": one}
    held = (await n.do("admin", "coreAssignPost", "postHolding { id }", **put))["postHolding"]["id"]
    await o.matters()
    until = (n.clock.now() + timedelta(days=2)).isoformat()
    appoint = {"postHoldingId": held, "personId": o.id, "until": until}
    deputy = (await n.do("admin", "coreAppointDeputy", "deputy { id }", **appoint))["deputy"]["id"]
    await o.all_refused()
    await n.do("admin", "coreEndDeputy", "deputy { id }", deputyId=deputy)
    await o.all_done()


async def test_who_lives_with_them(neighbourhood: Neighbourhood) -> None:
    """The matter of one's household, and of everybody in it, is one's own."""
    o = await Official.begin(neighbourhood)
    n = o.n
    (home,) = [
        (await n.do("admin", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name="一组 9 号", areaId=o.a.xishan))
        ["actor"]["id"]
    ]  # fmt: skip
    spouse = await o.a.person("company")
    for actor in (o.id, spouse):
        await o.join(actor, home)
    for whose in (home, spouse, o.id):
        grant = {"areaId": o.a.xishan, "actorId": whose, "amount": 5, "reason": "好事", "evidence": "照片"}
        assert await n.refused(o.login, "pointsGrantManual", "grant { id }", **grant) == "OWN_MATTER"
        other = (await n.do("admin", "pointsGrantManual", "grant { id }", **grant))["grant"]["id"]
        decide = {"grantId": other, "confirm": True}
        assert await n.refused(o.login, "pointsDecideGrant", "grant { id }", **decide) == "OWN_MATTER"


async def test_at_the_desk_for_somebody_whose_matter_it_is(neighbourhood: Neighbourhood) -> None:
    """Acting for a custodian at the desk decides nothing that is the custodian's, or its people's, own."""
    o = await Official.begin(neighbourhood)
    n, a = o.n, o.a
    (custodian,) = await n.registered("护林人")
    home = (await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="HOUSEHOLD", name="一组 7 号", areaId=a.xishan
    ))["actor"]["id"]  # fmt: skip
    await o.join(custodian, home)
    spot = {"areaId": a.xishan, "custodianId": custodian, "name": "老井", "kind": "TREE", "duties": "清理"}
    asset = (await n.do("clerk", "adoptionListAsset", "asset { id }", **spot))["asset"]["id"]
    behalf = {"onBehalfOf": {"actorId": home, "basis": "WRITTEN", "evidence": "委托书"}}
    claim = {"assetId": asset, "mode": "CARE"}
    theirs = (await n.do("clerk", "adoptionSubmitClaim", "claim { id }", **claim, **behalf))["claim"]["id"]
    as_custodian = {"onBehalfOf": {"actorId": custodian, "basis": "IN_PERSON", "evidence": "到场"}}
    decide = {"claimId": theirs, "accept": True, **as_custodian}
    assert await n.refused("clerk", "adoptionDecideClaim", "claim { id }", **decide) == "OWN_MATTER"


async def test_nobody_signs_for_both_sides(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    n, a = o.n, o.a
    agreement = await a.accept(await a.claim(await a.spot("廊架")))
    for organization in (a.company, a.committee):
        give = {"personId": o.id, "organizationId": organization, "areaId": a.xishan}
        await n.do("admin", "coreGiveMandate", "mandate { id }", **give)
    sign = ("adoptionSignAgreement", "agreement { state }")
    await n.do(o.login, *sign, agreementId=agreement, actingFor=a.company)
    assert await n.refused(o.login, *sign, agreementId=agreement, actingFor=a.committee) == "OWN_MATTER"
    signed = await n.do("custodian", *sign, agreementId=agreement, actingFor=a.committee)
    assert signed["agreement"]["state"] == "ACTIVE"


# --- whose turn it is ------------------------------------------------------------------------------------

TURN = """query($p: String!, $on: ID!) { dutyHolders(permission: $p, on: $on) { isOpen passedUp
  steps { areaCode holders concerned } holders { actorId name post isDeputy } } }"""


async def turn(o: Official, who: str, permission: str, on: str) -> dict[str, Any]:
    return dict((await o.n.ask(who, TURN, p=permission, on=on))["dutyHolders"])


async def test_where_everybody_is_concerned_the_duty_passes_up_and_says_so(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    n = o.n
    await o.matters()
    before = await turn(o, "clerk", "adoption.inspect", o.agreement)
    assert before["passedUp"] is False
    assert before["steps"] == [{"areaCode": "xishan", "holders": 1, "concerned": 0}]
    assert [h["actorId"] for h in before["holders"]] == [o.id]
    await o.join(o.id, o.whose)
    after = await turn(o, "clerk", "adoption.inspect", o.agreement)
    assert after["passedUp"] is True
    assert after["steps"] == [
        {"areaCode": "xishan", "holders": 1, "concerned": 1},
        {"areaCode": "dongfu", "holders": 0, "concerned": 0},
        {"areaCode": "haicang", "holders": 2, "concerned": 0},
    ]
    # What it says is what the rule does; and the event says that it was done from above.
    inspect = {"agreementId": o.agreement, "score": 90}
    assert await n.refused(o.login, "adoptionInspect", "inspection { id }", **inspect) == "OWN_MATTER"
    made = (await n.do("inspector", "adoptionInspect", "inspection { id }", **inspect))["inspection"]["id"]
    find = "query($s: ID!) { events(where: {subject: {eq: $s}}) { nodes { fromAbove } } }"
    assert (await n.ask("admin", find, s=made))["events"]["nodes"] == [{"fromAbove": True}]


async def test_names_of_who_has_a_duty_are_for_who_may_see_names(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    n = o.n
    await o.matters()
    (holder, stand_in) = await n.newcomers(2, "xishan")
    post = (await n.do("admin", "coreCreatePost", "post { id }", areaId=o.a.xishan, title="巡查岗"))["post"]["id"]
    grant = {"role": "INSPECTOR", "areaId": o.a.xishan, "postId": post}
    await n.do("admin", "coreGrantRole", "roleGrant { id }", **grant)
    put = {"postId": post, "personId": await o.a.person(holder)}
    held = (await n.do("admin", "coreAssignPost", "postHolding { id }", **put))["postHolding"]["id"]
    until = (n.clock.now() + timedelta(days=2)).isoformat()
    appoint = {"postHoldingId": held, "personId": await o.a.person(stand_in), "until": until}
    await n.do("admin", "coreAppointDeputy", "deputy { id }", **appoint)
    full = (await turn(o, "clerk", "adoption.inspect", o.agreement))["holders"]
    assert {(h["name"], h["post"], h["isDeputy"]) for h in full} == {
        (o.login, None, False), (holder, "巡查岗", False), (stand_in, "巡查岗", True),
    }  # fmt: skip
    strange = (await turn(o, "resident", "adoption.inspect", o.agreement))["holders"]
    assert len(strange) == 3 and all(h["actorId"] is None and h["name"] not in (holder, stand_in) for h in strange)
    themselves = (await turn(o, holder, "adoption.inspect", o.agreement))["holders"]
    assert [h["name"] for h in themselves if h["actorId"]] == [holder]


async def test_what_dutyholders_does_not_answer(neighbourhood: Neighbourhood) -> None:
    o = await Official.begin(neighbourhood)
    await o.matters()
    mandate = await o.add_mandate()
    for who, permission, on, code in (
        (None, "adoption.inspect", o.agreement, "NOT_SIGNED_IN"),
        ("clerk", "adoption.nothing", o.agreement, "UNKNOWN_PERMISSION"),
        ("resident", "core.mandate.manage", mandate, "NOT_FOUND"),  # hidden from them
        ("clerk", "adoption.inspect", "area_00000000-0000-7000-8000-000000000000", "NOT_FOUND"),
    ):
        with pytest.raises(Refused) as caught:
            await o.n.ask(who, TURN, p=permission, on=on)
        assert caught.value.codes == [code]
    assert (await turn(o, "resident", "core.activity.join", o.activity))["isOpen"] is True
