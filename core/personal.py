"""What personal data a table holds, declared beside its model: whose it is, what takes its place, how long it stays.

    texts = (*impersonal("title"), personal("statement", of="claimant_id", keep=Keep("submitted_at", "case_text_days")))

Every column of free text is said to be nobody's or somebody's; `undecided` names those nobody has thought about.
Erasure, the export of what is held on a person, and retention read these declarations, of plugins as of core.
In that export a table is headed by what its model says in `called = ("Consents", "同意记录")`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

ERASED = "[已清除]"  # stands where a text was that may not be null
BY_ID = "erased-{id}"  # where each row needs another
ANYONE = "core.Actor"


@dataclass(frozen=True)
class Keep:
    """So many days from the instant in the column `since`, by the setting `days` of core (`core.retention`) as it is in
    the row's area: its `area_id`, or what `where` says in SQL over `t`."""

    since: str
    days: str
    where: str | None = None


@dataclass(frozen=True)
class Text:
    """A column of free text. `whose` is SQL over the row `t` that holds for the rows of the people `{ids}`; None says
    that it is about nobody. `erased` takes its place, else null where it may be, an empty object, or ERASED; with
    `goes` the whole row goes instead. What is `secret` is shown to nobody."""

    column: str
    whose: str | None = None
    erased: str | None = None
    goes: bool = False
    keep: Keep | None = None
    secret: bool = False


def impersonal(*columns: str) -> tuple[Text, ...]:
    """Texts about places, things and rules; and codes, digests and names of plugins."""
    return tuple(Text(column) for column in columns)


def personal(
    column: str,
    *,
    of: str,
    erased: str | None = None,
    goes: bool = False,
    keep: Keep | None = None,
    secret: bool = False,
) -> Text:
    """A text that is somebody's: `of` is the column that names them, or SQL over `t` with `{ids}` in it."""
    return Text(column, of if "{ids}" in of else f"t.{of} IN ({{ids}})", erased, goes, keep, secret)


def home_of(column: str) -> str:
    """SQL over `t`: where the actor in this column is at home."""
    return f"(SELECT a.area_id FROM core_actor a WHERE a.id = t.{column})"


def texts_of(model: type[Model]) -> list[Text]:
    """What a model and its bases declare, the nearest first."""
    found: dict[str, Text] = {}
    for cls in model.__mro__:
        for text in cls.__dict__.get("texts", ()):
            found.setdefault(text.column, text)
    return list(found.values())


def personal_texts(model: type[Model]) -> list[Text]:
    return [text for text in texts_of(model) if text.whose is not None]


def replacement(model: type[Model], text: Text, id: UUID) -> str | dict[str, Any] | None:
    """What stands in a row's column once it is erased; written between quotes it is SQL too, also an empty object."""
    column = model._meta.fields_map[text.column]
    if text.erased is not None:
        return text.erased.replace("{id}", str(id))
    if column.null:
        return None
    return {} if isinstance(column, fields.JSONField) else ERASED


def about(model: type[Model]) -> list[str]:
    """SQL over `t` for the rows that are about the people `{ids}`: what the model says, its foreign keys to actors unless
    it says anything, and whose texts are in it."""
    said = getattr(model, "about", None)
    if said is None:
        said = tuple(
            f"t.{field.source_field} IN ({{ids}})"
            for field in model._meta.fields_map.values()
            if isinstance(field, fields.relational.ForeignKeyFieldInstance) and field.model_name == ANYONE
        )
    return list(dict.fromkeys([*said, *(str(text.whose) for text in personal_texts(model))]))


def heading(model: type[Model]) -> dict[str, str]:
    """What the table is called where people read its rows, by language; its name in the database unless it says."""
    en, zh = getattr(model, "called", (model._meta.db_table, model._meta.db_table))
    return {"en": en, "zh-CN": zh}


def columns_of_text(model: type[Model]) -> list[str]:
    """The columns that may hold what somebody typed: texts and JSON, but for closed sets."""
    found = []
    relations = {f.source_field for f in model._meta.fields_map.values() if getattr(f, "related_model", None)}
    for name, field in model._meta.fields_map.items():
        is_text = isinstance(field, (fields.CharField, fields.TextField, fields.JSONField, fields.BinaryField))
        if is_text and getattr(field, "enum_type", None) is None and name not in relations:
            found.append(name)
    return found


def undecided(models: Iterable[type[Model]]) -> list[str]:
    """`table.column` of the free texts about which nothing is declared, and of declarations about no such column; `table`
    where rows are about people and nothing says what they are called."""
    wrong = []
    for model in models:
        if about(model) and not hasattr(model, "called"):
            wrong.append(model._meta.db_table)
        declared = {text.column for text in texts_of(model)}
        wrong += [f"{model._meta.db_table}.{name}" for name in {*columns_of_text(model)} ^ declared]
    return sorted(wrong)


def is_erasure(model: type[Model]) -> str | None:
    """SQL over NEW and OLD: nothing is changed but personal texts, and those into what takes their place. It is the one
    change that what else never changes lets pass; false, never null; None for a model without such texts."""
    names = {**model._meta.fields_db_projection}
    erasable = [t for t in personal_texts(model) if not t.goes]
    if not erasable:
        return None
    found = []
    nobody = UUID(int=0)
    replaced = {t.column: replacement(model, t, nobody) for t in erasable}
    for name, column in names.items():
        if name in ("version", "event_id"):
            continue
        new, old = f'NEW."{column}"', f'OLD."{column}"'
        same = f"({new} = {old} OR ({new} IS NULL AND {old} IS NULL))"
        if name in replaced:
            value = replaced[name]
            text = f"'{value}'".replace(str(nobody), "' || CAST(NEW.id AS text) || '")
            same = f"({same} OR {new} IS NULL)" if value is None else f"({same} OR {new} = {text})"
        found.append(same)
    return f"COALESCE({' AND '.join(found)}, 1 = 0)"
