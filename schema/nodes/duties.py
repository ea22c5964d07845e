"""Duties over the API: deputies during a leave, and handing over with a receipt."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from core.ids import from_global
from core.rules import deputies, handovers
from core.work import Work
from schema.mutations import ChangeInput, MutationInput, Result, mutation
from schema.nodes.composed import Query, every
from schema.nodes.core import Deputy, Handover
from schema.nodes.declare import Connection, extend


@extend(Query)
class DutiesQuery:
    handovers: Connection[Handover] = every(description="Hand-overs the viewer may see, the latest first (移交).")


@strawberry.input
class CoreAppointDeputyInput(MutationInput):
    post_holding_id: strawberry.ID = strawberry.field(description="Who is away, and on which post (被代理的任职).")
    person_id: strawberry.ID = strawberry.field(description="Who stands in (代理人).")
    since: datetime | None = strawberry.field(default=None, description="From now on unless told (代理自).")
    until: datetime = strawberry.field(description="It ends by itself then (代理至).")


@mutation("core.role.grant", deputy=Deputy)
async def core_appoint_deputy(work: Work, input: CoreAppointDeputyInput) -> Result:
    """Let a person stand in for who holds a post, with its roles, for a time (指定代理人)."""
    deputy = await deputies.appoint_deputy(
        work,
        holding_id=from_global(input.post_holding_id, "postholding", "postHoldingId"),
        person_id=from_global(input.person_id, "actor", "personId"),
        since=input.since,
        until=input.until,
    )
    return {"deputy": deputy}


@strawberry.input
class CoreEndDeputyInput(ChangeInput):
    deputy_id: strawberry.ID


@mutation("core.role.grant", deputy=Deputy)
async def core_end_deputy(work: Work, input: CoreEndDeputyInput) -> Result:
    """The holder is back before the time; for them, the deputy, or who may appoint one (结束代理)."""
    id = from_global(input.deputy_id, "deputy", "deputyId")
    return {"deputy": await deputies.end_deputy(work, deputy_id=id)}


@strawberry.input
class CoreHandOverInput(MutationInput):
    area_id: strawberry.ID = strawberry.field(description="Duties here and below (移交范围).")
    from_id: strawberry.ID = strawberry.field(description="Who hands over (移交人).")
    to_id: strawberry.ID = strawberry.field(description="Who takes over (接收人).")
    date: date | None = strawberry.field(
        default=None, description="From the beginning of a day; now unless told (生效日期)."
    )
    note: str | None = strawberry.field(default=None, description="For the receipt (备注).")


@mutation(handovers.HAND_OVER, handover=Handover)
async def core_hand_over(work: Work, input: CoreHandOverInput) -> Result:
    """One person's open duties go to another, with a receipt of what went and what did not, and why (办理移交)."""
    handover = await handovers.hand_over(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        giver_id=from_global(input.from_id, "actor", "fromId"),
        taker_id=from_global(input.to_id, "actor", "toId"),
        on=input.date,
        note=input.note,
    )
    return {"handover": handover}


@strawberry.input
class CoreCancelHandOverInput(ChangeInput):
    handover_id: strawberry.ID
    reason: str | None = None


@mutation(handovers.HAND_OVER, handover=Handover)
async def core_cancel_hand_over(work: Work, input: CoreCancelHandOverInput) -> Result:
    """A planned hand-over does not take place (取消移交)."""
    id = from_global(input.handover_id, "handover", "handoverId")
    return {"handover": await handovers.cancel(work, handover_id=id, reason=input.reason)}
