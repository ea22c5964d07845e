"""M11 and M13 from end to end: 西山社 gives its charter a fixed share of enterprise seats; two enterprises sit, one sends somebody
else, one leaves, a third takes its place; the council decides what it may. Then a compact is kept and reviewed, a concern
answered twice, a problem solved and confirmed; and the mechanism goes off and on."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

pytest.importorskip("plugins.enterprise_council")

from core.testing.kit import Neighbourhood
from tests.kits.enterprise_council import CoBuilding, enterprises

pytestmark = [pytest.mark.anyio, pytest.mark.needs("enterprise_council")]


async def test_enterprises_sit_promise_ask_and_help(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    c = await CoBuilding.begin(n, size=6, members=4, name="西山社居民议事")

    # (1) The members vote a charter: a third of eight seats is the enterprises', rounded to the nearest.
    await c.charter({"bodyId": c.body, "size": 7, "seatRules": [enterprises(1, 3, rounding="NEAREST")]})
    assert await c.share() == {"size": 7, "seats": 2, "taken": 0, "isWhole": False, "isValid": False}

    # (2) Two enterprises take the seats; out of composition until then, funds are not decided about.
    jia, yi, bing = [await c.enterprise(f"企业{name}") for name in ("子", "丑", "寅")]
    first = await c.seat(jia)
    listed, _ = await c.meet("FUNDS", "ACTIVITIES")
    assert await c.decide(listed, 4) == "COMPOSITION_DEFECT"
    second = await c.seat(yi)
    assert await c.decide(listed, 5) in ("EFFECTIVE", "ADOPTED")
    assert await n.refused(
        "clerk", "enterpriseCouncilSeatEnterprise", "seat { id }", **c.seating(bing)
    ) == "CATEGORY_FULL"  # fmt: skip

    # (3) 企业子 sends somebody else; 企业丑 moves away, and 企业寅 takes the seat.
    _, other = await c.newcomer()
    await c.mandate(other, jia.id)
    await n.do(
        jia.login, "enterpriseCouncilReplaceRepresentative", "seat { id }", seatId=first, representativeId=other,
        letter="委派函 2 号", actingFor=jia.id,
    )  # fmt: skip
    await n.do(
        "admin", "coreEndMembership", "membership { id }", membershipId=yi.membership, until=n.clock.today().isoformat()
    )
    await n.delivered()
    await c.days(1)
    assert (await c.see(second, "endedBecause"))["endedBecause"] == "LEFT_AREA"
    assert (await c.share() or {})["isValid"] is False
    third = await c.seat(bing)
    assert (await c.share() or {})["isValid"] is True
    history = await n.ask(
        None,
        "query($b: ID!) { enterpriseCouncilSeats(where: {bodyId: {eq: $b}}, orderBy: SINCE_ASC) {"
        " nodes { number state enterprise { name } representative { id } } } }",
        b=c.body,
    )
    assert [(s["number"], s["state"], s["enterprise"]["name"]) for s in history["enterpriseCouncilSeats"]["nodes"]] == [
        (1, "HELD", "企业子"), (2, "ENDED", "企业丑"), (2, "HELD", "企业寅"),
    ]  # fmt: skip
    assert history["enterpriseCouncilSeats"]["nodes"][0]["representative"]["id"] == other

    # (4) A compact with the village, kept by one side; reviewed by nobody who is in it.
    village = await n.actor_id("西山社村民委员会")
    villager, person = await c.newcomer()
    await c.mandate(person, village)
    begins = n.clock.today()
    due = begins + timedelta(days=30)
    compact = (
        await n.do(
            jia.login, "enterpriseCouncilProposeCompact", "compact { id }", areaId=c.area, title="共建公约",
            startsOn=begins.isoformat(), actingFor=jia.id,
            parties=[{"actorId": jia.id, "role": "ENTERPRISE"}, {"actorId": village, "role": "VILLAGE"}],
            commitments=[
                {"partyId": jia.id, "text": "招工 20 人", "dueOn": due.isoformat()},
                {"partyId": village, "text": "划停车位", "dueOn": due.isoformat()},
            ],
        )
    )["compact"]["id"]  # fmt: skip
    for login, party in ((jia.login, jia.id), (villager, village)):
        await n.do(login, "enterpriseCouncilSignCompact", "compact { state }", compactId=compact, actingFor=party)
    promised = await c.see(compact, "state commitments { nodes { id role } }")
    ours = next(p["id"] for p in promised["commitments"]["nodes"] if p["role"] == "ENTERPRISE")
    await n.do(
        jia.login, "enterpriseCouncilDeliverCommitment", "commitment { id }", commitmentId=ours, report="21 人",
        evidence=["花名册"], actingFor=jia.id,
    )  # fmt: skip
    await n.do(
        villager, "enterpriseCouncilConfirmDelivery", "commitment { state }", commitmentId=ours, isDelivered=True,
        actingFor=village,
    )  # fmt: skip
    year = due.year
    await c.days((date(year + 1, 1, 1) - n.clock.today()).days)
    review: dict[str, Any] = {"compactId": compact, "year": year, "findings": "企业守约,村里逾期。"}
    got = await n.do("admin", "enterpriseCouncilReviewCompact", "review { due delivered confirmed late }", **review)
    assert got["review"] == {"due": 2, "delivered": 1, "confirmed": 1, "late": 1}

    # (5) A concern, answered, not enough, answered again; a problem the enterprise solves, and the community confirms.
    concern = (
        await n.do(
            jia.login, "enterpriseCouncilRaiseConcern", "concern { id }", areaId=c.area, title="夜班无车", details="-",
            actingFor=jia.id,
        )
    )["concern"]["id"]  # fmt: skip
    await n.do("clerk", "enterpriseCouncilAssignConcern", "concern { id }", concernId=concern, ownerId=village)
    for reply, enough in (("研究中", False), ("下月加开 22:30 班次", True)):
        await n.do(
            villager, "enterpriseCouncilAnswerConcern", "concern { id }", concernId=concern, reply=reply,
            actingFor=village,
        )  # fmt: skip
        await n.do(
            jia.login, "enterpriseCouncilCloseConcern", "concern { id }", concernId=concern, isSatisfied=enough,
            response="请说明日期", actingFor=jia.id,
        )  # fmt: skip
    assert await c.see(concern, "state round reply", jia.login) == {
        "state": "CLOSED", "round": 2, "reply": "下月加开 22:30 班次",
    }  # fmt: skip
    case = (
        await n.do(
            jia.login, "enterpriseCouncilDeclareSelfHelp", "selfHelp { id }", areaId=c.area, title="水沟堵塞", problem="积水",
            actingFor=jia.id,
        )
    )["selfHelp"]["id"]  # fmt: skip
    hat = {"selfHelpId": case, "actingFor": jia.id}
    await n.do(jia.login, "enterpriseCouncilFileStudy", "selfHelp { id }", study="清淤", **hat)
    await n.do(jia.login, "enterpriseCouncilFileSolution", "selfHelp { id }", solution="已清", evidence=["照片"], **hat)
    await n.do("clerk", "enterpriseCouncilConfirmSolution", "selfHelp { id }", selfHelpId=case, outcome="排水通畅")

    # (6) Off, the council is one of four; on again, nothing is lost.
    await c.toggle("OFF")
    assert await c.see(c.body, "filledSeats suspendedSeats isValid") == {
        "filledSeats": 4, "suspendedSeats": 2, "isValid": True,
    }  # fmt: skip
    gone = "query($i: ID!) { enterpriseCouncilCompact(id: $i) { title } }"
    assert (await n.ask(None, gone, i=compact))["enterpriseCouncilCompact"] is None
    await c.toggle("ON")
    assert await c.share() == {"size": 7, "seats": 2, "taken": 2, "isWhole": True, "isValid": True}
    assert (await c.see(third, "state"))["state"] == "HELD"
    assert (await n.ask(None, gone, i=compact))["enterpriseCouncilCompact"] == {"title": "共建公约"}
    assert await c.see(case, "state outcome", None) == {"state": "CONFIRMED", "outcome": "排水通畅"}
