"""Cuts: an area takes a permission from some of the roles its owner declared, for itself and everything below.

[area.haicang]
permissions."core.actor.merge" = ["ADMIN"]

They are settings of a section of their own, so that the file pins them, versions keep them and documents are cited. A
list is measured against what the owner declared and against the areas above: it only ever takes away (INV17), and never
the highest role, so that somebody is always left.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, create_model
from pydantic_core import core_schema

from core.access import Cuts, PermissionBook, PermissionRule
from core.enums import Move, Role
from core.settings.declare import Declared, Settings, declared, setting
from core.settings.tree import SettingsBook

SECTION = "permissions"


@dataclass(frozen=True)
class Keeps:
    """A list that a member stays in."""

    member: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: list[Any]) -> list[Any]:
        if self.member not in value:
            raise ValueError(f"{self.member} stays")
        return value


def highest(roles: Collection[Role]) -> Role:
    """The role that is never cut."""
    return max(roles, key=list(Role).index)


def cut_settings(book: PermissionBook) -> Declared:
    """A key for each permission that has a role to lose: the roles that keep it."""
    rules = [r for r in book.rules.values() if len(r.roles) > 1]
    return _declared(tuple((r.key, r.roles, r.title["en"], r.title["zh-CN"]) for r in rules))


@lru_cache(4)
def _declared(rules: tuple[tuple[str, frozenset[Role], str, str], ...]) -> Declared:
    fields: dict[str, Any] = {}
    for key, roles, en, zh in rules:
        names = [str(role) for role in Role if role in roles]
        kind = Enum(key, {name: name for name in names}, type=str)  # type: ignore[misc]
        kept = Annotated[list[kind], Keeps(str(highest(roles)))]
        fields[key] = (kept, setting(list(kind), move=Move.SUBSET, fixed=True, en=en, zh=zh))
    return declared(SECTION, create_model("PermissionCuts", __base__=Settings, **fields))


def cuts_of(book: SettingsBook, permissions: PermissionBook) -> Cuts:
    """What areas have cut. A list below another only takes more away, so each area's own word stands by itself."""
    found: dict[str, dict[Role, set[Any]]] = {}
    for (area_id, section), said in book.own.items():
        for key, own in said.items() if section == SECTION else ():
            rule: PermissionRule | None = permissions.rules.get(key)
            for role in rule.roles if rule is not None and own.value is not None else ():
                if str(role) not in own.value:
                    found.setdefault(key, {}).setdefault(role, set()).add(area_id)
    return {key: {role: frozenset(areas) for role, areas in by.items()} for key, by in found.items()}
