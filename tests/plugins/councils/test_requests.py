"""A meeting that one in ten residents, or a third of the members, ask for has to be called (M02)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.models import AgendaItem, Meeting, MeetingRequest, RequestSupport
from plugins.councils.terms import AgendaState, MeetingState, RequestState, SupportState
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
ASK = ("councilsRequestMeeting", "request { id state supporters }")
SUPPORT = ("councilsSupportRequest", "request { id state supporters holdBy isOverdue }")
BACK = ("councilsWithdrawSupport", "request { state supporters }")
CALL = ("councilsCallMeeting", "meeting { id }")
STATE = (
    "state supporters residents residentsFor members membersFor dueOn holdBy isOverdue meeting { id } item { id state }"
)


class Garden(Council):
    """西山花园 with its council of nine."""

    async def person(self, login: str, *, seated: bool = False) -> str:
        """Somebody with an account who lives there, or only sits in the council; their login."""
        id = await super().person(login)
        if seated:
            await self.seat(id, name=login, category="EXPERT")
        else:
            await self.lives(id)
        return login

    async def lives(self, id: str) -> None:
        home = {"actorId": id, "areaId": self.area, "role": "RESIDENT", "since": "2024-05-01"}
        await self.n.do("admin", "coreAddMembership", "membership { id }", **home)

    async def asked(self, who: str, title: str = "停车收费", **more: Any) -> str:
        made = await self.n.do(who, *ASK, bodyId=self.body, title=title, matter="RULES", **more)
        assert made["request"]["state"] == "OPEN" and made["request"]["supporters"] == 1
        return str(made["request"]["id"])

    async def due(self, first: str, second: str) -> str:
        request = await self.asked(first)
        made = await self.n.do(second, *SUPPORT, requestId=request)
        assert made["request"]["state"] == "DUE", made
        return request

    def at(self, days: int) -> dict[str, Any]:
        start = self.n.clock.now() + timedelta(days=days)
        return {
            "bodyId": self.body, "startsAt": start.isoformat(), "endsAt": (start + timedelta(hours=2)).isoformat(),
        }  # fmt: skip

    async def told(self, request: str, selection: str = STATE, who: str | None = None) -> dict[str, Any]:
        return await self.see(request, selection, who)


async def garden(n: Neighbourhood, *, residents: int = 18) -> Garden:
    """So many live there; nine sit in its council, of whom nobody has an account."""
    n.clock.set(n.clock.now())
    made = await n.do(
        "admin", "coreCreateArea", "area { id }", parentId=await n.area_id("xishan"), kind="COMPOUND",
        name="西山花园", code="xishan-garden",
    )  # fmt: skip
    c = Garden(n, made["area"]["id"])
    c.body = await c.found(name="西山花园业主理事会", size=12)
    for id in await n.registered(*[f"住户{number}" for number in range(residents)], area="xishan-garden"):
        await c.lives(id)
    return c


async def test_a_tenth_of_the_residents_have_a_meeting_called(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n)
    first, second, stranger, child = await n.newcomers(4, "xishan")
    for login in (first, second):
        await c.person(login)
    for number in range(4):
        (id,) = await n.registered(f"理事{number}")
        await c.seat(id, name=f"理事{number}", category="EXPERT")

    # Who neither lives there nor sits there, and who is a child, asks for nothing; one asks for one thing at a time.
    ask = {"bodyId": c.body, "title": "停车收费", "matter": "RULES"}
    assert await n.refused(stranger, *ASK, **ask) == "NOT_FROM_HERE"
    await c.person(child)
    parent = await Council.person(c, first)
    ward = await Council.person(c, child)
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", wardId=ward, guardianId=parent, basis="PARENT",
               evidence="户口簿")  # fmt: skip
    assert await n.refused(child, *ASK, **ask) == "NOT_OF_AGE"
    request = await c.asked(first, details="每月收费听取意见")
    assert await n.refused(first, *ASK, **ask) == "REQUEST_OPEN"
    assert await n.refused(first, *SUPPORT, requestId=request) == "ALREADY_SUPPORTED"
    assert await n.refused(child, *SUPPORT, requestId=request) == "NOT_OF_AGE"
    assert await n.refused(stranger, *BACK, requestId=request) == "NOT_SUPPORTED"
    assert await n.refused("clerk", *CALL, **c.at(6), requestId=request) == "REQUEST_STATE"

    # One of twenty is not a tenth, two are; the child is no part of the twenty.
    made = (await n.do(second, *SUPPORT, requestId=request))["request"]
    by = (n.clock.today() + timedelta(days=10)).isoformat()
    assert made == {"id": request, "state": "DUE", "supporters": 2, "holdBy": by, "isOverdue": False}
    seen = await c.told(request)
    assert (seen["residents"], seen["residentsFor"], seen["members"], seen["membersFor"]) == (20, 2, 4, 0)
    assert await n.refused(first, *BACK, requestId=request) == "REQUEST_STATE"  # it is everybody's now

    # The meeting is held in time, with its notice, and the matter comes first.
    other = await c.propose("换路灯", who=first)
    call = {"requestId": request, "itemIds": [other]}
    assert await n.refused(first, *CALL, **c.at(6), **call) == "NOT_PERMITTED"
    assert await n.refused("clerk", *CALL, **c.at(11), **call) == "REQUEST_DAY"
    assert await n.refused("clerk", *CALL, **c.at(4), **call) == "NOTICE_TOO_SHORT"
    assert await n.refused("clerk", *CALL, **c.at(2), **call, isUrgent=True) == "NOTICE_TOO_SHORT"
    agenda = "meeting { id agenda(first: 5) { nodes { title position details proposedBy { id } } } }"
    meeting = (await n.do("clerk", CALL[0], agenda, **c.at(6), **call))["meeting"]
    items = sorted(meeting["agenda"]["nodes"], key=lambda i: i["position"])
    assert [(i["title"], i["position"]) for i in items] == [("停车收费", 1), ("换路灯", 2)]
    assert (items[0]["details"], items[0]["proposedBy"]["id"]) == ("每月收费听取意见", parent)
    seen = await c.told(request)
    assert (seen["state"], seen["meeting"]["id"]) == ("MET", meeting["id"])
    assert await n.refused("clerk", *CALL, **c.at(6), requestId=request) == "CALLED_ALREADY"

    # It is not put aside before that meeting; called off, it is due again, by the same day.
    above = await c.found(name="西山社理事会", area=await n.area_id("xishan"))
    refer = ("clerk", "councilsReferItem", "item { id }")
    assert await n.refused(*refer, itemId=seen["item"]["id"], toBodyId=above) == "ASKED_FOR"
    await n.do("clerk", "councilsCancelMeeting", "meeting { state }", meetingId=meeting["id"], reason="场地冲突")
    again = await c.told(request)
    assert (again["state"], again["holdBy"], again["meeting"]) == ("DUE", by, None)
    n.clock.advance(timedelta(days=10))
    assert (await c.told(request))["isOverdue"] is False
    n.clock.advance(timedelta(days=1))
    assert (await c.told(request))["isOverdue"] is True
    overdue = "query($d: Date!, $b: ID!) { councilsMeetingRequests(where: {overdueOn: $d, body: {id: {eq: $b}}}) { nodes { id } } }"
    found = await n.ask(None, overdue, d=n.clock.today().isoformat(), b=c.body)
    assert found["councilsMeetingRequests"]["nodes"] == [{"id": request}]

    # Too few come: due again, with the same item; the third meeting talks about it, and that is that.
    second_one = (await n.do("clerk", *CALL, **c.at(6), requestId=request))["meeting"]["id"]
    assert (await c.told(request))["item"] == {"id": seen["item"]["id"], "state": "PLACED"}
    assert (await c.open(second_one, [], days=6))["state"] == "ADJOURNED"
    assert (await c.told(request))["state"] == "DUE"
    third = (await n.do("clerk", *CALL, **c.at(8), requestId=request))["meeting"]["id"]
    assert (await c.open(third, days=8))["state"] == "OPEN"
    assert (await c.decide(seen["item"]["id"], 3))["state"] == "ADOPTED"
    done = await c.told(request)
    assert (done["state"], done["meeting"]["id"], done["item"]["state"]) == ("MET", third, "VOTED")
    assert (await n.ask(None, overdue, d="2099-01-01", b=c.body))["councilsMeetingRequests"]["nodes"] == []


async def test_a_third_of_the_members_is_enough_and_less_is_not(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    logins = await n.newcomers(4, "xishan")
    for login in logins[:3]:
        await c.person(login, seated=True)
    for number in range(6):
        (id,) = await n.registered(f"理事{number}")
        await c.seat(id, name=f"理事{number}", category="EXPERT")
    await c.person(logins[3])
    request = await c.asked(logins[0])
    two = (await n.do(logins[1], *SUPPORT, requestId=request))["request"]
    assert (two["state"], two["supporters"]) == ("OPEN", 2)
    resident = (await n.do(logins[3], *SUPPORT, requestId=request))["request"]  # three support it, two of nine members
    assert (resident["state"], resident["supporters"]) == ("OPEN", 3)
    three = (await n.do(logins[2], *SUPPORT, requestId=request))["request"]
    assert (three["state"], three["supporters"]) == ("DUE", 4)
    seen = await c.told(request)
    assert (seen["members"], seen["membersFor"], seen["residentsFor"]) == (9, 3, 1)


async def test_who_has_moved_away_or_lost_the_seat_does_not_count(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n)
    gone, second, third, unseated = await n.newcomers(4, "xishan")
    for login in (gone, second, third):
        await c.person(login)
    await c.person(unseated, seated=True)
    for number in range(5):
        (id,) = await n.registered(f"理事{number}")
        await c.seat(id, name=f"理事{number}", category="EXPERT")
    request = await c.asked(gone)
    await n.do(unseated, *SUPPORT, requestId=request)
    members = "query($a: ID!) { memberships(where: {actor: {id: {eq: $a}}}, first: 5) { nodes { id area { id } } } }"
    held = (await n.ask("admin", members, a=await Council.person(c, gone)))["memberships"]["nodes"]
    (home,) = [m["id"] for m in held if m["area"] and m["area"]["id"] == c.area]
    await n.do("admin", "coreEndMembership", "membership { id }", membershipId=home, until=n.clock.today().isoformat())
    n.clock.advance(timedelta(days=1))  # the last day of a residence is one still
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=c.seats[unseated], because="RESIGNED")

    made = (await n.do(second, *SUPPORT, requestId=request))[
        "request"
    ]  # two of twenty by the list, one still lives there
    assert (made["state"], made["supporters"]) == ("OPEN", 1)
    made = (await n.do(third, *SUPPORT, requestId=request))["request"]
    assert (made["state"], made["supporters"]) == ("DUE", 2)
    assert (await c.told(request))["residentsFor"] == 2


async def test_a_request_lapses_or_is_withdrawn_by_whoever_is_left(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    first, second = await n.newcomers(2, "xishan")
    for login in (first, second):
        await c.person(login)
    request = await c.asked(first)
    await n.do(second, *SUPPORT, requestId=request)
    back = (await n.do(first, *BACK, requestId=request))["request"]
    assert back == {"state": "OPEN", "supporters": 1}
    again = (await n.do(first, *SUPPORT, requestId=request))["request"]
    assert again["supporters"] == 2
    await n.do(first, *BACK, requestId=request)
    assert (await n.do(second, *BACK, requestId=request))["request"] == {"state": "WITHDRAWN", "supporters": 0}
    assert await n.refused(first, *SUPPORT, requestId=request) == "REQUEST_STATE"

    lapsing = await c.asked(first)
    assert (await c.days(60))["councils.requests"] == 0
    assert (await c.days(1))["councils.requests"] == 1
    assert (await c.told(lapsing))["state"] == "LAPSED"
    waiting = await c.asked(first)
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=c.body, reason="合并")
    assert (await c.told(waiting))["state"] == "LAPSED"
    assert await n.refused(second, *SUPPORT, requestId=waiting) == "REQUEST_STATE"


async def test_who_supports_is_for_themselves_officers_and_clerks(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    first, second, chair, stranger = await n.newcomers(4, "xishan")
    for login in (first, second):
        await c.person(login)
    await c.seat(await Council.person(c, chair), name="chair", category="EXPERT", office="CHAIR")
    request = await c.asked(first)
    await n.do(second, *SUPPORT, requestId=request)
    counts = "supporters supports { nodes { id supporter { id } } }"
    who = {login: await Council.person(c, login) for login in (first, second)}
    for login, sees in ((first, {first}), (second, {second}), (chair, {first, second}), ("clerk", {first, second}),
                        (stranger, set()), (None, set())):  # fmt: skip
        told = await c.told(request, counts, login)
        assert told["supporters"] == 2
        assert {s["supporter"]["id"] for s in told["supports"]["nodes"]} == {who[login] for login in sees}, login
    await n.do(second, *BACK, requestId=request)
    told = await c.told(request, counts, "clerk")
    assert [s["supporter"]["id"] for s in told["supports"]["nodes"]] == [who[first]]


async def test_a_charter_may_ask_for_fewer_and_never_for_more(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=29)

    def clauses(value: int) -> list[dict[str, Any]]:
        return [
            {"key": "1", "heading": "总则", "text": "自治。"},
            {"key": "2", "heading": "会议", "text": "联名可要求开会。", "parameter": "REQUEST_RESIDENTS_ONE_IN", "value": value},
        ]  # fmt: skip

    draft = {"areaId": c.area, "title": "业主公约", "clauses": clauses(5)}
    assert await n.refused("clerk", "councilsDraftCharter", "charter { id }", **draft) == "PARAMETER_TOO_LAX"
    charter = await c.draft("业主公约", clauses=clauses(30))
    assert await c.adopt(charter) == "ADOPTED"
    await c.enact(charter)
    (first,) = await n.newcomers(1, "xishan")
    await c.person(first)
    made = (await n.do(first, ASK[0], "request { state residentsOneIn residentsFor residents }", bodyId=c.body,
                       title="电梯", matter="FACILITIES"))["request"]  # fmt: skip
    assert made == {"state": "DUE", "residentsOneIn": 30, "residentsFor": 1, "residents": 30}


async def fallen_due(n: Neighbourhood) -> tuple[Garden, str]:
    """A council of four, and a request of two residents that is due."""
    c = await garden(n)
    first, second = await n.newcomers(2, "xishan")
    for login in (first, second):
        await c.person(login)
    for number in range(4):
        (id,) = await n.registered(f"理事{number}")
        await c.seat(id, name=f"理事{number}", category="EXPERT")
    return c, await c.due(first, second)


OVERDUE = (
    "query($d: Date!, $b: ID!) { councilsMeetingRequests(where: {overdueOn: $d, body: {id: {eq: $b}}}) { totalCount } }"
)


async def test_a_meeting_that_was_called_and_never_held_is_shown_as_late(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, request = await fallen_due(n)
    meeting = (await n.do("clerk", *CALL, **c.at(6), requestId=request))["meeting"]["id"]
    activity = (await c.see(meeting, "activity { id }"))["activity"]["id"]
    off = ("clerk", "coreCancelActivity", "activity { state }")
    assert await n.refused(*off, activityId=activity, reason="不开了") == "ACTIVITY_OF_A_MEETING"
    await c.days(11)
    assert (await n.ask(None, OVERDUE, d=n.clock.today().isoformat(), b=c.body)) == {
        "councilsMeetingRequests": {"totalCount": 1}
    }
    told = await c.told(request)
    assert (told["state"], told["isOverdue"]) == ("MET", True)
    assert await n.refused("clerk", *CALL, **c.at(6), requestId=request) == "CALLED_ALREADY"
    await n.do("clerk", "councilsCancelMeeting", "meeting { state }", meetingId=meeting, reason="未召开")
    assert (await c.see(meeting, "activity { state }"))["activity"]["state"] == "CANCELLED"
    again = (await n.do("clerk", *CALL, **c.at(6), requestId=request))["meeting"]["id"]
    await c.open(again)
    assert (await c.told(request))["isOverdue"] is False
    finish = ("clerk", "coreFinishActivity", "activity { state }")
    activity = (await c.see(again, "activity { id }"))["activity"]["id"]
    assert await n.refused(*finish, activityId=activity) == "ACTIVITY_OF_A_MEETING"
    await n.do("clerk", "councilsCloseMeeting", "meeting { state }", meetingId=again, minutes="已讨论")
    assert (await c.see(again, "activity { state }"))["activity"]["state"] == "FINISHED"


async def test_what_was_asked_for_is_decided_where_it_was_asked_for(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, request = await fallen_due(n)
    meeting = (await n.do("clerk", *CALL, **c.at(6), requestId=request))["meeting"]["id"]
    await n.do("clerk", "councilsCancelMeeting", "meeting { state }", meetingId=meeting, reason="撤销")
    item = (await c.told(request, STATE, "admin"))["item"]["id"]
    above = await c.found(name="西山社理事会", area=await n.area_id("xishan"))
    refer = ("clerk", "councilsReferItem", "item { state }")
    decline = ("clerk", "councilsDeclineItem", "item { state }")
    ordinary = (await n.do("clerk", *CALL, **c.at(6)))["meeting"]["id"]
    assert (
        await n.refused("clerk", "councilsPlaceItem", "item { state }", itemId=item, meetingId=ordinary) == "ASKED_FOR"
    )
    assert await n.refused("clerk", *CALL, **c.at(6), itemIds=[item]) == "ASKED_FOR"
    assert await n.refused(*refer, itemId=item, toBodyId=above) == "ASKED_FOR"
    assert await n.refused(*decline, itemId=item, answer="否") == "ASKED_FOR"
    asked_for = (await n.do("clerk", *CALL, **c.at(6), requestId=request, itemIds=[item]))["meeting"]["id"]
    await c.open(asked_for)
    assert await n.refused(*refer, itemId=item, toBodyId=above) == "ASKED_FOR"  # nobody has talked about it
    await n.do("clerk", "councilsCloseMeeting", "meeting { state }", meetingId=asked_for, minutes="提请上级")
    assert (await n.do(*refer, itemId=item, toBodyId=above))["item"]["state"] == "PROPOSED"  # there


async def test_a_request_ends_with_its_body_also_when_a_meeting_was_called(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, request = await fallen_due(n)
    meeting = (await n.do("clerk", *CALL, **c.at(6), requestId=request))["meeting"]["id"]
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=c.body, reason="合并")
    told = await c.told(request)
    assert (told["state"], told["meeting"], told["isOverdue"]) == ("LAPSED", None, False)
    await n.do("clerk", "councilsCancelMeeting", "meeting { state }", meetingId=meeting, reason="撤销")
    assert (await c.told(request))["state"] == "LAPSED"


async def test_it_falls_due_on_the_day_somebody_comes_of_age(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=17)
    first, second, ward = await n.newcomers(3, "xishan")
    for login in (first, second, ward):
        await c.person(login)
    of_age = (n.clock.now() + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)
    people = {"wardId": await Council.person(c, ward), "guardianId": await Council.person(c, first)}
    said = {"basis": "PARENT", "evidence": "户口簿", "until": of_age.isoformat()}
    await n.do("clerk", "coreRecordGuardianship", "guardianship { id }", **people, **said)
    n.clock.set(of_age + timedelta(hours=2))
    request = await c.due(first, second)
    assert (await c.told(request))["residents"] == 20


async def test_the_last_day_of_a_residence_is_one(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    (login,) = await n.newcomers(1, "xishan")
    await c.person(login)
    homes = "query($a: ID!) { memberships(where: {actor: {id: {eq: $a}}}, first: 5) { nodes { id area { id } } } }"
    held = (await n.ask("admin", homes, a=await Council.person(c, login)))["memberships"]["nodes"]
    (home,) = [m["id"] for m in held if m["area"] and m["area"]["id"] == c.area]
    until = n.clock.today().isoformat()
    await n.do("admin", "coreEndMembership", "membership { id }", membershipId=home, until=until)
    request = await c.asked(login)
    n.clock.advance(timedelta(days=1))
    ask = {"bodyId": c.body, "title": "再问", "matter": "RULES"}
    await n.do(login, *BACK, requestId=request)
    assert await n.refused(login, *ASK, **ask) == "NOT_FROM_HERE"


async def test_nobody_supports_it_in_arrears_after_its_last_day(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    first, second = await n.registered("甲", "乙", area="xishan-garden")
    for id in (first, second):
        await c.lives(id)
    desk = {id: {"onBehalfOf": {"actorId": id, "basis": "WRITTEN", "evidence": "联名信"}} for id in (first, second)}
    request = await c.asked("clerk", **desk[first])
    last = (n.clock.now() + timedelta(days=59)).isoformat()
    n.clock.advance(timedelta(days=62))
    late = {"requestId": request, **desk[second], "occurredAt": last}
    assert await n.refused("clerk", *SUPPORT, **late) == "REQUEST_STATE"


async def test_the_database_counts_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n)
    first, second, third = await n.newcomers(3, "xishan")
    for login in (first, second, third):
        await c.person(login)
    for number in range(4):
        (id,) = await n.registered(f"理事{number}")
        await c.seat(id, name=f"理事{number}", category="EXPERT")
    request = split_global(await c.asked(first))[1]
    day = n.clock.today()
    wanted = {"residents": 21, "members": 4, "members_for": 0, "due_on": day, "hold_by": day + timedelta(days=10)}

    async def too_early(work: Work) -> None:
        work.change(await work.get(MeetingRequest, request), state=RequestState.DUE, residents_for=1, **wanted)

    async def more_than_there_are(work: Work) -> None:
        work.change(await work.get(MeetingRequest, request), state=RequestState.DUE, residents_for=3, **wanted)

    async def of_fewer_residents(work: Work) -> None:
        less = {**wanted, "residents": 10}
        work.change(await work.get(MeetingRequest, request), state=RequestState.DUE, residents_for=1, **less)

    async def met_by_nothing(work: Work) -> None:
        work.change(await work.get(MeetingRequest, request), state=RequestState.MET)

    async def twice(work: Work) -> None:
        (row,) = await work.select(RequestSupport, request_id=request)
        work.add(
            RequestSupport(
                area_id=row.area_id, body_id=row.body_id, request_id=request, supporter_id=row.supporter_id,
                is_resident=True, is_member=False, state=SupportState.GIVEN, supported_at=work.now,
            )
        )  # fmt: skip

    async def of_somebody_else(work: Work) -> None:
        (row,) = await work.select(RequestSupport, request_id=request)
        work.change(row, supporter_id=split_global(await Council.person(c, second))[1])

    async def called_off(work: Work) -> None:
        row = await work.get(MeetingRequest, request)
        work.change(await work.get(Meeting, row.meeting_id), state=MeetingState.CANCELLED)

    async def put_aside(work: Work) -> None:
        row = await work.get(MeetingRequest, request)
        work.change(await work.get(AgendaItem, row.item_id), state=AgendaState.DECLINED, answer="否")

    async def cheat(how: Any) -> str:
        async def rule(work: Work) -> dict[str, Any]:
            await how(work)
            work.record("councils.meeting.requested", await work.get(MeetingRequest, request), area_id=None)
            return {}

        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(rule)
        return refused.value.code

    assert await cheat(too_early) == "TOO_FEW_ASK"
    assert await cheat(more_than_there_are) == "TOO_FEW_ASK"
    assert await cheat(of_fewer_residents) == "TOO_FEW_ASK"
    assert await cheat(met_by_nothing) in ("REQUEST_STATE", "INVALID_VALUE")
    assert await cheat(twice) == "ALREADY_SUPPORTED"
    assert await cheat(of_somebody_else) == "REQUEST_STATE"
    for login in (second, third):
        await n.do(login, *SUPPORT, requestId=f"councils_meeting_request_{request}")
    seen = await c.told(f"councils_meeting_request_{request}")
    assert (seen["state"], seen["residents"], seen["residentsFor"]) == (
        "DUE",
        21,
        3,
    )  # three of twenty-one, two were not
    await n.do("clerk", *CALL, **c.at(6), requestId=f"councils_meeting_request_{request}")
    assert await cheat(called_off) == "REQUEST_STATE"
    assert await cheat(put_aside) == "ASKED_FOR"


async def test_the_demo_has_a_meeting_that_is_overdue(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    asked = """{ councilsMeetingRequests { nodes { title state supporters isOverdue body { services { nodes { title } } } } } }"""
    (request,) = (await n.ask(None, asked))["councilsMeetingRequests"]["nodes"]
    assert {s["title"] for s in request.pop("body")["services"]["nodes"]} == {"长者食堂", "邻里调解"}
    assert request == {
        "title": "村口停车收费办法", "state": "DUE", "supporters": 1, "isOverdue": True,
    }  # fmt: skip


async def test_two_supporters_at_the_desk_who_are_one_count_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await garden(n, residents=40)
    first, second, third = await n.registered("甲某", "甲某某", "甲某人", area="xishan-garden")
    for id in (first, second, third):
        await c.lives(id)

    def at_the_desk(id: str) -> dict[str, Any]:
        return {"onBehalfOf": {"actorId": id, "basis": "WRITTEN", "evidence": "联名信"}}

    request = await c.asked("clerk", **at_the_desk(first))
    for id in (second, third):
        await n.do("clerk", *SUPPORT, requestId=request, **at_the_desk(id))
    merge = ("admin", "coreMergeActors", "actor { id }")
    await n.do(*merge, keptId=first, goneId=second, reason="重复登记")
    assert (await c.told(request))["supporters"] == 2
    await n.do(*merge, keptId=third, goneId=first, reason="重复登记")
    told = await c.told(request, "supporters state requestedBy { id } supports { nodes { supporter { id } } }", "clerk")
    assert told == {
        "supporters": 1, "state": "OPEN", "requestedBy": {"id": third}, "supports": {"nodes": [{"supporter": {"id": third}}]},
    }  # fmt: skip
