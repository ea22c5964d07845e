"""Taking up the file: checked whole, applied whole or not at all, followed by every worker.

Each worker watches its file and the version in the database. The first to see a changed file applies it under the
lock; the others find that it is applied. What cannot change while serving is told, and the former file goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import structlog

from core.config import Config, config_from
from core.errors import ConfigurationError
from core.problems import Problem
from core.rules.areas import hold_settings
from core.rules.settings import apply_file, end_due_pilots, tree_facts
from core.runtime import Runtime
from core.settings.file import AreaReader, FileRows, TreeCheck, TreeFacts, overlay
from core.settings.tree import SettingsBook
from core.toml import TomlFile
from core.work import Work

log = structlog.get_logger("gongzhi.settings")

LOOK_SECONDS = 0.5
_Stat = tuple[int, int, int]
_NEVER: _Stat = (0, 0, 0)  # of no file: what was not taken up is read again


def read_areas(config: Config, runtime_plugins: list[str], declared: Mapping[str, Any], clock: Any) -> FileRows:
    """The area sections of a configuration; raises ConfigurationError with every problem in them."""
    rows, problems = look_over_areas(config, runtime_plugins, declared, clock)
    if problems:
        raise ConfigurationError(*problems)
    return rows


def look_over_areas(
    config: Config, runtime_plugins: list[str], declared: Mapping[str, Any], clock: Any
) -> tuple[FileRows, list[Problem]]:
    """What of the area sections can be read, and what is wrong with the rest."""
    if config.file is None:
        return FileRows(), []
    reader = AreaReader(config.file, declared, runtime_plugins, config.plugins, clock)
    return reader.read(), reader.problems


class TakeUp:
    """Keeps a running server in step with its file and with what others change."""

    def __init__(
        self,
        config: Config,
        runtime: Runtime,
        environment: Mapping[str, str],
        beside: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`beside`: what else looks at its files, in a thread, whenever this does."""
        self.config = config
        self.runtime = runtime
        self.environment = environment
        self.beside = beside
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []
        self.version = -1
        self._seen: _Stat | None = _NEVER
        self._pending = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._changed = asyncio.Condition()

    # --- once --------------------------------------------------------------------------------------------

    async def check(self, config: Config) -> None:
        """Raise ConfigurationError with everything that is wrong with a configuration here; change nothing."""
        await self._pass(config, apply=False)

    async def apply(self, config: Config) -> int:
        """Apply a configuration's area sections; raises ConfigurationError and changes nothing when one is wrong."""
        changed = await self._pass(config, apply=True)
        await self.follow_version()
        return changed

    async def preview(self, config: Config) -> tuple[SettingsBook, bool]:
        """What would hold with a configuration applied, and whether that is what is applied; change nothing."""
        kernel = self.runtime.kernel
        rows = read_areas(config, list(kernel.manifests), kernel.settings.declared, kernel.clock)
        found: list[tuple[SettingsBook, bool]] = []

        async def rule(work: Work) -> dict[str, Any]:
            facts = await tree_facts(work, rows.sections)
            self._checked(config, rows, facts, [])
            book = overlay(rows, facts)
            found.append((book, book.pins() == facts.stored.pins()))
            return {}

        await self.runtime.as_system(rule)
        return found[-1]

    async def _pass(self, config: Config, *, apply: bool) -> int:
        kernel = self.runtime.kernel
        rows, problems = look_over_areas(config, list(kernel.manifests), kernel.settings.declared, kernel.clock)
        changed, notices, pending = 0, list[Problem](), False

        async def rule(work: Work) -> dict[str, Any]:
            nonlocal changed, notices, pending
            if apply:
                await hold_settings(work, alone=True)
            facts = await tree_facts(work, rows.sections)
            pending = bool(rows) and not facts.areas
            notices = self._checked(config, rows, facts, problems)
            if apply and not pending:
                changed = await apply_file(work, rows, facts, config.digest)
            return {}

        await self.runtime.as_system(rule)
        self.notices, self._pending = notices, pending
        return changed

    def _checked(self, config: Config, rows: FileRows, facts: TreeFacts, problems: list[Problem]) -> list[Problem]:
        """The notices about a file; raises ConfigurationError with what is wrong in it, `problems` among it."""
        if config.file is None:
            return []
        if rows and not facts.areas:
            if problems:
                raise ConfigurationError(*problems)
            return [config.file.problem("AREAS_NOT_YET", "area")]
        check = TreeCheck(rows, config.file, self.runtime.kernel.settings.declared, facts)
        check.run()
        if problems or check.problems:
            raise ConfigurationError(*sorted([*problems, *check.problems], key=lambda p: p.line or 0))
        return check.notices

    async def follow_version(self) -> bool:
        """Read the newest version, if it is another than the one in hand, and tell whoever waits; whether it was."""
        database, store = self.runtime.database, self.runtime.kernel.settings
        version = int((await database.read("SELECT version FROM core_governance WHERE id = 1"))[0][0])
        if version == self.version:
            return False
        store.keep(await store.read(database.fetch, database.dialect.mark, version))
        self.version = version
        async with self._changed:
            self._changed.notify_all()
        return True

    async def changes(self) -> AsyncIterator[int]:
        """The version in force, now and whenever it has changed: what subscriptions are fed from."""
        yield self.version
        seen = self.version
        while not self._stopping.is_set():
            async with self._changed:
                while self.version == seen and not self._stopping.is_set():
                    await self._changed.wait()
            if self.version != seen:
                seen = self.version
                yield seen

    # --- while serving -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Look at once: the file may have been changed since it was read."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._stopping.set()
        if self._task is not None:
            await self._task
        async with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.look()
            except Exception:
                log.exception("could not look at the configuration; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def look(self) -> None:
        """One look at the file, the version and the pilots."""
        for look in self.beside:
            await asyncio.to_thread(look)
        seen = self._stat()
        if seen != self._seen or (
            self._pending and await self.runtime.database.read("SELECT 1 FROM core_area LIMIT 1")
        ):
            self._seen = seen if await self._reload() else _NEVER
        await self._pilots()
        if await self.follow_version():
            await self._tell_again()

    async def _tell_again(self) -> None:
        """What was done online may have changed what the file in force can say."""
        if self.config.file is not None:
            with contextlib.suppress(ConfigurationError):
                await self.check(self.config)

    async def _pilots(self) -> None:
        database, now = self.runtime.database, self.runtime.clock.now()
        due = await database.read(
            f"SELECT 1 FROM core_plugin_area WHERE until <= {database.dialect.mark(1)} LIMIT 1", [now]
        )
        if due:

            async def rule(work: Work) -> dict[str, Any]:
                await end_due_pilots(work)
                return {}

            await self.runtime.as_system(rule)

    def _stat(self) -> _Stat | None:
        """Of the file in force, or of the one that would be; None while there is none."""
        try:
            found = self.config.path.stat() if self.config.path else None
        except OSError:
            return None
        return found and (found.st_mtime_ns, found.st_size, found.st_ino)

    async def _reload(self) -> bool:
        """Take up the file as it is now; False if that is to be tried again."""
        path = self.config.path
        if path is None or (self.config.file is None and not path.exists()):
            self.problems = []
            return True
        try:
            file = TomlFile.read(path)
            if not file.data:
                raise ConfigurationError(Problem("FILE_EMPTY", {}, str(file.path)))
            config = config_from(file, self.environment)
            moved = [
                f.name for f in fields(Config) if f.compare and getattr(config, f.name) != getattr(self.config, f.name)
            ]
            if moved:
                at = moved[0]
                raise ConfigurationError(file.problem("NEEDS_RESTART", at, keys=", ".join(moved)))
            changed = await self.apply(config)
        except ConfigurationError as error:
            self.problems = [p for p in error.problems if isinstance(p, Problem)]
            for line in error.lines():
                log.warning("the changed file is not taken up", problem=line)
            return True
        except Exception as error:
            problem = Problem("TAKE_UP_FAILED", {"error": type(error).__name__}, str(path))
            if self.problems != [problem]:
                log.exception("the changed file could not be taken up; trying again", file=str(path))
            self.problems = [problem]
            return False
        self.problems = []
        if config.digest != self.config.digest:
            log.info("took up the changed file", file=str(path), changed=changed)
        self.config = config
        return True
