"""What may be done with caring points; each mutation calls one rule."""

from __future__ import annotations

from datetime import date
from typing import Optional

import strawberry

from core import models
from core.enums import ActorKind
from core.ids import from_global
from core.work import Work
from plugins.points import disputes, grants, ranking, rewards, rules
from plugins.points.graphql.nodes import (
    PointsAccount,
    PointsClosedRanking,
    PointsDispute,
    PointsEntry,
    PointsGrant,
    PointsRedemption,
    PointsReward,
    PointsRule,
)
from plugins.points.terms import CapPeriod
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area
from schema.nodes.expressions import Expr, RowOf, select


@strawberry.input
class PointsSetRuleInput(MutationInput):
    area_id: strawberry.ID
    event_type: str = strawberry.field(description="One of `pointsEventTypes` (事件类型).")
    actor_kind: Optional[ActorKind] = None
    points: int
    cap_per_day: Optional[int] = strawberry.field(default=None, description="Points a civil day (每日封顶).")
    cap_per_period: Optional[int] = strawberry.field(default=None, description="Points a period (周期封顶).")
    cap_period: Optional[CapPeriod] = strawberry.field(default=None, description="Which period (封顶周期).")
    valid_from: Optional[date] = strawberry.field(default=None, description="First day; now unless told (生效日).")
    valid_until: Optional[date] = strawberry.field(default=None, description="Last day; open unless told (截止日).")


@mutation("points.rule.set", on=Subject(Area, "area_id"), rule=PointsRule)
async def points_set_rule(work: Work, input: PointsSetRuleInput) -> Result:
    """Set what an event is worth, in an area and below; the former rule retires (设定积分规则)."""
    rule = await rules.set_rule(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        event_type=input.event_type,
        actor_kind=input.actor_kind,
        points=input.points,
        cap_per_day=input.cap_per_day,
        cap_per_period=input.cap_per_period,
        cap_period=input.cap_period,
        valid_from=input.valid_from,
        valid_until=input.valid_until,
    )
    return {"rule": rule}


@strawberry.input
class PointsRetireRuleInput(ChangeInput):
    rule_id: strawberry.ID
    reason: str


@mutation("points.rule.set", on=Subject(PointsRule, "rule_id"), rule=PointsRule)
async def points_retire_rule(work: Work, input: PointsRetireRuleInput) -> Result:
    """End a rule without another in its place; what it gave stays (停用积分规则)."""
    id = from_global(input.rule_id, "points_rule", "ruleId")
    return {"rule": await rules.retire_rule(work, rule_id=id, reason=input.reason)}


@strawberry.input
class PointsReverseInput(MutationInput):
    entry_id: strawberry.ID
    reason: str


@mutation("points.entry.reverse", on=Subject(PointsEntry, "entry_id"), entry=PointsEntry)
async def points_reverse(work: Work, input: PointsReverseInput) -> Result:
    """Undo an entry by its opposite, with a reason (冲正积分)."""
    id = from_global(input.entry_id, "points_entry", "entryId")
    return {"entry": await rules.reverse_entry(work, entry_id=id, reason=input.reason)}


@strawberry.input
class PointsGrantManualInput(MutationInput):
    area_id: strawberry.ID
    actor_id: strawberry.ID
    amount: int
    reason: str = strawberry.field(description="For what (事由).")
    evidence: str = strawberry.field(description="Where it can be looked up (证明材料).")


@mutation("points.grant.declare", on=Subject(Area, "area_id"), grant=PointsGrant)
async def points_grant_manual(work: Work, input: PointsGrantManualInput) -> Result:
    """Declare points for a deed no event tells of; a second person has to confirm (申报人工加分)."""
    grant = await grants.declare(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        actor_id=from_global(input.actor_id, "actor", "actorId"),
        amount=input.amount,
        reason=input.reason,
        evidence=input.evidence,
    )
    return {"grant": grant}


@strawberry.input
class PointsDecideGrantInput(ChangeInput):
    grant_id: strawberry.ID
    confirm: bool
    reason: Optional[str] = strawberry.field(default=None, description="Needed to decline (未通过理由).")


@mutation("points.grant.confirm", on=Subject(PointsGrant, "grant_id"), grant=PointsGrant)
async def points_decide_grant(work: Work, input: PointsDecideGrantInput) -> Result:
    """Confirm or decline a manual entry somebody else declared (复核人工加分)."""
    id = from_global(input.grant_id, "points_grant", "grantId")
    return {"grant": await grants.decide(work, grant_id=id, confirm=input.confirm, reason=input.reason)}


@strawberry.input
class PointsOpenDisputeInput(MutationInput):
    account_id: Optional[strawberry.ID] = None
    entry_id: Optional[strawberry.ID] = None
    reason: str


@mutation(
    "points.dispute.open",
    "points.account.read",
    on=[Subject(PointsAccount, "account_id"), Subject(PointsEntry, "entry_id")],
    dispute=PointsDispute,
)
async def points_open_dispute(work: Work, input: PointsOpenDisputeInput) -> Result:
    """Doubt an entry, or an account; it redeems nothing until somebody else has decided (提出积分异议)."""
    dispute = await disputes.open_dispute(
        work,
        account_id=from_global(input.account_id, "points_account", "accountId") if input.account_id else None,
        entry_id=from_global(input.entry_id, "points_entry", "entryId") if input.entry_id else None,
        reason=input.reason,
    )
    return {"dispute": dispute}


@strawberry.input
class PointsWithdrawDisputeInput(ChangeInput):
    dispute_id: strawberry.ID


