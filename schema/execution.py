"""From a document to a response: parse and validate once per text, plan once per shape, one statement per operation.

Root fields that a plan covers are answered by text from the database (`Raw`), which graphql-core passes through
untouched; errors and paths stay graphql-core's. A mutation runs its rule first and reads its payload afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from time import monotonic
from typing import Any

import orjson
import structlog
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationType,
    execute,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from core.access import ANONYMOUS, PermissionBook, Viewer
from core.accounts import SignIn
from core.clock import Clock
from core.database import deadline
from core.errors import Refusal
from core.health import is_failure
from core.runtime import Runtime
from schema.changing import Changes, Payload
from schema.compose import CommunitySchema, core_schema
from schema.documents import MAX_ERRORS, Documents, Operation, Prepared, Shape, checks_of
from schema.errors import Errors, PluginFailed
from schema.nodes.composed import Root
from schema.nodes.declare import PythonField
from schema.nodes.expressions import Argument
from schema.plain import PlainExecutor, Snapshot
from schema.planning.arguments import shape_of
from schema.planning.compile import REFUSED, Compiler
from schema.planning.emit import emitter_for
from schema.planning.plan import MAX_ROWS, Plan, Raw
from schema.planning.python_fields import Facts, Filler
from schema.rates import BYTES, INTROSPECTION, MUTATION, SIGN_IN, Meter, OverLimit

log = structlog.get_logger("gongzhi.graphql")

SMALL = 100  # rows
REQUEST_SECONDS = 10.0  # for all statements of a request together
RESOLVER_SECONDS = 10.0
OF_THE_REQUEST = {"TOO_SLOW", "BUSY", "QUERY_TOO_LARGE", "TOO_MANY_CONDITIONS"}  # not of one root, so not tried again

# What a password is checked or a code is sent for.
SLOW = {"coreSignIn", "coreRedeemTicket", "coreChangePassword", "coreStartSignIn", "coreFinishSignIn"}

Compile = Callable[[frozenset[str]], Plan]  # without these plugins' fields


@contextlib.contextmanager
def parsed() -> Iterator[None]:
    """Refuses SELECTION_TOO_DEEP for a statement that SQLite before 3.46 cannot parse: docs/decisions/0004."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "parser stack overflow" in str(error):
            raise Refusal("SELECTION_TOO_DEEP") from error
        raise


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, letting `Raw` through (a private seam: tests/seams)."""

    def complete_value(self, return_type, field_details_list, info, path, result, position_context):  # type: ignore[no-untyped-def]
        if type(result) is Raw:
            return orjson.Fragment(result.json)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


@dataclass
class RequestContext:
    """What resolvers and parameters may know of a request."""

    graphql: GraphQL
    prepared: Prepared
    viewer: Viewer = ANONYMOUS
    language: str = "zh-CN"
    variables: dict[str, Any] = field(default_factory=dict)
    shape: Shape = field(default_factory=lambda: Shape({}))
    planned: dict[str, Raw | Exception] = field(default_factory=dict)
    done: dict[str, Payload | Exception] = field(default_factory=dict)  # mutations that have run
    changes: bool = False  # a mutation: what it reads afterwards cannot be refused
    fresh: bool = False  # the rows of a payload have just been changed by this viewer
    changed: dict[str, uuid.UUID] = field(default_factory=dict)  # the rows of a payload, by what the rule calls them
    meter: Meter = field(default_factory=Meter)
    snapshot: Snapshot | None = None
    root_area: uuid.UUID | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)
    failed: dict[str, BaseException] = field(default_factory=dict)  # plugins whose fields are left null
    now: datetime = field(init=False)

    cuts: bool = field(init=False)  # has any area cut permissions, as of the viewer? Plans then look at them

    def __post_init__(self) -> None:
        self.now = self.clock.now()
        self.cuts = bool(self.viewer.cuts)

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return self.prepared.fragments

    @property
    def book(self) -> PermissionBook:
        return self.graphql.runtime.book

    @property
    def clock(self) -> Clock:
        return self.graphql.runtime.clock


def _set_resolvers(schema: CommunitySchema) -> None:
    """Root fields answer from the request's context, so that a composed schema serves any number of servers."""
    query = core_schema(schema).query_type
    assert query is not None
    for name, root in schema.composed.roots.items():
        query.fields[name].resolve = _root_resolver(root)
    for name, plain in schema.composed.plain_roots.items():
        if plain.plugin != "core":
            query.fields[name].resolve = _contained(query.fields[name].resolve, plain.plugin, name)
    schema.has_resolvers = True


