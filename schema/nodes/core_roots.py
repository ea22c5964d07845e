"""The kernel's root fields and mutations. Each mutation calls one rule."""

from __future__ import annotations

from datetime import date, datetime
from importlib.metadata import version
from uuid import UUID

import strawberry

from core.accounts import sign_out as revoke_token
from core.enums import ActorKind, AreaKind, MembershipRole, OrganizationKind, Registration, Role
from core.ids import from_global
from core.rules import activities, actors, areas, links
from core.work import Work
from schema.mutations import ChangeInput, MutationInput, Needs, Result, Subject, mutation
from schema.nodes.composed import Query, every, one, plain
from schema.nodes.core import (
    Activity,
    Actor,
    Area,
    Event,
    Link,
    Mandate,
    Membership,
    Participation,
    Post,
    PostHolding,
    RoleGrant,
)
from schema.nodes.declare import Connection, extend
from schema.nodes.telling import public
from schema.visible import visible_row


@extend(Query)
class CoreQuery:
    viewer: Actor | None = one(where=lambda t, v: v.is_self(t.id), description="Who is signed in (当前用户).")
    area: Area | None = one("code", description="An area by its code (区域).")
    areas: Connection[Area] = every(description="Areas (区域列表).")
    actors: Connection[Actor] = every(description="Actors; personal names masked as the viewer may see (主体列表).")
    memberships: Connection[Membership] = every(description="Memberships the viewer may see (成员关系).")
    mandates: Connection[Mandate] = every(description="Mandates the viewer may see (授权).")
    activities: Connection[Activity] = every(description="Activities, the latest first (活动列表).")
    posts: Connection[Post] = every(description="Posts (岗位).")
    role_grants: Connection[RoleGrant] = every(description="Roles given, as the viewer may see (角色授予).")
    links: Connection[Link] = every(description="What led to what (关联).")
    events: Connection[Event] = every(description="The event log the viewer may see, the latest first (事件日志).")

    @plain(
        why="It is known without asking the database (无需查询数据库).",
        scope=public("The source of every version is public; which one runs says no more."),
        description="The version of this server (版本).",
    )  # type: ignore[untyped-decorator]
    def version(self) -> str:
        return version("gongzhi")


def _maybe(value: str | None, tag: str, *path: str) -> UUID | None:
    return None if value is None else from_global(value, tag, *path)


@strawberry.input
class CoreCreateAreaInput(MutationInput):
    code: str
    name: str
    kind: AreaKind
    parent_id: strawberry.ID


@mutation("core.area.manage", on=Subject(Area, "parent_id"), area=Area)
async def core_create_area(work: Work, input: CoreCreateAreaInput) -> Result:
    """Create an area under another (新建区域)."""
    parent = from_global(input.parent_id, "area", "parentId")
    area = await areas.create_area(work, code=input.code, name=input.name, kind=input.kind, parent_id=parent)
    return {"area": area}


@strawberry.input
class CoreRenameAreaInput(ChangeInput):
    area_id: strawberry.ID
    name: str


@mutation("core.area.manage", on=Subject(Area, "area_id"), area=Area)
async def core_rename_area(work: Work, input: CoreRenameAreaInput) -> Result:
    """Rename an area; its code stays (更名)."""
    return {
        "area": await areas.rename_area(work, area_id=from_global(input.area_id, "area", "areaId"), name=input.name)
    }


@strawberry.input
class CoreMoveAreaInput(ChangeInput):
    area_id: strawberry.ID
    parent_id: strawberry.ID


@mutation("core.area.manage", on=Subject(Area, "area_id"), area=Area)
async def core_move_area(work: Work, input: CoreMoveAreaInput) -> Result:
    """Put an area under another parent; history is not rewritten (调整隶属)."""
    area = await areas.move_area(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        parent_id=from_global(input.parent_id, "area", "parentId"),
    )
    return {"area": area}


@strawberry.input
class CoreRegisterActorInput(MutationInput):
    kind: ActorKind
    name: str
    area_id: strawberry.ID
    organization_kind: OrganizationKind | None = None
    registration: Registration | None = None
    registration_authority: str | None = None
    registration_number: str | None = None
    credit_code: str | None = None
    registered_until: date | None = None
    address: str | None = None


@mutation("core.actor.register", on=Subject(Area, "area_id"), batch=True, actor=Actor)
async def core_register_actor(work: Work, input: CoreRegisterActorInput) -> Result:
    """Register a person, household, organization, enterprise or government body (登记主体)."""
    actor = await actors.register_actor(
        work,
        kind=input.kind,
        name=input.name,
        area_id=from_global(input.area_id, "area", "areaId"),
        organization_kind=input.organization_kind,
        registration=input.registration,
        registration_authority=input.registration_authority,
        registration_number=input.registration_number,
        credit_code=input.credit_code,
        registered_until=input.registered_until,
        address=input.address,
    )
    return {"actor": actor}


