"""A charter's version: drafted, open to comments, voted on by the members, made public, in force, superseded (M01)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Area
from core.ports import DECISION_GATE
from core.rules.inputs import clean_name, clean_text, needed
from core.work import Work
from plugins.councils.models import Body, Charter, Clause, Constituted, Count, Seat, SeatRule
from plugins.councils.ports import SEAT_KEEPER
from plugins.councils.rules import composition
from plugins.councils.rules.bodies import _size
from plugins.councils.rules.common import BALLOTS, more_than, packed, require_active
from plugins.councils.rules.standing import keeper, officer, read, rests, standing, vacate
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import (
    HOLDING,
    CharterParameter,
    CharterState,
    Matter,
    Rounding,
    SeatCategory,
    SeatRuleState,
    VacatedBecause,
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


_RESIDENTS = (
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
    area, charter = await _drafted(work, charter_id)
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


async def _drafted(work: Work, charter_id: UUID) -> tuple[Area, Charter]:
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
    area, charter = await _drafted(work, charter_id)
    require_state(charter, CharterState.DRAFT)
    settings = await work.settings(CouncilsSettings, area)
    least = work.clock.civil_date(work.now) + timedelta(days=settings.consultation_days)
    if until is not None and until < least:
        raise Refusal("CONSULTATION_TOO_SHORT", path=("until",), days=settings.consultation_days)
    work.change(charter, state=CharterState.CONSULTATION, consultation_until=until or least)
    work.record("councils.charter.consulted", charter, area_id=charter.area_id)
    return charter


async def submit_charter(
    work: Work, *, charter_id: UUID, by_ballot: bool = True, electorate: int | None = None
) -> Charter:
    """Put it to the whole members: by ballot over the area's roll, or in an assembly whose count is entered by two.

    How many are called to an assembly is said now, and stays (INV7). While nobody has counted, it may be put anew. Refuses
    STILL_IN_CONSULTATION, CHARTER_STATE, CHARTER_BEING_VOTED, PLUGIN_DISABLED without ballots, PARAMETER_TOO_LAX,
    ELECTORATE_TOO_SMALL (fewer than the residents the server knows).
    """
    area, charter = await _drafted(work, charter_id)
    is_open = charter.ballot_id is None and not await work.find(Count, charter_id=charter.id)
    require_state(charter, CharterState.CONSULTATION, *([CharterState.VOTING] if is_open else []))
    day = work.clock.civil_date(work.now)
    if charter.consultation_until is not None and day <= charter.consultation_until:
        raise Refusal("STILL_IN_CONSULTATION", until=charter.consultation_until.isoformat())
    voting = await work.find(Charter, area_id=area.id, state=CharterState.VOTING)
    if voting is not None and voting.id != charter.id:
        raise Refusal("CHARTER_BEING_VOTED")
    least = (await work.rows(_RESIDENTS, area.id, day))[0]["n"]
    if not by_ballot and (electorate is None or electorate < max(least, 1)):
        raise Refusal("ELECTORATE_TOO_SMALL", path=("electorate",), least=least)
    await require_conforming(work, area, await _clauses(work, charter))
    settings = await work.settings(CouncilsSettings, area)
    changed: dict[str, object] = {
        "state": CharterState.VOTING,
        "electorate": None if by_ballot else electorate,
        "quorum_percent": settings.charter_quorum_percent,
        "majority_percent": settings.charter_majority_percent,
    }
    if by_ballot:
        changed["ballot_id"] = await work.port(BALLOTS, at=area).put(
            work, subject=charter, area_id=area.id, title=charter.title, may_abstain=False, voters=None,
            is_secret=True, opens_at=work.now, closes_at=work.now + timedelta(days=settings.charter_ballot_days),
            rule={
                "quorum": (settings.charter_quorum_percent, 100, True),
                "threshold": (settings.charter_majority_percent, 100, True),
                "base": "BALLOTS",  # those who took part
                "ties": "REJECT",
            },
        )  # fmt: skip
    work.change(charter, **changed)
    work.record("councils.charter.submitted", charter, area_id=charter.area_id, data={"byBallot": by_ballot})
    return charter


async def _clauses(work: Work, charter: Charter) -> list[Clause]:
    return await work.select(Clause, charter_id=charter.id, is_dropped=False)


async def enter_vote(
    work: Work, *, charter_id: UUID, took_part: int, votes_for: int, votes_against: int, evidence: str
) -> Charter:
    """What a teller counted in the members' assembly; another enters theirs without seeing it. The same figures are the
    result, and the server says what came of it (INV8). Others are set aside, for both to see, and both count anew.

    Refuses HANDS_DO_NOT_ADD_UP, OWN_MATTER (the other is another), CHARTER_STATE (also while a ballot decides).
    """
    area, charter = await work.lock_with(Charter, charter_id, Area)
    work.require(COUNT, area)
    work.expect_version(charter)
    require_state(charter, CharterState.VOTING)
    if charter.ballot_id is not None:
        raise Refusal("CHARTER_STATE", state=charter.state)
    if not 0 < took_part <= (charter.electorate or 0) or min(votes_for, votes_against) < 0:
        raise Refusal("HANDS_DO_NOT_ADD_UP", path=("tookPart",))
    if votes_for + votes_against > took_part:
        raise Refusal("HANDS_DO_NOT_ADD_UP", path=("votesFor",))
    before = sorted(await work.select(Count, charter_id=charter.id), key=lambda k: (k.entered_at, k.id))
    first = before[-1] if len(before) % 2 else None
    if first is not None:
        await work.not_own(first.entered_by_id)
    figures = {"took_part": took_part, "votes_for": votes_for, "votes_against": votes_against}
    work.add(
        Count(
            id=new_id(), area_id=area.id, charter_id=charter.id, pair=len(before) // 2 + 1, **figures,
            evidence=needed(evidence, "evidence"), entered_by_id=work.person_id, entered_at=work.now,
        )
    )  # fmt: skip
    if first is not None and all(getattr(first, name) == value for name, value in figures.items()):
        assert charter.electorate is not None and charter.quorum_percent is not None
        assert charter.majority_percent is not None
        enough = more_than(charter.quorum_percent, took_part, charter.electorate)
        await _decide(
            work, area, charter, enough and more_than(charter.majority_percent, votes_for, took_part), figures
        )
    else:
        how = "counted" if first is None else "counts_differed"
        work.record(
            f"councils.charter.{how}", work.queued(Count)[-1], area_id=area.id, data={"charter": str(charter.id)}
        )
    return charter


async def _decide(work: Work, area: Area, charter: Charter, adopted: bool, counts: dict[str, int]) -> None:
    """What the vote came to: adopted and made public, or rejected."""
    if not adopted:
        work.change(charter, state=CharterState.REJECTED, **counts)
        work.record("councils.charter.rejected", charter, area_id=area.id)
        return
    clauses = sorted(await _clauses(work, charter), key=lambda c: c.position)
    notice = await work.port(DECISION_GATE).announce(
        work, subject=charter, area_id=area.id, kind="自治章程", title=charter.title,
        body="\n".join(f"{c.heading}:{c.text}" for c in clauses), concerns=[charter.drafted_by_id],
    )  # fmt: skip
    work.change(charter, state=CharterState.ADOPTED, adopted_at=work.now, notice_id=notice, **counts)
    work.record("councils.charter.adopted", charter, area_id=area.id)


async def settle_ballot(work: Work, event: EventRecord) -> None:
    """The members' ballot on a charter is closed: its count and its outcome are taken over (INV8)."""
    found = await work.heard(event, Charter, above=Area, state=CharterState.VOTING, ballot_id=event.data["ballot"])
    if found is None:
        return
    area, charter = found
    work.require(COUNT, area)
    told = work.port(BALLOTS).closed(event)
    await _decide(
        work, area, charter, told.is_adopted,
        {
            "electorate": told.voters, "took_part": told.cast, "votes_for": told.votes_for,
            "votes_against": told.votes_against,
        },
    )  # fmt: skip


