"""Id numbers and telephone numbers pass through an import and leave no trace: not in logs, findings, reports, answers,
the database or what lies on the disk afterwards."""

from __future__ import annotations

import logging
import re
import stat
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.data.stage import Stage
from core.testing import process
from core.testing.kit import Databases, Neighbourhood
from tests.kits.files import csv_file, id_number, workbook

pytestmark = pytest.mark.anyio

IDS = [id_number(n) for n in range(100, 112)]
SLIP = IDS[11][:17] + ("0" if IDS[11][17] != "0" else "1")
MOBILES = [f"139{n:04d}7531" for n in range(2460, 2475)]
LANDLINE = "05926053197"
WIDE = {ord(d): ord(d) + 0xFEE0 for d in "0123456789"}
PIECE = 10  # digits in a row that tell whose number it is

HEADER = ["编号", "姓名", "区域代码", "入住日期", "身份证号", "联系电话"]
GOOD = [
    ["N1", "邱晓", "xishan", "2021-03-05", IDS[0], MOBILES[0]],
    ["N2", "骆宾", "xishan", None, IDS[1].translate(WIDE), MOBILES[1].translate(WIDE)],
    ["N3", "高适", "xishan", None, f"{IDS[2][:6]} {IDS[2][6:14]} {IDS[2][14:]}", f"+86 {MOBILES[2][:3]}-{MOBILES[2][3:]}"],
    ["N4", "骆宾", "xishan", None, IDS[3].lower(), "0592-6053197"],
]  # fmt: skip
BAD = [
    ["B1", "夏至", "xishan", None, SLIP, MOBILES[3]],
    ["B2", "夏至", "xishan", None, IDS[4], MOBILES[3]],
    ["B3", "田单", "xishan", None, IDS[4], MOBILES[4] + "12"],
    ["B4", "樊哙", "xishan", None, IDS[5][:17], f"{MOBILES[5]}/{MOBILES[6]}"],
    ["B5", f"胡适 {IDS[6]}", "xishan", None, None, f"找 {MOBILES[7]}"],
    ["B6", f"凌统{SLIP}", "xishan", None, None, None],
    ["B7", f"霍光 {MOBILES[8]}", "xishan", None, None, IDS[7]],
    [IDS[8], "虞姬", "xishan", None, MOBILES[9], None],
    [MOBILES[10], "万章", "xishan", None, None, None],
    ["B10", "支遁", IDS[9], None, None, None],
    ["B11", "昝殷", MOBILES[11], IDS[10], None, None],
    ["B12", "管仲", SLIP, MOBILES[12], None, None],
    ["B13", "卢仝", "xishan", MOBILES[12], int(IDS[0][:17]) * 10, float(MOBILES[13])],
    ["B14", f"=A1&{IDS[0]}", "xishan", None, f"{IDS[1][:17]}?", f"*{MOBILES[0]}"],
]
HOUSEHOLDS = [
    ["户号", "户名", "区域代码", "住址", "成员", f"电话{MOBILES[14]}"],
    ["H1", f"{MOBILES[3]}的家", "xishan", IDS[0], f"夏至{MOBILES[4]}、{IDS[1]}", None],
    ["H2", "西山社 2 号户", "xishan", f"2 号 {SLIP}", f"骆宾@{IDS[2]}", MOBILES[5]],
]
ORGANIZATIONS = [
    ["名称", "类型", "区域代码", "统一社会信用代码", "登记状态", "登记证号", "登记机关", "电话"],
    [f"店 {MOBILES[6]}", IDS[3], "xishan", IDS[4], MOBILES[7], IDS[5], MOBILES[8], MOBILES[9]],
]
MEMBERSHIPS = [
    ["成员", "组织", "成员身份", "加入日期"],
    [IDS[6], MOBILES[10], IDS[7], MOBILES[11]],
    [f"夏至 {MOBILES[3]}", SLIP, MOBILES[12], IDS[8]],
]


def good(path: Path) -> Path:
    return workbook(path, {"人员": [HEADER, *GOOD]})


def bad(path: Path) -> Path:
    return workbook(
        path,
        {
            "人员": [[f"填表人电话 {MOBILES[13]}"], [*HEADER, IDS[9]], *[[*row, SLIP] for row in BAD]],
            "家庭": HOUSEHOLDS,
            "组织": ORGANIZATIONS,
            "成员关系": MEMBERSHIPS,
            MOBILES[0] + IDS[10]: [["一"], [IDS[0]]],
        },
    )


def traces(text: str) -> list[str]:
    """Ten digits in a row of any number in the files, however they are spaced or written."""
    flat = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    numbers = [*IDS, SLIP, *MOBILES, LANDLINE]
    return sorted({n[i : i + PIECE] for n in numbers for i in range(len(n) - PIECE + 1) if n[i : i + PIECE] in flat})


