"""Whose matter an entry, an objection, a candidacy and what else a clerk decides about is (INV10)."""

from __future__ import annotations

from typing import Any

from core.duties import Duties, Matter
from core.work import Work
from plugins.ballots.models import Attestation, Ballot, Candidate, Election, Objection, Papers
from plugins.ballots.terms import CandidateState


async def _fact(work: Work, fact: Any) -> Matter:
    return Matter({fact.person_id})


async def _objection(work: Work, objection: Any) -> Matter:
    return Matter({objection.objector_id, objection.person_id})


async def _candidate(work: Work, candidate: Any) -> Matter:
    return Matter({candidate.actor_id})


async def standing(work: Work, election_id: Any) -> set[Any]:
    """Who stands in an election, if it is one: they keep no desk and count nothing."""
    if election_id is None:
        return set()
    found = await work.select(Candidate, election_id=election_id)
    return {c.actor_id for c in found if c.state not in (CandidateState.DECLINED, CandidateState.REJECTED)}


async def _ballot(work: Work, ballot: Any) -> Matter:
    return Matter(await standing(work, ballot.election_id))


async def _papers(work: Work, papers: Any) -> Matter:
    ballot = await work.get(Ballot, papers.ballot_id)
    return Matter(await standing(work, ballot.election_id), {papers.first_teller_id})


async def _election(work: Work, election: Any) -> Matter:
    return Matter(set())


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
    },
)
