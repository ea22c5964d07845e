"""INV1 and INV2: the ledger adds up, whatever is asked of it, and the database holds it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import ledger
from core.clock import Clock
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.testing.kit import Databases, Neighbourhood, served
from core.work import Work
from plugins.points.models import Account, Entry
from plugins.points.rules import set_rule
from plugins.points.terms import EntryKind

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), st.integers(-40, 60).filter(bool)),
        st.tuples(st.just("reverse"), st.integers(0, 10)),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_the_balance_is_the_sum_and_never_falls_below_zero(databases: Databases, dialect: str) -> None:
    url = databases.fresh(dialect, "demo")
    with asyncio.Runner() as runner:
        context = served(databases.config(url), Clock())
        n = runner.run(context.__aenter__())
        try:

            @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
            @given(STEPS)
            def check(steps: list[tuple[str, int]]) -> None:
                runner.run(replay(n, steps))

            check()
        finally:
            runner.run(context.__aexit__(None, None, None))


async def replay(n: Neighbourhood, steps: list[tuple[str, int]]) -> None:
    """Play steps on a new account, beside a plain list of what should be there."""
    runtime = n.server.runtime
    expected: list[int] = []
    undone: set[int] = set()
    made: dict[str, Any] = {}

    async def open_account(work: Work) -> dict[str, Any]:
        area = (await work.rows("SELECT id FROM core_area WHERE code = 'xishan'"))[0]["id"]
        from core.enums import ActorKind
        from core.rules.actors import register_actor

        actor: Actor = await register_actor(work, kind=ActorKind.ENTERPRISE, name="某企业", area_id=area)
        await work.flush_now()
        rule = await set_rule(work, area_id=area, event_type="core.activity.attended", actor_kind=None, points=1)
        account = work.add(Account(id=new_id(), actor_id=actor.id))
        work.record("points.account.opened", account, area_id=area)
        made.update(account=account.id, area=area, rule=rule.id)
        return {}

    await runtime.as_system(open_account)

    async def step(work: Work, kind: str, value: int) -> dict[str, Any]:
        account = await work.lock(Account, made["account"])
        work.require("points.award", account)
        if kind == "post":
            reason = {"kind": EntryKind.EXPIRY}
            if value > 0:
                reason = {"kind": EntryKind.AWARD, "rule_id": made["rule"], "source_event_id": new_id()}
            entry = await ledger.post(work, Entry, account, value, area_id=made["area"], **reason)
        else:
            entries = await work.select(Entry, account_id=account.id)
            originals = sorted(entries, key=lambda e: e.seq)
            entry = await ledger.reverse(
                work, Entry, account, originals[value], area_id=made["area"], kind=EntryKind.REVERSAL
            )
        work.record("points.entry.posted", entry, area_id=None)
        return {}

    for kind, value in steps:
        total = sum(expected)
        if kind == "reverse" and value >= len(expected):
            continue
        amount = value if kind == "post" else -expected[value]
        forbidden = total + amount < 0 or (kind == "reverse" and value in undone)
        try:
            await runtime.as_system(lambda w, k=kind, v=value: step(w, k, v))  # type: ignore[misc]
        except Refusal as refusal:
            assert forbidden, refusal
            continue
        assert not forbidden
        if kind == "reverse":
            undone |= {value, len(expected)}
        expected.append(amount)

    mark = runtime.database.dialect.mark(1)
    rows = await runtime.database.read(
        f"SELECT amount, balance_after FROM points_entry WHERE account_id = {mark} ORDER BY seq", [made["account"]]
    )
    assert [r[0] for r in rows] == expected
    assert [r[1] for r in rows] == [sum(expected[: i + 1]) for i in range(len(expected))]


@pytest.mark.anyio
async def test_the_database_refuses_what_does_not_continue_the_ledger(neighbourhood: Neighbourhood) -> None:
    n = neighbourhood
    database = n.server.runtime.database
    await replay(n, [("post", 3), ("post", 5)])

    async def insert(change: str) -> str:
        columns = "id, kind, account_id, area_id, rule_id, source_event_id, seq, amount, balance_after, reverses_id, occurred_at, recorded_at"
        values = {
            "id": f"'{new_id()}'", "kind": "kind", "account_id": "account_id", "area_id": "area_id", "rule_id": "rule_id",
            "source_event_id": f"'{new_id()}'", "seq": "seq + 1", "amount": "1", "balance_after": "balance_after + 1",
            "reverses_id": "NULL", "occurred_at": "occurred_at", "recorded_at": "recorded_at",
        }  # fmt: skip
        name, _, value = change.partition("=")
        values[name] = value
        chosen = ", ".join(values[c.strip()] for c in columns.split(","))
        last = "SELECT id FROM points_entry ORDER BY recorded_at DESC, seq DESC LIMIT 1"
        with pytest.raises(Refusal) as caught:
            async with database.transaction() as transaction:
                await transaction.fetch(
                    f"INSERT INTO points_entry ({columns}) SELECT {chosen} FROM points_entry WHERE id = ({last})"
                )
        return caught.value.code

    assert await insert("balance_after=balance_after + 2") == "LEDGER_MOVED"
    assert await insert("seq=seq + 2") == "LEDGER_MOVED"
    assert await insert("amount=0") in ("INVALID_VALUE", "LEDGER_MOVED")
    assert await insert("source_event_id=source_event_id") == "ALREADY_AWARDED"
    for sql, code in (
        ("UPDATE points_entry SET amount = 1000", "APPEND_ONLY"),
        ("DELETE FROM points_entry", "APPEND_ONLY"),
    ):
        with pytest.raises(Refusal) as caught:
            async with database.transaction() as transaction:
                await transaction.fetch(sql)
        assert caught.value.code == code
