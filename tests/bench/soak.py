"""A long run: a million requests to a server over six million participations, before a release.

    python tests/bench/soak.py [--database postgres|sqlite] [--requests 1000000] [--scale 100]

Of a thousand requests 600 are Q1, 200 Q2, 100 Q3, 10 Q4, 30 join an activity, and 60 bring a document that the server has
never seen. Told are, for each twentieth part, requests per second, the slowest of a hundred and of a thousand requests, and
the memory of the server. It fails when an answer has errors, when memory still grows in the second half (by more than
10 %), or when not every joining that was answered is in the database.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from time import monotonic

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]

import orjson  # noqa: E402
import questions  # noqa: E402
from load import CONNECTIONS, Client  # noqa: E402
from rich.console import Console  # noqa: E402
from serving import ready, standing, start, stop  # noqa: E402
from town import Town  # noqa: E402

from core.config import Config  # noqa: E402
from server import Server  # noqa: E402

SHARES = {"Q1": 600, "Q2": 200, "Q3": 100, "Q4": 10, "M1": 30, "new": 60}
PARTS = 20
GROWTH = 1.10
out = Console(soft_wrap=True, highlight=False)


def requests(town: Town) -> Iterator[tuple[str, bytes]]:
    """Name and body of one request after the other; which comes when is the same in every run."""
    random, numbers = Random(1), itertools.count()
    given = {name: questions.variables(name, town, 0, 1) for name in questions.TEXTS}
    deck = [name for name, share in SHARES.items() for _ in range(share)]
    while True:
        random.shuffle(deck)
        for name in deck:
            if name == "new":
                text = f"query Q{next(numbers)}" + questions.TEXTS["Q1"].removeprefix("query Q1")
                body = {"query": text.replace("title", f"t{next(numbers)}: title"), "variables": next(given["Q1"])}
            else:
                body = {"query": questions.TEXTS[name], "variables": next(given[name])}
            yield name, orjson.dumps(body)


def memory(pid: int) -> float:
    """Resident megabytes of a process."""
    status = (Path("/proc") / str(pid) / "status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


async def part(client: Client, waiting: Iterator[tuple[str, bytes]], many: int) -> tuple[float, list[float], int]:
    """Seconds it took, the seconds of each request in order of size, and how many joined."""
    some, took, joined = iter(list(itertools.islice(waiting, many))), [], 0

    async def worker() -> None:
        nonlocal joined
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        for name, body in some:
            began = monotonic()
            answer = await client.one(reader, writer, body)
            took.append(monotonic() - began)
            if b'"errors":[{' in answer:
                raise SystemExit(f"{name}: {answer[:1000]!r}")
            joined += name == "M1"
        writer.close()

    began = monotonic()
    await asyncio.gather(*(worker() for _ in range(CONNECTIONS)))
    return monotonic() - began, sorted(took), joined


async def run(kind: str, many: int, scale: int) -> None:
    async with standing(kind, scale) as (folder, url, town, _):
        if many * SHARES["M1"] > 1000 * len(town.activities):
            raise SystemExit("each activity is joined once: ask for fewer requests, or a larger scale")
        out.print(f"{kind}: {len(town.activities):,} activities, {12 * len(town.activities):,} participations")
        running = start("gongzhi", url, town, folder, 8320)
        try:
            await ready(running, folder)
            joined = await soak(running.client, running.process.pid, town, many)
        finally:
            stop([running])
        await recount(url, town, joined)


async def soak(client: Client, pid: int, town: Town, many: int) -> int:
    waiting, joined, held = requests(town), 0, []
    out.print("| requests | per second | 1 of 100 slower than | 1 of 1,000 | memory |\n|---|---|---|---|---|")
    for number in range(1, PARTS + 1):
        seconds, took, more = await part(client, waiting, many // PARTS)
        joined += more
        held.append(memory(pid))
        slow, slower = (1000 * took[int(len(took) * share)] for share in (0.99, 0.999))
        rate = len(took) / seconds
        out.print(f"| {number * len(took):,} | {rate:,.0f} | {slow:.0f} ms | {slower:.0f} ms | {held[-1]:.0f} MB |")
    if held[-1] > GROWTH * held[PARTS // 2 - 1]:
        raise SystemExit(f"memory grows: {held[PARTS // 2 - 1]:.0f} MB at half time, {held[-1]:.0f} MB in the end")
    return joined


async def recount(url: str, town: Town, joined: int) -> None:
    """Who joined, counted in the database: by rows, by the places that are taken, and by what happened."""
    server = await Server.open(Config(database=url, plugins=("adoption", "points")), is_migrated=True)
    try:
        database = server.runtime.database
        mark = database.dialect.mark(1)
        mine = f"SELECT count(*), count(DISTINCT event_id) FROM core_participation WHERE actor_id = {mark}"
        rows = [tuple((await database.read(mine, [database.dialect.encode(town.person)]))[0])]
        taken = await database.read(
            "SELECT count(*) FROM core_activity a JOIN core_participation p ON p.activity_id = a.id"
            f" WHERE p.actor_id = {mark} AND a.places_taken <> 13",
            [database.dialect.encode(town.person)],
        )
    finally:
        await server.close()
    if rows[0] != (joined, joined) or taken[0][0]:
        raise SystemExit(f"{joined} joinings were answered, the database has {rows[0]}; {taken[0][0]} counts are wrong")
    out.print(f"{joined:,} joinings were answered and are in the database")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python tests/bench/soak.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--scale", type=int, default=100, help="how many times 60,000 participations")
    given = parser.parse_args()
    asyncio.run(run(given.database, given.requests, given.scale))


main()
