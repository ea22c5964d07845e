"""Composition root: configuration → plugins → database → schema → ASGI application. Reads top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.applications import Starlette

import schema.nodes.core_roots  # noqa: F401  (declares the kernel's nodes, roots and mutations)
from core.clock import Clock
from core.config import Config
from core.database import Database
from core.database.migrate import Progress, migrate
from core.errors import ConfigurationError
from core.events import Dispatcher
from core.plugins import Host
from core.runtime import Runtime
from core.synchronize import synchronize_permissions
from schema.compose import CommunitySchema, compose
from schema.endpoint import Endpoint
from schema.execution import GraphQL


@dataclass
class Server:
    """Everything one process serves with; `open` makes it, `close` ends it."""

    config: Config
    host: Host
    runtime: Runtime
    graphql: GraphQL
    app: Starlette

    @classmethod
    async def open(
        cls, config: Config, *, clock: Clock | None = None, progress: Progress = lambda line: None
    ) -> Server:
        """Migrate, connect and compose. Raises ConfigurationError or MigrationError, each saying what to change."""
        host = load_host(config)
        await migrate(config.database, host.apps(), progress)
        database = await Database.connect(config.database, host.apps())
        try:
            clock = clock or Clock(config.time_zone)
            book = host.permissions()
            await synchronize_permissions(database, book)
            runtime = Runtime(
                database, clock, book, host.messages(), Dispatcher(database, clock, book, host.handlers())
            )
            graphql = GraphQL(compose_schema(host), runtime)
            endpoint = Endpoint(graphql, runtime, config.language)
            return cls(config, host, runtime, graphql, Starlette(routes=endpoint.routes()))
        except BaseException:
            await database.close()
            raise

    async def start(self) -> None:
        """Begin delivering events."""
        await self.runtime.forget_old_keys()
        await self.runtime.dispatcher.start()

    async def close(self) -> None:
        await self.runtime.dispatcher.stop()
        await self.runtime.database.close()


_loaded: set[str] | None = None


def load_host(config: Config) -> Host:
    """The plugins of this process. The ORM's models are process-wide, so a second set is refused."""
    global _loaded
    if _loaded is not None and _loaded != set(config.plugins):
        raise ConfigurationError(
            f"this process already serves {sorted(_loaded)}; start another process for {sorted(config.plugins)}"
        )
    host = Host.load(config.plugins)
    _loaded = set(config.plugins)
    host.import_graphql()
    return host


def compose_schema(host: Host) -> CommunitySchema:
    """The GraphQL schema of these plugins; needs no database."""
    return compose(host.keys, host.permissions())
