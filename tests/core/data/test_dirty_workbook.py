"""A workbook as dirty as they come: every finding is on its line, in its column, with its code, and nothing personal."""

from __future__ import annotations

import csv
import re
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from core.data.findings import write_report
from core.testing.kit import Neighbourhood
from tests.kits.files import checked, credit_code, id_number, importing, workbook

pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption")]

SECRET = id_number(7)
OTHER = id_number(8)
WRONG = SECRET[:17] + ("0" if SECRET[17] != "0" else "1")
MOBILE = "13900002222"
NO_MISTAKE = {"COLUMN_NOT_KEPT"}
KINDS = 72

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
    (["hxin-8", "海新八社区", "社区", "hxin-1"], [("上级区域代码", "AREA_LEVEL")]),
    (["hxin-9", "海新九网格", "网格", "hxin-9"], [("上级区域代码", "AREA_CYCLE")]),
    (["hxin-10", "海新十网格", "同上", "haihong"], [("层级", "DITTO")]),
    (["海新", "海新网格", "网格", "海虹商会"], [("区域代码", "BAD_AREA_CODE")]),
]
PEOPLE: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["P１", "王　芳", "ｈａｉｈｏｎｇ", "２０２１年３月５日", SECRET, "139 0000 1111"], []),
    (["P2", None, "haihong", None, None, None], [("姓名", "VALUE_MISSING")]),
    (["P3", "李强", "nowhere", None, None, None], [("区域代码", "UNKNOWN_AREA")]),
    (["P4", "赵敏", "haihong", "03/05/2024", None, None], [("入住日期", "AMBIGUOUS_DATE")]),
    (["P5", "钱多", "haihong", "24-3-5", None, None], [("入住日期", "AMBIGUOUS_DATE")]),
    (["P6", "孙行", "haihong", "2023-02-30", None, None], [("入住日期", "NO_SUCH_DATE")]),
    (["P7", "周到", "haihong", "去年春天", None, None], [("入住日期", "BAD_DATE")]),
    (["P8", "吴所", "haihong", date(2099, 1, 1), None, None], [("入住日期", "IN_THE_FUTURE")]),
    (["P9", "冯雪", "haihong", 45356, None, None], []),
    (["P10", "陈述", "haihong", "20240305", None, None], []),
    (["P11", "褚红", "haihong", None, WRONG, None], [("身份证号", "ID_NUMBER_CHECK")]),
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
    (["P25", True, "haihong", None, None, None], [("姓名", "CELL_BOOLEAN")]),
    (["P26", "#N/A", "haihong", None, None, None], [("姓名", "CELL_ERROR")]),
    (["P27", "何时", "haihong", True, None, None], [("入住日期", "CELL_BOOLEAN")]),
    (["P28", "吕布" * 2100, "haihong", None, None, None], [("姓名", "CELL_TOO_LARGE")]),
    ([None, None, None, None, None, None], []),
    (["P29", "柳青", "同名网格", None, None, None], [("区域代码", "AMBIGUOUS_AREA")]),
    (["P30", "施恩", "haihong", "2024年3月", None, None], [("入住日期", "DATE_INCOMPLETE")]),
    (["P31", "张贵", "haihong", "3月5日", None, None], [("入住日期", "DATE_INCOMPLETE")]),
    (["P32", "陶谦", "haihong", "0202-03-05", None, None], [("入住日期", "DATE_OUT_OF_RANGE")]),
    (["P33", "姜维", "haihong", datetime(2024, 3, 5, 14, 30), None, None], [("入住日期", "TIME_IN_DATE")]),
    (["P34", "戚光", "haihong", "2024-03-05 14:30", None, None], [("入住日期", "TIME_IN_DATE")]),
    (["P35", "谢安", "haihong", "2024-03-05 00:00:00", None, None], []),
    (["P36", "邹忌", "haihong", "1980-01-01", id_number(9), None], [("入住日期", "BEFORE_BIRTH")]),
    (["P37", "喻世", "haihong", None, "350205850412001", None], [("身份证号", "ID_NUMBER_LENGTH")]),
    (["P38", "柏林", "haihong", None, id_number(10, "19850230"), None], [("身份证号", "ID_NUMBER_BIRTHDAY")]),
    (["P39", "水清", "haihong", None, id_number(11, "20990101"), None], [("身份证号", "ID_NUMBER_BIRTHDAY")]),
    (["P40", "窦娥", "haihong", None, "35999919850412A011", None], [("身份证号", "BAD_ID_NUMBER")]),
    (["P41", "章回", "haihong", None, "359999********0012", None], [("身份证号", "VALUE_MASKED")]),
    (["P42", "云*山", "haihong", None, None, None], [("姓名", "VALUE_MASKED")]),
    (["P43", "苏洵", "haihong", None, "3.59999E+17", None], [("身份证号", "NUMBER_SHORTENED")]),
    (["P44", "潘安、葛洪", "haihong", None, None, None], [("姓名", "SEVERAL_IN_ONE")]),
    (["P45", "奚琴", "haihong", None, None, f"{MOBILE}/13900003333"], [("联系电话", "SEVERAL_IN_ONE")]),
    (["P46", "范进", "haihong", None, None, "1390000444"], [("联系电话", "PHONE_LENGTH")]),
    (["P47", f"彭越{MOBILE}", "haihong", None, None, None], [("姓名", "PHONE_MISPLACED")]),
    (["P48", f"郎中 {WRONG}", "haihong", None, None, None], [("姓名", "ID_NUMBER_MISPLACED")]),
    (["P49", 12345, "haihong", None, None, None], [("姓名", "BAD_NAME")]),
    (["P50", "鲁\ufffd", "haihong", None, None, None], [("姓名", "TEXT_GARBLED")]),
    (["P51", "=VLOOKUP(A3,B:C,2)", "haihong", None, None, None], [("姓名", "FORMULA_TEXT")]),
    (["P52", "无", "haihong", None, None, None], [("姓名", "PLACEHOLDER")]),
    (["P53", "韦庄", "haihong", "/", None, None], [("入住日期", "PLACEHOLDER")]),
    (["P54", "同上", "haihong", None, None, None], [("姓名", "DITTO")]),
    (["P55", "昌黎", "haihong", None, None, None, None, "汉族"], [("H", "COLUMN_UNNAMED")]),
    (["P56", "\u200b马 超\u3000", "\xa0haihong\ufeff", None, None, None], []),
    (["合计:", "56 人", None, None, None, None], [("", "TOTAL_LINE")]),
]
HOUSEHOLDS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["H1", "海虹 1 号户", "haihong", "1-101", "王芳@haihong"], [("成员", "AMBIGUOUS_REFERENCE")]),
    (["H2", "海虹 2 号户", "haihong", "1-102", "P9、P10"], []),
    (
        ["H3", "海虹 3 号户", "haihong", "1-103", "P9,查无此人"],
        [("成员", "UNKNOWN_REFERENCE"), ("成员", "IN_TWO_HOUSEHOLDS")],
    ),
    (["H4", "海虹 4 号户", "haihong", datetime(2024, 3, 5), None], [("住址", "DATE_IN_TEXT")]),
    (["H5", "海虹 5 号户", "haihong", f"{SECRET}", None], [("住址", "ID_NUMBER_MISPLACED")]),
    (["H6", "海虹 6 号户", "haihong", None, "企业甲"], [("成员", "REFERENCE_OF_OTHER_KIND")]),
    (["H7", "海虹 7 号户", "haihong", None, "P33、姜维"], [("成员", "MEMBER_TWICE")]),
    (["H8", "海虹 8 号户", "haihong", None, "P20"], [("成员", "MEMBER_ELSEWHERE")]),
    (["H9", "海虹 9 号户", "haihong", None, "王芳@nowhere"], [("成员", "UNKNOWN_AREA")]),
    (["H10", "海虹 10 号户", "haihong", f"1-110 {MOBILE}", None], [("住址", "PHONE_MISPLACED")]),
    (["H11", "海虹 11 号户", "haihong", "#REF!", None], [("住址", "CELL_ERROR")]),
]
ORGANIZATIONS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["海虹商会", "社会团体", "haihong", credit_code(1), "已备案", None, None], []),
    (
        ["海虹商会二", "社会团体", "haihong", credit_code(1), None, None, None],
        [("统一社会信用代码", "CREDIT_CODE_TWICE")],
    ),
    (
        ["海虹超市", "企业", "haihong", "91350200MA2Y0ABC3I", None, None, None],
        [("统一社会信用代码", "CREDIT_CODE_LETTER")],
    ),
    (
        ["海虹粮店", "企业", "haihong", credit_code(2)[:17] + credit_code(3)[17], None, None, None],
        [("统一社会信用代码", "BAD_CREDIT_CODE")],
    ),
    (
        ["海虹书店", "企业", "haihong", "350205100012345", None, None, None],
        [("统一社会信用代码", "CREDIT_CODE_LENGTH")],
    ),
    (
        ["海虹棋社", "俱乐部", "haihong", None, "已备案", date(2020, 12, 31), None],
        [("登记有效期", "REGISTRATION_EXPIRED")],
    ),
    (
        ["海虹茶社", "俱乐部", "haihong", None, "已备案", date(2020, 12, 31), date(2021, 1, 1)],
        [("登记有效期", "DATES_REVERSED")],
    ),
    (
        ["海虹诗社", "俱乐部", "haihong", None, "未登记", None, None, None, None, "HC-018"],
        [("登记状态", "REGISTRATION_UNCLEAR")],
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
    (["P10", "海虹商会", None, "居民", "2024/03/05"], [("成员身份", "ROLE_OF_AREAS")]),
]
ASSETS: list[tuple[list[Any], list[tuple[str, str]]]] = [
    (["口袋公园", "绿地", "haihong", "海虹商会", "浇水"], []),
    (["口袋公园二", "空地", "haihong", "海虹商会", "浇水"], [("类型", "BAD_CHOICE")]),
    (["口袋公园三", "绿地", "haihong", "园林局", "浇水"], [("管护单位", "UNKNOWN_REFERENCE")]),
    (["口袋公园四", "绿地", "haihong", "海虹商会", None], [("管护要求", "VALUE_MISSING")]),
    (["绿地-03", "绿地", "xishan", "西山社村民委员会", "浇水"], []),
]


