"""The seal: how a record of the chain is written, hashed and checked. Standard library only, so that whoever doubts a
server can read this one file and run it on another machine: `python seal.py FILE`.

A record is a JSON object in canonical form: keys sorted by code point, no white space, UTF-8, nothing escaped that need
not be, only strings, whole numbers, true, false, null, lists and objects. Its hash is the SHA-256 of those bytes; `prev` in
it is the hash of the record before, and zeros in the first. Texts are not in it, but their salted digests:
SHA-256 of salt, line feed, text. A text whose salt was erased can no longer be proved, and the record still can.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

FORMAT = "gongzhi-disclosure-1"
FIRST = "0" * 64  # what the first record names as the one before


def canonical(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_of(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def digest(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def digests(sealed: Any) -> Iterator[str]:
    """Every digest in the `texts` of a record, in order."""
    if isinstance(sealed, str):
        yield sealed
    elif isinstance(sealed, (list, dict)):
        for one in sealed.values() if isinstance(sealed, dict) else sealed:
            yield from digests(one)


def line_of(body: str, hash: str, texts: Iterable[tuple[str, str]]) -> str:
    """A line of a chain file: the record as it was sealed, its hash, and the texts that are public and still there."""
    shown = [{"salt": salt, "text": text} for salt, text in texts]
    return json.dumps({"record": body, "hash": hash, "texts": shown}, ensure_ascii=False)


@dataclass
class Verdict:
    """What a chain file proves. `wrong` is (line, what), empty for an intact chain."""

    records: int = 0
    notices: int = 0
    proved: int = 0
    removed: int = 0
    head: str = FIRST
    area: str | None = None
    hashes: set[str] = field(default_factory=set)
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Notice:
    """What the records so far say of a notice."""

    last: str
    days: int
    open: set[str] = field(default_factory=set)
    upheld: bool = False
    over: str | None = None


def verify(lines: Iterable[str]) -> Verdict:
    """Read a chain file from its first record: hashes, order, texts, and the life of every notice in it."""
    verdict, notices = Verdict(), dict[str, _Notice]()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            body, hash, texts = entry["record"], entry["hash"], entry["texts"]
            record = json.loads(body)
            for problem in _one(verdict, record, body, hash, texts):
                verdict.wrong.append((number, problem))
            for problem in _life(notices, record):
                verdict.wrong.append((number, problem))
            verdict.records, verdict.head = verdict.records + 1, hash_of(body)
            verdict.hashes.add(verdict.head)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            verdict.wrong.append((number, f"is no record: {type(error).__name__} {error}"))
    verdict.notices = len(notices)
    return verdict


def _one(verdict: Verdict, record: Any, body: str, hash: str, texts: Any) -> Iterator[str]:
    """What is wrong with a record, where it stands."""
    if record.get("format") != FORMAT:
        yield f"has the format {record.get('format')!r}, not {FORMAT!r}"
    if canonical(record) != body:
        yield "is not in canonical form"
    if hash_of(body) != hash:
        yield "was changed: its hash is another"
    if record["seq"] != verdict.records + 1:
        yield f"is number {record['seq']}, where {verdict.records + 1} should stand: removed, added or moved"
    if record["prev"] != verdict.head:
        yield "does not follow the record before it"
    verdict.area = verdict.area or record["area"]
    if record["area"] != verdict.area:
        yield "is of another area's chain"
    wanted = list(digests(record.get("texts", {})))
    for text in texts:
        found = digest(text["salt"], text["text"])
        if found in wanted:
            wanted.remove(found)
            verdict.proved += 1
        else:
            yield f"shows a text that was not sealed: {text['text'][:40]!r}"
    verdict.removed += len(wanted)


def _life(notices: dict[str, _Notice], record: Any) -> Iterator[str]:
    """What the rules do not allow: a window cut short, a clean end over an objection, a life after the end."""
    kind, id = record["kind"], record["notice"]
    if kind == "PUBLISHED":
        if id in notices:
            yield "publishes a notice a second time"
        before = notices.get(record["supersedes"] or "")
        if record["supersedes"] and (before is None or before.over == "SUPERSEDED"):
            yield "takes the place of a notice that is not there"
        elif before is not None:
            if record["last"] < before.last:
                yield "ends before the notice whose place it takes"
            if before.open:
                yield "takes the place of a notice with open objections"
            before.over = "SUPERSEDED"
        notices[id] = _Notice(record["last"], record["days"])
        return
    notice = notices.get(id)
    if notice is None:
        yield "is about a notice that was never published"
        return
    if notice.over is not None:
        yield f"is about a notice that is over ({notice.over})"
    if kind == "OBJECTED":
        notice.open.add(record["objection"])
    elif kind in ("ANSWERED", "WITHDRAWN"):
        if record["objection"] not in notice.open:
            yield "settles an objection that is not open"
        notice.open.discard(record["objection"])
        notice.upheld = notice.upheld or record.get("upheld", False)
    elif kind == "PROLONGED":
        if record["last"] <= notice.last:
            yield "shortens a window"
        notice.last = record["last"]
    elif kind == "CLOSED":
        if record["on"] <= notice.last:
            yield "closes a notice before its window is over"
        if notice.open:
            yield "closes a notice with open objections"
        if record["clean"] == notice.upheld:
            yield "says of a notice that it ended clean, or did not, against its objections"
        notice.over = "CLOSED"


def main(paths: list[str]) -> int:
    """For `python seal.py FILE [HASH]`: 0 if the chain is intact (and has the record of that hash in it)."""
    if len(paths) not in (1, 2):
        print("usage: python seal.py FILE [HASH]")
        return 2
    with open(paths[0], encoding="utf-8") as file:
        verdict = verify(file)
    return report(verdict, paths[1] if len(paths) == 2 else None)


def report(verdict: Verdict, wanted: str | None = None, write: Any = print) -> int:
    """Say what was found; 1 where something is wrong."""
    wrong = list(verdict.wrong)
    if wanted is not None and wanted.lower() not in verdict.hashes:
        wrong.append((0, f"no record has the hash {wanted}"))
    for number, problem in wrong:
        write(f"record {number} {problem}" if number else problem)
    if verdict.records == 0 and not wrong:
        write("no record")
        return 1
    state = "BROKEN 存证链已损坏" if wrong else "intact 存证链完整"
    write(
        f"{state}: {verdict.records} records, {verdict.notices} notices, {verdict.proved} texts proved,"
        f" {verdict.removed} removed or withheld; last hash {verdict.head}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
