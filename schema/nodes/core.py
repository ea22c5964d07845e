"""The kernel's nodes as the API shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import strawberry

from core import models
from core.enums import (
    ActivityState,
    ActorKind,
    AreaKind,
    Authority,
    BehalfBasis,
    HandoverState,
    MandateState,
    MembershipRole,
    MembershipState,
    OrganizationKind,
    ParticipationState,
    Registration,
    Role,
)
from core.masks import mask_address, mask_tail
from core.rules.corrections import UNDONE
from schema.nodes.declare import (
    Connection,
    FilterField,
    column,
    computed,
    connection,
    interface,
    kind_of,
    masked,
    node,
    to_one,
)
from schema.nodes.expressions import (
    Coalesce,
    Env,
    Expr,
    GlobalId,
    Literal,
    RowOf,
    SqlScope,
    Tables,
    area_of,
    case,
    now,
    select,
)
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts, Within, viewer
from schema.scalars import JSON, Long


def _sees_names(t: RowOf) -> Expr:
    """Personal names are for the person, for who may act for the household, and for clerks of the home area."""
    open_kind = t.kind.is_in([ActorKind.ORGANIZATION, ActorKind.ENTERPRISE, ActorKind.GOVERNMENT_BODY])
    return viewer.may("core.actor.read", t.area_id) | viewer.acts_as(t.id) | open_kind


def sees_row(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.id) | v.may("core.actor.read", t.area_id)


def _is_theirs(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.id)


def _detail(name: str) -> Callable[[RowOf], Expr]:
    """What is kept on a person beside their name."""
    return lambda t: select(models.PersonDetail).where(lambda d: d.person_id == t.id).first(name, order_by="id")


def _children(c: RowOf, t: RowOf) -> Expr:
    return c.parent_id == t.id


def _above(c: RowOf, t: RowOf) -> Expr:
    def closure(x: RowOf) -> Expr:
        return (x.ancestor_id == c.id) & (x.descendant_id == t.id) & x.until.is_null()

    return (c.id != t.id) & select(models.AreaClosure).where(closure).exists()


@node(
    models.Area,
    scope=public("The division of the land into areas is published by the state."),
    order="code",
    public_face=True,
    filters=[
        FilterField(
            name="within",
            kind="text",
            test=lambda t, code: Within(t.id, code),
            names_area=True,
            description="The area with this code, and everything below it (本级及以下).",
        )
    ],
)
class Area:
    """A district, street, community, village, compound or grid cell (区域)."""

    code: str = column(order=True, description="Immutable, unique, readable (区域代码).")
    name: str = column()
    kind: AreaKind = column()
    version: int = column(filter=False)
    parent: Area | None = to_one()
    children: Connection[Area] = connection(_children)
    ancestors: Connection[Area] = connection(_above)
    actors: Connection[Actor] = connection("area_id", description="Actors at home here (本区域主体).")
    memberships: Connection[Membership] = connection("area_id")
    activities: Connection[Activity] = connection("area_id")


@interface(models.Actor, discriminator="kind", public_face=True, scope=lambda t, v: t.gone_at.is_null())
class Actor:
    """Whoever acts: a person, household, organization, enterprise or government body (主体)."""

    kind: ActorKind = column()
    name: str = computed(
        lambda t: case(_sees_names(t), t.name, t.masked_name),
        filter=True,
        description="Full name where the viewer may see it, otherwise masked: 陈*明 (名称).",
    )
    version: int = column(filter=False)
    area: Area | None = to_one(description="Home area (所属区域).")
    memberships: Connection[Membership] = connection("actor_id")
    participations: Connection[Participation] = connection("actor_id")
    organised_activities: Connection[Activity] = connection("organizer_id")


@kind_of(Actor, ActorKind.PERSON)
class Person:
    """A natural person (个人)."""

    phone: str | None = masked(
        _detail("phone"), mask_tail, whole=_is_theirs, part=sees_row,
        description="Whole for themselves, *******1234 for clerks; see coreDisclose (电话).",
    )  # fmt: skip
    id_last_four: str | None = computed(
        _detail("id_last_four"), visible=_is_theirs,
        description="Of the id document that was seen; for themselves, see coreDisclose (证件号后四位).",
    )  # fmt: skip
    id_checked_at: datetime | None = computed(
        _detail("id_checked_at"),
        visible=sees_row,
        description="When a clerk last saw their id document (证件核验时间).",
    )


@kind_of(Actor, ActorKind.HOUSEHOLD)
class Household:
    """People who live together (家庭)."""

    address: str | None = masked(
        lambda t: t.address, mask_address, whole=_is_theirs, part=sees_row,
        description="Whole for who acts for it, without the door for clerks; see coreDisclose (住址).",
    )  # fmt: skip


@kind_of(Actor, ActorKind.ORGANIZATION)
class Organization:
    """A committee, social organization, team or club (组织)."""

    organization_kind: OrganizationKind = column()
    registration: Registration = column(description="Registered, filed or neither (登记备案).")
    registration_authority: str | None = column()
    registration_number: str | None = column()
    credit_code: str | None = column(description="Unified social credit code (统一社会信用代码).")
    registered_until: date | None = column()
    members: Connection[Membership] = connection("organization_id")


@kind_of(Actor, ActorKind.ENTERPRISE)
class Enterprise:
    """A company (企业)."""

    registration: Registration | None = column()
    registration_authority: str | None = column()
    registration_number: str | None = column()
    credit_code: str | None = column(description="Unified social credit code (统一社会信用代码).")
    registered_until: date | None = column()
    members: Connection[Membership] = connection("organization_id")


@kind_of(Actor, ActorKind.GOVERNMENT_BODY)
class GovernmentBody:
    """An office of government (政府部门)."""

    credit_code: str | None = column(description="Unified social credit code (统一社会信用代码).")
    members: Connection[Membership] = connection("organization_id")


def membership_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """Who belongs where is personal: one's own, one's organization's, and what clerks of the area keep."""
    own = v.acts_as(t.actor_id) | v.acts_as(t.organization_id)
    home = select(models.Actor).where(lambda a: (a.id == t.organization_id) & v.may("core.actor.read", a.area_id))
    return own | v.may("core.actor.read", t.area_id) | home.exists()


