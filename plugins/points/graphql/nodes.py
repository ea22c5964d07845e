"""Accounts, entries, rules, grants, disputes, rewards and rankings, and who sees what of them (INV14, M47).

What an organization, enterprise or office earned is public, and so are rules, rewards and manual entries; the points of
people and households are for themselves, for who acts for them, and for the clerks of their area.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.enums import ActorKind
from core.ids import from_global
from core.models import Actor as CoreActor
from plugins.points import models
from plugins.points.ranking import STANDINGS, period_before
from plugins.points.rules import event_types
from plugins.points.terms import (
    CapPeriod,
    DisputeState,
    EntryKind,
    GrantState,
    PendingState,
    RedemptionState,
    RuleState,
)
from schema.nodes.composed import Query, every, one, plain
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, Source, SourceArgument, column, computed, connection, extend, node, to_one
from schema.nodes.expressions import Coalesce, Expr, Literal, RowOf, area_of, case, now, select
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts, viewer
from schema.scalars import Long

_OPEN_KINDS = [ActorKind.ORGANIZATION, ActorKind.ENTERPRISE, ActorKind.GOVERNMENT_BODY]


def _sees_points_of(actor_id: Expr, v: ViewerFacts) -> Expr:
    def seen(a: RowOf) -> Expr:
        return (a.id == actor_id) & (a.kind.is_in(_OPEN_KINDS) | v.may("points.account.read", a.area_id))

    return v.acts_as(actor_id) | select(CoreActor).where(seen).exists()


def _sees_account(account_id: Expr, v: ViewerFacts) -> Expr:
    def seen(a: RowOf) -> Expr:
        return (a.id == account_id) & _sees_points_of(a.actor_id, v)

    return select(models.Account).where(seen).exists()


_ENTRIES = "An account's entries are for whoever sees the account."


def _balance(t: RowOf) -> Expr:
    last = select(models.Entry).where(lambda e: e.account_id == t.id).first("balance_after", order_by="-seq")
    return Coalesce(last, Literal(0))


def _waits(t: RowOf, w: RowOf) -> Expr:
    return (w.account_id == t.id) & (w.state == PendingState.WAITING)


def _held(t: RowOf) -> Expr:
    disputed = select(models.Dispute).where(lambda d: (d.account_id == t.id) & (d.state == DisputeState.OPEN))
    return disputed.exists() | select(models.PendingReversal).where(lambda w: _waits(t, w)).exists()


@node(
    models.Account,
    scope=lambda t, v: _sees_points_of(t.actor_id, v),
    place=lambda t: area_of(CoreActor, t.actor_id),
)
class PointsAccount:
    """One actor's caring points (积分账户)."""

    version: int = column(filter=False)
    balance: Long = computed(
        _balance, discloses=_ENTRIES, description="The sum of all entries, never below zero (余额)."
    )
    held: bool = computed(
        _held,
        discloses="That points are held is for whoever sees the account; who disputes them is not.",
        filter=True,
        description="Redeems nothing: in dispute, or points must be taken back first (是否冻结).",
    )
    owed: Long = computed(
        lambda t: select(models.PendingReversal).where(lambda w: _waits(t, w)).sum("amount"),
        discloses=_ENTRIES,
        description="Points to be taken back as soon as the account holds as many (待扣回积分).",
    )
    expires_on: date | None = column(description="The next day on which points may expire (最近到期日).")
    actor: Actor = to_one()
    merged_into: PointsAccount | None = to_one(
        description="Where the points went when the actor proved to be another (并入账户)."
    )
    entries: Connection[PointsEntry] = connection("account_id")
    disputes: Connection[PointsDispute] = connection("account_id")
    redemptions: Connection[PointsRedemption] = connection("account_id")


def _rule_state(t: RowOf) -> Expr:
    over = case(t.until.is_null(), Literal(RuleState.ACTIVE), case(t.until > now, Literal(RuleState.ACTIVE),
                Literal(RuleState.RETIRED)))  # fmt: skip
    return case((t.since > now) & (t.until.is_null() | (t.until > t.since)), Literal(RuleState.SCHEDULED), over)


@node(models.Rule, scope=public("Rules that bind people are published."))
class PointsRule:
    """So many points for an event, in an area and below (积分规则)."""

    event_type: str = column()
    actor_kind: ActorKind | None = column(description="For this kind of actor; null for all (主体类型).")
    points: int = column()
    cap_per_day: int | None = column(description="At most so many points a civil day for one actor (每日封顶).")
    cap_per_period: int | None = column(description="At most so many points a period for one actor (周期封顶).")
    cap_period: CapPeriod | None = column(description="The period of that cap (封顶周期).")
    since: datetime = column(description="In force from then on (生效时间).")
    until: datetime | None = column(description="In force until then; null is open (失效时间).")
    state: RuleState = computed(_rule_state, filter=True)
    version: int = column(filter=False)
    area: Area = to_one()
    replaces: PointsRule | None = to_one(description="The edition before (上一版本).")


