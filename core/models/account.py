"""Accounts and what opens them. A password is argon2; tokens and tickets are kept only as hashes."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database.guards import Guard, check, index, refuse, same, unique
from core.enums import AccountState, TicketKind
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Entity, Logged, references
from core.personal import BY_ID, Text, impersonal, personal

OF_AN_ACCOUNT = "t.account_id IN (SELECT a.id FROM core_account a WHERE a.person_id IN ({ids}))"


class Account(Logged):
    """A person's way in; `login` is compared in lower case. Until an invitation is accepted there is none, and whoever
    comes by a provider alone has no password."""

    tag: ClassVar[str] = "account"
    called: ClassVar[tuple[str, str]] = ("Account", "账户")

    person: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    person_id: UUID
    login = fields.CharField(max_length=100, null=True)
    password_hash = fields.CharField(max_length=200, null=True)
    state = fields.CharEnumField(AccountState, description=AccountState.__name__, max_length=40)
    demo = fields.BooleanField(default=False)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("login", of="person_id", erased=BY_ID),
        personal("password_hash", of="person_id", erased="-", secret=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("login", where="login IS NOT NULL", code="LOGIN_TAKEN"),
        unique("person_id", code="ACCOUNT_EXISTS"),
        check("login_lower", "NEW.login IS NULL OR NEW.login = lower(NEW.login)"),
        check("login_and_password", "(NEW.login IS NULL) = (NEW.password_hash IS NULL)"),
        check("invited_without_login", "NEW.state <> 'INVITED' OR NEW.login IS NULL"),
    )

    class Meta:
        table = "core_account"


class Token(Entity):
    """An opaque bearer token, stored as SHA-256 of 32 random bytes. One with a `scope` is a machine's: it can use the
    `permissions` in it and nothing else, below its area, as long as its account has them itself."""

    tag: ClassVar[str] = "token"
    called: ClassVar[tuple[str, str]] = ("Sessions and machines' tokens", "登录会话与机器令牌")

    account: fields.ForeignKeyRelation[Account] = references("core.Account")
    account_id: UUID
    hash = fields.CharField(max_length=64)
    label = fields.CharField(max_length=200, null=True)
    scope: fields.Field[dict[str, list[str]] | None] = fields.JSONField(null=True)
    scope_area: fields.ForeignKeyNullableRelation[Area] = references("core.Area", null=True)
    scope_area_id: UUID | None
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("hash", of=OF_AN_ACCOUNT, goes=True, secret=True),
        personal("label", of=OF_AN_ACCOUNT, goes=True),
        *impersonal("scope"),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("hash", code="INTERNAL"),
        check("scope_is_whole", "(NEW.scope IS NULL) = (NEW.scope_area_id IS NULL)"),
        refuse("revoked_for_good", "UPDATE", "OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS NULL", "INVALID_VALUE"),
        refuse(
            "never_wider",
            "UPDATE",
            "NEW.hash <> OLD.hash OR NEW.account_id <> OLD.account_id OR NEW.expires_at > OLD.expires_at"
            f" OR NOT {same('CAST(NEW.scope AS text)', 'CAST(OLD.scope AS text)')}"
            f" OR NOT {same('NEW.scope_area_id', 'OLD.scope_area_id')}",
            "INVALID_VALUE",
        ),
        index("account_id", "created_at"),
        index("expires_at"),
    )

    class Meta:
        table = "core_token"


class Ticket(Entity):
    """A secret that works once: `hash` is the SHA-256 of it. `data` holds what its kind needs, and nothing secret.

    That of a challenge or identity names a subject by its keyed digest, and nobody can tell whose it is: such a ticket has
    no account, and is deleted when it is used or, within a day, when its time is over.
    """

    tag: ClassVar[str] = "ticket"
    called: ClassVar[tuple[str, str]] = ("Invitations and password resets", "邀请与密码重置凭证")

    kind = fields.CharEnumField(TicketKind, description=TicketKind.__name__, max_length=40)
    account: fields.ForeignKeyNullableRelation[Account] = references("core.Account", null=True)
    account_id: UUID | None
    hash = fields.CharField(max_length=64)
    data: fields.Field[dict[str, str]] = fields.JSONField(default=dict)
    tries = fields.IntField(default=0)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    used_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("hash", of=OF_AN_ACCOUNT, goes=True, secret=True),
        Text("data", secret=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("hash", code="INTERNAL"),
        unique("account_id", "kind", where="used_at IS NULL AND account_id IS NOT NULL", code="BUSY"),
        check("of_an_account", "(NEW.account_id IS NOT NULL) = (NEW.kind IN ('INVITATION', 'PASSWORD_RESET'))"),
        refuse("used_once", "UPDATE", "OLD.used_at IS NOT NULL", "TICKET_INVALID"),
        index("expires_at"),
    )

    class Meta:
        table = "core_ticket"


class Identity(Logged):
    """By whom a provider knows an account's person: a phone number, an OIDC subject; `subject` is its keyed hash."""

    tag: ClassVar[str] = "identity"
    called: ClassVar[tuple[str, str]] = ("Ways to sign in besides the password", "其他登录方式")

    account: fields.ForeignKeyRelation[Account] = references("core.Account")
    account_id: UUID
    provider = fields.CharField(max_length=40)
    subject = fields.CharField(max_length=64)
    removed_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("provider"),
        personal("subject", of=OF_AN_ACCOUNT, goes=True, secret=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("provider", "subject", where="removed_at IS NULL", code="IDENTITY_TAKEN"),
        unique("account_id", "provider", where="removed_at IS NULL", code="IDENTITY_EXISTS"),
        index("account_id"),
        refuse(
            "removed_for_good",
            "UPDATE",
            f"OLD.removed_at IS NOT NULL AND NOT {same('NEW.removed_at', 'OLD.removed_at')}",
            "ALREADY_ENDED",
        ),
        refuse(
            "immutable",
            "UPDATE",
            "NEW.account_id <> OLD.account_id OR NEW.provider <> OLD.provider OR NEW.subject <> OLD.subject",
            "INVALID_VALUE",
        ),
    )

    class Meta:
        table = "core_identity"


class SignInFailures(Model):
    """Failed attempts since a moment, for a login and address, or a login from anywhere; `key` is a hash of them.

    Who is counted is nobody's event, and is forgotten: nothing refers to these rows.
    """

    tag: ClassVar[str] = "signinfailures"

    key = fields.CharField(primary_key=True, max_length=64)
    failures = fields.IntField(default=0)
    since = fields.DatetimeField()

    texts: ClassVar[tuple[Text, ...]] = impersonal("key")

    guards: ClassVar[tuple[Guard, ...]] = (index("since"),)

    class Meta:
        table = "core_sign_in_failures"
