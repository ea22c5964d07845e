"""What can be done with rules, rolls, elections and ballots."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global, split_global
from core.work import Work
from plugins.ballots import rules
from plugins.ballots.graphql.nodes import (
    BallotsAttestation,
    BallotsBallot,
    BallotsCandidate,
    BallotsElection,
    BallotsEntry,
    BallotsObjection,
    BallotsPapers,
    BallotsProxy,
    BallotsRoll,
    BallotsRule,
    BallotsVote,
)
from plugins.ballots.terms import (
    BallotBox,
    BallotKind,
    EligibilityPredicate,
    RollObjectionWish,
    ShareBase,
    TieRule,
    VoterFact,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation, secret
from schema.nodes.core import Area

# --- who may vote ----------------------------------------------------------------------------------------


@strawberry.input(description="What a clause asks for (资格条件).")
class BallotsPredicateInput:
    predicate: EligibilityPredicate
    number: int = strawberry.field(default=0, description="Years of age, else months (数值).")


@strawberry.input(description="One way to be eligible (资格条款).")
class BallotsClauseInput:
    basis: str = strawberry.field(description="A code the roll shows, NON_LOCAL_1Y for instance (登记依据).")
    all: list[BallotsPredicateInput] = strawberry.field(description="All of these have to hold (全部条件).")


@strawberry.input
class BallotsMakeRuleInput(MutationInput):
    area_id: strawberry.ID
    kind: str = strawberry.field(description="The kind of election, a code; DEFAULT for any ballot (选举类别).")
    title: str
    clauses: list[BallotsClauseInput]
    statute: str | None = strawberry.field(
        default=None, description="Needed where household registration counts (法律依据)."
    )


@mutation("ballots.rule.manage", on=Subject(Area, "area_id"), rule=BallotsRule)
async def ballots_make_rule(work: Work, input: BallotsMakeRuleInput) -> Result:
    """Say who may vote in elections of a kind, from now on (制定选民资格规则)."""
    clauses = [rules.Clause(c.basis, tuple(rules.Asked(a.predicate, a.number) for a in c.all)) for c in input.clauses]
    made = await rules.make_rule(
        work, area_id=from_global(input.area_id, "area", "areaId"), kind=input.kind, title=input.title,
        clauses=clauses, statute=input.statute,
    )  # fmt: skip
    return {"rule": made}


@strawberry.input
class BallotsAttestInput(MutationInput):
    area_id: strawberry.ID
    person_id: strawberry.ID
    fact: VoterFact
    day: date = strawberry.field(description="The birthday, or since when it holds (日期).")
    evidence: str = strawberry.field(description="Which paper showed it; no id number (凭据).")


@mutation("ballots.roll.manage", on=Subject(Area, "area_id"), batch=True, attestation=BallotsAttestation)
async def ballots_attest(work: Work, input: BallotsAttestInput) -> Result:
    """Note what a paper showed about a person, for rolls (核实选民事项)."""
    made = await rules.attest(
        work, area_id=from_global(input.area_id, "area", "areaId"),
        person_id=from_global(input.person_id, "actor", "personId"), fact=input.fact, day=input.day,
        evidence=input.evidence,
    )  # fmt: skip
    return {"attestation": made}


@strawberry.input
class BallotsWithdrawFactInput(ChangeInput):
    attestation_id: strawberry.ID
    reason: str


@mutation("ballots.roll.manage", on=Subject(BallotsAttestation, "attestation_id"), attestation=BallotsAttestation)
async def ballots_withdraw_fact(work: Work, input: BallotsWithdrawFactInput) -> Result:
    """Take back what was noted wrongly, or holds no longer (撤回核实)."""
    id = from_global(input.attestation_id, "ballots_attestation", "attestationId")
    return {"attestation": await rules.withdraw_fact(work, attestation_id=id, reason=input.reason)}


# --- rolls -----------------------------------------------------------------------------------------------


@strawberry.input
class BallotsDraftRollInput(MutationInput):
    area_id: strawberry.ID
    kind: str = strawberry.field(description="The kind of election its rule is for (选举类别).")
    title: str
    as_of: date | None = strawberry.field(
        default=None, description="Eligible on this day; today unless told (资格截止日)."
    )


@mutation("ballots.roll.manage", on=Subject(Area, "area_id"), roll=BallotsRoll)
async def ballots_draft_roll(work: Work, input: BallotsDraftRollInput) -> Result:
    """Draft a roll: everybody here whom the rule finds eligible (编制选民名册)."""
    roll = await rules.draft_roll(
        work, area_id=from_global(input.area_id, "area", "areaId"), kind=input.kind, title=input.title,
        as_of=input.as_of,
    )  # fmt: skip
    return {"roll": roll}


@strawberry.input
class BallotsRollInput(ChangeInput):
    roll_id: strawberry.ID


@strawberry.input
class BallotsDiscardRollInput(BallotsRollInput):
    reason: str


def _roll(input: BallotsRollInput) -> UUID:
    return from_global(input.roll_id, "ballots_roll", "rollId")


ROLL = Subject(BallotsRoll, "roll_id")


@strawberry.input
class BallotsPostRollInput(BallotsRollInput):
    pass


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_post_roll(work: Work, input: BallotsPostRollInput) -> Result:
    """Post a roll, for everybody to see and to object to (公布名册)."""
    return {"roll": await rules.post_roll(work, roll_id=_roll(input))}


@strawberry.input
class BallotsFinaliseRollInput(BallotsRollInput):
    pass


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_finalise_roll(work: Work, input: BallotsFinaliseRollInput) -> Result:
    """Objections are over and answered: the roll is final (确认名册)."""
    return {"roll": await rules.finalise_roll(work, roll_id=_roll(input))}


@mutation("ballots.roll.manage", on=ROLL, roll=BallotsRoll)
async def ballots_discard_roll(work: Work, input: BallotsDiscardRollInput) -> Result:
    """Give a roll up that nothing rests on yet (作废名册)."""
    return {"roll": await rules.discard_roll(work, roll_id=_roll(input), reason=input.reason)}


@strawberry.input
class BallotsAddToRollInput(MutationInput):
    roll_id: strawberry.ID
    actor_id: strawberry.ID


@mutation("ballots.roll.manage", on=ROLL, entry=BallotsEntry)
async def ballots_add_to_roll(work: Work, input: BallotsAddToRollInput) -> Result:
    """Enter somebody whom the draft has missed; refused with the reason why they are not eligible (补登选民)."""
    entry = await rules.add_entry(
        work, roll_id=from_global(input.roll_id, "ballots_roll", "rollId"),
        actor_id=from_global(input.actor_id, "actor", "actorId"),
    )  # fmt: skip
    return {"entry": entry}


@strawberry.input
class BallotsRemoveFromRollInput(ChangeInput):
    entry_id: strawberry.ID
    reason: str


@mutation("ballots.roll.manage", on=Subject(BallotsEntry, "entry_id"), entry=BallotsEntry)
async def ballots_remove_from_roll(work: Work, input: BallotsRemoveFromRollInput) -> Result:
    """Strike somebody off a draft (从名册草稿除名)."""
    id = from_global(input.entry_id, "ballots_entry", "entryId")
    return {"entry": await rules.remove_entry(work, entry_id=id, reason=input.reason)}


@strawberry.input
class BallotsObjectToRollInput(MutationInput):
    roll_id: strawberry.ID
    person_id: strawberry.ID = strawberry.field(description="Whom it is about; oneself, perhaps (涉及人).")
    wish: RollObjectionWish
    statement: str


@mutation("ballots.roll.object", on=ROLL, objection=BallotsObjection)
async def ballots_object_to_roll(work: Work, input: BallotsObjectToRollInput) -> Result:
    """Say that a posted roll is wrong about somebody (提出名册异议)."""
    made = await rules.submit_objection(
        work, roll_id=from_global(input.roll_id, "ballots_roll", "rollId"),
        person_id=from_global(input.person_id, "actor", "personId"), wish=input.wish, statement=input.statement,
    )  # fmt: skip
    return {"objection": made}


@strawberry.input
class BallotsObjectionInput(ChangeInput):
    objection_id: strawberry.ID


@strawberry.input
class BallotsAnswerObjectionInput(BallotsObjectionInput):
    uphold: bool
    answer: str


def _objection(input: BallotsObjectionInput) -> UUID:
    return from_global(input.objection_id, "ballots_objection", "objectionId")


@strawberry.input
class BallotsWithdrawObjectionInput(BallotsObjectionInput):
    pass


@mutation(
    "ballots.roll.object",
    on=Subject(BallotsObjection, "objection_id", lambda t: [t.objector_id]),
    objection=BallotsObjection,
)
async def ballots_withdraw_objection(work: Work, input: BallotsWithdrawObjectionInput) -> Result:
    """Withdraw one's own objection (撤回异议)."""
    return {"objection": await rules.withdraw_objection(work, objection_id=_objection(input))}


