"""Compacts: commitments both ways, signed by all, delivered with evidence, confirmed by the other side, reviewed (M11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from core.clock import months_later
from core.ids import split_global
from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding, Enterprise
from tests.kits.guards import log, refused

pytestmark = pytest.mark.anyio
PROPOSE = ("enterpriseCouncilProposeCompact", "compact { id state }")
SIGN = ("enterpriseCouncilSignCompact", "compact { state }")
DELIVER = ("enterpriseCouncilDeliverCommitment", "commitment { state deliveredOn }")
CONFIRM = ("enterpriseCouncilConfirmDelivery", "commitment { state remark }")


@dataclass
class Three:
    """A town, a village and an enterprise, each with somebody who has its mandate."""

    c: CoBuilding
    enterprise: Enterprise
    village: str
    villager: str
    town: str
    official: str

    @classmethod
    async def begin(cls, n: Neighbourhood) -> Three:
        c = await CoBuilding.begin(n, members=0)
        village = await n.actor_id("西山社村民委员会")
        made = await n.do(
            "admin", "coreRegisterActor", "actor { id }", kind="GOVERNMENT_BODY", name="东孚镇政府甲", areaId=c.area
        )
        town = made["actor"]["id"]
        logins = []
        for actor in (village, town):
            login, person = await c.newcomer()
            await c.mandate(person, actor)
            logins.append(login)
        return cls(c, await c.enterprise("企业子"), village, logins[0], town, logins[1])

    def proposal(self, *, sides: str = "both", **more: Any) -> dict[str, Any]:
        due = (self.c.n.clock.today() + timedelta(days=60)).isoformat()
        ours = {"partyId": self.enterprise.id, "text": "吸纳本村就业 20 人", "dueOn": due}
        theirs = {"partyId": self.village, "text": "协助员工子女入园", "dueOn": due}
        return {
            "areaId": self.c.area, "title": "镇村企命运共同体公约", "startsOn": self.c.n.clock.today().isoformat(),
            "months": 12,
            "parties": [
                {"actorId": self.enterprise.id, "role": "ENTERPRISE"},
                {"actorId": self.village, "role": "VILLAGE"},
                {"actorId": self.town, "role": "TOWN"},
            ],
            "commitments": {"both": [ours, theirs], "enterprise": [ours], "village": [theirs]}[sides], **more,
        }  # fmt: skip

    async def propose(self) -> str:
        made = await self.c.n.do(self.enterprise.login, *PROPOSE, **self.proposal(), actingFor=self.enterprise.id)
        return str(made["compact"]["id"])

    async def running(self) -> str:
        compact = await self.propose()
        for login, party in self.hats:
            await self.c.n.do(login, *SIGN, compactId=compact, actingFor=party)
        return compact

    @property
    def hats(self) -> list[tuple[str, str]]:
        return [(self.enterprise.login, self.enterprise.id), (self.villager, self.village), (self.official, self.town)]

    async def commitments(self, compact: str) -> dict[str, str]:
        seen = await self.c.see(compact, "commitments { nodes { id role } }")
        return {c["role"]: c["id"] for c in seen["commitments"]["nodes"]}


async def test_a_compact_with_commitments_on_one_side_is_refused(neighbourhood: Neighbourhood) -> None:
    t = await Three.begin(neighbourhood)
    e = t.enterprise

    async def tried(who: str = e.login, hat: str = e.id, **more: Any) -> str:
        return await t.c.n.outcome(who, *PROPOSE, **{**t.proposal(), **more}, actingFor=hat)

    assert await tried(commitments=t.proposal(sides="enterprise")["commitments"]) == "ONE_SIDED"
    assert await tried(commitments=t.proposal(sides="village")["commitments"]) == "ONE_SIDED"
    parties = t.proposal()["parties"]
    assert await tried(parties=parties[:1], commitments=[]) == "COMPACT_PARTIES"
    assert await tried(parties=[*parties, parties[0]]) == "ALREADY_A_PARTY"
    assert await tried(parties=[{"actorId": t.village, "role": "TOWN"}, *parties]) == "WRONG_PARTY"
    late = (t.c.n.clock.today() + timedelta(days=800)).isoformat()
    assert await tried(commitments=[{"partyId": e.id, "text": "迟", "dueOn": late}]) == "DUE_OUTSIDE"
    assert await tried(months=37) == "TERM_TOO_LONG_HERE"
    stranger = await t.c.enterprise("企业丑")
    assert await tried(stranger.login, stranger.id) == "NOT_A_PARTY"
    assert await tried() == "done"


async def test_all_sign_and_nobody_for_two_sides(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    t = await Three.begin(n)
    compact = await t.propose()
    hidden = "query($i: ID!) { enterpriseCouncilCompact(id: $i) { state } }"
    assert (await n.ask("resident", hidden, i=compact))["enterpriseCouncilCompact"] is None  # a draft is the parties'
    e = t.enterprise
    await t.c.mandate(e.person, t.village)
    assert (await n.do(e.login, *SIGN, compactId=compact, actingFor=e.id))["compact"]["state"] == "DRAFT"
    assert await t.c.n.outcome(e.login, *SIGN, compactId=compact, actingFor=t.village) == "OWN_MATTER"
    assert await t.c.n.outcome(e.login, *SIGN, compactId=compact, actingFor=e.id) == "ALREADY_SIGNED"
    await n.do(t.villager, *SIGN, compactId=compact, actingFor=t.village)
    assert (await n.do(t.official, *SIGN, compactId=compact, actingFor=t.town))["compact"]["state"] == "ACTIVE"
    seen = await n.ask(None, hidden.replace("state", "state parties { nodes { role signedAt } }"), i=compact)
    assert all(p["signedAt"] for p in seen["enterpriseCouncilCompact"]["parties"]["nodes"])


async def test_commitments_are_delivered_with_evidence_and_confirmed_by_the_other_side(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    t = await Three.begin(n)
    compact = await t.running()
    e, of = t.enterprise, await t.commitments(compact)
    ours, theirs = of["ENTERPRISE"], of["VILLAGE"]
    done = {"commitmentId": ours, "report": "已招 22 人", "evidence": ["用工合同 22 份"]}
    assert await t.c.n.outcome(t.villager, *DELIVER, **done, actingFor=t.village) == "NOT_PERMITTED"
    assert await t.c.n.outcome(e.login, *DELIVER, **{**done, "evidence": []}, actingFor=e.id) == "EVIDENCE_NEEDED"
    confirm = {"commitmentId": ours, "isDelivered": True}
    assert await t.c.n.outcome(t.villager, *CONFIRM, **confirm, actingFor=t.village) == "COMMITMENT_STATE"
    await n.do(e.login, *DELIVER, **done, actingFor=e.id)
    assert await t.c.n.outcome(e.login, *CONFIRM, **confirm, actingFor=e.id) == "OWN_MATTER"
    back = await n.do(
        t.villager, *CONFIRM, commitmentId=ours, isDelivered=False, remark="本村只有 12 人", actingFor=t.village
    )
    assert back["commitment"] == {"state": "OPEN", "remark": "本村只有 12 人"}
    await n.do(e.login, *DELIVER, **done, actingFor=e.id)
    assert (await n.do(t.official, *CONFIRM, **confirm, actingFor=t.town))["commitment"]["state"] == "CONFIRMED"
    overdue = "query($d: Date!) { enterpriseCouncilCommitments(where: {overdueOn: $d}) { nodes { id } } }"
    day = (n.clock.today() + timedelta(days=61)).isoformat()
    late = {c["id"] for c in (await n.ask(None, overdue, d=day))["enterpriseCouncilCommitments"]["nodes"]}
    assert theirs in late and ours not in late


async def test_every_year_somebody_who_is_no_party_reviews_what_the_server_counted(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    t = await Three.begin(n)
    compact = await t.running()
    e, ours = t.enterprise, (await t.commitments(compact))["ENTERPRISE"]
    await n.do(e.login, *DELIVER, commitmentId=ours, report="已办", evidence=["照片 1"], actingFor=e.id)
    began, due_on = n.clock.today(), n.clock.today() + timedelta(days=60)
    ends = months_later(began, 12)
    made = ("enterpriseCouncilReviewCompact", "review { due delivered confirmed late }")

    async def tried(year: int, who: str = "admin") -> str:
        return await t.c.n.outcome(who, *made, compactId=compact, year=year, findings="企业如期,村里逾期。")

    for year in {began.year, due_on.year, ends.year}:
        assert await tried(year) == "COMPACT_YEAR_NOT_OVER"  # on the day of signing nothing can be said of any
    assert await tried(began.year - 1) == await tried(began.year + 5) == "COMPACT_YEAR"
    await t.c.days(61)
    if due_on.year == n.clock.today().year:
        assert await tried(due_on.year) == "COMPACT_YEAR_NOT_OVER"
    await t.c.days((min(date(due_on.year + 1, 1, 1), ends) - n.clock.today()).days)
    review = {"compactId": compact, "year": due_on.year, "findings": "企业如期,村里逾期。"}
    assert await tried(due_on.year, e.login) == "NOT_PERMITTED"
    got = (await n.do("admin", *made, **review))["review"]
    assert got == {"due": 2, "delivered": 1, "confirmed": 0, "late": 1}
    if ends > n.clock.today():
        following = (await t.c.see(compact, "nextReviewOn"))["nextReviewOn"]
        assert following == months_later(n.clock.today(), 12).isoformat()
    assert await t.c.n.outcome("admin", *made, **review) == "COMPACT_REVIEWED"


async def test_it_ends_by_notice_by_its_term_or_unsigned(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    t = await Three.begin(n)
    e, end = t.enterprise, ("enterpriseCouncilEndCompact", "compact { state noticeEndsOn }")
    given_up, lapsing, running = await t.propose(), await t.propose(), await t.running()
    ended = await n.do(t.villager, *end, compactId=given_up, reason="另议", actingFor=t.village)
    assert ended["compact"]["state"] == "ENDED"
    stranger = await t.c.enterprise("企业丑")
    assert (
        await t.c.n.outcome(stranger.login, *end, compactId=running, reason="x", actingFor=stranger.id)
        == "NOT_PERMITTED"
    )
    told = await n.do(e.login, *end, compactId=running, reason="迁厂", actingFor=e.id)
    assert told["compact"]["noticeEndsOn"] == (n.clock.today() + timedelta(days=30)).isoformat()
    await t.c.days(31)
    for compact, reason in ((running, "TERMINATED"), (lapsing, "LAPSED")):
        assert await t.c.see(compact, "state endReason") == {"state": "ENDED", "endReason": reason}
    commitment = (await t.commitments(running))["ENTERPRISE"]
    assert await t.c.n.outcome(
        e.login, *DELIVER, commitmentId=commitment, report="x", evidence=["x"], actingFor=e.id
    ) == ("AGREEMENT_STATE")


async def test_who_delivers_at_the_desk_for_one_side_confirms_for_no_other(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    made = ("admin", "coreRegisterActor", "actor { id }")
    committee = {"kind": "ORGANIZATION", "organizationKind": "VILLAGERS_COMMITTEE", "name": "西山村民委员会甲"}
    firm = (await n.do(*made, kind="ENTERPRISE", name="企业子", areaId=c.area))["actor"]["id"]
    village = (await n.do(*made, **committee, areaId=c.area))["actor"]["id"]
    await c.move_in(firm)

    def at_the_desk(party: str) -> dict[str, Any]:
        return {"onBehalfOf": {"actorId": party, "basis": "PHONE", "evidence": "来电"}}

    today = n.clock.today().isoformat()
    proposed = await n.do(
        "admin", *PROPOSE, areaId=c.area, title="共建公约", startsOn=today, months=12,
        parties=[{"actorId": village, "role": "VILLAGE"}, {"actorId": firm, "role": "ENTERPRISE"}],
        commitments=[{"partyId": party, "text": "互助", "dueOn": today} for party in (firm, village)],
        **at_the_desk(village),
    )  # fmt: skip
    compact = proposed["compact"]["id"]
    for party in (firm, village):
        await n.do("admin", *SIGN, compactId=compact, **at_the_desk(party))
    seen = await c.see(compact, "commitments(where: {role: {eq: ENTERPRISE}}) { nodes { id } }")
    commitment = seen["commitments"]["nodes"][0]["id"]
    done = {"commitmentId": commitment, "report": "已吸纳 21 人", "evidence": ["花名册"]}
    await n.do("clerk", *DELIVER, **done, **at_the_desk(firm))
    confirm = {"commitmentId": commitment, "isDelivered": True, **at_the_desk(village)}
    assert await n.refused("clerk", *CONFIRM, **confirm) == "ENTERED_BY_YOU"
    row, by = split_global(commitment)[1], split_global(await c.person("clerk"))[1]
    event = await log(n, row, "CONFIRMED")
    sets = f"state = 'CONFIRMED', confirmed_by_id = '{by}', confirmed_on = delivered_on, version = version + 1"
    change = f"UPDATE enterprise_council_commitment SET {sets}, event_id = '{event}' WHERE id = '{row}'"
    assert await refused(n, change) == "ENTERED_BY_YOU"
    assert await n.outcome("admin", *CONFIRM, **confirm) == "done"


async def test_what_parties_do_is_theirs_alone_and_can_says_so(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    t = await Three.begin(n)
    compact = await t.running()
    promised = (await t.commitments(compact))["ENTERPRISE"]
    stranger = await t.c.enterprise("企业丑")
    can = "query($a: String!, $i: ID!, $f: ID) { can(action: $a, on: $i, actingFor: $f) { allowed reason } }"
    deliver, confirm = "enterpriseCouncilDeliverCommitment", "enterpriseCouncilConfirmDelivery"
    asked = [("enterpriseCouncilEndCompact", compact), (deliver, promised), (confirm, promised)]
    yes, no = {"allowed": True, "reason": "BY_MANDATE"}, {"allowed": False, "reason": "NOT_YOURS"}
    e = t.enterprise
    for who, hat, answers in (
        (e.login, e.id, [yes, yes, yes]),
        (t.villager, t.village, [yes, no, yes]),
        (stranger.login, stranger.id, [no, no, no]),
    ):
        assert [(await n.ask(who, can, a=name, i=id, f=hat))["can"] for name, id in asked] == answers
