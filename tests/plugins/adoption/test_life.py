"""The life of an agreement against a plain model: whatever people do, in whatever order, and however time passes."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.clock import months_later
from core.testing.kit import Databases, Neighbourhood, Refused, served
from tests.kits.adoption import Adopting

SETTINGS = {
    "term_months": 1, "sign_days": 6, "end_notice_days": 6, "renew_days": 20, "rectify_days": 4, "appeal_days": 5,
    "fails_to_revoke": 2,
}  # fmt: skip
ADOPTER, CUSTODIAN = "company", "custodian"
PASSING: list[tuple[str, Any]] = [("days", days) for days in (1, 4, 7)]
STEPS: list[tuple[str, Any]] = [
    *((what, who) for what in ("sign", "end", "waive", "renew") for who in (ADOPTER, CUSTODIAN)),
    *(("inspect", score) for score in (20, 80)),
    *((what, None) for what in ("suspend", "resume", "revoke", "appeal", "dismiss")),
    *(("decide", uphold) for uphold in (True, False)),
    *PASSING,
    ("days", 25),
]
OFTEN = [
    ("inspect", 20),
    ("inspect", 20),
    ("renew", ADOPTER),
    ("renew", CUSTODIAN),
    ("appeal", None),
    ("dismiss", None),
]
LONG = 18


@dataclass
class Seen:
    passed: bool
    rectify_by: date
    overdue: bool = False
    counts: bool = True


@dataclass
class Model:
    """What ought to be, in plain words."""

    today: date
    state: str = "DRAFT"
    reason: str | None = None
    signed: set[str] = field(default_factory=set)
    notice_by: str | None = None
    notice_ends: date | None = None
    asked_by: str | None = None
    since: date | None = None  # of a pause or a revocation
    seen: list[Seen] = field(default_factory=list)
    revocation: str | None = None
    appeal_by: date | None = None

    def __post_init__(self) -> None:
        self.sign_by = self.today + timedelta(days=6)
        self.ends = months_later(self.today, 1)

    @property
    def runs(self) -> bool:
        return self.state in ("ACTIVE", "SUSPENDED")

    def over(self, reason: str) -> None:
        self.state, self.reason = "ENDED", reason

    @property
    def open_fail(self) -> Seen | None:
        last = self.seen[-1] if self.seen else None
        return last if last is not None and not last.passed and not last.overdue else None

    def more_time(self) -> None:
        assert self.since is not None
        if self.open_fail is not None:
            self.open_fail.rectify_by += self.today - self.since

    def propose(self) -> None:
        fails = 0
        for seen in self.seen:
            if seen.counts:
                fails = 0 if seen.passed else fails + 1 + seen.overdue
        if fails >= 2 and self.revocation != "PROPOSED":
            self.revocation = "PROPOSED"

    def due(self) -> None:
        if self.state == "DRAFT" and self.sign_by < self.today:
            self.over("LAPSED")
        elif self.runs and self.ends <= self.today:
            self.over("EXPIRED")
        elif self.runs and self.notice_ends is not None and self.notice_ends <= self.today:
            self.over("TERMINATED")
        late = self.open_fail
        if self.state == "ACTIVE" and late is not None and late.rectify_by < self.today:
            late.overdue = True
            self.propose()
        if self.revocation == "REVOKED" and self.appeal_by is not None and self.appeal_by < self.today:
            self.revocation = "FINAL"
            self.over("REVOKED")

    def step(self, what: str, how: Any) -> str:
        """Do it, or say why not."""
        answer: str = getattr(self, f"on_{what}")(how) or "done"
        return answer

    def on_days(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.due()

    def on_sign(self, who: str) -> str | None:
        if self.state != "DRAFT":
            return "AGREEMENT_STATE"
        if who in self.signed:
            return "ALREADY_SIGNED"
        self.signed.add(who)
        if len(self.signed) == 2:
            self.state = "ACTIVE"
        return None

    def on_end(self, who: str) -> str | None:
        if self.state == "DRAFT":
            self.over("CANCELLED")
        elif not self.runs:
            return "AGREEMENT_STATE"
        elif self.notice_by is not None:
            return "NOTICE_GIVEN"
        else:
            self.notice_by, self.asked_by = who, None
            self.notice_ends = min(self.today + timedelta(days=6), self.ends)
        return None

    def on_waive(self, who: str) -> str | None:
        if who != (CUSTODIAN if self.notice_by == ADOPTER else ADOPTER):
            return "NOT_PERMITTED"
        if not self.runs:
            return "AGREEMENT_STATE"
        if self.notice_by is None:
            return "NO_NOTICE"
        return self.over("TERMINATED")

    def on_renew(self, who: str) -> str | None:
        if not self.runs:
            return "AGREEMENT_STATE"
        if self.notice_by is not None:
            return "NOTICE_GIVEN"
        if self.today < self.ends - timedelta(days=20):
            return "RENEWAL_TOO_EARLY"
        if self.asked_by == who:
            return "RENEWAL_ASKED"
        if self.asked_by is None:
            self.asked_by = who
        else:
            self.asked_by, self.ends = None, months_later(self.ends, 1)
        return None

    def on_suspend(self, _: None) -> str | None:
        if self.state != "ACTIVE":
            return "AGREEMENT_STATE"
        self.state, self.since = "SUSPENDED", self.today
        return None

    def on_resume(self, _: None) -> str | None:
        if self.state != "SUSPENDED":
            return "AGREEMENT_STATE"
        self.state = "ACTIVE"
        return self.more_time()

    def on_inspect(self, score: int) -> str | None:
        if self.state != "ACTIVE":
            return "AGREEMENT_STATE"
        self.seen.append(Seen(score >= 60, self.today + timedelta(days=4)))
        return None if score >= 60 else self.propose()

    def on_revoke(self, _: None) -> str | None:
        if not self.runs:
            return "AGREEMENT_STATE"
        self.state, self.revocation, self.since = "REVOKED", "REVOKED", self.today
        self.appeal_by = self.today + timedelta(days=5)
        return None

    def on_appeal(self, _: None) -> str | None:
        if self.revocation != "REVOKED":
            return "REVOCATION_STATE"
        self.revocation = "APPEALED"
        return None

    def on_dismiss(self, _: None) -> str | None:
        if self.revocation != "PROPOSED":
            return "REVOCATION_STATE"
        self.revocation = "DISMISSED"
        return self.count_anew()

    def on_decide(self, uphold: bool) -> str | None:
        if self.revocation != "APPEALED":
            return "REVOCATION_STATE"
        if uphold:
            self.revocation = "UPHELD"
            return self.over("REVOKED")
        self.revocation, self.state = "OVERTURNED", "ACTIVE"
        self.more_time()
        self.count_anew()
        return self.due()

    def count_anew(self) -> None:
        for seen in self.seen:
            seen.counts = False


class Life:
    """The same, over HTTP."""

    def __init__(self, n: Neighbourhood) -> None:
        self.n = n
        self.numbers = count()

    async def begin(self) -> None:
        self.a = await Adopting.begin(self.n)
        await self.a.tune(**SETTINGS)
        nine = self.n.clock.start_of(self.n.clock.today()) + timedelta(days=1, hours=9)
        self.start: datetime = nine
        self.mine = {ADOPTER: self.a.company, CUSTODIAN: self.a.committee}

    async def live(self, data: st.DataObject) -> None:
        """One life: mostly what can be done just then, sometimes what cannot."""
        self.n.clock.set(self.start)
        self.asset = await self.a.spot(f"一生-{next(self.numbers)}")
        self.agreement = await self.a.accept(await self.a.claim(self.asset))
        model = Model(self.n.clock.today())
        signing = data.draw(st.sampled_from([2, 2, 2, 1, 0]))
        for number in range(LONG):
            if number < signing:
                possible = [("sign", (ADOPTER, CUSTODIAN)[number])]
            elif number % 5 == 4 or model.state == "ENDED":
                possible = STEPS
            elif number % 3 == 2:
                possible = PASSING
            else:
                possible = [s for s in (*STEPS, *OFTEN) if deepcopy(model).step(*s) == "done"] or PASSING
            what, how = data.draw(st.sampled_from(possible))
            if what in ("appeal", "dismiss", "decide") and model.revocation is None:
                continue
            self.n.clock.advance(timedelta(minutes=1))
            assert await self.step(what, how) == model.step(what, how), (what, how)
            await self.compare(model)
            if model.state == "ENDED" and data.draw(st.booleans()):
                return

    async def step(self, what: str, how: Any) -> str:
        if what == "days":
            await self.a.days(how)
            return "done"
        on, custodian = {"agreementId": self.agreement}, {"actingFor": self.a.committee}
        about = {"revocationId": await self.revocation()} if what in ("appeal", "dismiss", "decide") else {}
        name, who, input = {
            "sign": ("adoptionSignAgreement", how, {**on, "actingFor": self.mine.get(how)}),
            "end": ("adoptionEndAgreement", how, {**on, "actingFor": self.mine.get(how), "reason": "x"}),
            "waive": ("adoptionWaiveNotice", how, {**on, "actingFor": self.mine.get(how)}),
            "renew": ("adoptionRenew", how, {**on, "actingFor": self.mine.get(how)}),
            "suspend": ("adoptionSuspend", CUSTODIAN, {**on, **custodian, "reason": "x"}),
            "resume": ("adoptionResume", CUSTODIAN, {**on, **custodian}),
            "inspect": ("adoptionInspect", "inspector", {**on, "score": how}),
            "revoke": ("adoptionRevoke", CUSTODIAN, {**on, **custodian, "reason": "x"}),
            "appeal": ("adoptionAppeal", ADOPTER, {**about, "actingFor": self.a.company, "statement": "x"}),
            "dismiss": ("adoptionDismissRevocation", "admin", {**about, "reason": "x"}),
            "decide": ("adoptionDecideAppeal", "admin", {**about, "uphold": how, "reason": "x"}),
        }[what]
        try:
            await self.n.do(who, name, "errors { code }", **input)
        except Refused as refused:
            return str(refused.codes[0])
        if what == "decide":
            await self.n.due()
        return "done"

    async def revocation(self) -> str:
        seen = await self.a.see(self.agreement, "revocations(first: 1) { nodes { id } }", "admin")
        return str(seen["revocations"]["nodes"][0]["id"])

    async def compare(self, model: Model) -> None:
        seen = await self.a.see(
            self.agreement,
            "state endReason endsOn noticeEndsOn renewalAskedBy { id } asset { state } revocations(first: 1) { nodes { state } }"
            " inspections(orderBy: INSPECTED_AT_ASC) { nodes { result overdueAt rectifyBy } }",
            "admin",
        )
        held = {"DRAFT": "RESERVED", "REVOKED": "RESERVED", "ENDED": "AVAILABLE"}.get(model.state, "ADOPTED")
        asked = seen["renewalAskedBy"]
        assert (seen["state"], seen["endReason"], seen["asset"]["state"]) == (model.state, model.reason, held)
        assert seen["endsOn"] == model.ends.isoformat()
        assert seen["noticeEndsOn"] == (model.notice_ends and model.notice_ends.isoformat())
        assert (asked and asked["id"]) == (model.asked_by and self.mine[model.asked_by])
        assert [r["state"] for r in seen["revocations"]["nodes"]] == ([model.revocation] if model.revocation else [])
        assert [(i["result"], i["overdueAt"] is not None) for i in seen["inspections"]["nodes"]] == [
            ("PASSED" if s.passed else "FAILED", s.overdue) for s in model.seen
        ]
        late = [i["rectifyBy"] for i in seen["inspections"]["nodes"] if i["rectifyBy"]]
        assert late == [s.rectify_by.isoformat() for s in model.seen if not s.passed]


def test_an_agreement_lives_as_the_plain_model_says(databases: Databases, dialect: str) -> None:
    with asyncio.Runner() as runner:
        serving = served(databases.config(databases.fresh(dialect, "demo")))

        async def begin() -> Life:
            n = await serving.__aenter__()
            await n.trust("admin", "clerk", "inspector", ADOPTER, CUSTODIAN)
            life = Life(n)
            await life.begin()
            return life

        life = runner.run(begin())

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def lives(data: st.DataObject) -> None:
            runner.run(life.live(data))

        try:
            lives()
        finally:
            runner.run(serving.__aexit__(None, None, None))
