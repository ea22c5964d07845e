"""What tests of core and of plugins use: databases by template, a served neighbourhood, people to act as.

async def test_something(neighbourhood):
    await neighbourhood.sign_in("clerk")
    data = await neighbourhood.ask("clerk", "{ areas { totalCount } }")
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from tortoise.apps import Apps
from tortoise.models import Model

from core.access import Viewer
from core.accounts import create_account, hash_token, issue_token
from core.clock import Clock
from core.config import Config
from core.demo import ACCOUNTS, PASSWORD, make_demo
from core.enums import ActorKind, OrganizationKind
from core.ids import to_global
from core.keys import make_key_file
from core.models import Account, Actor, Area
from core.plugins.host import available
from core.rules.actors import register_actor
from core.synchronize import existing_tables
from core.testing.postgres import PostgresCluster
from core.work import Work

# The plugins in this tree.
INSTALLED = tuple(key for key, (_, package) in available().items() if package.startswith("plugins."))


class Response(Protocol):
    status_code: int
    headers: Any
    text: str

    def json(self) -> Any: ...


class Refused(AssertionError):
    """A mutation or query answered with errors; `codes` lists them."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(str(errors))
        self.errors = errors
        self.codes = [e.get("code") or e.get("extensions", {}).get("code") for e in errors]


