"""The chain of an area: whoever has its file finds what was changed, removed, added or moved, and erasure breaks nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.enums import ActorKind
from core.testing import process
from core.testing.kit import Neighbourhood
from plugins.disclosure import seal
from plugins.disclosure.export import lines as exported
from tests.kits.disclosure import Disclosing, chain

pytestmark = pytest.mark.anyio


async def story(d: Disclosing) -> str:
    """Two notices, one with objections, one superseded; the first objection is confidential. The first notice's id."""
    n = d.n
    resident = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    notice = await d.publish(items=[{"actorId": resident, "text": '得票 "32"'}, {"text": "监票 2 人"}])
    await n.do(
        "clerk", "disclosureRecordPosting", "posting { id }", noticeId=notice, place="村口公示栏",
        evidence=["https://photos.example/1.jpg"],
    )  # fmt: skip
    secret = await d.object(notice, "company", "机密:有人贿选", isConfidential=True)
    named = await d.object(notice, text="计票有误")
    await d.answer(secret, uphold=False)
    await d.answer(named, uphold=True, answer="属实,重新计票")
    await n.do("clerk", "disclosureProlong", "notice { lastDay }", noticeId=notice, days=2, reason="重新计票")
    await d.days(10)
    corrected = await d.publish("更正名单", supersedesId=notice)
    await d.days(12)
    assert await d.state(corrected) == "CLOSED_CLEAN"
    return notice


async def test_anybody_verifies_the_chain_offline(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await story(d)
    lines = await chain(n)
    verdict = seal.verify(lines)
    assert verdict.wrong == []
    records = [json.loads(json.loads(line)["record"]) for line in lines]
    first = notice.removeprefix("disclosure_notice_")
    ours = {first, *(r["notice"] for r in records if r.get("supersedes") == first)}
    assert [r["kind"] for r in records if r["notice"] in ours] == ["PUBLISHED", "POSTED", "OBJECTED", "OBJECTED", "ANSWERED", "ANSWERED", "PROLONGED", "CLOSED",
                    "PUBLISHED", "CLOSED"]  # fmt: skip
    assert "机密" not in "".join(lines) and "计票有误" in "".join(lines)
    assert verdict.removed == 2  # the confidential objection and its answer are withheld
    assert lines == await chain(n, "admin")  # the same for everybody
    hash = (await d.see(notice, "hash"))["hash"]
    file = tmp_path / "chain.jsonl"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    root = Path(seal.__file__).parents[2]

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, check=False)

    gongzhi = ("-c", "from core.cli import main; main()")
    done = run(*gongzhi, "verify", str(file), "--hash", hash)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "intact" in done.stdout and verdict.head in done.stdout
    alone = run("-I", str(Path(seal.__file__)), str(file), hash)
    assert alone.stdout == done.stdout and alone.returncode == 0
    assert run(*gongzhi, "verify", str(file), "--hash", "0" * 64).returncode == 3
    file.write_text("\n".join(lines).replace("监票 2 人", "监票 3 人"), "utf-8")
    changed = run(*gongzhi, "verify", str(file))
    assert changed.returncode == 1 and "was not sealed" in changed.stdout
    area = (await n.server.runtime.database.read("SELECT id FROM core_area WHERE code = 'xishan'"))[0][0]
    again = seal.verify([line async for line in exported(n.server.runtime.database, UUID(str(area)))])
    assert (again.wrong, again.head, again.proved) == ([], verdict.head, verdict.proved)


