"""Links (M06): from 挑毛病 to 出主意 to 行动起来, as facts between any two nodes."""

from __future__ import annotations

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
    if from_id == to_id:
        raise Refusal("NOT_TO_ITSELF", path=("toId",))
    source = await work.get(from_model, from_id)
    target = await work.get(to_model, to_id)
    area_id = target.id if isinstance(target, Area) else getattr(target, "area_id", None)
    if area_id is None:
        raise Refusal("NOT_LINKABLE", path=("toId",))
    work.require("core.link", target)
    row = Link(
        id=new_id(),
        kind=kind,
        from_tag=source.tag,  # type: ignore[attr-defined]
        from_id=from_id,
        to_tag=target.tag,  # type: ignore[attr-defined]
        to_id=to_id,
        area_id=area_id,
        created_at=work.now,
    )
    work.add(row)
    work.record("core.link.made", row, area_id=area_id, data={"kind": kind})
    return row
