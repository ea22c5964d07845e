"""Notices with the people and things they name or concern, objections, postings, the chain of records that seals it, and
stories, which nothing seals."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import entered_by, own_matter
from core.database.guards import Guard, Refuse, append_only, by_event, changed, check, index, refuse, same, unique
from core.models import Actor, Area, Consent, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.disclosure.terms import (
    DayKind,
    Heading,
    Masking,
    NoticeState,
    ObjectionState,
    RecordKind,
    StoryAnswer,
    StoryState,
)


def _by_others(name: str, column: str, own: str, code: str = "OWN_MATTER") -> tuple[Refuse, Refuse]:
    """INV10 for a column that names who decided: checked when it is written, not again when the row changes later."""
    new, old = f"NEW.{column}", f"OLD.{column}"
    return (
        refuse(f"{name}_new", "INSERT", f"{new} IS NOT NULL AND {own}", code),
        refuse(name, "UPDATE", f"{new} IS NOT NULL AND ({old} IS NULL OR {new} <> {old}) AND {own}", code),
    )


_IS_SEALED = "OLD.state NOT IN ('DRAFT', 'DISCARDED')"
_IS_OVER = "('DISCARDED', 'CLOSED_CLEAN', 'CLOSED_UPHELD', 'SUPERSEDED')"
_RUNNING = "('PUBLISHED', 'OBJECTED', 'RESOLVED')"
_ABOUT = "(t.organization_id IN ({ids}) OR (t.subject_tag = 'actor' AND t.subject_id IN ({ids})))"


def whom(notice: str) -> str:
    """SQL: whose own matter a notice is: its organization, its subject, whom it lists, and whom it concerns besides (INV10).
    `notice`, an id, stands in it four times."""
    return (
        f"SELECT x.organization_id AS id FROM disclosure_notice x WHERE x.id = {notice}"
        f" UNION SELECT x.subject_id FROM disclosure_notice x WHERE x.id = {notice} AND x.subject_tag = 'actor'"
        f" UNION SELECT x.actor_id FROM disclosure_item x WHERE x.notice_id = {notice}"
        f" UNION SELECT x.actor_id FROM disclosure_concerned x WHERE x.notice_id = {notice}"
    )


# SQL: who enters this at the desk for somebody else published the notice, or it is their own matter (INV10).
_PUBLISHER_AT_THE_DESK = (
    "EXISTS (SELECT 1 FROM core_event z WHERE z.id = NEW.event_id AND z.behalf_of_id IS NOT NULL AND (EXISTS (SELECT 1"
    " FROM disclosure_notice n WHERE n.id = NEW.notice_id AND n.published_by_id = z.actor_id) OR EXISTS (SELECT 1"
    f" FROM ({whom('NEW.notice_id')}) y WHERE {own_matter('z.actor_id', 'y.id')})))"
)


def _objections(states: str) -> str:
    return f"EXISTS (SELECT 1 FROM disclosure_objection o WHERE o.notice_id = NEW.id AND o.state IN ({states}))"


# SQL: what a correction has in common with the notice whose place it takes; a decision announced anew counts by itself.
_OTHER_MATTER = (
    "NEW.supersedes_id IS NOT NULL AND EXISTS (SELECT 1 FROM disclosure_notice b WHERE b.id = NEW.supersedes_id AND NOT ("
    + " AND ".join(same(f"NEW.{c}", f"b.{c}") for c in ("kind", "subject_tag", "subject_id", "organization_id"))
    + f" AND ({same('NEW.announced_id', 'b.announced_id')} OR {same('NEW.announced_id', 'NEW.id')})))"
)
_UNSETTLED = _objections("'OPEN', 'UPHELD'")
_UNANSWERED = _objections("'OPEN'")


class Notice(Logged):
    """What is made public about a matter, for how long; from its publication on it is sealed (INV9)."""

    tag: ClassVar[str] = "disclosure_notice"
    called: ClassVar[tuple[str, str]] = ("Notices about them", "与本人有关的公示")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    kind = fields.CharField(max_length=60)
    subject_tag = fields.CharField(max_length=60, null=True)
    subject_id = fields.UUIDField(null=True)
    organization: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    organization_id: UUID | None
    state = fields.CharEnumField(NoticeState, description="NoticeState", max_length=40)
    masking = fields.CharEnumField(Masking, description="Masking", max_length=40)
    title = fields.CharField(max_length=200)
    title_salt = fields.CharField(max_length=64, null=True)
    body = fields.TextField()
    body_salt = fields.CharField(max_length=64, null=True)
    days = fields.IntField()
    day_kind = fields.CharEnumField(DayKind, description="DayKind", max_length=40)
    from_day = fields.DateField(null=True)
    last_day = fields.DateField(null=True)
    last_day_is_known = fields.BooleanField(default=True)
    published_at = fields.DatetimeField(null=True)
    published_by: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    published_by_id: UUID | None
    supersedes: fields.ForeignKeyNullableRelation[Notice] = references("disclosure.Notice", null=True)
    supersedes_id: UUID | None
    hash = fields.CharField(max_length=64, null=True)
    closed_on = fields.DateField(null=True)
    announced_id = fields.UUIDField(null=True)  # what the decision gate announced: itself, or what it corrects

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("kind", "subject_tag", "hash"),
        personal("title", of=_ABOUT),
        personal("title_salt", of=_ABOUT),
        personal("body", of=_ABOUT),
        personal("body_salt", of=_ABOUT),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("title_not_empty", "length(NEW.title) > 0"),
        check("days", "NEW.days BETWEEN 1 AND 366"),
        check("subject", "(NEW.subject_tag IS NULL) = (NEW.subject_id IS NULL)"),
        check(
            "sealed_when_public",
            "NEW.state IN ('DRAFT', 'DISCARDED') OR (NEW.hash IS NOT NULL AND NEW.from_day IS NOT NULL"
            " AND NEW.last_day IS NOT NULL AND NEW.last_day > NEW.from_day AND NEW.published_at IS NOT NULL)",
        ),
        check(
            "closed",
            "NEW.state NOT IN ('CLOSED_CLEAN', 'CLOSED_UPHELD') OR NEW.closed_on > NEW.last_day",
            "WINDOW_RUNS",
        ),
        refuse(
            "inv9_sealed",
            "UPDATE",
            f"{_IS_SEALED} AND {changed('title', 'title_salt', 'body', 'body_salt', 'kind', 'masking', 'hash')}",
            "SEALED",
        ),
        refuse(
            "inv9_sealed_facts",
            "UPDATE",
            f"{_IS_SEALED} AND {changed('area_id', 'from_day', 'published_at', 'supersedes_id', 'day_kind')}",
            "SEALED",
        ),
        refuse(
            "inv9_sealed_about",
            "UPDATE",
            f"{_IS_SEALED} AND {changed('subject_tag', 'subject_id', 'organization_id', 'published_by_id')}"
            f" AND NOT {by_event('disclosure.notice.merged')}",
            "SEALED",
        ),
        refuse(
            "inv9_never_shorter",
            "UPDATE",
            f"{_IS_SEALED} AND (NEW.last_day < OLD.last_day OR NEW.days < OLD.days)",
            "WINDOW_SHORTENED",
        ),
        refuse(
            "inv9_never_shorter_anew",
            "INSERT OR UPDATE",
            "NEW.supersedes_id IS NOT NULL AND NEW.last_day IS NOT NULL AND EXISTS (SELECT 1 FROM disclosure_notice b"
            " WHERE b.id = NEW.supersedes_id AND (b.last_day IS NULL OR b.last_day > NEW.last_day"
            " OR b.area_id <> NEW.area_id))",
            "WINDOW_SHORTENED",
        ),
        refuse("inv9_same_matter_new", "INSERT", _OTHER_MATTER, "OTHER_MATTER"),
        refuse(
            "inv9_same_matter",
            "UPDATE",
            f"{changed('kind', 'subject_tag', 'subject_id', 'organization_id', 'supersedes_id')}"
            f" AND NOT {by_event('disclosure.notice.merged')} AND {_OTHER_MATTER}",
            "OTHER_MATTER",
        ),
        refuse(
            "announced_by_the_gate",
            "INSERT",
            "NEW.announced_id IS NOT NULL AND NEW.announced_id <> NEW.id AND NEW.supersedes_id IS NULL",
            "OTHER_MATTER",
        ),
        refuse("announced_stays", "UPDATE", changed("announced_id"), "SEALED"),
        refuse(
            "inv9_clean_end",
            "INSERT OR UPDATE",
            f"NEW.state = 'CLOSED_CLEAN' AND {_UNSETTLED}",
            "OPEN_OBJECTIONS",
        ),
        refuse(
            "inv9_end",
            "INSERT OR UPDATE",
            f"NEW.state IN ('CLOSED_UPHELD', 'SUPERSEDED') AND {_UNANSWERED}",
            "OPEN_OBJECTIONS",
        ),
        refuse(
            "inv9_no_way_back",
            "UPDATE",
            f"NEW.state <> OLD.state AND ((OLD.state IN {_IS_OVER}"
            " AND (NEW.state <> 'SUPERSEDED' OR OLD.state NOT IN ('CLOSED_CLEAN', 'CLOSED_UPHELD')))"
            f" OR (OLD.state = 'DRAFT' AND NEW.state NOT IN ('PUBLISHED', 'DISCARDED'))"
            f" OR (OLD.state IN {_RUNNING} AND NEW.state IN ('DRAFT', 'DISCARDED', 'PUBLISHED')"
            " AND NOT (OLD.state = 'OBJECTED' AND NEW.state = 'PUBLISHED')))",
            "NOTICE_STATE",
        ),
        refuse(
            "inv9_superseded_by_one",
            "UPDATE",
            "NEW.state = 'SUPERSEDED' AND OLD.state <> 'SUPERSEDED' AND NOT EXISTS (SELECT 1 FROM disclosure_notice b"
            " WHERE b.supersedes_id = NEW.id AND b.state <> 'DISCARDED')",
            "NOTICE_STATE",
        ),
        unique("supersedes_id", where="supersedes_id IS NOT NULL AND state <> 'DISCARDED'", code="ALREADY_SUPERSEDED"),
        unique("hash", where="hash IS NOT NULL", code="INTERNAL"),
        index("area_id", "published_at"),
        index("subject_id"),
        index("supersedes_id"),
        index("organization_id", "from_day"),
        index("published_at"),
        index("last_day"),
        index("hash"),
    )

    class Meta:
        table = "disclosure_notice"


class Item(Logged):
    """Somebody or something that a notice names: a line of its list. Gone when they are erased; the rest stays."""

    tag: ClassVar[str] = "disclosure_item"
    called: ClassVar[tuple[str, str]] = ("Lines of notices", "公示名单项")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    position = fields.IntField()
    actor: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    actor_id: UUID | None
    text = fields.TextField()
    salt = fields.CharField(max_length=64, null=True)
    sealed_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = (
        personal("text", of="actor_id", keep=Keep("sealed_at", "case_text_days")),
        personal("salt", of="actor_id", keep=Keep("sealed_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"{changed('notice_id', 'area_id', 'position', 'text', 'salt', 'sealed_at')}"
            f" OR ({changed('actor_id')} AND NOT {by_event('disclosure.notice.merged')})",
            "SEALED",
        ),
        unique("notice_id", "position", code="SEALED"),
        index("actor_id"),
    )

    class Meta:
        table = "disclosure_item"


class Concerned(Logged):
    """Whose own matter a notice is besides, as whoever announced it says: whom a resolution is about, who stands. No type
    shows it, for the notice itself may name nobody."""

    tag: ClassVar[str] = "disclosure_concerned"
    called: ClassVar[tuple[str, str]] = ("Notices that concern them", "事关本人的公示")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"{changed('notice_id', 'area_id')} OR ({changed('actor_id')} AND NOT {by_event('disclosure.notice.merged')})",
            "SEALED",
        ),
        index("notice_id"),
        index("actor_id"),
    )

    class Meta:
        table = "disclosure_concerned"


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
            f"NOT EXISTS (SELECT 1 FROM disclosure_notice n WHERE n.id = NEW.notice_id AND n.state IN {_RUNNING})",
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
        refuse("inv10_at_the_desk_new", "INSERT", _PUBLISHER_AT_THE_DESK, "OWN_MATTER"),
        refuse("inv10_at_the_desk", "UPDATE", f"NEW.state = 'WITHDRAWN' AND {_PUBLISHER_AT_THE_DESK}", "OWN_MATTER"),
        check(
            "answered",
            "(NEW.state IN ('REJECTED', 'UPHELD')) = (NEW.answered_by_id IS NOT NULL) AND"
            " (NEW.answered_by_id IS NULL) = (NEW.answered_at IS NULL)",
        ),
        *_by_others("inv10_answer", "answered_by_id", own_matter("NEW.answered_by_id", "NEW.by_id")),
        *_by_others(
            "inv10_publisher",
            "answered_by_id",
            "EXISTS (SELECT 1 FROM disclosure_notice n WHERE n.id = NEW.notice_id"
            " AND n.published_by_id = NEW.answered_by_id)",
        ),
        *_by_others(
            "inv10_concerned",
            "answered_by_id",
            f"EXISTS (SELECT 1 FROM ({whom('NEW.notice_id')}) y WHERE {own_matter('NEW.answered_by_id', 'y.id')})",
        ),
        *_by_others(
            "inv10_entered", "answered_by_id", entered_by("NEW.answered_by_id", "NEW.id"), code="ENTERED_BY_YOU"
        ),
        index("notice_id", "filed_at"),
        index("by_id", "filed_at"),
        index("filed_at"),
        index("answer_by"),
    )

    class Meta:
        table = "disclosure_objection"


class Posting(Logged):
    """Where a notice was put up on paper, and what shows it (张贴凭据); never edited."""

    tag: ClassVar[str] = "disclosure_posting"
    called: ClassVar[tuple[str, str]] = ("Notices put up on paper", "张贴的公示")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    place = fields.CharField(max_length=200)
    evidence = fields.TextField(default="[]")  # a JSON list of texts
    salt = fields.CharField(max_length=64)
    posted_at = fields.DatetimeField()
    posted_by: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    posted_by_id: UUID

    texts: ClassVar[tuple[Text, ...]] = impersonal("place", "evidence", "salt")

    guards: ClassVar[tuple[Guard, ...]] = (*append_only(), index("notice_id", "posted_at"), index("posted_at"))

    class Meta:
        table = "disclosure_posting"


class Record(Logged):
    """A link of an area's chain: what happened to a notice, in canonical JSON, under its SHA-256 (`seal.py`)."""

    tag: ClassVar[str] = "disclosure_record"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    notice: fields.ForeignKeyRelation[Notice] = references("disclosure.Notice")
    notice_id: UUID
    objection: fields.ForeignKeyNullableRelation[Objection] = references("disclosure.Objection", null=True)
    objection_id: UUID | None
    posting: fields.ForeignKeyNullableRelation[Posting] = references("disclosure.Posting", null=True)
    posting_id: UUID | None
    seq = fields.IntField()
    kind = fields.CharEnumField(RecordKind, description="RecordKind", max_length=40)
    prev_hash = fields.CharField(max_length=64)
    hash = fields.CharField(max_length=64)
    body = fields.TextField()
    sealed_at = fields.DatetimeField()

    about: ClassVar[tuple[str, ...]] = ()
    texts: ClassVar[tuple[Text, ...]] = impersonal("prev_hash", "hash", "body")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only(),
        unique("area_id", "seq", code="CHAIN_BROKEN"),
        unique("hash", code="CHAIN_BROKEN"),
        check("shape_of_hash", "length(NEW.hash) = 64 AND length(NEW.prev_hash) = 64 AND NEW.seq >= 1"),
        refuse(
            "follows",
            "INSERT",
            "NOT (NEW.seq = 1 AND NEW.prev_hash = '" + "0" * 64 + "') AND NOT EXISTS (SELECT 1 FROM disclosure_record b"
            " WHERE b.area_id = NEW.area_id AND b.seq = NEW.seq - 1 AND b.hash = NEW.prev_hash"
            " AND b.sealed_at <= NEW.sealed_at)",
            "CHAIN_BROKEN",
        ),
        index("notice_id", "seq"),
    )

    class Meta:
        table = "disclosure_record"


