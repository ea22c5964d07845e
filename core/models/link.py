"""Links (关联): issue → proposal → activity, so that the chain from finding fault to acting shows (M06)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, index, unique
from core.models.area import Area
from core.models.base import Logged, references
from core.personal import Text, impersonal


class Link(Logged):
    """`from` LED_TO `to`, between any two nodes; an append-only fact that implies no permission."""

    tag: ClassVar[str] = "link"

    kind = fields.CharField(max_length=40)
    from_tag = fields.CharField(max_length=41)
    from_id = fields.UUIDField()
    to_tag = fields.CharField(max_length=41)
    to_id = fields.UUIDField()
    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    created_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("kind", "from_tag", "to_tag")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        check("not_to_itself", "NEW.from_id <> NEW.to_id"),
        unique("from_id", "to_id", "kind", code="ALREADY_LINKED"),
        index("to_id"),
    )

    class Meta:
        table = "core_link"
