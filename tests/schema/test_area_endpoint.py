"""An area's own endpoint is a contract: for each set of plugins exactly the committed SDL."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_client_schema, build_schema, get_introspection_query, lexicographic_sort_schema, print_schema

import server
from core.testing.kit import Neighbourhood

SNAPSHOTS = Path(server.__file__).parent / "docs" / "reference" / "areas"
pytestmark = [pytest.mark.anyio, pytest.mark.needs("adoption", "points")]


@pytest.mark.parametrize("on", ["core", "adoption", "points", "adoption,points"])
async def test_the_contract_is_the_committed_one(neighbourhood: Neighbourhood, on: str) -> None:
    n = neighbourhood
    xishan = await n.area_id("xishan")
    for key in ("adoption", "points"):
        state = "ON" if key in on.split(",") else "OFF"
        await n.do("admin", "coreTogglePlugin", "area { id }", areaId=xishan, plugin=key, state=state)
    answer = await n.http.post("/areas/xishan/graphql", json={"query": get_introspection_query()})
    served = print_schema(lexicographic_sort_schema(build_client_schema(answer.json()["data"])))
    committed = (SNAPSHOTS / f"{on.replace(',', '+')}.graphql").read_text("utf-8")
    assert served == print_schema(lexicographic_sort_schema(build_schema(committed))), (
        f"gongzhi schema print --only {on} > docs/reference/areas/{on.replace(',', '+')}.graphql"
    )
