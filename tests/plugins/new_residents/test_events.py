"""What events tell: ids, days, counts and codes. No name, address, workplace or word of anybody (INV14)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio
SECRET = "田小禾的"
STATE, GRANT = "registration { id state }", "grant { id }"
TOLD = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d|[A-Z][A-Z_]*|[a-z][a-z_]*")


def words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [w for v in value.values() for w in words(v)]
    if isinstance(value, list):
        return [w for v in value for w in words(v)]
    return [value] if isinstance(value, str) else []


async def life(n: Neighbourhood, a: Arriving) -> None:
    """Everything that somebody, their employer and the clerks may do, with a word in each text."""
    offered = await a.catalogue()
    company = await a.employer(f"{SECRET}厂", "company")
    one, two, three = await n.newcomers(3, "xinyang")
    registration = await a.register(
        one, workplace=f"{SECRET}厂", employerId=company, evidence=[{"kind": "LEASE", "reference": f"{SECRET}租约"}]
    )
    await n.do(
        one, "newResidentsAddEvidence", STATE, registrationId=registration,
        evidence=[{"kind": "JOB", "reference": f"{SECRET}证明"}],
    )  # fmt: skip
    about = {"registrationId": registration}
    await n.do(a.clerk, "newResidentsRejectRegistration", STATE, **about, reason=f"{SECRET}租约不清")
    appeal = await n.do(one, "newResidentsAppeal", "appeal { id }", **about, statement=f"{SECRET}话")
    await n.do(
        a.other, "newResidentsDecideAppeal", "appeal { id }", appealId=appeal["appeal"]["id"], grant=True,
        answer=f"{SECRET}有理", since=a.months_ago(14), identity="IN_PERSON",
    )  # fmt: skip
    person = await a.person(one)
    dividend = {"entitlementId": offered["DIVIDEND"], "personId": person}
    no = await n.do(a.clerk, "newResidentsRefuseEntitlement", GRANT, **dividend, ground="OTHER", reason=f"{SECRET}材料")
    appeal = await n.do(
        one, "newResidentsAppealEntitlement", "appeal { id }", grantId=no["grant"]["id"], statement=f"{SECRET}话"
    )
    await n.do(
        a.other, "newResidentsDecideAppeal", "appeal { id }", appealId=appeal["appeal"]["id"], grant=True,
        answer=f"{SECRET}有理",
    )  # fmt: skip
    await n.do(a.clerk, "newResidentsUseEntitlement", "use { id }", grantId=no["grant"]["id"], note=f"{SECRET}红利")
    await n.do(a.clerk, "newResidentsEndEntitlement", GRANT, grantId=no["grant"]["id"], reason=f"{SECRET}终止")
    await n.do(one, "newResidentsRequestEntitlement", GRANT, entitlementId=offered["ELECTIONS"])
    await n.do(
        "admin", "newResidentsDeclareException", "exception { id }", entitlementId=offered["DIVIDEND"],
        statute="某法", reason=f"{SECRET}理由",
    )  # fmt: skip
    workers = [{"personId": await a.person(w), "since": a.months_ago(8)} for w in (two, three)]
    await n.do(
        "company", "newResidentsSubmitDormitoryList", "list { id }", actingFor=company, areaId=a.haihong,
        address=f"{SECRET}宿舍", workers=workers,
    )  # fmt: skip
    mine = "{ newResidentsRegistrations { nodes { id } } }"
    for login, answer in ((two, "newResidentsConfirmRegistration"), (three, "newResidentsDeclineRegistration")):
        (asked,) = (await n.ask(login, mine))["newResidentsRegistrations"]["nodes"]
        await n.do(login, answer, STATE, registrationId=asked["id"])
    await n.do(a.clerk, "newResidentsRevokeResidence", STATE, **about, reason=f"{SECRET}租约系伪造")
    point = await n.do(
        a.clerk, "newResidentsOpenServicePoint", "servicePoint { id }", areaId=a.haihong, name=f"{SECRET}综合体",
        address=f"{SECRET}路 1 号", services=[f"{SECRET}事项"],
    )  # fmt: skip
    await n.do(
        a.clerk, "newResidentsCloseServicePoint", "servicePoint { id }", pointId=point["servicePoint"]["id"],
        reason=f"{SECRET}搬迁",
    )  # fmt: skip
    geng, _ = await a.settled(14, a.xishan, "clerk")
    (waiting,) = (await n.ask(geng, mine))["newResidentsRegistrations"]["nodes"]
    await n.do(
        "clerk", "newResidentsRecordConsent", STATE, registrationId=waiting["id"], consented=False,
        evidence=f"{SECRET}会议记录",
    )  # fmt: skip


async def test_events_tell_ids_and_codes(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    await life(n, a)
    await n.due()
    rows = await n.server.runtime.database.read("SELECT type, data FROM core_event WHERE plugin = 'new_residents'")
    told = {(type, data if isinstance(data, str) else json.dumps(data)) for type, data in rows}
    assert len({type for type, _ in told}) >= 22
    for type, data in told:
        assert not [w for w in words(json.loads(data)) if not TOLD.fullmatch(w)], (type, data)
