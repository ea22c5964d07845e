"""Arguments of a field, readable twice: now, to decide the shape of the SQL, and per request, to bind its parameters.

A plan is kept for every request whose variables have the same shape, so nothing of a value may reach the SQL text;
what a plan may look at is which keys are present, what is null, list lengths of objects, enums and booleans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    coerce_input_literal,
    get_nullable_type,
)

from core.errors import Refusal

Variables = dict[str, Any]
MAX_LIST = 100


class Argument:
    """A value in the arguments: `current` now, `read(variables)` in a later request of the same shape."""

    def __init__(self, current: Any, read: Callable[[Variables], Any]) -> None:
        self.current = current
        self.read = read

    @property
    def is_null(self) -> bool:
        return self.current is None

    def items(self) -> Iterator[tuple[str, Argument]]:
        """Keys present in an input object."""
        if isinstance(self.current, _Parts):
            yield from self.current.fields.items()
        elif isinstance(self.current, dict):
            for key, value in self.current.items():
                yield key, Argument(value, lambda v, key=key: self.read(v)[key])  # type: ignore[misc]

    def elements(self) -> Iterator[Argument]:
        """Elements of a list of input objects."""
        if isinstance(self.current, _Elements):
            yield from self.current.items
        else:
            for index, value in enumerate(self.current):
                yield Argument(value, lambda v, index=index: self.read(v)[index])  # type: ignore[misc]


class _Parts:
    """An input object written out in the document, perhaps with variables inside."""

    def __init__(self, fields: dict[str, Argument]) -> None:
        self.fields = fields


class _Elements:
    def __init__(self, items: list[Argument]) -> None:
        self.items = items


def read_arguments(field: GraphQLField, node: FieldNode, variables: Variables) -> dict[str, Argument]:
    """The arguments present on a field; an absent variable is an absent argument."""
    found = {}
    written = {a.name.value: a.value for a in node.arguments or ()}
    for name, definition in field.args.items():
        argument = _read(written[name], definition.type, variables) if name in written else None
        if argument is not None:
            found[name] = argument
    return found


def _read(node: ValueNode, type_: GraphQLInputType, variables: Variables) -> Argument | None:
    if isinstance(node, VariableNode):
        name = node.name.value
        if name not in variables:
            return None
        return Argument(variables[name], lambda v: v[name])
    if isinstance(node, NullValueNode):
        return Argument(None, lambda v: None)
    bare = get_nullable_type(type_)
    if isinstance(bare, GraphQLInputObjectType) and isinstance(node, ObjectValueNode):
        fields = {}
        for part in node.fields or ():
            inner = _read(part.value, bare.fields[part.name.value].type, variables)
            if inner is not None:
                fields[part.name.value] = inner
        return Argument(_Parts(fields), lambda v: None)
    if isinstance(bare, GraphQLList):
        inside = get_nullable_type(bare.of_type)
        nodes = node.values if isinstance(node, ListValueNode) else (node,)
        if isinstance(inside, GraphQLInputObjectType):
            elements = [_read(n, bare.of_type, variables) for n in nodes]
            return Argument(_Elements([e for e in elements if e is not None]), lambda v: None)
        if any(isinstance(n, VariableNode) for n in nodes):
            parts = [_read(n, bare.of_type, variables) for n in nodes]
            kept = [p for p in parts if p is not None]
            return Argument([p.current for p in kept], lambda v: [p.read(v) for p in kept])
    value = coerce_input_literal(node, type_)
    return Argument(value, lambda v: value)


def shape_of(value: Any) -> Any:
    """What of a variable's value a plan may depend on; hashable."""
    if value is None or isinstance(value, (bool, Enum)):
        return value
    if isinstance(value, dict):
        return tuple((k, shape_of(v)) for k, v in sorted(value.items()))
    if isinstance(value, list):
        if any(isinstance(v, dict) for v in value):
            return ("objects", *(shape_of(v) for v in value))
        return "list"
    return type(value).__name__


def check_list(values: list[Any]) -> list[Any]:
    if len(values) > MAX_LIST:
        raise Refusal("TOO_MANY_VALUES", limit=MAX_LIST, given=len(values))
    return values
