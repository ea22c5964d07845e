"""Serving, and the demo that is served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import uvicorn
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import server
from core.cli import err, language, out
from core.cli.connections import Connection, look_at
from core.config import Config
from core.demo import ACCOUNTS, PASSWORD, DistrictPlan, make_demo
from core.demo.mark import Found, hold
from core.errors import ConfigurationError
from core.problems import Problem
from core.sign_in.config import is_loopback

SAID_SECONDS = 15.0  # between two lines of progress where there is no terminal
QUERIES = (
    ("Where are we?", "{ areas(first: 5) { totalCount nodes { code name kind } } }"),
    (
        "An adopted green and its inspections",
        '{ adoptionAgreements(where: {asset: {name: {eq: "绿地-03"}}})'
        " { nodes { asset { name } adopter { name } inspections { nodes { score result } } } } }",
    ),
    ("Who earned caring points?", "{ pointsAccounts(first: 5) { totalCount nodes { actor { name } balance } } }"),
)


async def serve(config: Config, *, banner: bool = False) -> None:
    """Serve until told to stop; refuses to show demo accounts to anyone but this machine."""
    began = monotonic()
    running = await server.Server.open(config, progress=lambda name: out.print(f"  migrated {name}"))
    try:
        has_demo = await running.runtime.database.read("SELECT 1 FROM core_account WHERE demo LIMIT 1")
        if has_demo and not is_loopback(config.host):
            raise ConfigurationError(Problem("DEMO_ACCOUNTS", {"host": config.host}))
        if config.keys.path is None and not config.key:
            problem = Problem("NO_KEY_FILE", {})
            if not is_loopback(config.host):
                raise ConfigurationError(problem)
            running.notices.append(problem)
        for notice in running.notices:
            err.print(f"! {notice.text(language())}", markup=False)
        await running.start()
        listener = _listen(config)
        address = f"http://{config.host}:{listener.getsockname()[1]}"
        if banner:
            _show(address, running.host.keys)
        else:
            out.print(f"gongzhi serves {address}/graphql (ready in {monotonic() - began:.1f} s)")
        await http_server(running).serve(sockets=[listener])
    finally:
        await running.close()


def http_server(running: server.Server) -> uvicorn.Server:
    """uvicorn as we serve with it."""

    class Ours(Connection):
        render = staticmethod(
            lambda code, values: running.runtime.messages.render(code, running.config.language, values)
        )

    return _Uvicorn(
        uvicorn.Config(
            running.app,
            http=Ours,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=10,
            lifespan="off",
            proxy_headers=False,  # whom to believe is said in trusted_proxies
        )
    )


class _Uvicorn(uvicorn.Server):
    """uvicorn, but a signal only asks it to end: what was opened is closed afterwards, and the process ends with 0."""

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            look_at(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

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


async def demo(config: Config, database: str, *, scale: float, serve: bool, fresh: bool) -> None:
    """Make the demo database unless it is there, then serve it if asked. Nobody else's data is touched."""
    config = replace(config, database=database)
    async with hold(database) as place:
        found = await place.found()
        if found is Found.OTHER:
            raise ConfigurationError(
                f"{database} holds data that is no demo's, and stays as it is; name another place with --database"
            )
        if found is Found.HALF:
            out.print(f"{database} holds a demo that was interrupted; making it anew")
        if found is Found.HALF or (found is Found.DEMO and fresh):
            await place.clear()
        elif found is Found.DEMO:
            out.print(f"{database} is there already, at scale {await place.scale():g}; --fresh makes it anew")
        if found is not Found.DEMO or fresh:
            await _make(config, scale)
    if serve:
        await globals()["serve"](config, banner=True)


async def _make(config: Config, scale: float) -> None:
    began = monotonic()
    plan = DistrictPlan(scale) if scale else None
    what = f"a district of {plan.people:,} people" if plan else "a neighbourhood"
    running = await server.Server.open(config)
    try:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=out) as bar:
            task = bar.add_task(f"making {what}", total=None)
            said = began

            def progress(done: int, of: int) -> None:
                nonlocal said
                bar.update(task, completed=done, total=of)
                if not out.is_terminal and monotonic() - said > SAID_SECONDS:  # a log shows no bar
                    said = monotonic()
                    out.print(f"making {what}: {done * 100 // of} % after {said - began:.0f} s")

            await make_demo(running.runtime, running.host, plan, progress)
    except asyncio.CancelledError:
        out.print("interrupted: the next `gongzhi demo` makes it anew")
        raise
    finally:
        await running.close()
    out.print(f"made {what} in {config.database} in {monotonic() - began:.1f} s{_used(config.database)}")


def _used(database: str) -> str:
    """How much memory and room that took, where it can be told."""
    said = ""
    if sys.platform != "win32":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
        said += f", {peak:.0f} MB of memory"
    if database.startswith("sqlite:"):
        said += f", {Path(database.removeprefix('sqlite:')).stat().st_size / 2**20:.0f} MB on disk"
    return said


def _show(address: str, plugins: list[str]) -> None:
    out.print(f"\n[bold]Gongzhi 共治[/bold] serves {address}/graphql — try queries at [bold]{address}/[/bold]\n")
    out.print("Sign in with coreSignIn as one of these; the password is always " + PASSWORD)
    for login, what in ACCOUNTS.items():
        out.print(f"  {login:<11} {what}")
    out.print("\nThree queries to try:")
    for title, query in QUERIES:
        body = json.dumps({"query": query}, ensure_ascii=False)
        if ("adoption" in query and "adoption" not in plugins) or ("points" in query and "points" not in plugins):
            continue
        out.print(f"\n  # {title}")
        out.print(f"  curl -s {address}/graphql -H 'content-type: application/json' \\", markup=False)
        out.print(f"    -d '{body}'", markup=False)
    out.print("\nCtrl+C stops it.")
