"""Bodies, meetings and resolutions, as the API shows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import strawberry

from core.enums import ActorKind
from core.models import Actor as KnownActor
from plugins.councils import models
from plugins.councils.rules.common import unpacked
from plugins.councils.terms import (
    SITTING,
    AgendaState,
    AttendanceState,
    BodyKind,
    BodyState,
    Matter,
    MeetingState,
    ReportKind,
    ResolutionState,
    Rounding,
    SeatCategory,
    SeatedBy,
    SeatOffice,
    SeatRuleState,
    SeatState,
    TaskState,
    VacatedBecause,
    VoteMethod,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Activity, Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, Literal, RowOf, select
from schema.nodes.search import SearchHit
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts


def set_of(name: str) -> Any:
    def read(values: dict[str, Any], facts: Any) -> list[Any]:
        return unpacked(values[name])

    return read


def _filled(body_id: Expr) -> Any:
    return select(models.Seat).where(lambda s: (s.body_id == body_id) & (s.state == SeatState.FILLED))


def _sitting(body_id: Expr) -> Any:
    return select(models.Seat).where(lambda s: (s.body_id == body_id) & s.state.is_in(list(SITTING)))


@node(models.Body, scope=public("Who deliberates for whom is everybody's business."), order="name")
class CouncilsBody:
    """A deliberating body of an area: a residents' or villagers' council, a panel, a committee (议事组织)."""

    name: str = column(order=True)
    kind: BodyKind = column()
    purpose: str | None = column(filter=False)
    is_advisory: bool = column(description="It advises; only what it was given it decides (议而不决).")
    size: int = column(description="How many seats it has (席位总数).")
    matters: list[Matter] = python(
        set_of("matters"), columns=lambda t: {"matters": t.matters}, settings=False,
        description="What its charter leaves to it, where it does not decide everything (章程授权事项).",
    )  # fmt: skip
    state: BodyState = column()
    is_valid: bool = column(
        description="Whether its composition is within all bounds, of its seats and of who sits there (组成是否合规)."
    )
    founded_on: date = column()
    dissolved_on: date | None = column()
    version: int = column(filter=False)
    filled_seats: int = computed(
        lambda t: _filled(t.id).count(),
        discloses="Who sits there is public.",
        description="Seats with a holder (在任人数).",
    )
    vacancies: int = computed(
        lambda t: t.size - _sitting(t.id).count(),
        discloses="Who sits there is public.",
        description="Seats without one (空缺席位).",
    )
    suspended_seats: int = computed(
        lambda t: _sitting(t.id).count() - _filled(t.id).count(),
        discloses="Who sits there is public.",
        description="Seats of a mechanism that is off; they count nowhere meanwhile (暂停席位).",
    )
    area: Area = to_one()
    organization: Actor | None = to_one(description="The self-governing organization whose organ it is (所属自治组织).")
    seat_rules: Connection[CouncilsSeatRule] = connection("body_id", description="Bounds by category (席位规则).")
    seats: Connection[CouncilsSeat] = connection("body_id", description="Who sits and sat there (席位).")
    compositions: Connection[CouncilsComposition] = connection(
        "body_id", description="How it was composed after every change, the latest first (组成历史)."
    )
    meetings: Connection[CouncilsMeeting] = connection("body_id")
    agenda_items: Connection[CouncilsAgendaItem] = connection(
        "body_id", discloses="Items that are not for everybody are not shown there either."
    )
    resolutions: Connection[CouncilsResolution] = connection("body_id")
    opinions: Connection[CouncilsOpinion] = connection("body_id")
    reports: Connection[CouncilsReport] = connection("body_id")
    tasks: Connection[CouncilsTask] = connection("body_id", description="What has to be done (后续事项).")


@node(models.SeatRule, scope=public("How a body is composed is public."), order="-since")
class CouncilsSeatRule:
    """How many seats a category has in a body (席位规则)."""

    category: SeatCategory = column()
    minimum: int = column(filter=False, description="At least so many seats, or parts of outOf (最低).")
    maximum: int = column(filter=False, description="At most (最高).")
    out_of: int | None = column(filter=False, description="Null: seats are counted; else it is a share (分母).")
    rounding: Rounding = column(filter=False)
    lower: int = column(description="What the minimum comes to for the body's size (最少席数).")
    upper: int = column(description="What the maximum comes to (最多席数).")
    kept_by: str | None = column(
        filter=False,
        description="The mechanism that keeps these seats: a fixed number, moved by a charter alone (所属机制).",
    )
    state: SeatRuleState = column()
    since: datetime | None = column(order=True)
    until: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()


@node(
    models.Seat,
    scope=public("Who holds a public office, for how long, is public; names are masked as everywhere."),
    order="-term_start",
)
class CouncilsSeat:
    """Somebody's term in a body (席位)."""

    category: SeatCategory = column()
    categories: list[SeatCategory] = python(
        set_of("categories"), columns=lambda t: {"categories": t.categories}, settings=False,
        description="All categories the holder counts in (计入类别).",
    )  # fmt: skip
    office: SeatOffice = column()
    via: SeatedBy = column(description="How they came to sit there (产生方式).")
    election_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("ballots_election"), t.election_id),
        description="The election they sit by (所依据的选举编号).",
    )
    is_voting: bool = column(description="Government attends without a vote (是否有表决权).")
    kept_by: str | None = column(filter=False, description="The mechanism that keeps the seat (所属机制).")
    state: SeatState = column()
    term_start: date = column(order=True)
    term_end: date = column(description="The first day they no longer sit there (任期届满日).")
    vacated_on: date | None = column()
    vacated_because: VacatedBecause | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    holder: Actor = to_one()
    mandate_of: Actor | None = to_one(description="The organization that sent them (委派单位).")


