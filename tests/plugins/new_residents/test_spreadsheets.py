"""An employer's dormitory list from a spreadsheet asks the same people, within the same bounds, as one that is submitted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.files import brought, count, workbook
from tests.kits.new_residents import Arriving

pytestmark = pytest.mark.anyio
HEAD = ["用人单位", "区域代码", "宿舍地址", "入住职工", "入住日期"]
MINE = "{ newResidentsRegistrations { nodes { state confirmBy claimedSince dormitory { employer { name } } } } }"


async def test_a_spreadsheet_asks_within_the_bounds_of_the_area_and_loses_nothing(
    neighbourhood: Neighbourhood, tmp_path: Path
) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=a.haicang, plugin="new_residents",
        settings=[{"key": "confirm_days", "value": 10}],
    )  # fmt: skip
    await a.employer("企业丁", "company")
    (login,) = await n.newcomers(1, "haihong")
    many = await n.registered(*(f"工{number}" for number in range(201)), area="haihong")
    assert len(many) == 201
    await n.delivered()
    await n.quiet()
    today = n.clock.today()
    good = ["企业丁", "haihong", "海虹路 88 号宿舍", login, a.months_ago(8)]

    async def take(*rows: list[Any]) -> tuple[dict[int | None, str], bool]:
        _, found, done = await brought(n, workbook(tmp_path / "list.xlsx", {"宿舍名单": [HEAD, *rows]}))
        return {f.line: f.code for f in found if str(f.severity) == "ERROR"}, done

    tomorrow = (today + timedelta(days=1)).isoformat()
    names = "、".join(f"工{number}" for number in range(201))
    codes, done = await take(
        good,
        ["企业丁", "haihong", "宿舍", "工1", tomorrow],
        ["企业丁", "haihong", "宿舍", names, None],
        ["企业丁", "haihong", "宿舍", "工1、工1", None],
        ["企业丁", "haihong", "宿舍", "工1、没有此人", None],
    )  # fmt: skip
    assert (codes, done) == (
        {3: "IN_THE_FUTURE", 4: "TOO_MANY_WORKERS", 5: "TWICE_ON_LIST", 6: "UNKNOWN_REFERENCE"}, False,
    )  # fmt: skip
    assert await count(n, "new_residents_list") == 0  # whole or not at all
    assert await take(good) == ({}, True)
    (asked,) = (await n.ask(login, MINE))["newResidentsRegistrations"]["nodes"]
    assert asked == {
        "state": "INVITED", "confirmBy": (today + timedelta(days=10)).isoformat(), "claimedSince": a.months_ago(8),
        "dormitory": {"employer": {"name": "企业丁"}},
    }  # fmt: skip


async def test_a_list_that_is_brought_twice_asks_nobody_twice(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    await a.employer("企业丁", "company")
    first, second, third = await n.newcomers(3, "haihong")
    await n.delivered()

    async def take(*rows: list[Any]) -> tuple[list[tuple[int | None, str, Any]], bool, int]:
        _, found, done = await brought(n, workbook(tmp_path / "list.xlsx", {"宿舍名单": [HEAD, *rows]}))
        await n.quiet()
        told = [(f.line, f.code, f.values.get("count")) for f in found]
        return told, done, await count(n, "new_residents_registration", "state = 'INVITED'")

    def row(*workers: str, address: str = "海虹路 88 号宿舍") -> list[Any]:
        return ["企业丁", "haihong", address, "、".join(workers), None]

    assert await take(row(first, second)) == ([], True, 2)
    assert await take(row(first, second)) == ([(2, "PEOPLE_ASKED", 2)], True, 2)
    assert await count(n, "new_residents_list") == 1
    # Within one file as well; whoever is new, or lives elsewhere of the employer's, is asked.
    twice = [row(second, third), row(third), row(first, address="海虹路 90 号宿舍")]
    assert await take(*twice) == ([(2, "PEOPLE_ASKED", 1), (3, "PEOPLE_ASKED", 1)], True, 4)
    # Whoever agreed is registered; whoever declined may be asked once more.
    waiting = "{ newResidentsRegistrations { nodes { id state address } } }"
    for who, answer in ((second, "newResidentsConfirmRegistration"), (third, "newResidentsDeclineRegistration")):
        (asked,) = (await n.ask(who, waiting))["newResidentsRegistrations"]["nodes"]
        await n.do(who, answer, "registration { id }", registrationId=asked["id"])
    assert await take(row(first, second, third)) == ([(2, "PEOPLE_ASKED", 2)], True, 3)


async def test_a_second_home_in_a_spreadsheet_is_told_at_its_row(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    a = await Arriving.begin(n)
    login, _ = await a.settled()
    (free,) = await n.newcomers(1, "xinyang")
    await n.delivered()
    head = ["成员", "区域代码", "成员身份", "加入日期"]

    async def take(*rows: list[Any]) -> tuple[list[tuple[int | None, str, str | None]], bool]:
        _, found, done = await brought(n, workbook(tmp_path / "members.xlsx", {"成员关系": [head, *rows]}))
        return [(f.line, f.code, f.column) for f in found], done

    def lives(who: str, area: str) -> list[Any]:
        return [who, area, "居民", "2024-01-01"]

    rows = [lives(free, "xishan"), lives(login, "xishan"), lives(login, "haicang")]
    assert await take(*rows) == ([(3, "HOME_ELSEWHERE", "区域代码")], False)
    assert await take(rows[0], rows[2]) == ([], True)  # the district their home lies in is no other
