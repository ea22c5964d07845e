"""Notices with their lists, whom they concern, and where they hang on paper."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.access import own_matter
from core.database.guards import Guard, append_only, by_event, changed, check, index, refuse, same, unique
from core.models import Actor, Area, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.disclosure.terms import DayKind, Masking, NoticeState

_IS_SEALED = "OLD.state NOT IN ('DRAFT', 'DISCARDED')"
_IS_OVER = "('DISCARDED', 'CLOSED_CLEAN', 'CLOSED_UPHELD', 'SUPERSEDED')"
RUNNING = "('PUBLISHED', 'OBJECTED', 'RESOLVED')"
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
PUBLISHER_AT_THE_DESK = (
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
            f" OR (OLD.state IN {RUNNING} AND NEW.state IN ('DRAFT', 'DISCARDED', 'PUBLISHED')"
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
