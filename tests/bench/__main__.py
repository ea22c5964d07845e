"""What the server spends on a request, beside the least anybody could spend and beside the usual way.

    python tests/bench [--database sqlite|postgres|both] [--rounds 9] [--scale 1] [--only Q1,Q3] [--without peer]

Three servers with one worker each take turns on one database: the floor (`floor.py`), Gongzhi as shipped, and plain
Strawberry with Tortoise (`peer.py`). Before anything is timed their answers are compared. Told are the medians of the
rounds, processor milliseconds of server and database per request, with the range of the middle half. With `--scale` there
are so many times the actors, activities and participations.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import questions  # noqa: E402
from load import Round  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import track  # noqa: E402
from rich.table import Table  # noqa: E402
from serving import SERVERS, Running, ready, standing, start, stop  # noqa: E402
from town import Town  # noqa: E402

out = Console(soft_wrap=True, highlight=False)


async def agree(servers: list[Running], town: Town, names: list[str]) -> None:
    """Everybody answers every question alike; for joining only the ids of new rows differ."""
    for name in names:
        answers = []
        for number, running in enumerate(servers):
            if name == "M1":
                given = {"i": {"activityId": f"activity_{town.activities[-1 - number]}"}}
            else:
                given = next(questions.variables(name, town, number, len(servers)))
            answer = await running.client.ask(questions.TEXTS[name], given)
            if "errors" in answer:
                raise SystemExit(f"{name}: {running.name} answers {answer['errors']}")
            answers.append(answer)
        if name == "M1":
            for answer in answers:
                place = answer["data"]["coreJoinActivity"]["participation"]
                place["id"], place["activity"]["id"] = "", ""
        for running, answer in zip(servers, answers, strict=True):
            if answer != answers[0]:
                raise SystemExit(
                    f"{name}: {running.name} answers otherwise:\n{str(answers[0])[:600]}\n{str(answer)[:600]}"
                )


async def measure(servers: list[Running], town: Town, names: list[str], rounds: int, database: int | None) -> Any:
    found: dict[tuple[str, str], list[Round]] = {(n, s.name): [] for n in names for s in servers}
    given = {
        (n, s.name): questions.variables(n, town, number, len(servers))
        for n in names
        for number, s in enumerate(servers)
    }
    for number in track(range(rounds + 1), "rounds", console=out):
        for name in names:
            for turn in range(len(servers)):
                running = servers[(turn + number) % len(servers)]
                text, variables = questions.TEXTS[name], given[name, running.name]
                requests = questions.REQUESTS[name] // (4 if running.name == "peer" else 1)
                if name == "M1":  # each activity is joined once
                    most = (len(town.activities) - len(servers)) // len(servers) // (rounds + 1)
                    requests = min(requests, most)
                one = await running.client.load(text, variables, requests, running.process.pid, database)
                if number:  # the first warms up
                    found[name, running.name].append(one)
    return found


def show(kind: str, names: list[str], found: dict[tuple[str, str], list[Round]]) -> None:
    table = Table(title=f"{kind}: processor ms per request (server + database)", title_justify="left")
    for heading in ("", "", "server", "database", "both", "× floor", "middle half", "requests/s"):
        table.add_column(heading, justify="right")
    for name in names:
        floor = median(r.cpu for r in found[name, "floor"])
        for server in (s for s in SERVERS if (name, s) in found):
            rounds = found[name, server]
            ratios = sorted(r.cpu / f.cpu for r, f in zip(rounds, found[name, "floor"], strict=True))
            low, _, high = quantiles(ratios, n=4) if len(ratios) > 1 else (ratios[0],) * 3
            table.add_row(
                name if server == "floor" else "", server, f"{median(r.server for r in rounds):.2f}",
                f"{median(r.database for r in rounds):.2f}", f"{median(r.cpu for r in rounds):.2f}",
                f"{median(r.cpu for r in rounds) / floor:.2f}", f"{low:.2f}–{high:.2f}",
                f"{median(r.rate for r in rounds):,.0f}",
            )  # fmt: skip
    out.print(table)


async def run(kind: str, rounds: int, scale: int, names: list[str], without: str) -> None:
    began = time.monotonic()
    async with standing(kind, scale) as (folder, url, town, database):
        out.print(f"{kind}: {len(town.activities):,} activities made in {time.monotonic() - began:.0f} s")
        chosen = [name for name in SERVERS if name != without]
        servers = [start(name, url, town, folder, 8310 + n) for n, name in enumerate(chosen)]
        try:
            for running in servers:
                await ready(running, folder)
            await agree(servers, town, names)
            show(kind, names, await measure(servers, town, names, rounds, database))
        finally:
            stop(servers)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python tests/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--scale", type=int, default=1, help="how many times the rows")
    parser.add_argument("--without", choices=("peer",), default="", help="leave the slow one out")
    parser.add_argument("--only", default=",".join(questions.TEXTS), help="which questions")
    given = parser.parse_args()
    for kind in ("sqlite", "postgres") if given.database == "both" else (given.database,):
        asyncio.run(run(kind, given.rounds, given.scale, given.only.split(","), given.without))


main()
