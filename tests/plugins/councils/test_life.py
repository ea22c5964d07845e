"""A residents' council from its founding to its resolution, its task and its year's report."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio


async def test_a_council_meets_decides_and_sees_to_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    assert await c.see(c.body, "isValid filledSeats vacancies seats { totalCount }") == {
        "isValid": True, "filledSeats": 5, "vacancies": 0, "seats": {"totalCount": 5},
    }  # fmt: skip
    item = await c.propose("修缮村口凉亭")
    soon = n.clock.now() + timedelta(days=2)
    assert (
        await n.refused(
            "clerk", "councilsCallMeeting", "meeting { id }", bodyId=c.body, startsAt=soon.isoformat(),
            endsAt=(soon + timedelta(hours=1)).isoformat(),
        )
        == "NOTICE_TOO_SHORT"
    )  # fmt: skip
    meeting = await c.call(item)
    late = await c.propose("另一件事")
    n.clock.advance(timedelta(days=3))
    assert (
        await n.refused("clerk", "councilsPlaceItem", "item { id }", itemId=late, meetingId=meeting) == "AGENDA_CLOSED"
    )
    came = list(c.seats.values())[:4]
    assert await n.refused(
        "clerk", "councilsRecordAttendance", "meeting { id }", meetingId=meeting, came=[{"seatId": came[0]}]
    ) == "TOO_EARLY"  # fmt: skip
    opened = await c.open(meeting, came, days=3)
    assert opened == {"state": "OPEN", "members": 5, "present": 4, "quorumMet": True}
    assert await c.n.outcome("clerk", "councilsPassResolution", "resolution { id }", itemId=item, text="x", votesFor=3, votesAgainst=2) == (
        "HANDS_DO_NOT_ADD_UP"
    )  # fmt: skip
    passed = await c.decide(item, 3)
    assert passed == {
        "id": passed["id"], "state": "EFFECTIVE", "eligible": 4, "recused": 0, "votesFor": 3, "votesAgainst": 0,
        "votesAbstained": 1,
    }  # fmt: skip
    assert await n.refused("clerk", "councilsPassResolution", "resolution { id }", itemId=item, text="x", votesFor=1, votesAgainst=0) == (
        "ALREADY_VOTED_ON"
    )  # fmt: skip

    resident = await c.person("resident")
    due = (n.clock.today() + timedelta(days=30)).isoformat()
    task = await n.do(
        "clerk", "councilsAssignTask", "task { id activity { title state organizer { id } } }",
        resolutionId=passed["id"], assigneeId=resident, title="联系施工队", dueOn=due,
    )  # fmt: skip
    assert task["task"]["activity"] == {"title": "联系施工队", "state": "OPEN", "organizer": {"id": resident}}
    task_id = task["task"]["id"]
    assert (
        await n.refused("clerk", "councilsReportTask", "task { id }", taskId=task_id, report="好了") == "NOT_PERMITTED"
    )
    await n.do("resident", "councilsReportTask", "task { state }", taskId=task_id, report="已签合同")
    done = await n.do("clerk", "councilsConfirmTask", "task { state activity { state } }", taskId=task_id)
    assert done["task"] == {"state": "CONFIRMED", "activity": {"state": "FINISHED"}}

    closed = await n.do(
        "clerk", "councilsCloseMeeting", "meeting { state activity { state } }", meetingId=meeting, minutes="一致同意。"
    )
    assert closed["meeting"] == {"state": "CLOSED", "activity": {"state": "FINISHED"}}
    assert await n.refused("clerk", "councilsConfirmMinutes", "meeting { id }", meetingId=meeting) == "OWN_MATTER"
    await n.do("admin", "councilsConfirmMinutes", "meeting { state }", meetingId=meeting)

    headings = dict.fromkeys(("deliberation", "decision", "work", "supervision", "service"), "见附件")
    report = await n.do(
        "clerk",
        "councilsFileAnnualReport",
        "report { figures { name value } }",
        bodyId=c.body,
        year=n.clock.today().year,
        **headings,
    )
    figures = {f["name"]: f["value"] for f in report["report"]["figures"]}
    assert figures["meetings"] == figures["adopted"] == figures["tasks"] == figures["tasksConfirmed"] == 1
    assert await n.refused(
        "clerk", "councilsFileAnnualReport", "report { id }", bodyId=c.body, year=n.clock.today().year, **headings
    ) == "REPORT_EXISTS"  # fmt: skip


async def test_without_a_quorum_nothing_is_decided(neighbourhood: Neighbourhood) -> None:
    c = await Council.begin(neighbourhood, members=4)
    item = await c.propose("修路灯")
    meeting = await c.call(item)
    two = list(c.seats.values())[:2]
    neighbourhood.clock.advance(timedelta(days=6))
    assert (
        await c.n.outcome(
            "clerk", "councilsRecordAttendance", "meeting { id }", meetingId=meeting, came=[{"seatId": s} for s in two]
        )
        == "ATTENDANCE_NOT_WHOLE"
    )  # as long as two are forgotten, nothing is over
    assert (await c.open(meeting, two, days=0))["state"] == "ADJOURNED"  # two of four are not more than half
    assert await c.n.outcome(
        "clerk", "councilsPassResolution", "resolution { id }", itemId=item, text="x", votesFor=2, votesAgainst=0
    ) == "NOT_ON_THE_AGENDA"  # fmt: skip
    assert (await c.see(item, "state meeting { id }"))["state"] == "PROPOSED"
    again = await c.call(item)
    assert (await c.open(again, list(c.seats.values())[:3]))["state"] == "OPEN"
    late = await neighbourhood.do(
        "clerk", "councilsRecordAttendance", "meeting { present }", meetingId=again,
        came=[{"seatId": list(c.seats.values())[3]}],
    )  # fmt: skip
    assert late["meeting"]["present"] == 4
    assert (await c.decide(item, 2, 2))["state"] == "REJECTED"


async def test_an_officer_puts_no_matter_of_their_own_on_an_agenda(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=3)
    (login,) = await n.newcomers(1, "xishan")
    chair = await c.person(login)
    await c.seat(chair, name="理事长", office="CHAIR", category="EXPERT")
    own = await c.propose("理事长的困难补助", "WELFARE", concernsId=chair)
    starts = n.clock.now() + timedelta(days=6)
    call = {"bodyId": c.body, "startsAt": starts.isoformat(), "endsAt": (starts + timedelta(hours=2)).isoformat()}
    assert await n.refused(login, "councilsCallMeeting", "meeting { id }", itemIds=[own], **call) == "OWN_MATTER"
    assert (await c.see(own, "state"))["state"] == "PROPOSED"


async def test_no_community_lets_a_minority_decide(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    setting = {"key": "majority_percent", "value": 49}
    assert await n.refused(
        "admin", "coreSetPluginSettings", "area { id }", areaId=await n.area_id("haicang"), plugin="councils",
        settings=[setting],
    ) == "BAD_SETTING"  # fmt: skip


async def test_a_member_s_own_matter_is_decided_without_them(neighbourhood: Neighbourhood) -> None:
    c = await Council.begin(neighbourhood)
    one, two = list(c.seats.items())[:2]
    holder = (await c.see(one[1], "holder { id }"))["holder"]["id"]
    (item,) = await c.session("困难补助", matter="WELFARE", concernsId=holder)
    await neighbourhood.do(
        "clerk", "councilsRecuse", "recusal { isAutomatic }", itemId=item, seatId=two[1], reason="亲属"
    )
    decided = await c.decide(item, 3)
    assert (decided["eligible"], decided["recused"], decided["state"]) == (3, 2, "EFFECTIVE")
    who = await c.see(item, "recusals { nodes { isAutomatic seat { id } } }")
    assert {(r["isAutomatic"], r["seat"]["id"]) for r in who["recusals"]["nodes"]} == {(True, one[1]), (False, two[1])}


async def test_a_ballot_where_ballots_are_not_held_is_refused_clearly(neighbourhood: Neighbourhood) -> None:
    await neighbourhood.turn_off("ballots")
    c = await Council.begin(neighbourhood)
    (item,) = await c.session("选址")
    assert (
        await c.n.outcome("clerk", "councilsPutToBallot", "resolution { id }", itemId=item, text="x")
        == "PLUGIN_DISABLED"
    )
    charter = await c.draft()
    await neighbourhood.do("clerk", "councilsConsult", "charter { id }", charterId=charter)
    neighbourhood.clock.advance(timedelta(days=16))
    assert await c.n.outcome("clerk", "councilsSubmitCharter", "charter { id }", charterId=charter) == "PLUGIN_DISABLED"
