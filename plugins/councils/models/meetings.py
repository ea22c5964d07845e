"""Meetings of a body: called with notice, with an agenda, attended, with or without a quorum, and kept in minutes."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, Upon, append_only, by_event, check, index, refuse, unique
from core.models import Activity, Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.councils.models.bodies import Body, Seat
from plugins.councils.models.common import is_out
from plugins.councils.terms import AgendaState, AttendanceState, Matter, MeetingState


class Meeting(Logged):
    """A meeting is a core activity with this beside it. Quorum, majority and conduct are those of the day it was called."""

    tag: ClassVar[str] = "councils_meeting"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    activity: fields.ForeignKeyRelation[Activity] = references("core.Activity")
    activity_id: UUID
    number = fields.IntField()
    state = fields.CharEnumField(MeetingState, description="MeetingState", max_length=40)
    is_urgent = fields.BooleanField(default=False)
    called_by_id = fields.UUIDField()
    called_at = fields.DatetimeField()
    starts_at = fields.DatetimeField()
    notice_days = fields.IntField()
    quorum_percent = fields.IntField()
    majority_percent = fields.IntField()
    speaking_minutes = fields.IntField(null=True)
    calls_to_order = fields.IntField()
    exclusion_days = fields.IntField()
    appeal_days = fields.IntField()
    members = fields.IntField(null=True)  # who has a vote, when it was opened
    present = fields.IntField(null=True)  # of them
    quorum_met = fields.BooleanField(null=True)
    minutes = fields.TextField(null=True)
    minutes_by_id = fields.UUIDField(null=True)
    confirmed_by_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("minutes")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("body_id", "number", code="INTERNAL"),
        unique("activity_id", code="INTERNAL"),
        check("counted", "(NEW.members IS NULL) = (NEW.present IS NULL) AND (NEW.members IS NULL) = (NEW.quorum_met IS NULL)"),
        check(
            "quorum_is_computed",
            "NEW.members IS NULL OR NEW.quorum_met = (NEW.present * 100 > NEW.quorum_percent * NEW.members)",
            "OUTCOME_IS_COUNTED",
        ),
        check("open_with_a_quorum", "NEW.state NOT IN ('OPEN', 'CLOSED', 'CONFIRMED') OR NEW.quorum_met", "NO_QUORUM"),
        check("confirmed", "(NEW.state = 'CONFIRMED') = (NEW.confirmed_by_id IS NOT NULL)"),
        refuse(
            "inv10_confirmed_by_another",
            "UPDATE",
            f"OLD.confirmed_by_id IS NULL AND {own_matter('NEW.confirmed_by_id', 'NEW.minutes_by_id')}",
            "OWN_MATTER",
        ),
        refuse(
            "run_by_who_is_in_the_room",
            "UPDATE",
            "NEW.state IN ('OPEN', 'ADJOURNED', 'CLOSED') AND EXISTS (SELECT 1 FROM core_event act"
            f" WHERE act.id = NEW.event_id AND {is_out('act.actor_id', 'NEW', 'act.recorded_at')})",
            "KEPT_OUT",
        ),
        refuse(
            "over_for_good",
            "UPDATE",
            "OLD.state IN ('CONFIRMED', 'CANCELLED', 'ADJOURNED')"
            " OR NEW.quorum_percent <> OLD.quorum_percent OR NEW.majority_percent <> OLD.majority_percent"
            " OR NEW.calls_to_order <> OLD.calls_to_order OR NEW.exclusion_days <> OLD.exclusion_days"
            " OR NEW.appeal_days <> OLD.appeal_days",
            "MEETING_STATE",
        ),
        Upon(
            Activity,
            refuse(
                "open_as_its_meeting",
                "UPDATE",
                "NEW.state <> OLD.state AND EXISTS (SELECT 1 FROM councils_meeting m WHERE m.activity_id = NEW.id"
                " AND (m.state IN ('CALLED', 'OPEN')) <> (NEW.state = 'OPEN'))",
                "ACTIVITY_OF_A_MEETING",
            ),
        ),
        index("body_id", "starts_at"),
        index("area_id", "starts_at"),
        index("starts_at"),
    )  # fmt: skip

    class Meta:
        table = "councils_meeting"


class Attendance(Logged):
    """Whether the holder of a seat came; noted once, by somebody else or in the minutes. Who was kept out by an `exclusion`
    was not there: whose absence it was, not everybody is told."""

    tag: ClassVar[str] = "councils_attendance"
    called: ClassVar[tuple[str, str]] = ("Attendance at meetings", "会议出席")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    meeting: fields.ForeignKeyRelation[Meeting] = references("councils.Meeting")
    meeting_id: UUID
    seat: fields.ForeignKeyRelation[Seat] = references("councils.Seat")
    seat_id: UUID
    holder: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    holder_id: UUID
    state = fields.CharEnumField(AttendanceState, description="AttendanceState", max_length=40)
    is_voting = fields.BooleanField()
    exclusion: fields.ForeignKeyNullableRelation[Any] = references("councils.Exclusion", null=True)
    exclusion_id: UUID | None

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("meeting_id", "seat_id", code="ATTENDANCE_RECORDED"),
        refuse(
            "is_not_kept_out",
            "INSERT OR UPDATE",
            "NEW.state = 'PRESENT' AND EXISTS (SELECT 1 FROM councils_meeting m JOIN core_event e ON e.id = NEW.event_id"
            " JOIN councils_seat s ON s.id = NEW.seat_id"
            f" WHERE m.id = NEW.meeting_id AND {is_out('s.holder_id', 'm', 'e.recorded_at')})",
            "KEPT_OUT",
        ),
        refuse(
            "holds_the_seat",
            "INSERT OR UPDATE",
            "NEW.state = 'PRESENT' AND EXISTS (SELECT 1 FROM councils_seat s WHERE s.id = NEW.seat_id"
            " AND s.state <> 'FILLED')",
            "NO_SEAT_HERE",
        ),
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"NOT ({by_event('councils.attendance.recorded')} AND OLD.state <> 'PRESENT' AND NEW.state = 'PRESENT')"
            " OR NEW.meeting_id <> OLD.meeting_id OR NEW.seat_id <> OLD.seat_id OR NEW.holder_id <> OLD.holder_id",
            "APPEND_ONLY",
        ),
        index("holder_id"),
    )

    class Meta:
        table = "councils_attendance"


class AgendaItem(Logged):
    """Something a body should talk about. `concerns` is the actor whose own matter it is, if it is somebody's (INV10)."""

    tag: ClassVar[str] = "councils_agenda_item"
    called: ClassVar[tuple[str, str]] = ("Matters for a body's agenda", "议题")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    meeting: fields.ForeignKeyNullableRelation[Meeting] = references("councils.Meeting", null=True)
    meeting_id: UUID | None
    position = fields.IntField(null=True)
    title = fields.CharField(max_length=200)
    details = fields.TextField(null=True)
    matter = fields.CharEnumField(Matter, description="Matter", max_length=40)
    proposed_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    proposed_by_id: UUID
    proposed_at = fields.DatetimeField()
    concerns: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    concerns_id: UUID | None
    referred_from: fields.ForeignKeyNullableRelation[AgendaItem] = references("councils.AgendaItem", null=True)
    referred_from_id: UUID | None
    state = fields.CharEnumField(AgendaState, description="AgendaState", max_length=40)
    answer = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("title"),
        personal("details", of="proposed_by_id", keep=Keep("proposed_at", "case_text_days")),
        personal("answer", of="proposed_by_id", keep=Keep("proposed_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("placed", "NEW.state NOT IN ('PLACED', 'VOTED') OR NEW.meeting_id IS NOT NULL"),
        refuse(
            "of_the_body_s_meeting",
            "INSERT OR UPDATE",
            "NEW.meeting_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM councils_meeting m WHERE m.id = NEW.meeting_id"
            " AND m.body_id = NEW.body_id)",
            "NOT_ITS_MEETING",
        ),
        index("body_id", "proposed_at"),
        index("meeting_id", "position"),
        index("proposed_by_id", "proposed_at"),
        index("proposed_at"),
    )

    class Meta:
        table = "councils_agenda_item"


class Recusal(Logged):
    """A member keeps out of an item, because they say so or because it is their own matter (INV10)."""

    tag: ClassVar[str] = "councils_recusal"
    called: ClassVar[tuple[str, str]] = ("Recusals", "回避")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    item: fields.ForeignKeyRelation[AgendaItem] = references("councils.AgendaItem")
    item_id: UUID
    seat: fields.ForeignKeyRelation[Seat] = references("councils.Seat")
    seat_id: UUID
    holder: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    holder_id: UUID
    is_automatic = fields.BooleanField()
    declared_at = fields.DatetimeField()
    reason = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (personal("reason", of="holder_id"),)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("item_id", "seat_id", code="ALREADY_RECUSED"),
        *append_only(),
        refuse(
            "before_the_vote",
            "INSERT",
            "EXISTS (SELECT 1 FROM councils_resolution r WHERE r.item_id = NEW.item_id"
            " AND r.state NOT IN ('CANCELLED', 'OVERTURNED'))",
            "ALREADY_VOTED_ON",
        ),
        index("holder_id"),
    )

    class Meta:
        table = "councils_recusal"


def concerned(person: str, item: str) -> str:
    """SQL: the item is this person's own matter."""
    return (
        f"EXISTS (SELECT 1 FROM councils_agenda_item i WHERE i.id = {item} AND i.concerns_id IS NOT NULL"
        f" AND {own_matter(person, 'i.concerns_id')})"
    )
