"""Shortcuts of these tests: people who have earned points, and rules run as somebody."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from core.access import Acting
from core.enums import ActorKind
from core.ids import new_id
from core.models import Area
from core.runtime import Command
from core.testing.kit import Neighbourhood
from core.work import Work
from plugins.points.accounts import account_of, earn
from plugins.points.models import Entry, Rule
from plugins.points.rules import set_rule
from plugins.points.terms import EntryKind

TYPE = "core.activity.attended"


async def system(n: Neighbourhood, rule: Callable[[Work], Awaitable[Any]], at: datetime | None = None) -> Any:
    found = []

    async def run(work: Work) -> dict[str, Any]:
        found.append(await rule(work))
        return {}

    await n.server.runtime.as_system(run, occurred_at=at)
    return found[-1]


async def act(n: Neighbourhood, login: str, rule: Callable[[Work], Awaitable[Any]]) -> Any:
    found = []

    async def run(work: Work) -> dict[str, Any]:
        found.append(await rule(work))
        return {}

    await n.server.runtime.perform(Command("test", await n.viewer(login), Acting()), run)
    return found[-1]


async def person(n: Neighbourhood, login: str) -> UUID:
    found = (await n.viewer(login)).person_id
    assert found is not None
    return found


async def area(n: Neighbourhood, code: str) -> UUID:
    return UUID((await n.area_id(code)).removeprefix("area_"))


async def a_rule(n: Neighbourhood, code: str = "haicang", **more: Any) -> UUID:
    place = await area(n, code)

    async def rule(work: Work) -> Rule:
        values = {"event_type": TYPE, "actor_kind": None, "points": 10} | more
        return await set_rule(work, area_id=place, **values)

    return UUID(str((await system(n, rule)).id))


async def earned(
    n: Neighbourhood, actor: UUID, amount: int, rule_id: UUID, code: str = "xishan", at: datetime | None = None
) -> Entry:
    """Points as an award posts them, of any amount."""

    async def rule(work: Work) -> Entry:
        found = await work.find(Area, code=code)
        assert found is not None
        account = await account_of(work, actor, found.id)
        return await earn(
            work, account, amount, EntryKind.AWARD, area_id=found.id, event="points.entry.posted", data={},
            rule_id=rule_id, source_event_id=new_id(),
        )  # fmt: skip

    entry: Entry = await system(n, rule, at)
    return entry


async def balance(n: Neighbourhood, actor: UUID) -> int:
    """The balance as the last entry says it, which is the sum of all."""
    mark = n.server.runtime.database.dialect.mark(1)
    rows = await n.server.runtime.database.read(
        "SELECT e.amount, e.balance_after FROM points_entry e JOIN points_account a ON a.id = e.account_id"
        f" WHERE a.actor_id = {mark} ORDER BY e.seq",
        [actor],
    )
    total = sum(int(r[0]) for r in rows)
    assert not rows or int(rows[-1][1]) == total
    return total


__all__ = ["TYPE", "ActorKind", "a_rule", "act", "area", "balance", "earned", "person", "system"]
