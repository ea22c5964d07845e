"""Several writes as few round trips: on PostgreSQL one statement for all that a rule queued, in the order it queued them.

PostgreSQL runs the parts of a WITH whenever it likes, unless something asks for them: the last line asks for each
part's count, one after the other, so each is done before the next begins, and the triggers of a later part see the
rows of the former ones. Should that ever not hold, a guard refuses; nothing can go unguarded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.database import Transaction
from core.database.dialect import POSTGRES
from core.errors import Conflict
from core.models.base import Entity, Logged

PARAMETERS = 30_000  # of one statement; both databases take a few more
PARTS = 40


class Raw(str):
    """SQL text among values."""


def spread(rows: Iterable[Sequence[Any]]) -> list[Any]:
    """Rows as `(v, v, …), (…)`: values with the SQL between them."""
    parts: list[Any] = []
    for row in rows:
        parts.append(Raw(", (" if parts else " ("))
        for position, cell in enumerate(row):
            if position:
                parts.append(Raw(", "))
            parts.append(cell)
        parts.append(Raw(")"))
    return parts


def among(column: str, values: Sequence[Any]) -> list[Any]:
    """`column IN (v, v, …)`."""
    parts: list[Any] = [Raw(f"{column} IN (")]
    for position, value in enumerate(values):
        parts += [Raw(", "), value] if position else [value]
    return [*parts, Raw(")")]


@dataclass
class _Part:
    head: str
    values: list[Any]
    row: Entity | None = None  # an UPDATE that must find this row at `expected`
    expected: int = 0
    ids: tuple[UUID, ...] = ()  # of the rows it touches


class Batch:
    """Queue with `add`, `insert` and `update`; `run` writes it all. Refuses VERSION_CONFLICT when a row has moved on."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self._parts: list[_Part] = []
        self._rows: list[Entity] = []  # new rows of one model, waiting for others of it

    def add(self, head: str, values: list[Any], ids: tuple[UUID, ...] = ()) -> None:
        """A statement: its beginning, then values with `Raw` between them; `ids` of rows that it touches, where another
        part touches them too."""
        self._end_of_rows()
        self._parts.append(_Part(head, values, ids=ids))

    def insert_values(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], ids: tuple[UUID, ...] = ()
    ) -> None:
        """Rows of plain values, in as few parts as their parameters allow."""
        most = PARAMETERS // len(columns)
        for start in range(0, len(rows), most):
            self.add(f"INSERT INTO {table} ({', '.join(columns)}) VALUES", spread(rows[start : start + most]), ids)

    def insert(self, row: Entity) -> None:
        """A new row; neighbours of the same model share a statement."""
        meta = row._meta
        width = len(meta.fields_db_projection)
        if self._rows and (type(self._rows[0]) is not type(row) or (len(self._rows) + 1) * width > PARAMETERS):
            self._end_of_rows()
        self._rows.append(row)

    def update(self, row: Entity, changed: dict[str, Any], expected: int) -> None:
        """New values of a row; of a logged one only if its version is the expected one."""
        self._end_of_rows()
        names: dict[str, str] = type(row)._meta.fields_db_projection
        values: list[Any] = []
        for name, value in changed.items():
            values += [Raw(f"{', ' if values else ''}{names[name]} = "), value]
        values += [Raw(" WHERE id = "), row.id]
        if isinstance(row, Logged):
            values += [Raw(" AND version = "), expected]
        self._parts.append(_Part(f"UPDATE {type(row)._meta.db_table} SET", values, row, expected, (row.id,)))

    def _end_of_rows(self) -> None:
        if not self._rows:
            return
        meta = type(self._rows[0])._meta
        names = list(meta.fields_db_projection)
        columns = ", ".join(meta.fields_db_projection[name] for name in names)
        rows = [[getattr(row, name) for name in names] for row in self._rows]
        head = f"INSERT INTO {meta.db_table} ({columns}) VALUES"
        self._parts.append(_Part(head, spread(rows), ids=tuple(row.id for row in self._rows)))
        self._rows = []

    async def run(self) -> None:
        self._end_of_rows()
        waiting, self._parts = self._parts, []
        if self.transaction.database.dialect is not POSTGRES:
            each: list[list[Any]] = [[] for _ in waiting]
            texts = [self._written(part, values) for part, values in zip(waiting, each, strict=True)]
            _compare(waiting, await self.transaction.counts(list(zip(texts, each, strict=True))))
            return
        together: list[_Part] = []
        touched: set[UUID] = set()
        for part in waiting:
            values = sum(len(p.values) for p in together)
            again = not touched.isdisjoint(part.ids)  # one statement touches a row only once
            full = len(together) == PARTS or values + len(part.values) > PARAMETERS
            if together and (again or full):
                await self._send(together)
                together, touched = [], set()
            together.append(part)
            touched.update(part.ids)
        if together:
            await self._send(together)

    def _written(self, part: _Part, values: list[Any]) -> str:
        """Its statement, with marks for its values, which are added to those there are."""
        text = [part.head, " "]
        for value in part.values:
            if isinstance(value, Raw):
                text.append(value)
            else:
                values.append(value)
                text.append(self.transaction.database.dialect.mark(len(values)))
        return "".join(text) + " RETURNING 1 AS one"

    async def _send(self, parts: list[_Part]) -> None:
        values: list[Any] = []
        texts = [self._written(part, values) for part in parts]
        if len(parts) == 1:
            counts = await self.transaction.counts([(texts[0], values)])
        else:
            ctes = ", ".join(f"w{n} AS ({text})" for n, text in enumerate(texts))
            asked = ", ".join(f"(SELECT count(*) FROM w{n}) AS c{n}" for n in range(len(texts)))
            row = (await self.transaction.fetch(f"WITH {ctes} SELECT {asked}", *values))[0]
            counts = [row[f"c{n}"] for n in range(len(texts))]
        _compare(parts, counts)


def _compare(parts: Iterable[_Part], counts: Iterable[int]) -> None:
    for part, count in zip(parts, counts, strict=True):
        if part.row is not None and count != 1:
            raise Conflict(expected=part.expected, actual=part.expected + 1, current=part.row)