def _violations(values: dict[str, Any], facts: Any) -> list[CouncilsViolation]:
    return [
        CouncilsViolation(category=SeatCategory(category), count=count, lower=lower, upper=upper)
        for category, count, lower, upper in json.loads(values["violations"])
    ]


def _counts(values: dict[str, Any], facts: Any) -> list[CouncilsCount]:
    counts = json.loads(values["counts"])
    return [CouncilsCount(category=SeatCategory(category), count=count) for category, count in counts.items()]


@strawberry.type(description="How many count in a category (类别人数).")
class CouncilsCount:
    category: SeatCategory = strawberry.field(description="The category (类别).")
    count: int = strawberry.field(description="How many holders count in it (人数).")


@strawberry.type(description="A category out of its bounds (不合规类别).")
class CouncilsViolation:
    category: SeatCategory = strawberry.field(description="The category (类别).")
    count: int = strawberry.field(description="How many there are (现有人数).")
    lower: int = strawberry.field(description="How many there must be (最少).")
    upper: int = strawberry.field(
        description="How many there may be; where there are too many, of those who sit there now (最多)."
    )


@node(models.CompositionCheck, scope=public("How a body is composed is public."), order="-checked_at")
class CouncilsComposition:
    """How a body was composed after a change (组成情况)."""

    checked_at: datetime = column(order=True)
    size: int = column(filter=False)
    filled: int = column(filter=False)
    is_valid: bool = column()
    counts: list[CouncilsCount] = python(_counts, columns=lambda t: {"counts": t.counts}, settings=False)
    violations: list[CouncilsViolation] = python(
        _violations, columns=lambda t: {"violations": t.violations}, settings=False
    )
    area: Area = to_one()
    body: CouncilsBody | None = to_one()


@node(models.Meeting, scope=public("When a body meets, and what its minutes say, is public."), order="-starts_at")
class CouncilsMeeting:
    """A meeting of a body (会议)."""

    number: int = column(description="Its number in the body (届次).")
    state: MeetingState = column()
    is_urgent: bool = column(description="Without the usual notice; it decides nothing that is listed (紧急会议).")
    called_at: datetime = column()
    starts_at: datetime = column(order=True)
    notice_days: int = column(filter=False)
    quorum_percent: int = column(filter=False, description="More than this percentage has to be there (法定到会比例).")
    majority_percent: int = column(filter=False, description="More than this percentage has to be for it (通过比例).")
    speaking_minutes: int | None = column(filter=False, description="By the charter's conduct clause (发言时限).")
    members: int | None = column(filter=False, description="Members with a vote (应到).")
    present: int | None = column(filter=False, description="Of them there (实到).")
    quorum_met: bool | None = column(description="Whether they were enough, as computed (是否达到法定人数).")
    minutes: str | None = column(filter=False)
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    activity: Activity | None = to_one(description="The meeting as an activity, with its place (对应活动).")
    called_by: Actor | None = to_one()
    minutes_by: Actor | None = to_one(description="Who wrote the minutes (记录人).")
    confirmed_by: Actor | None = to_one(description="Who found them right (确认人).")
    agenda: Connection[CouncilsAgendaItem] = connection(
        "meeting_id", discloses="What is placed on an agenda is public.", description="Its agenda (议程)."
    )
    attendances: Connection[CouncilsAttendance] = connection("meeting_id")
    resolutions: Connection[CouncilsResolution] = connection("meeting_id")


