"""Objections at the desk: who published a notice neither enters nor takes back one (INV10), nor finds out who objects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.disclosure import Disclosing

pytestmark = pytest.mark.anyio
OBJECT = ("disclosureObject", "objection { id }")
WITHDRAW = ("disclosureWithdrawObjection", "objection { state }")
ANSWER = ("disclosureAnswerObjection", "objection { state }")


def desk(actor: str, basis: str = "PHONE") -> dict[str, Any]:
    return {"onBehalfOf": {"actorId": actor, "basis": basis, "evidence": "来电"}}


async def clerks(d: Disclosing, count: int) -> list[str]:
    found = await d.n.newcomers(count, "xingwang")
    for who in found:
        actor = await d.n.actor_id(who)
        await d.n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=d.xishan, actorId=actor)
    return found


async def test_who_published_finds_no_objector_and_takes_no_objection_back(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    people = await n.registered("甲一", "乙二", "丙三")
    writes, another = await clerks(d, 2)
    notice = await d.publish()
    secret = await d.object(notice, writes, isConfidential=True, **desk(people[1]))
    named = await d.object(notice, writes, **desk(people[0]))
    lines = await n.ask(None, "{ disclosureRecords(first: 9, orderBy: SEQ_DESC) { nodes { kind body } } }")
    bodies = [json.loads(r["body"]) for r in lines["disclosureRecords"]["nodes"]]
    assert str(split_global(secret)[1]) in {b.get("objection") for b in bodies}  # its id is public

    async def tries(who: str, objection: str) -> set[str]:
        return {await n.outcome(who, *WITHDRAW, objectionId=objection, **desk(person)) for person in people}

    assert await tries("clerk", secret) == {"NOT_FOUND"}
    assert await tries("clerk", named) == {"OWN_MATTER"}
    assert {await n.outcome("clerk", *OBJECT, noticeId=notice, text="x", **desk(p)) for p in people} == {"OWN_MATTER"}
    assert await tries(another, secret) == {"NOT_FOUND"}
    with monkeypatch.context() as forgot:

        async def forgetful(*_: Any) -> None:
            return None

        forgot.setattr("plugins.disclosure.rules.objections._impartial_desk", forgetful)
        assert await n.refused("clerk", *WITHDRAW, objectionId=named, **desk(people[0])) == "OWN_MATTER"
        assert await n.refused("clerk", *OBJECT, noticeId=notice, text="x", **desk(people[2])) == "OWN_MATTER"
    assert await d.state(notice) == "OBJECTED"
    # Whoever entered it takes it back for them, and one by name whoever keeps the desk.
    assert sorted(await tries(writes, secret)) == ["NOT_FOUND", "done"]
    await n.do(another, *WITHDRAW, objectionId=named, **desk(people[0]))
    assert await d.state(notice) == "RESOLVED"


async def test_whom_a_notice_lists_enters_no_objection_to_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (old,) = await n.registered("甲一")
    (listed,) = await clerks(d, 1)
    notice = await d.publish(items=[{"actorId": await n.actor_id(listed), "text": "候选人"}])
    assert await n.refused(listed, *OBJECT, noticeId=notice, text="x", **desk(old)) == "OWN_MATTER"
    await d.object(notice, listed)  # in their own name they may


async def test_who_entered_an_objection_does_not_answer_it(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (old,) = await n.registered("甲一")
    (writes,) = await clerks(d, 1)
    notice = await d.publish()
    entered = await d.object(notice, "admin", **desk(old))
    given = {"objectionId": entered, "uphold": True, "answer": "属实"}
    assert await n.refused("admin", *ANSWER, **given) == "ENTERED_BY_YOU"

    async def forgetful(*_: Any) -> None:
        return None

    with monkeypatch.context() as forgot:
        forgot.setattr("core.work.Work.not_entered", forgetful)
        assert await n.refused("admin", *ANSWER, **given) == "ENTERED_BY_YOU"
    await n.do("admin", *WITHDRAW, objectionId=entered, **desk(old))
    await d.answer(await d.object(notice, writes, **desk(old)))


PREVIEW = "query($k: ID!, $g: ID!) { coreMergePreview(keptId: $k, goneId: $g) { findings { kind count code } } }"


async def test_a_merge_does_not_tell_who_objects_in_confidence(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    quiet, one, two, three = await n.registered("甲一", "乙二", "丙三", "丁四")
    (writes,) = await clerks(d, 1)
    notice, other = await d.publish(), await d.publish("另一份")
    for who, hidden, about in ((one, True, notice), (two, False, notice), (three, True, notice), (one, False, other)):
        await d.object(about, writes, isConfidential=hidden, **desk(who))

    async def told(kept: str, gone: str) -> list[dict[str, Any]]:
        found = (await n.ask("admin", PREVIEW, k=kept, g=gone))["coreMergePreview"]["findings"]
        return [f for f in found if f["kind"].startswith("disclosure")]

    assert await told(quiet, three) == []
    assert await told(quiet, one) == [{"kind": "disclosure_objection", "count": 1, "code": None}]
    assert await told(two, three) == []
    assert await told(three, one) == await told(quiet, one)
    by = "SELECT count(*) FROM disclosure_objection WHERE by_id = {} AND state = 'OPEN'"

    async def open_of(who: str) -> int:
        database = n.server.runtime.database
        return int((await database.read(by.format(database.dialect.mark(1)), [split_global(who)[1]]))[0][0])

    merge = ("admin", "coreMergeActors", "actor { id }")
    await n.do(*merge, keptId=two, goneId=three, reason="同一人")  # one by name, one in confidence, to one notice
    assert (await open_of(two), await open_of(three)) == (1, 1)
    await n.do(*merge, keptId=quiet, goneId=one, reason="同一人")
    assert (await open_of(quiet), await open_of(one)) == (2, 0)
    for person in (two, quiet):
        again = {"noticeId": notice, "text": "再提", **desk(person)}
        assert await n.refused(writes, *OBJECT, **again) == "ALREADY_OBJECTED"


async def test_an_erasure_does_not_tell_others_who_objects_in_confidence(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (who,) = await n.newcomers(1, "xishan")
    person = await n.actor_id(who)
    notice = await d.publish()
    objection = await d.object(notice, who, text="他不住本社", isConfidential=True)
    preview = "query($p: ID!) { coreErasurePreview(personId: $p) { kind code } }"
    told = {"kind": "disclosure_objection", "code": "OPEN_MATTERS"}
    assert told in (await n.ask(who, preview, p=person))["coreErasurePreview"]
    assert told not in (await n.ask("admin", preview, p=person))["coreErasurePreview"]
    assert await n.refused(who, "coreErasePerson", "", personId=person, reason="本人申请") == "OPEN_MATTERS"
    await n.do("admin", "coreErasePerson", "", personId=person, reason="本人书面申请")
    assert await d.see(objection, "text state", "admin") == {"text": "[已清除]", "state": "OPEN"}
    assert await d.answer(objection) == "RESOLVED"
    await d.days(9)
    assert await d.state(notice) == "CLOSED_CLEAN"
