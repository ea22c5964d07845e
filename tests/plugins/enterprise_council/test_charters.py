"""The share of enterprises in any body that a charter names, moved by an amendment alone (INV5, INV17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.config import config_from
from core.errors import ConfigurationError
from core.problems import Problem
from core.testing.kit import Neighbourhood, Refused
from core.toml import TomlFile
from tests.kits.enterprise_council import CoBuilding, enterprises

pytestmark = pytest.mark.anyio


async def in_force(c: CoBuilding, body: str) -> list[dict[str, Any]]:
    seen = await c.see(
        body, "seatRules(where: {state: {eq: IN_FORCE}, category: {eq: ENTERPRISE}}) { nodes { lower upper keptBy } }"
    )
    found: list[dict[str, Any]] = seen["seatRules"]["nodes"]
    return found


@pytest.mark.parametrize("kind", ["RESIDENTS_COUNCIL", "VILLAGERS_COUNCIL", "FORUM"])
async def test_a_charter_adds_the_share_to_any_deliberating_body(neighbourhood: Neighbourhood, kind: str) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    body = await c.found(name="村里的组织", kind=kind, size=9)
    e = await c.enterprise("企业子")
    seat = ("clerk", "enterpriseCouncilSeatEnterprise", "seat { number }")
    assert await n.refused(*seat, **c.seating(e, bodyId=body)) == "NO_SUCH_SEATS"
    await c.charter({"bodyId": body, "size": 9, "seatRules": [enterprises(1, 4, rounding="NEAREST")]})
    assert await in_force(c, body) == [{"lower": 2, "upper": 2, "keptBy": "enterprise_council"}]
    assert await c.share(body) == {"size": 9, "seats": 2, "taken": 0, "isWhole": False, "isValid": False}
    assert (await n.do(*seat, **c.seating(e, bodyId=body)))["seat"]["number"] == 1


async def test_a_charter_fixes_the_share_and_keeps_it_within_what_is_set_above(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    draft = ("clerk", "councilsDraftCharter", "charter { id }")
    said: dict[str, Any] = {
        "areaId": c.area, "title": "章程", "clauses": [{"key": "1", "heading": "总则", "text": "自治。"}],
    }  # fmt: skip

    def constitutes(rule: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"bodyId": c.body, "size": 10, "seatRules": [rule]}]

    assert await n.refused(*draft, **said, constitutes=constitutes({**enterprises(2), "maximum": 3})) == "KEPT_IS_FIXED"
    assert await n.refused(*draft, **said, constitutes=constitutes(enterprises(5))) == "ENTERPRISE_SHARE"
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=await n.area_id("haicang"), plugin="enterprise_council",
        settings=[{"key": "most_percent", "value": 20, "lock": "MAX"}],
    )  # fmt: skip
    assert await n.refused(*draft, **said, constitutes=constitutes(enterprises(3))) == "ENTERPRISE_SHARE"
    await n.do(*draft, **said, constitutes=constitutes(enterprises(2)))


async def test_who_sat_for_an_enterprise_as_a_unit_counts_from_the_charter_that_rules_enterprises(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, members=0)
    body = await c.found(name="同驻共建理事会", kind="RESIDENTS_COUNCIL", size=8)
    first, second, third = [await c.enterprise(f"企业{name}") for name in "子丑寅"]
    fill = ("admin", "councilsFillSeat", "seat { id }")
    units = [
        (await n.do(*fill, bodyId=body, holderId=e.person, category="RESIDENT_UNIT", mandateOfId=e.id))["seat"]["id"]
        for e in (first, second)
    ]
    assert (await c.see(body, "isValid"))["isValid"] is True
    await c.charter({"bodyId": body, "size": 8, "seatRules": [enterprises(1)]})
    seen = "isValid compositions(first: 1) { nodes { violations { category count lower upper } } }"
    over = [{"category": "ENTERPRISE", "count": 2, "lower": 1, "upper": 1}]
    assert await c.see(body, seen) == {"isValid": False, "compositions": {"nodes": [{"violations": over}]}}
    seat = ("clerk", "enterpriseCouncilSeatEnterprise", "seat { number }")
    assert await n.refused(*seat, **c.seating(third, bodyId=body)) == "CATEGORY_FULL"
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=units[0], because="OTHER")
    assert await c.see(body, seen) == {"isValid": True, "compositions": {"nodes": [{"violations": []}]}}
    unit = {"bodyId": body, "holderId": first.person, "category": "RESIDENT_UNIT", "mandateOfId": first.id}
    assert await n.refused(*fill, **unit) == "KEPT_SEAT"


async def test_an_amendment_moves_the_share_and_what_is_out_of_it_is_seen(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=7)
    seats = [await c.seat(await c.enterprise(f"企业{name}")) for name in "子丑寅"]
    assert (await c.share() or {})["isWhole"] is True
    await c.charter({"bodyId": c.body, "size": 10, "seatRules": [enterprises(2, 10)]})
    assert await c.share() == {"size": 10, "seats": 2, "taken": 3, "isWhole": False, "isValid": False}
    await n.do(
        "clerk", "enterpriseCouncilEndSeat", "seat { id }", seatId=seats[2], because="REMOVED", reason="章程减席"
    )
    assert await c.share() == {"size": 10, "seats": 2, "taken": 2, "isWhole": True, "isValid": True}
    await c.charter({"bodyId": c.body, "size": 12, "seatRules": [enterprises(1, 4)]}, title="修订")
    assert await c.share() == {"size": 12, "seats": 3, "taken": 2, "isWhole": False, "isValid": False}
    await c.seat(await c.enterprise("企业卯"))
    assert (await c.share() or {})["isValid"] is True


async def test_a_charter_without_enterprise_seats_ends_them(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=10, members=2)
    e, gone = await c.enterprise("企业子"), await c.enterprise("企业丑")
    seat, vacant = await c.seat(e), await c.seat(gone)
    await n.do("admin", "coreRevokeMandate", "mandate { id }", mandateId=gone.mandate, reason="离职")
    await n.delivered()
    await c.charter({"bodyId": c.body, "size": 7, "seatRules": []})
    assert await c.share() == {"size": 7, "seats": 0, "taken": 0, "isWhole": True, "isValid": True}
    for id in (seat, vacant):
        assert await c.see(id, "state endedBecause") == {"state": "ENDED", "endedBecause": "BY_CHARTER"}
    seen = await c.see(c.body, "filledSeats compositions(first: 1) { nodes { isValid filled } }")
    assert seen == {"filledSeats": 2, "compositions": {"nodes": [{"isValid": True, "filled": 2}]}}


async def test_no_charter_could_keep_to_bounds_that_contradict_each_other(
    neighbourhood: Neighbourhood, tmp_path: Path
) -> None:
    n = neighbourhood
    area = await n.area_id("haicang")
    tune = ("coreSetPluginSettings", "area { id }")
    both = [{"key": "least_percent", "value": 60}, {"key": "most_percent", "value": 40}]
    where = {"areaId": area, "plugin": "enterprise_council"}
    assert await n.refused("admin", *tune, **where, settings=both) == "SETTINGS_CONTRADICT"
    assert (
        await n.refused("admin", *tune, **where, settings=both[:1]) == "SETTINGS_CONTRADICT"
    )  # 49 at most unless told
    # Where the area above tightens a bound, an area below is told which of its own keys stand against it.
    below = {"areaId": await n.area_id("xishan"), "plugin": "enterprise_council"}
    await n.do("admin", *tune, **below, settings=[{"key": "least_percent", "value": 45}])
    await n.do("admin", *tune, **where, settings=both[1:])
    with pytest.raises(Refused, match="concern_days, least_percent"):
        await n.do("admin", *tune, **below, settings=[{"key": "concern_days", "value": 5}])
    await n.do(
        "admin", *tune, **below, settings=[{"key": "concern_days", "value": 5}, {"key": "least_percent", "value": 30}]
    )
    path = tmp_path / "gongzhi.toml"
    said = "enterprise_council.least_percent = 60\nenterprise_council.most_percent = 40\n"
    path.write_text(f"[area.xishan]\n{said}", "utf-8")
    with pytest.raises(ConfigurationError) as wrong:
        await n.server.take_up.check(config_from(TomlFile.read(path), {}))
    assert {p.code for p in wrong.value.problems if isinstance(p, Problem)} == {"SETTINGS_CONTRADICT"}
