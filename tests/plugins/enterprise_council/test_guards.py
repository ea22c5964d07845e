"""Past the rules the database holds them: the share, the seats, both sides, the day of an answer, who confirms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.agreement import AgreementState
from core.errors import Refusal
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.models import Body, Seat, SeatRule
from plugins.councils.terms import SeatCategory, SeatedBy, SeatOffice, SeatRuleState, SeatState
from plugins.enterprise_council.models import Commitment, Compact, Concern, EnterpriseSeat, SelfHelp
from plugins.enterprise_council.terms import (
    CommitmentState,
    ConcernState,
    EnterpriseSeatState,
    PartyRole,
    SelfHelpState,
)
from tests.kits.enterprise_council import CoBuilding

pytestmark = pytest.mark.anyio
Cheat = Callable[[Work], Awaitable[dict[str, Any]]]


def raw(id: str) -> UUID:
    return split_global(id)[1]


async def refused(n: Neighbourhood, cheat: Cheat) -> str:
    with pytest.raises(Refusal) as found:
        await n.server.runtime.as_system(cheat)
    return found.value.code


def council_seat(body: Body, holder: UUID, enterprise: UUID, *, kept_by: str | None) -> Seat:
    today = body.founded_on
    return Seat(
        id=new_id(), area_id=body.area_id, body_id=body.id, holder_id=holder, mandate_of_id=enterprise,
        category=SeatCategory.ENTERPRISE, categories="|ENTERPRISE|", office=SeatOffice.MEMBER, via=SeatedBy.MANDATED,
        is_voting=True, kept_by=kept_by, state=SeatState.FILLED, term_start=today, term_end=today + timedelta(days=900),
    )  # fmt: skip


async def test_two_who_seat_the_last_enterprise_past_the_rules_seat_one(neighbourhood: Neighbourhood) -> None:
    """Neither holds the body's row; the number of the seat is what they meet at."""
    n = neighbourhood
    c = await CoBuilding.begin(n, size=4, members=2)
    two = [await c.enterprise(f"企业{name}") for name in "子丑"]
    start = asyncio.Event()

    async def seat(person: UUID, enterprise: UUID) -> str:
        async def cheat(work: Work) -> dict[str, Any]:
            body = await work.get(Body, raw(c.body))
            work.require("enterprise_council.seat.manage", body)
            await asyncio.wait_for(start.wait(), 5)
            council = work.add(council_seat(body, person, enterprise, kept_by="enterprise_council"))
            work.record("councils.seat.filled", council, area_id=body.area_id, data={"body": str(body.id)})
            own = EnterpriseSeat(
                id=new_id(), area_id=body.area_id, body_id=body.id, number=1, seats=1, enterprise_id=enterprise,
                representative_id=person, council_seat_id=council.id, letter="函", state=EnterpriseSeatState.HELD,
                since=body.founded_on, term_end=council.term_end,
            )  # fmt: skip
            work.add(own)
            work.record("enterprise_council.seat.filled", own, area_id=body.area_id)
            return {}

        try:
            await n.server.runtime.as_system(cheat)
        except Refusal as refusal:
            return refusal.code
        return "done"

    tries = [asyncio.create_task(seat(raw(e.person), raw(e.id))) for e in two]
    await asyncio.sleep(0.1)
    start.set()
    results = sorted(await asyncio.gather(*tries))
    assert results[1] == "done" and results[0] in ("ENTERPRISE_SEATS_FULL", "CATEGORY_FULL", "VERSION_CONFLICT")


async def test_the_share_moves_by_no_other_hand(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=1)
    e = await c.enterprise("企业子")

    async def with_rule(work: Work) -> SeatRule:
        rule = await work.find(SeatRule, body_id=raw(c.body), state=SeatRuleState.IN_FORCE)
        assert rule is not None
        work.require("councils.body.manage", rule)
        return rule

    async def widen(work: Work) -> dict[str, Any]:
        rule = await with_rule(work)
        work.change(rule, lower=1, upper=9)
        work.record("councils.seat_rule.set", rule, area_id=rule.area_id)
        return {}

    async def end(work: Work) -> dict[str, Any]:
        rule = await with_rule(work)
        work.change(rule, state=SeatRuleState.ENDED, until=work.now)
        work.record("councils.seat_rule.ended", rule, area_id=rule.area_id)
        return {}

    async def suspend(work: Work) -> dict[str, Any]:
        rule = await with_rule(work)
        work.change(rule, state=SeatRuleState.SUSPENDED)
        work.record("councils.seats.suspended", rule, area_id=rule.area_id)
        return {}

    async def grow(work: Work) -> dict[str, Any]:
        body = await work.lock(Body, raw(c.body))
        work.require("councils.body.manage", body)
        work.change(body, size=40)
        work.record("councils.body.changed", body, area_id=body.area_id)
        return {}

    assert await refused(n, widen) == "BY_THE_CHARTER"
    assert await refused(n, end) == "BY_THE_CHARTER"
    assert await refused(n, suspend) == "KEEPER_IS_ON"
    assert await refused(n, grow) == "BY_THE_CHARTER"
    other = await c.found(name="另一个甲", kind="OTHER")

    async def squeeze(work: Work) -> dict[str, Any]:
        body = await work.lock(Body, raw(other))
        work.require("councils.seat.fill", body)
        seat = work.add(council_seat(body, raw(e.person), raw(e.id), kept_by="enterprise_council"))
        work.record("councils.seat.filled", seat, area_id=body.area_id, data={"body": str(body.id)})
        return {}

    assert await refused(n, squeeze) == "NO_SUCH_SEATS"


