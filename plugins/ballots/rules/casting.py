"""Casting a vote: once, by whoever is on the roll (INV6, INV7), for an organization through one mandate, for somebody
else by proxy where the rule allows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from core.database.dialect import POSTGRES
from core.enums import BehalfBasis
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor
from core.work import Work
from plugins.ballots.models import Ballot, Proxy, Vote
from plugins.ballots.rules import papers
from plugins.ballots.rules.announcing import bring_up_to_now
from plugins.ballots.rules.common import dumped, keeps_the_desk, with_roll
from plugins.ballots.rules.counting import check_paper, terms_of
from plugins.ballots.terms import BallotState, RollEntryState, VoteProxyState, VotingChannel

# What casting has to know, while the ballot is held against closing; others may vote meanwhile.
_STANDS = """
SELECT b.state, (SELECT e.state FROM ballots_entry e WHERE e.roll_id = b.roll_id AND e.actor_id = {}) AS entry,
  (SELECT count(*) FROM ballots_option o WHERE o.ballot_id = b.id) AS options,
  (SELECT count(*) FROM ballots_vote m WHERE m.ballot_id = b.id AND m.voter_id = {}) AS voted,
  (SELECT count(*) FROM ballots_vote m WHERE m.ballot_id = b.id AND m.cast_by_id = {} AND NOT m.is_proxy) AS hats,
  (SELECT count(*) FROM ballots_proxy p WHERE p.ballot_id = b.id AND p.giver_id = {} AND p.holder_id = {}
    AND p.state = 'GIVEN') AS proxies
