"""Topics and their rounds: a member opens a topic, the convenors lead it; a round ends by the clock or by hand, once it has
lasted long enough."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import clean_name, needed, optional_text
from core.work import Work
from plugins.forums.models import Forum, Member, Round, Statement, Topic
from plugins.forums.rules.common import convenor, councils, require_active, taking_part
from plugins.forums.settings import ForumsSettings
from plugins.forums.terms import ForumRoundState, ForumTopicState

OPEN, LEAD = "forums.topic.open", "forums.topic.lead"
LONGEST_ROUND = timedelta(days=180)
ROUNDS_SQL = "SELECT r.id, r.area_id FROM forums_round r WHERE r.state = 'OPEN' AND r.closes_at <= :now:"
RUNS = [ForumTopicState.OPEN, ForumTopicState.DECIDING]


async def open_topic(
    work: Work, *, forum_id: UUID, title: str, matter: str, details: str | None = None,
    closes_at: datetime | None = None,
) -> Topic:  # fmt: skip
    """A member brings something before the forum; its first round begins.

    Refuses FORUM_CLOSED, NOT_IN_FORUM, EXCLUDED, TOO_MANY_TOPICS, UNKNOWN_MATTER, and what `open_round` refuses.
    """
    forum = await work.get(Forum, forum_id)
    work.require(OPEN, forum)
    await work.lock(Member, (await taking_part(work, forum)).id)  # of two topics at once each sees the other
    settings = await work.settings(ForumsSettings, forum)
    await councils(work).may_decide(work, forum.body_id, matter)
    own = await work.select(Topic, forum_id=forum.id, opened_by_id=work.principal_id, state=RUNS)
    if len(own) >= settings.topics_per_member:
        raise Refusal("TOO_MANY_TOPICS", limit=settings.topics_per_member)
    topic = Topic(
        id=new_id(), area_id=forum.area_id, forum_id=forum.id, title=clean_name(title, "title"), matter=matter,
        details=optional_text(details, "details", limit=5000), opened_by_id=work.principal_id, opened_at=work.now,
        state=ForumTopicState.OPEN, settings_version=await work.settings_version(),
    )  # fmt: skip
    work.add(topic)
    work.record("forums.topic.opened", topic, area_id=forum.area_id, data=about(topic))
    _round(work, topic, 1, None, closes_at, settings)
    return topic


def _round(
    work: Work, topic: Topic, number: int, question: str | None, closes_at: datetime | None, settings: ForumsSettings
) -> Round:
    least = work.now + timedelta(days=settings.round_days)
    closes = closes_at or work.now + timedelta(days=max(settings.round_days, 7))
    if closes <= work.now:
        raise Refusal("IN_THE_PAST", path=("closesAt",))
    if closes < least:
        raise Refusal("ROUND_TOO_SHORT", path=("closesAt",), days=settings.round_days)
    if closes > work.now + LONGEST_ROUND:
        raise Refusal("TOO_FAR_AHEAD", path=("closesAt",))
    made = Round(
        id=new_id(), area_id=topic.area_id, forum_id=topic.forum_id, topic_id=topic.id, number=number,
        question=optional_text(question, "question", limit=2000), opens_at=work.now, least_until=least,
        closes_at=closes, state=ForumRoundState.OPEN,
    )  # fmt: skip
    work.add(made)
    data = {**about(topic), "round": str(made.id), "number": number}
    work.record("forums.topic.round_opened", made, area_id=topic.area_id, data=data)
    return made


async def open_round(
    work: Work, *, topic_id: UUID, question: str | None = None, closes_at: datetime | None = None
) -> Round:
    """Another round, perhaps about one question. Refuses TOPIC_STATE, ROUND_RUNS, ROUND_TOO_SHORT, IN_THE_PAST."""
    topic, forum = await leading(work, topic_id)
    if topic.state is not ForumTopicState.OPEN:
        raise Refusal("TOPIC_STATE", state=topic.state)
    rounds = await rounds_of(work, topic)
    settings = await work.settings(ForumsSettings, forum, version=topic.settings_version)
    return _round(work, topic, len(rounds) + 1, question, closes_at, settings)


async def leading(work: Work, topic_id: UUID) -> tuple[Topic, Forum]:
    """The topic, held, for who leads its forum. Refuses FORUM_CLOSED."""
    topic = await work.lock(Topic, topic_id)
    forum = await work.get(Forum, topic.forum_id)
    work.require(LEAD, topic, owner=await convenor(work, forum.id))
    work.expect_version(topic)
    require_active(forum)
    return topic, forum


async def rounds_of(work: Work, topic: Topic) -> list[Round]:
    """Its rounds, all of them over. Refuses ROUND_RUNS."""
    rounds = await work.select(Round, topic_id=topic.id)
    if any(r.state is ForumRoundState.OPEN for r in rounds):
        raise Refusal("ROUND_RUNS")
    return rounds


async def close_round(work: Work, *, round_id: UUID, summary: str | None = None) -> Round:
    """End a round by hand once it has lasted as long as a round has to. Refuses ROUND_CLOSED, ROUND_TOO_SHORT."""
    topic, round = await work.lock_with(Round, round_id, Topic)
    work.require(LEAD, round, owner=await convenor(work, round.forum_id))
    work.expect_version(round)
    if round.state is not ForumRoundState.OPEN:
        raise Refusal("ROUND_CLOSED")
    if work.now < round.least_until:
        raise Refusal("ROUND_TOO_SHORT", days=(round.least_until - round.opens_at).days)
    await _close(work, topic, round, optional_text(summary, "summary", limit=5000))
    return round


async def _close(work: Work, topic: Topic, round: Round, summary: str | None) -> None:
    counted = await work.rows("SELECT count(*) AS n FROM forums_statement s WHERE s.round_id = {}", round.id)
    work.change(round, state=ForumRoundState.CLOSED, closed_at=work.now, summary=summary)
    data = {**about(topic), "round": str(round.id), "statements": int(counted[0]["n"])}
    work.record("forums.topic.round_closed", round, area_id=round.area_id, data=data)


async def close_due(work: Work, round_id: UUID) -> None:
    """A job: time is up."""
    topic, round = await work.lock_with(Round, round_id, Topic)
    if round.state is ForumRoundState.OPEN and round.closes_at <= work.now:
        work.require(LEAD, round)
        await _close(work, topic, round, None)


async def summarise_round(work: Work, *, round_id: UUID, summary: str) -> Round:
    """Say what a round came to, once it is over; once. Refuses ROUND_RUNS, ALREADY_SUMMARISED."""
    topic, round = await work.lock_with(Round, round_id, Topic)
    work.require(LEAD, round, owner=await convenor(work, round.forum_id))
    work.expect_version(round)
    if round.state is ForumRoundState.OPEN:
        raise Refusal("ROUND_RUNS")
    if round.summary is not None:
        raise Refusal("ALREADY_SUMMARISED")
    work.change(round, summary=needed(summary, "summary", limit=5000))
    data = {**about(topic), "round": str(round.id)}
    work.record("forums.topic.summarised", round, area_id=round.area_id, data=data)
    return round


async def close_topic(work: Work, *, topic_id: UUID, reason: str) -> Topic:
    """Nothing more comes of it. Refuses TOPIC_STATE, ROUND_RUNS."""
    topic, _ = await leading(work, topic_id)
    if topic.state is not ForumTopicState.OPEN:
        raise Refusal("TOPIC_STATE", state=topic.state)
    await rounds_of(work, topic)
    work.change(topic, state=ForumTopicState.CLOSED)
    work.record(
        "forums.topic.closed",
        topic,
        area_id=topic.area_id,
        data=about(topic),
        text={"reason": needed(reason, "reason")},
    )
    return topic


async def withdraw_topic(work: Work, *, topic_id: UUID) -> Topic:
    """Whoever opened it takes it back, as long as nobody else has spoken. Refuses TOPIC_STATE, OTHERS_SPOKE."""
    topic = await work.lock(Topic, topic_id)
    work.require(OPEN, topic, owner=topic.opened_by_id)
    work.expect_version(topic)
    if topic.state is not ForumTopicState.OPEN:
        raise Refusal("TOPIC_STATE", state=topic.state)
    if any(s.author_id != topic.opened_by_id for s in await work.select(Statement, topic_id=topic.id)):
        raise Refusal("OTHERS_SPOKE")
    work.change(topic, state=ForumTopicState.WITHDRAWN)
    work.record("forums.topic.withdrawn", topic, area_id=topic.area_id, data=about(topic))
    return topic


def about(topic: Topic) -> dict[str, str]:
    """What events say of a topic."""
    return {"forum": str(topic.forum_id), "topic": str(topic.id)}
