"""Rewards and redemptions. The reward's row is locked first, then the account's."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from core import ledger
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text
from core.work import Work
from plugins.points.accounts import give_back, is_held, keeper
from plugins.points.models import Account, Entry, Redemption, Reward
from plugins.points.terms import EntryKind, RedemptionState


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Refuses BAD_POINTS (cost), BAD_STOCK (stock, limit)."""
    cost, stock, limit = values.get("cost"), values.get("stock"), values.get("limit_per_actor")
    if cost is not None and not 1 <= cost <= 1_000_000:
        raise Refusal("BAD_POINTS", path=("cost",))
    if stock is not None and not 0 <= stock <= 1_000_000:
        raise Refusal("BAD_STOCK", path=("stock",))
    if limit is not None and not 1 <= limit <= 1_000_000:
        raise Refusal("BAD_STOCK", path=("limitPerActor",))
    return values


async def list_reward(
    work: Work, *, area_id: UUID, title: str, cost: int, stock: int, limit_per_actor: int | None,
    available_from: date | None, available_until: date | None,
) -> Reward:  # fmt: skip
    """Offer a reward to those at home in an area and below. Refuses BAD_POINTS, BAD_STOCK, ENDS_BEFORE_START."""
    area = await work.get(Area, area_id)
    work.require("points.reward.manage", area)
    values = _checked(dict(cost=cost, stock=stock, limit_per_actor=limit_per_actor))
    first = available_from or work.clock.today()
    if available_until is not None and available_until < first:
        raise Refusal("ENDS_BEFORE_START", path=("availableUntil",))
    reward = Reward(
        id=new_id(), area_id=area_id, title=clean_name(title, "title"), available_from=first,
        available_until=available_until, **values,
    )  # fmt: skip
    work.add(reward)
    work.record("points.reward.listed", reward, area_id=area_id, data={"cost": cost, "stock": stock})
    return reward


async def change_reward(work: Work, *, reward_id: UUID, **values: Any) -> Reward:
    """New cost, stock, limit or last day; what is redeemed already stays as it was."""
    reward = await work.lock(Reward, reward_id)
    work.require("points.reward.manage", reward)
    work.expect_version(reward)
    if values.get("available_until") is not None and values["available_until"] < reward.available_from:
        raise Refusal("ENDS_BEFORE_START", path=("availableUntil",))
    if not values:
        raise Refusal("NOTHING_TO_CHANGE")
    work.change(reward, **_checked(values))
    work.record(
        "points.reward.changed", reward, area_id=reward.area_id, data={"cost": reward.cost, "stock": reward.stock}
    )
    return reward


async def redeem(work: Work, *, reward_id: UUID, quantity: int) -> tuple[Redemption, Reward]:
    """The principal (oneself, an organization by mandate, or somebody at the desk) takes a reward: its points are gone
    and the thing is reserved.

    Refuses NOT_AVAILABLE, NOT_FOR_THIS_AREA, OUT_OF_STOCK, REWARD_LIMIT, ACCOUNT_HELD, BALANCE_TOO_LOW.
    """
    if not 1 <= quantity <= 1000:
        raise Refusal("BAD_STOCK", path=("quantity",))
    reward = await work.lock(Reward, reward_id)
    work.require("points.redeem", reward)
    today = work.clock.today()
    if today < reward.available_from or (reward.available_until is not None and today > reward.available_until):
        raise Refusal("NOT_AVAILABLE")
    actor = await work.get(Actor, work.principal_id)
    if actor.area_id is None or reward.area_id not in work.place(actor).chain:
        raise Refusal("NOT_FOR_THIS_AREA")
    if reward.stock < quantity:
        raise Refusal("OUT_OF_STOCK", left=reward.stock)
    found = await work.select(Account, lock=True, actor_id=actor.id)
    if not found:
        raise Refusal("BALANCE_TOO_LOW")
    account = await keeper(work, found[0])
    if await is_held(work, account):
        raise Refusal("ACCOUNT_HELD")
    taken = await work.rows(
        "SELECT coalesce(sum(quantity), 0) AS n FROM points_redemption"
        " WHERE reward_id = {} AND account_id = {} AND state <> 'CANCELLED'",
        reward.id, account.id,
    )  # fmt: skip
    if reward.limit_per_actor is not None and int(taken[0]["n"]) + quantity > reward.limit_per_actor:
        raise Refusal("REWARD_LIMIT", limit=reward.limit_per_actor)
    redemption = Redemption(
        id=new_id(), area_id=reward.area_id, reward_id=reward.id, account_id=account.id, actor_id=account.actor_id,
        quantity=quantity, cost=reward.cost * quantity, state=RedemptionState.RESERVED, redeemed_at=work.now,
    )  # fmt: skip
    work.change(reward, stock=reward.stock - quantity)
    work.add(redemption)
    await ledger.post(
        work, Entry, account, -redemption.cost, kind=EntryKind.REDEMPTION, area_id=reward.area_id,
        redemption_id=redemption.id,
    )  # fmt: skip
    work.record(
        "points.redemption.reserved", redemption, area_id=reward.area_id,
        data={"reward": str(reward.id), "quantity": quantity, "amount": -redemption.cost},
    )  # fmt: skip
    return redemption, reward


