"""What a body offers to people, its fifth duty (M02)."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.models import ServiceOffer
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
OFFER = ("councilsOfferService", "service { id since until offerId }")
CHANGE = ("councilsChangeService", "service { title place contact times }")
END = ("councilsEndService", "service { until }")


async def test_a_body_says_what_it_offers_and_everybody_reads_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=1)
    chair, stranger = await n.newcomers(2, "xishan")
    await c.seat(await c.person(chair), name="chair", category="EXPERT", office="CHAIR")
    today = n.clock.today()
    meals = {
        "bodyId": c.body,
        "title": "长者食堂",
        "place": "祠堂",
        "times": "每日 11:00–13:00",
        "contact": "理事会值班室",
    }
    assert await n.refused(stranger, *OFFER, **meals) == "NOT_PERMITTED"
    made = (await n.do(chair, *OFFER, **meals))["service"]
    assert (made["since"], made["until"], made["offerId"]) == (today.isoformat(), None, None)
    ends = (today - timedelta(days=1)).isoformat()
    assert await n.refused("clerk", *OFFER, **meals, until=ends) == "SERVICE_DAYS"
    assert await n.refused("clerk", *OFFER, **meals, offerId=f"area_{'0' * 8}-0000-7000-8000-{'0' * 12}") == "NOT_FOUND"
    linked = (await n.do("clerk", *OFFER, **{**meals, "title": "夏令营"}, offerId=c.body, until="2099-08-31"))[
        "service"
    ]
    assert linked["offerId"] == c.body

    changed = await n.do(chair, *CHANGE, serviceId=made["id"], place="新祠堂", contact="")
    assert changed["service"] == {
        "title": "长者食堂", "place": "新祠堂", "contact": None, "times": "每日 11:00–13:00",
    }  # fmt: skip
    query = """query($b: ID!, $d: Date!) { councilsBody(id: $b) { services(orderBy: SINCE_ASC) { nodes { title } } }
        councilsServices(where: {offeredOn: $d, body: {id: {eq: $b}}}) { nodes { title body { id } } } }"""
    seen = await n.ask(None, query, b=c.body, d=today.isoformat())
    assert {s["title"] for s in seen["councilsBody"]["services"]["nodes"]} == {"长者食堂", "夏令营"}
    assert len(seen["councilsServices"]["nodes"]) == 2

    # Its last day may be moved while it is not over; then it is offered anew.
    tomorrow = (today + timedelta(days=1)).isoformat()
    assert await n.refused(stranger, *END, serviceId=made["id"]) == "NOT_PERMITTED"
    assert (await n.do(chair, *END, serviceId=made["id"]))["service"] == {"until": today.isoformat()}
    assert (await n.do(chair, *END, serviceId=made["id"], on=tomorrow))["service"] == {"until": tomorrow}
    assert (await n.do(chair, *END, serviceId=made["id"]))["service"] == {"until": today.isoformat()}
    n.clock.advance(timedelta(days=1))
    assert await n.refused("clerk", *CHANGE, serviceId=made["id"], title="食堂") == "SERVICE_OVER"


async def test_a_dissolved_body_offers_nothing_for_good(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=1)
    today = n.clock.today()
    soon = {"title": "下月课堂", "since": (today + timedelta(days=40)).isoformat()}
    runs, planned = [
        (await n.do("clerk", *OFFER, bodyId=c.body, **said))["service"]["id"] for said in ({"title": "食堂"}, soon)
    ]
    then = n.clock.now().isoformat()
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=c.body, reason="合并")
    for service in (runs, planned):
        assert (await c.see(service, "until", None))["until"] == today.isoformat()
        for act in (END, CHANGE):
            more = {"on": "2099-01-01"} if act is END else {"title": "新食堂"}
            for at in ({}, {"occurredAt": then}):
                assert await n.refused("clerk", *act, serviceId=service, **more, **at) == "BODY_DISSOLVED"
    offered = (
        "query($b: ID!, $d: Date!) { councilsServices(where: {offeredOn: $d, body: {id: {eq: $b}}}) { totalCount } }"
    )
    for day in (1, 40, 41):
        on = (today + timedelta(days=day)).isoformat()
        assert (await n.ask(None, offered, b=c.body, d=on))["councilsServices"]["totalCount"] == 0
    assert await n.refused("clerk", *OFFER, bodyId=c.body, title="食堂") == "BODY_DISSOLVED"

    async def brought_back(work: Work) -> dict[str, Any]:
        row = await work.get(ServiceOffer, split_global(runs)[1])
        work.require("councils.service.offer", row)
        work.change(row, until=None)
        work.record("councils.service.changed", row, area_id=row.area_id)
        return {}

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.as_system(brought_back)
    assert refused.value.code == "BODY_DISSOLVED"


async def test_nothing_is_offered_or_proposed_while_the_body_is_dissolved(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    for number in range(3):
        c = await Council.begin(n, members=0, name=f"理事会{number}")
        item = {"bodyId": c.body, "title": "路灯", "matter": "OTHER"}
        tried = await asyncio.gather(
            *(c.n.outcome("clerk", *OFFER, bodyId=c.body, title=f"食堂{k}") for k in range(2)),
            c.n.outcome("admin", "councilsDissolveBody", "body { state }", bodyId=c.body, reason="合并"),
            *(c.n.outcome("clerk", *OFFER, bodyId=c.body, title=f"课{k}") for k in range(2)),
            c.n.outcome("clerk", "councilsProposeAgendaItem", "item { id }", **item),
            c.n.outcome("clerk", "councilsIssueOpinion", "opinion { id }", bodyId=c.body, title="建议", text="x"),
        )
        assert "done" in tried and set(tried) <= {"done", "BODY_DISSOLVED", "BUSY"}, tried
        if tried[2] != "done":
            continue
        left = (
            "query($b: ID!) { councilsServices(where: {until: {isNull: true}, body: {id: {eq: $b}}}) { totalCount } }"
        )
        assert (await n.ask(None, left, b=c.body))["councilsServices"]["totalCount"] == 0


async def test_the_annual_report_lists_the_year_s_services(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    year = n.clock.today().year
    texts = {"deliberation": "议事", "decision": "决策", "work": "干事", "supervision": "监督"}
    report = ("clerk", "councilsFileAnnualReport", "report { service figures { name value } }")
    assert await n.refused(*report, bodyId=c.body, year=year, **texts) == "EMPTY_TEXT"
    old = {"since": date(year - 1, 3, 1).isoformat(), "until": date(year - 1, 12, 31).isoformat()}
    kept = {"since": date(year - 1, 12, 1).isoformat(), "until": date(year, 1, 1).isoformat()}
    for title, days in (("旧课堂", old), ("跨年夜值守", kept), ("义诊", {})):
        await n.do("clerk", *OFFER, bodyId=c.body, title=title, **days)
    filed = (await n.do(*report, bodyId=c.body, year=year, **texts))["report"]
    first, second = filed["service"].split("\n")
    assert first == f"跨年夜值守({year - 1}-12-01起,至{year}-01-01止)"
    assert second == f"义诊({n.clock.today().isoformat()}起)"
    assert {f["name"]: f["value"] for f in filed["figures"]}["services"] == 2
