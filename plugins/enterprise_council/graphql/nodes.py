"""Enterprise seats and shares, compacts, concerns and self-help, as the API shows them."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import strawberry

from core.agreement import AgreementState, EndReason
from plugins.enterprise_council import models
from plugins.enterprise_council.rules.concerns import MANAGE
from plugins.enterprise_council.terms import (
    CommitmentState,
    ConcernState,
    EnterpriseSeatState,
    PartyRole,
    SeatEnd,
    SelfHelpState,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, Literal, RowOf, select
from schema.nodes.search import SearchHit
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts


def _body(t: RowOf) -> Expr:
    return GlobalId(Literal("councils_body"), t.body_id)


def _evidence(values: dict[str, Any], facts: Any) -> list[str]:
    return [str(text) for text in json.loads(values["evidence"])]


# --- seats -----------------------------------------------------------------------------------------------


@node(models.EnterpriseShare, scope=public("How a body is composed is public."), order="body_name")
class EnterpriseCouncilShare:
    """The fixed share of enterprises in a deliberating body, and how much of it is taken (企业席位固定比例)."""

    body_id: strawberry.ID = computed(_body, filter=True, description="The body, a CouncilsBody (议事组织).")
    body_name: str = column(order=True, description="Its name (组织名称).")
    size: int = column(filter=False, description="All seats of the body (席位总数).")
    seats: int = column(description="Seats of enterprises, as the charter fixes them (企业席位数).")
    taken: int = column(description="Enterprise seats with a representative (有代表席位数).")
    is_whole: bool = column(description="Whether all of them have one (企业席位是否配齐).")
    is_valid: bool = column(description="Whether the whole composition is within its bounds (组成是否合规).")
    changed_at: datetime = column(filter=False, description="When this last changed (变动时间).")
    area: Area = to_one()
    enterprise_seats: Connection[EnterpriseCouncilSeat] = connection(
        lambda s, t: s.body_id == t.body_id,
        discloses="Who sits in a public body is public.",
        description="Who has and had a seat there (企业席位).",
    )


@node(
    models.EnterpriseSeat,
    scope=public("Which enterprise has a seat in a public body, and who represents it, is public; names are masked."),
    order="-since",
)
class EnterpriseCouncilSeat:
    """A seat that an enterprise holds in a body, through whom it sends (企业席位)."""

    body_id: strawberry.ID = computed(_body, filter=True, description="The body, a CouncilsBody (议事组织).")
    council_seat_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("councils_seat"), t.council_seat_id),
        description="The representative's seat there, a CouncilsSeat (代表席位).",
    )
    number: int = column(description="Which of the body's enterprise seats it is (席位序号).")
    state: EnterpriseSeatState = column()
    letter: str = column(filter=False, description="The mandate letter, by reference (委派函).")
    since: date = column(order=True)
    term_end: date = column(description="The first day the enterprise no longer sits there (任期届满日).")
    ended_on: date | None = column()
    ended_because: SeatEnd | None = column(description="Why it has the seat no longer (终止原因).")
    version: int = column(filter=False)
    area: Area = to_one()
    enterprise: Actor = to_one()
    representative: Actor | None = to_one(description="Who sits there for it, or sat last (企业代表).")


# --- compacts --------------------------------------------------------------------------------------------


def _is_party(compact: Expr, v: ViewerFacts) -> Expr:
    return select(models.CompactParty).where(lambda p: (p.compact_id == compact) & v.acts_as(p.actor_id)).exists()


def _compact_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """What was promised is promised before everybody; a draft is for its parties and whoever reviews."""
    return ~t.next_review_on.is_null() | _is_party(t.id, v) | v.may("enterprise_council.compact.review", t.area_id)


def _of_compact(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.Compact).where(lambda c: (c.id == t.compact_id) & _compact_scope(c, v)).exists()


def _review_due(t: RowOf, day: Expr) -> Expr:
    return (t.state == AgreementState.ACTIVE) & (t.next_review_on <= day)


@node(
    models.Compact,
    scope=_compact_scope,
    order="-starts_on",
    filters=[
        FilterField(
            name="review_due_on", kind="date", test=_review_due,
            description="Running, and to be reviewed by this day (应于某日前评议).",
        )
    ],
)  # fmt: skip
class EnterpriseCouncilCompact:
    """Town, village and enterprise promise each other something, both ways (镇村企命运共同体公约)."""

    title: str = column()
    purpose: str | None = column(filter=False)
    state: AgreementState = column()
    starts_on: date = column(order=True)
    ends_on: date = column(order=True, description="The first day it no longer runs (到期日).")
    sign_by: date = column(description="The last day to sign (签署截止日).")
    next_review_on: date | None = column(description="When it is to be reviewed next (下次评议日).")
    notice_ends_on: date | None = column(description="When it ends by notice (提前终止日).")
    end_reason: EndReason | None = column()
    ended_on: date | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    proposed_by: Actor = to_one()
    parties: Connection[EnterpriseCouncilParty] = connection(
        "compact_id", discloses="Parties are seen by who sees the compact."
    )
    commitments: Connection[EnterpriseCouncilCommitment] = connection(
        "compact_id", discloses="Commitments are seen by who sees the compact."
    )
    reviews: Connection[EnterpriseCouncilReview] = connection("compact_id")


@node(models.CompactParty, scope=_of_compact)
class EnterpriseCouncilParty:
    """Who is in a compact, and whether they have signed (公约主体)."""

    role: PartyRole = column()
    signed_at: datetime | None = computed(
        lambda t: (
            select(models.CompactSignature)
            .where(lambda s: (s.agreement_id == t.compact_id) & (s.party_id == t.actor_id))
            .first("signed_at", order_by="id")
        ),
        discloses="Whoever sees the compact sees who has signed it.",
        description="When they signed (签署时间).",
    )
    area: Area = to_one()
    compact: EnterpriseCouncilCompact | None = to_one()
    actor: Actor = to_one()


def _overdue(t: RowOf, day: Expr) -> Expr:
    return (t.state == CommitmentState.OPEN) & (t.due_on < day)


@node(
    models.Commitment,
    scope=_of_compact,
    order="due_on",
    filters=[
        FilterField(
            name="overdue_on",
            kind="date",
            test=_overdue,
            description="Not delivered though due before this day (逾期未履行).",
        )
    ],
)
class EnterpriseCouncilCommitment:
    """What a party promises until a day (公约承诺)."""

    role: PartyRole = column(description="As what the party promises it (承诺方).")
    text: str = column(filter=False)
    due_on: date = column(order=True)
    state: CommitmentState = column()
    report: str | None = column(filter=False, description="What the party says it has done (履行情况).")
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": t.evidence}, settings=False, description="What shows it (凭据)."
    )
    delivered_on: date | None = column()
    remark: str | None = column(filter=False, description="What the other side says (对方意见).")
    confirmed_on: date | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    compact: EnterpriseCouncilCompact | None = to_one()
    party: Actor = to_one()
    confirmed_by: Actor | None = to_one()


@node(models.CompactReview, scope=public("How a compact went is for everybody to read."), order="-reviewed_at")
class EnterpriseCouncilReview:
    """How a year of a compact went (公约年度评议)."""

    year: int = column()
    due: int = column(filter=False, description="Commitments due that year, as the server counted (应履行).")
    delivered: int = column(filter=False, description="Of them delivered (已履行).")
    confirmed: int = column(filter=False, description="Of them confirmed by the other side (已确认).")
    late: int = column(filter=False, description="Of them late (逾期).")
    findings: str = column(filter=False)
    next_steps: str | None = column(filter=False)
    reviewed_at: datetime = column(order=True)
    area: Area = to_one()
    compact: EnterpriseCouncilCompact | None = to_one()
    reviewed_by: Actor | None = to_one()


# --- concerns --------------------------------------------------------------------------------------------


def _concern_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For the enterprise, for who has to answer, and for who gives concerns to owners there."""
    return v.acts_as(t.enterprise_id) | v.acts_as(t.owner_id) | v.may(MANAGE, t.area_id)


