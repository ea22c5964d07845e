"""Finding people and things by name: what is found, by whom, in which order, and by an index."""

from __future__ import annotations

from typing import Any

import pytest

from core.enums import ActorKind, MembershipRole
from core.ids import from_global, new_id
from core.models import Actor, Area
from core.rules.actors import add_membership
from core.synchronize import index_names
from core.testing.kit import Neighbourhood, Refused
from core.work import Work

pytestmark = pytest.mark.anyio
SEARCH = "query($q: String!, $n: Int, $a: String) { search(query: $q, first: $n, after: $a) { totalCount nodes { title } pageInfo { endCursor hasNextPage } } }"
HINTS = "query($q: String!) { search(query: $q) { nodes { title hint } } }"

PEOPLE = (
    "陈明远", "陳美雲", "单小明", "曾国强", "尉迟恭", "吕秀莲", "阿依古丽·买买提", "Wang Fang", "张伟", "陈伟", "陈伟", "陈伟",
)  # fmt: skip
FOUND = (
    # query, who is found (in this order), by what
    ("陈明远", ["陈明远"]),
    ("陈明", ["陈明远"]),
    ("明远", ["陈明远"]),
    ("陳明遠", ["陈明远"]),
    ("陈美云", ["陳美雲"]),
    ("  陈 明 远  ", ["陈明远"]),
    ("chenmingyuan", ["陈明远"]),
    ("Chén Míngyuǎn", ["陈明远"]),
    ("mingyu", ["陈明远"]),
    ("cmy", ["陈明远", "陳美雲"]),
    ("ＣＭＹ", ["陈明远", "陳美雲"]),
    ("chenmy", ["陈明远", "陳美雲"]),
    ("陈my", ["陈明远", "陳美雲"]),
    ("c明远", ["陈明远"]),
    ("chen明", ["陈明远"]),
    ("shanxm", ["单小明"]),
    ("danxiaoming", ["单小明"]),
    ("zeng国强", ["曾国强"]),
    ("yuchigong", ["尉迟恭"]),
    ("ycg", ["尉迟恭"]),
    ("lvxl", ["吕秀莲"]),
    ("Lü Xiulian", ["吕秀莲"]),
    ("阿依古丽买买提", ["阿依古丽·买买提"]),
    ("买买", ["阿依古丽·买买提"]),
    ("wang fa", ["Wang Fang"]),
    ("陈伟", ["陈伟", "陈伟", "陈伟"]),
    ("陈_远", []),
    ("陈%远", []),
    ("明%", "SEARCH_TOO_SHORT"),
    ("%%", "SEARCH_TOO_SHORT"),
    ("陈", "SEARCH_TOO_SHORT"),
    ("", "SEARCH_TOO_SHORT"),
    ("' OR 1=1 --", []),
    ("长" * 10_000, "SEARCH_TOO_LONG"),
    ("长" * 65, "SEARCH_TOO_LONG"),
    ("长" * 64, []),
)


async def titles(n: Neighbourhood, who: str | None, query: str, **more: Any) -> list[str]:
    found = await n.ask(who, SEARCH, q=query, **more)
    assert found["search"]["totalCount"] >= len(found["search"]["nodes"])
    return [hit["title"] for hit in found["search"]["nodes"]]


async def test_a_name_is_found_by_every_way_of_writing_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.registered(*PEOPLE)
    wrong = {}
    for query, expected in FOUND:
        try:
            got: Any = await titles(n, "clerk", query)
        except Refused as refused:
            got = refused.codes[0]
        if got != expected:
            wrong[query[:20]] = (got, expected)
    assert not wrong


