"""Resolutions: put to the vote by hands or by ballot, counted by the server, in effect once they were public long enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.access import LATELY, own_sql
from core.database.dialect import POSTGRES
from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.ports import DECISION_GATE
from core.rules.inputs import clean_name, clean_text, needed
from core.settings.store import as_uuid
from core.work import Work
from plugins.councils.models import (
    AgendaItem,
    Attendance,
    Body,
    Delegation,
    Exclusion,
    KeptOut,
    Meeting,
    Opinion,
    Recusal,
    Resolution,
)
from plugins.councils.rules import composition, exclusions, meetings
from plugins.councils.rules.common import BALLOTS, more_than, require_active, terms, unpacked
from plugins.councils.rules.standing import officer, read, standing
from plugins.councils.settings import CouncilsSettings
from plugins.councils.terms import (
    GIVEN_POWERS_KINDS,
    PASSED,
    AgendaState,
    AttendanceState,
    BodyState,
    DelegationState,
    Matter,
    MeetingState,
    ResolutionState,
    VoteMethod,
)

PASS, EFFECT, ANSWER = "councils.resolution.pass", "councils.resolution.effect", "councils.opinion.answer"


@dataclass(frozen=True)
class _Vote:
    """What a vote rests on: the body in its meeting, the item, who came and may vote, of them who was put out of the room,
    and who was kept out of the meeting."""

    body: Body
    meeting: Meeting
    item: AgendaItem
    voters: Sequence[Attendance]
    put_out: Sequence[Attendance]
    kept_out: Sequence[tuple[Attendance, Exclusion]]
    recused: int
    is_listed: bool


async def has_been_given(work: Work, body: Body, matter: Matter) -> bool:
    """Did its charter, or a delegation (M46) that has begun and not ended, give the body this matter?"""
    if str(matter) in unpacked(body.matters):
        return True
    day = work.clock.civil_date(work.now)
    found = await work.select(Delegation, body_id=body.id, matter=matter, state=DelegationState.ACTIVE)
    return any(d.since <= day and (d.ends_on is None or day < d.ends_on) for d in found)


async def has_power(work: Work, body: Body, matter: Matter) -> bool:
    """Is it the body's to decide, whoever sits there, or may it only advise, or refer it up?"""
    is_bound = body.is_advisory or body.kind in GIVEN_POWERS_KINDS
    return not is_bound or await has_been_given(work, body, matter)


async def may_decide(work: Work, body: Body, matter: Matter) -> bool:
    """Is it the body's to decide, and is it composed so that it may now? Hold the body."""
    if not await has_power(work, body, matter):
        return False
    now = await read(work, body)
    return matter not in (await terms(work, body)).listed or not composition.violations(now.seats, now.rules)


