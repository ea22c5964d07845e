"""What users read: every code with its message in English and Chinese, loaded from `locale/errors.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from core.errors import ConfigurationError

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"


@cache
def _read(path: Path, changed: int) -> dict[str, dict[str, str]]:
    """A catalogue, read once for as long as the file stays as it is."""
    return tomllib.loads(path.read_text("utf-8"))


class Messages:
    """The catalogue of codes. A code without both languages does not load."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str, str]] = {}
        self.owners: dict[str, str] = {}

    def load(self, folder: Path, owner: str) -> None:
        """Add `folder/locale/errors.toml`; raises ConfigurationError on a missing language or a taken code."""
        path = folder / "locale" / "errors.toml"
        if not path.exists():
            return
        problems = []
        for code, texts in _read(path, path.stat().st_mtime_ns).items():
            if code in self._texts:
                problems.append(f"{path}: {code} already belongs to {self.owners[code]}")
            problems += [f"{path}: {code} has no {lang} text" for lang in LANGUAGES if not texts.get(lang)]
            self._texts[code], self.owners[code] = texts, owner
        if problems:
            raise ConfigurationError(*problems)

    def __contains__(self, code: str) -> bool:
        return code in self._texts

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(sorted(self._texts))

    def render(self, code: str, language: str, values: dict[str, object]) -> str:
        """The message for a person; a code unknown to the catalogue shows as itself."""
        texts = self._texts.get(code)
        if texts is None:
            return code
        shown = {k: "" if v is None else v(language) if callable(v) else v for k, v in values.items()}
        try:
            return texts[language].format(**shown)
        except (KeyError, IndexError):
            return texts[language]


def choose_language(header: str | None, default: str = DEFAULT_LANGUAGE) -> str:
    """The first language of an Accept-Language header that we speak, else `default`."""
    weighted = []
    for part in (header or "").split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weighted.append((float(quality or 1), tag.lower()))
        except ValueError:
            continue
    for _, tag in sorted(weighted, key=lambda pair: -pair[0]):
        if tag.startswith("zh"):
            return "zh-CN"
        if tag.startswith("en"):
            return "en"
    return default
