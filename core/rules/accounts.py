"""Accounts at the desk: invited, reset, disabled by who may, and never of somebody who may more than they."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from core import tickets
from core.access import roles_sql
from core.accounts import hash_token, revoke_tokens
from core.database.dialect import POSTGRES
from core.decisions import GIVE_MANDATES, GRANT_ROLES, carries
from core.enums import AccountState, ActorKind, Role, TicketKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Account, Actor, Area, Identity, Ticket, Token
from core.rules.actors import is_within_own
from core.rules.inputs import clean_name, clean_text
from core.work import Work

INVITE = "core.account.invite"
VERIFY = "core.account.verify"
RESET = "core.account.reset"
DISABLE = "core.account.disable"
MACHINE = "core.token.create"
MACHINE_LIFE = timedelta(days=366)
NO_MACHINES = ("core.account.", "core.token.", "core.role.")  # what would let a machine make itself more than it is


async def invite(work: Work, *, person_id: UUID) -> tuple[Account, str, Ticket]:
    """A ticket with which this person chooses a login and password. Asked again, it takes the place of the one before.

    Refuses NOT_A_PERSON, OWN_MATTER, RIGHTS_ABOVE_OWN, ACCOUNT_EXISTS.
    """
    person = await _person(work, INVITE, person_id)
    account = await work.find(Account, person_id=person.id)
    if account is None:
        account = Account(id=new_id(), person_id=person.id, state=AccountState.INVITED)
        work.add(account)
    elif account.state is not AccountState.INVITED:
        raise Refusal("ACCOUNT_EXISTS", path=("personId",))
    code, ticket = await tickets.issue(work, TicketKind.INVITATION, account_id=account.id)
    work.record("core.account.invited", account, area_id=person.area_id)
    return account, code, ticket


async def reset(work: Work, *, person_id: UUID) -> tuple[Account, str, Ticket]:
    """A ticket with which this person, seen at the desk, chooses a new password.

    Refuses OWN_MATTER, RIGHTS_ABOVE_OWN, NO_ACCOUNT, ACCOUNT_STATE.
    """
    person, account = await _account(work, RESET, person_id, AccountState.ACTIVE)
    code, ticket = await tickets.issue(work, TicketKind.PASSWORD_RESET, account_id=account.id)
    work.record("core.account.reset", account, area_id=person.area_id)
    return account, code, ticket


async def disable(work: Work, *, person_id: UUID, reason: str) -> Account:
    """Nobody gets in by this account, from now on; its tokens and tickets are no good any more.

    Refuses OWN_MATTER, RIGHTS_ABOVE_OWN, NO_ACCOUNT, ACCOUNT_STATE.
    """
    text = clean_text(reason, "reason", limit=2000)
    person, account = await _account(work, DISABLE, person_id, AccountState.ACTIVE, AccountState.INVITED)
    work.change(account, state=AccountState.DISABLED)
    work.record("core.account.disabled", account, area_id=person.area_id, text={"reason": text})
    await tickets.revoke(work, account.id)
    revoke_tokens(work, account.id)
    return account


async def enable(work: Work, *, person_id: UUID, reason: str) -> Account:
    """A disabled account may be used again; whoever has no login yet needs a new invitation."""
    text = clean_text(reason, "reason", limit=2000)
    person, account = await _account(work, DISABLE, person_id, AccountState.DISABLED)
    opened = account.login is not None or bool(await work.rows(
        "SELECT 1 AS yes FROM core_identity WHERE account_id = {} AND removed_at IS NULL LIMIT 1", account.id
    ))  # fmt: skip
    work.change(account, state=AccountState.ACTIVE if opened else AccountState.INVITED)
    work.record("core.account.enabled", account, area_id=person.area_id, text={"reason": text})
    return account


async def _account(work: Work, permission: str, person_id: UUID, *states: AccountState) -> tuple[Actor, Account]:
    person = await _person(work, permission, person_id)
    found = await work.select(Account, lock=True, person_id=person.id)
    if not found:
        raise Refusal("NO_ACCOUNT", path=("personId",))
    if found[0].state not in states:
        raise Refusal("ACCOUNT_STATE", path=("personId",), state=found[0].state)
    return person, found[0]


async def _person(work: Work, permission: str, person_id: UUID) -> Actor:
    """Whose account it is about, if the viewer may deal with it; held, so that two desks do not do so at once."""
    person = await work.lock(Actor, person_id)
    ground = work.require(permission, person)
    if person.kind is not ActorKind.PERSON:
        raise Refusal("NOT_A_PERSON", path=("personId",))
    if person.id == work.viewer.person_id:
        raise Refusal("OWN_MATTER", path=("personId",))
    await rights_within_own(work, person.id)
    work.ground = ground
    return person


async def rights_within_own(work: Work, person_id: UUID) -> None:
    """Whoever opens an account can act as its person: only for those whose every role one could give (`not_above_own`),
    and whose mandates; by what is one's own, not by what one has as somebody's deputy. Refuses RIGHTS_ABOVE_OWN."""
    if work.system:
        return
    own = replace(work.viewer, grants=tuple(grant for grant in work.viewer.grants if grant.deputy_id is None))
    rows = "json_agg" if work.transaction.database.dialect is POSTGRES else "json_group_array"
    above = (
        f"(SELECT {rows}(c.ancestor_id) FROM core_area_closure c"
        " WHERE c.descendant_id = x.area_id AND c.until IS NULL) AS above"
    )
    roles = roles_sql("{0}", of="{1}", to_come=True)
    mandate = "m.person_id = {1} AND m.state = 'ACTIVE' AND (m.until IS NULL OR m.until > {0})"
    held = await work.rows(
        f"SELECT x.role AS role, {above} FROM ({roles}) x"
        f" UNION ALL SELECT NULL, {above} FROM (SELECT m.area_id FROM core_mandate m WHERE {mandate} UNION ALL"
        f" SELECT o.area_id FROM core_mandate m JOIN core_actor o ON o.id = m.organization_id WHERE {mandate}) x",
        work.now, person_id,
    )  # fmt: skip
    for row in held:
        chain = [UUID(id) for id in json.loads(row["above"] or "[]")]
        rule = work.book[GRANT_ROLES if row["role"] else GIVE_MANDATES]
        gives = any(g.area_id in chain and carries(rule, g.role, own, chain) for g in own.grants)
        if not gives or (row["role"] and not is_within_own(work.book, own, Role(row["role"]), chain)):
            raise Refusal("RIGHTS_ABOVE_OWN", path=("personId",))


# --- identities ------------------------------------------------------------------------------------------


async def verify(work: Work, *, ticket: str, person_id: UUID) -> Account:
    """Whoever shows this ticket is this person, seen at the desk: from now on the provider's word lets them in, to the
    account they have or a new one.

    Refuses TICKET_INVALID, NOT_A_PERSON, OWN_MATTER, RIGHTS_ABOVE_OWN, ACCOUNT_STATE, IDENTITY_TAKEN, IDENTITY_EXISTS.
    """
    person = await _person(work, VERIFY, person_id)
    found = await work.select(Account, lock=True, person_id=person.id)
    if found:
        account = found[0]
        if account.state is AccountState.DISABLED:
            raise Refusal("ACCOUNT_STATE", path=("personId",), state=account.state)
        if account.state is AccountState.INVITED:
            work.change(account, state=AccountState.ACTIVE)
            await tickets.revoke(work, account.id)
    else:
        account = Account(id=new_id(), person_id=person.id, state=AccountState.ACTIVE)
        work.add(account)
    identity = await _identity(work, account, ticket)
    work.record("core.account.verified", account, area_id=person.area_id, data={"provider": identity.provider})
    return account


async def link(work: Work, *, ticket: str) -> Identity:
    """The provider's word lets oneself in too, from now on; refuses TICKET_INVALID, IDENTITY_TAKEN, IDENTITY_EXISTS."""
    work.own_matter()
    account = await work.lock(Account, _own_account(work))
    identity = await _identity(work, account, ticket)
    work.record("core.account.linked", account, area_id=None, data={"provider": identity.provider})
    return identity