async def _vote(work: Work, item_id: UUID) -> _Vote:
    """Everything that has to hold before anybody votes, with the recusals that nobody had to declare (INV10).

    Refuses MEETING_STATE, NOT_ON_THE_AGENDA, ALREADY_VOTED_ON, ADVISORY_BODY, MATTER_NOT_GIVEN, COMPOSITION_DEFECT,
    URGENT_MEETING, OWN_MATTER, KEPT_OUT (who acts), NO_QUORUM (too few of those who sit now are in the room still),
    NOBODY_MAY_VOTE.
    """
    found = await work.get(AgendaItem, item_id)
    if found.meeting_id is None:
        body = await work.get(Body, found.body_id)
        work.require(PASS, body, owner=await officer(work, body.id))
        raise Refusal("NOT_ON_THE_AGENDA", path=("itemId",))
    body, meeting = await work.lock_with(Meeting, found.meeting_id, Body)
    item = await work.lock(AgendaItem, item_id)
    work.require(PASS, body, owner=await officer(work, body.id))
    require_active(body)
    meetings.require_state(meeting, MeetingState.OPEN)
    if item.state is AgendaState.VOTED:
        raise Refusal("ALREADY_VOTED_ON")
    if item.state is not AgendaState.PLACED or item.meeting_id != meeting.id:
        raise Refusal("NOT_ON_THE_AGENDA", path=("itemId",))
    if not await has_power(work, body, item.matter):
        raise Refusal("ADVISORY_BODY" if body.is_advisory else "MATTER_NOT_GIVEN", matter=item.matter.zh)
    is_listed = item.matter in (await terms(work, body)).listed
    if is_listed and meeting.is_urgent:
        raise Refusal("URGENT_MEETING", matter=item.matter.zh)
    now = await standing(work, body)
    if is_listed and (wrong := composition.violations(now.seats, now.rules)):
        raise Refusal("COMPOSITION_DEFECT", category=wrong[0][0], count=wrong[0][1])
    await work.not_own(item.concerns_id)
    out = await exclusions.excluded(work, meeting)
    exclusions.require_in_the_room(work, out)
    holders = {s.id: s.holder_id for s in now.seats}
    known = await work.select(Attendance, meeting_id=meeting.id, is_voting=True)
    there = [a for a in known if a.seat_id in holders and a.state is AttendanceState.PRESENT]
    put_out = [a for a in there if holders[a.seat_id] in out]
    if not more_than(meeting.quorum_percent, len(there) - len(put_out), sum(s.is_voting for s in now.seats)):
        raise Refusal("NO_QUORUM")
    declared = {r.seat_id for r in await work.select(Recusal, item_id=item.id)}
    concerned = await _concerned(work, meeting, item) - declared
    for attendance in there:
        if attendance.seat_id in concerned:
            work.add(
                Recusal(
                    id=new_id(),
                    area_id=body.area_id,
                    item_id=item.id,
                    seat_id=attendance.seat_id,
                    holder_id=attendance.holder_id,
                    is_automatic=True,
                    declared_at=work.now,
                )
            )
            work.record(
                "councils.recusal.declared", work.queued(Recusal)[-1], area_id=body.area_id, data={"item": str(item.id)}
            )
    voters = [a for a in there if a.seat_id not in declared | concerned]
    if not voters:
        raise Refusal("NOBODY_MAY_VOTE")
    away = [a for a in known if a.seat_id in holders and a not in there and a.seat_id not in declared | concerned]
    kept_out = await exclusions.kept_out(work, away, holders, out)
    put_out = [a for a in put_out if a in voters]
    return _Vote(body, meeting, item, voters, put_out, kept_out, len(there) - len(voters), is_listed)


async def _concerned(work: Work, meeting: Meeting, item: AgendaItem) -> set[UUID]:
    """The seats of those present whose own matter the item is, in any of their hats."""
    if item.concerns_id is None:
        return set()
    cast = "::uuid" if work.transaction.database.dialect is POSTGRES else ""
    rows = await work.rows(
        "SELECT a.seat_id AS id FROM councils_attendance a WHERE a.meeting_id = {2} AND {3}" + cast
        + f" IN (SELECT o.id FROM ({own_sql('a.holder_id', '{0}', '{1}')}) o)",
        work.now, work.now - LATELY, meeting.id, item.concerns_id,
    )  # fmt: skip
    return {as_uuid(row["id"]) for row in rows}


def _resolution(work: Work, vote: _Vote, method: VoteMethod, title: str | None, text: str) -> Resolution:
    return Resolution(
        id=new_id(), area_id=vote.body.area_id, body_id=vote.body.id, meeting_id=vote.meeting.id, item_id=vote.item.id,
        title=clean_name(title or vote.item.title, "title"), text=clean_text(text, "text"), matter=vote.item.matter,
        is_listed=vote.is_listed, method=method, state=ResolutionState.VOTING,
        majority_percent=vote.meeting.majority_percent, eligible=len(vote.voters), recused=vote.recused,
        recorded_by_id=work.person_id, put_at=work.now, put_on=work.clock.civil_date(work.now),
    )  # fmt: skip


