"""Accounts and tokens as the API shows them, and what the desk does with accounts."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.info import Info

from core import models
from core.enums import AccountState, ProviderKind
from core.ids import from_global
from core.rules import accounts
from core.work import Work
from schema.mutations import MutationInput, Needs, Result, Secret, Subject, WithSecrets, mutation
from schema.nodes.composed import Query, every, one, plain
from schema.nodes.core import Actor, Area, Person
from schema.nodes.declare import Connection, column, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, RowOf, area_of
from schema.nodes.telling import public
from schema.nodes.viewing import ViewerFacts
from schema.planning.python_fields import Facts


def _account_scope(t: RowOf, v: ViewerFacts) -> Expr:
    return v.is_self(t.person_id) | v.may(accounts.INVITE, area_of(models.Actor, t.person_id))


@node(models.Account, scope=_account_scope, place=lambda t: area_of(models.Actor, t.person_id))
class Account:
    """A person's way in; seen by themselves and by whoever may invite there (账户)."""

    login: str | None = column(filter=False, description="Null until an invitation is accepted (登录名).")
    state: AccountState = column()
    version: int = column(filter=False)
    person: Actor = to_one(description="Whose it is (所属个人).")
    identities: Connection[Identity] = connection(
        "account_id", description="Providers whose word lets its person in (登录身份)."
    )


def _own(t: RowOf, v: ViewerFacts) -> Expr:
    return v.is_account(t.account_id)


@node(models.Identity, scope=_own)
class Identity:
    """A provider whose word lets one in; whom it knows one as is not kept readably (登录身份)."""

    provider: str = column(description="Its key, as signInProviders lists it (登录方式).")
    removed_at: datetime | None = column(description="Since when it does so no more (解除时间).")
    version: int = column(filter=False)


def _permissions(values: dict[str, Any], facts: Facts) -> list[str] | None:
    scope = values["scope"]
    if isinstance(scope, str):  # as SQLite keeps it
        scope = json.loads(scope)
    return scope.get("permissions", []) if isinstance(scope, dict) else None


@node(models.Token, scope=_own, order="-created_at")
class AccessToken:
    """A session or a machine's token of one's own; the secret itself is shown once, when it is made (令牌)."""

    label: str | None = column(
        filter=False,
        description="What a machine's token is for; of a session, what its browser or app calls itself (名称).",
    )
    current: bool = python(
        lambda values, facts: values["hash"] == facts.viewer.token_hash,
        columns=lambda t: {"hash": t.hash},
        settings=False,
        description="It is the session of this request (是否当前会话).",
    )
    permissions: list[str] | None = python(
        _permissions,
        columns=lambda t: {"scope": t.scope},
        settings=False,
        description="What a machine may use; null for a session, which may do all that its person may (权限).",
    )
    created_at: datetime = column(order=True, description="When it was made (创建时间).")
    expires_at: datetime = column(description="When it stops working (失效时间).")
    revoked_at: datetime | None = column(description="When it was ended before that (撤销时间).")
    area: Area | None = to_one("scope_area_id", description="Where a machine may use it, and below (适用区域).")


@strawberry.type(description="A way to sign in beside the password (登录方式).")
class SignInProvider:
    key: str
    kind: ProviderKind
    title: str


@extend(Query)
class AccountsQuery:
    @plain(
        why="The configuration says it, not the database (由配置决定).",
        scope=public("Whoever is not signed in yet has to see how they can."),
        description="Ways to sign in beside the password, for coreStartSignIn (登录方式).",
    )  # type: ignore[untyped-decorator]
    def sign_in_providers(self, info: Info) -> list[SignInProvider]:
        providers = info.context.graphql.runtime.providers.values()
        return [SignInProvider(key=p.key, kind=p.kind, title=p.title) for p in providers]

    my_account: Account | None = one(
        where=lambda t, v: v.is_self(t.person_id), description="One's own account (本人账户)."
    )
    my_tokens: Connection[AccessToken] = every(description="One's own sessions and machines' tokens (本人令牌).")
    accounts: Connection[Account] = every(description="Accounts the viewer may see (账户列表).")


_TICKET: dict[str, Any] = {"ticket": str, "expires_at": datetime}


def _with_ticket(account: models.Account, code: str, ticket: models.Ticket) -> WithSecrets:
    return {"account": account, "ticket": Secret(code), "expires_at": Secret(ticket.expires_at)}


