"""Windows in calendar and working days, by the State Council's arrangements, years not arranged yet, and bounds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.testing.kit import Neighbourhood
from plugins.disclosure import seal
from plugins.disclosure.days import Calendar, published
from plugins.disclosure.rules import rest_days
from plugins.disclosure.terms import DayKind
from tests.kits.disclosure import Disclosing, chain

pytestmark = pytest.mark.anyio
CALENDAR = Calendar.with_years({})
WORKING, PLAIN = DayKind.WORKING, DayKind.CALENDAR


@pytest.mark.parametrize(
    ("first", "days", "kind", "last"),
    [
        (
            date(2026, 2, 11),
            5,
            WORKING,
            date(2026, 2, 25),
        ),  # the Saturday before Spring Festival is worked, nine days off
        (date(2026, 2, 11), 5, PLAIN, date(2026, 2, 16)),
        (date(2026, 4, 30), 3, WORKING, date(2026, 5, 8)),
        (date(2026, 4, 30), 4, WORKING, date(2026, 5, 9)),  # a Saturday that is worked
        (date(2026, 9, 18), 1, WORKING, date(2026, 9, 20)),  # a Sunday that is worked
        (date(2025, 9, 30), 5, WORKING, date(2025, 10, 14)),
        (date(2024, 12, 31), 1, WORKING, date(2025, 1, 2)),
    ],
)
def test_working_days_are_those_of_the_state_council(first: date, days: int, kind: DayKind, last: date) -> None:
    end = CALENDAR.end(first, days, kind)
    assert (end.day, end.is_known) == (last, True)


def test_a_window_into_a_year_without_arrangement_says_so_where_it_matters() -> None:
    first = date(2026, 12, 30)
    assert not CALENDAR.end(first, 5, WORKING).is_known
    assert CALENDAR.end(first, 5, PLAIN).is_known
    assert not CALENDAR.end(first, 5, PLAIN, on_working_day=True).is_known
    assert CALENDAR.end(date(2026, 4, 27), 7, PLAIN, on_working_day=True).day == date(2026, 5, 6)


def test_every_year_is_as_it_was_published() -> None:
    """Worked days fall on weekends, no day is both, and the days off come in the number the notice states."""
    for year, arranged in published().items():
        assert all(d.weekday() >= 5 and d.year == year for d in arranged.work), year
        assert not arranged.work & arranged.rest
        assert all(d.year == year for d in arranged.rest)
    assert {y: len(a.rest) for y, a in published().items()} == {2024: 28, 2025: 28, 2026: 33}


async def test_a_village_may_ask_for_longer_and_nobody_publishes_for_less(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n, datetime(2027, 9, 29, 2, tzinfo=UTC))
    await d.tune(notice_days=3, notice_working_days=5)
    await n.do(
        "admin", "disclosureSetRestDays", "restDays { year }", areaId=await n.area_id("haicang"), year=2027,
        source="国务院办公厅通知(示例)", rest=["2027-10-01..2027-10-07"], work=["2027-10-09"],
    )  # fmt: skip
    notice = await d.publish()
    seen = await d.see(notice, "fromDay lastDay days dayKind lastDayIsKnown")
    assert seen == {
        "fromDay": "2027-09-29", "lastDay": "2027-10-12", "days": 5, "dayKind": "WORKING", "lastDayIsKnown": True
    }  # fmt: skip
    short: dict[str, Any] = {"areaId": d.xishan, "kind": "名单", "title": "短", "body": "。", "days": 10}
    assert await n.refused("clerk", "disclosureDraft", "notice { id }", **short) == "WINDOW_TOO_SHORT"
    assert await n.refused("clerk", "disclosureDraft", "notice { id }", **{**short, "days": 0}) == "BAD_WINDOW"
    longer = await d.publish("长", days=20)
    assert (await d.see(longer, "lastDay"))["lastDay"] == "2027-10-19"


async def test_what_lies_below_only_asks_for_more(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    haicang = await n.area_id("haicang")
    await n.do(
        "admin", "coreSetPluginSettings", "area { id }", areaId=haicang, plugin="disclosure",
        settings=[{"key": "notice_days", "value": 7, "lock": "MIN"}],
    )  # fmt: skip
    setting = ("admin", "coreSetPluginSettings", "area { id }")
    values: dict[str, Any] = {"areaId": d.xishan, "plugin": "disclosure"}
    assert await n.refused(*setting, **values, settings=[{"key": "notice_days", "value": 5}]) == "SETTING_TOO_LOOSE"
    await n.do(*setting, **values, settings=[{"key": "notice_days", "value": 10}])
    assert (await d.see(await d.publish(), "lastDay"))["lastDay"] == "2027-03-11"


async def test_a_correction_stands_as_long_as_what_it_corrects(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    first = await d.publish(days=20)
    short: dict[str, Any] = {
        "areaId": d.xishan,
        "kind": "名单",
        "title": "更正",
        "body": "。",
        "supersedesId": first,
        "days": 8,
    }
    assert await n.refused("clerk", "disclosureDraft", "notice { id }", **short) == "WINDOW_SHORTENED"
    await d.days(3)
    corrected = await d.publish("更正", supersedesId=first)
    assert await d.see(corrected, "days lastDay supersedes { id state }") == {
        "days": 20, "lastDay": "2027-03-24", "supersedes": {"id": first, "state": "SUPERSEDED"}
    }  # fmt: skip
    await n.do("clerk", "disclosureProlong", "notice { id }", noticeId=corrected, days=3, reason="春节期间人少")
    assert await d.see(corrected, "days lastDay") == {"days": 23, "lastDay": "2027-03-27"}


async def test_a_draft_that_lay_stands_its_full_time_from_the_day_it_is_published(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    draft = await d.draft()
    await d.days(30)
    await d.tune(notice_days=15)
    made = await n.do("clerk", "disclosurePublish", "notice { fromDay lastDay }", noticeId=draft)
    assert made["notice"] == {"fromDay": "2027-03-31", "lastDay": "2027-04-15"}
    # A day in the past does not begin a window: nobody shortens one by saying that it was published earlier.
    again = await d.draft()
    made = await n.do(
        "clerk", "disclosurePublish", "notice { fromDay lastDay }", noticeId=again, occurredAt="2027-03-20T00:00:00Z"
    )
    assert made["notice"] == {"fromDay": "2027-03-31", "lastDay": "2027-04-15"}


async def test_a_paper_objection_counts_by_the_day_it_came_in(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    other = await d.publish("另一份")
    await n.quiet()  # nothing is closed meanwhile
    n.clock.set(datetime(2027, 3, 8, 15, 59, tzinfo=UTC))  # a minute before the end of the last day
    await d.object(notice)
    n.clock.set(datetime(2027, 3, 8, 16, 1, tzinfo=UTC))
    late = ("resident", "disclosureObject", "objection { id }")
    assert await n.refused(*late, noticeId=other, text="晚了") == "WINDOW_OVER"
    (old,) = await n.registered("郑阿婆")
    desk = {"onBehalfOf": {"actorId": old, "basis": "IN_PERSON", "evidence": "收件簿第 12 号"}}
    await n.do(
        "admin", "disclosureObject", "objection { id }", noticeId=other, text="信件中的异议",
        occurredAt="2027-03-08T08:00:00Z", **desk,
    )  # fmt: skip
    early: dict[str, Any] = {"noticeId": other, "text": "x", "occurredAt": "2027-02-20T08:00:00Z", **desk}
    assert await n.refused("admin", "disclosureObject", "objection { id }", **early) == "BEFORE_PUBLICATION"


async def test_rest_days_that_are_published_later_only_lengthen_what_runs(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n, datetime(2027, 4, 28, 2, tzinfo=UTC))
    await d.tune(notice_days=1, notice_working_days=5)
    notice = await d.publish()
    assert await d.see(notice, "lastDay lastDayIsKnown") == {"lastDay": "2027-05-05", "lastDayIsKnown": False}
    haicang = await n.area_id("haicang")
    year: dict[str, Any] = {"areaId": haicang, "year": 2027, "source": "国务院办公厅通知(示例)"}
    put = ("admin", "disclosureSetRestDays", "restDays { year rest work }")
    assert await n.refused(*put, **year, rest=["2026-05-01"], work=[]) == "BAD_REST_DAYS"
    assert await n.refused(*put, **year, rest=["2027-05-01"], work=["2027-05-01"]) == "BAD_REST_DAYS"
    assert await n.refused("clerk", *put[1:], **year, rest=[], work=[]) == "NOT_PERMITTED"
    await n.do(*put, **year, rest=["2027-05-01..2027-05-05"], work=["2027-05-08"])
    assert await d.see(notice, "lastDay lastDayIsKnown") == {"lastDay": "2027-05-08", "lastDayIsKnown": True}
    await n.do(*put, **year, rest=[], work=[])  # corrected: what was told stays
    assert await d.see(notice, "lastDay") == {"lastDay": "2027-05-08"}


async def test_no_notice_closes_on_a_last_day_that_was_not_certain(
    neighbourhood: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many run when the year is entered: those that were not looked at then are counted again at their end."""
    n = neighbourhood
    d = await Disclosing.begin(n, datetime(2027, 4, 28, 2, tzinfo=UTC))
    await d.tune(notice_days=1, notice_working_days=5)
    notices = [await d.publish(f"名单{number}") for number in range(3)]
    monkeypatch.setattr(rest_days, "AT_ONCE", 1)
    await n.do(
        "admin", "disclosureSetRestDays", "restDays { year }", areaId=await n.area_id("haicang"), year=2027,
        source="国务院办公厅通知(示例)", rest=["2027-05-01..2027-05-05"], work=["2027-05-08"],
    )  # fmt: skip
    shown = [await d.see(notice, "lastDay lastDayIsKnown") for notice in notices]
    told, was = (
        {"lastDay": day, "lastDayIsKnown": known} for day, known in (("2027-05-08", True), ("2027-05-05", False))
    )
    assert shown == [told, was, was]
    n.clock.set(datetime(2027, 5, 6, 2, tzinfo=UTC))
    close = ("clerk", "disclosureClose", "notice { state }")
    assert await n.refused(*close, noticeId=notices[1]) == "WINDOW_RUNS"
    await d.object(notices[1])
    await n.due()
    assert [await d.state(notice) for notice in notices] == ["PUBLISHED", "OBJECTED", "PUBLISHED"]
    assert await d.see(notices[2], "lastDay lastDayIsKnown") == told
    await n.do(
        "resident", "disclosureWithdrawObjection", "objection { state }",
        objectionId=(await d.see(notices[1], "objections { nodes { id } }", "resident"))["objections"]["nodes"][0]["id"],
    )  # fmt: skip
    await d.days(0)
    assert await d.see(notices[1], "state lastDay lastDayIsKnown") == {"state": "RESOLVED", **told}
    await d.days(3)
    assert {await d.state(notice) for notice in notices} == {"CLOSED_CLEAN"}
    assert seal.verify(await chain(n)).wrong == []
