"""What a body may decide: advice is none, powers are given by charter or delegation, the rest goes up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.database.guards import Refuse
from core.testing.kit import Neighbourhood
from plugins.councils.models import Resolution
from plugins.councils.terms import GIVEN_POWERS_KINDS
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def government(c: Council) -> str:
    made = await c.n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="GOVERNMENT_BODY", name="东孚镇政府", areaId=c.area
    )
    return str(made["actor"]["id"])


async def test_an_advisory_body_s_opinion_is_no_decision(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="RESPECTED_VILLAGERS", name="乡贤理事会")
    council = await c.found(name="村民理事会")
    (item,) = await c.session("捐资助学", matter="WELFARE")
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=item, text="同意", votesFor=5, votesAgainst=0) == "ADVISORY_BODY"
    opinion = await n.do(
        "clerk", "councilsIssueOpinion", "opinion { id }", bodyId=c.body, title="关于助学", text="建议设奖学金", itemId=item,
        addressedToId=council, agreeing=5, differing=0,
    )  # fmt: skip
    assert (await c.see(c.body, "resolutions { totalCount } opinions { totalCount }")) == {
        "resolutions": {"totalCount": 0}, "opinions": {"totalCount": 1},
    }  # fmt: skip
    answer = {"opinionId": opinion["opinion"]["id"], "reply": "采纳"}
    assert await n.refused("clerk", "councilsAnswerOpinion", "opinion { id }", **answer) == "OWN_MATTER"
    await n.do("admin", "councilsAnswerOpinion", "opinion { reply }", **answer)
    assert await n.refused("admin", "councilsAnswerOpinion", "opinion { id }", **answer) == "OPINION_ANSWERED"


async def test_a_villagers_council_decides_what_it_was_given_and_refers_the_rest(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="VILLAGERS_COUNCIL", name="村民议事会")
    given = {"bodyId": c.body, "size": 5, "matters": ["ACTIVITIES"]}
    charter = await c.draft(constitutes=[given])
    assert await c.adopt(charter) == "ADOPTED"
    await c.enact(charter)
    above = await c.found(name="村民代表会议", kind="REPRESENTATIVES", size=30)
    town = await c.found(name="镇理事会", kind="OTHER", area=await n.area_id("dongfu"))
    beside = await c.found(name="洪塘议事会", kind="VILLAGERS_COUNCIL", area=await n.area_id("hongtang"))
    feast, road = [await c.propose(t, m) for t, m in (("中秋晚会", "ACTIVITIES"), ("修路", "FACILITIES"))]
    await c.open(await c.call(feast, road))
    assert (await c.decide(feast, 5))["state"] == "EFFECTIVE"
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=road, text="同意", votesFor=5, votesAgainst=0) == "MATTER_NOT_GIVEN"
    refer = ("clerk", "councilsReferItem", "item { id state body { id } referredFrom { id state } }")
    assert await n.refused(*refer, itemId=road, toBodyId=beside) == "BODY_NOT_ABOVE"
    gone = await n.do(*refer, itemId=road, toBodyId=town)
    assert gone["item"]["body"] == {"id": town} and gone["item"]["referredFrom"] == {"id": road, "state": "REFERRED"}
    assert above != town


def test_the_database_knows_every_kind_that_decides_only_what_it_was_given() -> None:
    (guard,) = [g for g in Resolution.guards if isinstance(g, Refuse) and g.name == "given_matters"]
    assert all(f"'{kind}'" in guard.when for kind in GIVEN_POWERS_KINDS)


async def test_a_delegated_matter_is_listed_decided_taken_back_and_revoked(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="VILLAGERS_COUNCIL", name="村民议事会")
    office = await government(c)
    give: dict[str, Any] = {
        "governmentId": office, "bodyId": c.body, "title": "绿化养护费使用", "matter": "FACILITIES",
        "instrument": "海沧〔2026〕12 号", "budget": 5_000_000, "endsOn": (n.clock.today() + timedelta(days=90)).isoformat(),
    }  # fmt: skip
    committee = await n.actor_id("西山社村民委员会")
    made = ("admin", "councilsDelegateMatter", "delegation { id state budget }")
    assert await n.refused(*made, **{**give, "governmentId": committee}) == "NOT_GOVERNMENT"
    delegation = (await n.do(*made, **give))["delegation"]
    assert delegation["budget"] == 5_000_000
    assert await n.refused(*made, **give) == "DELEGATION_EXISTS"
    (item,) = await c.session("选定养护队")
    assert (await c.decide(item, 4, 1))["state"] == "EFFECTIVE"
    noted = await n.do(
        "admin", "councilsTakeBackMatter", "takenBack { reason delegation { state } }", delegationId=delegation["id"],
        what="镇政府直接指定养护队", reason="台风抢险",
    )  # fmt: skip
    assert noted["takenBack"] == {"reason": "台风抢险", "delegation": {"state": "ACTIVE"}}
    listed = await n.ask(None, "{ councilsDelegations { nodes { title takenBack { totalCount } } } }")
    assert {"title": "绿化养护费使用", "takenBack": {"totalCount": 1}} in listed["councilsDelegations"]["nodes"]
    revoke = ("admin", "councilsRevokeDelegation", "delegation { state reason }")
    assert await n.refused(*revoke, delegationId=delegation["id"], reason=" ") == "EMPTY_TEXT"
    await n.do(*revoke, delegationId=delegation["id"], reason="职能调整")
    item = await c.propose("再选一次")
    await c.open(await c.call(item))
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=item, text="同意", votesFor=4, votesAgainst=0) == "MATTER_NOT_GIVEN"


async def test_a_delegation_ends_on_its_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    made = await n.do(
        "admin", "councilsDelegateMatter", "delegation { id }", governmentId=await government(c), bodyId=c.body, title="试点",
        matter="OTHER", instrument="试点方案", endsOn=(n.clock.today() + timedelta(days=10)).isoformat(),
    )  # fmt: skip
    assert (await c.days(9))["councils.delegations"] == 0
    assert (await c.days(1))["councils.delegations"] == 1
    assert (await c.see(made["delegation"]["id"], "state"))["state"] == "ENDED"


async def test_residents_propose_and_strangers_do_not(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=1)
    item = {"bodyId": c.body, "title": "路灯不亮", "matter": "FACILITIES", "details": "三组巷口"}
    (stranger,) = await n.newcomers(1, "haihong")
    propose = ("councilsProposeAgendaItem", "item { id }")
    assert await n.refused(stranger, *propose, **item) == "NOT_FROM_HERE"
    made = await c.propose("路灯不亮", details="三组巷口", who="clerk")
    hidden = await n.ask(stranger, "{ councilsAgendaItems { nodes { id } } }")
    assert made not in [i["id"] for i in hidden["councilsAgendaItems"]["nodes"]]
    said = await n.do("admin", "councilsDeclineItem", "item { state answer }", itemId=made, answer="已报修")
    assert said["item"] == {"state": "DECLINED", "answer": "已报修"}


async def test_an_urgent_meeting_needs_no_notice_and_decides_nothing_listed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    listed = await c.propose("动用集体资金", "FUNDS")
    meeting = await c.call(listed, days=1, isUrgent=True)
    assert (await c.open(meeting, days=1))["state"] == "OPEN"
    vote = ("clerk", "councilsPassResolution", "resolution { id }")
    assert await n.refused(*vote, itemId=listed, text="同意", votesFor=5, votesAgainst=0) == "URGENT_MEETING"
