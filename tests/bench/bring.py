"""What it takes to bring in a large file: seconds, processor seconds and memory of `gongzhi import`.

    python tests/bench/bring.py [--database postgres|sqlite] [--format csv|xlsx] [--rows 100000]

The file is checked, taken in, and taken in again, each by a process of its own; the second time must add nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

from openpyxl import Workbook  # noqa: E402

from core.cli.tasks import first_admin  # noqa: E402
from core.config import Config  # noqa: E402
from core.enums import AreaKind  # noqa: E402
from core.rules.areas import create_area  # noqa: E402
from core.testing.postgres import PostgresCluster  # noqa: E402
from core.work import Work  # noqa: E402
from server import Server  # noqa: E402

COMMUNITIES = 100
HEADERS = ["编号", "姓名", "区域代码", "入住日期"]
FAMILY, GIVEN = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂"


def rows(many: int) -> list[list[str]]:
    first = date(2001, 1, 1)
    return [
        [
            f"P{n}", FAMILY[n % 20] + GIVEN[n // 20 % 22] + GIVEN[n // 440 % 22], f"d-{n % COMMUNITIES}",
            (first + timedelta(days=n % 9000)).isoformat(),
        ]
        for n in range(many)
    ]  # fmt: skip


def write(path: Path, many: int) -> None:
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADERS, *rows(many)])
        return
    book = Workbook(write_only=True)
    sheet = book.create_sheet("人员")
    for row in (HEADERS, *rows(many)):
        sheet.append(row)
    book.save(path)


async def prepare(url: str) -> None:
    server = await Server.open(Config(database=url))
    try:
        await first_admin(server.runtime, "bench", "林晓敏", "measured by the hour", "d", "区")

        async def areas(work: Work) -> dict[str, Any]:
            (top,) = await work.rows("SELECT id FROM core_area WHERE code = 'd'")
            for number in range(COMMUNITIES):
                await create_area(
                    work, code=f"d-{number}", name=f"社区{number}", kind=AreaKind.COMMUNITY, parent_id=top["id"]
                )
            return {}

        await server.runtime.as_system(areas)
    finally:
        await server.close()


def run(what: str, folder: Path, arguments: list[str]) -> None:
    began = time.monotonic()
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", "from core.cli import main; main()", "import", *arguments],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(HERE.parent.parent), "LANG": "en_US.UTF-8"}, stdout=said, stderr=said,
        )  # fmt: skip
        _, status, used = os.wait4(process.pid, 0)
    lines = [line.strip() for line in (folder / "said").read_text().splitlines() if line.strip()]
    print(
        f"{what}: {time.monotonic() - began:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor,"
        f" {used.ru_maxrss / 1024:.0f} MB; {' | '.join(lines[-4:])}",
        flush=True,
    )
    if os.waitstatus_to_exitcode(status) or (what.endswith("again") and not any(" 0 new," in line for line in lines)):
        raise SystemExit("\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/bring.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cluster = PostgresCluster.start() if given.database == "postgres" else None
        try:
            url = cluster.create_database("bring") if cluster else f"sqlite:{folder / 'bring.db'}"
            asyncio.run(prepare(url))
            (folder / "gongzhi.toml").write_text(f'database = "{url}"\nplugins = []\n')
            path = folder / f"people.{given.format}"
            write(path, given.rows)
            for what, apply in (("checked", []), ("taken in", ["--apply"]), ("again", ["--apply"])):
                run(f"{given.database} {given.format} {what}", folder, [path.name, "--area", "d", *apply])
        finally:
            if cluster:
                cluster.stop()


main()
