"""What is hidden and what is missing are refused alike: every mutation, at every id that it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_required_input_field,
)

from core.ids import new_id, split_global, to_global
from core.testing.kit import Neighbourhood

AT_ONCE = 5  # mutations in one request, which has a time for all of them
Place = tuple[str, ...]  # the names of the fields that lead to one in an input


@dataclass
class Refusals:
    """Asks as `login`. `seen` and `hidden` have the id of a row that they see, and of one that they do not, by type."""

    n: Neighbourhood
    schema: GraphQLSchema
    login: str
    seen: Mapping[str, str]
    hidden: Mapping[str, str]
    wrong: list[str] = field(default_factory=list)
    count: int = 0  # pairs that were refused for the id in question

    async def check(self) -> None:
        assert self.schema.mutation_type is not None
        for mutation, definition in self.schema.mutation_type.fields.items():
            type_: Any = get_named_type(definition.args["input"].type)
            if "rows" in type_.fields:
                continue  # the same rule for many
            for place in _places(type_):
                if place[0] not in ("actingFor", "onBehalfOf"):
                    await self._at(Asked(mutation, type_, place))

    async def _at(self, asked: Asked) -> None:
        """Every hidden id in one field that takes ids of its type, and one that is nobody's."""
        needed = set(_places(asked.input, asked.place)) - {asked.place}
        others = {place: self._likely(place[-1]) for place in needed}
        while True:
            assert all(others.values()), f"{self.login} sees nothing that {asked.mutation} takes beside {asked.place}"
            filled = {place: ids[0] for place, ids in others.items()}
            answers = await self._answers(asked, filled, list(self.hidden.values()))
            bad = {_place(e) for errors in answers for e in errors if e["code"] == "BAD_ID"} - {asked.place}
            if not bad:
                break
            assert bad <= needed, f"{asked.mutation}: BAD_ID at {bad - needed}, where it takes no id that it needs"
            for place in bad:  # of another type than was thought
                others[place] = others[place][1:]
        taken = {
            type_: errors for type_, errors in zip(self.hidden, answers, strict=True)
            if not any(e["code"] == "BAD_ID" for e in errors)
        }  # fmt: skip
        missing = [to_global(split_global(self.hidden[type_])[0], new_id()) for type_ in taken]
        for (type_, one), other in zip(taken.items(), await self._answers(asked, filled, missing), strict=True):
            if one != other or [_place(e) for e in one] != [asked.place]:
                self.wrong.append(f"{asked.mutation}({'.'.join(asked.place)}: {type_}): hidden {one}, missing {other}")
            self.count += 1

    def _likely(self, name: str) -> list[str]:
        """An id of each type that there is something to see of, those first that a field of this name may take."""
        word = name.removesuffix("s").removesuffix("Id").lower()

        def rank(type_: str) -> int:
            return 0 if type_.lower().endswith(word) else 1 if type_ == "Actor" else 2 if type_ == "Area" else 3

        return [self.seen[type_] for type_ in sorted(self.seen, key=rank)]

    async def _answers(
        self, asked: Asked, filled: Mapping[Place, str], ids: Sequence[str]
    ) -> list[list[dict[str, Any]]]:
        """The errors that the mutation answers with to each of these ids, without the id."""
        found = []
        for some in (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)):
            inputs = {f"i{k}": _value(asked.input, {**filled, asked.place: id}) for k, id in enumerate(some)}
            parts = (f"{i}: {asked.mutation}(input: ${i}) {{ errors {{ {_TOLD} }} }}" for i in inputs)
            declared = ", ".join(f"${i}: {asked.input.name}!" for i in inputs)
            body = await self.n.ask(self.login, f"mutation({declared}) {{ {' '.join(parts)} }}", **inputs)
            found += [json.loads(json.dumps(body[f"i{k}"]["errors"]).replace(id, "")) for k, id in enumerate(some)]
        return found


@dataclass(frozen=True)
class Asked:
    """One field in a mutation's input that takes an id, or several."""

    mutation: str
    input: GraphQLInputObjectType
    place: Place


_TOLD = "__typename code message path"
_VALUES: dict[str, Any] = {
    "String": "某", "Int": 1, "Long": 1, "Boolean": True, "JSON": {}, "Date": "2025-03-01",
    "Instant": "2025-03-01T08:00:00+00:00",
}  # fmt: skip


def _places(type_: GraphQLInputObjectType, beside: Place | None = None, above: Place = ()) -> Iterator[Place]:
    """Where an input takes ids; those it needs where `beside` is given only."""
    for name, field_ in type_.fields.items():
        place, named = (*above, name), get_named_type(field_.type)
        if beside is not None and not is_required_input_field(field_) and beside[: len(place)] != place:
            continue
        if named.name == "ID":
            yield place
        elif isinstance(named, GraphQLInputObjectType):
            yield from _places(named, beside, place)


def _place(error: dict[str, Any]) -> Place:
    """Which field an error is about, without the numbers of lists."""
    return tuple(name for name in error["path"] if not name.isdecimal())


def _value(type_: Any, ids: Mapping[Place, str], at: Place = ()) -> Any:
    """A value of this type, with `ids` at their places and what it needs besides."""
    named: Any = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        value: Any = next(iter(named.values))
    elif isinstance(named, GraphQLInputObjectType):
        value = {
            name: _value(field_.type, ids, (*at, name)) for name, field_ in named.fields.items()
            if is_required_input_field(field_) or any(place[: len(at) + 1] == (*at, name) for place in ids)
        }  # fmt: skip
    else:
        value = ids[at] if named.name == "ID" else _VALUES[named.name]
    return [value] if is_list_type(get_nullable_type(type_)) else value