@dataclass
class Neighbourhood:
    """The served demo neighbourhood, over HTTP, and a clock to move."""

    server: Any
    http: Any
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def clock(self) -> Clock:
        clock: Clock = self.server.runtime.clock
        return clock

    async def sign_in(self, login: str, password: str = PASSWORD) -> str:
        """Sign in over the API and remember the token under the login."""
        answer = await self.ask(
            None, "mutation($i: CoreSignInInput!) { coreSignIn(input: $i) { token errors { code } } }",
            i={"login": login, "password": password},
        )  # fmt: skip
        if answer["coreSignIn"]["errors"]:
            raise Refused(answer["coreSignIn"]["errors"])
        self.tokens[login] = answer["coreSignIn"]["token"]
        return self.tokens[login]

    async def trust(self, *logins: str) -> None:
        """Tokens for demo accounts without the slow password check; they outlive the test's clock."""
        for login in logins:
            mark = self.server.runtime.database.dialect.mark(1)
            rows = await self.server.runtime.database.read(f"SELECT id FROM core_account WHERE login = {mark}", [login])
            self.tokens[login], _ = await issue_token(self.server.runtime, rows[0][0], timedelta(days=2000))

    async def post(self, who: str | None, query: str, **variables: Any) -> Response:
        """The raw HTTP response."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"} if who else {}
        response: Response = await self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=headers
        )
        return response

    async def ask(self, who: str | None, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer; raises Refused when it has top-level errors."""
        body = (await self.post(who, query, **variables)).json()
        if body.get("errors"):
            raise Refused(body["errors"])
        data: dict[str, Any] = body["data"]
        return data

    async def do(self, who: str, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        """Run one mutation; its payload, or Refused with the payload's errors."""
        name = mutation[0].upper() + mutation[1:]
        type_name = INPUT_NAMES.get(mutation, f"{name}Input")
        query = (
            f"mutation($i: {type_name}!) {{ {mutation}(input: $i) {{ {selection} errors {{ code message path }} }} }}"
        )
        payload: dict[str, Any] = (await self.ask(who, query, i=input))[mutation]
        if payload["errors"]:
            raise Refused(payload["errors"])
        return payload

    async def refused(self, who: str, mutation: str, selection: str, **input: Any) -> str:
        """The one code a mutation is refused with; fails if it is not refused."""
        try:
            payload = await self.do(who, mutation, selection, **input)
        except Refused as refused:
            assert len(refused.codes) == 1, refused.codes
            return str(refused.codes[0])
        raise AssertionError(f"{mutation} was not refused: {payload}")

    async def outcome(self, who: str, mutation: str, selection: str, **input: Any) -> str:
        """As `do`, where either may happen: "done", or the code it was refused with."""
        try:
            await self.do(who, mutation, selection, **input)
        except Refused as refused:
            return str(refused.codes[0])
        return "done"

    async def delivered(self) -> None:
        """Wait until every event has reached every handler."""
        await self.server.runtime.dispatcher.settle()

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """The statements that reach the database meanwhile."""
        seen: list[str] = []
        observe = seen.append
        self.server.runtime.database.observers.append(observe)
        try:
            yield seen
        finally:
            self.server.runtime.database.observers.remove(observe)

    async def quiet(self) -> None:
        """End what the server does by itself, so that only what is asked reaches the database."""
        await self.server.runtime.dispatcher.stop()
        await self.server.runtime.jobs.stop()
        await self.server.transfers.stop()
        await self.server.take_up.stop()

    async def stored(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        database = self.server.runtime.database
        tables = sorted(await existing_tables(database))
        return {table: [str(row) for row in await database.read(f"SELECT * FROM {table}")] for table in tables}

    async def dump(self) -> str:
        """All of it in one text."""
        return "\n".join(row for rows in (await self.stored()).values() for row in rows)

    async def due(self) -> dict[str, int]:
        """Settle what the clock has made due, and deliver what came of it; rows settled by job."""
        settled: dict[str, int] = await self.server.runtime.jobs.run_due(self.server.runtime)
        await self.delivered()
        return settled

    async def area_id(self, code: str) -> str:
        return str((await self.ask(None, "query($c: String!) { area(code: $c) { id } }", c=code))["area"]["id"])

    async def turn_off(self, plugin: str, code: str = "haicang") -> None:
        """Turn a mechanism off in an area and below; one that is not installed is off already."""
        if plugin in self.server.host.keys:
            area = await self.area_id(code)
            await self.do(
                "admin", "coreTogglePlugin", "area { id }", areaId=area, plugin=plugin, state="OFF", reason="停用"
            )

    async def actor_id(self, name: str) -> str:
        """An actor's id by true name, straight from the table (the API masks names)."""
        mark = self.server.runtime.database.dialect.mark(1)
        rows = await self.server.runtime.database.read(f"SELECT id FROM core_actor WHERE name = {mark}", [name])
        return to_global("actor", UUID(str(rows[0][0])))

    async def registered(self, *names: str, kind: ActorKind = ActorKind.PERSON, area: str = "xishan") -> list[str]:
        """New actors, registered by the server itself; their ids."""
        made: list[Actor] = []

        async def rule(work: Work) -> dict[str, Any]:
            home = await work.find(Area, code=area)
            assert home is not None
            club = OrganizationKind.CLUB if kind is ActorKind.ORGANIZATION else None
            for name in names:
                made.append(await register_actor(work, kind=kind, name=name, area_id=home.id, organization_kind=club))
            return {}

        await self.server.runtime.as_system(rule)
        return [to_global(actor.tag, actor.id) for actor in made]

    async def newcomers(self, count: int, area: str) -> list[str]:
        """So many new people with accounts, signed in; their logins."""
        runtime = self.server.runtime
        logins = []
        for number in range(count):
            login = f"n{number}-{uuid4().hex[:8]}"

            async def rule(work: Work, login: str = login) -> dict[str, Any]:
                home = await work.find(Area, code=area)
                assert home is not None
                person: Actor = await register_actor(work, kind=ActorKind.PERSON, name=login, area_id=home.id)
                await work.flush_now()
                account: Account = await create_account(work, person=person, login=login, password_hash="x" * 20)
                return {"account": str(account.id)}

            made = await runtime.as_system(rule)
            self.tokens[login], _ = await issue_token(runtime, UUID(made["account"]), timedelta(days=2000))
            logins.append(login)
        return logins

    async def viewer(self, login: str | None) -> Viewer:
        found: Viewer = await self.server.runtime.viewer(hash_token(self.tokens[login]) if login else "")
        return found


INPUT_NAMES = {
    "coreOpenActivity": "CoreActivityInput",
    "coreJoinActivity": "CoreActivityInput",
    "coreLeaveActivity": "CoreActivityInput",
    "coreFinishActivity": "CoreActivityInput",
    "coreInvite": "CorePersonInput",
    "coreResetPassword": "CorePersonInput",
    "coreDisableAccount": "CorePersonReasonInput",
    "coreEnableAccount": "CorePersonReasonInput",
    "coreExportHoldings": "MutationInput",
    "adoptionWithdrawClaim": "AdoptionClaimInput",
    "adoptionSignAgreement": "AdoptionAgreementInput",
}


class Databases:
    """Fresh databases, copied from a template that is made once: `empty` (migrated) or `demo`."""

    def __init__(self, folder: Path, plugins: tuple[str, ...]) -> None:
        self.folder = folder
        self.plugins = plugins
        self._cluster: PostgresCluster | None = None
        self._made: dict[tuple[str, str], str] = {}

    @property
    def cluster(self) -> PostgresCluster:
        if self._cluster is None:
            self._cluster = PostgresCluster.start()
        return self._cluster

    def stop(self) -> None:
        if self._cluster is not None:
            self._cluster.stop()

    def config(self, url: str) -> Config:
        if url.startswith("sqlite:"):
            return Config(database=url, plugins=self.plugins)
        keys = self.folder / "keys"
        make_key_file(keys)
        return Config(database=url, plugins=self.plugins, key_file=str(keys))

    def fresh(self, dialect: str, template: str) -> str:
        """The address of a new copy."""
        source = self.template(dialect, template)
        name = f"t{uuid4().hex[:12]}"
        if dialect == "postgres":
            return self.cluster.create_database(name, source)
        shutil.copy(source, self.folder / f"{name}.db")
        return f"sqlite:{self.folder / name}.db"

    def by_index(self, url: str) -> None:
        """Let PostgreSQL take an index wherever one can serve: whatever still reads a whole table has none. Connections
        made from now on."""
        name = urlsplit(url).path.lstrip("/")
        self.cluster.run_sql("ANALYZE", name)
        self.cluster.run_sql(f'ALTER DATABASE "{name}" SET enable_seqscan = off', name)

    def drop(self, url: str) -> None:
        """Be done with a copy."""
        if url.startswith("sqlite:"):
            path = Path(url.removeprefix("sqlite:"))
            for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
                file.unlink(missing_ok=True)
        else:
            self.cluster.drop_database(urlsplit(url).path.lstrip("/"))

    def template(self, dialect: str, template: str) -> str:
        """Where the template lies or what it is called; made the first time, which serves it for a moment."""
        key = (dialect, template)
        if key not in self._made:
            name = f"template_{template}"
            source = self.template(dialect, "empty") if template != "empty" else None
            if dialect == "postgres":
                url = self.cluster.create_database(name, source)
            else:
                url = f"sqlite:{self.folder / name}.db"
                if source is not None:
                    shutil.copy(source, self.folder / f"{name}.db")
            try:
                with ThreadPoolExecutor(1) as beside:  # a test that asks for a copy may itself be a coroutine
                    beside.submit(asyncio.run, self._fill(url, template)).result()
            except BaseException:
                if dialect == "postgres":
                    self.cluster.drop_database(name)
                else:
                    (self.folder / f"{name}.db").unlink(missing_ok=True)
                raise
            self._made[key] = name if dialect == "postgres" else str(self.folder / f"{name}.db")
        return self._made[key]

    async def _fill(self, url: str, template: str) -> None:
        from server import Server

        running = await Server.open(self.config(url))
        try:
            if template == "demo":
                await make_demo(running.runtime, running.host)
            if url.startswith("sqlite:"):
                async with running.runtime.database.transaction():
                    pass
        finally:
            await running.close()
        if url.startswith("sqlite:"):
            import sqlite3

            connection = sqlite3.connect(url.removeprefix("sqlite:"))
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()


_build = Apps._build_initial_querysets
_built: tuple[str, set[type[Model]]] = ("", set())


def _build_once(apps: Apps) -> None:
    """The ORM prepares every model at each start, and always to the same for the same models and kind of database: a
    quarter of the time in which a copy comes to be served. In tests it is done when either has changed."""
    global _built
    models = {model for app in apps.apps.values() for model in app.values()}
    kind = next((type(model._meta.db).__name__ for model in models), "")
    if _built != (kind, models):
        _build(apps)
        _built = (kind, models)


Apps._build_initial_querysets = _build_once  # type: ignore[method-assign,assignment]


@asynccontextmanager
async def served(config: Config, clock: Clock | None = None, *, is_fresh: bool = False) -> AsyncIterator[Neighbourhood]:
    """Serve a database in this process and talk to it over HTTP (ASGI). `is_fresh` is said of an untouched copy that
    `Databases` made for these plugins: its template was migrated and compared, so that the copy need not be. What the
    clock makes due is settled when a test says so (`due`), not when a job happens to look."""
    import httpx2

    from server import Server

    running = await Server.open(config, clock=clock, is_migrated=is_fresh)
    try:
        await running.start()
        await running.runtime.jobs.stop()
        transport = httpx2.ASGITransport(app=running.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Neighbourhood(running, http)
    finally:
        await running.close()


@asynccontextmanager
async def still(config: Config) -> AsyncIterator[Neighbourhood]:
    """A fresh demo neighbourhood in which nothing happens any more: tests that only read, or are only refused, can share
    it. Nothing else may be served meanwhile, as the ORM's connections are the process's: such tests have their own
    module."""
    async with served(config, is_fresh=True) as made:
        await made.trust("admin", "clerk", "company", "resident")
        made.clock.set(made.clock.now())
        await made.delivered()
        await made.quiet()
        yield made


__all__ = ["ACCOUNTS", "Databases", "Neighbourhood", "Refused", "served", "still"]
