"""A ranking is what a straightforward recount says, live and closed, for whoever looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.clock import Clock
from core.testing.kit import Databases, Neighbourhood, served
from plugins.points import rules
from plugins.points.ranking import FEWEST, period_before
from tests.kits.points import a_rule, act, earned, person

AREAS = {"xishan": ("haicang", "dongfu", "xishan"), "haihong": ("haicang", "xinyang", "haihong")}
DEEDS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(sorted(AREAS)), st.integers(1, 6), st.integers(1, 4), st.booleans()),
    min_size=10,
    max_size=22,
)
QUERY = """query($a: ID!, $p: String!) { pointsRanking(areaId: $a, kind: PERSON, period: $p, first: 100) {
  totalCount nodes { place points previousRank gapToNext actor { id } } } }"""
CLOSED = """query($a: ID!, $p: String!) {
  pointsClosedRankings(where: {period: {eq: $p}, area: {id: {eq: $a}}}) { nodes { places(first: 100) {
    totalCount nodes { place points previousRank gapToNext actor { id } } } } } }"""


@pytest.mark.parametrize(("dialect", "examples"), [("sqlite", 6), ("postgres", 3)])
def test_a_ranking_equals_a_recount(databases: Databases, dialect: str, examples: int) -> None:
    url = databases.fresh(dialect, "demo")
    with asyncio.Runner() as runner:
        context = served(databases.config(url), Clock())
        n = runner.run(context.__aenter__())
        try:
            prepared = runner.run(prepare(n))
            years = iter(range(2040, 2100, 2))

            @settings(
                max_examples=examples,
                phases=(Phase.generate,),
                deadline=None,
                suppress_health_check=[HealthCheck.function_scoped_fixture],
            )
            @given(DEEDS)
            def check(deeds: list[Any]) -> None:
                runner.run(recount(n, *prepared, next(years), deeds))

            check()
        finally:
            runner.run(context.__aexit__(None, None, None))


async def prepare(n: Neighbourhood) -> tuple[list[str], list[str], Any]:
    n.clock.set(datetime(2040, 1, 1, tzinfo=UTC))
    people = await n.newcomers(7, "xishan")
    return people, [f"actor_{await person(n, login)}" for login in people], await a_rule(n)


Deed = tuple[int, str, datetime, int]


def standings(
    deeds: list[Deed], area: str, start: datetime, end: datetime
) -> dict[int, tuple[int, int, int | None, bool]]:
    """Who → place, points, gap and whether in the upper half; counted by hand."""
    sums: dict[int, int] = {}
    for who, where, when, points in deeds:
        if area in AREAS[where] and start <= when < end:
            sums[who] = sums.get(who, 0) + points
    found = {}
    for who, points in sums.items():
        better = [p for p in sums.values() if p > points]
        place = len(better) + 1
        upper = len(sums) < FEWEST or place <= (len(sums) + 1) / 2
        found[who] = (place, points, min(better) - points if better else None, upper)
    return found


async def recount(n: Neighbourhood, people: list[str], ids: list[str], rule: Any, year: int, plan: list[Any]) -> None:
    deeds: list[Deed] = []
    n.clock.set(datetime(year, 12, 31, 12, tzinfo=UTC))
    await n.trust("admin", people[0])  # years go by
    for who, where, month, points, undone in plan:
        when = datetime(year, month, 28, 17, tzinfo=UTC)  # already the next day here
        entry = await earned(n, UUID(ids[who].removeprefix("actor_")), points, rule, where, when)
        if undone:
            await act(n, "admin", lambda w, id=entry.id: rules.reverse_entry(w, entry_id=id, reason="记错"))  # type: ignore[misc]
        else:
            deeds.append((who, where, when, points))
    closed = (plan[0][1], f"{year}-Q1")
    await n.do(
        "admin", "pointsCloseRanking", "ranking { id }", areaId=await n.area_id(closed[0]), kind="PERSON",
        period=closed[1],
    )  # fmt: skip
    for query, area, period in (
        (QUERY, "haicang", f"{year}"), (QUERY, "haicang", f"{year}-Q2"), (QUERY, "haihong", f"{year}-03"), (QUERY, "dongfu", f"{year}-H1"),
        (CLOSED, *closed), (QUERY, closed[0], f"{year}-Q2"),
    ):  # fmt: skip
        now = standings(deeds, area, *n.clock.period(period))
        former = standings(deeds, area, *n.clock.period(period_before(period)))
        for login in (None, people[0], "admin"):
            expected = []
            for who, (place, points, gap, upper) in now.items():
                may = login == "admin" or (login == people[0] and who == 0)
                before = former.get(who)
                shown = before[0] if before and (may or before[3]) else None
                if may or upper:
                    expected.append((place, ids[who], points, shown, gap))
            answer = await n.ask(login, query, a=await n.area_id(area), p=period)
            page = answer["pointsRanking"] if query is QUERY else answer["pointsClosedRankings"]["nodes"][0]["places"]
            given = [
                (r["place"], r["actor"]["id"], r["points"], r["previousRank"], r["gapToNext"]) for r in page["nodes"]
            ]
            assert sorted(given) == sorted(expected), (area, period, login)
            assert page["totalCount"] == len(expected)


@pytest.mark.parametrize(
    ("period", "before"),
    [("2026", "2025"), ("2026-H1", "2025-H2"), ("2026-H2", "2026-H1"), ("2026-Q1", "2025-Q4"), ("2026-Q3", "2026-Q2"),
     ("2026-01", "2025-12"), ("2026-10", "2026-09")],
)  # fmt: skip
def test_the_period_before(period: str, before: str) -> None:
    assert period_before(period) == before