async def test_the_command_writes_what_the_api_tells(tmp_path: Path) -> None:
    """`gongzhi chain AREA FILE` on a demo of its own, then `gongzhi verify FILE`."""
    config = tmp_path / "gongzhi.toml"
    config.write_text(f'database = "sqlite:{tmp_path}/demo.db"\nplugins = ["disclosure"]\n', "utf-8")
    at = ("--config", str(config))
    made = process.gongzhi(tmp_path, "demo", "--small", "--database", f"sqlite:{tmp_path}/demo.db", *at)
    assert made.returncode == 0, made.stderr
    file = tmp_path / "chain.jsonl"
    done = process.gongzhi(tmp_path, "chain", "xishan", str(file), *at)
    assert done.returncode == 0, done.stderr
    checked = process.gongzhi(tmp_path, "verify", str(file))
    assert checked.returncode == 0 and "intact" in checked.stdout, checked.stdout + checked.stderr
    assert process.gongzhi(tmp_path, "chain", "nowhere", str(file), *at).returncode == 1
    assert "verify" in process.gongzhi(tmp_path, "--help").stdout


def example() -> list[str]:
    """A made-up chain in the documented format, written without the server."""
    prev, lines = seal.FIRST, []
    steps: list[dict[str, Any]] = []
    for number in range(4):
        id = f"notice-{number}"
        month = f"2027-{number + 1:02}"
        about = {"noticeKind": "名单", "subject": None, "organization": None, "supersedes": None}
        steps += [
            {"kind": "PUBLISHED", "notice": id, "from": f"{month}-01", "last": f"{month}-08", "days": 7, **about},
            {"kind": "OBJECTED", "notice": id, "objection": f"o{number}"},
            {"kind": "ANSWERED", "notice": id, "objection": f"o{number}", "upheld": number % 2 == 0},
            {"kind": "CLOSED", "notice": id, "on": f"{month}-09", "clean": number % 2 == 1},
        ]
    for seq, step in enumerate(steps, 1):
        salt, text = f"{seq:064}", f"第{seq}条"
        at = f"2027-{(seq + 3) // 4:02}-{9 if seq % 4 == 0 else 1:02}T10:00:00.000+08:00"
        record = {
            "format": seal.FORMAT, "area": "a", "seq": seq, "prev": prev, "at": at,
            "texts": {"title": seal.digest(salt, text)}, **step,
        }  # fmt: skip
        body = seal.canonical(record)
        prev = seal.hash_of(body)
        lines.append(seal.line_of(body, prev, [(salt, text)]))
    return lines


EXAMPLE = example()


def rehashed(lines: list[str]) -> list[str]:
    """The chain as somebody would forge it who knows the format: every hash worked out anew."""
    prev, found = seal.FIRST, []
    for seq, line in enumerate(lines, 1):
        entry = json.loads(line)
        record = json.loads(entry["record"]) | {"seq": seq, "prev": prev}
        body = seal.canonical(record)
        prev = seal.hash_of(body)
        found.append(json.dumps({**entry, "record": body, "hash": prev}))
    return found


def _remove(lines: list[str], at: int, to: int) -> list[str]:
    return lines[:at] + lines[at + 1 :]


def _swap(lines: list[str], at: int, to: int) -> list[str]:
    found = list(lines)
    found[at], found[to] = found[to], found[at]
    return found


def _repeat(lines: list[str], at: int, to: int) -> list[str]:
    return [*lines[:to], lines[at], *lines[to:]]


def _field(lines: list[str], at: int, to: int) -> list[str]:
    """One character of a record, another than it was."""
    entry = json.loads(lines[at])
    body = entry["record"]
    place = to * 7919 % len(body)
    other = "0" if body[place] != "0" else "1"
    entry["record"] = body[:place] + other + body[place + 1 :]
    return [*lines[:at], json.dumps(entry), *lines[at + 1 :]]


def _text(lines: list[str], at: int, to: int) -> list[str]:
    entry = json.loads(lines[at])
    entry["texts"][0]["text"] += "。"
    return [*lines[:at], json.dumps(entry), *lines[at + 1 :]]


