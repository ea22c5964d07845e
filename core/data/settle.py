"""The checks over all rows at once, and what the rows that are new become."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from core.data.facts import packed
from core.data.sheets import Kind, Row, Sheet
from core.data.stage import BATCH, AreaFact, Stage
from core.data.values import code_like
from core.database.dialect import SQLITE
from core.enums import MembershipRole
from core.errors import Refusal
from core.ids import new_id
from core.models import Logged, Membership
from core.settings import Settings

Shown = Callable[[int], None]
SettingsOf = Callable[[type[Settings], tuple[UUID, ...]], Any]


_LEVEL = {
    "DISTRICT": 0, "SUBDISTRICT": 1, "TOWN": 1, "COMMUNITY": 2, "VILLAGE": 2, "COMPOUND": 3, "HAMLET": 3, "GRID": 3,
}  # fmt: skip


def settle_areas(stage: Stage, code: str | None, *, system: bool) -> None:
    """The areas of the file join the tree, parents first; then every row gets its area.

    Finds AREA_CODE_TWICE, AREA_CYCLE, AREA_LEVEL, PARENT_NEEDED, UNKNOWN_AREA, AMBIGUOUS_AREA, AREA_OUTSIDE, AREA_NEEDED.
    """
    waiting = _new_areas(stage)
    codes = {v["code"] for _, _, _, v in waiting}
    while waiting:
        later = []
        for id, t, line, v in waiting:
            parent = v.get("parent")
            above: AreaFact | None = None
            if parent is not None:
                if parent.lower() in codes and parent.lower() not in stage.codes:
                    later.append((id, t, line, v))
                    continue
                found = find_area(stage, parent)
                if isinstance(found, str):
                    codes.discard(v["code"])
                    _bad(stage, id, found, t, line, "parent", area=code_like(parent))
                    continue
                above = found
            elif code is not None:
                above = stage.top
            if above is None and (parent is not None or not system or code not in (None, v["code"])):
                codes.discard(v["code"])
                _bad(stage, id, "PARENT_NEEDED", t, line, "parent")
                continue
            made = new_id()
            chain = (*(above.chain if above else ()), made)
            stage.areas[made] = AreaFact(made, v["code"], v["name"], chain, v["kind"], new=True)
            stage.codes[v["code"]] = made
            _set(stage, id, target=str(made), area_id=str(above.id if above else made), rank=len(chain))
            if stage.top and stage.top.id not in chain:
                _bad(stage, id, "AREA_OUTSIDE", t, line, "parent")
            if above and _LEVEL[v["kind"]] < _LEVEL[above.kind]:
                stage.find("AREA_LEVEL", t, line, stage.seen[t].heads.get("parent"))
        if len(later) == len(waiting):
            for id, t, line, _ in later:
                _bad(stage, id, "AREA_CYCLE", t, line, "parent")
            break
        waiting = later
    if stage.top is None:
        roots = [a for a in stage.areas.values() if len(a.chain) == 1]
        named = [a for a in roots if a.code == code] if code else roots
        stage.top = named[0] if len(named) == 1 else None
    _place_rows(stage, code)


def _new_areas(stage: Stage) -> list[tuple[int, int, int, dict[str, Any]]]:
    """Rows of areas that are not in the tree yet; those that are, are known."""
    new, lines = [], dict[str, int]()
    for id, t, line, cells in stage.db.execute(
        "SELECT id, t, line, cells FROM row WHERE sheet = 'areas' AND bad = 0 ORDER BY id"
    ).fetchall():
        v = json.loads(cells)
        if v["code"] in lines:
            _bad(stage, id, "AREA_CODE_TWICE", t, line, "code", line=lines[v["code"]])
            continue
        lines[v["code"]] = line
        known = stage.codes.get(v["code"])
        if known is None:
            new.append((id, t, line, v))
            continue
        fact = stage.areas[known]
        _set(stage, id, target=str(known), known=1)
        if stage.top and stage.top.id not in fact.chain:
            _bad(stage, id, "AREA_OUTSIDE", t, line, "code")
        elif fact.name != v["name"]:
            stage.find("DIFFERS_FROM_KNOWN", t, line, stage.seen[t].heads["name"])
    return new


def find_area(stage: Stage, text: str) -> AreaFact | str:
    """By code, or by a name that only one area has; else the code of the refusal."""
    id = stage.codes.get(text.lower())
    if id is not None:
        return stage.areas[id]
    named = [a for a in stage.areas.values() if a.name == text and (stage.top is None or stage.top.id in a.chain)]
    return named[0] if len(named) == 1 else "AMBIGUOUS_AREA" if named else "UNKNOWN_AREA"


def _place_rows(stage: Stage, code: str | None) -> None:
    if code is not None and stage.top is None:
        stage.find("UNKNOWN_AREA", area=code_like(code))
    db = stage.db
    numbers = db.execute("SELECT 1 FROM row WHERE number IS NOT NULL LIMIT 1").fetchone()
    if numbers and stage.top is None and code is None:
        stage.find("AREA_NEEDED")
    # Memberships name an area only when they are of one.
    for text, sheet in db.execute("SELECT DISTINCT area, sheet FROM row WHERE sheet <> 'areas'").fetchall():
        found: AreaFact | str | None = stage.top if text is None else find_area(stage, text)
        if text is None and sheet == "memberships":
            continue
        if isinstance(found, AreaFact) and (stage.top is None or stage.top.id in found.chain):
            db.execute("UPDATE row SET area_id = ? WHERE area IS ? AND sheet = ?", (str(found.id), text, sheet))
            continue
        problem = "VALUE_MISSING" if found is None else found if isinstance(found, str) else "AREA_OUTSIDE"
        if problem == "VALUE_MISSING" and stage.top is None and code is not None:
            continue
        values = {} if problem == "VALUE_MISSING" else {"area": code_like(text or "")}
        for id, t, line in db.execute(
            "SELECT id, t, line FROM row WHERE area IS ? AND sheet = ?", (text, sheet)
        ).fetchall():
            _bad(stage, id, problem, t, line, "area", **values)


def settle(stage: Stage) -> None:
    """Find what is there already, what is twice, what is meant; give every new row its id."""
    db = stage.db
    db.execute("BEGIN")
    named = "sheet NOT IN ('areas', 'memberships')"
    _twice(stage, "number", "NUMBER_TWICE")
    _twice(stage, "credit", "CREDIT_CODE_TWICE")
    _secret_twice(stage)
    db.execute(
        "UPDATE row SET known = 1, target = n.id FROM number n"
        " WHERE row.number = n.number AND row.sheet = n.sheet AND row.target IS NULL"
    )
    db.execute(
        "UPDATE row SET known = 1, target = t.id FROM thing t"
        " WHERE row.credit = t.credit AND row.sheet = t.sheet AND row.target IS NULL"
    )
    for row_rule, same, thing_rule in (
        ("since IS NOT NULL", ", since", "since IS NOT NULL"),
        ("since IS NULL", "", "1"),
        ("since IS NOT NULL", "", "since IS NULL"),
    ):
        on = "r.sheet = k.sheet AND r.name = k.name AND r.area_id = k.area_id AND r.n = k.n"
        on += " AND r.since = k.since" if same else ""
        db.execute(
            f"""UPDATE row SET known = 1, by_name = 1, target = m.found FROM (
              SELECT r.id, k.id AS found FROM
                (SELECT id, sheet, name, area_id, since, row_number() OVER (PARTITION BY sheet, name, area_id{same} ORDER BY id) AS n
                 FROM row WHERE target IS NULL AND number IS NULL AND credit IS NULL AND {named} AND {row_rule}) r
              JOIN (SELECT id, sheet, name, area_id, since, row_number() OVER (PARTITION BY sheet, name, area_id{same} ORDER BY id) AS n
                 FROM thing WHERE {thing_rule} AND id NOT IN (SELECT target FROM row WHERE target IS NOT NULL)) k ON {on}) m
            WHERE row.id = m.id"""
        )
    while some := db.execute(f"SELECT id FROM row WHERE target IS NULL ORDER BY id LIMIT {BATCH}").fetchall():
        db.executemany("UPDATE row SET target = ? WHERE id = ?", [(str(new_id()), id) for (id,) in some])
    db.execute(
        "INSERT INTO thing SELECT target, sheet, name, area_id, credit, since, id FROM row"
        f" WHERE known = 0 AND name IS NOT NULL AND {named}"
    )
    db.execute("INSERT INTO number SELECT sheet, number, target FROM row WHERE known = 0 AND number IS NOT NULL")
    db.execute("COMMIT")
    _tell_likely(stage)
    _references(stage)
    _tell_members(stage)
    stage._flush()


def _twice(stage: Stage, column: str, code: str) -> None:
    shown = {"number": "number", "credit": "credit_code"}[column]
    for id, t, line, first in stage.db.execute(
        f"""SELECT id, t, line, first FROM (SELECT id, t, line, {column},
              first_value(line) OVER (PARTITION BY sheet, {column} ORDER BY id) AS first,
              row_number() OVER (PARTITION BY sheet, {column} ORDER BY id) AS n
            FROM row WHERE {column} IS NOT NULL) WHERE n > 1 ORDER BY id"""
    ).fetchall():
        _bad(stage, id, code, t, line, shown, line=first)


def _secret_twice(stage: Stage) -> None:
    """One id number on two rows is an error; one name with one end of a telephone number is a likely duplicate."""
    for what, code in (("ID_NUMBER", "ID_NUMBER_TWICE"), ("PHONE", "LIKELY_DUPLICATE")):
        for id, t, line, head, first in stage.db.execute(
            """SELECT row, t, line, head, first FROM (SELECT s.row, r.t, r.line, s.head,
                  first_value(r.line) OVER (PARTITION BY r.sheet, s.digest ORDER BY r.id) AS first,
                  row_number() OVER (PARTITION BY r.sheet, s.digest ORDER BY r.id) AS n
                FROM secret s JOIN row r ON r.id = s.row WHERE s.what = ?) WHERE n > 1 ORDER BY row""",
            (what,),
        ).fetchall():
            if code == "ID_NUMBER_TWICE":
                stage.db.execute("UPDATE row SET bad = 1 WHERE id = ?", (id,))
            stage.find(code, t, line, head, line=first)


def _tell_likely(stage: Stage) -> None:
    for t, line, first, n in stage.db.execute(
        """SELECT r.t, r.line, (SELECT o.line FROM thing k JOIN row o ON o.id = k.row
               WHERE k.sheet = r.sheet AND k.name = r.name AND k.area_id = r.area_id AND k.row < r.id ORDER BY k.row LIMIT 1),
             (SELECT count(*) FROM thing k
               WHERE k.sheet = r.sheet AND k.name = r.name AND k.area_id = r.area_id AND k.row IS NULL)
           FROM row r WHERE r.known = 0 AND r.name IS NOT NULL AND r.sheet NOT IN ('areas', 'memberships') ORDER BY r.id"""
    ):
        head = stage.seen[t].heads.get("name")
        if first is not None:
            stage.find("LIKELY_DUPLICATE", t, line, head, line=first)
        elif n:
            stage.find("LIKELY_KNOWN", t, line, head)
    for id, t, line, sheet, same_name in stage.db.execute(
        "SELECT r.id, r.t, r.line, r.sheet, r.name = k.name FROM row r JOIN thing k ON k.id = r.target"
        " WHERE r.known = 1 AND r.by_name = 0 AND (r.name <> k.name OR r.area_id <> k.area_id) ORDER BY r.id"
    ).fetchall():
        if sheet == "people" and not same_name:
            _bad(stage, id, "NUMBER_OF_ANOTHER", t, line, "number")
        else:
            stage.find("DIFFERS_FROM_KNOWN", t, line, stage.seen[t].heads.get("area" if same_name else "name"))


def _references(stage: Stage) -> None:
    """Credit code first, then own number, then name; among several of a name the one in the row's own area."""
    db = stage.db
    db.execute("BEGIN")
    fits = "instr(ref.sheets, ',' || x.sheet || ',') > 0"
    db.execute(
        f"UPDATE ref SET target = (SELECT x.id FROM thing x WHERE x.credit = ref.text AND {fits}) WHERE length(text) = 18"
    )
    by_number = f"FROM number x WHERE x.number = ref.text AND {fits}"
    db.execute(
        f"UPDATE ref SET n = (SELECT count(DISTINCT x.id) {by_number}), target = (SELECT min(x.id) {by_number}) WHERE target IS NULL"
    )
    nowhere: dict[int, tuple[str, str]] = {}
    for (at,) in db.execute("SELECT DISTINCT at FROM ref WHERE at IS NOT NULL").fetchall():
        found = find_area(stage, at)
        if isinstance(found, str):
            nowhere |= {id: (found, code_like(at)) for (id,) in db.execute("SELECT rowid FROM ref WHERE at = ?", (at,))}
        db.execute("UPDATE ref SET at = ? WHERE at = ?", (str(found.id) if isinstance(found, AreaFact) else "?", at))
    by_name = f"FROM thing x WHERE x.name = ref.text AND {fits} AND (ref.at IS NULL OR x.area_id = ref.at)"
    db.execute(
        f"UPDATE ref SET n = (SELECT count(*) {by_name}), target = (SELECT min(x.id) {by_name}) WHERE target IS NULL"
    )
    here = f"{by_name} AND x.area_id = (SELECT r.area_id FROM row r WHERE r.id = ref.row)"
    db.execute(f"UPDATE ref SET n = 1, target = (SELECT x.id {here}) WHERE n > 1 AND (SELECT count(*) {here}) = 1")
    db.execute("COMMIT")
    for id, row, t, line, head, n, elsewhere in db.execute(
        "SELECT f.rowid, f.row, r.t, r.line, f.head, f.n, EXISTS (SELECT 1 FROM thing x WHERE x.name = f.text)"
        " FROM ref f JOIN row r ON r.id = f.row WHERE f.target IS NULL OR f.n > 1 ORDER BY f.row"
    ).fetchall():
        code = "AMBIGUOUS_REFERENCE" if n > 1 else "REFERENCE_OF_OTHER_KIND" if elsewhere else "UNKNOWN_REFERENCE"
        db.execute("UPDATE row SET bad = 1 WHERE id = ?", (row,))
        if id in nowhere:
            stage.find(nowhere[id][0], t, line, head, area=nowhere[id][1])
        else:
            stage.find(code, t, line, head, count=n)


