"""A workbook as dirty as they come: every finding is on its line, in its column, with its code, and nothing personal."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from files import checked, credit_code, id_number, importing, workbook

from core.data.findings import write_report
from core.testing.kit import Neighbourhood

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption")]

SECRET = id_number(7)
OTHER = id_number(8)
WRONG = SECRET[:17] + ("0" if SECRET[17] != "0" else "1")

# Each line of a sheet: its cells, and what is to be found there as (column, code).
AREAS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["hxin-1", "海新一网格", "网格", "haihong"], []),
    (["HX 2", "海新二网格", "网格", "haihong"], [("区域代码", "BAD_AREA_CODE")]),
    (["hxin-3", "海新三网格", "网络", "haihong"], [("层级", "BAD_CHOICE")]),
    (["hxin-4", None, "网格", "haihong"], [("名称", "VALUE_MISSING")]),
    (["hxin-1", "海新一网格", "网格", "haihong"], [("区域代码", "AREA_CODE_TWICE")]),
    (["hxin-5", "海新五网格", "网格", "hai hong"], [("上级区域代码", "UNKNOWN_AREA")]),
    (["loop-1", "环一", "网格", "loop-2"], [("上级区域代码", "AREA_CYCLE")]),
    (["loop-2", "环二", "网格", "loop-1"], [("上级区域代码", "AREA_CYCLE")]),
    (["xishan", "西山村", "村", "dongfu"], [("名称", "DIFFERS_FROM_KNOWN")]),
    (["hxin-1-1", "海新一网格甲", "网格", "hxin-1"], []),
    (["hxin-6", "同名网格", "网格", "hxin-1"], []),
    (["hxin-7", "同名网格", "网格", "haihong"], []),
]
PEOPLE: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["P１", "王　芳", "ｈａｉｈｏｎｇ", "２０２１年３月５日", SECRET, "139 0000 1111"], []),
    (["P2", None, "haihong", None, None, None], [("姓名", "VALUE_MISSING")]),
    (["P3", "李强", "nowhere", None, None, None], [("区域代码", "UNKNOWN_AREA")]),
    (["P4", "赵敏", "haihong", "03/05/2024", None, None], [("入住日期", "AMBIGUOUS_DATE")]),
    (["P5", "钱多", "haihong", "24-3-5", None, None], [("入住日期", "AMBIGUOUS_DATE")]),
    (["P6", "孙行", "haihong", "2023-02-30", None, None], [("入住日期", "BAD_DATE")]),
    (["P7", "周到", "haihong", "去年春天", None, None], [("入住日期", "BAD_DATE")]),
    (["P8", "吴所", "haihong", date(2099, 1, 1), None, None], [("入住日期", "IN_THE_FUTURE")]),
    (["P9", "冯雪", "haihong", 45356, None, None], []),
    (["P10", "陈述", "haihong", "20240305", None, None], []),
    (["P11", "褚红", "haihong", None, WRONG, None], [("身份证号", "BAD_ID_NUMBER")]),
    (["P12", "卫星", "haihong", None, SECRET, None], [("身份证号", "ID_NUMBER_TWICE")]),
    (["P13", "蒋干", "haihong", None, float(OTHER[:17]) * 10, None], [("身份证号", "DIGITS_LOST")]),
    (["P14", f"沈 {OTHER}", "haihong", None, None, None], [("姓名", "ID_NUMBER_MISPLACED")]),
    ([OTHER, "韩信", "haihong", None, None, None], [("编号", "ID_NUMBER_MISPLACED")]),
    (["P1", "杨过", "haihong", None, None, None], [("编号", "NUMBER_TWICE")]),
    (["P17", "王芳", "haihong", None, None, None], [("姓名", "LIKELY_DUPLICATE")]),
    (["P18", "林晓敏", "西山社", None, None, None], [("姓名", "LIKELY_KNOWN")]),
    (["P19", "朱八", "haihong", None, None, "打门口喊一声"], [("联系电话", "BAD_PHONE")]),
    (["P20", "王芳", "xingwang", None, None, "13800001111"], [("联系电话", "LIKELY_DUPLICATE")]),
    (["P 21!", "秦时", "haihong", None, None, None], [("编号", "BAD_NUMBER")]),
    (["P22", "尤" * 201, "haihong", None, None, None], [("姓名", "TEXT_TOO_LONG")]),
    (["P23", "Xu\nNuo", "haihong", None, None, None], [("姓名", "BAD_TEXT")]),
    (["P24", datetime(2024, 3, 5), "haihong", None, None, None], [("姓名", "DATE_IN_TEXT")]),
    (["P25", True, "haihong", None, None, None], [("姓名", "CELL_ERROR")]),
    (["P26", "#N/A", "haihong", None, None, None], [("姓名", "CELL_ERROR")]),
    (["P27", "何时", "haihong", True, None, None], [("入住日期", "BAD_DATE")]),
    (["P28", "吕布" * 2100, "haihong", None, None, None], [("姓名", "CELL_TOO_LARGE")]),
    ([None, None, None, None, None, None], []),
    (["P29", "柳青", "同名网格", None, None, None], [("区域代码", "AMBIGUOUS_AREA")]),
    (["P30", "施恩", "haihong", "2024年3月", None, None], [("入住日期", "BAD_DATE")]),
]
HOUSEHOLDS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["H1", "海虹 1 号户", "haihong", "1-101", "王芳@haihong"], [("成员", "AMBIGUOUS_REFERENCE")]),
    (["H2", "海虹 2 号户", "haihong", "1-102", "P9、P10"], []),
    (["H3", "海虹 3 号户", "haihong", "1-103", "P9,查无此人"], [("成员", "UNKNOWN_REFERENCE")]),
    (["H4", "海虹 4 号户", "haihong", datetime(2024, 3, 5), None], [("住址", "DATE_IN_TEXT")]),
    (["H5", "海虹 5 号户", "haihong", f"{SECRET}", None], [("住址", "ID_NUMBER_MISPLACED")]),
    (["H6", "海虹 6 号户", "haihong", None, "企业甲"], [("成员", "REFERENCE_OF_OTHER_KIND")]),
]
ORGANIZATIONS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["海虹商会", "社会团体", "haihong", credit_code(1), "已备案", None, None], []),
    (
        ["海虹商会二", "社会团体", "haihong", credit_code(1), None, None, None],
        [("统一社会信用代码", "CREDIT_CODE_TWICE")],
    ),
    (
        ["海虹超市", "企业", "haihong", "91350200MA2Y0ABC3I", None, None, None],
        [("统一社会信用代码", "BAD_CREDIT_CODE")],
    ),
    (["海虹药店", "企页", "haihong", None, None, None, None], [("类型", "BAD_CHOICE")]),
    (["海虹读书会", "俱乐部", "haihong", None, "已登记", None, None], [("登记证号", "REGISTRATION_NUMBER_NEEDED")]),
    (
        ["海虹读书会", "俱乐部", "haihong", None, "登记了", None, None],
        [("登记状态", "BAD_CHOICE"), ("名称", "LIKELY_DUPLICATE")],
    ),
    (["城管办", "政府部门", "haihong", None, None, date(2199, 1, 1), None], []),
    (["水利站", "政府部门", "haihong", None, None, None, "31/12/2020"], [("登记日期", "AMBIGUOUS_DATE")]),
    (["企业甲", "企业", "新阳街道", None, None, None, None], []),
]
MEMBERSHIPS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["P9", "海虹商会", None, "成员", "2023-9-1"], []),
    (["P9", "海虹商会", None, "成员", "2023-9-1"], [("", "REPEATED_ROW")]),
    (["P9", None, None, "成员", "2023-9-1"], [("组织", "ONE_OF_NEEDED")]),
    (["P9", "海虹商会", "haihong", "成员", "2023-9-1"], [("组织", "ONE_OF_NEEDED")]),
    (["P9", "P9", None, "成员", "2023-9-1"], [("组织", "UNKNOWN_REFERENCE")]),
    (["海虹商会", "海虹商会", None, "成员", "2023-9-1"], [("组织", "NOT_TO_ITSELF")]),
    (["P9", "海虹商会", None, "会长", "2023-9-1"], [("成员身份", "BAD_CHOICE")]),
    (["P9", "海虹商会", None, "工作人员", None], [("加入日期", "VALUE_MISSING")]),
    (["P10", None, "海虹社区", "居民", "2024/03/05"], [("", "REPEATED_ROW")]),
]
ASSETS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["口袋公园", "绿地", "haihong", "海虹商会", "浇水"], []),
    (["口袋公园二", "空地", "haihong", "海虹商会", "浇水"], [("类型", "BAD_CHOICE")]),
    (["口袋公园三", "绿地", "haihong", "园林局", "浇水"], [("管护单位", "UNKNOWN_REFERENCE")]),
    (["口袋公园四", "绿地", "haihong", "海虹商会", None], [("管护要求", "VALUE_MISSING")]),
    (["绿地-03", "绿地", "xishan", "西山社村民委员会", "浇水"], []),
]


def dirty(path: Path) -> tuple[Path, set[tuple[str, int, str, str]]]:
    """The workbook, and every (sheet, line, column, code) that must be found in it."""
    book = {
        "区域": ([["区域代码", "名称", "层级", "上级区域代码", "上级区域代号"]], AREAS),
        "2026年居民花名册": (
            [
                ["海沧区居民信息登记表(2026)"],
                ["填表人:", None, "日期:"],
                ["*编号", "姓 名(必填)", "区域代码", "入住日期", "身份证号", "联系电话", "民族", None],
            ],
            PEOPLE,
        ),
        "家庭": ([["户编号", "户名", "区域代码", "住址", "成员"]], HOUSEHOLDS),
        "企业": (
            [
                [
                    "名称",
                    "类型",
                    "区域代码",
                    "统一社会信用代码",
                    "登记状态",
                    "登记有效期",
                    "登记日期",
                    "单位名称",
                    "登记机管",
                ]
            ],
            ORGANIZATIONS,
        ),
        "成员关系": ([["成员", "组织", "区域代码", "成员身份", "加入日期"]], MEMBERSHIPS),
        "认领对象": ([["名称", "类型", "区域代码", "管护单位", "管护要求"]], ASSETS),
        "组织": ([["海虹商会", "社会团体"], ["海虹书社", "俱乐部"]], []),
        "工资表": ([["工号", "应发"], [1, 2]], []),
        "人员": ([["姓名", "区域代码"], ["甲某", "haihong"], ["乙某", None]], []),
        "成员表": ([["组织", "成员身份", "加入日期"], ["海虹商会", "成员", "2020-01-01"]], []),
    }
    expected = {
        ("区域", 1, "上级区域代号", "UNKNOWN_COLUMN"),
        ("2026年居民花名册", 3, "民族", "UNKNOWN_COLUMN"),
        ("2026年居民花名册", 3, "身份证号", "COLUMN_NOT_KEPT"),
        ("2026年居民花名册", 3, "联系电话", "COLUMN_NOT_KEPT"),
        ("企业", 1, "登记日期", "COLUMN_NOT_KEPT"),
        ("企业", 1, "单位名称", "COLUMN_TWICE"),
        ("企业", 1, "登记机管", "UNKNOWN_COLUMN"),
        ("组织", 0, "", "NO_HEADER"),
        ("工资表", 0, "", "UNKNOWN_SHEET"),
        ("人员", 2, "区域代码", "MERGED_CELLS"),
        ("成员表", 1, "成员", "COLUMN_MISSING"),
    }
    sheets: dict[str, list[list[Any]]] = {}
    for title, (head, lines) in book.items():
        sheets[title] = [*head, *(cells for cells, _ in lines)]
        for line, (_, found) in enumerate(lines, len(head) + 1):
            expected |= {
                (
                    title,
                    line,
                    column.replace("编号", "*编号").replace("姓名", "姓 名(必填)") if "花名册" in title else column,
                    code,
                )
                for column, code in found
            }
    workbook(path, sheets, {"2026年居民花名册": ["A1:F1"], "人员": ["B2:B3"]})
    return path, expected


async def test_every_mistake_is_told_where_it_is(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    path, expected = dirty(tmp_path / "dirty.xlsx")
    async with importing(neighbourhood, path).checked() as (stage, counts, _):
        found = {(f.sheet, f.line or 0, f.column or "", f.code) for f in stage.findings()}
        assert found == expected
        assert len({code for *_, code in found}) >= 40
        assert counts.errors + counts.warnings == len(found)
        messages = neighbourhood.server.runtime.messages
        report = tmp_path / "report.csv"
        assert write_report(report, stage.findings(), messages) == len(found)
        spool = stage.path.read_bytes()
    said = report.read_text("utf-8-sig")
    for secret in (SECRET, OTHER, WRONG, "13900001111", "139 0000 1111", "王芳", "韩信", "查无此人", "园林局"):
        assert secret not in said
    for secret in (SECRET, OTHER, WRONG, "13900001111"):
        assert secret.encode() not in spool
    assert not (tmp_path / "spool").exists() or not list((tmp_path / "spool").iterdir())


async def test_every_finding_has_words_in_both_languages(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    path, _ = dirty(tmp_path / "dirty.xlsx")
    messages = neighbourhood.server.runtime.messages
    _, found = await checked(neighbourhood, path)
    for finding in found:
        for language in ("en", "zh-CN"):
            said = finding.message(messages, language)
            assert said != finding.code and "{" not in said, (finding, said)
    near = {f.message(messages, "zh-CN") for f in found if f.values.get("near")}
    assert "此列未导入(是否想写“登记机关”?)。" in near
    assert any(said.endswith("(是否想写“网格”?)。") for said in near) and any(
        said.endswith("(是否想写“企业”?)。") for said in near
    )
