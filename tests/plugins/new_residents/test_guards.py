"""What the database itself refuses: no worker without consent, no second home, nobody in their own matter, no statute made up."""

from __future__ import annotations

from typing import Any

import pytest

from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving, refused

pytestmark = pytest.mark.anyio


async def test_the_database_holds_to_it_as_well(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (worker,) = await n.newcomers(1, "xinyang")
    company = await a.employer("企业庚", "company")
    await n.do(
        "company", "newResidentsSubmitDormitoryList", "list { id }", actingFor=company, areaId=a.haihong,
        address="宿舍", workers=[{"personId": await a.person(worker), "since": a.months_ago(1)}],
    )  # fmt: skip
    mine: Any = await n.ask(worker, "{ newResidentsRegistrations { nodes { id } } }")
    invited = mine["newResidentsRegistrations"]["nodes"][0]["id"]
    assert await refused(n, invited, "state = 'SUBMITTED'", "SUBMITTED") == "WORKER_CONSENT"
    clerk, self_ = [split_global(await a.person(who))[1] for who in (a.clerk, worker)]
    facts = f"since = '{a.months_ago(1)}', identity = 'REMOTE', consent_id = '{new_id()}'"
    straight = f"state = 'VERIFIED', decided_by_id = '{clerk}', {facts}"
    assert await refused(n, invited, straight, "VERIFIED") == "WORKER_CONSENT"

    login, home = await a.settled(14)
    second = await a.register(login, await n.area_id("xingwang"))
    by = f"decided_by_id = '{clerk}', since = '{a.months_ago(2)}'"
    assert await refused(n, second, f"state = 'VERIFIED', identity = 'REMOTE', {by}", "VERIFIED") == "LIVES_ELSEWHERE"
    assert await refused(n, second, f"state = 'VERIFIED', {by}", "VERIFIED") in ("IDENTITY_NEEDED", "LIVES_ELSEWHERE")
    person = split_global(await a.person(login))[1]
    assert await refused(n, second, f"state = 'REJECTED', decided_by_id = '{person}'", "REJECTED") == "OWN_MATTER"
    assert await refused(n, home, f"since = '{a.months_ago(9)}'", "VERIFIED") == "APPEND_ONLY"
    assert await refused(n, home, f"person_id = '{self_}'", "VERIFIED") == "APPEND_ONLY"
    await n.do(login, "newResidentsMoveAway", "registration { state }", registrationId=home)
    assert await refused(n, home, "state = 'VERIFIED'", "VERIFIED") == "REGISTRATION_STATE"
    rejected = await a.register(login, a.haihong)
    await n.do(a.clerk, "newResidentsRejectRegistration", "registration { state }", registrationId=rejected, reason="?")
    again = f"state = 'VERIFIED', identity = 'REMOTE', since = '{a.months_ago(2)}'"
    assert await refused(n, rejected, again, "VERIFIED") == "REGISTRATION_STATE"


async def test_no_grant_is_refused_by_a_statute_that_nobody_declared(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    login, _ = await a.settled(14)
    asked = await n.do(login, "newResidentsRequestEntitlement", "grant { id }", entitlementId=offered["ELECTIONS"])
    grant = asked["grant"]["id"]
    clerk, person = [split_global(await a.person(who))[1] for who in (a.clerk, login)]
    sets = f"state = 'REFUSED', ground = 'STATUTE', decided_by_id = '{clerk}'"
    assert await refused(n, grant, sets, "REFUSED") == "NO_STATUTE"
    own = f"state = 'GRANTED', decided_by_id = '{person}'"
    assert await refused(n, grant, own, "GRANTED") == "OWN_MATTER"
    assert await refused(n, grant, "state = 'REFUSED'", "REFUSED") == "INVALID_VALUE"
