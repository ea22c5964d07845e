"""New residents in the demo: a service point in 兴旺社区, newcomers in every town of the large district, and equal footing in
兴旺社区 and in the first town."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from uuid import UUID

from core.access import Viewer
from core.demo import DemoDistrict
from core.demo.district import Community, Town
from core.runtime import Runtime
from core.settings.store import as_uuid
from core.work import Work
from plugins.new_residents import rules
from plugins.new_residents.terms import IdentityCheck, ResidenceProofKind

NEWCOMERS = 3  # in a community
_WEEK = tuple(rules.Opening(day, *hours) for day in range(1, 6) for hours in (("08:30", "12:00"), ("14:30", "17:30")))
_SERVICES = ("居住登记与核验", "子女入学咨询", "就业与技能培训", "社保与医保咨询", "法律援助")
_LEASE = rules.Proof(ResidenceProofKind.LEASE, "租赁合同复印件一份")


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(20, lambda: _story(d))
    for town in d.towns:
        d.later(d.first_day + 15, lambda t=town: _town(d, t))  # type: ignore[misc]


async def _story(d: DemoDistrict) -> None:
    """吴思远, who works for 企业甲, registers in 兴旺社区 and is verified; what newcomers have there is offered and told."""
    area_id = d.areas["xingwang"]
    await d.act(
        "admin",
        lambda w: rules.open_point(
            w,
            area_id=area_id,
            details=rules.Details("新厦门人服务综合体", "兴旺社区中心 1 楼", "0592-6000000", _SERVICES, _WEEK),
        ),
    )
    await d.act("admin", lambda w: rules.offer_catalogue(w, area_id=area_id))
    await _entitle(d, area_id)
    registration = await d.act(
        "company",
        lambda w: rules.register(
            w, area_id=area_id, address="兴旺路 12 号 503 室", workplace="企业甲",
            since=w.clock.today() - timedelta(days=500), evidence=[_LEASE],
        ),
    )  # fmt: skip
    await d.act("admin", lambda w: _verified(w, registration.id, registration.claimed_since))


async def _verified(w: Work, registration_id: UUID, since: date) -> None:
    await rules.verify_residence(w, registration_id=registration_id, since=since, identity=IdentityCheck.IN_PERSON)


async def _entitle(d: DemoDistrict, area_id: UUID) -> None:
    """What comes of itself comes to who lives there, as the job would have it."""
    database = d.runtime.database
    homes = await database.read(
        "SELECT m.id FROM core_membership m JOIN core_area_closure c ON c.descendant_id = m.area_id AND c.until IS NULL"
        f" WHERE c.ancestor_id = {database.dialect.mark(1)} AND m.role = 'RESIDENT' AND m.state = 'ACTIVE'",
        [area_id],
    )
    for home in [as_uuid(row[0]) for row in homes]:
        await d.system(lambda w, home=home: rules.entitle(w, home))  # type: ignore[misc]


async def _town(d: DemoDistrict, town: Town) -> None:
    """In each community some people register; its clerk verifies them, all but the last."""
    if town is d.towns[0]:
        await d.together(lambda w: rules.offer_catalogue(w, area_id=town.id))
        await _entitle(d, town.id)
    for c in town.communities:
        chance = Random(f"newcomers {c.number}")
        people = chance.sample(c.people, min(NEWCOMERS, len(c.people)))
        made = [(await _register(d, c, person, chance), person) for person in people]
        for registration_id, _ in made[:-1]:
            day = d.moment(d.first_day + 15).date() - timedelta(days=chance.randrange(60, 900))
            await d.together(lambda w, r=registration_id, s=day: _verified(w, r, s), c.clerk)  # type: ignore[misc]


async def _register(d: DemoDistrict, c: Community, person: UUID, chance: Random) -> UUID:
    door = f"{c.name} {chance.randrange(1, 60)} 号 {chance.randrange(1, 7)}0{chance.randrange(1, 5)} 室"
    registration = await d.together(
        lambda w: rules.register(
            w, area_id=c.id, address=door, since=w.clock.today() - timedelta(days=900), evidence=[_LEASE]
        ),
        Viewer(person_id=person),
    )
    return registration.id
