"""Handlers that fail in every way: each harms itself alone, and no event is lost by it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tortoise.connection import get_connection
from tortoise.exceptions import OperationalError

from core import events
from core.containment import PAUSES, Failure, Overran, contained
from core.enums import Toggle
from core.errors import GongzhiError, Refusal
from core.events import Dispatcher, EventRecord, Handler
from core.health import PluginStatus
from core.models import Area
from core.rules.settings import toggle_plugin
from core.runtime import Runtime
from core.settings.store import as_uuid
from core.testing.kit import Databases, Neighbourhood
from core.work import Work

pytestmark = pytest.mark.anyio
Handle = Callable[[Work, EventRecord], Awaitable[None]]


async def ping(runtime: Runtime, *data: dict[str, Any]) -> None:
    """An event `core.pinged` in 西山社 for each, with these data."""

    async def rule(work: Work) -> dict[str, Any]:
        area = await work.find(Area, code="xishan")
        assert area is not None
        for each in data:
            work.record("core.pinged", area, area_id=area.id, data=each)
        return {}

    await runtime.as_system(rule)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [{"n": n} for n in numbers]


def hears(plugin: str, handle: Handle) -> Handler:
    return Handler(plugin, "core.pinged", handle)


def listener(heard: list[int]) -> Handle:
    async def listen(work: Work, event: EventRecord) -> None:
        heard.append(event.data["n"])

    return listen


async def listening(runtime: Runtime, *handlers: Handler) -> Dispatcher:
    made = Dispatcher(runtime.database, runtime.kernel, handlers)
    await made.register()
    return made


async def until(true: Callable[[], Awaitable[bool] | bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            found = true()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


async def set_aside(runtime: Runtime) -> list[tuple[str, int]]:
    """Which events (plugin, n) wait for a replay, because they could not be digested."""
    rows = await runtime.database.read(
        "SELECT f.plugin, e.data FROM core_delivery_failure f JOIN core_event e ON e.id = f.event_id ORDER BY e.seq"
    )
    return [(r[0], (json.loads(r[1]) if isinstance(r[1], str) else r[1])["n"]) for r in rows]


class Stop(BaseException):
    """What a careless plugin derives from."""


async def cancels_itself() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(3600)


def raises(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def end() -> None:
        raise error

    return end


ENDINGS = (
    raises(asyncio.CancelledError()), cancels_itself, raises(SystemExit(3)), raises(GeneratorExit()), raises(Stop()),
)  # fmt: skip


async def test_a_handler_that_ends_in_a_cancellation_or_an_exit_stops_nobody(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, Failure.RAISED, (0.0, 0.0))
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    heard: list[int] = []
    survived: list[int] = []

    async def ends(work: Work, event: EventRecord) -> None:
        if event.data["n"] < len(ENDINGS):
            await ENDINGS[event.data["n"]]()
        survived.append(event.data["n"])

    delivery = await listening(runtime, hears("broken", ends), hears("sound", listener(heard)))
    await delivery.start()
    try:
        everyone = list(range(len(ENDINGS) + 1))
        await ping(runtime, *numbered(*everyone))
        delivery.wake()
        await until(lambda: heard == everyone and survived == everyone[-1:])
        # And it goes on.
        await ping(runtime, {"n": 99})
        delivery.wake()
        await until(lambda: heard[-1] == 99 and survived[-1] == 99)
    finally:
        await delivery.stop()
    assert await set_aside(runtime) == [("broken", n) for n in everyone[:-1]]
    assert runtime.kernel.health.status("broken") is PluginStatus.FAILING
    assert runtime.kernel.health.status("sound") is PluginStatus.OK


async def test_a_cancellation_of_ours_is_not_the_plugins_failure() -> None:
    running = asyncio.create_task(contained(lambda: asyncio.sleep(3600), 60))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(Overran):
        await contained(lambda: asyncio.sleep(3600), 0.01)


async def test_what_can_pass_is_tried_for_long_and_then_set_aside(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, Failure.RAISED, (0.0, 0.0))
    monkeypatch.setitem(PAUSES, Failure.PASSING, (0.0,) * 10)
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    locked = sqlite3.OperationalError("database is locked")
    locked.sqlite_errorcode = sqlite3.SQLITE_BUSY
    deadlock = Exception("deadlock detected")
    deadlock.sqlstate = "40P01"  # type: ignore[attr-defined]
    troubles: list[Exception] = [
        ConnectionResetError(), TimeoutError(), OperationalError(locked), deadlock, OperationalError(deadlock),
        ValueError(), ConnectionRefusedError(), KeyError(),
    ]  # fmt: skip
    heard: list[int] = []

    async def flaky(work: Work, event: EventRecord) -> None:
        if event.data["n"] == 1 and troubles:
            raise troubles.pop(0)
        if event.data["n"] == 2:
            raise ConnectionRefusedError
        heard.append(event.data["n"])

    delivery = await listening(runtime, hears("flaky", flaky))
    await ping(runtime, *numbered(0, 1, 2, 3))
    await delivery.drain()
    assert troubles == []
    # The events before 1 are delivered again without it: what happened with them was undone with the batch.
    assert heard == [0, 0, 1, 3]
    assert await set_aside(runtime) == [("flaky", 2)]


@pytest.mark.needs("points")
async def test_replay_tries_each_missed_event_once_by_itself(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PAUSES, Failure.RAISED, (0.0, 0.0))
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    poison = {0, 2, 3}

    async def picky(work: Work, event: EventRecord) -> None:
        area = await work.get(Area, event.subject_id)
        work.record("core.noted", area, area_id=area.id, data=event.data)
        if event.data["n"] in poison:
            raise ZeroDivisionError

    async def noted() -> list[int]:
        rows = await runtime.database.read("SELECT data FROM core_event WHERE type = 'core.noted' ORDER BY seq")
        return [(json.loads(r[0]) if isinstance(r[0], str) else r[0])["n"] for r in rows]

    xishan = as_uuid((await runtime.database.read("SELECT id FROM core_area WHERE code = 'xishan'"))[0][0])

    async def toggle(state: Toggle) -> None:
        async def rule(work: Work) -> dict[str, Any]:
            await toggle_plugin(work, area_id=xishan, plugin="points", state=state, pilot_until=None, reason=None)
            return {}

        await runtime.as_system(rule)

    delivery = await listening(runtime, hears("points", picky))
    await ping(runtime, *numbered(0, 1))
    await delivery.settle()
    assert await set_aside(runtime) == [("points", 0)]
    await toggle(Toggle.OFF)
    await ping(runtime, *numbered(2, 3, 4))
    await delivery.settle()
    assert await noted() == [1]
    assert await delivery.replay("points") == (0, 0, 4)
    await toggle(Toggle.ON)
    assert await delivery.replay("points", "hongtang") == (0, 0, 0)
    assert await delivery.replay("points", "xishan") == (1, 3, 0)
    assert await delivery.replay("points") == (0, 3, 0)
    poison -= {0, 2}
    # Two at once: each event once.
    done = await asyncio.gather(
        delivery.replay("points"), (await listening(runtime, *delivery.handlers)).replay("points")
    )
    assert sum(d.delivered for d in done) == 2
    assert sorted(await noted()) == [0, 1, 2, 4]
    poison.clear()
    assert await delivery.replay("points") == (1, 0, 0)
    assert await delivery.replay("points") == (0, 0, 0)
    assert sorted(await noted()) == [0, 1, 2, 3, 4]
    assert await set_aside(runtime) == []


@pytest.mark.needs("points", "adoption")
async def test_beside_a_handler_that_sleeps_everybody_goes_on(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    runtime, delivery = n.server.runtime, n.server.runtime.dispatcher
    asleep, tries = True, 0
    dreamt: list[int] = []
    heard: list[int] = []

    async def sleepy(work: Work, event: EventRecord) -> None:
        nonlocal tries
        tries += 1
        if asleep and event.data["n"] == 1:
            await asyncio.sleep(3600)
        dreamt.append(event.data["n"])

    delivery.handlers = [*delivery.handlers, hears("points", sleepy), hears("adoption", listener(heard))]
    await delivery.register()
    xishan = await n.area_id("xishan")
    await ping(runtime, *numbered(0, 1, 2))
    async with asyncio.timeout(20):  # the handler sleeps an hour; what is measured is in the commit's message
        for name in ("甲", "乙", "丙"):
            await n.do("admin", "coreRenameArea", "area { name }", areaId=xishan, name=name)
            assert (await n.http.get("/readyz")).json()["status"] == "ready"
        await until(lambda: heard == [0, 1, 2] and dreamt == [0, 0] and delivery._line(delivery.handlers[-2]).rests)
    assert tries == 3  # 0 and 1, then 0 without 1; 1 rests, and 2 behind it
    ready = (await n.http.get("/readyz")).json()
    assert (ready["plugins"]["points"], ready["plugins"]["adoption"]) == ("FAILING", "OK")
    shown = {p["key"]: p["problem"] for p in (await n.ask("admin", "{ plugins { key problem } }"))["plugins"]}
    assert shown["points"] == "handler points:core.pinged:sleepy"
    await ping(runtime, {"n": 3})
    await until(lambda: heard == [0, 1, 2, 3])
    await asyncio.sleep(events.IDLE_SECONDS * 1.5)
    assert tries == 3
    # Awake again, in order.
    asleep = False
    await n.delivered()
    assert dreamt == [0, 0, 1, 2, 3]
    assert await set_aside(runtime) == []

    # What always takes too long is set aside in the end.
    monkeypatch.setattr(events, "LIMIT_SECONDS", 0.05)
    monkeypatch.setitem(PAUSES, Failure.SLOW, (0.0, 0.0))
    asleep = True
    await ping(runtime, *numbered(1, 5))
    await n.delivered()
    assert dreamt == [0, 0, 1, 2, 3, 5]
    assert await set_aside(runtime) == [("points", 1)]
    assert await delivery.replay("points") == (0, 1, 0)


async def test_many_plugins_at_rest_cost_one_statement_a_look(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    runtime = n.server.runtime
    await n.quiet()
    monkeypatch.setattr(events, "IDLE_SECONDS", 0.02)
    handlers = [hears(f"plugin{i}", listener([])) for i in range(12)]
    delivery = await listening(runtime, *handlers)
    seen: list[str] = []
    runtime.database.observers.append(seen.append)
    await delivery.start()
    await until(lambda: len(seen) >= 5)
    await delivery.stop()
    assert all(sql.startswith("SELECT 0 WHERE (SELECT") and sql.count("UNION ALL") == 11 for sql in seen), seen


async def test_readiness_reads_and_knows_when_nothing_can_be_written(
    neighbourhood: Neighbourhood, databases: Databases
) -> None:
    n = neighbourhood
    runtime, database = n.server.runtime, n.server.runtime.database
    await n.quiet()

    async def ready() -> int:
        return int((await n.http.get("/readyz")).status_code)

    seen: list[str] = []
    async with database.transaction() as transaction:
        await transaction.fetch("UPDATE core_delivery SET seq = seq")
        database.observers.append(seen.append)
        assert await ready() == 200
        database.observers.remove(seen.append)
    assert len(seen) == 1 and "BEGIN" not in seen

    client = get_connection("default")
    if database.dialect.name == "sqlite":
        await client.execute_query("PRAGMA busy_timeout=50")
        other = sqlite3.connect(database.url.removeprefix("sqlite:"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert await ready() == 200  # somebody is writing: that is no trouble yet
        with pytest.raises(Refusal, match="BUSY"):
            await ping(runtime, {"n": 0})
        assert await ready() == 503
        other.close()
    else:
        name = (await database.read("SELECT current_database()"))[0][0]
        databases.cluster.run_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        await client._expire_connections()  # type: ignore[attr-defined]
        assert await ready() == 503
        databases.cluster.run_sql(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        await client._expire_connections()  # type: ignore[attr-defined]
    assert await ready() == 200
    await ping(runtime, {"n": 0})


async def move_to_another_cluster(runtime: Runtime) -> None:
    """As `pg_dump` and a restore leave it: what is stored has ids far beyond the new cluster's counter."""
    async with runtime.database.transaction() as transaction:
        for sql in (
            "ALTER TABLE core_event DISABLE TRIGGER USER",
            "UPDATE core_event SET transaction_id = transaction_id + 1000000",
            "ALTER TABLE core_event ENABLE TRIGGER USER",
            "UPDATE core_delivery SET transaction_id = transaction_id + 1000000",
        ):
            await transaction.fetch(sql)


