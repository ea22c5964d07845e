"""QR codes (ISO/IEC 18004), as much of them as a printed notice needs: bytes, error correction M, versions 1 to 13, as SVG.

Of its own, because a plugin brings no library with it, and because a notice must print where nothing can be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator

Matrix = list[list[bool]]

# Of level M, by version from 1: codewords of error correction to a block, and blocks.
_CORRECTION = (10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22)
_BLOCKS = (1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9)
_LEVEL_M = 0
_PENALTIES = (3, 3, 40, 10)


def _modules(version: int) -> int:
    """Modules that carry data and error correction."""
    found = (16 * version + 128) * version + 64
    if version >= 2:
        aligned = version // 7 + 2
        found -= (25 * aligned - 10) * aligned - 55
        if version >= 7:
            found -= 36
    return found


def _capacity(version: int) -> int:
    """Codewords of data."""
    return _modules(version) // 8 - _CORRECTION[version - 1] * _BLOCKS[version - 1]


def _times(x: int, y: int) -> int:
    """Product in GF(2⁸) modulo x⁸ + x⁴ + x³ + x² + 1."""
    product = 0
    for bit in range(7, -1, -1):
        product = (product << 1) ^ ((product >> 7) * 0x11D)
        product ^= ((y >> bit) & 1) * x
    return product


def _divisor(degree: int) -> list[int]:
    found = [0] * (degree - 1) + [1]
    root = 1
    for _ in range(degree):
        for i in range(degree):
            found[i] = _times(found[i], root)
            if i + 1 < degree:
                found[i] ^= found[i + 1]
        root = _times(root, 2)
    return found


def _remainder(data: list[int], divisor: list[int]) -> list[int]:
    found = [0] * len(divisor)
    for byte in data:
        factor = byte ^ found.pop(0)
        found.append(0)
        for i, coefficient in enumerate(divisor):
            found[i] ^= _times(coefficient, factor)
    return found


def _data(text: bytes, version: int) -> list[int]:
    """Mode, length, bytes, terminator, padding."""
    bits = "0100" + format(len(text), "08b" if version < 10 else "016b") + "".join(format(b, "08b") for b in text)
    capacity = _capacity(version) * 8
    bits += "0" * min(4, capacity - len(bits))
    bits += "0" * (-len(bits) % 8)
    found = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
    while len(found) < capacity // 8:
        found += [0xEC, 0x11][: capacity // 8 - len(found)]
    return found


def _codewords(data: list[int], version: int) -> list[int]:
    """Blocks with their error correction, interleaved."""
    blocks, correction, raw = _BLOCKS[version - 1], _CORRECTION[version - 1], _modules(version) // 8
    short, length = blocks - raw % blocks, raw // blocks
    divisor, made, at = _divisor(correction), [], 0
    for i in range(blocks):
        part = data[at : at + length - correction + (i >= short)]
        at += len(part)
        made.append((part, _remainder(part, divisor)))
    longest = length - correction + 1
    found = [part[i] for i in range(longest) for part, _ in made if i < len(part)]
    return found + [rest[i] for i in range(correction) for _, rest in made]


def _aligned(version: int) -> list[int]:
    if version == 1:
        return []
    count = version // 7 + 2
    step = (version * 8 + count * 3 + 5) // (count * 4 - 4) * 2
    return [6, *sorted(version * 4 + 10 - i * step for i in range(count - 1))]


class _Code:
    """A matrix under way: which modules are dark, and which are not data."""

    def __init__(self, version: int) -> None:
        self.version, self.size = version, version * 4 + 17
        self.dark: Matrix = [[False] * self.size for _ in range(self.size)]
        self.fixed: Matrix = [[False] * self.size for _ in range(self.size)]
        for i in range(self.size):
            self._fix(6, i, i % 2 == 0)
            self._fix(i, 6, i % 2 == 0)
        for x, y in ((3, 3), (self.size - 4, 3), (3, self.size - 4)):
            self._finder(x, y)
        marks = _aligned(version)
        for i, x in enumerate(marks):
            for j, y in enumerate(marks):
                if (i, j) not in ((0, 0), (0, len(marks) - 1), (len(marks) - 1, 0)):
                    for dy in range(-2, 3):
                        for dx in range(-2, 3):
                            self._fix(x + dx, y + dy, max(abs(dx), abs(dy)) != 1)
        self.format(0)
        self._version()

    def _fix(self, x: int, y: int, dark: bool) -> None:
        self.dark[y][x], self.fixed[y][x] = dark, True

    def _finder(self, x: int, y: int) -> None:
        for dy in range(-4, 5):
            for dx in range(-4, 5):
                if 0 <= x + dx < self.size and 0 <= y + dy < self.size:
                    self._fix(x + dx, y + dy, max(abs(dx), abs(dy)) not in (2, 4))

    def format(self, mask: int) -> None:
        data = _LEVEL_M << 3 | mask
        rest = data
        for _ in range(10):
            rest = (rest << 1) ^ ((rest >> 9) * 0x537)
        bits = (data << 10 | rest) ^ 0x5412
        bit = [bits >> i & 1 == 1 for i in range(15)]
        for i in range(6):
            self._fix(8, i, bit[i])
        self._fix(8, 7, bit[6])
        self._fix(8, 8, bit[7])
        self._fix(7, 8, bit[8])
        for i in range(9, 15):
            self._fix(14 - i, 8, bit[i])
        for i in range(8):
            self._fix(self.size - 1 - i, 8, bit[i])
        for i in range(8, 15):
            self._fix(8, self.size - 15 + i, bit[i])
        self._fix(8, self.size - 8, True)

    def _version(self) -> None:
        if self.version < 7:
            return
        rest = self.version
        for _ in range(12):
            rest = (rest << 1) ^ ((rest >> 11) * 0x1F25)
        bits = self.version << 12 | rest
        for i in range(18):
            dark, a, b = bits >> i & 1 == 1, self.size - 11 + i % 3, i // 3
            self._fix(a, b, dark)
            self._fix(b, a, dark)

    def _free(self) -> Iterator[tuple[int, int]]:
        """Modules for data in their order: two columns at a time from the right, up and down in turn."""
        for right in range(self.size - 1, 0, -2):
            column = right - 1 if right <= 6 else right
            for step in range(self.size):
                for x in (column, column - 1):
                    y = self.size - 1 - step if (column + 1) & 2 == 0 else step
                    if not self.fixed[y][x]:
                        yield x, y

    def fill(self, codewords: list[int]) -> None:
        bits = iter([byte >> i & 1 == 1 for byte in codewords for i in range(7, -1, -1)])
        for x, y in self._free():
            self.dark[y][x] = next(bits, False)

    def mask(self, number: int) -> None:
        for y in range(self.size):
            for x in range(self.size):
                if not self.fixed[y][x] and _is_masked(number, x, y):
                    self.dark[y][x] = not self.dark[y][x]

    def penalty(self) -> int:
        rows = ["".join("1" if d else "0" for d in row) for row in self.dark]
        columns = ["".join(column) for column in zip(*rows, strict=True)]
        found = 0
        for line in (*rows, *columns):
            run, last = 0, ""
            for module in (*line, ""):
                if module == last:
                    run += 1
                    continue
                if run >= 5:
                    found += _PENALTIES[0] + run - 5
                run, last = 1, module
            for start in range(len(line) - 10):
                if line[start : start + 11] in ("10111010000", "00001011101"):
                    found += _PENALTIES[2]
        for y in range(self.size - 1):
            for x in range(self.size - 1):
                if len({rows[y][x], rows[y][x + 1], rows[y + 1][x], rows[y + 1][x + 1]}) == 1:
                    found += _PENALTIES[1]
        dark, total = sum(line.count("1") for line in rows), self.size**2
        return found + ((abs(dark * 20 - total * 10) + total - 1) // total - 1) * _PENALTIES[3]


def _is_masked(number: int, x: int, y: int) -> bool:
    return (
        (x + y) % 2 == 0, y % 2 == 0, x % 3 == 0, (x + y) % 3 == 0, (x // 3 + y // 2) % 2 == 0,
        x * y % 2 + x * y % 3 == 0, (x * y % 2 + x * y % 3) % 2 == 0, ((x + y) % 2 + x * y % 3) % 2 == 0,
    )[number]  # fmt: skip


def matrix(text: str) -> Matrix:
    """The modules, dark ones true, without the quiet zone. ValueError for what is longer than about 330 bytes."""
    data = text.encode()
    version = next(
        (v for v in range(1, 14) if len(data) + (2 if v < 10 else 3) <= _capacity(v)), None
    )  # mode and length take 12 bits, or 20
    if version is None:
        raise ValueError("too long for a QR code here")
    codewords = _codewords(_data(data, version), version)
    best: tuple[int, Matrix] | None = None
    for number in range(8):
        code = _Code(version)
        code.fill(codewords)
        code.mask(number)
        code.format(number)
        found = code.penalty()
        if best is None or found < best[0]:
            best = found, code.dark
    assert best is not None
    return best[1]


def svg(text: str) -> str:
    """An SVG picture with the quiet zone of four modules; its size is the page's to say."""
    rows = matrix(text)
    path = "".join(f"M{x + 4} {y + 4}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    side = len(rows) + 8
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" shape-rendering="crispEdges" role="img"'
        f' aria-label="QR"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>'
    )
