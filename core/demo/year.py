"""A year of activities in the large district: planned, opened, joined, attended, some called off, some still to come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core.access import Acting
from core.demo.district import Community, DemoDistrict, Town
from core.demo.plan import DistrictPlan
from core.demo.story import STORY_ACTIVITIES
from core.enums import ParticipationState
from core.ids import new_id
from core.models import Activity, Participation
from core.rules import activities
from core.work import Work

_TITLES = (
    ("房前屋后大扫除", "社区服务中心广场"), ("旧衣换绿植", "小区中庭"), ("垃圾分类入户讲解", "各楼栋"), ("邻里百家宴", "老年活动室"),
    ("河道巡护", "过芸溪边"), ("议事茶话会:停车怎么停", "居民议事厅"), ("四点半课堂", "社区书院"), ("义诊进小区", "小区东门"),
    ("楼道清杂", "各楼栋"), ("共享菜地开园", "屋顶菜园"), ("消防演练", "篮球场"), ("中秋博饼", "社区书院"),
    ("村口绿地补种", "村口"), ("古厝修缮日", "祠堂前"), ("夜间平安巡逻", "村委会集合"), ("新市民厨艺交流", "社区食堂"),
)  # fmt: skip
MONTHS = 12
_STATES = ParticipationState


@dataclass
class _Plan:
    """What is known of an activity before it happens."""

    community: Community
    begins: datetime
    joined: list[UUID]
    came: int
    cancelled: bool
    row: Activity


def lay_out(d: DemoDistrict, plan: DistrictPlan) -> None:
    """Spread the year's activities over months and communities; those of the last month are still to come."""
    total = plan.activities - STORY_ACTIVITIES
    for month in range(MONTHS):
        day = d.first_day + 30 * month + 29 if month < MONTHS - 1 else d.last_day
        numbers = range(total * month // MONTHS, total * (month + 1) // MONTHS)
        due: dict[int, int] = {}
        for n in numbers:
            due[n % plan.communities] = due.get(n % plan.communities, 0) + 1
        for town in d.towns:
            count = {c.number: due[c.number] for c in town.communities if c.number in due}
            if count:
                d.later(day, lambda town=town, count=count, day=day: _month(d, town, count, day))  # type: ignore[misc]


async def _month(d: DemoDistrict, town: Town, count: dict[int, int], day: int) -> None:
    """A town's activities of the month before `day`, written down as it ends, at the times they happened."""
    d.at(day, 23)
    await d.together(lambda w: _activities(w, d, town, count, day))


async def _activities(w: Work, d: DemoDistrict, town: Town, count: dict[int, int], day: int) -> None:
    upcoming = day == d.last_day
    planned = [await _organise(w, d, c, day, upcoming) for c in town.communities for _ in range(count.get(c.number, 0))]
    await w.flush_now()
    for p in planned:
        w.occurred_at = min(p.begins - timedelta(days=8), w.now)
        if p.cancelled:
            w.occurred_at = min(p.begins - timedelta(days=1), w.now)
            await activities.cancel(w, activity_id=p.row.id, reason="天气原因,另行通知")
        else:
            await activities.open_activity(w, activity_id=p.row.id)
    planned = [p for p in planned if not p.cancelled]
    await w.flush_now()
    taken = [(p, _join(w, d, p)) for p in planned]
    await w.flush_now()
    if upcoming:
        return
    for p, places in taken:
        for place in places[: p.came]:
            w.change(place, state=_STATES.ATTENDED)
            about = {"activity": str(p.row.id), "actor": str(place.actor_id)}
            moment = p.begins + timedelta(minutes=5)
            w.record("core.activity.attended", place, area_id=p.row.area_id, data=about, occurred_at=moment)
        await w.flush_now()
        w.occurred_at = p.row.ends_at
        await activities.finish(w, activity_id=p.row.id)


async def _organise(w: Work, d: DemoDistrict, c: Community, day: int, upcoming: bool) -> _Plan:
    random = c.random
    title, place = random.choice(_TITLES)
    organizer = c.committee_id if random.random() < 0.5 or not c.bodies else random.choice(c.bodies).id
    first = day + 3 if upcoming else day - 19
    begins = d.moment(first + random.randrange(17), random.choice((9, 14.5, 15, 19)))
    joined = random.sample(c.people, min(len(c.people), random.randrange(6, 22)))
    w.acting = Acting(for_id=organizer)
    w.occurred_at = min(begins - timedelta(days=9), w.now)
    row = await activities.organise(
        w, area_id=c.id, title=title, place=place, capacity=random.choice((None, 25, 30, 40)),
        starts_at=begins, ends_at=begins + timedelta(hours=random.choice((2, 3))),
    )  # fmt: skip
    came = len(joined) - random.randrange(len(joined) // 4 + 1)
    return _Plan(c, begins, joined, came, not upcoming and random.random() < 0.04, row)


def _join(w: Work, d: DemoDistrict, p: _Plan) -> list[Participation]:
    """Everyone takes a place; what `activities.join` does for one, here for all, as no activity overflows."""
    places = []
    for n, actor_id in enumerate(p.joined):
        joined_at = min(p.begins - timedelta(days=7) + timedelta(hours=7 * n + 1), w.now)
        place = Participation(
            id=new_id(), activity_id=p.row.id, actor_id=actor_id, state=_STATES.JOINED, joined_at=joined_at
        )
        places.append(w.add(place))
        if actor_id == p.joined[-1]:
            w.change(p.row, places_taken=len(p.joined))
        about = {"activity": str(p.row.id)}
        w.record("core.activity.joined", place, area_id=p.row.area_id, data=about, occurred_at=joined_at)
    return places
