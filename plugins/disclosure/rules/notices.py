"""Notices: drafted, published and sealed, prolonged, posted, superseded; never shortened, never edited (INV9)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, clean_text, evidence_text, needed, optional_text
from core.work import Work
from plugins.disclosure import seal
from plugins.disclosure.models import Concerned, Item, Notice, Posting, Record
from plugins.disclosure.rules.common import TEXT, about, new_salt, require_running, sealed
from plugins.disclosure.rules.windows import LONGEST, calendar, not_shorter, window
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import CLOSED, RUNNING, DayKind, Masking, NoticeState, RecordKind

ITEMS = 500
PERSONAL = (ActorKind.PERSON, ActorKind.HOUSEHOLD)


@dataclass(frozen=True)
class Named:
    """A line of a notice's list: somebody, something to say of them, or both."""

    actor_id: UUID | None
    text: str | None


async def draft(
    work: Work,
    *,
    area_id: UUID,
    kind: str,
    title: str,
    body: str,
    subject: tuple[str, UUID] | None = None,
    organization_id: UUID | None = None,
    masking: Masking = Masking.MASKED,
    days: int | None = None,
    day_kind: DayKind | None = None,
    supersedes_id: UUID | None = None,
) -> Notice:
    """Write a notice that nobody else sees yet. A correction is about what the notice is about whose place it takes.

    Refuses BAD_WINDOW, WINDOW_TOO_SHORT, NOT_SUPERSEDABLE, OTHER_MATTER, SUBJECT_ELSEWHERE.
    """
    area = await work.get(Area, area_id)
    work.require("disclosure.publish", area)
    settings = await work.settings(DisclosureSettings, area)
    asked = await window(work, settings, area_id, days, day_kind)
    if organization_id is not None:
        await organization(work, organization_id)
    kind, announced_id = clean_name(kind, "kind", limit=60), None
    if supersedes_id is not None:
        before = await work.lock(Notice, supersedes_id)
        _supersedable(before, area_id)
        subject, organization_id = _same_matter(before, kind, subject, organization_id)
        announced_id = before.announced_id
        asked = await not_shorter(work, settings, asked, before, is_explicit=days is not None)
    elif subject is not None:
        await lies_here(work, subject, area_id)
    notice = work.add(
        Notice(
            id=new_id(),
            area_id=area_id,
            kind=kind,
            subject_tag=subject[0] if subject else None,
            subject_id=subject[1] if subject else None,
            organization_id=organization_id,
            state=NoticeState.DRAFT,
            masking=masking,
            title=clean_name(title, "title"),
            body=clean_text(body, "body", limit=TEXT),
            days=asked.days,
            day_kind=asked.kind,
            supersedes_id=supersedes_id,
            announced_id=announced_id,
        )
    )
    work.record("disclosure.notice.drafted", notice, area_id=area_id, data=about(notice))
    return notice


async def organization(work: Work, id: UUID) -> None:
    """Refuses PEOPLE_HAVE_NO_FILE: people have no file that everybody reads."""
    if (await work.get(Actor, id)).kind in PERSONAL:
        raise Refusal("PEOPLE_HAVE_NO_FILE", path=("organizationId",))


def _supersedable(before: Notice, area_id: UUID) -> None:
    if before.state not in (*RUNNING, *CLOSED) or before.area_id != area_id:
        raise Refusal("NOT_SUPERSEDABLE", path=("supersedesId",), state=before.state)


def _same_matter(
    before: Notice, kind: str, subject: tuple[str, UUID] | None, organization_id: UUID | None
) -> tuple[tuple[str, UUID] | None, UUID | None]:
    """Subject and organization of the notice that is corrected; what is said of them may be left out, and no other.

    Refuses OTHER_MATTER: else a notice about a decision would be taken away by one about something else (INV3)."""
    about = (before.subject_tag, before.subject_id) if before.subject_tag and before.subject_id else None
    if kind != before.kind:
        raise Refusal("OTHER_MATTER", path=("kind",))
    if subject is not None and subject != about:
        raise Refusal("OTHER_MATTER", path=("subjectId",))
    if organization_id is not None and organization_id != before.organization_id:
        raise Refusal("OTHER_MATTER", path=("organizationId",))
    return about, before.organization_id


async def lies_here(work: Work, subject: tuple[str, UUID], area_id: UUID) -> None:
    """Refuses SUBJECT_ELSEWHERE, also for what is not there: who may not read it learns nothing."""
    tag, id = subject
    model = next((m for m in work.transaction.database.models if getattr(m, "tag", None) == tag), None)
    if model is not None:
        for row in await work.select(model, id=id):
            if work.knows_place(row) and area_id in work.place(row).chain:
                return
    raise Refusal("SUBJECT_ELSEWHERE", path=("subjectId",))


