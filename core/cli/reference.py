"""The references of `gongzhi.toml` and of the error codes, generated from what core and the plugins declare."""

from __future__ import annotations

import inspect
import json
import typing
from collections import Counter
from typing import Any

from tortoise.models import Model

import server
from core.config import MAX_QUOTA, OPTIONS, Config
from core.database.guards import Guard, Index, Replaced, Upon, guards_of
from core.enums import Move
from core.plugins.host import models_in
from core.plugins.ports import CORE_PORTS
from core.settings import Declared, Key
from core.settings.cuts import SECTION
from core.sign_in.config import MOST_LEEWAY
from schema.nodes.telling import Public
from schema.planning.compile import FORMS


def json_schema(config: Config) -> str:
    """A JSON Schema of the file, for editors."""
    host = server.load_host(config)
    keys = host.keys
    toggles = {"type": "array", "items": {"enum": keys}, "uniqueItems": True}
    area: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "enable": toggles | {"description": "On here and below. 在本区域及下级启用。"},
            "disable": toggles | {"description": "Off here and below; data stay. 在本区域及下级停用,数据保留。"},
            "pilot": {
                "type": "object",
                "description": "On until the end of a day. 试点至某日。",
                "properties": {key: {"type": "string", "format": "date"} for key in keys},
                "additionalProperties": False,
            },
            **{key: _plugin_schema(declared) for key, declared in host.settings.items()},
        },
    }
    types = {str: "string", int: "integer", list: "array", dict: "object"}
    properties: dict[str, Any] = {
        name: {"type": types[option.type], "description": f"{option.en} {option.zh}"}
        for name, option in OPTIONS.items()
    }
    for name in ("plugins", "unlimited", "trusted_proxies"):
        properties[name]["items"] = {"type": "string"}
    for name in ("viewer_quota", "address_quota"):
        properties[name] |= {"minimum": 0, "maximum": MAX_QUOTA}
    properties["plugin_errors"]["enum"] = ["strict", "degrade"]
    properties["accept_documents"]["enum"] = ["any", "trusted"]
    properties["language"]["enum"] = ["zh-CN", "en"]
    properties["sign_in"] |= sign_in_schema()
    properties["area"] |= {"additionalProperties": area}
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gongzhi.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }
    return json.dumps(schema, ensure_ascii=False, indent=2)


def sign_in_schema() -> dict[str, Any]:
    text = {"type": "string"}
    oidc = {
        "type": "object",
        "additionalProperties": False,
        "required": ["issuer", "client_id", "redirect_uris"],
        "properties": {
            **dict.fromkeys(("title", "issuer", "client_id", "client_secret_file"), text),
            "redirect_uris": {"type": "array", "items": text, "minItems": 1},
            "leeway": {"type": "integer", "minimum": 0, "maximum": MOST_LEEWAY},
        },
    }
    phone = {
        "type": "object",
        "additionalProperties": False,
        "required": ["channel"],
        "properties": {"channel": text, "title": text},
    }
    properties = {"phone": phone, "oidc": {"type": "object", "additionalProperties": oidc}}
    return {"additionalProperties": False, "properties": properties}


def _plugin_schema(declared: Declared) -> dict[str, Any]:
    whole = declared.model.model_json_schema()
    shapes = {name: _inline(shape, whole.get("$defs", {})) for name, shape in whole["properties"].items()}
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {name: _key_schema(key, shapes[name]) for name, key in declared.keys.items()},
    }


def _inline(shape: Any, definitions: dict[str, Any]) -> Any:
    """A shape with what it refers to in its place, for it goes into another schema."""
    if isinstance(shape, list):
        return [_inline(one, definitions) for one in shape]
    if not isinstance(shape, dict):
        return shape
    if "$ref" in shape:
        found = definitions[shape["$ref"].rpartition("/")[2]]
        return {"type": found["type"], "enum": found["enum"]}
    return {name: _inline(one, definitions) for name, one in shape.items()}


def _key_schema(key: Key, shape: dict[str, Any]) -> dict[str, Any]:
    value = {k: v for k, v in shape.items() if k not in ("zh", "move", "fixed", "title", "description")}
    locked = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "value": value,
            "lock": {"enum": [str(m).lower() for m in key.moves]},
            "document": {"type": "string"},
            "article": {"type": "string"},
        },
    }
    return {"description": f"{key.en} {key.zh}", "default": key.default, "anyOf": [value, locked]}


