"""Passwords and sessions: argon2, opaque tokens kept as hashes, the same answer for every failure."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core import throttle, tickets
from core.access import Viewer, roles_sql
from core.enums import AccountState, ActorKind, TicketKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Account, Actor, Token
from core.passwords import is_common
from core.rules.inputs import clean_name
from core.runtime import Command, Runtime
from core.work import Work

TOKEN_LIFE = timedelta(hours=12)
PASSWORD_MIN = 10
PASSWORD_MAX = 200
LOGIN_MAX = 100
LOGIN_TELLS = 4  # characters; a shorter one may be part of any password
FAILURES = 10
FAILURES_ANYWHERE = 100
TICKETS_TRIED = 30  # from an address

_hasher = PasswordHasher()
# Hashing costs memory and a core; more than two at once would let sign-ins starve everything else.
_slots = threading.BoundedSemaphore(2)


@cache
def _decoy() -> str:
    """What an unknown login is checked against, so that it takes as long as a known one."""
    return _hasher.hash(secrets.token_hex(16))


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def clean_login(login: str) -> str:
    """A login as it is kept; refuses what `clean_name` refuses, and LOGIN_CHARACTERS."""
    name = clean_name(compared_login(login), "login", limit=LOGIN_MAX)
    if any(unicodedata.category(c)[0] in "CZ" for c in name):
        raise Refusal("LOGIN_CHARACTERS", path=("login",))
    return name


def compared_login(login: str) -> str:
    """However it was typed: full width, capitals and spaces around it do not matter."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).strip().lower())


async def create_account(work: Work, *, person: Actor, login: str, password_hash: str, demo: bool = False) -> Account:
    """An account for a person; refuses LOGIN_TAKEN, ACCOUNT_EXISTS, NOT_A_PERSON."""
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    account = Account(
        id=new_id(),
        person_id=person.id,
        login=clean_login(login),
        password_hash=password_hash,
        state=AccountState.ACTIVE,
        demo=demo,
    )
    work.add(account)
    work.record("core.account.created", account, area_id=person.area_id)
    return account


async def hash_password(password: str, path: str = "password") -> str:
    """Refuses PASSWORD_TOO_SHORT (10 characters), TEXT_TOO_LONG (200), and PASSWORD_TOO_WEAK."""
    if len(password) < PASSWORD_MIN:
        raise Refusal("PASSWORD_TOO_SHORT", path=(path,), minimum=PASSWORD_MIN)
    if len(password) > PASSWORD_MAX:
        raise Refusal("TEXT_TOO_LONG", path=(path,), limit=PASSWORD_MAX, length=len(password))
    if is_common(password):
        raise Refusal("PASSWORD_TOO_WEAK", path=(path,))
    return await asyncio.to_thread(_hash, password)


def not_by_login(password: str, login: str, path: str = "password") -> None:
    """Refuses PASSWORD_TOO_WEAK for a password that has a login of some length in it."""
    if len(login) >= LOGIN_TELLS and login in compared_login(password):
        raise Refusal("PASSWORD_TOO_WEAK", path=(path,))


