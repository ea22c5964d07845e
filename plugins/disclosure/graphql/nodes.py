"""Notices, what they name, objections, postings and the chain, as the API shows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import strawberry

from plugins.disclosure import models, seal
from plugins.disclosure.graphql import lines, printed
from plugins.disclosure.terms import HIDDEN, DayKind, Heading, Masking, NoticeState, ObjectionState, RecordKind
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, RowOf, case, select
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts
from schema.scalars import Long


def _notice_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """What is published is for everybody; a draft for who publishes there."""
    return ~t.state.is_in(list(HIDDEN)) | v.may("disclosure.publish", t.area_id)


@node(models.Notice, scope=_notice_scope, order="-published_at")
class DisclosureNotice:
    """A matter made public for a time, sealed, open to objections (公示)."""

    kind: str = column(description="What it is about, as who published it names it (公示事项).")
    subject: strawberry.ID | None = computed(
        lambda t: GlobalId(t.subject_tag, t.subject_id),
        filter=True,
        description="The decided matter, if it is a row (对象).",
    )
    state: NoticeState = column()
    masking: Masking = column(description="How its list names people (姓名显示方式).")
    title: str = column(description="Its heading (标题).")
    title_salt: str | None = column(filter=False, description="To prove the title by; null once erased (标题盐值).")
    body: str = column(filter=False, description="Its text (正文).")
    body_salt: str | None = column(filter=False, description="To prove the body by; null once erased (正文盐值).")
    days: int = column(description="Days that it stands, after the day of publication (公示天数).")
    day_kind: DayKind = column()
    from_day: date | None = column(description="The day of publication, which does not count (发布日).")
    last_day: date | None = column(order=True, description="The last day to object, to its end (公示截止日).")
    last_day_is_known: bool = column(
        filter=False,
        description="False where the last day rests on a year whose rest days are not published yet (截止日是否确定).",
    )
    published_at: datetime | None = column(order=True, description="When it was published (发布时间).")
    closed_on: date | None = column(description="The day on which it was found over (办结日).")
    hash: str | None = column(description="SHA-256 of its record in the chain: the seal (存证值).")
    version: int = column(filter=False)
    area: Area = to_one()
    organization: Actor | None = to_one(description="Whose yearly file it goes into (所属组织).")
    published_by: Actor | None = to_one(description="Who published it (发布人).")
    supersedes: DisclosureNotice | None = to_one(description="The notice whose place it takes (所更正的公示).")
    superseded_by: Connection[DisclosureNotice] = connection(
        "supersedes_id", description="The notice that takes its place (更正公示)."
    )
    objection_count: int = computed(
        lambda t: select(models.Objection).where(lambda o: o.notice_id == t.id).count(),
        discloses="How many object is public; who and why may be confidential.",
        description="Objections, confidential ones too (异议数).",
    )
    open_objections: int = computed(
        lambda t: (
            select(models.Objection).where(lambda o: (o.notice_id == t.id) & (o.state == ObjectionState.OPEN)).count()
        ),
        discloses="That an answer is owed is public; who waits for it may be confidential.",
        description="Objections without an answer; while there are any, the gate is shut (待答复异议数).",
    )
    print_a4: str | None = python(
        printed.as_html("A4"), columns=printed.columns, cost=1_000, discloses=printed.WHY,
        description="As a page of HTML to print, with a QR to check it by; null for a draft (A4 打印版).",
    )  # fmt: skip
    print_a3: str | None = python(
        printed.as_html("A3"), columns=printed.columns, cost=1_000, discloses=printed.WHY,
        description="The same in A3, for the notice board (A3 打印版).",
    )  # fmt: skip
    pdf_a4: str | None = python(
        printed.as_pdf("A4"), columns=printed.columns, cost=30_000, discloses=printed.WHY,
        description="As a PDF in base64, with its own Chinese font; null for a draft (A4 PDF 文件)."
    )  # fmt: skip
    pdf_a3: str | None = python(
        printed.as_pdf("A3"), columns=printed.columns, cost=30_000, discloses=printed.WHY,
        description="The same in A3 (A3 PDF 文件)."
    )  # fmt: skip
    items: Connection[DisclosureItem] = connection("notice_id", description="Its list (名单).")
    objections: Connection[DisclosureObjection] = connection("notice_id")
    postings: Connection[DisclosurePosting] = connection("notice_id", description="Where it hangs on paper (张贴记录).")
    records: Connection[DisclosureRecord] = connection("notice_id", description="Its records in the chain (存证记录).")


@node(models.Item, scope=public("What a published notice lists is published with it."), order="position")
class DisclosureItem:
    """A line of a notice's list (公示名单项)."""

    position: int = column(order=True, description="Its place in the list, from 0 (序号).")
    text: str = column(filter=False, description="As it was sealed; erased with the person it names (内容).")
    salt: str | None = column(filter=False, description="To prove the line by; null once erased (盐值).")
    version: int = column(filter=False)
    area: Area = to_one()
    notice: DisclosureNotice | None = to_one()
    actor: Actor | None = to_one(description="Whom it names (所列主体).")


