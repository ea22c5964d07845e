"""What time makes due is settled row by row; one that cannot be settled holds up no other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import jobs as jobs_module
from core.errors import Refusal
from core.jobs import Job, Jobs
from core.models import Area, EventText
from core.settings.store import as_instant
from core.testing.kit import Neighbourhood
from core.work import Work

pytestmark = pytest.mark.anyio

DUE = "SELECT a.id AS id, a.id AS area_id FROM core_area a WHERE a.name NOT LIKE '%!'"


async def shout(work: Work, id: UUID) -> None:
    area = await work.lock(Area, id)
    work.require("core.area.manage", area)
    if area.code == "xishan":
        raise Refusal("AREA_CYCLE")
    if area.code == "haihong":
        raise ZeroDivisionError
    work.change(area, name=area.name + "!")
    work.record("core.area.renamed", area, area_id=area.id)


async def test_every_due_row_is_settled_once_and_a_failing_one_holds_up_no_other(neighbourhood: Neighbourhood) -> None:
    runtime = neighbourhood.server.runtime
    jobs = Jobs([Job("core", "shout", DUE, shout)])
    everyone = (await neighbourhood.ask(None, "{ areas { totalCount } }"))["areas"]["totalCount"]
    assert await jobs.run_due(runtime) == {"core.shout": everyone - 2}
    assert await jobs.run_due(runtime) == {"core.shout": 0}
    assert runtime.kernel.health.failures("core") == 2  # once in each pass: it is tried again
    names: Any = await neighbourhood.ask(None, "{ areas { nodes { code name } } }")
    left = {a["code"] for a in names["areas"]["nodes"] if not a["name"].endswith("!")}
    assert left == {"xishan", "haihong"}


async def test_what_ends_badly_or_never_leaves_the_other_rows_and_jobs_alone(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "LIMIT_SECONDS", 0.3)
    runtime = neighbourhood.server.runtime
    tried: list[str] = []

    async def fate(work: Work, id: UUID) -> None:
        area = await work.lock(Area, id)
        tried.append(area.code)
        if area.code == "xishan":
            raise asyncio.CancelledError
        if area.code == "haihong":
            raise SystemExit(1)
        if area.code == "haicang":
            await asyncio.sleep(3600)
        work.require("core.area.manage", area)
        work.change(area, name=area.name + "!")
        work.record("core.area.renamed", area, area_id=area.id)

    jobs = Jobs(
        [Job("core", "broken", "SELECT no_such_column AS id FROM core_area", fate), Job("core", "fate", DUE, fate)]
    )
    everyone = (await neighbourhood.ask(None, "{ areas { totalCount } }"))["areas"]["totalCount"]
    settled = 0
    for _ in range(3):
        settled += (await jobs.run_due(runtime))["core.fate"]
    assert settled == everyone - 3
    # The one that sleeps ended a pass and rests since; the others that failed are tried in every pass that reaches them.
    assert tried.count("haicang") == 1
    assert {"xishan", "haihong"} <= set(tried)
    assert runtime.kernel.health.problem("core") in ("job core.fate", "job core.broken")


async def test_what_cannot_be_forgotten_holds_up_no_job_and_is_tried_again(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    runtime = n.server.runtime
    text = EventText.texts[-1]
    assert text.keep is not None
    await n.quiet()
    await n.do("admin", "coreRenameArea", "area { id }", areaId=await n.area_id("xishan"), name="西山")
    broken = replace(text, keep=replace(text.keep, where="(SELECT no_such_column)"))
    n.clock.advance(timedelta(days=4000))
    seen: list[UUID] = []

    async def note(work: Work, id: UUID) -> None:
        seen.append(id)

    jobs = Jobs([Job("core", "note", DUE, note)])
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(EventText, "texts", (*EventText.texts[:-1], broken))
        await jobs.run_due(runtime)
    assert seen and runtime.kernel.health.problem("core") == "retention"
    kept = "SELECT count(*) FROM core_event_text"
    assert (await runtime.database.read(kept))[0][0] > 0
    await jobs.run_due(runtime)
    assert (await runtime.database.read(kept))[0][0] == 0


async def test_a_job_sees_the_clock(neighbourhood: Neighbourhood) -> None:
    runtime = neighbourhood.server.runtime
    due = "SELECT a.id AS id, a.id AS area_id FROM core_activity a WHERE a.ends_at <= :now: AND a.starts_at < :now:"
    seen: list[UUID] = []

    async def note(work: Work, id: UUID) -> None:
        seen.append(id)

    await Jobs([Job("core", "note", due, note)]).run_due(runtime)
    now = runtime.clock.now()
    ends = await runtime.database.read("SELECT ends_at FROM core_activity")
    past = [end for (at,) in ends if (end := as_instant(at)) is not None and end <= now]
    assert len(seen) == len(past) >= 1 and len(past) < len(ends)


@pytest.mark.needs("points")
async def test_where_a_plugin_is_off_its_jobs_rest(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    runtime = n.server.runtime
    seen: list[UUID] = []

    async def note(work: Work, id: UUID) -> None:
        seen.append(id)

    jobs = Jobs([Job("points", "note", "SELECT a.id AS id, a.id AS area_id FROM core_area a", note)])
    await jobs.run_due(runtime)
    everyone = len(seen)
    await n.do(
        "admin", "coreTogglePlugin", "area { code }",
        areaId=await n.area_id("xishan"), plugin="points", state="OFF", reason="休整",
    )  # fmt: skip
    seen.clear()
    await jobs.run_due(runtime)
    assert len(seen) == everyone - 3  # 西山社 and its two groups


async def test_old_idempotency_keys_go_while_the_server_runs(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    rename = {"areaId": await n.area_id("xishan"), "name": "西山"}
    await n.do("admin", "coreRenameArea", "area { id }", idempotencyKey="old", **rename)
    count = "SELECT count(*) FROM core_idempotency WHERE key = 'old'"
    for days, kept in ((6, 1), (2, 0)):
        n.clock.advance(timedelta(days=days))
        await n.due()
        assert (await n.server.runtime.database.read(count))[0][0] == kept
