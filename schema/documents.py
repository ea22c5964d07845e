"""Documents that have been parsed, validated and planned, kept within a number of bytes.

What a document holds in memory is estimated from what was measured: half a kilobyte for each token, its own text, and
the SQL of its plans. Who sends many large documents pushes out older ones, never the memory of the server.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NamedTypeNode,
    Node,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    Token,
    VariableDefinitionNode,
    get_operation_ast,
    get_variable_values,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from core.errors import Refusal
from schema.limits import check_document, problem
from schema.planning.arguments import Variables
from schema.planning.plan import Plan

MAX_BYTES = 100_000
MAX_TOKENS = 5_000
MAX_ERRORS = 20  # told of one document or of its variables
KEPT_BYTES = 32_000_000
TOKEN_BYTES = 500
SLOT_BYTES = 500
SHAPES = 20  # of the variables of one document
VARIANTS = 4  # of one shape, by the types of the ids in it


_SCHEMA = re.compile(r"\b__(schema|type)\b")
Check = Callable[[DocumentNode], list[GraphQLError]]


class Operation:
    """One of a document."""

    def __init__(self, node: OperationDefinitionNode) -> None:
        self.node = node
        self.name = node.name.value if node.name else None
        self.is_query = node.operation is OperationType.QUERY
        self._variables = [_Variable(definition) for definition in node.variable_definitions or ()]

    def coerce(self, schema: GraphQLSchema, given: Variables) -> Variables | list[GraphQLError]:
        """The values of the variables, or what is wrong with them."""
        found: Variables = {}
        if all(variable.take(given, found) for variable in self._variables):
            return found
        coerced = get_variable_values(schema, self.node.variable_definitions or (), given, max_errors=MAX_ERRORS)
        return coerced if isinstance(coerced, list) else coerced.coerced


class _Variable:
    """Takes a value as it came where that is all that coercion would do: for built-in scalars, and for nothing."""

    def __init__(self, definition: VariableDefinitionNode) -> None:
        self.name = definition.variable.name.value
        self.has_default = definition.default_value is not None
        self.is_required = isinstance(definition.type, NonNullTypeNode)
        named = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
        self.is_plain = _PLAIN.get(named.name.value) if isinstance(named, NamedTypeNode) else None

    def take(self, given: Variables, found: Variables) -> bool:
        """False where graphql-core has to look."""
        value = given.get(self.name)
        if value is not None:
            found[self.name] = value
            return self.is_plain is not None and self.is_plain(value)
        if self.name in given:
            found[self.name] = None
            return not self.is_required
        return not self.is_required and not self.has_default


_PLAIN: dict[str, Callable[[Any], bool]] = {
    "ID": lambda value: type(value) is str,
    "String": lambda value: type(value) is str,
    "Boolean": lambda value: type(value) is bool,
    "Int": lambda value: type(value) is int and -(2**31) <= value < 2**31,
}


@dataclass
class Shape:
    """What is kept of an operation for variables of one shape: its root fields by response key, its plans, and the same
    of the payload of each mutation in it."""

    roots: dict[str, list[FieldNode]]
    plans: list[Plan] = field(default_factory=list)
    payloads: dict[str, Shape] = field(default_factory=dict)

    def payload(self, key: str, roots: Callable[[], dict[str, list[FieldNode]]] = dict) -> Shape:
        found = self.payloads.get(key)
        if found is None:
            found = self.payloads[key] = Shape(roots())
        return found

    @property
    def bytes(self) -> int:
        return sum(map(_plan_bytes, self.plans)) + sum(inner.bytes for inner in self.payloads.values())


@dataclass
class Prepared:
    """A document or why it is none, and its plans. `kept_in` sums the bytes of those it keeps."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...] = ()
    bytes: int = 0
    kept_in: Documents | None = None
    asks_for_schema: bool = False
    shapes: OrderedDict[Any, Shape] = field(default_factory=OrderedDict)
    operations: dict[str | None, Operation] = field(default_factory=dict)

    def operation(self, name: str | None) -> Operation | None:
        """The one of this name, or the only one; None where there is none such."""
        found = self.operations.get(name)
        if found is None and (node := get_operation_ast(self.document, name)) is not None:
            found = self.operations[name] = Operation(node)
        return found

    @cached_property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}

    def shape(self, key: Any, roots: Callable[[], dict[str, list[FieldNode]]]) -> Shape:
        found = self.shapes.get(key)
        if found is None:
            found = self.shapes[key] = Shape(roots())
            while len(self.shapes) > SHAPES:
                _, old = self.shapes.popitem(last=False)
                self._grow(-old.bytes)
        self.shapes.move_to_end(key)
        return found

    def plan(self, shape: Shape, variables: Variables, make: Callable[[], Plan]) -> Plan:
        """The plan of the shape that fits these variables, or a new one."""
        for plan in shape.plans:
            if plan.fits(variables):
                return plan
        made = make()
        shape.plans.append(made)
        self._grow(_plan_bytes(made))
        if len(shape.plans) > VARIANTS:
            self._grow(-_plan_bytes(shape.plans.pop(0)))
        return made

    def _grow(self, size: int) -> None:
        self.bytes += size
        if self.kept_in is not None:
            self.kept_in.bytes += size


