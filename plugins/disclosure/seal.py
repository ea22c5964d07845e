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
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

FORMAT = "gongzhi-disclosure-1"
SALT = re.compile("[0-9a-f]{64}")  # of one length and no line feed: where it ends is not open to choice
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}[+-]\d{2}:\d{2}", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
ENDS_EARLY = "ends before its days are over"  # as many days of any kind take at least so many calendar days
SHOWN = 5  # of what is wrong: where one record is missing, all that follow are
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
    at: datetime | None = None
    area: str | None = None
    hashes: set[str] = field(default_factory=set)
    wrong: list[tuple[int, str]] = field(default_factory=list)


@dataclass
class _Notice:
    """What the records so far say of a notice."""

    about: tuple[str, str | None, str | None]
    first: date
    last: date
    days: int
    off: set[date] = field(default_factory=set)
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
        except UnicodeError:
            verdict.wrong.append((number, "is not in UTF-8 不是 UTF-8 编码"))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            verdict.wrong.append((number, f"is no record: {type(error).__name__} {error}"))
    verdict.notices = len(notices)
    return verdict


def verify_file(path: Any) -> Verdict:
    """A file as it was fetched, or as a text editor saved it: a mark of the byte order before it says nothing."""
    with open(path, encoding="utf-8-sig", errors="surrogateescape") as lines:
        return verify(lines)


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
    at = instant(record["at"])
    if verdict.at is not None and at < verdict.at:
        yield "is older than the record before it"
    verdict.at = at
    wanted = list(digests(record.get("texts", {})))
    for text in texts:
        found = digest(text["salt"], text["text"])
        if SALT.fullmatch(text["salt"]) is None:
            yield "shows a text under a salt that is none"
        elif found in wanted:
            wanted.remove(found)
            verdict.proved += 1
        else:
            yield f"shows a text that was not sealed: {text['text'][:40]!r}"
    verdict.removed += len(wanted)


def instant(text: str) -> datetime:
    """`2027-03-01T10:00:00.000+08:00`: the civil time where it was sealed, and how far that is from UTC."""
    if INSTANT.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no time")
    return datetime.fromisoformat(text)


def day(text: str) -> date:
    if DAY.fullmatch(text) is None:
        raise ValueError(f"{text[:40]!r} is no day")
    return date.fromisoformat(text)


def truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def number(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"{value!r} is no number of days")
    return value


def _life(notices: dict[str, _Notice], record: Any) -> Iterator[str]:
    """What the rules do not allow: a window cut short, a clean end over an objection, a life after the end."""
    kind, id, today = record["kind"], record["notice"], instant(record["at"]).date()
    if kind == "PUBLISHED":
        if id in notices:
            yield "publishes a notice a second time"
        notices[id], before = _published(record), notices.get(record["supersedes"] or "")
        yield from _window(notices[id], today)
        if record["supersedes"]:
            yield from _replaces(notices[id], before)
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
        notice.upheld = notice.upheld or (kind == "ANSWERED" and truth(record["upheld"]))
    elif kind == "PROLONGED":
        last, days = day(record["last"]), number(record["days"])
        if last <= notice.last:
            yield "shortens a window"
        if days < notice.days:
            yield "takes days from a window"
        for off in map(day, record.get("off", [])):
            if off in notice.off or not notice.first < off <= last:
                yield f"makes {off} good, which is no day of its window, or is made good already"
            notice.off.add(off)
        notice.last, notice.days = last, days
        if last < notice.first + timedelta(days=days + len(notice.off)):
            yield ENDS_EARLY
    elif kind == "CLOSED":
        if day(record["on"]) > today:
            yield "closes a notice on a day that had not come"
        if day(record["on"]) <= notice.last:
            yield "closes a notice before its window is over"
        if notice.open:
            yield "closes a notice with open objections"
        if truth(record["clean"]) is notice.upheld:
            yield "says of a notice that it ended clean, or did not, against its objections"
        notice.over = "CLOSED"
    elif kind != "POSTED":
        yield f"is of no kind that there is: {kind!r}"


def _published(record: Any) -> _Notice:
    about = (record["noticeKind"], record["subject"], record["organization"])
    return _Notice(about, day(record["from"]), day(record["last"]), number(record["days"]))


def _window(notice: _Notice, today: date) -> Iterator[str]:
    if notice.first != today:
        yield "counts from another day than that of its publication"
    if notice.last < notice.first + timedelta(days=notice.days):
        yield ENDS_EARLY


def _replaces(notice: _Notice, before: _Notice | None) -> Iterator[str]:
    """What is wrong with a correction; from here on it stands in the place of `before`."""
    if before is None or before.over == "SUPERSEDED":
        yield "takes the place of a notice that is not there"
        return
    if notice.about != before.about:
        yield "takes the place of a notice about something else"
    if notice.last < before.last:
        yield "ends before the notice whose place it takes"
    if notice.last < notice.first + timedelta(days=before.days):
        yield "stands for fewer days than the notice whose place it takes"
    if before.open:
        yield "takes the place of a notice with open objections"
    before.over = "SUPERSEDED"


def main(paths: list[str]) -> int:
    """For `python seal.py FILE [HASH]`, with the exit status of `report`."""
    if len(paths) not in (1, 2):
        print("usage: python seal.py FILE [HASH]")
        return 2
    return report(verify_file(paths[0]), paths[1] if len(paths) == 2 else None)


def report(verdict: Verdict, wanted: str | None = None, write: Any = print) -> int:
    """Say what was found: 0 for an intact chain, 1 where something is wrong with it, 3 where it is intact and the hash that
    is `wanted` is not in it."""
    wrong = verdict.wrong
    for number, problem in wrong[:SHOWN]:
        write(f"record {number} {problem}")
    if len(wrong) > SHOWN:
        write(f"and {len(wrong) - SHOWN} more 另有 {len(wrong) - SHOWN} 处")
    if verdict.records == 0 and not wrong:
        write("no record")
        return 1
    state = "BROKEN 存证链已损坏" if wrong else "intact 存证链完整"
    write(
        f"{state}: {verdict.records} records, {verdict.notices} notices, {verdict.proved} texts proved,"
        f" {verdict.removed} removed or withheld; last hash {verdict.head}"
    )
    if wanted is None or wanted.strip().lower() in verdict.hashes:
        return 1 if wrong else 0
    is_whole = SALT.fullmatch(wanted.strip().lower()) is not None
    write(
        f"NOT IN IT 链中无此存证值: no record has the hash {wanted}"
        + ("" if is_whole else f"; a whole one is 64 of 0-9a-f 存证值应为 64 位 0-9a-f,此为 {len(wanted.strip())} 位")
    )
    return 1 if wrong else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
