"""The decision gate that core declares: what others decide is made public here, and takes effect after a clean end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.models import Actor, Area, Entity
from core.rules.inputs import clean_name, clean_text
from core.work import Work
from plugins.disclosure.models import Notice
from plugins.disclosure.rules.common import TEXT
from plugins.disclosure.rules.notices import PERSONAL, concern, line, seal_notice
from plugins.disclosure.rules.windows import not_shorter, window
from plugins.disclosure.settings import DisclosureSettings
from plugins.disclosure.terms import CLOSED, RUNNING, Masking, NoticeState


class Gate:
    """`core.ports.DecisionGate`. It asks for no permission of its own: the rule that calls it has decided that."""

    async def announce(
        self, work: Work, *, subject: Entity, area_id: UUID, kind: str, title: str, body: str, days: int | None = None,
        names: Sequence[tuple[str, UUID]] = (), concerns: Collection[UUID] = (),
    ) -> UUID | None:  # fmt: skip
        """Publish a sealed notice, with a list of those it names; None where disclosure is off. One of this kind about the
        subject that runs, or ended with objections upheld, is superseded. Who asks for fewer days than the area's least gets
        those. The caller records its own event before it. Refuses OPEN_OBJECTIONS."""
        area = await work.get(Area, area_id)
        if "disclosure" not in work.place(area).plugins:
            return None
        settings = await work.settings(DisclosureSettings, area)
        asked = await window(work, settings, area_id, days, None, refuses=False)
        kind = clean_name(kind, "kind", limit=60)
        before = await self._before(work, subject, kind, area_id)
        if before is not None:
            if before.state is NoticeState.OBJECTED:
                raise Refusal("OPEN_OBJECTIONS")
            asked = await not_shorter(work, settings, asked, before, is_explicit=False)
        id = new_id()
        notice = work.add(
            Notice(
                id=id,
                announced_id=id,
                area_id=area_id,
                kind=kind,
                subject_tag=subject.tag,
                subject_id=subject.id,
                organization_id=_organization(subject) if before is None else before.organization_id,
                state=NoticeState.PUBLISHED,
                masking=Masking.FULL if names else Masking.MASKED,
                title=clean_name(title, "title"),
                body=clean_text(body, "body", limit=TEXT),
                supersedes_id=before.id if before is not None else None,
            )
        )
        known = {a.id: a.name for a in await work.select(Actor, id=[id for _, id in names])} if names else {}
        items = [line(work, notice, n, id, f"{mark} {known[id]}") for n, (mark, id) in enumerate(names)]
        await seal_notice(work, notice, asked, items, concerns, is_new=True)
        return notice.id

    async def concern(self, work: Work, subject: Entity, actor_id: UUID) -> None:
        """Queue it for the caller's next event, of each notice that runs."""
        for notice in await self._announced(work, subject):
            if notice.state in RUNNING:
                concern(work, notice, actor_id)

    async def _before(self, work: Work, subject: Entity, kind: str, area_id: UUID) -> Notice | None:
        found = [n for n in await self._announced(work, subject) if (n.kind, n.area_id) == (kind, area_id)]
        same = [n for n in found if n.state not in (NoticeState.CLOSED_CLEAN, NoticeState.SUPERSEDED)]
        return same[-1] if same else None

    async def may_take_effect(self, work: Work, subject: Entity) -> bool:
        """Every notice about it that was announced here has ended clean, or one about it that did stands in its place."""
        found = await self._announced(work, subject)
        replaced = {n.supersedes_id for n in found}
        return all(
            n.id in replaced if n.state is NoticeState.SUPERSEDED else n.state is NoticeState.CLOSED_CLEAN
            for n in found
        )  # fmt: skip

    async def _announced(self, work: Work, subject: Entity) -> list[Notice]:
        """What was announced about it, and the corrections of that; not what others publish and say to be about it."""
        states = [*RUNNING, *CLOSED, NoticeState.SUPERSEDED]
        found = await work.select(Notice, lock=True, subject_tag=subject.tag, subject_id=subject.id, state=states)
        return [n for n in found if n.announced_id is not None]


def _organization(subject: Entity) -> UUID | None:
    """Whose file the notice goes into: the subject's, where that is an organization or names one."""
    kind = getattr(subject, "kind", None)
    if subject.tag == "actor":
        return None if kind in PERSONAL else subject.id
    found: UUID | None = getattr(subject, "organization_id", None)
    return found
