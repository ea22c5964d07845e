"""Every mechanism off and on again, in every combination that their needs allow: nothing breaks, nothing is lost (INV18)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from core.database.dialect import POSTGRES
from core.synchronize import existing_tables
from core.testing.kit import Neighbourhood, Refused

pytestmark = pytest.mark.anyio
TOGETHER = 8  # lists asked for in one request


def questions(schema: dict[str, Any]) -> Iterator[str]:
    """Queries for the first rows of every list that can be asked for without knowing an id."""
    lists = []
    for field in schema["__schema"]["queryType"]["fields"]:
        arguments = {a["name"]: a["type"]["kind"] for a in field["args"]}
        if "first" in arguments and "NON_NULL" not in arguments.values():
            lists.append(f"{field['name']}(first: 3) {{ totalCount nodes {{ __typename }} }}")
    for start in range(0, len(lists), TOGETHER):
        yield f"{{ {' '.join(lists[start : start + TOGETHER])} }}"


async def rows(n: Neighbourhood, keys: list[str]) -> dict[str, dict[str, list[str]]]:
    """Every row of every table, by mechanism and table."""
    database = n.server.runtime.database
    tables = sorted(await existing_tables(database))
    return {
        key: {t: sorted(map(str, await database.read(f"SELECT * FROM {t}"))) for t in tables if t.startswith(f"{key}_")}
        for key in keys
    }


async def switch(n: Neighbourhood, area: str, state: dict[str, bool], to: dict[str, bool]) -> None:
    """What others need is turned on before them, and off after them: any other order is refused."""
    left = [key for key in state if state[key] != to[key]]
    while left:
        key = left.pop(0)
        try:
            await n.do(
                "admin", "coreTogglePlugin", "area { id }", areaId=area, plugin=key, state="ON" if to[key] else "OFF",
                reason="试行",
            )  # fmt: skip
            state[key] = to[key]
        except Refused as refused:
            assert refused.codes[0] in ("PLUGIN_NEEDED", "PLUGIN_NEEDS") and left, (key, refused)
            left.append(key)


async def test_every_combination(neighbourhood: Neighbourhood) -> None:
    """Half a day passes in each, so that deadlines fall into it: every list answers, whatever is off has not changed in
    a single row, and whatever is on has lost none. On PostgreSQL those with one mechanism off, and with all."""
    n = neighbourhood
    is_few = n.server.runtime.database.dialect is POSTGRES
    n.clock.set(n.clock.now())
    await n.due()
    haicang, keys = await n.area_id("haicang"), list(n.server.host.keys)
    needs = [(key, need) for key, needed in n.server.host.needs.items() for need in needed]
    schema = await n.ask(None, "{ __schema { queryType { fields { name args { name type { kind } } } } } }")
    asked = list(questions(schema))
    assert len(asked) * TOGETHER > 3 * len(keys)
    before, state = await rows(n, keys), dict.fromkeys(keys, True)
    for wanted in product((False, True), repeat=len(keys)):
        to = dict(zip(keys, wanted, strict=True))
        if any(to[key] and not to[need] for key, need in needs) or (is_few and 0 < sum(wanted) < len(keys) - 1):
            continue
        await switch(n, haicang, state, to)
        n.clock.advance(timedelta(hours=12))
        await n.due()
        for query in asked:
            await n.ask("admin", query)
        after = await rows(n, keys)
        for key in keys:
            if not state[key]:
                assert after[key] == before[key], (key, state)
            assert all(len(after[key][t]) >= len(found) for t, found in before[key].items()), (key, state)
        before = after
    assert all(state.values())
    body = (await n.post(None, asked[0])).json()
    assert "errors" not in body and not body.get("extensions", {}).get("notices")
