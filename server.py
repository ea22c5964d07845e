"""Composition root: configuration → plugins → database → schema → ASGI application. Reads top to bottom."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.applications import Starlette

import schema.nodes.accounts
import schema.nodes.core_roots
import schema.nodes.corrections
import schema.nodes.data
import schema.nodes.duties
import schema.nodes.permissions
import schema.nodes.privacy
import schema.nodes.search
import schema.nodes.settings  # noqa: F401  (declare the kernel's nodes, roots and mutations)
from core.clock import Clock
from core.config import Config
from core.database import Database
from core.database.migrate import Progress, migrate
from core.errors import ConfigurationError
from core.events import Dispatcher
from core.jobs import Job, Jobs
from core.kernel import Kernel
from core.logs import configure_logs
from core.plugins.host import Host
from core.problems import Problem
from core.rules.handovers import CORE_DUTIES, DUE, carry_out
from core.rules.people import keys_fit
from core.rules.undos import CORE_UNDOS
from core.runtime import Runtime
from core.settings.store import SettingsStore
from core.settings.take_up import TakeUp, read_areas
from core.sign_in.providers import providers_of, without_secret
from core.synchronize import index_names, keep_zone, orphaned_tables, synchronize
from core.trusted import TrustedDocuments
from schema.compose import CommunitySchema, compose
from schema.endpoint import Application, Endpoint
from schema.execution import GraphQL
from schema.rates import Rates
from schema.transfers import Transfers


@dataclass
class Server:
    """Everything one process serves with; `open` makes it, `close` ends it."""

    config: Config
    host: Host
    runtime: Runtime
    take_up: TakeUp
    graphql: GraphQL
    transfers: Transfers
    app: Starlette
    notices: list[Problem]

    @classmethod
    async def open(
        cls,
        config: Config,
        *,
        clock: Clock | None = None,
        progress: Progress = lambda line: None,
        environment: Mapping[str, str] = os.environ,
        apply: bool = True,
        is_migrated: bool = False,
    ) -> Server:
        """Migrate, connect, compose, take up the file. Raises ConfigurationError or MigrationError, each saying what
        to change; with `plugin_errors = "degrade"` plugins that fail are left out instead."""
        configure_logs()
        host = load_host(config)
        clock = clock or Clock(config.time_zone)
        read_areas(config, host.keys, host.settings, clock)
        trusted = TrustedDocuments.of(config)
        if not is_migrated:
            await migrate_host(config, host, progress)
        database = await Database.connect(config.database, host.apps())
        try:
            runtime = runtime_of(host, database, clock)
            runtime.kernel.keys = config.keys
            await keys_fit(database, config.keys)
            await keep_zone(database, config)
            runtime.providers = providers_of(config, host.ports, clock, environment)
            await synchronize(database, runtime.kernel, {p.key: host.tables(p) for p in host.plugins})
            await index_names(database, runtime.kernel)
            await runtime.dispatcher.register()
            take_up = TakeUp(config, runtime, environment, beside=[trusted.look])
            if apply:
                await take_up.apply(config)
            await take_up.follow_version()
            notices = [*host.problems, *without_secret(config, environment), *take_up.notices]
            notices += await orphaned_tables(database, host)
            graphql = GraphQL(compose_schema(host), runtime)
            endpoint = Endpoint(graphql, runtime, take_up, config.language, trusted, Rates(config))
            transfers = Transfers(runtime, graphql, host.sheets, config.folder)
            app = Application(endpoint, transfers.routes(endpoint.viewer, endpoint.limited))
            return cls(config, host, runtime, take_up, graphql, transfers, app, notices)
        except BaseException:
            await database.close()
            raise

    async def start(self) -> None:
        """Begin delivering events, settling what is due, and following the file."""
        await self.runtime.dispatcher.start()
        await self.runtime.jobs.start(self.runtime)
        await self.transfers.start()
        await self.take_up.start()

    async def close(self) -> None:
        await self.take_up.stop()
        await self.transfers.stop()
        await self.runtime.jobs.stop()
        await self.runtime.dispatcher.stop()
        await self.runtime.database.close()


def runtime_of(host: Host, database: Database, clock: Clock) -> Runtime:
    """What changes and reads go through, for these plugins and this database."""
    messages = host.messages()
    kernel = Kernel(
        host.permissions(),
        clock,
        SettingsStore(host.settings.values(), host.needs),
        {p.key: p.manifest for p in host.plugins},
        host.ports,
        host.health,
        CORE_UNDOS | host.undos,
        host.mergings,
        (CORE_DUTIES, *host.duties),
        host.erasings,
    )
    jobs = [Job("core", "handovers", DUE, carry_out), *host.jobs]
    return Runtime(database, kernel, messages, Dispatcher(database, kernel, host.handlers), Jobs(jobs))


_loaded: tuple[str, ...] | None = None


def load_host(config: Config) -> Host:
    """The plugins of this process. The ORM's models are process-wide, so a second set is refused."""
    global _loaded
    wanted = tuple(sorted(config.plugins))
    if _loaded is not None and _loaded != wanted:
        raise ConfigurationError(
            f"this process already serves {list(_loaded)}; start another process for {list(wanted)}"
        )
    host = Host.load(config.plugins, "degrade")
    compose_schema(host)
    host.messages()
    if config.plugin_errors == "strict" and host.problems:
        raise ConfigurationError(*host.problems)
    _loaded = wanted
    return host


def compose_schema(host: Host) -> CommunitySchema:
    """The GraphQL schema of these plugins; needs no database. Plugins whose declarations fail are dropped one by one;
    raises ConfigurationError when core's own do."""
    while True:
        try:
            return compose(host.keys, host.permissions())
        except ConfigurationError as error:
            guilty = [p for p in error.problems if isinstance(p, Problem) and p.plugin in host.keys]
            if not guilty:
                raise
            for problem in guilty:
                if problem.plugin in host.keys:
                    host.drop(str(problem.plugin), problem)
                else:
                    host.problems.append(problem)


async def migrate_host(config: Config, host: Host, progress: Progress) -> None:
    """Migrate core and every plugin; in `degrade` mode a plugin whose migration fails is left out."""
    try:
        await migrate(config.database, host.apps(), progress)
        return
    except Exception:
        if config.plugin_errors == "strict" or not host.plugins:
            raise
    apps = host.apps()
    await migrate(config.database, apps[:1], progress)
    done = apps[:1]
    for app in apps[1:]:
        if app[0] not in host.keys:
            continue
        try:
            await migrate(config.database, [*done, app], progress)
            done.append(app)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            values = {"plugin_key": app[0], "stage": "migrate", "error": what}
            host.drop(app[0], Problem("PLUGIN_RAISED", values, plugin=app[0]))