async def edit(work: Work, *, notice_id: UUID, title: str | None, body: str | None, days: int | None,
               day_kind: DayKind | None) -> Notice:  # fmt: skip
    """Correct a draft; what is left out stays. Refuses SEALED once it is published."""
    notice = await _draft(work, notice_id)
    changed: dict[str, Any] = {}
    if title is not None:
        changed["title"] = clean_name(title, "title")
    if body is not None:
        changed["body"] = clean_text(body, "body", limit=TEXT)
    if days is not None or day_kind is not None:
        settings = await work.settings(DisclosureSettings, notice)
        kind = day_kind or notice.day_kind
        asked = await window(work, settings, notice.area_id, notice.days if days is None else days, kind)
        changed |= {"days": asked.days, "day_kind": asked.kind}
    work.change(notice, **changed)
    work.record("disclosure.notice.edited", notice, area_id=notice.area_id, data=about(notice))
    return notice


async def discard(work: Work, *, notice_id: UUID) -> Notice:
    """Give a draft up. Refuses SEALED once it is published."""
    notice = await _draft(work, notice_id)
    work.change(notice, state=NoticeState.DISCARDED)
    work.record("disclosure.notice.discarded", notice, area_id=notice.area_id, data=about(notice))
    return notice


async def _draft(work: Work, notice_id: UUID) -> Notice:
    notice = await work.lock(Notice, notice_id)
    work.require("disclosure.publish", notice)
    work.expect_version(notice)
    if notice.state is not NoticeState.DRAFT:
        raise Refusal("SEALED", state=notice.state)
    return notice


async def publish(work: Work, *, notice_id: UUID, items: Sequence[Named] = ()) -> Notice:
    """Make a draft public from today on and seal it with the lines of its list.

    It stands as long as the draft says, and never shorter than the community asks by now. Refuses SEALED, NOT_SUPERSEDABLE, OPEN_OBJECTIONS, TOO_MANY_ITEMS.
    """
    notice = await _draft(work, notice_id)
    settings = await work.settings(DisclosureSettings, notice)
    asked = await window(work, settings, notice.area_id, notice.days, notice.day_kind, refuses=False)
    if notice.supersedes_id is not None:
        before = await _to_supersede(work, notice.supersedes_id, notice.area_id)
        asked = await not_shorter(work, settings, asked, before, is_explicit=False)
    named = await _named(work, notice, items)
    await seal_notice(work, notice, asked, named)
    return notice


async def _to_supersede(work: Work, id: UUID, area_id: UUID) -> Notice:
    before = await work.lock(Notice, id)
    _supersedable(before, area_id)
    if before.state is NoticeState.OBJECTED:
        raise Refusal("OPEN_OBJECTIONS")
    return before


async def _named(work: Work, notice: Notice, items: Sequence[Named]) -> list[Item]:
    """The lines as they are sealed: names as the notice masks them."""
    if len(items) > ITEMS:
        raise Refusal("TOO_MANY_ITEMS", path=("items",), limit=ITEMS)
    wanted = {i.actor_id for i in items if i.actor_id is not None}
    actors = {a.id: a for a in await work.select(Actor, id=list(wanted))} if wanted else {}
    made = []
    for number, item in enumerate(items):
        path, words = ("items", str(number)), []
        if item.actor_id is not None:
            actor = actors.get(item.actor_id)
            if actor is None or actor.gone_at is not None:
                raise Refusal("NOT_FOUND", path=path, kind="actor")
            masked = actor.kind in PERSONAL and notice.masking is Masking.MASKED
            words.append(actor.masked_name if masked else actor.name)
        words += [t for t in [optional_text(item.text, *path, limit=1000)] if t]
        if not words:
            raise Refusal("EMPTY_TEXT", path=path)
        made.append(line(work, notice, number, item.actor_id, " ".join(words)))
    return made


def line(work: Work, notice: Notice, position: int, actor_id: UUID | None, text: str) -> Item:
    """A line of a list, with a salt of its own, so that it goes with whom it names and the seal stays."""
    return Item(
        id=new_id(), area_id=notice.area_id, notice_id=notice.id, position=position, actor_id=actor_id, text=text,
        salt=new_salt(), sealed_at=work.now,
    )  # fmt: skip