async def cancelled_ballot(work: Work, event: EventRecord) -> None:
    """The members' ballot was called off: the charter is as consulted on, and may be submitted again."""
    found = await work.heard(event, Charter, above=Area, state=CharterState.VOTING, ballot_id=event.data["ballot"])
    if found is None:
        return
    area, charter = found
    work.require(COUNT, area)
    work.change(charter, state=CharterState.CONSULTATION, ballot_id=None)
    work.record("councils.charter.reopened", charter, area_id=area.id)


async def settle_notice(work: Work, event: EventRecord) -> None:
    """An objection against an adopted charter was upheld, in its notice or in one that took its place: it does not come
    into force (INV9)."""
    if event.data.get("clean"):
        return
    found = await work.heard(
        event, Charter, above=Area, state=CharterState.ADOPTED, notice_id=event.data.get("announced")
    )
    if found is None:
        return
    area, charter = found
    work.require(ENACT, area)
    work.change(charter, state=CharterState.REJECTED)
    work.record("councils.charter.rejected", charter, area_id=area.id)


async def withdraw_charter(work: Work, *, charter_id: UUID, reason: str) -> Charter:
    """Give a draft up, and say why."""
    area, charter = await _drafted(work, charter_id)
    require_state(charter, CharterState.DRAFT, CharterState.CONSULTATION)
    text = needed(reason, "reason")
    for rule in await work.select(SeatRule, charter_id=charter.id, state=SeatRuleState.PLANNED):
        work.change(rule, state=SeatRuleState.ENDED, until=work.now)
    work.change(charter, state=CharterState.WITHDRAWN)
    work.record("councils.charter.withdrawn", charter, area_id=area.id, text={"reason": text})
    return charter


