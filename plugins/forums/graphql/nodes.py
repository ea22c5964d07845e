"""Forums, their members, topics, rounds, statements, results and what keeps order, as the API shows them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import strawberry

from plugins.forums import models
from plugins.forums.terms import (
    ForumElectorate,
    ForumKind,
    ForumMemberBasis,
    ForumMembership,
    ForumMemberState,
    ForumMethod,
    ForumModerationKind,
    ForumModerationState,
    ForumResolutionState,
    ForumRoundState,
    ForumStance,
    ForumState,
    ForumStatementState,
    ForumTopicState,
)
from schema.nodes.composed import Query, every, one
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, computed, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, GlobalId, Literal, RowOf, select
from schema.nodes.search import SearchHit
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts, viewer

ACTIVE = ForumMemberState.ACTIVE


def _belongs(forum_id: Expr, v: ViewerFacts) -> Expr:
    """Does the viewer, or whom they act for, take part in the forum?"""
    return (
        select(models.Member)
        .where(lambda m: (m.forum_id == forum_id) & (m.state == ACTIVE) & v.acts_as(m.actor_id))
        .exists()
    )


def _convenes(forum_id: Expr, v: ViewerFacts) -> Expr:
    return (
        select(models.Member)
        .where(lambda m: (m.forum_id == forum_id) & (m.is_convenor == True) & v.acts_as(m.actor_id))  # noqa: E712
        .exists()
    )


def _of(tag: str, id: Expr) -> Expr:
    """A reference to a row of another mechanism, for `node(id:)`."""
    return GlobalId(Literal(tag), id)


@node(models.Forum, scope=public("Where people deliberate is for everybody to know."), order="name")
class ForumsForum:
    """A body that deliberates in the open, a joint meeting of bodies, or a self-governance association (议事厅)."""

    name: str = column(order=True, description="What it is called (名称).")
    kind: ForumKind = column(description="What kind it is (类型).")
    membership: ForumMembership = column(description="Who belongs to it (成员构成).")
    purpose: str | None = column(filter=False, description="What it is for (宗旨).")
    state: ForumState = column(description="Whether it goes on (状态).")
    founded_at: datetime = column(description="Since when there is one (设立时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    body_id: strawberry.ID = computed(
        lambda t: _of("councils_body", t.body_id),
        description="Its body, with seats, meetings and tasks; ask `node(id:)` (对应议事组织).",
    )
    member_count: int = computed(
        lambda t: select(models.Member).where(lambda m: (m.forum_id == t.id) & (m.state == ACTIVE)).count(),
        discloses="How many take part is public; who, is not.",
        description="How many take part (成员人数).",
    )
    viewer_is_member: bool = computed(
        lambda t: _belongs(t.id, viewer), filter=True,
        description="Whether the viewer, or whom they act for, takes part (本人是否成员).",
    )  # fmt: skip
    viewer_is_convenor: bool = computed(
        lambda t: _convenes(t.id, viewer), description="Whether they convene it (本人是否召集人)."
    )
    area: Area = to_one(description="Where it deliberates (区域).")
    members: Connection[ForumsMember] = connection("forum_id", description="Those the viewer may see (成员).")
    topics: Connection[ForumsTopic] = connection("forum_id", description="What it deliberates (议题).")
    resolutions: Connection[ForumsResolution] = connection("forum_id", description="What came of it (结果).")
    moderations: Connection[ForumsModeration] = connection(
        "forum_id", description="What was done to keep order, as far as the viewer may see (管理措施)."
    )


def _member_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """For themselves and who admits; once they take part, for each other; who has an office there, for everybody."""
    office = t.is_convenor == True  # noqa: E712
    public_role = office | t.basis.is_in([ForumMemberBasis.SEATED, ForumMemberBasis.DELEGATED])
    there = t.state.is_in([ACTIVE, ForumMemberState.EXCLUDED])
    return (
        v.acts_as(t.actor_id)
        | v.may("forums.member.admit", t.area_id)
        | _convenes(t.forum_id, v)
        | (there & public_role)
        | (there & _belongs(t.forum_id, v))
    )


def _applicant(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.actor_id) | v.may("forums.member.admit", t.area_id) | _convenes(t.forum_id, v)


@node(models.Member, scope=_member_scope, order="asked_at")
class ForumsMember:
    """Somebody, a unit or a body that belongs to a forum (议事厅成员)."""

    basis: ForumMemberBasis = column(description="How they came to belong to it (成员来源).")
    state: ForumMemberState = column(description="Whether they take part (成员状态).")
    is_convenor: bool = column(description="Leads topics, admits and moderates (是否召集人).")
    asked_at: datetime = column(order=True, description="When they asked, or joined (申请时间).")
    since: datetime | None = column(description="Since when they belong to it (加入时间).")
    until: datetime | None = column(description="When that ended (终止时间).")
    application: str | None = column(filter=False, visible=_applicant, description="What they said (申请说明).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    body_id: strawberry.ID | None = computed(
        lambda t: _of("councils_body", t.body_id),
        description="The body that takes part, in a joint meeting (所属组织).",
    )
    area: Area = to_one(description="Where the forum is (区域).")
    forum: ForumsForum | None = to_one(description="The forum (议事厅).")
    actor: Actor | None = to_one(description="Who it is; of a body, its delegate, if it has named one (成员或代表).")


@node(models.Topic, scope=public("What is deliberated is for everybody to know."), order="-opened_at")
class ForumsTopic:
    """What a forum deliberates (议题)."""

    title: str = column(description="What it is about (标题).")
    details: str | None = column(filter=False, description="More about it (说明).")
    matter: str = column(description="Its kind of matter, as councils have them (事项类别).")
    state: ForumTopicState = column(description="How far it has come (状态).")
    opened_at: datetime = column(order=True, description="When it was opened (发起时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    statement_count: int = computed(
        lambda t: (
            select(models.Statement)
            .where(lambda s: (s.topic_id == t.id) & (s.state == ForumStatementState.SPOKEN))
            .count()
        ),
        discloses="What is said in a forum is public.",
        description="How many statements stand (发言数).",
    )
    area: Area = to_one(description="Where (区域).")
    forum: ForumsForum | None = to_one(description="The forum (议事厅).")
    opened_by: Actor = to_one(description="Who opened it (发起人).")
    rounds: Connection[ForumsRound] = connection("topic_id", description="Its rounds (讨论轮次).")
    statements: Connection[ForumsStatement] = connection("topic_id", description="What was said (发言).")
    resolutions: Connection[ForumsResolution] = connection("topic_id", description="What came of it (结果).")


@node(models.Round, scope=public("When something is deliberated, and what it came to, is public."), order="opens_at")
class ForumsRound:
    """A time in which members speak about a topic (讨论轮次)."""

    number: int = column(description="Its number (轮次).")
    question: str | None = column(filter=False, description="What it is about (本轮问题).")
    opens_at: datetime = column(order=True, description="When it began (开始时间).")
    least_until: datetime = column(filter=False, description="It is not ended before (最早结束时间).")
    closes_at: datetime = column(description="When it ends by itself (截止时间).")
    closed_at: datetime | None = column(filter=False, description="When it ended (结束时间).")
    state: ForumRoundState = column(description="Whether one may speak (状态).")
    summary: str | None = column(filter=False, description="What it came to (小结).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where (区域).")
    topic: ForumsTopic | None = to_one(description="The topic (议题).")
    statements: Connection[ForumsStatement] = connection("round_id", description="What was said, in order (发言).")


def _stands(t: RowOf, v: ViewerFacts) -> Expr:
    """What was withdrawn only the author sees; what was hidden, who keeps order too."""
    keeps = v.may("forums.moderate", t.area_id) | _convenes(t.forum_id, v)
    hidden = t.state == ForumStatementState.HIDDEN
    return (t.state == ForumStatementState.SPOKEN) | v.acts_as(t.author_id) | (hidden & keeps)


@node(
    models.Statement, scope=public("What is said in a forum is public, and that something was said."), order="spoken_at"
)
class ForumsStatement:
    """What a member said (发言)."""

    text: str | None = column(filter=False, visible=_stands, description="What was said (内容).")
    spoken_at: datetime = column(order=True, description="When (发言时间).")
    state: ForumStatementState = column(description="Whether it stands (状态).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where (区域).")
    topic: ForumsTopic | None = to_one(description="About what (议题).")
    round: ForumsRound | None = to_one(description="In which round (轮次).")
    author: Actor = to_one(description="Who said it (发言人).")
    reply_to: ForumsStatement | None = to_one(description="What it answers (回复的发言).")
    replies: Connection[ForumsStatement] = connection("reply_to_id", description="Answers to it (回复).")
    moderations: Connection[ForumsModeration] = connection("statement_id", description="Why it is hidden (屏蔽记录).")


@strawberry.type(description="How many votes something got (得票).")
class ForumsVotes:
    label: str = strawberry.field(description="What could be chosen (选项).")
    votes: int = strawberry.field(description="How many chose it (票数).")


def _tally(values: dict[str, Any], facts: Any) -> list[ForumsVotes]:
    found = json.loads(values["tally"]) if values["tally"] else {}
    return [ForumsVotes(label=label, votes=votes) for label, votes in found.items()]


def _options(values: dict[str, Any], facts: Any) -> list[str]:
    found: list[str] = json.loads(values["options"])
    return found


def _said(t: RowOf, stance: ForumStance) -> Expr:
    return select(models.Position).where(lambda p: (p.resolution_id == t.id) & (p.stance == stance)).count()


_COUNTS = "How many said what is public; who objects says so in public, who agrees does not have to."


@node(models.Resolution, scope=public("What is put to a forum, and what came of it, is public."), order="-put_at")
class ForumsResolution:
    """What was put to the members about a topic, and what came of it (议事结果)."""

    method: ForumMethod = column(description="By consensus or ballot (决定方式).")
    electorate: ForumElectorate = column(description="Who is asked (范围).")
    text: str = column(filter=False, description="What it says (内容).")
    options: list[str] = python(
        _options, columns=lambda t: {"options": t.options}, settings=False,
        description="What can be chosen; empty for a yes or no (选项).",
    )  # fmt: skip
    state: ForumResolutionState = column(description="How far it has come (状态).")
    is_binding: bool = column(description="Its body may decide this; if not, it is advice (是否有约束力).")
    put_at: datetime = column(order=True, description="When it was put (提出时间).")
    closes_at: datetime = column(description="When the objections period or the ballot ends (截止时间).")
    quorum_percent: int = column(filter=False, description="How many have to say something (参与比例,%).")
    members: int | None = column(filter=False, description="How many could (应参与人数).")
    agreeing: int = computed(
        lambda t: _said(t, ForumStance.AGREE), discloses=_COUNTS, description="Members who agree (同意人数)."
    )
    standing_aside: int = computed(
        lambda t: _said(t, ForumStance.STAND_ASIDE),
        discloses=_COUNTS,
        description="Who do not, and let it pass (保留人数).",
    )
    objecting: int = computed(
        lambda t: _said(t, ForumStance.OBJECT), discloses=_COUNTS, description="Who object (反对人数)."
    )
    tally: list[ForumsVotes] = python(
        _tally,
        columns=lambda t: {"tally": t.tally},
        settings=False,
        description="Of a ballot that is closed (计票结果).",
    )
    turnout: int | None = column(filter=False, description="Of a ballot, how many voted (投票人数).")
    chosen: str | None = column(filter=False, description="What the ballot chose (选定项).")
    decided_at: datetime | None = column(description="When it was decided (决定时间).")
    effective_at: datetime | None = column(description="Since when it holds (生效时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    ballot_id: strawberry.ID | None = computed(
        lambda t: _of("ballots_ballot", t.ballot_id), description="The ballot (表决)."
    )
    notice_id: strawberry.ID | None = computed(
        lambda t: _of("disclosure_notice", t.notice_id),
        description="The notice it was made public by; where it was corrected, its `supersededBy` leads to the one in force (公示).",
    )
    viewer_stance: ForumStance | None = computed(
        lambda t: (
            select(models.Position)
            .where(lambda p: (p.resolution_id == t.id) & viewer.acts_as(p.actor_id))
            .first("stance", order_by="id")
        ),
        description="What the viewer said to it (本人表态).",
    )
    area: Area = to_one(description="Where (区域).")
    forum: ForumsForum | None = to_one(description="The forum (议事厅).")
    topic: ForumsTopic | None = to_one(description="The topic (议题).")
    put_by: Actor | None = to_one(description="Who put it (提出人).")
    positions: Connection[ForumsPosition] = connection(
        "resolution_id", description="Objections, and what the viewer said (表态)."
    )


def _position_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """An objection is for everybody to answer; the rest for oneself."""
    return (t.stance == ForumStance.OBJECT) | v.acts_as(t.actor_id)


@node(models.Position, scope=_position_scope, order="stated_at")
class ForumsPosition:
    """What a member says to a proposed consensus (表态)."""

    stance: ForumStance = column(description="Agrees, stands aside or objects (态度).")
    reason: str | None = column(filter=False, description="Why (理由).")
    stated_at: datetime = column(order=True, description="When (时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where (区域).")
    resolution: ForumsResolution | None = to_one(description="To what (议事结果).")
    actor: Actor = to_one(description="Who (表态人).")


def _moderation_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """That a statement was hidden, and why, is public; that somebody was excluded is for them and who keeps order."""
    keeps = v.may("forums.moderate", t.area_id) | v.may("forums.moderation.decide", t.area_id)
    return (t.kind == ForumModerationKind.HIDE) | v.acts_as(t.concerns_id) | keeps | _convenes(t.forum_id, v)


def _appeal(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.concerns_id) | v.may("forums.moderation.decide", t.area_id)


@node(models.Moderation, scope=_moderation_scope, order="-made_at")
class ForumsModeration:
    """A statement was hidden, or a member excluded for a time (管理措施)."""

    kind: ForumModerationKind = column(description="What was done (类型).")
    reason: str = column(filter=False, description="Why (理由).")
    made_at: datetime = column(order=True, description="When (时间).")
    appeal_until: datetime = column(filter=False, description="Until when one may appeal (申诉截止时间).")
    until: datetime | None = column(description="Until when somebody is excluded (暂停截止时间).")
    state: ForumModerationState = column(description="Whether it holds (状态).")
    appeal: str | None = column(filter=False, visible=_appeal, description="What whom it concerns says (申诉理由).")
    decision: str | None = column(filter=False, visible=_appeal, description="What was decided, and why (处理意见).")
    decided_at: datetime | None = column(description="When (处理时间).")
    version: int = column(filter=False, description="Goes up with every change (版本).")
    area: Area = to_one(description="Where (区域).")
    forum: ForumsForum | None = to_one(description="The forum (议事厅).")
    statement: ForumsStatement | None = to_one(description="What was hidden (被屏蔽的发言).")
    concerns: Actor = to_one(description="Whom it concerns (涉及主体).")
    made_by: Actor | None = to_one(description="Who did it (执行人).")
    decided_by: Actor | None = to_one(description="Who decided on the appeal (处理人).")


@extend(Query)
class ForumsQuery:
    forums_forum: ForumsForum | None = one("id", description="A forum (议事厅).")
    forums_forums: Connection[ForumsForum] = every(description="Forums (议事厅列表).")
    forums_members: Connection[ForumsMember] = every(description="Memberships the viewer may see (成员列表).")
    forums_topic: ForumsTopic | None = one("id", description="A topic (议题).")
    forums_topics: Connection[ForumsTopic] = every(description="Topics (议题列表).")
    forums_statements: Connection[ForumsStatement] = every(description="Statements (发言列表).")
    forums_resolutions: Connection[ForumsResolution] = every(description="Results (议事结果列表).")
    forums_moderations: Connection[ForumsModeration] = every(
        description="What was done to keep order, as far as the viewer may see (管理措施列表)."
    )


@extend(Area)
class AreaForums:
    forums_forums: Connection[ForumsForum] = connection("area_id", description="Forums here (本区域议事厅).")


@extend(Actor)
class ActorForums:
    forums_memberships: Connection[ForumsMember] = connection(
        "actor_id", description="Forums this actor belongs to, as far as the viewer may see (所属议事厅)."
    )


@extend(SearchHit)
class SearchHitForums:
    forum: ForumsForum | None = to_one("id", description="The forum, if it is one (议事厅).")
    topic: ForumsTopic | None = to_one("id", description="The topic, if it is one (议题).")
