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
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Node,
    Token,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from core.errors import Refusal
from schema.limits import check_document, problem
from schema.planning.arguments import Variables
from schema.planning.compile import Plan

MAX_BYTES = 100_000
MAX_TOKENS = 5_000
MAX_ERRORS = 20  # told of one document or of its variables
KEPT_BYTES = 32_000_000
TOKEN_BYTES = 500
SLOT_BYTES = 500
PLANS = 20  # of one document, by the shape of its variables
VARIANTS = 4  # of one shape, by the types of the ids in it


_SCHEMA = re.compile(r"\b__(schema|type)\b")
Check = Callable[[DocumentNode], list[GraphQLError]]


@dataclass
class Prepared:
    """A document or why it is none, and its plans."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...] = ()
    bytes: int = 0
    asks_for_schema: bool = False
    plans: OrderedDict[Any, list[Plan]] = field(default_factory=OrderedDict)

    def plan(self, key: Any, variables: Variables, make: Callable[[], Plan]) -> Plan:
        """The plan kept under `key` that fits these variables, or a new one."""
        kept = self.plans.setdefault(key, [])
        self.plans.move_to_end(key)
        for plan in kept:
            if plan.fits(variables):
                return plan
        made = make()
        kept.append(made)
        self.bytes += _plan_bytes(made)
        if len(kept) > VARIANTS:
            self.bytes -= _plan_bytes(kept.pop(0))
        while len(self.plans) > PLANS:
            _, old = self.plans.popitem(last=False)
            self.bytes -= sum(_plan_bytes(plan) for plan in old)
        return made


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
        self._kept: OrderedDict[tuple[int, bytes], Prepared] = OrderedDict()

    @property
    def bytes(self) -> int:
        return sum(prepared.bytes for prepared in self._kept.values())

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
        made = Prepared(document, bytes=held, asks_for_schema=_SCHEMA.search(text) is not None)
        self._kept[key] = made
        self.keep_within()
        return made

    def keep_within(self) -> None:
        """Push out what was used longest ago; called when a document or a plan was added."""
        held = self.bytes
        while held > self.limit and self._kept:
            held -= self._kept.popitem(last=False)[1].bytes

    def forget(self, contract: object) -> None:
        """Drop what was prepared for a contract that is served no longer."""
        for key in [k for k in self._kept if k[0] == id(contract)]:
            del self._kept[key]


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