def _membership_place(t: RowOf) -> Expr:
    return Coalesce(t.area_id, area_of(models.Actor, t.organization_id))


@node(models.Membership, scope=membership_scope, place=_membership_place)
class Membership:
    """An actor belongs to an area or an organization, since a day; residence is one (成员关系)."""

    role: MembershipRole = column()
    state: MembershipState = column()
    since: date = column()
    until: date | None = column()
    version: int = column(filter=False)
    actor: Actor = to_one()
    area: Area | None = to_one()
    organization: Actor | None = to_one()


def _mandate_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.person_id) | v.acts_as(t.organization_id) | v.may("core.mandate.manage", t.area_id)


@node(models.Mandate, scope=_mandate_scope)
class Mandate:
    """A person acts for an organization within an area (授权)."""

    state: MandateState = column()
    since: datetime = column()
    until: datetime | None = column()
    version: int = column(filter=False)
    person: Actor = to_one()
    organization: Actor = to_one()
    area: Area = to_one()


@node(models.Post, scope=public("Who answers for what in an area is for everybody to know."))
class Post:
    """A post whose roles belong to whoever holds it (岗位)."""

    title: str = column()
    version: int = column(filter=False)
    area: Area = to_one()
    holdings: Connection[PostHolding] = connection("post_id")


@node(
    models.PostHolding,
    scope=public("Whoever holds a post acts in public; the name is masked as everywhere."),
    place=lambda t: area_of(models.Post, t.post_id),
)
class PostHolding:
    """Who holds a post, from when to when (任职)."""

    since: datetime = column()
    until: datetime | None = column()
    version: int = column(filter=False)
    post: Post | None = to_one()
    person: Actor = to_one()
    deputies: Connection[Deputy] = connection("holding_id", description="Who stands in for the holder (代理人).")


def _post_of(holding: Expr) -> Expr:
    return select(models.PostHolding).where(lambda h: h.id == holding).first("post_id", order_by="id")


@node(
    models.Deputy,
    scope=public("Who stands in for an official is known like the post; names of people are masked by themselves."),
    place=lambda t: area_of(models.Post, _post_of(t.holding_id)),
)
class Deputy:
    """Who stands in for the holder of a post, with the post's roles, from when to when (代理)."""

    since: datetime = column()
    until: datetime = column(description="It ends by itself, with the holder's term at the latest (代理至).")
    ended_at: datetime | None = column(description="When somebody ended it before (提前结束时间).")
    version: int = column(filter=False)
    holding: PostHolding | None = to_one(description="For whom, and on which post (被代理的任职).")
    person: Actor = to_one(description="Who stands in (代理人).")


