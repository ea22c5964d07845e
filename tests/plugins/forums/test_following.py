"""What becomes of a result: it is made public, takes effect, goes on as a task of the body, or to the body that decides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum

pytestmark = pytest.mark.anyio
TASK = ("forumsAssignTask", "resolution { id }")


async def agreed(f: Forum, who: str, title: str = "小区停车怎么办", **more: str) -> str:
    """A topic on which all agree; the result, in effect."""
    topic = await f.deliberated(who, title, **more)
    resolution = await f.consensus(topic)
    for login in f.members:
        assert await f.position(login, resolution, "AGREE") == "done"
    await f.days(6)
    if (await f.see(resolution, "state"))["state"] == "ADOPTED":
        await f.days(30)
    assert (await f.see(resolution, "state"))["state"] == "EFFECTIVE"
    return resolution


async def test_a_result_goes_on_as_a_task_that_somebody_else_confirms(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    await f.convenor(a)
    resolution = await agreed(f, a)
    due = (n.clock.today() + timedelta(days=30)).isoformat()
    task = {"resolutionId": resolution, "assigneeId": await f.person(b), "title": "联系划线", "dueOn": due}
    assert await n.refused(b, *TASK, **task) == "NOT_PERMITTED"
    await n.do(a, *TASK, **task)
    tasks = "tasks { nodes { id title state decisionId resolution { id } body { id } activity { title } } }"
    body = (await f.see(f.forum, "bodyId"))["bodyId"]
    (made,) = (await f.see(body, tasks))["tasks"]["nodes"]
    assert made == {
        "id": made["id"], "title": "联系划线", "state": "OPEN", "decisionId": resolution, "resolution": None, "body": {"id": body},
        "activity": {"title": "联系划线"},
    }  # fmt: skip
    await n.do(b, "councilsReportTask", "task { state }", taskId=made["id"], report="已划好")
    confirm = ("councilsConfirmTask", "task { state }")
    assert await n.refused(b, *confirm, taskId=made["id"]) == "NOT_PERMITTED"
    assert (await n.do("clerk", *confirm, taskId=made["id"]))["task"] == {"state": "CONFIRMED"}


async def test_what_a_forum_may_not_decide_is_advice_and_goes_to_a_body_that_may(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2, isAdvisory=True)
    a, _ = f.members
    resolution = await agreed(f, a, "公共收益怎么用", matter="FUNDS")
    assert (await f.see(resolution, "isBinding"))["isBinding"] is False
    due = n.clock.today().isoformat()
    task = {"resolutionId": resolution, "assigneeId": await f.person(a), "title": "x", "dueOn": due}
    assert await n.refused("clerk", *TASK, **task) == "ADVICE_ONLY"
    council = await n.do(
        "admin",
        "councilsCreateBody",
        "body { id }",
        areaId=f.area,
        kind="RESIDENTS_COUNCIL",
        name="议事的理事会",
        size=5,
    )
    refer = ("clerk", "forumsRefer", "resolution { id }")
    own = (await f.see(f.forum, "bodyId"))["bodyId"]
    assert await n.refused(*refer, resolutionId=resolution, bodyId=own) == "ITS_OWN_BODY"
    await n.do(*refer, resolutionId=resolution, bodyId=council["body"]["id"])
    items = "agendaItems { nodes { title details matter state } }"
    assert (await f.see(council["body"]["id"], items, "clerk"))["agendaItems"]["nodes"] == [
        {"title": "公共收益怎么用", "details": "内部道路单侧停车。", "matter": "FUNDS", "state": "PROPOSED"}
    ]


@pytest.mark.needs("disclosure")
async def test_a_result_is_public_before_it_holds_and_an_upheld_objection_reopens_it(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    topic = await f.deliberated(a)
    resolution = await f.consensus(topic)
    for login in (a, b):
        await f.position(login, resolution, "AGREE")
    await f.days(6)
    seen = await f.see(resolution, "state noticeId")
    assert seen["state"] == "ADOPTED"
    assert await n.refused("clerk", "forumsTakeEffect", "resolution { id }", resolutionId=resolution) == "UNDER_NOTICE"
    assert await n.refused("clerk", *TASK, resolutionId=resolution, assigneeId=await f.person(a), title="x",
                           dueOn=n.clock.today().isoformat()) == "NOT_IN_EFFECT"  # fmt: skip
    objected = await n.do(
        "resident", "disclosureObject", "objection { id }", noticeId=seen["noticeId"], text="消防通道被占"
    )
    await n.do(
        "admin", "disclosureAnswerObjection", "objection { state }", objectionId=objected["objection"]["id"], uphold=True,
        answer="属实",
    )  # fmt: skip
    await f.days(30)
    assert await f.see(resolution, "state topic { state }") == {"state": "OVERTURNED", "topic": {"state": "OPEN"}}
    again = await f.consensus(topic, text="单侧停车,留出消防通道。")
    for login in (a, b):
        await f.position(login, again, "AGREE")
    await f.days(6)
    await f.days(30)
    assert (await f.see(again, "state"))["state"] == "EFFECTIVE"


@pytest.mark.needs("disclosure")
async def test_a_corrected_notice_decides_in_the_place_of_the_first(neighbourhood: Neighbourhood) -> None:
    """However often it was corrected; what somebody else publishes about the result decides nothing."""
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    for upheld, state in ((False, "EFFECTIVE"), (True, "OVERTURNED")):
        topic = await f.deliberated(next(iter(f.members)), f"停车 {upheld}")
        resolution = await f.consensus(topic)
        for login in f.members:
            await f.position(login, resolution, "AGREE")
        await f.days(6)
        first = last = (await f.see(resolution, "noticeId"))["noticeId"]
        about = {"areaId": await n.area_id("xishan"), "kind": "议事厅决议", "title": "更正", "body": "车位数更正"}
        for _ in range(2):
            draft = await n.do(
                "clerk", "disclosureDraft", "notice { id }", **about, supersedesId=last, subjectId=resolution
            )
            last = draft["notice"]["id"]
            await n.do("clerk", "disclosurePublish", "notice { id }", noticeId=last)
        foreign = await n.do("clerk", "disclosureDraft", "notice { id }", **about, subjectId=resolution)
        for notice, uphold in ((last, upheld), (foreign["notice"]["id"], True)):
            if notice != last:
                await n.do("clerk", "disclosurePublish", "notice { id }", noticeId=notice)
            made = await n.do("resident", "disclosureObject", "objection { id }", noticeId=notice, text="车位数有误")
            await n.do(
                "admin", "disclosureAnswerObjection", "objection { id }", objectionId=made["objection"]["id"],
                uphold=uphold, answer="已核对",
            )  # fmt: skip
        await f.days(30)
        assert await f.see(resolution, "state noticeId") == {"state": state, "noticeId": first}


async def test_where_results_need_not_be_public_they_hold_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    await f.tune(announce_results=False, least_rounds=2)
    (a,) = f.members
    topic = await f.deliberated(a)
    assert (
        await n.refused("clerk", "forumsProposeConsensus", "resolution { id }", topicId=topic, text="x")
        == "TOO_FEW_ROUNDS"
    )
    await n.do("clerk", "forumsOpenRound", "round { id }", topicId=topic)
    await f.days(8)
    soon = (n.clock.now() + timedelta(days=1)).isoformat()
    assert await n.refused(
        "clerk", "forumsProposeConsensus", "resolution { id }", topicId=topic, text="x", closesAt=soon
    ) == "DECIDED_TOO_SOON"  # fmt: skip
    first = await f.consensus(topic)
    await n.do("clerk", "forumsWithdrawConsensus", "resolution { state }", resolutionId=first, reason="再议")
    second = await f.consensus(topic)
    await f.position(a, second, "AGREE")
    await f.days(6)
    assert (await f.see(second, "state topic { state }")) == {"state": "EFFECTIVE", "topic": {"state": "RESOLVED"}}
