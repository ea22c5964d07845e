"""A property of the real rules: a file that was applied changes nothing when applied again, and nothing done online
in between can make it fail; bounds and needs hold throughout (INV17, INV18)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.config import Config, read_config
from core.enums import AreaKind, Move, Toggle
from core.errors import ConfigurationError, Refusal
from core.rules.areas import create_area, move_area
from core.rules.settings import Wish, set_settings, toggle_plugin
from core.settings.take_up import TakeUp
from core.testing.kit import INSTALLED, Databases
from core.work import Work
from server import Server

pytestmark = pytest.mark.needs("adoption", "points")
SIZE = 6
KEYS = ("notice_days", "rectify_days", "pass_score")
LOCKS = st.sampled_from([None, Move.MIN, Move.MAX, Move.LOCKED, Move.OPEN])
NUMBERS = st.integers(0, SIZE - 1)
SAID = st.tuples(NUMBERS, st.sampled_from(KEYS), st.integers(1, 12), LOCKS)
WORDS = st.dictionaries(
    st.tuples(NUMBERS, st.sampled_from(["adoption", "points"])), st.sampled_from(["enable", "disable"]), max_size=5
)
ONLINE = st.one_of(
    st.tuples(st.just("set"), SAID),
    st.tuples(
        st.just("toggle"), st.tuples(NUMBERS, st.sampled_from(["adoption", "points"]), st.sampled_from(["ON", "OFF"]))
    ),
    st.tuples(st.just("move"), st.tuples(NUMBERS, NUMBERS)),
)
PARENTS = st.tuples(*(st.integers(0, number - 1) for number in range(1, SIZE)))


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(databases: Databases, loop: asyncio.AbstractEventLoop) -> Iterator[Server]:
    url = databases.fresh("sqlite", "empty")
    made = loop.run_until_complete(Server.open(Config(database=url, plugins=INSTALLED)))
    # As if its facts said so: points needs adoption.
    made.runtime.kernel.__dict__["needs"] = made.runtime.kernel.needs | {"points": ("adoption",)}
    made.runtime.kernel.settings.needs = made.runtime.kernel.needs
    yield made
    loop.run_until_complete(made.close())


class Story:
    """One tree of its own in the shared database, one file about it, and what is done to it online."""

    count = 0

    def __init__(self, running: Server, path: Path) -> None:
        Story.count += 1
        self.running, self.path = running, path
        self.codes = [f"s{Story.count}-{number}" for number in range(SIZE)]
        self.ids: list[UUID] = []

    async def plant(self, parents: tuple[int, ...]) -> None:
        for number, code in enumerate(self.codes):
            parent = self.ids[parents[number - 1]] if number else None

            async def rule(work: Work, code: str = code, parent: UUID | None = parent) -> dict[str, Any]:
                area = await create_area(work, code=code, name=code, kind=AreaKind.VILLAGE, parent_id=parent)
                self.ids.append(area.id)
                return {}

            await self.running.runtime.as_system(rule)

    def write(self, words: dict[tuple[int, str], str], said: list[Any]) -> Config:
        lines = [f'database = "{self.running.config.database}"', f"plugins = {json.dumps(INSTALLED)}"]
        rows = {(number, key): (value, lock) for number, key, value, lock in said}
        for number, code in enumerate(self.codes):
            lines.append(f"[area.{code}]")
            for word in ("enable", "disable"):
                names = ", ".join(f'"{p}"' for (n, p), w in words.items() if (n, w) == (number, word))
                lines.append(f"{word} = [{names}]")
            for (n, key), (value, lock) in rows.items():
                if n == number:
                    locked = f', lock = "{str(lock).lower()}"' if lock else ""
                    lines.append(f"adoption.{key} = {{ value = {value}{locked} }}")
        self.path.write_text("\n".join(lines) + "\n", "utf-8")
        return read_config(self.path, {})

    async def online(self, kind: str, what: Any) -> None:
        async def rule(work: Work) -> dict[str, Any]:
            if kind == "move":
                await move_area(work, area_id=self.ids[what[0]], parent_id=self.ids[what[1]])
            elif kind == "toggle":
                number, plugin, state = what
                await toggle_plugin(
                    work, area_id=self.ids[number], plugin=plugin, state=Toggle(state), pilot_until=None, reason=None
                )
            else:
                number, key, value, lock = what
                wishes = [Wish(key, value, lock)]
                await set_settings(work, area_id=self.ids[number], plugin="adoption", wishes=wishes)
            return {}

        with contextlib.suppress(Refusal):
            await self.running.runtime.as_system(rule)

    async def state(self) -> list[Any]:
        """Everything an application could change, but for when it was."""
        read = self.running.runtime.database.read
        return [
            await read("SELECT version FROM core_governance"),
            await read("SELECT count(*) FROM core_event"),
            await read("SELECT * FROM core_setting ORDER BY id"),
            await read("SELECT * FROM core_area_plugin ORDER BY id"),
            await read("SELECT * FROM core_plugin_area ORDER BY id"),
        ]

    async def holds(self) -> None:
        runtime = self.running.runtime
        store, fetch = runtime.kernel.settings, runtime.database.fetch
        book = await store.read(fetch, runtime.database.dialect.mark, await store.version(fetch))
        on = {(UUID(r[0]), r[1]) for r in await runtime.database.read("SELECT area_id, plugin FROM core_plugin_area")}
        closure = await runtime.database.read(
            "SELECT descendant_id, ancestor_id FROM core_area_closure WHERE until IS NULL ORDER BY depth DESC"
        )
        for id in self.ids:
            chain = [UUID(a) for d, a in closure if UUID(d) == id]
            assert (id, "points") not in on or (id, "adoption") in on
            for plugin in ("adoption", "points"):
                assert ((id, plugin) in on) is book.is_on(plugin, chain, runtime.clock.now())
            for effective in book.effective(store.declared["adoption"], chain).values():
                assert not any(b.refuses(effective.value) for b in effective.bounds if b.area_id != id)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(PARENTS, WORDS, st.lists(SAID, max_size=5), st.lists(ONLINE, max_size=6), st.lists(ONLINE, max_size=8))
def test_a_file_applied_twice_changes_nothing_and_never_fails_for_what_was_done_online(
    running: Server,
    loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    parents: tuple[int, ...],
    words: dict[tuple[int, str], str],
    said: list[Any],
    before: list[Any],
    after: list[Any],
) -> None:
    async def story() -> None:
        tree = Story(running, tmp_path / "gongzhi.toml")
        await tree.plant(parents)
        for kind, what in before:
            await tree.online(kind, what)
        config = tree.write(words, said)
        untouched = await tree.state()
        take_up = TakeUp(config, running.runtime, {})
        try:
            await take_up.apply(config)
        except ConfigurationError:
            assert await tree.state() == untouched  # whole or not at all
            await tree.holds()
            event("the file contradicts itself")
            return
        applied = await tree.state()
        assert await take_up.apply(tree.write(words, said)) == 0
        assert await tree.state() == applied
        await tree.holds()
        for kind, what in after:
            await tree.online(kind, what)
        done = await tree.state()
        restarted = TakeUp(read_config(tree.path, {}), running.runtime, {})
        assert await restarted.apply(restarted.config) == 0
        event(f"applied; notices after what was done online: {bool(restarted.notices)}")
        assert await tree.state() == done
        await tree.holds()

    loop.run_until_complete(story())