class RestDays(Logged):
    """The arrangement of rest days of a year (节假日安排) that did not come with the server, for an area and below."""

    tag: ClassVar[str] = "disclosure_rest_days"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    year = fields.IntField()
    rest = fields.TextField()  # JSON lists of days, or spans of days
    work = fields.TextField()
    source = fields.CharField(max_length=200)

    texts: ClassVar[tuple[Text, ...]] = impersonal("rest", "work", "source")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("year", "NEW.year BETWEEN 2000 AND 2200"),
        unique("area_id", "year", code="YEAR_SET"),
        refuse("stays", "UPDATE", changed("area_id", "year"), "APPEND_ONLY"),
        index("year"),
    )

    class Meta:
        table = "disclosure_rest_days"


class FileEntry(Logged):
    """Something that belongs into the yearly file of an organization (年度档案): an event about it, by its type and day."""

    tag: ClassVar[str] = "disclosure_file_entry"
    called: ClassVar[tuple[str, str]] = ("Lines of yearly files", "年度档案条目")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    organization: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    organization_id: UUID
    year = fields.IntField()
    heading = fields.CharEnumField(Heading, description="Heading", max_length=40)
    type = fields.CharField(max_length=120)
    source_id = fields.UUIDField()  # the event
    subject_tag = fields.CharField(max_length=60)
    subject_id = fields.UUIDField()
    amount = fields.BigIntField(null=True)
    occurred_at = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("type", "subject_tag")

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        refuse(
            "stays",
            "UPDATE",
            f"{changed('year', 'heading', 'type', 'source_id', 'subject_id', 'amount', 'occurred_at')}"
            f" OR ({changed('organization_id')} AND NOT {by_event('disclosure.notice.merged')})",
            "APPEND_ONLY",
        ),
        unique("source_id", "organization_id", code="FILED_ALREADY"),
        index("organization_id", "occurred_at"),
        index("occurred_at"),
    )

    class Meta:
        table = "disclosure_file_entry"


