"""Input types the composer generates: operators per kind of value, `<Type>Where` and `<Type>Order`."""

from __future__ import annotations

from datetime import date, datetime
from enum import Enum
from typing import Any, Optional

import strawberry

from core.enums import Term
from schema.nodes.composed import ComposedSchema
from schema.nodes.declare import NodeType, ScalarField, ToOneField
from schema.scalars import Long


def expose_enums() -> None:
    """Make every Term a GraphQL enum whose values carry their Chinese names."""
    pending = [Term]
    while pending:
        cls = pending.pop()
        for enum in cls.__subclasses__():
            pending.append(enum)
            if "__strawberry_definition__" in vars(enum) or not list(enum):
                continue
            strawberry.enum(enum, description=(enum.__doc__ or "").strip())
            for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]
                value.description = enum[value.name].zh


def _input(name: str, annotations: dict[str, Any], description: str, names: dict[str, str] | None = None) -> type:
    cls = type(name, (), {})
    return _finish_input(cls, annotations, description, names or {})


def _finish_input(cls: type, annotations: dict[str, Any], description: str, names: dict[str, str]) -> type:
    cls.__annotations__ = annotations
    for field in annotations:
        public = names.get(field)
        setattr(cls, field, strawberry.field(name=public, default=strawberry.UNSET))
    return strawberry.input(cls, description=description)


_OPERATORS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "text": (str, ("eq", "ne", "in", "contains", "startsWith", "isNull")),
    "int": (int, ("eq", "ne", "in", "gt", "gte", "lt", "lte", "isNull")),
    "long": (Long, ("eq", "ne", "in", "gt", "gte", "lt", "lte", "isNull")),
    "instant": (datetime, ("eq", "gt", "gte", "lt", "lte", "isNull")),
    "date": (date, ("eq", "gt", "gte", "lt", "lte", "isNull")),
    "bool": (bool, ("eq",)),
    "id": (strawberry.ID, ("eq", "in")),
    "reference": (strawberry.ID, ("eq", "in")),
}
_NAMES = {
    "text": "Text", "int": "Int", "long": "Long", "instant": "Instant",
    "date": "Date", "bool": "Boolean", "id": "ID", "reference": "ID",
}  # fmt: skip


class InputFactory:
    """Makes each generated input once."""

    def __init__(self, composed: ComposedSchema) -> None:
        self.composed = composed
        self._filters: dict[str, type] = {}
        self._where: dict[str, type] = {}
        self._order: dict[str, type] = {}
        for node in composed.types.values():
            self._where[node.name] = type(f"{node.name}Where", (), {})
        for node in composed.types.values():
            self._finish_where(node)

    def where(self, node: NodeType) -> type:
        return self._where[node.name]

    def order(self, node: NodeType) -> type:
        if node.name not in self._order:
            members = {name: name for name in self.composed.orders(node)}
            made = Enum(f"{node.name}Order", members)  # type: ignore[misc]
            self._order[node.name] = strawberry.enum(
                made, description=f"Orders of {node.name} lists; ties by id, nulls last (排序)."
            )
        return self._order[node.name]

    def _filter(self, field: ScalarField) -> type:
        if field.enum is not None:
            name, base = f"{field.enum.__name__}Filter", field.enum
            operators: tuple[str, ...] = ("eq", "ne", "in", "isNull")
        else:
            base, operators = _OPERATORS[field.kind]
            name = f"{_NAMES[field.kind]}Filter"
        if name not in self._filters:
            annotations: dict[str, Any] = {}
            names = {}
            for operator in operators:
                python = {"in": "in_", "startsWith": "starts_with", "isNull": "is_null"}.get(operator, operator)
                names[python] = operator
                value: Any = bool if operator == "isNull" else list[base] if operator == "in" else base  # type: ignore[valid-type]
                annotations[python] = Optional[value]
            self._filters[name] = _input(name, annotations, "All operators given must hold (筛选条件).", names)
        return self._filters[name]

    def _finish_where(self, node: NodeType) -> None:
        cls = self._where[node.name]
        annotations: dict[str, Any] = {
            "and_": Optional[list[cls]],  # type: ignore[valid-type]
            "or_": Optional[list[cls]],  # type: ignore[valid-type]
            "not_": Optional[cls],
        }
        names = {"and_": "and", "or_": "or", "not_": "not"}
        for declared in node.fields.values():
            if isinstance(declared, ToOneField):
                annotations[declared.name] = Optional[self._where[self.composed.type_of(declared.target).name]]
            elif isinstance(declared, ScalarField) and declared.filterable and declared.kind != "json":
                annotations[declared.name] = Optional[self._filter(declared)]
        for extra in node.filters:
            annotations[extra.name] = Optional[_OPERATORS[extra.kind][0]]
        _finish_input(cls, annotations, f"Conditions on {node.name}; all that are given must hold (筛选).", names)