@strawberry.input
class CoreAddMembershipInput(MutationInput):
    actor_id: strawberry.ID
    area_id: strawberry.ID | None = None
    organization_id: strawberry.ID | None = None
    role: MembershipRole
    since: date


@mutation(
    "core.membership.manage",
    on=[Subject(Area, "area_id"), Subject(Actor, "organization_id")],
    batch=True,
    membership=Membership,
)
async def core_add_membership(work: Work, input: CoreAddMembershipInput) -> Result:
    """Record that an actor belongs to an area or organization (登记成员关系)."""
    membership = await actors.add_membership(
        work,
        actor_id=from_global(input.actor_id, "actor", "actorId"),
        area_id=_maybe(input.area_id, "area", "areaId"),
        organization_id=_maybe(input.organization_id, "actor", "organizationId"),
        role=input.role,
        since=input.since,
    )
    return {"membership": membership}


@strawberry.input
class CoreEndMembershipInput(ChangeInput):
    membership_id: strawberry.ID
    until: date


@mutation("core.membership.manage", on=Subject(Membership, "membership_id"), membership=Membership)
async def core_end_membership(work: Work, input: CoreEndMembershipInput) -> Result:
    """End a membership (结束成员关系)."""
    id = from_global(input.membership_id, "membership", "membershipId")
    return {"membership": await actors.end_membership(work, membership_id=id, until=input.until)}


@strawberry.input
class CoreGiveMandateInput(MutationInput):
    person_id: strawberry.ID
    organization_id: strawberry.ID
    area_id: strawberry.ID
    until: datetime | None = None


@mutation("core.mandate.manage", on=Subject(Actor, "organization_id"), mandate=Mandate)
async def core_give_mandate(work: Work, input: CoreGiveMandateInput) -> Result:
    """Let a person act for an organization inside an area (授权)."""
    mandate = await actors.give_mandate(
        work,
        person_id=from_global(input.person_id, "actor", "personId"),
        organization_id=from_global(input.organization_id, "actor", "organizationId"),
        area_id=from_global(input.area_id, "area", "areaId"),
        until=input.until,
    )
    return {"mandate": mandate}


@strawberry.input
class CoreRevokeMandateInput(ChangeInput):
    mandate_id: strawberry.ID
    reason: str


@mutation("core.mandate.manage", on=Subject(Mandate, "mandate_id", lambda t: [t.organization_id]), mandate=Mandate)
async def core_revoke_mandate(work: Work, input: CoreRevokeMandateInput) -> Result:
    """Take a mandate back, with a reason (撤销授权)."""
    id = from_global(input.mandate_id, "mandate", "mandateId")
    return {"mandate": await actors.revoke_mandate(work, mandate_id=id, reason=input.reason)}


@strawberry.input
class CoreCreatePostInput(MutationInput):
    area_id: strawberry.ID
    title: str


@mutation("core.role.grant", on=Subject(Area, "area_id"), post=Post)
async def core_create_post(work: Work, input: CoreCreatePostInput) -> Result:
    """Create a post in an area (设岗)."""
    return {
        "post": await actors.create_post(work, area_id=from_global(input.area_id, "area", "areaId"), title=input.title)
    }


@strawberry.input
class CoreAssignPostInput(MutationInput):
    post_id: strawberry.ID
    person_id: strawberry.ID
    until: datetime | None = strawberry.field(default=None, description="The end of the term, if known (任期至).")


@mutation("core.role.grant", on=Subject(Post, "post_id"), post_holding=PostHolding)
async def core_assign_post(work: Work, input: CoreAssignPostInput) -> Result:
    """Put a person on a post (任职)."""
    holding = await actors.assign_post(
        work,
        post_id=from_global(input.post_id, "post", "postId"),
        person_id=from_global(input.person_id, "actor", "personId"),
        until=input.until,
    )
    return {"post_holding": holding}


@strawberry.input
class CoreLeavePostInput(ChangeInput):
    post_holding_id: strawberry.ID


@mutation("core.role.grant", on=Subject(PostHolding, "post_holding_id"), post_holding=PostHolding)
async def core_leave_post(work: Work, input: CoreLeavePostInput) -> Result:
    """Take a person off a post (离任)."""
    id = from_global(input.post_holding_id, "postholding", "postHoldingId")
    return {"post_holding": await actors.leave_post(work, holding_id=id)}


@strawberry.input
class CoreGrantRoleInput(MutationInput):
    role: Role
    area_id: strawberry.ID
    actor_id: strawberry.ID | None = None
    post_id: strawberry.ID | None = None


