"""Concerns of enterprises: raised, owned, answered by a day that is not moved, closed by the enterprise (M11, INV12)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding, Enterprise
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio
RAISE = ("enterpriseCouncilRaiseConcern", "concern { id state dueOn }")
ASSIGN = ("enterpriseCouncilAssignConcern", "concern { state dueOn }")
ANSWER = ("enterpriseCouncilAnswerConcern", "concern { state reply repliedAt }")
CLOSE = ("enterpriseCouncilCloseConcern", "concern { state round dueOn isSatisfied closedAt }")


async def raised(c: CoBuilding, e: Enterprise) -> str:
    made = await c.n.do(
        e.login, *RAISE, areaId=c.area, title="货车停车难", details="厂门口晚间无处停车。", actingFor=e.id
    )
    assert made["concern"]["dueOn"] == (c.n.clock.today() + timedelta(days=15)).isoformat()
    return str(made["concern"]["id"])


async def test_a_concern_gets_an_owner_and_a_dated_reply(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, away = await c.enterprise("企业子"), await c.enterprise("企业丑", is_here=False)
    ask = {"areaId": c.area, "title": "t", "details": "d"}
    assert await c.n.outcome(away.login, *RAISE, **ask, actingFor=away.id) == "ENTERPRISE_NOT_HERE"
    assert await c.n.outcome(e.login, *RAISE, **ask) == "NOT_AN_ENTERPRISE"
    concern = await raised(c, e)
    login, owner = await c.newcomer()
    assert await c.n.outcome(e.login, *ASSIGN, concernId=concern, ownerId=owner, actingFor=e.id) == "NOT_PERMITTED"
    for own in (e.id, e.person):  # neither the enterprise nor who acts for it
        assert await c.n.outcome("clerk", *ASSIGN, concernId=concern, ownerId=own) == "OWN_MATTER"
    assert await c.n.outcome("clerk", *ANSWER, concernId=concern, reply="x") == "CONCERN_STATE"
    await c.days(3)
    due = (await c.see(concern, "dueOn"))["dueOn"]
    given = await n.do("clerk", *ASSIGN, concernId=concern, ownerId=owner)
    assert given["concern"] == {"state": "ASSIGNED", "dueOn": due}
    assert await c.n.outcome("resident", *ANSWER, concernId=concern, reply="x") == "NOT_FOUND"
    answered = (await n.do(login, *ANSWER, concernId=concern, reply="已划夜间车位 30 个"))["concern"]
    assert (answered["state"], answered["reply"]) == ("ANSWERED", "已划夜间车位 30 个") and answered["repliedAt"]
    assert await c.n.outcome("clerk", *CLOSE, concernId=concern, isSatisfied=True) == "NOT_PERMITTED"
    closed = (await n.do(e.login, *CLOSE, concernId=concern, isSatisfied=True, actingFor=e.id))["concern"]
    assert closed["state"] == "CLOSED" and closed["closedAt"]


async def test_what_is_not_enough_is_answered_again_by_a_new_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    concern = await raised(c, e)
    login, owner = await c.newcomer()
    await n.do("clerk", *ASSIGN, concernId=concern, ownerId=owner)
    await n.do(login, *ANSWER, concernId=concern, reply="研究中")
    not_enough = {"concernId": concern, "isSatisfied": False, "actingFor": e.id}
    assert await c.n.outcome(e.login, *CLOSE, **not_enough) == "EMPTY_TEXT"
    await c.days(10)
    again = (await n.do(e.login, *CLOSE, **not_enough, response="没有说何时"))["concern"]
    assert again == {
        "state": "ASSIGNED", "round": 2, "dueOn": (n.clock.today() + timedelta(days=15)).isoformat(),
        "isSatisfied": False, "closedAt": None,
    }  # fmt: skip
    day = (n.clock.today() + timedelta(days=16)).isoformat()
    late = await n.ask(
        "clerk", "query($d: Date!) { enterpriseCouncilConcerns(where: {overdueOn: $d}) { nodes { id } } }", d=day
    )
    assert late["enterpriseCouncilConcerns"]["nodes"] == [{"id": concern}]


async def test_a_concern_is_for_the_enterprise_its_owner_and_the_desk(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, other = await c.enterprise("企业子"), await c.enterprise("企业丑")
    concern = await raised(c, e)
    query = "query($i: ID!) { node(id: $i) { ... on EnterpriseCouncilConcern { title } } }"
    for who, sees in ((e.login, True), ("clerk", True), (other.login, False), ("resident", False), (None, False)):
        assert ((await n.ask(who, query, i=concern))["node"] is not None) is sees
    withdraw = ("enterpriseCouncilWithdrawConcern", "concern { state }")
    assert await c.n.outcome(other.login, *withdraw, concernId=concern, actingFor=other.id) in (
        "NOT_FOUND", "NOT_PERMITTED",
    )  # fmt: skip
    assert (await n.do(e.login, *withdraw, concernId=concern, actingFor=e.id))["concern"]["state"] == "WITHDRAWN"
    assert await c.n.outcome("clerk", *ASSIGN, concernId=concern, ownerId=await c.person("clerk")) == "CONCERN_STATE"


async def test_whose_answer_it_is_takes_it_for_no_enterprise(neighbourhood: Neighbourhood) -> None:
    """Nor takes the concern back, at the desk; another enters what the enterprise says (INV10, INV12)."""
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    concern = await raised(c, e)
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=e.mandate, reason="离职")
    desk = {"onBehalfOf": {"actorId": e.id, "basis": "PHONE", "evidence": "来电"}}
    clerk = await c.person("clerk")
    await n.do("admin", *ASSIGN, concernId=concern, ownerId=clerk)
    withdraw = ("enterpriseCouncilWithdrawConcern", "concern { state }")
    assert await n.refused("clerk", *withdraw, concernId=concern, **desk) == "OWN_MATTER"
    await n.do("clerk", *ANSWER, concernId=concern, reply="无法解决")
    assert await n.refused("clerk", *CLOSE, concernId=concern, isSatisfied=True, **desk) == "OWN_MATTER"
    row = split_global(concern)[1]
    event = await log(n, row, "CLOSED", by=str(split_global(clerk)[1]), behalf_of=str(split_global(e.id)[1]))
    sets = "state = 'CLOSED', closed_at = replied_at, version = version + 1"
    change = f"UPDATE enterprise_council_concern SET {sets}, event_id = '{event}' WHERE id = '{row}'"
    assert await refused(n, change) == "OWN_MATTER"
    assert await n.outcome("admin", *CLOSE, concernId=concern, isSatisfied=True, **desk) == "done"


async def test_only_the_enterprise_closes_its_concern_and_can_says_so(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    concern = await raised(c, e)
    can = "query($a: String!, $i: ID!, $f: ID) { can(action: $a, on: $i, actingFor: $f) { allowed reason } }"
    for name in ("enterpriseCouncilCloseConcern", "enterpriseCouncilWithdrawConcern"):
        clerk = (await n.ask("clerk", can, a=name, i=concern))["can"]
        assert clerk == {"allowed": False, "reason": "NOT_YOURS"}
        theirs = (await n.ask(e.login, can, a=name, i=concern, f=e.id))["can"]
        assert theirs == {"allowed": True, "reason": "BY_MANDATE"}