async def pass_resolution(
    work: Work, *, item_id: UUID, text: str, votes_for: int, votes_against: int, title: str | None = None
) -> Resolution:
    """Enter a show of hands; who raised none has abstained, and who was put out raises none. The server says what came of it
    (INV8).

    Refuses HANDS_DO_NOT_ADD_UP, and what `_vote` refuses.
    """
    vote = await _vote(work, item_id)
    eligible, in_the_room = len(vote.voters), len(vote.voters) - len(vote.put_out)
    if votes_for < 0 or votes_against < 0 or votes_for + votes_against > in_the_room:
        raise Refusal("HANDS_DO_NOT_ADD_UP", path=("votesFor",), eligible=in_the_room)
    resolution = _resolution(work, vote, VoteMethod.HAND_COUNT, title, text)
    resolution.put_out, resolution.kept_out = len(vote.put_out), len(vote.kept_out)
    resolution.votes_for, resolution.votes_against = votes_for, votes_against
    resolution.votes_abstained = eligible - votes_for - votes_against
    resolution.decided_at = work.now
    if more_than(resolution.majority_percent, votes_for, eligible):
        await _adopt(work, vote.body, resolution)
    else:
        resolution.state = ResolutionState.REJECTED
    work.add(resolution)
    for _, exclusion in vote.kept_out:
        work.add(
            KeptOut(id=new_id(), area_id=vote.body.area_id, resolution_id=resolution.id, exclusion_id=exclusion.id)
        )
    work.change(vote.item, state=AgendaState.VOTED)
    _tell(work, resolution)
    return resolution


async def _adopt(work: Work, body: Body, resolution: Resolution) -> None:
    """It passed: in effect at once; made public first where its matter asks for that (INV9); or waiting for the exclusions it
    rests on."""
    settings = await work.settings(CouncilsSettings, body)
    if resolution.matter in settings.announced_matters:
        item = await work.get(AgendaItem, resolution.item_id)
        resolution.notice_id = await work.port(DECISION_GATE).announce(
            work, subject=resolution, area_id=body.area_id, kind="决议", title=resolution.title,
            body=resolution.text, concerns=[id for id in (item.concerns_id, item.proposed_by_id) if id is not None],
        )  # fmt: skip
    if resolution.notice_id is None and not exclusions.rests_on_exclusions(resolution):
        resolution.state, resolution.effective_at = ResolutionState.EFFECTIVE, work.now
    else:
        resolution.state = ResolutionState.ADOPTED


def _tell(work: Work, resolution: Resolution) -> None:
    passed = resolution.state in PASSED
    work.record(
        "councils.resolution.passed" if passed else "councils.resolution.rejected", resolution,
        area_id=resolution.area_id, data=about(resolution),
    )  # fmt: skip


def about(resolution: Resolution) -> dict[str, Any]:
    """What events say of a resolution."""
    return {
        "resolution": str(resolution.id), "body": str(resolution.body_id), "item": str(resolution.item_id),
        "matter": str(resolution.matter), "state": str(resolution.state),
    }  # fmt: skip


async def put_to_ballot(
    work: Work, *, item_id: UUID, text: str, title: str | None = None, is_secret: bool = False,
    closes_at: datetime | None = None,
) -> Resolution:  # fmt: skip
    """Let the members who are there vote by ballot, and who is excluded: they are out of the room only. Its closing decides.
    Refuses PLUGIN_DISABLED without the plugin `ballots`, IN_THE_PAST, and what `_vote` refuses."""
    vote = await _vote(work, item_id)
    ballots = work.port(BALLOTS, at=vote.body)
    settings = await work.settings(CouncilsSettings, vote.body)
    closes_at = closes_at or work.now + timedelta(days=settings.ballot_days)
    if closes_at <= work.now:
        raise Refusal("IN_THE_PAST", path=("closesAt",))
    voters = [a.holder_id for a in (*vote.voters, *(kept for kept, _ in vote.kept_out))]
    resolution = _resolution(work, vote, VoteMethod.BALLOT, title, text)
    resolution.eligible = len(voters)
    resolution.ballot_id = await ballots.put(
        work, subject=resolution, area_id=vote.body.area_id, title=resolution.title,
        voters=voters, is_secret=is_secret, opens_at=work.now, closes_at=closes_at,
        rule={
            "quorum": None,
            "threshold": (resolution.majority_percent, 100, True),
            "base": "ROLL",  # all who may vote there
            "ties": "REJECT",
        },
    )  # fmt: skip
    work.add(resolution)
    work.change(vote.item, state=AgendaState.VOTED)
    work.record("councils.resolution.put", resolution, area_id=resolution.area_id, data=about(resolution))
    return resolution


