"""TOML with line numbers: what a person wrote, and where, so that an error can say which line to change."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.problems import Problem

Path_ = tuple[str, ...]
_PART = r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'"""
_KEY = rf"(?:{_PART})(?:\s*\.\s*(?:{_PART}))*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"\s*({_KEY})\s*=(.*)$", re.S)


class TomlFile:
    """A parsed file that knows on which line each key stands."""

    def __init__(self, path: Path, text: str) -> None:
        """Raises ConfigurationError naming file and line when the text is not TOML."""
        self.path = path
        self.text = text
        try:
            self.data: dict[str, Any] = _parsed(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(_syntax(path, text, str(error))) from error

    @cached_property
    def lines(self) -> dict[Path_, int]:
        """Where each table and key begins; looked for when it is asked, as most files have nothing wrong."""
        return _lines(self.text)

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Raises ConfigurationError when it cannot be read, or is not UTF-8 or not TOML."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise ConfigurationError(Problem("FILE_MISSING", file=str(path))) from None
        except OSError as error:
            problem = Problem("FILE_UNREADABLE", {"reason": error.strerror}, str(path))
            raise ConfigurationError(problem) from error
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            byte = f"0x{raw[error.start]:02x}"
            raise ConfigurationError(Problem("FILE_NOT_UTF8", {"byte": byte}, str(path), line)) from error
        return cls(path, text)

    def problem(self, code: str, *at: str, plugin: str | None = None, **values: Any) -> Problem:
        """A problem at a key of this file."""
        return Problem(code, values, str(self.path), self.line(*at), plugin)

    def line(self, *path: str) -> int | None:
        """The line of a key, or of the nearest one above it, counted from 1."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


@lru_cache(32)
def _parsed(text: str) -> dict[str, Any]:
    """Read once for all who ask: manifests and permissions are asked for again and again. Nobody changes it."""
    return tomllib.loads(text)


def shown(value: Any) -> str:
    """A value as one would write it in TOML (or JSON), shortened."""
    text = value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def _syntax(path: Path, text: str, message: str) -> Problem:
    at = re.search(r" \(at line (\d+), column (\d+)\)$", message)
    lines = text.splitlines()
    line = int(at[1]) if at else len(lines)
    shown = lines[line - 1].strip()[:60] if 0 < line <= len(lines) else ""
    said = message[: at.start()] if at else message.replace(" (at end of document)", "")
    return Problem("TOML_SYNTAX", {"message": said, "near_text": shown}, str(path), line)


def _parts(key: str) -> Path_:
    found: Path_ = tuple(tomllib.loads(f"x = {p}")["x"] if p[0] in "\"'" else p for p in re.findall(_PART, key))
    return found


def _lines(text: str) -> dict[Path_, int]:
    """The line on which each table and key begins. The text is known to be valid TOML."""
    found: dict[Path_, int] = {}
    table: Path_ = ()
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        header, assignment = _HEADER.match(line), _ASSIGNMENT.match(line)
        if header and not assignment:
            table = _parts(header[1])
            _keep(found, table, number + 1)
        elif assignment and not line.lstrip().startswith("#"):
            path = (*table, *_parts(assignment[1]))
            _keep(found, path, number + 1)
            value = assignment[2]
            first = number
            while not _is_whole(value) and number + 1 < len(lines):
                number += 1
                value += "\n" + lines[number]
            _inside(found, path, value, first + 1)
        number += 1
    return found


def _keep(found: dict[Path_, int], path: Path_, line: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], line)


def _inside(found: dict[Path_, int], path: Path_, value: str, line: int) -> None:
    """Keys of an inline table, and elements of an array of strings, that stand on lines of their own."""
    for offset, row in enumerate(value.split("\n")):
        for text in re.findall(r"\"([^\"\\]*)\"|'([^']*)'", row):
            found.setdefault((*path, text[0] or text[1]), line + offset)


def _is_whole(value: str) -> bool:
    try:
        tomllib.loads("x =" + value)
    except tomllib.TOMLDecodeError:
        return False
    return True
