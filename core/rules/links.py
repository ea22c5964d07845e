"""Links (M06): from 挑毛病 to 出主意 to 行动起来, as facts between any two nodes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tortoise.models import Model

from core.errors import Refusal
from core.ids import new_id
from core.models import Area, Link
from core.work import Work

LED_TO = "LED_TO"


async def link(
    work: Work, *, from_model: type[Model], from_id: UUID, to_model: type[Model], to_id: UUID, kind: str = LED_TO
) -> Link:
    """`from` led to `to`; refuses NOT_FOUND, NOT_TO_ITSELF, ALREADY_LINKED, NOT_LINKABLE (a node without an area)."""
    source: Any = await work.get(from_model, from_id)
    target: Any = await work.get(to_model, to_id)
    if source.id == target.id:
        raise Refusal("NOT_TO_ITSELF", path=("toId",))
    area_id = target.id if isinstance(target, Area) else getattr(target, "area_id", None)
    if area_id is None:
        raise Refusal("NOT_LINKABLE", path=("toId",))
    work.require("core.link", target)
    row = Link(
        id=new_id(),
        kind=kind,
        from_tag=source.tag,
        from_id=source.id,
        to_tag=target.tag,
        to_id=target.id,
        area_id=area_id,
        created_at=work.now,
    )
    work.add(row)
    work.record("core.link.made", row, area_id=area_id, data={"kind": kind})
    return row