def _handover_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.acts_as(t.giver_id) | v.acts_as(t.taker_id) | v.may("core.handover", t.area_id)


@node(models.Handover, scope=_handover_scope, order="-ordered_at")
class Handover:
    """One person's duties in an area and below go to another; its lines are the receipt (移交)."""

    state: HandoverState = column()
    takes_effect_on: date = column(description="The day from whose beginning it holds (生效日期).")
    note: str | None = column(filter=False, description="A note for the receipt (备注).")
    ordered_at: datetime = column(order=True)
    done_at: datetime | None = column()
    version: int = column(filter=False)
    area: Area = to_one()
    giver: Actor = to_one(description="Who hands over (移交人).")
    taker: Actor = to_one(description="Who takes over (接收人).")
    lines: Connection[HandoverLine] = connection("handover_id", description="The receipt, by duty (移交清单).")


def _line_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.Handover).where(lambda h: (h.id == t.handover_id) & _handover_scope(h, v)).exists()


@node(models.HandoverLine, scope=_line_scope, place=lambda t: area_of(models.Handover, t.handover_id))
class HandoverLine:
    """A duty on the receipt of a hand-over: moved, or stayed and why (移交清单项)."""

    subject: strawberry.ID = computed(
        lambda t: GlobalId(t.subject_tag, t.subject_id), filter=True, description="The duty's own row (对象)."
    )
    title: str = column(filter=False, description="What people call it (事项).")
    stays: str | None = column(description="Why it did not move, as a code; null when it did (未移交原因).")
    handover: Handover | None = to_one()
    area: Area = to_one(description="Where the duty lies (事项所在区域).")
    moved_by: Event | None = to_one(description="The event that moved it (移交事件).")


def _grant_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """One's own: by name, by a post one holds; and what administrators of the area give."""

    def holds(h: RowOf) -> Expr:
        return (h.post_id == t.post_id) & v.is_self(h.person_id) & (h.until.is_null() | (h.until > now))

    held = select(models.PostHolding).where(holds).exists()
    return v.acts_as(t.actor_id) | held | v.may("core.role.grant", t.area_id)


@node(models.RoleGrant, scope=_grant_scope)
class RoleGrant:
    """A role given to a person or a post in an area and everything below (角色授予)."""

    role: Role = column()
    since: datetime = column()
    until: datetime | None = column()
    revoked_at: datetime | None = column()
    version: int = column(filter=False)
    actor: Actor | None = to_one()
    post: Post | None = to_one()
    area: Area = to_one()


@node(models.Activity, scope=public("Activities are announced to everybody."), order="-starts_at")
class Activity:
    """Something people do together at a time and place (活动)."""

    title: str = column()
    summary: str | None = column(filter=False)
    place: str | None = column()
    state: ActivityState = column()
    starts_at: datetime = column(order=True)
    ends_at: datetime = column()
    capacity: int | None = column(description="Places in all; null when there is no limit (名额).")
    places_taken: int = column()
    places_left: int | None = computed(lambda t: t.capacity - t.places_taken)
    version: int = column(filter=False)
    area: Area = to_one()
    organizer: Actor = to_one()
    participations: Connection[Participation] = connection("activity_id")


@node(
    models.Participation,
    scope=public("Activities are in public, and so is who takes part; people by masked name."),
    order="joined_at",
    place=lambda t: area_of(models.Activity, t.activity_id),
)
class Participation:
    """One actor's part in one activity (参与)."""

    state: ParticipationState = column()
    joined_at: datetime = column(order=True)
    version: int = column(filter=False)
    activity: Activity | None = to_one()
    actor: Actor = to_one()


@node(models.Link, scope=public("It joins only what everybody sees: coreLink refuses anything else."))
class Link:
    """One thing led to another: from finding fault to acting (关联)."""

    kind: str = column()
    from_id: strawberry.ID = computed(lambda t: GlobalId(t.from_tag, t.from_id), filter=True)
    to_id: strawberry.ID = computed(lambda t: GlobalId(t.to_tag, t.to_id), filter=True)
    created_at: datetime = column()


