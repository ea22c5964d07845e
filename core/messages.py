"""What users read: every code with its message in English and Chinese, loaded from `locale/errors.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, lru_cache, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from urllib.request import parse_http_list
from zoneinfo import ZoneInfo

from core.clock import DEFAULT_ZONE
from core.enums import Term
from core.errors import ConfigurationError, Saying

LANGUAGES = ("zh-CN", "en")
DEFAULT_LANGUAGE = "zh-CN"
SHORT = 200  # characters of a header that is remembered


@cache
def _read(path: Path, changed: int) -> dict[str, dict[str, str]]:
    """A catalogue, read once for as long as the file stays as it is."""
    return tomllib.loads(path.read_text("utf-8"))


class Messages:
    """The catalogue of codes. A code without both languages does not load."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str, str]] = {}
        self.owners: dict[str, str] = {}
        self.titles: Mapping[str, Mapping[str, str]] = {}  # of permissions, by key and language
        self.plugins: Mapping[str, str] = {}  # their Chinese titles, by key
        self.zone = ZoneInfo(DEFAULT_ZONE)  # in which instants are told

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

    def text(self, code: str, language: str) -> str:
        """The message as it stands in the catalogue, with the names of its values."""
        return self._texts[code][language]

    def render(self, code: str, language: str, values: Mapping[str, object]) -> str:
        """The message for a person; a code unknown to the catalogue shows as itself."""
        texts = self._texts.get(code)
        if texts is None:
            return code
        try:
            said = texts[language].format(**{k: self._shown(k, v, language) for k, v in values.items()})
        except (KeyError, IndexError):
            return texts[language]
        return said[:-1] if said.endswith(("?.", "?。")) else said  # a hint ends it, as a question

    def _shown(self, name: str, value: object, language: str) -> object:
        if isinstance(value, Saying):
            return self.render(value.code, language, value.values)
        if isinstance(value, Term):
            return value.zh if language == "zh-CN" else value.value.replace("_", " ").lower()
        if isinstance(value, datetime):
            return f"{value.astimezone(self.zone):%Y-%m-%d %H:%M}"
        if name in ("plugin", "need", "by") and language == "zh-CN" and isinstance(value, str):
            return self.plugins.get(value, value)
        if name == "permission" and value in self.titles:
            title = self.titles[str(value)][language]
            return f"“{title}”({value})" if language == "zh-CN" else f"“{title}” ({value})"
        return "" if value is None else value(language) if callable(value) else value


P = ParamSpec("P")
R = TypeVar("R")


def remembered(read: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """Clients repeat their headers: what was read of short ones is kept, of the 256 asked for last."""
    anyhow: Callable[..., R] = read
    kept = lru_cache(256)(anyhow)

    @wraps(read)
    def asked(*headers: Any) -> R:
        for header in headers:
            if header is not None and len(header) > SHORT:
                return anyhow(*headers)
        return kept(*headers)

    return cast("Callable[Concatenate[str, P], R]", asked)


def weighted(header: str) -> list[tuple[float, str]]:
    """The entries of an Accept-like header in lower case with their weights, best first (RFC 9110 §12.4.2).

    Parameters stay with their entry (`text/html;level=1`). What has no weight of 0 to 1 is left out.
    """
    found = []
    for part in parse_http_list(header):
        entry, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality, kept = "1", [entry]
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                quality = value.strip()
            elif parameter:
                kept.append(parameter)
        try:
            weight = float(quality)
        except ValueError:
            continue
        if 0 <= weight <= 1:
            found.append((weight, ";".join(kept)))
    return sorted(found, key=lambda pair: -pair[0])


@remembered
def choose_language(header: str, default: str = DEFAULT_LANGUAGE) -> str:
    """The first language of an Accept-Language header that we speak, else `default`."""
    for weight, tag in weighted(header):
        if weight > 0 and tag.startswith("zh"):
            return "zh-CN"
        if weight > 0 and tag.startswith("en"):
            return "en"
    return default
