"""What areas say about plugins and their settings, and the documents those rest on (M46)."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from core.database.guards import Guard, append_only, changed, check, index, refuse, unique
from core.enums import DocumentState, Move, Origin, Toggle
from core.models.actor import Actor
from core.models.area import Area
from core.models.base import Entity, Logged, references
from core.personal import Text, impersonal


class Governance(Model):
    """One row: the version of all toggles and settings. Every change raises it, and so comes after the one before. And the
    zone whose civil time everything here is counted in."""

    id = fields.IntField(primary_key=True)
    version = fields.BigIntField(default=0)
    file_name = fields.CharField(max_length=500, null=True)
    file_digest = fields.CharField(max_length=64, null=True)
    file_applied_at = fields.DatetimeField(null=True)
    needs = fields.TextField(null=True)  # of the loaded plugins, when `core_plugin_area` was last worked out whole
    time_zone = fields.CharField(max_length=64, null=True)  # since the first start

    tag: ClassVar[str] = "governance"
    texts: ClassVar[tuple[Text, ...]] = impersonal("file_name", "file_digest", "needs", "time_zone")

    guards: ClassVar[tuple[Guard, ...]] = (
        check("one_row", "NEW.id = 1"),
        refuse("forward", "UPDATE", "NEW.version < OLD.version", "INVALID_VALUE"),
        refuse(
            "time_zone_stays",
            "UPDATE",
            f"OLD.time_zone IS NOT NULL AND {changed('time_zone')}"
            " AND (NEW.time_zone IS NULL OR NEW.version = OLD.version)",
            "INVALID_VALUE",
        ),
    )

    class Meta:
        table = "core_governance"


class AreaPlugin(Logged):
    """What an area itself says about a plugin; one row by the file, one by mutation."""

    tag: ClassVar[str] = "areaplugin"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    plugin = fields.CharField(max_length=40)
    origin = fields.CharEnumField(Origin, description=Origin.__name__, max_length=40)
    state = fields.CharEnumField(Toggle, description=Toggle.__name__, max_length=40)
    until = fields.DatetimeField(null=True)
    line = fields.IntField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("plugin")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", "plugin", "origin", code="VERSION_CONFLICT"),
        check("pilots_end", "(NEW.state = 'PILOT') = (NEW.until IS NOT NULL)"),
        check("by_file_or_mutation", "NEW.origin IN ('FILE', 'MUTATION')"),
        index("until", where="until IS NOT NULL"),
    )

    class Meta:
        table = "core_area_plugin"


class RuleDocument(Logged):
    """A named document that rules rest on, such as 《认领管理办法》: who issued it, since when, until when provisional."""

    tag: ClassVar[str] = "ruledocument"
    called: ClassVar[tuple[str, str]] = ("Rule documents issued", "发布的制度文件")

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    issuer: fields.ForeignKeyRelation[Actor] = references("core.Actor")
    issuer_id: UUID
    title = fields.CharField(max_length=200)
    edition = fields.CharField(max_length=40)
    url = fields.CharField(max_length=500, null=True)
    effective_from = fields.DateField()
    provisional_until = fields.DateField(null=True)
    state = fields.CharEnumField(DocumentState, description=DocumentState.__name__, max_length=40)
    supersedes: fields.ForeignKeyNullableRelation[RuleDocument] = references("core.RuleDocument", null=True)
    supersedes_id: UUID | None

    texts: ClassVar[tuple[Text, ...]] = impersonal("title", "edition", "url")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", "title", where="state = 'IN_FORCE'", code="DOCUMENT_EXISTS"),
        index("effective_from"),
        check("title_not_empty", "length(NEW.title) > 0"),
        check(
            "provisional_after_start", "NEW.provisional_until IS NULL OR NEW.provisional_until >= NEW.effective_from"
        ),
        refuse("title_stays", "UPDATE", "NEW.title <> OLD.title OR NEW.edition <> OLD.edition", "DOCUMENT_STAYS"),
    )

    class Meta:
        table = "core_rule_document"


class Setting(Entity):
    """What an area itself says about a key, from one version to another; rows are closed, never edited."""

    tag: ClassVar[str] = "setting"

    area: fields.ForeignKeyRelation[Area] = references("core.Area")
    area_id: UUID
    plugin = fields.CharField(max_length=40)
    key = fields.CharField(max_length=60)
    origin = fields.CharEnumField(Origin, description=Origin.__name__, max_length=40)
    value = fields.TextField(null=True)
    lock = fields.CharEnumField(Move, description=Move.__name__, max_length=40, null=True)
    document: fields.ForeignKeyNullableRelation[RuleDocument] = references("core.RuleDocument", null=True)
    document_id: UUID | None
    article = fields.CharField(max_length=100, null=True)
    line = fields.IntField(null=True)
    since_version = fields.BigIntField()
    until_version = fields.BigIntField(null=True)

    texts: ClassVar[tuple[Text, ...]] = impersonal("plugin", "key", "value", "article")

    guards: ClassVar[tuple[Guard, ...]] = (
        unique("area_id", "plugin", "key", "origin", where="until_version IS NULL", code="VERSION_CONFLICT"),
        check("says_something", "NEW.value IS NOT NULL OR NEW.lock IS NOT NULL"),
        check("by_file_or_mutation", "NEW.origin IN ('FILE', 'MUTATION')"),
        refuse(
            "under_the_lock",
            "INSERT",
            "NEW.since_version <> (SELECT g.version FROM core_governance g WHERE g.id = 1)",
            "VERSION_CONFLICT",
        ),
        refuse(
            "closed_not_edited",
            "UPDATE",
            "OLD.until_version IS NOT NULL OR NEW.until_version IS NULL OR NEW.since_version <> OLD.since_version"
            " OR NEW.key <> OLD.key OR NEW.plugin <> OLD.plugin OR NEW.area_id <> OLD.area_id"
            " OR coalesce(NEW.value, '') <> coalesce(OLD.value, '') OR coalesce(NEW.lock, '') <> coalesce(OLD.lock, '')",
            "APPEND_ONLY",
        ),
        *append_only()[1:],
    )

    class Meta:
        table = "core_setting"


class PluginArea(Model):
    """Where a plugin is on, area by area; derived from AreaPlugin and the tree, kept by `settings.reach`."""

    id = fields.CharField(primary_key=True, max_length=80)
    plugin = fields.CharField(max_length=40)
    area_id = fields.UUIDField()
    until = fields.DatetimeField(null=True)

    tag: ClassVar[str] = "pluginarea"
    texts: ClassVar[tuple[Text, ...]] = impersonal("id", "plugin")

    guards: ClassVar[tuple[Guard, ...]] = (unique("area_id", "plugin", code="INTERNAL"),)

    class Meta:
        table = "core_plugin_area"


class Installed(Model):
    """A plugin this database has tables of, installed now or once."""

    key = fields.CharField(primary_key=True, max_length=40)
    version = fields.CharField(max_length=40)
    tables = fields.TextField()
    seen_at = fields.DatetimeField()

    tag: ClassVar[str] = "installed"
    texts: ClassVar[tuple[Text, ...]] = impersonal("key", "version", "tables")

    guards: ClassVar[tuple[Guard, ...]] = ()

    class Meta:
        table = "core_installed"
