"""A topic is deliberated in rounds and comes to a consensus that nobody objects to, or does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum
from tests.kits.guards import log, refused

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
    assert (
        await f.n.outcome("clerk", "forumsSpeak", "statement { id }", topicId=topic, text="我说两句") == "NOT_IN_FORUM"
    )
    await f.days(8)
    assert await f.n.outcome(a, "forumsSpeak", "statement { id }", topicId=topic, text="晚了") == "ROUND_CLOSED"
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


async def test_who_put_a_consensus_agrees_for_nobody_at_the_desk(neighbourhood: Neighbourhood) -> None:
    """Silence is no consent: what somebody without an account says, another enters."""
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    (a,) = f.members
    (old,) = await n.registered("林老伯")
    desk = {"onBehalfOf": {"actorId": old, "basis": "PHONE", "evidence": "来电"}}
    lives = {"areaId": f.area, "role": "RESIDENT", "since": "2024-05-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=old, **lives)
    await n.do("clerk", "forumsJoin", "member { id }", forumId=f.forum, **desk)
    resolution = await f.consensus(await f.deliberated(a))
    take = ("forumsTakePosition", "position { id }")
    said = {"resolutionId": resolution, "stance": "AGREE", **desk}
    assert await n.refused("clerk", *take, **said) == "OWN_MATTER"
    position = split_global((await n.do("admin", *take, **said))["position"]["id"])[1]
    clerk = str(split_global(await f.person("clerk"))[1])
    event = await log(n, position, "STATED", by=clerk, behalf_of=str(split_global(old)[1]))
    sets = f"stance = 'STAND_ASIDE', version = version + 1, event_id = '{event}'"
    assert await refused(n, f"UPDATE forums_position SET {sets} WHERE id = '{position}'") == "OWN_MATTER"


async def test_the_log_tells_nobody_who_agrees_or_stands_aside(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=3)
    a, b, c = f.members
    resolution = await f.consensus(await f.deliberated(a))
    await f.position(b, resolution, "STAND_ASIDE")
    await f.position(c, resolution, "OBJECT", "堵住消防通道")
    log = "query($t: String!) { events(first: 10, where: {type: {eq: $t}}) { nodes { actor { id } } } }"

    async def told(who: str, type: str) -> list[str]:
        return [e["actor"]["id"] for e in (await n.ask(who, log, t=type))["events"]["nodes"]]

    for who in ("clerk", "admin"):
        assert await told(who, "forums.position.taken") == [await f.person(c)]
        assert await f.person(b) not in await told(who, "forums.position.taken_in_confidence")
    assert await told(b, "forums.position.taken_in_confidence") == [await f.person(b)]
