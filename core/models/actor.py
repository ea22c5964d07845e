"""Actors (主体) and how they belong, act for each other and hold posts."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields

from core.database.guards import NOT_OVER, Guard, check, index, names_nobody_gone, refuse, same, unique
from core.enums import ActorKind, MandateState, MembershipRole, MembershipState, OrganizationKind, Registration
from core.models.area import Area
from core.models.base import Logged, references
from core.personal import Text, impersonal, personal

GONE_NAME = "已注销"


class Actor(Logged):
    """A person, household, organization, enterprise or government body; `kind` says which and never changes.

    One that proves to be another is `merged_into` that one; one that was registered by mistake is gone without a trace
    elsewhere. A person who asked for it is erased: nothing personal is left in the row. All of them stay as rows, because
    events name them.
    """

    tag: ClassVar[str] = "actor"
    called: ClassVar[tuple[str, str]] = ("Name and home area", "基本信息")
    searchable: ClassVar[str | None] = "name"

    kind = fields.CharEnumField(ActorKind, description=ActorKind.__name__, max_length=40)
    name = fields.CharField(max_length=200)
    masked_name = fields.CharField(max_length=200)
    sort_name = fields.CharField(max_length=400)
    area: fields.ForeignKeyNullableRelation[Area] = references("core.Area", null=True)
    area_id: UUID | None
    organization_kind = fields.CharEnumField(
        OrganizationKind, description=OrganizationKind.__name__, max_length=40, null=True
    )
    registration = fields.CharEnumField(Registration, description=Registration.__name__, max_length=40, null=True)
    registration_authority = fields.CharField(max_length=200, null=True)
    registration_number = fields.CharField(max_length=64, null=True)
    credit_code = fields.CharField(max_length=18, null=True)
    registered_until = fields.DateField(null=True)
    address = fields.CharField(max_length=200, null=True)
    gone_at = fields.DatetimeField(null=True)
    erased_at = fields.DatetimeField(null=True)
    merged_into: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    merged_into_id: UUID | None

    about: ClassVar[tuple[str, ...]] = ("t.id IN ({ids})",)
    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("registration_authority", "registration_number", "credit_code"),
        personal("name", of="id", erased=GONE_NAME),
        personal("masked_name", of="id", erased=GONE_NAME),
        personal("sort_name", of="id", erased="~"),
        personal("address", of="id"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        check("name_not_empty", "length(NEW.name) > 0"),
        check(
            "organization_kind_only_for_organizations",
            "(NEW.kind = 'ORGANIZATION') = (NEW.organization_kind IS NOT NULL)",
        ),
        refuse("kind_immutable", "UPDATE", "NEW.kind <> OLD.kind", "ACTOR_KIND_IMMUTABLE"),
        unique("credit_code", where="credit_code IS NOT NULL", code="CREDIT_CODE_TAKEN"),
        index("area_id", "kind"),
        index("kind"),
        index("merged_into_id"),
        check("merged_is_gone", "NEW.merged_into_id IS NULL OR NEW.gone_at IS NOT NULL"),
        check("erased_is_gone", "NEW.erased_at IS NULL OR NEW.gone_at IS NOT NULL"),
        check(
            "nothing_left",
            f"NEW.erased_at IS NULL OR (NEW.name = '{GONE_NAME}' AND NEW.masked_name = NEW.name"
            " AND NEW.sort_name = '~' AND NEW.address IS NULL AND NEW.kind IN ('PERSON', 'HOUSEHOLD'))",
            "ACTOR_GONE",
        ),
        refuse("erased_for_good", "UPDATE", "OLD.erased_at IS NOT NULL AND NEW.erased_at IS NULL", "ACTOR_GONE"),
        refuse("gone_for_good", "UPDATE", "OLD.gone_at IS NOT NULL AND NEW.gone_at IS NULL", "ACTOR_GONE"),
        refuse(
            "merged_into_one_who_stays",
            "UPDATE",
            f"NOT {same('NEW.merged_into_id', 'OLD.merged_into_id')} AND (NEW.merged_into_id = NEW.id OR EXISTS"
            " (SELECT 1 FROM core_actor k WHERE k.id = NEW.merged_into_id AND k.gone_at IS NOT NULL))",
            "ACTOR_GONE",
        ),
    )

    class Meta:
        table = "core_actor"


class Membership(Logged):
    """An actor belongs to an area or to an organization, in a role, since a day (residence is one)."""

    tag: ClassVar[str] = "membership"
    called: ClassVar[tuple[str, str]] = ("Memberships", "成员关系")

    actor: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    actor_id: UUID
    area: fields.ForeignKeyNullableRelation[Area] = references("core.Area", null=True)
    area_id: UUID | None
    organization: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    organization_id: UUID | None
    role = fields.CharEnumField(MembershipRole, description=MembershipRole.__name__, max_length=40)
    state = fields.CharEnumField(MembershipState, description=MembershipState.__name__, max_length=40)
    since = fields.DateField()
    until = fields.DateField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("one_whole", "(NEW.area_id IS NULL) <> (NEW.organization_id IS NULL)"),
        check("until_after_since", "NEW.until IS NULL OR NEW.until >= NEW.since"),
        unique("actor_id", "area_id", "role", where="state = 'ACTIVE'", code="ALREADY_MEMBER"),
        unique("actor_id", "organization_id", "role", where="state = 'ACTIVE'", code="ALREADY_MEMBER"),
        names_nobody_gone("actor_id", "organization_id", running="NEW.state = 'ACTIVE'"),
        index("area_id", "role"),
        index("actor_id"),
        index("organization_id"),
    )

    class Meta:
        table = "core_membership"


class Mandate(Logged):
    """A person acts for an organization, enterprise or body inside an area's subtree (授权; never a shared login)."""

    tag: ClassVar[str] = "mandate"
    called: ClassVar[tuple[str, str]] = ("Mandates", "授权")

    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    organization: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    organization_id: UUID
    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    state = fields.CharEnumField(MandateState, description=MandateState.__name__, max_length=40)
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("not_for_oneself", "NEW.person_id <> NEW.organization_id"),
        check("until_after_since", "NEW.until IS NULL OR NEW.until > NEW.since"),
        unique("person_id", "organization_id", "area_id", where="state = 'ACTIVE'", code="ALREADY_MANDATED"),
        names_nobody_gone("person_id", "organization_id", running=f"NEW.state = 'ACTIVE' AND {NOT_OVER}"),
        index("organization_id", "person_id"),
        index("person_id"),
    )

    class Meta:
        table = "core_mandate"


