"""What the rules of disclosure share: the chain of an area, salts and digests, and who is concerned in a notice.

A notice's row is locked first, then its area (`chain_end`), always in this order.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.settings.store import as_instant, as_uuid
from core.work import Work
from plugins.disclosure import seal
from plugins.disclosure.models import Notice, Objection, Posting, Record, whom
from plugins.disclosure.terms import RUNNING, RecordKind

TEXT = 10_000


def new_salt() -> str:
    return secrets.token_hex(32)


async def chain_end(work: Work, area_id: UUID) -> tuple[int, str, datetime]:
    """Number, hash and time of the last record of an area, whose chain nobody else adds to until the end of the transaction."""
    queued = [r for r in work.queued(Record) if r.area_id == area_id]
    if queued:
        return queued[-1].seq, queued[-1].hash, queued[-1].sealed_at
    await work.rows("SELECT a.id AS id FROM core_area a WHERE a.id = {}" + work.hold("a"), area_id)
    rows = await work.rows(
        "SELECT r.seq AS seq, r.hash AS hash, r.sealed_at AS sealed_at FROM disclosure_record r WHERE r.area_id = {}"
        " ORDER BY r.seq DESC LIMIT 1",
        area_id,
    )
    if not rows:
        return 0, seal.FIRST, work.now
    return rows[0]["seq"], rows[0]["hash"], as_instant(rows[0]["sealed_at"]) or work.now


async def sealed(
    work: Work,
    kind: RecordKind,
    notice: Notice,
    *,
    objection: Objection | None = None,
    posting: Posting | None = None,
    texts: dict[str, Any] | None = None,
    **facts: Any,
) -> Record:
    """Queue the next record of the area's chain, not older than the one before it, which may have been made while we
    waited. `texts` holds digests only."""
    seq, prev, before = await chain_end(work, notice.area_id)
    at = max(work.now, before)
    said = {"objection": str(objection.id)} if objection is not None else {}
    body = seal.canonical(
        {
            "format": seal.FORMAT,
            "area": str(notice.area_id),
            "seq": seq + 1,
            "prev": prev,
            "kind": str(kind),
            "notice": str(notice.id),
            "at": at.astimezone(work.clock.zone).isoformat(timespec="milliseconds"),
            **said,
            **({"texts": texts} if texts else {}),
            **facts,
        }
    )
    return work.add(
        Record(
            id=new_id(),
            area_id=notice.area_id,
            notice_id=notice.id,
            objection_id=objection.id if objection else None,
            posting_id=posting.id if posting else None,
            seq=seq + 1,
            kind=kind,
            prev_hash=prev,
            hash=seal.hash_of(body),
            body=body,
            sealed_at=at,
        )
    )


async def concerned(work: Work, notice: Notice) -> set[UUID]:
    """Whose own matter a notice is."""
    rows = await work.rows(whom("{}"), *[notice.id] * 4)
    return {as_uuid(row["id"]) for row in rows if row["id"] is not None}


def about(notice: Notice) -> dict[str, str]:
    """What events say; whoever announced a decision finds it again by the subject."""
    subject = {"subjectTag": notice.subject_tag, "subjectId": str(notice.subject_id)} if notice.subject_tag else {}
    organization = {"organization": str(notice.organization_id)} if notice.organization_id else {}
    return {"notice": str(notice.id), "kind": notice.kind, **subject, **organization}


def about_decided(notice: Notice) -> dict[str, str]:
    """The same for others to act on: only what the decision gate announced, and what corrects that, speaks of a decided
    matter; anybody who publishes may name one."""
    said = about(notice)
    if notice.announced_id is None:
        return {k: v for k, v in said.items() if k not in ("subjectTag", "subjectId")}
    return {**said, "announced": str(notice.announced_id)}


def objected(what: str, objection: Objection) -> str:
    """The type of an event that names who objects: of a confidential objection, one that the log keeps from others."""
    return f"disclosure.objection.{what}{'_in_confidence' if objection.is_confidential else ''}"


def require_running(notice: Notice) -> None:
    """Refuses NOTICE_STATE."""
    if notice.state not in RUNNING:
        raise Refusal("NOTICE_STATE", state=notice.state)
