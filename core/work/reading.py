"""Rows as a rule reads and holds them, where they lie, and the settings that hold there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload
from uuid import UUID

from tortoise.models import Model

from core.clock import Clock
from core.database import Transaction
from core.database.dialect import POSTGRES, Dialect
from core.decisions import Place
from core.errors import GongzhiError, Refusal
from core.kernel import Kernel
from core.models import Actor, Area
from core.settings import Settings, SettingsBook

if TYPE_CHECKING:
    from core.events import EventRecord

M = TypeVar("M", bound=Model)
N = TypeVar("N", bound=Model)
S = TypeVar("S", bound=Settings)


class Reading:
    """The part of `Work` that reads."""

    transaction: Transaction
    kernel: Kernel
    clock: Clock
    now: datetime
    paths: Callable[[], Mapping[str, tuple[str, ...]]]
    changes_settings: bool
    _settings: int | None
    _places: dict[UUID, Place]

    def is_over(self, until: datetime | None) -> bool:
        """Has this passed by the moment of asking? Whoever was waited for may have ended it after this work began."""
        return until is not None and until <= self.clock.now()

    async def lock(self, model: type[M], id: UUID) -> M:
        """The row, held until the end of the transaction; refuses NOT_FOUND. A merged actor's id gives the one kept."""
        return await self._one(model, id, lock=True)

    async def get(self, model: type[M], id: UUID) -> M:
        """The row without holding it; refuses NOT_FOUND."""
        return await self._one(model, id, lock=False)

    async def _one(self, model: type[M], id: UUID, *, lock: bool) -> M:
        rows = await self._select(model, "t.id = {}", [id], lock=lock)
        found = rows[0] if rows else None
        if isinstance(found, Actor) and found.gone_at is not None:
            if found.merged_into_id is not None:
                return await self._one(model, found.merged_into_id, lock=lock)
            found = None
        if found is None:
            raise self._not_found(model, id)
        return found

    def _not_found(self, model: type[Model], id: UUID) -> Refusal:
        tag = getattr(model, "tag", model.__name__)
        return Refusal("NOT_FOUND", path=self.paths().get(f"{tag}_{id}", ()), kind=tag)

    async def lock_with(self, model: type[M], id: UUID, above: type[N]) -> tuple[N, M]:
        """The row that row `id` of `model` points at by its foreign key to `above`, and the row itself, both held, the
        one above first; refuses NOT_FOUND."""
        keys = [f for f in model._meta.fields_map.values() if getattr(f, "related_model", None) is above]
        if len(keys) != 1:
            raise GongzhiError(f"{model.__name__} has {len(keys)} foreign keys to {above.__name__}")
        dialect = self.transaction.database.dialect
        upper, lower = _columns(above, "u", dialect), _columns(model, "t", dialect)
        hold = f"{dialect.lock} OF u, t" if dialect.lock else ""
        rows = await self.transaction.fetch(
            f"SELECT {upper.sql}, {lower.sql} FROM {above._meta.db_table} u JOIN {model._meta.db_table} t"
            f" ON t.{keys[0].source_field} = u.id WHERE t.id = {dialect.mark(1)}{hold}",
            id,
        )
        if not rows:
            raise self._not_found(model, id)
        return self._made(upper, rows[0]), self._made(lower, rows[0])

    @overload
    async def heard(self, event: EventRecord, model: type[M], *, above: None = None, **columns: Any) -> M | None: ...
    @overload
    async def heard(
        self, event: EventRecord, model: type[M], *, above: type[N], **columns: Any
    ) -> tuple[N, M] | None: ...
    async def heard(
        self, event: EventRecord, model: type[M], *, above: type[N] | None = None, **columns: Any
    ) -> M | tuple[N, M] | None:
        """The row of `model` that another mechanism tells about (`subjectTag`, `subjectId`), held, where its columns still are
        so: `state=VOTING, ballot_id=event.data["ballot"]`; with the row `above` it (`lock_with`). None where they are not,
        null among them, or where the event is about something else."""
        if event.data.get("subjectTag") != getattr(model, "tag", None):
            return None
        id = UUID(event.data["subjectId"])
        higher, row = (None, await self.lock(model, id)) if above is None else await self.lock_with(model, id, above)
        if any(getattr(row, name) is None or str(getattr(row, name)) != str(value) for name, value in columns.items()):
            return None
        return row if higher is None else (higher, row)

    async def find(self, model: type[M], **equals: Any) -> M | None:
        """The only row with these column values, or None."""
        rows = await self.select(model, **equals)
        return rows[0] if rows else None

    async def select(self, model: type[M], *, lock: bool = False, **equals: Any) -> list[M]:
        """Rows with these column values (a list means "one of"), oldest first."""
        conditions, values = [], []
        for column, value in equals.items():
            if isinstance(value, (list, tuple, set, frozenset)):
                conditions.append(f"t.{column} IN ({', '.join(['{}'] * len(value)) or 'NULL'})")
                values += list(value)
            elif value is None:
                conditions.append(f"t.{column} IS NULL")
            else:
                conditions.append(f"t.{column} = {{}}")
                values.append(value)
        return await self._select(model, " AND ".join(conditions) or "1 = 1", values, lock=lock)

    async def _select(self, model: type[M], condition: str, values: list[Any], *, lock: bool) -> list[M]:
        dialect = self.transaction.database.dialect
        columns = _columns(model, "t", dialect)
        key = "seq" if "seq" in columns.names else model._meta.db_pk_column
        marks = [dialect.mark(i + 1) for i in range(len(values))]
        sql = (
            f"SELECT {columns.sql} FROM {model._meta.db_table} t"
            f" WHERE {condition.format(*marks)} ORDER BY t.{key}{dialect.lock + ' OF t' if lock and dialect.lock else ''}"
        )
        return [self._made(columns, record) for record in await self.transaction.fetch(sql, *values)]

    def _made(self, columns: _Columns[M], record: Any) -> M:
        row = columns.model._init_from_db(**{c: record[f"{columns.alias}_{c}"] for c in columns.names})
        if columns.placed:
            above, plugins = record[f"{columns.alias}_gz_above"], record[f"{columns.alias}_gz_plugins"]
            self._places[row.pk] = Place.read(above, plugins, self.now)
        return row

    def knows_place(self, row: Model) -> bool:
        """Was the row read through this work, and has it an area of its own?"""
        return row.pk in self._places

    def place(self, row: Model) -> Place:
        """Where a row lies that was read through this work."""
        return self._places[row.pk]

    async def settings(self, model: type[S], at: Model, *, version: int | None = None) -> S:
        """What holds where `at` lies: the newest settings, or those of the version a process began with."""
        book = await self.settings_book(version)
        found: S = book.values(self.kernel.settings.by_model[model], self.place(at).chain)
        return found

    async def settings_book(self, version: int | None = None) -> SettingsBook:
        """Everything that areas have set, as of a version; the newest unless told."""
        mark, store = self.transaction.database.dialect.mark, self.kernel.settings
        wanted = await self.settings_version() if version is None else version
        return await store.book(self.transaction.fetch, mark, wanted, remember=not self.changes_settings)

    async def settings_version(self) -> int:
        """The version in force, for a process to keep that should go on under the rules it began with."""
        if self._settings is None:
            self._settings = await self.kernel.settings.version(self.transaction.fetch)
        return self._settings

    def hold(self, alias: str) -> str:
        """The end of a statement of the rule's own that holds the rows of `alias` until the end of the transaction;
        others may still refer to them. Nothing on SQLite, where one transaction writes at a time."""
        return f" FOR NO KEY UPDATE OF {alias}" if self.transaction.database.dialect.lock else ""

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        """A statement of the rule's own; `{}` stands for each parameter."""
        mark = self.transaction.database.dialect.mark
        return await self.transaction.fetch(sql.format(*(mark(i + 1) for i in range(len(values)))), *values)


