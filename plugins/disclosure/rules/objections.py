"""Objections: by name or in confidence, while the window runs; answered by somebody else, before it ends."""

from __future__ import annotations

from uuid import UUID

from core.access import entered_by
from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import needed
from core.work import Work
from plugins.disclosure import seal
from plugins.disclosure.models import Notice, Objection, whom
from plugins.disclosure.rules.common import about, concerned, new_salt, objected, require_running, sealed
from plugins.disclosure.rules.days_off import last_day, off_days
from plugins.disclosure.rules.windows import answer_by
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import NoticeState, ObjectionState, RecordKind

_FILED = f"SELECT 1 AS yes WHERE {entered_by('{0}', '{1}', 'disclosure.objection.filed_in_confidence')}"


async def object_to(work: Work, *, notice_id: UUID, text: str, is_confidential: bool) -> Objection:
    """The principal objects, within the window. On paper at the desk, the day it came in counts (`occurredAt`).

    Refuses OWN_MATTER (INV10: nobody enters one at the desk to a notice they published, or that concerns them),
    NOTICE_STATE, WINDOW_OVER, BEFORE_PUBLICATION, ALREADY_OBJECTED.
    """
    notice = await work.lock(Notice, notice_id)
    await _impartial_desk(work, notice)
    work.require("disclosure.object", notice)
    require_running(notice)
    assert notice.published_at is not None
    off = await off_days(work, notice.area_id, notice.published_at)
    filed, until = work.clock.civil_date(work.occurred_at), await last_day(work, notice, off)
    if filed > until:
        raise Refusal("WINDOW_OVER", until=until.isoformat())
    if work.occurred_at < notice.published_at:
        raise Refusal("BEFORE_PUBLICATION", path=("occurredAt",))
    words, by_id = needed(text, "text", limit=5000), work.principal_id
    if await work.find(Objection, notice_id=notice_id, by_id=by_id, state=ObjectionState.OPEN):
        raise Refusal("ALREADY_OBJECTED")
    settings = await work.settings(DisclosureSettings, notice)
    salt, due = new_salt(), answer_by(filed, settings.answer_days, until, off)
    objection = Objection(
        id=new_id(),
        area_id=notice.area_id,
        notice_id=notice_id,
        by_id=by_id,
        is_confidential=is_confidential,
        state=ObjectionState.OPEN,
        text=words,
        text_salt=salt,
        filed_at=work.occurred_at,
        answer_by=due,
        answer_days=(due - filed).days - sum(filed < day <= due for day in off),
    )
    work.add(objection)
    work.change(notice, state=NoticeState.OBJECTED)
    await sealed(
        work, RecordKind.OBJECTED, notice, objection=objection, texts={"objection": seal.digest(salt, words)},
        confidential=is_confidential,
    )  # fmt: skip
    work.record(objected("filed", objection), objection, area_id=notice.area_id, data=about(notice))
    return objection


async def locked(work: Work, objection_id: UUID) -> tuple[Notice, Objection]:
    return await work.lock_with(Objection, objection_id, Notice)


def _still_open(objection: Objection) -> None:
    if objection.state is not ObjectionState.OPEN:
        raise Refusal("OBJECTION_STATE", state=objection.state)


async def _impartial_desk(work: Work, notice: Notice) -> None:
    """Asked before anything else, so that no other refusal tells them who objects in confidence."""
    if work.acting.behalf_of_id is not None:
        await work.not_at_the_desk_of(notice.published_by_id, *await concerned(work, notice))


async def withdraw(work: Work, *, objection_id: UUID) -> Objection:
    """Whoever objected thinks better of it, before an answer; at the desk one in confidence is there for nobody but who
    entered it. Refuses OWN_MATTER (at the desk, as `object_to`), OBJECTION_STATE."""
    notice, objection = await locked(work, objection_id)
    await _impartial_desk(work, notice)
    at_the_desk = work.acting.behalf_of_id is not None and not work.acting.is_guardian
    if at_the_desk and objection.is_confidential and not await work.rows(_FILED, work.viewer.person_id, objection.id):
        raise Refusal("NOT_FOUND", path=("objectionId",), kind=Objection.tag)
    work.require("disclosure.object", objection, owner=objection.by_id)
    work.expect_version(objection)
    _still_open(objection)
    work.change(objection, state=ObjectionState.WITHDRAWN)
    await _settled(work, notice, objection)
    await sealed(work, RecordKind.WITHDRAWN, notice, objection=objection)
    work.record(objected("withdrawn", objection), objection, area_id=notice.area_id, data=about(notice))
    return objection


async def answer(work: Work, *, objection_id: UUID, uphold: bool, text: str) -> Objection:
    """Somebody else answers: it is upheld, and the decision does not take effect, or it is not.

    Refuses OWN_MATTER (INV10: not who objected, not who published, not whom it concerns, none of theirs), ENTERED_BY_YOU,
    OBJECTION_STATE.
    """
    notice, objection = await locked(work, objection_id)
    work.require("disclosure.answer", notice)
    work.expect_version(objection)
    if work.person_id == notice.published_by_id or await work.concerned_in(
        objection.by_id, or_among=whom("{}"), values=[notice.id] * 4
    ):
        raise Refusal("OWN_MATTER")
    await work.not_entered(objection)
    _still_open(objection)
    words, salt = needed(text, "answer", limit=5000), new_salt()
    state = ObjectionState.UPHELD if uphold else ObjectionState.REJECTED
    work.change(
        objection, state=state, answer=words, answer_salt=salt, answered_by_id=work.person_id,
        answered_at=work.occurred_at,
    )  # fmt: skip
    await _settled(work, notice, objection)
    await sealed(
        work, RecordKind.ANSWERED, notice, objection=objection, texts={"answer": seal.digest(salt, words)},
        upheld=uphold,
    )  # fmt: skip
    data = {**about(notice), "upheld": uphold}
    work.record("disclosure.objection.answered", objection, area_id=notice.area_id, data=data)
    return objection


async def _settled(work: Work, notice: Notice, objection: Objection) -> None:
    """The notice waits for an answer no more once none is open."""
    others = await work.select(Objection, notice_id=notice.id, state=ObjectionState.OPEN)
    if all(o.id == objection.id for o in others):
        work.change(notice, state=NoticeState.RESOLVED)
