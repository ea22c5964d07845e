"""What an event is worth: editions, validity, caps, the nearest rule, and what a voided event takes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import core.kernel
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.points.models import Entry
from plugins.points.rules import award, void
from tests.kits.points import TYPE, a_rule, area, balance, earned, person, system

pytestmark = pytest.mark.anyio


async def attend(n: Neighbourhood, actor: UUID, code: str, at: datetime | None = None, id: UUID | None = None) -> int:
    """An event as the dispatcher hands it over; what it gave."""
    place, moment = await area(n, code), at or n.clock.now()
    event = EventRecord(id or new_id(), TYPE, place, "x", new_id(), None, {"actor": str(actor)}, moment, 0, 0)

    async def rule(work: Work) -> int:
        work.cause_id = event.id
        await award(work, event)
        await work.flush_now()
        entry = await work.find(Entry, source_event_id=event.id)
        return entry.amount if entry else 0

    return int(await system(n, rule, moment))


async def test_the_nearest_rule_in_force_when_it_happened_counts_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    (login,) = await n.newcomers(1, "xishan")
    who = await person(n, login)
    start = n.clock.start_of(n.clock.today() + timedelta(days=1))
    n.clock.set(start)
    assert await attend(n, who, "xishan") == 0  # no rule
    await a_rule(n, points=2)
    await a_rule(n, points=3, actor_kind="PERSON")
    n.clock.advance(timedelta(hours=1))
    await a_rule(n, "xishan", points=5)
    assert await attend(n, who, "haihong") == 3
    assert await attend(n, who, "xishan-1") == 5
    assert await attend(n, who, "xishan", start + timedelta(minutes=5)) == 3  # before the village had its own
    again = new_id()
    assert await attend(n, who, "xishan", id=again) == 5
    before = await balance(n, who)
    assert await attend(n, who, "xishan", id=again) == 5
    assert await balance(n, who) == before

    # A rule for next week leaves today's until then; one that ends leaves the one above.
    week = n.clock.today() + timedelta(days=7)
    await a_rule(n, "xishan", points=7, valid_from=week, valid_until=week + timedelta(days=1))
    assert await attend(n, who, "xishan") == 5
    n.clock.set(n.clock.start_of(week))
    assert await attend(n, who, "xishan") == 7
    n.clock.set(n.clock.start_of(week + timedelta(days=2)))
    assert await attend(n, who, "xishan") == 3
    listed = await n.ask(None, '{ pointsRules(where: {area: {code: {eq: "xishan"}}}) { nodes { points state } } }')
    mine = [r for r in listed["pointsRules"]["nodes"] if r["points"] in (5, 7)]
    assert {(r["points"], r["state"]) for r in mine} == {(5, "RETIRED"), (7, "RETIRED")}

    rule = await n.do(
        "admin", "pointsSetRule", "rule { id version }", areaId=await n.area_id("xishan"), eventType=TYPE, points=9
    )
    retire: dict[str, Any] = {"ruleId": rule["rule"]["id"], "reason": "到期"}
    stale = await n.refused("admin", "pointsRetireRule", "rule { id }", **retire, expectedVersion=9)
    assert stale == "VERSION_CONFLICT"
    n.clock.advance(timedelta(hours=1))
    assert (await n.do("admin", "pointsRetireRule", "rule { state }", **retire))["rule"]["state"] == "RETIRED"
    assert await n.refused("admin", "pointsRetireRule", "rule { id }", **retire) == "ALREADY_ENDED"
    n.clock.advance(timedelta(hours=1))
    assert await attend(n, who, "xishan") == 3


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"points": 0}, "BAD_POINTS"), ({"capPerDay": 0}, "BAD_CAP"), ({"capPerPeriod": 5}, "BAD_CAP"),
     ({"capPeriod": "MONTH"}, "BAD_CAP"), ({"validFrom": "2020-01-01"}, "IN_THE_PAST"),
     ({"validUntil": "2020-01-01"}, "ENDS_BEFORE_START"), ({"eventType": "points.rule.set"}, "UNKNOWN_EVENT_TYPE")],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_rule_that_makes_no_sense(neighbourhood: Neighbourhood, wrong: dict[str, Any], code: str) -> None:
    n = neighbourhood
    rule = {"areaId": await n.area_id("haicang"), "eventType": TYPE, "points": 5} | wrong
    assert await n.refused("admin", "pointsSetRule", "rule { id }", **rule) == code


async def test_caps_hold_by_civil_day_and_period_over_all_editions(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    (login,) = await n.newcomers(1, "xishan")
    who = await person(n, login)
    n.clock.set(datetime(2041, 1, 1, tzinfo=UTC))
    caps = {"points": 4, "cap_per_day": 10, "cap_per_period": 16, "cap_period": "QUARTER"}
    await a_rule(n, **caps)
    n.clock.set(datetime(2041, 3, 30, 15, 30, tzinfo=UTC))  # 23:30 here
    assert [await attend(n, who, "xishan") for _ in range(3)] == [4, 4, 2]
    assert await attend(n, who, "xishan") == 0
    await a_rule(n, **caps)  # another edition counts on
    assert await attend(n, who, "xishan") == 0
    n.clock.advance(timedelta(hours=1))  # the next day here, the same in UTC
    assert [await attend(n, who, "xishan") for _ in range(3)] == [4, 2, 0]
    n.clock.advance(timedelta(days=1))  # the next quarter
    first = new_id()
    assert await attend(n, who, "xishan", id=first) == 4
    # What is reversed makes room again; what was cut off by a cap stays cut off when the event comes again.
    cut = new_id()
    assert [await attend(n, who, "xishan") for _ in range(2)] == [4, 2]
    assert await attend(n, who, "xishan", id=cut) == 0

    async def take(work: Work) -> None:
        event = EventRecord(new_id(), "x.voided", None, "x", new_id(), None, {"event": str(first)}, work.now, 0, 0)
        await void(work, event)

    await system(n, take)
    assert await attend(n, who, "xishan", id=cut) == 0
    assert await attend(n, who, "xishan") == 4


async def test_a_voided_event_takes_back_what_it_gave_once(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    monkeypatch.setattr(core.kernel, "EVENTS_OUT", (TYPE, "core.attendance.voided"))
    await a_rule(n)
    (login,) = await n.newcomers(1, "xishan")
    who, place = await person(n, login), await area(n, "xishan")
    n.clock.set(n.clock.now())

    async def happens(type: str, **data: str) -> str:
        async def rule(work: Work) -> str:
            actor = await work.get(Actor, who)
            return str(work.record(type, actor, area_id=place, data=data).id)

        return str(await system(n, rule))

    # The deed and its undoing wait together: they are heard in their order.
    await n.quiet()
    first = await happens(TYPE, actor=str(who))
    await happens("core.attendance.voided", event=first)
    second = await happens(TYPE, actor=str(who))
    await n.server.runtime.dispatcher.start()
    await n.delivered()
    assert await balance(n, who) == 10
    await happens("core.attendance.voided", event=first)
    await n.delivered()
    assert await balance(n, who) == 10

    # Spent already: held until as much has come in, then taken; the balance never falls below zero.
    reward = (await n.do(
        "admin", "pointsListReward", "reward { id }", areaId=await n.area_id("haicang"), title="伞", cost=6, stock=9,
    ))["reward"]["id"]  # fmt: skip
    await n.do(login, "pointsRedeem", "redemption { id }", rewardId=reward)
    await happens("core.attendance.voided", event=second)
    await happens("core.attendance.voided", event=second)
    await n.delivered()
    state = "{ pointsAccounts(where: {held: {eq: true}}) { nodes { balance owed } } }"
    assert (await n.ask(login, state))["pointsAccounts"]["nodes"] == [{"balance": 4, "owed": 10}]
    await earned(n, who, 7, await a_rule(n))
    assert (await n.due())["points.pending_reversals"] == 1
    assert (await n.ask(login, state))["pointsAccounts"]["nodes"] == []
    assert await balance(n, who) == 1
    assert not await n.server.runtime.database.read("SELECT 1 FROM core_delivery_failure")