def _hash(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


async def matches(stored: str | None, password: str) -> bool:
    """Is it this password? Where there is none it takes as long to say no."""
    against = await asyncio.to_thread(_decoy) if stored is None else stored
    return await asyncio.to_thread(_matches, against, password[: PASSWORD_MAX + 1]) and stored is not None


def _matches(stored: str, password: str) -> bool:
    with _slots:
        try:
            return _hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


class SignIn:
    """Exchanges a login and password for a token. Unknown login, wrong password and disabled account look the same.

    After ten failures for a login from one address, that address waits (SIGN_IN_THROTTLED), right or wrong, until
    fifteen minutes after the first of them; after a hundred from anywhere, everybody waits who tries that login. They
    are counted before the slow check, in the database, so that parallel guesses and all workers count together.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def __call__(
        self, login: str, password: str, address: str = "", device: str | None = None
    ) -> tuple[str, Token]:
        """The new token (shown once) and its row, labelled with the device; refuses SIGN_IN_FAILED, SIGN_IN_THROTTLED."""
        name = compared_login(login)[:LOGIN_MAX]
        counted = (throttle.key_of("login from", name, address), throttle.key_of("login", name))
        await throttle.count(self.runtime, dict(zip(counted, (FAILURES, FAILURES_ANYWHERE), strict=True)))
        mark = self.runtime.database.dialect.mark
        rows = await self.runtime.database.read(
            f"SELECT id, password_hash, state FROM core_account WHERE login = {mark(1)}", [name]
        )
        correct = await matches(rows[0][1] if rows else None, password)
        if not correct or rows[0][2] != AccountState.ACTIVE.value:
            raise Refusal("SIGN_IN_FAILED")
        return await issue_token(self.runtime, rows[0][0], forget=counted, device=device)

    async def redeem(
        self, ticket: str, login: str | None, password: str, address: str = "", device: str | None = None
    ) -> tuple[str, Token, str]:
        """A password, and a login where there is none yet, for a ticket from the desk: the new token, its row and the
        login. Every other token of the account is revoked.

        Refuses TICKET_INVALID, LOGIN_NEEDED, LOGIN_TAKEN, LOGIN_DIFFERS, SIGN_IN_THROTTLED, and what `clean_login`,
        `hash_password` and `not_by_login` refuse.
        """
        key = throttle.key_of("ticket", address)
        await throttle.count(self.runtime, {key: TICKETS_TRIED})
        hashed = await hash_password(password)
        token, row = new_token(self.runtime.clock.now(), device=device)

        async def rule(work: Work) -> dict[str, Any]:
            used = await tickets.take(work, tickets.hash_code(ticket), TicketKind.INVITATION, TicketKind.PASSWORD_RESET)
            assert used.account_id is not None
            account = await work.lock(Account, used.account_id)
            opens = used.kind is TicketKind.INVITATION
            if account.state is not (AccountState.INVITED if opens else AccountState.ACTIVE):
                raise Refusal("TICKET_INVALID", path=("ticket",))
            if await _gained(work, account.person_id, used.created_at):
                raise Refusal("TICKET_INVALID", path=("ticket",))
            wanted = login if login and login.strip() else None
            if account.login is None and wanted is None:
                raise Refusal("LOGIN_NEEDED", path=("login",))
            if None not in (account.login, wanted) and compared_login(str(wanted)) != account.login:
                raise Refusal("LOGIN_DIFFERS", path=("login",))
            work.own_matter()
            name = account.login or clean_login(str(wanted))
            if account.login is None and await work.find(Account, login=name) is not None:
                raise Refusal("LOGIN_TAKEN", path=("login",))
            not_by_login(password, name)
            work.change(account, login=name, password_hash=hashed, state=AccountState.ACTIVE)
            work.record("core.account.opened" if opens else "core.account.password_changed", account, area_id=None)
            await _sign_in(work, account, row)
            work.then("DELETE FROM core_sign_in_failures WHERE key = {}", key)
            return {"login": name}

        outcome = await self.runtime.as_system(rule)
        return token, row, str(outcome["login"])

    async def change_password(self, viewer: Viewer, current: str, new: str) -> None:
        """One's own; every other session and machine token of the account ends.

        Refuses NOT_SIGNED_IN, TOKEN_SCOPE, WRONG_PASSWORD, SIGN_IN_THROTTLED, and what `hash_password` and
        `not_by_login` refuse.
        """
        if viewer.account_id is None:
            raise Refusal("NOT_SIGNED_IN")
        if viewer.scope is not None:
            raise Refusal("TOKEN_SCOPE", **viewer.scope.told)
        key = throttle.key_of("change", str(viewer.account_id))
        await throttle.count(self.runtime, {key: FAILURES})
        mark = self.runtime.database.dialect.mark
        rows = await self.runtime.database.read(
            f"SELECT password_hash, login FROM core_account WHERE id = {mark(1)}", [viewer.account_id]
        )
        if not await matches(rows[0][0], current):
            raise Refusal("WRONG_PASSWORD", path=("currentPassword",))
        not_by_login(new, rows[0][1], "newPassword")
        hashed = await hash_password(new, "newPassword")

        async def rule(work: Work) -> dict[str, Any]:
            work.own_matter()
            account = await work.lock(Account, _known(work.viewer.account_id))
            if account.password_hash != rows[0][0]:  # somebody was faster
                raise Refusal("WRONG_PASSWORD", path=("currentPassword",))
            work.change(account, password_hash=hashed)
            work.record("core.account.password_changed", account, area_id=None)
            await tickets.revoke(work, account.id)
            revoke_tokens(work, account.id, but=work.viewer.token_hash)
            work.then("DELETE FROM core_sign_in_failures WHERE key = {}", key)
            return {}

        await self.runtime.perform(Command("coreChangePassword", viewer), rule)


async def _gained(work: Work, person_id: UUID, since: datetime) -> bool:
    """Has this person been given a role, post, deputyship or mandate since? Whoever handed out a ticket before that might hold it, and
    was asked about what the person could do then."""
    roles = roles_sql("{1}", of="{0}", to_come=True)
    return bool(await work.rows(
        f"SELECT 1 AS yes FROM ({roles}) r LEFT JOIN core_deputy d ON d.id = r.deputy_id"
        " LEFT JOIN core_event e ON e.id = d.event_id"  # appointed then, perhaps for a leave that is still to come
        " WHERE r.since >= {2} OR CASE WHEN r.deputy_id IS NULL THEN r.held_since ELSE e.recorded_at END >= {2}"
        " UNION ALL SELECT 1 FROM core_mandate m WHERE m.person_id = {0} AND m.state = 'ACTIVE' AND m.since >= {2}",
        person_id, work.now, since,
    ))  # fmt: skip


def _known(id: UUID | None) -> UUID:
    assert id is not None
    return id


def new_token(now: datetime, life: timedelta = TOKEN_LIFE, device: str | None = None) -> tuple[str, Token]:
    """A session's token and its row, of no account yet; `device` is what the client calls itself."""
    token = secrets.token_urlsafe(32)
    return token, Token(id=new_id(), hash=hash_token(token), label=device, created_at=now, expires_at=now + life)


async def _sign_in(work: Work, account: Account, row: Token) -> None:
    """A new session in place of all others, for who has just proved to be the account's owner."""
    await tickets.revoke(work, account.id)
    await work.rows(
        "UPDATE core_token SET revoked_at = {} WHERE account_id = {} AND revoked_at IS NULL", work.now, account.id
    )
    row.account_id = account.id
    work.append(row)
    work.record("core.account.signed_in", account, area_id=None)


async def issue_token(
    runtime: Runtime,
    account_id: Any,
    life: timedelta = TOKEN_LIFE,
    forget: Sequence[str] = (),
    device: str | None = None,
) -> tuple[str, Token]:
    """A new token for an active account, whose failures under the keys `forget` are forgotten; refuses SIGN_IN_FAILED
    for a disabled one."""
    token, row = new_token(runtime.clock.now(), life, device)
    row.account_id = account_id

    async def keep(work: Work) -> dict[str, Any]:
        account = await work.lock(Account, account_id)
        if account.state is not AccountState.ACTIVE:
            raise Refusal("SIGN_IN_FAILED")
        work.own_matter()
        work.append(row)
        work.record("core.account.signed_in", account, area_id=None)
        for key in forget:
            work.then("DELETE FROM core_sign_in_failures WHERE key = {}", key)
        return {}

    await runtime.as_system(keep)
    return token, row


def revoke_tokens(work: Work, account_id: UUID, *, but: str | None = None) -> None:
    """Every live token of an account, `but` the one with this hash, with the event recorded last."""
    work.then(
        "UPDATE core_token SET revoked_at = {} WHERE account_id = {} AND revoked_at IS NULL AND hash <> {}",
        work.now, account_id, but or "",
    )  # fmt: skip


async def sign_out(work: Work, *, everywhere: bool = False) -> Token:
    """Revoke the token of this request, or every one of its account."""
    work.own_matter()
    token = await work.find(Token, hash=work.viewer.token_hash)
    if token is None:
        raise Refusal("NOT_SIGNED_IN")
    work.patch(token, revoked_at=work.now)
    work.record("core.account.signed_out", token, area_id=None, data={"everywhere": True} if everywhere else None)
    if everywhere:
        revoke_tokens(work, token.account_id)
    return token
