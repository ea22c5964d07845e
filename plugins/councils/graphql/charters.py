"""Charters and what they delegate: what there is to read, and what can be done."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import models, rules
from plugins.councils.graphql import owners
from plugins.councils.graphql.mutations import optional
from plugins.councils.graphql.nodes import CouncilsBody, CouncilsSeatRule, set_of
from plugins.councils.terms import (
    CharterParameter,
    CharterState,
    DelegationState,
    Matter,
    Rounding,
    SeatCategory,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, FilterField, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, Literal, RowOf, select
from schema.nodes.settings import RuleDocument
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts
from schema.scalars import Long


def _is_published(t: RowOf) -> Expr:
    return (t.state != CharterState.DRAFT) & (t.state != CharterState.WITHDRAWN)


def _charter_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """A draft is for those who draft; from the consultation on everybody reads it."""
    return _is_published(t) | v.acts_as(t.drafted_by_id) | v.may("councils.charter.draft", t.area_id)


def _of_charter(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.Charter).where(lambda c: (c.id == t.charter_id) & _charter_scope(c, v)).exists()


def _in_force_at(t: RowOf, moment: Expr) -> Expr:
    return (t.effective_from <= moment) & (t.superseded_at.is_null() | (t.superseded_at > moment))


@node(
    models.Charter,
    scope=_charter_scope,
    order="-drafted_at",
    filters=[
        FilterField(
            name="in_force_at", kind="instant", test=_in_force_at,
            description="The version in force at this instant; one in an area (某时施行的版本).",
        )
    ],
)  # fmt: skip
class CouncilsCharter:
    """A version of an area's charter (自治章程)."""

    number: int = column(description="Its number in the area (版本号).")
    title: str = column()
    state: CharterState = column()
    drafted_at: datetime = column(order=True)
    consultation_until: date | None = column(description="The last day for comments (征求意见截止日).")
    electorate: int | None = column(filter=False, description="Members who might vote (应参加人数).")
    took_part: int | None = column(filter=False, description="Of them took part (实际参加人数).")
    votes_for: int | None = column(filter=False)
    votes_against: int | None = column(filter=False)
    adopted_at: datetime | None = column()
    effective_from: datetime | None = column(description="Since when it is in force (施行时间).")
    superseded_at: datetime | None = column(description="When the next version took its place (被取代时间).")
    ballot_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("ballots_ballot"), t.ballot_id), description="The ballot that decides (表决编号)."
    )
    notice_id: strawberry.ID | None = computed(
        lambda t: GlobalId(Literal("disclosure_notice"), t.notice_id),
        description="The notice it was made public by; where it was corrected, its `supersededBy` leads to the one in force (公示).",
    )
    version: int = column(filter=False)
    area: Area = to_one()
    drafted_by: Actor = to_one()
    drafting_body: CouncilsBody | None = to_one()
    counts: Connection[CouncilsCharterCount] = connection(
        "charter_id", discloses="What one teller counted nobody is shown there before the other has.",
        description="What tellers counted in the assembly, two and two (计票记录).",
    )  # fmt: skip
    clauses: Connection[CouncilsClause] = connection(
        lambda c, t: (c.charter_id == t.id) & (c.is_dropped == False),  # noqa: E712
        discloses="Clauses are seen by who sees the charter.",
    )
    constitutes: Connection[CouncilsConstituted] = connection(
        lambda c, t: (c.charter_id == t.id) & (c.is_dropped == False),  # noqa: E712
        discloses="What it constitutes is seen by who sees the charter.",
        description="The bodies it constitutes (设立的组织).",
    )
    seat_rules: Connection[CouncilsSeatRule] = connection("charter_id")


def _count_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Nobody else sees what one teller counted, before the other of the pair has."""
    other = select(models.Count).where(lambda o: (o.charter_id == t.charter_id) & (o.pair == t.pair) & (o.id != t.id))
    return other.exists() | v.acts_as(t.entered_by_id)


@node(models.Count, scope=_count_scope, order="entered_at")
class CouncilsCharterCount:
    """What a teller counted in the members' assembly (计票记录)."""

    pair: int = column(description="Two of a pair have to be the same (第几次核对).")
    took_part: int = column(filter=False, description="How many took part (实际参加人数).")
    votes_for: int = column(filter=False)
    votes_against: int = column(filter=False)
    evidence: str = column(filter=False, description="Papers of the assembly (表决依据).")
    entered_at: datetime = column(order=True)
    area: Area = to_one()
    charter: CouncilsCharter | None = to_one()
    entered_by: Actor | None = to_one(description="The teller (计票人).")