@settings(max_examples=300, deadline=None)
@given(
    change=st.sampled_from([_remove, _swap, _repeat, _field, _text]),
    at=st.integers(0, len(EXAMPLE) - 1),
    to=st.integers(0, len(EXAMPLE) - 1),
)
def test_whatever_is_changed_removed_repeated_or_moved_is_found(
    change: Callable[[list[str], int, int], list[str]], at: int, to: int
) -> None:
    assert seal.verify(EXAMPLE).wrong == []
    forged = change(EXAMPLE, at, to)
    verdict = seal.verify(forged)
    if forged == EXAMPLE:
        assert verdict.wrong == []
    elif change is _remove and at == len(EXAMPLE) - 1:
        # A cut-off end is a shorter chain: whoever has a later hash (of a printed notice, say) finds it is not there.
        assert seal.verify(EXAMPLE).head not in verdict.hashes
    else:
        assert verdict.wrong, (change.__name__, at, to)
        # And with every hash worked out anew, the last hash gives it away, which is printed and told beforehand.
        if change is not _text and _reads(forged) and bodies(again := rehashed(forged)) != bodies(EXAMPLE):
            assert seal.verify(again).head != seal.verify(EXAMPLE).head


def bodies(lines: list[str]) -> list[str]:
    return [json.loads(line)["record"] for line in lines]


def _reads(lines: list[str]) -> bool:
    try:
        return all(isinstance(json.loads(json.loads(line)["record"]), dict) for line in lines)
    except ValueError:
        return False


def test_a_hash_that_is_not_in_an_intact_chain_breaks_it_not() -> None:
    verdict, head = seal.verify(EXAMPLE), seal.verify(EXAMPLE).head
    for wanted, status in ((head, 0), (f" {head.upper()} ", 0), (head[:12], 3), ("0" * 64, 3), ("", 3)):
        told: list[str] = []
        assert seal.report(verdict, wanted, told.append) == status, wanted
        assert "intact 存证链完整" in told[0] and not any("BROKEN" in line for line in told)
        assert (len(told) == 1) is (status == 0)
    assert "链中无此存证值" in told[1] and "64 位" in told[1]


def test_of_what_is_wrong_the_first_few_are_told_and_how_many_more() -> None:
    told: list[str] = []
    verdict = seal.verify(_remove(EXAMPLE, 1, 0))
    assert seal.report(verdict, None, told.append) == 1
    assert told[0].startswith("record 2 ") and told[-1].startswith("BROKEN 存证链已损坏")
    assert len(told) == 7 and told[-2] == f"and {len(verdict.wrong) - 5} more 另有 {len(verdict.wrong) - 5} 处"
    told.clear()
    assert seal.report(verdict, "0" * 64, told.append) == 1 and "链中无此存证值" in told[-1]


def test_whatever_bytes_a_file_has_there_is_a_verdict(tmp_path: Path) -> None:
    file, text = tmp_path / "chain", "".join(f"{line}\n" for line in EXAMPLE)
    many = json.loads(EXAMPLE[0])
    many["record"] = seal.canonical(json.loads(many["record"]) | {"days": 4_000_000})
    for data, status in (
        (text.encode(), 0),
        (text.encode("utf-8-sig"), 0),  # as an editor saves it
        (text.encode("gbk"), 1),
        (text.encode() + b"\xff\xfe\n", 1),
        (b"[" * 200_000, 1),
        (json.dumps(many).encode(), 1),
    ):
        file.write_bytes(data)
        told: list[str] = []
        assert seal.report(seal.verify_file(file), None, told.append) == status, told
        assert ("BROKEN" in told[-1]) is bool(status)


@given(gone=st.sets(st.integers(0, len(EXAMPLE) - 1)))
def test_erased_texts_leave_the_chain_whole(gone: set[int]) -> None:
    left = [
        json.dumps(json.loads(line) | {"texts": []}) if number in gone else line
        for number, line in enumerate(EXAMPLE)
    ]  # fmt: skip
    verdict = seal.verify(left)
    assert (verdict.wrong, verdict.removed, verdict.proved) == ([], len(gone), len(EXAMPLE) - len(gone))


