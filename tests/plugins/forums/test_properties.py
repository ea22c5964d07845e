"""Whatever members do in whatever order: the outcome is what an independent count of what they last said comes to (INV8)."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.forums.models import Resolution, Statement
from plugins.forums.rules.decisions import consensus
from plugins.forums.terms import ForumResolutionState, ForumStance
from tests.kits.forums import Forum

pytestmark = pytest.mark.anyio


def independent(said: dict[str, str], members: int, percent: int) -> str:
    """What was said last by each, judged the straightforward way."""
    if "OBJECT" in said.values():
        return "OBJECTED"
    enough = Fraction(len(said), members) >= Fraction(percent, 100)
    return "EFFECTIVE" if enough and "AGREE" in said.values() else "NO_QUORUM"


def test_the_outcome_is_what_fractions_say() -> None:
    for members in range(1, 30):
        for percent in (1, 20, 33, 50, 100):
            for agreed in range(members + 1):
                for aside in range(members + 1 - agreed):
                    found = consensus(agreed, aside, 0, members, percent)
                    said = {str(n): "AGREE" if n < agreed else "STAND_ASIDE" for n in range(agreed + aside)}
                    assert (found is ForumResolutionState.ADOPTED) is (
                        independent(said, members, percent) == "EFFECTIVE"
                    )
            assert consensus(members, 0, 1, members + 1, percent) is ForumResolutionState.OBJECTED


@pytest.mark.parametrize("seed", [3, 11])
async def test_random_positions_and_rounds_come_to_what_was_said_last(neighbourhood: Neighbourhood, seed: int) -> None:
    n, chance = neighbourhood, random.Random(seed)
    f = await Forum.begin(n, members=7)
    await f.tune(announce_results=False, consensus_percent=40, topics_per_member=50, round_days=0)
    logins = list(f.members)
    for turn in range(5):
        topic = await f.topic(logins[0], f"第 {turn} 件事")
        spoken = 0
        for _ in range(chance.randint(0, 6)):
            spoken += await f.n.outcome(
                chance.choice(logins), "forumsSpeak", "statement { id }", topicId=topic, text="说一句"
            ) == "done"  # fmt: skip
        assert (await f.see(topic, "statementCount"))["statementCount"] == spoken
        await f.days(8)
        resolution = await f.consensus(topic)
        said: dict[str, str] = {}
        weights = (6, 3, chance.choice([0, 0, 1]))
        for _ in range(chance.randint(0, 12)):
            login, stance = chance.choice(logins), str(chance.choices(list(ForumStance), weights)[0])
            if await f.position(login, resolution, stance, "理由") == "done":
                said[login] = stance
            n.clock.advance(timedelta(minutes=chance.randint(1, 50)))
        await f.days(6)
        assert (await f.see(resolution, "state"))["state"] == independent(said, 7, 40)


async def test_the_database_refuses_an_outcome_nobody_counted_and_words_nobody_said(
    neighbourhood: Neighbourhood,
) -> None:
    """Past the rules: whoever writes another count, another outcome, another text, or speaks in a closed round."""
    n = neighbourhood
    f = await Forum.begin(n, members=5)
    first, second, *_ = f.members
    topic = await f.topic(first)
    statement = split_global(await f.say(second, topic))[1]
    await f.days(8)
    resolution = split_global(await f.consensus(topic))[1]
    now = n.clock.now() + timedelta(days=6)

    async def change(model: Any, id: Any, type: str, permission: str, **values: Any) -> str:
        async def cheat(work: Work) -> dict[str, Any]:
            row = await work.lock(model, id)
            work.require(permission, row)
            work.change(row, **values)
            work.record(type, row, area_id=row.area_id)
            return {}

        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(cheat)
        return refused.value.code

    lead = ("forums.topic.resolved", "forums.topic.lead")
    adopted: dict[str, Any] = {"state": ForumResolutionState.EFFECTIVE, "decided_at": now, "effective_at": now}
    assert await change(Resolution, resolution, *lead, **adopted, agreed=5, aside=0, objected=0) == "OUTCOME_IS_COUNTED"
    assert await change(Resolution, resolution, *lead, **adopted, agreed=0, aside=0, objected=0) == "OUTCOME_IS_COUNTED"
    assert await change(Resolution, resolution, *lead, text="换一句") == "APPEND_ONLY"
    speak = ("forums.statement.restored", "forums.speak")
    assert await change(Statement, statement, *speak, text="换一句") == "APPEND_ONLY"

    async def late(work: Work) -> dict[str, Any]:
        said = await work.get(Statement, statement)
        work.require("forums.speak", said)
        copy = Statement(**{
            name: getattr(said, name) for name in
            ("area_id", "forum_id", "topic_id", "round_id", "member_id", "author_id", "text", "state")
        }, spoken_at=work.now)  # fmt: skip
        work.add(copy)
        work.record("forums.statement.spoken", copy, area_id=said.area_id)
        return {}

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.as_system(late)
    assert refused.value.code == "ROUND_CLOSED"
