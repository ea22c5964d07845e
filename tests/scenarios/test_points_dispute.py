"""A dispute over points: earned, given by hand, doubted while half of them is spent, decided by somebody else, taken back
when they are there; then a ranking in which people catch up. Over HTTP, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.access import ANONYMOUS
from core.testing.kit import Neighbourhood, Refused

pytestmark = [pytest.mark.anyio, pytest.mark.needs("points")]

OPERATIONS = Path(__file__).parent.parent / "schema" / "operations" / "points"
STANDINGS = """query($a: ID!, $p: String!) { pointsRanking(areaId: $a, kind: PERSON, period: $p) {
  totalCount nodes { place points previousRank gapToNext actor { id } } } }"""
CLOSED = """query($p: String!) { pointsClosedRankings(where: {period: {eq: $p}}) { nodes { places {
  totalCount nodes { place points previousRank gapToNext actor { id } } } } } }"""


async def me(n: Neighbourhood, login: str) -> str:
    return str((await n.ask(login, "{ viewer { id } }"))["viewer"]["id"])


async def gather(n: Neighbourhood, when: datetime, *actors: str) -> None:
    """A clean-up at that time, attended by these."""
    committee = await n.actor_id("西山社村民委员会")
    made = await n.do(
        "custodian", "coreOrganiseActivity", "activity { id }", areaId=await n.area_id("xishan"), title="清洁日",
        startsAt=when.isoformat(), endsAt=(when + timedelta(hours=2)).isoformat(), actingFor=committee,
    )  # fmt: skip
    activity = {"activityId": made["activity"]["id"], "actingFor": committee}
    await n.do("custodian", "coreOpenActivity", "activity { id }", **activity)
    n.clock.set(when + timedelta(hours=1))
    for actor in actors:
        await n.do("custodian", "coreAttendActivity", "participation { id }", **activity, actorId=actor)
    await n.delivered()


async def account(n: Neighbourhood, who: str | None, actor: str) -> dict[str, Any] | None:
    query = """query($c: ID!) { pointsAccounts(where: {actor: {id: {eq: $c}}}) { nodes { id balance held owed
      entries(orderBy: OCCURRED_AT_ASC) { nodes { id kind amount } } } } }"""
    found = (await n.ask(who, query, c=actor))["pointsAccounts"]["nodes"]
    return found[0] if found else None


async def test_a_dispute_over_points(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang, xishan = await n.area_id("haicang"), await n.area_id("xishan")
    team = await n.actor_id("海虹志愿服务队")
    people = await n.newcomers(6, "xishan")
    referee, member, leader = await n.newcomers(3, "haihong")
    ids = [await me(n, login) for login in people]
    first = n.clock.start_of((n.clock.today().replace(day=1) + timedelta(days=32)).replace(day=1))
    second = n.clock.start_of((n.clock.civil_date(first) + timedelta(days=32)).replace(day=1))
    month, next_month = (f"{n.clock.civil_date(m):%Y-%m}" for m in (first, second))
    n.clock.set(first)
    for login, role in ((referee, "AREA_ADMIN"), (member, "AREA_ADMIN"), ("clerk", "CLERK")):
        await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role=role, areaId=haicang, actorId=await me(n, login)
        )  # fmt: skip
    await n.do(
        "admin", "coreAddMembership", "membership { id }",
        actorId=await me(n, member), organizationId=team, role="MEMBER", since="2024-01-01",
    )  # fmt: skip
    await n.do(
        "admin", "coreGiveMandate", "mandate { id }",
        personId=await me(n, leader), organizationId=team, areaId=haicang,
    )  # fmt: skip

    # A rule is set for what is really sent out; a typo is told. The second edition retires the first.
    rule = {"areaId": haicang, "eventType": "core.activity.attended", "points": 10}
    with pytest.raises(Refused) as caught:
        await n.do("admin", "pointsSetRule", "rule { id }", **rule | {"eventType": "core.activity.atended"})
    assert caught.value.codes == ["UNKNOWN_EVENT_TYPE"]
    assert "core.activity.attended?" in caught.value.errors[0]["message"]
    assert rule["eventType"] in (await n.ask(None, "{ pointsEventTypes }"))["pointsEventTypes"]
    one = await n.do("admin", "pointsSetRule", "rule { id state }", **rule)
    n.clock.advance(timedelta(hours=1))
    two = await n.do(
        "admin", "pointsSetRule", "rule { id replaces { id state } }", capPerPeriod=30, capPeriod="MONTH", **rule
    )
    assert two["rule"]["replaces"] == {"id": one["rule"]["id"], "state": "RETIRED"}

    # Three clean-ups in the first month.
    await gather(n, first + timedelta(days=1, hours=9), *ids)
    await gather(n, first + timedelta(days=8, hours=9), *ids[:4])
    await gather(n, first + timedelta(days=15, hours=9), *ids[:2])

    # Points by hand need evidence and a second person, and that is nobody of the team.
    grant = {"areaId": haicang, "actorId": team, "amount": 50, "reason": "台风夜值守"}
    assert await n.refused("clerk", "pointsGrantManual", "grant { id }", **grant, evidence=" ") == "EMPTY_TEXT"
    too_much = grant | {"amount": 101, "evidence": "值班表"}
    assert await n.refused("clerk", "pointsGrantManual", "grant { id }", **too_much) == "MANUAL_LIMIT"
    assert await n.refused(member, "pointsGrantManual", "grant { id }", **grant, evidence="值班表") == "OWN_MATTER"
    declared = (await n.do("clerk", "pointsGrantManual", "grant { id state }", **grant, evidence="值班表"))["grant"]
    assert declared["state"] == "PENDING"
    decide = {"grantId": declared["id"], "confirm": True}
    assert await n.refused("clerk", "pointsDecideGrant", "grant { id }", **decide) == "OWN_MATTER"
    assert await n.refused(member, "pointsDecideGrant", "grant { id }", **decide) == "OWN_MATTER"
    await n.do("admin", "pointsDecideGrant", "grant { state }", **decide)
    assert await n.refused(referee, "pointsDecideGrant", "grant { id }", **decide) == "GRANT_DECIDED"
    seen = await n.ask(None, "{ pointsGrants { nodes { amount evidence actor { name } decidedBy { name } } } }")
    assert seen["pointsGrants"]["nodes"] == [
        {"amount": 50, "evidence": None, "actor": {"name": "海虹志愿服务队"}, "decidedBy": {"name": "林*敏"}}
    ]

    # Two umbrellas for 40 points; one is handed out.
    umbrella = (await n.do(
        "clerk", "pointsListReward", "reward { id }", areaId=haicang, title="雨伞", cost=20, stock=5, limitPerActor=2,
    ))["reward"]["id"]  # fmt: skip
    redeem: dict[str, Any] = {"rewardId": umbrella, "actingFor": team}
    handed = (await n.do(leader, "pointsRedeem", "redemption { id state }", **redeem))["redemption"]["id"]
    kept = await n.do(leader, "pointsRedeem", "redemption { id } reward { stock }", **redeem)
    assert kept["reward"]["stock"] == 3
    assert await n.refused(leader, "pointsRedeem", "redemption { id }", **redeem) == "REWARD_LIMIT"
    hand_out = {"redemptionId": handed, "receipt": "王队长签收"}
    assert await n.refused(member, "pointsDeliverRedemption", "redemption { id }", **hand_out) == "OWN_MATTER"
    await n.do("clerk", "pointsDeliverRedemption", "redemption { state }", **hand_out)

    # A resident doubts the 50 points. Nothing is redeemed any more; awards still come.
    before = await account(n, None, team)
    assert before is not None and (before["balance"], before["held"]) == (10, False)
    given = next(e["id"] for e in before["entries"]["nodes"] if e["kind"] == "MANUAL")
    doubt = {"entryId": given, "reason": "当晚值守的不是他们"}
    dispute = (await n.do("resident", "pointsOpenDispute", "dispute { id state account { held } }", **doubt))["dispute"]
    assert dispute["state"] == "OPEN" and dispute["account"]["held"] is True
    assert await n.refused("resident", "pointsOpenDispute", "dispute { id }", **doubt) == "ALREADY_DISPUTED"
    assert await n.refused(leader, "pointsRedeem", "redemption { id }", **redeem) == "ACCOUNT_HELD"
    waiting = {"redemptionId": kept["redemption"]["id"]}
    late = await n.refused("clerk", "pointsDeliverRedemption", "redemption { id }", **waiting, receipt="签收")
    assert late == "ACCOUNT_HELD"
    await gather(n, first + timedelta(days=20, hours=9), team)
    held = await account(n, None, team)
    assert held is not None and (held["balance"], held["held"]) == (20, True)

    # Nobody decides who opened it, declared it, confirmed it, or belongs to the team (INV10).
    answer = {"disputeId": dispute["id"], "upheld": True, "answer": "值班表查无此队"}
    assert await n.refused("resident", "pointsResolveDispute", "dispute { id }", **answer) == "NOT_PERMITTED"
    for involved in ("clerk", "admin", member):
        assert await n.refused(involved, "pointsResolveDispute", "dispute { id }", **answer) == "OWN_MATTER"
    await n.do(referee, "pointsResolveDispute", "dispute { state }", **answer)
    assert await n.refused(referee, "pointsResolveDispute", "dispute { id }", **answer) == "DISPUTE_DECIDED"

    # 50 must go, 20 are there: the account stays held, and pays as soon as it can. Never below zero (INV1).
    owing = await account(n, None, team)
    assert owing is not None and (owing["balance"], owing["owed"], owing["held"]) == (20, 50, True)
    assert (await n.due())["points.pending_reversals"] == 0
    back = await n.do(
        leader, "pointsCancelRedemption", "redemption { state }", **waiting, reason="不要了", actingFor=team
    )
    assert back["redemption"]["state"] == "CANCELLED"
    await gather(n, first + timedelta(days=22, hours=9), team)
    assert (await n.due())["points.pending_reversals"] == 1
    assert (await n.due())["points.pending_reversals"] == 0
    settled = await account(n, None, team)
    assert settled is not None and (settled["balance"], settled["owed"], settled["held"]) == (0, 0, False)
    assert [(e["kind"], e["amount"]) for e in settled["entries"]["nodes"]] == [
        ("MANUAL", 50), ("REDEMPTION", -20), ("REDEMPTION", -20), ("AWARD", 10), ("REVERSAL", 20), ("AWARD", 10),
        ("REVERSAL", -50),
    ]  # fmt: skip
    stock = await n.ask(None, "query($i: ID!) { pointsReward(id: $i) { stock } }", i=umbrella)
    assert stock["pointsReward"]["stock"] == 4

    # A second doubt is not upheld: all stays, and the account is free.
    award = next(e["id"] for e in settled["entries"]["nodes"] if e["kind"] == "AWARD")
    groundless = await n.do("resident", "pointsOpenDispute", "dispute { id }", entryId=award, reason="没见到他们")
    no = {"disputeId": groundless["dispute"]["id"], "upheld": False, "answer": "签到表有照片"}
    await n.do(referee, "pointsResolveDispute", "dispute { state }", **no)
    assert await account(n, None, team) == settled
    shown = await n.ask("resident", "{ pointsDisputes { nodes { state answer } } }")
    assert shown["pointsDisputes"]["nodes"] == [
        {"state": "REJECTED", "answer": "签到表有照片"}, {"state": "UPHELD", "answer": "值班表查无此队"},
    ]  # fmt: skip
    assert (await n.ask(people[0], "{ pointsDisputes { totalCount } }"))["pointsDisputes"]["totalCount"] == 0

    # The points of people are theirs (INV14): others neither see nor dispute them.
    mine = await account(n, people[0], ids[0])
    assert mine is not None and mine["balance"] == 30
    assert await account(n, people[1], ids[0]) is None
    assert await account(n, None, ids[0]) is None
    balance = "query($c: ID!) { node(id: $c) { ... on Person { pointsBalance } } }"
    assert (await n.ask(people[1], balance, c=ids[0]))["node"] == {"pointsBalance": None}
    theirs = {"entryId": mine["entries"]["nodes"][0]["id"], "reason": "嫉妒"}
    assert await n.refused(people[1], "pointsOpenDispute", "dispute { id }", **theirs) == "NOT_FOUND"
    own = await n.do(people[0], "pointsOpenDispute", "dispute { id }", accountId=mine["id"], reason="少了一次")
    no = {"disputeId": own["dispute"]["id"], "upheld": False, "answer": "已核对"}
    await n.do("clerk", "pointsResolveDispute", "dispute { id }", **no)

    # The month is over: its ranking is frozen.
    close = {"areaId": haicang, "kind": "PERSON"}
    early = await n.refused("admin", "pointsCloseRanking", "ranking { id }", **close, period=month)
    assert early == "PERIOD_NOT_OVER"
    n.clock.set(second)
    await n.do("admin", "pointsCloseRanking", "ranking { id }", **close, period=month)
    assert await n.refused("admin", "pointsCloseRanking", "ranking { id }", **close, period=month) == "RANKING_CLOSED"

    # In the next one 6 catches up, until the cap of 30 a month.
    await gather(n, second + timedelta(days=1, hours=9), *ids)
    await gather(n, second + timedelta(days=8, hours=9), ids[5], ids[0], ids[1])
    await gather(n, second + timedelta(days=15, hours=9), ids[5])
    await gather(n, second + timedelta(days=22, hours=9), ids[5])
    log = await n.ask("admin", '{ events(where: {type: {eq: "points.award.capped"}}) { nodes { data } } }')
    assert [(e["data"]["actor"], e["data"]["cut"]) for e in log["events"]["nodes"]] == [
        (ids[5].removeprefix("actor_"), 10)
    ]

    everyone = [
        (1, 30, 5, None, ids[5]), (2, 20, 1, 10, ids[0]), (2, 20, 1, 10, ids[1]), (4, 10, 3, 10, ids[2]),
        (4, 10, 3, 10, ids[3]), (4, 10, 5, 10, ids[4]),
    ]  # fmt: skip
    # Who came up from the lower half shows where they were only to themselves.
    upper = [(1, 30, None, None, ids[5]), *everyone[1:3]]

    async def check(query: str, where: str) -> None:
        async def standings(who: str | None) -> list[Any]:
            answer = await n.ask(who, query, **({"a": haicang} if query is STANDINGS else {}), p=next_month)
            page = (
                answer["pointsRanking"] if query is STANDINGS else answer["pointsClosedRankings"]["nodes"][0]["places"]
            )
            rows = [
                (r["place"], r["points"], r["previousRank"], r["gapToNext"], r["actor"]["id"]) for r in page["nodes"]
            ]
            assert page["totalCount"] == len(rows), (where, who)
            return sorted(rows, key=lambda r: (r[0], r[4]))

        def ordered(rows: list[Any]) -> list[Any]:
            return sorted(rows, key=lambda r: (r[0], r[4]))

        assert await standings("admin") == ordered(everyone), where
        assert await standings(None) == ordered(upper), where
        assert await standings(people[0]) == ordered(upper), where
        assert await standings(people[4]) == ordered([*upper, everyone[5]]), where
        assert await standings(people[5]) == ordered([everyone[0], *upper[1:]]), where

    await check(STANDINGS, "live")
    n.clock.set(n.clock.start_of((n.clock.civil_date(second) + timedelta(days=32)).replace(day=1)))
    await n.do("admin", "pointsCloseRanking", "ranking { id }", **close, period=next_month)
    await check(CLOSED, "closed")

    # What is closed stays, whatever happens to the entries; the live list follows them.
    entries = (await account(n, "admin", ids[5]) or {})["entries"]["nodes"]
    await n.do("admin", "pointsReverse", "entry { amount }", entryId=entries[-1]["id"], reason="记错了")
    await check(CLOSED, "closed")
    live = await n.ask("admin", STANDINGS, a=haicang, p=next_month)
    assert [r["points"] for r in live["pointsRanking"]["nodes"]] == [20, 20, 20, 10, 10, 10]

    # The planner answers what plain execution answers, for everybody.
    await n.server.runtime.dispatcher.stop()
    documents = [(path.read_text("utf-8"), {"area": haicang}) for path in sorted(OPERATIONS.glob("*.graphql"))]
    assert len(documents) == 2
    for query, values in ((STANDINGS, {"a": xishan, "p": next_month}), (CLOSED, {"p": month}), *documents):
        values = {name: value for name, value in values.items() if f"${name}:" in query}
        for login in (None, people[4], leader, "admin"):
            viewer = await n.viewer(login) if login else ANONYMOUS
            planned = orjson.loads(orjson.dumps(await n.server.graphql.execute(query, values, viewer=viewer)))
            plain = orjson.loads(orjson.dumps(await n.server.graphql.execute(query, values, viewer=viewer, plain=True)))
            assert "errors" not in planned and planned == plain, (query, login)
