"""Stories and who is in them, as the API shows them, and what can be done about them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from core import models as core
from core.enums import ConsentState
from core.errors import Refusal
from core.ids import from_global, split_global
from core.work import Work
from plugins.disclosure import models, rules
from plugins.disclosure.rules.stories import ANSWER, PUBLISH
from plugins.disclosure.terms import StoryAnswer, StoryState
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, ListOf, RowOf, select
from schema.nodes.privacy import Consent, guards
from schema.nodes.viewing import ViewerFacts


def _people(t: RowOf, more: Any) -> Expr:
    """Is anybody in it of whom `more` holds?"""
    return (
        select(models.StoryPerson)
        .where(lambda p: (p.story_id == t.id) & (p.state != StoryAnswer.LEFT_OUT) & more(p))
        .exists()
    )


def _answers(p: RowOf, v: ViewerFacts) -> Expr:
    """They themselves, or their guardian."""
    return v.acts_as(p.person_id) | guards(p.person_id, v)


def _does_not_consent(p: RowOf) -> Expr:
    given = select(core.Consent).where(lambda c: (c.id == p.consent_id) & (c.state == ConsentState.GIVEN))
    return ~given.exists()


def _story_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Published: everybody, while everybody in it consents. A draft: who is in it. All: who may publish there."""
    public = (t.state == StoryState.PUBLISHED) & ~_people(t, _does_not_consent)
    theirs = (t.state != StoryState.WITHDRAWN) & _people(t, lambda p: _answers(p, v))
    return public | theirs | v.may(PUBLISH, t.area_id)


def _photos(values: dict[str, Any], facts: Any) -> list[str]:
    found: list[str] = json.loads(values["photos"])
    return found


@node(models.Story, scope=_story_scope, order="-published_at")
class DisclosureStory:
    """What is told of an organization, or of what was done, with the consent of everybody in it (宣传稿)."""

    subject: strawberry.ID | None = computed(
        lambda t: GlobalId(t.subject_tag, t.subject_id), filter=True, description="What it is about, if a row (对象)."
    )
    state: StoryState = column()
    title: str = column(description="Its heading (标题).")
    text: str = column(filter=False, description="What it tells (正文).")
    photos: list[str] = python(
        _photos, columns=lambda t: {"photos": t.photos}, settings=False, description="Pictures, by reference (照片)."
    )
    published_at: datetime | None = column(order=True, description="When it was published (刊发时间).")
    withdrawn_at: datetime | None = column(description="When it was taken down (撤下时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    organization: Actor | None = to_one(description="Of which organization it tells (所属组织).")
    people: Connection[DisclosureStoryPerson] = connection(
        "story_id", description="Who is shown or named in it, for themselves and whoever may publish it (当事人)."
    )


def _person_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return _answers(t, v) | v.may(PUBLISH, t.area_id)


@node(models.StoryPerson, scope=_person_scope, order="-asked_at")
class DisclosureStoryPerson:
    """Who is shown or named in a story, and what they say to that (宣传稿当事人)."""

    state: StoryAnswer = column()
    asked_at: datetime = column(order=True, description="When they were asked, anew after each change (征询时间).")
    answered_at: datetime | None = column(description="When they answered (答复时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    story: DisclosureStory | None = to_one()
    person: Actor = to_one(description="Who (当事人).")
    consent: Consent | None = to_one(description="Their consent, as it is kept (同意记录).")


@extend(Query)
class StoryQuery:
    disclosure_story: DisclosureStory | None = one("id", description="A story (宣传稿).")
    disclosure_stories: Connection[DisclosureStory] = every(
        description="Stories, the latest first; drafts for who is in them and who may publish them (宣传稿列表)."
    )
    disclosure_story_people: Connection[DisclosureStoryPerson] = every(
        description="Who is in stories: oneself, and for the desk those of its area (宣传稿当事人列表)."
    )


@extend(Area)
class AreaStories:
    disclosure_stories: Connection[DisclosureStory] = connection("area_id", description="Stories here (本区域宣传稿).")


@extend(Actor)
class ActorStories:
    disclosure_stories: Connection[DisclosureStory] = connection(
        "organization_id", description="Stories of this organization (该组织宣传稿)."
    )


# --- what can be done ------------------------------------------------------------------------------------

STORY = Subject(DisclosureStory, "story_id")
WHO_IS_IN_IT = Subject(
    DisclosureStory,
    "story_id",
    lambda t: [
        ListOf(
            models.StoryPerson,
            lambda p: (p.story_id == t.id) & ~(p.state == StoryAnswer.LEFT_OUT),
            "person_id",
            "person_id",
        )
    ],
)
_PEOPLE = "Everybody who is shown or named in it; at most 50 (涉及的个人)."
_PHOTOS = "Pictures, by reference; at most ten (照片)."


def _ids(values: list[strawberry.ID]) -> list[UUID]:
    return [from_global(value, "actor", "personIds", str(number)) for number, value in enumerate(values)]


@strawberry.input(description="Write a story (拟定宣传稿).")
class DisclosureDraftStoryInput(MutationInput):
    area_id: strawberry.ID
    title: str
    text: str
    photos: list[str] = strawberry.field(default_factory=list, description=_PHOTOS)
    person_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description=_PEOPLE)
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of which organization it tells; it goes into its yearly file (所属组织)."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        default=None, description="What it is about, of any type, in the area or below (对象)."
    )


