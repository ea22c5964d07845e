"""Trusted documents: what frontends were built with, by SHA-256, read from manifests and `.graphql` files.

Clients name a document instead of sending it, and never add one. What is in the files is taken up while serving, all of
it or nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from core.config import Config
from core.errors import ConfigurationError, Refusal
from core.problems import Problem
from core.toml import shown

log = structlog.get_logger("gongzhi.documents")

ENDINGS = (".json", ".graphql", ".gql")
PREFIX = "sha256:"
_HASH = re.compile(r"[0-9a-f]{64}")
_Stat = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Entry:
    """A document and where it stands: in a file of its own, or in the line of a manifest."""

    hash: str
    text: str
    file: str
    line: int | None = None


class TrustedDocuments:
    """Of one server. Without a path there are none; `only` refuses every other document."""

    def __init__(self, path: Path | None = None, *, only: bool = False) -> None:
        """Raises ConfigurationError with everything that is wrong in the files."""
        self.path = path
        self.only = only
        self.problems: list[Problem] = []
        self._seen = self._stat()
        self.entries: dict[str, Entry] = read_documents(path) if path else {}

    @classmethod
    def of(cls, config: Config) -> TrustedDocuments:
        path = Path(config.documents) if config.documents else None
        return cls(path, only=config.accept_documents == "trusted")

    def __len__(self) -> int:
        return len(self.entries)

    # --- asked for ---------------------------------------------------------------------------------------

    def text_for(self, body: Mapping[str, Any]) -> Any:
        """The document a request is about: by `documentId`, by `extensions.persistedQuery`, or `query` as it was sent.

        Refuses BAD_DOCUMENT_ID, DOCUMENT_NOT_FOUND, DOCUMENT_MISMATCH, UNTRUSTED_DOCUMENT; for `persistedQuery` what
        its clients know: PERSISTED_QUERY_NOT_FOUND, and PERSISTED_QUERY_NOT_SUPPORTED where there are no documents.
        """
        sent = body.get("query")
        text = sent if isinstance(sent, str) and sent.strip() else None
        named, missing = _named(body)
        if named is None and (not self.only or text is None):
            return sent
        if text is not None:
            hash = hash_document(text)
            if named is not None and named != hash:
                raise Refusal("DOCUMENT_MISMATCH", id=PREFIX + named)
            if self.only and hash not in self.entries:
                raise Refusal("UNTRUSTED_DOCUMENT")
            return text
        assert named is not None
        found = self.entries.get(named)
        if found is None:
            if missing != "DOCUMENT_NOT_FOUND" and not self.entries:
                missing = "PERSISTED_QUERY_NOT_SUPPORTED"
            raise Refusal(missing, id=PREFIX + named)
        return found.text

    # --- while serving -----------------------------------------------------------------------------------

    def look(self) -> None:
        """Take up the files if they have changed; with a problem in them the former documents serve on."""
        if self.path is None:
            return
        try:
            seen = self._stat()
        except OSError as error:
            self.problems = [Problem("FILE_UNREADABLE", {"reason": error.strerror}, str(self.path))]
            return
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self.entries = read_documents(self.path)
        except ConfigurationError as error:
            self.problems = [p for p in error.problems if isinstance(p, Problem)]
            for line in error.lines():
                log.warning("the changed documents are not taken up", problem=line)
            return
        self.problems = []
        log.info("took up the changed documents", path=str(self.path), documents=len(self.entries))

    def _stat(self) -> _Stat:
        found = []
        for file in _files(self.path) if self.path else ():
            try:
                stat = file.stat()
            except OSError:
                continue
            found.append((str(file), stat.st_mtime_ns, stat.st_size))
        return tuple(found)


def hash_document(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_documents(path: Path) -> dict[str, Entry]:
    """By hash, in the order of the files; raises ConfigurationError with every problem."""
    found: dict[str, Entry] = {}
    problems: list[Problem] = []
    for file in _files(path):
        try:
            text = file.read_bytes().decode("utf-8-sig" if file.suffix == ".json" else "utf-8")
        except FileNotFoundError:
            problems.append(Problem("FILE_MISSING", file=str(file)))
        except OSError as error:
            problems.append(Problem("FILE_UNREADABLE", {"reason": error.strerror}, str(file)))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            problems.append(Problem("FILE_NOT_UTF8", {"byte": f"0x{error.object[error.start]:02x}"}, str(file), line))
        else:
            for entry in _entries(file, text):
                if isinstance(entry, Problem):
                    problems.append(entry)
                else:
                    found.setdefault(entry.hash, entry)
    if not found and not problems:
        problems.append(Problem("NO_DOCUMENTS", file=str(path)))
    if problems:
        raise ConfigurationError(*problems)
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in ENDINGS and file.is_file())


def _entries(file: Path, text: str) -> Iterator[Entry | Problem]:
    if file.suffix != ".json":
        actual = hash_document(text)
        if _HASH.fullmatch(file.stem) and file.stem != actual:
            yield Problem("DOCUMENTS_HASH", {"id": file.stem, "actual": actual}, str(file))
        else:
            yield Entry(actual, text, str(file))
        return
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        yield Problem("DOCUMENTS_NOT_JSON", {"message": getattr(error, "msg", "nested too deeply")}, str(file), line)
        return
    operations = given.get("operations") if isinstance(given, dict) else None
    pairs: Any = given.items() if isinstance(given, dict) else None
    if isinstance(operations, list):  # as Apollo's tools write it
        pairs = [(o.get("id"), o.get("body")) if isinstance(o, dict) else (None, o) for o in operations]
    if pairs is None:
        yield Problem("DOCUMENTS_SHAPE", {"found": shown(given)}, str(file), 1)
        return
    at, line = 0, 1
    for id, document in pairs:
        stands = text.find(json.dumps(id), at)
        if stands >= 0:
            line += text.count("\n", at, stands)
            at = stands
        if not isinstance(id, str) or not isinstance(document, str):
            yield Problem(
                "DOCUMENTS_SHAPE", {"found": shown(id if not isinstance(id, str) else document)}, str(file), line
            )
            continue
        actual = hash_document(document)
        if id.removeprefix(PREFIX) != actual:
            yield Problem("DOCUMENTS_HASH", {"id": id[:100], "actual": actual}, str(file), line)
        else:
            yield Entry(actual, document, str(file), line)


def _named(body: Mapping[str, Any]) -> tuple[str | None, str]:
    """The hash that a request names, and the code for one that is unknown."""
    id = body.get("documentId")
    if id is not None:
        return _hash(id), "DOCUMENT_NOT_FOUND"
    extensions = body.get("extensions")
    persisted = extensions.get("persistedQuery") if isinstance(extensions, dict) else None
    if not isinstance(persisted, dict):
        return None, ""
    return _hash(persisted.get("sha256Hash")), "PERSISTED_QUERY_NOT_FOUND"


def _hash(id: object) -> str:
    """Of `sha256:<hash>`; the hash alone, as `persistedQuery` has it, is taken too."""
    found = id.removeprefix(PREFIX) if isinstance(id, str) else ""
    if not _HASH.fullmatch(found):
        raise Refusal("BAD_DOCUMENT_ID")
    return found
