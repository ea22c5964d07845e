"""Plugins as a stranger's wheel brings them: a top-level package with an entry point, on the path of another process."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from core.testing import process

MANIFEST = 'key = "{key}"\nversion = "1.0"\napi = "0.1"\ntitle = {{ en = "{key}", zh-CN = "{key}" }}\n'
HOOKS = "from core.plugins import hookimpl\n"


@dataclass
class Wheels:
    """A folder that stands for site-packages, and a configuration beside it."""

    folder: Path
    keys: list[str] = field(default_factory=list)
    database: str = ""  # SQLite in the folder unless told

    def add(self, key: str, *, manifest: str = "", hooks: str = "", **modules: str) -> None:
        """A plugin `key`: lines for its plugin.toml, the body of plugin.py, and other modules by name."""
        package = self.folder / "site" / key
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("", "utf-8")
        (package / "plugin.toml").write_text(MANIFEST.format(key=key) + manifest, "utf-8")
        (package / "plugin.py").write_text(HOOKS + hooks, "utf-8")
        for name, text in modules.items():
            (package / f"{name}.py").write_text(text, "utf-8")
        info = self.folder / "site" / f"{key}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {key}\nVersion: 1.0\n", "utf-8")
        (info / "entry_points.txt").write_text(f"[gongzhi.plugins]\n{key} = {key}\n", "utf-8")
        self.keys.append(key)

    def migrations(self, key: str) -> None:
        """Write the migrations of a plugin's models, as its author would."""
        made = self.folder / "site" / key / "migrations"
        made.mkdir(exist_ok=True)
        (made / "__init__.py").write_text("", "utf-8")
        self.configure(plugins=[key])
        done = self.gongzhi("plugin", "makemigrations", key)
        assert done.returncode == 0, done.stderr

    def configure(self, *, plugins: list[str] | None = None, mode: str = "strict", areas: str = "") -> Path:
        path = self.folder / "gongzhi.toml"
        listed = json.dumps(self.keys if plugins is None else plugins)
        database = self.database or f"sqlite:{self.folder}/test.db"
        path.write_text(f'database = "{database}"\nplugins = {listed}\nplugin_errors = "{mode}"\n{areas}', "utf-8")
        return path

    def gongzhi(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return process.gongzhi(self.folder, *arguments, timeout=60, path=(self.folder / "site",), **environment)

    def check(self) -> list[dict[str, Any]]:
        """The problems `gongzhi check --json` finds."""
        done = self.gongzhi("check", "--json")
        found: list[dict[str, Any]] = json.loads(done.stdout)["problems"]
        assert done.returncode == (2 if found else 0), done.stderr
        return found

    @contextlib.contextmanager
    def serve(self) -> Iterator[Served]:
        """`gongzhi serve` in a process of its own."""
        log = self.folder / "serve.log"
        log.write_text("", "utf-8")
        serving = process.start(
            self.folder, "serve", out=log, environment={"GONGZHI_PORT": "0"}, path=(self.folder / "site",)
        )
        try:
            yield Served(_address(serving, log), log)
        finally:
            serving.terminate()
            serving.join(20)


def _address(serving: ForkServerProcess, log: Path) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        text = log.read_text("utf-8")
        if "gongzhi serves " in text:
            return text.split("gongzhi serves ", 1)[1].split("/graphql", 1)[0]
        if serving.exitcode is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"the server did not start: {log.read_text('utf-8')}")


@dataclass
class Served:
    address: str
    log: Path

    def ask(self, query: str, token: str | None = None, path: str = "/graphql", **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(self.address + path, body, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.address + path, timeout=20) as answer:
            found: dict[str, Any] = json.load(answer)
        return found