class Post(Logged):
    """A post (岗位) in an area: duties and roles belong to it, people hold it, so a hand-over moves them."""

    tag: ClassVar[str] = "post"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    title = fields.CharField(max_length=200)

    texts: ClassVar[tuple[Text, ...]] = impersonal("title")

    guards: ClassVar[tuple[Guard, ...]] = (check("title_not_empty", "length(NEW.title) > 0"),)

    class Meta:
        table = "core_post"


class PostHolding(Logged):
    """A person holds a post from `since` until `until`, which may be known beforehand (a term)."""

    tag: ClassVar[str] = "postholding"
    called: ClassVar[tuple[str, str]] = ("Posts held", "任职")

    post: fields.ForeignKeyRelation[Post] = references("core.Post")
    post_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("post_id", "person_id", where="until IS NULL", code="ALREADY_HOLDS_POST"),
        refuse(
            "once_at_a_time",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_post_holding h WHERE h.post_id = NEW.post_id AND h.person_id = NEW.person_id"
            " AND (h.until IS NULL OR h.until > NEW.since))",
            "ALREADY_HOLDS_POST",
        ),
        check("until_after_since", "NEW.until IS NULL OR NEW.until >= NEW.since"),
        names_nobody_gone("person_id", running=NOT_OVER),
        index("person_id"),
        index("post_id"),
    )

    class Meta:
        table = "core_post_holding"


class Deputy(Logged):
    """A person stands in for whoever holds a post (代理), with the post's roles, until a moment that is known beforehand.

    It ends with the holding, also where `until` is later, when somebody ends it, or by itself.
    """

    tag: ClassVar[str] = "deputy"
    called: ClassVar[tuple[str, str]] = ("Deputyships", "代理")

    holding: fields.ForeignKeyRelation[PostHolding] = references("core.PostHolding")
    holding_id: UUID
    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    since = fields.DatetimeField()
    until = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("until_after_since", "NEW.until > NEW.since"),
        refuse(
            "not_for_oneself",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_post_holding h WHERE h.id = NEW.holding_id AND h.person_id = NEW.person_id)",
            "DEPUTY_OF_ONESELF",
        ),
        refuse(
            "once_at_a_time",
            "INSERT",
            "EXISTS (SELECT 1 FROM core_deputy d WHERE d.holding_id = NEW.holding_id AND d.person_id = NEW.person_id"
            " AND d.ended_at IS NULL AND d.since < NEW.until AND d.until > NEW.since)",
            "ALREADY_DEPUTY",
        ),
        refuse(
            "only_ends",
            "UPDATE",
            "NEW.holding_id <> OLD.holding_id OR NEW.since <> OLD.since OR NEW.until <> OLD.until",
            "APPEND_ONLY",
        ),
        names_nobody_gone("person_id", running=f"NEW.ended_at IS NULL AND {NOT_OVER}"),
        index("person_id"),
        index("holding_id"),
    )

    class Meta:
        table = "core_deputy"
