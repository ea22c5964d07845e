"""A2, its fourth part, and M33 beside it: in 同心合议厅 newcomers count as locals do; 自治联席会 brings councils together; a
小区自治促进会 admits residents and units; and what they come to is seen to."""

from __future__ import annotations

from datetime import timedelta

import pytest

pytest.importorskip("plugins.forums")
pytest.importorskip("plugins.new_residents")

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum
from tests.kits.new_residents import Arriving

pytestmark = [pytest.mark.anyio, pytest.mark.needs("forums", "councils", "ballots", "new_residents", "disclosure")]


async def test_newcomers_deliberate_and_vote_as_locals_do(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    f = Forum(n, a.haihong)
    f.forum = await f.found(purpose="共商社区公共事务", area=a.haihong)
    bing, home = await a.settled(14)
    ding, _ = await a.settled(5)
    locals_ = await f.residents(3, "haihong")
    (elsewhere,) = await f.residents(1, "xishan")

    # Residence alone is asked, of locals and newcomers alike (INV15); the parity report says so.
    for login in (*locals_, bing, ding):
        await f.join(login)
    join = ("forumsJoin", "member { id }")
    assert await n.refused(elsewhere, *join, forumId=f.forum) == "NOT_FROM_HERE"
    await f.convenor(locals_[0])
    parity = "query($a: ID!) { newResidentsParity(areaId: $a, first: 50) { nodes { parity } } }"
    assert "EXCEPTION" not in {
        p["parity"] for p in (await n.ask(None, parity, a=a.haihong))["newResidentsParity"]["nodes"]
    }

    # 丁, five months here, opens a topic; all speak; somebody shouts and is hidden, and the trace stays.
    topic = await f.topic(ding, "晾衣杆统一设置", "FACILITIES", details="楼前拉绳晾衣,影响通行")
    first = await f.say(bing, topic, "可在架空层设晾衣区。")
    await f.say(locals_[1], topic, "同意,但要留消防通道。", replyToId=first)
    rude = await f.say(locals_[2], topic, "外地人少管闲事!")
    hidden = await n.do(
        locals_[0], "forumsHideStatement", "moderation { id reason }", statementId=rude, reason="歧视性言论"
    )
    page = "query($t: ID!) { forumsStatements(where: {topic: {id: {eq: $t}}}, first: 2) { totalCount nodes { text state } pageInfo { hasNextPage } } }"
    shown = (await n.ask(None, page, t=topic))["forumsStatements"]
    assert (shown["totalCount"], shown["pageInfo"]["hasNextPage"]) == (3, True)
    assert (await f.see(rude, "text state moderations { nodes { reason } }", None)) == {
        "text": None, "state": "HIDDEN", "moderations": {"nodes": [{"reason": hidden["moderation"]["reason"]}]},
    }  # fmt: skip

    # A round, a summary, a second round about one question.
    await f.days(8)
    (one,) = (await f.see(topic, "rounds { nodes { id state } }"))["rounds"]["nodes"]
    assert one["state"] == "CLOSED"
    await n.do(
        locals_[0], "forumsSummariseRound", "round { summary }", roundId=one["id"], summary="倾向架空层设置,留通道"
    )
    await n.do(locals_[0], "forumsOpenRound", "round { number }", topicId=topic, question="费用由谁承担?")
    await f.say(ding, topic, "各户分摊。")
    await f.days(8)

    # No consensus: one objects, and says why. So the topic goes to a ballot.
    resolution = await f.consensus(topic, locals_[0], "架空层设晾衣区,各户分摊。")
    assert await f.position(ding, resolution, "AGREE") == "done"
    assert await f.position(locals_[1], resolution, "OBJECT", "租户不应分摊") == "done"
    await f.days(6)
    assert await f.see(resolution, "state topic { state }") == {"state": "OBJECTED", "topic": {"state": "OPEN"}}
    resolution, ballot = await f.ballot(topic, locals_[0], isSecret=True)
    assert [await f.vote(login, ballot, 0) for login in (bing, ding, locals_[0])] == ["done"] * 3
    assert await f.vote(bing, ballot, 0) == "ALREADY_VOTED"
    assert await f.vote(elsewhere, ballot, 0) == "NOT_ON_ROLL"

    # 丙 moves away after opening: counted once all the same, and no longer of the forum (INV7).
    await n.do(bing, "newResidentsMoveAway", "registration { state }", registrationId=home)
    await n.delivered()
    assert (await f.see(f.members[bing], "state", "admin"))["state"] == "ENDED"
    assert await f.vote(bing, ballot, 1) == "ALREADY_VOTED"
    await f.days(6)
    seen = await f.see(resolution, "state members turnout tally { label votes } isBinding noticeId")
    assert (seen["state"], seen["members"], seen["turnout"], seen["isBinding"]) == ("ADOPTED", 5, 3, True)
    assert seen["tally"][0] == {"label": "赞成", "votes": 3} and seen["noticeId"] is not None

    # Public first; then it holds, and is seen to as a task of the forum's body.
    await f.days(30)
    assert (await f.see(resolution, "state effectiveAt"))["state"] == "EFFECTIVE"
    due = (n.clock.today() + timedelta(days=20)).isoformat()
    await n.do(
        locals_[0], "forumsAssignTask", "resolution { id }", resolutionId=resolution, assigneeId=await a.person(ding),
        title="联系物业安装", dueOn=due,
    )  # fmt: skip
    body = (await f.see(f.forum, "bodyId"))["bodyId"]
    (task,) = (await f.see(body, "tasks { nodes { id state decisionId } }"))["tasks"]["nodes"]
    assert (task["state"], task["decisionId"]) == ("OPEN", resolution)
    await n.do(ding, "councilsReportTask", "task { state }", taskId=task["id"], report="已安装 12 处")
    done = await n.do("admin", "councilsConfirmTask", "task { state }", taskId=task["id"])
    assert done["task"] == {"state": "CONFIRMED"}

    # Everything about it in one log, for whoever follows topics.
    log = 'query { events(first: 50, where: {type: {startsWith: "forums.topic."}}, orderBy: SEQ_ASC) { nodes { type data } } }'
    told = [e["type"].removeprefix("forums.topic.") for e in (await n.ask("admin", log))["events"]["nodes"]
            if e["data"]["topic"] == str(topic.partition("forums_topic_")[2])]  # fmt: skip
    assert told == [
        "opened", "round_opened", "round_closed", "summarised", "round_opened", "round_closed", "put_to_consensus",
        "not_agreed", "put_to_ballot", "resolved", "effective",
    ]  # fmt: skip


async def test_a_joint_meeting_of_councils_and_an_association_of_a_compound(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    f = Forum(n, await n.area_id("xishan"))
    joint = await f.found(name="西山自治联席会", kind="JOINT", isAdvisory=True)
    association = await f.found(name="西山小区自治促进会", kind="SELF_GOVERNANCE_ASSOCIATION")

    # Two councils send a delegate each; the association's own body is a third.
    chairs = await f.residents(3)
    bodies = [(await f.see(association, "bodyId"))["bodyId"]]
    for name in ("一组理事会", "二组理事会"):
        made = await n.do(
            "admin", "councilsCreateBody", "body { id }", areaId=f.area, kind="VILLAGERS_COUNCIL", name=name, size=3,
        )  # fmt: skip
        bodies.append(made["body"]["id"])
    for chair, body in zip(chairs, bodies, strict=True):
        person = await f.person(chair)
        seat = {"bodyId": body, "holderId": person, "category": "RESIDENT", "office": "CHAIR"}
        await n.do("admin", "councilsFillSeat", "seat { id }", **seat)
        await n.delivered()
        made = await n.do(
            chair, "forumsSendDelegate", "member { id basis }", forumId=joint, bodyId=body, delegateId=person
        )
        assert made["member"]["basis"] == "DELEGATED"
        f.members[chair] = made["member"]["id"]

    # The association: who chairs its body is a member by the seat; a resident and the village committee are admitted.
    (resident,) = await f.residents(1)
    asked = await f.join(resident, association, application="想参加楼道整治")
    committee = await n.actor_id("西山社村民委员会")
    unit = await n.do("custodian", "forumsJoin", "member { id state }", forumId=association, actingFor=committee)
    for member in (asked, unit["member"]["id"]):
        made = await n.do("clerk", "forumsDecideApplication", "member { state }", memberId=member, admit=True)
        assert made["member"] == {"state": "ACTIVE"}
    assert (await f.see(association, "memberCount"))["memberCount"] == 3

    # The joint meeting agrees; it advises, so a council takes the matter up.
    topic = await f.topic(chairs[0], "电动车集中充电", "FACILITIES", forum=joint)
    await f.say(chairs[1], topic, "建议设在村口。")
    await f.days(8)
    resolution = await f.consensus(topic, text="村口设集中充电点。")
    for chair in chairs:
        assert await f.position(chair, resolution, "AGREE") == "done"
    await f.days(6)
    await f.days(30)
    assert await f.see(resolution, "state isBinding members agreeing") == {
        "state": "EFFECTIVE", "isBinding": False, "members": 3, "agreeing": 3,
    }  # fmt: skip
    await n.do("clerk", "forumsRefer", "resolution { id }", resolutionId=resolution, bodyId=bodies[1])
    items = (await f.see(bodies[1], "agendaItems { nodes { title matter state } }", "clerk"))["agendaItems"]["nodes"]
    assert items == [{"title": "电动车集中充电", "matter": "FACILITIES", "state": "PROPOSED"}]

    # Off in the village, nothing of it is seen or done there; on again, all is as it was (INV18).
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    await n.do(*toggle, areaId=f.area, plugin="forums", state="OFF")
    assert await f.see(topic, "state", None) is None
    assert await n.refused(chairs[0], "forumsOpenTopic", "topic { id }", forumId=joint, title="x", matter="ORDER") in (
        "NOT_FOUND", "PLUGIN_DISABLED",
    )  # fmt: skip
    await n.do(*toggle, areaId=f.area, plugin="forums", state="ON")
    assert (await f.see(joint, "memberCount topics { totalCount }")) == {"memberCount": 3, "topics": {"totalCount": 1}}
