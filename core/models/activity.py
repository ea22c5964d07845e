"""Activities (活动) and participation (参与): who organises, who joins, who came."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, check, index, names_nobody_gone, refuse, unique
from core.enums import ActivityState, ParticipationState
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Logged, references
from core.personal import Text, impersonal


class Activity(Logged):
    """Something people do together at a time and place; `places_taken` counts who holds a place."""

    tag: ClassVar[str] = "activity"
    called: ClassVar[tuple[str, str]] = ("Activities organised", "组织的活动")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    organizer: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    organizer_id: UUID
    title = fields.CharField(max_length=200)
    summary = fields.TextField(null=True)
    place = fields.CharField(max_length=200, null=True)
    state = fields.CharEnumField(ActivityState, description=ActivityState.__name__, max_length=40)
    starts_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    capacity = fields.IntField(null=True)
    places_taken = fields.IntField(default=0)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "summary", "place")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("ends_after_start", "NEW.ends_at > NEW.starts_at"),
        check("capacity_positive", "NEW.capacity IS NULL OR NEW.capacity > 0"),
        check("places", "NEW.places_taken >= 0"),
        check("not_overbooked", "NEW.capacity IS NULL OR NEW.places_taken <= NEW.capacity", "ACTIVITY_FULL"),
        refuse("area_immutable", "UPDATE", "NEW.area_id <> OLD.area_id", "INVALID_VALUE"),
        index("area_id", "starts_at"),
        index("starts_at"),
        index("organizer_id", "starts_at"),
    )

    class Meta:
        table = "core_activity"


class Participation(Logged):
    """One actor in one activity; leaving and joining again is the same row (no double join)."""

    tag: ClassVar[str] = "participation"
    called: ClassVar[tuple[str, str]] = ("Activities taken part in", "参与的活动")

    activity: fields.ForeignKeyRelation[Activity] = references("core.Activity")
    activity_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    state = fields.CharEnumField(ParticipationState, description=ParticipationState.__name__, max_length=40)
    joined_at = fields.DatetimeField()

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("activity_id", "actor_id", code="ALREADY_JOINED"),
        names_nobody_gone("actor_id", running="NEW.state = 'JOINED'"),
        index("activity_id", "joined_at"),
        index("actor_id", "joined_at"),
    )

    class Meta:
        table = "core_participation"
