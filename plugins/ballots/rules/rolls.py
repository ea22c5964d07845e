"""Rolls: drafted from what is known, posted, objected to, final; frozen when voting begins (INV7).

Filling a roll looks at some hundred people at a time, in the mutation and then in a job, so that a district's roll holds
nobody up. Whoever stands on a living roll of the same kind of election is left out there. The roll of a ballot of all whom
the default rule finds is drawn when the ballot is announced, and again when it opens.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from core.enums import ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area
from core.rules.inputs import clean_name, needed
from core.settings.store import as_uuid
from core.work import Work
from plugins.ballots.models import Ballot, Election, EligibilityRule, Roll, RollEntry
from plugins.ballots.rules.common import DEFAULT, clean, clean_kind, dumped, impartial_over, is_yes_or_no, publish
from plugins.ballots.rules.eligibility import Clause, Verdict, clauses_of, in_force, judge
from plugins.ballots.rules.lateness import last_day, postpone_waiting
from plugins.ballots.settings import BallotsSettings
from plugins.ballots.terms import BallotKind, BallotOutcome, BallotState, ElectionState, RollEntryState, RollState

AT_ONCE = 150  # people looked at in one go
FILLING_SQL = "SELECT r.id, r.area_id FROM ballots_roll r WHERE r.is_filling AND r.state = 'DRAFT'"
_THERE = """
SELECT a.id FROM core_actor a WHERE {who} AND a.kind <> 'HOUSEHOLD' AND a.id IN (
  SELECT m.actor_id FROM core_membership m JOIN core_area_closure c
    ON c.descendant_id = m.area_id AND c.ancestor_id = {{0}} AND c.until IS NULL WHERE m.state = 'ACTIVE'{more}
) ORDER BY a.id LIMIT {limit}"""
_DRAWN_AGAIN = (
    "SELECT 1 AS yes FROM core_event d WHERE d.subject_id = {} AND d.type = 'ballots.roll.drawn_again' LIMIT 1"
)
_GONE = """
SELECT e.id FROM ballots_entry e JOIN core_actor a ON a.id = e.actor_id AND a.gone_at IS NOT NULL
WHERE e.roll_id = {} AND e.state <> 'REMOVED'"""
OPEN = (RollState.DRAFT, RollState.POSTED)
LIVING = [ElectionState.NOMINATING, ElectionState.CANDIDATES, ElectionState.VOTING, ElectionState.DECIDED]


async def draft_roll(work: Work, *, area_id: UUID, kind: str, title: str, as_of: date | None) -> Roll:
    """Everybody here whom the rule in force finds eligible on a day; a large area's roll goes on filling by itself.

    Refuses NO_RULE, BAD_KIND.
    """
    area = await work.lock(Area, area_id)
    work.require("ballots.roll.manage", area)
    code = clean_kind(kind, "kind")
    rule, _ = await in_force(work, area, code)
    roll = await new_roll(work, area, code, clean_name(title, "title"), rule, as_of or work.recorded_on)
    work.record("ballots.roll.drafted", roll, area_id=area_id, data={"kind": code})
    await fill(work, area, roll)
    return roll


async def new_roll(
    work: Work, area: Area, kind: str, title: str, rule: EligibilityRule | None, as_of: date, *, is_fixed: bool = False
) -> Roll:
    roll = Roll(
        id=new_id(), area_id=area.id, rule_id=rule.id if rule else None, kind=kind, title=title, as_of=as_of,
        state=RollState.DRAFT, is_fixed=is_fixed, is_filling=not is_fixed, drafted_at=work.occurred_at,
        settings_version=await work.settings_version(),
    )  # fmt: skip
    return work.add(roll)


async def go_on_filling(work: Work, roll_id: UUID) -> None:
    """A job's turn at a roll that is not yet filled."""
    roll = await work.lock(Roll, roll_id)
    if not roll.is_filling or roll.state is not RollState.DRAFT:
        return
    area = await work.get(Area, roll.area_id)
    work.require("ballots.roll.manage", area)
    await fill(work, area, roll)
    if not roll.is_filling:
        await postpone_waiting(work, roll)


