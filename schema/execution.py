"""From a document to a response: parse and validate once per text, plan once per shape, one statement per operation.

Root fields that a plan covers are answered by text from the database (`Raw`), which graphql-core passes through
untouched; errors and paths stay graphql-core's. A mutation runs its rule first and reads its payload afterwards.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from inspect import isawaitable
from typing import Any

import orjson
import strawberry
import structlog
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute,
    get_operation_ast,
    get_variable_values,
    parse,
    specified_rules,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext, validate_document

from core.access import ANONYMOUS, Acting, PermissionBook, Viewer
from core.accounts import SignIn
from core.clock import Clock
from core.errors import Conflict, NotPermitted, Refusal
from core.ids import from_global, split_global, to_global
from core.models import Actor, Entity
from core.rules.inputs import clean_text
from core.runtime import Command, Performed, Runtime
from core.work import Work
from schema.compose import CommunitySchema, core_schema
from schema.limits import check_document
from schema.mutations import (
    ChangeInput,
    ConflictError,
    MutationDeclaration,
    PermissionError,
    RuleError,
    hash_input,
    ids_in,
    with_ids,
)
from schema.nodes.composed import Root
from schema.nodes.declare import PythonField
from schema.nodes.expressions import Argument, Enabled
from schema.plain import PlainExecutor, Snapshot
from schema.planning.arguments import shape_of
from schema.planning.compile import DISABLED, Compiler, Plan
from schema.planning.emit import emitter_for
from schema.planning.python_fields import Facts, Filler

log = structlog.get_logger("gongzhi.graphql")

MAX_TOKENS = 5_000
DOCUMENTS = 500
RESOLVER_SECONDS = 10.0
TRIED_FROM = 4_000  # characters of SQL
PLANS = 1_000
KEY = 200  # characters of an idempotency key
BATCH_KEY = KEY - 4  # with room for `#199`
BATCH_ROWS = 200
BATCH_SECONDS = 30.0  # then the rows that are left are not tried; the client sends them again


@dataclass(frozen=True)
class Raw:
    """JSON text that is already the completed value of its field."""

    json: str


class PlannedExecutor(StrawberryGraphQLCoreExecutionContext):
    """graphql-core's executor, letting `Raw` through (a private seam: see the contract test)."""

    def complete_value(self, return_type, field_details_list, info, path, result, position_context):  # type: ignore[no-untyped-def]
        if type(result) is Raw:
            return orjson.Fragment(result.json)
        return super().complete_value(return_type, field_details_list, info, path, result, position_context)


class PluginFailed(Exception):
    """A plugin's field, rule or resolver raised something that is no refusal."""

    def __init__(self, plugin: str, cause: BaseException) -> None:
        super().__init__(plugin)
        self.plugin = plugin
        self.cause = cause


@dataclass
class RequestContext:
    """What resolvers and parameters may know of a request."""

    graphql: GraphQL
    viewer: Viewer = ANONYMOUS
    language: str = "zh-CN"
    variables: dict[str, Any] = field(default_factory=dict)
    fragments: dict[str, FragmentDefinitionNode] = field(default_factory=dict)
    planned: dict[str, Raw | Exception] = field(default_factory=dict)
    fresh: bool = False  # the rows of a payload have just been changed by this viewer
    address: str = ""
    snapshot: Snapshot | None = None
    root_area: uuid.UUID | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.clock.now()

    @property
    def book(self) -> PermissionBook:
        return self.graphql.runtime.book

    @property
    def clock(self) -> Clock:
        return self.graphql.runtime.clock


@dataclass(frozen=True)
class Prepared:
    document: DocumentNode
    errors: tuple[GraphQLError, ...]


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
        except Exception as error:
            info.context.graphql.runtime.kernel.health.failed(plugin, f"field {name}")
            raise PluginFailed(plugin, error) from error

    return contained


