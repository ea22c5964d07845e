"""What stands in the documents works: every GraphQL block runs, every TOML block is a valid configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import server
from core.config import read_config
from core.testing.kit import Neighbourhood

ROOT = Path(server.__file__).parent
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("plugins/*/README.md")])


def blocks(language: str) -> list[pytest.ParameterSet]:
    found = []
    for page in PAGES:
        for number, text in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.S)):
            found.append(pytest.param(text, id=f"{page.parent.name}-{page.stem}-{number}"))
    return found


@pytest.mark.anyio
@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("text", blocks("graphql"))
async def test_a_graphql_block_runs(neighbourhood: Neighbourhood, text: str) -> None:
    n = neighbourhood
    activity = (await n.ask(None, "{ activities(where: {state: {eq: OPEN}}) { nodes { id } } }"))["activities"]["nodes"]
    known = {"area": await n.area_id("haicang"), "activity": activity[0]["id"]}
    body = (await n.post("inspector", text, **{k: v for k, v in known.items() if f"${k}" in text})).json()
    assert "errors" not in body, body
    for payload in body["data"].values():
        assert not (isinstance(payload, dict) and payload.get("errors")), payload


@pytest.mark.needs("adoption", "points")
@pytest.mark.parametrize("text", blocks("toml"))
def test_a_toml_block_is_a_configuration(tmp_path: Path, text: str) -> None:
    path = tmp_path / "gongzhi.toml"
    path.write_text(text, "utf-8")
    assert read_config(path, {}).plugins
