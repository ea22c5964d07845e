"""Passwords that are tried first: the commonest ones, and those of very few different characters."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path

DIFFERENT = 5  # characters


def is_common(password: str) -> bool:
    """Would somebody who guesses try it early? However it is written: capitals and full width do not matter."""
    flat = unicodedata.normalize("NFKC", password).lower()
    return len(set(flat)) < DIFFERENT or flat in _commonest()


@cache
def _commonest() -> frozenset[str]:
    """Of those long enough to be asked for, the commonest of leaks (by Royce Williams' list, as Django has it) and of here."""
    return frozenset(Path(__file__).with_suffix(".txt").read_text("utf-8").split())