@pytest.mark.parametrize(
    ("step", "change", "told"),
    [
        (3, {"on": "2027-01-08"}, "before its window is over"),
        (3, {"clean": True}, "against its objections"),
        (2, {"objection": "another"}, "not open"),
        (1, {"kind": "PROLONGED", "last": "2027-01-07", "days": 7}, "shortens"),
        (1, {"kind": "PROLONGED", "last": "2027-01-10", "days": 6}, "takes days"),
        (3, {"at": "2027-01-01T10:05:00.000+08:00"}, "had not come"),  # closed five minutes after it was published
        (3, {"on": "2027-01-10"}, "had not come"),
        (3, {"on": "2027-01-9"}, "no day"),
        (3, {"clean": 0}, "neither true nor false"),
        (2, {"at": "2027-01-01T09:00:00.000+08:00"}, "older than"),
        (2, {"at": "2027-01-01T10:00:00.000+09:00"}, "older than"),
        (2, {"at": "2027-01-01T02:00:00.000"}, "no time"),
        (2, {"upheld": 0}, "neither true nor false"),
        (2, {"kind": "FORGIVEN"}, "no kind"),
        (0, {"from": "2026-12-20"}, "another day"),
        (0, {"last": "2027-01-02"}, "before its days are over"),
        (0, {"last": "2027-01-02", "dayKind": "WORKING"}, "before its days are over"),
        (0, {"last": "2027-01-02", "days": 0}, "no number of days"),
        (0, {"last": "2027-01-02", "days": True}, "no number of days"),
        (1, {"kind": "PROLONGED", "last": "2027-01-10", "days": 11}, "before its days are over"),
        (1, {"kind": "PROLONGED", "last": "2027-01-10", "days": 7, "off": ["2027-01-03"] * 2}, "made good already"),
        (1, {"kind": "PROLONGED", "last": "2027-01-10", "days": 7, "off": ["2027-01-01"]}, "no day of its window"),
        (1, {"kind": "PROLONGED", "last": "2027-01-10", "days": 7, "off": ["2027-01-11"]}, "no day of its window"),
        (1, {"kind": "PROLONGED", "last": "2027-01-09", "days": 7, "off": ["2027-01-03", "2027-01-04"]}, "are over"),
        (4, {"supersedes": "notice-0", "subject": "actor_x"}, "about something else"),
        (4, {"supersedes": "notice-0", "noticeKind": "财务收支"}, "about something else"),
        (4, {"supersedes": "notice-0", "organization": "x"}, "about something else"),
        (4, {"supersedes": "notice-0", "days": 6, "last": "2027-02-07"}, "fewer days"),
        (4, {"notice": "notice-0"}, "second time"),
        (4, {"supersedes": "notice-0", "last": "2027-01-07"}, "ends before the notice"),
    ],
)
def test_a_life_the_rules_do_not_allow_is_told_even_with_good_hashes(step: int, change: Any, told: str) -> None:
    lines = list(EXAMPLE)
    entry = json.loads(lines[step])
    entry["record"] = seal.canonical(json.loads(entry["record"]) | change)
    lines[step] = json.dumps(entry)
    assert any(told in problem for _, problem in seal.verify(rehashed(lines)).wrong), seal.verify(rehashed(lines)).wrong


def _another_split(lines: list[str], at: int, to: int) -> list[str]:
    """Salt and text with the line feed between them at another place: the same bytes, another text."""
    entry = json.loads(lines[at])
    whole = entry["texts"][0]["salt"] + "\n" + entry["texts"][0]["text"]
    salt, _, text = whole.replace("条", "\n条").rpartition("\n")
    record = json.loads(entry["record"])
    record["texts"] = {"title": seal.digest(salt, text)}
    entry |= {"record": seal.canonical(record), "texts": [{"salt": salt, "text": text}]}
    return rehashed([*lines[:at], json.dumps(entry), *lines[at + 1 :]])


def _hasty(lines: list[str], at: int, to: int) -> list[str]:
    """The end of a notice, recorded minutes after its publication."""
    end = at - at % 4 + 3
    entry = json.loads(lines[end])
    record = json.loads(entry["record"])
    record["at"] = f"2027-{end // 4 + 1:02}-01T10:{to + 1:02}:00.000+08:00"
    return rehashed([*lines[:end], json.dumps({**entry, "record": seal.canonical(record)}), *lines[end + 1 :]])