@mutation(PUBLISH, on=Subject(Area, "area_id"), story=DisclosureStory)
async def disclosure_draft_story(work: Work, input: DisclosureDraftStoryInput) -> Result:
    """Write a story, and ask everybody who is in it; nobody else sees it before it is published (拟定宣传稿)."""
    organization = input.organization_id
    story = await rules.draft_story(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        text=input.text,
        photos=input.photos,
        person_ids=_ids(input.person_ids),
        organization_id=None if organization is None else from_global(organization, "actor", "organizationId"),
        subject=None if input.subject_id is None else split_global(input.subject_id),
    )
    return {"story": story}


@strawberry.input
class DisclosureStoryInput(ChangeInput):
    story_id: strawberry.ID


def _story(input: DisclosureStoryInput) -> UUID:
    return from_global(input.story_id, "disclosure_story", "storyId")


@strawberry.input
class DisclosureEditStoryInput(DisclosureStoryInput):
    """What is left out stays as it is."""

    title: str | None = None
    text: str | None = None
    photos: list[str] | None = strawberry.field(default=None, description=_PHOTOS)
    person_ids: list[strawberry.ID] | None = strawberry.field(default=None, description=_PEOPLE)


@mutation(PUBLISH, on=STORY, story=DisclosureStory)
async def disclosure_edit_story(work: Work, input: DisclosureEditStoryInput) -> Result:
    """Change a draft; everybody who is in it is asked anew (修改宣传稿)."""
    story = await rules.edit_story(
        work, story_id=_story(input), title=input.title, text=input.text, photos=input.photos,
        person_ids=None if input.person_ids is None else _ids(input.person_ids),
    )  # fmt: skip
    return {"story": story}


@strawberry.input
class DisclosureAnswerStoryInput(DisclosureStoryInput):
    consent: bool = strawberry.field(
        description="Do they agree that it is published as it stands? A no takes a published one down (是否同意刊发)."
    )


@mutation(ANSWER, "core.consent.record", on=WHO_IS_IN_IT, answer=DisclosureStoryPerson)
async def disclosure_answer_story(work: Work, input: DisclosureAnswerStoryInput) -> Result:
    """Consent to a story one is in as it was read (`expectedVersion`), refuse, or take it back (答复宣传稿)."""
    if input.consent and input.expected_version is None:
        raise Refusal("VERSION_NEEDED", path=("expectedVersion",))
    return {"answer": await rules.answer_story(work, story_id=_story(input), consents=input.consent)}


@strawberry.input
class DisclosurePublishStoryInput(DisclosureStoryInput):
    pass


@mutation(PUBLISH, on=STORY, story=DisclosureStory)
async def disclosure_publish_story(work: Work, input: DisclosurePublishStoryInput) -> Result:
    """Publish a story to which everybody in it has consented (刊发宣传稿)."""
    return {"story": await rules.publish_story(work, story_id=_story(input))}


@strawberry.input
class DisclosureWithdrawStoryInput(DisclosureStoryInput):
    reason: str


@mutation(PUBLISH, on=STORY, story=DisclosureStory)
async def disclosure_withdraw_story(work: Work, input: DisclosureWithdrawStoryInput) -> Result:
    """Take a published story down, or give a draft up (撤下宣传稿)."""
    return {"story": await rules.withdraw_story(work, story_id=_story(input), reason=input.reason)}