@node(models.Entry, scope=lambda t, v: _sees_account(t.account_id, v), order="-occurred_at")
class PointsEntry:
    """Points that came or went, for one reason; never edited (积分流水)."""

    kind: EntryKind = column()
    seq: Long = column(description="Position in the account (序号).")
    amount: Long = column()
    balance_after: Long = column(filter=False)
    occurred_at: datetime = column(order=True)
    recorded_at: datetime = column()
    expires_on: date | None = column(description="The first day these points are gone, if not spent (到期日).")
    account: PointsAccount | None = to_one()
    area: Area = to_one()
    rule: PointsRule | None = to_one()
    grant: PointsGrant | None = to_one(description="The manual entry behind it (人工加分).")
    redemption: PointsRedemption | None = to_one()
    reverses: PointsEntry | None = to_one(description="The entry this one undoes (冲正对象).")


def _reads_grant(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.actor_id) | v.acts_as(t.declared_by_id) | v.may("points.grant.confirm", t.area_id)


@node(models.Grant, scope=public("Points given by hand are disclosed to all."), order="-declared_at")
class PointsGrant:
    """Points given by hand: declared with evidence, confirmed by a second person; disclosed to all (人工加分)."""

    amount: int = column()
    state: GrantState = column()
    reason: str | None = column(visible=_reads_grant, description="For what (事由).")
    evidence: str | None = column(visible=_reads_grant, description="Where it can be looked up (证明材料).")
    declared_at: datetime = column(order=True)
    decided_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    actor: Actor = to_one(description="Who gets them (受益主体).")
    declared_by: Actor | None = to_one(description="Who declared it (申报人).")
    decided_by: Actor | None = to_one(description="The second person (复核人).")


def _dispute_scope(t: RowOf, v: ViewerFacts) -> Expr:
    owner = select(models.Account).where(lambda a: (a.id == t.account_id) & v.acts_as(a.actor_id))
    return v.acts_as(t.opened_by_id) | owner.exists() | v.may("points.dispute.resolve", t.area_id)


@node(models.Dispute, scope=_dispute_scope, order="-opened_at")
class PointsDispute:
    """Somebody doubts points; somebody else decides (积分异议)."""

    reason: str = column(filter=False)
    answer: str | None = column(filter=False, description="What was decided, and why (处理意见).")
    state: DisputeState = column()
    opened_at: datetime = column(order=True)
    decided_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    account: PointsAccount | None = to_one()
    entry: PointsEntry | None = to_one()
    opened_by: Actor = to_one(description="Who doubts (异议人).")
    decided_by: Actor | None = to_one(description="Who decided (处理人).")


@node(models.Reward, scope=public("What points are worth is for everybody."), order="cost")
class PointsReward:
    """What points can be exchanged for (兑换物品)."""

    title: str = column()
    cost: int = column(order=True, description="Points for one (所需积分).")
    stock: int = column(description="So many are left (库存).")
    limit_per_actor: int | None = column(description="Each gets at most so many (每主体限兑).")
    available_from: date = column()
    available_until: date | None = column(description="The last day (截止日).")
    version: int = column(filter=False)
    area: Area = to_one(description="For those at home here and below (适用区域).")


def _redemption_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.actor_id) | v.may("points.redemption.deliver", t.area_id)


@node(models.Redemption, scope=_redemption_scope, order="-redeemed_at")
class PointsRedemption:
    """Points exchanged for a reward (积分兑换)."""

    quantity: int = column()
    cost: Long = column(description="Points in all (合计积分).")
    state: RedemptionState = column()
    redeemed_at: datetime = column(order=True)
    receipt: str | None = column(filter=False, description="Who took it, on which paper (签收凭据).")
    version: int = column(filter=False)
    area: Area = to_one()
    reward: PointsReward | None = to_one()
    account: PointsAccount | None = to_one()
    actor: Actor = to_one()
    delivered_by: Actor | None = to_one(description="Who handed it out (发放人).")


# --- rankings ---------------------------------------------------------------------------------------------


def _sees_place(t: RowOf, v: ViewerFacts) -> Expr:
    """M47: the upper half is for everyone, the lower half for each themselves, all of it for the area's clerks."""
    return (t.upper == 1) | v.acts_as(t.actor_id) | v.may("points.ranking.read", t.area_id)


def _sees_former_place(t: RowOf, v: ViewerFacts) -> Expr:
    """Who has come up from the lower half shows that only to themselves."""
    return (t.previous_upper == 1) | v.acts_as(t.actor_id) | v.may("points.ranking.read", t.area_id)


def _former_place() -> Any:
    return computed(
        lambda t: t.previous_place,
        visible=_sees_former_place,
        description="Place in the period before; null when there was none, or it is not for the viewer (上期名次).",
    )


def _gap() -> Any:
    return computed(lambda t: t.gap, description="Points behind the next place above; null for the first (距上一名).")


