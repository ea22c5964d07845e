"""No documented query reads a table that grows from end to end: an index serves it, on both databases."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from graphql import OperationDefinitionNode

import server
from core.cli.serving import QUERIES
from core.database.paths import Way, paths
from core.testing.kit import Databases, Neighbourhood, served
from schema.execution import RequestContext

pytestmark = pytest.mark.anyio
HERE, ROOT = Path(__file__).parent, Path(server.__file__).parent
SMALL = {
    "core_area", "core_area_closure", "core_area_plugin", "core_setting", "core_plugin_area", "core_permission",
    "core_role_permission", "core_rule_document", "core_installed", "core_governance", "core_epoch", "points_rule",
    "points_reward", "new_residents_entitlement", "new_residents_exception", "new_residents_point",
    "councils_charter",
}  # fmt: skip
# What is read from end to end all the same, once in a statement, and why.
COUNTED = {
    "adoption_claim", "adoption_revocation", "adoption_upkeep", "core_activity", "core_event", "core_mandate",
    "core_membership", "forums_forum", "points_account", "points_dispute",
}  # `totalCount` of a whole list: every row has to be judged by the viewer's scope or a filter; it is charged for  # fmt: skip
HASHED = {
    "core_actor": "whether an account is shown depends on its actor: PostgreSQL reads all once for a list of accounts",
    "ballots_roll": "whether an entry is shown depends on its roll: the same, and there are few rolls to many entries",
    "points_dispute": "whether points are held depends on open disputes: the same",
}


def documented() -> Iterator[Any]:
    """The operations the planner is tested with, the documents' blocks, the demo's queries, and those of the benchmark."""
    for path in sorted((ROOT / "tests/schema/operations").glob("*/*.graphql")):
        plugins = [] if path.parent.name == "core" else [path.parent.name]
        yield pytest.param(
            path.read_text("utf-8"), id=path.stem, marks=[pytest.mark.needs(*plugins)] if plugins else []
        )
    both = pytest.mark.needs("adoption", "points")
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("plugins/*/README.md"))]:
        for number, text in enumerate(re.findall(r"```graphql\n(.*?)```", page.read_text("utf-8"), re.S)):
            if not text.lstrip().startswith("mutation"):
                yield pytest.param(text, id=f"{page.parent.name}-{page.stem}-{number}", marks=both)
    for title, text in QUERIES:
        yield pytest.param(text, id=title, marks=both)
    for name, text in _benchmark().items():
        if text.startswith("query"):
            yield pytest.param(text, id=name)


def _benchmark() -> dict[str, str]:
    folder = ROOT / "tests" / "bench"
    spec = importlib.util.spec_from_file_location("questions", folder / "questions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
        sys.modules.pop("town", None)
    texts: dict[str, str] = module.TEXTS
    return texts


@pytest.fixture(scope="module")
async def neighbourhood(
    databases: Databases, shared_url: str, dialect: str, anyio_backend: str
) -> AsyncIterator[Neighbourhood]:
    """SQLite takes its tables to be large; PostgreSQL has thousands of rows, and is told to take an index where there is one."""
    if dialect == "postgres":
        databases.by_index(shared_url)
    async with served(databases.config(shared_url)) as made:
        await made.trust("clerk")
        await made.quiet()
        if dialect == "postgres":
            small = ", ".join(f"'{name}'" for name in sorted(SMALL))
            grown = (HERE / "grow.sql").read_text("utf-8").replace(":small:", small)
            databases.cluster.run_sql(grown, _name(shared_url))
            databases.cluster.run_sql("ANALYZE", _name(shared_url))
        yield made


def _name(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


async def known(n: Neighbourhood) -> dict[str, Any]:
    """Values for variables by name."""
    activity = (await n.ask(None, "{ activities(first: 1) { nodes { id } } }"))["activities"]["nodes"][0]["id"]
    area, actor = await n.area_id("haicang"), await n.actor_id("企业甲")
    return {
        "area": area,
        "activity": activity,
        "actor": actor,
        "person": actor,
        "id": activity,
        "code": "xishan",
        "n": 20,
        "now": n.clock.now().isoformat(),
    }


@pytest.mark.parametrize("text", list(documented()))
async def test_a_documented_query_is_served_by_indexes(neighbourhood: Neighbourhood, text: str) -> None:
    n, graphql = neighbourhood, neighbourhood.server.graphql
    prepared = graphql.prepare(text)
    assert not prepared.errors
    values = await known(n)
    for node in prepared.document.definitions:
        if not isinstance(node, OperationDefinitionNode):
            continue
        operation = prepared.operation(node.name.value if node.name else None)
        assert operation is not None
        coerced = operation.coerce(graphql.graphql, values)
        assert not isinstance(coerced, list), coerced
        context = RequestContext(graphql, prepared, await n.viewer("clerk"), variables=coerced)
        plan = graphql.plan(prepared, graphql.shape(prepared, operation, context), context)
        if plan.keys:
            found = await paths(n.server.runtime.database, plan.sql, [slot.value(context) for slot, _ in plan.slots])
            assert found, "the ways to its tables were not understood"
            scans = [p for p in found if p.way is Way.SCAN and p.table not in SMALL]
            hashed = HASHED if n.server.runtime.database.dialect.name == "postgres" else {}
            assert not [
                p
                for p in scans
                if p.again or not (p.table in hashed or (p.table in COUNTED and is_counted(plan.sql, p.alias)))
            ]


def is_counted(sql: str, alias: str) -> bool:
    """Are the rows that go by this name only counted?"""
    counts = r"SELECT min\(count\(\*\), 10000\)|\(least\(count\(\*\), 10000\)\)::text FROM \(SELECT 1"
    return re.search(rf"({counts}) FROM \w+ {alias}\b", sql) is not None