async def _next(work: Work, area: Area, roll: Roll, *, again: bool) -> list[UUID]:
    """Whom to look at now: those who are there, and when it is drawn again those who stand on it as well."""
    who, more, values = "1 = 1" if again else "a.gone_at IS NULL", "", [area.id]
    if again:
        more = " UNION SELECT e.actor_id FROM ballots_entry e WHERE e.roll_id = {1}"
        values.append(roll.id)
    if roll.filled_to:
        who += f" AND a.id > {{{len(values)}}}"
        values.append(roll.filled_to)
    sql = _THERE.format(who=who, more=more, limit=AT_ONCE)
    return [as_uuid(row["id"]) for row in await work.rows(sql, *values)]


async def draw_again(work: Work, roll: Roll) -> None:
    """A ballot over it opens: who has moved away, or is gone, is struck off; of those whom the rule finds, who has come to be
    eligible is entered (INV7). A large roll goes on filling by itself. Refuses ROLL_FILLING (large, and it is not the job)."""
    if roll.state is not RollState.DRAFT:
        return
    if roll.is_fixed:
        await strike_gone(work, roll)
    elif not roll.is_filling and not await work.rows(_DRAWN_AGAIN, roll.id):
        area = await work.get(Area, roll.area_id)
        work.change(roll, as_of=work.recorded_on, filled_to=None, is_filling=True, left_out="{}")
        if len(await _next(work, area, roll, again=True)) == AT_ONCE and not work.system:
            raise Refusal("ROLL_FILLING")
        work.record("ballots.roll.drawn_again", roll, area_id=roll.area_id, data={"asOf": roll.as_of.isoformat()})
        await work.flush_now()
        await fill(work, area, roll)
        await work.flush_now()


async def strike_gone(work: Work, roll: Roll) -> None:
    """Who was erased meanwhile does not vote, and does not count as somebody who might have."""
    gone = [as_uuid(row["id"]) for row in await work.rows(_GONE, roll.id)]
    for entry in await work.select(RollEntry, lock=True, id=gone):
        strike(work, entry)
    if gone:
        work.record(
            "ballots.roll.filled", roll, area_id=roll.area_id, data={"seen": 0, "refused": {"NOT_FOUND": len(gone)}}
        )
        await work.flush_now()


async def fill(work: Work, area: Area, roll: Roll) -> None:
    again = roll not in work.queued(Roll) and bool(await work.rows(_DRAWN_AGAIN, roll.id))
    ids = await _next(work, area, roll, again=again)
    _, clauses = await _rule_of(work, area, roll)
    verdicts = await judge(work, area, clauses, ids, roll.as_of)
    there = await _there_already(work, roll, ids)
    on = await work.select(RollEntry, roll_id=roll.id, actor_id=ids) if again else []
    stale = [e for e in on if verdicts[e.actor_id].code is not None and e.state is not RollEntryState.REMOVED]
    refused: dict[str, int] = {}
    for entry in stale:
        strike(work, entry)
        there[entry.actor_id] = str(verdicts[entry.actor_id].code)
    for id, verdict in verdicts.items():
        code = there.get(id) or verdict.code
        if code is None:
            work.add(_entry(roll, id, verdict))
        elif code != "ALREADY_ON_ROLL":
            refused[code] = refused.get(code, 0) + 1
    filled_to, is_filling = ids[-1] if ids else roll.filled_to, len(ids) == AT_ONCE
    left_out = dumped(dict(Counter(json.loads(roll.left_out)) + Counter(refused)))
    is_new = roll in work.queued(Roll)
    if is_new:
        roll.filled_to, roll.is_filling, roll.left_out = filled_to, is_filling, left_out
    else:
        work.change(roll, filled_to=filled_to, is_filling=is_filling, left_out=left_out)
    work.record("ballots.roll.filled", roll, area_id=roll.area_id, data={"seen": len(ids), "refused": refused})


async def _rule_of(work: Work, area: Area, roll: Roll) -> tuple[EligibilityRule | None, list[Clause]]:
    """The edition the roll was begun with."""
    if roll.rule_id is None:
        return await in_force(work, area, DEFAULT)
    rule = await work.get(EligibilityRule, roll.rule_id)
    return rule, clauses_of(rule)


