"""Commands that do one thing and end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import server
from core.accounts import clean_login, create_account, hash_password, not_by_login
from core.cli import out
from core.config import Config
from core.database.migrate import make_migrations as write_migrations
from core.database.migrate import migrate as run_migrations
from core.enums import ActorKind, AreaKind, Role
from core.errors import ConfigurationError, Refusal
from core.models import Area
from core.rules.actors import grant_role, register_actor
from core.rules.areas import create_area
from core.runtime import Runtime
from core.work import Work
from schema.compose import compose


async def migrate(config: Config) -> None:
    host = server.load_host(config)
    applied: list[str] = []
    await run_migrations(config.database, host.apps(), applied.append)
    for name in applied:
        out.print(f"applied {name}")
    out.print(f"the database is as declared ({len(applied)} migrations applied)")


async def make_migrations(config: Config, keys: list[str]) -> None:
    host = server.load_host(config)
    written = await write_migrations(config.database, host.apps(), keys)
    for path in written:
        out.print(f"wrote {path}")
    if not written:
        out.print("no changes")


def print_schema(config: Config, only: str | None) -> None:
    host = server.load_host(config)
    if only is None:
        print(server.compose_schema(host).as_str())
        return
    wanted = [key for key in only.split(",") if key != "core"]
    unknown = [key for key in wanted if key not in host.keys]
    if unknown:
        raise ConfigurationError(f"--only: {', '.join(unknown)} not loaded; there are {', '.join(host.keys)}")
    ordered = [key for key in host.keys if key in wanted]
    print(compose(ordered, host.permissions(), rooted=True).as_str())


async def create_admin(
    config: Config, login: str, name: str, password: str, area_code: str, area_name: str | None
) -> None:
    running = await server.Server.open(replace(config))
    try:
        made = await first_admin(running.runtime, login, name, password, area_code, area_name)
        out.print(f"{login} administers {made}; sign in with coreSignIn")
    finally:
        await running.close()


async def first_admin(
    runtime: Runtime, login: str, name: str, password: str, area_code: str, area_name: str | None
) -> str:
    """The administrator's area code. One transaction: all of it or nothing."""
    not_by_login(password, clean_login(login))
    hashed = await hash_password(password)

    async def rule(work: Work) -> dict[str, Any]:
        area = await work.find(Area, code=area_code)
        if area is None:
            if await work.find(Area, parent_id=None) is not None:
                raise Refusal("NOT_FOUND", kind=f"area {area_code}")
            area = await create_area(
                work, code=area_code, name=area_name or area_code, kind=AreaKind.DISTRICT, parent_id=None
            )
            await work.flush_now()
        person = await register_actor(work, kind=ActorKind.PERSON, name=name, area_id=area.id)
        await work.flush_now()
        await create_account(work, person=person, login=login, password_hash=hashed)
        await grant_role(work, role=Role.ADMIN, area_id=area.id, actor_id=person.id)
        return {"area": area.code}

    outcome = await runtime.as_system(rule)
    return str(outcome["area"])
