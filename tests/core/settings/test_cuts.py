"""What areas cut: a role loses a permission there and below, in rules, in lists and masks, and in the database."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from core.config import read_config
from core.errors import ConfigurationError
from core.kernel import Kernel
from core.settings.cuts import SECTION
from core.settings.take_up import read_areas
from core.testing.kit import INSTALLED, Databases, Neighbourhood, Refused, served

pytestmark = pytest.mark.anyio

SET = ("coreSetPluginSettings", "area { permissionMatrix { version } }")
REGISTER = ("coreRegisterActor", "actor { id }")
MATRIX = (
    "query($c: String!) { area(code: $c) { permissionMatrix { version"
    " permissions { key roles { role carries cutBy } } } } }"
)


async def cut(n: Neighbourhood, who: str, code: str, permission: str, roles: list[str] | None, **more: Any) -> None:
    wish = {"key": permission, "value": roles, **more}
    await n.do(who, *SET, areaId=await n.area_id(code), plugin=SECTION, settings=[wish])


async def row(n: Neighbourhood, code: str, permission: str) -> dict[str, Any]:
    found = (await n.ask(None, MATRIX, c=code))["area"]["permissionMatrix"]["permissions"]
    roles = next(p["roles"] for p in found if p["key"] == permission)
    return {r["role"]: r["carries"] or r["cutBy"] for r in roles}


async def seen_anew(n: Neighbourhood, *logins: str) -> None:
    """Who is signed in is looked at again within a second; a new token is at once."""
    await n.trust(*logins)


async def test_a_cut_holds_there_and_below_for_everybody_with_the_role(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    district = (await n.newcomers(1, "haicang"))[0]
    person = (await n.ask(district, "{ viewer { id } }"))["viewer"]["id"]
    haicang, xishan, haihong = [await n.area_id(c) for c in ("haicang", "xishan", "haihong")]
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=haicang, actorId=person)
    new = {"kind": "PERSON", "name": "新来的"}
    await n.do(district, *REGISTER, areaId=xishan, **new)

    await cut(n, "admin", "xishan", "core.actor.register", ["AREA_ADMIN", "ADMIN"])
    assert await row(n, "xishan", "core.actor.register") == {"CLERK": ["xishan"], "AREA_ADMIN": True, "ADMIN": True}
    assert (await row(n, "haihong", "core.actor.register"))["CLERK"] is True
    for who in ("clerk", district):
        with pytest.raises(Refused) as refused:
            await n.do(who, *REGISTER, areaId=xishan, **new)
        assert refused.value.codes == ["NOT_PERMITTED"]
    await n.do(district, *REGISTER, areaId=haihong, **new)
    await n.do("admin", *REGISTER, areaId=xishan, **new)
    query = 'query($on: ID!) { can(action: "coreRegisterActor", on: $on) { reason remedies { roles } } }'
    found = (await n.ask("clerk", query, on=xishan))["can"]
    assert found == {"reason": "ROLE_CUT", "remedies": [{"roles": ["AREA_ADMIN", "ADMIN"]}]}

    await cut(n, "admin", "xishan", "core.actor.register", None)
    await n.do(district, *REGISTER, areaId=xishan, **new)


async def test_whose_role_is_cut_has_no_duty_there(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    turn = 'query($on: ID!) { dutyHolders(permission: "core.actor.register", on: $on) { steps { areaCode holders } } }'

    async def first(code: str) -> dict[str, Any]:
        found = (await n.ask("admin", turn, on=await n.area_id(code)))["dutyHolders"]["steps"]
        return {step["areaCode"]: step["holders"] for step in found}

    before = await first("xishan")
    assert list(before) == ["xishan"] and before["xishan"] > 0
    await cut(n, "admin", "xishan", "core.actor.register", ["AREA_ADMIN", "ADMIN"])
    after = await first("xishan")
    assert after["xishan"] < before["xishan"] and len(after) > 1


NAMES = "{ actors(first: 100) { nodes { id name area { code } ... on Household { address } } } }"


async def test_what_is_read_follows_the_cut(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    login = (await n.newcomers(1, "haicang"))[0]
    person = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    haicang = await n.area_id("haicang")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=haicang, actorId=person)
    await seen_anew(n, login)
    await n.registered("欧阳海", area="haihong")
    names = "{ actors(first: 100) { nodes { name area { code } } } memberships { totalCount } }"
    before = await n.ask(login, names)
    open_names = [a["name"] for a in before["actors"]["nodes"] if a["area"] and a["area"]["code"] == "xishan"]
    assert open_names
    assert not any("*" in name for name in open_names)

    await cut(n, "admin", "xishan", "core.actor.read", ["AREA_ADMIN", "ADMIN"])
    after = await n.ask(login, names)
    masked = [a["name"] for a in after["actors"]["nodes"] if a["area"] and a["area"]["code"] == "xishan"]
    elsewhere = [a["name"] for a in after["actors"]["nodes"] if a["area"] and a["area"]["code"] == "haihong"]
    assert any("*" in name for name in masked)
    assert "欧阳海" in elsewhere
    assert after["memberships"]["totalCount"] < before["memberships"]["totalCount"]
    assert not any("*" in a["name"] for a in (await n.ask("admin", names))["actors"]["nodes"])

    # A second role of theirs that is not cut reaches there all the same, though the first lies above it.
    xishan = await n.area_id("xishan")
    await n.do("admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=xishan, actorId=person)
    await seen_anew(n, login)
    assert await n.ask(login, names) == before

    # And plain execution, which looks at each row, says the same as the statement.
    graphql = n.server.graphql
    for who in (login, "clerk", "admin", "resident"):
        viewer = await n.viewer(who)
        assert viewer.cuts
        for query in (names, "{ events(first: 50) { nodes { id type area { code } } } }", NAMES):
            planned = await graphql.execute(query, viewer=viewer)
            assert [planned[k] for k in ("data",)] and "errors" not in planned
            plain = await graphql.execute(query, viewer=viewer, plain=True)
            assert _json(planned) == _json(plain), (who, query)


def _json(response: dict[str, Any]) -> Any:
    import orjson

    return orjson.loads(orjson.dumps(response["data"]))


async def test_an_area_takes_away_and_never_gives(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang, xishan = await n.area_id("haicang"), await n.area_id("xishan")

    async def refused(code: str, key: str, value: Any, **more: Any) -> str:
        with pytest.raises(Refused) as found:
            await cut(n, "admin", code, key, value, **more)
        return str(found.value.codes[0])

    assert await refused("xishan", "core.actor.merge", ["CLERK", "AREA_ADMIN", "ADMIN"]) == "BAD_SETTING"
    assert await refused("xishan", "core.actor.merge", []) == "BAD_SETTING"
    assert await refused("xishan", "core.actor.merge", ["AREA_ADMIN"]) == "BAD_SETTING"  # the highest is never cut
    assert await refused("xishan", "core.actor.merge", ["ADMIN"], lock="OPEN") == "BAD_LOCK"
    assert await refused("xishan", "core.activity.join", ["ADMIN"]) == "UNKNOWN_SETTING"  # open to everyone
    await cut(n, "admin", "haicang", "core.actor.merge", ["ADMIN"])
    assert await refused("xishan", "core.actor.merge", ["AREA_ADMIN", "ADMIN"]) == "SETTING_TOO_LOOSE"
    toggle = {"plugin": SECTION, "state": "OFF"}
    assert await n.refused("admin", "coreTogglePlugin", "area { id }", areaId=xishan, **toggle) == "UNKNOWN_PLUGIN"
    wish = {"key": "core.actor.merge", "value": ["ADMIN"]}
    assert await n.refused("clerk", *SET, areaId=haicang, plugin=SECTION, settings=[wish]) == "NOT_PERMITTED"
    version = {"areaId": haicang, "plugin": SECTION, "settings": [wish], "expectedVersion": 0}
    assert await n.refused("admin", *SET, **version) == "VERSION_CONFLICT"


async def test_the_database_checks_a_cut_again(neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch) -> None:
    n = neighbourhood
    xishan, haihong = await n.area_id("xishan"), await n.area_id("haihong")
    await cut(n, "admin", "xishan", "core.actor.register", ["AREA_ADMIN", "ADMIN"])
    monkeypatch.setattr(Kernel, "cuts", lambda self, book=None: {})
    new = {"kind": "PERSON", "name": "新来的"}
    assert await n.refused("clerk", *REGISTER, areaId=xishan, **new) == "OUTSIDE_MANDATE"
    await n.do("admin", *REGISTER, areaId=xishan, **new)
    await n.do("admin", *REGISTER, areaId=haihong, **new)


async def test_nobody_gives_a_role_that_keeps_what_theirs_has_lost(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    chief, other = await n.newcomers(2, "xishan")
    person, friend = [(await n.ask(who, "{ viewer { id } }"))["viewer"]["id"] for who in (chief, other)]
    grant = ("coreGrantRole", "roleGrant { id }")
    await n.do("admin", *grant, role="AREA_ADMIN", areaId=xishan, actorId=person)
    made = await n.do(chief, *grant, role="CLERK", areaId=xishan, actorId=friend)
    assert await n.refused(chief, *grant, role="ADMIN", areaId=xishan, actorId=friend) == "ROLE_ABOVE_OWN"
    assert await n.refused(chief, *grant, role="CLERK", areaId=await n.area_id("haicang"), actorId=friend) == (
        "NOT_PERMITTED"
    )
    await cut(n, "admin", "xishan", "core.actor.read", ["CLERK", "ADMIN"])
    assert await n.refused(chief, *grant, role="CLERK", areaId=xishan, actorId=friend) == "ROLE_ABOVE_OWN"
    revoke = {"roleGrantId": made["roleGrant"]["id"], "reason": "试试"}
    assert await n.refused(chief, "coreRevokeRole", "roleGrant { id }", **revoke) == "ROLE_ABOVE_OWN"
    await n.do(chief, *grant, role="INSPECTOR", areaId=xishan, actorId=friend)


async def test_who_lost_a_permission_does_not_take_it_back(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    chief = (await n.newcomers(1, "xishan"))[0]
    person = (await n.ask(chief, "{ viewer { id } }"))["viewer"]["id"]
    grant = {"role": "AREA_ADMIN", "areaId": await n.area_id("xishan"), "actorId": person}
    await n.do("admin", "coreGrantRole", "roleGrant { id }", **grant)
    await cut(n, chief, "xishan", "core.actor.merge", ["ADMIN"])
    for value in (["AREA_ADMIN", "ADMIN"], None):
        with pytest.raises(Refused, match="CUT_ABOVE_OWN"):
            await cut(n, chief, "xishan", "core.actor.merge", value)
    await cut(n, chief, "xishan", "core.actor.register", ["AREA_ADMIN", "ADMIN"])
    await cut(n, chief, "xishan", "core.actor.register", ["CLERK", "AREA_ADMIN", "ADMIN"])
    await cut(n, "admin", "xishan", "core.actor.merge", None)


FILE = """
database = "{url}"
plugins = {plugins}

