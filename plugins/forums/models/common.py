"""What the tables of forums share."""

from __future__ import annotations


def is_member(actor: str) -> str:
    """SQL: the row's member is in the row's forum, takes part now, and is this actor."""
    return (
        "EXISTS (SELECT 1 FROM forums_member m WHERE m.id = NEW.member_id AND m.forum_id = NEW.forum_id"
        f" AND m.state = 'ACTIVE' AND m.actor_id = {actor})"
    )