async def test_restored_into_another_cluster_every_event_arrives_once(neighbourhood: Neighbourhood) -> None:
    runtime = neighbourhood.server.runtime
    await runtime.dispatcher.stop()
    moves = 0 if runtime.database.dialect.name == "sqlite" else 2
    heard: list[int] = []
    late: list[int] = []
    old = hears("old", listener(heard))
    new = hears("new", listener(late))
    delivery = await listening(runtime, old)
    await ping(runtime, *numbered(0, 1))
    await delivery.settle()
    for step in range(1, 3):
        await ping(runtime, {"n": 10 * step})  # not delivered before the move
        if moves:
            await move_to_another_cluster(runtime)
        delivery = await listening(runtime, old)
        await listening(runtime, old)  # another worker starts there too
        await ping(runtime, {"n": 10 * step + 1})
        async with asyncio.timeout(20):
            await delivery.settle()
    assert heard == [0, 1, 10, 11, 20, 21]
    delivery = await listening(runtime, old, new)
    await ping(runtime, {"n": 30})
    await delivery.settle()
    assert (heard[-1], late) == (30, [30])
    assert len(await runtime.database.read("SELECT base FROM core_epoch")) == moves


@pytest.mark.needs("points")
async def test_an_event_a_plugin_never_declared_is_told_at_once(neighbourhood: Neighbourhood) -> None:
    async def rule(work: Work) -> dict[str, Any]:
        area = await work.find(Area, code="xishan")
        assert area is not None
        work.record("points.never.declared", area, area_id=area.id)
        return {}

    with pytest.raises(
        GongzhiError, match=r"points\.never\.declared: not listed under events_out in the plugin\.toml of points"
    ):
        await neighbourhood.server.runtime.as_system(rule)