@mutation("ballots.roll.decide", on=Subject(BallotsObjection, "objection_id"), objection=BallotsObjection)
async def ballots_answer_objection(work: Work, input: BallotsAnswerObjectionInput) -> Result:
    """Answer an objection; upholding it changes the roll (处理异议)."""
    made = await rules.answer_objection(work, objection_id=_objection(input), uphold=input.uphold, answer=input.answer)
    return {"objection": made}


# --- elections -------------------------------------------------------------------------------------------


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


def _election(input: BallotsElectionInput) -> UUID:
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
    made = await rules.prolong_nominations(work, election_id=_election(input), nominations_by=input.nominations_by)
    return {"election": made}


@strawberry.input
class BallotsPostCandidatesInput(BallotsElectionInput):
    pass


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_post_candidates(work: Work, input: BallotsPostCandidatesInput) -> Result:
    """Post who stands (公布候选人)."""
    return {"election": await rules.post_candidates(work, election_id=_election(input))}


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_cancel_election(work: Work, input: BallotsCancelElectionInput) -> Result:
    """Call an election off before the vote (取消选举)."""
    return {"election": await rules.cancel_election(work, election_id=_election(input), reason=input.reason)}


@strawberry.input
class BallotsSeatInput(BallotsElectionInput):
    pass


