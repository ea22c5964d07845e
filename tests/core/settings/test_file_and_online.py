"""The file and what was done online: a server starts whatever mutations, documents and the tree have come to say."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
import typer

import server
from core.cli import configuring
from core.cli.editing import edit, enable
from core.cli.ending import export
from core.config import Config, read_config
from core.errors import ConfigurationError
from core.testing.kit import INSTALLED, Databases, Neighbourhood, served
from core.testing.process import gongzhi

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]
HEAD = f'plugins = {json.dumps(INSTALLED)}\n[area.haicang]\nenable = ["adoption", "points"]\n'
SETTING = ("coreSetPluginSettings", "area { id }")
NOTICE_DAYS = '{ area(code: "xishan") { plugins { key settings { key value origin } } } }'


def write(path: Path, url: str, body: str, head: str = HEAD) -> Config:
    path.write_text(f'database = "{url}"\n{head}{body}', "utf-8")
    return read_config(path, {})


async def notice_days(n: Neighbourhood) -> tuple[int, str]:
    plugins = (await n.ask(None, NOTICE_DAYS))["area"]["plugins"]
    settings = next(p for p in plugins if p["key"] == "adoption")["settings"]
    found = next(s for s in settings if s["key"] == "notice_days")
    return found["value"], found["origin"]


async def until(what: Any) -> None:
    """Wait until something holds; an assertion error says what it was."""
    for _ in range(200):
        if await what():
            return
        await asyncio.sleep(0.05)
    assert await what()


async def test_no_mutation_document_or_move_can_stop_the_next_start(demo_url: str, tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    cites = '{ value = 10, document = "认领管理办法", article = "第三条" }'
    async with served(Config(database=demo_url, plugins=INSTALLED)) as n:
        await n.trust("admin")
        haicang, xishan, haihong = [await n.area_id(c) for c in ("haicang", "xishan", "haihong")]
        issue = {"areaId": haicang, "issuerId": await n.actor_id("西山社村民委员会"), "title": "认领管理办法"}
        made = await n.do(
            "admin", "coreIssueRuleDocument", "ruleDocument { id }", **issue, edition="一", effectiveFrom="2020-01-01"
        )
        document = made["ruleDocument"]["id"]
    body = f"[area.haihong]\nadoption.rectify_days = 5\n[area.xishan]\nadoption.notice_days = {cites}\nadoption.rectify_days = 9\n"
    config = write(path, demo_url, body)
    async with served(config) as n:
        await n.trust("admin")
        assert n.server.notices == []
        assert await notice_days(n) == (10, "FILE")
        thirty = {"key": "notice_days", "value": 30, "lock": "MIN"}
        await n.do("admin", *SETTING, areaId=haicang, plugin="adoption", settings=[thirty])
        withdraw = {"ruleDocumentId": document, "reason": "重新制定"}
        await n.do("admin", "coreWithdrawRuleDocument", "ruleDocument { state }", **withdraw)
        await n.do("admin", "coreMoveArea", "area { id }", areaId=xishan, parentId=haihong)

        async def told() -> bool:
            return len((await n.http.get("/readyz")).json().get("notices", [])) == 3

        await until(told)  # without a restart
    async with served(read_config(path, {})) as n:
        said = {p.code: p.text() for p in n.server.notices}
        assert set(said) == {"DOCUMENT_NOT_IN_FORCE", "SETTING_IS_HELD"}
        held = [p.text() for p in n.server.notices if p.code == "SETTING_IS_HELD"]
        assert held == [
            f"{path}:8: adoption.notice_days = 10 is looser than haicang allows by now (min 30); 30 holds",
            f"{path}:9: adoption.rectify_days = 9 is looser than haihong allows by now (max 5); 5 holds",
        ]
        assert (
            said["DOCUMENT_NOT_IN_FORCE"] == f"{path}:8: 《认领管理办法》, cited in xishan, is not in force: withdrawn"
        )
        assert await notice_days(n) == (30, "BOUND")
        # What the file itself says looser than itself is still an error, and changes nothing.
        again = write(path, demo_url, body.replace("rectify_days = 9", "rectify_days = 8"))
        with pytest.raises(ConfigurationError) as caught:
            await n.server.take_up.apply(again)
        assert [p.code for p in caught.value.problems] == ["SETTING_TOO_LOOSE"]  # type: ignore[union-attr]
        # A title that never was is an error too.
        never = write(path, demo_url, body.replace("认领管理办法", "从未有过的办法"))
        with pytest.raises(ConfigurationError) as caught:
            await n.server.take_up.apply(never)
        assert [p.code for p in caught.value.problems] == ["UNKNOWN_DOCUMENT"]  # type: ignore[union-attr]


async def test_a_changed_file_is_taken_up_whatever_happens_meanwhile(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited between reading and starting; a database error on the way; a file of which the server knew nothing."""
    url, path = databases.fresh("sqlite", "demo"), tmp_path / "gongzhi.toml"
    config = write(path, url, "[area.xishan]\nadoption.notice_days = 10\n")
    running = await server.Server.open(config, environment={})
    days = '{ area(code: "xishan") { plugins { key settings { key value } } } }'

    async def now() -> int:
        answer = orjson.loads(orjson.dumps(await running.graphql.execute(days)))
        adoption = next(p for p in answer["data"]["area"]["plugins"] if p["key"] == "adoption")
        return int(next(s for s in adoption["settings"] if s["key"] == "notice_days")["value"])

    async def is_(value: int) -> bool:
        return await now() == value

    async def nothing_is_wrong() -> bool:
        return running.take_up.problems == []

    try:
        assert await now() == 10
        write(path, url, "[area.xishan]\nadoption.notice_days = 11\n")
        await running.start()
        await until(lambda: is_(11))
        await running.runtime.jobs.stop()
        await running.runtime.dispatcher.settle()
        await running.runtime.dispatcher.stop()  # only the file asks from here on
        real, failed = running.runtime.as_system, []

        async def flaky(rule: Any, **more: Any) -> Any:
            if len(failed) < 2:
                failed.append([p.code for p in running.take_up.problems])
                raise OSError("connection reset")
            return await real(rule, **more)

        monkeypatch.setattr(running.runtime, "as_system", flaky)
        write(path, url, "[area.xishan]\nadoption.notice_days = 12\n")
        await until(lambda: is_(12))
        assert failed == [[], ["TAKE_UP_FAILED"]]
        await until(nothing_is_wrong)  # told a moment after it holds
    finally:
        await running.close()

    path.unlink()
    monkeypatch.chdir(tmp_path)
    bare = read_config(None, {"GONGZHI_DATABASE": url})
    assert bare.file is None
    running = await server.Server.open(bare, environment={"GONGZHI_DATABASE": url})
    try:
        await running.start()
        assert await now() == 0
        path.write_text(HEAD.partition("\n")[2] + "[area.xishan]\nadoption.notice_days = 13\n", "utf-8")
        await until(lambda: is_(13))
    finally:
        await running.close()


