"""Manual entries: declared with evidence, confirmed or declined by a second person (INV10)."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_text
from core.work import Work
from plugins.points.accounts import FAMILY, account_of, earn, take_back
from plugins.points.models import Entry, Grant
from plugins.points.settings import PointsSettings
from plugins.points.terms import EntryKind, GrantState


async def declare(
    work: Work, *, area_id: UUID, actor_id: UUID, amount: int, reason: str, evidence: str
) -> Grant:  # fmt: skip
    """Propose points for a deed no event tells of; `evidence` says where it can be looked up.

    Refuses BAD_POINTS, MANUAL_LIMIT (setting `manual_limit`), OWN_MATTER.
    """
    area = await work.get(Area, area_id)
    actor = await work.get(Actor, actor_id)
    work.require("points.grant.declare", area)
    if await work.concerned_in(actor.id):
        raise Refusal("OWN_MATTER", path=("actorId",))
    if not 1 <= amount <= 1_000_000:
        raise Refusal("BAD_POINTS", path=("amount",))
    limit = (await work.settings(PointsSettings, area)).manual_limit
    if amount > limit:
        raise Refusal("MANUAL_LIMIT", path=("amount",), limit=limit)
    grant = Grant(
        id=new_id(), area_id=area_id, actor_id=actor_id, amount=amount,
        reason=clean_text(reason, "reason", limit=2000), evidence=clean_text(evidence, "evidence", limit=2000),
        state=GrantState.PENDING, declared_by_id=work.viewer.person_id, declared_at=work.occurred_at,
    )  # fmt: skip
    work.add(grant)
    work.record("points.grant.declared", grant, area_id=area_id, data={"amount": amount})
    return grant


async def decide(work: Work, *, grant_id: UUID, confirm: bool, reason: str | None) -> Grant:
    """A second person looks at the evidence: confirm (the entry is posted) or decline, with a reason.

    Refuses OWN_MATTER (who declared it, the beneficiary and their people), GRANT_DECIDED, MANUAL_MONTH_LIMIT.
    """
    grant = await work.lock(Grant, grant_id)
    work.require("points.grant.confirm", grant)
    work.expect_version(grant)
    if work.viewer.person_id in (None, grant.declared_by_id) or await work.concerned_in(grant.actor_id):
        raise Refusal("OWN_MATTER")
    if grant.state is not GrantState.PENDING:
        raise Refusal("GRANT_DECIDED", state=grant.state)
    decided = {"decided_by_id": work.person_id, "decided_at": work.now}
    if not confirm:
        text = clean_text(reason or "", "reason", limit=2000)
        work.change(grant, state=GrantState.DECLINED, **decided)
        work.record("points.grant.declined", grant, area_id=grant.area_id, text={"reason": text})
        return grant
    account = await account_of(work, grant.actor_id, grant.area_id)
    limit = (await work.settings(PointsSettings, grant)).manual_month_limit
    start, end = work.clock.period(f"{work.clock.civil_date(work.occurred_at):%Y-%m}")
    given = await work.rows(
        f"SELECT coalesce(sum(e.amount), 0) AS points FROM points_entry e WHERE e.account_id IN ({FAMILY})"
        " AND e.kind = 'MANUAL' AND e.occurred_at >= {} AND e.occurred_at < {}"
        " AND NOT EXISTS (SELECT 1 FROM points_entry v WHERE v.reverses_id = e.id)",
        account.id, account.id, start, end,
    )  # fmt: skip
    if int(given[0]["points"]) + grant.amount > limit:
        raise Refusal("MANUAL_MONTH_LIMIT", limit=limit, given=int(given[0]["points"]))
    work.change(grant, state=GrantState.CONFIRMED, **decided)
    work.record("points.grant.confirmed", grant, area_id=grant.area_id, data={"amount": grant.amount})
    await earn(
        work, account, grant.amount, EntryKind.MANUAL, area_id=grant.area_id, event="points.entry.posted",
        data={"actor": str(grant.actor_id), "amount": grant.amount, "grant": str(grant.id)}, grant_id=grant.id,
    )  # fmt: skip
    return grant


async def undo_confirmation(work: Work, event: EventRecord) -> None:
    """A manual entry confirmed by mistake counts as declined; refuses CANNOT_UNDO once the points are spent."""
    grant = await work.lock(Grant, event.subject_id)
    work.require("points.grant.confirm", grant)
    if await work.concerned_in(grant.actor_id):
        raise Refusal("OWN_MATTER")
    entry = await work.find(Entry, grant_id=grant.id)
    if grant.state is not GrantState.CONFIRMED or entry is None:
        raise Refusal("CANNOT_UNDO")
    try:
        await take_back(work, entry)
    except Refusal as refusal:
        raise Refusal("CANNOT_UNDO", because=refusal.code) from refusal
    work.change(grant, state=GrantState.DECLINED)
    work.record("points.grant.withdrawn", grant, area_id=grant.area_id)
