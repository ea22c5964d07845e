"""Ballots and votes, as the API shows them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import strawberry

from plugins.ballots import models
from plugins.ballots.graphql.elections import BallotsCandidate, BallotsElection
from plugins.ballots.graphql.rolls import BallotsEntry, BallotsRoll, rows
from plugins.ballots.terms import (
    FEWEST,
    BallotBox,
    BallotElectorate,
    BallotKind,
    BallotOutcome,
    BallotState,
    PaperBatchState,
    RollEntryState,
    VoteProxyState,
    VotingChannel,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, case, select
from schema.nodes.search import SearchHit
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts, viewer


@strawberry.type(description="Votes of one option (得票).")
class BallotsTally:
    position: int = strawberry.field(description="Which option (选项序号).")
    votes: int = strawberry.field(description="Votes; points where scored; first preferences where ranked (得票数).")
    won: bool = strawberry.field(description="Whether it won (是否胜出).")
    tied: bool = strawberry.field(description="Whether it has as many as others for the last seat (是否同票).")


@strawberry.type(description="A part of a whole (比例).")
class BallotsShare:
    numerator: int = strawberry.field(description="Above the line (分子).")
    denominator: int = strawberry.field(description="Below the line (分母).")
    is_more: bool = strawberry.field(description="More than it, else at least it (是否须超过).")


@strawberry.type(description="By which rule a ballot is decided (表决规则).")
class BallotsTerms:
    quorum: BallotsShare | None = strawberry.field(description="Of the roll has to vote (法定人数).")
    threshold: BallotsShare | None = strawberry.field(description="Of the base is needed (通过比例).")
    base: str = strawberry.field(description="ROLL, BALLOTS or VALID (比例基数).")
    seats: int | None = strawberry.field(description="Null where nobody is elected (应选名额).")
    ties: str = strawberry.field(description="TIED, LOT or REJECT (同票处理).")
    most: int = strawberry.field(description="So many options may be chosen (最多可选).")
    points: int = strawberry.field(description="The most points for an option (最高分).")
    proxies: int = strawberry.field(description="Proxies one person may hold (每人受托数).")


def _share(value: Any) -> BallotsShare | None:
    return BallotsShare(numerator=value[0], denominator=value[1], is_more=value[2]) if value else None


def _terms(values: dict[str, Any], facts: Any) -> BallotsTerms | None:
    said = json.loads(values["rule"]) if isinstance(values["rule"], str) else None
    if not isinstance(said, dict):
        return None
    return BallotsTerms(
        quorum=_share(said["quorum"]), threshold=_share(said["threshold"]), base=said["base"], seats=said["seats"],
        ties=values["ties"], most=said["most"], points=said["points"], proxies=said["proxies"],
    )  # fmt: skip


def _tally(values: dict[str, Any], facts: Any) -> list[BallotsTally]:
    return [BallotsTally(**row) for row in rows(values["tally"])]


def _electorate(t: RowOf) -> Expr:
    named = select(models.Roll).where(lambda r: (r.id == t.roll_id) & (r.is_fixed == True))  # noqa: E712
    posted = select(models.Roll).where(lambda r: (r.id == t.roll_id) & ~r.posted_on.is_null())
    rest = case(posted.exists(), BallotElectorate.ROLL.value, BallotElectorate.RESIDENTS.value)
    return case(named.exists(), BallotElectorate.NAMED.value, rest)


def _may_vote(t: RowOf, v: ViewerFacts) -> Expr:
    return (
        select(models.RollEntry)
        .where(lambda e: (e.roll_id == t.roll_id) & (e.state == RollEntryState.LISTED) & v.acts_as(e.actor_id))
        .exists()
    )


def _voted(t: RowOf) -> Expr:
    return select(models.Vote).where(lambda m: (m.ballot_id == t.id) & viewer.acts_as(m.voter_id)).exists()


@node(models.Ballot, scope=public("What is put to the vote, and what came of it, is for everybody."), order="-opens_at")
class BallotsBallot:
    """A question put to those on a roll (表决)."""

    title: str = column()
    question: str | None = column(filter=False, description="What it is about (表决事项).")
    kind: BallotKind = column()
    is_secret: bool = column(description="Nobody can tell who chose what (是否无记名).")
    has_papers: bool = column(description="Papers are handed out at a desk too (是否有纸质选票).")
    electorate: BallotElectorate = computed(
        _electorate,
        discloses="How the voters came to be is public; who was named, is not.",
        description="Whether they were named one by one, stood on a posted roll, or are all whom the area's default rule finds"
        " (投票人范围).",
    )
    state: BallotState = column()
    opens_at: datetime = column(order=True)
    closes_at: datetime = column(order=True)
    planned_closes_at: datetime | None = column(
        description="When it should have closed, where it was prolonged because nobody could vote for a while (原定截止时间)."
    )
    closed_at: datetime | None = column()
    contested_at: datetime | None = column(
        description="Since when an objection to its result is upheld (结果被异议推翻的时间)."
    )
    outcome: BallotOutcome | None = column()
    tally: list[BallotsTally] = python(
        _tally, columns=lambda t: {"tally": t.tally}, settings=False, description="Empty until it is closed (计票结果)."
    )
    rule: BallotsTerms | None = python(
        _terms,
        columns=lambda t: {"rule": t.rule, "ties": t.ties},
        settings=False,
        description="How it is decided (表决规则).",
    )
    voters: int | None = column(description="On the roll (选民数).")
    cast: int | None = column("cast_count", description="Who voted, however (投票人数).")
    valid: int | None = column(description="Papers neither blank nor spoiled (有效票数).")
    spoiled: int | None = column(description="Papers that could not be counted (废票数).")
    lot: str | None = column(filter=False, description="The seed of the lot, to count again with (抽签种子).")
    subject_tag: str | None = column(description="The kind of thing it is about (事项类型).")
    turnout: int = computed(
        lambda t: select(models.Vote).where(lambda m: m.ballot_id == t.id).count(),
        discloses="How many have voted is public; who, is not.",
        description="So many have voted by now (已投票人数).",
    )
    viewer_may_vote: bool = computed(
        lambda t: _may_vote(t, viewer),
        description="Whether the viewer, or whom they act for, is on the roll (可否投票).",
    )
    viewer_has_voted: bool = computed(_voted, description="Whether they have voted (是否已投票).")
    version: int = column(filter=False)
    area: Area = to_one()
    roll: BallotsRoll | None = to_one()
    election: BallotsElection | None = to_one()
    options: Connection[BallotsOption] = connection("ballot_id")
    votes: Connection[BallotsVote] = connection("ballot_id", description="Those the viewer may see (投票记录).")
    papers: Connection[BallotsPapers] = connection("ballot_id", description="Counted batches (纸票批次).")


@node(models.Option, scope=public("What can be chosen is for everybody."), order="id")
class BallotsOption:
    """What can be chosen (选项)."""

    position: int = column()
    label: str = column(filter=False)
    area: Area = to_one()
    ballot: BallotsBallot | None = to_one()
    candidate: BallotsCandidate | None = to_one()


def _is_open(t: RowOf) -> Expr:
    """An open ballot that is closed: who voted how is public then."""
    closed = select(models.Ballot).where(
        lambda b: (b.id == t.ballot_id) & (b.state == BallotState.CLOSED) & ~(b.is_secret == True)  # noqa: E712
    )
    return closed.exists()


def _vote_scope(t: RowOf, v: ViewerFacts) -> Expr:
    own = v.acts_as(t.voter_id) | v.acts_as(t.cast_by_id)
    return own | v.may("ballots.desk", t.area_id) | _is_open(t)


def _choices(values: dict[str, Any], facts: Any) -> list[int]:
    found = json.loads(values["choices"]) if isinstance(values["choices"], str) and values["choices"][:1] == "[" else []
    return [int(c) for c in found]


@node(models.Vote, scope=_vote_scope)
class BallotsVote:
    """That somebody has voted; what they chose only in an open ballot, for themselves, and for all once it is closed
    (投票记录)."""

    channel: VotingChannel = column()
    is_proxy: bool = column(description="Cast by somebody they let do so (是否委托).")
    choices: list[int] = python(
        _choices,
        columns=lambda t: {
            "choices": case(viewer.acts_as(t.voter_id) | viewer.acts_as(t.cast_by_id) | _is_open(t), t.choices)
        },
        settings=False,
        description="Positions, or points by position; empty in a secret ballot (选择).",
    )
    area: Area = to_one()
    ballot: BallotsBallot | None = to_one()
    voter: Actor = to_one()
    cast_by: Actor = to_one(description="Who did it: themselves, who has the mandate, or a proxy (投票人).")


def _proxy_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.giver_id) | v.acts_as(t.holder_id) | v.may("ballots.desk", t.area_id)


@node(models.Proxy, scope=_proxy_scope)
class BallotsProxy:
    """Somebody lets somebody else cast their vote (委托投票)."""

    state: VoteProxyState = column()
    given_at: datetime = column()
    version: int = column(filter=False)
    area: Area = to_one()
    ballot: BallotsBallot | None = to_one()
    giver: Actor = to_one(description="Whose vote it is (委托人).")
    holder: Actor = to_one(description="Who casts it (受托人).")


@strawberry.type(description="So many papers filled in alike (相同选票).")
class BallotsCount:
    choices: list[int] = strawberry.field(description="As in a vote (选择).")
    papers: int = strawberry.field(description="How many (张数).")


def _counts(values: dict[str, Any], facts: Any) -> list[BallotsCount]:
    return [BallotsCount(choices=row["choices"], papers=row["papers"]) for row in rows(values["counts"])]


def _evidence(values: dict[str, Any], facts: Any) -> list[str]:
    found: list[str] = json.loads(values["evidence"] or "[]")
    return found


def _counts_shown(t: RowOf, v: ViewerFacts) -> Expr:
    """Who counted a batch sees what, and while it waits for a second teller whoever may be that. Others see none of a secret
    ballot where so few voted on paper, or so few online, that with the total it tells who chose what."""
    online = (
        select(models.Vote).where(lambda m: (m.ballot_id == t.ballot_id) & (m.channel == VotingChannel.ONLINE)).count()
    )
    enough = (t.valid + t.spoiled >= FEWEST) & ((online == 0) | (online >= FEWEST))
    is_open = select(models.Ballot).where(lambda b: (b.id == t.ballot_id) & ~(b.is_secret == True))  # noqa: E712
    waits, counted = t.state == PaperBatchState.ENTERED, t.state == PaperBatchState.CONFIRMED
    teller = v.acts_as(t.first_teller_id) | v.acts_as(t.second_teller_id)
    may_count = v.may("ballots.papers.count", t.area_id)
    return teller | is_open.exists() | (counted & enough) | (may_count & (waits | enough))


def _papers_scope(t: RowOf, v: ViewerFacts) -> Expr:
    closed = select(models.Ballot).where(lambda b: (b.id == t.ballot_id) & (b.state == BallotState.CLOSED)).exists()
    return closed | v.may("ballots.papers.count", t.area_id)


@node(models.Papers, scope=_papers_scope, order="-entered_at")
class BallotsPapers:
    """Papers from a box, counted by two tellers; public once the ballot is closed (纸票批次)."""

    box: BallotBox = column()
    place: str = column(filter=False, description="Where the box stood, or went (地点).")
    counts: list[BallotsCount] = python(
        _counts, columns=lambda t: {"counts": case(_counts_shown(t, viewer), t.counts)}, settings=False,
        description="What they said; empty but for who counted, where so few voted so that it would tell who chose what (计数).",
    )  # fmt: skip
    valid: int | None = column(visible=_counts_shown, description="Papers that were counted (有效张数).")
    spoiled: int | None = column(visible=_counts_shown, description="Papers that could not be (废票张数).")
    evidence: list[str] = python(
        _evidence, columns=lambda t: {"evidence": case(_counts_shown(t, viewer), t.evidence)}, settings=False,
        description="Photos of the tally sheet, by reference (计票照片).",
    )  # fmt: skip
    state: PaperBatchState = column()
    entered_at: datetime = column(order=True)
    version: int = column(filter=False)
    area: Area = to_one()
    ballot: BallotsBallot | None = to_one()
    first_teller: Actor = to_one(description="Who counted first (计票人).")
    second_teller: Actor | None = to_one(description="Who counted again (复核人).")


@extend(BallotsEntry)
class BallotsEntryConsent:
    consent: BallotsBallot | None = to_one(description="The ballot that consented (同意表决).")


@extend(BallotsElection)
class BallotsElectionBallots:
    ballots: Connection[BallotsBallot] = connection("election_id")


@extend(Query)
class BallotsQuery:
    ballots_ballot: BallotsBallot | None = one("id", description="A ballot (表决).")
    ballots_ballots: Connection[BallotsBallot] = every(description="Ballots (表决列表).")


@extend(Area)
class AreaBallots:
    ballots_ballots: Connection[BallotsBallot] = connection("area_id", description="Ballots here (本区域表决).")


@extend(SearchHit)
class SearchHitBallots:
    ballot: BallotsBallot | None = to_one("id", description="The ballot, if it is one (表决).")