class _Columns(Generic[M]):
    """What is read of a model, under an alias: its columns; and where it lies in an area, the areas above (with their
    distance) and the plugins that are on there, as JSON."""

    def __init__(self, model: type[M], alias: str, dialect: Dialect) -> None:
        self.model, self.alias = model, alias
        self.names = list(model._meta.fields_db_projection.values())
        self.placed = model is Area or "area_id" in self.names
        parts = [f"{alias}.{c} AS {alias}_{c}" for c in self.names]
        if self.placed:
            area = f"{alias}.{'id' if model is Area else 'area_id'}"
            rows, pair = ("json_agg", "json_build_array") if dialect is POSTGRES else ("json_group_array", "json_array")
            parts.append(
                f"(SELECT {rows}({pair}(c.ancestor_id, c.depth)) FROM core_area_closure c"
                f" WHERE c.descendant_id = {area} AND c.until IS NULL) AS {alias}_gz_above"
            )
            parts.append(
                f"(SELECT {rows}({pair}(p.plugin, p.until)) FROM core_plugin_area p WHERE p.area_id = {area})"
                f" AS {alias}_gz_plugins"
            )
        self.sql = ", ".join(parts)


@cache
def _columns(model: type[M], alias: str, dialect: Dialect) -> _Columns[M]:
    return _Columns(model, alias, dialect)
