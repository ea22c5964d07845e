"""A refused, revoked or too late residence is looked at again by somebody else, within the days to appeal."""

from __future__ import annotations

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import LEASE, Arriving, refused

pytestmark = pytest.mark.anyio
STATE = "registration { state }"
APPEAL = "appeal { id state }"
DECIDE = ("newResidentsDecideAppeal", "appeal { state registration { state since } }")


async def test_a_refused_registration_is_verified_on_appeal_by_another_clerk(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    registration = await a.register(login)
    reject = (a.clerk, "newResidentsRejectRegistration", STATE)
    assert await n.refused(*reject, registrationId=registration, reason="") == "EMPTY_TEXT"
    await n.do(*reject, registrationId=registration, reason="租约看不清")
    assert await a.see(registration, "state reason", login) == {"state": "REJECTED", "reason": "租约看不清"}
    appeal = ("newResidentsAppeal", APPEAL)
    assert await n.refused("resident", *appeal, registrationId=registration, statement="?") == "NOT_FOUND"
    made = (await n.do(login, *appeal, registrationId=registration, statement="原件清楚"))["appeal"]["id"]
    assert await n.refused(login, *appeal, registrationId=registration, statement="?") == "RESIDENT_APPEAL_OPEN"
    said = {"appealId": made, "grant": True, "answer": "原件核验无误", "identity": "IN_PERSON"}
    assert await n.refused(a.clerk, *DECIDE, **said, since=a.months_ago(14)) == "OWN_MATTER"
    assert await n.refused(a.other, *DECIDE, **said) == "RESIDENCE_SINCE"
    decided = await n.do(a.other, *DECIDE, **said, since=a.months_ago(14))
    assert decided["appeal"] == {
        "state": "GRANTED", "registration": {"state": "VERIFIED", "since": a.months_ago(14)},
    }  # fmt: skip
    assert str(await a.since(login, a.haihong)) == a.months_ago(14)
    assert (await a.events(registration))[-3:] == [
        "new_residents.registration.submitted", "new_residents.registration.rejected",
        "new_residents.residence.verified",
    ]  # fmt: skip


async def test_the_first_day_may_be_doubted_and_only_within_the_days(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    registration = await a.register(login, months=14)
    await a.verify(registration, 5)
    made = await n.do(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="十四个月前就搬来了")
    decided = await n.do(
        a.other, *DECIDE, appealId=made["appeal"]["id"], grant=True, answer="水电记录可证", since=a.months_ago(14)
    )
    assert decided["appeal"]["registration"] == {"state": "VERIFIED", "since": a.months_ago(14)}
    assert str(await a.since(login, a.haihong)) == a.months_ago(14)
    await a.days(16)
    late = await n.refused(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="更早")
    assert late == "TOO_LATE_TO_APPEAL"


async def test_a_revoked_residence_counts_no_more_until_an_appeal_is_right(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, registration = await a.settled(14)
    revoke = ("newResidentsRevokeResidence", STATE)
    await n.do(a.other, *revoke, registrationId=registration, reason="租约系伪造")
    assert await a.since(login, a.haihong) is None
    made = await n.do(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="并非伪造")
    withdrawn = await n.do(login, "newResidentsWithdrawAppeal", APPEAL, appealId=made["appeal"]["id"])
    assert withdrawn["appeal"]["state"] == "WITHDRAWN"
    made = await n.do(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="房东作证")
    dismissed = await n.do(a.clerk, *DECIDE, appealId=made["appeal"]["id"], grant=False, answer="证据不足")
    assert dismissed["appeal"]["state"] == "DISMISSED"
    made = await n.do(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="新证据")
    await n.do(a.clerk, *DECIDE, appealId=made["appeal"]["id"], grant=True, answer="属实", since=a.months_ago(14))
    assert str(await a.since(login, a.haihong)) == a.months_ago(14)


async def test_a_refusal_by_mistake_is_undone_while_nobody_has_appealed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    registration = await a.register(login)
    await n.do(a.clerk, "newResidentsRejectRegistration", STATE, registrationId=registration, reason="点错了")
    await a.undo(a.clerk, "new_residents.registration.rejected", registration)
    assert await a.see(registration, "state reason", login) == {"state": "SUBMITTED", "reason": None}
    assert (await a.verify(registration))["state"] == "VERIFIED"


async def test_an_appeal_asks_for_the_evidence_that_verifying_asks_for(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    registration = await a.register(login, evidence=[])
    await n.do(a.clerk, "newResidentsRejectRegistration", STATE, registrationId=registration, reason="无凭据")
    made = await n.do(login, "newResidentsAppeal", APPEAL, registrationId=registration, statement="住在这里")
    said = {
        "appealId": made["appeal"]["id"], "grant": True, "answer": "可以", "since": a.months_ago(14), "identity": "REMOTE",
    }  # fmt: skip
    assert await n.refused(a.other, *DECIDE, **said) == "RESIDENCE_EVIDENCE"
    await n.do(login, "newResidentsAddEvidence", STATE, registrationId=registration, evidence=[LEASE])
    assert (await n.do(a.other, *DECIDE, **said))["appeal"]["registration"]["state"] == "VERIFIED"


async def test_an_appeal_gives_nothing_that_granting_would_not(neighbourhood: Neighbourhood) -> None:
    """A statute that holds, months that are not over, what is no longer offered; and who waits for the villagers lives here."""
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    decide = ("newResidentsDecideAppeal", "appeal { grant { state } }")
    login, registration = await a.settled(2)

    async def appealed(key: str, ground: str) -> dict[str, object]:
        refused = await n.do(
            a.clerk, "newResidentsRefuseEntitlement", "grant { id }", entitlementId=offered[key],
            personId=await a.person(login), ground=ground, reason="看情况",
        )  # fmt: skip
        made = await n.do(
            login, "newResidentsAppealEntitlement", "appeal { id }", grantId=refused["grant"]["id"], statement="不服"
        )
        return {"appealId": made["appeal"]["id"], "grant": True, "answer": "有理"}

    months = await appealed("ELECTIONS", "RESIDENCE")
    assert await n.refused(a.other, *decide, **months) == "RESIDENCE_MONTHS"
    await n.do(
        "admin", "newResidentsChangeEntitlement", "entitlement { id }", entitlementId=offered["ELECTIONS"], minMonths=1
    )
    await n.do(
        "admin", "newResidentsChangeEntitlement", "entitlement { id }", entitlementId=offered["DIVIDEND"], minMonths=1
    )
    assert (await n.do(a.other, *decide, **months))["appeal"]["grant"]["state"] == "GRANTED"
    rule = {"entitlementId": offered["DIVIDEND"], "statute": "农村集体经济组织法", "reason": "集体资产"}
    await n.do("admin", "newResidentsDeclareException", "exception { id }", **rule)
    statute = await appealed("DIVIDEND", "STATUTE")
    assert await n.refused(a.other, *decide, **statute) == "STATUTORY_EXCEPTION"
    await n.do(
        "admin", "newResidentsRetireEntitlement", "entitlement { id }", entitlementId=offered["DIVIDEND"], reason="停办"
    )
    assert await n.refused(a.other, *decide, **statute) == "ENTITLEMENT_RETIRED"
    await n.do(login, "newResidentsMoveAway", STATE, registrationId=registration)
    assert await n.refused(a.other, *decide, **statute) == "NOT_RESIDENT_HERE"


async def test_who_waits_for_the_villagers_lives_here_on_appeal_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await n.do(
        "admin", "newResidentsOfferEntitlement", "entitlement { id }", areaId=a.xishan, equalGroup="SERVICE",
        key="LIBRARY", title="农家书屋",
    )  # fmt: skip
    login, registration = await a.settled(14, a.xishan, "clerk")
    no = {"registrationId": registration, "consented": False, "evidence": "会议记录"}
    await n.do("clerk", "newResidentsRecordConsent", STATE, **no)
    refused = await n.do(
        "clerk", "newResidentsRefuseEntitlement", "grant { id }", entitlementId=offered["entitlement"]["id"],
        personId=await a.person(login), ground="OTHER", reason="看情况",
    )  # fmt: skip
    made = await n.do(
        login, "newResidentsAppealEntitlement", "appeal { id }", grantId=refused["grant"]["id"], statement="不服"
    )
    said = {"appealId": made["appeal"]["id"], "grant": True, "answer": "有理"}
    decided = await n.do("admin", "newResidentsDecideAppeal", "appeal { grant { state } }", **said)
    assert decided["appeal"]["grant"]["state"] == "GRANTED"


async def test_what_was_asked_for_again_meanwhile_is_settled_by_the_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, _ = await a.settled(14)
    person = await a.person(login)
    decide = ("newResidentsDecideAppeal", "appeal { state grant { state } }")
    for key, meanwhile in (("library", "REQUESTED"), ("School", "GRANTED")):
        made = await n.do(
            "admin", "newResidentsOfferEntitlement", "entitlement { id key }", areaId=a.haihong, equalGroup="SERVICE",
            key=key, title=key,
        )  # fmt: skip
        assert made["entitlement"]["key"] == key.upper()
        about = {"entitlementId": made["entitlement"]["id"]}
        refused = await n.do(
            a.clerk,
            "newResidentsRefuseEntitlement",
            "grant { id }",
            **about,
            personId=person,
            ground="OTHER",
            reason="?",
        )
        appeal = await n.do(
            login, "newResidentsAppealEntitlement", "appeal { id }", grantId=refused["grant"]["id"], statement="不服"
        )
        again = await n.do(login, "newResidentsRequestEntitlement", "grant { id }", **about)
        if meanwhile == "GRANTED":
            await n.do(a.clerk, "newResidentsGrantEntitlement", "grant { state }", **about, personId=person)
        said = {"appealId": appeal["appeal"]["id"], "grant": True, "answer": "有理"}
        decided = (await n.do(a.other, *decide, **said))["appeal"]
        query = "query($i: ID!) { node(id: $i) { ... on NewResidentsGrant { state } } }"
        second = (await n.ask(login, query, i=again["grant"]["id"]))["node"]["state"]
        states = {"REQUESTED": ("GRANTED", "WITHDRAWN"), "GRANTED": ("REFUSED", "GRANTED")}[meanwhile]
        assert (decided["state"], decided["grant"]["state"], second) == ("GRANTED", *states)
    twice = await n.refused(
        "admin", "newResidentsOfferEntitlement", "entitlement { id }", areaId=a.haihong, equalGroup="SERVICE",
        key="Library", title="图书馆",
    )  # fmt: skip
    assert twice == "ENTITLEMENT_EXISTS"


def at_the_desk(actor: str) -> dict[str, object]:
    return {"onBehalfOf": {"actorId": actor, "basis": "PHONE", "evidence": "来电"}}


async def _entered(a: Arriving) -> tuple[str, str]:
    """Somebody without an account whom the second clerk has registered; and the registration."""
    (worker,) = await a.n.registered("周新来", area="haihong")
    made = await a.n.do(
        a.other, "newResidentsRegister", "registration { id }", areaId=a.haihong, address="海虹路 9 号",
        since=a.months_ago(20), evidence=[LEASE], **at_the_desk(worker),
    )  # fmt: skip
    return worker, made["registration"]["id"]


async def test_who_entered_an_appeal_at_the_desk_does_not_decide_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    worker, registration = await _entered(a)
    await n.do("admin", "newResidentsRejectRegistration", STATE, registrationId=registration, reason="租约不清")
    said = {"registrationId": registration, "statement": "原件清楚", **at_the_desk(worker)}
    assert await n.refused("admin", "newResidentsAppeal", APPEAL, **said) == "OWN_MATTER"  # whose decision it is
    made = (await n.do(a.clerk, "newResidentsAppeal", APPEAL, **said))["appeal"]["id"]
    right = {"appealId": made, "grant": True, "answer": "属实", "since": a.months_ago(20), "identity": "REMOTE"}
    assert await n.refused(a.clerk, *DECIDE, **right) == "ENTERED_BY_YOU"
    by = f"decided_by_id = '{split_global(await a.person(a.clerk))[1]}', decided_at = opened_at"
    assert await refused(n, made, f"state = 'GRANTED', {by}", "GRANTED") == "ENTERED_BY_YOU"
    mine = f"decided_by_id = '{split_global(await a.person('admin'))[1]}', decided_at = opened_at"
    assert await refused(n, made, f"state = 'DISMISSED', {mine}", "DISMISSED") == "OWN_MATTER"


async def test_who_decided_takes_no_appeal_back_at_the_desk(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    worker, registration = await _entered(a)
    await n.do(a.clerk, "newResidentsRejectRegistration", STATE, registrationId=registration, reason="租约不清")
    said = {"registrationId": registration, "statement": "原件清楚", **at_the_desk(worker)}
    made = (await n.do(a.other, "newResidentsAppeal", APPEAL, **said))["appeal"]["id"]
    withdraw = ("newResidentsWithdrawAppeal", APPEAL)
    assert await n.refused(a.clerk, *withdraw, appealId=made, **at_the_desk(worker)) == "OWN_MATTER"
    assert await n.outcome(a.other, *withdraw, appealId=made, **at_the_desk(worker)) == "done"


async def test_an_entitlement_ended_at_the_desk_is_doubted_as_any_other(neighbourhood: Neighbourhood) -> None:
    """Who entered that the person gives it up takes no part in the appeal against it."""
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    worker, registration = await _entered(a)
    await a.verify(registration, 20, identity="REMOTE")
    grant = await n.do(
        a.other, "newResidentsGrantEntitlement", "grant { id }", entitlementId=offered["DIVIDEND"], personId=worker
    )
    about = {"grantId": grant["grant"]["id"]}
    ending = {**about, "reason": "本人放弃", **at_the_desk(worker)}
    ended = await n.do(a.clerk, "newResidentsEndEntitlement", "grant { state decidedBy { id } }", **ending)
    assert ended["grant"] == {"state": "ENDED", "decidedBy": {"id": await a.person(a.clerk)}}
    appeal = ("newResidentsAppealEntitlement", APPEAL)
    said = {**about, "statement": "没有打过电话", **at_the_desk(worker)}
    assert await n.refused(a.clerk, *appeal, **said) == "OWN_MATTER"
    made = (await n.do("admin", *appeal, **said))["appeal"]["id"]
    no = {"appealId": made, "grant": False, "answer": "维持"}
    assert await n.refused(a.clerk, *DECIDE, **no) == "OWN_MATTER"
    assert await n.refused("admin", *DECIDE, **no) == "ENTERED_BY_YOU"
    assert await n.outcome(a.other, *DECIDE, **{**no, "grant": True}) == "done"  # who granted it