async def enact_charter(work: Work, *, charter_id: UUID) -> Charter:
    """The clerk puts an adopted charter in force: at this instant the one before ends, and its bodies are as it says.

    Versions adopted before it that were never enacted are left behind: rejected. Refuses UNDER_NOTICE (INV9), CHARTER_STATE,
    CHARTER_LEFT_BEHIND where one adopted later is or was in force, PARAMETER_TOO_LAX, CHARTER_CONFLICT where a body it names
    is gone or is constituted by another area's charter.
    """
    area, charter = await work.lock_with(Charter, charter_id, Area)
    work.require(ENACT, area)
    work.expect_version(charter)
    require_state(charter, CharterState.ADOPTED)
    held = await work.select(Charter, area_id=area.id, state=[CharterState.IN_FORCE, CharterState.SUPERSEDED])
    if any(
        c.adopted_at is not None and charter.adopted_at is not None and c.adopted_at > charter.adopted_at for c in held
    ):
        raise Refusal("CHARTER_LEFT_BEHIND")
    if not await work.port(DECISION_GATE).may_take_effect(work, charter):
        raise Refusal("UNDER_NOTICE")
    await require_conforming(work, area, await _clauses(work, charter))
    named = {c.body_id: c for c in await work.select(Constituted, charter_id=charter.id, is_dropped=False)}
    before = await work.find(Charter, area_id=area.id, state=CharterState.IN_FORCE)
    bodies = await work.select(Body, lock=True, id=list(named)) if named else []
    for body in bodies:
        await standing(work, body)
    dropped = []
    if before is not None:
        before = await work.lock(Charter, before.id)
        dropped = [b for b in await work.select(Body, lock=True, charter_id=before.id) if b.id not in named]
        work.change(before, state=CharterState.SUPERSEDED, superseded_at=work.now)
    work.change(charter, state=CharterState.IN_FORCE, effective_from=work.now)
    for body in bodies:
        elsewhere = None if body.charter_id is None else await work.get(Charter, body.charter_id)
        if body.state != "ACTIVE" or (elsewhere is not None and elsewhere.area_id != area.id):
            raise Refusal("CHARTER_CONFLICT", body=body.name)
    changed = await _constitute(work, charter, bodies, dropped, named)
    work.record(
        "councils.charter.enacted", charter, area_id=area.id,
        data={"charter": str(charter.id), "area": str(area.id), "before": None if before is None else str(before.id)},
    )  # fmt: skip
    for body, now in changed:
        for seat in now.leaving:
            vacate(work, body, seat, VacatedBecause.BY_CHARTER, work.happened_on)
        composition.recheck(work, body, now.seats, now.rules, is_noted=True)
    for old in await work.select(Charter, lock=True, area_id=area.id, state=CharterState.ADOPTED):
        if old.adopted_at is not None and charter.adopted_at is not None and old.adopted_at < charter.adopted_at:
            work.change(old, state=CharterState.REJECTED)
            work.record("councils.charter.rejected", old, area_id=area.id)
    return charter


@dataclass(frozen=True)
class _Anew:
    """What counts in a body from now on, and who has no seat there any more."""

    seats: list[Seat]
    rules: list[SeatRule]
    leaving: list[Seat]


async def _constitute(
    work: Work, charter: Charter, bodies: Sequence[Body], dropped: Sequence[Body], named: dict[UUID, Constituted]
) -> list[tuple[Body, _Anew]]:
    """Queue what the charter makes of its bodies: size, powers, seat rules. Bodies the one before named, and this one does
    not, go on without what it gave them to decide, and may be changed without a charter. Seats that a mechanism keeps end where the charter has
    none of their category."""
    planned = await work.select(SeatRule, charter_id=charter.id, state=SeatRuleState.PLANNED)
    changed: list[tuple[Body, _Anew]] = []
    for body in bodies:
        now = await read(work, body)
        coming = [r for r in planned if r.body_id == body.id]
        categories = {r.category for r in coming}
        leaving = [s for s in now.taken if s.kept_by is not None and s.category not in categories]
        if len(now.taken) - len(leaving) > named[body.id].size:
            raise Refusal("CHARTER_CONFLICT", body=body.name)
        for old in await work.select(SeatRule, body_id=body.id, state=list(HOLDING)):
            work.change(old, state=SeatRuleState.ENDED, until=work.now)
        for rule in coming:
            state = SeatRuleState.SUSPENDED if rests(work, body, rule) else SeatRuleState.IN_FORCE
            work.change(rule, state=state, since=work.now)
        seats = [s for s in now.seats if s not in leaving]
        rules = [r for r in coming if r.state is SeatRuleState.IN_FORCE]
        said = named[body.id]
        work.change(
            body, charter_id=charter.id, size=said.size, is_advisory=said.is_advisory, matters=said.matters,
            is_valid=not composition.violations(seats, rules),
        )  # fmt: skip
        changed.append((body, _Anew(seats, rules, leaving)))
    for body in dropped:
        work.change(body, charter_id=None, matters="|")
    return changed
