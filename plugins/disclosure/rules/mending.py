"""Two actors who prove to be one, a person who is to be erased, and whose matter a notice is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.corrections import Finding, Merging
from core.duties import Duties, Matter
from core.rules.erasure import Erasing
from core.work import Work
from plugins.disclosure.models import Concerned, FileEntry, Item, Notice, Objection, Story, StoryPerson
from plugins.disclosure.rules.common import concerned, objected
from plugins.disclosure.terms import ObjectionState, StoryAnswer, StoryState

_IN = [StoryAnswer.ASKED, StoryAnswer.CONSENTED, StoryAnswer.REFUSED]


async def _open(work: Work, actor_id: UUID) -> set[UUID]:
    """The notices this actor objects to, without an answer yet, by name or not."""
    return {o.notice_id for o in await work.select(Objection, by_id=actor_id, state=ObjectionState.OPEN)}


async def _by_name(work: Work, **equals: Any) -> list[Objection]:
    return await work.select(Objection, is_confidential=False, **equals)


async def _notices(work: Work, actor_id: UUID, *, lock: bool = False) -> list[Notice]:
    found = [
        *await work.select(Notice, lock=lock, organization_id=actor_id),
        *await work.select(Notice, lock=lock, published_by_id=actor_id),
        *await work.select(Notice, lock=lock, subject_tag="actor", subject_id=actor_id),
    ]
    return list({n.id: n for n in found}.values())


async def _stories(work: Work, actor_id: UUID, *, lock: bool = False) -> list[Story]:
    found = [
        *await work.select(Story, lock=lock, organization_id=actor_id),
        *await work.select(Story, lock=lock, subject_tag="actor", subject_id=actor_id),
    ]
    return list({s.id: s for s in found}.values())


async def _both_in(work: Work, kept: UUID, gone: UUID) -> int:
    """Stories that are not withdrawn and that both are in."""
    rows = await work.select(StoryPerson, person_id=[kept, gone], state=_IN)
    of = [{p.story_id for p in rows if p.person_id == id} for id in (kept, gone)]
    return len(await work.select(Story, id=of[0] & of[1], state=[StoryState.DRAFT, StoryState.PUBLISHED]))


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move; an objection of both to one notice must be settled first, and one the other has answered stays, as
    does who is in one story with the other. Of objections in confidence nothing is said: it would tell who objects."""
    answered = await _by_name(work, by_id=gone, answered_by_id=kept) + await _by_name(
        work, by_id=kept, answered_by_id=gone
    )
    of = [{o.notice_id for o in await _by_name(work, by_id=id, state=ObjectionState.OPEN)} for id in (kept, gone)]
    found = [
        Finding("disclosure_notice", len(await _notices(work, gone))),
        Finding("disclosure_item", len(await work.select(Item, actor_id=gone))),
        Finding("disclosure_concerned", len(await work.select(Concerned, actor_id=gone))),
        Finding("disclosure_objection", len(await _by_name(work, by_id=gone))),
        Finding("disclosure_file_entry", len(await work.select(FileEntry, organization_id=gone))),
        Finding("disclosure_story", len(await _stories(work, gone))),
        Finding("disclosure_story_person", len(await work.select(StoryPerson, person_id=gone))),
        Finding("disclosure_story_person", await _both_in(work, kept, gone), "BOTH_IN_STORY"),
        Finding("disclosure_objection", len(of[0] & of[1]), "BOTH_OBJECT"),
        Finding("disclosure_objection", len(answered), "ANSWERED_BY_THE_OTHER"),
    ]
    return [f for f in found if f.count]


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Notices, lines, objections, files and stories go to the actor that stays; the chain stays as it is, and names nobody.
    What must not be said to stand in the way stays with who is gone: an objection where one of two is in confidence."""
    data = {"kept": str(kept), "gone": str(gone)}
    for notice in await _notices(work, gone, lock=True):
        columns = ("organization_id", "published_by_id", "subject_id")
        work.change(notice, **{c: kept for c in columns if getattr(notice, c) == gone})
        work.record("disclosure.notice.merged", notice, area_id=notice.area_id, data=data)
    named: list[Item | Concerned] = [*await work.select(Item, lock=True, actor_id=gone)]
    for row in [*named, *await work.select(Concerned, lock=True, actor_id=gone)]:
        work.change(row, actor_id=kept)
        work.record("disclosure.notice.merged", row, area_id=row.area_id, data=data)
    for entry in await work.select(FileEntry, lock=True, organization_id=gone):
        work.change(entry, organization_id=kept)
        work.record("disclosure.notice.merged", entry, area_id=entry.area_id, data=data)
    objected_to = await _open(work, kept)
    for objection in await work.select(Objection, lock=True, by_id=gone):
        is_double = objection.state is ObjectionState.OPEN and objection.notice_id in objected_to
        if is_double or objection.answered_by_id == kept:
            continue
        work.change(objection, by_id=kept)
        work.record(objected("merged", objection), objection, area_id=objection.area_id, data=data)
    for story in await _stories(work, gone, lock=True):
        work.change(story, **{c: kept for c in ("organization_id", "subject_id") if getattr(story, c) == gone})
        work.record("disclosure.story.merged", story, area_id=story.area_id, data=data)
    known = {p.story_id: p for p in await work.select(StoryPerson, lock=True, person_id=kept)}
    for person in await work.select(StoryPerson, lock=True, person_id=gone):
        theirs = known.get(person.story_id)
        if theirs is None:
            work.change(person, person_id=kept)
        elif theirs.state is StoryAnswer.LEFT_OUT and person.state is not StoryAnswer.LEFT_OUT:
            values = {c: getattr(person, c) for c in ("state", "consent_id", "asked_at", "answered_at")}
            work.change(person, state=StoryAnswer.LEFT_OUT, consent_id=None, answered_at=None)
            work.change(theirs, **values)  # whoever is in it can still say no
        else:  # who is gone was left out, or the story is withdrawn
            continue
        work.record("disclosure.story.merged_in_confidence", theirs or person, area_id=person.area_id, data=data)


MERGING = Merging("disclosure", preview_merge, move_merged)


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before somebody is erased, their objections by name are answered or withdrawn. Of those in confidence they alone are
    told: to others it would tell who objects; such a one is still answered, without its text."""
    told = [True, False] if work.viewer.self_id == actor_id else [False]
    found = await work.select(Objection, by_id=actor_id, state=ObjectionState.OPEN, is_confidential=told)
    return [Finding("disclosure_objection", len(found), "OPEN_MATTERS")] if found else []


ERASING = Erasing("disclosure", open_matters)


async def _objection(work: Work, objection: Any) -> Matter:
    """Answered by nobody whom the notice or the objection is about, and not by who published it."""
    notice = await work.get(Notice, objection.notice_id)
    by = {notice.published_by_id} if notice.published_by_id is not None else set()
    return Matter({objection.by_id, *await concerned(work, notice)}, by)


DUTIES = Duties("disclosure", (), {Objection: _objection})