async def seal_notice(
    work: Work,
    notice: Notice,
    asked: Any,
    items: Sequence[Item],
    concerns: Collection[UUID] = (),
    *,
    is_new: bool = False,
) -> None:
    """Queue and record a publication: the record of the chain first, then the notice under its hash. What it corrects
    concerns whom that did."""
    title_salt, body_salt = new_salt(), new_salt()
    before = notice.supersedes_id
    facts = {
        "noticeKind": notice.kind,
        **await _sealed_about(work, notice),
        "masking": str(notice.masking),
        "from": work.recorded_on.isoformat(),
        "last": asked.end.day.isoformat(),
        "days": asked.days,
        "dayKind": str(asked.kind),
        "supersedes": str(before) if before else None,
    }
    texts = {
        "title": seal.digest(title_salt, notice.title),
        "body": seal.digest(body_salt, notice.body),
        **({"items": [seal.digest(str(i.salt), i.text) for i in items]} if items else {}),
    }
    record = await sealed(work, RecordKind.PUBLISHED, notice, texts=texts, **facts)
    if work.clock.civil_date(record.sealed_at) != work.recorded_on:
        raise Refusal("CLOCK_BEHIND", at=record.sealed_at.astimezone(work.clock.zone).isoformat(timespec="minutes"))
    values = {
        "state": NoticeState.PUBLISHED,
        "title_salt": title_salt,
        "body_salt": body_salt,
        "days": asked.days,
        "day_kind": asked.kind,
        "from_day": work.recorded_on,
        "last_day": asked.end.day,
        "last_day_is_known": asked.end.is_known,
        "published_at": work.now,
        "published_by_id": work.viewer.person_id,
        "hash": record.hash,
    }
    if is_new:
        for name, value in values.items():
            setattr(notice, name, value)
    else:
        work.change(notice, **values)
    for item in items:
        work.add(item)
    corrected = await work.select(Concerned, notice_id=before) if before is not None else []
    for actor_id in sorted({*concerns, *(c.actor_id for c in corrected)}):
        concern(work, notice, actor_id)
    data = {**about(notice), "hash": record.hash, "lastDay": asked.end.day.isoformat()}
    work.record("disclosure.notice.published", notice, area_id=notice.area_id, data=data)
    if before is not None:
        old = await work.get(Notice, before)
        await supersede(work, old, notice)


def concern(work: Work, notice: Notice, actor_id: UUID) -> None:
    """Queue that it is this actor's own matter."""
    work.add(Concerned(id=new_id(), area_id=notice.area_id, notice_id=notice.id, actor_id=actor_id))


async def _sealed_about(work: Work, notice: Notice) -> dict[str, str | None]:
    """Subject and organization as the chain has them; a correction says what was sealed of the notice it corrects, also
    where one of them has proved to be somebody else since."""
    if notice.supersedes_id is not None:
        (first,) = await work.select(Record, notice_id=notice.supersedes_id, kind=RecordKind.PUBLISHED)
        said = json.loads(first.body)
        return {"subject": said["subject"], "organization": said["organization"]}
    subject = f"{notice.subject_tag}_{notice.subject_id}" if notice.subject_tag else None
    return {"subject": subject, "organization": str(notice.organization_id) if notice.organization_id else None}


async def supersede(work: Work, old: Notice, by: Notice) -> None:
    """Queue and record that `by` stands in the place of `old`."""
    work.change(old, state=NoticeState.SUPERSEDED)
    data = {**about(old), "by": str(by.id)}
    work.record("disclosure.notice.superseded", old, area_id=old.area_id, data=data)


async def prolong(work: Work, *, notice_id: UUID, days: int, reason: str) -> Notice:
    """Let a notice stand so many days more, of its own kind. Refuses NOTICE_STATE, BAD_WINDOW."""
    notice = await work.lock(Notice, notice_id)
    work.require("disclosure.publish", notice)
    work.expect_version(notice)
    require_running(notice)
    assert notice.from_day is not None and notice.last_day is not None
    if not 1 <= days <= LONGEST or notice.days + days > LONGEST:
        raise Refusal("BAD_WINDOW", path=("days",), limit=LONGEST)
    text = needed(reason, "reason")
    settings = await work.settings(DisclosureSettings, notice)
    year = await calendar(work, notice.area_id)
    end = year.end(
        max(notice.last_day, work.recorded_on), days, notice.day_kind, on_working_day=settings.ends_on_working_day
    )
    work.change(notice, days=notice.days + days, last_day=end.day,
                last_day_is_known=notice.last_day_is_known and end.is_known)  # fmt: skip
    await sealed(work, RecordKind.PROLONGED, notice, last=end.day.isoformat(), days=notice.days)
    work.record(
        "disclosure.notice.prolonged", notice, area_id=notice.area_id,
        data={**about(notice), "lastDay": end.day.isoformat()}, text={"reason": text},
    )  # fmt: skip
    return notice


async def record_posting(work: Work, *, notice_id: UUID, place: str, evidence: Sequence[str]) -> Posting:
    """Note that it was put up on paper, where, and what shows it (a photo's address). Refuses NOTICE_STATE."""
    notice = await work.lock(Notice, notice_id)
    work.require("disclosure.publish", notice)
    require_running(notice)
    shown = evidence_text(evidence)
    if shown == "[]":
        raise Refusal("EMPTY_TEXT", path=("evidence",))
    if notice.published_at is not None and work.occurred_at < notice.published_at:
        raise Refusal("BEFORE_PUBLICATION", path=("occurredAt",))
    posting = work.add(
        Posting(
            id=new_id(),
            area_id=notice.area_id,
            notice_id=notice_id,
            place=clean_name(place, "place"),
            evidence=shown,
            salt=new_salt(),
            posted_at=work.occurred_at,
            posted_by_id=work.person_id,
        )
    )
    texts = {
        "place": seal.digest(posting.salt, posting.place),
        "evidence": seal.digest(posting.salt, posting.evidence),
    }
    await sealed(work, RecordKind.POSTED, notice, posting=posting, texts=texts)
    work.record("disclosure.notice.posted", posting, area_id=notice.area_id, data=about(notice))
    return posting
