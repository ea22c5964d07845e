"""The append-only ledger that several mechanisms keep, each in a table of its own (INV1).

Every entry carries its position and the balance after it, and the database takes an entry only if it continues the
one before: the balance is the sum of all entries by construction, and never falls below zero.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, refuse, unique
from core.errors import Refusal
from core.ids import new_id
from core.models.base import Entity
from core.work import Work

LARGEST = 2**53 - 1


class LedgerEntry(Entity):
    """Base of a ledger's entries. The plugin adds a foreign key `account` and what the entry is about."""

    seq = fields.BigIntField()
    amount = fields.BigIntField()
    balance_after = fields.BigIntField()
    reverses_id = fields.UUIDField(null=True)
    occurred_at = fields.DatetimeField()
    recorded_at = fields.DatetimeField()

    account_id: UUID

    class Meta:
        abstract = True

    @classmethod
    def implied_guards(cls) -> tuple[Guard, ...]:
        table = cls._meta.db_table
        before = (
            f"EXISTS (SELECT 1 FROM {table} p WHERE p.account_id = NEW.account_id AND p.seq = NEW.seq - 1"
            " AND NEW.balance_after = p.balance_after + NEW.amount)"
        )
        first = "(NEW.seq = 1 AND NEW.balance_after = NEW.amount)"
        reversed_one = (
            f"EXISTS (SELECT 1 FROM {table} r WHERE r.id = NEW.reverses_id AND r.account_id = NEW.account_id"
            " AND r.amount = -NEW.amount AND r.reverses_id IS NULL)"
        )
        return (
            *append_only(),
            unique("account_id", "seq", code="LEDGER_MOVED"),
            unique("reverses_id", where="reverses_id IS NOT NULL", code="ALREADY_REVERSED"),
            check("not_nothing", "NEW.amount <> 0"),
            check("floor", "NEW.balance_after >= 0", "BALANCE_TOO_LOW"),
            check("exact", f"NEW.balance_after <= {LARGEST}"),
            refuse("chain", "INSERT", f"NOT ({first} OR {before})", "LEDGER_MOVED"),
            refuse("reversal", "INSERT", f"NEW.reverses_id IS NOT NULL AND NOT {reversed_one}", "NOT_REVERSIBLE"),
        )

    guards: ClassVar[tuple[Guard, ...]] = ()


E = TypeVar("E", bound=LedgerEntry)


async def end_of(work: Work, entry: type[E], account_id: UUID) -> tuple[int, int]:
    """The last position and the balance of an account, with what this work has queued."""
    queued = [e for e in work.queued(entry) if e.account_id == account_id]
    if queued:
        return queued[-1].seq, queued[-1].balance_after
    table = entry._meta.db_table
    last = await work.rows(
        f"SELECT seq, balance_after FROM {table} WHERE account_id = {{}} ORDER BY seq DESC LIMIT 1", account_id
    )
    return (last[0]["seq"], last[0]["balance_after"]) if last else (0, 0)


async def post(work: Work, entry: type[E], account: Any, amount: int, **columns: Any) -> E:
    """Queue an entry at the end of `account`, a row the caller has locked or just made.

    Refuses ZERO_AMOUNT, BALANCE_TOO_LOW.
    """
    if amount == 0:
        raise Refusal("ZERO_AMOUNT", path=("amount",))
    seq, balance = await end_of(work, entry, account.id)
    if balance + amount < 0:
        raise Refusal("BALANCE_TOO_LOW", balance=balance, amount=amount)
    row = entry(
        id=new_id(),
        account_id=account.id,
        seq=seq + 1,
        amount=amount,
        balance_after=balance + amount,
        occurred_at=work.occurred_at,
        recorded_at=work.now,
        **columns,
    )
    work.append(row)
    return row


async def reverse(work: Work, entry: type[E], account: Any, original: E, **columns: Any) -> E:
    """Queue the entry that undoes `original`; refuses ALREADY_REVERSED, NOT_REVERSIBLE, BALANCE_TOO_LOW."""
    if original.reverses_id is not None:
        raise Refusal("NOT_REVERSIBLE")
    if await work.find(entry, reverses_id=original.id) is not None:
        raise Refusal("ALREADY_REVERSED")
    return await post(work, entry, account, -original.amount, reverses_id=original.id, **columns)