def cost_of_fields(operation: Operation, shape: Shape) -> int:
    """What root fields cost beside the rows they look at: mutations, and the description of the schema."""
    names = [nodes[0].name.value for nodes in shape.roots.values()]
    if operation.node.operation is OperationType.MUTATION:
        return sum(SIGN_IN if name in SLOW else MUTATION for name in names)
    return INTROSPECTION * sum(name in ("__schema", "__type") for name in names)


def _root_resolver(root: Root) -> Any:
    async def from_snapshot(info: Any, arguments: dict[str, Any]) -> Any:
        context: RequestContext = info.context
        assert context.snapshot is not None
        source = await context.graphql.source_rows(root, context, arguments) if root.form == "every" else None
        return context.graphql.plain.root(root, context.snapshot, arguments, source)

    def resolve(_: Any, info: Any, **arguments: Any) -> Any:
        if info.context.snapshot is not None:
            return from_snapshot(info, arguments)
        answer = info.context.planned[info.path.key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return resolve


def _contained(resolve: Any, plugin: str, name: str) -> Any:
    """A plugin's own resolver: what it raises, and what never ends, stays with the plugin."""

    async def contained(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            async with asyncio.timeout(RESOLVER_SECONDS):
                found = resolve(source, info, **arguments)
                return await found if isawaitable(found) else found
        except Refusal:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            info.context.graphql.runtime.kernel.health.failed(plugin, f"field {name}")
            raise PluginFailed(plugin, error) from error

    return contained


class GraphQL:
    """Executes operations against one composed schema."""

    def __init__(
        self,
        schema: CommunitySchema,
        runtime: Runtime,
        sign_in: SignIn | None = None,
        documents: Documents | None = None,
    ) -> None:
        self.schema = schema
        self.graphql = core_schema(schema)
        self.composed = schema.composed
        self.runtime = runtime
        self.sign_in = sign_in or SignIn(runtime)
        self.emitter = emitter_for(runtime.database.dialect)
        self.errors = Errors(runtime.messages)
        self.changes = Changes(self)
        self.plain = PlainExecutor(schema.composed)
        self.check = checks_of(self.graphql)
        self._python_types: dict[int, Any] = {}
        self.documents = documents or Documents()
        if not schema.has_resolvers:
            _set_resolvers(schema)

    async def source_rows(self, root: Root, context: RequestContext, arguments: dict[str, Any]) -> Any:
        """Rows of a computed list for the plain executor: its SQL, run as it stands."""
        if root.node.source is None:
            return None
        assert context.snapshot is not None
        given = {n: spec.bind(arguments.get(spec.of), context) for n, spec in root.node.source.arguments.items()}
        for name, spec in root.node.source.arguments.items():
            area = Argument(None, "uuid", given[name] if spec.names_area else None)
            for code, allowed in reversed(self.composed.allowed(root.plugin, area)):
                if spec.names_area and not allowed.evaluate({}, context.snapshot):
                    raise Refusal(code, plugin=root.plugin)
        sql, values = root.node.source.sql, []
        for name, spec in root.node.source.arguments.items():
            values.append(given[name])
            mark = self.emitter.parameter(self.runtime.database.dialect.mark(len(values)), spec.sql_type)
            sql = sql.replace(f":{name}:", mark)
        names = list(root.node.source.columns)
        rows = await self.runtime.database.read(f"SELECT {', '.join(names)} FROM ({sql}) s", values)
        plain = [dict(zip(names, row, strict=True)) for row in rows]
        return [
            {k: uuid.UUID(str(v)) if root.node.source.columns[k] == "uuid" and v else v for k, v in r.items()}
            for r in plain
        ]

    # --- documents ---------------------------------------------------------------------------------------

    def prepare(self, text: str, meter: Meter | None = None) -> Prepared:
        """Parse and validate, once per text while it is kept; raises OverLimit where that is too much to ask for."""
        charged = meter or Meter()
        return self.documents.prepare(self, text, self.check, lambda size: charged.spend(size // BYTES, shown=False))

    # --- executing ---------------------------------------------------------------------------------------

    async def execute(
        self,
        text: str,
        variables: dict[str, Any] | None = None,
        operation_name: str | None = None,
        *,
        viewer: Viewer = ANONYMOUS,
        language: str = "zh-CN",
        plain: bool = False,
        only_query: bool = False,
        root_area: uuid.UUID | None = None,
        meter: Meter | None = None,
    ) -> dict[str, Any]:
        """The response as a dict for orjson; without `data` when nothing was executed. Refuses MUTATION_OVER_GET where
        `only_query`. `plain` answers by the plain executor (tests only). Raises OverLimit before anything is done that the
        meter has no room for."""
        meter = meter or Meter()
        prepared = self.prepare(text, meter)
        if prepared.errors:
            return {"errors": [self.errors.request(e, language) for e in prepared.errors[:MAX_ERRORS]]}
        operation = prepared.operation(operation_name)
        if operation is None:
            unknown = GraphQLError("", original_error=Refusal("BAD_OPERATION_NAME"))
            return {"errors": [self.errors.request(unknown, language)]}
        if only_query and not operation.is_query:
            raise Refusal("MUTATION_OVER_GET")
        coerced = operation.coerce(self.graphql, variables or {})
        if isinstance(coerced, list):
            return {"errors": [self.errors.request(e, language, "BAD_VARIABLES") for e in coerced]}
        context = RequestContext(self, prepared, viewer, language, coerced, root_area=root_area, meter=meter)
        shape = context.shape = self.shape(prepared, operation, context)
        if not operation.is_query or prepared.asks_for_schema:
            meter.spend(cost_of_fields(operation, shape))
        until = deadline.set(monotonic() + REQUEST_SECONDS)
        try:
            if plain and operation.is_query:
                facts = await self._facts(context)
                context.snapshot = await Snapshot.take(
                    self.runtime.database, viewer, self.runtime.kernel, root_area, facts
                )
            elif operation.is_query:
                await self._plan_and_read(prepared, operation, shape, context)
            else:
                await self.changes.run_all(context)
            response = self._direct(context)
            if response is None:
                result = execute(
                    self.graphql,
                    prepared.document,
                    context_value=context,
                    variable_values=variables,
                    operation_name=operation_name,
                    executor_class=PlannedExecutor,
                )
                if isawaitable(result):
                    result = await result
                response = self.errors.response(result, language)
        finally:
            deadline.reset(until)
        named = {e["extensions"].get("plugin") for e in response.get("errors", ())}
        for plugin, error in context.failed.items():
            if plugin not in named:
                failed = self.errors.plugin(PluginFailed(plugin, error), language)
                response["errors"] = [*response.get("errors", ()), failed]
        extensions: dict[str, Any] = {"notices": context.notices} if context.notices else {}
        if meter.show:
            extensions["cost"] = {"total": meter.cost, "rows": meter.rows, "maxRows": MAX_ROWS}
        if extensions:
            response["extensions"] = extensions
        return response

    def _direct(self, context: RequestContext) -> dict[str, Any] | None:
        """The response where every root was read and none was refused: there is nothing left to execute. None where
        graphql-core has to."""
        data: dict[str, Any] = {}
        for key, nodes in context.shape.roots.items():
            read = context.planned.get(key)
            if isinstance(read, Raw):
                data[key] = orjson.Fragment(read.json)
            elif read is None and nodes[0].name.value == "__typename":
                data[key] = str(self.graphql.query_type)
            else:
                return None
        return {"data": data} if context.planned else None

    async def _plan_and_read(
        self, prepared: Prepared, operation: Operation, shape: Shape, context: RequestContext
    ) -> None:
        """Every planned root's answer, in one statement; where one root's argument is refused, root by root."""
        keys = [key for key, nodes in shape.roots.items() if nodes[0].name.value in self.composed.roots]
        plugins: set[str] = set()

        async def read(compile: Compile) -> None:
            plan, answers = await self.read(compile, context)
            plugins.update(plan.plugins)
            context.planned.update(answers)

        def whole(without: frozenset[str]) -> Plan:
            if without:
                return self._compile(shape, context, keys, without)
            return self.plan(prepared, shape, context)

        try:
            if keys:
                await read(whole)
        except OverLimit:
            raise
        except Refusal as refusal:
            if refusal.code in OF_THE_REQUEST:
                context.planned = dict.fromkeys(keys, refusal)
                return
            for key in keys:
                try:
                    await read(lambda without, key=key: self._compile(shape, context, [key], without))  # type: ignore[misc]
                except OverLimit:
                    raise
                except Refusal as own:
                    context.planned[key] = own
                    if own.code in OF_THE_REQUEST:
                        context.planned = dict.fromkeys(keys, own)
                        return
        self._notice(frozenset(plugins), context)

    async def read(self, compile: Compile, context: RequestContext) -> tuple[Plan, dict[str, Raw | Exception]]:
        """One statement. If it fails, then once for each plugin in it, alone, to see whose fields it is that fail; and
        again without those: their fields are null, and the errors name them."""
        asked = self.composed.plugins
        try:
            plan = compile(frozenset())
            asked = plan.plugins
            return plan, await self.run(plan, context)
        except Refusal:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
        failed: dict[str, BaseException] = {}
        for plugin in sorted(asked):
            try:
                await self.run(compile(asked - {plugin}), context)
            except Refusal:
                raise
            except BaseException as error:
                if not is_failure(error):
                    raise
                failed[plugin] = error
        # When nobody fails alone it was the database for a moment, or a fault of ours: then this says it again.
        plan = compile(frozenset(failed))
        answers = await self.run(plan, context)
        for plugin, raised in failed.items():
            self._leave_null(plugin, raised, context)
        return plan, answers | {key: PluginFailed(plugin, failed[plugin]) for key, plugin in plan.left_out.items()}

    def _leave_null(self, plugin: str, error: BaseException, context: RequestContext) -> None:
        if plugin not in context.failed:
            self.runtime.kernel.health.failed(plugin, f"statement: {type(error).__name__}")
            context.failed[plugin] = error

    def _notice(self, plugins: frozenset[str], context: RequestContext) -> None:
        """Say which of the plugins that were asked are off somewhere: what lies there is null or left out."""
        book = self.runtime.kernel.settings.current
        for plugin in sorted(plugins):
            off = book.off(plugin, context.now)
            if off:
                message = self.runtime.messages.render(
                    "PLUGIN_OFF_IN", context.language, {"plugin": plugin, "areas": ", ".join(off)}
                )
                notice = {"code": "PLUGIN_DISABLED", "plugin": plugin, "areas": off, "message": message}
                context.notices.append(notice)

    async def _facts(self, context: RequestContext, *, settings: bool = True) -> Facts:
        """For Python-computed fields: the settings in force, read again if another worker has changed them."""
        store = self.runtime.kernel.settings
        if settings:
            await self.runtime.follow_settings()
        return Facts(
            self.runtime.kernel, store.current, context.now, context.language, self.runtime.messages, context.viewer,
            context.root_area,
        )  # fmt: skip

    def new_compiler(self, context: RequestContext, without: frozenset[str] = frozenset()) -> Compiler:
        return Compiler(
            self.composed, self.graphql, self.emitter, context.fragments, context.variables, without, context.cuts
        )

    def _compile(
        self, shape: Shape, context: RequestContext, only: Iterable[str], without: frozenset[str] = frozenset()
    ) -> Plan:
        """The plan of those of these roots that are planned."""
        compiler = self.new_compiler(context, without)
        wanted = {k: root for k in only if (root := self.composed.roots.get(shape.roots[k][0].name.value))}
        left_out = {k: r.plugin for k, r in wanted.items() if r.plugin in without and r.form != "every"}
        keys = [k for k in wanted if k not in left_out]
        return compiler.plan([compiler.root(wanted[key], shape.roots[key]) for key in keys], keys, left_out)

    def shape(self, prepared: Prepared, operation: Operation, context: RequestContext) -> Shape:
        """What is kept for this operation and the shape of these variables."""

        def roots() -> dict[str, list[FieldNode]]:
            return self.new_compiler(context)._collect([operation.node.selection_set], None)

        return prepared.shape((operation.name, shape_of(context.variables), context.cuts), roots)

    def plan(self, prepared: Prepared, shape: Shape, context: RequestContext) -> Plan:
        """The plan for these roots, compiled once; who asks never matters."""
        return self.kept(prepared, shape, context, lambda: self._compile(shape, context, shape.roots))

    def kept(self, prepared: Prepared, shape: Shape, context: RequestContext, make: Callable[[], Plan]) -> Plan:
        """The plan that was kept for this shape and fits, else a new one."""
        before = prepared.bytes
        plan = prepared.plan(shape, context.variables, make)
        if prepared.bytes != before:
            self.documents.keep_within()
        return plan

    async def run(self, plan: Plan, context: RequestContext) -> dict[str, Raw | Exception]:
        """Bind and run: one statement, one JSON text per root, or why there is none."""
        rows = plan.check(context)
        if not plan.keys:
            return {}
        context.meter.look_at(rows, owed=context.changes)
        values = [slot.value(context) for slot, _ in plan.slots]
        with parsed():
            row = (await self.runtime.database.read(plan.sql, values, is_small=rows <= SMALL))[0]
        filler = await self._filler(plan, context) if plan.python else None
        answers: dict[str, Raw | Exception] = {}
        for key, text in zip(plan.keys, row, strict=True):
            if text is None:
                answers[key] = Raw("null")
            elif text.startswith(REFUSED):
                code, plugin, *area = text.removeprefix(REFUSED).split(":", 2)
                answers[key] = Refusal(code, plugin=plugin, **({"area": area[0][:80]} if area else {}))
            else:
                answers[key] = Raw(await _filled(filler, text) if filler else text)
        for owner, raised in (filler.failed if filler else {}).items():
            self._leave_null(owner, raised, context)
        return answers

    async def _filler(self, plan: Plan, context: RequestContext) -> Filler:
        compiler = self.new_compiler(context)
        facts = await self._facts(context, settings=any(f.settings for f, _ in plan.python))
        return Filler(plan.python, facts, lambda sets: compiler._collect(sets, None), self._python_type)

    def _python_type(self, declared: PythonField) -> Any:
        """The GraphQL type of a Python-computed field, from the type that carries it."""
        found = self._python_types.get(id(declared))
        if found is None:
            found = self._python_types[id(declared)] = self._find_type(declared)
        return found

    def _find_type(self, declared: PythonField) -> Any:
        for node in self.composed.types.values():
            if node.fields.get(declared.name) is declared:
                owner: Any = self.graphql.type_map[node.name]
                return owner.fields[self.composed.camel(declared.name)].type
        raise KeyError(declared.name)


async def _filled(filler: Filler, text: str) -> str:
    return await asyncio.to_thread(filler.fill, text) if filler.takes_long else filler.fill(text)
