"""Mutations: the payload's selection is tried, the rule runs in one unit of work, then the payload is read as a query is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLResolveInfo, SelectionSetNode, VariableNode

from core.access import Acting
from core.database import deadline
from core.decisions import not_signed_in, out_of_scope
from core.errors import Refusal
from core.health import is_failure
from core.ids import from_global, split_global, to_global
from core.models import Actor
from core.rules.inputs import clean_text
from core.runtime import Command, Performed
from core.work import Work
from schema.conversion import reader_of
from schema.documents import Shape
from schema.errors import PluginFailed
from schema.mutations import (
    ChangeInput,
    MutationDeclaration,
    Secret,
    hash_input,
    ids_in,
    paths_of_ids,
    payload_name,
    with_ids,
)
from schema.planning.plan import Plan, Raw
from schema.rates import MUTATION
from schema.visible import first_hidden

if TYPE_CHECKING:
    from schema.execution import Compile, GraphQL, RequestContext

TRIED_FROM = 4_000  # characters of SQL
KEY = 200  # characters of an idempotency key
BATCH_KEY = KEY - 4  # with room for `#199`
BATCH_ROWS = 200
BATCH_SECONDS = 30.0  # then the rows that are left are not tried; the client sends them again


class Changes:
    """Runs the mutations of one contract."""

    def __init__(self, graphql: GraphQL) -> None:
        self.graphql = graphql
        self.runtime = graphql.runtime
        self.errors = graphql.errors
        self._readers: dict[type, Callable[[Any], Any]] = {}

    async def run_all(self, context: RequestContext) -> None:
        """Run every root of the request, one after the other, where each is one mutation and its input one variable.

        What came of each is `done`; where nothing was refused it is `planned` too, as JSON. Where a root is anything
        else nothing is done: graphql-core has to execute it.
        """
        asked = []
        for key, nodes in context.shape.roots.items():
            declared = self.graphql.schema.mutations.get(nodes[0].name.value)
            (value,) = (a.value for a in nodes[0].arguments or ()) if declared else (None,)
            given = context.variables.get(value.name.value) if isinstance(value, VariableNode) else None
            if declared is None or given is None:
                return
            asked.append((key, nodes, declared, given))
        for key, nodes, declared, given in asked:
            try:
                payload = await self._run(declared, self._read(declared.input_type)(given), key, nodes, context)
            except Exception as error:
                context.done[key] = error
                return
            context.done[key] = payload
            told = _told(declared, context.shape.payload(key), payload)
            if told is not None:
                context.planned[key] = told

    async def resolve(self, declared: MutationDeclaration, input: Any, info: GraphQLResolveInfo[Any]) -> Payload:
        """What came of a mutation in `run_all`, or comes of it now."""
        context: RequestContext = info.context
        done = context.done.get(str(info.path.key))
        if done is None:
            done = await self._run(declared, input, str(info.path.key), info.field_nodes, context)
        if isinstance(done, Exception):
            raise done
        return done

    def _read(self, input_type: type) -> Callable[[Any], Any]:
        found = self._readers.get(input_type)
        if found is None:
            found = self._readers[input_type] = reader_of(input_type, self.graphql.schema.config)
        return found

    async def _run(
        self, declared: MutationDeclaration, input: Any, key: str, nodes: list[FieldNode], context: RequestContext
    ) -> Payload:
        """Run a declared mutation and read its payload; refusals become the payload's `errors`."""
        try:
            if deadline.get() < monotonic():
                raise Refusal("TOO_SLOW")
            payload = self._payload(
                declared, key, context, lambda: {"": [n.selection_set for n in nodes if n.selection_set]}
            )
            await self._try_payload(payload, context)
            if declared.secrets and input.idempotency_key is not None:
                raise Refusal("NO_IDEMPOTENCY_KEY", path=("idempotencyKey",))
            command = self._command(declared, declared.name, input, input.idempotency_key, context)
        except Refusal as refusal:
            return Payload({}, [self.errors.user(refusal, context.language)])
        return await self._perform(declared, command, input, payload, context)

    async def run_batch(self, declared: MutationDeclaration, input: Any, info: GraphQLResolveInfo[Any]) -> BatchPayload:
        """Run a declared mutation for each row, one unit of work after the other; a refused row leaves no trace.

        With a key each row has one of its own (`key#row`), so that the same batch again repeats nothing.
        """
        context: RequestContext = info.context
        assert declared.batch is not None
        key, rows = input.idempotency_key, input.rows
        try:
            if deadline.get() < monotonic():
                raise Refusal("TOO_SLOW")
            deadline.set(monotonic() + BATCH_SECONDS)
            if not context.viewer.signed_in:
                raise not_signed_in(declared.permission_key).refusal()
            if not 1 <= len(rows) <= BATCH_ROWS:
                raise Refusal("BATCH_SIZE", path=("rows",), limit=BATCH_ROWS, given=len(rows))
            context.meter.owe(MUTATION * (len(rows) - 1))
            if key is not None and not 1 <= len(key) <= BATCH_KEY:
                raise Refusal("BAD_IDEMPOTENCY_KEY", path=("idempotencyKey",))
            payload = self._payload(declared, str(info.path.key), context, lambda: self._inside(info, "results"))
            await self._try_payload(payload, context)
        except Refusal as refusal:
            return BatchPayload([], [self.errors.user(refusal, context.language)])
        ends = asyncio.get_running_loop().time() + BATCH_SECONDS
        results: list[BatchRow] = []
        stopped = False
        for number, row in enumerate(rows):
            if stopped or asyncio.get_running_loop().time() > ends:
                done = Payload({}, [self.errors.user(Refusal("NOT_TRIED"), context.language)])
            else:
                own = row.idempotency_key if key is None else f"{key}#{number}"
                try:
                    command = self._command(declared, declared.batch.name, row, own, context)
                    done = await self._perform(declared, command, row, payload, context)
                except Refusal as refusal:
                    done = Payload({}, [self.errors.user(refusal, context.language)])
            results.append(BatchRow(number, done.planned, done.errors))
            stopped = stopped or (bool(done.errors) and input.stop_on_error)
        return BatchPayload(results, [])

    async def _perform(
        self, declared: MutationDeclaration, command: Command, input: Any, payload: PayloadPlan, context: RequestContext
    ) -> Payload:
        try:
            secrets: dict[str, Any] = {}
            outcome = await self.runtime.perform(command, _rule(declared, input, secrets))
        except Refusal as refusal:
            if refusal.code != "BAD_ID":  # which says nothing of any row
                paths = paths_of_ids(input)
                refusal = await first_hidden(self.runtime, self.graphql.composed, context.viewer, paths) or refusal
            return Payload({}, [self.errors.user(refusal, context.language)])
        except BaseException as error:
            if declared.plugin == "core" or not is_failure(error):
                raise
            self.runtime.kernel.health.failed(declared.plugin, f"mutation {self.graphql.composed.camel(declared.name)}")
            raise PluginFailed(declared.plugin, error) from error
        shown = {self.graphql.composed.camel(name): value for name, value in secrets.items()}
        return Payload(await self._read_payload(payload, outcome, context), [], shown)

    def _command(
        self, declared: MutationDeclaration, mutation: str, input: Any, key: str | None, context: RequestContext
    ) -> Command:
        if not context.viewer.signed_in:
            raise not_signed_in(declared.permission_key).refusal()
        # A machine's token does nothing but what it was made for, whatever the rule itself asks.
        scope = context.viewer.scope
        if scope is not None and declared.permission not in scope.permissions:
            missing = declared.permission_key
            raise out_of_scope(missing, scope).refusal() if missing else Refusal("TOKEN_SCOPE", **scope.told)
        if key is not None and not 1 <= len(key) <= KEY:
            raise Refusal("BAD_IDEMPOTENCY_KEY", path=("idempotencyKey",))
        if input.occurred_at is not None and input.occurred_at > self.runtime.clock.now():
            raise Refusal("IN_THE_FUTURE", path=("occurredAt",))
        behalf = input.on_behalf_of
        acting = Acting(
            for_id=from_global(input.acting_for, "actor", "actingFor") if input.acting_for else None,
            behalf_of_id=from_global(behalf.actor_id, "actor", "onBehalfOf", "actorId") if behalf else None,
            basis=behalf.basis if behalf else None,
            evidence=clean_text(behalf.evidence, "onBehalfOf", "evidence", limit=500) if behalf else None,
        )
        return Command(
            mutation=mutation,
            viewer=context.viewer,
            acting=acting,
            key=key,
            input_hash=hash_input(input) if key else "",
            expected_version=input.expected_version if isinstance(input, ChangeInput) else None,
            occurred_at=input.occurred_at,
            within=context.root_area,
            paths=lambda: paths_of_ids(input),
            actors=frozenset(split_global(id)[1] for id in ids_in(input, Actor.tag)),
            asks=declared.asks,
        )

    def _inside(self, info: GraphQLResolveInfo[Any], name: str) -> dict[str, list[SelectionSetNode]]:
        """What is selected inside the payload's field `name`, by the response keys it was asked under."""
        compiler = self.graphql.new_compiler(info.context)
        groups = compiler._collect([n.selection_set for n in info.field_nodes if n.selection_set], None)
        return {
            f"{key} ": [n.selection_set for n in nodes if n.selection_set]
            for key, nodes in groups.items()
            if nodes[0].name.value == name
        }

    def _payload(
        self,
        declared: MutationDeclaration,
        root: str,
        context: RequestContext,
        selected: Callable[[], dict[str, list[SelectionSetNode]]],
    ) -> PayloadPlan:
        """How the payload's selection will be read once the rule has said of which rows; each field under its response
        key, behind the key that its selection came with. Only nodes are read."""
        context.changes = True
        names = {self.graphql.composed.camel(python): python for python in declared.returns}

        def roots() -> dict[str, list[FieldNode]]:
            return {
                before + key: nodes
                for before, sets in selected().items()
                for key, nodes in self.graphql.new_compiler(context)._collect(sets, None).items()
            }

        shape = context.shape.payload(root, roots)
        read = {key: nodes for key, nodes in shape.roots.items() if nodes[0].name.value in names}

        def make(without: frozenset[str] = frozenset()) -> Plan:
            compiler = self.graphql.new_compiler(context, without)
            columns: dict[str, str] = {}
            left_out: dict[str, str] = {}
            for key, nodes in read.items():
                python = names[nodes[0].name.value]
                node = self.graphql.composed.type_of(declared.returns[python])
                if node.plugin in without:
                    left_out[key] = node.plugin
                    continue
                inner = [n.selection_set for n in nodes if n.selection_set]
                columns[key] = compiler.changed(node, python, inner)
            return compiler.plan(list(columns.values()), list(columns), left_out)

        @cache
        def compile(without: frozenset[str]) -> Plan:
            return make(without) if without else self.graphql.kept(context.prepared, shape, context, make)

        return PayloadPlan(list(read), compile)

    async def _try_payload(self, payload: PayloadPlan, context: RequestContext) -> None:
        """Refuse what the payload's arguments make impossible; long SQL is tried on no row (SQLite's parser is small).

        A plugin's field that fails is no reason: it will be null.
        """
        try:
            plan = payload.compile(frozenset())
            plan.check(context)
            if len(plan.sql) > TRIED_FROM and self.runtime.database.dialect.name == "sqlite":
                await self.graphql.run(plan, context)
        except Refusal:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise

    async def _read_payload(
        self, payload: PayloadPlan, outcome: Performed, context: RequestContext
    ) -> dict[str, Raw | Exception]:
        """The selected nodes of the payload, in one statement. The change is made: whatever fails now is told of the
        nodes that cannot be shown, never of the mutation."""
        context.changed = {name: split_global(id)[1] for name, id in outcome.outcome.items()}
        context.fresh, context.viewer = not outcome.replayed, outcome.viewer
        try:
            return (await self.graphql.read(payload.compile, context))[1]
        except Exception as error:
            return dict.fromkeys(payload.keys, error)


