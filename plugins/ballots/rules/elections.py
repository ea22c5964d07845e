"""Elections to seats: called over a roll, nominations, candidates, the vote, and who is seated once the result stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.ports import DECISION_GATE
from core.rules.inputs import clean_name, needed, optional_text
from core.work import Work
from plugins.ballots.models import Ballot, Candidate, Election, Roll, RollEntry
from plugins.ballots.rules.announcing import candidates_of, put, roll_posted_long_enough, tight_enough, usual
from plugins.ballots.rules.common import clean, has_decided_nothing, impartial, in_order, keeps_the_desk, publish
from plugins.ballots.rules.counting import Result
from plugins.ballots.rules.lateness import last_day
from plugins.ballots.rules.rolls import release, still_used
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import (
    BallotKind,
    BallotOutcome,
    BallotState,
    CandidateState,
    ElectionState,
    RollEntryState,
    RollState,
)


async def call_election(work: Work, *, roll_id: UUID, title: str, seats: int, nominations_by: date | None) -> Election:
    """So many seats are to be filled by those on a roll. Refuses ROLL_STATE, BAD_SEATS, TOO_SHORT."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.election.manage", roll)
    if roll.is_fixed or roll.state not in (RollState.POSTED, RollState.FINAL):
        raise Refusal("ROLL_STATE", state=roll.state)
    if not 1 <= seats <= 200:
        raise Refusal("BAD_SEATS", path=("seats",))
    settings = await work.settings(BallotsSettings, roll)
    first = work.recorded_on + timedelta(days=settings.nomination_days)
    last = nominations_by or first
    if last < first:
        raise Refusal("NOMINATIONS_TOO_SHORT", path=("nominationsBy",), days=settings.nomination_days)
    election = Election(
        id=new_id(), area_id=roll.area_id, roll_id=roll.id, title=clean_name(title, "title"), seats=seats,
        state=ElectionState.NOMINATING, called_at=work.occurred_at, nominations_by=last,
        settings_version=await work.settings_version(),
    )  # fmt: skip
    work.add(election)
    data = {"roll": str(roll.id), "seats": seats, "kind": roll.kind}
    work.record("ballots.election.opened", election, area_id=roll.area_id, data=data)
    return election


async def prolong_nominations(work: Work, *, election_id: UUID, nominations_by: date) -> Election:
    """Too few stand, or somebody may not: nominations go on, from today. Refuses ELECTION_STATE (candidates are posted),
    NOMINATIONS_TOO_SHORT, OWN_MATTER (who stands)."""
    election = await work.lock(Election, election_id)
    work.require("ballots.election.manage", election)
    work.expect_version(election)
    await impartial(work, election.id)
    if election.state not in (ElectionState.NOMINATING, ElectionState.CANDIDATES) or election.candidates_on is not None:
        raise Refusal("ELECTION_STATE", state=election.state)
    days = (nominations_by - max(work.recorded_on, election.nominations_by)).days
    if days < 1:
        raise Refusal("NOMINATIONS_TOO_SHORT", path=("nominationsBy",), days=1)
    work.change(election, state=ElectionState.NOMINATING, nominations_by=nominations_by)
    data = {"until": nominations_by.isoformat()}
    work.record("ballots.election.prolonged", election, area_id=election.area_id, data=data)
    return election


async def _nominations_end(work: Work, election: Election) -> date:
    """The last day to nominate."""
    return await last_day(work, election, work.clock.civil_date(election.called_at), election.nominations_by)


async def nominate(work: Work, *, election_id: UUID, actor_id: UUID, statement: str | None) -> Candidate:
    """Somebody on the roll names somebody on the roll, perhaps themselves. Who is named by another is asked.

    Refuses NOMINATIONS_OVER, NOT_ON_ROLL, ALREADY_NOMINATED, RAN_THIS_ELECTION (INV10: they decided about others in it),
    OWN_MATTER (at the desk, who stands or is named).
    """
    roll, election = await work.lock_with(Election, election_id, Roll)
    work.require("ballots.candidate.nominate", election)
    last = await _nominations_end(work, election)
    if election.state is not ElectionState.NOMINATING or work.recorded_on > last:
        raise Refusal("NOMINATIONS_OVER", until=last.isoformat())
    by, actor = work.principal_id, (await work.get(Actor, actor_id)).id
    await keeps_the_desk(work, election.id, *({actor} - {by}), for_id=by)
    on = await work.select(RollEntry, roll_id=election.roll_id, actor_id=[by, actor], state=RollEntryState.LISTED)
    if {e.actor_id for e in on} != {by, actor}:
        raise Refusal("NOT_ON_ROLL")
    if await work.select(Candidate, election_id=election.id, actor_id=actor):
        raise Refusal("ALREADY_NOMINATED")
    await has_decided_nothing(work, election.id, actor)
    made = Candidate(
        id=new_id(), area_id=election.area_id, election_id=election.id, actor_id=actor, nominated_by_id=by,
        nominated_at=work.occurred_at, statement=optional_text(statement, "statement", limit=2000),
        state=CandidateState.ACCEPTED if by == actor else CandidateState.NOMINATED,
    )  # fmt: skip
    work.add(made)
    if made.state is CandidateState.ACCEPTED:
        await work.port(DECISION_GATE).concern(work, roll, actor)
    work.record("ballots.candidate.nominated", made, area_id=election.area_id, data={"election": str(election.id)})
    return made


