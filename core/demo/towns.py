"""The large district around the small story: towns, communities, homes, people, households and bodies."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice
from random import Random
from uuid import UUID

from core.access import Grant, HeldMandate, Viewer
from core.demo import names
from core.demo.district import Body, Community, DemoDistrict, Town
from core.demo.plan import DistrictPlan
from core.demo.story import STORY_BODIES, STORY_HOUSEHOLDS, STORY_PEOPLE
from core.enums import ActorKind, AreaKind, MembershipRole, OrganizationKind, Registration, Role
from core.models import Actor
from core.rules.actors import add_membership, give_mandate, grant_role, register_actor
from core.rules.areas import create_area
from core.work import Work

# Places have their real names as far as there are enough; those of the small story come first.
_TOWNS = (
    ("xinyang", "新阳街道", "haihong 海虹社区 xingwang 兴旺社区 xinan 新垵村 xiayang 霞阳村 xianglu 祥露社区 huizuo 惠佐社区"),
    ("dongfu", "东孚镇", "xishan 西山社 hongtang 洪塘村 fengshan 凤山社区 lianhua 莲花社区 guoban 过坂社区 shanbian 山边村"),
    ("haicang-street", "海沧街道", "shitang 石塘社区 jianmei 渐美社区 wencuo 温厝社区 jinli 锦里社区 qingjiao 青礁村 kunyao 囷瑶村"),
    ("songyu", "嵩屿街道", "haida 海达社区 haifa 海发社区 weilai 未来海岸社区 aoguan 鳌冠社区 zhenan 贞庵社区 dongyu 东屿社区"),
)  # fmt: skip
_ASSOCIATIONS = (
    (OrganizationKind.VOLUNTEER_TEAM, Registration.FILED, "{}志愿服务队"),
    (OrganizationKind.CLUB, Registration.NONE, "{}老年乐龄俱乐部"),
    (OrganizationKind.SOCIAL_ORGANIZATION, Registration.REGISTERED, "{}邻里互助协会"),
    (OrganizationKind.PRIVATE_NON_ENTERPRISE, Registration.REGISTERED, "{}社区服务中心"),
    (OrganizationKind.SOCIAL_WORK, Registration.REGISTERED, "{}社会工作服务中心"),
    (OrganizationKind.VILLAGE_SUPERVISION_COMMITTEE, Registration.NONE, "{}村务监督委员会"),
    (OrganizationKind.RESEARCH, Registration.REGISTERED, "{}共同缔造研究院"),
)
_LEGAL_KIND = {  # how a unified social credit code begins
    OrganizationKind.RESIDENTS_COMMITTEE: "55",
    OrganizationKind.VILLAGERS_COMMITTEE: "54",
    OrganizationKind.SOCIAL_ORGANIZATION: "51",
    OrganizationKind.PRIVATE_NON_ENTERPRISE: "52",
    OrganizationKind.SOCIAL_WORK: "52",
    OrganizationKind.RESEARCH: "52",
}
_COMPOUNDS = ("花园", "家园", "公寓", "小区", "新城", "雅苑")
STAFF = 3  # clerk, chair and inspector: no household, no body, nothing of their own to judge (INV10)


def lay_out(d: DemoDistrict, plan: DistrictPlan) -> None:
    """Name the towns and communities, and have them settled on the first day."""
    taken = {n.rstrip("社区村") for _, _, line in _TOWNS for n in line.split()[1::2]}
    more = names.places(taken | {name[:2] for _, name, _ in _TOWNS})
    number = 0
    for t in range(plan.towns):
        code, name, line = (
            _TOWNS[t] if t < len(_TOWNS) else (f"t{t + 1}", next(more) + ("镇" if t % 4 == 1 else "街道"), "")
        )
        rural = name.endswith("镇")
        size = plan.communities // plan.towns + (t < plan.communities % plan.towns)
        members = list(zip(line.split()[::2], line.split()[1::2], strict=True))[:size]
        for c in range(len(members), size):
            members.append((f"{code}-{c + 1}", next(more) + ("村" if rural else "社区")))
        town = Town(code, name, AreaKind.TOWN if rural else AreaKind.SUBDISTRICT, [])
        for member_code, member in members:
            kind = AreaKind.COMMUNITY if member.endswith("社区") else AreaKind.VILLAGE
            town.communities.append(Community(number, member_code, member, kind, Random(f"gongzhi demo {number}")))
            number += 1
        d.towns.append(town)
        d.later(d.first_day, lambda town=town: _settle(d, plan, town))  # type: ignore[misc]


async def _settle(d: DemoDistrict, plan: DistrictPlan, town: Town) -> None:
    await d.together(lambda w: _areas(w, d, town))
    for community in town.communities:
        await d.together(lambda w, c=community: _people(w, d, plan, town, c))  # type: ignore[misc]


async def _areas(w: Work, d: DemoDistrict, town: Town) -> None:
    async def area(code: str, name: str, kind: AreaKind, parent_id: UUID) -> UUID:
        if code not in d.areas:
            d.areas[code] = (await create_area(w, code=code, name=name, kind=kind, parent_id=parent_id)).id
        return d.areas[code]

    town.id = await area(town.code, town.name, town.kind, d.areas["haicang"])
    await w.flush_now()
    for community in town.communities:
        community.id = await area(community.code, community.name, community.kind, town.id)
    await w.flush_now()
    grids = []
    for c in town.communities:
        if c.code == "xishan":
            c.homes = [(d.areas[f"xishan-{n}"], f"西山社{'一二'[n - 1]}组", AreaKind.GRID) for n in (1, 2)]
            continue
        for n, ordinal in ((1, "一"), (2, "二")):
            grids.append((c, n, await area(f"{c.code}-g{n}", f"{c.name}第{ordinal}网格", AreaKind.GRID, c.id)))
    await w.flush_now()
    for c, n, grid_id in grids:
        first = next(islice(names.places(set()), c.random.randrange(400), None))
        in_village = c.kind is AreaKind.VILLAGE
        name = first + ("社" if in_village else c.random.choice(_COMPOUNDS))
        kind = AreaKind.HAMLET if in_village else AreaKind.COMPOUND
        c.homes.append((await area(f"{c.code}-g{n}-h", name, kind, grid_id), name, kind))


async def _people(w: Work, d: DemoDistrict, plan: DistrictPlan, town: Town, c: Community) -> None:
    """Everyone of a community: first all actors, then how they belong and what they may do."""
    count = plan.share(plan.people - STORY_PEOPLE, c.number)
    households = plan.share(plan.households - STORY_HOUSEHOLDS, c.number)
    named = _namesakes(plan, c.number)
    reserved = {*plan.homonyms, *d.actors}
    living: list[tuple[Actor, Actor | None]] = []
    kept: list[tuple[Actor, str]] = []
    for home_id, address in (_address(c, n) for n in range(households)):
        place = next(h[1] for h in c.homes if h[0] == home_id)
        registered = await register_actor(
            w, kind=ActorKind.HOUSEHOLD, name=f"{place}{address}", area_id=home_id, address=address
        )
        kept.append((registered, names.surname(c.random)))
    for n in range(count):
        household: Actor | None = None
        home_id, family = c.homes[n % len(c.homes)][0], None
        if kept and n >= STAFF:
            household, family = kept[n * households // count]
            home_id = household.area_id or home_id
        if c.random.random() < 0.08:
            household = None  # lodgers, and others who are in no household's book
        name = named.pop() if named and n >= STAFF else names.person(c.random, family, reserved)
        living.append((await register_actor(w, kind=ActorKind.PERSON, name=name, area_id=home_id), household))
    today = w.clock.today()
    for person, household in living:
        assert person.area_id is not None
        since = today - timedelta(days=int(c.random.triangular(20, 9000, 600)))
        await add_membership(w, actor_id=person.id, area_id=person.area_id, role=MembershipRole.RESIDENT, since=since)
        if household is not None:
            await add_membership(
                w, actor_id=person.id, organization_id=household.id, role=MembershipRole.MEMBER, since=since
            )
    await w.flush_now()
    c.people = [person.id for person, _ in living[STAFF:]]
    await _bodies(w, d, plan, town, c)
    await _offices(w, d, town, c, [person.id for person, _ in living[:STAFF]])


def _namesakes(plan: DistrictPlan, part: int) -> list[str]:
    """Who of the people with a shared name lives in this community: they live apart."""
    everyone = [name for name, times in plan.homonyms.items() for _ in range(times)]
    return [name for n, name in enumerate(everyone) if n % plan.communities == part]


def _address(c: Community, n: int) -> tuple[UUID, str]:
    home_id, _, kind = c.homes[n % len(c.homes)]
    n //= len(c.homes)
    if kind is AreaKind.COMPOUND:
        return home_id, f"{n // 24 + 1}号楼{n % 24 // 4 + 1}0{n % 4 + 1}室"
    return home_id, f"{n + 1 + 10 * (kind is AreaKind.GRID)}号"


async def _bodies(w: Work, d: DemoDistrict, plan: DistrictPlan, town: Town, c: Community) -> None:
    made: list[Actor] = []

    async def organization(kind: OrganizationKind, registration: Registration, name: str, number: int) -> Actor:
        legal = _LEGAL_KIND.get(kind) if registration is Registration.REGISTERED else None
        actor = await register_actor(
            w, kind=ActorKind.ORGANIZATION, name=name, area_id=c.id, organization_kind=kind, registration=registration,
            registration_authority=None if registration is Registration.NONE else "海沧区民政局",
            registration_number=None if registration is Registration.NONE else f"HC-{kind.value[:3]}-{number:05d}",
            credit_code=names.credit_code(legal, number) if legal else None,
        )  # fmt: skip
        made.append(actor)
        return actor

    if c.code == "xishan":
        c.committee_id = d.actors["西山社村民委员会"]
    else:
        village = c.kind is AreaKind.VILLAGE
        kind = OrganizationKind.VILLAGERS_COMMITTEE if village else OrganizationKind.RESIDENTS_COMMITTEE
        title = f"{c.name}{'村民' if village else '居民'}委员会"
        c.committee_id = (await organization(kind, Registration.REGISTERED, title, c.number)).id
    total = plan.associations - STORY_BODIES[0]
    for n in range(plan.share(total, c.number)):
        kind, registration, title = _ASSOCIATIONS[(c.number + 2 * n) % len(_ASSOCIATIONS)]
        if kind is OrganizationKind.VILLAGE_SUPERVISION_COMMITTEE and c.kind is not AreaKind.VILLAGE:
            kind, registration, title = OrganizationKind.VOLUNTEER_TEAM, Registration.FILED, "{}平安巡逻队"
        name = title.format(c.name).replace("社区社区", "社区")
        await organization(kind, registration, name, plan.before(total, c.number) + n)
    total = plan.enterprises - STORY_BODIES[1]
    before = plan.before(total, c.number)
    for n in range(plan.share(total, c.number)):
        code = names.credit_code("91", before + n)
        enterprise = await register_actor(
            w, kind=ActorKind.ENTERPRISE, name=names.enterprise(before + n), area_id=c.id,
            registration=Registration.REGISTERED, registration_authority="海沧区市场监督管理局",
            registration_number=code, credit_code=code,
        )  # fmt: skip
        made.append(enterprise)
    agents = [(body, c.random.choice(c.people)) for body in made if body.id != c.committee_id]
    for body in made:
        since = w.clock.today() - timedelta(days=c.random.randrange(30, 4000))
        await add_membership(w, actor_id=body.id, area_id=c.id, role=MembershipRole.RESIDENT_UNIT, since=since)
    for body, _ in agents:
        if body.kind is ActorKind.ORGANIZATION:
            for member in c.random.sample(c.people, min(6, len(c.people))):
                since = w.clock.today() - timedelta(days=c.random.randrange(30, 1500))
                await add_membership(
                    w, actor_id=member, organization_id=body.id, role=MembershipRole.MEMBER, since=since
                )
    c.bodies = [Body(b.id, b.kind, b.name, await _agent(w, d, b.id, person)) for b, person in agents]
    await w.flush_now()


async def _agent(w: Work, d: DemoDistrict, organization_id: UUID, person_id: UUID) -> Viewer:
    root = d.areas["haicang"]
    mandate = await give_mandate(w, person_id=person_id, organization_id=organization_id, area_id=root)
    return Viewer(person_id=person_id, mandates=(HeldMandate(mandate.id, organization_id, root),))


async def _offices(w: Work, d: DemoDistrict, town: Town, c: Community, staff: list[UUID]) -> None:
    """A clerk and a chair in every community; in a town's first one the town's office and its inspector too."""
    clerk, chair, inspector = staff
    c.chair = await _agent(w, d, c.committee_id, chair)
    c.clerk = await _officer(w, clerk, Role.CLERK, c.id)
    if c is town.communities[0]:
        town.inspector = await _officer(w, inspector, Role.INSPECTOR, town.id)
        title = town.name + ("人民政府" if town.kind is AreaKind.TOWN else "办事处")
        await register_actor(w, kind=ActorKind.GOVERNMENT_BODY, name=title, area_id=town.id)


async def _officer(w: Work, person_id: UUID, role: Role, area_id: UUID) -> Viewer:
    grant = await grant_role(w, role=role, area_id=area_id, actor_id=person_id)
    return Viewer(person_id=person_id, grants=(Grant(grant.id, role, area_id),))
