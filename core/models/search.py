"""What can be found by name: an entry for each thing, and a row for each place in its name that a search may begin at."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database.guards import Guard, index
from core.models.base import Entity
from core.personal import Text, impersonal, personal

LONGEST = 64  # characters of a name, from where a search begins, that it can go on to tell apart


class SearchEntry(Entity):
    """A thing with a name, under its own id; derived from the thing's row and written with it (`core.search`)."""

    tag: ClassVar[str] = "searchentry"
    called: ClassVar[tuple[str, str]] = ("Names to be found by", "搜索名称")

    subject_tag = fields.CharField(max_length=41)
    kind = fields.CharField(max_length=41)
    plugin = fields.CharField(max_length=40)
    title = fields.CharField(max_length=200)
    area_id = fields.UUIDField(null=True)

    texts: ClassVar[tuple[Text, ...]] = (
        *impersonal("subject_tag", "kind", "plugin"),
        personal("title", of="id", goes=True),
    )

    class Meta:
        table = "core_search_entry"


class SearchTerm(Model):
    """The rest of a name from `position` on: as written (folded), in pinyin, in initials, and as `chenmy`.

    A search is a range of one of these columns, so that the index over it serves; a second reading of a surname has a
    row of its own.
    """

    seq = fields.BigIntField(primary_key=True, generated=True)
    entry: fields.ForeignKeyRelation[SearchEntry] = fields.ForeignKeyField(
        "core.SearchEntry", on_delete=fields.CASCADE, related_name=False
    )
    entry_id: UUID
    position = fields.IntField()
    text = fields.CharField(max_length=LONGEST)
    pinyin = fields.CharField(max_length=LONGEST, null=True)
    initials = fields.CharField(max_length=LONGEST, null=True)
    mixed = fields.CharField(max_length=LONGEST, null=True)

    tag: ClassVar[str] = "searchterm"
    called: ClassVar[tuple[str, str]] = ("Terms to be found by", "搜索词")
    texts: ClassVar[tuple[Text, ...]] = tuple(
        personal(c, of="entry_id", goes=True) for c in ("text", "pinyin", "initials", "mixed")
    )

    guards: ClassVar[tuple[Guard, ...]] = (
        index("text"),
        index("pinyin", where="pinyin IS NOT NULL"),
        index("initials", where="initials IS NOT NULL"),
        index("mixed", where="mixed IS NOT NULL"),
    )

    class Meta:
        table = "core_search_term"