@node(models.Attendance, scope=public("Whether those who hold a seat come is public."))
class CouncilsAttendance:
    """Whether a member came (到会登记)."""

    state: AttendanceState = column()
    is_voting: bool = column()
    area: Area = to_one()
    meeting: CouncilsMeeting | None = to_one()
    seat: CouncilsSeat | None = to_one()
    holder: Actor = to_one()


def sits(t: RowOf, v: ViewerFacts) -> Expr:
    """Does the viewer sit in the body?"""
    return (
        select(models.Seat)
        .where(lambda s: (s.body_id == t.body_id) & (s.state == SeatState.FILLED) & v.acts_as(s.holder_id))
        .exists()
    )


def _item_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """What is on an agenda is public; what was merely proposed is for the proposer and those who settle the agenda."""
    settled = t.state.is_in([AgendaState.PLACED, AgendaState.VOTED])
    return settled | v.acts_as(t.proposed_by_id) | v.may("councils.meeting.call", t.area_id) | sits(t, v)


def _own_matter(t: RowOf, v: ViewerFacts) -> Expr:
    """What is a person's own matter is, beyond its title, for that person, the proposer, the members and the clerks."""
    personal = select(KnownActor).where(
        lambda a: (a.id == t.concerns_id) & a.kind.is_in([ActorKind.PERSON, ActorKind.HOUSEHOLD])
    )
    own = v.acts_as(t.concerns_id) | v.acts_as(t.proposed_by_id) | v.may("councils.meeting.call", t.area_id)
    return ~personal.exists() | own | sits(t, v)


@node(models.AgendaItem, scope=_item_scope, order="-proposed_at")
class CouncilsAgendaItem:
    """Something a body should talk about (议题)."""

    title: str = column()
    details: str | None = column(
        filter=False, visible=_own_matter, description="What it is about; of a person's own matter for few (说明)."
    )
    matter: Matter = column()
    state: AgendaState = column()
    position: int | None = column(filter=False)
    proposed_at: datetime = column(order=True)
    answer: str | None = column(filter=False, description="Why it was declined or referred (答复).")
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    meeting: CouncilsMeeting | None = to_one()
    proposed_by: Actor = to_one()
    concerns: Actor | None = to_one(
        visible=_own_matter, description="Whose own matter it is; a person is told to few (涉及主体)."
    )
    referred_from: CouncilsAgendaItem | None = to_one(description="The item of the body below (来源议题).")
    recusals: Connection[CouncilsRecusal] = connection("item_id")
    resolutions: Connection[CouncilsResolution] = connection("item_id")


@node(models.Recusal, scope=public("Who kept out of a decision is public; why is for those concerned."))
class CouncilsRecusal:
    """A member keeps out of an item (回避)."""

    is_automatic: bool = column(description="Because it is their own matter, whether they said so or not (系统认定).")
    declared_at: datetime = column()
    reason: str | None = column(
        filter=False, visible=lambda t, v: v.acts_as(t.holder_id) | v.may("councils.meeting.record", t.area_id)
    )
    area: Area = to_one()
    item: CouncilsAgendaItem | None = to_one()
    seat: CouncilsSeat | None = to_one()
    holder: Actor = to_one()


@node(models.Resolution, scope=public("What was decided, and with how many votes, is public."), order="-put_at")
class CouncilsResolution:
    """What a body decided (决议)."""

    title: str = column()
    text: str = column(filter=False)
    matter: Matter = column()
    is_listed: bool = column(description="Not to be decided out of composition (是否列明事项).")
    method: VoteMethod = column()
    state: ResolutionState = column()
    majority_percent: int = column(filter=False)
    eligible: int = column(filter=False, description="Members who might vote (有权表决人数).")
    recused: int = column(filter=False, description="Members who kept out (回避人数).")
    votes_for: int | None = column(filter=False)
    votes_against: int | None = column(filter=False)
    votes_abstained: int | None = column(
        filter=False,
        description="Of hands, who raised none; in a ballot, who chose to abstain: who stayed away is not among them (弃权数).",
    )
    ballot_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("ballots_ballot"), t.ballot_id), description="The ballot that decides (表决编号)."
    )
    notice_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("disclosure_notice"), t.notice_id),
        description="The notice it was made public by; where it was corrected, its `supersededBy` leads to the one in force (公示).",
    )
    put_at: datetime = column(order=True)
    decided_at: datetime | None = column()
    effective_at: datetime | None = column(description="Since when it holds (生效时间).")
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    meeting: CouncilsMeeting | None = to_one()
    item: CouncilsAgendaItem | None = to_one()
    recorded_by: Actor | None = to_one()
    tasks: Connection[CouncilsTask] = connection("resolution_id", description="What has to be done (后续事项).")


