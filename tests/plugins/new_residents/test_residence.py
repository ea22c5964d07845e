"""From the first registration to moving away: who says it, who verifies it, who may not, and what others may build on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.clock import months_later
from core.id_numbers import is_id_number
from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import LEASE, Arriving, refused

pytestmark = pytest.mark.anyio
STATE = "registration { state }"


def a_number() -> str:
    """A citizen's number that is nobody's, with its check character."""
    return next(number for c in "0123456789X" if is_id_number(number := f"35020519900101123{c}"))


async def test_somebody_arrives_is_verified_and_moves_on(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (bing,) = await n.newcomers(1, "xinyang")
    assert await a.since(bing, a.haihong) is None
    registration = await a.register(
        bing, workplace="企业甲", evidence=[LEASE, {"kind": "JOB", "reference": "在职证明"}]
    )
    again = await n.refused(
        bing, "newResidentsRegister", STATE, areaId=a.haihong, address="x", since=a.months_ago(1), evidence=[LEASE]
    )
    assert again == "ALREADY_REGISTERED"
    assert await a.see(registration, "address evidence { totalCount }", a.clerk) == {
        "address": "海虹路 5 号 302 室", "evidence": {"totalCount": 2},
    }  # fmt: skip
    assert await a.see(registration, "id", "clerk") is None  # a clerk of somewhere else
    assert await a.see(registration, "id", "resident") is None
    assert await a.verify(registration) == {"state": "VERIFIED", "since": a.months_ago(14), "identity": "IN_PERSON"}
    assert str(await a.since(bing, a.haihong)) == a.months_ago(14)
    assert str(await a.since(bing, a.haicang)) == a.months_ago(14)
    assert await a.since(bing, a.xishan) is None
    members = (
        "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}}) { nodes { role since state area { code } } } }"
    )
    assert (await n.ask(a.clerk, members, p=await a.person(bing)))["memberships"]["nodes"] == [
        {"role": "RESIDENT", "since": a.months_ago(14), "state": "ACTIVE", "area": {"code": "haihong"}}
    ]
    late = await n.refused(
        a.other, "newResidentsVerifyResidence", STATE, registrationId=registration, since=a.months_ago(1),
        identity="REMOTE",
    )  # fmt: skip
    assert late == "REGISTRATION_STATE"

    moved = await n.do(bing, "newResidentsMoveAway", "registration { state until }", registrationId=registration)
    assert moved["registration"] == {"state": "MOVED_AWAY", "until": n.clock.today().isoformat()}
    await n.delivered()
    assert str(await a.since(bing, a.haihong)) == a.months_ago(14)  # the last day is one still
    n.clock.advance(timedelta(days=1))
    assert await a.since(bing, a.haihong) is None
    assert (await n.ask(a.clerk, members, p=await a.person(bing)))["memberships"]["nodes"][0]["state"] == "ENDED"
    assert await a.events(registration) == [
        "new_residents.registration.submitted", "new_residents.residence.verified", "new_residents.residence.withdrawn",
    ]  # fmt: skip


async def test_who_verifies_has_no_part_in_it_and_has_seen_what_is_needed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    verify = ("newResidentsVerifyResidence", STATE)
    own = await a.register(a.clerk)
    since = {"since": a.months_ago(3)}
    assert await n.refused(a.clerk, *verify, registrationId=own, **since, identity="IN_PERSON") == "OWN_MATTER"
    (login,) = await n.newcomers(1, "xinyang")
    factory = await a.employer("企业丙", a.clerk)
    worker = await a.register(login, employerId=factory)
    assert await n.refused(a.clerk, *verify, registrationId=worker, **since, identity="IN_PERSON") == "OWN_MATTER"
    assert await n.refused(login, *verify, registrationId=worker, **since, identity="IN_PERSON") == "NOT_PERMITTED"
    assert await n.refused("clerk", *verify, registrationId=worker, **since, identity="IN_PERSON") == "NOT_FOUND"
    assert await n.refused(a.other, *verify, registrationId=worker, **since) == "IDENTITY_NEEDED"
    future = months_later(n.clock.today(), 1).isoformat()
    assert await n.refused(a.other, *verify, registrationId=worker, since=future, identity="REMOTE") == "IN_THE_FUTURE"
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=a.haicang, plugin="new_residents",
        settings=[{"key": "evidence_needed", "value": 2}],
    )  # fmt: skip
    short = await n.refused(a.other, *verify, registrationId=worker, **since, identity="REMOTE")
    assert short == "RESIDENCE_EVIDENCE"
    await n.do(
        login, "newResidentsAddEvidence", STATE, registrationId=worker,
        evidence=[{"kind": "JOB", "reference": "劳动合同 7"}],
    )  # fmt: skip
    id_number = a_number()
    misplaced = await n.refused(
        login, "newResidentsAddEvidence", STATE, registrationId=worker,
        evidence=[{"kind": "OTHER", "reference": f"身份证 {id_number}"}],
    )  # fmt: skip
    assert misplaced == "ID_NUMBER_MISPLACED"
    # The desk has seen the document before: the result is enough, the number is not kept.
    await n.do("admin", "coreRecordIdNumber", "person { id }", personId=await a.person(login), number=id_number)
    assert (await a.verify(worker, 3, a.other, identity=None))["identity"] == "ON_FILE"


async def test_who_entered_it_at_the_desk_does_not_verify_it_nor_since_a_day_before_the_claimed(
    neighbourhood: Neighbourhood,
) -> None:
    """One clerk alone makes nobody a resident of sixteen years."""
    n = neighbourhood
    a = await Arriving.begin(n)
    verify = ("newResidentsVerifyResidence", STATE)
    (worker,) = await n.registered("周新来", area="haihong")
    call = {"actorId": worker, "basis": "PHONE", "evidence": "来电 10:20"}
    made = await n.do(
        a.clerk, "newResidentsRegister", "registration { id }", areaId=a.haihong, address="海虹路 5 号", since=a.months_ago(2),
        evidence=[LEASE], onBehalfOf=call,
    )  # fmt: skip
    home = made["registration"]["id"]
    said = {"registrationId": home, "identity": "REMOTE"}
    assert await n.refused(a.clerk, *verify, **said, since=a.months_ago(2)) == "ENTERED_BY_YOU"
    for months in (3, 192):
        early = await n.refused(a.other, *verify, **said, since=a.months_ago(months))
        assert early == "SINCE_BEFORE_CLAIMED"
    batch = await n.ask(
        a.clerk, "mutation($i: NewResidentsVerifyResidenceBatchInput!) { newResidentsVerifyResidenceBatch(input: $i) {"
        " results { registration { state } errors { code } } } }", i={"rows": [{**said, "since": a.months_ago(2)}]},
    )  # fmt: skip
    assert batch["newResidentsVerifyResidenceBatch"]["results"] == [
        {"registration": None, "errors": [{"code": "ENTERED_BY_YOU"}]}
    ]
    clerk, other = [split_global(await a.person(who))[1] for who in (a.clerk, a.other)]
    sets = "state = 'VERIFIED', identity = 'REMOTE', decided_by_id = '{}', since = '{}'"
    assert await refused(n, home, sets.format(clerk, a.months_ago(2)), "VERIFIED") == "ENTERED_BY_YOU"
    assert await refused(n, home, sets.format(other, a.months_ago(3)), "VERIFIED") == "SINCE_BEFORE_CLAIMED"
    assert (await a.verify(home, 1, a.other, identity="REMOTE"))["since"] == a.months_ago(1)  # a later day is found
    # Nor on appeal, by a clerk who had entered it, and for no earlier day either.
    appeal = await n.do(
        a.clerk, "newResidentsAppeal", "appeal { id }", registrationId=home, statement="再早些", onBehalfOf=call
    )
    granted = {"appealId": appeal["appeal"]["id"], "grant": True, "answer": "属实"}
    decide = ("newResidentsDecideAppeal", "appeal { registration { since } }")
    assert await n.refused(a.clerk, *decide, **granted, since=a.months_ago(2)) == "ENTERED_BY_YOU"
    assert await n.refused("admin", *decide, **granted, since=a.months_ago(3)) == "SINCE_BEFORE_CLAIMED"
    decided = await n.do("admin", *decide, **granted, since=a.months_ago(2))
    assert decided["appeal"]["registration"] == {"since": a.months_ago(2)}


async def test_who_brings_the_evidence_at_the_desk_does_not_find_it_enough(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (worker,) = await n.registered("周新来", area="haihong")
    slip = {"actorId": worker, "basis": "IN_PERSON", "evidence": "本人到场"}
    made = await n.do(
        a.other, "newResidentsRegister", "registration { id }", areaId=a.haihong, address="海虹路 5 号",
        since=a.months_ago(14), onBehalfOf=slip,
    )  # fmt: skip
    home = made["registration"]["id"]
    await n.do(a.clerk, "newResidentsAddEvidence", STATE, registrationId=home, evidence=[LEASE], onBehalfOf=slip)
    verify = {"registrationId": home, "since": a.months_ago(14), "identity": "IN_PERSON"}
    for part in (a.clerk, a.other):
        assert await n.refused(part, "newResidentsVerifyResidence", STATE, **verify) == "ENTERED_BY_YOU"
    assert (await a.verify(home, by="admin"))["state"] == "VERIFIED"


async def test_one_lives_in_one_place(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, home = await a.settled(24)
    await a.role(a.clerk, "CLERK", await n.area_id("xingwang"))
    second = await a.register(login, await n.area_id("xingwang"), 2)
    twice = await n.refused(
        a.clerk, "newResidentsVerifyResidence", STATE, registrationId=second, since=a.months_ago(2), identity="REMOTE"
    )
    assert twice == "LIVES_ELSEWHERE"
    await n.do(login, "newResidentsMoveAway", STATE, registrationId=home, until=a.months_ago(2))
    await a.verify(second, 2)
    # A move inside the subdistrict does not break the residence there.
    assert str(await a.since(login, await n.area_id("xinyang"))) == a.months_ago(24)
    assert str(await a.since(login, await n.area_id("xingwang"))) == a.months_ago(2)
    assert await a.since(login, a.haihong) is None


async def test_a_registration_is_the_persons_own_matter_and_no_clerks(neighbourhood: Neighbourhood) -> None:
    """`can` says of what the person alone may do what the mutation says."""
    n = neighbourhood
    a = await Arriving.begin(n)
    login, registration = await a.settled(14)
    can = "query($a: String!, $i: ID!) { can(action: $a, on: $i) { allowed reason } }"
    for own in ("AddEvidence", "WithdrawRegistration", "ConfirmRegistration", "DeclineRegistration", "Appeal"):
        found = {
            who: (await n.ask(who, can, a=f"newResidents{own}", i=registration))["can"] for who in (login, a.clerk)
        }
        assert found[login] == {"allowed": True, "reason": "OWN"}
        assert found[a.clerk] == {"allowed": False, "reason": "NOT_YOURS"}
    said = {"registrationId": registration, "statement": "更早"}
    assert await n.refused(a.clerk, "newResidentsAppeal", "appeal { id }", **said) == "NOT_PERMITTED"
    appeal = (await n.do(login, "newResidentsAppeal", "appeal { id }", **said))["appeal"]["id"]
    assert (await n.ask(a.clerk, can, a="newResidentsWithdrawAppeal", i=appeal))["can"]["reason"] == "NOT_YOURS"