async def _reserved(work: Work, redemption_id: UUID) -> tuple[Reward, Redemption]:
    reward = await work.lock(Reward, (await work.get(Redemption, redemption_id)).reward_id)
    return reward, await work.lock(Redemption, redemption_id)


async def deliver(work: Work, *, redemption_id: UUID, receipt: str) -> Redemption:
    """Hand the thing out against a receipt (who took it, on which paper).

    Refuses REDEMPTION_STATE, ACCOUNT_HELD, OWN_MATTER (nobody hands out to themselves).
    """
    _, redemption = await _reserved(work, redemption_id)
    work.require("points.redemption.deliver", redemption)
    work.expect_version(redemption)
    if await work.concerned_in(redemption.actor_id):
        raise Refusal("OWN_MATTER")
    if redemption.state is not RedemptionState.RESERVED:
        raise Refusal("REDEMPTION_STATE", state=redemption.state)
    if await is_held(work, await work.lock(Account, redemption.account_id)):
        raise Refusal("ACCOUNT_HELD")
    text = clean_text(receipt, "receipt", limit=500)
    work.change(redemption, state=RedemptionState.DELIVERED, receipt=text, delivered_by_id=work.person_id)
    work.record("points.redemption.delivered", redemption, area_id=redemption.area_id)
    return redemption


async def cancel(work: Work, *, redemption_id: UUID, reason: str) -> Redemption:
    """Not taken after all: the points come back by a reversal, with the age they had, and the stock goes up again.

    The one who redeemed may, or a clerk. Refuses REDEMPTION_STATE once it is handed out.
    """
    reward, redemption = await _reserved(work, redemption_id)
    work.require("points.redemption.deliver", redemption, owner=redemption.actor_id)
    work.expect_version(redemption)
    if redemption.state is not RedemptionState.RESERVED:
        raise Refusal("REDEMPTION_STATE", state=redemption.state)
    entry = await work.find(Entry, redemption_id=redemption.id)
    assert entry is not None
    text = clean_text(reason, "reason", limit=2000)
    work.change(redemption, state=RedemptionState.CANCELLED)
    work.change(reward, stock=reward.stock + redemption.quantity)
    work.record("points.redemption.cancelled", redemption, area_id=redemption.area_id, text={"reason": text})
    await give_back(work, entry)
    return redemption


async def undo_delivery(work: Work, event: EventRecord) -> None:
    """Noted as handed out by mistake: it is reserved again. Refuses CANNOT_UNDO."""
    _, redemption = await _reserved(work, event.subject_id)
    work.require("points.redemption.deliver", redemption)
    if redemption.state is not RedemptionState.DELIVERED:
        raise Refusal("CANNOT_UNDO")
    work.change(redemption, state=RedemptionState.RESERVED, receipt=None, delivered_by_id=None)
    work.record("points.redemption.returned", redemption, area_id=redemption.area_id)
