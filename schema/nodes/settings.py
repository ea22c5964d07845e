"""Mechanisms as the API shows them: what is installed, what is on where, what areas have set and within which bounds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types.info import Info

from core import models
from core.enums import DocumentState, Move, Origin, PluginState, Toggle
from core.health import PluginStatus
from core.ids import from_global, to_global
from core.kernel import Kernel
from core.plugins.manifest import Manifest
from core.retention import CORE_SETTINGS
from core.rules import documents
from core.rules import settings as rules
from core.settings import Effective, SettingsBook
from core.work import Work
from schema.mutations import ChangeInput, MutationInput, Result, Subject, mutation
from schema.nodes.composed import Query, every, plain
from schema.nodes.core import Actor, Area
from schema.nodes.declare import Connection, column, connection, extend, node, python, to_one
from schema.nodes.expressions import Expr, ListOf, RowOf
from schema.nodes.telling import public
from schema.nodes.viewing import AreaChain
from schema.planning.python_fields import Facts
from schema.scalars import JSON


@node(models.RuleDocument, scope=public("Rules that bind people are published."), order="-effective_from")
class RuleDocument:
    """A named document that rules rest on, such as 《认领管理办法》 (制度文件)."""

    title: str = column()
    edition: str = column(description="Which version of it (版本).")
    url: str | None = column(filter=False, description="Where it can be read (文件地址).")
    effective_from: date = column(order=True, description="In force since (生效日期).")
    provisional_until: date | None = column(description="Provisional until (暂行至).")
    state: DocumentState = column()
    version: int = column(filter=False)
    area: Area = to_one()
    issuer: Actor = to_one(description="Who issued it (发布单位).")
    supersedes: RuleDocument | None = to_one(description="The edition before (被取代的版本).")


@strawberry.type(description="What areas above let an area do with a setting (上级限制).")
class SettingBound:
    move: Move = strawberry.field(description="How lower areas may move the value (可调方式).")
    limit: JSON = strawberry.field(description="The value it is measured against (限值).")
    area: str = strawberry.field(description="Code of the area that set it (设定区域).")


@strawberry.type(description="The document a value rests on (依据).")
class SettingDocument:
    id: strawberry.ID
    title: str
    edition: str
    article: str | None


@strawberry.type(description="A setting of a plugin as it holds in an area (设置项).")
class AreaSetting:
    key: str
    title: str = strawberry.field(description="What it is for, in the request's language (说明).")
    value: JSON = strawberry.field(description="What holds here (生效值).")
    asked: JSON | None = strawberry.field(description="What the area set itself, if a bound holds it back (设定值).")
    default: JSON = strawberry.field(description="What holds where nobody says anything (默认值).")
    allowed: str = strawberry.field(description="What a value may be, in the request's language (取值范围).")
    origin: Origin
    set_by: str | None = strawberry.field(description="Code of the area whose value it is; null for the default.")
    pinned: bool = strawberry.field(description="Written in the file: a mutation on it is refused (由文件锁定).")
    bound: SettingBound | None = strawberry.field(description="The nearest bound that holds here (上级限制).")
    bounds: list[SettingBound] = strawberry.field(description="Every bound that holds here, the topmost first.")
    locked_by: str | None = strawberry.field(description="Code of the area that allows no change (锁定区域).")
    rule_document: SettingDocument | None = strawberry.field(description="What the value or its bound rests on.")


@strawberry.type(description="A plugin as it stands in an area (区域插件).")
class AreaPlugin:
    key: str
    title: str = strawberry.field(description="In the request's language (名称).")
    state: PluginState
    until: datetime | None = strawberry.field(
        description="When it ends here: a pilot, or the pilot of something it needs (试点结束时间)."
    )
    missing_need: str | None = strawberry.field(
        description="Said to be on, but off, because this plugin, which it needs, is off here (缺少的依赖)."
    )
    enabled_by: str | None = strawberry.field(description="Code of the area whose word it is; null where nobody spoke.")
    own: Toggle = strawberry.field(description="What this area itself says (本级设定).")
    pinned: bool = strawberry.field(description="This area's word is written in the file (由文件锁定).")
    version: int = strawberry.field(description="For `expectedVersion`; 0 before anything was set here (版本).")
    settings: list[AreaSetting]


@strawberry.type(description="An installed plugin (已安装插件).")
class InstalledPlugin:
    key: str
    title: str = strawberry.field(description="In the request's language (名称).")
    version: str
    mechanisms: list[str] = strawberry.field(description="Numbers of the mechanisms it carries (机制编号).")
    needs: list[str] = strawberry.field(description="Plugins without which it does not work (依赖).")
    uses: list[str] = strawberry.field(description="Plugins it works with where they are on (可选配合).")
    status: PluginStatus
    failures: int = strawberry.field(description="How often something of it failed since the start (出错次数).")
    problem: str | None = strawberry.field(
        description="Where it failed last, for who may turn plugins on and off; null while it works (问题)."
    )


def _title(manifest: Manifest, language: str) -> str:
    return manifest.title.get(language, manifest.key)


def _chain(values: dict[str, Any]) -> list[UUID]:
    """From the root down."""
    return [UUID(id) for id, _ in sorted(json.loads(values["chain"]), key=lambda pair: -pair[1])]


def _area_plugins(values: dict[str, Any], facts: Facts) -> list[AreaPlugin]:
    chain = _chain(values)
    versions = read_versions(values["versions"])
    return [_area_plugin(m, chain, versions, facts) for m in facts.kernel.manifests.values()]


def _area_plugin(manifest: Manifest, chain: Sequence[UUID], versions: dict[str, int], facts: Facts) -> AreaPlugin:
    book, key, here = facts.book, manifest.key, chain[-1]
    standing = book.standing(key, chain, facts.now)
    own = next((s for s in book.switches.get((here, key), ()) if s.speaks(facts.now)), None)
    declared = facts.kernel.settings.declared.get(key)
    settings = []
    if declared is not None:
        settings = [_setting(e, chain, facts) for e in book.effective(declared, chain).values()]
    return AreaPlugin(
        key=key,
        title=_title(manifest, facts.language),
        state=standing.state,
        until=standing.until,
        missing_need=standing.missing,
        enabled_by=book.codes.get(standing.said.area_id) if standing.said else None,
        own=Toggle(str(own.state)) if own else Toggle.INHERIT,
        pinned=own is not None and own.origin is Origin.FILE,
        version=versions.get(key, 0),
        settings=settings,
    )


def _setting(effective: Effective, chain: Sequence[UUID], facts: Facts) -> AreaSetting:
    book, key = facts.book, effective.key
    own = book.own.get((chain[-1], key.plugin), {}).get(key.name)
    above = [b for b in effective.bounds if b.area_id != chain[-1]]
    shown = [SettingBound(move=b.move, limit=b.limit, area=book.codes.get(b.area_id, "")) for b in above]
    document_id, article = None, None
    for source in (above[-1] if above else None, own):
        if source is not None and source.document_id is not None:
            document_id, article = source.document_id, source.article
    return AreaSetting(
        key=key.name,
        title=key.zh if facts.language == "zh-CN" else key.en,
        value=effective.value,
        asked=effective.asked,
        default=key.default,
        allowed=key.allowed(facts.language),
        origin=effective.origin,
        set_by=book.codes.get(effective.area_id) if effective.area_id else None,
        pinned=own is not None and own.origin is Origin.FILE,
        bound=shown[-1] if shown else None,
        bounds=shown,
        locked_by=next((s.area for s in shown if s.move is Move.LOCKED), None),
        rule_document=_document(book, document_id, article),
    )


def _retention(values: dict[str, Any], facts: Facts) -> list[AreaSetting]:
    chain = _chain(values)
    return [_setting(e, chain, facts) for e in facts.book.effective(CORE_SETTINGS, chain).values()]


def _document(book: SettingsBook, id: UUID | None, article: str | None) -> SettingDocument | None:
    found = book.documents.get(id) if id else None
    if id is None or found is None:
        return None
    return SettingDocument(
        id=strawberry.ID(to_global("ruledocument", id)), title=found[0], edition=found[1], article=article
    )


def read_versions(pairs: str) -> dict[str, int]:
    return {plugin: int(version) for plugin, version in json.loads(pairs)}


def versions_of(t: RowOf) -> Expr:
    """The plugins toggled over the API in this area, with the version of each toggle."""
    return ListOf(models.AreaPlugin, lambda p: (p.area_id == t.id) & (p.origin == "MUTATION"), "plugin", "version")


@extend(Area)
class AreaSettings:
    plugins: list[AreaPlugin] = python(
        _area_plugins,
        columns=lambda t: {"chain": AreaChain(t.id), "versions": versions_of(t)},
        discloses="Which mechanisms an area has, under which rules, is for everybody whom they bind.",
        description="Every installed plugin as it stands here, with its settings (本区域的插件与设置).",
    )
    retention: list[AreaSetting] = python(
        _retention,
        columns=lambda t: {"chain": AreaChain(t.id)},
        description="How many days personal texts are kept here, settings of `core` (个人信息保存期限).",
    )
    rule_documents: Connection[RuleDocument] = connection("area_id", description="Issued here (本区域制度文件).")


@extend(Query)
class SettingsQuery:
    rule_documents: Connection[RuleDocument] = every(description="Rule documents, the latest first (制度文件).")

    @plain(
        why="What this process has loaded and how it fares is in no table (进程状态,不在库中).",
        scope=public("Which mechanisms there are is for everybody; what is wrong with one is not, and is left out."),
        description="Installed plugins and how they fare (已安装插件).",
    )  # type: ignore[untyped-decorator]
    def plugins(self, info: Info) -> list[InstalledPlugin]:
        kernel: Kernel = info.context.graphql.runtime.kernel
        language = info.context.language
        rule = kernel.permissions["core.plugin.toggle"]
        told = bool(info.context.viewer.areas(rule))
        shown = [
            InstalledPlugin(
                key=m.key, title=_title(m, language), version=m.version, mechanisms=list(m.mechanisms),
                needs=list(m.needs), uses=list(m.uses), status=kernel.health.status(m.key),
                failures=kernel.health.failures(m.key), problem=kernel.health.problem(m.key) if told else None,
            )
            for m in kernel.manifests.values()
        ]  # fmt: skip
        absent = [
            InstalledPlugin(
                key=key, title=key, version="", mechanisms=[], needs=[], uses=[], status=PluginStatus.LEFT_OUT,
                failures=0, problem=kernel.health.problem(key) if told else None,
            )
            for key in kernel.health.left_out
            if key not in kernel.manifests
        ]  # fmt: skip
        return [*shown, *absent]


@strawberry.input
class CoreTogglePluginInput(ChangeInput):
    area_id: strawberry.ID
    plugin: str
    state: Toggle
    pilot_until: date | None = strawberry.field(default=None, description="The pilot's last day (试点截止日).")
    reason: str | None = None


@mutation("core.plugin.toggle", on=Subject(Area, "area_id"), area=Area)
async def core_toggle_plugin(work: Work, input: CoreTogglePluginInput) -> Result:
    """Turn a plugin on or off in an area and below, on as a pilot, or leave it to the area above (启停插件)."""
    area = await rules.toggle_plugin(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        plugin=input.plugin,
        state=input.state,
        pilot_until=input.pilot_until,
        reason=input.reason,
    )
    return {"area": area}


@strawberry.input(description="A setting as an area wants it (设定).")
class CoreSettingInput:
    key: str
    value: JSON | None = strawberry.field(default=None, description="Null and no lock: say nothing any more (清除).")
    lock: Move | None = strawberry.field(
        default=None, description="What the areas below may do with it (下级可调方式)."
    )
    rule_document_id: strawberry.ID | None = strawberry.field(default=None, description="What it rests on (依据文件).")
    article: str | None = strawberry.field(default=None, description="Which article of it (条款).")


@strawberry.input
class CoreSetPluginSettingsInput(ChangeInput):
    area_id: strawberry.ID
    plugin: str = strawberry.field(description="A plugin, or `permissions` for which roles keep what (插件).")
    settings: list[CoreSettingInput]


def _document_of(id: strawberry.ID | None, number: int) -> UUID | None:
    return from_global(id, models.RuleDocument.tag, "settings", str(number), "ruleDocumentId") if id else None


@mutation("core.setting.set", on=Subject(Area, "area_id"), area=Area)
async def core_set_plugin_settings(work: Work, input: CoreSetPluginSettingsInput) -> Result:
    """Set or unset settings of a plugin in an area, all or none, within the bounds of the areas above (插件设置)."""
    wishes = [
        rules.Wish(
            s.key,
            s.value,
            s.lock,
            _document_of(s.rule_document_id, n),
            s.article,
        )
        for n, s in enumerate(input.settings)
    ]
    area_id = from_global(input.area_id, "area", "areaId")
    return {"area": await rules.set_settings(work, area_id=area_id, plugin=input.plugin, wishes=wishes)}


@strawberry.input
class CoreIssueRuleDocumentInput(MutationInput):
    area_id: strawberry.ID
    issuer_id: strawberry.ID
    title: str
    edition: str
    effective_from: date
    provisional_until: date | None = None
    url: str | None = None


@mutation("core.document.issue", on=Subject(Area, "area_id"), rule_document=RuleDocument)
async def core_issue_rule_document(work: Work, input: CoreIssueRuleDocumentInput) -> Result:
    """Issue a rule document; an edition of the same title in force is superseded (发布制度文件)."""
    document = await documents.issue_document(
        work,
        area_id=from_global(input.area_id, "area", "areaId"),
        issuer_id=from_global(input.issuer_id, "actor", "issuerId"),
        title=input.title,
        edition=input.edition,
        url=input.url,
        effective_from=input.effective_from,
        provisional_until=input.provisional_until,
    )
    return {"rule_document": document}


@strawberry.input
class CoreWithdrawRuleDocumentInput(ChangeInput):
    rule_document_id: strawberry.ID
    reason: str


@mutation("core.document.issue", on=Subject(RuleDocument, "rule_document_id"), rule_document=RuleDocument)
async def core_withdraw_rule_document(work: Work, input: CoreWithdrawRuleDocumentInput) -> Result:
    """Take a rule document out of force, with a reason (废止制度文件)."""
    id = from_global(input.rule_document_id, "ruledocument", "ruleDocumentId")
    return {"rule_document": await documents.withdraw_document(work, document_id=id, reason=input.reason)}