def reference(config: Config) -> str:
    """The same for people, as Markdown."""
    host = server.load_host(config)
    lines = [
        "<!-- Generated by `gongzhi config reference`; do not edit. -->",
        "# gongzhi.toml",
        "",
        "| key | 说明 | what it is | allowed |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{n}` | {o.zh} | {o.en} | {o.allowed('en')} |" for n, o in OPTIONS.items()]
    lines += [
        "",
        "## `[sign_in]`",
        "",
        "| key | 说明 | what it is |",
        "|---|---|---|",
        "| `phone.channel` | 验证码通道:`log`(仅供开发)或 `plugin` | what carries codes: `log`, for development only, or `plugin` |",
        "| `phone.title` | 显示名称 | what people read |",
        "| `oidc.KEY.issuer` | OpenID 发行者地址 | the issuer, as its discovery document says it |",
        "| `oidc.KEY.client_id` | 客户端标识 | as whom the provider knows this server |",
        "| `oidc.KEY.client_secret_file` | 客户端密钥文件;`GONGZHI_OIDC_KEY_SECRET` 优先 | a file with the client's secret; the variable goes before it |",
        "| `oidc.KEY.redirect_uris` | 允许的回调地址 | pages that people may come back to |",
        "| `oidc.KEY.title` | 显示名称 | what people read |",
        "| `oidc.KEY.leeway` | 容许的时钟误差,秒;默认 60 | seconds by which clocks may differ; 60 unless told |",
        "",
        "## `[area.CODE]`",
        "",
        "| key | 说明 | what it is |",
        "|---|---|---|",
        "| `enable` | 在本区域及下级启用 | plugins that are on here and below |",
        "| `disable` | 在本区域及下级停用,数据保留 | plugins that are off here and below; data stay |",
        "| `pilot.PLUGIN` | 试点的最后一天 | the last day of a pilot |",
        "| `PLUGIN.KEY` | 设置项 | a setting: a value, or `{ value, lock, document, article }` |",
        "",
        "`lock` says how the areas below may move the value; `document` and `article` name what it rests on:",
        "",
        "| lock | 说明 |",
        "|---|---|",
        *(f"| `{str(m).lower()}` | {m.zh} |" for m in Move),
    ]
    titles = {p.key: f"{p.manifest.title['zh-CN']} {p.manifest.title['en']}" for p in host.plugins}
    titles |= {SECTION: "保有权限的角色 Who keeps what", "core": "个人信息保存期限 Retention"}
    for owner, settings in host.settings.items():
        lines += [
            "",
            f"## {titles[owner]} (`{owner}`)",
            "",
            "| key | 说明 | what it is | allowed | default | lower areas |",
            "|---|---|---|---|---|---|",
        ]
        lines += [_row(key) for key in settings.keys.values()]
    return "\n".join(lines)


def _row(key: Key) -> str:
    default = json.dumps(key.default, ensure_ascii=False)
    cells: typing.Sequence[str] = (
        f"`{key.name}`", key.zh, key.en, key.allowed("en"), f"`{default}`", f"{str(key.move).lower()} {key.move.zh}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def fallbacks(config: Config) -> str:
    """The root fields of queries that do not become SQL, and why, as their declarations tell it, as Markdown."""
    composed = server.compose_schema(server.load_host(config)).composed
    rows = [(name, root.plugin, root.why) for name, root in composed.plain_roots.items()]
    rows += [
        (name, root.plugin, f"roots of the form {root.form} are not compiled (该形式未编译)")
        for name, root in composed.roots.items()
        if root.form not in FORMS
    ]
    lines = ["| field 字段 | plugin | why 原因 |", "|---|---|---|"]
    lines += [f"| `{name}` | {plugin} | {why or 'not told (未说明)'} |" for name, plugin, why in sorted(rows)]
    return "\n".join(lines)


def everybodys(config: Config) -> str:
    """What everybody sees, signed in or not, and why, as the declarations tell it, as Markdown; `*` is every type."""
    composed = server.compose_schema(server.load_host(config)).composed
    rows = [(n.name, n.plugin, n.scope.why) for n in composed.types.values() if isinstance(n.scope, Public)]
    roots = composed.plain_roots.values()
    rows += [(f"Query.{composed.camel(r.name)}", r.plugin, r.scope.why) for r in roots if isinstance(r.scope, Public)]
    own = {id(f): (n, f) for n in reversed(composed.types.values()) for f in n.fields.values() if f.discloses}
    types, on = [n for n in composed.types.values() if n.interface is None], Counter(f.name for _, f in own.values())
    rows += {
        (f"*.{name}", "core", why) if on[f.name] == len(types) else (f"{n.name}.{name}", f.plugin, why)
        for n, f in own.values() for name, why in [(composed.camel(f.name), str(f.discloses))]
    }  # fmt: skip
    lines = ["| what | plugin | why |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{name}` | {plugin} | {why} |" for name, plugin, why in sorted(rows))])


