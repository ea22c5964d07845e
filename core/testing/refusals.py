"""What is hidden and what is missing are refused alike: every mutation, at every id that it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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

AT_ONCE = 10  # mutations in one request


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
            for name, field_ in type_.fields.items():
                if _is_id(field_.type) and name != "actingFor":
                    await self._at(Asked(mutation, type_, name))

    async def _at(self, asked: Asked) -> None:
        """Every hidden id in one field that takes ids of its type, and one that is nobody's."""
        others = {
            name: self._likely(name) for name, field_ in asked.input.fields.items()
            if _is_id(field_.type) and is_required_input_field(field_) and name != asked.field
        }  # fmt: skip
        while True:
            assert all(others.values()), f"{self.login} sees nothing that {asked.mutation} takes beside {asked.field}"
            filled = {name: ids[0] for name, ids in others.items()}
            answers = await self._answers(asked, filled, list(self.hidden.values()))
            bad = {e["path"][0] for errors in answers for e in errors if e["code"] == "BAD_ID"} - {asked.field}
            if not bad:
                break
            for name in bad:  # of another type than was thought
                others[name] = others[name][1:]
        taken = {
            type_: errors for type_, errors in zip(self.hidden, answers, strict=True)
            if not any(e["code"] == "BAD_ID" for e in errors)
        }  # fmt: skip
        missing = [to_global(split_global(self.hidden[type_])[0], new_id()) for type_ in taken]
        for (type_, one), other in zip(taken.items(), await self._answers(asked, filled, missing), strict=True):
            if one != other or [e["path"][:1] for e in one] != [[asked.field]]:
                self.wrong.append(f"{asked.mutation}({asked.field}: {type_}): hidden {one}, missing {other}")
            self.count += 1

    def _likely(self, name: str) -> list[str]:
        """An id of each type that there is something to see of, those first that a field of this name may take."""
        word = name.removesuffix("s").removesuffix("Id").lower()

        def rank(type_: str) -> int:
            return 0 if type_.lower().endswith(word) else 1 if type_ == "Actor" else 2 if type_ == "Area" else 3

        return [self.seen[type_] for type_ in sorted(self.seen, key=rank)]

    async def _answers(self, asked: Asked, filled: Mapping[str, str], ids: Sequence[str]) -> list[list[dict[str, Any]]]:
        """The errors that the mutation answers with to each of these ids, without the id."""
        given = {n: _value(f.type, filled.get(n)) for n, f in asked.input.fields.items() if is_required_input_field(f)}
        found = []
        for some in (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)):
            type_ = asked.input.fields[asked.field].type
            inputs = {f"i{k}": given | {asked.field: _value(type_, id)} for k, id in enumerate(some)}
            parts = (f"{i}: {asked.mutation}(input: ${i}) {{ errors {{ {_TOLD} }} }}" for i in inputs)
            declared = ", ".join(f"${i}: {asked.input.name}!" for i in inputs)
            body = await self.n.ask(self.login, f"mutation({declared}) {{ {' '.join(parts)} }}", **inputs)
            found += [json.loads(json.dumps(body[f"i{k}"]["errors"]).replace(id, "")) for k, id in enumerate(some)]
        return found


@dataclass(frozen=True)
class Asked:
    """One field of a mutation's input that takes an id, or several."""

    mutation: str
    input: GraphQLInputObjectType
    field: str


_TOLD = "__typename code message path"
_VALUES: dict[str, Any] = {
    "String": "某", "Int": 1, "Long": 1, "Boolean": True, "JSON": {}, "Date": "2025-03-01",
    "Instant": "2025-03-01T08:00:00+00:00",
}  # fmt: skip


def _value(type_: Any, id: str | None) -> Any:
    """A value of this type; `id` where it is one."""
    named: Any = get_named_type(type_)
    if isinstance(named, GraphQLEnumType):
        value: Any = next(iter(named.values))
    elif isinstance(named, GraphQLInputObjectType):
        value = {n: _value(f.type, id) for n, f in named.fields.items() if is_required_input_field(f)}
    else:
        value = id if named.name == "ID" else _VALUES[named.name]
    return [value] if is_list_type(get_nullable_type(type_)) else value


def _is_id(type_: Any) -> bool:
    return bool(get_named_type(type_).name == "ID")