async def test_looking_changes_nothing(
    demo_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`config show` and `plugin export` write nothing; what would hold is shown, and that it does not hold yet."""
    monkeypatch.setenv("LC_ALL", "C")
    path = tmp_path / "gongzhi.toml"
    config = write(path, demo_url, "[area.xishan]\nadoption.notice_days = 10\n")
    running = await server.Server.open(config)
    await running.close()

    async def state() -> list[Any]:
        database = await server.Database.connect(demo_url, server.load_host(config).apps())
        try:
            version = (
                "SELECT version, file_digest, file_applied_at, (SELECT count(*) FROM core_event) FROM core_governance"
            )
            return list((await database.read(version))[0])
        finally:
            await database.close()

    before = await state()

    async def show(body: str) -> tuple[int, int, bool, list[str], str]:
        code = 0
        capsys.readouterr()
        try:
            await configuring.show(
                write(path, demo_url, f"[area.xishan]\nadoption.notice_days = {body}\n"), "xishan", True
            )
        except typer.Exit as end:
            code = end.exit_code
        said = capsys.readouterr()
        found = json.loads(said.out)
        adoption = next(p for p in found["plugins"] if p["plugin"] == "adoption")
        problems = [p["code"] for p in found["problems"]]
        return code, adoption["settings"]["notice_days"]["value"], found["applied"], problems, said.err

    assert await show("10") == (0, 10, True, [], "")
    *found, said = await show("20")
    assert found == [0, 20, False, []]
    assert "gongzhi.toml: the file differs from what is applied" in said
    *found, said = await show('"many"')
    assert found == [2, 10, True, ["BAD_SETTING"]]
    assert "adoption.notice_days: expected a whole number" in said
    await export(read_config(path, {}), "points", tmp_path / "out")
    assert json.loads((tmp_path / "out" / "export.json").read_text())["rows"]["points_account"] == 1
    assert await state() == before


@pytest.mark.parametrize(("kind", "command"), [("text", "serve"), ("text", "check"), ("folder", "check")])
def test_a_path_that_is_no_database_is_told_at_once(tmp_path: Path, kind: str, command: str) -> None:
    target = tmp_path / "wrong.db"
    if kind == "folder":
        target.mkdir()
    else:
        target.write_text("not a database, " * 100)
    (tmp_path / "gongzhi.toml").write_text('database = "sqlite:wrong.db"\n', "utf-8")
    done = gongzhi(tmp_path, command, timeout=30)
    assert done.returncode == 2, done
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "is no SQLite database" in done.stderr


async def test_an_empty_file_is_a_database_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.db").write_bytes(b"")
    config = Config(database=f"sqlite:{tmp_path}/empty.db", plugins=INSTALLED)
    await configuring.plugin_list(config, as_json=True)
    assert [p["key"] for p in json.loads(capsys.readouterr().out)] == sorted(INSTALLED)
    with pytest.raises(ConfigurationError, match="has not been set up yet"):
        await configuring.show(config, "xishan", as_json=True)
    assert (await configuring.find_problems(config))[1][0].code == "DATABASE_EMPTY"
    assert (tmp_path / "empty.db").read_bytes() == b""


async def test_an_edit_that_cannot_hold_is_refused(
    databases: Databases, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "gongzhi.toml"
    write(path, databases.fresh("sqlite", "demo"), "")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="no area with the code 'xisan'; did you mean 'xishan'"):
        await edit(path, "xisan", enable("points", "xisan", None))
    with pytest.raises(ConfigurationError, match="the pilot's last day, 2020-01-31, is past"):
        await edit(path, "xishan", enable("points", "xishan", date(2020, 1, 31)))
    assert path.read_bytes() == before
    write(path, f"sqlite:{tmp_path}/not-there.db", "")
    assert await edit(path, "xisan", enable("points", "xisan", None)) == "points is enabled in xisan"
    assert "xisan" in capsys.readouterr().err
    assert not (tmp_path / "not-there.db").exists()
