"""The font that comes with the server, so that a notice looks the same wherever it is printed; and as much of it as one
document needs: the glyphs it uses, with their outlines and widths (TrueType, ISO/IEC 14496-22)."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache, cached_property
from pathlib import Path
from struct import pack, unpack, unpack_from

FILE = Path(__file__).parent / "fonts" / "wqy-microhei.ttf"
# Of a glyph put together from others: arguments are words, more follow, and how much transformation there is.
_WORDS, _MORE, _SCALE, _XY, _MATRIX = 0x1, 0x20, 0x8, 0x40, 0x80


class Font:
    """A TrueType font with a character map of format 4, which is all that the Basic Multilingual Plane needs."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        (count,) = unpack_from(">H", data, 4)
        self.tables = {
            tag.decode(): (at, length)
            for tag, _, at, length in (unpack_from(">4sLLL", data, 12 + 16 * n) for n in range(count))
        }
        self.em, is_long = *self._read("head", ">H", 18), self._read("head", ">h", 50)[0]
        self.ascent, self.descent = self._read("hhea", ">hh", 4)
        (self.metrics,) = self._read("hhea", ">H", 34)
        (glyphs,) = self._read("maxp", ">H", 4)
        entries = self._read("loca", f">{glyphs + 1}{'L' if is_long else 'H'}")
        self.places = entries if is_long else tuple(2 * e for e in entries)

    def _read(self, table: str, shape: str, at: int = 0) -> tuple[int, ...]:
        return unpack_from(shape, self.data, self.tables[table][0] + at)

    @cached_property
    def _characters(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...], int]:
        for n in range(self._read("cmap", ">H", 2)[0]):
            platform, kind, at = self._read("cmap", ">HHL", 4 + 8 * n)
            if (platform, kind, self._read("cmap", ">H", at)[0]) == (3, 1, 4):
                (double,) = self._read("cmap", ">H", at + 6)
                ends, starts, deltas, ranges = (
                    self._read("cmap", f">{double // 2}H", at + 14 + n * double + (2 if n else 0)) for n in range(4)
                )
                return ends, starts, deltas, ranges, at + 16 + 3 * double
        raise ValueError("a font without the characters of the Basic Multilingual Plane")

    def glyph(self, character: str) -> int:
        """Its glyph; 0, an empty box, where the font has none."""
        code = ord(character)
        ends, starts, deltas, ranges, at = self._characters
        n = bisect_left(ends, code)
        if code > 0xFFFF or n == len(ends) or starts[n] > code:
            return 0
        if ranges[n] == 0:
            return (code + deltas[n]) & 0xFFFF
        (found,) = self._read("cmap", ">H", at + 2 * n + ranges[n] + 2 * (code - starts[n]))
        return (found + deltas[n]) & 0xFFFF if found else 0

    def width(self, glyph: int) -> int:
        """In thousandths of the size."""
        (advance,) = self._read("hmtx", ">H", 4 * min(glyph, self.metrics - 1))
        return round(advance * 1000 / self.em)

    def outline(self, glyph: int) -> bytes:
        start = self.tables["glyf"][0]
        return self.data[start + self.places[glyph] : start + self.places[glyph + 1]]

    def _parts(self, outline: bytes) -> list[tuple[int, int]]:
        """Of a glyph put together from others: where each is named, and which it is."""
        if len(outline) < 10 or unpack_from(">h", outline)[0] >= 0:
            return []
        found, at, flags = [], 10, _MORE
        while flags & _MORE:
            flags, glyph = unpack_from(">HH", outline, at)
            found.append((at + 2, glyph))
            at += 8 if flags & _WORDS else 6
            at += 2 if flags & _SCALE else 4 if flags & _XY else 8 if flags & _MATRIX else 0
        return found

    def part(self, glyphs: list[int]) -> bytes:
        """A font of these glyphs under the numbers 0, 1, 2 …, the first of them the empty box; those they are made of
        come behind. For embedding: it has no character map."""
        kept, new = list(glyphs), {g: n for n, g in enumerate(glyphs)}
        outlines, places, at = list[bytes](), [0], 0
        while len(outlines) < len(kept):
            outline = bytearray(self.outline(kept[len(outlines)]))
            for place, glyph in self._parts(bytes(outline)):
                if glyph not in new:
                    new[glyph] = len(kept)
                    kept.append(glyph)
                outline[place : place + 2] = pack(">H", new[glyph])
            outline += b"\0" * (-len(outline) % 4)
            outlines.append(bytes(outline))
            at += len(outline)
            places.append(at)
        head, hhea, maxp = (bytearray(self._table(name)) for name in ("head", "hhea", "maxp"))
        head[8:12], head[50:52] = b"\0" * 4, pack(">h", 1)
        hhea[34:36] = maxp[4:6] = pack(">H", len(kept))
        metrics = b"".join(pack(">Hh", *self._metric(g)) for g in kept)
        return _bound(
            {
                "glyf": b"".join(outlines), "head": bytes(head), "hhea": bytes(hhea), "hmtx": metrics,
                "loca": pack(f">{len(places)}L", *places), "maxp": bytes(maxp),
            }
        )  # fmt: skip

    def _table(self, name: str) -> bytes:
        at, length = self.tables[name]
        return self.data[at : at + length]

    def _metric(self, glyph: int) -> tuple[int, ...]:
        """Advance and left side bearing."""
        if glyph < self.metrics:
            return self._read("hmtx", ">Hh", 4 * glyph)
        last = self._read("hmtx", ">H", 4 * (self.metrics - 1))
        return *last, *self._read("hmtx", ">h", 4 * self.metrics + 2 * (glyph - self.metrics))


def _bound(tables: dict[str, bytes]) -> bytes:
    """A font file of these tables, with the checksum that makes it whole."""
    count = len(tables)
    power = 1 << count.bit_length() - 1
    found = pack(">LHHHH", 0x00010000, count, power * 16, power.bit_length() - 1, (count - power) * 16)
    at, bodies = len(found) + 16 * count, b""
    adjusted = 0
    for name, body in sorted(tables.items()):
        found += pack(">4sLLL", name.encode(), _sum(body), at + len(bodies), len(body))
        adjusted = at + len(bodies) + 8 if name == "head" else adjusted
        bodies += body + b"\0" * (-len(body) % 4)
    whole = bytearray(found + bodies)
    whole[adjusted : adjusted + 4] = pack(">L", (0xB1B0AFBA - _sum(bytes(whole))) & 0xFFFFFFFF)
    return bytes(whole)


def _sum(body: bytes) -> int:
    padded = body + b"\0" * (-len(body) % 4)
    words: tuple[int, ...] = unpack(f">{len(padded) // 4}L", padded)
    return sum(words) & 0xFFFFFFFF


@cache
def bundled() -> Font:
    """The font of printed notices, read once."""
    return Font(FILE.read_bytes())
