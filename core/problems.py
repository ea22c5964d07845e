"""What is wrong with a file, a plugin or a deployment: a stable code, where, and a message in both languages."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Problem:
    """`code` names an entry of `locale/problems.toml`; `values` fill it. `file` and `line` say where to look."""

    code: str
    values: dict[str, Any] = field(default_factory=dict)
    file: str | None = None
    line: int | None = None
    plugin: str | None = None

    def where(self) -> str:
        if self.file is None:
            return ""
        return f"{self.file}:{self.line}: " if self.line else f"{self.file}: "

    def message(self, language: str = "en") -> str:
        """The message alone. A value may be a function of the language; `near` becomes a "did you mean"."""
        values = {k: v(language) if callable(v) else v for k, v in self.values.items()}
        hint = did_you_mean(values.get("near"))(language)
        return _texts()[self.code][language].format(**values, hint=hint)

    def text(self, language: str = "en") -> str:
        """`file:line: message`."""
        return self.where() + self.message(language)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        found = {
            "code": self.code, "file": self.file, "line": self.line, "plugin": self.plugin,
            "message": self.message(language),
        }  # fmt: skip
        return {k: v for k, v in found.items() if v is not None}


def near(given: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    found = difflib.get_close_matches(str(given), list(known), 1)
    return found[0] if found else None


def did_you_mean(word: str | None) -> Callable[[str], str]:
    """The end of a message about a misspelt word, by language; empty when nothing is like it."""

    def hint(language: str) -> str:
        if word is None:
            return ""
        return f";是否想写 {word!r}?" if language == "zh-CN" else f"; did you mean {word!r}?"

    return hint


@cache
def _texts() -> dict[str, dict[str, str]]:
    path = Path(__file__).parent / "locale" / "problems.toml"
    return tomllib.loads(path.read_text("utf-8"))
