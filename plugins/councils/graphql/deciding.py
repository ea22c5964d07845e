"""What can be done about resolutions, opinions, tasks and reports."""

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
    CouncilsOpinion,
    CouncilsReport,
    CouncilsResolution,
    CouncilsTask,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation


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
