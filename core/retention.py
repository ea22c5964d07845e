"""How long personal texts are kept: declared beside the models (`core.personal.Keep`), in days that an area may shorten.

Once a civil day, what has been kept long enough goes: a text is replaced, or its row removed, and an event says in which
area how many of which table went. `gongzhi retention` tells what is due, and does it at once with --apply.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.enums import Move
from core.models import Area, Entity
from core.personal import Keep, Text, personal_texts, replacement
from core.rules.erasure import erase_columns
from core.settings import Settings, SettingsBook, declared, setting
from core.settings.store import as_instant, as_uuid
from core.work import Work

if TYPE_CHECKING:
    from core.runtime import Runtime

AT_ONCE = 500  # rows looked at, and changed in one transaction
APPLIED = "core.retention.applied"


class PrivacySettings(Settings):
    """Days that personal texts are kept; what an area says, those below may only shorten."""

    event_text_days: int = setting(
        1095, move=Move.MAX, ge=30, le=3650,
        en="Days that reasons and notes of events are kept", zh="事件理由与备注保存天数",
    )  # fmt: skip
    case_text_days: int = setting(
        1825, move=Move.MAX, ge=30, le=3650,
        en="Days that what people wrote in their matters is kept", zh="办事陈述与凭据文字保存天数",
    )  # fmt: skip
    access_days: int = setting(
        1095, move=Move.MAX, ge=180, le=3650,
        en="Days that the purpose of a look at sensitive facts is kept", zh="敏感信息查阅目的保存天数",
    )  # fmt: skip
    evidence_days: int = setting(
        1095, move=Move.MAX, ge=30, le=3650,
        en="Days that evidence is kept after a consent or guardianship has ended", zh="同意与监护结束后凭据保存天数",
    )  # fmt: skip
    import_days: int = setting(
        30, move=Move.MAX, ge=1, le=365,
        en="Days that names of imported files and conditions of exports are kept", zh="导入文件名与导出条件保存天数",
    )  # fmt: skip


CORE_SETTINGS = declared("core", PrivacySettings)


@dataclass(frozen=True)
class Kept:
    """A text that is kept for a time."""

    model: type[Model]
    text: Text
    keep: Keep

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def place(self) -> str:
        """SQL over `t`: the area whose days count."""
        return self.keep.where or "t.area_id"

    def due_sql(self, mark: Any) -> str:
        """Rows kept since before an instant, after an id, that still hold something."""
        gone = replacement(self.model, self.text, UUID(int=0))
        held = f"t.{self.text.column} IS NOT NULL"
        if gone is not None and not self.text.goes:
            held += f" AND t.{self.text.column} <> '{gone}'"
        return (
            f"SELECT t.id AS id, t.{self.keep.since} AS since, {self.place} AS area_id FROM {self.table} t"
            f" WHERE t.{self.keep.since} < {mark(1)} AND t.id > {mark(2)} AND {held} ORDER BY t.id LIMIT {AT_ONCE}"
        )


def wrong_keeps(model: type[Model]) -> Iterator[str]:
    """What of a model's `Keep`s cannot be: days that are no setting, a time that is no column, a place that is not told."""
    columns = model._meta.fields_map
    for text in personal_texts(model):
        if (keep := text.keep) is None:
            continue
        where = f"{model._meta.db_table}.{text.column}"
        if keep.days not in CORE_SETTINGS.keys:
            yield f"{where} is kept for {keep.days!r}, which is none of {', '.join(CORE_SETTINGS.keys)}"
        if not isinstance(columns.get(keep.since), fields.DatetimeField):
            yield f"{where} is kept since {keep.since!r}, which is no column of instants"
        if keep.where is None and not {"area", "area_id"} & columns.keys():
            yield f"{where} is kept in no area: there is no area_id, and Keep says no `where`"


def kept_for_a_time(models: list[type[Model]]) -> Iterator[Kept]:
    for model in models:
        for text in personal_texts(model):
            if text.keep is not None:
                yield Kept(model, text, text.keep)


