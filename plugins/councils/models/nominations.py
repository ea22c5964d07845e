"""Who sits in an honorary villagers' council (乡贤理事会) was nominated, and confirmed by the village (M03)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, Upon, by_event, changed, check, index, names_nobody_gone, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Text, impersonal, personal
from plugins.councils.models.bodies import Body, Seat
from plugins.councils.models.resolutions import Resolution
from plugins.councils.terms import NominationState

_STANDS = "(NEW.state IN ('CONFIRMED', 'SEATED'))"


class Nomination(Logged):
    """Somebody is put forward for such a body: where they come from, and what they have done for the village. Confirmed by
    somebody else, with reference to the villagers' meeting (`reference`) or by a `resolution` of who represents them, it fills
    one seat."""

    tag: ClassVar[str] = "councils_nomination"
    called: ClassVar[tuple[str, str]] = ("Nominations for honorary villagers' councils", "乡贤提名")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    nominee: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    nominee_id: UUID
    nominated_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    nominated_by_id: UUID
    nominated_at = fields.DatetimeField()
    origin = fields.TextField(null=True)
    contribution = fields.TextField(null=True)
    state = fields.CharEnumField(NominationState, description="NominationState", max_length=40)
    decided_by_id = fields.UUIDField(null=True)
    decided_at = fields.DatetimeField(null=True)
    reference = fields.CharField(max_length=500, null=True)
    resolution: fields.ForeignKeyNullableRelation[Resolution] = references("councils.Resolution", null=True)
    resolution_id: UUID | None
    answer = fields.TextField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("origin", of="nominee_id"),
        personal("contribution", of="nominee_id"),
        personal("answer", of="nominee_id"),
        *impersonal("reference"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("not_oneself", "NEW.nominee_id <> NEW.nominated_by_id", "OWN_MATTER"),
        check(
            "decided",
            "(NEW.state = 'PROPOSED') = (NEW.decided_by_id IS NULL) AND (NEW.decided_by_id IS NULL) = (NEW.decided_at IS NULL)",
        ),
        refuse(
            "inv10_decided_by_another",
            "UPDATE",
            f"{changed('decided_by_id')} AND ({own_matter('NEW.decided_by_id', 'NEW.nominee_id')}"
            f" OR {own_matter('NEW.decided_by_id', 'NEW.nominated_by_id')})",
            "OWN_MATTER",
        ),
        refuse(
            "inv10_confirmed_by_who_entered_it",
            "UPDATE",
            "NEW.state = 'CONFIRMED' AND OLD.state = 'PROPOSED' AND"
            f" {entered_by('NEW.decided_by_id', 'NEW.id', 'councils.nomination.made')}",
            "ENTERED_BY_YOU",
        ),
        refuse(
            "confirmed_for_a_body_that_is",
            "UPDATE",
            "NEW.state = 'CONFIRMED' AND OLD.state = 'PROPOSED' AND EXISTS (SELECT 1 FROM councils_body b"
            " WHERE b.id = NEW.body_id AND b.state <> 'ACTIVE')",
            "BODY_DISSOLVED",
        ),
        names_nobody_gone("nominee_id", running="NEW.state IN ('PROPOSED', 'CONFIRMED')"),
        check(
            "confirmed_by_the_village",
            f"{_STANDS} = (NEW.reference IS NOT NULL OR NEW.resolution_id IS NOT NULL)",
            "WHAT_CONFIRMS",
        ),
        refuse("begins_proposed", "INSERT", "NEW.state <> 'PROPOSED'", "NOMINATION_STATE"),
        refuse(
            "for_an_honorary_council",
            "INSERT",
            "NEW.origin IS NULL OR NEW.contribution IS NULL OR NOT EXISTS (SELECT 1 FROM councils_body b"
            " WHERE b.id = NEW.body_id AND b.kind = 'RESPECTED_VILLAGERS' AND b.state = 'ACTIVE')",
            "NOT_AN_HONORARY_COUNCIL",
        ),
        refuse(
            "path",
            "UPDATE",
            "NEW.body_id <> OLD.body_id OR NEW.state <> OLD.state AND NOT (OLD.state = 'PROPOSED' AND NEW.state IN"
            " ('CONFIRMED', 'DECLINED') OR OLD.state = 'CONFIRMED' AND NEW.state IN ('SEATED', 'DECLINED'))"
            " OR (NEW.nominee_id <> OLD.nominee_id OR NEW.nominated_by_id <> OLD.nominated_by_id)"
            f" AND NOT {by_event('councils.nomination.merged')}",
            "NOMINATION_STATE",
        ),
        refuse(
            "by_a_resolution_that_holds",
            "UPDATE",
            "NEW.resolution_id IS NOT NULL AND NEW.state = 'CONFIRMED' AND OLD.state = 'PROPOSED' AND NOT EXISTS (SELECT 1"
            " FROM councils_resolution r JOIN councils_agenda_item i ON i.id = r.item_id WHERE r.id = NEW.resolution_id"
            " AND r.state = 'EFFECTIVE' AND r.body_id <> NEW.body_id AND r.put_at >= NEW.nominated_at"
            " AND i.concerns_id = NEW.nominee_id)",
            "WHAT_CONFIRMS",
        ),
        Upon(
            Seat,
            refuse(
                "honoured_by_the_village",
                "INSERT",
                "NEW.mandate_of_id IS NULL AND EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id"
                " AND b.kind = 'RESPECTED_VILLAGERS') AND NOT EXISTS (SELECT 1 FROM councils_nomination n"
                " WHERE n.body_id = NEW.body_id AND n.nominee_id = NEW.holder_id AND n.state = 'CONFIRMED')",
                "NOMINATION_NEEDED",
            ),
        ),
        unique("body_id", "nominee_id", where="state IN ('PROPOSED', 'CONFIRMED')", code="ALREADY_PUT_FORWARD"),
        index("body_id", "nominated_at"),
        index("nominee_id", "nominated_at"),
        index("nominated_at"),
    )

    class Meta:
        table = "councils_nomination"
