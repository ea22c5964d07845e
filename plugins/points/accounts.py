"""Accounts: opening, earning, taking back, expiry, and what becomes of them when two actors prove to be one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import ledger
from core.clock import months_later
from core.corrections import Finding
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, Logged
from core.settings.store import as_uuid
from core.work import Work
from plugins.points.models import Account, Dispute, Entry, Grant, PendingReversal, Redemption
from plugins.points.settings import PointsSettings
from plugins.points.terms import DisputeState, EntryKind, GrantState, PendingState, RedemptionState

# An account with those that lead to it, for SQL with the account's id given twice.
FAMILY = "SELECT f.id FROM points_account f WHERE f.id = {} OR f.merged_into_id = {}"
# What was earned by `e` and not taken back.
STANDS = "e.kind IN ('AWARD', 'MANUAL') AND NOT EXISTS (SELECT 1 FROM points_entry v WHERE v.reverses_id = e.id)"


async def account_of(work: Work, actor_id: UUID, area_id: UUID) -> Account:
    """The account where this actor's points are kept, locked; opened when they earn their first."""
    found = await work.select(Account, lock=True, actor_id=actor_id)
    if found:
        return await keeper(work, found[0])
    account = work.add(Account(id=new_id(), actor_id=actor_id))
    work.record("points.account.opened", account, area_id=area_id)
    return account


async def keeper(work: Work, account: Account) -> Account:
    """The account itself, or the one it leads to, locked."""
    return account if account.merged_into_id is None else await work.lock(Account, account.merged_into_id)


async def owner_of(work: Work, entry: Entry) -> UUID:
    """Whose points an entry is about today."""
    account = await work.get(Account, entry.account_id)
    if account.merged_into_id is not None:
        account = await work.get(Account, account.merged_into_id)
    return account.actor_id


async def holder(work: Work, account: Account) -> tuple[Actor, UUID]:
    """Whose account it is, though they were erased since, and the area they are at home in; refuses ACTOR_HAS_NO_AREA."""
    actor = await work.find(Actor, id=account.actor_id)
    assert actor is not None
    if actor.area_id is None:
        raise Refusal("ACTOR_HAS_NO_AREA")
    return actor, actor.area_id


async def balance(work: Work, account: Account) -> int:
    return (await ledger.end_of(work, Entry, account.id))[1]


async def is_held(work: Work, account: Account) -> bool:
    """Does a dispute or a reversal that waits for points keep the account from redeeming?"""
    if await work.find(Dispute, account_id=account.id, state=DisputeState.OPEN):
        return True
    return await work.find(PendingReversal, account_id=account.id, state=PendingState.WAITING) is not None


async def earn(
    work: Work, account: Account, amount: int, kind: EntryKind, *, area_id: UUID, event: str,
    data: dict[str, Any], **reason: Any,
) -> Entry:  # fmt: skip
    """Queue what was earned, with its day of expiry by the setting where it was earned, and record it."""
    settings = await work.settings(PointsSettings, await work.get(Area, area_id))
    day = None
    if settings.expire_months:
        day = months_later(work.clock.civil_date(work.occurred_at), settings.expire_months)
    entry = await ledger.post(work, Entry, account, amount, kind=kind, area_id=area_id, expires_on=day, **reason)
    work.record(event, entry, area_id=area_id, data=data)
    if day is not None:
        work.then(
            "UPDATE points_account SET expires_on = {} WHERE id = {} AND (expires_on IS NULL OR expires_on > {})",
            day, account.id, day,
        )  # fmt: skip
    return entry


# --- taking back ------------------------------------------------------------------------------------------


async def take_back(work: Work, entry: Entry, *, waits: bool = False, text: str | None = None) -> Entry | None:
    """Undo what was earned by its opposite (INV1). Where the points are spent: with `waits` the account is held until
    it has as many again, and None is returned; else refuses BALANCE_TOO_LOW.

    Refuses NOT_REVERSIBLE (only awards and manual entries are undone so), ALREADY_REVERSED.
    """
    if entry.kind not in (EntryKind.AWARD, EntryKind.MANUAL):
        raise Refusal("NOT_REVERSIBLE")
    own = await work.lock(Account, entry.account_id)
    payer = await keeper(work, own)
    if await work.find(Entry, reverses_id=entry.id) is not None:
        raise Refusal("ALREADY_REVERSED")
    pending = await work.find(PendingReversal, entry_id=entry.id)
    if waits and await balance(work, payer) < entry.amount:
        if pending is None:
            pending = work.add(
                PendingReversal(
                    id=new_id(), area_id=entry.area_id, account_id=payer.id, entry_id=entry.id,
                    amount=entry.amount, state=PendingState.WAITING,
                )
            )  # fmt: skip
            work.record(
                "points.reversal.waiting", pending, area_id=entry.area_id,
                data={"entry": str(entry.id), "amount": entry.amount}, text={"reason": text},
            )  # fmt: skip
        return None
    if payer is not own:
        await _transfer(work, payer, own, entry.amount, entry.area_id)
    reversal = await ledger.reverse(work, Entry, own, entry, kind=EntryKind.REVERSAL, area_id=entry.area_id)
    if pending is not None:
        work.change(pending, state=PendingState.DONE)
    work.record(
        "points.entry.reversed", reversal, area_id=entry.area_id,
        data={"reverses": str(entry.id), "amount": reversal.amount}, text={"reason": text},
    )  # fmt: skip
    return reversal


