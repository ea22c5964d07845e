"""An employer's list registers nobody: each worker agrees and is verified singly; who does not is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving, refused

pytestmark = pytest.mark.anyio
STATE = "registration { id state }"
MINE = "{ newResidentsRegistrations { nodes { id state address dormitory { employer { name } } } } }"


async def listed(a: Arriving, *workers: str, **more: Any) -> tuple[str, str]:
    """The company, and its list of these logins."""
    company = await a.employer("企业丁", "company")
    people = [{"personId": await a.person(w), "since": a.months_ago(8)} for w in workers]
    made = await a.n.do(
        "company", "newResidentsSubmitDormitoryList", "list { id workers waiting }", actingFor=company,
        areaId=a.haihong, address="海虹路 88 号宿舍", workers=people, **more,
    )  # fmt: skip
    assert made["list"]["workers"] == made["list"]["waiting"] == len(workers)
    return company, made["list"]["id"]


async def asked(a: Arriving, login: str) -> str:
    (node,) = (await a.n.ask(login, MINE))["newResidentsRegistrations"]["nodes"]
    assert node["state"] == "INVITED"
    assert node["dormitory"] == {"employer": {"name": "企业丁"}}  # who is asked knows by whom
    return str(node["id"])


async def test_each_worker_answers_and_is_verified_singly(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    one, two, three = await n.newcomers(3, "xinyang")
    company, made = await listed(a, one, two, three)
    registrations = [await asked(a, login) for login in (one, two, three)]
    # The clerk sees who is asked, to help at the desk, not what the employer says of them, and can do nothing about it.
    facts = await a.see(registrations[0], "state address claimedSince employer { id } dormitory { address }", a.clerk)
    assert facts == {
        "state": "INVITED", "address": None, "claimedSince": None, "employer": None, "dormitory": None,
    }  # fmt: skip
    lists = "{ newResidentsDormitoryLists { nodes { address registrations { nodes { person { name } } } } } }"
    assert (await n.ask(a.clerk, lists))["newResidentsDormitoryLists"]["nodes"] == []
    early = await n.refused(
        a.clerk, "newResidentsVerifyResidence", STATE, registrationId=registrations[0], since=a.months_ago(8),
        identity="IN_PERSON",
    )  # fmt: skip
    assert early == "REGISTRATION_STATE"
    confirm = ("newResidentsConfirmRegistration", STATE)
    assert await n.refused(two, *confirm, registrationId=registrations[0]) == "NOT_FOUND"
    not_theirs = await n.refused("company", *confirm, registrationId=registrations[0], actingFor=company)
    assert not_theirs == "NOT_PERMITTED"
    agreed = await n.do(one, *confirm, registrationId=registrations[0], address="海虹路 88 号宿舍 2 栋 301")
    assert agreed["registration"]["state"] == "SUBMITTED"
    assert await a.see(registrations[0], "employer { name }", a.clerk) == {"employer": {"name": "企业丁"}}
    consents = "{ viewer { ... on Person { consents { nodes { purpose basis state } } } } }"
    assert (await n.ask(one, consents))["viewer"]["consents"]["nodes"] == [
        {"purpose": f"按企业丁宿舍名单登记居住({split_global(made)[1]})", "basis": "ONLINE", "state": "GIVEN"}
    ]
    declined = await n.do(two, "newResidentsDeclineRegistration", STATE, registrationId=registrations[1])
    assert declined["registration"]["state"] == "DECLINED"
    assert await a.see(registrations[1], "address", two) == {"address": None}
    assert await a.see(registrations[1], "id", a.clerk) is None
    # The employer sees how many, and no more of who has answered.
    seen = await n.ask(
        "company", "query($i: ID!) { node(id: $i) { ... on NewResidentsDormitoryList {"
        " workers waiting confirmed registrations { nodes { state } } } } }", i=made,
    )  # fmt: skip
    assert seen["node"] == {
        "workers": 3, "waiting": 1, "confirmed": 1, "registrations": {"nodes": [{"state": "INVITED"}]},
    }  # fmt: skip
    assert (await a.verify(registrations[0], 8))["state"] == "VERIFIED"
    assert await a.since(one, a.haihong) is not None
    assert await a.since(three, a.haihong) is None
    await a.days(31)
    assert await a.see(registrations[2], "state address", three) == {"state": "LAPSED", "address": None}
    assert await n.refused(three, *confirm, registrationId=registrations[2]) == "REGISTRATION_STATE"


async def test_the_log_tells_no_clerk_which_employer_listed_whom(neighbourhood: Neighbourhood) -> None:
    """Nor after a no, or once the employer has taken the list back; what a worker agreed to is told."""
    n = neighbourhood
    a = await Arriving.begin(n)
    one, two, three = await n.newcomers(3, "xinyang")
    company, made = await listed(a, one, two, three)
    registrations = [await asked(a, login) for login in (one, two, three)]
    await n.do(one, "newResidentsConfirmRegistration", STATE, registrationId=registrations[0])
    await n.do(two, "newResidentsDeclineRegistration", STATE, registrationId=registrations[1])
    await n.do("company", "newResidentsCloseDormitoryList", "list { id }", actingFor=company, listId=made)
    await n.delivered()
    log = "{ events(first: 100) { nodes { type subject mandate { id } data } } }"

    async def told(who: str) -> list[dict[str, Any]]:
        nodes = (await n.ask(who, log))["events"]["nodes"]
        return [e for e in nodes if e["subject"] in (made, *registrations)]

    for who in (a.clerk, "admin"):
        events = await told(who)
        assert {e["subject"] for e in events} == {registrations[0], registrations[1]}
        assert [e for e in events if e["mandate"] is not None] == []
        said = str([e["data"] for e in events])
        assert [id for id in (made, company) if str(split_global(id)[1]) in said] == []
    assert made in {e["subject"] for e in await told("company")}  # who did it sees it


async def test_at_the_desk_a_signed_slip_is_consent_and_a_call_is_not(neighbourhood: Neighbourhood) -> None:
    """For a worker without an account."""
    n = neighbourhood
    a = await Arriving.begin(n)
    (worker,) = await n.registered("周新来", area="haihong")
    company = await a.employer("企业丁", "company")
    await n.do(
        "company", "newResidentsSubmitDormitoryList", "list { id }", actingFor=company, areaId=a.haihong,
        address="海虹路 88 号宿舍", workers=[{"personId": worker, "since": a.months_ago(8)}],
    )  # fmt: skip
    registration = (await n.ask(a.clerk, MINE))["newResidentsRegistrations"]["nodes"][0]["id"]
    call = {"actorId": worker, "basis": "PHONE", "evidence": "来电"}
    confirm = (a.clerk, "newResidentsConfirmRegistration", STATE)
    assert await n.refused(*confirm, registrationId=registration, onBehalfOf=call) == "CONSENT_BASIS"
    slip = {**call, "basis": "WRITTEN", "evidence": "同意书 2026-31"}
    made = await n.do(*confirm, registrationId=registration, onBehalfOf=slip)
    assert made["registration"]["state"] == "SUBMITTED"
    assert (await a.verify(registration, 8, a.other))["state"] == "VERIFIED"


async def test_consent_taken_back_takes_the_open_registration_with_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    await listed(a, login)
    registration = await asked(a, login)
    await n.do(login, "newResidentsConfirmRegistration", STATE, registrationId=registration)
    nodes = (await n.ask(login, "{ viewer { ... on Person { consents { nodes { id } } } } }"))["viewer"]["consents"][
        "nodes"
    ]
    await n.do(login, "coreWithdrawConsent", "consent { state }", consentId=nodes[0]["id"])
    await n.delivered()
    assert await a.see(registration, "state", login) == {"state": "WITHDRAWN"}


async def test_consent_taken_back_while_the_mechanism_is_off_verifies_nobody(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    await listed(a, login)
    registration = await asked(a, login)
    await n.do(login, "newResidentsConfirmRegistration", STATE, registrationId=registration)
    toggle = {"areaId": a.haihong, "plugin": "new_residents", "reason": "试用"}
    await n.do("admin", "coreTogglePlugin", "area { id }", **toggle, state="OFF")
    consents = "{ viewer { ... on Person { consents { nodes { id } } } } }"
    (given,) = (await n.ask(login, consents))["viewer"]["consents"]["nodes"]
    await n.do(login, "coreWithdrawConsent", "consent { state }", consentId=given["id"])
    await n.delivered()
    await n.do("admin", "coreTogglePlugin", "area { id }", **toggle, state="ON")
    await n.delivered()
    verify = (a.clerk, "newResidentsVerifyResidence", STATE)
    said = {"registrationId": registration, "since": a.months_ago(8), "identity": "IN_PERSON"}
    if (await a.see(registration, "state", login))["state"] == "SUBMITTED":
        assert await n.refused(*verify, **said) == "WORKER_CONSENT"
    by = f"decided_by_id = '{split_global(await a.person(a.clerk))[1]}', since = '{a.months_ago(2)}'"
    sets = f"state = 'VERIFIED', identity = 'REMOTE', {by}"
    assert await refused(n, registration, sets, "VERIFIED") == "WORKER_CONSENT"


async def test_what_was_agreed_to_of_one_employer_says_nothing_of_another_of_its_name(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (worker,) = await n.registered("周新来", area="haihong")
    call = {"actorId": worker, "basis": "PHONE", "evidence": "来电"}
    slip = {**call, "basis": "WRITTEN", "evidence": "同意书 2026-31"}
    confirm = (a.clerk, "newResidentsConfirmRegistration", STATE)

    async def invited() -> str:
        company = await a.employer("企业丁", "company")
        await n.do(
            "company", "newResidentsSubmitDormitoryList", "list { id }", actingFor=company, areaId=a.haihong,
            address="海虹路 88 号宿舍", workers=[{"personId": worker, "since": a.months_ago(8)}],
        )  # fmt: skip
        nodes = (await n.ask(a.clerk, MINE))["newResidentsRegistrations"]["nodes"]
        (waiting,) = [r["id"] for r in nodes if r["state"] == "INVITED"]
        return str(waiting)

    first = await invited()
    await n.do(*confirm, registrationId=first, onBehalfOf=slip)
    await n.do(a.clerk, "newResidentsWithdrawRegistration", STATE, registrationId=first, onBehalfOf=slip)
    second = await invited()  # by another company of the same name
    assert await n.refused(*confirm, registrationId=second, onBehalfOf=call) == "CONSENT_BASIS"
    assert (await n.do(*confirm, registrationId=second, onBehalfOf=slip))["registration"]["state"] == "SUBMITTED"


async def test_a_list_is_an_employer_s_and_names_people_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    (login,) = await n.newcomers(1, "xinyang")
    company = await a.employer("企业戊", "company")
    worker = {"personId": await a.person(login), "since": a.months_ago(2)}
    submit = ("newResidentsSubmitDormitoryList", "list { id }")
    place = {"areaId": a.haihong, "address": "宿舍"}
    assert await n.refused("company", *submit, **place, workers=[worker]) == "NOT_AN_EMPLOYER"
    acting = {**place, "actingFor": company}
    assert await n.refused("company", *submit, **acting, workers=[worker, worker]) == "TWICE_ON_LIST"
    assert await n.refused("company", *submit, **acting, workers=[]) == "TOO_MANY_WORKERS"
    not_one = {**worker, "personId": company}
    assert await n.refused("company", *submit, **acting, workers=[not_one]) == "NOT_A_PERSON"
    made = (await n.do("company", *submit, **acting, workers=[worker]))["list"]["id"]
    closed = await n.do(
        "company", "newResidentsCloseDormitoryList", "list { state waiting }", listId=made, actingFor=company
    )
    assert closed["list"] == {"state": "CLOSED", "waiting": 0}
    nodes = (await n.ask(login, MINE))["newResidentsRegistrations"]["nodes"]
    assert [(r["state"], r["address"]) for r in nodes] == [("LAPSED", None)]


async def test_who_was_asked_for_a_dormitory_is_not_asked_anew(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    one, two, new = await n.newcomers(3, "xinyang")
    company, _ = await listed(a, one, two)
    submit = ("company", "newResidentsSubmitDormitoryList", "list { workers waiting }")

    async def people(*logins: str) -> dict[str, Any]:
        workers = [{"personId": await a.person(w), "since": a.months_ago(8)} for w in logins]
        return {"actingFor": company, "areaId": a.haihong, "address": " 海虹路 88 号宿舍", "workers": workers}

    assert await n.refused(*submit, **await people(one, two)) == "ALREADY_ASKED"
    with monkeypatch.context() as forgot:
        nobody = "SELECT r.id AS person_id FROM core_actor r JOIN new_residents_list t ON 1 = 0"
        forgot.setattr("plugins.new_residents.rules.dormitories.ASKED", nobody)
        assert await n.refused(*submit, **await people(one)) == "ALREADY_ASKED"
    assert (await n.do(*submit, **await people(one, two, new)))["list"] == {"workers": 1, "waiting": 1}
    await n.do(one, "newResidentsDeclineRegistration", STATE, registrationId=await asked(a, one))
    assert (await n.do(*submit, **await people(one)))["list"] == {"workers": 1, "waiting": 1}
    await n.do("company", *submit[1:], **{**await people(two), "address": "海虹路 90 号宿舍"})
