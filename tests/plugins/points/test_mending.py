"""Two people who prove to be one, and what is undone soon after."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor
from core.settings.store import as_instant, as_uuid
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.points import rules
from plugins.points.plugin import gongzhi_merging, gongzhi_undos
from tests.kits.points import TYPE, a_rule, act, balance, earned, person, system

pytestmark = pytest.mark.anyio
LATEST = """query($c: ID!) {
  pointsEntries(where: {account: {actor: {id: {eq: $c}}}}, first: 1) { nodes { id amount } } }"""


async def merge(n: Neighbourhood, kept: UUID, gone: UUID) -> None:
    async def rule(work: Work) -> None:
        work.require("core.actor.register", await work.get(Actor, kept))
        await gongzhi_merging().move(work, kept, gone)

    await system(n, rule)


async def preview(n: Neighbourhood, kept: UUID, gone: UUID) -> dict[str, tuple[int, str | None]]:
    found = await system(n, lambda w: gongzhi_merging().preview(w, kept, gone))
    return {f.kind: (f.count, f.code) for f in found}


async def test_two_accounts_become_one_and_nothing_is_rewritten(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    n.clock.set(n.clock.now())
    rule, haicang = await a_rule(n), await n.area_id("haicang")
    logins = await n.newcomers(3, "xishan")
    kept, gone, third = [await person(n, login) for login in logins]
    await earned(n, kept, 5, rule)
    old = await earned(n, gone, 30, rule)
    reward = (await n.do("admin", "pointsListReward", "reward { id }", areaId=haicang, title="伞", cost=10, stock=9))[
        "reward"
    ]["id"]
    redeemed = (await n.do(logins[1], "pointsRedeem", "redemption { id }", rewardId=reward))["redemption"]["id"]
    before = await n.server.runtime.database.read("SELECT * FROM points_entry ORDER BY account_id, seq")

    # The same gathering counted for both, and an open dispute, are to be settled first.
    activity = {"activity": str(new_id())}
    for who in (kept, gone):

        async def attended(work: Work, who: UUID = who) -> None:
            subject = await work.get(Actor, who)
            work.record(TYPE, subject, area_id=subject.area_id, data={**activity, "actor": str(who)})

        await system(n, attended)
    await n.delivered()
    query = "query($c: ID!) { pointsAccounts(where: {actor: {id: {eq: $c}}}) { nodes { id } } }"
    account = (await n.ask(logins[1], query, c=f"actor_{gone}"))["pointsAccounts"]["nodes"][0]["id"]
    dispute = (await n.do(logins[1], "pointsOpenDispute", "dispute { id }", accountId=account, reason="?"))["dispute"][
        "id"
    ]
    assert await preview(n, kept, gone) == {
        "points_balance": (30, None), "points_dispute": (1, "POINTS_DISPUTED"), "points_entry": (1, "POINTS_COUNTED_TWICE"),
    }  # fmt: skip
    with pytest.raises(Refusal) as caught:
        await merge(n, kept, gone)
    assert caught.value.code == "POINTS_DISPUTED"
    await n.do("clerk", "pointsResolveDispute", "dispute { id }", disputeId=dispute, upheld=False, answer="已核对")
    double = (await n.ask(logins[1], LATEST, c=f"actor_{gone}"))["pointsEntries"]["nodes"][0]
    assert double["amount"] == 10
    await n.do("admin", "pointsReverse", "entry { id }", entryId=double["id"], reason="重复")
    assert await preview(n, kept, gone) == {"points_balance": (20, None)}

    await merge(n, kept, gone)
    assert (await balance(n, kept), await balance(n, gone)) == (35, 0)
    after = await n.server.runtime.database.read("SELECT * FROM points_entry ORDER BY account_id, seq")
    assert all(row in [tuple(r) for r in after] for row in [tuple(r) for r in before])
    # The live ranking counts them as one; so do later awards, reversals and cancelled redemptions.
    ranking = "query($a: ID!, $p: String!) { pointsRanking(areaId: $a, kind: PERSON, period: $p) { nodes { points actor { id } } } }"
    seen = await n.ask("admin", ranking, a=haicang, p=str(n.clock.today().year))
    assert [(r["points"], r["actor"]["id"]) for r in seen["pointsRanking"]["nodes"]] == [(45, f"actor_{kept}")]
    await earned(n, gone, 7, rule)
    assert (await balance(n, kept), await balance(n, gone)) == (42, 0)
    await n.do("admin", "pointsCancelRedemption", "redemption { state }", redemptionId=redeemed, reason="没有了")
    assert (await balance(n, kept), await balance(n, gone)) == (52, 0)
    await act(n, "admin", lambda w: rules.reverse_entry(w, entry_id=old.id, reason="记错"))
    assert (await balance(n, kept), await balance(n, gone)) == (22, 0)
    # And the kept one may itself prove to be another.
    await merge(n, third, kept)
    await earned(n, gone, 1, rule)
    assert [await balance(n, who) for who in (third, kept, gone)] == [23, 0, 0]
    assert await preview(n, kept, new_id()) == {}


async def last_event(n: Neighbourhood, type: str) -> EventRecord:
    row = (await n.server.runtime.database.read(
        "SELECT id, type, area_id, subject_tag, subject_id, occurred_at FROM core_event"
        f" WHERE type = '{type}' ORDER BY seq DESC LIMIT 1"
    ))[0]  # fmt: skip
    moment = as_instant(row[5])
    assert moment is not None
    return EventRecord(as_uuid(row[0]), row[1], as_uuid(row[2]), row[3], as_uuid(row[4]), None, {}, moment, 0, 0)


async def test_a_confirmation_and_a_delivery_by_mistake_are_undone(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    haicang = await n.area_id("haicang")
    undo = {u.event_type: u.act for u in gongzhi_undos()}
    (login,) = await n.newcomers(1, "haihong")
    who = await person(n, login)
    await n.do(
        "admin",
        "coreGrantRole",
        "roleGrant { id }",
        role="AREA_ADMIN",
        areaId=haicang,
        actorId=await n.actor_id("陈志伟"),
    )

    async def granted() -> EventRecord:
        made = await n.do(
            "admin", "pointsGrantManual", "grant { id }", areaId=haicang, actorId=f"actor_{who}", amount=20,
            reason="义诊", evidence="照片",
        )  # fmt: skip
        await n.do("clerk", "pointsDecideGrant", "grant { id }", grantId=made["grant"]["id"], confirm=True)
        return await last_event(n, "points.grant.confirmed")

    first = await granted()
    assert await balance(n, who) == 20
    await act(n, "clerk", lambda w: undo["points.grant.confirmed"](w, first))
    assert await balance(n, who) == 0
    with pytest.raises(Refusal) as caught:
        await act(n, "clerk", lambda w: undo["points.grant.confirmed"](w, first))
    assert caught.value.code == "CANNOT_UNDO"

    second = await granted()
    reward = (await n.do("admin", "pointsListReward", "reward { id }", areaId=haicang, title="伞", cost=10, stock=1))[
        "reward"
    ]["id"]
    redeemed = (await n.do(login, "pointsRedeem", "redemption { id }", rewardId=reward))["redemption"]["id"]
    with pytest.raises(Refusal) as caught:
        await act(n, "clerk", lambda w: undo["points.grant.confirmed"](w, second))
    assert caught.value.code == "CANNOT_UNDO"
    await n.do("clerk", "pointsDeliverRedemption", "redemption { id }", redemptionId=redeemed, receipt="签收")
    delivered = await last_event(n, "points.redemption.delivered")
    with pytest.raises(Refusal) as caught:
        await act(n, login, lambda w: undo["points.redemption.delivered"](w, delivered))
    assert caught.value.code == "NOT_PERMITTED"
    await act(n, "clerk", lambda w: undo["points.redemption.delivered"](w, delivered))
    state: Any = await n.ask(login, "{ pointsRedemptions { nodes { state receipt deliveredBy { id } } } }")
    assert state["pointsRedemptions"]["nodes"] == [{"state": "RESERVED", "receipt": None, "deliveredBy": None}]
    await n.do(login, "pointsCancelRedemption", "redemption { state }", redemptionId=redeemed, reason="不要了")
    assert await balance(n, who) == 20
