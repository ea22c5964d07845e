"""How a topic comes to a result: a proposed consensus to which nobody objects, or a ballot; and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from core.errors import Refusal
from core.events import EventRecord
from core.ids import new_id
from core.ports import DECISION_GATE, Port
from core.rules.inputs import clean_name, clean_text, needed, optional_text
from core.work import Work
from plugins.forums.models import Forum, Member, Position, Resolution, Topic
from plugins.forums.rules.common import convenor, councils, taking_part
from plugins.forums.rules.topics import LEAD, leading, rounds_of
from plugins.forums.settings import ForumsSettings
from plugins.forums.terms import (
    ForumElectorate,
    ForumMembership,
    ForumMemberState,
    ForumMethod,
    ForumResolutionState,
    ForumStance,
    ForumTopicState,
)

if TYPE_CHECKING:
    from plugins.ballots.ports import Ballots

BALLOTS: Port[Ballots] = Port("ballots")
SPEAK, FOLLOW = "forums.speak", "forums.resolution.follow"
CONSENSUS_SQL = (
    "SELECT r.id, r.area_id FROM forums_resolution r WHERE r.state = 'PENDING' AND r.method = 'CONSENSUS'"
    " AND r.closes_at <= :now:"
)
OPTIONS = 20
LONGEST = timedelta(days=90)
OUTCOMES = {
    "ADOPTED": ForumResolutionState.ADOPTED, "REJECTED": ForumResolutionState.REJECTED,
    "NO_QUORUM": ForumResolutionState.NO_QUORUM, "TIED": ForumResolutionState.TIED,
}  # fmt: skip


# --- putting ---------------------------------------------------------------------------------------------


async def _ready(work: Work, topic_id: UUID) -> tuple[Topic, Forum, ForumsSettings, list[Member]]:
    """A topic that has been deliberated, and who takes part now. Refuses TOPIC_STATE, ROUND_RUNS, TOO_FEW_ROUNDS,
    NOBODY_MAY_VOTE."""
    topic, forum = await leading(work, topic_id)
    if topic.state is not ForumTopicState.OPEN:
        raise Refusal("TOPIC_STATE", state=topic.state)
    settings = await work.settings(ForumsSettings, forum, version=topic.settings_version)
    if len(await rounds_of(work, topic)) < settings.least_rounds:
        raise Refusal("TOO_FEW_ROUNDS", rounds=settings.least_rounds)
    members = await work.select(Member, forum_id=forum.id, state=ForumMemberState.ACTIVE)
    heard = [m for m in members if m.actor_id is not None]
    if not heard:
        raise Refusal("NOBODY_MAY_VOTE")
    return topic, forum, settings, heard


def _until(work: Work, closes_at: datetime | None, days: int) -> datetime:
    """Refuses DECIDED_TOO_SOON (less than so many days), TOO_FAR_AHEAD."""
    least = work.now + timedelta(days=days)
    chosen = closes_at or least
    if chosen < least:
        raise Refusal("DECIDED_TOO_SOON", path=("closesAt",), days=days)
    if chosen > work.now + LONGEST:
        raise Refusal("TOO_FAR_AHEAD", path=("closesAt",))
    return chosen


async def propose_consensus(work: Work, *, topic_id: UUID, text: str, closes_at: datetime | None = None) -> Resolution:
    """State what all seem to agree on; who belongs to the forum now may object until then.

    Refuses TOPIC_STATE, ROUND_RUNS, TOO_FEW_ROUNDS, DECIDED_TOO_SOON, NOBODY_MAY_VOTE.
    """
    topic, forum, settings, heard = await _ready(work, topic_id)
    resolution = Resolution(
        id=new_id(), area_id=topic.area_id, forum_id=forum.id, topic_id=topic.id, method=ForumMethod.CONSENSUS,
        electorate=ForumElectorate.MEMBERS, text=clean_text(text, "text", limit=5000), options="[]",
        is_binding=await councils(work).may_decide(work, forum.body_id, topic.matter), put_by_id=work.person_id,
        put_at=work.now, closes_at=_until(work, closes_at, settings.consensus_days),
        quorum_percent=settings.consensus_percent, members=len(heard), state=ForumResolutionState.PENDING,
    )  # fmt: skip
    work.add(resolution)
    work.change(topic, state=ForumTopicState.DECIDING)
    work.record("forums.topic.put_to_consensus", resolution, area_id=topic.area_id, data=_about(resolution))
    return resolution


async def move_to_ballot(
    work: Work, *, topic_id: UUID, text: str, options: Sequence[str] = (), is_secret: bool = False,
    electorate: ForumElectorate = ForumElectorate.MEMBERS, closes_at: datetime | None = None,
) -> Resolution:  # fmt: skip
    """Let the members, or everybody who lives here, vote on a text or between options; bodies through their delegates.

    Refuses TOPIC_STATE, ROUND_RUNS, TOO_FEW_ROUNDS, DECIDED_TOO_SOON, NOBODY_MAY_VOTE, FORUM_OPTIONS, MEMBERS_ONLY,
    PLUGIN_DISABLED without the plugin `ballots`.
    """
    topic, forum, settings, heard = await _ready(work, topic_id)
    ballots = work.port(BALLOTS, at=forum)
    labels = [clean_name(o, "options", str(n)) for n, o in enumerate(options)]
    if labels and not (2 <= len(labels) <= OPTIONS and len(set(labels)) == len(labels)):
        raise Refusal("FORUM_OPTIONS", path=("options",), limit=OPTIONS)
    if electorate is ForumElectorate.RESIDENTS and forum.membership is not ForumMembership.OPEN:
        raise Refusal("MEMBERS_ONLY", path=("electorate",))
    everybody = electorate is ForumElectorate.RESIDENTS
    quorum = settings.ballot_quorum_percent
    resolution = Resolution(
        id=new_id(), area_id=topic.area_id, forum_id=forum.id, topic_id=topic.id, method=ForumMethod.BALLOT,
        electorate=electorate, text=clean_text(text, "text", limit=5000),
        options=json.dumps(labels, ensure_ascii=False), put_by_id=work.person_id, put_at=work.now,
        is_binding=await councils(work).may_decide(work, forum.body_id, topic.matter),
        closes_at=_until(work, closes_at, settings.ballot_days), quorum_percent=quorum,
        members=None if everybody else len(heard), state=ForumResolutionState.PENDING,
    )  # fmt: skip
    resolution.ballot_id = await ballots.put(
        work, subject=resolution, area_id=forum.area_id, title=topic.title,
        choices=labels,
        voters=None if everybody else [m.actor_id for m in heard if m.actor_id is not None], is_secret=is_secret,
        opens_at=work.now, closes_at=resolution.closes_at,
        rule={
            "quorum": (quorum, 100, True) if quorum else None,
            "threshold": (settings.ballot_majority_percent, 100, True),
        },
    )  # fmt: skip
    work.add(resolution)
    work.change(topic, state=ForumTopicState.DECIDING)
    work.record("forums.topic.put_to_ballot", resolution, area_id=topic.area_id, data=_about(resolution))
    return resolution


async def withdraw_resolution(work: Work, *, resolution_id: UUID, reason: str) -> Resolution:
    """Take a proposed consensus back, to go on deliberating; a ballot is called off by who keeps ballots.

    Refuses RESOLUTION_STATE, IS_A_BALLOT.
    """
    topic, resolution = await work.lock_with(Resolution, resolution_id, Topic)
    work.require(LEAD, resolution, owner=await convenor(work, topic.forum_id))
    work.expect_version(resolution)
    if resolution.state is not ForumResolutionState.PENDING:
        raise Refusal("RESOLUTION_STATE", state=resolution.state)
    if resolution.method is ForumMethod.BALLOT:
        raise Refusal("IS_A_BALLOT")
    _settle(work, topic, resolution, ForumResolutionState.WITHDRAWN, text=needed(reason, "reason"))
    return resolution


# --- positions -------------------------------------------------------------------------------------------


async def take_position(work: Work, *, resolution_id: UUID, stance: ForumStance, reason: str | None = None) -> Position:
    """Agree, stand aside or object, and say why; anew as long as the period lasts.

    Refuses POSITIONS_OVER, NOT_IN_FORUM, EXCLUDED, JOINED_LATER, EMPTY_TEXT (who objects says why), and OWN_MATTER (INV10)
    where who put it enters it at the desk for somebody else: silence is no consent.
    """
    resolution = await work.lock(Resolution, resolution_id)
    work.require(SPEAK, resolution)
    member = await taking_part(work, await work.get(Forum, resolution.forum_id))
    await work.not_at_the_desk_of(resolution.put_by_id)
    pending = resolution.state is ForumResolutionState.PENDING and resolution.method is ForumMethod.CONSENSUS
    if not pending or resolution.closes_at <= work.now:
        raise Refusal("POSITIONS_OVER")
    if member.since is None or member.since > resolution.put_at:
        raise Refusal("JOINED_LATER")
    said = needed(reason, "reason") if stance is ForumStance.OBJECT else optional_text(reason, "reason", limit=2000)
    whose = {"actor_id": work.principal_id} if member.body_id is None else {"member_id": member.id}
    found = await work.find(Position, resolution_id=resolution.id, **whose)
    if found is None:
        found = Position(
            id=new_id(), area_id=resolution.area_id, forum_id=resolution.forum_id, resolution_id=resolution.id,
            member_id=member.id, actor_id=work.principal_id, stance=stance, reason=said, stated_at=work.now,
        )  # fmt: skip
        work.add(found)
    else:
        work.change(found, stance=stance, reason=said, actor_id=work.principal_id, stated_at=work.now)
    objects = stance is ForumStance.OBJECT
    data = {**_about(resolution), "stance": str(stance)} if objects else _about(resolution)
    type = "forums.position.taken" if objects else "forums.position.taken_in_confidence"
    work.record(type, found, area_id=resolution.area_id, data=data)
    return found


# --- deciding --------------------------------------------------------------------------------------------


def consensus(agreed: int, aside: int, objected: int, members: int, percent: int) -> ForumResolutionState:
    """What the positions come to: any objection stands against it; silence is no consent, so enough have to speak."""
    if objected:
        return ForumResolutionState.OBJECTED
    if not agreed or (agreed + aside) * 100 < percent * members:
        return ForumResolutionState.NO_QUORUM
    return ForumResolutionState.ADOPTED


async def settle_due(work: Work, resolution_id: UUID) -> None:
    """A job: the objections period is over, and the server counts (INV8)."""
    topic, resolution = await work.lock_with(Resolution, resolution_id, Topic)
    if resolution.state is not ForumResolutionState.PENDING or resolution.closes_at > work.now:
        return
    work.require(LEAD, resolution)
    taken = await work.select(Position, resolution_id=resolution.id)
    agreed, aside, objected = (sum(p.stance is s for p in taken) for s in ForumStance)
    assert resolution.members is not None
    outcome = consensus(agreed, aside, objected, resolution.members, resolution.quorum_percent)
    counts = {"agreed": agreed, "aside": aside, "objected": objected}
    await _decide(work, topic, resolution, outcome, counts)


async def hear_ballot(work: Work, event: EventRecord) -> None:
    """The ballot about a topic is closed: its count is taken over."""
    found = await work.heard(
        event, Resolution, above=Topic, state=ForumResolutionState.PENDING, ballot_id=event.data["ballot"]
    )
    if found is None:
        return
    topic, resolution = found
    work.require(LEAD, resolution)
    told, options = work.port(BALLOTS).closed(event), json.loads(resolution.options)
    outcome = OUTCOMES[told.outcome]
    chosen = options[told.winners[0]] if outcome is ForumResolutionState.ADOPTED and options else None
    counts: dict[str, Any] = {
        "tally": json.dumps(told.labelled(options), ensure_ascii=False), "turnout": told.cast, "chosen": chosen,
    }  # fmt: skip
    if resolution.members is None:
        counts["members"] = told.voters
    await _decide(work, topic, resolution, outcome, counts)


async def hear_cancelled(work: Work, event: EventRecord) -> None:
    """The ballot was called off: the deliberation goes on."""
    found = await work.heard(
        event, Resolution, above=Topic, state=ForumResolutionState.PENDING, ballot_id=event.data["ballot"]
    )
    if found is not None:
        topic, resolution = found
        work.require(LEAD, resolution)
        _settle(work, topic, resolution, ForumResolutionState.WITHDRAWN)


async def _decide(
    work: Work, topic: Topic, resolution: Resolution, outcome: ForumResolutionState, counts: dict[str, Any]
) -> None:
    if outcome is not ForumResolutionState.ADOPTED:
        _settle(work, topic, resolution, outcome, **counts)
        return
    forum = await work.get(Forum, topic.forum_id)
    binding = resolution.is_binding and await councils(work).may_decide(work, forum.body_id, topic.matter)
    counts |= {"is_binding": binding}
    if (await work.settings(ForumsSettings, forum)).announce_results:
        body = resolution.text if not counts.get("chosen") else f"{resolution.text}\n{counts['chosen']}"
        counts["notice_id"] = await work.port(DECISION_GATE).announce(
            work, subject=resolution, area_id=forum.area_id, kind="议事厅决议", title=topic.title, body=body,
            concerns=[topic.opened_by_id],
        )  # fmt: skip
    if counts.get("notice_id") is None:
        counts["effective_at"] = work.now
        outcome = ForumResolutionState.EFFECTIVE
    work.require(LEAD, resolution)
    work.change(resolution, state=outcome, decided_at=work.now, **counts)
    work.change(topic, state=ForumTopicState.RESOLVED)
    work.record("forums.topic.resolved", resolution, area_id=topic.area_id, data=_about(resolution))
    if outcome is ForumResolutionState.EFFECTIVE:
        work.record("forums.topic.effective", resolution, area_id=topic.area_id, data=_about(resolution))


def _settle(
    work: Work, topic: Topic, resolution: Resolution, outcome: ForumResolutionState, *, text: str | None = None,
    **counts: Any,
) -> None:  # fmt: skip
    """Nothing came of it: the topic is open again."""
    work.change(resolution, state=outcome, decided_at=work.now, **counts)
    work.change(topic, state=ForumTopicState.OPEN)
    work.record(
        "forums.topic.not_agreed", resolution, area_id=topic.area_id, data=_about(resolution), text={"reason": text}
    )


# --- in effect -------------------------------------------------------------------------------------------


async def take_effect(work: Work, *, resolution_id: UUID) -> Resolution:
    """A result that was public long enough, without an objection that is open, holds. Refuses UNDER_NOTICE,
    RESOLUTION_STATE."""
    _, resolution = await work.lock_with(Resolution, resolution_id, Topic)
    work.require(FOLLOW, resolution, owner=await convenor(work, resolution.forum_id))
    work.expect_version(resolution)
    if resolution.state is not ForumResolutionState.ADOPTED:
        raise Refusal("RESOLUTION_STATE", state=resolution.state)
    if not await work.port(DECISION_GATE).may_take_effect(work, resolution):
        raise Refusal("UNDER_NOTICE")
    _take_effect(work, resolution)
    return resolution


def _take_effect(work: Work, resolution: Resolution) -> None:
    work.change(resolution, state=ForumResolutionState.EFFECTIVE, effective_at=work.now)
    work.record("forums.topic.effective", resolution, area_id=resolution.area_id, data=_about(resolution))


async def hear_notice(work: Work, event: EventRecord) -> None:
    """Its notice, or one that took that notice's place, is closed: clean, and it holds once no other runs; with an objection
    upheld, and the topic is open again (INV9)."""
    found = await work.heard(
        event, Resolution, above=Topic, state=ForumResolutionState.ADOPTED, notice_id=event.data.get("announced")
    )
    if found is None:
        return
    topic, resolution = found
    work.require(FOLLOW, resolution)
    if event.data.get("clean"):
        if await work.port(DECISION_GATE).may_take_effect(work, resolution):
            _take_effect(work, resolution)
        return
    work.change(resolution, state=ForumResolutionState.OVERTURNED)
    work.change(topic, state=ForumTopicState.OPEN)
    work.record("forums.topic.overturned", resolution, area_id=topic.area_id, data=_about(resolution))


async def _in_effect(work: Work, resolution_id: UUID) -> tuple[Topic, Forum, Resolution]:
    topic, resolution = await work.lock_with(Resolution, resolution_id, Topic)
    work.require(FOLLOW, resolution, owner=await convenor(work, resolution.forum_id))
    if resolution.state is not ForumResolutionState.EFFECTIVE:
        raise Refusal("NOT_IN_EFFECT", state=resolution.state)
    return topic, await work.get(Forum, topic.forum_id), resolution


async def assign_task(
    work: Work, *, resolution_id: UUID, assignee_id: UUID, title: str, due_on: date
) -> tuple[Resolution, UUID]:
    """Give somebody what has to be done, as a follow-up task of the forum's body; the task's id. Refuses NOT_IN_EFFECT,
    ADVICE_ONLY, IN_THE_PAST."""
    _, forum, resolution = await _in_effect(work, resolution_id)
    if not resolution.is_binding:
        raise Refusal("ADVICE_ONLY")
    task = await councils(work).assign(
        work, body_id=forum.body_id, decision=resolution, assignee_id=assignee_id, title=title, due_on=due_on
    )
    data = {**_about(resolution), "task": str(task)}
    work.record("forums.resolution.followed", resolution, area_id=forum.area_id, data=data)
    return resolution, task


async def refer(work: Work, *, resolution_id: UUID, body_id: UUID) -> tuple[Resolution, UUID]:
    """Take what it came to before another body, which decides; the id of its agenda item. Refuses NOT_IN_EFFECT,
    BODY_DISSOLVED, ITS_OWN_BODY."""
    topic, forum, resolution = await _in_effect(work, resolution_id)
    if body_id == forum.body_id:
        raise Refusal("ITS_OWN_BODY", path=("bodyId",))
    details = resolution.text if resolution.chosen is None else f"{resolution.text}\n{resolution.chosen}"
    item = await councils(work).propose(
        work, body_id=body_id, title=topic.title, matter=topic.matter, details=details[:4000]
    )
    data = {**_about(resolution), "body": str(body_id), "item": str(item)}
    work.record("forums.resolution.referred", resolution, area_id=forum.area_id, data=data)
    return resolution, item


def _about(resolution: Resolution) -> dict[str, Any]:
    """What events say of a result."""
    return {
        "forum": str(resolution.forum_id), "topic": str(resolution.topic_id), "resolution": str(resolution.id),
        "method": str(resolution.method), "state": str(resolution.state),
    }  # fmt: skip
