"""INV17 as a property: whatever areas say, in whatever order, no value is ever outside its ancestors' bounds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.enums import Move, Origin, PluginState
from core.settings import Own, Settings, SettingsBook, Switch, declared, setting
from core.testing.kit import Neighbourhood, Refused

SPACE = UUID(int=0)
NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Rules(Settings):
    """A key for each way of moving."""

    floor: int = setting(3, move=Move.MIN, ge=0, le=20, en="x", zh="x")
    ceiling: int = setting(15, move=Move.MAX, ge=0, le=20, en="x", zh="x")
    free: int = setting(5, ge=0, le=20, en="x", zh="x")
    chosen: list[str] = setting(["a", "b", "c"], move=Move.SUBSET, en="x", zh="x")
    added: list[str] = setting(["a"], move=Move.EXTEND, en="x", zh="x")
    fixed: bool = setting(False, move=Move.LOCKED, en="x", zh="x")


PLUGIN = declared("rules", Rules)
NUMBER_LOCKS = st.sampled_from([None, Move.OPEN, Move.MIN, Move.MAX, Move.LOCKED])
LIST_LOCKS = st.sampled_from([None, Move.OPEN, Move.SUBSET, Move.EXTEND, Move.LOCKED])
LETTERS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)
ROW = st.one_of(
    st.tuples(st.sampled_from(["floor", "ceiling", "free"]), st.integers(0, 20), NUMBER_LOCKS),
    st.tuples(st.sampled_from(["chosen", "added"]), LETTERS, LIST_LOCKS),
    st.tuples(st.just("fixed"), st.booleans(), st.sampled_from([None, Move.OPEN, Move.LOCKED])),
)


@st.composite
def trees(draw: st.DrawFn) -> tuple[dict[int, int | None], list[tuple[int, tuple[str, Any, Move | None], Origin]]]:
    """Parents by area number, and what areas say."""
    size = draw(st.integers(1, 8))
    parents: dict[int, int | None] = {0: None}
    for number in range(1, size):
        parents[number] = draw(st.integers(0, number - 1))
    says = st.tuples(st.integers(0, size - 1), ROW, st.sampled_from([Origin.FILE, Origin.MUTATION]))
    return parents, draw(st.lists(says, max_size=14))


def area(number: int) -> UUID:
    return uuid5(SPACE, str(number))


def chain(parents: dict[int, int | None], number: int | None) -> list[int]:
    return [] if number is None else [*chain(parents, parents[number]), number]


def book(says: list[tuple[int, tuple[str, Any, Move | None], Origin]]) -> SettingsBook:
    rows: dict[tuple[int, str, Origin], Own] = {}
    for number, (key, value, lock), origin in says:
        rows[(number, key, origin)] = Own(area(number), "rules", key, value, lock, origin)
    return SettingsBook.of(1, [], rows.values())


@settings(max_examples=400, deadline=None)
@given(trees())
def test_no_value_is_ever_outside_its_ancestors_bounds(given_: Any) -> None:
    parents, says = given_
    held = book(says)
    for number in parents:
        path = chain(parents, number)
        here = held.effective(PLUGIN, [area(n) for n in path])
        for name, effective in here.items():
            # The bounds of the areas above, worked out one by one, without the fold.
            for depth in range(1, len(path)):
                above = held.effective(PLUGIN, [area(n) for n in path[:depth]])[name]
                own = held.own.get((area(path[depth - 1]), "rules"), {}).get(name)
                if own is None:
                    continue
                move = own.lock or effective.key.move
                value, limit = effective.value, above.value
                if move is Move.MIN:
                    assert value >= limit
                elif move is Move.MAX:
                    assert value <= limit
                elif move is Move.SUBSET:
                    assert set(value) <= set(limit)
                elif move is Move.EXTEND:
                    assert set(value) >= set(limit) or any(b.move is Move.SUBSET for b in effective.bounds)
                elif move is Move.LOCKED:
                    assert value == limit
            assert effective.key.parse(effective.value) == effective.value


@settings(max_examples=200, deadline=None)
@given(trees(), st.integers(0, 7), ROW)
def test_what_is_accepted_holds_and_what_is_looser_is_refused(given_: Any, number: int, row: Any) -> None:
    parents, says = given_
    number %= len(parents)
    key, value, lock = row
    path = [area(n) for n in chain(parents, number)]
    before = book(says)
    above = before.effective(PLUGIN, path[:-1])[key]
    after = before.with_own(path[-1], "rules", {key}, [Own(path[-1], "rules", key, value, lock)])
    if (path[-1], "rules") in before.own and before.own[(path[-1], "rules")].get(key, Own(path[-1], "", "")).origin is (
        Origin.FILE
    ):
        return  # pinned: the mutation would be refused
    found = after.effective(PLUGIN, path)[key]
    if above.refused_by(value) is None and not any(b.move is Move.EXTEND for b in above.bounds):
        assert found.value == value
    elif above.refused_by(value) is not None:
        assert found.origin is Origin.BOUND or found.value == value


SAYS_ON = st.tuples(st.integers(0, 7), st.sampled_from(list(PluginState)), st.sampled_from([None, -1, 1]))


@settings(max_examples=300, deadline=None)
@given(trees(), st.lists(SAYS_ON, max_size=8))
def test_the_nearest_word_decides_and_an_expired_pilot_is_silent(given_: Any, words: Any) -> None:
    parents, _ = given_
    said: dict[int, Switch] = {}
    for number, state, day in words:
        number %= len(parents)
        until = NOW + timedelta(days=day or 1) if state is PluginState.PILOT else None
        said[number] = Switch(area(number), "rules", state, until)
    held = SettingsBook.of(1, said.values(), [])
    for number in parents:
        expected = False
        for above in chain(parents, number):
            word = said.get(above)
            if word is not None and (word.until is None or word.until > NOW):
                expected = word.state is not PluginState.OFF
        assert held.is_on("rules", [area(n) for n in chain(parents, number)], NOW) is expected


class Pair(Settings):
    """Two keys that must go together."""

    low: int = setting(1, ge=0, le=9, en="x", zh="x")
    high: int = setting(5, move=Move.MAX, ge=0, le=9, en="x", zh="x")
    pair_checked: ClassVar[bool] = True

    def model_post_init(self, context: Any) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")


def test_held_values_that_no_longer_go_together_fall_back_to_what_holds_above() -> None:
    pair = declared("pair", Pair)
    top, below = area(0), area(1)
    rows = [Own(below, "pair", "low", 8), Own(below, "pair", "high", 9)]
    assert SettingsBook.of(1, [], rows).values(pair, [top, below]) == Pair(low=8, high=9)
    capped = SettingsBook.of(1, [], [*rows, Own(top, "pair", "high", 6)])
    assert capped.values(pair, [top, below]) == Pair(low=1, high=6)
    assert capped.effective(pair, [top, below])["low"].origin is Origin.BOUND


@pytest.mark.anyio
@pytest.mark.needs("adoption", "points")
async def test_the_database_says_where_a_plugin_is_on_as_the_fold_does(neighbourhood: Neighbourhood) -> None:
    """Twenty changes at once, toggles, settings, moves and new areas: afterwards table and fold agree, area by area."""
    n = neighbourhood
    codes = ["haicang", "xinyang", "dongfu", "haihong", "xishan", "xishan-1", "hongtang"]
    ids = {code: await n.area_id(code) for code in codes}
    states = ["ON", "OFF", "INHERIT"]

    async def change(k: int) -> None:
        code, plugin = codes[k % 7], ("adoption", "points")[k % 2]
        if k % 5 == 4:
            await n.do(
                "admin", "coreMoveArea", "area { id }", areaId=ids["xishan"], parentId=ids[("haihong", "dongfu")[k % 2]]
            )
        elif k % 5 == 3:
            await n.do(
                "admin", "coreCreateArea", "area { id }", code=f"n{k}", name="网格", kind="GRID", parentId=ids[code]
            )
        elif k % 5 == 2:
            value = {"key": "notice_days", "value": 7 + k, "lock": "MIN"}
            await n.do(
                "admin", "coreSetPluginSettings", "area { id }", areaId=ids[code], plugin="adoption", settings=[value]
            )
        else:
            await n.do("admin", "coreTogglePlugin", "area { id }", areaId=ids[code], plugin=plugin, state=states[k % 3])

    results = await asyncio.gather(*(change(k) for k in range(30)), return_exceptions=True)
    wrong = [r for r in results if isinstance(r, BaseException) and not isinstance(r, Refused)]
    assert wrong == []
    for r in results:
        if isinstance(r, Refused):
            assert r.codes[0] in ("SETTING_TOO_LOOSE", "VERSION_CONFLICT"), r.codes
    runtime = n.server.runtime
    store = runtime.kernel.settings
    held = await store.read(
        runtime.database.fetch, runtime.database.dialect.mark, await store.version(runtime.database.fetch)
    )
    closure = await runtime.database.read(
        "SELECT descendant_id, ancestor_id FROM core_area_closure WHERE until IS NULL ORDER BY depth DESC"
    )
    chains: dict[str, list[UUID]] = {}
    for descendant, ancestor in closure:
        chains.setdefault(str(descendant), []).append(UUID(str(ancestor)))
    listed = {(str(r[0]), r[1]) for r in await runtime.database.read("SELECT area_id, plugin FROM core_plugin_area")}
    adoption = store.declared["adoption"]
    assert len(chains) == 9 + 6
    for id, path in chains.items():
        for plugin in ("adoption", "points"):
            assert ((id, plugin) in listed) is held.is_on(plugin, path, runtime.clock.now())
        here = held.effective(adoption, path)["notice_days"]
        assert here.refused_by(here.value) is None
