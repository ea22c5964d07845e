"""Ballots are announced over a roll, open and close by the clock, and can be called off with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.clock import months_later
from core.errors import Refusal
from core.ids import new_id
from core.models import Area
from core.rules.inputs import clean_name, needed, optional_text
from core.work import Work
from plugins.ballots.models import Attestation, Ballot, Candidate, Election, Option, Roll, RollEntry
from plugins.ballots.rules.common import DEFAULT, impartial, in_order, with_roll
from plugins.ballots.rules.counting import MOST_POINTS, Share, Terms
from plugins.ballots.rules.eligibility import rule_for
from plugins.ballots.rules.lateness import make_up
from plugins.ballots.rules.rolls import (
    about_entry,
    draw_again,
    fill,
    fixed_roll,
    freeze,
    held_by_election,
    new_roll,
    release,
    still_used,
)
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import (
    BallotKind,
    BallotState,
    ElectionState,
    RollState,
    ShareBase,
    VoterFact,
    VoterFactState,
)

OPTIONS = 200
OPENING_SQL = (
    "SELECT b.id, b.area_id FROM ballots_ballot b JOIN ballots_roll r ON r.id = b.roll_id"
    " WHERE b.state = 'ANNOUNCED' AND b.opens_at <= :now:"
    " AND (r.state IN ('FINAL', 'FROZEN') OR (r.kind = 'DEFAULT' AND r.state = 'DRAFT' AND NOT r.is_filling))"
)


async def announce(
    work: Work, *, area_id: UUID, title: str, question: str | None, kind: BallotKind, options: Sequence[str],
    is_secret: bool, has_papers: bool, opens_at: datetime, closes_at: datetime,
    rule: Mapping[str, Any] | None = None, roll_id: UUID | None = None, voter_ids: Sequence[UUID] | None = None, subject: tuple[str, UUID] | None = None,
) -> Ballot:  # fmt: skip
    """Put a question to those on a roll, to these voters, or to everybody the default rule finds here.

    `rule` names some of its `Terms`; the others are as the settings say. A ballot over a roll lies where the roll does: one
    has to manage ballots there, and its settings hold. Refuses
    ROLL_STATE, ROLL_HELD (by an election), RULE_TOO_LOOSE (less than the settings there ask for), ENDS_BEFORE_START,
    TOO_SHORT, IN_THE_PAST, TOO_YOUNG (a named voter), CONSENT_QUESTION (about somebody who waits for consent).
    """
    area = await work.lock(Area, area_id)
    work.require("ballots.ballot.manage", area)
    if subject is not None and subject[0] == RollEntry.tag:
        await about_entry(work, subject[1], area, kind, options, roll_id, voter_ids)
    roll = await _asked_roll(work, area, roll_id) if roll_id is not None else None
    settings = await work.settings(BallotsSettings, roll or area)  # of where the ballot will lie (INV17)
    asked = replace(usual(settings), **(rule or {}))
    tight_enough(asked, settings)
    in_order(opens_at, closes_at, settings.voting_hours)
    if opens_at < work.now:
        raise Refusal("IN_THE_PAST", path=("opensAt",))
    if roll is not None:
        roll_posted_long_enough(work, roll, opens_at, settings)
    else:
        await _old_enough(work, voter_ids or (), settings)
        roll = await own_roll(work, area, clean_name(title, "title"), voter_ids)
    return put(
        work, roll, title=title, question=question, kind=kind, options=[(o, None) for o in options],
        is_secret=is_secret, has_papers=has_papers, opens_at=opens_at, closes_at=closes_at, terms=asked, subject=subject,
    )  # fmt: skip


async def _old_enough(work: Work, voter_ids: Sequence[UUID], settings: BallotsSettings) -> None:
    """Refuses TOO_YOUNG: of somebody who was named a birthday is known, and they do not vote yet."""
    born = await work.select(Attestation, person_id=list(voter_ids), fact=VoterFact.BORN, state=VoterFactState.VALID)
    young = {f.person_id for f in born if months_later(f.day, 12 * settings.voting_age) > work.recorded_on}
    if young:
        raise Refusal("TOO_YOUNG", path=("voterIds", str(min(voter_ids.index(id) for id in young))))


async def _asked_roll(work: Work, area: Area, roll_id: UUID) -> Roll:
    """A roll that may carry a ballot of one's own (INV13). Refuses NOT_FOUND, NOT_PERMITTED, ROLL_STATE, ROLL_HELD."""
    roll = await work.lock(Roll, roll_id)
    if roll.area_id not in work.place(area).chain and area.id not in work.place(roll).chain:
        raise Refusal("NOT_FOUND", path=("rollId",), kind="ballots_roll")
    work.require("ballots.ballot.manage", roll)
    if roll.state not in (RollState.POSTED, RollState.FINAL, RollState.FROZEN):
        raise Refusal("ROLL_STATE", state=roll.state)
    if await held_by_election(work, roll):
        raise Refusal("ROLL_HELD", path=("rollId",))
    return roll


