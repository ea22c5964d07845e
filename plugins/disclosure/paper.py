"""A notice set on sheets of paper, as PDF: heading, text, its list, the window, who signs, and the seal with its QR."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from plugins.disclosure import qr
from plugins.disclosure.font import bundled
from plugins.disclosure.pdf import MM, Document
from plugins.disclosure.printing import LONG, SHEETS, Page, day, leads_to, sealed_words, window_words

LEADING = 1.8
_NOT_FIRST = frozenset("，。、；：？！）》」』”’】〕…—%)]},.;:?!")
_NOT_LAST = frozenset("（《「『“‘【〔([{")
_PIECES = re.compile(r"[A-Za-z0-9./:@_+-]+|.", re.S)


def pdf(page: Page, size: str) -> bytes:
    """The notice in A4 or A3; as many sheets as it takes."""
    return _Setting(page, size).file()


class _Setting:
    """A notice under way: where the next line goes, and a new sheet when there is no room."""

    def __init__(self, page: Page, size: str) -> None:
        self.said, self.sheet = page, SHEETS[size]
        self.left, self.top = self.sheet.side * MM, self.sheet.top * MM
        self.document = Document(bundled(), self.sheet.width * MM, self.sheet.height * MM, page.title)
        self.width = self.document.width - 2 * self.left
        self.bottom = self.document.height - self.top
        self.text = float(self.sheet.text)
        self.document.page()
        self.y = self.top

    def file(self) -> bytes:
        said, text = self.said, self.text
        self._lines(self._wrapped(said.title, text * 1.9, self.width), text * 1.9, centred=True, bold=True)
        self._lines([f"（{said.kind}）"], text, centred=True)
        self.y += text
        self._lines(self._wrapped(said.body, text, self.width), text)
        self._list(text)
        self._lines(self._wrapped(window_words(said), text, self.width), text)
        self.y += text
        signed = [said.area, day(said.from_day)]
        self._room(len(signed) * text * LEADING)
        for line in signed:
            self._line(line, text, self.left + self.width - self.document.measure(line, text))
        self._seal(text * 0.62)
        return self.document.file()

    def _list(self, size: float) -> None:
        columns = 1 if any(len(i) > LONG for i in self.said.items) else 2
        width = self.width / columns
        numbered = [self._wrapped(f"{n}. {i}", size, width - size) for n, i in enumerate(self.said.items, 1)]
        for first in range(0, len(numbered), columns):
            row = numbered[first : first + columns]
            for line in range(max(map(len, row))):
                self._room(size * LEADING)
                for column, lines in enumerate(row):
                    if line < len(lines):
                        self._put(lines[line], size, self.left + column * width)
                self.y += size * LEADING

    def _seal(self, size: float) -> None:
        """The QR with what it is for beside it; never torn apart."""
        side, gap = self.sheet.qr * MM, size * 2
        beside = self.left + side + gap
        lines = [w for words in sealed_words(self.said) for w in self._wrapped(words, size, self.width - side - gap)]
        height = max(side, len(lines) * size * 1.5) + gap
        self.y += gap
        self._room(height)
        self.document.line(self.left, self.y, self.width)
        self.y += gap / 2
        rows = qr.matrix(leads_to(self.said.verify_url, self.said.hash))
        module = side / (len(rows) + 8)
        dark = ((x + 4, y + 4) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark)
        self.document.squares(((self.left + x * module, self.y + y * module) for x, y in dark), module)
        self.y += max(0.0, side - len(lines) * size * 1.5) / 2
        for line in lines:
            self.document.text(beside, self.y + size, size, line)
            self.y += size * 1.5

    def _lines(self, lines: Sequence[str], size: float, *, centred: bool = False, bold: bool = False) -> None:
        for line in lines:
            self._room(size * LEADING)
            indent = (self.width - self.document.measure(line, size)) / 2 if centred else 0.0
            self._line(line, size, self.left + indent, bold=bold)

    def _line(self, line: str, size: float, x: float, *, bold: bool = False) -> None:
        self._put(line, size, x, bold=bold)
        self.y += size * LEADING

    def _put(self, line: str, size: float, x: float, *, bold: bool = False) -> None:
        self.document.text(x, self.y + size * (LEADING + 0.8) / 2, size, line, bold=bold)

    def _room(self, height: float) -> None:
        if self.y + height > self.bottom and self.y > self.top:
            self.document.page()
            self.y = self.top

    def _wrapped(self, text: str, size: float, width: float) -> list[str]:
        """Lines no wider than this; Chinese breaks between any two characters, but for 行首行尾禁则."""
        return [line for paragraph in text.splitlines() or [""] for line in self._broken(paragraph, size, width)]

    def _broken(self, paragraph: str, size: float, width: float) -> Iterator[str]:
        line, used = "", 0.0
        for piece in self._pieces(paragraph, size, width):
            more = self.document.measure(piece, size)
            if used + more > width and line.strip():
                yield line.rstrip()
                piece = piece.lstrip()
                line, used = "", 0.0
                more = self.document.measure(piece, size)
            line, used = line + piece, used + more
        yield line.rstrip()

    def _pieces(self, paragraph: str, size: float, width: float) -> Iterator[str]:
        """What is not torn apart: words and numbers, a character with the marks that may not begin or end a line."""
        held = ""
        for found in _PIECES.findall(paragraph.expandtabs(4)):
            fits = self.document.measure(found, size) <= width
            for piece in [found] if fits else list(found):
                if held and piece not in _NOT_FIRST and held[-1] not in _NOT_LAST:
                    yield held
                    held = ""
                held += piece
                if self.document.measure(held, size) > width:
                    yield held
                    held = ""
        if held:
            yield held
