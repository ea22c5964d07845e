"""Many at once: a statement stands in a round that was open, positions are all counted, one belongs to a forum once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum

pytestmark = pytest.mark.anyio


async def test_statements_arrive_while_the_round_closes(neighbourhood: Neighbourhood) -> None:
    """Whoever was told "done" is in the round, and was counted when it closed; whoever came after is told so."""
    n = neighbourhood
    f = await Forum.begin(n, members=30)
    first = next(iter(f.members))
    topic = await f.topic(first)
    (round,) = (await f.see(topic, "rounds { nodes { id } }"))["rounds"]["nodes"]
    n.clock.advance(timedelta(days=3))
    await n.quiet()

    async def close() -> str:
        await asyncio.sleep(0.15)
        return await f.n.outcome("clerk", "forumsCloseRound", "round { id }", roundId=round["id"])

    async def speak(login: str, wait: float) -> str:
        await asyncio.sleep(wait)
        return await f.n.outcome(login, "forumsSpeak", "statement { id }", topicId=topic, text=f"{login} 的意见")

    closed, *said = await asyncio.gather(
        close(), *(speak(login, number / 100) for number, login in enumerate(f.members))
    )
    codes = Counter(said)
    assert codes["done"]
    assert closed in ("done", "BUSY") and codes.keys() <= {"done", "ROUND_CLOSED", "BUSY"}, codes
    if closed == "BUSY":
        await n.do("clerk", "forumsCloseRound", "round { id }", roundId=round["id"])
    assert await speak(first, 0) == "ROUND_CLOSED"
    there = await f.see(round["id"], "state statements { totalCount }")
    assert there == {"state": "CLOSED", "statements": {"totalCount": codes["done"]}}
    told = 'query { events(first: 1, where: {type: {eq: "forums.topic.round_closed"}}) { nodes { data } } }'
    assert (await n.ask("admin", told))["events"]["nodes"][0]["data"]["statements"] == codes["done"]


async def test_positions_arrive_while_the_period_ends(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=20)
    await f.tune(announce_results=False)
    first = next(iter(f.members))
    resolution = await f.consensus(await f.deliberated(first))
    await n.quiet()
    n.clock.advance(timedelta(days=5, seconds=-5))
    n.clock.set(n.clock.now())  # it stands, however long this machine takes
    begun = asyncio.Event()

    async def agree(login: str) -> str:
        answer = await f.position(login, resolution, "AGREE")
        if answer == "done":
            begun.set()
        return answer

    async def end() -> None:
        await begun.wait()
        n.clock.advance(timedelta(seconds=5))
        await n.server.runtime.jobs.run_due(n.server.runtime)

    answers = await asyncio.gather(end(), *(agree(login) for login in f.members))
    codes = Counter(answers[1:])
    assert codes["done"] and codes.keys() <= {"done", "POSITIONS_OVER", "BUSY"}, codes
    await n.server.runtime.jobs.run_due(n.server.runtime)
    seen = await f.see(resolution, "state agreeing")
    assert seen["agreeing"] == codes["done"]
    assert seen["state"] == ("EFFECTIVE" if codes["done"] * 100 >= 20 * 20 else "NO_QUORUM")


async def test_who_joins_twice_at_once_belongs_once_and_two_ways_to_decide_are_one(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    (other,) = await f.residents(1)
    joined = await asyncio.gather(
        *(f.n.outcome(other, "forumsJoin", "member { id }", forumId=f.forum) for _ in range(4))
    )
    assert Counter(joined)["done"] == 1 and set(joined) <= {"done", "ALREADY_IN_FORUM", "BUSY"}
    topic = await f.deliberated(next(iter(f.members)))
    put = await asyncio.gather(
        *(
            f.n.outcome("clerk", "forumsProposeConsensus", "resolution { id }", topicId=topic, text=f"方案{number}")
            for number in range(3)
        )
    )
    assert Counter(put)["done"] == 1 and set(put) <= {"done", "TOPIC_STATE", "BUSY"}


async def test_an_exclusion_and_a_statement_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=6)
    first, *others = f.members
    topic = await f.topic(first)
    until = (n.clock.today() + timedelta(days=2)).isoformat()
    answers = await asyncio.gather(
        *(f.n.outcome(login, "forumsSpeak", "statement { id }", topicId=topic, text="说一句") for login in others),
        *(
            f.n.outcome(
                "clerk", "forumsExcludeMember", "moderation { id }", memberId=f.members[login], until=until, reason="试"
            )
            for login in others
        ),
    )
    spoke, excluded = Counter(answers[: len(others)]), Counter(answers[len(others) :])
    assert spoke.keys() <= {"done", "EXCLUDED", "NOT_IN_FORUM", "BUSY"}
    assert excluded["done"] and excluded.keys() <= {"done", "BUSY"}
    assert (await f.see(topic, "statementCount"))["statementCount"] == spoke["done"]


async def test_topics_at_once_are_no_more_than_a_member_may_have(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    (a,) = f.members
    await f.tune(topics_per_member=1)
    said = {"forumId": f.forum, "matter": "ORDER"}
    opened = await asyncio.gather(
        *(f.n.outcome(a, "forumsOpenTopic", "topic { id }", **said, title=f"议题{k}") for k in range(6))
    )
    assert Counter(opened)["done"] == 1 and set(opened) <= {"done", "TOO_MANY_TOPICS", "BUSY"}
