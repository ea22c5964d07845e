"""The one mutation without a viewer: login and password for a token."""

from __future__ import annotations

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


async def core_sign_in(info: Info[Any, Any], input: CoreSignInInput) -> CoreSignInPayload:
    graphql, language = info.context.graphql, info.context.language
    try:
        token, row = await graphql.sign_in(input.login, input.password, info.context.meter.client.key)
    except Refusal as refusal:
        return CoreSignInPayload(token=None, expires_at=None, errors=[graphql.errors.user(refusal, language)])
    return CoreSignInPayload(token=token, expires_at=row.expires_at, errors=[])


core_sign_in_field = strawberry.field(resolver=core_sign_in, description="Sign in with login and password (登录).")
