"""The decision gate as other mechanisms use it: announced, and in effect only after a clean end (INV3, INV9)."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from core.errors import Refusal
from core.events import EventRecord, Handler
from core.ids import split_global, to_global
from core.models import Actor
from core.ports import DECISION_GATE
from core.settings.store import as_instant
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.disclosure.rules.files import hear
from plugins.disclosure.rules.mending import move_merged
from tests.kits.disclosure import Disclosing

pytestmark = pytest.mark.anyio


async def announce(d: Disclosing, actor: str, kind: str = "拨付", **more: Any) -> str | None:
    """As the rule of another plugin does, about a row of its own; here the row is an organization."""
    found: list[UUID | None] = []

    async def rule(work: Work) -> dict[str, Any]:
        subject = await work.get(Actor, split_global(actor)[1])
        work.require("core.actor.register", subject)
        found.append(
            await work.port(DECISION_GATE).announce(
                work, subject=subject, area_id=split_global(d.xishan)[1], kind=kind, title="拨付公示", body="拟拨付 3 万元。",
                **more,
            )
        )  # fmt: skip
        return {}

    await d.n.server.runtime.as_system(rule)
    return None if found[0] is None else to_global("disclosure_notice", found[0])


async def may(d: Disclosing, actor: str) -> bool:
    found: list[bool] = []

    async def rule(work: Work) -> dict[str, Any]:
        subject = await work.get(Actor, split_global(actor)[1])
        found.append(await work.port(DECISION_GATE).may_take_effect(work, subject))
        return {}

    await d.n.server.runtime.as_system(rule)
    return found[0]


async def closed(d: Disclosing, notice: str) -> list[dict[str, Any]]:
    mark = d.n.server.runtime.database.dialect.mark(1)
    rows = await d.n.server.runtime.database.read(
        f"SELECT data FROM core_event WHERE type = 'disclosure.notice.closed' AND subject_id = {mark}",
        [split_global(notice)[1]],
    )
    return [r[0] if isinstance(r[0], dict) else json.loads(r[0]) for r in rows]


async def test_a_decision_takes_effect_after_a_clean_end_and_not_before(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club,) = await n.registered("舞蹈队")
    assert await may(d, club)  # nothing had to be made public
    notice = await announce(d, club)
    assert notice is not None and not await may(d, club)
    seen = await d.see(notice, "state kind subject lastDay")
    assert seen == {"state": "PUBLISHED", "kind": "拨付", "subject": club, "lastDay": "2027-03-08"}
    objection = await d.object(notice)
    await d.days(9)
    assert not await may(d, club) and await closed(d, notice) == []
    await d.answer(objection)
    assert not await may(d, club)
    await d.days(0)
    assert await may(d, club)
    (told,) = await closed(d, notice)
    assert {k: told[k] for k in ("notice", "subjectTag", "subjectId", "clean")} == {
        "notice": str(split_global(notice)[1]), "subjectTag": "actor", "subjectId": str(split_global(club)[1]),
        "clean": True,
    }  # fmt: skip


async def test_an_upheld_objection_shuts_the_gate_until_a_corrected_decision_ends_clean(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club,) = await n.registered("象棋社")
    first = await announce(d, club)
    assert first is not None
    objection = await d.object(first)
    with pytest.raises(Refusal, match="OPEN_OBJECTIONS"):  # nobody announces an objection away
        await announce(d, club)
    await d.answer(objection, uphold=True, answer="金额有误")
    await d.days(9)
    assert (await closed(d, first))[0]["clean"] is False and not await may(d, club)
    second = await announce(d, club)
    assert second is not None and await d.state(first) == "SUPERSEDED"
    assert not await may(d, club)
    third = await announce(d, club, "验收", days=10)  # another matter about the same: both have to end clean
    assert third is not None
    await d.days(8)
    assert await d.state(second) == "CLOSED_CLEAN" and not await may(d, club)
    await d.days(3)
    assert await may(d, club)
    hasty = await announce(d, club, "再拨", days=3)  # the community's least holds
    assert hasty is not None and (await d.see(hasty, "days"))["days"] == 7


async def test_a_decision_is_not_corrected_away_by_a_notice_about_something_else(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club, other) = await n.registered("书法社", "合唱团")
    notice = await announce(d, club)
    wrong = {"areaId": d.xishan, "title": "无关", "body": "。", "supersedesId": notice}
    draft = ("clerk", "disclosureDraft", "notice { id }")
    committee = await n.actor_id("西山社村民委员会")
    for about in (
        {"kind": "名单"},
        {"kind": "拨付", "subjectId": other},
        {"kind": "拨付", "organizationId": committee},
    ):
        assert await n.refused(*draft, **wrong, **about) == "OTHER_MATTER"
    corrected = await d.publish("更正", kind="拨付", supersedesId=notice)  # what it is about need not be said again
    assert (await d.see(corrected, "subject organization { id }")) == {"subject": club, "organization": None}
    assert not await may(d, club)
    id = split_global(corrected)[1]
    await n.quiet()
    with pytest.raises(Refusal, match="SEALED"):
        async with n.server.runtime.database.transaction() as t:
            await t.fetch(f"UPDATE disclosure_notice SET announced_id = NULL WHERE id = '{id}'")
    unpublished = await d.draft("再更正", kind="拨付", supersedesId=corrected)
    with pytest.raises(Refusal, match="OTHER_MATTER"):
        async with n.server.runtime.database.transaction() as t:
            await t.fetch(
                "UPDATE disclosure_notice SET subject_tag = NULL, subject_id = NULL"
                f" WHERE id = '{split_global(unpublished)[1]}'"
            )
    await d.days(8)
    assert await may(d, club)
    (told,) = await closed(d, corrected)
    assert notice is not None and told["announced"] == str(split_global(notice)[1])
    assert told["subjectId"] == str(split_global(club)[1])


async def test_what_others_publish_about_a_decision_neither_voids_nor_blocks_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club,) = await n.registered("太极队")
    bogus = await d.publish("擅自公示", kind="拨付", subjectId=club)
    assert await may(d, club)
    announced = await announce(d, club)
    assert announced is not None and await d.state(bogus) == "PUBLISHED"  # nothing of ours to be replaced
    await d.answer(await d.object(bogus), uphold=True)
    await d.days(9)
    assert (await d.state(bogus), await may(d, club)) == ("CLOSED_UPHELD", True)
    (told,) = await closed(d, bogus)
    assert told["clean"] is False and not {"subjectId", "subjectTag", "announced"} & set(told)
    nowhere = to_global("actor", split_global(announced)[1])
    elsewhere = {"areaId": await n.area_id("haihong"), "kind": "拨付", "title": "。", "body": "。"}
    for subject in (club, announced, nowhere):
        assert await n.refused("admin", "disclosureDraft", "notice { id }", **elsewhere, subjectId=subject) == (
            "SUBJECT_ELSEWHERE"
        )


async def test_where_disclosure_is_off_nothing_is_announced_and_what_was_stays_shut(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    clubs = await n.registered("甲队", "乙队")
    notice = await announce(d, clubs[0])
    assert notice is not None
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    await n.do(*toggle, areaId=d.xishan, plugin="disclosure", state="OFF")
    assert await announce(d, clubs[1]) is None and await may(d, clubs[1])
    assert (await n.ask(None, "query($i: ID!) { node(id: $i) { id } }", i=notice))["node"] is None
    objecting = ("resident", "disclosureObject", "objection { id }")
    assert await n.refused(*objecting, noticeId=notice, text="?") == "PLUGIN_DISABLED"
    await d.days(20)
    assert not await may(d, clubs[0])
    await n.do(*toggle, areaId=d.xishan, plugin="disclosure", state="ON")
    await d.days(0)
    assert not await may(d, clubs[0])  # nobody could object on seven days of it: they are made good first
    assert await d.see(notice, "state lastDay") == {"state": "PUBLISHED", "lastDay": "2027-03-28"}
    await d.days(8)
    assert await d.state(notice) == "CLOSED_CLEAN" and await may(d, clubs[0])


async def test_the_file_of_an_organization_fills_itself(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    committee = await n.actor_id("西山社村民委员会")
    notice = await d.publish("一季度收支", kind="财务收支", organizationId=committee)
    objection = await d.object(notice)
    await d.answer(objection)
    await d.days(8)
    query = """query($i: ID!) { node(id: $i) { ... on Actor { disclosureFile(first: 50, where: {year: {eq: 2027}}) {
        nodes { type heading subject } } disclosureNotices(where: {fromDay: {gte: "2027-01-01"}}) { nodes { title } } } } }"""
    file = (await n.ask(None, query, i=committee))["node"]
    assert file["disclosureNotices"]["nodes"] == [{"title": "一季度收支"}]
    about = {notice, objection}
    ours = [
        e["type"] for e in file["disclosureFile"]["nodes"] if e["subject"] in about and e["heading"] == "DISCLOSURE"
    ]
    assert sorted(ours) == [
        "disclosure.notice.closed", "disclosure.notice.published", "disclosure.objection.answered",
    ]  # fmt: skip
    person = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    of_a_person = {"areaId": d.xishan, "kind": "x", "title": "x", "body": "x", "organizationId": person}
    assert await n.refused("clerk", "disclosureDraft", "notice { id }", **of_a_person) == "PEOPLE_HAVE_NO_FILE"
    # The same event heard again files nothing twice.
    handler = Handler("disclosure", "*", hear)
    rows = await n.server.runtime.database.read(
        "SELECT e.id, e.type, e.area_id, e.subject_tag, e.subject_id, e.occurred_at FROM core_event e"
        " WHERE e.type = 'disclosure.notice.published' ORDER BY e.seq DESC LIMIT 1"
    )
    id, type, area, tag, about, at = rows[0]
    data = {"organization": str(split_global(committee)[1])}
    if isinstance(at, str):
        at = as_instant(at)
    record = EventRecord(UUID(str(id)), type, UUID(str(area)), tag, UUID(str(about)), None, data, at, 0, 0)

    async def again(work: Work) -> dict[str, Any]:
        await handler.handle(work, record)
        return {}

    await n.server.runtime.as_system(again)
    assert len((await n.ask(None, query, i=committee))["node"]["disclosureFile"]["nodes"]) == len(
        file["disclosureFile"]["nodes"]
    )


async def test_whom_an_announced_decision_concerns_neither_reads_nor_answers_what_is_objected(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club,) = await n.registered("书法社")
    first, later = await n.newcomers(2, "xishan")
    actors = {who: (await n.ask(who, "{ viewer { id } }"))["viewer"]["id"] for who in (first, later)}
    for who in (first, later):
        await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=d.xishan, actorId=actors[who]
        )
    notice = await announce(d, club, concerns=[split_global(actors[first])[1]])
    assert notice is not None

    async def concern(work: Work) -> dict[str, Any]:
        subject = await work.get(Actor, split_global(club)[1])
        work.require("core.actor.register", subject)
        await work.port(DECISION_GATE).concern(work, subject, split_global(actors[later])[1])
        work.record("core.actor.registered", subject, area_id=subject.area_id)
        return {}

    given: dict[str, Any] = {"uphold": False, "answer": "无"}
    answer = ("disclosureAnswerObjection", "objection { state }")
    objection, secret = await d.object(notice), await d.object(notice, "company", "他自己的事", isConfidential=True)
    assert await d.see(secret, "text", later) == {"text": "他自己的事"}
    await n.server.runtime.as_system(concern)
    for who in (first, later):
        assert await d.see(secret, "text", who) is None
        assert await n.refused(who, *answer, objectionId=secret, **given) == "NOT_FOUND"
        assert await n.refused(who, *answer, objectionId=objection, **given) == "OWN_MATTER"

    async def nobodys(*_: Any, **__: Any) -> bool:
        return False

    with monkeypatch.context() as forgot:  # nor does the database let them
        forgot.setattr(Work, "concerned_in", nobodys)
        assert await n.refused(first, *answer, objectionId=objection, **given) == "OWN_MATTER"
    for each in (objection, secret):
        await d.answer(each)

    # A correction is their matter as before; and that of whom one of them proves to be.
    draft = {"areaId": d.xishan, "kind": "拨付", "title": "更正", "body": "拟拨付 2 万元。", "supersedesId": notice}
    made = await n.do("clerk", "disclosureDraft", "notice { id }", **draft)
    anew = made["notice"]["id"]
    await n.do("clerk", "disclosurePublish", "notice { id }", noticeId=anew)
    objection = await d.object(anew)
    for who in (first, later):
        assert await n.refused(who, *answer, objectionId=objection, **given) == "OWN_MATTER"
    table = "SELECT count(*) FROM disclosure_concerned WHERE actor_id = '{}'"
    database = n.server.runtime.database
    (unknown,) = await n.registered("同一人")
    await n.server.runtime.as_system(lambda work: _merged(work, actors[later], unknown))
    for actor, rows in ((actors[first], 2), (unknown, 2), (actors[later], 0)):
        assert (await database.read(table.format(split_global(actor)[1])))[0][0] == rows


async def _merged(work: Work, gone: str, kept: str) -> dict[str, Any]:
    """What a merge moves of disclosure."""
    work.require("core.actor.register", await work.get(Actor, split_global(kept)[1]))
    await move_merged(work, split_global(kept)[1], split_global(gone)[1])
    return {}
