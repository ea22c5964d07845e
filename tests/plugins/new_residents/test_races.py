"""Two clerks at once: one home, one decision, one of each entitlement."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.testing.kit import Neighbourhood, Refused
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio


async def outcome(coroutine: Any) -> str:
    try:
        await coroutine
    except Refused as refused:
        return str(refused.codes[0])
    return "done"


async def test_two_clerks_verify_two_homes_of_one_person_and_one_holds(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    xingwang = await n.area_id("xingwang")
    await a.role(a.other, "CLERK", xingwang)
    for _ in range(4):
        (login,) = await n.newcomers(1, "xinyang")
        homes = [await a.register(login, a.haihong), await a.register(login, xingwang)]
        came = await asyncio.gather(
            *(outcome(a.verify(home, 3, by)) for home, by in zip(homes, (a.clerk, a.other), strict=True))
        )
        assert sorted(came) == ["LIVES_ELSEWHERE", "done"]
        states = [(await a.see(home, "state", login))["state"] for home in homes]
        assert sorted(states) == ["SUBMITTED", "VERIFIED"]


async def test_one_is_refused_and_verified_at_once_and_one_of_it_holds(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    for _ in range(4):
        (login,) = await n.newcomers(1, "xinyang")
        registration = await a.register(login)
        reject = n.do(
            a.other, "newResidentsRejectRegistration", "registration { state }", registrationId=registration, reason="?"
        )
        came = await asyncio.gather(outcome(a.verify(registration)), outcome(reject))
        assert sorted(came) == ["REGISTRATION_STATE", "done"]


async def test_two_clerks_grant_the_same_and_it_is_there_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    login, _ = await a.settled(14)
    about = {"entitlementId": offered["ELECTIONS"], "personId": await a.person(login)}
    came = await asyncio.gather(
        *(
            outcome(n.do(by, "newResidentsGrantEntitlement", "grant { id }", **about))
            for by in (a.clerk, a.other, a.clerk, a.other)
        )
    )
    assert sorted(came) == ["ENTITLED_ALREADY"] * 3 + ["done"]
    held = 'query($p: ID!) { newResidentsGrants(where: {person: {id: {eq: $p}}, entitlement: {key: {eq: "ELECTIONS"}}})'
    seen = await n.ask(login, held + " { totalCount } }", p=about["personId"])
    assert seen["newResidentsGrants"]["totalCount"] == 1


async def test_a_worker_declines_as_the_desk_confirms_and_one_of_it_holds(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    company = await a.employer("企业己", "company")
    await n.do(
        "company", "newResidentsSubmitDormitoryList", "list { id }", actingFor=company, areaId=a.haihong,
        address="宿舍", workers=[{"personId": await a.person(login), "since": a.months_ago(1)}],
    )  # fmt: skip
    mine = (await n.ask(login, "{ newResidentsRegistrations { nodes { id } } }"))["newResidentsRegistrations"]["nodes"]
    both = ("newResidentsConfirmRegistration", "newResidentsDeclineRegistration")
    came = await asyncio.gather(
        *(outcome(n.do(login, name, "registration { state }", registrationId=mine[0]["id"])) for name in both)
    )
    assert sorted(came) == ["REGISTRATION_STATE", "done"]
