"""Finding, checking and loading plugins."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from core import models as core_models
from core.access import PermissionBook, PermissionRule
from core.database import App
from core.enums import Role
from core.errors import ConfigurationError
from core.messages import Messages
from core.plugins import hookspecs

API = (0, 1)
FIRST_PARTY = Path(__file__).resolve().parent.parent.parent / "plugins"
CORE = Path(__file__).resolve().parent.parent
_KEY = re.compile(r"[a-z][a-z0-9_]{1,30}")
_KNOWN = {
    "key", "version", "api", "title", "description", "mechanisms", "needs", "uses",
    "events_out", "events_in", "permissions",
}  # fmt: skip


@dataclass(frozen=True)
class Manifest:
    """The static facts of `plugin.toml`, read before anything of the plugin is imported."""

    key: str
    version: str
    package: str
    folder: Path
    title: dict[str, str]
    mechanisms: tuple[str, ...]
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    events_out: tuple[str, ...]
    events_in: tuple[str, ...]
    permissions: tuple[PermissionRule, ...]


@dataclass(frozen=True)
class Plugin:
    manifest: Manifest
    module: ModuleType


def read_permissions(path: Path, owner: str, table: dict[str, Any]) -> tuple[list[PermissionRule], list[str]]:
    """Permissions as declared in TOML, and what is wrong with them."""
    rules, problems = [], []
    for key, spec in table.items():
        where = f"{path}: permission {key}"
        if not key.startswith(owner + "."):
            problems.append(f"{where} must begin with {owner}.")
        is_open = spec.get("open", False)
        roles = spec.get("roles", [])
        unknown = [r for r in roles if r not in Role.__members__]
        if unknown:
            problems.append(f"{where}: unknown role {', '.join(unknown)}; there are {', '.join(Role.__members__)}")
        if bool(is_open) == bool(roles):
            problems.append(f"{where}: give either roles = [...] or open = true")
        if set(spec.get("title", {})) != {"en", "zh-CN"}:
            problems.append(f"{where}: title needs en and zh-CN")
        known = frozenset(Role(r) for r in roles if r in Role.__members__)
        rules.append(PermissionRule(key, owner, known, bool(is_open), spec.get("title", {})))
    return rules, problems


def read_manifest(folder: Path, package: str) -> tuple[Manifest | None, list[str]]:
    """The manifest of a plugin folder, and every problem in it."""
    path = folder / "plugin.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None, [f"{path}: missing; a plugin states its facts there"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return None, [f"{path}: {error}"]
    problems = [f"{path}: unknown key {key!r}; known are {', '.join(sorted(_KNOWN))}" for key in data.keys() - _KNOWN]
    problems += [f"{path}: {key} is missing" for key in ("key", "version", "api", "title") if key not in data]
    key = str(data.get("key", folder.name))
    if not _KEY.fullmatch(key):
        problems.append(f"{path}: key {key!r}: lower-case letters, digits and _ only")
    if data.get("api", f"{API[0]}.{API[1]}") != f"{API[0]}.{API[1]}":
        problems.append(f"{path}: api {data['api']!r}: this server speaks {API[0]}.{API[1]}")
    permissions, wrong = read_permissions(path, key, data.get("permissions", {}))
    problems += wrong
    manifest = Manifest(
        key=key,
        version=str(data.get("version", "")),
        package=package,
        folder=folder,
        title=data.get("title", {}),
        mechanisms=tuple(data.get("mechanisms", ())),
        needs=tuple(data.get("needs", ())),
        uses=tuple(data.get("uses", ())),
        events_out=tuple(data.get("events_out", ())),
        events_in=tuple(data.get("events_in", ())),
        permissions=tuple(permissions),
    )
    return manifest, problems


def available() -> dict[str, tuple[Path, str]]:
    """Every plugin on this machine: key → (folder, package). First-party folders, then `gongzhi.plugins` entry points."""
    found = {}
    if FIRST_PARTY.is_dir():
        for folder in sorted(FIRST_PARTY.iterdir()):
            if (folder / "plugin.toml").exists():
                found[folder.name] = (folder, f"plugins.{folder.name}")
    for entry in entry_points(group="gongzhi.plugins"):
        spec = importlib.util.find_spec(entry.value.split(":")[0])
        if spec is not None and spec.origin is not None:
            found.setdefault(entry.name, (Path(spec.origin).parent, entry.value.split(":")[0]))
    return found


class Host:
    """The loaded plugins of this process, in dependency order."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        self.plugins = list(plugins)
        self.manager = pluggy.PluginManager("gongzhi")
        self.manager.add_hookspecs(hookspecs)
        for plugin in plugins:
            self.manager.register(plugin.module, plugin.manifest.key)
        try:
            self.manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise ConfigurationError(str(error)) from error

    @classmethod
    def load(cls, keys: Sequence[str]) -> Host:
        """Load exactly these plugins; raises ConfigurationError with every problem found."""
        here = available()
        problems: list[str] = []
        manifests: dict[str, Manifest] = {}
        for key in keys:
            if key not in here:
                problems.append(f"plugins: {key!r} is not installed; available: {', '.join(here) or 'none'}")
                continue
            manifest, wrong = read_manifest(*here[key])
            problems += wrong
            if manifest is not None:
                manifests[key] = manifest
        for manifest in manifests.values():
            for need in manifest.needs:
                if need not in manifests:
                    problems.append(f"plugins: {manifest.key} needs {need}; add it to plugins = [...]")
        if problems:
            raise ConfigurationError(*problems)
        plugins = []
        for manifest in _in_order(manifests):
            try:
                plugins.append(Plugin(manifest, importlib.import_module(f"{manifest.package}.plugin")))
            except Exception as error:
                problems.append(f"plugin {manifest.key}: {type(error).__name__} on import: {error}")
        if problems:
            raise ConfigurationError(*problems)
        return cls(plugins)

    @property
    def keys(self) -> set[str]:
        return {p.manifest.key for p in self.plugins}

    def apps(self) -> list[App]:
        """What the database layer needs to know: core, then each plugin with models; table names are checked."""
        apps: list[App] = [("core", ["core.models"], "core.migrations")]
        problems = []
        for plugin in self.plugins:
            key, package = plugin.manifest.key, plugin.manifest.package
            module = getattr(plugin.module, "gongzhi_models", lambda: None)()
            if module is None:
                continue
            loaded = importlib.import_module(module)
            for model in vars(loaded).values():
                table = getattr(getattr(model, "_meta", None), "db_table", None)
                if table and model.__module__ == module and not table.startswith(key + "_"):
                    problems.append(f"plugin {key}: table {table} must begin with {key}_")
            apps.append((key, [module], f"{package}.migrations"))
        if problems:
            raise ConfigurationError(*problems)
        return apps

    def import_graphql(self) -> None:
        for module in self.manager.hook.gongzhi_graphql():
            importlib.import_module(module)

    def permissions(self) -> PermissionBook:
        path = CORE / "permissions.toml"
        core, problems = read_permissions(path, "core", tomllib.loads(path.read_text("utf-8")))
        if problems:
            raise ConfigurationError(*problems)
        return PermissionBook([*core, *(rule for p in self.plugins for rule in p.manifest.permissions)])

    def messages(self) -> Messages:
        catalogue = Messages()
        catalogue.load(CORE, "core")
        for plugin in self.plugins:
            catalogue.load(plugin.manifest.folder, plugin.manifest.key)
        return catalogue

    def handlers(self) -> list[Any]:
        return [handler for handlers in self.manager.hook.gongzhi_handlers() for handler in handlers]


def _in_order(manifests: dict[str, Manifest]) -> list[Manifest]:
    """Needs before those who need them; a cycle is shown as a cycle."""
    ordered: list[Manifest] = []
    visiting: list[str] = []

    def visit(key: str) -> None:
        if any(m.key == key for m in ordered):
            return
        if key in visiting:
            raise ConfigurationError("plugins need each other: " + " → ".join([*visiting[visiting.index(key) :], key]))
        visiting.append(key)
        for need in manifests[key].needs:
            visit(need)
        visiting.pop()
        ordered.append(manifests[key])

    for key in manifests:
        visit(key)
    return ordered


__all__ = ["Host", "Manifest", "Plugin", "available", "core_models", "read_manifest"]
