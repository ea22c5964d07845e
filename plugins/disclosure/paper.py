"""A notice set on sheets of paper, as PDF: heading, text, its list, the window, who signs, and the seal with its QR."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from fpdf import FPDF
from fpdf.enums import Align, TextMode, XPos, YPos

from plugins.disclosure.printing import (
    LONG,
    SHEETS,
    Page,
    code,
    corrects_words,
    day,
    listed,
    paragraphs,
    sealed_words,
    window_words,
)

FONT = Path(__file__).parent / "fonts" / "wqy-microhei.ttf"
LEADING = 1.8
BOLD = 0.03  # of its size, by which a bold letter is thickened
POINT = 25.4 / 72  # millimetres
_NOT_FIRST = frozenset("，。、；：？！）》」』”’】〕…—%)]},.;:?!")
_NOT_LAST = frozenset("（《「『“‘【〔([{")
_PIECES = re.compile(r"[A-Za-z0-9./:@_+-]+|.", re.S)
Measure = Callable[[str], float]
Breaks = Callable[[str, float, Measure], list[str]]


def pdf(page: Page, size: str) -> bytes:
    """The notice in A4 or A3, as many sheets as it takes; the same bytes for the same notice."""
    sheets = _Sheets(page, size)
    try:
        sheets.compose()
        return bytes(sheets.output())
    finally:
        for font in sheets.fonts.values():
            font.ttfont.close()  # type: ignore[union-attr]


class _Sheets(FPDF):
    """Measures in millimetres, type in points."""

    def __init__(self, said: Page, size: str) -> None:
        self.said, self.sheet = said, SHEETS[size]
        super().__init__(format=size)
        self.set_title(said.title)
        self.set_lang("zh-CN")
        self.set_creation_date(datetime.combine(said.from_day, time(), UTC))
        self.add_font("notice", fname=FONT)
        self.set_margins(self.sheet.side, self.sheet.top)
        self.set_auto_page_break(True, self.sheet.top)

    def compose(self) -> None:
        """Set it all; what goes wrong here leaves no font file open."""
        said, sheet = self.said, self.sheet
        self.add_page()
        text = float(sheet.text)
        self._lines(said.title, text * 1.9, align=Align.C, bold=True, breaks=balanced)
        self._lines(f"（{said.kind}）", text, align=Align.C)
        self.ln(text * POINT)
        self._lines(_indented(said.body), text)
        self._list(text)
        if words := corrects_words(said):
            self._lines(_indented(words), text)
        self._lines(_indented(window_words(said)), text)
        self.ln(text * POINT)
        with self.unbreakable() as together:
            for line in (said.signed, day(said.from_day)):
                together.set_font("notice", size=text)
                together.cell(0, text * POINT * LEADING, line, align=Align.R, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._seal(text * 0.62, sheet.qr)

    def _lines(
        self, text: str, size: float, *, align: Align = Align.L, bold: bool = False, breaks: Breaks | None = None
    ) -> None:
        self.set_font("notice", size=size)
        how: dict[str, Any] = {"text_mode": TextMode.FILL_STROKE, "line_width": size * POINT * BOLD} if bold else {}
        with self.local_context(**how):
            for line in (breaks or wrapped)(text, self.epw - 1, self.get_string_width):
                self.cell(0, size * POINT * LEADING, line, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _list(self, size: float) -> None:
        """Its lines, side by side where they are short, under the text that is indented."""
        self.set_font("notice", size=size)
        columns = 1 if any(len(i) > LONG for i in self.said.items) else 2
        indent, height = 2 * size * POINT, size * POINT * LEADING
        width = (self.epw - indent) / columns
        numbered = [wrapped(i, width - size * POINT, self.get_string_width) for i in listed(self.said)]
        for first in range(0, len(numbered), columns):
            row = numbered[first : first + columns]
            for line in range(max(map(len, row))):
                self.set_x(self.l_margin + indent)
                for lines in row:
                    self.cell(width, height, lines[line] if line < len(lines) else "")
                self.ln(height)

    def _seal(self, size: float, side: float) -> None:
        """The QR with what it is for beside it; never torn apart."""
        gap, height = size * POINT * 2, size * POINT * 1.5
        self.set_font("notice", size=size)
        words = [wrapped(w, self.epw - side - gap - 1, self.get_string_width) for w in sealed_words(self.said)]
        lines: Sequence[str] = [line for some in words for line in some]
        if self.will_page_break(max(side, len(lines) * height) + gap):
            self.add_page()
        top = self.get_y() + gap
        self.line(self.l_margin, top, self.w - self.r_margin, top)
        top += gap / 2
        modules = code(self.said).matrix
        module = side / len(modules)
        for y, row in enumerate(modules):
            for x, is_dark in enumerate(row):
                if is_dark:
                    self.rect(self.l_margin + x * module, top + y * module, module, module, style="F")
        self.set_y(top + max(0.0, side - len(lines) * height) / 2)
        for line in lines:
            self.set_x(self.l_margin + side + gap)
            self.cell(0, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def wrapped(text: str, width: float, measure: Measure) -> list[str]:
    """Lines no wider than this; Chinese breaks between any two characters, but for 行首行尾禁则."""
    return [line for paragraph in text.splitlines() or [""] for line in _broken(paragraph, width, measure)]


def balanced(text: str, width: float, measure: Measure) -> list[str]:
    """As many lines as it takes, of about the same length: none of one character under a full one."""
    lines = wrapped(text, width, measure)
    tries = (wrapped(text, width * share / 100, measure) for share in range(50, 100, 5))
    return next((found for found in tries if len(found) == len(lines)), lines)


def _indented(text: str) -> str:
    return "\n".join(f"\u3000\u3000{p}" for p in paragraphs(text))


def _broken(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    line, used = "", 0.0
    for piece in _pieces(paragraph, width, measure):
        more = measure(piece)
        if used + more > width and line.strip():
            yield line.rstrip()
            piece, line, used = piece.lstrip(), "", 0.0
            more = measure(piece)
        line, used = line + piece, used + more
    yield line.rstrip()


def _pieces(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    """What is not torn apart: words and numbers, a character with the marks that may not begin or end a line."""
    held = ""
    for found in _PIECES.findall(paragraph.expandtabs(4)):
        for piece in [found] if measure(found) <= width else list(found):
            if held and piece not in _NOT_FIRST and held[-1] not in _NOT_LAST:
                yield held
                held = ""
            held += piece
            if measure(held) > width:
                yield held
                held = ""
    if held:
        yield held
