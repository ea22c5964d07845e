"""Requests for a meeting: residents or members of a body ask for one, and when they are enough it has to be held (M02)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, Upon, by_event, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.councils.models.bodies import Body
from plugins.councils.models.meetings import AgendaItem, Meeting
from plugins.councils.models.resolutions import Resolution
from plugins.councils.terms import Matter, RequestState, SupportState


def living_in(area: str, on: str, at: str) -> str:
    """SQL: how many persons live in an area or below on a day by the memberships on record, whoever has a parent as guardian
    at that instant left out: nothing else tells core that somebody is not of age."""
    return (
        "SELECT count(DISTINCT m.actor_id) AS n FROM core_area_closure c JOIN core_membership m ON m.area_id = c.descendant_id"
        f" JOIN core_actor a ON a.id = m.actor_id WHERE c.ancestor_id = {area} AND c.until IS NULL AND m.role = 'RESIDENT'"
        f" AND m.state = 'ACTIVE' AND m.since <= {on} AND (m.until IS NULL OR m.until >= {on}) AND a.kind = 'PERSON'"
        f" AND a.gone_at IS NULL AND NOT EXISTS ({a_child('m.actor_id', at)})"
    )


def a_child(person: str, at: str) -> str:
    """SQL: the guardianship of a parent that a person is under."""
    return (
        f"SELECT 1 AS yes FROM core_guardianship g WHERE g.ward_id = {person} AND g.state = 'ACTIVE' AND g.basis = 'PARENT'"
        f" AND (g.until IS NULL OR g.until > {at})"
    )


def _given(which: str) -> str:
    return (
        "(SELECT count(*) FROM councils_request_support s WHERE s.request_id = NEW.id AND s.state = 'GIVEN'"
        f" AND s.{which})"
    )


_AT = "(SELECT e.recorded_at FROM core_event e WHERE e.id = NEW.event_id)"
_MEMBERS = "(SELECT count(*) FROM councils_seat s WHERE s.body_id = NEW.body_id AND s.state = 'FILLED' AND s.is_voting)"
_ENOUGH = (
    "(NEW.residents_for > 0 AND NEW.residents_for * NEW.residents_one_in >= NEW.residents"
    " OR NEW.members_for > 0 AND NEW.members_for * NEW.members_one_in >= NEW.members)"
)
_HAS_A_MEETING = (
    "EXISTS (SELECT 1 FROM councils_meeting m JOIN councils_agenda_item i ON i.meeting_id = m.id WHERE m.id = NEW.meeting_id"
    " AND i.id = NEW.item_id AND m.body_id = NEW.body_id AND m.state = 'CALLED')"
)


class MeetingRequest(Logged):
    """Somebody asks that a body meets about a matter. `open_until` is the last day for supporters, `hold_by` the last day for
    the meeting once it is due. One in `residents_one_in` residents or in `members_one_in` voting members are enough: what held
    on the day of the request. Who they were enough among is counted when it falls due."""

    tag: ClassVar[str] = "councils_meeting_request"
    called: ClassVar[tuple[str, str]] = ("Requests for meetings", "要求召开会议")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    title = fields.CharField(max_length=200)
    details = fields.TextField(null=True)
    matter = fields.CharEnumField(Matter, description="Matter", max_length=40)
    requested_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    requested_by_id: UUID
    requested_at = fields.DatetimeField()
    open_until = fields.DateField()
    residents_one_in = fields.IntField()
    members_one_in = fields.IntField()
    state = fields.CharEnumField(RequestState, description="RequestState", max_length=40)
    residents = fields.IntField(null=True)
    residents_for = fields.IntField(null=True)
    members = fields.IntField(null=True)
    members_for = fields.IntField(null=True)
    due_on = fields.DateField(null=True)
    hold_by = fields.DateField(null=True)
    meeting: fields.ForeignKeyNullableRelation[Meeting] = references("councils.Meeting", null=True)
    meeting_id: UUID | None
    item: fields.ForeignKeyNullableRelation[AgendaItem] = references("councils.AgendaItem", null=True)
    item_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("title"),
        personal("details", of="requested_by_id", keep=Keep("requested_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("one_in", "NEW.residents_one_in BETWEEN 1 AND 1000 AND NEW.members_one_in BETWEEN 1 AND 1000"),
        check(
            "due",
            "(NEW.residents IS NULL) = (NEW.due_on IS NULL) AND (NEW.residents_for IS NULL) = (NEW.due_on IS NULL)"
            " AND (NEW.members IS NULL) = (NEW.due_on IS NULL) AND (NEW.members_for IS NULL) = (NEW.due_on IS NULL)"
            " AND (NEW.hold_by IS NULL) = (NEW.due_on IS NULL) AND (NEW.hold_by IS NULL OR NEW.hold_by > NEW.due_on)"
            " AND (NEW.state NOT IN ('DUE', 'MET') OR NEW.due_on IS NOT NULL)",
        ),
        check("enough", f"NEW.due_on IS NULL OR {_ENOUGH}", "TOO_FEW_ASK"),
        check("meeting", "(NEW.state = 'MET') = (NEW.meeting_id IS NOT NULL)"),
        refuse("begins_open", "INSERT", "NEW.state <> 'OPEN'", "REQUEST_STATE"),
        refuse(
            "of_a_body_that_is",
            "INSERT",
            "EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE')",
            "BODY_DISSOLVED",
        ),
        refuse(
            "path",
            "UPDATE",
            "NEW.state <> OLD.state AND NOT (OLD.state = 'OPEN' AND NEW.state IN ('DUE', 'LAPSED', 'WITHDRAWN')"
            " OR OLD.state = 'DUE' AND NEW.state = 'MET' OR OLD.state = 'MET' AND NEW.state = 'DUE'"
            f" OR OLD.state IN ('DUE', 'MET') AND NEW.state = 'LAPSED' AND {by_event('councils.body.dissolved')})"
            " OR OLD.state = 'OPEN' AND NEW.state = 'OPEN' AND NEW.due_on IS NOT NULL",
            "REQUEST_STATE",
        ),
        refuse(
            "counted_by_the_server",
            "UPDATE",
            "NEW.due_on IS NOT NULL AND OLD.due_on IS NULL AND"
            f" (NEW.residents_for <> {_given('is_resident')} OR NEW.members_for <> {_given('is_member')}"
            f" OR NEW.members <> {_MEMBERS} OR NEW.residents < ({living_in('NEW.area_id', _AT, _AT)}))",
            "TOO_FEW_ASK",
        ),
        refuse(
            "stays",
            "UPDATE",
            "NEW.body_id <> OLD.body_id OR NEW.title <> OLD.title OR NEW.matter <> OLD.matter"
            " OR NEW.open_until <> OLD.open_until OR NEW.residents_one_in <> OLD.residents_one_in"
            " OR NEW.members_one_in <> OLD.members_one_in OR OLD.due_on IS NOT NULL AND (NEW.due_on <> OLD.due_on"
            " OR NEW.hold_by <> OLD.hold_by OR NEW.residents <> OLD.residents OR NEW.residents_for <> OLD.residents_for"
            " OR NEW.members <> OLD.members OR NEW.members_for <> OLD.members_for)"
            f" OR NEW.requested_by_id <> OLD.requested_by_id AND NOT {by_event('councils.meeting.request_merged')}",
            "APPEND_ONLY",
        ),
        refuse(
            "met_by_a_meeting_about_it",
            "UPDATE",
            f"NEW.state = 'MET' AND NOT ({same('NEW.meeting_id', 'OLD.meeting_id')}) AND NOT {_HAS_A_MEETING}",
            "NOT_ITS_MEETING",
        ),
        Upon(
            Meeting,
            refuse(
                "what_was_asked_for_is_due_again",
                "UPDATE",
                "NEW.state IN ('CANCELLED', 'ADJOURNED') AND EXISTS (SELECT 1 FROM councils_meeting_request r"
                " WHERE r.meeting_id = NEW.id AND r.state = 'MET')",
                "REQUEST_STATE",
            ),
        ),
        Upon(
            AgendaItem,
            refuse(
                "what_was_asked_for_is_talked_about",
                "UPDATE",
                "NEW.state IN ('REFERRED', 'DECLINED') AND EXISTS (SELECT 1 FROM councils_meeting_request r"
                " LEFT JOIN councils_meeting m ON m.id = r.meeting_id WHERE r.item_id = NEW.id AND (r.state = 'DUE'"
                " OR r.state = 'MET' AND m.state IN ('CALLED', 'OPEN')))",
                "ASKED_FOR",
            ),
        ),
        Upon(
            Resolution,
            refuse(
                "what_was_asked_for_is_decided_there",
                "INSERT",
                "EXISTS (SELECT 1 FROM councils_meeting_request r WHERE r.item_id = NEW.item_id AND r.state = 'DUE')",
                "ASKED_FOR",
            ),
        ),
        index("body_id", "requested_at"),
        index("area_id", "requested_at"),
        index("requested_by_id", "requested_at"),
        index("requested_at"),
        index("hold_by"),
        index("meeting_id"),
        index("item_id"),
        index("open_until", where="state = 'OPEN'"),
    )

    class Meta:
        table = "councils_meeting_request"


class RequestSupport(Logged):
    """Somebody supports a request, as a resident, as a voting member, or as both; once."""

    tag: ClassVar[str] = "councils_request_support"
    called: ClassVar[tuple[str, str]] = ("Requests for meetings supported", "联名要求召开会议")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    request: fields.ForeignKeyRelation[MeetingRequest] = references("councils.MeetingRequest")
    request_id: UUID
    supporter: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    supporter_id: UUID
    is_resident = fields.BooleanField()
    is_member = fields.BooleanField()
    state = fields.CharEnumField(SupportState, description="SupportState", max_length=40)
    supported_at = fields.DatetimeField()

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("request_id", "supporter_id", where="state = 'GIVEN'", code="ALREADY_SUPPORTED"),
        check("as_what", "NEW.is_resident OR NEW.is_member OR NEW.state <> 'GIVEN'", "NOT_FROM_HERE"),
        refuse("begins_given", "INSERT", "NEW.state <> 'GIVEN'", "REQUEST_STATE"),
        refuse(
            "of_age",
            "INSERT",
            f"EXISTS ({a_child('NEW.supporter_id', _AT)}) OR NOT EXISTS (SELECT 1 FROM core_actor a"
            " WHERE a.id = NEW.supporter_id AND a.kind = 'PERSON')",
            "NOT_OF_AGE",
        ),
        refuse(
            "while_it_is_open",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM councils_meeting_request r WHERE r.id = NEW.request_id AND r.body_id = NEW.body_id"
            " AND r.area_id = NEW.area_id AND r.state = 'OPEN')",
            "REQUEST_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"NOT {by_event('councils.meeting.request_merged')} AND (OLD.state <> 'GIVEN' OR NEW.supporter_id <> OLD.supporter_id"
            " OR NOT EXISTS (SELECT 1 FROM councils_meeting_request r WHERE r.id = NEW.request_id AND r.state = 'OPEN'))"
            " OR NEW.request_id <> OLD.request_id OR NEW.body_id <> OLD.body_id OR NEW.supported_at <> OLD.supported_at",
            "REQUEST_STATE",
        ),
        index("request_id", "supported_at"),
        index("supporter_id", "supported_at"),
        index("supported_at"),
    )

    class Meta:
        table = "councils_request_support"
