"""Declaring what a community may tune: a pydantic model per plugin, and how lower areas may move each key.

    class AdoptionSettings(Settings):
        \"\"\"Scores are 0 to 100, terms in months, deadlines in days.\"\"\"

        notice_days: int = setting(7, move=Move.MIN, ge=1, le=90, en="Days of notice before an end", zh="提前通知天数")

A value goes down the area tree; an area may change it only within what the areas above it allow (M46, INV17).
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from core.enums import Move
from core.errors import ConfigurationError


class Settings(BaseModel):
    """Base of a plugin's settings. Every field has a default and is made by `setting`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def setting(default: Any, *, en: str, zh: str, move: Move = Move.OPEN, fixed: bool = False, **limits: Any) -> Any:
    """A key: its default, what it is for in both languages, how lower areas may move it (`fixed`: no area locks it
    otherwise), and pydantic's limits."""
    return Field(default, description=en, json_schema_extra={"zh": zh, "move": str(move), "fixed": fixed}, **limits)


@dataclass(frozen=True)
class Key:
    """One key of a plugin's settings, as declared."""

    plugin: str
    name: str
    default: Any
    move: Move
    en: str
    zh: str
    info: FieldInfo
    adapter: TypeAdapter[Any]
    fixed: bool = False

    @property
    def is_list(self) -> bool:
        return typing.get_origin(self.info.annotation) is list

    @property
    def moves(self) -> tuple[Move, ...]:
        """The locks that fit this type of value."""
        return (self.move,) if self.fixed else self._fitting

    @property
    def _fitting(self) -> tuple[Move, ...]:
        if self.is_list:
            return (Move.OPEN, Move.SUBSET, Move.EXTEND, Move.LOCKED)
        if self.info.annotation in (int, date):
            return (Move.OPEN, Move.MIN, Move.MAX, Move.LOCKED)
        return (Move.OPEN, Move.LOCKED)

    def parse(self, value: Any) -> Any:
        """The value as plain JSON data; raises ValueError when it is not allowed (see `allowed`)."""
        try:
            return self.adapter.dump_python(self.adapter.validate_json(_json(value), strict=True), mode="json")
        except ValidationError as error:
            raise ValueError(str(error)) from error

    def allowed(self, language: str) -> str:
        """What a value may be, for people."""
        return _allowed(self.info.annotation, self.info.metadata, language)


def _json(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value)


def _allowed(annotation: Any, metadata: list[Any], language: str) -> str:
    zh = language == "zh-CN"
    low = next((m.ge for m in metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in metadata if hasattr(m, "le")), None)
    if annotation is int:
        if low is not None and high is not None:
            return f"{low} 至 {high} 的整数" if zh else f"a whole number from {low} to {high}"
        if low is not None:
            return f"不小于 {low} 的整数" if zh else f"a whole number, {low} or more"
        return "整数" if zh else "a whole number"
    if annotation is bool:
        return "true 或 false" if zh else "true or false"
    if annotation is date:
        return "日期,如 2026-12-31" if zh else "a date such as 2026-12-31"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        names = ", ".join(str(m.value) for m in annotation)
        return f"{names} 之一" if zh else f"one of {names}"
    if typing.get_origin(annotation) is list:
        inner = _allowed(typing.get_args(annotation)[0], [], language)
        kept = next((m.member for m in metadata if hasattr(m, "member")), None)
        stays = "" if kept is None else f";须保留 {kept}" if zh else f"; {kept} stays"
        return f"列表,每项为 {inner}{stays}" if zh else f"a list of {inner}{stays}"
    longest = next((m.max_length for m in metadata if hasattr(m, "max_length")), None)
    if longest is not None:
        return f"不超过 {longest} 个字符的文本" if zh else f"a text of at most {longest} characters"
    return "文本" if zh else "a text"


_SCALARS = (int, str, bool, date)


@dataclass(frozen=True)
class Declared:
    """A plugin's settings model with its keys."""

    plugin: str
    model: type[Settings]
    keys: dict[str, Key]

    def defaults(self) -> dict[str, Any]:
        return {name: key.default for name, key in self.keys.items()}


def declared(plugin: str, model: type[Settings]) -> Declared:
    """Read a settings model; raises ConfigurationError naming every key that could not be tuned safely."""
    problems = []
    keys = {}
    for name, info in model.model_fields.items():
        where = f"plugin {plugin}: {model.__name__}.{name}"
        extra = info.json_schema_extra
        if not isinstance(extra, dict) or "move" not in extra:
            problems.append(f"{where}: declare it with setting(...)")
            continue
        annotation = info.annotation
        inner = typing.get_args(annotation)[0] if typing.get_origin(annotation) is list else annotation
        if isinstance(annotation, types.UnionType) or not (
            inner in _SCALARS or (isinstance(inner, type) and issubclass(inner, Enum))
        ):
            problems.append(f"{where}: {annotation} is no setting; use int, bool, str, date, an enum, or a list of one")
            continue
        limited: Any = typing.Annotated[annotation, *info.metadata] if info.metadata else annotation
        adapter: TypeAdapter[Any] = TypeAdapter(limited)
        key = Key(
            plugin, name, None, Move(str(extra["move"])), info.description or "", str(extra["zh"]), info, adapter,
            bool(extra.get("fixed")),
        )  # fmt: skip
        if key.move not in key._fitting:
            problems.append(f"{where}: move={key.move} does not fit {annotation}")
        try:
            default = key.parse(adapter.dump_python(info.default, mode="json"))
        except ValueError:
            problems.append(f"{where}: the default {info.default!r} is not {key.allowed('en')}")
            continue
        keys[name] = replace(key, default=default)
    if problems:
        raise ConfigurationError(*problems)
    return Declared(plugin, model, keys)
