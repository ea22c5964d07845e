"""The errors a user may see. Everything else is a fault of ours and is masked.

GongzhiError
├── Refusal            a rule, an input or a lookup said no: typed, translated, nothing changed
│   ├── NotPermitted   nobody gave the viewer this permission here
│   └── Conflict       the row moved on since the client read it
└── Told               every problem at once, before anything is served
    ├── ConfigurationError  the file, a plugin or the environment is wrong
    └── MigrationError      the database is not what the models declare
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.problems import Problem

if TYPE_CHECKING:
    from core.decisions import Remedy


class GongzhiError(Exception):
    """Root of every error this project raises on purpose."""


@dataclass(frozen=True)
class Saying:
    """A code of the catalogue, said inside the message of another."""

    code: str
    values: Mapping[str, Any]


class Refusal(GongzhiError):
    """A stable `code`, the values its message needs, and the input field it is about.

    The message in English and Chinese stands in `locale/errors.toml` of core or of the plugin.
    """

    def __init__(self, code: str, *, path: tuple[str, ...] = (), **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.path = path
        self.values = values

    def at(self, *path: str) -> Refusal:
        """The same refusal, pointing at an input field (GraphQL names)."""
        self.path = path
        return self

    def __str__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in self.values.items())
        return f"{self.code}({shown})"


class NotPermitted(Refusal):
    """`reason` is a code of the catalogue with a text of its own; `remedies` say what would change it. What has little to
    do with the permission itself (`ALONE`) has its reason as its code."""

    ALONE = ("NOT_SIGNED_IN", "PLUGIN_DISABLED", "OUTSIDE_ENDPOINT")

    def __init__(self, permission: str, reason: str, remedies: Sequence[Remedy] = (), **values: Any) -> None:
        code = reason if reason in self.ALONE else "NOT_PERMITTED"
        super().__init__(code, permission=permission, why=Saying(reason, values), **values)
        self.permission = permission
        self.reason = reason
        self.remedies = remedies


class Conflict(Refusal):
    """The stored version is not the expected one; `current` is the row as it stands (tag, id)."""

    def __init__(self, *, expected: int, actual: int, current: Any = None) -> None:
        super().__init__("VERSION_CONFLICT", expected=expected, actual=actual)
        self.current = current


class Told(GongzhiError):
    """Every problem found, one line each, so that one look mends all."""

    def __init__(self, *problems: str | Problem) -> None:
        self.problems = problems
        super().__init__("\n".join(self.lines()))

    def lines(self, language: str = "en") -> list[str]:
        return [p if isinstance(p, str) else p.text(language) for p in self.problems]


class ConfigurationError(Told):
    """The file, a plugin or the environment is wrong."""


class MigrationError(Told):
    """The database is not what the models declare, or rows in it stand against becoming so; it is as it was."""
