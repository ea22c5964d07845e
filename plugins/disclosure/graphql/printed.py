"""The printed notice as a field: what the page needs, read with the notice."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.enums import ActorKind, AreaKind, OrganizationKind
from core.models import Actor, Area
from core.settings.store import as_day
from plugins.disclosure import models, paper, printing
from plugins.disclosure.graphql.texts import Texts, pairs
from plugins.disclosure.terms import HIDDEN, DayKind, NoticeState, RecordKind
from schema.nodes.expressions import Expr, RowOf, select
from schema.nodes.viewing import AreaChain

SELF_GOVERNING = (
    OrganizationKind.RESIDENTS_COMMITTEE,
    OrganizationKind.VILLAGERS_COMMITTEE,
    OrganizationKind.VILLAGE_SUPERVISION_COMMITTEE,
)
WHY = "A published notice is for everybody to print, its list with it."


def columns(t: RowOf) -> dict[str, Expr]:
    found = {c: getattr(t, c) for c in ("title", "kind", "body", "from_day", "last_day", "days", "day_kind", "hash")}
    area = select(Area).where(lambda a: a.id == t.area_id)
    committee = select(Actor).where(
        lambda a: (
            (a.id == t.organization_id)
            & (a.area_id == t.area_id)
            & (a.kind == ActorKind.ORGANIZATION)
            & a.organization_kind.is_in(list(SELF_GOVERNING))
        )
    )
    items = Texts(models.Item, lambda i: i.notice_id == t.id, "position", "text", "salt")
    prolonged = Texts(
        models.Record, lambda r: (r.notice_id == t.id) & (r.kind == RecordKind.PROLONGED), "seq", "body", "hash"
    )
    corrects = select(models.Notice).where(lambda n: (n.id == t.supersedes_id) & ~n.state.is_in(list(HIDDEN)))
    return {
        **found,
        "is_known": t.last_day_is_known,
        "items": items,
        "prolonged": prolonged,
        "area": area.first("name", order_by="id"),
        "area_kind": area.first("kind", order_by="id"),
        "committee": committee.first("name", order_by="id"),
        "corrects": corrects.first("title", order_by="id"),
        "state": t.state,
        "chain": AreaChain(t.area_id),
    }


def as_html(size: str) -> Callable[[dict[str, Any], Any], str | None]:
    return _printed(lambda page: printing.html(page, size))


def as_pdf(size: str) -> Callable[[dict[str, Any], Any], str | None]:
    """In base64."""
    return _printed(lambda page: b64encode(paper.pdf(page, size)).decode())


def _printed(how: Callable[[printing.Page], str]) -> Callable[[dict[str, Any], Any], str | None]:
    def made(values: dict[str, Any], facts: Any) -> str | None:
        """None for a draft: there is nothing sealed to print."""
        first, last = as_day(values["from_day"]), as_day(values["last_day"])
        if values["hash"] is None or first is None or last is None:
            return None
        chain = [UUID(id) for id, _ in sorted(json.loads(values["chain"]), key=lambda pair: -pair[1])]
        declared = facts.kernel.settings.declared["disclosure"]
        said = printing.Page(
            title=values["title"],
            kind=values["kind"],
            body=values["body"],
            items=[text for text, _ in pairs(values["items"])],
            signed=values["committee"] or values["area"],
            here=f"本{AreaKind(values['area_kind']).zh}",
            from_day=first,
            last_day=last,
            days=values["days"],
            days_off=sum(len(json.loads(body).get("off", ())) for body, _ in pairs(values["prolonged"])),
            day_kind=DayKind(values["day_kind"]),
            is_known=bool(values["is_known"]),
            corrects=values["corrects"] or "",
            is_over=values["state"] == NoticeState.SUPERSEDED,
            hash=values["hash"],
            verify_url=facts.book.effective(declared, chain)["verify_url"].value,
        )
        return how(said)

    return made
