"""Beginning and finishing a sign-in by a provider: the same answers whether an account is behind it or not."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import throttle, tickets
from core.accounts import new_token
from core.enums import AccountState, TicketKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Account, Identity, Ticket, Token
from core.runtime import Runtime
from core.sign_in import Asked, Begun
from core.work import Work

AN_HOUR = 60  # begun from an address
TRIES = 5  # of a challenge
BEGINS = timedelta(hours=1)


@dataclass(frozen=True)
class Challenge:
    """`secret` is for whoever began alone."""

    secret: str
    begun: Begun
    expires_at: datetime


@dataclass(frozen=True)
class Proven:
    """A session; or, where the desk has not said yet whose account it is, a ticket with which it can."""

    session: tuple[str, Token] | None = None
    ticket: tuple[str, datetime] | None = None


async def begin(runtime: Runtime, provider: str, asked: Asked, address: str) -> Challenge:
    """Refuses NO_SUCH_PROVIDER, SIGN_IN_THROTTLED, PROVIDER_FAILED, and what the provider cannot begin with."""
    known = runtime.providers.get(provider)
    if known is None:
        raise Refusal("NO_SUCH_PROVIDER", path=("provider",))
    counted = {**known.counted(asked), throttle.key_of("begin", address): AN_HOUR}
    await throttle.count(runtime, counted, BEGINS)
    secret = secrets.token_urlsafe(32)
    begun = await known.begin(secret, asked)
    ticket = await _keep(runtime, TicketKind.CHALLENGE, _hash(secret), {"provider": provider, **begun.kept})
    return Challenge(secret, begun, ticket.expires_at)


async def finish(runtime: Runtime, secret: str, answer: str, device: str | None = None) -> Proven:
    """Refuses SIGN_IN_FAILED for all that is wrong, unknown, used, too late or too often tried; PROVIDER_FAILED."""
    mark, now = runtime.database.dialect.mark, runtime.clock.now()
    async with runtime.database.transaction() as transaction:  # counted before it is looked at
        rows = await transaction.fetch(
            f"UPDATE core_ticket SET tries = tries + 1 WHERE hash = {mark(1)} AND kind = 'CHALLENGE' AND used_at IS NULL"
            f" AND expires_at > {mark(2)} AND tries < {TRIES} RETURNING data",
            _hash(secret), now,
        )  # fmt: skip
    data = rows[0]["data"] if rows else {}
    kept: dict[str, str] = json.loads(data) if isinstance(data, str) else dict(data)
    provider = runtime.providers.get(kept.get("provider", ""))
    if provider is None:
        raise Refusal("SIGN_IN_FAILED")
    subjects = await provider.subjects(secret, kept, answer)
    token, row = new_token(now, device=device)
    code = tickets.new_code()
    proven: list[Proven] = []

    async def rule(work: Work) -> dict[str, Any]:
        await _taken(work, secret)
        identity = await work.find(Identity, provider=provider.key, subject=subjects, removed_at=None)
        if identity is None:
            proven[:] = [Proven(ticket=(code, work.now + tickets.LIVES[TicketKind.IDENTITY]))]
            return {}
        account = await work.lock(Account, identity.account_id)
        if account.state is not AccountState.ACTIVE:
            raise Refusal("SIGN_IN_FAILED")
        work.own_matter()
        row.account_id = account.id
        work.append(row)
        work.record("core.account.signed_in", account, area_id=None, data={"provider": provider.key})
        proven[:] = [Proven(session=(token, row))]
        return {}

    await runtime.as_system(rule)
    if proven[0].ticket is not None:
        await _keep(
            runtime, TicketKind.IDENTITY, tickets.hash_code(code), {"provider": provider.key, "subject": subjects[0]}
        )
    return proven[0]


async def _taken(work: Work, secret: str) -> None:
    try:
        await tickets.take(work, _hash(secret), TicketKind.CHALLENGE)
    except Refusal:
        raise Refusal("SIGN_IN_FAILED") from None


async def _keep(runtime: Runtime, kind: TicketKind, hash: str, data: dict[str, str]) -> Ticket:
    """A ticket of nobody's: no event, as nobody is signed in and nothing has happened yet."""
    now, mark = runtime.clock.now(), runtime.database.dialect.mark
    ticket = Ticket(id=new_id(), kind=kind, hash=hash, data=data, created_at=now, expires_at=now + tickets.LIVES[kind])
    async with runtime.database.transaction() as transaction:
        await transaction.fetch(
            "INSERT INTO core_ticket (id, kind, hash, data, tries, created_at, expires_at)"
            f" VALUES ({mark(1)}, {mark(2)}, {mark(3)}, {mark(4)}, 0, {mark(5)}, {mark(6)})",
            ticket.id, kind, hash, data, now, ticket.expires_at,
        )  # fmt: skip
    return ticket


def _hash(secret: str) -> str:
    return throttle.key_of("challenge", secret[:100])