async def _there_already(work: Work, roll: Roll, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Who stands on this roll already, or on a living one of the same kind."""
    mine = {e.actor_id: "ALREADY_ON_ROLL" for e in await work.select(RollEntry, roll_id=roll.id, actor_id=list(ids))}
    others = await work.select(RollEntry, hold=roll.kind, actor_id=list(ids)) if _holds(roll) else []
    return {**{e.actor_id: "ON_ANOTHER_ROLL" for e in others if e.roll_id != roll.id}, **mine}


def _holds(roll: Roll) -> bool:
    """Of an election's kind one stands on one roll only; the default roll is for any matter."""
    return roll.kind != DEFAULT and not roll.is_fixed


def _entry(roll: Roll, actor_id: UUID, verdict: Verdict) -> RollEntry:
    return RollEntry(
        id=new_id(), area_id=roll.area_id, roll_id=roll.id, actor_id=actor_id, basis=verdict.basis,
        found=verdict.found(), state=verdict.state, hold=roll.kind if _holds(roll) else None,
    )  # fmt: skip


async def fixed_roll(work: Work, area: Area, title: str, voters: Sequence[UUID]) -> Roll:
    """The members of a body, say; nobody objects to it. Refuses NOT_FOUND, VOTERS (also a household: its members vote)."""
    if not voters or len(set(voters)) != len(voters):
        raise Refusal("VOTERS", path=("voterIds",))
    found = await work.select(Actor, id=list(voters), gone_at=None)
    if len(found) != len(voters):
        raise Refusal("NOT_FOUND", path=("voterIds",), kind="actor")
    if any(actor.kind is ActorKind.HOUSEHOLD for actor in found):
        raise Refusal("VOTERS", path=("voterIds",))
    roll = await new_roll(work, area, DEFAULT, title, None, work.recorded_on, is_fixed=True)
    work.record("ballots.roll.drafted", roll, area_id=area.id, data={"kind": DEFAULT})
    for actor_id in voters:
        work.add(_entry(roll, actor_id, Verdict("MEMBER", RollEntryState.LISTED, ())))
    work.record("ballots.entry.added", roll, area_id=area.id, data={"entries": len(voters)})
    return roll


async def add_entry(work: Work, *, roll_id: UUID, actor_id: UUID) -> RollEntry:
    """Somebody the draft has missed, by the rule. Refuses with the reason why they are not eligible (RESIDENCE_TOO_SHORT,
    TOO_YOUNG, …), ON_ANOTHER_ROLL, ALREADY_ON_ROLL, ROLL_STATE."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.roll.manage", roll)
    if roll.state is not RollState.DRAFT:
        raise Refusal("ROLL_STATE", state=roll.state)
    entry = await enter(work, roll, actor_id)
    data = {"actor": str(entry.actor_id), "basis": entry.basis}
    work.record("ballots.entry.added", entry, area_id=roll.area_id, data=data)
    return entry


async def enter(work: Work, roll: Roll, actor_id: UUID) -> RollEntry:
    """Queue an entry for somebody whom the rule finds eligible, again or for the first time."""
    if roll.is_fixed:
        raise Refusal("ROLL_STATE", state=roll.state)
    area, actor = await work.get(Area, roll.area_id), await work.get(Actor, actor_id)
    _, clauses = await _rule_of(work, area, roll)
    verdict = (await judge(work, area, clauses, [actor.id], roll.as_of))[actor.id]
    former = await work.find(RollEntry, roll_id=roll.id, actor_id=actor.id)
    there = await _there_already(work, roll, [actor.id])
    code = there.get(actor.id) if former is None or former.state is not RollEntryState.REMOVED else None
    if code is not None or verdict.code is not None:
        raise Refusal(str(code or verdict.code))
    if former is None:
        return work.add(_entry(roll, actor.id, verdict))
    hold = roll.kind if _holds(roll) else None
    return work.change(
        former, basis=verdict.basis, found=verdict.found(), state=verdict.state, hold=hold, consent_id=None
    )


async def remove_entry(work: Work, *, entry_id: UUID, reason: str) -> RollEntry:
    """Strike somebody off a draft, with a reason; a posted roll changes only by an objection. Refuses ROLL_STATE, ROLL_HELD
    (a ballot rests on it, or its voters were named)."""
    roll, entry = await work.lock_with(RollEntry, entry_id, Roll)
    work.require("ballots.roll.manage", roll)
    work.expect_version(entry)
    if roll.state is not RollState.DRAFT or entry.state is RollEntryState.REMOVED:
        raise Refusal("ROLL_STATE", state=roll.state)
    await _free(work, roll)
    strike(work, entry)
    data = {"actor": str(entry.actor_id)}
    work.record(
        "ballots.entry.removed", entry, area_id=roll.area_id, data=data, text={"reason": needed(reason, "reason")}
    )
    return entry


async def _free(work: Work, roll: Roll) -> None:
    """Refuses ROLL_HELD: voters who were named, and a roll that a ballot rests on, stay as they are until the vote."""
    resting = "SELECT 1 AS yes FROM ballots_ballot WHERE roll_id = {} AND state <> 'CANCELLED' LIMIT 1"
    if roll.is_fixed or await work.rows(resting, roll.id):
        raise Refusal("ROLL_HELD")


def strike(work: Work, entry: RollEntry) -> None:
    work.change(entry, state=RollEntryState.REMOVED, hold=None)


async def post_roll(work: Work, *, roll_id: UUID) -> Roll:
    """Post it for everybody to see and to object to. Refuses ROLL_STATE, ROLL_HELD, ROLL_FILLING."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.roll.manage", roll)
    work.expect_version(roll)
    if roll.state is not RollState.DRAFT:
        raise Refusal("ROLL_STATE", state=roll.state)
    await _free(work, roll)
    if roll.is_filling:
        raise Refusal("ROLL_FILLING")
    settings = await work.settings(BallotsSettings, roll, version=roll.settings_version)
    day = work.recorded_on
    last = day + timedelta(days=settings.objection_days)
    count = await listed(work, roll.id)
    # No deadline of its own: until the notice's last day an objection to either keeps the roll from being final.
    body = (
        f"{roll.title}:共 {count} 人。名单在平台的“选民名册”中查阅,请核对本人是否在册;有遗漏或差错的,请在公示期内提出。"
    )
    notice = await publish(work, "选民名册", roll, roll.title, body, settings.objection_days or None)
    work.change(roll, state=RollState.POSTED, posted_on=day, objections_by=last, notice_id=notice)
    work.record("ballots.roll.posted", roll, area_id=roll.area_id, data={"entries": count, "until": last.isoformat()})
    return roll


