"""A notice as a page to print and put up: A4 or A3, one HTML file with nothing to fetch, a QR that leads to its seal.

Chinese is set in the official fonts of whoever prints (仿宋, 黑体); where there are none, `paper.pdf` brings its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

import segno

from plugins.disclosure.terms import DayKind

_STYLE = """
@page { size: %(size)s; margin: %(top)smm %(side)smm }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: %(column)smm; color: #000; background: #fff; font-size: %(text)spt; line-height: 1.8;
  font-family: "FangSong", "STFangsong", "FangSong_GB2312", "Noto Serif CJK SC", "Source Han Serif SC", "Songti SC",
  "SimSun", serif }
h1 { text-align: center; font-size: 1.9em; line-height: 1.35; margin: 0 0 .2em; font-weight: 700; text-wrap: balance;
  font-family: "SimHei", "Heiti SC", "Noto Sans CJK SC", "Source Han Sans SC", sans-serif }
p.kind { text-align: center; margin: 0 0 1.2em }
p { margin: 0; min-height: 1.8em; text-align: justify }
.body p, .note { text-indent: 2em; white-space: pre-wrap }
ul { columns: 2; column-gap: 2em; list-style: none; margin: 0; padding-left: 2em } ul.long { columns: 1 }
li { break-inside: avoid }
p.sign { text-align: right; margin-top: 1.5em }
.seal { display: flex; gap: 1.2em; align-items: center; border-top: 1px solid #000; margin-top: 1.5em; padding-top: .8em;
  font-size: .62em; line-height: 1.5; break-inside: avoid }
.seal svg { flex: none; width: %(qr)smm; height: %(qr)smm }
.seal code { word-break: break-all; font-family: ui-monospace, "Noto Sans Mono CJK SC", Consolas, monospace }
"""
LONG = 12  # characters from which a list has one column
_OWN_NUMBER = re.compile(r"\d+ 号 ")


@dataclass(frozen=True)
class Sheet:
    """Measures in millimetres; the text's size in points."""

    width: int
    height: int
    top: int
    side: int
    text: int
    qr: int


SHEETS = {"A4": Sheet(210, 297, 22, 24, 16, 30), "A3": Sheet(297, 420, 30, 32, 23, 42)}


@dataclass(frozen=True)
class Page:
    """What is printed; `items` are the lines of its list, `here` is what the area is called (本村)."""

    title: str
    kind: str
    body: str
    items: Sequence[str]
    signed: str
    here: str
    from_day: date
    last_day: date
    days: int
    days_off: int
    day_kind: DayKind
    is_known: bool
    corrects: str  # heading of the notice whose place it takes; empty where it takes none
    is_over: bool  # another has taken its place
    hash: str
    verify_url: str


def day(value: date) -> str:
    return f"{value.year}年{value.month}月{value.day}日"


def leads_to(page: Page) -> str:
    """What the QR holds: the community's address for checks, or the seal itself where it has named none."""
    url, hash = page.verify_url, page.hash
    if not url:
        return f"gongzhi-disclosure:{hash}"
    return url.replace("{hash}", hash) if "{hash}" in url else url + hash


def code(page: Page) -> segno.QRCode:
    return segno.make_qr(leads_to(page), error="m")


def paragraphs(text: str) -> list[str]:
    """Each is indented by two characters where it is set, whatever its author put before it."""
    return [p.strip() for p in text.splitlines()]


def listed(page: Page) -> list[str]:
    """The lines of its list with their numbers, but where they have those of a ballot paper (`1 号 张三`)."""
    if any(_OWN_NUMBER.match(i) for i in page.items):
        return list(page.items)
    return [f"{n}. {i}" for n, i in enumerate(page.items, 1)]


def corrects_words(page: Page) -> str:
    """What a correction stands for, and what stands for it; empty for most."""
    found = f"本公示为更正公示，取代《{page.corrects}》，公示期重新计算。" if page.corrects else ""
    return found + ("本公示已被更正公示取代，不再有效。" if page.is_over else "")


def window_words(page: Page) -> str:
    guess = "" if page.is_known else "（该年度节假日安排尚未公布，截止日如有顺延另行通知）"
    off = f"（其间系统停用{page.days_off}日，已顺延）" if page.days_off else ""
    return (
        f"公示期：自{day(page.from_day)}发布之次日起{page.days}个{page.day_kind.zh}{off}，至{day(page.last_day)}止{guess}。"
        f"如有异议，请在公示期内向{page.here}书面、口头或在线提出，可署名，也可要求保密。"
    )


def sealed_words(page: Page) -> tuple[str, str]:
    how = "扫码查验。" if page.verify_url else "二维码内为下列存证值，可与公开的存证记录核对。"
    return f"本公示已存证，发布后未经更正公示不得更改。{how}", f"存证值 SHA-256：{page.hash}"


def html(page: Page, size: str) -> str:
    """The page in A4 or A3."""
    sheet = SHEETS[size]
    style = _STYLE % {**vars(sheet), "size": size, "column": sheet.width - 2 * sheet.side}
    body = "\n".join(f"<p>{escape(p)}</p>" for p in paragraphs(page.body))
    lines = "".join(f"<li>{escape(i)}</li>" for i in listed(page))
    long = ' class="long"' if any(len(i) > LONG for i in page.items) else ""
    items = f"<ul{long}>{lines}</ul>" if lines else ""
    words = corrects_words(page)
    corrects = f'<p class="note">{escape(words)}</p>' if words else ""
    sealed, value = sealed_words(page)
    return (
        f'<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{escape(page.title)}</title>'
        f"<style>{style}</style></head><body><main>"
        f'<h1>{escape(page.title)}</h1><p class="kind">（{escape(page.kind)}）</p>'
        f'<div class="body">{body}</div>{items}{corrects}<p class="note">{escape(window_words(page))}</p>'
        f'<p class="sign">{escape(page.signed)}<br>{day(page.from_day)}</p></main>'
        f'<footer class="seal">{code(page).svg_inline(omitsize=True, border=4, light="#fff")}<div>{sealed}<br>'
        f"<code>{value}</code></div></footer></body></html>"
    )
