"""Personal texts go when they have been kept long enough, sooner where an area says so; rows, counts and ledgers stay."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import retention
from core.retention import CORE_SETTINGS, kept_for_a_time, settle
from core.testing import process
from core.testing.kit import Databases, Neighbourhood

pytestmark = pytest.mark.anyio


async def column(n: Neighbourhood, table: str, name: str) -> list[Any]:
    return [row[0] for row in await n.server.runtime.database.read(f"SELECT {name} FROM {table} ORDER BY id")]


async def revoked(n: Neighbourhood, area: str, reason: str) -> None:
    """A role given and taken back in an area, for a reason."""
    (person,) = await n.registered("田小禾", area=area)
    given = await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="INSPECTOR", areaId=await n.area_id(area), actorId=person
    )
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=given["roleGrant"]["id"], reason=reason)


async def test_reasons_go_after_their_days_and_sooner_where_an_area_says_so(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.quiet()
    runtime = n.server.runtime
    n.clock.set(n.clock.now())
    await settle(runtime)
    short, longer = await n.area_id("xishan"), await n.area_id("haicang")
    setting = {"plugin": "core", "settings": [{"key": "event_text_days", "value": 90}]}
    too_long = {"plugin": "core", "settings": [{"key": "event_text_days", "value": 2000}]}
    whole = {"plugin": "core", "settings": [{"key": "event_text_days", "value": 1095}]}
    await n.do("admin", "coreSetPluginSettings", "area { id }", areaId=longer, **whole)
    await n.do("admin", "coreSetPluginSettings", "area { id }", areaId=short, **setting)
    assert (
        await n.refused("admin", "coreSetPluginSettings", "area { id }", areaId=short, **too_long)
        == "SETTING_TOO_LOOSE"
    )
    shown = "query($i: ID!) { node(id: $i) { ... on Area { retention { key value } } } }"
    for area, days in ((short, 90), (longer, 1095)):
        rows = (await n.ask(None, shown, i=area))["node"]["retention"]
        assert {r["key"]: r["value"] for r in rows}["event_text_days"] == days
    for area in ("xishan-1", "haihong"):
        await revoked(n, area, f"{area} 不再巡查")
    n.clock.advance(timedelta(days=89))
    await settle(runtime)
    assert "xishan-1 不再巡查" in await column(n, "core_event_text", "text")  # others of the demo are older
    n.clock.advance(timedelta(days=2))
    assert (await settle(runtime, apply=False))["core_event_text.text"] >= 1
    assert "xishan-1 不再巡查" in await column(n, "core_event_text", "text")  # only told
    await settle(runtime)
    left = await column(n, "core_event_text", "text")
    assert "xishan-1 不再巡查" not in left and "haihong 不再巡查" in left
    assert "core_event_text.text" not in await settle(runtime)
    events = await n.ask(
        "admin",
        '{ events(where: {type: {eq: "core.retention.applied"}}) { nodes { data area { code } actor { id } } } }',
    )
    told = [e for e in events["events"]["nodes"] if e["data"]["table"] == "core_event_text"]
    assert {
        "data": {"table": "core_event_text", "column": "text", "rows": 1},
        "area": {"code": "xishan-1"},
        "actor": None,
    } in told
    n.clock.advance(timedelta(days=1100))
    await settle(runtime)
    assert await column(n, "core_event_text", "text") == []


async def test_the_purpose_of_a_look_goes_and_the_look_stays(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.quiet()
    n.clock.set(n.clock.now())
    (person,) = await n.registered("田小禾")
    await n.do("clerk", "coreSetPhone", "person { id }", personId=person, phone="13959201234")
    await n.do("clerk", "coreDisclose", "accessRecord { id }", actorId=person, field="PHONE", purpose="低保核对")
    await n.do(
        "clerk", "coreGiveConsent", "consent { id }", personId=person, purpose="公示", basis="WRITTEN", evidence="12 号"
    )
    given = (await n.ask("clerk", "{ consents { nodes { id } } }"))["consents"]["nodes"][0]["id"]
    n.clock.advance(timedelta(days=1200))
    found = await settle(n.server.runtime)
    assert found["core_access_record.purpose"] == 1 and "core_consent.evidence" not in found  # it still holds
    assert await column(n, "core_access_record", "purpose") == ["[已清除]"]
    await n.do("clerk", "coreWithdrawConsent", "consent { id }", consentId=given)
    n.clock.advance(timedelta(days=1200))
    assert (await settle(n.server.runtime))["core_consent.evidence"] == 1
    rows = await n.server.runtime.database.read("SELECT evidence FROM core_consent WHERE purpose = '公示'")
    assert [tuple(row) for row in rows] == [(None,)]


async def test_a_running_server_does_it_once_a_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.quiet()
    n.clock.set(n.clock.now())
    await revoked(n, "xishan", "不再巡查")
    assert "不再巡查" in await column(n, "core_event_text", "text")
    n.clock.advance(timedelta(days=1100))
    await n.server.runtime.jobs.run_due(n.server.runtime)
    assert "不再巡查" not in await column(n, "core_event_text", "text")


async def told(n: Neighbourhood) -> Counter[str]:
    """How many rows the events say went, by `table.column`."""
    query = '{ events(first: 100, where: {type: {eq: "core.retention.applied"}}) { nodes { data } } }'
    found: Counter[str] = Counter()
    for event in (await n.ask("admin", query))["events"]["nodes"]:
        found[f"{event['data']['table']}.{event['data']['column']}"] += event["data"]["rows"]
    return found


async def test_two_workers_that_see_the_same_tell_it_once(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second looks while the first has seen what is due and not yet done it."""
    n = neighbourhood
    await n.quiet()
    n.clock.set(n.clock.now())
    await revoked(n, "xishan", "不再巡查")
    n.clock.advance(timedelta(days=1100))
    runtime, due = n.server.runtime, retention._due
    before = await told(n)
    others: list[dict[str, int]] = []

    async def and_another(*arguments: Any) -> Any:
        found = await due(*arguments)
        if not others:
            others.append({})
            others[0] = await settle(runtime)
        return found

    monkeypatch.setattr(retention, "_due", and_another)
    assert await settle(runtime) == {}
    assert others[0]["core_event_text.text"] >= 1
    assert await told(n) - before == Counter(others[0])


async def test_every_time_that_is_declared_is_a_setting_and_a_column(shared_neighbourhood: Neighbourhood) -> None:
    n = shared_neighbourhood
    database = n.server.runtime.database
    found = list(kept_for_a_time(database.models))
    assert {k.keep.days for k in found} | {"case_text_days"} == set(CORE_SETTINGS.keys)  # cases are the mechanisms'
    for kept in found:
        await database.fetch(kept.due_sql(database.dialect.mark), n.clock.now(), "00000000-0000-7000-8000-000000000000")


def test_the_command_tells_and_erases(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("sqlite", "demo")
    (tmp_path / "gongzhi.toml").write_text("[area.haicang.core]\nevent_text_days = 30\n", "utf-8")
    for arguments in ((), ("--apply",), ()):
        done = process.gongzhi(tmp_path, "retention", *arguments, GONGZHI_DATABASE=url)
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "nothing is due"
