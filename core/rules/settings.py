"""Toggles and settings by area (M46). One change at a time; bounds never loosen.

Every change raises the version in `core_governance` first, which holds the row until the end: so changes come one
after another (INV17 under concurrency), and a process under way can name the version it began with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.decisions import carries
from core.enums import DocumentState, Move, Origin, PluginState, Toggle
from core.errors import Conflict, Refusal
from core.ids import new_id
from core.models import Area, AreaPlugin, RuleDocument, Setting
from core.problems import did_you_mean, near
from core.rules.areas import hold_settings, next_version, refresh_reach
from core.rules.documents import citable
from core.rules.inputs import optional_text
from core.settings.cuts import SECTION
from core.settings.file import ARTICLE_LENGTH, Cited, FileRows, TreeFacts, pilot_end, switches_and_own
from core.settings.store import VERSION, as_instant, as_uuid
from core.settings.tree import Effective, Own, SettingsBook, Switch
from core.toml import shown
from core.work import Work

Chains = Mapping[UUID, tuple[UUID, ...]]


@dataclass(frozen=True)
class Wish:
    """A key as an area wants it: a value, a lock for the areas below, or neither to say nothing any more."""

    key: str
    value: Any = None
    lock: Move | None = None
    document_id: UUID | None = None
    article: str | None = None


async def _book(work: Work, version: int) -> SettingsBook:
    store, database = work.kernel.settings, work.transaction.database
    return await store.read(work.transaction.fetch, database.dialect.mark, version)


async def chains_of(work: Work, areas: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """For each area its ancestors from the root down to itself."""
    wanted = list(areas)
    found: dict[UUID, list[tuple[int, UUID]]] = {id: [] for id in wanted}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        marks = ", ".join(["{}"] * len(part))
        rows = await work.rows(
            "SELECT descendant_id, ancestor_id, depth FROM core_area_closure"
            f" WHERE until IS NULL AND descendant_id IN ({marks})",
            *part,
        )
        for row in rows:
            found[as_uuid(row["descendant_id"])].append((-row["depth"], as_uuid(row["ancestor_id"])))
    return {id: tuple(a for _, a in sorted(pairs)) for id, pairs in found.items()}


async def _pinned(work: Work, line: int | None) -> Refusal:
    row = (await work.rows("SELECT file_name FROM core_governance WHERE id = 1"))[0]
    return Refusal("SETTING_PINNED_BY_FILE", file=row["file_name"] or "gongzhi.toml", line=line or 0)


async def _own_row(work: Work, area: Area, plugin: str) -> AreaPlugin | None:
    """The area's row by mutation; checks the client's expected version (0: nothing was said yet)."""
    row = await work.find(AreaPlugin, area_id=area.id, plugin=plugin, origin=Origin.MUTATION)
    actual = row.version if row is not None else 0
    if work.expected_version is not None and work.expected_version != actual:
        raise Conflict(expected=work.expected_version, actual=actual, current=row or area)
    return row


def _known(work: Work, plugin: str) -> None:
    loaded = list(work.kernel.needs)
    if plugin not in loaded:
        hint = did_you_mean(near(plugin, loaded))
        raise Refusal("UNKNOWN_PLUGIN", path=("plugin",), plugin=plugin[:40], hint=hint)


# --- toggles ---------------------------------------------------------------------------------------------


async def toggle_plugin(
    work: Work, *, area_id: UUID, plugin: str, state: Toggle, pilot_until: date | None, reason: str | None
) -> Area:
    """Turn a plugin on, off, on for a while, or leave it to the area above; data and history stay (INV18).

    Refuses UNKNOWN_PLUGIN, SETTING_PINNED_BY_FILE, PILOT_END, PLUGIN_NEEDS, PLUGIN_NEEDED, VERSION_CONFLICT.
    """
    _known(work, plugin)
    until = pilot_end(work.clock, pilot_until) if pilot_until else None
    if (state is Toggle.PILOT) != (until is not None) or (until is not None and until <= work.now):
        raise Refusal("PILOT_END", path=("pilotUntil",))
    version = await next_version(work)
    area = await work.get(Area, area_id)
    work.require("core.plugin.toggle", area)
    by_file = await work.find(AreaPlugin, area_id=area_id, plugin=plugin, origin=Origin.FILE)
    if by_file is not None and by_file.state is not Toggle.INHERIT:
        raise await _pinned(work, by_file.line)
    row = await _own_row(work, area, plugin)
    before = await _book(work, version)
    wish = None if state is Toggle.INHERIT else Switch(area_id, plugin, PluginState(str(state)), until)
    after = before.with_switch(area_id, plugin, wish)
    await _check_needs(work, before, after, area_id)
    await _say(work, area, plugin, row, Origin.MUTATION, state, until, None, version, reason)
    refresh_reach(work, area_id)
    return area


async def _say(
    work: Work, area: Area, plugin: str, row: AreaPlugin | None, origin: Origin, state: Toggle,
    until: datetime | None, line: int | None, version: int, reason: str | None = None,
) -> None:  # fmt: skip
    """Store and record what an area says about a plugin."""
    said = Toggle.INHERIT if row is None else row.state
    if row is None:
        row = AreaPlugin(
            id=new_id(), area_id=area.id, plugin=plugin, origin=origin, state=state, until=until, line=line
        )
        work.add(row)
    else:
        work.change(row, state=state, until=until, line=line)
    data = {"plugin": plugin, "from": str(said), "to": str(state), "version": version, "origin": str(origin)}
    if until is not None:
        data["until"] = until.isoformat()
    text = optional_text(reason, "reason", limit=2000)
    work.record("core.plugin.toggled", row, area_id=area.id, data=data, text={"reason": text})


async def _check_needs(work: Work, before: SettingsBook, after: SettingsBook, area_id: UUID) -> None:
    """Refuse a change that leaves a plugin on somewhere without what it needs."""
    speaking = {area_id, *(area for area, _ in after.switches)}
    chains = await chains_of(work, speaking)
    below = {id: chain for id, chain in chains.items() if area_id in chain}
    broken = {
        (id, p, n) for id, p, n in _broken_needs(work, after, below) if not _is_broken(work, before, below[id], p, n)
    }
    for id, plugin, need in sorted(broken, key=lambda b: (len(below[b[0]]), b[1], b[2])):
        where = (await work.get(Area, id)).code
        if after.switch(plugin, below[id], work.now) != before.switch(plugin, below[id], work.now):
            raise Refusal("PLUGIN_NEEDS", path=("plugin",), plugin=plugin, need=need, area=where)
        raise Refusal("PLUGIN_NEEDED", path=("plugin",), plugin=need, by=plugin, area=where)


def _broken_needs(work: Work, book: SettingsBook, chains: Chains) -> list[tuple[UUID, str, str]]:
    return [
        (id, plugin, need)
        for id, chain in chains.items()
        for plugin, needs in work.kernel.needs.items()
        for need in needs
        if _is_broken(work, book, chain, plugin, need)
    ]


def _is_broken(work: Work, book: SettingsBook, chain: Sequence[UUID], plugin: str, need: str) -> bool:
    return book.standing(plugin, chain, work.now).is_wanted and not book.is_on(need, chain, work.now)


async def end_due_pilots(work: Work) -> int:
    """Pilots by mutation that are over leave the plugin to the area above; how many there were."""
    await hold_settings(work, alone=True)
    due = await work.rows(
        "SELECT id FROM core_area_plugin WHERE until IS NOT NULL AND until <= {} AND origin = 'MUTATION'", work.now
    )
    expired = await work.rows("SELECT count(*) AS n FROM core_plugin_area WHERE until <= {}", work.now)
    if not due and not expired[0]["n"]:
        return 0
    version = await next_version(work)
    for row in await work.select(AreaPlugin, lock=True, id=[as_uuid(r["id"]) for r in due]):
        area = await work.get(Area, row.area_id)
        work.require("core.plugin.toggle", area)
        data = {"plugin": row.plugin, "version": version, "until": row.until.isoformat() if row.until else None}
        work.change(row, state=Toggle.INHERIT, until=None)
        work.record("core.plugin.pilot_ended", row, area_id=row.area_id, data=data)
    refresh_reach(work)
    return len(due)


# --- settings --------------------------------------------------------------------------------------------


async def set_settings(work: Work, *, area_id: UUID, plugin: str, wishes: Sequence[Wish]) -> Area:
    """Set or unset keys of a plugin, or of core, or cuts, in an area, all or none, within the bounds of the areas above
    (INV17).

    Refuses UNKNOWN_PLUGIN, NO_SETTINGS, UNKNOWN_SETTING, BAD_SETTING, BAD_LOCK, SETTING_PINNED_BY_FILE,
    CUT_ABOVE_OWN, SETTING_TOO_LOOSE (naming the area and document that set the bound), SETTINGS_CONTRADICT, NOT_FOUND and
    DOCUMENT_NOT_IN_FORCE (a document), TEXT_TOO_LONG and its kin (an article), VERSION_CONFLICT.
    """
    if plugin not in ("core", SECTION):
        _known(work, plugin)
    declared = work.kernel.settings.declared.get(plugin)
    if declared is None:
        raise Refusal("NO_SETTINGS", path=("plugin",), plugin=plugin)
    values: dict[str, Any] = {}
    articles: dict[str, str | None] = {}
    for number, wish in enumerate(wishes):
        path = ("settings", str(number))
        key = declared.keys.get(wish.key)
        if key is None or wish.key in values:
            known = ", ".join(declared.keys)
            raise Refusal("UNKNOWN_SETTING", path=(*path, "key"), key=wish.key[:60], known=known)
        if wish.lock is not None and wish.lock not in key.moves:
            allowed = ", ".join(map(str, key.moves))
            raise Refusal("BAD_LOCK", path=(*path, "lock"), key=wish.key, allowed=allowed)
        try:
            values[wish.key] = None if wish.value is None else key.parse(wish.value)
        except (ValueError, TypeError):
            raise Refusal("BAD_SETTING", path=(*path, "value"), key=wish.key, allowed=key.allowed) from None
        articles[wish.key] = optional_text(wish.article, *path, "article", limit=ARTICLE_LENGTH)
    version = await next_version(work)
    area = await work.get(Area, area_id)
    work.require("core.setting.set", area)
    row = await _own_row(work, area, plugin)
    chain = work.place(area).chain
    book = await _book(work, version)
    stored = await work.select(Setting, lock=True, area_id=area_id, plugin=plugin, until_version=None)
    for pin in stored:
        if pin.origin is Origin.FILE and pin.key in values:
            raise await _pinned(work, pin.line)
    above = book.effective(declared, chain[:-1])
    for number, wish in enumerate(wishes):
        if values[wish.key] is None:
            continue
        bound = above[wish.key].refused_by(values[wish.key])
        if bound is not None:
            await _too_loose(work, wish.key, bound.area_id, bound.move, bound.limit, bound.document_id, number)
    for number, wish in enumerate(wishes):
        if wish.document_id is not None:
            await citable(work, wish.document_id, chain, ("settings", str(number), "ruleDocumentId"))
    own = [
        Own(area_id, plugin, w.key, values[w.key], w.lock, Origin.MUTATION, w.document_id, articles[w.key])
        for w in wishes
        if values[w.key] is not None or w.lock is not None
    ]
    after = book.with_own(area_id, plugin, {w.key for w in wishes}, own)
    held = sorted(k for k, e in after.effective(declared, chain).items() if e.asked is not None)
    if any(values.get(k) is not None for k in held):  # what the area said before may be part of it
        raise Refusal("SETTINGS_CONTRADICT", path=("settings",), key=", ".join(held))
    if plugin == SECTION and not work.system:
        _give_back_only_their_own(work, chain, book.effective(declared, chain), after.effective(declared, chain))
    by_mutation = {s.key: s for s in stored if s.origin is Origin.MUTATION}
    await _store(work, area, plugin, row, Origin.MUTATION, by_mutation, own, set(values), version)
    return area


def _give_back_only_their_own(
    work: Work, chain: Sequence[UUID], before: Mapping[str, Effective], after: Mapping[str, Effective]
) -> None:
    """Whoever gives a role a permission back has it there themselves; else one whose role lost it could take it again.

    Refuses CUT_ABOVE_OWN.
    """
    roles = [g.role for g in work.viewer.grants if g.area_id in chain]
    for key, held in before.items():
        rule = work.book[key]
        if set(after[key].value) - set(held.value) and not any(carries(rule, r, work.viewer, chain) for r in roles):
            raise Refusal("CUT_ABOVE_OWN", path=("settings",), permission=key)


async def _too_loose(
    work: Work, key: str, area_id: UUID, move: Move, limit: Any, document_id: UUID | None, number: int
) -> None:
    area = await work.get(Area, area_id)
    document = await work.get(RuleDocument, document_id) if document_id else None
    raise Refusal(
        "SETTING_TOO_LOOSE", path=("settings", str(number), "value"), key=key, area=area.code, limit=shown(limit),
        how=lambda language: move.zh if language == "zh-CN" else str(move).lower(),
        document=f"《{document.title}》" if document else "",
    )  # fmt: skip


async def _store(
    work: Work, area: Area, plugin: str, row: AreaPlugin | None, origin: Origin, stored: Mapping[str, Setting],
    own: Sequence[Own], spoken: set[str], version: int,
) -> None:  # fmt: skip
    """Close the rows that are replaced or unset, add the new ones, and record the change on the area's row."""
    wanted = {o.key: o for o in own}
    changes: dict[str, Any] = {}
    for key in sorted(spoken):
        old, new = stored.get(key), wanted.get(key)
        was = json.loads(old.value) if old is not None and old.value is not None else None
        if old is not None:
            work.patch(old, until_version=version)
        if new is not None:
            work.append(_setting(new, origin, version))
        if old is not None or new is not None:
            changes[key] = {
                "from": was,
                "to": new.value if new else None,
                "lock": str(new.lock) if new and new.lock else None,
            }
    if not changes:
        return
    if row is None:
        row = AreaPlugin(id=new_id(), area_id=area.id, plugin=plugin, origin=origin, state=Toggle.INHERIT)
        work.add(row)
    else:
        work.change(row, line=row.line)
    data = {"plugin": plugin, "version": version, "origin": str(origin), "keys": changes}
    work.record("core.settings.changed", row, area_id=area.id, data=data)


