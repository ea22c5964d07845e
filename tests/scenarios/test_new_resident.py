"""A2, its first parts: 丙 and 丁 register at the service complex of 海虹社区, are verified, and have what everybody has; 庚 in a
village waits for the villagers; 丙 moves away."""

from __future__ import annotations

import pytest

pytest.importorskip("plugins.new_residents")

from core.testing.kit import Neighbourhood
from tests.kits.new_residents import LEASE, Arriving

pytestmark = [pytest.mark.anyio, pytest.mark.needs("new_residents")]
GROUPS = {"CITY", "MANAGEMENT", "PARTICIPATION", "SERVICE", "TREATMENT"}


async def test_new_residents_arrive_and_have_what_everybody_has(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    offered = await a.catalogue()
    await n.do(
        a.clerk, "newResidentsOpenServicePoint", "servicePoint { id }", areaId=a.haihong, name="海虹新厦门人服务综合体",
        address="海虹路 1 号", hours=[{"weekday": day, "opens": "08:30", "closes": "17:30"} for day in range(1, 8)],
    )  # fmt: skip

    # (1) 丙 comes to the desk without an account; 丁 registers online. A clerk verifies since when.
    (bing,) = await n.registered("丙四川", area="haihong")
    made = await n.do(
        a.clerk, "newResidentsRegister", "registration { id person { id } }", areaId=a.haihong,
        address="海虹路 5 号 302 室", since=a.months_ago(14), evidence=[LEASE, {"kind": "JOB", "reference": "在职证明 7"}],
        onBehalfOf={"actorId": bing, "basis": "IN_PERSON", "evidence": "本人到场,出示证件"},
    )  # fmt: skip
    assert made["registration"]["person"] == {"id": bing}
    home = made["registration"]["id"]
    assert (await a.verify(home, 14, a.other))["state"] == "VERIFIED"
    ding, _ = await a.settled(5)
    people = {"丙": bing, "丁": await a.person(ding)}

    # (2) All five groups, to each as far as they have lived here long enough.
    grant = (a.clerk, "newResidentsGrantEntitlement", "grant { state }")
    for key in ("ELECTIONS", "DIVIDEND"):
        await n.do(*grant, entitlementId=offered[key], personId=bing)
        assert await n.refused(*grant, entitlementId=offered[key], personId=people["丁"]) == "RESIDENCE_MONTHS"
    held = "query($p: ID!) { newResidentsGrants(first: 50, where: {person: {id: {eq: $p}}, state: {eq: GRANTED}})"
    held += " { nodes { entitlement { equalGroup } } } }"
    groups = {
        name: {
            g["entitlement"]["equalGroup"] for g in (await n.ask(a.clerk, held, p=id))["newResidentsGrants"]["nodes"]
        }
        for name, id in people.items()
    }
    assert groups == {"丙": GROUPS, "丁": GROUPS - {"TREATMENT"}}

    # (3) What an election asks: 丙 has lived here for twelve months, 丁 has not.
    long_enough = a.months_ago(12)
    assert str(await a.since(ding, a.haihong)) > long_enough
    members = "query($p: ID!) { memberships(where: {actor: {id: {eq: $p}}, state: {eq: ACTIVE}}) { nodes { since area { code } } } }"
    assert (await n.ask(a.clerk, members, p=bing))["memberships"]["nodes"] == [
        {"since": a.months_ago(14), "area": {"code": "haihong"}}
    ]

    # (5) 丙 moves away, by the desk; what 丙 had here ends with it.
    await n.do(
        a.clerk, "newResidentsMoveAway", "registration { state }", registrationId=home,
        onBehalfOf={"actorId": bing, "basis": "PHONE", "evidence": "来电 10:20"},
    )  # fmt: skip
    assert (await n.ask(a.clerk, held, p=bing))["newResidentsGrants"]["nodes"] == []
    sent = 'query($s: ID!) { events(first: 10, where: {subject: {eq: $s}, type: {startsWith: "new_residents.residence"}}) { nodes { type data } } }'
    events = (await n.ask("admin", sent, s=home))["events"]["nodes"]
    assert {e["type"] for e in events} == {"new_residents.residence.verified", "new_residents.residence.withdrawn"}
    assert all(set(e["data"]) <= {"person", "area", "since", "until"} for e in events)  # INV14: no address

    # (6) 庚, 14 months in a village: the villagers' representatives agree, as the minutes say.
    (geng,) = await n.newcomers(1, "haihong")
    registration = await a.register(geng, a.xishan)
    assert (await a.verify(registration, by="clerk"))["state"] == "PENDING_CONSENT"
    assert await a.since(geng, a.xishan) is None
    await n.do(
        "clerk", "newResidentsRecordConsent", "registration { state }", registrationId=registration, consented=True,
        evidence="村民代表会议记录 12 号",
    )  # fmt: skip
    assert await a.see(registration, "state") == {"state": "VERIFIED"}
    assert str(await a.since(geng, a.xishan)) == a.months_ago(14)

    report = "query($a: ID!) { newResidentsParity(areaId: $a, first: 50) { nodes { parity } } }"
    found = {p["parity"] for p in (await n.ask(None, report, a=a.haihong))["newResidentsParity"]["nodes"]}
    assert found == {"TOO_FEW"}  # no exception, and too few to compare