@dataclass(frozen=True)
class PayloadPlan:
    """How a payload will be read; the rows' ids come from the rule."""

    keys: list[str]
    compile: Compile


@dataclass(frozen=True)
class Payload:
    """A mutation's payload: planned nodes by response key, and why nothing changed."""

    planned: dict[str, Raw | Exception]
    errors: list[Any]
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class BatchRow:
    """What came of one row of a batch."""

    row: int
    planned: dict[str, Raw | Exception]
    errors: list[Any]


@dataclass(frozen=True)
class BatchPayload:
    results: list[BatchRow]
    errors: list[Any]


def _told(declared: MutationDeclaration, shape: Shape, payload: Payload) -> Raw | None:
    """A payload as JSON; None where something was refused or cannot be shown."""
    if payload.errors:
        return None
    parts = []
    for key, nodes in shape.roots.items():
        name = nodes[0].name.value
        if name == "errors":
            text = "[]"
        elif name == "__typename":
            text = f'"{payload_name(declared)}"'
        elif isinstance(read := payload.planned.get(key), Raw):
            text = read.json
        else:
            return None
        parts.append(f'"{key}":{text}')
    return Raw(f"{{{','.join(parts)}}}")


def _rule(declared: MutationDeclaration, input: Any, secrets: dict[str, Any]) -> Any:
    async def rule(work: Work) -> dict[str, str]:
        rows = await declared.call(work, with_ids(input, Actor.tag, work.instead) if work.instead else input)
        secrets.update({name: row.value for name, row in rows.items() if isinstance(row, Secret)})
        return {name: to_global(row.tag, row.id) for name, row in rows.items() if not isinstance(row, Secret)}

    return rule
