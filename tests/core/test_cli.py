"""The commands, as a person runs them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from core.testing import process


def gongzhi(folder: Path, *arguments: str, given: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {"GONGZHI_DATABASE": f"sqlite:{folder}/cli.db", **environment}
    return process.gongzhi(folder, *arguments, given=given, **environment)


def test_explain_prints_the_statement_and_its_parameters(tmp_path: Path) -> None:
    done = gongzhi(tmp_path, "explain", "-", given="{ areas(first: 7) { nodes { code } } }")
    assert done.returncode == 0, done.stderr
    assert "FROM core_area" in done.stdout
    assert "?1 int (argument) = 7" in done.stdout


def test_explain_tells_what_is_wrong_with_a_document(tmp_path: Path) -> None:
    done = gongzhi(tmp_path, "explain", "-", given="{ nothing }")
    assert done.returncode == 2
    assert "Cannot query field 'nothing'" in done.stderr


def test_the_first_administrator_can_be_made_once(tmp_path: Path) -> None:
    arguments = ("admin", "create", "--login", "root", "--name", "林晓敏", "--area", "haicang", "--area-name", "海沧区")
    done = gongzhi(tmp_path, *arguments, GONGZHI_ADMIN_PASSWORD="long enough 1")
    assert done.returncode == 0, done.stderr
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
