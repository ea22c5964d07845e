"""Serving, and the demo that is served."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import uvicorn

import server
from core.cli import err, language, out
from core.config import Config
from core.demo import ACCOUNTS, PASSWORD, make_demo
from core.errors import ConfigurationError
from core.problems import Problem

QUERIES = (
    ("Where are we?", "{ areas { totalCount nodes { code name kind } } }"),
    (
        "An adopted green and its inspections",
        "{ adoptionAgreements { nodes { asset { name } adopter { name } inspections { nodes { score result } } } } }",
    ),
    ("Who earned caring points?", "{ pointsAccounts { nodes { actor { name } balance } } }"),
)


def _is_loopback(host: str) -> bool:
    try:
        return all(
            ipaddress.ip_address(str(info[4][0]).split("%")[0]).is_loopback for info in socket.getaddrinfo(host, None)
        )
    except (OSError, ValueError):
        return False


async def serve(config: Config, *, banner: bool = False) -> None:
    """Serve until told to stop; refuses to show demo accounts to anyone but this machine."""
    began = monotonic()
    running = await server.Server.open(config, progress=lambda name: out.print(f"  migrated {name}"))
    try:
        has_demo = await running.runtime.database.read("SELECT 1 FROM core_account WHERE demo LIMIT 1")
        if has_demo and not _is_loopback(config.host):
            raise ConfigurationError(Problem("DEMO_ACCOUNTS", {"host": config.host}))
        for notice in running.notices:
            err.print(f"! {notice.text(language())}", markup=False)
        await running.start()
        listener = _listen(config)
        address = f"http://{config.host}:{listener.getsockname()[1]}"
        if banner:
            _show(address, running.host.keys)
        else:
            out.print(f"gongzhi serves {address}/graphql (ready in {monotonic() - began:.1f} s)")
        settings = uvicorn.Config(
            running.app, log_level="warning", server_header=False, timeout_graceful_shutdown=10, lifespan="off"
        )
        await _Uvicorn(settings).serve(sockets=[listener])
    finally:
        await running.close()


class _Uvicorn(uvicorn.Server):
    """uvicorn, but a signal only asks it to end: what was opened is closed afterwards, and the process ends with 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        for number in handled:
            try:
                loop.add_signal_handler(number, self.handle_exit, number, None)
            except NotImplementedError:  # Windows
                signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number in handled:
                with contextlib.suppress(NotImplementedError):
                    loop.remove_signal_handler(number)


def _listen(config: Config) -> socket.socket:
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.host, config.port))
        listener.listen(2048)  # from here on nobody is turned away, though answers wait for the server to start
    except OSError as error:
        listener.close()
        values = {"host": config.host, "port": config.port, "reason": error.strerror}
        raise ConfigurationError(Problem("CANNOT_LISTEN", values)) from error
    return listener


async def demo(config: Config, database: str, *, serve: bool, fresh: bool) -> None:
    """Make the demo database unless it is there, then serve it if asked."""
    config = replace(config, database=database)
    path = Path(database.removeprefix("sqlite:")) if database.startswith("sqlite:") else None
    if fresh and path is not None:
        for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            file.unlink(missing_ok=True)
    began = monotonic()
    running = await server.Server.open(config)
    try:
        if await running.runtime.database.read("SELECT 1 FROM core_area LIMIT 1"):
            out.print(f"{database} is there already; --fresh makes it anew")
        else:
            with out.status("making a neighbourhood …"):
                await make_demo(running.runtime, running.host)
            out.print(f"made {database} in {monotonic() - began:.1f} s")
    finally:
        await running.close()
    if serve:
        await globals()["serve"](config, banner=True)


def _show(address: str, plugins: list[str]) -> None:
    out.print(f"\n[bold]Gongzhi 共治[/bold] serves {address}/graphql — try queries at [bold]{address}/[/bold]\n")
    out.print("Sign in with coreSignIn as one of these; the password is always " + PASSWORD)
    for login, what in ACCOUNTS.items():
        out.print(f"  {login:<11} {what}")
    out.print("\nThree queries to try:")
    for title, query in QUERIES:
        if ("adoption" in query and "adoption" not in plugins) or ("points" in query and "points" not in plugins):
            continue
        out.print(f"\n  # {title}")
        out.print(f"  curl -s {address}/graphql -H 'content-type: application/json' \\", markup=False)
        out.print(f'    -d \'{{"query": "{query}"}}\'', markup=False)
    out.print("\nCtrl+C stops it.")