async def settle_ballot(work: Work, event: EventRecord) -> None:
    """A ballot about a resolution is closed: its count and its outcome are taken over (INV8)."""
    found = await work.heard(
        event, Resolution, above=Body, state=ResolutionState.VOTING, ballot_id=event.data["ballot"]
    )
    if found is None:
        return
    body, resolution = found
    work.require(PASS, body)
    told = work.port(BALLOTS).closed(event)
    counts: dict[str, Any] = {
        "votes_for": told.votes_for,
        "votes_against": told.votes_against,
        "votes_abstained": told.abstained,
        "decided_at": work.now,
    }
    now = await standing(work, body)
    if not told.is_adopted:
        counts["state"] = ResolutionState.REJECTED
    elif body.state is not BodyState.ACTIVE or not await has_power(work, body, resolution.matter):
        counts["state"] = ResolutionState.DEFECTIVE  # it stands no more, or the matter was taken from it meanwhile
    elif resolution.is_listed and composition.violations(now.seats, now.rules):
        counts["state"] = ResolutionState.DEFECTIVE
    else:
        before = resolution.state
        await _adopt(work, body, resolution)
        counts |= {
            "notice_id": resolution.notice_id,
            "effective_at": resolution.effective_at,
            "state": resolution.state,
        }
        resolution.state = before
    work.change(resolution, **counts)
    _tell(work, resolution)


async def cancelled_ballot(work: Work, event: EventRecord) -> None:
    """A ballot about a resolution was called off: nothing is decided, and the item may be put again, in this meeting or
    another."""
    found = await work.heard(
        event, Resolution, above=Body, state=ResolutionState.VOTING, ballot_id=event.data["ballot"]
    )
    if found is None:
        return
    body, resolution = found
    work.require(PASS, body)
    await _may_be_put_again(work, resolution)
    work.change(resolution, state=ResolutionState.CANCELLED, decided_at=work.now)
    work.record("councils.resolution.cancelled", resolution, area_id=body.area_id, data=about(resolution))


async def _may_be_put_again(work: Work, resolution: Resolution) -> None:
    """Queue that its item may be put again, in this meeting or another."""
    item, meeting = await work.lock(AgendaItem, resolution.item_id), await work.get(Meeting, resolution.meeting_id)
    if meeting.state is MeetingState.OPEN:
        work.change(item, state=AgendaState.PLACED)
    else:
        work.change(item, state=AgendaState.PROPOSED, meeting_id=None, position=None)


async def void(work: Work, resolution: Resolution) -> None:
    """An exclusion on which it rested was overturned: it never holds, its item may be put again, and where it was made public
    people read that too. Hold the body."""
    await _may_be_put_again(work, resolution)
    work.change(resolution, state=ResolutionState.OVERTURNED)
    work.record("councils.resolution.overturned", resolution, area_id=resolution.area_id, data=about(resolution))
    if resolution.notice_id is not None:
        await work.port(DECISION_GATE).announce(
            work, subject=resolution, area_id=resolution.area_id, kind="决议不生效", title=resolution.title,
            body="该决议所依据的责令退场经申诉撤销,决议不生效;该事项可重新提请表决。",
        )  # fmt: skip