def checks_of(schema: GraphQLSchema) -> Check:
    """The limits and the rules of the specification, for documents of this schema."""
    rules = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
    return lambda document: check_document(document) or validate(schema, document, rules, MAX_ERRORS)


def read_document(text: str, check: Check) -> tuple[DocumentNode, list[GraphQLError]]:
    """Parse and check a text; with errors the document is empty."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return DocumentNode(definitions=()), [problem(Refusal("DOCUMENT_TOO_LARGE", limit=MAX_BYTES))]
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
        errors = check(document)
    except GraphQLSyntaxError as error:
        errors = [error]
    except RecursionError:
        errors = [problem(Refusal("DOCUMENT_TOO_DEEP"))]
    return (DocumentNode(definitions=()) if errors else document), errors


def _free(size: int) -> None:
    """What is new costs nobody anything."""


class Documents:
    """One for all contracts that a server answers for; what is invalid is not kept."""

    def __init__(self, limit: int = KEPT_BYTES) -> None:
        self.limit = limit
        self.bytes = 0  # of all that are kept
        self._kept: OrderedDict[tuple[int, bytes], Prepared] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def prepare(self, contract: object, text: str, check: Check, is_new: Callable[[int], None] = _free) -> Prepared:
        """Parse and check a text for a contract, once while it is kept; `is_new` is told its bytes before that."""
        encoded = text.encode("utf-8", "surrogatepass")
        if len(encoded) > MAX_BYTES:
            return _refused(problem(Refusal("DOCUMENT_TOO_LARGE", limit=MAX_BYTES)))
        key = (id(contract), hashlib.sha256(encoded).digest())
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
            return found
        is_new(len(encoded))
        document, errors = read_document(text, check)
        if errors:
            return _refused(*errors)
        held = len(encoded) + TOKEN_BYTES * _drop_tokens(document)
        made = Prepared(document, bytes=held, kept_in=self, asks_for_schema=_SCHEMA.search(text) is not None)
        self._kept[key] = made
        self.bytes += held
        self.keep_within()
        return made

    def keep_within(self) -> None:
        """Push out what was used longest ago; called when a document or a plan was added."""
        while self.bytes > self.limit and self._kept:
            self._drop(next(iter(self._kept)))

    def forget(self, contract: object) -> None:
        """Drop what was prepared for a contract that is served no longer."""
        for key in [k for k in self._kept if k[0] == id(contract)]:
            self._drop(key)

    def _drop(self, key: tuple[int, bytes]) -> None:
        """What is still used of it meanwhile counts no longer."""
        prepared = self._kept.pop(key)
        prepared.kept_in = None
        self.bytes -= prepared.bytes


def _plan_bytes(plan: Plan) -> int:
    return len(plan.sql) + SLOT_BYTES * len(plan.slots)


def _refused(*errors: GraphQLError) -> Prepared:
    return Prepared(DocumentNode(definitions=()), errors)


def _drop_tokens(document: DocumentNode) -> int:
    """Let go of the tokens (half of what a document holds) and count them; lines and columns stay known."""
    count = 0
    token: Token | None = document.loc.start_token if document.loc else None
    while token is not None:
        count, token = count + 1, token.next
    waiting: list[Any] = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (list, tuple)):
            waiting.extend(one)
        elif isinstance(one, Node):
            if one.loc is not None:
                one.loc.start_token = one.loc.end_token = None  # type: ignore[assignment]
            waiting.extend(getattr(one, key, None) for key in one.keys if key != "loc")
    return count
