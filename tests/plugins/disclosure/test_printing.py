"""The printed notice: one file, nothing fetched, every text escaped, and a QR that any reader reads."""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from datetime import date
from html.parser import HTMLParser

import pytest
from disclosing import Disclosing

from core.testing.kit import Neighbourhood
from plugins.disclosure import font, paper, printing, qr
from plugins.disclosure.pdf import MM
from plugins.disclosure.terms import DayKind

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
    assert modules(seen["printA4"]) == qr.matrix(f"https://gz.example/v/{seen['hash']}")
    draft = await d.draft()
    assert (await d.see(draft, "printA4", "clerk"))["printA4"] is None


def modules(html: str) -> qr.Matrix:
    side = int(re.search(r'viewBox="0 0 (\d+) ', html)[1]) - 8  # type: ignore[index]
    dark = {(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", html)}
    return [[(x + 4, y + 4) in dark for x in range(side)] for y in range(side)]


@pytest.mark.parametrize(
    ("text", "side", "digest"),
    [
        ("hello", 21, "99ccedcf0d82e92a63894c8b42e405a3ac50eafa33ee2ce68fa895813fdcb386"),
        (
            "https://gongzhi.example/verify?hash=" + "0123456789abcdef" * 4, 41,
            "d299a91abd532525e92ebf7d3351491b1a694250118fecd391282080790629d3",
        ),
        ("a" * 300, 69, "fdc5ef6bf8081dfeb30536ed527e8631365cd5287e20fa5a24b7ed6949c36fed"),
    ],
)  # fmt: skip
def test_qr_codes_are_those_that_another_library_makes(text: str, side: int, digest: str) -> None:
    """Compared, module by module, with what the library `qrcode` 8 makes of 110 texts up to 330 bytes; three are kept."""
    made = qr.matrix(text)
    assert len(made) == side
    assert hashlib.sha256("".join("1" if d else "0" for row in made for d in row).encode()).hexdigest() == digest
    with pytest.raises(ValueError, match="too long"):
        qr.matrix("字" * 120)


class Pdf:
    """As much of a reader as it takes: objects by their place in the table, streams, and text by the map of characters."""

    def __init__(self, file: bytes) -> None:
        assert file.startswith(b"%PDF-1.7") and file.rstrip().endswith(b"%%EOF")
        table = int(file[file.rindex(b"startxref") :].split()[1])
        places = [int(line.split()[0]) for line in file[table:].splitlines()[3 : 3 + file[table:].count(b" n \n")]]
        self.objects = {}
        for number, place in enumerate(places, 1):
            body = file[place : file.index(b"\nendobj", place)]
            assert body.startswith(b"%d 0 obj\n" % number)
            self.objects[number] = body
        told = re.findall(r"^<(....)> <(\w+)>$", self.stream(7).decode(), re.M)
        self.characters = {code: bytes.fromhex(text).decode("utf-16-be") for code, text in told}
        kids = re.search(rb"/Kids \[(.*?)\]", self.objects[2])
        assert kids
        self.pages = [self.stream(int(kid.split()[0]) + 1).decode() for kid in re.findall(rb"\d+ 0 R", kids[1])]

    def stream(self, number: int) -> bytes:
        return zlib.decompress(self.objects[number].split(b"\nstream\n", 1)[1].split(b"\nendstream")[0])

    def text(self) -> str:
        codes = "".join(re.findall(r"<([0-9A-F]*)> Tj", "".join(self.pages)))
        return "".join(self.characters[codes[n : n + 4]] for n in range(0, len(codes), 4))


async def test_a_notice_is_a_pdf_with_its_own_chinese_font(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    await d.tune(verify_url="https://gz.example/v/{hash}")
    lines = [{"text": f"喆堃 第{number}组"} for number in range(60)]
    notice = await d.publish("名单", body="第一行\n第二行“引文”", items=lines)
    seen = await d.see(notice, "hash pdfA4 pdfA3")
    for size, box in (("A4", b"595.28 841.89"), ("A3", b"841.89 1190.55")):
        file = base64.b64decode(seen[f"pdf{size}"])
        pdf = Pdf(file)
        assert box in pdf.objects[2] and len(pdf.pages) > 1
        for shown in ("名单", "第一行", "第二行“引文”", "60. 喆堃 第59组", "2027年3月8日", "西山社"):
            assert shown in pdf.text(), (size, shown)
        assert seen["hash"] in pdf.text()
        squares = re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) [\d.]+ re", pdf.pages[-1])
        expected = qr.matrix(f"https://gz.example/v/{seen['hash']}")
        assert len(squares) == sum(map(sum, expected))
        side = float(squares[0][2])
        left, top = min(float(x) for x, _, _ in squares), max(float(y) for _, y, _ in squares)
        dark = {(round((float(x) - left) / side), round((top - float(y)) / side)) for x, y, _ in squares}
        assert dark == {(x, y) for y, row in enumerate(expected) for x, is_dark in enumerate(row) if is_dark}
        embedded = font.Font(pdf.stream(6))
        for code, character in pdf.characters.items():
            whole, glyph = font.bundled(), font.bundled().glyph(character)
            assert glyph and embedded.width(int(code, 16)) == whole.width(glyph)
            assert len(embedded.outline(int(code, 16))) >= len(whole.outline(glyph))
        assert len(file) < 60_000
        assert base64.b64decode((await d.see(notice, f"pdf{size}"))[f"pdf{size}"]) == file
    draft = await d.draft()
    assert (await d.see(draft, "pdfA4", "clerk"))["pdfA4"] is None


def test_no_line_is_too_wide_or_begins_with_a_mark() -> None:
    said = printing.Page(
        title="甲" * 60, kind="名单", body=("村民(代表)会议通过,共计 128,400.00 元。https://gz.example/" + "x" * 80 + "\n") * 9,
        items=["一二三四五六七八九十" * 5], area="西山社", from_day=date(2027, 3, 1), last_day=date(2027, 3, 8), days=7,
        day_kind=DayKind.CALENDAR, is_known=True, hash="ab" * 32, verify_url="",
    )  # fmt: skip
    for size, sheet in printing.SHEETS.items():
        pdf = Pdf(paper.pdf(said, size))
        for line in re.findall(
            r"BT /F ([\d.]+) Tf .*? Tr (?:[\d.]+ w )?([\d.]+) [\d.]+ Td <(\w*)> Tj", "\n".join(pdf.pages)
        ):
            points, x, codes = float(line[0]), float(line[1]), line[2]
            text = "".join(pdf.characters[codes[n : n + 4]] for n in range(0, len(codes), 4))
            wide = sum(font.bundled().width(font.bundled().glyph(c)) for c in text) * points / 1000
            assert x + wide <= (sheet.width - sheet.side) * MM + 1, text
            assert not text or text[0] not in "\uff0c\u3002\uff09,)", text
