"""Objections to notices and what was answered."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, append_only, by_event, by_others, changed, check, index, refuse, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, personal
from plugins.disclosure.models.notices import PUBLISHER_AT_THE_DESK, RUNNING, Notice, whom
from plugins.disclosure.terms import ObjectionState


class Objection(Logged):
    """Somebody says that it is not right, by name or in confidence; somebody else answers (INV10)."""

    tag: ClassVar[str] = "disclosure_objection"
    called: ClassVar[tuple[str, str]] = ("Objections to notices", "公示异议")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    by_id: UUID
    is_confidential = fields.BooleanField()
    state = fields.CharEnumField(ObjectionState, description="ObjectionState", max_length=40)
    text = fields.TextField()
    text_salt = fields.CharField(max_length=64, null=True)
    filed_at = fields.DatetimeField()
    answer_by = fields.DateField()
    answer_days = fields.IntField()  # after `filed_at`; those on which disclosure was off come on top
    overdue_at = fields.DatetimeField(null=True)
    answer = fields.TextField(null=True)
    answer_salt = fields.CharField(max_length=64, null=True)
    answered_by_id = fields.UUIDField(null=True)
    answered_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("text", of="by_id", keep=Keep("filed_at", "case_text_days")),
        personal("text_salt", of="by_id", keep=Keep("filed_at", "case_text_days")),
        personal("answer", of="by_id", keep=Keep("filed_at", "case_text_days")),
        personal("answer_salt", of="by_id", keep=Keep("filed_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        unique("notice_id", "by_id", where="state = 'OPEN'", code="ALREADY_OBJECTED"),
        refuse(
            "while_it_runs",
            "INSERT",
            f"NOT EXISTS (SELECT 1 FROM disclosure_notice n WHERE n.id = NEW.notice_id AND n.state IN {RUNNING})",
            "WINDOW_OVER",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"{changed('notice_id', 'area_id', 'is_confidential', 'text', 'text_salt', 'filed_at', 'answer_days')}"
            f" OR ({changed('by_id')} AND NOT {by_event('disclosure.objection.merged')}"
            f" AND NOT {by_event('disclosure.objection.merged_in_confidence')})",
            "SEALED",
        ),
        refuse("never_sooner", "UPDATE", "NEW.answer_by < OLD.answer_by", "WINDOW_SHORTENED"),
        refuse("answered_once", "UPDATE", "OLD.state <> 'OPEN' AND NEW.state <> OLD.state", "OBJECTION_STATE"),
        refuse(
            "answer_stays",
            "UPDATE",
            f"OLD.state <> 'OPEN' AND {changed('answer', 'answer_salt', 'answered_by_id', 'answered_at')}",
            "SEALED",
        ),
        refuse("inv10_at_the_desk_new", "INSERT", PUBLISHER_AT_THE_DESK, "OWN_MATTER"),
        refuse("inv10_at_the_desk", "UPDATE", f"NEW.state = 'WITHDRAWN' AND {PUBLISHER_AT_THE_DESK}", "OWN_MATTER"),
        check(
            "answered",
            "(NEW.state IN ('REJECTED', 'UPHELD')) = (NEW.answered_by_id IS NOT NULL) AND"
            " (NEW.answered_by_id IS NULL) = (NEW.answered_at IS NULL)",
        ),
        *by_others("inv10_answer", "answered_by_id", own_matter("NEW.answered_by_id", "NEW.by_id")),
        *by_others(
            "inv10_publisher",
            "answered_by_id",
            "EXISTS (SELECT 1 FROM disclosure_notice n WHERE n.id = NEW.notice_id"
            " AND n.published_by_id = NEW.answered_by_id)",
        ),
        *by_others(
            "inv10_concerned",
            "answered_by_id",
            f"EXISTS (SELECT 1 FROM ({whom('NEW.notice_id')}) y WHERE {own_matter('NEW.answered_by_id', 'y.id')})",
        ),
        *by_others(
            "inv10_entered", "answered_by_id", entered_by("NEW.answered_by_id", "NEW.id"), code="ENTERED_BY_YOU"
        ),
        index("notice_id", "filed_at"),
        index("by_id", "filed_at"),
        index("filed_at"),
        index("answer_by"),
    )

    class Meta:
        table = "disclosure_objection"
