"""A dispute is withdrawn by whoever opened it, while nobody has decided; the account is free again."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from core.testing.kit import Neighbourhood
from tests.kits.points import a_rule, earned

pytestmark = pytest.mark.anyio

OPEN = ("pointsOpenDispute", "dispute { id }")
CAN = 'query($i: ID!) { can(action: "pointsWithdrawDispute", on: $i) { allowed reason } }'
WITHDRAW = ("pointsWithdrawDispute", "dispute { state answer decidedAt account { held } }")
RESOLVE = ("pointsResolveDispute", "dispute { state }")
WITHDRAWN = {"state": "WITHDRAWN", "answer": None, "decidedAt": None, "account": {"held": False}}


async def an_account(n: Neighbourhood) -> tuple[str, str]:
    """The company's account, with something on it: its id, and that of the entry."""
    actor = UUID((await n.actor_id("企业甲")).removeprefix("actor_"))
    entry = await earned(n, actor, 20, await a_rule(n))
    return f"points_account_{entry.account_id}", f"points_entry_{entry.id}"


async def test_whoever_opened_a_dispute_withdraws_it_and_the_account_is_free(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    account, entry = await an_account(n)
    company = await n.actor_id("企业甲")
    reward = (await n.do(
        "admin", "pointsListReward", "reward { id }", areaId=await n.area_id("haicang"), title="锦旗", cost=5, stock=5,
    ))["reward"]["id"]  # fmt: skip
    redeem = ("company", "pointsRedeem", "redemption { id }")
    dispute = (await n.do("resident", *OPEN, entryId=entry, reason="没见到他们"))["dispute"]["id"]
    assert await n.refused(*redeem, rewardId=reward, actingFor=company) == "ACCOUNT_HELD"
    by_held = "query($h: Boolean!) { pointsAccounts(where: {held: {eq: $h}}) { nodes { held } } }"
    for held in (True, False):
        found = (await n.ask("admin", by_held, h=held))["pointsAccounts"]["nodes"]
        assert all(row["held"] is held for row in found) and bool(found) is held
    for stranger in ("clerk", "company", "admin"):
        assert (await n.ask(stranger, CAN, i=dispute))["can"] == {"allowed": False, "reason": "NOT_YOURS"}
        assert await n.refused(stranger, *WITHDRAW, disputeId=dispute) == "NOT_PERMITTED"
    assert (await n.ask("resident", CAN, i=dispute))["can"] == {"allowed": True, "reason": "OWN"}
    assert await n.refused("company", *WITHDRAW, disputeId=dispute, actingFor=company) == "NOT_PERMITTED"
    assert await n.refused("resident", *WITHDRAW, disputeId=account) == "BAD_ID"
    gone = "points_dispute_01a210ba-bd0c-75ea-b962-5af7725152e0"
    assert await n.refused("resident", *WITHDRAW, disputeId=gone) == "NOT_FOUND"
    assert await n.refused("resident", *WITHDRAW, disputeId=dispute, expectedVersion=9) == "VERSION_CONFLICT"
    done = await n.do("resident", *WITHDRAW, disputeId=dispute, expectedVersion=1)
    assert done["dispute"] == WITHDRAWN
    await n.do(*redeem, rewardId=reward, actingFor=company)

    # It is over: neither withdrawn again nor decided, and what was earned stays.
    assert await n.refused("resident", *WITHDRAW, disputeId=dispute) == "DISPUTE_DECIDED"
    verdict = {"disputeId": dispute, "upheld": True, "answer": "属实"}
    assert await n.refused("admin", *RESOLVE, **verdict) == "DISPUTE_DECIDED"
    log = "query($s: ID!) { events(where: {subject: {eq: $s}}, orderBy: SEQ_ASC) { nodes { type } } }"
    events = (await n.ask("admin", log, s=dispute))["events"]["nodes"]
    assert [e["type"] for e in events] == ["points.dispute.opened", "points.dispute.withdrawn"]

    # They may doubt again; what somebody has decided is not withdrawn.
    again = (await n.do("resident", *OPEN, accountId=account, reason="还是不对"))["dispute"]["id"]
    await n.do("admin", *RESOLVE, disputeId=again, upheld=False, answer="已核对")
    assert await n.refused("resident", *WITHDRAW, disputeId=again) == "DISPUTE_DECIDED"


async def test_one_of_two_doubts_withdrawn_leaves_the_account_held(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    account, _ = await an_account(n)
    mine, theirs = [
        (await n.do(who, *OPEN, accountId=account, reason="?"))["dispute"]["id"] for who in ("resident", "inspector")
    ]
    done = await n.do("resident", *WITHDRAW, disputeId=mine)
    assert done["dispute"] == {**WITHDRAWN, "account": {"held": True}}
    assert (await n.do("inspector", *WITHDRAW, disputeId=theirs))["dispute"] == WITHDRAWN


async def test_a_dispute_opened_at_the_desk_is_withdrawn_at_the_desk(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    account, _ = await an_account(n)
    made = await n.do(
        "admin", "coreRegisterActor", "actor { id }", kind="PERSON", name="黄阿婆", areaId=await n.area_id("haicang")
    )
    desk = {"onBehalfOf": {"actorId": made["actor"]["id"], "basis": "PHONE", "evidence": "来电"}}
    dispute = (await n.do("admin", *OPEN, accountId=account, reason="?", **desk))["dispute"]["id"]
    assert await n.refused("admin", *WITHDRAW, disputeId=dispute) == "NOT_PERMITTED"
    assert (await n.do("admin", *WITHDRAW, disputeId=dispute, **desk))["dispute"] == WITHDRAWN


async def test_withdrawn_and_decided_at_once_it_is_one_of_them(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    account, _ = await an_account(n)

    for _ in range(4):
        dispute = (await n.do("resident", *OPEN, accountId=account, reason="?"))["dispute"]["id"]
        results = await asyncio.gather(
            n.outcome("resident", *WITHDRAW, disputeId=dispute),
            n.outcome("admin", *RESOLVE, disputeId=dispute, upheld=False, answer="已核对"),
            n.outcome("resident", *WITHDRAW, disputeId=dispute),
        )
        assert sorted(results) == ["DISPUTE_DECIDED", "DISPUTE_DECIDED", "done"]
        state = "query($i: ID!) { node(id: $i) { ... on PointsDispute { state } } }"
        seen = (await n.ask("resident", state, i=dispute))["node"]["state"]
        assert seen == ("REJECTED" if results[1] == "done" else "WITHDRAWN")
