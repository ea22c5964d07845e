"""An organization's year as the chain 分类评定 + 以奖代补 + 宣传公示, from events and notices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.enums import ActorKind
from core.events import EventRecord
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.disclosure.rules.files import hear
from tests.kits.disclosure import Disclosing

pytestmark = pytest.mark.anyio
CHAIN = """query($i: ID!, $y: Int!) { disclosureYearChain(organizationId: $i, year: $y) { totalCount nodes {
    link isThere entries firstDay lastDay amount notices clean upheld objections } } }"""
NOTHING = {
    "isThere": False, "entries": 0, "firstDay": None, "lastDay": None, "amount": None, "notices": None, "clean": None,
    "upheld": None, "objections": None,
}  # fmt: skip


async def happened(d: Disclosing, organization: str, type: str, at: datetime, **data: Any) -> None:
    """An event of a mechanism that is not there yet, as its rule would record it, heard by disclosure."""
    area, id = split_global(d.xishan)[1], split_global(organization)[1]
    event = EventRecord(
        new_id(), type, area, "actor", id, None, {"organization": str(id), **data}, at, 0, 0
    )  # fmt: skip

    async def rule(work: Work) -> dict[str, Any]:
        await hear(work, event)
        return {}

    await d.n.server.runtime.as_system(rule)


async def chain_of(d: Disclosing, organization: str, year: int = 2027, who: str | None = None) -> list[dict[str, Any]]:
    found = (await d.n.ask(who, CHAIN, i=organization, y=year))["disclosureYearChain"]
    assert found["totalCount"] == len(found["nodes"])
    nodes: list[dict[str, Any]] = found["nodes"]
    return nodes


async def test_the_links_of_a_year_stand_in_order_with_what_they_come_to(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    (club,) = await n.registered("棋社", kind=ActorKind.ORGANIZATION)
    empty = [{"link": link, **NOTHING} for link in ("RATING", "GRANT", "DISCLOSURE")]
    empty[2] |= {"notices": 0, "clean": 0, "upheld": 0, "objections": 0}
    assert await chain_of(d, club) == empty
    new_year = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)  # 2027 in Shanghai by then
    await happened(d, club, "ratings.grade.finalised", new_year)
    await happened(d, club, "grants.award.confirmed", datetime(2027, 2, 3, 4, tzinfo=UTC), amount=3_000_000)
    await happened(d, club, "funds.expense.posted", datetime(2027, 2, 28, 20, tzinfo=UTC), amount=1_250)
    await happened(d, club, "grants.project.accepted", datetime(2026, 12, 31, 4, tzinfo=UTC), amount=7)
    await happened(d, club, "adoption.project.finished", datetime(2027, 2, 4, 4, tzinfo=UTC))
    clean, wrong = [await d.publish(title, organizationId=club) for title in ("收支", "名单")]
    await d.answer(await d.object(clean, isConfidential=True))
    await d.answer(await d.object(wrong), uphold=True)
    await d.days(8)
    await d.publish("又一份", organizationId=club)
    await d.draft("未发", organizationId=club)
    story = {"areaId": d.xishan, "title": "棋社一年", "text": "每周一次。", "organizationId": club}
    made = await n.do("clerk", "disclosureDraftStory", "story { id }", **story)
    await n.do("clerk", "disclosurePublishStory", "story { id }", storyId=made["story"]["id"])
    await n.delivered()
    rating, grant, disclosure = await chain_of(d, club)
    assert rating == {**NOTHING, "link": "RATING", "isThere": True, "entries": 1, "firstDay": "2027-01-01",
                      "lastDay": "2027-01-01"}  # fmt: skip
    assert grant == {**NOTHING, "link": "GRANT", "isThere": True, "entries": 2, "firstDay": "2027-02-03",
                     "lastDay": "2027-03-01", "amount": 3_001_250}  # fmt: skip
    assert disclosure == {
        "link": "DISCLOSURE", "isThere": True, "entries": 8, "firstDay": "2027-03-01", "lastDay": "2027-03-09",
        "amount": None, "notices": 3, "clean": 1, "upheld": 1, "objections": 2,
    }  # fmt: skip
    assert [link["entries"] for link in await chain_of(d, club, 2026)] == [0, 1, 0]


async def test_people_have_no_chain_and_where_it_is_off_nothing_counts(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    person = (await n.ask("resident", "{ viewer { id } }"))["viewer"]["id"]
    assert await chain_of(d, person) == []
    kept, gone = await n.registered("茶社", "茶社(旧)", kind=ActorKind.ORGANIZATION)
    await happened(d, gone, "ratings.grade.finalised", datetime(2027, 1, 5, tzinfo=UTC))
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=gone, reason="同一组织")
    assert [link["isThere"] for year in (-5, 99999) for link in await chain_of(d, kept, year)] == [False] * 6
    for id in (kept, gone):
        assert [link["entries"] for link in await chain_of(d, id)] == [1, 0, 0]
    answer = await n.http.post(
        "/areas/haihong/graphql", json={"query": CHAIN, "variables": {"i": kept, "y": 2027}}
    )  # fmt: skip
    assert [x["entries"] for x in answer.json()["data"]["disclosureYearChain"]["nodes"]] == [0, 0, 0]
    await n.do(
        "admin", "coreTogglePlugin", "area { id }", areaId=d.xishan, plugin="disclosure", state="OFF"
    )  # fmt: skip
    assert [link["isThere"] for link in await chain_of(d, kept)] == [False, False, False]