FROM ballots_ballot b WHERE b.id = {}"""


async def cast(work: Work, *, ballot_id: UUID, choices: Sequence[int], for_voter_id: UUID | None = None) -> Vote:
    """Vote. What was chosen is kept with the name in an open ballot; in a secret one it goes into the box.

    Refuses BALLOT_STATE, NOT_ON_ROLL, NO_CONSENT_YET, ALREADY_VOTED, NO_PROXY, BAD_PAPER.
    """
    ballot = await work.get(Ballot, ballot_id)
    work.require("ballots.vote.cast", ballot)
    ballot = await _running(work, ballot)
    if work.acting.behalf_of_id is not None:
        raise Refusal("ONLY_ONESELF")
    work.in_person()
    voter_id = for_voter_id or work.principal_id
    is_proxy = for_voter_id is not None and for_voter_id != work.principal_id
    stands = await _stands(work, ballot, voter_id, work.person_id)
    on_roll(stands["entry"])
    if is_proxy and not stands["proxies"]:
        raise Refusal("NO_PROXY")
    if stands["voted"] or (stands["hats"] and not is_proxy):
        raise Refusal("ALREADY_VOTED")
    paper = check_paper(ballot.kind, stands["options"], terms_of(ballot.rule, ballot.ties), choices)
    mark = Vote(
        id=new_id(), area_id=ballot.area_id, ballot_id=ballot.id, voter_id=voter_id, cast_by_id=work.person_id,
        is_proxy=is_proxy, channel=VotingChannel.ONLINE, choices=None if ballot.is_secret else dumped(list(paper)),
    )  # fmt: skip
    work.add(mark)
    work.record("ballots.vote.cast", mark, area_id=ballot.area_id, data={"ballot": str(ballot.id)})
    if ballot.is_secret:
        await papers.put_in(work, ballot.id, paper)
    return mark


async def _running(work: Work, ballot: Ballot) -> Ballot:
    """The ballot, opened or prolonged if it is time for that and nobody was quicker. Refuses BALLOT_STATE."""
    begins = ballot.state is BallotState.ANNOUNCED and ballot.opens_at <= work.now
    if begins or (ballot.state is BallotState.OPEN and ballot.closes_at <= work.now):
        roll, ballot = await with_roll(work, ballot.id)
        await bring_up_to_now(work, roll, ballot)
    if not ballot.opens_at <= work.now < ballot.closes_at:
        raise Refusal("BALLOT_STATE", state=ballot.state)
    return ballot


async def _stands(work: Work, ballot: Ballot, voter_id: UUID, person_id: UUID) -> Any:
    hold = " FOR SHARE OF b" if work.transaction.database.dialect is POSTGRES else ""
    rows = await work.rows(_STANDS + hold, voter_id, voter_id, person_id, voter_id, person_id, ballot.id)
    just_opened = ballot.state is BallotState.OPEN and bool(work.changed(Ballot))
    if not just_opened and rows[0]["state"] != BallotState.OPEN:
        raise Refusal("BALLOT_STATE", state=BallotState(rows[0]["state"]))
    return rows[0]


def on_roll(entry: str | None) -> None:
    """Refuses NOT_ON_ROLL, NO_CONSENT_YET."""
    if entry == RollEntryState.PENDING_CONSENT:
        raise Refusal("NO_CONSENT_YET")
    if entry != RollEntryState.LISTED:
        raise Refusal("NOT_ON_ROLL")


# --- proxies ---------------------------------------------------------------------------------------------


async def give_proxy(work: Work, *, ballot_id: UUID, holder_id: UUID) -> Proxy:
    """Let somebody on the roll cast one's vote; at the desk in writing, and not to who enters it. Refuses NO_PROXIES,
    TOO_MANY_PROXIES, NOT_ON_ROLL, ALREADY_VOTED, PROXY_GIVEN, NOT_TO_ITSELF, PROXY_IN_WRITING, OWN_MATTER (INV10)."""
    _, ballot = await with_roll(work, ballot_id)
    work.require("ballots.vote.delegate", ballot)
    if work.acting.for_id is not None:
        raise Refusal("ONLY_ONESELF")
    if work.acting.behalf_of_id is not None and work.acting.basis is not BehalfBasis.WRITTEN:
        raise Refusal("PROXY_IN_WRITING", path=("onBehalfOf", "basis"))
    giver, holder = work.principal_id, (await work.get(Actor, holder_id)).id
    most = terms_of(ballot.rule, ballot.ties).proxies
    if most == 0:
        raise Refusal("NO_PROXIES")
    if ballot.state not in (BallotState.ANNOUNCED, BallotState.OPEN) or work.now >= ballot.closes_at:
        raise Refusal("BALLOT_STATE", state=ballot.state)
    if giver == holder:
        raise Refusal("NOT_TO_ITSELF")
    await keeps_the_desk(work, ballot.election_id, holder, for_id=giver)
    rows = await work.rows(
        "SELECT e.actor_id, e.state FROM ballots_entry e WHERE e.roll_id = {} AND e.actor_id IN ({}, {})",
        ballot.roll_id, giver, holder,
    )  # fmt: skip
    if [row["state"] for row in rows] != [RollEntryState.LISTED] * 2:
        raise Refusal("NOT_ON_ROLL")
    if await work.find(Vote, ballot_id=ballot.id, voter_id=giver) is not None:
        raise Refusal("ALREADY_VOTED")
    held = await work.select(Proxy, ballot_id=ballot.id, state=VoteProxyState.GIVEN)
    if any(p.giver_id == giver for p in held):
        raise Refusal("PROXY_GIVEN")
    if sum(p.holder_id == holder for p in held) >= most:
        raise Refusal("TOO_MANY_PROXIES", limit=most)
    made = Proxy(
        id=new_id(), area_id=ballot.area_id, ballot_id=ballot.id, giver_id=giver, holder_id=holder,
        state=VoteProxyState.GIVEN, given_at=work.occurred_at,
    )  # fmt: skip
    work.add(made)
    data = {"ballot": str(ballot.id), "holder": str(holder)}
    work.record("ballots.proxy.given", made, area_id=ballot.area_id, data=data)
    return made


async def withdraw_proxy(work: Work, *, proxy_id: UUID) -> Proxy:
    """Vote oneself after all. Refuses ALREADY_VOTED, ALREADY_ENDED, OWN_MATTER (at the desk, who stands)."""
    ballot, proxy = await work.lock_with(Proxy, proxy_id, Ballot)
    work.require("ballots.vote.delegate", proxy, owner=proxy.giver_id)
    work.expect_version(proxy)
    await keeps_the_desk(work, ballot.election_id, for_id=proxy.giver_id)
    if proxy.state is not VoteProxyState.GIVEN:
        raise Refusal("ALREADY_ENDED")
    if await work.find(Vote, ballot_id=proxy.ballot_id, voter_id=proxy.giver_id) is not None:
        raise Refusal("ALREADY_VOTED")
    work.change(proxy, state=VoteProxyState.WITHDRAWN)
    work.record("ballots.proxy.withdrawn", proxy, area_id=proxy.area_id, data={"ballot": str(proxy.ballot_id)})
    return proxy
