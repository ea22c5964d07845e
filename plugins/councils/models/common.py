"""What the tables of councils share."""

from __future__ import annotations

from typing import Any

from tortoise import fields


def to(model: str, *, null: bool = False) -> Any:
    options: Any = {"null": null}
    return fields.ForeignKeyField(model, on_delete=fields.RESTRICT, related_name=False, **options)


def by_event(*types: str) -> str:
    """SQL: the change is that of an event of one of these types."""
    named = ", ".join(f"'councils.{type}'" for type in types)
    return f"EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id AND e.type IN ({named}))"


def out_of_bounds(body: str) -> str:
    """SQL: some category of this body has fewer or more holders than its rule in force allows."""
    counted = (
        "(SELECT count(*) FROM councils_seat s WHERE s.body_id = r.body_id AND s.state = 'FILLED'"
        " AND s.categories LIKE '%|' || r.category || '|%')"
    )
    return (
        f"EXISTS (SELECT 1 FROM councils_seat_rule r WHERE r.body_id = {body} AND r.state = 'IN_FORCE'"
        f" AND {counted} NOT BETWEEN r.lower AND r.upper)"
    )
