"""The kernel's own answers to its ports, where no plugin provides them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.ids import split_global
from core.plugins.ports import CORE_PORTS
from core.testing.kit import Neighbourhood
from core.work import Work

pytestmark = pytest.mark.anyio


async def test_who_lives_where_is_what_the_desk_has_recorded(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    (person,) = await n.registered("周新来")
    xishan, haihong = [split_global(await n.area_id(code))[1] for code in ("xishan", "haihong")]
    person_id, since = split_global(person)[1], n.clock.today() - timedelta(days=400)

    async def asked(area: UUID) -> date | None:
        found: list[date | None] = []

        async def look(work: Work) -> dict[str, Any]:
            port = next(p.null for p in CORE_PORTS if p.name == "eligibility")
            found.append(await port.resident_since(work, person_id, area))
            return {}

        await n.server.runtime.as_system(look)
        return found[0]

    assert await asked(haihong) is None
    made = await n.do(
        "clerk", "coreAddMembership", "membership { id }", actorId=person, areaId=await n.area_id("xishan"),
        role="RESIDENT", since=since.isoformat(),
    )  # fmt: skip
    assert await asked(xishan) == since and await asked(haihong) is None
    today = n.clock.today().isoformat()
    await n.do("clerk", "coreEndMembership", "membership { id }", membershipId=made["membership"]["id"], until=today)
    assert await asked(xishan) is None
