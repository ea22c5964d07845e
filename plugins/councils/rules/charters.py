"""A charter's version (M01): drafted, open to comments, withdrawn; and what its clauses may say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name, clean_text, needed
from core.work import Work
from plugins.councils.models import Body, Charter, Clause, Constituted, SeatRule
from plugins.councils.ports import SEAT_KEEPER
from plugins.councils.rules import composition
from plugins.councils.rules.bodies import _size
from plugins.councils.rules.common import packed, require_active
from plugins.councils.rules.standing import keeper, officer
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import (
    CharterParameter,
    CharterState,
    Matter,
    Rounding,
    SeatCategory,
    SeatRuleState,
)

DRAFT, COUNT, ENACT = "councils.charter.draft", "councils.charter.count", "councils.charter.enact"


MOST_CLAUSES, MOST_BODIES = 200, 30


AT_LEAST = (
    CharterParameter.QUORUM_PERCENT,
    CharterParameter.MAJORITY_PERCENT,
    CharterParameter.NOTICE_DAYS,
    CharterParameter.REQUEST_RESIDENTS_ONE_IN,
    CharterParameter.REQUEST_MEMBERS_ONE_IN,
    CharterParameter.CALLS_TO_ORDER,
    CharterParameter.APPEAL_DAYS,
)


MILDER = (CharterParameter.CALLS_TO_ORDER, CharterParameter.EXCLUSION_DAYS, CharterParameter.APPEAL_DAYS)


LIMITS = {
    CharterParameter.QUORUM_PERCENT: (1, 99),
    CharterParameter.MAJORITY_PERCENT: (1, 99),
    CharterParameter.TERM_MONTHS: (1, 120),
    CharterParameter.NOTICE_DAYS: (0, 60),
    CharterParameter.SPEAKING_MINUTES: (1, 240),
    CharterParameter.REQUEST_RESIDENTS_ONE_IN: (1, 1000),
    CharterParameter.REQUEST_MEMBERS_ONE_IN: (1, 1000),
    CharterParameter.CALLS_TO_ORDER: (1, 20),
    CharterParameter.EXCLUSION_DAYS: (0, 365),
    CharterParameter.APPEAL_DAYS: (1, 90),
}


RESIDENTS = (
    "SELECT count(DISTINCT m.actor_id) AS n FROM core_membership m JOIN core_area_closure c"
    " ON c.descendant_id = m.area_id AND c.ancestor_id = {0} AND c.until IS NULL JOIN core_actor a ON a.id = m.actor_id"
    " AND a.kind = 'PERSON' AND a.gone_at IS NULL WHERE m.role = 'RESIDENT' AND m.state = 'ACTIVE' AND m.since <= {1}"
    " AND (m.until IS NULL OR m.until >= {1})"
)


@dataclass(frozen=True)
class NewClause:
    key: str
    heading: str
    text: str
    parameter: CharterParameter | None = None
    value: int | None = None
    matter: Matter | None = None


@dataclass(frozen=True)
class NewRule:
    category: SeatCategory
    minimum: int
    maximum: int
    out_of: int | None = None
    rounding: Rounding = Rounding.UP


@dataclass(frozen=True)
class NewBody:
    """A body the charter constitutes, and what holds for it from then on."""

    body_id: UUID
    size: int
    rules: Sequence[NewRule]
    is_advisory: bool = False
    matters: Sequence[Matter] = ()


def require_state(charter: Charter, *allowed: CharterState) -> None:
    """Refuses CHARTER_STATE in any other state."""
    if charter.state not in allowed:
        raise Refusal("CHARTER_STATE", state=charter.state)


async def draft_charter(
    work: Work, *, area_id: UUID, title: str, clauses: Sequence[NewClause], constitutes: Sequence[NewBody],
    drafting_body_id: UUID | None = None,
) -> Charter:  # fmt: skip
    """Begin a version: its clauses and the bodies it constitutes. A body's officers may draft for it.

    Refuses NOT_ITS_BODY (a body elsewhere), CLAUSE_PARAMETER, PARAMETER_TOO_LAX (INV17), CLAUSE_EXISTS, what seat rules refuse.
    """
    area = await work.lock(Area, area_id)
    body = None if drafting_body_id is None else await work.get(Body, drafting_body_id)
    is_here = body is not None and body.area_id == area.id
    work.require(DRAFT, area, owner=await officer(work, body.id) if body is not None and is_here else None)
    if body is not None and not is_here:
        raise Refusal("NOT_ITS_BODY", path=("draftingBodyId",))
    number = (await work.rows("SELECT count(*) AS n FROM councils_charter WHERE area_id = {}", area_id))[0]["n"] + 1
    charter = Charter(
        id=new_id(), area_id=area_id, number=number, title=clean_name(title, "title"), state=CharterState.DRAFT,
        drafted_by_id=work.principal_id, drafted_at=work.occurred_at, drafting_body_id=None if body is None else body.id,
    )  # fmt: skip
    work.add(charter)
    await _write(work, area, charter, clauses, constitutes)
    work.record("councils.charter.drafted", charter, area_id=area_id, data={"number": number})
    return charter


async def revise_charter(
    work: Work, *, charter_id: UUID, title: str | None, clauses: Sequence[NewClause], constitutes: Sequence[NewBody]
) -> Charter:
    """Put another text in place of the draft's; after a consultation it is open to comments once more."""
    area, charter = await drafted(work, charter_id)
    require_state(charter, CharterState.DRAFT, CharterState.CONSULTATION)
    for clause in await work.select(Clause, charter_id=charter.id, is_dropped=False):
        work.change(clause, is_dropped=True)
    for constituted in await work.select(Constituted, charter_id=charter.id, is_dropped=False):
        work.change(constituted, is_dropped=True)
    for rule in await work.select(SeatRule, charter_id=charter.id, state=SeatRuleState.PLANNED):
        work.change(rule, state=SeatRuleState.ENDED, until=work.now)
    work.change(
        charter, state=CharterState.DRAFT, consultation_until=None,
        title=charter.title if title is None else clean_name(title, "title"),
    )  # fmt: skip
    await _write(work, area, charter, clauses, constitutes)
    work.record("councils.charter.revised", charter, area_id=charter.area_id)
    return charter