# Reversals that wait, and for which the points are there now.
PAYABLE = """SELECT w.id AS id, w.area_id AS area_id FROM points_pending_reversal w WHERE w.state = 'WAITING'
    AND w.amount <= (SELECT e.balance_after FROM points_entry e WHERE e.account_id = w.account_id
                     ORDER BY e.seq DESC LIMIT 1)"""


async def take_what_waits(work: Work, pending_id: UUID) -> None:
    """The points have come in: reverse what had to wait for them."""
    pending = await work.get(PendingReversal, pending_id)
    work.require("points.award", pending)
    if pending.state is PendingState.WAITING:
        await take_back(work, await work.get(Entry, pending.entry_id), waits=True)


async def give_back(work: Work, spent: Entry) -> Entry:
    """Undo what was spent: the points keep their age. A merged account passes them on."""
    account = await work.lock(Account, spent.account_id)
    kept = await keeper(work, account)
    entry = await ledger.reverse(work, Entry, account, spent, kind=EntryKind.REVERSAL, area_id=spent.area_id)
    work.record(
        "points.entry.reversed", entry, area_id=spent.area_id,
        data={"reverses": str(spent.id), "amount": entry.amount},
    )  # fmt: skip
    if kept is not account:
        await _transfer(work, account, kept, entry.amount, spent.area_id)
    # Its age may have passed meanwhile: look again.
    work.then(
        "UPDATE points_account SET expires_on = (SELECT min(e.expires_on) FROM points_entry e"
        f" WHERE e.account_id IN ({FAMILY})) WHERE id = {{}}",
        kept.id, kept.id, kept.id,
    )  # fmt: skip
    return entry


async def _transfer(work: Work, giver: Account, taker: Account, amount: int, area_id: UUID) -> None:
    """A pair of entries, out and in, that only exist together."""
    if amount == 0:
        return
    pair = {"kind": EntryKind.TRANSFER, "transfer_id": new_id(), "area_id": area_id}
    await ledger.post(work, Entry, giver, -amount, **pair)
    entry = await ledger.post(work, Entry, taker, amount, **pair)
    work.record(
        "points.entry.transferred", entry, area_id=area_id,
        data={"from": str(giver.id), "to": str(taker.id), "amount": amount},
    )  # fmt: skip


# --- expiry -----------------------------------------------------------------------------------------------

# An account in dispute cannot spend, so its points wait as well.
EXPIRING = """SELECT a.id AS id, c.area_id AS area_id FROM points_account a JOIN core_actor c ON c.id = a.actor_id
    WHERE a.expires_on <= :today: AND a.merged_into_id IS NULL
      AND NOT EXISTS (SELECT 1 FROM points_dispute d WHERE d.account_id = a.id AND d.state = 'OPEN')"""


async def expire(work: Work, account_id: UUID) -> None:
    """Post what has expired. What expires first is spent first, so the balance is what expires last: whatever it holds
    above the points that still stand beyond today has expired."""
    account = await work.lock(Account, account_id)
    today = work.clock.today()
    if account.expires_on is None or account.expires_on > today or account.merged_into_id is not None:
        return
    if await work.find(Dispute, account_id=account.id, state=DisputeState.OPEN):
        return
    lasting = await work.rows(
        f"SELECT coalesce(sum(e.amount), 0) AS points FROM points_entry e WHERE e.account_id IN ({FAMILY}) AND {STANDS}"
        " AND (e.expires_on IS NULL OR e.expires_on > {})",
        account.id, account.id, today,
    )  # fmt: skip
    gone = await balance(work, account) - int(lasting[0]["points"])
    if gone > 0:
        actor, area_id = await holder(work, account)
        work.require("points.award", actor)
        entry = await ledger.post(work, Entry, account, -gone, kind=EntryKind.EXPIRY, area_id=area_id)
        work.record("points.entry.expired", entry, area_id=area_id, data={"amount": -gone})
    work.then(
        "UPDATE points_account SET expires_on = (SELECT min(e.expires_on) FROM points_entry e"
        f" WHERE e.account_id IN ({FAMILY}) AND e.expires_on > {{}}) WHERE id = {{}}",
        account.id, account.id, today, account.id,
    )  # fmt: skip


