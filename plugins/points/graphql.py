"""Caring points as the API shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Optional
from uuid import UUID

import strawberry

from core.enums import ActorKind
from core.ids import from_global
from core.models import Actor as CoreActor
from core.work import Work
from plugins.points import models, rules
from plugins.points.models import RuleState
from schema.mutations import MutationInput, Result, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, Source, SourceArgument, column, computed, connection, extend, node, to_one
from schema.nodes.expressions import Coalesce, Expr, Literal, RowOf, area_of, select
from schema.scalars import Long


def _balance(t: RowOf) -> Expr:
    last = select(models.Entry).where(lambda e: e.account_id == t.id).first("balance_after", order_by="-seq")
    return Coalesce(last, Literal(0))


@node(models.Account, place=lambda t: area_of(CoreActor, t.actor_id))
class PointsAccount:
    """One actor's caring points (积分账户)."""

    version: int = column(filter=False)
    balance: Long = computed(_balance, description="The sum of all entries, never below zero (余额).")
    actor: Actor = to_one()
    entries: Connection[PointsEntry] = connection("account_id")


@node(models.Rule)
class PointsRule:
    """So many points for an event, in an area and below (积分规则)."""

    event_type: str = column()
    actor_kind: ActorKind | None = column(description="For this kind of actor; null for all (主体类型).")
    points: int = column()
    state: RuleState = column()
    version: int = column(filter=False)
    area: Area = to_one()


@node(models.Entry, order="-occurred_at")
class PointsEntry:
    """Points given, or taken back by a reversal; never edited (积分流水)."""

    seq: Long = column(description="Position in the account (序号).")
    amount: Long = column()
    balance_after: Long = column(filter=False)
    occurred_at: datetime = column(order=True)
    recorded_at: datetime = column()
    account: PointsAccount | None = to_one()
    area: Area = to_one()
    rule: PointsRule | None = to_one()
    reverses: PointsEntry | None = to_one(description="The entry this one undoes (冲正对象).")


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


_PERIOD = "`2026`, `2026-H1`, `2026-Q3` or `2026-07`, in civil time (期间)."
RANKING = Source(
    """SELECT a.id AS id, a.actor_id AS actor_id, sum(e.amount) AS points,
        rank() OVER (ORDER BY sum(e.amount) DESC) AS place
    FROM points_entry e JOIN points_account a ON a.id = e.account_id JOIN core_actor c ON c.id = a.actor_id
    WHERE c.kind = :kind: AND e.occurred_at >= :start: AND e.occurred_at < :end:
      AND e.area_id IN (SELECT x.descendant_id FROM core_area_closure x
                        WHERE x.until IS NULL AND x.ancestor_id = :area:)
    GROUP BY a.id, a.actor_id HAVING sum(e.amount) > 0""",
    {"id": "uuid", "actor_id": "uuid", "points": "long", "place": "int"},
    {
        "area": SourceArgument(
            strawberry.ID, _area_id, "uuid", "areaId", "In this area and below (区域).", names_area=True
        ),
        "kind": SourceArgument(ActorKind, _kind, "text", "kind", "Only this kind of actor (主体类型)."),
        "start": SourceArgument(str, _start, "instant", "period", _PERIOD),
        "end": SourceArgument(str, _end, "instant", "period", _PERIOD),
    },
)


@node(models.Account, source=RANKING, order="place")
class PointsStanding:
    """An actor's place among its kind, in an area and period; equal points share a place (积分排名)."""

    place: int = column(order=True, description="1 is first (名次).")
    points: Long = column()
    actor: Actor = to_one()


@extend(Query)
class PointsQuery:
    points_accounts: Connection[PointsAccount] = every(description="Accounts (积分账户列表).")
    points_rules: Connection[PointsRule] = every(description="Rules (积分规则列表).")
    points_entries: Connection[PointsEntry] = every(description="Entries, the latest first (积分流水列表).")
    points_ranking: Connection[PointsStanding] = every(description="Who did most (积分排名).")


@extend(Actor)
class ActorPoints:
    points_balance: Long | None = computed(
        lambda t: Coalesce(
            select(models.Entry)
            .where(
                lambda e: select(models.Account).where(lambda a: (a.id == e.account_id) & (a.actor_id == t.id)).exists()
            )
            .sum("amount"),
            Literal(0),
        ),
        description="Caring points in all (爱心积分).",
    )


@strawberry.input
class PointsSetRuleInput(MutationInput):
    area_id: strawberry.ID
    event_type: str
    actor_kind: Optional[ActorKind] = None
    points: int


@mutation("points.rule.set", rule=PointsRule)
async def points_set_rule(work: Work, input: PointsSetRuleInput) -> Result:
    """Set what an event is worth, in an area and below; the former rule retires (设定积分规则)."""
    rule = await rules.set_rule(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        event_type=input.event_type,
        actor_kind=input.actor_kind,
        points=input.points,
    )
    return {"rule": rule}


@strawberry.input
class PointsReverseInput(MutationInput):
    entry_id: strawberry.ID
    reason: str


@mutation("points.entry.reverse", entry=PointsEntry)
async def points_reverse(work: Work, input: PointsReverseInput) -> Result:
    """Undo an entry by its opposite, with a reason (冲正积分)."""
    id = from_global(input.entry_id, "points_entry", "entryId")
    return {"entry": await rules.reverse_entry(work, entry_id=id, reason=input.reason)}
