"""The adopted green of the demo: two claims, one agreement, half a year of inspections."""

from __future__ import annotations

from core.demo import DemoDistrict
from core.runtime import Runtime
from plugins.adoption import rules
from plugins.adoption.terms import AdoptionMode, AssetKind

_SCORES = ((70, 90), (100, 85), (130, 50), (160, 88))


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    committee, company = d.actors["西山社村民委员会"], d.actors["企业甲"]
    spots = {}
    d.at(30)
    for name, kind, duties in (
        ("绿地-03", AssetKind.GREEN_SPACE, "每周浇水两次,每月修剪一次,清理垃圾"),
        ("村口凉亭", AssetKind.SPACE, "每周打扫,报告损坏"),
        ("老榕树", AssetKind.TREE, "保持树池整洁"),
    ):
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
