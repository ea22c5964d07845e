"""Over HTTP: a file sent, checked and taken in by who may, within their area; a list fetched as its viewer sees it."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from core.testing.kit import Neighbourhood, Refused
from tests.kits.files import csv_file

pytestmark = pytest.mark.anyio

SHOW = "dataImport { id state rows rowsNew rowsKnown bad { nodes { sheet line column code message } } findings { totalCount } }"


async def send(
    n: Neighbourhood, who: str | None, area: str, body: bytes, name: str = "a.csv"
) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {n.tokens[who]}"} if who else {}
    answer = await n.http.post(f"/imports?area={area}&name={name}", content=body, headers=headers)
    return answer.status_code, answer.json()


async def settled(n: Neighbourhood, who: str, id: str) -> dict[str, Any]:
    await n.server.transfers.run_due()
    found: dict[str, Any] = (
        await n.ask(who, f"query($i: ID!) {{ dataImport(id: $i) {SHOW.removeprefix('dataImport')} }}", i=id)
    )["dataImport"]
    return found


def people(path: Path, *rows: list[Any]) -> bytes:
    return csv_file(path, [["姓名", "区域代码"], *rows]).read_bytes()


async def test_a_clerk_takes_in_their_own_area(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    status, made = await send(
        n, "clerk", "xishan", people(tmp_path / "a.csv", ["新居民甲", "xishan-1"], ["新居民乙", None])
    )
    assert status == 201
    id = made["id"]
    early = await n.http.get(f"/imports/{id}", headers={"authorization": f"Bearer {n.tokens['clerk']}"})
    assert (early.status_code, early.json()["errors"][0]["extensions"]["code"]) == (409, "FILE_NOT_READY")
    asked = await n.do("clerk", "coreImport", SHOW, importId=id)
    assert asked["dataImport"]["state"] == "CHECKING"
    assert await n.refused("clerk", "coreImport", SHOW, importId=id) == "IMPORT_STATE"
    found = await settled(n, "clerk", id)
    assert (found["state"], found["rows"], found["rowsNew"]) == ("CHECKED", 2, 2)
    await n.do("clerk", "coreImport", SHOW, importId=id, apply=True)
    assert (await settled(n, "clerk", id))["state"] == "APPLIED"
    assert await n.refused("clerk", "coreImport", SHOW, importId=id, apply=True) == "IMPORT_STATE"
    events = await n.ask(
        "admin",
        '{ events(first: 2, where: {type: {eq: "core.actor.registered"}}) { nodes { authority permission actor { name } } } }',
    )
    assert {(e["authority"], e["permission"]) for e in events["events"]["nodes"]} == {("ROLE", "core.import")}
    report = await n.http.get(f"/imports/{id}", headers={"authorization": f"Bearer {n.tokens['clerk']}"})
    assert report.status_code == 200 and report.text.startswith("\ufeff工作表")
    for who in ("resident", "inspector"):
        answer = await n.http.get(f"/imports/{id}", headers={"authorization": f"Bearer {n.tokens[who]}"})
        assert answer.status_code == 404
        assert (await n.ask(who, "query($i: ID!) { dataImport(id: $i) { id } }", i=id))["dataImport"] is None
    assert not list(n.server.transfers.folder.glob("*.import"))


async def test_nobody_takes_in_what_is_not_theirs(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    body = people(tmp_path / "a.csv", ["新居民甲", "haihong"])
    for who, area, status, code in (
        (None, "xishan", 401, "NOT_SIGNED_IN"),
        ("resident", "xishan", 403, "NOT_PERMITTED"),
        ("clerk", "haihong", 403, "NOT_PERMITTED"),
        ("clerk", "nowhere", 404, "UNKNOWN_AREA"),
        ("clerk", "", 404, "UNKNOWN_AREA"),
    ):
        got, answer = await send(n, who, area, body)
        assert (got, answer["errors"][0]["extensions"]["code"]) == (status, code)
    _, made = await send(n, "clerk", "xishan", body)
    await n.do("clerk", "coreImport", SHOW, importId=made["id"], apply=True)
    found = await settled(n, "clerk", made["id"])
    assert found["state"] == "REFUSED"
    assert [(b["code"], b["line"], b["column"]) for b in found["bad"]["nodes"]] == [("AREA_OUTSIDE", 2, "区域代码")]
    assert "导入的区域范围" in found["bad"]["nodes"][0]["message"]
    assert await n.refused("resident", "coreImport", SHOW, importId=made["id"]) == "NOT_FOUND"
    # A clerk registers people, but makes no areas: told when it is checked.
    areas = csv_file(tmp_path / "b.csv", [["区域代码", "名称", "层级", "上级"], ["xishan-9", "九组", "网格", "xishan"]])
    _, made = await send(n, "clerk", "xishan", areas.read_bytes())
    await n.do("clerk", "coreImport", SHOW, importId=made["id"])
    found = await settled(n, "clerk", made["id"])
    assert (found["state"], [b["code"] for b in found["bad"]["nodes"]]) == ("REFUSED", ["NOT_PERMITTED"])
    # Whoever loses the role before it is done, does not do it.
    _, made = await send(n, "clerk", "xishan", people(tmp_path / "c.csv", ["新居民乙", "xishan"]))
    await n.do("clerk", "coreImport", SHOW, importId=made["id"], apply=True)
    grants = (await n.ask("admin", "{ roleGrants(where: {role: {eq: CLERK}}) { nodes { id } } }"))["roleGrants"][
        "nodes"
    ]
    await n.do("admin", "coreRevokeRole", "roleGrant { id }", roleGrantId=grants[0]["id"], reason="调离")
    found = await settled(n, "admin", made["id"])
    assert (found["state"], [b["code"] for b in found["bad"]["nodes"]]) == ("REFUSED", ["NOT_PERMITTED"])


def bomb(kind: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        if kind == "unfolds":
            archive.writestr("xl/worksheets/sheet1.xml", b"0" * 6_000_000)
        elif kind == "texts":
            archive.writestr("xl/sharedStrings.xml", b"".join(b"%032d" % i for i in range(40_000)))
        elif kind == "entities":
            archive.writestr("xl/workbook.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
        elif kind == "broken":
            archive.writestr("xl/workbook.xml", "<workbook>")
    return made.getvalue()


async def test_unsafe_files_are_refused_at_the_door(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    n = neighbourhood
    monkeypatch.setattr("core.data.read.MAX_HELD", 1_000_000)
    await n.server.transfers.stop()
    empty_zip = io.BytesIO()
    with zipfile.ZipFile(empty_zip, "w") as archive:
        archive.writestr("a.txt", "a")
    for body, code in (
        (b"", "FILE_EMPTY"),
        (b"%PDF-1.7 ...", "NOT_A_SPREADSHEET"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "OLD_WORKBOOK"),
        (b"\x7fELF\x02\x01", "NOT_A_SPREADSHEET"),
        (b"name\x00area", "NOT_A_SPREADSHEET"),
        (b"\xff\xff\xff\x81\x30", "BAD_ENCODING"),
        (b"PK\x03\x04 and then nothing", "FILE_BROKEN"),
        (empty_zip.getvalue(), "NOT_A_SPREADSHEET"),
        (bomb("unfolds"), "FILE_UNFOLDS"),
        (bomb("texts"), "FILE_UNFOLDS"),
        (bomb("entities"), "FILE_BROKEN"),
    ):
        status, answer = await send(n, "clerk", "xishan", body)
        assert (status, answer["errors"][0]["extensions"]["code"]) == (422, code)
    assert not list(n.server.transfers.folder.glob("*"))
    huge = await n.http.post("/imports?area=xishan", content=b"a", headers={"authorization": f"Bearer {n.tokens['clerk']}", "content-length": "60000000"})  # fmt: skip
    assert huge.status_code == 413


async def test_files_that_only_reading_unmasks(neighbourhood: Neighbourhood, tmp_path: Path) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    wide = csv_file(
        tmp_path / "w.csv", [["姓名", "区域代码", *(f"c{i}" for i in range(1000))], ["甲", "xishan", *range(1000)]]
    )
    for body, code in (
        (wide.read_bytes(), "TOO_MANY_COLUMNS"),
        ("姓名,区域代码\n".encode() + b"a" * 200_000 + b",xishan\n", "CELL_TOO_LARGE"),
        ("姓名,区域代码\n".encode() + '"甲,xishan\n'.encode(), "BAD_CSV"),
        (bomb("broken"), "FILE_BROKEN"),
        ("甲,xishan\n乙,xishan\n".encode(), "NO_HEADER"),
    ):
        _, made = await send(n, "clerk", "xishan", body)
        await n.do("clerk", "coreImport", SHOW, importId=made["id"], apply=True)
        found = await settled(n, "clerk", made["id"])
        assert found["state"] == "REFUSED" and code in [b["code"] for b in found["bad"]["nodes"]], (code, found)


TYPES = {"actors": "Actor", "memberships": "Membership", "events": "Event", "adoptionClaims": "AdoptionClaim"}


async def export(n: Neighbourhood, who: str, **input: Any) -> tuple[dict[str, Any], Any]:
    made = (await n.do(who, "coreExport", "dataExport { id state }", **input))["dataExport"]
    await n.server.transfers.run_due()
    row = (await n.ask(who, "query($i: ID!) { dataExport(id: $i) { id state rows failure } }", i=made["id"]))[
        "dataExport"
    ]
    answer = await n.http.get(f"/exports/{made['id']}", headers={"authorization": f"Bearer {n.tokens[who]}"})
    return row, answer


@pytest.mark.needs("adoption", "points")
async def test_an_export_is_the_list_as_its_viewer_sees_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    for who in ("admin", "clerk", "inspector", "resident"):
        only = {"type": {"eq": "core.actor.registered"}}
        for name, fields, columns, where in (
            ("actors", "id name area { name } ... on Household { address }", ["id", "name", "area", "address"], None),
            ("memberships", "id role since actor { name }", ["id", "role", "since", "actor"], None),
            ("events", "id type", ["id", "type"], only),
            ("adoptionClaims", "id state claimant { name }", ["id", "state", "claimant"], None),
        ):
            row, answer = await export(n, who, list=name, columns=columns, where=where, format="CSV", language="en")
            lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            assert lines[0] == columns
            shown: list[list[str]] = []
            after = None
            while True:
                page = (
                    await n.ask(
                        who,
                        f"query($a: String, $w: {TYPES[name]}Where) {{ {name}(first: 100, after: $a, where: $w) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}",
                        a=after,
                        **({"w": where} if where else {}),
                    )
                )[name]
                for node in page["nodes"]:
                    cells = [node.get(c) for c in columns]
                    shown.append([("" if c is None else c["name"] if isinstance(c, dict) else str(c)) for c in cells])
                if not page["pageInfo"]["hasNextPage"]:
                    break
                after = page["pageInfo"]["endCursor"]
            assert lines[1:] == shown
            assert row["rows"] == len(lines) - 1


async def test_a_workbook_of_a_list_has_chinese_headers_and_no_formula(
    neighbourhood: Neighbourhood, tmp_path: Path
) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    evil = ["=1+1", "+86", "-2", "@SUM(A1)", "=HYPERLINK(0)", "普通企业"]
    for name in evil:
        await n.do(
            "admin", "coreRegisterActor", "actor { id }", kind="ENTERPRISE", name=name, areaId=await n.area_id("xishan")
        )
    where = {"kind": {"eq": "ENTERPRISE"}, "area": {"code": {"eq": "xishan"}}}
    row, answer = await export(n, "admin", list="actors", where=where)
    assert (row["state"], row["rows"]) == ("READY", 6)
    assert answer.headers["content-disposition"].endswith('filename="actors.xlsx"')
    path = tmp_path / "a.xlsx"
    path.write_bytes(answer.content)
    sheet = load_workbook(path).worksheets[0]
    rows = [[c.value for c in r] for r in sheet.iter_rows()]
    assert rows[0][:3] == ["类型", "名称", "所属区域"] and rows[1][0] == "企业"
    names = [r[1] for r in rows[1:]]
    assert sorted(names) == sorted("'" + e if e != "普通企业" else e for e in evil)
    assert all(c.data_type != "f" for r in sheet.iter_rows() for c in r)
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) or b"<f " in archive.read(name) for name in archive.namelist())
    row, answer = await export(n, "admin", list="actors", where=where, format="CSV", columns=["name"])
    assert (
        sorted(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))[1:]
        == sorted([["'" + e] for e in evil if e != "普通企业"] + [["名称"], ["普通企业"]])[1:]
    )


async def test_an_export_is_ones_own_and_goes_after_a_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    await n.server.transfers.stop()
    waiting = (await n.do("clerk", "coreExport", "dataExport { id }", list="actors"))["dataExport"]["id"]
    mine = {"authorization": f"Bearer {n.tokens['clerk']}"}
    early = await n.http.get(f"/exports/{waiting}", headers=mine)
    assert (early.status_code, early.headers["retry-after"]) == (409, "2")
    assert early.json()["errors"][0]["extensions"]["code"] == "FILE_NOT_READY"
    row, answer = await export(n, "clerk", list="actors")
    assert answer.status_code == 200
    assert (await n.http.get(f"/exports/{waiting}", headers=mine)).status_code == 200
    for who in ("admin", "resident"):
        other = await n.http.get(f"/exports/{row['id']}", headers={"authorization": f"Bearer {n.tokens[who]}"})
        assert other.status_code == 404
    assert (await n.http.get(f"/exports/{row['id']}")).status_code == 401
    n.clock.advance(timedelta(days=1, minutes=1))
    await n.server.transfers.run_due()
    gone = await n.http.get(f"/exports/{row['id']}", headers=mine)
    assert (gone.status_code, gone.json()["errors"][0]["extensions"]["code"]) == (410, "FILE_GONE")
    assert not list(n.server.transfers.folder.glob("*.export"))
    for input, code in (
        ({"list": "nothing"}, "UNKNOWN_LIST"),
        ({"list": "actors", "columns": ["password"]}, "UNKNOWN_FIELD"),
        ({"list": "actors", "where": {"nope": 1}}, "BAD_ARGUMENT"),
    ):
        row, answer = await export(n, "clerk", **input)
        assert (row["state"], row["failure"], answer.status_code) == ("FAILED", code, 410)
    with pytest.raises(Refused):
        await n.do("clerk", "coreExport", "dataExport { id }", list="actors", language="fr")