def _tell_members(stage: Stage) -> None:
    """Of new households: who is named twice in one, who in two, and who is registered in another part of the tree."""
    members = (
        "FROM ref f JOIN row r ON r.id = f.row JOIN thing k ON k.id = f.target"
        " WHERE r.sheet = 'households' AND f.name = 'members' AND r.known = 0 AND f.n <= 1"
    )
    told: set[tuple[int, str]] = set()

    def tell(code: str, row: int, t: int, at: int, head: str, **values: Any) -> None:
        if (row, code) not in told:
            told.add((row, code))
            stage.find(code, t, at, head, **values)

    for row, t, line, head, before, first in stage.db.execute(
        f"""SELECT * FROM (SELECT f.row, r.t, r.line, f.head, lag(f.row) OVER same AS before,
              first_value(r.line) OVER same AS first
            {members} WINDOW same AS (PARTITION BY f.target ORDER BY f.rowid)) WHERE before IS NOT NULL ORDER BY row"""
    ).fetchall():
        if before == row:
            tell("MEMBER_TWICE", row, t, line, head)
        else:
            tell("IN_TWO_HOUSEHOLDS", row, t, line, head, line=first)
    for row, t, line, head, here, there in stage.db.execute(
        f"SELECT f.row, r.t, r.line, f.head, r.area_id, k.area_id {members} AND k.area_id <> r.area_id ORDER BY f.rowid"
    ).fetchall():
        one, other = stage.areas[UUID(here)], stage.areas[UUID(there)]
        if one.id not in other.chain and other.id not in one.chain:
            tell("MEMBER_ELSEWHERE", row, t, line, head)


