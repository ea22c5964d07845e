"""The time zone is the database's as well as the file's: an edit alone moves no window, term or period."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.testing.kit import INSTALLED, Databases, Neighbourhood, served
from core.testing.process import gongzhi
from tests.kits.guards import refused


def configure(folder: Path, url: str, zone: str | None) -> None:
    line = f'time_zone = "{zone}"\n' if zone else ""
    (folder / "gongzhi.toml").write_text(f'{line}database = "{url}"\nplugins = {json.dumps(INSTALLED)}\n', "utf-8")


def test_another_zone_is_refused_until_it_is_meant(databases: Databases, demo_url: str, tmp_path: Path) -> None:
    configure(tmp_path, demo_url, "Asia/Urumqi")
    stopped = gongzhi(tmp_path, "serve")
    said = "gongzhi.toml:1: this database counts its days in Asia/Shanghai, and time_zone is Asia/Urumqi"
    assert (stopped.returncode, said in stopped.stderr) == (2, True), stopped.stderr
    told = gongzhi(tmp_path, "check", "--json", LC_ALL="zh_CN.UTF-8")
    problem = json.loads(told.stdout)["problems"][0]
    assert (told.returncode, problem["code"], problem["line"]) == (2, "TIME_ZONE_CHANGED", 1)
    assert "请改回 Asia/Shanghai" in problem["message"]

    assert gongzhi(tmp_path, "config", "time-zone", given="n\n").returncode == 1
    assert gongzhi(tmp_path, "apply").returncode == 2
    moved = gongzhi(tmp_path, "config", "time-zone", "--yes")
    assert moved.stdout == "this database counts its days in Asia/Urumqi from now on, and no longer in Asia/Shanghai\n"
    assert gongzhi(tmp_path, "config", "time-zone").stdout.endswith("nothing to change\n")
    assert gongzhi(tmp_path, "apply").returncode == 0

    configure(tmp_path, demo_url, None)
    unset = gongzhi(tmp_path, "apply")
    assert (unset.returncode, "counts its days in Asia/Urumqi" in unset.stderr) == (2, True)
    configure(tmp_path, demo_url, "Asia/Shanghai")
    assert gongzhi(tmp_path, "config", "time-zone", given="y\n").returncode == 0


@pytest.mark.anyio
async def test_the_first_start_notes_the_zone_and_the_log_says_when_it_moved(
    databases: Databases, demo_url: str, tmp_path: Path
) -> None:
    configure(tmp_path, demo_url, "Asia/Urumqi")
    assert gongzhi(tmp_path, "config", "time-zone", "--yes").returncode == 0
    configure(tmp_path, demo_url, "Asia/Shanghai")
    assert gongzhi(tmp_path, "config", "time-zone", "--yes").returncode == 0
    async with served(databases.config(demo_url)) as n:
        read = n.server.runtime.database.read
        assert [tuple(row) for row in await read("SELECT time_zone FROM core_governance")] == [("Asia/Shanghai",)]
        rows = await read("SELECT data FROM core_event WHERE type = 'core.time_zone.moved' ORDER BY seq")
        found = [json.loads(data) for (data,) in rows]
        assert [(d["from"], d["to"]) for d in found] == [
            ("Asia/Shanghai", "Asia/Urumqi"), ("Asia/Urumqi", "Asia/Shanghai"),
        ]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("zone", ["NULL", "'Asia/Urumqi'"])
async def test_a_zone_does_not_move_by_the_way(neighbourhood: Neighbourhood, zone: str) -> None:
    assert await refused(neighbourhood, f"UPDATE core_governance SET time_zone = {zone}") == "INVALID_VALUE"
