"""Days on which disclosure was off are made good, each once, however it came to be off (INV9, INV18)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.synchronize import synchronize
from core.testing.kit import Neighbourhood
from plugins.disclosure import seal
from tests.kits.disclosure import Disclosing, chain

pytestmark = pytest.mark.anyio
CLOSE = ("clerk", "disclosureClose", "notice { id }")
OBJECT = ("resident", "disclosureObject", "objection { id answerBy }")


async def toggle(d: Disclosing, state: str, area: str | None = None, **more: Any) -> None:
    await d.n.do(
        "admin", "coreTogglePlugin", "area { id }", areaId=area or d.xishan, plugin="disclosure", state=state, **more
    )


async def prolonged(d: Disclosing, notice: str) -> list[dict[str, Any]]:
    """Its records of that kind."""
    seen = await d.see(notice, "records(where: {kind: {eq: PROLONGED}}) { nodes { body } }")
    return [json.loads(r["body"]) for r in seen["records"]["nodes"]]


async def last(d: Disclosing, notice: str) -> str:
    return str((await d.see(notice, "lastDay"))["lastDay"])


async def test_a_genuine_record_where_it_is_off_is_told_from_a_forged_one(neighbourhood: Neighbourhood) -> None:
    """Null says nothing while `extensions.notices` says where disclosure is off; where it is on, null is a forgery."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    hash = (await d.see(await d.publish(), "hash"))["hash"]
    query = "query($h: String!) { disclosureRecord(hash: $h) { isIntact } }"

    async def check(hash: str) -> tuple[Any, list[Any]]:
        answer = (await n.post(None, query, h=hash)).json()
        notices = answer.get("extensions", {}).get("notices", [])
        return answer["data"]["disclosureRecord"], [
            (m["code"], m["areas"]) for m in notices if m["plugin"] == "disclosure"
        ]

    assert await check(hash) == ({"isIntact": True}, [])
    assert await check("0" * 64) == (None, [])
    await toggle(d, "OFF")
    assert await check(hash) == (None, [("PLUGIN_DISABLED", ["xishan"])])
    await toggle(d, "ON")
    assert await check(hash) == ({"isIntact": True}, [])


async def test_each_day_off_is_made_good_once_and_told(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()  # from 1 March, until 8 March
    await d.days(2)
    await toggle(d, "OFF")
    await d.days(1.5)
    await toggle(d, "ON")  # off on the 3rd, the 4th, and until the evening of the 4th
    await d.days(0)
    assert await last(d, notice) == "2027-03-10"
    (record,) = await prolonged(d, notice)
    assert (record["last"], record["days"], record["off"]) == ("2027-03-10", 7, ["2027-03-03", "2027-03-04"])
    told = await n.ask(
        "admin", '{ events(where: {type: {eq: "disclosure.notice.prolonged"}}, first: 1) { nodes { data } } }'
    )
    assert "2027-03-10" in json.dumps(told["events"]["nodes"][0]["data"])
    printed = (await d.see(notice, "printA4"))["printA4"]
    assert "7个自然日（其间系统停用2日，已顺延），至2027年3月10日止" in printed
    await toggle(d, "ON")  # said again, nothing is owed again
    await toggle(d, "INHERIT")
    await d.days(0)
    assert len(await prolonged(d, notice)) == 1
    await toggle(d, "OFF")
    n.clock.advance(timedelta(hours=1))
    await toggle(d, "ON")  # an hour of a day that is made good already
    await d.days(0)
    assert (await last(d, notice), len(await prolonged(d, notice))) == ("2027-03-10", 1)
    await d.days(5.5)  # the morning of the 10th
    await d.object(notice)
    assert seal.verify(await chain(n)).wrong == []


async def test_a_pilot_that_ends_and_an_area_above_count_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n)
    haicang = await n.area_id("haicang")
    await toggle(d, "INHERIT")
    await toggle(d, "ON", haicang)
    notice = await d.publish()
    await toggle(d, "OFF", haicang)
    await toggle(d, "PILOT", pilotUntil="2027-03-03")  # on at the same moment, and until the end of the 3rd
    await d.days(6)  # the 7th: the pilot was over for three days and a morning
    assert await n.refused(*OBJECT, noticeId=notice, text="?") in ("PLUGIN_DISABLED", "NOT_FOUND")
    await toggle(d, "ON", haicang)
    await d.days(0)
    assert await last(d, notice) == "2027-03-12"
    (record,) = await prolonged(d, notice)
    assert record["off"] == ["2027-03-04", "2027-03-05", "2027-03-06", "2027-03-07"]
    await n.do("clerk", "disclosureProlong", "notice { lastDay }", noticeId=notice, days=3, reason="清明")
    await toggle(d, "OFF")
    await d.days(5.5)  # into the 12th
    await toggle(d, "ON")
    await d.days(0)
    # From the afternoon of the 7th on; that day is made good already, the five after it are not.
    assert await last(d, notice) == "2027-03-20"
    assert seal.verify(await chain(n)).wrong == []
    await d.days(8)
    assert await d.state(notice) == "PUBLISHED"
    await d.days(1)
    assert await d.state(notice) == "CLOSED_CLEAN" and seal.verify(await chain(n)).wrong == []


