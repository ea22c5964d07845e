"""Two actors who are one, and a person who asks to be erased: what runs is finished first, because a frozen roll stays."""

from __future__ import annotations

from uuid import UUID

from core.corrections import Finding, Merging
from core.work import Work
from plugins.ballots.models import Attestation, Candidate, Objection, Proxy, Roll, RollEntry
from plugins.ballots.terms import (
    CandidateState,
    ElectionState,
    RollObjectionState,
    RollState,
    VoteProxyState,
    VoterFactState,
)

_RUNNING = """
SELECT count(*) AS n FROM ballots_entry e JOIN ballots_ballot b ON b.roll_id = e.roll_id
WHERE e.actor_id = {} AND b.state IN ('OPEN', 'COUNTING')"""
_WAITING = """
SELECT count(*) AS n FROM ballots_entry e JOIN ballots_roll r ON r.id = e.roll_id
WHERE e.actor_id = {} AND e.state <> 'REMOVED' AND (r.state = 'FINAL' OR (r.state = 'FROZEN' AND EXISTS (SELECT 1
  FROM ballots_ballot b WHERE b.roll_id = r.id AND b.state IN ('ANNOUNCED', 'OPEN', 'COUNTING'))))"""
_ELECTED = """
SELECT count(*) AS n FROM ballots_candidate c JOIN ballots_election e ON e.id = c.election_id
WHERE c.actor_id = {} AND c.state = 'ELECTED' AND e.state NOT IN ('SEATED', 'FAILED', 'CANCELLED')"""
_STANDS = """
SELECT count(*) AS n FROM ballots_candidate c JOIN ballots_election e ON e.id = c.election_id
WHERE c.actor_id = {} AND c.state IN ('NOMINATED', 'ACCEPTED', 'ELECTED') AND e.state IN (%s)"""
_ON = ", ".join(
    f"'{s.value}'" for s in (ElectionState.NOMINATING, ElectionState.CANDIDATES, ElectionState.VOTING, ElectionState.DECIDED)
)  # fmt: skip


async def _count(work: Work, sql: str, actor_id: UUID) -> int:
    return int((await work.rows(sql, actor_id))[0]["n"])


async def open_matters(work: Work, actor_id: UUID) -> list[Finding]:
    """Before an actor is erased: elections they stand in are over, objections answered, ballots over a roll that does not
    change any more and on which they stand."""
    objections = [
        *await work.select(Objection, objector_id=actor_id, state=RollObjectionState.OPEN),
        *await work.select(Objection, person_id=actor_id, state=RollObjectionState.OPEN),
    ]
    found = {
        "ballots_candidate": await _count(work, _STANDS % _ON, actor_id),
        "ballots_objection": len({o.id for o in objections}),
        "ballots_ballot": await _count(work, _RUNNING, actor_id) or await _count(work, _WAITING, actor_id),
    }
    return [Finding(kind, count, "OPEN_MATTERS") for kind, count in found.items() if count]


async def preview_merge(work: Work, kept: UUID, gone: UUID) -> list[Finding]:
    """What would move. A ballot that runs over a roll on which one of them stands or a final roll, a seat they were
    elected to and do not have yet, a roll with both, an election with both, is settled first."""
    entries = {actor: await _entries(work, actor) for actor in (kept, gone)}
    both = {e.roll_id for e in entries[kept]} & {e.roll_id for e in entries[gone]}
    holds = {e.hold for e in entries[kept] if e.hold} & {e.hold for e in entries[gone] if e.hold}
    stands = {c.election_id for c in await work.select(Candidate, actor_id=kept)}
    stands &= {c.election_id for c in await work.select(Candidate, actor_id=gone)}
    found = [
        Finding("ballots_entry", len(entries[gone])),
        Finding("ballots_attestation", len(await _facts(work, kept, gone))),
        Finding("ballots_candidate", len(await work.select(Candidate, actor_id=gone))),
        Finding("ballots_entry", len(both) or len(holds), "BOTH_ON_ROLL"),
        Finding("ballots_candidate", len(stands), "BOTH_STAND"),
        Finding(
            "ballots_ballot",
            await _count(work, _RUNNING, gone) or await _count(work, _WAITING, gone),
            "OPEN_MATTERS",
        ),
        Finding("ballots_candidate", await _count(work, _ELECTED, gone), "OPEN_MATTERS"),
        Finding(
            "ballots_proxy",
            len(await work.select(Proxy, holder_id=gone, state=VoteProxyState.GIVEN))
            + len(await work.select(Proxy, giver_id=gone, state=VoteProxyState.GIVEN)),
            "OPEN_MATTERS",
        ),
    ]
    return [f for f in found if f.count]


async def _entries(work: Work, actor_id: UUID) -> list[RollEntry]:
    """Entries of rolls that are not frozen yet; what was frozen stays as it was."""
    found = await work.select(RollEntry, actor_id=actor_id)
    states = [RollState.DRAFT, RollState.POSTED]
    open_ones = {r.id for r in await work.select(Roll, id=[e.roll_id for e in found], state=states)} if found else set()
    return [e for e in found if e.roll_id in open_ones]


async def _facts(work: Work, kept: UUID, gone: UUID) -> list[Attestation]:
    """What was attested of the one that goes, and not of the one that stays as well."""
    known = {(f.area_id, f.fact) for f in await work.select(Attestation, person_id=kept, state=VoterFactState.VALID)}
    found = await work.select(Attestation, person_id=gone, state=VoterFactState.VALID)
    return [f for f in found if (f.area_id, f.fact) not in known]


async def move_merged(work: Work, kept: UUID, gone: UUID) -> None:
    """Entries of open rolls, valid facts, candidacies and open objections go to the actor that stays."""
    data = {"kept": str(kept), "gone": str(gone)}
    for entry in await _entries(work, gone):
        work.change(entry, actor_id=kept)
        work.record("ballots.entry.merged", entry, area_id=entry.area_id, data=data)
    for fact in await _facts(work, kept, gone):
        work.change(fact, person_id=kept)
        work.record("ballots.entry.merged", fact, area_id=fact.area_id, data=data)
    for candidate in await work.select(Candidate, lock=True, actor_id=gone):
        if candidate.state in (CandidateState.NOMINATED, CandidateState.ACCEPTED):
            work.change(candidate, actor_id=kept)
            work.record("ballots.entry.merged", candidate, area_id=candidate.area_id, data=data)
    for column in ("objector_id", "person_id"):
        for objection in await work.select(Objection, lock=True, state=RollObjectionState.OPEN, **{column: gone}):
            work.change(objection, **{column: kept})
            work.record("ballots.entry.merged", objection, area_id=objection.area_id, data=data)


MERGING = Merging("ballots", preview_merge, move_merged)
