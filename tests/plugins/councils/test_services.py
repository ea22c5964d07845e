"""What a body offers to people, its fifth duty (M02)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
OFFER = ("councilsOfferService", "service { id since until offer }")
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
    assert (made["since"], made["until"], made["offer"]) == (today.isoformat(), None, None)
    ends = (today - timedelta(days=1)).isoformat()
    assert await n.refused("clerk", *OFFER, **meals, until=ends) == "SERVICE_DAYS"
    assert await n.refused("clerk", *OFFER, **meals, offerId=f"area_{'0' * 8}-0000-7000-8000-{'0' * 12}") == "NOT_FOUND"
    linked = (await n.do("clerk", *OFFER, **{**meals, "title": "夏令营"}, offerId=c.body, until="2099-08-31"))[
        "service"
    ]
    assert linked["offer"] == c.body

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
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=c.body, reason="合并")
    n.clock.advance(timedelta(days=1))
    assert await n.refused("clerk", *CHANGE, serviceId=made["id"], title="食堂") == "SERVICE_OVER"
    seen = await n.ask(None, query, b=c.body, d=n.clock.today().isoformat())
    assert seen["councilsServices"]["nodes"] == []
    assert await n.refused("clerk", *OFFER, **meals) == "BODY_DISSOLVED"


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
