"""A neighbour with caring points is erased: every entry, balance and redemption stays, and no word of theirs."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.points import a_rule, earned

pytestmark = pytest.mark.anyio
ERASE = ("coreErasePerson", "")
CANARY = "田小禾的"


async def rows(n: Neighbourhood, sql: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in await n.server.runtime.database.read(sql)]


async def traces(n: Neighbourhood) -> set[str]:
    return {table for table, rows in (await n.stored()).items() if any(CANARY in row for row in rows)}


async def test_the_ledger_is_the_same_and_the_words_are_gone(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    (login,) = await n.newcomers(1, "xishan")
    me, haicang = (await n.ask(login, "{ viewer { id } }"))["viewer"]["id"], await n.area_id("haicang")
    entry = await earned(n, UUID(me[-36:]), 20, await a_rule(n))
    grant = {
        "areaId": await n.area_id("xishan"),
        "actorId": me,
        "amount": 5,
        "reason": f"{CANARY}义务值班",
        "evidence": f"{CANARY}值班表",
    }
    declared = (await n.do("clerk", "pointsGrantManual", "grant { id }", **grant))["grant"]["id"]
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await n.do("admin", "pointsDecideGrant", "grant { state }", grantId=declared, confirm=True)
    doubt = await n.do(
        login, "pointsOpenDispute", "dispute { id }", entryId=f"points_entry_{entry.id}", reason=f"{CANARY}疑问"
    )
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await n.do(
        "admin",
        "pointsResolveDispute",
        "dispute { state }",
        disputeId=doubt["dispute"]["id"],
        upheld=False,
        answer=f"{CANARY}积分无误",
    )
    reward = (await n.do("admin", "pointsListReward", "reward { id }", areaId=haicang, title="雨伞", cost=8, stock=5))[
        "reward"
    ]["id"]
    redeemed = (await n.do(login, "pointsRedeem", "redemption { id }", rewardId=reward))["redemption"]["id"]
    assert await n.refused("admin", *ERASE, personId=me, reason="?") == "OPEN_MATTERS"
    await n.do(
        "admin", "pointsDeliverRedemption", "redemption { state }", redemptionId=redeemed, receipt=f"{CANARY}签收"
    )
    assert await traces(n) >= {"points_grant", "points_dispute", "points_redemption"}
    counted = (
        "SELECT id, account_id, seq, amount, balance_after, kind FROM points_entry ORDER BY account_id, seq",
        "SELECT id, amount, state FROM points_grant ORDER BY id",
        "SELECT id, quantity, cost, state FROM points_redemption ORDER BY id",
        "SELECT id, state FROM points_dispute ORDER BY id",
        "SELECT id, stock FROM points_reward ORDER BY id",
    )
    before = [await rows(n, sql) for sql in counted]
    await n.do(login, *ERASE, personId=me, reason="本人申请")
    await n.delivered()
    assert await traces(n) == set()
    assert [await rows(n, sql) for sql in counted] == before
    account = "query($i: ID!) { node(id: $i) { ... on PointsAccount { balance actor { name } } } }"
    assert (await n.ask("admin", account, i=f"points_account_{entry.account_id}"))["node"] == {
        "balance": 17, "actor": {"name": "已注销"}
    }  # fmt: skip
