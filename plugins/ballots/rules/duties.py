"""Whose matter an entry, an objection, a candidacy and what else a clerk decides about is (INV10)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.duties import Duties, Matter
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.models import (
    Attestation,
    Ballot,
    Candidate,
    Election,
    Objection,
    Papers,
    Roll,
    standing_in,
    standing_over,
)


async def _fact(work: Work, fact: Any) -> Matter:
    return Matter({fact.person_id})


async def _objection(work: Work, objection: Any) -> Matter:
    return Matter(
        {objection.objector_id, objection.person_id, *await _among(work, standing_over("{}"), objection.roll_id)}
    )


async def _candidate(work: Work, candidate: Any) -> Matter:
    return Matter({candidate.actor_id, *await standing(work, candidate.election_id)})


async def standing(work: Work, election_id: UUID | None) -> set[UUID]:
    """Who stands in an election, if it is one: they run nothing of it."""
    return set() if election_id is None else await _among(work, standing_in("{}"), election_id)


async def _among(work: Work, sql: str, id: UUID) -> set[UUID]:
    return {as_uuid(row["id"]) for row in await work.rows(sql, id)}


async def _roll(work: Work, roll: Any) -> Matter:
    return Matter(await _among(work, standing_over("{}"), roll.id))


async def _ballot(work: Work, ballot: Any) -> Matter:
    return Matter(await standing(work, ballot.election_id))


async def _papers(work: Work, papers: Any) -> Matter:
    ballot = await work.get(Ballot, papers.ballot_id)
    return Matter(await standing(work, ballot.election_id), {papers.first_teller_id})


async def _election(work: Work, election: Any) -> Matter:
    return Matter(await standing(work, election.id))


DUTIES = Duties(
    "ballots",
    (),
    {
        Attestation: _fact,
        Objection: _objection,
        Candidate: _candidate,
        Ballot: _ballot,
        Papers: _papers,
        Election: _election,
        Roll: _roll,
    },
)
