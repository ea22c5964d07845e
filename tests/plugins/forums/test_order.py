"""Keeping order leaves a reason and a trace, and an appeal goes to somebody else; topics and rounds in their order."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio
HIDE = ("forumsHideStatement", "moderation { id state }")
APPEAL = ("forumsDecideAppeal", "moderation { state statement { text } }")


async def test_a_hidden_statement_leaves_a_trace_and_comes_back_on_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=3)
    a, b, c = f.members
    await f.convenor(a)
    topic = await f.topic(b)
    statement = await f.say(b, topic, "某某是骗子!")
    assert await n.refused(c, *HIDE, statementId=statement, reason="人身攻击") == "NOT_PERMITTED"
    assert await n.refused(a, *HIDE, statementId=statement, reason=" ") == "EMPTY_TEXT"
    made = (await n.do(a, *HIDE, statementId=statement, reason="人身攻击"))["moderation"]["id"]
    shown = "state text moderations { nodes { reason state appeal } }"
    trace = {"nodes": [{"reason": "人身攻击", "state": "IN_FORCE", "appeal": None}]}
    assert await f.see(statement, shown, None) == {"state": "HIDDEN", "text": None, "moderations": trace}
    assert (await f.see(statement, "text", b))["text"] == "某某是骗子!"
    assert (await f.see(statement, "text", a))["text"] == "某某是骗子!"
    assert await n.refused(b, "forumsWithdrawStatement", "statement { id }", statementId=statement) == "STATEMENT_STATE"

    appeal = ("forumsAppeal", "moderation { state }")
    assert await n.refused(c, *appeal, moderationId=made, text="我也不服") == "NOT_PERMITTED"
    await n.do(b, *appeal, moderationId=made, text="我说的是事实")
    decide = {"moderationId": made, "lift": True, "decision": "属批评意见"}
    assert await n.refused(a, *APPEAL, **decide) == "NOT_PERMITTED"
    assert await n.refused(a, "forumsLiftModeration", "moderation { id }", moderationId=made) == "MODERATION_STATE"
    done = await n.do("clerk", *APPEAL, **decide)
    assert done["moderation"] == {"state": "LIFTED", "statement": {"text": "某某是骗子!"}}
    assert (await f.see(statement, "state text", None)) == {"state": "SPOKEN", "text": "某某是骗子!"}


async def test_who_hid_it_does_not_decide_on_the_appeal_nor_hides_their_own(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    (a,) = f.members
    topic = await f.topic(a)
    statement = await f.say(a, topic)
    await f.convenor(a)
    assert await n.refused(a, *HIDE, statementId=statement, reason="自己屏蔽") == "OWN_MATTER"
    made = (await n.do("clerk", *HIDE, statementId=statement, reason="离题"))["moderation"]["id"]
    await n.do(a, "forumsAppeal", "moderation { state }", moderationId=made, text="没有离题")
    decide = {"moderationId": made, "lift": False, "decision": "确系离题"}
    assert await n.refused("clerk", *APPEAL, **decide) == "OWN_MATTER"
    assert (await n.do("admin", *APPEAL, **decide))["moderation"] == {
        "state": "UPHELD",
        "statement": {"text": "先划线,再登记车辆。"},
    }


async def test_an_excluded_member_takes_no_part_until_it_is_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=3)
    a, b, c = f.members
    topic = await f.topic(a, closesAt=(n.clock.now() + timedelta(days=20)).isoformat())
    exclude = ("clerk", "forumsExcludeMember", "moderation { id until }")
    ends = n.clock.today() + timedelta(days=3)
    far = n.clock.today() + timedelta(days=31)
    assert await n.refused(*exclude, memberId=f.members[b], until=far.isoformat(), reason="辱骂") == "EXCLUDED_TOO_LONG"
    made = await n.do(*exclude, memberId=f.members[b], until=ends.isoformat(), reason="辱骂")
    assert await f.n.outcome(b, "forumsSpeak", "statement { id }", topicId=topic, text="我还要说") == "EXCLUDED"
    assert await f.see(made["moderation"]["id"], "reason", c) is None  # nobody else's business
    assert (await f.see(made["moderation"]["id"], "reason", b))["reason"] == "辱骂"
    # Leaving and coming back does not help.
    await n.do(b, "forumsLeave", "member { id }", memberId=f.members[b])
    assert await n.refused(b, "forumsJoin", "member { id }", forumId=f.forum) == "EXCLUDED"
    await f.days(4)
    await f.join(b)
    await f.say(b, topic)


async def test_an_appeal_is_made_and_decided_when_the_exclusion_is_over(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    b, c = f.members
    exclude, appeal = ("forumsExcludeMember", "moderation { id }"), ("forumsAppeal", "moderation { state }")
    decide = ("forumsDecideAppeal", "moderation { state }")

    async def excluded(who: str) -> str:
        until = n.clock.today().isoformat()
        made = await n.do("admin", *exclude, memberId=f.members[who], until=until, reason="扰乱")
        return str(made["moderation"]["id"])

    waits, over = await excluded(b), await excluded(c)
    await n.do(b, *appeal, moderationId=waits, text="没有扰乱")
    await f.days(1)
    assert (await f.see(waits, "state"))["state"] == "APPEALED"
    assert (await f.see(over, "state"))["state"] == "OVER"
    for who in (b, c):
        assert (await f.see(f.members[who], "state"))["state"] == "ACTIVE"
    await n.do(c, *appeal, moderationId=over, text="也没有")
    again = await excluded(b)  # for another reason: the appeal against the first does not end it
    said = {"lift": True, "decision": "确无扰乱"}
    assert (await n.do("clerk", *decide, moderationId=waits, **said))["moderation"] == {"state": "LIFTED"}
    assert (await f.see(f.members[b], "state"))["state"] == "EXCLUDED"
    upheld = await n.do("clerk", *decide, moderationId=over, lift=False, decision="确有扰乱")
    assert upheld["moderation"] == {"state": "UPHELD"}
    await f.days(1)
    assert (await f.see(f.members[b], "state"))["state"] == "ACTIVE"
    assert await n.refused(c, *appeal, moderationId=over, text="还是没有") == "MODERATION_STATE"
    await f.days(20)
    assert await n.refused(b, *appeal, moderationId=again, text="太晚") == "APPEAL_TOO_LATE"


async def test_who_had_a_part_in_it_neither_enters_the_appeal_nor_decides_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n)
    (old,) = await n.registered("林老伯")
    desk = {"onBehalfOf": {"actorId": old, "basis": "PHONE", "evidence": "来电"}}
    lives = {"areaId": f.area, "role": "RESIDENT", "since": "2024-05-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=old, **lives)
    member = (await n.do("clerk", "forumsJoin", "member { id }", forumId=f.forum, **desk))["member"]["id"]
    until = n.clock.today().isoformat()
    made = await n.do("admin", "forumsExcludeMember", "moderation { id }", memberId=member, until=until, reason="扰乱")
    said = {"moderationId": made["moderation"]["id"], "text": "不服", **desk}
    assert await n.refused("admin", "forumsAppeal", "moderation { id }", **said) == "OWN_MATTER"
    await n.do("clerk", "forumsAppeal", "moderation { id }", **said)
    decide = {"moderationId": made["moderation"]["id"], "lift": True, "decision": "好"}
    assert await n.refused("clerk", "forumsDecideAppeal", "moderation { id }", **decide) == "ENTERED_BY_YOU"
    assert await n.refused("admin", "forumsDecideAppeal", "moderation { id }", **decide) == "OWN_MATTER"
    row = split_global(made["moderation"]["id"])[1]
    sets = "state = 'UPHELD', decided_at = made_at, version = version + 1"
    for who, code in (("clerk", "ENTERED_BY_YOU"), ("admin", "OWN_MATTER")):
        by, event = split_global(await f.person(who))[1], await log(n, row, "UPHELD")
        change = f"UPDATE forums_moderation SET {sets}, decided_by_id = '{by}', event_id = '{event}' WHERE id = '{row}'"
        assert await refused(n, change) == code


async def test_a_round_lasts_and_a_topic_is_heard_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    await f.convenor(a)
    topic = await f.topic(b)
    assert await n.refused(b, "forumsOpenRound", "round { id }", topicId=topic) == "NOT_PERMITTED"
    assert await n.refused(a, "forumsOpenRound", "round { id }", topicId=topic) == "ROUND_RUNS"
    (one,) = (await f.see(topic, "rounds { nodes { id } }"))["rounds"]["nodes"]
    close = ("forumsCloseRound", "round { state summary }")
    assert await n.refused(a, *close, roundId=one["id"]) == "ROUND_TOO_SHORT"
    n.clock.advance(timedelta(days=3))
    for number in range(5):
        await f.say(b, topic, f"第 {number} 句")
    assert await f.n.outcome(b, "forumsSpeak", "statement { id }", topicId=topic, text="再来") == "TOO_MANY_STATEMENTS"
    done = await n.do(a, *close, roundId=one["id"], summary="倾向划线")
    assert done["round"] == {"state": "CLOSED", "summary": "倾向划线"}
    assert (
        await n.refused(a, "forumsSummariseRound", "round { id }", roundId=one["id"], summary="x")
        == "ALREADY_SUMMARISED"
    )
    soon = (n.clock.now() + timedelta(days=1)).isoformat()
    assert await n.refused(a, "forumsOpenRound", "round { id }", topicId=topic, closesAt=soon) == "ROUND_TOO_SHORT"
    two = await n.do(a, "forumsOpenRound", "round { id number question }", topicId=topic, question="收费还是免费?")
    assert two["round"]["number"] == 2
    assert await n.refused(a, "forumsCloseTopic", "topic { id }", topicId=topic, reason="x") == "ROUND_RUNS"
    await f.say(a, topic, "先免费")
    assert await n.refused(b, "forumsWithdrawTopic", "topic { id }", topicId=topic) == "OTHERS_SPOKE"
    await f.days(8)
    closed = await n.do(a, "forumsCloseTopic", "topic { state }", topicId=topic, reason="意见已转物业")
    assert closed["topic"] == {"state": "CLOSED"}


async def test_a_topic_is_taken_back_while_nobody_else_has_spoken(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    topics = [await f.topic(a, f"议题{number}") for number in range(3)]
    assert (
        await n.refused(a, "forumsOpenTopic", "topic { id }", forumId=f.forum, title="x", matter="ORDER")
        == "TOO_MANY_TOPICS"
    )
    assert (
        await n.refused(b, "forumsOpenTopic", "topic { id }", forumId=f.forum, title="x", matter="NONE")
        == "UNKNOWN_MATTER"
    )
    mine = await f.say(a, topics[0])
    assert await n.refused(b, "forumsWithdrawTopic", "topic { id }", topicId=topics[0]) == "NOT_PERMITTED"
    await n.do(a, "forumsWithdrawTopic", "topic { state }", topicId=topics[0])
    assert await f.n.outcome(b, "forumsSpeak", "statement { id }", topicId=topics[0], text="还想说") == "ROUND_CLOSED"
    assert await n.refused(b, "forumsWithdrawStatement", "statement { id }", statementId=mine) == "NOT_PERMITTED"
    may = 'query($i: ID!) { can(action: "forumsWithdrawStatement", on: $i) { allowed reason } }'
    assert (await n.ask(b, may, i=mine))["can"] == {"allowed": False, "reason": "NOT_YOURS"}
    assert (await n.ask(a, may, i=mine))["can"] == {"allowed": True, "reason": "OWN"}
    await n.do(a, "forumsWithdrawStatement", "statement { state }", statementId=mine)
    assert (await f.see(mine, "state text", b)) == {"state": "WITHDRAWN", "text": None}
    assert (await f.see(mine, "text", a))["text"]
    await f.topic(a, "另一议题")
