"""Spreadsheets taken in: whole or not at all, twice adds nothing, within one's area, and never an id number kept."""

from __future__ import annotations

import asyncio
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.core_sheets import PEOPLE
from core.data.read import EPOCH
from core.data.values import read_cell
from core.errors import Refusal
from core.id_numbers import has_id_number, is_id_number
from core.testing.kit import Neighbourhood
from schema.transfers import TAKEN
from tests.kits.files import brought, checked, count, credit_code, csv_file, id_number, importing, workbook

pytestmark = pytest.mark.anyio

CLEAN: dict[str, list[list[Any]]] = {
    "区域": [["区域代码", "名称", "层级", "上级区域代码"], ["hx-2", "海新二网格", "网格", "hx"], ["hx", "海新社区", "社区", "xinyang"]],
    "人员": [
        ["编号", "姓名", "区域代码", "入住日期", "身份证号"],
        ["P1", "陈小伟", "hx", "2020-01-02", id_number(1)],
        ["P2", "陈小伟", "hx", None, id_number(2)],
        [None, "方圆", "hx-2", "2021/3/4", None],
        [None, "方圆", "hx-2", None, None],
    ],
    "家庭": [["户号", "户名", "区域", "住址", "家庭成员"], ["H1", "海新 1 号户", "海新社区", "1-1", "P1、方圆@hx"], ["H2", "海新 2 号户", "hx", None, "P2"]],
    "单位": [
        ["名称", "类型", "所属区域", "统一社会信用代码", "登记状态", "登记证号"],
        ["海新(集团)公司", "企业", "hx", credit_code(11), "已登记", "0001"],
        ["海新志愿队", "志愿服务队", "hx", None, None, None],
    ],
    "成员关系": [["成员", "组织", "区域代码", "成员身份", "加入日期"], ["P1", "海新志愿队", None, "成员", "2024-5-6"], ["海新志愿队", None, "hx-2", "驻区单位", "2024-5-6"]],
}  # fmt: skip


def clean(path: Path, **changed: list[list[Any]]) -> Path:
    return workbook(path, {**CLEAN, **changed})


async def still(n: Neighbourhood) -> None:
    """Nothing is written but by the import."""
    await n.delivered()
    await n.quiet()


