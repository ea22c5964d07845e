"""Signing in: argon2 passwords, opaque tokens kept as hashes, the same answer for every failure."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import threading
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.enums import AccountState, ActorKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Account, Actor, Token
from core.rules.inputs import clean_name
from core.runtime import Runtime
from core.work import Work

TOKEN_LIFE = timedelta(hours=12)
PASSWORD_MIN = 10
PASSWORD_MAX = 200
FAILURES = 10
FAILURES_ANYWHERE = 100
FAILURE_WINDOW = timedelta(minutes=15)

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
    return clean_name(login, "login", limit=100).lower()


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


async def hash_password(password: str) -> str:
    """Refuses PASSWORD_TOO_SHORT (10 characters) and TEXT_TOO_LONG (200)."""
    if len(password) < PASSWORD_MIN:
        raise Refusal("PASSWORD_TOO_SHORT", path=("password",), minimum=PASSWORD_MIN)
    if len(password) > PASSWORD_MAX:
        raise Refusal("TEXT_TOO_LONG", path=("password",), limit=PASSWORD_MAX, length=len(password))
    return await asyncio.to_thread(_hash, password)


def _hash(password: str) -> str:
    with _slots:
        return _hasher.hash(password)


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
    are counted in the database, so that all workers count together.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def __call__(self, login: str, password: str, address: str = "") -> tuple[str, Token]:
        """The new token (shown once) and its row; refuses SIGN_IN_FAILED, SIGN_IN_THROTTLED."""
        name = login.strip().lower()[:100]
        counted = (hash_token(f"{name} {address}"), hash_token(name))
        await self._count(*counted)
        mark = self.runtime.database.dialect.mark
        rows = await self.runtime.database.read(
            f"SELECT id, password_hash, state FROM core_account WHERE login = {mark(1)}", [name]
        )
        stored = rows[0][1] if rows else await asyncio.to_thread(_decoy)
        correct = await asyncio.to_thread(_matches, stored, password[: PASSWORD_MAX + 1])
        if not rows or not correct or rows[0][2] != AccountState.ACTIVE.value:
            raise Refusal("SIGN_IN_FAILED")
        return await issue_token(self.runtime, rows[0][0], forget=counted)

    async def _count(self, here: str, anywhere: str) -> None:
        """One more failure, until it proves to be none: counted before the slow check, so that parallel guesses do not
        slip through together. Refuses SIGN_IN_THROTTLED."""
        database, now = self.runtime.database, self.runtime.clock.now()
        mark, limits = database.dialect.mark, {here: FAILURES, anywhere: FAILURES_ANYWHERE}
        throttled = Refusal("SIGN_IN_THROTTLED", minutes=int(FAILURE_WINDOW.total_seconds() // 60))
        over = now - FAILURE_WINDOW
        known = await database.read(
            f"SELECT key, failures FROM core_sign_in_failures WHERE key IN ({mark(1)}, {mark(2)}) AND since > {mark(3)}",
            [here, anywhere, over],
        )
        if any(failures >= limits[key] for key, failures in known):
            raise throttled
        async with database.transaction() as transaction:
            rows = await transaction.fetch(
                f"INSERT INTO core_sign_in_failures AS f (key, failures, since)"
                f" VALUES ({mark(1)}, 1, {mark(3)}), ({mark(2)}, 1, {mark(3)}) ON CONFLICT (key) DO UPDATE SET"
                f" failures = CASE WHEN f.since > {mark(4)} THEN f.failures + 1 ELSE 1 END,"
                f" since = CASE WHEN f.since > {mark(4)} THEN f.since ELSE excluded.since END"
                " RETURNING key, failures",
                here, anywhere, now, over,
            )  # fmt: skip
        if any(row["failures"] > limits[row["key"]] for row in rows):
            raise throttled


async def issue_token(
    runtime: Runtime, account_id: Any, life: timedelta = TOKEN_LIFE, forget: Sequence[str] = ()
) -> tuple[str, Token]:
    """A new token for an active account, whose failures under the keys `forget` are forgotten; refuses SIGN_IN_FAILED
    for a disabled one."""
    token = secrets.token_urlsafe(32)
    now = runtime.clock.now()
    row = Token(id=new_id(), account_id=account_id, hash=hash_token(token), created_at=now, expires_at=now + life)

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


async def sign_out(work: Work) -> Token:
    """Revoke the token of this request."""
    token = await work.find(Token, hash=work.viewer.token_hash)
    if token is None:
        raise Refusal("NOT_SIGNED_IN")
    work.own_matter()
    work.patch(token, revoked_at=work.now)
    work.record("core.account.signed_out", token, area_id=None)
    return token
