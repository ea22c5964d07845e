"""The end of a plugin: off, out of the list, reported, exported, purged; core and the log go on. And back again."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from core.testing.kit import INSTALLED, Databases
from core.testing.process import gongzhi

pytestmark = pytest.mark.needs("adoption", "points")


OTHERS = tuple(key for key in INSTALLED if key != "points")


def configure(folder: Path, url: str, *plugins: str) -> None:
    (folder / "gongzhi.toml").write_text(f'database = "{url}"\nplugins = {json.dumps(plugins)}\n', "utf-8")


def test_a_plugin_ends_and_begins_again(databases: Databases, demo_url: str, tmp_path: Path, dialect: str) -> None:
    configure(tmp_path, demo_url, *INSTALLED)
    assert gongzhi(tmp_path, "check").returncode == 0
    nowhere = gongzhi(tmp_path, "plugin", "replay", "points", "--area", "xisahn")
    assert nowhere.returncode == 2
    assert "there is no area with the code 'xisahn'; did you mean 'xishan'?" in nowhere.stderr
    purge = gongzhi(tmp_path, "plugin", "purge", "points", "--yes")
    assert purge.returncode == 2
    assert "points is installed: take it out of plugins" in purge.stderr

    configure(tmp_path, demo_url, *OTHERS)
    checked = json.loads(gongzhi(tmp_path, "check", "--json").stdout)
    assert checked["ok"] is True
    assert [(n["code"], n["plugin"]) for n in checked["notices"]] == [("ORPHANED_TABLES", "points")]
    for table in ("points_account", "points_entry", "points_rule"):
        assert table in checked["notices"][0]["message"]
    shown = gongzhi(tmp_path, "config", "show", "xishan", "--json")
    assert [p["plugin"] for p in json.loads(shown.stdout)["plugins"]] == sorted(OTHERS)

    done = gongzhi(tmp_path, "plugin", "export", "points", "--to", "out")
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "out" / "export.json").read_text())
    assert about["rows"]["points_account"] == 1
    entries = [json.loads(line) for line in (tmp_path / "out" / "points_entry.jsonl").read_text().splitlines()]
    assert len(entries) == about["rows"]["points_entry"]
    assert sum(e["amount"] for e in entries) == 35
    again = gongzhi(tmp_path, "plugin", "export", "points", "--to", "out")
    assert (again.returncode, "is not empty" in again.stderr) == (2, True)
    purge = gongzhi(tmp_path, "plugin", "purge", "points", "--yes")
    assert purge.returncode == 0, purge.stderr
    assert json.loads(gongzhi(tmp_path, "check", "--json").stdout)["notices"] == []
    nothing = gongzhi(tmp_path, "plugin", "purge", "points", "--yes")
    assert "has no tables of points" in nothing.stderr

    configure(tmp_path, demo_url, *INSTALLED)
    back = gongzhi(tmp_path, "plugin", "list", "--json")
    migrated = gongzhi(tmp_path, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    assert "applied points.0001_initial" in migrated.stdout
    assert {p["key"]: p["status"] for p in json.loads(back.stdout)} == dict.fromkeys(INSTALLED, "OK")
    if dialect == "sqlite":
        with sqlite3.connect(demo_url.removeprefix("sqlite:")) as connection:
            types = [
                r[0]
                for r in connection.execute(
                    "SELECT type FROM core_event WHERE type LIKE '%points%' OR type LIKE '%purged'"
                )
            ]
            assert "points.entry.posted" in types
            assert "core.plugin.purged" in types
            assert connection.execute("SELECT count(*) FROM points_entry").fetchone() == (0,)
