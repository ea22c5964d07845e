"""Closing: the server counts what was cast and works out the outcome by the ballot's rule; from then on nothing of it
changes (INV8). Anybody can have it counted again."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.work import Work
from plugins.ballots.models import Ballot, Option, Papers, Roll, Vote
from plugins.ballots.ports import AGAINST, FOR
from plugins.ballots.rules import papers as box
from plugins.ballots.rules.announcing import about, bring_up_to_now
from plugins.ballots.rules.common import dumped, impartial, nobody_votes, with_roll
from plugins.ballots.rules.counting import Choices, Result, decide, terms_of
from plugins.ballots.rules.elections import announce_result, conclude
from plugins.ballots.rules.lateness import LATE
from plugins.ballots.rules.rolls import consent, listed, release, still_used
from plugins.ballots.terms import BallotKind, BallotState, PaperBatchState, VotingChannel

CLOSING_SQL = f"SELECT b.id, b.area_id FROM ballots_ballot b WHERE b.state = 'OPEN' AND ({LATE})"


@dataclass(frozen=True)
class Count:
    """All that was cast: papers and named votes, from the boxes too."""

    papers: Counter[Choices]
    cast: int
    voters: int
    spoiled: int


async def close_due(work: Work, ballot_id: UUID) -> None:
    """A job: time is up, with what was missed of it. Where papers were handed out, tellers count first."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.ballot.manage", ballot)
    await bring_up_to_now(work, roll, ballot)
    if ballot.state is not BallotState.OPEN or ballot.closes_at > work.now:
        return
    if ballot.has_papers:
        work.change(ballot, state=BallotState.COUNTING)
        work.record("ballots.ballot.counting", ballot, area_id=ballot.area_id, data=about(ballot))
    else:
        await settle(work, roll, ballot)


async def close(work: Work, *, ballot_id: UUID) -> Ballot:
    """By hand: when time is up and the tellers are done, or everybody has voted. Refuses BALLOT_RUNS, BALLOT_STATE,
    PAPERS_UNCONFIRMED, PAPERS_MISSING, OWN_MATTER (who stands)."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.ballot.manage", ballot)
    work.expect_version(ballot)
    await impartial(work, ballot.election_id)
    if ballot.state not in (BallotState.OPEN, BallotState.COUNTING):
        raise Refusal("BALLOT_STATE", state=ballot.state)
    await bring_up_to_now(work, roll, ballot)
    await nobody_votes(work, ballot)
    await settle(work, roll, ballot)
    return ballot


async def settle(work: Work, roll: Roll, ballot: Ballot) -> None:
    """Count, decide, and tell. The ballot is held, so nobody is voting."""
    if await work.select(Papers, ballot_id=ballot.id, state=PaperBatchState.ENTERED):
        raise Refusal("PAPERS_UNCONFIRMED")
    if ballot.has_papers:
        found = await work.select(Papers, ballot_id=ballot.id, state=PaperBatchState.CONFIRMED)
        ticked = len(await work.select(Vote, ballot_id=ballot.id, channel=VotingChannel.DESK))
        missing = ticked - sum(p.valid + p.spoiled for p in found)
        if missing:
            raise Refusal("PAPERS_MISSING", papers=missing)
    cast = await box.empty_out(work, ballot.id) if ballot.is_secret else await _named(work, ballot.id)
    count = await _count(work, ballot, cast)
    lot, options = secrets.token_hex(16), len(await work.select(Option, ballot_id=ballot.id))
    result = _decided(ballot, count, options, lot)
    notice = await announce_result(work, ballot, result)
    tally = [
        {"position": n, "votes": votes, "won": n in result.winners, "tied": n in result.tied}
        for n, votes in enumerate(result.votes)
    ]
    is_question = ballot.kind is BallotKind.YES_NO
    work.change(
        ballot, state=BallotState.CLOSED, closed_at=work.now, outcome=result.outcome, tally=dumped(tally),
        votes_for=result.votes[FOR] if is_question else None, votes_against=result.votes[AGAINST] if is_question else None,
        voters=count.voters, cast_count=count.cast, valid=sum(n for paper, n in count.papers.items() if paper),
        spoiled=count.spoiled, lot=lot, notice_id=notice,
    )  # fmt: skip
    data: dict[str, Any] = {  # by position: names and words are for the ballot to show, not for the log
        **about(ballot), "outcome": str(result.outcome), "ballots": count.cast, "roll": count.voters,
        "tally": {str(n): votes for n, votes in enumerate(result.votes)}, "winners": list(result.winners),
    }  # fmt: skip
    work.record("ballots.ballot.closed", ballot, area_id=ballot.area_id, data=data)
    await consent(work, ballot)
    if ballot.election_id is not None:
        await conclude(work, roll, ballot, result)
    elif not await still_used(work, roll, ballot.id):
        release(work, roll)


def _decided(ballot: Ballot, count: Count, options: int, lot: str) -> Result:
    terms = terms_of(ballot.rule, ballot.ties)
    return decide(ballot.kind, options, count.papers, terms, cast=count.cast, roll=count.voters, lot=lot)


async def _named(work: Work, ballot_id: UUID) -> Counter[Choices]:
    rows = await work.rows(
        "SELECT m.choices AS choices FROM ballots_vote m WHERE m.ballot_id = {} AND m.choices IS NOT NULL", ballot_id
    )
    return box.counted([row["choices"] for row in rows])


async def _count(work: Work, ballot: Ballot, cast: Counter[Choices]) -> Count:
    spoiled = 0
    for batch in await work.select(Papers, ballot_id=ballot.id, state=PaperBatchState.CONFIRMED):
        spoiled += batch.spoiled
        for alike in json.loads(batch.counts):
            cast[tuple(alike["choices"])] += alike["papers"]
    marks = await work.rows("SELECT count(*) AS n FROM ballots_vote m WHERE m.ballot_id = {}", ballot.id)
    return Count(cast, int(marks[0]["n"]), await listed(work, ballot.roll_id), spoiled)


async def recount(work: Work, *, ballot_id: UUID) -> tuple[Ballot, Count, Result, bool]:
    """Count everything again, from what lies there; whether it comes to the same: for everybody
    with an account. Changes nothing. Refuses BALLOT_STATE."""
    ballot = await work.get(Ballot, ballot_id)
    work.require("ballots.vote.cast", ballot)
    if ballot.state is not BallotState.CLOSED or ballot.lot is None or ballot.tally is None:
        raise Refusal("BALLOT_STATE", state=ballot.state)
    cast = box.counted(await box.lying_there(work, ballot.id)) if ballot.is_secret else await _named(work, ballot.id)
    count = await _count(work, ballot, cast)
    votes = [option["votes"] for option in json.loads(ballot.tally)]
    result = _decided(ballot, count, len(votes), ballot.lot)
    won = [n for n, option in enumerate(json.loads(ballot.tally)) if option["won"]]
    agrees = list(result.votes) == votes and result.outcome is ballot.outcome and sorted(result.winners) == won
    return ballot, count, result, agrees and count.cast == ballot.cast_count