async def test_a_compact_runs_for_both_sides_or_not_at_all(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e, village = await c.enterprise("企业子"), raw(await n.actor_id("西山社村民委员会"))

    async def one_sided(work: Work) -> dict[str, Any]:
        body = await work.get(Body, raw(c.body))
        work.require("enterprise_council.compact.join", body)
        today = work.clock.today()
        compact = Compact(
            id=new_id(), area_id=body.area_id, title="单方", proposed_by_id=raw(e.id), state=AgreementState.DRAFT,
            starts_on=today, ends_on=today + timedelta(days=300), sign_by=today + timedelta(days=30),
        )  # fmt: skip
        work.add(compact)
        work.add(
            Commitment(
                id=new_id(), area_id=body.area_id, compact_id=compact.id, party_id=village, role=PartyRole.VILLAGE,
                position=1, text="免租", due_on=today, state=CommitmentState.OPEN,
            )
        )  # fmt: skip
        work.record("enterprise_council.compact.proposed", compact, area_id=body.area_id)
        await work.flush_now()
        work.change(compact, state=AgreementState.ACTIVE)
        work.record("enterprise_council.compact.active", compact, area_id=body.area_id)
        return {}

    assert await refused(n, one_sided) == "ONE_SIDED"


async def test_the_day_of_an_answer_and_who_confirms_are_held(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    e = await c.enterprise("企业子")
    hat = {"actingFor": e.id}
    raised = await n.do(
        e.login, "enterpriseCouncilRaiseConcern", "concern { id }", areaId=c.area, title="t", details="d", **hat
    )
    made = await n.do(
        e.login, "enterpriseCouncilDeclareSelfHelp", "selfHelp { id }", areaId=c.area, title="t", problem="p", **hat
    )
    case = made["selfHelp"]["id"]
    await n.do(e.login, "enterpriseCouncilFileStudy", "selfHelp { id }", selfHelpId=case, study="s", **hat)
    await n.do(
        e.login,
        "enterpriseCouncilFileSolution",
        "selfHelp { id }",
        selfHelpId=case,
        solution="s",
        evidence=["e"],
        **hat,
    )

    async def later(work: Work) -> dict[str, Any]:
        concern = await work.lock(Concern, raw(raised["concern"]["id"]))
        work.require("enterprise_council.concern.manage", concern)
        work.change(concern, due_on=concern.due_on + timedelta(days=90))
        work.record("enterprise_council.concern.assigned", concern, area_id=concern.area_id)
        return {}

    async def unanswered(work: Work) -> dict[str, Any]:
        concern = await work.lock(Concern, raw(raised["concern"]["id"]))
        work.require("enterprise_council.concern.manage", concern)
        work.change(concern, state=ConcernState.CLOSED, owner_id=raw(stranger), closed_at=work.now)
        work.record("enterprise_council.concern.closed", concern, area_id=concern.area_id)
        return {}

    async def owned_by_itself(work: Work) -> dict[str, Any]:
        concern = await work.lock(Concern, raw(raised["concern"]["id"]))
        work.require("enterprise_council.concern.manage", concern)
        work.change(concern, state=ConcernState.ASSIGNED, owner_id=raw(e.person))
        work.record("enterprise_council.concern.assigned", concern, area_id=concern.area_id)
        return {}

    async def by_itself(work: Work) -> dict[str, Any]:
        row = await work.lock(SelfHelp, raw(case))
        work.require("enterprise_council.self_help.confirm", row)
        work.change(
            row, state=SelfHelpState.CONFIRMED, outcome="好", confirmed_by_id=raw(e.person), confirmed_at=work.now
        )
        work.record("enterprise_council.self_help.confirmed", row, area_id=row.area_id)
        return {}

    _, stranger = await c.newcomer()
    assert await refused(n, owned_by_itself) == "OWN_MATTER"
    assert await refused(n, later) == "APPEND_ONLY"
    assert await refused(n, unanswered) == "CONCERN_NOT_ANSWERED"
    assert await refused(n, by_itself) == "OWN_MATTER"
