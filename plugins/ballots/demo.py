"""Ballots in the demo: the village has decided about its pavilion, online and on paper, stands before the election of its
representatives, and votes on a question right now."""

from __future__ import annotations

from datetime import timedelta

from core.demo import DemoDistrict
from core.runtime import Runtime
from plugins.ballots import rules
from plugins.ballots.ports import ANSWERS
from plugins.ballots.terms import BallotBox, BallotKind, EligibilityPredicate, RollObjectionWish

KIND = "RESIDENTS_REPRESENTATIVES"
NEIGHBOURS = ("林晓敏", "陈志伟", "黄丽华", "许文杰", "蔡美玲", "谢永强", "郭小燕")


async def fill(runtime: Runtime, d: DemoDistrict) -> None:
    d.later(44, lambda: _pavilion(d))
    d.later(140, lambda: _election(d))
    d.later(d.last_day, lambda: _now(d))


async def _pavilion(d: DemoDistrict) -> None:
    """Of seven neighbours three vote online and two on paper; two tellers count."""
    opens = d.moment(45, 8)
    ballot = await d.act(
        "clerk",
        lambda w: rules.announce(
            w, area_id=d.areas["xishan"], title="村口凉亭修缮方案", question="是否按公示方案修缮村口凉亭?",
            kind=BallotKind.YES_NO, options=ANSWERS, is_secret=True, has_papers=True, opens_at=opens,
            closes_at=opens + timedelta(days=2), voter_ids=[d.actors[n] for n in NEIGHBOURS],
        ),
    )  # fmt: skip
    d.at(45)
    for login, choice in (("admin", 0), ("clerk", 0), ("inspector", 1)):
        await d.act(login, lambda w, c=choice: rules.cast(w, ballot_id=ballot.id, choices=[c]))  # type: ignore[misc]
    for name in ("许文杰", "蔡美玲"):
        await d.act(
            "clerk",
            lambda w, id=d.actors[name]: rules.hand_out(  # type: ignore[misc]
                w, ballot_id=ballot.id, voter_id=id, presented_by_id=None
            ),
        )
    d.at(48)
    papers = await d.act(
        "clerk",
        lambda w: rules.enter_papers(
            w, ballot_id=ballot.id, box=BallotBox.MOBILE, place="老人家中", counts=[([0], 2)], spoiled=0,
            evidence=["计票表照片"],
        ),
    )  # fmt: skip
    await d.act("admin", lambda w: rules.confirm_papers(w, papers_id=papers.id, agrees=True, note=None))
    await d.act("clerk", lambda w: rules.close(w, ballot_id=ballot.id))


async def _election(d: DemoDistrict) -> None:
    """A rule, a posted roll with an objection that was answered, and who stands."""
    lived = rules.Clause("RESIDENT_1Y", (rules.Asked(EligibilityPredicate.RESIDENCE, 12),))
    await d.act(
        "admin",
        lambda w: rules.make_rule(
            w, area_id=d.areas["xishan"], kind=KIND, title="村民代表推选资格", clauses=[lived], statute=None
        ),
    )
    roll = await d.act(
        "clerk",
        lambda w: rules.draft_roll(w, area_id=d.areas["xishan"], kind=KIND, title="西山社村民代表选民名册", as_of=None),
    )
    await d.act("clerk", lambda w: rules.post_roll(w, roll_id=roll.id))
    d.at(141)
    objection = await d.act(
        "inspector",
        lambda w: rules.submit_objection(
            w, roll_id=roll.id, person_id=d.actors["许文杰"], wish=RollObjectionWish.REMOVE, statement="听说已搬走"
        ),
    )
    d.at(143)
    await d.act(
        "admin",
        lambda w: rules.answer_objection(w, objection_id=objection.id, uphold=False, answer="上门核实,仍住本社"),
    )
    d.at(147)
    election = await d.act(
        "admin",
        lambda w: rules.call_election(w, roll_id=roll.id, title="西山社村民代表推选", seats=1, nominations_by=None),
    )
    d.at(150)
    for login, name in (("clerk", "陈志伟"), ("inspector", "黄丽华")):
        await d.act(
            login,
            lambda w, id=d.actors[name]: rules.nominate(  # type: ignore[misc]
                w, election_id=election.id, actor_id=id, statement="愿为大家跑腿"
            ),
        )
    d.at(156)
    await d.act("admin", lambda w: rules.post_candidates(w, election_id=election.id))


async def _now(d: DemoDistrict) -> None:
    """A ballot that runs while the demo is looked at."""
    opens = d.moment(d.last_day, 11)
    ballot = await d.act(
        "clerk",
        lambda w: rules.announce(
            w, area_id=d.areas["xishan"], title="晒谷场夜间照明时间", question=None, kind=BallotKind.SINGLE,
            options=("21 点关灯", "22 点关灯", "不关灯"), is_secret=False, has_papers=False, opens_at=opens,
            closes_at=opens + timedelta(days=30),
            rule={"proxies": 1},
        ),
    )  # fmt: skip
    d.at(d.last_day, 12)
    await d.act("admin", lambda w: rules.cast(w, ballot_id=ballot.id, choices=[1]))
    await d.act("inspector", lambda w: rules.give_proxy(w, ballot_id=ballot.id, holder_id=d.actors["林晓敏"]))
