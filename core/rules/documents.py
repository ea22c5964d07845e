"""Rule documents (制度文件): issued, superseded by the next edition, withdrawn; settings rest on them (M46)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from core.enums import DocumentState
from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, RuleDocument
from core.rules.inputs import clean_name, optional_text
from core.settings.file import Cited
from core.work import Work


async def citable(work: Work, document_id: UUID, chain: Sequence[UUID], path: tuple[str, ...]) -> None:
    """A rule rests on a document of the area or one above it, that is in force today."""
    document = await work.find(RuleDocument, id=document_id)
    if document is None or document.area_id not in chain:
        raise Refusal("NOT_FOUND", path=path, kind="ruledocument")
    cited = Cited.of(
        document.id, document.state, document.effective_from, document.provisional_until, work.clock.today()
    )
    if not cited.is_in_force:
        raise Refusal("DOCUMENT_NOT_IN_FORCE", path=path, document=document.title, why=cited.why)


async def issue_document(
    work: Work, *, area_id: UUID, issuer_id: UUID, title: str, edition: str, url: str | None,
    effective_from: date, provisional_until: date | None,
) -> RuleDocument:  # fmt: skip
    """Issue a rule document in an area; an edition of the same title in force is superseded.

    Refuses NOT_PERMITTED, DOCUMENT_EXISTS (this edition is in force), BAD_PERIOD_OF_FORCE, BAD_URL (https or http only).
    """
    area = await work.lock(Area, area_id)
    work.require("core.document.issue", area)
    await work.get(Actor, issuer_id)
    if provisional_until is not None and provisional_until < effective_from:
        raise Refusal("BAD_PERIOD_OF_FORCE", path=("provisionalUntil",))
    name = clean_name(title, "title")
    former = await work.find(RuleDocument, area_id=area_id, title=name, state=DocumentState.IN_FORCE)
    if former is not None:
        if former.edition == edition:
            raise Refusal("DOCUMENT_EXISTS", path=("edition",))
        work.change(former, state=DocumentState.SUPERSEDED)
    document = RuleDocument(
        id=new_id(), area_id=area_id, issuer_id=issuer_id, title=name, edition=clean_name(edition, "edition", limit=40),
        url=_web_address(url), effective_from=effective_from, provisional_until=provisional_until,
        state=DocumentState.IN_FORCE, supersedes_id=former.id if former else None,
    )  # fmt: skip
    work.add(document)
    work.record("core.document.issued", document, area_id=area_id, data={"title": name, "edition": document.edition})
    return document


def _web_address(url: str | None) -> str | None:
    text = optional_text(url, "url", limit=500)
    if text is not None and not re.fullmatch(r"https?://[^/\s]\S*", text, re.IGNORECASE):
        raise Refusal("BAD_URL", path=("url",))
    return text


async def withdraw_document(work: Work, *, document_id: UUID, reason: str) -> RuleDocument:
    """Take a document out of force, with a reason; what it set stays until somebody changes it."""
    document = await work.lock(RuleDocument, document_id)
    work.require("core.document.issue", document)
    work.expect_version(document)
    if document.state is not DocumentState.IN_FORCE:
        raise Refusal("DOCUMENT_STATE", state=document.state)
    text = optional_text(reason, "reason", limit=2000)
    if text is None:
        raise Refusal("EMPTY_TEXT", path=("reason",))
    work.change(document, state=DocumentState.WITHDRAWN)
    work.record("core.document.withdrawn", document, area_id=document.area_id, text={"reason": text})
    return document
