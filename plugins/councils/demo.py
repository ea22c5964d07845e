"""Councils in the demo: a council of 西山社 that meets twice and is asked to meet again, its charter, its services, and a
delegated matter; in the large district a council in every community that meets every quarter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from core.access import Acting
from core.accounts import hash_token
from core.demo import DemoDistrict
from core.demo.district import Community, Town
from core.enums import ActorKind, AreaKind, BehalfBasis
from core.errors import Refusal
from core.ports import ELIGIBILITY
from core.rules import actors
from core.runtime import Command, Runtime
from core.work import Work
from plugins.councils import rules
from plugins.councils.models import Body, Seat
from plugins.councils.terms import (
    AttendanceState,
    BodyKind,
    CallToOrderKind,
    CharterParameter,
    Matter,
    ResolutionState,
    SeatCategory,
    SeatOffice,
    SeatState,
)

_MEMBERS = ("许文杰", "蔡美玲", "谢永强", "郭小燕", "苏秀珍")
_WOMEN = frozenset({"蔡美玲", "郭小燕", "苏秀珍"})
_HONOURED = "郭小燕"
_SEATED = 5
_SERVICES = (
    ("长者食堂", "西山社祠堂", "每日 11:00–13:00"),
    ("邻里调解", "西山社居民理事会", "每周三晚上"),
)
_CLAUSES = (
    rules.NewClause("1", "总则", "本社村民依法自治,共商共建共治共享。"),
    rules.NewClause("2", "到会", "会议须有超过半数成员到会。", CharterParameter.QUORUM_PERCENT, 50),
    rules.NewClause("3", "通知", "会议须提前五日通知。", CharterParameter.NOTICE_DAYS, 5),
    rules.NewClause("4", "秩序", "每人每次发言不超过五分钟,不得打断他人。", CharterParameter.SPEAKING_MINUTES, 5),
    rules.NewClause("5", "警告", "违反会议秩序者先行警告,满两次方可责令退场。", CharterParameter.CALLS_TO_ORDER, 2),
    rules.NewClause("6", "退场", "责令退场可延至其后三十日内的会议。", CharterParameter.EXCLUSION_DAYS, 30),
    rules.NewClause("7", "申诉", "被责令退场者可在七日内申诉,由未参与者处理。", CharterParameter.APPEAL_DAYS, 7),
    rules.NewClause(
        "8", "慎议", "组成不全时不得议决集体资金事项。", CharterParameter.LISTED_MATTER, matter=Matter.FUNDS
    ),
)


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(20, lambda: _story(d))
    for town in d.towns:
        d.later(d.first_day + 20, lambda town=town: _town(d, town))  # type: ignore[misc]


# --- the small story -------------------------------------------------------------------------------------


async def _story(d: DemoDistrict) -> None:
    """Founded, filled, and the charter drafted; it meets on day 60 and day 150."""
    area = d.areas["xishan"]
    council = await d.act(
        "admin",
        lambda w: rules.create_body(
            w, area_id=area, kind=BodyKind.RESIDENTS_COUNCIL, name="西山社居民理事会", size=7,
            purpose="议事、决策、干事、监督、服务",
        ),
    )  # fmt: skip
    honorary = await d.act(
        "admin",
        lambda w: rules.create_body(
            w, area_id=area, kind=BodyKind.RESPECTED_VILLAGERS, name="西山社乡贤理事会", size=5
        ),
    )
    await _honour(d, honorary.id, d.actors[_HONOURED])
    for name in _MEMBERS:
        is_chair, is_woman = name == _MEMBERS[0], name in _WOMEN
        await d.system(
            lambda w, p=d.actors[name], c=is_chair, f=is_woman: _seat(w, council.id, area, p, c, f)  # type: ignore[misc]
        )
    charter = await d.act(
        "clerk",
        lambda w: rules.draft_charter(
            w, area_id=area, title="西山社村民自治章程", clauses=_CLAUSES,
            constitutes=[
                rules.NewBody(council.id, 7, [rules.NewRule(SeatCategory.WOMEN, 1, 3, 3)]),
            ],
        ),
    )  # fmt: skip
    await d.act("clerk", lambda w: rules.consult(w, charter_id=charter.id))
    d.later(40, lambda: _charter(d, charter.id))

    d.later(50, lambda: _call(d, council.id, 60))
    d.later(170, lambda: _ask(d, council.id))
    for title, place, times in _SERVICES:
        await d.act(
            "clerk",
            lambda w, t=title, p=place, s=times: rules.offer_service(  # type: ignore[misc]
                w, body_id=council.id, title=t, since=None, until=None, offer=None, place=p, times=s,
                contact="西山社居民理事会值班室",
            ),
        )  # fmt: skip
    d.later(140, lambda: _call(d, council.id, 150))
    office = await d.system(
        lambda w: actors.register_actor(
            w, kind=ActorKind.GOVERNMENT_BODY, name="东孚镇人民政府", area_id=d.areas["dongfu"]
        )
    )
    await d.act(
        "admin",
        lambda w: rules.delegate_matter(
            w, government_id=office.id, body_id=council.id, title="房前屋后绿化养护费使用", matter=Matter.FACILITIES,
            instrument="东孚镇放权清单第 3 项", budget=5_000_000,
        ),
    )  # fmt: skip


async def _seat(w: Work, body_id: UUID, area_id: UUID, person: UUID, is_chair: bool, is_woman: bool = False) -> Seat:
    """Residents sit as residents, others as experts."""
    homes = await w.port(ELIGIBILITY).resident_since(w, person, area_id)
    return await rules.fill_seat(
        w, body_id=body_id, holder_id=person, category=SeatCategory.RESIDENT if homes else SeatCategory.EXPERT,
        also=[SeatCategory.WOMEN] if is_woman else [], office=SeatOffice.CHAIR if is_chair else SeatOffice.MEMBER,
    )  # fmt: skip


async def _honour(d: DemoDistrict, body_id: UUID, person: UUID) -> None:
    """Put forward by a villager, confirmed by the village, and seated."""
    nomination = await d.act(
        "clerk",
        lambda w: rules.nominate(
            w, body_id=body_id, nominee_id=person, origin="祖籍西山社,在厦门经商", contribution="捐资修缮祠堂与村道"
        ),
    )
    await d.act(
        "admin",
        lambda w: rules.confirm_nomination(
            w, nomination_id=nomination.id, reference="西山社村民会议第 2 号记录", resolution_id=None
        ),
    )
    await d.act(
        "admin",
        lambda w: rules.fill_seat(w, body_id=body_id, holder_id=person, category=SeatCategory.RESPECTED),
    )


async def _charter(d: DemoDistrict, charter_id: UUID) -> None:
    await d.act("clerk", lambda w: rules.submit_charter(w, charter_id=charter_id, by_ballot=False, electorate=120))
    for teller in ("clerk", "admin"):
        await d.act(
            teller,
            lambda w: rules.enter_vote(
                w, charter_id=charter_id, took_part=96, votes_for=88, votes_against=3, evidence="村民会议签到册、照片"
            ),
        )

    d.later(_day(d) + 30, lambda: _enact(d, charter_id))


def _day(d: DemoDistrict) -> int:
    """How many days of the story are over."""
    return (d.runtime.clock.today() - d.runtime.clock.civil_date(d.start)).days


async def _enact(d: DemoDistrict, charter_id: UUID) -> None:
    """Where notices are published and this one is not closed yet, the charter stays on notice for whoever looks around."""
    try:
        await d.act("clerk", lambda w: rules.enact_charter(w, charter_id=charter_id))
    except Refusal as refusal:
        if refusal.code != "UNDER_NOTICE":
            raise


async def _call(d: DemoDistrict, council_id: UUID, day: int) -> None:
    """Called ten days before; most come, and two items are voted on."""
    start = d.runtime.clock.now() + timedelta(days=10)
    items = []
    for title, matter in (
        ("修缮村口凉亭", Matter.FACILITIES),
        (f"{d.runtime.clock.civil_date(start).month} 月文艺活动安排", Matter.ACTIVITIES),
    ):
        made = await d.act(
            "clerk",
            lambda w, t=title, m=matter: rules.propose_item(  # type: ignore[misc]
                w, body_id=council_id, title=t, matter=m, details="居民在网格走访中提出"
            ),
        )
        items.append(made.id)
    meeting = await d.act(
        "clerk",
        lambda w: rules.call_meeting(
            w,
            body_id=council_id,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            place="西山社祠堂",
            item_ids=items,
        ),
    )
    d.later(day + 1, lambda: _meet(d, council_id, meeting.id, items))


async def _ask(d: DemoDistrict, council_id: UUID) -> None:
    """A member asks for a meeting, at the desk: of so few residents one is enough, and nobody has called it yet."""
    viewer = await d.runtime.viewer(hash_token(d.tokens["clerk"]))
    acting = Acting(behalf_of_id=d.actors[_MEMBERS[1]], basis=BehalfBasis.WRITTEN, evidence="联名信")

    async def ask(w: Work) -> dict[str, Any]:
        await rules.request_meeting(
            w, body_id=council_id, title="村口停车收费办法", matter=Matter.RULES, details="收费标准应由大家商量"
        )
        return {}

    await d.runtime.perform(Command("demo", viewer, acting), ask)


async def _meet(d: DemoDistrict, council_id: UUID, meeting_id: UUID, items: list[UUID]) -> None:
    async def attend(w: Work) -> None:
        seats = await w.select(Seat, body_id=council_id, state=SeatState.FILLED)
        absent = AttendanceState.EXCUSED if len(seats) > 3 else AttendanceState.PRESENT
        came = {s.id: AttendanceState.PRESENT for s in seats} | {seats[-1].id: absent}
        await rules.record_attendance(w, meeting_id=meeting_id, came=came)

    await d.act("clerk", attend)
    await d.act(
        "clerk",
        lambda w: rules.call_to_order(
            w, meeting_id=meeting_id, actor_id=d.actors["谢永强"], kind=CallToOrderKind.OVER_TIME,
            reason="发言超过五分钟,提醒后仍未结束",
        ),
    )  # fmt: skip
    passed = await d.act(
        "admin",
        lambda w: rules.pass_resolution(
            w, item_id=items[0], text="同意修缮,费用从绿化养护费列支", votes_for=4, votes_against=0
        ),
    )
    await d.act(
        "admin",
        lambda w: rules.pass_resolution(w, item_id=items[1], text="中秋办一场晚会", votes_for=1, votes_against=2),
    )
    await d.act("clerk", lambda w: rules.close_meeting(w, meeting_id=meeting_id, minutes="到会成员充分讨论后表决。"))
    await d.act("admin", lambda w: rules.confirm_minutes(w, meeting_id=meeting_id))
    if passed.state is ResolutionState.EFFECTIVE:
        due = d.runtime.clock.today() + timedelta(days=30)
        await d.act(
            "clerk",
            lambda w: rules.assign_task(
                w, resolution_id=passed.id, assignee_id=d.actors["西山社村民委员会"], title="联系施工队", due_on=due
            ),
        )


# --- the large district ----------------------------------------------------------------------------------


async def _town(d: DemoDistrict, town: Town) -> None:
    """Every community that is large enough has a council; each seat is a step of its own, as at a desk."""
    for c in town.communities:
        if len(c.people) < _SEATED:
            continue
        body = await d.together(lambda w, c=c: _found(w, c))  # type: ignore[misc]
        for number, person in enumerate(c.people[:_SEATED]):
            await d.together(
                lambda w, b=body.id, c=c, p=person, n=number: _seat(w, b, c.id, p, n == 0)  # type: ignore[misc]
            )


async def _found(w: Work, c: Community) -> Body:
    kind = BodyKind.VILLAGERS_COUNCIL if c.kind is AreaKind.VILLAGE else BodyKind.RESIDENTS_COUNCIL
    return await rules.create_body(w, area_id=c.id, kind=kind, name=f"{c.name}{kind.zh}", size=7)