def _sees_objector(t: RowOf, v: ViewerFacts) -> Expr:
    """By name: everybody. In confidence: whoever objects, and whoever may answer it (`rules.answer`)."""

    def of_notice(name: str) -> Expr:
        return select(models.Notice).where(lambda n: n.id == t.notice_id).first(name, order_by="id")

    in_notice = (
        v.is_person(of_notice("published_by_id"))
        | v.concerned_in(of_notice("organization_id"))
        | ((of_notice("subject_tag") == "actor") & v.concerned_in(of_notice("subject_id")))
    )
    in_list = select(models.Item).where(lambda i: (i.notice_id == t.notice_id) & v.concerned_in(i.actor_id))
    besides = select(models.Concerned).where(lambda c: (c.notice_id == t.notice_id) & v.concerned_in(c.actor_id))
    answers = (
        v.may("disclosure.answer", t.area_id) & (case(in_notice, 0, 1) == 1) & ~in_list.exists() & ~besides.exists()
    )
    return (t.is_confidential == False) | v.acts_as(t.by_id) | answers  # noqa: E712


@node(models.Objection, scope=_sees_objector, order="-filed_at")
class DisclosureObjection:
    """Somebody says that it is not right (异议); a confidential one is seen by who objects and who may answer it."""

    is_confidential: bool = column(description="Told to nobody but who may answer it (是否保密).")
    state: ObjectionState = column()
    text: str = column(filter=False, description="What is objected (异议内容).")
    text_salt: str | None = column(filter=False, description="To prove the text by; null once erased (盐值).")
    filed_at: datetime = column(order=True)
    answer_by: date = column(order=True, description="The last day to answer (答复期限).")
    overdue_at: datetime | None = column(description="When it was found not answered in time (逾期认定时间).")
    answer: str | None = column(filter=False, description="The answer, with its reasons (答复).")
    answer_salt: str | None = column(filter=False, description="To prove the answer by; null once erased (盐值).")
    answered_at: datetime | None = column(description="When it was answered (答复时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    notice: DisclosureNotice | None = to_one()
    by: Actor = to_one(description="Who objects (异议人).")
    answered_by: Actor | None = to_one(description="Who answered: somebody else (答复人).")


def _evidence(values: dict[str, Any], facts: Any) -> list[str]:
    found: list[str] = json.loads(values["evidence"])
    return found


@node(models.Posting, scope=public("That a public notice hangs on paper is public."), order="-posted_at")
class DisclosurePosting:
    """A notice was put up on paper (张贴记录)."""

    place: str = column(description="Where it hangs (张贴地点).")
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": t.evidence}, settings=False,
        description="Photos of the posted notice, by reference (张贴照片).",
    )  # fmt: skip
    posted_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    notice: DisclosureNotice | None = to_one()
    posted_by: Actor = to_one(description="Who put it up (张贴人).")


def _is_intact(values: dict[str, Any], facts: Any) -> bool:
    body: str = values["body"]
    return bool(seal.hash_of(body) == values["hash"] and f'"prev":"{values["prev"]}"' in body)