@mutation("ballots.election.manage", on=ELECTION, election=BallotsElection)
async def ballots_seat(work: Work, input: BallotsSeatInput) -> Result:
    """The result stands: who was elected takes their seat (确认就任)."""
    return {"election": await rules.seat(work, election_id=_election(input))}


# --- ballots ---------------------------------------------------------------------------------------------


@strawberry.input(description="A part of a whole: 2 of 3, or more than 1 of 2 (比例).")
class BallotsShareInput:
    numerator: int
    denominator: int
    is_more: bool = strawberry.field(default=True, description="More than it, else at least it (是否须超过).")


@strawberry.input(description="By which rule it is decided; never less than the area's settings ask for (表决规则).")
class BallotsTermsInput:
    quorum: BallotsShareInput | None = strawberry.field(
        default=strawberry.UNSET, description="As the settings say where it is left out; null asks for none (法定人数)."
    )
    threshold: BallotsShareInput | None = strawberry.field(
        default=strawberry.UNSET, description="As the settings say where it is left out; null asks for none (通过比例)."
    )
    base: ShareBase = ShareBase.BALLOTS
    seats: int | None = strawberry.field(default=None, description="Where people or things are elected (应选名额).")
    ties: TieRule = TieRule.TIED
    most: int = strawberry.field(default=1, description="So many options may be chosen (最多可选).")
    points: int = strawberry.field(default=10, description="The most points for an option (最高分).")
    proxies: int = strawberry.field(default=0, description="Proxies one person may hold (每人受托数).")


def _terms(given: BallotsTermsInput | None) -> dict[str, Any] | None:
    """The terms that are named."""
    if given is None:
        return None
    named: dict[str, Any] = {
        "base": given.base, "seats": given.seats, "ties": given.ties, "most": given.most, "points": given.points,
        "proxies": given.proxies,
    }  # fmt: skip
    for name, part in (("quorum", given.quorum), ("threshold", given.threshold)):
        if part is not strawberry.UNSET:
            plain = None if part is None else [part.numerator, part.denominator, part.is_more]
            named[name] = rules.share(plain, "rule", name)
    return named


@strawberry.input
class BallotsAnnounceInput(MutationInput):
    area_id: strawberry.ID
    title: str
    question: str | None = None
    kind: BallotKind = BallotKind.YES_NO
    options: list[str] = strawberry.field(
        default_factory=lambda: ["赞成", "反对", "弃权"], description="For, against and abstaining unless told (选项)."
    )
    is_secret: bool = True
    has_papers: bool = False
    opens_at: datetime
    closes_at: datetime
    rule: BallotsTermsInput | None = None
    roll_id: strawberry.ID | None = strawberry.field(default=None, description="Over this roll (选民名册).")
    voter_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These vote, a body's members for instance; else all the default rule finds (投票人)."
    )
    subject_id: strawberry.ID | None = strawberry.field(default=None, description="What it is about (事项).")


