"""Which way a database would take to a table is told alike of both."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.database.paths import Way, paths
from core.testing.kit import Databases, Neighbourhood, served

pytestmark = pytest.mark.anyio
OF = "FROM core_participation p WHERE"


@pytest.fixture
async def neighbourhood(
    databases: Databases, demo_url: str, dialect: str, anyio_backend: str
) -> AsyncIterator[Neighbourhood]:
    if dialect == "postgres":
        databases.by_index(demo_url)
    async with served(databases.config(demo_url)) as made:
        yield made


@pytest.mark.parametrize(
    ("sql", "way"),
    [
        ("SELECT p.id {of} p.activity_id = {id}", Way.SEARCH),
        ("SELECT p.id {of} p.id = {id}", Way.SEARCH),
        ("SELECT p.id {of} p.activity_id = {id} ORDER BY p.joined_at LIMIT 5", Way.SEARCH),
        ("SELECT p.id {of} p.state = 'JOINED' ORDER BY p.id LIMIT 5", Way.WALK),
        ("SELECT p.id {of} p.state = 'JOINED'", Way.SCAN),
        ("SELECT p.id {of} p.state = 'JOINED' ORDER BY p.version LIMIT 5", Way.SCAN),
        ("SELECT (SELECT p.id {of} p.state = a.code ORDER BY p.id LIMIT 5) FROM core_area a WHERE a.code = 'x'", Way.SCAN),
        ("SELECT a.id FROM core_area a JOIN core_participation p ON p.state = a.code WHERE a.code = 'x'", Way.SCAN),
    ],
)  # fmt: skip
async def test_a_way_to_a_table(neighbourhood: Neighbourhood, sql: str, way: Way) -> None:
    database = neighbourhood.server.runtime.database
    asked = sql.format(of=OF, id="'00000000-0000-7000-8000-000000000000'")
    found = [p for p in await paths(database, asked) if p.table == "core_participation"]
    assert [p.way for p in found] == [way], found
    for path in found:
        assert (path.index is None) == (way is Way.SCAN)
        assert bool(path.by) == (way is Way.SEARCH)


async def test_an_expression_of_two_indexes_is_two_ways(neighbourhood: Neighbourhood) -> None:
    id = "'00000000-0000-7000-8000-000000000000'"
    asked = f"SELECT p.id {OF} p.activity_id = {id} OR p.actor_id = {id}"
    found = await paths(neighbourhood.server.runtime.database, asked)
    assert [(p.table, p.way) for p in found] == [("core_participation", Way.SEARCH)] * 2
    assert len({p.index for p in found}) == 2