async def answer_nomination(work: Work, *, candidate_id: UUID, accept: bool, statement: str | None) -> Candidate:
    """Agree to stand, or not; who has agreed may still step back before the candidates are posted.
    Refuses RAN_THIS_ELECTION (INV10: they, or somebody whose matter theirs is, decided about others in it), OWN_MATTER (at
    the desk, a rival)."""
    election, candidate = await work.lock_with(Candidate, candidate_id, Election)
    work.require("ballots.candidate.nominate", candidate, owner=candidate.actor_id)
    work.expect_version(candidate)
    await keeps_the_desk(work, election.id, for_id=candidate.actor_id)
    if election.state is not ElectionState.NOMINATING:
        raise Refusal("ELECTION_STATE", state=election.state)
    if candidate.state not in (CandidateState.NOMINATED, CandidateState.ACCEPTED):
        raise Refusal("CANDIDATE_STATE", state=candidate.state)
    if accept and candidate.state is CandidateState.NOMINATED:
        await has_decided_nothing(work, election.id, candidate.actor_id)
        roll = await work.get(Roll, election.roll_id)
        await work.port(DECISION_GATE).concern(work, roll, candidate.actor_id)
    said = optional_text(statement, "statement", limit=2000) or candidate.statement
    work.change(
        candidate, state=CandidateState.ACCEPTED if accept else CandidateState.DECLINED, statement=said
    )  # fmt: skip
    how = "accepted" if accept else "declined"
    work.record(f"ballots.candidate.{how}", candidate, area_id=election.area_id, data={"election": str(election.id)})
    return candidate


async def reject_candidate(work: Work, *, candidate_id: UUID, reason: str) -> Candidate:
    """Somebody may not stand, by law or charter, and the reason is told; if the candidates were posted, they are posted
    anew without them. Refuses OWN_MATTER (INV10: it is theirs, or a rival's)."""
    election, candidate = await work.lock_with(Candidate, candidate_id, Election)
    work.require("ballots.election.manage", election)
    work.expect_version(candidate)
    await impartial(work, election.id, candidate.actor_id)
    if election.state not in (ElectionState.NOMINATING, ElectionState.CANDIDATES):
        raise Refusal("ELECTION_STATE", state=election.state)
    if candidate.state in (CandidateState.REJECTED, CandidateState.ELECTED):
        raise Refusal("CANDIDATE_STATE", state=candidate.state)
    text = {"reason": needed(reason, "reason")}
    work.change(candidate, state=CandidateState.REJECTED)
    if election.candidates_on is not None:
        work.change(election, candidates_on=None)
    data = {"election": str(election.id)}
    work.record("ballots.candidate.rejected", candidate, area_id=election.area_id, data=data, text=dict(text))
    return candidate


async def post_candidates(work: Work, *, election_id: UUID) -> Election:
    """Nominations are over; who stands is made public, and again if that has changed or an objection was upheld. Refuses
    NOMINATIONS_STILL_COME, NOT_ON_ROLL (one who was struck off is rejected first), TOO_FEW_CANDIDATES, OWN_MATTER (who
    stands)."""
    election = await work.lock(Election, election_id)
    work.require("ballots.election.manage", election)
    work.expect_version(election)
    await impartial(work, election.id)
    if election.state not in (ElectionState.NOMINATING, ElectionState.CANDIDATES):
        raise Refusal("ELECTION_STATE", state=election.state)
    day = work.recorded_on
    last = await _nominations_end(work, election)
    if day <= last:
        raise Refusal("NOMINATIONS_STILL_COME", until=last.isoformat())
    settings = await work.settings(BallotsSettings, election, version=election.settings_version)
    standing = await work.select(Candidate, election_id=election.id, state=CandidateState.ACCEPTED)
    ids = [c.actor_id for c in standing]
    on = await work.select(RollEntry, roll_id=election.roll_id, actor_id=ids, state=RollEntryState.LISTED)
    if len(on) < len(standing):  # struck off since they were named
        raise Refusal("NOT_ON_ROLL")
    elected = await work.select(Candidate, election_id=election.id, state=CandidateState.ELECTED)
    least = election.seats - len(elected) + settings.candidates_least
    if len(standing) < least:
        raise Refusal("TOO_FEW_CANDIDATES", least=least)
    body = f"{election.title}:正式候选人 {len(standing)} 人,应选 {election.seats} 人。名单如下,姓名前为选票上的编号。"
    notice = await publish(work, "候选人名单", election, election.title, body, settings.candidate_days or None,
                           list(enumerate(ids)), await stood(work, election.id))  # fmt: skip
    work.change(election, state=ElectionState.CANDIDATES, candidates_on=day, notice_id=notice)
    data = {"candidates": len(standing)}
    work.record("ballots.election.candidates_posted", election, area_id=election.area_id, data=data)
    return election


