"""PDF (ISO 32000), as much of it as a printed notice needs: pages with text in one embedded font, lines and squares.

The same content makes the same bytes; text can be searched and copied. Measures are points from the left and the top.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from plugins.disclosure.font import Font

MM = 72 / 25.4
BOLD = 0.03  # of its size, by which a bold letter is thickened
_FIRST = 9  # number of the first page's object; its content comes behind it
_NAME = "/GZNOTE+WenQuanYiMicroHei"
_TO_UNICODE = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /Adobe-Identity-UCS def /CMapType 2 def
1 begincodespacerange <0000> <FFFF> endcodespacerange
{}
endcmap CMapName currentdict /CMap defineresource pop end end"""


class Document:
    """Pages one after the other; what is drawn goes on the last one."""

    def __init__(self, font: Font, width: float, height: float, title: str) -> None:
        self.font, self.width, self.height, self.title = font, width, height, title
        self.pages: list[list[str]] = []
        self._used: dict[int, tuple[int, str]] = {0: (0, "")}  # glyph → its number in the embedded font, a character

    def page(self) -> None:
        self.pages.append([])

    def text(self, x: float, y: float, size: float, text: str, *, bold: bool = False) -> None:
        """A line of text on the base line `y`."""
        how = f"2 Tr {size * BOLD:.2f} w" if bold else "0 Tr"
        codes = "".join(f"{self._number(c):04X}" for c in text)
        self._draw(f"BT /F {size:.2f} Tf {how} {x:.2f} {self.height - y:.2f} Td <{codes}> Tj ET")

    def _number(self, character: str) -> int:
        glyph = self.font.glyph(character)
        return self._used.setdefault(glyph, (len(self._used), character))[0]

    def squares(self, places: Iterable[tuple[float, float]], side: float) -> None:
        """Filled squares, each with its upper left corner at a place."""
        drawn = (f"{x:.3f} {self.height - y - side:.3f} {side:.3f} {side:.3f} re" for x, y in places)
        self._draw(" ".join((*drawn, "f")))

    def line(self, x: float, y: float, width: float) -> None:
        self._draw(f"0.75 w {x:.2f} {self.height - y:.2f} m {x + width:.2f} {self.height - y:.2f} l S")

    def _draw(self, operators: str) -> None:
        self.pages[-1].append(operators)

    def measure(self, text: str, size: float) -> float:
        return sum(self.font.width(self.font.glyph(c)) for c in text) * size / 1000

    def file(self) -> bytes:
        kids = " ".join(f"{_FIRST + 2 * n} 0 R" for n in range(len(self.pages)))
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R /Lang (zh-CN) /ViewerPreferences << /DisplayDocTitle true >> >>",
            f"<< /Type /Pages /Kids [{kids}] /Count {len(self.pages)} /Resources << /Font << /F 3 0 R >> >>"
            f" /MediaBox [0 0 {self.width:.2f} {self.height:.2f}] >>".encode(),
            *self._fonts(),
            b"<< /Title <FEFF" + self.title.encode("utf-16-be", "replace").hex().encode() + b"> >>",
        ]
        for n, page in enumerate(self.pages):
            objects.append(f"<< /Type /Page /Parent 2 0 R /Contents {_FIRST + 2 * n + 1} 0 R >>".encode())
            objects.append(_stream("\n".join(page).encode()))
        return _file(objects)

    def _fonts(self) -> list[bytes]:
        """Objects 3 to 7: the font, its glyphs' widths, how it looks, the font file, and which characters glyphs are."""
        font, glyphs = self.font, list(self._used)
        up, down = (round(y * 1000 / font.em) for y in (font.ascent, font.descent))
        widths = " ".join(str(font.width(g)) for g in glyphs)
        pairs = [f"<{n:04X}> <{c.encode('utf-16-be', 'replace').hex()}>" for n, c in self._used.values() if c]
        hundreds = [pairs[n : n + 100] for n in range(0, len(pairs), 100)]
        told = "\n".join("\n".join((f"{len(some)} beginbfchar", *some, "endbfchar")) for some in hundreds)
        return [
            f"<< /Type /Font /Subtype /Type0 /BaseFont {_NAME} /Encoding /Identity-H /DescendantFonts [4 0 R]"
            " /ToUnicode 7 0 R >>".encode(),
            f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont {_NAME} /FontDescriptor 5 0 R /CIDToGIDMap /Identity"
            f" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /W [0 [{widths}]] >>".encode(),
            f"<< /Type /FontDescriptor /FontName {_NAME} /Flags 4 /FontBBox [0 {down} 1000 {up}] /ItalicAngle 0"
            f" /Ascent {up} /Descent {down} /CapHeight {up} /StemV 80 /FontFile2 6 0 R >>".encode(),
            _stream(font.part(glyphs)),
            _stream(_TO_UNICODE.format(told).encode()),
        ]


def _stream(body: bytes) -> bytes:
    packed = zlib.compress(body, 9)
    about = f"<< /Filter /FlateDecode /Length {len(packed)} /Length1 {len(body)} >>"
    return about.encode() + b"\nstream\n" + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    found, places = bytearray(b"%PDF-1.7\n%\xe5\x85\xac\xe7\xa4\xba\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(found))
        found += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start, count = len(found), len(objects) + 1
    found += f"xref\n0 {count}\n0000000000 65535 f \n".encode()
    found += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    found += f"trailer\n<< /Size {count} /Root 1 0 R /Info {_FIRST - 1} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(found)
