"""What can be done about resolutions, tasks, reports, charters and delegations."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.councils import rules
from plugins.councils.graphql import owners
from plugins.councils.graphql.mutations import OF_BODY, OF_ITEM, CouncilsItemInput, item_of, optional
from plugins.councils.graphql.nodes import (
    CouncilsBody,
    CouncilsCharter,
    CouncilsDelegation,
    CouncilsOpinion,
    CouncilsReport,
    CouncilsResolution,
    CouncilsTakenBack,
    CouncilsTask,
)
from plugins.councils.terms import CharterParameter, Matter, Rounding, SeatCategory
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.core import Area
from schema.scalars import Long

# --- resolutions and opinions ----------------------------------------------------------------------------


@strawberry.input
class CouncilsPassResolutionInput(CouncilsItemInput):
    text: str
    votes_for: int
    votes_against: int
    title: str | None = None


@mutation("councils.resolution.pass", on=OF_ITEM, resolution=CouncilsResolution)
async def councils_pass_resolution(work: Work, input: CouncilsPassResolutionInput) -> Result:
    """Enter a show of hands about an item; the server says what came of it (登记举手表决)."""
    resolution = await rules.pass_resolution(
        work,
        item_id=item_of(input),
        text=input.text,
        votes_for=input.votes_for,
        votes_against=input.votes_against,
        title=input.title,
    )
    return {"resolution": resolution}


@strawberry.input
class CouncilsPutToBallotInput(CouncilsItemInput):
    text: str
    title: str | None = None
    is_secret: bool = False
    closes_at: datetime | None = None


@mutation("councils.resolution.pass", on=OF_ITEM, resolution=CouncilsResolution)
async def councils_put_to_ballot(work: Work, input: CouncilsPutToBallotInput) -> Result:
    """Let the members who are there vote by ballot; its closing decides (提付投票)."""
    resolution = await rules.put_to_ballot(
        work,
        item_id=item_of(input),
        text=input.text,
        title=input.title,
        is_secret=input.is_secret,
        closes_at=input.closes_at,
    )
    return {"resolution": resolution}


@strawberry.input
class CouncilsTakeEffectInput(ChangeInput):
    resolution_id: strawberry.ID


@mutation(
    "councils.resolution.effect",
    on=Subject(CouncilsResolution, "resolution_id", owners.of_its_body),
    resolution=CouncilsResolution,
)
async def councils_take_effect(work: Work, input: CouncilsTakeEffectInput) -> Result:
    """Let a resolution hold that was public long enough (宣布决议生效)."""
    id = from_global(input.resolution_id, "councils_resolution", "resolutionId")
    return {"resolution": await rules.take_effect(work, resolution_id=id)}


@strawberry.input
class CouncilsIssueOpinionInput(MutationInput):
    body_id: strawberry.ID
    title: str
    text: str
    item_id: strawberry.ID | None = None
    addressed_to_id: strawberry.ID | None = strawberry.field(default=None, description="The body it is for (送交组织).")
    agreeing: int | None = None
    differing: int | None = None


@mutation("councils.resolution.pass", on=OF_BODY, opinion=CouncilsOpinion)
async def councils_issue_opinion(work: Work, input: CouncilsIssueOpinionInput) -> Result:
    """Publish what a body advises; it never counts as a decision (发表意见)."""
    opinion = await rules.issue_opinion(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        text=input.text,
        item_id=optional(input.item_id, "councils_agenda_item", "itemId"),
        addressed_to_id=optional(input.addressed_to_id, "councils_body", "addressedToId"),
        agreeing=input.agreeing,
        differing=input.differing,
    )
    return {"opinion": opinion}


@strawberry.input
class CouncilsAnswerOpinionInput(ChangeInput):
    opinion_id: strawberry.ID
    reply: str


@mutation(
    "councils.opinion.answer", on=Subject(CouncilsOpinion, "opinion_id", owners.of_addressee), opinion=CouncilsOpinion
)
async def councils_answer_opinion(work: Work, input: CouncilsAnswerOpinionInput) -> Result:
    """Answer a body's opinion (答复意见)."""
    id = from_global(input.opinion_id, "councils_opinion", "opinionId")
    return {"opinion": await rules.answer_opinion(work, opinion_id=id, reply=input.reply)}


# --- tasks and reports -----------------------------------------------------------------------------------