@mutation("ballots.ballot.manage", on=Subject(Area, "area_id"), ballot=BallotsBallot)
async def ballots_announce(work: Work, input: BallotsAnnounceInput) -> Result:
    """Put a question to the vote (发起表决)."""
    subject = split_global(input.subject_id) if input.subject_id else None
    voters = input.voter_ids
    ballot = await rules.announce(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        question=input.question,
        kind=input.kind,
        options=input.options,
        is_secret=input.is_secret,
        has_papers=input.has_papers,
        opens_at=input.opens_at,
        closes_at=input.closes_at,
        rule=_terms(input.rule),
        roll_id=from_global(input.roll_id, "ballots_roll", "rollId") if input.roll_id else None,
        voter_ids=None
        if voters is None
        else [from_global(v, "actor", "voterIds", str(n)) for n, v in enumerate(voters)],
        subject=subject,
    )
    return {"ballot": ballot}


@strawberry.input
class BallotsOpenInput(BallotsElectionInput):
    opens_at: datetime
    closes_at: datetime
    kind: BallotKind = strawberry.field(
        default=BallotKind.MULTIPLE, description="As many as there are seats, unless told (投票方式)."
    )
    is_secret: bool = True
    has_papers: bool = False
    rule: BallotsTermsInput | None = None


@mutation("ballots.election.manage", on=ELECTION, ballot=BallotsBallot)
async def ballots_open(work: Work, input: BallotsOpenInput) -> Result:
    """Put the posted candidates to the vote; after a tie, those who had equally many (发布投票公告)."""
    ballot = await rules.put_to_vote(
        work, election_id=_election(input), opens_at=input.opens_at, closes_at=input.closes_at, kind=input.kind,
        is_secret=input.is_secret, has_papers=input.has_papers, rule=_terms(input.rule),
    )  # fmt: skip
    return {"ballot": ballot}


BALLOT = Subject(BallotsBallot, "ballot_id")


@strawberry.input
class BallotsBallotInput(ChangeInput):
    ballot_id: strawberry.ID


@strawberry.input
class BallotsCancelInput(BallotsBallotInput):
    reason: str


def _ballot(ballot_id: strawberry.ID) -> UUID:
    return from_global(ballot_id, "ballots_ballot", "ballotId")


@strawberry.input
class BallotsCloseInput(BallotsBallotInput):
    pass


@mutation("ballots.ballot.manage", on=BALLOT, ballot=BallotsBallot)
async def ballots_close(work: Work, input: BallotsCloseInput) -> Result:
    """Close a ballot and count: when time is up and the tellers are done, or everybody has voted (结束表决)."""
    return {"ballot": await rules.close(work, ballot_id=_ballot(input.ballot_id))}


@mutation("ballots.ballot.manage", on=BALLOT, ballot=BallotsBallot)
async def ballots_cancel(work: Work, input: BallotsCancelInput) -> Result:
    """Call a ballot off (取消表决)."""
    return {"ballot": await rules.cancel(work, ballot_id=_ballot(input.ballot_id), reason=input.reason)}


@strawberry.input
class BallotsAnnulInput(BallotsBallotInput):
    reason: str


@mutation("ballots.ballot.annul", on=BALLOT, ballot=BallotsBallot)
async def ballots_annul(work: Work, input: BallotsAnnulInput) -> Result:
    """Call off a count that cannot be finished, or annul an election's result against which an objection was upheld; then
    the vote is repeated, or the election cancelled (中止计票或宣布结果无效)."""
    return {"ballot": await rules.annul(work, ballot_id=_ballot(input.ballot_id), reason=input.reason)}


@strawberry.input
class BallotsCastInput(MutationInput):
    ballot_id: strawberry.ID
    choices: list[int] = secret(
        description="Positions, by preference where ranked; points by position where scored; none is blank (选择)."
    )
    for_voter_id: strawberry.ID | None = strawberry.field(default=None, description="Whose proxy one holds (委托人).")