@dataclass
class _Days:
    """How many days a setting says in an area."""

    book: SettingsBook
    chains: dict[UUID, tuple[UUID, ...]] = field(default_factory=dict)

    def shortest(self, name: str) -> int:
        said = [
            o.value for rows in self.book.own.values() for o in rows.values() if (o.plugin, o.key) == ("core", name)
        ]
        return min(int(v) for v in (CORE_SETTINGS.keys[name].default, *said) if v is not None)

    def of(self, name: str, area_id: UUID | None) -> int:
        chain = self.chains.get(area_id, ()) if area_id is not None else ()
        return int(self.book.effective(CORE_SETTINGS, chain)[name].value)


async def settle(runtime: Runtime, *, apply: bool = True) -> dict[str, int]:
    """What has been kept long enough, by `table.column`: how many rows. With `apply` it goes, from that many."""
    database, store, now = runtime.database, runtime.kernel.settings, runtime.clock.now()
    mark = database.dialect.mark
    book = await store.book(database.fetch, mark, await store.version(database.fetch))
    days = _Days(book)
    found: dict[str, int] = {}
    for kept in kept_for_a_time(database.models):
        count, last = 0, UUID(int=0)
        before = now - timedelta(days=days.shortest(kept.keep.days))
        while rows := await database.fetch(kept.due_sql(mark), before, last):
            last = as_uuid(rows[-1]["id"])
            for area_id, ids in (await _due(runtime, kept, rows, days, now)).items():
                count += await _go(runtime, kept, area_id, ids) if apply else len(ids)
        if count:
            found[f"{kept.table}.{kept.text.column}"] = count
    return found


async def _due(
    runtime: Runtime, kept: Kept, rows: list[Any], days: _Days, now: datetime
) -> dict[UUID | None, list[UUID]]:
    """Of these rows those that are due where they lie, by area."""
    placed = [(as_uuid(r["id"]), as_instant(r["since"]), r["area_id"] and as_uuid(r["area_id"])) for r in rows]
    unknown = sorted({area for _, _, area in placed if area is not None and area not in days.chains})
    if unknown:
        marks = ", ".join(runtime.database.dialect.mark(n + 1) for n in range(len(unknown)))
        above = await runtime.database.fetch(
            "SELECT descendant_id, ancestor_id FROM core_area_closure WHERE until IS NULL"
            f" AND descendant_id IN ({marks}) ORDER BY depth DESC",
            *unknown,
        )
        for row in above:
            id = as_uuid(row["descendant_id"])
            days.chains[id] = (*days.chains.get(id, ()), as_uuid(row["ancestor_id"]))
    due: dict[UUID | None, list[UUID]] = {}
    for id, since, area_id in placed:
        assert since is not None
        if since < now - timedelta(days=days.of(kept.keep.days, area_id)):
            due.setdefault(area_id, []).append(id)
    return due


async def _go(runtime: Runtime, kept: Kept, area_id: UUID | None, ids: list[UUID]) -> int:
    """In how many of these rows it went now: another worker may have been there meanwhile."""

    async def rule(work: Work) -> dict[str, Any]:
        if kept.text.goes:
            marks = ", ".join(["{}"] * len(ids))
            gone = len(await work.rows(f"DELETE FROM {kept.table} WHERE id IN ({marks}) RETURNING id", *ids))
        else:
            gone = await erase_columns(work, kept.model, [kept.text], ids)
        if not gone:
            return {"rows": 0}
        area = await work.find(Area, id=area_id) if area_id is not None else None
        subject: Entity = area or (await work.select(Area, parent_id=None))[0]
        data = {"table": kept.table, "column": kept.text.column, "rows": gone}
        work.record(APPLIED, subject, area_id=area_id, data=data)
        return {"rows": gone}

    return int((await runtime.as_system(rule))["rows"])