@strawberry.input
class CouncilsAssignTaskInput(MutationInput):
    resolution_id: strawberry.ID
    assignee_id: strawberry.ID
    title: str
    due_on: date


@mutation(
    "councils.task.assign", on=Subject(CouncilsResolution, "resolution_id", owners.of_its_body), task=CouncilsTask
)
async def councils_assign_task(work: Work, input: CouncilsAssignTaskInput) -> Result:
    """Give somebody what has to be done after a resolution, as an activity (交办事项)."""
    task = await rules.assign_task(
        work,
        resolution_id=from_global(input.resolution_id, "councils_resolution", "resolutionId"),
        assignee_id=from_global(input.assignee_id, "actor", "assigneeId"),
        title=input.title,
        due_on=input.due_on,
    )
    return {"task": task}


@strawberry.input
class CouncilsTaskInput(ChangeInput):
    task_id: strawberry.ID


def _task(input: CouncilsTaskInput) -> UUID:
    return from_global(input.task_id, "councils_task", "taskId")


@strawberry.input
class CouncilsReportTaskInput(CouncilsTaskInput):
    report: str


@mutation("councils.task.report", on=Subject(CouncilsTask, "task_id", lambda t: [t.assignee_id]), task=CouncilsTask)
async def councils_report_task(work: Work, input: CouncilsReportTaskInput) -> Result:
    """Say what was done about a task one was given (反馈办理情况)."""
    return {"task": await rules.report_task(work, task_id=_task(input), report=input.report)}


@strawberry.input
class CouncilsConfirmTaskInput(CouncilsTaskInput):
    pass


@mutation("councils.task.assign", on=Subject(CouncilsTask, "task_id", owners.of_its_body), task=CouncilsTask)
async def councils_confirm_task(work: Work, input: CouncilsConfirmTaskInput) -> Result:
    """Find a task done, as somebody else than who did it (确认办结)."""
    return {"task": await rules.confirm_task(work, task_id=_task(input))}


@strawberry.input
class CouncilsCancelTaskInput(CouncilsTaskInput):
    reason: str


@mutation("councils.task.assign", on=Subject(CouncilsTask, "task_id", owners.of_its_body), task=CouncilsTask)
async def councils_cancel_task(work: Work, input: CouncilsCancelTaskInput) -> Result:
    """Call a task off (取消交办)."""
    return {"task": await rules.cancel_task(work, task_id=_task(input), reason=input.reason)}


@strawberry.input
class CouncilsFileAnnualReportInput(MutationInput):
    body_id: strawberry.ID
    year: int
    deliberation: str = strawberry.field(description="What was talked about (议事).")
    decision: str = strawberry.field(description="What was decided (决策).")
    work: str = strawberry.field(description="What was done (干事).")
    supervision: str = strawberry.field(description="What was looked at (监督).")
    service: str | None = strawberry.field(
        default=None, description="Whom it served; unless told, the year's services are listed (服务)."
    )
    title: str | None = None


@mutation("councils.report.file", on=OF_BODY, report=CouncilsReport)
async def councils_file_annual_report(work: Work, input: CouncilsFileAnnualReportInput) -> Result:
    """Give account of a body's year under its five duties; the server adds the figures (提交年度报告)."""
    report = await rules.file_annual_report(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        year=input.year,
        title=input.title,
        headings={
            "deliberation": input.deliberation,
            "decision": input.decision,
            "work": input.work,
            "supervision": input.supervision,
            "service": input.service,
        },
    )
    return {"report": report}


@strawberry.input
class CouncilsFileSupervisionReportInput(MutationInput):
    body_id: strawberry.ID
    title: str
    findings: str
    about_id: strawberry.ID | None = strawberry.field(default=None, description="Whose work was looked at (监督对象).")
    measures: str | None = strawberry.field(default=None, description="What should be done (整改建议).")


@mutation("councils.report.file", on=OF_BODY, report=CouncilsReport)
async def councils_file_supervision_report(work: Work, input: CouncilsFileSupervisionReportInput) -> Result:
    """Publish what a body's supervision found (提交监督报告)."""
    report = await rules.file_supervision_report(
        work,
        body_id=from_global(input.body_id, "councils_body", "bodyId"),
        title=input.title,
        findings=input.findings,
        about_id=optional(input.about_id, "actor", "aboutId"),
        measures=input.measures,
    )
    return {"report": report}


# --- charters --------------------------------------------------------------------------------------------


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


# --- delegated powers ------------------------------------------------------------------------------------


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
