"""Registrations, lists, entitlements, appeals, parity and service points, as the API shows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global
from plugins.new_residents import models
from plugins.new_residents.parity import PARITY
from plugins.new_residents.rules import is_open
from plugins.new_residents.terms import (
    DormitoryListState,
    EntitlementRefusal,
    EntitlementStanding,
    EntitlementState,
    EqualGroup,
    IdentityCheck,
    ParityFinding,
    ResidenceProofKind,
    ResidenceState,
    ResidentAppealState,
    ServicePointState,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import (
    Connection,
    Source,
    SourceArgument,
    column,
    computed,
    connection,
    extend,
    node,
    python,
    to_one,
)
from schema.nodes.expressions import Expr, GlobalId, Literal, RowOf, select
from schema.nodes.search import SearchHit
from schema.nodes.settings import RuleDocument
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts

VERIFY = "new_residents.residence.verify"


def _lists(t: RowOf, v: ViewerFacts) -> Expr:
    """The employer whose list it came from."""
    return select(models.DormitoryList).where(lambda d: (d.id == t.dormitory_id) & v.acts_as(d.employer_id)).exists()


def _registration_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For the person; for whoever verifies there, unless the person has not agreed; for the employer, until they answer."""
    asked = t.state == ResidenceState.INVITED
    employer = _lists(t, v)
    clerks = ~t.state.is_in([ResidenceState.DECLINED, ResidenceState.LAPSED]) & v.may(VERIFY, t.area_id)
    return v.acts_as(t.person_id) | (asked & employer) | clerks


def _facts(t: RowOf, v: ViewerFacts) -> Expr:
    """What an employer says of a worker is no clerk's to know before the worker has agreed."""
    return ~(t.state == ResidenceState.INVITED) | v.acts_as(t.person_id) | _lists(t, v)


@node(models.Registration, scope=_registration_scope, order="-submitted_at")
class NewResidentsRegistration:
    """A person says where and since when they live here, and a clerk verifies it (居住登记)."""

    state: ResidenceState = column(description="How far it has come (登记状态).")
    address: str | None = column(filter=False, visible=_facts, description="Where they live (居住地址).")
    workplace: str | None = column(filter=False, description="Where they work (工作单位).")
    claimed_since: date | None = column(visible=_facts, description="Since when, by their own word (自报入住日期).")
    since: date | None = column(description="Since when, as verified (核定居住起始日).")
    until: date | None = column(description="The day it ended (迁出日期).")
    submitted_at: datetime = column(order=True, description="When it was submitted (提交时间).")
    confirm_by: date | None = column(description="The last day to confirm what the list says (确认截止日).")
    identity: IdentityCheck | None = column(description="How they were identified (身份核验方式).")
    decided_on: date | None = column(description="When it was verified or refused (核验日期).")
    reason: str | None = column(filter=False, description="Why it was refused or revoked (理由).")
    consented_on: date | None = column(description="When the villagers were asked or decided (村民决定日期).")
    consent_evidence: str | None = column(filter=False, description="What the minutes say (会议记录凭据).")
    consent_ballot_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("ballots_ballot"), t.consent_ballot_id),
        description="The ballot in which they decide (表决编号).",
    )
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where they live (居住区域).")
    person: Actor = to_one(description="Who lives here (登记人).")
    employer: Actor | None = to_one(description="Whom they work for (用人单位).")
    dormitory: NewResidentsDormitoryList | None = to_one(description="The employer's list it came from (宿舍名单).")
    decided_by: Actor | None = to_one(description="Who verified or refused it (核验人).")
    evidence: Connection[NewResidentsEvidence] = connection("registration_id", description="What shows it (凭据).")
    appeals: Connection[NewResidentsAppeal] = connection("registration_id", description="Appeals about it (申诉).")
    grants: Connection[NewResidentsGrant] = connection("registration_id", description="What they have here (享有事项).")


# There is none before the person has said that they live here.
@node(models.Evidence, scope=lambda t, v: v.acts_as(t.person_id) | v.may(VERIFY, t.area_id), order="added_at")
class NewResidentsEvidence:
    """What shows that somebody lives here, by reference (居住凭据)."""

    kind: ResidenceProofKind = column(description="What kind of paper (凭据类型).")
    reference: str = column(filter=False, description="Its number, or where it is kept (凭据编号或存放处).")
    added_at: datetime = column(order=True, description="When it was brought (提交时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it lies (区域).")
    registration: NewResidentsRegistration | None = to_one(description="What it shows (所属登记).")


def _of_list(t: RowOf, *states: ResidenceState, but: bool = False) -> Expr:
    def counted(r: RowOf) -> Expr:
        among = r.state.is_in(list(states))
        return (r.dormitory_id == t.id) & (~among if but else among)

    return select(models.Registration).where(counted).count()