class GraphQL:
    """Executes operations against one composed schema."""

    def __init__(self, schema: CommunitySchema, runtime: Runtime, sign_in: SignIn | None = None) -> None:
        self.schema = schema
        self.graphql = core_schema(schema)
        self.composed = schema.composed
        self.runtime = runtime
        self.sign_in = sign_in or SignIn(runtime)
        self.emitter = emitter_for(runtime.database.dialect)
        self.plain = PlainExecutor(schema.composed)
        self.rules = tuple(specified_rules)
        self._documents: OrderedDict[str, Prepared] = OrderedDict()
        self._plans: OrderedDict[Any, list[Plan]] = OrderedDict()
        if not schema.has_resolvers:
            _set_resolvers(schema)

    async def source_rows(self, root: Root, context: RequestContext, arguments: dict[str, Any]) -> Any:
        """Rows of a computed list for the plain executor: its SQL, run as it stands."""
        if root.node.source is None:
            return None
        assert context.snapshot is not None
        for spec in root.node.source.arguments.values():
            if spec.names_area and root.plugin != "core":
                area = Argument(None, "uuid", spec.bind(arguments.get(spec.of), context))
                if not Enabled(root.plugin, area).evaluate({}, context.snapshot):
                    return None
        sql, values = root.node.source.sql, []
        for name, spec in root.node.source.arguments.items():
            values.append(spec.bind(arguments.get(spec.of), context))
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

    def prepare(self, text: str) -> Prepared:
        """Parse and validate, once per text."""
        found = self._documents.get(text)
        if found is not None:
            self._documents.move_to_end(text)
            return found
        try:
            document = parse(text, max_tokens=MAX_TOKENS, no_location=False)
            errors = tuple(check_document(document) or validate_document(self.graphql, document, self.rules))
        except GraphQLSyntaxError as error:
            return Prepared(DocumentNode(definitions=()), (error,))
        except RecursionError:
            return Prepared(DocumentNode(definitions=()), (GraphQLError("The document is nested too deeply."),))
        made = Prepared(document, errors)
        self._documents[text] = made
        if len(self._documents) > DOCUMENTS:
            self._documents.popitem(last=False)
        return made

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
        address: str = "",
    ) -> dict[str, Any]:
        """The response as a dict for orjson. `plain` answers by the plain executor (tests only)."""
        prepared = self.prepare(text)
        if prepared.errors:
            return {"errors": [self._request_error(e, language) for e in prepared.errors[:20]]}
        operation = get_operation_ast(prepared.document, operation_name)
        if operation is None:
            return _request_refused("BAD_OPERATION_NAME", "Name one of the document's operations in operationName.")
        context = RequestContext(self, viewer, language, root_area=root_area, address=address)
        context.fragments = {
            d.name.value: d for d in prepared.document.definitions if isinstance(d, FragmentDefinitionNode)
        }
        if operation.operation is OperationType.QUERY:
            if plain:
                facts = await self._facts(context)
                context.snapshot = await Snapshot.take(
                    self.runtime.database, viewer, self.runtime.kernel, root_area, facts
                )
            else:
                coerced = get_variable_values(
                    self.graphql, operation.variable_definitions or (), variables or {}, max_errors=20
                )
                if isinstance(coerced, list):
                    return {"errors": [self._request_error(e, language, "BAD_VARIABLES") for e in coerced]}
                context.variables = coerced.coerced
                await self._plan_and_read(prepared.document, operation, context)
        elif only_query:
            return _request_refused("MUTATION_OVER_GET", "Send mutations by POST.")
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
        response = self._response(result, language)
        if context.errors:
            response["errors"] = [*response.get("errors", []), *context.errors]
        if context.notices:
            response["extensions"] = {"notices": context.notices}
        return response

    async def _plan_and_read(
        self, document: DocumentNode, operation: OperationDefinitionNode, context: RequestContext
    ) -> None:
        try:
            plan = self.plan(document, operation, context)
            if not plan.keys:
                return
            self._notice(plan.plugins, context)
            try:
                answers = await self.run(plan, context)
            except Refusal:
                raise
            except Exception as error:
                answers = await self._read_without_failing(plan, document, operation, context, error)
            context.planned = dict(answers)
        except Refusal:
            await self._read_one_by_one(document, operation, context)

    async def _read_without_failing(
        self,
        plan: Plan,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        context: RequestContext,
        error: Exception,
    ) -> dict[str, Raw | Exception]:
        """A statement with plugin fields failed: read again without them, one plugin at a time, and name the one."""
        for plugin in sorted(plan.plugins):
            try:
                _, groups = self._compiler(document, operation, context)
                keys = [k for k, (root, _) in groups.items() if root.plugin != plugin]
                smaller = self._compile(document, operation, context, only=keys, without=frozenset({plugin}))
                answers = await self.run(smaller, context) if keys else {}
            except Exception:
                continue
            self.runtime.kernel.health.failed(plugin, f"statement: {type(error).__name__}")
            failed = PluginFailed(plugin, error)
            for key in plan.keys:
                if key not in answers:
                    answers[key] = failed
            if all(not isinstance(a, PluginFailed) for a in answers.values()):
                context.errors.append(self._plugin_error(failed, context.language))
            return answers
        raise error

    async def _read_one_by_one(
        self, document: DocumentNode, operation: OperationDefinitionNode, context: RequestContext
    ) -> None:
        """One root's argument was refused: let the others answer, and give that root its error."""
        _, groups = self._compiler(document, operation, context)
        for key in groups:
            try:
                plan = self._compile(document, operation, context, only=[key])
                context.planned[key] = (await self.run(plan, context))[key]
            except Refusal as refusal:
                context.planned[key] = refusal

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
        store, database = self.runtime.kernel.settings, self.runtime.database
        version = await store.version(database.fetch) if settings else store.current.version
        if version != store.current.version:
            store.keep(await store.read(database.fetch, database.dialect.mark, version))
        return Facts(self.runtime.kernel, store.current, context.now, context.language)

    def _compiler(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        context: RequestContext,
        without: frozenset[str] = frozenset(),
    ) -> tuple[Compiler, dict[str, tuple[Root, list[FieldNode]]]]:
        compiler = Compiler(self.composed, self.graphql, self.emitter, context.fragments, context.variables, without)
        groups = {
            key: (self.composed.roots[nodes[0].name.value], nodes)
            for key, nodes in compiler._collect([operation.selection_set], None).items()
            if nodes[0].name.value in self.composed.roots
        }
        return compiler, groups

    def _compile(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        context: RequestContext,
        only: Sequence[str] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> Plan:
        compiler, groups = self._compiler(document, operation, context, without)
        keys = [k for k in groups if only is None or k in only]
        return compiler.plan([compiler.root(*groups[key]) for key in keys], keys)

    def plan(self, document: DocumentNode, operation: OperationDefinitionNode, context: RequestContext) -> Plan:
        """The plan for this operation and shape of variables, compiled once; who asks never matters."""
        key = (id(document), operation.name.value if operation.name else None, shape_of(context.variables))
        kept = self._plans.get(key, [])
        for plan in kept:
            if plan.document is document and plan.fits(context.variables):
                self._plans.move_to_end(key)
                return plan
        made = self._compile(document, operation, context)
        made.document = document
        self._plans[key] = [*kept[-3:], made]
        if len(self._plans) > PLANS:
            self._plans.popitem(last=False)
        return made

    async def run(self, plan: Plan, context: RequestContext) -> dict[str, Raw | Exception]:
        """Bind and run: one statement, one JSON text per root, or why there is none."""
        for check in plan.checks:
            check(context)
        values = [slot.value(context) for slot, _ in plan.slots]
        try:
            row = (await self.runtime.database.read(plan.sql, values))[0]
        except sqlite3.OperationalError as error:
            if "parser stack overflow" in str(error):  # SQLite before 3.46: docs/decisions/0004
                raise Refusal("SELECTION_TOO_DEEP") from error
            raise
        filler = await self._filler(plan, context) if plan.python else None
        answers: dict[str, Raw | Exception] = {}
        for key, text in zip(plan.keys, row, strict=True):
            if text is None:
                answers[key] = Raw("null")
            elif text.startswith(DISABLED):
                answers[key] = Refusal("PLUGIN_DISABLED", plugin=text.removeprefix(DISABLED))
            else:
                answers[key] = Raw(filler.fill(text) if filler else text)
        return answers

    async def _filler(self, plan: Plan, context: RequestContext) -> Filler:
        fragments = context.fragments
        compiler = Compiler(self.composed, self.graphql, self.emitter, fragments, context.variables)
        types = {id(f): self._python_type(f) for f, _ in plan.python}
        facts = await self._facts(context, settings=any(f.settings for f, _ in plan.python))
        return Filler(plan.python, facts, lambda sets: compiler._collect(sets, None), lambda f: types[id(f)])

    def _python_type(self, declared: PythonField) -> Any:
        """The GraphQL type of a Python-computed field, from the type that carries it."""
        for node in self.composed.types.values():
            if node.fields.get(declared.name) is declared:
                owner: Any = self.graphql.type_map[node.name]
                return owner.fields[self.composed.camel(declared.name)].type
        raise KeyError(declared.name)

    # --- mutations ---------------------------------------------------------------------------------------

    async def run_mutation(self, declared: MutationDeclaration, input: Any, info: Any) -> Payload:
        """Run a declared mutation and read its payload; refusals become the payload's `errors`."""
        context: RequestContext = info._raw_info.context
        try:
            sets = [n.selection_set for n in info._raw_info.field_nodes if n.selection_set]
            payload = self._payload(declared, info._raw_info, {"": sets})
            await self._try_payload(payload, context)
            command = self._command(declared.name, input, input.idempotency_key, context)
        except Refusal as refusal:
            return Payload({}, [self.user_error(refusal, context.language)])
        return await self._perform(declared, command, input, payload, context)

    async def run_batch(self, declared: MutationDeclaration, input: Any, info: Any) -> BatchPayload:
        """Run a declared mutation for each row, one unit of work after the other; a refused row leaves no trace.

        With a key each row has one of its own (`key#row`), so that the same batch again repeats nothing.
        """
        raw_info = info._raw_info
        context: RequestContext = raw_info.context
        assert declared.batch is not None
        key, rows = input.idempotency_key, input.rows
        try:
            if not context.viewer.signed_in:
                raise Refusal("NOT_SIGNED_IN")
            if not 1 <= len(rows) <= BATCH_ROWS:
                raise Refusal("BATCH_SIZE", path=("rows",), limit=BATCH_ROWS, given=len(rows))
            if key is not None and not 1 <= len(key) <= BATCH_KEY:
                raise Refusal("BAD_IDEMPOTENCY_KEY", path=("idempotencyKey",))
            payload = self._payload(declared, raw_info, self._inside(raw_info, "results"))
            await self._try_payload(payload, context)
        except Refusal as refusal:
            return BatchPayload([], [self.user_error(refusal, context.language)])
        ends = asyncio.get_running_loop().time() + BATCH_SECONDS
        results: list[BatchRow] = []
        stopped = False
        for number, row in enumerate(rows):
            if stopped or asyncio.get_running_loop().time() > ends:
                done = Payload({}, [self.user_error(Refusal("NOT_TRIED"), context.language)])
            else:
                own = row.idempotency_key if key is None else f"{key}#{number}"
                try:
                    command = self._command(declared.batch.name, row, own, context)
                    done = await self._perform(declared, command, row, payload, context)
                except Refusal as refusal:
                    done = Payload({}, [self.user_error(refusal, context.language)])
            results.append(BatchRow(number, done.planned, done.errors))
            stopped = stopped or (bool(done.errors) and input.stop_on_error)
        return BatchPayload(results, [])

    async def _perform(
        self, declared: MutationDeclaration, command: Command, input: Any, payload: PayloadPlan, context: RequestContext
    ) -> Payload:
        try:
            outcome = await self.runtime.perform(command, _rule(declared, input))
        except Refusal as refusal:
            return Payload({}, [self.user_error(refusal, context.language)])
        except Exception as error:
            if declared.plugin == "core":
                raise
            self.runtime.kernel.health.failed(declared.plugin, f"mutation {self.composed.camel(declared.name)}")
            raise PluginFailed(declared.plugin, error) from error
        return Payload(await self._read_payload(payload, outcome, context), [])

    def _command(self, mutation: str, input: Any, key: str | None, context: RequestContext) -> Command:
        if not context.viewer.signed_in:
            raise Refusal("NOT_SIGNED_IN")
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
        )

    def _inside(self, info: Any, name: str) -> dict[str, list[SelectionSetNode]]:
        """What is selected inside the payload's field `name`, by the response keys it was asked under."""
        context: RequestContext = info.context
        compiler = Compiler(self.composed, self.graphql, self.emitter, context.fragments, info.variable_values)
        groups = compiler._collect([n.selection_set for n in info.field_nodes if n.selection_set], None)
        return {
            f"{key} ": [n.selection_set for n in nodes if n.selection_set]
            for key, nodes in groups.items()
            if nodes[0].name.value == name
        }

    def _payload(
        self, declared: MutationDeclaration, info: Any, selected: dict[str, list[SelectionSetNode]]
    ) -> PayloadPlan:
        """The payload's selection, compiled before the rule runs, so that nothing is wrong with it afterwards; each
        node under its response key, behind the key that its selection came with."""
        context: RequestContext = info.context
        context.variables = info.variable_values
        compiler = Compiler(self.composed, self.graphql, self.emitter, context.fragments, info.variable_values)
        columns: list[str] = []
        keys: list[str] = []
        ids: dict[str, Any] = {}
        found = [
            (before + key, nodes)
            for before, sets in selected.items()
            for key, nodes in compiler._collect(sets, None).items()
        ]
        for key, nodes in found:
            name = nodes[0].name.value
            python = next((n for n in declared.returns if self.composed.camel(n) == name), None)
            if python is None:
                continue
            node = self.composed.type_of(declared.returns[python])
            inner: Sequence[SelectionSetNode] = [n.selection_set for n in nodes if n.selection_set]
            columns.append(compiler.by_id(node, lambda p=python: ids.get(p), list(inner)))  # type: ignore[misc]
            keys.append(key)
        return PayloadPlan(compiler.plan(columns, keys) if columns else None, ids)

    async def _try_payload(self, payload: PayloadPlan, context: RequestContext) -> None:
        """Refuse what the payload's arguments make impossible; long SQL is tried on no row (SQLite's parser is small)."""
        if payload.plan is None:
            return
        for check in payload.plan.checks:
            check(context)
        if len(payload.plan.sql) > TRIED_FROM and self.runtime.database.dialect.name == "sqlite":
            await self.run(payload.plan, context)

    async def _read_payload(
        self, payload: PayloadPlan, outcome: Performed, context: RequestContext
    ) -> dict[str, Raw | Exception]:
        """The selected nodes of the payload, in one statement."""
        if payload.plan is None:
            return {}
        payload.ids.clear()
        payload.ids.update({name: split_global(id)[1] for name, id in outcome.outcome.items()})
        context.fresh, context.viewer = not outcome.replayed, outcome.viewer
        return await self.run(payload.plan, context)

    # --- errors ------------------------------------------------------------------------------------------

    def user_error(self, refusal: Refusal, language: str) -> Any:
        message = self.runtime.messages.render(refusal.code, language, refusal.values)
        path = list(refusal.path)
        if isinstance(refusal, NotPermitted):
            return PermissionError(
                code=refusal.code, message=message, path=path, permission=refusal.permission, reason=refusal.reason
            )
        if isinstance(refusal, Conflict):
            current: Entity = refusal.current
            return ConflictError(
                code=refusal.code,
                message=message,
                path=path,
                expected_version=refusal.values["expected"],
                actual_version=refusal.values["actual"],
                current_id=strawberry.ID(to_global(current.tag, current.id)),
            )
        return RuleError(code=refusal.code, message=message, path=path)

    def _response(self, result: ExecutionResult, language: str) -> dict[str, Any]:
        response: dict[str, Any] = {}
        if result.errors:
            response["errors"] = [self._execution_error(e, language) for e in result.errors]
        if result.data is not None or not result.errors:
            response["data"] = result.data
        elif any(e.path for e in result.errors):
            response["data"] = None
        return response

    def _execution_error(self, error: GraphQLError, language: str) -> dict[str, Any]:
        original = error.original_error
        while isinstance(original, GraphQLError):
            original = original.original_error
        if isinstance(original, Refusal):
            message = self.runtime.messages.render(original.code, language, original.values)
            return _formatted(error, message, original.code)
        if isinstance(original, PluginFailed):
            return _formatted(error, "", "PLUGIN_FAILED") | self._plugin_error(original, language)
        if original is None:
            return self._request_error(error, language, "BAD_VARIABLES" if not error.path else "BAD_REQUEST")
        return _formatted(error, "", "INTERNAL_ERROR") | self.internal_error(original, language)

    def internal_error(self, error: BaseException, language: str) -> dict[str, Any]:
        """A fault of ours: the log has it in full, the client gets a number to mention."""
        number = uuid.uuid4().hex[:12]
        log.error("request failed", error_id=number, exc_info=error)
        message = self.runtime.messages.render("INTERNAL_ERROR", language, {"id": number})
        return {"message": message, "extensions": {"code": "INTERNAL_ERROR", "id": number}}

    def _plugin_error(self, failed: PluginFailed, language: str) -> dict[str, Any]:
        """A plugin's fault: everybody else's fields are served, and the log has it in full."""
        number = uuid.uuid4().hex[:12]
        log.error("plugin failed", plugin=failed.plugin, error_id=number, exc_info=failed.cause)
        message = self.runtime.messages.render("PLUGIN_FAILED", language, {"plugin": failed.plugin, "id": number})
        return {"message": message, "extensions": {"code": "PLUGIN_FAILED", "plugin": failed.plugin, "id": number}}

    def _request_error(self, error: GraphQLError, language: str, code: str | None = None) -> dict[str, Any]:
        if error.extensions and "code" in error.extensions:
            code = str(error.extensions["code"])
        if code is None:
            code = "PARSE_FAILED" if isinstance(error, GraphQLSyntaxError) else "VALIDATION_FAILED"
        return _formatted(error, error.message, code)


@dataclass(frozen=True)
class PayloadPlan:
    """How a payload will be read; the rows' ids come from the rule."""

    plan: Plan | None
    ids: dict[str, Any]


@dataclass(frozen=True)
class Payload:
    """A mutation's payload: planned nodes by response key, and why nothing changed."""

    planned: dict[str, Raw | Exception]
    errors: list[Any]


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


def _rule(declared: MutationDeclaration, input: Any) -> Any:
    async def rule(work: Work) -> dict[str, str]:
        merged = await work.merged(split_global(id)[1] for id in ids_in(input, Actor.tag))
        rows = await declared.call(work, with_ids(input, Actor.tag, merged) if merged else input)
        return {name: to_global(row.tag, row.id) for name, row in rows.items()}

    return rule


def _formatted(error: GraphQLError, message: str, code: str) -> dict[str, Any]:
    formatted: dict[str, Any] = {"message": message, "extensions": {"code": code}}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path:
        formatted["path"] = list(error.path)
    return formatted


def _request_refused(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
