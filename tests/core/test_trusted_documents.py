"""What may stand in a manifest, what is said of what may not, and what a request may name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConfigurationError, Refusal
from core.problems import Problem
from core.trusted import TrustedDocuments, hash_document, read_documents

ONE, TWO = "query One {\n  version\n}", "{ areas { nodes { code } } }"
FIRST, SECOND = hash_document(ONE), hash_document(TWO)


def write(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2), "utf-8")
    return path


def told(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_documents(path)
    for problem in caught.value.problems:
        assert isinstance(problem, Problem)
        assert problem.text("zh-CN") != problem.text("en")
    return [line.replace(f"{path.parent}{os.sep}", "") for line in caught.value.lines()]


@pytest.mark.parametrize(
    "manifest",
    [
        {FIRST: ONE, SECOND: TWO},
        {f"sha256:{FIRST}": ONE, f"sha256:{SECOND}": TWO},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [
                {"id": FIRST, "name": "One", "type": "query", "body": ONE},
                {"id": SECOND, "name": "Two", "type": "query", "body": TWO},
            ],
        },
    ],
)
def test_a_manifest_of_any_build_tool_is_read(tmp_path: Path, manifest: object) -> None:
    found = read_documents(write(tmp_path / "documents.json", manifest))
    assert {hash: entry.text for hash, entry in found.items()} == {FIRST: ONE, SECOND: TWO}
    lines = (tmp_path / "documents.json").read_text("utf-8").splitlines()
    assert all(entry.line is not None and hash in lines[entry.line - 1] for hash, entry in found.items())


def test_a_folder_holds_manifests_and_documents(tmp_path: Path) -> None:
    write(tmp_path / "web.json", {FIRST: ONE})
    (tmp_path / "desk").mkdir()
    write(tmp_path / "desk" / "areas.graphql", TWO)
    write(tmp_path / "desk" / f"{FIRST}.gql", ONE)
    write(tmp_path / "README.md", "nothing")
    assert set(read_documents(tmp_path)) == {FIRST, SECOND}


def test_what_is_wrong_with_a_manifest_is_told_by_line(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    wrong = {FIRST: ONE, SECOND: ONE, "md5": TWO, f"sha256:{FIRST}": 3}
    assert told(write(path, wrong)) == [
        f"documents.json:3: {SECOND} is not the SHA-256 of its document, which is {FIRST}; let the build tool hash with SHA-256",
        f"documents.json:4: md5 is not the SHA-256 of its document, which is {SECOND}; let the build tool hash with SHA-256",
        'documents.json:5: expected {"<SHA-256>": "<document>"} or an Apollo manifest, found 3',
    ]
    assert told(write(path, "[1]")) == [
        'documents.json:1: expected {"<SHA-256>": "<document>"} or an Apollo manifest, found [1]'
    ]
    assert told(write(path, {"operations": [7]})) == [
        'documents.json:1: expected {"<SHA-256>": "<document>"} or an Apollo manifest, found null'
    ]
    assert told(write(path, '{\n"a": }')) == ["documents.json:2: not JSON: Expecting value"]
    assert told(write(path, "{}")) == [
        "documents.json: there are no trusted documents; name a manifest or a folder with documents = …"
    ]
    path.write_bytes(b'{\n"\xff": 1}')
    assert told(path) == ["documents.json:2: byte 0xff is not UTF-8; save the file as UTF-8"]
    assert told(tmp_path / "other.json") == ["other.json: no such file"]
    path.unlink()
    assert told(tmp_path) == [
        f"{tmp_path.name}: there are no trusted documents; name a manifest or a folder with documents = …"
    ]
    write(tmp_path / f"{SECOND}.graphql", ONE)
    assert told(tmp_path)[0].startswith(
        f"{tmp_path.name}/{SECOND}.graphql: {SECOND} is not the SHA-256 of its document"
    )


def apq(hash: object) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": hash}}}


@pytest.mark.parametrize(
    ("body", "any_", "trusted"),
    [
        ({"documentId": f"sha256:{FIRST}"}, ONE, ONE),
        ({"documentId": FIRST}, ONE, ONE),
        ({"documentId": FIRST, "query": " "}, ONE, ONE),
        ({"query": ONE}, ONE, ONE),
        ({"query": ONE, "documentId": FIRST}, ONE, ONE),
        ({"query": ONE, **apq(FIRST)}, ONE, ONE),
        (apq(FIRST), ONE, ONE),
        ({"query": TWO}, TWO, "UNTRUSTED_DOCUMENT"),
        ({"query": TWO, **apq(SECOND)}, TWO, "UNTRUSTED_DOCUMENT"),
        ({"query": ONE + " "}, ONE + " ", "UNTRUSTED_DOCUMENT"),
        ({"documentId": f"sha256:{SECOND}"}, "DOCUMENT_NOT_FOUND", "DOCUMENT_NOT_FOUND"),
        (apq(SECOND), "PERSISTED_QUERY_NOT_FOUND", "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": TWO, "documentId": FIRST}, "DOCUMENT_MISMATCH", "DOCUMENT_MISMATCH"),
        ({"query": TWO, **apq(FIRST)}, "DOCUMENT_MISMATCH", "DOCUMENT_MISMATCH"),
        ({"documentId": FIRST.upper()}, "BAD_DOCUMENT_ID", "BAD_DOCUMENT_ID"),
        ({"documentId": f"md5:{FIRST}"}, "BAD_DOCUMENT_ID", "BAD_DOCUMENT_ID"),
        ({"documentId": 7}, "BAD_DOCUMENT_ID", "BAD_DOCUMENT_ID"),
        (apq(None), "BAD_DOCUMENT_ID", "BAD_DOCUMENT_ID"),
        ({"extensions": {"persistedQuery": 1}}, None, None),
        ({"query": 7}, 7, 7),
        ({"query": ""}, "", ""),
        ({}, None, None),
    ],
)
def test_a_request_names_or_sends_its_document(tmp_path: Path, body: dict[str, Any], any_: Any, trusted: Any) -> None:
    path = write(tmp_path / "documents.json", {FIRST: ONE})
    for only, expected in ((False, any_), (True, trusted)):
        try:
            found = TrustedDocuments(path, only=only).text_for(body)
        except Refusal as refusal:
            found = refusal.code
        assert found == expected


def test_without_documents_clients_are_told_not_to_ask_by_hash() -> None:
    with pytest.raises(Refusal, match="PERSISTED_QUERY_NOT_SUPPORTED"):
        TrustedDocuments().text_for(apq(FIRST))
    with pytest.raises(Refusal, match="DOCUMENT_NOT_FOUND"):
        TrustedDocuments().text_for({"documentId": FIRST})


def test_a_changed_manifest_is_taken_up_whole_or_not_at_all(tmp_path: Path) -> None:
    trusted = TrustedDocuments(write(tmp_path / "documents.json", {FIRST: ONE}))
    write(tmp_path / "documents.json", {SECOND: TWO, FIRST: TWO})
    trusted.look()
    assert (set(trusted.entries), [p.code for p in trusted.problems]) == ({FIRST}, ["DOCUMENTS_HASH"])
    write(tmp_path / "documents.json", {SECOND: TWO})
    trusted.look()
    assert (set(trusted.entries), trusted.problems) == ({SECOND}, [])
    (tmp_path / "documents.json").unlink()
    trusted.look()
    assert (set(trusted.entries), [p.code for p in trusted.problems]) == ({SECOND}, ["FILE_MISSING"])