@mutation("core.role.grant", on=Subject(Area, "area_id"), role_grant=RoleGrant)
async def core_grant_role(work: Work, input: CoreGrantRoleInput) -> Result:
    """Give a role to a person or a post, in an area and below (授予角色)."""
    grant = await actors.grant_role(
        work,
        role=input.role,
        area_id=from_global(input.area_id, "area", "areaId"),
        actor_id=_maybe(input.actor_id, "actor", "actorId"),
        post_id=_maybe(input.post_id, "post", "postId"),
    )
    return {"role_grant": grant}


@strawberry.input
class CoreRevokeRoleInput(ChangeInput):
    role_grant_id: strawberry.ID
    reason: str


@mutation("core.role.grant", on=Subject(RoleGrant, "role_grant_id"), role_grant=RoleGrant)
async def core_revoke_role(work: Work, input: CoreRevokeRoleInput) -> Result:
    """Take a role back, with a reason (收回角色)."""
    id = from_global(input.role_grant_id, "rolegrant", "roleGrantId")
    return {"role_grant": await actors.revoke_role(work, grant_id=id, reason=input.reason)}


@strawberry.input
class CoreOrganiseActivityInput(MutationInput):
    area_id: strawberry.ID
    title: str
    starts_at: datetime
    ends_at: datetime
    capacity: int | None = None
    summary: str | None = None
    place: str | None = None


@mutation("core.activity.organise", on=Subject(Area, "area_id"), activity=Activity)
async def core_organise_activity(work: Work, input: CoreOrganiseActivityInput) -> Result:
    """Plan an activity (发起活动)."""
    activity = await activities.organise(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        title=input.title,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        summary=input.summary,
        place=input.place,
    )
    return {"activity": activity}


@strawberry.input
class CoreActivityInput(ChangeInput):
    activity_id: strawberry.ID


@strawberry.input
class CoreCancelActivityInput(CoreActivityInput):
    reason: str


@strawberry.input
class CoreAttendActivityInput(CoreActivityInput):
    actor_id: strawberry.ID


RUN = Subject(Activity, "activity_id", lambda t: [t.organizer_id])


def _activity(input: CoreActivityInput) -> UUID:
    return from_global(input.activity_id, "activity", "activityId")


@mutation("core.activity.manage", on=RUN, activity=Activity)
async def core_open_activity(work: Work, input: CoreActivityInput) -> Result:
    """Let people join (开放报名)."""
    return {"activity": await activities.open_activity(work, activity_id=_activity(input))}


@mutation("core.activity.join", on=Subject(Activity, "activity_id"), participation=Participation)
async def core_join_activity(work: Work, input: CoreActivityInput) -> Result:
    """Take a place (报名)."""
    return {"participation": await activities.join(work, activity_id=_activity(input))}


@mutation("core.activity.join", on=Subject(Activity, "activity_id"), participation=Participation)
async def core_leave_activity(work: Work, input: CoreActivityInput) -> Result:
    """Give the place back (退出)."""
    return {"participation": await activities.leave(work, activity_id=_activity(input))}


@mutation("core.activity.manage", on=RUN, batch=True, participation=Participation)
async def core_attend_activity(work: Work, input: CoreAttendActivityInput) -> Result:
    """Note that somebody came (签到)."""
    actor = from_global(input.actor_id, "actor", "actorId")
    return {"participation": await activities.attend(work, activity_id=_activity(input), actor_id=actor)}


@mutation("core.activity.manage", on=RUN, activity=Activity)
async def core_finish_activity(work: Work, input: CoreActivityInput) -> Result:
    """The activity took place (结束活动)."""
    return {"activity": await activities.finish(work, activity_id=_activity(input))}


@mutation("core.activity.manage", on=RUN, activity=Activity)
async def core_cancel_activity(work: Work, input: CoreCancelActivityInput) -> Result:
    """Call an activity off (取消活动)."""
    return {"activity": await activities.cancel(work, activity_id=_activity(input), reason=input.reason)}


@strawberry.input
class CoreLinkInput(MutationInput):
    from_id: strawberry.ID
    to_id: strawberry.ID


@mutation("core.link", link=Link)
async def core_link(work: Work, input: CoreLinkInput) -> Result:
    """Say that one thing led to another: from finding fault to acting (建立关联, M06)."""
    from_model, from_id = await visible_row(work, input.from_id, "fromId")
    to_model, to_id = await visible_row(work, input.to_id, "toId")
    made = await links.link(work, from_model=from_model, from_id=from_id, to_model=to_model, to_id=to_id)
    return {"link": made}


@strawberry.input
class CoreSignOutInput(MutationInput):
    everywhere: bool = strawberry.field(
        default=False, description="End every session and machine's token of the account (全部退出)."
    )


@mutation(Needs.OWN_MATTER)
async def core_sign_out(work: Work, input: CoreSignOutInput) -> Result:
    """End this session; its token stops working (退出登录)."""
    await revoke_token(work, everywhere=input.everywhere)
    return {}
