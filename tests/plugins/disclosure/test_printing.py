"""The printed notice: one file, nothing fetched, every text escaped, and a QR that any reader reads."""

from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser

import pytest
from disclosing import Disclosing

from core.testing.kit import Neighbourhood
from plugins.disclosure import qr

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