_WORKERS = "How many answered is for whoever sees the list; who did is not."


def _list_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For the employer; for each worker on it who has not said no, who has to know who asks; for whoever verifies there once
    nobody is asked any more: it says where they live, and whom they work for."""
    asked = select(models.Registration).where(lambda r: (r.dormitory_id == t.id) & (r.state == ResidenceState.INVITED))
    no = [ResidenceState.DECLINED, ResidenceState.LAPSED]
    mine = select(models.Registration).where(
        lambda r: (r.dormitory_id == t.id) & ~r.state.is_in(no) & v.acts_as(r.person_id)
    )
    return v.acts_as(t.employer_id) | mine.exists() | (v.may(VERIFY, t.area_id) & ~asked.exists())


@node(
    models.DormitoryList,
    scope=_list_scope,
    order="-submitted_at",
)
class NewResidentsDormitoryList:
    """An employer says who lives in its dormitory; each worker answers (单位宿舍名单)."""

    address: str = column(filter=False, description="Where the dormitory is (宿舍地址).")
    state: DormitoryListState = column(description="Whether it still waits for answers (名单状态).")
    submitted_at: datetime = column(order=True, description="When it was submitted (提交时间).")
    confirm_by: date = column(description="The last day to confirm (确认截止日).")
    workers: int = computed(
        lambda t: select(models.Registration).where(lambda r: r.dormitory_id == t.id).count(),
        discloses=_WORKERS, description="How many are on it (名单人数).",
    )  # fmt: skip
    waiting: int = computed(
        lambda t: _of_list(t, ResidenceState.INVITED),
        discloses=_WORKERS, description="How many have not answered (待确认人数).",
    )  # fmt: skip
    confirmed: int = computed(
        lambda t: _of_list(
            t, ResidenceState.INVITED, ResidenceState.DECLINED, ResidenceState.LAPSED, but=True
        ),
        discloses=_WORKERS, description="How many have confirmed (已确认人数).",
    )  # fmt: skip
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where the dormitory lies (区域).")
    employer: Actor = to_one(description="Whose dormitory it is (用人单位).")
    registrations: Connection[NewResidentsRegistration] = connection(
        "dormitory_id", description="The workers' registrations that the viewer may see (登记)."
    )


@node(
    models.Entitlement,
    scope=public("What newcomers have like everybody else is for everybody to know."),
    order="equal_group",
)
class NewResidentsEntitlement:
    """What newcomers have like everybody else, in an area and below (五同事项)."""

    equal_group: EqualGroup = column(order=True, description="Which of the five ways of equal footing (五同类别).")
    key: str = column(description="A short name for programs (事项代码).")
    title: str = column(order=True, description="What it is called (名称).")
    explanation: str | None = column(filter=False, description="What it means (说明).")
    min_months: int = column(description="Months of residence it asks of everybody (所需居住月数).")
    automatic: bool = column(description="Comes by itself to who lives here long enough (自动享有).")
    state: EntitlementState = column(description="Whether it is offered (事项状态).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it is offered, and below (提供区域).")
    exceptions: Connection[NewResidentsParityException] = connection(
        "entitlement_id", description="Statutes by which newcomers do not have it (法定例外)."
    )
    grants: Connection[NewResidentsGrant] = connection(
        "entitlement_id", description="Who has it, as far as the viewer may see (享有人)."
    )


@node(
    models.ParityException,
    scope=public("By which statute somebody does not have what others have is published."),
    order="-since",
)
class NewResidentsParityException:
    """The statutory rule by which newcomers do not have an entitlement (法定例外)."""

    statute: str = column(filter=False, description="The law and article it rests on (法律依据).")
    reason: str = column(filter=False, description="What it means here (理由).")
    since: date = column(order=True, description="Since when it is declared (登记日期).")
    until: date | None = column(description="When it ended; null while it holds (终止日期).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it holds (区域).")
    entitlement: NewResidentsEntitlement | None = to_one(description="What it keeps from newcomers (五同事项).")
    rule_document: RuleDocument | None = to_one(description="The rule document, if it is kept here (制度依据).")


def _grant_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.person_id) | v.may("new_residents.entitlement.grant", t.area_id)


@node(models.Grant, scope=_grant_scope, order="-asked_at")
class NewResidentsGrant:
    """An entitlement and a person who lives here: asked for, had, refused or ended (享有记录)."""

    state: EntitlementStanding = column(description="How it stands (享有状态).")
    asked_at: datetime = column(order=True, description="When it was asked for or given (申请时间).")
    decided_on: date | None = column(description="When it was decided (办理日期).")
    ground: EntitlementRefusal | None = column(description="Why it was refused (不予办理原因).")
    reason: str | None = column(filter=False, description="The reason given (理由).")
    ended_on: date | None = column(description="When it ended (终止日期).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where the person lives (居住区域).")
    entitlement: NewResidentsEntitlement | None = to_one(description="What it is about (五同事项).")
    person: Actor = to_one(description="Whose it is (享有人).")
    registration: NewResidentsRegistration | None = to_one(description="The newcomer's registration (居住登记).")
    decided_by: Actor | None = to_one(description="Who decided; null for what came by itself (办理人).")
    uses: Connection[NewResidentsUse] = connection("grant_id", description="When it was used (使用记录).")
    appeals: Connection[NewResidentsAppeal] = connection("grant_id", description="Appeals about it (申诉).")


def _use_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.Grant).where(lambda g: (g.id == t.grant_id) & _grant_scope(g, v)).exists()


@node(models.Use, scope=_use_scope, order="-recorded_at")
class NewResidentsUse:
    """An entitlement was used on a day (使用记录)."""

    used_on: date = column(description="The day (使用日期).")
    note: str | None = column(filter=False, description="What was done (备注).")
    recorded_at: datetime = column(order=True, description="When it was noted (登记时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it was used (区域).")
    grant: NewResidentsGrant | None = to_one(description="Whose entitlement (享有记录).")


@node(
    models.Appeal,
    scope=lambda t, v: v.acts_as(t.person_id) | v.may("new_residents.appeal.decide", t.area_id),
    order="-opened_at",
)
class NewResidentsAppeal:
    """A person doubts a decision about their residence or an entitlement (申诉)."""

    state: ResidentAppealState = column(description="How far it has come (申诉状态).")
    statement: str = column(filter=False, description="What the person says (申诉理由).")
    opened_at: datetime = column(order=True, description="When it was submitted (申诉时间).")
    answer: str | None = column(filter=False, description="Why it was decided so (裁定理由).")
    decided_at: datetime | None = column(description="When it was decided (裁定时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it lies (区域).")
    person: Actor = to_one(description="Who appeals (申诉人).")
    registration: NewResidentsRegistration | None = to_one(description="The residence it is about (居住登记).")
    grant: NewResidentsGrant | None = to_one(description="The entitlement it is about (享有记录).")
    against: Actor | None = to_one(description="Who decided before, and does not decide this (原办理人).")
    decided_by: Actor | None = to_one(description="Who decided the appeal (裁定人).")


# --- service points --------------------------------------------------------------------------------------


@strawberry.type(description="When a service point is open on a day of the week (开放时段).")
class NewResidentsOpening:
    weekday: int = strawberry.field(description="1 is Monday, 7 Sunday (星期).")
    opens: str = strawberry.field(description="From, as 08:30 in civil time (开始).")
    closes: str = strawberry.field(description="Until, as 12:00 (结束).")


def _list(name: str) -> Any:
    def read(values: dict[str, Any], facts: Any) -> list[Any]:
        found: list[Any] = json.loads(values[name])
        return found

    return read


def _openings(values: dict[str, Any], facts: Any) -> list[NewResidentsOpening]:
    return [NewResidentsOpening(weekday=d, opens=o, closes=c) for d, o, c in json.loads(values["hours"])]


def _closures(values: dict[str, Any], facts: Any) -> list[date]:
    return [date.fromisoformat(day) for day in json.loads(values["closures"])]


def _open_now(values: dict[str, Any], facts: Any) -> bool:
    local = facts.now.astimezone(facts.kernel.clock.zone)
    return values["state"] == ServicePointState.OPEN and is_open(values["hours"], values["closures"], local)


@node(models.ServicePoint, scope=public("Where to go, and when, is for everybody to know."), order="name")
class NewResidentsServicePoint:
    """Where newcomers find everything under one roof (新厦门人服务综合体)."""

    name: str = column(order=True, description="What it is called (名称).")
    address: str = column(filter=False, description="Where it is (地址).")
    phone: str | None = column(filter=False, description="Its telephone (电话).")
    state: ServicePointState = column(description="Whether it is there (服务点状态).")
    services: list[str] = python(
        _list("services"), columns=lambda t: {"services": t.services}, settings=False,
        description="What is done there (服务事项).",
    )  # fmt: skip
    hours: list[NewResidentsOpening] = python(
        _openings, columns=lambda t: {"hours": t.hours}, settings=False, description="When it is open (开放时间)."
    )
    closures: list[date] = python(
        _closures, columns=lambda t: {"closures": t.closures}, settings=False,
        description="Days on which it is closed all the same (休息日).",
    )  # fmt: skip
    open_now: bool = python(
        _open_now, columns=lambda t: {"hours": t.hours, "closures": t.closures, "state": t.state}, settings=False,
        description="Is it open at this moment (现在开放)?",
    )  # fmt: skip
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where it lies (区域).")


# --- parity ----------------------------------------------------------------------------------------------


def _area_id(value: str, context: Any) -> UUID:
    return from_global(value, "area", "areaId")


_COUNTS = (
    "newcomers", "newcomers_having", "newcomers_refused", "newcomers_using", "locals", "locals_having",
    "locals_refused", "locals_using", "newcomers_rate", "locals_rate",
)  # fmt: skip
REPORT = Source(
    PARITY,
    {
        "id": "uuid", "entitlement_id": "uuid", "area_id": "uuid", "equal_group": "text", "parity": "text",
        **dict.fromkeys(_COUNTS, "int"),
    },
    {
        "area": SourceArgument(
            strawberry.ID, _area_id, "uuid", "areaId", "In this area and below (区域).", names_area=True
        )
    },
)  # fmt: skip


@node(
    models.Entitlement,
    source=REPORT,
    order="equal_group",
    scope=public(
        "Whether newcomers fare like locals is public; counts are told in fives, those below five not at all."
    ),
)
class NewResidentsParity:
    """How newcomers fare beside locals in one entitlement; counts are rounded down to fives, from 1 to 4 null
    (五同对等报告)."""

    equal_group: EqualGroup = column(order=True, filter=False, description="Which of the five (五同类别).")
    parity: ParityFinding = column(filter=False, description="How they fare (对等情况).")
    newcomers: int | None = column(filter=False, description="Newcomers who live here, verified (新居民人数).")
    newcomers_having: int | None = column(filter=False, description="Of them, who have it (新居民享有人数).")
    newcomers_refused: int | None = column(
        filter=False, description="Who were refused it, though long enough here (新居民未批人数)."
    )
    newcomers_using: int | None = column(filter=False, description="Who have used it (新居民使用人数).")
    newcomers_rate: int | None = column(
        filter=False, description="Granted in a thousand decided, to the nearest 50 (新居民批准率,千分)."
    )
    locals: int | None = column(filter=False, description="Others who live here (本地居民人数).")
    locals_having: int | None = column(filter=False, description="Of them, who have it (本地居民享有人数).")
    locals_refused: int | None = column(
        filter=False, description="Who were refused it, though long enough here (本地居民未批人数)."
    )
    locals_using: int | None = column(filter=False, description="Who have used it (本地居民使用人数).")
    locals_rate: int | None = column(
        filter=False, description="Granted in a thousand decided, to the nearest 50 (本地居民批准率,千分)."
    )
    entitlement: NewResidentsEntitlement | None = to_one(description="What it is about (五同事项).")


@extend(Query)
class NewResidentsQuery:
    new_residents_registration: NewResidentsRegistration | None = one("id", description="A registration (居住登记).")
    new_residents_registrations: Connection[NewResidentsRegistration] = every(
        description="Registrations the viewer may see, the latest first (居住登记列表)."
    )
    new_residents_dormitory_lists: Connection[NewResidentsDormitoryList] = every(
        description="Employers' lists the viewer may see, the latest first (宿舍名单列表)."
    )
    new_residents_entitlements: Connection[NewResidentsEntitlement] = every(
        description="What newcomers have like everybody else (五同事项列表)."
    )
    new_residents_exceptions: Connection[NewResidentsParityException] = every(
        description="Statutory exceptions, the latest first (法定例外列表)."
    )
    new_residents_grants: Connection[NewResidentsGrant] = every(
        description="Who has what, as far as the viewer may see: one's own, and for clerks their areas' (享有记录列表)."
    )
    new_residents_appeals: Connection[NewResidentsAppeal] = every(
        description="Appeals the viewer may see, the latest first (申诉列表)."
    )
    new_residents_service_points: Connection[NewResidentsServicePoint] = every(
        description="Service points (服务点列表)."
    )
    new_residents_service_point: NewResidentsServicePoint | None = one("id", description="A service point (服务点).")
    new_residents_parity: Connection[NewResidentsParity] = every(
        description="How newcomers fare beside locals, in an area and below (五同对等报告)."
    )


@extend(Area)
class AreaNewResidents:
    new_residents_service_points: Connection[NewResidentsServicePoint] = connection(
        "area_id", description="Service points here (本区域服务点)."
    )
    new_residents_entitlements: Connection[NewResidentsEntitlement] = connection(
        "area_id", description="What is offered here (本区域五同事项)."
    )


@extend(Actor)
class ActorNewResidents:
    new_residents_registrations: Connection[NewResidentsRegistration] = connection(
        "person_id", description="Where they have registered (居住登记)."
    )
    new_residents_grants: Connection[NewResidentsGrant] = connection(
        "person_id", description="What they have on equal footing (享有事项)."
    )


@extend(SearchHit)
class SearchHitNewResidents:
    service_point: NewResidentsServicePoint | None = to_one(
        "id", description="The service point, if it is one (服务点)."
    )
    entitlement: NewResidentsEntitlement | None = to_one("id", description="The entitlement, if it is one (五同事项).")
