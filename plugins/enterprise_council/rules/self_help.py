"""What an enterprise or a resident finds, studies and solves themselves (自行发现、研究、解决): the community confirms it (M13)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.ports import ELIGIBILITY
from core.rules.inputs import clean_name, clean_text, evidence_text, needed, optional_text
from core.work import Work
from plugins.enterprise_council.models import SelfHelp
from plugins.enterprise_council.rules.common import enterprise_here
from plugins.enterprise_council.terms import SelfHelpState

TAKE, CONFIRM = "enterprise_council.self_help.take", "enterprise_council.self_help.confirm"


async def declare_self_help(work: Work, *, area_id: UUID, title: str, problem: str, place: str | None) -> SelfHelp:
    """An enterprise that is a unit here, or a resident, has found a problem and takes it upon themselves.

    Refuses NOT_AN_ENTERPRISE (a person or organization that is none, and no resident), ENTERPRISE_NOT_HERE, RESIDES_ELSEWHERE.
    """
    area = await work.get(Area, area_id)
    work.require(TAKE, area)
    owner = await work.get(Actor, work.principal_id)
    if owner.kind is ActorKind.PERSON:
        if await work.port(ELIGIBILITY).resident_since(work, owner.id, area.id) is None:
            raise Refusal("RESIDES_ELSEWHERE")
    else:
        await enterprise_here(work, owner.id, area.id)
    case = SelfHelp(
        id=new_id(), area_id=area.id, owner_id=owner.id, title=clean_name(title, "title"),
        problem=clean_text(problem, "problem", limit=4000), place=optional_text(place, "place", limit=200),
        state=SelfHelpState.DECLARED, declared_at=work.occurred_at,
    )  # fmt: skip
    work.add(case)
    _tell(work, case, "declared")
    return case


def _tell(work: Work, case: SelfHelp, what: str, reason: str | None = None) -> None:
    """`actor` is who solves it, whom others may thank."""
    data = {"case": str(case.id), "actor": str(case.owner_id)}
    work.record(f"enterprise_council.self_help.{what}", case, area_id=case.area_id, data=data, text={"reason": reason})


def _require_state(work: Work, case: SelfHelp, *allowed: SelfHelpState) -> None:
    """Refuses VERSION_CONFLICT, SELF_HELP_STATE."""
    work.expect_version(case)
    if case.state not in allowed:
        raise Refusal("SELF_HELP_STATE", state=case.state)


async def file_study(work: Work, *, case_id: UUID, study: str) -> SelfHelp:
    """Whoever declared it says what they found out, and what they will do. Refuses SELF_HELP_STATE."""
    area, case = await work.lock_with(SelfHelp, case_id, Area)
    work.require(TAKE, area, owner=case.owner_id)
    _require_state(work, case, SelfHelpState.DECLARED)
    work.change(
        case, state=SelfHelpState.STUDIED, study=clean_text(study, "study", limit=5000), studied_at=work.occurred_at
    )
    _tell(work, case, "studied")
    return case


async def file_solution(work: Work, *, case_id: UUID, solution: str, evidence: Sequence[str]) -> SelfHelp:
    """They have solved it, and show how. Refuses SELF_HELP_STATE, EVIDENCE_NEEDED."""
    area, case = await work.lock_with(SelfHelp, case_id, Area)
    work.require(TAKE, area, owner=case.owner_id)
    _require_state(work, case, SelfHelpState.STUDIED)
    work.change(
        case, state=SelfHelpState.SOLVED, solution=clean_text(solution, "solution", limit=5000),
        evidence=evidence_text(evidence, is_needed=True), solved_at=work.occurred_at,
    )  # fmt: skip
    _tell(work, case, "solved")
    return case


async def confirm_solution(work: Work, *, case_id: UUID, is_solved: bool, outcome: str) -> SelfHelp:
    """The community finds the problem solved, or says what is missing; never whoever solved it, or entered at the desk what
    they did (INV10). What it found goes back to them (INV12).

    Refuses OWN_MATTER, ENTERED_BY_YOU, SELF_HELP_STATE, EMPTY_TEXT.
    """
    area, case = await work.lock_with(SelfHelp, case_id, Area)
    work.require(CONFIRM, area)
    _require_state(work, case, SelfHelpState.SOLVED)
    await work.not_own(case.owner_id)
    await work.not_entered(case)
    text = needed(outcome, "outcome", limit=4000)
    if is_solved:
        work.change(
            case, state=SelfHelpState.CONFIRMED, outcome=text, confirmed_by_id=work.person_id, confirmed_at=work.now
        )
        _tell(work, case, "confirmed")
    else:
        work.change(case, state=SelfHelpState.STUDIED, outcome=text, solved_at=None)
        _tell(work, case, "returned")
    return case


async def abandon_self_help(work: Work, *, case_id: UUID, reason: str) -> SelfHelp:
    """They give it up, and say why. Refuses SELF_HELP_STATE, EMPTY_TEXT."""
    area, case = await work.lock_with(SelfHelp, case_id, Area)
    work.require(TAKE, area, owner=case.owner_id)
    _require_state(work, case, SelfHelpState.DECLARED, SelfHelpState.STUDIED)
    text = needed(reason, "reason", limit=4000)
    work.change(case, state=SelfHelpState.ABANDONED)
    _tell(work, case, "abandoned", text)
    return case
