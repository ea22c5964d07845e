"""Secrets that work once: made for a purpose, told once, kept as a hash, gone after their time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from core.enums import TicketKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Ticket
from core.work import Work

LIVES = {
    TicketKind.INVITATION: timedelta(days=7),
    TicketKind.PASSWORD_RESET: timedelta(days=1),
    TicketKind.CHALLENGE: timedelta(minutes=10),
    TicketKind.IDENTITY: timedelta(days=7),
}
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is read as something else
_READ_AS = str.maketrans("OIL", "011")
_LENGTH = 16  # 80 bits, for people to write down


def new_code() -> str:
    """`K7QM-3XWP-9TDA-HHYN`."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(code[n : n + 4] for n in range(0, _LENGTH, 4))


def hash_code(code: str) -> str:
    """However it was written: case, spaces and dashes do not matter, and O is 0."""
    clean = "".join(c for c in code[:100].upper() if c.isalnum()).translate(_READ_AS)
    return hashlib.sha256(clean.encode()).hexdigest()


async def issue(
    work: Work, kind: TicketKind, *, account_id: UUID, data: dict[str, str] | None = None
) -> tuple[str, Ticket]:
    """A new ticket for an account, in place of the one before, and what is to be handed over. The next `record` speaks
    for it."""
    await revoke(work, account_id, kind)
    code = new_code()
    return code, append(work, kind, hash_code(code), account_id=account_id, data=data)


def append(
    work: Work, kind: TicketKind, hash: str, *, account_id: UUID | None = None, data: dict[str, str] | None = None
) -> Ticket:
    ticket = Ticket(
        id=new_id(), kind=kind, account_id=account_id, hash=hash, data=data or {}, created_at=work.now,
        expires_at=work.now + LIVES[kind],
    )  # fmt: skip
    work.append(ticket)
    return ticket


async def revoke(work: Work, account_id: UUID, *kinds: TicketKind) -> None:
    """What is still open of these kinds, or of any, is so no more."""
    among = ", ".join(f"'{kind}'" for kind in kinds or TicketKind)
    await work.rows(
        f"UPDATE core_ticket SET used_at = {{}} WHERE account_id = {{}} AND used_at IS NULL AND kind IN ({among})",
        work.now, account_id,
    )  # fmt: skip


async def take(work: Work, hash: str, *kinds: TicketKind) -> Ticket:
    """The live ticket with this hash, held, and used from now on; one of no account is gone then. Refuses
    TICKET_INVALID for every other."""
    found = await work.select(Ticket, lock=True, hash=hash)
    ticket = found[0] if found else None
    if ticket is None or ticket.kind not in kinds or ticket.used_at is not None or ticket.expires_at <= work.now:
        raise Refusal("TICKET_INVALID", path=("ticket",))
    if ticket.account_id is None:
        await work.rows("DELETE FROM core_ticket WHERE id = {}", ticket.id)
    else:
        await work.rows("UPDATE core_ticket SET used_at = {} WHERE id = {}", work.now, ticket.id)
    return ticket
