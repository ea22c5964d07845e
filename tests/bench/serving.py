"""The servers that are asked, each a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from load import Client
from town import Town

HERE = Path(__file__).resolve().parent
SERVERS = ("floor", "gongzhi", "peer")


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