# Whole messages, of findings that tell something of the file.
SAID = {
    ("2026年居民花名册", 15, "身份证号", "ID_NUMBER_TWICE"): ("The same id number stands in line 4.", "与第 4 行的身份证号相同。"),
    ("2026年居民花名册", 36, "入住日期", "DATE_OUT_OF_RANGE"): ("The year must lie between 1850 and 2200.", "年份应在 1850 至 2200 之间。"),
    ("2026年居民花名册", 41, "身份证号", "ID_NUMBER_LENGTH"): ("An id number has 18 characters, not 15.", "身份证号应为 18 位,当前 15 位。"),
    ("2026年居民花名册", 50, "联系电话", "PHONE_LENGTH"): ("A telephone number of 10 digits is too short or too long.", "电话号码 10 位,位数有误。"),
    ("2026年居民花名册", 25, "姓 名(必填)", "TEXT_TOO_LONG"): ("At most 200 characters, not 201.", "最多 200 个字符,当前 201 个。"),
    ("家庭", 3, "成员", "AMBIGUOUS_REFERENCE"): ("2 have this name; write the number, or name@area code.", "有 2 个同名对象;请填写编号,或写作 名称@区域代码。"),
    ("家庭", 5, "成员", "IN_TWO_HOUSEHOLDS"): ("Somebody here is in the household of line 4 too.", "有成员同时在第 4 行的家庭中,请核对。"),
    ("家庭", 11, "成员", "UNKNOWN_AREA"): ("There is no area with the code nowhere.", "没有代码为 nowhere 的区域。"),
    ("企业", 6, "统一社会信用代码", "CREDIT_CODE_LENGTH"): ("A unified social credit code has 18 characters, not 15.", "统一社会信用代码应为 18 位,当前 15 位。"),
    ("企业", 1, "登记机管", "UNKNOWN_COLUMN"): ("This column is not taken in (did you mean 登记机关?).", "此列未导入(是否想写“登记机关”?)。"),
    ("人员", 2, "区域代码", "MERGED_CELLS"): ("Cells are merged over 2 lines; unmerge them and fill each in.", "单元格合并跨 2 行;请取消合并并逐行填写。"),
    ("工资表", 0, "", "UNKNOWN_SHEET"): ("The sheet “工资表” is not taken in.", "工作表“工资表”未导入。"),
}  # fmt: skip


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
        "家庭": ([["户编号", "户内情况", None, None, None], [None, "户名", "区域代码", "住址", "成员"]], HOUSEHOLDS),
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
                    "登记证号",
                ]
            ],
            ORGANIZATIONS,
        ),
        "成员关系": ([["成员", "组织", "区域代码", "成员身份", "加入日期"]], MEMBERSHIPS),
        "认领对象": ([["名称", "类型", "区域代码", "管护单位", "管护要求"]], ASSETS),
        "组织": ([["海虹商会", "社会团体"], ["海虹书社", "俱乐部"]], []),
        "工资表": ([["工号", "应发"], [1, 2]], []),
        "人员": ([["姓名", "区域代码"], ["甲某", "haihong"], ["乙某", None]], []),
        "居民": ([["姓名", "区域代码"], ["丙某", "haihong"]], []),
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
        ("居民", 0, "", "HIDDEN_SHEET"),
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
    merged = {"2026年居民花名册": ["A1:F1"], "家庭": ["A1:A2", "B1:E1"], "人员": ["B2:B3"]}
    workbook(path, sheets, merged, hidden=["居民"])
    return path, expected


