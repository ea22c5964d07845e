"""A changed file is taken up without a restart, whole or not at all, by every worker; reloading costs no memory."""

from __future__ import annotations

import gc
import json
import sys
import time
import tomllib
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from core.cli.editing import comments, keep_comments
from core.clock import Clock
from core.config import read_config
from core.plugins.host import Host
from core.settings.take_up import TakeUp, read_areas
from core.testing.kit import INSTALLED, Databases, Neighbourhood
from core.testing.process import gongzhi, start

pytestmark = pytest.mark.needs("adoption", "points")
HEAD = f'plugins = {json.dumps(INSTALLED)}\n[area.haicang]\nenable = ["adoption", "points"]\n'
DAYS = "[area.xishan]\nadoption.notice_days = {days}\n"
QUERY = '{ area(code: "xishan") { plugins { key settings { key value origin pinned } } } }'


def ask(address: str, query: str) -> dict[str, Any]:
    request = Request(f"{address}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def notice_days(address: str) -> int:
    plugins = ask(address, QUERY)["data"]["area"]["plugins"]
    settings = next(p for p in plugins if p["key"] == "adoption")["settings"]
    return int(next(s for s in settings if s["key"] == "notice_days")["value"])


def test_two_workers_see_a_changed_file_within_two_seconds(databases: Databases, demo_url: str, tmp_path: Path) -> None:
    file = tmp_path / "gongzhi.toml"
    head = f'database = "{demo_url}"\n' + HEAD
    file.write_text(head + DAYS.format(days=10), "utf-8")
    workers, addresses = [], []
    try:
        for k in range(2):
            log = tmp_path / f"{k}.log"
            log.write_text("")
            workers.append(start(tmp_path, "serve", out=log, environment={"GONGZHI_PORT": "0"}))
            end = time.monotonic() + 30
            while "gongzhi serves " not in log.read_text() and time.monotonic() < end:
                time.sleep(0.05)
            addresses.append(log.read_text().split("gongzhi serves ")[1].split("/graphql")[0])
        assert [notice_days(a) for a in addresses] == [10, 10]
        file.write_text(head + DAYS.format(days=20), "utf-8")
        changed = time.monotonic()
        while [notice_days(a) for a in addresses] != [20, 20] and time.monotonic() - changed < 10:
            time.sleep(0.05)
        assert [notice_days(a) for a in addresses] == [20, 20]
        took = time.monotonic() - changed
        assert took < 2.0, f"took {took:.1f} s"
        # A wrong file is told and changes nothing, not even its good half.
        file.write_text(head + DAYS.format(days=30) + 'adoption.pass_score = "high"\n', "utf-8")
        wait_for_problem(addresses[0], "BAD_SETTING")
        assert [notice_days(a) for a in addresses] == [20, 20]
        # What needs a restart says so, and the former file goes on.
        file.write_text(
            head.replace("[area.haicang]", 'language = "en"\n[area.haicang]') + DAYS.format(days=30), "utf-8"
        )
        problem = wait_for_problem(addresses[1], "NEEDS_RESTART")
        assert "language" in problem["message"]
        assert [notice_days(a) for a in addresses] == [20, 20]
        file.write_text("", "utf-8")
        wait_for_problem(addresses[0], "FILE_EMPTY")
        assert [notice_days(a) for a in addresses] == [20, 20]
        # Mended, it is taken up; the pin is gone with the line.
        file.write_text(head, "utf-8")
        end = time.monotonic() + 10
        while [notice_days(a) for a in addresses] != [0, 0] and time.monotonic() < end:
            time.sleep(0.05)
        assert [notice_days(a) for a in addresses] == [0, 0]
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join(20)
            assert worker.exitcode == 0


def wait_for_problem(address: str, code: str) -> dict[str, Any]:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with urlopen(f"{address}/readyz", timeout=10) as answer:
            problems = json.load(answer).get("configuration", [])
        if problems and problems[0]["code"] == code:
            found: dict[str, Any] = problems[0]
            return found
        time.sleep(0.05)
    raise AssertionError(f"{code} was never reported")


def write(path: Path, body: str) -> Any:
    path.write_text(body, "utf-8")
    return read_config(path, {})


@pytest.mark.anyio
async def test_the_same_file_twice_changes_nothing(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    runtime, path = n.server.runtime, tmp_path / "gongzhi.toml"
    await n.delivered()
    await n.quiet()
    take_up = TakeUp(write(path, HEAD + DAYS.format(days=10)), runtime, {})
    assert await take_up.apply(take_up.config) == 3
    events = "SELECT count(*) FROM core_event"
    before = (await runtime.database.read(events))[0][0], take_up.version
    assert await take_up.apply(read_config(path, {})) == 0
    assert ((await runtime.database.read(events))[0][0], take_up.version) == before


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)  # it is about the process, not about the database
async def test_200_reloads_leave_memory_flat(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    take_up = TakeUp(write(path, HEAD + DAYS.format(days=10)), neighbourhood.server.runtime, {})
    await take_up.apply(take_up.config)

    async def reload(number: int) -> None:
        config = write(path, HEAD + DAYS.format(days=10 + number % 2))
        assert await take_up.apply(config) == 1

    for number in range(1, 21):
        await reload(number)
    gc.collect()
    first = sys.getallocatedblocks()
    for number in range(21, 221):
        await reload(number)
    gc.collect()
    grown = sys.getallocatedblocks() - first
    assert grown < 2_000, f"{grown} blocks of memory after 200 reloads"


@pytest.mark.anyio
async def test_what_the_file_writes_no_mutation_changes(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    path = tmp_path / "gongzhi.toml"
    take_up = TakeUp(write(path, HEAD + DAYS.format(days=10) + 'disable = ["points"]\n'), n.server.runtime, {})
    await take_up.apply(take_up.config)
    xishan, haicang = await n.area_id("xishan"), await n.area_id("haicang")
    twelve = {"plugin": "adoption", "settings": [{"key": "notice_days", "value": 12}]}
    setting = ("coreSetPluginSettings", "area { id }")
    try:
        await n.do("admin", *setting, areaId=xishan, **twelve)
        raise AssertionError("not refused")
    except AssertionError as refused:
        assert refused.codes == ["SETTING_PINNED_BY_FILE"]  # type: ignore[attr-defined]
        assert "gongzhi.toml" in str(refused)
        assert "5" in refused.errors[0]["message"]  # type: ignore[attr-defined]
    toggle = ("coreTogglePlugin", "area { id }")
    assert await n.refused("admin", *toggle, areaId=xishan, plugin="points", state="ON") == "SETTING_PINNED_BY_FILE"
    # What the file leaves open is open; an upper value by mutation bounds the file's from then on.
    thirty = {"plugin": "adoption", "settings": [{"key": "notice_days", "value": 30, "lock": "MIN"}]}
    await n.do("admin", *setting, areaId=haicang, **thirty)
    settings = (await n.ask(None, QUERY))["area"]["plugins"][0]["settings"]
    assert next(s for s in settings if s["key"] == "notice_days") == {
        "key": "notice_days", "value": 30, "origin": "BOUND", "pinned": True,
    }  # fmt: skip


@pytest.mark.anyio
async def test_the_first_file_waits_for_areas(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    from core.enums import AreaKind
    from core.rules.areas import create_area
    from server import Server

    path = tmp_path / "gongzhi.toml"
    config = write(path, f'database = "{empty_url}"\n' + HEAD + DAYS.format(days=10))
    running = await Server.open(config, environment={})
    try:
        assert [p.code for p in running.notices] == ["AREAS_NOT_YET"]

        async def rule(work: Any) -> dict[str, Any]:
            root = await create_area(work, code="haicang", name="海沧区", kind=AreaKind.DISTRICT, parent_id=None)
            await work.flush_now()
            await create_area(work, code="xishan", name="西山社", kind=AreaKind.VILLAGE, parent_id=root.id)
            return {}

        await running.runtime.as_system(rule)
        await running.take_up.look()
        on = await running.runtime.database.read("SELECT count(*) FROM core_plugin_area")
        assert on[0][0] == 4
    finally:
        await running.close()


def test_a_file_with_comments_and_windows_line_ends_is_edited_in_place(tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_bytes(
        b'# ours\r\nplugins = ["adoption", "points"]  # both\r\n\r\n[area.xishan]  # the village\r\n'
        b'disable = ["points"]  # by the meeting of "June"\r\nadoption.notice_days = 9\r\n'
    )
    done = gongzhi(tmp_path, "plugin", "enable", "points", "--area", "xishan")
    assert done.returncode == 0, done.stderr
    text = path.read_bytes().decode()
    for kept in (
        "# ours\r\n",
        "# both\r\n",
        "# the village\r\n",
        "adoption.notice_days = 9\r\n",
        '\n# by the meeting of "June"\r\n',
    ):
        assert kept in text
    assert len(comments(text)) == 4
    config = read_config(path, {})
    host = Host.load(config.plugins)
    rows = read_areas(config, host.keys, host.settings, Clock())
    assert [(t.area, t.plugin, str(t.state)) for t in rows.toggles] == [("xishan", "points", "ON")]
    assert gongzhi(tmp_path, "plugin", "disable", "points", "--area", "hongtang").returncode == 0
    before = path.read_bytes()
    for wrong in (("enable", "pionts", "--area", "xishan"), ("enable", "points")):
        refused = gongzhi(tmp_path, "plugin", *wrong)
        assert refused.returncode == 2
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('a = 1  # why\nb = "#"\n', 'b = "#"\n'),
        ("x = [\n  1, # one\n  2, # two\n]\n", "x = [\n  2, # two\n]\n"),
        ("[p]\nx = 1 # same\ny = 2 # same\n", "[p]\ny = 2 # same\n"),
        ("x = 1 # last", ""),
        ('t = """\n# no comment\n"""\nx = 1 # \u2028 odd\n', 't = """\n# no comment\n"""\n'),
    ],
)
def test_a_comment_outlives_its_line(old: str, new: str) -> None:
    kept = keep_comments(old, new)
    assert sorted(c for _, c in comments(kept)) == sorted(c for _, c in comments(old))
    assert tomllib.loads(kept) == tomllib.loads(new)
    assert keep_comments(old, old) == old


@pytest.mark.anyio
async def test_whoever_follows_changes_is_told_of_each(neighbourhood: Neighbourhood) -> None:
    """What subscriptions are fed from: the version in force, and every later one that is seen."""
    import asyncio

    n = neighbourhood
    seen: list[int] = []

    async def follow() -> None:
        async for version in n.server.take_up.changes():
            seen.append(version)
            if len(seen) == 3:
                return

    following = asyncio.create_task(follow())
    haicang = await n.area_id("haicang")
    for state in ("OFF", "ON"):
        await n.do("admin", "coreTogglePlugin", "area { id }", areaId=haicang, plugin="points", state=state)
        await n.server.take_up.follow_version()
    await asyncio.wait_for(following, 5)
    assert seen == sorted(set(seen))
    assert len(seen) == 3