async def put_to_vote(
    work: Work, *, election_id: UUID, opens_at: datetime, closes_at: datetime, kind: BallotKind, is_secret: bool,
    has_papers: bool, rule: Mapping[str, Any] | None,
) -> Ballot:  # fmt: skip
    """The vote on the candidates, whose notice has ended clean; after a tie, again on those who had equally many. Refuses
    ELECTION_STATE, RESULT_CONTESTED (of the tie), CANDIDATES_TOO_FRESH, ROLL_TOO_FRESH, NOT_YET_CLEAN, RULE_TOO_LOOSE,
    OWN_MATTER (who stands)."""
    roll, election = await work.lock_with(Election, election_id, Roll)
    work.require("ballots.election.manage", election)
    work.expect_version(election)
    await impartial(work, election.id)
    settings = await work.settings(BallotsSettings, election, version=election.settings_version)
    standing, seats = await _standing(work, election)
    if election.candidates_on is None or kind is BallotKind.YES_NO:
        raise Refusal("BAD_RULE" if kind is BallotKind.YES_NO else "ELECTION_STATE", state=election.state)
    if (work.clock.civil_date(opens_at) - election.candidates_on).days < settings.candidate_days:
        raise Refusal("CANDIDATES_TOO_FRESH", path=("opensAt",), days=settings.candidate_days)
    roll_posted_long_enough(work, roll, opens_at, settings)
    await clean(work, election)
    in_order(opens_at, closes_at, settings.voting_hours)
    if opens_at < work.now:
        raise Refusal("IN_THE_PAST", path=("opensAt",))
    most = min(seats, len(standing)) if kind is BallotKind.MULTIPLE else 1
    asked = replace(usual(settings), **{**(rule or {}), "seats": seats, "most": most})
    tight_enough(asked, settings)
    names = {a.id: a.name for a in await work.select(Actor, id=[c.actor_id for c in standing])}
    ballot = put(
        work, roll, title=election.title, question=None, kind=kind,
        options=[(names[c.actor_id], c.id) for c in standing], is_secret=is_secret, has_papers=has_papers,
        opens_at=opens_at, closes_at=closes_at, terms=asked, election=election,
    )  # fmt: skip
    work.change(election, state=ElectionState.VOTING)
    work.record(
        "ballots.election.candidates_posted", election, area_id=election.area_id, data={"ballot": str(ballot.id)}
    )
    return ballot


async def _standing(work: Work, election: Election) -> tuple[list[Candidate], int]:
    """Between whom the vote is, and for how many seats."""
    candidates = await work.select(Candidate, election_id=election.id)
    standing = [c for c in candidates if c.state is CandidateState.ACCEPTED]
    vacant = election.seats - sum(c.state is CandidateState.ELECTED for c in candidates)
    if election.state is ElectionState.CANDIDATES:
        return standing, vacant
    last = await last_ballot(work, election)
    if election.state is not ElectionState.DECIDED or last is None or last.outcome is not BallotOutcome.TIED:
        raise Refusal("ELECTION_STATE", state=election.state)
    if last.contested_at is not None:
        raise Refusal("RESULT_CONTESTED")
    return standing, vacant


async def last_ballot(work: Work, election: Election) -> Ballot | None:
    found = await work.select(Ballot, election_id=election.id, state=BallotState.CLOSED)
    return max(found, key=lambda b: (b.closed_at, b.id), default=None)


