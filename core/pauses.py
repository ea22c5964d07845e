"""When a mechanism was off where a row lies, by the event log: for windows that owe people the time they lost (INV18)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

from core.enums import Origin, PluginState, Toggle
from core.settings.store import as_instant, as_uuid
from core.settings.tree import SettingsBook, Switch
from core.work import Work

ON_AGAIN = ("core.plugin.toggled", "core.plugin.pilot_ended", "core.plugin.loaded")  # with `plugin` in their data
_LOG = f"""SELECT e.type AS type, e.area_id AS area_id, e.data AS data, e.recorded_at AS at FROM core_event e
    WHERE e.type IN ({", ".join(f"'{t}'" for t in (*ON_AGAIN, "core.plugin.unloaded"))}) AND (e.area_id IS NULL
    OR e.area_id IN (SELECT c.ancestor_id FROM core_area_closure c WHERE c.descendant_id = {{}})) ORDER BY e.seq"""
_TREE = """SELECT c.ancestor_id AS id, c.since AS since, c.until AS until FROM core_area_closure c
    WHERE c.descendant_id = {} ORDER BY c.depth DESC"""
_Said = tuple[datetime, str, UUID | None, dict[str, Any]]  # at, type, area, data


async def pauses(work: Work, plugin: str, area_id: UUID, since: datetime) -> list[tuple[datetime, datetime]]:
    """From an instant to now, piece by piece: toggles and pilots of the areas that lay above then, and servers that ran
    without the plugin. A server that was merely stopped is no pause."""
    log = [said for said in map(_said, await work.rows(_LOG, area_id)) if said[3]["plugin"] == plugin]
    tree = [(as_uuid(r["id"]), _moment(r["since"]), as_instant(r["until"])) for r in await work.rows(_TREE, area_id)]
    ends = (as_instant(data.get("until")) for _, _, _, data in log)
    moments = {*(at for at, *_ in log), *ends, *(m for _, *span in tree for m in span)}
    times = [since, *sorted(m for m in moments if m is not None and since < m < work.now), work.now]
    found = []
    for begin, end in pairwise(times):
        chain = [id for id, start, over in tree if start <= begin and (over is None or over > begin)]
        if begin < end and not _is_on(plugin, [said for said in log if said[0] <= begin], chain, begin):
            found.append((begin, end))
    return found


def _moment(value: Any) -> datetime:
    found = as_instant(value)
    assert found is not None
    return found


def _said(row: Any) -> _Said:
    data, area = row["data"], row["area_id"]
    read = data if isinstance(data, dict) else json.loads(data)
    return _moment(row["at"]), row["type"], None if area is None else as_uuid(area), read


def _is_on(plugin: str, log: Iterable[_Said], chain: list[UUID], at: datetime) -> bool:
    """Was it on in the last area of the chain, by all that had been said up to then?"""
    is_loaded, words = True, dict[tuple[UUID, Origin], Switch]()
    for _, type, area, data in log:
        if area is None:
            is_loaded = type == "core.plugin.loaded"
            continue
        key = (area, Origin(data.get("origin", Origin.MUTATION)))
        words.pop(key, None)
        if type == "core.plugin.toggled" and data["to"] != Toggle.INHERIT:
            words[key] = Switch(area, plugin, PluginState(data["to"]), as_instant(data.get("until")), key[1])
    return is_loaded and SettingsBook.of(0, words.values(), ()).is_on(plugin, chain, at)