@node(models.Clause, scope=_of_charter, order="position")
class CouncilsClause:
    """A clause of a charter (章程条款)."""

    key: str = column()
    position: int = column(filter=False, order=True)
    heading: str = column()
    text: str = column(filter=False)
    parameter: CharterParameter | None = column(description="What it tells the server (机器参数).")
    value: int | None = column(filter=False)
    matter: Matter | None = column()
    area: Area = to_one()
    charter: CouncilsCharter | None = to_one()


@node(models.Constituted, scope=_of_charter)
class CouncilsConstituted:
    """A body that a charter constitutes, and what holds for it (章程设立的组织)."""

    size: int = column(filter=False)
    is_advisory: bool = column()
    matters: list[Matter] = python(set_of("matters"), columns=lambda t: {"matters": t.matters}, settings=False)
    area: Area = to_one()
    charter: CouncilsCharter | None = to_one()
    body: CouncilsBody | None = to_one()


@node(models.Delegation, scope=public("What the government has left to whom is listed publicly (M46)."), order="-since")
class CouncilsDelegation:
    """A matter of the government that a body decides (行政放权)."""

    title: str = column()
    matter: Matter = column()
    instrument: str = column(description="The paper it rests on (依据文件).")
    bounds: str | None = column(filter=False, description="Within which it is left to the body (权限范围).")
    budget: Long | None = column(filter=False, description="Money that goes with it, in fen (配套经费,分).")
    since: date = column(order=True)
    ends_on: date | None = column()
    state: DelegationState = column()
    ended_on: date | None = column()
    reason: str | None = column(filter=False, description="Why it was revoked (收回理由).")
    version: int = column(filter=False)
    area: Area = to_one()
    government: Actor = to_one()
    body: CouncilsBody | None = to_one()
    rule_document: RuleDocument | None = to_one()
    taken_back: Connection[CouncilsTakenBack] = connection(
        "delegation_id", description="What the government decided itself all the same (政府自行决定记录)."
    )


@node(models.TakenBack, scope=public("It is on record so that everybody sees it."), order="-noted_at")
class CouncilsTakenBack:
    """A delegated matter that the government decided itself (代为决定记录)."""

    what: str = column(filter=False)
    reason: str = column(filter=False)
    noted_at: datetime = column(order=True)
    area: Area = to_one()
    delegation: CouncilsDelegation | None = to_one()
    noted_by: Actor | None = to_one()


@extend(CouncilsBody)
class CouncilsBodyCharter:
    charter: CouncilsCharter | None = to_one(description="The charter that constitutes it (设立章程).")
    delegations: Connection[CouncilsDelegation] = connection("body_id", description="What it was given (受权事项).")


@extend(CouncilsSeatRule)
class CouncilsSeatRuleCharter:
    charter: CouncilsCharter | None = to_one(description="The charter it stands in (所属章程).")


@extend(Query)
class CouncilsChartersQuery:
    councils_charter: CouncilsCharter | None = one("id", description="A version of a charter (自治章程).")
    councils_charters: Connection[CouncilsCharter] = every(description="Charters the viewer may see (自治章程列表).")
    councils_delegations: Connection[CouncilsDelegation] = every(description="Delegated powers (行政放权清单).")


@extend(Area)
class AreaCharters:
    councils_charters: Connection[CouncilsCharter] = connection(
        "area_id",
        discloses="Charters are seen by whom they are for there as well.",
        description="Charters here (本区域章程).",
    )


@strawberry.input(description="A clause as it is drafted (条款).")
class CouncilsClauseInput:
    key: str = strawberry.field(description="Its number or name, unique in the charter (条款编号).")
    heading: str
    text: str
    parameter: CharterParameter | None = strawberry.field(
        default=None, description="A number it tells the server, within what the settings allow (机器参数)."
    )
    value: int | None = None
    matter: Matter | None = strawberry.field(default=None, description="Of a LISTED_MATTER (事项).")


@strawberry.input(description="Bounds of a category, as a charter has them (席位规则).")
class CouncilsCharterSeatRule:
    category: SeatCategory
    minimum: int
    maximum: int
    out_of: int | None = None
    rounding: Rounding = Rounding.UP