# --- what new rows become --------------------------------------------------------------------------------


def build(stage: Stage, owner: Callable[[str], str], settings: SettingsOf, progress: Shown = lambda rows: None) -> None:
    """One event and its rows for each row that is new, as they will be written, in the order of the sheets. `owner`
    says whose an event type is, `settings` what holds in an area, named by those above it."""
    builder = _Builder(stage, owner, settings)
    for sheet in stage.sheets:
        for number, found in enumerate(
            stage.db.execute(
                "SELECT id, t, line, area_id, cells, target FROM row WHERE sheet = ? AND known = 0 AND bad = 0 ORDER BY rank, id",
                (sheet.name,),
            )
        ):
            builder.row(sheet, *found)
            if number % BATCH == BATCH - 1:
                builder.flush()
                progress(number + 1)
        builder.flush()
    for table in ("core_transition", *(model._meta.db_table for model in stage.made)):
        stage.db.execute(f"CREATE INDEX {table}_made ON {table} (made)")
    stage._flush()


class _Builder:
    def __init__(self, stage: Stage, owner: Callable[[str], str], settings: SettingsOf) -> None:
        self.stage = stage
        self.owner = owner
        self.settings = settings
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.later: list[tuple[str, tuple[Any, ...]]] = []
        self.count = 0

    def row(self, sheet: Sheet, id: int, t: int, line: int, area_id: str | None, cells: str, target: str) -> None:
        stage = self.stage
        heads = stage.seen[t].heads
        try:
            self._build(sheet, id, t, line, area_id, cells, target)
        except Refusal as refusal:
            column = _snake(refusal.path[0]) if refusal.path else ""
            self.later.append(("UPDATE row SET bad = 1 WHERE id = ?", (id,)))
            values = {k: v for k, v in refusal.values.items() if k in _SAFE}
            declared = sheet.by_name.get(column)
            stage.find(refusal.code, t, line, heads.get(column) or (declared.zh if declared else None), **values)
        except _Repeated as repeated:
            if repeated.known:
                self.later.append(("UPDATE row SET known = 1 WHERE id = ?", (id,)))
            else:
                stage.find("REPEATED_ROW", t, line)

    def _build(self, sheet: Sheet, id: int, t: int, line: int, area_id: str | None, cells: str, target: str) -> None:
        stage = self.stage
        values = json.loads(cells)
        for column in sheet.columns:
            if column.kind is Kind.DATE and column.name in values:
                values[column.name] = date.fromisoformat(values[column.name])
        targets: dict[str, tuple[UUID, ...]] = {}
        homes: dict[UUID, UUID] = {}
        for name, to, home in stage.db.execute(
            "SELECT f.name, f.target, k.area_id FROM ref f LEFT JOIN thing k ON k.id = f.target WHERE f.row = ? ORDER BY f.rowid",
            (id,),
        ):
            targets[name] = (*targets.get(name, ()), UUID(to))
            homes[UUID(to)] = UUID(home)
        own = UUID(target)
        if sheet.name == "areas":
            targets["ancestors"] = stage.areas[own].chain[:-1]
        top = stage.top.id if stage.top else None
        here = UUID(area_id) if area_id else own

        def holds(model: type[Settings]) -> Any:
            return self.settings(model, stage.areas[here].chain)

        def is_new(*asked: Any) -> bool:
            return bool(
                stage.db.execute("INSERT OR IGNORE INTO already VALUES (?,?)", (sheet.name, packed(*asked))).rowcount
            )

        made = sheet.make(Row(values, here, own, top, targets, homes, stage.today, stage.now, holds, is_new))
        place = stage.areas[made.area_id] if made.area_id else None
        if place and top and top not in place.chain:
            raise Refusal("AREA_OUTSIDE", path=("organization",), area=place.code)
        if sheet.plugin != "core" and place and not _is_on(stage, place, sheet.plugin):
            raise Refusal("PLUGIN_DISABLED", path=("area",), plugin=sheet.plugin)
        for at, code, said in made.notes:
            stage.find(code, t, line, stage.seen[t].heads.get(at), **said)
        if not made.rows:
            raise _Repeated(True)
        for row in made.rows:
            if isinstance(row, Membership):
                self._link(row, id)
                self._one_home(row)
        self.count += 1
        event = new_id()
        subject = made.rows[0]
        self._put(
            "core_event",
            event,
            made.event,
            self.owner(made.event),
            made.area_id,
            subject.tag,
            subject.id,
            dict(made.data),
        )
        for row in made.rows:
            if isinstance(row, Logged):
                row.event_id = event
                self._put("core_transition", new_id(), event, row.tag, row.id, getattr(row, "state", None))
            meta = row._meta
            if type(row) not in stage.made:
                stage.made.add(type(row))
                stage.db.execute(
                    f"CREATE TABLE {meta.db_table} (made, {', '.join(meta.fields_db_projection.values())})"
                )
            self._put(meta.db_table, *(getattr(row, name) for name in meta.fields_db_projection))

    def _put(self, table: str, *values: Any) -> None:
        self.rows.setdefault(table, []).append((self.count, *map(SQLITE.encode, values)))

    def _link(self, row: Membership, id: int) -> None:
        key = (str(row.actor_id), str(row.area_id or row.organization_id), str(row.role))
        done = self.stage.db.execute("INSERT OR IGNORE INTO link VALUES (?,?,?,?)", (*key, id))
        if done.rowcount == 0:
            other = self.stage.db.execute(
                "SELECT row FROM link WHERE actor = ? AND whole = ? AND role = ?", key
            ).fetchone()
            raise _Repeated(other[0] is None)

    def _one_home(self, row: Membership) -> None:
        """Refuses HOME_ELSEWHERE: they live in another part of the tree, and a mechanism there lets nobody live in two."""
        if row.role is not MembershipRole.RESIDENT or row.area_id is None:
            return
        for (home,) in self.stage.db.execute("SELECT area FROM home WHERE actor = ?", (str(row.actor_id),)):
            there, here = self.stage.areas[UUID(home)], self.stage.areas[row.area_id]
            if there.id not in here.chain and here.id not in there.chain:
                raise Refusal("HOME_ELSEWHERE", path=("area",))

    def flush(self) -> None:
        db = self.stage.db
        db.execute("BEGIN")
        for table, rows in self.rows.items():
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
        for sql, values in self.later:
            db.execute(sql, values)
        db.execute("COMMIT")
        self.rows, self.later = {}, []


_SAFE = {"limit", "length", "kind", "fields", "plugin", "area"}


class _Repeated(Exception):
    """A membership that is there already (`known`), or that another row of the file makes."""

    def __init__(self, known: bool) -> None:
        self.known = known


def _is_on(stage: Stage, area: AreaFact, plugin: str) -> bool:
    """In an area the file makes, what is on above it is on."""
    old = [a for a in area.chain if not stage.areas[a].new]
    return bool(old) and old[-1] in stage.on[plugin]


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() else c for c in name)


def _bad(stage: Stage, id: int, code: str, t: int, at: int, column: str, **values: Any) -> None:
    stage.db.execute("UPDATE row SET bad = 1 WHERE id = ?", (id,))
    stage.find(code, t, at, stage.seen[t].heads.get(column), **values)


def _set(stage: Stage, id: int, **values: Any) -> None:
    sets = ", ".join(f"{name} = ?" for name in values)
    stage.db.execute(f"UPDATE row SET {sets} WHERE id = ?", (*values.values(), id))