_SHOWN = (
    "t.id IN (SELECT p.story_id FROM disclosure_story_person p WHERE p.state <> 'LEFT_OUT' AND p.person_id IN ({ids}))"
)
_UNASKED = (
    "EXISTS (SELECT 1 FROM disclosure_story_person p LEFT JOIN core_consent c ON c.id = p.consent_id"
    " AND c.person_id = p.person_id AND c.state = 'GIVEN'"
    " WHERE p.story_id = NEW.id AND p.state <> 'LEFT_OUT' AND c.id IS NULL)"
)


class Story(Logged):
    """What is told of an organization or of what was done, with pictures (宣传); published while everybody in it agrees."""

    tag: ClassVar[str] = "disclosure_story"
    called: ClassVar[tuple[str, str]] = ("Stories about them", "与本人有关的宣传稿")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    organization: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    organization_id: UUID | None
    subject_tag = fields.CharField(max_length=60, null=True)
    subject_id = fields.UUIDField(null=True)
    state = fields.CharEnumField(StoryState, description="StoryState", max_length=40)
    title = fields.CharField(max_length=200)
    text = fields.TextField()
    photos = fields.TextField(default="[]")  # a JSON list of texts
    published_at = fields.DatetimeField(null=True)
    withdrawn_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("subject_tag"),
        personal("title", of=_SHOWN, keep=Keep("withdrawn_at", "case_text_days")),
        personal("text", of=_SHOWN, keep=Keep("withdrawn_at", "case_text_days")),
        personal("photos", of=_SHOWN, erased="[]", keep=Keep("withdrawn_at", "case_text_days")),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        check("title_not_empty", "length(NEW.title) > 0"),
        check("subject", "(NEW.subject_tag IS NULL) = (NEW.subject_id IS NULL)"),
        check("published", "NEW.state <> 'PUBLISHED' OR NEW.published_at IS NOT NULL"),
        check("withdrawn", "(NEW.state = 'WITHDRAWN') = (NEW.withdrawn_at IS NOT NULL)"),
        refuse("begins_as_a_draft", "INSERT", "NEW.state <> 'DRAFT'", "STORY_STATE"),
        refuse(
            "no_way_back",
            "UPDATE",
            "NEW.state <> OLD.state AND (OLD.state = 'WITHDRAWN' OR NEW.state = 'DRAFT')",
            "STORY_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"{changed('area_id')} OR (OLD.state <> 'DRAFT' AND {changed('title', 'text', 'photos', 'published_at')})"
            f" OR (OLD.state <> 'DRAFT' AND {changed('organization_id', 'subject_tag', 'subject_id')}"
            f" AND NOT {by_event('disclosure.story.merged')})",
            "STORY_STATE",
        ),
        refuse(
            "all_consent", "UPDATE", f"NEW.state = 'PUBLISHED' AND OLD.state <> 'PUBLISHED' AND {_UNASKED}", "NOT_ALL_CONSENT"
        ),
        refuse(
            "asks_anew",
            "UPDATE",
            f"OLD.state = 'DRAFT' AND {changed('title', 'text', 'photos')} AND EXISTS (SELECT 1 FROM disclosure_story_person p"
            " WHERE p.story_id = NEW.id AND p.state = 'CONSENTED')",
            "NOT_ALL_CONSENT",
        ),
        index("area_id", "published_at"),
        index("organization_id", "published_at"),
        index("published_at"),
        index("state"),
    )  # fmt: skip

    class Meta:
        table = "disclosure_story"


