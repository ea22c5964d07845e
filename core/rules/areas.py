"""Areas: create, rename, move (M14). Moving closes old closure rows and opens new ones; history stays as it was."""

from __future__ import annotations

import re
from uuid import UUID

from core.enums import AreaKind
from core.errors import Refusal
from core.ids import new_id
from core.models import Area, AreaClosure
from core.rules.inputs import clean_name
from core.settings.store import VERSION, reach
from core.work import Work

_CODE = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def is_area_code(text: str) -> bool:
    """Lower-case letters, digits, `-` and `.`; at most 64."""
    return len(text) <= 64 and _CODE.fullmatch(text) is not None


def clean_code(code: str, *path: str) -> str:
    """Refuses BAD_AREA_CODE."""
    if not is_area_code(code):
        raise Refusal("BAD_AREA_CODE", path=path, value=code[:80])
    return code


async def create_area(work: Work, *, code: str, name: str, kind: AreaKind, parent_id: UUID | None) -> Area:
    """A new area under `parent_id`; only the server itself makes a root.

    Refuses BAD_AREA_CODE (lower-case letters, digits, `-` and `.`; at most 64), AREA_CODE_TAKEN, NOT_PERMITTED.
    """
    area = Area(
        id=new_id(), code=clean_code(code, "code"), name=clean_name(name, "name"), kind=kind, parent_id=parent_id
    )
    ancestors: list[tuple[UUID, int]] = [(area.id, 0)]
    if parent_id is not None:
        await hold_settings(work)
        parent = await work.lock(Area, parent_id)
        work.require("core.area.manage", parent)
        above = await work.select(AreaClosure, descendant_id=parent_id, until=None)
        ancestors += [(row.ancestor_id, row.depth + 1) for row in above]
    elif work.system:
        work.require("core.area.manage", area)
        await next_version(work)
    else:
        raise Refusal("PARENT_NEEDED", path=("parentId",))
    work.add(area)
    for ancestor_id, depth in ancestors:
        work.append(_closure(work, ancestor_id, area.id, depth))
    work.record("core.area.created", area, area_id=parent_id, data={"code": code})
    if parent_id is not None:
        work.then(
            "INSERT INTO core_plugin_area (id, plugin, area_id, until)"
            " SELECT p.plugin || ':' || CAST(a.id AS text), p.plugin, a.id, p.until"
            " FROM core_plugin_area p JOIN core_area a ON a.parent_id = p.area_id WHERE a.id = {}",
            area.id,
        )
    return area


async def hold_settings(work: Work, *, alone: bool = False) -> None:
    """Let nobody change toggles while the tree changes, because what is on where follows from both; `alone`: nor let
    anybody else change the tree. Always the first lock that is taken, so that nobody waits in a circle."""
    strength = " FOR UPDATE" if alone else " FOR SHARE"
    await work.rows(VERSION + (strength if work.transaction.database.dialect.name == "postgres" else ""))


async def next_version(work: Work) -> int:
    """Hold the settings alone, and raise their version: what holds where is about to change."""
    work.changes_settings = True
    rows = await work.rows("UPDATE core_governance SET version = version + 1 WHERE id = 1 RETURNING version")
    return int(rows[0]["version"])


def refresh_reach(work: Work, area_id: UUID | None = None) -> None:
    """Queue the recount of where plugins are on, at and below an area, or everywhere."""
    for sql, values in reach(work.kernel.needs, work.now, area_id):
        work.then(sql, *values)


def _closure(work: Work, ancestor_id: UUID, descendant_id: UUID, depth: int) -> AreaClosure:
    return AreaClosure(
        id=new_id(), ancestor_id=ancestor_id, descendant_id=descendant_id, depth=depth, since=work.now, until=None
    )


async def rename_area(work: Work, *, area_id: UUID, name: str) -> Area:
    area = await work.lock(Area, area_id)
    work.require("core.area.manage", area)
    work.expect_version(area)
    former = area.name
    work.change(area, name=clean_name(name, "name"))
    work.record("core.area.renamed", area, area_id=area.id, text={"former": former})
    return area


async def move_area(work: Work, *, area_id: UUID, parent_id: UUID, event_type: str = "core.area.moved") -> Area:
    """Put an area, with everything below it, under another parent; refuses AREA_CYCLE.

    The mover needs the permission over both the area and its new parent. Bounds, toggles and needs hold at once as
    they are there.
    """
    await next_version(work)
    # One move at a time, by holding the roots: two moves that are each fine could close a cycle together.
    await work.select(Area, lock=True, parent_id=None)
    area = await work.lock(Area, area_id)
    work.require("core.area.manage", area)
    work.expect_version(area)
    parent = await work.lock(Area, parent_id)
    work.require("core.area.manage", parent)
    below = await work.select(AreaClosure, lock=True, ancestor_id=area_id, until=None)
    inside = {row.descendant_id: row.depth for row in below}
    if parent_id in inside:
        raise Refusal("AREA_CYCLE", path=("parentId",))
    above = await work.select(AreaClosure, lock=True, descendant_id=parent_id, until=None)
    for row in await work.select(AreaClosure, lock=True, descendant_id=list(inside), until=None):
        if row.ancestor_id not in inside:
            work.patch(row, until=work.now)
    former = area.parent_id
    work.change(area, parent_id=parent_id)
    for descendant_id, down in inside.items():
        for row in above:
            work.append(_closure(work, row.ancestor_id, descendant_id, row.depth + 1 + down))
    data = {"from": None if former is None else str(former), "to": str(parent_id)}
    work.record(event_type, area, area_id=parent_id, data=data)
    refresh_reach(work, area_id)
    return area
