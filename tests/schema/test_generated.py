"""Generated operations are answered as plain execution answers them, for everybody, and alike on both databases."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any

import orjson
import pytest
from graphql import parse
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from core.access import Viewer
from core.testing.beside import beside
from core.testing.kit import Databases, still
from schema.documents import Check
from schema.execution import GraphQL
from schema.limits import check_document
from schema.nodes.declare import NodeType
from schema.plain import PlainExecutor, Snapshot
from tests.kits.generating import LEFT_OUT, Generator, Operation, Values, learned
from tests.kits.scattering import scatter

WHO = (None, "resident", "clerk", "company", "admin")
OPERATIONS = int(os.environ.get("GONGZHI_GENERATED", "2000"))
SEED = int(os.environ.get("GONGZHI_GENERATED_SEED", "1"))
PORTIONS = 4
WRITTEN = 3  # from each that is drawn
DRAWN, MORE = 1.6, 1.2  # for each that is needed: some are written alike, and some root fields have little to ask
ANSWERED = 0.8  # of all that is asked, at least: the rest has words, ids and cursors that are refused

# Refused for its size by whoever compiles it; plain execution has no such limits.
LIMITS = {"SELECTION_TOO_DEEP", "TOO_MANY_CONDITIONS", "QUERY_TOO_LARGE", "FILTER_TOO_DEEP"}
# An argument is refused before any row is read; plain execution comes to it only where there is a row above it. Of two
# that are wrong either may be told.
ARGUMENTS = {"BAD_CURSOR", "BAD_FILTER", "BAD_ID", "BAD_PAGE_SIZE", "BAD_TEXT", "TOO_MANY_VALUES", "UNKNOWN_AREA"}
# SQLite before 3.46 cannot parse it, PostgreSQL can: docs/decisions/0004.
OF_SQLITE = "SELECTION_TOO_DEEP"


@dataclass
class World:
    """One neighbourhood on SQLite, its rows on PostgreSQL as well, and everybody who asks."""

    sqlite: GraphQL
    postgres: GraphQL
    viewers: dict[str | None, Viewer]
    values: Values
    runner: asyncio.Runner
    checked: Check
    kinds: Counter[str] = field(default_factory=Counter)

    def compare(self, operation: Operation) -> None:
        """Ask as each of them, in every way; fails where two answers differ."""
        # Validating costs as much as asking; it need not be done each time.
        wrong = self._invalid(operation) if operation.number % 10 == 0 else None
        for who in WHO:
            wrong = wrong or self.runner.run(self._compared(operation, who))
        assert wrong is None, self._invalid(operation) or wrong

    def _invalid(self, operation: Operation) -> str | None:
        errors = self.checked(parse(operation.text))
        return f"the generator's fault, no valid document: {errors}\n{operation!r}" if errors else None

    async def _compared(self, operation: Operation, who: str | None) -> str | None:
        text, given = operation.text, operation.variables
        how: dict[str, Any] = {"viewer": self.viewers[who], "language": ("zh-CN", "en")[operation.number % 2]}
        planned = _read(await self.sqlite.execute(text, given, **how))
        plain = _read(await self.sqlite.execute(text, given, **how, plain=True))
        postgres = _read(await self.postgres.execute(text, given, **how))
        counted = postgres if OF_SQLITE in _codes(planned) else planned
        self.kinds["+".join(sorted(_codes(counted))) or "answered"] += 1
        if wrong := _differs(planned, plain):
            return _told(operation, who, wrong, sqlite=planned, plain=plain)
        if OF_SQLITE in _codes(planned):
            wrong = _differs(postgres, plain)
            return _told(operation, who, wrong, postgres=postgres, plain=plain) if wrong else None
        if planned != postgres:
            return _told(operation, who, "the databases", sqlite=planned, postgres=postgres)
        return None


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(answer))
    return read


def _errors(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """The root field and the code of each error; an error of the whole request has no root."""
    return [(str((e.get("path") or [""])[0]), e["extensions"]["code"]) for e in answer.get("errors", ())]


def _codes(answer: dict[str, Any]) -> set[str]:
    return {code for _, code in _errors(answer)}


def _differs(planned: dict[str, Any], plain: dict[str, Any]) -> str | None:
    """In which root field, and how, the planned answer is not the plain one; None where they agree."""
    refused, plainly = dict(_errors(planned)), _errors(plain)
    for root, code in refused.items():
        codes = {c for r, c in plainly if r == root}
        if code not in LIMITS and code not in codes and not (code in ARGUMENTS and codes <= ARGUMENTS):
            return f"{root}: {code}, and not {codes or 'answered'}"
    if (LIMITS | ARGUMENTS) & {*refused.values()} and planned.get("data") is None:
        return None  # a root that may not be null was refused, and no word is lost about those behind it
    stray = {(r, c) for r, c in plainly if r not in refused}
    if stray and OF_SQLITE not in refused.values():  # what SQLite cannot parse it does not look into further
        return f"only plain execution refuses: {stray}"
    if refused:
        shown, expected = planned.get("data") or {}, plain.get("data") or {}
        common = shown.keys() & expected.keys() - refused.keys()
        return next((f"{root}: the data" for root in common if shown[root] != expected[root]), None)
    if planned != plain:
        return "the data"
    if orjson.dumps(planned) != orjson.dumps(plain):
        return "the order of the fields"
    return None


def _told(operation: Operation, who: str | None, what: str, **answers: dict[str, Any]) -> str:
    shown = "\n".join(
        f"{name}: {orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()}" for name, answer in answers.items()
    )
    return f"{what} differ(s) for {who or 'somebody not signed in'}\n{operation!r}\n{shown}"


@pytest.fixture(scope="module")
def world(databases: Databases) -> Iterator[World]:
    postgres_url, sqlite_url = databases.fresh("postgres", "empty"), databases.fresh("sqlite", "demo")
    with asyncio.Runner() as runner, pytest.MonkeyPatch.context() as patch:
        stack = AsyncExitStack()

        async def opened() -> World:
            n = await stack.enter_async_context(still(databases.config(sqlite_url)))
            await scatter(n.server.runtime.database, n.server.graphql.composed, Random(SEED))
            postgres = await stack.enter_async_context(beside(n, postgres_url))
            viewers = {who: await n.viewer(who) for who in WHO}
            graphql: GraphQL = n.server.graphql
            checked, graphql.check = graphql.check, check_document
            return World(graphql, postgres, viewers, await learned(n), runner, checked)

        try:
            made = runner.run(opened())

            async def take(_: Any, viewer: Viewer, kernel: Any, root_area: Any, facts: Any) -> Snapshot:
                return Snapshot(made.values.tables, viewer, kernel, root_area, facts)

            in_scope, known = PlainExecutor._in_scope, {}

            def seen(self: PlainExecutor, node: NodeType, row: dict[str, Any], snapshot: Snapshot) -> bool:
                key = (snapshot.viewer.account_id, node.name, id(row))
                if node.source is not None:
                    return in_scope(self, node, row, snapshot)
                if key not in known:
                    known[key] = in_scope(self, node, row, snapshot)
                return known[key]

            # Nothing happens any more, so tables are read once, and who sees which row is found out once.
            patch.setattr(Snapshot, "take", take)
            patch.setattr(PlainExecutor, "_in_scope", seen)
            yield made
        finally:
            runner.run(stack.aclose())
    databases.drop(postgres_url)
    databases.drop(sqlite_url)


class Asking:
    """Asks what hypothesis draws, each operation once, until it is enough."""

    def __init__(self, world: World, enough: int) -> None:
        self.world, self.enough = world, enough
        self.asked: set[str] = set()
        self.failed = False

    def ask(self, operations: st.SearchStrategy[list[Operation]], examples: int, seeded: int) -> None:
        until = len(self.asked) + self.enough

        @seed(seeded)
        @settings(
            max_examples=examples, database=None, deadline=None, phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False,
        )  # fmt: skip
        @given(operations)
        def check(found: list[Operation]) -> None:
            for operation in found:
                if repr(operation) not in self.asked and (len(self.asked) < until or self.failed):
                    self._compare(operation)

        check()
        self.world.sqlite.documents.forget(self.world.sqlite)

    def _compare(self, operation: Operation) -> None:
        try:
            self.world.compare(operation)
        except BaseException:
            self.failed = True  # what follows are smaller ones that fail as well
            raise
        self.asked.add(repr(operation))


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_generated_operations_are_answered_alike(world: World, portion: int) -> None:
    query = world.values.schema.query_type
    assert query is not None
    roots = sorted(set(query.fields) - LEFT_OUT)
    mine = roots[portion::PORTIONS]
    generator = Generator(world.values, mine, SEED)
    each = OPERATIONS / len(roots)
    asking = Asking(world, ceil(each * MORE))
    world.kinds.clear()
    for number, root in enumerate(mine):
        asking.ask(generator.operations(root), ceil(each * DRAWN / WRITTEN), SEED * 1000 + number)
    assert len(asking.asked) >= OPERATIONS // PORTIONS
    assert world.kinds["answered"] >= world.kinds.total() * ANSWERED, world.kinds