@node(models.Opinion, scope=public("Advice to public bodies is public."), order="-issued_at")
class CouncilsOpinion:
    """What a body advises; never a decision (意见)."""

    title: str = column()
    text: str = column(filter=False)
    agreeing: int | None = column(filter=False)
    differing: int | None = column(filter=False)
    issued_at: datetime = column(order=True)
    reply: str | None = column(filter=False)
    replied_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    item: CouncilsAgendaItem | None = to_one()
    addressed_to: CouncilsBody | None = to_one(description="Which body it is for (送交组织).")
    issued_by: Actor | None = to_one()
    replied_by: Actor | None = to_one()


def _overdue(t: RowOf, day: Expr) -> Expr:
    return (t.state == TaskState.OPEN) & (t.due_on < day)


@node(
    models.Task,
    scope=public("Who does what after a public decision is public."),
    order="due_on",
    filters=[
        FilterField(
            name="overdue_on", kind="date", test=_overdue, description="Open though due before this day (逾期未办)."
        )
    ],
)
class CouncilsTask:
    """What has to be done after a resolution (决议事项)."""

    title: str = column()
    due_on: date = column(order=True)
    state: TaskState = column()
    report: str | None = column(filter=False)
    reported_at: datetime | None = column()
    version: int = column(filter=False)
    decision_id: strawberry.ID | None = computed(
        lambda t: GlobalId(t.decision_tag, t.decision_id),
        description="What another mechanism decided (其他机制的决定).",
    )
    area: Area = to_one()
    body: CouncilsBody | None = to_one(description="Whose task it is (所属组织).")
    resolution: CouncilsResolution | None = to_one()
    activity: Activity | None = to_one()
    assignee: Actor = to_one()
    confirmed_by: Actor | None = to_one()


@strawberry.type(description="A figure of an annual report (数据).")
class CouncilsFigure:
    name: str = strawberry.field(description="What was counted: meetings, adopted, tasksConfirmed … (指标).")
    value: int = strawberry.field(description="How many (数值).")


def _figures(values: dict[str, Any], facts: Any) -> list[CouncilsFigure]:
    return [CouncilsFigure(name=name, value=value) for name, value in json.loads(values["figures"]).items()]


@node(models.Report, scope=public("Bodies give account to everybody."), order="-filed_at")
class CouncilsReport:
    """A body's year under its five duties, or what its supervision found (报告)."""

    kind: ReportKind = column()
    year: int = column()
    title: str = column()
    deliberation: str | None = column(filter=False, description="What was talked about (议事).")
    decision: str | None = column(filter=False, description="What was decided (决策).")
    work: str | None = column(filter=False, description="What was done (干事).")
    supervision: str | None = column(filter=False, description="What was looked at (监督).")
    service: str | None = column(filter=False, description="Whom it served (服务).")
    figures: list[CouncilsFigure] = python(
        _figures,
        columns=lambda t: {"figures": t.figures},
        settings=False,
        description="As the server counted (统计数据).",
    )
    filed_at: datetime = column(order=True)
    area: Area = to_one()
    body: CouncilsBody | None = to_one()
    about: Actor | None = to_one("supervised_id", description="Whose work was looked at (监督对象).")
    filed_by: Actor | None = to_one()


@extend(Query)
class CouncilsQuery:
    councils_body: CouncilsBody | None = one("id", description="A body (议事组织).")
    councils_bodies: Connection[CouncilsBody] = every(description="Bodies (议事组织列表).")
    councils_seats: Connection[CouncilsSeat] = every(description="Who sits and sat where (席位列表).")
    councils_meetings: Connection[CouncilsMeeting] = every(description="Meetings (会议列表).")
    councils_agenda_items: Connection[CouncilsAgendaItem] = every(description="Items the viewer may see (议题列表).")
    councils_resolutions: Connection[CouncilsResolution] = every(description="Resolutions (决议列表).")
    councils_opinions: Connection[CouncilsOpinion] = every(description="Opinions (意见列表).")
    councils_tasks: Connection[CouncilsTask] = every(description="Follow-up tasks (决议事项列表).")
    councils_reports: Connection[CouncilsReport] = every(description="Reports (报告列表).")


@extend(Area)
class AreaCouncils:
    councils_bodies: Connection[CouncilsBody] = connection("area_id", description="Bodies here (本区域议事组织).")


@extend(SearchHit)
class SearchHitCouncils:
    body: CouncilsBody | None = to_one("id", description="The body, if it is one (议事组织).")


@extend(Actor)
class ActorCouncils:
    councils_seats: Connection[CouncilsSeat] = connection("holder_id", description="Where this actor sits (任职席位).")
    councils_tasks: Connection[CouncilsTask] = connection("assignee_id", description="What it has to do (承办事项).")
