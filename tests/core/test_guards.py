"""The invariants the database itself holds: whoever writes past the rules is refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.database.guards import Upon, guards_of, refuse, render, same
from core.ids import new_id
from core.models import Account, Identity, Membership
from core.testing.kit import Neighbourhood
from core.work import Work
from tests.kits.guards import refused

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("table", ["core_event", "core_transition"])
async def test_the_log_is_only_ever_added_to(neighbourhood: Neighbourhood, table: str) -> None:
    assert await refused(neighbourhood, f"DELETE FROM {table}") == "APPEND_ONLY"
    assert await refused(neighbourhood, f"UPDATE {table} SET subject_tag = 'x'") == "APPEND_ONLY"
    if neighbourhood.server.runtime.database.dialect.name == "postgres":
        assert await refused(neighbourhood, f"TRUNCATE {table} CASCADE") == "APPEND_ONLY"


async def test_no_state_changes_without_an_event_inv22(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    assert await refused(n, "UPDATE core_activity SET state = 'CANCELLED' WHERE state = 'OPEN'") == "UNLOGGED_CHANGE"
    assert await refused(n, "UPDATE core_area SET name = 'x', event_id = {}", new_id()) == "UNLOGGED_CHANGE"


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [("'a'", "'a'", 1), ("'a'", "'b'", 0), ("'a'", "NULL", 0), ("NULL", "'a'", 0), ("NULL", "NULL", 1)],
)
async def test_what_is_not_the_same_is_different(
    neighbourhood: Neighbourhood, left: str, right: str, equal: int
) -> None:
    found = same(left, right)
    sql = f"SELECT CASE WHEN {found} THEN 1 ELSE 0 END, CASE WHEN NOT ({found}) THEN 1 ELSE 0 END"
    assert [tuple(row) for row in await neighbourhood.server.runtime.database.read(sql)] == [(equal, 1 - equal)]


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_a_guard_upon_somebody_else_s_rows_is_not_in_the_way_of_theirs(dialect: str) -> None:
    mine = refuse("until_after_since", "UPDATE", "1 = 1", "X")
    (made,) = render(Account, Upon(Membership, mine), dialect)
    names = {o.name for g in guards_of(Membership) for o in render(Membership, g, dialect)}
    assert made.table == "core_membership" and made.name not in names


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE core_area SET name = 'x'",  # the event that made the row speaks for it once
        "UPDATE core_actor SET masked_name = name, version = version + 1",
        "UPDATE core_role_grant SET role = 'ADMIN' WHERE role = 'CLERK'",
        "DELETE FROM core_role_grant",
    ],
)
async def test_no_row_changes_or_goes_without_an_event_of_its_own_inv22(neighbourhood: Neighbourhood, sql: str) -> None:
    assert await refused(neighbourhood, sql) == "UNLOGGED_CHANGE"


async def test_an_event_speaks_for_one_change_of_a_row(neighbourhood: Neighbourhood) -> None:
    """Even with a real event and the next version: the same event is not taken again."""
    n = neighbourhood
    await n.do("admin", "coreRenameArea", "area { name }", areaId=await n.area_id("xishan"), name="西山")
    sql = "UPDATE core_area SET name = 'x', version = version + 1 WHERE code = 'xishan'"
    assert await refused(n, sql) == "UNLOGGED_CHANGE"


async def test_sqlite_replaces_nothing_that_may_not_be_deleted(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    database = n.server.runtime.database
    if database.dialect.name != "sqlite":
        return  # PostgreSQL has no REPLACE
    same = "INSERT OR REPLACE INTO {0} SELECT * FROM {0} LIMIT 1"
    assert await refused(n, same.format("core_transition")) == "APPEND_ONLY"
    assert await refused(n, same.format("core_actor")) == "APPEND_ONLY"
    columns = (
        "id, transaction_id, type, plugin, area_id, subject_tag, subject_id, actor_id, authority, permission, grant_id,"
        " mandate_id, behalf_of_id, behalf_basis, cause_id, data, occurred_at, recorded_at"
    )
    forged = f"INSERT OR REPLACE INTO core_event (seq, {columns}) SELECT seq, '{new_id()}'{columns[2:]} FROM core_event"
    assert await refused(n, forged + " WHERE actor_id IS NULL LIMIT 1") == "APPEND_ONLY"
    taken = "UPDATE OR REPLACE core_account SET login = 'admin' WHERE login = 'clerk'"
    assert await refused(n, taken) in ("LOGIN_TAKEN", "UNLOGGED_CHANGE")
    assert len(await database.read("SELECT 1 FROM core_account WHERE login IN ('admin', 'clerk')")) == 2


async def test_places_never_run_over_in_the_database(neighbourhood: Neighbourhood) -> None:
    sql = "UPDATE core_activity SET places_taken = capacity + 1 WHERE capacity IS NOT NULL"
    assert await refused(neighbourhood, sql) in ("ACTIVITY_FULL", "UNLOGGED_CHANGE")


async def test_an_event_cannot_claim_a_role_outside_its_area_inv13(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    database = n.server.runtime.database
    clerk = await n.viewer("clerk")
    grant = clerk.grants[0]
    elsewhere = (await database.read("SELECT id FROM core_area WHERE code = 'haihong'"))[0][0]
    columns = (
        "id, transaction_id, type, plugin, area_id, subject_tag, subject_id, actor_id, authority, permission, grant_id,"
        " data, occurred_at, recorded_at"
    )
    now = n.clock.now()

    def event(area: Any, permission: str, authority: str, actor: UUID | None) -> list[Any]:
        return [
            new_id(),
            0,
            "x",
            "core",
            UUID(str(area)),
            "area",
            new_id(),
            actor,
            authority,
            permission,
            grant.id,
            {},
            now,
            now,
        ]

    sql = f"INSERT INTO core_event ({columns}) VALUES ({', '.join(['{}'] * 14)})"
    person = clerk.person_id
    assert await refused(n, sql, *event(elsewhere, "core.actor.register", "ROLE", person)) == "OUTSIDE_MANDATE"
    assert await refused(n, sql, *event(grant.area_id, "core.area.manage", "ROLE", person)) == "OUTSIDE_MANDATE"
    assert await refused(n, sql, *event(grant.area_id, "core.actor.register", "OPEN", person)) == "OUTSIDE_MANDATE"
    assert await refused(n, sql, *event(grant.area_id, "core.actor.register", "OPEN", None)) in (
        "UNLOGGED_CHANGE", "OUTSIDE_MANDATE",
    )  # fmt: skip
    async with database.transaction() as transaction:
        marks = [database.dialect.mark(i + 1) for i in range(14)]
        await transaction.fetch(sql.format(*marks), *event(grant.area_id, "core.actor.register", "ROLE", person))


async def test_an_area_keeps_its_code_and_lies_not_within_itself(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    assert await refused(n, "UPDATE core_area SET code = 'other' WHERE code = 'xishan'") == "AREA_CODE_IMMUTABLE"
    sql = "UPDATE core_area SET parent_id = (SELECT id FROM core_area WHERE code = 'xishan-1') WHERE code = 'xishan'"
    assert await refused(n, sql) == "AREA_CYCLE"


async def test_a_name_of_ten_thousand_characters_does_not_fit_either_database(neighbourhood: Neighbourhood) -> None:
    with pytest.raises(Exception, match=r"INVALID_VALUE|too long"):
        async with neighbourhood.server.runtime.database.transaction() as transaction:
            await transaction.fetch("UPDATE core_area SET name = " + "'" + "长" * 10_000 + "'")


async def test_whom_a_provider_no_longer_lets_in_stays_out(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood

    async def removed(work: Work) -> dict[str, Any]:
        account = (await work.select(Account, login="resident"))[0]
        identity = work.add(Identity(id=new_id(), account_id=account.id, provider="phone", subject="x" * 64))
        work.own_matter()
        work.record("core.account.linked", account, area_id=None)
        await work.flush_now()
        work.change(identity, removed_at=work.now)
        work.record("core.account.unlinked", identity, area_id=None)
        return {}

    await n.server.runtime.as_system(removed)
    assert await refused(n, "UPDATE core_identity SET removed_at = NULL") == "ALREADY_ENDED"
