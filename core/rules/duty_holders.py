"""Who may do something about a row now: the nearest area upward in which somebody eligible is (INV10, INV13).

In a small team everybody may be concerned; the duty then passes to the area above, and this says so and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.models import Model

from core.access import LATELY, PermissionRule, own_sql, roles_sql
from core.decisions import carriers
from core.duties import Matter
from core.errors import Refusal
from core.models import Area
from core.settings.store import as_uuid
from core.work import Work

READ_NAMES = "core.actor.read"


@dataclass(frozen=True)
class Holder:
    """Somebody eligible: by name or by a post, perhaps for its holder. Without an id for who may not see the name."""

    person_id: UUID | None
    name: str
    post: str | None
    is_deputy: bool


@dataclass(frozen=True)
class Step:
    """An area that was looked at: how many hold the permission there, and for how many it is their own matter."""

    area: Area
    holders: int
    concerned: int


@dataclass(frozen=True)
class DutyHolders:
    """`steps` go up from where the row lies to the area in which the `holders` are, or to the root in vain. It was
    `passed_up` when an area below has somebody, but everybody there is concerned."""

    is_open: bool
    steps: tuple[Step, ...] = ()
    holders: tuple[Holder, ...] = ()
    passed_up: bool = False


async def duty_holders(work: Work, *, permission: str, row: Model) -> DutyHolders:
    """For whoever is signed in; refuses NOT_SIGNED_IN, UNKNOWN_PERMISSION, LIES_NOWHERE, PLUGIN_DISABLED."""
    if not work.viewer.signed_in:
        raise Refusal("NOT_SIGNED_IN")
    if permission not in work.book:
        raise Refusal("UNKNOWN_PERMISSION", path=("permission",), permission=permission)
    rule = work.book[permission]
    place = work.place(row) if work.knows_place(row) else None
    if place is None or not place.chain:
        raise Refusal("LIES_NOWHERE", path=("on",))
    if rule.owner != "core" and rule.owner not in place.plugins:
        raise Refusal("PLUGIN_DISABLED", plugin=rule.owner)
    if rule.is_open:
        return DutyHolders(is_open=True)
    matters = {model: tell for duties in work.kernel.duties for model, tell in duties.matters.items()}
    matter = await matters[type(row)](work, row) if type(row) in matters else Matter(set())
    found = await _holding(work, rule, place.chain, matter)
    areas = {a.id: a for a in await work.select(Area, id=list(place.chain))}
    steps: list[Step] = []
    for area_id in reversed(place.chain):
        here = [r for r in found if as_uuid(r["area_id"]) == area_id]
        concerned = {as_uuid(r["person_id"]) for r in here if r["own"]}
        everybody = {as_uuid(r["person_id"]) for r in here}
        steps.append(Step(areas[area_id], len(everybody), len(concerned)))
        if everybody - concerned:
            eligible = tuple(_shown(work, r) for r in here if not r["own"])
            return DutyHolders(False, tuple(steps), eligible, passed_up=any(s.concerned for s in steps[:-1]))
    return DutyHolders(False, tuple(steps), passed_up=any(s.concerned for s in steps))


def _shown(work: Work, row: Any) -> Holder:
    person_id = as_uuid(row["person_id"])
    sees = bool(row["named"]) or person_id == work.viewer.person_id
    return Holder(
        person_id if sees else None, row["name"] if sees else row["masked_name"], row["title"], bool(row["is_deputy"])
    )


async def _holding(work: Work, rule: PermissionRule, chain: tuple[UUID, ...], matter: Matter) -> list[Any]:
    """Who holds a role that carries it in these areas and can sign in, with whether it is their own matter."""
    values: list[Any] = [work.now, work.now - LATELY]

    def among(column: str, ids: Any) -> str:
        known = sorted(ids, key=str)
        values.extend(known)
        marks = ", ".join(f"{{{len(values) - len(known) + n}}}" for n in range(len(known)))
        return f"{column} IN ({marks})" if known else "1 = 0"

    given = f"{among('g.role', [str(r) for r in carriers(rule, work.viewer, chain)])} AND {among('g.area_id', chain)}"
    concerned = among("o.id", matter.of)
    excluded = among("x.person_id", matter.not_by)
    named = among("c.ancestor_id", work.viewer.areas(work.book[READ_NAMES]))
    return await work.rows(
        f"""SELECT x.area_id, x.person_id, x.title, x.is_deputy, k.name, k.masked_name,
          (EXISTS (SELECT 1 FROM ({own_sql("x.person_id", "{0}", "{1}")}) o WHERE {concerned}) OR {excluded}) AS own,
          EXISTS (SELECT 1 FROM core_area_closure c WHERE c.descendant_id = k.area_id AND c.until IS NULL AND {named})
            AS named
        FROM (SELECT DISTINCT r.area_id, r.person_id, p.title, CASE WHEN r.deputy_id IS NULL THEN 0 ELSE 1 END AS is_deputy
          FROM ({roles_sql("{0}", given=given)}) r LEFT JOIN core_post p ON p.id = r.post_id) x
        JOIN core_actor k ON k.id = x.person_id AND k.gone_at IS NULL
        WHERE EXISTS (SELECT 1 FROM core_account a WHERE a.person_id = x.person_id AND a.state = 'ACTIVE')
        ORDER BY k.sort_name, x.person_id, x.is_deputy""",
        *values,
    )
