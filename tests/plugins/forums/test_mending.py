"""Two actors who are one, somebody who goes, and who answers for what."""

from __future__ import annotations

from typing import Any

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.forums import Forum
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio


def at_the_desk(person: str) -> dict[str, Any]:
    return {"onBehalfOf": {"actorId": person, "basis": "WRITTEN", "evidence": "书面"}}


async def test_what_somebody_said_goes_to_who_they_prove_to_be(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=1)
    (a,) = f.members
    kept = await f.person(a)
    (twin,) = await n.registered("陈伟民")
    lives = {"areaId": f.area, "role": "RESIDENT", "since": "2024-05-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", actorId=twin, **lives)
    desk = {"onBehalfOf": {"actorId": twin, "basis": "IN_PERSON", "evidence": "本人到场"}}
    joined = await n.do("clerk", "forumsJoin", "member { id }", forumId=f.forum, **desk)
    topic = await f.topic(a)
    said = await n.do("clerk", "forumsSpeak", "statement { id author { id } }", topicId=topic, text="装路灯", **desk)
    assert said["statement"]["author"]["id"] == twin
    merge = ("admin", "coreMergeActors", "actor { id }")
    assert await n.refused(*merge, keptId=kept, goneId=twin, reason="同一人") == "BOTH_IN_FORUM"
    await n.do("clerk", "forumsLeave", "member { state }", memberId=joined["member"]["id"], **desk)
    await n.do(*merge, keptId=kept, goneId=twin, reason="同一人")
    assert (await f.see(said["statement"]["id"], "text author { id }")) == {"text": "装路灯", "author": {"id": kept}}


async def test_who_proves_to_be_two_members_says_one_thing_to_a_consensus(neighbourhood: Neighbourhood) -> None:
    """While it is open (INV6): two positions wait for the result, and who has one record's position changes that one."""
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, _ = f.members
    lives = {"areaId": f.area, "role": "RESIDENT", "since": "2024-05-01"}
    kept, gone, other = await n.registered("同一人", "同一人二", "同一人三")
    members = {}
    for person in (kept, gone, other):
        await n.do("admin", "coreAddMembership", "membership { id }", actorId=person, **lives)
        made = await n.do("clerk", "forumsJoin", "member { id }", forumId=f.forum, **at_the_desk(person))
        members[person] = made["member"]["id"]
    resolution = await f.consensus(await f.deliberated(a))
    take = ("admin", "forumsTakePosition", "position { id }")
    for person in (gone, other):
        said = {"resolutionId": resolution, "stance": "AGREE"}
        await n.do(*take, **said, **at_the_desk(person))
        await n.do("admin", "forumsLeave", "member { id }", memberId=members[person], **at_the_desk(person))
    merge = ("admin", "coreMergeActors", "actor { id }")
    await n.do(*merge, keptId=kept, goneId=gone, reason="同一人")
    assert await n.refused(*merge, keptId=kept, goneId=other, reason="同一人") == "BOTH_STATED"
    await n.do(*take, resolutionId=resolution, stance="AGREE", **at_the_desk(kept))
    assert await f.see(resolution, "agreeing") == {"agreeing": 2}
    (row,) = await n.server.runtime.database.read(
        f"SELECT id FROM forums_position WHERE actor_id = '{split_global(other)[1]}'"
    )
    event = await log(n, str(row[0]))
    moved = f"UPDATE forums_position SET actor_id = '{split_global(kept)[1]}', version = version + 1"
    assert await refused(n, f"{moved}, event_id = '{event}' WHERE id = '{row[0]}'") == "ALREADY_STATED"
    await f.days(6)
    assert await n.outcome(*merge, keptId=kept, goneId=other, reason="同一人") == "done"


async def test_who_belongs_to_a_forum_leaves_before_they_are_erased_and_their_words_go(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=2)
    a, b = f.members
    topic = await f.topic(a, details="我家门口")
    statement = await f.say(a, topic, "只有我知道的一句话")
    person = await f.person(a)
    erase = ("admin", "coreErasePerson", "")
    assert await n.refused(*erase, personId=person, reason="本人申请") == "OPEN_MATTERS"
    await n.do(a, "forumsLeave", "member { id }", memberId=f.members[a])
    await f.days(8)
    await n.do(*erase, personId=person, reason="本人申请")
    assert "只有我知道的一句话" not in await n.dump() and "我家门口" not in await n.dump()
    assert (await f.see(statement, "state text", b)) == {"state": "SPOKEN", "text": "[已清除]"}
    assert (await f.see(topic, "statementCount title")) == {"statementCount": 1, "title": "小区停车怎么办"}


async def test_who_convenes_a_forum_hands_it_over_and_does_not_leave_it_without_anybody(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    f = await Forum.begin(n, members=3)
    a, b, c = f.members
    (outside,) = await f.residents(1)
    people = {login: await f.person(login) for login in (a, b, c, outside)}
    await n.do("admin", "forumsSetConvenor", "member { id }", memberId=f.members[a])

    async def convenors() -> list[str]:
        where = "members(where: {isConvenor: {eq: true}}) { nodes { actor { id } } }"
        return [m["actor"]["id"] for m in (await f.see(f.forum, where))["members"]["nodes"]]

    receipt = "handover { state lines { nodes { subject stays movedBy { type } } } }"
    order = {"areaId": f.area, "fromId": people[a]}
    stayed = await n.do("admin", "coreHandOver", receipt, **order, toId=people[outside])
    line = {"subject": f.members[a], "stays": "CONVENOR_STAYS", "movedBy": None}
    assert line in stayed["handover"]["lines"]["nodes"]
    assert await convenors() == [people[a]]
    moved = await n.do("admin", "coreHandOver", receipt, **order, toId=people[b])
    line = {"subject": f.members[a], "stays": None, "movedBy": {"type": "forums.member.convenor_changed"}}
    assert line in moved["handover"]["lines"]["nodes"]
    assert await convenors() == [people[b]]
    assert await n.refused(a, "forumsOpenRound", "round { id }", topicId=await f.topic(c)) == "NOT_PERMITTED"

    leave = (b, "forumsLeave", "member { state isConvenor }")
    assert await n.refused(*leave, memberId=f.members[b]) == "LAST_CONVENOR"
    gone = {"memberId": f.members[b]}
    await n.do(a, "forumsLeave", "member { state }", memberId=f.members[a])
    assert await n.refused(*leave, **gone, successorId=f.members[a]) == "CONVENOR_STAYS"
    left = await n.do(*leave, **gone, successorId=f.members[c])
    assert left["member"] == {"state": "LEFT", "isConvenor": False}
    assert await convenors() == [people[c]]
    alone = await n.do(c, "forumsLeave", "member { state }", memberId=f.members[c])  # nobody is left to convene
    assert alone["member"] == {"state": "LEFT"}
