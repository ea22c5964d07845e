"""Actors, memberships, mandates, posts and roles: who is who, who belongs where, who may act for whom."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

from core.access import Ground, PermissionBook, PermissionRule, Viewer
from core.decisions import carries
from core.enums import ActorKind, MandateState, MembershipRole, MembershipState, OrganizationKind, Registration, Role
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, Deputy, Mandate, Membership, Post, PostHolding, RoleGrant
from core.rules.inputs import clean_credit_code, clean_name, clean_text, mask_name, optional_text, sort_name
from core.work import Work

T = TypeVar("T", PostHolding, Deputy)


def new_actor(
    *,
    kind: ActorKind,
    name: str,
    area_id: UUID,
    organization_kind: OrganizationKind | None = None,
    registration: Registration | None = None,
    registration_authority: str | None = None,
    registration_number: str | None = None,
    credit_code: str | None = None,
    registered_until: date | None = None,
    address: str | None = None,
) -> Actor:
    """An actor as it may be stored. An organization has a kind and a registration; a household an address.

    Refuses FIELD_NOT_FOR_KIND, ORGANIZATION_KIND_NEEDED, REGISTRATION_NUMBER_NEEDED, BAD_CREDIT_CODE.
    """
    if kind is ActorKind.ORGANIZATION:
        if organization_kind is None:
            raise Refusal("ORGANIZATION_KIND_NEEDED", path=("organizationKind",))
        registration = registration or Registration.NONE
    elif organization_kind is not None:
        raise Refusal("FIELD_NOT_FOR_KIND", path=("organizationKind",), kind=kind)
    if kind in (ActorKind.PERSON, ActorKind.HOUSEHOLD):
        given = {
            "registration": registration,
            "registrationAuthority": registration_authority,
            "registrationNumber": registration_number,
            "creditCode": credit_code,
            "registeredUntil": registered_until,
        }
        for field, value in given.items():
            if value is not None:
                raise Refusal("FIELD_NOT_FOR_KIND", path=(field,), kind=kind)
    if address is not None and kind is not ActorKind.HOUSEHOLD:
        raise Refusal("FIELD_NOT_FOR_KIND", path=("address",), kind=kind)
    number = optional_text(registration_number, "registrationNumber", limit=64)
    if registration is Registration.REGISTERED and number is None:
        raise Refusal("REGISTRATION_NUMBER_NEEDED", path=("registrationNumber",))
    clean = clean_name(name, "name")
    return Actor(
        id=new_id(),
        kind=kind,
        name=clean,
        masked_name=mask_name(clean) if kind in (ActorKind.PERSON, ActorKind.HOUSEHOLD) else clean,
        sort_name=sort_name(clean),
        area_id=area_id,
        organization_kind=organization_kind,
        registration=registration,
        registration_authority=optional_text(registration_authority, "registrationAuthority", limit=200),
        registration_number=number,
        credit_code=clean_credit_code(credit_code, "creditCode"),
        registered_until=registered_until,
        address=optional_text(address, "address", limit=200),
    )


async def register_actor(work: Work, *, area_id: UUID, **facts: Any) -> Actor:
    """A new actor at home in an area, of these facts (`new_actor`); refuses what it refuses, and CREDIT_CODE_TAKEN."""
    area = await work.get(Area, area_id)
    work.require("core.actor.register", area)
    actor = new_actor(area_id=area_id, **facts)
    work.add(actor)
    work.record("core.actor.registered", actor, area_id=area_id, data={"kind": str(actor.kind)})
    return actor


async def add_membership(
    work: Work,
    *,
    actor_id: UUID,
    area_id: UUID | None = None,
    organization_id: UUID | None = None,
    role: MembershipRole,
    since: date,
) -> Membership:
    """`actor` belongs to an area (residence is one) or to an organization; refuses ALREADY_MEMBER, IN_THE_FUTURE."""
    if (area_id is None) == (organization_id is None):
        raise Refusal("ONE_OF_NEEDED", path=("areaId",), fields="areaId, organizationId")
    if since > work.clock.today():
        raise Refusal("IN_THE_FUTURE", path=("since",))
    actor = await work.lock(Actor, actor_id)  # so that one belongs to one place or the other
    where: Area | Actor
    if area_id is not None:
        where = await work.get(Area, area_id)
        place = area_id
    else:
        assert organization_id is not None
        where = await work.get(Actor, organization_id)
        organization_id = where.id
        if organization_id == actor.id:
            raise Refusal("NOT_TO_ITSELF", path=("organizationId",))
        if where.kind is ActorKind.PERSON:
            raise Refusal("NOT_AN_ORGANIZATION", path=("organizationId",))
        place = _home(where)
    # No owner: who belongs to whom decides who may inspect and judge whom (INV10), so a clerk records it.
    work.require("core.membership.manage", where)
    membership = Membership(
        id=new_id(),
        actor_id=actor.id,
        area_id=area_id,
        organization_id=organization_id,
        role=role,
        state=MembershipState.ACTIVE,
        since=since,
    )
    work.add(membership)
    work.record("core.membership.added", membership, area_id=place, data={"role": str(role)})
    return membership


async def end_membership(work: Work, *, membership_id: UUID, until: date) -> Membership:
    membership = await work.lock(Membership, membership_id)
    where = await whole_of(work, membership)
    work.require("core.membership.manage", where)
    work.expect_version(membership)
    if membership.state is not MembershipState.ACTIVE:
        raise Refusal("ALREADY_ENDED")
    if until < membership.since:
        raise Refusal("ENDS_BEFORE_START", path=("until",))
    work.change(membership, state=MembershipState.ENDED, until=until)
    work.record("core.membership.ended", membership, area_id=membership.area_id or _home(where))
    return membership


async def whole_of(work: Work, membership: Membership) -> Area | Actor:
    """What a member belongs to."""
    if membership.area_id is not None:
        return await work.get(Area, membership.area_id)
    assert membership.organization_id is not None
    return await work.get(Actor, membership.organization_id)


def _home(actor: Area | Actor) -> UUID:
    area_id = actor.id if isinstance(actor, Area) else actor.area_id
    if area_id is None:
        raise Refusal("ACTOR_HAS_NO_AREA")
    return area_id


async def give_mandate(
    work: Work,
    *,
    person_id: UUID,
    organization_id: UUID,
    area_id: UUID,
    until: datetime | None = None,
) -> Mandate:
    """`person` may act for `organization` in an area and everything below.

    Whoever gives it needs the permission there and where the organization is at home, and gives none to themselves;
    refuses NOT_A_PERSON, NOT_AN_ORGANIZATION, ALREADY_MANDATED, OWN_MATTER.
    """
    area = await work.get(Area, area_id)
    person = await work.get(Actor, person_id)
    organization = await work.get(Actor, organization_id)
    work.require("core.mandate.manage", organization)
    work.require("core.mandate.manage", area)
    if person.id == work.viewer.person_id:
        raise Refusal("OWN_MATTER", path=("personId",))
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    if organization.kind is ActorKind.PERSON:
        raise Refusal("NOT_AN_ORGANIZATION", path=("organizationId",))
    if until is not None and until <= work.now:
        raise Refusal("IN_THE_PAST", path=("until",))
    mandate = Mandate(
        id=new_id(),
        person_id=person.id,
        organization_id=organization.id,
        area_id=area_id,
        state=MandateState.ACTIVE,
        since=work.now,
        until=until,
    )
    work.add(mandate)
    work.record("core.mandate.given", mandate, area_id=area_id)
    return mandate


async def revoke_mandate(work: Work, *, mandate_id: UUID, reason: str) -> Mandate:
    mandate = await work.lock(Mandate, mandate_id)
    work.require("core.mandate.manage", mandate, owner=mandate.organization_id)
    work.expect_version(mandate)
    if mandate.state is not MandateState.ACTIVE:
        raise Refusal("ALREADY_ENDED")
    text = clean_text(reason, "reason", limit=2000)
    work.change(mandate, state=MandateState.REVOKED)
    work.record("core.mandate.revoked", mandate, area_id=mandate.area_id, text={"reason": text})
    return mandate


async def create_post(work: Work, *, area_id: UUID, title: str) -> Post:
    """A post in an area; roles given to it are held by whoever holds the post."""
    area = await work.get(Area, area_id)
    work.require("core.role.grant", area)
    post = Post(id=new_id(), area_id=area_id, title=clean_name(title, "title"))
    work.add(post)
    work.record("core.post.created", post, area_id=area_id)
    return post


async def assign_post(work: Work, *, post_id: UUID, person_id: UUID, until: datetime | None = None) -> PostHolding:
    """`person` holds the post from now on, for a term if told, with the roles given to it; refuses ALREADY_HOLDS_POST,
    NOT_A_PERSON, ROLE_ABOVE_OWN, IN_THE_PAST, OWN_MATTER (nobody puts themselves on a post)."""
    post = await work.lock(Post, post_id)
    await may_give_what_the_post_has(work, post)
    person = await work.get(Actor, person_id)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    if person.id == work.viewer.person_id:
        raise Refusal("OWN_MATTER", path=("personId",))
    if until is not None and until <= work.now:
        raise Refusal("IN_THE_PAST", path=("until",))
    holding = PostHolding(id=new_id(), post_id=post_id, person_id=person.id, since=work.now, until=until)
    work.add(holding)
    work.record("core.post.assigned", holding, area_id=post.area_id)
    return holding


async def leave_post(work: Work, *, holding_id: UUID) -> PostHolding:
    holding = await work.lock(PostHolding, holding_id)
    post = await work.get(Post, holding.post_id)
    await may_give_what_the_post_has(work, post)
    work.expect_version(holding)
    if work.is_over(holding.until):
        raise Refusal("ALREADY_ENDED")
    end_holding(work, holding, post)
    return holding


def end_holding(work: Work, holding: PostHolding, post: Post, data: dict[str, Any] | None = None) -> None:
    """Somebody no longer holds a post, with immediate effect."""
    term = holding.until.isoformat() if holding.until else None
    work.change(holding, until=work.now)
    work.record("core.post.left", holding, area_id=post.area_id, data={"until": term, **(data or {})})


async def in_force(work: Work, model: type[T], **equals: Any) -> list[T]:
    """Holdings or deputyships (`model` has `until`) that are not over."""
    return [row for row in await work.select(model, **equals) if not work.is_over(row.until)]


async def may_give_what_the_post_has(work: Work, post: Post) -> None:
    """Who puts a person on a post, or takes them off, needs to be able to give each role the post carries."""
    for grant in await work.select(RoleGrant, post_id=post.id, revoked_at=None):
        not_above_own(work, grant.role, work.require("core.role.grant", grant))
    work.require("core.role.grant", post)


def not_above_own(work: Work, role: Role, ground: Ground) -> None:
    """Nobody gives or takes a role that may do what they may not do there themselves; refuses ROLE_ABOVE_OWN (INV13).

    An administrator has every role. Only another makes or unmakes one.
    """
    if not work.system and not is_within_own(work.book, work.viewer, role, ground.area_ids):
        raise Refusal("ROLE_ABOVE_OWN", path=("role",))


def is_within_own(book: PermissionBook, viewer: Viewer, role: Role, chain: Collection[UUID]) -> bool:
    """May this role do nothing that the viewer's own may not, where these areas are at and above?"""
    own = {g.role for g in viewer.grants if g.area_id in chain}
    if Role.ADMIN in own:
        return True
    rules = [rule for rule in book.rules.values() if carries(rule, role, viewer, chain)]
    return role is not Role.ADMIN and all(_is_theirs(rule, role, own, viewer, chain) for rule in rules)