async def announce_result(work: Work, ballot: Ballot, result: Result) -> UUID | None:
    """An election's result is made public before anybody takes their seat; its text has their numbers on the paper, because
    that stays as it is, and its list their names."""
    if ballot.election_id is None or result.outcome not in (BallotOutcome.ELECTED, BallotOutcome.TIED):
        return None
    body = f"{ballot.title}:{numbered(result.winners, '当选')}。"
    if result.tied:
        body += f"{numbered(result.tied, '票数相等')},另行投票。"
    whose = await stood(work, ballot.election_id)
    named = {o.position: c.actor_id for o, c in await candidates_of(work, ballot) if c is not None}
    places = [*sorted(result.winners), *sorted(result.tied)]
    names = [(place, named[place]) for place in places if place in named]
    return await publish(work, "选举结果", ballot, ballot.title, body, None, names, whose)


async def stood(work: Work, election_id: UUID) -> list[UUID]:
    """Whose own matter an election is that is made public: who agreed to stand, and who may not."""
    found = await work.select(Candidate, election_id=election_id)
    return [c.actor_id for c in found if c.state not in (CandidateState.NOMINATED, CandidateState.DECLINED)]


def numbered(positions: Sequence[int], what: str) -> str:
    """`第 1、3 号候选人当选(共 2 人)`."""
    numbers = "、".join(str(n + 1) for n in sorted(positions))
    return f"第 {numbers} 号候选人{what}(共 {len(positions)} 人)" if positions else f"无人{what}"


async def conclude(work: Work, roll: Roll, ballot: Ballot, result: Result) -> None:
    """What the ballot means for the election: who is elected, who is not, between whom it is still open."""
    assert ballot.election_id is not None
    election = await work.lock(Election, ballot.election_id)
    failed = result.outcome in (BallotOutcome.NO_QUORUM, BallotOutcome.REJECTED)
    earlier = await work.select(Candidate, election_id=election.id, state=CandidateState.ELECTED)
    # Who was elected in an earlier vote stays elected; the other seats are vacant then.
    state = ElectionState.FAILED if failed and not earlier else ElectionState.DECIDED
    for option, candidate in await candidates_of(work, ballot):
        if candidate is not None and option.position not in result.tied:
            won = option.position in result.winners
            work.change(candidate, state=CandidateState.ELECTED if won else CandidateState.NOT_ELECTED)
    work.change(election, state=state)
    data = {"ballot": str(ballot.id), "outcome": str(result.outcome), "elected": len(earlier) + len(result.winners)}
    work.record("ballots.election.decided", election, area_id=election.area_id, data=data)
    if state is ElectionState.FAILED and not await still_used(work, roll, ballot.id, election_id=election.id):
        release(work, roll)


async def seat(work: Work, *, election_id: UUID) -> Election:
    """Who was elected takes their seat, once the result has been public long enough and nobody objects any more.

    Refuses ELECTION_STATE (a tie is open), RESULT_CONTESTED (an objection was upheld), NOT_YET_CLEAN, OWN_MATTER (who
    stands).
    """
    roll, election = await work.lock_with(Election, election_id, Roll)
    work.require("ballots.election.manage", election)
    work.expect_version(election)
    await impartial(work, election.id)
    last = await last_ballot(work, election)
    if election.state is not ElectionState.DECIDED or last is None or last.outcome is BallotOutcome.TIED:
        raise Refusal("ELECTION_STATE", state=election.state)
    for ballot in await work.select(Ballot, election_id=election.id, state=BallotState.CLOSED):
        if ballot.contested_at is not None:
            raise Refusal("RESULT_CONTESTED")
        await clean(work, ballot)  # the first vote's result too, where a tie was voted on again
    elected = await work.select(Candidate, election_id=election.id, state=CandidateState.ELECTED)
    work.change(election, state=ElectionState.SEATED)
    data = {"roll": str(roll.id), "kind": roll.kind, "elected": [str(c.actor_id) for c in elected]}
    work.record("ballots.election.seated", election, area_id=election.area_id, data=data)
    if not await still_used(work, roll, last.id, election_id=election.id):
        release(work, roll)
    return election


async def cancel_election(work: Work, *, election_id: UUID, reason: str) -> Election:
    """Call it off before the vote; its roll is let go. Refuses ELECTION_STATE, OWN_MATTER (who stands)."""
    roll, election = await work.lock_with(Election, election_id, Roll)
    work.require("ballots.election.manage", election)
    work.expect_version(election)
    await impartial(work, election.id)
    if election.state not in (ElectionState.NOMINATING, ElectionState.CANDIDATES):
        raise Refusal("ELECTION_STATE", state=election.state)
    text = {"reason": needed(reason, "reason")}
    work.change(election, state=ElectionState.CANCELLED)
    work.record("ballots.election.cancelled", election, area_id=election.area_id, text=dict(text))
    if not await still_used(work, roll, election.id, election_id=election.id):
        release(work, roll)
    return election
