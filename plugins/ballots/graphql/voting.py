"""What can be done with ballots: announcing, opening, voting online, at the desk and by proxy, papers, closing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from core.ids import from_global, split_global
from core.work import Work
from plugins.ballots import rules
from plugins.ballots.graphql.elections import ELECTION, BallotsElectionInput, election
from plugins.ballots.graphql.nodes import (
    BallotsBallot,
    BallotsPapers,
    BallotsProxy,
    BallotsVote,
)
from plugins.ballots.ports import ANSWERS
from plugins.ballots.terms import (
    BallotBox,
    BallotKind,
    ShareBase,
    TieRule,
)
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation, secret
from schema.nodes.core import Area


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
        default_factory=lambda: [*ANSWERS], description="For, against and abstaining unless told (选项)."
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
        work, election_id=election(input), opens_at=input.opens_at, closes_at=input.closes_at, kind=input.kind,
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
