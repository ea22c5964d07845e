"""What follows a resolution: tasks as core activities; and the reports in which a body gives account."""

from __future__ import annotations

import json
from datetime import date
from uuid import UUID

from core.enums import ActivityState
from core.errors import Refusal
from core.ids import new_id
from core.models import Activity, Actor, Entity
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.councils.models import Body, Report, Resolution, Task
from plugins.councils.rules.common import require_active
from plugins.councils.rules.services import of_the_year
from plugins.councils.rules.standing import officer
from plugins.councils.terms import ReportKind, ResolutionState, TaskState

ASSIGN, REPORT, FILE = "councils.task.assign", "councils.task.report", "councils.report.file"
HEADINGS = ("deliberation", "decision", "work", "supervision", "service")  # 议事、决策、干事、监督、服务


async def assign_task(work: Work, *, resolution_id: UUID, assignee_id: UUID, title: str, due_on: date) -> Task:
    """Give somebody what has to be done, as an activity that others may join. Refuses NOT_IN_EFFECT, IN_THE_PAST."""
    body, resolution = await work.lock_with(Resolution, resolution_id, Body)
    work.require(ASSIGN, body, owner=await officer(work, body.id))
    if resolution.state is not ResolutionState.EFFECTIVE:
        raise Refusal("NOT_IN_EFFECT", state=resolution.state)
    return await _assign(work, body, resolution, assignee_id, title, due_on, resolution.title)


async def assign_decided(
    work: Work, *, body_id: UUID, decision: Entity, assignee_id: UUID, title: str, due_on: date
) -> Task:
    """Give somebody what follows a decision that another mechanism keeps, which has asked whether they may. Refuses
    BODY_DISSOLVED, IN_THE_PAST."""
    body = await work.lock(Body, body_id)
    require_active(body)
    return await _assign(work, body, decision, assignee_id, title, due_on, body.name)


async def _assign(
    work: Work, body: Body, decision: Entity, assignee_id: UUID, title: str, due_on: date, summary: str
) -> Task:
    if due_on < work.happened_on:
        raise Refusal("IN_THE_PAST", path=("dueOn",))
    assignee = await work.get(Actor, assignee_id)
    name = clean_name(title, "title")
    activity = Activity(
        id=new_id(), area_id=body.area_id, organizer_id=assignee.id, title=name, summary=summary, place=None,
        state=ActivityState.OPEN, starts_at=work.now, ends_at=work.clock.end_of(due_on), capacity=None, places_taken=0,
    )  # fmt: skip
    work.add(activity)
    work.record("core.activity.organised", activity, area_id=body.area_id)
    resolution = decision if isinstance(decision, Resolution) else None
    other = None if resolution else decision
    task = Task(
        id=new_id(), area_id=body.area_id, body_id=body.id, resolution_id=resolution and resolution.id,
        decision_tag=other and other.tag, decision_id=other and other.id, activity_id=activity.id,
        assignee_id=assignee.id, title=name, due_on=due_on, state=TaskState.OPEN,
    )  # fmt: skip
    work.add(task)
    data = {**_about(task), "assignee": str(assignee.id)}
    work.record("councils.task.assigned", task, area_id=body.area_id, data=data)
    return task


def _about(task: Task) -> dict[str, str]:
    """What events say of a task: what it follows, and who has it."""
    if task.resolution_id is not None:
        return {"resolution": str(task.resolution_id), "actor": str(task.assignee_id)}
    return {
        "decisionTag": str(task.decision_tag), "decisionId": str(task.decision_id), "actor": str(task.assignee_id),
    }  # fmt: skip


def _require_state(work: Work, task: Task, *allowed: TaskState) -> None:
    """Refuses VERSION_CONFLICT, TASK_STATE."""
    work.expect_version(task)
    if task.state not in allowed:
        raise Refusal("TASK_STATE", state=task.state)


async def report_task(work: Work, *, task_id: UUID, report: str) -> Task:
    """Whoever has it says what was done. Refuses TASK_STATE."""
    _, task = await work.lock_with(Task, task_id, Body)
    work.require(REPORT, task, owner=task.assignee_id)
    _require_state(work, task, TaskState.OPEN, TaskState.REPORTED)
    work.change(
        task, state=TaskState.REPORTED, report=clean_text(report, "report", limit=4000), reported_at=work.occurred_at
    )
    work.record("councils.task.reported", task, area_id=task.area_id, data=_about(task))
    return task


async def confirm_task(work: Work, *, task_id: UUID) -> Task:
    """Somebody else finds it done (INV10). Refuses TASK_STATE, OWN_MATTER."""
    body, task = await work.lock_with(Task, task_id, Body)
    work.require(ASSIGN, body, owner=await officer(work, body.id))
    _require_state(work, task, TaskState.REPORTED)
    await work.not_own(task.assignee_id)
    work.change(task, state=TaskState.CONFIRMED, confirmed_by_id=work.person_id)
    work.record("councils.task.confirmed", task, area_id=task.area_id, data=_about(task))
    await _finish(work, task, ActivityState.FINISHED, "core.activity.finished")
    return task


async def cancel_task(work: Work, *, task_id: UUID, reason: str) -> Task:
    """It is not to be done any more, and why. Refuses TASK_STATE."""
    body, task = await work.lock_with(Task, task_id, Body)
    work.require(ASSIGN, body, owner=await officer(work, body.id))
    _require_state(work, task, TaskState.OPEN, TaskState.REPORTED)
    text = needed(reason, "reason")
    work.change(task, state=TaskState.CANCELLED)
    work.record("councils.task.cancelled", task, area_id=task.area_id, text={"reason": text})
    await _finish(work, task, ActivityState.CANCELLED, "core.activity.cancelled")
    return task


