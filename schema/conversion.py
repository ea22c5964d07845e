"""From coerced values to the classes that inputs were declared with: as Strawberry does it, its types resolved once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.lazy_type import LazyType

Read = Callable[[Any], Any]


def reader_of(input_type: type, config: StrawberryConfig) -> Read:
    """Makes an input of this type from the coerced value of an argument or variable."""
    definition = input_type.__strawberry_definition__  # type: ignore[attr-defined]
    fields = [
        (
            config.name_converter.from_field(f),
            f.python_name,
            _inside(f.resolve_type(type_definition=definition), config),
        )
        for f in definition.fields
    ]
    absent = {
        f.python_name: None
        for f in definition.fields
        if f.default_value is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }

    def read(value: Any) -> Any:
        given = dict(absent)
        for name, python, inside in fields:
            if name in value:
                one = value[name]
                given[python] = one if one is None or inside is None else inside(one)
        return input_type(**given)

    return read


def _inside(type_: Any, config: StrawberryConfig) -> Read | None:
    """How a value of this type is read; None where it is taken as it comes."""
    if isinstance(type_, StrawberryMaybe):
        raise TypeError(f"{type_}: inputs of mutations know no Maybe")
    if isinstance(type_, StrawberryOptional):
        return _inside(type_.of_type, config)
    if isinstance(type_, LazyType):
        return _inside(type_.resolve_type(), config)
    if isinstance(type_, StrawberryList):
        one = _inside(type_.of_type, config)
        return list if one is None else lambda values: [v if v is None else one(v) for v in values]
    return reader_of(type_, config) if has_object_definition(type_) else None
