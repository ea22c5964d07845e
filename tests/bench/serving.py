"""A town to ask about, and the servers that are asked, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from grow import grow
from load import Client
from town import Town, build

from core.config import Config
from core.testing.postgres import PostgresCluster
from server import Server

HERE = Path(__file__).resolve().parent
SERVERS = ("floor", "gongzhi", "peer")


@asynccontextmanager
async def standing(kind: str, scale: int) -> AsyncIterator[tuple[Path, str, Town, int | None]]:
    """A folder to work in, the address of a database with a town of this scale in it, what is known of the town, and the
    process of a PostgreSQL; gone afterwards."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        cluster = PostgresCluster.start() if kind == "postgres" else None
        try:
            url = cluster.create_database("bench") if cluster else f"sqlite:{folder / 'bench.db'}"
            server = await Server.open(Config(database=url, plugins=("adoption", "points")))
            try:
                town = await build(server)
            finally:
                await server.close()
            await grow(url, town, scale)
            yield folder, url, town, cluster.process.pid if cluster else None
        finally:
            if cluster:
                cluster.stop()


@dataclass
class Running:
    name: str
    process: subprocess.Popen[bytes]
    client: Client


def start(name: str, url: str, town: Town, folder: Path, port: int) -> Running:
    with socket.socket() as here:  # whoever else listened there would be measured instead
        if here.connect_ex(("127.0.0.1", port)) == 0:
            raise SystemExit(f"port {port} is taken")
    environment = {**os.environ, "DATABASE": url, "PERSON": town.person, "PYTHONPATH": str(HERE.parent.parent)}
    if name == "gongzhi":
        (folder / "gongzhi.toml").write_text(
            f'database = "{url}"\nport = {port}\nplugins = ["adoption", "points"]\n[area.d]\nenable = ["adoption", "points"]\n'
        )
        command = [sys.executable, "-c", "from core.cli import main; main()", "serve"]
    else:
        command = [
            sys.executable, "-m", "uvicorn", f"{name}:app", "--app-dir", str(HERE), "--port", str(port),
            "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    return Running(name, process, Client(port, town.token))


async def ready(running: Running, folder: Path) -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", running.client.port)
            writer.close()
            return
        except OSError:
            if running.process.poll() is not None:
                break
            await asyncio.sleep(0.1)
    raise SystemExit(f"{running.name} did not start: {(folder / f'{running.name}.log').read_text()}")


def stop(servers: Sequence[Running]) -> None:
    for running in servers:
        running.process.terminate()
    for running in servers:
        running.process.wait(20)
