"""The yearly file of an organization (年度档案): what happened to it, built from events as they come, never typed in."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from core.events import EventRecord
from core.ids import new_id
from core.ledger import LARGEST
from core.models import Actor, Area
from core.work import Work
from plugins.disclosure.models import FileEntry
from plugins.disclosure.rules.notices import PERSONAL
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import Heading

NAMED_AS = ("organization", "actor", "recipient", "grantee", "payee")  # how events name whom they are about
OWN = (
    "disclosure.notice.published", "disclosure.notice.closed", "disclosure.objection.answered",
    "disclosure.story.published", "disclosure.story.withdrawn",
)  # fmt: skip
_HEADINGS = {
    "ratings": Heading.RATING,
    "grants": Heading.GRANT,
    "funds": Heading.MONEY,
    "disclosure": Heading.DISCLOSURE,
}


async def hear(work: Work, event: EventRecord) -> None:
    """File an event under each organization it names, where the area's settings say that its type is filed."""
    named = set(_named(event))
    if not named or event.area_id is None or event.type.startswith(("core.", "disclosure.file.")):
        return
    area = await work.find(Area, id=event.area_id)
    if area is None or "disclosure" not in work.place(area).plugins:
        return
    settings = await work.settings(DisclosureSettings, area)
    if not any(event.type == t or (t.endswith(".") and event.type.startswith(t)) for t in settings.file_events):
        return
    actors = await work.select(Actor, id=list(named))
    filed = {e.organization_id for e in await work.select(FileEntry, source_id=event.id)}
    made = [_entry(work, event, a.id) for a in actors if a.kind not in PERSONAL and a.id not in filed]
    if not made:
        return
    work.require("disclosure.publish", area)
    for entry in made:
        work.add(entry)
        work.record("disclosure.file.entered", entry, area_id=event.area_id, data={"event": str(event.id)})


def _named(event: EventRecord) -> Iterator[UUID]:
    for key in NAMED_AS:
        value = event.data.get(key)
        if isinstance(value, str):
            try:
                yield UUID(value.removeprefix("actor_"))
            except ValueError:
                continue


def _entry(work: Work, event: EventRecord, organization_id: UUID) -> FileEntry:
    amount = event.data.get("amount")
    is_amount = isinstance(amount, int) and not isinstance(amount, bool) and abs(amount) <= LARGEST
    return FileEntry(
        id=new_id(),
        area_id=event.area_id,
        organization_id=organization_id,
        year=work.clock.civil_date(event.occurred_at).year,
        heading=_heading(event.type),
        type=event.type,
        source_id=event.id,
        subject_tag=event.subject_tag,
        subject_id=event.subject_id,
        amount=amount if is_amount else None,
        occurred_at=event.occurred_at,
    )


def _heading(type: str) -> Heading:
    if type.startswith("disclosure.story."):
        return Heading.STORY
    return _HEADINGS.get(type.partition(".")[0], Heading.ACTIVITY)
