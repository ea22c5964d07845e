"""Expiry posts entries, oldest points spent first, against a queue of single points; time runs, spending is undone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.clock import Clock, months_later
from core.errors import Refusal
from core.testing.kit import Databases, Neighbourhood, served
from plugins.points import rewards, rules
from plugins.points.models import Entry, Redemption
from tests.kits.points import a_rule, act, area, balance, earned, person

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("earn"), st.integers(1, 30)),
        st.tuples(st.just("spend"), st.integers(1, 30)),
        st.tuples(st.just("wait"), st.integers(1, 45)),
        st.tuples(st.just("reverse"), st.integers(0, 5)),
        st.tuples(st.just("cancel"), st.integers(0, 5)),
    ),
    min_size=6,
    max_size=14,
)


@dataclass
class Model:
    """What should be there: single points in the order they expire, the first so many of them gone."""

    today: date
    lots: list[tuple[int, date]] = field(default_factory=list)
    undone: set[int] = field(default_factory=set)
    spent: dict[int, int] = field(default_factory=dict)
    expired: int = 0

    def points(self) -> list[date]:
        stand = [day for n, (amount, day) in enumerate(self.lots) if n not in self.undone for _ in range(amount)]
        return sorted(stand)[sum(self.spent.values()) + self.expired :]

    def night(self) -> None:
        self.expired += sum(day <= self.today for day in self.points())


@pytest.mark.parametrize(("dialect", "examples"), [("sqlite", 6), ("postgres", 2)])
def test_what_expires_first_is_spent_first(databases: Databases, dialect: str, examples: int) -> None:
    url = databases.fresh(dialect, "demo")
    with asyncio.Runner() as runner:
        context = served(databases.config(url), Clock())
        n = runner.run(context.__aenter__())
        try:
            prepared = runner.run(prepare(n))

            @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
            @given(STEPS)
            @example([("earn", 10), ("wait", 30), ("earn", 8), ("reverse", 1), ("wait", 40)])
            @example([("earn", 10), ("spend", 10), ("wait", 45), ("wait", 30), ("cancel", 0), ("wait", 1)])
            @example([("earn", 10), ("wait", 20), ("earn", 10), ("spend", 12), ("wait", 45), ("cancel", 0)])
            def check(steps: list[tuple[str, int]]) -> None:
                runner.run(replay(n, *prepared, steps))

            check()
        finally:
            runner.run(context.__aexit__(None, None, None))


async def prepare(n: Neighbourhood) -> tuple[Any, Any]:
    await n.trust("admin")
    n.clock.set(n.clock.now())
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=await n.area_id("haicang"), plugin="points",
        settings=[{"key": "expire_months", "value": 2}],
    )  # fmt: skip
    place = await area(n, "haicang")
    reward = await act(
        n,
        "admin",
        lambda w: rewards.list_reward(
            w, area_id=place, title="肥皂", cost=1, stock=100_000, limit_per_actor=None, available_from=None,
            available_until=None,
        ),
    )  # fmt: skip
    return await a_rule(n), reward.id


async def replay(n: Neighbourhood, rule: Any, reward: Any, steps: list[tuple[str, int]]) -> None:
    (login,) = await n.newcomers(1, "xishan")
    actor = await person(n, login)
    model = Model(n.clock.today())
    entries: list[Entry] = []
    redeemed: list[Redemption] = []
    for kind, value in steps:
        if kind == "wait":
            n.clock.advance(timedelta(days=value))
            model.today = n.clock.today()
            model.night()
            await n.due()
            assert (await n.due())["points.expiry"] == 0
        elif kind == "earn":
            entries.append(await earned(n, actor, value, rule))
            model.lots.append((value, months_later(model.today, 2)))
        elif kind == "spend":
            try:
                made, _ = await act(n, login, lambda w, q=value: rewards.redeem(w, reward_id=reward, quantity=q))  # type: ignore[misc]
            except Refusal as refusal:
                assert refusal.code == "BALANCE_TOO_LOW" and value > len(model.points())
                continue
            model.spent[len(redeemed)] = value
            redeemed.append(made)
        elif kind == "cancel" and model.spent.get(value):
            id = redeemed[value].id
            await act(n, login, lambda w, id=id: rewards.cancel(w, redemption_id=id, reason="不要了"))  # type: ignore[misc]
            del model.spent[value]
        elif kind == "reverse" and value < len(entries) and value not in model.undone:
            id = entries[value].id
            try:
                await act(n, "admin", lambda w, id=id: rules.reverse_entry(w, entry_id=id, reason="记错"))  # type: ignore[misc]
            except Refusal as refusal:
                assert refusal.code == "BALANCE_TOO_LOW" and model.lots[value][0] > len(model.points())
                continue
            model.undone.add(value)
        assert await balance(n, actor) == len(model.points()), (kind, value)
