"""The demo district: as many as planned, the same for everybody, on both databases; and never over anybody's data."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.cli.serving import demo
from core.cli.tasks import first_admin
from core.demo import ACCOUNTS, DistrictPlan, make_demo
from core.demo.mark import Found, hold
from core.errors import ConfigurationError
from core.rules.inputs import clean_credit_code
from core.testing.kit import Databases, served
from server import Server

TINY = DistrictPlan(0.02)
Alike = dict[str, list[list[str]]]
COUNTED = {
    "areas": "core_area", "people": "core_actor WHERE kind = 'PERSON'", "households": "core_actor WHERE kind = 'HOUSEHOLD'",
    "organizations_and_enterprises": "core_actor WHERE kind IN ('ORGANIZATION', 'ENTERPRISE')",
    "activities": "core_activity",
}  # fmt: skip
# What two demos have in common: everything but ids.
ALIKE = {
    "the log": "SELECT type, occurred_at, recorded_at FROM core_event WHERE type <> 'core.demo.made' ORDER BY seq",
    "areas": "SELECT a.code, a.name, a.kind, p.code FROM core_area a LEFT JOIN core_area p ON p.id = a.parent_id"
    " ORDER BY a.code",
    "actors": "SELECT c.code, a.kind, a.name, a.sort_name, a.registration_number, a.credit_code, a.address"
    " FROM core_actor a JOIN core_area c ON c.id = a.area_id ORDER BY 1, 2, 3, 5, 7",
    "memberships": "SELECT a.name, c.code, o.name, m.role, m.since FROM core_membership m"
    " JOIN core_actor a ON a.id = m.actor_id LEFT JOIN core_area c ON c.id = m.area_id"
    " LEFT JOIN core_actor o ON o.id = m.organization_id ORDER BY 1, m.since, 4, 2, 3",
    "who came": "SELECT c.code, t.title, t.state, t.starts_at, t.places_taken, a.name, p.state, p.joined_at"
    " FROM core_activity t JOIN core_area c ON c.id = t.area_id LEFT JOIN core_participation p ON p.activity_id = t.id"
    " LEFT JOIN core_actor a ON a.id = p.actor_id ORDER BY 1, 4, 2, 8, 6",
}
MECHANISMS = {
    "points": "SELECT a.name, max(e.seq), sum(e.amount) FROM points_entry e JOIN points_account p ON p.id = e.account_id"
    " JOIN core_actor a ON a.id = p.actor_id GROUP BY p.id, a.name ORDER BY 1, 2, 3",
    "inspections": "SELECT c.code, s.name, s.state, i.score, i.result, i.inspected_at FROM adoption_inspection i"
    " JOIN adoption_agreement g ON g.id = i.agreement_id JOIN adoption_asset s ON s.id = g.asset_id"
    " JOIN core_area c ON c.id = s.area_id ORDER BY 1, 2, 6",
}


class Interrupted(Exception):
    pass


async def make(databases: Databases, url: str, *, stop_half_way: bool = False) -> Alike:
    """Make a tiny demo, or the beginning of one; what it has in common with others."""

    def progress(done: int, of: int) -> None:
        assert 0 < done <= of
        if stop_half_way and done * 2 >= of:
            raise Interrupted

    running = await Server.open(databases.config(url))
    try:
        await make_demo(running.runtime, running.host, TINY, progress)
        read = running.runtime.database.read
        for name, where in COUNTED.items():
            counted, planned = (await read(f"SELECT count(*) FROM {where}"))[0][0], getattr(TINY, name)
            # Meetings and tasks of mechanisms are activities too.
            assert counted >= planned if name == "activities" else counted == planned, name
        assert not await read("SELECT 1 FROM core_delivery_failure")
        wanted = ALIKE | (MECHANISMS if {"adoption", "points"} <= set(databases.plugins) else {})
        # SQLite has texts where PostgreSQL has instants, days and exact sums.
        return {
            k: [["" if v is None else str(v)[:19] for v in row] for row in await read(q)] for k, q in wanted.items()
        }
    finally:
        await running.close()


async def found(url: str) -> Found:
    async with hold(url) as place:
        return await place.found()


def test_the_plan_multiplies_everything() -> None:
    plan = DistrictPlan()
    assert (plan.towns, plan.communities, plan.areas, plan.people) == (4, 24, 123, 2000)
    assert (plan.organizations_and_enterprises, plan.households, plan.activities) == (150, 640, 300)
    assert plan.homonyms["陈伟"] == 3
    large = DistrictPlan(100)
    assert (large.towns, large.communities, large.people) == (400, 2400, 200_000)
    assert (large.organizations_and_enterprises, large.activities) == (15_000, 30_000)
    for total in (7, 300, 2399, 200_001):
        assert sum(large.share(total, part) for part in range(large.communities)) == total


@pytest.fixture
def urls(databases: Databases) -> list[str]:
    return [databases.fresh(dialect, "empty") for dialect in ("sqlite", "sqlite", "postgres")]


@pytest.mark.anyio
async def test_two_districts_of_a_day_are_alike_and_as_planned(databases: Databases, urls: list[str]) -> None:
    one, again, elsewhere = [await make(databases, url) for url in urls]
    assert one == again
    assert one == elsewhere
    for name, times in TINY.homonyms.items():
        assert [row[2] for row in one["actors"]].count(name) == times
    codes = [row[5] for row in one["actors"] if row[5]]
    assert len(codes) == len(set(codes)) > 3
    assert [clean_credit_code(code) for code in codes] == codes
    if "points" in one:
        assert ["企业甲", "4", "35"] in one["points"]
        assert len(one["points"]) > 3
        assert {row[4] for row in one["inspections"]} == {"PASSED", "FAILED"}
    async with served(databases.config(urls[0])) as n:
        await n.sign_in("admin")
        for login in ("inspector", "resident"):  # live and stand in where the banner says
            await n.sign_in(login)
        home = (await n.ask("resident", "{ viewer { area { name } } }"))["viewer"]["area"]["name"]
        assert ACCOUNTS["resident"].endswith(home)
        hats = await n.ask("inspector", "{ deputies { nodes { holding { post { title area { name } } } } } }")
        (post,) = (d["holding"]["post"] for d in hats["deputies"]["nodes"])
        assert post["title"] == "洪塘村便民服务窗口" and ACCOUNTS["inspector"].endswith(post["area"]["name"])
        seen = await n.ask("admin", '{ areas(where: {within: "xinyang"}) { totalCount } viewer { name } }')
        assert seen["areas"]["totalCount"] == 11  # the street, two communities, two grids each with a compound


@pytest.mark.anyio
async def test_what_was_interrupted_is_known_and_made_anew(databases: Databases, empty_url: str) -> None:
    assert await found(empty_url) is Found.NOTHING
    with pytest.raises(Interrupted):
        await make(databases, empty_url, stop_half_way=True)
    async with hold(empty_url) as place:
        assert await place.found() is Found.HALF
        with pytest.raises(ConfigurationError, match="another process"):
            await found(empty_url)
        await place.clear()
        assert await place.found() is Found.NOTHING
    await make(databases, empty_url)
    async with hold(empty_url) as place:
        assert await place.found() is Found.DEMO
        assert await place.scale() == 0.02


@pytest.mark.anyio
async def test_nobody_elses_data_is_touched(databases: Databases, empty_url: str, tmp_path: Path) -> None:
    letter = tmp_path / "letter.db"
    letter.write_text("a letter, not a database\n" * 100)
    running = await Server.open(databases.config(empty_url))
    try:
        await first_admin(running.runtime, "root", "林晓敏", "long enough 1", "haicang", "海沧区")
    finally:
        await running.close()
    for url, said in ((f"sqlite:{letter}", "cannot be read"), (empty_url, "no demo's")):
        for fresh in (False, True):
            with pytest.raises(ConfigurationError, match=said):
                await demo(databases.config(url), url, scale=0, serve=False, fresh=fresh)
    assert letter.read_text().startswith("a letter")
    assert await found(empty_url) is Found.OTHER
