"""Mutations of who is not signed in yet, and of passwords: what they take is secret, so nothing of it is kept."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.info import Info

from core.errors import Refusal
from core.id_numbers import has_id_number
from core.rules.inputs import NAME_LENGTH
from core.sign_in import Asked, challenges
from schema.mutations import UserError


@strawberry.input(description="Login and password (登录名与密码).")
class CoreSignInInput:
    login: str
    password: str


@strawberry.type(description="A new session; the token is shown this once (登录结果).")
class CoreSignInPayload:
    token: str | None = strawberry.field(description="Send it as `Authorization: Bearer …` (令牌).")
    expires_at: datetime | None = strawberry.field(description="When it stops working (失效时间).")
    errors: list[UserError]


@strawberry.input(description="A ticket from the desk, and what to sign in with from now on (凭证).")
class CoreRedeemTicketInput:
    ticket: str = strawberry.field(description="As it was handed over; case, spaces and dashes do not matter (凭证).")
    login: str | None = strawberry.field(
        default=None,
        description="To be chosen with an invitation, without spaces; with a reset the old one, or none (登录名).",
    )
    password: str = strawberry.field(
        description="10 to 200 characters; none of the commonest, and not with the login in it (新密码)."
    )


@strawberry.type(description="A new session in place of all others (开户或重设结果).")
class CoreRedeemTicketPayload(CoreSignInPayload):
    login: str | None = strawberry.field(description="What to sign in with (登录名).")


@strawberry.input(description="One's own password (修改密码).")
class CoreChangePasswordInput:
    current_password: str
    new_password: str = strawberry.field(
        description="10 to 200 characters; none of the commonest, and not with the login in it (新密码)."
    )


@strawberry.type(description="Nothing, or why the password stays (修改密码结果).")
class CoreChangePasswordPayload:
    errors: list[UserError]


@strawberry.input(description="By which provider; with a number, or a page to come back to (开始登录).")
class CoreStartSignInInput:
    provider: str = strawberry.field(description="A key of signInProviders (登录方式).")
    phone: str | None = strawberry.field(default=None, description="Where the code goes, for PHONE (手机号码).")
    redirect_uri: str | None = strawberry.field(
        default=None, description="One of those the operator allows, for REDIRECT; the first unless told (回调地址)."
    )


@strawberry.type(description="What to go on with; the same whether an account is behind it or not (登录验证).")
class CoreStartSignInPayload:
    challenge: str | None = strawberry.field(description="Keep it on the device for coreFinishSignIn (验证标识).")
    url: str | None = strawberry.field(description="Send the person there, for REDIRECT (认证地址).")
    state: str | None = strawberry.field(description="What has to come back with the code; else stop (状态值).")
    expires_at: datetime | None = strawberry.field(description="When it is too late (失效时间).")
    errors: list[UserError]


@strawberry.input(description="What answers the challenge (完成登录).")
class CoreFinishSignInInput:
    challenge: str
    code: str = strawberry.field(description="As it came to the telephone, or back to the page (验证码).")


@strawberry.type(description="A session, or a ticket for the desk where nobody knows yet who this is (登录结果).")
class CoreFinishSignInPayload(CoreSignInPayload):
    ticket: str | None = strawberry.field(
        description="Show it at the desk (coreVerifyIdentity), or use it oneself when signed in (coreLinkIdentity) (凭证)."
    )


async def core_start_sign_in(info: Info[Any, Any], input: CoreStartSignInInput) -> CoreStartSignInPayload:
    asked = Asked(input.phone, input.redirect_uri, info.context.language)
    begin = challenges.begin(info.context.graphql.runtime, input.provider, asked, _address(info))
    made, errors = await _tried(info, begin)
    if made is None:
        return CoreStartSignInPayload(challenge=None, url=None, state=None, expires_at=None, errors=errors)
    begun = made.begun
    return CoreStartSignInPayload(
        challenge=made.secret, url=begun.url, state=begun.state, expires_at=made.expires_at, errors=[]
    )


async def core_finish_sign_in(info: Info[Any, Any], input: CoreFinishSignInInput) -> CoreFinishSignInPayload:
    finish = challenges.finish(info.context.graphql.runtime, input.challenge, input.code, _device(info))
    proven, errors = await _tried(info, finish)
    token, row = (proven and proven.session) or (None, None)
    ticket, until = (proven and proven.ticket) or (None, row and row.expires_at)
    return CoreFinishSignInPayload(token=token, expires_at=until, ticket=ticket, errors=errors)


async def core_sign_in(info: Info[Any, Any], input: CoreSignInInput) -> CoreSignInPayload:
    made = info.context.graphql.sign_in(input.login, input.password, _address(info), _device(info))
    found, errors = await _tried(info, made)
    token, row = found or (None, None)
    return CoreSignInPayload(token=token, expires_at=row and row.expires_at, errors=errors)


async def core_redeem_ticket(info: Info[Any, Any], input: CoreRedeemTicketInput) -> CoreRedeemTicketPayload:
    redeem = info.context.graphql.sign_in.redeem
    made = redeem(input.ticket, input.login, input.password, _address(info), _device(info))
    found, errors = await _tried(info, made)
    token, row, login = found or (None, None, None)
    return CoreRedeemTicketPayload(token=token, expires_at=row and row.expires_at, login=login, errors=errors)


async def core_change_password(info: Info[Any, Any], input: CoreChangePasswordInput) -> CoreChangePasswordPayload:
    context = info.context
    changed = context.graphql.sign_in.change_password(context.viewer, input.current_password, input.new_password)
    return CoreChangePasswordPayload(errors=(await _tried(info, changed))[1])


def _address(info: Info[Any, Any]) -> str:
    return str(info.context.meter.client.key)


def _device(info: Info[Any, Any]) -> str | None:
    """What the client calls itself, as it may be kept: printable, at most 200 characters, and no id number."""
    text = "".join(c for c in info.context.meter.agent or "" if c.isprintable()).strip()[:NAME_LENGTH]
    return None if not text or has_id_number(text) else text


async def _tried(info: Info[Any, Any], act: Awaitable[Any]) -> tuple[Any, list[Any]]:
    """What came of it, or the refusal as the payload's `errors`."""
    try:
        return await act, []
    except Refusal as refusal:
        return None, [info.context.graphql.errors.user(refusal, info.context.language)]


def _field(resolver: Any, description: str) -> Any:
    return strawberry.field(resolver=resolver, description=description)


# For who is not signed in, or proves again who they are: every other mutation declares a permission.
SIGN_IN_FIELDS = {
    "core_sign_in": _field(core_sign_in, "Sign in with login and password (登录)."),
    "core_start_sign_in": _field(core_start_sign_in, "Begin to sign in by a provider (开始登录)."),
    "core_finish_sign_in": _field(core_finish_sign_in, "Sign in with what the provider said (完成登录)."),
    "core_redeem_ticket": _field(
        core_redeem_ticket, "Open an account, or choose a new password, with a ticket from the desk (使用凭证)."
    ),
    "core_change_password": _field(
        core_change_password, "Choose another password; every other session and machine's token ends (修改密码)."
    ),
}
