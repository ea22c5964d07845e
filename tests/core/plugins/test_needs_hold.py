"""INV18 for hard needs: wherever a plugin is on, what it needs is on, whatever is toggled, moved, or comes due at once.

`points` stands for a plugin that needs `adoption`: its facts say so, everything else is as it is.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core.config import Config, read_config
from core.errors import ConfigurationError, Refusal
from core.ids import new_id
from core.plugins import host
from core.testing.kit import INSTALLED, Neighbourhood, Refused, served

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]
AREA = "query($c: String!) { area(code: $c) { plugins { key state until missingNeed own } } }"
CODES = ("haicang", "xinyang", "dongfu", "haihong", "xishan", "xishan-1", "hongtang")


def points_needs_adoption(monkeypatch: pytest.MonkeyPatch) -> None:
    read = host.read_manifest

    def read_with_need(folder: Path, package: str, key: str) -> Any:
        manifest, problems = read(folder, package, key)
        return (replace(manifest, needs=("adoption",)) if manifest and key == "points" else manifest), problems

    monkeypatch.setattr(host, "read_manifest", read_with_need)


@pytest.fixture
async def needy(demo_url: str, monkeypatch: pytest.MonkeyPatch, anyio_backend: str) -> AsyncIterator[Neighbourhood]:
    points_needs_adoption(monkeypatch)
    async with served(Config(database=demo_url, plugins=INSTALLED)) as made:
        await made.trust("admin")
        yield made


async def toggle(n: Neighbourhood, area: str, plugin: str, state: str, **more: Any) -> None:
    await n.do(
        "admin", "coreTogglePlugin", "area { id }", areaId=await n.area_id(area), plugin=plugin, state=state, **more
    )


async def points_in(n: Neighbourhood, area: str) -> dict[str, Any]:
    shown = (await n.ask(None, AREA, c=area))["area"]["plugins"]
    found: dict[str, Any] = next(p for p in shown if p["key"] == "points")
    return found


async def post_an_event(n: Neighbourhood, area: str, plugin: str = "points") -> str | None:
    """An event of a plugin written past every rule; the code the database refuses it with."""
    id = (await n.server.runtime.database.read("SELECT id FROM core_area WHERE code = '" + area + "'"))[0][0]
    database, now = n.server.runtime.database, n.clock.now()
    names = "id, type, plugin, area_id, subject_tag, subject_id, authority, data, occurred_at, recorded_at"
    marks = ", ".join(database.dialect.mark(k) for k in range(1, 11))
    try:
        async with database.transaction() as transaction:
            await transaction.fetch(
                f"INSERT INTO core_event ({names}, transaction_id) VALUES ({marks}, 0)",
                new_id(), f"{plugin}.forged", plugin, id, "area", id, "SYSTEM", {}, now, now,
            )  # fmt: skip
    except Refusal as refusal:
        return refusal.code
    return None


async def check_tables(n: Neighbourhood) -> int:
    """Fold and table agree in every area; how many rows the table has."""
    runtime, now = n.server.runtime, n.clock.now()
    store = runtime.kernel.settings
    version = await store.version(runtime.database.fetch)
    book = await store.read(runtime.database.fetch, runtime.database.dialect.mark, version)
    closure = await runtime.database.read(
        "SELECT descendant_id, ancestor_id FROM core_area_closure WHERE until IS NULL ORDER BY depth DESC"
    )
    chains: dict[UUID, list[UUID]] = {}
    for descendant, ancestor in closure:
        chains.setdefault(UUID(str(descendant)), []).append(UUID(str(ancestor)))
    rows = await runtime.database.fetch("SELECT area_id, plugin, until FROM core_plugin_area")
    listed = {(UUID(str(r["area_id"])), r["plugin"]): r["until"] for r in rows}
    for id, chain in chains.items():
        assert not ((id, "points") in listed and (id, "adoption") not in listed)
        for plugin in ("adoption", "points"):
            standing = book.standing(plugin, chain, now)
            assert ((id, plugin) in listed) is standing.is_on
            if standing.is_on:
                assert (listed[id, plugin] is None) is (standing.until is None)
    return len(listed)


async def test_a_need_holds_through_moves_pilots_and_the_database_itself(needy: Neighbourhood) -> None:
    n = needy
    n.clock.set(n.clock.now())
    # Both words on, and the need goes: refused, naming both. (A12)
    with pytest.raises(Refused) as caught:
        await toggle(n, "xishan", "adoption", "OFF")
    assert caught.value.codes == ["PLUGIN_NEEDED"]
    assert "爱心积分" in caught.value.errors[0]["message"]
    # A move carries an area under one where the need is off: its own word stays, and does not count there.
    await toggle(n, "dongfu", "points", "OFF")
    await toggle(n, "dongfu", "adoption", "OFF")
    with pytest.raises(Refused) as caught:
        await toggle(n, "xishan-1", "points", "ON")
    assert caught.value.codes == ["PLUGIN_NEEDS"]
    await toggle(n, "haihong", "points", "ON")
    assert await post_an_event(n, "haihong") is None
    seen = n.server.take_up.version
    haihong, dongfu, xinyang = [await n.area_id(c) for c in ("haihong", "dongfu", "xinyang")]
    await n.do("admin", "coreMoveArea", "area { id }", areaId=haihong, parentId=dongfu)
    assert await points_in(n, "haihong") == {
        "key": "points", "state": "OFF", "until": None, "missingNeed": "adoption", "own": "ON",
    }  # fmt: skip
    assert await n.server.take_up.follow_version() or n.server.take_up.version > seen
    # The database's trigger holds it too: on, off by word, and off for want of a need.
    assert await post_an_event(n, "haihong") == "PLUGIN_DISABLED"
    assert await post_an_event(n, "dongfu") == "PLUGIN_DISABLED"
    assert await post_an_event(n, "xinyang") is None
    assert await post_an_event(n, "dongfu", "adoption") == "PLUGIN_DISABLED"
    await n.do("admin", "coreMoveArea", "area { id }", areaId=haihong, parentId=xinyang)
    assert (await points_in(n, "haihong"))["state"] == "ON"
    # A pilot of the need: who needs it ends with it, and comes back with it.
    last = n.clock.today() + timedelta(days=3)
    await toggle(n, "dongfu", "adoption", "PILOT", pilotUntil=last.isoformat())
    await toggle(n, "dongfu", "points", "ON")
    shown = await points_in(n, "dongfu")
    assert (shown["state"], shown["until"] is None) == ("ON", False)
    assert await check_tables(n) == 9 * len(INSTALLED)
    await toggle(n, "haicang", "points", "OFF")
    await toggle(n, "haihong", "points", "INHERIT")
    await toggle(n, "haicang", "adoption", "OFF")
    n.clock.advance(timedelta(days=4))
    assert await post_an_event(n, "dongfu") == "PLUGIN_DISABLED"
    await n.server.take_up.look()
    shown = await points_in(n, "dongfu")
    assert (shown["state"], shown["missingNeed"], shown["own"]) == ("OFF", "adoption", "ON")
    assert await check_tables(n) == 9 * (len(INSTALLED) - 2)
    await toggle(n, "haicang", "adoption", "ON")
    assert (await points_in(n, "dongfu"))["state"] == "ON"
    await check_tables(n)


async def test_a_need_that_comes_with_another_version_is_derived_at_boot(
    demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config(database=demo_url, plugins=INSTALLED)
    async with served(config) as n:
        await n.trust("admin")
        await toggle(n, "xishan", "adoption", "OFF")
        assert (await points_in(n, "xishan"))["state"] == "ON"
    points_needs_adoption(monkeypatch)
    async with served(config) as n:
        assert (await points_in(n, "xishan"))["missingNeed"] == "adoption"
        assert await post_an_event(n, "xishan") == "PLUGIN_DISABLED"
        assert await check_tables(n) > 0
    monkeypatch.undo()
    async with served(config) as n:
        assert (await points_in(n, "xishan"))["state"] == "ON"
        assert await post_an_event(n, "xishan") is None


async def test_needs_and_bounds_hold_under_changes_at_once(needy: Neighbourhood, tmp_path: Path) -> None:
    """Toggles, moves, settings and two files at once; whoever reads meanwhile never sees a need or a bound broken."""
    n, chance = needy, random.Random(18)
    ids = {code: await n.area_id(code) for code in CODES}
    database, done = n.server.runtime.database, asyncio.Event()
    path, files = tmp_path / "gongzhi.toml", []
    for plugin, days in (("points", 9), ("adoption", 4)):
        path.write_text(
            f'database = "{database.url}"\nplugins = {json.dumps(INSTALLED)}\n[area.haihong]\nenable = ["{plugin}"]\n'
            f"[area.hongtang]\nadoption.notice_days = {days}\n", "utf-8",
        )  # fmt: skip
        files.append(read_config(path, {}))

    async def change(k: int) -> None:
        code, plugin = chance.choice(CODES), chance.choice(("adoption", "points"))
        if k % 8 == 7:
            await n.server.take_up.apply(files[k % 16 // 8])
        elif k % 4 == 3:
            child, parents = chance.choice(
                (("xishan", ("dongfu", "xinyang")), ("haihong", ("dongfu", "xinyang", "xishan")))
            )
            await n.do("admin", "coreMoveArea", "area { id }", areaId=ids[child], parentId=ids[chance.choice(parents)])
        elif k % 4 == 2:
            value = {
                "key": "notice_days",
                "value": chance.randint(0, 20),
                "lock": chance.choice(["MIN", "MAX", "LOCKED", None]),
            }
            await n.do(
                "admin", "coreSetPluginSettings", "area { id }", areaId=ids[code], plugin="adoption", settings=[value]
            )
        else:
            await toggle(n, code, plugin, chance.choice(["ON", "OFF", "INHERIT"]))

    async def watch() -> int:
        """Each answer is one moment: in it every value is inside the bounds shown beside it, and every need is met."""
        looks = 0
        query = "{ areas { nodes { plugins { key state settings { key value bounds { move limit } } } } } }"
        table = (
            "SELECT count(*) FROM core_plugin_area p WHERE p.plugin = 'points' AND NOT EXISTS (SELECT 1 FROM"
            " core_plugin_area q WHERE q.plugin = 'adoption' AND q.area_id = p.area_id)"
        )
        while not done.is_set():
            for area in (await n.ask("admin", query))["areas"]["nodes"]:
                shown = {p["key"]: p for p in area["plugins"]}
                assert shown["points"]["state"] == "OFF" or shown["adoption"]["state"] != "OFF"
                for s in shown["adoption"]["settings"]:
                    for bound in s["bounds"]:
                        value, limit = s["value"], bound["limit"]
                        assert {"MIN": value >= limit, "MAX": value <= limit, "LOCKED": value == limit}[bound["move"]]
            assert (await database.read(table))[0][0] == 0
            looks += 1
        return looks

    watching = asyncio.create_task(watch())
    results = await asyncio.gather(*(change(k) for k in range(48)), return_exceptions=True)
    done.set()
    assert await watching > 0
    wrong = [r for r in results if isinstance(r, BaseException) and not isinstance(r, (Refused, ConfigurationError))]
    assert wrong == []
    codes = {r.codes[0] for r in results if isinstance(r, Refused)}
    assert codes <= {
        "PLUGIN_NEEDS", "PLUGIN_NEEDED", "SETTING_TOO_LOOSE", "VERSION_CONFLICT", "AREA_CYCLE", "SETTING_PINNED_BY_FILE",
        "SETTINGS_CONTRADICT", "BUSY",  # whoever waits for a row too long
    }, codes  # fmt: skip
    assert sum(r is None for r in results) > 12
    await check_tables(n)
