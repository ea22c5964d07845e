"""Events reach handlers in batches: in order, each once; one that cannot be digested is set aside alone.

What becomes of handlers that fail in every other way is in `test_delivery_failures.py`.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from core import events
from core.containment import PAUSES, Failure
from core.enums import Toggle
from core.events import Dispatcher, EventRecord, Handler
from core.models import Area
from core.rules.settings import toggle_plugin
from core.runtime import Runtime
from core.settings.store import as_uuid
from core.testing.kit import Neighbourhood
from core.work import Work

pytestmark = pytest.mark.anyio


async def note(work: Work, event: EventRecord) -> None:
    """Leave a trace in the log, as part of the delivery's transaction."""
    if event.data.get("poison"):
        raise ZeroDivisionError
    area = await work.get(Area, event.subject_id)
    work.record("core.noted", area, area_id=area.id, data={"n": event.data["n"]})


async def ping(runtime: Runtime, count: int, *codes: str, poison: tuple[int, ...] = ()) -> None:
    async def rule(work: Work) -> dict[str, Any]:
        areas = [await work.find(Area, code=code) for code in codes]
        for n in range(count):
            area = areas[n % len(areas)]
            assert area is not None
            work.record("core.pinged", area, area_id=area.id, data={"n": n, "poison": n in poison})
        return {}

    await runtime.as_system(rule)


async def noted(runtime: Runtime) -> list[int]:
    rows = await runtime.database.fetch("SELECT data FROM core_event WHERE type = 'core.noted' ORDER BY seq")
    return [json.loads(r["data"])["n"] if isinstance(r["data"], str) else r["data"]["n"] for r in rows]


async def dispatcher(runtime: Runtime, plugin: str = "core") -> Dispatcher:
    made = Dispatcher(runtime.database, runtime.kernel, [Handler(plugin, "core.pinged", note)])
    await made.register()
    return made


def commits(runtime: Runtime) -> list[str]:
    seen: list[str] = []
    runtime.database.observers.append(lambda sql: seen.append(sql) if sql == "COMMIT" else None)
    return seen


async def test_a_batch_is_one_transaction_and_what_cannot_be_digested_is_set_aside_alone(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, Failure.RAISED, (0.0, 0.0))
    monkeypatch.setattr(events, "BATCH_SECONDS", 60.0)  # batches are counted here, on however slow a machine
    runtime = neighbourhood.server.runtime
    await neighbourhood.quiet()
    delivery = await dispatcher(runtime)
    await ping(runtime, 2 * events.BATCH + 5, "xishan")
    done = commits(runtime)
    await delivery.drain()
    assert len(done) == 3
    assert await noted(runtime) == list(range(2 * events.BATCH + 5))

    await ping(runtime, 2 * events.BATCH, "xishan", poison=(0, 7))
    done.clear()
    await delivery.drain()
    assert len(done) == 5  # 0 aside; 1 to 6; 7 aside; two batches of the rest
    expected = [n for n in range(2 * events.BATCH) if n not in (0, 7)]
    assert (await noted(runtime))[2 * events.BATCH + 5 :] == expected
    assert len(await runtime.database.read("SELECT 1 FROM core_delivery_failure")) == 2
    assert runtime.kernel.health.failures("core") == 2
    done.clear()
    await delivery.drain()
    assert done == []


async def test_two_workers_deliver_each_event_once_and_in_order(neighbourhood: Neighbourhood) -> None:
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    one, other = await dispatcher(runtime), await dispatcher(runtime)
    await ping(runtime, 130, "xishan", "hongtang", poison=(66,))
    await asyncio.gather(one.drain(), other.drain())
    await one.settle()
    assert await noted(runtime) == [n for n in range(130) if n != 66]


@pytest.mark.needs("points")
async def test_what_comes_while_a_plugin_is_off_is_noted_within_a_batch_too(neighbourhood: Neighbourhood) -> None:
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    delivery = await dispatcher(runtime, "points")
    xishan = as_uuid((await runtime.database.read("SELECT id FROM core_area WHERE code = 'xishan'"))[0][0])

    async def toggle(state: Toggle) -> None:
        async def rule(work: Work) -> dict[str, Any]:
            await toggle_plugin(work, area_id=xishan, plugin="points", state=state, pilot_until=None, reason=None)
            return {}

        await runtime.as_system(rule)

    await toggle(Toggle.OFF)
    await ping(runtime, 20, "xishan", "hongtang")
    await delivery.drain()
    assert await noted(runtime) == list(range(1, 20, 2))
    assert await delivery.replay("points") == (0, 0, 10)
    await toggle(Toggle.ON)
    assert await delivery.replay("points") == (10, 0, 0)
    assert sorted(await noted(runtime)) == list(range(20))


async def test_a_slow_batch_ends_early_and_nothing_is_lost(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = neighbourhood.server.runtime
    await neighbourhood.quiet()
    delivery = await dispatcher(runtime)
    await ping(runtime, 12, "xishan")
    monkeypatch.setattr(events, "BATCH_SECONDS", 0.0)
    done = commits(runtime)
    await delivery.drain()
    assert len(done) == 12
    assert await noted(runtime) == list(range(12))