def usual(settings: BallotsSettings) -> Terms:
    """What the area's settings ask for."""
    return Terms(Share(settings.quorum_percent, 100, True), Share(settings.threshold_percent, 100, True))


def tight_enough(terms: Terms, settings: BallotsSettings) -> None:
    """Refuses RULE_TOO_LOOSE (INV17)."""
    quorum, threshold = terms.quorum or Share(0, 1, False), terms.threshold or Share(0, 1, False)
    if not quorum.at_least(settings.quorum_percent):
        raise Refusal("RULE_TOO_LOOSE", path=("rule", "quorum"), percent=settings.quorum_percent)
    if terms.seats is None and not threshold.at_least(settings.threshold_percent):
        raise Refusal("RULE_TOO_LOOSE", path=("rule", "threshold"), percent=settings.threshold_percent)
    if terms.proxies > settings.proxies_per_person:
        raise Refusal("RULE_TOO_LOOSE", path=("rule", "proxies"), percent=settings.proxies_per_person)


def roll_posted_long_enough(work: Work, roll: Roll, opens_at: datetime, settings: BallotsSettings) -> None:
    """Refuses ROLL_TOO_FRESH: it has to hang out so many days before the vote."""
    if roll.is_fixed or roll.posted_on is None:
        return
    days = (work.clock.civil_date(opens_at) - roll.posted_on).days
    if days < settings.roll_days:
        raise Refusal("ROLL_TOO_FRESH", path=("opensAt",), days=settings.roll_days)


async def own_roll(work: Work, area: Area, title: str, voter_ids: Sequence[UUID] | None) -> Roll:
    """A roll for one ballot: fixed voters, or whom the default rule finds."""
    if voter_ids is not None:
        return await fixed_roll(work, area, title, voter_ids)
    roll = await new_roll(work, area, DEFAULT, title, await rule_for(work, area, DEFAULT), work.recorded_on)
    work.record("ballots.roll.drafted", roll, area_id=area.id, data={"kind": DEFAULT})
    await fill(work, area, roll)
    return roll


def put(
    work: Work, roll: Roll, *, title: str, question: str | None, kind: BallotKind,
    options: Sequence[tuple[str, UUID | None]], is_secret: bool, has_papers: bool, opens_at: datetime,
    closes_at: datetime, terms: Terms, subject: tuple[str, UUID] | None = None, election: Election | None = None,
    area_id: UUID | None = None,
) -> Ballot:  # fmt: skip
    """Queue a ballot with its options, and record it. Refuses OPTIONS, BAD_RULE, RULE_TOO_LOOSE (a question that fewer than
    half of the votes would carry)."""
    fewest, most = (2, 3) if kind is BallotKind.YES_NO else (1 if election else 2, OPTIONS)
    labels = [clean_name(label, "options", str(n)) for n, (label, _) in enumerate(options)]
    if not fewest <= len(options) <= most or (len({*labels}) != len(labels) and election is None):
        raise Refusal("OPTIONS", path=("options",), fewest=fewest, most=most)
    sound = 1 <= terms.most <= len(options) and 1 <= terms.points <= MOST_POINTS and 0 <= terms.proxies <= 10
    if not sound or (terms.seats is not None and not (terms.seats >= 1 and kind is not BallotKind.YES_NO)):
        raise Refusal("BAD_RULE", path=("rule",))
    less = terms.threshold is not None and terms.threshold.numerator * 2 < terms.threshold.denominator
    if kind is BallotKind.YES_NO and terms.base is not ShareBase.ROLL and less:
        raise Refusal("RULE_TOO_LOOSE", path=("rule", "threshold"), percent=50)
    tag, subject_id = subject or (None, None)
    ballot = Ballot(
        id=new_id(), area_id=area_id or roll.area_id, roll_id=roll.id, election_id=election.id if election else None,
        title=clean_name(title, "title"), question=optional_text(question, "question", limit=5000), subject_tag=tag,
        subject_id=subject_id, kind=kind, is_secret=is_secret, has_papers=has_papers, rule=terms.dumped(), ties=terms.ties,
        state=BallotState.ANNOUNCED, opens_at=opens_at, closes_at=closes_at,
    )  # fmt: skip
    work.add(ballot)
    for position, (label, (_, candidate_id)) in enumerate(zip(labels, options, strict=True)):
        work.add(
            Option(
                id=new_id(),
                area_id=ballot.area_id,
                ballot_id=ballot.id,
                position=position,
                label=label,
                candidate_id=candidate_id,
            )
        )
    work.record("ballots.ballot.announced", ballot, area_id=ballot.area_id, data=about(ballot))
    return ballot


