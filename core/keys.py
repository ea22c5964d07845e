"""The deployment's keys: what is kept only as a digest (id numbers) is kept under one of them, so that a copy of the
database alone tells nothing. They lie in a file beside it or in GONGZHI_KEY, one to a line, the one in use first; a key that
was in use stays below it until nothing is kept under it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from core.problems import Problem

SHORTEST = 32  # characters of a key


@dataclass(frozen=True)
class Key:
    """A secret, and the name that is kept with what was made under it; the name tells nothing of the secret."""

    name: str
    secret: bytes

    @classmethod
    def of(cls, text: str) -> Key:
        secret = text.encode()
        return cls(hashlib.sha256(b"gongzhi key name\0" + secret).hexdigest()[:16], secret)

    def digest(self, purpose: str, text: str) -> str:
        return hmac.new(self.secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


class KeyRing:
    """The keys in `given`, or else of a file, read when first needed. Where `makes` says so, a file that is not there is made
    then, for this account's eyes only. Neither: no keys."""

    def __init__(self, path: Path | None = None, *, makes: bool = False, given: str = "") -> None:
        self.path = path
        self.given = given
        self.makes = makes
        self._keys: tuple[Key, ...] = ()

    @property
    def keys(self) -> tuple[Key, ...]:
        """The one in use first; none where there is no file. Raises ConfigurationError (BAD_KEY, OPEN_KEY_FILE)."""
        if not self._keys and self.given:
            self._keys = _parsed(self.given, None)
        if not self._keys and self.path is not None and self.path.exists():
            self._keys = read_keys(self.path)
        return self._keys

    def in_use(self) -> Key | None:
        """The key for what is kept from now on."""
        if not self.keys and self.path is not None and self.makes:
            make_key_file(self.path)
        return self.keys[0] if self.keys else None

    def digests(self, purpose: str, text: str) -> list[str]:
        """What a text may be kept as: its digest under each key."""
        return [key.digest(purpose, text) for key in self.keys]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Of these names, those of no key here."""
        return sorted(set(names) - {key.name for key in self.keys})


def make_key_file(path: Path) -> None:
    """A new key; nothing where another process has just made one."""
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_hex(32)}\n")


def read_keys(path: Path) -> tuple[Key, ...]:
    """The keys of a file; refuses one that others may read."""
    try:
        text = path.read_text("utf-8")
        is_open = os.name == "posix" and path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(Problem("FILE_UNREADABLE", {"reason": type(error).__name__}, str(path))) from error
    if is_open:
        raise ConfigurationError(Problem("OPEN_KEY_FILE", {}, str(path)))
    return _parsed(text, str(path))


def _parsed(text: str, file: str | None) -> tuple[Key, ...]:
    """A key to a line; a `#` begins a comment."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].strip()
        if word and len(word) < SHORTEST:
            raise ConfigurationError(Problem("BAD_KEY", {"least": SHORTEST}, file, number if file else None))
        if word:
            found.append(Key.of(word))
    if not found:
        raise ConfigurationError(Problem("BAD_KEY", {"least": SHORTEST}, file))
    return tuple(found)