async def unlink(work: Work, *, identity_id: UUID) -> Identity:
    """A provider's word lets oneself in no more; refuses NOT_FOUND for others', ALREADY_ENDED, and LAST_WAY_IN."""
    work.own_matter()
    account = await work.lock(Account, _own_account(work))
    identity = await work.lock(Identity, identity_id)
    if identity.account_id != account.id:
        raise Refusal("NOT_FOUND", path=("identityId",), kind=Identity.tag)
    if identity.removed_at is not None:
        raise Refusal("ALREADY_ENDED")
    others = await work.select(Identity, account_id=account.id, removed_at=None)
    if account.login is None and len(others) == 1:
        raise Refusal("LAST_WAY_IN")
    work.change(identity, removed_at=work.now)
    work.record("core.account.unlinked", identity, area_id=None, data={"provider": identity.provider})
    return identity


def _own_account(work: Work) -> UUID:
    if work.viewer.account_id is None:
        raise Refusal("NOT_SIGNED_IN")
    return work.viewer.account_id


async def _identity(work: Work, account: Account, ticket: str) -> Identity:
    used = await tickets.take(work, tickets.hash_code(ticket), TicketKind.IDENTITY)
    identity = Identity(
        id=new_id(), account_id=account.id, provider=used.data["provider"], subject=used.data["subject"]
    )
    return work.add(identity)


