"""INV9 and INV10 in the database itself: a sealed notice, its list and its chain are not rewritten by anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from tests.kits.disclosure import Disclosing
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio


async def test_what_is_sealed_is_not_rewritten(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish(items=[{"text": "甲 90 分"}])
    await n.quiet()
    id = f"id = '{split_global(notice)[1]}'"
    for change, code in (
        ("title = '别的'", "SEALED"),
        ("body = '别的'", "SEALED"),
        ("hash = replace(hash, 'a', 'b') || ''", "SEALED"),
        ("from_day = '2027-02-01'", "SEALED"),
        ("organization_id = published_by_id", "SEALED"),
        ("last_day = '2027-03-05'", "WINDOW_SHORTENED"),
        ("days = 1", "WINDOW_SHORTENED"),
        ("state = 'DRAFT'", "NOTICE_STATE"),
        ("state = 'SUPERSEDED'", "NOTICE_STATE"),
        ("state = 'CLOSED_CLEAN', closed_on = '2027-03-08'", "WINDOW_RUNS"),
        ("title = '[已清除]', title_salt = NULL", "UNLOGGED_CHANGE"),  # what erasure does, without its event
    ):
        assert await refused(n, f"UPDATE disclosure_notice SET {change} WHERE {id}") == code, change
    await n.do(
        "clerk", "disclosureRecordPosting", "posting { evidence }", noticeId=notice, place="村口", evidence=["照片 1"]
    )  # fmt: skip
    assert await refused(n, "UPDATE disclosure_posting SET place = '别处'") == "APPEND_ONLY"
    for table in ("record", "item", "posting", "objection", "notice"):
        assert await refused(n, f"DELETE FROM disclosure_{table}") in ("APPEND_ONLY", "UNLOGGED_CHANGE")
    assert await refused(n, "UPDATE disclosure_record SET body = body || ' '") == "APPEND_ONLY"
    assert await refused(n, "UPDATE disclosure_item SET text = '甲 91 分'") == "SEALED"
    await d.days(8)
    assert await d.state(notice) == "CLOSED_CLEAN"
    assert await refused(n, f"UPDATE disclosure_notice SET state = 'PUBLISHED' WHERE {id}") == "NOTICE_STATE"


async def test_no_clean_end_over_an_objection_and_no_answer_by_ones_own(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    objection = await d.object(notice)
    closed = "UPDATE disclosure_notice SET state = 'CLOSED_CLEAN', closed_on = '2027-04-01' WHERE id = '{}'"
    assert await refused(n, closed.format(split_global(notice)[1])) == "OPEN_OBJECTIONS"
    by = "UPDATE disclosure_objection SET state = 'REJECTED', answered_at = filed_at, answered_by_id = '{}' WHERE id = '{}'"
    for login in ("resident", "clerk"):  # who objects, and who published
        person = (await n.viewer(login)).person_id
        assert await refused(n, by.format(person, split_global(objection)[1])) == "OWN_MATTER"
    answer = ("disclosureAnswerObjection", "objection { id }")
    wrong: dict[str, Any] = {"objectionId": objection, "uphold": False, "answer": "无"}
    assert await n.refused("clerk", *answer, **wrong) == "NOT_PERMITTED"
    own = await d.object(notice, "admin", "我也有异议")
    assert await n.refused("admin", *answer, **{**wrong, "objectionId": own}) == "OWN_MATTER"
    await d.answer(objection)
    again = "UPDATE disclosure_objection SET state = 'UPHELD' WHERE id = '{}'"
    assert await refused(n, again.format(split_global(objection)[1])) == "OBJECTION_STATE"


async def test_the_chain_takes_no_record_out_of_order(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    await d.publish()
    for seq, prev, at in (
        ("seq + 2", "hash", "sealed_at"),
        ("seq + 1", "prev_hash", "sealed_at"),
        ("1", "hash", "sealed_at"),
        ("seq", "prev_hash", "sealed_at"),
        ("seq + 1", "hash", "'2024-01-01 00:00:00+00:00'"),  # before the one before it
    ):
        id = str(new_id())
        event = await log(n, id)
        sql = (
            "INSERT INTO disclosure_record (id, version, event_id, area_id, notice_id, seq, kind, prev_hash, hash, body,"
            f" sealed_at) SELECT '{id}', 1, '{event}', area_id, notice_id, {seq}, kind, {prev},"
            f" '{'f' * 64}', body, {at} FROM disclosure_record ORDER BY area_id, seq DESC LIMIT 1"
        )
        assert await refused(n, sql) == "CHAIN_BROKEN", (seq, prev, at)


async def test_a_confidential_objection_is_seen_by_who_objects_and_who_may_answer(neighbourhood: Neighbourhood) -> None:
    """By the administrator, unless they published the notice or are named in it, and by another who was given the role."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    (boss,) = await n.newcomers(1, "xishan")
    me, admin = [(await n.ask(who, "{ viewer { id } }"))["viewer"]["id"] for who in (boss, "admin")]
    company = await n.actor_id("企业甲")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=d.xishan, actorId=me)
    draft = await d.draft("主任自发")
    await n.do("admin", "disclosurePublish", "notice { id }", noticeId=draft)
    every = {
        await d.publish(): {"admin", boss},
        draft: {boss},  # the administrator published it
        await d.publish("名单中有主任", items=[{"actorId": admin}]): {boss},
        await d.publish("关于新主任", subjectId=me): {"admin"},
        await d.publish("企业收支", organizationId=company): {"admin", boss},
    }
    query = """query($i: ID!) { node(id: $i) { ... on DisclosureNotice { openObjections objections { nodes { text } } } }
        disclosureObjections(where: {isConfidential: {eq: true}, state: {eq: OPEN}}, first: 50) { nodes { id } } }"""
    alone = "query($i: ID!) { node(id: $i) { id } }"
    log = """query($i: ID!) { events(where: {subject: {eq: $i}}) { nodes { type actor { id } } } }"""
    answer = ("disclosureAnswerObjection", "objection { state }")
    for notice, readers in every.items():
        objection = await d.object(notice, text="请保密", isConfidential=True)
        for who in (None, "company", "clerk", "inspector", "admin", boss, "resident"):
            sees = who in {*readers, "resident"}
            found = await n.ask(who, query, i=notice)
            texts = [o["text"] for o in found["node"]["objections"]["nodes"]]
            assert (found["node"]["openObjections"], texts) == (1, ["请保密"] if sees else []), (who, notice)
            listed = {o["id"] for o in found["disclosureObjections"]["nodes"]}
            assert (objection in listed) is sees, (who, notice)
            assert ((await n.ask(who, alone, i=objection))["node"] is not None) is sees
            told = (await n.ask(who, log, i=objection))["events"]["nodes"]
            kept = ["disclosure.objection.filed_in_confidence"] if who == "resident" else []
            assert [e["type"] for e in told] == kept, (who, told)
        for who in {"admin", boss} - readers:
            code = await n.refused(who, *answer, objectionId=objection, uphold=False, answer="知道是谁")
            assert code == "NOT_FOUND", code
        await n.do(sorted(readers)[0], *answer, objectionId=objection, uphold=False, answer="已核实")


async def test_a_token_of_the_publisher_sees_no_more_than_they_do(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    draft = await d.draft()
    await n.do("admin", "disclosurePublish", "notice { id }", noticeId=draft)
    await d.object(draft, text="请保密", isConfidential=True)
    other = await d.publish("另一份")
    await d.object(other, text="也请保密", isConfidential=True)
    made = await n.do(
        "admin", "coreCreateMachineToken", "secret", label="程序", areaId=d.xishan, permissions=["disclosure.answer"],
        expiresAt=(n.clock.now() + timedelta(days=9)).isoformat(),
    )  # fmt: skip
    n.tokens["machine"] = made["secret"]
    found = await n.ask("machine", "{ disclosureObjections(where: {isConfidential: {eq: true}}) { nodes { text } } }")
    assert [o["text"] for o in found["disclosureObjections"]["nodes"]] == ["也请保密"]
