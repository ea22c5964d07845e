"""A notice as a page to print and put up: A4 or A3, one HTML file with nothing to fetch, a QR that leads to its seal.

Chinese is set in the fonts that Windows, macOS, Kylin and Android bring; whoever prints needs none of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

from plugins.disclosure import qr
from plugins.disclosure.terms import DayKind

_STYLE = """
@page { size: %(size)s; margin: %(margin)s }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: %(width)s; color: #000; background: #fff; font-size: %(text)s; line-height: 1.8;
  font-family: "FangSong", "STFangsong", "FangSong_GB2312", "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC",
  "SimSun", serif }
h1 { text-align: center; font-size: 1.9em; line-height: 1.35; margin: 0 0 .2em; font-weight: 700;
  font-family: "SimHei", "Heiti SC", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif }
.kind { text-align: center; margin: 0 0 1.2em }
.body { white-space: pre-wrap; text-align: justify }
ol { columns: 2; column-gap: 2em } ol.long { columns: 1 } li { break-inside: avoid }
.sign { text-align: right; margin-top: 1.5em }
.seal { display: flex; gap: 1.2em; align-items: center; border-top: 1px solid #000; margin-top: 1.5em; padding-top: .8em;
  font-size: .62em; line-height: 1.5; break-inside: avoid }
.seal svg { flex: none; width: %(qr)s; height: %(qr)s }
.seal code { word-break: break-all; font-family: ui-monospace, "Noto Sans Mono CJK SC", Consolas, monospace }
"""
_SIZES = {
    "A4": {"size": "A4", "margin": "22mm 24mm", "width": "162mm", "text": "16pt", "qr": "30mm"},
    "A3": {"size": "A3", "margin": "30mm 32mm", "width": "233mm", "text": "23pt", "qr": "42mm"},
}
LONG = 12  # characters from which a list has one column


@dataclass(frozen=True)
class Page:
    """What is printed; `items` are the lines of its list."""

    title: str
    kind: str
    body: str
    items: Sequence[str]
    area: str
    from_day: date
    last_day: date
    days: int
    day_kind: DayKind
    is_known: bool
    hash: str
    verify_url: str


def day(value: date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


def leads_to(verify_url: str, hash: str) -> str:
    """What the QR holds: the community's address for checks, or the seal itself where it has named none."""
    if not verify_url:
        return f"gongzhi-disclosure:{hash}"
    return verify_url.replace("{hash}", hash) if "{hash}" in verify_url else verify_url + hash


def html(page: Page, size: str) -> str:
    """The page in A4 or A3."""
    lines = "".join(f"<li>{escape(i)}</li>" for i in page.items)
    long = ' class="long"' if any(len(i) > LONG for i in page.items) else ""
    listed = f"<ol{long}>{lines}</ol>" if lines else ""
    guess = "" if page.is_known else "(该年度节假日安排尚未公布,截止日如有顺延另行通知)"
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f"<style>{_STYLE % _SIZES[size]}</style></head><body><main>"
        f'<h1>{escape(page.title)}</h1><p class="kind">({escape(page.kind)})</p>'
        f'<div class="body">{escape(page.body)}</div>{listed}'
        f"<p>公示期:自{day(page.from_day)}发布之次日起{page.days}个{page.day_kind.zh},至<b>{day(page.last_day)}</b>止"
        f"{guess}。如有异议,请在公示期内向本社区书面、口头或在线提出,可署名,也可要求保密。</p>"
        f'<p class="sign">{escape(page.area)}<br>{day(page.from_day)}</p></main>'
        f'<footer class="seal">{qr.svg(leads_to(page.verify_url, page.hash))}<div>本公示已存证,发布后未经更正公示不得更改。'
        f"扫码查验。<br>存证值 SHA-256:<code>{page.hash}</code></div></footer></body></html>"
    )
