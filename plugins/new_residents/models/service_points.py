"""Service points with their hours."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, check, index, refuse, unique
from core.models import Area, Logged, references
from core.personal import Text, impersonal
from plugins.new_residents.terms import ServicePointState


class ServicePoint(Logged):
    """Where newcomers find everything under one roof, and when it is open. `hours` and `closures` are JSON lists."""

    tag: ClassVar[str] = "new_residents_point"
    searchable: ClassVar[str | None] = "name"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    name = fields.CharField(max_length=200)
    address = fields.CharField(max_length=200)
    phone = fields.CharField(max_length=20, null=True)
    services = fields.TextField(default="[]")
    hours = fields.TextField(default="[]")
    closures = fields.TextField(default="[]")
    state = fields.CharEnumField(ServicePointState, description="ServicePointState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = impersonal("name", "address", "phone", "services", "hours", "closures")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("named", "length(NEW.name) > 0 AND length(NEW.address) > 0", "EMPTY_TEXT"),
        unique("area_id", "name", where="state = 'OPEN'", code="POINT_EXISTS"),
        refuse("gone", "UPDATE", "OLD.state = 'CLOSED' AND NEW.state <> OLD.state", "POINT_CLOSED"),
        index("area_id", "name"),
        index("name"),
    )

    class Meta:
        table = "new_residents_point"
