"""An import from file to table: read, check, write; the one way in for the command line and for the worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from core.data import facts, settle
from core.data.apply import Applied, CheckedTooEarly, apply
from core.data.sheets import Sheet
from core.data.stage import Counts, Stage
from core.errors import Refusal
from core.runtime import Runtime

TRIES = 3
Progress = Callable[[str, int], None]


@dataclass
class Import:
    """What is to be taken in, from where, for which area; `strict` makes warnings stop it too."""

    runtime: Runtime
    sheets: Sequence[Sheet]
    folder: Path
    path: Path
    area: str | None = None
    only: str | None = None
    strict: bool = False
    system: bool = False
    progress: Progress = field(default=lambda step, rows: None)

    @asynccontextmanager
    async def checked(self) -> AsyncIterator[tuple[Stage, Counts, int]]:
        """The staged file, checked, with what was counted and the watermark it was checked at."""
        clock = self.runtime.clock
        stage = Stage(self.folder, self.sheets, today=clock.today(), now=clock.now())
        try:
            since = await facts.watermark(self.runtime.database)
            await asyncio.to_thread(stage.read, self.path, self.only, lambda n: self.progress("read", n))
            await facts.gather_areas(stage, self.runtime.database, self.area)
            await asyncio.to_thread(settle.settle_areas, stage, self.area, system=self.system)
            await facts.gather(stage, self.runtime.database)
            await asyncio.to_thread(settle.settle, stage)
            await facts.gather_links(stage, self.runtime.database)
            owner, settings = self.runtime.kernel.owner, await self._settings()
            await asyncio.to_thread(settle.build, stage, owner, settings, lambda n: self.progress("check", n))
            yield stage, stage.counts(), since
        finally:
            stage.close()

    async def _settings(self) -> settle.SettingsOf:
        """What the areas have set, as of now."""
        database, store = self.runtime.database, self.runtime.kernel.settings
        book = await store.book(database.fetch, database.dialect.mark, await store.version(database.fetch))
        return cache(lambda model, chain: book.values(store.by_model[model], chain))

    def stops(self, counts: Counts) -> bool:
        return bool(counts.errors or (self.strict and counts.warnings))

    async def bring(self, told: Callable[[Stage, Counts], Any], **apply_with: Any) -> tuple[Counts, Applied | None]:
        """Check and, unless something stops it, write. `told` is shown the findings of the last check."""
        for attempt in range(TRIES):
            async with self.checked() as (stage, counts, since):
                told(stage, counts)
                if self.stops(counts) or stage.top is None:
                    return counts, None
                try:
                    done = await apply(
                        self.runtime, stage, counts, since, progress=lambda n: self.progress("write", n), **apply_with
                    )
                    return counts, done
                except CheckedTooEarly:
                    if attempt == TRIES - 1:
                        raise Refusal("IMPORT_OVERTAKEN") from None
        raise AssertionError
