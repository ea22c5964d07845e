"""Hand-overs (移交): one person's open duties go to another, and the receipt says what went and what did not, and why."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, check, index, refuse, unique
from core.enums import HandoverState
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Entity, Logged, references
from core.personal import Text, impersonal, personal


class Handover(Logged):
    """The duties of one person in an area and below go to another on a day; planned before, it is done by the clock."""

    tag: ClassVar[str] = "handover"
    called: ClassVar[tuple[str, str]] = ("Hand-overs", "移交")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    giver: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    giver_id: UUID
    taker: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    taker_id: UUID
    takes_effect_on = fields.DateField()
    note = fields.TextField(null=True)
    state = fields.CharEnumField(HandoverState, description=HandoverState.__name__, max_length=40)
    ordered_at = fields.DatetimeField()
    done_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (personal("note", of="giver_id"),)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("done_at_some_time", "(NEW.state = 'DONE') = (NEW.done_at IS NOT NULL)"),
        refuse("to_somebody_else", "INSERT", "NEW.giver_id = NEW.taker_id", "HANDOVER_TO_ONESELF"),
        refuse("over_is_over", "UPDATE", "OLD.state <> 'PLANNED' AND NEW.state <> OLD.state", "HANDOVER_OVER"),
        unique("area_id", "giver_id", where="state = 'PLANNED'", code="HANDOVER_PLANNED"),
        index("takes_effect_on", where="state = 'PLANNED'"),
        index("area_id", "ordered_at"),
        index("ordered_at"),
        index("giver_id"),
        index("taker_id"),
    )

    class Meta:
        table = "core_handover"


class HandoverLine(Entity):
    """One duty on the receipt: moved by an event, or stayed, with the code that says why."""

    tag: ClassVar[str] = "handoverline"

    handover: fields.ForeignKeyRelation[Handover] = references("core.Handover")
    handover_id: UUID
    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    subject_tag = fields.CharField(max_length=41)
    subject_id = fields.UUIDField()
    title = fields.CharField(max_length=200)
    moved_by_id = fields.UUIDField(null=True)
    stays = fields.CharField(max_length=100, null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("subject_tag", "title", "stays")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        check("moved_or_stayed", "(NEW.moved_by_id IS NULL) <> (NEW.stays IS NULL)"),
        unique("handover_id", "subject_id", code="INTERNAL"),
    )

    class Meta:
        table = "core_handover_line"