def on_disk(folder: Path) -> str:
    return "\n".join(f"{p} {p.read_bytes().decode('utf-8', 'replace')}" for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def spools(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every spool held when it was done with."""
    held: list[str] = []
    close = Stage.close

    def kept(stage: Stage) -> None:
        held.append(stage.path.read_bytes().decode("utf-8", "replace"))
        close(stage)

    monkeypatch.setattr(Stage, "close", kept)
    return held


def test_a_trace_is_found_however_it_is_written() -> None:
    for written in (IDS[0], IDS[1].translate(WIDE), f"a {SLIP[:6]}-{SLIP[6:14]} {SLIP[14:]} b", f"+86 {MOBILES[0]}"):
        assert traces(written)
    assert not traces("P1 359999 12 April 1985, 139****7531")


async def test_nothing_personal_is_left_by_an_import_over_http(
    neighbourhood: Neighbourhood, tmp_path: Path, spools: list[str], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    n = neighbourhood
    await n.server.transfers.stop()
    headers = {"authorization": f"Bearer {n.tokens['clerk']}"}
    refused = await n.http.post(f"/imports?area={IDS[0]}&name=a.xlsx", content=b"a", headers=headers)
    assert refused.status_code == 404
    answers = [refused.text]
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, name)
        # The client's own log has the address it calls.
        monkeypatch.setattr(logging.getLogger(name), "disabled", name.startswith("httpx"))
    show = "dataImport { id state fileName rows findings { nodes { code sheet line column message } } }"
    kept: dict[str, Any] = {}
    with capture_logs() as logs, n.statements() as statements:
        for name, file, state in (("good", good, "APPLIED"), ("bad", bad, "REFUSED")):
            body = file(tmp_path / f"{name}.xlsx").read_bytes()
            sent = await n.http.post(
                f"/imports?area=xishan&name={SLIP} {MOBILES[0]}.xlsx", content=body, headers=headers
            )
            id = sent.json()["id"]
            for apply in (False, True):
                asked = (
                    f"mutation($i: CoreImportInput!) {{ coreImport(input: $i) {{ {show} errors {{ code message }} }} }}"
                )
                answers.append((await n.post("clerk", asked, i={"importId": id, "apply": apply})).text)
                await n.server.transfers.run_due()
                for language in ("en", "zh-CN"):
                    told = await n.http.post(
                        "/graphql", headers={**headers, "accept-language": language},
                        json={"query": f"query($i: ID!) {{ {show.replace('dataImport', 'dataImport(id: $i)', 1)} }}", "variables": {"i": id}},
                    )  # fmt: skip
                    answers.append(told.text)
                kept = told.json()["data"]["dataImport"]
            assert kept["state"] == state, kept
            answers.append((await n.http.get(f"/imports/{id}", headers=headers)).text)
        waiting = list(n.server.transfers.folder.glob("*.import"))
        assert len(waiting) == 1 and stat.S_IMODE(waiting[0].stat().st_mode) == 0o600
        n.clock.advance(timedelta(days=1, minutes=1))
        await n.server.transfers.run_due()
        events = await n.post("admin", "{ events(first: 50) { nodes { type data } } }")
        answers.append(events.text)
    codes = {f["code"] for f in kept["findings"]["nodes"]}
    assert {"ID_NUMBER_MISPLACED", "PHONE_MISPLACED", "ID_NUMBER_TWICE", "ID_NUMBER_CHECK", "LIKELY_DUPLICATE"} <= codes
    assert len(spools) == 4 and len(answers) == 16 and statements and caplog.records
    out, err = capfd.readouterr()
    for what in (*answers, *spools, str(logs), caplog.text, "\n".join(statements), out, err, await n.dump()):
        assert traces(what) == [], [line for line in what.splitlines() if traces(line)][:5]
    assert not list(n.server.transfers.folder.glob("*.import"))
    assert traces(on_disk(n.server.transfers.folder)) == []
    assert "邱晓" in await n.dump() and "夏至" not in await n.dump()


@pytest.mark.parametrize("language", ["C", "zh_CN.UTF-8"])
def test_nothing_personal_is_left_by_an_import_from_the_command_line(
    databases: Databases, tmp_path: Path, language: str
) -> None:
    url = databases.fresh("sqlite", "demo")
    database = Path(url.removeprefix("sqlite:"))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    report = tmp_path / "findings.csv"
    given = tmp_path / "given"
    given.mkdir()
    spoken = {"GONGZHI_DATABASE": url, "TMPDIR": str(scratch), "LANG": language, "LC_ALL": language}
    lines = csv_file(given / f"{SLIP}.csv", [HEADER, *BAD])
    for path, apply, status in (
        (good(given / f"{MOBILES[0]}.xlsx"), False, 0),
        (given / f"{MOBILES[0]}.xlsx", True, 0),
        (bad(given / f"{IDS[0]}.xlsx"), True, 1),
        (lines, True, 1),
    ):
        done = process.gongzhi(
            tmp_path, "import", str(path), "--area", "xishan", "--report", str(report), *(["--apply"] if apply else []),
            **spoken,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert ("行" if language != "C" else "rows") in done.stdout
        for what in (done.stdout, done.stderr, report.read_text("utf-8-sig")):
            assert traces(what) == [], what
        assert not list(scratch.rglob("*"))
        report.unlink()
    held = "\n".join(p.read_bytes().decode("utf-8", "replace") for p in database.parent.glob(f"{database.name}*"))
    assert "邱晓" in held and "夏至" not in held and traces(held) == []
    assert traces("\n".join(p.read_text("utf-8", "replace") for p in tmp_path.iterdir() if p.is_file())) == []
    databases.drop(url)
