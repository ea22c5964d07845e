"""Areas (区域): a tree of any depth with an immutable code, and its closure with validity (M14)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, check, index, refuse, same, unique
from core.enums import AreaKind
from core.models.base import Entity, Logged, references
from core.personal import Text, impersonal


class Area(Logged):
    """A district, street, community, village, compound or grid cell."""

    tag: ClassVar[str] = "area"
    searchable: ClassVar[str | None] = "name"

    code = fields.CharField(max_length=64)
    name = fields.CharField(max_length=200)
    kind = fields.CharEnumField(AreaKind, description=AreaKind.__name__, max_length=40)
    parent: fields.ForeignKeyNullableRelation[Area] = references("core.Area", null=True)
    parent_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = impersonal("code", "name")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("code", code="AREA_CODE_TAKEN"),
        check("code_not_empty", "length(NEW.code) > 0"),
        refuse("code_immutable", "UPDATE", "NEW.code <> OLD.code", "AREA_CODE_IMMUTABLE"),
        refuse(
            "no_cycle",
            "UPDATE",
            f"NOT {same('NEW.parent_id', 'OLD.parent_id')} AND EXISTS (SELECT 1 FROM core_area_closure c"
            " WHERE c.ancestor_id = NEW.id AND c.descendant_id = NEW.parent_id AND c.until IS NULL)",
            "AREA_CYCLE",
        ),
    )

    class Meta:
        table = "core_area"


class AreaClosure(Entity):
    """`descendant` lay within `ancestor` from `since` to `until` (itself included, depth 0)."""

    tag: ClassVar[str] = "areaclosure"

    ancestor: fields.ForeignKeyRelation[Area] = references("core.Area")
    ancestor_id: UUID
    descendant: fields.ForeignKeyRelation[Area] = references("core.Area")
    descendant_id: UUID
    depth = fields.IntField()
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("descendant_id", "ancestor_id", where="until IS NULL", code="AREA_CYCLE"),
        index("ancestor_id", "descendant_id", where="until IS NULL"),
    )

    class Meta:
        table = "core_area_closure"
