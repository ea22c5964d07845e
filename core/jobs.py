"""What time makes due: deadlines that pass, terms that end. The clock is asked, never the machine's timer alone.

A job says which rows are due and settles one of them. Every row is settled in a transaction of its own, so a row that
cannot be settled holds up no other; two workers may meet on a row, and the second finds that it is no longer due.
A row that takes too long ends its job's pass, because others wait meanwhile, and rests for a time that grows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from core.containment import LIMIT_SECONDS, PAUSES, Failure, Overran, contained
from core.errors import Refusal
from core.retention import settle
from core.settings.store import as_uuid
from core.work import Work

if TYPE_CHECKING:
    from core.runtime import Runtime

log = structlog.get_logger("gongzhi.jobs")

LOOK_SECONDS = 20.0
BATCH = 200


@dataclass(frozen=True)
class Job:
    """`due` selects `id` and `area_id` of the rows that are due, with `:now:` (an instant) and `:today:` (the civil
    date) where it needs them; `act(work, id)` looks again under the row's lock, and settles it or does nothing.

    Rows in areas where the plugin is off are left alone until it is on again.
    """

    plugin: str
    name: str
    due: str
    act: Callable[[Work, UUID], Awaitable[None]]

    @property
    def key(self) -> str:
        return f"{self.plugin}.{self.name}"


class Jobs:
    """Looks for what is due while the server runs; `run_due` does it once."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self.jobs = jobs
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._slow: dict[tuple[str, UUID], tuple[int, float]] = {}  # row → how often too slow, and until when it rests
        self._tidied: date | None = None

    async def start(self, runtime: Runtime) -> None:
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(runtime))

    async def stop(self) -> None:
        """Finish the row under way and end."""
        self._stopping.set()
        if self._task is not None:
            await self._task
            self._task = None
        self._stopping.clear()

    async def _run(self, runtime: Runtime) -> None:
        while not self._stopping.is_set():
            try:
                await self.run_due(runtime)
            except Exception:
                log.exception("could not look for what is due; trying again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def run_due(self, runtime: Runtime) -> dict[str, int]:
        """Settle everything that is due now; how many rows each job settled, by `plugin.name`. Once a civil day also
        forget what is kept for a time only."""
        if self._tidied != (today := runtime.clock.today()) and await self._tidy(runtime):
            self._tidied = today
        settled = dict.fromkeys((job.key for job in self.jobs), 0)
        for job in self.jobs:
            try:
                await self._run_one(runtime, job, settled)
            except Exception as error:
                if Failure.of(error) is Failure.PASSING:
                    raise  # the database's trouble
                runtime.kernel.health.failed(job.plugin, f"job {job.key}")
                log.exception("a job could not say what is due", job=job.key)
        return settled

    @staticmethod
    async def _tidy(runtime: Runtime) -> bool:
        """Forget what is kept for a time only. Whether all of it went well; what failed is tried again in the next pass,
        and holds up no job."""
        is_well = True
        for name, act in (("old keys", runtime.forget_old_keys), ("retention", lambda: settle(runtime))):
            try:
                await act()
            except Exception:
                is_well = False
                runtime.kernel.health.failed("core", name)
                log.exception("could not forget what is kept for a time only", what=name)
        return is_well

    async def _run_one(self, runtime: Runtime, job: Job, settled: dict[str, int]) -> None:
        last: UUID | None = None
        while not self._stopping.is_set():
            waiting = await self._due(runtime, job, last)
            if not waiting:
                return
            for id in waiting:
                if self._slow.get((job.key, id), (0, 0.0))[1] > monotonic():
                    continue
                try:
                    settled[job.key] += await self._settle(runtime, job, id)
                except Overran:
                    self._rest(runtime, job, id)
                    return
                self._slow.pop((job.key, id), None)
            last = waiting[-1]

    def _rest(self, runtime: Runtime, job: Job, id: UUID) -> None:
        times = self._slow.get((job.key, id), (0, 0.0))[0] + 1
        pauses = PAUSES[Failure.SLOW]
        rest = pauses[min(times, len(pauses)) - 1]
        self._slow[job.key, id] = (times, monotonic() + rest)
        runtime.kernel.health.failed(job.plugin, f"job {job.key}")
        log.error("a job took too long", job=job.key, id=str(id), times=times, again_in=rest)

    @staticmethod
    async def _due(runtime: Runtime, job: Job, after: UUID | None) -> list[UUID]:
        database = runtime.database
        values: list[Any] = []
        sql = job.due

        def bind(value: Any) -> str:
            values.append(value)
            return database.dialect.mark(len(values))

        for name, value in ((":now:", runtime.clock.now()), (":today:", runtime.clock.today())):
            if name in sql:
                sql = sql.replace(name, bind(value))
        conditions = []
        if job.plugin != "core":
            conditions.append(
                f"d.area_id IN (SELECT p.area_id FROM core_plugin_area p WHERE p.plugin = {bind(job.plugin)}"
                f" AND (p.until IS NULL OR p.until > {bind(runtime.clock.now())}))"
            )
        if after is not None:
            conditions.append(f"d.id > {bind(after)}")
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        rows = await database.read(f"SELECT d.id FROM ({sql}) d{where} ORDER BY d.id LIMIT {BATCH}", values)
        return [as_uuid(row[0]) for row in rows]

    @staticmethod
    async def _settle(runtime: Runtime, job: Job, id: UUID) -> int:
        async def rule(work: Work) -> dict[str, Any]:
            await contained(lambda: job.act(work, id), LIMIT_SECONDS)
            return {"settled": bool(work.events) or work.flushed}

        try:
            outcome = await runtime.as_system(rule)
        except Refusal as refusal:
            log.info("a due row was not settled", job=job.key, id=str(id), refusal=str(refusal))
            return 0
        except Overran:
            raise
        except Exception:
            runtime.kernel.health.failed(job.plugin, f"job {job.key}")
            log.exception("a job failed", job=job.key, id=str(id))
            return 0
        return int(outcome["settled"])
