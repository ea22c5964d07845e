"""Equal footing: five groups, the same conditions for everybody, a statute where there is an exception, appeals."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio
GRANT = "grant { id state ground }"


async def test_all_five_groups_come_to_who_lives_here(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    bing, _ = await a.settled(14)
    ding, _ = await a.settled(5)
    mine = (
        "{ newResidentsGrants(first: 50, where: {state: {eq: GRANTED}}) { nodes { entitlement { key equalGroup } } } }"
    )

    async def has(login: str) -> set[str]:
        return {g["entitlement"]["key"] for g in (await n.ask(login, mine))["newResidentsGrants"]["nodes"]}

    automatic = {"NEW_CITIZEN", "GRID", "FORUMS", "SUPERVISION", "PUBLIC_SERVICE", "VOLUNTEERING"}
    assert await has(bing) == await has(ding) == automatic
    people = {login: await a.person(login) for login in (bing, ding)}
    grant = (a.clerk, "newResidentsGrantEntitlement", GRANT)
    for key in ("ELECTIONS", "DIVIDEND"):
        await n.do(*grant, entitlementId=offered[key], personId=people[bing])
        early = await n.refused(*grant, entitlementId=offered[key], personId=people[ding])
        assert early == "RESIDENCE_MONTHS"
    assert await has(bing) == set(offered)
    groups = {g["entitlement"]["equalGroup"] for g in (await n.ask(bing, mine))["newResidentsGrants"]["nodes"]}
    assert groups == {"CITY", "MANAGEMENT", "PARTICIPATION", "SERVICE", "TREATMENT"}
    twice = await n.refused(*grant, entitlementId=offered["ELECTIONS"], personId=people[bing])
    assert twice == "ENTITLED_ALREADY"
    assert (await n.ask("resident", mine))["newResidentsGrants"]["nodes"] == []  # what others have is theirs to know
    (stranger,) = await n.newcomers(1, "xishan")
    nowhere = await n.refused(*grant, entitlementId=offered["ELECTIONS"], personId=await a.person(stranger))
    assert nowhere == "NOT_RESIDENT_HERE"


async def test_asked_for_used_and_over_with_the_residence(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    login, registration = await a.settled(14)
    asked = await n.do(login, "newResidentsRequestEntitlement", GRANT, entitlementId=offered["DIVIDEND"])
    assert asked["grant"]["state"] == "REQUESTED"
    given = await n.do(
        a.clerk, "newResidentsGrantEntitlement", GRANT,
        entitlementId=offered["DIVIDEND"], personId=await a.person(login),
    )  # fmt: skip
    assert given["grant"] == {"id": asked["grant"]["id"], "state": "GRANTED", "ground": None}
    use = ("newResidentsUseEntitlement", "use { usedOn }")
    record = {"grantId": asked["grant"]["id"], "note": "股份分红"}
    assert await n.refused(login, *use, **record) == "NOT_PERMITTED"
    assert await n.refused(a.clerk, *use, **record, usedOn=a.months_ago(1)) == "BEFORE_GRANTED"
    await n.do(a.clerk, *use, **record)
    await n.do(login, "newResidentsMoveAway", "registration { state }", registrationId=registration)
    over = "{ newResidentsGrants(first: 50, where: {state: {eq: ENDED}}) { totalCount } }"
    assert (await n.ask(login, over))["newResidentsGrants"]["totalCount"] == 7
    assert await n.refused(a.clerk, *use, **record) == "ENTITLEMENT_STATE"


async def test_a_refusal_has_a_ground_that_holds_and_another_clerk_hears_the_appeal(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    login, _ = await a.settled(14)
    about = {"entitlementId": offered["DIVIDEND"], "personId": await a.person(login), "reason": "看材料"}
    refuse = (a.clerk, "newResidentsRefuseEntitlement", GRANT)
    assert await n.refused(*refuse, **about, ground="RESIDENCE") == "GROUND_DOES_NOT_HOLD"
    assert await n.refused(*refuse, **about, ground="STATUTE") == "NO_STATUTE"
    made = await n.do(*refuse, **about, ground="CAPACITY")
    record = made["grant"]["id"]
    submitted = await n.do(
        login, "newResidentsAppealEntitlement", "appeal { id state }", grantId=record, statement="名额没有公布"
    )
    appeal = submitted["appeal"]["id"]
    decide = ("newResidentsDecideAppeal", "appeal { state }")
    said = {"appealId": appeal, "grant": True, "answer": "名额未满"}
    assert await n.refused(a.clerk, *decide, **said) == "OWN_MATTER"
    assert await n.refused(login, *decide, **said) == "NOT_PERMITTED"
    assert (await n.do(a.other, *decide, **said))["appeal"]["state"] == "GRANTED"
    assert await n.refused(a.other, *decide, **said) == "RESIDENT_APPEAL_STATE"
    again = await n.refused(a.clerk, "newResidentsGrantEntitlement", GRANT, **{k: about[k] for k in list(about)[:2]})
    assert again == "ENTITLED_ALREADY"


async def test_only_a_declared_statute_keeps_newcomers_from_what_locals_have(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    login, _ = await a.settled(14)
    (local,) = await n.newcomers(1, "haihong")
    await n.do(
        a.clerk, "coreAddMembership", "membership { id }", actorId=await a.person(local), areaId=a.haihong,
        role="RESIDENT", since=a.months_ago(40),
    )  # fmt: skip
    declare = ("newResidentsDeclareException", "exception { id until }")
    rule = {
        "entitlementId": offered["DIVIDEND"], "statute": "农村集体经济组织法第十三条", "reason": "集体资产收益限成员",
    }  # fmt: skip
    assert await n.refused(a.clerk, *declare, **rule) == "NOT_PERMITTED"
    exception = (await n.do("admin", *declare, **rule))["exception"]["id"]
    assert await n.refused("admin", *declare, **rule) == "STATUTE_EXISTS"
    grant = (a.clerk, "newResidentsGrantEntitlement", GRANT)
    dividend = {"entitlementId": offered["DIVIDEND"]}
    kept = await n.refused(*grant, **dividend, personId=await a.person(login))
    assert kept == "STATUTORY_EXCEPTION"
    await n.do(*grant, **dividend, personId=await a.person(local))
    refused = await n.do(
        a.clerk, "newResidentsRefuseEntitlement", GRANT, **dividend, personId=await a.person(login), ground="STATUTE",
        reason="依法",
    )  # fmt: skip
    assert refused["grant"]["ground"] == "STATUTE"
    public = "{ newResidentsExceptions(first: 1) { nodes { statute entitlement { key } } } }"
    assert (await n.ask(None, public))["newResidentsExceptions"]["nodes"][0]["entitlement"] == {"key": "DIVIDEND"}
    await n.do("admin", "newResidentsEndException", "exception { until }", exceptionId=exception)
    assert (await n.do(*grant, **dividend, personId=await a.person(login)))["grant"]["state"] == "GRANTED"


async def test_an_offer_asks_for_less_or_ends_and_never_for_more(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    change = ("admin", "newResidentsChangeEntitlement", "entitlement { minMonths title state }")
    elections = {"entitlementId": offered["ELECTIONS"]}
    assert await n.refused(*change, **elections, minMonths=13) == "MONTHS_ONLY_FEWER"
    assert (await n.do(*change, **elections, minMonths=6))["entitlement"]["minMonths"] == 6
    again = await n.refused("admin", "newResidentsOfferCatalogue", "area { id }", areaId=a.haihong)
    assert again == "ENTITLEMENT_EXISTS"
    retire = ("admin", "newResidentsRetireEntitlement", "entitlement { state }")
    assert (await n.do(*retire, **elections, reason="并入选举办法"))["entitlement"]["state"] == "RETIRED"
    assert await n.refused(*retire, **elections, reason="?") == "ENTITLEMENT_RETIRED"
    login, _ = await a.settled(14)
    gone = await n.refused(login, "newResidentsRequestEntitlement", GRANT, **elections)
    assert gone == "ENTITLEMENT_RETIRED"
    made = await n.do(
        "admin", "newResidentsOfferEntitlement", "entitlement { key automatic }", areaId=a.haicang,
        equalGroup="SERVICE", key="SCHOOL", title="子女就近入学",
    )  # fmt: skip
    assert made["entitlement"] == {"key": "SCHOOL", "automatic": False}
