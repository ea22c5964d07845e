"""Accounts, rules and the ledger of points."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, check, index, refuse, unique
from core.enums import ActorKind, Term
from core.ledger import LedgerEntry
from core.models import Actor, Area, Logged


class RuleState(Term):
    """Whether a rule gives points (规则状态)."""

    ACTIVE = "ACTIVE", "生效"
    RETIRED = "RETIRED", "停用"


class Account(Logged):
    """One actor's points; the balance is what the last entry says."""

    tag: ClassVar[str] = "points_account"

    actor: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    actor_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (unique("actor_id", code="INTERNAL"),)

    class Meta:
        table = "points_account"


class Rule(Logged):
    """So many points for an event, in an area and below, for one kind of actor or all; a new version retires the old."""

    tag: ClassVar[str] = "points_rule"

    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    event_type = fields.CharField(max_length=100)
    actor_kind = fields.CharEnumField(ActorKind, description="ActorKind", max_length=40, null=True)
    points = fields.IntField()
    state = fields.CharEnumField(RuleState, description="RuleState", max_length=40)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("points", "NEW.points BETWEEN 1 AND 1000000"),
        unique("event_type", "area_id", where="state = 'ACTIVE' AND actor_kind IS NULL", code="RULE_MOVED"),
        unique("event_type", "area_id", "actor_kind", where="state = 'ACTIVE'", code="RULE_MOVED"),
        index("area_id"),
        refuse("points_stay", "UPDATE", "NEW.points <> OLD.points OR NEW.event_type <> OLD.event_type", "RULE_STAYS"),
    )

    class Meta:
        table = "points_rule"


class Entry(LedgerEntry):
    """Points given by a rule for one source event (INV2), or the reversal of such an entry."""

    tag: ClassVar[str] = "points_entry"

    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "points.Account", on_delete=fields.RESTRICT, related_name=False
    )
    account_id: UUID
    area: fields.ForeignKeyRelation[Area] = fields.ForeignKeyField(
        "core.Area", on_delete=fields.RESTRICT, related_name=False
    )
    area_id: UUID
    rule: fields.ForeignKeyNullableRelation[Rule] = fields.ForeignKeyField(
        "points.Rule", null=True, on_delete=fields.RESTRICT, related_name=False
    )
    rule_id: UUID | None
    source_event_id = fields.UUIDField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("has_a_reason", "(NEW.source_event_id IS NOT NULL) <> (NEW.reverses_id IS NOT NULL)"),
        check("rule_with_event", "(NEW.source_event_id IS NULL) OR (NEW.rule_id IS NOT NULL)"),
        unique("source_event_id", "rule_id", where="source_event_id IS NOT NULL", code="ALREADY_AWARDED"),
        index("area_id", "occurred_at"),
        index("rule_id"),
    )

    class Meta:
        table = "points_entry"