@strawberry.input(description="A body the charter constitutes (设立的组织).")
class CouncilsConstitutes:
    body_id: strawberry.ID
    size: int
    seat_rules: list[CouncilsCharterSeatRule] = strawberry.field(
        default_factory=list, description="Its bounds (席位规则)."
    )
    is_advisory: bool = False
    matters: list[Matter] = strawberry.field(default_factory=list, description="What is left to it (授权事项).")


def _clauses(given: list[CouncilsClauseInput]) -> list[rules.NewClause]:
    return [rules.NewClause(c.key, c.heading, c.text, c.parameter, c.value, c.matter) for c in given]


def _constitutes(given: list[CouncilsConstitutes]) -> list[rules.NewBody]:
    return [
        rules.NewBody(
            from_global(b.body_id, "councils_body", "constitutes", str(n), "bodyId"),
            b.size,
            [rules.NewRule(r.category, r.minimum, r.maximum, r.out_of, r.rounding) for r in b.seat_rules],
            b.is_advisory,
            b.matters,
        )
        for n, b in enumerate(given)
    ]


@strawberry.input
class CouncilsDraftCharterInput(MutationInput):
    area_id: strawberry.ID
    title: str
    clauses: list[CouncilsClauseInput]
    constitutes: list[CouncilsConstitutes] = strawberry.field(default_factory=list, description="Bodies (设立的组织).")
    drafting_body_id: strawberry.ID | None = strawberry.field(
        default=None, description="The body that drafts it; its officers may (起草组织)."
    )


@mutation(
    "councils.charter.draft",
    on=[Subject(CouncilsBody, "drafting_body_id", owners.of_body), Subject(Area, "area_id")],
    charter=CouncilsCharter,
)
async def councils_draft_charter(work: Work, input: CouncilsDraftCharterInput) -> Result:
    """Draft a version of an area's charter (起草章程)."""
    charter = await rules.draft_charter(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        clauses=_clauses(input.clauses),
        constitutes=_constitutes(input.constitutes),
        drafting_body_id=optional(input.drafting_body_id, "councils_body", "draftingBodyId"),
    )
    return {"charter": charter}


@strawberry.input
class CouncilsCharterInput(ChangeInput):
    charter_id: strawberry.ID


def _charter(input: CouncilsCharterInput) -> UUID:
    return from_global(input.charter_id, "councils_charter", "charterId")


DRAFTED = Subject(CouncilsCharter, "charter_id", owners.of_drafting_body)


OF_CHARTER = Subject(CouncilsCharter, "charter_id")


@strawberry.input
class CouncilsReviseCharterInput(CouncilsCharterInput):
    clauses: list[CouncilsClauseInput]
    constitutes: list[CouncilsConstitutes] = strawberry.field(default_factory=list, description="Bodies (设立的组织).")
    title: str | None = None


@mutation("councils.charter.draft", on=DRAFTED, charter=CouncilsCharter)
async def councils_revise_charter(work: Work, input: CouncilsReviseCharterInput) -> Result:
    """Put another text in place of a draft's; it is consulted on anew (修改章程草案)."""
    charter = await rules.revise_charter(
        work,
        charter_id=_charter(input),
        title=input.title,
        clauses=_clauses(input.clauses),
        constitutes=_constitutes(input.constitutes),
    )
    return {"charter": charter}


@strawberry.input
class CouncilsConsultInput(CouncilsCharterInput):
    until: date | None = strawberry.field(default=None, description="The last day for comments (截止日).")


@mutation("councils.charter.draft", on=DRAFTED, charter=CouncilsCharter)
async def councils_consult(work: Work, input: CouncilsConsultInput) -> Result:
    """Publish a draft and ask for comments (公开征求意见)."""
    return {"charter": await rules.consult(work, charter_id=_charter(input), until=input.until)}


@strawberry.input
class CouncilsSubmitCharterInput(CouncilsCharterInput):
    by_ballot: bool = strawberry.field(
        default=True, description="False: an assembly votes, and two tellers enter its count (是否网上投票)."
    )
    electorate: int | None = strawberry.field(
        default=None, description="Of an assembly: how many members might vote, by the final list (应参加人数)."
    )


@mutation("councils.charter.draft", on=DRAFTED, charter=CouncilsCharter)
async def councils_submit_charter(work: Work, input: CouncilsSubmitCharterInput) -> Result:
    """Put a charter to the vote of the whole members (提交全体表决)."""
    charter = await rules.submit_charter(
        work, charter_id=_charter(input), by_ballot=input.by_ballot, electorate=input.electorate
    )
    return {"charter": charter}


