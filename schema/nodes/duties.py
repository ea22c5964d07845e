"""Duties over the API: deputies during a leave, handing over with a receipt, and whose turn it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import strawberry
from strawberry.types.info import Info

from core.ids import from_global, to_global
from core.models import Actor
from core.rules import deputies, duty_holders, handovers
from core.runtime import Command
from core.work import Work
from schema.mutations import ChangeInput, MutationInput, Result, mutation
from schema.nodes.composed import Query, every, plain
from schema.nodes.core import Deputy, Handover
from schema.nodes.declare import Connection, extend
from schema.nodes.telling import public
from schema.visible import seen_row


@strawberry.type(description="Somebody who may do it, and whose own matter it is not (责任人).")
class DutyHolder:
    actor_id: strawberry.ID | None = strawberry.field(
        description="The person; null for who may not see their name (主体)."
    )
    name: str = strawberry.field(description="Full name where the viewer may see it, otherwise masked (姓名).")
    post: str | None = strawberry.field(description="The post it comes with, if not given by name (岗位).")
    is_deputy: bool = strawberry.field(description="They stand in for the holder of the post (代理).")


@strawberry.type(description="An area that was looked at for somebody eligible (逐级查找).")
class DutyStep:
    area_id: strawberry.ID = strawberry.field(description="The area (区域).")
    area_code: str = strawberry.field(description="Its code (区域代码).")
    area_name: str = strawberry.field(description="Its name (区域名称).")
    holders: int = strawberry.field(description="How many hold the permission by a role given here (有权人数).")
    concerned: int = strawberry.field(description="For how many of them it is their own matter, INV10 (须回避人数).")


@strawberry.type(description="Whose turn it is to do something about a row (责任人查询).")
class DutyHolders:
    is_open: bool = strawberry.field(description="Everybody signed in may do it; nobody is named (人人可为).")
    passed_up: bool = strawberry.field(
        description="All who have the duty below are concerned, so it passed to the area above (已转上级)."
    )
    steps: list[DutyStep] = strawberry.field(description="From where the row lies upwards, to the holders (逐级查找).")
    holders: list[DutyHolder] = strawberry.field(description="In the area of the last step (责任人).")


@extend(Query)
class DutiesQuery:
    @plain(
        why="Whose matter a row is, plugins say by rules, in a transaction (由各机制的规则在事务中判断).",
        scope=public("Who is signed in may ask of rows that they see; names stay masked for who may not see them."),
        description="Who may do something about a row: the nearest area upward with somebody eligible (责任人查询).",
    )  # type: ignore[untyped-decorator]
    async def duty_holders(self, info: Info, permission: str, on: strawberry.ID) -> DutyHolders:
        context = info.context
        found: list[duty_holders.DutyHolders] = []

        async def look(work: Work) -> dict[str, Any]:
            model, id = await seen_row(work, on, "on")
            row = await work.get(model, id)
            found.append(await duty_holders.duty_holders(work, permission=permission, row=row))
            return {}

        await context.graphql.runtime.perform(Command("dutyHolders", context.viewer, within=context.root_area), look)
        return _shown(found[-1])

    deputies: Connection[Deputy] = every(description="Who stands in for holders of posts (代理).")
    handovers: Connection[Handover] = every(description="Hand-overs the viewer may see, the latest first (移交).")


def _shown(found: duty_holders.DutyHolders) -> DutyHolders:
    return DutyHolders(
        is_open=found.is_open,
        passed_up=found.passed_up,
        steps=[
            DutyStep(
                area_id=strawberry.ID(to_global(step.area.tag, step.area.id)),
                area_code=step.area.code,
                area_name=step.area.name,
                holders=step.holders,
                concerned=step.concerned,
            )
            for step in found.steps
        ],
        holders=[
            DutyHolder(
                actor_id=strawberry.ID(to_global(Actor.tag, holder.person_id)) if holder.person_id else None,
                name=holder.name,
                post=holder.post,
                is_deputy=holder.is_deputy,
            )
            for holder in found.holders
        ],
    )


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


@mutation(handovers.HAND_OVER, "core.role.grant", handover=Handover)
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
