"""Loading plugins: facts first, then imports, each on its own; every problem is found before any is told.

A plugin that fails is named. `strict` then stops the boot; `degrade` serves without it and without those that need it.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
from tortoise.models import Model

from core.access import PermissionBook
from core.corrections import Merging, Undo
from core.data.sheets import Sheet
from core.database import App
from core.duties import Duties
from core.errors import ConfigurationError
from core.events import Handler
from core.health import Health
from core.jobs import Job
from core.messages import Messages
from core.plugins import hookspecs
from core.plugins.codes import codes_in
from core.plugins.manifest import Manifest, available, read_manifest, read_permissions
from core.plugins.ports import CORE_PORTS, Port
from core.problems import Problem, near
from core.retention import CORE_SETTINGS, wrong_keeps
from core.rules.erasure import Erasing
from core.settings import Declared, Settings, declared
from core.settings.cuts import SECTION, cut_settings
from core.toml import TomlFile

CORE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin: its facts, its hooks, and what it answered when asked."""

    manifest: Manifest
    module: ModuleType
    models: str | None = None
    graphql: str | None = None
    settings: Declared | None = None
    handlers: tuple[Handler, ...] = ()
    jobs: tuple[Job, ...] = ()
    undos: tuple[Undo, ...] = ()
    merging: Merging | None = None
    duties: Duties | None = None
    erasing: Erasing | None = None
    sheets: tuple[Sheet, ...] = ()
    ports: tuple[Port[Any], ...] = ()
    providers: Mapping[str, Any] = None  # type: ignore[assignment]

    @property
    def key(self) -> str:
        return self.manifest.key