@mutation("ballots.vote.cast", on=BALLOT, vote=BallotsVote)
async def ballots_cast(work: Work, input: BallotsCastInput) -> Result:
    """Vote, once (投票)."""
    voter = input.for_voter_id
    mark = await rules.cast(
        work, ballot_id=_ballot(input.ballot_id), choices=input.choices,
        for_voter_id=from_global(voter, "actor", "forVoterId") if voter else None,
    )  # fmt: skip
    return {"vote": mark}


@strawberry.input
class BallotsGiveProxyInput(MutationInput):
    ballot_id: strawberry.ID
    holder_id: strawberry.ID


@mutation("ballots.vote.delegate", on=BALLOT, proxy=BallotsProxy)
async def ballots_give_proxy(work: Work, input: BallotsGiveProxyInput) -> Result:
    """Let somebody on the roll cast one's vote, where the rule allows it (委托投票)."""
    holder = from_global(input.holder_id, "actor", "holderId")
    return {"proxy": await rules.give_proxy(work, ballot_id=_ballot(input.ballot_id), holder_id=holder)}


@strawberry.input
class BallotsWithdrawProxyInput(ChangeInput):
    proxy_id: strawberry.ID


@mutation("ballots.vote.delegate", on=Subject(BallotsProxy, "proxy_id", lambda t: [t.giver_id]), proxy=BallotsProxy)
async def ballots_withdraw_proxy(work: Work, input: BallotsWithdrawProxyInput) -> Result:
    """Vote oneself after all (撤回委托)."""
    return {"proxy": await rules.withdraw_proxy(work, proxy_id=from_global(input.proxy_id, "ballots_proxy", "proxyId"))}


# --- papers ----------------------------------------------------------------------------------------------


@strawberry.input
class BallotsHandOutInput(MutationInput):
    ballot_id: strawberry.ID
    voter_id: strawberry.ID
    presented_by_id: strawberry.ID | None = strawberry.field(
        default=None, description="For an organization only: who came with its mandate (到场代表)."
    )


@mutation("ballots.desk", on=BALLOT, vote=BallotsVote)
async def ballots_hand_out(work: Work, input: BallotsHandOutInput) -> Result:
    """Tick somebody off and hand them a paper; voting online is closed for them (发放纸质选票)."""
    came = input.presented_by_id
    mark = await rules.hand_out(
        work, ballot_id=_ballot(input.ballot_id), voter_id=from_global(input.voter_id, "actor", "voterId"),
        presented_by_id=from_global(came, "actor", "presentedById") if came else None,
    )  # fmt: skip
    return {"vote": mark}


@strawberry.input(description="So many papers filled in alike (相同选票).")
class BallotsCountInput:
    choices: list[int]
    papers: int


@strawberry.input
class BallotsEnterPapersInput(MutationInput):
    ballot_id: strawberry.ID
    box: BallotBox
    place: str
    counts: list[BallotsCountInput]
    spoiled: int = 0
    evidence: list[str] = strawberry.field(description="Photos of the tally sheet, by reference (计票照片).")


@mutation("ballots.papers.count", on=BALLOT, papers=BallotsPapers)
async def ballots_enter_papers(work: Work, input: BallotsEnterPapersInput) -> Result:
    """Enter what the first teller counted (录入计票)."""
    counts: list[tuple[Sequence[int], int]] = [(c.choices, c.papers) for c in input.counts]
    made = await rules.enter_papers(
        work, ballot_id=_ballot(input.ballot_id), box=input.box, place=input.place, counts=counts,
        spoiled=input.spoiled, evidence=input.evidence,
    )  # fmt: skip
    return {"papers": made}


@strawberry.input
class BallotsConfirmPapersInput(ChangeInput):
    papers_id: strawberry.ID
    agrees: bool = True
    note: str | None = strawberry.field(default=None, description="What differs (不符说明).")


@mutation("ballots.papers.count", on=Subject(BallotsPapers, "papers_id"), papers=BallotsPapers)
async def ballots_confirm_papers(work: Work, input: BallotsConfirmPapersInput) -> Result:
    """The second teller has counted the same, or not (复核计票)."""
    id = from_global(input.papers_id, "ballots_papers", "papersId")
    return {"papers": await rules.confirm_papers(work, papers_id=id, agrees=input.agrees, note=input.note)}