async def test_what_is_owed_holds_before_it_is_told(neighbourhood: Neighbourhood) -> None:
    """Whoever objects or closes first finds the window as long as it will be; the clock prolongs it and does not close."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice, other = await d.publish(), await d.publish("另一份")
    await n.quiet()
    await d.days(7)  # the last day
    await toggle(d, "OFF")
    await d.days(1)
    await toggle(d, "ON")
    await n.quiet()
    assert await last(d, notice) == "2027-03-08"
    assert await n.refused(*CLOSE, noticeId=notice) == "WINDOW_RUNS"
    made = await n.do(*OBJECT, noticeId=notice, text="名单有误")
    assert made["objection"]["answerBy"] == "2027-03-10"
    settled = await n.server.runtime.jobs.run_due(n.server.runtime)
    assert settled["disclosure.windows"] == 1
    assert await d.see(other, "state lastDay") == {"state": "PUBLISHED", "lastDay": "2027-03-10"}
    await n.delivered()
    assert len(await prolonged(d, other)) == 1 and await last(d, notice) == "2027-03-10"
    assert seal.verify(await chain(n)).wrong == []


async def test_who_answers_has_the_days_on_which_nobody_could(neighbourhood: Neighbourhood) -> None:
    """As many days more as were lost; none for who was late already, and never beyond the window."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice, other = await d.publish(), await d.publish("另一份")
    early = await d.object(notice)  # to be answered until 6 March
    await d.days(1)
    late = await d.object(other, isConfidential=True)  # until the 7th
    await d.days(3)
    await n.quiet()
    await toggle(d, "OFF")
    await d.days(3)  # off from the 5th to the 8th
    await toggle(d, "ON")
    settled = await n.server.runtime.jobs.run_due(n.server.runtime)
    assert settled["disclosure.late_answers"] == 2  # found not to be late, before the plugin heard that it is on again
    await n.delivered()
    seen = [await d.see(o, "answerBy overdueAt", who) for o, who in ((early, None), (late, "resident"))]
    assert seen == [{"answerBy": "2027-03-10", "overdueAt": None}, {"answerBy": "2027-03-11", "overdueAt": None}]
    log = await n.ask("admin", '{ events(where: {type: {eq: "disclosure.objection.deferred"}}) { nodes { data } } }')
    assert sorted(e["data"]["answerBy"] for e in log["events"]["nodes"]) == ["2027-03-10", "2027-03-11"]
    again = await d.publish("第三份")
    made = await n.do("resident", "disclosureObject", "objection { answerBy }", noticeId=again, text="再问")
    assert made["objection"]["answerBy"] == "2027-03-13"
    await d.days(3)  # the 11th: the first was due yesterday
    assert (await d.see(early, "overdueAt"))["overdueAt"] is not None
    await toggle(d, "OFF")
    await d.days(1)
    await toggle(d, "ON")
    await d.days(0)
    assert (await d.see(early, "answerBy"))["answerBy"] == "2027-03-10"
    assert (await d.see(late, "answerBy", "resident"))["answerBy"] == "2027-03-13"
    with pytest.raises(Refusal, match="WINDOW_SHORTENED"):
        async with n.server.runtime.database.transaction() as t:
            await t.fetch("UPDATE disclosure_objection SET answer_by = '2027-03-01' WHERE answer_by > '2027-03-01'")
    assert seal.verify(await chain(n)).wrong == []


async def test_working_days_are_made_good_by_working_days(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    d = await Disclosing.begin(n, datetime(2027, 3, 4, 2, tzinfo=UTC))  # a Thursday
    await d.tune(notice_days=1)
    notice = await d.publish(days=3, dayKind="WORKING")
    assert await last(d, notice) == "2027-03-09"
    await toggle(d, "OFF")
    await d.days(4)  # Monday: the weekend would not have counted
    await toggle(d, "ON")
    await d.days(0)
    assert await last(d, notice) == "2027-03-11"
    assert [r["off"] for r in await prolonged(d, notice)] == [["2027-03-05", "2027-03-08"]]
    haicang = await n.area_id("haicang")
    await n.do(
        "admin", "disclosureSetRestDays", "restDays { year }", areaId=haicang, year=2027, rest=["2027-03-10"], work=[],
        source="通知(示例)",
    )  # fmt: skip
    assert await last(d, notice) == "2027-03-12"  # and is not forgotten when rest days are known
    assert seal.verify(await chain(n)).wrong == []


async def test_days_on_which_the_server_ran_without_it_count(neighbourhood: Neighbourhood) -> None:
    """What a server does to the database when it starts, with other plugins than the last one (`core.synchronize`)."""
    n = neighbourhood
    d = await Disclosing.begin(n)
    notice = await d.publish()
    database, kernel = n.server.runtime.database, n.server.runtime.kernel
    tables = {r[0]: json.loads(r[1]) for r in await database.read("SELECT key, tables FROM core_installed")}
    without = replace(kernel, manifests={k: m for k, m in kernel.manifests.items() if k != "disclosure"})
    for days, started in ((2, without), (2, kernel), (0, kernel), (0.1, without), (0.1, kernel)):
        n.clock.advance(timedelta(days=days))
        await synchronize(database, started, tables)
        if started is kernel:
            await n.delivered()
            assert await last(d, notice) == "2027-03-11"
    assert [r["off"] for r in await prolonged(d, notice)] == [["2027-03-03", "2027-03-04", "2027-03-05"]]
    log = await database.read("SELECT type, data FROM core_event WHERE type LIKE 'core.plugin.%loaded' ORDER BY seq")
    assert [r[0] for r in log] == ["core.plugin.unloaded", "core.plugin.loaded"] * 2
    assert seal.verify(await chain(n)).wrong == []
