"""What is on an agenda is public; whose own matter it is, where it is a person's, is for few."""

from __future__ import annotations

from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio

AGENDA = "{ councilsMeetings { nodes { agenda { nodes { title details concerns { id } } } } } }"
FOUND = "query($w: CouncilsAgendaItemWhere) { councilsAgendaItems(where: $w) { totalCount } }"


async def shown(n: Neighbourhood, who: str | None, title: str) -> dict[str, Any]:
    meetings = (await n.ask(who, AGENDA))["councilsMeetings"]["nodes"]
    return next(i for m in meetings for i in m["agenda"]["nodes"] if i["title"] == title)


async def test_a_person_s_own_matter_on_an_agenda_is_told_to_few(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=4)
    proposer, seated, needy, beside = await n.newcomers(4, "xishan")
    people = {login: await c.person(login) for login in (proposer, seated, needy, beside)}
    for id in people.values():
        await n.do(
            "admin", "coreAddMembership", "membership { id }", actorId=id, areaId=c.area, role="RESIDENT", since="2024-05-01"
        )  # fmt: skip
    await c.seat(people[seated])
    item = await c.propose(
        "化疗补助", "WELFARE", who=proposer, details="化疗费用三万元", concernsId=people[needy]
    )  # fmt: skip
    company = await n.actor_id("西山社村民委员会")
    garden = await c.propose("绿化合同", "WELFARE", details="三年一签", concernsId=company)
    await c.call(item, garden)
    told = {"title": "化疗补助", "details": "化疗费用三万元", "concerns": {"id": people[needy]}}
    for who in (proposer, seated, needy, "clerk", "admin"):
        assert await shown(n, who, "化疗补助") == told, who
    theirs = {"concerns": {"id": {"in": [people[needy]]}}}
    for outside in (None, beside, "company"):
        assert await shown(n, outside, "化疗补助") == {"title": "化疗补助", "details": None, "concerns": None}
        assert (await n.ask(outside, FOUND, w=theirs))["councilsAgendaItems"]["totalCount"] == 0
        others = {"and": [{"id": {"in": [item]}}, {"not": theirs}]}
        assert (await n.ask(outside, FOUND, w=others))["councilsAgendaItems"]["totalCount"] == 1
        garden_s = {"title": "绿化合同", "details": "三年一签", "concerns": {"id": company}}
        assert await shown(n, outside, "绿化合同") == garden_s
    assert (await n.ask(needy, FOUND, w=theirs))["councilsAgendaItems"]["totalCount"] == 1