async def test_the_nearest_come_first_and_pages_follow_without_gap_or_repeat(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    names = ["和平", "和平里", "和平里二社", "新和平", "老新和平", "何萍", "何平安", "老何萍", "禾坪协会"]
    await n.registered(*reversed(names), kind=ActorKind.ORGANIZATION)
    expected = ["和平", "和平里", "和平里二社", "新和平", "老新和平"]
    assert await titles(n, None, "和平") == expected
    by_sound = ["何萍", "和平", "何平安", "和平里", "禾坪协会", "和平里二社", "新和平", "老何萍", "老新和平"]
    assert sorted(await titles(n, None, "heping"), key=len) != await titles(n, None, "heping")
    everything = await titles(n, None, "heping")
    assert sorted(everything) == sorted(by_sound) and set(everything[-3:]) == {"新和平", "老何萍", "老新和平"}
    seen: list[str] = []
    after = None
    while True:
        page = (await n.ask(None, SEARCH, q="heping", n=2, a=after))["search"]
        assert page["totalCount"] == 9
        seen += [hit["title"] for hit in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == everything


async def test_a_masked_name_can_neither_be_found_nor_counted(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.registered("钱塘江", "钱塘社")
    (household,) = await n.registered("钱塘一号户", kind=ActorKind.HOUSEHOLD)
    await n.registered("钱塘书社", kind=ActorKind.ORGANIZATION)
    await n.registered("钱塘客", area="haihong")
    everyone = ["钱塘江", "钱塘社", "钱塘书社", "钱塘一号户"]
    assert await titles(n, "clerk", "钱塘") == everyone  # a clerk of 西山社: nobody in 海虹
    assert sorted(await titles(n, "admin", "钱塘")) == sorted([*everyone, "钱塘客"])
    for who in (None, "resident", "company", "inspector"):
        found = await n.ask(who, SEARCH, q="qian")
        assert [h["title"] for h in found["search"]["nodes"]] == ["钱塘书社"] and found["search"]["totalCount"] == 1
        for query in ("钱塘江", "qtj", "塘江"):
            assert await titles(n, who, query) == []
        hidden = "query($c: String!) { actors(where: {name: {contains: $c}, kind: {eq: PERSON}}) { totalCount } }"
        for part in ("钱塘江", "塘江", "塘"):
            assert (await n.ask(who, hidden, c=part))["actors"]["totalCount"] == 0
        assert (await n.ask(who, hidden, c="钱*"))["actors"]["totalCount"] == 3  # what everybody sees
    assert await titles(n, "resident", "郑雅") == ["郑雅婷"]  # oneself
    assert await titles(n, "company", "zyt") == []
    hit = '{ search(query: "钱塘一") { nodes { subject actor { id } } } }'
    assert (await n.ask("clerk", hit))["search"]["nodes"] == [{"subject": household, "actor": {"id": household}}]


async def test_a_clerk_tells_three_of_one_name_apart_and_learns_nothing_from_elsewhere(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    (first,) = await n.registered("陈伟", area="xishan-1")
    (second,) = await n.registered("陈伟", area="xishan-2")
    (third,) = await n.registered("陈伟", area="haihong")
    xishan = await n.area_id("xishan-1")
    home = await n.do(
        "clerk",
        "coreRegisterActor",
        "actor { id }",
        kind="HOUSEHOLD",
        name="陈家",
        areaId=xishan,
        address="祠堂边 2 栋 301 室",
    )
    await n.do(
        "clerk", "coreAddMembership", "membership { id }", actorId=first, organizationId=home["actor"]["id"],
        role="MEMBER", since="2024-01-01",
    )  # fmt: skip
    await n.do(
        "clerk", "coreAddMembership", "membership { id }", actorId=second, areaId=await n.area_id("xishan-2"),
        role="RESIDENT", since="2023-05-01",
    )  # fmt: skip
    hints = [h["hint"] for h in (await n.ask("clerk", HINTS, q="陈伟"))["search"]["nodes"]]
    assert hints == [
        "东孚镇 › 西山社 › 西山社一组 · 祠堂边 2 栋 301 室",
        "东孚镇 › 西山社 › 西山社二组 · 2023-05-01 起居住",
    ]
    hints = [h["hint"] for h in (await n.ask("admin", HINTS, q="陈伟"))["search"]["nodes"]]
    assert len(hints) == 3 and hints[2] == "新阳街道 › 海虹社区"
    query = "query($a: ID!) { likelyDuplicates(areaId: $a) { nodes { sameName actor { id } earlier { id } } } }"
    seen = await n.ask("admin", query, a=await n.area_id("haicang"))
    pairs = [{"sameName": True, "actor": {"id": later}, "earlier": {"id": first}} for later in (second, third)]
    assert seen["likelyDuplicates"]["nodes"] == pairs
    assert (await n.ask("clerk", query, a=await n.area_id("haicang")))["likelyDuplicates"]["nodes"] == pairs[:1]
    assert (await n.ask("resident", query, a=await n.area_id("haicang")))["likelyDuplicates"]["nodes"] == []


@pytest.mark.needs("adoption", "points")
async def test_a_renamed_thing_is_found_anew_and_a_spot_where_its_plugin_is_on(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    await n.do("admin", "coreRenameArea", "area { id }", areaId=xishan, name="龙门新村")
    assert await titles(n, None, "龍門") == ["龙门新村"]
    assert "西山社" not in await titles(n, None, "西山社")
    spot = '{ search(query: "绿地") { nodes { kind title asset { name } actor { id } } } }'
    assert (await n.ask(None, spot))["search"]["nodes"] == [
        {"kind": "ADOPTION_ASSET", "title": "绿地-03", "asset": {"name": "绿地-03"}, "actor": None}
    ]
    inside = await n.http.post("/areas/xinyang/graphql", json={"query": '{ search(query: "绿地") { totalCount } }'})
    assert inside.json()["data"]["search"]["totalCount"] == 0
    await n.do("admin", "coreTogglePlugin", "area { code }", areaId=xishan, plugin="adoption", state="OFF", reason="停")
    assert (await n.ask(None, spot))["search"]["nodes"] == []
    database = n.server.runtime.database
    async with database.transaction() as transaction:
        await transaction.fetch("DELETE FROM core_search_entry WHERE title = 'x' OR kind = 'AREA'")
    assert await titles(n, None, "龙门") == []
    assert await index_names(database, n.server.runtime.kernel) == 9  # the areas, as at the next start
    assert await titles(n, None, "龙门") == ["龙门新村"]


async def test_twenty_thousand_names_are_searched_by_index(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    database = n.server.runtime.database
    families, given = (
        "陈林黄张吴郑许蔡谢郭洪苏王李刘杨",
        "伟明远华芳秀英敏静丽强磊军洋勇艳杰娟涛超霞平刚桂思文雅婷国建志少永美梅兰竹菊",
    )

    async def rule(work: Work) -> dict[str, Any]:
        home = await work.find(Area, code="xishan")
        assert home is not None
        people = [f + a + b for f in families for a in given for b in given][:20_000]
        rows = [Actor(id=new_id(), kind=ActorKind.PERSON, name=name, area_id=home.id) for name in people]
        await work.index(rows)
        return {"rows": len(rows)}

    # Names only: what a search reads, without the people behind them.
    assert (await n.server.runtime.as_system(rule))["rows"] == 20_000
    if database.dialect.name == "postgres":
        await database.read("SELECT 1")
        async with database.transaction() as transaction:
            await transaction.fetch("ANALYZE core_search_term")
            await transaction.fetch("ANALYZE core_search_entry")
    asked: list[tuple[str, Any]] = []
    read = database.read

    async def spy(sql: str, values: Any = (), **how: Any) -> Any:
        asked.append((sql, values))
        return await read(sql, values, **how)

    database.read = spy  # type: ignore[method-assign]
    await n.quiet()
    for query in ("陈明", "明远", "cmy", "chenmy", "陈my"):
        asked.clear()
        assert await titles(n, "clerk", query)
        (sql, values) = next((s, v) for s, v in asked if "core_search_term" in s)
        explain = "EXPLAIN QUERY PLAN " if database.dialect.name == "sqlite" else "EXPLAIN "
        plan = [str(row) for row in await read(explain + sql, values)]
        terms = [line for line in plan if "core_search_term" in line or "SCAN t'" in line]
        scans = [line for line in plan if "Seq Scan on core_search" in line or "SCAN t " in line or "SCAN e" in line]
        assert not scans, "\n".join(plan)
        assert terms, "\n".join(plan)


async def test_a_member_of_a_household_finds_only_what_they_may(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    (household,) = await n.registered("郑家小院", kind=ActorKind.HOUSEHOLD)
    me = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]

    async def rule(work: Work) -> dict[str, Any]:
        await add_membership(
            work, actor_id=from_global(me, "actor"), organization_id=from_global(household, "actor"),
            role=MembershipRole.MEMBER, since=work.clock.today(),
        )  # fmt: skip
        return {}

    await n.server.runtime.as_system(rule)
    assert await titles(n, "resident", "郑家") == []  # for members without a mandate its name is masked everywhere
    await n.do(
        "clerk", "coreGiveMandate", "mandate { id }", personId=me, organizationId=household,
        areaId=await n.area_id("xishan"),
    )  # fmt: skip
    await n.trust("resident")
    assert await titles(n, "resident", "郑家") == ["郑家小院"]