def _text_of(key: str) -> Callable[[RowOf], Expr]:
    """A text that came with an event, until it is erased."""
    return lambda t: (
        select(models.EventText).where(lambda x: (x.event_id == t.id) & (x.key == key)).first("text", order_by="id")
    )


def _from_above(t: RowOf) -> Expr:
    return select(models.RoleGrant).where(lambda g: (g.id == t.grant_id) & (g.area_id != t.area_id)).exists()


def _machine(t: RowOf) -> Expr:
    label = select(models.Token).where(lambda k: k.id == t.token_id).first("label", order_by="id")
    return Coalesce(label, GlobalId(Literal(models.Token.tag), t.token_id))


_TEXTS = "An event's texts belong to it; they are for whoever sees it."


def _event_scope(t: RowOf, v: ViewerFacts) -> Expr:
    """What one did or had done, what was done to one's account, and what happened where one reads the log, but for what
    people did in confidence."""
    own = v.acts_as(t.actor_id) | v.acts_as(t.behalf_of_id) | v.is_account(t.subject_id)
    return own | (v.may("core.event.read", t.area_id) & ~InConfidence(t.type))


@dataclass(frozen=True, eq=False)
class InConfidence(Expr):
    """The event's type says that who did it is nobody else's to know."""

    is_compound = True
    type: Expr

    def sql(self, scope: SqlScope) -> str:
        return f"{self.type.sql(scope)} LIKE '%_in_confidence'"

    def evaluate(self, env: Env, tables: Tables) -> Any:
        return str(self.type.evaluate(env, tables)).endswith("_in_confidence")


@node(models.Event, scope=_event_scope, order="-seq")
class Event:
    """Who did what, where, when, on what authority and for whom; append-only (事件)."""

    seq: Long = column(order=True, description="Position in the log (序号).")
    type: str = column()
    subject: strawberry.ID = computed(
        lambda t: GlobalId(t.subject_tag, t.subject_id), filter=True, description="What it is about (对象)."
    )
    authority: Authority = column()
    permission: str | None = column()
    behalf_basis: BehalfBasis | None = column()
    behalf_evidence: str | None = computed(
        _text_of("behalfEvidence"),
        discloses=_TEXTS,
        description="What shows that they asked: a paper's number, who was on the phone (代办凭据).",
    )
    reason: str | None = computed(
        _text_of("reason"), discloses=_TEXTS, description="Why, in the words of whoever did it (理由)."
    )
    undone: bool = computed(
        lambda t: select(models.Event).where(lambda e: (e.cause_id == t.id) & (e.type == UNDONE)).exists(),
        discloses="Whoever sees what was done may know that it no longer holds.",
        description="It has been undone since (已撤销).",
    )
    data: JSON = column(filter=False)
    occurred_at: datetime = column()
    recorded_at: datetime = column()
    area: Area | None = to_one()
    actor: Actor | None = to_one(description="The person who did it; null for the server itself (操作人).")
    machine: str | None = computed(
        _machine,
        discloses="Whoever sees what was done may know that a program did it, and which.",
        description="Which program did it with a token of theirs: its label, or the token's id once that is gone (机器令牌).",
    )
    behalf_of: Actor | None = to_one(description="In whose place a clerk did it (被代办人).")
    mandate: Mandate | None = to_one(description="For which organization, by which mandate (所代表组织的授权).")
    deputy: Deputy | None = to_one(description="In whose place, where the role was a post's holder's (代理依据).")
    from_above: bool = computed(
        _from_above,
        discloses="Whoever sees what was done may know whether a role of an area above did it.",
        description="Done by a role given in an area above: the duty had passed up, or was taken up there (由上级办理).",
    )
    transitions: Connection[Transition] = connection("event_id")


def _transition_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return select(models.Event).where(lambda e: (e.id == t.event_id) & _event_scope(e, v)).exists()


@node(models.Transition, scope=_transition_scope, place=lambda t: area_of(models.Event, t.event_id))
class Transition:
    """A row an event touched, and its states before and after (状态变化)."""

    subject: strawberry.ID = computed(lambda t: GlobalId(t.subject_tag, t.subject_id), filter=True)
    from_state: str | None = column()
    to_state: str | None = column()
    event: Event | None = to_one()