@strawberry.input
class CouncilsEnterCharterVoteInput(CouncilsCharterInput):
    took_part: int = strawberry.field(description="How many took part (实际参加人数).")
    votes_for: int
    votes_against: int
    evidence: str = strawberry.field(description="Sign-in sheets, photos, minutes, by reference (依据材料).")


@mutation("councils.charter.count", on=OF_CHARTER, charter=CouncilsCharter)
async def councils_enter_charter_vote(work: Work, input: CouncilsEnterCharterVoteInput) -> Result:
    """Enter what one counted in the members' assembly. Two tellers do, each unseen by the other; where both have the same, it
    is decided (登记大会计票)."""
    charter = await rules.enter_vote(
        work,
        charter_id=_charter(input),
        took_part=input.took_part,
        votes_for=input.votes_for,
        votes_against=input.votes_against,
        evidence=input.evidence,
    )
    return {"charter": charter}


@strawberry.input
class CouncilsWithdrawCharterInput(CouncilsCharterInput):
    reason: str


@mutation("councils.charter.draft", on=DRAFTED, charter=CouncilsCharter)
async def councils_withdraw_charter(work: Work, input: CouncilsWithdrawCharterInput) -> Result:
    """Give a draft up (撤回章程草案)."""
    return {"charter": await rules.withdraw_charter(work, charter_id=_charter(input), reason=input.reason)}


@strawberry.input
class CouncilsEnactCharterInput(CouncilsCharterInput):
    pass


@mutation("councils.charter.enact", on=OF_CHARTER, charter=CouncilsCharter)
async def councils_enact_charter(work: Work, input: CouncilsEnactCharterInput) -> Result:
    """Put an adopted charter in force; the one before ends at the same instant (公布施行章程)."""
    return {"charter": await rules.enact_charter(work, charter_id=_charter(input))}


@strawberry.input
class CouncilsDelegateMatterInput(MutationInput):
    government_id: strawberry.ID
    body_id: strawberry.ID
    title: str
    matter: Matter
    instrument: str = strawberry.field(description="The paper it rests on (依据文件).")
    rule_document_id: strawberry.ID | None = None
    bounds: str | None = None
    budget: Long | None = strawberry.field(default=None, description="In fen (经费,分).")
    since: date | None = None
    ends_on: date | None = None


@mutation("councils.delegate", on=Subject(CouncilsBody, "body_id"), delegation=CouncilsDelegation)
async def councils_delegate_matter(work: Work, input: CouncilsDelegateMatterInput) -> Result:
    """Leave a matter of the government to a residents' body (下放行政事项)."""
    delegation = await rules.delegate_matter(
        work,
        government_id=from_global(input.government_id, "actor", "governmentId"),
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        matter=input.matter,
        instrument=input.instrument,
        rule_document_id=optional(input.rule_document_id, "ruledocument", "ruleDocumentId"),
        bounds=input.bounds,
        budget=input.budget,
        since=input.since,
        ends_on=input.ends_on,
    )
    return {"delegation": delegation}


@strawberry.input
class CouncilsRevokeDelegationInput(ChangeInput):
    delegation_id: strawberry.ID
    reason: str


OF_DELEGATION = Subject(CouncilsDelegation, "delegation_id", owners.of_delegation)


@mutation("councils.delegate", on=OF_DELEGATION, delegation=CouncilsDelegation)
async def councils_revoke_delegation(work: Work, input: CouncilsRevokeDelegationInput) -> Result:
    """Take a delegated matter back for good (收回放权事项)."""
    id = from_global(input.delegation_id, "councils_delegation", "delegationId")
    return {"delegation": await rules.revoke_delegation(work, delegation_id=id, reason=input.reason)}


@strawberry.input
class CouncilsTakeBackMatterInput(MutationInput):
    delegation_id: strawberry.ID
    what: str = strawberry.field(description="What the government decided itself (所决定事项).")
    reason: str


@mutation("councils.delegate", on=OF_DELEGATION, taken_back=CouncilsTakenBack)
async def councils_take_back_matter(work: Work, input: CouncilsTakeBackMatterInput) -> Result:
    """Put on record that the government decided a delegated matter itself (登记代为决定)."""
    id = from_global(input.delegation_id, "councils_delegation", "delegationId")
    noted = await rules.take_back(work, delegation_id=id, what=input.what, reason=input.reason)
    return {"taken_back": noted}
