"""What every stored thing has: an id with a tag and, where it has a life, a version and the event behind it."""

from __future__ import annotations

from typing import Any, ClassVar

from tortoise import fields
from tortoise.models import Model

from core.database.guards import Guard, refuse, same
from core.ids import new_id


def references(model: str, *, null: bool = False) -> Any:
    """A column `<name>_id` that leads to a row of `model` (`"core.Area"`), which cannot go while it is led to."""
    options: Any = {"null": null}
    return fields.ForeignKeyField(model, on_delete=fields.RESTRICT, related_name=False, **options)


class Entity(Model):
    """A row with a UUIDv7 `id`; `tag` makes its global id.

    `searchable` names the column by which everybody may find it (`core.search`); people are found only by whoever may
    see their names.
    """

    id = fields.UUIDField(primary_key=True, default=new_id)

    tag: ClassVar[str]
    searchable: ClassVar[str | None] = None
    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        abstract = True


class Logged(Entity):
    """A row that changes only together with an event: `event_id` names the one that made it as it is (INV22).

    The database refuses an INSERT or UPDATE whose event has no transition for this very row and state, an UPDATE
    without an event of its own and the next version (unless it is of `unlogged` columns alone), and every DELETE.
    """

    version = fields.IntField(default=1)
    event_id = fields.UUIDField()

    # Columns that say nothing new, worked out from other rows or a worker's lease: alone, they change without an event.
    unlogged: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True

    @classmethod
    def implied_guards(cls) -> tuple[Guard, ...]:
        """The database's part of INV22 for this model; `guards_of` adds it to the declared ones."""
        state = " AND s.to_state = NEW.state" if "state" in cls._meta.fields_map else ""
        seen = f"SELECT 1 FROM core_transition s WHERE s.event_id = NEW.event_id AND s.subject_id = NEW.id{state}"
        stale = "NEW.id <> OLD.id OR NEW.event_id = OLD.event_id OR NEW.version <> OLD.version + 1"
        if cls.unlogged:
            # Quoted: after `NEW.`, PL/pgSQL takes words of its own (`strict`) for something else.
            kept = [f'"{c}"' for c in cls._meta.fields_db_projection.values() if c not in cls.unlogged]
            unchanged = " AND ".join(same(f"NEW.{c}", f"OLD.{c}") for c in kept)
            stale = f"({stale}) AND NOT ({unchanged})"
        # Named last and declared first: both databases then let a guard speak that knows better what is wrong.
        return (
            refuse("z_inv22_logged", "INSERT OR UPDATE", f"NOT EXISTS ({seen})", "UNLOGGED_CHANGE"),
            refuse("z_inv22_anew", "UPDATE", stale, "UNLOGGED_CHANGE"),
            refuse("z_inv22_delete", "DELETE", "1 = 1", "UNLOGGED_CHANGE"),
            refuse("z_inv22_truncate", "TRUNCATE", "1 = 1", "UNLOGGED_CHANGE"),
        )