def about(ballot: Ballot) -> dict[str, str]:
    """What events say of a ballot."""
    found = {"ballot": str(ballot.id)}
    if ballot.subject_tag is not None:
        found |= {"subjectTag": ballot.subject_tag, "subjectId": str(ballot.subject_id)}
    if ballot.election_id is not None:
        found["election"] = str(ballot.election_id)
    return found


async def bring_up_to_now(work: Work, roll: Roll, ballot: Ballot) -> None:
    """Prolonged by what was missed of its time; and opened if that has come: the roll is frozen, and the first vote can be
    cast. Refuses ROLL_STATE, ROLL_FILLING (also a large roll that has still to be drawn again)."""
    if ballot.state not in (BallotState.ANNOUNCED, BallotState.OPEN) or work.now < ballot.opens_at:
        return
    await make_up(work, ballot)
    if ballot.state is BallotState.ANNOUNCED:
        await draw_again(work, roll)
        if roll.is_filling and work.system:
            return  # the job goes on with it
        freeze(work, roll)
        work.change(ballot, state=BallotState.OPEN)
        work.record("ballots.ballot.opened", ballot, area_id=ballot.area_id, data=about(ballot))


async def open_due(work: Work, ballot_id: UUID) -> None:
    """A job: its time has come, and its roll is final."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.ballot.manage", ballot)
    await bring_up_to_now(work, roll, ballot)


async def cancel(work: Work, *, ballot_id: UUID, reason: str) -> Ballot:
    """Call a ballot off while people vote or before; nothing comes of it. Refuses BALLOT_CLOSED, COUNTING_BEGUN (time is up:
    only who may annul calls it off), OWN_MATTER (who stands)."""
    roll, ballot = await with_roll(work, ballot_id)
    work.require("ballots.ballot.manage", ballot)
    work.expect_version(ballot)
    await impartial(work, ballot.election_id)
    if ballot.state in (BallotState.CLOSED, BallotState.CANCELLED, BallotState.ANNULLED):
        raise Refusal("BALLOT_CLOSED")
    if ballot.state is BallotState.OPEN:
        await make_up(work, ballot)
    if ballot.state is BallotState.COUNTING or (ballot.state is BallotState.OPEN and ballot.closes_at <= work.now):
        raise Refusal("COUNTING_BEGUN")
    await call_off(work, roll, ballot, {"reason": needed(reason, "reason")})
    return ballot


async def call_off(work: Work, roll: Roll, ballot: Ballot, text: dict[str, str | None]) -> None:
    """Nothing comes of a ballot: its papers go, its election is as before, its roll is let go."""
    if ballot.is_secret:  # nothing is counted any more, so what somebody chose is kept no longer
        await work.rows("DELETE FROM ballots_paper WHERE ballot_id = {}", ballot.id)
    work.change(ballot, state=BallotState.CANCELLED)
    work.record("ballots.ballot.cancelled", ballot, area_id=ballot.area_id, data=about(ballot), text=text)  # fmt: skip
    if ballot.election_id is not None:
        election = await work.lock(Election, ballot.election_id)
        voted = await work.select(Ballot, election_id=election.id, state=BallotState.CLOSED)
        # A run-off that is called off leaves what the vote before it came to.
        work.change(election, state=ElectionState.DECIDED if voted else ElectionState.CANDIDATES)
        how = "decided" if voted else "candidates_posted"
        work.record(f"ballots.election.{how}", election, area_id=election.area_id, data={"cancelled": str(ballot.id)})
    elif not await still_used(work, roll, ballot.id):
        release(work, roll)


async def candidates_of(work: Work, ballot: Ballot) -> list[tuple[Option, Candidate | None]]:
    """The options in order, each with its candidate."""
    options = sorted(await work.select(Option, ballot_id=ballot.id), key=lambda o: o.position)
    ids = [o.candidate_id for o in options if o.candidate_id is not None]
    known = {c.id: c for c in await work.select(Candidate, lock=True, id=ids)} if ids else {}
    return [(o, known.get(o.candidate_id) if o.candidate_id else None) for o in options]