def _setting(own: Own, origin: Origin, version: int) -> Setting:
    return Setting(
        id=new_id(), area_id=own.area_id, plugin=own.plugin, key=own.key, origin=origin,
        value=None if own.value is None else json.dumps(own.value, ensure_ascii=False), lock=own.lock,
        document_id=own.document_id, article=own.article, line=own.line, since_version=version, until_version=None,
    )  # fmt: skip


# --- the file --------------------------------------------------------------------------------------------


async def tree_facts(work: Work, codes: Iterable[str]) -> TreeFacts:
    """What the database knows of the areas the file speaks of, and of everything said before."""
    areas = {r["code"]: as_uuid(r["id"]) for r in await work.rows("SELECT id, code FROM core_area")}
    stored = await _book(work, int((await work.rows(VERSION))[0]["version"]))
    speaking = {areas[c] for c in codes if c in areas} | {id for id, _ in (*stored.switches, *stored.own)}
    documents: dict[tuple[UUID, str], Cited] = {}
    for d in await work.select(RuleDocument):
        found = Cited.of(d.id, d.state, d.effective_from, d.provisional_until, work.clock.today())
        before = documents.get((d.area_id, d.title))
        if before is None or d.state is DocumentState.IN_FORCE or before.state is not DocumentState.IN_FORCE:
            documents[d.area_id, d.title] = found
    return TreeFacts(areas, await chains_of(work, speaking), documents, stored, work.now)


