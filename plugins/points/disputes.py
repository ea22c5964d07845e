"""Disputes: whoever is concerned doubts an entry or an account; somebody else decides, and meanwhile nothing is redeemed.

Whoever opened it may withdraw it until then.
"""

from __future__ import annotations

from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.rules.inputs import clean_text
from core.work import Work
from plugins.points.accounts import had_a_hand_in, holder, keeper, take_back
from plugins.points.models import Account, Dispute, Entry
from plugins.points.terms import DisputeState, EntryKind

PERSONAL = (ActorKind.PERSON, ActorKind.HOUSEHOLD)


async def open_dispute(work: Work, *, account_id: UUID | None, entry_id: UUID | None, reason: str) -> Dispute:
    """Doubt an entry (something earned), or an account as a whole. The account redeems nothing until it is decided.

    Anyone signed in may doubt what they may see: of organizations and enterprises everything, of people and households
    only themselves and the area's clerks. Refuses ALREADY_DISPUTED, NOT_REVERSIBLE, ALREADY_REVERSED.
    """
    if (account_id is None) == (entry_id is None):
        raise Refusal("ONE_OF_NEEDED", path=("accountId",), fields="accountId, entryId")
    entry = None
    if entry_id is not None:
        entry = await work.get(Entry, entry_id)
        account_id = entry.account_id
    assert account_id is not None
    account = await keeper(work, await work.lock(Account, account_id))
    actor, home = await holder(work, account)
    if actor.kind in PERSONAL:
        work.require("points.account.read", actor, owner=actor.id)
    at: Actor | Entry = entry or actor
    work.require("points.dispute.open", at)
    if entry is not None:
        if entry.kind not in (EntryKind.AWARD, EntryKind.MANUAL):
            raise Refusal("NOT_REVERSIBLE")
        if await work.find(Entry, reverses_id=entry.id):
            raise Refusal("ALREADY_REVERSED")
    opened_by = work.acting.behalf_of_id or work.person_id
    if await work.find(Dispute, opened_by_id=opened_by, account_id=account.id, state=DisputeState.OPEN):
        raise Refusal("ALREADY_DISPUTED")
    dispute = Dispute(
        id=new_id(), area_id=entry.area_id if entry else home, account_id=account.id, entry_id=entry_id,
        reason=clean_text(reason, "reason", limit=2000), state=DisputeState.OPEN,
        opened_by_id=opened_by, opened_at=work.occurred_at,
    )  # fmt: skip
    work.add(dispute)
    work.record(
        "points.dispute.opened", dispute, area_id=dispute.area_id,
        data={"account": str(account.id), "entry": str(entry_id) if entry_id else None},
    )  # fmt: skip
    return dispute


async def resolve(work: Work, *, dispute_id: UUID, upheld: bool, answer: str) -> Dispute:
    """Decide a dispute, with an answer to whoever opened it. Upheld, the entry is reversed; the account is free again.

    Refuses OWN_MATTER (INV10: who opened it, whose account it is, and who had a hand in the entry), DISPUTE_DECIDED.
    """
    found = await work.get(Dispute, dispute_id)
    account = await work.lock(Account, found.account_id)
    dispute = await work.lock(Dispute, dispute_id)
    work.require("points.dispute.resolve", dispute)
    work.expect_version(dispute)
    if dispute.state is not DisputeState.OPEN:
        raise Refusal("DISPUTE_DECIDED", state=dispute.state)
    entry = None if dispute.entry_id is None else await work.get(Entry, dispute.entry_id)
    involved = await had_a_hand_in(work, dispute.id)
    if entry is not None:
        involved |= await had_a_hand_in(work, entry.id, entry.source_event_id, entry.grant_id)
    if work.person_id in {dispute.opened_by_id, *involved} or await work.concerned_in(account.actor_id):
        raise Refusal("OWN_MATTER")
    text = clean_text(answer, "answer", limit=2000)
    state = DisputeState.UPHELD if upheld else DisputeState.REJECTED
    work.change(dispute, state=state, answer=text, decided_by_id=work.person_id, decided_at=work.now)
    work.record(
        f"points.dispute.{state.lower()}", dispute, area_id=dispute.area_id,
        data={"account": str(account.id), "entry": str(entry.id) if entry else None},
    )  # fmt: skip
    if upheld and entry is not None and await work.find(Entry, reverses_id=entry.id) is None:
        await take_back(work, entry, waits=True, text=text)
    return dispute


async def withdraw_dispute(work: Work, *, dispute_id: UUID) -> Dispute:
    """Whoever opened it doubts no longer, before a decision; the account is free, unless something else holds it.

    Refuses DISPUTE_DECIDED.
    """
    found = await work.get(Dispute, dispute_id)
    account = await work.lock(Account, found.account_id)
    dispute = await work.lock(Dispute, dispute_id)
    opened_by = await work.get(Actor, dispute.opened_by_id)  # or who they proved to be
    work.require("points.dispute.open", dispute, owner=opened_by.id)
    work.expect_version(dispute)
    if dispute.state is not DisputeState.OPEN:
        raise Refusal("DISPUTE_DECIDED", state=dispute.state)
    work.change(dispute, state=DisputeState.WITHDRAWN)
    work.record(
        "points.dispute.withdrawn", dispute, area_id=dispute.area_id,
        data={"account": str(account.id), "entry": str(dispute.entry_id) if dispute.entry_id else None},
    )  # fmt: skip
    return dispute
