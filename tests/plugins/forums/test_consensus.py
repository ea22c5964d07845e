"""A topic is deliberated in rounds and comes to a consensus that nobody objects to, or does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum

pytestmark = pytest.mark.anyio
EFFECTIVE = {"ADOPTED", "EFFECTIVE"}  # public first, where a plugin publishes


async def test_a_topic_is_opened_deliberated_and_agreed_on(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=4)
    a, b, c, _ = f.members
    topic = await f.topic(a)
    first = await f.say(b, topic, "先划线。")
    await f.say(c, topic, "划线之外还要登记。", replyToId=first)
    assert (
        await n.refused("clerk", "forumsProposeConsensus", "resolution { id }", topicId=topic, text="x") == "ROUND_RUNS"
    )
    assert await f.outcome("clerk", "forumsSpeak", "statement { id }", topicId=topic, text="我说两句") == "NOT_IN_FORUM"
    await f.days(8)
    assert await f.outcome(a, "forumsSpeak", "statement { id }", topicId=topic, text="晚了") == "ROUND_CLOSED"
    seen = await f.see(
        topic, "state statementCount rounds { nodes { number state statements { nodes { text replyTo { id } } } } }"
    )
    assert seen == {
        "state": "OPEN", "statementCount": 2, "rounds": {"nodes": [{"number": 1, "state": "CLOSED", "statements": {"nodes": [
            {"text": "先划线。", "replyTo": None}, {"text": "划线之外还要登记。", "replyTo": {"id": first}}]}}]},
    }  # fmt: skip

    resolution = await f.consensus(topic)
    n.clock.advance(timedelta(minutes=1))
    late = (await f.residents(1))[0]
    await f.join(late)
    assert await f.position(late, resolution, "OBJECT", "没听说过") == "JOINED_LATER"
    assert await f.position(b, resolution, "OBJECT") == "EMPTY_TEXT"
    assert await f.position(b, resolution, "OBJECT", "消防通道怎么办") == "done"
    assert await f.position(a, resolution, "AGREE") == "done"
    assert await f.position(b, resolution, "STAND_ASIDE", "通道已标出") == "done"  # the objection is withdrawn
    assert await f.see(resolution, "agreeing standingAside objecting members") == {
        "agreeing": 1, "standingAside": 1, "objecting": 0, "members": 4,
    }  # fmt: skip
    await f.days(6)
    assert await f.position(c, resolution, "AGREE") == "POSITIONS_OVER"
    done = await f.see(resolution, "state isBinding topic { state }")
    assert done["state"] in EFFECTIVE and done["isBinding"] and done["topic"] == {"state": "RESOLVED"}


async def test_one_objection_stands_against_it_and_silence_is_no_consent(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=6)
    a, b, *_ = f.members
    topic = await f.deliberated(a)
    resolution = await f.consensus(topic)
    await f.position(a, resolution, "AGREE")
    await f.position(b, resolution, "OBJECT", "堵住消防通道")
    await f.days(6)
    assert await f.see(resolution, "state objecting topic { state }") == {
        "state": "OBJECTED", "objecting": 1, "topic": {"state": "OPEN"},
    }  # fmt: skip
    shown = await f.see(resolution, "positions { nodes { stance reason } }", None)
    assert shown["positions"]["nodes"] == [{"stance": "OBJECT", "reason": "堵住消防通道"}]  # for everybody to answer
    again = await f.consensus(topic)
    await f.position(a, again, "AGREE")
    await f.days(6)
    assert (await f.see(again, "state"))["state"] == "NO_QUORUM"  # one of six is less than a fifth
