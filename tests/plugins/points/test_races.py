"""Many hands at once: the last item, one confirmation, a dispute among awards."""

from __future__ import annotations

import asyncio

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.points import a_rule, balance, earned, person

pytestmark = pytest.mark.anyio


async def test_thirty_redemptions_of_the_last_item(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    rule = await a_rule(n)
    people = await n.newcomers(30, "xishan")
    for login in people:
        await earned(n, await person(n, login), 10, rule)
    reward = (await n.do(
        "admin", "pointsListReward", "reward { id }", areaId=await n.area_id("haicang"), title="最后一把伞", cost=10,
        stock=1,
    ))["reward"]["id"]  # fmt: skip
    results = await asyncio.gather(
        *(n.outcome(login, "pointsRedeem", "redemption { id }", rewardId=reward) for login in people)
    )
    assert sorted(results) == ["OUT_OF_STOCK"] * 29 + ["done"]
    seen = await n.ask(
        "admin", "query($i: ID!) { pointsReward(id: $i) { stock } pointsRedemptions { totalCount } }", i=reward
    )
    assert seen == {"pointsReward": {"stock": 0}, "pointsRedemptions": {"totalCount": 1}}
    assert sorted([await balance(n, await person(n, login)) for login in people]) == [0] + [10] * 29


async def test_one_manual_entry_is_confirmed_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang = await n.area_id("haicang")
    others = await n.newcomers(3, "haihong")
    for login in others:
        await n.do(
            "admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=haicang,
            actorId=f"actor_{await person(n, login)}",
        )  # fmt: skip
    company = await n.actor_id("企业甲")
    before = await n.ask(None, "query($c: ID!) { node(id: $c) { ... on Enterprise { pointsBalance } } }", c=company)
    grant = (await n.do(
        "admin", "pointsGrantManual", "grant { id }", areaId=haicang, actorId=company, amount=7, reason="捐赠沙袋",
        evidence="收据 12 号",
    ))["grant"]["id"]  # fmt: skip
    decide = [
        n.outcome(login, "pointsDecideGrant", "grant { id }", grantId=grant, confirm=confirm, reason="不清楚")
        for login in others
        for confirm in (True, False)
    ]
    results = await asyncio.gather(*decide)
    assert sorted(results) == ["GRANT_DECIDED"] * 5 + ["done"]
    after = await n.ask(None, "query($c: ID!) { node(id: $c) { ... on Enterprise { pointsBalance } } }", c=company)
    state = (await n.ask(None, "{ pointsGrants { nodes { state } } }"))["pointsGrants"]["nodes"][0]["state"]
    gained = after["node"]["pointsBalance"] - before["node"]["pointsBalance"]
    assert gained == (7 if state == "CONFIRMED" else 0)


async def test_first_points_from_many_sides_at_once_open_one_account(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang = await n.area_id("haicang")
    login, clerk = await n.newcomers(2, "xishan")
    someone = f"actor_{await person(n, login)}"
    await n.do(
        "admin", "coreGrantRole", "roleGrant { id }", role="CLERK", areaId=haicang,
        actorId=f"actor_{await person(n, clerk)}",
    )  # fmt: skip
    grants = [
        (await n.do(
            "admin", "pointsGrantManual", "grant { id }", areaId=haicang, actorId=someone, amount=amount,
            reason="清理河道", evidence=f"照片 {amount}",
        ))["grant"]["id"]
        for amount in (1, 2, 4, 8, 16)
    ]  # fmt: skip
    results = await asyncio.gather(
        *(n.outcome(clerk, "pointsDecideGrant", "grant { id }", grantId=g, confirm=True) for g in grants)
    )
    assert results == ["done"] * 5
    assert await balance(n, await person(n, login)) == 31


async def test_awards_redemptions_and_a_dispute_at_once(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    rule = await a_rule(n)
    company = await n.actor_id("企业甲")
    actor = (await n.viewer("company")).mandates[0].organization_id
    id = f"points_account_{(await earned(n, actor, 20, rule)).account_id}"
    reward = (await n.do(
        "admin", "pointsListReward", "reward { id }", areaId=await n.area_id("haicang"), title="锦旗", cost=5, stock=50,
    ))["reward"]["id"]  # fmt: skip
    before = await balance(n, actor)

    async def award() -> str:
        await earned(n, actor, 3, rule)
        return "awarded"

    redeem = [
        n.outcome("company", "pointsRedeem", "redemption { id }", rewardId=reward, actingFor=company) for _ in range(5)
    ]
    doubt = n.outcome("resident", "pointsOpenDispute", "dispute { id }", accountId=id, reason="来源不明")
    awards = [award() for _ in range(10)]
    results = await asyncio.gather(*redeem[:2], *awards[:5], doubt, *awards[5:], *redeem[2:])
    assert results.count("awarded") == 10
    redeemed = sum(r == "done" for r in (*results[:2], *results[-3:]))
    assert all(r in ("done", "ACCOUNT_HELD") for r in (*results[:2], *results[-3:]))
    assert await balance(n, actor) == before + 30 - 5 * redeemed
    late = await n.refused("company", "pointsRedeem", "redemption { id }", rewardId=reward, actingFor=company)
    assert late == "ACCOUNT_HELD"