async def apply_file(work: Work, rows: FileRows, facts: TreeFacts, digest: str) -> int:
    """Make the file's pins what the file says, whole; the number of areas × plugins that changed.

    Applying the same file twice changes nothing. The caller holds the settings (`hold_settings`) since before it read
    `facts`, and has checked the rows against them (`check_against_tree`).
    """
    switches, own = switches_and_own(rows, facts)
    wanted_switch = {(s.area_id, s.plugin): s for s in switches}
    wanted_own: dict[tuple[UUID, str], list[Own]] = {}
    for o in own:
        wanted_own.setdefault((o.area_id, o.plugin), []).append(o)
    said = {(r.area_id, r.plugin): r for r in await work.select(AreaPlugin, lock=True, origin=Origin.FILE)}
    stored: dict[tuple[UUID, str], dict[str, Setting]] = {}
    for s in await work.select(Setting, lock=True, origin=Origin.FILE, until_version=None):
        stored.setdefault((s.area_id, s.plugin), {})[s.key] = s
    changed: set[tuple[UUID, str]] = set()
    plans = []
    for at in sorted({*wanted_switch, *wanted_own, *said, *stored}, key=str):
        row, switch = said.get(at), wanted_switch.get(at)
        state = Toggle(str(switch.state)) if switch else Toggle.INHERIT
        until = switch.until if switch else None
        toggles = state is not (row.state if row else Toggle.INHERIT) or until != (row.until if row else None)
        before = stored.get(at, {})
        after = {o.key: o for o in wanted_own.get(at, ())}
        keys = {k for k in {*before, *after} if not _same(before.get(k), after.get(k))}
        if toggles or keys:
            changed.add(at)
            plans.append((at, row, state, until, switch.line if switch else None, toggles, keys, before, after))
    file = rows.file.rpartition("/")[2]
    if not changed:
        await work.rows(
            "UPDATE core_governance SET file_digest = {}, file_name = {}, file_applied_at = {} WHERE id = 1",
            digest, file, work.now,
        )  # fmt: skip
        return 0
    version = await next_version(work)
    await work.rows(
        "UPDATE core_governance SET file_digest = {}, file_name = {}, file_applied_at = {} WHERE id = 1",
        digest, file, work.now,
    )  # fmt: skip
    for (area_id, plugin), row, state, until, line, toggles, keys, before, after in plans:
        area = await work.get(Area, area_id)
        work.require("core.plugin.toggle", area)
        if toggles:
            await _say(work, area, plugin, row, Origin.FILE, state, until, line, version)
            if keys:
                await work.flush_now()
                row = await work.find(AreaPlugin, area_id=area_id, plugin=plugin, origin=Origin.FILE)
        if keys:
            chosen = [o for k, o in after.items() if k in keys]
            await _store(work, area, plugin, row, Origin.FILE, before, chosen, keys, version)
    for area_id in dict.fromkeys(p[0][0] for p in plans if p[5]):
        refresh_reach(work, area_id)
    return len(changed)


def _same(stored: Setting | None, wanted: Own | None) -> bool:
    if stored is None or wanted is None:
        return stored is None and wanted is None
    value = None if stored.value is None else json.loads(stored.value)
    return (value, stored.lock, stored.document_id, stored.article) == (
        wanted.value, wanted.lock, wanted.document_id, wanted.article,
    )  # fmt: skip


__all__ = [
    "Wish", "apply_file", "as_instant", "end_due_pilots", "set_settings", "toggle_plugin",
    "tree_facts",
]  # fmt: skip
