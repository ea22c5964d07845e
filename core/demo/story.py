"""The small story: a village, a company and six people with accounts, in the last half-year.

Everything happens through the rules, by the people who would do it. The tests live in it, and the README's first query
is about it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from core.accounts import create_account, hash_password, hash_token, issue_token
from core.demo.district import STORY_DAYS, DemoDistrict
from core.demo.mark import BEGUN
from core.enums import ActorKind, AreaKind, MembershipRole, OrganizationKind, Registration, Role, Toggle
from core.models import Actor, Area
from core.plugins.host import Host
from core.rules import activities, actors, areas, deputies
from core.rules.settings import toggle_plugin
from core.work import Work

PASSWORD = "gongzhi-demo"
ACCOUNTS = {
    "admin": "administers the district 海沧示范区",
    "clerk": "clerk at the desk of 西山社",
    "inspector": "inspects adopted spots, and stands in at the desk of 洪塘村",
    "custodian": "acts for the residents' committee of 西山社",
    "company": "acts for the company 企业甲",
    "resident": "a resident of 洪塘村",
}

_AREAS = (
    ("haicang", "海沧示范区", AreaKind.DISTRICT, None),
    ("xinyang", "新阳街道", AreaKind.SUBDISTRICT, "haicang"),
    ("dongfu", "东孚镇", AreaKind.TOWN, "haicang"),
    ("haihong", "海虹社区", AreaKind.COMMUNITY, "xinyang"),
    ("xingwang", "兴旺社区", AreaKind.COMMUNITY, "xinyang"),
    ("xishan", "西山社", AreaKind.VILLAGE, "dongfu"),
    ("hongtang", "洪塘村", AreaKind.VILLAGE, "dongfu"),
    ("xishan-1", "西山社一组", AreaKind.GRID, "xishan"),
    ("xishan-2", "西山社二组", AreaKind.GRID, "xishan"),
)
_PEOPLE = (
    "林晓敏",
    "陈志伟",
    "黄丽华",
    "张建国",
    "吴思远",
    "郑雅婷",
    "许文杰",
    "蔡美玲",
    "谢永强",
    "郭小燕",
    "洪少华",
    "苏秀珍",
)
STORY_PEOPLE = len(_PEOPLE)
STORY_HOUSEHOLDS = 1
STORY_BODIES = (1, 1)  # organizations that are no committee, enterprises
STORY_ACTIVITIES = 2


async def places_and_people(d: DemoDistrict, host: Host) -> None:
    """Who is there on the first day; with the first row goes the mark that this is a demo."""
    for code, name, kind, parent in _AREAS:

        async def area(
            w: Work, code: str = code, name: str = name, kind: AreaKind = kind, parent: str | None = parent
        ) -> Area:
            made = await areas.create_area(
                w, code=code, name=name, kind=kind, parent_id=d.areas[parent] if parent else None
            )
            if parent is None:
                w.record(BEGUN, made, area_id=made.id, data={"scale": d.plan.scale if d.plan else 0})
            return made

        d.areas[code] = (await d.system(area)).id
    for plugin in host.keys:
        await d.system(
            lambda w, p=plugin: toggle_plugin(  # type: ignore[misc]
                w, area_id=d.areas["haicang"], plugin=p, state=Toggle.ON, pilot_until=None, reason=None
            )
        )
    since = date(d.start.year - 3, 5, 1)

    async def person(name: str, area: str) -> Actor:
        made = await d.system(
            lambda w: actors.register_actor(w, kind=ActorKind.PERSON, name=name, area_id=d.areas[area])
        )
        d.actors[name] = made.id
        await d.system(
            lambda w: actors.add_membership(
                w, actor_id=made.id, area_id=d.areas[area], role=MembershipRole.RESIDENT, since=since
            )
        )
        return made

    async def body(name: str, kind: ActorKind, area: str, **more: Any) -> Actor:
        made = await d.system(lambda w: actors.register_actor(w, kind=kind, name=name, area_id=d.areas[area], **more))
        d.actors[name] = made.id
        return made

    for number, name in enumerate(_PEOPLE):
        await person(name, ("xishan", "xishan-1", "xishan-2", "haihong", "xingwang", "hongtang")[number % 6])
    await body(
        "西山社村民委员会", ActorKind.ORGANIZATION, "xishan", organization_kind=OrganizationKind.VILLAGERS_COMMITTEE
    )
    await body(
        "海虹志愿服务队", ActorKind.ORGANIZATION, "haihong",
        organization_kind=OrganizationKind.VOLUNTEER_TEAM, registration=Registration.FILED, registration_number="HC-017",
    )  # fmt: skip
    await body("企业甲", ActorKind.ENTERPRISE, "xinyang")
    await body("西山社一组 3 号户", ActorKind.HOUSEHOLD, "xishan-1", address="3 号")
    hashed = await hash_password(PASSWORD)
    people = dict(zip(ACCOUNTS, _PEOPLE, strict=False))
    for login, name in people.items():

        async def account(work: Work, login: str = login, name: str = name) -> UUID:
            holder = await work.get(Actor, d.actors[name])
            return (await create_account(work, person=holder, login=login, password_hash=hashed, demo=True)).id

        made = await d.system(account)
        d.tokens[login], _ = await issue_token(d.runtime, made, timedelta(days=800))
    for role, login, code in (
        (Role.ADMIN, "admin", "haicang"),
        (Role.CLERK, "clerk", "xishan"),
        (Role.INSPECTOR, "inspector", "haicang"),
    ):
        await d.system(
            lambda w, r=role, who=people[login], c=code: actors.grant_role(  # type: ignore[misc]
                w, role=r, area_id=d.areas[c], actor_id=d.actors[who]
            )
        )
    hongtang = d.areas["hongtang"]
    desk = await d.system(lambda w: actors.create_post(w, area_id=hongtang, title="洪塘村便民服务窗口"))
    await d.system(lambda w: actors.grant_role(w, role=Role.CLERK, area_id=hongtang, post_id=desk.id))
    held = await d.system(lambda w: actors.assign_post(w, post_id=desk.id, person_id=d.actors["苏秀珍"]))
    stands_in, leave = d.actors[people["inspector"]], d.moment(STORY_DAYS + 60)
    await d.system(lambda w: deputies.appoint_deputy(w, holding_id=held.id, person_id=stands_in, until=leave))
    for login, organization in (("custodian", "西山社村民委员会"), ("company", "企业甲")):
        await d.act(
            "admin",
            lambda w, who=people[login], o=organization: actors.give_mandate(  # type: ignore[misc]
                w, person_id=d.actors[who], organization_id=d.actors[o], area_id=d.areas["haicang"]
            ),
        )


def activities_of(d: DemoDistrict) -> None:
    """A clean-up that took place and an evening talk people can join."""

    async def clean_up() -> None:
        committee = d.actors["西山社村民委员会"]
        opened = d.runtime.clock.now()
        cleanup = await d.act(
            "custodian",
            lambda w: activities.organise(
                w, area_id=d.areas["xishan"], title="房前屋后大扫除", place="西山社祠堂前", capacity=30,
                starts_at=opened + timedelta(days=5), ends_at=opened + timedelta(days=5, hours=3),
            ),
            acting_for=committee,
        )  # fmt: skip
        await d.act("custodian", lambda w: activities.open_activity(w, activity_id=cleanup.id), acting_for=committee)
        for login in ("resident", "clerk", "inspector"):
            await d.act(login, lambda w: activities.join(w, activity_id=cleanup.id))
        d.at(25, 11)
        for name in ("吴思远", "郑雅婷"):
            await d.act(
                "custodian",
                lambda w, n=name: activities.attend(w, activity_id=cleanup.id, actor_id=d.actors[n]),  # type: ignore[misc]
                acting_for=committee,
            )
        await d.act("custodian", lambda w: activities.finish(w, activity_id=cleanup.id), acting_for=committee)

    async def talk() -> None:
        committee = d.actors["西山社村民委员会"]
        made = await d.act(
            "custodian",
            lambda w: activities.organise(
                w, area_id=d.areas["xishan"], title="纳凉夜话:村口绿地怎么用", place="村口凉亭", capacity=20,
                starts_at=d.moment(200, 19.5), ends_at=d.moment(200, 21.5),
            ),
            acting_for=committee,
        )  # fmt: skip
        await d.act("custodian", lambda w: activities.open_activity(w, activity_id=made.id), acting_for=committee)
        await d.act("resident", lambda w: activities.join(w, activity_id=made.id))

    d.later(20, clean_up)
    d.later(188, talk)


async def revoke_tokens(d: DemoDistrict) -> None:
    """The tokens the story was told with are of no further use."""
    mark = d.runtime.database.dialect.mark
    async with d.runtime.database.transaction() as transaction:
        for token in d.tokens.values():
            await transaction.fetch(
                f"UPDATE core_token SET revoked_at = {mark(1)} WHERE hash = {mark(2)}",
                d.runtime.clock.now(),
                hash_token(token),
            )
