"""A charter's version before the members (M01): put to the vote, counted by two or by ballot, made public."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.models import Area
from core.ports import DECISION_GATE
from core.rules.inputs import needed
from core.work import Work
from plugins.councils.models import Charter, Count
from plugins.councils.rules.charters import (
    COUNT,
    ENACT,
    RESIDENTS,
    clauses_of,
    drafted,
    require_conforming,
    require_state,
)
from plugins.councils.rules.common import BALLOTS, more_than
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import (
    CharterState,
)


async def submit_charter(
    work: Work, *, charter_id: UUID, by_ballot: bool = True, electorate: int | None = None
) -> Charter:
    """Put it to the whole members: by ballot over the area's roll, or in an assembly whose count is entered by two.

    How many are called to an assembly is said now, and stays (INV7). While nobody has counted, it may be put anew. Refuses
    STILL_IN_CONSULTATION, CHARTER_STATE, CHARTER_BEING_VOTED, PLUGIN_DISABLED without ballots, PARAMETER_TOO_LAX,
    ELECTORATE_TOO_SMALL (fewer than the residents the server knows).
    """
    area, charter = await drafted(work, charter_id)
    is_open = charter.ballot_id is None and not await work.find(Count, charter_id=charter.id)
    require_state(charter, CharterState.CONSULTATION, *([CharterState.VOTING] if is_open else []))
    day = work.clock.civil_date(work.now)
    if charter.consultation_until is not None and day <= charter.consultation_until:
        raise Refusal("STILL_IN_CONSULTATION", until=charter.consultation_until.isoformat())
    voting = await work.find(Charter, area_id=area.id, state=CharterState.VOTING)
    if voting is not None and voting.id != charter.id:
        raise Refusal("CHARTER_BEING_VOTED")
    least = (await work.rows(RESIDENTS, area.id, day))[0]["n"]
    if not by_ballot and (electorate is None or electorate < max(least, 1)):
        raise Refusal("ELECTORATE_TOO_SMALL", path=("electorate",), least=least)
    await require_conforming(work, area, await clauses_of(work, charter))
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
    clauses = sorted(await clauses_of(work, charter), key=lambda c: c.position)
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
