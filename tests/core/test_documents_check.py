"""`gongzhi documents check`, as a person and a build server run it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from core.testing.kit import Databases
from core.testing.process import gongzhi
from core.trusted import hash_document

pytestmark = pytest.mark.needs("adoption", "points")
GOOD = "query Areas {\n  areas { nodes { code } }\n}"
SPOTS = "query Spots {\n  adoptionAssets {\n    nodes { id name }\n  }\n}"
BROKEN = "query Broken { areas {"


def check(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return gongzhi(folder, "documents", "check", *arguments, **environment)


def manifest(folder: Path, *texts: str) -> None:
    documents = {hash_document(text): text for text in texts}
    (folder / "documents.json").write_text(json.dumps(documents, indent=2), "utf-8")


def test_documents_that_no_longer_validate_are_told_by_place(tmp_path: Path) -> None:
    file = tmp_path / "gongzhi.toml"
    file.write_text('plugins = ["adoption", "points"]\ndocuments = "documents.json"\n', "utf-8")
    manifest(tmp_path, GOOD, SPOTS)
    done = check(tmp_path)
    assert (done.returncode, done.stdout) == (0, "✓ all 2 documents validate\n"), done.stderr
    file.write_text('plugins = ["points"]\ndocuments = "documents.json"\n', "utf-8")
    done = check(tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "✗ documents.json:3: Spots 2:3: Cannot query field 'adoptionAssets' on type 'Query'.",
        "of 2 documents 1 no longer validate",
    ]
    manifest(tmp_path, GOOD, SPOTS, BROKEN)
    done = check(tmp_path, "--json")
    assert done.returncode == 2
    found = json.loads(done.stdout)
    assert (found["ok"], found["documents"]) == (False, 3)
    assert found["failing"][0] == {
        "id": f"sha256:{hash_document(SPOTS)}",
        "file": "documents.json",
        "manifestLine": 3,
        "operation": "Spots",
        "line": 2,
        "column": 3,
        "message": "Cannot query field 'adoptionAssets' on type 'Query'.",
    }
    assert found["failing"][1]["message"].startswith("Syntax Error")


def test_an_area_is_checked_by_what_it_has_on(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("sqlite", "demo")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "spots.graphql").write_text(SPOTS, "utf-8")
    (tmp_path / "gongzhi.toml").write_text(
        f'database = "{url}"\nplugins = ["adoption", "points"]\n[area.xishan]\ndisable = ["adoption"]\n', "utf-8"
    )
    assert gongzhi(tmp_path, "apply").returncode == 0
    assert check(tmp_path, "app", "--area", "dongfu").returncode == 0
    done = check(tmp_path, "app", "--area", "xishan")
    assert done.returncode == 2
    assert done.stderr.startswith("✗ app/spots.graphql: Spots 2:3: Cannot query field 'adoptionAssets'")
    done = check(tmp_path, "app", "--area", "xisan")
    assert (done.returncode, "did you mean 'xishan'?" in done.stderr) == (2, True)


def test_a_wrong_manifest_stops_the_start_and_is_told_by_check(tmp_path: Path) -> None:
    file = tmp_path / "gongzhi.toml"
    file.write_text(f'database = "sqlite:{tmp_path}/x.db"\ndocuments = "documents.json"\n', "utf-8")
    (tmp_path / "documents.json").write_text(json.dumps({"abc": GOOD}, indent=2), "utf-8")
    said = "documents.json:2: abc is not the SHA-256 of its document"
    for command in (("serve",), ("check",), ("documents", "check")):
        done = gongzhi(tmp_path, *command)
        assert done.returncode == 2
        assert said in done.stderr
    file.write_text("port = 0\n", "utf-8")
    done = check(tmp_path)
    assert (done.returncode, "there are no trusted documents" in done.stderr) == (2, True)


def test_a_document_beyond_the_limits_is_told_in_words(tmp_path: Path) -> None:
    deep = tmp_path / "documents" / "deep.graphql"
    deep.parent.mkdir()
    deep.write_text("query Deep { " + "areas { " * 20 + "totalCount" + " }" * 21, "utf-8")
    done = check(tmp_path, "documents")
    assert done.returncode == 2
    assert "At most 16 levels of fields are allowed." in done.stderr