@node(
    models.Record, scope=public("The chain is there to be checked by everybody; it holds digests and ids."), order="seq"
)
class DisclosureRecord:
    """A link of an area's chain: what happened to a notice, sealed (存证记录)."""

    seq: int = column(order=True, description="Its number in the area's chain, from 1 (序号).")
    kind: RecordKind = column()
    hash: str = column(description="SHA-256 of the body (存证值).")
    prev_hash: str = column(description="The hash of the record before; zeros in the first (前一存证值).")
    body: str = column(filter=False, description="The record in canonical JSON, exactly as it was hashed (存证内容).")
    sealed_at: datetime = column()
    line: str = python(
        lines.line,
        columns=lines.columns,
        settings=False,
        discloses=lines.WHY,
        description="The line of a chain file, with the texts that are public, for `gongzhi verify` (存证文件行).",
    )
    is_intact: bool = python(
        _is_intact,
        columns=lambda t: {"body": t.body, "hash": t.hash, "prev": t.prev_hash},
        settings=False,
        description="Does the hash fit the body? For the order of the whole chain, use `gongzhi verify` (是否未被改动).",
    )
    version: int = column(filter=False)
    area: Area = to_one()
    notice: DisclosureNotice | None = to_one()


def _days(name: str) -> Any:
    def listed(values: dict[str, Any], facts: Any) -> list[str]:
        found: list[str] = json.loads(values[name])
        return found

    return listed


@node(models.RestDays, scope=public("By which days windows are counted is for everybody."), order="-year")
class DisclosureRestDays:
    """The rest days of a year, as entered for an area and below (节假日安排)."""

    year: int = column(order=True)
    rest: list[str] = python(
        _days("rest"), columns=lambda t: {"rest": t.rest}, settings=False, description="Days off (放假日期)."
    )
    work: list[str] = python(
        _days("work"), columns=lambda t: {"work": t.work}, settings=False,
        description="Weekend days that are worked (调休上班日期).",
    )  # fmt: skip
    source: str = column(filter=False, description="The document it stands in (文件依据).")
    version: int = column(filter=False)
    area: Area = to_one()


@node(
    models.FileEntry,
    scope=public("What is filed of an organization is disclosed all year round (全年全过程公示)."),
    order="-occurred_at",
)
class DisclosureFileEntry:
    """A line of an organization's yearly file, from an event about it (年度档案条目)."""

    year: int = column(description="The civil year it happened in (年度).")
    heading: Heading = column()
    type: str = column(description="The event's type (事件类型).")
    subject: strawberry.ID = computed(
        lambda t: GlobalId(t.subject_tag, t.subject_id), description="What the event is about (对象)."
    )
    amount: Long | None = column(filter=False, description="In fen, where the event names a sum (金额,分).")
    occurred_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    organization: Actor = to_one(description="Whose file it is (所属组织).")


@extend(Query)
class DisclosureQuery:
    disclosure_notice: DisclosureNotice | None = one("id", description="A notice (公示).")
    disclosure_notices: Connection[DisclosureNotice] = every(description="Notices, the latest first (公示列表).")
    disclosure_objections: Connection[DisclosureObjection] = every(
        description="Objections the viewer may see (异议列表)."
    )
    disclosure_record: DisclosureRecord | None = one(
        "hash", description="The record with this hash, to check a printed notice by (按存证值查验)."
    )
    disclosure_records: Connection[DisclosureRecord] = every(description="Records of the chains (存证记录列表).")
    disclosure_rest_days: Connection[DisclosureRestDays] = every(description="Rest days, by year (节假日安排列表).")


@extend(Area)
class AreaDisclosure:
    disclosure_notices: Connection[DisclosureNotice] = connection("area_id", description="Notices here (本区域公示).")


@extend(Actor)
class ActorDisclosure:
    disclosure_notices: Connection[DisclosureNotice] = connection(
        "organization_id", description="Notices about this organization, for its yearly file (该组织公示)."
    )
    disclosure_file: Connection[DisclosureFileEntry] = connection(
        "organization_id",
        description="Its yearly file: ratings, grants, money, notices, activities; filter by `year` (年度档案).",
    )
