"""Problems an enterprise finds, studies and solves itself; the community confirms it, never the enterprise (M13, INV10)."""

from __future__ import annotations

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio
DECLARE = ("enterpriseCouncilDeclareSelfHelp", "selfHelp { id state owner { name } }")
STUDY = ("enterpriseCouncilFileStudy", "selfHelp { state }")
SOLVE = ("enterpriseCouncilFileSolution", "selfHelp { state }")
CONFIRM = ("enterpriseCouncilConfirmSolution", "selfHelp { state outcome }")


async def test_found_studied_solved_and_confirmed_by_the_community(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    found = {"areaId": c.area, "title": "厂区外水沟堵塞", "problem": "雨天积水。", "actingFor": e.id}
    case = (await n.do(e.login, *DECLARE, **found))["selfHelp"]["id"]
    hat = {"selfHelpId": case, "actingFor": e.id}
    solution = {"solution": "清淤 200 米", "evidence": ["前后照片 6 张"]}
    assert await c.n.outcome(e.login, *SOLVE, **hat, **solution) == "SELF_HELP_STATE"  # studied first
    assert await c.n.outcome("resident", *STUDY, selfHelpId=case, study="x") == "NOT_PERMITTED"
    await n.do(e.login, *STUDY, **hat, study="淤泥与树根所致,清淤并设格栅。")
    assert await c.n.outcome("clerk", *CONFIRM, selfHelpId=case, outcome="x") == "SELF_HELP_STATE"
    assert await c.n.outcome(e.login, *SOLVE, **hat, solution="x", evidence=[]) == "EVIDENCE_NEEDED"
    await n.do(e.login, *SOLVE, **hat, **solution)
    assert await c.n.outcome(e.login, *CONFIRM, **hat, outcome="自己看好了") == "NOT_PERMITTED"
    clerk = await c.person("clerk")
    job = await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=clerk, organizationId=e.id, role="STAFF",
        since="2024-01-01",
    )  # fmt: skip
    assert await c.n.outcome("clerk", *CONFIRM, selfHelpId=case, outcome="很好") == "OWN_MATTER"
    assert job["membership"]["id"]
    back = await n.do("admin", *CONFIRM, selfHelpId=case, isSolved=False, outcome="东段还堵")
    assert back["selfHelp"] == {"state": "STUDIED", "outcome": "东段还堵"}
    await n.do(e.login, *SOLVE, **hat, **solution)
    good = await n.do("admin", *CONFIRM, selfHelpId=case, outcome="现场查看,排水通畅")
    assert good["selfHelp"] == {"state": "CONFIRMED", "outcome": "现场查看,排水通畅"}
    public = await c.see(case, "state outcome evidence owner { name } confirmedAt", None)
    assert public["evidence"] == ["前后照片 6 张"] and public["confirmedAt"]
    assert await c.n.outcome("admin", *CONFIRM, selfHelpId=case, outcome="再来") == "SELF_HELP_STATE"


async def test_a_resident_may_too_and_a_stranger_may_not(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    login, person = await c.newcomer()
    found = {"areaId": c.area, "title": "路灯不亮", "problem": "三盏。"}
    assert await c.n.outcome(login, *DECLARE, **found) == "RESIDES_ELSEWHERE"
    await n.do(
        "admin", "coreAddMembership", "membership { id }", actorId=person, areaId=c.area, role="RESIDENT",
        since="2024-05-01",
    )  # fmt: skip
    case = (await n.do(login, *DECLARE, **found))["selfHelp"]["id"]
    can = 'query($i: ID!) { can(action: "enterpriseCouncilFileStudy", on: $i) { allowed reason } }'
    assert (await n.ask("clerk", can, i=case))["can"] == {"allowed": False, "reason": "NOT_YOURS"}
    assert (await n.ask(login, can, i=case))["can"] == {"allowed": True, "reason": "OWN"}
    give_up = ("enterpriseCouncilAbandonSelfHelp", "selfHelp { state }")
    assert (await n.do(login, *give_up, selfHelpId=case, reason="镇里已修"))["selfHelp"]["state"] == "ABANDONED"
    assert await c.n.outcome(login, *STUDY, selfHelpId=case, study="x") == "SELF_HELP_STATE"


async def test_who_entered_it_at_the_desk_does_not_confirm_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    desk = {"onBehalfOf": {"actorId": await c.resident("村民甲"), "basis": "PHONE", "evidence": "来电"}}
    made = await n.do("admin", *DECLARE, areaId=c.area, title="路灯不亮", problem="三盏。", **desk)
    case = made["selfHelp"]["id"]
    await n.do("admin", *STUDY, selfHelpId=case, study="灯泡老化", **desk)
    await n.do("clerk", *SOLVE, selfHelpId=case, solution="换新", evidence=["照片"], **desk)
    for who in ("clerk", "admin"):
        assert await n.refused(who, *CONFIRM, selfHelpId=case, outcome="很好") == "ENTERED_BY_YOU"
    row, by = split_global(case)[1], split_global(await c.person("clerk"))[1]
    event = await log(n, row, "CONFIRMED")
    sets = f"state = 'CONFIRMED', confirmed_by_id = '{by}', confirmed_at = solved_at, version = version + 1"
    change = f"UPDATE enterprise_council_self_help SET {sets}, event_id = '{event}' WHERE id = '{row}'"
    assert await refused(n, change) == "ENTERED_BY_YOU"