_WAITING = [ConcernState.RAISED, ConcernState.ASSIGNED]


def _unanswered(t: RowOf, day: Expr) -> Expr:
    return t.state.is_in(list(_WAITING)) & (t.due_on < day)


@node(
    models.Concern,
    scope=_concern_scope,
    order="-raised_at",
    filters=[
        FilterField(
            name="overdue_on",
            kind="date",
            test=_unanswered,
            description="Not answered though due before this day (逾期未答复).",
        )
    ],
)
class EnterpriseCouncilConcern:
    """What an enterprise asks for, and the dated answer (企业诉求)."""

    title: str = column()
    details: str = column(filter=False)
    state: ConcernState = column()
    raised_at: datetime = column(order=True)
    due_on: date = column(order=True, description="An answer is due by this day; nobody moves it (答复期限).")
    round: int = column(filter=False, description="How often an answer was asked for (第几次答复).")
    reply: str | None = column(filter=False)
    replied_at: datetime | None = column()
    response: str | None = column(filter=False, description="What the enterprise says about the answer (企业反馈).")
    is_satisfied: bool | None = column()
    closed_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    enterprise: Actor = to_one()
    owner: Actor | None = to_one(description="Who has to answer (承办人).")
    replied_by: Actor | None = to_one()


# --- self-help -------------------------------------------------------------------------------------------


