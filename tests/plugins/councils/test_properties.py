"""Whatever is seated, vacated and ruled, in whatever order: a composition is never out of its bounds unseen (INV5)."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils import rules
from plugins.councils.models import Body, CompositionCheck, Resolution, Seat, SeatRule
from plugins.councils.rules.common import more_than
from plugins.councils.rules.composition import bounds
from plugins.councils.terms import Rounding, SeatCategory, SeatRuleState, SeatState, VacatedBecause
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
CATEGORIES = (SeatCategory.RESPECTED, SeatCategory.WOMEN, SeatCategory.EXPERT)


def independent(seats: list[Seat], kept: list[SeatRule], size: int) -> list[str]:
    """The violated categories, counted the straightforward way from shares, not from stored bounds: too few of the body's
    seats, or too many of those who sit there."""
    wrong = []
    for rule in kept:
        held = sum(1 for s in seats if str(rule.category) in s.categories.strip("|").split("|"))
        if rule.out_of is None:
            fits = rule.minimum <= held <= rule.maximum
        elif rule.minimum == rule.maximum:
            of_all, of_them = (Fraction(rule.minimum * whole, rule.out_of) for whole in (size, len(seats)))
            fits = math.ceil(of_all) <= held <= math.ceil(of_them)
        else:
            enough = Fraction(held, size) >= Fraction(rule.minimum, rule.out_of)
            fits = enough and held * rule.out_of <= rule.maximum * len(seats)
        if not fits:
            wrong.append(str(rule.category))
    return sorted(wrong)


@pytest.mark.parametrize("seed", [1, 7, 2026])
async def test_after_every_change_the_stored_composition_is_what_an_independent_count_says(
    neighbourhood: Neighbourhood, seed: int
) -> None:
    n, chance = neighbourhood, random.Random(seed)
    c = await Council.begin(n, size=6, members=0)
    body_id = split_global(c.body)[1]
    people = [split_global(p)[1] for p in await n.registered(*(f"候选{k}" for k in range(9)))]
    changes = 0

    async def step(work: Work) -> dict[str, Any]:
        seats = await work.select(Seat, body_id=body_id, state=SeatState.FILLED)
        what = chance.random()
        if what < 0.6:
            chosen = chance.sample(CATEGORIES, chance.randint(1, 3))
            await rules.fill_seat(
                work, body_id=body_id, holder_id=chance.choice(people), category=chosen[0], also=chosen[1:]
            )
        elif what < 0.8 and seats:
            await rules.vacate_seat(work, seat_id=chance.choice(seats).id, because=VacatedBecause.RESIGNED, reason=None)
        else:
            low, out_of = chance.randint(0, 3), chance.choice([None, None, 3, 4, 6])
            high = chance.randint(max(low, 1), 3 if out_of is None else out_of) if low <= (out_of or 3) else low
            await rules.set_seat_rule(
                work, body_id=body_id, category=chance.choice(CATEGORIES), minimum=low, maximum=high, out_of=out_of
            )
        return {}

    async def look(work: Work) -> dict[str, Any]:
        body = await work.get(Body, body_id)
        seats = await work.select(Seat, body_id=body_id, state=SeatState.FILLED)
        kept = await work.select(SeatRule, body_id=body_id, state=SeatRuleState.IN_FORCE)
        checks = sorted(await work.select(CompositionCheck, body_id=body_id), key=lambda k: k.id)
        wrong = independent(seats, kept, body.size)
        assert len(seats) <= body.size and len({s.holder_id for s in seats}) == len(seats)
        assert body.is_valid is (wrong == [])
        assert len(checks) == changes  # every change left its check
        if checks:
            assert sorted(v[0] for v in json.loads(checks[-1].violations)) == wrong
        return {}

    for _ in range(40):
        try:
            await n.server.runtime.as_system(step)
            changes += 1
        except Refusal as refusal:
            assert refusal.code in (
                "BODY_FULL", "CATEGORY_FULL", "ALREADY_SEATED", "BAD_SEAT_RULE", "SEAT_RULES_IMPOSSIBLE",
            ), refusal.code  # fmt: skip
        await n.server.runtime.as_system(look)
    assert changes > 8


def test_shares_and_majorities_are_what_fractions_say() -> None:
    for size in range(1, 40):
        for out_of in range(1, 9):
            for low in range(out_of + 1):
                share = Fraction(low * size, out_of)
                exact = {r: bounds(low, low, out_of, r, size)[0] for r in Rounding} if low else {}
                if exact:
                    assert exact[Rounding.DOWN] <= share <= exact[Rounding.UP] <= exact[Rounding.DOWN] + 1
                    assert abs(exact[Rounding.NEAREST] - share) <= Fraction(1, 2)
    for eligible in range(1, 60):
        for percent in (1, 50, 66, 75, 99):
            for votes in range(eligible + 1):
                assert more_than(percent, votes, eligible) is (Fraction(votes, eligible) > Fraction(percent, 100))


async def test_the_database_refuses_a_composition_or_an_outcome_that_nobody_counted(
    neighbourhood: Neighbourhood,
) -> None:
    """Past the rules: whoever writes `valid`, or a count that does not come to what is said."""
    n = neighbourhood
    c = await Council.begin(n, size=5, members=5)
    (item,) = await c.session("铺路")
    decided = await c.decide(item, 3, 1)
    body_id = split_global(c.body)[1]

    async def lie(work: Work) -> dict[str, Any]:
        body = await work.lock(Body, body_id)
        work.require("councils.body.manage", body)
        work.change(body, is_valid=False)
        work.record("councils.body.changed", body, area_id=body.area_id)
        return {}

    async def rewrite(work: Work) -> dict[str, Any]:
        resolution = await work.lock(Resolution, split_global(decided["id"])[1])
        work.require("councils.resolution.pass", resolution)
        work.change(resolution, votes_for=5, votes_against=0, votes_abstained=0)
        work.record("councils.resolution.passed", resolution, area_id=resolution.area_id)
        return {}

    for cheat, codes in ((lie, {"COMPOSITION_IS_COUNTED"}), (rewrite, {"APPEND_ONLY", "RESOLUTION_STATE"})):
        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(cheat)
        assert refused.value.code in codes