class Host:
    """The plugins of this process, in dependency order, and the report of how they were loaded."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.manager = pluggy.PluginManager("gongzhi")
        self.manager.add_hookspecs(hookspecs)
        self.health = Health()
        self.problems: list[Problem] = []
        self.plugins: list[Plugin] = []
        self.listed = list(keys)
        manifests = self._manifests(keys)
        for manifest in self._in_order(manifests):
            plugin = self._load(manifest)
            if plugin is not None:
                self.plugins.append(plugin)
        self._check_tables()
        self._check_texts()
        self._check_ports()
        self._leave_out_dependents()

    @classmethod
    def load(cls, keys: Sequence[str], mode: str = "strict") -> Host:
        """Load these plugins; in `strict` mode raises ConfigurationError with every problem found."""
        host = cls(keys)
        if mode == "strict" and host.problems:
            raise ConfigurationError(*host.problems)
        return host

    # --- what they are -----------------------------------------------------------------------------------

    @property
    def keys(self) -> list[str]:
        return [p.key for p in self.plugins]

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        return {p.key: p.manifest.needs for p in self.plugins}

    @property
    def settings(self) -> dict[str, Declared]:
        """Core's, then the plugins', then what areas may cut."""
        own = {p.key: p.settings for p in self.plugins if p.settings is not None}
        return {"core": CORE_SETTINGS, **own, SECTION: cut_settings(self.permissions())}

    @property
    def handlers(self) -> list[Handler]:
        return [h for p in self.plugins for h in p.handlers]

    @property
    def jobs(self) -> list[Job]:
        return [j for p in self.plugins for j in p.jobs]

    @property
    def undos(self) -> dict[str, Undo]:
        """By event type."""
        return {u.event_type: u for p in self.plugins for u in p.undos}

    @property
    def mergings(self) -> list[Merging]:
        return [p.merging for p in self.plugins if p.merging is not None]

    @property
    def duties(self) -> list[Duties]:
        return [p.duties for p in self.plugins if p.duties is not None]

    @property
    def erasings(self) -> list[Erasing]:
        return [p.erasing for p in self.plugins if p.erasing is not None]

    @property
    def sheets(self) -> list[Sheet]:
        """What may be imported: core's sheets, then the plugins'."""
        from core.data.core_sheets import SHEETS

        return [*SHEETS, *(s for p in self.plugins for s in p.sheets)]

    @property
    def ports(self) -> dict[str, Any]:
        """Every port with whoever provides it, or its null provider."""
        found = {port.name: port.null for port in (*CORE_PORTS, *(port for p in self.plugins for port in p.ports))}
        return found | {name: x for p in self.plugins for name, x in p.providers.items() if name in found}

    def apps(self) -> list[App]:
        """What the database layer needs to know: core, then each plugin with models."""
        own: list[App] = [("core", ["core.models"], "core.migrations")]
        return own + [(p.key, [p.models], f"{p.manifest.package}.migrations") for p in self.plugins if p.models]

    def tables(self, plugin: Plugin) -> list[str]:
        return sorted(model._meta.db_table for model in models_in(plugin.models))

    def permissions(self) -> PermissionBook:
        core, problems = read_permissions(TomlFile.read(CORE / "permissions.toml"), "core")
        if problems:
            raise ConfigurationError(*problems)
        return PermissionBook([*core, *(rule for p in self.plugins for rule in p.manifest.permissions)])

    def messages(self) -> Messages:
        catalogue = Messages()
        catalogue.load(CORE, "core")
        for plugin in list(self.plugins):
            try:
                catalogue.load(plugin.manifest.folder, plugin.key)
            except ConfigurationError as error:
                for line in error.lines():
                    self.drop(plugin.key, Problem("BAD_DECLARATION", {"what": line}, plugin=plugin.key))
        catalogue.plugins = {p.key: p.manifest.title["zh-CN"] for p in self.plugins}
        catalogue.titles = {key: rule.title for key, rule in self.permissions().rules.items()}
        return catalogue

    # --- leaving out -------------------------------------------------------------------------------------

    def drop(self, key: str, problem: Problem) -> None:
        """Go on without a plugin, and without those that need it."""
        self.problems.append(problem)
        self.health.left_out[key] = problem.text()
        self.plugins = [p for p in self.plugins if p.key != key]
        self._leave_out_dependents()

    def _leave_out_dependents(self) -> None:
        while True:
            loaded = set(self.keys)
            orphan = next(((p, n) for p in self.plugins for n in p.manifest.needs if n not in loaded), None)
            if orphan is None:
                return
            plugin, need = orphan
            problem = Problem("LEFT_OUT", {"plugin_key": plugin.key, "need": need}, plugin=plugin.key)
            self.problems.append(problem)
            self.health.left_out[plugin.key] = problem.text()
            self.plugins.remove(plugin)

    def _wrong(self, key: str, code: str, **values: Any) -> None:
        problem = Problem(code, {"plugin_key": key, **values}, plugin=key)
        self.problems.append(problem)
        self.health.left_out.setdefault(key, problem.text())

    # --- facts -------------------------------------------------------------------------------------------

    def _manifests(self, keys: Sequence[str]) -> dict[str, Manifest]:
        here = available()
        found: dict[str, Manifest] = {}
        for key in dict.fromkeys(keys):
            if key not in here:
                self._wrong(key, "PLUGIN_NOT_INSTALLED", available=", ".join(here) or "-", near=near(key, here))
                continue
            manifest, problems = read_manifest(*here[key], key)
            self.problems += problems
            if problems:
                self.health.left_out[key] = problems[0].text()
            elif manifest is not None:
                found[key] = manifest
        for manifest in found.values():
            for need in manifest.needs:
                if need not in keys:
                    self._wrong(manifest.key, "NEED_NOT_INSTALLED", need=need)
        return found

    def _in_order(self, manifests: dict[str, Manifest]) -> list[Manifest]:
        """Needs before those who need them; a cycle is shown as a cycle, and everyone in it is left out."""
        ordered: list[Manifest] = []
        visiting: list[str] = []
        told: set[frozenset[str]] = set()

        def visit(key: str) -> None:
            if key not in manifests or any(m.key == key for m in ordered):
                return
            if key in visiting:
                cycle = [*visiting[visiting.index(key) :], key]
                if frozenset(cycle) not in told:
                    told.add(frozenset(cycle))
                    for member in cycle[:-1]:
                        self.health.left_out[member] = " → ".join(cycle)
                    self.problems.append(Problem("NEEDS_CYCLE", {"cycle": " → ".join(cycle)}, plugin=cycle[0]))
                return
            visiting.append(key)
            for need in manifests[key].needs:
                visit(need)
            visiting.pop()
            ordered.append(manifests[key])

        for key in manifests:
            visit(key)
        return [m for m in ordered if m.key not in self.health.left_out]

    # --- imports and hooks -------------------------------------------------------------------------------

    def _load(self, manifest: Manifest) -> Plugin | None:
        key = manifest.key
        before = len(self.problems)

        def attempt(stage: str, act: Callable[[], Any]) -> Any:
            try:
                return act()
            except ConfigurationError as error:
                for line in error.lines():
                    self._wrong(key, "PLUGIN_RAISED", stage=stage, error=line)
            except (Exception, SystemExit) as error:
                self._wrong(key, "PLUGIN_RAISED", stage=stage, error=f"{type(error).__name__}: {error}")
            return None

        module = attempt("import", lambda: importlib.import_module(f"{manifest.package}.plugin"))
        if module is None:
            return None
        known = [n for n in vars(hookspecs) if n.startswith("gongzhi_")]
        for name, member in vars(module).items():
            if hasattr(member, "gongzhi_impl") and name not in known:
                self._wrong(key, "UNKNOWN_HOOK", hook=name, known=", ".join(known), near=near(name, known))
        attempt("hooks", lambda: self.manager.register(module, key))

        def ask(hook: str, empty: Any = None) -> Any:
            caller = getattr(self.manager.hook, hook)
            implementation = next((i for i in caller.get_hookimpls() if i.plugin_name == key), None)
            if implementation is None:
                return empty
            answer = attempt(hook, implementation.function)
            return empty if answer is None else answer

        models, graphql, tunable = ask("gongzhi_models"), ask("gongzhi_graphql"), ask("gongzhi_settings")
        handlers, ports = ask("gongzhi_handlers", []), ask("gongzhi_ports", [])
        providers, jobs = ask("gongzhi_providers", {}), ask("gongzhi_jobs", [])
        undos, merging = ask("gongzhi_undos", []), ask("gongzhi_merging")
        duties, erasing, sheets = ask("gongzhi_duties"), ask("gongzhi_erasing"), ask("gongzhi_sheets", [])
        for job in jobs:
            if job.name not in manifest.jobs:
                self._wrong(key, "BAD_DECLARATION", what=f"job {job.name!r} is not listed under jobs in plugin.toml")
        for handler in handlers:
            if handler.event_type not in manifest.events_in:
                what = f"{key}: the handler of {handler.event_type!r} is not listed under events_in in plugin.toml"
                self._wrong(key, "BAD_DECLARATION", what=what)
        if models is not None:
            attempt("models", lambda: importlib.import_module(models))
        if graphql is not None and len(self.problems) == before:
            attempt("graphql", lambda: importlib.import_module(graphql))
        settings = attempt("settings", lambda: declared(key, _settings_model(tunable))) if tunable else None
        if len(self.problems) > before:
            return None
        return Plugin(
            manifest, module, models, graphql, settings, tuple(handlers), tuple(jobs), tuple(undos), merging, duties,
            erasing, tuple(sheets), tuple(ports), dict(providers),
        )  # fmt: skip

    def _check_tables(self) -> None:
        owners: dict[str, str] = {model._meta.db_table: "core" for model in models_in("core.models")}
        for plugin in list(self.plugins):
            failed = False
            for table in self.tables(plugin):
                if not table.startswith(plugin.key + "_"):
                    self._wrong(plugin.key, "TABLE_PREFIX", table=table)
                    failed = True
                elif table in owners:
                    self._wrong(plugin.key, "TABLE_TWICE", table=table, other=owners[table])
                    failed = True
                owners.setdefault(table, plugin.key)
            if failed:
                self.plugins.remove(plugin)

    def _check_texts(self) -> None:
        for plugin in list(self.plugins):
            wrong = [what for model in models_in(plugin.models) for what in wrong_keeps(model)]
            for what in wrong:
                self._wrong(plugin.key, "BAD_DECLARATION", what=what)
            if wrong:
                self.plugins.remove(plugin)

    def _check_ports(self) -> None:
        known = {port.name: port for port in (*CORE_PORTS, *(port for p in self.plugins for port in p.ports))}
        providers: dict[str, str] = {}
        for plugin in list(self.plugins):
            before = len(self.problems)
            for name, provider in plugin.providers.items():
                if name not in known:
                    if name not in plugin.manifest.provides:
                        self._wrong(plugin.key, "PORT_UNKNOWN", port=name, known=", ".join(known) or "-",
                                    near=near(name, known))  # fmt: skip
                    continue  # offered by a plugin that is not installed: nobody asks
                missing = known[name].missing(provider)
                if missing:
                    what = f"port {name}: the provider has no {', '.join(missing)}"
                    self._wrong(plugin.key, "BAD_DECLARATION", what=what)
                elif name not in plugin.manifest.provides:
                    what = f"the port {name!r} is not listed under provides in plugin.toml"
                    self._wrong(plugin.key, "BAD_DECLARATION", what=what)
                elif name in providers:
                    self._wrong(plugin.key, "PORT_TWICE", port=name, other=providers[name])
                providers.setdefault(name, plugin.key)
            if len(self.problems) > before:
                self.plugins.remove(plugin)

    def without_message(self) -> list[Problem]:
        """Codes that stand in a plugin's source and in no catalogue: it works all the same, and shows the bare code. It
        parses every source, so `gongzhi check` asks and no start does."""
        messages = self.messages()
        return [
            Problem("NO_MESSAGE", {"plugin_key": plugin.key, "refusal": code, "where": where}, plugin=plugin.key)
            for plugin in self.plugins
            for code, where in codes_in(plugin.manifest.folder).items()
            if code not in messages
        ]


def _settings_model(answer: Any) -> type[Settings]:
    if not isinstance(answer, type) or not issubclass(answer, Settings):
        raise TypeError(f"gongzhi_settings returned {answer!r}, not a class derived from Settings")
    return answer


def models_in(module: str | None) -> list[type[Model]]:
    """The models that a module shows as its own, none of no module."""
    shown = vars(sys.modules[module]).values() if module else ()
    models = [m for m in shown if isinstance(m, type) and issubclass(m, Model) and m.__module__.startswith(str(module))]
    return [model for model in dict.fromkeys(models) if model._meta.db_table and not model._meta.abstract]


__all__ = ["Host", "Manifest", "Plugin", "available", "models_in"]
