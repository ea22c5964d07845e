"""The services of a body: offered, changed, ended (M02)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from core.errors import Refusal
from core.ids import new_id
from core.rules.inputs import clean_name, optional_text
from core.work import Work
from plugins.councils.models import Body, ServiceOffer
from plugins.councils.rules.common import require_active
from plugins.councils.rules.standing import officer

OFFER = "councils.service.offer"
TEXTS = {"description": 4000, "place": 200, "times": 200, "contact": 200}


async def offer_service(
    work: Work, *, body_id: UUID, title: str, since: date | None, until: date | None, offer: tuple[str, UUID] | None,
    **texts: str | None,
) -> ServiceOffer:  # fmt: skip
    """A body offers people something, from a day on (today unless told) and until a last day, if there is one.

    `texts` are description, place, times and contact. `offer` is the tag and id of a node of another mechanism that
    everybody sees. Refuses SERVICE_DAYS, BODY_DISSOLVED.
    """
    body = await work.lock(Body, body_id)
    work.require(OFFER, body, owner=await officer(work, body.id))
    require_active(body)
    begins = since or work.happened_on
    if until is not None and until < begins:
        raise Refusal("SERVICE_DAYS", path=("until",))
    service = ServiceOffer(
        id=new_id(), area_id=body.area_id, body_id=body.id, title=clean_name(title, "title"), since=begins, until=until,
        offer_tag=offer and offer[0], offer_id=offer and offer[1], **_clean(texts),
    )  # fmt: skip
    work.add(service)
    work.record("councils.service.offered", service, area_id=body.area_id, data={"body": str(body.id)})
    return service


def _clean(texts: dict[str, str | None]) -> dict[str, str | None]:
    return {name: optional_text(text, name, limit=TEXTS[name]) for name, text in texts.items()}


async def change_service(
    work: Work, *, service_id: UUID, title: str | None, offer: tuple[str, UUID] | None, **texts: str | None
) -> ServiceOffer:
    """Say something about it anew; what is left out stays, and an empty text goes. Refuses SERVICE_OVER, BODY_DISSOLVED."""
    body, service = await _running(work, service_id)
    changed: dict[str, object] = dict(_clean({name: text for name, text in texts.items() if text is not None}))
    if title is not None:
        changed["title"] = clean_name(title, "title")
    if offer is not None:
        changed |= {"offer_tag": offer[0], "offer_id": offer[1]}
    work.change(service, **changed)
    work.record("councils.service.changed", service, area_id=body.area_id, data={"body": str(body.id)})
    return service


async def end_service(work: Work, *, service_id: UUID, on: date | None) -> ServiceOffer:
    """Say which day is its last, today unless told; until then it may be said otherwise. Refuses SERVICE_DAYS,
    SERVICE_OVER, BODY_DISSOLVED."""
    body, service = await _running(work, service_id)
    last = on or work.happened_on
    if last < service.since:
        raise Refusal("SERVICE_DAYS", path=("on",))
    work.change(service, until=last)
    work.record("councils.service.ended", service, area_id=body.area_id, data={"until": last.isoformat()})
    return service


async def _running(work: Work, service_id: UUID) -> tuple[Body, ServiceOffer]:
    body, service = await work.lock_with(ServiceOffer, service_id, Body)
    work.require(OFFER, body, owner=await officer(work, body.id))
    work.expect_version(service)
    require_active(body)
    if service.until is not None and service.until < work.clock.civil_date(work.now):
        raise Refusal("SERVICE_OVER")
    return body, service


async def end_services(work: Work, body: Body) -> None:
    """The body is dissolved, and offers nothing any more; what has not begun ends before its first day. The event that
    says so speaks for it."""
    day = work.clock.civil_date(work.now)
    for service in await work.select(ServiceOffer, lock=True, body_id=body.id):
        if service.until is None or service.until > day:
            work.change(service, until=day)


async def of_the_year(work: Work, body: Body, year: int) -> str | None:
    """What the body offered in a year, as an annual report says it; None where it was nothing."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    offers = await work.select(ServiceOffer, body_id=body.id)
    found = [s for s in offers if s.since <= last and (s.until is None or s.until >= max(first, s.since))]
    found.sort(key=lambda s: (s.since, s.id))
    lines = [f"{s.title}({s.since:%Y-%m-%d}起{f',至{s.until:%Y-%m-%d}止' if s.until else ''})" for s in found]
    return "\n".join(lines) or None
