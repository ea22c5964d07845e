"""Many at once: a chain without a gap, a close and an objection, two corrections of one notice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from plugins.disclosure import seal
from tests.kits.disclosure import Disclosing, chain

pytestmark = pytest.mark.anyio


async def test_twenty_published_at_once_stand_in_one_chain(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    drafts = [await d.draft(f"第 {number} 份") for number in range(20)]
    publish = ("disclosurePublish", "notice { id }")
    done = await asyncio.gather(*(n.outcome("clerk", *publish, noticeId=id) for id in drafts))
    assert done == ["done"] * 20
    verdict = seal.verify(await chain(n))
    assert verdict.wrong == [] and verdict.records >= 20


async def test_a_notice_closes_before_an_objection_or_waits_for_its_answer(neighbourhood: Neighbourhood) -> None:
    """The last day is over, and a paper of that day is entered while the notice is closed: one of them is first."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    notices = [await d.publish(f"第 {number} 份") for number in range(6)]
    people = await n.registered(*(f"居民{number}" for number in range(6)))
    last = n.clock.now() + timedelta(days=7, hours=1)
    await n.quiet()
    n.clock.set(last + timedelta(days=1))
    for notice, person in zip(notices, people, strict=True):
        desk = {"actorId": person, "basis": "IN_PERSON", "evidence": "收件簿"}
        closed, objected = await asyncio.gather(
            n.outcome("admin", "disclosureClose", "notice { id }", noticeId=notice),
            n.outcome(
                "admin", "disclosureObject", "objection { id }", noticeId=notice, text="异议", onBehalfOf=desk,
                occurredAt=last.isoformat(),
            ),
        )  # fmt: skip
        seen = await d.see(notice, "state objectionCount")
        if closed == "done":
            assert (objected, seen) == ("NOTICE_STATE", {"state": "CLOSED_CLEAN", "objectionCount": 0})
        else:
            assert (closed, objected, seen) == ("OPEN_OBJECTIONS", "done", {"state": "OBJECTED", "objectionCount": 1})
    assert seal.verify(await chain(n)).wrong == []


async def test_the_clock_and_an_objection_in_the_last_minute(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    people = await n.newcomers(8, "xishan")
    n.clock.advance(timedelta(days=7))
    filed = await asyncio.gather(
        *(n.outcome(p, "disclosureObject", "objection { id }", noticeId=notice, text=f"{p}的异议") for p in people),
        d.days(0),
    )
    assert filed[:-1] == ["done"] * 8
    await d.days(1)
    assert await d.see(notice, "state openObjections") == {"state": "OBJECTED", "openObjections": 8}
    ids = [o["id"] for o in (await d.see(notice, "objections(first: 20) { nodes { id } }"))["objections"]["nodes"]]
    answer = ("disclosureAnswerObjection", "objection { id }")
    twice = await asyncio.gather(
        *(n.outcome("admin", *answer, objectionId=id, uphold=False, answer="查无此事") for id in [*ids, *ids])
    )
    assert sorted(twice) == ["OBJECTION_STATE"] * 8 + ["done"] * 8
    await d.days(0)
    assert await d.state(notice) == "CLOSED_CLEAN"
    assert seal.verify(await chain(n)).wrong == []


async def test_two_corrections_of_one_notice_leave_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    draft = ("clerk", "disclosureDraft", "notice { id }")
    correction = {"areaId": d.xishan, "kind": "名单", "title": "更正", "body": "。", "supersedesId": notice}
    done = await asyncio.gather(*(n.outcome(*draft, **correction) for _ in range(5)))
    assert sorted(done) == ["ALREADY_SUPERSEDED"] * 4 + ["done"]