def codes(config: Config) -> str:
    """Every code that can be answered, with its messages, as Markdown."""
    host = server.load_host(config)
    messages = host.messages()
    lines = [
        "# Codes 错误代码",
        "",
        "Generated by `gongzhi schema codes`. Every error has one: at the top level in `extensions.code`, in a payload's",
        "`errors` as `code`. A code is for ever; its text may improve. `{what}` is told by the GraphQL library, in English.",
        "每个错误都有代码:顶层错误见 `extensions.code`,变更结果见 `errors` 的 `code`。代码不变,文字可能改进。",
    ]
    for owner in ["core", *host.keys]:
        lines += ["", f"## {owner}", "", "| code | 说明 | message |", "|---|---|---|"]
        for code in messages:
            if messages.owners[code] == owner:
                texts = (messages.text(code, language).replace("|", "\\|") for language in ("zh-CN", "en"))
                lines.append(f"| `{code}` | {' | '.join(texts)} |")
    return "\n".join(lines)


def plugins(config: Config) -> str:
    """What core and each plugin share with others and hold in the database, as Markdown: ports, events, permissions, guards."""
    host = server.load_host(config)
    heard: dict[str, set[str]] = {}
    for handler in host.handlers:
        heard.setdefault(handler.event_type, set()).add(handler.plugin)
    lines = [
        "# Plugins 插件",
        "",
        "Generated by `gongzhi plugin reference`. A port is what a plugin lets others ask (`Work.port`); an event is what has",
        "happened, in the log and told to whoever hears it; a guard is what the database refuses, whoever writes there.",
        "端口供其他插件调用;事件记入日志并通知订阅者;约束由数据库执行,任何写入都受其限制。",
    ]
    rules, models = (
        host.permissions().rules.values(),
        {key: models_in(str(modules[0])) for key, modules, _ in host.apps()},
    )
    for key in ("core", *host.keys):
        plugin = next((p for p in host.plugins if p.key == key), None)
        facts = plugin.manifest if plugin else None
        lines += ["", f"## {key} {facts.title['zh-CN']}" if facts else "## core 核心"]
        if facts:
            said = {"mechanisms": facts.mechanisms, "needs": facts.needs, "uses": facts.uses}
            lines += [
                "",
                f"{facts.title['en']}: " + "; ".join(f"{k} {', '.join(v)}" for k, v in said.items() if v) + ".",
            ]
        for port in plugin.ports if plugin else CORE_PORTS:
            lines += ["", f"### Port `{port.name}` 端口", ""]
            lines += [
                _method(name, do)
                for name, do in vars(port.protocol).items()
                if inspect.isfunction(do) and name[0] != "_"
            ]
        if facts and facts.events_out:
            lines += ["", "### Events 事件", ""]
            for event in facts.events_out:
                lines.append(
                    f"- `{event}`" + (f", heard by {', '.join(sorted(heard[event]))}" if event in heard else "")
                )
        lines += [
            "",
            "### Permissions 权限",
            "",
            "| permission | 说明 | title | who, unless cut |",
            "|---|---|---|---|",
        ]
        for rule in rules:
            if rule.owner == key:
                who = "everybody signed in" if rule.is_open else ", ".join(sorted(rule.roles))
                lines.append(f"| `{rule.key}` | {rule.title['zh-CN']} | {rule.title['en']} | {who} |")
        lines += ["", "### Guards 约束", "", "| table | guard | upon | code |", "|---|---|---|---|"]
        for model in models.get(key, ()):
            lines += [f"| {row} |" for guard in guards_of(model) if (row := _guard(model, guard))]
    return "\n".join(lines)


def _method(name: str, do: Any) -> str:
    """A method of a port, with what its docstring says."""
    parameters = [p for p in inspect.signature(do).parameters.values() if p.name not in ("self", "work")]
    said = " ".join((inspect.getdoc(do) or "").split())
    return f"- `{name}({', '.join(p.name for p in parameters)})`: {said}" if said else f"- `{name}`"


def _guard(model: type[Model], guard: Guard) -> str | None:
    """Table, name, operation and code of what somebody declared; None for what every table of its kind has."""
    if isinstance(guard, Upon):
        return _guard(guard.model, guard.guard)
    table = model._meta.db_table
    if isinstance(guard, Index):
        return f"`{table}` | {', '.join(guard.columns)} | unique | `{guard.code}`" if guard.unique else None
    if isinstance(guard, Replaced) or guard.name == "shape" or guard.name.startswith(("z_", "append_only_")):
        return None
    return f"`{table}` | {guard.name} | {guard.on.lower()} | `{guard.code}`"
