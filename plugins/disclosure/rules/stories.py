"""Stories (宣传): published once everybody who is shown or named in one has consented to it, and down as soon as one has not.

The consents are core's own (`core.models.Consent`), each to one story. An edited draft asks anew; with the text they were
given to, consents end. A story's row is locked first, then who is in it, then their consents.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.enums import ActorKind, BehalfBasis, ConsentBasis, ConsentState
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id, to_global
from core.models import Actor, Area, Consent
from core.rules import people
from core.rules.inputs import clean_name, clean_text, evidence_text, needed
from core.settings.store import as_uuid
from core.work import Work
from plugins.disclosure.models import Story, StoryPerson
from plugins.disclosure.rules.common import TEXT
from plugins.disclosure.rules.notices import lies_here, organization
from plugins.disclosure.terms import StoryAnswer, StoryState

PUBLISH, ANSWER = "disclosure.story.publish", "disclosure.story.answer"
PEOPLE = 50
_BASES = {
    None: ConsentBasis.ONLINE,
    BehalfBasis.IN_PERSON: ConsentBasis.IN_PERSON,
    BehalfBasis.WRITTEN: ConsentBasis.WRITTEN,
    BehalfBasis.GUARDIAN: ConsentBasis.GUARDIAN,
}


async def draft_story(
    work: Work,
    *,
    area_id: UUID,
    title: str,
    text: str,
    photos: Sequence[str] = (),
    person_ids: Sequence[UUID] = (),
    organization_id: UUID | None = None,
    subject: tuple[str, UUID] | None = None,
) -> Story:
    """Write a story; who is in it is asked, and a person it is about is in it. Refuses PEOPLE_HAVE_NO_FILE,
    SUBJECT_ELSEWHERE, NOT_A_PERSON, TOO_MANY_PEOPLE, TOO_MUCH_EVIDENCE."""
    area = await work.get(Area, area_id)
    work.require(PUBLISH, area)
    if organization_id is not None:
        await organization(work, organization_id)
    if subject is not None:
        await lies_here(work, subject, area_id)
    asked = await _people(work, person_ids, subject)
    story = work.add(
        Story(
            id=new_id(),
            area_id=area_id,
            organization_id=organization_id,
            subject_tag=subject[0] if subject else None,
            subject_id=subject[1] if subject else None,
            state=StoryState.DRAFT,
            title=clean_name(title, "title"),
            text=clean_text(text, "text", limit=TEXT),
            photos=evidence_text(photos, "photos"),
        )
    )
    for person_id in asked:
        _ask(work, story, person_id)
    work.record("disclosure.story.drafted", story, area_id=area_id)
    return story


async def _people(work: Work, person_ids: Sequence[UUID], subject: tuple[str, UUID] | None) -> list[UUID]:
    """Who is in a story, each once; refuses NOT_FOUND, NOT_A_PERSON, TOO_MANY_PEOPLE."""
    if len(person_ids) > PEOPLE:
        raise Refusal("TOO_MANY_PEOPLE", path=("personIds",), limit=PEOPLE)
    found = dict[UUID, None]()
    for number, id in enumerate(person_ids):
        actor = await work.get(Actor, id)
        if actor.kind is not ActorKind.PERSON:
            raise Refusal("NOT_A_PERSON", path=("personIds", str(number)))
        found[actor.id] = None
    if subject is not None and subject[0] == Actor.tag:
        actor = await work.get(Actor, subject[1])
        if actor.kind is ActorKind.HOUSEHOLD:
            raise Refusal("NOT_A_PERSON", path=("subjectId",))
        if actor.kind is ActorKind.PERSON:
            found[actor.id] = None
    return list(found)


def _ask(work: Work, story: Story, person_id: UUID) -> None:
    work.add(
        StoryPerson(
            id=new_id(), area_id=story.area_id, story_id=story.id, person_id=person_id, state=StoryAnswer.ASKED,
            asked_at=work.now,
        )
    )  # fmt: skip


async def edit_story(
    work: Work,
    *,
    story_id: UUID,
    title: str | None = None,
    text: str | None = None,
    photos: Sequence[str] | None = None,
    person_ids: Sequence[UUID] | None = None,
) -> Story:
    """Change a draft, and ask anew whoever is in it; what is left out stays. Refuses STORY_STATE, and as `draft_story`."""
    story = await _locked(work, story_id, StoryState.DRAFT)
    values = {
        **({} if title is None else {"title": clean_name(title, "title")}),
        **({} if text is None else {"text": clean_text(text, "text", limit=TEXT)}),
        **({} if photos is None else {"photos": evidence_text(photos, "photos")}),
    }
    rows = await work.select(StoryPerson, lock=True, story_id=story.id)
    subject = (story.subject_tag, story.subject_id) if story.subject_tag and story.subject_id else None
    if person_ids is None:
        asked = [row.person_id for row in rows if row.state is not StoryAnswer.LEFT_OUT]
    else:
        asked = await _people(work, person_ids, subject)
    await _end_consents(work, rows)
    for row in rows:
        state = StoryAnswer.ASKED if row.person_id in asked else StoryAnswer.LEFT_OUT
        work.change(row, state=state, consent_id=None, answered_at=None, asked_at=work.now)
    for person_id in asked:
        if all(row.person_id != person_id for row in rows):
            _ask(work, story, person_id)
    work.change(story, **values)
    work.record("disclosure.story.edited", story, area_id=story.area_id)
    return story


async def answer_story(work: Work, *, story_id: UUID, consents: bool) -> StoryPerson:
    """Whoever is in it agrees that this story is published as they read it (`expectedVersion`), or does not: themselves, or
    at the desk with evidence. A no to one that is published takes it down. Refuses NOT_A_PARTY, ALREADY_ANSWERED,
    STORY_STATE, CONSENT_BASIS (a telephone call is not enough to agree)."""
    story = await work.lock(Story, story_id)
    people = await work.select(StoryPerson, story_id=story.id)
    work.require(ANSWER, story, owners=[p.person_id for p in people if p.state is not StoryAnswer.LEFT_OUT])
    work.expect_version(story)
    found = await work.select(StoryPerson, lock=True, story_id=story.id, person_id=work.principal_id)
    if not found or found[0].state is StoryAnswer.LEFT_OUT:
        raise Refusal("NOT_A_PARTY")
    row, state = found[0], StoryAnswer.CONSENTED if consents else StoryAnswer.REFUSED
    if story.state is StoryState.WITHDRAWN:
        raise Refusal("STORY_STATE", state=story.state)
    taken_back = story.state is StoryState.DRAFT and consents and not await _given(work, [row])
    if row.state is state and not taken_back:
        raise Refusal("ALREADY_ANSWERED", state=state)
    if story.state is StoryState.PUBLISHED:
        await _take_down(work, story)
    consent = await _consent(work, story, row) if consents else None
    if not consents:
        await _end_consents(work, [row])
    work.change(row, state=state, consent_id=consent.id if consent else None, answered_at=work.now)
    work.record("disclosure.story.answered_in_confidence", row, area_id=story.area_id)
    return row


async def _consent(work: Work, story: Story, row: StoryPerson) -> Consent:
    """Their consent to this story as core keeps it; what they agreed to before says nothing of it."""
    basis = _BASES.get(work.acting.basis)
    if basis is None:
        raise Refusal("CONSENT_BASIS", path=("onBehalfOf", "basis"))
    given = await people.give_consent(
        work, person_id=row.person_id, purpose=f"刊发宣传稿({to_global(story.tag, story.id)})", basis=basis,
        evidence=work.acting.evidence or None, at=story,
    )  # fmt: skip
    work.require(ANSWER, story)  # the consent rested on another permission
    return given


async def _given(work: Work, rows: Sequence[StoryPerson]) -> set[UUID]:
    """Their consents that still hold: in core one is taken back without asking here."""
    ids = [row.consent_id for row in rows if row.consent_id is not None]
    return {c.id for c in await work.select(Consent, lock=True, id=ids) if c.state is ConsentState.GIVEN}


async def publish_story(work: Work, *, story_id: UUID) -> Story:
    """Make a draft public. Refuses STORY_STATE, NOT_ALL_CONSENT."""
    story = await _locked(work, story_id, StoryState.DRAFT)
    rows = await work.select(StoryPerson, lock=True, story_id=story.id)
    given = await _given(work, rows)
    if any(row.consent_id not in given for row in rows if row.state is not StoryAnswer.LEFT_OUT):
        raise Refusal("NOT_ALL_CONSENT")
    work.change(story, state=StoryState.PUBLISHED, published_at=work.now)
    work.record("disclosure.story.published", story, area_id=story.area_id, data=_about(story))
    return story


async def withdraw_story(work: Work, *, story_id: UUID, reason: str) -> Story:
    """Take a story down, or give a draft up. Refuses STORY_STATE."""
    story = await _locked(work, story_id, StoryState.DRAFT, StoryState.PUBLISHED)
    await _take_down(work, story, needed(reason, "reason"))
    return story


async def _locked(work: Work, story_id: UUID, *states: StoryState) -> Story:
    story = await work.lock(Story, story_id)
    work.require(PUBLISH, story)
    work.expect_version(story)
    if story.state not in states:
        raise Refusal("STORY_STATE", state=story.state)
    return story


def _about(story: Story) -> dict[str, str]:
    """What events say: of an organization, and of nobody (INV14)."""
    organization = {"organization": str(story.organization_id)} if story.organization_id else {}
    return {"story": str(story.id), **organization}


async def _take_down(work: Work, story: Story, reason: str | None = None) -> None:
    """A draft was never public, so nobody is told that it was given up."""
    was_public = story.state is StoryState.PUBLISHED
    work.change(story, state=StoryState.WITHDRAWN, withdrawn_at=work.now)
    await _end_consents(work, await work.select(StoryPerson, story_id=story.id))
    work.record(
        "disclosure.story.withdrawn" if was_public else "disclosure.story.discarded", story, area_id=story.area_id,
        data=_about(story) if was_public else None, text={"reason": reason},
    )  # fmt: skip


async def _end_consents(work: Work, rows: Sequence[StoryPerson]) -> None:
    """Queue the end of what these people agreed to: the text is there no more, or they said no."""
    ids = [row.consent_id for row in rows if row.consent_id is not None]
    for consent in await work.select(Consent, lock=True, id=ids, state=ConsentState.GIVEN):
        if consent.id not in {c.id for c in work.changed(Consent)}:
            work.change(consent, state=ConsentState.WITHDRAWN, until=work.now)


# --- what was agreed to is taken back --------------------------------------------------------------------

UNASKED_SQL = """SELECT DISTINCT s.id AS id, s.area_id AS area_id FROM disclosure_story s
    JOIN disclosure_story_person p ON p.story_id = s.id AND p.state <> 'LEFT_OUT'
    LEFT JOIN core_consent c ON c.id = p.consent_id AND c.state = 'GIVEN'
    WHERE s.state = 'PUBLISHED' AND c.id IS NULL"""


async def take_down(work: Work, story_id: UUID) -> None:
    """For the job, where disclosure was off when somebody took their consent back; it is shown to nobody meanwhile."""
    story = await work.lock(Story, story_id)
    work.require(PUBLISH, story)
    if story.state is StoryState.PUBLISHED:
        await _take_down(work, story)


async def hear_taken_back(work: Work, event: EventRecord) -> None:
    """Somebody takes their consent back, or is erased: what is published of them comes down, and to a draft they said no."""
    rows = await work.rows(
        "SELECT p.story_id AS id FROM disclosure_story_person p JOIN core_consent c ON c.id = p.consent_id"
        " AND c.state = 'WITHDRAWN' JOIN disclosure_story s ON s.id = p.story_id AND s.state <> 'WITHDRAWN'"
        " WHERE p.consent_id = {} OR p.person_id = {}",
        event.subject_id, event.subject_id,
    )  # fmt: skip
    for story in await work.select(Story, lock=True, id=sorted({as_uuid(row["id"]) for row in rows})):
        if "disclosure" not in work.place(story).plugins:
            continue
        work.require(PUBLISH, story)
        if story.state is StoryState.PUBLISHED:
            await _take_down(work, story)
        elif story.state is StoryState.DRAFT:
            for row in await work.select(StoryPerson, lock=True, story_id=story.id, state=StoryAnswer.CONSENTED):
                if not await _given(work, [row]):
                    work.change(row, state=StoryAnswer.REFUSED, consent_id=None, answered_at=work.now)
                    work.record("disclosure.story.answered_in_confidence", row, area_id=story.area_id)
