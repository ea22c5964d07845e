"""What comes of a meeting: resolutions with their count, opinions that never are decisions, tasks, and reports."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, by_event, check, index, refuse, same, unique
from core.models import Activity, Actor, Area, Logged, references
from core.personal import Text, impersonal, personal
from plugins.councils.models.bodies import Body
from plugins.councils.models.common import is_out, out_of_bounds
from plugins.councils.models.meetings import AgendaItem, Meeting, concerned
from plugins.councils.terms import GIVEN_POWERS_KINDS, Matter, ReportKind, ResolutionState, TaskState, VoteMethod

_GIVEN = (
    "(b.matters LIKE '%|' || NEW.matter || '|%' OR EXISTS (SELECT 1 FROM councils_delegation d WHERE d.body_id = b.id"
    " AND d.matter = NEW.matter AND d.state = 'ACTIVE' AND d.since <= NEW.put_on"
    " AND (d.ends_on IS NULL OR d.ends_on > NEW.put_on)))"
)
_GIVEN_KINDS = ", ".join(f"'{kind.value}'" for kind in GIVEN_POWERS_KINDS)
_FOR_IT = "NEW.votes_for * 100 > NEW.majority_percent * NEW.eligible"
_RESTS_ON_EXCLUSIONS = "NEW.votes_for * 100 <= NEW.majority_percent * (NEW.eligible + NEW.kept_out)"
_IN_THE_ROOM = (
    "(SELECT count(*) FROM councils_attendance a JOIN councils_seat s ON s.id = a.seat_id AND s.state = 'FILLED'"
    " JOIN councils_meeting m ON m.id = a.meeting_id WHERE a.meeting_id = NEW.meeting_id AND a.state = 'PRESENT'"
    f" AND a.is_voting AND NOT {is_out('s.holder_id', 'm', 'NEW.put_at')})"
)


class Resolution(Logged):
    """What a body decided about an agenda item. The outcome follows from the count, and nobody writes it (INV8).

    Of the `eligible`, `put_out` had to leave the meeting and raise no hand; `kept_out` could not come to it, and are not
    among them. Where these might have turned it, it waits until their exclusions stand.
    """

    tag: ClassVar[str] = "councils_resolution"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    meeting: fields.ForeignKeyRelation[Meeting] = references("councils.Meeting")
    meeting_id: UUID
    item: fields.ForeignKeyRelation[AgendaItem] = references("councils.AgendaItem")
    item_id: UUID
    title = fields.CharField(max_length=200)
    text = fields.TextField()
    matter = fields.CharEnumField(Matter, description="Matter", max_length=40)
    is_listed = fields.BooleanField()
    method = fields.CharEnumField(VoteMethod, description="VoteMethod", max_length=40)
    state = fields.CharEnumField(ResolutionState, description="ResolutionState", max_length=40)
    majority_percent = fields.IntField()
    eligible = fields.IntField()
    recused = fields.IntField()
    put_out = fields.IntField(default=0)
    kept_out = fields.IntField(default=0)
    votes_for = fields.IntField(null=True)
    votes_against = fields.IntField(null=True)
    votes_abstained = fields.IntField(null=True)
    ballot_id = fields.UUIDField(null=True)
    notice_id = fields.UUIDField(null=True)
    recorded_by_id = fields.UUIDField()
    put_at = fields.DatetimeField()
    put_on = fields.DateField()  # the civil day of it, by which the database knows which delegations run
    decided_at = fields.DatetimeField(null=True)
    effective_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "text")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("item_id", where="state NOT IN ('CANCELLED', 'OVERTURNED')", code="ALREADY_VOTED_ON"),
        check("more_than_half", "NEW.majority_percent >= 50"),
        check("method", "NEW.method <> 'BALLOT' OR NEW.ballot_id IS NOT NULL OR NEW.state = 'VOTING'"),
        check(
            "counted",
            "(NEW.state <> 'VOTING' OR NEW.votes_for IS NULL) AND (NEW.votes_for IS NOT NULL"
            " OR NEW.state NOT IN ('ADOPTED', 'EFFECTIVE', 'OVERTURNED', 'REJECTED'))",
        ),
        check(
            "adds_up",
            "NEW.votes_for IS NULL OR (NEW.votes_for >= 0 AND NEW.votes_against >= 0 AND NEW.votes_abstained >= 0"
            " AND NEW.votes_for + NEW.votes_against + NEW.votes_abstained <= NEW.eligible AND (NEW.method = 'BALLOT'"
            " OR NEW.votes_for + NEW.votes_against + NEW.votes_abstained = NEW.eligible))",
            "HANDS_DO_NOT_ADD_UP",
        ),
        check(
            "outcome_is_computed",
            "NEW.votes_for IS NULL OR NEW.state NOT IN ('ADOPTED', 'EFFECTIVE', 'OVERTURNED', 'REJECTED')"
            f" OR (NEW.state <> 'REJECTED') = ({_FOR_IT})",
            "OUTCOME_IS_COUNTED",
        ),
        refuse(
            "result_stays",
            "UPDATE",
            "OLD.votes_for IS NOT NULL AND (NEW.votes_for <> OLD.votes_for OR NEW.votes_against <> OLD.votes_against"
            " OR NEW.votes_abstained <> OLD.votes_abstained OR NEW.eligible <> OLD.eligible) OR NEW.put_out <> OLD.put_out OR NEW.kept_out <> OLD.kept_out"
            " OR NEW.text <> OLD.text OR NEW.title <> OLD.title"
            " OR NEW.matter <> OLD.matter OR NEW.item_id <> OLD.item_id OR NEW.is_listed <> OLD.is_listed"
            f" OR (OLD.ballot_id IS NOT NULL AND NOT {same('NEW.ballot_id', 'OLD.ballot_id')})",
            "APPEND_ONLY",
        ),
        refuse(
            "decided_once",
            "UPDATE",
            "OLD.state IN ('REJECTED', 'DEFECTIVE', 'OVERTURNED', 'EFFECTIVE', 'CANCELLED')"
            " OR (OLD.state = 'ADOPTED' AND NEW.state NOT IN ('ADOPTED', 'EFFECTIVE', 'OVERTURNED'))"
            " OR (OLD.state = 'VOTING' AND NEW.state IN ('EFFECTIVE', 'OVERTURNED') AND NEW.decided_at IS NULL)",
            "RESOLUTION_STATE",
        ),
        refuse(
            "with_a_quorum",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM councils_meeting m WHERE m.id = NEW.meeting_id AND m.body_id = NEW.body_id"
            " AND m.quorum_met AND m.state = 'OPEN')",
            "NO_QUORUM",
        ),
        refuse(
            "with_a_quorum_in_the_room",
            "INSERT",
            f"{_IN_THE_ROOM} * 100 <= (SELECT m.quorum_percent FROM councils_meeting m WHERE m.id = NEW.meeting_id)"
            " * (SELECT count(*) FROM councils_seat s WHERE s.body_id = NEW.body_id AND s.state = 'FILLED' AND s.is_voting)",
            "NO_QUORUM",
        ),
        check(
            "who_is_out_raises_no_hand",
            "NEW.put_out >= 0 AND NEW.kept_out >= 0 AND (NEW.method = 'BALLOT' OR NEW.votes_for IS NULL"
            " OR NEW.votes_for + NEW.votes_against <= NEW.eligible - NEW.put_out)",
            "HANDS_DO_NOT_ADD_UP",
        ),
        refuse(
            "hands_in_the_room",
            "INSERT",
            f"NEW.method = 'HAND_COUNT' AND NEW.votes_for + NEW.votes_against > {_IN_THE_ROOM}",
            "HANDS_DO_NOT_ADD_UP",
        ),
        refuse(
            "rests_on_no_open_exclusion",
            "INSERT",
            f"NEW.state = 'EFFECTIVE' AND {_RESTS_ON_EXCLUSIONS}",
            "EXCLUSION_NOT_FINAL",
        ),
        refuse(
            "its_exclusions_stand",
            "UPDATE",
            f"NEW.state = 'EFFECTIVE' AND OLD.state <> 'EFFECTIVE' AND {_RESTS_ON_EXCLUSIONS} AND EXISTS (SELECT 1"
            " FROM councils_kept_out k JOIN councils_exclusion x ON x.id = k.exclusion_id WHERE k.resolution_id = NEW.id"
            " AND (x.state IN ('APPEALED', 'OVERTURNED') OR x.state = 'DECLARED' AND x.appeal_until > NEW.effective_at))",
            "EXCLUSION_NOT_FINAL",
        ),
        refuse(
            "of_its_agenda",
            "INSERT",
            "NOT EXISTS (SELECT 1 FROM councils_agenda_item i WHERE i.id = NEW.item_id AND i.meeting_id = NEW.meeting_id)",
            "NOT_ON_THE_AGENDA",
        ),
        refuse(
            "composition",
            "INSERT",
            f"NEW.is_listed AND {out_of_bounds('NEW.body_id')}",
            "COMPOSITION_DEFECT",
        ),
        refuse(
            "composition_at_the_end",
            "UPDATE",
            "NEW.is_listed AND OLD.state = 'VOTING' AND NEW.state IN ('ADOPTED', 'EFFECTIVE')"
            f" AND {out_of_bounds('NEW.body_id')}",
            "COMPOSITION_DEFECT",
        ),
        refuse(
            "advice_is_no_decision",
            "INSERT",
            f"EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.is_advisory AND NOT {_GIVEN})",
            "ADVISORY_BODY",
        ),
        refuse(
            "given_matters",
            "INSERT",
            f"EXISTS (SELECT 1 FROM councils_body b WHERE b.id = NEW.body_id AND b.kind IN ({_GIVEN_KINDS})"
            f" AND NOT {_GIVEN})",
            "MATTER_NOT_GIVEN",
        ),
        refuse("inv10_recorded", "INSERT", concerned("NEW.recorded_by_id", "NEW.item_id"), "OWN_MATTER"),
        refuse(
            "inv10_put_in_effect",
            "UPDATE",
            "NEW.state = 'EFFECTIVE' AND OLD.state = 'ADOPTED' AND EXISTS (SELECT 1 FROM core_event act"
            f" WHERE act.id = NEW.event_id AND {concerned('act.actor_id', 'NEW.item_id')})",
            "OWN_MATTER",
        ),
        check("effective", "(NEW.state = 'EFFECTIVE') = (NEW.effective_at IS NOT NULL)"),
        index("body_id", "put_at"),
        index("area_id", "put_at"),
        index("meeting_id"),
        index("ballot_id"),
        index("notice_id"),
        index("put_at"),
    )

    class Meta:
        table = "councils_resolution"


class Opinion(Logged):
    """What a body advises. It stands in a table of its own, so that it never counts as a decision (M03)."""

    tag: ClassVar[str] = "councils_opinion"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    item: fields.ForeignKeyNullableRelation[AgendaItem] = references("councils.AgendaItem", null=True)
    item_id: UUID | None
    addressed_to: fields.ForeignKeyNullableRelation[Body] = references("councils.Body", null=True)
    addressed_to_id: UUID | None
    title = fields.CharField(max_length=200)
    text = fields.TextField()
    agreeing = fields.IntField(null=True)
    differing = fields.IntField(null=True)
    issued_at = fields.DatetimeField()
    issued_by_id = fields.UUIDField()
    reply = fields.TextField(null=True)
    replied_by_id = fields.UUIDField(null=True)
    replied_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "text", "reply")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("replied", "(NEW.reply IS NULL) = (NEW.replied_at IS NULL)"),
        refuse(
            "stays",
            "UPDATE",
            "NEW.text <> OLD.text OR NEW.title <> OLD.title OR NEW.body_id <> OLD.body_id OR OLD.reply IS NOT NULL",
            "APPEND_ONLY",
        ),
        refuse(
            "answered_by_another",
            "UPDATE",
            "NEW.replied_by_id IS NOT NULL AND NEW.replied_by_id = NEW.issued_by_id",
            "OWN_MATTER",
        ),
        index("body_id", "issued_at"),
        index("issued_at"),
    )

    class Meta:
        table = "councils_opinion"


class Task(Logged):
    """What has to be done after a resolution, or after what another mechanism decided in the body (`decision`), as a core
    activity; reported by whoever does it, confirmed by another."""

    tag: ClassVar[str] = "councils_task"
    called: ClassVar[tuple[str, str]] = ("Tasks after resolutions", "决议任务")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    resolution: fields.ForeignKeyNullableRelation[Resolution] = references("councils.Resolution", null=True)
    resolution_id: UUID | None
    decision_tag = fields.CharField(max_length=41, null=True)
    decision_id = fields.UUIDField(null=True)
    activity: fields.ForeignKeyRelation[Activity] = references("core.Activity")
    activity_id: UUID
    assignee: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    assignee_id: UUID
    title = fields.CharField(max_length=200)
    due_on = fields.DateField()
    state = fields.CharEnumField(TaskState, description="TaskState", max_length=40)
    report = fields.TextField(null=True)
    reported_at = fields.DatetimeField(null=True)
    confirmed_by_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (*impersonal("title", "decision_tag"), personal("report", of="assignee_id"))

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("activity_id", code="INTERNAL"),
        check("confirmed", "(NEW.state = 'CONFIRMED') = (NEW.confirmed_by_id IS NOT NULL)"),
        refuse(
            "inv10",
            "UPDATE",
            "NEW.confirmed_by_id IS NOT NULL AND OLD.confirmed_by_id IS NULL AND NEW.confirmed_by_id = NEW.assignee_id",
            "OWN_MATTER",
        ),
        refuse("done", "UPDATE", f"OLD.state IN ('CONFIRMED', 'CANCELLED') AND NOT {by_event('councils.task.merged')}", "TASK_STATE"),
        refuse(
            "of_what_holds",
            "INSERT",
            "NEW.resolution_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM councils_resolution r"
            " WHERE r.id = NEW.resolution_id AND r.body_id = NEW.body_id AND r.state = 'EFFECTIVE')",
            "NOT_IN_EFFECT",
        ),
        check(
            "after_one_decision",
            "(NEW.resolution_id IS NULL) = (NEW.decision_id IS NOT NULL)"
            " AND (NEW.decision_id IS NULL) = (NEW.decision_tag IS NULL)",
        ),
        index("body_id", "due_on"),
        index("decision_id"),
        index("resolution_id"),
        index("assignee_id", "due_on"),
        index("area_id", "due_on"),
        index("due_on"),
    )  # fmt: skip

    class Meta:
        table = "councils_task"


class Report(Logged):
    """A body's year under the five headings (议事、决策、干事、监督、服务), or what its supervision found."""

    tag: ClassVar[str] = "councils_report"
    called: ClassVar[tuple[str, str]] = ("Reports of bodies", "机构报告")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    body: fields.ForeignKeyRelation[Body] = references("councils.Body")
    body_id: UUID
    kind = fields.CharEnumField(ReportKind, description="ReportKind", max_length=40)
    year = fields.IntField()
    title = fields.CharField(max_length=200)
    supervised: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    supervised_id: UUID | None
    deliberation = fields.TextField(null=True)
    decision = fields.TextField(null=True)
    work = fields.TextField(null=True)
    supervision = fields.TextField(null=True)
    service = fields.TextField(null=True)
    figures = fields.TextField()  # JSON: what the server counted
    filed_by_id = fields.UUIDField()
    filed_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal(
        "title", "deliberation", "decision", "work", "supervision", "service", "figures"
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        check(
            "five_headings",
            "NEW.kind <> 'ANNUAL' OR (NEW.deliberation IS NOT NULL AND NEW.decision IS NOT NULL AND NEW.work IS NOT NULL"
            " AND NEW.supervision IS NOT NULL AND NEW.service IS NOT NULL)",
            "FIVE_HEADINGS",
        ),
        check("supervision", "NEW.kind <> 'SUPERVISION' OR NEW.supervision IS NOT NULL"),
        unique("body_id", "year", where="kind = 'ANNUAL'", code="REPORT_EXISTS"),
        index("body_id", "filed_at"),
        index("supervised_id"),
        index("filed_at"),
    )

    class Meta:
        table = "councils_report"
