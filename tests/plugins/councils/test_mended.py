"""What a sceptic found: how a notice, an officer, an old paper or an empty seat might have decided for the members."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import Refusal
from core.ids import new_id, split_global
from core.testing.kit import Neighbourhood, Refused
from core.work import Work
from plugins.councils.models import Body, Charter, Delegation, Resolution
from plugins.councils.terms import CharterState, Matter
from tests.kits.councils import Council

pytestmark = pytest.mark.anyio

PASS = ("councilsPassResolution", "resolution { id state eligible recused votesFor }")


async def chaired(n: Neighbourhood, *, size: int = 5, members: int = 4, **more: str) -> tuple[Council, str, str]:
    """A council with a chair who has an account; their login and their actor."""
    c = await Council.begin(n, size=size, members=members, **more)
    (login,) = await n.newcomers(1, "xishan")
    me = await c.person(login)
    await n.do(
        "admin",
        "coreAddMembership",
        "membership { id }",
        actorId=me,
        areaId=c.area,
        role="RESIDENT",
        since="2024-05-01",
    )
    await c.seat(me, name=login, office="CHAIR")
    return c, login, me


@pytest.mark.needs("disclosure")
async def test_a_notice_of_another_area_voids_neither_resolution_nor_charter(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n)
    charter = await c.draft("公示中的章程")
    assert await c.adopt(charter) == "ADOPTED"
    (item,) = await c.session("动用集体资金修桥", matter="FUNDS")
    resolution = (await c.decide(item, 5))["id"]
    elsewhere = await n.area_id("haihong")
    logins = await n.newcomers(2, "haihong")
    for login in logins:
        await n.do(
            "admin",
            "coreGrantRole",
            "roleGrant { id }",
            role="AREA_ADMIN",
            areaId=elsewhere,
            actorId=await c.person(login),
        )
    for subject in (resolution, charter):
        try:
            draft = await n.do(
                logins[0], "disclosureDraft", "notice { id }", areaId=elsewhere, kind="x", title="t", body="b",
                subjectId=subject,
            )  # fmt: skip
        except Refused:
            continue  # where nobody publishes about what lies elsewhere
        notice = draft["notice"]["id"]
        await n.do(logins[0], "disclosurePublish", "notice { state }", noticeId=notice)
        objection = await n.do("resident", "disclosureObject", "objection { id }", noticeId=notice, text="z")
        await n.do(
            logins[1], "disclosureAnswerObjection", "objection { id }", objectionId=objection["objection"]["id"],
            uphold=True, answer="y",
        )  # fmt: skip
    await c.days(30)
    assert (await c.see(resolution, "state"))["state"] != "OVERTURNED"
    assert (await c.see(charter, "state"))["state"] == "ADOPTED"


async def test_a_chair_lets_nobody_else_keep_out_and_an_emptied_meeting_decides_nothing(
    neighbourhood: Neighbourhood,
) -> None:
    n = neighbourhood
    c, chair, me = await chaired(n)
    first = next(iter(c.seats))
    mine = await c.propose("补助理事长", "PERSONNEL", concernsId=me)
    decline = (chair, "councilsDeclineItem", "item { id }")
    assert await n.refused(*decline, itemId=mine, answer="不议") == "OWN_MATTER"
    wrong = await c.propose("安排活动", "FUNDS", concernsId=me)
    correct = ("councilsCorrectItem", "item { matter concerns { id } }")
    assert await n.refused(chair, *correct, itemId=wrong, concernsNobody=True) == "NOT_PERMITTED"
    done = await n.do("clerk", *correct, itemId=wrong, matter="ACTIVITIES", concernsNobody=True)
    assert done["item"] == {"matter": "ACTIVITIES", "concerns": None}
    await c.open(await c.call(wrong))
    keep_out = ("councilsRecuse", "recusal { isAutomatic }")
    assert await n.refused(chair, *keep_out, itemId=wrong, seatId=c.seats[first]) == "NOT_PERMITTED"
    assert await n.refused("clerk", *keep_out, itemId=wrong, seatId=c.seats[first]) == "EMPTY_TEXT"
    await n.do("clerk", *keep_out, itemId=wrong, seatId=c.seats[first], reason="亲属")
    for seat in [seat for name, seat in c.seats.items() if name != chair][:3]:
        await n.do("admin", "councilsVacateSeat", "seat { id }", seatId=seat, because="OTHER")
    for name in ("新任一", "新任二", "新任三"):
        await c.seat(await c.resident(name), name=name)
    assert await n.refused("clerk", *PASS, itemId=wrong, text="x", votesFor=1, votesAgainst=0) == "NO_QUORUM"


async def test_an_old_version_undoes_no_newer_charter(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    old, new = await c.draft("旧"), await c.draft("新")
    assert await c.adopt(old) == "ADOPTED"
    assert await c.adopt(new) == "ADOPTED"
    await c.noticed()
    await c.enact(new)
    assert (await c.see(old, "state"))["state"] == "REJECTED"
    assert await n.refused("clerk", "councilsEnactCharter", "charter { id }", charterId=old) == "CHARTER_STATE"
    assert (await c.see(new, "state"))["state"] == "IN_FORCE"


async def test_an_assembly_s_electorate_is_no_smaller_than_the_residents_known(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=5)
    charter = await c.draft("一人章程")
    await n.do("clerk", "councilsConsult", "charter { id }", charterId=charter)
    n.clock.advance(timedelta(days=16))
    submit = ("clerk", "councilsSubmitCharter", "charter { id }")
    for few in (None, 1, 4):
        vote = {"charterId": charter, "byBallot": False, "electorate": few}
        assert await n.refused(*submit, **vote) == "ELECTORATE_TOO_SMALL"

    async def cheat(work: Work) -> dict[str, Any]:
        row = await work.lock(Charter, split_global(charter)[1])
        work.require("councils.charter.draft", row)
        work.change(row, state=CharterState.VOTING, quorum_percent=50, majority_percent=50, electorate=1)
        work.record("councils.charter.submitted", row, area_id=row.area_id)
        return {}

    with pytest.raises(Refusal) as refused:
        await n.server.runtime.as_system(cheat)
    assert refused.value.code == "ELECTORATE_TOO_SMALL"
    assert await c.n.outcome(*submit, charterId=charter, byBallot=False, electorate=120) == "done"


async def test_powers_come_only_by_charter_or_a_delegation_that_runs(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, kind="VILLAGERS_COUNCIL")
    government = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="GOVERNMENT_BODY", name="镇政府", areaId=c.area
    )
    later = (n.clock.today() + timedelta(days=400)).isoformat()
    soon = (n.clock.today() + timedelta(days=2)).isoformat()
    for title, more in (("尚未开始", {"since": later}), ("已到期", {"endsOn": soon})):
        await n.do(
            "admin",
            "councilsDelegateMatter",
            "delegation { id }",
            governmentId=government["actor"]["id"],
            bodyId=c.body,
            title=title,
            matter="ACTIVITIES",
            instrument="i",
            **more,
        )
    (item,) = await c.session("晚会", matter="ACTIVITIES")
    assert await n.refused("clerk", *PASS, itemId=item, text="x", votesFor=5, votesAgainst=0) == "MATTER_NOT_GIVEN"

    # Nor does the database let anybody: neither a decision outside the dates, nor other dates, nor powers by nobody.
    begins = n.clock.today() + timedelta(days=1)
    made = await n.do(
        "admin", "councilsDelegateMatter", "delegation { id }", governmentId=government["actor"]["id"], bodyId=c.body,
        title="明日起", matter="ACTIVITIES", instrument="i", since=begins.isoformat(),
    )  # fmt: skip
    n.clock.advance(timedelta(days=1))
    (early,) = await c.session("赶早", matter="ACTIVITIES")
    resolution = await c.decide(early, 5)
    assert resolution["state"] == "EFFECTIVE"

    async def copied(work: Work, **more: Any) -> None:
        row = await work.get(Resolution, split_global(resolution["id"])[1])
        values = {f: getattr(row, f) for f in row._meta.db_fields} | {"id": new_id(), "state": "CANCELLED", **more}
        values |= {"effective_at": None}
        work.add(Resolution(**values))
        work.require("councils.resolution.pass", row)
        work.record("councils.resolution.passed", row, area_id=row.area_id)

    async def before(work: Work) -> dict[str, Any]:
        await copied(work, put_on=begins - timedelta(days=1))
        return {}

    async def otherwise(work: Work) -> dict[str, Any]:
        row = await work.lock(Delegation, split_global(made["delegation"]["id"])[1])
        work.require("councils.delegate", row)
        work.change(row, since=begins - timedelta(days=9))
        work.record("councils.delegation.made", row, area_id=row.area_id)
        return {}

    async def by_nobody(work: Work) -> dict[str, Any]:
        row = await work.lock(Body, split_global(c.body)[1])
        work.require("councils.body.manage", row)
        work.change(row, matters=f"|{Matter.LAND}|")
        work.record("councils.body.changed", row, area_id=row.area_id)
        return {}

    for cheat, code in ((before, "MATTER_NOT_GIVEN"), (otherwise, "APPEND_ONLY"), (by_nobody, "ONLY_BY_CHARTER")):
        with pytest.raises(Refusal) as refused:
            await n.server.runtime.as_system(cheat)
        assert refused.value.code == code


async def test_a_seat_ends_with_its_mandate_and_begins_with_its_term(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, size=6, members=1)
    club = await n.do(
        "admin",
        "coreRegisterActor",
        "actor { id }",
        kind="ORGANIZATION",
        organizationKind="CLUB",
        name="社丙",
        areaId=c.area,
    )
    who, org = await c.person("resident"), club["actor"]["id"]
    give = ("admin", "coreGiveMandate", "mandate { id }")
    until = (n.clock.now() + timedelta(days=10)).isoformat()
    fill = ("admin", "councilsFillSeat", "seat { id }")
    seat = {"bodyId": c.body, "holderId": who, "category": "ORGANIZATION", "mandateOfId": org}
    await n.do(*give, personId=who, organizationId=org, areaId=await n.area_id("haihong"))
    assert await n.refused(*fill, **seat) == "SEAT_MANDATE"
    await n.do(*give, personId=who, organizationId=org, areaId=c.area, until=until)
    ahead = (n.clock.today() + timedelta(days=5)).isoformat()
    assert await n.refused(*fill, **seat, termStart=ahead) == "SEAT_TERM_AHEAD"
    other = await c.resident("另一代表")
    await n.do(*give, personId=other, organizationId=org, areaId=c.area, until=until)
    made = (await n.do(*fill, **{**seat, "holderId": other}))["seat"]["id"]
    await c.days(40)
    assert (await c.see(made, "state vacatedBecause")) == {"state": "VACATED", "vacatedBecause": "MANDATE_ENDED"}
    assert await n.refused(*fill, **seat) == "SEAT_MANDATE"


async def test_organizations_merge_though_a_body_of_one_was_dissolved(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await Council.begin(n, members=0)
    kept, gone = [
        (
            await n.do(
                "admin", "coreRegisterActor", "actor { id }", kind="ORGANIZATION", organizationKind="CLUB", name=name,
                areaId=c.area,
            )
        )["actor"]["id"]
        for name in ("社甲", "社甲二")
    ]  # fmt: skip
    body = await c.found(name="社乙会", organizationId=gone)
    await n.do("admin", "councilsDissolveBody", "body { id }", bodyId=body, reason="x")
    merge = ("admin", "coreMergeActors", "actor { id }")
    assert await c.n.outcome(*merge, keptId=kept, goneId=gone, reason="重复登记") == "done"
