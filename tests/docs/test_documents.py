"""What stands in the documents works: every GraphQL block runs, every TOML block is a valid configuration."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

import server
from core.clock import Clock
from core.config import read_config
from core.plugins.host import Host
from core.settings.store import VERSION
from core.settings.take_up import read_areas
from core.testing.kit import INSTALLED, Databases, Neighbourhood
from core.testing.process import gongzhi

ROOT = Path(server.__file__).parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/*/README.md")])


def blocks(language: str) -> list[pytest.ParameterSet]:
    """The blocks of a language; the README's two commands are run by `.ci/run` itself."""
    found = []
    for page in PAGES:
        pattern = rf"(?<!<!-- run -->\n)(?<!<!-- test -->\n)```{language}\n(.*?)```"
        for number, text in enumerate(re.findall(pattern, page.read_text("utf-8"), re.S)):
            found.append(pytest.param(text, id=f"{page.parent.name}-{page.stem}-{number}"))
    return found


# In the small demo nothing waits at these: nobody imported, was taken for another or signs in elsewhere, nothing is late.
NOTHING_YET = (
    "likelyDuplicates", "sensitiveReads", "signInProviders", "dataImports", "disclosureRecord(", "disclosureYearChain",
    "enterpriseCouncilCompacts(", "enterpriseCouncilConcerns(", "newResidentsRegistrations(",
)  # fmt: skip


@pytest.mark.anyio
@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("text", blocks("graphql"))
async def test_a_graphql_block_runs(neighbourhood: Neighbourhood, text: str) -> None:
    n = neighbourhood
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    known = {"area": await n.area_id("haicang"), "activity": activity[0]["id"], "now": n.clock.now().isoformat()}
    await n.delivered()
    await n.quiet()
    await n.ask("inspector", "{ version }")  # the token is looked up once a second
    with n.statements() as statements:
        body = (await n.post("inspector", text, **{k: v for k, v in known.items() if f"${k}" in text})).json()
    assert "errors" not in body, body
    if not text.lstrip().startswith("mutation"):
        # Settings are worked out in Python: the version in force is looked at, and read again when it is another.
        others = [s for s in statements if s != VERSION]
        assert len(others) <= 1, others
        assert len(statements) == len(others) or any(w in text for w in ("settings", "plugins", "permissionMatrix"))
    for payload in body["data"].values():
        assert not (isinstance(payload, dict) and payload.get("errors")), payload
    if not any(map(says, body["data"].values())) and not any(f in text for f in NOTHING_YET):
        values = {k: v for k, v in known.items() if f"${k}" in text}
        others = [
            (await n.post(who, text, **values)).json()["data"] for who in ("admin", "clerk", "company", "resident")
        ]
        assert any(says(value) for data in others for value in data.values()), "nobody is told anything"


def says(value: object) -> bool:
    """It is no empty answer: neither null, nor a list or connection of nothing."""
    if isinstance(value, dict):
        return any(says(v) for k, v in value.items() if k != "pageInfo" and "otalCount" not in k)
    return bool(value)


@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("text", blocks("sh"))
def test_a_shell_block_runs(databases: Databases, tmp_path: Path, text: str) -> None:
    empty = "admin create" in text
    url = databases.fresh("sqlite", "empty" if empty else "demo")
    (tmp_path / "gongzhi.toml").write_text(
        'plugins = ["adoption", "points"]\n[area.haicang]\nenable = ["points"]\n' if not empty else "port = 0\n"
    )
    environment = {"GONGZHI_DATABASE": url, "GONGZHI_ADMIN_PASSWORD": "long enough 1"}
    for line in text.splitlines():
        command, *arguments = shlex.split(line, comments=True) or [""]
        if command == "gongzhi":
            done = gongzhi(tmp_path, *arguments, **environment)
        else:
            done = subprocess.run(["sh", "-ec", line], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("text", blocks("toml"))
def test_a_toml_block_is_a_configuration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(text, "utf-8")
    config = read_config(path, {})
    host = Host.load(config.plugins)
    read_areas(config, host.keys, host.settings, Clock())


def test_what_everybody_sees_is_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "gongzhi.toml").write_text(f"plugins = {json.dumps(INSTALLED)}\n", "utf-8")
    done = gongzhi(tmp_path, "schema", "public")
    assert done.returncode == 0, done.stderr
    page = (ROOT / "docs" / "visibility.md").read_text("utf-8").split("## What everybody sees, and why")[1]
    rows = re.findall(r"^\| `.*\|$", page, re.M)
    assert [row for row in rows if row.split("|")[2].strip() in ("core", *INSTALLED)] == re.findall(
        r"^\| `.*\|$", done.stdout, re.M
    )
