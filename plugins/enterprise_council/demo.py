"""Enterprises in the demo: 企业甲 sits in the co-building council of 西山社, keeps a compact with the village, has a concern
answered and a problem of its own solved; in the large district each town has such a council."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core.demo import DemoDistrict
from core.demo.district import Town
from core.enums import ActorKind, MembershipRole, MembershipState
from core.models import Membership
from core.ports import ELIGIBILITY
from core.rules import actors
from core.runtime import Runtime
from core.work import Work
from plugins.councils.ports import COUNCILS
from plugins.enterprise_council import rules
from plugins.enterprise_council.models import Commitment
from plugins.enterprise_council.terms import CO_BUILDING, PartyRole

_RESIDENTS = ("许文杰", "蔡美玲", "谢永强", "郭小燕", "苏秀珍")
_SIZE = 4


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(22, lambda: _seats(d))
    d.later(30, lambda: _compact(d))
    d.later(70, lambda: _concern(d))
    d.later(80, lambda: _self_help(d))
    for town in d.towns:
        d.later(d.first_day + 25, lambda town=town: _town(d, town))  # type: ignore[misc]


async def _found(w: Work, area_id: UUID, name: str) -> UUID:
    id: UUID = await w.port(COUNCILS).found(
        w, area_id=area_id, kind=CO_BUILDING, name=name, size=_SIZE, purpose="镇村企共商共建", is_advisory=False
    )
    return id


async def _here(w: Work, enterprise_id: UUID, area_id: UUID) -> None:
    """The desk has it on record, by now if not before."""
    role = MembershipRole.RESIDENT_UNIT
    if await w.find(Membership, actor_id=enterprise_id, area_id=area_id, role=role, state=MembershipState.ACTIVE):
        return
    since = w.clock.today() - timedelta(days=400)
    await actors.add_membership(w, actor_id=enterprise_id, area_id=area_id, role=role, since=since)


async def _sit(w: Work, body_id: UUID, person_id: UUID) -> None:
    await w.port(COUNCILS).fill(w, body_id=body_id, holder_id=person_id, category="RESIDENT")


async def _seats(d: DemoDistrict) -> None:
    area, company = d.areas["xishan"], d.actors["企业甲"]
    await d.act("admin", lambda w: _here(w, company, area))
    body_id = await d.act("admin", lambda w: _found(w, area, "西山社社企共建理事会"))

    async def residents(w: Work) -> list[UUID]:
        port = w.port(ELIGIBILITY)
        return [d.actors[n] for n in _RESIDENTS if await port.resident_since(w, d.actors[n], area)]

    for person in (await d.system(residents))[: _SIZE - 1]:
        await d.system(lambda w, p=person: _sit(w, body_id, p))  # type: ignore[misc]
    await d.act(
        "clerk",
        lambda w: rules.seat_enterprise(
            w,
            body_id=body_id,
            enterprise_id=company,
            representative_id=d.actors["吴思远"],
            letter="企业甲委派函〔1〕号",
        ),
    )


async def _compact(d: DemoDistrict) -> None:
    """Both have promised something; the company has kept its word, and the village has seen it."""
    company, village = d.actors["企业甲"], d.actors["西山社村民委员会"]
    today = d.runtime.clock.today()
    compact = await d.act(
        "company",
        lambda w: rules.propose_compact(
            w, area_id=d.areas["xishan"], title="西山社—企业甲共建公约", purpose="以企带村、以村促企、互利共赢",
            starts_on=today, months=24,
            parties=[rules.NewParty(company, PartyRole.ENTERPRISE), rules.NewParty(village, PartyRole.VILLAGE)],
            commitments=[
                rules.NewCommitment(company, "优先招用本村村民 20 名", today + timedelta(days=90)),
                rules.NewCommitment(company, "出资修缮村口凉亭", today + timedelta(days=200)),
                rules.NewCommitment(village, "划定厂区周边夜间停车位 30 个", today + timedelta(days=60)),
            ],
        ),
        acting_for=company,
    )  # fmt: skip
    for login, party in (("company", company), ("custodian", village)):
        await d.act(login, lambda w: rules.sign_compact(w, compact_id=compact.id), acting_for=party)
    first = (await d.system(lambda w: w.select(Commitment, compact_id=compact.id, position=1)))[0]

    async def kept() -> None:
        await d.act(
            "company",
            lambda w: rules.deliver_commitment(
                w, commitment_id=first.id, report="已签订劳动合同 21 份", evidence=["用工名册(隐去姓名)"]
            ),
            acting_for=company,
        )
        await d.act(
            "custodian",
            lambda w: rules.confirm_delivery(w, commitment_id=first.id, is_delivered=True, remark="属实"),
            acting_for=village,
        )

    d.later(75, kept)


async def _concern(d: DemoDistrict) -> None:
    company, village = d.actors["企业甲"], d.actors["西山社村民委员会"]
    concern = await d.act(
        "company",
        lambda w: rules.raise_concern(
            w, area_id=d.areas["xishan"], title="职工夜班下班没有公交", details="22 点后厂门口没有班车,职工骑车不安全。"
        ),
        acting_for=company,
    )
    await d.act("clerk", lambda w: rules.assign_concern(w, concern_id=concern.id, owner_id=village))
    await d.act(
        "custodian",
        lambda w: rules.answer_concern(w, concern_id=concern.id, reply="已与公交公司商定自下月起加开 22:30 班次。"),
        acting_for=village,
    )
    await d.act(
        "company", lambda w: rules.close_concern(w, concern_id=concern.id, is_satisfied=True, response="谢谢"),
        acting_for=company,
    )  # fmt: skip


async def _self_help(d: DemoDistrict) -> None:
    company = d.actors["企业甲"]
    case = await d.act(
        "company",
        lambda w: rules.declare_self_help(
            w,
            area_id=d.areas["xishan"],
            title="厂区外排水沟堵塞",
            problem="暴雨时路面积水,村民出行不便。",
            place="村东路",
        ),
        acting_for=company,
    )
    await d.act(
        "company", lambda w: rules.file_study(w, case_id=case.id, study="淤泥与树根堵塞约 200 米,清淤并加装格栅。"),
        acting_for=company,
    )  # fmt: skip
    await d.act(
        "company",
        lambda w: rules.file_solution(
            w, case_id=case.id, solution="已清淤 200 米,装格栅 12 处。", evidence=["清淤前后照片"]
        ),
        acting_for=company,
    )
    await d.act(
        "clerk",
        lambda w: rules.confirm_solution(w, case_id=case.id, is_solved=True, outcome="雨后现场查看,排水通畅。"),
    )


async def _town(d: DemoDistrict, town: Town) -> None:
    """A council of the first community that an enterprise is at home in; the small story has founded its own."""
    others = (c for c in town.communities if c.id != d.areas["xishan"])
    found = ((c, b) for c in others for b in c.bodies if b.kind is ActorKind.ENTERPRISE)
    community, enterprise = next(found, (None, None))
    if community is None or enterprise is None or enterprise.agent.person_id is None:
        return
    person = enterprise.agent.person_id
    await d.together(lambda w: _here(w, enterprise.id, community.id))
    body_id = await d.together(lambda w: _found(w, community.id, f"{community.name}社企共建理事会"))
    for resident in [p for p in community.people if p != person][: _SIZE - 1]:
        await d.together(lambda w, p=resident: _sit(w, body_id, p))  # type: ignore[misc]
    await d.together(
        lambda w: rules.seat_enterprise(
            w, body_id=body_id, enterprise_id=enterprise.id, representative_id=person, letter="委派函〔1〕号"
        )
    )
