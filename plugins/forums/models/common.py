"""What the tables of forums share."""

from __future__ import annotations

from typing import Any

from tortoise import fields

from core.database.guards import same


def to(model: str, *, null: bool = False) -> Any:
    options: Any = {"null": null}
    return fields.ForeignKeyField(model, on_delete=fields.RESTRICT, related_name=False, **options)


def by_event(*types: str) -> str:
    """SQL: the change is that of an event of one of these types."""
    named = ", ".join(f"'forums.{type}'" for type in types)
    return f"EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id AND e.type IN ({named}))"


def moved(*columns: str) -> str:
    """SQL: one of these columns is another than before."""
    return "(" + " OR ".join(f"NOT {same(f'NEW.{c}', f'OLD.{c}')}" for c in columns) + ")"


def is_member(actor: str) -> str:
    """SQL: the row's member is in the row's forum, takes part now, and is this actor."""
    return (
        "EXISTS (SELECT 1 FROM forums_member m WHERE m.id = NEW.member_id AND m.forum_id = NEW.forum_id"
        f" AND m.state = 'ACTIVE' AND m.actor_id = {actor})"
    )