@node(
    models.SelfHelp,
    scope=public("What somebody solves for the community, and that it is confirmed, is public; names are masked."),
    order="-declared_at",
)
class EnterpriseCouncilSelfHelp:
    """A problem somebody finds, studies and solves themselves; the community confirms it (自行发现研究解决)."""

    title: str = column()
    problem: str = column(filter=False)
    place: str | None = column(filter=False)
    state: SelfHelpState = column()
    declared_at: datetime = column(order=True)
    study: str | None = column(filter=False)
    studied_at: datetime | None = column()
    solution: str | None = column(filter=False)
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": t.evidence}, settings=False, description="What shows it (凭据)."
    )
    solved_at: datetime | None = column()
    outcome: str | None = column(filter=False, description="What the community found (社区意见).")
    confirmed_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    owner: Actor = to_one(description="Who took it on (自行办理主体).")
    confirmed_by: Actor | None = to_one()


# --- where they are found --------------------------------------------------------------------------------


@extend(Query)
class EnterpriseCouncilQuery:
    enterprise_council_shares: Connection[EnterpriseCouncilShare] = every(
        description="The enterprises' share in every body that has one (企业席位比例列表)."
    )
    enterprise_council_seats: Connection[EnterpriseCouncilSeat] = every(description="Enterprise seats (企业席位列表).")
    enterprise_council_compact: EnterpriseCouncilCompact | None = one("id", description="A compact (共建公约).")
    enterprise_council_compacts: Connection[EnterpriseCouncilCompact] = every(
        description="Compacts the viewer may see (共建公约列表)."
    )
    enterprise_council_commitments: Connection[EnterpriseCouncilCommitment] = every(
        description="Commitments the viewer may see (公约承诺列表)."
    )
    enterprise_council_concerns: Connection[EnterpriseCouncilConcern] = every(
        description="Concerns the viewer may see (企业诉求列表)."
    )
    enterprise_council_self_helps: Connection[EnterpriseCouncilSelfHelp] = every(
        description="What was found and solved by themselves (自行解决事项列表)."
    )


@extend(Area)
class AreaEnterpriseCouncil:
    enterprise_council_shares: Connection[EnterpriseCouncilShare] = connection(
        "area_id", description="The enterprises' share in the bodies here (本区域企业席位比例)."
    )
    enterprise_council_compacts: Connection[EnterpriseCouncilCompact] = connection(
        "area_id",
        discloses="Compacts are seen by whom they are for there as well.",
        description="Compacts here (本区域公约).",
    )
    enterprise_council_self_helps: Connection[EnterpriseCouncilSelfHelp] = connection(
        "area_id", description="What is solved here by themselves (本区域自行解决事项)."
    )


@extend(Actor)
class ActorEnterpriseCouncil:
    enterprise_council_seats: Connection[EnterpriseCouncilSeat] = connection(
        "enterprise_id", description="Seats it holds (企业席位)."
    )
    enterprise_council_commitments: Connection[EnterpriseCouncilCommitment] = connection(
        "party_id",
        discloses="Commitments are seen by whom they are for there as well.",
        description="What it has promised (承诺).",
    )


@extend(SearchHit)
class SearchHitEnterpriseCouncil:
    self_help: EnterpriseCouncilSelfHelp | None = to_one("id", description="The case, if it is one (自行解决事项).")
