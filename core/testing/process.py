"""`gongzhi` commands in processes of their own, forked from one that has imported core and the schema already, and the
plugins of this repository that are there, and composed their schema (`core.testing.warm`).

What a command does is its own process's affair, as for a person; only what is the same for all of them, most of a short
command's time, is done once. Anybody else's plugin is imported by each process that uses it.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import server

ROOT = Path(server.__file__).parent
ENGLISH = {"LANG": "C", "LC_ALL": "C"}
_CONTEXT = multiprocessing.get_context("forkserver")


def start(
    folder: Path, *arguments: str, out: Path, err: Path | None = None, given: Path | None = None,
    environment: Mapping[str, str] | None = None, path: tuple[Path, ...] = (),
) -> ForkServerProcess:  # fmt: skip
    """`gongzhi ARGUMENTS` under way in `folder`, writing to the files `out` and `err`. `path` comes before the modules
    of this process, as site-packages of a plugin would."""
    _prepare()
    streams = (given or Path(os.devnull), out, err or out)
    places = [str(p) for p in (*path, ROOT)]
    process = _CONTEXT.Process(
        target=_command, args=(folder, arguments, streams, {**os.environ, **ENGLISH, **(environment or {})}, places)
    )
    process.start()
    return process


def gongzhi(
    folder: Path,
    *arguments: str,
    given: str = "",
    timeout: float = 120,
    path: tuple[Path, ...] = (),
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """`gongzhi ARGUMENTS` run to its end. Raises subprocess.TimeoutExpired after `timeout` seconds."""
    with tempfile.TemporaryDirectory() as made:
        stdin, out, err = (Path(made, name) for name in ("in", "out", "err"))
        stdin.write_text(given, "utf-8")
        process = start(folder, *arguments, out=out, err=err, given=stdin, environment=environment, path=path)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["gongzhi", *arguments], timeout, out.read_text("utf-8"), err.read_text())
        return subprocess.CompletedProcess(
            ["gongzhi", *arguments], process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _prepare() -> None:
    _CONTEXT.set_forkserver_preload(["core.testing.warm"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _command(
    folder: Path, arguments: tuple[str, ...], streams: tuple[Path, Path, Path], environment: dict[str, str],
    places: list[str],
) -> None:  # fmt: skip
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number, (file, flag) in enumerate(zip(streams, flags, strict=True)):
        opened = os.open(file, flag, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:] = [*places, *(p for p in sys.path if p not in ("", *places))]
    sys.argv = ["gongzhi", *arguments]
    from core.cli import main

    main()