async def test_a_workbook_comes_in_whole_and_twice_adds_nothing(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    _, found = await checked(n, clean(tmp_path / "a.xlsx"))
    assert [(f.code, f.sheet, f.line) for f in found if str(f.severity) == "ERROR"] == [
        ("REFERENCE_OF_OTHER_KIND", "家庭", 2)
    ]
    households = [row[:] for row in CLEAN["家庭"]]
    households[1][4] = "P1"
    path = clean(tmp_path / "b.xlsx", 家庭=households)
    await still(n)
    before = {t: await count(n, t) for t in ("core_area", "core_actor", "core_membership", "core_event")}
    counts, found, done = await brought(n, path)
    assert done and counts.errors == 0 and (counts.rows, counts.new, counts.known) == (12, 12, 0)
    after = {t: await count(n, t) for t in before}
    # Residence of two, members of two households, two memberships; one event per row, and the import's own.
    assert {t: after[t] - before[t] for t in before} == {
        "core_area": 2,
        "core_actor": 8,
        "core_membership": 6,
        "core_event": 13,
    }
    again, _, done = await brought(n, path)
    assert done and (again.new, again.known) == (0, 12)
    assert {t: await count(n, t) for t in before} == {**after, "core_event": after["core_event"] + 1}
    assert await count(n, "core_data_import", "rows_new = 12") == 1
    seen = await n.ask(
        "admin", '{ area(code: "hx-2") { parent { code } actors { nodes { name } } ancestors { totalCount } } }'
    )
    assert seen["area"]["parent"]["code"] == "hx" and seen["area"]["ancestors"]["totalCount"] == 3
    assert [a["name"] for a in seen["area"]["actors"]["nodes"]] == ["方圆", "方圆"]
    held = await n.dump()
    assert "海新(集团)公司" in held
    for secret in (id_number(1), id_number(2)):
        assert secret not in held


@pytest.mark.needs("adoption")
async def test_what_is_on_above_is_on_in_a_new_area(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    assets = [["名称", "类型", "区域代码", "管护单位", "管护要求"], ["新绿地", "绿地", "hx-2", "海新志愿队", "浇水"]]
    path = workbook(tmp_path / "a.xlsx", {"区域": CLEAN["区域"], "单位": CLEAN["单位"], "认领对象": assets})
    _, found, done = await brought(n, path)
    assert done, found
    shown = await n.ask(None, '{ area(code: "hx-2") { adoptionAssets { nodes { name custodian { name } } } } }')
    assert shown["area"]["adoptionAssets"]["nodes"] == [{"name": "新绿地", "custodian": {"name": "海新志愿队"}}]
    again, _, _ = await brought(n, path)
    assert (again.new, again.known) == (0, 5)


async def test_one_bad_row_stops_all(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    rows = [["姓名", "区域代码"], *([f"居民{i}", "haihong"] for i in range(50)), ["甲", "nowhere"]]
    await still(n)
    before = await n.dump()
    counts, found, done = await brought(n, csv_file(tmp_path / "a.csv", rows))
    assert not done and counts.bad == 1 and found[-1].code == "UNKNOWN_AREA" and found[-1].line == 52
    assert await n.dump() == before
    rows = [["姓名", "区域代码"], ["林晓敏", "xishan"], ["林晓敏", "xishan"]]
    path = csv_file(tmp_path / "b.csv", rows)
    counts, found, done = await brought(n, path, strict=True)
    assert not done and [f.code for f in found] == ["LIKELY_KNOWN"]
    assert await n.dump() == before


async def test_what_a_guard_refuses_leaves_nothing(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    """The last row is refused by the database itself: the chunk before it is gone as well."""
    n = neighbourhood
    rows = [["名称", "类型", "区域", "信用代码"], *([f"企业{i}", "企业", "haihong", credit_code(i)] for i in range(20))]
    path = csv_file(tmp_path / "a.csv", rows)
    await still(n)
    before = await n.dump()
    async with importing(n, path).checked() as (stage, counts, since):
        stage.db.execute(
            "UPDATE core_actor SET credit_code = ? WHERE credit_code = ?", (credit_code(18), credit_code(19))
        )
        from core.data.apply import apply

        with pytest.raises(Refusal) as refused:
            await apply(n.server.runtime, stage, counts, since)
    assert refused.value.code == "CREDIT_CODE_TAKEN"
    assert await n.dump() == before


async def test_two_at_once_take_it_in_once(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    path = csv_file(tmp_path / "a.csv", [["姓名", "区域代码"], *([f"居民{i}", "haihong"] for i in range(300))])
    before = await count(n, "core_actor")
    done = await asyncio.gather(*(brought(n, path) for _ in range(3)))
    assert [d for _, _, d in done] == [True] * 3
    assert sorted(c.new for c, _, _ in done) == [0, 0, 300]
    assert await count(n, "core_actor") == before + 300


WRITTEN = (("utf-8", ","), ("utf-8-sig", ";"), ("gb18030", "\t"), ("gb18030", ","), ("utf-16", "\t"))


async def test_the_texts_that_spreadsheets_write(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    rows = [
        ["人员名单"],
        [],
        ["姓名", "所在网格", "备注,其他"],
        ["𠮷小红", "西山社一组", "一;二,三\n四"],
        ["丁一", "XISHAN-1", ""],
    ]
    for encoding, delimiter in WRITTEN:
        path = csv_file(tmp_path / "a.csv", rows, encoding, delimiter)
        counts, found = await checked(neighbourhood, path)
        assert (counts.rows, counts.new, counts.errors) == (2, 2, 0), encoding
        assert [(f.code, f.line, f.column) for f in found] == [("UNKNOWN_COLUMN", 3, "备注,其他")]


async def test_three_thousand_rows_in_a_few_hundred_statements(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    """One statement per table and chunk, nothing per row; and memory that does not grow with rows."""
    n = neighbourhood
    rows = [
        ["编号", "姓名", "区域代码", "入住日期"],
        *([f"P{i}", f"居民{i}", "haihong", "2020-01-01"] for i in range(3000)),
    ]
    path = csv_file(tmp_path / "a.csv", rows)
    statements: list[str] = []
    n.server.runtime.database.observers.append(statements.append)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts, _, done = await brought(n, path)
    assert done and counts.new == 3000
    writes = [s for s in statements if s.startswith(("INSERT", "COPY", "WITH")) and "core_delivery" not in s]
    assert 0 < len(writes) < 100, len(writes)  # reads: others look for work meanwhile
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    assert await count(n, "core_register_number") == 3000
    assert (await checked(n, path))[0].known == 3000
    if n.server.runtime.database.dialect.name == "postgres":  # which plans for what it knows of, and looks seldom
        rows = await n.server.runtime.database.read(
            "SELECT relname FROM pg_class WHERE reltuples >= 3000 AND relname IN"
            " ('core_actor', 'core_membership', 'core_event', 'core_search_entry', 'core_search_term')"
        )
        assert len(rows) == 5
    assert await count(n, "core_event", "type = 'core.actor.registered' AND cause_id IS NOT NULL") == 3000


@settings(max_examples=60, deadline=None)
@given(st.dates(min_value=EPOCH.replace(year=1930), max_value=EPOCH.replace(year=2025)))
def test_a_day_reads_the_same_however_it_is_written(day: Any) -> None:
    column, today = PEOPLE.by_name["since"], day.replace(year=2026, day=1)
    serial = (day - EPOCH).days
    wide = day.isoformat().translate({ord(d): ord(d) + 0xFEE0 for d in "0123456789"})
    for written in (
        day, day.isoformat(), f"{day.year}/{day.month}/{day.day}", f"{day.year}年{day.month}月{day.day}日", f"{day:%Y%m%d}",
        f" {day.year} - {day.month} - {day.day} ", wide, serial, float(serial), str(serial), int(f"{day:%Y%m%d}"),
    ):  # fmt: skip
        assert read_cell(column, written, today=today, epoch=EPOCH) == day, written


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_an_id_number_is_known_by_its_check_character(order: int, place: int, step: int) -> None:
    number = id_number(order)
    assert is_id_number(number) and has_id_number(f"{number[:6]} {number[6:14]}-{number[14:]}")
    changed = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    assert not is_id_number(changed)


async def test_a_number_names_one_person_and_a_line_number_nobody(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n, head = neighbourhood, ["序号", "姓名", "区域代码"]
    for people in (
        [["1", "王一", "xishan"], ["2", "王二", "xishan"]],
        [["1", "王三", "xishan"], ["2", "王四", "xishan"]],
    ):
        counts, found, done = await brought(n, workbook(tmp_path / "a.xlsx", {"人员": [head, *people]}))
        assert done and not found and (counts.new, counts.known) == (2, 0)
    head = ["编号", "姓名", "区域代码"]
    await brought(n, workbook(tmp_path / "b.xlsx", {"人员": [head, ["R1", "王五", "xishan"]]}))
    again = workbook(tmp_path / "c.xlsx", {"人员": [head, ["R1", "王六", "xishan"], ["R2", "王七", "xishan"]]})
    counts, found = await checked(n, again)
    assert [(f.code, f.line, f.column) for f in found] == [("NUMBER_OF_ANOTHER", 2, "编号")]
    assert (counts.rows, counts.new, counts.known, counts.bad) == (2, 1, 0, 1)


async def test_an_id_number_is_kept_nowhere(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    register = ("coreRegisterActor", "actor { id }")
    assert await n.refused("clerk", *register, kind="PERSON", name=id_number(3), areaId=xishan) == "ID_NUMBER_MISPLACED"
    behalf = {"actorId": await n.actor_id("郑雅婷"), "basis": "WRITTEN", "evidence": f"身份证 {id_number(3)}"}
    assert (
        await n.refused(
            "clerk", "coreRegisterActor", "actor { id }", kind="PERSON", name="王八", areaId=xishan, onBehalfOf=behalf
        )
        == "ID_NUMBER_MISPLACED"
    )
    assert id_number(3) not in await n.dump()


async def test_what_was_under_way_when_a_server_died_is_taken_up(neighbourhood: Neighbourhood) -> None:
    transfers, database = neighbourhood.server.transfers, neighbourhood.server.runtime.database
    await neighbourhood.quiet()
    await transfers.stop()
    made = await neighbourhood.http.post(
        "/imports?area=xishan&name=a.csv", content="姓名\n王九\n".encode(),
        headers={"authorization": f"Bearer {neighbourhood.tokens['admin']}"},
    )  # fmt: skip
    start = "mutation($i: CoreImportInput!) { coreImport(input: $i) { errors { code } } }"
    asked = await neighbourhood.ask("admin", start, i={"importId": made.json()["id"], "apply": True})
    assert asked["coreImport"]["errors"] == []
    clock = neighbourhood.clock
    clock.set(clock.now())
    assert await transfers._take("core_data_import", "'APPLYING'") is not None  # and then it was killed
    assert await transfers.run_due() == 0
    clock.set(clock.now() + TAKEN + TAKEN)
    assert await transfers.run_due() == 1
    rows = await database.read("SELECT state, rows_new FROM core_data_import")
    assert [tuple(r) for r in rows] == [("APPLIED", 1)]
