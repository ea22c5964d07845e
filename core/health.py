"""How each plugin fares while the server runs: what failed last, where, and whether that is still so."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

from core.enums import Term

WINDOW_SECONDS = 600.0


class PluginStatus(Term):
    """Whether a plugin works (插件运行状态)."""

    OK = "OK", "正常"
    FAILING = "FAILING", "出错"
    LEFT_OUT = "LEFT_OUT", "未加载"


@dataclass
class Record:
    failures: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    where: str = ""


class Health:
    """Counts failures by plugin. A plugin is FAILING for ten minutes after each, and as long as something waits on it."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        self._waiting: set[tuple[str, str]] = set()
        self.left_out: dict[str, str] = {}

    def failed(self, plugin: str, where: str) -> None:
        """Something of the plugin raised: `where` says what, such as `handler points:…` or `field Actor.x`."""
        record = self._records.setdefault(plugin, Record())
        record.failures += 1
        record.recent.append(monotonic())
        record.where = where

    def wait(self, plugin: str, where: str) -> None:
        """What failed there waits for another try, until `go_on`."""
        self._waiting.add((plugin, where))

    def go_on(self, plugin: str, where: str) -> None:
        self._waiting.discard((plugin, where))

    def status(self, plugin: str) -> PluginStatus:
        if plugin in self.left_out:
            return PluginStatus.LEFT_OUT
        if any(waiting == plugin for waiting, _ in self._waiting):
            return PluginStatus.FAILING
        record = self._records.get(plugin)
        if record is not None and record.recent and monotonic() - record.recent[-1] < WINDOW_SECONDS:
            return PluginStatus.FAILING
        return PluginStatus.OK

    def failures(self, plugin: str) -> int:
        found = self._records.get(plugin)
        return found.failures if found else 0

    def problem(self, plugin: str) -> str | None:
        """Where it failed last, or why it is left out; null while it works."""
        if plugin in self.left_out:
            return self.left_out[plugin]
        waiting = sorted(where for key, where in self._waiting if key == plugin)
        if waiting:
            return waiting[0]
        return self._records[plugin].where if self.status(plugin) is PluginStatus.FAILING else None


def is_failure(error: BaseException) -> bool:
    """Did code raise this by itself? A cancellation from outside (the client left, the server stops) is nobody's fault;
    a `CancelledError` or `SystemExit` that a plugin raises is its own."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() == 0
    return not isinstance(error, (KeyboardInterrupt, GeneratorExit))