async def drafted(work: Work, charter_id: UUID) -> tuple[Area, Charter]:
    """A charter with its area, both held, for whoever may draft it: also the drafting body's officers."""
    area, charter = await work.lock_with(Charter, charter_id, Area)
    owner = None if charter.drafting_body_id is None else await officer(work, charter.drafting_body_id)
    work.require(DRAFT, area, owner=owner)
    work.expect_version(charter)
    return area, charter


async def _write(
    work: Work, area: Area, charter: Charter, clauses: Sequence[NewClause], constitutes: Sequence[NewBody]
) -> None:
    """Queue the clauses and the bodies with their planned seat rules."""
    if not clauses:
        raise Refusal("NO_CLAUSES", path=("clauses",))
    if len(clauses) > MOST_CLAUSES or len(constitutes) > MOST_BODIES:
        raise Refusal("AGENDA_TOO_LONG", path=("clauses",), limit=MOST_CLAUSES)
    if len({c.key for c in clauses}) < len(clauses):
        raise Refusal("CLAUSE_EXISTS", path=("clauses",))
    await require_conforming(work, area, clauses)
    for position, c in enumerate(clauses, 1):
        at = ("clauses", str(position - 1))
        work.add(
            Clause(
                id=new_id(),
                area_id=area.id,
                charter_id=charter.id,
                key=clean_name(c.key, *at, "key", limit=80),
                position=position,
                heading=clean_name(c.heading, *at, "heading"),
                text=clean_text(c.text, *at, "text"),
                parameter=c.parameter,
                value=c.value,
                matter=c.matter,
            )
        )
    if len({b.body_id for b in constitutes}) < len(constitutes):
        raise Refusal("ALREADY_CONSTITUTED", path=("constitutes",))
    for number, new in enumerate(constitutes):
        body = await work.get(Body, new.body_id)
        require_active(body)
        if area.id not in work.place(body).chain:
            raise Refusal("NOT_ITS_BODY", path=("constitutes", str(number), "bodyId"))
        rules = [await _planned(work, charter, body, new, rule) for rule in new.rules]
        composition.require_possible(_size(new.size), rules)
        work.add(
            Constituted(
                id=new_id(),
                area_id=area.id,
                charter_id=charter.id,
                body_id=body.id,
                size=new.size,
                is_advisory=new.is_advisory,
                matters=packed(list(new.matters)),
            )
        )
        for rule in rules:
            work.add(rule)