async def finalise_roll(work: Work, *, roll_id: UUID) -> Roll:
    """No more objections. Refuses ROLL_STATE, OBJECTIONS_STILL_COME, OBJECTIONS_OPEN, NOT_YET_CLEAN (its notice), OWN_MATTER
    (who stands in an election over it)."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.roll.manage", roll)
    work.expect_version(roll)
    await impartial_over(work, roll.id)
    if roll.state is not RollState.POSTED:
        raise Refusal("ROLL_STATE", state=roll.state)
    last = await objections_end(work, roll)
    if work.recorded_on <= last:
        raise Refusal("OBJECTIONS_STILL_COME", until=last.isoformat())
    if await work.rows("SELECT 1 AS yes FROM ballots_objection WHERE roll_id = {} AND state = 'OPEN' LIMIT 1", roll.id):
        raise Refusal("OBJECTIONS_OPEN")
    await clean(work, roll)
    await strike_gone(work, roll)
    work.change(roll, state=RollState.FINAL)
    work.record("ballots.roll.finalised", roll, area_id=roll.area_id, data={"entries": await listed(work, roll.id)})
    await postpone_waiting(work, roll)
    return roll


async def objections_end(work: Work, roll: Roll) -> date:
    """The last day to object to a posted roll."""
    assert roll.posted_on is not None and roll.objections_by is not None
    return await last_day(work, roll, roll.posted_on, roll.objections_by)


async def discard_roll(work: Work, *, roll_id: UUID, reason: str) -> Roll:
    """Begin anew with another. Refuses ROLL_STATE once a ballot or election rests on it."""
    roll = await work.lock(Roll, roll_id)
    work.require("ballots.roll.manage", roll)
    work.expect_version(roll)
    used = (
        "SELECT 1 AS yes FROM ballots_ballot WHERE roll_id = {} AND state <> 'CANCELLED'"
        " UNION ALL SELECT 1 FROM ballots_election WHERE roll_id = {} AND state <> 'CANCELLED' LIMIT 1"
    )
    if roll.state not in (*OPEN, RollState.FINAL) or await work.rows(used, roll.id, roll.id):
        raise Refusal("ROLL_STATE", state=roll.state)
    work.change(roll, state=RollState.DISCARDED, is_filling=False)
    text: dict[str, str | None] = {"reason": needed(reason, "reason")}
    work.record("ballots.roll.discarded", roll, area_id=roll.area_id, text=text)  # fmt: skip
    let_go(work, roll)
    return roll


def freeze(work: Work, roll: Roll) -> None:
    """From now on nothing changes it, whoever moves (INV7). Refuses ROLL_STATE."""
    if roll.state is RollState.FROZEN:
        return
    if roll.is_filling:
        raise Refusal("ROLL_FILLING")
    if roll.state is not RollState.FINAL and not (roll.kind == DEFAULT and roll.state is RollState.DRAFT):
        raise Refusal("ROLL_STATE", state=roll.state)
    work.change(roll, state=RollState.FROZEN, frozen_at=work.now)
    work.record("ballots.roll.frozen", roll, area_id=roll.area_id)


def release(work: Work, roll: Roll) -> None:
    """The vote it was for is over: those on it may stand on the next of its kind."""
    if roll.state is RollState.FROZEN:
        work.change(roll, state=RollState.RELEASED)
        work.record("ballots.roll.released", roll, area_id=roll.area_id)
        let_go(work, roll)


def let_go(work: Work, roll: Roll) -> None:
    if _holds(roll):
        work.then("UPDATE ballots_entry SET hold = NULL WHERE roll_id = {} AND hold IS NOT NULL", roll.id)


async def listed(work: Work, roll_id: UUID) -> int:
    rows = await work.rows("SELECT count(*) AS n FROM ballots_entry WHERE roll_id = {} AND state = 'LISTED'", roll_id)
    return int(rows[0]["n"])


async def about_entry(
    work: Work, entry_id: UUID, area: Area, kind: BallotKind, options: Sequence[str], roll_id: UUID | None,
    voter_ids: Sequence[UUID] | None,
) -> None:  # fmt: skip
    """A ballot about somebody who waits for the meeting's consent asks for that, where the roll lies, and neither of them
    nor of those on the roll itself, nor by who stands in an election over it. Refuses CONSENT_QUESTION, OWN_MATTER (INV10),
    NOT_FOUND."""
    roll, entry = await work.lock_with(RollEntry, entry_id, Roll)
    asked = kind is BallotKind.YES_NO and is_yes_or_no(options)
    waits = entry.state is RollEntryState.PENDING_CONSENT and roll.state in OPEN
    if not asked or not waits or entry.area_id != area.id or roll.id == roll_id:
        raise Refusal("CONSENT_QUESTION", path=("subjectId",))
    await impartial_over(work, roll.id)
    if entry.actor_id in (voter_ids or ()):
        raise Refusal("OWN_MATTER", path=("voterIds",))


async def consent(work: Work, ballot: Ballot) -> None:
    """The villagers' or representatives' ballot about an entry that waits for it has passed: it carries a vote now."""
    if ballot.subject_tag != RollEntry.tag or ballot.outcome is not BallotOutcome.ADOPTED or ballot.subject_id is None:
        return
    roll, entry = await work.lock_with(RollEntry, ballot.subject_id, Roll)
    asked = ballot.kind is BallotKind.YES_NO and ballot.area_id == entry.area_id and ballot.id != entry.consent_id
    if not asked or entry.state is not RollEntryState.PENDING_CONSENT or roll.state not in OPEN:
        return
    work.change(entry, state=RollEntryState.LISTED, consent_id=ballot.id)
    data = {"ballot": str(ballot.id), "actor": str(entry.actor_id), "basis": entry.basis}
    work.record("ballots.entry.consented", entry, area_id=roll.area_id, data=data)


async def held_by_election(work: Work, roll: Roll, but: UUID | None = None) -> bool:
    """Does another election rest on this roll that is not over?"""
    return any(e.id != but for e in await work.select(Election, roll_id=roll.id, state=LIVING))


async def still_used(work: Work, roll: Roll, but: UUID, *, election_id: UUID | None = None) -> bool:
    """Is another ballot over this roll still to come or running, or another election not over?"""
    if await held_by_election(work, roll, election_id):
        return True
    states = [BallotState.ANNOUNCED, BallotState.OPEN, BallotState.COUNTING]
    return any(b.id != but for b in await work.select(Ballot, roll_id=roll.id, state=states))