def _is_theirs(rule: PermissionRule, role: Role, own: set[Role], viewer: Viewer, chain: Collection[UUID]) -> bool:
    """Does a role of their own carry it too, and is cut nowhere where the other is not?"""
    cut = viewer.cuts.get(rule.key, {})
    return any(carries(rule, mine, viewer, chain) and set(cut.get(mine, ())) <= set(cut.get(role, ())) for mine in own)


async def grant_role(
    work: Work, *, role: Role, area_id: UUID, actor_id: UUID | None = None, post_id: UUID | None = None
) -> RoleGrant:
    """Give a role to a person or a post, in an area and everything below.

    Nobody gives a role to themselves, to a post they hold, or above their own (`not_above_own`); refuses OWN_MATTER,
    ROLE_ABOVE_OWN, ALREADY_GRANTED.
    """
    if (actor_id is None) == (post_id is None):
        raise Refusal("ONE_OF_NEEDED", path=("actorId",), fields="actorId, postId")
    area = await work.get(Area, area_id)
    ground = work.require("core.role.grant", area)
    not_above_own(work, role, ground)
    if actor_id is not None:
        actor = await work.get(Actor, actor_id)
        if actor.kind is not ActorKind.PERSON:
            raise Refusal("NOT_A_PERSON", path=("actorId",))
        actor_id = actor.id
        if actor_id == work.viewer.person_id:
            raise Refusal("OWN_MATTER", path=("actorId",))
    elif post_id is not None:
        post = await work.get(Post, post_id)
        if post.area_id not in work.place(area).chain:
            raise Refusal("OUTSIDE_POST", path=("areaId",))
        held = await in_force(work, PostHolding, post_id=post_id)
        stand_in = await in_force(work, Deputy, holding_id=[holding.id for holding in held], ended_at=None)
        if work.viewer.person_id in {*(h.person_id for h in held), *(d.person_id for d in stand_in)}:
            raise Refusal("OWN_MATTER", path=("postId",))
    grant = RoleGrant(id=new_id(), role=role, area_id=area_id, actor_id=actor_id, post_id=post_id, since=work.now)
    work.add(grant)
    work.record("core.role.granted", grant, area_id=area_id, data={"role": str(role)})
    return grant


async def revoke_role(work: Work, *, grant_id: UUID, reason: str) -> RoleGrant:
    grant = await work.lock(RoleGrant, grant_id)
    not_above_own(work, grant.role, work.require("core.role.grant", grant))
    work.expect_version(grant)
    if grant.revoked_at is not None:
        raise Refusal("ALREADY_ENDED")
    text = clean_text(reason, "reason", limit=2000)
    work.change(grant, revoked_at=work.now)
    work.record("core.role.revoked", grant, area_id=grant.area_id, text={"reason": text})
    return grant
