"""Past the rules, straight to the tables: what a guard refuses, and the event it is not to stumble over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.errors import Refusal
from core.ids import new_id
from core.testing.kit import Neighbourhood


async def refused(n: Neighbourhood, sql: str, *values: Any) -> str:
    """The code of the guard that stops this statement."""
    database = n.server.runtime.database
    marks = [database.dialect.mark(i + 1) for i in range(len(values))]
    with pytest.raises(Refusal) as caught:
        async with database.transaction() as transaction:
            await transaction.fetch(sql.format(*marks) if values else sql, *values)
    return caught.value.code


async def log(
    n: Neighbourhood, subject: str | UUID, state: str | None = None, type: str = "x", *, by: str | None = None,
    behalf_of: str | None = None,
) -> str:  # fmt: skip
    """An event with a transition for this row, so that only the guard in question can refuse it: of the server, or of
    somebody, perhaps at the desk for somebody else."""
    database = n.server.runtime.database
    event, mark, now = new_id(), database.dialect.mark, n.clock.now()
    async with database.transaction() as transaction:
        await transaction.fetch(
            "INSERT INTO core_event (id, transaction_id, type, plugin, subject_tag, subject_id, authority, data,"
            f" occurred_at, recorded_at, actor_id, behalf_of_id, behalf_basis) VALUES ({mark(1)}, 0, '{type}', 'core', 'x',"
            f" {mark(1)}, '{'SELF' if by else 'SYSTEM'}', {mark(2)}, {mark(3)}, {mark(3)}, {mark(4)}, {mark(5)},"
            f" {mark(6)})",
            event, {}, now, by and UUID(by), behalf_of and UUID(behalf_of), behalf_of and "PHONE",
        )  # fmt: skip
        await transaction.fetch(
            "INSERT INTO core_transition (id, event_id, subject_tag, subject_id, to_state)"
            f" VALUES ({mark(1)}, {mark(2)}, 'x', {mark(3)}, {mark(4)})",
            new_id(), event, str(subject), state,
        )  # fmt: skip
    return str(event)
