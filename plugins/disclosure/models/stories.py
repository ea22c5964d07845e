"""Stories and the people in them, with their consent."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import Guard, append_only, by_event, changed, check, index, refuse, unique
from core.models import Actor, Area, Consent, Logged, references
from core.personal import Keep, Text, impersonal, personal
from plugins.disclosure.terms import StoryAnswer, StoryState

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
