"""The life of a notice over HTTP: published and sealed, objected to, answered, closed, superseded."""

from __future__ import annotations

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.disclosure import Disclosing

pytestmark = pytest.mark.anyio


async def test_a_notice_nobody_objects_to_ends_clean(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    draft = await d.draft()
    assert (await n.ask(None, "query($i: ID!) { node(id: $i) { id } }", i=draft))["node"] is None
    await n.do("clerk", "disclosureEditDraft", "notice { title }", noticeId=draft, title="理事候选名单")
    people = [await n.actor_id("企业甲"), (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]]
    made = await n.do(
        "clerk", "disclosurePublish",
        "notice { state title hash fromDay lastDay lastDayIsKnown items { nodes { text } } records { nodes { kind isIntact } } }",
        noticeId=draft, items=[{"actorId": people[0]}, {"actorId": people[1], "text": "五组"}, {"text": "共二名"}],
    )  # fmt: skip
    notice = made["notice"]
    assert (notice["state"], notice["title"], notice["fromDay"]) == ("PUBLISHED", "理事候选名单", "2027-03-01")
    assert notice["lastDay"] == "2027-03-08"  # seven days after the day of publication
    lines = [i["text"] for i in notice["items"]["nodes"]]
    assert lines[0] == "企业甲" and "*" in lines[1] and lines[1].endswith(" 五组") and lines[2] == "共二名"
    assert notice["records"]["nodes"] == [{"kind": "PUBLISHED", "isIntact": True}]
    by_hash = await n.ask(
        None, "query($h: String!) { disclosureRecord(hash: $h) { seq notice { id } } }", h=notice["hash"]
    )
    assert by_hash["disclosureRecord"]["notice"]["id"] == draft
    assert (
        await n.refused("clerk", "disclosureEditDraft", "notice { id }", noticeId=draft, title="另一名单") == "SEALED"
    )
    assert await n.refused("clerk", "disclosureClose", "notice { id }", noticeId=draft) == "WINDOW_RUNS"
    await d.days(7)
    assert await d.state(draft) == "PUBLISHED"
    await d.days(1)
    assert await d.see(draft, "state closedOn") == {"state": "CLOSED_CLEAN", "closedOn": "2027-03-09"}
    assert (
        await n.refused("resident", "disclosureObject", "objection { id }", noticeId=draft, text="晚了")
        == "NOTICE_STATE"
    )


async def test_objections_are_answered_by_somebody_else_before_it_ends_clean(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    objection = await d.object(notice)
    assert await d.see(notice, "state openObjections") == {"state": "OBJECTED", "openObjections": 1}
    twice = ("resident", "disclosureObject", "objection { id }")
    assert await n.refused(*twice, noticeId=notice, text="再说一次") == "ALREADY_OBJECTED"
    await d.days(9)
    assert await d.state(notice) == "OBJECTED"  # it waits for the answer, however late
    late = await d.see(objection, "answerBy overdueAt")
    assert late["answerBy"] == "2027-03-06" and late["overdueAt"].startswith("2027-03-10")
    assert await d.answer(objection) == "RESOLVED"
    again = ("admin", "disclosureAnswerObjection", "objection { id }")
    assert await n.refused(*again, objectionId=objection, uphold=True, answer="改判") == "OBJECTION_STATE"
    await d.days(0)
    assert await d.state(notice) == "CLOSED_CLEAN"


async def test_an_upheld_objection_ends_it_and_a_corrected_notice_takes_its_place(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    first, second = await d.object(notice), await d.object(notice, "company", "漏了一人")
    assert await d.answer(first, uphold=True) == "OBJECTED"
    corrected = await d.draft("更正名单", supersedesId=notice)
    assert await n.refused("clerk", "disclosurePublish", "notice { id }", noticeId=corrected) == "OPEN_OBJECTIONS"
    await n.do("company", "disclosureWithdrawObjection", "objection { state }", objectionId=second)
    await d.days(8)
    assert await d.state(notice) == "CLOSED_UPHELD"
    await n.do("clerk", "disclosurePublish", "notice { state }", noticeId=corrected)
    assert await d.see(notice, "state supersededBy { nodes { id } }") == {
        "state": "SUPERSEDED", "supersededBy": {"nodes": [{"id": corrected}]}
    }  # fmt: skip
    third = {"areaId": d.xishan, "kind": "名单", "title": "又一份", "body": "。", "supersedesId": notice}
    assert await n.refused("clerk", "disclosureDraft", "notice { id }", **third) == "NOT_SUPERSEDABLE"