class StoryPerson(Logged):
    """Who is shown or named in a story, and whether they agree to it: their consent as core keeps it, to this story alone."""

    tag: ClassVar[str] = "disclosure_story_person"
    called: ClassVar[tuple[str, str]] = ("Stories that show or name them", "涉及本人的宣传稿")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    story: fields.ForeignKeyRelation[Story] = references("disclosure.Story")
    story_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    state = fields.CharEnumField(StoryAnswer, description="StoryAnswer", max_length=40)
    consent: fields.ForeignKeyNullableRelation[Consent] = references("core.Consent", null=True)
    consent_id: UUID | None
    asked_at = fields.DatetimeField()
    answered_at = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        *append_only()[1:],
        unique("story_id", "person_id", code="BOTH_IN_STORY"),
        unique("consent_id", where="consent_id IS NOT NULL", code="NOT_ALL_CONSENT"),
        check("consented", "(NEW.state = 'CONSENTED') = (NEW.consent_id IS NOT NULL)"),
        check("answered", "(NEW.state IN ('CONSENTED', 'REFUSED')) = (NEW.answered_at IS NOT NULL)"),
        refuse(
            "of_a_draft",
            "INSERT",
            "NEW.state <> 'ASKED' OR NOT EXISTS"
            " (SELECT 1 FROM disclosure_story s WHERE s.id = NEW.story_id AND s.state = 'DRAFT')",
            "STORY_STATE",
        ),
        refuse(
            "stays",
            "UPDATE",
            f"{changed('story_id', 'area_id')} OR ({changed('person_id')} AND NOT {by_event('disclosure.story.merged_in_confidence')})",
            "STORY_STATE",
        ),
        refuse(
            "while_published",
            "UPDATE",
            f"{changed('state', 'consent_id')} AND NOT {by_event('disclosure.story.merged_in_confidence')} AND EXISTS"
            " (SELECT 1 FROM disclosure_story s WHERE s.id = NEW.story_id AND s.state = 'PUBLISHED')",
            "NOT_ALL_CONSENT",
        ),
        refuse(
            "their_own_consent",
            "UPDATE",
            f"NEW.consent_id IS NOT NULL AND {changed('consent_id')} AND NOT EXISTS (SELECT 1 FROM core_consent c"
            " WHERE c.id = NEW.consent_id AND c.person_id = NEW.person_id AND c.state = 'GIVEN')",
            "NOT_ALL_CONSENT",
        ),
        index("person_id", "asked_at"),
        index("asked_at"),
    )

    class Meta:
        table = "disclosure_story_person"
