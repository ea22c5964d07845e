"""Mutations of who is not signed in yet, and of passwords: what they take is secret, so nothing of it is kept."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Any

import strawberry
from strawberry.types.info import Info

from core.errors import Refusal
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
        default=None, description="To be chosen with an invitation; with a reset the old one stays (登录名)."
    )
    password: str = strawberry.field(description="10 to 200 characters (新密码).")


@strawberry.type(description="A new session in place of all others (开户或重设结果).")
class CoreRedeemTicketPayload(CoreSignInPayload):
    login: str | None = strawberry.field(description="What to sign in with (登录名).")


@strawberry.input(description="One's own password (修改密码).")
class CoreChangePasswordInput:
    current_password: str
    new_password: str = strawberry.field(description="10 to 200 characters (新密码).")


@strawberry.type(description="Nothing, or why the password stays (修改密码结果).")
class CoreChangePasswordPayload:
    errors: list[UserError]


async def core_sign_in(info: Info[Any, Any], input: CoreSignInInput) -> CoreSignInPayload:
    made = info.context.graphql.sign_in(input.login, input.password, _address(info))
    found, errors = await _tried(info, made)
    token, row = found or (None, None)
    return CoreSignInPayload(token=token, expires_at=row and row.expires_at, errors=errors)


async def core_redeem_ticket(info: Info[Any, Any], input: CoreRedeemTicketInput) -> CoreRedeemTicketPayload:
    made = info.context.graphql.sign_in.redeem(input.ticket, input.login, input.password, _address(info))
    found, errors = await _tried(info, made)
    token, row, login = found or (None, None, None)
    return CoreRedeemTicketPayload(token=token, expires_at=row and row.expires_at, login=login, errors=errors)


async def core_change_password(info: Info[Any, Any], input: CoreChangePasswordInput) -> CoreChangePasswordPayload:
    context = info.context
    changed = context.graphql.sign_in.change_password(context.viewer, input.current_password, input.new_password)
    return CoreChangePasswordPayload(errors=(await _tried(info, changed))[1])


def _address(info: Info[Any, Any]) -> str:
    return str(info.context.meter.client.key)


async def _tried(info: Info[Any, Any], act: Awaitable[Any]) -> tuple[Any, list[Any]]:
    """What came of it, or the refusal as the payload's `errors`."""
    try:
        return await act, []
    except Refusal as refusal:
        return None, [info.context.graphql.errors.user(refusal, info.context.language)]


def _field(resolver: Any, description: str) -> Any:
    return strawberry.field(resolver=resolver, description=description)


SIGN_IN_FIELDS = {
    "core_sign_in": _field(core_sign_in, "Sign in with login and password (登录)."),
    "core_redeem_ticket": _field(
        core_redeem_ticket, "Open an account, or choose a new password, with a ticket from the desk (使用凭证)."
    ),
    "core_change_password": _field(
        core_change_password, "Choose another password; every other session and machine's token ends (修改密码)."
    ),
}
