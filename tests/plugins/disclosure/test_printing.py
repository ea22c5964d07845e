"""The printed notice: one file, nothing fetched, every text escaped, and a QR that any reader reads."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
import segno
from fpdf import FPDF
from pypdf import PdfReader

from core.testing.kit import Neighbourhood
from plugins.disclosure import paper, printing
from tests.kits.disclosure import Disclosing, drawn, squares

pytestmark = pytest.mark.anyio


class Page(HTMLParser):
    """Text and attributes of a page; fails on what would be fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert not [a for a, _ in attrs if a in ("src", "href") or a.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


async def test_a_notice_prints_in_a4_and_a3(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    await d.tune(verify_url="https://gz.example/v/{hash}")
    lines = [{"text": "甲<script>alert(1)</script>"}, {"text": '乙 "8" & 丙'}]
    notice = await d.publish("<b>名单</b>", body="第一行\n第二行", items=lines)
    seen = await d.see(notice, "hash printA4 printA3")
    for size in ("A4", "A3"):
        html = seen[f"print{size}"]
        assert f"@page {{ size: {size};" in html and "url(" not in html and "@import" not in html
        page = Page()
        page.feed(html)
        text = "".join(page.text)
        for shown in ("<b>名单</b>", "第一行\n第二行", "甲<script>alert(1)</script>", '乙 "8" & 丙', "2027年3月8日", seen["hash"],
                      "西山社"):  # fmt: skip
            assert shown in text, shown
    assert drawn(f"https://gz.example/v/{seen['hash']}") in seen["printA4"]
    draft = await d.draft()
    assert (await d.see(draft, "printA4", "clerk"))["printA4"] is None


async def test_a_notice_is_signed_and_speaks_as_the_village_it_hangs_in(neighbourhood: Neighbourhood) -> None:
    """By its committee where the notice is that one's, else by the area; and no page is promised behind a bare seal."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    query = '{ actors(where: {name: {eq: "%s"}}) { nodes { id } } }'
    committee, company = [
        (await n.ask("admin", query % name))["actors"]["nodes"][0]["id"] for name in ("西山社村民委员会", "企业甲")
    ]
    for organization, signs in ((committee, "西山社村民委员会"), (company, "西山社"), (None, "西山社")):
        about = {"organizationId": organization} if organization else {}
        seen = await d.see(await d.publish("收支", **about), "printA4 pdfA4")
        assert f'<p class="sign">{signs}<br>' in seen["printA4"]
        paged = "".join(
            page.extract_text() for page in PdfReader(BytesIO(base64.b64decode(seen["pdfA4"]))).pages
        ).replace("\n", "")
        for text in (seen["printA4"], paged):
            assert "向本村书面" in text and "本社区" not in text
            assert "扫码查验" not in text and "二维码内为下列存证值" in text
    await d.tune(verify_url="https://gz.example/v/{hash}")
    assert "扫码查验" in (await d.see(await d.publish("收支"), "printA4"))["printA4"]


async def test_a_correction_says_what_it_corrects_and_what_is_corrected_that_it_is(
    neighbourhood: Neighbourhood,
) -> None:
    d = await Disclosing.begin(neighbourhood)
    first = await d.publish("一季度<收支>")
    assert "取代" not in (await d.see(first, "printA4"))["printA4"]
    second = await d.publish("一季度收支(更正)", supersedesId=first)
    seen = await d.see(second, "printA4 pdfA4")
    assert "本公示为更正公示，取代《一季度&lt;收支&gt;》" in seen["printA4"]
    pages = PdfReader(BytesIO(base64.b64decode(seen["pdfA4"]))).pages
    assert "取代《一季度<收支>》" in "".join(page.extract_text() for page in pages).replace("\n", "")
    assert "本公示已被更正公示取代，不再有效。" in (await d.see(first, "printA3"))["printA3"]


async def test_what_a_notice_is_about_is_printed_in_words_people_read(neighbourhood: Neighbourhood) -> None:
    """Those of the demo's year, of every mechanism that announces something."""
    query = "{ disclosureNotices(first: 99) { nodes { kind printA4 } } }"
    notices = (await neighbourhood.ask(None, query))["disclosureNotices"]["nodes"]
    for notice in notices:
        assert re.fullmatch(r"[\u4e00-\u9fff]+", notice["kind"]), notice["kind"]
        assert f"（{notice['kind']}）" in notice["printA4"]
    assert notices


async def test_a_notice_is_a_pdf_with_its_own_chinese_font(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    await d.tune(verify_url="https://gz.example/v/{hash}")
    lines = [{"text": f"喆堃 第{number}组"} for number in range(60)]
    notice = await d.publish("名单", body="第一行\n第二行“引文”", items=lines)
    seen = await d.see(notice, "hash pdfA4 pdfA3")
    for size, box in (("A4", (595, 842)), ("A3", (842, 1191))):
        file = base64.b64decode(seen[f"pdf{size}"])
        pages = PdfReader(BytesIO(file)).pages
        assert (round(pages[0].mediabox.width), round(pages[0].mediabox.height)) == box and len(pages) > 1
        text = "\n".join(page.extract_text() for page in pages).replace("\n", "")
        for shown in ("名单", "第一行", "第二行“引文”", "60. 喆堃 第59组", "2027年3月8日", "西山社"):
            assert shown in text, (size, shown)
        assert seen["hash"] in text
        expected = segno.make_qr(f"https://gz.example/v/{seen['hash']}", error="m").matrix
        assert squares(pages[-1]) == {(x, y) for y, row in enumerate(expected) for x, dark in enumerate(row) if dark}
        [font] = pages[0]["/Resources"]["/Font"].get_object().values()
        assert "/FontFile2" in font.get_object()["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert len(file) < 60_000
        assert base64.b64decode((await d.see(notice, f"pdf{size}"))[f"pdf{size}"]) == file
    draft = await d.draft()
    assert (await d.see(draft, "pdfA4", "clerk"))["pdfA4"] is None


async def test_what_takes_long_to_print_costs_more(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    await d.publish("名单")
    for field, allowed in (("pdfA4", 3), ("printA4", 99)):
        query = f"query($n: Int) {{ disclosureNotices(first: $n) {{ nodes {{ {field} }} }} }}"
        assert "errors" not in (await n.post(None, query, n=allowed)).json()
        [error] = (await n.post(None, query, n=allowed + 1)).json()["errors"]
        assert error["extensions"]["code"] == "QUERY_TOO_LARGE"


def test_a_title_leaves_no_character_alone() -> None:
    sheet = FPDF()
    sheet.add_font("notice", fname=paper.FONT)
    sheet.set_font("notice", size=30)
    for length in range(1, 60):
        text = "公" * length
        lines = paper.balanced(text, 160, sheet.get_string_width)
        assert "".join(lines) == text and len(lines) == len(paper.wrapped(text, 160, sheet.get_string_width))
        assert len(lines) == 1 or len(lines[-1]) > len(lines[0]) // 2, lines


def test_a_list_is_numbered_unless_its_lines_have_the_numbers_of_a_ballot_paper() -> None:
    made = {f: "" for f in printing.Page.__dataclass_fields__}
    for items, shown in (
        (["收入", "12 元"], ["1. 收入", "2. 12 元"]),
        (["1 号 张三", "[已清除]"], ["1 号 张三", "[已清除]"]),
        ([], []),
    ):
        assert printing.listed(printing.Page(**{**made, "items": items})) == shown  # type: ignore[arg-type]


def test_no_line_is_too_wide_or_begins_with_a_mark() -> None:
    sheet = FPDF()
    sheet.add_font("notice", fname=paper.FONT)
    sheet.set_font("notice", size=16)
    text = (
        "村民(代表)会议通过,共计 128,400.00 元。https://gz.example/" + "x" * 80 + "\n"
    ) * 9 + "一二三四五六七八九十" * 5
    for width in (40, 90, 162, 233):
        lines = paper.wrapped(text, width, sheet.get_string_width)
        assert "".join("".join(lines).split()) == "".join(text.split())
        for line in lines:
            assert sheet.get_string_width(line) <= width, line
            assert not line or line[0] not in "，。）,)", line


async def test_an_address_that_leads_nowhere_and_texts_that_are_no_events_are_refused(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    area = await n.area_id("xishan")
    for key, good, bad in (
        ("verify_url", ["", "http://gz.example/?seal={hash}"], ["gz.example/{hash}", "https://gz.example/v", "x"]),
        (
            "file_events",
            [["funds.", "points.award.given"]],
            [["funds"], [""], ["两会"], ["Funds.Paid"], ["funds..paid"]],
        ),
    ):
        for value in bad:
            told = await n.refused(
                "admin", "coreSetPluginSettings", "area { id }", areaId=area, plugin="disclosure",
                settings=[{"key": key, "value": value}],
            )  # fmt: skip
            assert told == "BAD_SETTING"
        for value in good:
            await n.do(
                "admin", "coreSetPluginSettings", "area { id }", areaId=area, plugin="disclosure",
                settings=[{"key": key, "value": value}],
            )  # fmt: skip
