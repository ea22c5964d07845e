"""Whose matter a manual entry, a dispute, an entry and a redemption are (INV10). No duty here is one person's."""

from __future__ import annotations

from typing import Any

from core.duties import Duties, Matter
from core.work import Work
from plugins.points.accounts import had_a_hand_in
from plugins.points.models import Account, Dispute, Entry, Grant, Redemption


async def _grant(work: Work, grant: Any) -> Matter:
    return Matter({grant.actor_id}, {grant.declared_by_id} - {None})


async def _entry(work: Work, entry: Any) -> Matter:
    return Matter({(await work.get(Account, entry.account_id)).actor_id})


async def _dispute(work: Work, dispute: Any) -> Matter:
    """Neither who opened it nor who had a hand in the entry decides."""
    matter = await _entry(work, dispute)
    involved = await had_a_hand_in(work, dispute.id)
    if dispute.entry_id is not None:
        entry = await work.get(Entry, dispute.entry_id)
        involved |= await had_a_hand_in(work, entry.id, entry.source_event_id, entry.grant_id)
    return Matter(matter.of, {dispute.opened_by_id, *involved})


async def _redemption(work: Work, redemption: Any) -> Matter:
    return Matter({redemption.actor_id})


DUTIES = Duties("points", matters={Grant: _grant, Entry: _entry, Dispute: _dispute, Redemption: _redemption})
