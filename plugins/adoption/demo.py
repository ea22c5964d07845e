"""Adopt-a-spot in the demo: the adopted green of the small story, and a year of it in the large district."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from core.access import Viewer
from core.demo import DemoDistrict, DistrictPlan
from core.demo.district import Community, Town
from core.runtime import Runtime
from core.work import Work
from plugins.adoption import rules
from plugins.adoption.terms import AdoptionMode, AssetKind, InspectionResult

_SCORES = ((70, 90), (100, 85), (130, 50), (160, 88))
_STORY_ASSETS = (
    ("绿地-03", AssetKind.GREEN_SPACE, "每周浇水两次,每月修剪一次,清理垃圾"),
    ("村口凉亭", AssetKind.SPACE, "每周打扫,报告损坏"),
    ("老榕树", AssetKind.TREE, "保持树池整洁"),
)


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(30, lambda: _story(d))
    if d.plan is not None:
        for town in d.towns:
            _Year(d, d.plan, town).lay_out()


# --- the small story -------------------------------------------------------------------------------------


async def _story(d: DemoDistrict) -> None:
    """Two claims, one agreement, half a year of inspections."""
    committee, company = d.actors["西山社村民委员会"], d.actors["企业甲"]
    spots = {}
    for name, kind, duties in _STORY_ASSETS:
        asset = await d.act(
            "clerk",
            lambda w, n=name, k=kind, t=duties: rules.list_asset(  # type: ignore[misc]
                w, area_id=d.areas["xishan"], custodian_id=committee, name=n, kind=k, duties=t
            ),
        )
        spots[name] = asset.id
    d.at(35)
    claim = await d.act(
        "company",
        lambda w: rules.submit_claim(
            w, asset_id=spots["绿地-03"], mode=AdoptionMode.CARE, statement="我们的员工每周来两次"
        ),
        acting_for=company,
    )
    await d.act(
        "resident",
        lambda w: rules.submit_claim(w, asset_id=spots["绿地-03"], mode=AdoptionMode.CARE, statement=None),
    )
    d.at(40)
    _, agreement = await d.act(
        "custodian",
        lambda w: rules.decide_claim(w, claim_id=claim.id, accept=True, reason=None, starts_on=None),
        acting_for=committee,
    )
    assert agreement is not None
    agreement_id = agreement.id
    for login, party in (("company", company), ("custodian", committee)):
        await d.act(login, lambda w: rules.sign_agreement(w, agreement_id=agreement_id), acting_for=party)

    def inspection(day: int, score: int) -> None:
        async def look() -> None:
            made = await d.act(
                "inspector",
                lambda w: rules.inspect(w, agreement_id=agreement_id, score=score, note=None, recheck_of_id=None),
            )
            if score < 60:
                d.at(day + 10)
                await d.act(
                    "inspector",
                    lambda w: rules.inspect(
                        w, agreement_id=agreement_id, score=80, note="已整改", recheck_of_id=made.id
                    ),
                )

        d.later(day, look)

    for day, score in _SCORES:
        inspection(day, score)


# --- the large district ----------------------------------------------------------------------------------

ASSETS = 300  # at scale 1, those of the story among them
_MONTHS = 12
_CLAIMED = 0.6
_CLAIM_MONTHS = 7  # spots are claimed in the first months, so that there is something to inspect in the others
_DAYS_TO_DECIDE = 10
_SPOTS = {
    AssetKind.GREEN_SPACE: (("口袋公园", "街角绿地", "楼前绿地", "中庭花坛"), "每周浇水两次,每月修剪一次,清理垃圾"),
    AssetKind.SPACE: (("架空层", "凉亭", "屋顶菜园", "闲置空房"), "每周打扫,报告损坏"),
    AssetKind.PUBLIC_FACILITY: (("健身器材", "宣传栏", "长椅", "儿童滑梯"), "每月检查一次,损坏及时报修"),
    AssetKind.TREE: (("老榕树", "凤凰木", "龙眼树", "木棉"), "保持树池整洁,台风前加固"),
}
_REASONS = ("材料不全", "本月名额已满", "该处即将改造")
_STATEMENTS = ("我们一家负责", "党员先锋队轮流照看", "员工每周来两次", "愿意出资补种", None, None)


def assets(plan: DistrictPlan) -> int:
    """How many spots a district of this scale has."""
    return max(12, plan.of(ASSETS))


@dataclass(frozen=True)
class _Claimant:
    """An actor who adopts: a person, or a body through its agent."""

    viewer: Viewer
    acting_for: UUID | None = None


@dataclass
class _Kept:
    """An agreement the year goes on with, and how well its adopter keeps it."""

    agreement_id: UUID
    adopter: _Claimant
    diligence: int


@dataclass
class _Year:
    """Adoption in one town: listed on the first days, claimed month by month, inspected month by month."""

    d: DemoDistrict
    plan: DistrictPlan
    town: Town
    free: dict[int, list[UUID]] = field(default_factory=dict)
    kept: list[_Kept] = field(default_factory=list)

    def lay_out(self) -> None:
        first = self.d.first_day
        self.d.later(first + 3, self._list)
        for month in range(_CLAIM_MONTHS):
            self.d.later(first + 30 * month + 6, lambda m=month: self._claim(m))  # type: ignore[misc]
        for month in range(1, _MONTHS):
            self.d.later(first + 30 * month + 27, lambda m=month: self._inspect(m))  # type: ignore[misc]
        self.d.later(first + 340, self._give_up)  # when nobody's spot is still to be looked at again

    async def _list(self) -> None:
        for c in self.town.communities:
            self.free[c.number] = await self.d.together(lambda w, c=c: self._spots(w, c), c.clerk)  # type: ignore[misc]

    def _listed(self, c: Community) -> int:
        return self.plan.share(assets(self.plan) - len(_STORY_ASSETS), c.number)

    async def _spots(self, w: Work, c: Community) -> list[UUID]:
        made = []
        for n in range(self._listed(c)):
            kind = c.random.choice(list(_SPOTS))
            what, duties = _SPOTS[kind]
            asset = await rules.list_asset(
                w, area_id=c.id, custodian_id=c.committee_id, name=f"{c.random.choice(what)} {n + 1} 号",
                kind=kind, duties=duties,
            )  # fmt: skip
            made.append(asset.id)
        return made

    async def _claim(self, month: int) -> None:
        """Some spots are claimed, some by two at once, in every community; after ten days its committee decides."""
        for c in self.town.communities:
            free, random = self.free[c.number], c.random
            claims = []
            wanted = round(self._listed(c) * _CLAIMED)
            for _ in range(wanted * (month + 1) // _CLAIM_MONTHS - wanted * month // _CLAIM_MONTHS):
                asset_id = free.pop(random.randrange(len(free)))
                both = _claimants(c, 2 if random.random() < 0.25 and len(c.people) > 1 else 1)
                claims += [(await self._submit(c, asset_id, who), who, who is both[0]) for who in both]
            if claims:
                day = self.d.first_day + 30 * month + 6 + _DAYS_TO_DECIDE
                self.d.later(day, lambda c=c, claims=claims: self._decide(c, claims))  # type: ignore[misc]

    async def _submit(self, c: Community, asset_id: UUID, who: _Claimant) -> UUID:
        mode = AdoptionMode.FUND if who.acting_for and c.random.random() < 0.4 else AdoptionMode.CARE
        statement = c.random.choice(_STATEMENTS)
        claim = await self.d.together(
            lambda w: rules.submit_claim(w, asset_id=asset_id, mode=mode, statement=statement),
            who.viewer, who.acting_for,
        )  # fmt: skip
        return claim.id

    async def _decide(self, c: Community, claims: list[tuple[UUID, _Claimant, bool]]) -> None:
        """The first to ask is mostly accepted, and all sign; who came second mostly waits on."""

        async def decide(w: Work) -> list[_Kept]:
            made = []
            for claim_id, who, was_first in claims:
                accept = was_first and c.random.random() < 0.93
                if not was_first and c.random.random() < 0.6:
                    continue
                reason = None if accept else c.random.choice(_REASONS)
                _, agreement = await rules.decide_claim(
                    w, claim_id=claim_id, accept=accept, reason=reason, starts_on=None
                )
                if agreement is not None:
                    made.append(_Kept(agreement.id, who, c.random.randrange(72, 97)))
            return made

        made = await self.d.together(decide, c.chair, c.committee_id)
        for kept in made:
            await self.d.together(
                lambda w, id=kept.agreement_id: rules.sign_agreement(w, agreement_id=id),  # type: ignore[misc]
                kept.adopter.viewer, kept.adopter.acting_for,
            )  # fmt: skip

        async def sign(w: Work) -> None:
            for kept in made:
                await rules.sign_agreement(w, agreement_id=kept.agreement_id)

        await self.d.together(sign, c.chair, c.committee_id)
        self.kept += made

    async def _inspect(self, month: int) -> None:
        """The inspector's round: every adopted spot once; what failed is looked at again after ten days."""
        day = self.d.first_day + 30 * month + 27
        self.d.at(day, 18)
        failed = await self.d.together(lambda w: self._round(w, self.kept), self.town.inspector)
        if failed and day + 10 <= self.d.last_day:
            self.d.later(day + 10, lambda: self._look_again(failed))

    async def _round(self, w: Work, kept: list[_Kept]) -> list[tuple[UUID, UUID]]:
        random, failed = self.town.communities[0].random, []
        for number, k in enumerate(kept):
            score = max(20, min(100, round(random.gauss(k.diligence, 10))))
            w.occurred_at = w.now - timedelta(minutes=10 * (len(kept) - number))
            made = await rules.inspect(
                w,
                agreement_id=k.agreement_id,
                score=score,
                note="有垃圾未清" if score < 60 else None,
                recheck_of_id=None,
            )
            if made.result is InspectionResult.FAILED:
                failed.append((k.agreement_id, made.id))
        return failed

    async def _look_again(self, failed: list[tuple[UUID, UUID]]) -> None:
        random = self.town.communities[0].random

        async def again(w: Work) -> None:
            for agreement_id, inspection_id in failed:
                await rules.inspect(
                    w, agreement_id=agreement_id, score=random.randrange(65, 90), note="已整改",
                    recheck_of_id=inspection_id,
                )  # fmt: skip

        await self.d.together(again, self.town.inspector)

    async def _give_up(self) -> None:
        """A few adopters end their agreement before its time; their spots are free again."""
        for kept in [k for n, k in enumerate(self.kept) if n % 17 == 5]:
            self.kept.remove(kept)
            await self.d.together(
                lambda w, id=kept.agreement_id: rules.end_agreement(w, agreement_id=id, reason="搬家了,无法继续照看"),  # type: ignore[misc]
                kept.adopter.viewer, kept.adopter.acting_for,
            )  # fmt: skip


def _claimants(c: Community, count: int) -> list[_Claimant]:
    """So many different ones; the first is as often a body as a person."""
    found = [_Claimant(Viewer(person_id=id)) for id in c.random.sample(c.people, count)]
    if c.bodies and c.random.random() < 0.5:
        body = c.random.choice(c.bodies)
        found[0] = _Claimant(body.agent, body.id)
    return found
