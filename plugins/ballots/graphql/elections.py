"""Elections and who stands in them: what there is to read, and what can be done."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import strawberry

from core.ids import from_global
from core.work import Work
from plugins.ballots import models, rules
from plugins.ballots.graphql.rolls import ROLL, BallotsRoll
from plugins.ballots.terms import (
    CandidateState,
    ElectionState,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, connection, extend, node, to_one
from schema.nodes.expressions import Expr, RowOf
from schema.nodes.search import SearchHit
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts

PUBLIC_CANDIDATE = [CandidateState.ACCEPTED, CandidateState.ELECTED, CandidateState.NOT_ELECTED]


@node(models.Election, scope=public("Elections are in public."), order="-called_at")
class BallotsElection:
    """Seats that are filled by a vote (选举)."""

    title: str = column()
    seats: int = column()
    state: ElectionState = column()
    called_at: datetime = column(order=True)
    nominations_by: date = column(description="The last day to nominate (提名截止日).")
    candidates_on: date | None = column(description="When the candidates were posted (候选人公布日).")
    version: int = column(filter=False)
    area: Area = to_one()
    roll: BallotsRoll | None = to_one()
    candidates: Connection[BallotsCandidate] = connection("election_id")


def _candidate_scope(t: RowOf, v: ViewerFacts) -> Expr:
    own = v.acts_as(t.actor_id) | v.acts_as(t.nominated_by_id)
    return t.state.is_in(PUBLIC_CANDIDATE) | own | v.may("ballots.election.manage", t.area_id)


@node(models.Candidate, scope=_candidate_scope, order="-nominated_at")
class BallotsCandidate:
    """Somebody who stands for election (候选人)."""

    statement: str | None = column(filter=False, description="What they stand for (竞选陈述).")
    state: CandidateState = column()
    nominated_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    election: BallotsElection | None = to_one()
    actor: Actor = to_one()
    nominated_by: Actor = to_one(description="Who named them (提名人).")


@extend(Query)
class BallotsElectionsQuery:
    ballots_election: BallotsElection | None = one("id", description="An election (选举).")
    ballots_elections: Connection[BallotsElection] = every(description="Elections (选举列表).")


@extend(Area)
class AreaElections:
    ballots_elections: Connection[BallotsElection] = connection("area_id", description="Elections here (本区域选举).")


@extend(SearchHit)
class SearchHitElections:
    election: BallotsElection | None = to_one("id", description="The election, if it is one (选举).")


@extend(Actor)
class ActorElections:
    ballots_candidacies: Connection[BallotsCandidate] = connection(
        "actor_id", description="Elections they stand in (参选)."
    )


@strawberry.input
class BallotsCallElectionInput(MutationInput):
    roll_id: strawberry.ID
    title: str
    seats: int
    nominations_by: date | None = strawberry.field(
        default=None, description="The last day; the shortest time allowed unless told (提名截止日)."
    )


@mutation("ballots.election.manage", on=ROLL, election=BallotsElection)
async def ballots_call_election(work: Work, input: BallotsCallElectionInput) -> Result:
    """Call an election over a posted roll (发布选举公告)."""
    made = await rules.call_election(
        work, roll_id=from_global(input.roll_id, "ballots_roll", "rollId"), title=input.title, seats=input.seats,
        nominations_by=input.nominations_by,
    )  # fmt: skip
    return {"election": made}


ELECTION = Subject(BallotsElection, "election_id")


@strawberry.input
class BallotsElectionInput(ChangeInput):
    election_id: strawberry.ID


@strawberry.input
class BallotsCancelElectionInput(BallotsElectionInput):
    reason: str


def election(input: BallotsElectionInput) -> UUID:
    return from_global(input.election_id, "ballots_election", "electionId")


@strawberry.input
class BallotsNominateInput(MutationInput):
    election_id: strawberry.ID
    actor_id: strawberry.ID
    statement: str | None = None


@mutation("ballots.candidate.nominate", on=ELECTION, candidate=BallotsCandidate)
async def ballots_nominate(work: Work, input: BallotsNominateInput) -> Result:
    """Name somebody on the roll for a seat, or oneself (提名候选人)."""
    made = await rules.nominate(
        work, election_id=from_global(input.election_id, "ballots_election", "electionId"),
        actor_id=from_global(input.actor_id, "actor", "actorId"), statement=input.statement,
    )  # fmt: skip
    return {"candidate": made}


@strawberry.input
class BallotsAnswerNominationInput(ChangeInput):
    candidate_id: strawberry.ID
    accept: bool
    statement: str | None = None


@mutation(
    "ballots.candidate.nominate",
    on=Subject(BallotsCandidate, "candidate_id", lambda t: [t.actor_id]),
    candidate=BallotsCandidate,
)
async def ballots_answer_nomination(work: Work, input: BallotsAnswerNominationInput) -> Result:
    """Agree to stand, or decline (接受或谢绝提名)."""
    id = from_global(input.candidate_id, "ballots_candidate", "candidateId")
    made = await rules.answer_nomination(work, candidate_id=id, accept=input.accept, statement=input.statement)
    return {"candidate": made}


@strawberry.input
class BallotsRejectCandidateInput(ChangeInput):
    candidate_id: strawberry.ID
    reason: str


@mutation("ballots.election.manage", on=Subject(BallotsCandidate, "candidate_id"), candidate=BallotsCandidate)
async def ballots_reject_candidate(work: Work, input: BallotsRejectCandidateInput) -> Result:
    """Find that somebody may not stand (取消候选资格)."""
    id = from_global(input.candidate_id, "ballots_candidate", "candidateId")
    return {"candidate": await rules.reject_candidate(work, candidate_id=id, reason=input.reason)}


@strawberry.input
class BallotsProlongNominationsInput(BallotsElectionInput):
    nominations_by: date = strawberry.field(description="The new last day (提名截止日).")


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_prolong_nominations(work: Work, input: BallotsProlongNominationsInput) -> Result:
    """Let nominations go on, where too few stand (延长提名期)."""
    made = await rules.prolong_nominations(work, election_id=election(input), nominations_by=input.nominations_by)
    return {"election": made}


@strawberry.input
class BallotsPostCandidatesInput(BallotsElectionInput):
    pass


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_post_candidates(work: Work, input: BallotsPostCandidatesInput) -> Result:
    """Post who stands (公布候选人)."""
    return {"election": await rules.post_candidates(work, election_id=election(input))}


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_cancel_election(work: Work, input: BallotsCancelElectionInput) -> Result:
    """Call an election off before the vote (取消选举)."""
    return {"election": await rules.cancel_election(work, election_id=election(input), reason=input.reason)}


@strawberry.input
class BallotsSeatInput(BallotsElectionInput):
    pass


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_seat(work: Work, input: BallotsSeatInput) -> Result:
    """The result stands: who was elected takes their seat (确认就任)."""
    return {"election": await rules.seat(work, election_id=election(input))}
