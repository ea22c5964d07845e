"""What the rules of ballots share."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.access import LATELY, own_sql
from core.errors import Refusal
from core.ports import DECISION_GATE
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.models import Ballot, Roll, deciders_of, standing_in, standing_over
from plugins.ballots.ports import ANSWERS

KIND = re.compile(r"[A-Z][A-Z0-9_]{1,58}[A-Z0-9]")
DEFAULT = "DEFAULT"  # the kind of the rule that holds where a ballot names none


def clean_kind(kind: str, *path: str) -> str:
    """A code such as VILLAGE_COMMITTEE; refuses BAD_KIND."""
    if not KIND.fullmatch(kind):
        raise Refusal("BAD_KIND", path=path)
    return kind


def dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def in_order(opens_at: datetime, closes_at: datetime, hours: int) -> None:
    """Refuses ENDS_BEFORE_START, TOO_SHORT."""
    if closes_at <= opens_at:
        raise Refusal("ENDS_BEFORE_START", path=("closesAt",))
    if closes_at - opens_at < timedelta(hours=hours):
        raise Refusal("TOO_SHORT", path=("closesAt",), hours=hours)


def is_yes_or_no(options: Sequence[str]) -> bool:
    """Are they the answers to a question, with abstaining or without?"""
    return tuple(options) in (ANSWERS, ANSWERS[:2])


async def impartial(work: Work, election_id: UUID | None, *others: UUID) -> None:
    """Refuses OWN_MATTER (INV10): nobody who stands for election runs it, keeps the desk, counts, closes or calls the vote
    off. A ballot that is of no election has none."""
    if election_id is None:
        await work.not_own(*others)
    elif await work.concerned_in(*others, or_among=standing_in("{}"), values=[election_id]):
        raise Refusal("OWN_MATTER")


async def keeps_the_desk(work: Work, election_id: UUID | None, *others: UUID, for_id: UUID | None = None) -> None:
    """Refuses OWN_MATTER (INV10): at the desk nobody does for somebody else what is a rival's, or one of `others`'. `for_id`
    is the candidate whom it is done for."""
    if work.acting.behalf_of_id is not None:
        standing = await work.rows(standing_in("{}"), election_id) if election_id is not None else []
        rivals = {as_uuid(row["id"]) for row in standing} - {for_id}
        await work.not_at_the_desk_of(*rivals, *others)


async def impartial_over(work: Work, roll_id: UUID, *others: UUID) -> None:
    """Refuses OWN_MATTER (INV10): nobody who stands in an election over a roll decides who is on it."""
    if await work.concerned_in(*others, or_among=standing_over("{}"), values=[roll_id]):
        raise Refusal("OWN_MATTER")


async def has_decided_nothing(work: Work, election_id: UUID, actor_id: UUID) -> None:
    """Refuses RAN_THIS_ELECTION (INV10): nobody stands in an election in which they decided about others."""
    decided = f"SELECT 1 AS yes FROM ({deciders_of('{0}')}) y WHERE {{1}} IN ({own_sql('y.id', '{2}', '{3}')}) LIMIT 1"
    if await work.rows(decided, election_id, actor_id, work.now, work.now - LATELY):
        raise Refusal("RAN_THIS_ELECTION")


async def with_roll(work: Work, ballot_id: UUID) -> tuple[Roll, Ballot]:
    """A ballot with its roll, both held; refuses NOT_FOUND."""
    return await work.lock_with(Ballot, ballot_id, Roll)


async def nobody_votes(work: Work, ballot: Ballot) -> None:
    """Time is up, or everybody has voted. Refuses BALLOT_RUNS."""
    if ballot.closes_at <= work.now:
        return
    voting = (
        "SELECT (SELECT count(*) FROM ballots_vote m WHERE m.ballot_id = {}) AS voted,"
        " (SELECT count(*) FROM ballots_entry e WHERE e.roll_id = {} AND e.state = 'LISTED') AS listed"
    )
    (row,) = await work.rows(voting, ballot.id, ballot.roll_id)
    if row["voted"] < row["listed"]:
        raise Refusal("BALLOT_RUNS", until=ballot.closes_at)


async def clean(work: Work, subject: Any) -> None:
    """Refuses NOT_YET_CLEAN: what was made public about it may still be objected to, or an objection was upheld (INV9)."""
    if not await work.port(DECISION_GATE).may_take_effect(work, subject):
        raise Refusal("NOT_YET_CLEAN")


async def publish(
    work: Work, kind: str, subject: Any, title: str, body: str, days: int | None,
    names: Sequence[tuple[int, UUID]] = (), concerns: Collection[UUID] = (),
) -> UUID | None:  # fmt: skip
    """Make it public where a plugin publishes; the notice's id. `names`: who stands, by their place on the paper, from 0.
    `concerns`: whose own matter it is."""
    return await work.port(DECISION_GATE).announce(
        work, subject=subject, area_id=subject.area_id, kind=kind, title=title, body=body, days=days,
        names=[(f"{place + 1} 号", id) for place, id in names], concerns=concerns,
    )  # fmt: skip
