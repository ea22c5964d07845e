"""Whose matter something is, and who therefore does not decide it (INV10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.access import LATELY, Acting, Viewer, entered_by, own_sql
from core.database.dialect import POSTGRES
from core.errors import Refusal
from core.models import Entity
from core.settings.store import as_uuid
from core.work.reading import Reading


class Impartial(Reading):
    """The part of `Work` that knows whose matter is the person's own."""

    viewer: Viewer
    acting: Acting
    _own: frozenset[UUID] | None

    async def concerned_in(self, *actor_ids: UUID, or_among: str = "", values: Sequence[Any] = ()) -> bool:
        """Is the matter of one of these actors the person's own, in any of their hats (INV10)?

        `or_among` is a SELECT of more of them, with `{}` for each of its `values`, asked in the same statement.
        """
        if not or_among:
            return not (await self.own()).isdisjoint(actor_ids)
        own, known = self._own_sql(self.viewer.person_id, self.acting.behalf_of_id)
        known += [*actor_ids, *values]
        marks = [f"{{{n}}}" for n in range(len(known))]
        more = or_among.format(*marks[len(known) - len(values) :])
        named = ", ".join(marks[len(known) - len(values) - len(actor_ids) : len(known) - len(values)]) or "NULL"
        return bool(
            await self.rows(
                f"SELECT 1 AS yes FROM ({own}) o WHERE o.id IN ({named}) OR o.id IN ({more}) LIMIT 1", *known
            )
        )

    async def not_own(self, *actor_ids: UUID | None) -> None:
        """Refuses OWN_MATTER (INV10) where one of them is the person, or somebody they belong to or act for."""
        named = [id for id in actor_ids if id is not None]
        if named and await self.concerned_in(*named):
            raise Refusal("OWN_MATTER")

    async def not_at_the_desk_of(self, *actor_ids: UUID | None) -> None:
        """Refuses OWN_MATTER (INV10) where one of them, say who decided what is appealed against, enters it at the desk
        for somebody else. Nobody is kept from what they do in their own name."""
        named = {id for id in actor_ids if id is not None}
        if self.acting.behalf_of_id is not None and named:
            own, known = self._own_sql(self.viewer.person_id)
            if not named.isdisjoint(as_uuid(row["id"]) for row in await self.rows(own, *known)):
                raise Refusal("OWN_MATTER")

    async def not_entered(self, row: Entity, *types: str) -> None:
        """Refuses ENTERED_BY_YOU (INV10) where the person who decides about a row did something about it at the desk for
        somebody else: an event of one of these types, or of any."""
        if self.viewer.person_id is not None:
            entered = entered_by("{0}", "{1}", *types)
            if await self.rows(f"SELECT 1 AS yes WHERE {entered}", self.viewer.person_id, row.id):
                raise Refusal("ENTERED_BY_YOU")

    async def own(self) -> frozenset[UUID]:
        """Whose matter is the person's own, and at the desk that of whom they act for (`core.access.own_sql`)."""
        if self._own is None:
            sql, values = self._own_sql(self.viewer.person_id, self.acting.behalf_of_id)
            self._own = frozenset(as_uuid(row["id"]) for row in (await self.rows(sql, *values) if values else ()))
        return self._own

    def _own_sql(self, *whose: UUID | None) -> tuple[str, list[Any]]:
        """A SELECT of `id`, whose matter is these people's own, and what is bound to it."""
        people = [id for id in whose if id is not None]
        cast = "::uuid" if self.transaction.database.dialect is POSTGRES else ""
        each = [own_sql(f"{{{n + 2}}}{cast}", "{0}", "{1}") for n in range(len(people))]
        return " UNION ".join(each) or "SELECT id FROM core_actor WHERE 1 = 0", (
            [self.now, self.now - LATELY, *people] if people else []
        )
