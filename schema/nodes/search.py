"""Finding people and things by name. What a viewer may not see by its true name is not found, and not counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import strawberry

from core import models
from core.enums import ActorKind, MembershipRole, MembershipState
from core.ids import from_global
from core.masks import mask_address
from core.search import END
from core.search import Query as Sought
from schema.nodes.composed import Query, every
from schema.nodes.core import Actor, Area, membership_scope, sees_row
from schema.nodes.declare import (
    Connection,
    Source,
    SourceArgument,
    column,
    computed,
    extend,
    node,
    python,
    to_one,
)
from schema.nodes.expressions import Expr, GlobalId, RowOf, now, select
from schema.nodes.viewing import AreaPath, ViewerFacts
from schema.planning.python_fields import Facts

# --- search ----------------------------------------------------------------------------------------------


def _range(part: Callable[[Sought], str | None]) -> tuple[SourceArgument, SourceArgument]:
    """From what a column must begin with to what no longer does; the same twice where it cannot match."""

    def argument(behind: str) -> SourceArgument:
        def bind(value: Any, context: Any) -> str:
            begins = part(Sought.of(value))
            return "" if begins is None else begins + behind

        what = (
            "A part of a name from two characters: Han (traditional or simplified), pinyin or initials;"
            " 陈明远 is found by 明远, chenming, cmy and 陈my (搜索内容)."
        )
        return SourceArgument(str, bind, "text", "query", what)

    return argument(""), argument(END)


def _written(value: Any, context: Any) -> str:
    return Sought.of(value).written


_TEXT, _PINYIN, _INITIALS = (
    _range(lambda q: q.text), _range(lambda q: q.pinyin), _range(lambda q: q.initials),
)  # fmt: skip
_HAS_WRITTEN = "(:written: = '' OR replace(t.text, :written:, '') <> t.text)"
SEARCH = Source(
    # 0 the whole name, 1 its beginning, 2 inside it, 3 its beginning in letters, 4 inside it in letters; then by length.
    f"""SELECT e.id AS id, e.subject_tag AS subject_tag, e.kind AS kind, e.plugin AS plugin, e.title AS title,
        e.area_id AS area_id, m.tier * 1000 + length(e.title) AS distance
    FROM (
        SELECT f.entry_id AS entry_id, min(f.tier) AS tier FROM (
            SELECT t.entry_id, CASE WHEN t.position > 0 THEN 2 WHEN t.text = :text: THEN 0 ELSE 1 END AS tier
            FROM core_search_term t WHERE t.text >= :text: AND t.text < :text_end:
            UNION ALL SELECT t.entry_id, CASE WHEN t.position > 0 THEN 4 ELSE 3 END FROM core_search_term t
            WHERE t.pinyin >= :pinyin: AND t.pinyin < :pinyin_end: AND {_HAS_WRITTEN}
            UNION ALL SELECT t.entry_id, CASE WHEN t.position > 0 THEN 4 ELSE 3 END FROM core_search_term t
            WHERE t.initials >= :initials: AND t.initials < :initials_end: AND {_HAS_WRITTEN}
            UNION ALL SELECT t.entry_id, 3 FROM core_search_term t
            WHERE t.mixed >= :pinyin: AND t.mixed < :pinyin_end: AND {_HAS_WRITTEN}
        ) f GROUP BY f.entry_id
    ) m JOIN core_search_entry e ON e.id = m.entry_id""",
    {"id": "uuid", "subject_tag": "text", "kind": "text", "plugin": "text", "title": "text", "area_id": "uuid",
     "distance": "int"},
    {
        "text": _TEXT[0], "text_end": _TEXT[1], "pinyin": _PINYIN[0], "pinyin_end": _PINYIN[1],
        "initials": _INITIALS[0], "initials_end": _INITIALS[1],
        "written": SourceArgument(str, _written, "text", "query", _TEXT[0].description),
    },
)  # fmt: skip


def _found(t: RowOf, v: ViewerFacts) -> Expr:
    """People and households by whoever may see their names; things of a plugin where it is on."""
    personal = t.kind.is_in([ActorKind.PERSON, ActorKind.HOUSEHOLD])
    on = select(models.PluginArea).where(
        lambda p: (p.area_id == t.area_id) & (p.plugin == t.plugin) & (p.until.is_null() | (p.until > now))
    )
    return (~personal | sees_row(t, v)) & ((t.plugin == "core") | on.exists())


def _hint_columns(t: RowOf) -> dict[str, Expr]:
    v = ViewerFacts()

    def resides(m: RowOf) -> Expr:
        running = (m.role == MembershipRole.RESIDENT) & (m.state == MembershipState.ACTIVE)
        return (m.actor_id == t.id) & running & membership_scope(m, v)

    def lives_in(m: RowOf) -> Expr:
        household = select(models.Actor).where(
            lambda h: (h.id == m.organization_id) & (h.kind == ActorKind.HOUSEHOLD) & sees_row(h, v)
        )
        return (m.actor_id == t.id) & (m.state == MembershipState.ACTIVE) & household.exists()

    home = select(models.Membership).where(lives_in).first("organization_id", order_by="id")
    own = (t.kind == ActorKind.HOUSEHOLD) & sees_row(t, v)
    return {
        "path": AreaPath(t.area_id),
        "since": select(models.Membership).where(resides).first("since", order_by="since"),
        "own_address": select(models.Actor).where(lambda a: (a.id == t.id) & own).first("address", order_by="id"),
        "address": select(models.Actor).where(lambda a: a.id == home).first("address", order_by="id"),
    }


_SHOWN_OF_ADDRESS = 16


def _hint(values: dict[str, Any], facts: Facts) -> str | None:
    """东孚镇 › 西山社 › 西山社一组 · 2023-05-01 起居住 · 祠堂边 ***."""
    names = [name for name, _ in sorted(json.loads(values["path"]), key=lambda pair: -pair[1])]
    parts = [" › ".join(names[1:] or names)] if names else []
    if values["since"] is not None:
        parts.append(f"resident since {values['since']}" if facts.language == "en" else f"{values['since']} 起居住")
    address = values["own_address"] or values["address"]
    if address is not None:
        shown = mask_address(address)
        parts.append(shown if len(shown) <= _SHOWN_OF_ADDRESS else "…" + shown[-_SHOWN_OF_ADDRESS:])
    return " · ".join(parts) or None


@node(models.SearchEntry, source=SEARCH, scope=_found, place=lambda t: t.area_id, order="distance")
class SearchHit:
    """Something found by its name (搜索结果)."""

    kind: str = column(description="PERSON, HOUSEHOLD, ORGANIZATION …, AREA, or what a plugin calls it (类别).")
    title: str = column(description="Its name as registered (名称).")
    distance: int = column(order=True, description="How far from what was asked; the nearest come first (差异).")
    subject: strawberry.ID = computed(
        lambda t: GlobalId(t.subject_tag, t.id), description="Its own id, for `node(id:)` (对象)."
    )
    hint: str | None = python(
        _hint, columns=_hint_columns, settings=False,
        description="Tells apart what has the same name, from what the viewer may see: where, since when (辨识信息).",
    )  # fmt: skip
    area: Area | None = to_one(description="Where it lies (所在区域).")
    actor: Actor | None = to_one("id", description="The actor, if it is one (主体).")


# --- likely duplicates -----------------------------------------------------------------------------------


def _area_id(value: str, context: Any) -> UUID:
    return from_global(value, "area", "areaId")


DUPLICATES = Source(
    """SELECT x.id AS id, x.earlier_id AS earlier_id, x.area_id AS area_id, x.earlier_area_id AS earlier_area_id,
        CASE WHEN x.name = x.earlier_name THEN 1 ELSE 0 END AS same_name
    FROM (
        SELECT c.id, c.name, c.area_id, first_value(c.id) OVER w AS earlier_id,
            first_value(c.name) OVER w AS earlier_name, first_value(c.area_id) OVER w AS earlier_area_id
        FROM core_actor c WHERE c.gone_at IS NULL AND c.area_id IN
            (SELECT i.descendant_id FROM core_area_closure i WHERE i.until IS NULL AND i.ancestor_id = :area:)
        WINDOW w AS (PARTITION BY c.kind, c.sort_name ORDER BY c.id)
    ) x WHERE x.id <> x.earlier_id""",
    {"id": "uuid", "earlier_id": "uuid", "area_id": "uuid", "earlier_area_id": "uuid", "same_name": "int"},
    {"area": SourceArgument(strawberry.ID, _area_id, "uuid", "areaId", "In this area and below (区域).")},
)


def _clerk_of_both(t: RowOf, v: ViewerFacts) -> Expr:
    return v.may("core.actor.read", t.area_id) & v.may("core.actor.read", t.earlier_area_id)


@node(models.Actor, source=DUPLICATES, scope=_clerk_of_both, place=lambda t: t.area_id)
class LikelyDuplicate:
    """Two actors of one kind whose names are the same, or sound the same (疑似重复)."""

    same_name: bool = computed(lambda t: t.same_name == 1, description="Written the same too, not only said (同名).")
    actor: Actor = to_one("id", description="The one registered later (后登记者).")
    earlier: Actor = to_one(description="The one registered first (先登记者).")


@extend(Query)
class SearchQuery:
    search: Connection[SearchHit] = every(
        description="People, organizations, areas and things by name, the nearest first (搜索)."
    )
    likely_duplicates: Connection[LikelyDuplicate] = every(
        description="For clerks: who may have been registered twice (疑似重复)."
    )