[area.xishan]
permissions."core.actor.merge" = ["ADMIN"]
permissions."adoption.inspect" = {{ value = ["AREA_ADMIN", "ADMIN"] }}
"""
WRONG = """
plugins = ["adoption"]

[area.xishan]
enable = ["permissions"]
permissions."core.actor.merge" = ["CLERK"]
permissions."core.actor.mrge" = ["ADMIN"]
permissions."core.actor.read" = { value = ["ADMIN"], lock = "open" }
"""


@pytest.mark.needs("adoption", "points")
async def test_the_file_pins_cuts(databases: Databases, demo_url: str, tmp_path: Path) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(FILE.format(url=demo_url, plugins=json.dumps(INSTALLED)), "utf-8")
    async with served(read_config(path), is_fresh=True) as n:
        await n.trust("admin", "inspector")
        assert (await row(n, "xishan", "core.actor.merge"))["AREA_ADMIN"] == ["xishan"]
        assert (await row(n, "xishan", "adoption.inspect"))["INSPECTOR"] == ["xishan"]
        with pytest.raises(Refused, match="SETTING_PINNED_BY_FILE"):
            await cut(n, "admin", "xishan", "core.actor.merge", ["AREA_ADMIN", "ADMIN"])
        agreement = (await n.ask("admin", "{ adoptionAgreements(first: 1) { nodes { id } } }"))["adoptionAgreements"]
        inspect = {"agreementId": agreement["nodes"][0]["id"], "score": 90}
        assert await n.refused("inspector", "adoptionInspect", "inspection { id }", **inspect) == "NOT_PERMITTED"
        path.write_text(
            FILE.format(url=demo_url, plugins=json.dumps(INSTALLED)).replace(
                'permissions."adoption', '# permissions."adoption'
            ),
            "utf-8",
        )
        async with asyncio.timeout(10):
            async for _ in n.server.take_up.changes():
                if (await row(n, "xishan", "adoption.inspect"))["INSPECTOR"] is True:
                    break
        await n.do("inspector", "adoptionInspect", "inspection { id }", **inspect)


@pytest.mark.needs("adoption", "points")
def test_wrong_cuts_in_the_file_are_told(tmp_path: Path) -> None:
    import server
    from core.clock import Clock

    path = tmp_path / "gongzhi.toml"
    path.write_text(WRONG, "utf-8")
    config = read_config(path)
    host = server.Host(("adoption",))
    with pytest.raises(ConfigurationError) as told:
        read_areas(config, host.keys, host.settings, Clock())
    lines = told.value.lines()
    assert len(lines) == 4, lines
    assert any("AREA_ADMIN, ADMIN; ADMIN stays" in line for line in lines), lines
    assert any("'core.actor.merge'" in line and "core.actor.mrge" in line for line in lines), lines
    assert any("subset" in line and "core.actor.read" in line for line in lines), lines


async def test_another_worker_knows_of_a_cut_within_a_second(
    databases: Databases, neighbourhood: Neighbourhood
) -> None:
    """The ORM's connections are a process's, so the second worker is played by another runtime's eyes on the database:
    what it reads is what `follow_version` sees, and mutations look at the version themselves."""
    n = neighbourhood
    xishan = await n.area_id("xishan")
    store = n.server.runtime.kernel.settings
    before = store.current
    await cut(n, "admin", "xishan", "core.actor.register", ["AREA_ADMIN", "ADMIN"])
    store.current = before  # as a worker has it that has not looked yet
    n.server.take_up.version = before.version
    assert await n.refused("clerk", *REGISTER, areaId=xishan, kind="PERSON", name="新来的") == "NOT_PERMITTED"
    async with asyncio.timeout(1):
        async for _ in n.server.take_up.changes():
            if (await n.viewer("clerk")).cuts:
                break
