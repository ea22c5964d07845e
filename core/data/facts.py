"""What the database knows that a spreadsheet must be checked against, read in pages into the spool."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any
from uuid import UUID

from core.data.stage import KNOWN_INDEXES, AreaFact, Stage
from core.database import Database
from core.database.dialect import SQLITE
from core.events import HORIZON
from core.settings.store import as_uuid

PAGE = 5_000
MANY = 500


async def watermark(database: Database) -> int:
    """What is committed from here on is news: see `news`."""
    sql = "SELECT coalesce(max(seq), 0) FROM core_event"
    if database.dialect is not SQLITE:
        sql = f"SELECT {HORIZON}"
    return int((await database.read(sql))[0][0])


def news(database: Database, plugins: Iterable[str]) -> str:
    """Has anything happened since the watermark that a check of these plugins' sheets, or of core's, rests on? `{}`
    stands for the watermark."""
    since = "seq > {}" if database.dialect is SQLITE else "transaction_id >= {}"
    kept = ", ".join(f"'{key}'" for key in sorted(plugins)) or "''"
    return (
        f"SELECT 1 AS yes FROM core_event WHERE {since} AND (plugin IN ({kept}) OR subject_tag IN"
        " ('actor', 'area', 'membership', 'areaplugin')) AND type NOT LIKE 'core.import.%' LIMIT 1"
    )


async def gather_areas(stage: Stage, database: Database, code: str | None) -> None:
    """The tree; `stage.top` is the area of this code, or the only root there is."""
    rows = await database.fetch("SELECT id, code, name, kind, parent_id FROM core_area")
    parents = {as_uuid(r["id"]): r["parent_id"] and as_uuid(r["parent_id"]) for r in rows}

    def chain(id: UUID) -> tuple[UUID, ...]:
        above: list[UUID] = []
        here: UUID | None = id
        while here is not None:
            above.append(here)
            here = parents.get(here)
        return tuple(reversed(above))

    stage.areas = {
        id: AreaFact(id, r["code"], r["name"], chain(id), r["kind"]) for r in rows for id in [as_uuid(r["id"])]
    }
    stage.codes = {a.code: a.id for a in stage.areas.values()}
    roots = [a for a in stage.areas.values() if len(a.chain) == 1]
    if code is not None and code in stage.codes:
        stage.top = stage.areas[stage.codes[code]]
    elif code is None and len(roots) == 1:
        stage.top = roots[0]
    for sheet in stage.sheets:
        if sheet.plugin != "core":
            on = await database.read(
                f"SELECT area_id, until FROM core_plugin_area WHERE plugin = {database.dialect.mark(1)}"
                f" AND (until IS NULL OR until > {database.dialect.mark(2)})",
                [sheet.plugin, stage.now],
            )
            stage.on[sheet.plugin] = {as_uuid(r[0]) for r in on}


async def gather(stage: Stage, database: Database) -> None:
    """Everything that may be meant by a row or a reference, and the numbers of the register."""
    top = stage.top.id if stage.top and not stage.top.new else None
    used = {r[0] for r in stage.db.execute("SELECT DISTINCT sheet FROM row")}
    for (text,) in stage.db.execute("SELECT DISTINCT sheets FROM ref"):
        used |= set(text.strip(",").split(","))
    for sheet in stage.sheets:
        if sheet.name not in used or not stage.areas:
            continue
        if sheet.known:
            async for rows in _pages(database, sheet.known, top):
                stage.db.executemany(
                    "INSERT OR IGNORE INTO thing (id, sheet, area_id, name, credit, since) VALUES (?,?,?,?,?,?)",
                    [(str(r[0]), sheet.name, str(r[1]), r[2], r[3], str(r[4])[:10] if r[4] else None) for r in rows],
                )
        if sheet.already:
            async for rows in _pages(database, sheet.already, top):
                stage.db.executemany(
                    "INSERT OR IGNORE INTO already VALUES (?,?)",
                    [(sheet.name, packed(*list(r)[1:])) for r in rows],
                )
    if top is not None:
        await _numbers(stage, database, top)
    stage.db.executescript(KNOWN_INDEXES)


def packed(*values: Any) -> str:
    """What `Row.is_new` is asked about, as one text."""
    return "\n".join(str(value) for value in values)


async def _pages(database: Database, sql: str, top: UUID | None) -> AsyncIterator[Sequence[Any]]:
    """The rows of a sheet's SQL, whose first column is `id`, in pages; with `:inside:` those in the areas of the import."""
    mark = database.dialect.mark
    values: list[Any] = []
    inside = "area_id IN (SELECT id FROM core_area)"
    if top is not None and ":inside:" in sql:
        values.append(top)
        below = f"SELECT c.descendant_id FROM core_area_closure c WHERE c.ancestor_id = {mark(1)} AND c.until IS NULL"
        inside = f"area_id IN ({below})"
    wanted = sql.replace(":inside:", inside)
    last: Any = UUID(int=0)
    while last is not None:
        rows = await database.read(
            f"SELECT k.* FROM ({wanted}) k WHERE k.id > {mark(len(values) + 1)} ORDER BY k.id LIMIT {PAGE}",
            [*values, last],
        )
        yield rows
        last = as_uuid(rows[-1][0]) if len(rows) == PAGE else None


async def _numbers(stage: Stage, database: Database, top: UUID) -> None:
    mark = database.dialect.mark
    last: Any = UUID(int=0)
    while last is not None:
        rows = await database.read(
            "SELECT id, sheet, number, subject_id FROM core_register_number"
            f" WHERE area_id = {mark(1)} AND id > {mark(2)} ORDER BY id LIMIT {PAGE}",
            [top, last],
        )
        stage.db.executemany("INSERT INTO number VALUES (?,?,?)", [(r[1], r[2], str(r[3])) for r in rows])
        last = as_uuid(rows[-1][0]) if len(rows) == PAGE else None


async def gather_links(stage: Stage, database: Database) -> None:
    """Memberships that run already, and homes, of those actors whom the sheet of memberships names."""
    waiting = stage.db.execute(
        "SELECT DISTINCT f.target FROM ref f JOIN row r ON r.id = f.row JOIN thing t ON t.id = f.target"
        " WHERE r.sheet = 'memberships' AND f.name = 'member' AND t.row IS NULL"
    )
    among = database.dialect.among("actor_id", database.dialect.mark(1))
    homes = [sheet.homes.replace(":now:", database.dialect.mark(2)) for sheet in stage.sheets if sheet.homes]
    while some := waiting.fetchmany(MANY):
        named = [UUID(r[0]) for r in some]
        rows = await database.read(
            f"SELECT actor_id, coalesce(area_id, organization_id), role FROM core_membership"
            f" WHERE state = 'ACTIVE' AND {among}",
            [named],
        )
        stage.db.executemany(
            "INSERT OR IGNORE INTO link (actor, whole, role) VALUES (?,?,?)",
            [(str(a), str(w), str(r)) for a, w, r in rows],
        )
        for sql in homes:
            found = await database.read(
                f"SELECT h.actor_id, h.area_id FROM ({sql}) h WHERE {among}", [named, stage.now]
            )
            stage.db.executemany("INSERT OR IGNORE INTO home VALUES (?,?)", [(str(a), str(h)) for a, h in found])
