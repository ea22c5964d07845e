"""M43 from end to end: a council's decision about money hangs out over the May holiday, in working days; two object, one by
name and one in confidence; a corrected notice takes its place and stands as long; then the decision holds. Anybody checks the
chain far from the server, also after somebody in it was erased; and the committee's year writes itself."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("plugins.disclosure")
pytest.importorskip("plugins.councils")

import segno
from pypdf import PdfReader

from core.testing import process
from core.testing.kit import Neighbourhood
from tests.kits.councils import Council
from tests.kits.disclosure import Disclosing, drawn, squares

pytestmark = [pytest.mark.anyio, pytest.mark.needs("disclosure", "councils")]
START = datetime(2027, 4, 22, 2, tzinfo=UTC)  # a Thursday, ten o'clock in Shanghai, six days before the council meets
KIND = "决议"


async def chain(n: Neighbourhood) -> list[str]:
    """The chain file of 西山社, as anybody fetches it."""
    query = """query($after: String) { disclosureRecords(first: 50, after: $after, orderBy: SEQ_ASC,
        where: {area: {code: {eq: "xishan"}}}) { nodes { line } pageInfo { hasNextPage endCursor } } }"""
    lines: list[str] = []
    page: dict[str, Any] = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        found = (await n.ask(None, query, after=page["endCursor"]))["disclosureRecords"]
        lines, page = lines + [r["line"] for r in found["nodes"]], found["pageInfo"]
    return lines


def kinds(lines: list[str], *notices: str) -> list[str]:
    """What the chain says happened to these notices."""
    records = [json.loads(json.loads(line)["record"]) for line in lines]
    ids = {notice.removeprefix("disclosure_notice_") for notice in notices}
    return [r["kind"] for r in records if r["notice"] in ids]


async def test_a_decision_is_posted_objected_to_corrected_and_holds(
    neighbourhood: Neighbourhood, tmp_path: Path
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n, START)
    await d.tune(notice_days=1, notice_working_days=5, verify_url="https://gz.example/v/{hash}")
    (tian,) = await n.newcomers(1, "xishan")
    her = (await n.ask(tian, "{ viewer { id } }"))["viewer"]["id"]

    # (1) On 28 April the council decides to pay for the ditch. Five working days are counted without knowing the holiday.
    council = Council(n, d.xishan)
    council.body = await council.found(name="水渠理事会", size=3)
    for name in ("陈一", "陈二", "陈三"):
        await council.seat(await council.resident(name), name=name)
    (item,) = await council.session("旧渠清淤用工补助", matter="FUNDS")
    resolution = (await council.decide(item, 3))["id"]
    first = (await council.see(resolution, "state noticeId", None))["noticeId"]
    assert await d.see(first, "state kind subject fromDay lastDay days dayKind lastDayIsKnown") == {
        "state": "PUBLISHED", "kind": KIND, "subject": resolution, "fromDay": "2027-04-28", "lastDay": "2027-05-05",
        "days": 5, "dayKind": "WORKING", "lastDayIsKnown": False,
    }  # fmt: skip

    # The district enters the year: five days off, the Saturday after them is worked. The window ends later, never earlier.
    year = {"areaId": await n.area_id("haicang"), "year": 2027, "rest": ["2027-05-01..2027-05-05"], "work": ["2027-05-08"],
            "source": "国务院办公厅通知(示例)"}  # fmt: skip
    enter = ("disclosureSetRestDays", "restDays { year }")
    assert await n.refused("clerk", *enter, **year) == "NOT_PERMITTED"
    await n.do("admin", *enter, **year)
    assert await d.see(first, "lastDay lastDayIsKnown") == {"lastDay": "2027-05-08", "lastDayIsKnown": True}

    # (2) It is printed, with the seal and a QR that leads to it; hung up, and photographed there.
    paper = await d.see(first, "hash title printA4 pdfA3")
    address = f"https://gz.example/v/{paper['hash']}"
    for shown in ("旧渠清淤用工补助", "2027年5月8日", paper["hash"], drawn(address)):
        assert shown in paper["printA4"], shown
    assert "<script" not in paper["printA4"] and "src=" not in paper["printA4"]
    pages = PdfReader(BytesIO(base64.b64decode(paper["pdfA3"]))).pages
    text = "".join(page.extract_text() for page in pages).replace("\n", "")
    assert "旧渠清淤用工补助" in text and paper["hash"] in text and round(pages[0].mediabox.width) == 842
    dark = {
        (x, y)
        for y, row in enumerate(segno.make_qr(address, error="m").matrix)
        for x, is_dark in enumerate(row)
        if is_dark
    }
    assert squares(pages[-1]) == dark
    post = ("disclosureRecordPosting", "posting { id }")
    hangs = {"noticeId": first, "place": "祠堂前公示栏", "evidence": ["https://photos.example/0428.jpg"]}
    assert await n.refused("resident", *post, **hangs) == "NOT_PERMITTED"
    await n.do("clerk", *post, **hangs)
    assert (await d.see(first, "postings { nodes { place evidence } }"))["postings"]["nodes"] == [
        {"place": "祠堂前公示栏", "evidence": ["https://photos.example/0428.jpg"]}
    ]
    by_qr = "query($h: String!) { disclosureRecord(hash: $h) { isIntact notice { id } } }"
    assert (await n.ask(None, by_qr, h=paper["hash"]))["disclosureRecord"] == {
        "isIntact": True,
        "notice": {"id": first},
    }

    # What is sealed nobody edits, and while it hangs out nothing is paid.
    assert await n.refused("clerk", "disclosureEditDraft", "notice { id }", noticeId=first, title="别的") == "SEALED"
    effect = ("clerk", "councilsTakeEffect", "resolution { state }")
    assert await n.refused(*effect, resolutionId=resolution) == "UNDER_NOTICE"

    # Many are away over the holiday: it hangs out two working days more.
    longer = {"noticeId": first, "days": 2, "reason": "假期外出人多"}
    await n.do("clerk", "disclosureProlong", "notice { id }", **longer)
    assert await d.see(first, "days lastDay") == {"days": 7, "lastDay": "2027-05-11"}

    # (3) 田婶 objects by name, the company in confidence: everybody sees that there are two, and reads hers alone.
    await d.days(2)
    hers = await d.object(first, tian, "田婶做了三天,名单写一天")
    theirs = await d.object(first, "company", "有人虚报工日", isConfidential=True)
    assert (
        await n.refused(tian, "disclosureObject", "objection { id }", noticeId=first, text="再说") == "ALREADY_OBJECTED"
    )
    seen = "state objectionCount openObjections objections { nodes { id text } }"
    for who, readable in (
        (None, {hers}),
        ("clerk", {hers}),
        (tian, {hers}),
        ("company", {hers, theirs}),
        ("admin", {hers, theirs}),
    ):
        found = await d.see(first, seen, who)
        assert (found["state"], found["objectionCount"], found["openObjections"]) == ("OBJECTED", 2, 2)
        assert {o["id"] for o in found["objections"]["nodes"]} == readable, who

    # A correction takes nothing away from whoever waits for an answer; nor is it shorter, or about something else.
    draft = {"areaId": d.xishan, "title": "旧渠清淤用工补助(更正)", "body": "更正用工天数如下。", "supersedesId": first}
    write = ("clerk", "disclosureDraft", "notice { id days dayKind subject }")
    assert await n.refused(*write, **draft, kind="财务收支") == "OTHER_MATTER"
    assert await n.refused(*write, **draft, kind=KIND, subjectId=her) == "OTHER_MATTER"
    assert await n.refused(*write, **draft, kind=KIND, days=5, dayKind="WORKING") == "WINDOW_SHORTENED"
    made = (await n.do(*write, **draft, kind=KIND))["notice"]
    corrected = made["id"]
    assert made == {"id": corrected, "days": 7, "dayKind": "WORKING", "subject": resolution}
    named = [{"actorId": her, "text": "3 个工日"}, {"text": "其余 12 人 40 个工日"}]
    publish = ("clerk", "disclosurePublish", "notice { state lastDay }")
    assert await n.refused(*publish, noticeId=corrected, items=named) == "OPEN_OBJECTIONS"
    assert await n.refused("admin", "coreErasePerson", "", personId=her, reason="本人申请") == "OPEN_MATTERS"

    # Both are answered before the end, by somebody else; one is right.
    answer = ("disclosureAnswerObjection", "objection { state }")
    said: dict[str, Any] = {"objectionId": theirs, "uphold": False, "answer": "逐户核对,无虚报"}
    assert await n.refused("clerk", *answer, **said) == "NOT_FOUND"  # it is told to nobody but who answers
    assert await n.refused("clerk", *answer, **{**said, "objectionId": hers}) == "NOT_PERMITTED"
    await n.do("admin", *answer, **said)
    assert await n.refused("admin", *answer, **said) == "OBJECTION_STATE"
    assert await d.answer(hers, uphold=True, answer="属实,更正为三天") == "RESOLVED"
    told = await d.see(hers, "state answer answeredAt answerBy overdueAt")
    assert (told["state"], told["answer"], told["overdueAt"]) == ("UPHELD", "属实,更正为三天", None)
    assert told["answeredAt"][:10] <= told["answerBy"] <= "2027-05-11"

    # (4) On 6 May the corrected one takes its place; seven working days anew, the Saturday among them.
    await d.days(6)
    published = await n.do(*publish, noticeId=corrected, items=named)
    assert published["notice"] == {"state": "PUBLISHED", "lastDay": "2027-05-14"}
    assert await d.see(first, "state supersededBy { nodes { id } }") == {
        "state": "SUPERSEDED", "supersededBy": {"nodes": [{"id": corrected}]},
    }  # fmt: skip
    await n.delivered()
    assert await council.see(resolution, "state noticeId", None) == {"state": "ADOPTED", "noticeId": first}
    lines = (await d.see(corrected, "items { nodes { text } }"))["items"]["nodes"]
    assert lines[1]["text"] == "其余 12 人 40 个工日" and "*" in lines[0]["text"] and tian not in lines[0]["text"]
    await d.days(8)  # 14 May is its last day
    assert await d.state(corrected) == "PUBLISHED"
    assert await n.refused(*effect, resolutionId=resolution) == "UNDER_NOTICE"
    assert await n.refused("clerk", "disclosureClose", "notice { id }", noticeId=corrected) == "WINDOW_RUNS"
    await d.days(1)
    assert await d.see(corrected, "state closedOn") == {"state": "CLOSED_CLEAN", "closedOn": "2027-05-15"}
    assert (await council.see(resolution, "state", None))["state"] == "EFFECTIVE"
    late = ("resident", "disclosureObject", "objection { id }")
    assert await n.refused(*late, noticeId=corrected, text="晚了") == "NOTICE_STATE"

    # (5) Anybody takes the chain home and checks it; one changed byte is found, and where.
    file, hash = tmp_path / "chain.jsonl", (await d.see(corrected, "hash"))["hash"]
    whole = await chain(n)
    assert kinds(whole, first, corrected) == [
        "PUBLISHED", "PROLONGED", "POSTED", "PROLONGED", "OBJECTED", "OBJECTED", "ANSWERED", "ANSWERED", "PUBLISHED", "CLOSED",
    ]  # fmt: skip
    assert "有人虚报工日" not in "".join(whole) and "逐户核对" not in "".join(whole)
    file.write_text("\n".join(whole) + "\n", "utf-8")
    checked = process.gongzhi(tmp_path, "verify", str(file), "--hash", hash)
    assert checked.returncode == 0 and f"intact 存证链完整: {len(whole)} records" in checked.stdout, checked.stdout
    (at,) = [number for number, line in enumerate(whole, 1) if json.loads(line)["hash"] == hash]
    changed = whole[at - 1].replace(r"\"days\":7", r"\"days\":6")
    assert sum(a != b for a, b in zip(whole[at - 1], changed, strict=True)) == 1
    file.write_text("\n".join([*whole[: at - 1], changed, *whole[at:]]) + "\n", "utf-8")
    broken = process.gongzhi(tmp_path, "verify", str(file))
    assert broken.returncode == 1 and "BROKEN" in broken.stdout
    assert f"record {at} was changed" in broken.stdout and "record 1 " not in broken.stdout

    # (6) 田婶 moves away and asks to be erased: her line, her words and their answer go; the chain is as whole as before.
    await n.do("admin", "coreErasePerson", "", personId=her, reason="本人书面申请")
    shown = await d.see(corrected, "hash items { nodes { text salt } }")
    assert shown["hash"] == hash
    assert [(i["text"], i["salt"] is None) for i in shown["items"]["nodes"]] == [
        ("[已清除]", True), ("其余 12 人 40 个工日", False),
    ]  # fmt: skip
    assert await d.see(hers, "text answer by { name }") == {
        "text": "[已清除]",
        "answer": None,
        "by": {"name": "已注销"},
    }
    after = await chain(n)
    assert [json.loads(x)["hash"] for x in after] == [json.loads(x)["hash"] for x in whole]
    assert "田婶" not in "".join(after)
    file.write_text("\n".join(after) + "\n", "utf-8")
    again = process.gongzhi(tmp_path, "verify", str(file), "--hash", hash)
    assert again.returncode == 0 and "intact" in again.stdout, again.stdout

    # (7) The committee's accounts go into its yearly file: published, objected to, answered, closed; nobody typed it in.
    committee = await n.actor_id("西山社村民委员会")
    about: dict[str, Any] = {
        "areaId": d.xishan,
        "kind": "财务收支",
        "title": "四月收支",
        "body": "收入 8 万元,支出 5 万元。",
    }
    of_a_person = {**about, "organizationId": (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]}
    assert await n.refused(*write, **of_a_person) == "PEOPLE_HAVE_NO_FILE"
    accounts = await d.publish("四月收支", kind="财务收支", organizationId=committee)
    objection = await d.object(accounts, "resident", "支出缺凭证")
    agent = (await n.ask("custodian", "{ viewer { id } }"))["viewer"]["id"]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=d.xishan, actorId=agent)
    own = {"objectionId": objection, "uphold": False, "answer": "凭证齐全"}
    assert await n.refused("custodian", *answer, **own) == "OWN_MATTER"  # who acts for the committee
    assert await d.answer(objection, answer="凭证已补,附第 12 号") == "RESOLVED"
    await d.days(10)
    query = """query($i: ID!, $y: Int!) { node(id: $i) { ... on Actor { disclosureFile(first: 50, where: {year: {eq: $y}},
        orderBy: OCCURRED_AT_ASC) { nodes { type heading subject year } } } } }"""
    filed = (await n.ask(None, query, i=committee, y=2027))["node"]["disclosureFile"]["nodes"]
    assert [(e["type"], e["heading"]) for e in filed if e["subject"] in (accounts, objection)] == [
        ("disclosure.notice.published", "DISCLOSURE"), ("disclosure.objection.answered", "DISCLOSURE"),
        ("disclosure.notice.closed", "DISCLOSURE"),
    ]  # fmt: skip
    assert (await n.ask(None, query, i=committee, y=2028))["node"]["disclosureFile"]["nodes"] == []
