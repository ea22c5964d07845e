"""Disclosure in the demo: a notice that ended clean, one corrected after an objection, and one that is open now; a story
that is published, and one that waits for who is in it."""

from __future__ import annotations

from uuid import UUID

from core.demo import DemoDistrict
from core.runtime import Runtime
from core.work import Work
from plugins.disclosure import rules


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(60, lambda: _adopters(d))
    d.later(120, lambda: _accounts(d))
    d.later(130, lambda: _pavilion(d))
    d.later(176, lambda: _greens(d))
    d.later(d.last_day - 4, lambda: _candidates(d))


async def _publish(d: DemoDistrict, kind: str, title: str, body: str, *names: str, by: UUID | None = None) -> UUID:
    async def write(work: Work) -> UUID:
        notice = await rules.draft(
            work, area_id=d.areas["xishan"], kind=kind, title=title, body=body, supersedes_id=by,
            organization_id=d.actors["西山社村民委员会"],
        )  # fmt: skip
        return notice.id

    id: UUID = await d.act("clerk", write)
    items = [rules.Named(d.actors.get(n), None if n in d.actors else n) for n in names]
    await d.act("clerk", lambda w: rules.publish(w, notice_id=id, items=items))
    return id


async def _adopters(d: DemoDistrict) -> None:
    await _publish(d, "认领名单", "绿地认领单位公示", "下列单位认领本社绿地,现予公示。", "企业甲")


async def _accounts(d: DemoDistrict) -> None:
    """The first list of the year's money had a mistake that a resident saw."""
    body = "本社上半年集体收支情况公示如下。"
    first = await _publish(d, "财务收支", "上半年财务收支公示", body, "收入 128,400 元", "支出 96,000 元")
    d.at(122)
    objection = await d.act(
        "resident", lambda w: rules.object_to(w, notice_id=first, text="凉亭维修费未列入", is_confidential=False)
    )
    d.at(124)
    await d.act(
        "admin", lambda w: rules.answer(w, objection_id=objection.id, uphold=True, text="属实,已补列,另行更正公示")
    )
    d.at(125)
    lines = ("收入 128,400 元", "支出 97,860 元", "其中凉亭维修 1,860 元")
    await _publish(d, "财务收支", "上半年财务收支更正公示", body, *lines, by=first)


async def _candidates(d: DemoDistrict) -> None:
    body = "经推荐,下列人员为议事小组候选人,名单如下。"
    notice = await _publish(d, "候选名单", "议事小组候选人公示", body, "张三 三组", "李四 五组")
    d.at(d.last_day - 1)
    await d.act(
        "resident",
        lambda w: rules.object_to(w, notice_id=notice, text="李四已调往外村工作,请核实", is_confidential=False),
    )


async def _tell(d: DemoDistrict, title: str, text: str, name: str) -> UUID:
    """Draft a story in which somebody is shown."""
    story = await d.act(
        "clerk",
        lambda w: rules.draft_story(
            w, area_id=d.areas["xishan"], title=title, text=text, photos=["照片 1"], person_ids=[d.actors[name]],
            organization_id=d.actors["西山社村民委员会"],
        ),
    )  # fmt: skip
    return story.id


async def _pavilion(d: DemoDistrict) -> None:
    id = await _tell(d, "凉亭修好了", "邻居们出工出料,半个月修好了村口凉亭。", "张建国")
    await d.act("custodian", lambda w: rules.answer_story(w, story_id=id, consents=True))
    await d.act("clerk", lambda w: rules.publish_story(w, story_id=id))


async def _greens(d: DemoDistrict) -> None:
    await _tell(d, "认领绿地这一年", "企业与居民一起养护绿地,从春到冬。", "吴思远")