# --- tokens ----------------------------------------------------------------------------------------------


async def revoke_token(work: Work, *, token_id: UUID) -> Token:
    """One of one's own; refuses NOT_FOUND for others', ALREADY_ENDED."""
    work.own_matter()
    token = await work.lock(Token, token_id)
    if token.account_id != work.viewer.account_id:
        raise Refusal("NOT_FOUND", path=("tokenId",), kind=Token.tag)
    if token.revoked_at is not None or token.expires_at <= work.now:
        raise Refusal("ALREADY_ENDED")
    work.patch(token, revoked_at=work.now)
    work.record("core.token.revoked", token, area_id=None)
    return token


async def create_machine_token(
    work: Work, *, label: str, permissions: Sequence[str], area_id: UUID, expires_at: datetime
) -> tuple[Token, str]:
    """A token for a program: it can do what one may do oneself, as long as one may, with these permissions, in this area
    and below. Never signs in, makes tokens, deals with accounts or gives roles.

    Refuses EMPTY_LIST, UNKNOWN_PERMISSION, NOT_FOR_MACHINES, NOT_PERMITTED, IN_THE_PAST, TOO_LONG.
    """
    work.in_person()
    area = await work.get(Area, area_id)
    work.require(MACHINE, area)
    if not permissions:
        raise Refusal("EMPTY_LIST", path=("permissions",))
    for number, key in enumerate(dict.fromkeys(permissions)):
        if key not in work.book:
            raise Refusal("UNKNOWN_PERMISSION", path=("permissions", str(number)), permission=key[:100])
        if key.startswith(NO_MACHINES):
            raise Refusal("NOT_FOR_MACHINES", path=("permissions", str(number)), permission=key)
        work.entitled(key, area)
    if expires_at <= work.now:
        raise Refusal("IN_THE_PAST", path=("expiresAt",))
    if expires_at > work.now + MACHINE_LIFE:
        raise Refusal("TOKEN_TOO_LONG", path=("expiresAt",), days=MACHINE_LIFE.days)
    secret = secrets.token_urlsafe(32)
    token = Token(
        id=new_id(), account_id=work.viewer.account_id, hash=hash_token(secret), label=clean_name(label, "label"),
        scope={"permissions": sorted(set(permissions))}, scope_area_id=area.id, created_at=work.now, expires_at=expires_at,
    )  # fmt: skip
    work.append(token)
    work.record("core.token.created", token, area_id=area.id, data={"permissions": sorted(set(permissions))})
    return token, secret
