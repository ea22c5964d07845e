"""Paper and mobile boxes: the desk ticks the roll and hands out a paper, which closes voting online for that person;
papers are counted in batches by two tellers, with a photo."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.enums import ActorKind, MandateState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Mandate
from core.rules.inputs import clean_name, evidence_text, needed
from core.work import Work
from plugins.ballots.models import Ballot, Option, Papers, RollEntry, Vote
from plugins.ballots.rules.announcing import bring_up_to_now
from plugins.ballots.rules.casting import on_roll
from plugins.ballots.rules.common import dumped, impartial, nobody_votes, with_roll
from plugins.ballots.rules.counting import check_paper, terms_of
from plugins.ballots.terms import FEWEST, BallotBox, BallotState, PaperBatchState, VotingChannel

BATCH = 20_000


async def hand_out(work: Work, *, ballot_id: UUID, voter_id: UUID, presented_by_id: UUID | None) -> Vote:
    """Tick somebody off and give them a paper; they cannot vote online any more. For an organization comes whoever has
    its mandate.

    Refuses NO_PAPERS, BALLOT_STATE, NOT_ON_ROLL, ALREADY_VOTED, NO_MANDATE, COMES_THEMSELVES, OWN_MATTER.
    """
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.desk", ballot)
    await bring_up_to_now(work, roll, ballot)
    if not ballot.has_papers:
        raise Refusal("NO_PAPERS")
    if ballot.state is not BallotState.OPEN or work.now >= ballot.closes_at:
        raise Refusal("BALLOT_STATE", state=ballot.state)
    voter = await work.get(Actor, voter_id)
    await impartial(work, ballot.election_id, voter.id)
    entry = await work.find(RollEntry, roll_id=ballot.roll_id, actor_id=voter.id)
    on_roll(entry.state if entry else None)
    came = await _who_came(work, ballot, voter, presented_by_id)
    if [m for m in await work.select(Vote, ballot_id=ballot.id, voter_id=voter.id)]:
        raise Refusal("ALREADY_VOTED")
    if any(not m.is_proxy for m in await work.select(Vote, ballot_id=ballot.id, cast_by_id=came)):
        raise Refusal("ALREADY_VOTED")
    mark = Vote(
        id=new_id(), area_id=ballot.area_id, ballot_id=ballot.id, voter_id=voter.id, cast_by_id=came, is_proxy=False,
        channel=VotingChannel.DESK,
    )  # fmt: skip
    work.add(mark)
    work.record("ballots.vote.ticked", mark, area_id=ballot.area_id, data={"ballot": str(ballot.id)})
    return mark


async def _who_came(work: Work, ballot: Ballot, voter: Actor, presented_by_id: UUID | None) -> UUID:
    """Who votes with the paper: of an organization whoever has a mandate of it for where the ballot lies (INV13)."""
    if voter.kind is ActorKind.PERSON:
        if presented_by_id is not None:
            raise Refusal("COMES_THEMSELVES", path=("presentedById",))
        return voter.id
    if presented_by_id is None:
        raise Refusal("NO_MANDATE", path=("presentedById",))
    person = await work.get(Actor, presented_by_id)
    held = await work.select(Mandate, person_id=person.id, organization_id=voter.id, state=MandateState.ACTIVE)
    held = [m for m in held if m.area_id in work.place(ballot).chain]
    if not any(m.since <= work.now and (m.until is None or m.until > work.now) for m in held):
        raise Refusal("NO_MANDATE", path=("presentedById",))
    return person.id


async def enter_papers(
    work: Work, *, ballot_id: UUID, box: BallotBox, place: str, counts: Sequence[tuple[Sequence[int], int]], spoiled: int,
    evidence: Sequence[str],
) -> Papers:  # fmt: skip
    """What the first teller counted when nobody votes any more: so many papers filled in alike. Refuses BALLOT_RUNS,
    MORE_PAPERS_THAN_VOTERS, PAPERS_TOGETHER (so few secret papers that they tell who chose what), BAD_PAPER,
    EVIDENCE_NEEDED, PAPERS_EMPTY, BALLOT_STATE."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.papers.count", ballot)
    await impartial(work, ballot.election_id)
    if not ballot.has_papers:
        raise Refusal("NO_PAPERS")
    if ballot.state not in (BallotState.OPEN, BallotState.COUNTING):
        raise Refusal("BALLOT_STATE", state=ballot.state)
    await bring_up_to_now(work, roll, ballot)
    await nobody_votes(work, ballot)
    options, terms = len(await work.select(Option, ballot_id=ballot.id)), terms_of(ballot.rule, ballot.ties)
    papers = [(check_paper(ballot.kind, options, terms, choices), number) for choices, number in counts]
    valid = sum(number for _, number in papers)
    if any(not 0 < number <= BATCH for _, number in papers) or not 0 <= spoiled <= BATCH or valid + spoiled == 0:
        raise Refusal("PAPERS_EMPTY", path=("counts",))
    there = await work.select(Papers, ballot_id=ballot.id, state=[PaperBatchState.ENTERED, PaperBatchState.CONFIRMED])
    ticked = len(await work.select(Vote, ballot_id=ballot.id, channel=VotingChannel.DESK))
    left = ticked - valid - spoiled - sum(p.valid + p.spoiled for p in there)
    if left < 0:
        raise Refusal("MORE_PAPERS_THAN_VOTERS", path=("counts",), ticked=ticked)
    if ballot.is_secret and left and min(left, valid + spoiled) < FEWEST:
        raise Refusal("PAPERS_TOGETHER", path=("counts",), least=FEWEST)
    made = Papers(
        id=new_id(), area_id=ballot.area_id, ballot_id=ballot.id, box=box, place=clean_name(place, "place"),
        counts=dumped([{"choices": list(c), "papers": n} for c, n in papers]), valid=valid, spoiled=spoiled,
        evidence=evidence_text(evidence, is_needed=True), state=PaperBatchState.ENTERED, entered_at=work.occurred_at,
        first_teller_id=work.person_id,
    )  # fmt: skip
    work.add(made)
    data = {"ballot": str(ballot.id), "papers": valid + spoiled}
    work.record("ballots.papers.entered", made, area_id=ballot.area_id, data=data)
    return made


async def confirm_papers(work: Work, *, papers_id: UUID, agrees: bool, note: str | None) -> Papers:
    """The second teller has counted: the same, or not, with a word on what differs. Refuses SAME_TELLER, PAPERS_STATE."""
    ballot, papers = await work.lock_with(Papers, papers_id, Ballot)
    work.require("ballots.papers.count", ballot)
    work.expect_version(papers)
    await impartial(work, ballot.election_id)
    if papers.state is not PaperBatchState.ENTERED:
        raise Refusal("PAPERS_STATE", state=papers.state)
    if work.person_id == papers.first_teller_id:
        raise Refusal("SAME_TELLER")
    text = {} if agrees else {"reason": needed(note, "note")}
    state = PaperBatchState.CONFIRMED if agrees else PaperBatchState.REJECTED
    work.change(papers, state=state, second_teller_id=work.person_id)
    how = "confirmed" if agrees else "rejected"
    data = {"ballot": str(ballot.id), "papers": papers.valid + papers.spoiled}
    work.record(f"ballots.papers.{how}", papers, area_id=ballot.area_id, data=data, text=dict(text))
    return papers
