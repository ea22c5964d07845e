"""Order at meetings (M01, conduct clause): calls to order, exclusions, and appeals that somebody else decides."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood, Refused
from core.work import Work
from plugins.councils.models import Attendance, CallToOrder, Exclusion, Meeting, Resolution
from plugins.councils.terms import AttendanceState, ExclusionState, MeetingState, ResolutionState
from tests.kits.councils import Council
from tests.kits.sitting import APPEAL, CALL, COME, DECIDE, EFFECT, EXCLUDE, LIFT, PASS, House

pytestmark = pytest.mark.anyio


async def test_somebody_is_called_to_order_before_they_are_put_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a, b = h.logins[1:3]
    call = {"kind": "OVER_TIME", "reason": "超过五分钟"}
    assert await n.refused(a, *CALL, **h.at(b), **call) == "NOT_PERMITTED"
    assert await n.refused(h.chair, *CALL, **h.at(h.chair), **call) == "OWN_MATTER"
    assert await n.refused(h.chair, *CALL, **h.at(a), kind="OTHER", reason=" ") == "EMPTY_TEXT"
    absent = await h.c.resident("没来的人")
    assert await n.refused(h.chair, *CALL, meetingId=h.meeting, actorId=absent, **call) == "NOT_THERE"
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="吵闹") == "TOO_FEW_CALLS"
    made = await n.do(h.chair, *CALL, **h.at(a), **call)
    assert made["callToOrder"]["kind"] == "OVER_TIME"
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="吵闹") == "TOO_FEW_CALLS"
    await n.do("clerk", *CALL, **h.at(a), kind="OTHER", reason="拍桌子")
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="吵闹", until=h.day(31)) == "EXCLUSION_TOO_LONG"
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="吵闹", until=h.day(0)) == "IN_THE_PAST"
    out = (await n.do(h.chair, *EXCLUDE, **h.at(a), reason="吵闹"))["exclusion"]
    assert out == {"id": out["id"], "state": "DECLARED", "until": None, "endedAt": None}
    for again in (EXCLUDE, CALL):
        more = {"kind": "OTHER"} if again is CALL else {}
        assert await n.refused("clerk", *again, **h.at(a), reason="吵闹", **more) == "ALREADY_EXCLUDED"
    assert await n.refused(a, *LIFT, exclusionId=out["id"]) == "NOT_PERMITTED"
    lifted = (await n.do("clerk", *LIFT, exclusionId=out["id"]))["exclusion"]
    assert lifted["endedAt"] is not None and lifted["state"] == "DECLARED"
    assert await n.refused("clerk", *LIFT, exclusionId=out["id"]) == "EXCLUSION_STATE"
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="又吵") == "TOO_FEW_CALLS"  # each takes its own calls
    await h.close()
    assert await n.refused(h.chair, *CALL, **h.at(b), **call) == "MEETING_STATE"


async def test_a_guest_on_record_may_be_put_out_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    guest = await h.c.resident("旁听者")
    activity = (await h.c.see(h.meeting, "activity { id }"))["activity"]["id"]
    await n.do("admin", "coreAttendActivity", "participation { state }", activityId=activity, actorId=guest)
    at = {"meetingId": h.meeting, "actorId": guest}
    for _ in range(2):
        await n.do(h.chair, *CALL, **at, kind="OTHER", reason="起哄")
    await n.do(h.chair, *EXCLUDE, **at, reason="起哄不止")
    assert (await h.put(3))["putOut"] == 0  # nobody with a vote
    assert await h.c.see(h.meeting, "calledToOrder excluded", None) == {"calledToOrder": 2, "excluded": 1}


async def test_putting_people_out_makes_neither_quorum_nor_majority_easier(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n, 6, titles=("修凉亭", "装路灯"))
    a, b, c = h.logins[1:4]
    await h.exclude(a)
    await h.exclude(b)
    too_many = {"itemId": h.items[0], "text": "x", "votesFor": 4, "votesAgainst": 1}
    assert await n.refused("clerk", *PASS, **too_many) == "HANDS_DO_NOT_ADD_UP"  # four are in the room
    # Three of the four in the room; of the six who came it is no majority.
    rejected = await h.put(3)
    assert rejected == {
        "id": rejected["id"], "state": "REJECTED", "eligible": 6, "putOut": 2, "keptOut": 0, "votesAbstained": 3,
        "restsOnExclusions": False,
    }  # fmt: skip
    await h.exclude(c)  # three of six are left
    assert await n.refused("clerk", *PASS, itemId=h.items[1], text="x", votesFor=3, votesAgainst=0) == "NO_QUORUM"


async def test_who_is_put_out_keeps_no_order_but_may_propose(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    for _ in range(2):
        await n.do("clerk", *CALL, **h.at(h.chair), kind="OVER_TIME", reason="超时")
    await n.do("clerk", *EXCLUDE, **h.at(h.chair), reason="超时不止")
    other = h.logins[1]
    assert await n.refused(h.chair, *CALL, **h.at(other), kind="OTHER", reason="x") == "KEPT_OUT"
    assert await n.refused(h.chair, *PASS, itemId=h.items[0], text="x", votesFor=3, votesAgainst=0) == "KEPT_OUT"
    await h.c.propose("另一件事", who=h.chair)


async def test_an_exclusion_is_appealed_against_and_somebody_else_decides(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a, b = h.logins[1:3]
    exclusion = await h.exclude(a)
    await h.close()  # the meeting is over, and so is the exclusion; the appeal is not
    assert (await h.c.see(exclusion, "endedAt"))["endedAt"] is not None
    assert await n.refused(b, *APPEAL, exclusionId=exclusion, text="不公") == "NOT_PERMITTED"
    decide = {"exclusionId": exclusion, "overturn": True, "decision": "当时并未打断"}
    assert await n.refused("admin", *DECIDE, **decide) == "EXCLUSION_STATE"
    await n.do(a, *APPEAL, exclusionId=exclusion, text="我没有打断")
    assert await n.refused(a, *APPEAL, exclusionId=exclusion, text="再说") == "EXCLUSION_STATE"
    erase = {"personId": h.people[a], "reason": "本人申请"}
    seat = h.c.seats[a]
    for who in (h.chair, b):
        await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role="AREA_ADMIN", areaId=h.c.area, actorId=h.people[who]
        )
        assert await n.refused(who, *DECIDE, **decide) == "OWN_MATTER"  # who excluded; who sits there
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=seat, because="RESIGNED")
    assert await n.refused("admin", "coreErasePerson", "", **erase) == "OPEN_MATTERS"
    assert await n.refused("admin", *DECIDE, **{**decide, "decision": ""}) == "EMPTY_TEXT"
    assert (await n.do("admin", *DECIDE, **decide))["exclusion"]["state"] == "OVERTURNED"
    assert (await h.c.see(exclusion, "appeal decision reason", a)) == {
        "appeal": "我没有打断", "decision": "当时并未打断", "reason": "不听劝阻",
    }  # fmt: skip
    await n.do("admin", "coreErasePerson", "", **erase)
    assert await h.c.see(exclusion, "appeal decision reason") == {
        "appeal": None, "decision": None, "reason": "[已清除]",
    }  # fmt: skip


async def test_an_appeal_comes_in_time(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    exclusion = await h.exclude(a)
    n.clock.advance(timedelta(days=8))
    assert await n.refused(a, *APPEAL, exclusionId=exclusion, text="不公") == "EXCLUSION_APPEAL_OVER"


async def test_who_called_to_order_decides_no_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await n.do("clerk", *CALL, **h.at(a), kind="OTHER", reason="离席喧哗")
    await h.warn(a, 1)
    made = (await n.do(h.chair, *EXCLUDE, **h.at(a), reason="喧哗"))["exclusion"]["id"]
    await n.do(a, *APPEAL, exclusionId=made, text="不公")
    decide = {"exclusionId": made, "overturn": False, "decision": "确系喧哗"}
    assert await n.refused("clerk", *DECIDE, **decide) == "OWN_MATTER"
    assert (await n.do("admin", *DECIDE, **decide))["exclusion"]["state"] == "UPHELD"


async def a_clerk(h: House) -> tuple[str, str]:
    """One more clerk of 西山社: login and person."""
    (login,) = await h.c.n.newcomers(1, "xishan")
    person = await h.c.person(login)
    await h.c.n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=person, areaId=h.c.area, role="CLERK")
    return login, person


async def excluded_by(h: House, who: str, login: str, **more: Any) -> str:
    for _ in range(2):
        await h.c.n.do(who, *CALL, **h.at(login), kind="INTERRUPTION", reason="打断")
    return str((await h.c.n.do(who, *EXCLUDE, **h.at(login), reason="不听", **more))["exclusion"]["id"])


async def test_who_excluded_somebody_is_the_same_in_another_record(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    clerk, person = await a_clerk(h)
    exclusion = await excluded_by(h, clerk, a)
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    closed = {"meetingId": h.meeting}
    await n.do(clerk, "councilsCloseMeeting", "meeting { state }", **closed, minutes="会议有争执。")
    (paper,) = await n.registered("纸质档案")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=paper, goneId=person, reason="重复登记")
    decide = {"exclusionId": exclusion, "overturn": False, "decision": "确有此事"}
    assert await n.refused(clerk, *DECIDE, **decide) == "OWN_MATTER"
    confirm = ("councilsConfirmMinutes", "meeting { state }")
    assert await n.refused(clerk, *confirm, **closed) == "OWN_MATTER"
    decider = split_global(paper)[1]

    async def past_the_rules(work: Work) -> dict[str, Any]:
        row = await work.lock(Exclusion, split_global(exclusion)[1])
        work.require("councils.exclusion.decide", row)
        work.change(row, state=ExclusionState.UPHELD, decision="x", decided_by_id=decider, decided_at=work.now)
        work.record("councils.meeting.exclusion_upheld", row, area_id=row.area_id)
        return {}

    async def own_minutes(work: Work) -> dict[str, Any]:
        row = await work.lock(Meeting, split_global(h.meeting)[1])
        work.require("councils.meeting.record", row)
        work.change(row, state=MeetingState.CONFIRMED, confirmed_by_id=decider)
        work.record("councils.minutes.confirmed", row, area_id=row.area_id)
        return {}

    for cheat in (past_the_rules, own_minutes):
        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(cheat)
        assert refused.value.code == "OWN_MATTER"
    assert (await n.do("admin", *DECIDE, **decide))["exclusion"]["state"] == "UPHELD"
    await n.do("admin", *confirm, **closed)


async def test_whose_own_matter_hangs_on_it_decides_no_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    clerk, person = await a_clerk(h)
    exclusion = await h.exclude(a, until=h.day(12))
    await h.close()
    h.items = [await h.c.propose("给某职员的补助", concernsId=person)]
    h.meeting = await h.c.call(*h.items)
    await h.c.open(h.meeting, [h.c.seats[x] for x in h.logins[:4] if x != a])
    resolution = await h.put(2, 1)
    assert resolution["restsOnExclusions"]
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    decide = {"exclusionId": exclusion, "overturn": False, "decision": "确有此事"}
    assert await n.refused(clerk, *DECIDE, **decide) == "OWN_MATTER"
    await n.do("admin", *DECIDE, **decide)
    assert await n.refused(clerk, *EFFECT, resolutionId=resolution["id"]) == "OWN_MATTER"
    await n.do("clerk", *EFFECT, resolutionId=resolution["id"])


async def test_who_excluded_somebody_does_not_appeal_in_their_place(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    clerk, _ = await a_clerk(h)
    guest = h.people["guest"] = await h.c.resident("老人")  # who has no account
    activity = (await h.c.see(h.meeting, "activity { id }"))["activity"]["id"]
    await n.do("clerk", "coreAttendActivity", "participation { state }", activityId=activity, actorId=guest)
    exclusion = await excluded_by(h, clerk, "guest")
    desk = {"onBehalfOf": {"actorId": guest, "basis": "WRITTEN", "evidence": "信"}}
    assert await n.refused(clerk, *APPEAL, exclusionId=exclusion, text="我认错", **desk) == "OWN_MATTER"
    await n.do("clerk", *APPEAL, exclusionId=exclusion, text="不公", **desk)
    decide = {"exclusionId": exclusion, "overturn": False, "decision": "确有此事"}
    assert await n.refused("clerk", *DECIDE, **decide) == "ENTERED_BY_YOU"
    await n.do("admin", *DECIDE, **decide)


async def test_who_is_out_of_the_room_does_not_run_the_meeting(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    other = await h.exclude(h.logins[1])
    exclusion = await excluded_by(h, "clerk", h.chair, until=h.day(20))
    close = ("councilsCloseMeeting", "meeting { state }")
    over = {"meetingId": h.meeting, "minutes": "散会"}
    assert await n.refused(h.chair, *close, **over) == "KEPT_OUT"
    assert await n.refused(h.chair, *LIFT, exclusionId=other) == "KEPT_OUT"
    assert (await h.c.see(exclusion, "endedAt"))["endedAt"] is None
    await h.close()
    meeting = await h.c.call(await h.c.propose("装路灯"))
    n.clock.advance(timedelta(days=6))
    came = [{"seatId": h.c.seats[x]} for x in h.logins[1:]]
    assert await n.refused(h.chair, *COME, meetingId=meeting, came=came) == "KEPT_OUT"
    await n.do("clerk", *COME, meetingId=meeting, came=came)


async def test_an_excluded_guest_comes_to_no_other_meeting_either(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    (guest,) = await n.newcomers(1, "xishan")
    h.people[guest] = await h.c.person(guest)
    member = h.logins[1]
    attend, join = [(f"core{x}Activity", "participation { state }") for x in ("Attend", "Join")]
    activity = (await h.c.see(h.meeting, "activity { id }"))["activity"]["id"]
    await n.do("clerk", *attend, activityId=activity, actorId=h.people[guest])
    for login in (guest, member):
        await h.exclude(login, until=h.day(12))
    await h.close()
    await h.sit("装路灯", came=[x for x in h.logins if x != member])
    activity = (await h.c.see(h.meeting, "activity { id }"))["activity"]["id"]
    for login in (guest, member):
        assert await n.refused(login, *join, activityId=activity) == "KEPT_OUT"
        assert await n.refused("clerk", *attend, activityId=activity, actorId=h.people[login]) == "KEPT_OUT"
    other = await h.c.resident("同一人")  # who had joined it as somebody else proves to be the guest
    await n.do("clerk", *attend, activityId=activity, actorId=other)
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=h.people[guest], goneId=other, reason="重复登记")
    n.clock.advance(timedelta(days=7))
    await n.do("clerk", *attend, activityId=activity, actorId=h.people[member])


async def test_who_is_out_of_one_open_meeting_may_be_put_out_of_another(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    first = await h.exclude(a)
    await h.sit("装路灯")  # nobody has closed the first
    second = await h.exclude(a)
    assert await n.refused(h.chair, *EXCLUDE, **h.at(a), reason="又吵") == "ALREADY_EXCLUDED"
    await h.close()
    assert (await h.c.see(first, "endedAt"))["endedAt"] is None
    assert (await h.c.see(second, "endedAt"))["endedAt"] is not None


async def test_a_dissolved_body_keeps_no_order(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await h.warn(a)
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=h.c.body, reason="合并")
    assert await n.refused("clerk", *CALL, **h.at(a), kind="OTHER", reason="x") == "BODY_DISSOLVED"
    assert await n.refused("clerk", *EXCLUDE, **h.at(a), reason="x") == "BODY_DISSOLVED"


async def test_only_who_holds_the_seat_comes_late(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a, resigned = h.logins[1], h.logins[4]
    await h.exclude(a, until=h.day(20))
    await h.close()
    await h.sit("装路灯", came=[x for x in h.logins[:4] if x != a])
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=h.c.seats[resigned], because="RESIGNED")
    late = {login: {"meetingId": h.meeting, "came": [{"seatId": h.c.seats[login]}]} for login in (a, resigned)}
    assert await n.refused("clerk", *COME, **late[resigned]) == "NO_SEAT_HERE"
    kept = await h.c.resident("同一人")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=h.people[a], reason="重复登记")
    assert await n.refused("clerk", *COME, **late[a]) == "KEPT_OUT"
    n.clock.advance(timedelta(days=21))
    await n.do("clerk", *COME, **late[a])
    activity = (await h.c.see(h.meeting, "activity { participations { nodes { actor { id } } } }"))["activity"]
    assert kept in {p["actor"]["id"] for p in activity["participations"]["nodes"]}


async def test_who_was_excluded_is_told_to_few_and_how_many_to_all(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a, b = h.logins[1:3]
    exclusion = await h.exclude(a, until=h.day(20))
    await h.close()
    await h.sit("装路灯", came=[x for x in h.logins if x != a])
    shown = "{ councilsMeetings { nodes { excluded exclusions { totalCount } callsToOrder { totalCount } } } }"
    for who, seen in ((a, 1), (b, 1), ("clerk", 1), ("resident", 0), (None, 0)):
        found = (await n.ask(who, shown))["councilsMeetings"]["nodes"]
        first = next(m for m in found if m["excluded"])
        assert first == {"excluded": 1, "exclusions": {"totalCount": seen}, "callsToOrder": {"totalCount": 2 * seen}}
        kept = await h.c.see(h.meeting, "attendances { nodes { state seat { id } exclusion { id } } }", who)
        theirs = next(k for k in kept["attendances"]["nodes"] if k["seat"]["id"] == h.c.seats[a])
        assert (theirs["state"], theirs["exclusion"]) == ("ABSENT", {"id": exclusion} if seen else None)
        assert (await h.c.see(exclusion, "reason", who)) == ({"reason": "不听劝阻"} if seen else None)
    assert (await h.c.see(exclusion, "appealUntil appeal", b))["appeal"] is None


async def hinged(n: Neighbourhood) -> tuple[House, str, str, str]:
    """A second meeting that one of five is kept out of, and a resolution that two of three in the room carried: the member kept
    out, the exclusion, and the resolution."""
    h = await House.begin(n)
    a = h.logins[1]
    exclusion = await h.exclude(a, until=h.day(12))
    await h.close()
    came = [x for x in h.logins[:4] if x != a]
    await h.sit("装路灯", came=came)
    resolution = await h.put(2, 1)
    assert (resolution["state"], resolution["keptOut"], resolution["restsOnExclusions"]) == ("ADOPTED", 1, True)
    return h, a, exclusion, resolution["id"]


async def test_a_longer_exclusion_keeps_out_of_other_meetings(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await h.exclude(a, until=h.day(12))
    await h.close()
    h.meeting = await h.c.call()
    n.clock.advance(timedelta(days=6))
    came = [{"seatId": h.c.seats[x]} for x in h.logins]
    assert await n.refused("clerk", *COME, meetingId=h.meeting, came=came) == "KEPT_OUT"
    others = [k for k in came if k["seatId"] != h.c.seats[a]]
    opened = await n.do("clerk", *COME, meetingId=h.meeting, came=others)
    assert opened["meeting"] == {"state": "OPEN", "members": 5, "present": 4}
    late = [{"seatId": h.c.seats[a]}]
    assert await n.refused("clerk", *COME, meetingId=h.meeting, came=late) == "KEPT_OUT"
    n.clock.advance(timedelta(days=7))
    assert (await n.do("clerk", *COME, meetingId=h.meeting, came=late))["meeting"]["present"] == 5
    await n.due()
    assert (await h.c.see(h.meeting, "body { meetings { totalCount } }"))["body"]["meetings"]["totalCount"] == 2
    theirs = (await n.ask(a, "{ councilsExclusions { nodes { state until endedAt } } }"))["councilsExclusions"]["nodes"]
    assert theirs == [{"state": "DECLARED", "until": theirs[0]["until"], "endedAt": theirs[0]["until"]}]


async def test_what_rests_on_an_exclusion_waits_and_is_void_when_it_is_overturned(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h, a, exclusion, resolution = await hinged(n)
    assert await n.refused("clerk", *EFFECT, resolutionId=resolution) == "EXCLUSION_NOT_FINAL"
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    await n.do("clerk", *LIFT, exclusionId=exclusion)  # which takes nothing back
    n.clock.advance(timedelta(days=30))
    assert await n.refused("clerk", *EFFECT, resolutionId=resolution) == "EXCLUSION_NOT_FINAL"
    await n.do("admin", *DECIDE, exclusionId=exclusion, overturn=True, decision="理由不成立")
    assert (await h.c.see(resolution, "state item { state }")) == {"state": "OVERTURNED", "item": {"state": "PLACED"}}
    late = [{"seatId": h.c.seats[a]}]
    await n.do("clerk", *COME, meetingId=h.meeting, came=late)
    again = await h.put(3, 1)
    assert (again["state"], again["keptOut"], again["eligible"]) == ("EFFECTIVE", 0, 4)


@pytest.mark.needs("disclosure")
async def test_who_reads_of_a_resolution_that_is_void_reads_that_it_is(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    exclusion = await h.exclude(a, until=h.day(12))
    await h.close()
    await h.sit("修桥", came=[x for x in h.logins[:4] if x != a], matter="FUNDS")
    resolution = (await h.put(2, 1))["id"]
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    await n.do("admin", *DECIDE, exclusionId=exclusion, overturn=True, decision="理由不成立")
    assert (await h.c.see(resolution, "state"))["state"] == "OVERTURNED"
    shown = '{ disclosureNotices(where: {title: {eq: "修桥"}}) { nodes { kind state } } }'
    found = (await n.ask(None, shown))["disclosureNotices"]["nodes"]
    assert {k["kind"] for k in found} == {"决议", "决议不生效"}


async def test_people_are_told_who_may_decide_on_an_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    called, excluded = await a_clerk(h), await a_clerk(h)
    await n.do(called[0], *CALL, **h.at(a), kind="OTHER", reason="离席喧哗")
    await h.warn(a, 1)
    exclusion = (await n.do(excluded[0], *EXCLUDE, **h.at(a), reason="喧哗"))["exclusion"]["id"]
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    holders = "query($i: ID!, $p: String!) { dutyHolders(on: $i, permission: $p) { holders { actorId } } }"
    asked = {"i": exclusion, "p": "councils.exclusion.decide"}
    found = (await n.ask(a, holders, **asked))["dutyHolders"]["holders"]
    assert found and not {called[1], excluded[1]} & {x["actorId"] for x in found}
    with pytest.raises(Refused, match="NOT_FOUND"):
        await n.ask("resident", holders, **asked)


@pytest.mark.parametrize("is_appealed", [False, True])
async def test_what_rests_on_an_exclusion_that_stands_takes_effect(
    neighbourhood: Neighbourhood, is_appealed: bool
) -> None:
    n = neighbourhood
    _, a, exclusion, resolution = await hinged(n)
    if is_appealed:
        await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
        await n.do("admin", *DECIDE, exclusionId=exclusion, overturn=False, decision="确有此事")
    else:
        n.clock.advance(timedelta(days=8))
        assert await n.refused(a, *APPEAL, exclusionId=exclusion, text="不公") == "EXCLUSION_APPEAL_OVER"
    assert (await n.do("clerk", *EFFECT, resolutionId=resolution))["resolution"]["state"] == "EFFECTIVE"


async def test_lifting_it_just_before_the_vote_makes_nothing_easier(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    exclusion = await h.exclude(a, until=h.day(12))
    await h.close()
    await h.sit("装路灯", "修水渠", came=[x for x in h.logins[:4] if x != a])
    await n.do("clerk", *LIFT, exclusionId=exclusion)
    resolution = await h.put(2, 1)
    assert (resolution["state"], resolution["keptOut"]) == ("ADOPTED", 1)
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    await n.do("admin", *DECIDE, exclusionId=exclusion, overturn=True, decision="理由不成立")
    assert (await h.c.see(resolution["id"], "state"))["state"] == "OVERTURNED"
    assert (await h.put(2, 1, item=1))["state"] == "EFFECTIVE"  # they might have come since


async def test_a_clear_majority_waits_for_nobody(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await h.exclude(a, until=h.day(12))
    await h.close()
    await h.sit("装路灯", came=[x for x in h.logins if x != a])
    done = await h.put(4)
    assert (done["state"], done["keptOut"], done["restsOnExclusions"]) == ("EFFECTIVE", 1, False)


async def test_an_appeal_decided_while_it_takes_effect(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h, a, exclusion, resolution = await hinged(n)
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    decide = h.c.n.outcome("admin", *DECIDE, exclusionId=exclusion, overturn=True, decision="理由不成立")
    effect = h.c.n.outcome("clerk", *EFFECT, resolutionId=resolution)
    decided, held = await asyncio.gather(decide, effect)
    assert decided in ("done", "BUSY") and held in ("EXCLUSION_NOT_FINAL", "RESOLUTION_STATE", "BUSY")
    assert (await h.c.see(resolution, "state"))["state"] == ("OVERTURNED" if decided == "done" else "ADOPTED")


async def test_days_on_which_councils_were_off_are_made_up(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h, a, exclusion, resolution = await hinged(n)
    toggle = ("admin", "coreTogglePlugin", "area { id }")
    resting = [p for p, needs in n.server.runtime.kernel.needs.items() if "councils" in needs]
    for plugin in (*resting, "councils"):
        await n.do(*toggle, areaId=h.c.area, plugin=plugin, state="OFF")
    n.clock.advance(timedelta(days=9))
    for plugin in ("councils", *resting):
        await n.do(*toggle, areaId=h.c.area, plugin=plugin, state="ON")
    assert await n.refused("clerk", *EFFECT, resolutionId=resolution) == "EXCLUSION_NOT_FINAL"
    await n.do(a, *APPEAL, exclusionId=exclusion, text="不公")
    until = await h.c.see(exclusion, "appealUntil madeAt")
    lasts = datetime.fromisoformat(until["appealUntil"]) - datetime.fromisoformat(until["madeAt"])
    assert timedelta(days=16) <= lasts <= timedelta(days=17)


async def test_an_officer_who_moved_away_yesterday_is_none(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    homes = "query($a: ID!) { memberships(where: {actor: {id: {eq: $a}}}, first: 9) { nodes { id area { id } } } }"
    held = (await n.ask("admin", homes, a=h.people[h.chair]))["memberships"]["nodes"]
    for home in (m["id"] for m in held if m["area"] and m["area"]["id"] == h.c.area):
        until = n.clock.today().isoformat()
        await n.do("admin", "coreEndMembership", "membership { id }", membershipId=home, until=until)
    call = {**h.at(h.logins[1]), "kind": "OTHER", "reason": "x"}
    await n.do(h.chair, *CALL, **call)  # the last day is one still
    n.clock.advance(timedelta(days=1))
    assert await n.refused(h.chair, *CALL, **call) == "NOT_PERMITTED"
    put = {"itemId": h.items[0], "text": "x", "votesFor": 3, "votesAgainst": 0}
    assert await n.refused(h.chair, *PASS, **put) == "NOT_PERMITTED"


async def test_two_officers_exclude_somebody_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await h.warn(a, 4)
    tried = await asyncio.gather(
        *(h.c.n.outcome(who, *EXCLUDE, **h.at(a), reason="吵闹") for who in (h.chair, "clerk", "admin"))
    )
    assert Counter(tried)["done"] == 1 and set(tried) <= {"done", "ALREADY_EXCLUDED", "BUSY"}, tried


async def test_whoever_is_merged_stays_excluded(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    exclusion = await h.exclude(a, until=h.day(12))
    kept = await h.c.resident("同一人")
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=kept, goneId=h.people[a], reason="重复登记")
    assert (await h.c.see(exclusion, "concerns { id }"))["concerns"]["id"] == kept
    await h.close()
    h.meeting = await h.c.call()
    n.clock.advance(timedelta(days=6))
    came = [{"seatId": h.c.seats[x]} for x in h.logins]
    assert await n.refused("clerk", *COME, meetingId=h.meeting, came=came) == "KEPT_OUT"


async def test_two_who_are_excluded_are_not_one_before_one_is_lifted(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    twin = h.people["twin"] = await h.c.resident("同一人")
    activity = (await h.c.see(h.meeting, "activity { id }"))["activity"]["id"]
    await n.do("clerk", "coreAttendActivity", "participation { state }", activityId=activity, actorId=twin)
    await h.exclude(a, until=h.day(20))
    theirs = await h.exclude("twin", until=h.day(12))
    merge = {"keptId": h.people[a], "goneId": twin}
    preview = "query($k: ID!, $g: ID!) { coreMergePreview(keptId: $k, goneId: $g) { possible findings { code } } }"
    found = (await n.ask("admin", preview, k=h.people[a], g=twin))["coreMergePreview"]
    assert not found["possible"] and "BOTH_EXCLUDED" in [f["code"] for f in found["findings"]]
    act = ("admin", "coreMergeActors", "actor { id }")
    assert await n.refused(*act, **merge, reason="重复登记") == "BOTH_EXCLUDED"
    await n.do("clerk", *LIFT, exclusionId=theirs)
    await n.do(*act, **merge, reason="重复登记")


async def test_a_charter_makes_it_milder_and_never_harsher(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)

    def conduct(**numbers: int) -> list[dict[str, Any]]:
        return [
            {"key": str(k), "heading": "秩序", "text": "照此执行。", "parameter": parameter, "value": value}
            for k, (parameter, value) in enumerate(numbers.items(), 1)
        ]

    draft = ("clerk", "councilsDraftCharter", "charter { id }")
    for parameter, value in (("CALLS_TO_ORDER", 1), ("EXCLUSION_DAYS", 31), ("APPEAL_DAYS", 6)):
        said = {"areaId": c.area, "title": "严", "clauses": conduct(**{parameter: value})}
        assert await n.refused(*draft, **said) == "PARAMETER_TOO_HARSH"
    charter = await c.draft(clauses=conduct(CALLS_TO_ORDER=3, EXCLUSION_DAYS=0, APPEAL_DAYS=20))
    await c.adopt(charter)
    await c.enact(charter)
    meeting = await c.call()
    shown = "callsToOrderBeforeExclusion exclusionDays appealDays"
    assert await c.see(meeting, shown) == {"callsToOrderBeforeExclusion": 3, "exclusionDays": 0, "appealDays": 20}


@pytest.mark.needs("ballots")
async def test_out_of_the_room_is_not_out_of_the_vote(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a, b = h.logins[1:3]
    await h.exclude(a, until=h.day(12))
    await h.close()
    await h.sit("装路灯", came=[x for x in h.logins if x != a])
    await h.exclude(b)
    made = await n.do(
        "clerk", "councilsPutToBallot", "resolution { eligible putOut keptOut ballotId }", itemId=h.items[0], text="x"
    )
    assert {k: made["resolution"][k] for k in ("eligible", "putOut", "keptOut")} == {
        "eligible": 5, "putOut": 0, "keptOut": 0,
    }  # fmt: skip


async def test_the_database_stores_no_exclusion_without_an_appeal(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h = await House.begin(n)
    a = h.logins[1]
    await h.warn(a)

    async def run(work: Work) -> dict[str, Any]:
        meeting = await work.get(Meeting, split_global(h.meeting)[1])
        work.require("councils.order.keep", meeting)
        made = Exclusion(
            id=new_id(), area_id=meeting.area_id, body_id=meeting.body_id, meeting_id=meeting.id, reason="x",
            concerns_id=split_global(h.people[a])[1], made_by_id=new_id(), made_at=work.now, until=None,
            appeal_until=work.now - timedelta(days=1), state=ExclusionState.DECLARED,
        )  # fmt: skip
        work.add(made)
        work.record("councils.meeting.excluded", made, area_id=meeting.area_id)
        return {}

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.as_system(run)
    assert refused.value.code == "INVALID_VALUE"


async def test_the_database_lets_nobody_past_the_rules(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    h, a, exclusion, resolution = await hinged(n)
    exclusion_id, meeting_id = split_global(exclusion)[1], split_global(h.meeting)[1]

    async def cheat(code: str, act: Any) -> None:
        async def run(work: Work) -> dict[str, Any]:
            row = await work.get(Exclusion, exclusion_id)
            work.require("councils.order.keep", row)
            await act(work, row)
            return {}

        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(run)
        assert refused.value.code == code

    def copied(row: Exclusion, **more: Any) -> Exclusion:
        return Exclusion(**{f: getattr(row, f) for f in row._meta.db_fields} | {"id": new_id(), **more})

    async def add(work: Work, row: Exclusion, **more: Any) -> None:
        work.add(copied(row, made_at=work.now, appeal_until=work.now + timedelta(days=7), **more))
        work.record("councils.meeting.excluded", row, area_id=row.area_id)

    async def warn(work: Work, row: Exclusion, **more: Any) -> None:
        (one, _) = await work.select(CallToOrder, meeting_id=row.meeting_id)
        values = {f: getattr(one, f) for f in one._meta.db_fields} | {"id": new_id(), **more}
        work.add(CallToOrder(**values))
        work.record("councils.meeting.called_to_order", row, area_id=row.area_id)

    async def at_a_closed_meeting(work: Work, row: Exclusion) -> None:
        await warn(work, row)

    async def of_who_is_not_there(work: Work, row: Exclusion) -> None:
        await warn(work, row, meeting_id=meeting_id)

    async def of_themselves(work: Work, row: Exclusion) -> None:
        await warn(work, row, meeting_id=meeting_id, concerns_id=row.made_by_id)

    async def without_calls(work: Work, row: Exclusion) -> None:
        await add(work, row, meeting_id=meeting_id, concerns_id=split_global(h.people[h.logins[2]])[1])

    async def by_who_excluded(work: Work, row: Exclusion) -> None:
        work.change(row, state=ExclusionState.APPEALED, appeal="x")
        work.record("councils.meeting.exclusion_appealed", row, area_id=row.area_id)
        await work.flush_now()
        work.change(
            row, state=ExclusionState.OVERTURNED, decided_by_id=row.made_by_id, decided_at=work.now, ended_at=work.now
        )
        work.record("councils.meeting.exclusion_overturned", row, area_id=row.area_id)

    async def unheard(work: Work, row: Exclusion) -> None:
        work.change(row, state=ExclusionState.UPHELD, decided_by_id=new_id(), decided_at=work.now)
        work.record("councils.meeting.exclusion_upheld", row, area_id=row.area_id)

    async def other_reason(work: Work, row: Exclusion) -> None:
        work.change(row, reason="另有原因")
        work.record("councils.meeting.excluded", row, area_id=row.area_id)

    async def let_in(work: Work, row: Exclusion) -> None:
        seat = split_global(h.c.seats[a])[1]
        (attendance,) = await work.select(Attendance, meeting_id=meeting_id, seat_id=seat)
        work.change(attendance, state=AttendanceState.PRESENT)
        work.record("councils.attendance.recorded", row, area_id=row.area_id)

    async def in_effect(work: Work, row: Exclusion) -> None:
        held = await work.lock(Resolution, split_global(resolution)[1])
        work.change(held, state=ResolutionState.EFFECTIVE, effective_at=work.now)
        work.record("councils.resolution.effective", held, area_id=row.area_id)

    for code, act in (
        ("MEETING_STATE", at_a_closed_meeting),
        ("NOT_THERE", of_who_is_not_there),
        ("OWN_MATTER", of_themselves),
        ("TOO_FEW_CALLS", without_calls),
        ("OWN_MATTER", by_who_excluded),
        ("EXCLUSION_STATE", unheard),
        ("APPEND_ONLY", other_reason),
        ("KEPT_OUT", let_in),
        ("EXCLUSION_NOT_FINAL", in_effect),
    ):
        await cheat(code, act)
