"""Concerns of enterprises (企业诉求): raised, given to an owner, answered by a day that is not moved, closed by the enterprise."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core.access import LATELY, own_sql
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.enterprise_council.models import Concern
from plugins.enterprise_council.rules.common import enterprise_here
from plugins.enterprise_council.settings import EnterpriseCouncilSettings
from plugins.enterprise_council.terms import OPEN_CONCERN, ConcernState

RAISE, MANAGE = "enterprise_council.concern.raise", "enterprise_council.concern.manage"


async def raise_concern(work: Work, *, area_id: UUID, title: str, details: str) -> Concern:
    """An enterprise that is a unit here says what it needs; it is due an answer in so many days.

    Refuses NOT_AN_ENTERPRISE (whoever acts for none), ENTERPRISE_NOT_HERE.
    """
    area = await work.get(Area, area_id)
    work.require(RAISE, area)
    enterprise = await enterprise_here(work, work.principal_id, area.id)
    settings = await work.settings(EnterpriseCouncilSettings, area)
    concern = Concern(
        id=new_id(), area_id=area.id, enterprise_id=enterprise.id, title=clean_name(title, "title"),
        details=clean_text(details, "details", limit=4000), state=ConcernState.RAISED, raised_at=work.occurred_at,
        due_on=work.happened_on + timedelta(days=settings.concern_days),
    )  # fmt: skip
    work.add(concern)
    work.record("enterprise_council.concern.raised", concern, area_id=area.id, data=_about(concern))
    return concern


def _about(concern: Concern) -> dict[str, str]:
    return {"concern": str(concern.id), "enterprise": str(concern.enterprise_id), "dueOn": concern.due_on.isoformat()}


def _require_state(work: Work, concern: Concern, *allowed: ConcernState) -> None:
    """Refuses VERSION_CONFLICT, CONCERN_STATE."""
    work.expect_version(concern)
    if concern.state not in allowed:
        raise Refusal("CONCERN_STATE", state=concern.state)


async def assign_concern(work: Work, *, concern_id: UUID, owner_id: UUID) -> Concern:
    """Somebody has to answer it from now on; the day it is due stays. Refuses CONCERN_STATE, OWN_MATTER (INV10: the
    enterprise itself, or who belongs to it or acts for it)."""
    area, concern = await work.lock_with(Concern, concern_id, Area)
    work.require(MANAGE, area)
    _require_state(work, concern, ConcernState.RAISED, ConcernState.ASSIGNED)
    owner = await work.get(Actor, owner_id)
    if await is_its_own(work, concern, owner.id):
        raise Refusal("OWN_MATTER", path=("ownerId",))
    work.change(concern, state=ConcernState.ASSIGNED, owner_id=owner.id)
    data = {**_about(concern), "owner": str(owner.id)}
    work.record("enterprise_council.concern.assigned", concern, area_id=area.id, data=data)
    return concern


async def is_its_own(work: Work, concern: Concern, owner_id: UUID) -> bool:
    """Is the enterprise's matter this actor's own, in any of their hats (INV10)?"""
    own = own_sql("a.id", "{2}", "{3}")
    sql = f"SELECT 1 AS yes FROM core_actor a WHERE a.id = {{0}} AND {{1}} IN (SELECT o.id FROM ({own}) o)"
    return bool(await work.rows(sql, owner_id, concern.enterprise_id, work.now, work.now - LATELY))


async def answer_concern(work: Work, *, concern_id: UUID, reply: str) -> Concern:
    """Its owner, or the administration, answers; nobody of the enterprise (INV10). Refuses CONCERN_STATE, OWN_MATTER."""
    area, concern = await work.lock_with(Concern, concern_id, Area)
    work.require(MANAGE, area, owner=concern.owner_id)
    _require_state(work, concern, ConcernState.ASSIGNED)
    await work.not_own(concern.enterprise_id)
    work.change(
        concern, state=ConcernState.ANSWERED, reply=clean_text(reply, "reply", limit=4000),
        replied_by_id=work.person_id, replied_at=work.occurred_at,
    )  # fmt: skip
    work.record("enterprise_council.concern.answered", concern, area_id=area.id, data=_about(concern))
    return concern


async def close_concern(work: Work, *, concern_id: UUID, is_satisfied: bool, response: str | None) -> Concern:
    """The enterprise takes the answer, or says why not: then it is due another in so many days, by the same owner.

    Refuses OWN_MATTER (INV10: who owns or answered it enters this at the desk), CONCERN_STATE, EMPTY_TEXT.
    """
    area, concern = await work.lock_with(Concern, concern_id, Area)
    await _its_own(work, area, concern)
    _require_state(work, concern, ConcernState.ANSWERED)
    if is_satisfied:
        work.change(
            concern, state=ConcernState.CLOSED, is_satisfied=True, closed_at=work.now,
            response=optional_text(response, "response", limit=2000),
        )  # fmt: skip
        work.record("enterprise_council.concern.closed", concern, area_id=area.id, data=_about(concern))
        return concern
    settings = await work.settings(EnterpriseCouncilSettings, area)
    work.change(
        concern, state=ConcernState.ASSIGNED, is_satisfied=False, round=concern.round + 1,
        due_on=work.happened_on + timedelta(days=settings.concern_days),
        response=needed(response, "response", limit=2000),
    )  # fmt: skip
    work.record(
        "enterprise_council.concern.reopened", concern, area_id=area.id, data=_about(concern),
        text={"reply": concern.reply, "response": concern.response},
    )  # fmt: skip
    return concern


async def withdraw_concern(work: Work, *, concern_id: UUID) -> Concern:
    """The enterprise needs no answer any more. Refuses OWN_MATTER (as for closing), CONCERN_STATE."""
    area, concern = await work.lock_with(Concern, concern_id, Area)
    await _its_own(work, area, concern)
    _require_state(work, concern, *OPEN_CONCERN)
    work.change(concern, state=ConcernState.WITHDRAWN, closed_at=work.now)
    work.record("enterprise_council.concern.withdrawn", concern, area_id=area.id, data=_about(concern))
    return concern


async def _its_own(work: Work, area: Area, concern: Concern) -> None:
    """What the enterprise says of an answer is not entered by whose answer it is, or is to be."""
    work.require(RAISE, area, owner=concern.enterprise_id)
    await work.not_at_the_desk_of(concern.owner_id, concern.replied_by_id)
