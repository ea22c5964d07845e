"""Accounts and tokens. A password is argon2; a token is kept only as its hash."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database.guards import Guard, check, index, unique
from core.enums import AccountState
from core.models.actor import Actor
from core.models.base import Entity, Logged
from core.personal import BY_ID, Text, impersonal, personal

OF_AN_ACCOUNT = "t.account_id IN (SELECT a.id FROM core_account a WHERE a.person_id IN ({ids}))"


class Account(Logged):
    """A person's way in; `login` is compared in lower case."""

    tag: ClassVar[str] = "account"

    person: fields.ForeignKeyRelation[Actor] = fields.ForeignKeyField(
        "core.Actor", on_delete=fields.RESTRICT, related_name=False
    )
    person_id: UUID
    login = fields.CharField(max_length=100)
    password_hash = fields.CharField(max_length=200)
    state = fields.CharEnumField(AccountState, description=AccountState.__name__, max_length=40)
    demo = fields.BooleanField(default=False)

    texts: ClassVar[tuple[Text, ...]] = (
        personal("login", of="person_id", erased=BY_ID),
        personal("password_hash", of="person_id", erased="-", secret=True),
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("login", code="LOGIN_TAKEN"),
        unique("person_id", code="ACCOUNT_EXISTS"),
        check("login_lower", "NEW.login = lower(NEW.login)"),
    )

    class Meta:
        table = "core_account"


class Token(Entity):
    """An opaque bearer token, stored as SHA-256 of 32 random bytes."""

    tag: ClassVar[str] = "token"

    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "core.Account", on_delete=fields.RESTRICT, related_name=False
    )
    account_id: UUID
    hash = fields.CharField(max_length=64)
    created_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (personal("hash", of=OF_AN_ACCOUNT, goes=True, secret=True),)

    guards: ClassVar[tuple[Guard, ...]] = (unique("hash", code="INTERNAL"),)

    class Meta:
        table = "core_token"


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