async def test_every_mistake_is_told_where_it_is(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    path, expected = dirty(tmp_path / "dirty.xlsx")
    async with importing(neighbourhood, path).checked() as (stage, counts, _):
        found = {(f.sheet, f.line or 0, f.column or "", f.code) for f in stage.findings()}
        assert found == expected
        assert len({code for *_, code in found} - NO_MISTAKE) == KINDS
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
    report = tmp_path / "report.csv"
    write_report(report, found, messages)
    with report.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))[1:]
    for finding, line in zip(found, lines, strict=True):
        en, zh = (finding.message(messages, language) for language in ("en", "zh-CN"))
        assert line[4:] == [finding.code, zh, en]
        assert en != zh and finding.code not in (en, zh) and "{" not in en + zh, (finding, en, zh)
        assert re.search(r"[\u4e00-\u9fff]", zh) and re.match(r"[A-Z…“0-9h]", en), (en, zh)
    first = {f.code: f for f in reversed(found)}
    for language in ("en", "zh-CN"):  # one mistake is told from another by its words alone
        said = Counter(f.message(messages, language) for f in first.values())
        assert [text for text, count in said.items() if count > 1] == []
    for (sheet, number, column, code), (en, zh) in SAID.items():
        (told,) = (x for x in lines if (x[0], int(x[1] or 0), x[2], x[4]) == (sheet, number, column, code))
        assert (told[6], told[5]) == (en, zh)
    near = {f.message(messages, "zh-CN") for f in found if f.values.get("near")}
    assert "此列未导入(是否想写“登记机关”?)。" in near
    assert any(said.endswith("(是否想写“网格”?)。") for said in near) and any(
        said.endswith("(是否想写“企业”?)。") for said in near
    )
