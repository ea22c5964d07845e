"""Permissions as declared, roles that carry them, and who was given which role where."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database.guards import NOT_OVER, Guard, check, index, names_nobody_gone, unique
from core.enums import Role
from core.models.actor import Actor, Post
from core.models.area import Area
from core.models.base import Entity, Logged, references
from core.personal import Text, impersonal


class Permission(Model):
    """A permission of core or a plugin; an open one belongs to everyone signed in. Synchronised at start."""

    key = fields.CharField(primary_key=True, max_length=100)
    owner = fields.CharField(max_length=40)
    is_open = fields.BooleanField()

    tag: ClassVar[str] = "permission"
    texts: ClassVar[tuple[Text, ...]] = impersonal("key", "owner")

    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        table = "core_permission"


class RolePermission(Entity):
    """`role` carries `permission`."""

    tag: ClassVar[str] = "rolepermission"

    role = fields.CharEnumField(Role, description=Role.__name__, max_length=40)
    permission: fields.ForeignKeyRelation[Permission] = references("core.Permission")
    permission_id: UUID

    guards: ClassVar[tuple[Guard, ...]] = (unique("role", "permission_id", code="INTERNAL"),)

    class Meta:
        table = "core_role_permission"


class RoleGrant(Logged):
    """A person or the holders of a post have a role in an area and everything below it (INV13)."""

    tag: ClassVar[str] = "rolegrant"
    called: ClassVar[tuple[str, str]] = ("Roles given by name", "授予的角色")

    actor: fields.ForeignKeyNullableRelation[Actor] = references("core.Actor", null=True)
    actor_id: UUID | None
    post: fields.ForeignKeyNullableRelation[Post] = references("core.Post", null=True)
    post_id: UUID | None
    role = fields.CharEnumField(Role, description=Role.__name__, max_length=40)
    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    since = fields.DatetimeField()
    until = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    guards: ClassVar[tuple[Guard, ...]] = (
        check("one_holder", "(NEW.actor_id IS NULL) <> (NEW.post_id IS NULL)"),
        unique("actor_id", "role", "area_id", where="revoked_at IS NULL", code="ALREADY_GRANTED"),
        unique("post_id", "role", "area_id", where="revoked_at IS NULL", code="ALREADY_GRANTED"),
        names_nobody_gone("actor_id", running=f"NEW.revoked_at IS NULL AND {NOT_OVER}"),
        index("area_id", "role"),
    )

    class Meta:
        table = "core_role_grant"
