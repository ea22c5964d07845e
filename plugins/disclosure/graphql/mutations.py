"""What can be done: notices drafted, published, prolonged, posted, superseded, closed; objections filed and answered."""

from __future__ import annotations

from uuid import UUID

import strawberry

from core.ids import from_global, split_global
from core.work import Work
from plugins.disclosure import rules
from plugins.disclosure.graphql.nodes import (
    DisclosureNotice,
    DisclosureObjection,
    DisclosurePosting,
    DisclosureRestDays,
)
from plugins.disclosure.terms import DayKind, Masking
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area

NOTICE = Subject(DisclosureNotice, "notice_id")
OBJECTION = Subject(DisclosureObjection, "objection_id")
OWN_OBJECTION = Subject(DisclosureObjection, "objection_id", lambda t: [t.by_id])


@strawberry.input
class DisclosureDraftInput(MutationInput):
    area_id: strawberry.ID
    kind: str = strawberry.field(description="What it is about, in a word: 评定结果, 财务收支, … (公示事项).")
    title: str
    body: str = strawberry.field(description="Name people in the list instead, where they can be erased (正文).")
    subject_id: strawberry.ID | None = strawberry.field(
        default=None, description="The decided row, of any type, in the area or below (对象)."
    )
    organization_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whose yearly file it goes into (所属组织)."
    )
    masking: Masking = Masking.MASKED
    days: int | None = strawberry.field(
        default=None, description="The community's shortest time unless told (公示天数)."
    )
    day_kind: DayKind | None = None
    supersedes_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The notice whose place it takes; same kind, subject and organization, as long, counted anew (所更正的公示).",
    )


def _id(value: strawberry.ID | None, tag: str, path: str) -> UUID | None:
    return None if value is None else from_global(value, tag, path)


@mutation("disclosure.publish", on=Subject(Area, "area_id"), notice=DisclosureNotice)
async def disclosure_draft(work: Work, input: DisclosureDraftInput) -> Result:
    """Write a notice; nobody else sees it before it is published (拟定公示)."""
    notice = await rules.draft(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        kind=input.kind,
        title=input.title,
        body=input.body,
        subject=None if input.subject_id is None else split_global(input.subject_id),
        organization_id=_id(input.organization_id, "actor", "organizationId"),
        masking=input.masking,
        days=input.days,
        day_kind=input.day_kind,
        supersedes_id=_id(input.supersedes_id, "disclosure_notice", "supersedesId"),
    )
    return {"notice": notice}


@strawberry.input
class DisclosureNoticeInput(ChangeInput):
    notice_id: strawberry.ID


def _notice(input: DisclosureNoticeInput) -> UUID:
    return from_global(input.notice_id, "disclosure_notice", "noticeId")


@strawberry.input
class DisclosureEditDraftInput(DisclosureNoticeInput):
    """What is left out stays as it is."""

    title: str | None = None
    body: str | None = None
    days: int | None = None
    day_kind: DayKind | None = None


@mutation("disclosure.publish", on=NOTICE, notice=DisclosureNotice)
async def disclosure_edit_draft(work: Work, input: DisclosureEditDraftInput) -> Result:
    """Correct a draft (修改公示草稿)."""
    notice = await rules.edit(
        work, notice_id=_notice(input), title=input.title, body=input.body, days=input.days, day_kind=input.day_kind
    )
    return {"notice": notice}


@strawberry.input
class DisclosureDiscardDraftInput(DisclosureNoticeInput):
    pass


@mutation("disclosure.publish", on=NOTICE, notice=DisclosureNotice)
async def disclosure_discard_draft(work: Work, input: DisclosureDiscardDraftInput) -> Result:
    """Give a draft up (作废公示草稿)."""
    return {"notice": await rules.discard(work, notice_id=_notice(input))}


@strawberry.input(description="A line of a notice's list (名单项).")
class DisclosureItemInput:
    actor_id: strawberry.ID | None = strawberry.field(
        default=None, description="Whom it names, as the notice masks names (所列主体)."
    )
    text: str | None = strawberry.field(default=None, description="What is said of them: a score, a sum (内容).")


@strawberry.input
class DisclosurePublishInput(DisclosureNoticeInput):
    items: list[DisclosureItemInput] = strawberry.field(
        default_factory=list, description="Its list, sealed line by line; at most 500 (名单)."
    )


@mutation("disclosure.publish", on=NOTICE, notice=DisclosureNotice)
async def disclosure_publish(work: Work, input: DisclosurePublishInput) -> Result:
    """Publish a draft and seal it; from then on it is never edited (发布公示)."""
    items = [
        rules.Named(
            None if i.actor_id is None else from_global(i.actor_id, "actor", "items", str(n), "actorId"), i.text
        )
        for n, i in enumerate(input.items)
    ]
    return {"notice": await rules.publish(work, notice_id=_notice(input), items=items)}


