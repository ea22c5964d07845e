"""Python-computed fields: the plan fetches hidden columns, and this puts the computed values in their place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
)

from core.access import Viewer
from core.kernel import Kernel
from core.messages import Messages
from core.settings import SettingsBook
from schema.nodes.declare import PythonField

HIDDEN = "gz:"
Write = Callable[[Any], Any]


@dataclass(frozen=True)
class Facts:
    """What a Python-computed field may know besides its columns."""

    kernel: Kernel
    book: SettingsBook
    now: datetime
    language: str
    messages: Messages
    viewer: Viewer
    root_area: UUID | None


class Filler:
    """Fills one response. `collect` groups a selection by response key; `type_of` finds a field's GraphQL type."""

    def __init__(
        self,
        fields: list[tuple[PythonField, list[FieldNode]]],
        facts: Facts,
        collect: Callable[[list[Any]], dict[str, list[FieldNode]]],
        type_of: Callable[[PythonField], Any],
    ) -> None:
        self.fields = fields
        self.facts = facts
        self.collect = collect
        self.type_of = type_of
        self._writers: dict[int, Write] = {}  # by the number of the field
        self.failed: dict[str, BaseException] = {}  # by plugin: what its fields raised; they are null

    def fill(self, text: str) -> str:
        return orjson.dumps(self._walk(orjson.loads(text))).decode()

    def _walk(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._walk(v) for v in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            key = next(iter(value))
            if key.startswith(HIDDEN):
                return self._computed(int(key[len(HIDDEN) :]), value[key])
        return {k: self._walk(v) for k, v in value.items()}

    def _computed(self, number: int, columns: dict[str, Any]) -> Any:
        declared, nodes = self.fields[number]
        try:
            write = self._writers.get(number)
            if write is None:
                write = self._writers[number] = self._writer(self.type_of(declared), nodes)
            return write(declared.compute(columns, self.facts))
        except BaseException as error:
            # Nothing is awaited here, so that even a cancellation is the plugin's own.
            if declared.plugin == "core" or isinstance(error, KeyboardInterrupt):
                raise
            if not declared.nullable:
                raise RuntimeError(f"{declared.name} failed and may not be null") from error
            self.failed[declared.plugin] = error
            return None

    def _writer(self, graphql_type: Any, nodes: list[FieldNode]) -> Write:
        """Makes the JSON of plain Python values, as their GraphQL type and the selection say."""
        if isinstance(graphql_type, GraphQLNonNull):
            return self._writer(graphql_type.of_type, nodes)
        if isinstance(graphql_type, GraphQLList):
            one = self._writer(graphql_type.of_type, nodes)
            return lambda values: None if values is None else [one(v) for v in values]
        if isinstance(graphql_type, (GraphQLScalarType, GraphQLEnumType)):
            serialize = graphql_type.serialize
            return lambda value: None if value is None else serialize(value)
        assert isinstance(graphql_type, GraphQLObjectType)
        parts: list[tuple[str, str, Write]] = []
        for key, inner in self.collect([n.selection_set for n in nodes if n.selection_set]).items():
            name = inner[0].name.value
            if name == "__typename":
                parts.append((key, "__class__", lambda _: graphql_type.name))
                continue
            field = graphql_type.fields[name]
            python = field.extensions["strawberry-definition"].python_name
            parts.append((key, python, self._writer(field.type, inner)))
        return lambda value: (
            None if value is None else {key: write(getattr(value, python)) for key, python, write in parts}
        )