# --- two actors who prove to be one -----------------------------------------------------------------------


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """The points that would move; an open dispute, or the same deed counted for both, is to be settled first."""
    account = await work.find(Account, actor_id=gone)
    if account is None:
        return []
    found = [Finding("points_balance", await balance(work, account))]
    disputes = await work.select(Dispute, account_id=account.id, state=DisputeState.OPEN)
    if disputes:
        found.append(Finding("points_dispute", len(disputes), "POINTS_DISPUTED"))
    doubles = len(await _deeds(work, kept) & await _deeds(work, gone))
    if doubles:
        found.append(Finding("points_entry", doubles, "POINTS_COUNTED_TWICE"))
    return found


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: disputes are decided, and rewards handed out or cancelled. Points stay in the ledger."""
    disputes = await work.select(Dispute, opened_by_id=actor_id, state=DisputeState.OPEN)
    account = await work.find(Account, actor_id=actor_id)
    if account is not None:
        disputes += await work.select(Dispute, account_id=account.id, state=DisputeState.OPEN)
    grants = await work.select(Grant, actor_id=actor_id, state=GrantState.PENDING)
    reserved = await work.select(Redemption, actor_id=actor_id, state=RedemptionState.RESERVED)
    kinds: dict[str, Sequence[Logged]] = {
        "points_dispute": disputes,
        "points_grant": grants,
        "points_redemption": reserved,
    }
    return [Finding(kind, len(rows), "OPEN_MATTERS") for kind, rows in kinds.items() if rows]


async def _deeds(work: Work, actor_id: UUID) -> set[str]:
    """What an actor's awards were given for, without saying to whom."""
    rows = await work.rows(
        "SELECT s.type AS type, s.area_id AS area_id, s.data AS data FROM points_entry e"
        " JOIN core_event s ON s.id = e.source_event_id WHERE e.account_id IN (SELECT a.id FROM points_account a"
        f" WHERE a.actor_id = {{}}) AND {STANDS}",
        actor_id,
    )
    deeds = set()
    for row in rows:
        data = json.loads(row["data"]) if isinstance(row["data"], str) else dict(row["data"])
        data.pop("actor", None)
        deeds.add(json.dumps([row["type"], str(row["area_id"]), data], sort_keys=True))
    return deeds


async def merge(work: Work, kept: UUID, gone: UUID) -> None:
    """The gone actor's account leads to the kept one's from now on, and its balance goes there by a pair of entries.

    Entries, grants, redemptions and closed rankings stay as they were written. Refuses POINTS_DISPUTED.
    """
    old = await work.select(Account, lock=True, actor_id=gone)
    if not old:
        return
    stays = await work.get(Actor, kept)
    if stays.area_id is None:
        raise Refusal("ACTOR_HAS_NO_AREA")
    if await work.find(Dispute, account_id=old[0].id, state=DisputeState.OPEN):
        raise Refusal("POINTS_DISPUTED")
    account = await account_of(work, kept, stays.area_id)
    moved = [old[0], *await work.select(Account, lock=True, merged_into_id=old[0].id)]
    if old[0].merged_into_id is None:
        await _transfer(work, old[0], account, await balance(work, old[0]), stays.area_id)
    for one in moved:
        work.change(one, merged_into_id=account.id)
    for pending in await work.select(PendingReversal, account_id=old[0].id, state=PendingState.WAITING):
        work.change(pending, account_id=account.id)
    work.record(
        "points.account.merged", old[0], area_id=stays.area_id, data={"into": str(account.id), "actor": str(kept)}
    )
    work.then(
        "UPDATE points_account SET expires_on = (SELECT min(f.expires_on) FROM points_account f"
        " WHERE f.id = {} OR f.merged_into_id = {}) WHERE id = {}",
        account.id, account.id, account.id,
    )  # fmt: skip


async def counted(work: Work, event_id: UUID) -> bool:
    """Has this event been counted, for points or for none because of a cap?"""
    found = await work.rows(
        "SELECT 1 AS yes FROM core_event WHERE cause_id = {}"
        " AND type IN ('points.entry.posted', 'points.award.capped') LIMIT 1",
        event_id,
    )
    return bool(found)


async def had_a_hand_in(work: Work, *ids: UUID | None) -> set[UUID]:
    """The persons behind these events, and behind the events about these rows."""
    known = [id for id in ids if id is not None]
    marks = ", ".join(["{}"] * len(known))
    rows = await work.rows(
        f"SELECT DISTINCT actor_id FROM core_event WHERE actor_id IS NOT NULL AND (id IN ({marks})"
        f" OR subject_id IN ({marks}))",
        *known, *known,
    )  # fmt: skip
    return {as_uuid(row["actor_id"]) for row in rows}


def civil_day(work: Work, moment: datetime) -> tuple[datetime, datetime]:
    day = work.clock.civil_date(moment)
    return work.clock.start_of(day), work.clock.end_of(day)