def _opened(t: RowOf) -> list[Expr]:
    """Whoever opened a dispute, or who they proved to be."""
    kept = select(models.Actor).where(lambda a: a.id == t.opened_by_id).first("merged_into_id", order_by="id")
    return [t.opened_by_id, kept]


@mutation("points.dispute.open", on=Subject(PointsDispute, "dispute_id", _opened), dispute=PointsDispute)
async def points_withdraw_dispute(work: Work, input: PointsWithdrawDisputeInput) -> Result:
    """Withdraw one's dispute before it is decided; the account is free again (撤回积分异议)."""
    id = from_global(input.dispute_id, "points_dispute", "disputeId")
    return {"dispute": await disputes.withdraw_dispute(work, dispute_id=id)}


@strawberry.input
class PointsResolveDisputeInput(ChangeInput):
    dispute_id: strawberry.ID
    upheld: bool = strawberry.field(description="Was the doubt right? Then the entry is reversed (异议是否成立).")
    answer: str


@mutation("points.dispute.resolve", on=Subject(PointsDispute, "dispute_id"), dispute=PointsDispute)
async def points_resolve_dispute(work: Work, input: PointsResolveDisputeInput) -> Result:
    """Decide a dispute, with an answer (处理积分异议)."""
    id = from_global(input.dispute_id, "points_dispute", "disputeId")
    return {"dispute": await disputes.resolve(work, dispute_id=id, upheld=input.upheld, answer=input.answer)}


@strawberry.input
class PointsListRewardInput(MutationInput):
    area_id: strawberry.ID
    title: str
    cost: int
    stock: int
    limit_per_actor: Optional[int] = None
    available_from: Optional[date] = None
    available_until: Optional[date] = None


@mutation("points.reward.manage", on=Subject(Area, "area_id"), reward=PointsReward)
async def points_list_reward(work: Work, input: PointsListRewardInput) -> Result:
    """Offer a reward in an area and below (上架兑换物品)."""
    reward = await rewards.list_reward(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        cost=input.cost,
        stock=input.stock,
        limit_per_actor=input.limit_per_actor,
        available_from=input.available_from,
        available_until=input.available_until,
    )
    return {"reward": reward}


@strawberry.input
class PointsChangeRewardInput(ChangeInput):
    reward_id: strawberry.ID
    cost: Optional[int] = None
    stock: Optional[int] = None
    limit_per_actor: Optional[int] = None
    available_until: Optional[date] = None


@mutation("points.reward.manage", on=Subject(PointsReward, "reward_id"), reward=PointsReward)
async def points_change_reward(work: Work, input: PointsChangeRewardInput) -> Result:
    """Change what is given of a reward: cost, stock, limit, last day (调整兑换物品)."""
    given = {
        "cost": input.cost,
        "stock": input.stock,
        "limit_per_actor": input.limit_per_actor,
        "available_until": input.available_until,
    }
    id = from_global(input.reward_id, "points_reward", "rewardId")
    values = {name: value for name, value in given.items() if value is not None}
    return {"reward": await rewards.change_reward(work, reward_id=id, **values)}


@strawberry.input
class PointsRedeemInput(MutationInput):
    reward_id: strawberry.ID
    quantity: int = 1


@mutation("points.redeem", on=Subject(PointsReward, "reward_id"), redemption=PointsRedemption, reward=PointsReward)
async def points_redeem(work: Work, input: PointsRedeemInput) -> Result:
    """Exchange points for a reward: oneself, for an organization, or at the desk for somebody (兑换)."""
    id = from_global(input.reward_id, "points_reward", "rewardId")
    redemption, reward = await rewards.redeem(work, reward_id=id, quantity=input.quantity)
    return {"redemption": redemption, "reward": reward}


@strawberry.input
class PointsDeliverRedemptionInput(ChangeInput):
    redemption_id: strawberry.ID
    receipt: str = strawberry.field(description="Who took it, on which paper (签收凭据).")


@mutation("points.redemption.deliver", on=Subject(PointsRedemption, "redemption_id"), redemption=PointsRedemption)
async def points_deliver_redemption(work: Work, input: PointsDeliverRedemptionInput) -> Result:
    """Hand out what was redeemed, against a receipt (发放兑换物品)."""
    id = from_global(input.redemption_id, "points_redemption", "redemptionId")
    return {"redemption": await rewards.deliver(work, redemption_id=id, receipt=input.receipt)}


@strawberry.input
class PointsCancelRedemptionInput(ChangeInput):
    redemption_id: strawberry.ID
    reason: str


@mutation(
    "points.redemption.deliver",
    on=Subject(PointsRedemption, "redemption_id", lambda t: [t.actor_id]),
    redemption=PointsRedemption,
)
async def points_cancel_redemption(work: Work, input: PointsCancelRedemptionInput) -> Result:
    """Not taken after all: points and stock come back (取消兑换)."""
    id = from_global(input.redemption_id, "points_redemption", "redemptionId")
    return {"redemption": await rewards.cancel(work, redemption_id=id, reason=input.reason)}


@strawberry.input
class PointsCloseRankingInput(MutationInput):
    area_id: strawberry.ID
    kind: ActorKind
    period: str = strawberry.field(description="`2026`, `2026-H1`, `2026-Q3` or `2026-07`; it is over (期间).")


@mutation("points.ranking.close", on=Subject(Area, "area_id"), ranking=PointsClosedRanking)
async def points_close_ranking(work: Work, input: PointsCloseRankingInput) -> Result:
    """Freeze the ranking of a period that is over (封存积分排名)."""
    id = from_global(input.area_id, "area", "areaId")
    return {"ranking": await ranking.close_ranking(work, area_id=id, kind=input.kind, period=input.period)}