@strawberry.input
class CorePersonInput(MutationInput):
    person_id: strawberry.ID

    def person(self) -> Any:
        return from_global(self.person_id, "actor", "personId")


PERSON = Subject(Person, "person_id")


@strawberry.input
class CorePersonReasonInput(CorePersonInput):
    reason: str


@mutation(accounts.INVITE, on=PERSON, account=Account, secrets=_TICKET)
async def core_invite(work: Work, input: CorePersonInput) -> WithSecrets:
    """A ticket, shown this once, with which a person opens their account by coreRedeemTicket (邀请开户)."""
    return _with_ticket(*await accounts.invite(work, person_id=input.person()))


@mutation(accounts.RESET, on=PERSON, account=Account, secrets=_TICKET)
async def core_reset_password(work: Work, input: CorePersonInput) -> WithSecrets:
    """A ticket, shown this once, with which a person chooses a new password by coreRedeemTicket (重设密码)."""
    return _with_ticket(*await accounts.reset(work, person_id=input.person()))


@mutation(accounts.DISABLE, on=PERSON, account=Account)
async def core_disable_account(work: Work, input: CorePersonReasonInput) -> Result:
    """Nobody gets in by this account from now on; its tokens and tickets end (停用账户)."""
    return {"account": await accounts.disable(work, person_id=input.person(), reason=input.reason)}


@mutation(accounts.DISABLE, on=PERSON, account=Account)
async def core_enable_account(work: Work, input: CorePersonReasonInput) -> Result:
    """A disabled account may be used again (恢复账户)."""
    return {"account": await accounts.enable(work, person_id=input.person(), reason=input.reason)}


@strawberry.input
class CoreVerifyIdentityInput(CorePersonInput):
    ticket: str = strawberry.field(description="As coreFinishSignIn gave it to the person (凭证).")


@mutation(accounts.VERIFY, on=PERSON, account=Account)
async def core_verify_identity(work: Work, input: CoreVerifyIdentityInput) -> Result:
    """Whoever shows this ticket at the desk is this person: a provider's word lets them in from now on (核实身份)."""
    return {"account": await accounts.verify(work, ticket=input.ticket, person_id=input.person())}


@strawberry.input
class CoreLinkIdentityInput(MutationInput):
    ticket: str = strawberry.field(description="As coreFinishSignIn gave it (凭证).")


@mutation(Needs.OWN_MATTER, identity=Identity)
async def core_link_identity(work: Work, input: CoreLinkIdentityInput) -> Result:
    """A provider's word lets oneself in too (关联登录方式)."""
    return {"identity": await accounts.link(work, ticket=input.ticket)}


@strawberry.input
class CoreUnlinkIdentityInput(MutationInput):
    identity_id: strawberry.ID


@mutation(Needs.OWN_MATTER, identity=Identity)
async def core_unlink_identity(work: Work, input: CoreUnlinkIdentityInput) -> Result:
    """A provider's word lets oneself in no more (解除登录方式)."""
    id = from_global(input.identity_id, "identity", "identityId")
    return {"identity": await accounts.unlink(work, identity_id=id)}


@strawberry.input
class CoreRevokeTokenInput(MutationInput):
    token_id: strawberry.ID


@mutation(Needs.OWN_MATTER, token=AccessToken)
async def core_revoke_token(work: Work, input: CoreRevokeTokenInput) -> Result:
    """End a session or a machine's token of one's own (撤销令牌)."""
    id = from_global(input.token_id, "token", "tokenId")
    return {"token": await accounts.revoke_token(work, token_id=id)}


@strawberry.input
class CoreCreateMachineTokenInput(MutationInput):
    label: str = strawberry.field(description="What it is for (用途).")
    permissions: list[str] = strawberry.field(description="The only ones it may use (权限).")
    area_id: strawberry.ID = strawberry.field(description="Where, and below (适用区域).")
    expires_at: datetime = strawberry.field(description="366 days ahead at most (失效时间).")


@mutation(accounts.MACHINE, on=Subject(Area, "area_id"), token=AccessToken, secrets={"secret": str})
async def core_create_machine_token(work: Work, input: CoreCreateMachineTokenInput) -> WithSecrets:
    """A token for a program, shown this once: it may do less than its maker, and never more (创建机器令牌)."""
    token, secret = await accounts.create_machine_token(
        work,
        label=input.label,
        permissions=input.permissions,
        area_id=from_global(input.area_id, "area", "areaId"),
        expires_at=input.expires_at,
    )
    return {"token": token, "secret": Secret(secret)}
