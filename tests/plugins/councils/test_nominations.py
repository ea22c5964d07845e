"""Who sits in an honorary villagers' council was nominated and confirmed by the village (M03)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.councils.models import Nomination, Seat
from plugins.councils.terms import NominationState
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio
PUT = ("councilsNominate", "nomination { id state }")
CONFIRM = ("councilsConfirmNomination", "nomination { state reference resolution { id } }")
DECLINE = ("councilsDeclineNomination", "nomination { state answer }")
FILL = ("admin", "councilsFillSeat", "seat { id }")
WORDS = {"origin": "祖籍本村", "contribution": "捐资修路"}


async def test_a_seat_needs_a_nomination_that_the_village_confirmed(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=5, members=2)
    body = await c.found(name="西山社乡贤会", kind="RESPECTED_VILLAGERS", size=3)
    villager, stranger, nominee = await n.newcomers(3, "haihong")
    who = {login: await c.person(login) for login in (villager, stranger, nominee)}
    home = {"actorId": who[villager], "areaId": c.area, "role": "RESIDENT", "since": "2024-05-01"}
    await n.do("admin", "coreAddMembership", "membership { id }", **home)
    seat = {"bodyId": body, "holderId": who[nominee], "category": "RESPECTED"}
    assert await n.refused(*FILL, **seat) == "NOMINATION_NEEDED"

    # A villager puts somebody forward who lives elsewhere; nobody themselves, and strangers nobody.
    put = {"bodyId": body, "nomineeId": who[nominee], **WORDS}
    assert await n.refused(stranger, *PUT, **put) == "NOT_FROM_HERE"
    assert await n.refused(villager, *PUT, **{**put, "nomineeId": who[villager]}) == "OWN_MATTER"
    assert await n.refused(villager, *PUT, **{**put, "origin": " "}) == "EMPTY_TEXT"
    assert await n.refused(villager, *PUT, **{**put, "bodyId": c.body}) == "NOT_AN_HONORARY_COUNCIL"
    made = (await n.do(villager, *PUT, **put))["nomination"]["id"]
    assert await n.refused(villager, *PUT, **put) == "ALREADY_PUT_FORWARD"
    assert await n.refused(*FILL, **seat) == "NOMINATION_NEEDED"

    # Until it is confirmed it is for those who take part; why, for them alone.
    seen = "query($i: ID!) { node(id: $i) { ... on CouncilsNomination { state origin contribution } } }"
    for login in (villager, nominee, "clerk"):
        assert (await n.ask(login, seen, i=made))["node"] == {"state": "PROPOSED", **WORDS}, login
    assert (await n.ask(stranger, seen, i=made))["node"] is None
    assert await n.refused(villager, *CONFIRM, nominationId=made, reference="x") == "NOT_PERMITTED"
    assert await n.refused("clerk", *CONFIRM, nominationId=made, reference=" ") == "WHAT_CONFIRMS"
    done = await n.do("clerk", *CONFIRM, nominationId=made, reference="村民会议第 3 号记录")
    assert done["nomination"] == {"state": "CONFIRMED", "reference": "村民会议第 3 号记录", "resolution": None}
    hidden = {"state": "CONFIRMED", "origin": None, "contribution": None}
    assert (await n.ask(stranger, seen, i=made))["node"] == hidden

    # It fills one seat.
    sits = (await n.do(*FILL, **seat))["seat"]["id"]
    assert await n.refused("clerk", *DECLINE, nominationId=made, answer="否") == "NOMINATION_STATE"
    assert (await n.ask(None, seen, i=made))["node"]["state"] == "SEATED"
    await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=sits, because="RESIGNED")
    assert await n.refused(*FILL, **seat) == "NOMINATION_NEEDED"


async def test_who_nominated_does_not_confirm_and_a_resolution_of_the_villagers_does(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="REPRESENTATIVES", name="村民代表会议")
    body = await c.found(name="西山社乡贤会", kind="RESPECTED_VILLAGERS", size=3)
    other = await c.found(name="理事会", kind="RESIDENTS_COUNCIL", size=3)
    put = {"bodyId": body, "nomineeId": await c.resident("侨亲", "haihong"), **WORDS}
    made = (await n.do("clerk", *PUT, **put))["nomination"]["id"]
    assert await n.refused("clerk", *CONFIRM, nominationId=made, reference="会议") == "OWN_MATTER"
    (item, rejected) = await c.session("确认乡贤", "另一事项", matter="OTHER", concernsId=put["nomineeId"])
    failed = await c.decide(rejected, 1, 4)
    confirm = {"nominationId": made}
    assert await n.refused("admin", *CONFIRM, **confirm, resolutionId=failed["id"]) == "WHAT_CONFIRMS"
    resolution = (await c.decide(item, 5))["id"]
    done = await n.do("admin", *CONFIRM, **confirm, resolutionId=resolution)
    assert done["nomination"]["resolution"] == {"id": resolution}

    # One that another body resolved is none of the village's.
    second = (await n.do("clerk", *PUT, **{**put, "nomineeId": await c.resident("乡友", "haihong")}))["nomination"][
        "id"
    ]
    beside = Council(n, c.area, other)
    for number in range(3):
        await beside.seat(await beside.resident(f"理事{number}"), name=f"理事{number}")
    (theirs,) = await beside.session("确认乡贤", matter="OTHER")
    theirs = (await beside.decide(theirs, 3))["id"]
    assert await n.refused("admin", *CONFIRM, nominationId=second, resolutionId=theirs) == "WHAT_CONFIRMS"
    merge = {"keptId": put["nomineeId"], "goneId": await c.resident("乡友二", "haihong"), "reason": "重复登记"}
    await n.do("clerk", *PUT, **{**put, "nomineeId": merge["goneId"]})
    both = await n.refused("admin", "coreMergeActors", "actor { id }", **merge)
    assert both == "BOTH_NOMINATED"
    assert (await n.do("admin", *DECLINE, nominationId=second, answer="村民会议未通过"))["nomination"] == {
        "state": "DECLINED", "answer": "村民会议未通过",
    }  # fmt: skip


async def begun(n: Neighbourhood, **more: Any) -> tuple[Council, dict[str, Any]]:
    """A council and an honorary one beside it; what puts somebody forward for that."""
    c = await Council.begin(n, **({"size": 5, "members": 1} | more))
    body = await c.found(name="西山社乡贤会", kind="RESPECTED_VILLAGERS", size=3)
    return c, {"bodyId": body, "nomineeId": await c.resident("侨亲", "haihong"), **WORDS}


async def written(n: Neighbourhood, nomination: str, **values: Any) -> str:
    """What the database says to these values, past the rules."""

    async def run(work: Work) -> dict[str, Any]:
        row = await work.get(Nomination, split_global(nomination)[1])
        work.require("councils.seat.fill", row)
        work.change(row, state=NominationState.CONFIRMED, decided_at=work.now, **values)
        work.record("councils.nomination.confirmed", row, area_id=row.area_id)
        return {}

    try:
        await n.server.runtime.as_system(run)
    except Refusal as refused:
        return refused.code
    return "stored"


async def test_who_entered_a_nomination_does_not_confirm_it(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, put = await begun(n)
    (clerk,) = await n.newcomers(1, "xishan")
    person = await c.person(clerk)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=person, areaId=c.area, role="CLERK")
    desk = {"onBehalfOf": {"actorId": await c.resident("村民甲"), "basis": "WRITTEN", "evidence": "信"}}
    assert await n.refused(clerk, *PUT, **{**put, "nomineeId": person}, **desk) == "OWN_MATTER"
    made = (await n.do(clerk, *PUT, **put, **desk))["nomination"]["id"]
    assert await n.refused(clerk, *CONFIRM, nominationId=made, reference="会议") == "ENTERED_BY_YOU"
    assert await written(n, made, decided_by_id=split_global(person)[1], reference="会议") == "ENTERED_BY_YOU"
    await n.do("admin", *CONFIRM, nominationId=made, reference="会议")


async def test_only_a_later_resolution_about_them_confirms(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, put = await begun(n, kind="REPRESENTATIVES", name="村民代表会议", members=5)
    about = {"matter": "OTHER", "concernsId": put["nomineeId"]}
    (item,) = await c.session("乡贤", **about)
    before = (await c.decide(item, 5))["id"]
    n.clock.advance(timedelta(minutes=1))
    made = (await n.do("clerk", *PUT, **put))["nomination"]["id"]
    (pavilion,) = await c.session("修凉亭")
    other = (await c.decide(pavilion, 5))["id"]
    for resolution in (before, other):
        confirm = {"nominationId": made, "resolutionId": resolution}
        assert await n.refused("admin", *CONFIRM, **confirm) == "WHAT_CONFIRMS"
        raw = {"decided_by_id": new_id(), "resolution_id": split_global(resolution)[1]}
        assert await written(n, made, **raw) == "WHAT_CONFIRMS"
    (item,) = await c.session("确认乡贤", **about)
    await n.do("admin", *CONFIRM, nominationId=made, resolutionId=(await c.decide(item, 5))["id"])


async def test_a_nomination_has_a_way_back(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, put = await begun(n)
    made = (await n.do("clerk", *PUT, **put))["nomination"]["id"]
    await n.do("admin", *CONFIRM, nominationId=made, reference="记错了")
    erase = ("admin", "coreErasePerson", "")
    gone = {"personId": put["nomineeId"], "reason": "本人申请"}
    assert await n.refused(*erase, **gone) == "OPEN_MATTERS"
    done = await n.do("admin", *DECLINE, nominationId=made, answer="本人不愿")
    assert done["nomination"] == {"state": "DECLINED", "answer": "本人不愿"}
    assert await c.see(made, "state", None) is None  # and is for everybody no longer
    again = (await n.do("clerk", *PUT, **put))["nomination"]["id"]
    await n.do("admin", "councilsDissolveBody", "body { state }", bodyId=put["bodyId"], reason="合并")
    assert await n.refused("admin", *CONFIRM, nominationId=again, reference="会议") == "BODY_DISSOLVED"
    assert await written(n, again, decided_by_id=new_id(), reference="会议") == "BODY_DISSOLVED"
    await n.do("admin", *DECLINE, nominationId=again, answer="理事会已撤销")
    await n.do(*erase, **gone)


async def test_who_decided_it_may_prove_to_be_who_nominated(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c, put = await begun(n)
    villager = await c.resident("村民甲")
    desk = {"onBehalfOf": {"actorId": villager, "basis": "WRITTEN", "evidence": "信"}}
    made = (await n.do("clerk", *PUT, **put, **desk))["nomination"]["id"]
    (other,) = await n.newcomers(1, "xishan")
    person = await c.person(other)
    await n.do("admin", "coreGrantRole", "roleGrant { id }", actorId=person, areaId=c.area, role="CLERK")
    await n.do(other, *CONFIRM, nominationId=made, reference="会议")
    preview = "query($k: ID!, $g: ID!) { coreMergePreview(keptId: $k, goneId: $g) { possible } }"
    assert (await n.ask("admin", preview, k=person, g=villager))["coreMergePreview"]["possible"]
    await n.do("admin", "coreMergeActors", "actor { id }", keptId=person, goneId=villager, reason="重复登记")


async def test_the_database_asks_for_the_village_too(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="RESPECTED_VILLAGERS", name="西山社乡贤会", members=1)
    nominee = await c.resident("侨亲", "haihong")
    made = (await n.do("clerk", *PUT, bodyId=c.body, nomineeId=nominee, **WORDS))["nomination"]["id"]

    async def seated(work: Work) -> None:
        row = await work.get(Seat, split_global(c.seats["议员0"])[1])
        copy = {f: getattr(row, f) for f in ("area_id", "body_id", "category", "categories", "office", "via", "is_voting",
                                             "state", "term_start", "term_end")}  # fmt: skip
        work.add(Seat(id=new_id(), holder_id=split_global(nominee)[1], mandate_of_id=None, **copy))

    async def confirmed(work: Work, **more: Any) -> None:
        row = await work.get(Nomination, split_global(made)[1])
        work.change(row, state=NominationState.CONFIRMED, decided_at=work.now, **more)

    async def by_whoever_nominated(work: Work) -> None:
        row = await work.get(Nomination, split_global(made)[1])
        await confirmed(work, decided_by_id=row.nominated_by_id, reference="会议")

    async def by_nothing(work: Work) -> None:
        await confirmed(work, decided_by_id=new_id())

    for cheat, code in (
        (seated, "NOMINATION_NEEDED"),
        (by_whoever_nominated, "OWN_MATTER"),
        (by_nothing, "WHAT_CONFIRMS"),
    ):

        async def rule(work: Work, cheat: Any = cheat) -> dict[str, Any]:
            await cheat(work)
            row = await work.get(Nomination, split_global(made)[1])
            work.require("councils.seat.fill", row)
            work.record("councils.nomination.confirmed", row, area_id=row.area_id)
            return {}

        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(rule)
        assert refused.value.code == code