async def _planned(work: Work, charter: Charter, body: Body, new: NewBody, rule: NewRule) -> SeatRule:
    """Refuses BAD_SEAT_RULE; of seats that a mechanism keeps PLUGIN_DISABLED where it is off, KEPT_IS_FIXED, and what it
    refuses itself."""
    lower, upper = composition.bounds(rule.minimum, rule.maximum, rule.out_of, rule.rounding, new.size)
    kept_by = keeper(work, body, rule.category)
    if kept_by is not None:
        if rule.minimum != rule.maximum:
            raise Refusal("KEPT_IS_FIXED", path=("constitutes",), category=rule.category.zh)
        await work.port(SEAT_KEEPER).accept(work, body, str(rule.category), seats=lower, size=new.size)
    return SeatRule(
        id=new_id(), area_id=body.area_id, body_id=body.id, charter_id=charter.id, category=rule.category,
        minimum=rule.minimum, maximum=rule.maximum, out_of=rule.out_of, rounding=rule.rounding, lower=lower, upper=upper,
        kept_by=kept_by, state=SeatRuleState.PLANNED,
    )  # fmt: skip


async def require_conforming(work: Work, area: Area, clauses: Sequence[NewClause | Clause]) -> None:
    """What clauses tell the server is a number that can be, and no laxer than the settings and the charters in force
    above; about conduct no harsher (INV17). Refuses CLAUSE_PARAMETER, PARAMETER_TOO_LAX, PARAMETER_TOO_HARSH."""
    settings = await work.settings(CouncilsSettings, area)
    above = await work.rows(
        "SELECT k.parameter, k.value FROM councils_charter c JOIN core_area_closure x ON x.ancestor_id = c.area_id"
        " AND x.descendant_id = {} AND x.until IS NULL AND x.depth > 0 JOIN councils_clause k ON k.charter_id = c.id"
        " AND k.is_dropped = FALSE AND k.value IS NOT NULL WHERE c.state = 'IN_FORCE'",
        area.id,
    )
    for number, clause in enumerate(clauses):
        parameter, at = clause.parameter, ("clauses", str(number), "value")
        fits = (clause.value is None) == (parameter in (None, CharterParameter.LISTED_MATTER))
        if not fits or (clause.matter is None) == (parameter is CharterParameter.LISTED_MATTER):
            raise Refusal("CLAUSE_PARAMETER", path=at)
        if parameter is None or clause.value is None:
            continue
        low, high = LIMITS[parameter]
        if not low <= clause.value <= high:
            raise Refusal("CLAUSE_PARAMETER", path=at)
        limits = [row["value"] for row in above if row["parameter"] == parameter]
        limits += [int(getattr(settings, parameter.lower()))] if hasattr(settings, parameter.lower()) else []
        code = "PARAMETER_TOO_HARSH" if parameter in MILDER else "PARAMETER_TOO_LAX"
        if parameter in AT_LEAST and limits and clause.value < max(limits):
            raise Refusal(code, path=at, limit=max(limits))
        if parameter not in AT_LEAST and limits and clause.value > min(limits):
            raise Refusal(code, path=at, limit=min(limits))


async def consult(work: Work, *, charter_id: UUID, until: date | None = None) -> Charter:
    """Publish the draft and take comments until a day: its days count from now, as nobody could read it before it is
    entered. Refuses CONSULTATION_TOO_SHORT, CHARTER_STATE."""
    area, charter = await drafted(work, charter_id)
    require_state(charter, CharterState.DRAFT)
    settings = await work.settings(CouncilsSettings, area)
    least = work.clock.civil_date(work.now) + timedelta(days=settings.consultation_days)
    if until is not None and until < least:
        raise Refusal("CONSULTATION_TOO_SHORT", path=("until",), days=settings.consultation_days)
    work.change(charter, state=CharterState.CONSULTATION, consultation_until=until or least)
    work.record("councils.charter.consulted", charter, area_id=charter.area_id)
    return charter


async def clauses_of(work: Work, charter: Charter) -> list[Clause]:
    return await work.select(Clause, charter_id=charter.id, is_dropped=False)


async def withdraw_charter(work: Work, *, charter_id: UUID, reason: str) -> Charter:
    """Give a draft up, and say why."""
    area, charter = await drafted(work, charter_id)
    require_state(charter, CharterState.DRAFT, CharterState.CONSULTATION)
    text = needed(reason, "reason")
    for rule in await work.select(SeatRule, charter_id=charter.id, state=SeatRuleState.PLANNED):
        work.change(rule, state=SeatRuleState.ENDED, until=work.now)
    work.change(charter, state=CharterState.WITHDRAWN)
    work.record("councils.charter.withdrawn", charter, area_id=area.id, text={"reason": text})
    return charter