@strawberry.input
class DisclosureProlongInput(DisclosureNoticeInput):
    days: int = strawberry.field(description="So many more, of the notice's own kind (延长天数).")
    reason: str


@mutation("disclosure.publish", on=NOTICE, notice=DisclosureNotice)
async def disclosure_prolong(work: Work, input: DisclosureProlongInput) -> Result:
    """Let a notice stand longer; it is never shortened (延长公示)."""
    return {"notice": await rules.prolong(work, notice_id=_notice(input), days=input.days, reason=input.reason)}


@strawberry.input
class DisclosureRecordPostingInput(DisclosureNoticeInput):
    place: str
    evidence: list[str] = strawberry.field(description="Photos of the posted notice, by reference (张贴照片).")


@mutation("disclosure.publish", on=NOTICE, posting=DisclosurePosting)
async def disclosure_record_posting(work: Work, input: DisclosureRecordPostingInput) -> Result:
    """Note where a notice hangs on paper, with a photo (登记张贴)."""
    posting = await rules.record_posting(work, notice_id=_notice(input), place=input.place, evidence=input.evidence)
    return {"posting": posting}


@strawberry.input
class DisclosureCloseInput(DisclosureNoticeInput):
    pass


@mutation("disclosure.publish", on=NOTICE, notice=DisclosureNotice)
async def disclosure_close(work: Work, input: DisclosureCloseInput) -> Result:
    """Close a notice whose window is over, without waiting for the clock to do it (办结公示)."""
    return {"notice": await rules.close(work, notice_id=_notice(input))}


@strawberry.input
class DisclosureSetRestDaysInput(MutationInput):
    area_id: strawberry.ID
    year: int
    rest: list[str] = strawberry.field(
        description="Days off, weekends among them or not: 2027-01-01, or 2027-02-05..2027-02-11 (放假日期)."
    )
    work: list[str] = strawberry.field(description="Weekend days that are worked (调休上班日期).")
    source: str = strawberry.field(description="The document it stands in (文件名称与文号).")


@mutation("disclosure.rest_days.set", on=Subject(Area, "area_id"), rest_days=DisclosureRestDays)
async def disclosure_set_rest_days(work: Work, input: DisclosureSetRestDaysInput) -> Result:
    """Enter the State Council's arrangement of a year; running notices may end later by it (登记节假日安排)."""
    made = await rules.set_rest_days(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        year=input.year,
        rest=input.rest,
        working=input.work,
        source=input.source,
    )
    return {"rest_days": made}


# --- objections ------------------------------------------------------------------------------------------


@strawberry.input
class DisclosureObjectInput(DisclosureNoticeInput):
    text: str
    is_confidential: bool = strawberry.field(
        default=False, description="Shown to nobody but who may answer it; that somebody objects is public (是否保密)."
    )


@mutation("disclosure.object", on=NOTICE, objection=DisclosureObjection)
async def disclosure_object(work: Work, input: DisclosureObjectInput) -> Result:
    """Object to a notice while its window runs (提出异议)."""
    objection = await rules.object_to(
        work, notice_id=_notice(input), text=input.text, is_confidential=input.is_confidential
    )
    return {"objection": objection}


@strawberry.input
class DisclosureWithdrawObjectionInput(ChangeInput):
    objection_id: strawberry.ID


@mutation("disclosure.object", on=OWN_OBJECTION, objection=DisclosureObjection)
async def disclosure_withdraw_objection(work: Work, input: DisclosureWithdrawObjectionInput) -> Result:
    """Withdraw one's objection before it is answered (撤回异议)."""
    id = from_global(input.objection_id, "disclosure_objection", "objectionId")
    return {"objection": await rules.withdraw(work, objection_id=id)}


@strawberry.input
class DisclosureAnswerObjectionInput(ChangeInput):
    objection_id: strawberry.ID
    uphold: bool = strawberry.field(description="Is the objection right? Then the decision does not stand (是否成立).")
    answer: str


@mutation("disclosure.answer", on=OBJECTION, objection=DisclosureObjection)
async def disclosure_answer_objection(work: Work, input: DisclosureAnswerObjectionInput) -> Result:
    """Answer somebody else's objection, with reasons (答复异议)."""
    id = from_global(input.objection_id, "disclosure_objection", "objectionId")
    return {"objection": await rules.answer(work, objection_id=id, uphold=input.uphold, text=input.answer)}