async def take_effect(work: Work, *, resolution_id: UUID) -> Resolution:
    """What passed and was public long enough, without an objection that is open, holds. Refuses UNDER_NOTICE,
    EXCLUSION_NOT_FINAL, RESOLUTION_STATE, OWN_MATTER."""
    body, resolution = await work.lock_with(Resolution, resolution_id, Body)
    work.require(EFFECT, body, owner=await officer(work, body.id))
    work.expect_version(resolution)
    if resolution.state is not ResolutionState.ADOPTED:
        raise Refusal("RESOLUTION_STATE", state=resolution.state)
    await work.not_own((await work.get(AgendaItem, resolution.item_id)).concerns_id)
    if not await work.port(DECISION_GATE).may_take_effect(work, resolution):
        raise Refusal("UNDER_NOTICE")
    await exclusions.require_final(work, resolution)
    _take_effect(work, resolution)
    return resolution


def _take_effect(work: Work, resolution: Resolution) -> None:
    work.change(resolution, state=ResolutionState.EFFECTIVE, effective_at=work.now)
    work.record("councils.resolution.effective", resolution, area_id=resolution.area_id, data=about(resolution))


async def settle_notice(work: Work, event: EventRecord) -> None:
    """Its notice, or one that took that notice's place, is closed: clean, and it holds once no other runs; with an
    objection upheld, and it is void (INV9). A notice that somebody else publishes about it decides nothing."""
    found = await work.heard(
        event, Resolution, above=Body, state=ResolutionState.ADOPTED, notice_id=event.data.get("announced")
    )
    if found is None:
        return
    body, resolution = found
    work.require(EFFECT, body)
    if event.data.get("clean"):
        may = await work.port(DECISION_GATE).may_take_effect(work, resolution)
        if may and await exclusions.is_final(work, resolution):
            _take_effect(work, resolution)
    else:
        work.change(resolution, state=ResolutionState.OVERTURNED)
        work.record("councils.resolution.overturned", resolution, area_id=body.area_id, data=about(resolution))


# --- advice ----------------------------------------------------------------------------------------------


async def issue_opinion(
    work: Work, *, body_id: UUID, title: str, text: str, item_id: UUID | None, addressed_to_id: UUID | None,
    agreeing: int | None, differing: int | None,
) -> Opinion:  # fmt: skip
    """What the body advises, and how many of it agreed; it never counts as a decision (M03). Refuses NOT_ITS_MEETING, BODY_DISSOLVED."""
    body = await work.lock(Body, body_id)
    work.require(PASS, body, owner=await officer(work, body.id))
    require_active(body)
    if item_id is not None and (await work.get(AgendaItem, item_id)).body_id != body.id:
        raise Refusal("NOT_ITS_MEETING", path=("itemId",))
    if any(n is not None and not 0 <= n <= body.size for n in (agreeing, differing)):
        raise Refusal("HANDS_DO_NOT_ADD_UP", path=("agreeing",), eligible=body.size)
    opinion = Opinion(
        id=new_id(), area_id=body.area_id, body_id=body.id, item_id=item_id,
        addressed_to_id=None if addressed_to_id is None else (await work.get(Body, addressed_to_id)).id,
        title=clean_name(title, "title"), text=clean_text(text, "text"), agreeing=agreeing, differing=differing,
        issued_at=work.now, issued_by_id=work.person_id,
    )  # fmt: skip
    work.add(opinion)
    work.record("councils.opinion.issued", opinion, area_id=body.area_id, data={"body": str(body.id)})
    return opinion


async def answer_opinion(work: Work, *, opinion_id: UUID, reply: str) -> Opinion:
    """Whom it was addressed to (its officers), or the administration, answers; once. Refuses OPINION_ANSWERED, OWN_MATTER."""
    opinion = await work.lock(Opinion, opinion_id)
    addressee = None if opinion.addressed_to_id is None else await officer(work, opinion.addressed_to_id)
    work.require(ANSWER, opinion, owner=addressee)
    work.expect_version(opinion)
    if opinion.reply is not None:
        raise Refusal("OPINION_ANSWERED")
    if work.person_id == opinion.issued_by_id:
        raise Refusal("OWN_MATTER")
    text = needed(reply, "reply", limit=4000)
    work.change(opinion, reply=text, replied_by_id=work.person_id, replied_at=work.now)
    work.record("councils.opinion.answered", opinion, area_id=opinion.area_id, data={"body": str(opinion.body_id)})
    return opinion