@node(models.Ranking, scope=public("That a ranking was closed; its places have their own scope."), order="-closed_at")
class PointsClosedRanking:
    """The ranking of a period that is over, frozen (已封存排名)."""

    actor_kind: ActorKind = column()
    period: str = column()
    closed_at: datetime = column(order=True)
    area: Area = to_one()
    places: Connection[PointsPlace] = connection("ranking_id")


@node(models.Place, scope=_sees_place, order="place")
class PointsPlace:
    """An actor's place in a closed ranking; in the lower half each sees only themselves (封存名次)."""

    place: int = column(order=True, description="1 is first (名次).")
    points: Long = column()
    previous_rank: int | None = _former_place()
    gap_to_next: Long | None = _gap()
    actor: Actor = to_one()
    ranking: PointsClosedRanking | None = to_one()


def _area_id(value: str, context: Any) -> UUID:
    return from_global(value, "area", "areaId")


def _kind(value: Any, context: Any) -> str:
    return str(getattr(value, "value", value))


def _start(value: str, context: Any) -> datetime:
    start: datetime = context.clock.period(value)[0]
    return start


def _end(value: str, context: Any) -> datetime:
    end: datetime = context.clock.period(value)[1]
    return end


def _before(value: str, context: Any) -> datetime:
    return _start(_previous(value, context), context)


def _previous(value: str, context: Any) -> str:
    _start(value, context)  # refuses what is no period
    return period_before(value)


def _from_period(bind: Any, sql_type: str) -> SourceArgument:
    about = "`2026`, `2026-H1`, `2026-Q3` or `2026-07`, in civil time (期间)."
    return SourceArgument(str, bind, sql_type, "period", about)


RANKING = Source(
    STANDINGS,
    {
        "id": "uuid", "actor_id": "uuid", "area_id": "uuid", "points": "long", "place": "int", "gap": "long",
        "upper": "int", "previous_place": "int", "previous_upper": "int",
    },
    {
        "area": SourceArgument(
            strawberry.ID, _area_id, "uuid", "areaId", "In this area and below (区域).", names_area=True
        ),
        "kind": SourceArgument(ActorKind, _kind, "text", "kind", "Only this kind of actor (主体类型)."),
        "start": _from_period(_start, "instant"),
        "end": _from_period(_end, "instant"),
        "before": _from_period(_before, "instant"),
        "previous": _from_period(_previous, "text"),
    },
)  # fmt: skip


@node(models.Account, source=RANKING, order="place", scope=_sees_place)
class PointsStanding:
    """An actor's place among its kind, in an area and period; equal points share a place. Everyone sees the upper half
    and themselves (积分排名)."""

    place: int = column(order=True, description="1 is first (名次).")
    points: Long = column()
    previous_rank: int | None = _former_place()
    gap_to_next: Long | None = _gap()
    actor: Actor = to_one()


@extend(Query)
class PointsQuery:
    points_accounts: Connection[PointsAccount] = every(description="Accounts (积分账户列表).")
    points_rules: Connection[PointsRule] = every(description="Rules, with those that were (积分规则列表).")
    points_entries: Connection[PointsEntry] = every(description="Entries, the latest first (积分流水列表).")
    points_grants: Connection[PointsGrant] = every(description="Manual entries, the latest first (人工加分列表).")
    points_disputes: Connection[PointsDispute] = every(description="Disputes the viewer may see (积分异议列表).")
    points_rewards: Connection[PointsReward] = every(description="Rewards, the cheapest first (兑换物品列表).")
    points_reward: PointsReward | None = one("id", description="A reward by its id (兑换物品).")
    points_redemptions: Connection[PointsRedemption] = every(
        description="Redemptions the viewer may see (积分兑换列表)."
    )
    points_ranking: Connection[PointsStanding] = every(description="Who did most (积分排名).")
    points_closed_rankings: Connection[PointsClosedRanking] = every(
        description="Rankings of periods that are over (已封存排名列表)."
    )

    @plain(
        why="What the loaded plugins send out is in their code, in no table (由已加载插件的代码决定).",
        scope=public("It says which mechanisms there are, not what happened."),
        description="The event types a rule may be set for (可计分事件类型).",
    )  # type: ignore[untyped-decorator]
    def points_event_types(self, info: strawberry.Info) -> list[str]:
        return event_types(info.context.graphql.runtime.kernel)


def _points_of(t: RowOf) -> Expr:
    account = select(models.Account).where(lambda a: a.actor_id == t.id).first("id", order_by="id")
    return select(models.Entry).where(lambda e: e.account_id == account).sum("amount")


@extend(Actor)
class ActorPoints:
    points_balance: Long | None = computed(
        _points_of,
        visible=lambda t, v: t.kind.is_in(_OPEN_KINDS) | viewer.acts_as(t.id) | v.may("points.account.read", t.area_id),
        description="Caring points in all, for whom the viewer may see them (爱心积分).",
    )
