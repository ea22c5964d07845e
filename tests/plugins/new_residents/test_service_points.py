"""Service points: where, what, and when they are open, in civil time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio
DAYS = [{"weekday": day, "opens": "08:30", "closes": "12:00"} for day in range(1, 6)]
POINT = "servicePoint { id name state openNow services hours { weekday opens closes } closures }"


async def test_a_service_point_is_open_by_its_hours(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    place = {"areaId": a.haihong, "name": "新厦门人服务综合体", "address": "海虹路 1 号"}
    opening = (a.clerk, "newResidentsOpenServicePoint", POINT)
    made = await n.do(*opening, **place, hours=DAYS, services=["居住登记", "子女入学咨询"], phone="0592-1234567")
    point = made["servicePoint"]["id"]
    assert made["servicePoint"]["services"] == ["居住登记", "子女入学咨询"]
    assert await n.refused(*opening, **place) == "POINT_EXISTS"
    assert await n.refused("resident", "newResidentsOpenServicePoint", POINT, **place) == "NOT_PERMITTED"

    async def open_at(hour: int, minute: int, weekday: int = 1) -> bool:
        local = n.clock.now().astimezone(n.clock.zone)
        day = (local + timedelta(days=(weekday - local.isoweekday()) % 7 + 7)).date()
        n.clock.set(datetime(day.year, day.month, day.day, hour, minute, tzinfo=n.clock.zone))
        seen = await n.ask(None, "query($i: ID!) { newResidentsServicePoint(id: $i) { openNow } }", i=point)
        return bool(seen["newResidentsServicePoint"]["openNow"])

    begun = n.clock.now()
    assert [await open_at(8, 29), await open_at(8, 30), await open_at(11, 59), await open_at(12, 0)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not await open_at(9, 0, 6)
    await open_at(9, 0)
    today = n.clock.today().isoformat()
    update = (a.clerk, "newResidentsUpdateServicePoint", POINT)
    assert not (await n.do(*update, pointId=point, closures=[today]))["servicePoint"]["openNow"]
    assert (await n.do(*update, pointId=point, closures=[]))["servicePoint"]["openNow"]
    wrong: list[list[dict[str, Any]]] = [
        [{"weekday": 0, "opens": "08:00", "closes": "09:00"}],
        [{"weekday": 1, "opens": "09:00", "closes": "08:00"}],
        [{"weekday": 1, "opens": "nine", "closes": "10:00"}],
        [*DAYS[:1], {"weekday": 1, "opens": "11:00", "closes": "13:00"}],
    ]
    for hours in wrong:
        assert await n.refused(*update, pointId=point, hours=hours) == "BAD_OPENING_HOURS"
    closed = await n.do(a.clerk, "newResidentsCloseServicePoint", POINT, pointId=point, reason="搬迁")
    assert (closed["servicePoint"]["state"], closed["servicePoint"]["openNow"]) == ("CLOSED", False)
    assert await n.refused(*update, pointId=point, name="x") == "POINT_CLOSED"
    n.clock.set(begun)
    found = await n.ask(None, '{ search(query: "新厦门人服务", first: 5) { nodes { servicePoint { name } } } }')
    assert {"servicePoint": {"name": "新厦门人服务综合体"}} in found["search"]["nodes"]