async def _finish(work: Work, task: Task, state: ActivityState, event: str) -> None:
    activity = await work.lock(Activity, task.activity_id)
    if activity.state in (ActivityState.PLANNED, ActivityState.OPEN):
        work.change(activity, state=state)
        work.record(event, activity, area_id=activity.area_id)


# --- reports ---------------------------------------------------------------------------------------------

_FIGURES = {
    "meetings": "SELECT count(*) FROM councils_meeting m WHERE m.body_id = {0} AND m.starts_at >= {1} AND m.starts_at < {2}"
    " AND m.quorum_met",
    "adjourned": "SELECT count(*) FROM councils_meeting m WHERE m.body_id = {0} AND m.starts_at >= {1}"
    " AND m.starts_at < {2} AND m.state = 'ADJOURNED'",
    "agendaItems": "SELECT count(*) FROM councils_agenda_item i WHERE i.body_id = {0} AND i.proposed_at >= {1}"
    " AND i.proposed_at < {2}",
    "adopted": "SELECT count(*) FROM councils_resolution r WHERE r.body_id = {0} AND r.put_at >= {1} AND r.put_at < {2}"
    " AND r.state IN ('ADOPTED', 'EFFECTIVE')",
    "rejected": "SELECT count(*) FROM councils_resolution r WHERE r.body_id = {0} AND r.put_at >= {1} AND r.put_at < {2}"
    " AND r.state NOT IN ('ADOPTED', 'EFFECTIVE', 'VOTING')",
    "tasks": "SELECT count(*) FROM councils_task k JOIN core_activity a ON a.id = k.activity_id LEFT JOIN councils_resolution r"
    " ON r.id = k.resolution_id WHERE k.body_id = {0} AND coalesce(r.put_at, a.starts_at) >= {1}"
    " AND coalesce(r.put_at, a.starts_at) < {2} AND k.state <> 'CANCELLED'",
    "tasksConfirmed": "SELECT count(*) FROM councils_task k JOIN core_activity a ON a.id = k.activity_id LEFT JOIN councils_resolution r"
    " ON r.id = k.resolution_id WHERE k.body_id = {0} AND coalesce(r.put_at, a.starts_at) >= {1}"
    " AND coalesce(r.put_at, a.starts_at) < {2} AND k.state = 'CONFIRMED'",
    "supervisionReports": "SELECT count(*) FROM councils_report p WHERE p.body_id = {0} AND p.kind = 'SUPERVISION'"
    " AND p.filed_at >= {1} AND p.filed_at < {2}",
    "opinions": "SELECT count(*) FROM councils_opinion o WHERE o.body_id = {0} AND o.issued_at >= {1}"
    " AND o.issued_at < {2}",
    "services": "SELECT count(*) FROM councils_service s WHERE s.body_id = {0} AND s.since <= {4}"
    " AND (s.until IS NULL OR s.until >= {3} AND s.until >= s.since)",
}


async def file_annual_report(
    work: Work, *, body_id: UUID, year: int, headings: dict[str, str | None], title: str | None
) -> Report:
    """A body's year under its five duties; the figures are counted by the server. Where nothing is said of its services, they
    are listed. Refuses REPORT_EXISTS, IN_THE_FUTURE, EMPTY_TEXT."""
    body = await work.lock(Body, body_id)
    work.require(FILE, body, owner=await officer(work, body.id))
    if not body.founded_on.year <= year <= work.happened_on.year:
        raise Refusal("IN_THE_FUTURE", path=("year",))
    if await work.find(Report, body_id=body.id, year=year, kind=ReportKind.ANNUAL):
        raise Refusal("REPORT_EXISTS")
    said = {**headings, "service": headings["service"] or await of_the_year(work, body, year)}
    texts = {name: clean_text(said[name] or "", name, limit=5000) for name in HEADINGS}
    begins, ends = work.clock.period(str(year))
    columns = ", ".join(f'({sql}) AS "{name}"' for name, sql in _FIGURES.items())
    days = date(year, 1, 1), date(year, 12, 31)
    counted = (await work.rows(f"SELECT {columns}", body.id, begins, ends, *days))[0]
    report = Report(
        id=new_id(), area_id=body.area_id, body_id=body.id, kind=ReportKind.ANNUAL, year=year,
        title=clean_name(title or f"{body.name} {year} 年度报告", "title"), supervised_id=None, **texts,
        figures=json.dumps({name: counted[name] for name in _FIGURES}), filed_by_id=work.person_id, filed_at=work.now,
    )  # fmt: skip
    work.add(report)
    work.record("councils.report.filed", report, area_id=body.area_id, data={"body": str(body.id), "year": year})
    return report


async def file_supervision_report(
    work: Work, *, body_id: UUID, title: str, findings: str, about_id: UUID | None, measures: str | None
) -> Report:
    """What the body found when it looked at somebody's work. Refuses OWN_MATTER (INV10)."""
    body = await work.get(Body, body_id)
    work.require(FILE, body, owner=await officer(work, body.id))
    require_active(body)
    about = None if about_id is None else await work.get(Actor, about_id)
    await work.not_own(None if about is None else about.id)
    report = Report(
        id=new_id(), area_id=body.area_id, body_id=body.id, kind=ReportKind.SUPERVISION, year=work.happened_on.year,
        title=clean_name(title, "title"), supervised_id=None if about is None else about.id,
        supervision=clean_text(findings, "findings", limit=5000), work=optional_text(measures, "measures", limit=5000),
        figures="{}", filed_by_id=work.person_id, filed_at=work.now,
    )  # fmt: skip
    work.add(report)
    work.record("councils.report.filed", report, area_id=body.area_id, data={"body": str(body.id)})
    return report
