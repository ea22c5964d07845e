"""Order at meetings: who was called to order, who was excluded and for how long, and what came of an appeal (M01)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, Upon, append_only, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, Participation, references
from core.personal import Keep, Text, personal
from plugins.councils.models.bodies import Body
from plugins.councils.models.common import is_out
from plugins.councils.models.meetings import Meeting
from plugins.councils.models.resolutions import Resolution
from plugins.councils.terms import CallToOrderKind, ExclusionState

_KEPT = Keep("made_at", "case_text_days")
_THERE: tuple[Guard, ...] = (
    refuse(
        "while_it_meets",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM councils_meeting m WHERE m.id = NEW.meeting_id AND m.body_id = NEW.body_id"
        " AND m.state = 'OPEN')",
        "MEETING_STATE",
    ),
    refuse(
        "of_a_body_that_is",
        "INSERT",
        "EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE')",
        "BODY_DISSOLVED",
    ),
    refuse(
        "of_somebody_there",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM councils_meeting m JOIN core_participation p ON p.activity_id = m.activity_id"
        " WHERE m.id = NEW.meeting_id AND p.actor_id = NEW.concerns_id AND p.state = 'ATTENDED')",
        "NOT_THERE",
    ),
    refuse("inv10_made", "INSERT", own_matter("NEW.made_by_id", "NEW.concerns_id"), "OWN_MATTER"),
)


_MADE_BY = (
    "SELECT NEW.made_by_id AS id UNION SELECT c.made_by_id FROM councils_call_to_order c WHERE c.meeting_id = NEW.meeting_id"
    " AND c.concerns_id = NEW.concerns_id"
)  # who excluded them, and who called them to order before
_IS_OUT = (
    "EXISTS (SELECT 1 FROM councils_meeting m JOIN core_event e ON e.id = NEW.event_id WHERE m.activity_id = NEW.activity_id"
    f" AND e.type <> 'core.actor.merged' AND {is_out('NEW.actor_id', 'm', 'e.recorded_at')})"
)  # of who takes part in a meeting's activity
_PARTIES = (
    f"{_MADE_BY} UNION SELECT NEW.concerns_id UNION SELECT i.concerns_id FROM councils_kept_out k"
    " JOIN councils_resolution r ON r.id = k.resolution_id JOIN councils_agenda_item i ON i.id = r.item_id"
    " WHERE k.exclusion_id = NEW.id"
)  # and whose matter hangs on it


class CallToOrder(Logged):
    """Somebody at a meeting is told to keep to its order."""

    tag: ClassVar[str] = "councils_call_to_order"
    called: ClassVar[tuple[str, str]] = ("Calls to order", "会议警告")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    meeting: fields.ForeignKeyRelation[Meeting] = references("councils.Meeting")
    meeting_id: UUID
    concerns: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    concerns_id: UUID
    kind = fields.CharEnumField(CallToOrderKind, description="CallToOrderKind", max_length=40)
    reason = fields.TextField()
    made_by_id = fields.UUIDField()
    made_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (personal("reason", of="concerns_id", keep=_KEPT),)

    guards: ClassVar[tuple[Guard, ...]] = (
        *_THERE,
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"{changed('body_id', 'meeting_id', 'kind', 'reason', 'made_by_id', 'made_at')}"
            f" OR NOT {by_event('councils.call_to_order.merged')}",
            "APPEND_ONLY",
        ),
        index("meeting_id", "made_at"),
        index("concerns_id", "made_at"),
        index("made_at"),
    )

    class Meta:
        table = "councils_call_to_order"


class Exclusion(Logged):
    """Somebody has to leave a meeting, and without `until` may come to the next again. `ended_at` is when they might come back:
    the meeting closed, the time was over, it was lifted or overturned. Appealing goes on after that (INV10)."""

    tag: ClassVar[str] = "councils_exclusion"
    called: ClassVar[tuple[str, str]] = ("Exclusions from meetings", "责令退场")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    meeting: fields.ForeignKeyRelation[Meeting] = references("councils.Meeting")
    meeting_id: UUID
    concerns: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    concerns_id: UUID
    reason = fields.TextField()
    made_by_id = fields.UUIDField()
    made_at = fields.DatetimeField()
    until = fields.DatetimeField(null=True)
    ended_at = fields.DatetimeField(null=True)
    appeal_until = fields.DatetimeField()
    appeal = fields.TextField(null=True)
    decision = fields.TextField(null=True)
    decided_by_id = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    state = fields.CharEnumField(ExclusionState, description="ExclusionState", max_length=40)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("reason", of="concerns_id", keep=_KEPT),
        personal("appeal", of="concerns_id", keep=_KEPT),
        personal("decision", of="concerns_id", keep=_KEPT),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *_THERE,
        *append_only()[1:],
        refuse(
            "after_calls_to_order",
            "INSERT",
            "(SELECT count(*) FROM councils_call_to_order c WHERE c.meeting_id = NEW.meeting_id"
            " AND c.concerns_id = NEW.concerns_id) < (SELECT m.calls_to_order FROM councils_meeting m"
            " WHERE m.id = NEW.meeting_id) * (1 + (SELECT count(*) FROM councils_exclusion x"
            " WHERE x.meeting_id = NEW.meeting_id AND x.concerns_id = NEW.concerns_id))",
            "TOO_FEW_CALLS",
        ),
        refuse(
            "from_that_meeting_only",
            "INSERT",
            "NEW.until IS NOT NULL AND EXISTS (SELECT 1 FROM councils_meeting m WHERE m.id = NEW.meeting_id"
            " AND m.exclusion_days = 0)",
            "EXCLUSION_TOO_LONG",
        ),
        refuse("begins", "INSERT", "NEW.state <> 'DECLARED' OR NEW.ended_at IS NOT NULL", "EXCLUSION_STATE"),
        check("lasts_and_may_be_appealed", "NEW.appeal_until > NEW.made_at AND (NEW.until IS NULL OR NEW.until > NEW.made_at)"),
        refuse(
            "made_as_it_is_entered",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_event e WHERE e.id = NEW.event_id AND e.recorded_at <> NEW.made_at)",
            "INVALID_VALUE",
        ),
        check("decided", "(NEW.state IN ('UPHELD', 'OVERTURNED')) = (NEW.decided_at IS NOT NULL)"
            " AND (NEW.decided_at IS NULL) = (NEW.decided_by_id IS NULL)"),
        check("overturned_is_ended", "NEW.state <> 'OVERTURNED' OR NEW.ended_at IS NOT NULL"),
        refuse(
            "inv10_decided",
            "UPDATE",
            "NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL AND"
            f" (EXISTS (SELECT 1 FROM ({_PARTIES}) party WHERE {own_matter('NEW.decided_by_id', 'party.id')})"
            " OR EXISTS (SELECT 1 FROM councils_seat s WHERE s.body_id = NEW.body_id AND s.state <> 'VACATED'"
            " AND s.holder_id = NEW.decided_by_id))",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_decided_by_who_entered_the_appeal",
            "UPDATE",
            "NEW.decided_by_id IS NOT NULL AND OLD.decided_by_id IS NULL AND"
            f" {entered_by('NEW.decided_by_id', 'NEW.id', 'councils.meeting.exclusion_appealed')}",
            "ENTERED_BY_YOU",
        ),
        refuse(
            "inv10_appealed",
            "UPDATE",
            "NEW.state = 'APPEALED' AND OLD.state = 'DECLARED' AND EXISTS (SELECT 1 FROM core_event act"
            f" CROSS JOIN ({_MADE_BY}) maker WHERE act.id = NEW.event_id AND act.behalf_of_id IS NOT NULL"
            f" AND {own_matter('act.actor_id', 'maker.id')})",
            "OWN_MATTER",
        ),
        refuse(
            "lifted_by_who_is_in_the_room",
            "UPDATE",
            "NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL AND EXISTS (SELECT 1 FROM core_event act"
            " JOIN councils_meeting m ON m.id = NEW.meeting_id WHERE act.id = NEW.event_id"
            f" AND act.type = 'councils.meeting.exclusion_lifted' AND {is_out('act.actor_id', 'm', 'act.recorded_at')})",
            "KEPT_OUT",
        ),
        refuse(
            "in_order",
            "UPDATE",
            "NOT (NEW.state = OLD.state OR (OLD.state = 'DECLARED' AND NEW.state = 'APPEALED')"
            " OR (OLD.state = 'APPEALED' AND NEW.state IN ('UPHELD', 'OVERTURNED')))",
            "EXCLUSION_STATE",
        ),
        refuse(
            "appealed_in_time",
            "UPDATE",
            "NEW.state = 'APPEALED' AND OLD.state = 'DECLARED' AND EXISTS (SELECT 1 FROM core_event e"
            " WHERE e.id = NEW.event_id AND e.recorded_at >= NEW.appeal_until)",
            "EXCLUSION_APPEAL_OVER",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"{changed('body_id', 'meeting_id', 'reason', 'made_by_id', 'made_at', 'until')}"
            f" OR ({changed('appeal_until')} AND NOT (NEW.appeal_until > OLD.appeal_until"
            f" AND {by_event('councils.meeting.appeal_prolonged')}))"
            f" OR ({changed('concerns_id')} AND NOT {by_event('councils.exclusion.merged')})"
            f" OR (OLD.ended_at IS NOT NULL AND {changed('ended_at')})"
            f" OR (OLD.appeal IS NOT NULL AND {changed('appeal')})"
            f" OR (OLD.decided_at IS NOT NULL AND ({changed('decision', 'decided_at', 'decided_by_id')}))",
            "APPEND_ONLY",
        ),
        unique("body_id", "concerns_id", where="ended_at IS NULL AND until IS NOT NULL", code="ALREADY_EXCLUDED"),
        unique("meeting_id", "concerns_id", where="ended_at IS NULL AND until IS NULL", code="ALREADY_EXCLUDED"),
        Upon(
            Participation,
            refuse("comes_while_excluded", "INSERT", f"NEW.state IN ('JOINED', 'ATTENDED') AND {_IS_OUT}", "KEPT_OUT"),
        ),
        Upon(
            Participation,
            refuse(
                "comes_again_while_excluded",
                "UPDATE",
                f"NEW.state <> OLD.state AND NEW.state IN ('JOINED', 'ATTENDED') AND {_IS_OUT}",
                "KEPT_OUT",
            ),
        ),
        index("body_id", "made_at"),
        index("meeting_id", "made_at"),
        index("concerns_id", "made_at"),
        index("made_at"),
        index("until", where="ended_at IS NULL"),
    )  # fmt: skip

    class Meta:
        table = "councils_exclusion"


class KeptOut(Logged):
    """A member with a vote was kept out by an exclusion from an earlier meeting while a resolution was put by hands."""

    tag: ClassVar[str] = "councils_kept_out"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    resolution: fields.ForeignKeyRelation[Resolution] = references("councils.Resolution")
    resolution_id: UUID
    exclusion: fields.ForeignKeyRelation[Exclusion] = references("councils.Exclusion")
    exclusion_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("resolution_id", "exclusion_id", code="INTERNAL"),
        index("exclusion_id"),
    )

    class Meta:
        table = "councils_kept_out"