def _short(lines: list[str], at: int, to: int) -> list[str]:
    """A window that ends before its days are over, and its end with it."""
    found = list(lines)
    first = at - at % 4
    for line, key, day in ((first, "last", 2 + to % 6), (first + 3, "on", 9)):
        entry = json.loads(found[line])
        record = json.loads(entry["record"]) | {key: f"2027-{first // 4 + 1:02}-{day:02}"}
        found[line] = json.dumps({**entry, "record": seal.canonical(record)})
    return rehashed(found)


@settings(max_examples=100, deadline=None)
@given(
    forge=st.sampled_from([_another_split, _hasty, _short]),
    at=st.integers(0, len(EXAMPLE) - 1),
    to=st.integers(0, len(EXAMPLE) - 1),
)
def test_a_forger_who_works_out_every_hash_anew_is_found(
    forge: Callable[[list[str], int, int], list[str]], at: int, to: int
) -> None:
    assert seal.verify(forge(EXAMPLE, at, to)).wrong, (forge.__name__, at, to)


async def test_erasure_leaves_the_chain_intact_and_the_person_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (login,) = await n.newcomers(1, "xishan")
    me = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"]
    canary = "田小禾的"
    notice = await d.publish(masking="FULL", items=[{"actorId": me, "text": f"{canary}得票"}, {"text": "其余从略"}])
    objection = await d.object(notice, login, f"{canary}票数少了")
    assert await n.refused("admin", "coreErasePerson", "", personId=me, reason="?") == "OPEN_MATTERS"
    await d.answer(objection, answer=f"{canary}票数无误")
    before = seal.verify(await chain(n))
    await n.do("admin", "coreErasePerson", "", personId=me, reason="本人书面申请")
    database = n.server.runtime.database
    for model in database.models:
        for row in await database.read(f"SELECT * FROM {model._meta.db_table}"):
            assert canary not in str(row), model._meta.db_table
            assert login not in str(row) or model._meta.db_table.startswith("core_"), model._meta.db_table
    lines = await chain(n)
    after = seal.verify(lines)
    assert (after.wrong, after.head, after.records) == ([], before.head, before.records)
    assert (before.removed, after.removed) == (0, 3)
    assert canary not in "".join(lines) and "其余从略" in "".join(lines)
    shown = await d.see(notice, "hash items { nodes { text salt } } objections { nodes { text answer by { name } } }")
    assert [i["text"] for i in shown["items"]["nodes"]] == ["[已清除]", "其余从略"]
    assert shown["objections"]["nodes"] == [{"text": "[已清除]", "answer": None, "by": {"name": "已注销"}}]
    await d.days(8)  # and life goes on after it
    assert await d.state(notice) == "CLOSED_CLEAN" and seal.verify(await chain(n)).wrong == []


async def test_a_correction_is_about_the_same_for_a_verifier_too_after_a_merge(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    kept, gone = await n.registered("腰鼓队", "腰鼓队(旧)", kind=ActorKind.ORGANIZATION)
    notice = await d.publish("收支", subjectId=gone, organizationId=gone)
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=gone, reason="同一组织")
    corrected = await d.publish("收支更正", supersedesId=notice)
    assert (await d.see(corrected, "subject organization { id }")) == {"subject": kept, "organization": {"id": kept}}
    assert seal.verify(await chain(n)).wrong == []


async def test_a_notice_is_not_published_by_a_clock_that_is_a_day_behind_its_chain(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    await n.quiet()
    draft = await d.draft()
    n.clock.advance(timedelta(hours=-11))
    assert await n.refused("clerk", "disclosurePublish", "notice { id }", noticeId=draft) == "CLOCK_BEHIND"
    n.clock.advance(timedelta(hours=2))  # the same day again
    await n.do("clerk", "disclosurePublish", "notice { id }", noticeId=draft)
    assert await d.state(notice) == "PUBLISHED" and seal.verify(await chain(n)).wrong == []
