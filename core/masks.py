"""Masks that keep what is useful: enough to recognise one's own, and for a clerk to ask the right question."""

from __future__ import annotations

import re

_NUMBER = r"[-\dA-Za-z#甲乙丙丁一二三四五六七八九十百零〇]+"
_DOOR = re.compile(rf"{_NUMBER}\s*(?:号|栋|幢|座|单元|梯|层|楼|室|户|房)|\d")
STARS = "***"


def mask_tail(text: str, shown: int = 4) -> str:
    """Only the last four: 13959201234 → *******1234."""
    return "*" * max(len(text) - shown, 0) + text[-shown:] if len(text) > shown else "*" * len(text)


def mask_address(text: str) -> str:
    """The road and the compound, without the door: 沧湖路海投小区 3 栋 502 室 → 沧湖路海投小区 ***."""
    door = _DOOR.search(text)
    if door is None:
        return text
    return f"{text[: door.start()].rstrip()} {STARS}".strip()
