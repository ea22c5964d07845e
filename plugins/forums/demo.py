"""Forums in the demo: 西山社 has deliberated about its threshing ground, agrees on something else right now, and an
association waits for members; in the large district a forum in every community."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core.access import Viewer
from core.demo import DemoDistrict
from core.demo.district import Community, Town
from core.errors import Refusal
from core.runtime import Runtime
from core.work import Work
from plugins.forums import rules
from plugins.forums.models import Member, Round
from plugins.forums.terms import ForumKind, ForumStance

_LOGINS = ("admin", "clerk", "inspector")
_MEMBERS = 4


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(62, lambda: _story(d))
    d.later(d.last_day - 3, lambda: _association(d))
    for town in d.towns:
        d.later(d.first_day + 22, lambda t=town: _town(d, t))  # type: ignore[misc]


async def _story(d: DemoDistrict) -> None:
    """A topic in two rounds, which comes to a consensus; another one whose first round is open."""
    forum = await d.act(
        "admin",
        lambda w: rules.found_forum(
            w, area_id=d.areas["xishan"], kind=ForumKind.FORUM, name="西山社同心合议厅",
            purpose="村里的事,大家商量着办。", seats=5,
        ),
    )  # fmt: skip
    members = {login: await d.act(login, lambda w: rules.join_forum(w, forum_id=forum.id)) for login in _LOGINS}
    convenor = members["inspector"].id
    await d.act("admin", lambda w: rules.set_convenor(w, member_id=convenor, is_convenor=True))
    topic = await d.act(
        "clerk",
        lambda w: rules.open_topic(
            w, forum_id=forum.id, title="晒谷场晾晒与停车怎么分", matter="FACILITIES", details="农忙时停车占了晒谷场"
        ),
    )
    d.at(63)
    said = await d.act("admin", lambda w: rules.speak(w, topic_id=topic.id, text="农忙两个月不停车,平时可以停。"))
    await d.act(
        "inspector", lambda w: rules.speak(w, topic_id=topic.id, text="同意,再划一块固定晾晒区。", reply_to_id=said.id)
    )
    loud = await d.act(
        "inspector", lambda w: rules.speak(w, topic_id=topic.id, text="乱停的人就该拖走!", reply_to_id=said.id)
    )
    hidden = await d.act("clerk", lambda w: rules.hide_statement(w, statement_id=loud.id, reason="言辞过激"))
    await d.act("inspector", lambda w: rules.appeal(w, moderation_id=hidden.id, text="没有点名任何人"))
    d.at(69)
    await d.act("inspector", lambda w: _close(w, topic.id, "倾向农忙禁停,并划固定晾晒区"))
    await d.act(
        "inspector", lambda w: rules.open_round(w, topic_id=topic.id, question="固定晾晒区划在哪里?")
    )  # fmt: skip
    d.at(70)
    await d.act("clerk", lambda w: rules.speak(w, topic_id=topic.id, text="靠祠堂一侧,不挡路。"))
    d.at(75)
    await d.act("inspector", lambda w: _close(w, topic.id, "划在靠祠堂一侧"))
    made = await d.act(
        "inspector",
        lambda w: rules.propose_consensus(
            w, topic_id=topic.id, text="农忙两个月晒谷场禁止停车;靠祠堂一侧划固定晾晒区。"
        ),
    )
    d.at(76)
    for login, stance in zip(_LOGINS, (ForumStance.AGREE, ForumStance.AGREE, ForumStance.STAND_ASIDE), strict=True):
        await d.act(
            login,
            lambda w, s=stance: rules.take_position(w, resolution_id=made.id, stance=s),  # type: ignore[misc]
        )
    d.at(81)
    await d.system(lambda w: rules.settle_due(w, made.id))
    d.later(d.last_day, lambda: _now(d, forum.id))


async def _close(w: Work, topic_id: UUID, summary: str) -> None:
    (open_one,) = [r for r in await w.select(Round, topic_id=topic_id) if r.closed_at is None]
    await rules.close_round(w, round_id=open_one.id, summary=summary)


async def _now(d: DemoDistrict, forum_id: UUID) -> None:
    """What is deliberated while the demo is looked at."""
    topic = await d.act(
        "admin",
        lambda w: rules.open_topic(
            w, forum_id=forum_id, title="村口路灯几点关", matter="FACILITIES",
            closes_at=w.now + timedelta(days=30),
        ),
    )  # fmt: skip
    await d.act("clerk", lambda w: rules.speak(w, topic_id=topic.id, text="晚归的人多,至少亮到十一点。"))


async def _association(d: DemoDistrict) -> None:
    """Founded, and the village committee asks to be admitted."""
    forum = await d.act(
        "admin",
        lambda w: rules.found_forum(
            w, area_id=d.areas["xishan"], kind=ForumKind.SELF_GOVERNANCE_ASSOCIATION, name="西山社自治促进会", seats=7
        ),
    )
    await d.act(
        "custodian",
        lambda w: rules.join_forum(w, forum_id=forum.id, application="愿为促进会提供场地"),
        acting_for=d.actors["西山社村民委员会"],
    )


# --- the large district ----------------------------------------------------------------------------------


async def _town(d: DemoDistrict, town: Town) -> None:
    """In each community a forum, in which some who live there talk about one thing."""
    for c in town.communities:
        forum = await d.together(
            lambda w, c=c: rules.found_forum(  # type: ignore[misc]
                w, area_id=c.id, kind=ForumKind.FORUM, name=f"{c.name}合议厅", seats=5
            )
        )
        await _deliberate(d, c, forum.id)


async def _deliberate(d: DemoDistrict, c: Community, forum_id: UUID) -> None:
    joined = []
    for person in c.people[:_MEMBERS]:
        if await d.together(lambda w: _join(w, forum_id), Viewer(person_id=person)) is not None:
            joined.append(Viewer(person_id=person))
    if not joined:
        return
    topic = await d.together(
        lambda w: rules.open_topic(
            w, forum_id=forum_id, title="公共空间怎么用", matter="FACILITIES", closes_at=w.now + timedelta(days=30)
        ),
        joined[0],
    )
    for viewer, text in zip(joined[1:], ("多摆几张长椅。", "晚上十点后请安静。", "留一块给孩子。"), strict=False):
        await d.together(lambda w, t=text: rules.speak(w, topic_id=topic.id, text=t), viewer)  # type: ignore[misc]


async def _join(w: Work, forum_id: UUID) -> Member | None:
    """Some of the people only work here."""
    try:
        return await rules.join_forum(w, forum_id=forum_id)
    except Refusal as refusal:
        if refusal.code != "NOT_FROM_HERE":
            raise
        return None
