"""The commands, as a person runs them."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import subprocess
from pathlib import Path

import pytest

from core.testing import process


def gongzhi(folder: Path, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"GONGZHI_DATABASE": f"sqlite:{folder}/cli.db", **environment}
    return process.gongzhi(folder, *arguments, given=given, **environment)


def test_explain_prints_the_statement_and_its_parameters(tmp_path: Path) -> None:
    done = gongzhi(tmp_path, "explain", "-", given="{ areas(first: 7) { nodes { code } } }")
    assert done.returncode == 0, done.stderr
    assert "FROM core_area" in done.stdout
    assert "?1 int (argument) = 7" in done.stdout


def test_explain_tells_the_cost_and_the_ways_to_the_tables(tmp_path: Path, empty_url: str) -> None:
    query = (
        "query Two($n: Int!) { activities(first: $n) { nodes { title organizer { name } } } links { nodes { id } } }"
    )
    arguments = ("explain", "-", "--variables", '{"n": 7}')
    done = gongzhi(tmp_path, *arguments, given=query, GONGZHI_DATABASE=empty_url)
    assert done.returncode == 0, done.stderr
    assert "cost 77: 50 for the request, 27 for rows" in done.stdout
    assert re.search(r"-- core_actor: by \w+ \(", done.stdout), done.stdout
    shown = json.loads(gongzhi(tmp_path, *arguments, "--json", given=query, GONGZHI_DATABASE=empty_url).stdout)
    assert shown["roots"] == ["activities", "links"]
    assert shown["cost"] == {"total": 77, "request": 50, "rows": 27, "fields": 0, "limit": 100_000}
    assert shown["parameters"][0] == {
        "mark": shown["parameters"][0]["mark"],
        "type": "int",
        "name": "argument",
        "value": 7,
    }
    assert {p["table"] for p in shown["paths"]} >= {"core_activity", "core_actor", "core_link"}
    assert shown["sql"].startswith("SELECT ")


def test_explain_names_what_is_read_from_end_to_end(tmp_path: Path) -> None:
    query = '{ activities(where: {title: {contains: "茶"}}) { totalCount } }'
    done = gongzhi(tmp_path, "explain", "-", given=query)
    assert "! core_activity: full scan, every row is read" in done.stdout, done.stdout
    done = gongzhi(tmp_path, "explain", "-", given=query, LC_ALL="zh_CN.UTF-8")
    assert "! core_activity:全表扫描,逐行读取" in done.stdout


def test_explain_of_what_needs_no_statement_says_so(tmp_path: Path) -> None:
    done = gongzhi(tmp_path, "explain", "-", given="{ version __schema { types { name } } }")
    assert done.returncode == 0, done.stderr
    assert "SELECT" not in done.stdout
    assert "cost 1050:" in done.stdout


def test_explain_refuses_what_the_server_would_refuse(tmp_path: Path) -> None:
    many = "{ areas(first: 100) { nodes { actors(first: 100) { nodes { participations(first: 100) { nodes { id } } } } } } }"
    for given, said in (("{ areas(first: 900) { nodes { id } } }", "0 to 100"), (many, "1010100 rows")):
        done = gongzhi(tmp_path, "explain", "-", given=given)
        assert done.returncode == 2
        assert said in done.stderr


def test_explain_tells_what_is_wrong_with_a_document(tmp_path: Path) -> None:
    done = gongzhi(tmp_path, "explain", "-", given="{ nothing }")
    assert done.returncode == 2
    assert "Cannot query field 'nothing'" in done.stderr


@pytest.mark.needs("adoption", "points")
def test_root_fields_that_are_not_compiled_are_listed_with_their_reasons(tmp_path: Path) -> None:
    (tmp_path / "gongzhi.toml").write_text('plugins = ["adoption", "points"]\n', "utf-8")
    done = gongzhi(tmp_path, "schema", "fallbacks")
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ") for line in done.stdout.splitlines()[2:]]
    roots = [
        "can", "canMany", "coreErasurePreview", "coreMergePreview", "dutyHolders", "plugins", "pointsEventTypes",
        "signInProviders", "version",
    ]  # fmt: skip
    assert [row[0].strip("| `") for row in rows] == roots
    assert [row[1] for row in rows] == ["points" if root == "pointsEventTypes" else "core" for root in roots]
    assert "not told" not in done.stdout
    assert all(len(row[2]) > 20 for row in rows)


def test_the_first_administrator_can_be_made_once(tmp_path: Path) -> None:
    arguments = ("admin", "create", "--login", "root", "--name", "林晓敏", "--area", "haicang", "--area-name", "海沧区")
    done = gongzhi(tmp_path, *arguments, GONGZHI_ADMIN_PASSWORD="long enough 1")
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE((tmp_path / "cli.db").stat().st_mode) == 0o600
    with sqlite3.connect(tmp_path / "cli.db") as database:
        (hashed,) = database.execute("SELECT password_hash FROM core_account").fetchone()
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")  # RFC 9106 §4, the second choice
    again = gongzhi(tmp_path, *arguments, GONGZHI_ADMIN_PASSWORD="long enough 1")
    assert again.returncode == 2
    assert "LOGIN_TAKEN" in again.stderr


def test_demo_accounts_are_not_shown_to_other_machines(tmp_path: Path) -> None:
    made = gongzhi(tmp_path, "demo", "--small", "--database", f"sqlite:{tmp_path}/cli.db")
    assert made.returncode == 0, made.stderr
    done = gongzhi(tmp_path, "serve", GONGZHI_HOST="0.0.0.0")
    assert done.returncode == 2
    assert "demo accounts" in done.stderr


def test_a_mistake_in_the_file_is_told_with_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "gongzhi.toml").write_text('databse = "sqlite:x.db"\nport = 99999\nlanguage = "fr"\n', "utf-8")
    done = gongzhi(tmp_path, "migrate")
    assert done.returncode == 2
    for said in (
        "gongzhi.toml:1: unknown key databse; did you mean 'database'",
        "99999",
        "gongzhi.toml:3:",
        "zh-CN or en",
    ):
        assert said in done.stderr


def test_a_database_that_nobody_has_served_yet_is_told_to_be_empty(tmp_path: Path) -> None:
    assert gongzhi(tmp_path, "migrate").returncode == 0
    for command in (("check",), ("plugin", "list")):
        done = gongzhi(tmp_path, *command)
        assert done.returncode == 0, done.stderr
        assert "not been set up yet" in done.stderr


def test_the_matrix_of_permissions_is_printed(tmp_path: Path, demo_url: str) -> None:
    declared = gongzhi(tmp_path, "permissions")
    assert declared.returncode == 0, declared.stderr
    line = next(x.split() for x in declared.stdout.splitlines() if x.startswith("core.actor.merge"))
    assert line == ["core.actor.merge", "-", "-", "✓", "✓"]
    (tmp_path / "gongzhi.toml").write_text('[area.xishan]\npermissions."core.actor.register" = ["ADMIN"]\n', "utf-8")
    here = {"GONGZHI_DATABASE": demo_url}
    applied = gongzhi(tmp_path, "apply", **here)
    assert applied.returncode == 0, applied.stderr
    asked = ("permissions", "--area", "xishan", "--person", "clerk")
    printed = gongzhi(tmp_path, *asked, **here)
    assert printed.returncode == 0, printed.stderr
    shown = printed.stdout
    line = next(x for x in shown.splitlines() if x.startswith("core.actor.register"))
    assert line.split() == [
        "core.actor.register",
        "cut",
        "by",
        "xishan",
        "-",
        "cut",
        "by",
        "xishan",
        "✓",
        "✗",
        "ROLE_CUT",
    ]
    rows = json.loads(gongzhi(tmp_path, *asked, "--json", **here).stdout)["permissions"]
    found = {row["permission"]: row["clerk"] for row in rows}
    assert found["core.actor.read"] == {
        "allowed": True, "reason": "BY_ROLE", "message": "A role of yours carries it here.", "until": None,
    }  # fmt: skip
    effective = gongzhi(tmp_path, "config", "show", "xishan", **here).stdout
    assert 'core.actor.register = ["ADMIN"]  # xishan, gongzhi.toml:2; subset ["ADMIN"] (xishan)' in effective
    nobody = gongzhi(tmp_path, "permissions", "--area", "xishan", "--person", "nobody", **here)
    assert (nobody.returncode, "no active account with the login 'nobody' in" in nobody.stderr) == (2, True)
    assert "sqlite:" not in demo_url or demo_url in nobody.stderr
    none = gongzhi(tmp_path, "permissions", "--area", "xishan", GONGZHI_DATABASE=f"sqlite:{tmp_path}/none.db")
    assert none.returncode == 2 and f"the database sqlite:{tmp_path}/none.db has not been set up yet" in none.stderr
    assert gongzhi(tmp_path, "permissions", "--person", "clerk", **here).returncode == 2
