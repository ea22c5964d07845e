"""What is not to stand: a count that cannot be finished is called off, and an election's result against which an objection
was upheld is annulled, so that the vote is repeated or the election cancelled (INV8: what was counted stays to be seen)."""

from __future__ import annotations

from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.rules.inputs import needed
from core.work import Work
from plugins.ballots.models import Ballot, Candidate, Election, Roll
from plugins.ballots.rules.announcing import about, call_off
from plugins.ballots.rules.common import impartial, with_roll
from plugins.ballots.terms import BallotState, CandidateState, ElectionState


async def annul(work: Work, *, ballot_id: UUID, reason: str) -> Ballot:
    """Call off a ballot that is being counted; or annul an election's contested result, and those of votes that rested on
    it: its candidates stand again. Refuses RESULT_STANDS, ELECTION_STATE (a run-off is called off first), OWN_MATTER (who
    stands)."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.ballot.annul", ballot)
    work.expect_version(ballot)
    await impartial(work, ballot.election_id)
    text: dict[str, str | None] = {"reason": needed(reason, "reason")}
    if ballot.state is BallotState.COUNTING:
        await call_off(work, roll, ballot, text)
        return ballot
    if ballot.state is not BallotState.CLOSED or ballot.contested_at is None or ballot.election_id is None:
        raise Refusal("RESULT_STANDS")
    election = await work.lock(Election, ballot.election_id)
    if election.state is not ElectionState.DECIDED:
        raise Refusal("ELECTION_STATE", state=election.state)
    votes = await work.select(Ballot, lock=True, election_id=election.id, state=BallotState.CLOSED)
    gone = [b for b in votes if b.id != ballot.id and (b.closed_at, b.id) > (ballot.closed_at, ballot.id)]
    for one in (ballot, *gone):
        work.change(one, state=BallotState.ANNULLED, contested_at=one.contested_at or ballot.contested_at)
    again = "SELECT o.candidate_id AS id FROM ballots_option o WHERE o.ballot_id = {}"
    ids = [row["id"] for row in await work.rows(again, ballot.id)]  # a later vote was between some of these
    for candidate in await work.select(Candidate, lock=True, id=ids):
        if candidate.state in (CandidateState.ELECTED, CandidateState.NOT_ELECTED):
            work.change(candidate, state=CandidateState.ACCEPTED)
    work.record("ballots.ballot.annulled", ballot, area_id=ballot.area_id, data=about(ballot), text=text)
    work.change(election, state=ElectionState.CANDIDATES)
    data = {"annulled": str(ballot.id)}
    work.record("ballots.election.candidates_posted", election, area_id=election.area_id, data=data)
    return ballot


async def hear_notice(work: Work, event: EventRecord) -> None:
    """The notice of a result, or a correction of it, is closed: with an objection upheld the result is contested, clean
    it is not any more."""
    found = await work.heard(event, Ballot, above=Roll, state=BallotState.CLOSED, notice_id=event.data.get("announced"))
    if found is None:
        return
    _, ballot = found
    work.require("ballots.ballot.manage", ballot)
    contested = not event.data["clean"]
    if contested is not (ballot.contested_at is not None):
        work.change(ballot, contested_at=event.occurred_at if contested else None)
        how = "contested" if contested else "confirmed"
        work.record(f"ballots.ballot.{how}", ballot, area_id=ballot.area_id, data=about(ballot))
