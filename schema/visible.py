"""May the viewer see this row? For mutations that take any node's id: what is hidden and what is missing look the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tortoise.models import Model

from core.database.dialect import Dialect
from core.errors import Refusal
from core.ids import split_global
from core.work import Work
from schema.nodes.composed import conditions
from schema.nodes.declare import CATALOGUE
from schema.nodes.expressions import RowOf, Slot
from schema.planning.emit import emitter_for, literal


class Statement:
    """The SqlScope of one small statement: every parameter is bound as it is met."""

    by_row = False

    def __init__(self, dialect: Dialect, context: Any) -> None:
        self.emit = emitter_for(dialect)
        self.cuts = bool(context.viewer.cuts)
        self.dialect = dialect
        self.context = context
        self.values: list[Any] = []
        self._aliases = 0

    def _mark(self, slot: Slot) -> str:
        self.values.append(slot.value(self.context))
        return self.dialect.mark(len(self.values))

    def parameter(self, slot: Slot, sql_type: str) -> str:
        return self.emit.parameter(self._mark(slot), sql_type)

    def among(self, column: str, slot: Slot, sql_type: str) -> str:
        return self.dialect.among(column, self._mark(slot), sql_type)

    def below(self, slot: Slot) -> str:
        return self.emit.below(self._mark(slot))

    def alias(self) -> str:
        self._aliases += 1
        return f"t{self._aliases}"

    def literal(self, value: Any) -> str:
        return literal(value)

    def text(self, sql: str) -> str:
        return self.emit.text(sql)

    def join(self, sql: str) -> str:
        return self.emit.join(sql)

    def quoted(self, sql: str) -> str:
        return self.emit.quoted(sql)


async def visible_row(work: Work, global_id: str, *path: str) -> tuple[type[Model], UUID]:
    """The model and id behind a global id, if a list would show the row to the viewer; refuses NOT_FOUND, BAD_ID."""
    try:
        tag, id = split_global(global_id)
    except Refusal as refusal:
        raise refusal.at(*path) from None
    node = next((n for n in CATALOGUE.types.values() if n.tag == tag and not n.interface and not n.source), None)
    if node is None or node.plugin not in {"core", *work.kernel.plugins}:
        raise Refusal("NOT_FOUND", path=path, kind="node")
    context = SimpleNamespace(viewer=work.viewer, book=work.book, now=work.now, root_area=work.within)
    statement = Statement(work.transaction.database.dialect, context)
    found = [f"t.id = {statement.parameter(Slot(lambda ctx: id), 'uuid')}"]
    found += [f"({c.sql(statement)})" for c in conditions(node, RowOf("t"), rooted=work.within is not None)]
    sql = f"SELECT 1 AS yes FROM {node.table} t WHERE {' AND '.join(found)}"
    if not await work.transaction.fetch(sql, *statement.values):
        raise Refusal("NOT_FOUND", path=path, kind=tag)
    return node.model, id
