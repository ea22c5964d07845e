"""May the viewer see this row? In what a mutation is told, too, what is hidden and what is missing look the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tortoise.models import Model

from core.access import Viewer
from core.database.dialect import Dialect
from core.errors import Refusal
from core.ids import split_global
from core.runtime import Runtime
from core.settings.store import as_uuid
from core.work import Work
from schema.nodes.composed import ComposedSchema, conditions
from schema.nodes.declare import CATALOGUE, NodeType
from schema.nodes.expressions import RowOf, Slot
from schema.nodes.viewing import viewer as viewer_facts
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
    """The model and id behind a global id, if a list would show the row to the viewer and its type to everybody;
    refuses NOT_FOUND, NOT_LINKABLE, BAD_ID."""
    node, id = await _seen(work, global_id, *path)
    if not (node.is_public or node.public_face):
        raise Refusal("NOT_LINKABLE", path=path)
    return node.model, id


async def seen_row(work: Work, global_id: str, *path: str) -> tuple[type[Model], UUID]:
    """The model and id behind a global id, if a list would show the row to the viewer; refuses NOT_FOUND, BAD_ID."""
    node, id = await _seen(work, global_id, *path)
    return node.model, id


async def _seen(work: Work, global_id: str, *path: str) -> tuple[NodeType, UUID]:
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
    return node, id


async def first_hidden(
    runtime: Runtime, composed: ComposedSchema, viewer: Viewer, paths: Mapping[str, tuple[str, ...]]
) -> Refusal | None:
    """NOT_FOUND at the first id of a refused input whose row the viewer may not see, be it hidden or missing: whatever
    the rule said of it they are not to know. None where they see each that not everybody sees, on or off its plugin.
    """
    asked: dict[str, dict[UUID, tuple[str, ...]]] = defaultdict(dict)
    for global_id, path in paths.items():
        tag, id = split_global(global_id)
        node = composed.by_tag.get(tag)
        if node is not None and not (node.is_public or node.public_face):
            asked[tag][id] = path
    if not asked:
        return None
    viewer = await runtime.viewer(viewer.token_hash) if viewer.token_hash else viewer  # the endpoint keeps it a second
    context = SimpleNamespace(viewer=viewer, book=runtime.book, now=runtime.clock.now(), root_area=None)
    statement = Statement(runtime.database.dialect, context)
    parts = []
    for tag, ids in asked.items():
        node = composed.by_tag[tag]
        given = statement.among("t.id", Slot(lambda ctx, ids=ids: list(ids)), "uuid")  # type: ignore[misc]
        scope = node.scope(RowOf("t"), viewer_facts).sql(statement)
        parts.append(f"SELECT {literal(tag)} AS tag, t.id AS id FROM {node.table} t WHERE {given} AND ({scope})")
    found = await runtime.database.read(" UNION ALL ".join(parts), statement.values)
    seen = {(str(tag), as_uuid(id)) for tag, id in found}
    hidden = ((tag, path) for tag, ids in asked.items() for id, path in ids.items() if (tag, id) not in seen)
    return next((Refusal("NOT_FOUND", path=path, kind=tag) for tag, path in hidden), None)
